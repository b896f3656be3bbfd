//! `[dns]` in the configuration.

use super::{LAB, faults, read};
use std::net::Ipv4Addr;

#[test]
fn names_are_answered_only_where_it_says_so() {
    assert_eq!(read(LAB).unwrap().dns, None);
    let config = read(&format!(
        "{LAB}\n[dns]\nlisten = true\nupstream = [\"9.9.9.9\", \"[2620:fe::9]:5353\"]\n"
    ));
    let dns = config.unwrap().dns.unwrap();
    assert_eq!(dns.rules.interfaces, ["br0"]);
    let upstream: Vec<String> = dns.rules.upstream.iter().map(ToString::to_string).collect();
    assert_eq!(upstream, ["9.9.9.9:53", "[2620:fe::9]:5353"]);
    assert_eq!(dns.per_second, serve::ANSWERS_PER_SECOND);
    let off = read(&format!("{LAB}\n[dns]\nupstream = [\"9.9.9.9\"]\n")).unwrap();
    assert_eq!(off.dns, None);
    assert!(
        off.notes.iter().any(|note| note.starts_with("[dns] without `listen")),
        "{:?}",
        off.notes
    );
}

#[test]
fn a_link_that_has_its_dns_is_left_to_it_and_one_without_is_told_of_us() {
    let other = LAB.replace("dns       = [\"10.77.0.1\"]", "dns = [\"10.77.0.53\"]");
    let config = read(&format!("{other}\n[dns]\nlisten = true\n")).unwrap();
    assert!(config.dns.unwrap().rules.interfaces.is_empty());
    assert!(config.notes.iter().any(|note| note.contains("other servers are named there")));
    assert_eq!(config.settings.networks[0].dns, [Ipv4Addr::new(10, 77, 0, 53)]);
    let named = format!("{other}\n[dns]\nlisten = true\ninterfaces = [\"br0\"]\n");
    assert_eq!(read(&named).unwrap().dns.unwrap().rules.interfaces, ["br0"]);
    let none = LAB.replace("dns       = [\"10.77.0.1\"]", "");
    let config = read(&format!("{none}\n[dns]\nlisten = true\n")).unwrap();
    assert_eq!(config.settings.networks[0].dns, [Ipv4Addr::new(10, 77, 0, 1)]);
    assert!(read(&none).unwrap().settings.networks[0].dns.is_empty());
}

#[test]
fn a_network_of_ipv6_is_told_of_us_and_one_with_other_servers_keeps_its_link_to_them() {
    let lan = "[[network]]\ninterface = \"br0\"\nsubnet = \"fd77::/64\"\n";
    let on = "[dns]\nlisten = true\n";
    let config = read(&format!("{lan}{on}")).unwrap();
    assert_eq!(config.dns.unwrap().rules.interfaces, ["br0"]);
    let [network] = config.settings.networks6.as_slice() else { panic!("one network") };
    assert_eq!(network.dns, [network.server], "option 23");
    let both = read(&format!("{LAB}\n{lan}{on}")).unwrap();
    assert_eq!(both.dns.unwrap().rules.interfaces, ["br0"]);
    let other = read(&format!("{LAB}\n{lan}dns = [\"fd77::53\"]\n{on}")).unwrap();
    assert!(other.dns.unwrap().rules.interfaces.is_empty());
    let itself = faults(&format!("{lan}{on}upstream = [\"fd77::1\"]\n"));
    assert!(itself.len() == 1 && itself[0].contains("this server itself"), "{itself:?}");
}

#[test]
fn what_cannot_be_is_a_fault_at_its_place() {
    for (text, what) in [
        ("upstream = [\"ns.example\"]", "`ns.example` is no DNS server"),
        ("upstream = [\"10.77.0.1\"]", "10.77.0.1 is this server itself"),
        ("upstream = [\"0.0.0.0\"]", "0.0.0.0 is the address of no server"),
        ("interfaces = [\"br00\"]", "`br00` is no network that is answered"),
        ("private = [\"a..b\"]", "`a..b` is no domain name"),
        ("rate = 0", "`rate` takes"),
        ("rat = 1", "unknown key `rat` in [dns]"),
        ("[[dns.split]]\ndomain = \"corp.example\"", "a [[dns.split]] without both of its keys"),
        ("[[dns.publish]]\nserver = \"192.0.2.1\"", "without `zones` and `key` and `secret_file`"),
        (&publish("server = \"10.77.0.1\"", ""), "10.77.0.1 is this server itself"),
        (&publish("server = \"ns.example\"", ""), "`ns.example` is no DNS server"),
        (&publish(SERVER, "algorithm = \"hmac-md5\""), "`hmac-md5`"),
        (&publish(SERVER, "ttl = 0"), "`ttl` takes a number from 10 to 86400"),
        (&publish(SERVER, "secret = \"AAAA\""), "unknown key `secret` in [[dns.publish]]"),
        (&[publish(SERVER, ""), publish(SERVER, "")].join("\n"), "is told of `lab.example` twice"),
        ("[[dns.split]]\ndomain = \"c\"\nupstream = []", "a [[dns.split]] that asks nobody"),
    ] {
        let found = faults(&format!("{LAB}\n[dns]\nlisten = true\n{text}\n"));
        assert!(found.len() == 1 && found[0].contains(what), "{text}: {found:?}");
    }
}

const SERVER: &str = "server = \"192.0.2.1\"";

fn publish(server: &str, more: &str) -> String {
    format!(
        "[[dns.publish]]\n{server}\nzones = [\"lab.example\"]\nkey = \"bootwright\"\n\
         secret_file = \"/etc/bootwright/tsig.key\"\n{more}\n"
    )
}

#[test]
fn names_are_published_also_where_others_answer_them() {
    let lab = format!("{LAB}\n[dns]\n{}", publish(SERVER, "ttl = 60"));
    let config = read(&lab).unwrap();
    assert_eq!(config.dns, None, "not answered");
    let [one] = &config.publish[..] else { panic!("{:?}", config.publish) };
    assert_eq!((one.server.to_string().as_str(), one.ttl_s), ("192.0.2.1:53", 60));
    assert_eq!(one.algorithm, None, "as the file of the key says");
    let says = |word: &str| config.notes.iter().any(|note| note.contains(word));
    assert!(!says("without `listen"), "{:?}", config.notes);
    assert!(says("not named the other way round"), "{:?}", config.notes);
    let elsewhere = read(&lab.replace("[\"lab.example\"]", "[\"corp.example\"]")).unwrap();
    for word in ["is in none of the `zones`", "no network has names in corp.example"] {
        assert!(elsewhere.notes.iter().any(|note| note.contains(word)), "{:?}", elsewhere.notes);
    }
}
