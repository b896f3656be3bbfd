//! DHCP as firmware does it: requests are built from options, replies are read byte by byte with a
//! reader of our own, so that server and firmware do not share a mistake.

use crate::sim::host::{Heard, Host};
use std::net::Ipv4Addr;
use wire::dhcp4::{Message, MessageType, code};

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// DISCOVER, REQUEST, …; none is BOOTP.
    pub kind: Option<MessageType>,
    /// Transaction.
    pub xid: u32,
    /// `secs`.
    pub secs: u16,
    /// Wants broadcast answers.
    pub broadcast: bool,
    /// The address it has.
    pub ciaddr: Ipv4Addr,
    /// After the message type.
    pub options: Vec<(u8, Vec<u8>)>,
}

impl Request {
    /// The message.
    #[must_use]
    pub fn message(&self, mac: [u8; 6]) -> Message {
        let mut message =
            Message { secs: self.secs, ciaddr: self.ciaddr, ..Message::request(mac, self.xid) };
        message.set_broadcast(self.broadcast);
        if let Some(kind) = self.kind {
            message.options.push(code::MESSAGE_TYPE, [kind.number()]);
        }
        for (code, value) in &self.options {
            message.options.push(*code, value.clone());
        }
        message
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self, mac: [u8; 6]) -> Vec<u8> {
        self.message(mac).encode(usize::MAX).unwrap_or_default()
    }
}

/// A reply, read as strictly as needed to drop what real firmware drops.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// Who sent it, from which port.
    pub from: std::net::SocketAddrV4,
    /// Where it was sent to.
    pub to: Ipv4Addr,
    /// How long it is.
    pub length: usize,
    /// Transaction.
    pub xid: u32,
    /// Flags.
    pub flags: u16,
    /// `hops`.
    pub hops: u8,
    /// Address fields.
    pub ciaddr: Ipv4Addr,
    /// The address given.
    pub yiaddr: Ipv4Addr,
    /// Next server.
    pub siaddr: Ipv4Addr,
    /// Relay.
    pub giaddr: Ipv4Addr,
    /// Hardware address, as far as `hlen` says.
    pub hardware: Vec<u8>,
    /// Server name, to its zero.
    pub sname: Vec<u8>,
    /// Boot file of the header, to its zero.
    pub file: Vec<u8>,
    /// Options as they stand.
    pub options: Vec<(u8, Vec<u8>)>,
    /// An option 0 stands between options.
    pub pads_between: bool,
}

impl Reply {
    /// Reads a reply; what is no BOOTP reply with the cookie and an end is none.
    #[must_use]
    pub fn read(heard: &Heard) -> Option<Self> {
        let b = &heard.bytes;
        if b.len() < 240 || b[0] != 2 || b[236..240] != [0x63, 0x82, 0x53, 0x63] {
            return None;
        }
        let ip = |at: usize| Ipv4Addr::new(b[at], b[at + 1], b[at + 2], b[at + 3]);
        let until_zero = |part: &[u8]| part.split(|x| *x == 0).next().unwrap_or(&[]).to_vec();
        let (options, pads_between) = read_options(&b[240..])?;
        Some(Self {
            from: heard.from,
            to: heard.to,
            length: b.len(),
            xid: u32::from_be_bytes([b[4], b[5], b[6], b[7]]),
            flags: u16::from_be_bytes([b[10], b[11]]),
            hops: b[3],
            ciaddr: ip(12),
            yiaddr: ip(16),
            siaddr: ip(20),
            giaddr: ip(24),
            hardware: b[28..28 + usize::from(b[2].min(16))].to_vec(),
            sname: until_zero(&b[44..108]),
            file: until_zero(&b[108..236]),
            options,
            pads_between,
        })
    }

    /// The first option of this code: firmware does not join split ones.
    #[must_use]
    pub fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.iter().find(|(c, _)| *c == code).map(|(_, value)| value.as_slice())
    }

    /// An option of four bytes.
    #[must_use]
    pub fn ip(&self, code: u8) -> Option<Ipv4Addr> {
        <[u8; 4]>::try_from(self.option(code)?).ok().map(Ipv4Addr::from)
    }

    /// Message type.
    #[must_use]
    pub fn kind(&self) -> Option<u8> {
        self.option(code::MESSAGE_TYPE)?.first().copied()
    }

    /// Option 67 as a C string, else the header's file.
    #[must_use]
    pub fn boot_file(&self) -> Vec<u8> {
        match self.option(code::BOOT_FILE_NAME) {
            Some(name) => name.split(|x| *x == 0).next().unwrap_or(&[]).to_vec(),
            None => self.file.clone(),
        }
    }

    /// A sub-option of option 43.
    #[must_use]
    pub fn vendor(&self, tag: u8) -> Option<Vec<u8>> {
        let (tags, _) = read_options(self.option(code::VENDOR_SPECIFIC)?)?;
        tags.into_iter().find(|(t, _)| *t == tag).map(|(_, value)| value)
    }

    /// Whether option 60 begins so.
    #[must_use]
    pub fn class_begins(&self, class: &[u8]) -> bool {
        self.option(code::VENDOR_CLASS).is_some_and(|c| c.starts_with(class))
    }

    /// Who asks for broadcast has no way to take anything else yet.
    #[must_use]
    pub fn heard_by(&self, request: &Request) -> bool {
        !request.broadcast || self.to.is_broadcast()
    }

    /// Known options have the length they must have: EDK2 drops the message otherwise.
    #[must_use]
    pub fn lengths_hold(&self) -> bool {
        self.options.iter().all(|(code, value)| match *code {
            code::SUBNET_MASK | code::REQUESTED_ADDRESS | code::SERVER_ID => value.len() == 4,
            code::LEASE_TIME | code::RENEWAL_TIME | code::REBINDING_TIME => value.len() == 4,
            code::ROUTER | code::DNS => !value.is_empty() && value.len() % 4 == 0,
            code::MESSAGE_TYPE | code::OVERLOAD => value.len() == 1,
            code::BOOT_FILE_SIZE | code::INTERFACE_MTU | code::MAX_MESSAGE_SIZE => value.len() == 2,
            code::VENDOR_CLASS | code::BOOT_FILE_NAME | code::VENDOR_SPECIFIC => !value.is_empty(),
            _ => true,
        })
    }
}

/// Code and value.
type Raw = (u8, Vec<u8>);

/// Options up to the end option, which must be there, and whether pads stand between them.
fn read_options(mut rest: &[u8]) -> Option<(Vec<Raw>, bool)> {
    let (mut options, mut pads) = (Vec::new(), false);
    loop {
        match rest {
            [255, ..] => return Some((options, pads)),
            [0, after @ ..] => {
                pads = true;
                rest = after;
            }
            [code, length, after @ ..] => {
                let (value, left) = after.split_at_checked(usize::from(*length))?;
                options.push((*code, value.to_vec()));
                rest = left;
            }
            _ => return None,
        }
    }
}

/// Collects what comes to a port by `until_ms` and passes `wanted`.
pub async fn collect(
    host: &Host,
    port: u16,
    until_ms: u64,
    wanted: impl Fn(&Reply) -> bool,
) -> Vec<Reply> {
    let mut replies = Vec::new();
    while let Some(heard) = host.receive(port, until_ms).await {
        replies.extend(Reply::read(&heard).filter(&wanted));
    }
    replies
}

/// The first that comes to a port by `until_ms` and passes `wanted`.
pub async fn first(
    host: &Host,
    port: u16,
    until_ms: u64,
    wanted: impl Fn(&Reply) -> bool,
) -> Option<Reply> {
    while let Some(heard) = host.receive(port, until_ms).await {
        let reply = Reply::read(&heard).filter(&wanted);
        if reply.is_some() {
            return reply;
        }
    }
    None
}

/// Asks for an offered address: the ACK, or nothing. The windows are PXE's.
pub async fn request(
    host: &Host,
    base: &Request,
    offer: &Reply,
    windows_s: &[u64],
) -> Option<Reply> {
    let server = offer.ip(code::SERVER_ID)?;
    let mut request = base.clone();
    request.kind = Some(MessageType::Request);
    request.options.push((code::SERVER_ID, server.octets().to_vec()));
    request.options.push((code::REQUESTED_ADDRESS, offer.yiaddr.octets().to_vec()));
    for window_s in windows_s {
        host.send(68, (Ipv4Addr::BROADCAST, 67), request.bytes(host.mac));
        let until_ms = host.now() + window_s * 1000;
        let Some(answer) = first(host, 68, until_ms, |reply| {
            reply.xid == base.xid
                && reply.hardware == host.mac
                && reply.from.port() == 67
                && reply.heard_by(base)
                && reply.ip(code::SERVER_ID) == Some(server)
                && matches!(reply.kind(), Some(5 | 6))
        })
        .await
        else {
            continue;
        };
        if answer.kind() == Some(6) {
            host.say(format!("NAK from {server}"));
            return None;
        }
        if answer.yiaddr == offer.yiaddr {
            host.configure(Some(answer.yiaddr));
            return Some(answer);
        }
    }
    None
}
