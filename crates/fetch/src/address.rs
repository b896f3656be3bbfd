//! Which addresses are on the public Internet.
//!
//! In: an address a name resolved to. Out: why it is not public. Never: a name.
//!
//! After the special-purpose registries of IANA (RFC 6890 and its successors). An address that carries an
//! IPv4 address inside (v4-mapped, NAT64, 6to4) is judged by that one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for, if it is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of this host, this link or this organisation: an operator may allow it.
    Internal(&'static str),
    /// Of nobody that could serve a file.
    Nobody(&'static str),
}

impl Kind {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Internal(words) | Self::Nobody(words) => words,
        }
    }
}

/// Why an address is not public; none if it is.
pub(crate) fn not_public(address: IpAddr) -> Option<Kind> {
    match address {
        IpAddr::V4(v4) => not_public_v4(v4),
        IpAddr::V6(v6) => not_public_v6(v6),
    }
}

fn not_public_v4(v4: Ipv4Addr) -> Option<Kind> {
    use Kind::{Internal, Nobody};
    Some(match v4.octets() {
        [0, ..] => Nobody("of no host (0.0.0.0/8)"),
        [10, ..] => Internal("private (10.0.0.0/8)"),
        [100, 64..=127, ..] => Internal("shared by a provider's customers (100.64.0.0/10)"),
        [127, ..] => Internal("this host itself (127.0.0.0/8)"),
        [169, 254, ..] => Internal("of one link (169.254.0.0/16)"),
        [172, 16..=31, ..] => Internal("private (172.16.0.0/12)"),
        [192, 168, ..] => Internal("private (192.168.0.0/16)"),
        [198, 18..=19, ..] => Internal("for measurements (198.18.0.0/15)"),
        [192, 0, 0, _] => Nobody("for protocols (192.0.0.0/24)"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Nobody("for examples"),
        [192, 88, 99, _] => Nobody("of an old relay service (192.88.99.0/24)"),
        [224..=239, ..] => Nobody("multicast (224.0.0.0/4)"),
        [240..=255, ..] => Nobody("reserved or broadcast (240.0.0.0/4)"),
        _ => return None,
    })
}

fn not_public_v6(v6: Ipv6Addr) -> Option<Kind> {
    use Kind::{Internal, Nobody};
    let [a, b, c, ..] = v6.segments();
    let bytes = v6.octets();
    let inside = |at: usize| {
        let four = bytes.get(at..)?.first_chunk::<4>()?;
        Some(Ipv4Addr::from(*four))
    };
    if v6 == Ipv6Addr::LOCALHOST {
        return Some(Internal("this host itself (::1)"));
    }
    if v6 == Ipv6Addr::UNSPECIFIED {
        return Some(Nobody("of no host (::)"));
    }
    match (a, b, c) {
        // ::ffff:0:0/96, and ::/96, which older systems take for the same.
        (0, 0, 0) => {
            let [.., f, _, _] = v6.segments();
            let mapped = v6.segments().get(..5).is_some_and(|zeros| zeros == [0; 5]);
            if mapped && (f == 0xffff || f == 0) {
                return inside(12).map_or(Some(Nobody("reserved (::/8)")), not_public_v4);
            }
            Some(Nobody("reserved (::/8)"))
        }
        (0x64, 0xff9b, 0) => inside(12).and_then(not_public_v4),
        (0x64, 0xff9b, 1) => Some(Internal("translated within an organisation (64:ff9b:1::/48)")),
        (0x100, 0, 0) => Some(Nobody("for throwing away (100::/64)")),
        (0x2001, 0, _) => Some(Nobody("of a tunnel (2001::/32)")),
        (0x2001, 0xdb8, _) | (0x3fff, 0..=0xfff, _) => Some(Nobody("for examples")),
        (0x2002, ..) => inside(2).and_then(not_public_v4),
        (0xfc00..=0xfdff, ..) => Some(Internal("private (fc00::/7)")),
        (0xfe80..=0xfebf, ..) => Some(Internal("of one link (fe80::/10)")),
        (0xfec0..=0xfeff, ..) => Some(Internal("private (fec0::/10)")),
        (0xff00..=0xffff, ..) => Some(Nobody("multicast (ff00::/8)")),
        (0x2000..=0x3fff, ..) => None,
        _ => Some(Nobody("of a range that nobody was given")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for public in [
            "1.1.1.1",
            "9.9.9.9",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "198.17.0.1",
            "223.255.255.255",
            "2a00:1450::1",
            "2600::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
        ] {
            assert_eq!(not_public(public.parse().unwrap()), None, "{public}");
        }
        for internal in [
            "10.1.2.3",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "198.18.0.1",
            "::1",
            "fe80::1",
            "febf::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:a00:1::1",
            "2002:7f00:1::",
        ] {
            let kind = not_public(internal.parse().unwrap());
            assert!(matches!(kind, Some(Kind::Internal(_))), "{internal}: {kind:?}");
        }
        for nobody in [
            "0.0.0.0",
            "0.1.2.3",
            "192.0.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
            "4000::1",
            "::ffff:0.0.0.0",
            "::ffff:224.0.0.1",
            "::1:0:0:1",
            "0:0:0:1::1",
        ] {
            let kind = not_public(nobody.parse().unwrap());
            assert!(matches!(kind, Some(Kind::Nobody(_))), "{nobody}: {kind:?}");
        }
    }
}
