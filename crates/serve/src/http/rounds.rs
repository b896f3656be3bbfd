//! The thread of a port: it waits until something happens, and gives each connection its turn.
//!
//! In: what epoll, the post and the clock say. Out: turns. Never: a wait for anything else, or work
//! that grows with the number of connections for a single event. (Sweeps, twice a second, may.)

use super::connection::{Connection, Desk, Next, Overdue};
use super::post::Letter;
use super::room::{Place, Room};
use super::slab::{Slab, Token};
use super::tls::TlsKeys;
use super::transport::Transport;
use crate::bell::{Bell, Order};
use crate::owner::{Bytes, Owner, repeated};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::Socket;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How often connections are looked at.
const SWEEP: Duration = Duration::from_millis(500);
/// Events that are taken at once.
const EVENTS_MAX: usize = 256;
/// Connections that are taken at once.
const ACCEPTS_MAX: usize = 64;
/// Out of descriptors: how long nobody is let in.
const SHUT: Duration = Duration::from_millis(20);

const BELL: u64 = u64::MAX;
/// Doors have the numbers below the bell's.
const DOOR: u64 = u64::MAX - 1;

const STOPS: &str = "the server stops";
const FAILED: &str = "the server failed at it: please report this";

/// A listening socket.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) socket: Socket,
    pub(super) link: Arc<str>,
}

/// What can fail, before the thread runs.
#[derive(Debug)]
pub(super) struct Watching {
    epoll: Epoll,
    doors: Vec<Door>,
    bell: Arc<Bell>,
}

impl Watching {
    pub(super) fn new(doors: Vec<Door>, bell: Arc<Bell>) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&*bell, EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        for (door, number) in doors.iter().zip(0..) {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, DOOR - number);
            epoll.add(&door.socket, event)?;
        }
        Ok(Self { epoll, doors, bell })
    }
}

/// All connections of a port, and whose turn it is.
pub(super) struct Rounds<O: Owner, B: Bytes> {
    desk: Desk<O, B>,
    connections: Slab<Box<Connection<O, B::Blob>>>,
    room: Room,
    watching: Watching,
    keys: Option<Arc<TlsKeys>>,
    /// Who is to have another turn.
    again: VecDeque<Token>,
    /// Who is to have one at a certain time.
    timers: BinaryHeap<Reverse<(Instant, Token)>>,
    letters: Vec<Letter<B::Blob>>,
    sweep: Instant,
    shut: Option<Instant>,
    /// The second of the date.
    second: u64,
}

impl<O: Owner, B: Bytes> Rounds<O, B> {
    pub(super) fn new(desk: Desk<O, B>, watching: Watching, keys: Option<Arc<TlsKeys>>) -> Self {
        let (room, now) = (Room::new(&desk.limits), Instant::now());
        Self {
            desk,
            connections: Slab::new(),
            room,
            watching,
            keys,
            again: VecDeque::new(),
            timers: BinaryHeap::new(),
            letters: Vec::new(),
            sweep: now + SWEEP,
            shut: None,
            second: 0,
        }
    }

    /// Until it is told to stop, or to close and everybody has left.
    pub(super) fn run(mut self) {
        let mut events = [EpollEvent::empty(); EVENTS_MAX];
        loop {
            match self.watching.bell.ordered() {
                Order::Serve => {}
                Order::Close if self.desk.closing => {}
                Order::Close => self.close(),
                Order::Stop => return self.stop(),
            }
            if self.desk.closing && self.connections.len() == 0 {
                return;
            }
            // Interrupted is as good as nothing.
            let count = self.watching.epoll.wait(&mut events, self.patience()).unwrap_or(0);
            self.look_at_clock();
            for event in events.iter().take(count) {
                self.event(event);
            }
            self.due();
            self.repeat();
            self.pass();
            if self.desk.now >= self.sweep {
                self.sweep();
            }
        }
    }

    /// How long nothing can be due.
    fn patience(&self) -> EpollTimeout {
        if !self.again.is_empty() {
            return EpollTimeout::ZERO;
        }
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let sweep = (self.connections.len() > 0).then_some(self.sweep);
        let Some(next) = [timer, sweep, self.shut].into_iter().flatten().min() else {
            return EpollTimeout::NONE;
        };
        let wait = next.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000);
        EpollTimeout::from(u16::try_from(wait).unwrap_or(u16::MAX))
    }

    fn look_at_clock(&mut self) {
        self.desk.now = Instant::now();
        let wall = SystemTime::now();
        let second = wall.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if second != self.second {
            self.second = second;
            self.desk.date = httpdate::fmt_http_date(wall);
        }
        if self.shut.is_some_and(|until| until <= self.desk.now) {
            self.shut = None;
            self.attend(EpollFlags::EPOLLIN);
        }
    }

    fn event(&mut self, event: &EpollEvent) {
        match event.data() {
            BELL => {
                self.watching.bell.heard();
                self.read_letters();
            }
            door if door > DOOR - self.watching.doors.len() as u64 => {
                self.accept(usize::try_from(DOOR - door).unwrap_or(usize::MAX));
            }
            token => {
                let flags = event.events();
                let hung_up = EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
                let dead = flags.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
                let ready =
                    (flags.contains(EpollFlags::EPOLLIN), flags.contains(EpollFlags::EPOLLOUT));
                self.turn(token.into(), |connection, desk| {
                    connection.stirred(ready, flags.intersects(hung_up), dead);
                    if connection.queued { Next::Wait } else { connection.turn(desk) }
                });
            }
        }
    }

    /// One connection's turn. Should it panic, that is counted, and costs this connection alone.
    fn turn(
        &mut self,
        token: Token,
        work: impl FnOnce(&mut Connection<O, B::Blob>, &mut Desk<O, B>) -> Next,
    ) {
        let Some(mut connection) = self.connections.take(token) else { return };
        let rest = connection.resting();
        let desk = &mut self.desk;
        let next = catch_unwind(AssertUnwindSafe(|| work(&mut connection, desk)));
        let next = next.unwrap_or_else(|_| {
            self.desk.counters.panics.one();
            Next::Gone(FAILED)
        });
        match next {
            Next::Gone(why) => return self.end(token, *connection, why),
            Next::Again if !connection.queued => {
                connection.queued = true;
                self.again.push_back(token);
            }
            Next::Again | Next::Wait => {}
        }
        // Who has a turn coming anyway is asked again after it.
        if let Some(wake) = connection.wake
            && !connection.queued
            && connection.alarm.is_none_or(|alarm| wake < alarm)
        {
            connection.alarm = Some(wake);
            self.timers.push(Reverse((wake, token)));
        }
        let (peer, now_rests) = (connection.peer.ip(), connection.resting());
        self.connections.put(token, connection);
        if let Some(number) = now_rests
            && now_rests != rest
        {
            let connections = &self.connections;
            self.room.idle(token, peer, number, |token, number| {
                connections.get(token).and_then(|c| c.resting()) == Some(number)
            });
        }
    }

    fn end(&mut self, token: Token, connection: Connection<O, B::Blob>, why: &'static str) {
        self.connections.free(token);
        self.room.leave(connection.peer.ip());
        let desk = &self.desk;
        if catch_unwind(AssertUnwindSafe(|| connection.gone(desk, why))).is_err() {
            self.desk.counters.panics.one();
        }
    }

    fn cut(&mut self, token: Token, why: &'static str) {
        if let Some(connection) = self.connections.take(token) {
            self.end(token, *connection, why);
        }
    }

    fn read_letters(&mut self) {
        let mut letters = std::mem::take(&mut self.letters);
        self.desk.post.collect(&mut letters);
        for letter in letters.drain(..) {
            match letter {
                Letter::Answer { to, .. } => {
                    self.turn(to, |connection, desk| connection.letter(desk, letter));
                }
                Letter::Piece { key, piece, read } => {
                    for waiting in self.desk.warm.done(key, piece) {
                        let read = read.as_ref().map_err(repeated).copied();
                        let letter = Letter::Piece { key, piece, read };
                        self.turn(waiting, |connection, desk| connection.letter(desk, letter));
                    }
                }
            }
        }
        self.letters = letters;
    }

    fn accept(&mut self, door: usize) {
        for _ in 0..ACCEPTS_MAX {
            let Some(door) = self.watching.doors.get(door) else { return };
            match door.socket.accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) {
                Ok((socket, peer)) => {
                    let link = Arc::clone(&door.link);
                    if let Some(peer) = peer.as_socket() {
                        self.enter(socket, peer, link);
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                // The peer was gone before we looked, or a packet came that made no connection.
                Err(e) if is_of_the_peer(&e) => {}
                Err(_) => {
                    self.attend(EpollFlags::empty());
                    self.shut = Some(self.desk.now + SHUT);
                    return;
                }
            }
        }
    }

    /// Whether to hear of those who want to come in.
    fn attend(&self, flags: EpollFlags) {
        for (door, number) in self.watching.doors.iter().zip(0..) {
            let mut event = EpollEvent::new(flags, DOOR - number);
            // It fails only for a socket that was never added.
            let _ = self.watching.epoll.modify(&door.socket, &mut event);
        }
    }

    fn enter(&mut self, socket: Socket, peer: SocketAddr, link: Arc<str>) {
        let connections = &self.connections;
        let place = self.room.place(peer.ip(), |token, number| {
            connections.get(token).and_then(|c| c.resting()) == Some(number)
        });
        match place {
            Place::Free => {}
            Place::After(idle) => self.cut(idle, "it was idle"),
            Place::None => return self.desk.counters.http_connections_refused.one(),
        }
        let Some(at) = socket.local_addr().ok().and_then(|at| at.as_socket()) else { return };
        let token = self.connections.reserve();
        // Told once of every change: a transfer does not have to say what it waits for.
        let flags = EpollFlags::EPOLLIN
            | EpollFlags::EPOLLOUT
            | EpollFlags::EPOLLRDHUP
            | EpollFlags::EPOLLET;
        if self.watching.epoll.add(&socket, EpollEvent::new(flags, token.into())).is_err() {
            return self.connections.free(token);
        }
        let wire = Transport::new(socket, self.keys.as_ref());
        let connection = Connection::new(token, (peer, at), link, wire, self.desk.now);
        self.connections.put(token, Box::new(connection));
        self.room.enter(peer.ip());
        self.turn(token, |connection, desk| connection.turn(desk));
    }

    /// Turns that were fixed for a time.
    fn due(&mut self) {
        while let Some(Reverse((at, token))) = self.timers.peek().copied() {
            if at > self.desk.now {
                return;
            }
            self.timers.pop();
            self.turn(token, |connection, desk| {
                if connection.alarm == Some(at) {
                    connection.alarm = None;
                }
                if connection.queued { Next::Wait } else { connection.turn(desk) }
            });
        }
    }

    /// Second turns, one for everybody who has something to do.
    fn repeat(&mut self) {
        for _ in 0..self.again.len() {
            let Some(token) = self.again.pop_front() else { return };
            self.turn(token, |connection, desk| {
                connection.queued = false;
                connection.turn(desk)
            });
        }
    }

    /// Those whose turn it is now at the gate go on.
    fn pass(&mut self) {
        for token in self.desk.gate.pass(self.desk.owner.now()) {
            self.turn(
                token,
                |connection, desk| {
                    if connection.queued { Next::Wait } else { connection.turn(desk) }
                },
            );
        }
    }

    fn sweep(&mut self) {
        let (limits, now) = (self.desk.limits, self.desk.now);
        self.sweep = now + SWEEP;
        let each = self.connections.each();
        let over: Vec<(Token, Overdue)> = each
            .filter_map(|(token, connection)| Some((token, connection.sweep(&limits, now)?)))
            .collect();
        for (token, overdue) in over {
            match overdue {
                Overdue::Cut(why) => {
                    self.desk.counters.http_connections_cut.one();
                    self.cut(token, why);
                }
                Overdue::Closed => self.cut(token, super::connection::CLOSED),
            }
        }
        if self.desk.closing {
            self.send_home();
        }
    }

    /// No more connections and no more requests.
    fn close(&mut self) {
        self.desk.closing = true;
        self.shut = None;
        self.watching.doors.clear();
        self.send_home();
    }

    /// Who has nothing to do may go.
    fn send_home(&mut self) {
        let leaving: Vec<Token> =
            self.connections.each().filter(|(_, c)| c.may_go()).map(|(token, _)| token).collect();
        for token in leaving {
            self.cut(token, STOPS);
        }
    }

    fn stop(mut self) {
        let all: Vec<Token> = self.connections.each().map(|(token, _)| token).collect();
        for token in all {
            self.cut(token, STOPS);
        }
    }
}

/// accept(2): errors that are already pending on the new connection are reported as its own.
fn is_of_the_peer(error: &io::Error) -> bool {
    let kind = error.kind();
    matches!(kind, io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
        || matches!(
            error.raw_os_error(),
            Some(libc::EPROTO | libc::ENETDOWN | libc::EHOSTUNREACH | libc::ENETUNREACH)
        )
}
