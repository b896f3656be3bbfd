//! Reads what came in a request: JSON of a known shape, at most a megabyte, no field unknown.

use crate::Problem;
use crate::contract::arrays;
use axum::extract::{FromRequest, Query, Request};
use axum::http::Uri;
use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The largest body that is taken.
pub const BODY_MAX: usize = 1 << 20;

/// It has to be there within this.
const BODY_WAIT: Duration = Duration::from_secs(30);
/// Brackets within brackets.
const DEPTH_MAX: usize = 64;
/// The largest body of a request that is of many things: two hundred thousand machines.
pub const LARGE_MAX: usize = 64 << 20;

/// A body of JSON.
pub struct Json<T>(pub T);

/// A body of JSON that may be large.
pub struct Large<T>(pub T);

impl<T: DeserializeOwned + JsonSchema, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = whole(request, BODY_MAX).await?;
        let wish = parse(&bytes)?;
        // What is JSON of this shape is JSON.
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        match arrays::misplaced::<T>(&body) {
            Some(place) => {
                let shown = model::text::show(place.as_bytes());
                Err(Problem::malformed(format!("{shown} takes an object, not a list")))
            }
            None => Ok(Self(wish)),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Large<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = whole(request, LARGE_MAX).await?;
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(Problem::malformed("the body takes an object, not a list"));
        }
        parse(&bytes).map(Self)
    }
}

/// What an HTML form sends (`application/x-www-form-urlencoded`).
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = whole(request, BODY_MAX).await?;
        // A form has the syntax of a query.
        let text = String::from_utf8_lossy(&bytes);
        let uri = Uri::try_from(format!("/?{text}"));
        let uri = uri.map_err(|e| Problem::malformed(format!("this is no form: {e}")))?;
        let Query(form) = Query::try_from_uri(&uri)
            .map_err(|e| Problem::malformed(format!("this is not the form: {e}")))?;
        Ok(Self(form))
    }
}

/// All of a body, if it is small enough and comes in time.
pub(crate) async fn whole(request: Request, most: usize) -> Result<Bytes, Problem> {
    let body = Limited::new(request.into_body(), most).collect();
    let slow = |_| Problem::malformed(format!("no whole request in {} s", BODY_WAIT.as_secs()));
    let body = tokio::time::timeout(BODY_WAIT, body).await.map_err(slow)?;
    let body = body.map_err(|e| {
        if e.downcast_ref::<http_body_util::LengthLimitError>().is_some() {
            Problem::too_large(format!("a request may have {most} bytes"))
        } else {
            Problem::malformed(format!("the request broke off: {e}"))
        }
    })?;
    Ok(body.to_bytes())
}

/// Whether brackets are nested deeper than anything of ours is. Strings are passed over.
fn is_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

/// JSON of this shape; an unknown field at any depth is an error that names it.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if is_deep(bytes) {
        return Err(Problem::malformed(format!("the body is nested deeper than {DEPTH_MAX}")));
    }
    let mut unknown: Option<String> = None;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_ignored::deserialize(&mut json, |path| {
        unknown.get_or_insert_with(|| path.to_string());
    })
    .map_err(|e| Problem::malformed(format!("the body is not what this address takes: {e}")))?;
    json.end().map_err(|e| Problem::malformed(format!("something follows the JSON: {e}")))?;
    match unknown {
        Some(field) => {
            let shown = model::text::show(field.as_bytes());
            Err(Problem::malformed(format!("unknown field `{shown}`")))
        }
        None => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::menu::Menu;

    #[test]
    fn an_unknown_field_is_refused_at_any_depth() {
        let good = br#"{"entries":[{"key":"a","title":"A","choice":"local-disk"}]}"#;
        assert_eq!(parse::<Menu>(good).unwrap().entries.len(), 1);
        let wrong = br#"{"entries":[{"key":"a","titel":"A","title":"A","choice":"local-disk"}]}"#;
        assert!(parse::<Menu>(wrong).unwrap_err().detail.contains("titel"));
        assert_eq!(parse::<Menu>(b"{} x").unwrap_err().status, 400);
        let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
        assert!(parse::<serde_json::Value>(deep.as_bytes()).unwrap_err().detail.contains("deeper"));
        let quoted = format!("\"{}\\\"{}\"", "[".repeat(99), "{".repeat(99));
        assert!(parse::<serde_json::Value>(quoted.as_bytes()).is_ok());
    }
}
