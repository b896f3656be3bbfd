//! What a DHCPv6 server or a router says of itself, read once.

use super::table::{Announced, Sight};
use crate::listen::{Advertised6, Overheard6};
use model::network6::Subnet6;
use model::other::Deeds;
use model::text::show;
use model::{HardwareAddress, TheirOffer};
use std::net::{IpAddr, Ipv6Addr};
use wire::dhcp6::{Message, code, duid, kind};
use wire::ndp::{PREFIXES_MAX, router_advertisement};

/// The hardware type of Ethernet in an identifier (RFC 8415, 11.2).
const ETHERNET: u16 = 1;

/// Longer identifiers are none (RFC 8415, 11.1).
const DUID_MAX: usize = 130;

/// What a DHCPv6 server says to a client. `is_ours` tells whether a URL leads to us. `None` for what cannot be read, for
/// what is on its way to a relay, and for what was sent to an address that is known beyond the link: anybody in the world
/// could have, and clients ask from an address of the link.
pub(super) fn server(overheard: &Overheard6, is_ours: impl Fn(&[u8]) -> bool) -> Option<Sight> {
    let Overheard6 { from, to, .. } = overheard;
    let near = to.is_unicast_link_local() || to.is_multicast();
    if !near || from.ip().is_unspecified() || from.ip().is_multicast() {
        return None;
    }
    // What a relay is told is no message of this form.
    let message = Message::parse(&overheard.bytes).ok().filter(|m| is_to_client(m.kind))?;
    let url = message.boot_file_url().filter(|url| !url.is_empty());
    let address = message.addresses().first().copied();
    let offer = TheirOffer {
        address: address.map(IpAddr::V6),
        file: url.map(show),
        next_server: None,
        boot: false,
    };
    let does = Deeds {
        addresses: address.is_some(),
        boot: url.is_some_and(|url| !is_ours(url)),
        file: url.is_some(),
        ..Deeds::default()
    };
    let client = message.get(code::CLIENT_ID).and_then(duid::link_layer);
    let client = client.filter(|(kind, _)| *kind == ETHERNET);
    let client = client.and_then(|(_, bytes)| <[u8; 6]>::try_from(bytes).ok());
    let duid = message.get(code::SERVER_ID).filter(|duid| duid.len() <= DUID_MAX);
    Some(Sight {
        client: client.map(HardwareAddress::mac),
        offer: Some(offer),
        duid: duid.map(<[u8]>::to_vec),
        ..seen(*from.ip(), overheard.mac, does)
    })
}

fn is_to_client(number: u8) -> bool {
    matches!(number, kind::ADVERTISE | kind::REPLY)
}

/// What a router says to everybody. `None` for what cannot be read.
pub(super) fn router(advertised: &Advertised6) -> Option<Sight> {
    let says = router_advertisement(&advertised.bytes).ok()?;
    // What it takes back it does not announce.
    let makes = says.prefixes.iter().filter(|prefix| prefix.autonomous && prefix.valid_s > 0);
    let prefixes =
        makes.filter_map(|p| Subnet6::new(p.address, p.length)).take(PREFIXES_MAX).collect();
    let does = Deeds { router: true, ..Deeds::default() };
    let announced = Announced { prefixes, default: says.lifetime_s > 0 };
    Some(Sight { announced: Some(announced), ..seen(advertised.from, advertised.mac, does) })
}

fn seen(from: Ipv6Addr, mac: HardwareAddress, does: Deeds) -> Sight {
    Sight {
        server: from.into(),
        from: Some(from.into()),
        mac: Some(mac),
        does,
        client: None,
        offer: None,
        relayed: None,
        duid: None,
        announced: None,
    }
}
