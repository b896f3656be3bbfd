//! What happened, counted by kind: the numbers that a fleet is watched by.
//!
//! In: events, silences that were not worth an event, and how long things took. Out: [`Counts`]. Never:
//! a label that the network chose. Every label is a word of this program or a name of the
//! configuration, so that whatever machines send, there are no more series than those.

use model::event::{Carrier, Happening};
use model::{Does, Event, Fault, Why};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wire::dhcp4::peek_message_type;

/// Interfaces that are counted apart; whatever comes by more is counted as [`OTHER`].
pub const LINKS_MAX: usize = 64;

/// The label of what has no word of its own.
pub const OTHER: &str = "other";

/// Upper ends of the classes that durations are sorted into, in microseconds: from a decision in
/// memory to a disk that hangs.
pub const BOUNDS_US: [u64; 14] =
    [5, 20, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 5_000_000];

/// A thing that is counted, with all its labels.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Series {
    /// A DHCP message and what it got.
    Dhcp {
        /// `discover`, `request`, …, `bootp`, [`OTHER`].
        asked: &'static str,
        /// `offer`, `ack`, `nak`, `proxy-offer`, `proxy-ack`, `bootp-reply`, `silence`.
        answer: &'static str,
        /// Place of the interface in [`Counts::links`]; past its end, [`OTHER`].
        link: usize,
    },
    /// A message that got no answer.
    Silence {
        /// The code of the [`Why`] without `silence-`.
        why: &'static str,
        /// Whose fault it is.
        fault: Fault,
    },
    /// A script that was given.
    Script {
        /// `ipxe`, `grub`, `pxelinux`, `metadata`, `pixiecore`, [`OTHER`].
        form: &'static str,
        /// `boot`, `menu`, `pending`, `local-disk`, `blocked`, [`OTHER`].
        decision: &'static str,
    },
    /// A file that was not given.
    Missed {
        /// `tftp` or `http`.
        by: &'static str,
        /// The code of the [`Why`] without `silence-`.
        why: &'static str,
        /// One of the names that loaders look for and need not find.
        expected: bool,
    },
    /// A step of a deployment, by its code without `deployment-`.
    Step(&'static str),
    /// An event of this kind ([`Happening::KINDS`]).
    Event(&'static str),
}

/// What is timed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Timed {
    /// The decision on a DHCP message.
    Dhcp,
    /// The decision on a file or a script.
    File,
    /// An operator's command.
    Command,
    /// A question that changes nothing.
    Question,
    /// What time alone changes, and what others tell.
    Upkeep,
    /// A transaction, until it is on disk.
    Commit,
}

impl Timed {
    /// All, in the order of their declaration.
    pub const ALL: [Self; 6] =
        [Self::Dhcp, Self::File, Self::Command, Self::Question, Self::Upkeep, Self::Commit];

    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dhcp => "dhcp",
            Self::File => "file",
            Self::Command => "command",
            Self::Question => "question",
            Self::Upkeep => "upkeep",
            Self::Commit => "commit",
        }
    }
}

/// Durations, sorted into classes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Spread {
    /// How many took up to each of [`BOUNDS_US`] and longer than the one before.
    pub classes: [u64; BOUNDS_US.len()],
    /// How many took longer than the last.
    pub longer: u64,
    /// All together, in microseconds.
    pub sum_us: u64,
}

/// A [`Spread`] while it is counted.
#[derive(Debug, Default)]
pub(crate) struct Clocked {
    classes: [AtomicU64; BOUNDS_US.len()],
    longer: AtomicU64,
    sum_ns: AtomicU64,
}

impl Clocked {
    pub(crate) fn note(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let class = BOUNDS_US.partition_point(|bound| bound.saturating_mul(1000) < ns);
        self.classes.get(class).unwrap_or(&self.longer).fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Spread {
        Spread {
            classes: std::array::from_fn(|class| {
                self.classes.get(class).map_or(0, |count| count.load(Ordering::Relaxed))
            }),
            longer: self.longer.load(Ordering::Relaxed),
            sum_us: self.sum_ns.load(Ordering::Relaxed) / 1000,
        }
    }
}

/// What was counted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Interfaces that something came by, in the order in which they were met.
    pub links: Vec<String>,
    /// How often, by what.
    pub series: BTreeMap<Series, u64>,
}

impl Counts {
    /// Nothing yet. What can be named before it happens stands there with a zero: a rise from
    /// nothing to one is seen by nobody.
    #[must_use]
    pub fn new() -> Self {
        let mut counts = Self::default();
        let kinds = Happening::KINDS.iter().map(|kind| Series::Event(kind));
        let steps =
            Happening::codes().into_iter().filter_map(|code| code.strip_prefix("deployment-"));
        let whys = Why::examples();
        let silences = whys.iter().map(silence);
        counts
            .series
            .extend(kinds.chain(steps.map(Series::Step)).chain(silences).map(|series| (series, 0)));
        counts
    }

    /// Counts an event.
    pub fn note(&mut self, event: &Event) {
        self.more(Series::Event(event.what.kind()));
        match &event.what {
            Happening::Answered { asked, .. } => {
                let code = event.what.code();
                let answer = code.strip_prefix("dhcp-").unwrap_or(code);
                self.dhcp(asked, answer, event.link.as_deref());
            }
            Happening::Silent { asked, why } => self.silent(asked, why, event.link.as_deref()),
            Happening::Script { does, .. } => {
                let code = event.what.code();
                let form = code.strip_prefix("script-").unwrap_or(OTHER);
                self.more(Series::Script { form, decision: does.map_or(OTHER, Does::name) });
            }
            Happening::FileMissed { by, why, expected } => {
                let by = if *by == Carrier::Tftp { "tftp" } else { "http" };
                self.more(Series::Missed { by, why: short(why), expected: *expected });
            }
            Happening::Deployment { .. } => {
                let code = event.what.code();
                self.more(Series::Step(code.strip_prefix("deployment-").unwrap_or(OTHER)));
            }
            _ => {}
        }
    }

    /// Counts a message without an answer.
    pub(crate) fn silent(&mut self, asked: &str, why: &Why, link: Option<&str>) {
        self.dhcp(asked, "silence", link);
        self.more(silence(why));
    }

    fn dhcp(&mut self, asked: &str, answer: &'static str, link: Option<&str>) {
        let link = self.place_of(link.unwrap_or_default());
        self.more(Series::Dhcp { asked: asked_of(asked), answer, link });
    }

    fn more(&mut self, series: Series) {
        *self.series.entry(series).or_default() += 1;
    }

    fn place_of(&mut self, link: &str) -> usize {
        if let Some(place) = self.links.iter().position(|known| known == link) {
            return place;
        }
        if self.links.len() < LINKS_MAX {
            self.links.push(link.to_owned());
            return self.links.len() - 1;
        }
        LINKS_MAX
    }
}

fn silence(why: &Why) -> Series {
    Series::Silence { why: short(why), fault: why.fault() }
}

fn short(why: &Why) -> &'static str {
    let code = why.code();
    code.strip_prefix("silence-").unwrap_or(code)
}

/// What was asked, in one of a few words. `DISCOVER on 4011` is a `discover`.
fn asked_of(asked: &str) -> &'static str {
    match asked.split(" on ").next().unwrap_or_default() {
        "DISCOVER" => "discover",
        "REQUEST" => "request",
        "INFORM" => "inform",
        "RELEASE" => "release",
        "DECLINE" => "decline",
        "BOOTP request" => "bootp",
        _ => OTHER,
    }
}

/// The word of events for the type of a DHCP message that no event tells of.
pub(crate) fn word_of(message: &[u8]) -> &'static str {
    match peek_message_type(message) {
        Some(1) => "DISCOVER",
        Some(3) => "REQUEST",
        Some(4) => "DECLINE",
        Some(7) => "RELEASE",
        Some(8) => "INFORM",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests;
