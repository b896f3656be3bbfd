//! Archives made by GNU tar and by Python's tarfile, read back; and those that nobody honest makes.

#![expect(clippy::disallowed_types, reason = "archives are in files")]

mod support;

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use support::{All, Kept, able, fed, file, run, same, sample, shell, unpack_tar};
use tempfile::TempDir;
use unpack::{Dialect, Kind, Limits, Packing, Tar, UnpackError, kind};

fn of_file(path: &Path) -> Result<All, UnpackError> {
    unpack_tar(fs::File::open(path).unwrap(), Limits::default()).map(|(all, _)| all)
}

#[test]
fn every_dialect_and_packing_gives_every_byte() {
    if !able(&["tar", "gzip", "xz", "zstd"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    sample(&source);
    for (format, dialect) in [
        ("ustar", Dialect::Ustar),
        ("gnu", Dialect::Gnu),
        ("pax", Dialect::Pax),
        ("oldgnu", Dialect::Gnu),
    ] {
        for (flag, packing) in [
            ("", None),
            ("-z", Some(Packing::Gzip)),
            ("-J", Some(Packing::Xz)),
            ("--zstd", Some(Packing::Zstd)),
        ] {
            let format_arg = format!("--format={format}");
            let mut args = vec!["-cf", "a.tar", "-C", "source", &format_arg];
            args.extend(Some(flag).filter(|flag| !flag.is_empty()));
            if format == "ustar" {
                // Names and targets that ustar cannot hold.
                args.extend(["--exclude=far", "--exclude=long/*"]);
                fs::remove_file(source.join("far")).unwrap_or_default();
                let _ = fs::remove_dir_all(source.join("long"));
            }
            args.push(".");
            run("tar", &args, dir.path());
            let bytes = fs::read(dir.path().join("a.tar")).unwrap();
            let (all, totals) = unpack_tar(&bytes[..], Limits::default()).unwrap();
            same(&all, &source);
            assert_eq!(totals.packed_bytes, bytes.len() as u64, "{format} {flag}");
            assert_eq!(Tar::new(&bytes[..], Limits::default()).unwrap().packing(), packing);
            let told = kind(&bytes[..bytes.len().min(200_000)], bytes.len() as u64);
            let inside = Kind::Tar(dialect);
            let expected = match packing {
                // The first entry is the directory, whose header is an extended one in pax alone.
                Some(packing) => Kind::Packed(packing, Some(Box::new(inside))),
                None => inside,
            };
            assert_eq!(told, expected, "{format} {flag}");
        }
        // Names of every length come back for the next dialect.
        let _ = fs::remove_dir_all(&source);
        sample(&source);
    }
}

#[test]
fn holes_are_zeros() {
    if !able(&["tar"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    file(&source, "data", 10_000);
    let disk = fs::File::create(source.join("disk.raw")).unwrap();
    disk.set_len(3 << 20).unwrap();
    // More pieces than the header and one more block of the map hold.
    for piece in 0..60_u64 {
        use std::os::unix::fs::FileExt;
        disk.write_all_at(&[u8::try_from(piece).unwrap() + 1; 4096], piece * 45_056).unwrap();
    }
    fs::File::create(source.join("only a hole")).unwrap().set_len(1 << 20).unwrap();
    run("tar", &["-cf", "a.tar", "--format=gnu", "--sparse", "-C", "source", "."], dir.path());
    let packed = fs::metadata(dir.path().join("a.tar")).unwrap().len();
    assert!(packed < 600_000, "tar made no holes: {packed}");
    same(&of_file(&dir.path().join("a.tar")).unwrap(), &source);

    run("tar", &["-cf", "b.tar", "--format=pax", "--sparse", "-C", "source", "."], dir.path());
    let error = of_file(&dir.path().join("b.tar")).unwrap_err().to_string();
    assert!(error.contains("a sparse file in pax form is not read"), "{error}");
    assert!(error.contains("without --sparse"), "{error}");
}

/// Archives by Python's tarfile: what each adds, and what must be said of it.
const EVIL: &[(&str, &str)] = &[
    ("f('/etc/passwd')", "its path is absolute"),
    ("f('a/../../b')", "its path goes up by `..`"),
    ("f('..')", "its path goes up by `..`"),
    ("f('a\\x1b[2Jb')", "holds control characters"),
    ("f('a\\nb')", "holds control characters"),
    ("f('a\\u202egpj.exe')", "holds control characters"),
    ("f(b'bad\\xff'.decode('utf8','surrogateescape'))", "its name is no UTF-8"),
    ("f('.')", "it has no name"),
    ("f('a'); f('a')", "holds it twice"),
    ("f('a/b'); f('./a//b')", "holds it twice"),
    ("f('boot/Linux'); f('boot/linux')", "differ in letter case alone"),
    ("f('Boot/a'); f('boot/b')", "differ in letter case alone"),
    ("f('ä'); f('Ä')", "differ in letter case alone"),
    ("f('a'); f('a/b')", "it lies below `a`, which is no directory"),
    ("f('a/b'); f('a')", "holds it twice"),
    ("s('a','b'); f('a/b')", "it lies below `a`, which is no directory"),
    ("s('a','b'); d('a')", "which is no directory"),
    ("s('a','/etc/passwd')", "a link out of the archive"),
    ("s('a/b','../../etc')", "a link out of the archive"),
    ("s('a','x/../../etc')", "a link out of the archive"),
    ("s('a','..')", "a link out of the archive"),
    ("s('a','')", "a link to a name that is empty"),
    ("s('a','b\\x07')", "holds control characters"),
    ("h('a','b')", "no file that stands before it"),
    ("h('a','a')", "no file that stands before it"),
    ("d('b'); h('a','b')", "no file that stands before it"),
    ("s('b','c'); h('a','b')", "no file that stands before it"),
    ("f('B'); h('a','b')", "no file that stands before it"),
    ("h('a','/etc/shadow')", "a hard link to a name that is unfit"),
    ("h('a','../x')", "a hard link to a name that is unfit"),
    ("t('dev', tarfile.CHRTYPE)", "it is a device"),
    ("t('dev', tarfile.BLKTYPE)", "it is a device"),
    ("t('pipe', tarfile.FIFOTYPE)", "it is a FIFO"),
    ("t('odd', b'Q')", "entries of type `Q` are not read"),
    ("t('part', b'M')", "entries of type `M` are not read"),
    ("f('x/'*33+'a')", "of `depth_max`"),
    ("f('/'.join(['y'*100]*12))", "of `path_bytes_max`"),
    ("p('a',{'comment':'z'*1100000})", "of `header_bytes_max`"),
    ("p('a',{'size':'99999999999999999999'})", "a record does not read"),
    ("g({'path':'evil'}); f('a')", "it gives all entries one `path`"),
    ("g({'size':'1'}); f('a')", "it gives all entries one `size`"),
    ("big('a', 1<<40)", "of `unpacked_bytes_max`"),
];

const WRITER: &str = "
import tarfile, io, sys
out = tarfile.open('a.tar', 'w', format=tarfile.PAX_FORMAT if sys.argv[1]=='pax' else tarfile.GNU_FORMAT)
def t(name, kind, link='', data=b'', **more):
    info = tarfile.TarInfo(name); info.type = kind; info.linkname = link; info.size = len(data)
    for key in more: setattr(info, key, more[key])
    out.addfile(info, io.BytesIO(data))
def f(name, data=b'bytes'): t(name, tarfile.REGTYPE, data=data)
def s(name, to): t(name, tarfile.SYMTYPE, to)
def h(name, to): t(name, tarfile.LNKTYPE, to)
def d(name): t(name, tarfile.DIRTYPE)
def p(name, keys): t(name, tarfile.REGTYPE, pax_headers=keys)
def g(keys): out.fileobj.write(out.tarinfo.create_pax_global_header(keys))
def big(name, size):
    info = tarfile.TarInfo(name); info.size = size
    out.fileobj.write(info.tobuf(tarfile.GNU_FORMAT))
exec(sys.stdin.read())
out.close()
";

fn by_python(dir: &Path, format: &str, what: &str) -> Result<All, UnpackError> {
    fed("python3", &["-c", WRITER, format], dir, what);
    of_file(&dir.join("a.tar"))
}

#[test]
fn what_no_honest_archive_holds_is_refused_in_words() {
    if !able(&["python3"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    for (what, why) in EVIL {
        for format in ["gnu", "pax"] {
            if format == "gnu" && what.starts_with("p(") {
                continue;
            }
            // What comes before it does not save it.
            let what = format!("f('good'); {what}");
            let error = by_python(dir.path(), format, &what).unwrap_err().to_string();
            assert!(error.contains(why), "{format}, {what}: {error}");
            assert!(!error.chars().any(char::is_control), "{error:?}");
        }
    }
}

#[test]
fn what_is_odd_but_honest_is_read() {
    if !able(&["python3"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let odd = "g({'comment':'a git commit'}); d('./'); d('a'); d('a/'); f('a/x\\\\x2dy.service'); \
               s('a/up','../b'); s('top','a/../b/./c'); f('b/c', b''); h('a/same','b/c'); \
               p('pax', {'SCHILY.xattr.user.x':'1\\n30 path=evil', 'path':'renamed'}); \
               f('.hidden'); f('...'); f('a b'); t('tape', tarfile.CONTTYPE, data=b'1'*600)";
    let all = by_python(dir.path(), "pax", odd).unwrap();
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    let expected = [
        "...",
        ".hidden",
        "a",
        "a b",
        "a/same",
        "a/up",
        "a/x\\x2dy.service",
        "b/c",
        "renamed",
        "tape",
        "top",
    ];
    assert_eq!(names, expected);
    assert_eq!(all["a/same"], Kept::Hard("b/c".to_owned()));
    assert_eq!(all["top"], Kept::Symbolic("a/../b/./c".to_owned()));
    assert_eq!(all["tape"], Kept::File(vec![b'1'; 600], 0o644));
}

/// A small archive in memory.
fn small(dir: &Path) -> Vec<u8> {
    let source = dir.join("source");
    for (name, length) in [("a", 700), ("b/c", 0), ("b/d", 512)] {
        file(&source, name, length);
    }
    run("tar", &["-cf", "a.tar", "-b", "1", "-C", "source", "."], dir);
    fs::read(dir.join("a.tar")).unwrap()
}

#[test]
fn a_cut_archive_is_told_wherever_it_is_cut() {
    if !able(&["tar"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let bytes = small(dir.path());
    let whole = unpack_tar(&bytes[..], Limits::default()).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() / 512 * 512 + 512;
    for length in (1..bytes.len()).step_by(13) {
        let result = unpack_tar(&bytes[..length], Limits::default());
        // The first block of zeros is the end; a second one that is missing harms nobody.
        if length >= end + 512 {
            assert_eq!(result.unwrap().0, whole.0);
            continue;
        }
        let error = result.unwrap_err();
        assert!(matches!(error, UnpackError::CutShort { .. }), "{length}: {error}");
    }
    let error = unpack_tar(io::empty(), Limits::default()).unwrap_err();
    assert!(matches!(error, UnpackError::CutShort { .. }), "{error}");
}

#[test]
fn what_follows_the_end_is_told() {
    if !able(&["tar"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let bytes = small(dir.path());
    let with = |more: &[u8]| unpack_tar(&[&bytes[..], more].concat()[..], Limits::default());
    with(&[0; 30_000]).unwrap();
    for more in [&b"x"[..], &[&[0; 5000], &b"hidden"[..]].concat(), &bytes[..]] {
        let error = with(more).unwrap_err().to_string();
        assert!(error.contains("other bytes follow its end mark"), "{error}");
    }
    // Not a tar at all.
    for bytes in [&[7; 5000][..], &[b"#!/bin/sh\n", &[b'x'; 600][..]].concat()] {
        let error = unpack_tar(bytes, Limits::default()).unwrap_err().to_string();
        assert!(error.contains("this is no tar archive"), "{error}");
    }
    // A flipped bit in a header.
    let mut bent = bytes.clone();
    bent[512 + 2] ^= 1;
    let error = unpack_tar(&bent[..], Limits::default()).unwrap_err().to_string();
    assert!(error.contains("a tar header at byte 512 is damaged"), "{error}");
}

#[test]
fn each_limit_has_its_name() {
    if !able(&["tar"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let bytes = small(dir.path());
    let tight = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    for (limits, name) in [
        (tight(|l| l.entries_max = 4), "entries_max"),
        (tight(|l| l.depth_max = 1), "depth_max"),
        (tight(|l| l.path_bytes_max = 4), "path_bytes_max"),
        (tight(|l| l.names_bytes_max = 6), "names_bytes_max"),
        (tight(|l| l.unpacked_bytes_max = 700), "unpacked_bytes_max"),
    ] {
        let error = unpack_tar(&bytes[..], limits).unwrap_err().to_string();
        assert!(error.contains(&format!("of `{name}`")), "{error}");
    }
}

#[test]
fn whose_fault_an_error_is_stays_known() {
    if !able(&["tar", "gzip"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let bytes = small(dir.path());
    // The taker's disk is full.
    let full = |_: unpack::Member<'_>| Err(io::Error::from(io::ErrorKind::StorageFull));
    let error = Tar::new(&bytes[..], Limits::default()).unwrap().each(&mut { full }).unwrap_err();
    assert!(matches!(error, UnpackError::Taking { .. }), "{error}");
    // The archive's disk fails.
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("bad sector"))
        }
    }
    shell("gzip -k a.tar", dir.path());
    let packed = fs::read(dir.path().join("a.tar.gz")).unwrap();
    for start in [&bytes[..900], &packed[..100]] {
        let error = unpack_tar(start.chain(Failing), Limits::default()).unwrap_err();
        assert!(matches!(error, UnpackError::Reading { .. }), "{error}");
        assert!(error.to_string().contains("bad sector"), "{error}");
    }
}
