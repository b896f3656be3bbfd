//! Names of others: what is asked of whom, what of the answers is taken, and that forgeries are not.

mod support;

use engine::names::{Facts, Name, OwnRecord, Place, Prefix, Rules, Split};
use model::network::Mode;
use serve::{Counts, Dns, Limits, Ports};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{CLIENT, House, SERVER, Server, Store, World, able, eventually, inside, network, to};
use wire::dns::{Code, Data, Query, Record, Reply, kind};

/// What a server of others answers to a name: over UDP or not.
type Answers = dyn Fn(&Query<'_>, &str, bool) -> Option<Vec<u8>> + Send + Sync;

/// From which port a question came over UDP, with which id, in which letters.
type How = (u16, u16, Vec<u8>);

/// A server of others, on the machine's side.
struct Other {
    asked: Arc<Mutex<Vec<String>>>,
    how: Arc<Mutex<Vec<How>>>,
    ends: Arc<AtomicBool>,
}

impl Drop for Other {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

impl Other {
    fn start(world: &World, port: u16, answers: Arc<Answers>) -> Self {
        let at = SocketAddr::from((CLIENT, port));
        let (udp, tcp) =
            inside(&world.there, || (UdpSocket::bind(at).unwrap(), TcpListener::bind(at).unwrap()));
        udp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        tcp.set_nonblocking(true).unwrap();
        let (asked, how, ends) = Default::default();
        let other = Self { asked, how, ends };
        let how = Arc::clone(&other.how);
        let (asked, ends, by_udp) =
            (Arc::clone(&other.asked), Arc::clone(&other.ends), Arc::clone(&answers));
        std::thread::spawn(move || {
            let mut bytes = [0; 2048];
            while !ends.load(Ordering::Relaxed) {
                let Ok((length, from)) = udp.recv_from(&mut bytes) else { continue };
                let query = Query::parse(&bytes[..length]).unwrap();
                let name = Name::of_wire(query.name).unwrap().to_string();
                asked.lock().unwrap().push(format!("{name} udp"));
                how.lock().unwrap().push((from.port(), query.id, query.name.to_vec()));
                forge(&udp, from, &query, &name);
                if let Some(answer) = by_udp(&query, &name, true) {
                    udp.send_to(&answer, from).unwrap();
                }
            }
        });
        let (asked, ends) = (Arc::clone(&other.asked), Arc::clone(&other.ends));
        std::thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                let Ok((mut stream, _)) = tcp.accept() else {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                };
                stream.set_nonblocking(false).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
                let mut length = [0; 2];
                while stream.read_exact(&mut length).is_ok() {
                    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
                    stream.read_exact(&mut bytes).unwrap();
                    let query = Query::parse(&bytes).unwrap();
                    let name = Name::of_wire(query.name).unwrap().to_string();
                    asked.lock().unwrap().push(format!("{name} tcp"));
                    let Some(answer) = answers(&query, &name, false) else { break };
                    let length = (answer.len() as u16).to_be_bytes();
                    stream.write_all(&[&length[..], &answer].concat()).unwrap();
                }
            }
        });
        other
    }

    fn asked(&self, what: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == what).count()
    }
}

/// How many forged answers went out.
static FORGED: AtomicU64 = AtomicU64::new(0);

/// Names that begin with `forged` are answered by somebody else first, who has guessed the port and
/// nothing more: with all ids but the right one, and with the right id for another question, or in other
/// letters.
fn forge(udp: &UdpSocket, to: SocketAddr, query: &Query<'_>, name: &str) {
    if !name.starts_with("forged") {
        return;
    }
    let evil = answer(query, vec![a(name, [192, 0, 2, 66])]);
    let send = |bytes: &[u8]| {
        // What the kernel has no room for is lost, as it would be on a network.
        let _ = udp.send_to(bytes, to);
        FORGED.fetch_add(1, Ordering::Relaxed);
    };
    for n in 1..=u16::MAX {
        let mut bytes = evil.clone();
        bytes[..2].copy_from_slice(&query.id.wrapping_add(n).to_be_bytes());
        send(&bytes);
        if n % 16 == 0 {
            std::thread::yield_now();
        }
    }
    let mut other = evil.clone();
    other[14] ^= 3;
    send(&other);
    let mut letters = evil.clone();
    for byte in &mut letters[12..12 + query.name.len()] {
        if byte.is_ascii_alphabetic() {
            *byte ^= 0x20;
        }
    }
    send(&letters);
    // From another port of the same address.
    let stranger = inside_of(udp);
    for n in 0..64_u16 {
        let mut bytes = evil.clone();
        bytes[..2].copy_from_slice(&query.id.wrapping_sub(n).to_be_bytes());
        let _ = stranger.send_to(&bytes, to);
        FORGED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Another socket on the address of one. This thread may be in another namespace, so it is made of a
/// descriptor's copy only where that is enough: here the address is ours in any.
fn inside_of(udp: &UdpSocket) -> UdpSocket {
    let local = udp.local_addr().unwrap();
    UdpSocket::bind((local.ip(), 0)).or_else(|_| udp.try_clone()).unwrap()
}

fn a(name: &str, address: [u8; 4]) -> Record {
    Record { name: Name::parse(name).unwrap(), ttl_s: 600, data: Data::A(address.into()) }
}

fn answer(query: &Query<'_>, records: Vec<Record>) -> Vec<u8> {
    let reply = Reply {
        recursion_available: true,
        answers: records.iter().collect(),
        ..Reply::of(Code::NoError)
    };
    query.reply(&reply, 4096)
}

fn of_others(query: &Query<'_>, name: &str, udp: bool) -> Option<Vec<u8>> {
    let alias = |name: &str, target: &str| Record {
        name: Name::parse(name).unwrap(),
        ttl_s: 600,
        data: Data::Cname(Name::parse(target).unwrap()),
    };
    Some(match name {
        "www.example.org" => answer(
            query,
            vec![
                alias("www.example.org", "cdn.example.net"),
                a("cdn.example.net", [192, 0, 2, 1]),
                a("bank.example", [192, 0, 2, 66]),
            ],
        ),
        "big.example.org" if udp => query.truncated(),
        "big.example.org" => answer(query, (0..100).map(|n| a(name, [192, 0, 2, n])).collect()),
        "rebind.example" => answer(query, vec![a(name, [10, 77, 0, 1]), a(name, [127, 0, 0, 1])]),
        "intra.corp.example" => answer(query, vec![a(name, [10, 1, 2, 3])]),
        name if name.ends_with("dead.example.org") => return None,
        "old.example.org" => {
            let ttl_s = u32::from(u16::MAX) << 15;
            answer(query, vec![Record { ttl_s, ..a(name, [192, 0, 2, 9]) }])
        }
        "." => answer(query, Vec::new()),
        name if name.starts_with("forged") => answer(query, vec![a(name, [192, 0, 2, 1])]),
        _ => query.reply(&Reply::of(Code::NxDomain), 512),
    })
}

struct Stage {
    server: Server,
    world: World,
    others: Vec<Other>,
}

fn stage(upstream: &[u16], split: &[u16]) -> Stage {
    let (world, house) = (World::new(), House::new(|_| None));
    let others = upstream.iter().chain(split).filter(|port| **port != 9);
    let others: Vec<Other> =
        others.map(|port| Other::start(&world, *port, Arc::new(of_others))).collect();
    let at = |ports: &[u16]| ports.iter().map(|port| (CLIENT, *port).into()).collect();
    let split = match split {
        [] => Vec::new(),
        ports => {
            vec![Split { domain: Name::parse("corp.example").unwrap(), upstream: at(ports) }]
        }
    };
    let rules = Rules {
        interfaces: vec!["lan".to_owned()],
        upstream: at(upstream),
        split,
        private: Vec::new(),
    };
    let ports = Ports {
        http: 80,
        tls: None,
        syslog: None,
        dns: Some(Dns { rules, per_second: 100_000 }),
        publish: Vec::new(),
    };
    house.name(facts());
    let networks = [network(Mode::Dhcp)];
    let with = (ports, Limits::default());
    let server = Server::try_start_on(&world.here, &house, &Store::default(), &networks, with);
    let stage = Stage { server: server.unwrap(), world, others };
    assert_eq!(stage.ask("boot.lab.example", kind::A).code, 0);
    stage
}

fn facts() -> Facts {
    let place = Place {
        interface: "lan".to_owned(),
        subnet: Prefix::V4("10.77.0.0/24".parse().unwrap()),
        server: SERVER.into(),
        domain: Some("lab.example".to_owned()),
    };
    let alias = OwnRecord {
        name: Name::parse("mirror.lab.example").unwrap(),
        ttl_s: 60,
        data: Data::Cname(Name::parse("www.example.org").unwrap()),
    };
    Facts {
        server: "boot".to_owned(),
        places: vec![place],
        records: vec![alias],
        ..Facts::default()
    }
}

#[derive(Debug)]
struct Heard {
    code: u8,
    answers: u16,
    bytes: Vec<u8>,
}

impl Heard {
    fn has(&self, address: [u8; 4]) -> bool {
        self.bytes.windows(4).any(|part| part == address)
    }
}

impl Stage {
    /// Asks until there is an answer, as a stub does.
    fn ask(&self, name: &str, kind: u16) -> Heard {
        let socket = self.world.udp(0);
        let mut question = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        // In capitals: an answer has the letters of its question.
        question.extend(Name::parse(name).unwrap().as_wire().iter().map(u8::to_ascii_uppercase));
        question.push(0);
        question.extend(kind.to_be_bytes());
        question.extend([0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        let heard = eventually(|| {
            socket.send_to(&question, to(53)).unwrap();
            let mut bytes = [0; 4096];
            let length = socket.recv(&mut bytes).ok()?;
            Some(bytes[..length].to_vec())
        });
        let bytes = heard.expect("an answer");
        let end = question.len() - 11;
        assert_eq!(bytes[12..end], question[12..end], "letter by letter");
        let answers = u16::from_be_bytes([bytes[6], bytes[7]]);
        Heard { code: bytes[3] & 0xf, answers, bytes }
    }

    fn counts(&self) -> Counts {
        self.server.counts()
    }

    fn remembered(&self) -> usize {
        self.server.running.as_ref().unwrap().names_remembered().expect("others are asked").0
    }
}

#[test]
fn others_are_asked_once_and_only_what_belongs_to_the_question_is_taken() {
    if !able(&[]) {
        return;
    }
    let stage = stage(&[5301], &[]);
    for _ in 0..3 {
        let heard = stage.ask("www.example.org", kind::A);
        assert_eq!((heard.code, heard.answers), (0, 2), "the alias and its address");
        assert!(heard.has([192, 0, 2, 1]) && !heard.has([192, 0, 2, 66]), "{heard:?}");
    }
    let asked = stage.others[0].asked("www.example.org udp");
    assert_eq!(asked, 1, "then it is remembered");
    let counts = stage.counts();
    assert_eq!((counts.dns_cache_misses, counts.dns_cache_hits), (1, 2));
    assert_eq!((counts.dns_forwarded, counts.dns_cache_displaced), (1, 0));
    assert_eq!(stage.remembered(), 1);
    assert_eq!(stage.ask("nobody.example.org", kind::A).code, 3);
    // An alias of ours that leads there comes with what is there.
    let heard = stage.ask("mirror.lab.example", kind::A);
    assert_eq!((heard.code, heard.answers), (0, 3));
    assert_eq!(stage.counts().dns_cache_hits, 3, "which is remembered, too");
    assert_eq!(stage.remembered(), 1, "nobody said for how long the other is not there");
    let running = stage.server.running.as_ref().unwrap();
    let health = eventually(|| running.upstreams().first()?.answered.map(|_| ()));
    assert!(health.is_some() && running.upstreams()[0].is_up());
}

#[test]
fn what_is_cut_short_is_asked_again_over_tcp() {
    if !able(&[]) {
        return;
    }
    let stage = stage(&[5301], &[]);
    let heard = stage.ask("big.example.org", kind::A);
    assert!(heard.bytes[2] & 2 != 0, "100 records fit in no datagram of ours: {heard:?}");
    assert!(stage.others[0].asked("big.example.org tcp") >= 1);
}

#[test]
fn dns_private_addresses_of_others_are_left_out_unless_the_domain_is_split() {
    if !able(&[]) {
        return;
    }
    let stage = stage(&[5301], &[5302]);
    let heard = stage.ask("rebind.example", kind::A);
    assert_eq!((heard.code, heard.answers), (0, 0), "{heard:?}");
    assert_eq!(stage.counts().dns_private, 2);
    let heard = stage.ask("intra.corp.example", kind::A);
    assert!(heard.answers == 1 && heard.has([10, 1, 2, 3]));
    assert_eq!(stage.others[0].asked("intra.corp.example udp"), 0, "asked of its own server");
    assert_eq!(stage.others[1].asked("intra.corp.example udp"), 1);
}

#[test]
fn a_server_that_is_gone_is_passed_over_and_where_none_is_left_it_is_said() {
    if !able(&[]) {
        return;
    }
    let stage = stage(&[9, 5301], &[]);
    assert_eq!(stage.ask("www.example.org", kind::A).answers, 2);
    assert_eq!(stage.ask("dead.example.org", kind::A).code, 2, "SERVFAIL");
    assert_eq!(stage.counts().dns_unanswered, 1);
}

#[test]
fn dns_questions_to_others_cannot_be_guessed() {
    if !able(&[]) {
        return;
    }
    let stage = stage(&[5301], &[]);
    for n in 0..64 {
        assert_eq!(stage.ask(&format!("nobody-{n}.example.org"), kind::A).code, 3);
    }
    let mut all = stage.others[0].how.lock().unwrap().clone();
    all.retain(|(.., name)| name.starts_with(b"\x08") || name.starts_with(b"\x09"));
    assert!(all.len() >= 64, "{}", all.len());
    let distinct = |of: fn(&How) -> u64| all.iter().map(of).collect::<BTreeSet<u64>>().len();
    assert!(distinct(|(port, ..)| u64::from(*port)) >= 60, "a port of its own for each");
    assert!(distinct(|(_, id, _)| u64::from(*id)) >= 60, "an id by chance for each");
    // Of `example.org`, ten letters, which are capitals: one in 1024 for each.
    let capitals = distinct(|(.., name)| {
        let letters = name.iter().rev().filter(|byte| byte.is_ascii_alphabetic()).take(10);
        letters.fold(0, |bits, byte| bits << 1 | u64::from(byte.is_ascii_uppercase()))
    });
    assert!(capitals >= 40, "letters by chance: {capitals}");
}

#[test]
fn dns_answers_of_others_are_kept_a_day_at_most() {
    if !able(&[]) {
        return;
    }
    let stage = stage(&[5301], &[]);
    let heard = stage.ask("old.example.org", kind::A);
    assert!((heard.code, heard.answers) == (0, 1) && heard.has([192, 0, 2, 9]), "{heard:?}");
    // Type, class, TTL, length, address.
    let ttl = heard.bytes.windows(14).find_map(|part| {
        let [0, 1, 0, 1, ttl @ .., 0, 4, 192, 0, 2, 9] = part else { return None };
        Some(u32::from_be_bytes(ttl.try_into().ok()?))
    });
    let ttl = ttl.expect("an address record");
    assert!((86_000..=86_400).contains(&ttl), "{ttl}");
}

fn forgeries(rounds: u64) {
    let stage = stage(&[5301], &[]);
    let before = FORGED.load(Ordering::Relaxed);
    for n in 0..rounds {
        let heard = stage.ask(&format!("forged{n}.example.org"), kind::A);
        assert!(!heard.has([192, 0, 2, 66]), "a forgery was taken: {heard:?}");
        assert!(heard.code == 2 || heard.has([192, 0, 2, 1]), "{heard:?}");
        // And none is remembered.
        let again = stage.ask(&format!("forged{n}.example.org"), kind::A);
        assert!(!again.has([192, 0, 2, 66]), "{again:?}");
    }
    // On a busy computer the forger is behind the answers: what he sends then must be lost as well.
    let wanted = rounds * 65_000;
    let forged = || FORGED.load(Ordering::Relaxed) - before;
    let begun = Instant::now();
    while forged() < wanted && begun.elapsed() < Duration::from_secs(300) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let forged = forged();
    assert!(forged >= wanted, "{forged}");
    for n in 0..rounds {
        let last = stage.ask(&format!("forged{n}.example.org"), kind::A);
        assert!(!last.has([192, 0, 2, 66]), "{last:?}");
    }
    eprintln!("{forged} forged answers, none taken");
}

#[test]
fn dns_forged_answers_are_not_taken() {
    if able(&[]) {
        forgeries(1);
    }
}

#[test]
#[ignore = "a million forged answers take half a minute"]
fn dns_a_million_forged_answers_are_not_taken() {
    if able(&[]) {
        forgeries(16);
    }
}

#[test]
fn dns_one_source_cannot_have_others_asked_without_end() {
    if !able(&[]) {
        return;
    }
    let stage = stage(&[5301], &[]);
    let socket = stage.world.udp(0);
    for n in 0..400_u16 {
        let mut question = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let name = format!("n{n}.dead.example.org");
        question.extend(Name::parse(&name).unwrap().as_wire());
        question.extend([0, 0, 1, 0, 1]);
        socket.send_to(&question, to(53)).unwrap();
    }
    let counts = eventually(|| Some(stage.counts()).filter(|c| c.dns_questions >= 401)).unwrap();
    assert!(counts.dns_busy >= 400 - 128 && counts.dns_forwarded <= 130, "{counts:?}");
}
