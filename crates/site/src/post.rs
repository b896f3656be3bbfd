//! What goes between the machines' sockets and the owner: messages one way, replies the other.

use engine::{Datagram, Outgoing};
use tokio::sync::mpsc;

/// Where replies go: as many wait there as the channel holds. One that finds no room is dropped
/// and counted, since the owner waits for nobody.
pub type Replies = mpsc::Sender<Ready>;

/// A message as it was heard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard {
    /// The message.
    pub datagram: Datagram,
    /// How often it was decided before, because the address it was to be offered was taken.
    pub again: u8,
}

/// Heard for the first time.
impl From<Datagram> for Heard {
    fn from(datagram: Datagram) -> Self {
        Self { datagram, again: 0 }
    }
}

/// A reply that may leave: what it promises is on disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ready {
    /// The reply.
    pub outgoing: Outgoing,
    /// What it answers, if something is to be found out before it leaves ([`engine::Check`]).
    pub asked: Option<Box<Heard>>,
}
