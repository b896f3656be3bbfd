//! A report once more: each part on an engine that knows what was known before it.

use super::Report;
use crate::ours::{Ours, because};
use crate::run::{Asked, Moment, Work};
use crate::talk::Reply;
use crate::verdict::{Entry, Replayed, Theirs, Verdict};
use crate::{dhcp, dhcp6, http, tftp};
use engine::compare::{Bearing, Difference};
use engine::record::{Exchange, File, Given, Message, Message6, Part, Recorded};
use engine::{Answer, Check, Engine, Found, Now, Outgoing, Served, Told};
use model::lease::LeaseState;
use model::{Change, HardwareAddress, Lease, Lease6};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;
use wire::dhcp4::Message as Dhcp;
use wire::dhcp6::{Packet as Dhcp6, SERVER_PORT, unwrapped};

/// What a server that probes an address may take longer than it meant to, under load.
const PROBE_SLACK: Duration = Duration::from_secs(1);

impl Report {
    /// What we would answer now to everything in it, beside what was answered.
    #[must_use]
    pub fn replay(&self) -> Replayed {
        let mut replayed = Replayed { entries: Vec::new(), notes: self.notes.clone() };
        let (version, machine) = (&self.version, self.machine);
        let version = model::text::show_within(version.as_bytes(), 64);
        replayed.notes.insert(0, format!("a report of {machine}, written by bootwright {version}"));
        if self.masked {
            replayed.notes.push(
                "its addresses are masked: messages were put together anew, so that they may agree \
                 without being the same byte for byte"
                    .to_owned(),
            );
        }
        let first = self.parts.iter().flat_map(|part| &part.exchanges).next();
        let began_ns = first.map_or(0, |recorded| nanoseconds(recorded.at));
        for part in &self.parts {
            let mut again = Again {
                engine: self.engine(part, &mut replayed.notes),
                probing: None,
                number: replayed.entries.len() as u64,
                began_ns,
            };
            for recorded in &part.exchanges {
                replayed.entries.extend(again.exchange(recorded, self.machine));
            }
            if part.left_out > 0 {
                let left_out = part.left_out;
                replayed
                    .notes
                    .push(format!("{left_out} exchanges behind a part were not recorded"));
            }
        }
        replayed
    }

    fn engine(&self, part: &Part, notes: &mut Vec<String>) -> Engine {
        let mut engine = Engine::new(self.settings.clone());
        if !self.server_duid.0.is_empty() {
            engine.in_place_of(self.server_duid.0.clone());
        }
        self.facts.iter().chain(&part.before).for_each(|fact| engine.apply(fact));
        if let Some(lease) = self.given_first(part) {
            notes.push(format!(
                "which address of the pool was free is in no report: {} is taken as it was given",
                lease.address
            ));
            engine.apply(&Change::Lease(lease));
        }
        for lease in self.given_first6(part) {
            notes.push(format!(
                "which IPv6 address was free is in no report: {} is taken as it was given",
                lease.address
            ));
            engine.apply(&Change::Lease6(lease));
        }
        engine
    }

    /// The addresses that associations without any were given first, as those that they had and gave back.
    fn given_first6(&self, part: &Part) -> Vec<Lease6> {
        let before = part.before.iter().filter_map(|fact| match fact {
            Change::Lease6(lease) => Some((lease.duid.clone(), lease.iaid)),
            _ => None,
        });
        let mut seen: BTreeSet<(Vec<u8>, u32)> = before.collect();
        let mut given = Vec::new();
        for recorded in &part.exchanges {
            let Exchange::Dhcp6(Message6 { answer: Some(sent), .. }) = &recorded.what else {
                continue;
            };
            let inner = unwrapped(&sent.bytes.0).and_then(|(_, inner)| Dhcp6::parse(&inner));
            let Ok(Dhcp6 { associations, client_id: Some(duid), .. }) = inner else { continue };
            for one in associations {
                let held = one.addresses.iter().find(|given| given.valid_s > 0);
                let Some(address) = held.map(|given| given.address) else { continue };
                let networks = &self.settings.networks6;
                let network = networks.iter().find(|n| n.subnet.contains(address));
                let Some(network) = network.filter(|_| seen.insert((duid.clone(), one.iaid)))
                else {
                    continue;
                };
                let before = Now(recorded.at.0.saturating_sub(1));
                given.push(Lease6 {
                    address,
                    network: network.interface.clone(),
                    duid: duid.clone(),
                    iaid: one.iaid,
                    hardware: None,
                    host_name: None,
                    since: before,
                    until: Some(before),
                    state: LeaseState::Released,
                });
            }
        }
        given
    }

    /// The address that a new client was given, as one that it had and gave back.
    fn given_first(&self, part: &Part) -> Option<Lease> {
        if part.before.iter().any(|fact| matches!(fact, Change::Lease(_))) {
            return None;
        }
        part.exchanges.iter().find_map(|recorded| {
            let Exchange::Dhcp(Message { asked, answer: Some(sent), .. }) = &recorded.what else {
                return None;
            };
            let address = Dhcp::parse(&sent.bytes.0).ok()?.yiaddr;
            let asked = Dhcp::parse(&asked.0).ok()?;
            let hardware = HardwareAddress::new(asked.htype, asked.hardware_address());
            let network = self.settings.networks.iter().find(|n| n.subnet.contains(address))?;
            let before = Now(recorded.at.0.saturating_sub(1));
            (!address.is_unspecified()).then(|| Lease {
                address,
                network: network.interface.clone(),
                hardware,
                client_id: wire::dhcp4::client_id(&asked.options),
                host_name: None,
                since: before,
                until: Some(before),
                state: LeaseState::Released,
            })
        })
    }
}

fn nanoseconds(at: Now) -> u64 {
    at.0.saturating_mul(1_000_000)
}

struct Again {
    engine: Engine,
    /// The last answer that was to be probed: if the same is asked again at once, it was in use.
    probing: Option<(Check, Vec<u8>, Now)>,
    number: u64,
    began_ns: u64,
}

impl Again {
    fn exchange(&mut self, recorded: &Recorded, machine: HardwareAddress) -> Option<Entry> {
        self.number = self.number.saturating_add(1);
        let moment = Moment {
            packet: self.number,
            at_ns: nanoseconds(recorded.at),
            now: recorded.at,
            interface: Some(&recorded.link),
            names_are_ours: true,
            hardware: None,
        };
        match &recorded.what {
            Exchange::Dhcp(message) => {
                let datagram = recorded.datagram()?;
                self.conflict(recorded, message);
                let told = self.engine.dhcp(recorded.at, &datagram);
                self.probing = match &told.answer {
                    Answer::Reply(Outgoing { check: Some(check), .. }) => {
                        Some((*check, message.asked.0.clone(), recorded.at))
                    }
                    _ => None,
                };
                let mut asked = dhcp::of(&moment, told);
                asked.machine = asked.machine.or(Some(machine));
                if let (Work::Dhcp(exchange), Some(sent)) = (&mut asked.work, &message.answer) {
                    exchange.theirs.push(Reply {
                        packet: self.number,
                        from: SocketAddr::V4(sent.from),
                        bytes: sent.bytes.0.clone(),
                        cut: false,
                    });
                }
                let mut entry = asked.judged(self.began_ns);
                if let Some(why) = &message.silence {
                    silent(&mut entry, why);
                }
                Some(entry)
            }
            Exchange::Dhcp6(message) => self.dhcp6(&moment, recorded, message, machine),
            Exchange::File(file) => {
                let told = self.engine.file(recorded.at, &file.ask(&recorded.link));
                Some(self.file(&moment, file, told, machine))
            }
        }
    }

    fn dhcp6(
        &mut self,
        moment: &Moment<'_>,
        recorded: &Recorded,
        message: &Message6,
        machine: HardwareAddress,
    ) -> Option<Entry> {
        let datagram = recorded.datagram6()?;
        let told = self.engine.dhcp6(recorded.at, &datagram);
        let mut asked = dhcp6::of(moment, told);
        asked.machine = asked.machine.or(Some(machine));
        if let (Work::Dhcp6(exchange), Some(sent)) = (&mut asked.work, &message.answer) {
            // From which of our addresses it left is nobody's business.
            let from = SocketAddr::new(datagram.to.into(), SERVER_PORT);
            let bytes = sent.bytes.0.clone();
            exchange.theirs.push(Reply { packet: self.number, from, bytes, cut: false });
        }
        let mut entry = asked.judged(self.began_ns);
        if let Some(why) = &message.silence {
            silent(&mut entry, why);
        }
        Some(entry)
    }

    /// The same asked once more before the probe can be over, and answered otherwise: somebody used it.
    fn conflict(&mut self, recorded: &Recorded, message: &Message) {
        let Some((check, asked, at)) = self.probing.take() else { return };
        let sent = message.answer.as_ref().and_then(|sent| Dhcp::parse(&sent.bytes.0).ok());
        let other = sent.is_some_and(|sent| sent.yiaddr != check.address);
        if other && asked == message.asked.0 && recorded.at.since(at) <= check.wait + PROBE_SLACK {
            // What is noted of it is the operator's affair.
            let _ = self.engine.conflict(recorded.at, &recorded.link, &check, None);
        }
    }

    fn file(
        &self,
        moment: &Moment<'_>,
        file: &File,
        told: Told<Found>,
        machine: HardwareAddress,
    ) -> Entry {
        let name = file.name.as_str();
        let asked = match (file.by, file.head_only) {
            (model::event::Carrier::Tftp, _) => tftp::named(name.as_bytes()),
            (_, true) => http::in_words("HEAD", name),
            (_, false) => http::in_words("GET", name),
        };
        let asked = Asked {
            packet: moment.packet,
            at_ns: moment.at_ns,
            machine: Some(machine),
            asked,
            because: because(&told),
            work: Work::Again,
        };
        let mut entry = asked.judged(self.began_ns);
        entry.ours = Ours::of(&told.answer).words();
        let theirs =
            Theirs { from: file.at.to_string(), packet: moment.packet, says: words(&file.given) };
        entry.theirs = vec![theirs];
        if file.withheld {
            entry.verdict = Verdict::Unseen;
            entry.notes.push(
                "something of it is not in the report: a secret, a body, what another server said"
                    .to_owned(),
            );
            return entry;
        }
        let (ours, _) = Given::of(&told.answer);
        entry.verdict = compare(&ours, &file.given, &told, &mut entry);
        entry
    }
}

/// Both are silent if we are; else whoever is silent says why.
fn silent(entry: &mut Entry, why: &str) {
    entry.theirs = vec![Theirs {
        from: "the report".to_owned(),
        packet: entry.packet,
        says: format!("silence: {}", model::text::show(why.as_bytes())),
    }];
}

fn words(given: &Given) -> String {
    match given {
        Given::Text { size, .. } => format!("a text of {size} bytes"),
        Given::Blob { size, .. } => format!("a file of {size} bytes"),
        Given::AnswerFile => "an answer file".to_owned(),
        Given::Elsewhere => "what another server says".to_owned(),
        Given::Nothing(why) => format!("nothing: {}", model::text::show(why.as_bytes())),
    }
}

fn compare(ours: &Given, theirs: &Given, told: &Told<Found>, entry: &mut Entry) -> Verdict {
    if ours == theirs {
        return Verdict::Same;
    }
    let mut put = |what: &str, bearing, a: String, b: String| {
        let (ours, theirs) = (Some(a), Some(b));
        entry.differences.push(Difference { what: what.to_owned(), bearing, ours, theirs });
    };
    match (ours, theirs) {
        // Both refuse: the words are for people.
        (Given::Nothing(a), Given::Nothing(b)) => {
            put("reason", Bearing::Form, a.clone(), model::text::show(b.as_bytes()));
            return Verdict::Agrees;
        }
        (Given::Text { .. }, Given::Text { text, size }) => {
            put("text", Bearing::Boot, words(ours), words(theirs));
            let mut body = crate::body::Body::new(text.len() as u64 == *size);
            body.take(text.as_bytes());
            if let Answer::Reply(Found { what: Served::Text(own), .. }) = &told.answer {
                let own = engine::record::without_secrets(own);
                entry.notes.extend(body.differs_from(own.as_bytes()));
            }
        }
        (Given::Blob { sha256: a, size: x }, Given::Blob { sha256: b, size: y }) if x == y => {
            put("SHA-256", Bearing::Boot, a.to_string(), b.to_string());
        }
        _ => put("answer", Bearing::Boot, words(ours), words(theirs)),
    }
    Verdict::Differs
}
