//! Where the Unix socket is, and how it is opened: 0660, for root and the group.

use crate::peer::GROUP;
use nix::unistd::{Group, chown};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// Without a state directory named.
pub const DEFAULT: &str = "/run/bootwright/bootwright.sock";

/// The socket of a server: the one in the state directory if that was named, else [`DEFAULT`].
pub fn path(state: Option<&Path>) -> PathBuf {
    match state {
        Some(state) => state.join("bootwright.sock"),
        None => PathBuf::from(DEFAULT),
    }
}

/// Opens the socket. A socket that nobody serves any more is replaced; a live one is not.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    let group = Group::from_name(GROUP).ok().flatten().map(|group| group.gid);
    if let Some(folder) = path.parent()
        && !folder.exists()
    {
        DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
        if group.is_some() {
            chown(folder, None, group)?;
        }
    }
    remove_stale(path)?;
    let listener = UnixListener::bind(path)?;
    // Until here the process's umask decided; nobody but us could write to it. Whoever connects
    // is judged by the kernel's word about them, too.
    if group.is_some() {
        chown(path, None, group)?;
    }
    fs::set_permissions(path, Permissions::from_mode(0o660))?;
    Ok(listener)
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(there) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !there.file_type().is_socket() {
        let what = format!("{} is in the way and is no socket", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => {
            let what = format!("another bootwright serves {}", path.display());
            Err(io::Error::new(io::ErrorKind::AddrInUse, what))
        }
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootwright.sock");
        let live = bind(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(live);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        drop(bind(&path).unwrap());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "x").unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
