//! Single messages of DHCPv6, made by hand: `sends DHCPv6 SOLICIT as edk2-x64`, and what comes back.
//!
//! Behind the kind: `as NAME` (what such a client puts into every message), `iaid=7`, `has=fd77::9` (an
//! address it names), `server=us` or `server=000300010200…`, `to=fd77::1`, `link=lan`, `rapid`; and for
//! what a relay hands on `relay=fd80::1`, `mac=52:54:00:00:00:09` (RFC 6939), `port=ge-0/0/1`, `hides` (the
//! client's link-local address is made of no card).

use super::show::Lines;
use crate::sim::server::Server;
use crate::sim::world::World;
use engine::record::Recorded;
use engine::{Answer, Datagram6, Outgoing6, Told};
use model::{Happening, HardwareAddress, Now};
use std::net::{Ipv6Addr, SocketAddrV6};
use wire::dhcp6::{
    ALL_SERVERS, Association, Envelope, Given, Kind, Packet, SERVER_PORT, code, duid, forwarded,
};

const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);
/// The address that our server speaks from on each link.
const OWN: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0xfe);

pub(super) fn sends(
    world: &mut World,
    mac: HardwareAddress,
    what: &str,
    lines: &mut Lines,
) -> Result<(), String> {
    let datagram = make(world, mac, what)?;
    let now = world.now();
    let told = decided(&mut world.server, now, &datagram);
    match &told.answer {
        Answer::Reply(outgoing) => show(outgoing)?.into_iter().for_each(|line| lines.plain(line)),
        Answer::Silence(why) => {
            world.server.silences.insert(why.code());
            lines.plain(format!("silence: {why}"));
        }
    }
    for mut event in told.events {
        if let Happening::Answered { because, .. } = &event.what {
            lines.reasons(because);
        }
        world.note(&mut event);
    }
    Ok(())
}

/// What the server makes of it, captured and recorded as what it hears over IPv4 is.
fn decided(server: &mut Server, now: Now, datagram: &Datagram6) -> Told<Outgoing6> {
    let Datagram6 { link, from, to, bytes } = datagram;
    if let Some(tap) = &mut server.tap {
        // A client speaks from its card, a relay from wherever it is.
        let hardware = duid::mac_in(*from.ip());
        let to = SocketAddrV6::new(*to, SERVER_PORT, 0, 0);
        tap.udp6((now, link), hardware, (*from, to), bytes);
    }
    let told = server.engine.dhcp6(now, datagram);
    server.recorded.push(Recorded::dhcp6(now, datagram, &told.answer));
    if let (Some(tap), Answer::Reply(said)) = (&mut server.tap, &told.answer) {
        let own = SocketAddrV6::new(OWN, SERVER_PORT, 0, 0);
        tap.udp6((now, link), None, (own, said.to), &said.bytes);
    }
    told
}

/// What programs of this name put into every message.
fn preset(packet: &mut Packet, name: &str, mac: [u8; 6]) -> Result<(), String> {
    let firmware = |packet: &mut Packet, number: u16, class: &str| {
        packet.client_id = Some([&[0, 4][..], &[0x11; 10], &mac].concat());
        packet.wanted =
            vec![code::BOOT_FILE_URL, code::BOOT_FILE_PARAMETERS, code::DNS, code::VENDOR_CLASS];
        let class = format!("{class}:Arch:{number:05}:UNDI:003000").into_bytes();
        packet.vendor_classes = vec![(343, vec![class])];
        packet.archs = vec![number];
    };
    match name {
        "edk2-x64" => firmware(packet, 7, "PXEClient"),
        "edk2-arm64" => firmware(packet, 11, "PXEClient"),
        "http-x64" => firmware(packet, 16, "HTTPClient"),
        "ipxe" => {
            firmware(packet, 7, "PXEClient");
            packet.user_classes = vec![b"iPXE".to_vec()];
        }
        "os" => {
            packet.client_id = Some([&[0, 1, 0, 1, 0x2c, 0, 0, 0][..], &mac].concat());
            packet.wanted = vec![code::DNS, code::DOMAINS];
        }
        other => return Err(format!("no such preset: {other}")),
    }
    Ok(())
}

fn make(world: &World, mac: HardwareAddress, what: &str) -> Result<Datagram6, String> {
    let card = mac.as_mac().ok_or("it has no Ethernet card")?;
    let mut words = what.split_whitespace();
    let kind = words.next().unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind);
    let kind = kind.ok_or_else(|| format!("no message of DHCPv6: {what}"))?;
    let mut packet = Packet::new(kind, [0x12, 0x34, card[5]]);
    let mut association = Association { iaid: 1, ..Association::default() };
    let (mut link, mut to, mut server, mut relay) = ("lan", ALL_SERVERS, None, None);
    let from = duid::address_of(LINK_LOCAL, card);
    let mut envelope =
        Envelope { hops: 0, link: LINK_LOCAL, peer: from, interface_id: None, link_layer: None };
    while let Some(word) = words.next() {
        if word == "as" {
            preset(&mut packet, words.next().unwrap_or_default(), card)?;
            continue;
        }
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let ip = || value.parse::<Ipv6Addr>().map_err(|_| format!("no address: {word}"));
        match name {
            "rapid" => packet.rapid_commit = true,
            "hides" => envelope.peer = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x1234),
            "iaid" => association.iaid = value.parse().map_err(|_| format!("no number: {word}"))?,
            "has" => {
                let given = Given { address: ip()?, preferred_s: 0, valid_s: 0 };
                association.addresses.push(given);
            }
            "server" => server = Some(value),
            "to" => to = ip()?,
            "link" => link = value,
            "relay" => relay = Some(ip()?),
            "port" => envelope.interface_id = Some(value.into()),
            "mac" => {
                let card: HardwareAddress = value.parse().map_err(|_| format!("no MAC: {word}"))?;
                envelope.link_layer = Some((1, card.bytes().to_vec()));
            }
            _ => return Err(format!("what is {word}?")),
        }
    }
    if kind != Kind::InformationRequest {
        packet.associations = vec![association];
    }
    let usual = match kind {
        Kind::Request | Kind::Renew | Kind::Release | Kind::Decline => Some("us"),
        _ => None,
    };
    packet.server_id = match server.or(usual) {
        Some("us") => Some(us(world, link)?),
        Some(digits) => Some(model::address::hex(digits).ok_or("no digits of a server")?),
        None => None,
    };
    let message = packet.encode().map_err(|e| e.to_string())?;
    let link = link.to_owned();
    Ok(match relay {
        None => Datagram6 { link, from: SocketAddrV6::new(from, 546, 0, 2), to, bytes: message },
        Some(relay) => {
            envelope.link = relay;
            let bytes = forwarded(&[envelope], message);
            Datagram6 { link, from: SocketAddrV6::new(relay, 547, 0, 0), to, bytes }
        }
    })
}

/// Our identifier, as whoever was advertised something knows it: asked in a world that is thrown away.
fn us(world: &World, link: &str) -> Result<Vec<u8>, String> {
    let mut asking = Packet::new(Kind::InformationRequest, [0; 3]);
    asking.client_id = Some(duid::of_mac([2, 0, 0, 0, 0, 0xfe]));
    let from = SocketAddrV6::new(duid::address_of(LINK_LOCAL, [2, 0, 0, 0, 0, 0xfe]), 546, 0, 2);
    let bytes = asking.encode().map_err(|e| e.to_string())?;
    let datagram = Datagram6 { link: link.to_owned(), from, to: ALL_SERVERS, bytes };
    match world.server.engine.clone().dhcp6(world.now(), &datagram).answer {
        Answer::Reply(reply) => opened(&reply.bytes)?.1.server_id.ok_or("it names nobody".into()),
        Answer::Silence(why) => Err(format!("nobody answers on {link}: {why}")),
    }
}

/// The relays that a reply goes back through, and what is in their envelopes.
fn opened(bytes: &[u8]) -> Result<(Vec<String>, Packet), String> {
    let (mut bytes, mut relays) = (bytes, Vec::new());
    while let [13, _hops, rest @ ..] = bytes {
        let (link, rest) = rest.split_first_chunk::<16>().ok_or("an envelope cut short")?;
        let (peer, mut rest) = rest.split_first_chunk::<16>().ok_or("an envelope cut short")?;
        let (mut inner, mut port) = (None, String::new());
        while let [a, b, c, d, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*c, *d]));
            let (value, left) = after.split_at_checked(length).ok_or("an option cut short")?;
            match u16::from_be_bytes([*a, *b]) {
                code::RELAY_MESSAGE => inner = Some(value),
                code::INTERFACE_ID => port = format!(", port {}", value.escape_ascii()),
                other => return Err(format!("option {other} in an envelope")),
            }
            rest = left;
        }
        let (link, peer) = (Ipv6Addr::from(*link), Ipv6Addr::from(*peer));
        relays.push(format!("through {link} for {peer}{port}"));
        bytes = inner.ok_or("an empty envelope")?;
    }
    Ok((relays, Packet::parse(bytes).map_err(|e| e.to_string())?))
}

/// All of a reply.
fn show(outgoing: &Outgoing6) -> Result<Vec<String>, String> {
    let (relays, packet) = opened(&outgoing.bytes)?;
    let (to, length) = (outgoing.to, outgoing.bytes.len());
    let mut lines = vec![format!("{} to {}, {length} bytes", packet.kind.name(), shown(to))];
    lines.extend(relays.into_iter().map(|relay| format!("    {relay}")));
    for association in &packet.associations {
        let mut said: Vec<String> = association.addresses.iter().map(given).collect();
        if association.renew_s > 0 {
            said.push(format!("again in {} s or {} s", association.renew_s, association.rebind_s));
        }
        said.extend(association.status.as_ref().map(status));
        lines.push(format!("    association {}: {}", association.iaid, said.join(", ")));
    }
    let mut option = |code: u16, value: String| {
        if !value.is_empty() {
            lines.push(format!("    {code:>3} {value}"));
        }
    };
    option(code::STATUS, packet.status.as_ref().map(status).unwrap_or_default());
    option(code::RAPID_COMMIT, if packet.rapid_commit { "at once".into() } else { String::new() });
    let classes = packet.vendor_classes.iter().map(|(number, texts)| {
        let texts: Vec<String> = texts.iter().map(|t| t.escape_ascii().to_string()).collect();
        format!("{number} {}", texts.join(" "))
    });
    option(code::VENDOR_CLASS, classes.collect::<Vec<_>>().join(", "));
    let dns: Vec<String> = packet.dns.iter().map(ToString::to_string).collect();
    option(code::DNS, dns.join(" "));
    option(code::DOMAINS, packet.domains.join(" "));
    let url = packet.boot_url.as_deref().unwrap_or_default();
    option(code::BOOT_FILE_URL, url.escape_ascii().to_string());
    let parameters = packet.boot_parameters.iter().map(|p| p.escape_ascii().to_string());
    option(code::BOOT_FILE_PARAMETERS, parameters.collect::<Vec<_>>().join(" "));
    Ok(lines)
}

fn shown(to: SocketAddrV6) -> String {
    format!("[{}]:{}", to.ip(), to.port())
}

fn given(given: &Given) -> String {
    match given.valid_s {
        0 => format!("{} no more", given.address),
        u32::MAX => format!("{} for ever", given.address),
        s => format!("{} for {s} s", given.address),
    }
}

fn status(status: &wire::dhcp6::Status) -> String {
    format!("status {} \"{}\"", status.code, status.text.escape_ascii())
}
