//! What nobody came back for goes: downloads and uploads that were not taken, blobs that nothing names.

use super::source::DOWNLOADS;
use super::{blocking, sweep};
use crate::{House, Problem};
use library::Uploads;
use library::upload::LIFE;
use std::time::{Duration, SystemTime};

/// Removes downloads to which nothing came for as long as an upload may lie, uploads that have expired,
/// and blobs that nothing names. What somebody is at stays.
pub async fn tidy(house: &House) -> Result<(), Problem> {
    let (blobs, now) = (house.blobs.clone(), house.site.now());
    let cleared = blocking(move || {
        let before = SystemTime::UNIX_EPOCH + Duration::from_millis(now.0).saturating_sub(LIFE);
        let downloads = blobs.incoming().join(DOWNLOADS);
        fetch::remove_older(&downloads, before).map_err(|e| e.to_string())?;
        Uploads::of(&blobs).and_then(|all| all.expire(now)).map_err(|e| e.to_string())
    });
    cleared.await?.map_err(Problem::failed)?;
    sweep(house).await.map(|_| ())
}
