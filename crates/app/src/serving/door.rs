//! The two things the machines' sockets ask for: decisions of the owner, and bytes of the library.

use engine::{Answer, Check, Event, FileAsk, Found, Now};
use library::{BlobFile, Blobs};
use model::{HardwareAddress, Hash};
use serve::{Blob, Bytes, Owner};
use site::{Heard, Replies, SiteHandle};
use std::future::Future;
use std::io;
use std::sync::Arc;

/// The owner of state, as the sockets see it.
#[derive(Clone)]
pub struct Door(pub SiteHandle);

impl Owner for Door {
    fn dhcp(&self, heard: Vec<Heard>, replies: &Replies) {
        self.0.hear(heard, replies);
    }

    fn conflict(&self, link: &str, check: Check, theirs: Option<HardwareAddress>) -> bool {
        self.0.conflict(link, check, theirs)
    }

    fn file(&self, ask: FileAsk) -> impl Future<Output = Answer<Found>> + Send {
        self.0.file(ask)
    }

    fn tell(&self, event: Event) {
        self.0.tell(event);
    }

    fn now(&self) -> Now {
        self.0.now()
    }
}

/// The content store, as the sockets see it.
#[derive(Clone, Debug)]
pub struct Store(pub Arc<Blobs>);

/// One blob of it.
#[derive(Debug)]
pub struct Opened(BlobFile);

impl Bytes for Store {
    type Blob = Opened;

    fn open(&self, sha256: &Hash) -> io::Result<Opened> {
        self.0.open(sha256).map(Opened).map_err(io::Error::other)
    }
}

impl Blob for Opened {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}
