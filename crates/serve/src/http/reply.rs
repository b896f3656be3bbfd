//! Responses: their fields, their bodies, and what is told of them.

use super::range::Part;
use super::watch::Watch;
use crate::meter::{About, Meter};
use crate::owner::{Bytes, Owner};
use crate::source::{PIECE, Source};
use engine::Served;
use http_body::{Frame, SizeHint};
use hyper::body::Body as HttpBody;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};
use model::Now;
use model::plan::Why;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The first piece is small, so that the first byte is quick.
const FIRST_PIECE: u64 = 64 * 1024;
/// A range at least so long is told of like a whole file; shorter ones are block reads of a disk.
const TOLD_FROM_BYTES: u64 = 4 * 1024 * 1024;
/// When to ask again, in seconds, while the store does not answer. iPXE waits for that long.
const RETRY_AFTER: &str = "5";

/// A strong entity tag: the hash, which names these bytes and no others.
pub(super) fn entity_tag(what: &Served) -> Option<String> {
    match what {
        Served::Text(_) => None,
        Served::Blob { sha256, .. } => Some(format!("\"{sha256}\"")),
    }
}

/// A file ready to be sent.
pub(super) struct File<B> {
    pub(super) source: Source<B>,
    pub(super) media: &'static str,
    pub(super) tag: Option<String>,
    pub(super) about: About,
    pub(super) asked: Now,
}

/// Makes the response to one request.
pub(super) struct Reply {
    watch: Arc<Watch>,
}

impl Reply {
    pub(super) fn new(watch: Arc<Watch>) -> Self {
        Self { watch }
    }

    /// A few words.
    pub(super) fn text<O: Owner, B: Bytes>(
        self,
        status: StatusCode,
        text: &str,
    ) -> Response<Body<O, B>> {
        let body = Body::of_text(self.watch, text.as_bytes());
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response
            .with(header::CONTENT_LENGTH, &text.len().to_string())
            .with(header::CONTENT_TYPE, "text/plain")
            .with(header::CACHE_CONTROL, "no-store")
    }

    /// What the owner would not give.
    pub(super) fn refusal<O: Owner, B: Bytes>(self, why: &Why) -> Response<Body<O, B>> {
        match why {
            Why::StoreFailed(_) | Why::TooMany(_) => self
                .text(StatusCode::SERVICE_UNAVAILABLE, "not now\n")
                .with(header::RETRY_AFTER, RETRY_AFTER),
            why => self.text(StatusCode::NOT_FOUND, &format!("{why}\n")),
        }
    }

    /// A file, or as much of it as was asked for.
    pub(super) fn file<O: Owner, B: Bytes>(
        self,
        file: File<B::Blob>,
        method: &Method,
        part: Part,
        owner: &O,
    ) -> Response<Body<O, B>> {
        let size = file.source.size();
        let (status, from, to) = match part {
            Part::Whole => (StatusCode::OK, 0, size),
            Part::Some(from, to) => (StatusCode::PARTIAL_CONTENT, from, to),
            Part::Same => (StatusCode::NOT_MODIFIED, 0, 0),
            Part::Changed => return self.text(StatusCode::PRECONDITION_FAILED, "it has changed\n"),
            Part::Beyond => {
                let beyond = self.text(StatusCode::RANGE_NOT_SATISFIABLE, "it ends before that\n");
                return beyond.with(header::CONTENT_RANGE, &format!("bytes */{size}"));
            }
        };
        let sends = *method == Method::GET && to > from;
        let mut response = Response::new(if sends {
            Body::of_file(self.watch, &file, owner, from, to)
        } else {
            Body::of_text(self.watch, &[])
        });
        *response.status_mut() = status;
        // A 304 has the length of what it does not send, or none (RFC 9110 §8.6).
        if part != Part::Same {
            response = response
                .with(header::CONTENT_LENGTH, &to.saturating_sub(from).to_string())
                .with(header::CONTENT_TYPE, file.media);
        }
        if part != Part::Whole && part != Part::Same {
            let last = to.saturating_sub(1);
            response = response.with(header::CONTENT_RANGE, &format!("bytes {from}-{last}/{size}"));
        }
        response = response.with(header::ACCEPT_RANGES, "bytes");
        match &file.tag {
            Some(tag) => response.with(header::ETAG, tag),
            // Written for this machine at this moment.
            None => response.with(header::CACHE_CONTROL, "no-store"),
        }
    }
}

/// Additions to a response.
pub(super) trait Also {
    /// One field more.
    fn with(self, name: HeaderName, value: &str) -> Self;
    /// The connection ends with it.
    fn closing(self) -> Self;
    /// HEAD gets the fields alone.
    fn for_method(self, method: &Method) -> Self;
}

impl<O: Owner, B: Bytes> Also for Response<Body<O, B>> {
    fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers_mut().insert(name, value);
        }
        self
    }

    fn closing(self) -> Self {
        self.with(header::CONNECTION, "close")
    }

    fn for_method(mut self, method: &Method) -> Self {
        if *method == Method::HEAD {
            self.body_mut().what = What::Text(bytes::Bytes::new());
        }
        self
    }
}

/// The body of a response. It tells the connection's watch, and whoever watches the transfer, when
/// it has ended.
pub(super) struct Body<O: Owner, B: Bytes> {
    watch: Arc<Watch>,
    what: What<O, B>,
}

enum What<O: Owner, B: Bytes> {
    Text(bytes::Bytes),
    File(Sending<O, B>),
}

struct Sending<O: Owner, B: Bytes> {
    source: Source<B::Blob>,
    from: u64,
    at: u64,
    end: u64,
    reading: Option<Reading>,
    meter: Option<Meter<O>>,
    broken: bool,
}

type Reading = Pin<Box<dyn Future<Output = io::Result<Vec<u8>>> + Send>>;

impl<O: Owner, B: Bytes> Body<O, B> {
    fn of_text(watch: Arc<Watch>, text: &[u8]) -> Self {
        Self { watch, what: What::Text(bytes::Bytes::copy_from_slice(text)) }
    }

    fn of_file(watch: Arc<Watch>, file: &File<B::Blob>, owner: &O, from: u64, end: u64) -> Self {
        let whole = end - from == file.source.size();
        let told = match file.source {
            Source::Text(_) => false,
            Source::Blob(_) => whole || end - from >= TOLD_FROM_BYTES,
        };
        let about = About { size: end - from, ..file.about.clone() };
        let meter = told.then(|| Meter::start(owner.clone(), about, file.asked));
        let source = file.source.clone();
        let sending = Sending { source, from, at: from, end, reading: None, meter, broken: false };
        Self { watch, what: What::File(sending) }
    }
}

impl<O: Owner, B: Bytes> Sending<O, B> {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<bytes::Bytes>>> {
        if self.at >= self.end || self.broken {
            return Poll::Ready(None);
        }
        let most = if self.at == self.from { FIRST_PIECE } else { PIECE };
        let reading = self.reading.get_or_insert_with(|| {
            let length = usize::try_from((self.end - self.at).min(most)).unwrap_or(usize::MAX);
            let (source, at) = (self.source.clone(), self.at);
            Box::pin(async move { source.read_off(at, length).await })
        });
        let Poll::Ready(read) = reading.as_mut().poll(cx) else { return Poll::Pending };
        self.reading = None;
        match read {
            Ok(piece) => {
                self.at = self.at.saturating_add(piece.len() as u64);
                if let Some(meter) = &mut self.meter {
                    meter.progress(self.at - self.from);
                }
                Poll::Ready(Some(Ok(piece.into())))
            }
            Err(cause) => {
                self.broken = true;
                Poll::Ready(Some(Err(cause)))
            }
        }
    }
}

impl<O: Owner, B: Bytes> HttpBody for Body<O, B> {
    type Data = bytes::Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<bytes::Bytes>>>> {
        match &mut self.what {
            What::Text(text) if text.is_empty() => Poll::Ready(None),
            What::Text(text) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(text))))),
            What::File(sending) => {
                sending.poll_piece(cx).map(|next| next.map(|r| r.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.what {
            What::Text(text) => text.len() as u64,
            What::File(sending) => sending.end.saturating_sub(sending.at),
        })
    }
}

impl<O: Owner, B: Bytes> Unpin for Body<O, B> {}

impl<O: Owner, B: Bytes> Drop for Body<O, B> {
    fn drop(&mut self) {
        let whole = self.is_end_stream();
        let mut meter = None;
        if let What::File(sending) = &mut self.what {
            meter = sending.meter.take().map(|meter| (meter, sending.at - sending.from));
            if sending.broken {
                self.watch.say_why("it could not be read from the image store");
            }
        }
        if !whole {
            if let Some((meter, sent)) = meter {
                meter.failed(sent, self.watch.why().to_owned());
            }
            return;
        }
        let ending = Ending { meter, watch: Arc::clone(&self.watch) };
        self.watch.complete(Box::new(move || ending.written()));
    }
}

/// A response that is complete but may still be cut off before it is written out.
struct Ending<O: Owner> {
    meter: Option<(Meter<O>, u64)>,
    watch: Arc<Watch>,
}

impl<O: Owner> Ending<O> {
    fn written(mut self) {
        if let Some((meter, _)) = self.meter.take() {
            meter.done(0);
        }
    }
}

impl<O: Owner> Drop for Ending<O> {
    fn drop(&mut self) {
        if let Some((meter, sent)) = self.meter.take() {
            meter.failed(sent, self.watch.why().to_owned());
        }
    }
}
