//! Discs and folders of the right layout, with small files that begin as the real ones do.
#![allow(dead_code, reason = "each test file uses its own part of it")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "discs are made by other programs, in files, and a skipped test must be seen"
)]

pub mod fuzzed;
pub mod heads;
pub mod layouts;

use catalogue::{Recognised, Tree, Volume};
use disc::{Disc, Limits, Platform, ReadAt, What};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Files by their paths.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a system's disc or folder looks like.
pub struct Layout {
    /// A name for the test.
    pub name: &'static str,
    /// The row it must be recognised as.
    pub kind: &'static str,
    pub files: Files,
    /// Volume identifier; none for what is published as a folder.
    pub volume: Option<&'static str>,
    pub publisher: &'static str,
    pub application: &'static str,
    /// The file that BIOS boots, if the disc is to say so.
    pub boots: Option<&'static str>,
    /// Names stand on UDF alone.
    pub udf: bool,
}

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
    let ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    assert!(!ci, "{text}");
    eprintln!("{text}");
    false
}

pub fn run(program: &str, args: &[&str], dir: &Path) -> String {
    let mut command = Command::new("timeout");
    command.args(["60", program]).args(args).current_dir(dir).env("LC_ALL", "C.UTF-8");
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {text}", args.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Puts a layout on a disc, as its makers do, and gives the path of the image.
pub fn burn(layout: &Layout, dir: &Path) -> PathBuf {
    let tree = dir.join("tree");
    for (path, bytes) in &layout.files {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let volume = layout.volume.unwrap_or("NONE");
    let mut args = vec!["-quiet", "-V", volume, "-sysid", "LINUX", "-o", "disc.iso"];
    args.extend(["-publisher", layout.publisher, "-A", layout.application]);
    if let Some(file) = layout.boots {
        args.extend(["-b", file, "-no-emul-boot", "-boot-load-size", "4"]);
    }
    if layout.udf {
        // ISO 9660 stays empty, as on Microsoft's discs.
        args.extend(["-udf", "-iso-level", "3", "-hide", "*", "tree"]);
        run("genisoimage", &args, dir);
        return dir.join("disc.iso");
    }
    args.splice(0..0, ["-as", "mkisofs"]);
    args.extend(["-J", "-R"]);
    args.push("tree");
    run("xorriso", &args, dir);
    dir.join("disc.iso")
}

struct Image(fs::File);

impl ReadAt for Image {
    fn size(&self) -> u64 {
        self.0.metadata().unwrap().len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

/// What is on a disc, read as the server reads it.
pub fn of_disc(path: &Path) -> Recognised {
    let image = Image(fs::File::open(path).unwrap());
    let disc = Disc::open(&image, Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    let files: Vec<(String, disc::File)> = disc
        .walk()
        .filter_map(|entry| match entry.what {
            What::File(file) => Some((disc.path(entry.id), file.clone())),
            _ => None,
        })
        .collect();
    let read = |path: &str, offset: u64, max: usize| {
        let found = disc.find(path).ok().map(|entry| entry.what);
        let Some(What::File(file)) = found else { return Vec::new() };
        let there = usize::try_from(file.size.saturating_sub(offset)).unwrap();
        let mut bytes = vec![0; max.min(there)];
        file.read_at(&image, &mut bytes, offset).map(|()| bytes).unwrap_or_default()
    };
    let ids = disc.volume().ids();
    let boots = |platform| disc.boot().iter().any(|e| e.bootable && e.platform == platform);
    let volume = Volume {
        id: ids.volume.clone(),
        system: ids.system.clone(),
        publisher: ids.publisher.clone(),
        application: ids.application.clone(),
        boots_bios: boots(Platform::Bios),
        boots_uefi: boots(Platform::Uefi),
    };
    let all = files.iter().map(|(path, file)| (path.as_str(), file.size));
    catalogue::recognise(&Tree::new(all, Some(volume), &read))
}

/// What files are without a disc, or on a disc of which only this is known.
pub fn of_files(files: &Files, volume: Option<Volume>) -> Recognised {
    with_tree(files, volume, catalogue::recognise)
}

pub fn with_tree<T>(files: &Files, volume: Option<Volume>, ask: impl Fn(&Tree<'_>) -> T) -> T {
    let read = |path: &str, offset: u64, max: usize| {
        let rest = files.get(path).and_then(|bytes| bytes.get(usize::try_from(offset).ok()?..));
        rest.map(|rest| rest[..max.min(rest.len())].to_vec()).unwrap_or_default()
    };
    let all = files.iter().map(|(path, bytes)| (path.as_str(), bytes.len() as u64));
    ask(&Tree::new(all, volume, &read))
}

/// Whether a real file or folder is there. If not, its test is skipped aloud, and in CI it fails.
pub fn present(path: &str) -> bool {
    let there = Path::new(path).exists();
    let ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    assert!(there || !ci, "CI must have {path}: install the Debian package it comes from");
    if !there {
        eprintln!("SKIPPED, not installed: {path}");
    }
    there
}
