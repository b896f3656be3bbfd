//! Settings: what templates are told beside what is known of a machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One setting.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

/// The settings of one layer, by name: of the configuration, of a profile, or of a machine.
pub type Layer = BTreeMap<String, Setting>;

impl From<&str> for Setting {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl Setting {
    /// A setting as it is typed: `true`, `false`, a number, `[a, b]`, `"text"`, or text as it is.
    /// What looks like a number and is to be text is put between double quotes.
    pub fn typed(text: &str) -> Self {
        let bare = text.trim();
        let within = |open: char, close: char| bare.strip_prefix(open)?.strip_suffix(close);
        if let Some(inside) = within('"', '"').filter(|inside| !inside.contains('"')) {
            return Self::Text(inside.to_owned());
        }
        if let Some(inside) = within('[', ']') {
            let items = inside.split(',').map(|item| item.trim().trim_matches('"').to_owned());
            return Self::List(items.filter(|item| !item.is_empty()).collect());
        }
        match bare {
            "true" => Self::Flag(true),
            "false" => Self::Flag(false),
            _ => bare.parse().map_or_else(|_| Self::Text(text.to_owned()), Self::Whole),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Text(text) if Self::typed(text) == *self => f.write_str(text),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::List(items) => write!(f, "[{}]", items.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_as_it_is_shown() {
        let list = |items: &[&str]| Setting::List(items.iter().map(|i| (*i).to_owned()).collect());
        for (text, setting) in [
            ("true", Setting::Flag(true)),
            ("42", Setting::Whole(42)),
            ("-1", Setting::Whole(-1)),
            ("Europe/Paris", "Europe/Paris".into()),
            ("\"42\"", "42".into()),
            ("[]", list(&[])),
            ("[vim, git]", list(&["vim", "git"])),
            ("", "".into()),
        ] {
            assert_eq!(Setting::typed(text), setting, "{text}");
            assert_eq!(setting.to_string(), text);
        }
        assert_eq!(Setting::typed("[\"a\", b ]"), list(&["a", "b"]));
    }

    #[test]
    fn json_keeps_the_kind() {
        for text in ["true", "7", "\"7\"", "[\"a\"]", "\"x\""] {
            let setting: Setting = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&setting).unwrap(), text);
        }
    }
}
