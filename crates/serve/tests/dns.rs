//! Names on port 53: who is answered, with how much, and what is dropped.

mod support;

use engine::names::{Facts, Holding, OwnRecord, Place, Prefix, Rules};
use model::network::Mode;
use model::{HardwareAddress, Network6, Now};
use serve::{ANSWERS_PER_SECOND, Counts, Dns, Limits, Ports};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpStream, UdpSocket};
use std::time::Duration;
use support::{House, SERVER, Server, Store, World, able, eventually, inside, network, run, to};
use wire::dns::{Data, Name, kind};

struct Stage {
    server: Server,
    house: House,
    world: World,
}

fn stage(per_second: u32) -> Stage {
    let (world, house) = (World::new(), House::new(|_| None));
    let rules = Rules { interfaces: vec!["lan".to_owned()], ..Rules::default() };
    let dns = Some(Dns { rules, per_second });
    let ports = Ports { http: 80, tls: None, syslog: None, dns, publish: Vec::new() };
    let networks = [network(Mode::Dhcp)];
    house.name(facts(&[]));
    let with = (ports, Limits::default());
    let server = Server::try_start_on(&world.here, &house, &Store::default(), &networks, with);
    let stage = Stage { server: server.unwrap(), house, world };
    // The first copy of the names.
    let socket = stage.world.udp(0);
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let there = eventually(|| ask(&socket, "boot.lab.example", kind::A, None));
    assert_eq!(there.expect("it answers").code, 0);
    stage
}

fn facts(leased: &[(&str, u8)]) -> Facts {
    let place = Place {
        interface: "lan".to_owned(),
        subnet: Prefix::V4("10.77.0.0/24".parse().unwrap()),
        server: SERVER.into(),
        domain: Some("lab.example".to_owned()),
    };
    let holding = |(said, n): &(&str, u8)| Holding {
        address: Ipv4Addr::new(10, 77, 0, *n).into(),
        hardware: Some(HardwareAddress::mac([2, 0, 0, 0, 0, *n])),
        duid: None,
        since: Now(1),
        until: None,
        reserved: false,
        reserved_name: None,
        machine_name: None,
        said: Some((*said).to_owned()),
    };
    let many = (0..200).map(|n| OwnRecord {
        name: Name::parse("many.lab.example").unwrap(),
        ttl_s: 60,
        data: Data::A(Ipv4Addr::new(10, 77, 1, n)),
    });
    Facts {
        at: Now(1),
        server: "boot".to_owned(),
        places: vec![place],
        holdings: leased.iter().map(holding).collect(),
        records: many.collect(),
    }
}

/// Header and question.
fn question(name: &str, kind: u16, payload: Option<u16>) -> Vec<u8> {
    let more = u8::from(payload.is_some());
    let mut bytes = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, more];
    bytes.extend(Name::parse(name).unwrap().as_wire());
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    if let Some(payload) = payload {
        bytes.extend([0, 0, 41]);
        bytes.extend(payload.to_be_bytes());
        bytes.extend([0; 6]);
    }
    bytes
}

#[derive(Debug)]
struct Heard {
    code: u8,
    cut: bool,
    answers: u16,
    length: usize,
    bytes: Vec<u8>,
}

fn read(bytes: &[u8]) -> Heard {
    assert!(bytes[..2] == [7, 7] && bytes[2] & 0x80 != 0, "an answer to ours");
    Heard {
        code: bytes[3] & 0xf,
        cut: bytes[2] & 2 != 0,
        answers: u16::from_be_bytes([bytes[6], bytes[7]]),
        length: bytes.len(),
        bytes: bytes.to_vec(),
    }
}

fn ask(socket: &UdpSocket, name: &str, kind: u16, payload: Option<u16>) -> Option<Heard> {
    socket.send_to(&question(name, kind, payload), to(53)).unwrap();
    hear(socket)
}

fn hear(socket: &UdpSocket) -> Option<Heard> {
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).ok()?;
    Some(read(&bytes[..length]))
}

fn over_tcp(stream: &mut TcpStream, name: &str, kind: u16) -> Heard {
    let question = question(name, kind, None);
    let length = (question.len() as u16).to_be_bytes();
    stream.write_all(&[&length[..], &question].concat()).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes).unwrap();
    read(&bytes)
}

impl Stage {
    fn quick(&self) -> UdpSocket {
        let socket = self.world.udp(0);
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        socket
    }

    fn tcp(&self) -> TcpStream {
        let stream = inside(&self.world.there, || TcpStream::connect((SERVER, 53)).unwrap());
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    fn counted(&self, that: impl Fn(&Counts) -> bool) -> Counts {
        let counts = || Some(self.server.counts()).filter(&that);
        eventually(counts).unwrap_or_else(|| panic!("counted were {:#?}", self.server.counts()))
    }
}

#[test]
fn a_name_answers_as_long_as_its_lease_holds() {
    if !able(&[]) {
        return;
    }
    let stage = stage(1_000_000);
    let socket = stage.quick();
    assert_eq!(ask(&socket, "node.lab.example", kind::A, None).unwrap().code, 3);
    for leased in [&[("Node", 100)][..], &[]] {
        stage.house.name(facts(leased));
        let code = if leased.is_empty() { 3 } else { 0 };
        // On a host that does much else a datagram may be late.
        let heard = || ask(&socket, "node.lab.example", kind::A, None).filter(|h| h.code == code);
        assert!(eventually(heard).is_some(), "no answer with code {code}");
    }
    stage.house.name(facts(&[("Node", 100)]));
    let there = || {
        ask(&socket, "100.0.77.10.in-addr.arpa", kind::PTR, None).filter(|heard| heard.code == 0)
    };
    let heard = eventually(there).unwrap();
    assert!(heard.bytes.windows(5).any(|part| part == b"\x04node"), "{heard:?}");
    let by_tcp = over_tcp(&mut stage.tcp(), "node.lab.example", kind::A);
    assert_eq!((by_tcp.code, by_tcp.answers), (0, 1));
}

#[test]
fn a_bug_is_counted_and_names_are_answered_all_the_same() {
    if !able(&[]) {
        return;
    }
    let stage = stage(1_000_000);
    let socket = stage.quick();
    stage.house.stumble_copying_names(3);
    stage.counted(|counts| counts.panics == 3);
    stage.house.name(facts(&[("Node", 100)]));
    let there = || ask(&socket, "node.lab.example", kind::A, None).filter(|heard| heard.code == 0);
    assert!(eventually(there).is_some(), "what came after it has its name");
    stage.house.stumble_answering_names(2);
    assert!(ask(&socket, "node.lab.example", kind::A, None).is_none(), "it costs this question");
    assert!(eventually(there).is_some(), "and the thread answers the next");
    assert_eq!(stage.counted(|counts| counts.panics >= 5).panics, 5);
    assert_eq!(over_tcp(&mut stage.tcp(), "node.lab.example", kind::A).code, 0);
}

#[test]
fn nothing_is_lost_of_a_stream_of_questions() {
    const EACH: usize = 6000;
    const AT_ONCE: usize = 24;
    if !able(&[]) {
        return;
    }
    let stage = stage(100_000_000);
    let asked = question("boot.lab.example", kind::A, None);
    let answered = |socket: &UdpSocket| {
        let say = || assert_eq!(socket.send_to(&asked, to(53)).unwrap(), asked.len());
        (0..AT_ONCE).for_each(|_| say());
        (0..EACH)
            .take_while(|n| {
                let heard = hear(socket);
                if heard.is_some() && n + AT_ONCE < EACH {
                    say();
                }
                heard.is_some()
            })
            .count()
    };
    let sockets: Vec<UdpSocket> = (0..6).map(|_| stage.world.udp(0)).collect();
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let asking: Vec<_> = sockets
            .iter()
            .map(|socket| {
                socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                scope.spawn(|| answered(socket))
            })
            .collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(counts, [EACH; 6]);
}

#[test]
fn names_are_answered_over_ipv6_too_and_to_nobody_outside_its_subnet() {
    if !able(&[]) {
        return;
    }
    let (world, house) = (World::new(), House::new(|_| None));
    world.with_ipv6();
    let server = "fd77::1".parse().unwrap();
    let lan = Network6::new("lan", server, "fd77::/64".parse().unwrap());
    let mut known = facts(&[]);
    let place = known.places[0].clone();
    known.places = vec![Place { subnet: Prefix::V6(lan.subnet), server: server.into(), ..place }];
    house.name(known);
    let rules = Rules { interfaces: vec!["lan".to_owned()], ..Rules::default() };
    let dns = Some(Dns { rules, per_second: ANSWERS_PER_SECOND });
    let with =
        (Ports { http: 80, tls: None, syslog: None, dns, publish: Vec::new() }, Limits::default());
    // No IPv4 at all.
    let networks = serve::Networks { v4: &[], v6: &[lan] };
    let store = Store::default();
    let running = Server::try_start_both(&world.here, &house, &store, networks, with).unwrap();

    let at = |address: &str| {
        let address: Ipv6Addr = address.parse().unwrap();
        let socket = inside(&world.there, || UdpSocket::bind((address, 0)).unwrap());
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        socket
    };
    let ask = |socket: &UdpSocket| {
        let asked = question("boot.lab.example", kind::AAAA, None);
        socket.send_to(&asked, (server, 53)).unwrap();
        hear(socket)
    };
    let near = at("fd77::9");
    let heard = eventually(|| ask(&near)).expect("it answers");
    assert_eq!((heard.code, heard.answers), (0, 1));
    assert!(heard.bytes.ends_with(&server.octets()), "{heard:?}");
    let mut stream = inside(&world.there, || TcpStream::connect((server, 53)).unwrap());
    let by_tcp = over_tcp(&mut stream, "boot.lab.example", kind::AAAA);
    assert_eq!((by_tcp.code, by_tcp.answers), (0, 1));
    let reverse = format!("1.{}7.7.d.f.ip6.arpa", "0.".repeat(27));
    let by_tcp = over_tcp(&mut stream, &reverse, kind::PTR);
    assert_eq!((by_tcp.code, by_tcp.answers), (0, 1));

    run("ip", &["-n", &world.there, "address", "add", "fd78::9/64", "dev", "nic", "nodad"]);
    run("ip", &["-n", &world.here, "-6", "route", "add", "fd78::/64", "dev", "lan"]);
    assert!(ask(&at("fd78::9")).is_none());
    let outside = || Some(running.counts()).filter(|counts| counts.dns_outside == 1);
    assert!(eventually(outside).is_some(), "{:?}", running.counts());
}

#[test]
fn dns_other_subnets_get_no_answer() {
    if !able(&[]) {
        return;
    }
    let stage = stage(ANSWERS_PER_SECOND);
    let there = &stage.world.there;
    run("ip", &["-n", there, "address", "add", "10.99.0.9/24", "dev", "nic"]);
    run("ip", &["-n", &stage.world.here, "route", "add", "10.99.0.0/24", "dev", "lan"]);
    let stranger = inside(there, || UdpSocket::bind((Ipv4Addr::new(10, 99, 0, 9), 0)).unwrap());
    stranger.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(ask(&stranger, "boot.lab.example", kind::A, None).is_none());
    assert_eq!(stage.counted(|counts| counts.dns_outside == 1).dns_malformed, 0);
    // Over TCP: closed before a question is read.
    let mut stream = inside(there, || {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&"10.99.0.9:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
        socket.connect(&std::net::SocketAddr::from((SERVER, 53)).into()).unwrap();
        TcpStream::from(socket)
    });
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert!(matches!(stream.read(&mut [0; 9]), Ok(0) | Err(_)));
    stage.counted(|counts| counts.dns_outside == 2);
}

#[test]
fn dns_what_is_no_question_gets_no_answer() {
    if !able(&[]) {
        return;
    }
    let stage = stage(ANSWERS_PER_SECOND);
    let socket = stage.quick();
    let good = question("boot.lab.example", kind::A, Some(1232));
    let with = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let bad = [
        vec![],
        vec![7; 11],
        vec![0xff; 1500],
        with(|b| b[2] |= 0x80),
        with(|b| b[5] = 2),
        with(|b| b[5] = 0),
        with(|b| b[7] = 1),
        with(|b| b[12..14].copy_from_slice(&[0xc0, 12])),
        with(|b| b.truncate(20)),
        with(|b| b.push(1)),
    ];
    for bytes in &bad {
        socket.send_to(bytes, to(53)).unwrap();
    }
    let count = bad.len() as u64;
    stage.counted(|counts| counts.dns_malformed == count);
    assert!(hear(&socket).is_none(), "not a word");
    assert_eq!(ask(&socket, "boot.lab.example", kind::A, None).unwrap().code, 0);
}

#[test]
fn dns_no_datagram_is_longer_than_1232_bytes_and_any_is_minimal() {
    if !able(&[]) {
        return;
    }
    let stage = stage(ANSWERS_PER_SECOND);
    let socket = stage.quick();
    for (payload, most) in [(None, 512), (Some(100), 512), (Some(1000), 1000), (Some(65_535), 1232)]
    {
        let heard = ask(&socket, "many.lab.example", kind::A, payload).unwrap();
        assert!(heard.cut && heard.length <= most && heard.length > most - 40, "{heard:?}");
    }
    let whole = over_tcp(&mut stage.tcp(), "many.lab.example", kind::A);
    assert!(!whole.cut && whole.answers == 200);
    let any = ask(&socket, "many.lab.example", kind::ANY, Some(4096)).unwrap();
    assert_eq!((any.answers, any.cut), (1, false));
    assert!(any.length < 80, "{any:?}");
    let asked = question("lab.example", kind::AXFR, None).len();
    let transfer = ask(&socket, "lab.example", kind::AXFR, None).unwrap();
    assert_eq!((transfer.code, transfer.length), (5, asked), "REFUSED, not a byte more");
}

#[test]
fn dns_a_flood_of_one_neighbourhood_is_cut_short_and_tcp_still_answers() {
    if !able(&[]) {
        return;
    }
    let stage = stage(20);
    let socket = stage.quick();
    // The second of the first copy has to pass.
    std::thread::sleep(Duration::from_millis(1100));
    let asked = question("many.lab.example", kind::A, Some(1232));
    for _ in 0..200 {
        socket.send_to(&asked, to(53)).unwrap();
    }
    let (mut whole, mut short) = (0, 0);
    while let Some(heard) = hear(&socket) {
        match heard.answers {
            0 => {
                assert!(heard.cut && heard.length <= asked.len(), "it never amplifies");
                short += 1;
            }
            _ => whole += 1,
        }
    }
    // The flood may fall into two seconds.
    assert!((20..=40).contains(&whole), "{whole}");
    assert!((70..=91).contains(&short), "{short}");
    let counts = stage.counted(|counts| counts.dns_limited > 0);
    assert!((160..=180).contains(&counts.dns_limited), "{counts:?}");
    let by_tcp = over_tcp(&mut stage.tcp(), "many.lab.example", kind::A);
    assert_eq!(by_tcp.answers, 200);
}

#[test]
fn dns_connections_of_one_source_are_limited() {
    if !able(&[]) {
        return;
    }
    let stage = stage(ANSWERS_PER_SECOND);
    let mut streams: Vec<TcpStream> = (0..16).map(|_| stage.tcp()).collect();
    assert_eq!(over_tcp(&mut streams[15], "boot.lab.example", kind::A).code, 0);
    let mut more = stage.tcp();
    assert!(matches!(more.read(&mut [0; 9]), Ok(0) | Err(_)));
    stage.counted(|counts| counts.dns_connections_refused == 1);
    streams.clear();
    let again = eventually(|| {
        let mut stream = stage.tcp();
        let question = question("boot.lab.example", kind::A, None);
        stream.write_all(&(question.len() as u16).to_be_bytes()).ok()?;
        stream.write_all(&question).ok()?;
        stream.read(&mut [0; 2]).ok().filter(|read| *read > 0)
    });
    assert!(again.is_some());
}

#[test]
fn dns_a_port_that_somebody_has_is_named_with_the_way_out() {
    if !able(&[]) {
        return;
    }
    let (world, house) = (World::new(), House::new(|_| None));
    let _other = inside(&world.here, || UdpSocket::bind("0.0.0.0:53").unwrap());
    let rules = Rules { interfaces: vec!["lan".to_owned()], ..Rules::default() };
    let dns = Some(Dns { rules, per_second: ANSWERS_PER_SECOND });
    let ports = Ports { http: 80, tls: None, syslog: None, dns, publish: Vec::new() };
    let with = (ports, Limits::default());
    let networks = [network(Mode::Dhcp)];
    let refused = Server::try_start_on(&world.here, &house, &Store::default(), &networks, with);
    let refused = refused.err().expect("somebody has it");
    assert!(refused.text.contains("UDP port 53 on 10.77.0.1 (lan) is in use by"), "{refused}");
    assert!(refused.hint.contains("[dns]"), "{}", refused.hint);
}

#[test]
fn the_port_is_free_when_the_server_has_stopped() {
    if !able(&[]) {
        return;
    }
    let mut stage = stage(ANSWERS_PER_SECOND);
    let _open = stage.tcp();
    stage.server.stop();
    let again = inside(&stage.world.here, || {
        let udp = UdpSocket::bind((SERVER, 53)).map(drop);
        udp.and_then(|()| std::net::TcpListener::bind((SERVER, 53)).map(drop))
    });
    assert!(again.is_ok(), "{again:?}");
}
