//! Makes the text of an answer file that the owner decided to give. It may take a tenth of a second
//! and opens secrets, so it is done outside, and only so many at once.

use engine::{Answer, Found, Order, Served};
use model::plan::Why;
use std::sync::Arc;
use tokio::sync::Semaphore;
use vault::Key;

/// Answer files that are made at the same time.
const AT_ONCE: usize = 2;

/// Where answer files are made.
#[derive(Clone)]
pub(crate) struct Kitchen {
    pub(crate) key: Key,
    room: Arc<Semaphore>,
}

impl Kitchen {
    pub(crate) fn new(key: Key) -> Self {
        Self { key, room: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The answer with its text; `Err` has what the operator should know beside the silence.
    pub(crate) async fn serve(&self, answer: Answer<Found>) -> Result<Answer<Found>, String> {
        match answer {
            Answer::Reply(Found {
                what: Served::Answer(order), media, machine, steady, ..
            }) => {
                let what = Served::Text(self.text(*order).await?);
                Ok(Answer::Reply(Found { what, media, machine, steady, blksize_max: None }))
            }
            other => Ok(other),
        }
    }

    async fn text(&self, order: Order) -> Result<String, String> {
        // The room is never closed.
        let place = Arc::clone(&self.room).acquire_owned().await;
        let key = self.key.clone();
        let made = tokio::task::spawn_blocking(move || {
            let made = order.render(&key);
            drop(place);
            made
        });
        match made.await {
            Ok(Ok(rendered)) => Ok(rendered.text),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("a bug in the server ended it".to_owned()),
        }
    }
}

/// What the asker gets when its file could not be made.
pub(crate) const NOT_MADE: Why = Why::NothingHere;
