//! Talks to a running server: what the `bootwright` command uses.

mod download;
mod far;
mod pages;
mod upload;

pub use download::Download;
pub use upload::Sent;

use crate::Problem;
use crate::types::Line;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use tokio::net::UnixStream;

/// The largest answer that is kept whole: a listing of very many machines.
const ANSWER_MAX: usize = 256 << 20;
/// The longest line of a stream.
const LINE_MAX: usize = 4 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody serves this socket, or we may not open it.
    #[error("no server answers at {at}: {why}")]
    NotReached {
        /// The socket, or the URL.
        at: String,
        /// What the system said.
        why: String,
    },
    /// The socket is not for us.
    #[error("you may not talk to the server at {}", .0.display())]
    NotAllowed(PathBuf),
    /// The server refused or failed.
    #[error("{}", .0.detail)]
    Problem(Problem),
    /// The answer broke off or is not in our language.
    #[error("{0}")]
    Broken(String),
    /// A file that was to be sent.
    #[error("{0}")]
    File(String),
    /// It was named wrongly.
    #[error("{0}")]
    Usage(String),
    /// The caller wanted no more.
    #[error("stopped on request; what the server has is kept there for a week, to be gone on from")]
    Stopped,
}

/// A server, by its socket or its URL.
#[derive(Clone, Debug)]
pub struct Client {
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Socket(PathBuf),
    Far(Box<far::Server>),
}

impl Client {
    /// The server behind this socket. Nothing is opened yet.
    pub fn new(socket: PathBuf) -> Self {
        Self { way: Way::Socket(socket) }
    }

    /// The server at this URL, shown this token, with a certificate of this CA, or of one that this
    /// host believes. Nothing is opened yet.
    pub fn far(url: &str, token: Option<&str>, ca: Option<&Path>) -> Result<Self, Error> {
        Ok(Self { way: Way::Far(Box::new(far::Server::new(url, token, ca)?)) })
    }

    /// What a `Host` header says.
    fn host(&self) -> &str {
        match &self.way {
            Way::Socket(_) => "bootwright",
            Way::Far(server) => &server.authority,
        }
    }

    /// Asks for something.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.send(Method::GET, path, None::<&()>).await
    }

    /// Asks for a change (or something else that is not only read).
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        whole(self.open(method, path, body).await?).await
    }

    /// Asks for something that comes line by line, for as long as it lasts.
    pub async fn lines(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Lines, Error> {
        let response = self.open(method, path, body).await?;
        Ok(Lines { body: response.into_body(), held: Vec::new(), last: None })
    }

    async fn open(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response<Incoming>, Error> {
        let bytes = match body {
            Some(body) => serde_json::to_vec(body).map_err(|e| Error::Broken(e.to_string()))?,
            None => Vec::new(),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, self.host())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(bytes)))
            .map_err(|e| Error::Broken(e.to_string()))?;
        self.exchange(request).await
    }

    /// Sends a request on a connection of its own. The answer is one of success.
    async fn exchange<B>(&self, mut request: Request<B>) -> Result<Response<Incoming>, Error>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let broken = |e: hyper::Error| Error::Broken(e.to_string());
        if let Way::Far(server) = &self.way
            && let Some(bearer) = &server.bearer
        {
            request.headers_mut().insert(header::AUTHORIZATION, bearer.clone());
        }
        let io = TokioIo::new(self.connect().await?);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(io).await.map_err(broken)?;
        // Ends by itself when the answer is read or dropped.
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(broken)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = Limited::new(response.into_body(), LINE_MAX).collect().await;
        let bytes = body.map_err(|e| Error::Broken(e.to_string()))?.to_bytes();
        Err(match serde_json::from_slice(&bytes) {
            Ok(problem) => Error::Problem(problem),
            Err(_) => Error::Broken(format!("the server says {status}")),
        })
    }
}

impl Client {
    async fn connect(&self) -> Result<Box<dyn far::Stream>, Error> {
        let socket = match &self.way {
            Way::Far(server) => return server.connect().await,
            Way::Socket(socket) => socket,
        };
        let not_reached = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::PermissionDenied => Error::NotAllowed(socket.clone()),
            _ => Error::NotReached { at: socket.display().to_string(), why: plain(&e) },
        };
        let stream = UnixStream::connect(socket).await.map_err(not_reached)?;
        Ok(Box::new(stream))
    }
}

/// An answer of JSON, read to its end.
async fn whole<T: DeserializeOwned>(response: Response<Incoming>) -> Result<T, Error> {
    let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
    let bytes = body.map_err(|e| Error::Broken(e.to_string()))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|e| Error::Broken(e.to_string()))
}

fn plain(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        std::io::ErrorKind::ConnectionRefused => "nobody listens there any more".to_owned(),
        _ => e.to_string(),
    }
}

/// An answer that comes line by line. Dropping it tells the server to stop.
#[derive(Debug)]
pub struct Lines {
    body: Incoming,
    held: Vec<u8>,
    /// The id of the event that was told last.
    last: Option<String>,
}

impl Lines {
    /// The next line; `None` at the end. Empty lines are left out.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        loop {
            if let Some(end) = self.held.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if line.is_empty() {
                    continue;
                }
                return Ok(Some(line));
            }
            if self.held.len() > LINE_MAX {
                return Err(Error::Broken("a line without end".to_owned()));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(e)) => return Err(Error::Broken(e.to_string())),
                Some(Ok(frame)) => self.held.extend(frame.data_ref().into_iter().flatten()),
            }
        }
    }

    /// The next thing that a stream of events (SSE) tells.
    pub async fn event(&mut self) -> Result<Option<Line>, Error> {
        while let Some(line) = self.next().await? {
            // `event:` and comments that keep the connection alive are passed over.
            if let Some(id) = line.strip_prefix("id:") {
                self.last = Some(id.trim().to_owned());
            }
            if let Some(data) = line.strip_prefix("data:") {
                return parse(data).map(Some);
            }
        }
        Ok(None)
    }

    /// The id of the event that was told last: where to go on after the connection broke.
    pub fn last_id(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// The next object of a stream of lines (NDJSON).
    pub async fn object<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        match self.next().await? {
            Some(line) => parse(&line).map(Some),
            None => Ok(None),
        }
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|e| Error::Broken(e.to_string()))
}
