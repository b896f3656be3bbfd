//! ETags: what somebody saw goes back with his change, and the change is made if it still is so.
//!
//! In: a route, a request's path, `If-Match` and `If-None-Match`. Out: the tag of what a `GET` answers; what
//! a change expects, to be judged by the owner in the same step as the change. Never: a look before the
//! change that something could come after.

use crate::{House, Problem};
use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use engine::tag::{Expectation, Seen, Thing};
use model::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Tags in one header.
const TAGS_MAX: usize = 16;

/// What the first command of a request expects. Later ones see what the first has done.
#[derive(Clone, Debug, Default)]
pub struct Expects(Arc<Mutex<Option<Expectation>>>);

impl Expects {
    fn new(expectation: Option<Expectation>) -> Self {
        Self(Arc::new(Mutex::new(expectation)))
    }

    /// What is expected, once.
    pub(crate) fn take(&self) -> Option<Expectation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whether the thing itself is what a route answers with, or sets: not something below it.
pub fn is_tagged(path: &str) -> bool {
    matches!(
        path,
        "/api/v1/machines/{machine}"
            | "/api/v1/profiles/{name}"
            | "/api/v1/templates/{name}"
            | "/api/v1/rules"
            | "/api/v1/menu"
            | "/api/v1/webhooks/{name}"
            | "/api/v1/users/{user}"
    )
}

/// Whether a route does something to the world instead of carrying a command to the owner, who alone
/// compares.
fn acts(path: &str) -> bool {
    matches!(
        path,
        "/api/v1/machines/{machine}/wake"
            | "/api/v1/machines/{machine}/power/certificate"
            | "/api/v1/machines/{machine}/power/boot"
            | "/api/v1/machines/{machine}/power/{action}"
            | "/api/v1/webhooks/{name}/test"
    )
}

/// What a request of this route is about.
async fn thing(path: &str, parts: &mut Parts) -> Option<Thing> {
    if acts(path) {
        return None;
    }
    if path == "/api/v1/menu" {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, &()).await.ok()?;
        let network = query.0.into_iter().find(|(key, _)| key == "network");
        return Some(Thing::Menu(network.map(|(_, network)| network)));
    }
    if path == "/api/v1/rules" {
        return Some(Thing::Rules);
    }
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    let (_, named) = params.iter().next()?;
    let named = named.to_owned();
    let thing = match path.strip_prefix("/api/v1/")?.split('/').next()? {
        "machines" => Thing::Machine(named),
        "profiles" => Thing::Profile(named),
        "templates" => Thing::Template(named),
        "webhooks" => Thing::Webhook(named),
        "users" => Thing::User(named),
        _ => return None,
    };
    Some(thing)
}

/// The tag of what a `GET` is about to read. Looked at before, so that it never says more than was read.
pub async fn of_answer(
    house: &House,
    path: &str,
    parts: &mut Parts,
) -> Result<Option<HeaderValue>, Problem> {
    if parts.method != Method::GET || !is_tagged(path) {
        return Ok(None);
    }
    let Some(thing) = thing(path, parts).await else { return Ok(None) };
    let tag = house.site.ask(move |engine, _| engine.tag(&thing)).await?;
    Ok(tag.and_then(|tag| HeaderValue::from_str(&format!("\"{tag}\"")).ok()))
}

/// What a change expects.
pub async fn expected(path: &str, parts: &mut Parts) -> Result<Expects, Problem> {
    // Who only reads changes nothing: an old copy is answered by a new one.
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(Expects::default());
    }
    let is = match (
        seen(&parts.headers, &header::IF_MATCH)?,
        seen(&parts.headers, &header::IF_NONE_MATCH)?,
    ) {
        (None, None) => return Ok(Expects::default()),
        (Some(is), None) => is,
        (None, Some(Seen::There)) => Seen::Nowhere,
        (None, Some(_)) => {
            return Err(Problem::malformed("If-None-Match takes * alone in a change"));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::malformed("If-Match and If-None-Match do not go together"));
        }
    };
    match thing(path, parts).await {
        Some(of) => Ok(Expects::new(Some(Expectation { of, is }))),
        // Better no change at all than one that nobody compared.
        None => Err(Problem::malformed("nothing at this address has an ETag to be compared with")
            .hint("leave If-Match and If-None-Match out")),
    }
}

/// `*`, or tags as we give them. A weak one, or one of somebody else, fits nothing (RFC 9110, 13.1.1).
fn seen(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Seen>, Problem> {
    let mut texts = Vec::new();
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| Problem::malformed(format!("{name} is no ETag")))?;
        texts.extend(text.split(',').map(str::trim).filter(|text| !text.is_empty()));
    }
    if texts.is_empty() {
        return Ok(None);
    }
    if texts.len() > TAGS_MAX {
        return Err(Problem::malformed(format!("{name} takes {TAGS_MAX} tags at most")));
    }
    if texts == ["*"] {
        return Ok(Some(Seen::There));
    }
    let tag =
        |text: &&str| -> Option<Hash> { text.strip_prefix('"')?.strip_suffix('"')?.parse().ok() };
    Ok(Some(Seen::As(texts.iter().filter_map(tag).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &'static str) -> HeaderMap {
        [(header::IF_MATCH, HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn tags_are_read_as_they_are_given_and_others_fit_nothing() {
        let hash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        let both: &'static str = Box::leak(format!("\"{hash}\", W/\"x\"").into_boxed_str());
        let read = |value| seen(&headers(value), &header::IF_MATCH).unwrap();
        assert_eq!(read(both), Some(Seen::As(vec![hash.parse().unwrap()])));
        assert_eq!(read("*"), Some(Seen::There));
        assert_eq!(read("\"of somebody else\""), Some(Seen::As(Vec::new())));
        assert_eq!(seen(&HeaderMap::new(), &header::IF_MATCH).unwrap(), None);
    }
}
