//! Links: who else speaks there, and how our answers compare where we only listen.

mod numbers;

pub(super) use numbers::Heard;

use super::{State, ask};
use crate::types::LinkView;
use crate::{House, Problem};
use axum::Json;
use engine::{Engine, Settings};
use model::OtherServer;
use model::network::Family;
use model::other::Standing;
use std::collections::BTreeMap;

pub async fn list(State(house): State<House>) -> Result<Json<Vec<LinkView>>, Problem> {
    ask(&house, |engine, _| links(engine)).await.map(Json)
}

fn links(engine: &Engine) -> Vec<LinkView> {
    let mut links: BTreeMap<&str, LinkView> = BTreeMap::new();
    let Settings { networks, networks6, .. } = engine.settings();
    let heard = networks.iter().filter(|network| network.is_heard());
    let heard = heard.map(|network| (network.interface.as_str(), network.mode));
    // What others say to machines behind a relay is not heard here.
    let heard6 = networks6.iter().filter(|n| n.is_on_link() || n.only_listens());
    let heard6 = heard6.map(|network| (network.interface.as_str(), network.mode));
    for (interface, mode) in heard.chain(heard6) {
        let link = links.entry(interface).or_insert_with(|| LinkView {
            interface: interface.to_owned(),
            modes: Vec::new(),
            others: Vec::new(),
            agreement: None,
            agreement_ipv6: None,
        });
        let mode = mode.to_string();
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
        let Some(link) = links.get_mut(listening.link.as_str()) else { continue };
        match listening.family {
            Family::Ipv4 => link.agreement = Some(listening.into()),
            Family::Ipv6 => link.agreement_ipv6 = Some(listening.into()),
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
