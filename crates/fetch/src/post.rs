//! A short message to a URL, by POST.
//!
//! In: a place, fields and a body, how long it may take in all. Out: the status that came back. Never: a
//! redirect followed, the body of an answer given to anybody: an operator who may name a URL must not read
//! by it what only this server can reach.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, header};
use thiserror::Error;
use tokio::time::timeout;

use crate::address::{Kind, not_public};
use crate::connect::{Connection, connect};
use crate::error::{FetchError, shown};
use crate::exchange::{AGENT, words};
use crate::place::Place;
use crate::policy::Policy;

/// An answer's body is read and thrown away up to so many bytes: a receiver that is cut off in the middle
/// of a short answer complains in its log.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// And for so long.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// A message arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Posted {
    /// The status of the answer.
    pub status: u16,
    /// The same with its words, for people: `404 Not Found`.
    pub shown: String,
    /// Where the receiver sends on to, if it does, as far as the host: a path may be a secret.
    pub sends_on: Option<String>,
    /// From the name's look-up to the head of the answer.
    pub took: Duration,
}

/// Why no answer came. None shows more of the URL than its host.
#[derive(Debug, Error)]
pub enum PostError {
    /// The name leads inside, and that is not allowed or leads to nobody.
    #[error("{host} has the address {address}, which is {kind}")]
    NotPublic {
        /// The host.
        host: String,
        /// Its address.
        address: String,
        /// What that address is for.
        kind: &'static str,
        /// Whether allowing private addresses would let it be reached.
        may_be_allowed: bool,
    },
    /// No connection: name, network or certificate.
    #[error("{0}")]
    NotReached(FetchError),
    /// The whole took too long.
    #[error("{host} did not answer within {} s", within.as_secs())]
    Slow {
        /// The host and port.
        host: String,
        /// What was allowed.
        within: Duration,
    },
    /// What came back is no answer.
    #[error("{host} took the connection and gave no answer: {why}")]
    Broken {
        /// The host and port.
        host: String,
        /// What it did.
        why: String,
    },
}

/// Sends a message, and waits at most `within` for the head of the answer.
pub async fn post(
    place: &Place,
    policy: &Policy,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
    within: Duration,
) -> Result<Posted, PostError> {
    let began = Instant::now();
    let slow = |_| PostError::Slow { host: place.authority(), within };
    let answer = timeout(within, exchange(place, policy, headers, body)).await;
    let (answer, connection) = answer.map_err(slow)??;
    let took = began.elapsed();
    let (head, rest) = answer.into_parts();
    // The answer counts, however its body ends.
    drop(timeout(ANSWER_WAIT, throw_away(rest)).await);
    drop(connection);
    let sends_on = head.headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
    Ok(Posted {
        status: head.status.as_u16(),
        shown: head.status.to_string(),
        sends_on: sends_on.filter(|_| head.status.is_redirection()).map(|to| host_of(place, to)),
        took,
    })
}

/// Why a URL whose host is an address can never be posted to; none if it can, or if it has a name, whose
/// addresses are known only when it is looked up.
pub fn refused_at_once(place: &Place, allow_private: bool) -> Option<PostError> {
    let address = place.address()?;
    let kind = not_public(address)?;
    let may_be_allowed = matches!(kind, Kind::Internal(_));
    if allow_private && may_be_allowed {
        return None;
    }
    let (host, address, kind) = (place.host().to_owned(), address.to_string(), kind.words());
    Some(PostError::NotPublic { host, address, kind, may_be_allowed })
}

async fn exchange(
    place: &Place,
    policy: &Policy,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<(Response<Incoming>, Connection), PostError> {
    let broken = |why: String| PostError::Broken { host: place.authority(), why };
    let mut connection = connect(place, policy).await.map_err(not_reached)?;
    let mut request = Request::post(place.path())
        .header(header::HOST, place.authority())
        .header(header::USER_AGENT, AGENT)
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::from(body)).map_err(|cause| broken(cause.to_string()))?;
    let answer = connection.sender.send_request(request).await;
    answer.map(|answer| (answer, connection)).map_err(|cause| broken(words(&cause)))
}

/// Where a `Location` leads, without its path: often that is the same secret path with a slash behind it.
fn host_of(place: &Place, location: &str) -> String {
    match place.join(location) {
        Ok(next) if next.is_tls() == place.is_tls() && next.authority() == place.authority() => {
            "another path there".to_owned()
        }
        Ok(next) => {
            let scheme = if next.is_tls() { "https" } else { "http" };
            shown(&format!("{scheme}://{}", next.authority()))
        }
        Err(_) => "a place that is no URL".to_owned(),
    }
}

fn not_reached(error: FetchError) -> PostError {
    match error {
        FetchError::NotPublic { host, address, kind, hint } => {
            PostError::NotPublic { host, address, kind, may_be_allowed: !hint.is_empty() }
        }
        other => PostError::NotReached(other),
    }
}

async fn throw_away(mut body: Incoming) {
    let mut read = 0;
    while read < ANSWER_BYTES_MAX {
        match body.frame().await {
            Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}
