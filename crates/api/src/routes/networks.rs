//! The networks: how each is served, how full it is, and which mode fits what was heard there.

use super::{State, ask};
use crate::types::{NetworkView, PoolNumbers};
use crate::{House, Problem};
use axum::Json;
use engine::{Engine, Now};
use model::Network;

pub async fn list(State(house): State<House>) -> Result<Json<Vec<NetworkView>>, Problem> {
    ask(&house, networks).await.map(Json)
}

fn networks(engine: &Engine, now: Now) -> Vec<NetworkView> {
    let census = engine.census(now);
    let others = engine.others();
    let settings = engine.settings();
    let view = |network: &Network| {
        let of = |pool: &&engine::state::PoolUse| {
            pool.link == network.interface && pool.subnet == network.subnet
        };
        let numbers = census.pools.iter().find(of).map(|pool| PoolNumbers {
            size: pool.size,
            leased: pool.leased as u64,
            quarantined: pool.quarantined as u64,
            reserved: engine.reservations().filter(|r| network.subnet.contains(r.address)).count()
                as u64,
        });
        NetworkView::new(network, numbers, engine::others::fit(network, &others))
    };
    settings.networks.iter().map(view).collect()
}
