//! Discs that are made to hurt: as large as the limits allow, and larger. One test, alone in its
//! process, because it watches the memory of it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "how long it takes, and how much memory, is measured and told"
)]

mod support;

use disc::{Disc, DiscError, Limits, ReadAt};
use std::fs;
use std::time::{Duration, Instant};
use support::udf::{Ads, Anchor, Form, Named, Piece, Writer, directory, named};

/// What reading one image may add to the memory of the process.
const MEMORY_MAX_KB: u64 = 64 << 10;
/// And how long it may take, on a busy machine and with all checks on.
const TIME_MAX: Duration = Duration::from_secs(30);

fn status_kb(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Reads an image and looks at what that takes.
fn measured(what: &str, image: &dyn ReadAt) -> Result<Disc, DiscError> {
    // Forgets the peak so far (proc(5)).
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, start) = (status_kb("VmRSS:"), Instant::now());
    let result = Disc::open(image, Limits::default());
    let (grown, took) = (status_kb("VmHWM:").saturating_sub(before), start.elapsed());
    println!("{what}: {grown} kB, {took:?}");
    assert!(grown < MEMORY_MAX_KB, "{what}: {grown} kB");
    assert!(took < TIME_MAX, "{what}: {took:?}");
    result
}

fn names(count: usize, length: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("\u{8}{n:0>length$}").into_bytes()).collect()
}

/// Directories within directories, each of them many times: a tree without end in a few KB.
fn shared_directories() -> Vec<u8> {
    let mut writer = Writer::new(2048, 0x201, false);
    let levels: Vec<u32> = (0..40).map(|_| writer.reserve()).collect();
    let names = names(40, 200);
    for pair in levels.windows(2) {
        let entries: Vec<Named<'_>> = names.iter().map(|name| directory(name, pair[1])).collect();
        writer.directory(pair[0], pair[0], Form::directory(), &entries);
    }
    writer.directory(levels[39], levels[38], Form::directory(), &[]);
    writer.finish(levels[0], Anchor::Last)
}

/// One directory with so many files, each of two extents.
fn many_files(count: usize, length: usize) -> Vec<u8> {
    let mut writer = Writer::new(2048, 0x201, false);
    let (root, icb) = (writer.reserve(), writer.reserve());
    writer.icb(icb, Form::file(Ads::Short), &[Piece::Bytes(&[1; 2048]), Piece::Bytes(&[2; 2048])]);
    let names = names(count, length);
    let entries: Vec<Named<'_>> = names.iter().map(|name| named(name, icb)).collect();
    writer.directory(root, root, Form::directory(), &entries);
    writer.finish(root, Anchor::Last)
}

/// A directory of ISO 9660 with as many files as fit, and a length that says more.
fn plain_directory(sectors: u32) -> Vec<u8> {
    let mut image = vec![0; 20 * 2048];
    let both = |at: &mut [u8], number: u32| {
        at[..4].copy_from_slice(&number.to_le_bytes());
        at[4..8].copy_from_slice(&number.to_be_bytes());
    };
    let record = |name: &[u8], place: u32, length: u32, flags: u8| {
        let mut record = vec![0; (33 + name.len()).next_multiple_of(2)];
        record[0] = u8::try_from(record.len()).unwrap();
        both(&mut record[2..10], place);
        both(&mut record[10..18], length);
        record[25] = flags;
        record[32] = u8::try_from(name.len()).unwrap();
        record[33..33 + name.len()].copy_from_slice(name);
        record
    };
    let root = record(b"\0", 20, sectors * 2048, 2);
    let primary = &mut image[16 * 2048..17 * 2048];
    primary[..6].copy_from_slice(b"\x01CD001");
    primary[128..130].copy_from_slice(&2048_u16.to_le_bytes());
    primary[156..190].copy_from_slice(&root);
    image[17 * 2048..17 * 2048 + 6].copy_from_slice(b"\xffCD001");
    let mut number = 0_u32;
    for sector in 0..sectors {
        let mut bytes = if sector == 0 { root.clone() } else { Vec::new() };
        while bytes.len() + 40 <= 2048 {
            bytes.extend(record(format!("{number:06}").as_bytes(), 1, 9, 0));
            number += 1;
        }
        bytes.resize(2048, 0);
        image.extend(bytes);
    }
    image
}

#[test]
fn the_costliest_discs_end_at_a_limit_in_time_and_memory() {
    let disc = measured("as many files as may be", &many_files(99_998, 41)).unwrap();
    assert_eq!(disc.walk().count(), 99_998);
    let disc = measured("as many in ISO 9660", &plain_directory(1950)).unwrap();
    assert!(disc.walk().count() > 95_000);

    let limit = |what: &str, image: Vec<u8>, limit: &str| {
        let error = measured(what, &image).unwrap_err().to_string();
        assert!(error.contains(&format!("of `{limit}`")), "{what}: {error}");
    };
    limit("shared directories", shared_directories(), "names_bytes_max");
    limit("more files than may be", many_files(100_001, 41), "entries_max");
    limit("more bytes of names than may be", many_files(45_000, 200), "directory_bytes_max");
    limit("a directory of ISO 9660 without end", plain_directory(4097), "directory_bytes_max");
    limit("more files in ISO 9660 than may be", plain_directory(2000), "entries_max");
}
