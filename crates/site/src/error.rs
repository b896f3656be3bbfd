//! What can go wrong, by fault.

use crate::store::StoreError;
use engine::Refusal;
use std::path::PathBuf;

/// Why the owner could not do what it was asked. As text: what happened, then what to do.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The operator's: the command cannot be carried out.
    #[error("{0}")]
    Refused(Refusal),
    /// The operator's: somebody changed it since he looked.
    #[error(
        "it was changed meanwhile, so nothing was done\nhint: look at it again, and decide again"
    )]
    Stale,
    /// The operator's: others may read what is secret.
    #[error(
        "{} may be read by others (mode {mode:04o})\nhint: chmod {wanted:o} {}",
        .path.display(), .path.display()
    )]
    ReadableByOthers {
        /// What.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it should have.
        wanted: u32,
    },
    /// The operator's: another server works on this state.
    #[error(
        "{} is in use by {}\nhint: stop that server, or give this one a state directory of its own",
        .path.display(),
        .pid.as_ref().map_or("another process".to_owned(), |p| format!("process {p}"))
    )]
    InUse {
        /// The state directory.
        path: PathBuf,
        /// Who, if it wrote that down.
        pid: Option<u32>,
    },
    /// The operator's: a restore would take the place of something.
    #[error(
        "{} is not empty{}\nhint: {}",
        .path.display(),
        if *ours { ": there is a state in it" } else { ", and what is in it is no state of a server" },
        if *ours {
            "to put the restored state in its place, and keep what is there under another name: --force"
        } else {
            "move it away, or restore into another directory: --state DIR"
        }
    )]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// Whether what is in it is a state.
        ours: bool,
    },
    /// The surroundings: the state directory.
    #[error("could not {doing} {}: {cause}\nhint: {hint}", .path.display())]
    Directory {
        /// What was being done: `create`, `lock`.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        cause: std::io::Error,
        /// What to do.
        hint: &'static str,
    },
    /// The surroundings: the store could not be opened or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The surroundings: what was asked could not be kept, so it was not done.
    #[error("nothing was changed, because it could not be kept on disk: {0}")]
    NotKept(String),
    /// The owner has stopped.
    #[error("the server is stopping; nothing was changed\nhint: ask again when it runs")]
    Stopped,
    /// Ours: a bug, caught at the edge of this one request.
    #[error(
        "a bug in the server stopped this request: {0}\nhint: nothing was changed; please report it"
    )]
    Bug(String),
}

impl SiteError {
    /// What happened and why, without the hint.
    pub fn why(&self) -> String {
        let text = self.to_string();
        text.split_once("\nhint: ").map_or(text.clone(), |(why, _)| why.to_owned())
    }

    /// What to do.
    pub fn hint(&self) -> Option<String> {
        self.to_string().split_once("\nhint: ").map(|(_, hint)| hint.to_owned())
    }
}
