//! What the real servers wrote is read, and what is left out is named with its line.
//!
//! `samples/*.leases` and `kea-leases4.csv` were written by dnsmasq 2.90, ISC dhcpd 4.4.3 and Kea
//! 2.2.0 for four udhcpc clients in a network namespace; the configurations are ours, and each was
//! accepted by its server's own check.

use foreign::{Book, Parsed, Server};
use model::lease::{LeaseState, ReservedFor};
use model::{Lease, Now};

/// When the samples were written.
const THEN: Now = Now(1_795_391_800_000);

fn parsed(server: Server, texts: &[&str]) -> Parsed {
    let mut book = Book::new(THEN);
    for (n, text) in texts.iter().enumerate() {
        book.read(server, &format!("file{n}"), &mut text.as_bytes()).unwrap();
    }
    book.done()
}

fn one(server: Server, text: &str) -> Parsed {
    parsed(server, &[text])
}

fn told(parsed: &Parsed) -> String {
    parsed.left_out.iter().map(|out| format!("{out}\n")).collect()
}

fn reserved(parsed: &Parsed) -> Vec<String> {
    let all = parsed.reservations.iter().map(|at| {
        let name = at.value.host_name.as_deref().unwrap_or("-");
        format!("{} {} {} {name}", at.line, at.value.address, at.value.holder)
    });
    all.collect()
}

/// The four clients, whichever server they asked.
fn four(leases: &[foreign::At<Lease>]) {
    assert_eq!(leases.len(), 4);
    let of = |mac: &str| {
        let mac = mac.parse().unwrap();
        &leases.iter().find(|at| at.value.hardware == mac).unwrap().value
    };
    let first = of("52:54:00:77:0a:01");
    assert_eq!(first.host_name.as_deref(), Some("lab-01"));
    assert_eq!(first.client_id.as_deref(), Some(&[1, 0x52, 0x54, 0, 0x77, 0x0a, 1][..]));
    let second = of("52:54:00:77:0a:02");
    assert_eq!(second.client_id.as_deref(), Some(&[0xff, 0, 0x11, 0x22, 0x33][..]));
    assert_eq!(of("52:54:00:77:0a:03").client_id, None);
    assert!(leases.iter().all(|at| at.value.state == LeaseState::Bound && at.value.holds(THEN)));
    assert!(leases.iter().all(|at| at.value.since <= THEN), "nothing is given in the future");
}

#[test]
fn dnsmasq_s_own_lease_file_is_read() {
    let parsed = one(Server::Dnsmasq, include_str!("samples/dnsmasq.leases"));
    four(&parsed.leases);
    assert_eq!(told(&parsed), "");
    let for_ever = parsed.leases.iter().find(|at| at.value.until.is_none()).unwrap();
    assert_eq!(for_ever.value.address.to_string(), "10.77.0.50");
}

#[test]
fn isc_s_own_lease_file_is_read() {
    let parsed = one(Server::Isc, include_str!("samples/dhcpd.leases"));
    four(&parsed.leases);
    let first = &parsed.leases[0];
    assert_eq!(
        (first.line, first.value.until.unwrap().to_string().as_str()),
        (9, "2026-11-23T00:56:14Z")
    );
    assert_eq!(parsed.left_out.len(), 1, "{}", told(&parsed));
    assert!(told(&parsed).contains("file0:7: server-duid"), "{}", told(&parsed));
}

#[test]
fn kea_s_own_lease_file_is_read() {
    let parsed = one(Server::Kea, include_str!("samples/kea-leases4.csv"));
    four(&parsed.leases);
    assert_eq!(told(&parsed), "");
    assert_eq!(parsed.leases[0].value.since.to_string(), "2026-11-22T23:56:20Z");
}

#[test]
fn dnsmasq_s_hosts_become_reservations_and_the_rest_is_named() {
    let parsed = one(Server::Dnsmasq, include_str!("samples/dnsmasq.conf"));
    let expected = [
        "4 10.77.0.50 52:54:00:77:0a:03 kiosk",
        "5 10.77.0.51 client id \\u{1}\\u{2}\\u{3}\\u{4} -",
        "6 10.77.0.52 client id marjorie -",
        "7 10.77.0.53 52:54:00:77:0a:05 -",
        "12 10.77.0.56 6/00:01:02:03:04:05 -",
    ];
    assert_eq!(reserved(&parsed), expected);
    let told = told(&parsed);
    for (line, word) in [
        (4, "infinite"),
        (7, "10.77.0.53 for 52:54:00:77:0a:06"),
        (9, "one MAC"),
        (10, "by the name"),
        (11, "ignore"),
        (13, "IPv4"),
        (14, "PATH of its own"),
    ] {
        let place = format!("file0:{line}: ");
        let there = told.lines().any(|l| l.starts_with(&place) && l.contains(word));
        assert!(there, "{line} {word}:\n{told}");
    }
    // Without the word, in a file of hosts.
    let hosts = one(Server::Dnsmasq, "52:54:00:77:0a:03,10.77.0.50,kiosk\n");
    assert_eq!(reserved(&hosts), ["1 10.77.0.50 52:54:00:77:0a:03 kiosk"]);
}

#[test]
fn isc_s_hosts_become_reservations_and_the_rest_is_named() {
    let parsed = one(Server::Isc, include_str!("samples/dhcpd.conf"));
    let expected = [
        "10 10.77.0.11 52:54:00:77:0a:01 lab-01",
        "11 10.77.0.12 52:54:00:77:0a:02 kiosk",
        "18 10.77.0.13 client id \\u{1}abc by-id",
        "19 10.77.0.14 circuit ge-0/0/1 by-port",
        "11 10.78.0.12 52:54:00:77:0a:02 kiosk",
    ];
    assert_eq!(reserved(&parsed), expected);
    let told = told(&parsed);
    for (line, word) in
        [(3, "authoritative"), (4, "class phones"), (15, "pxelinux.0"), (21, "localhost")]
    {
        let place = format!("file0:{line}: ");
        let there = told.lines().any(|l| l.starts_with(&place) && l.contains(word));
        assert!(there, "{line} {word}:\n{told}");
    }
}

#[test]
fn kea_s_reservations_are_read_with_comments_and_lines() {
    let parsed = one(Server::Kea, include_str!("samples/kea-dhcp4.conf"));
    let expected = [
        "15 10.77.0.11 52:54:00:77:0a:01 lab-01",
        "16 10.77.0.12 client id \\u{1}\\u{2}\\u{3}\\u{4} -",
        "17 10.77.0.13 circuit ge-0/0/1 -",
        "20 10.77.0.15 52:54:00:77:0a:06 -",
    ];
    assert_eq!(reserved(&parsed), expected);
    let told = told(&parsed);
    for (line, word) in [
        (6, "name its file"),
        (18, "DUID"),
        (18, "does not say for whom"),
        (23, "boot-file-name: pxelinux.0"),
    ] {
        let place = format!("file0:{line}: ");
        let there = told.lines().any(|l| l.starts_with(&place) && l.contains(word));
        assert!(there, "{line} {word}:\n{told}");
    }
}

#[test]
fn the_last_block_of_isc_s_log_counts() {
    let text = "
lease 10.0.0.1 { starts 4 2026/11/19 08:00:00; ends never; binding state active; hardware ethernet 52:54:00:00:00:01; }
lease 10.0.0.2 { starts epoch 1795391000; # Sun
  ends epoch 1795399000; binding state active; hardware ethernet 52:54:00:00:00:02; uid 01:52:54:00:00:00:02; }
lease 10.0.0.1 { ends 4 2026/11/19 09:00:00; binding state free; hardware ethernet 52:54:00:00:00:01; }
lease 10.0.0.3 { ends never; binding state abandoned; client-hostname \"x\"; }
lease 10.0.0.4 { ends 4 2026/11/19 09:00:00; binding state backup; }
lease 10.0.0.5 { ends 4 2026/11/19 09:00:00; binding state expired; hardware ethernet 52:54:00:00:00:05;
  set ddns-txt = \"31\"; on expiry { execute (\"x\"); } option agent.circuit-id 1:2; frobnicate 7; reserved; }
lease 10.0.0.6 { binding state active; hardware ethernet 52:54:00:00:00:06; }
host dyn { dynamic; hardware ethernet 52:54:00:00:00:07; fixed-address 10.0.0.7; }
host dyn { dynamic; deleted; }
host stays { dynamic; hardware ethernet 52:54:00:00:00:08; fixed-address 10.0.0.8; }
failover peer \"a\" state { my state normal at 4 2026/11/19 09:00:00; }
lease 10.0.0.9 { starts 4 2026/11/19 08:00:00;";
    let parsed = one(Server::Isc, text);
    let shown: Vec<String> = parsed
        .leases
        .iter()
        .map(|at| {
            let l = &at.value;
            format!("{} {} {:?} {}", l.address, l.hardware, l.state, l.holds(THEN))
        })
        .collect();
    let expected = [
        "10.0.0.1 52:54:00:00:00:01 Released false",
        "10.0.0.2 52:54:00:00:00:02 Bound true",
        "10.0.0.5 52:54:00:00:00:05 Bound false",
    ];
    assert_eq!(shown, expected);
    assert_eq!(reserved(&parsed), ["13 10.0.0.8 52:54:00:00:00:08 -"]);
    let told = told(&parsed);
    for word in [
        "lease 10.0.0.3: abandoned",
        "frobnicate 7",
        "reservation add",
        "lease 10.0.0.6: it does not say when it ends",
        "host dyn",
        "failover",
        "lease 10.0.0.9: the file ends inside it",
    ] {
        assert!(told.contains(word), "{word}:\n{told}");
    }
    assert!(!told.contains("10.0.0.4") && !told.contains("ddns-txt"), "{told}");
}

#[test]
fn kea_s_columns_may_stand_in_any_order_and_later_lines_count() {
    let old = "state,hostname,expire,address,valid_lifetime,client_id,hwaddr,pool_id,user_context\n\
        0,a&#x2cb.,1795395380,10.0.0.1,3600,,52:54:00:00:00:01,0,{&#x22x&#x22: 1&#x2c 2}\n\
        0,,1795395380,10.0.0.2,4294967295,01:02,52:54:00:00:00:02,0,\n\
        0,,1795395380,10.0.0.3,3600,,52:54:00:00:00:03,0,\n";
    let new = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,\
        state,user_context\n\
        10.0.0.3,52:54:00:00:00:03,,0,1795395380,1,0,0,,0,\n\
        10.0.0.4,,,86400,1795395380,1,0,0,,1,\n\
        10.0.0.5,52:54:00:00:00:05,,3600,1795390000,1,0,0,,2,\n\
        10.0.0.6,,00:01,3600,1795395380,1,0,0,,0,\n\
        10.0.0.7,zz,,3600,1795395380,1,0,0,,0,\n\
        fd00::1,,,3600,1795395380,1,0,0,,0,\n";
    let parsed = parsed(Server::Kea, &[old, new]);
    let shown: Vec<String> = parsed
        .leases
        .iter()
        .map(|at| {
            let l = &at.value;
            let name = l.host_name.as_deref().unwrap_or("-");
            format!("{} {} {:?} {} {name}", l.address, l.hardware, l.state, l.until.is_none())
        })
        .collect();
    let expected = [
        "10.0.0.1 52:54:00:00:00:01 Bound false a,b",
        "10.0.0.2 52:54:00:00:00:02 Bound true -",
        "10.0.0.5 52:54:00:00:00:05 Released false -",
        "10.0.0.6 32/ Bound false -",
    ];
    assert_eq!(shown, expected);
    let told = told(&parsed);
    for word in ["file1:3: lease 10.0.0.4: declined", "file1:6: lease 10.0.0.7", "file1:7: fd00::1"]
    {
        assert!(told.contains(word), "{word}:\n{told}");
    }
    let six = "address,duid,valid_lifetime,expire\nfd00::1,00:01,1,2\n";
    assert!(self::told(&one(Server::Kea, six)).contains("DHCPv6"));
    assert!(self::told(&one(Server::Kea, "hello\n")).contains("`address`"));
}

#[test]
fn dnsmasq_s_odd_lines_are_named() {
    let text = "duid 00:01:00:01\n1795395380 12345 fd00::1 six 00:01\n1795395380 x 10.0.0.1 * *\n\
        43200 52:54:00:00:00:02 10.0.0.2 * zz\n1 2 3\n0 20- 10.0.0.4 * ff:01\n\
        0 20-00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10 10.0.0.5 * *\n";
    let parsed = one(Server::Dnsmasq, text);
    let told = told(&parsed);
    assert_eq!(parsed.leases.len(), 2, "{told}");
    // A host without a clock writes how long, not until when.
    assert_eq!(parsed.leases[0].value.until, Some(Now(THEN.0 + 43_200_000)));
    assert!(parsed.leases[1].value.hardware.bytes().is_empty());
    for line in [1, 2, 3, 4, 5, 7] {
        assert!(told.contains(&format!("file0:{line}: ")), "{line}:\n{told}");
    }
}

#[test]
fn an_address_is_promised_to_the_first_who_is_named() {
    let twice = "dhcp-host=52:54:00:00:00:01,10.0.0.1\ndhcp-host=52:54:00:00:00:01,10.0.0.1\n";
    let parsed = one(Server::Dnsmasq, twice);
    assert!(matches!(parsed.reservations[0].value.holder, ReservedFor::Mac(_)));
    assert_eq!((parsed.reservations.len(), told(&parsed).as_str()), (1, ""));
    let other = format!("{twice}dhcp-host=52:54:00:00:00:02,10.0.0.1\n");
    let parsed = one(Server::Dnsmasq, &other);
    assert_eq!(parsed.reservations.len(), 1);
    assert!(told(&parsed).contains("file0:1 promises it to 52:54:00:00:00:01"));
}
