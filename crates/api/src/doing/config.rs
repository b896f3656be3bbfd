//! The configuration file on disk: read, and replaced in one step, so that whoever reads it finds the old or the new.
//!
//! In: a path, a text, what somebody saw. Out: the file as it is, or as it was. Never: a look at what the text means.

use crate::Problem;
use crate::types::{ConfigView, ConfigWish};
use nix::unistd::{AccessFlags, access};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::sync::{Mutex, MutexGuard};

/// A text larger than this is no configuration.
const TEXT_MAX: usize = 1 << 20;

/// One change of the file at a time: from the comparison to the reload.
pub async fn writing() -> MutexGuard<'static, ()> {
    static WRITING: Mutex<()> = Mutex::const_new(());
    WRITING.lock().await
}

/// SHA-256 of a text, in hexadecimal digits.
pub fn print(text: &[u8]) -> String {
    model::Hash(Sha256::digest(text).into()).to_string()
}

fn cannot(what: &str, path: &Path, e: &std::io::Error) -> Problem {
    Problem::failed(format!("cannot {what} {}: {e}", path.display()))
}

/// The file as it is, and whether it can be changed.
pub fn view(path: &Path) -> Result<ConfigView, Problem> {
    let text = std::fs::read_to_string(path).map_err(|e| cannot("read", path, &e))?;
    let stuck = stuck(path);
    let hint = stuck.as_ref().map(|_| {
        "change it on the server's host, then: bootwright reload; or let the server's own user write the file and its \
         folder (systemd: ReadWritePaths=)"
            .to_owned()
    });
    let seen = print(text.as_bytes());
    let shown = Some(path.display().to_string());
    Ok(ConfigView { path: shown, text, seen, writable: stuck.is_none(), why: stuck, hint })
}

/// Why the file cannot be replaced, if so: that takes a new file beside it.
fn stuck(path: &Path) -> Option<String> {
    let real = std::fs::canonicalize(path).ok()?;
    let folder = real.parent()?;
    for of in [folder, &real] {
        if let Err(e) = access(of, AccessFlags::W_OK) {
            return Some(format!("the server may not write {}: {}", of.display(), e.desc()));
        }
    }
    None
}

/// A file that was replaced.
#[derive(Debug)]
pub struct Written {
    path: PathBuf,
    before: Vec<u8>,
    /// SHA-256 of what stands in it now.
    pub seen: String,
}

impl Written {
    /// Puts back what stood there before.
    pub async fn take_back(&self) -> Result<(), Problem> {
        let (path, before) = (self.path.clone(), self.before.clone());
        super::blocking(move || replace(&path, &before)).await?
    }
}

/// Replaces the file, if it still is what was seen.
pub async fn write(path: PathBuf, wish: ConfigWish) -> Result<Written, Problem> {
    super::blocking(move || {
        let ConfigWish { text, seen } = wish;
        if text.len() > TEXT_MAX {
            return Err(Problem::too_large(format!("{} bytes are no configuration", text.len())));
        }
        // A link stays one; what it leads to is replaced.
        let path = std::fs::canonicalize(&path).map_err(|e| cannot("find", &path, &e))?;
        let before = std::fs::read(&path).map_err(|e| cannot("read", &path, &e))?;
        if seen.is_some_and(|seen| seen != print(&before)) {
            return Err(Problem::stale("somebody else changed the configuration file meanwhile")
                .hint("read it again, and make the change in what stands there now"));
        }
        replace(&path, text.as_bytes())?;
        Ok(Written { seen: print(text.as_bytes()), path, before })
    })
    .await?
}

/// A new file, whole and on disk, takes the place and the rights of the old one.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let failed = |e: std::io::Error| {
        cannot("write", path, &e).hint("let the server's user write the file and its folder")
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.join(format!(".{name}.{}", std::process::id()));
    let made = fill(&new, path, bytes).and_then(|()| std::fs::rename(&new, path));
    if let Err(e) = made {
        let _ = std::fs::remove_file(&new);
        return Err(failed(e));
    }
    // The name, too, is to be there after the power fails.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn fill(new: &Path, like: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let was = std::fs::metadata(like)?;
    // What a change that was killed left behind is nobody's.
    let _ = std::fs::remove_file(new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    file.write_all(bytes)?;
    // Only root can give a file away; whoever may write here but is not its owner becomes that.
    let _ = std::os::unix::fs::fchown(&file, Some(was.uid()), Some(was.gid()));
    file.set_permissions(std::fs::Permissions::from_mode(was.permissions().mode()))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(text: &str, seen: Option<&str>) -> ConfigWish {
        ConfigWish { text: text.to_owned(), seen: seen.map(|seen| print(seen.as_bytes())) }
    }

    #[tokio::test]
    async fn a_file_is_replaced_whole_keeps_its_rights_and_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("lab.toml"), folder.path().join("link.toml"));
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();

        let written = write(link.clone(), wish("new", Some("old"))).await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        let beside = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(beside, 2, "nothing is left beside it");

        let late = write(link.clone(), wish("mine", Some("old"))).await.unwrap_err();
        assert_eq!(late.status, 412);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        written.take_back().await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    }

    #[test]
    fn a_file_says_whether_it_can_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.toml");
        std::fs::write(&path, "a = 1\n").unwrap();
        let seen = view(&path).unwrap();
        assert!(seen.writable && seen.why.is_none());
        assert_eq!(
            (seen.text.as_str(), seen.seen.as_str()),
            ("a = 1\n", print(b"a = 1\n").as_str())
        );
        // Root may write wherever nothing is mounted read-only.
        let why = stuck(Path::new("/proc/version"));
        match nix::unistd::geteuid().is_root() {
            true => assert_eq!(why, None),
            false => assert!(why.unwrap().starts_with("the server may not write /proc")),
        }
    }
}
