//! The life of a machine: what may follow what.
//!
//! ```text
//! pending ──approve──▶ approved ──arm──▶ deploying ──done────▶ deployed ──arm──▶ deploying …
//!    │                   ▲  │               │ └────failed──▶ failed ────arm──▶ deploying …
//!    │                   │  │               └────disarm──▶ as before
//!    └─block─▶ blocked ──┘  └─retire─▶ retired ──approve──▶ approved
//! ```
//!
//! Nothing but [`Life::after`] makes one life of another, and a machine keeps its own to itself.

use crate::client::named;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

named! {
    /// Whether a machine may boot what the rules give it, and what became of its installation.
    Life: "state" {
        /// Has appeared by itself; nobody has said anything about it.
        Pending = "pending",
        /// An operator knows it.
        Approved = "approved",
        /// An installation is armed or under way.
        Deploying = "deploying",
        /// It was installed, and starts its own disk.
        Deployed = "deployed",
        /// Its installation failed or was frozen; it starts its own disk.
        Failed = "failed",
        /// An operator forbade it: it is told so and goes on to its local disk.
        Blocked = "blocked",
        /// Taken out of service.
        Retired = "retired",
    }
}

/// What may happen to the life of a machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Move {
    /// An operator lets it boot what the rules give it.
    Approve,
    /// An operator forbids it to boot from here.
    Block,
    /// An operator takes it out of service.
    Retire,
    /// An installation is armed.
    Arm,
    /// The installation ended well.
    Finish,
    /// The installation failed, or was frozen.
    Fail,
    /// The installation was cancelled or expired before anything had begun: the machine is what it
    /// was before.
    Disarm(Before),
}

impl Move {
    /// The move by which an operator brings a machine to a state; none where nobody can.
    pub fn to(life: Life) -> Option<Self> {
        match life {
            Life::Approved => Some(Self::Approve),
            Life::Blocked => Some(Self::Block),
            Life::Retired => Some(Self::Retire),
            Life::Pending | Life::Deploying | Life::Deployed | Life::Failed => None,
        }
    }
}

/// What a machine may have been before an installation was armed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Before {
    /// [`Life::Approved`].
    Approved,
    /// [`Life::Deployed`].
    Deployed,
    /// [`Life::Failed`].
    Failed,
}

/// A move that a machine cannot make, in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Illegal {
    /// What it is.
    pub is: Life,
    /// What it was to do.
    pub step: Move,
    /// What to do first.
    pub first: &'static str,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cannot = match self.step {
            Move::Approve => "cannot be approved",
            Move::Block => "cannot be blocked",
            Move::Retire => "cannot be retired",
            Move::Arm => "cannot be deployed",
            Move::Finish | Move::Fail | Move::Disarm(_) => "has no installation that could end",
        };
        write!(f, "a machine that is {} {cannot}", self.is)
    }
}

impl std::error::Error for Illegal {}

impl Life {
    /// The life after a move, or why it cannot be made.
    pub fn after(self, step: Move) -> Result<Self, Illegal> {
        let illegal = |first| Err(Illegal { is: self, step, first });
        match (self, step) {
            (Self::Deploying, Move::Approve | Move::Retire) => {
                illegal("`bootwright machine cancel` ends its installation")
            }
            (_, Move::Approve) => Ok(Self::Approved),
            // Whatever it does at the moment: from now on it gets nothing.
            (_, Move::Block) => Ok(Self::Blocked),
            (_, Move::Retire) => Ok(Self::Retired),
            (Self::Approved | Self::Deployed | Self::Failed, Move::Arm) => Ok(Self::Deploying),
            (Self::Deploying, Move::Arm) => illegal(
                "it has an installation armed or under way: `bootwright machine cancel` ends it",
            ),
            (Self::Pending | Self::Blocked | Self::Retired, Move::Arm) => {
                illegal("`bootwright machine approve` lets it boot")
            }
            (Self::Deploying, Move::Finish) => Ok(Self::Deployed),
            (Self::Deploying, Move::Fail) => Ok(Self::Failed),
            (Self::Deploying, Move::Disarm(before)) => Ok(before.into()),
            (_, Move::Finish | Move::Fail | Move::Disarm(_)) => illegal(""),
        }
    }

    /// What an installation that is armed now would give back if nothing comes of it.
    pub fn before(self) -> Option<Before> {
        match self {
            Self::Approved => Some(Before::Approved),
            Self::Deployed => Some(Before::Deployed),
            Self::Failed => Some(Before::Failed),
            _ => None,
        }
    }
}

impl From<Before> for Life {
    fn from(before: Before) -> Self {
        match before {
            Before::Approved => Self::Approved,
            Before::Deployed => Self::Deployed,
            Before::Failed => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_move_is_made_or_refused_in_words() {
        let steps = [
            Move::Approve,
            Move::Block,
            Move::Retire,
            Move::Arm,
            Move::Finish,
            Move::Fail,
            Move::Disarm(Before::Deployed),
        ];
        let mut table = String::new();
        for life in Life::ALL {
            let after = steps.map(|step| life.after(step).map_or("-", Life::name));
            table.push_str(&format!("{life}: {}\n", after.join(" ")));
        }
        let expected = "\
pending: approved blocked retired - - - -
approved: approved blocked retired deploying - - -
deploying: - blocked - - deployed failed deployed
deployed: approved blocked retired deploying - - -
failed: approved blocked retired deploying - - -
blocked: approved blocked retired - - - -
retired: approved blocked retired - - - -
";
        assert_eq!(table, expected);
        let refused = Life::Pending.after(Move::Arm).unwrap_err();
        assert_eq!(refused.to_string(), "a machine that is pending cannot be deployed");
    }

    #[test]
    fn what_can_be_armed_can_be_given_back() {
        for life in Life::ALL {
            let armed = life.after(Move::Arm);
            assert_eq!(armed.is_ok(), life.before().is_some(), "{life}");
            if let (Ok(armed), Some(before)) = (armed, life.before()) {
                assert_eq!(armed.after(Move::Disarm(before)), Ok(*life));
            }
        }
    }
}
