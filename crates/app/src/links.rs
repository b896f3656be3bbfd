//! The network interfaces of this host, as faults and findings speak of them.

pub use serve::Interface as Link;

/// `10.77.0.1/24, 10.80.0.1/24`, or `no IPv4 address`.
pub fn shown_addresses(link: &Link) -> String {
    if link.addresses.is_empty() {
        return "no IPv4 address".to_owned();
    }
    let all: Vec<String> = link.addresses.iter().map(|(a, p)| format!("{a}/{p}")).collect();
    all.join(", ")
}

/// All interfaces, by name.
pub fn all() -> Result<Vec<Link>, String> {
    serve::interfaces().map_err(|e| format!("cannot list the network interfaces: {e}"))
}

/// An interface that is up and has these addresses, though it is not of this host: a capture was made
/// where it is.
pub fn imagined(name: &str, addresses: &[(std::net::Ipv4Addr, u8)]) -> Link {
    Link {
        name: name.to_owned(),
        index: 1,
        up: true,
        running: true,
        loopback: name == "lo",
        mac: None,
        addresses: addresses.to_vec(),
        addresses6: Vec::new(),
        mtu: None,
    }
}
