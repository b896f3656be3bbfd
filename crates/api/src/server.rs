//! Accepts connections on the Unix socket and answers them. [`crate::net`] does it for TCP.

use crate::asker::Asker;
use crate::doing::imports::Imports;
use crate::gate::door::Door;
use crate::history::History;
use crate::pages::Page;
use crate::peer::Operator;
use crate::tags::Expects;
use crate::types::{
    ConfigAnswer, DnsCacheView, Done, NameRefusedView, Network6Wish, NetworkWish, PublishView,
    TlsStatus, UpstreamView, Wrong,
};
use crate::webhooks::Webhooks;
use crate::{Problem, peer, routes};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use hyper::Request;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use library::Blobs;
use model::{Now, Transfers};
use site::SiteHandle;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{RwLock, Semaphore, watch};
use tokio::task::JoinHandle;
use tower_service::Service;

/// Operators at the same time.
const CONNECTIONS_MAX: usize = 64;
/// A head of a request has to be there within this.
pub(crate) const HEAD_WAIT: Duration = Duration::from_secs(10);
/// A head has this many bytes at most.
const HEAD_MAX: usize = 16 << 10;
/// What is under way at a stop has this long to end.
pub(crate) const STOP_WAIT: Duration = Duration::from_secs(2);

/// Reads the configuration again; `true` only says what would change.
pub type Reload = dyn Fn(bool) -> BoxFuture<'static, Result<Done, Problem>> + Send + Sync;

/// Knows the configuration file: what a text of it means here, and how a network is written in it.
pub trait Configuration: Send + Sync {
    /// What is wrong with a text, and what it would change if it were put in force.
    fn check(&self, text: String) -> BoxFuture<'static, Result<ConfigAnswer, Problem>>;

    /// The text with this network as it is wished; the rest of it, comments too, stays.
    fn with_network(&self, text: &str, wish: &NetworkWish) -> Result<String, Problem>;

    /// The same with a network of IPv6.
    fn with_network6(&self, text: &str, wish: &Network6Wish) -> Result<String, Problem>;
}

/// One number that only grows: its name, what it says, how much it is.
pub type Counted = (&'static str, &'static str, u64);

/// How names are answered at this moment.
#[derive(Clone, Debug)]
pub struct DnsNow {
    /// The names.
    pub names: Arc<engine::names::Names>,
    /// Who is asked for names of others.
    pub upstreams: Vec<UpstreamView>,
    /// What is remembered of their answers; none where nobody is asked.
    pub cache: Option<DnsCacheView>,
    /// What was refused lately, the newest first.
    pub refused: Vec<NameRefusedView>,
}

/// Everything that the routes reach.
#[derive(Clone)]
pub struct House {
    /// The owner of state.
    pub site: SiteHandle,
    /// The bytes of images and bootloaders.
    pub blobs: Arc<Blobs>,
    /// The state directory.
    pub state: PathBuf,
    /// The configuration file, if there is one.
    pub config: Option<PathBuf>,
    /// When the server started.
    pub started: Now,
    /// What was odd when the sockets were opened.
    pub findings: Arc<dyn Fn() -> Vec<Wrong> + Send + Sync>,
    /// Files on their way.
    pub transfers: Arc<dyn Fn() -> Transfers + Send + Sync>,
    /// Names as they are answered now, and who is asked for those of others; none where none are.
    pub dns: Arc<dyn Fn() -> Option<DnsNow> + Send + Sync>,
    /// How names stand at DNS servers of others.
    pub published: Arc<dyn Fn() -> Vec<PublishView> + Send + Sync>,
    /// What the sockets counted since the start: a name, what it says, the number.
    pub counted: Arc<dyn Fn() -> Vec<Counted> + Send + Sync>,
    /// What HTTPS is served with, as it is now.
    pub tls: Arc<dyn Fn() -> Option<TlsStatus> + Send + Sync>,
    /// Reads the configuration again.
    pub reload: Arc<Reload>,
    /// The configuration file, as it is read and changed.
    pub settings: Arc<dyn Configuration>,
    /// What the server did lately, in numbers.
    pub history: Arc<History>,
    /// Held for reading by whoever adds blobs that nothing names yet, for writing by whoever
    /// removes blobs that nothing names any more.
    pub sweeping: Arc<RwLock<()>>,
    /// Imports that run, and the newest that ended.
    pub imports: Arc<Imports>,
    /// Sessions and tries of whoever is not on the Unix socket.
    pub door: Door,
    /// Who asks; of the house itself, the server.
    pub asker: Asker,
    /// What a request expects of the thing that it changes; of the house itself, nothing.
    pub expects: Expects,
    /// What goes out to webhooks.
    pub webhooks: Arc<Webhooks>,
    /// The files of the web UI; none where the program was built without it.
    pub pages: &'static [Page],
}

/// The served socket.
#[derive(Debug)]
pub struct Running {
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) task: JoinHandle<()>,
}

impl Running {
    /// Takes no more connections, lets answers end for a moment, then ends.
    pub async fn stop(mut self) {
        // A receiver is there as long as the task runs.
        let _ = self.stop.send(true);
        if tokio::time::timeout(STOP_WAIT, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// Who is at the other end of a connection, before anything was shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Visitor {
    /// An operator of this host, by the Unix socket.
    Host(String),
    /// Somebody from the network.
    Net {
        /// His address.
        from: SocketAddr,
        /// Ours.
        local: SocketAddr,
        /// Over TLS.
        tls: bool,
    },
    /// Nobody that we know of.
    Nobody,
}

impl Visitor {
    /// Where tries are counted by.
    pub(crate) fn source(&self) -> String {
        match self {
            Self::Host(name) => format!("the socket ({name})"),
            Self::Net { from, .. } => from.ip().to_canonical().to_string(),
            Self::Nobody => "nowhere".to_owned(),
        }
    }
}

/// Starts to serve an opened socket.
pub fn start(listener: UnixListener, house: House) -> Running {
    start_with(listener, routes::all(house))
}

pub(crate) fn start_with(listener: UnixListener, router: axum::Router) -> Running {
    let (stop, stopped) = watch::channel(false);
    Running { stop, task: tokio::spawn(accept(listener, router, stopped)) }
}

async fn accept(listener: UnixListener, router: axum::Router, mut stopped: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stream = tokio::select! {
            () = asked_to_stop(&mut stopped) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of descriptors, or the peer is gone: the next one may be luckier.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { break };
        let (router, stopped) = (router.clone(), stopped.clone());
        tokio::spawn(async move {
            serve_host(stream, router, stopped).await;
            drop(place);
        });
    }
    // Everybody's place is free again when the last answer has gone.
    let _ = room.acquire_many(u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX)).await;
}

async fn serve_host(stream: UnixStream, router: axum::Router, stopped: watch::Receiver<bool>) {
    let admitted = match stream.peer_cred() {
        Ok(peer) => peer::admit(&peer),
        Err(e) => Err(Problem::forbidden(format!("the system does not say who you are: {e}"))),
    };
    let answer = move |mut request: Request<Body>| {
        let (admitted, mut router) = (admitted.clone(), router.clone());
        async move {
            match admitted {
                Err(problem) => problem.into_response(),
                Ok(Operator(name)) => {
                    request.extensions_mut().insert(Visitor::Host(name));
                    router.call(request).await.into_response()
                }
            }
        }
    };
    serve(stream, answer, stopped).await;
}

/// Answers the requests of a connection until it ends.
pub(crate) async fn serve<S, F, A>(stream: S, answer: F, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Body>) -> A + Clone + Send + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let answer = answer.clone();
        async move { Ok::<_, Infallible>(answer(request.map(Body::new)).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // Whoever breaks off an exchange has no use for a word about it.
        _ = connection.as_mut() => return,
        () = asked_to_stop(&mut stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(STOP_WAIT / 2, connection).await;
}

pub(crate) async fn asked_to_stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that whoever could ask is gone, which asks as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}
