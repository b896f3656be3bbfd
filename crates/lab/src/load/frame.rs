//! What a DHCP client says and hears, as whole Ethernet frames.
//!
//! In: who asks for what, or a frame that came. Out: a frame of a fixed length, or what it says.
//! Never: memory on the heap; thousands a second have to cost next to nothing. That is why this
//! does not use `wire`, which keeps every option of every message.

use std::net::Ipv4Addr;

/// An Ethernet address.
pub type Mac = [u8; 6];
/// To everybody on the link.
pub const BROADCAST: Mac = [0xff; 6];

const ETHERNET: usize = 14;
const IP: usize = 20;
const UDP: usize = 8;
/// RFC 1542, 2.1: some servers drop what is shorter.
const BOOTP: usize = 300;
const MESSAGE_AT: usize = ETHERNET + IP + UDP;
const OPTIONS_AT: usize = MESSAGE_AT + 240;
/// Every frame of ours is this long.
pub const LENGTH: usize = MESSAGE_AT + BOOTP;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
const CLIENT_PORT: u16 = 68;
const SERVER_PORT: u16 = 67;

/// A frame to be sent.
pub type Frame = [u8; LENGTH];

/// What a client may want of the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Say {
    /// Who has an address for me?
    Discover,
    /// REQUEST in state SELECTING: I take this offer.
    Select {
        /// The address that was offered.
        address: Ipv4Addr,
        /// By whom.
        server: Ipv4Addr,
    },
    /// REQUEST in state INIT-REBOOT: I was off; is this still mine?
    Reboot(Ipv4Addr),
    /// REQUEST in state RENEWING, to the server alone.
    Renew {
        /// The address it has.
        address: Ipv4Addr,
        /// Who gave it.
        server: Ipv4Addr,
        /// Where that one is on the link.
        at: Mac,
    },
    /// I need it no longer.
    Release {
        /// The address it had.
        address: Ipv4Addr,
        /// Who gave it.
        server: Ipv4Addr,
        /// Where that one is on the link.
        at: Mac,
    },
}

/// What a server says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// DHCPOFFER.
    Offer,
    /// DHCPACK.
    Ack,
    /// DHCPNAK.
    Nak,
}

/// A reply that came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answer {
    /// What it says.
    pub kind: Kind,
    /// To which question.
    pub xid: u32,
    /// For whom.
    pub client: Mac,
    /// The address it is about (yiaddr).
    pub address: Ipv4Addr,
    /// Who says it: option 54, else the packet's sender.
    pub server: Ipv4Addr,
    /// Where that one is on the link.
    pub at: Mac,
    /// For how many seconds (option 51); `None` when it does not say.
    pub lease_s: Option<u32>,
}

/// A client's message in its frame, checksums and all, broadcast flag clear.
#[must_use]
pub fn write(client: Mac, xid: u32, say: Say) -> Frame {
    let mut frame = [0; LENGTH];
    let (to_mac, from, to) = match say {
        Say::Renew { address, server, at } | Say::Release { address, server, at } => {
            (at, address, server)
        }
        _ => (BROADCAST, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST),
    };
    put(&mut frame, 0, &to_mac);
    put(&mut frame, 6, &client);
    put(&mut frame, 12, &[0x08, 0x00]);
    bootp(&mut frame, client, xid, from);
    options(&mut frame, say);
    headers(&mut frame, (from, CLIENT_PORT), (to, SERVER_PORT));
    frame
}

fn bootp(frame: &mut Frame, client: Mac, xid: u32, ciaddr: Ipv4Addr) {
    put(frame, MESSAGE_AT, &[1, 1, 6, 0]);
    put(frame, MESSAGE_AT + 4, &xid.to_be_bytes());
    put(frame, MESSAGE_AT + 12, &ciaddr.octets());
    put(frame, MESSAGE_AT + 28, &client);
    put(frame, OPTIONS_AT - 4, &COOKIE);
}

fn options(frame: &mut Frame, say: Say) {
    let (kind, address, server) = match say {
        Say::Discover => (1, None, None),
        Say::Select { address, server } => (3, Some(address), Some(server)),
        Say::Reboot(address) => (3, Some(address), None),
        Say::Renew { .. } => (3, None, None),
        Say::Release { server, .. } => (7, None, Some(server)),
    };
    put(frame, OPTIONS_AT, &[53, 1, kind]);
    let mut at = OPTIONS_AT + 3;
    for (code, value) in [(50, address), (54, server)] {
        let Some(value) = value else { continue };
        put(frame, at, &[code, 4]);
        put(frame, at + 2, &value.octets());
        at += 6;
    }
    put(frame, at, &[55, 5, 1, 3, 6, 15, 51, 255]);
}

/// The IPv4 and UDP headers around what is in the frame already.
pub(crate) fn headers(frame: &mut [u8], from: (Ipv4Addr, u16), to: (Ipv4Addr, u16)) {
    let ip_length = frame.len() - ETHERNET;
    let udp_length = ip_length - IP;
    put(frame, ETHERNET, &[0x45, 0]);
    put(frame, ETHERNET + 2, &length(ip_length));
    put(frame, ETHERNET + 4, &[0, 0, 0, 0, 64, 17, 0, 0]);
    put(frame, ETHERNET + 12, &from.0.octets());
    put(frame, ETHERNET + 16, &to.0.octets());
    let sum = !fold(sum(frame.get(ETHERNET..ETHERNET + IP).unwrap_or_default()));
    put(frame, ETHERNET + 10, &sum.to_be_bytes());

    let udp = ETHERNET + IP;
    put(frame, udp, &from.1.to_be_bytes());
    put(frame, udp + 2, &to.1.to_be_bytes());
    put(frame, udp + 4, &length(udp_length));
    put(frame, udp + 6, &[0, 0]);
    // The pseudo header (RFC 768): both addresses, the protocol, the length.
    let pseudo = 17 + udp_length as u32;
    let whole = sum_from(pseudo, frame.get(ETHERNET + 12..).unwrap_or_default());
    let checksum = match !fold(whole) {
        0 => u16::MAX,
        sum => sum,
    };
    put(frame, udp + 6, &checksum.to_be_bytes());
}

fn length(of: usize) -> [u8; 2] {
    u16::try_from(of).unwrap_or(u16::MAX).to_be_bytes()
}

fn sum(bytes: &[u8]) -> u32 {
    sum_from(0, bytes)
}

fn sum_from(begin: u32, bytes: &[u8]) -> u32 {
    bytes.chunks(2).fold(begin, |sum, pair| {
        let high = u32::from(pair.first().copied().unwrap_or(0)) << 8;
        sum + high + u32::from(pair.get(1).copied().unwrap_or(0))
    })
}

fn fold(sum: u32) -> u16 {
    let once = (sum & 0xffff) + (sum >> 16);
    ((once & 0xffff) + (once >> 16)) as u16
}

/// Writes bytes to a place that is inside the frame.
pub(super) fn put(frame: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = frame.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// What a frame says, if it is a server's reply to a client.
#[must_use]
pub fn read(frame: &[u8]) -> Option<Answer> {
    let (at, from, message) = to_port(frame, CLIENT_PORT)?;
    if message.first() != Some(&2) || message.get(236..240) != Some(&COOKIE) {
        return None;
    }
    let (mut kind, mut server, mut lease_s) = (None, None, None);
    for (code, value) in Options(message.get(240..)?) {
        match (code, value) {
            (53, [2]) => kind = Some(Kind::Offer),
            (53, [5]) => kind = Some(Kind::Ack),
            (53, [6]) => kind = Some(Kind::Nak),
            (54, value) => server = four(value, 0).map(Ipv4Addr::from),
            (51, value) => lease_s = four(value, 0).map(u32::from_be_bytes),
            _ => {}
        }
    }
    Some(Answer {
        kind: kind?,
        xid: u32::from_be_bytes(four(message, 4)?),
        client: message.get(28..34)?.try_into().ok()?,
        address: four(message, 16)?.into(),
        server: server.unwrap_or(from),
        at,
        lease_s,
    })
}

/// The sender on the link, its address, and the UDP payload, if the frame is for this port.
pub(super) fn to_port(frame: &[u8], port: u16) -> Option<(Mac, Ipv4Addr, &[u8])> {
    let ip = frame.get(ETHERNET..)?;
    let header = usize::from(ip.first()? & 0x0f) * 4;
    let udp = ip.get(header..)?;
    if frame.get(12..14) != Some(&[0x08, 0x00])
        || ip.get(9) != Some(&17)
        || udp.get(2..4) != Some(&port.to_be_bytes())
    {
        return None;
    }
    let sender = frame.get(6..12)?.try_into().ok()?;
    Some((sender, four(ip, 12)?.into(), udp.get(UDP..)?))
}

fn four(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..at + 4)?.try_into().ok()
}

/// The options of a message, until the end or the first one that is cut off.
struct Options<'a>(&'a [u8]);

impl<'a> Iterator for Options<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((0, rest)) = self.0.split_first().map(|(code, rest)| (*code, rest)) {
            self.0 = rest;
        }
        let (code, rest) = self.0.split_first().filter(|(code, _)| **code != 255)?;
        let (length, rest) = rest.split_first()?;
        let (value, rest) = rest.split_at_checked(usize::from(*length))?;
        self.0 = rest;
        Some((*code, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dhcp4::{Message, MessageType, code};
    use wire::udp4;

    const CLIENT: Mac = [2, 0, 0, 0, 0, 7];
    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 80, 0, 1);
    const MINE: Ipv4Addr = Ipv4Addr::new(10, 80, 1, 9);

    #[test]
    fn what_we_write_is_a_message_with_right_checksums() {
        let say = Say::Select { address: MINE, server: SERVER };
        let frame = write(CLIENT, 0x0102_0304, say);
        let packet = udp4::parse(&frame[ETHERNET..]).unwrap();
        assert!(packet.verify_checksum());
        let message = Message::parse(packet.payload).unwrap();
        assert_eq!(message.options.message_type(), Some(Ok(MessageType::Request)));
        assert_eq!(message.options.ip(code::REQUESTED_ADDRESS), Some(MINE));
        assert_eq!(message.options.ip(code::SERVER_ID), Some(SERVER));
        assert_eq!((message.xid, message.broadcast()), (0x0102_0304, false));
        assert_eq!(message.hardware_address(), CLIENT);
    }

    #[test]
    fn a_renewal_goes_to_the_server_and_names_its_address_in_ciaddr_only() {
        let frame = write(CLIENT, 1, Say::Renew { address: MINE, server: SERVER, at: [4; 6] });
        let packet = udp4::parse(&frame[ETHERNET..]).unwrap();
        assert!(packet.verify_checksum());
        assert_eq!((*packet.src.ip(), *packet.dst.ip(), &frame[..6]), (MINE, SERVER, &[4; 6][..]));
        let message = Message::parse(packet.payload).unwrap();
        assert_eq!(message.ciaddr, MINE);
        assert!(!message.options.contains(code::REQUESTED_ADDRESS));
        assert!(!message.options.contains(code::SERVER_ID));
    }

    #[test]
    fn a_reply_is_read() {
        let question = write(CLIENT, 7, Say::Discover);
        let asked = Message::parse(udp4::parse(&question[ETHERNET..]).unwrap().payload).unwrap();
        let mut reply = Message::reply_to(&asked);
        reply.yiaddr = MINE;
        reply.options.push(code::MESSAGE_TYPE, [MessageType::Ack.number()]);
        reply.options.push(code::LEASE_TIME, 43_200_u32.to_be_bytes());
        reply.options.push(code::SERVER_ID, SERVER.octets());
        let from = std::net::SocketAddrV4::new(SERVER, 67);
        let to = std::net::SocketAddrV4::new(MINE, 68);
        let packet = udp4::encode(from, to, 1, &reply.encode(1472).unwrap()).unwrap();
        let frame = [&CLIENT[..], &[4; 6], &[8, 0], &packet].concat();
        let expected = Answer {
            kind: Kind::Ack,
            xid: 7,
            client: CLIENT,
            address: MINE,
            server: SERVER,
            at: [4; 6],
            lease_s: Some(43_200),
        };
        assert_eq!(read(&frame), Some(expected));
        assert_eq!(read(&question), None, "a client's own words are no reply");
        assert_eq!(read(&frame[..60]), None);
    }
}
