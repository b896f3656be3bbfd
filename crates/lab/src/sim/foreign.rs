//! Another DHCP server on the link: it gives addresses and knows nothing of booting.

use super::host::Heard;
use model::Network;
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
    /// It says the same of the network as we would.
    pub like: Option<Network>,
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
            like: None,
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
        reply.options.push(code::SUBNET_MASK, [255, 255, 255, 0]);
        match &self.like {
            Some(network) => like(&mut reply, network),
            None => {
                reply.options.push(code::LEASE_TIME, 3600_u32.to_be_bytes());
                reply.options.push(code::ROUTER, self.address.octets());
            }
        }
        if let Some(file) = &self.boot_file {
            reply.siaddr = self.next_server.unwrap_or(self.address);
            let _ = reply.set_file(file.as_bytes());
        }
        let bytes = reply.encode(1472).ok()?;
        Some((SocketAddrV4::new(self.address, 67), bytes))
    }
}

/// What a careful operator has written there as he writes it here.
fn like(reply: &mut Message, network: &Network) {
    let lease = network.lease.map_or(u64::from(u32::MAX), |lease| lease.as_secs());
    let seconds = |of: u64| u32::try_from(of).unwrap_or(u32::MAX).to_be_bytes();
    reply.options.push(code::LEASE_TIME, seconds(lease));
    reply.options.push(code::RENEWAL_TIME, seconds(lease / 2));
    reply.options.push(code::REBINDING_TIME, seconds(lease / 8 * 7));
    reply.options.push(code::BROADCAST_ADDRESS, network.subnet.broadcast().octets());
    if let Some(router) = network.router {
        reply.options.push(code::ROUTER, router.octets());
    }
    if !network.dns.is_empty() {
        let all: Vec<u8> = network.dns.iter().flat_map(|address| address.octets()).collect();
        reply.options.push(code::DNS, all);
    }
    if let Some(domain) = &network.domain {
        reply.options.push(code::DOMAIN_NAME, domain.as_bytes());
    }
}
