//! Names: DNS on port 53 of our address in each network where it is served, of either family.
//!
//! ```text
//! owner.name_facts ─ when they changed ─▶ engine::names::Names (a copy, replaced as a whole)
//! UDP datagram ─ served subnet? ─ wire::dns ─ pace ─ Names::answer ─▶ bytes
//! TCP message ── served subnet? ─ wire::dns ──────── Names::answer ─▶ bytes
//!                                                          └─ of others ─ forward ─▶ bytes
//! ```
//!
//! In: questions. Out: what `engine::names` says, as bytes. Never: a word to somebody outside the served
//! subnets, an answer to what is no question, a wait for the owner while somebody asks.

mod book;
mod forward;
mod publish;
mod refused;
mod tcp;
mod udp;

use crate::count::Counters;
use crate::owner::Owner;
use book::Book;
use engine::names::Rules;
use forward::Forwarder;
pub use forward::Upstream;
use model::network::Mode;
use model::{Network, Network6};
pub use publish::Publish;
pub(crate) use publish::Publisher;
use refused::Refusals;
pub use refused::Refused;
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::task::JoinSet;

/// Where names are asked for.
pub(crate) const PORT: u16 = 53;

/// How names are answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dns {
    /// Where, and who else is asked.
    pub rules: Rules,
    /// Answers over UDP in a second, for each /24 and /56.
    pub per_second: u32,
}

/// [`Dns::per_second`], unless somebody says otherwise: some hundred machines that all install ask for
/// less, and it is a thousandth of what a reflector is abused for.
pub const ANSWERS_PER_SECOND: u32 = 1000;

/// The sockets of one network, before anything runs.
pub(crate) struct Opened {
    udp: Socket,
    tcp: Socket,
}

impl Opened {
    /// # Errors
    ///
    /// When the UDP port cannot be had.
    pub(crate) fn new(address: IpAddr, tcp: Socket) -> io::Result<Self> {
        let at = SocketAddr::new(address, PORT);
        let udp = Socket::new(Domain::for_address(at), Type::DGRAM, None)?;
        if at.is_ipv6() {
            udp.set_only_v6(true)?;
        }
        udp.bind(&at.into())?;
        crate::sys::udp::widen(&udp)?;
        crate::sys::udp::patience(&udp, Duration::from_millis(100))?;
        Ok(Self { udp, tcp })
    }
}

/// Our addresses at which names are answered, with the interface each is on.
pub(crate) fn places<'a>(
    dns: &Dns,
    networks: &[&'a Network],
    networks6: &'a [Network6],
) -> Vec<(&'a str, IpAddr)> {
    let v4 = networks.iter().filter(|n| !matches!(n.mode, Mode::Off | Mode::Listen));
    let v4 = v4.map(|n| (n.interface.as_str(), n.server.into()));
    let v6 = networks6.iter().filter(|n| !n.only_listens());
    let all = v4.chain(v6.map(|n| (n.interface.as_str(), n.server.into())));
    let mut seen = BTreeSet::new();
    let on = all.filter(|(link, _)| dns.rules.interfaces.iter().any(|name| name == link));
    on.filter(|(_, address)| seen.insert(*address)).collect()
}

/// What runs. Dropping it ends it.
pub(crate) struct Service {
    closing: Arc<AtomicBool>,
    /// Names as they are now.
    pub(crate) book: Book,
    /// Whoever asks others.
    pub(crate) forwarder: Forwarder,
    /// What was refused lately.
    pub(crate) refusals: Refusals,
    tasks: JoinSet<()>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dns::Service")
    }
}

impl Service {
    /// Starts a thread for each UDP socket, and tasks for everything else. To be called inside a Tokio
    /// runtime.
    ///
    /// # Errors
    ///
    /// When a thread or a listener cannot be had.
    pub(crate) fn start<O: Owner>(
        owner: &O,
        opened: Vec<Opened>,
        dns: Dns,
        counters: &Arc<Counters>,
    ) -> io::Result<Self> {
        let Dns { rules, per_second } = dns;
        let book = Book::new(rules.clone());
        let forwarder = Forwarder::new(&rules, book.clone(), Arc::clone(counters))?;
        let refusals = Refusals::default();
        let runtime = tokio::runtime::Handle::current();
        let closing = Arc::new(AtomicBool::new(false));
        let (mut tasks, mut threads) = (JoinSet::new(), Vec::new());
        tasks.spawn(book.clone().keep_fresh(owner.clone()));
        tasks.spawn(forwarder.clone().keep_looking(owner.clone()));
        for Opened { udp, tcp } in opened {
            let desk = udp::Desk {
                owner: owner.clone(),
                socket: Arc::new(udp),
                forwarder: forwarder.clone(),
                runtime: runtime.clone(),
                book: book.clone(),
                refusals: refusals.clone(),
                counters: Arc::clone(counters),
                closing: Arc::clone(&closing),
            };
            let thread = std::thread::Builder::new().name("dns".to_owned());
            threads.push(thread.spawn(move || desk.run(per_second))?);
            let listener = tokio::net::TcpListener::from_std(tcp.into())?;
            let desk = tcp::Desk {
                owner: owner.clone(),
                book: book.clone(),
                forwarder: forwarder.clone(),
                refusals: refusals.clone(),
                counters: Arc::clone(counters),
            };
            tasks.spawn(tcp::listen(listener, Arc::new(desk)));
        }
        Ok(Self { closing, book, forwarder, refusals, tasks, threads })
    }
}

impl Service {
    /// Ends all of it. When this returns the ports are free, for whoever opens them anew.
    pub(crate) async fn stop(mut self) {
        self.closing.store(true, Ordering::Release);
        self.tasks.shutdown().await;
        let threads = std::mem::take(&mut self.threads);
        let join = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        // A panic of a thread was counted when it happened.
        let _ = tokio::task::spawn_blocking(join).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
    }
}
