//! The interfaces we serve, and who else gives addresses there.

use super::{Finding, Known};
use crate::failure::Failure;
use crate::links::{self, Link, shown_addresses};
use crate::serving::others::{self, Heard};
use model::network::Mode;
use nix::unistd::Uid;

/// Looks at every interface, and asks their links at once.
pub async fn look(known: &Known) -> Result<Vec<Finding>, Failure> {
    let all = links::all().map_err(Failure::failed)?;
    let mut findings = Vec::new();
    if known.interfaces.is_empty() {
        findings.push(Finding::bad(
            "there is no interface that is up",
            "machines are reached through one",
            "ip link show; ip link set IF up",
        ));
    }
    let mut usable = Vec::new();
    for name in &known.interfaces {
        let link = all.iter().find(|link| link.name == *name);
        findings.push(one(name, link));
        if link.is_some_and(|link| link.up && !link.loopback) {
            usable.push(name.clone());
        }
    }
    if !Uid::effective().is_root() {
        findings.push(Finding::note(
            "other DHCP servers were not looked for",
            "asking the link needs a packet socket",
            "run it as root",
        ));
        return Ok(findings);
    }
    let here = others::on_this_host(known.told.as_ref().map_or(0, |told| told.status.pid));
    findings.extend(others::ask(usable).await.into_iter().map(|heard| asked(known, heard, &here)));
    Ok(findings)
}

fn one(name: &str, link: Option<&Link>) -> Finding {
    let Some(link) = link else {
        return Finding::bad(
            format!("there is no interface {name}"),
            "it is to be served",
            "ip link show lists those that there are",
        );
    };
    if !link.up {
        let mend = format!("ip link set {name} up");
        return Finding::bad(format!("{name} is down"), "no machine can be heard on it", mend);
    }
    if link.addresses.is_empty() {
        return Finding::bad(
            format!("{name} has no IPv4 address"),
            "machines could not fetch anything from us",
            format!("ip addr add ADDRESS/PREFIX dev {name}"),
        );
    }
    if !link.running {
        return Finding::note(
            format!("{name} has no link"),
            "no machine can be heard on it",
            "plug the cable in, or switch the other end on",
        );
    }
    Finding::good(format!("{name} is up with {}", shown_addresses(link)))
}

fn asked(known: &Known, heard: Heard, here: &[String]) -> Finding {
    let Heard { interface: name, servers } = heard;
    let servers = match servers {
        Ok(servers) => servers,
        Err(e) => {
            return Finding::note(
                format!("{name}: other DHCP servers could not be looked for: {e}"),
                "two servers giving addresses on one link break each other's machines",
                format!("ip link show {name}"),
            );
        }
    };
    let givers = others::giving(&servers).join(", ");
    let (found, mode) = (!givers.is_empty(), known.mode(&name));
    let configured = known.networks.iter().find(|n| n.interface == name);
    let words =
        configured.map(|network| format!("{name}: {}", others::means(network, &servers, here)));
    match (mode, found) {
        (Some(Mode::Dhcp), true) => Finding::bad(
            words.unwrap_or_else(|| format!("{name}: two servers give addresses: we and {givers}")),
            "machines take whichever answers first, so some boot and some do not",
            "stop the other server, or set mode = \"proxy\" for this network",
        ),
        (Some(Mode::Dhcp), false) => Finding::good(format!("{name}: no other DHCP server answers")),
        (_, true) => Finding::good(format!("{name}: addresses come from {givers}")),
        (Some(Mode::Auto | Mode::Proxy), false) if !here.is_empty() => Finding::note(
            format!("{name}: {} on this host has the DHCP port", here.join(", ")),
            "machines get their addresses from it, if it serves this link",
            format!("see that it gives addresses on {name}"),
        ),
        (Some(Mode::Auto | Mode::Proxy), false) => Finding::bad(
            format!("{name}: no DHCP server answers, and we give no addresses there"),
            "without an address no machine boots",
            "set mode = \"dhcp\" with subnet and pool for this network, or: bootwright serve \
             --interface IF --dhcp SUBNET",
        ),
        (_, false) => Finding::note(
            format!("{name}: no DHCP server answers"),
            "machines need addresses from somebody",
            "serve them with mode = \"dhcp\", or start the other server",
        ),
    }
}
