//! Quirks.

use engine::quirks::Quirk;
use model::Pin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A quirk of the database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuirkView {
    /// `quirk-07`.
    pub id: String,
    /// The entry.
    #[serde(flatten)]
    pub quirk: Quirk,
}

impl QuirkView {
    /// An entry with its id.
    pub fn of(quirk: &Quirk) -> Self {
        Self { id: quirk.id(), quirk: quirk.clone() }
    }
}

/// Says of a machine which quirks it has and has not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuirksWish {
    /// By name (`needs-broadcast`) or id (`quirk-48`); `auto` says nothing. Others stay.
    pub quirks: BTreeMap<String, Pin>,
}
