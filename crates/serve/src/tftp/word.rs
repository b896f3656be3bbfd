//! What Tokio's side tells the thread of the transfers.
//!
//! In: answers of the owner, bytes from the disk. Out: the same, one by one. Never: a word that
//! nobody waits for: the thread asks one thing at a time for each lookup and each transfer.

use super::ask::{Answered, Lookup};
use engine::tftp::SessionId;
use std::io;
use std::net::SocketAddr;

/// What the thread is told.
pub(super) enum Word<B> {
    /// What the owner and the shelf say to a request.
    Asked(Lookup, Answered<B>),
    /// A range of a file that was not in memory.
    Read { client: SocketAddr, id: SessionId, offset: u64, bytes: io::Result<Vec<u8>> },
}
