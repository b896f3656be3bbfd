//! Who else speaks IPv4 to machines on a link, and whether that harms.

mod heard;

use crate::{Code, Finding};
use model::network::Mode;
use model::text::show;
use std::net::Ipv4Addr;

pub use heard::{Client, Heard, NotAsked, Offer, On4011, Tftp, TftpSaid};
pub(crate) use heard::{Server, boots, servers, shown, who};

/// What follows for one link.
#[must_use]
pub fn judge(heard: &Heard) -> Vec<Finding> {
    if let Some(why) = &heard.not_asked {
        return vec![not_asked(&heard.interface, why)];
    }
    let mut findings = vec![addresses(heard)];
    for server in servers(heard.foreign().filter(|offer| boots(offer))) {
        findings.push(boot_server(heard, server));
        findings.extend(silent(heard, server));
    }
    findings.extend(names_elsewhere(heard));
    findings.extend(heard.tftp.iter().filter_map(|tftp| fetched(heard, tftp)));
    findings
}

/// Whoever gives addresses sends machines to other servers than us for names, though we answer some.
fn names_elsewhere(heard: &Heard) -> Option<Finding> {
    let ours = heard.names.first()?;
    let other = heard.foreign().find(|offer| {
        let us = |server: &Ipv4Addr| heard.names.contains(server);
        offer.address.is_some() && !offer.dns.iter().any(us)
    })?;
    Some(asks_elsewhere(&heard.interface, &shown(who(other)), &other.dns, ours, "option 6"))
}

/// The same of either family.
pub(crate) fn asks_elsewhere<A: std::fmt::Display>(
    link: &str,
    who: &str,
    told: &[A],
    ours: &A,
    by: &str,
) -> Finding {
    let told: Vec<String> = told.iter().map(A::to_string).collect();
    let told = if told.is_empty() { "nobody".to_owned() } else { told.join(", ") };
    Finding::note(
        Code::NamesElsewhere,
        format!("{link}: {who} has machines ask {told} for names, and not us"),
        "names are answered here, but machines that take its settings do not ask for them here",
        format!(
            "let it name {ours} ({by}); or let the server it names pass our domains on to {ours} \
             (dnsmasq: server=/DOMAIN/{ours}); or leave names to it: take [dns] out"
        ),
    )
}

fn not_asked(link: &str, why: &NotAsked) -> Finding {
    let matters = "two servers giving addresses on one link break each other's machines";
    match why {
        NotAsked::Rights => Finding::note(
            Code::ProbeRights,
            format!("{link}: other DHCP servers were not looked for"),
            format!("asking the link needs a packet socket; {matters}"),
            "run it as root",
        ),
        NotAsked::Failed(why) => Finding::note(
            Code::ProbeFailed,
            format!("{link}: other DHCP servers could not be looked for: {why}"),
            matters,
            format!("ip link show {link}"),
        ),
    }
}

fn all_shown(servers: &[Server]) -> String {
    servers.iter().map(|server| shown(*server)).collect::<Vec<_>>().join(", ")
}

const TAKES_FIRST: &str = "machines take whichever answers first, so some boot and some do not";
const SWITCH: &str = "switches keep out servers they were not told of, DHCP snooping: bootwright \
                      doctor --switch cisco-ios|arista-eos|aruba-cx|junos";

fn addresses(heard: &Heard) -> Finding {
    let Heard { interface: link, mode, .. } = heard;
    let (expected, others) = heard.givers();
    let seen = others.iter().flat_map(|server| heard.seen(*server)).collect();
    let given = all_shown(&others);
    match (mode, &others[..], &expected[..]) {
        (_, [], []) => nobody(heard),
        (Some(Mode::Dhcp), [], [..]) => Finding::good(format!(
            "{link}: {} gives addresses beside us, as was declared",
            all_shown(&expected)
        )),
        (Some(Mode::Dhcp), ..) => Finding::bad(
            Code::DhcpTwo,
            format!("{link}: two servers give addresses: we and {given}"),
            TAKES_FIRST,
            format!(
                "stop the other server, or set mode = \"proxy\" for this network; if it belongs \
                 there and gives other addresses than we: bootwright doctor --expect ADDRESS; {SWITCH}"
            ),
        )
        .seen(seen),
        (_, [_, ..], [_, ..]) => Finding::bad(
            Code::DhcpTwo,
            format!(
                "{link}: {given} gives addresses, and only {} was declared",
                all_shown(&expected)
            ),
            TAKES_FIRST,
            format!("find it by its MAC and stop it; {SWITCH}"),
        )
        .seen(seen),
        (_, [_, _, ..], []) => Finding::note(
            Code::DhcpMany,
            format!("{link}: several servers give addresses: {given}"),
            "two that share their work do no harm; a router that somebody plugged in gives \
             addresses that lead nowhere",
            format!("say which belong there: bootwright doctor --expect ADDRESS; {SWITCH}"),
        )
        .seen(seen),
        _ => {
            let all = [expected, others].concat();
            Finding::good(format!("{link}: addresses come from {}", all_shown(&all)))
        }
    }
}

/// Nobody else gives addresses.
fn nobody(heard: &Heard) -> Finding {
    let Heard { interface: link, mode, here, .. } = heard;
    match mode {
        Some(Mode::Dhcp) if !here.is_empty() => Finding::note(
            Code::DhcpHere,
            format!("{link}: {} on this host has the DHCP port", here.join(", ")),
            "if it serves this link, two servers give addresses there; a server on this host does \
             not hear our question",
            format!("see that it does not serve {link}, or set mode = \"proxy\""),
        ),
        Some(Mode::Dhcp) => Finding::good(format!("{link}: no other DHCP server answers")),
        Some(Mode::Auto | Mode::Proxy) if !here.is_empty() => Finding::note(
            Code::DhcpHere,
            format!("{link}: {} on this host has the DHCP port", here.join(", ")),
            "machines get their addresses from it, if it serves this link",
            format!("see that it gives addresses on {link}"),
        ),
        Some(Mode::Auto | Mode::Proxy) => Finding::bad(
            Code::DhcpNone,
            format!("{link}: no DHCP server answers, and we give no addresses there"),
            "without an address no machine boots",
            "set mode = \"dhcp\" with subnet and pool for this network, or: bootwright serve \
             --interface IF --dhcp SUBNET",
        ),
        _ => Finding::note(
            Code::DhcpNone,
            format!("{link}: no DHCP server answers"),
            "machines need addresses from somebody",
            "serve them with mode = \"dhcp\", or start the other server",
        ),
    }
}

/// What a server would have which firmware boot, and whether that harms.
fn boot_server(heard: &Heard, server: Server) -> Finding {
    let link = &heard.interface;
    let offers: Vec<&Offer> = of(heard, server).collect();
    let what: Vec<String> = offers.iter().map(|offer| would(offer)).collect();
    let what = format!("{link}: {} would boot {}", shown(server), what.join("; "));
    if heard.expected.contains(&server.0) {
        return Finding::good(format!("{what}, and was declared"));
    }
    // We only look on there, or do not serve it at all.
    if matches!(heard.mode, None | Some(Mode::Listen | Mode::Off)) {
        return Finding::good(what);
    }
    let complete = |offer: &&Offer| {
        offer.for_firmware && (offer.vendor_options || offer.client == Client::X64Http)
    };
    if offers.iter().any(|offer| complete(offer) || offer.address.is_none()) {
        return Finding::bad(
            Code::BootRival,
            what,
            "its offer ranks as high as ours, and firmware takes whichever comes first: some \
             machines boot from us and some from it",
            format!(
                "let only one answer boot requests: switch it off there (WDS, SCCM, FOG, dnsmasq's \
                 pxe-service), or set mode = \"listen\" for this network; if both are meant: \
                 bootwright doctor --expect {}; {SWITCH}",
                server.0
            ),
        )
        .seen(heard.seen(server));
    }
    Finding::note(
        Code::BootFile,
        what,
        "UEFI prefers our offer, but BIOS ROMs, U-Boot and shim may take the file of whoever gave \
         the address",
        "remove options 66 and 67 (next-server, filename) from the DHCP server",
    )
    .seen(heard.seen(server))
}

fn of(heard: &Heard, server: Server) -> impl Iterator<Item = &Offer> {
    heard.foreign().filter(move |offer| boots(offer) && who(offer) == server)
}

/// `BIOS with pxelinux.0 from 10.0.0.3`
fn would(offer: &Offer) -> String {
    let mut text = offer.client.name().to_owned();
    let named = match (&offer.on_4011, offer.file.is_empty()) {
        (On4011::Names(file), true) => Some((file, " (on port 4011)")),
        (_, false) => Some((&offer.file, "")),
        _ => None,
    };
    match named {
        Some((file, by)) => text.push_str(&format!(" with {}{by}", show(file))),
        None => text.push_str(" with a menu or by port 4011"),
    }
    if let Some(next) = offer.next_server.filter(|next| *next != offer.server) {
        text.push_str(&format!(" from {next}"));
    }
    text
}

/// Offers that lead to port 4011, where nobody speaks.
fn silent(heard: &Heard, server: Server) -> Option<Finding> {
    let lost = of(heard, server).find(|offer| offer.on_4011 == On4011::Silent)?;
    Some(Finding::note(
        Code::ProxySilent,
        format!("{}: {} is silent on port 4011", heard.interface, shown(server)),
        format!(
            "its offer to {} names no file, so firmware that takes it asks there and then gives up: \
             PXE-E55, or silence after the address",
            lost.client.name()
        ),
        "let it name a boot file in its offers, or not answer boot requests at all (option 60)",
    ))
}

fn fetched(heard: &Heard, tftp: &Tftp) -> Option<Finding> {
    let (link, server, file) = (&heard.interface, tftp.server, show(&tftp.file));
    let why = "machines that take that offer get an address and a name, and no file: PXE-E32, \
               PXE-E3B, PXE-E18 or PXE-E23";
    match &tftp.said {
        TftpSaid::Has(_) => None,
        TftpSaid::WithoutOptions => Some(Finding::note(
            Code::TftpPlain,
            format!("{link}: the TFTP server {server} takes no options"),
            "machines fetch from it 512 bytes at a time, and cannot ask how large a file is",
            "use another server there; tftpd-hpa and dnsmasq take options",
        )),
        TftpSaid::Refused(words) => Some(Finding::note(
            Code::TftpRefused,
            format!(
                "{link}: {server} does not hand out {file}, which machines are sent to: {words}"
            ),
            why,
            format!(
                "see it: curl --tftp-blksize 512 tftp://{server}/{file}; put the file there, or remove the name from the DHCP server"
            ),
        )),
        TftpSaid::Silent => Some(Finding::note(
            Code::TftpSilent,
            format!(
                "{link}: {server} does not answer TFTP, and machines are sent there for {file}"
            ),
            why,
            format!(
                "start the TFTP server on {server}, look at its firewall (UDP 69), or remove options 66 and 67 from the DHCP server"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grade;
    use model::HardwareAddress;

    fn offer(client: Client) -> Offer {
        Offer {
            client,
            server: [10, 77, 0, 2].into(),
            mac: HardwareAddress::mac([2, 0, 0, 0, 0, 2]),
            address: Some([10, 77, 0, 150].into()),
            dns: Vec::new(),
            next_server: None,
            file: Vec::new(),
            for_firmware: false,
            vendor_options: false,
            on_4011: On4011::NotAsked,
        }
    }

    fn heard(mode: Mode, offers: Vec<Offer>) -> Heard {
        Heard { interface: "eth0".to_owned(), mode: Some(mode), offers, ..Heard::default() }
    }

    fn found(heard: &Heard) -> Vec<(Code, Grade)> {
        judge(heard).into_iter().map(|f| (f.code, f.grade)).collect()
    }

    const FINE: (Code, Grade) = (Code::Fine, Grade::Good);

    #[test]
    fn who_gives_addresses_is_good_or_bad_by_what_we_do() {
        let two = heard(Mode::Dhcp, vec![offer(Client::Plain), offer(Client::Bios)]);
        assert_eq!(found(&two), [(Code::DhcpTwo, Grade::Bad)]);
        let words = &judge(&two)[0].what;
        assert!(words.contains("10.77.0.2 (02:00:00:00:00:02)"), "{words}");
        assert_eq!(found(&heard(Mode::Dhcp, vec![])), [FINE]);
        assert_eq!(found(&heard(Mode::Proxy, vec![offer(Client::Plain)])), [FINE]);
        assert_eq!(found(&heard(Mode::Auto, vec![])), [(Code::DhcpNone, Grade::Bad)]);
        let here = |mode| Heard { here: vec!["dnsmasq (process 9)".into()], ..heard(mode, vec![]) };
        assert_eq!(found(&here(Mode::Auto)), [(Code::DhcpHere, Grade::Note)]);
        assert_eq!(found(&here(Mode::Dhcp)), [(Code::DhcpHere, Grade::Note)]);
        let none = Heard { mode: None, ..heard(Mode::Off, vec![]) };
        assert_eq!(found(&none), [(Code::DhcpNone, Grade::Note)]);
    }

    #[test]
    fn servers_that_belong_there_and_our_own_answers_are_no_alarm() {
        let declared =
            |mode, offers| Heard { expected: vec![[10, 77, 0, 2].into()], ..heard(mode, offers) };
        let stranger = |client| Offer {
            server: [10, 77, 0, 66].into(),
            mac: HardwareAddress::mac([2, 0, 0, 0, 0, 66]),
            ..offer(client)
        };
        let plain = vec![offer(Client::Plain)];
        assert_eq!(found(&declared(Mode::Dhcp, plain.clone())), [FINE]);
        assert_eq!(found(&declared(Mode::Proxy, plain.clone())), [FINE]);
        let proxy = Offer { address: None, for_firmware: true, ..offer(Client::X64Uefi) };
        let boots = declared(Mode::Proxy, vec![offer(Client::Plain), proxy]);
        assert_eq!(found(&boots), [FINE, FINE]);
        // Whoever was not declared is bad once others were; before that, two are worth a word.
        let mixed = vec![offer(Client::Plain), stranger(Client::Plain)];
        let bad = judge(&declared(Mode::Proxy, mixed.clone())).remove(0);
        assert_eq!((bad.code, bad.grade), (Code::DhcpTwo, Grade::Bad));
        assert!(bad.what.contains("10.77.0.66 (02:00:00:00:00:42) gives"), "{bad:?}");
        assert_eq!(
            bad.evidence,
            ["10.77.0.66 (02:00:00:00:00:42) to plain clients: address 10.77.0.150"]
        );
        assert_eq!(found(&heard(Mode::Proxy, mixed)), [(Code::DhcpMany, Grade::Note)]);
        // A relay brings our own answer back to us.
        let own = Heard { own: vec![[10, 77, 0, 2].into()], ..heard(Mode::Dhcp, plain) };
        assert_eq!(found(&own), [FINE]);
    }

    #[test]
    fn machines_that_are_sent_elsewhere_for_names_are_said_where_we_answer_some() {
        let told = |dns: &[[u8; 4]]| Offer {
            dns: dns.iter().map(|server| (*server).into()).collect(),
            ..offer(Client::Plain)
        };
        let on =
            |offer| Heard { names: vec![[10, 77, 0, 1].into()], ..heard(Mode::Proxy, vec![offer]) };
        let said = on(told(&[[10, 77, 0, 53]]));
        assert_eq!(found(&said), [FINE, (Code::NamesElsewhere, Grade::Note)]);
        let words = judge(&said).remove(1);
        assert!(words.what.contains("has machines ask 10.77.0.53 for names"), "{words:?}");
        assert!(words.mend.contains("server=/DOMAIN/10.77.0.1"), "{words:?}");
        assert_eq!(found(&on(told(&[]))).len(), 2, "nobody is not us either");
        assert_eq!(found(&on(told(&[[10, 77, 0, 53], [10, 77, 0, 1]]))), [FINE]);
        let off = heard(Mode::Proxy, vec![told(&[[10, 77, 0, 53]])]);
        assert_eq!(found(&off), [FINE], "we answer no names there");
    }

    #[test]
    fn a_boot_file_is_a_note_and_a_whole_pxe_offer_is_bad() {
        let file = Offer {
            file: b"pxelinux.0".to_vec(),
            next_server: Some([10, 77, 0, 3].into()),
            ..offer(Client::Bios)
        };
        let named = heard(Mode::Proxy, vec![file.clone()]);
        assert_eq!(found(&named), [FINE, (Code::BootFile, Grade::Note)]);
        let words = &judge(&named)[1].what;
        assert!(words.contains("BIOS with pxelinux.0 from 10.77.0.3"), "{words}");
        let proxy = Offer { address: None, for_firmware: true, vendor_options: true, ..file };
        let rival = heard(Mode::Proxy, vec![offer(Client::Plain), proxy.clone()]);
        assert_eq!(found(&rival), [FINE, (Code::BootRival, Grade::Bad)]);
        // Where we only listen, another boot server is what was expected.
        let listen = heard(Mode::Listen, vec![offer(Client::Plain), proxy]);
        assert_eq!(found(&listen), [FINE, FINE]);
    }

    #[test]
    fn what_port_4011_says_counts() {
        let lead = |on_4011| Offer {
            address: None,
            for_firmware: true,
            on_4011,
            ..offer(Client::X64Uefi)
        };
        let silent = heard(Mode::Dhcp, vec![lead(On4011::Silent)]);
        let both = [FINE, (Code::BootRival, Grade::Bad), (Code::ProxySilent, Grade::Note)];
        assert_eq!(found(&silent), both);
        let names = heard(Mode::Dhcp, vec![lead(On4011::Names(b"boot\x1b.efi".to_vec()))]);
        let words = &judge(&names)[1].what;
        assert!(words.contains("boot\\u{1b}.efi (on port 4011)"), "cleaned: {words}");
    }

    #[test]
    fn a_named_server_that_hands_nothing_out_is_said() {
        let tftp = |said| Heard {
            tftp: vec![Tftp { server: [10, 77, 0, 3].into(), file: b"x.0".to_vec(), said }],
            ..heard(Mode::Dhcp, vec![])
        };
        assert_eq!(found(&tftp(TftpSaid::Has(Some(7)))), [FINE]);
        let note = |code| vec![FINE, (code, Grade::Note)];
        assert_eq!(found(&tftp(TftpSaid::Silent)), note(Code::TftpSilent));
        assert_eq!(found(&tftp(TftpSaid::WithoutOptions)), note(Code::TftpPlain));
        let refused = tftp(TftpSaid::Refused("file not found".to_owned()));
        assert_eq!(found(&refused), note(Code::TftpRefused));
    }

    #[test]
    fn what_could_not_be_asked_says_why() {
        let rights = Heard { not_asked: Some(NotAsked::Rights), ..heard(Mode::Dhcp, vec![]) };
        assert_eq!(found(&rights), [(Code::ProbeRights, Grade::Note)]);
        let failed = NotAsked::Failed("network is down".to_owned());
        let failed = Heard { not_asked: Some(failed), ..heard(Mode::Dhcp, vec![]) };
        assert_eq!(found(&failed), [(Code::ProbeFailed, Grade::Note)]);
    }
}
