//! DNS servers that are told of names: their keys as files, and what they say to one signed question for
//! each zone. Nothing is changed there by it.

use super::Known;
use crate::config::{Config, PublishTo};
use crate::serving::publishing;
use api::types::PublishView;
use doctor::publish::{Asked, Key, Of, Server, Told, Trouble, Zone};
use engine::names::Name;
use engine::names::publish::Failure;
use nix::unistd::Uid;
use tokio::task::JoinSet;

/// Looks at all of them, all zones at once.
pub async fn look(known: &Known) -> Vec<Server> {
    let Some(config) = &known.config else { return Vec::new() };
    let mut servers: Vec<Server> = Vec::new();
    let mut asked = JoinSet::new();
    for (number, to) in config.publish.iter().enumerate() {
        let (key, publish) = key(known, to);
        for (zone, name) in to.zones.iter().cloned().enumerate() {
            let Some(publish) = publish.clone() else { break };
            asked.spawn(async move { (number, zone, serve::has_zone(&publish, &name).await) });
        }
        let zones = to.zones.iter().map(|zone| seen(config, known, to, zone)).collect();
        servers.push(Server { at: to.server.to_string(), key, zones });
    }
    for (number, zone, said) in asked.join_all().await {
        let place = servers.get_mut(number).and_then(|server| server.zones.get_mut(zone));
        if let Some(place) = place {
            place.asked = said.map_or_else(|why| Asked::Failed(trouble(&why)), |()| Asked::HasIt);
        }
    }
    servers
}

/// The key, where it can be had. Who is not root may not read it, and need not where a server has it.
fn key(known: &Known, to: &PublishTo) -> (Key, Option<serve::Publish>) {
    match publishing::read(std::slice::from_ref(to)) {
        Ok(mut good) => (Key::Good, good.pop()),
        Err(_) if known.told.is_some() && !Uid::effective().is_root() => (Key::NotSeen, None),
        Err(failure) => {
            let said = failure.to_string();
            let (what, mend) =
                said.split_once("\nhint: ").unwrap_or((&said, "bootwright check --config FILE"));
            (Key::Refused(what.to_owned(), mend.to_owned()), None)
        }
    }
}

fn seen(config: &Config, known: &Known, to: &PublishTo, zone: &Name) -> Zone {
    let (name, server) = (zone.to_string(), to.server.to_string());
    let view = known.published.iter().find(|view| view.server == server && view.zone == name);
    let told = view.map(|PublishView { published, failing, .. }| Told {
        published: *published,
        failing: failing.clone().map(|failing| (failing.since, failing.why, failing.hint)),
    });
    Zone { name, used: config.has_names_in(zone), asked: Asked::No, told }
}

fn trouble(why: &Failure) -> Trouble {
    let of = match why {
        Failure::Silent(_) => Of::Way,
        Failure::BadKey | Failure::BadSig | Failure::BadTrunc | Failure::Forged => Of::Key,
        Failure::BadTime(_) => Of::Clock,
        Failure::NoZone => Of::Zone,
        Failure::Code(_) | Failure::Unsigned(_) | Failure::NotKept(_) => Of::Server,
    };
    Trouble { of, why: why.to_string(), hint: why.hint().to_owned() }
}
