//! Reads the bytes of an image and compares them with what they were.

use super::blocking;
use crate::types::Verified;
use crate::{House, Problem};
use model::{Hash, Image};
use std::collections::BTreeMap;

/// Checks every file of an image. A blob with many files is read once.
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
        let disc = image.disc.iter().map(|disc| (disc.sha256, "the disc"));
        let files = image.assets.iter().map(|asset| (asset.sha256, asset.path.as_str()));
        for (hash, paths) in by_blob(disc.chain(files)) {
            match blobs.verify(&hash) {
                Ok(size) => verified.bytes += size,
                Err(e) => verified.wrong.push(format!("{}: {e}", named(&paths))),
            }
        }
        verified
    })
    .await
}

/// The files of each blob.
fn by_blob<'a>(assets: impl Iterator<Item = (Hash, &'a str)>) -> BTreeMap<Hash, Vec<&'a str>> {
    let mut all: BTreeMap<Hash, Vec<&str>> = BTreeMap::new();
    for (hash, path) in assets {
        all.entry(hash).or_default().push(path);
    }
    all
}

fn named(paths: &[&str]) -> String {
    match paths {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more files", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_of_many_files_is_named_by_the_first() {
        let (disc, own) = (Hash([1; 32]), Hash([2; 32]));
        let all = by_blob([(disc, "a"), (own, "b"), (disc, "c"), (disc, "d")].into_iter());
        let said: Vec<String> = all.values().map(|paths| named(paths)).collect();
        assert_eq!(said, ["a and 2 more files", "b"]);
    }
}
