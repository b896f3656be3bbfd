//! Router solicitations and advertisements (RFC 4861, 4.1 and 4.2; RFC 8106).
//!
//! In: an ICMPv6 message from anybody on the link. Out: what a router promises; our question for it;
//! and the promise of our own, where we are asked to advertise. Never: neighbours, redirects, what
//! follows from a promise.

use std::error::Error;
use std::fmt;
use std::net::Ipv6Addr;

const SOLICITATION: u8 = 133;
const ADVERTISEMENT: u8 = 134;
/// Bytes of an advertisement before its options.
const FIXED: usize = 16;
/// Options are counted in these.
const UNIT: usize = 8;
/// More options in one message are not read.
pub const OPTIONS_MAX: usize = 32;
/// More addresses of DNS servers are not kept, or sent.
pub const DNS_MAX: usize = 8;
/// More prefixes are not sent.
pub const PREFIXES_MAX: usize = 8;

const SOURCE_LINK_ADDRESS: u8 = 1;
const PREFIX: u8 = 3;
const MTU: u8 = 5;
const RDNSS: u8 = 25;

const MANAGED: u8 = 0x80;
const OTHER: u8 = 0x40;
const ON_LINK: u8 = 0x80;
const AUTONOMOUS: u8 = 0x40;

/// Asks routers to speak now, as somebody with `mac`; its checksum is still zero.
#[must_use]
pub fn router_solicitation(mac: [u8; 6]) -> Vec<u8> {
    let mut bytes = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([SOURCE_LINK_ADDRESS, 1]);
    bytes.extend(mac);
    bytes
}

/// Whether this is a host's question for routers (RFC 4861, 6.1.1), from the ICMPv6 type on.
#[must_use]
pub fn is_router_solicitation(icmp: &[u8]) -> bool {
    matches!(icmp, [SOLICITATION, 0, _, _, _, _, _, _, ..])
}

/// Hops that hosts of the link give their packets (RFC 1700).
const HOP_LIMIT: u8 = 64;

impl RouterAdvertisement {
    /// The ICMPv6 message; its checksum is still zero. Prefixes hold, and are preferred, for as long
    /// as they say; DNS servers for as long as `dns_s` says.
    #[must_use]
    pub fn encode(&self, dns_s: u32) -> Vec<u8> {
        let flags = [(self.managed, MANAGED), (self.other, OTHER)];
        let flags = flags.into_iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag);
        let [l0, l1] = self.lifetime_s.to_be_bytes();
        let mut bytes = vec![ADVERTISEMENT, 0, 0, 0, HOP_LIMIT, flags, l0, l1];
        // How long a neighbour is taken to be there is for hosts to say.
        bytes.extend([0; 8]);
        if let Some(mac) = self.mac {
            bytes.extend([SOURCE_LINK_ADDRESS, 1]);
            bytes.extend(mac);
        }
        for prefix in self.prefixes.iter().take(PREFIXES_MAX) {
            let flags = [(prefix.on_link, ON_LINK), (prefix.autonomous, AUTONOMOUS)];
            let flags =
                flags.into_iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag);
            bytes.extend([PREFIX, 4, prefix.length, flags]);
            bytes.extend(prefix.valid_s.to_be_bytes());
            bytes.extend(prefix.valid_s.to_be_bytes());
            bytes.extend([0; 4]);
            bytes.extend(prefix.address.octets());
        }
        if let Some(mtu) = self.mtu {
            bytes.extend([MTU, 1, 0, 0]);
            bytes.extend(mtu.to_be_bytes());
        }
        let dns: Vec<&Ipv6Addr> = self.dns.iter().take(DNS_MAX).collect();
        if !dns.is_empty() {
            let units = u8::try_from(dns.len()).unwrap_or(0).saturating_mul(2).saturating_add(1);
            bytes.extend([RDNSS, units, 0, 0]);
            bytes.extend(dns_s.to_be_bytes());
            bytes.extend(dns.iter().flat_map(|address| address.octets()));
        }
        bytes
    }
}

/// What a router says of the link.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RouterAdvertisement {
    /// M: addresses come by DHCPv6.
    pub managed: bool,
    /// O: other settings come by DHCPv6.
    pub other: bool,
    /// Seconds for which it is a default router; 0 is never.
    pub lifetime_s: u16,
    /// Prefixes of the link.
    pub prefixes: Vec<Prefix>,
    /// DNS servers, those with no time left are left out.
    pub dns: Vec<Ipv6Addr>,
    /// The largest packet of the link.
    pub mtu: Option<u32>,
    /// The router's hardware address, as it says.
    pub mac: Option<[u8; 6]>,
}

/// A prefix of the link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Prefix {
    /// Its first address.
    pub address: Ipv6Addr,
    /// Its bits, at most 128.
    pub length: u8,
    /// L: its addresses are on this link.
    pub on_link: bool,
    /// A: hosts may make themselves an address of it.
    pub autonomous: bool,
    /// Seconds for which it holds.
    pub valid_s: u32,
}

/// Reads a router advertisement, from the ICMPv6 type on. Options that are malformed in themselves
/// are left out; what breaks the list of options refuses the message (RFC 4861, 6.1.2).
///
/// # Errors
///
/// When it is none.
pub fn router_advertisement(icmp: &[u8]) -> Result<RouterAdvertisement, Malformed> {
    let Some((fixed, mut rest)) = icmp.split_first_chunk::<FIXED>() else {
        return Err(Malformed::TooShort);
    };
    let [kind, code, _, _, _, flags, t0, t1, ..] = *fixed;
    if (kind, code) != (ADVERTISEMENT, 0) {
        return Err(Malformed::Kind(kind));
    }
    let mut said = RouterAdvertisement {
        managed: flags & MANAGED != 0,
        other: flags & OTHER != 0,
        lifetime_s: u16::from_be_bytes([t0, t1]),
        ..RouterAdvertisement::default()
    };
    let mut options = 0_usize;
    while let [kind, units, ..] = *rest {
        options = options.saturating_add(1);
        let length = usize::from(units).saturating_mul(UNIT);
        if length == 0 || options > OPTIONS_MAX {
            return Err(Malformed::Options);
        }
        let (option, after) = rest.split_at_checked(length).ok_or(Malformed::Options)?;
        take(&mut said, kind, option.get(2..).unwrap_or_default());
        rest = after;
    }
    // A lone byte is no option.
    if rest.is_empty() { Ok(said) } else { Err(Malformed::Options) }
}

fn take(said: &mut RouterAdvertisement, kind: u8, value: &[u8]) {
    match kind {
        SOURCE_LINK_ADDRESS => said.mac = value.first_chunk().copied(),
        PREFIX => said.prefixes.extend(prefix(value)),
        MTU => {
            if let Some(&[_, _, a, b, c, d]) = value.first_chunk::<6>() {
                said.mtu = Some(u32::from_be_bytes([a, b, c, d]));
            }
        }
        RDNSS => {
            let Some((&[_, _, a, b, c, d], servers)) = value.split_first_chunk::<6>() else {
                return;
            };
            if u32::from_be_bytes([a, b, c, d]) == 0 {
                return;
            }
            let room = DNS_MAX.saturating_sub(said.dns.len());
            let (servers, _) = servers.as_chunks::<16>();
            said.dns.extend(servers.iter().take(room).copied().map(Ipv6Addr::from));
        }
        _ => {}
    }
}

fn prefix(value: &[u8]) -> Option<Prefix> {
    let (&[length, flags, v0, v1, v2, v3], rest) = value.split_first_chunk::<6>()?;
    // The preferred lifetime and four reserved bytes stand between.
    let address = rest.get(8..24).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())?;
    (length <= 128).then_some(Prefix {
        address: address.into(),
        length,
        on_link: flags & ON_LINK != 0,
        autonomous: flags & AUTONOMOUS != 0,
        valid_s: u32::from_be_bytes([v0, v1, v2, v3]),
    })
}

/// Why a message is no router advertisement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// It ends before its fixed part does.
    TooShort,
    /// Another ICMPv6 message, of this type.
    Kind(u8),
    /// Its list of options breaks off, or there are too many.
    Options,
}

impl Error for Malformed {}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => write!(f, "shorter than the {FIXED} bytes of an advertisement"),
            Self::Kind(kind) => write!(f, "ICMPv6 type {kind} instead of {ADVERTISEMENT}"),
            Self::Options => f.write_str("its options break off, or are too many"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    fn advertisement(flags: u8, options: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![134, 0, 0, 0, 64, flags, 0x07, 0x08];
        bytes.extend([0; 8]);
        bytes.extend(options.concat());
        bytes
    }

    fn prefix_option(length: u8) -> Vec<u8> {
        let mut bytes = vec![3, 4, length, 0xc0, 0, 0, 0x0e, 0x10, 0, 0, 0, 9, 0, 0, 0, 0];
        bytes.extend("fd77::".parse::<Ipv6Addr>().unwrap().octets());
        bytes
    }

    fn rdnss(lifetime: u8) -> Vec<u8> {
        let mut bytes = vec![25, 3, 0, 0, 0, 0, 0, lifetime];
        bytes.extend("fd77::53".parse::<Ipv6Addr>().unwrap().octets());
        bytes
    }

    #[test]
    fn all_that_a_router_says() {
        let mac = [1, 1, 2, 0, 0, 0, 0, 1];
        let mtu = [5, 1, 0, 0, 0, 0, 0x05, 0xdc];
        let bytes = advertisement(0xc0, &[&mac, &prefix_option(64), &mtu, &rdnss(9)]);
        let said = router_advertisement(&bytes).unwrap();
        assert!(said.managed && said.other);
        assert_eq!(said.lifetime_s, 1800);
        assert_eq!(said.mac, Some([2, 0, 0, 0, 0, 1]));
        assert_eq!(said.mtu, Some(1500));
        assert_eq!(said.dns, ["fd77::53".parse::<Ipv6Addr>().unwrap()]);
        let address = "fd77::".parse().unwrap();
        let (on_link, autonomous, valid_s) = (true, true, 3600);
        assert_eq!(said.prefixes, [Prefix { address, length: 64, on_link, autonomous, valid_s }]);
    }

    #[test]
    fn what_makes_no_sense_is_left_out_and_what_breaks_the_list_is_refused() {
        let said = router_advertisement(&advertisement(0, &[&prefix_option(129), &rdnss(0)]));
        assert_eq!(said, Ok(RouterAdvertisement { lifetime_s: 1800, ..Default::default() }));
        let refused = |options: &[u8]| router_advertisement(&advertisement(0, &[options]));
        assert_eq!(refused(&[3, 0, 0, 0, 0, 0, 0, 0]), Err(Malformed::Options), "no length");
        assert_eq!(refused(&[3, 4, 0]), Err(Malformed::Options), "cut short");
        assert_eq!(refused(&[3]), Err(Malformed::Options), "a lone byte");
        assert_eq!(refused(&[1, 1, 0, 0, 0, 0, 0, 0].repeat(33)), Err(Malformed::Options));
        assert_eq!(router_advertisement(&[135; 16]), Err(Malformed::Kind(135)));
        assert_eq!(router_advertisement(&[134; 15]), Err(Malformed::TooShort));
    }

    #[test]
    fn our_question_says_who_asks() {
        let bytes = router_solicitation([2, 0, 0, 0, 0, 7]);
        assert_eq!(bytes, [133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 7]);
    }

    #[test]
    fn what_we_promise_is_what_is_read() {
        let prefix = Prefix {
            address: "fd77::".parse().unwrap(),
            length: 64,
            on_link: true,
            autonomous: false,
            valid_s: 7200,
        };
        let said = RouterAdvertisement {
            managed: true,
            other: true,
            lifetime_s: 0,
            prefixes: vec![prefix, Prefix { autonomous: true, ..prefix }],
            dns: vec!["fd77::1".parse().unwrap(); 2],
            mtu: Some(1500),
            mac: Some([2, 0, 0, 0, 0, 1]),
        };
        assert_eq!(router_advertisement(&said.encode(600)), Ok(said));
        let nothing = RouterAdvertisement::default();
        assert_eq!(router_advertisement(&nothing.encode(600)), Ok(nothing));
        assert!(is_router_solicitation(&router_solicitation([2; 6])));
        assert!(!is_router_solicitation(&[133, 0, 0, 0]) && !is_router_solicitation(&[134; 16]));
    }

    proptest! {
        #[test]
        fn anything_may_come(bytes: Vec<u8>, options in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = router_advertisement(&bytes);
            if let Ok(said) = router_advertisement(&advertisement(0xff, &[&options])) {
                assert!(said.dns.len() <= DNS_MAX && said.prefixes.len() <= OPTIONS_MAX);
            }
        }
    }
}
