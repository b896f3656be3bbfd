//! The server in numbers, as Prometheus reads them. Labels are few and fixed: no machine and no
//! file ever becomes one, since whoever boots could make any number of them.

mod numbers;
mod write;

use super::{State, links};
use crate::contract::shape::{self, Said};
use crate::server::Counted;
use crate::{House, Problem};
use axum::http::header;
use numbers::{Disk, Numbers};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use site::SiteHandle;
use std::path::Path;
use std::time::Duration;

/// What an OpenMetrics reader expects.
pub(crate) const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// So long the owner has to say how many there are of everything. A scrape that waits for a disk
/// that hangs would tell nobody that it hangs.
const OWNER_WAIT: Duration = Duration::from_secs(2);

pub async fn metrics(State(house): State<House>) -> Result<Said<shape::Numbers>, Problem> {
    let told = house.site.ask(|engine, now| (engine.census(now), links::Heard::of(engine)));
    let told = tokio::time::timeout(OWNER_WAIT, told).await.ok().and_then(Result::ok);
    let (census, heard) = told.unzip();
    let (state, blobs) = (house.state.clone(), house.blobs.clone());
    let disk = crate::doing::blocking(move || Disk {
        store: store_size(&state),
        free: blobs.free_space(),
    })
    .await?;
    let sockets = (house.counted)();
    let numbers = Numbers {
        transfers: (house.transfers)(),
        names_remembered: (house.dns)().and_then(|dns| dns.cache).map(|cache| cache.kept as u64),
        counted: sockets.into_iter().chain(of_the_owner(&house.site)).collect(),
        counts: house.site.counts(),
        times: house.site.times(),
        waiting: house.site.waiting(),
        census,
        disk,
        started: house.started,
        now: house.site.now(),
    };
    let mut registry = Registry::with_prefix("bootwright");
    registry.register_collector(Box::new(numbers));
    if let Some(heard) = heard {
        registry.register_collector(Box::new(heard));
    }
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|e| Problem::failed(e.to_string()))?;
    Ok(Said::new(([(header::CONTENT_TYPE, MEDIA)], text)))
}

/// Bytes of the store and of what is not yet folded into it.
fn store_size(state: &Path) -> u64 {
    let size = |name: &str| std::fs::metadata(state.join(name)).map_or(0, |found| found.len());
    size("bootwright.db") + size("bootwright.db-wal")
}

fn of_the_owner(site: &SiteHandle) -> [Counted; 7] {
    let counted = site.counted();
    [
        ("dhcp_dropped", "DHCP messages dropped because the queue was full", counted.dropped),
        ("dhcp_unposted", "DHCP replies dropped because others waited", counted.unposted),
        ("bugs", "Requests that hit a bug and got no answer", counted.bugs),
        ("commits", "Transactions that were synced", counted.commits),
        ("changes", "Changes that were kept in them", counted.changes),
        ("commits_failed", "Transactions that failed", counted.commits_failed),
        ("damaged_rows", "Rows of the store that could not be read at the start", counted.damaged),
    ]
}
