//! What documents declared: which machines, profiles, templates and rules an operator keeps in files, so that
//! a later look at the files can tell what went out of them from what was never in them.

use crate::address::HardwareAddress;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A thing that a document can declare, by its name.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Declarable {
    /// A machine.
    Machine(HardwareAddress),
    /// A profile.
    Profile(String),
    /// A template.
    Template(String),
    /// The list of rules.
    Rules,
}

/// What was said of it: names of fields, or numbers of rules. What is not said any more is taken
/// back.
pub type Said = BTreeSet<String>;

impl fmt::Display for Declarable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(hardware) => write!(f, "machine {hardware}"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Template(name) => write!(f, "template {name}"),
            Self::Rules => f.write_str("rules"),
        }
    }
}

impl FromStr for Declarable {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(' ') {
            Some(("machine", mac)) => mac.parse().map(Self::Machine),
            Some(("profile", name)) => Ok(Self::Profile(name.to_owned())),
            Some(("template", name)) => Ok(Self::Template(name.to_owned())),
            None if text == "rules" => Ok(Self::Rules),
            _ => {
                Err(format!("`{}` is nothing that is declared", crate::text::show(text.as_bytes())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_is_read_back_as_it_is_written() {
        let mac = "52:54:00:77:00:01".parse().unwrap();
        for one in [
            Declarable::Machine(mac),
            Declarable::Profile("a.b".into()),
            Declarable::Template("a.preseed".into()),
            Declarable::Rules,
        ] {
            assert_eq!(one.to_string().parse(), Ok(one));
        }
        assert!("machine x".parse::<Declarable>().is_err());
        assert!("colour".parse::<Declarable>().is_err());
    }
}
