//! DHCP unique identifiers (RFC 8415, 11; RFC 6355): what they say of a machine, and our own.

/// The longest identifier: two bytes of type and 128 that follow (RFC 8415, 11.1).
pub const DUID_MAX: usize = 130;
/// The shortest: a type and one byte.
pub const DUID_MIN: usize = 3;
/// Ours is never longer, because firmware has kept those of servers in buffers of fixed size.
pub const OWN_DUID_MAX: usize = 20;

const LLT: u16 = 1;
const LL: u16 = 3;
const UUID: u16 = 4;
/// Ethernet, as ARP counts hardware.
const ETHERNET: u16 = 1;

/// The link-layer address of an identifier that was made of one: hardware type, then bytes.
///
/// It was the address of *a* card when the identifier was made, not of the card that asks.
#[must_use]
pub fn link_layer(duid: &[u8]) -> Option<(u16, &[u8])> {
    let (kind, rest) = duid.split_first_chunk::<2>()?;
    let (hardware, rest) = rest.split_first_chunk::<2>()?;
    let address = match u16::from_be_bytes(*kind) {
        LLT => rest.get(4..)?,
        LL => rest,
        _ => return None,
    };
    (!address.is_empty()).then_some((u16::from_be_bytes(*hardware), address))
}

/// The UUID of an identifier that is one, in the order of its bytes on the wire.
#[must_use]
pub fn uuid(duid: &[u8]) -> Option<[u8; 16]> {
    let (kind, rest) = duid.split_first_chunk::<2>()?;
    (u16::from_be_bytes(*kind) == UUID).then_some(())?;
    rest.try_into().ok()
}

/// An identifier of a card's address alone (DUID-LL): the same after every start.
#[must_use]
pub fn of_mac(mac: [u8; 6]) -> Vec<u8> {
    [&LL.to_be_bytes()[..], &ETHERNET.to_be_bytes(), &mac].concat()
}

/// The Ethernet address in the lower half of an IPv6 address, where it was made of one (RFC 4291,
/// appendix A).
#[must_use]
pub fn mac_in(address: std::net::Ipv6Addr) -> Option<[u8; 6]> {
    let [.., a, b, c, 0xff, 0xfe, d, e, f] = address.octets() else { return None };
    Some([a ^ 2, b, c, d, e, f])
}

/// The lower half of an address that is made of an Ethernet address, with `prefix` before it.
#[must_use]
pub fn address_of(prefix: std::net::Ipv6Addr, mac: [u8; 6]) -> std::net::Ipv6Addr {
    let [p0, p1, p2, p3, p4, p5, p6, p7, ..] = prefix.octets();
    let [a, b, c, d, e, f] = mac;
    [p0, p1, p2, p3, p4, p5, p6, p7, a ^ 2, b, c, 0xff, 0xfe, d, e, f].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_say_what_they_were_made_of() {
        let mac = [2, 0, 0, 0, 0, 7];
        assert_eq!(link_layer(&of_mac(mac)), Some((1, &mac[..])));
        let with_time = [&[0, 1, 0, 1, 9, 9, 9, 9][..], &mac].concat();
        assert_eq!(link_layer(&with_time), Some((1, &mac[..])));
        let of_uuid = [&[0, 4][..], &[7; 16]].concat();
        assert_eq!((link_layer(&of_uuid), uuid(&of_uuid)), (None, Some([7; 16])));
        assert_eq!(uuid(&of_uuid[..17]), None);
        assert_eq!(link_layer(&[0, 3, 0, 1]), None);
        assert!(of_mac(mac).len() <= OWN_DUID_MAX);
    }

    #[test]
    fn an_address_made_of_a_card_gives_it_back() {
        let mac = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
        let address = address_of("fe80::".parse().unwrap(), mac);
        assert_eq!(address, "fe80::5054:ff:fe12:3456".parse::<std::net::Ipv6Addr>().unwrap());
        assert_eq!(mac_in(address), Some(mac));
        assert_eq!(mac_in("fd77::1".parse().unwrap()), None);
    }
}
