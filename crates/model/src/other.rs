//! DHCP and boot servers and routers on our links that are not us: who was heard, what they do, and whether they
//! belong there.

use crate::address::HardwareAddress;
use crate::client::named;
use crate::network::Mode;
use crate::time::Now;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

named! {
    /// Whether another server belongs on its link.
    Standing: "standing" {
        /// `others` of its network names it.
        Declared = "declared",
        /// Where we give no addresses: the first server that was heard to give them. Where we only
        /// listen: the first boot server, too. Over IPv6 a router that announces no prefixes, one of
        /// ours, or one that a declared router announces; where we do not advertise and no router was
        /// declared also the first, and those that announce one of the same.
        Expected = "expected",
        /// A relay of ours.
        Relay = "relay",
        /// It neither gives nor refuses addresses, announces none, and names no boot file.
        Bystander = "bystander",
        /// It does harm there, and nobody declared it.
        Rogue = "rogue",
    }
}

/// The mode that fits a link, by what was heard there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fit {
    /// `dhcp` where nobody else gives addresses, `proxy` where somebody does.
    pub mode: Mode,
    /// Why, in words.
    pub because: String,
}

/// What a server was heard to do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deeds {
    /// It gives addresses (OFFER and ACK with `yiaddr`, BOOTP replies; an ADVERTISE or REPLY of
    /// DHCPv6 with an address in it).
    pub addresses: bool,
    /// It refuses addresses (NAK).
    pub refuses: bool,
    /// It answers PXE or HTTP Boot as a boot server does (option 60 of that class, option 43); over
    /// IPv6 it names a boot file (option 59) that is not ours.
    pub boot: bool,
    /// It names a boot file (the field `file`, option 67; over IPv6 option 59).
    pub file: bool,
    /// It sends router advertisements (RFC 4861).
    #[serde(default)]
    pub router: bool,
}

impl Deeds {
    /// Both together.
    #[must_use]
    pub fn with(self, more: Self) -> Self {
        Self {
            addresses: self.addresses || more.addresses,
            refuses: self.refuses || more.refuses,
            boot: self.boot || more.boot,
            file: self.file || more.file,
            router: self.router || more.router,
        }
    }
}

impl fmt::Display for Deeds {
    /// `gives addresses and answers PXE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.addresses, "gives addresses"),
            (self.refuses, "refuses addresses"),
            (self.boot, "answers boot requests"),
            (self.file && !self.boot, "names a boot file"),
            (self.router, "sends router advertisements"),
        ];
        let done: Vec<&str> = all.iter().filter(|(does, _)| *does).map(|(_, what)| *what).collect();
        match done.as_slice() {
            [] => f.write_str("gives neither addresses nor boot files"),
            [first @ .., last] if !first.is_empty() => write!(f, "{} and {last}", first.join(", ")),
            all => f.write_str(&all.concat()),
        }
    }
}

/// What another server offered or gave one client.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TheirOffer {
    /// The address; none from a boot server.
    pub address: Option<IpAddr>,
    /// The boot file or URL, shown.
    pub file: Option<String>,
    /// Where it says the file is (`siaddr`, else option 66), shown.
    pub next_server: Option<String>,
    /// It came as a boot server's answer (option 60 of PXE or HTTP Boot).
    pub boot: bool,
}

impl fmt::Display for TheirOffer {
    /// `10.0.0.5, file pxelinux.0 from 10.0.0.66`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "{address}")?,
            None => f.write_str("no address")?,
        }
        match (&self.file, &self.next_server) {
            (Some(file), Some(server)) => write!(f, ", file {file} from {server}"),
            (Some(file), None) => write!(f, ", file {file}"),
            (None, _) => f.write_str(", no boot file"),
        }
    }
}

/// A server that is not us, as far as it was heard.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OtherServer {
    /// The interface.
    pub link: String,
    /// Who it says it is (option 54), else where its replies come from: over IPv6 always that, as a
    /// rule an address of the link alone.
    pub server: IpAddr,
    /// Where its replies come from: itself, or a relay. None if only clients named it.
    pub from: Option<IpAddr>,
    /// The hardware address that its replies come from.
    pub mac: Option<HardwareAddress>,
    /// What it does.
    pub does: Deeds,
    /// Whether it belongs there.
    pub standing: Standing,
    /// What that means for machines here, and what to do, in words.
    pub means: String,
    /// Replies that were heard.
    pub replies: u64,
    /// Times that a client said to take its offer.
    pub taken: u64,
    /// Clients it spoke to, the newest last; so many are remembered.
    pub clients: Vec<HardwareAddress>,
    /// What it last offered.
    pub offered: Option<TheirOffer>,
    /// When it was first heard.
    pub first: Now,
    /// When it was last heard.
    pub last: Now,
}

impl OtherServer {
    /// `10.0.0.66 (52:54:00:00:00:66)`, with its relay if it came through one.
    #[must_use]
    pub fn named(&self) -> String {
        named(self.server, self.from, self.mac.as_ref())
    }
}

/// `10.0.0.66 (52:54:00:00:00:66)`, with where it came from if that is somebody else.
#[must_use]
pub fn named<A: fmt::Display + PartialEq>(
    server: A,
    from: Option<A>,
    mac: Option<&HardwareAddress>,
) -> String {
    match (from.filter(|from| *from != server), mac) {
        (Some(from), Some(mac)) => format!("{server} (by way of {from}, {mac})"),
        (Some(from), None) => format!("{server} (by way of {from})"),
        (None, Some(mac)) => format!("{server} ({mac})"),
        (None, None) => server.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn deeds_read_as_a_sentence() {
        let does = |addresses, refuses, boot, file| {
            Deeds { addresses, refuses, boot, file, router: false }.to_string()
        };
        assert_eq!(does(true, false, false, false), "gives addresses");
        assert_eq!(does(true, false, true, true), "gives addresses and answers boot requests");
        assert_eq!(
            does(true, true, false, true),
            "gives addresses, refuses addresses and names a boot file"
        );
        assert_eq!(does(false, false, false, false), "gives neither addresses nor boot files");
        let router = Deeds { addresses: true, router: true, ..Deeds::default() };
        assert_eq!(router.to_string(), "gives addresses and sends router advertisements");
    }

    #[test]
    fn a_server_is_named_with_where_it_was_heard_from() {
        let (server, relay) = (Ipv4Addr::new(10, 1, 0, 5), Ipv4Addr::new(10, 0, 0, 1));
        let mac = HardwareAddress::mac([2, 0, 0, 0, 0, 9]);
        assert_eq!(named(server, Some(server), Some(&mac)), "10.1.0.5 (02:00:00:00:00:09)");
        let through = named(server, Some(relay), Some(&mac));
        assert_eq!(through, "10.1.0.5 (by way of 10.0.0.1, 02:00:00:00:00:09)");
        assert_eq!(named(server, None, None), "10.1.0.5");
    }
}
