//! The key of a state directory: `keys/secrets.key`, made once, by chance.

use crate::SiteError;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use vault::{KEY_BYTES, Key};

const FILE: &str = "secrets.key";

/// Reads the key, or makes it if there is none. It is 64 hexadecimal digits and a line's end.
pub(crate) fn open(state: &Path) -> Result<Key, SiteError> {
    if let Some(key) = read(state)? {
        return Ok(key);
    }
    let dir = state.join("keys");
    let path = dir.join(FILE);
    make(&dir, &path).map_err(failed(&path)).map(Key::new)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> SiteError + use<> {
    let path = path.to_owned();
    move |cause: io::Error| SiteError::Directory {
        doing: "read or make the key",
        path: path.clone(),
        cause,
        hint: "without it no secret of the store can be read; if it is lost, take it from a backup \
               with keys, or remove it and set every secret anew",
    }
}

/// Reads the key, if there is one.
pub(crate) fn read(state: &Path) -> Result<Option<Key>, SiteError> {
    let path = state.join("keys").join(FILE);
    let failed = failed(&path);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let mode = path.metadata().map_err(&failed)?.mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(SiteError::ReadableByOthers { path, mode, wanted: 0o600 });
            }
            let bytes = text.trim().parse::<model::Hash>();
            bytes.map(|bytes| Some(Key::new(bytes.0))).map_err(|_| {
                failed(io::Error::new(ErrorKind::InvalidData, "it is not 64 hexadecimal digits"))
            })
        }
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(e)),
    }
}

/// Written whole under another name first: a key that was cut short would be another key.
fn make(dir: &Path, path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let bytes = chance::<KEY_BYTES>()?;
    let new = dir.join(format!("{FILE}.new"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    writeln!(file, "{}", model::Hash(bytes))?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(dir)?.sync_all()?;
    Ok(bytes)
}

/// Bytes that nobody can guess.
pub(crate) fn chance<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_a_broken_or_readable_one_is_refused() {
        let state = tempfile::tempdir().unwrap();
        let first = open(state.path()).unwrap();
        assert_eq!(open(state.path()).unwrap(), first);
        let path = state.path().join("keys/secrets.key");
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(open(state.path()), Err(SiteError::ReadableByOthers { .. })));
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "abc\n").unwrap();
        assert!(open(state.path()).unwrap_err().hint().unwrap().contains("backup"));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(open(other.path()).unwrap(), first);
    }
}
