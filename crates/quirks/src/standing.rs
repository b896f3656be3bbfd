//! Whether a client has a quirk, and how we know.

use crate::data::{Quirk, all};
use model::client::Stage;
use model::plan::Reason;
use model::{Client, Fingerprint, Firmware, Pin, Seen};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What is known of a client where it is decided whether it has a quirk.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What its messages look like.
    pub print: &'a Fingerprint,
    /// How it is answered.
    pub firmware: Firmware,
    /// Which program asks.
    pub stage: &'a Stage,
    /// What it was seen to do.
    pub seen: &'a BTreeSet<Seen>,
    /// Whether another server gives the addresses, where that is known.
    pub beside: Option<bool>,
    /// What an operator says of its machine.
    pub pins: &'a BTreeMap<String, Pin>,
}

/// Nobody was seen to do anything.
static NOTHING_SEEN: BTreeSet<Seen> = BTreeSet::new();
/// Nobody said anything.
static NO_PINS: BTreeMap<String, Pin> = BTreeMap::new();

impl<'a> Facts<'a> {
    /// Of a client of which nothing was seen and nobody said a word.
    pub fn of(client: &'a Client) -> Self {
        Self {
            print: &client.fingerprint,
            firmware: client.firmware,
            stage: &client.stage,
            seen: &NOTHING_SEEN,
            beside: None,
            pins: &NO_PINS,
        }
    }
}

/// Whether a client has a quirk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It has it; how we know.
    Has(&'static str),
    /// It looks like it, but an operator says that it has not.
    Denied,
    /// It has not.
    HasNot,
}

const BY_HAND: &str = "an operator says so";

/// A quirk with its texts, made once.
struct Shown {
    id: String,
    words: Vec<String>,
}

static SHOWN: LazyLock<Vec<Shown>> = LazyLock::new(|| {
    let shown = |quirk: &Quirk| Shown {
        id: quirk.id(),
        words: quirk.when.iter().map(crate::When::words).collect(),
    };
    all().iter().map(shown).collect()
});

/// The texts of an entry of [`all`], which are in the order of numbers, the first being 1.
fn shown(quirk: &Quirk) -> Option<&'static Shown> {
    SHOWN.get(usize::from(quirk.number).checked_sub(1)?)
}

/// Whether a client has this quirk of [`all`]. Without an action, nobody can say otherwise.
pub fn standing(quirk: &'static Quirk, facts: &Facts<'_>) -> Standing {
    let Some(shown) = shown(quirk) else { return Standing::HasNot };
    let pin = match quirk.action {
        Some(_) if !facts.pins.is_empty() => facts.pins.get(&shown.id).copied(),
        _ => None,
    };
    if pin == Some(Pin::On) {
        return Standing::Has(BY_HAND);
    }
    let looks = quirk.when.iter().zip(&shown.words).find(|(when, _)| when.holds(facts));
    match (looks, pin) {
        (None, _) => Standing::HasNot,
        (Some(_), Some(Pin::Off)) => Standing::Denied,
        (Some((_, words)), _) => Standing::Has(words),
    }
}

impl Quirk {
    /// The reason that an answer gives which makes allowance for it.
    pub fn reason(&'static self, because: &'static str) -> Reason {
        Reason::Quirk {
            id: Cow::Borrowed(shown(self).map_or("", |shown| shown.id.as_str())),
            name: Cow::Borrowed(&self.name),
            does: Cow::Borrowed(self.says()),
            because: Cow::Borrowed(because),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Action, named, of};
    use model::HardwareAddress;
    use model::quirk::UuidForm;

    fn pi() -> Client {
        let mac = HardwareAddress::mac([0x52, 0x54, 0, 0, 0, 1]);
        let mut client = Client::unknown("lan", mac);
        client.fingerprint.vendor_class = Some("PXEClient:Arch:00000:UNDI:002001".into());
        client.fingerprint.uuid = UuidForm::Board("RPi4".into());
        client
    }

    #[test]
    fn a_pi_is_known_by_its_name_or_by_its_maker() {
        let quirk = of(Action::RaspberryPi).unwrap();
        let mut client = pi();
        assert!(matches!(standing(quirk, &Facts::of(&client)), Standing::Has(_)));
        client.fingerprint.uuid = UuidForm::Guid;
        assert_eq!(standing(quirk, &Facts::of(&client)), Standing::HasNot);
        client.fingerprint.oui = Some([0xb8, 0x27, 0xeb]);
        let Standing::Has(because) = standing(quirk, &Facts::of(&client)) else { panic!() };
        assert!(because.contains("a maker of such boards"), "{because}");
        // U-Boot and UEFI run on the same boards.
        client.fingerprint.vendor_class = Some("PXEClient:Arch:00011:UNDI:003000".into());
        assert_eq!(standing(quirk, &Facts::of(&client)), Standing::HasNot);
    }

    #[test]
    fn an_operator_has_the_last_word() {
        let quirk = of(Action::RaspberryPi).unwrap();
        let (client, other) = (pi(), Client::unknown("lan", HardwareAddress::new(1, &[])));
        let off = BTreeMap::from([("quirk-19".to_owned(), Pin::Off)]);
        let on = BTreeMap::from([("quirk-19".to_owned(), Pin::On)]);
        let with = |client, pins| standing(quirk, &Facts { pins, ..Facts::of(client) });
        assert_eq!(with(&client, &off), Standing::Denied);
        assert_eq!(with(&other, &off), Standing::HasNot);
        assert_eq!(with(&other, &on), Standing::Has(BY_HAND));
    }

    #[test]
    fn nobody_switches_what_is_for_everybody() {
        let nul = named("seven-and-nine").unwrap();
        let mut client = pi();
        client.stage = Stage::Firmware;
        client.fingerprint.archs = vec![9];
        let off = BTreeMap::from([("quirk-18".to_owned(), Pin::Off)]);
        let facts = Facts { pins: &off, ..Facts::of(&client) };
        assert!(matches!(standing(nul, &facts), Standing::Has(_)));
    }
}
