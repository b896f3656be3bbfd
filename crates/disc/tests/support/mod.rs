//! Discs for the tests: made by the tools people make them with, from files the test made up.
#![allow(dead_code, reason = "each test file uses its own part of it")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "discs are made by other programs, in files, and a skipped test must be seen"
)]

pub mod tags;
pub mod udf;
pub mod walk;

use disc::{Disc, Limits, ReadAt, What};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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
    let mut command = Command::new("timeout");
    command
        .args(["60", program])
        .args(args)
        .current_dir(dir)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {text}", args.join(" "));
    output
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

/// An image of mostly zeros, kept without them.
#[derive(Default)]
pub struct Sparse {
    size: u64,
    chunks: BTreeMap<u64, Vec<u8>>,
}

const CHUNK: usize = 1 << 16;
static ZEROS: [u8; CHUNK] = [0; CHUNK];

impl Sparse {
    /// Takes an image from a program that writes it to its standard output.
    pub fn read(mut from: impl Read) -> Self {
        let mut sparse = Self::default();
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            (&mut from).take(CHUNK as u64).read_to_end(&mut chunk).unwrap();
            if chunk.is_empty() {
                return sparse;
            }
            let at = sparse.size;
            sparse.size += chunk.len() as u64;
            if chunk != ZEROS[..chunk.len()] {
                sparse.chunks.insert(at, chunk);
            }
        }
    }
}

impl ReadAt for Sparse {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        if offset + buffer.len() as u64 > self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = offset;
        for part in split(buffer, offset) {
            let start = at / CHUNK as u64 * CHUNK as u64;
            let from = usize::try_from(at - start).unwrap();
            match self.chunks.get(&start) {
                Some(chunk) => part.copy_from_slice(&chunk[from..from + part.len()]),
                None => part.fill(0),
            }
            at += part.len() as u64;
        }
        Ok(())
    }
}

/// A buffer in parts, none of which crosses the end of a chunk.
fn split(buffer: &mut [u8], offset: u64) -> Vec<&mut [u8]> {
    let first = CHUNK - usize::try_from(offset % CHUNK as u64).unwrap();
    let (head, rest) = buffer.split_at_mut(first.min(buffer.len()));
    std::iter::once(head).chain(rest.chunks_mut(CHUNK)).collect()
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

/// Files with names and sizes of every kind that all long-name forms can hold.
pub fn sample(root: &Path) {
    for (name, length) in [
        ("empty", 0),
        ("one", 1),
        ("sector less one", 2047),
        ("sector", 2048),
        ("sector and one", 2049),
        ("README.TXT", 100),
        ("boot/grub/i386-pc/normal.mod", 30_000),
        ("boot/vmlinuz-6.1.0-50-amd64", 300_001),
        ("boot/initrd.img-6.1.0-50-amd64", 70_000),
        ("EFI/BOOT/BOOTX64.EFI", 5000),
        (".disk/info", 80),
        ("pool/main/l/linux/linux-image_6.1.176-1_amd64.deb", 4096),
        ("a name with many words in it, and a comma.and.dots", 12),
    ] {
        file(root, name, length);
    }
    for number in 0..150 {
        file(root, &format!("many/file number {number}.dat"), number);
    }
    fs::create_dir_all(root.join("empty directory")).unwrap();
}

/// What only POSIX names and links can hold.
pub fn posix(root: &Path) {
    file(root, "smörgåsbord 日本.txt", 33);
    file(root, &format!("long/{}", "x".repeat(240)), 11);
    file(root, "case/File", 5);
    file(root, "case/file", 6);
    file(root, "1/2/3/4/5/6/7/8/9/10/11/12/deep", 2500);
    file(root, "1/2/3/4/5/6/7/8b/9/10/other", 25);
    let links = [
        ("link", "README.TXT"),
        ("boot/to grub", "grub/i386-pc"),
        ("boot/up", "../EFI/./BOOT"),
        ("through", "boot/up/BOOTX64.EFI"),
        ("debian", "."),
        ("dangling", "no/such/name"),
        ("absolute", "/etc/passwd"),
        ("out", "../../etc/passwd"),
        ("circle", "circle"),
        ("ping", "pong"),
        ("pong", "ping"),
    ];
    for (name, target) in links {
        symlink(target, root.join(name)).unwrap();
    }
}

/// A link whose target needs several fields. genisoimage never comes back from it.
pub fn far(root: &Path) {
    let far: Vec<String> = (0..30).map(|n| format!("directory number {n}")).collect();
    symlink(far.join("/"), root.join("far")).unwrap();
}

/// Everything under a directory: its path with a slash before it, and what it is.
pub fn on_disk(root: &Path) -> BTreeMap<String, PathBuf> {
    let mut all = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            }
            let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            all.insert(format!("/{name}"), entry.path());
        }
    }
    all
}

pub fn open(image: &dyn ReadAt) -> Disc {
    Disc::open(image, Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// All bytes of a file of a disc.
pub fn content(image: &dyn ReadAt, file: &disc::File) -> Vec<u8> {
    let mut bytes = vec![0xaa; usize::try_from(file.size).unwrap()];
    file.read_at(image, &mut bytes, 0).unwrap();
    bytes
}

/// The paths a disc tells.
pub fn paths(disc: &Disc) -> BTreeSet<String> {
    disc.walk().map(|entry| disc.path(entry.id)).collect()
}

/// The disc tells exactly what was in the directory, name by name and byte by byte.
pub fn same(disc: &Disc, image: &dyn ReadAt, source: &Path) {
    same_but(disc, image, source, &[]);
}

/// The same, and the directories that the disc needs for itself.
pub fn same_but(disc: &Disc, image: &dyn ReadAt, source: &Path, own: &[&str]) {
    let mut missing = on_disk(source);
    let mut surplus = Vec::new();
    for entry in disc.walk() {
        let path = disc.path(entry.id);
        let Some(original) = missing.remove(&path) else {
            surplus.push(path);
            continue;
        };
        match entry.what {
            What::File(file) => {
                assert_eq!(content(image, file), fs::read(&original).unwrap(), "{path}");
                assert!(file.modified.is_some(), "{path}");
            }
            What::Link(target) => {
                assert_eq!(Path::new(target), fs::read_link(&original).unwrap(), "{path}");
            }
            What::Directory => assert!(original.is_dir(), "{path}"),
            What::Special => panic!("{path} is special"),
        }
    }
    let missing: Vec<&String> = missing.keys().take(5).collect();
    surplus.truncate(5);
    assert!(missing.is_empty() && surplus == own, "missing {missing:?}, surplus {surplus:?}");
}
