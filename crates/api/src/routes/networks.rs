//! The networks: how each is served, how full it is, and which mode fits what was heard there.

//! The networks: how each is served, how full it is, and which mode fits what was heard there.

use super::{State, ask};
use crate::types::{NetworkView, PoolNumbers};
use crate::{House, Problem};
use axum::Json;
use engine::state::PoolUse;
use engine::{Engine, Now};
use model::{Network, Network6};

pub async fn list(State(house): State<House>) -> Result<Json<Vec<NetworkView>>, Problem> {
    ask(&house, networks).await.map(Json)
}

/// Those of IPv4 first, each family in the order of the configuration.
fn networks(engine: &Engine, now: Now) -> Vec<NetworkView> {
    let census = engine.census(now);
    let others = engine.others();
    let settings = engine.settings();
    let numbers = |interface: &str, subnet: String, reserved: usize| {
        let of = |pool: &&PoolUse| pool.link == interface && pool.subnet == subnet;
        census.pools.iter().find(of).map(|pool| PoolNumbers {
            size: pool.size,
            leased: pool.leased as u64,
            quarantined: pool.quarantined as u64,
            reserved: reserved as u64,
        })
    };
    let over_ipv4 = |network: &Network| {
        let inside = engine.reservations().filter(|r| network.subnet.contains(r.address));
        let numbers = numbers(&network.interface, network.subnet.to_string(), inside.count());
        NetworkView::new(network, numbers, engine::others::fit(network, &others))
    };
    let over_ipv6 = |network: &Network6| {
        let inside = engine.reservations6().filter(|r| network.subnet.contains(r.address));
        let numbers = numbers(&network.interface, network.subnet.to_string(), inside.count());
        NetworkView::over_ipv6(network, numbers)
    };
    let both = settings.networks.iter().map(over_ipv4);
    both.chain(settings.networks6.iter().map(over_ipv6)).collect()
}
