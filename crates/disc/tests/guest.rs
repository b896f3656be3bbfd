//! UDF and the Linux kernel, in a guest: what it writes into the file systems of mkudffs we read, and
//! what the tests' own writer makes it reads as we do. Run with `--ignored`: it needs QEMU, and
//! Debian's kernel, which it downloads as a package and unpacks.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a guest is run, and what it showed is told"
)]

mod support;

use disc::{Disc, What};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use support::udf::{Anchor, everything};
use support::{Image, able, content, open, posix, run, sample};
use tempfile::TempDir;

/// File systems that the guest fills: revision, bytes of a block.
const FILLED: [(&str, &str); 6] = [
    ("1.02", "512"),
    ("1.02", "2048"),
    ("1.50", "2048"),
    ("2.00", "4096"),
    ("2.01", "512"),
    ("2.01", "2048"),
];

/// Discs of the tests' writer that the guest reads: bytes of a block, revision, metadata partition.
const WRITTEN: [(usize, u16, bool); 5] = [
    (2048, 0x102, false),
    (512, 0x150, false),
    (2048, 0x201, false),
    (2048, 0x250, true),
    (512, 0x260, true),
];

/// In the order in which they need each other.
const MODULES: [&str; 9] = [
    "lib/crc-itu-t",
    "drivers/cdrom/cdrom",
    "fs/udf/udf",
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci",
    "drivers/block/virtio_blk",
];

/// What the guest does. Results go to the first disk.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
while read module; do insmod /$module.ko; done </modules
fill() {
  mount -t udf /dev/$1 /mnt || { echo "$1 error cannot be mounted"; return; }
  cp -a /source/. /mnt/
  cd /mnt
  # Two files that grow in turns: many extents each.
  i=0; while [ $i -lt 1500 ]; do echo "$i $chunk" >>left; echo "$chunk $i" >>right; i=$((i+1)); done
  # 6 GiB, nearly all of it holes.
  truncate -s 6G holes
  for at in 0 1 1023 1024 3000 6143; do dd if=/chunk of=holes bs=1M seek=$at conv=notrunc 2>/dev/null; done
  # Gone, renamed, linked.
  i=0; while [ $i -lt 100 ]; do echo $i >gone$i; i=$((i+1)); done; rm gone*
  mv one uno; ln two-names again 2>/dev/null; ln uno again
  mkdir -p a/b/c && mv many/"file number 9.dat" a/b/c/
  cd /; sync; umount /mnt
}
sums() {
  mount -t udf -o ro /dev/$1 /mnt || { echo "$1 error cannot be mounted"; return; }
  cd /mnt; find . -type f ! -name holes -exec sha256sum {} + | sed "s/^/$1 file /"
  find . -type l | while read l; do echo "$1 link $(readlink "$l")  $l"; done
  for at in 0 1 2 1023 1024 3000 6143; do
    [ -e holes ] && echo "$1 hole $(dd if=holes bs=1M skip=$at count=1 2>/dev/null | head -c 5000 | sha256sum | cut -c1-64)  $at"
  done
  cd /; umount /mnt
}
chunk=$(head -c 1800 /dev/urandom | base64 -w 0)
echo "$chunk" >/chunk
{
  for disk in $(cat /filled); do fill $disk; done
  for disk in $(cat /filled) $(cat /written); do sums $disk; done
  echo done
} >/results 2>&1
cat /results >/dev/vda
sync
poweroff -f
"#;

/// The newest kernel of Debian's, unpacked.
fn kernel(dir: &Path) -> PathBuf {
    let depends = run("apt-cache", &["depends", "linux-image-cloud-amd64"], dir).stdout;
    let depends = String::from_utf8(depends).unwrap();
    let name = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: ")).unwrap();
    run("apt-get", &["-qq", "download", name], dir);
    let package = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let package = package.into_iter().find(|path| path.extension().is_some_and(|e| e == "deb"));
    run("dpkg-deb", &["-x", package.unwrap().to_str().unwrap(), "kernel"], dir);
    dir.join("kernel")
}

fn only(dir: &Path, begins: &str) -> PathBuf {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let mut fit = entries.filter(|entry| entry.file_name().to_str().unwrap().starts_with(begins));
    fit.next().unwrap().path()
}

/// A root file system in memory: busybox with its libraries, the modules, the files to be copied.
fn initrd(dir: &Path, kernel: &Path, filled: &[String], written: &[String]) {
    let root = dir.join("root");
    for folder in ["bin", "dev", "proc", "mnt"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let libraries = run("ldd", &["/bin/busybox"], dir).stdout;
    let libraries = String::from_utf8(libraries).unwrap();
    let libraries = libraries.split_whitespace().filter(|word| word.starts_with('/'));
    for file in libraries.chain(["/bin/busybox"]) {
        let to = root.join(&file[1..]);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }
    let modules = only(&kernel.join("lib/modules"), "").join("kernel");
    for module in MODULES {
        let to = root.join(format!("{module}.ko"));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(modules.join(format!("{module}.ko")), to).unwrap();
    }
    fs::write(root.join("modules"), MODULES.join("\n") + "\n").unwrap();
    fs::write(root.join("filled"), filled.join(" ")).unwrap();
    fs::write(root.join("written"), written.join(" ")).unwrap();
    fs::write(root.join("init"), INIT).unwrap();
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755)).unwrap();
    sample(&root.join("source"));
    posix(&root.join("source"));
    run("sh", &["-c", "cd root && find . | busybox cpio -o -H newc >../initrd"], dir);
}

/// Runs the guest over the disks; gives what it wrote to the first.
fn guest(dir: &Path, kernel: &Path, disks: &[String]) -> String {
    let vmlinuz = only(&kernel.join("boot"), "vmlinuz");
    // Emulated: KVM is missing or broken on many a machine that runs tests.
    let mut args = vec![
        "900",
        "qemu-system-x86_64",
        "-m",
        "512",
        "-display",
        "none",
        "-no-reboot",
        "-nic",
        "none",
        "-serial",
        "file:console",
        "-accel",
        "tcg",
        "-cpu",
        "max",
        "-kernel",
        vmlinuz.to_str().unwrap(),
        "-initrd",
        "initrd",
        "-append",
        "console=ttyS0 panic=-1 loglevel=4",
    ];
    let drives: Vec<String> =
        disks.iter().map(|disk| format!("file={disk},if=virtio,format=raw,cache=unsafe")).collect();
    args.extend(drives.iter().flat_map(|drive| ["-drive", drive]));
    let done = std::process::Command::new("timeout").args(args).current_dir(dir).output().unwrap();
    let results = fs::read(dir.join(&disks[0])).unwrap();
    let results: Vec<u8> = results.into_iter().take_while(|byte| *byte != 0).collect();
    let results = String::from_utf8(results).unwrap();
    let console = fs::read_to_string(dir.join("console")).unwrap_or_default();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(results.ends_with("done\n"), "{said}\n{console}\n{results}");
    results
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Files and links as the guest tells them: `kind value` by path.
fn ours(disc: &Disc, image: &Image) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in disc.walk() {
        let path = format!(".{}", disc.path(entry.id));
        match entry.what {
            What::File(file) if entry.name == "holes" => {
                assert_eq!(file.size, 6 << 30);
                for at in [0, 1, 2, 1023, 1024, 3000, 6143_u64] {
                    let mut bytes = vec![0xaa; 5000];
                    file.read_at(image, &mut bytes, at << 20).unwrap();
                    all.insert(at.to_string(), format!("hole {}", hash(&bytes)));
                }
            }
            What::File(file) => {
                all.insert(path, format!("file {}", hash(&content(image, file))));
            }
            What::Link(target) => {
                all.insert(path, format!("link {target}"));
            }
            _ => {}
        }
    }
    all
}

#[test]
#[ignore = "needs QEMU, and Debian's archive for a kernel"]
fn linux_writes_what_we_read_and_reads_what_we_read() {
    let needs = ["mkudffs", "qemu-system-x86_64", "busybox", "apt-get", "dpkg-deb", "ldd"];
    if !able(&needs) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let mut disks = vec!["results".to_owned()];
    fs::write(dir.join("results"), vec![0; 4 << 20]).unwrap();
    for (revision, block) in FILLED {
        let disk = format!("filled-{revision}-{block}");
        let blocks = ((64 << 20) / block.parse::<u64>().unwrap()).to_string();
        let args = ["--new-file", "-m", "hd", "-b", block, "-r", revision, &disk, &blocks];
        run("mkudffs", &args, dir);
        disks.push(disk);
    }
    for (block, revision, metadata) in WRITTEN {
        let disk = format!("written-{revision:x}-{block}");
        fs::write(dir.join(&disk), everything(block, revision, metadata, false, Anchor::Last))
            .unwrap();
        disks.push(disk);
    }
    let letter = |number: usize| format!("vd{}", char::from(b'a' + u8::try_from(number).unwrap()));
    let letters: Vec<String> = (1..disks.len()).map(letter).collect();
    let kernel = kernel(dir);
    initrd(dir, &kernel, &letters[..FILLED.len()], &letters[FILLED.len()..]);
    let results = guest(dir, &kernel, &disks);

    for (disk, letter) in disks[1..].iter().zip(&letters) {
        let image = Image::open(&dir.join(disk));
        let disc = open(&image);
        let told = results.lines().filter_map(|line| line.strip_prefix(letter)?.strip_prefix(' '));
        let theirs: BTreeMap<String, String> = told
            .map(|line| {
                let (value, path) = line.split_once("  ").unwrap_or(("error", line));
                (path.to_owned(), value.to_owned())
            })
            .collect();
        let ours = ours(&disc, &image);
        assert!(ours == theirs, "{disk}:\nours {ours:#?}\ntheirs {theirs:#?}");
        let filled = disk.starts_with("filled");
        assert!(theirs.len() >= if filled { 180 } else { 5 }, "{disk}: {theirs:#?}");
        assert!(disc.volume().notes.is_empty(), "{disk}: {:?}", disc.volume().notes);
        if filled {
            let What::File(left) = disc.find("left").unwrap().what else { panic!("no file") };
            eprintln!("{disk}: {} names, `left` in {} extents", theirs.len(), left.extents.len());
            assert!(left.extents.len() > 20, "{disk}: {}", left.extents.len());
            let source = dir.join("root/source");
            let same = fs::read(source.join("boot/vmlinuz-6.1.0-50-amd64")).unwrap();
            assert_eq!(ours["./boot/vmlinuz-6.1.0-50-amd64"], format!("file {}", hash(&same)));
        }
    }
}
