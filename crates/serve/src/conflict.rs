//! Whether somebody already uses an address that a reply is about to offer (RFC 2131, 2.2).
//!
//! ```text
//! reply with a check ─▶ Table ─ ask ─▶ ARP on the link, ICMP echo behind a relay
//!                         │ ◀─ answers ─┘
//!                         ├─ nobody in time ─▶ send
//!                         └─ somebody ───────▶ owner.conflict, and the message again to the owner
//! ```
//!
//! In: replies that promise nothing yet. Out: the same a moment later, or another one. Never: a
//! delay for anybody else; a question for each client of a crowd (there are limits, see `table`).
//!
//! We ask by ARP as ourselves, not from 0.0.0.0 as RFC 5227 has clients do: a client has no address
//! yet and must not spoil caches, we have one, and there are hosts that answer ordinary questions
//! only.

mod table;

use crate::count::Counters;
use crate::interfaces;
use crate::owner::Owner;
use crate::packet::Links;
use crate::sys::{self, Mac};
use engine::Check;
use model::{HardwareAddress, Now};
use site::{Ready, Replies};
use socket2::Socket;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use table::{Step, Table};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use wire::{arp, echo};

/// Replies on their way to the table. One more leaves unasked.
pub(crate) const TAKEN_MAX: usize = 4096;
/// Answers on their way to the table. A flood of ARP replies loses some.
const HEARD_MAX: usize = 1024;
/// How often we look whether an interface was made anew.
const LOOK: Duration = Duration::from_secs(5);
/// After an error of the socket.
const PAUSE: Duration = Duration::from_millis(200);

/// Somebody answered.
pub(crate) struct Answered {
    /// None behind relays.
    link: Option<String>,
    address: Ipv4Addr,
    theirs: Option<HardwareAddress>,
}

/// The sockets that ask and listen. A link that cannot be asked on is opened again later; until
/// then its replies leave when their time is over.
pub(crate) struct Ears {
    links: BTreeMap<String, Mutex<Option<Arc<Ear>>>>,
    echo: AsyncFd<Socket>,
    /// Our number in echoes.
    id: u16,
}

/// One interface.
struct Ear {
    index: u32,
    mac: Mac,
    socket: AsyncFd<Socket>,
}

impl Ear {
    fn open(name: &str) -> io::Result<Self> {
        let interface = interfaces::named(name)?;
        let interface = interface.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let mac = interface.mac.and_then(|mac| mac.as_mac());
        // A link without Ethernet addresses has no ARP to ask by.
        let mac = mac.ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
        let socket = sys::watched(sys::arp_socket(interface.index)?)?;
        Ok(Self { index: interface.index, mac, socket })
    }
}

impl Ears {
    pub(crate) fn open(names: &[String]) -> io::Result<Self> {
        let open = |name: &String| (name.clone(), Mutex::new(Ear::open(name).ok().map(Arc::new)));
        // Different from other programs that ping, as far as 16 bits go.
        let id = std::process::id() as u16 ^ 0xb007;
        let echo = sys::watched(sys::echo_socket(id)?)?;
        Ok(Self { links: names.iter().map(open).collect(), echo, id })
    }

    fn ear(&self, link: &str) -> Option<Arc<Ear>> {
        self.links.get(link)?.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens the link again if its interface is another one by now.
    fn look(&self, link: &str) {
        let index = interfaces::index(link);
        if self.ear(link).is_some_and(|ear| Some(ear.index) == index) {
            return;
        }
        if let (Some(place), Ok(ear)) = (self.links.get(link), Ear::open(link)) {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(ear));
        }
    }

    fn ask(&self, link: &str, from: Ipv4Addr, check: &Check) -> io::Result<()> {
        if !check.on_link {
            let to = SocketAddrV4::new(check.address, 0).into();
            let [_, _, high, low] = check.address.octets();
            let question = echo::question(self.id, u16::from_be_bytes([high, low]));
            return self.echo.get_ref().send_to(&question, &to).map(|_| ());
        }
        let ear = self.ear(link).ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let question = arp::question(ear.mac, from, check.address);
        sys::send_arp(ear.socket.get_ref(), ear.index, &question)
    }
}

/// A way for answers to the table.
pub(crate) fn answers() -> (mpsc::Sender<Answered>, mpsc::Receiver<Answered>) {
    mpsc::channel(HEARD_MAX)
}

/// Listens for ARP replies on one link, for ever.
pub(crate) async fn listen_on_link(ears: Arc<Ears>, link: String, to: mpsc::Sender<Answered>) {
    let mut buffers = sys::Buffers::new(64);
    loop {
        let Some(ear) = ears.ear(&link) else {
            tokio::time::sleep(LOOK).await;
            ears.look(&link);
            continue;
        };
        if !hear(&ear.socket, &mut buffers).await {
            ears.look(&link);
            continue;
        }
        for (bytes, _) in buffers.packets() {
            if let Some((address, mac)) = arp::answer(bytes) {
                let theirs = Some(HardwareAddress::mac(mac));
                // Full: a flood, in which one answer is lost like any other.
                let _ = to.try_send(Answered { link: Some(link.clone()), address, theirs });
            }
        }
    }
}

/// Listens for ICMP echo replies, for ever.
pub(crate) async fn listen_behind_relays(ears: Arc<Ears>, to: mpsc::Sender<Answered>) {
    let mut buffers = sys::Buffers::new(128);
    loop {
        if !hear(&ears.echo, &mut buffers).await {
            continue;
        }
        for (packet, _) in buffers.packets() {
            if let Some(address) = echo::answer(packet, ears.id) {
                let _ = to.try_send(Answered { link: None, address, theirs: None });
            }
        }
    }
}

/// Waits for packets and takes them. False if none came for a while, or the socket says why.
async fn hear(socket: &AsyncFd<Socket>, buffers: &mut sys::Buffers) -> bool {
    let ready = tokio::time::timeout(LOOK, socket.readable()).await;
    let Ok(Ok(mut ready)) = ready else { return false };
    match ready.try_io(|fd| sys::receive_many(fd.get_ref(), buffers)) {
        Ok(Ok(_)) => true,
        Ok(Err(_)) => {
            tokio::time::sleep(PAUSE).await;
            false
        }
        Err(_would_block) => false,
    }
}

/// The one task that lets replies wait.
pub(crate) struct Desk<O> {
    pub(crate) ears: Arc<Ears>,
    pub(crate) links: Arc<Links>,
    pub(crate) owner: O,
    pub(crate) replies: Replies,
    pub(crate) counters: Arc<Counters>,
}

impl<O: Owner> Desk<O> {
    /// For ever: takes replies and answers in, and does what the table says.
    pub(crate) async fn run(
        self,
        mut taken: mpsc::Receiver<Ready>,
        mut answers: mpsc::Receiver<Answered>,
    ) {
        let mut table = Table::default();
        loop {
            let now = self.owner.now();
            let wake = table.wake().unwrap_or(Now(u64::MAX)).since(now).min(LOOK);
            let mut steps = tokio::select! {
                Some(ready) = taken.recv() => table.take(self.owner.now(), ready),
                Some(Answered { link, address, theirs }) = answers.recv() => {
                    let step = table.answered(self.owner.now(), link, address, theirs);
                    step.into_iter().collect()
                }
                () = tokio::time::sleep(wake) => Vec::new(),
            };
            steps.extend(table.due(self.owner.now()));
            self.carry_out(steps).await;
        }
    }

    async fn carry_out(&self, steps: Vec<Step>) {
        let mut leaving = Vec::new();
        for step in steps {
            match step {
                Step::Leave(ready) => leaving.push(ready.outgoing),
                Step::LeaveUnasked(ready) => {
                    self.counters.dhcp_unprobed.one();
                    leaving.push(ready.outgoing);
                }
                Step::Ask { link, from, check } => match self.ears.ask(&link, from, &check) {
                    Ok(()) => self.counters.dhcp_probed.one(),
                    // Its reply leaves when its time is over, or cannot be sent either.
                    Err(_) => self.counters.dhcp_unprobed.one(),
                },
                Step::Conflict { link, check, theirs, again } => {
                    self.counters.dhcp_conflicts.one();
                    // If it cannot be told, the same address would come again: silence, then, until
                    // the machine asks again.
                    if self.owner.conflict(&link, check, theirs) && !again.is_empty() {
                        self.owner.dhcp(again, &self.replies);
                    }
                }
            }
        }
        if !leaving.is_empty() {
            self.links.send(leaving, &self.owner, &self.counters).await;
        }
    }
}
