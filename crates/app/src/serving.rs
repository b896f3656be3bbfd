//! The running server: what ties its rooms together.
//!
//! [`admin`] is the operators' port; [`sockets`] opens the machines' sockets and opens them anew as the configuration says; [`https`] has
//! their certificates; [`boots`] has boots judged; [`others`] looks for other DHCP servers; [`scrub`] reads all
//! blobs once a week; [`log`] tells what happens; [`tidy`] removes once a day what nobody came back for; [`settings`]
//! checks and changes the configuration file for operators; [`notify`]
//! tells systemd.

pub mod admin;
pub mod boots;
pub mod https;
pub mod log;
pub mod notify;
pub mod others;
pub mod publishing;
pub mod scrub;
pub mod settings;
pub mod sockets;
pub mod tidy;

use model::network::{HttpBoot, Mode};
use model::time::show_duration;
use model::{Network, Network6};

/// `network br0: IPv6, we are fd77::1 in fd77::/64, pool fd77::100-fd77::1ff, lease 12h`
pub fn in_a_line6(network: &Network6) -> String {
    let Network6 { interface, server, subnet, .. } = network;
    let mode = if network.only_listens() { "mode listen, " } else { "" };
    let mut line = format!("network {interface}: IPv6, {mode}we are {server} in {subnet}");
    if network.gives_addresses() {
        let pools: Vec<String> = network.pools.iter().map(ToString::to_string).collect();
        let lease = network.lease.map_or("for ever".to_owned(), show_duration);
        line.push_str(&format!(", pool {}, lease {lease}", pools.join(", ")));
    } else {
        line.push_str(", machines make their addresses themselves");
    }
    for (name, list) in
        [("relays", &network.relays), ("dns", &network.dns), ("others", &network.others)]
    {
        if !list.is_empty() {
            let all: Vec<String> = list.iter().map(ToString::to_string).collect();
            line.push_str(&format!(", {name} {}", all.join(", ")));
        }
    }
    if network.advertise {
        line.push_str(", router advertisements are ours");
    }
    if network.http_boot == HttpBoot::Https {
        line.push_str(", HTTP Boot over https");
    }
    line
}

/// `network br0: dhcp, we are 10.77.0.1, pool 10.77.0.100-10.77.0.199, lease 12h`
pub fn in_a_line(network: &Network) -> String {
    let mut line = format!("network {}: mode {}", network.interface, network.mode);
    if network.mode == Mode::Off {
        return line;
    }
    line.push_str(&format!(", we are {} in {}", network.server, network.subnet));
    if network.mode == Mode::Dhcp {
        let pools: Vec<String> = network.pools.iter().map(ToString::to_string).collect();
        let lease = network.lease.map_or("for ever".to_owned(), show_duration);
        line.push_str(&format!(", pool {}, lease {lease}", pools.join(", ")));
    }
    for (name, list) in
        [("relays", &network.relays), ("dns", &network.dns), ("others", &network.others)]
    {
        if !list.is_empty() {
            let all: Vec<String> = list.iter().map(ToString::to_string).collect();
            line.push_str(&format!(", {name} {}", all.join(", ")));
        }
    }
    if network.http_boot == HttpBoot::Https {
        line.push_str(", HTTP Boot over https");
    }
    if let Some(rate) = network.rate {
        line.push_str(&format!(", at most {}/s", model::event::show_bytes(rate)));
    }
    if let Some(shared) = &network.shared {
        line.push_str(&format!(", shared {shared}"));
    }
    for (name, count) in [("routes", network.routes.len()), ("options", network.options.len())] {
        if count > 0 {
            line.push_str(&format!(", {name} {count}"));
        }
    }
    line
}
