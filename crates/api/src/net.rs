//! The operators' TCP port: whoever comes has to show who he is.
//!
//! In: connections of the network, bounded in all and by source. Out: the same routes as on the Unix
//! socket, behind a check of the name they were asked under, with the headers that browsers are told
//! to be careful by. Never: a word without TLS beyond this host; who opens the port sees to that.

use crate::House;
use crate::gate::host::Hosts;
use crate::gate::{self};
use crate::routes;
use crate::server::{HEAD_WAIT, Running, Visitor, asked_to_stop, serve};
use axum::body::Body;
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use rustls::ServerConfig;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 256;
/// Of one address.
const OF_SOURCE_MAX: usize = 64;

/// What the port is served with, asked at each connection.
pub type Setting = dyn Fn() -> Option<Arc<ServerConfig>> + Send + Sync;

/// How the port is served.
#[derive(Clone)]
pub struct Front {
    /// Names it answers to.
    pub hosts: Hosts,
    /// With TLS, where it is.
    pub tls: Option<Arc<Setting>>,
}

/// Starts to serve the port.
pub fn start(listener: TcpListener, house: House, front: Front) -> Running {
    let (stop, stopped) = watch::channel(false);
    let router = routes::all(house);
    Running { stop, task: tokio::spawn(accept(listener, router, front, stopped)) }
}

async fn accept(
    listener: TcpListener,
    router: axum::Router,
    front: Front,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Places::default();
    loop {
        let (stream, from) = tokio::select! {
            () = asked_to_stop(&mut stopped) => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Out of descriptors, or the peer is gone: the next one may be luckier.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // Whoever has enough of them, or comes when all are taken, is let go at once.
        let Some(place) = places.take(from.ip()) else { continue };
        let (router, front, stopped) = (router.clone(), front.clone(), stopped.clone());
        tokio::spawn(async move {
            greet(stream, from, router, front, stopped).await;
            drop(place);
        });
    }
    let all_gone = async {
        while places.taken() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    all_gone.await;
}

async fn greet(
    stream: TcpStream,
    from: SocketAddr,
    router: axum::Router,
    front: Front,
    stopped: watch::Receiver<bool>,
) {
    let Ok(local) = stream.local_addr() else { return };
    // Small answers leave at once; without it they only leave later.
    let _ = stream.set_nodelay(true);
    let tls = front.tls.is_some();
    let visitor = Visitor::Net { from, local, tls };
    let hosts = Arc::new(front.hosts);
    let answer =
        move |request| answer(request, visitor.clone(), Arc::clone(&hosts), router.clone());
    let Some(setting) = front.tls else { return serve(stream, answer, stopped).await };
    // Without a certificate nothing is said in clear either.
    let Some(setting) = setting() else { return };
    let handshake = TlsAcceptor::from(setting).accept(stream);
    if let Ok(Ok(stream)) = tokio::time::timeout(HEAD_WAIT, handshake).await {
        serve(stream, answer, stopped).await;
    }
}

async fn answer(
    request: Request<Body>,
    visitor: Visitor,
    hosts: Arc<Hosts>,
    mut router: axum::Router,
) -> Response {
    let Visitor::Net { local, .. } = visitor else { return Response::default() };
    let (parts, body) = request.into_parts();
    let mut response = match hosts.check(local, &parts) {
        Err(problem) => problem.into_response(),
        Ok(()) => {
            let mut request = Request::from_parts(parts, body);
            request.extensions_mut().insert(visitor);
            router.call(request).await.into_response()
        }
    };
    gate::careful(response.headers_mut());
    response
}

/// Who has how many connections.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection; dropping it makes room.
struct Place(Places, IpAddr);

impl Places {
    fn take(&self, from: IpAddr) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let of_source = taken.get(&from).copied().unwrap_or(0);
        if all >= CONNECTIONS_MAX || of_source >= OF_SOURCE_MAX {
            return None;
        }
        taken.insert(from, of_source + 1);
        Some(Place(self.clone(), from))
    }

    fn taken(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Self(places, from) = self;
        let mut taken = places.0.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(from) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(from)),
        }
    }
}
