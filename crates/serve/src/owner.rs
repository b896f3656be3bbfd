//! The two things the sockets ask of the house behind them: decisions, and bytes.
//!
//! In: what was asked on the network. Out: what to say, as `engine` puts it. Never: a decision of
//! our own. They are traits so that this room can be tried without a store.

use engine::{Answer, Check, Event, FileAsk, Found, Now};
use model::{HardwareAddress, Hash};
use site::{Heard, Replies};
use std::future::Future;
use std::io;
use std::sync::Arc;

/// Whoever decides. One handle per task; all of them reach the same owner.
pub trait Owner: Clone + Send + Sync + 'static {
    /// Takes DHCP messages in, all that came at once, without ever waiting. Replies come to
    /// `replies`, each when what it promises is on disk; silence does not come.
    fn dhcp(&self, heard: Vec<Heard>, replies: &Replies);

    /// Somebody uses the address of a check. Never waits; what is heard later is decided with this
    /// known. False if it could not be taken in.
    fn conflict(&self, link: &str, check: Check, theirs: Option<HardwareAddress>) -> bool;

    /// Which bytes a name means for this asker.
    fn file(&self, ask: FileAsk) -> impl Future<Output = Answer<Found>> + Send;

    /// Tells whoever watches. Never waits: what nobody has room for is lost.
    fn tell(&self, event: Event);

    /// The moment.
    fn now(&self) -> Now;
}

/// Where the bytes are kept, by their hash.
pub trait Bytes: Clone + Send + Sync + 'static {
    /// An opened blob.
    type Blob: Blob;

    /// Opens a blob. May wait for a disk, so it is called where that is allowed.
    fn open(&self, sha256: &Hash) -> io::Result<Self::Blob>;
}

/// An opened blob; its bytes never change.
pub trait Blob: Send + Sync + 'static {
    /// Bytes.
    fn size(&self) -> u64;

    /// Fills `buffer` with what stands at `offset`; an error if the blob ends before that.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl Owner for site::SiteHandle {
    fn dhcp(&self, heard: Vec<Heard>, replies: &Replies) {
        self.hear(heard, replies);
    }

    fn conflict(&self, link: &str, check: Check, theirs: Option<HardwareAddress>) -> bool {
        Self::conflict(self, link, check, theirs)
    }

    async fn file(&self, ask: FileAsk) -> Answer<Found> {
        Self::file(self, ask).await
    }

    fn tell(&self, event: Event) {
        Self::tell(self, event);
    }

    fn now(&self) -> Now {
        Self::now(self)
    }
}

impl Bytes for Arc<library::Blobs> {
    type Blob = library::BlobFile;

    fn open(&self, sha256: &Hash) -> io::Result<Self::Blob> {
        library::Blobs::open(self, sha256).map_err(io::Error::other)
    }
}

impl Blob for library::BlobFile {
    fn size(&self) -> u64 {
        Self::size(self)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        Self::read_exact_at(self, buffer, offset)
    }
}
