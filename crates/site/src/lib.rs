//! The one owner of state: decide, keep, tell.
//!
//! ```text
//! serve, api ── SiteHandle ──▶ inbox ──▶ owner ── decides a batch in memory (engine)
//!                  ▲                       │ ───── keeps its changes: one synced transaction
//!                  │                       │ ───── lets the answers leave
//!                  └─── recent, events ◀───┘ ───── tells what happened
//! ```
//!
//! In: datagrams, file requests, commands, questions, and events of transfers. Out: answers that
//! promise nothing which is not on disk, and events for whoever watches. Never: a decision of its
//! own (those are `engine`), a network socket, a blob.
//!
//! The rooms: [`handle`] is the door, `keys` what secrets are sealed with, `kitchen` where answer files
//! get their text, [`post`] what goes through it from and to machines, `inbox`
//! the queues behind it, `owner` the loop, `store` what is kept, [`journal`] what was told lately,
//! [`clock`] the time, `directory` the state directory and its lock.
#![forbid(unsafe_code)]

mod batch;
pub mod clock;
mod directory;
mod error;
pub mod handle;
mod inbox;
pub mod journal;
mod keys;
mod kitchen;
mod owner;
pub mod post;
mod store;
pub mod tally;

pub use clock::{Clock, WallClock};
pub use error::SiteError;
pub use handle::{Act, Counted, Reply, Said, SiteHandle, Waiting};
pub use journal::Followed;
pub use kitchen::{Asking, Asks};
pub use post::{Heard, Ready, Replies};
pub use store::audit::{Entry as AuditEntry, PAGE_MAX as AUDIT_PAGE_MAX};
pub use store::repair::{Report, repair};
pub use store::restore::{Held, Placing, look, mark_restored};
pub use store::{Damage, StoreError};

use engine::Settings;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// What a site is started with.
pub struct Options {
    /// The state directory: made if it is missing, refused if others may read it.
    pub state: PathBuf,
    /// The configuration in force.
    pub settings: Settings,
    /// The time. In production a [`WallClock`].
    pub clock: Arc<dyn Clock>,
    /// How much may wait and be remembered.
    pub limits: Limits,
}

/// What the network can make grow, and how far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// DHCP messages that wait for the owner, in each of two lanes: DISCOVERs, and what those send
    /// that have an address. Past it the oldest of the lane is dropped and counted.
    pub datagrams_max: usize,
    /// File requests, commands and questions that wait; past it whoever asks has to wait.
    pub requests_max: usize,
    /// Requests decided together and kept in one transaction.
    pub batch_max: usize,
    /// Events that a slow listener may lag behind before it misses some.
    pub events_max: usize,
    /// What the journal remembers.
    pub journal: journal::Limits,
    /// Which boots are remembered.
    pub stories: engine::story::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            datagrams_max: 4096,
            requests_max: 1024,
            batch_max: 4096,
            events_max: 4096,
            journal: journal::Limits::default(),
            stories: engine::story::Limits::default(),
        }
    }
}

/// Starts the owner of a state directory.
pub struct Site;

impl Site {
    /// Locks the state directory, opens its store (upgrading it if it is older than we are), reads
    /// every fact, and starts the owner. The join handle ends when the owner has stopped: after
    /// [`SiteHandle::stop`], when the last handle is gone, or by a bug of ours.
    pub async fn start(options: Options) -> Result<(SiteHandle, JoinHandle<()>), SiteError> {
        let directory = directory::StateDirectory::open(&options.state)?;
        let store = store::Store::open(directory.path()).await?;
        let options = with_key(options)?;
        owner::start(store, Some(directory), options, owner::Decide::default()).await
    }
}

/// The key belongs to the state directory, not to the configuration.
fn with_key(mut options: Options) -> Result<Options, SiteError> {
    options.settings.key = keys::open(&options.state)?;
    Ok(options)
}
