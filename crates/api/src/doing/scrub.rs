//! Reads all blobs from the disk, as slowly as is wanted, and says what is wrong with them.

use super::blocking;
use crate::types::{ScrubLine, Scrubbed};
use crate::{House, Problem};
use library::scrub::{Scrub, Step, pause};
use library::{Blobs, StoreError};
use site::SiteHandle;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// At most so often a line of progress.
const PACE: Duration = Duration::from_millis(500);

/// Scrubs and tells how far it is. Stops when nobody listens any more; the next one goes on there.
pub async fn scrub_telling(house: House, bytes_per_s: u64, tell: mpsc::Sender<ScrubLine>) {
    let mut last = None::<Instant>;
    let mut progress = |scrub: &Scrub| {
        if last.is_none_or(|last| last.elapsed() >= PACE) {
            last = Some(Instant::now());
            let library::scrub::Progress { done, total, left, .. } = *scrub.progress();
            // A full queue means a slow reader: this line is not worth waiting for.
            let _ = tell.try_send(ScrubLine::Progress { done, total, left });
        }
        !tell.is_closed()
    };
    let line = match scrub(&house.site, &house.blobs, bytes_per_s, &mut progress).await {
        Ok(done) => ScrubLine::Done(done),
        Err(problem) => ScrubLine::Failed(problem),
    };
    // Whoever asked may be gone.
    let _ = tell.send(line).await;
}

/// Reads all blobs, or what an earlier scrub left of them. `progress` returns false to stop.
pub async fn scrub(
    site: &SiteHandle,
    blobs: &Arc<Blobs>,
    bytes_per_s: u64,
    progress: &mut (dyn FnMut(&Scrub) -> bool + Send),
) -> Result<Scrubbed, Problem> {
    let failed = |fault: StoreError| Problem::failed(fault.to_string());
    let (own, now) = (Arc::clone(blobs), site.now());
    let started = blocking(move || Scrub::start(&own, now)).await?.map_err(failed)?;
    let Some(mut scrub) = started else {
        return Err(Problem::refused("a scrub is running already")
            .hint("wait for it to end; bootwright image verify NAME reads one image"));
    };
    while progress(&scrub) {
        let (began, now) = (Instant::now(), site.now());
        let (back, stepped) = blocking(move || {
            let stepped = scrub.step(now);
            (scrub, stepped)
        })
        .await?;
        scrub = back;
        match stepped.map_err(failed)? {
            Step::Read(bytes) => {
                let rest = pause(bytes, bytes_per_s).saturating_sub(began.elapsed());
                tokio::time::sleep(rest).await;
            }
            // What is wrong is in its progress, too.
            Step::Wrong(_) => {}
            Step::Done => {
                let done = scrub.progress();
                let wrong = done.damaged.iter().chain(&done.unread).cloned().collect();
                let (bytes, quarantined) = (done.done, done.quarantined);
                return Ok(Scrubbed { bytes, quarantined, wrong });
            }
        }
    }
    Err(Problem::refused("the scrub was broken off").hint("the next one goes on from there"))
}
