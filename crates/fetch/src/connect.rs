//! A connection to the host of a URL, to an address that was checked.
//!
//! In: a place and the policy. Out: a connection on which HTTP/1.1 is spoken. Never: an address dialled
//! that the check did not see (the name is resolved once, here), a certificate passed over.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::address::{self, Kind};
use crate::error::FetchError;
use crate::place::Place;
use crate::policy::{Policy, Roots};

/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;
/// Most bytes of a response's head.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// Most fields of a response's head.
const MAX_HEAD_FIELDS: usize = 100;

/// A connection; it ends when dropped.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Connects within the policy's time.
pub(crate) async fn connect(place: &Place, policy: &Policy) -> Result<Connection, FetchError> {
    let within = timeout(policy.connect_max, connect_now(place, policy)).await;
    within.unwrap_or_else(|_| {
        let why = format!("nothing came back for {} s", policy.connect_max.as_secs());
        Err(FetchError::Unreachable { host: place.authority(), why })
    })
}

async fn connect_now(place: &Place, policy: &Policy) -> Result<Connection, FetchError> {
    let addresses = addresses(place, policy).await?;
    let socket = dial(place, &addresses).await?;
    let stream = if place.is_tls() {
        Stream::Tls(Box::new(encrypt(place, policy, socket).await?))
    } else {
        Stream::Plain(socket)
    };
    let shaken = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEAD_FIELDS)
        .handshake(TokioIo::new(stream))
        .await;
    let (sender, connection) = shaken.map_err(|cause| FetchError::Unreachable {
        host: place.authority(),
        why: cause.to_string(),
    })?;
    // What goes wrong on the connection is told to whoever reads the response.
    let driver = tokio::spawn(async move { drop(connection.await) });
    Ok(Connection { sender, driver })
}

/// The addresses of a host, each of which may be dialled.
async fn addresses(place: &Place, policy: &Policy) -> Result<Vec<SocketAddr>, FetchError> {
    let found: Vec<SocketAddr> = match place.address() {
        Some(address) => vec![SocketAddr::new(address, place.port())],
        None => {
            let no_address =
                |why: String| FetchError::NoAddress { host: place.host().to_owned(), why };
            let found = tokio::net::lookup_host((place.host(), place.port())).await;
            let found: Vec<SocketAddr> =
                found.map_err(|cause| no_address(cause.to_string()))?.take(MAX_ADDRESSES).collect();
            if found.is_empty() {
                return Err(no_address("the answer was empty".to_owned()));
            }
            found
        }
    };
    // One that leads inside is enough to refuse: who mixes both tries to be let in.
    for address in &found {
        check(place, address.ip(), policy)?;
    }
    Ok(found)
}

fn check(place: &Place, address: IpAddr, policy: &Policy) -> Result<(), FetchError> {
    let hint = match address::not_public(address) {
        None => return Ok(()),
        Some(Kind::Internal(_)) if policy.allow_private => return Ok(()),
        Some(Kind::Internal(_)) => "; if it is a mirror of yours, allow private addresses",
        Some(Kind::Nobody(_)) => "",
    };
    Err(FetchError::NotPublic {
        host: place.host().to_owned(),
        address: address.to_string(),
        kind: address::not_public(address).map_or("", Kind::words),
        hint,
    })
}

async fn dial(place: &Place, addresses: &[SocketAddr]) -> Result<TcpStream, FetchError> {
    let mut why = Vec::new();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(socket) => return Ok(socket),
            Err(cause) => why.push(format!("{}: {cause}", address.ip())),
        }
    }
    Err(FetchError::Unreachable { host: place.authority(), why: why.join(", ") })
}

async fn encrypt(
    place: &Place,
    policy: &Policy,
    socket: TcpStream,
) -> Result<TlsStream<TcpStream>, FetchError> {
    let failed = |why: String| FetchError::Tls { host: place.host().to_owned(), why };
    let name = ServerName::try_from(place.host().to_owned())
        .map_err(|_| failed("that is no name a certificate could be for".to_owned()))?;
    // They are read from files.
    let (whose, to) = (policy.roots.clone(), place.clone());
    let roots = tokio::task::spawn_blocking(move || roots(&to, &whose)).await;
    let roots = roots.map_err(|cause| failed(cause.to_string()))??;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| failed(cause.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, socket).await.map_err(|cause| failed(cause.to_string()))
}

fn roots(place: &Place, roots: &Roots) -> Result<RootCertStore, FetchError> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::These(certificates) => {
            store.add_parsable_certificates(certificates.iter().cloned());
        }
        Roots::Host => {
            let found = rustls_native_certs::load_native_certs();
            // Hosts carry old certificates that no longer parse; the others count.
            store.add_parsable_certificates(found.certs);
            if store.is_empty() {
                let why = found
                    .errors
                    .first()
                    .map_or_else(|| "none found".to_owned(), ToString::to_string);
                return Err(FetchError::NoRoots { host: place.host().to_owned(), why });
            }
        }
    }
    Ok(store)
}

/// A socket, encrypted or not.
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(context, buffer),
            Self::Tls(socket) => Pin::new(socket).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Self::Tls(socket) => Pin::new(socket).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(context),
            Self::Tls(socket) => Pin::new(socket).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Tls(socket) => Pin::new(socket).poll_shutdown(context),
        }
    }
}
