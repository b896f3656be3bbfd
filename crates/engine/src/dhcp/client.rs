//! Facts first: who sent this message, read once.

use super::Datagram;
use model::client::{ArchCode, Firmware, IpxeFeatures, Relay, Stage};
use model::event::Speaker;
use model::text::show;
use model::{Arch, Client, Fingerprint, HardwareAddress, Pin, Seen, Uuid};
use quirks::{Action, Facts, Standing};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use wire::dhcp4::code::relay;
use wire::dhcp4::{
    Message, MessageType, Options, code, relay_sub_options, sub_option, sub_options,
};
use wire::dhcp4::{
    arch_in_vendor_class, architectures, client_id, host_name, machine_uuid, relay_agent,
    user_classes, vendor_class,
};

/// Sub-options of 175 with which iPXE tells what it can (`ipxe/dhcp.h`, encapsulated features).
const FEATURE_HTTP: u8 = 19;
const FEATURE_MENU: u8 = 39;

/// What the story of a boot takes from the message of a client.
pub(super) fn speaker(client: &Client, message: &Message, port: u16) -> Speaker {
    let options = &message.options;
    let request = options.message_type() == Some(Ok(MessageType::Request));
    let server = options.ip(code::SERVER_ID);
    let wish = options.ip(code::REQUESTED_ADDRESS);
    Speaker {
        card: client.hardware,
        stage: client.stage.clone(),
        firmware: client.firmware,
        arch: client.arch,
        vendor_class: client.vendor_class.clone(),
        relay: client.relay.as_ref().map(|relay| IpAddr::V4(relay.address)),
        server: server.map(IpAddr::V4),
        port,
        exchange: message.xid,
        asking_s: message.secs,
        renews: request && server.is_none() && wish.is_none() && !message.ciaddr.is_unspecified(),
    }
}

/// Reads who is asking. Its machine's pins may say that it is a Raspberry Pi, or none.
pub(super) fn read(datagram: &Datagram, message: &Message, pins: &BTreeMap<String, Pin>) -> Client {
    let options = &message.options;
    let hardware = HardwareAddress::new(message.htype, message.hardware_address());
    let fingerprint = super::fingerprint::read(message, &hardware, datagram.bytes.len());
    let class = vendor_class(options);
    let class = class.as_deref().unwrap_or_default();
    let codes = arch_codes(options, class);
    let known = codes.iter().find_map(|code| code.meaning());
    let stage = stage(options, class, known.is_some());
    let pi = is_raspberry_pi(&fingerprint, &stage, pins);
    let firmware = if pi { Firmware::Rpi } else { firmware(options, class, known) };
    Client {
        link: datagram.link.clone(),
        relay: relay_of(message),
        hardware,
        client_id: client_id(options),
        uuid: machine_uuid(options).map(Uuid::from_option_97),
        arch: arch(firmware, known, class),
        arch_codes: codes,
        firmware,
        stage: if firmware == Firmware::None { Stage::System } else { stage },
        vendor_class: (!class.is_empty()).then(|| show(class)),
        host_name: host_name(options).map(|name| show(&name)),
        serial: None,
        memory_mib: None,
        fingerprint,
    }
}

/// Option 93; without it the five digits in option 60.
fn arch_codes(options: &Options, class: &[u8]) -> Vec<ArchCode> {
    let told = architectures(options);
    if !told.is_empty() {
        return told.into_iter().map(ArchCode).collect();
    }
    arch_in_vendor_class(class).map(ArchCode).into_iter().collect()
}

fn arch(firmware: Firmware, known: Option<(Arch, Firmware)>, class: &[u8]) -> Option<Arch> {
    match (firmware, known) {
        // Every Raspberry Pi says "x86 BIOS" over IPv4 (Q19).
        (Firmware::Rpi, _) => Some(Arch::Arm64Uefi),
        (_, Some((arch, _))) => Some(arch),
        (Firmware::Uboot, None) if class.starts_with(b"U-Boot.armv8") => Some(Arch::Arm64Uefi),
        (Firmware::Uboot, None) => Some(Arch::Arm32Uefi),
        _ => None,
    }
}

/// How it wants to be answered. Option 60 wins over option 93 where they disagree.
fn firmware(options: &Options, class: &[u8], known: Option<(Arch, Firmware)>) -> Firmware {
    let by_code = known.map_or(Firmware::None, |(_, firmware)| firmware);
    if class.starts_with(b"HTTPClient") {
        return Firmware::Http;
    }
    if class.starts_with(b"U-Boot") {
        return Firmware::Uboot;
    }
    if class.starts_with(b"PXEClient") {
        return match by_code {
            // 93 names an HTTP architecture, 60 says PXE: PXE it is.
            Firmware::Http | Firmware::None => Firmware::Pxe,
            other => other,
        };
    }
    if is_ipxe(options) {
        return Firmware::Pxe;
    }
    by_code
}

/// U-Boot, iPXE and UEFI run on the same boards; only the ROM and the EEPROM are meant (Q19).
fn is_raspberry_pi(fingerprint: &Fingerprint, stage: &Stage, pins: &BTreeMap<String, Pin>) -> bool {
    let firmware = Firmware::None;
    let facts = Facts { print: fingerprint, firmware, stage, seen: &SEEN, beside: None, pins };
    let quirk = quirks::of(Action::RaspberryPi);
    *stage == Stage::Firmware
        && quirk.is_some_and(|q| matches!(quirks::standing(q, &facts), Standing::Has(_)))
}

/// Who it is does not rest on what it did before.
static SEEN: BTreeSet<Seen> = BTreeSet::new();

/// User class `iPXE`, bare or in RFC 3004's list (Q36), or option 175.
fn is_ipxe(options: &Options) -> bool {
    options.contains(code::IPXE_ENCAPSULATED)
        || user_classes(options).iter().any(|class| class == b"iPXE" || class == b"gPXE")
}

fn stage(options: &Options, class: &[u8], arch_known: bool) -> Stage {
    if is_ipxe(options) {
        let told = options.get(code::IPXE_ENCAPSULATED);
        let has = |feature| {
            told.as_deref()
                .and_then(|told| sub_option(told, feature))
                .is_some_and(|value| value.iter().any(|byte| *byte != 0))
        };
        let any = told.as_deref().is_some_and(|told| sub_options(told).any(|(tag, _)| tag >= 16));
        return Stage::Ipxe(IpxeFeatures {
            http: has(FEATURE_HTTP),
            menu: has(FEATURE_MENU),
            told: any,
        });
    }
    let boots = class.starts_with(b"PXEClient")
        || class.starts_with(b"HTTPClient")
        || class.starts_with(b"U-Boot")
        || arch_known;
    if boots { Stage::Firmware } else { Stage::System }
}

fn relay_of(message: &Message) -> Option<Relay> {
    if message.giaddr.is_unspecified() {
        return None;
    }
    let info = relay_agent(&message.options).unwrap_or_default();
    let find = |tag| relay_sub_options(&info).find(|(t, _)| *t == tag).map(|(_, v)| v.to_vec());
    let address = |tag| {
        find(tag).and_then(|value| <[u8; 4]>::try_from(value).ok()).map(std::net::Ipv4Addr::from)
    };
    Some(Relay {
        address: message.giaddr,
        link_selection: address(relay::LINK_SELECTION),
        circuit_id: find(relay::CIRCUIT_ID),
        server_override: address(relay::SERVER_ID_OVERRIDE),
        source_port: find(relay::SOURCE_PORT).is_some(),
    })
}
