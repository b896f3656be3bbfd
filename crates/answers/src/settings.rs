//! Settings of an installation, in three layers: the machine's own before its profile's, and those
//! before the defaults. One step deep: a layer replaces a setting as a whole.

use model::setting::Layer;
pub use model::setting::Setting;
use std::collections::BTreeMap;

/// Which layer a setting came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Origin {
    /// For everybody.
    Defaults,
    /// The profile's.
    Profile,
    /// The machine's own.
    Machine,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Defaults => "defaults",
            Self::Profile => "profile",
            Self::Machine => "machine",
        })
    }
}

/// The settings that apply, each with its origin.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings(BTreeMap<String, (Setting, Origin)>);

impl Settings {
    /// The three layers, laid over each other.
    pub fn layered(defaults: &Layer, profile: &Layer, machine: &Layer) -> Self {
        let layers =
            [(defaults, Origin::Defaults), (profile, Origin::Profile), (machine, Origin::Machine)];
        let mut all = BTreeMap::new();
        for (layer, origin) in layers {
            for (name, setting) in layer {
                all.insert(name.clone(), (setting.clone(), origin));
            }
        }
        Self(all)
    }

    /// The setting with this name, and where it comes from.
    pub fn setting(&self, name: &str) -> Option<(&Setting, Origin)> {
        self.0.get(name).map(|(setting, origin)| (setting, *origin))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting, Origin)> {
        self.0.iter().map(|(name, (setting, origin))| (name.as_str(), setting, *origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_goes_before_its_profile_and_that_before_the_defaults() {
        let layer = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, text)| ((*name).to_owned(), Setting::from(*text))).collect()
        };
        let settings = Settings::layered(
            &layer(&[("timezone", "UTC"), ("locale", "C.UTF-8"), ("user", "admin")]),
            &layer(&[("timezone", "Europe/Paris"), ("user", "lab")]),
            &layer(&[("user", "ada")]),
        );
        let found = |name| settings.setting(name).map(|(s, o)| (s.clone(), o));
        assert_eq!(found("user"), Some(("ada".into(), Origin::Machine)));
        assert_eq!(found("timezone"), Some(("Europe/Paris".into(), Origin::Profile)));
        assert_eq!(found("locale"), Some(("C.UTF-8".into(), Origin::Defaults)));
        assert_eq!(found("proxy"), None);
        assert_eq!(settings.iter().count(), 3);
    }
}
