//! Names: DNS on port 53 of our address in each network where it is served, of either family.
//!
//! ```text
//! owner.name_facts ─ copy, when they changed ─▶ engine::names::Names (replaced as a whole)
//! UDP datagram ─ served subnet? ─ wire::dns ─ pace ─ Names::answer ─▶ bytes
//! TCP message ── served subnet? ─ wire::dns ──────── Names::answer ─▶ bytes
//!                                                          └─ of others ─ forward ─▶ bytes
//! ```
//!
//! In: questions. Out: what `engine::names` says, as bytes. Never: a word to somebody outside the served
//! subnets, an answer to what is no question, a wait for the owner while somebody asks.

mod again;
mod book;
mod copy;
mod forward;
mod publish;
mod refused;
mod tcp;
mod udp;

use crate::Limits;
use crate::count::Counters;
use crate::owner::Owner;
use again::again;
use book::Book;
pub(crate) use copy::Copier;
use engine::names::Rules;
use forward::Forwarder;
use model::network::Mode;
use model::{Network, Network6};
pub(crate) use publish::Publisher;
pub use publish::{Publish, has_zone};
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
        (owner, copier): (&O, &Copier),
        opened: Vec<Opened>,
        dns: Dns,
        (counters, limits): (&Arc<Counters>, &Limits),
    ) -> io::Result<Self> {
        let Dns { rules, per_second } = dns;
        let book = Book::new(rules.clone());
        let forwarder = Forwarder::new(&rules, book.clone(), Arc::clone(counters), limits)?;
        let refusals = Refusals::new(limits.dns_refused);
        let runtime = tokio::runtime::Handle::current();
        let closing = Arc::new(AtomicBool::new(false));
        // It is there before what it holds: should one of them not start, dropping it ends the others.
        let mut service = Self {
            closing: Arc::clone(&closing),
            book: book.clone(),
            forwarder: forwarder.clone(),
            refusals: refusals.clone(),
            tasks: JoinSet::new(),
            threads: Vec::new(),
        };
        service.keep_up((owner, copier), counters);
        for Opened { udp, tcp } in opened {
            let listener = tokio::net::TcpListener::from_std(tcp.into())?;
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
            service.threads.push(thread.spawn(move || desk.run(per_second))?);
            let desk = Arc::new(tcp::Desk {
                owner: owner.clone(),
                book: book.clone(),
                forwarder: forwarder.clone(),
                refusals: refusals.clone(),
                counters: Arc::clone(counters),
                limits: *limits,
            });
            service.tasks.spawn(async move {
                again(&desk.counters, || tcp::listen(&listener, Arc::clone(&desk))).await;
            });
        }
        Ok(service)
    }

    /// Keeps names fresh, and looks after whoever is asked for those of others.
    fn keep_up<O: Owner>(&mut self, (owner, copier): (&O, &Copier), counters: &Arc<Counters>) {
        let (book, newest, counted) = (self.book.clone(), copier.newest(), Arc::clone(counters));
        self.tasks.spawn(async move {
            again(&counted, || book.keep_fresh(&newest, &counted)).await;
        });
        let (forwarder, owner, counted) =
            (self.forwarder.clone(), owner.clone(), Arc::clone(counters));
        self.tasks.spawn(async move {
            again(&counted, || forwarder.keep_looking(&owner)).await;
        });
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

#[cfg(test)]
mod tests;
