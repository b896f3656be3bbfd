//! Installers' logs: what is told of whom, what is only counted, and that nobody floods.

mod support;

use model::network::Mode;
use model::{Happening, Severity};
use serve::{Limits, Ports};
use std::net::{Ipv4Addr, UdpSocket};
use support::{House, Server, Store, World, able, eventually, inside, network, run, to};

struct Stage {
    server: Server,
    house: House,
    world: World,
}

fn stage(limits: Limits) -> Stage {
    let (world, house) = (World::new(), House::new(|_| None));
    let ports = Ports { http: 80, tls: None, syslog: Some(514), dns: None, publish: Vec::new() };
    let networks = [network(Mode::Dhcp)];
    let server =
        Server::try_start_on(&world.here, &house, &Store::default(), &networks, (ports, limits));
    Stage { server: server.unwrap(), house, world }
}

impl Stage {
    fn lines(&self) -> Vec<(Severity, Option<String>, String)> {
        let events = self.house.events().into_iter();
        let line = |what| match what {
            Happening::Syslog { severity, app, text } => Some((severity, app, text)),
            _ => None,
        };
        events.filter_map(line).collect()
    }

    fn counted(&self, that: impl Fn(&serve::Counts) -> bool) -> serve::Counts {
        let counts = || Some(self.server.counts()).filter(&that);
        eventually(counts).unwrap_or_else(|| panic!("counted were {:#?}", self.server.counts()))
    }
}

#[test]
fn a_line_of_a_known_machine_is_told_and_cannot_hurt() {
    if !able(&["logger"]) {
        return;
    }
    let stage = stage(Limits::default());
    let socket = stage.world.udp(0);
    socket.send_to(b"<27>Nov 26 10:00:00 anna[1]: \x1b]0;x\x07\r\nALARM\xff", to(514)).unwrap();
    for form in ["--rfc3164", "--rfc5424"] {
        let args = ["-n", "10.77.0.1", "-P", "514", "-d", form, "-t", "d-i", "-p", "user.crit"];
        let sent = stage.world.there("logger", &[&args[..], &["disk sda is gone"]].concat());
        assert!(sent.status.success(), "{sent:?}");
    }
    stage.counted(|counts| counts.syslog_lines == 3);
    let text = "\\u{1b}]0;x\\u{7}\\u{d}\\u{a}ALARM\\xff".to_owned();
    let gone = (Severity::Crit, Some("d-i".to_owned()), "disk sda is gone".to_owned());
    let first = (Severity::Err, Some("anna".to_owned()), text);
    assert_eq!(stage.lines(), [first, gone.clone(), gone]);
}

#[test]
fn strangers_and_nonsense_are_counted_and_not_told() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits::default());
    let there = &stage.world.there;
    // It asks for our MAC by its own address, so that we know it; later it knows ours.
    let machine = stage.world.udp(0);
    machine.send_to(b"<13>x: at first", to(514)).unwrap();
    stage.counted(|counts| counts.syslog_lines == 1);
    run("ip", &["-n", there, "address", "add", "10.99.0.9/24", "dev", "nic"]);
    run("ip", &["-n", there, "address", "add", "10.77.0.10/24", "dev", "nic"]);
    run("ip", &["-n", &stage.world.here, "route", "add", "10.99.0.0/24", "dev", "lan"]);
    let from =
        |address: [u8; 4]| inside(there, || UdpSocket::bind((Ipv4Addr::from(address), 0)).unwrap());
    from([10, 99, 0, 9]).send_to(b"<13>x: from outside", to(514)).unwrap();
    from([10, 77, 0, 10]).send_to(b"<13>x: from nobody we know", to(514)).unwrap();
    for nonsense in
        [&b""[..], b"hello", b"<192>x", &[0xff; 500], &[b"<13>", &[b'a'; 9000][..]].concat()]
    {
        machine.send_to(nonsense, to(514)).unwrap();
    }
    machine.send_to(b"<13>x: at last", to(514)).unwrap();
    let counts = stage.counted(|counts| counts.syslog_lines == 2);
    assert_eq!((counts.syslog_outside, counts.syslog_unknown), (1, 1));
    assert_eq!((counts.syslog_malformed, counts.syslog_too_many), (5, 0));
    assert_eq!(stage.lines().len(), 2);
    // Nothing ever goes back.
    machine.set_nonblocking(true).unwrap();
    assert_eq!(machine.recv(&mut [0; 9]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_machine_that_says_too_much_is_cut_short() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits { syslog_per_source: 5, ..Limits::default() });
    let socket = stage.world.udp(0);
    for n in 0..200 {
        socket.send_to(format!("<14>x: line {n}").as_bytes(), to(514)).unwrap();
    }
    let counts = stage.counted(|counts| counts.syslog_lines + counts.syslog_too_many == 200);
    // They take less than a second, which may begin while they come.
    assert!((5..=10).contains(&counts.syslog_lines), "{counts:?}");
    assert_eq!(stage.lines()[0].2, "line 0");
}

#[test]
fn a_port_that_somebody_has_is_named_with_the_way_out() {
    if !able(&[]) {
        return;
    }
    let (world, house) = (World::new(), House::new(|_| None));
    let _other = inside(&world.here, || UdpSocket::bind("0.0.0.0:514").unwrap());
    let ports = Ports { http: 80, tls: None, syslog: Some(514), dns: None, publish: Vec::new() };
    let with = (ports, Limits::default());
    let refused =
        Server::try_start_on(&world.here, &house, &Store::default(), &[network(Mode::Dhcp)], with);
    let refused = refused.err().unwrap();
    assert!(refused.text.starts_with("UDP port 514 on 10.77.0.1 (lan) is in use by"), "{refused}");
    assert!(refused.hint.contains("[syslog]"), "{}", refused.hint);
}
