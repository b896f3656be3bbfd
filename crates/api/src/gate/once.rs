//! Has what has an `Idempotency-Key` done once: the header's way through the gate.

use super::repeats::{ANSWER_MAX, KEY, KEY_MAX, Kept, Known, REPLAYED, without_secrets};
use crate::asker::Asker;
use crate::body::{LARGE_MAX, whole};
use crate::{House, Problem};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use model::Hash;
use sha2::{Digest, Sha256};

/// The key of a request, if it has one.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(KEY) else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY_MAX);
    let wrong = || Problem::malformed(format!("Idempotency-Key takes 1 to {KEY_MAX} letters"));
    key.map(|key| Some(key.to_owned())).ok_or_else(wrong)
}

/// Has a request answered that came under a key, or gives the answer that it got before.
pub async fn once(
    house: &House,
    asker: &Asker,
    key: String,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = whole(Request::new(body), LARGE_MAX).await?;
    let mut print = Sha256::new();
    for part in [parts.method.as_str(), &parts.uri.to_string(), ""] {
        print.update(part.as_bytes());
        print.update([0]);
    }
    print.update(&body);
    let (print, who) = (Hash(print.finalize().into()), asker.by.name.clone());
    match house.door.repeats().begin(house.site.now(), (&who, &key), print) {
        Known::New => {}
        Known::Done(kept) => return replayed(kept),
        Known::Running => {
            return Err(Problem::refused(
                "the request with this Idempotency-Key is being carried out",
            )
            .hint("ask again in a moment"));
        }
        Known::Other => {
            let why = "this Idempotency-Key stood for another request";
            return Err(
                Problem::unfit(why).hint("take a new key for each thing that is to be done")
            );
        }
        Known::Full => {
            return Err(Problem::too_often("too many requests with an Idempotency-Key at once"));
        }
    }
    let request = Request::from_parts(parts, Body::from(body));
    // A task of its own: it comes to its end, and its answer is kept, even when who asked is gone.
    let (door, of) = (house.door.clone(), key.clone());
    let task = tokio::spawn(async move {
        let (response, kept) = taken_down(next.run(request).await).await;
        door.repeats().end((&who, &of), kept);
        response
    });
    task.await.map_err(|e| {
        house.door.repeats().end((&asker.by.name, &key), None);
        Problem::failed(format!("a bug in the server stopped this request: {e}"))
    })
}

/// An answer, and what is kept of it. What did not work for reasons of ours may be tried again.
async fn taken_down(response: Response) -> (Response, Option<Kept>) {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(all) => all.to_bytes(),
        Err(e) => return (Problem::failed(e.to_string()).into_response(), None),
    };
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let kept = Kept {
        status: status.as_u16(),
        media: media.unwrap_or_default().to_owned(),
        body: Some(bytes.as_ref())
            .filter(|bytes| bytes.len() <= ANSWER_MAX)
            .and_then(without_secrets),
    };
    (Response::from_parts(parts, Body::from(bytes)), Some(kept))
}

fn replayed(kept: Kept) -> Result<Response, Problem> {
    let Some(body) = kept.body else {
        return Err(Problem::refused("it was done before, and its answer was too long to be kept")
            .hint("look at what it was to make"));
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or_default();
    if let Ok(media) = HeaderValue::from_str(&kept.media) {
        response.headers_mut().insert(header::CONTENT_TYPE, media);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
