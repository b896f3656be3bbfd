//! Facts first: who sent this message, read once.

use model::client::{ArchCode, Firmware, IpxeFeatures, Relay, Stage};
use model::event::Speaker;
use model::text::show;
use model::{Arch, Client, HardwareAddress, Uuid};
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

/// Option 97 of a Raspberry Pi 4 and later: `RPi4`, `RPi5` after the type byte.
const RPI_MAGIC: &[u8] = b"RPi";

/// Makers' prefixes of Raspberry Pi boards.
const RPI_PREFIXES: [[u8; 3]; 6] = [
    [0xb8, 0x27, 0xeb],
    [0xdc, 0xa6, 0x32],
    [0xe4, 0x5f, 0x01],
    [0x28, 0xcd, 0xc1],
    [0xd8, 0x3a, 0xdd],
    [0x2c, 0xcf, 0x67],
];

/// What a Raspberry Pi's boot ROM says it is: architecture 0, UNDI 2.1.
const RPI_CLASS: &[u8] = b"PXEClient:Arch:00000:UNDI:002001";

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

/// Reads who is asking.
pub(super) fn read(link: &str, message: &Message) -> Client {
    let options = &message.options;
    let hardware = HardwareAddress::new(message.htype, message.hardware_address());
    let class = vendor_class(options);
    let class = class.as_deref().unwrap_or_default();
    let codes = arch_codes(options, class);
    let known = codes.iter().find_map(|code| code.meaning());
    let stage = stage(options, class, known.is_some());
    let firmware = firmware(options, class, &hardware, known);
    Client {
        link: link.to_owned(),
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
fn firmware(
    options: &Options,
    class: &[u8],
    hardware: &HardwareAddress,
    known: Option<(Arch, Firmware)>,
) -> Firmware {
    let by_code = known.map_or(Firmware::None, |(_, firmware)| firmware);
    if is_raspberry_pi(options, class, hardware) {
        return Firmware::Rpi;
    }
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

fn is_raspberry_pi(options: &Options, class: &[u8], hardware: &HardwareAddress) -> bool {
    let magic = options
        .first(code::CLIENT_MACHINE_ID)
        .and_then(|id| id.get(1..4))
        .is_some_and(|text| text == RPI_MAGIC);
    // U-Boot, iPXE and UEFI run on the same boards with the same prefix; only the ROM and the
    // EEPROM call themselves so.
    let board =
        hardware.as_mac().is_some_and(|mac| RPI_PREFIXES.iter().any(|p| mac.starts_with(p)));
    class == RPI_CLASS && (magic || board)
}

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
