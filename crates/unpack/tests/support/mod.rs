//! Files for the tests: made by the tools people make them with, from files the test made up.
#![allow(dead_code, reason = "each test file uses its own part of it")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "images are made by other programs, in files, and a skipped test must be seen"
)]

pub mod mend;
pub mod seeds;
pub mod walk;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use unpack::{Limits, Member, ReadAt, Tar, Totals, UnpackError};

/// Whether the programs a test needs are there. If not, it is skipped aloud, and in CI it fails.
pub fn able(needs: &[&str]) -> bool {
    let there = |tool: &&&str| {
        std::env::split_paths("/usr/sbin:/usr/bin:/sbin:/bin").any(|dir| dir.join(tool).exists())
    };
    let missing: Vec<&str> = needs.iter().filter(|tool| !there(tool)).copied().collect();
    if missing.is_empty() {
        return true;
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let text = format!("{test} SKIPPED: it needs {}", missing.join(", "));
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
    eprintln!("{text}");
    false
}

pub fn run(program: &str, args: &[&str], dir: &Path) -> Output {
    fed(program, args, dir, "")
}

/// Runs a program that reads what it does from its standard input.
pub fn fed(program: &str, args: &[&str], dir: &Path, input: &str) -> Output {
    fs::write(dir.join(".input"), input).unwrap();
    let mut command = Command::new("timeout");
    command
        .args(["120", program])
        .args(args)
        .current_dir(dir)
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::from(fs::File::open(dir.join(".input")).unwrap()));
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {text}", args.join(" "));
    output
}

/// Runs a line of shell, for pipes.
pub fn shell(line: &str, dir: &Path) -> Output {
    run("bash", &["-o", "pipefail", "-ec", line], dir)
}

/// An image in a file, as callers have them.
pub struct Image(fs::File);

impl Image {
    pub fn open(path: &Path) -> Self {
        Self(fs::File::open(path).unwrap())
    }
}

impl ReadAt for Image {
    fn size(&self) -> u64 {
        self.0.metadata().unwrap().len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

/// Chance that can be repeated (xorshift64*).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[7]).collect()
    }
}

/// Writes a file whose bytes are unlike any other's.
pub fn file(root: &Path, name: &str, length: usize) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let seed = name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
    fs::write(path, Chance::new(seed).bytes(length)).unwrap();
}

/// What a netboot archive or a root file system may hold, under names of every length.
pub fn sample(root: &Path) {
    for (name, length) in [
        ("empty", 0),
        ("one", 1),
        ("block less one", 511),
        ("block", 512),
        ("block and one", 513),
        ("boot/vmlinuz-6.1.0-50-amd64", 300_001),
        ("boot/initrd.img-6.1.0-50-amd64", 70_000),
        ("EFI/BOOT/BOOTX64.EFI", 5000),
        ("smörgåsbord 日本.txt", 33),
    ] {
        file(root, name, length);
    }
    file(root, &format!("long/{}", "x".repeat(200)), 11);
    file(root, &format!("{}/deep", ["eight or so"; 15].join("/")), 2500);
    fs::create_dir_all(root.join("empty directory")).unwrap();
    fs::set_permissions(root.join("one"), fs::Permissions::from_mode(0o4755)).unwrap();
    symlink("boot/vmlinuz-6.1.0-50-amd64", root.join("vmlinuz")).unwrap();
    symlink("../EFI/./BOOT", root.join("boot/up")).unwrap();
    symlink("y".repeat(150), root.join("far")).unwrap();
    fs::hard_link(root.join("block"), root.join("same block")).unwrap();
}

/// What was handed over, kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kept {
    Directory,
    File(Vec<u8>, u32),
    Symbolic(String),
    Hard(String),
}

pub type All = BTreeMap<String, Kept>;

/// Takes everything of an archive into memory.
pub fn unpack_tar(from: impl Read, limits: Limits) -> Result<(All, Totals), UnpackError> {
    let mut all = All::new();
    let totals = Tar::new(from, limits)?.each(&mut |member| {
        let (path, kept) = match member {
            Member::Directory { path } => (path, Kept::Directory),
            Member::File { path, size, mode, bytes } => {
                let mut content = Vec::new();
                bytes.read_to_end(&mut content)?;
                assert_eq!(content.len() as u64, size, "{path}");
                (path, Kept::File(content, mode))
            }
            Member::SymbolicLink { path, target } => (path, Kept::Symbolic(target.to_owned())),
            Member::HardLink { path, target } => (path, Kept::Hard(target.to_owned())),
        };
        let before = all.insert(path.to_owned(), kept);
        assert!(before.is_none_or(|kept| kept == Kept::Directory), "{path}");
        Ok(())
    })?;
    Ok((all, totals))
}

/// The archive held exactly what is below a directory, name by name and byte by byte.
pub fn same(all: &All, root: &Path) {
    let mut all = all.clone();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let meta = fs::symlink_metadata(&path).unwrap();
            let kept = all.remove(&name).unwrap_or_else(|| panic!("`{name}` is missing"));
            match kept {
                Kept::Directory => {
                    assert!(meta.is_dir(), "{name}");
                    waiting.push(path);
                }
                Kept::File(bytes, mode) => {
                    assert!(bytes == fs::read(&path).unwrap(), "`{name}` differs");
                    assert_eq!(mode, meta.permissions().mode() & 0o7777, "{name}");
                }
                Kept::Symbolic(target) => {
                    assert_eq!(Path::new(&target), fs::read_link(&path).unwrap(), "{name}");
                }
                Kept::Hard(target) => {
                    let there = fs::read(root.join(target)).unwrap();
                    assert!(there == fs::read(&path).unwrap(), "`{name}` differs");
                }
            }
        }
    }
    assert!(all.is_empty(), "too much: {:?}", all.keys());
}
/// A number of kilobytes that the kernel says of this process.
pub fn status_kb(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
