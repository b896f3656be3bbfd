//! Clients of DHCPv6 as they are: they get an address, keep it, ask anybody for it, begin anew, and give it up;
//! each told the time.
//!
//! In: the moment, and messages that came. Out: messages to be sent, and the history of what was promised.
//! Never: a socket, a clock, a judgement.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use wire::dhcp6::{Association, Given, Kind, Packet, status};

use super::history::{Client, Entry, How, What};
use crate::load::mac;
use crate::sim::chance::Chance;

/// A client asks again after so long.
const AGAIN: Duration = Duration::from_millis(700);
/// So long it asks for what it has before it gives up; the server is back from a kill several times by then.
const GIVES_UP: Duration = Duration::from_secs(9);
/// REQUESTs before it begins anew.
const REQUESTS: u32 = 3;
/// Questions that a late answer may come to, for each client.
const REMEMBERED: usize = 64;

/// All clients of a soak. Two after the other are associations of one identifier.
pub(super) struct Clients6 {
    all: Vec<One>,
    chance: Chance,
    xid: u32,
    /// Who asked with which number, and when, so that late answers are judged as well.
    questions: BTreeMap<[u8; 3], (Client, Duration)>,
    /// What happened.
    pub(super) history: Vec<Entry>,
    settling: bool,
}

struct One {
    duid: Vec<u8>,
    iaid: u32,
    doing: Doing,
    xid: [u8; 3],
    since: Duration,
    tries: u32,
    next: Duration,
    /// What it has.
    lease: Option<Has>,
    /// What it gave back last, and when: who gave back hears no late answers.
    released: Duration,
    /// Nothing more is to be done before the end.
    settled: bool,
}

/// What a client knows of its lease.
#[derive(Clone, Copy)]
struct Has {
    address: Ipv6Addr,
    until: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Doing {
    Rests,
    Solicits,
    Requests(Ipv6Addr),
    Asks(Ipv6Addr, How),
}

impl Clients6 {
    /// So many clients, who begin within a second.
    pub(super) fn new(count: u32, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let all = (0..count).map(|number| One {
            duid: [&[0, 3, 0, 1][..], &mac(seed, number / 2)].concat(),
            iaid: number % 2,
            doing: Doing::Rests,
            xid: [0; 3],
            since: Duration::ZERO,
            tries: 0,
            next: Duration::from_millis(chance.below(1000)),
            lease: None,
            released: Duration::ZERO,
            settled: false,
        });
        let all = all.collect();
        let (questions, history) = (BTreeMap::new(), Vec::new());
        Self { all, chance, xid: 0, questions, history, settling: false }
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

    /// What all of them say at this moment, to a server with this identifier, once one is known.
    pub(super) fn speak(&mut self, now: Duration, server: Option<&[u8]>) -> Vec<Packet> {
        let mut out = Vec::new();
        for number in 0..self.all.len() {
            let due = self.all.get(number).is_some_and(|one| one.next <= now && !one.settled);
            if due {
                out.extend(self.next(number, now, server));
            }
        }
        out
    }

    fn next(&mut self, number: usize, now: Duration, server: Option<&[u8]>) -> Option<Packet> {
        let one = self.all.get_mut(number)?;
        if one.lease.is_some_and(|has| has.until <= now) {
            one.lease = None;
        }
        match (one.doing, one.lease) {
            (Doing::Rests, _) => self.choose(number, now, server),
            (Doing::Solicits | Doing::Requests(_), _) if self.settling => {
                self.choose(number, now, server)
            }
            (Doing::Requests(_), _) if one.tries >= REQUESTS => {
                self.begin(number, now, Doing::Solicits, server)
            }
            // It lost its lease by time; there is nothing left to be confirmed.
            (Doing::Asks(..), None) => self.begin(number, now, Doing::Solicits, server),
            (Doing::Asks(has, how), Some(_)) if now.saturating_sub(one.since) > GIVES_UP => {
                let (since, tries, client) = (one.since, one.tries, number as Client);
                let what = What::Unanswered { client, address: has.into(), how, since, tries };
                one.lease = None;
                self.history.push(Entry { at: now, what });
                self.begin(number, now, Doing::Solicits, server)
            }
            _ => self.say(number, now, server),
        }
    }

    /// What a client that rests does next.
    fn choose(&mut self, number: usize, now: Duration, server: Option<&[u8]>) -> Option<Packet> {
        let Some(has) = self.all.get(number)?.lease else {
            if self.settling {
                self.all.get_mut(number)?.settled = true;
                return None;
            }
            return self.begin(number, now, Doing::Solicits, server);
        };
        let ask = |how| Doing::Asks(has.address, how);
        if self.settling {
            return self.begin(number, now, ask(How::Rebooting), server);
        }
        match self.chance.below(100) {
            0..55 => self.begin(number, now, ask(How::Renewing), server),
            55..75 => self.begin(number, now, ask(How::Rebooting), server),
            // A new system on an old machine: it asks as if for the first time.
            75..90 => self.begin(number, now, Doing::Solicits, server),
            _ => self.release(number, now, has, server),
        }
    }

    /// Begins to ask: a new number, a new count.
    fn begin(
        &mut self,
        number: usize,
        now: Duration,
        doing: Doing,
        server: Option<&[u8]>,
    ) -> Option<Packet> {
        if self.settling && doing == Doing::Solicits {
            self.all.get_mut(number)?.doing = Doing::Rests;
            return self.choose(number, now, server);
        }
        let xid = self.next_xid();
        let one = self.all.get_mut(number)?;
        (one.doing, one.xid, one.since, one.tries) = (doing, xid, now, 0);
        self.questions.insert(xid, (number as Client, now));
        while self.questions.len() > REMEMBERED * self.all.len() {
            self.questions.pop_first();
        }
        self.say(number, now, server)
    }

    fn next_xid(&mut self) -> [u8; 3] {
        self.xid = self.xid.wrapping_add(1);
        let [_, a, b, c] = self.xid.to_be_bytes();
        [a, b, c]
    }

    fn say(&mut self, number: usize, now: Duration, server: Option<&[u8]>) -> Option<Packet> {
        let again = AGAIN + Duration::from_millis(self.chance.below(300));
        let one = self.all.get_mut(number)?;
        one.tries += 1;
        one.next = now + again;
        let (kind, address, names_server) = match one.doing {
            Doing::Rests => return None,
            Doing::Solicits => (Kind::Solicit, None, false),
            Doing::Requests(address) => (Kind::Request, Some(address), true),
            Doing::Asks(address, How::Renewing) => (Kind::Renew, Some(address), true),
            Doing::Asks(address, How::Rebooting) => (Kind::Rebind, Some(address), false),
        };
        let server = server.filter(|_| names_server);
        Some(message(one, kind, one.xid, address, server))
    }

    fn release(
        &mut self,
        number: usize,
        now: Duration,
        has: Has,
        server: Option<&[u8]>,
    ) -> Option<Packet> {
        let what = What::Released { client: number as Client, address: has.address.into() };
        self.history.push(Entry { at: now, what });
        let (xid, pause) = (self.next_xid(), self.pause());
        let one = self.all.get_mut(number)?;
        (one.lease, one.released, one.next) = (None, now, now + pause);
        Some(message(one, Kind::Release, xid, Some(has.address), server))
    }

    fn pause(&mut self) -> Duration {
        Duration::from_millis(100 + self.chance.below(800))
    }

    /// A message came: what its client says to it.
    pub(super) fn hear(&mut self, now: Duration, heard: &Packet) -> Option<Packet> {
        let (client, asked) = *self.questions.get(&heard.xid)?;
        let number = client as usize;
        let one = self.all.get_mut(number)?;
        let association = heard.associations.iter().find(|a| a.iaid == one.iaid)?;
        if heard.client_id.as_ref() != Some(&one.duid) || asked < one.released {
            return None;
        }
        let current = one.xid == heard.xid && one.doing != Doing::Rests;
        let given = association.addresses.iter().find(|given| given.valid_s > 0).copied();
        match (heard.kind, given) {
            (Kind::Advertise, Some(given)) if current && one.doing == Doing::Solicits => {
                let server = heard.server_id.as_deref();
                return self.begin(number, now, Doing::Requests(given.address), server);
            }
            (Kind::Reply, Some(Given { address, valid_s, .. })) => {
                let lease = Duration::from_secs(valid_s.into());
                let what = What::Acked { client, asked, address: address.into(), lease };
                self.history.push(Entry { at: now, what });
                if current {
                    one.lease = Some(Has { address, until: asked + lease });
                    self.rest(number, now);
                }
            }
            (Kind::Reply, None) if current && refuses(association) => {
                if let Doing::Asks(has, how) = one.doing {
                    let what = What::Refused { client, address: has.into(), how };
                    self.history.push(Entry { at: now, what });
                }
                one.lease = None;
                self.rest(number, now);
            }
            // Nothing is free: it tries again later.
            (Kind::Advertise, None) if current && one.doing == Doing::Solicits => {
                if let Some(Has { address, .. }) = one.lease.take() {
                    let how = How::Rebooting;
                    let what = What::Refused { client, address: address.into(), how };
                    self.history.push(Entry { at: now, what });
                }
                self.rest(number, now);
            }
            _ => {}
        }
        None
    }

    fn rest(&mut self, number: usize, now: Duration) {
        let (pause, settling) = (self.pause(), self.settling);
        let Some(one) = self.all.get_mut(number) else { return };
        // What was confirmed while settling needs no second confirmation.
        one.settled = settling && matches!(one.doing, Doing::Asks(..));
        one.doing = Doing::Rests;
        one.next = now + if settling { Duration::ZERO } else { pause };
    }
}

fn refuses(association: &Association) -> bool {
    association.status.as_ref().is_some_and(|said| said.code != status::SUCCESS)
}

fn message(
    one: &One,
    kind: Kind,
    xid: [u8; 3],
    address: Option<Ipv6Addr>,
    server: Option<&[u8]>,
) -> Packet {
    let given = address.map(|address| Given { address, preferred_s: 0, valid_s: 0 });
    let addresses = given.into_iter().collect();
    Packet {
        client_id: Some(one.duid.clone()),
        server_id: server.map(<[u8]>::to_vec),
        associations: vec![Association { iaid: one.iaid, addresses, ..Association::default() }],
        elapsed: Some(0),
        ..Packet::new(kind, xid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const SERVER: &[u8] = &[0, 4, 9];

    fn ip(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    fn answer(kind: Kind, to: &Packet, given: Result<Ipv6Addr, u16>) -> Packet {
        let mut association = Association { iaid: 0, ..Association::default() };
        match given {
            Ok(address) => {
                association.addresses.push(Given { address, preferred_s: 20, valid_s: 20 });
            }
            Err(code) => association.status = Some(wire::dhcp6::Status { code, text: vec![] }),
        }
        Packet {
            client_id: to.client_id.clone(),
            server_id: Some(SERVER.to_vec()),
            associations: vec![association],
            ..Packet::new(kind, to.xid)
        }
    }

    fn said(clients: &mut Clients6, now: Duration) -> Packet {
        let mut out = clients.speak(now, Some(SERVER));
        assert_eq!(out.len(), 1, "{out:?}");
        out.remove(0)
    }

    /// One client with a lease, at 1 s.
    fn bound() -> Clients6 {
        let mut clients = Clients6::new(1, 1);
        let solicit = said(&mut clients, 1000 * MS);
        let advertised = answer(Kind::Advertise, &solicit, Ok(ip("fd80::5")));
        let request = clients.hear(1001 * MS, &advertised).unwrap();
        assert!(request.kind == Kind::Request && request.server_id.as_deref() == Some(SERVER));
        let reply = answer(Kind::Reply, &request, Ok(ip("fd80::5")));
        assert_eq!(clients.hear(1010 * MS, &reply), None);
        clients
    }

    #[test]
    fn a_lease_counts_from_its_request() {
        let clients = bound();
        let [Entry { what: What::Acked { asked, lease, .. }, .. }] = clients.history[..] else {
            panic!("{:?}", clients.history)
        };
        assert_eq!((asked, lease), (1001 * MS, 20_000 * MS));
    }

    #[test]
    fn who_is_refused_what_it_has_says_so_and_who_is_never_answered_too() {
        for refused in [true, false] {
            let mut clients = bound();
            clients.settle(1500 * MS);
            let rebind = said(&mut clients, 2000 * MS);
            assert!(rebind.kind == Kind::Rebind && rebind.server_id.is_none());
            if refused {
                let no = answer(Kind::Reply, &rebind, Err(status::NO_BINDING));
                clients.hear(2001 * MS, &no);
            } else {
                assert_eq!(said(&mut clients, 3100 * MS).xid, rebind.xid, "it asks again");
                clients.speak(2001 * MS + GIVES_UP, Some(SERVER));
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
    fn settled_is_who_confirmed_what_it_has_and_a_late_answer_after_a_release_is_none() {
        let mut clients = bound();
        clients.settle(1500 * MS);
        assert!(!clients.is_settled());
        let rebind = said(&mut clients, 2000 * MS);
        let reply = answer(Kind::Reply, &rebind, Ok(ip("fd80::5")));
        clients.hear(2001 * MS, &reply);
        assert!(clients.is_settled());
        let before = clients.history.len();
        let has = Has { address: ip("fd80::5"), until: 9000 * MS };
        clients.release(0, 2002 * MS, has, Some(SERVER));
        clients.hear(2003 * MS, &reply);
        assert_eq!(clients.history.len(), before + 1, "the release alone");
    }
}
