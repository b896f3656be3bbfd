//! Names: random leases, names and records, and questions for them.

use engine::names::{Names, Rules, Said};
use engine::{Engine, Settings};
use lab::sim::chance::Chance;
use model::dns::{NameData, NameRecord};
use model::lease::{Lease, Lease6, LeaseState, Reservation, ReservedFor};
use model::network::Mode;
use model::{Change, HardwareAddress, Network, Network6, Now};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4};
use std::time::Duration;
use wire::dns::{Query, kind};
use wire::udp4;

use super::judge;

/// Questions to one world before the next is made.
const QUESTIONS: u64 = 200;
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const NOW: Now = Now(1000);

/// Scapy reads all records by itself, and nothing is left over.
const SCAPY: &str = r#"
from scapy.layers.inet import IP, UDP
from scapy.layers.dns import DNS, DNSRR

def judge(data):
    said = []
    p = DNS(bytes(IP(data)[UDP].payload))
    if Raw in p or Padding in p:
        said.append("bytes that are no record: %r" % bytes(p)[:80])
    for name in ("qd", "an", "ns", "ar"):
        count = getattr(p, name + "count")
        found, at = 0, getattr(p, name)
        while at is not None and at.name != "NoPayload":
            found, at = found + 1, at.payload
        if found != count:
            said.append("%s: %d said, %d found" % (name, count, found))
    return said
"#;

#[test]
fn tshark_and_scapy_find_nothing_malformed_in_what_any_world_says_of_names() {
    judge(world, &[], "dns", SCAPY);
}

/// A world, some questions to it, and what it says.
fn world(chance: &mut Chance, packets: &mut Vec<Vec<u8>>) {
    let mut engine = random_engine(chance);
    for change in (0..chance.below(60)).filter_map(|n| random_fact(chance, n)) {
        engine.apply(&change);
    }
    let rules = Rules { interfaces: vec!["lan".into()], ..Rules::default() };
    let names = Names::of(&engine.name_facts(NOW), &rules, None);
    let mut scratch = Vec::new();
    for _ in 0..QUESTIONS {
        let bytes = random_question(chance);
        let Ok(query) = Query::parse(&bytes) else { continue };
        let Said::Reply(reply, _) = names.answer(NOW, IpAddr::V4(CLIENT), &query, &mut scratch)
        else {
            continue;
        };
        let answer = match chance.percent(3) {
            true => query.truncated(),
            false => query.reply(&reply, query.room()),
        };
        let server = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 53);
        let to = SocketAddrV4::new(CLIENT, 40_000);
        packets.push(udp4::encode(server, to, 1, &answer).expect("it fits"));
    }
}

fn random_engine(chance: &mut Chance) -> Engine {
    let subnet = "10.0.0.0/24".parse().unwrap();
    let mut four = Network::new("lan", Mode::Dhcp, Ipv4Addr::new(10, 0, 0, 1), subnet);
    four.domain = Some("lab.example".into());
    let mut six = Network6::new("lan", "fd77::1".parse().unwrap(), "fd77::/64".parse().unwrap());
    six.domain = chance.percent(70).then(|| "lab.example".into());
    Engine::new(Settings {
        server_name: "boot".into(),
        networks: vec![four],
        networks6: vec![six],
        http_port: 80,
        tls_port: None,
        lease_history: Duration::from_secs(86_400),
        boot: engine::BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    })
}

fn random_name(chance: &mut Chance) -> String {
    let n = chance.below(30);
    match chance.below(5) {
        0 => format!("node-{n}"),
        1 => format!("52-54-00-00-00-{n:02x}"),
        2 => "n".repeat(usize::try_from(1 + chance.below(63)).unwrap()),
        3 => format!("a{n}.b.c"),
        _ => "boot".into(),
    }
}

fn full_name(chance: &mut Chance) -> String {
    format!("{}.lab.example", random_name(chance))
}

fn random_fact(chance: &mut Chance, n: u64) -> Option<Change> {
    let last = u8::try_from(n).unwrap();
    let hardware = HardwareAddress::mac([0x52, 0x54, 0, 0, 0, last]);
    let address = Ipv4Addr::new(10, 0, 0, 20 + last);
    let until = Some(Now(1_000_000));
    Some(match chance.below(5) {
        0 => Change::Lease(Lease {
            address,
            network: "lan".into(),
            hardware,
            client_id: None,
            host_name: Some(random_name(chance)),
            since: Now(n),
            until,
            state: LeaseState::Bound,
        }),
        1 => Change::Lease6(Lease6 {
            address: Ipv6Addr::from(
                u128::from("fd77::".parse::<Ipv6Addr>().ok()?) + 20 + u128::from(n),
            ),
            network: "lan".into(),
            duid: vec![0, 3, 0, 1, 0x52, 0x54, 0, 0, 0, last],
            iaid: 1,
            hardware: Some(hardware),
            host_name: Some(random_name(chance)),
            since: Now(n),
            until,
            state: LeaseState::Bound,
        }),
        2 => Change::Reservation(Reservation {
            address,
            holder: ReservedFor::Mac(hardware),
            host_name: Some(format!("node-{n}")),
            since: Now(n),
        }),
        _ => {
            let records = (0..1 + chance.below(20)).map(|_| random_record(chance)).collect();
            Change::Names(full_name(chance), records)
        }
    })
}

fn random_record(chance: &mut Chance) -> NameRecord {
    let data = match chance.below(5) {
        0 => NameData::A(Ipv4Addr::from(u32::try_from(chance.below(1 << 31)).unwrap())),
        1 => NameData::Aaaa(Ipv6Addr::from(u128::from(chance.below(1 << 60)) << 60)),
        2 => NameData::Cname(full_name(chance)),
        3 => NameData::Txt("x".repeat(usize::try_from(chance.below(600)).unwrap())),
        _ => NameData::Srv { priority: 1, weight: 2, port: 80, target: full_name(chance) },
    };
    NameRecord { ttl_s: u32::try_from(chance.below(86_400)).unwrap(), data }
}

fn random_question(chance: &mut Chance) -> Vec<u8> {
    let n = chance.below(80);
    let name = match chance.below(8) {
        0 => format!("{n}.0.0.10.in-addr.arpa"),
        1 => format!(
            "{:x}.{:x}.0.0.0.0.0.0.0.0.0.0.0.0.0.0.{}7.7.d.f.ip6.arpa",
            n % 16,
            n / 16,
            "0.".repeat(12)
        ),
        2 => "lab.example".into(),
        3 => "www.example.org".into(),
        _ => full_name(chance),
    };
    let all = [
        kind::A,
        kind::AAAA,
        kind::PTR,
        kind::TXT,
        kind::SRV,
        kind::CNAME,
        kind::SOA,
        kind::NS,
        kind::MX,
        kind::ANY,
        kind::AXFR,
        65,
        43,
    ];
    let edns = chance.percent(50);
    let mut bytes = u16::try_from(chance.below(1 << 16)).unwrap().to_be_bytes().to_vec();
    // Sometimes another opcode, sometimes no recursion.
    let first = if chance.percent(5) { 0x11 } else { u8::from(chance.percent(90)) };
    bytes.extend([
        first,
        if chance.percent(10) { 0x10 } else { 0 },
        0,
        1,
        0,
        0,
        0,
        0,
        0,
        u8::from(edns),
    ]);
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        let mut flip = |c: u8| if chance.percent(30) { c.to_ascii_uppercase() } else { c };
        bytes.extend(label.bytes().map(&mut flip));
    }
    bytes.push(0);
    bytes.extend(chance.one_of(&all).unwrap().to_be_bytes());
    bytes.extend(chance.one_of(&[1_u16, 1, 1, 1, 1, 1, 3, 255]).unwrap().to_be_bytes());
    if edns {
        let payload = *chance.one_of(&[512_u16, 1232, 4096, 100]).unwrap();
        let version = u8::from(chance.percent(5));
        bytes.extend([0, 0, 41]);
        bytes.extend(payload.to_be_bytes());
        bytes.extend([0, version, if chance.percent(30) { 0x80 } else { 0 }, 0, 0, 0]);
    }
    if chance.percent(5) {
        let at = 12 + usize::try_from(chance.below(bytes.len() as u64 - 12)).unwrap();
        bytes[at] = u8::try_from(chance.below(256)).unwrap();
    }
    bytes
}
