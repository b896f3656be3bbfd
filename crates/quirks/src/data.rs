//! The database, read once.

use crate::when::When;
use model::nearest::nearest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// The whole database, as its readers and its authors see it.
pub(crate) const TEXT: &str = include_str!("../data/quirks.toml");

/// One quirk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quirk {
    /// Its number, for ever.
    pub number: u8,
    /// `ignores-option-43`.
    pub name: String,
    /// What is seen.
    pub symptom: String,
    /// Why it happens.
    pub cause: String,
    /// What we do; for [`Bearing::Advice`], what an operator does.
    pub does: String,
    /// The same in a few words, for reasons of answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// Whom it concerns.
    pub bearing: Bearing,
    /// What an operator may switch on and off for a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// Who has it: any of these. Nobody has an action without one, unless an operator says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<When>,
    /// Where it was reported or read: `owner/repository#number`, `owner/repository:path`, a standard.
    pub source: Vec<String>,
    /// Scenarios that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<String>,
    /// Tests that show it where a scenario cannot: `path#function`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
}

/// Whom a quirk concerns.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bearing {
    /// What we do for it hurts nobody, so it is done for everybody.
    Everybody,
    /// What we do for it is done for who has it.
    WhoHasIt,
    /// Only an operator can help.
    Advice,
}

impl Bearing {
    /// As it stands in the data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::WhoHasIt => "who-has-it",
            Self::Advice => "advice",
        }
    }
}

/// What the engine does for clients with a quirk, and an operator can switch for a machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// No options 60 and 43 in what gives an address.
    PlainReply,
    /// A proxy's offer with option 60 and without 43.
    #[serde(rename = "offer-without-43")]
    OfferWithout43,
    /// No option 67 where the name fits the header.
    HeaderOnly,
    /// It is a Raspberry Pi, whatever architecture it says.
    RaspberryPi,
    /// TFTP blocks of no more than 1024 bytes.
    SmallBlocks,
    /// Replies by broadcast.
    Broadcast,
    /// Replies to its own address.
    Unicast,
    /// The words that a Raspberry Pi looks for in option 43.
    PiWords,
    /// Replies by DHCP some time later.
    SlowReply,
    /// Option 66 as an address without NUL, last.
    PiServerName,
    /// An offer is kept for it as if it had asked.
    HoldOffer,
    /// NUL at the end of texts.
    TerminateTexts,
    /// No GRUB beside another DHCP server.
    NoGrubBeside,
    /// iPXE with its own drivers of network cards.
    OwnDrivers,
    /// A bootloader by its name alone, without directory.
    ShortNames,
}

impl Quirk {
    /// `quirk-07`.
    pub fn id(&self) -> String {
        format!("quirk-{:02}", self.number)
    }

    /// What we do, in a few words.
    pub fn says(&self) -> &str {
        self.says.as_deref().unwrap_or(&self.does)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    quirk: Vec<Quirk>,
}

/// A text as it is compiled in, read.
///
/// # Errors
/// With line and column of what is wrong.
pub(crate) fn read(text: &str) -> Result<Vec<Quirk>, String> {
    let file: File = toml::from_str(text).map_err(|fault| fault.to_string())?;
    Ok(file.quirk)
}

#[expect(clippy::expect_used, reason = "the text is compiled in, and a test reads it")]
static ALL: LazyLock<Vec<Quirk>> = LazyLock::new(|| read(TEXT).expect("quirks.toml is read"));

/// All quirks, by number.
pub fn all() -> &'static [Quirk] {
    &ALL
}

/// Those that a client can be seen to have, or an operator can say it has.
static TELLING: LazyLock<Vec<&'static Quirk>> = LazyLock::new(|| {
    let tells = |quirk: &&Quirk| quirk.action.is_some() || !quirk.when.is_empty();
    all().iter().filter(tells).collect()
});

/// The quirks that make a difference between one client and another, by number.
pub fn telling() -> impl Iterator<Item = &'static Quirk> {
    TELLING.iter().copied()
}

/// The quirk with this action; a test sees to it that each has one.
pub fn of(action: Action) -> Option<&'static Quirk> {
    telling().find(|quirk| quirk.action == Some(action))
}

/// A name that no quirk has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unknown {
    /// The name that was probably meant.
    pub nearest: Option<String>,
}

/// The quirk of this name: `ignores-option-43`, `quirk-07`, `quirk-7` or `7`.
///
/// # Errors
/// With the nearest name, if there is none.
pub fn named(text: &str) -> Result<&'static Quirk, Unknown> {
    let number = text.strip_prefix("quirk-").unwrap_or(text).parse::<u8>();
    let fits = |quirk: &&Quirk| quirk.name == text || number == Ok(quirk.number);
    all().iter().find(fits).ok_or_else(|| Unknown {
        nearest: nearest(text, all().iter().map(|quirk| quirk.name.as_str())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_entry_is_whole() {
        for (quirk, number) in all().iter().zip(1_u8..) {
            let id = quirk.id();
            assert_eq!(quirk.number, number, "{id} stands at the place of another");
            for text in [&quirk.symptom, &quirk.cause, &quirk.does] {
                assert!(text.len() > 10 && text.ends_with('.'), "{id}: {text}");
            }
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(quirk.name.chars().all(allowed), "{id}: {}", quirk.name);
            assert!(quirk.name.parse::<u8>().is_err() && !quirk.name.starts_with("quirk-"));
            assert!(!quirk.source.is_empty(), "{id} has no source");
            let switched = quirk.bearing == Bearing::WhoHasIt;
            assert_eq!(quirk.action.is_some(), switched, "{id}: an action is for who has it");
            if !quirk.when.is_empty() || switched {
                let says = quirk.says.as_deref().unwrap_or_default();
                assert!(!says.is_empty() && !says.ends_with('.'), "{id} says nothing in answers");
            }
            if quirk.bearing == Bearing::Advice {
                assert!(quirk.scenarios.is_empty() && quirk.tests.is_empty(), "{id}");
            }
        }
    }

    #[test]
    fn names_and_actions_are_one_quirks() {
        let names: BTreeSet<&str> = all().iter().map(|quirk| quirk.name.as_str()).collect();
        assert_eq!(names.len(), all().len());
        let mut actions = Vec::new();
        for action in all().iter().filter_map(|quirk| quirk.action) {
            assert!(!actions.contains(&action), "{action:?} is two quirks'");
            actions.push(action);
        }
        for action in EVERY_ACTION {
            assert!(of(*action).is_some(), "no quirk has {action:?}");
        }
        assert_eq!(actions.len(), EVERY_ACTION.len());
    }

    const EVERY_ACTION: &[Action] = &[
        Action::PlainReply,
        Action::OfferWithout43,
        Action::HeaderOnly,
        Action::RaspberryPi,
        Action::SmallBlocks,
        Action::Broadcast,
        Action::Unicast,
        Action::PiWords,
        Action::SlowReply,
        Action::PiServerName,
        Action::HoldOffer,
        Action::TerminateTexts,
        Action::NoGrubBeside,
        Action::OwnDrivers,
        Action::ShortNames,
    ];

    #[test]
    fn a_quirk_is_found_by_each_of_its_names() {
        for text in ["ignores-option-43", "quirk-07", "quirk-7", "7"] {
            assert_eq!(named(text).map(|quirk| quirk.number), Ok(7), "{text}");
        }
        let unknown = named("ignore-option-43").unwrap_err();
        assert_eq!(unknown.nearest.as_deref(), Some("ignores-option-43"));
        assert!(named("").is_err() && named("0").is_err() && named("quirk-255").is_err());
    }

    #[test]
    fn what_the_file_does_not_know_is_refused() {
        let text = "[[quirk]]\nnumber = 1\nname = \"x\"\nsymptom = \"\"\ncause = \"\"\ndoes = \"\"\n\
                    bearing = \"everybody\"\nsource = []\n";
        assert!(read(text).is_ok());
        assert!(read(&format!("{text}colour = 1\n")).unwrap_err().contains("colour"));
        assert!(read(&format!("{text}when = [{{ clas = \"PXE\" }}]\n")).is_err());
    }
}
