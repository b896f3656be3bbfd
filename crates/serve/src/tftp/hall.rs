//! The thread: it waits for its sockets, the bell and the next moment, and does what is to be done.
//!
//! In: what the kernel says is ready. Out: work for `core`, in passes. Never: another wait; the end
//! of the service because of one transfer's bug.

use super::Opened;
use super::ask::Desk;
use super::burst::Burst;
use super::carry::Tools;
use super::core::Core;
use super::ports::Port;
use super::word::Word;
use crate::Limits;
use crate::bell::{Bell, Order};
use crate::board::Board;
use crate::gate::{Gate, Shared};
use crate::owner::{Bytes, Owner};
use crate::sys::udp::{self, Letters, Probes};
use engine::tftp::{Caps, Sessions};
use model::Now;
use model::event::{Carrier, Cut};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The largest request and a byte more, so that a longer one is seen as such.
const LETTER_BYTES: usize = wire::tftp::REQUEST_BYTES_MAX + 1;
/// What is ready in one pass; the rest is ready in the next.
const EVENTS: usize = 64;
/// Calls for datagrams at one port in one pass.
const CALLS_PER_PORT: usize = 4;
/// Requests taken in one call.
const LETTERS_AT_FRONT: usize = 8;
/// How often what is over is forgotten, and the longest wait.
const TIDY: Duration = Duration::from_secs(1);
/// The longest wait for the last lookup to end.
const CLOSING_WAIT: Duration = Duration::from_millis(20);
/// After a panic that no transfer was the cause of.
const PANIC_PAUSE: Duration = Duration::from_millis(10);
/// While one port alone has something, it is waited for at that port and not at all of them, which
/// spares a call of the system for each block; so long at most, then all are looked at.
pub(super) const FOCUS: Duration = Duration::from_millis(2);
/// A client that answers within this is worth watching for instead of falling asleep: to fall asleep
/// and be woken takes about as long. One that is farther away is not, and costs nothing.
const NEAR: Duration = Duration::from_micros(60);
/// So many passes in a row make a port the only one.
const FOCUS_FROM: u32 = 8;
/// The bell among the numbers of the ports.
const BELL: u64 = u64::MAX;

/// Everything that can fail, before the thread runs.
pub(super) struct Opening<O: Owner, B: Bytes> {
    desk: Desk<O, B>,
    board: Board,
    rates: Shared,
    epoll: Epoll,
    ports: Vec<Port>,
    probes: Probes,
    limits: Limits,
}

impl<O: Owner, B: Bytes> Opening<O, B> {
    pub(super) fn new(
        desk: Desk<O, B>,
        (board, rates): (Board, Shared),
        sockets: Vec<Opened>,
        limits: &Limits,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&*desk.post.bell, EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        let mut ports = Vec::new();
        for Opened { place, front, backs } in sockets {
            let place = Arc::new(place);
            let at = ports.len();
            let doors = if backs.is_empty() { at..at + 1 } else { at + 1..at + 1 + backs.len() };
            ports.push(Port::front(front, Arc::clone(&place), doors));
            ports.extend(backs.into_iter().map(|back| Port::back(back, Arc::clone(&place))));
        }
        for (index, port) in ports.iter().enumerate() {
            epoll.add(&port.socket, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        }
        let probes = Probes::new()?;
        Ok(Self { desk, board, rates, epoll, ports, probes, limits: *limits })
    }

    /// Serves until told to end.
    pub(super) fn run(self) {
        let now = self.desk.owner.now();
        let caps: Caps = self.limits.tftp;
        let scratch = vec![0; udp::DATAGRAM_BYTES_MAX];
        let board = self.board.clone();
        let gate = Gate::new(self.rates, self.limits.turns, board, Carrier::Tftp);
        let core = Core {
            desk: self.desk,
            board: self.board,
            epoll: self.epoll,
            ports: self.ports,
            sessions: Sessions::new(caps),
            carries: HashMap::new(),
            clients: HashMap::new(),
            moments: BTreeSet::new(),
            ready: VecDeque::new(),
            waiting: VecDeque::new(),
            look_at_waiting: None,
            tools: Tools { gate, burst: Burst::default(), scratch },
            probes: self.probes,
            now,
            turn_of: None,
            refused_told: None,
            refused_untold: 0,
        };
        let bell = Arc::clone(&core.desk.post.bell);
        let (letters, limits) = (Letters::new(LETTER_BYTES), self.limits);
        let focus = Focus {
            port: 0,
            passes: 0,
            looked: now,
            near: false,
            small_window: false,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        };
        Hall { core, bell, letters, limits, tidied: now, focus }.run();
    }
}

struct Hall<O: Owner, B: Bytes> {
    core: Core<O, B>,
    bell: Arc<Bell>,
    letters: Letters,
    limits: Limits,
    tidied: Now,
    focus: Focus,
}

/// The port that alone had something in the last passes.
struct Focus {
    port: usize,
    passes: u32,
    /// When all were looked at.
    looked: Now,
    /// Its client answered last time before one could have fallen asleep.
    near: bool,
    /// Its windows are so small that falling asleep between them takes most of the time.
    small_window: bool,
    cores: usize,
}

impl Focus {
    fn note(&mut self, only: Option<usize>) {
        match only {
            Some(port) if port == self.port => self.passes = self.passes.saturating_add(1),
            Some(port) => (self.port, self.passes) = (port, 1),
            None => self.passes = 0,
        }
    }
}

impl<O: Owner, B: Bytes> Hall<O, B> {
    fn run(mut self) {
        while !self.is_over() {
            if catch_unwind(AssertUnwindSafe(|| self.pass())).is_err() {
                self.after_panic();
            }
        }
        let clients: Vec<_> = self.core.carries.keys().copied().collect();
        for client in clients {
            if let Some(carry) = self.core.take_out(client)
                && carry.meter.is_some()
            {
                carry.fail(&self.core.desk.owner, "the server stops".to_owned(), Cut::Other);
            }
        }
    }

    fn is_over(&self) -> bool {
        let idle = || self.core.carries.is_empty() && self.core.desk.is_idle();
        match self.bell.ordered() {
            Order::Serve => false,
            Order::Close => idle(),
            Order::Stop => true,
        }
    }

    /// Waits once, and does all there is to be done.
    fn pass(&mut self) {
        if self.is_focused() {
            self.wait_at_one();
        } else {
            self.wait_at_all();
        }
        self.core.let_in();
        self.core.ring_moments();
        self.core.serve_ready();
        for client in self.core.tools.gate.pass(self.core.now) {
            self.core.wake(client);
        }
        if self.core.now.since(self.tidied) >= TIDY {
            self.tidied = self.core.now;
            self.tidy();
        }
    }

    /// Whether waiting at one port does as well as waiting at all of them.
    fn is_focused(&self) -> bool {
        let Self { core, focus, .. } = self;
        let soon = core.now + FOCUS + FOCUS;
        focus.passes >= FOCUS_FROM
            && core.now.since(focus.looked) < FOCUS
            && core.ready.is_empty()
            && core.waiting.is_empty()
            && core.moments.first().is_none_or(|(moment, _)| *moment > soon)
    }

    fn wait_at_one(&mut self) {
        let Self { core, letters, focus, .. } = self;
        let Some(at) = core.ports.get(focus.port) else { return focus.note(None) };
        let began = Instant::now();
        let mut taken = 0;
        if focus.near && focus.small_window {
            while taken == 0 && began.elapsed() < NEAR {
                taken = letters.take(&at.socket, 1).unwrap_or(0);
                std::hint::spin_loop();
            }
        }
        if taken == 0 {
            taken = letters.wait_for_one(&at.socket);
        }
        focus.near = focus.cores > 1 && taken > 0 && began.elapsed() < NEAR;
        core.now = core.desk.owner.now();
        for (from, bytes) in letters.each() {
            core.hear(focus.port, from, bytes);
        }
        if taken == 0 {
            focus.note(None);
        }
    }

    fn wait_at_all(&mut self) {
        let mut events = [EpollEvent::empty(); EVENTS];
        let ready = match self.core.epoll.wait(&mut events, self.timeout()) {
            Ok(ready) => ready,
            Err(Errno::EINTR) => 0,
            // Nothing else can happen to an epoll of ours; if it does, not in a tight circle.
            Err(_) => {
                std::thread::sleep(PANIC_PAUSE);
                0
            }
        };
        self.core.now = self.core.desk.owner.now();
        self.focus.looked = self.core.now;
        if ready != 1 {
            self.focus.note(None);
        }
        for event in events.iter().take(ready) {
            if event.data() == BELL {
                self.focus.note(None);
                self.bell.heard();
                self.read_post();
                continue;
            }
            let port = usize::try_from(event.data()).unwrap_or(usize::MAX);
            if event.events().contains(EpollFlags::EPOLLOUT) {
                self.core.has_room(port);
            }
            if ready == 1 {
                let one = self.core.ports.get(port).is_some_and(|port| port.transfers == 1);
                self.focus.note(one.then_some(port));
            }
            self.receive(port);
            if ready == 1 {
                let one = self.core.ports.get(port).is_some_and(|port| port.transfers == 1);
                self.focus.small_window = one && self.core.has_small_window(port);
            }
        }
    }

    fn timeout(&self) -> EpollTimeout {
        if !self.core.ready.is_empty() {
            return EpollTimeout::ZERO;
        }
        let now = self.core.now;
        let next = self.core.moments.first().map_or(TIDY, |(moment, _)| moment.since(now));
        let look = self.core.look_at_waiting.filter(|_| !self.core.waiting.is_empty());
        let next = look.map_or(next, |look| next.min(look.since(now)));
        let most = match self.bell.ordered() {
            Order::Serve => TIDY,
            Order::Close | Order::Stop => CLOSING_WAIT,
        };
        u16::try_from(next.min(most).as_millis()).unwrap_or(u16::MAX).into()
    }

    fn read_post(&mut self) {
        let mut words = Vec::new();
        self.core.desk.post.collect(&mut words);
        for word in words {
            match word {
                Word::Asked(lookup, answered) => self.core.answered(lookup, answered),
                Word::Read { client, id, offset, bytes } => {
                    if let Some(carry) = self.core.carries.get_mut(&client)
                        && carry.id == id
                    {
                        carry.fetched(offset, bytes);
                        self.core.wake(client);
                    }
                }
            }
        }
    }

    fn receive(&mut self, port: usize) {
        let Self { core, letters, .. } = self;
        for _ in 0..CALLS_PER_PORT {
            let Some(at) = core.ports.get(port) else { return };
            // Each client of ours sends one ACK and waits; requests come from anybody.
            let wanted = if at.front { LETTERS_AT_FRONT } else { at.transfers };
            // An error is about something sent earlier, or the interface went away.
            let taken = letters.take(&at.socket, wanted).unwrap_or(0);
            for (from, bytes) in letters.each() {
                core.hear(port, from, bytes);
            }
            // One alone: if there are more after all, the port is still ready in the next pass.
            if taken < wanted || wanted <= 1 {
                return;
            }
        }
    }

    fn tidy(&mut self) {
        let Self { core, limits, .. } = self;
        core.sessions.tidy(core.now);
        core.desk.shelf.tidy(core.now);
        // One at a time, so that this stays short.
        let fresh =
            core.ports.iter().enumerate().find_map(|(index, port)| {
                port.renewed(core.now, limits).map(|fresh| (index, fresh))
            });
        if let Some((index, fresh)) = fresh
            && let Some(port) = core.ports.get_mut(index)
        {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
            if core.epoll.add(&fresh, event).is_ok() {
                let _ = core.epoll.delete(&port.socket);
                *port = Port::back(fresh, Arc::clone(&port.place));
            }
        }
    }

    /// Somewhere in the pass there was a bug. The transfer whose turn it was goes.
    fn after_panic(&mut self) {
        self.core.desk.counters.panics.one();
        match self.core.turn_of.take() {
            Some(client) => {
                if let Some(carry) = self.core.take_out(client) {
                    self.core.sessions.finished(self.core.now, carry.id);
                    let why = "an error in the server; please report it, with its log";
                    carry.fail(&self.core.desk.owner, why.to_owned(), Cut::Other);
                }
            }
            None => std::thread::sleep(PANIC_PAUSE),
        }
    }
}
