//! What a configuration file means on this host: keys are compared with each other and with the
//! interfaces, and everything that would not work is a fault with the way to mend it.

mod admin;
mod beside;
mod dns;
mod https;
mod limits;
mod network;
mod network6;
mod publish;
mod syslog;

pub use network::sensible_pool;

use super::Config;
use super::fault::Fault;
use super::raw::Raw;
use super::reader::{At, Faults};
use crate::links::Link;
use engine::state::{BootDefaults, LEASE_HISTORY, Settings, Unknown};
use std::path::PathBuf;
use std::time::Duration;
/// Who had an address an hour ago is what a history is for.
const HISTORY_LEAST: Duration = Duration::from_secs(3600);
/// What `infinite` means: ten years, so that the store cannot grow for ever.
const HISTORY_MAX: Duration = Duration::from_secs(3650 * 86_400);
/// More links than this on one host are a mistake in the file.
const NETWORKS_MAX: usize = 256;

/// Gives the file its meaning. What is returned is only good when no fault was noted.
pub fn mean(raw: Raw, links: &[Link], host_name: &str, faults: &Faults) -> Config {
    let note = |fault: Fault| faults.borrow_mut().push(fault);
    if raw.networks.is_empty() && raw.networks6.is_empty() {
        note(no_network(links));
    }
    if let Some(one_more) = raw.networks.get(NETWORKS_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {NETWORKS_MAX} networks")));
    }

    let mut networks = Vec::new();
    for (index, this) in raw.networks.iter().enumerate().take(NETWORKS_MAX) {
        let earlier = raw.networks.get(..index).unwrap_or_default();
        beside::beside_others(this, earlier, &note);
        let remote = beside::is_remote(this, &raw.networks);
        networks.extend(network::one(this, remote, links, &note));
    }

    let mut networks6 = Vec::new();
    for (index, this) in raw.networks6.iter().enumerate().take(NETWORKS_MAX) {
        let earlier = raw.networks6.get(..index).unwrap_or_default();
        networks6.extend(network6::one(this, earlier, links, &note));
    }

    let defaults = BootDefaults::default();
    let boot = BootDefaults {
        unknown: raw.unknown.as_ref().map_or(defaults.unknown, |at| at.value),
        approved: raw.approved.as_ref().map_or(defaults.approved, |at| at.value),
        menu_wait_s: match raw.menu_wait.as_ref().map(|at| at.value) {
            None => defaults.menu_wait_s,
            Some(None) => 0,
            Some(Some(wait)) => wait.as_secs(),
        },
        ask: raw.ask.as_ref().map(|at| at.value.clone()),
    };
    let mut notes = beside::shared_alone(&raw.networks);
    let lease_history = lease_history(raw.lease_history.clone(), &mut notes, &note);
    if boot.approved == Unknown::Pending {
        notes.push(
            "[boot] approved = \"pending\": machines that are approved already will wait for ever"
                .to_owned(),
        );
    }
    let http_port = raw.http_port.as_ref().map_or(80, |at| at.value);
    let given = https::certificates(&raw, http_port, &note);
    let limits = limits::mean(&raw, &mut notes, &note);
    let admin = admin::admin(&raw, &note);
    let both = dns::Both { v4: &mut networks, v6: &mut networks6 };
    let dns = dns::mean(&raw, both, &mut notes, &note);
    let publish = publish::mean(&raw, (&networks, &networks6), &mut notes, &note);
    let syslog_port = syslog::port(&raw, &mut notes, &note);
    Config {
        state: raw.state.map(|at| PathBuf::from(at.value)),
        given,
        limits,
        admin,
        syslog_port,
        dns,
        publish,
        settings: Settings {
            server_name: raw.server_name.map_or_else(|| host_name.to_owned(), |at| at.value),
            networks,
            http_port,
            networks6,
            tls_port: raw.tls_port.map(|at| at.value),
            lease_history,
            boot,
            defaults: raw.settings.unwrap_or_default(),
            key: Default::default(),
        },
        notes,
    }
}

/// How long leases that ended are remembered.
fn lease_history(
    said: Option<At<Option<Duration>>>,
    notes: &mut Vec<String>,
    note: &impl Fn(Fault),
) -> Duration {
    let Some(At { value, at }) = said else {
        return LEASE_HISTORY;
    };
    match value {
        Some(short) if short < HISTORY_LEAST => {
            let fault = Fault::new(at, "a lease history shorter than 1h");
            note(fault.hint("it also tells a machine that comes back which address it had"));
            LEASE_HISTORY
        }
        Some(long) if long > HISTORY_MAX => {
            let fault = Fault::new(at, "a lease history longer than ten years");
            note(fault.hint("write history = \"infinite\", which keeps 3650d"));
            LEASE_HISTORY
        }
        Some(history) => history,
        None => {
            notes.push("[leases] history = \"infinite\": ended leases are kept for 3650d".into());
            HISTORY_MAX
        }
    }
}

fn no_network(links: &[Link]) -> Fault {
    let fault = Fault::new(0..0, "no [[network]]: there is nothing to serve");
    match links.iter().find(|link| !link.loopback && link.up) {
        Some(link) => fault.hint(format!("add [[network]] with interface = \"{}\"", link.name)),
        None => fault.hint("add [[network]] with interface = \"NAME\""),
    }
}

fn list<T>(of: Option<&At<Vec<At<T>>>>) -> &[At<T>] {
    of.map_or(&[], |all| all.value.as_slice())
}
