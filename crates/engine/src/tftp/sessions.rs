//! The table of transfers: who is being served, and what another request from him means.
//!
//! In: requests and the addresses packets come from. Out: whether a request is new, a repeat or a
//! replacement, whose packet this is, and who has to go when there are too many. Never: a
//! transfer's own state; the driver keeps that under the [`SessionId`].

use super::transfer::LINGER_MS;
use model::Now;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use wire::tftp::{ErrorCode, Request};

/// A request seen again so soon after the client has begun to confirm blocks is a copy the network
/// made: a client that starts over waits for longer.
const LATE_COPY: Duration = Duration::from_secs(2);
/// ERROR 5 goes to one address at most this often,
const STRAY_PER_SOURCE: Duration = Duration::from_secs(1);
/// and to all together at most so many times in a second,
const STRAY_PER_SECOND: u32 = 20;
/// and so many addresses are remembered for it.
const STRAY_SOURCES_MAX: usize = 256;

/// A client that loads answers within this, even on a busy host; one that has not may have to go
/// for the next one.
const GRACE: Duration = Duration::from_millis(400);

/// One transfer in the table. Later ones have larger numbers; none is used twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(pub u64);

/// One of the ports that transfers share. A packet at another one is not the transfer's.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Door(pub u32);

/// Limits of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Caps {
    /// Transfers of one IP address that have not had an ACK. More for relays and NAT.
    pub half_open_per_source: usize,
    /// Transfers of all addresses that have not had an ACK.
    pub half_open: usize,
    /// Transfers of one IP address. More for relays and NAT.
    pub transfers_per_source: usize,
    /// Transfers in all.
    pub transfers: usize,
    /// Finished transfers whose late ACKs are swallowed.
    pub lingering: usize,
    /// A transfer that has not had an ACK by then does not count any more.
    pub half_open_s: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            half_open_per_source: 8,
            half_open: 1024,
            transfers_per_source: 64,
            transfers: 4096,
            lingering: 1024,
            half_open_s: 10,
        }
    }
}

/// What a read request means.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Opening {
    /// Start a transfer under this id.
    New {
        /// The new one.
        id: SessionId,
        /// The oldest one without an ACK; it had to go because there were too many. Drop it.
        evicted: Option<SessionId>,
    },
    /// The client has not seen our reply: [`super::Transfer::duplicate_request`].
    Duplicate(SessionId),
    /// A copy of the request that the network has delayed. Nothing to do.
    Late(SessionId),
    /// The client uses its port for something else now: drop `old`
    /// ([`super::Transfer::replaced`]) and start a transfer under `id`.
    Replace {
        /// The new one.
        id: SessionId,
        /// The one to drop.
        old: SessionId,
        /// As in [`Opening::New`].
        evicted: Option<SessionId>,
    },
    /// No room. Say nothing; the client asks again.
    Refused(Busy),
}

/// Why there is no room for a transfer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Busy {
    /// All places are taken.
    All {
        /// So many are running, all of them with clients that answer.
        transfers: usize,
    },
    /// All places of this address are.
    Source {
        /// Whose.
        source: IpAddr,
        /// So many are running, all of them with clients that answer.
        transfers: usize,
    },
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All { transfers } => {
                write!(f, "all {transfers} transfers are taken by clients that are loading")
            }
            Self::Source { source, transfers } => write!(
                f,
                "{source} is loading {transfers} files already, as many as one address may; \
                 behind NAT raise that limit"
            ),
        }
    }
}

/// Whose packet it is that arrived at the port of a transfer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Route {
    /// The client's: tell the transfer.
    Ours(SessionId),
    /// The client's, after the end: nothing to do.
    Finished,
    /// Somebody else's, or there is no such transfer (RFC 1350 §4): send these bytes back, if there
    /// are any, and leave the transfer alone.
    Stranger(Option<Vec<u8>>),
}

#[derive(Clone, Debug)]
struct Session {
    id: SessionId,
    request: Request,
    opened: Now,
    /// When the first ACK came.
    established: Option<Now>,
    door: Door,
}

/// What one address has.
#[derive(Clone, Debug, Default)]
struct Source {
    transfers: usize,
    /// Those without an ACK; ids are given out in order, so the first is the oldest.
    half_open: BTreeSet<SessionId>,
}

/// A finished transfer.
#[derive(Clone, Copy, Debug)]
struct Late {
    client: SocketAddr,
    door: Door,
    until: Now,
}

/// All transfers by the address and port of the client (its TID).
#[derive(Clone, Debug)]
pub struct Sessions {
    caps: Caps,
    last_id: u64,
    sessions: BTreeMap<SocketAddr, Session>,
    clients: BTreeMap<SessionId, SocketAddr>,
    /// Those without an ACK, by age.
    half_open: BTreeSet<SessionId>,
    sources: BTreeMap<IpAddr, Source>,
    /// Finished transfers, by age and by client.
    lingering: BTreeMap<SessionId, Late>,
    late: BTreeSet<(SocketAddr, Door, SessionId)>,
    strays: Strays,
}

impl Sessions {
    /// An empty table.
    #[must_use]
    pub const fn new(caps: Caps) -> Self {
        Self {
            caps,
            last_id: 0,
            sessions: BTreeMap::new(),
            clients: BTreeMap::new(),
            half_open: BTreeSet::new(),
            sources: BTreeMap::new(),
            lingering: BTreeMap::new(),
            late: BTreeSet::new(),
            strays: Strays::new(),
        }
    }

    /// Whether a read request repeats that of a running transfer, so that nobody need be asked.
    #[must_use]
    pub fn repeated(&self, now: Now, client: SocketAddr, request: &Request) -> Option<Opening> {
        self.repeat(now, self.sessions.get(&client)?, request)
    }

    /// A read request came to the well-known port.
    pub fn request(&mut self, now: Now, client: SocketAddr, request: &Request) -> Opening {
        let old = match self.sessions.get(&client) {
            Some(session) => match self.repeat(now, session, request) {
                Some(repeat) => return repeat,
                None => Some(session.id),
            },
            None => None,
        };
        if let Some(old) = old {
            self.forget(old);
        }
        let evicted = match self.make_room(now, client.ip()) {
            Ok(evicted) => evicted,
            Err(busy) => return Opening::Refused(busy),
        };
        let id = self.insert(now, client, request);
        match old {
            Some(old) => Opening::Replace { id, old, evicted },
            None => Opening::New { id, evicted },
        }
    }

    /// Whether a new request from this address is better kept until this moment, or until one of
    /// its transfers is confirmed or over: as many of them as may be are without an ACK, and the
    /// oldest has hardly had the time to send one. Fifty machines behind one address then come in
    /// one after the other, and none puts another out.
    #[must_use]
    pub fn crowded(&self, now: Now, source: IpAddr) -> Option<Now> {
        let own = &self.sources.get(&source)?.half_open;
        if own.len() < self.caps.half_open_per_source {
            return None;
        }
        let client = self.clients.get(own.first()?)?;
        let until = self.sessions.get(client)?.opened + GRACE;
        (now < until).then_some(until)
    }

    /// The request of a running transfer once more? Same file, mode and options: EDK2 asks for
    /// the size first and then without it, from the same port.
    fn repeat(&self, now: Now, session: &Session, request: &Request) -> Option<Opening> {
        if session.request != *request {
            return None;
        }
        match session.established {
            None if now.since(session.opened) < Duration::from_secs(self.caps.half_open_s) => {
                Some(Opening::Duplicate(session.id))
            }
            Some(since) if now.since(since) < LATE_COPY => Some(Opening::Late(session.id)),
            _ => None,
        }
    }

    /// A packet came to the port of transfer `id`.
    pub fn at_port(&mut self, now: Now, id: SessionId, from: SocketAddr) -> Route {
        if self.clients.get(&id) == Some(&from) {
            return Route::Ours(id);
        }
        if self.lingering.get(&id).is_some_and(|late| late.client == from) {
            return Route::Finished;
        }
        Route::Stranger(self.strays.answer(now, from))
    }

    /// A packet came to the one port all transfers share (single-port mode), or an ACK to the
    /// well-known port.
    pub fn at_shared_port(&mut self, now: Now, from: SocketAddr) -> Route {
        if let Some(session) = self.sessions.get(&from) {
            return Route::Ours(session.id);
        }
        let first = (from, Door(0), SessionId(0));
        if self.late.range(first..).next().is_some_and(|(client, ..)| *client == from) {
            return Route::Finished;
        }
        Route::Stranger(self.strays.answer(now, from))
    }

    /// A transfer goes out from one of the ports that transfers share.
    pub fn placed(&mut self, id: SessionId, door: Door) {
        let session = self.clients.get(&id).and_then(|client| self.sessions.get_mut(client));
        if let Some(session) = session {
            session.door = door;
        }
    }

    /// A packet came to one of the ports that transfers share. A client whose transfer goes out
    /// from another one is a stranger here.
    pub fn at_door(&mut self, now: Now, door: Door, from: SocketAddr) -> Route {
        if let Some(session) = self.sessions.get(&from).filter(|session| session.door == door) {
            return Route::Ours(session.id);
        }
        if self.was_at(door, from) {
            return Route::Finished;
        }
        Route::Stranger(self.strays.answer(now, from))
    }

    /// Whether a client has lately had a transfer at this port: its late packets may still come
    /// there, so the next one is better off at another.
    #[must_use]
    pub fn was_at(&self, door: Door, client: SocketAddr) -> bool {
        let own = (client, door, SessionId(0))..=(client, door, SessionId(u64::MAX));
        self.late.range(own).next().is_some()
    }

    /// The first ACK of a transfer came.
    pub fn established(&mut self, now: Now, id: SessionId) {
        let Some(client) = self.clients.get(&id) else { return };
        self.half_open.remove(&id);
        if let Some(source) = self.sources.get_mut(&client.ip()) {
            source.half_open.remove(&id);
        }
        if let Some(session) = self.sessions.get_mut(client) {
            session.established.get_or_insert(now);
        }
    }

    /// A transfer ended, well or not. Its client's late packets are swallowed for a while.
    pub fn finished(&mut self, now: Now, id: SessionId) {
        let Some((client, door)) = self.forget(id) else { return };
        let until = now + Duration::from_millis(LINGER_MS);
        self.lingering.insert(id, Late { client, door, until });
        self.late.insert((client, door, id));
        if self.lingering.len() > self.caps.lingering {
            self.forget_oldest_late();
        }
    }

    /// Forgets finished transfers whose time is over. To be called every now and then.
    pub fn tidy(&mut self, now: Now) {
        let over = |late: &Late| now >= late.until;
        let late = &mut self.late;
        self.lingering.retain(|id, one| {
            if over(one) {
                late.remove(&(one.client, one.door, *id));
            }
            !over(one)
        });
    }

    fn forget_oldest_late(&mut self) {
        if let Some((id, late)) = self.lingering.pop_first() {
            self.late.remove(&(late.client, late.door, id));
        }
    }

    /// Running transfers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether nothing is running.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Running transfers that have not had an ACK.
    #[must_use]
    pub fn half_open(&self) -> usize {
        self.half_open.len()
    }

    /// Drops the oldest transfer without an ACK, of this source or of all, if that is one too many.
    fn make_room(&mut self, now: Now, source: IpAddr) -> Result<Option<SessionId>, Busy> {
        let own = self.sources.get(&source);
        let (own_half_open, own_transfers, own_oldest) = own.map_or((0, 0, None), |own| {
            (own.half_open.len(), own.transfers, own.half_open.first().copied())
        });
        let transfers = self.sessions.len();
        let evicted = if own_half_open >= self.caps.half_open_per_source {
            own_oldest
        } else if own_transfers >= self.caps.transfers_per_source {
            let busy = Busy::Source { source, transfers: own_transfers };
            Some(own_oldest.ok_or(busy)?)
        } else if self.half_open.len() >= self.caps.half_open || transfers >= self.caps.transfers {
            self.half_open.first().copied()
        } else {
            None
        };
        if let Some(evicted) = evicted {
            // Not a word about it: a client that hears an ERROR gives up, one that hears nothing
            // asks again.
            self.finished(now, evicted);
        }
        if self.sessions.len() >= self.caps.transfers {
            return Err(Busy::All { transfers });
        }
        Ok(evicted)
    }

    fn insert(&mut self, now: Now, client: SocketAddr, request: &Request) -> SessionId {
        self.last_id += 1;
        let id = SessionId(self.last_id);
        let (request, door) = (request.clone(), Door::default());
        let session = Session { id, request, opened: now, established: None, door };
        self.sessions.insert(client, session);
        self.clients.insert(id, client);
        self.half_open.insert(id);
        let source = self.sources.entry(client.ip()).or_default();
        source.transfers += 1;
        source.half_open.insert(id);
        id
    }

    fn forget(&mut self, id: SessionId) -> Option<(SocketAddr, Door)> {
        let client = self.clients.remove(&id)?;
        let door = self.sessions.remove(&client).map(|session| session.door).unwrap_or_default();
        self.half_open.remove(&id);
        if let Some(source) = self.sources.get_mut(&client.ip()) {
            source.half_open.remove(&id);
            source.transfers = source.transfers.saturating_sub(1);
            if source.transfers == 0 {
                self.sources.remove(&client.ip());
            }
        }
        Some((client, door))
    }
}

/// Who got an ERROR 5 lately: it must not become a way to send many packets to somebody else.
#[derive(Clone, Debug)]
struct Strays {
    answered: BTreeMap<IpAddr, Now>,
    second: u64,
    in_second: u32,
}

impl Strays {
    const fn new() -> Self {
        Self { answered: BTreeMap::new(), second: 0, in_second: 0 }
    }

    fn answer(&mut self, now: Now, from: SocketAddr) -> Option<Vec<u8>> {
        if self.second != now.seconds() {
            self.second = now.seconds();
            self.in_second = 0;
            self.answered.retain(|_, last| now.since(*last) < STRAY_PER_SOURCE);
        }
        let recent = self.answered.get(&from.ip());
        let too_soon = recent.is_some_and(|last| now.since(*last) < STRAY_PER_SOURCE);
        let full = self.answered.len() >= STRAY_SOURCES_MAX;
        if too_soon || full || self.in_second >= STRAY_PER_SECOND {
            return None;
        }
        self.in_second += 1;
        self.answered.insert(from.ip(), now);
        Some(wire::tftp::error(ErrorCode::UnknownTransfer, "Unknown transfer ID"))
    }
}
