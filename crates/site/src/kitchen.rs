//! What takes its time between a decision and its answer, so that it is done outside, and only so much
//! at once: the text of an answer file (a tenth of a second, and it opens secrets), and what another
//! server says that a machine boots.

use engine::{Answer, Found, Inquiry, Order, Served};
use model::plan::Why;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;
use vault::Key;

/// Answer files that are made at the same time.
const AT_ONCE: usize = 2;

/// Questions to another server that are under way at the same time.
const ASKED_AT_ONCE: usize = 32;

/// Asks a URL: the body, nothing where the server has nothing (404), or why there is no answer.
pub type Asks = Box<dyn Fn(&str) -> Asking + Send + Sync>;

/// Such a question under way.
pub type Asking = Pin<Box<dyn Future<Output = Result<Option<Vec<u8>>, String>> + Send>>;

/// Where answer files are made.
#[derive(Clone)]
pub(crate) struct Kitchen {
    pub(crate) key: Key,
    room: Arc<Semaphore>,
    asks: Arc<OnceLock<Asks>>,
    asking: Arc<Semaphore>,
}

impl Kitchen {
    pub(crate) fn new(key: Key) -> Self {
        let rooms = |places| Arc::new(Semaphore::new(places));
        Self { key, room: rooms(AT_ONCE), asks: Arc::default(), asking: rooms(ASKED_AT_ONCE) }
    }

    pub(crate) fn ask_with(&self, asks: Asks) {
        // Whoever says it twice is not heard the second time.
        let _ = self.asks.set(asks);
    }

    /// What another server answers.
    pub(crate) async fn ask(&self, inquiry: &Inquiry) -> Result<Option<Vec<u8>>, String> {
        let asks = self.asks.get().ok_or("nobody here asks other servers")?;
        let _place = self.asking.acquire().await;
        asks(&inquiry.url).await
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
