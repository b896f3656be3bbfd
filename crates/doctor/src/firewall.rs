//! Rules of this host's packet filter that keep machines from us.
//!
//! DHCP comes by packet sockets, which no rule stops; TFTP, HTTP and the rest pass the filter.

mod iptables;
mod nft;

use crate::link::Link;
use crate::ports::{By, Port};
use crate::{Code, Finding};

pub use iptables::iptables;
pub use nft::nft;

/// Chains that jump deeper are not followed, as the kernel does not (NFT_JUMP_STACK_SIZE).
const DEPTH_MAX: usize = 16;
/// Rules looked at for one packet.
const STEPS_MAX: usize = 4096;

/// What the packet filter of this host is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Firewall {
    /// Nobody looked, or there is none.
    #[default]
    None,
    /// It could not be read, because of this.
    Unread(String),
    /// Its chains.
    Chains(Vec<Chain>),
}

/// One chain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    /// `inet filter`: family and table.
    pub table: String,
    /// `input`.
    pub name: String,
    /// It begins with what comes in for this host, at this priority.
    pub input: Option<i64>,
    /// What passes all rules is dropped.
    pub drops: bool,
    /// In order.
    pub rules: Vec<Rule>,
}

/// One rule, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Only of this interface; a `*` at the end stands for anything.
    pub interface: Option<String>,
    /// Only by one of these protocols.
    pub by: Option<Vec<By>>,
    /// Only to these ports, first to last.
    pub ports: Option<Vec<(u16, u16)>>,
    /// Only under further conditions, which we do not weigh.
    pub perhaps: bool,
    /// Only what belongs to something that goes on already.
    pub established: bool,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// What a rule does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Verdict {
    /// Nothing, it counts or marks.
    #[default]
    Nothing,
    /// Lets it in.
    Accept,
    /// Drops or rejects it.
    Drop,
    /// Goes through another chain and comes back.
    Jump(String),
    /// Goes on in another chain.
    Goto(String),
    /// Back to where the jump was.
    Return,
    /// Something that we cannot follow.
    Unknown,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    In,
    Dropped,
    /// It hangs on what we do not weigh.
    Perhaps,
    /// The chain has no word on it.
    Through,
}

/// A first packet of a machine.
struct Packet<'a> {
    interface: &'a str,
    by: By,
    port: u16,
}

/// What follows for the ports that machines ask on the served links.
#[must_use]
pub fn judge(firewall: &Firewall, links: &[Link], ports: &[Port]) -> Vec<Finding> {
    let chains = match firewall {
        Firewall::None => {
            return vec![Finding::good("no packet filter of this host is in the way")];
        }
        Firewall::Unread(why) => {
            return vec![Finding::note(
                Code::FirewallUnread,
                format!("the packet filter could not be read: {why}"),
                "a rule that drops TFTP or HTTP looks to machines like a server that is off",
                "run it as root; or look: nft list ruleset",
            )];
        }
        Firewall::Chains(chains) => chains,
    };
    let mut findings = Vec::new();
    for port in ports.iter().filter(|port| !port.what.is_packets()) {
        for link in links {
            let packet = Packet { interface: &link.name, by: port.by, port: port.number };
            let dropping = chains
                .iter()
                .filter(|chain| chain.input.is_some())
                .find(|chain| fate(chains, chain, &packet) == Fate::Dropped);
            findings.extend(dropping.map(|chain| dropped(chain, port, &link.name)));
        }
    }
    if findings.is_empty() {
        findings
            .push(Finding::good("the packet filter lets machines in, as far as it can be told"));
    }
    findings
}

fn dropped(chain: &Chain, port: &Port, link: &str) -> Finding {
    let by = if port.by == By::Udp { "udp" } else { "tcp" };
    let (number, what) = (port.number, port.what.name());
    let Chain { table, name, .. } = chain;
    let mend = match table.split_once(' ') {
        _ if table.contains("firewalld") => format!(
            "firewall-cmd --permanent --zone=$(firewall-cmd --get-zone-of-interface={link}) \
             --add-port={number}/{by}; firewall-cmd --reload"
        ),
        // The table and the chain that iptables itself writes; any other is nft's own.
        Some(("iptables", _)) | Some(("ip", "filter")) if name == "INPUT" => {
            format!("iptables -I INPUT -i {link} -p {by} --dport {number} -j ACCEPT")
        }
        Some(("iptables", _)) => {
            format!("iptables -I {name} -i {link} -p {by} --dport {number} -j ACCEPT")
        }
        _ => format!("nft insert rule {table} {name} iifname {link} {by} dport {number} accept"),
    };
    Finding::bad(
        Code::FirewallDrops,
        format!(
            "the chain {name} of table {table} drops {what} ({by} port {number}) that comes in on \
             {link}"
        ),
        "machines get an address and a file name, and then nothing: PXE-E32, PXE-E18, or a \
         bootloader that waits",
        mend,
    )
}

fn fate(chains: &[Chain], from: &Chain, packet: &Packet<'_>) -> Fate {
    let mut steps = 0;
    match walk(chains, from, packet, 0, &mut steps) {
        Fate::Through if from.drops => Fate::Dropped,
        fate => fate,
    }
}

fn walk(
    chains: &[Chain],
    chain: &Chain,
    packet: &Packet<'_>,
    depth: usize,
    steps: &mut usize,
) -> Fate {
    for rule in &chain.rules {
        *steps = steps.saturating_add(1);
        if *steps > STEPS_MAX || depth > DEPTH_MAX {
            return Fate::Perhaps;
        }
        if !concerns(rule, packet) {
            continue;
        }
        let inside = |name: &str, steps: &mut usize| {
            let named = |other: &&Chain| other.table == chain.table && other.name == name;
            match chains.iter().find(named) {
                Some(other) => walk(chains, other, packet, depth.saturating_add(1), steps),
                None => Fate::Perhaps,
            }
        };
        let fate = match &rule.verdict {
            Verdict::Nothing => continue,
            Verdict::Accept => Fate::In,
            Verdict::Drop => Fate::Dropped,
            Verdict::Jump(name) => inside(name, steps),
            Verdict::Goto(name) => return perhaps(rule, inside(name, steps)),
            Verdict::Return => return Fate::Through,
            Verdict::Unknown => Fate::Perhaps,
        };
        match perhaps(rule, fate) {
            Fate::Through => {}
            // A condition that may drop it may as well not: the next rule decides.
            Fate::Perhaps if fate == Fate::Dropped => {}
            fate => return fate,
        }
    }
    Fate::Through
}

fn perhaps(rule: &Rule, fate: Fate) -> Fate {
    if rule.perhaps && fate != Fate::Through { Fate::Perhaps } else { fate }
}

fn concerns(rule: &Rule, packet: &Packet<'_>) -> bool {
    let interface = rule.interface.as_ref().is_none_or(|name| match name.strip_suffix('*') {
        Some(begin) => packet.interface.starts_with(begin),
        None => name == packet.interface,
    });
    let by = rule.by.as_ref().is_none_or(|all| all.contains(&packet.by));
    let within = |(first, last): &(u16, u16)| (*first..=*last).contains(&packet.port);
    let port = rule.ports.as_ref().is_none_or(|all| all.iter().any(within));
    // A machine's first packet belongs to nothing yet.
    interface && by && port && !rule.established
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grade;
    use crate::ports::For;

    fn ports() -> Vec<Port> {
        let port = |by, number, what| Port { by, number, what, holders: vec![], ours: None };
        vec![
            port(By::Udp, 67, For::Dhcp),
            port(By::Udp, 69, For::Tftp),
            port(By::Tcp, 80, For::Http),
        ]
    }

    fn dropped_ports(chains: Firewall) -> Vec<(u16, String)> {
        let links = [Link { name: "eth0".to_owned(), ..Link::default() }];
        let findings = judge(&chains, &links, &ports());
        let bad = findings.iter().filter(|f| f.grade == Grade::Bad);
        bad.map(|f| (if f.what.contains("69") { 69 } else { 80 }, f.mend.clone())).collect()
    }

    const HEAD: &str = r#"{"chain":{"family":"inet","table":"f","name":"in","hook":"input","prio":0,"policy":"drop"}}"#;

    fn rule(expr: &str) -> String {
        format!(r#"{{"rule":{{"family":"inet","table":"f","chain":"in","expr":[{expr}]}}}}"#)
    }

    fn by_nft(rules: &[&str]) -> Firewall {
        let mut all = vec![HEAD.to_owned()];
        all.extend(rules.iter().map(|expr| rule(expr)));
        nft(&format!(r#"{{"nftables":[{}]}}"#, all.join(",")))
    }

    const TFTP: &str =
        r#"{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":69}}"#;
    const WEB: &str = r#"{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":{"set":[22,{"range":[80,90]}]}}}"#;
    const OTHER: &str = r#"{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"eth1"}}"#;
    const OLD: &str =
        r#"{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":["established","related"]}}"#;
    const LIMIT: &str = r#"{"limit":{"rate":10,"per":"second"}}"#;
    const ACCEPT: &str = r#"{"accept":null}"#;

    #[test]
    fn a_policy_of_drop_is_found_and_a_rule_for_the_port_mends_it() {
        let old = format!("{OLD},{ACCEPT}");
        let all = dropped_ports(by_nft(&[&old]));
        assert_eq!(all.len(), 2, "DHCP passes on packet sockets: {all:?}");
        assert_eq!(all[0].1, "nft insert rule inet f in iifname eth0 udp dport 69 accept");
        let tftp = format!("{TFTP},{ACCEPT}");
        assert_eq!(dropped_ports(by_nft(&[&old, &tftp]))[0].0, 80);
        let web = format!("{WEB},{ACCEPT}");
        assert_eq!(dropped_ports(by_nft(&[&tftp, &web])), []);
        let elsewhere = format!("{OTHER},{ACCEPT}");
        assert_eq!(dropped_ports(by_nft(&[&elsewhere])).len(), 2, "another interface's rule");
    }

    #[test]
    fn what_cannot_be_weighed_is_not_called_bad() {
        let limited = format!("{LIMIT},{ACCEPT}");
        assert_eq!(dropped_ports(by_nft(&[&limited])), []);
        assert_eq!(dropped_ports(by_nft(&[r#"{"vmap":{"key":1,"data":2}}"#])), []);
        // But a doubtful drop before nothing else leaves the policy.
        let limited = format!(r#"{LIMIT},{{"drop":null}}"#);
        assert_eq!(dropped_ports(by_nft(&[&limited])).len(), 2);
    }

    #[test]
    fn jumps_are_followed_and_loops_end() {
        let chain =
            |name: &str| format!(r#"{{"chain":{{"family":"inet","table":"f","name":"{name}"}}}}"#);
        let in_b = r#"{"rule":{"family":"inet","table":"f","chain":"b","expr":[{"accept":null}]}}"#;
        let jump = rule(r#"{"jump":{"target":"b"}}"#);
        let text = format!(r#"{{"nftables":[{HEAD},{},{jump},{in_b}]}}"#, chain("b"));
        assert_eq!(dropped_ports(nft(&text)), []);
        let loops = r#"{"rule":{"family":"inet","table":"f","chain":"b","expr":[{"jump":{"target":"b"}}]}}"#;
        let text = format!(r#"{{"nftables":[{HEAD},{},{jump},{loops}]}}"#, chain("b"));
        assert_eq!(dropped_ports(nft(&text)), []);
    }

    #[test]
    fn iptables_says_the_same() {
        let saved = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:ours - [0:0]\n\
            -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
            -A INPUT -i lo -j ACCEPT\n-A INPUT -j ours\n\
            -A ours -i eth+ -p udp -m udp --dport 69 -j ACCEPT\nCOMMIT\n";
        let all = dropped_ports(Firewall::Chains(iptables(saved)));
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0], (80, "iptables -I INPUT -i eth0 -p tcp --dport 80 -j ACCEPT".into()));
        let ports = saved.replace(
            "COMMIT",
            "-A INPUT -p tcp -m multiport --dports 80,443:450 -j ACCEPT\nCOMMIT",
        );
        assert_eq!(dropped_ports(Firewall::Chains(iptables(&ports))), []);
        let not = saved.replace("COMMIT", "-A INPUT ! -s 10.0.0.0/8 -j ACCEPT\nCOMMIT");
        assert_eq!(dropped_ports(Firewall::Chains(iptables(&not))), [], "perhaps");
    }

    #[test]
    fn no_rules_and_rules_that_cannot_be_read() {
        assert_eq!(nft(r#"{"nftables":[{"metainfo":{"version":"1"}}]}"#), Firewall::None);
        assert!(matches!(nft("no JSON"), Firewall::Unread(_)));
        let unread = judge(&Firewall::Unread("no right".to_owned()), &[], &[]);
        assert_eq!(unread[0].code, Code::FirewallUnread);
    }
}
