//! The boot port: HTTP/1.1 for firmware and loaders, on an accept loop of our own.
//!
//! ```text
//! accept ─ room? ─ watch ─▶ hyper ─ ask: method, form, path, query ─▶ owner.file ─▶ reply
//! ```
//!
//! In: GET and HEAD. Out: files the owner found, with an exact length. Never: a file by its path, a
//! redirect, a chunk, compression (firmware counts bytes; see RFC 9110 where a clause is named).

mod ask;
mod range;
mod reply;
mod room;
pub(crate) mod tls;
mod watch;

use crate::count::{Counters, PanicWatch};
use crate::owner::{Bytes, Owner};
use crate::source::Source;
use crate::{Limits, neighbour};
use engine::{Answer, FileAsk, Found};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::event::{Carrier, Happening};
use model::text::show;
use model::{Event, HardwareAddress};
use reply::{Also as _, Reply};
use room::Room;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use watch::{Watch, Watched};

/// RFC 9112 names no limit; no firmware comes near this one.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// No firmware sends a tenth of that.
const FIELDS_MAX: usize = 100;
/// So much may wait in the kernel beyond what the network has taken, so that "sent" means something.
const UNSENT_BYTES_MAX: u32 = 512 * 1024;
/// How often connections are looked at.
const SWEEP: Duration = Duration::from_millis(500);

/// What all connections share.
pub(crate) struct Desk<O, B> {
    pub(crate) owner: O,
    pub(crate) bytes: B,
    pub(crate) counters: Arc<Counters>,
    limits: Limits,
    room: Arc<Room>,
    pub(crate) tasks: TaskTracker,
    /// No more requests.
    pub(crate) stopping: CancellationToken,
    /// No more anything.
    pub(crate) stopped: CancellationToken,
}

impl<O: Owner, B: Bytes> Desk<O, B> {
    pub(crate) fn new(owner: O, bytes: B, limits: Limits, counters: Arc<Counters>) -> Self {
        Self {
            owner,
            bytes,
            counters,
            limits,
            room: Arc::new(Room::new(&limits)),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
        }
    }
}

/// Takes connections, for ever.
pub(crate) async fn listen<O: Owner, B: Bytes>(
    desk: Arc<Desk<O, B>>,
    listener: TcpListener,
    link: String,
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some(seat) = desk.room.enter(peer.ip()) else {
                    desk.counters.http_connections_refused.one();
                    continue;
                };
                let of = Arc::clone(&desk);
                desk.tasks.spawn(converse(of, stream, peer, link.clone(), seat));
            }
            // Out of descriptors, or the peer was gone before we looked.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Closes connections that are idle, slow, or did not say what they want; for ever.
pub(crate) async fn sweep<O: Owner, B: Bytes>(desk: Arc<Desk<O, B>>) {
    let mut tick = tokio::time::interval(SWEEP);
    loop {
        tick.tick().await;
        for _ in 0..desk.room.sweep(&desk.limits) {
            desk.counters.http_connections_cut.one();
        }
    }
}

/// One connection, from its first byte to its last.
async fn converse<O: Owner, B: Bytes>(
    desk: Arc<Desk<O, B>>,
    stream: TcpStream,
    peer: SocketAddr,
    link: String,
    seat: room::Seat,
) {
    let _panics = PanicWatch(Arc::clone(&desk.counters));
    let Ok(at) = stream.local_addr() else { return };
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);

    let watch = Arc::clone(&seat.watch);
    let caller =
        Arc::new(Caller { peer, at, link, neighbour: OnceCell::new(), watch: Arc::clone(&watch) });
    let service = service_fn(|request| {
        let (desk, caller) = (Arc::clone(&desk), Arc::clone(&caller));
        async move { Ok::<_, Infallible>(answer(&desk, &caller, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // hyper starts this clock when a connection falls idle, so it must be the long one; the
        // short one, for a head that has begun, is the sweeper's.
        .header_read_timeout(desk.limits.http_idle)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(FIELDS_MAX)
        .serve_connection(TokioIo::new(Watched::new(stream, watch)), service);
    tokio::pin!(connection);

    tokio::select! {
        _ = connection.as_mut() => return,
        () = seat.cut() => return,
        () = desk.stopping.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = connection => {}
        () = seat.cut() => {}
        () = desk.stopped.cancelled() => caller.watch.say_why("the server stops"),
    }
}

/// Who is at the other end of a connection.
struct Caller {
    peer: SocketAddr,
    at: SocketAddr,
    link: String,
    /// Looked up with the first request; a connection does not change its other end.
    neighbour: OnceCell<Option<HardwareAddress>>,
    watch: Arc<Watch>,
}

/// One request, one response.
async fn answer<O: Owner, B: Bytes>(
    desk: &Desk<O, B>,
    caller: &Caller,
    request: Request<Incoming>,
) -> Response<reply::Body<O, B>> {
    caller.watch.answering();
    let reply = Reply::new(Arc::clone(&caller.watch));
    if desk.stopping.is_cancelled() {
        return reply.text(StatusCode::SERVICE_UNAVAILABLE, "the server stops\n").closing();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        desk.counters.http_refused.one();
        let only = reply.text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        return only.with(header::ALLOW, "GET, HEAD").closing();
    }
    let asked = ask::framing(request.headers()).and_then(|()| ask::name(request.uri().path()));
    let name = match asked {
        Ok(name) => name,
        Err(why) => {
            desk.counters.http_refused.one();
            return reply.text(StatusCode::BAD_REQUEST, &format!("{why}\n")).closing();
        }
    };
    if name == b"/healthz" {
        return reply.text(StatusCode::OK, "ok\n").for_method(request.method());
    }

    desk.counters.http_requests.one();
    let asked = desk.owner.now();
    let neighbour = caller
        .neighbour
        .get_or_init(|| async { neighbour::of(caller.peer.ip(), &caller.link) })
        .await;
    let agent = request.headers().get(header::USER_AGENT);
    let shown = show(&name);
    let found = desk
        .owner
        .file(FileAsk {
            by: Carrier::Http,
            name,
            from: caller.peer,
            at: caller.at,
            link: caller.link.clone(),
            says: ask::asker(request.uri().query()),
            neighbour: *neighbour,
            agent: agent.map(|agent| show(agent.as_bytes())),
        })
        .await;
    let found = match found {
        Answer::Reply(found) => found,
        Answer::Silence(why) => return reply.refusal(&why).for_method(request.method()),
    };
    let file = File { shown, to: caller.peer.ip(), link: caller.link.clone(), asked };
    send(desk, reply, &request, found, file).await
}

/// What the events say of a file.
struct File {
    shown: String,
    to: IpAddr,
    link: String,
    asked: model::Now,
}

/// Opens what was found and sends as much of it as was asked for.
async fn send<O: Owner, B: Bytes>(
    desk: &Desk<O, B>,
    reply: Reply,
    request: &Request<Incoming>,
    found: Found,
    file: File,
) -> Response<reply::Body<O, B>> {
    let Found { what, media, machine, .. } = found;
    let tag = reply::entity_tag(&what);
    let source = match Source::open(&desk.bytes, what).await {
        Ok(source) => source,
        Err(cause) => {
            let text = format!(
                "{} is published but cannot be read: {cause}; import its image again",
                file.shown
            );
            desk.owner.tell(Event {
                at: desk.owner.now(),
                machine,
                link: Some(file.link),
                what: Happening::Alarm { text },
            });
            let text = "the server cannot read the file\n";
            return reply
                .text(StatusCode::INTERNAL_SERVER_ERROR, text)
                .for_method(request.method());
        }
    };
    let about = crate::meter::About {
        file: file.shown,
        by: Carrier::Http,
        to: file.to,
        size: source.size(),
        machine,
        link: file.link,
    };
    let part = range::select(request.method(), request.headers(), tag.as_deref(), source.size());
    reply.file(
        reply::File { source, media, tag, about, asked: file.asked },
        request.method(),
        part,
        &desk.owner,
    )
}
