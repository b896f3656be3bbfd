//! Work that outlives a bug in it.
//!
//! In: what is to be done for as long as the service runs. Out: that it is done, again after a panic, and each
//! panic counted. Never: a part of the service that ends without a word, and names that answer no more.

use crate::count::{Counters, PanicWatch};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Before it begins anew: what panics at once would have a processor of its own otherwise.
const PAUSE: Duration = Duration::from_millis(100);

/// Does this until it ends. Should it end in a panic, that is counted, and it begins anew.
pub(super) async fn again<F: Future<Output = ()>>(counters: &Counters, begin: impl Fn() -> F) {
    loop {
        let mut work = pin!(begin());
        // After a panic the work is dropped and never looked at again: nothing half done is left of it.
        let ended = poll_fn(|with| {
            let turn = AssertUnwindSafe(|| work.as_mut().poll(with));
            match catch_unwind(turn) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(())) => Poll::Ready(true),
                Err(_) => Poll::Ready(false),
            }
        });
        if ended.await {
            return;
        }
        counters.panics.one();
        tokio::time::sleep(PAUSE).await;
    }
}

/// Does something long where it is in nobody's way. None if it panics, which is counted.
pub(super) async fn aside<T: Send + 'static>(
    counters: &Arc<Counters>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let watch = PanicWatch(Arc::clone(counters));
    let watched = move || {
        let _watch = watch;
        work()
    };
    tokio::task::spawn_blocking(watched).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn work_that_panics_is_counted_and_begins_anew() {
        let (counters, begun) = (Counters::default(), AtomicU32::new(0));
        let work = || async {
            tokio::task::yield_now().await;
            assert!(begun.fetch_add(1, Ordering::Relaxed) >= 2, "this work panics on purpose");
        };
        again(&counters, work).await;
        assert_eq!((counters.read().panics, begun.into_inner()), (2, 3));
    }

    #[tokio::test]
    async fn long_work_that_panics_is_counted() {
        let counters = Arc::new(Counters::default());
        assert_eq!(aside(&counters, || 7).await, Some(7));
        let none: Option<()> = aside(&counters, || panic!("this work panics on purpose")).await;
        assert_eq!((none, counters.read().panics), (None, 1));
    }
}
