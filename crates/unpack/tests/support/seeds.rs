//! Small files of every kind, to be bent and to start the fuzzers with. Made anew by each run: none
//! is kept in the repository.

use super::{file, run, shell};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A walk over a file of some kind.
pub type Walk = fn(&[u8]) -> Result<u64, unpack::UnpackError>;

/// A file to be bent.
pub struct Seed {
    /// The fuzz target it is for.
    pub target: &'static str,
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// Programs that make them.
pub const MAKERS: [&str; 10] =
    ["tar", "gzip", "xz", "zstd", "mksquashfs", "sfdisk", "mkfs.fat", "mcopy", "cpio", "mmd"];

const LINES: &[(&str, &str, &str)] = &[
    ("tar", "gnu", "tar -cf out -b 1 --format=gnu d"),
    ("tar", "pax", "tar -cf out -b 1 --format=pax d"),
    ("tar", "ustar", "tar -cf out -b 1 --format=ustar d/a d/b"),
    ("tar", "sparse", "tar -cf out -b 1 --format=gnu --sparse holes d/a"),
    ("tar", "gzip", "tar -czf out --format=gnu d"),
    ("tar", "xz", "tar -cJf out --format=gnu d"),
    ("tar", "zstd", "tar --zstd -cf out --format=gnu d"),
    ("tar", "cpio", "find d | cpio -o -H newc --quiet > out"),
    (
        "tar",
        "cpio-twice",
        "{ find d/a | cpio -o -H newc --quiet; find d | cpio -o -H newc --quiet | xz --check=crc32; } > out",
    ),
    ("squashfs", "gzip", "mksquashfs d out -quiet -no-progress -comp gzip -b 4K -nopad"),
    ("squashfs", "plain", "mksquashfs d out -quiet -no-progress -noI -noD -noF -b 4K -nopad"),
    ("squashfs", "xz", "mksquashfs d out -quiet -no-progress -comp xz -nopad"),
    ("squashfs", "zstd", "mksquashfs d out -quiet -no-progress -comp zstd -nopad"),
    ("diskimage", "fat12", "mkfs.fat -C out 200; F"),
    ("diskimage", "fat16", "mkfs.fat -C -s 1 -F 16 out 2200; F"),
    ("diskimage", "fat32", "mkfs.fat -C -s 1 -F 32 out 34000; F"),
    ("diskimage", "mbr", "P 'label: dos\n64,400,ef,*\n500,1000,E\n564,100,83\n700,100,83\n'"),
    ("diskimage", "gpt", "P 'label: gpt\nstart=64,size=400,type=U\nstart=500,size=99,type=L\n'"),
];

/// Shell words of the lines: F fills a FAT, P divides a disk and puts a FAT into its first
/// partition.
const WORDS: &str = "
F() { mmd -i ${1:-out} ::EFI ::EFI/BOOT; mcopy -i ${1:-out} d/a ::EFI/BOOT/BOOTX64.EFI
      mcopy -i ${1:-out} d/b/c '::a long name of some length.cfg'; }
P() { truncate -s 1M out; printf \"$1\" | sfdisk -q out; rm -f fat; mkfs.fat -C fat 200; F fat
      dd if=fat of=out bs=512 seek=64 conv=notrunc status=none; }
";

fn source(dir: &Path) {
    for (name, length) in [("d/a", 5000), ("d/b/c", 700), ("d/b/d/e/f/deep", 9), ("d/z", 0)] {
        file(dir, name, length);
    }
    file(dir, &format!("d/{}", "n".repeat(120)), 5);
    fs::create_dir_all(dir.join("d/etc")).unwrap();
    fs::write(dir.join("d/etc/os-release"), "ID=small\nPRETTY_NAME=\"Small 1\"\n").unwrap();
    std::os::unix::fs::symlink("../b/c", dir.join("d/etc/link")).unwrap();
    fs::hard_link(dir.join("d/a"), dir.join("d/same")).unwrap();
    let text: String = (0..500).map(|number| format!("line {number}\n")).collect();
    fs::write(dir.join("d/text"), text).unwrap();
    shell(
        "truncate -s 300K holes; for n in $(seq 30); do printf 1234 | dd of=holes bs=1 \
           seek=$((n*9000)) conv=notrunc status=none; done",
        dir,
    );
}

/// All of them.
pub fn seeds() -> Vec<Seed> {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    source(dir);
    let made = LINES.iter().map(|(target, name, line)| {
        let _ = fs::remove_file(dir.join("out"));
        run("bash", &["-ec", &format!("{WORDS}\n{line}")], dir);
        Seed { target, name, bytes: trimmed(fs::read(dir.join("out")).unwrap()) }
    });
    made.collect()
}

/// The walk over the files of a target.
pub fn walks(target: &str) -> &'static [Walk] {
    use super::walk;
    match target {
        "tar" => &[walk::tar, walk::packed, walk::initramfs],
        "squashfs" => &[walk::squashfs],
        _ => &[walk::disk],
    }
}

/// Cuts off most of the zeros after everything: they cost time and prove nothing.
fn trimmed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    bytes.truncate((end + 1).next_multiple_of(4096).min(bytes.len()));
    bytes
}
