//! Files that operators send in pieces. This is the one place where a body may be larger than
//! [`crate::body::BODY_MAX`]: it goes to disk as it comes.

use super::{Asked, Dry};
use crate::contract::shape::{Said, Shape, Takes};
use crate::doing::blocking;
use crate::types::{Done, UploadView, UploadWish};
use crate::{Problem, body};
use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use library::upload::Appending;
use library::{Announced, Blobs, Upload, UploadError, Uploads};
use model::{Hash, Now};
use std::sync::Arc;
use std::time::Duration;

/// Says where the next byte goes, in requests and answers.
pub const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// Says in answers how many bytes were announced.
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// Bytes gathered before they are written.
const GATHER_BYTES: usize = 1 << 20;
/// Longest wait without a byte; what came is kept.
const IDLE_MAX: Duration = Duration::from_secs(120);

/// What these routes need of the house.
#[derive(Clone)]
pub struct Desk {
    /// The store below whose `incoming/` uploads are kept.
    pub blobs: Arc<Blobs>,
    /// The moment, by the clock of the wall: uploads outlive a run.
    pub now: fn() -> Now,
}

impl Desk {
    /// Works on the uploads where waiting for a disk is allowed.
    async fn uploads<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Uploads, Now) -> Result<R, UploadError> + Send + 'static,
    ) -> Result<R, Problem> {
        let (blobs, now) = (Arc::clone(&self.blobs), (self.now)());
        let done = blocking(move || Uploads::of(&blobs).and_then(|uploads| work(&uploads, now)));
        done.await?.map_err(Problem::from)
    }
}

pub async fn list(State(desk): State<Desk>) -> Result<Json<Vec<UploadView>>, Problem> {
    let all = desk.uploads(|uploads, now| {
        uploads.expire(now)?;
        uploads.list()
    });
    Ok(Json(all.await?.iter().map(UploadView::from).collect()))
}

pub async fn create(
    State(desk): State<Desk>,
    body::Json(wish): body::Json<UploadWish>,
) -> Result<Said<Json<UploadView>>, Problem> {
    let sha256: Option<Result<Hash, String>> = wish.sha256.map(|text| text.parse());
    let sha256 = sha256.transpose().map_err(Problem::malformed)?;
    let announced = Announced { name: wish.name, size: wish.size, sha256 };
    desk.uploads(|uploads, now| uploads.create(announced, now)).await.map(|upload| stands(&upload))
}

pub async fn show(
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Said<Json<UploadView>>, Problem> {
    desk.uploads(move |uploads, _| uploads.show(&id)).await.map(|upload| stands(&upload))
}

pub async fn remove(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let upload = desk.uploads(move |uploads, _| {
        let upload = uploads.show(&id)?;
        if !dry.dry_run {
            uploads.remove(&id)?;
        }
        Ok(upload)
    });
    let upload = upload.await?;
    let name = model::text::show(upload.announced.name.as_bytes());
    let says =
        format!("the upload of {name}, {} of {} bytes", upload.offset, upload.announced.size);
    Ok(Json(Done { says, done: !dry.dry_run }))
}

/// Which byte of the upload comes first in a request.
pub struct Offset(u64);

impl<S: Sync> FromRequestParts<S> for Offset {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        number(&parts.headers, &OFFSET).map(Self).ok_or_else(|| {
            Problem::malformed("the header Upload-Offset must say which byte comes first")
                .hint("ask for the upload: it says where to go on")
        })
    }
}

impl Takes for Offset {
    fn say(shape: &mut Shape) {
        shape.header = Some(("Upload-Offset", "Which byte of the upload comes first."));
    }
}

pub async fn append(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Offset(offset): Offset,
    headers: HeaderMap,
    body: Body,
) -> Result<Said<Json<UploadView>>, Response> {
    let (blobs, of) = (Arc::clone(&desk.blobs), id);
    let opened = blocking(move || Uploads::of(&blobs)?.append(&of, offset)).await;
    let appending = opened.map_err(Problem::into_response)?.map_err(refusal)?;
    if let Some(length) =
        number(&headers, &header::CONTENT_LENGTH).filter(|l| *l > appending.awaited())
    {
        let awaited = appending.awaited();
        let why = format!("{length} bytes are to come, but only {awaited} are missing");
        return Err(Problem::too_large(why).into_response());
    }
    // A task of its own: what came is made safe even when the sender is gone and with it this answer.
    let received = tokio::spawn(receive(appending, body, desk.now)).await;
    match received {
        Ok(Ok(upload)) => Ok(stands(&upload)),
        Ok(Err(response)) => Err(*response),
        Err(e) => Err(Problem::failed(format!("a bug in the server stopped this request: {e}"))
            .into_response()),
    }
}

/// Writes a body to disk as it comes, and makes what came safe however it ends.
async fn receive(
    mut to: Appending,
    mut body: Body,
    now: fn() -> Now,
) -> Result<Upload, Box<Response>> {
    let mut gathered: Vec<u8> = Vec::with_capacity(GATHER_BYTES);
    let mut ended: Option<Problem> = None;
    loop {
        let more = match tokio::time::timeout(IDLE_MAX, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                gathered.extend(frame.data_ref().into_iter().flatten());
                true
            }
            Ok(None) => false,
            Ok(Some(Err(e))) => {
                ended = Some(Problem::malformed(format!("the request broke off: {e}")));
                false
            }
            Err(_) => {
                let why = format!("no byte came for {} s", IDLE_MAX.as_secs());
                ended = Some(Problem::malformed(why).hint("send the rest: what came is kept"));
                false
            }
        };
        if gathered.len() >= GATHER_BYTES || !more {
            let work = move || {
                let written = to.write(&gathered, now());
                gathered.clear();
                (to, gathered, written)
            };
            let written;
            (to, gathered, written) =
                blocking(work).await.map_err(|p| Box::new(p.into_response()))?;
            if let Err(why) = written {
                ended = Some(why.into());
            }
        }
        if !more || ended.is_some() {
            break;
        }
    }
    let finished =
        blocking(move || to.finish(now())).await.map_err(|p| Box::new(p.into_response()))?;
    let upload = finished.map_err(|why| Box::new(refusal(why)))?;
    match ended {
        None => Ok(upload),
        Some(problem) => Err(Box::new(at(upload.offset, problem))),
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// How an upload stands.
fn stands(upload: &Upload) -> Said<Json<UploadView>> {
    let fields = [
        (OFFSET, HeaderValue::from(upload.offset)),
        (LENGTH, HeaderValue::from(upload.announced.size)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Said::new((fields, Json(UploadView::from(upload))))
}

/// A problem, with where to go on.
fn at(offset: u64, problem: Problem) -> Response {
    let mut response = problem.into_response();
    response.headers_mut().insert(OFFSET, HeaderValue::from(offset));
    response
}

fn refusal(why: UploadError) -> Response {
    match why {
        UploadError::WrongOffset { is, .. } => at(is, why.into()),
        UploadError::Differs { .. } => at(0, why.into()),
        _ => Problem::from(why).into_response(),
    }
}

impl From<UploadError> for Problem {
    fn from(why: UploadError) -> Self {
        let words = why.to_string();
        match why {
            UploadError::Unknown { .. } => Self::missing(words),
            UploadError::BadName { .. } | UploadError::Differs { .. } => Self::malformed(words),
            UploadError::TooLarge { .. } | UploadError::TooMuch { .. } => Self::too_large(words),
            UploadError::NoRoom { .. }
            | UploadError::TooMany { .. }
            | UploadError::WrongOffset { .. }
            | UploadError::Busy { .. }
            | UploadError::NotWhole { .. } => Self::refused(words),
            UploadError::Disk { .. } | UploadError::Chance(_) => Self::failed(words),
        }
    }
}

#[cfg(test)]
mod tests;
