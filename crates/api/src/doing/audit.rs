//! What Secure Boot says of an image, on a thread that may wait for a disk.

use super::blocking;
use crate::{House, Problem};
use library::Audit;
use model::image::SecureBoot;
use model::{Image, Loader};
use secureboot::Lists;
use std::path::Path;

/// Where operators put the revocation lists of firmware (`dbxupdate_x64.bin`), below STATE.
const REVOCATIONS: &str = "dbx";
/// Lists that are read.
const LISTS_MAX: usize = 16;
/// Bytes of one. The published ones have 25 KiB.
const LIST_MAX: u64 = 4 << 20;

/// Audits an image with the loaders of this server and the revocations that are known here.
pub async fn audit(house: &House, image: &Image) -> Result<SecureBoot, Problem> {
    let loaders: Vec<Loader> =
        house.site.ask(|engine, _| engine.loaders().cloned().collect()).await?;
    let (blobs, now, image) = (house.blobs.clone(), house.site.now(), image.clone());
    let folder = house.state.join(REVOCATIONS);
    blocking(move || {
        let (dbx, mut trouble) = revocations(&folder);
        let mut said = Audit { blobs: &blobs, loaders: &loaders, dbx: &dbx, now }.of(&image);
        said.verdict.append(&mut trouble);
        said
    })
    .await
}

/// What firmware revokes, as far as operators told; and which of their files say nothing.
fn revocations(folder: &Path) -> (Lists, Vec<String>) {
    let (mut lists, mut trouble) = (Lists::default(), Vec::new());
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    for path in files.filter(|path| path.is_file()).take(LISTS_MAX) {
        let small = std::fs::metadata(&path).is_ok_and(|told| told.len() <= LIST_MAX);
        let read = match small {
            true => std::fs::read(&path).map_err(|e| e.to_string()),
            false => Err(format!("it has more than {} MiB", LIST_MAX >> 20)),
        };
        match read.and_then(|bytes| Lists::read(&bytes).map_err(|e| e.to_string())) {
            Ok(more) => lists.join(more),
            Err(why) => trouble.push(format!("{} was not read: {why}", path.display())),
        }
    }
    (lists, trouble)
}
