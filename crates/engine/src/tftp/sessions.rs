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

/// One transfer in the table. Later ones have larger numbers; none is used twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(pub u64);

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
pub struct Busy {
    /// So many are running, all of them with clients that answer.
    pub transfers: usize,
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {} transfers are taken by clients that are loading", self.transfers)
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
}

/// All transfers by the address and port of the client (its TID).
#[derive(Clone, Debug)]
pub struct Sessions {
    caps: Caps,
    last_id: u64,
    sessions: BTreeMap<SocketAddr, Session>,
    clients: BTreeMap<SessionId, SocketAddr>,
    /// Those without an ACK, by age and by address and age: ids are given out in order.
    half_open: BTreeSet<SessionId>,
    half_open_by_source: BTreeSet<(IpAddr, SessionId)>,
    /// The clients of finished transfers, and when to forget them.
    lingering: BTreeMap<SessionId, (SocketAddr, Now)>,
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
            half_open_by_source: BTreeSet::new(),
            lingering: BTreeMap::new(),
            strays: Strays::new(),
        }
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
        let evicted = self.make_room(client.ip());
        if self.sessions.len() >= self.caps.transfers {
            return Opening::Refused(Busy { transfers: self.sessions.len() });
        }
        let id = self.insert(now, client, request);
        match old {
            Some(old) => Opening::Replace { id, old, evicted },
            None => Opening::New { id, evicted },
        }
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
        if self.lingering.get(&id).is_some_and(|(client, _)| *client == from) {
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
        if self.lingering.values().any(|(client, _)| *client == from) {
            return Route::Finished;
        }
        Route::Stranger(self.strays.answer(now, from))
    }

    /// The first ACK of a transfer came.
    pub fn established(&mut self, now: Now, id: SessionId) {
        let Some(client) = self.clients.get(&id) else { return };
        self.half_open.remove(&id);
        self.half_open_by_source.remove(&(client.ip(), id));
        if let Some(session) = self.sessions.get_mut(client) {
            session.established.get_or_insert(now);
        }
    }

    /// A transfer ended, well or not. Its client's late packets are swallowed for a while.
    pub fn finished(&mut self, now: Now, id: SessionId) {
        let Some(client) = self.forget(id) else { return };
        self.lingering.insert(id, (client, now + Duration::from_millis(LINGER_MS)));
        if self.lingering.len() > self.caps.lingering {
            self.lingering.pop_first();
        }
    }

    /// Forgets finished transfers whose time is over. To be called every now and then.
    pub fn tidy(&mut self, now: Now) {
        self.lingering.retain(|_, (_, until)| now < *until);
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
    fn make_room(&mut self, source: IpAddr) -> Option<SessionId> {
        let own = || (source, SessionId(0))..=(source, SessionId(u64::MAX));
        let oldest =
            if self.half_open_by_source.range(own()).count() >= self.caps.half_open_per_source {
                self.half_open_by_source.range(own()).next().map(|(_, id)| *id)
            } else if self.half_open.len() >= self.caps.half_open
                || self.sessions.len() >= self.caps.transfers
            {
                self.half_open.first().copied()
            } else {
                None
            }?;
        self.forget(oldest);
        Some(oldest)
    }

    fn insert(&mut self, now: Now, client: SocketAddr, request: &Request) -> SessionId {
        self.last_id += 1;
        let id = SessionId(self.last_id);
        let session = Session { id, request: request.clone(), opened: now, established: None };
        self.sessions.insert(client, session);
        self.clients.insert(id, client);
        self.half_open.insert(id);
        self.half_open_by_source.insert((client.ip(), id));
        id
    }

    fn forget(&mut self, id: SessionId) -> Option<SocketAddr> {
        let client = self.clients.remove(&id)?;
        self.sessions.remove(&client);
        self.half_open.remove(&id);
        self.half_open_by_source.remove(&(client.ip(), id));
        Some(client)
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
