//! Deployments: one installation, or one boot of something else, that a machine is armed with.
//!
//! ```text
//! armed ──claim──▶ claimed ──take, report──▶ begun ──report──▶ ended (done, failed)
//!    └───────────────┴─────────────────────────┴──end──▶ ended (expired, cancelled, frozen)
//! ```
//!
//! A deployment goes forward only, and a machine is given what it is armed with only before it has
//! begun: so there is no way by which one deployment installs twice.

use crate::address::HardwareAddress;
use crate::image::Hash;
use crate::life::Before;
use crate::time::Now;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What a machine is armed with, and how far it has come.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its number, for its life.
    pub id: u32,
    /// Whose it is.
    pub machine: HardwareAddress,
    /// What is booted: an image, at the version that was current when it was armed.
    pub boots: Boots,
    /// The installation that this is; none for booting something once.
    pub install: Option<Install>,
    /// When it was armed.
    pub armed: Now,
    /// Until when it may begin.
    pub until: Now,
    /// Who armed it.
    pub by: String,
    /// Chance, from which (with the server's key) tokens and salts are derived.
    pub seed: Hash,
    /// The batch that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// How far it is. Only [`Deployment::after`] changes it.
    state: State,
    /// Who was given its script first: nobody else gets anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<IpAddr>,
    /// The last time that the machine was heard of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heard: Option<Now>,
    /// What it said then, shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    says: String,
    /// How many reports came.
    #[serde(default)]
    reports: u32,
    /// The files that were fetched, and when first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    taken: BTreeMap<String, Now>,
    /// Those of them that were fetched from another address than the script went to: over IPv6 each
    /// stage of a boot has one of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    elsewhere: BTreeMap<String, IpAddr>,
    /// The alarm that nothing is heard any more was given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stuck: bool,
}

/// What is booted.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Boots {
    /// The profile it was taken from.
    pub profile: Option<String>,
    /// Image.
    pub image: String,
    /// Version.
    pub version: u32,
}

/// What makes a deployment an installation.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Install {
    /// What the names of its templates begin with.
    pub template: String,
    /// The disk that may be written to: `serial:…`, `wwn:…`, `size:…`.
    pub disk: String,
    /// The secrets that its answer files hold.
    pub secrets: Vec<String>,
    /// Secrets may go over plain HTTP: an operator said so for this one.
    pub plain_http: bool,
    /// A code from the machine's screen has to be typed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    /// The machine is switched on, or started anew, when it is armed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub power: bool,
    /// What the machine was before.
    pub before: Before,
    /// SHA-256 of the token of its answer files, once it was given to somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Hash>,
    /// SHA-256 of the token it reports by, once its files were given to somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Hash>,
}

/// The code on the machine's screen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Confirm {
    /// When it was typed rightly.
    pub typed: Option<Now>,
    /// How often it was typed wrongly.
    pub wrong: u8,
}

/// How far a deployment is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It waits for its machine.
    Armed,
    /// Its script was given to its machine.
    Claimed {
        /// When.
        at: Now,
    },
    /// Its machine has fetched what only an installer (or a booted kernel) fetches.
    Begun {
        /// When.
        at: Now,
    },
    /// It is over.
    Ended {
        /// When.
        at: Now,
        /// How.
        how: End,
    },
}

/// How a deployment ended.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum End {
    /// Well.
    Done,
    /// Its installer said so, or nobody ever heard of it again.
    Failed {
        /// Why, shown.
        why: String,
    },
    /// Its machine did not come in time.
    Expired,
    /// An operator took it back.
    Cancelled {
        /// Who.
        by: String,
    },
    /// Somebody else asked for what is its machine's alone.
    Frozen {
        /// Who, and for what.
        why: String,
    },
}

impl State {
    /// All names of states, an end by how it came.
    pub const NAMES: &'static [&'static str] =
        &["armed", "claimed", "begun", "done", "failed", "expired", "cancelled", "frozen"];

    /// Its name: one of [`Self::NAMES`].
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Claimed { .. } => "claimed",
            Self::Begun { .. } => "begun",
            Self::Ended { how: End::Done, .. } => "done",
            Self::Ended { how: End::Failed { .. }, .. } => "failed",
            Self::Ended { how: End::Expired, .. } => "expired",
            Self::Ended { how: End::Cancelled { .. }, .. } => "cancelled",
            Self::Ended { how: End::Frozen { .. }, .. } => "frozen",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed { why } => write!(f, "failed: {why}"),
            Self::Expired => f.write_str("expired: its machine did not come in time"),
            Self::Cancelled { by } => write!(f, "cancelled by {by}"),
            Self::Frozen { why } => write!(f, "frozen: {why}"),
        }
    }
}

/// What an installer says of how far it is: the last part of `/report/TOKEN/STAGE`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Report {
    /// It runs.
    Started,
    /// It goes on.
    Progress,
    /// The system stands.
    Done,
    /// It gave up.
    Failed,
}

impl Report {
    /// By its name in the URL.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "started" => Self::Started,
            "progress" => Self::Progress,
            "done" => Self::Done,
            "failed" => Self::Failed,
            _ => return None,
        })
    }

    /// Its name in the URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Progress => "progress",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// What happens to a deployment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Its script was asked for from this address.
    Claim(IpAddr),
    /// Its machine fetched a file that only what was booted fetches, from this address.
    Take(String, IpAddr),
    /// Its installer reported, with words.
    Report(Report, String),
    /// It is over.
    End(End),
}

/// Reports of one deployment that are kept; later ones only count if they end it.
pub const REPORTS_MAX: u32 = 2_000;

impl Deployment {
    /// A deployment that waits for its machine.
    pub fn armed(
        (id, seed): (u32, Hash),
        machine: HardwareAddress,
        (boots, install): (Boots, Option<Install>),
        (armed, until): (Now, Now),
        by: String,
    ) -> Self {
        Self {
            id,
            machine,
            boots,
            install,
            armed,
            until,
            by,
            seed,
            batch: None,
            state: State::Armed,
            holder: None,
            heard: None,
            says: String::new(),
            reports: 0,
            taken: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            stuck: false,
        }
    }

    /// The deployment after a step; none if it cannot take it.
    pub fn after(&self, now: Now, step: Step) -> Option<Self> {
        let begun = match self.state {
            State::Begun { at } => State::Begun { at },
            _ => State::Begun { at: now },
        };
        let mut next = self.clone();
        match (&self.state, step) {
            (State::Ended { .. }, _) => return None,
            (State::Armed, Step::Claim(from)) => {
                next.state = State::Claimed { at: now };
                next.holder = Some(from);
            }
            (State::Claimed { .. }, Step::Claim(from)) if self.holder == Some(from) => {}
            (State::Claimed { .. } | State::Begun { .. }, Step::Take(file, by)) => {
                next.state = begun;
                next.heard = Some(now);
                if !self.taken.contains_key(&file) && self.holder != Some(by) {
                    next.elsewhere.insert(file.clone(), by);
                }
                next.taken.entry(file).or_insert(now);
            }
            (State::Claimed { .. } | State::Begun { .. }, Step::Report(report, says)) => {
                next.heard = Some(now);
                next.reports = self.reports.saturating_add(1);
                next.state = match report {
                    Report::Started | Report::Progress => begun,
                    Report::Done => State::Ended { at: now, how: End::Done },
                    Report::Failed => {
                        State::Ended { at: now, how: End::Failed { why: says.clone() } }
                    }
                };
                next.says = says;
                next.stuck = false;
            }
            (_, Step::End(how)) => next.state = State::Ended { at: now, how },
            (_, Step::Claim(_) | Step::Take(..) | Step::Report(..)) => return None,
        }
        Some(next)
    }

    /// How far it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Who was given its script.
    pub fn holder(&self) -> Option<IpAddr> {
        self.holder
    }

    /// The last time that its machine was heard of it, and what it said.
    pub fn last_words(&self) -> Option<(Now, &str)> {
        self.heard.map(|heard| (heard, self.says.as_str()))
    }

    /// How many reports came.
    pub fn reports(&self) -> u32 {
        self.reports
    }

    /// When a file was fetched first, and from which address.
    pub fn taken(&self, file: &str) -> Option<(Now, IpAddr)> {
        let at = self.taken.get(file).copied()?;
        Some((at, self.elsewhere.get(file).copied().or(self.holder)?))
    }

    /// All files that were fetched.
    pub fn files(&self) -> impl Iterator<Item = (&str, Now)> {
        self.taken.iter().map(|(file, at)| (file.as_str(), *at))
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Ended { .. })
    }

    /// Whether its machine is still given what it is armed with.
    pub fn is_open(&self, now: Now) -> bool {
        now < self.until && matches!(self.state, State::Armed | State::Claimed { .. })
    }

    /// When what it is armed with began to run.
    pub fn begun(&self) -> Option<Now> {
        match self.state {
            State::Begun { at } => Some(at),
            State::Ended { .. } => self.taken.values().min().copied(),
            _ => None,
        }
    }

    /// How long it took, from its beginning to its good end.
    pub fn took(&self) -> Option<Duration> {
        match (&self.state, self.begun()) {
            (State::Ended { at, how: End::Done }, Some(begun)) => Some(at.since(begun)),
            _ => None,
        }
    }

    /// How it is called: `d17`.
    pub fn shown(&self) -> String {
        shown(self.id)
    }

    /// Where it stands, in words.
    pub fn standing(&self) -> String {
        match &self.state {
            State::Armed => format!("armed until {}", self.until),
            State::Claimed { .. } => match self.install.as_ref().and_then(|i| i.confirm) {
                Some(Confirm { typed: None, .. }) => "waits for the code on its screen".to_owned(),
                _ => "its machine has the script".to_owned(),
            },
            State::Begun { .. } if self.says.is_empty() => "under way".to_owned(),
            State::Begun { .. } => format!("under way: {}", self.says),
            State::Ended { how, .. } => how.to_string(),
        }
    }
}

/// How the deployment of this number is called.
pub fn shown(id: u32) -> String {
    format!("d{id}")
}

/// The number of a deployment by what it is called: `d17`, or `17`.
pub fn number(text: &str) -> Option<u32> {
    text.strip_prefix('d').unwrap_or(text).parse().ok()
}

/// Several machines that are deployed one after the other.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Its number.
    pub id: u32,
    /// What is installed.
    pub profile: String,
    /// How long each is armed, from when it is its turn.
    pub within: Duration,
    /// So many at once.
    pub at_once: u32,
    /// After so many failures nobody else's turn comes; 0 never.
    pub pause_after: u32,
    /// The disk that was named for all of them; without it, each has its own setting `disk`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<String>,
    /// What all of them have; the disk is that of the first.
    pub install: Install,
    /// Whose turn has not come, in order.
    pub waiting: Vec<HardwareAddress>,
    /// Whose turn came, and the number of the deployment; 0 for one that could not be armed.
    pub turns: Vec<(HardwareAddress, u32)>,
    /// An operator, or failures, stopped it.
    pub paused: bool,
    /// Who started it.
    pub by: String,
    /// When.
    pub begun: Now,
    /// Chance, from which the seeds of its deployments are derived.
    pub seed: Hash,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armed() -> Deployment {
        let boots = Boots { profile: None, image: "memtest".to_owned(), version: 1 };
        let machine = "52:54:00:00:00:01".parse().unwrap();
        let seed = Hash([1; 32]);
        Deployment::armed((1, seed), machine, (boots, None), (Now(0), Now(100)), "ada".to_owned())
    }

    fn steps() -> Vec<Step> {
        vec![
            Step::Claim("10.0.0.1".parse().unwrap()),
            Step::Claim("10.0.0.2".parse().unwrap()),
            Step::Take("preseed.cfg".to_owned(), "10.0.0.1".parse().unwrap()),
            Step::Take("preseed.cfg".to_owned(), "10.0.0.3".parse().unwrap()),
            Step::Report(Report::Started, String::new()),
            Step::Report(Report::Progress, "50 %".to_owned()),
            Step::Report(Report::Done, String::new()),
            Step::Report(Report::Failed, "no disk".to_owned()),
            Step::End(End::Expired),
            Step::End(End::Cancelled { by: "ada".to_owned() }),
            Step::End(End::Frozen { why: "10.0.0.2".to_owned() }),
        ]
    }

    fn rank(deployment: &Deployment) -> u8 {
        match deployment.state() {
            State::Armed => 0,
            State::Claimed { .. } => 1,
            State::Begun { .. } => 2,
            State::Ended { .. } => 3,
        }
    }

    /// Every state that can be reached, by every way of at most six steps: none goes back, and what
    /// has begun or ended is never open again.
    #[test]
    fn a_deployment_goes_forward_only() {
        let mut reached = vec![armed()];
        for moment in 1..=6 {
            let mut next = Vec::new();
            for before in &reached {
                for step in steps() {
                    let Some(after) = before.after(Now(moment), step) else { continue };
                    assert!(rank(&after) >= rank(before), "{before:?} {after:?}");
                    assert!(!after.is_open(Now(moment)) || before.is_open(Now(moment)));
                    assert!(!before.is_over(), "{before:?}");
                    assert!(before.holder().is_none() || after.holder() == before.holder());
                    let taken = |of: &Deployment| of.taken("preseed.cfg");
                    assert!(taken(before).is_none() || taken(&after) == taken(before));
                    if !next.contains(&after) {
                        next.push(after);
                    }
                }
            }
            reached = next;
        }
    }

    #[test]
    fn a_report_before_anybody_had_the_script_is_none() {
        assert_eq!(armed().after(Now(1), Step::Report(Report::Done, String::new())), None);
        assert_eq!(
            armed().after(Now(1), Step::Take("ks.cfg".to_owned(), "10.0.0.1".parse().unwrap())),
            None
        );
        assert!(!armed().is_open(Now(100)));
    }
}
