//! The interfaces we serve, as the kernel shows them below `/sys/class/net` and `/proc/sys/net`.

use super::Known;
use crate::links::Link as Seen;
use doctor::link::{Bridge, Link, Neighbour, State};
use std::fs;
use std::path::{Path, PathBuf};

/// Ports of a bridge that are looked at.
const PORTS_MAX: usize = 1024;

/// One of them.
pub fn look(known: &Known, all: &[Seen], name: &str) -> Link {
    let relayed = known.networks().iter().any(|n| n.interface == name && !n.relays.is_empty());
    let state = all.iter().find(|seen| seen.name == name).map(|seen| {
        let at = Path::new("/sys/class/net").join(name);
        let parent = vlan_parent(&at);
        State {
            up: seen.up,
            carrier: seen.running,
            addresses: seen.addresses.clone(),
            addresses_6: (seen.addresses6.iter().copied())
                .filter(|(address, _)| !address.is_unicast_link_local())
                .collect(),
            mtu: seen.mtu,
            rp_filter: rp_filter(name),
            bridge: bridge(&at),
            vlan_of: parent.map(|parent| {
                let up = all.iter().any(|seen| seen.name == parent && seen.up);
                (parent, up)
            }),
            vlan: vlan(name),
        }
    });
    let (subnets_6, ipv6_only) = (known.subnets_6(name), known.is_ipv6_only(name));
    Link { name: name.to_owned(), state, relayed, ipv6_only, subnets_6 }
}

/// Every interface that could send what another one should.
pub fn neighbours(all: &[Seen]) -> Vec<Neighbour> {
    let up = all.iter().filter(|seen| seen.up && !seen.loopback && !seen.addresses.is_empty());
    up.map(|seen| Neighbour { name: seen.name.clone(), addresses: seen.addresses.clone() })
        .collect()
}

fn number<T: std::str::FromStr>(at: impl AsRef<Path>) -> Option<T> {
    fs::read_to_string(at).ok()?.trim().parse().ok()
}

/// The stricter of what is set for all and for this one is in force (ip-sysctl).
fn rp_filter(name: &str) -> u8 {
    let of = |name: &str| {
        // Dots of a VLAN's name are part of it: this is a path, not a key of sysctl(8).
        number::<u8>(format!("/proc/sys/net/ipv4/conf/{name}/rp_filter")).unwrap_or(0)
    };
    of("all").max(of(name))
}

fn bridge(at: &Path) -> Option<Bridge> {
    let own = at.join("bridge");
    let stp = number::<u32>(own.join("stp_state"))?;
    // In hundredths of a second.
    let delay = number::<u32>(own.join("forward_delay")).unwrap_or(0);
    let ports = fs::read_dir(at.join("brif")).into_iter().flatten().flatten().take(PORTS_MAX);
    let silent = ports.filter_map(|port| {
        let why = match number::<u8>(port.path().join("state"))? {
            1 => "listening",
            2 => "learning",
            4 => "blocking",
            _ => return None,
        };
        Some((port.file_name().to_string_lossy().into_owned(), why.to_owned()))
    });
    Some(Bridge {
        stp: stp != 0,
        forward_delay_s: delay.div_ceil(100),
        silent_ports: silent.collect(),
        filtered: number::<u8>("/proc/sys/net/bridge/bridge-nf-call-iptables") == Some(1),
    })
}

/// The interface that a VLAN is on.
fn vlan_parent(at: &Path) -> Option<String> {
    let kind = fs::read_to_string(at.join("uevent")).ok()?;
    if !kind.lines().any(|line| line == "DEVTYPE=vlan") {
        return None;
    }
    let below: Vec<PathBuf> = fs::read_dir(at).ok()?.flatten().map(|entry| entry.path()).collect();
    below.iter().find_map(|path| {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix("lower_").map(str::to_owned)
    })
}

/// The number of a VLAN, of the table that its driver shows.
fn vlan(name: &str) -> Option<u16> {
    let text = fs::read_to_string(format!("/proc/net/vlan/{name}")).ok()?;
    let mut words = text.lines().next()?.split_ascii_whitespace();
    words.find(|word| *word == "VID:")?;
    words.next()?.parse().ok()
}
