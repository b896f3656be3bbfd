//! What a switch has to be told so that only servers that belong there reach machines: DHCP
//! snooping, and for IPv6 RA guard and DHCPv6 guard.
//!
//! In: what was found on the links, and whose switch it is. Out: its configuration, with what we know
//! (VLAN, servers, where to look for a stranger) filled in. Ports have to be filled in by whoever
//! knows the cables.

use crate::others::{self, Server, shown};
use crate::{Facts, link, others_6};
use model::HardwareAddress;
use std::collections::BTreeSet;

/// Whose switch it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Cisco IOS and IOS XE.
    CiscoIos,
    /// Arista EOS.
    AristaEos,
    /// HPE Aruba AOS-CX.
    ArubaCx,
    /// Juniper Junos of EX and QFX (ELS).
    Junos,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CiscoIos, Self::AristaEos, Self::ArubaCx, Self::Junos];

    /// The word for it in commands.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::CiscoIos => "cisco-ios",
            Self::AristaEos => "arista-eos",
            Self::ArubaCx => "aruba-cx",
            Self::Junos => "junos",
        }
    }

    /// How a line begins that the switch does not read.
    fn comment(self) -> &'static str {
        if self == Self::Junos { "#" } else { "!" }
    }

    /// Shows on which port a hardware address is.
    fn find(self, mac: HardwareAddress) -> String {
        let text = mac.to_string();
        match self {
            Self::CiscoIos => {
                let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
                let words: Vec<String> =
                    digits.chunks(4).map(|word| word.iter().collect()).collect();
                format!("show mac address-table address {}", words.join("."))
            }
            Self::AristaEos => format!("show mac address-table address {text}"),
            Self::ArubaCx => format!("show mac-address-table address {text}"),
            Self::Junos => format!("show ethernet-switching table | match {text}"),
        }
    }

    /// IPv4: only trusted ports may bring what a DHCP server says.
    fn snooping(self) -> &'static str {
        match self {
            Self::CiscoIos => CISCO_4,
            Self::AristaEos => ARISTA_4,
            Self::ArubaCx => ARUBA_4,
            Self::Junos => JUNOS_4,
        }
    }

    /// IPv6: only the router's port may bring router advertisements, only the server's port DHCPv6.
    fn guard(self) -> &'static str {
        match self {
            Self::CiscoIos => CISCO_6,
            Self::AristaEos => ARISTA_6,
            Self::ArubaCx => ARUBA_6,
            Self::Junos => JUNOS_6,
        }
    }
}

/// The configuration for every link that was looked at.
#[must_use]
pub fn suggest(kind: Kind, facts: &Facts) -> String {
    let mut text = String::new();
    for link in &facts.links {
        let heard = facts.others.iter().find(|heard| heard.interface == link.name);
        let heard_6 = facts.others_6.iter().find(|heard| heard.interface == link.name);
        text.push_str(&of_link(kind, link, heard, heard_6));
    }
    text
}

fn of_link(
    kind: Kind,
    link: &link::Link,
    heard: Option<&others::Heard>,
    heard_6: Option<&others_6::Heard>,
) -> String {
    let hash = kind.comment();
    let mut text = format!("{hash} {}: {}\n", link.name, kind.word());
    let mut line = |words: String| text.push_str(&format!("{hash} {words}\n"));
    let (trusted, strangers) = heard.map(sorted).unwrap_or_default();
    line(
        "SERVER-PORT: this server's port, uplinks and relays; MACHINE-PORT: every other".to_owned(),
    );
    for server in trusted {
        line(format!("trust too, the port of {}: {}", shown(server), kind.find(server.1)));
    }
    for server in strangers {
        line(format!("to be kept out, {}: {}", shown(server), kind.find(server.1)));
    }
    let vlan = link.state.as_ref().and_then(|state| state.vlan);
    let vlan = vlan.map_or_else(|| "VLAN".to_owned(), |number| number.to_string());
    text.push_str(&kind.snooping().replace("@VLAN@", &vlan));
    if heard_6.is_some_and(|heard| heard.spoken) {
        for router in heard_6.iter().flat_map(|heard| &heard.routers) {
            let (address, find) = (router.address, kind.find(router.mac));
            text.push_str(&format!("{hash} a router is {address} ({}): {find}\n", router.mac));
        }
        text.push_str(&kind.guard().replace("@VLAN@", &vlan));
    }
    text
}

/// Servers that belong on the link, and those that do not.
fn sorted(heard: &others::Heard) -> (Vec<Server>, Vec<Server>) {
    let (mut trusted, givers) = heard.givers();
    let ours = heard.mode == Some(model::network::Mode::Dhcp);
    let mut strangers: BTreeSet<Server> = BTreeSet::new();
    match givers.as_slice() {
        // Where we give no addresses, the one who does is wanted.
        [only] if !ours && trusted.is_empty() => trusted.push(*only),
        all => strangers.extend(all),
    }
    let rivals = heard.rivals();
    strangers.extend(rivals.into_iter().filter(|server| !trusted.contains(server)));
    (trusted, strangers.into_iter().collect())
}

// Snooping drops OFFER, ACK and NAK from ports that are not trusted. Option 82 is not inserted, since
// servers may drop requests that have it and no relay's address (RFC 3046, 2.1.1).
const CISCO_4: &str = "\
ip dhcp snooping vlan @VLAN@
no ip dhcp snooping information option
interface SERVER-PORT
 ip dhcp snooping trust
interface MACHINE-PORT
 spanning-tree portfast
exit
ip dhcp snooping
! then: show ip dhcp snooping
";

// EOS switches differ in what their snooping filters; an access list does on all of them.
const ARISTA_4: &str = "\
ip access-list NO-DHCP-SERVER
   10 deny udp any eq bootps any eq bootpc
   20 deny udp any eq 4011 any
   30 permit ip any any
interface MACHINE-PORT
   ip access-group NO-DHCP-SERVER in
   spanning-tree portfast
! then: show ip access-lists NO-DHCP-SERVER
";

const ARUBA_4: &str = "\
dhcpv4-snooping
no dhcpv4-snooping option 82
vlan @VLAN@
    dhcpv4-snooping
interface SERVER-PORT
    dhcpv4-snooping trust
interface MACHINE-PORT
    spanning-tree port-type admin-edge
! then: show dhcpv4-snooping
";

const JUNOS_4: &str = "\
set vlans VLAN-NAME forwarding-options dhcp-security group servers overrides trusted
set vlans VLAN-NAME forwarding-options dhcp-security group servers interface SERVER-PORT.0
set protocols rstp interface MACHINE-PORT edge
# VLAN-NAME is the name of VLAN @VLAN@; trunks are trusted by themselves
# then: show dhcp-security binding
";

const CISCO_6: &str = "\
ipv6 nd raguard policy MACHINES
 device-role host
ipv6 dhcp guard policy MACHINES
 device-role client
interface MACHINE-PORT
 ipv6 nd raguard attach-policy MACHINES
 ipv6 dhcp guard attach-policy MACHINES
! then: show ipv6 nd raguard policy MACHINES
";

const ARISTA_6: &str = "\
ipv6 access-list NO-ROUTER
   10 deny icmpv6 any any router-advertisement
   20 deny udp any eq 547 any eq 546
   30 permit ipv6 any any
interface MACHINE-PORT
   ipv6 access-group NO-ROUTER in
! then: show ipv6 access-lists NO-ROUTER
";

const ARUBA_6: &str = "\
dhcpv6-snooping
nd-snooping enable
vlan @VLAN@
    dhcpv6-snooping
    nd-snooping
interface SERVER-PORT
    dhcpv6-snooping trust
    nd-snooping trust
! then: show nd-snooping
";

const JUNOS_6: &str = "\
set forwarding-options access-security router-advertisement-guard interface MACHINE-PORT.0 mark-interface block
set vlans VLAN-NAME forwarding-options dhcp-security dhcpv6-options
# then: show access-security router-advertisement-guard statistics
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Link, State};
    use crate::others::{Client, Heard, Offer, On4011};
    use model::network::Mode;

    fn facts(mode: Mode, expected: &[u8], givers: &[u8], spoken: bool) -> Facts {
        let address = |n: u8| std::net::Ipv4Addr::new(10, 77, 0, n);
        let offer = |n: u8| Offer {
            client: Client::Plain,
            server: address(n),
            mac: HardwareAddress::mac([2, 0, 0, 0xab, 0, n]),
            address: Some(address(100)),
            dns: Vec::new(),
            next_server: None,
            file: Vec::new(),
            for_firmware: false,
            vendor_options: false,
            on_4011: On4011::NotAsked,
        };
        let interface = || "eth0.10".to_owned();
        let state = Some(State { vlan: Some(10), ..State::default() });
        Facts {
            links: vec![Link { name: interface(), state, ..Link::default() }],
            others: vec![Heard {
                interface: interface(),
                mode: Some(mode),
                expected: expected.iter().map(|n| address(*n)).collect(),
                offers: givers.iter().map(|n| offer(*n)).collect(),
                ..Heard::default()
            }],
            others_6: vec![others_6::Heard {
                interface: interface(),
                spoken,
                ..Default::default()
            }],
            ..Facts::default()
        }
    }

    #[test]
    fn every_switch_is_told_whom_to_trust_and_where_to_look_for_a_stranger() {
        for kind in Kind::ALL {
            let text = suggest(kind, &facts(Mode::Dhcp, &[2], &[2, 66], true));
            assert!(!text.contains('@'), "{text}");
            assert!(text.contains("10") && text.contains("MACHINE-PORT"), "{text}");
            let of =
                |n: &str| text.lines().find(|line| line.contains(n)).unwrap_or_default().to_owned();
            assert!(of("10.77.0.2 ").contains("trust too"), "{text}");
            assert!(of("10.77.0.66 ").contains("to be kept out"), "{text}");
            let without = suggest(kind, &facts(Mode::Dhcp, &[2], &[2, 66], false));
            assert!(text.starts_with(&without) && text.len() > without.len(), "{without}");
        }
    }

    #[test]
    fn the_one_who_gives_addresses_where_we_do_not_is_trusted() {
        let text = suggest(Kind::CiscoIos, &facts(Mode::Proxy, &[], &[1], false));
        let look = "trust too, the port of 10.77.0.1 (02:00:00:ab:00:01): \
                    show mac address-table address 0200.00ab.0001";
        assert!(text.contains(look), "{text}");
        let text = suggest(Kind::CiscoIos, &facts(Mode::Dhcp, &[], &[1], false));
        assert!(text.contains("to be kept out, 10.77.0.1"), "{text}");
    }
}
