//! Who speaks IPv6 to machines on a link, and what follows for booting.

mod heard;
mod servers;

use crate::others::asks_elsewhere;
use crate::{Code, Finding};
use model::HardwareAddress;
use std::collections::BTreeSet;
use std::net::Ipv6Addr;

pub use heard::{Heard, Ours, Prefix, Router, Server};

/// How to say that somebody belongs there.
const IF_IT_BELONGS: &str = "if it belongs there, name its address in `others` of the [[network]], or: bootwright doctor --expect ADDRESS";
/// What keeps routers out that nobody asked for.
const RA_GUARD: &str = "on switches: RA guard on all ports but the router's, bootwright doctor --switch \
                        cisco-ios|arista-eos|aruba-cx|junos";

/// What follows for one link.
#[must_use]
pub fn judge(heard: &Heard) -> Vec<Finding> {
    let link = &heard.interface;
    if let Some(why) = &heard.not_asked {
        return vec![Finding::note(
            Code::ProbeFailed,
            format!("{link}: IPv6 routers and servers could not be looked for: {why}"),
            "firmware that tries IPv6 first boots from whoever answers there",
            format!("ip -6 addr show dev {link}"),
        )];
    }
    if !heard.spoken {
        return Vec::new();
    }
    let mut findings: Vec<Finding> = heard.routers.iter().map(|r| router(link, r)).collect();
    findings.extend(many(heard));
    findings
        .extend(heard.ours.iter().filter(|ours| !ours.relayed).flat_map(|ours| told(heard, ours)));
    findings.extend(unanswered(heard));
    findings.extend(names_elsewhere(heard));
    findings.extend(heard.servers.iter().flat_map(|server| servers::judge(heard, server)));
    if findings.is_empty() {
        findings.push(Finding::good(format!("{link}: nobody speaks IPv6 to machines")));
    }
    findings
}

fn router(link: &str, router: &Router) -> Finding {
    let mut says = Vec::new();
    let shown = |prefixes: Vec<&Prefix>| {
        let all: Vec<String> = prefixes.iter().map(|prefix| prefix.subnet.to_string()).collect();
        Some(all.join(", ")).filter(|all| !all.is_empty())
    };
    let (made, known): (Vec<&Prefix>, Vec<&Prefix>) =
        router.prefixes.iter().partition(|prefix| prefix.autonomous);
    if let Some(made) = shown(made) {
        says.push(format!("machines make themselves addresses of {made}"));
    }
    if let Some(known) = shown(known) {
        says.push(format!("on the link is {known}"));
    }
    says.push(
        match (router.managed, router.other) {
            (true, _) => "addresses come by DHCPv6 (M)",
            (false, true) => "settings come by DHCPv6 (O)",
            (false, false) => {
                "no DHCPv6 (neither M nor O), so firmware boots nothing over IPv6 here"
            }
        }
        .to_owned(),
    );
    if !router.default {
        says.push("no default router".to_owned());
    }
    if !router.dns.is_empty() {
        let dns: Vec<String> = router.dns.iter().map(ToString::to_string).collect();
        says.push(format!("DNS {}", dns.join(", ")));
    }
    let Router { address, mac, .. } = router;
    Finding::good(format!("{link}: router {address} ({mac}): {}", says.join("; ")))
}

fn many(heard: &Heard) -> Option<Finding> {
    // Whoever declared some knows what they announce.
    let belongs = |router: &Router| heard.expected.contains(&router.address);
    let all = |router: &Router| -> BTreeSet<(Ipv6Addr, u8)> {
        router.prefixes.iter().map(|p| (p.subnet.address, p.subnet.prefix)).collect()
    };
    let differ = |a: &Router, b: &Router| {
        let both = belongs(a) && belongs(b);
        !both && all(a) != all(b) && !b.prefixes.is_empty()
    };
    let (first, other) = heard.routers.iter().enumerate().find_map(|(at, first)| {
        let later = heard.routers.iter().skip(at.saturating_add(1));
        later.into_iter().find(|other| differ(first, other)).map(|other| (first, other))
    })?;
    Some(Finding::note(
        Code::Router6Many,
        format!(
            "{}: {} ({}) and {} ({}) announce different prefixes",
            heard.interface, first.address, first.mac, other.address, other.mac
        ),
        "machines follow both, and what they send leaves by either; one of them may be a \
         computer that shares its connection by mistake",
        format!("see whose it is by its MAC; {IF_IT_BELONGS}; {RA_GUARD}"),
    ))
}

/// Whether machines are told to ask us, and of which prefix.
fn told(heard: &Heard, ours: &Ours) -> Vec<Finding> {
    let (link, subnet) = (&heard.interface, ours.subnet);
    let mut findings = Vec::new();
    let asks = |router: &Router| router.managed || router.other && !ours.gives_addresses;
    let (what, flag) = match ours.gives_addresses {
        true => ("addresses", "M, \"managed\""),
        false => ("settings", "O, \"other\""),
    };
    if ours.advertises {
        findings.push(Finding::good(format!(
            "{link}: we advertise {subnet} ourselves, and that {what} come by DHCPv6"
        )));
    } else if !heard.routers.iter().any(asks) {
        let who = match heard.routers.len() {
            0 => "no router advertises anything".to_owned(),
            1 => "the router does not say so".to_owned(),
            n => format!("none of the {n} routers says so"),
        };
        findings.push(Finding::bad(
            Code::Router6Unsaid,
            format!("{link}: {what} of {subnet} come by DHCPv6 from us, and {who}"),
            "firmware asks nobody for what no router advertises, so nothing boots over IPv6 here",
            format!(
                "switch that flag ({flag}) on at the router; where there is none: advertise = true \
                 in the [[network]] of {subnet}"
            ),
        ));
    }
    let undeclared = heard.routers.iter().filter(|r| !heard.expected.contains(&r.address));
    findings.extend(undeclared.into_iter().find_map(|router| other_prefix(link, router, ours)));
    let giving =
        heard.servers.iter().filter(|server| server.offers_address && ours.gives_addresses);
    let (declared, others): (Vec<&Server>, Vec<&Server>) =
        giving.partition(|server| heard.expected.contains(&server.address));
    if let Some(server) = declared.first() {
        findings.push(Finding::good(format!(
            "{link}: DHCPv6 server {} ({}) gives addresses beside us, as was declared",
            server.address, server.mac
        )));
    }
    if let Some(server) = others.first() {
        findings.push(Finding::note(
            Code::Dhcp6Two,
            format!(
                "{link}: DHCPv6 server {} ({}) gives addresses, as we do",
                server.address, server.mac
            ),
            "a machine takes what comes first, and boots what that server says; where both have the \
             same pool, two machines get one address",
            format!(
                "let one of them give addresses: ours without a `pool` gives settings and boot data, or \
                 stop the other; {IF_IT_BELONGS}"
            ),
        )
        .seen(vec![servers::sent(server)]));
    }
    findings
}

/// A router announces prefixes, and ours is not among them.
fn other_prefix(link: &str, router: &Router, ours: &Ours) -> Option<Finding> {
    let subnet = ours.subnet;
    if router.prefixes.iter().any(|prefix| prefix.subnet == subnet) {
        return None;
    }
    let made = router.prefixes.iter().find(|prefix| prefix.autonomous);
    let other = made.or_else(|| router.prefixes.first())?.subnet;
    let why = match (made, ours.advertises) {
        (Some(_), _) => {
            "machines have addresses of both, and what they ask by the other one is of no network of \
             ours"
        }
        (None, false) => {
            "nobody tells machines that ours is on their link: what they send us goes to the router, \
             which may know no way to us"
        }
        (None, true) => {
            "machines take addresses of it to be on their link, and ask the router for all that is \
             not of ours"
        }
    };
    let Router { address, mac, .. } = router;
    Some(Finding::note(
        Code::Router6Prefix,
        format!("{link}: router {address} ({mac}) announces {other}, and we serve {subnet}"),
        why,
        "serve the router's prefix, or have it announce ours",
    ))
}

/// A router or a DHCPv6 server sends machines to other servers than us for names, though we answer some.
/// Who names nobody leaves it to the other.
fn names_elsewhere(heard: &Heard) -> Option<Finding> {
    let ours = heard.names.first()?;
    let elsewhere =
        |dns: &[Ipv6Addr]| !dns.is_empty() && !dns.iter().any(|at| heard.names.contains(at));
    let finding = |who: &str, at: Ipv6Addr, mac: HardwareAddress, dns: &[Ipv6Addr], by: &str| {
        let who = format!("{who} {at} ({mac})");
        asks_elsewhere(&heard.interface, &who, dns, ours, by)
    };
    let router = heard.routers.iter().find(|router| elsewhere(&router.dns));
    let server = || heard.servers.iter().find(|server| elsewhere(&server.dns));
    router.map(|r| finding("router", r.address, r.mac, &r.dns, "RDNSS")).or_else(|| {
        server().map(|s| finding("DHCPv6 server", s.address, s.mac, &s.dns, "option 23"))
    })
}

fn unanswered(heard: &Heard) -> Option<Finding> {
    if heard.ours.as_ref().is_some_and(|ours| ours.gives_addresses && !ours.relayed) {
        return None;
    }
    let router = heard.routers.iter().find(|router| router.managed)?;
    heard.servers.is_empty().then(|| {
        Finding::note(
            Code::Router6Silent,
            format!(
                "{}: router {} ({}) says that addresses come by DHCPv6, and no DHCPv6 server answers",
                heard.interface, router.address, router.mac
            ),
            "firmware that tries IPv6 first waits a minute or more for it (PXE-E16) before it comes \
             to IPv4",
            "start the DHCPv6 server, or switch the M flag off on the router; or put IPv4 first in \
             the machines' boot order",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grade;
    use model::network6::Subnet6;

    fn router() -> Router {
        Router {
            address: "fe80::1".parse().unwrap(),
            mac: HardwareAddress::mac([2, 0, 0, 0, 0, 1]),
            managed: false,
            other: false,
            default: true,
            prefixes: vec![prefix("fd77::/64")],
            dns: vec![],
        }
    }

    /// As routers announce it where machines make themselves addresses.
    fn prefix(subnet: &str) -> Prefix {
        Prefix { subnet: subnet.parse().unwrap(), on_link: true, autonomous: true }
    }

    fn server(pxe_url: &str, http_url: &str) -> Server {
        Server {
            address: "fe80::2".parse().unwrap(),
            mac: HardwareAddress::mac([2, 0, 0, 0, 0, 2]),
            offers_address: true,
            dns: vec![],
            pxe_url: pxe_url.into(),
            http_url: http_url.into(),
            says_pxe: false,
            says_http: true,
        }
    }

    fn found(routers: Vec<Router>, servers: Vec<Server>) -> Vec<(Code, Grade)> {
        let interface = "eth0".to_owned();
        let heard = Heard { interface, spoken: true, routers, servers, ..Heard::default() };
        codes(&heard)
    }

    fn codes(heard: &Heard) -> Vec<(Code, Grade)> {
        judge(heard).into_iter().map(|f| (f.code, f.grade)).collect()
    }

    fn beside_ours(ours: Ours, routers: Vec<Router>, servers: Vec<Server>) -> Heard {
        let interface = "eth0".to_owned();
        let ours = Some(ours);
        Heard { interface, spoken: true, routers, servers, ours, ..Heard::default() }
    }

    const OURS: Ours = Ours {
        subnet: Subnet6 { address: Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0), prefix: 64 },
        gives_addresses: true,
        advertises: false,
        relayed: false,
    };

    const FINE: (Code, Grade) = (Code::Fine, Grade::Good);

    #[test]
    fn a_link_without_ipv6_is_quiet_and_one_with_a_router_is_good() {
        assert_eq!(judge(&Heard::default()), []);
        assert_eq!(found(vec![], vec![]), [FINE]);
        assert_eq!(found(vec![router()], vec![]), [FINE]);
        let failed = Heard { not_asked: Some("no".to_owned()), ..Heard::default() };
        assert_eq!(judge(&failed)[0].code, Code::ProbeFailed);
    }

    #[test]
    fn a_router_that_promises_dhcpv6_needs_a_server() {
        let managed = Router { managed: true, ..router() };
        let silent = [FINE, (Code::Router6Silent, Grade::Note)];
        assert_eq!(found(vec![managed.clone()], vec![]), silent);
        assert_eq!(found(vec![managed], vec![server("", "")]), [FINE, FINE]);
    }

    #[test]
    fn routers_that_disagree_are_named_both() {
        let other = Router {
            address: "fe80::9".parse().unwrap(),
            prefixes: vec![prefix("fd99::/64")],
            ..router()
        };
        let many = [FINE, FINE, (Code::Router6Many, Grade::Note)];
        assert_eq!(found(vec![router(), other], vec![]), many);
        assert_eq!(found(vec![router(), router()], vec![]), [FINE, FINE]);
        // The same prefix with other flags is no disagreement.
        let on_link = Prefix { autonomous: false, ..prefix("fd77::/64") };
        let flags = Router { prefixes: vec![on_link], ..router() };
        assert_eq!(found(vec![router(), flags], vec![]), [FINE, FINE]);
    }

    #[test]
    fn who_was_declared_is_no_note_and_beside_him_anybody_else_is() {
        let other = |last: &str, subnet: &str| Router {
            address: last.parse().unwrap(),
            prefixes: vec![prefix(subnet)],
            ..router()
        };
        let many = (Code::Router6Many, Grade::Note);
        let expected = vec!["fe80::1".parse().unwrap(), "fe80::9".parse().unwrap()];
        let pair = vec![router(), other("fe80::9", "fd99::/64")];
        let heard = |routers| Heard {
            expected: expected.clone(),
            ..beside_ours(Ours { advertises: true, ..OURS }, routers, vec![])
        };
        assert!(!codes(&heard(pair.clone())).contains(&many));
        let three = [pair, vec![other("fe80::66", "fd66::/64")]].concat();
        assert!(codes(&heard(three)).contains(&many));

        let two = (Code::Dhcp6Two, Grade::Note);
        let managed = Router { managed: true, ..router() };
        let mut heard = beside_ours(OURS, vec![managed], vec![server("", "")]);
        assert!(codes(&heard).contains(&two));
        heard.expected = vec!["fe80::2".parse().unwrap()];
        assert!(!codes(&heard).contains(&two));
        assert!(judge(&heard).iter().any(|f| f.what.ends_with("beside us, as was declared")));
    }

    #[test]
    fn a_router_that_sends_machines_elsewhere_for_names_is_said_where_we_answer_some() {
        let told = Router { dns: vec!["fd77::53".parse().unwrap()], ..router() };
        let on = |names: &[&str]| Heard {
            spoken: true,
            names: names.iter().map(|name| name.parse().unwrap()).collect(),
            routers: vec![told.clone()],
            ..Heard::default()
        };
        let grades = |heard: &Heard| judge(heard).into_iter().map(|f| f.code).collect::<Vec<_>>();
        assert_eq!(grades(&on(&["fd77::1"])), [Code::Fine, Code::NamesElsewhere]);
        assert_eq!(grades(&on(&["fd77::53"])), [Code::Fine]);
        assert_eq!(grades(&on(&[])), [Code::Fine]);
        // A DHCPv6 server does it by option 23; who names nobody leaves it to others.
        let by_dhcp = |dns: &[&str]| Heard {
            routers: vec![],
            servers: vec![Server {
                dns: dns.iter().map(|at| at.parse().unwrap()).collect(),
                ..server("", "")
            }],
            ..on(&["fd77::1"])
        };
        let said = judge(&by_dhcp(&["fd77::53"]));
        assert_eq!(said[0].code, Code::NamesElsewhere);
        for words in ["DHCPv6 server fe80::2 (02:00:00:00:00:02)", "ask fd77::53 for names"] {
            assert!(said[0].what.contains(words), "{said:?}");
        }
        assert!(said[0].mend.contains("let it name fd77::1 (option 23)"), "{said:?}");
        assert!(
            said[1].what.ends_with("gives addresses, DNS fd77::53 and no boot file"),
            "{said:?}"
        );
        assert_eq!(grades(&by_dhcp(&["fd77::53", "fd77::1"])), [Code::Fine]);
        assert_eq!(grades(&by_dhcp(&[])), [Code::Fine]);
    }

    #[test]
    fn boot_urls_are_named_and_those_that_cannot_work_are_said() {
        let good = server("tftp://[fd77::1]/a.efi", "http://[fd77::1]/a.efi");
        let boot = (Code::Boot6, Grade::Note);
        assert_eq!(found(vec![], vec![good.clone()]), [boot]);
        let binl = Server { says_pxe: true, ..good.clone() };
        assert_eq!(found(vec![], vec![binl]), [boot, (Code::Boot6Binl, Grade::Note)]);
        let url = (Code::Boot6Url, Grade::Note);
        assert_eq!(found(vec![], vec![server("TFTP://[fd77::1]/a.efi", "")]), [boot, url]);
        let silent = Server { says_http: false, ..good };
        assert_eq!(found(vec![], vec![silent]), [boot, url]);
    }

    #[test]
    fn a_boot_file_harms_by_where_it_leads() {
        let managed = Router { managed: true, ..router() };
        let named = server("tftp://[fd77::9]/a.efi", "");
        let of = |server: &Server| {
            let said = judge(&beside_ours(OURS, vec![managed.clone()], vec![server.clone()]));
            said.into_iter().find(|finding| finding.code == Code::Boot6).unwrap()
        };
        let rival = of(&named);
        assert!(rival.why.contains("some from us and some from it"), "{rival:?}");
        let sent = "fe80::2 (02:00:00:00:00:02): addresses; PXE with tftp://[fd77::9]/a.efi";
        assert_eq!(rival.evidence, [sent]);
        // Where we serve no IPv6, nobody comes to us at all.
        let alone = Heard { spoken: true, servers: vec![named], ..Heard::default() };
        assert!(judge(&alone)[0].why.contains("never asks us"));
        // It sends machines to us.
        let own = vec!["fd77::9".parse().unwrap()];
        let ours = judge(&Heard { own: own.clone(), ..alone.clone() });
        assert_eq!((ours[0].code, ours.len()), (Code::Fine, 1), "{ours:?}");
        assert!(
            ours[0].what.ends_with("PXE with tftp://[fd77::9]/a.efi, which is ours"),
            "{ours:?}"
        );
        let both = server("tftp://[fd77::9]/a.efi", "http://boot.example/a.efi");
        let half = Heard { own, servers: vec![both], ..alone };
        assert_eq!(judge(&half)[0].code, Code::Boot6, "one URL leads elsewhere");
    }

    #[test]
    fn who_serves_ipv6_needs_somebody_who_says_so() {
        let unsaid = (Code::Router6Unsaid, Grade::Bad);
        assert_eq!(codes(&beside_ours(OURS, vec![], vec![])), [unsaid]);
        assert_eq!(codes(&beside_ours(OURS, vec![router()], vec![])), [FINE, unsaid]);
        let other = Router { other: true, ..router() };
        assert_eq!(codes(&beside_ours(OURS, vec![other.clone()], vec![])), [FINE, unsaid]);
        let managed = Router { managed: true, ..router() };
        assert_eq!(codes(&beside_ours(OURS, vec![managed], vec![])), [FINE], "we answer");
        let advertises = Ours { advertises: true, ..OURS };
        assert_eq!(codes(&beside_ours(advertises, vec![], vec![])), [FINE]);
        let relayed = Ours { relayed: true, ..OURS };
        assert_eq!(codes(&beside_ours(relayed, vec![router()], vec![])), [FINE]);

        let settings = Ours { gives_addresses: false, ..OURS };
        assert_eq!(codes(&beside_ours(settings.clone(), vec![other], vec![])), [FINE]);
        let said = judge(&beside_ours(settings, vec![router()], vec![]));
        assert!(said[1].what.contains("settings of fd77::/64"), "{said:?}");
        assert!(said[1].mend.contains("O, \"other\""), "{said:?}");
    }

    #[test]
    fn another_prefix_and_another_server_are_said() {
        let managed = Router { managed: true, ..router() };
        let wrong = Router { prefixes: vec![prefix("fd99::/64")], ..managed.clone() };
        let prefix_code = (Code::Router6Prefix, Grade::Note);
        assert_eq!(codes(&beside_ours(OURS, vec![wrong], vec![])), [FINE, prefix_code]);
        // Where addresses come by DHCPv6 alone, routers say which are on the link and not more.
        let on_link = |subnet: &str| Prefix { autonomous: false, ..prefix(subnet) };
        let alone = |prefixes| Router { prefixes, ..managed.clone() };
        let found = beside_ours(OURS, vec![alone(vec![on_link("fd99::/64")])], vec![]);
        assert_eq!(codes(&found), [FINE, prefix_code]);
        let said = &judge(&found)[1];
        assert!(said.what.contains("fe80::1 (02:00:00:00:00:01) announces fd99::/64"), "{said:?}");
        assert!(said.why.contains("goes to the router"), "{said:?}");
        assert!(judge(&found)[0].what.contains("on the link is fd99::/64"), "{found:?}");
        for fine in [vec![], vec![on_link("fd99::/64"), on_link("fd77::/64")]] {
            assert_eq!(codes(&beside_ours(OURS, vec![alone(fine)], vec![])), [FINE]);
        }
        let two = (Code::Dhcp6Two, Grade::Note);
        let both = beside_ours(OURS, vec![managed], vec![server("", "")]);
        assert_eq!(codes(&both), [FINE, two, FINE]);
    }
}
