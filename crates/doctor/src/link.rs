//! The interfaces that are served: there, up, addressed, and nothing of this host in the way.

use crate::{Code, Finding};
use model::network6::Subnet6;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What Ethernet carries, and what firmware reckons with.
const MTU_USUAL: u32 = 1500;
/// EDK2 waits 4 + 8 + 16 + 32 s for an offer, ROMs and iPXE less: what is silent longer than this
/// after the link came up costs the first tries.
const SILENT_S_MAX: u32 = 4;
/// Of `rp_filter`: drop what would not go back the way it came (RFC 3704, strict).
const STRICT: u8 = 1;

/// An interface that is served, or is to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// `br0`.
    pub name: String,
    /// How it is; none if there is no such interface.
    pub state: Option<State>,
    /// Machines are served through relays here.
    pub relayed: bool,
    /// Machines are served over IPv6 alone here.
    pub ipv6_only: bool,
    /// Subnets of IPv6 that are served here, without those behind relays.
    pub subnets_6: Vec<Subnet6>,
}

/// How an interface is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Somebody switched it on.
    pub up: bool,
    /// It has a link: cable in, other end alive.
    pub carrier: bool,
    /// Its IPv4 addresses and prefix lengths.
    pub addresses: Vec<(Ipv4Addr, u8)>,
    /// Its IPv6 addresses and prefix lengths, without those of the link alone.
    pub addresses_6: Vec<(Ipv6Addr, u8)>,
    /// Its largest packet.
    pub mtu: Option<u32>,
    /// `rp_filter`, as it is in force: 0 off, 1 strict, 2 loose.
    pub rp_filter: u8,
    /// It is a bridge.
    pub bridge: Option<Bridge>,
    /// It is a VLAN of this interface, which is up or not.
    pub vlan_of: Option<(String, bool)>,
    /// Its number, of a VLAN (802.1Q).
    pub vlan: Option<u16>,
}

/// How a bridge is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bridge {
    /// It speaks the spanning tree protocol.
    pub stp: bool,
    /// Seconds that a port listens, and again learns, before it forwards.
    pub forward_delay_s: u32,
    /// Ports that do not forward now, and why: `listening`, `learning`, `blocking`.
    pub silent_ports: Vec<(String, String)>,
    /// What it forwards passes iptables (`bridge-nf-call-iptables`).
    pub filtered: bool,
}

/// Another interface of this host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbour {
    /// `eth1`.
    pub name: String,
    /// Its IPv4 addresses and prefix lengths.
    pub addresses: Vec<(Ipv4Addr, u8)>,
}

/// What follows for all of them.
#[must_use]
pub fn judge(links: &[Link], neighbours: &[Neighbour]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if links.is_empty() {
        findings.push(Finding::bad(
            Code::LinkNone,
            "there is no interface that is up",
            "machines are reached through one",
            "ip link show; ip link set IF up",
        ));
    }
    for link in links {
        findings.push(itself(link));
        let Some(state) = &link.state else { continue };
        findings.extend(without_address(link, state));
        findings.extend(mtu(&link.name, state));
        findings.extend(vlan(&link.name, state));
        findings.extend(bridge(&link.name, state));
        let twice = twice(link, state, neighbours);
        findings.extend(reverse_path(link, state, twice.is_some()));
        findings.extend(twice);
    }
    findings
}

fn itself(link: &Link) -> Finding {
    let Link { name, state, .. } = link;
    let Some(state) = state else {
        return Finding::bad(
            Code::LinkMissing,
            format!("there is no interface {name}"),
            "it is to be served",
            "ip link show lists those that there are; the name stands in `interface` of [[network]]",
        );
    };
    if !state.up {
        return Finding::bad(
            Code::LinkDown,
            format!("{name} is down"),
            "no machine can be heard on it",
            format!("ip link set {name} up"),
        );
    }
    if state.addresses.is_empty() && !link.ipv6_only {
        return Finding::bad(
            Code::LinkAddress,
            format!("{name} has no IPv4 address"),
            "machines could not fetch anything from us",
            format!("ip addr add ADDRESS/PREFIX dev {name}"),
        );
    }
    if !state.carrier {
        return Finding::note(
            Code::LinkCarrier,
            format!("{name} has no link"),
            "no machine can be heard on it",
            "plug the cable in, or switch the other end on",
        );
    }
    let four = state.addresses.iter().map(|(a, p)| format!("{a}/{p}"));
    let six = state.addresses_6.iter().map(|(a, p)| format!("{a}/{p}"));
    let all: Vec<String> = four.chain(six).collect();
    Finding::good(format!("{name} is up with {}", all.join(", ")))
}

/// Subnets that we have no address in.
fn without_address(link: &Link, state: &State) -> Vec<Finding> {
    let name = &link.name;
    let bare = |subnet: &&Subnet6| !state.addresses_6.iter().any(|(at, _)| subnet.contains(*at));
    let missing = link.subnets_6.iter().filter(bare);
    missing
        .map(|subnet| {
            let first = Ipv6Addr::from(u128::from(subnet.address).saturating_add(1));
            Finding::bad(
                Code::LinkAddress6,
                format!("{name} has no address in {subnet}"),
                "machines of that subnet hear nothing from us, and could fetch nothing",
                format!("ip addr add {first}/{} dev {name}", subnet.prefix),
            )
        })
        .collect()
}

fn mtu(name: &str, state: &State) -> Option<Finding> {
    let mtu = state.mtu.filter(|mtu| *mtu < MTU_USUAL)?;
    Some(Finding::note(
        Code::LinkMtu,
        format!("{name} carries packets of {mtu} bytes at most"),
        "machines on the link send and expect 1500: what they send larger is lost here, and TFTP \
         blocks are made smaller and slower",
        format!("ip link set {name} mtu 1500, if everything on the link carries that"),
    ))
}

fn vlan(name: &str, state: &State) -> Option<Finding> {
    let (parent, up) = state.vlan_of.as_ref()?;
    (!up).then(|| {
        Finding::bad(
            Code::LinkVlan,
            format!("{name} is a VLAN of {parent}, which is down"),
            "no frame comes through",
            format!("ip link set {parent} up"),
        )
    })
}

fn bridge(name: &str, state: &State) -> Vec<Finding> {
    let Some(bridge) = &state.bridge else { return Vec::new() };
    let mut findings = Vec::new();
    // A port listens for the delay, and learns for it again (IEEE 802.1D, 17.20).
    let silent_s = bridge.forward_delay_s.saturating_mul(2);
    if bridge.stp && silent_s > SILENT_S_MAX {
        let now: Vec<String> =
            bridge.silent_ports.iter().map(|(port, why)| format!("{port} ({why})")).collect();
        let now = match now.is_empty() {
            true => String::new(),
            false => format!("; at this moment: {}", now.join(", ")),
        };
        findings.push(Finding::note(
            Code::BridgeStp,
            format!(
                "the bridge {name} lets nothing of a machine through for {silent_s} s after its \
                 link comes up (STP){now}"
            ),
            "firmware and iPXE bring the link down and up again and ask at once: the first tries \
             are lost, and some give up before it is over",
            format!(
                "without loops: ip link set {name} type bridge stp_state 0; else: ip link set \
                 {name} type bridge forward_delay 200. On switches: portfast (edge port) for \
                 machines"
            ),
        ));
    }
    if bridge.filtered {
        findings.push(Finding::note(
            Code::BridgeFiltered,
            format!("what passes the bridge {name} goes through iptables"),
            "Docker sets the policy of FORWARD to DROP: virtual machines on the bridge then reach \
             us, but nobody beyond it, and no DHCP server beyond it reaches them",
            "sysctl -w net.bridge.bridge-nf-call-iptables=0; or: iptables -I FORWARD -m physdev \
             --physdev-is-bridged -j ACCEPT",
        ));
    }
    findings
}

/// Other interfaces in the same subnets.
fn twice(link: &Link, state: &State, neighbours: &[Neighbour]) -> Option<Finding> {
    let covers = |(a, p): &(Ipv4Addr, u8), other: &(Ipv4Addr, u8)| {
        let prefix = u32::from((*p).min(other.1)).min(32);
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0);
        prefix < 32 && u32::from(*a) & mask == u32::from(other.0) & mask
    };
    let others: Vec<&str> = neighbours
        .iter()
        .filter(|n| n.name != link.name)
        .filter(|n| state.addresses.iter().any(|own| n.addresses.iter().any(|o| covers(own, o))))
        .map(|n| n.name.as_str())
        .collect();
    let first = others.first()?;
    let name = &link.name;
    Some(Finding::note(
        Code::LinkTwice,
        format!("{name} and {} are in the same subnet", others.join(", ")),
        "answers may leave by the other interface: machines without a route there see nothing, and \
         switches see our address in two places",
        format!("give {first} another subnet, bond the two, or: ip link set {first} down"),
    ))
}

fn reverse_path(link: &Link, state: &State, twice: bool) -> Option<Finding> {
    let name = &link.name;
    let of = match (link.relayed, twice) {
        (true, _) => "machines behind relays",
        (_, true) => "machines whose answers would leave by the other interface",
        _ => return None,
    };
    (state.rp_filter == STRICT).then(|| {
        Finding::note(
            Code::ReversePath,
            format!("rp_filter of {name} is strict"),
            format!(
                "DHCP is heard all the same, but TFTP and HTTP requests of {of} are dropped without \
                 a trace where the route back is another"
            ),
            format!(
                "see the way back: ip route get ADDRESS; or loosen it: sysctl -w \
                 net.ipv4.conf.{name}.rp_filter=2"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grade;

    fn good() -> State {
        State {
            up: true,
            carrier: true,
            addresses: vec![([10, 77, 0, 1].into(), 24)],
            mtu: Some(1500),
            ..State::default()
        }
    }

    fn seen(state: Option<State>) -> Vec<(Code, Grade)> {
        let link = Link { name: "br0".to_owned(), state, ..Link::default() };
        found(&judge(&[link], &[]))
    }

    fn found(findings: &[Finding]) -> Vec<(Code, Grade)> {
        let odd = findings.iter().filter(|f| f.grade != Grade::Good);
        odd.map(|f| (f.code, f.grade)).collect()
    }

    #[test]
    fn what_an_interface_lacks_is_said_worst_first() {
        assert_eq!(seen(Some(good())), []);
        assert_eq!(seen(None), [(Code::LinkMissing, Grade::Bad)]);
        assert_eq!(found(&judge(&[], &[])), [(Code::LinkNone, Grade::Bad)]);
        let down = State { up: false, addresses: vec![], ..good() };
        assert_eq!(seen(Some(down)), [(Code::LinkDown, Grade::Bad)]);
        let bare = State { addresses: vec![], ..good() };
        assert_eq!(seen(Some(bare)), [(Code::LinkAddress, Grade::Bad)]);
        assert_eq!(
            seen(Some(State { carrier: false, mtu: Some(1400), ..good() })),
            [(Code::LinkCarrier, Grade::Note), (Code::LinkMtu, Grade::Note)]
        );
        let vlan = State { vlan_of: Some(("eth0".to_owned(), false)), ..good() };
        assert_eq!(seen(Some(vlan)), [(Code::LinkVlan, Grade::Bad)]);
    }

    #[test]
    fn ipv6_needs_an_address_in_each_of_its_subnets_and_none_of_ipv4() {
        let subnets_6 = vec!["fd77::/64".parse().unwrap()];
        let seen = |addresses_6: &[&str], ipv6_only| {
            let addresses_6 = addresses_6.iter().map(|at| (at.parse().unwrap(), 64)).collect();
            let state = Some(State { addresses: vec![], addresses_6, ..good() });
            let name = "br0".to_owned();
            let link =
                Link { name, state, ipv6_only, subnets_6: subnets_6.clone(), relayed: false };
            judge(&[link], &[])
        };
        assert_eq!(found(&seen(&["fd77::1"], true)), []);
        let bare = (Code::LinkAddress6, Grade::Bad);
        assert_eq!(found(&seen(&["fd99::1"], true)), [bare]);
        let findings = seen(&[], false);
        assert_eq!(found(&findings), [(Code::LinkAddress, Grade::Bad), bare]);
        assert_eq!(findings[1].mend, "ip addr add fd77::1/64 dev br0");
    }

    #[test]
    fn a_bridge_that_keeps_machines_silent_is_said_with_its_time() {
        let stp = |forward_delay_s, stp| {
            let silent_ports = vec![("tap0".to_owned(), "listening".to_owned())];
            let bridge = Bridge { stp, forward_delay_s, silent_ports, filtered: false };
            State { bridge: Some(bridge), ..good() }
        };
        assert_eq!(seen(Some(stp(15, false))), [], "without STP there is no delay");
        assert_eq!(seen(Some(stp(2, true))), []);
        let link = Link { name: "br0".to_owned(), state: Some(stp(15, true)), ..Link::default() };
        let findings = judge(&[link], &[]);
        let stp = findings.iter().find(|f| f.code == Code::BridgeStp).unwrap();
        assert!(stp.what.contains("30 s") && stp.what.contains("tap0 (listening)"), "{stp:?}");
        let filtered = Bridge { filtered: true, ..Bridge::default() };
        let state = State { bridge: Some(filtered), ..good() };
        assert_eq!(seen(Some(state)), [(Code::BridgeFiltered, Grade::Note)]);
    }

    #[test]
    fn two_interfaces_in_one_subnet_and_what_a_strict_path_does_to_them() {
        let other =
            |a: [u8; 4], p| Neighbour { name: "eth1".to_owned(), addresses: vec![(a.into(), p)] };
        let link = |rp_filter, relayed| {
            let state = Some(State { rp_filter, ..good() });
            [Link { name: "br0".to_owned(), state, relayed, ..Link::default() }]
        };
        let codes = |link: &[Link], other| found(&judge(link, &[other]));
        assert_eq!(codes(&link(1, false), other([10, 78, 0, 1], 24)), []);
        let twice = (Code::LinkTwice, Grade::Note);
        assert_eq!(codes(&link(0, false), other([10, 77, 0, 9], 24)), [twice]);
        assert_eq!(
            codes(&link(0, false), other([10, 0, 0, 9], 8)),
            [twice],
            "the wider one covers"
        );
        let path = (Code::ReversePath, Grade::Note);
        assert_eq!(codes(&link(1, false), other([10, 77, 0, 9], 24)), [path, twice]);
        assert_eq!(codes(&link(1, true), other([10, 78, 0, 1], 24)), [path]);
        assert_eq!(codes(&link(2, true), other([10, 78, 0, 1], 24)), []);
    }
}
