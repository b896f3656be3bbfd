//! The run: packets in, in the order of the capture; what came of it out.

use crate::verdict::{Entry, Replayed, Verdict};
use crate::{dhcp, dhcp6, http, tftp};
use capture::{Dissector, Heard, Packet, Said, Transport};
use engine::{Engine, Now};
use model::HardwareAddress;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Requests of one capture that are kept; what comes later is counted.
pub const ASKED_MAX: usize = 100_000;
/// The owner asks the engine so often what time alone changed.
const TIDY: Duration = Duration::from_secs(60);
/// A capture of all interfaces has the same datagram twice, a moment later.
const TWICE_NS: u64 = 2_000_000;
/// Datagrams that are looked through for that.
const LATELY_MAX: usize = 32;

/// When and where something was heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    /// The packet's number in the capture, from 1.
    pub(crate) packet: u64,
    pub(crate) at_ns: u64,
    pub(crate) now: Now,
    /// The interface's name in the capture.
    pub(crate) interface: Option<&'a str>,
    /// An interface of ours was in the capture by its name: others in it are not ours.
    pub(crate) names_are_ours: bool,
    /// The sender's hardware address in the frame.
    pub(crate) hardware: Option<[u8; 6]>,
}

/// A request and what belongs to it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) packet: u64,
    pub(crate) at_ns: u64,
    pub(crate) machine: Option<HardwareAddress>,
    pub(crate) asked: String,
    pub(crate) because: Vec<String>,
    pub(crate) work: Work,
}

/// By protocol.
#[derive(Debug)]
pub(crate) enum Work {
    Dhcp(Box<dhcp::Exchange>),
    Dhcp6(Box<dhcp6::Exchange>),
    Tftp(Box<tftp::Transfer>),
    Http(Box<http::Fetch>),
    /// Judged by who asked again.
    Again,
}

impl Asked {
    /// What came of it. `began_ns` is when everything began.
    pub(crate) fn judged(&self, began_ns: u64) -> Entry {
        let entry = Entry {
            packet: self.packet,
            after_ms: self.at_ns.saturating_sub(began_ns) / 1_000_000,
            machine: self.machine.filter(|machine| !machine.bytes().is_empty()),
            asked: self.asked.clone(),
            ours: String::new(),
            because: self.because.clone(),
            theirs: Vec::new(),
            verdict: Verdict::Unseen,
            differences: Vec::new(),
            notes: Vec::new(),
        };
        match &self.work {
            Work::Dhcp(exchange) => dhcp::judge(exchange, entry),
            Work::Dhcp6(exchange) => dhcp6::judge(exchange, entry),
            Work::Tftp(transfer) => tftp::judge(transfer, entry),
            Work::Http(fetch) => http::judge(fetch, entry),
            Work::Again => entry,
        }
    }
}

/// Gives an engine what a capture shows.
#[derive(Debug)]
pub struct Replay {
    engine: Engine,
    dissector: Dissector,
    names_are_ours: bool,
    packets: u64,
    began_ns: Option<u64>,
    tidied: Option<Now>,
    lately: VecDeque<(u64, SocketAddr, SocketAddr, Vec<u8>)>,
    asked: Vec<Asked>,
    left_out: u64,
    /// Messages of DHCPv6 where no network of IPv6 is known.
    ipv6: u64,
    dhcp: dhcp::Talk,
    dhcp6: dhcp6::Talk,
    tftp: tftp::Talk,
    http: http::Talk,
}

impl Replay {
    /// `engine` has the settings and facts that were in force when the capture began.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            dissector: Dissector::new(),
            names_are_ours: false,
            packets: 0,
            began_ns: None,
            tidied: None,
            lately: VecDeque::new(),
            asked: Vec::new(),
            left_out: 0,
            ipv6: 0,
            dhcp: dhcp::Talk::default(),
            dhcp6: dhcp6::Talk::default(),
            tftp: tftp::Talk::default(),
            http: http::Talk::default(),
        }
    }

    /// The next packet, and the name of its interface where the capture has one.
    pub fn packet(&mut self, packet: &Packet, interface: Option<&str>) {
        self.packets = self.packets.saturating_add(1);
        self.began_ns.get_or_insert(packet.at_ns);
        if let Some(heard) = self.dissector.hear(packet) {
            self.heard(heard, interface);
        }
    }

    fn heard(&mut self, heard: Heard, interface: Option<&str>) {
        let now = Now(heard.at_ns / 1_000_000);
        self.tidy(now);
        let settings = self.engine.settings();
        let over_ipv6 = settings.networks6.iter().map(|network| network.interface.as_str());
        let mut ours = settings.networks.iter().map(|n| n.interface.as_str()).chain(over_ipv6);
        self.names_are_ours |= ours.any(|ours| Some(ours) == interface);
        let moment = Moment {
            packet: self.packets,
            at_ns: heard.at_ns,
            now,
            interface,
            names_are_ours: self.names_are_ours,
            hardware: heard.hardware,
        };
        if self.asked.len() >= ASKED_MAX {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        match heard.said {
            Said::Arp(arp) => {
                let of = (arp.address, arp.hardware);
                self.dhcp.in_use(&mut self.engine, &moment, of, &mut self.asked);
            }
            Said::Udp(datagram) if self.is_twice(&moment, &datagram) => {}
            Said::Udp(datagram) => self.datagram(&moment, &datagram),
            Said::Tcp(stretch) => {
                self.http.hear(&mut self.engine, &moment, stretch, &mut self.asked);
            }
        }
    }

    fn datagram(&mut self, moment: &Moment<'_>, datagram: &Transport) {
        let ports = [datagram.from.port(), datagram.to.port()];
        let dhcp6 = datagram.from.is_ipv6() && (ports.contains(&546) || ports.contains(&547));
        if dhcp6 && self.engine.settings().networks6.is_empty() {
            self.ipv6 = self.ipv6.saturating_add(1);
            return;
        }
        let (engine, asked) = (&mut self.engine, &mut self.asked);
        if dhcp6 {
            self.dhcp6.hear(engine, moment, datagram, asked);
            return;
        }
        if ports.iter().any(|port| matches!(port, 67 | 68 | 4011)) {
            self.dhcp.hear(engine, moment, datagram, asked);
        } else if datagram.to.port() == 69 {
            self.tftp.ask(engine, moment, datagram, asked);
        } else {
            self.tftp.hear(moment, datagram, asked);
        }
    }

    /// The owner does this once a minute.
    fn tidy(&mut self, now: Now) {
        let tidied = *self.tidied.get_or_insert(now);
        if now.since(tidied) >= TIDY {
            self.tidied = Some(now);
            // What it would keep and tell is the owner's affair.
            let _ = self.engine.tidy(now);
        }
    }

    fn is_twice(&mut self, moment: &Moment<'_>, datagram: &Transport) -> bool {
        let since = moment.at_ns.saturating_sub(TWICE_NS);
        while self.lately.front().is_some_and(|(at, ..)| *at < since)
            || self.lately.len() >= LATELY_MAX
        {
            self.lately.pop_front();
        }
        let twice = self.lately.iter().any(|(_, from, to, bytes)| {
            (*from, *to) == (datagram.from, datagram.to) && *bytes == datagram.payload
        });
        // Only what is asked is worth remembering: blocks of files are numbered.
        let asks = match datagram.to.port() {
            547 => dhcp6::asks(&datagram.payload),
            port => matches!(port, 67 | 69 | 4011),
        };
        if !twice && asks {
            let one = (moment.at_ns, datagram.from, datagram.to, datagram.payload.clone());
            self.lately.push_back(one);
        }
        twice
    }

    /// The capture is over.
    #[must_use]
    pub fn finish(self) -> Replayed {
        let began = self.began_ns.unwrap_or_default();
        let mut notes = Vec::new();
        if self.left_out > 0 {
            notes.push(format!(
                "{} packets behind the first {ASKED_MAX} requests were left out: cut the capture \
                 with editcap",
                self.left_out
            ));
        }
        if self.ipv6 > 0 {
            notes.push(format!(
                "{} messages of DHCPv6 were left out: no network of IPv6 is in the configuration",
                self.ipv6
            ));
        }
        let judged = self.asked.iter().map(|asked| asked.judged(began));
        Replayed { entries: judged.collect(), notes }
    }
}
