//! One request and its response, redirects followed as far as the policy allows.
//!
//! In: a place, from which byte on, the policy. Out: status, the fields that count, the body to be read.
//! Never: a body in a coding that changes its bytes, a redirect from HTTPS to HTTP.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::time::timeout;

use crate::connect::{Connection, connect};
use crate::error::{FetchError, shown};
use crate::place::Place;
use crate::policy::{Policy, Redirects};

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 5;
/// Who we say we are.
pub(crate) const AGENT: &str = concat!("bootwright/", env!("CARGO_PKG_VERSION"));

/// Where to go on, and which version was begun.
#[derive(Clone, Debug)]
pub(crate) struct From {
    /// The first byte that is wanted.
    pub(crate) byte: u64,
    /// The ETag or date of the version that the bytes before are of.
    pub(crate) version: String,
    /// Whether all bytes are there, so that only another version is wanted.
    pub(crate) whole: bool,
}

/// A response whose body was not read.
pub(crate) struct Exchange {
    /// Who answered, after redirects.
    pub(crate) place: Place,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    // The connection lives as long as its body is read.
    _connection: Connection,
}

/// Asks for a place.
pub(crate) async fn get(
    place: &Place,
    from: Option<&From>,
    policy: &Policy,
) -> Result<Exchange, FetchError> {
    let mut place = place.clone();
    for _ in 0..=MAX_REDIRECTS {
        let (response, connection) = ask(&place, from, policy).await?;
        let (head, body) = response.into_parts();
        let Some(location) = redirect(&place, head.status, &head.headers)? else {
            let exchange = Exchange {
                place,
                status: head.status,
                headers: head.headers,
                body,
                _connection: connection,
            };
            return exchange.with_plain_body();
        };
        let next = place.join(&location)?;
        may_follow(&place, &next, policy)?;
        place = next;
    }
    let why = format!("more than {MAX_REDIRECTS} times, perhaps in a circle");
    Err(FetchError::BadRedirect { from: place.to_string(), why })
}

async fn ask(
    place: &Place,
    from: Option<&From>,
    policy: &Policy,
) -> Result<(Response<Incoming>, Connection), FetchError> {
    let mut connection = connect(place, policy).await?;
    let mut request = Request::get(place.path())
        .header(header::HOST, place.authority())
        .header(header::USER_AGENT, AGENT)
        .header(header::ACCEPT, "*/*")
        // The bytes as they are: sums and ranges are of those.
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close");
    if let Some(from) = from.filter(|from| from.whole) {
        let name = match from.version.starts_with('"') {
            true => header::IF_NONE_MATCH,
            false => header::IF_MODIFIED_SINCE,
        };
        request = request.header(name, from.version.clone());
    } else if let Some(from) = from {
        request = request
            .header(header::RANGE, format!("bytes={}-", from.byte))
            .header(header::IF_RANGE, from.version.clone());
    }
    let url = place.to_string();
    let request = request
        .body(Full::<Bytes>::default())
        .map_err(|cause| FetchError::Url { url: url.clone(), why: cause.to_string() })?;
    let answer = timeout(policy.idle_max, connection.sender.send_request(request)).await;
    match answer {
        Ok(Ok(response)) => Ok((response, connection)),
        Ok(Err(cause)) if cause.is_parse() => Err(FetchError::Broken { url, why: words(&cause) }),
        Ok(Err(cause)) => Err(FetchError::CutShort { url, why: words(&cause), kept: kept(from) }),
        Err(_) => Err(FetchError::Idle { url, after: policy.idle_max, kept: kept(from) }),
    }
}

fn kept(from: Option<&From>) -> u64 {
    from.map_or(0, |from| from.byte)
}

/// Where a response sends on to; none if it does not.
fn redirect(
    place: &Place,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<String>, FetchError> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    match text(headers, &header::LOCATION) {
        Some(location) => Ok(Some(location)),
        None => {
            let why = "without saying where to".to_owned();
            Err(FetchError::BadRedirect { from: place.to_string(), why })
        }
    }
}

fn may_follow(from: &Place, to: &Place, policy: &Policy) -> Result<(), FetchError> {
    if from.is_tls() && !to.is_tls() {
        let why = format!(
            "from https to {}, where anybody on the way could change the bytes",
            shown(&to.to_string())
        );
        return Err(FetchError::BadRedirect { from: from.to_string(), why });
    }
    if from.is_same_host(to) || policy.redirects == Redirects::AnyHost {
        return Ok(());
    }
    Err(FetchError::NewHost { from: from.to_string(), to: shown(&to.to_string()) })
}

impl Exchange {
    /// The next bytes; none at the body's true end. `kept` says for the error how many are safe.
    pub(crate) async fn next(
        &mut self,
        policy: &Policy,
        kept: u64,
    ) -> Result<Option<Bytes>, FetchError> {
        loop {
            let url = || self.place.to_string();
            let frame = match timeout(policy.idle_max, self.body.frame()).await {
                Err(_) => {
                    return Err(FetchError::Idle { url: url(), after: policy.idle_max, kept });
                }
                Ok(None) => return Ok(None),
                Ok(Some(Err(cause))) => {
                    return Err(FetchError::CutShort { url: url(), why: words(&cause), kept });
                }
                Ok(Some(Ok(frame))) => frame,
            };
            // Trailers say nothing that counts here.
            if let Ok(bytes) = frame.into_data()
                && !bytes.is_empty()
            {
                return Ok(Some(bytes));
            }
        }
    }

    /// How many bytes the body is promised to have.
    pub(crate) fn length(&self) -> Option<u64> {
        text(&self.headers, &header::CONTENT_LENGTH)?.parse().ok()
    }

    /// Whether the body says itself where it ends: by its length or in chunks.
    pub(crate) fn has_an_end(&self) -> bool {
        self.length().is_some() || self.headers.contains_key(header::TRANSFER_ENCODING)
    }

    /// A field's text, if it is one.
    pub(crate) fn field(&self, name: &HeaderName) -> Option<String> {
        text(&self.headers, name)
    }

    /// Why the status is none of a file.
    pub(crate) fn refusal(&self) -> FetchError {
        let hint = match self.status.as_u16() {
            401 | 403 | 407 => {
                "it wants a login or does not let this server in; use a place that is open to all"
            }
            404 | 410 => {
                "there is no such file; check the URL, or look whether a newer version took its place"
            }
            416 => "it does not have the bytes that were asked for",
            429 | 503 => "it is busy; try again later",
            500..=599 => "it has a fault of its own; try again later or use another mirror",
            _ => "that is no file; check the URL",
        };
        FetchError::Status { url: self.place.to_string(), status: self.status.to_string(), hint }
    }

    fn with_plain_body(self) -> Result<Self, FetchError> {
        match text(&self.headers, &header::CONTENT_ENCODING) {
            Some(coding) if !coding.eq_ignore_ascii_case("identity") => {
                let why = format!(
                    "it sends the body coded as `{}`, which was not asked for",
                    shown(&coding)
                );
                Err(FetchError::Broken { url: self.place.to_string(), why })
            }
            _ => Ok(self),
        }
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned)
}

/// What hyper says, with what it rests on.
pub(crate) fn words(cause: &hyper::Error) -> String {
    let mut words = cause.to_string();
    let mut below = std::error::Error::source(cause);
    // A chain of causes is short; hyper's has three at most.
    for _ in 0..4 {
        let Some(cause) = below else { break };
        words = format!("{words}: {cause}");
        below = cause.source();
    }
    words
}
