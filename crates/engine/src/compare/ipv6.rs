//! The same for two DHCPv6 replies.

use super::{Bearing, Difference, Found, hex};
use model::text::show;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::Ipv6Addr;
use std::time::Duration;
use wire::dhcp6::{Association, Message, Packet, code};

/// Options that [`Packet`] has: they are compared by what they mean.
const READ: [u16; 16] = [
    code::CLIENT_ID,
    code::SERVER_ID,
    code::IA_NA,
    code::OPTION_REQUEST,
    code::PREFERENCE,
    code::STATUS,
    code::RAPID_COMMIT,
    code::VENDOR_CLASS,
    code::DNS,
    code::DOMAINS,
    code::CLIENT_NAME,
    code::BOOT_FILE_URL,
    code::BOOT_FILE_PARAMETERS,
    code::CLIENT_ARCH,
    code::CLIENT_NDI,
    code::ELAPSED,
];

/// What a difference of the kinds of two messages is called.
pub(crate) const MESSAGE: &str = "message";

/// `ADVERTISE fd77::100, file tftp://[fd77::1]/loader/snponly-x64.efi`: what a message gives its client.
#[must_use]
pub fn said6(packet: &Packet) -> String {
    let mut words = packet.kind.name().to_owned();
    for given in packet.associations.iter().flat_map(|one| &one.addresses) {
        let held = if given.valid_s == 0 { " no longer" } else { "" };
        words.push_str(&format!("{held} {}", given.address));
    }
    if let Some(url) = &packet.boot_url {
        words.push_str(&format!(", file {}", show(url.strip_suffix(&[0]).unwrap_or(url))));
    }
    let own = packet.associations.iter().filter_map(|one| one.status.as_ref());
    for status in packet.status.iter().chain(own) {
        words.push_str(&format!(", status {} {}", status.code, show(&status.text)));
    }
    words
}

/// All differences between our reply and another server's to the same message, both out of their envelopes, those
/// that bear on most first. Empty: what they say is the same, in whichever order.
#[must_use]
pub fn replies6(ours: &[u8], theirs: &[u8]) -> Vec<Difference> {
    let mut found = Found::default();
    match (Packet::parse(ours), Packet::parse(theirs)) {
        (Ok(a), Ok(b)) => {
            found.head6(&a, &b);
            found.associations(&a.associations, &b.associations);
            found.told6(&a, &b);
        }
        (a, b) => {
            let says = |said: Result<Packet, _>| {
                Some(said.map_or("nothing that can be read", |_| "a message"))
            };
            let (a, b) = (says(a), says(b));
            found.put(MESSAGE, Bearing::Address, a.map(str::to_owned), b.map(str::to_owned));
        }
    }
    if let (Ok(a), Ok(b)) = (Message::parse(ours), Message::parse(theirs)) {
        found.others6(&a, &b);
    }
    found.0.sort_by_key(|difference| difference.bearing);
    found.0
}

fn listed<T: Display>(all: &[T]) -> Option<String> {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// `: 9h longer`: by how much their lifetime differs from ours, where each of the two holds one address.
fn differs_by(ours: &Option<Association>, theirs: &Option<Association>) -> Option<String> {
    let valid_s = |one: &Option<Association>| match one.as_ref()?.addresses.as_slice() {
        [only] if ![0, u32::MAX].contains(&only.valid_s) => Some(only.valid_s),
        _ => None,
    };
    let (ours, theirs) = (valid_s(ours)?, valid_s(theirs)?);
    let by = model::time::show_duration(Duration::from_secs(ours.abs_diff(theirs).into()));
    match theirs.cmp(&ours) {
        Ordering::Equal => None,
        Ordering::Greater => Some(format!(": {by} longer")),
        Ordering::Less => Some(format!(": {by} shorter")),
    }
}

fn shown(all: &[Vec<u8>]) -> Option<String> {
    listed(&all.iter().map(|text| show(text)).collect::<Vec<_>>())
}

impl Found {
    fn head6(&mut self, ours: &Packet, theirs: &Packet) {
        let mut both = |what: &str, bearing, of: &dyn Fn(&Packet) -> Option<String>| {
            self.put(what, bearing, of(ours), of(theirs));
        };
        both(MESSAGE, Bearing::Address, &|m| Some(m.kind.name().to_owned()));
        both("transaction", Bearing::Address, &|m| Some(hex(&m.xid)));
        both("option 1 (client identifier)", Bearing::Address, &|m| {
            m.client_id.as_deref().map(hex)
        });
        both("option 2 (server identifier)", Bearing::Server, &|m| m.server_id.as_deref().map(hex));
        both("option 7 (preference)", Bearing::Server, &|m| m.preference.map(|p| p.to_string()));
        both("option 14 (rapid commit)", Bearing::Address, &|m| {
            m.rapid_commit.then(|| "two messages are enough".to_owned())
        });
        // Success in words is success.
        let status = |m: &Packet| m.status.as_ref().map(|s| s.code).filter(|code| *code != 0);
        both("option 13 (status)", Bearing::Address, &|m| status(m).map(|code| code.to_string()));
    }

    fn associations(&mut self, ours: &[Association], theirs: &[Association]) {
        let all: BTreeSet<u32> = ours.iter().chain(theirs).map(|one| one.iaid).collect();
        for iaid in all {
            let of = |all: &[Association]| all.iter().find(|one| one.iaid == iaid).cloned();
            let (a, b) = (of(ours), of(theirs));
            let mut both = |what: &str, bearing, read: &dyn Fn(&Association) -> Option<String>| {
                let what = format!("association {iaid}: {what}");
                self.put(what, bearing, a.as_ref().and_then(read), b.as_ref().and_then(read));
            };
            both("addresses", Bearing::Address, &|one| {
                let held: Vec<Ipv6Addr> =
                    one.addresses.iter().filter(|a| a.valid_s > 0).map(|a| a.address).collect();
                listed(&held)
            });
            both("given up", Bearing::Address, &|one| {
                let gone: Vec<Ipv6Addr> =
                    one.addresses.iter().filter(|a| a.valid_s == 0).map(|a| a.address).collect();
                listed(&gone)
            });
            both("status", Bearing::Address, &|one| {
                let code = one.status.as_ref().map(|status| status.code);
                code.filter(|code| *code != 0).map(|code| code.to_string())
            });
            both("lifetimes", Bearing::Time, &|one| {
                let held = one.addresses.iter().filter(|a| a.valid_s > 0);
                let times = held.map(|a| format!("{} s, {} s", a.preferred_s, a.valid_s));
                let by = differs_by(&a, &b).filter(|_| b.as_ref() == Some(one));
                listed(&times.collect::<Vec<_>>()).map(|times| times + &by.unwrap_or_default())
            });
            both("asks again", Bearing::Time, &|one| {
                let again = one.addresses.iter().any(|a| a.valid_s > 0);
                again.then(|| format!("in {} s, {} s", one.renew_s, one.rebind_s))
            });
        }
    }

    fn told6(&mut self, ours: &Packet, theirs: &Packet) {
        let mut both = |what: &str, bearing, of: &dyn Fn(&Packet) -> Option<String>| {
            self.put(what, bearing, of(ours), of(theirs));
        };
        both("option 59 (boot file)", Bearing::Boot, &|m| {
            let url = m.boot_url.as_deref()?;
            // A zero at the end is no part of it.
            Some(show(url.strip_suffix(&[0]).unwrap_or(url)))
        });
        both("option 60 (boot parameters)", Bearing::Boot, &|m| shown(&m.boot_parameters));
        both("option 16 (vendor class)", Bearing::Boot, &|m| {
            let all: Vec<Vec<u8>> =
                m.vendor_classes.iter().flat_map(|(_, all)| all.clone()).collect();
            shown(&all)
        });
        both("option 23 (dns)", Bearing::Network, &|m| listed(&m.dns));
        both("option 24 (domains)", Bearing::Network, &|m| listed(&m.domains));
        both("option 39 (name)", Bearing::Network, &|m| m.name.as_deref().map(show));
    }

    /// Options that nobody here reads, and their order.
    fn others6(&mut self, ours: &Message, theirs: &Message) {
        let codes = |m: &Message| m.codes().collect::<Vec<u16>>();
        let (a, b) = (codes(ours), codes(theirs));
        let all: BTreeSet<u16> = a.iter().chain(&b).copied().collect();
        for code in all.into_iter().filter(|code| !READ.contains(code)) {
            let said = |m: &Message| m.get(code).map(hex);
            self.put(format!("option {code}"), Bearing::Network, said(ours), said(theirs));
        }
        if self.0.is_empty() && a != b {
            self.put("order of options", Bearing::Form, listed(&a), listed(&b));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::agree;
    use wire::dhcp6::{Given, Kind, Status};

    fn reply() -> Packet {
        let mut packet = Packet::new(Kind::Reply, [1, 2, 3]);
        packet.client_id = Some(vec![0, 3, 0, 1, 2, 0, 0, 0, 0, 1]);
        packet.server_id = Some(vec![0, 4, 9, 9]);
        let address = "fd77::100".parse().unwrap();
        let given = Given { address, preferred_s: 100, valid_s: 200 };
        packet.associations =
            vec![Association { iaid: 7, addresses: vec![given], ..Association::default() }];
        packet.boot_url = Some(b"tftp://[fd77::1]/snponly.efi".to_vec());
        packet
    }

    fn between(theirs: &Packet) -> Vec<Difference> {
        replies6(&reply().encode().unwrap(), &theirs.encode().unwrap())
    }

    #[test]
    fn servers_may_call_themselves_differently_and_nothing_else_may_be() {
        assert_eq!(between(&reply()), []);
        let mut other = reply();
        other.server_id = Some(vec![0, 4, 8, 8]);
        other.preference = Some(255);
        other.status = Some(Status { code: 0, text: b"welcome".to_vec() });
        let differences = between(&other);
        assert_eq!(differences.len(), 2, "{differences:?}");
        assert!(agree(&differences));
    }

    #[test]
    fn what_a_machine_would_do_otherwise_for_is_named() {
        type Case = (&'static str, fn(&mut Packet));
        let cases: [Case; 6] = [
            ("association 7: addresses: we say fd77::100, they say fd77::9", |p| {
                p.associations[0].addresses[0].address = "fd77::9".parse().unwrap();
            }),
            (
                "association 7: lifetimes: we say 100 s, 200 s, they say 100 s, 300 s: 100s longer",
                |p| {
                    p.associations[0].addresses[0].valid_s = 300;
                },
            ),
            ("association 7: addresses: we say fd77::100, they say nothing", |p| {
                p.associations.clear();
            }),
            ("option 59 (boot file): we say tftp://[fd77::1]/snponly.efi, they say nothing", |p| {
                p.boot_url = None;
            }),
            ("option 23 (dns): we say nothing, they say fd77::53", |p| {
                p.dns = vec!["fd77::53".parse().unwrap()];
            }),
            ("message: we say REPLY, they say ADVERTISE", |p| p.kind = Kind::Advertise),
        ];
        for (says, change) in cases {
            let mut other = reply();
            change(&mut other);
            let differences = between(&other);
            assert!(!agree(&differences), "{says}");
            assert!(
                differences.iter().any(|one| one.to_string() == says),
                "{says}: {differences:?}"
            );
        }
    }

    #[test]
    fn what_nobody_can_read_differs() {
        assert!(!agree(&replies6(&reply().encode().unwrap(), &[2, 0])));
        assert!(replies6(&[2, 0], &[2, 0]).is_empty());
    }
}
