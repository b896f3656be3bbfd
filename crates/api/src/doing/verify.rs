//! Reads the bytes of an image and compares them with what they were.

use super::blocking;
use crate::types::Verified;
use crate::{House, Problem};
use model::Image;
use std::collections::BTreeSet;

/// Checks every file of an image.
pub async fn verify(house: &House, image: Image) -> Result<Verified, Problem> {
    let blobs = house.blobs.clone();
    blocking(move || {
        let mut verified = Verified {
            name: image.name,
            version: image.version,
            files: image.assets.len(),
            bytes: 0,
            wrong: Vec::new(),
        };
        // The files of a disc are parts of one blob: every blob is read once.
        let mut read = BTreeSet::new();
        let disc = image.disc.iter().map(|disc| ("the disc", disc.sha256));
        let files = image.assets.iter().map(|asset| (asset.path.as_str(), asset.sha256));
        for (what, sha256) in disc.chain(files) {
            if !read.insert(sha256) {
                continue;
            }
            match blobs.verify(&sha256) {
                Ok(size) => verified.bytes += size,
                Err(e) => verified.wrong.push(format!("{what}: {e}")),
            }
        }
        verified
    })
    .await
}
