//! Where we only listen: how often the server that answers there said what we would have said.

use crate::address::HardwareAddress;
use crate::network::{Family, ListenAs};
use crate::time::Now;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How one exchange came out.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A machine would do the same with our answer.
    Agrees,
    /// It might do something else.
    Differs,
    /// Nobody was heard to answer in time.
    Unheard,
}

/// Who asked, as far as its message says.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Asker {
    /// Its card. None over IPv6 where neither its address nor its identifier shows one.
    pub machine: Option<HardwareAddress>,
    /// Its identifier over IPv6 (DUID), in hexadecimal digits.
    pub duid: Option<String>,
}

impl fmt::Display for Asker {
    /// The card, else the identifier.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.machine, &self.duid) {
            (Some(machine), _) => machine.fmt(f),
            (None, Some(duid)) => write!(f, "DUID {duid}"),
            (None, None) => f.write_str("a machine that does not say who it is"),
        }
    }
}

/// What was compared on one link since we listen there.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Listening {
    /// The interface.
    pub link: String,
    /// Of which of its networks.
    pub family: Family,
    /// What we would do there.
    pub listen_as: ListenAs,
    /// Exchanges in which a machine would do the same.
    pub agreed: u64,
    /// Exchanges in which it might do something else.
    pub differed: u64,
    /// Exchanges to which no answer of another server was heard.
    pub unheard: u64,
    /// In what answers differed, the most frequent first.
    pub differences: Vec<DifferenceSeen>,
    /// The last exchange that differed.
    pub last_difference: Option<LastDifference>,
    /// When the first exchange was compared.
    pub since: Now,
    /// When the last was.
    pub last: Now,
}

/// A kind of difference.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceSeen {
    /// The field or option: `boot file`, `option 51 (lease-time)`.
    pub what: String,
    /// In so many exchanges.
    pub count: u64,
    /// The last time, in words: what we would say, and what they said.
    pub example: String,
    /// For whom that was.
    pub client: Asker,
    /// When that was.
    pub last: Now,
}

/// An exchange that differed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LastDifference {
    /// When.
    pub at: Now,
    /// Whose.
    pub client: Asker,
    /// What it asked.
    pub asked: String,
    /// What we would have said.
    pub ours: String,
    /// What was said.
    pub theirs: String,
    /// In what the two differ.
    pub differences: Vec<String>,
}
