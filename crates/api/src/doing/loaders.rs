//! Bootloaders that were found: their bytes are kept, then they are published.

use super::blocking;
use crate::Problem;
use engine::Command;
use library::{Blobs, FoundLoader};
use model::By;
use site::SiteHandle;
use std::sync::Arc;

/// Publishes what was found. Returns what was done, one line each; what is there already, byte by
/// byte, is passed over. The caller holds off sweeping until this is done.
pub async fn publish(
    site: &SiteHandle,
    blobs: &Arc<Blobs>,
    found: Vec<FoundLoader>,
    by: &By,
    dry_run: bool,
) -> Result<Vec<String>, Problem> {
    let mut says = Vec::new();
    for one in found {
        let blobs = Arc::clone(blobs);
        let kept = blocking(move || library::loaders::publish(&one, &blobs)).await?;
        let loader = kept.map_err(|e| Problem::failed(e.to_string()))?;
        let same = loader.clone();
        if site.ask(move |engine, _| engine.loaders().any(|known| *known == same)).await? {
            continue;
        }
        says.push(site.command(by.clone(), Command::PublishLoader(loader), dry_run).await?.says);
    }
    Ok(says)
}
