//! Every fact of a state directory that no server works on, for whoever asks what it would have done.
//!
//! In: the directory, and an empty one to work in. Out: facts and key. Never: a change of what
//! it holds.

use super::Store;
use super::sqlite::FILE_NAME;
use crate::{Damage, SiteError};
use model::{Change, Now};
use std::io::ErrorKind;
use std::path::Path;
use vault::Key;

/// What a state directory holds.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Every fact, as a change to an engine that knows nothing.
    pub changes: Vec<Change>,
    /// The key that tokens are derived from; none was made yet.
    pub key: Option<Key>,
    /// What could not be read.
    pub damaged: Vec<Damage>,
}

/// Reads them from a copy that is made in `scratch`, so that not even the log of the store moves.
///
/// Leases are as they were with the last batch that was kept, their ends moved so that this was at `at`.
pub async fn facts(state: &Path, scratch: &Path, at: Now) -> Result<Kept, SiteError> {
    crate::directory::refuse_in_use(state)?;
    for ending in ["", "-wal"] {
        let name = format!("{FILE_NAME}{ending}");
        match std::fs::copy(state.join(&name), scratch.join(&name)) {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NotFound && !ending.is_empty() => {}
            Err(cause) => {
                return Err(SiteError::Directory {
                    doing: "copy the store of",
                    path: state.to_owned(),
                    cause,
                    hint: "name a state directory, as `state` in the configuration does",
                });
            }
        }
    }
    let mut store = Store::open(scratch).await?;
    store.begin(at).await?;
    let found = store.load().await?;
    store.close().await;
    let key = crate::keys::read(state)?;
    Ok(Kept { changes: found.changes, key, damaged: found.damaged })
}
