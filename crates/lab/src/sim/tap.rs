//! What travels in a world, as a capture made on the server's links.
//!
//! In: what the server heard and sent. Out: the bytes of a pcapng file. Never: a change of either; the
//! other server's words, which the world tells nobody but its machines.

use super::host::{HttpAnswer, HttpAsk};
use capture::{Interface, LinkType, Packet, Writer};
use model::Now;
use std::net::{Ipv4Addr, SocketAddrV4, SocketAddrV6};
use wire::{ip6, udp4};

/// A link carries so much of a stream in one packet.
const SEGMENT: usize = 1448;
/// The hardware address of our server.
const OURS: [u8; 6] = [0x02, 0, 0, 0, 0, 0xfe];

/// Where a capture grows.
#[derive(Debug, Default)]
pub struct Tap {
    interfaces: Vec<Interface>,
    packets: Vec<Packet>,
    connections: u16,
}

impl Tap {
    /// A datagram. Whose frame it was in is not known of what came through a router.
    pub fn udp(
        &mut self,
        (now, link): (Now, &str),
        hardware: Option<[u8; 6]>,
        (from, to): (SocketAddrV4, SocketAddrV4),
        payload: &[u8],
    ) {
        if let Some(packet) = udp4::encode(from, to, 1, payload) {
            self.ip((now, link), hardware, &packet);
        }
    }

    /// The same over IPv6.
    pub fn udp6(
        &mut self,
        at: (Now, &str),
        hardware: Option<[u8; 6]>,
        (from, to): (SocketAddrV6, SocketAddrV6),
        payload: &[u8],
    ) {
        if let Some(packet) = ip6::udp((*from.ip(), from.port()), (*to.ip(), to.port()), payload) {
            self.frame(at, hardware, 0x86dd, &packet);
        }
    }

    /// Somebody says that he has an address.
    pub fn arp(&mut self, (now, link): (Now, &str), hardware: [u8; 6], address: Ipv4Addr) {
        let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 2];
        arp.extend(hardware);
        arp.extend(address.octets());
        arp.extend(OURS);
        arp.extend([0; 4]);
        self.frame((now, link), Some(hardware), 0x0806, &arp);
    }

    /// A question by HTTP with its answer, on a connection of its own.
    pub fn http(
        &mut self,
        at: (Now, &str),
        hardware: Option<[u8; 6]>,
        from: Ipv4Addr,
        ask: &HttpAsk,
        answer: &HttpAnswer,
    ) {
        let HttpAsk { method, to, target, agent, .. } = ask;
        let question =
            format!("{method} {target} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: {agent}\r\n\r\n");
        let HttpAnswer { status, media, length, body } = answer;
        let head = format!(
            "HTTP/1.1 {status} -\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n\r\n"
        );
        let reply = [head.as_bytes(), body].concat();
        let from = SocketAddrV4::new(from, 20_000 + self.connections % 40_000);
        self.connections = self.connections.wrapping_add(1);
        self.stream(at, hardware, (from, *to), question.as_bytes());
        self.stream(at, Some(OURS), (*to, from), &reply);
    }

    /// One direction of a connection: SYN, data, FIN.
    fn stream(
        &mut self,
        at: (Now, &str),
        hardware: Option<[u8; 6]>,
        ends: (SocketAddrV4, SocketAddrV4),
        bytes: &[u8],
    ) {
        const FIN: u8 = 1;
        const SYN: u8 = 2;
        const ACK: u8 = 16;
        self.tcp(at, hardware, ends, (0, SYN), &[]);
        let mut number = 1_u32;
        for part in bytes.chunks(SEGMENT) {
            self.tcp(at, hardware, ends, (number, ACK), part);
            number = number.wrapping_add(u32::try_from(part.len()).unwrap_or(0));
        }
        self.tcp(at, hardware, ends, (number, FIN | ACK), &[]);
    }

    fn tcp(
        &mut self,
        at: (Now, &str),
        hardware: Option<[u8; 6]>,
        (from, to): (SocketAddrV4, SocketAddrV4),
        (number, flags): (u32, u8),
        payload: &[u8],
    ) {
        let length = u16::try_from(40 + payload.len()).unwrap_or(u16::MAX);
        let mut packet = vec![0x45, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([0, 1, 0, 0, 64, 6, 0, 0]);
        packet.extend(from.ip().octets());
        packet.extend(to.ip().octets());
        packet.extend(from.port().to_be_bytes());
        packet.extend(to.port().to_be_bytes());
        packet.extend(number.to_be_bytes());
        packet.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(payload);
        self.ip(at, hardware, &packet);
    }

    fn ip(&mut self, at: (Now, &str), hardware: Option<[u8; 6]>, packet: &[u8]) {
        self.frame(at, hardware, 0x0800, packet);
    }

    /// Without a hardware address there is no frame around it.
    fn frame(
        &mut self,
        (now, link): (Now, &str),
        hardware: Option<[u8; 6]>,
        kind: u16,
        inside: &[u8],
    ) {
        let mut bytes = Vec::with_capacity(inside.len() + 14);
        let way = match hardware {
            Some(hardware) => {
                bytes.extend([0xff; 6]);
                bytes.extend(hardware);
                bytes.extend(kind.to_be_bytes());
                LinkType::Ethernet
            }
            None => LinkType::RawIp,
        };
        bytes.extend(inside);
        let interface = Interface { name: Some(link.to_owned()), link: way };
        let number = self.interfaces.iter().position(|known| *known == interface);
        let number = number.unwrap_or_else(|| {
            self.interfaces.push(interface);
            self.interfaces.len() - 1
        });
        let wire_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let at_ns = now.0.saturating_mul(1_000_000);
        self.packets.push(Packet {
            at_ns,
            interface: number,
            link: way,
            wire_len,
            bytes,
            comments: Vec::new(),
        });
    }

    /// The capture, as a file.
    ///
    /// # Errors
    /// Of writing.
    pub fn file(&self) -> std::io::Result<Vec<u8>> {
        let mut writer = Writer::new(Vec::new(), "lab")?;
        for interface in &self.interfaces {
            writer.interface(interface)?;
        }
        for packet in &self.packets {
            writer.packet(packet)?;
        }
        writer.finish()
    }
}
