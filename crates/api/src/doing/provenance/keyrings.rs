//! The keyrings by which an import is checked: the one that an operator names, or all of STATE/keyrings.
//!
//! In: a name, a path or nothing, and the folders. Out: all their keys as one ring, and which file holds
//! which key, for words. Never: a key of a file that was not named or put into STATE/keyrings; a file that
//! was named passed over in silence.
//!
//! The files are joined before anything is checked: a key that one of them knows to be revoked, or to be
//! good for longer, is so in all of them.

use super::open_plain;
use crate::Problem;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use trust::Keyring;

/// Where keyrings are looked for by name, beside STATE/keyrings.
const SYSTEM: [&str; 2] = ["/usr/share/keyrings", "/etc/apt/trusted.gpg.d"];
/// What a name may end with there: a publisher may have several, as Debian's discs are signed by other
/// keys than its packages. Not `-keyring.gpg`: that is Debian's ring of all its developers.
const ENDS: [&str; 6] = ["", ".gpg", ".asc", ".pgp", "-archive-keyring.gpg", "-role-keys.gpg"];
/// Keyrings of STATE/keyrings that are tried.
const FILES_MAX: usize = 64;

/// The keys of all files, and where each is from.
#[derive(Debug, Default)]
pub(in crate::doing) struct Keyrings {
    pub ring: Keyring,
    /// File names by fingerprint.
    files: BTreeMap<String, Vec<String>>,
    /// Files that were passed over, a sentence each.
    pub notes: Vec<String>,
}

impl Keyrings {
    /// The keyrings of a name or path; without one, all that operators put into STATE/keyrings.
    pub(in crate::doing) fn read(named: Option<&str>, state: &Path) -> Result<Self, Problem> {
        let own = state.join("keyrings");
        match named {
            None => Ok(Self::of_folder(&own)),
            Some(path) if path.contains('/') => {
                let mut all = Self::default();
                all.add(Path::new(path)).map_err(unusable)?;
                Ok(all)
            }
            Some(name) => Self::of_name(name, &own),
        }
    }

    /// Whether there is a key to check by.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The names of the files that hold a key.
    pub(super) fn holding(&self, fingerprint: &str) -> String {
        self.files.get(fingerprint).map(|names| names.join(", ")).unwrap_or_default()
    }

    fn of_folder(own: &Path) -> Self {
        let entries = std::fs::read_dir(own).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.sort_unstable();
        let mut all = Self::default();
        for path in files.into_iter().filter(|path| path.is_file()).take(FILES_MAX) {
            all.add_or_note(&path);
        }
        all
    }

    fn of_name(name: &str, own: &Path) -> Result<Self, Problem> {
        let folders = [own].into_iter().chain(SYSTEM.map(Path::new));
        let found = folders.flat_map(|folder| ENDS.map(|end| folder.join(format!("{name}{end}"))));
        let mut all = Self::default();
        for path in found.filter(|path| path.is_file()) {
            all.add_or_note(&path);
        }
        if !all.is_empty() {
            return Ok(all);
        }
        if !all.notes.is_empty() {
            return Err(unusable(all.notes.join("; ")));
        }
        let shown = model::text::show(name.as_bytes());
        Err(Problem::refused(format!("there is no keyring `{shown}`")).hint(
            "put the publisher's public keys into STATE/keyrings/NAME.gpg, install its keyring \
             package (debian-archive-keyring, ubuntu-keyring), or name a file by its path",
        ))
    }

    fn add_or_note(&mut self, path: &Path) {
        if let Err(why) = self.add(path) {
            self.notes.push(format!("a keyring was passed over: {why}"));
        }
    }

    fn add(&mut self, path: &Path) -> Result<(), String> {
        let shown = model::text::show(path.as_os_str().as_encoded_bytes());
        let mut bytes = Vec::new();
        // One byte more than may be, so that what is too large is seen and not cut.
        let most = Keyring::MAX_BYTES as u64 + 1;
        open_plain(path)
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .map_err(|e| format!("cannot read {shown}: {e}"))?;
        let ring = Keyring::read(&bytes).map_err(|e| format!("{shown}: {e}"))?;
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let (name, fingerprints) = (model::text::show(name), ring.fingerprints());
        for fingerprint in fingerprints {
            let names = self.files.entry(fingerprint).or_default();
            if !names.contains(&name) {
                names.push(name.clone());
            }
        }
        self.ring.join(ring).map_err(|e| format!("{shown}: {e}"))
    }
}

fn unusable(why: String) -> Problem {
    Problem::refused(why).hint(
        "name a file with the publisher's public keys that the server's user may read; gpg --export \
         writes one",
    )
}
