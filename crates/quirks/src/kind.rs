//! Which program wrote a message, where that is known.

use crate::standing::Facts;
use crate::when::When;
use serde::Deserialize;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../data/kinds.toml");

/// A program that is known by its fingerprint.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// What it is called.
    pub name: String,
    /// What its messages look like.
    pub when: When,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: Vec<Kind>,
}

#[expect(clippy::expect_used, reason = "the text is compiled in, and a test reads it")]
static ALL: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let file: File = toml::from_str(TEXT).expect("kinds.toml is read");
    file.kind
});

/// The program that looks like this; none if nobody has filed one.
pub fn kind(facts: &Facts<'_>) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.when.holds(facts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::client::Stage;
    use model::{Client, HardwareAddress};

    #[test]
    fn programs_are_told_apart_by_what_they_ask_for() {
        let mut client = Client::unknown("lan", HardwareAddress::mac([2, 0, 0, 0, 0, 1]));
        client.stage = Stage::Firmware;
        client.fingerprint.vendor_class = Some("PXEClient:Arch:00000:UNDI:002001".into());
        let name = |client: &Client| kind(&Facts::of(client)).map(|kind| kind.name.as_str());
        assert_eq!(name(&client), None);
        client.fingerprint.parameters = vec![43, 60, 66, 67, 128, 129];
        assert_eq!(name(&client), Some("Raspberry Pi boot code"));
        client.fingerprint.parameters = vec![1, 2, 3, 5, 6, 11, 12, 13, 15, 16, 17, 18, 43, 54];
        assert_eq!(name(&client), None);
        client.fingerprint.parameters.extend([60, 67, 128]);
        assert_eq!(name(&client), Some("Intel boot agent"));
        client.fingerprint.vendor_class = Some("U-Boot.armv8".into());
        assert_eq!(name(&client), Some("U-Boot"));
    }

    #[test]
    fn whoever_is_filed_is_told_by_something() {
        for kind in ALL.iter() {
            assert_ne!(kind.when, When::default(), "{} is everybody", kind.name);
        }
    }
}
