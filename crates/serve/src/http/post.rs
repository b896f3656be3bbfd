//! What others tell the thread of a port.
//!
//! In: answers of the owner, pieces that are in memory now. Out: the same, on the thread. Never: more
//! letters than connections have questions (each asks one at a time).

use super::slab::Token;
use crate::part::{Layout, Part};
use model::plan::Why;
use model::{HardwareAddress, Hash};
use std::io;
use std::sync::Arc;

/// Something for one connection, or for those that wait for a piece.
pub(super) enum Letter<B> {
    /// The answer to what a connection asked.
    Answer {
        to: Token,
        /// Whom the neighbour table names.
        neighbour: Option<HardwareAddress>,
        says: Says<B>,
    },
    /// A piece was read into memory, or could not be.
    Piece { key: Hash, piece: u64, read: io::Result<()> },
}

/// What came of a question.
pub(super) enum Says<B> {
    File(Arc<Facts>, Body<B>),
    Silence(Why),
    /// The file is published and cannot be opened: its name as shown, and the cause.
    Unreadable(String, Option<HardwareAddress>, io::Error),
    /// Whoever was asked failed at it.
    Lost,
}

/// The bytes of a file.
pub(super) enum Body<B> {
    Text(String),
    Blob(Part<B>),
}

/// What is told of a file again and again.
#[derive(Debug)]
pub(super) struct Facts {
    /// The name as asked, shown.
    pub(super) shown: String,
    pub(super) media: &'static str,
    pub(super) machine: Option<HardwareAddress>,
    pub(super) blob: Option<BlobFacts>,
    pub(super) steady: bool,
}

/// Where its bytes stand.
#[derive(Debug)]
pub(super) struct BlobFacts {
    pub(super) layout: Arc<Layout>,
    /// Its entity tag.
    pub(super) tag: String,
}
