//! What may wait, done on Tokio's side: the owner is asked, blobs are opened and read.
//!
//! In: requests and ranges from the thread of the transfers. Out: words for it. Never: a socket; a
//! question to the owner for more requests at once than the limit says.

use super::Place;
use super::word::Word;
use crate::bell::Post;
use crate::count::{Counters, PanicWatch};
use crate::owner::{Blob, Bytes, Owner};
use crate::part::{Layout, Part};
use crate::shelf::Shelf;
use crate::source::{Source, off_the_runtime};
use crate::{Limits, neighbour};
use engine::tftp::netascii::{self, Netascii};
use engine::tftp::{SessionId, deserves_error};
use engine::{Answer, Asker, FileAsk, Served};
use model::event::{Carrier, Cut, Happening};
use model::text::show;
use model::{Event, HardwareAddress, Hash, Now};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use wire::tftp::{Mode, Request};

/// Ranges that are read from disks at once, for all transfers.
const READS: usize = 32;
/// What follows a range that was not in memory is fetched with it.
pub(super) const WARM_BYTES: u64 = 1024 * 1024;
/// Read at once while fetching.
const WARM_STEP: usize = 64 * 1024;

/// A request on its way to the owner.
pub(super) struct Lookup {
    /// The port it came to.
    pub(super) front: usize,
    pub(super) from: SocketAddr,
    pub(super) request: Request,
    pub(super) asked: Now,
}

/// What came of it.
pub(super) enum Answered<B> {
    /// These bytes, in octets of the wire.
    File {
        source: Source<B>,
        sha256: Option<Hash>,
        machine: Option<HardwareAddress>,
        blksize_max: Option<u16>,
    },
    /// There is no such file.
    Missing,
    /// Not a word.
    Silence,
    /// Too large to be converted for netascii.
    TooLarge,
    /// Published, but it cannot be read.
    Unreadable { cause: io::Error, machine: Option<HardwareAddress> },
}

/// Everything that is reached through Tokio.
pub(super) struct Desk<O, B: Bytes> {
    pub(super) owner: O,
    pub(super) shelf: Shelf<B>,
    pub(super) counters: Arc<Counters>,
    pub(super) post: Arc<Post<Word<B::Blob>>>,
    tokio: Handle,
    lookups: Arc<Semaphore>,
    lookups_max: usize,
    reads: Arc<Semaphore>,
}

impl<O: Owner, B: Bytes> Desk<O, B> {
    pub(super) fn new(
        owner: O,
        shelf: Shelf<B>,
        tokio: Handle,
        limits: &Limits,
        counters: Arc<Counters>,
        post: Arc<Post<Word<B::Blob>>>,
    ) -> Self {
        let lookups_max = limits.tftp_lookups;
        let lookups = Arc::new(Semaphore::new(lookups_max));
        let reads = Arc::new(Semaphore::new(READS));
        Self { owner, shelf, counters, post, tokio, lookups, lookups_max, reads }
    }

    /// Whether nothing is being asked.
    pub(super) fn is_idle(&self) -> bool {
        self.lookups.available_permits() == self.lookups_max
    }

    /// Asks for the file of a request; what comes of it comes by post. False: too many are asked
    /// already.
    pub(super) fn ask(&self, place: Arc<Place>, lookup: Lookup) -> bool {
        let Ok(permit) = Arc::clone(&self.lookups).try_acquire_owned() else { return false };
        let (owner, shelf, post) = (self.owner.clone(), self.shelf.clone(), Arc::clone(&self.post));
        let panics = PanicWatch(Arc::clone(&self.counters));
        self.tokio.spawn(async move {
            let _panics = panics;
            let answered = answer(&owner, &shelf, &place, &lookup).await;
            post.send(Word::Asked(lookup, answered));
            drop(permit);
            // Once more: whoever waits for the last lookup must see that it is over.
            post.bell.ring();
        });
        true
    }

    /// Reads a range of a blob that is not in memory, and what follows it into memory if `warm`.
    pub(super) fn read(
        &self,
        (client, id): (SocketAddr, SessionId),
        blob: &Part<B::Blob>,
        (offset, length): (u64, usize),
        warm: bool,
    ) {
        let (blob, post, reads) = (blob.clone(), Arc::clone(&self.post), Arc::clone(&self.reads));
        let panics = PanicWatch(Arc::clone(&self.counters));
        self.tokio.spawn(async move {
            let _panics = panics;
            let _permit = reads.acquire_owned().await;
            let bytes = off_the_runtime(move || fetch(&blob, offset, length, warm)).await;
            post.send(Word::Read { client, id, offset, bytes });
        });
    }

    /// Tells that a request was refused with an ERROR.
    pub(super) fn tell_refused(
        &self,
        place: &Arc<Place>,
        from: SocketAddr,
        name: &[u8],
        why: String,
    ) {
        // Who it was stands in a table that is read like a file. When there are too many to look
        // up, it is not told: it is a flood.
        let Ok(permit) = Arc::clone(&self.lookups).try_acquire_owned() else { return };
        let (owner, place, file) = (self.owner.clone(), Arc::clone(place), show(name));
        self.tokio.spawn(async move {
            let _permit = permit;
            owner.tell(Event::new(
                owner.now(),
                neighbour::of(from.ip(), &place.link),
                Some(place.link.clone()),
                Happening::TransferFailed {
                    file,
                    by: Carrier::Tftp,
                    sent: 0,
                    size: 0,
                    why,
                    took_ms: 0,
                    again: 0,
                    cut: Some(Cut::Refused),
                    to: Some(from.ip()),
                },
            ));
        });
    }
}

async fn answer<O: Owner, B: Bytes>(
    owner: &O,
    shelf: &Shelf<B>,
    place: &Place,
    lookup: &Lookup,
) -> Answered<B::Blob> {
    let ask = FileAsk {
        by: Carrier::Tftp,
        name: lookup.request.name.clone(),
        from: lookup.from,
        at: SocketAddr::new(place.server, crate::TFTP_PORT),
        link: place.link.clone(),
        says: Asker::default(),
        neighbour: neighbour::of(lookup.from.ip(), &place.link),
        agent: None,
        body: None,
        head_only: false,
    };
    let found = match owner.file(ask).await {
        Answer::Reply(found) => found,
        Answer::Silence(why) if deserves_error(&why) => return Answered::Missing,
        Answer::Silence(_) => return Answered::Silence,
    };
    let (machine, blksize_max) = (found.machine, found.blksize_max);
    let opened = match open(shelf, found.what).await {
        Ok((source, sha256)) if lookup.request.mode == Mode::Netascii => {
            converted(source).await.map(|source| (source, sha256))
        }
        other => other.map(|(source, sha256)| (Some(source), sha256)),
    };
    match opened {
        Ok((Some(source), sha256)) => Answered::File { source, sha256, machine, blksize_max },
        Ok((None, _)) => Answered::TooLarge,
        Err(cause) => Answered::Unreadable { cause, machine },
    }
}

async fn open<B: Bytes>(
    shelf: &Shelf<B>,
    what: Served,
) -> io::Result<(Source<B::Blob>, Option<Hash>)> {
    match what {
        Served::Text(text) => Ok((Source::Text(text.into_bytes().into()), None)),
        // They go by HTTP only, and the owner's door gives them as texts; and it asks by itself.
        Served::Answer(_) | Served::Ask(_) => Err(io::ErrorKind::Unsupported.into()),
        Served::Blob(content) => {
            let layout = Layout::of(&content)?;
            let part = match shelf.get(&layout) {
                Some(part) => part,
                None => {
                    let shelf = shelf.clone();
                    off_the_runtime(move || shelf.open(&layout)).await?
                }
            };
            Ok((Source::Blob(part), Some(content.blob)))
        }
    }
}

/// A text with the line ends of netascii; nothing if the file is too large for that.
async fn converted<B: Blob>(source: Source<B>) -> io::Result<Option<Source<B>>> {
    let size = usize::try_from(source.size()).unwrap_or(usize::MAX);
    if size > netascii::SOURCE_BYTES_MAX {
        return Ok(None);
    }
    let bytes = source.read_off(0, size).await?;
    if let Source::Blob(blob) = source {
        off_the_runtime(move || blob.check_again()).await?;
    }
    Ok(Netascii::convert(&bytes).map(|text| Source::Text(text.into())))
}

/// Reads a range. If nobody else has brought it into memory meanwhile and `warm` is wanted, what
/// follows is brought there too, so that a disk is asked once for a MiB and not for each burst.
fn fetch<B: Blob>(blob: &B, offset: u64, length: usize, warm: bool) -> io::Result<Vec<u8>> {
    // What went before is what it was, too.
    blob.check_again()?;
    let mut bytes = vec![0; length];
    if blob.read_now(&mut bytes, offset).is_ok_and(|got| got == length) {
        return Ok(bytes);
    }
    blob.read_exact_at(&mut bytes, offset)?;
    if warm {
        let mut rest = vec![0; WARM_STEP];
        let mut at = offset + length as u64;
        let end = blob.size().min(offset + WARM_BYTES);
        while at < end {
            let step = usize::try_from(end - at).unwrap_or(usize::MAX).min(WARM_STEP);
            let Some(room) = rest.get_mut(..step) else { break };
            // What cannot be read is found out when it is needed.
            if blob.read_exact_at(room, at).is_err() {
                break;
            }
            at += step as u64;
        }
    }
    Ok(bytes)
}
