//! Boots are judged when their time has come.
//!
//! In: the clock. Out: verdicts over boots that did not arrive, as events. Never: a verdict of its own.

use site::{SiteError, SiteHandle};
use std::time::Duration;

/// So often somebody looks whether a boot is to be judged.
const EVERY: Duration = Duration::from_secs(5);

/// Judges, for as long as the server runs.
pub async fn keep_judging(site: SiteHandle) {
    while !matches!(site.judge_boots().await, Err(SiteError::Stopped)) {
        tokio::time::sleep(EVERY).await;
    }
}
