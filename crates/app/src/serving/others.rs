//! Other DHCP servers on our links, and what follows from them.

use model::event::Happening;
use model::network::Mode;
use model::{Event, Network, Network6};
use serve::holder::{Transport, holders};
use serve::probe::{OtherServer, link_6, probe};
use site::SiteHandle;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;

/// Servers that look whether an address is free answer after up to 3 s.
pub const LISTEN: Duration = Duration::from_secs(4);
/// How often a link is asked again while we serve it.
const AGAIN: Duration = Duration::from_secs(600);

/// What a probe of one link found.
pub struct Heard {
    /// The interface.
    pub interface: String,
    /// Who answered, or why nobody could be asked.
    pub servers: Result<Vec<OtherServer>, String>,
}

/// Asks several links at once.
pub async fn ask(interfaces: impl IntoIterator<Item = String>) -> Vec<Heard> {
    let mut asked = JoinSet::new();
    for interface in interfaces {
        asked.spawn(async move {
            let servers = probe(&interface, LISTEN).await.map_err(|e| e.to_string());
            Heard { interface, servers }
        });
    }
    let mut heard = asked.join_all().await;
    heard.sort_by(|a, b| a.interface.cmp(&b.interface));
    heard
}

/// Servers that give addresses: `192.168.1.1 (b8:27:eb:00:00:01)`.
pub fn giving(servers: &[OtherServer]) -> Vec<String> {
    let giving = servers.iter().filter(|server| server.offers_address);
    giving.map(|server| format!("{} ({})", server.server, server.mac)).collect()
}

/// Programs of this very host that have the DHCP port, `dnsmasq (process 812)`, other than the
/// process `ours`. They hear machines as we do, and never a probe of ours. For which links they are
/// the port does not tell.
pub fn on_this_host(ours: u32) -> Vec<String> {
    let all = holders(Transport::Udp, 67).into_iter();
    let others = all.filter(|h| h.process.as_ref().is_none_or(|(_, process)| *process != ours));
    others.map(|holder| holder.to_string()).collect()
}

/// What follows for a network from what was heard on it, without its name, and from who else is
/// [`on_this_host`].
pub fn means(network: &Network, servers: &[OtherServer], here: &[String]) -> String {
    let givers = giving(servers);
    let boots: Vec<String> =
        servers.iter().filter(|s| s.is_pxe).map(|s| s.server.to_string()).collect();
    let rival = match boots.is_empty() {
        true => String::new(),
        false => format!(
            "; {} answers boot requests, too: machines take whoever comes first, so let only one do it",
            boots.join(", ")
        ),
    };
    match (network.mode, givers.is_empty()) {
        (Mode::Dhcp, true) => format!("no other DHCP server answers{rival}"),
        (Mode::Dhcp, false) => format!(
            "TWO SERVERS GIVE ADDRESSES: we and {}. Stop one, or set mode = \"proxy\" here",
            givers.join(", ")
        ),
        (_, false) => format!(
            "addresses come from {}; we answer boot requests beside it (proxy){rival}",
            givers.join(", ")
        ),
        (_, true) if !here.is_empty() => format!(
            "{} on this host has the DHCP port: addresses come from it, and we answer boot requests \
             beside it (proxy){rival}",
            here.join(", ")
        ),
        (_, true) => format!(
            "no other DHCP server answers, and we give no addresses unasked, so machines get \
             none and will not boot. To have us give them: mode = \"dhcp\" with subnet = \"{}\" and a \
             pool, or `bootwright serve --interface {} --dhcp {}`{rival}",
            network.subnet, network.interface, network.subnet
        ),
    }
}

/// Has routers and DHCPv6 servers speak on the links that we serve over IPv6. What they say the engine hears.
async fn ask_over_ipv6(networks: &[Network6]) {
    let served = networks.iter().filter(|network| !network.only_listens() && network.is_on_link());
    let links: BTreeSet<String> = served.map(|network| network.interface.clone()).collect();
    let mut asked = JoinSet::new();
    for link in links {
        // A link that is gone or down has nobody to be asked; its own sockets tell that.
        asked.spawn(async move { link_6(&link, LISTEN).await.is_ok() });
    }
    asked.join_all().await;
}

/// Asks the served links now and then, for as long as the server runs, and tells what changed. What
/// answers is heard by the engine as well, which judges who answers: where two servers give
/// addresses, the alarm is its.
pub async fn keep_asking(site: SiteHandle) {
    let mut said: Vec<(String, String)> = Vec::new();
    loop {
        let networks = site.ask(|engine, _| {
            let settings = engine.settings();
            (settings.networks.clone(), settings.networks6.clone())
        });
        let Ok((networks, networks6)) = networks.await else { return };
        let asked: Vec<Network> = networks
            .into_iter()
            .filter(|n| matches!(n.mode, Mode::Auto | Mode::Dhcp | Mode::Proxy))
            .collect();
        let over_ipv4 = ask(asked.iter().map(|n| n.interface.clone()));
        let (heard, ()) = tokio::join!(over_ipv4, ask_over_ipv6(&networks6));
        let here = on_this_host(std::process::id());
        for Heard { interface, servers } in heard {
            let Some(network) = asked.iter().find(|n| n.interface == interface) else { continue };
            let means = match &servers {
                Ok(servers) => means(network, servers, &here),
                Err(e) => format!("cannot ask for other DHCP servers: {e}"),
            };
            let judged = network.mode == Mode::Dhcp
                && servers.is_ok_and(|all| all.iter().any(|s| s.offers_address));
            // Told once, and again when it is otherwise.
            if judged || said.iter().any(|(i, m)| *i == interface && *m == means) {
                continue;
            }
            let what = Happening::Changed { text: means.clone() };
            site.tell(Event::new(site.now(), None, Some(interface.clone()), what));
            said.retain(|(i, _)| *i != interface);
            said.push((interface, means));
        }
        tokio::time::sleep(AGAIN).await;
    }
}
