//! What the operator of a scenario says of quirks.

use super::given::{Pairs, command};
use crate::sim::world::World;
use engine::Command;
use std::collections::BTreeMap;

/// `quirk needs-broadcast=on,ignores-option-43=off`
pub(super) fn say(
    world: &mut World,
    machine: &str,
    pairs: &Pairs<'_>,
) -> Result<Option<String>, String> {
    let Some(words) = pairs.get("quirk") else { return Ok(None) };
    let mut pins = BTreeMap::new();
    for word in words.split(',') {
        let (name, pin) = word.split_once('=').ok_or_else(|| format!("{word}: on or off?"))?;
        pins.insert(name.to_owned(), pin.parse()?);
    }
    command(world, Command::SetQuirks(machine.to_owned(), pins)).map(Some)
}
