//! Reads what came in a request: JSON of a known shape, at most a megabyte, no field unknown.

use crate::Problem;
use axum::extract::{FromRequest, Request};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;

/// The largest body that is taken.
pub const BODY_MAX: usize = 1 << 20;

/// The largest body of a request that is of many things: two hundred thousand machines.
pub const LARGE_MAX: usize = 64 << 20;

/// A body of JSON.
pub struct Json<T>(pub T);

/// A body of JSON that may be large.
pub struct Large<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request, BODY_MAX).await.map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Large<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request, LARGE_MAX).await.map(Self)
    }
}

async fn read<T: DeserializeOwned>(request: Request, most: usize) -> Result<T, Problem> {
    let body = Limited::new(request.into_body(), most).collect().await;
    let bytes = body.map_err(|e| {
        if e.downcast_ref::<http_body_util::LengthLimitError>().is_some() {
            Problem::too_large(format!("a request may have {most} bytes"))
        } else {
            Problem::malformed(format!("the request broke off: {e}"))
        }
    })?;
    parse(&bytes.to_bytes())
}

/// JSON of this shape; an unknown field at any depth is an error that names it.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
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
    }
}
