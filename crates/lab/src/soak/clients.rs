//! Clients as they are: they get an address, keep it, lose their memory, are switched off, come
//! back, and give it up; each told the time.
//!
//! In: the moment, and answers that came. Out: frames to be sent, and the history of what was
//! promised. Never: a socket, a clock, a judgement.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::history::{Client, Entry, How, What};
use crate::load::frame::{self, Answer, Frame, Kind, Mac, Say};
use crate::load::mac;
use crate::sim::chance::Chance;

/// A client asks again after so long.
const AGAIN: Duration = Duration::from_millis(700);
/// So long, and so often, it asks for what it has before it gives up; the server is back from a
/// kill several times by then.
const GIVES_UP: Duration = Duration::from_secs(9);
/// One in so many choices is to be switched off until after the lease has ended.
const OFF_ONE_IN: u64 = 20_000;
/// REQUESTs in SELECTING before it begins anew.
const SELECTS: u32 = 3;

/// All clients of a soak.
pub(super) struct Clients {
    all: Vec<One>,
    chance: Chance,
    xid: u32,
    /// Who asked with which number, when, and how, so that late answers are judged as well.
    questions: BTreeMap<u32, (Client, Duration, Doing)>,
    /// What happened.
    pub(super) history: Vec<Entry>,
    lease: Duration,
    settling: bool,
}

struct One {
    mac: Mac,
    doing: Doing,
    xid: u32,
    since: Duration,
    tries: u32,
    next: Duration,
    lease: Option<Has>,
    /// Nothing more is to be done before the end.
    settled: bool,
}

/// What a client knows of its lease.
#[derive(Clone, Copy)]
struct Has {
    address: Ipv4Addr,
    server: Ipv4Addr,
    at: Mac,
    until: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Doing {
    Rests,
    Discovers,
    Selects { address: Ipv4Addr, server: Ipv4Addr },
    Asks { has: Ipv4Addr, how: How },
}

impl Clients {
    /// So many clients, who begin within a second. `lease` is how long the server's leases last.
    pub(super) fn new(count: u32, seed: u64, lease: Duration) -> Self {
        let mut chance = Chance::new(seed);
        let all = (0..count).map(|number| One {
            mac: mac(seed, number),
            doing: Doing::Rests,
            xid: 0,
            since: Duration::ZERO,
            tries: 0,
            next: Duration::from_millis(chance.below(1000)),
            lease: None,
            settled: false,
        });
        let all = all.collect();
        let (questions, history) = (BTreeMap::new(), Vec::new());
        Self { all, chance, xid: 0, questions, history, lease, settling: false }
    }

    /// From now on each client only confirms what it has, once.
    pub(super) fn settle(&mut self, now: Duration) {
        self.settling = true;
        for one in self.all.iter_mut().filter(|one| one.doing == Doing::Rests) {
            one.next = now;
        }
    }

    /// Whether each has confirmed what it has.
    pub(super) fn is_settled(&self) -> bool {
        self.settling && self.all.iter().all(|one| one.settled)
    }

    /// Whose address this is by its own account: who answers an ARP request for it.
    pub(super) fn holder(&self, now: Duration, address: Ipv4Addr) -> Option<Mac> {
        let has = |one: &&One| one.lease.is_some_and(|l| l.address == address && l.until > now);
        self.all.iter().find(has).map(|one| one.mac)
    }

    /// What all of them say at this moment.
    pub(super) fn speak(&mut self, now: Duration, out: &mut Vec<Frame>) {
        for number in 0..self.all.len() {
            let due = self.all.get(number).is_some_and(|one| one.next <= now && !one.settled);
            if due {
                out.extend(self.next(number, now));
            }
        }
    }

    fn next(&mut self, number: usize, now: Duration) -> Option<Frame> {
        let one = self.all.get_mut(number)?;
        if one.lease.is_some_and(|has| has.until <= now) {
            one.lease = None;
        }
        let (doing, lease) = (one.doing, one.lease);
        match (doing, lease) {
            (Doing::Rests, _) => self.choose(number, now),
            (Doing::Discovers, _) if self.settling => self.choose(number, now),
            (Doing::Discovers, _) => self.begin(number, now, Doing::Discovers),
            (Doing::Selects { .. }, _) if one.tries >= SELECTS => {
                self.begin(number, now, Doing::Discovers)
            }
            // It lost its lease by time; there is nothing left to be confirmed.
            (Doing::Asks { .. }, None) => self.begin(number, now, Doing::Discovers),
            (Doing::Asks { has, how }, Some(_)) if now.saturating_sub(one.since) > GIVES_UP => {
                let (since, tries, client) = (one.since, one.tries, number as Client);
                let what = What::Unanswered { client, address: has.into(), how, since, tries };
                one.lease = None;
                self.history.push(Entry { at: now, what });
                self.begin(number, now, Doing::Discovers)
            }
            (Doing::Selects { .. } | Doing::Asks { .. }, _) => self.say(number, now),
        }
    }

    /// What a client that rests does next.
    fn choose(&mut self, number: usize, now: Duration) -> Option<Frame> {
        let Some(has) = self.all.get(number)?.lease else {
            return match self.settling {
                true => self.end(number),
                false => self.begin(number, now, Doing::Discovers),
            };
        };
        let ask = |how| Doing::Asks { has: has.address, how };
        if self.settling {
            return self.begin(number, now, ask(How::Rebooting));
        }
        // Few, since it is for long: in a long soak leases end, in a short one nobody waits for it.
        if self.chance.below(OFF_ONE_IN) == 0 {
            let off = self.lease + Duration::from_millis(self.chance.below(5000));
            self.all.get_mut(number)?.next = now + off;
            return None;
        }
        match self.chance.below(100) {
            0..60 => self.begin(number, now, ask(How::Renewing)),
            60..82 => self.begin(number, now, ask(How::Rebooting)),
            // A new system on an old machine: it asks as if for the first time.
            82..92 => self.begin(number, now, Doing::Discovers),
            _ => self.release(number, now, has),
        }
    }

    fn end(&mut self, number: usize) -> Option<Frame> {
        self.all.get_mut(number)?.settled = true;
        None
    }

    /// Begins to ask: a new number, a new count.
    fn begin(&mut self, number: usize, now: Duration, doing: Doing) -> Option<Frame> {
        if self.settling && doing == Doing::Discovers {
            return self.choose(number, now);
        }
        self.xid = self.xid.wrapping_add(1);
        let one = self.all.get_mut(number)?;
        (one.doing, one.xid, one.since, one.tries) = (doing, self.xid, now, 0);
        self.note(number, now, doing);
        self.say(number, now)
    }

    /// Remembers the question, and forgets those that nobody will answer any more.
    fn note(&mut self, number: usize, now: Duration, doing: Doing) {
        self.questions.insert(self.xid, (number as Client, now, doing));
        while self.questions.len() > 64 * self.all.len() {
            self.questions.pop_first();
        }
    }

    fn say(&mut self, number: usize, now: Duration) -> Option<Frame> {
        let again = AGAIN + Duration::from_millis(self.chance.below(300));
        let one = self.all.get_mut(number)?;
        one.tries += 1;
        one.next = now + again;
        let say = match (one.doing, one.lease) {
            (Doing::Discovers, _) => Say::Discover,
            (Doing::Selects { address, server }, _) => Say::Select { address, server },
            (Doing::Asks { has, how: How::Renewing }, Some(lease)) => {
                Say::Renew { address: has, server: lease.server, at: lease.at }
            }
            (Doing::Asks { has, .. }, _) => Say::Reboot(has),
            (Doing::Rests, _) => return None,
        };
        Some(frame::write(one.mac, one.xid, say))
    }

    fn release(&mut self, number: usize, now: Duration, has: Has) -> Option<Frame> {
        self.xid = self.xid.wrapping_add(1);
        let what = What::Released { client: number as Client, address: has.address.into() };
        self.history.push(Entry { at: now, what });
        let pause = self.pause();
        let one = self.all.get_mut(number)?;
        one.lease = None;
        one.next = now + pause;
        let say = Say::Release { address: has.address, server: has.server, at: has.at };
        Some(frame::write(one.mac, self.xid, say))
    }

    fn pause(&mut self) -> Duration {
        Duration::from_millis(100 + self.chance.below(800))
    }

    /// An answer came.
    pub(super) fn hear(&mut self, now: Duration, answer: &Answer) -> Option<Frame> {
        let (client, asked, doing) = *self.questions.get(&answer.xid)?;
        let number = client as usize;
        let one = self.all.get_mut(number).filter(|one| one.mac == answer.client)?;
        let current = one.xid == answer.xid;
        match (answer.kind, doing) {
            (Kind::Offer, Doing::Discovers) if current && one.doing == Doing::Discovers => {
                let (address, server) = (answer.address, answer.server);
                (one.doing, one.since, one.tries) = (Doing::Selects { address, server }, now, 0);
                // Its lease counts from the REQUEST.
                self.questions
                    .insert(answer.xid, (client, now, Doing::Selects { address, server }));
                return self.say(number, now);
            }
            (Kind::Ack, _) => {
                let lease = Duration::from_secs(answer.lease_s.unwrap_or(0).into());
                let address = answer.address;
                let what = What::Acked { client, asked, address: address.into(), lease };
                self.history.push(Entry { at: now, what });
                if current && one.doing != Doing::Rests {
                    let (server, at, until) = (answer.server, answer.at, asked + lease);
                    one.lease = Some(Has { address, server, at, until });
                    self.rest(number, now);
                }
            }
            (Kind::Nak, _) if current => {
                if let Doing::Asks { has, how } = one.doing {
                    let what = What::Refused { client, address: has.into(), how };
                    self.history.push(Entry { at: now, what });
                }
                one.lease = None;
                self.rest(number, now);
            }
            // Late, or twice.
            _ => {}
        }
        None
    }

    fn rest(&mut self, number: usize, now: Duration) {
        let (pause, settling) = (self.pause(), self.settling);
        let Some(one) = self.all.get_mut(number) else { return };
        // What was confirmed while settling needs no second confirmation.
        one.settled = settling && matches!(one.doing, Doing::Asks { .. });
        one.doing = Doing::Rests;
        one.next = now + if settling { Duration::ZERO } else { pause };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const LEASE: Duration = Duration::from_secs(20);

    fn answer(kind: Kind, to: &Frame) -> Answer {
        Answer {
            kind,
            xid: u32::from_be_bytes([to[46], to[47], to[48], to[49]]),
            client: to[70..76].try_into().unwrap(),
            address: Ipv4Addr::new(10, 80, 1, 1),
            server: Ipv4Addr::new(10, 80, 0, 1),
            at: [4; 6],
            lease_s: Some(20),
        }
    }

    fn said(clients: &mut Clients, now: Duration) -> Vec<Frame> {
        let mut out = Vec::new();
        clients.speak(now, &mut out);
        out
    }

    /// One client with a lease, at 1 s.
    fn bound() -> Clients {
        let mut clients = Clients::new(1, 1, LEASE);
        let discover = said(&mut clients, 1000 * MS)[0];
        let request = clients.hear(1001 * MS, &answer(Kind::Offer, &discover)).unwrap();
        assert!(clients.hear(1010 * MS, &answer(Kind::Ack, &request)).is_none());
        clients
    }

    #[test]
    fn a_lease_counts_from_its_request() {
        let clients = bound();
        let [Entry { what: What::Acked { asked, address, lease, .. }, .. }] = clients.history[..]
        else {
            panic!("{:?}", clients.history)
        };
        assert_eq!((asked, lease), (1001 * MS, LEASE));
        let std::net::IpAddr::V4(address) = address else { panic!("{address}") };
        assert_eq!(clients.holder(1011 * MS, address), Some(clients.all[0].mac));
        assert_eq!(clients.holder(1001 * MS + LEASE, address), None);
    }

    #[test]
    fn who_is_refused_what_it_has_says_so_and_who_is_never_answered_too() {
        for refused in [true, false] {
            let mut clients = bound();
            clients.settle(1500 * MS);
            let reboot = said(&mut clients, 2000 * MS)[0];
            if refused {
                clients.hear(2001 * MS, &answer(Kind::Nak, &reboot));
            } else {
                assert_eq!(said(&mut clients, 3100 * MS).len(), 1, "it asks again");
                said(&mut clients, 2001 * MS + GIVES_UP);
            }
            let last = clients.history.last().unwrap().what;
            let found = match last {
                What::Refused { .. } => refused,
                What::Unanswered { tries, .. } => !refused && tries == 2,
                _ => false,
            };
            assert!(found, "{last:?}");
        }
    }

    #[test]
    fn settled_is_who_confirmed_what_it_has() {
        let mut clients = bound();
        clients.settle(1500 * MS);
        assert!(!clients.is_settled());
        let reboot = said(&mut clients, 2000 * MS)[0];
        clients.hear(2001 * MS, &answer(Kind::Ack, &reboot));
        assert!(clients.is_settled());
    }
}
