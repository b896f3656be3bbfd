//! The weekly scrub: reads all blobs, slowly, while the server runs.
//!
//! In: the store. Out: an alarm for what could not be read; that blobs are damaged is told by the store
//! itself ([`tell_damage`]). Never: a second scrub beside one that an operator asked for.

use api::doing;
use library::{Blobs, scrub};
use model::Now;
use site::SiteHandle;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether a week is over.
const LOOK: Duration = Duration::from_secs(3600);
/// After a start machines have the disk for themselves for so long.
const FIRST: Duration = Duration::from_secs(600);

/// Has the store tell of damaged blobs as alarms, now and for those that were found earlier.
pub fn tell_damage(site: &SiteHandle, blobs: &Blobs) {
    let teller = site.clone();
    blobs.on_damage(move |damage| teller.alarm(damage.to_string()));
    for hash in blobs.quarantined().unwrap_or_default() {
        let text = format!(
            "blob {} is still in quarantine, because it was found damaged; bootwright image verify says \
             which images need it; import those again",
            hash.short()
        );
        site.alarm(text);
    }
}

/// Scrubs once a week, for as long as the server runs.
pub async fn keep_scrubbing(site: SiteHandle, blobs: Arc<Blobs>) {
    tokio::time::sleep(FIRST).await;
    loop {
        let (own, now) = (Arc::clone(&blobs), site.now());
        let due = doing::blocking(move || scrub::due(&own, now)).await.unwrap_or(Now(u64::MAX));
        if due <= now {
            scrub_once(&site, &blobs).await;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn scrub_once(site: &SiteHandle, blobs: &Arc<Blobs>) {
    let mut told = 0;
    let mut tell = |scrub: &library::Scrub| {
        // What is damaged is told with its blob; that a disk does not read at all is not.
        let unread = &scrub.progress().unread;
        for text in unread.iter().skip(told) {
            site.alarm(format!("the weekly scrub: {text}"));
        }
        told = unread.len();
        true
    };
    if let Err(problem) = doing::scrub(site, blobs, scrub::RATE, &mut tell).await
        && problem.status >= 500
    {
        site.alarm(format!("the weekly scrub ended early: {}", problem.sentence()));
    }
}
