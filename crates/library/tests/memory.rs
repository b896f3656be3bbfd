//! A small package that unpacks to much takes time, never memory. By itself, because it looks at
//! the most memory that this program ever had.

mod common;

use common::{ar, lay};
use library::loaders;
use std::io::Write;

static ZEROS: [u8; 1 << 20] = [0; 1 << 20];
const MIB: u64 = 512;

/// A packed tar with one entry of 512 MiB of zeros.
fn bomb(kind: tar::EntryType, name: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name).expect("short");
    header.set_entry_type(kind);
    header.set_size(MIB << 20);
    header.set_cksum();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(header.as_bytes()).expect("in memory");
    for _ in 0..MIB {
        packer.write_all(&ZEROS).expect("in memory");
    }
    packer.write_all(&[0; 1024]).expect("in memory");
    packer.finish().expect("in memory")
}

fn most_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("told");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") / 1024
}

#[test]
fn packages_that_unpack_to_much_take_little_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.deb");
    for (member, kind, name) in [
        // A name of 512 MiB, a control file of it, and a loader too large to be one.
        ("data.tar.gz", tar::EntryType::GNULongName, "././@LongLink"),
        ("data.tar.gz", tar::EntryType::XHeader, "./pax"),
        ("control.tar.gz", tar::EntryType::Regular, "./control"),
        ("data.tar.gz", tar::EntryType::Regular, "./ipxe.efi"),
    ] {
        lay(
            folder.path(),
            &[("x.deb", &ar(&[("debian-binary", b"2.0\n"), (member, &bomb(kind, name))]))],
        );
        assert!(loaders::import(&path).is_err(), "{member} {name}");
    }
    let most = most_memory_mib();
    assert!(most < 64, "{most} MiB");
}
