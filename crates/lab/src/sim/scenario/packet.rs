//! Single messages, made by hand: what comes back, byte by byte where it matters.

use super::show::Lines;
use crate::sim::host::Heard;
use crate::sim::world::World;
use engine::{Destination, Outgoing};
use model::client::ArchCode;
use model::{Happening, HardwareAddress};
use std::net::{Ipv4Addr, SocketAddrV4};
use wire::dhcp4::{Message, MessageType, code};

/// A message from words: `DISCOVER as edk2-x64 43=47048001 ciaddr=10.0.0.9 to=10.0.0.1:4011`.
struct Made {
    bytes: Vec<u8>,
    from: SocketAddrV4,
    to: Ipv4Addr,
    port: u16,
    link: String,
}

pub(super) fn sends(
    world: &mut World,
    mac: HardwareAddress,
    what: &str,
    lines: &mut Lines,
) -> Result<(), String> {
    let made = make(mac, what)?;
    let outgoing = say(world, &made);
    match outgoing {
        Some(outgoing) => show(&outgoing).into_iter().for_each(|line| lines.plain(line)),
        None => lines.plain(silence(world)),
    }
    for mut event in std::mem::take(&mut world.server.told) {
        if let Happening::Answered { because, .. } = &event.what {
            lines.quirks(because);
        }
        world.note(&mut event);
    }
    Ok(())
}

/// `floods 700 DISCOVER as edk2-x64`: so many at once, of which nobody reads every line.
pub(super) fn floods(world: &mut World, mac: HardwareAddress, what: &str) -> Result<(), String> {
    let (times, what) = what.split_once(' ').ok_or("floods how often with what?")?;
    let times: u32 = times.parse().map_err(|_| format!("`{times}` is no number"))?;
    let made = make(mac, what)?;
    for _ in 0..times {
        say(world, &made);
        for mut event in std::mem::take(&mut world.server.told) {
            world.note(&mut event);
        }
    }
    Ok(())
}

/// `repeats 640 DISCOVER as edk2-x64`: so often at one moment, and what the last of them got.
pub(super) fn repeats(
    world: &mut World,
    mac: HardwareAddress,
    what: &str,
    lines: &mut Lines,
) -> Result<(), String> {
    let (times, what) = what.split_once(' ').ok_or("repeats how often what?")?;
    let times: u32 = times.parse().map_err(|_| format!("no number: {times}"))?;
    let made = make(mac, what)?;
    for _ in 1..times {
        say(world, &made);
        world.server.told.clear();
    }
    sends(world, mac, what, lines)
}

/// `archs 0..41 discover` (as the firmware of that number would): a line for each.
pub(super) fn architectures(
    world: &mut World,
    what: &str,
    lines: &mut Lines,
) -> Result<(), String> {
    let range = what.split(' ').next().unwrap_or_default();
    let (first, last) = range.split_once("..").ok_or("archs from..to")?;
    let (first, last): (u16, u16) =
        (first.parse().map_err(|_| "no number")?, last.parse().map_err(|_| "no number")?);
    for number in first..=last {
        let kind = ArchCode(number);
        let http = kind.registry_name().contains("HTTP");
        let class = if http { "HTTPClient" } else { "PXEClient" };
        let [high, low] = number.to_be_bytes();
        let mac = HardwareAddress::mac([0x52, 0x54, 0, 0xaa, high, low]);
        let what = format!("DISCOVER 60=\"{class}:Arch:{number:05}:UNDI:003000\" 93={number:04x}");
        let made = make(mac, &what)?;
        let gets = match say(world, &made) {
            Some(outgoing) => brief(&outgoing),
            None => silence(world),
        };
        world.server.told.clear();
        lines.plain(format!("{number:>2} {:<34} {gets}", kind.registry_name()));
    }
    Ok(())
}

fn say(world: &mut World, made: &Made) -> Option<Outgoing> {
    let heard = Heard { from: made.from, to: made.to, port: made.port, bytes: made.bytes.clone() };
    world.server.dhcp(world.now(), &made.link, &heard)
}

fn silence(world: &World) -> String {
    let silent = world.server.told.iter().rev().find_map(|event| match &event.what {
        Happening::Silent { why, .. } => Some(format!("silence: {why}")),
        _ => None,
    });
    silent.unwrap_or_else(|| "silence".into())
}

/// The options that firmware of this name puts into every message.
fn preset(name: &str) -> Result<Vec<(u8, Vec<u8>)>, String> {
    let pxe = |number: u16, class: &str| {
        vec![
            (code::VENDOR_CLASS, format!("{class}:Arch:{number:05}:UNDI:003000").into_bytes()),
            (code::CLIENT_ARCH, number.to_be_bytes().to_vec()),
            (code::CLIENT_NDI, vec![1, 3, 0]),
            (code::CLIENT_MACHINE_ID, [&[0], [0x11; 16].as_slice()].concat()),
            (code::PARAMETER_LIST, vec![1, 3, 43, 54, 60, 66, 67, 97]),
        ]
    };
    let mut ipxe = pxe(7, "PXEClient");
    ipxe.push((code::USER_CLASS, b"iPXE".to_vec()));
    ipxe.push((code::IPXE_ENCAPSULATED, vec![19, 1, 1, 39, 1, 1]));
    Ok(match name {
        "edk2-x64" => pxe(7, "PXEClient"),
        "edk2-arm64" => pxe(11, "PXEClient"),
        "bios" => pxe(0, "PXEClient"),
        "http-x64" => pxe(16, "HTTPClient"),
        "ipxe" => ipxe,
        "uboot-arm64" => {
            vec![(code::VENDOR_CLASS, b"U-Boot.armv8".to_vec()), (code::CLIENT_ARCH, vec![0, 22])]
        }
        "rpi4" => vec![
            (code::VENDOR_CLASS, b"PXEClient:Arch:00000:UNDI:002001".to_vec()),
            (code::CLIENT_ARCH, vec![0, 0]),
            (code::CLIENT_MACHINE_ID, [b"\0RPi4".as_slice(), &[1; 12]].concat()),
        ],
        "os" => vec![(code::PARAMETER_LIST, vec![1, 3, 6, 15])],
        other => return Err(format!("no such preset: {other}")),
    })
}

fn make(mac: HardwareAddress, what: &str) -> Result<Made, String> {
    let mut chaddr = [0; 16];
    let hardware = mac.bytes();
    chaddr.get_mut(..hardware.len()).ok_or("too long")?.copy_from_slice(hardware);
    let mut message = Message {
        htype: mac.kind(),
        hlen: u8::try_from(hardware.len()).unwrap_or(16),
        chaddr,
        ..Message::request([0; 6], 0x1234_5678)
    };
    let mut from = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    let mut to = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
    let (mut link, mut raw) = ("lan".to_owned(), None);
    let words = words(what);
    let (kind, rest) = words.split_first().ok_or("sends what?")?;
    if let Some(kind) = message_type(kind) {
        message.options.push(code::MESSAGE_TYPE, [kind]);
    }
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if word == "as" {
            let name = words.next().map_or("", String::as_str);
            // Other programs, other transactions.
            message.xid =
                name.bytes().fold(message.xid, |xid, b| xid.rotate_left(5) ^ u32::from(b));
            for (code, value) in preset(name)? {
                message.options.push(code, value);
            }
            continue;
        }
        let (name, value) = word.split_once('=').ok_or_else(|| format!("what is {word}?"))?;
        let ip = || value.parse::<Ipv4Addr>().map_err(|_| format!("no address: {word}"));
        let socket = || value.parse::<SocketAddrV4>().map_err(|_| format!("no socket: {word}"));
        match name {
            "flags" => message.set_broadcast(value == "B"),
            "xid" => message.xid = value.parse().unwrap_or(0),
            "hops" => message.hops = value.parse().unwrap_or(0),
            "htype" => message.htype = value.parse().unwrap_or(1),
            "hlen" => message.hlen = value.parse().unwrap_or(6),
            "ciaddr" => message.ciaddr = ip()?,
            "giaddr" => message.giaddr = ip()?,
            "from" => from = socket()?,
            "to" => to = socket()?,
            "link" => link = value.to_owned(),
            "raw" => raw = Some(unescape(value.trim_matches('"'))),
            "without" => {
                message.options.remove(value.parse().unwrap_or(0));
            }
            code => {
                let code = code.parse().map_err(|_| format!("what is {word}?"))?;
                message.options.push(code, bytes(value)?);
            }
        }
    }
    if !message.giaddr.is_unspecified() && to.ip().is_broadcast() {
        to.set_ip(Ipv4Addr::new(10, 0, 0, 1));
    }
    let bytes = match raw {
        Some(raw) => raw,
        None => message.encode(usize::MAX).unwrap_or_default(),
    };
    Ok(Made { bytes, from, to: *to.ip(), port: to.port(), link })
}

fn message_type(word: &str) -> Option<u8> {
    Some(match word {
        "DISCOVER" => 1,
        "REQUEST" => 3,
        "DECLINE" => 4,
        "RELEASE" => 7,
        "INFORM" => 8,
        "LEASEQUERY" => 10,
        _ => return None,
    })
}

/// `"text"`, an address, or digits in hexadecimal.
fn bytes(value: &str) -> Result<Vec<u8>, String> {
    if let Some(text) = value.strip_prefix('"') {
        return Ok(unescape(text.trim_end_matches('"')));
    }
    if let Ok(address) = value.parse::<Ipv4Addr>() {
        return Ok(address.octets().to_vec());
    }
    if value.is_empty() {
        return Ok(Vec::new());
    }
    model::address::hex(value).ok_or_else(|| format!("no value: {value}"))
}

/// `\xff` is one byte.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find("\\x") {
        bytes.extend(rest[..at].bytes());
        let digits = rest.get(at + 2..at + 4).unwrap_or_default();
        bytes.extend(u8::from_str_radix(digits, 16).ok());
        rest = rest.get(at + 4..).unwrap_or_default();
    }
    bytes.extend(rest.bytes());
    bytes
}

/// Words; double quotes keep a piece together.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        quoted ^= c == '"';
        match c {
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// What a reply is called.
fn named(message: &Message) -> String {
    match message.options.message_type() {
        Some(Ok(MessageType::Offer)) => "OFFER".into(),
        Some(Ok(MessageType::Ack)) => "ACK".into(),
        Some(Ok(MessageType::Nak)) => "NAK".into(),
        None => "BOOTP reply".into(),
        Some(other) => format!("{other:?}"),
    }
}

/// In a line: kind, file, the options that make a PXE answer.
fn brief(outgoing: &Outgoing) -> String {
    let Ok(message) = Message::parse(&outgoing.bytes) else { return "no message".into() };
    let file = String::from_utf8_lossy(message.file_name()).into_owned();
    let class = message.options.get(code::VENDOR_CLASS);
    let class = class.map(|c| format!(", 60 {}", String::from_utf8_lossy(&c)));
    let more = [43_u8, 209].iter().filter(|code| message.options.contains(**code));
    let more: String = more.map(|code| format!(", {code}")).collect();
    let named = named(&message);
    match file.is_empty() {
        true => format!("{named}, nothing to boot"),
        false => format!("{named} {file}{}{more}", class.unwrap_or_default()),
    }
}

/// All of it.
fn show(outgoing: &Outgoing) -> Vec<String> {
    let Ok(message) = Message::parse(&outgoing.bytes) else { return vec!["no message".into()] };
    let to = match outgoing.to {
        Destination::Broadcast { port } => format!("broadcast:{port}"),
        Destination::Link { address, port, hardware } => {
            format!("{address}:{port} at {hardware}, without ARP")
        }
        Destination::Routed(to) => format!("{to}, routed"),
    };
    let late = outgoing.delay.map(|delay| format!(", {} s later", delay.as_secs()));
    let mut lines = vec![format!(
        "{} from {} to {to}, {} bytes{}",
        named(&message),
        outgoing.from,
        outgoing.bytes.len(),
        late.unwrap_or_default()
    )];
    let mut fields = Vec::new();
    let addresses = [
        ("ciaddr", message.ciaddr),
        ("yiaddr", message.yiaddr),
        ("siaddr", message.siaddr),
        ("giaddr", message.giaddr),
    ];
    for (name, address) in addresses.iter().filter(|(_, a)| !a.is_unspecified()) {
        fields.push(format!("{name} {address}"));
    }
    if message.broadcast() {
        fields.push("flags B".into());
    }
    for (name, text) in [("sname", message.server_name()), ("file", message.file_name())] {
        if !text.is_empty() {
            fields.push(format!("{name} {}", String::from_utf8_lossy(text)));
        }
    }
    lines.push(format!("    {}", fields.join(", ")));
    lines.extend(
        message
            .options
            .iter()
            .skip(1)
            .map(|(code, value)| format!("    {code:>3} {}", value_of(code, value))),
    );
    lines
}

fn value_of(code: u8, value: &[u8]) -> String {
    let addresses = |value: &[u8]| {
        let four =
            value.chunks(4).map(|a| a.iter().map(u8::to_string).collect::<Vec<_>>().join("."));
        four.collect::<Vec<_>>().join(" ")
    };
    match code {
        1 | 3 | 6 | 28 | 54 => addresses(value),
        51 | 58 | 59 if value.len() == 4 => {
            format!("{} s", value.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b)))
        }
        15 | 56 | 60 | 66 | 67 | 209 | 210 => {
            format!("\"{}\"", value.escape_ascii())
        }
        _ => value.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" "),
    }
}
