//! What was decided together and is kept together: changes, and the answers that wait for them.

use crate::SiteError;
use crate::handle::Said;
use crate::inbox::{Question, Request};
use crate::post::{Ready, Replies};
use engine::{Answer, Found, Outgoing6};
use model::plan::Why;
use model::{Change, Event};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use wire::dhcp4::{MessageType, peek_message_type};

/// What one batch changed so far, and what waits for that to be on disk.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) changes: Vec<Change>,
    /// Whether an answer decided from here on may rest on a promise that is not kept yet.
    pub(crate) promises: bool,
    pub(crate) held: Vec<Held>,
    /// What waits for nothing and leaves with its neighbours.
    pub(crate) free: Vec<(Letter, Vec<Event>)>,
    /// A bug left the engine in an unknown state.
    pub(crate) spoiled: bool,
    /// Even without a change the moment is to be kept.
    pub(crate) minute: bool,
    /// What was decided before is not on disk yet.
    pub(crate) rests: bool,
    /// Answered once all of this is on disk.
    pub(crate) questions: Vec<Question>,
    /// What came after a bug, to be decided by an engine made anew.
    pub(crate) later: Vec<Request>,
    /// Somebody asked to stop.
    pub(crate) stop: bool,
}

impl Batch {
    /// Whether more may be decided before all of it is on disk.
    pub(crate) fn open(&self) -> bool {
        self.questions.is_empty() && !self.spoiled && !self.stop
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_empty(&self) -> bool {
        let nothing = self.changes.is_empty() && self.held.is_empty() && self.questions.is_empty();
        nothing && !self.minute && !self.stop && !self.spoiled && self.later.is_empty()
    }
}

/// An answer that waits for its batch.
pub(crate) struct Held {
    pub(crate) letter: Letter,
    pub(crate) events: Vec<Event>,
    pub(crate) promises: bool,
}

/// An answer and whom it is for. Whoever asked may be gone, which is no error.
pub(crate) enum Letter {
    Datagram(Replies, Option<Ready>),
    Datagram6(oneshot::Sender<Answer<Outgoing6>>, Answer<Outgoing6>),
    File(oneshot::Sender<Answer<Found>>, Answer<Found>),
    Command(oneshot::Sender<Result<Said, SiteError>>, Result<Said, SiteError>),
    /// Something changed that nobody asked for.
    Nobody,
}

impl Letter {
    /// False if there was no room for it.
    pub(crate) fn leave(self) -> bool {
        match self {
            Self::Datagram(to, Some(ready)) => {
                return !matches!(to.try_send(ready), Err(TrySendError::Full(_)));
            }
            Self::Datagram(_, None) | Self::Nobody => {}
            Self::Datagram6(to, answer) => drop(to.send(answer)),
            Self::File(to, answer) => drop(to.send(answer)),
            Self::Command(to, answer) => drop(to.send(answer)),
        }
        true
    }

    /// Says instead that nothing could be kept.
    pub(crate) fn fail(self, why: &str) {
        match self {
            Self::Datagram(..) | Self::Nobody => {}
            Self::Datagram6(to, _) => {
                drop(to.send(Answer::Silence(Why::StoreFailed(why.to_owned()))));
            }
            Self::File(to, _) => drop(to.send(Answer::Silence(Why::StoreFailed(why.to_owned())))),
            Self::Command(to, _) => drop(to.send(Err(SiteError::NotKept(why.to_owned())))),
        }
    }

    /// Whether it is an OFFER: it promises nothing, whatever it rests on.
    pub(crate) fn is_offer(&self) -> bool {
        let Self::Datagram(_, Some(ready)) = self else { return false };
        peek_message_type(&ready.outgoing.bytes) == Some(MessageType::Offer.number())
    }
}

/// Whether an answer beside this change says something that must not be forgotten. What a machine
/// told of itself may be: it tells it again at its next boot.
pub(crate) fn promises(change: &Change) -> bool {
    !matches!(change, Change::Machine(_) | Change::Hardware(..))
}
