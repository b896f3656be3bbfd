//! Facts first: who sent this message, and where it is, read once.

use super::Datagram6;
use crate::Engine;
use model::client::{ArchCode, Firmware, IpxeFeatures, Stage};
use model::event::Speaker;
use model::plan::Why;
use model::quirk::UuidForm;
use model::text::show;
use model::{Client, Fingerprint, HardwareAddress, Network6, Uuid};
use std::net::IpAddr;
use wire::dhcp4::arch_in_vendor_class;
use wire::dhcp6::{Heard, Kind, duid};

/// Ethernet, as ARP counts hardware.
const ETHERNET: u16 = 1;

impl Engine {
    /// Reads who is asking.
    pub(crate) fn client6(&self, datagram: &Datagram6, heard: &Heard) -> Client {
        let packet = &heard.packet;
        let uuid = uuid(heard);
        let hardware = hardware(datagram, heard);
        // One UUID names all cards of a machine; it says which machine, at least.
        let hardware = hardware.or_else(|| Some(self.machines.with_uuid(&uuid?)?.hardware));
        let hardware = hardware.unwrap_or_else(|| HardwareAddress::new(1, &[]));
        let classes = packet.vendor_classes.iter().flat_map(|(_, said)| said);
        let classes: Vec<&[u8]> = classes.map(Vec::as_slice).collect();
        let class = classes.iter().find(|class| boots(class)).or(classes.first());
        let class = class.copied().unwrap_or_default();
        let codes = arch_codes(&packet.archs, class);
        let known = codes.iter().find_map(|code| code.meaning());
        let stage = stage(heard, class, known.is_some());
        let vendor_class = (!class.is_empty()).then(|| show(class));
        let mut fingerprint = Fingerprint::of_hardware(&hardware);
        fingerprint.vendor_class.clone_from(&vendor_class);
        // Here a client says it in its identifier, and it has one of another kind by right.
        fingerprint.uuid = UuidForm::Guid;
        Client {
            client_id: packet.client_id.clone(),
            uuid,
            arch: known.map(|(arch, _)| arch),
            arch_codes: codes,
            firmware: firmware(class, known.map(|(_, firmware)| firmware), &stage),
            stage,
            vendor_class,
            host_name: packet.name.as_deref().filter(|name| !name.is_empty()).map(show),
            fingerprint,
            ..Client::unknown(&datagram.link, hardware)
        }
    }
}

/// The card: as the relay next to it says (RFC 6939), as the link-local address shows that it asks
/// from, or as its identifier was made.
fn hardware(datagram: &Datagram6, heard: &Heard) -> Option<HardwareAddress> {
    // Of other links nobody here boots, and what no address can be is none.
    let of = |(kind, bytes): (u16, &[u8])| {
        let mac: Option<[u8; 6]> = bytes.try_into().ok().filter(|_| kind == ETHERNET);
        mac.map(HardwareAddress::mac)
    };
    let near = heard.nearest_client();
    let said = near.and_then(|relay| relay.link_layer.as_ref());
    let from = near.map_or(*datagram.from.ip(), |relay| relay.peer);
    said.and_then(|(kind, bytes)| of((*kind, bytes)))
        .or_else(|| duid::mac_in(from).map(HardwareAddress::mac))
        .or_else(|| heard.packet.client_id.as_deref().and_then(duid::link_layer).and_then(of))
}

/// The UUID in its identifier. EDK2 puts it there as it lies in its tables, iPXE as it is spelled.
fn uuid(heard: &Heard) -> Option<Uuid> {
    let bytes = heard.packet.client_id.as_deref().and_then(duid::uuid)?;
    Some(if is_ipxe(heard) { Uuid(bytes) } else { Uuid::from_option_97(bytes) })
}

fn is_ipxe(heard: &Heard) -> bool {
    heard.packet.user_classes.iter().any(|class| class == b"iPXE" || class == b"gPXE")
}

fn boots(class: &[u8]) -> bool {
    class.starts_with(b"PXEClient") || class.starts_with(b"HTTPClient")
}

/// Option 61; without it the five digits in option 16 (Q90).
fn arch_codes(told: &[u16], class: &[u8]) -> Vec<ArchCode> {
    match told {
        [] => arch_in_vendor_class(class).map(ArchCode).into_iter().collect(),
        told => told.iter().copied().map(ArchCode).collect(),
    }
}

fn stage(heard: &Heard, class: &[u8], arch_known: bool) -> Stage {
    if is_ipxe(heard) {
        // Which features a build has, it says over IPv4 only.
        return Stage::Ipxe(IpxeFeatures { http: true, menu: true, told: false });
    }
    if boots(class) || arch_known { Stage::Firmware } else { Stage::System }
}

/// How it wants to be answered: the class wins over the architecture.
fn firmware(class: &[u8], by_code: Option<Firmware>, stage: &Stage) -> Firmware {
    if class.starts_with(b"HTTPClient") {
        return Firmware::Http;
    }
    match (by_code, stage) {
        (Some(Firmware::Http) | None, Stage::Ipxe(_)) => Firmware::Pxe,
        (Some(Firmware::Http) | None, _) if class.starts_with(b"PXEClient") => Firmware::Pxe,
        (by_code, _) => by_code.unwrap_or(Firmware::None),
    }
}

/// The port of a switch that a client is behind, as the relay next to it names it (option 18).
pub(super) fn circuit(heard: &Heard) -> Option<(IpAddr, Vec<u8>)> {
    let id = heard.nearest_client()?.interface_id.clone()?;
    // A switch that only says by which port leaves it to the next relay to say where.
    let mut links = heard.relays.iter().rev().map(|relay| IpAddr::V6(relay.link));
    Some((links.find(|link| !link.is_unspecified())?, id))
}

/// Where a client is: the network of its link, or the one that its relay speaks for.
pub(super) fn place<'a>(
    networks: &'a [Network6],
    datagram: &Datagram6,
    heard: &Heard,
) -> Result<&'a Network6, Why> {
    let mut on_link = networks.iter().filter(|network| *network.interface == *datagram.link);
    let not_served = || Why::NotServed(datagram.link.clone());
    if heard.relays.is_empty() {
        let near = on_link.clone().find(|network| network.relays.is_empty());
        return near.or_else(|| on_link.next()).ok_or_else(not_served);
    }
    if on_link.clone().next().is_none() {
        return Err(not_served());
    }
    // The relay next to the client says where it is; one that only says through which of its
    // ports, leaves that to the next.
    let link = heard.relays.iter().rev().map(|relay| relay.link).find(|at| !at.is_unspecified());
    let link = link.unwrap_or(*datagram.from.ip());
    let found = on_link.find(|n| n.relays.contains(&link) || n.subnet.contains(link));
    found.ok_or(Why::UnknownRelay(IpAddr::V6(link)))
}

/// What the story of a boot takes from the message of a client.
pub(super) fn speaker(client: &Client, heard: &Heard) -> Speaker {
    let packet = &heard.packet;
    let [a, b, c] = packet.xid;
    Speaker {
        card: client.hardware,
        stage: client.stage.clone(),
        firmware: client.firmware,
        arch: client.arch,
        vendor_class: client.vendor_class.clone(),
        relay: heard.relays.first().map(|relay| IpAddr::V6(relay.link)),
        server: None,
        port: wire::dhcp6::SERVER_PORT,
        exchange: u32::from_be_bytes([0, a, b, c]),
        asking_s: packet.elapsed.unwrap_or(0) / 100,
        renews: matches!(packet.kind, Kind::Renew | Kind::Rebind),
    }
}
