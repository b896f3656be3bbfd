//! Removes blobs that nothing names any more.

use super::blocking;
use crate::{House, Problem};
use model::Hash;
use std::collections::BTreeSet;

/// Removes what no image and no bootloader names, and says how many blobs that were. While an
/// import runs its blobs have no name yet, so then nothing is removed; the next sweep does it.
pub async fn sweep(house: &House) -> Result<usize, Problem> {
    // What a row named that could not be read is not known, so nothing may go.
    if house.site.counted().damaged > 0 {
        return Ok(0);
    }
    let Ok(alone) = house.sweeping.clone().try_write_owned() else {
        return Ok(0);
    };
    let named = house.site.ask(|engine, _| {
        let images = engine.images().flat_map(model::Image::blobs);
        images.chain(engine.loaders().map(|l| l.sha256)).collect::<BTreeSet<Hash>>()
    });
    let (named, blobs) = (named.await?, house.blobs.clone());
    // The sweep goes on when whoever asked for it is gone, and so must its lock: no import may count on
    // a blob that is about to go.
    let sweeping = blocking(move || {
        let removed = blobs.sweep(&named);
        drop(alone);
        removed
    });
    let removed = sweeping.await?;
    removed.map_err(|e| Problem::failed(e.to_string()))
}
