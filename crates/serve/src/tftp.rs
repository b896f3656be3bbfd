//! TFTP: requests on port 69, and for each transfer a port of its own (RFC 1350 §4).
//!
//! ```text
//! 69 ─ from a served subnet? ─ a request? ─ owner.file ─ agree on options ─ sessions ─▶ carry
//! carry: transfer.next ─ send window ─ wait for ACK, moment or order ─ … ─ tell how it ended
//! ```
//!
//! In: datagrams. Out: blocks of files the owner found. Never: a file by its name; a byte to
//! somebody outside the served subnets; a third datagram to somebody who has not answered.

mod carry;

use crate::count::{Counters, PanicWatch};
use crate::owner::{Blob, Bytes, Owner};
use crate::source::Source;
use crate::{Limits, neighbour, sys};
use carry::{Carry, Order};
use engine::tftp::netascii::{self, Netascii};
use engine::tftp::{Negotiated, Opening, Policy, Refusal, SessionId, Sessions};
use engine::{Answer, Asker, FileAsk};
use model::event::{Carrier, Happening};
use model::network::Subnet;
use model::plan::Why;
use model::text::show;
use model::{Event, Now};
use socket2::{Domain, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::tftp::{Mode, Packet, Request};

/// The largest request and a byte more, so that a longer one is seen as such.
const REQUEST_BUFFER: usize = wire::tftp::REQUEST_BYTES_MAX + 1;
/// Orders that wait for one transfer. They are few: more repeats of a request than that are lost.
const ORDERS: usize = 4;

/// Where requests for one network come in.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) link: String,
    pub(crate) server: Ipv4Addr,
    pub(crate) policy: Policy,
    /// Who may ask. Empty: the owner decides, since machines behind relays may be anywhere.
    pub(crate) served: Vec<Subnet>,
}

impl Place {
    fn serves(&self, source: Ipv4Addr) -> bool {
        self.served.is_empty() || self.served.iter().any(|subnet| subnet.contains(source))
    }
}

/// What all transfers share.
pub(crate) struct Desk<O, B> {
    pub(crate) owner: O,
    pub(crate) bytes: B,
    pub(crate) counters: Arc<Counters>,
    table: Mutex<Table>,
    lookups: Arc<Semaphore>,
    /// Running transfers; those that are left at the end of the grace are told to stop.
    pub(crate) tasks: TaskTracker,
    pub(crate) stopping: CancellationToken,
}

/// Who is being served, and how to reach the task that does.
struct Table {
    sessions: Sessions,
    orders: HashMap<SessionId, mpsc::Sender<Order>>,
}

impl<O: Owner, B: Bytes> Desk<O, B> {
    pub(crate) fn new(owner: O, bytes: B, limits: &Limits, counters: Arc<Counters>) -> Self {
        let table = Table { sessions: Sessions::new(limits.tftp), orders: HashMap::new() };
        Self {
            owner,
            bytes,
            counters,
            table: Mutex::new(table),
            lookups: Arc::new(Semaphore::new(limits.tftp_lookups)),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A UDP socket on one of our addresses, for requests or for one transfer.
pub(crate) fn socket(address: SocketAddrV4) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    sys::let_fragment(&socket)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// Takes requests, for ever. It waits for nobody: a request that needs the owner becomes a task.
pub(crate) async fn listen<O: Owner, B: Bytes>(
    desk: Arc<Desk<O, B>>,
    socket: UdpSocket,
    place: Place,
) {
    let (socket, place) = (Arc::new(socket), Arc::new(place));
    let mut buffer = vec![0; REQUEST_BUFFER];
    let mut tidy = tokio::time::interval(Duration::from_secs(1));
    tidy.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            _ = tidy.tick() => {
                desk.table().sessions.tidy(desk.owner.now());
                continue;
            }
        };
        match received {
            Ok((length, SocketAddr::V4(from))) => {
                let bytes = buffer.get(..length).unwrap_or_default();
                greet(&desk, &socket, &place, from, bytes).await;
            }
            Ok(_) => {}
            // An ICMP error for something sent earlier, or the interface went away.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Decides at once what needs no owner.
async fn greet<O: Owner, B: Bytes>(
    desk: &Arc<Desk<O, B>>,
    socket: &Arc<UdpSocket>,
    place: &Arc<Place>,
    from: SocketAddrV4,
    bytes: &[u8],
) {
    if !place.serves(*from.ip()) || from.port() == 0 {
        desk.counters.tftp_outside.one();
        return;
    }
    let request = match Packet::parse(bytes) {
        Ok(Packet::ReadRequest(request)) => request,
        Ok(Packet::WriteRequest(request)) => {
            refuse(desk, socket, place, from, &request, Refusal::WriteRefused).await;
            return;
        }
        // What belongs to a transfer has no business here, and nothing else has either.
        Ok(_) | Err(_) => {
            desk.counters.tftp_malformed.one();
            return;
        }
    };
    if desk.stopping.is_cancelled() {
        return;
    }
    let Ok(permit) = Arc::clone(&desk.lookups).try_acquire_owned() else {
        desk.counters.tftp_busy.one();
        return;
    };
    desk.counters.tftp_requests.one();
    let (of, socket, place) = (Arc::clone(desk), Arc::clone(socket), Arc::clone(place));
    let asked = of.owner.now();
    desk.tasks.spawn(async move {
        let _panics = PanicWatch(Arc::clone(&of.counters));
        let carry = open(&of, &socket, &place, from, request, asked).await;
        drop(permit);
        if let Some(carry) = carry {
            carry.run().await;
        }
    });
}

/// From a request to a transfer that can be carried, or to the one datagram that says why not.
async fn open<O: Owner, B: Bytes>(
    desk: &Arc<Desk<O, B>>,
    socket: &UdpSocket,
    place: &Arc<Place>,
    from: SocketAddrV4,
    request: Request,
    asked: Now,
) -> Option<Carry<O, B>> {
    let ask = FileAsk {
        by: Carrier::Tftp,
        name: request.name.clone(),
        from: from.into(),
        at: SocketAddrV4::new(place.server, crate::TFTP_PORT).into(),
        link: place.link.clone(),
        says: Asker::default(),
        neighbour: neighbour::of(IpAddr::V4(*from.ip()), &place.link),
        agent: None,
    };
    let found = match desk.owner.file(ask).await {
        Answer::Reply(found) => found,
        Answer::Silence(why) => {
            if deserves_error(&why) {
                let packet = Refusal::NotFound.packet();
                let _ = socket.send_to(&packet, from).await;
            }
            return None;
        }
    };
    let opened = async {
        let source = Source::open(&desk.bytes, found.what).await?;
        if request.mode == Mode::Netascii { converted(source).await } else { Ok(Some(source)) }
    };
    let source = match opened.await {
        Ok(Some(source)) => source,
        Ok(None) => {
            refuse(desk, socket, place, from, &request, Refusal::TooLargeForNetascii).await;
            return None;
        }
        Err(cause) => {
            let name = show(&request.name);
            let text =
                format!("{name} is published but cannot be read: {cause}; import its image again");
            desk.owner.tell(Event {
                at: desk.owner.now(),
                machine: found.machine,
                link: Some(place.link.clone()),
                what: Happening::Alarm { text },
            });
            let packet = wire::tftp::error(
                wire::tftp::ErrorCode::NotDefined,
                "The server cannot read the file",
            );
            let _ = socket.send_to(&packet, from).await;
            return None;
        }
    };
    let agreed = match Negotiated::new(&request, source.size(), &place.policy) {
        Ok(agreed) => agreed,
        Err(refusal) => {
            refuse(desk, socket, place, from, &request, refusal).await;
            return None;
        }
    };
    let (id, orders) = admit(desk, from, &request)?;
    Carry::new(
        Arc::clone(desk),
        place,
        carry::Deal {
            id,
            from,
            orders,
            agreed,
            source,
            file: show(&request.name),
            machine: found.machine,
            asked,
        },
    )
}

/// Whether the client hears that there is no such file, so that it goes on to the next name at
/// once, or nothing at all.
fn deserves_error(why: &Why) -> bool {
    !matches!(
        why,
        Why::OutsideServedSubnets
            | Why::OnlyListening
            | Why::NotServed(_)
            | Why::PlanIsSilence
            | Why::TooMany(_)
    )
}

/// Takes the request into the table of transfers; the transfers that have to go for it are told.
fn admit<O: Owner, B: Bytes>(
    desk: &Desk<O, B>,
    from: SocketAddrV4,
    request: &Request,
) -> Option<(SessionId, mpsc::Receiver<Order>)> {
    let mut table = desk.table();
    let (id, old, evicted) = match table.sessions.request(desk.owner.now(), from.into(), request) {
        Opening::New { id, evicted } => (id, None, evicted),
        Opening::Replace { id, old, evicted } => (id, Some(old), evicted),
        Opening::Duplicate(id) => {
            table.order(id, Order::Again);
            return None;
        }
        Opening::Late(_) => return None,
        Opening::Refused(_) => {
            desk.counters.tftp_busy.one();
            return None;
        }
    };
    if let Some(old) = old {
        table.order(old, Order::Replaced);
    }
    if let Some(evicted) = evicted {
        desk.counters.tftp_evicted.one();
        table.order(evicted, Order::Evicted);
    }
    let (order, orders) = mpsc::channel(ORDERS);
    table.orders.insert(id, order);
    Some((id, orders))
}

impl Table {
    /// Tells a transfer something. A transfer that has to go is also cut off from the table, so
    /// that it notices even when its orders are full.
    fn order(&mut self, id: SessionId, order: Order) {
        let last = order != Order::Again;
        if let Some(to) = self.orders.get(&id) {
            let _ = to.try_send(order);
        }
        if last {
            self.orders.remove(&id);
        }
    }
}

/// A text with the line ends of netascii; nothing if the file is too large for that.
async fn converted<B: Blob>(source: Source<B>) -> io::Result<Option<Source<B>>> {
    let size = usize::try_from(source.size()).unwrap_or(usize::MAX);
    if size > netascii::SOURCE_BYTES_MAX {
        return Ok(None);
    }
    let bytes = source.read_off(0, size).await?;
    Ok(Netascii::convert(&bytes).map(|text| Source::Text(text.into())))
}

/// Sends the one ERROR of a request that is refused, and tells of it.
async fn refuse<O: Owner, B: Bytes>(
    desk: &Desk<O, B>,
    socket: &UdpSocket,
    place: &Place,
    from: SocketAddrV4,
    request: &Request,
    refusal: Refusal,
) {
    let _ = socket.send_to(&refusal.packet(), from).await;
    desk.owner.tell(Event {
        at: desk.owner.now(),
        machine: neighbour::of(IpAddr::V4(*from.ip()), &place.link),
        link: Some(place.link.clone()),
        what: Happening::TransferFailed {
            file: show(&request.name),
            by: Carrier::Tftp,
            sent: 0,
            size: 0,
            why: refusal.to_string(),
        },
    });
}
