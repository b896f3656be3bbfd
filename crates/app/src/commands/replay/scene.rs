//! What a capture is replayed with: settings, facts, and in whose place we answer.

use crate::config;
use crate::config::raw::Raw;
use crate::failure::Failure;
use crate::links::{self, Link};
use capture::{Packet, Reader};
use engine::{Engine, Settings};
use model::Now;
use model::network::{Mode, Subnet};
use model::text::show;
use replay::deduce::Seen;
use replay::{Replay, Replayed};
use std::fs::File;
use std::io::BufReader;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// Where no configuration and no capture says otherwise.
const PREFIX: u8 = 24;

/// Everything that is known before the first packet is replayed.
pub struct Scene {
    settings: Settings,
    began: Now,
    /// How servers of DHCPv6 call themselves in it.
    duids: Vec<Vec<u8>>,
    notes: Vec<String>,
}

impl Scene {
    /// Looks through the capture and reads the configuration.
    pub fn look(
        file: &Path,
        config: Option<&Path>,
        address: Option<Ipv4Addr>,
    ) -> Result<Self, Failure> {
        let mut seen = Seen::default();
        let mut began = None;
        packets(file, |packet, interface| {
            began.get_or_insert(packet.at_ns / 1_000_000);
            seen.packet(packet, interface);
            Ok(())
        })?;
        let mut notes = Vec::new();
        let settings = match config {
            Some(config) => {
                let on = |named: &Raw| here(named, &seen, address);
                config::read_file_on(config, on)?.settings
            }
            None => {
                let mut settings =
                    seen.settings(&config::host_name()).ok_or_else(|| no_server(file))?;
                for network in &mut settings.networks {
                    network.server = address.unwrap_or(network.server);
                }
                notes.push(
                    "no configuration: answered in mode auto, with the menu for everybody; name one \
                     with --config FILE"
                        .to_owned(),
                );
                settings
            }
        };
        for network in settings.networks.iter().filter(|network| network.mode != Mode::Off) {
            let heard = seen.servers.iter().any(|server| server.address == network.server);
            let whose = if heard { "the server of that address" } else { "a server there" };
            notes.push(format!(
                "on {} in mode {} as {}: in the place of {whose}",
                network.interface, network.mode, network.server
            ));
        }
        for network in &settings.networks6 {
            notes.push(format!("on {} over IPv6 as {}", network.interface, network.server));
        }
        let duids = seen.duids;
        Ok(Self { settings, began: Now(began.unwrap_or_default()), duids, notes })
    }

    /// Replays the capture.
    pub async fn replay(self, file: &Path, facts: Option<&Path>) -> Result<Replayed, Failure> {
        let Self { mut settings, began, duids, mut notes } = self;
        let mut changes = Vec::new();
        if let Some(state) = facts {
            let kept = facts_of(state, began).await?;
            settings.key = kept.key.unwrap_or_default();
            let damaged = kept.damaged.iter().map(|damage| format!("not read: {damage}"));
            notes.extend(damaged);
            changes = kept.changes;
        }
        let mut engine = Engine::new(settings);
        changes.iter().for_each(|change| engine.apply(change));
        // Clients name the server that they ask.
        let ours = duids.iter().any(|duid| duid == engine.server_duid());
        if let Some(first) = duids.into_iter().next().filter(|_| !ours) {
            if !engine.settings().networks6.is_empty() {
                let shown = model::address::hex_of(&first);
                notes.push(format!(
                    "over IPv6 in the place of the server with the identifier {shown}"
                ));
            }
            engine.in_place_of(first);
        }
        if engine.loaders().next().is_none() {
            // What `serve` finds at its start.
            notes.push(with_loaders_of_this_host(&mut engine));
        }
        let mut replay = Replay::new(engine);
        packets(file, |packet, interface| {
            replay.packet(packet, interface);
            Ok(())
        })?;
        let mut replayed = replay.finish();
        notes.append(&mut replayed.notes);
        replayed.notes = notes;
        Ok(replayed)
    }
}

/// Reads a capture packet by packet, each with its interface's name.
pub fn packets(
    file: &Path,
    mut take: impl FnMut(&Packet, Option<&str>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let shown = file.display();
    let cannot = |e: std::io::Error| Failure::failed(format!("cannot read {shown}: {e}"));
    let wrong = |fault: capture::Fault| {
        Failure::failed(format!("{shown}: {fault}"))
            .hint("what Wireshark reads can be written anew: editcap FILE NEW.pcapng")
    };
    let reader = BufReader::new(File::open(file).map_err(cannot)?);
    let mut reader = Reader::new(reader).map_err(wrong)?;
    while let Some(packet) = reader.next() {
        let packet = match packet {
            Ok(packet) => packet,
            // Whoever captured was stopped: what there is of it is good.
            Err(fault) if matches!(fault.wrong, capture::Wrong::Cut) => {
                crate::say::note(format!("note: {shown}: {fault}"));
                break;
            }
            Err(fault) => return Err(wrong(fault)),
        };
        let interface = reader.interfaces().get(packet.interface);
        take(&packet, interface.and_then(|interface| interface.name.as_deref()))?;
    }
    Ok(())
}

fn no_server(file: &Path) -> Failure {
    Failure::failed(format!("{} shows no DHCP, TFTP or HTTP server", file.display())).hint(
        "name a configuration to answer by: --config FILE; and look whether it was captured where \
         replies can be seen",
    )
}

/// The interfaces of the configuration, as they were where the capture was made: with the address of
/// the server in whose place we answer, else as they are here, else with one of their subnet.
fn here(named: &Raw, seen: &Seen, address: Option<Ipv4Addr>) -> Vec<Link> {
    let real = links::all().unwrap_or_default();
    let mut all = over_ipv6(named, seen, &real);
    for network in &named.networks {
        let Some(interface) = network.interface.as_ref().map(|at| at.value.clone()) else {
            continue;
        };
        let subnet: Option<Subnet> = network.subnet.as_ref().map(|at| at.value);
        let mode = network.mode.as_ref().map_or(Mode::Auto, |at| at.value);
        let fits = |a: &Ipv4Addr| subnet.is_none_or(|subnet| subnet.contains(*a));
        let own = real.iter().find(|link| link.name == interface);
        let of_host = own.into_iter().flat_map(|link| &link.addresses).find(|(a, _)| fits(a));
        let heard = |a: &Ipv4Addr| seen.servers.iter().any(|server| server.address == *a);
        let first = || subnet.map(|s| Ipv4Addr::from(u32::from(s.address).saturating_add(1)));
        let chosen = address
            .or_else(|| of_host.map(|(a, _)| *a).filter(heard))
            .or_else(|| seen.in_place_of(subnet, mode))
            .or_else(|| of_host.map(|(a, _)| *a))
            .or_else(first);
        let Some(chosen) = chosen else { continue };
        let prefix =
            subnet.or_else(|| seen.subnet_of(chosen)).map_or(PREFIX, |subnet| subnet.prefix);
        match all.iter_mut().find(|link| link.name == interface) {
            Some(link) => link.addresses.push((chosen, prefix)),
            None => all.push(links::imagined(&interface, &[(chosen, prefix)])),
        }
    }
    all
}

/// The interfaces of networks of IPv6, each with the address at which the capture names files, else with the one that
/// it has here, else with one of the subnet.
fn over_ipv6(named: &Raw, seen: &Seen, real: &[Link]) -> Vec<Link> {
    let mut all: Vec<Link> = Vec::new();
    for network in &named.networks6 {
        let (Some(interface), Some(subnet)) = (&network.interface, &network.subnet) else {
            continue;
        };
        let (interface, subnet) = (&interface.value, subnet.value);
        let fits = |a: &Ipv6Addr| subnet.is_host(*a);
        let own = real.iter().find(|link| link.name == *interface);
        let of_host = own.into_iter().flat_map(|link| &link.addresses6).map(|(a, _)| *a).find(fits);
        let first = Ipv6Addr::from(u128::from(subnet.address).saturating_add(1));
        let chosen = seen.boots6.iter().copied().find(fits).or(of_host).unwrap_or(first);
        let link = match all.iter_mut().find(|link| link.name == *interface) {
            Some(link) => link,
            None => {
                all.push(links::imagined(interface, &[]));
                let Some(last) = all.last_mut() else { continue };
                last
            }
        };
        link.addresses6.push((chosen, subnet.prefix));
    }
    all
}

async fn facts_of(state: &Path, at: Now) -> Result<site::Kept, Failure> {
    let scratch = tempfile::tempdir()
        .map_err(|e| Failure::failed(format!("cannot make a folder to work in: {e}")))?;
    site::facts(state, scratch.path(), at).await.map_err(|e| {
        let failure =
            Failure::failed(format!("{}: {}", show(state.as_os_str().as_encoded_bytes()), e.why()));
        match e.hint() {
            Some(hint) => failure.hint(hint),
            None => failure.hint(
                "stop its server, or make a copy while it runs: bootwright backup, then bootwright \
                 --state COPY restore",
            ),
        }
    })
}

/// Takes in the bootloaders that packages installed on this host, as `serve` does; says which.
fn with_loaders_of_this_host(engine: &mut Engine) -> String {
    let found = library::loaders::find(&[std::path::PathBuf::from("/")]);
    let count = found.len();
    for loader in found {
        engine.apply(&model::Change::Loader(loader.described()));
    }
    format!("no bootloaders are kept: with the {count} of this host")
}
