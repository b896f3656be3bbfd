//! Another DHCP server on the link: it gives addresses and knows nothing of booting.

use super::host::Heard;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use wire::dhcp4::{Message, MessageType, code};

/// A home router, say.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// Its address.
    pub address: Ipv4Addr,
    /// The first address it gives.
    pub first: Ipv4Addr,
    /// It names this boot file, as careless ones do.
    pub boot_file: Option<String>,
    /// Where that is; none is here.
    pub next_server: Option<Ipv4Addr>,
    /// It answers so much later than it is asked, in ms.
    pub slow_ms: u64,
    given: BTreeMap<Vec<u8>, Ipv4Addr>,
}

impl Foreign {
    /// A server that gives addresses from `first` on.
    #[must_use]
    pub fn new(address: Ipv4Addr, first: Ipv4Addr) -> Self {
        Self {
            address,
            first,
            boot_file: None,
            next_server: None,
            slow_ms: 0,
            given: BTreeMap::new(),
        }
    }

    /// Its answer, always by broadcast.
    pub fn hear(&mut self, heard: &Heard) -> Option<(SocketAddrV4, Vec<u8>)> {
        let request = Message::parse_request(&heard.bytes).ok().filter(|_| heard.port == 67)?;
        let kind = match request.options.message_type()?.ok()? {
            MessageType::Discover => MessageType::Offer,
            MessageType::Request
                if request.options.ip(code::SERVER_ID).is_none_or(|s| s == self.address) =>
            {
                MessageType::Ack
            }
            _ => return None,
        };
        let next = u32::from(self.first) + u32::try_from(self.given.len()).unwrap_or(0);
        let key = request.hardware_address().to_vec();
        let address = *self.given.entry(key).or_insert(Ipv4Addr::from(next));
        let mut reply = Message::reply_to(&request);
        reply.yiaddr = address;
        reply.options.push(code::MESSAGE_TYPE, [kind.number()]);
        reply.options.push(code::SERVER_ID, self.address.octets());
        reply.options.push(code::LEASE_TIME, 3600_u32.to_be_bytes());
        reply.options.push(code::SUBNET_MASK, [255, 255, 255, 0]);
        reply.options.push(code::ROUTER, self.address.octets());
        if let Some(file) = &self.boot_file {
            reply.siaddr = self.next_server.unwrap_or(self.address);
            let _ = reply.set_file(file.as_bytes());
        }
        let bytes = reply.encode(1472).ok()?;
        Some((SocketAddrV4::new(self.address, 67), bytes))
    }
}
