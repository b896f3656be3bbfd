//! Answers that last: events as they happen, and the lines of a running import or scrub.

use crate::House;
use crate::contract::shape::{Events, Lines, Said};
use crate::types::Line;
use axum::body::Body;
use axum::http::header;
use futures_util::stream;
use model::{Event, Happening, HardwareAddress};
use serde::Serialize;
use site::Followed;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};

/// A comment goes out this often, so that both sides notice when the other is gone.
const ALIVE: Duration = Duration::from_secs(15);
/// At most so long after the last look it is looked again whether the listener still may listen; before
/// anything more is told.
const STILL: Duration = Duration::from_secs(1);

/// Whose events are told.
pub struct Wanted {
    /// Of this machine alone.
    pub machine: Option<HardwareAddress>,
    /// Lines of machines' own logs, too.
    pub logs: bool,
    /// Each with its sentence, beside its parts.
    pub words: bool,
    /// After which event, by its id; from now on without one.
    pub after: Option<String>,
}

impl Wanted {
    fn has(&self, event: &Event) -> bool {
        let of = self.machine.is_none() || event.machine == self.machine;
        of && (self.logs || !matches!(event.what, Happening::Syslog { .. }))
    }
}

/// Where a listener is.
struct Listening {
    house: House,
    wanted: Wanted,
    /// What is told from now on, after what is remembered.
    feed: broadcast::Receiver<Arc<Event>>,
    before: VecDeque<Arc<Event>>,
    /// What he missed before those; 0 if nobody knows how many.
    missed: Option<u64>,
    /// The number of the last event that went past him.
    at: u64,
    looked: tokio::time::Instant,
}

/// Events as SSE: those that came after the one that is named and are remembered, then every one as it
/// happens. Each has an id, by which a listener that was cut off goes on.
pub fn events(house: &House, wanted: Wanted) -> Said<Events<Line>> {
    let after = wanted.after.as_deref().map(|id| number(house, id));
    let (mut missed, after) = match after {
        None => (None, None),
        Some(Some(number)) => (None, Some(number)),
        // It is of an earlier run: everything of this one is new, and nobody knows what else there was.
        Some(None) => (Some(0), Some(0)),
    };
    let Followed { missed: forgotten, from, before, feed } = house.site.follow(after);
    if forgotten > 0 && missed.is_none() {
        missed = Some(forgotten);
    }
    let (house, looked) = (house.clone(), tokio::time::Instant::now());
    let begun = Listening { house, wanted, feed, before, missed, at: from, looked };
    let messages = stream::unfold(begun, |mut listening| async move {
        let message = listening.next().await?;
        Some((message, listening))
    });
    // The first bytes tell the client at once that it is listening.
    let hello = stream::iter([": listening\n\n".to_owned()]);
    let all = futures_util::StreamExt::chain(hello, messages);
    let body = futures_util::StreamExt::map(all, Ok::<String, Infallible>);
    Said::new(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body)))
}

/// `18f3c0a1b2c-17`: the run of the server, and the number of the event in it.
fn id(house: &House, number: u64) -> String {
    format!("{:x}-{number}", house.started.0)
}

/// The number of an event of this run.
fn number(house: &House, id: &str) -> Option<u64> {
    let (run, number) = id.split_once('-')?;
    let ours = run == format!("{:x}", house.started.0);
    number.parse().ok().filter(|_| ours)
}

impl Listening {
    /// The next message; none when he is not to hear more.
    async fn next(&mut self) -> Option<String> {
        if let Some(missed) = self.missed.take() {
            return self.message(&Line::Missed { missed });
        }
        loop {
            if let Some(event) = self.before.pop_front() {
                self.at += 1;
                if self.wanted.has(&event) {
                    return self.message(&Line::Event(event.as_ref().clone()));
                }
                continue;
            }
            let heard = tokio::time::timeout(ALIVE, self.feed.recv()).await;
            // Whose token was revoked meanwhile hears no more.
            if self.looked.elapsed() >= STILL {
                self.looked = tokio::time::Instant::now();
                if !self.house.asker.still(&self.house.site).await.unwrap_or(false) {
                    return None;
                }
            }
            match heard {
                Err(_) => return Some(": alive\n\n".to_owned()),
                Ok(Err(RecvError::Closed)) => return None,
                Ok(Err(RecvError::Lagged(missed))) => {
                    self.at += missed;
                    return self.message(&Line::Missed { missed });
                }
                Ok(Ok(event)) => {
                    self.at += 1;
                    if self.wanted.has(&event) {
                        return self.message(&Line::Event(event.as_ref().clone()));
                    }
                }
            }
        }
    }

    fn message(&self, line: &Line) -> Option<String> {
        let json = match line {
            Line::Event(event) if self.wanted.words => {
                let mut json = serde_json::to_value(line).ok()?;
                json["words"] = event.what.to_string().into();
                json.to_string()
            }
            line => serde_json::to_string(line).ok()?,
        };
        Some(format!("id: {}\ndata: {json}\n\n", id(&self.house, self.at)))
    }
}

/// The lines of an import, or of a scrub. When the client goes away, the channel closes.
pub fn lines<T: Serialize + Send + 'static>(of: mpsc::Receiver<T>) -> Said<Lines<T>> {
    let body = stream::unfold(of, |mut of| async move {
        let line = of.recv().await?;
        let mut json = serde_json::to_string(&line).unwrap_or_default();
        json.push('\n');
        Some((Ok::<String, Infallible>(json), of))
    });
    Said::new(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(body)))
}
