//! Whose fault something is. The same four everywhere: errors, silences, diagnoses.

use crate::client::named;
use serde::{Deserialize, Serialize};

named! {
    /// Who has to change something.
    Fault: "fault" {
        /// What the machine, or whoever speaks for it, sent.
        PeersBytes = "peers-bytes",
        /// What an operator set, or has not given us.
        OperatorsSettings = "operators-settings",
        /// The network, other servers, the machine itself, our disk: what is around.
        Surroundings = "surroundings",
        /// Ours: a bug, or something that is missing in Bootwright.
        Ours = "ours",
    }
}

impl Fault {
    /// Who, in words that go on after "this is down to".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::PeersBytes => "what the machine sends",
            Self::OperatorsSettings => "the settings here",
            Self::Surroundings => "what is around: the network, other servers, the machine itself",
            Self::Ours => "Bootwright itself",
        }
    }
}
