//! Every decision, pure.
//!
//! In: what was asked ([`Datagram`], [`FileAsk`], [`Command`]) and the moment ([`Now`]). Out: what
//! to say, with its reasons, what must be on disk before it is said ([`Change`]), and what to tell
//! whoever watches ([`Event`]). Never: a socket, a file, a clock, chance, waiting, logging.
//!
//! The rooms, in the order in which a machine meets them: [`dhcp`] reads a message and answers it,
//! with an address from [`lease`] and a boot file from [`boot`] ([`dhcp6`] and [`lease6`] do it over
//! IPv6); [`tftp`] carries files, as fast as
//! [`rates`] let it and when [`turns`] say so; [`files`]
//! says which bytes a name means; [`deploy`] who is armed with what; [`elsewhere`] reads what another
//! server says of a machine; [`script`] writes what loaders read; [`explain`] asks all of
//! them and keeps nothing; [`preview`] says what drafts would do that nobody saved; [`compare`] lays two servers' replies side by side.
//! [`others`] says who else was heard on our links, and whose offers machines take; [`listen`] lays
//! what they say beside what we would have said.
#![forbid(unsafe_code)]

pub mod boot;
pub mod command;
pub mod compare;
pub mod deploy;
pub mod dhcp;
pub mod dhcp6;
pub mod diagnose;
pub mod elsewhere;
pub mod explain;
pub mod files;
pub mod lease;
pub mod lease6;
pub mod listen;
pub mod names;
pub mod operators;
pub mod others;
pub mod password;
mod power;
pub mod preview;
mod quirk;
pub mod rates;
mod reasons;
pub mod record;
pub mod script;
mod search;
pub mod state;
pub mod story;
pub mod tag;
pub mod tftp;
pub mod turns;

pub use boot::Forecast;
pub use command::{Command, Refusal};
pub use deploy::Order;
pub use dhcp::{Check, Datagram, Destination, Outgoing, Unfiled};
pub use dhcp6::{Datagram6, Outgoing6};
pub use elsewhere::Inquiry;
pub use files::{Asker, FileAsk, Found, Served};
pub use listen::{Advertised6, Listened6, Overheard6};
pub use model::plan::Answer;
pub use model::{Change, Event, Now};
pub use others::Overheard;
pub use quirk::QuirkSaid;
/// The database, for those above.
pub use quirks;
pub use state::{BootDefaults, Engine, Settings};

/// What changed without anybody having asked: the owner keeps `changes`, then tells `events`.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Noted {
    /// What to keep. Already applied in memory.
    pub changes: Vec<Change>,
    /// What to tell.
    pub events: Vec<Event>,
}

/// An answer with everything that belongs to it. The owner keeps `changes` on disk first, then
/// lets the answer leave, then tells `events`.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Told<T> {
    /// Speak, or stay silent and say why.
    pub answer: Answer<T>,
    /// What the answer promises. Already applied in memory.
    pub changes: Vec<Change>,
    /// What to tell.
    pub events: Vec<Event>,
}
