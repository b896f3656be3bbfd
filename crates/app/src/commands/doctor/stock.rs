//! What there is to be sent: bootloaders for each architecture, images, profiles.

use api::types::Doctor as Told;
use doctor::stock::{Library, Loader};
use std::path::PathBuf;

/// Those that the running server has, or would find at its start.
pub async fn loaders(told: Option<&Told>) -> Vec<Loader> {
    let Some(told) = told else { return installed().await };
    let loader = |l: &api::types::LoaderView| Loader {
        name: l.name.clone(),
        kind: l.kind.clone(),
        arch: l.arch.clone(),
        signers: l.signers.clone(),
    };
    told.loaders.iter().map(loader).collect()
}

async fn installed() -> Vec<Loader> {
    let find = || library::loaders::find(&[PathBuf::from("/")]);
    let found = api::doing::blocking(find).await.unwrap_or_default();
    let loader = |l: library::FoundLoader| Loader {
        name: l.name,
        kind: l.kind.to_string(),
        arch: l.arch.to_string(),
        signers: l.signers,
    };
    found.into_iter().map(loader).collect()
}

/// Images and profiles, which only the running server knows.
pub fn library(told: &Told) -> Library {
    Library {
        images: told.status.images,
        missing: told.missing.clone(),
        unbootable: told.unbootable.clone(),
        lost: told.lost.clone(),
        start: told.findings.clone(),
    }
}
