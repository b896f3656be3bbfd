//! What is in the machine, by what its kernel shows.
//!
//! In: `/sys` and `/proc` below a root, so that a made-up machine is read like a real one. Out: a
//! [`Hardware`] that is safe to send. Never: a disk opened, a file written.

mod cpu;
mod disks;
mod firmware;
mod memory;
mod nics;

use model::Hardware;
use model::hardware::{DISKS_MAX, NICS_MAX};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most of one file that is read: `/proc/cpuinfo` of a thousand threads has 1.5 MiB.
const FILE_MAX: u64 = 4 << 20;
/// Entries of one folder that are looked at.
const ENTRIES_MAX: usize = 4096;

/// Reads the machine whose files are below `root`. What cannot be read is absent.
pub fn read(root: &Path) -> Hardware {
    let root = Root(root.to_owned());
    let dmi = firmware::Dmi::read(&root);
    let mut disks = disks::read(&root);
    disks.truncate(DISKS_MAX);
    let mut nics = nics::read(&root);
    nics.truncate(NICS_MAX);
    let processors = root.text("proc/cpuinfo").unwrap_or_default();
    let hardware = Hardware {
        cpu: cpu::read(&processors),
        memory_mib: memory::read(&root),
        disks,
        nics,
        firmware: firmware::read(&root, &dmi),
        system: dmi.system(),
        tpm: firmware::tpm(&root),
        secure_boot: firmware::secure_boot(&root),
        virtualization: cpu::virtualization(&root, &processors, &dmi),
        reported: None,
    };
    // Nothing is refused here: there are never too many parts, and each has a name.
    hardware.checked().unwrap_or_default()
}

/// Its network cards alone, as they are now.
pub fn nics(root: &Path) -> Vec<model::hardware::Nic> {
    nics::read(&Root(root.to_owned()))
}

/// Where the kernel's files are.
pub(crate) struct Root(PathBuf);

impl Root {
    /// The path of a file.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    pub(crate) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(self.path(path)).ok()?;
        file.take(FILE_MAX).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// A file as text; bytes that are no text are replaced.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        self.bytes(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The one word or line that a file holds, unless it is empty.
    pub(crate) fn line(&self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        let line = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        (!line.is_empty()).then(|| line.to_owned())
    }

    pub(crate) fn number(&self, path: &str) -> Option<u64> {
        self.line(path)?.parse().ok()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Names in a folder, in order.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(path)) else { return Vec::new() };
        let named = entries.flatten().take(ENTRIES_MAX);
        let mut names: Vec<String> =
            named.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_by_key(|name| natural(name));
        names
    }

    /// The name at the end of a symbolic link.
    pub(crate) fn leads_to(&self, path: &str) -> Option<String> {
        let to = std::fs::read_link(self.path(path)).ok()?;
        Some(to.file_name()?.to_str()?.to_owned())
    }

    /// A symbolic link as it is written.
    pub(crate) fn link(&self, path: &str) -> Option<String> {
        Some(std::fs::read_link(self.path(path)).ok()?.to_str()?.to_owned())
    }
}

/// `eth2` before `eth10`, `sdz` before `sdaa`.
fn natural(name: &str) -> (String, usize, u64, String) {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.get(letters.len()..).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let kind: String = letters.chars().take(2).collect();
    (kind, letters.len(), number, name.to_owned())
}

#[cfg(test)]
mod tests;
