//! The files that are served: the same bytes for every server.
//!
//! In: names and sizes. Out: a folder with them, and a state of ours into which they were imported.
//! Never: a file whose bytes repeat in a way that a disc or a network could make use of.

use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::servers;
use crate::rig::ns::Pair;
use crate::rig::{Trouble, io as cannot};

/// `/tmp` may be memory; this is a disk.
const DISK: &str = "/var/tmp";
/// The image that holds the files.
const IMAGE: &str = "shelf";

/// Files in a folder and in a state of ours, removed when dropped.
#[derive(Debug)]
pub struct Shelf {
    directory: tempfile::TempDir,
}

impl Shelf {
    /// Writes files of these names and sizes, and imports them.
    ///
    /// # Errors
    /// When there is no room, or our server does not take them.
    pub fn new(files: &[(String, u64)]) -> Result<Self, Trouble> {
        let directory = tempfile::Builder::new()
            .prefix("bwbench-")
            .tempdir_in(DISK)
            .map_err(cannot(format!("making a directory in {DISK}")))?;
        let shelf = Self { directory };
        for (name, size) in files {
            let path = shelf.root().join(name);
            let writing = || cannot(format!("writing {}", path.display()));
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(writing())?;
            }
            write(&path, *size).map_err(writing())?;
        }
        let pair = Pair::new(super::SERVER, super::CLIENT)?;
        let root = shelf.root().display().to_string();
        servers::import(&pair, &shelf, &["image", "import", &root, "--name", IMAGE])?;
        Ok(shelf)
    }

    /// The folder that peers serve.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    /// The state that ours is started on.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Where else something can be put until the end.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What a file is called in ours.
    #[must_use]
    pub fn ours(name: &str) -> String {
        format!("image/{IMAGE}/1/{name}")
    }

    /// Reads everything once, so that it is in memory.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn warm(&self) -> Result<(), Trouble> {
        for folder in [self.root(), self.state().join("blobs")] {
            read_all(&folder).map_err(cannot(format!("reading {}", folder.display())))?;
        }
        Ok(())
    }
}

/// The bytes of a file: chance from its place (splitmix64), so that none of its blocks is another's.
pub(crate) fn write(path: &Path, size: u64) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    let (mut left, mut state) = (size, size ^ seed(path));
    while left > 0 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bytes = (mixed ^ (mixed >> 31)).to_le_bytes();
        let take = left.min(8);
        file.write_all(bytes.get(..take as usize).unwrap_or(&bytes))?;
        left -= take;
    }
    file.flush()
}

/// Another one for each name.
fn seed(path: &Path) -> u64 {
    let name = path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
    name.iter().fold(7, |seed, byte| (seed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn read_all(folder: &Path) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            read_all(&entry.path())?;
            continue;
        }
        through(&entry.path(), &mut buffer)?;
    }
    Ok(())
}

/// Reads a file once, so that it is in memory.
pub(crate) fn read(path: &Path) -> io::Result<()> {
    through(path, &mut vec![0; 1 << 20])
}

fn through(path: &Path, buffer: &mut [u8]) -> io::Result<()> {
    let mut file = fs::File::open(path)?;
    while file.read(buffer)? > 0 {}
    Ok(())
}
