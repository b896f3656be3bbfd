//! Files packed by gzip, xz and zstd, at every setting that people use, and bombs.

mod support;

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use support::{Chance, able, fed, shell};
use tempfile::TempDir;
use unpack::{Decompress, Limits, Packing, UnpackError};

fn whole(packed: &[u8], limits: Limits) -> Result<Vec<u8>, UnpackError> {
    let mut bytes = Vec::new();
    Decompress::new(packed, limits)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Bytes as images have them: chance, text, holes.
fn image() -> Vec<u8> {
    let mut chance = Chance::new(5);
    let mut bytes = chance.bytes(300_000);
    bytes.resize(900_000, 0);
    for number in 0..20_000 {
        bytes.extend(format!("line {number}\n").bytes());
    }
    bytes.extend(chance.bytes(70_001));
    bytes
}

fn packed(dir: &Path, command: &str) -> Vec<u8> {
    shell(&format!("{{ {command}; }} > out"), dir);
    fs::read(dir.join("out")).unwrap()
}

#[test]
fn every_setting_gives_every_byte() {
    if !able(&["gzip", "xz", "zstd"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let image = image();
    fs::write(dir.path().join("in"), &image).unwrap();
    fs::write(dir.path().join("empty"), []).unwrap();
    for (command, packing) in [
        ("gzip -1 < in", Packing::Gzip),
        ("gzip -9n < in", Packing::Gzip),
        ("gzip -N -c in", Packing::Gzip),
        ("split -b 300000 --filter='gzip' in", Packing::Gzip),
        ("xz -0 < in", Packing::Xz),
        ("xz -9e < in", Packing::Xz),
        ("xz --check=none < in", Packing::Xz),
        ("xz --check=sha256 --block-size=100000 < in", Packing::Xz),
        ("xz -T2 --x86 --lzma2 < in", Packing::Xz),
        ("split -b 300000 --filter='xz' in; head -c 512 /dev/zero", Packing::Xz),
        ("zstd -1 < in", Packing::Zstd),
        ("zstd -19 -q < in", Packing::Zstd),
        ("zstd --ultra -22 -q < in", Packing::Zstd),
        ("zstd --long=27 -q --no-check in -c", Packing::Zstd),
        ("split -b 300000 --filter='zstd -q' in", Packing::Zstd),
        ("printf '\\x5f\\x2a\\x4d\\x18\\x04\\0\\0\\0abcd'; zstd -q < in", Packing::Zstd),
        ("gzip < in; head -c 70000 /dev/zero", Packing::Gzip),
    ] {
        let bytes = packed(dir.path(), command);
        assert!(whole(&bytes, Limits::default()).unwrap() == image, "{command}");
        let mut unpack = Decompress::new(&bytes[..], Limits::default()).unwrap();
        assert_eq!(unpack.packing(), Some(packing), "{command}");
        io::copy(&mut unpack, &mut io::sink()).unwrap();
        assert_eq!(unpack.packed_bytes(), bytes.len() as u64, "{command}");
        assert_eq!(unpack.unpacked_bytes(), image.len() as u64, "{command}");
        let empty = packed(dir.path(), &command.replace(" in", " empty"));
        if !command.starts_with("split") {
            assert_eq!(whole(&empty, Limits::default()).unwrap(), b"", "{command}");
        }
    }
    // What is not packed comes out as it is.
    assert!(whole(&image, Limits::default()).unwrap() == image);
    assert_eq!(Decompress::new(&image[..], Limits::default()).unwrap().packing(), None);
}

#[test]
fn a_reader_that_gives_a_byte_at_a_time_changes_nothing() {
    if !able(&["gzip", "xz", "zstd"]) {
        return;
    }
    struct Slow<'b>(&'b [u8], bool);
    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let most = into.len().min(1);
            self.0.read(&mut into[..most])
        }
    }
    let dir = TempDir::new().unwrap();
    for command in ["gzip", "xz", "zstd -q"] {
        fs::write(dir.path().join("in"), b"abc".repeat(5000)).unwrap();
        let bytes = packed(dir.path(), &format!("{command} < in; {command} < in"));
        let mut unpack = Decompress::new(Slow(&bytes, false), Limits::default()).unwrap();
        let mut out = Vec::new();
        unpack.read_to_end(&mut out).unwrap();
        assert!(out == b"abc".repeat(10_000), "{command}");
    }
}

#[test]
fn damage_and_cuts_are_told() {
    if !able(&["gzip", "xz", "zstd"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("in"), &image()[200_000..500_000]).unwrap();
    for command in ["gzip", "xz", "zstd -q"] {
        let bytes = packed(dir.path(), &format!("{command} < in"));
        for part in 1..40 {
            let length = bytes.len() * part / 40;
            let error = whole(&bytes[..length], Limits::default()).unwrap_err();
            assert!(matches!(error, UnpackError::CutShort { .. }), "{command}, {length}: {error}");
            assert!(error.to_string().contains("cut short"), "{error}");
        }
        // The last byte is a checksum's in each of them.
        let last = bytes.len() - 1;
        assert!(whole(&bytes[..last], Limits::default()).is_err(), "{command}");
        let mut bent = bytes.clone();
        bent[last / 2] ^= 0x10;
        let error = whole(&bent, Limits::default()).unwrap_err().to_string();
        assert!(
            error.contains(" is damaged: ") || error.contains("cut short"),
            "{command}: {error}"
        );
        for more in [&b"x"[..], b"\0\0hidden", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0"] {
            let with = [&bytes[..], more].concat();
            let error = whole(&with, Limits::default()).unwrap_err().to_string();
            assert!(
                error.contains("other bytes follow the end") || error.contains("cut short"),
                "{command}: {error}"
            );
        }
    }
}

#[test]
fn what_is_not_read_is_told_with_what_to_do() {
    for (head, hint) in [
        (&b"BZh91AY&SY"[..], "bunzip2"),
        (b"\x04\x22\x4d\x18", "unlz4"),
        (b"\x02\x21\x4c\x18", "unlz4"),
        (b"\x5d\0\0\x80\0\xff\xff", "unlzma"),
        (b"\x89LZO\0\r\n\x1a\n", "lzop -d"),
        (b"LZIP\x01", "lzip -d"),
    ] {
        let error = Decompress::new(head, Limits::default()).unwrap_err().to_string();
        assert!(error.contains("is not read by this program") && error.contains(hint), "{error}");
    }
}

#[test]
fn a_window_larger_than_the_limit_is_refused() {
    if !able(&["xz", "zstd"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("in"), image()).unwrap();
    let wide = packed(dir.path(), "zstd --long=28 -q < in");
    let error = whole(&wide, Limits::default()).unwrap_err().to_string();
    assert!(error.contains("zstd decoder asks for more than 134217728"), "{error}");
    let limits = Limits { decoder_bytes_max: 512 << 20, ..Limits::default() };
    assert_eq!(whole(&wide, limits).unwrap().len(), image().len());

    let wide = packed(dir.path(), "xz --lzma2=dict=256MiB < in");
    let error = whole(&wide, Limits::default()).unwrap_err().to_string();
    assert!(error.contains("of `decoder_bytes_max`"), "{error}");
    assert_eq!(whole(&wide, limits).unwrap().len(), image().len());
}

#[test]
fn limits_end_what_comes_out() {
    if !able(&["gzip", "xz", "zstd"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    fed("bash", &["-c", "head -c 30M /dev/zero > in"], dir.path(), "");
    for command in ["gzip", "xz", "zstd -q", "split -b 1M --filter='zstd -q'"] {
        let from = if command.starts_with("split") { "in" } else { "< in" };
        let bytes = packed(dir.path(), &format!("{command} {from}"));
        let limits = Limits { unpacked_bytes_max: 20 << 20, ..Limits::default() };
        let error = whole(&bytes, limits).unwrap_err().to_string();
        assert!(error.contains("more than 20971520 of `unpacked_bytes_max`"), "{error}");
        let limits = Limits { ratio_free_bytes: 10 << 20, ..Limits::default() };
        let error = whole(&bytes, limits).unwrap_err().to_string();
        assert!(error.contains("more than 200 of `ratio_max`"), "{error}");
        // A disk image may start with that many zeros.
        assert_eq!(whole(&bytes, Limits::default()).unwrap().len(), 30 << 20);
    }
    // A reader that failed does not start again.
    let bytes = packed(dir.path(), "gzip < in");
    let limits = Limits { unpacked_bytes_max: 1000, ..Limits::default() };
    let mut unpack = Decompress::new(&bytes[..], limits).unwrap();
    assert!(unpack.read_to_end(&mut Vec::new()).is_err());
    assert!(unpack.read(&mut [0; 10]).is_err());
    let many = packed(dir.path(), "for n in $(seq 20); do echo $n | gzip; done");
    let limits = Limits { members_max: 10, ..Limits::default() };
    let error = whole(&many, limits).unwrap_err().to_string();
    assert!(error.contains("of `members_max`"), "{error}");
}
