//! Reads the bytes of an image and compares them with what they were.

use super::blocking;
use crate::types::Verified;
use crate::{House, Problem};
use model::Image;

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
        for asset in &image.assets {
            match blobs.verify(&asset.sha256) {
                Ok(size) => verified.bytes += size,
                Err(e) => verified.wrong.push(format!("{}: {e}", asset.path)),
            }
        }
        verified
    })
    .await
}
