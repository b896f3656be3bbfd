//! What was kept: paths, and where the bytes of each file stand.

use super::Origin;
use crate::store::{BlobFile, Blobs};
use catalogue::Volume;
use model::image::{Assets, DiscFile, Link};
use model::{Asset, Content, Hash};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;

/// What was kept of one import.
#[derive(Debug, Default)]
pub struct Contents {
    /// Its files.
    pub assets: Assets,
    /// Links to directories of it.
    pub links: Vec<Link>,
    /// The disc it is, if it is one.
    pub disc: Option<DiscFile>,
    /// What the disc says of itself, if it is one.
    pub volume: Option<Volume>,
    /// What was odd about it, a sentence each.
    pub notes: Vec<String>,
    /// What it was kept from.
    pub origin: Origin,
    /// The blob read last: the files of a disc all stand in one.
    pub(super) open: RefCell<Option<(Hash, Rc<BlobFile>)>>,
}

impl Contents {
    /// The first bytes of a file, at most `max`; an error if they cannot be read.
    pub fn head(&self, blobs: &Blobs, path: &str, max: usize) -> io::Result<Vec<u8>> {
        let asset = self.find(path)?;
        let length = usize::try_from(asset.size).unwrap_or(max).min(max);
        self.part(blobs, asset, 0, length)
    }

    /// Some bytes of a file from `offset` on; fewer if it ends before.
    pub fn read(&self, blobs: &Blobs, path: &str, offset: u64, max: usize) -> io::Result<Vec<u8>> {
        let asset = self.find(path)?;
        let left = asset.size.saturating_sub(offset);
        self.part(blobs, asset, offset, usize::try_from(left).unwrap_or(max).min(max))
    }

    fn find(&self, path: &str) -> io::Result<&Asset> {
        self.assets.find(path).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn part(&self, blobs: &Blobs, asset: &Asset, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let blob = self.opened(blobs, asset.sha256)?;
        part(&blob, &asset.content(), at, length)
    }

    fn opened(&self, blobs: &Blobs, hash: Hash) -> io::Result<Rc<BlobFile>> {
        let mut open = self.open.borrow_mut();
        match open.as_ref().filter(|(of, _)| *of == hash) {
            Some((_, blob)) => Ok(Rc::clone(blob)),
            None => {
                let blob = Rc::new(blobs.open(&hash).map_err(io::Error::other)?);
                *open = Some((hash, Rc::clone(&blob)));
                Ok(blob)
            }
        }
    }
}

/// Some bytes of a file, wherever they stand in its blob.
pub(super) fn part(
    blob: &BlobFile,
    content: &Content,
    at: u64,
    length: usize,
) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let Some(runs) = &content.runs else {
        blob.read_exact_at(&mut bytes, at)?;
        return Ok(bytes);
    };
    let (mut skip, mut rest) = (at, bytes.as_mut_slice());
    for run in runs.iter() {
        let skipped = skip.min(run.length);
        skip -= skipped;
        let here = usize::try_from(run.length - skipped).unwrap_or(usize::MAX).min(rest.len());
        let (now, later) = rest.split_at_mut(here);
        match run.offset {
            Some(offset) => blob.read_exact_at(now, offset + skipped)?,
            None => now.fill(0),
        }
        rest = later;
    }
    if rest.is_empty() { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
