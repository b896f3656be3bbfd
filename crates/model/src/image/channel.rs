//! Channels: which version of an image machines get that were not told a number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::client::named;

named! {
    /// A name for a version that moves.
    #[derive(Default)]
    Channel: "channel" {
        /// What machines get unless they are told otherwise. Moves by `promote` and `rollback` only.
        #[default]
        Stable = "stable",
        /// The newest version, or the one an operator put there.
        Test = "test",
        /// The newest version, always.
        Current = "current",
    }
}

/// Which version somebody wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// The one a channel shows.
    Channel(Channel),
    /// This one.
    Version(u32),
}

impl Default for Wanted {
    fn default() -> Self {
        Self::Channel(Channel::Stable)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(channel) => channel.fmt(f),
            Self::Version(version) => write!(f, "version {version}"),
        }
    }
}

impl FromStr for Wanted {
    type Err = String;
    /// `3`, `stable`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(version) => Ok(Self::Version(version)),
            Err(_) => text.parse().map(Self::Channel),
        }
    }
}

/// Versions that `stable` showed before and can go back to.
const PAST_MAX: usize = 32;

/// Where the channels of one image stand. Kept and changed as a whole: one step, or none.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Channels {
    /// The version that `stable` shows.
    pub stable: Option<u32>,
    /// The version that an operator put into `test`; none shows the newest.
    pub test: Option<u32>,
    /// What `stable` showed before, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<u32>,
    /// The highest number of a version that was removed: it is not given again, for somebody may have
    /// written it down. It outlives the image. 0: none that is higher than all that are there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Channels {
    /// The same with another version in `stable`, and the way back to today's.
    #[must_use]
    pub fn promoted(&self, version: u32) -> Self {
        let mut past = self.past.clone();
        past.extend(self.stable.filter(|old| *old != version));
        if past.len() > PAST_MAX {
            past.remove(0);
        }
        // What was on trial has arrived; the next import is on trial then.
        let test = self.test.filter(|test| *test != version);
        Self { stable: Some(version), test, past, last: self.last }
    }

    /// The same with `stable` as it was before, and the version that was withdrawn.
    #[must_use]
    pub fn rolled_back(&self) -> Option<(Self, u32)> {
        let mut past = self.past.clone();
        let (stable, withdrawn) = (past.pop()?, self.stable?);
        Some((Self { stable: Some(stable), past, ..self.clone() }, withdrawn))
    }

    /// The same without a version that is to be removed.
    #[must_use]
    pub fn without(&self, version: u32) -> Self {
        let other = |v: &u32| *v != version;
        Self {
            stable: self.stable.filter(other),
            test: self.test.filter(other),
            past: self.past.iter().copied().filter(other).collect(),
            last: self.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_the_way_one_came() {
        let first = Channels::default().promoted(1);
        assert_eq!(first.rolled_back(), None);
        let third = first.promoted(2).promoted(2).promoted(3);
        assert_eq!(third.past, [1, 2]);
        let (second, withdrawn) = third.rolled_back().unwrap();
        assert_eq!((second.stable, withdrawn), (Some(2), 3));
        assert_eq!(second.rolled_back().unwrap().0, first);
        assert_eq!(third.without(2).rolled_back().unwrap().0.stable, Some(1));
    }

    #[test]
    fn channels_that_an_older_version_kept_are_read() {
        let kept = r#"{"stable":1,"test":null}"#;
        let channels: Channels = serde_json::from_str(kept).unwrap();
        assert_eq!((channels.stable, channels.last), (Some(1), 0));
        assert_eq!(serde_json::to_string(&channels).unwrap(), kept);
        // The highest number stays through whatever is done.
        let channels = Channels { last: 7, ..channels }.promoted(2).without(1);
        assert_eq!(channels.promoted(3).rolled_back().unwrap().0.last, 7);
    }

    #[test]
    fn a_version_is_wanted_by_number_or_channel() {
        assert_eq!("3".parse(), Ok(Wanted::Version(3)));
        assert_eq!("test".parse(), Ok(Wanted::Channel(Channel::Test)));
        assert!("newest".parse::<Wanted>().is_err());
    }
}
