//! What others say: which of it is taken.
//!
//! In: what was asked, and the records that came back, each as far as it matters here. Out: which are
//! passed on. Never: a record that the question does not lead to (a name server that is asked for one
//! name says nothing of another), or a private address where nobody expects one: so a page of somebody
//! outside cannot have a browser talk to a machine inside under its own name (DNS rebinding).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wire::dns::kind;

/// One record that somebody said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard {
    /// Whose, in lower case.
    pub name: Box<[u8]>,
    /// Its type.
    pub kind: u16,
    /// Where it leads, for an alias.
    pub target: Option<Box<[u8]>>,
    /// The address in it.
    pub address: Option<IpAddr>,
}

/// What is passed on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Accepted {
    /// Which of the records, in the order of aliases.
    pub taken: Vec<usize>,
    /// How many had nothing to do with the question.
    pub strange: usize,
    /// How many private addresses were left out.
    pub private: usize,
}

/// Aliases that are followed.
const ALIASES_MAX: usize = 16;

/// Which records answer a question for this name (in lower case) and type.
pub fn accept(asked: &[u8], kind: u16, heard: &[Heard], may_be_private: bool) -> Accepted {
    let mut accepted = Accepted::default();
    let mut name = asked;
    let mut been: Vec<&[u8]> = Vec::new();
    while been.len() < ALIASES_MAX && !been.contains(&name) {
        been.push(name);
        let of_name = || heard.iter().enumerate().filter(|(_, record)| *record.name == *name);
        for (at, record) in of_name().filter(|(_, record)| record.kind == kind) {
            match record.address {
                Some(address) if !may_be_private && is_private(address) => accepted.private += 1,
                _ => accepted.taken.push(at),
            }
        }
        let alias = of_name().find(|(_, record)| record.kind == kind::CNAME);
        let Some((at, record)) = alias.filter(|_| kind != kind::CNAME) else { break };
        let Some(target) = record.target.as_deref() else { break };
        accepted.taken.push(at);
        name = target;
    }
    accepted.strange = heard.len() - accepted.taken.len() - accepted.private;
    accepted
}

/// Whether an address is one that nobody outside has: of this host, this link, this organisation, or
/// none at all; in IPv6 also where it carries such an IPv4 address.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_4(address),
        IpAddr::V6(address) => is_private_6(address),
    }
}

fn is_private_4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || a == 0
        // Shared by providers (RFC 6598), and for benchmarks (RFC 2544).
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
}

fn is_private_6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let last = || {
        let [.., high, low] = parts;
        Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
    };
    match parts {
        // ::/96 and ::ffff:0:0/96 (mapped), and NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => is_private_4(last()),
        // Unique local (fc00::/7), link-local and site-local (fe80::/9).
        [first, ..] => first & 0xfe00 == 0xfc00 || first & 0xff80 == 0xfe80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dns::Name;

    fn name(text: &str) -> Box<[u8]> {
        Name::parse(text).unwrap().as_wire().into()
    }

    fn a(of: &str, address: &str) -> Heard {
        let address: IpAddr = address.parse().unwrap();
        let kind = if address.is_ipv4() { kind::A } else { kind::AAAA };
        Heard { name: name(of), kind, target: None, address: Some(address) }
    }

    fn alias(of: &str, to: &str) -> Heard {
        Heard { name: name(of), kind: kind::CNAME, target: Some(name(to)), address: None }
    }

    #[test]
    fn aliases_that_bite_their_tail_are_followed_once() {
        let heard = [
            a("a.example", "192.0.2.1"),
            alias("a.example", "b.example"),
            alias("b.example", "a.example"),
        ];
        let accepted = accept(&name("a.example"), kind::A, &heard, false);
        assert_eq!(accepted, Accepted { taken: vec![0, 1, 2], strange: 0, private: 0 });
    }

    #[test]
    fn only_what_the_question_leads_to_is_taken() {
        let heard = [
            a("bank.example", "192.0.2.66"),
            alias("www.example.org", "cdn.example.net"),
            a("cdn.example.net", "192.0.2.1"),
            a("cdn.example.net", "192.0.2.2"),
            a("www.example.org", "192.0.2.3"),
            alias("bank.example", "evil.example"),
        ];
        let accepted = accept(&name("www.example.org"), kind::A, &heard, false);
        assert_eq!(accepted, Accepted { taken: vec![4, 1, 2, 3], strange: 2, private: 0 });
        let nothing = accept(&name("other.example"), kind::A, &heard, false);
        assert_eq!((nothing.taken.len(), nothing.strange), (0, 6));
        let only = accept(&name("www.example.org"), kind::CNAME, &heard, false);
        assert_eq!(only.taken, [1]);
    }

    #[test]
    fn aliases_that_run_in_a_circle_end() {
        let heard = [alias("a.example", "b.example"), alias("b.example", "a.example")];
        assert_eq!(accept(&name("a.example"), kind::A, &heard, false).taken, [0, 1]);
        let own = [alias("a.example", "a.example")];
        assert_eq!(accept(&name("a.example"), kind::A, &own, false).taken, [0]);
    }

    #[test]
    fn private_addresses_are_left_out_unless_the_domain_may_have_them() {
        for private in [
            "10.0.0.1",
            "172.16.9.9",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "198.18.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fd77::1",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::192.168.0.1",
        ] {
            let heard = [a("rebind.example", private), a("rebind.example", "192.0.2.9")];
            let kind = heard[0].kind;
            let accepted = accept(&name("rebind.example"), kind, &heard, false);
            assert_eq!((accepted.private, accepted.taken.contains(&0)), (1, false), "{private}");
            let allowed = accept(&name("rebind.example"), kind, &heard, true);
            assert!(allowed.private == 0 && allowed.taken.contains(&0), "{private}");
        }
        for public in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2620:fe::9", "::ffff:8.8.8.8"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }
}
