//! Networks of IPv6.

use super::{LAB, faults, read, settings};
use model::network::HttpBoot;
use std::time::Duration;

const LAN: &str = "[[network]]\ninterface=\"br0\"\nsubnet=\"fd77::/64\"\n";

#[test]
fn a_network_of_ipv6_stands_beside_one_of_ipv4_on_the_same_interface() {
    let settings = settings(&format!(
        "{LAB}\n{LAN}mode=\"dhcp\"\npool=[\"fd77::100-fd77::1ff\"]\ndns=[\"fd77::53\"]\n\
         domain=\"lab.example\"\nlease=\"8h\"\nadvertise=true\nrapid_commit=true\n\
         http_boot=\"https\"\n"
    ));
    assert_eq!(settings.networks.len(), 1);
    let [lan] = settings.networks6.as_slice() else { panic!("{settings:?}") };
    assert_eq!(
        (lan.server, lan.subnet.to_string()),
        ("fd77::1".parse().unwrap(), "fd77::/64".into())
    );
    assert!(lan.advertise && lan.rapid_commit && lan.gives_addresses());
    assert_eq!(lan.lease, Some(Duration::from_secs(8 * 3600)));
    assert_eq!(lan.http_boot, HttpBoot::Https);
}

#[test]
fn a_link_without_ipv4_is_enough_and_a_pool_is_not_needed() {
    let settings = settings(LAN);
    assert!(settings.networks.is_empty() && !settings.networks6[0].gives_addresses());
    assert!(settings_off().networks6.is_empty());
}

fn settings_off() -> engine::Settings {
    settings(&format!("{LAB}\n{LAN}mode=\"off\"\n"))
}

#[test]
fn what_would_not_work_is_said_with_its_place() {
    let of = |keys: &str| faults(&format!("{LAN}{keys}"));
    assert_eq!(of("router=\"fd77::2\"\n"), ["4:1 `router` is for IPv4 networks"]);
    assert_eq!(
        of("pool=[\"fd78::1-fd78::2\"]\n"),
        ["4:7 pool fd78::1-fd78::2 leaves the subnet fd77::/64"]
    );
    assert_eq!(of("pool=[\"10.0.0.1\"]\n").len(), 1);
    assert_eq!(of("lease=\"1m\"\n"), ["4:7 a lease shorter than 10m"]);
    assert_eq!(
        of("mode=\"proxy\"\n"),
        ["4:6 mode \"proxy\" is for IPv4: over IPv6 there are \"dhcp\", \"listen\" and \"off\""]
    );
    assert_eq!(
        of("relays=[\"fd77::9\"]\nadvertise=true\n"),
        ["5:11 fd77::/64 is behind a relay: what we advertised would stay here"]
    );
    let far = LAN.replace("fd77::", "fd99::");
    let said = faults(&far);
    assert_eq!(said, ["2:11 br0 has no address in fd99::/64: it has fe80::1, fd77::1"]);
    let hint = read(&far).unwrap_err();
    assert!(hint.contains("ip addr add fd99::1/64 dev br0"), "{hint}");
    let twice = faults(&format!("{LAN}{}", LAN.replace("/64", "/48")));
    assert!(twice.iter().any(|f| f.contains("a second IPv6 network on br0")), "{twice:?}");
    assert!(twice.iter().any(|f| f.contains("overlaps")), "{twice:?}");
}

#[test]
fn a_network_may_only_listen_beside_one_of_ipv4_that_answers() {
    let settings =
        settings(&format!("{LAB}\n{LAN}mode=\"listen\"\npool=[\"fd77::100-fd77::1ff\"]\n"));
    assert_eq!(settings.networks.len(), 1);
    let [lan] = settings.networks6.as_slice() else { panic!("{settings:?}") };
    assert!(lan.only_listens() && lan.gives_addresses());
    assert!(crate::serving::in_a_line6(lan).contains("IPv6, mode listen, we are fd77::1"));
}

#[test]
fn where_nothing_is_sent_no_key_asks_for_it() {
    let of = |keys: &str| faults(&format!("{LAN}mode=\"listen\"\n{keys}"));
    let takes = |keys: &str| read(&format!("{LAN}mode=\"listen\"\n{keys}")).unwrap();
    takes("advertise=false\nrapid_commit=true\nhttp_boot=\"https\"\n");
    assert_eq!(
        of("advertise=true\n"),
        ["5:11 `advertise` is for mode \"dhcp\": where we only listen nothing is sent"]
    );
    assert_eq!(of("listen_as=\"dhcp\"\n"), ["5:1 `listen_as` is for IPv4 networks"]);
    let behind = LAN.replace("fd77::", "fd78::") + "relays=[\"fd78::9\"]\n";
    let mixed = of(&behind);
    assert_eq!(mixed, ["5:1 on br0 we would listen only, and answer as well"], "{mixed:?}");
    takes(&format!("{behind}mode=\"listen\"\n"));
    takes(&format!("{behind}mode=\"off\"\n"));
}

#[test]
fn servers_and_routers_that_belong_there_are_named_where_they_can_be_heard() {
    let lan = |keys: &str| format!("{LAN}{keys}");
    let settings = settings(&lan("others=[\"fe80::1\", \"fd77::2\"]\n"));
    let others: Vec<String> =
        settings.networks6[0].others.iter().map(ToString::to_string).collect();
    assert_eq!(others, ["fe80::1", "fd77::2"]);
    for nobody in ["::", "ff02::1"] {
        let said = faults(&lan(&format!("others=[\"{nobody}\"]\n")));
        assert!(said[0].contains(&format!("{nobody} is the address of no server")), "{said:?}");
    }
    let said = faults(&lan("others=[\"10.77.0.2\"]\n"));
    assert!(said[0].contains("`10.77.0.2` is no IPv6 address"), "{said:?}");
    let said = faults(&lan("relays=[\"fd77::9\"]\nothers=[\"fe80::1\"]\n"));
    assert!(said.iter().any(|f| f.contains("nobody there is heard here")), "{said:?}");
}

#[test]
fn keys_of_ipv6_in_a_network_of_ipv4_are_named() {
    let text = format!("{}advertise = true\n", LAB.split("\n[boot]").next().unwrap());
    let said = faults(&text);
    assert!(said.iter().any(|f| f.contains("`advertise` is for IPv6 networks")), "{said:?}");
}
