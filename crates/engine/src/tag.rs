//! Whether a thing is still as somebody saw it: a tag over what operators set of it.
//!
//! In: what a change is about, and what its author saw. Out: a tag, or whether it still fits. Never: in
//! the tag of a machine, what it says of itself and when it was last heard, which no edit overwrites and
//! which would make every edit of a busy machine a lost one.

use crate::Engine;
use model::image::Hash;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A thing that operators edit, as it is named.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Thing {
    /// By anything that names a machine.
    Machine(String),
    /// By its name.
    Profile(String),
    /// By its name.
    Template(String),
    /// All of them, in their order.
    Rules,
    /// By its network; none is the menu for all.
    Menu(Option<String>),
    /// By its name.
    Webhook(String),
    /// By his name.
    User(String),
}

/// What has to be so for a change to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expectation {
    /// Of what.
    pub of: Thing,
    /// How it has to be.
    pub is: Seen,
}

/// How a thing was seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Seen {
    /// With one of these tags.
    As(Vec<Hash>),
    /// There, whatever it is like.
    There,
    /// Not there.
    Nowhere,
}

impl Expectation {
    /// Whether it is so.
    pub fn holds(&self, engine: &Engine) -> bool {
        let tag = engine.tag(&self.of);
        match &self.is {
            Seen::As(tags) => tag.is_some_and(|tag| tags.contains(&tag)),
            Seen::There => tag.is_some(),
            Seen::Nowhere => tag.is_none(),
        }
    }
}

impl Engine {
    /// The tag of a thing as it is; none if there is no such thing. A menu and the list of
    /// rules are always there.
    pub fn tag(&self, of: &Thing) -> Option<Hash> {
        match of {
            Thing::Machine(named) => {
                let m = self.machine(named)?;
                let deployment = self.deployment_of(&m.hardware).map(|of| of.id);
                let texts = (&m.name, &m.profile, &m.labels, &m.settings, &m.notes);
                tag(&(m.hardware, texts, m.life(), &m.options, &m.quirks, deployment))
            }
            Thing::Profile(name) => tag(self.profiles.get(name)?),
            Thing::Template(name) => {
                let template = self.templates().iter().find(|t| t.name() == name)?;
                tag(&(template.name(), template.format().to_string(), template.text()))
            }
            Thing::Rules => tag(&self.rules),
            Thing::Menu(network) => tag(&self.menu(network.as_deref())),
            Thing::Webhook(name) => tag(self.webhooks.get(name)?),
            Thing::User(name) => tag(self.user(name)?),
        }
    }
}

/// The keys of maps are in order, so the same facts are the same text.
fn tag(facts: &impl Serialize) -> Option<Hash> {
    let text = serde_json::to_vec(facts).ok()?;
    Some(Hash(Sha256::digest(text).into()))
}
