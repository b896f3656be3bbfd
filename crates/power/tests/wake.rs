//! Magic packets on real links, in network namespaces of the test's own: what arrives, judged by
//! tshark.
//!
//! ```text
//! near ──eth0── link ──eth0── router ──eth1── far
//! ```
//!
//! In: `ip`, tshark, root. Out: frames as they came. Never: a packet on an interface of the host.

mod support;

use nix::sched::{CloneFlags, setns};
use power::wake::{Ethernet, PAUSES_USUAL, SecureOn, Woken, directed_broadcast};
use power::wake::{WakeError, Way};
use power::{Outcome, Power, Turn, WakeOnLan};
use socket2::{Domain, Socket, Type};
use std::fs::{self, File};
use std::io::Read;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use support::{able, run};

const MACHINE: &str = "52:54:00:77:00:01";
const NEEDS: [&str; 2] = ["ip", "tshark"];
static MADE: AtomicU32 = AtomicU32::new(0);

/// Namespaces that are removed when dropped.
struct Links {
    name: String,
}

impl Links {
    /// `near` and `far` on the two sides of `router`.
    fn new() -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let links = Self { name: format!("bwpower-{}-{number}", std::process::id()) };
        for end in ["near", "router", "far"] {
            ip(&["netns", "add", &links.of(end)]);
            ip(&["-n", &links.of(end), "link", "set", "lo", "up"]);
        }
        links.cable("near", "eth0", "10.77.0.1/24", "router", "eth0", "10.77.0.254/24");
        links.cable("router", "eth1", "10.80.0.254/24", "far", "eth0", "10.80.0.1/24");
        ip(&["-n", &links.of("near"), "route", "add", "default", "via", "10.77.0.254"]);
        links
    }

    fn of(&self, end: &str) -> String {
        format!("{}-{end}", self.name)
    }

    fn cable(&self, one: &str, port: &str, address: &str, other: &str, at: &str, there: &str) {
        let (one, other) = (self.of(one), self.of(other));
        ip(&["-n", &one, "link", "add", port, "type", "veth", "peer", "name", at, "netns", &other]);
        for (end, port, address) in [(&one, port, address), (&other, at, there)] {
            // Neighbour discovery would only bring frames that nobody asked for.
            ip(&["-n", end, "link", "set", port, "addrgenmode", "none"]);
            ip(&["-n", end, "addr", "add", address, "dev", port]);
            ip(&["-n", end, "link", "set", port, "up"]);
        }
    }

    /// Lets the router forward, also what goes to everybody on its far side.
    fn forward(&self) {
        let on = "for key in ip_forward conf/all/bc_forwarding conf/eth0/bc_forwarding; do \
                  echo 1 >/proc/sys/net/ipv4/$key || exit 1; done";
        ip(&["netns", "exec", &self.of("router"), "sh", "-c", on]);
    }

    /// Does something inside, on a thread of its own.
    fn inside<T: Send>(&self, end: &str, work: impl FnOnce() -> T + Send) -> T {
        let file = File::open(Path::new("/run/netns").join(self.of(end))).unwrap();
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                setns(file, CloneFlags::CLONE_NEWNET).unwrap();
                work()
            });
            inside.join().unwrap()
        })
    }

    /// A socket that hears every frame that comes into a namespace.
    fn ear(&self, end: &str) -> Socket {
        self.inside(end, || {
            const ETH_P_ALL: u16 = 3;
            let all = i32::from(ETH_P_ALL.to_be());
            let ear = Socket::new(Domain::PACKET, Type::RAW, Some(all.into())).unwrap();
            ear.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            ear
        })
    }

    fn wake(&self, machine: &WakeOnLan) -> Result<Woken, WakeError> {
        self.inside("near", || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(machine.wake())
        })
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for end in ["near", "router", "far"] {
            let gone = Command::new("ip").args(["netns", "delete", &self.of(end)]).status();
            if !gone.is_ok_and(|status| status.success()) {
                eprintln!("the namespace {} may stay behind", self.of(end));
            }
        }
    }
}

fn ip(args: &[&str]) {
    run("ip", args, Path::new("/"));
}

/// The frames that reach an ear, magic packets only, until there are as many as wanted.
fn heard(ear: &Socket, wanted: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut buffer = [0; 2048];
    while frames.len() < wanted {
        let length = (&*ear).read(&mut buffer).expect("a magic packet arrives within 5 s");
        let frame = &buffer[..length];
        if frame.windows(6).skip(12).any(|six| six == [0xff; 6]) && length >= 116 {
            frames.push(frame.to_vec());
        }
    }
    frames
}

/// What tshark reads in frames: destination, type, UDP port, address, every MAC in the magic packet,
/// and its words, in which the password is.
fn judged(frames: &[Vec<u8>]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut pcap = Vec::new();
    // libpcap's own format: version 2.4, whole frames, Ethernet.
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        pcap.extend(word.to_ne_bytes());
    }
    for frame in frames {
        let length = u32::try_from(frame.len()).unwrap();
        for word in [0, 0, length, length] {
            pcap.extend(word.to_ne_bytes());
        }
        pcap.extend(frame);
    }
    fs::write(dir.path().join("frames.pcap"), pcap).unwrap();
    let lines = |args: &[&str]| {
        let out = run("tshark", &[&["-n", "-r", "frames.pcap"], args].concat(), dir.path());
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let fields = ["eth.dst", "eth.type", "udp.dstport", "ip.dst", "wol.mac"];
    let fields = fields.iter().flat_map(|field| ["-e", field]);
    let args: Vec<&str> = ["-T", "fields", "-E", "separator=|"].into_iter().chain(fields).collect();
    // As a field tshark 4.0 writes the password wrongly (the bytes of its text); its words are right.
    let words = lines(&["-o", "gui.column.format:\"Info\",\"%i\""]);
    let both = lines(&args).into_iter().zip(words);
    both.map(|(fields, words)| format!("{fields}|{words}")).collect()
}

/// The machine's MAC as tshark lists it: once for each time it stands in the packet.
fn sixteen() -> String {
    [MACHINE; 16].join(",")
}

/// What tshark says of the packet.
fn words() -> String {
    format!("MagicPacket for {MACHINE}")
}

fn machine(password: Option<&str>, ways: Vec<Way>, pauses: &[Duration]) -> WakeOnLan {
    let password = password.map(|text| text.parse::<SecureOn>().unwrap());
    WakeOnLan::new(MACHINE.parse().unwrap(), password.as_ref(), ways, pauses).unwrap()
}

#[test]
fn a_broadcast_leaves_the_named_interface_with_and_without_passwords() {
    if !able(&NEEDS) || !support::root() {
        return;
    }
    let links = Links::new();
    let ear = links.ear("router");
    for (password, shown) in [
        (None, ""),
        (Some("00:11:22:33:44:55"), ", password 00:11:22:33:44:55"),
        (Some("192.168.1.1"), ", password 192.168.1.1"),
    ] {
        let out = vec![Way::interface("eth0").unwrap()];
        assert_eq!(links.wake(&machine(password, out, &[])).unwrap().sent, 1);
        let expected =
            format!("ff:ff:ff:ff:ff:ff|0x0800|9|255.255.255.255|{}|{}{shown}", sixteen(), words());
        assert_eq!(judged(&heard(&ear, 1)), [expected]);
    }
}

#[test]
fn an_interface_without_an_address_serves_as_well() {
    if !able(&NEEDS) || !support::root() {
        return;
    }
    let links = Links::new();
    ip(&["-n", &links.of("near"), "addr", "flush", "dev", "eth0"]);
    let ear = links.ear("router");
    let machine = machine(None, vec![Way::interface("eth0").unwrap()], &[]);
    assert_eq!(links.wake(&machine).unwrap().sent, 1);
    let expected = format!("ff:ff:ff:ff:ff:ff|0x0800|9|255.255.255.255|{}|{}", sixteen(), words());
    assert_eq!(judged(&heard(&ear, 1)), [expected]);
}

#[test]
fn a_frame_without_ip_is_a_magic_packet_to_everybody() {
    if !able(&NEEDS) || !support::root() {
        return;
    }
    let links = Links::new();
    let ear = links.ear("router");
    let opened = links.inside("near", || Ethernet::open("eth0").unwrap());
    let way = vec![Way::ethernet(Arc::new(opened))];
    assert_eq!(links.wake(&machine(Some("00:11:22:33:44:55"), way, &[])).unwrap().sent, 1);
    let expected =
        format!("ff:ff:ff:ff:ff:ff|0x0842|||{}|{}, password 00:11:22:33:44:55", sixteen(), words());
    assert_eq!(judged(&heard(&ear, 1)), [expected]);

    let (loopback, none) = links.inside("near", || {
        (Ethernet::open("lo").unwrap_err(), Ethernet::open("eth7").unwrap_err())
    });
    assert!(loopback.to_string().contains("no Ethernet interface `lo`"), "{loopback}");
    assert!(none.to_string().contains("no Ethernet interface `eth7`"), "{none}");
}

#[test]
fn a_directed_broadcast_crosses_a_router_that_lets_it_and_is_repeated() {
    if !able(&NEEDS) || !support::root() {
        return;
    }
    let links = Links::new();
    links.forward();
    let ear = links.ear("far");
    let to = directed_broadcast(Ipv4Addr::new(10, 80, 0, 0), 24).unwrap();
    let machine = machine(None, vec![Way::directed(to).unwrap()], &PAUSES_USUAL);
    let begin = std::time::Instant::now();
    assert_eq!(links.wake(&machine).unwrap().sent, 3);
    assert!(begin.elapsed() >= PAUSES_USUAL.iter().sum::<Duration>(), "{:?}", begin.elapsed());
    let expected = format!("ff:ff:ff:ff:ff:ff|0x0800|9|10.80.0.255|{}|{}", sixteen(), words());
    assert_eq!(judged(&heard(&ear, 3)), [expected.clone(), expected.clone(), expected]);
}

#[test]
fn one_way_that_works_is_enough_and_none_is_an_error_in_words() {
    if !able(&NEEDS) || !support::root() {
        return;
    }
    let links = Links::new();
    let ways = || vec![Way::interface("eth5").unwrap(), Way::interface("eth0").unwrap()];
    let again = [Duration::ZERO, Duration::ZERO];
    let woken = links.wake(&machine(None, ways(), &again)).unwrap();
    assert_eq!((woken.sent, woken.failed.len()), (3, 1));
    assert!(woken.failed[0].to_string().contains("out of eth5"), "{}", woken.failed[0]);

    ip(&["-n", &links.of("near"), "link", "set", "eth0", "down"]);
    let nothing = links.wake(&machine(None, ways(), &[])).unwrap_err().to_string();
    assert!(nothing.contains(MACHINE) && nothing.contains("eth0"), "{nothing}");
    let far = vec![Way::directed(Ipv4Addr::new(10, 90, 0, 255)).unwrap()];
    let nowhere = links.wake(&machine(None, far, &[])).unwrap_err().to_string();
    assert!(nowhere.contains("no route"), "{nowhere}");

    // By the trait: sent is all that can be said.
    ip(&["-n", &links.of("near"), "link", "set", "eth0", "up"]);
    let outcome = links.inside("near", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let machine: Box<dyn Power> = Box::new(machine(None, ways(), &[]));
        runtime.block_on(machine.turn(Turn::On)).unwrap()
    });
    assert_eq!(outcome, Outcome::Sent);
}
