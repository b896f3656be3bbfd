//! The check of the target disk, run by real shells over machines made of files.

mod support;

use answers::{DiskMark, Limits, Reveal, TargetDisk, render, starters};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use support::{able, facts};

#[expect(clippy::disallowed_types, reason = "disks of the test are files")]
type File = fs::File;

const MIB: u64 = 1 << 20;
const GUID: [u8; 16] = *b"0123456789abcdef";

/// A machine: directories as the kernel shows them, and files for disks.
struct Fake {
    dir: tempfile::TempDir,
}

impl Fake {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["sys/block", "dev", "tmp", "proc", "run/udev/data", "bin"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        // What stands in for curl keeps what is reported.
        let curl = "#!/bin/sh\nfor a; do last=$a; done\nwhile [ $# -gt 0 ]; do\n  [ \"$1\" != --data-binary ] || \
                    printf '%s: %s\\n' \"${last##*/}\" \"$2\" >>\"$BOOTWRIGHT_ROOT/reports\"\n  shift\ndone\n";
        let fake = Self { dir };
        fake.write("bin/curl", curl);
        let curl = fake.dir.path().join("bin/curl");
        fs::set_permissions(curl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        fake
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// An empty disk, and what sysfs says of it.
    fn disk(&self, name: &str, mib: u64, says: &[(&str, &str)]) -> File {
        self.write(&format!("sys/block/{name}/size"), &format!("{}\n", mib * 2048));
        for (file, text) in says {
            self.write(&format!("sys/block/{name}/{file}"), text);
        }
        let file = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(self.dir.path().join("dev").join(name));
        let file = file.unwrap();
        file.set_len(mib * MIB).unwrap();
        file
    }

    /// Runs the check: its exit code, what it chose, what it reported.
    fn check(&self, shell: &[&str], disk: &TargetDisk, ours: &[DiskMark]) -> (i32, String, String) {
        let mut facts = facts();
        let deployment = facts.deployment.as_mut().unwrap();
        deployment.disk = disk.clone();
        deployment.ours = ours.to_vec();
        let script =
            render("disk.sh", &starters(), &facts, Reveal::Yes, &Limits::default()).unwrap();
        assert!(script.raw.is_empty(), "nothing raw in what we ship");
        let root = self.dir.path();
        let _ = fs::remove_file(root.join("tmp/bootwright.disk"));
        let _ = fs::remove_file(root.join("reports"));
        let path = format!("{}:/usr/bin:/bin", root.join("bin").display());
        let output = run(shell, &script.text, root, &path);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let read = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_default();
        let (chosen, reports) = (read("tmp/bootwright.disk"), read("reports"));
        (output.status.code().unwrap(), chosen.trim().to_owned(), format!("{reports}{words}"))
    }

    fn agree(&self, disk: &TargetDisk, ours: &[DiskMark], name: &str) {
        for shell in SHELLS {
            let (code, chosen, told) = self.check(shell, disk, ours);
            assert_eq!(
                (code, chosen.as_str()),
                (0, format!("/dev/{name}").as_str()),
                "{shell:?}: {told}"
            );
            assert!(told.contains(&format!("progress: installing onto /dev/{name}")), "{told}");
        }
    }

    fn refuse(&self, disk: &TargetDisk, ours: &[DiskMark], why: &str) {
        for shell in SHELLS {
            let (code, chosen, told) = self.check(shell, disk, ours);
            assert_eq!((code, chosen.as_str()), (1, ""), "{shell:?}: {told}");
            assert!(told.contains("failed: ") && told.contains(why), "{shell:?}: {told}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a shell runs the script")]
fn run(shell: &[&str], script: &str, root: &Path, path: &str) -> std::process::Output {
    let (program, args) = shell.split_first().unwrap();
    Command::new("timeout")
        .args(["300", program])
        .args(args)
        .args(["-c", script])
        .env_clear()
        .env("PATH", path)
        .env("BOOTWRIGHT_ROOT", root)
        .output()
        .unwrap()
}

/// The shells of installers: Debian's and Alpine's, Ubuntu's, Anaconda's.
const SHELLS: &[&[&str]] = &[&["busybox", "sh"], &["dash"], &["bash"]];

fn shells() -> bool {
    able(&["busybox", "dash", "bash", "base64"])
}

fn serial() -> TargetDisk {
    TargetDisk::serial("S3R1AL").unwrap()
}

#[test]
fn a_disk_is_found_by_what_it_says() {
    if !shells() {
        return;
    }
    let wwn = TargetDisk::wwn("0x5000c500a1b2c3d4").unwrap();
    let size = TargetDisk::size_bytes(7 * MIB, 9 * MIB).unwrap();
    for (name, says) in [
        ("vda", &[("serial", "S3R1AL\n")][..]),
        ("nvme0n1", &[("device/serial", "S3R1AL              \n")]),
        ("sda", &[("device/vpd_pg80", "\0\u{0}\0\u{14}      S3R1AL")]),
    ] {
        let fake = Fake::new();
        fake.disk("loop0", 8, &[("serial", "S3R1AL\n")]);
        fake.disk("sdb", 4, &[("device/serial", "OTHER\n")]);
        fake.disk(name, 8, says);
        fake.agree(&serial(), &[], name);
        fake.agree(&size, &[], name);
    }
    let fake = Fake::new();
    fake.disk("sda", 8, &[("device/wwid", "naa.5000C500a1b2c3d4\n")]);
    fake.disk("sdb", 8, &[("dev", "8:16\n")]);
    fake.write(
        "run/udev/data/b8:16",
        "S:disk/by-id/x\nE:ID_SERIAL_SHORT=S3R1AL\nE:ID_WWN=0x5000000000000001\n",
    );
    fake.agree(&wwn, &[], "sda");
    fake.agree(&serial(), &[], "sdb");
    fake.agree(&TargetDisk::wwn("5000000000000001").unwrap(), &[], "sdb");
}

#[test]
fn none_or_two_that_fit_are_refused() {
    if !shells() {
        return;
    }
    let fake = Fake::new();
    fake.disk("sda", 8, &[("device/serial", "S3R1AL-2\n")]);
    fake.refuse(&serial(), &[], "no disk with serial S3R1AL is here; these are: sda");
    fake.disk("sdb", 8, &[("device/serial", "S3R1AL\n")]);
    fake.disk("sdc", 8, &[("device/serial", "S3R1AL\n")]);
    fake.refuse(&serial(), &[], "2 disks with serial S3R1AL are here, and one is wanted: sdb sdc");
    fake.refuse(&TargetDisk::size_bytes(1, 9 * MIB).unwrap(), &[], "3 disks of 1 to");
    Fake::new().refuse(&serial(), &[], "these are: none");
    let fake = Fake::new();
    fake.disk("sda", 8, &[("device/serial", "S3R1AL\n"), ("ro", "1\n")]);
    fake.refuse(&serial(), &[], "no disk");
}

#[test]
fn a_disk_that_is_not_empty_is_refused_unless_it_is_ours() {
    if !shells() {
        return;
    }
    for (at, bytes) in [
        (510, &b"\x55\xaa"[..]),
        (1080, b"\x53\xef"),
        (0, b"LUKS\xba\xbe"),
        (MIB - 1, b"x"),
        (8 * MIB - 512, b"EFI PART"),
        (8 * MIB - 65536, b"\xfc\x4e\x2b\xa9"),
    ] {
        let fake = Fake::new();
        fake.disk("sda", 8, &[("device/serial", "S3R1AL\n")]).write_all_at(bytes, at).unwrap();
        fake.refuse(&serial(), &[], "is not empty");
    }
    let fake = Fake::new();
    let disk = fake.disk("sda", 8, &[("device/serial", "S3R1AL\n")]);
    fake.write("sys/block/sda/sda1/partition", "1\n");
    fake.refuse(&serial(), &[], "a partition (sda1)");

    disk.write_all_at(b"EFI PART", 512).unwrap();
    disk.write_all_at(&GUID, 512 + 56).unwrap();
    fake.refuse(&serial(), &[DiskMark::gpt([1; 16]), DiskMark::mbr([0; 4])], "is not empty");
    fake.agree(&serial(), &[DiskMark::gpt([1; 16]), DiskMark::gpt(GUID)], "sda");

    let fake = Fake::new();
    let disk = fake.disk("sda", 8, &[("device/serial", "S3R1AL\n")]);
    disk.write_all_at(b"\x01\x02\x03\x04\0\0", 440).unwrap();
    fake.agree(&serial(), &[DiskMark::mbr([1, 2, 3, 4])], "sda");
    disk.write_all_at(&[0; 8], 440).unwrap();
    disk.write_all_at(b"x", 0).unwrap();
    fake.refuse(&serial(), &[DiskMark::mbr([0; 4])], "is not empty");
}

#[test]
fn a_large_sector_is_looked_at_where_it_is() {
    if !shells() {
        return;
    }
    let fake = Fake::new();
    let says = [("device/serial", "S3R1AL\n"), ("queue/logical_block_size", "4096\n")];
    let disk = fake.disk("sda", 8, &says);
    disk.write_all_at(b"EFI PART", 4096).unwrap();
    disk.write_all_at(&GUID, 4096 + 56).unwrap();
    fake.agree(&serial(), &[DiskMark::gpt(GUID)], "sda");
    fake.refuse(&serial(), &[], "is not empty");
}

#[test]
fn a_disk_in_use_or_out_of_reach_is_refused() {
    if !shells() {
        return;
    }
    let fake = Fake::new();
    fake.disk("sda", 8, &[("device/serial", "S3R1AL\n")]);
    fake.write("proc/mounts", "/dev/sda /cdrom iso9660 ro 0 0\n");
    fake.refuse(&serial(), &[], "it is mounted");
    fake.write("proc/mounts", "");
    fake.write("sys/block/sda/holders/md0", "");
    fake.refuse(&serial(), &[], "it is a part of md0");
    fs::remove_file(fake.dir.path().join("sys/block/sda/holders/md0")).unwrap();
    fake.agree(&serial(), &[], "sda");
    fs::remove_file(fake.dir.path().join("dev/sda")).unwrap();
    fake.refuse(&serial(), &[], "cannot be read");
    // Shorter than the kernel says: its end cannot be looked at.
    fs::write(fake.dir.path().join("dev/sda"), [0; 4096]).unwrap();
    fake.refuse(&serial(), &[], "cannot be read");
}

#[test]
fn hostile_names_stay_names() {
    if !shells() {
        return;
    }
    let target = TargetDisk::serial(
        "$(touch $BOOTWRIGHT_ROOT/owned)'\"; touch $BOOTWRIGHT_ROOT/owned; [ * -e x",
    )
    .unwrap();
    let fake = Fake::new();
    fake.disk(
        "sda",
        8,
        &[("device/serial", "`touch $BOOTWRIGHT_ROOT/owned` $(touch $BOOTWRIGHT_ROOT/owned)\n")],
    );
    fake.refuse(&target, &[], "no disk");
    assert!(!fake.dir.path().join("owned").exists());
}
