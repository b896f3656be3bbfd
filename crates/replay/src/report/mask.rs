//! Addresses in a report made others, each always the same one: who reads it learns nothing of the network it
//! comes from, and everything in it can still be decided again.
//!
//! In: a report. Out: the same with other IPv4, IPv6 and hardware addresses, in texts and in messages. A host
//! keeps its number in its subnet; a hardware address keeps its first three bytes, by which firmware is
//! known; an IPv6 address that was made of a card is made of the card that stands for it. Never: names, serial numbers, UUIDs of others than masked; the report says so.

use super::mask6;
use super::{Report, texts};
use engine::record::{Exchange, Given, Hex, TEXT_MAX};
use model::lease::{Reservation6, ReservedFor6};
use model::network::Network;
use model::{Change, HardwareAddress, Network6};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use wire::dhcp4::{Message, Options, code};
use wire::dhcp6::duid;

/// Addresses of one report that are masked; what has more is no report of one machine.
const KNOWN_MAX: usize = 4096;

/// Options that are texts: their length may change.
const TEXTS: [u8; 8] =
    [12, 17, code::MESSAGE, code::TFTP_SERVER_NAME, code::BOOT_FILE_NAME, 114, 209, 210];

impl Report {
    /// The same with other addresses.
    ///
    /// # Errors
    /// In words, when it cannot be done without leaving some as they are.
    pub fn mask(&self) -> Result<Self, String> {
        let mut value = serde_json::to_value(self).map_err(|e| e.to_string())?;
        let known = Known::of(self, &mut value)?;
        texts(&mut value, &mut |text| *text = known.text(text));
        let mut masked: Self = serde_json::from_value(value)
            .map_err(|e| format!("with other addresses it cannot be read: {e}"))?;
        for recorded in masked.parts.iter_mut().flat_map(|part| &mut part.exchanges) {
            match &mut recorded.what {
                Exchange::Dhcp(message) => {
                    message.asked = known.message(&message.asked);
                    if let Some(sent) = &mut message.answer {
                        sent.bytes = known.message(&sent.bytes);
                    }
                }
                Exchange::Dhcp6(message) => {
                    message.asked = Hex(mask6::message(&known, &message.asked.0));
                    if let Some(sent) = &mut message.answer {
                        sent.bytes = Hex(mask6::message(&known, &sent.bytes.0));
                    }
                }
                Exchange::File(file) => {
                    // Another address may be shorter or longer; of a text that was cut nobody knows.
                    if let Given::Text { text, size } = &mut file.given
                        && *size <= TEXT_MAX as u64
                    {
                        *size = text.len() as u64;
                    }
                }
            }
        }
        known.bytes(&mut masked.server_duid.0);
        let before = masked.parts.iter_mut().flat_map(|part| &mut part.before);
        masked.facts.iter_mut().chain(before).for_each(|fact| known.identifiers(fact));
        masked.masked = true;
        masked.notes.push(
            "names, serial numbers and UUIDs, also of other machines that rules name, are as they were: \
             read it before you pass it on"
                .to_owned(),
        );
        Ok(masked)
    }
}

/// Every address, and what stands for it.
#[derive(Default)]
pub(super) struct Known {
    ips: BTreeMap<Ipv4Addr, Ipv4Addr>,
    ips6: BTreeMap<Ipv6Addr, Ipv6Addr>,
    macs: BTreeMap<[u8; 6], [u8; 6]>,
}

impl Known {
    fn of(report: &Report, value: &mut Value) -> Result<Self, String> {
        let (mut ips, mut ips6, mut macs) = (Vec::new(), Vec::new(), Vec::new());
        texts(value, &mut |text| {
            // A text may be long; an address is short.
            for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || ".:-".contains(c))) {
                let socket = word.parse::<SocketAddr>().map(|socket| socket.ip());
                let ip = word.parse().ok().or(match socket {
                    Ok(std::net::IpAddr::V4(ip)) => Some(ip),
                    _ => None,
                });
                ips.extend(ip);
                ips6.extend(word.trim_end_matches([':', '.']).parse::<Ipv6Addr>());
                ips6.extend(word.parse::<Ipv6Addr>());
                let mac = word.parse::<HardwareAddress>().ok().filter(|_| word.len() >= 17);
                macs.extend(mac.and_then(|mac| mac.as_mac()));
            }
        });
        let exchanges = report.parts.iter().flat_map(|part| &part.exchanges);
        for recorded in exchanges {
            if let Exchange::Dhcp6(message) = &recorded.what {
                let answer = message.answer.iter().map(|sent| &sent.bytes);
                for Hex(bytes) in [&message.asked].into_iter().chain(answer) {
                    mask6::addresses(bytes, &mut ips6, &mut macs);
                }
            }
            let Exchange::Dhcp(message) = &recorded.what else { continue };
            let answer = message.answer.iter().map(|sent| &sent.bytes);
            for Hex(bytes) in [&message.asked].into_iter().chain(answer) {
                let Ok(message) = Message::parse(bytes) else { continue };
                ips.extend([message.ciaddr, message.yiaddr, message.siaddr, message.giaddr]);
                for (code, value) in message.options.iter() {
                    if is_addresses(code) {
                        let groups = value.as_chunks::<4>().0;
                        ips.extend(groups.iter().map(|bytes| Ipv4Addr::from(*bytes)));
                    }
                }
                macs.extend(<[u8; 6]>::try_from(message.hardware_address()).ok());
            }
        }
        let mut known = Self::default();
        macs.extend(ips6.iter().filter_map(|ip| duid::mac_in(*ip)));
        ips.sort_unstable();
        ips6.sort_unstable();
        macs.sort_unstable();
        for ip in ips {
            known.add_ip(ip, &report.settings.networks);
        }
        macs.dedup();
        let mut number = 0_u64;
        for mac in &macs {
            let [a, b, c, ..] = *mac;
            let other = loop {
                number += 1;
                let [.., d, e, f] = number.to_be_bytes();
                let other = [a, b, c, d, e, f];
                // Nobody's real address stands for another's.
                if macs.binary_search(&other).is_err() {
                    break other;
                }
            };
            known.macs.insert(*mac, other);
        }
        for ip in ips6 {
            known.add_ip6(ip, &report.settings.networks6);
        }
        let count = known.ips.len() + known.ips6.len() + known.macs.len();
        match count > KNOWN_MAX {
            true => Err(format!("it has {count} addresses, and {KNOWN_MAX} are masked at most")),
            false => Ok(known),
        }
    }

    fn add_ip(&mut self, ip: Ipv4Addr, networks: &[Network]) {
        let special = ip.is_unspecified()
            || ip.is_loopback()
            || ip.is_multicast()
            // Masks, and the broadcast address.
            || ip.octets().first() == Some(&255);
        if special || self.ips.contains_key(&ip) {
            return;
        }
        let within =
            networks.iter().zip((0..=u8::MAX).cycle()).find(|(n, _)| n.subnet.contains(ip));
        let other = match within {
            Some((Network { subnet, .. }, number)) => {
                let bases = match subnet.prefix {
                    24.. => [[10, 200, number, 0], [11, 200, number, 0]],
                    16.. => [[12, number, 0, 0], [13, number, 0, 0]],
                    _ => [[number.wrapping_add(20), 0, 0, 0], [number.wrapping_add(120), 0, 0, 0]],
                };
                let [first, second] = bases.map(Ipv4Addr::from);
                let base = if subnet.contains(first) { second } else { first };
                let hosts = u32::MAX.checked_shr(u32::from(subnet.prefix)).unwrap_or(0);
                Ipv4Addr::from(u32::from(base) | (u32::from(ip) & hosts))
            }
            None => {
                // RFC 2544's network for tests, which nobody routes.
                let number = u32::try_from(self.ips.len()).unwrap_or(u32::MAX) & 0x1_ffff;
                Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) | number)
            }
        };
        self.ips.insert(ip, other);
    }

    /// To be called when all hardware addresses are known.
    fn add_ip6(&mut self, ip: Ipv6Addr, networks: &[Network6]) {
        let special = ip.is_unspecified() || ip.is_loopback() || ip.is_multicast();
        if special || self.ips6.contains_key(&ip) {
            return;
        }
        let within =
            networks.iter().zip((1..=u16::MAX).cycle()).find(|(n, _)| n.subnet.contains(ip));
        let hosts = |prefix: u8| u128::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
        let (base, host) = match within {
            Some((Network6 { subnet, .. }, number)) => {
                // What is shorter than that has no room for a number.
                let number = if subnet.prefix >= 32 { number } else { 0 };
                let [first, second] =
                    [0xfdc8, 0xfdc9].map(|begin| Ipv6Addr::new(begin, number, 0, 0, 0, 0, 0, 0));
                let base = if subnet.contains(first) { second } else { first };
                (base, u128::from(ip) & hosts(subnet.prefix))
            }
            None if ip.is_unicast_link_local() => {
                (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), self.ips6.len() as u128 + 1)
            }
            // For examples only (RFC 3849).
            None => (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), self.ips6.len() as u128 + 1),
        };
        let other = Ipv6Addr::from(u128::from(base) | host);
        let card = duid::mac_in(ip).and_then(|mac| self.macs.get(&mac));
        let other = card.map_or(other, |mac| duid::address_of(other, *mac));
        self.ips6.insert(ip, other);
    }

    pub(super) fn ip6(&self, ip: Ipv6Addr) -> Ipv6Addr {
        self.ips6.get(&ip).copied().unwrap_or(ip)
    }

    /// Identifiers of clients, in which their cards may stand.
    fn identifiers(&self, fact: &mut Change) {
        match fact {
            Change::Lease6(lease) => self.bytes(&mut lease.duid),
            Change::Reservation6(Reservation6 { holder: ReservedFor6::Duid(duid), .. }) => {
                self.bytes(duid);
            }
            _ => {}
        }
    }

    /// The text with every known address in any of its spellings made another.
    fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        // Two rounds, so that what one address becomes is not taken for another.
        let mut marks: Vec<(String, String)> = Vec::new();
        let mut put = |out: &mut String, from: String, to: String| {
            if contains(out, &from) {
                let mark = format!("\u{1}{}\u{2}", marks.len());
                *out = replaced(out, &from, &mark);
                marks.push((mark, to));
            }
        };
        for (ip, other) in &self.ips {
            put(&mut out, ip.to_string(), other.to_string());
            let hex = |ip: Ipv4Addr| format!("{:08X}", u32::from(ip));
            put(&mut out, hex(*ip), hex(*other));
        }
        // A longer one first, of which a shorter may be the beginning.
        let mut all: Vec<_> = self.ips6.iter().map(|(ip, other)| (ip.to_string(), other)).collect();
        all.sort_by_key(|(ip, _)| std::cmp::Reverse(ip.len()));
        for (ip, other) in all {
            put(&mut out, ip, other.to_string());
        }
        for (mac, other) in &self.macs {
            for separator in [":", "-", ""] {
                let lower = |mac: &[u8; 6]| mac.map(|byte| format!("{byte:02x}")).join(separator);
                put(&mut out, lower(mac), lower(other));
                put(&mut out, lower(mac).to_uppercase(), lower(other).to_uppercase());
            }
        }
        for (mark, to) in marks {
            out = out.replace(&mark, &to);
        }
        out
    }

    /// A message with every known address in it made another; one that cannot be read has none.
    fn message(&self, bytes: &Hex) -> Hex {
        let Ok(mut message) = Message::parse(&bytes.0) else { return Hex::default() };
        let ip = |ip: Ipv4Addr| self.ips.get(&ip).copied().unwrap_or(ip);
        message.ciaddr = ip(message.ciaddr);
        message.yiaddr = ip(message.yiaddr);
        message.siaddr = ip(message.siaddr);
        message.giaddr = ip(message.giaddr);
        self.bytes(&mut message.chaddr);
        let (file, name) = (message.file_name().to_vec(), message.server_name().to_vec());
        // A name that is too long by now is left out.
        message.file = [0; 128];
        let _ = message.set_file(&self.bytes_of_text(&file));
        message.sname = [0; 64];
        let _ = message.set_sname(&self.bytes_of_text(&name));
        let mut options = Options::default();
        for (code, value) in message.options.iter() {
            let value = match TEXTS.contains(&code) {
                true => self.bytes_of_text(value),
                false => {
                    let mut value = value.to_vec();
                    self.bytes(&mut value);
                    value
                }
            };
            options.push(code, value);
        }
        message.options = options;
        Hex(message.encode(usize::MAX).unwrap_or_default())
    }

    pub(super) fn bytes_of_text(&self, bytes: &[u8]) -> Vec<u8> {
        match str::from_utf8(bytes) {
            Ok(text) => self.text(text).into_bytes(),
            Err(_) => Vec::new(),
        }
    }

    /// Addresses as they are on the wire, wherever they stand.
    pub(super) fn bytes(&self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let ip6 = rest.first_chunk::<16>().and_then(|ip| self.ips6.get(&Ipv6Addr::from(*ip)));
            let mac = rest.first_chunk::<6>().and_then(|mac| self.macs.get(mac));
            let ip = rest.first_chunk::<4>().and_then(|ip| self.ips.get(&Ipv4Addr::from(*ip)));
            let new: &[u8] = match (ip6, mac, ip) {
                (Some(ip6), ..) => &ip6.octets(),
                (None, Some(mac), _) => mac,
                (None, None, Some(ip)) => &ip.octets(),
                (None, None, None) => &[],
            };
            if let Some(place) = bytes.get_mut(at..at + new.len()) {
                place.copy_from_slice(new);
            }
            at += new.len().max(1);
        }
    }
}

/// Options that are IPv4 addresses and nothing else.
fn is_addresses(code: u8) -> bool {
    matches!(code, 3..=11 | 16 | 28 | 32 | 33 | 41 | 42 | 44 | 45 | 48..=50 | 54 | 65 | 68..=76 | 150)
}

fn contains(text: &str, word: &str) -> bool {
    replaces(text, word).next().is_some()
}

/// Where a word stands that no digit or letter makes part of a longer one.
fn replaces<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let numeric = word.contains('.');
    let ipv6 = !numeric && word.contains("::");
    let part = move |c: char| match numeric {
        true => c.is_ascii_digit(),
        false => c.is_ascii_hexdigit(),
    };
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let mut behind = text.get(at + word.len()..).unwrap_or_default().chars();
        let (behind, then) = (behind.next(), behind.next());
        // A colon behind an address ends a word, unless digits follow.
        let goes_on = ipv6 && behind == Some(':') && then.is_some_and(part);
        !before.is_some_and(part) && !behind.is_some_and(part) && !goes_on
    })
}

fn replaced(text: &str, word: &str, with: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for at in replaces(text, word) {
        out.push_str(text.get(end..at).unwrap_or_default());
        out.push_str(with);
        end = at + word.len();
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let mut known = Known::default();
        known.ips.insert("10.0.0.1".parse().unwrap(), "10.200.0.1".parse().unwrap());
        known.ips.insert("10.200.0.1".parse().unwrap(), "198.18.0.1".parse().unwrap());
        known.macs.insert([0x52, 0x54, 0, 0xaa, 0xbb, 1], [0x52, 0x54, 0, 0, 0, 1]);
        known
    }

    #[test]
    fn an_address_is_masked_in_every_spelling_and_no_part_of_another_is() {
        let known = known();
        for (text, masked) in [
            ("http://10.0.0.1/boot.ipxe", "http://10.200.0.1/boot.ipxe"),
            ("10.0.0.1, 10.200.0.1 and 10.0.0.10", "10.200.0.1, 198.18.0.1 and 10.0.0.10"),
            ("pxelinux.cfg/01-52-54-00-aa-bb-01", "pxelinux.cfg/01-52-54-00-00-00-01"),
            ("mac=52:54:00:aa:bb:01&x", "mac=52:54:00:00:00:01&x"),
            ("525400aabb01 0A000001", "525400000001 0AC80001"),
            ("110.0.0.1 52540aabb011", "110.0.0.1 52540aabb011"),
        ] {
            assert_eq!(known.text(text), masked);
        }
    }

    #[test]
    fn an_address_of_ipv6_is_masked_wherever_it_ends() {
        let mut known = known();
        for (ip, other) in [("fd77::1", "fdc8:1::1"), ("fd77::1:2", "fdc8:1::1:2")] {
            known.ips6.insert(ip.parse().unwrap(), other.parse().unwrap());
        }
        for (text, masked) in [
            ("tftp://[fd77::1]:69/x", "tftp://[fdc8:1::1]:69/x"),
            ("fd77::1: in use", "fdc8:1::1: in use"),
            ("fd77::1, fd77::1:2 and fd77::10", "fdc8:1::1, fdc8:1::1:2 and fd77::10"),
            ("fd77::1:3", "fd77::1:3"),
        ] {
            assert_eq!(known.text(text), masked);
        }
    }

    #[test]
    fn what_was_made_of_a_card_is_made_of_the_card_that_stands_for_it() {
        let mut known = known();
        let subnet = "fd77::/64".parse().unwrap();
        let networks = [Network6::new("lan", "fd77::1".parse().unwrap(), subnet)];
        for (ip, other) in [
            ("fd77::100", "fdc8:1::100"),
            ("fe80::5054:ff:feaa:bb01", "fe80::5054:ff:fe00:1"),
            ("fd77::5054:ff:feaa:bb01", "fdc8:1::5054:ff:fe00:1"),
            ("ff02::1:2", "ff02::1:2"),
            ("2a00::1", "2001:db8::4"),
        ] {
            let ip: Ipv6Addr = ip.parse().unwrap();
            known.add_ip6(ip, &networks);
            assert_eq!(known.ip6(ip).to_string(), other, "{ip}");
        }
    }

    #[test]
    fn a_message_is_masked_in_fields_and_options() {
        let known = known();
        let mut message = Message::request([0x52, 0x54, 0, 0xaa, 0xbb, 1], 7);
        message.siaddr = "10.0.0.1".parse().unwrap();
        message.options.push(code::SERVER_ID, [10, 0, 0, 1]);
        message.options.push(code::BOOT_FILE_NAME, b"http://10.0.0.1/x".to_vec());
        message.options.push(61, [1, 0x52, 0x54, 0, 0xaa, 0xbb, 1]);
        let bytes = known.message(&Hex(message.encode(usize::MAX).unwrap()));
        let masked = Message::parse(&bytes.0).unwrap();
        assert_eq!(masked.hardware_address(), [0x52, 0x54, 0, 0, 0, 1]);
        assert_eq!(masked.siaddr.to_string(), "10.200.0.1");
        assert_eq!(masked.options.ip(code::SERVER_ID), Some(masked.siaddr));
        assert_eq!(masked.options.first(61).unwrap(), [1, 0x52, 0x54, 0, 0, 0, 1]);
        assert_eq!(masked.options.first(code::BOOT_FILE_NAME).unwrap(), b"http://10.200.0.1/x");
        assert_eq!(masked.xid, 7);
    }

    #[test]
    fn hosts_keep_their_number_in_their_subnet() {
        let mut known = Known::default();
        let of = |interface, address: &str, prefix| {
            let subnet = model::network::Subnet::new(address.parse().unwrap(), prefix).unwrap();
            Network::new(interface, model::network::Mode::Dhcp, address.parse().unwrap(), subnet)
        };
        let networks = [of("a", "192.168.7.1", 24), of("b", "172.20.1.1", 16)];
        for (ip, other) in [
            ("192.168.7.9", "10.200.0.9"),
            ("172.20.3.4", "12.1.3.4"),
            ("203.0.113.5", "198.18.0.2"),
            ("255.255.255.0", "255.255.255.0"),
        ] {
            let ip: Ipv4Addr = ip.parse().unwrap();
            known.add_ip(ip, &networks);
            assert_eq!(known.ips.get(&ip).copied().unwrap_or(ip).to_string(), other);
        }
    }
}
