//! What was decided together and is kept together: changes, and the answers that wait for them.

use crate::SiteError;
use crate::handle::Said;
use engine::{Answer, Found, Outgoing};
use model::plan::Why;
use model::{Change, Event};
use tokio::sync::oneshot;

/// What one batch changed so far, and what waits for that to be on disk.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) changes: Vec<Change>,
    /// Whether an answer decided from here on may rest on a promise that is not kept yet.
    pub(crate) promises: bool,
    pub(crate) held: Vec<Held>,
    /// A bug left the engine in an unknown state.
    pub(crate) spoiled: bool,
}

/// An answer that waits for its batch.
pub(crate) struct Held {
    pub(crate) letter: Letter,
    pub(crate) events: Vec<Event>,
    pub(crate) promises: bool,
}

/// An answer and whom it is for. Whoever asked may be gone, which is no error.
pub(crate) enum Letter {
    Datagram(oneshot::Sender<Option<Outgoing>>, Option<Outgoing>, String),
    File(oneshot::Sender<Answer<Found>>, Answer<Found>),
    Command(oneshot::Sender<Result<Said, SiteError>>, Result<Said, SiteError>),
}

impl Letter {
    pub(crate) fn leave(self) {
        match self {
            Self::Datagram(to, answer, _) => drop(to.send(answer)),
            Self::File(to, answer) => drop(to.send(answer)),
            Self::Command(to, answer) => drop(to.send(answer)),
        }
    }

    /// Says instead that nothing could be kept.
    pub(crate) fn fail(self, why: &str) {
        match self {
            Self::Datagram(to, ..) => drop(to.send(None)),
            Self::File(to, _) => drop(to.send(Answer::Silence(Why::StoreFailed(why.to_owned())))),
            Self::Command(to, _) => drop(to.send(Err(SiteError::NotKept(why.to_owned())))),
        }
    }
}

/// Whether an answer beside this change says something that must not be forgotten. What a machine
/// told of itself may be: it tells it again at its next boot.
pub(crate) fn promises(change: &Change) -> bool {
    !matches!(change, Change::Machine(_))
}
