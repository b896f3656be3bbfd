//! What waits for the owner: a ring of datagrams that never makes anybody wait, and a queue of
//! everything else.

use crate::handle::{Act, Said};
use crate::post::{Heard, Replies};
use crate::{Limits, SiteError};
use engine::tag::Expectation;
use engine::{
    Answer, Check, Command, Datagram6, Engine, FileAsk, Found, Listened6, Now, Outgoing6,
    Overheard, Settings,
};
use model::{By, Change, HardwareAddress};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc, oneshot};
use wire::dhcp4::{MessageType, peek_message_type};

/// A read-only question, wrapped so that it sends its own answer.
pub(crate) type Question = Box<dyn FnOnce(&Engine, Now) + Send>;

/// One thing the owner is asked.
pub(crate) enum Request {
    Datagram(Heard, Replies),
    /// A DHCPv6 message. Whoever heard it lets only so many wait.
    Datagram6(Box<Datagram6>, oneshot::Sender<Answer<Outgoing6>>),
    File(Box<FileAsk>, oneshot::Sender<Answer<Found>>),
    Command(Box<Order>, DryRun, oneshot::Sender<Result<Said, SiteError>>),
    /// An act that changes no fact, for the audit log.
    Note(Box<Act>, oneshot::Sender<Result<Said, SiteError>>),
    /// What may stand at other DNS servers, before it is sent there.
    Published(Vec<Change>, oneshot::Sender<Result<Said, SiteError>>),
    Question(Question),
    Configure(Box<Settings>, oneshot::Sender<Vec<String>>),
    Conflict(Box<Conflict>),
    /// What another server answered about a machine ([`Engine::heard_elsewhere`]).
    Elsewhere(HardwareAddress, Result<Option<Vec<u8>>, String>),
    Overheard(Box<Overheard>),
    /// What was heard over IPv6 of what is not for us.
    Listened6(Box<Listened6>),
    Stop,
}

/// What an operator wants done.
pub(crate) struct Order {
    pub(crate) by: By,
    pub(crate) command: Command,
    /// How things have to be for it.
    pub(crate) expects: Option<Expectation>,
}

/// Somebody answered for an address that was to be offered.
pub(crate) struct Conflict {
    pub(crate) link: String,
    pub(crate) check: Check,
    pub(crate) theirs: Option<HardwareAddress>,
}

/// Whether a command is only tried.
pub(crate) type DryRun = bool;

/// The senders' side. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) ring: Arc<Ring>,
}

/// The owner's side.
pub(crate) struct Inbox {
    requests: mpsc::Receiver<Request>,
    ring: Arc<Ring>,
    batch_max: usize,
}

/// Both sides of an empty inbox.
pub(crate) fn new(limits: &Limits) -> (Door, Inbox) {
    let (sender, requests) = mpsc::channel(limits.requests_max.max(1));
    let ring = Arc::new(Ring {
        waiting: Mutex::new(Waiting::new()),
        max: limits.datagrams_max.max(1),
        filled: Notify::new(),
        dropped: AtomicU64::new(0),
    });
    let door = Door { requests: sender, ring: Arc::clone(&ring) };
    (door, Inbox { requests, ring, batch_max: limits.batch_max.max(1) })
}

impl Inbox {
    /// Waits until something is there, then takes all of it, up to the size of a batch. An empty
    /// batch means that every door is gone. Given up while it waits, it has taken nothing.
    pub(crate) async fn next(&mut self) -> Vec<Request> {
        let mut batch = Vec::new();
        loop {
            self.take_now(&mut batch);
            if !batch.is_empty() {
                return batch;
            }
            tokio::select! {
                taken = self.requests.recv_many(&mut batch, self.batch_max) => {
                    if taken == 0 {
                        return batch;
                    }
                }
                () = self.ring.filled.notified() => {}
            }
        }
    }

    /// Lets nothing more in.
    pub(crate) fn close(&mut self) {
        self.requests.close();
        self.ring.lock().open = false;
    }

    /// What is there, without waiting.
    pub(crate) fn take_now(&mut self, batch: &mut Vec<Request>) {
        // Locked first: what was said before a datagram came, as of a conflict, is taken before it.
        let mut waiting = self.ring.lock();
        while batch.len() < self.batch_max
            && let Ok(request) = self.requests.try_recv()
        {
            batch.push(request);
        }
        let room = self.batch_max.saturating_sub(batch.len());
        let [known, asking] = &mut waiting.lanes;
        // Neither lane ever takes all: each has half, and what the other leaves.
        let for_asking = asking.len().min(room / 2);
        let from_known = known.len().min(room.saturating_sub(for_asking));
        let from_asking = asking.len().min(room.saturating_sub(from_known));
        batch.reserve(from_known.saturating_add(from_asking));
        let taken = known.drain(..from_known).chain(asking.drain(..from_asking));
        batch.extend(taken.map(|(heard, to)| Request::Datagram(heard, to)));
        // After what machines say: who was asked is known before who answers. A little always goes.
        let room = self.batch_max.saturating_sub(batch.len()).max(OVERHEARD_AT_LEAST);
        let overheard = waiting.overheard.len().min(room);
        batch.extend(waiting.overheard.drain(..overheard).map(|o| Request::Overheard(Box::new(o))));
        let listened = waiting.listened6.len().min(room);
        let listened = waiting.listened6.drain(..listened);
        batch.extend(listened.map(|heard| Request::Listened6(Box::new(heard))));
    }
}

/// Datagrams that wait, in two lanes of `max` each. A full lane drops its oldest: whoever sent
/// that one has asked again.
pub(crate) struct Ring {
    waiting: Mutex<Waiting>,
    max: usize,
    filled: Notify,
    /// How many were dropped since the start.
    pub(crate) dropped: AtomicU64,
}

struct Waiting {
    open: bool,
    lanes: [VecDeque<(Heard, Replies)>; 2],
    /// What other servers said; a full lane takes no more.
    overheard: VecDeque<Overheard>,
    /// What was heard over IPv6 of what is not for us, requests and replies in their order; the same holds.
    listened6: VecDeque<Listened6>,
}

/// What other servers said that waits; nobody waits for an answer to it.
const OVERHEARD_MAX: usize = 4096;
/// So much of it is taken from a full batch.
const OVERHEARD_AT_LEAST: usize = 16;

impl Waiting {
    fn new() -> Self {
        Self {
            open: true,
            lanes: Default::default(),
            overheard: VecDeque::new(),
            listened6: VecDeque::new(),
        }
    }
}

/// What a datagram waits behind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lane {
    /// Whoever speaks has an address, or was offered one.
    Known = 0,
    /// A DISCOVER, or nothing we can tell: cheap to make in any number, and asked again.
    Asking = 1,
}

impl Lane {
    /// A flood of DISCOVERs must not cost anybody the address he has.
    fn of(message: &[u8]) -> Self {
        match peek_message_type(message) {
            None => Self::Asking,
            Some(number) if number == MessageType::Discover.number() => Self::Asking,
            Some(_) => Self::Known,
        }
    }
}

impl Ring {
    /// Never waits. What is dropped gets no answer.
    pub(crate) fn push(&self, heard: impl IntoIterator<Item = Heard>, to: &Replies) {
        let mut waiting = self.lock();
        if !waiting.open {
            return;
        }
        let mut dropped = 0;
        for heard in heard {
            let [known, asking] = &mut waiting.lanes;
            let lane = match Lane::of(&heard.datagram.bytes) {
                Lane::Known => known,
                Lane::Asking => asking,
            };
            if lane.len() >= self.max {
                lane.pop_front();
                dropped += 1;
            }
            lane.push_back((heard, to.clone()));
        }
        drop(waiting);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        self.filled.notify_one();
    }

    /// Never waits. What finds no room is lost. How many found room.
    pub(crate) fn overhear(&self, overheard: impl IntoIterator<Item = Overheard>) -> usize {
        self.put(overheard, |waiting| &mut waiting.overheard)
    }

    /// The same for what is heard over IPv6 of what is not for us.
    pub(crate) fn listen6(&self, heard: impl IntoIterator<Item = Listened6>) -> usize {
        self.put(heard, |waiting| &mut waiting.listened6)
    }

    /// Puts what was heard into a lane of its own, as far as there is room, and gives how many that were.
    fn put<T>(
        &self,
        heard: impl IntoIterator<Item = T>,
        lane: impl FnOnce(&mut Waiting) -> &mut VecDeque<T>,
    ) -> usize {
        let mut waiting = self.lock();
        if !waiting.open {
            return 0;
        }
        let lane = lane(&mut waiting);
        let before = lane.len();
        lane.extend(heard.into_iter().take(OVERHEARD_MAX.saturating_sub(before)));
        let taken = lane.len() - before;
        drop(waiting);
        self.filled.notify_one();
        taken
    }

    /// How many wait in each lane.
    pub(crate) fn waiting(&self) -> [usize; 2] {
        self.lock().lanes.each_ref().map(VecDeque::len)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Datagram;
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

    fn of_type(number: u8) -> Vec<u8> {
        [&[0; 240][..], &[53, 1, number, 255]].concat()
    }

    fn heard(bytes: Vec<u8>, from: u16) -> Heard {
        Heard::from(Datagram {
            link: "lan".to_owned(),
            from: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, from),
            to: Ipv4Addr::BROADCAST,
            port: 67,
            bytes,
        })
    }

    fn ports(batch: &[Request]) -> Vec<u16> {
        let port = |request: &Request| match request {
            Request::Datagram(heard, _) => heard.datagram.from.port(),
            _ => 0,
        };
        batch.iter().map(port).collect()
    }

    #[test]
    fn only_what_is_surely_no_discover_has_the_lane_of_the_known() {
        assert_eq!(Lane::of(&of_type(1)), Lane::Asking);
        for other in [3, 4, 7, 8, 13] {
            assert_eq!(Lane::of(&of_type(other)), Lane::Known);
        }
        assert_eq!(Lane::of(b"default send string"), Lane::Asking);
        assert_eq!(Lane::of(&[0; 300]), Lane::Asking, "BOOTP");
    }

    #[test]
    fn what_others_say_comes_after_what_machines_say_and_never_grows_without_end() {
        let limits = Limits { datagrams_max: 8, batch_max: 4, ..Limits::default() };
        let (door, mut inbox) = new(&limits);
        let (to, _replies) = mpsc::channel(1);
        let overheard = Overheard {
            link: "lan".to_owned(),
            from: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 66), 67),
            to: Ipv4Addr::BROADCAST,
            mac: HardwareAddress::mac([2, 0, 0, 0, 0, 66]),
            ours: None,
            bytes: Vec::new(),
        };
        door.ring.overhear(std::iter::repeat_n(overheard, OVERHEARD_MAX + 10));
        door.ring.push((0..4).map(|n| heard(of_type(1), n)), &to);
        let mut batch = Vec::new();
        inbox.take_now(&mut batch);
        let is_theirs = |request: &Request| matches!(request, Request::Overheard(_));
        assert!(!batch[..4].iter().any(is_theirs));
        assert_eq!(batch[4..].len(), OVERHEARD_AT_LEAST);
        let mut rest = 0;
        loop {
            batch.clear();
            inbox.take_now(&mut batch);
            if batch.is_empty() {
                break;
            }
            rest += batch.len();
        }
        assert_eq!(rest, OVERHEARD_MAX - OVERHEARD_AT_LEAST);
    }

    #[test]
    fn what_is_heard_over_ipv6_keeps_its_order_and_its_lane_has_a_limit() {
        let limits = Limits { datagrams_max: 8, batch_max: 4, ..Limits::default() };
        let (door, mut inbox) = new(&limits);
        let from = |port| SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0, 0);
        let heard = |port: u16| {
            let (link, bytes, from) = ("lan".to_owned(), vec![7], from(port));
            match port % 2 {
                0 => Listened6::Asked(Datagram6 { link, from, to: Ipv6Addr::LOCALHOST, bytes }),
                _ => {
                    let mac = HardwareAddress::mac([2; 6]);
                    let to = Ipv6Addr::LOCALHOST;
                    Listened6::Said(engine::Overheard6 { link, from, to, mac, bytes })
                }
            }
        };
        let most = u16::try_from(OVERHEARD_MAX).unwrap();
        assert_eq!(door.ring.listen6((0..most + 10).map(heard)), OVERHEARD_MAX);
        let mut ports = Vec::new();
        loop {
            let mut batch = Vec::new();
            inbox.take_now(&mut batch);
            if batch.is_empty() {
                break;
            }
            ports.extend(batch.iter().map(|request| match request {
                Request::Listened6(heard) => match &**heard {
                    Listened6::Asked(asked) => asked.from.port(),
                    Listened6::Said(said) => said.from.port(),
                    Listened6::Advertised(_) => panic!("no router was heard"),
                },
                _ => panic!("nothing else was heard"),
            }));
        }
        assert!(ports.is_sorted() && ports.len() == OVERHEARD_MAX, "{ports:?}");
    }

    #[test]
    fn a_flood_of_discovers_neither_drops_nor_delays_a_renewal() {
        let limits = Limits { datagrams_max: 4, batch_max: 4, ..Limits::default() };
        let (door, mut inbox) = new(&limits);
        let (to, _replies) = mpsc::channel(1);
        door.ring.push((0..4).map(|n| heard(of_type(1), n)), &to);
        door.ring.push([heard(of_type(3), 100)], &to);
        door.ring.push((4..8).map(|n| heard(of_type(1), n)), &to);

        let mut batch = Vec::new();
        inbox.take_now(&mut batch);
        assert_eq!(ports(&batch), [100, 4, 5, 6]);
        assert_eq!(door.ring.dropped.load(Ordering::Relaxed), 4, "the oldest of their own lane");

        // Nor the other way round.
        door.ring.push((101..105).map(|n| heard(of_type(3), n)), &to);
        batch.clear();
        inbox.take_now(&mut batch);
        assert_eq!(ports(&batch), [101, 102, 103, 7]);
    }
}
