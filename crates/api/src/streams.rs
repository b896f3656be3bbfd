//! Answers that last: events as they happen, and the lines of a running import or scrub.

use crate::House;
use crate::contract::shape::{Events, Lines, Said};
use crate::types::Line;
use axum::body::Body;
use axum::http::header;
use futures_util::stream;
use model::{Happening, HardwareAddress};
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

/// A comment goes out this often, so that both sides notice when the other is gone.
const ALIVE: Duration = Duration::from_secs(15);
/// At most so long after the last look it is looked again whether the listener still may listen; before
/// anything more is told.
const STILL: Duration = Duration::from_secs(1);

/// Every event from now on as SSE, or only those of one machine; lines of machines' own logs only if
/// they are wanted.
pub fn events(house: &House, machine: Option<HardwareAddress>, logs: bool) -> Said<Events<Line>> {
    let listener = house.site.events();
    let (asker, site) = (house.asker.clone(), house.site.clone());
    let begun = (listener, tokio::time::Instant::now());
    let messages = stream::unfold(begun, move |(mut listener, mut asked)| {
        let (asker, site) = (asker.clone(), site.clone());
        async move {
            loop {
                let heard = tokio::time::timeout(ALIVE, listener.recv()).await;
                // Whose token was revoked meanwhile hears no more.
                if asked.elapsed() >= STILL {
                    asked = tokio::time::Instant::now();
                    if !asker.still(&site).await.unwrap_or(false) {
                        return None;
                    }
                }
                let line = match heard {
                    Err(_) => return Some((": alive\n\n".to_owned(), (listener, asked))),
                    Ok(Err(RecvError::Closed)) => return None,
                    Ok(Err(RecvError::Lagged(missed))) => Line::Missed { missed },
                    Ok(Ok(event)) if machine.is_some() && event.machine != machine => continue,
                    Ok(Ok(event)) if !logs && matches!(event.what, Happening::Syslog { .. }) => {
                        continue;
                    }
                    Ok(Ok(event)) => Line::Event(event.as_ref().clone()),
                };
                let json = serde_json::to_string(&line).unwrap_or_default();
                return Some((format!("data: {json}\n\n"), (listener, asked)));
            }
        }
    });
    // The first bytes tell the client at once that it is listening.
    let hello = stream::iter([": listening\n\n".to_owned()]);
    let all = futures_util::StreamExt::chain(hello, messages);
    let body = futures_util::StreamExt::map(all, Ok::<String, Infallible>);
    Said::new(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body)))
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
