//! What is imported: folders and discs, each with bytes of its own and some that all share.
//!
//! In: a directory. Out: folders and ISOs in it, and what each file of them must be. Never: two
//! sources with the same file [`ID`].

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::rig::{Trouble, io, iso};
use crate::sim::chance::Chance;

/// The file that says which source this is.
pub const ID: &str = "id";
/// So many folders, and so many discs.
const EACH: usize = 4;
/// In every source: the same blob for many images.
const SHARED: (&str, u64) = ("shared/kernel", 2 << 20);
const SMALL: u64 = 24;
const LARGE_OF_FOLDER: u64 = 3 << 20;
/// A disc is one blob: large enough that a kill finds it half written.
const LARGE_OF_DISC: u64 = 16 << 20;

/// All of them.
#[derive(Debug)]
pub struct Sources(Vec<One>);

#[derive(Debug)]
struct One {
    tree: PathBuf,
    disc: Option<PathBuf>,
    files: Vec<String>,
}

impl Sources {
    /// Makes them.
    ///
    /// # Errors
    /// When there is no room, or xorriso fails.
    pub fn new(directory: &Path) -> Result<Self, Trouble> {
        let one = |at: usize| One::new(directory, at, at >= EACH);
        (0..2 * EACH).map(one).collect::<Result<_, _>>().map(Self)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// What is named to `image import`.
    pub fn path(&self, at: usize) -> &Path {
        match self.0.get(at) {
            Some(One { disc: Some(disc), .. }) => disc,
            Some(One { tree, .. }) => tree,
            None => Path::new("/nonexistent"),
        }
    }

    /// Whether it is a disc.
    pub fn is_disc(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|one| one.disc.is_some())
    }

    /// Which source says this in its file [`ID`].
    pub fn named(&self, id: &[u8]) -> Option<usize> {
        (0..self.count()).find(|at| id_of(*at).as_bytes() == id)
    }

    /// What must be fetched below `/image/NAME/`, given `VERSION`, and the file with its bytes.
    pub fn files(&self, at: usize, version: u32) -> Vec<(String, PathBuf)> {
        let Some(one) = self.0.get(at) else { return Vec::new() };
        let inside = |name: &String| (format!("{version}/{name}"), one.tree.join(name));
        let whole = one.disc.iter().map(|disc| (format!("{version}.iso"), disc.clone()));
        one.files.iter().map(inside).chain(whole).collect()
    }
}

impl One {
    fn new(directory: &Path, at: usize, disc: bool) -> Result<Self, Trouble> {
        let tree = directory.join(format!("tree-{at}"));
        // Sizes differ, and none but the shared one is a round number.
        let odd = at as u64 * 1000 + 7;
        let mut files = vec![(SHARED.0.to_owned(), SHARED.1, 1)];
        let large = if disc { LARGE_OF_DISC } else { LARGE_OF_FOLDER };
        files.push(("large".to_owned(), large + odd, 1000 + at as u64));
        files.extend((0..SMALL).map(|n| (format!("small/{n}"), n * 777 + odd, 2000 + n)));
        for (name, bytes, seed) in &files {
            let path = tree.join(name);
            let folder = path.parent().unwrap_or(&tree);
            fs::create_dir_all(folder).map_err(io(format!("making {}", folder.display())))?;
            fs::write(&path, bytes_of(*seed, *bytes))
                .map_err(io(format!("writing {}", path.display())))?;
        }
        fs::write(tree.join(ID), id_of(at)).map_err(io("writing the id of a source"))?;
        let mut files: Vec<String> = files.into_iter().map(|(name, ..)| name).collect();
        files.push(ID.to_owned());
        let path = directory.join(format!("disc-{at}.iso"));
        if disc {
            iso::write(&tree, &format!("SOURCE_{at}"), &path)?;
        }
        Ok(Self { tree, disc: disc.then_some(path), files })
    }
}

fn id_of(at: usize) -> String {
    format!("source {at}\n")
}

/// So many bytes by chance, the same for the same seed.
fn bytes_of(seed: u64, count: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < count {
        bytes.extend_from_slice(&chance.below(1 << 31).to_le_bytes()[..3]);
    }
    bytes.truncate(usize::try_from(count).unwrap_or(0));
    bytes
}

/// A file, whole.
pub fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    let reading = || io(format!("reading {}", path.display()));
    let mut bytes = Vec::new();
    let mut file = fs::File::open(path).map_err(reading())?;
    file.read_to_end(&mut bytes).map_err(reading())?;
    Ok(bytes)
}
