//! The capture once more, for Wireshark: with what we would have answered as a comment on each request.

use super::scene;
use crate::failure::Failure;
use capture::{Interface, LinkType, Packet, Reader, Writer};
use engine::record::{Exchange, Message, Message6};
use replay::{Replayed, Report};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::path::Path;
use wire::dhcp6::SERVER_PORT;

/// Writes `to`.
pub fn write(from: &Path, to: &Path, replayed: &Replayed) -> Result<(), Failure> {
    let cannot = |e: io::Error| Failure::failed(format!("cannot write {}: {e}", to.display()));
    let mut comments = comments(replayed);
    let interfaces = interfaces(from)?;
    let out = BufWriter::new(File::create_new(to).map_err(cannot)?);
    let mut writer = Writer::new(out, "bootwright replay").map_err(cannot)?;
    for interface in &interfaces {
        writer.interface(interface).map_err(cannot)?;
    }
    let mut number = 0;
    scene::packets(from, |packet, _| {
        number += 1;
        let mut packet = packet.clone();
        packet.comments.extend(comments.remove(&number).unwrap_or_default());
        writer.packet(&packet).map_err(cannot)
    })?;
    writer.finish().map(drop).map_err(cannot)
}

/// By the number of the packet.
fn comments(replayed: &Replayed) -> BTreeMap<u64, Vec<String>> {
    let mut comments: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for entry in &replayed.entries {
        let text = entry.to_string().trim_end().to_owned();
        comments.entry(entry.packet).or_default().push(text);
    }
    comments
}

/// Writes the DHCP messages of a report as the packets that they were. Of files a report has what they
/// are, not their packets.
pub fn of_report(report: &Report, to: &Path, replayed: &Replayed) -> Result<(), Failure> {
    let cannot = |e: io::Error| Failure::failed(format!("cannot write {}: {e}", to.display()));
    let mut comments = comments(replayed);
    let out = BufWriter::new(File::create_new(to).map_err(cannot)?);
    let mut writer = Writer::new(out, "bootwright replay").map_err(cannot)?;
    let interface = Interface { name: None, link: LinkType::RawIp };
    let interface = writer.interface(&interface).map_err(cannot)?;
    let exchanges = report.parts.iter().flat_map(|part| &part.exchanges);
    for (number, recorded) in (1..).zip(exchanges) {
        let packets = match &recorded.what {
            Exchange::Dhcp(message) => over_ipv4(message),
            Exchange::Dhcp6(message) => over_ipv6(message),
            Exchange::File(_) => continue,
        };
        for bytes in packets.into_iter().flatten() {
            let packet = Packet {
                at_ns: recorded.at.0.saturating_mul(1_000_000),
                interface,
                link: LinkType::RawIp,
                wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                bytes,
                comments: comments.remove(&number).unwrap_or_default(),
            };
            writer.packet(&packet).map_err(cannot)?;
        }
    }
    writer.finish().map(drop).map_err(cannot)
}

/// The question and its answer.
fn over_ipv4(message: &Message) -> [Option<Vec<u8>>; 2] {
    let asked = wire::udp4::encode(message.from, message.to, 1, &message.asked.0);
    let answer = message.answer.as_ref();
    [asked, answer.and_then(|sent| wire::udp4::encode(sent.from, sent.to, 1, &sent.bytes.0))]
}

/// The same; from which of its addresses the server spoke is in no report: whoever was asked answers, and of a group
/// nobody.
fn over_ipv6(message: &Message6) -> [Option<Vec<u8>>; 2] {
    let own = if message.to.is_multicast() { Ipv6Addr::UNSPECIFIED } else { message.to };
    let packet =
        |from, to: &SocketAddrV6, bytes: &[u8]| wire::ip6::udp(from, (*to.ip(), to.port()), bytes);
    let (from, asked) = (message.from, SocketAddrV6::new(message.to, SERVER_PORT, 0, 0));
    let asked = packet((*from.ip(), from.port()), &asked, &message.asked.0);
    let answer = message.answer.as_ref();
    let answer = answer.and_then(|sent| packet((own, SERVER_PORT), &sent.to, &sent.bytes.0));
    [asked, answer]
}

/// All of them, before the first packet is written: pcapng describes them first.
fn interfaces(from: &Path) -> Result<Vec<Interface>, Failure> {
    let wrong = |why: String| Failure::failed(format!("{}: {why}", from.display()));
    let file = File::open(from).map_err(|e| wrong(e.to_string()))?;
    let mut reader = Reader::new(BufReader::new(file)).map_err(|fault| wrong(fault.to_string()))?;
    for packet in reader.by_ref() {
        if packet.is_err() {
            break;
        }
    }
    Ok(reader.interfaces().to_vec())
}
