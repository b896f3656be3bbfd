//! Boots are judged when their time has come.
//!
//! In: the clock. Out: verdicts over boots that did not arrive, as events. Never: a verdict of its own.

use site::{SiteError, SiteHandle};
use std::time::Duration;

/// So often somebody looks whether a boot is to be judged.
const EVERY: Duration = Duration::from_secs(5);

/// A breath for everybody else between many that are due at once.
const MORE: Duration = Duration::from_millis(50);

/// Judges, for as long as the server runs.
pub async fn keep_judging(site: SiteHandle) {
    loop {
        match site.judge_boots().await {
            Ok(true) => tokio::time::sleep(MORE).await,
            Err(SiteError::Stopped) => return,
            Ok(false) | Err(_) => tokio::time::sleep(EVERY).await,
        }
    }
}
