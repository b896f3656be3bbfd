//! A small DHCP client: an address for as long as a report takes.
//!
//! In: replies as bytes. Out: requests as bytes, and the lease. Never: a socket, a clock; renewing,
//! since the machine restarts long before a lease ends.

use std::net::Ipv4Addr;
use wire::dhcp4::{Message, MessageType, code};

/// How we call ourselves (option 60).
const VENDOR_CLASS: &[u8] = b"bootwright-discover";
/// The longest message a server may send us: what fits an Ethernet frame.
const MESSAGE_MAX: usize = 1472;

/// One try to get an address.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    /// The card's address.
    pub mac: [u8; 6],
    /// Tells our exchange from others'.
    pub xid: u32,
}

/// What a server offered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Offer {
    /// The address.
    pub address: Ipv4Addr,
    /// Who offers it.
    pub server: Ipv4Addr,
}

/// What we got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lease {
    /// Our address.
    pub address: Ipv4Addr,
    /// Bits of the subnet's prefix.
    pub prefix: u8,
    /// The way out, if there is one.
    pub router: Option<Ipv4Addr>,
    /// Who gave it.
    pub server: Ipv4Addr,
}

impl Asking {
    /// DHCPDISCOVER, so many seconds after the first.
    pub fn discover(&self, seconds: u16) -> Vec<u8> {
        self.encoded(MessageType::Discover, seconds, |_| {})
    }

    /// DHCPREQUEST for what was offered.
    pub fn request(&self, offer: &Offer, seconds: u16) -> Vec<u8> {
        self.encoded(MessageType::Request, seconds, |message| {
            message.options.push(code::REQUESTED_ADDRESS, offer.address.octets());
            message.options.push(code::SERVER_ID, offer.server.octets());
        })
    }

    fn encoded(&self, kind: MessageType, seconds: u16, more: impl Fn(&mut Message)) -> Vec<u8> {
        let mut message = Message::request(self.mac, self.xid);
        message.secs = seconds;
        // We have no address yet that a reply could be sent to.
        message.set_broadcast(true);
        message.options.push(code::MESSAGE_TYPE, [kind.number()]);
        more(&mut message);
        // As iPXE does it, so that the address stays the one that the machine booted with.
        message.options.push(code::CLIENT_ID, [&[1], self.mac.as_slice()].concat());
        message.options.push(code::VENDOR_CLASS, VENDOR_CLASS);
        message.options.push(code::MAX_MESSAGE_SIZE, (MESSAGE_MAX as u16).to_be_bytes());
        message.options.push(code::PARAMETER_LIST, [code::SUBNET_MASK, code::ROUTER]);
        // A message with so few options always fits.
        message.encode(MESSAGE_MAX).unwrap_or_default()
    }

    /// The offer in these bytes, if it is one for us. A proxy offers no address.
    pub fn offer(&self, bytes: &[u8]) -> Option<Offer> {
        let message = self.reply(bytes, MessageType::Offer)?;
        let server = message.options.ip(code::SERVER_ID)?;
        let address = message.yiaddr;
        (!address.is_unspecified()).then_some(Offer { address, server })
    }

    /// Whether the request was taken: the lease, or why not. Nothing if it is no answer to it.
    pub fn answer(&self, bytes: &[u8], offer: &Offer) -> Option<Result<Lease, String>> {
        if let Some(refusal) = self.reply(bytes, MessageType::Nak) {
            let said = refusal.options.first(code::MESSAGE).unwrap_or_default();
            let said = model::text::show(said);
            let why = if said.is_empty() { String::new() } else { format!(": {said}") };
            return Some(Err(format!("{} takes its offer back{why}", offer.server)));
        }
        let message = self.reply(bytes, MessageType::Ack)?;
        if message.yiaddr.is_unspecified() {
            return None;
        }
        let mask = message.options.ip(code::SUBNET_MASK);
        let lease = Lease {
            address: message.yiaddr,
            // Without a mask nobody but the server's own network is known to be near.
            prefix: mask.map_or(24, |mask| mask.to_bits().leading_ones() as u8),
            router: message.options.ips(code::ROUTER).first().copied(),
            server: message.options.ip(code::SERVER_ID).unwrap_or(offer.server),
        };
        Some(Ok(lease))
    }

    fn reply(&self, bytes: &[u8], kind: MessageType) -> Option<Message> {
        let message = Message::parse(bytes).ok()?;
        let ours = message.op == wire::dhcp4::Op::Reply
            && message.xid == self.xid
            && message.hardware_address() == self.mac;
        let is = message.options.message_type() == Some(Ok(kind));
        (ours && is).then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ASKING: Asking = Asking { mac: [2, 0, 0, 0, 0, 1], xid: 77 };
    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);

    fn reply(kind: MessageType, address: Ipv4Addr) -> Message {
        let request = Message::parse(&ASKING.discover(0)).expect("our own message");
        let mut reply = Message::reply_to(&request);
        reply.yiaddr = address;
        reply.options.push(code::MESSAGE_TYPE, [kind.number()]);
        reply.options.push(code::SERVER_ID, SERVER.octets());
        reply.options.push(code::SUBNET_MASK, [255, 255, 252, 0]);
        reply.options.push(code::ROUTER, [10, 0, 0, 254, 10, 0, 0, 253]);
        reply
    }

    fn bytes(message: &Message) -> Vec<u8> {
        message.encode(MESSAGE_MAX).expect("it fits")
    }

    #[test]
    fn an_exchange_ends_with_a_lease() {
        let offer = ASKING.offer(&bytes(&reply(MessageType::Offer, OURS)));
        let offer = offer.expect("an offer for us");
        assert_eq!(offer, Offer { address: OURS, server: SERVER });
        let request = Message::parse(&ASKING.request(&offer, 4)).expect("our own message");
        assert_eq!(request.options.ip(code::REQUESTED_ADDRESS), Some(OURS));
        assert_eq!(request.secs, 4);
        assert!(request.broadcast());
        let lease = ASKING.answer(&bytes(&reply(MessageType::Ack, OURS)), &offer);
        let router = Some(Ipv4Addr::new(10, 0, 0, 254));
        let wanted = Lease { address: OURS, prefix: 22, router, server: SERVER };
        assert_eq!(lease, Some(Ok(wanted)));
    }

    #[test]
    fn what_is_not_for_us_is_not_heard() {
        let proxy = reply(MessageType::Offer, Ipv4Addr::UNSPECIFIED);
        assert_eq!(ASKING.offer(&bytes(&proxy)), None, "a proxy has no address to give");
        let mut other = reply(MessageType::Offer, OURS);
        other.xid = 78;
        assert_eq!(ASKING.offer(&bytes(&other)), None);
        assert_eq!(ASKING.offer(&ASKING.discover(0)), None, "a request is no reply");
    }

    #[test]
    fn a_refusal_says_why() {
        let mut no = reply(MessageType::Nak, Ipv4Addr::UNSPECIFIED);
        no.options.push(code::MESSAGE, *b"wrong network");
        let offer = Offer { address: OURS, server: SERVER };
        let why = "10.0.0.1 takes its offer back: wrong network".to_owned();
        assert_eq!(ASKING.answer(&bytes(&no), &offer), Some(Err(why)));
    }

    proptest! {
        #[test]
        fn no_reply_makes_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = ASKING.offer(&bytes);
            let _ = ASKING.answer(&bytes, &Offer { address: OURS, server: SERVER });
        }
    }
}
