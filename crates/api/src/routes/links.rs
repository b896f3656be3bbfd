//! Links: who else speaks there, and how our answers compare where we only listen.

mod numbers;

pub(super) use numbers::Heard;

use super::{State, ask};
use crate::types::LinkView;
use crate::{House, Problem};
use axum::Json;
use engine::Engine;
use model::other::Standing;
use model::{Listening, OtherServer};
use std::collections::BTreeMap;

pub async fn list(State(house): State<House>) -> Result<Json<Vec<LinkView>>, Problem> {
    ask(&house, |engine, _| links(engine)).await.map(Json)
}

fn links(engine: &Engine) -> Vec<LinkView> {
    let mut links: BTreeMap<&str, LinkView> = BTreeMap::new();
    for network in engine.settings().networks.iter().filter(|network| network.is_heard()) {
        let interface = network.interface.as_str();
        let link = links.entry(interface).or_insert_with(|| LinkView {
            interface: interface.to_owned(),
            modes: Vec::new(),
            others: Vec::new(),
            agreement: None,
        });
        let mode = network.mode.to_string();
        if !link.modes.contains(&mode) {
            link.modes.push(mode);
        }
    }
    for other in engine.others() {
        if let Some(link) = links.get_mut(other.link.as_str()) {
            link.others.push(other.into());
        }
    }
    for listening in engine.listening() {
        let Listening { link, .. } = &listening;
        if let Some(link) = links.get_mut(link.as_str()) {
            link.agreement = Some(listening.into());
        }
    }
    links.into_values().collect()
}

/// Other servers that do harm, one line each.
pub(super) fn rogues(engine: &Engine) -> Vec<String> {
    let rogue = |other: &OtherServer| other.standing == Standing::Rogue;
    let shown = |o: OtherServer| format!("{} on {}: {}", o.named(), o.link, o.means);
    engine.others().into_iter().filter(rogue).map(shown).collect()
}
