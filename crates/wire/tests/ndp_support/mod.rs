//! What must hold for any bytes: shared by the ordinary tests and the fuzz target.

use wire::ip6::{self, Body};
use wire::ndp::{DNS_MAX, OPTIONS_MAX, PREFIXES_MAX, router_advertisement};

/// Reads the bytes as a router advertisement, and as a packet that may hold one. What was read is bounded, and is the
/// same when it is said once more.
pub fn walk(bytes: &[u8]) {
    advertisement(bytes);
    if let Ok(packet) = ip6::parse(bytes)
        && let Body::Icmp(message) = packet.body
    {
        assert!(bytes.as_ptr_range().end >= message.as_ptr_range().end);
        advertisement(message);
    }
}

fn advertisement(icmp: &[u8]) {
    let Ok(said) = router_advertisement(icmp) else { return };
    assert!(said.dns.len() <= DNS_MAX && said.prefixes.len() <= OPTIONS_MAX, "{said:?}");
    assert!(said.prefixes.iter().all(|prefix| prefix.length <= 128), "{said:?}");
    if said.prefixes.len() <= PREFIXES_MAX {
        assert_eq!(router_advertisement(&said.encode(600)), Ok(said));
    }
}
