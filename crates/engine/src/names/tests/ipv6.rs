//! Names of machines that have IPv6 addresses.

use super::*;
use model::lease::{Lease6, Reservation6, ReservedFor6};
use std::net::Ipv6Addr;

fn ip6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

/// One link with both families.
fn dual() -> Engine {
    let mut lan = Network6::new("lan", ip6("fd77::1"), "fd77::/64".parse().unwrap());
    lan.domain = Some("lab.example".to_owned());
    engine_with(vec![network("10.77.0.0/24", Some("lab.example"))], vec![lan])
}

fn lease6(who: Option<u8>, iaid: u32, address: &str, said: Option<&str>, until: u64) -> Change {
    Change::Lease6(Lease6 {
        address: ip6(address),
        network: "lan".to_owned(),
        duid: vec![0, 4, who.unwrap_or(0)],
        iaid,
        hardware: who.map(mac),
        host_name: said.map(str::to_owned),
        since: Now(5),
        until: Some(Now(until)),
        state: LeaseState::Bound,
    })
}

const OF_FD77_100: &str =
    "0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.7.d.f.ip6.arpa";

#[test]
fn a_machine_of_both_families_is_one_name_with_an_address_of_each() {
    let mut engine = dual();
    let changes = [
        lease(1, 100, Some("node"), 5),
        lease6(Some(1), 1, "fd77::100", Some("node"), HOUR),
        // Another who calls itself the same, and whose card nobody knows.
        lease6(None, 1, "fd77::200", Some("node"), HOUR),
    ];
    let names = names(&mut engine, &changes);
    let says = |name: &str, kind| said(&names, 1000, name, kind);
    assert_eq!(says("node.lab.example", kind::A), "NOERROR A 10.77.0.100");
    assert_eq!(says("node.lab.example", kind::AAAA), "NOERROR AAAA fd77::100");
    assert_eq!(says("52-54-00-00-00-01.lab.example", kind::AAAA), "NOERROR AAAA fd77::100");
    assert_eq!(says(OF_FD77_100, kind::PTR), "NOERROR PTR node.lab.example");
    assert_eq!(says("boot-1.lab.example", kind::AAAA), "NOERROR AAAA fd77::1");
    let zone = "0.0.0.0.0.0.0.0.0.0.0.0.7.7.d.f.ip6.arpa";
    assert!(says(zone, kind::SOA).starts_with("NOERROR SOA boot-1.lab.example"));
    assert_eq!(says(&format!("7.{zone}"), kind::PTR), "NXDOMAIN SOA");
    assert_eq!(said(&names, HOUR, "node.lab.example", kind::AAAA), "NXDOMAIN SOA", "it ended");
    let [lost] = names.lost() else { panic!("{:?}", names.lost()) };
    assert_eq!((lost.address, lost.hardware), (ip6("fd77::200").into(), None));
    assert!(lost.wants.to_string().starts_with("whoever has had fd77::200 since"), "{lost:?}");
    for (from, answered) in [("fd77::99", true), ("fd78::1", false), ("fe80::1", false)] {
        let from: IpAddr = from.parse().unwrap();
        assert_eq!(names.serves(from), answered, "{from}");
    }
}

#[test]
fn over_ipv6_a_machine_is_where_it_spoke_last() {
    let mut engine = dual();
    // Firmware, loader and system ask one after the other, each for an address of its own.
    let stages = [
        lease6(Some(1), 1, "fd77::100", None, HOUR),
        lease6(Some(1), 2, "fd77::150", None, HOUR + 2),
        lease6(Some(1), 3, "fd77::120", Some("node"), HOUR + 1),
        machine(1, "lab-01"),
    ];
    let all = names(&mut engine, &stages);
    assert_eq!(said(&all, 1000, "lab-01.lab.example", kind::AAAA), "NOERROR AAAA fd77::150");
    assert_eq!(said(&all, 1000, OF_FD77_100, kind::PTR), "NXDOMAIN SOA");
    // It boots again.
    let again = names(&mut engine, &[lease6(Some(1), 1, "fd77::100", None, HOUR + 3)]);
    assert_eq!(said(&again, 1000, "lab-01.lab.example", kind::AAAA), "NOERROR AAAA fd77::100");
    // A reserved address has its name, leased or not, and nobody else takes it.
    let reserved = |holder| {
        let (address, host_name) = (ip6("fd77::7"), Some("web".to_owned()));
        Change::Reservation6(Reservation6 { address, holder, host_name, since: Now(9) })
    };
    let other = lease6(Some(2), 1, "fd77::160", Some("web"), HOUR);
    let kept = names(&mut engine, &[reserved(ReservedFor6::Duid(vec![0, 4, 9])), other]);
    assert_eq!(said(&kept, 1000, "web.lab.example", kind::AAAA), "NOERROR AAAA fd77::7");
    assert_eq!(kept.lost().len(), 1, "{:?}", kept.lost());
}
