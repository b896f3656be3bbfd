//! The connection to a BMC, and requests on it.
//!
//! In: a place, what to trust, one request. Out: status, fields and the bytes of the body. Never: a
//! host but that of the place, a redirect to another one, a body without an end, a POST sent twice.

use super::RedfishError;
use super::pin::{Handshake, Trust};
use super::place::Place;
use super::policy::Policy;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use model::text::show;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Most bytes of a body.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;
/// Most bytes of a response's head.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Most fields of a response's head.
const HEAD_FIELDS_MAX: usize = 100;
/// Most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;
/// Most redirects that are followed.
const REDIRECTS_MAX: usize = 3;
/// Who we say we are.
const AGENT: &str = concat!("bootwright/", env!("CARGO_PKG_VERSION"));

/// Where a BMC is and how to speak with it.
#[derive(Debug)]
pub(super) struct Bmc {
    pub(super) place: Place,
    pub(super) trust: Trust,
    pub(super) policy: Policy,
}

/// A request. It has no `Debug`: credentials are in its fields, or in its body.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) path: String,
    /// Credentials, If-Match.
    pub(super) fields: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Option<Bytes>,
}

impl Ask {
    pub(super) fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), fields: Vec::new(), body: None }
    }

    /// What is asked, in words.
    pub(super) fn doing(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A response, read to its end. It has no `Debug`: a token may be in its fields.
pub(super) struct Answer {
    /// Who answered, after redirects.
    pub(super) path: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    /// A field's text, if it is one.
    pub(super) fn field(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A connection that may be open.
pub(super) struct Line {
    bmc: Arc<Bmc>,
    open: Option<Connection>,
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Line {
    pub(super) fn new(bmc: Arc<Bmc>) -> Self {
        Self { bmc, open: None }
    }

    pub(super) fn bmc(&self) -> &Arc<Bmc> {
        &self.bmc
    }

    /// Asks; a GET follows redirects that stay with this BMC.
    pub(super) async fn ask(&mut self, ask: &Ask) -> Result<Answer, RedfishError> {
        let mut ask = ask.clone();
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.ask_once(&ask).await?;
            if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            let to = answer.field(&header::LOCATION).unwrap_or("nowhere");
            match self.bmc.place.redirected(to) {
                Some(path) if ask.method == Method::GET => ask.path = path,
                _ => {
                    return Err(RedfishError::Redirected {
                        bmc: self.bmc.place.to_string(),
                        doing: ask.doing(),
                        to: show(to.as_bytes()),
                    });
                }
            }
        }
        Err(self.broken(&ask, format!("more than {REDIRECTS_MAX} redirects, perhaps in a circle")))
    }

    /// One request. Only a GET goes out on a connection that was used before: iLO ends idle ones
    /// without a word (airshipit/airshipctl#540), and nobody could tell whether a POST was heard.
    async fn ask_once(&mut self, ask: &Ask) -> Result<Answer, RedfishError> {
        let reused = match self.open.take() {
            Some(open) if ask.method == Method::GET && open.sender.is_ready() => Some(open),
            _ => None,
        };
        if let Some(mut open) = reused {
            match self.exchange(&mut open, ask).await {
                // It ended while it was idle.
                Err(RedfishError::Broken { .. }) => {}
                answer => {
                    self.keep(open, &answer);
                    return answer;
                }
            }
        }
        let mut open = connect(&self.bmc).await?;
        let answer = self.exchange(&mut open, ask).await;
        self.keep(open, &answer);
        answer
    }

    fn keep(&mut self, open: Connection, answer: &Result<Answer, RedfishError>) {
        if answer.is_ok() {
            self.open = Some(open);
        }
    }

    async fn exchange(&self, open: &mut Connection, ask: &Ask) -> Result<Answer, RedfishError> {
        let after = self.bmc.policy.request_max;
        let all = timeout(after, self.exchange_now(open, ask)).await;
        all.unwrap_or_else(|_| {
            let bmc = self.bmc.place.to_string();
            Err(RedfishError::Timeout { bmc, doing: ask.doing(), after })
        })
    }

    async fn exchange_now(&self, open: &mut Connection, ask: &Ask) -> Result<Answer, RedfishError> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.path)
            .header(header::HOST, self.bmc.place.authority())
            .header(header::USER_AGENT, AGENT)
            .header(header::ACCEPT, "application/json")
            // Some services put "-gzip" into the ETag of a compressed answer
            // (stmcginnis/gofish#511), and then do not know it.
            .header(header::ACCEPT_ENCODING, "identity")
            .header("OData-Version", "4.0");
        for (name, value) in &ask.fields {
            request = request.header(name, value);
        }
        if ask.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Full::new(ask.body.clone().unwrap_or_default());
        let request = request.body(body).map_err(|cause| self.broken(ask, cause.to_string()))?;
        let response = open.sender.send_request(request).await;
        let response = response.map_err(|cause| self.broken(ask, words(&cause)))?;
        let (head, body) = response.into_parts();
        let bytes = self.read(ask, body).await?;
        Ok(Answer { path: ask.path.clone(), status: head.status, headers: head.headers, bytes })
    }

    async fn read(&self, ask: &Ask, mut body: Incoming) -> Result<Vec<u8>, RedfishError> {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|cause| self.broken(ask, words(&cause)))?;
            let Ok(piece) = frame.into_data() else { continue };
            if bytes.len().saturating_add(piece.len()) > BODY_BYTES_MAX {
                return Err(RedfishError::TooLarge {
                    bmc: self.bmc.place.to_string(),
                    doing: ask.doing(),
                    most: BODY_BYTES_MAX,
                });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    fn broken(&self, ask: &Ask, why: String) -> RedfishError {
        RedfishError::Broken { bmc: self.bmc.place.to_string(), doing: ask.doing(), why }
    }
}

/// Connects, and shakes hands where TLS is spoken.
async fn connect(bmc: &Bmc) -> Result<Connection, RedfishError> {
    let after = bmc.policy.connect_max;
    let within = timeout(after, connect_now(bmc)).await;
    within.unwrap_or_else(|_| {
        let why = format!("nothing came back for {} s", after.as_secs_f32());
        Err(RedfishError::Unreachable { bmc: bmc.place.to_string(), why })
    })
}

async fn connect_now(bmc: &Bmc) -> Result<Connection, RedfishError> {
    let plain = matches!(bmc.trust, Trust::Unencrypted);
    if plain == bmc.place.is_tls() {
        let why = if plain {
            "it has an https:// address, but is set to be asked without encryption"
        } else {
            "its address is http://, by which the password would go readable over the network; \
             use https://, or say that this BMC may be asked without encryption"
        };
        return Err(RedfishError::Encryption { bmc: bmc.place.to_string(), why });
    }
    let socket = dial(&bmc.place).await?;
    if plain {
        return speak(bmc, socket).await;
    }
    let failed = |why: String| RedfishError::Tls { bmc: bmc.place.to_string(), why };
    let name = ServerName::try_from(bmc.place.host().to_owned())
        .map_err(|_| failed("that is no name a certificate could be for".to_owned()))?;
    let handshake = Handshake::new(&bmc.trust).map_err(failed)?;
    let connector = TlsConnector::from(Arc::clone(&handshake.config));
    match connector.connect(name, socket).await {
        Ok(stream) => speak(bmc, stream).await,
        Err(cause) => Err(handshake.refusal(&bmc.place, &cause)),
    }
}

async fn dial(place: &Place) -> Result<TcpStream, RedfishError> {
    let unreachable = |why| RedfishError::Unreachable { bmc: place.to_string(), why };
    let found = tokio::net::lookup_host((place.host(), place.port())).await;
    let found = found.map_err(|cause| unreachable(format!("its name has no address ({cause})")))?;
    let mut why = Vec::new();
    for address in found.take(ADDRESSES_MAX).collect::<Vec<SocketAddr>>() {
        match TcpStream::connect(address).await {
            Ok(socket) => return Ok(socket),
            Err(cause) => why.push(format!("{}: {cause}", address.ip())),
        }
    }
    Err(unreachable(if why.is_empty() {
        "its name has no address".to_owned()
    } else {
        why.join(", ")
    }))
}

async fn speak<S>(bmc: &Bmc, stream: S) -> Result<Connection, RedfishError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shaken = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEAD_FIELDS_MAX)
        .handshake(TokioIo::new(stream))
        .await;
    let (sender, connection) = shaken.map_err(|cause| RedfishError::Unreachable {
        bmc: bmc.place.to_string(),
        why: words(&cause),
    })?;
    // What goes wrong on the connection is told to whoever waits for the response.
    let driver = tokio::spawn(async move { drop(connection.await) });
    Ok(Connection { sender, driver })
}

/// An error of hyper's with its causes.
fn words(error: &hyper::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    // Two are enough to say what happened; a chain is not followed without end.
    for _ in 0..2 {
        let Some(next) = cause else { break };
        words = format!("{words}: {next}");
        cause = next.source();
    }
    show(words.as_bytes())
}
