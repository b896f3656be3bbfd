//! The state directory: ours alone, and one server at a time.

use crate::SiteError;
use std::fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A state directory that nobody else may read and nobody else works on, while this lives.
#[derive(Debug)]
pub(crate) struct StateDirectory {
    path: PathBuf,
    /// Holds the lock (flock); the kernel lets go of it however we end.
    _lock: File,
}

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
pub(crate) const LOCK: &str = "lock";

impl StateDirectory {
    /// Makes the directory if it is missing, refuses it if others may read it or anything we keep
    /// in it, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, SiteError> {
        let failed = |doing, hint| {
            move |cause| SiteError::Directory { doing, path: path.to_owned(), cause, hint }
        };
        let hint = "check the `state` setting and who owns the directory above it";
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(path)
            .map_err(failed("create the state directory", hint))?;
        let metadata = path.metadata().map_err(failed("look at the state directory", hint))?;
        refuse_readable(path, &metadata, DIRECTORY_MODE)?;
        refuse_readable_files(path)
            .map_err(|fault| fault.told(failed("read the state directory", hint)))?;

        let lock = lock(path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Found while looking through the directory.
enum Fault {
    Refused(SiteError),
    Io(std::io::Error),
}

impl Fault {
    fn told(self, io: impl FnOnce(std::io::Error) -> SiteError) -> SiteError {
        match self {
            Self::Refused(error) => error,
            Self::Io(cause) => io(cause),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(cause: std::io::Error) -> Self {
        Self::Io(cause)
    }
}

/// The files of the store and the lock; `blobs/` and `keys/` are looked after by their owners.
fn refuse_readable_files(path: &Path) -> Result<(), Fault> {
    for entry in path.read_dir()? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            refuse_readable(&entry.path(), &metadata, FILE_MODE).map_err(Fault::Refused)?;
        }
    }
    Ok(())
}

/// Refuses a directory on which somebody works, without making anything in it.
pub(crate) fn refuse_in_use(directory: &Path) -> Result<(), SiteError> {
    match directory.join(LOCK).exists() {
        true => lock(directory).map(|_| ()),
        false => Ok(()),
    }
}

fn refuse_readable(path: &Path, metadata: &Metadata, wanted: u32) -> Result<(), SiteError> {
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SiteError::ReadableByOthers { path: path.to_owned(), mode, wanted });
    }
    Ok(())
}

/// Takes the lock and writes our process id into it.
fn lock(directory: &Path) -> Result<File, SiteError> {
    let path = directory.join(LOCK);
    let failed = |cause| SiteError::Directory {
        doing: "lock",
        path: path.clone(),
        cause,
        hint: "the state directory must be on a file system of this computer that can be written",
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Only for the message: a lock without a readable id is still a lock.
            let _ = file.read_to_string(&mut pid);
            let pid = pid.trim().parse().ok();
            return Err(SiteError::InUse { path: directory.to_owned(), pid });
        }
        Err(TryLockError::Error(cause)) => return Err(failed(cause)),
    }
    // On a full disk the id cannot be written; the lock holds all the same.
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_second_server_is_told_who_has_the_state() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let held = StateDirectory::open(&path).unwrap();
        assert_eq!(held.path().metadata().unwrap().mode() & 0o777, 0o700);

        let refused = StateDirectory::open(&path).unwrap_err();
        assert!(refused.why().ends_with(&format!("is in use by process {}", std::process::id())));
        assert!(refused.hint().unwrap().starts_with("stop that server"));

        drop(held);
        StateDirectory::open(&path).unwrap();
    }

    #[test]
    fn state_that_others_may_read_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("state");
        drop(StateDirectory::open(&path).unwrap());

        let open = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode));
        open(&path, 0o750).unwrap();
        let refused = StateDirectory::open(&path).unwrap_err();
        assert_eq!(refused.hint().unwrap(), format!("chmod 700 {}", path.display()));
        open(&path, 0o700).unwrap();

        let file = path.join("bootwright.db");
        std::fs::write(&file, "").unwrap();
        open(&file, 0o644).unwrap();
        let refused = StateDirectory::open(&path).unwrap_err();
        assert_eq!(refused.hint().unwrap(), format!("chmod 600 {}", file.display()));
    }
}
