//! Once a day what nobody came back for goes.
//!
//! In: the house. Out: an alarm if it could not be done. Never: anything that somebody is at.

use api::{House, doing};
use std::time::Duration;

/// How often.
const EVERY: Duration = Duration::from_secs(24 * 3600);

/// Tidies once a day, for as long as the server runs.
pub async fn keep_tidying(house: House) {
    loop {
        tokio::time::sleep(EVERY).await;
        once(&house).await;
    }
}

/// Tidies, and tells if that does not work: the server does its other work all the same.
pub async fn once(house: &House) {
    if let Err(problem) = doing::tidy(house).await {
        let text = format!("what was left of imports was not removed: {}", problem.sentence());
        house.site.alarm(text);
    }
}
