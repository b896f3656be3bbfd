//! How a zone of a server stands, for people.

use super::answer::Failure;
use super::publication::{Outcome, Publication};
use model::Now;
use std::net::SocketAddr;
use wire::dns::Name;

/// Names that are listed with what is wrong with them.
const LISTED_MAX: usize = 100;

/// How a zone of a server is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    /// The server.
    pub server: SocketAddr,
    /// The zone.
    pub zone: String,
    /// Names that are published as they should be.
    pub published: usize,
    /// Names that wait.
    pub waiting: usize,
    /// Names that had no room ([`super::PUBLISHED_MAX`]).
    pub left_out: usize,
    /// Names that somebody else has there.
    pub foreign: Vec<String>,
    /// Names that were refused, and why.
    pub refused: Vec<(String, Failure)>,
    /// When something was last done.
    pub done: Option<Now>,
    /// Since when nothing works, why, and when it is tried again.
    pub failing: Option<(Now, Failure, Now)>,
}

impl Publication {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        let count = |of: &Outcome| self.states.values().filter(|s| s.outcome == *of).count();
        let refused = self.states.iter().filter_map(|(name, state)| match &state.outcome {
            Outcome::Refused(why) => Some((name.to_string(), why.clone())),
            _ => None,
        });
        Standing {
            server: self.server,
            zone: self.zone.to_string(),
            published: count(&Outcome::Published),
            waiting: count(&Outcome::Waiting),
            left_out: self.left_out,
            foreign: self.foreign.iter().map(Name::to_string).take(LISTED_MAX).collect(),
            refused: refused.take(LISTED_MAX).collect(),
            done: self.health.done,
            failing: self.health.failing.clone().map(|(since, why)| (since, why, self.health.rest)),
        }
    }
}
