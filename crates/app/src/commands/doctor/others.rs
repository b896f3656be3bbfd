//! Who else speaks to machines on the links: every link is asked at once, over IPv4 and IPv6.

use super::Known;
use crate::links::Link;
use crate::serving::others::on_this_host;
use doctor::others::{Client, Heard, NotAsked, Offer, On4011, Tftp, TftpSaid};
use doctor::others_6;
use model::network6::Subnet6;
use model::text::show;
use serve::probe::{self, Asked};
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use tokio::task::JoinSet;

/// dnsmasq looks for 3 s whether an address is taken, and answers all four questions only then.
const LISTEN: Duration = Duration::from_secs(5);
/// Servers of one link that are asked further, for port 4011 and for their files.
const ASKED_MAX: usize = 16;

/// Asks every link that can be asked.
pub async fn ask(known: &Known, all: &[Link]) -> (Vec<Heard>, Vec<others_6::Heard>) {
    let here = on_this_host(known.pid().unwrap_or(0));
    let own: Vec<Ipv4Addr> =
        all.iter().flat_map(|link| &link.addresses).map(|(address, _)| *address).collect();
    let own_6: Vec<Ipv6Addr> =
        all.iter().flat_map(|link| &link.addresses6).map(|(address, _)| *address).collect();
    let usable =
        |name: &&String| all.iter().any(|link| link.name == **name && link.up && !link.loopback);
    let mut asked = JoinSet::new();
    for (number, interface) in known.interfaces.iter().filter(usable).enumerate() {
        let heard = Heard {
            interface: interface.clone(),
            mode: known.mode(interface),
            own: own.clone(),
            expected: known.expected(interface).filter_map(of_4).collect(),
            here: here.clone(),
            names: known.names(interface).filter_map(of_4).collect(),
            ..Heard::default()
        };
        let names = known.names(interface).filter_map(of_6).collect();
        let heard_6 = others_6::Heard {
            interface: interface.clone(),
            own: own_6.clone(),
            names,
            expected: known.expected(interface).filter_map(of_6).collect(),
            ours: known.served_6(interface),
            ..others_6::Heard::default()
        };
        asked.spawn(async move {
            let (heard, heard_6) = tokio::join!(over_4(heard), over_6(heard_6));
            (number, heard, heard_6)
        });
    }
    let mut found = asked.join_all().await;
    found.sort_by_key(|(number, _, _)| *number);
    found.into_iter().map(|(_, heard, heard_6)| (heard, heard_6)).unzip()
}

fn of_4(address: IpAddr) -> Option<Ipv4Addr> {
    if let IpAddr::V4(address) = address { Some(address) } else { None }
}

fn of_6(address: IpAddr) -> Option<Ipv6Addr> {
    if let IpAddr::V6(address) = address { Some(address) } else { None }
}

async fn over_4(mut heard: Heard) -> Heard {
    let offers = match probe::offers(&heard.interface, &Asked::ALL, LISTEN).await {
        Ok(offers) => offers,
        Err(e) => {
            heard.not_asked = Some(match e.kind() {
                io::ErrorKind::PermissionDenied => NotAsked::Rights,
                _ => NotAsked::Failed(e.to_string()),
            });
            return heard;
        }
    };
    let foreign = |offer: &probe::Offer| !heard.own.contains(&offer.server);
    let mut further = JoinSet::new();
    for (number, offer) in offers.iter().enumerate().filter(|(_, offer)| leads_to_4011(offer)) {
        if foreign(offer) && further.len() < ASKED_MAX {
            let (interface, offer) = (heard.interface.clone(), offer.clone());
            further.spawn(async move { (number, probe::port_4011(&interface, &offer).await) });
        }
    }
    let said = further.join_all().await;
    heard.offers = offers.iter().map(seen).collect();
    for (number, answer) in said {
        let Some(offer) = heard.offers.get_mut(number) else { continue };
        offer.on_4011 = match answer {
            Ok(Some(answer)) if !answer.file.is_empty() => On4011::Names(answer.file),
            // It waits for a choice of its menu, which we do not make.
            Ok(Some(_)) => On4011::NotAsked,
            Ok(None) => On4011::Silent,
            Err(_) => On4011::NotAsked,
        };
    }
    heard.tftp = files(&heard).await;
    heard
}

/// Firmware that takes this offer asks its server on port 4011 for the file.
fn leads_to_4011(offer: &probe::Offer) -> bool {
    let pxe = matches!(offer.asked, Asked::Bios | Asked::X64Uefi);
    pxe && offer.for_firmware && offer.file.is_empty()
}

fn seen(offer: &probe::Offer) -> Offer {
    Offer {
        client: match offer.asked {
            Asked::Plain => Client::Plain,
            Asked::Bios => Client::Bios,
            Asked::X64Uefi => Client::X64Uefi,
            Asked::X64Http => Client::X64Http,
        },
        server: offer.server,
        mac: offer.mac,
        address: offer.address,
        dns: offer.dns.clone(),
        next_server: offer.next_server,
        file: offer.file.clone(),
        for_firmware: offer.for_firmware,
        vendor_options: offer.vendor_options,
        on_4011: On4011::NotAsked,
    }
}

/// Asks the servers that others send machines to for the files that they name.
async fn files(heard: &Heard) -> Vec<Tftp> {
    let named = heard.offers.iter().filter_map(|offer| {
        let pxe = matches!(offer.client, Client::Bios | Client::X64Uefi);
        let from = offer.next_server.unwrap_or(offer.server);
        let file = match &offer.on_4011 {
            On4011::Names(file) if offer.file.is_empty() => file,
            _ => &offer.file,
        };
        let is_url = file.windows(3).any(|part| part == b"://");
        let ours = heard.own.contains(&from) || heard.own.contains(&offer.server);
        (pxe && !file.is_empty() && !is_url && !ours).then(|| (from, file.clone()))
    });
    let named: BTreeSet<(Ipv4Addr, Vec<u8>)> = named.take(ASKED_MAX).collect();
    let mut asked = JoinSet::new();
    for (server, file) in named {
        asked.spawn(async move {
            let said = match probe::tftp(server.into(), &file).await {
                Ok(probe::Tftp::Has(size)) => TftpSaid::Has(size),
                Ok(probe::Tftp::WithoutOptions) => TftpSaid::WithoutOptions,
                Ok(probe::Tftp::Refused(_, words)) => TftpSaid::Refused(show(&words)),
                Ok(probe::Tftp::Silent) => TftpSaid::Silent,
                // What the system says on the way: nobody has the port, or no way leads there.
                Err(e) => TftpSaid::Refused(e.to_string()),
            };
            Tftp { server, file, said }
        });
    }
    let mut said = asked.join_all().await;
    said.sort_by(|a, b| (a.server, &a.file).cmp(&(b.server, &b.file)));
    said
}

fn announced(prefix: &wire::ndp::Prefix) -> Option<others_6::Prefix> {
    let subnet = Subnet6::new(prefix.address, prefix.length)?;
    Some(others_6::Prefix { subnet, on_link: prefix.on_link, autonomous: prefix.autonomous })
}

async fn over_6(heard: others_6::Heard) -> others_6::Heard {
    let link = match probe::link_6(&heard.interface, LISTEN).await {
        Ok(link) => link,
        Err(e) => return others_6::Heard { not_asked: Some(e.to_string()), ..heard },
    };
    let routers = link.routers.into_iter().map(|router| {
        // Without L and A a prefix tells a machine nothing.
        let means = |p: &&wire::ndp::Prefix| (p.on_link || p.autonomous) && p.valid_s > 0;
        let held = router.says.prefixes.iter().filter(means);
        others_6::Router {
            address: router.address,
            mac: router.mac,
            managed: router.says.managed,
            other: router.says.other,
            default: router.says.lifetime_s > 0,
            prefixes: held.filter_map(announced).collect(),
            dns: router.says.dns,
        }
    });
    let servers = link.servers.into_iter().map(|server| others_6::Server {
        address: server.address,
        mac: server.mac,
        offers_address: server.offers_address,
        dns: server.dns,
        pxe_url: server.pxe_url,
        http_url: server.http_url,
        says_pxe: server.says_pxe,
        says_http: server.says_http,
    });
    others_6::Heard {
        spoken: link.spoken,
        routers: routers.collect(),
        servers: servers.collect(),
        ..heard
    }
}
