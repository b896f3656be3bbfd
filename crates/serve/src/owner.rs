//! The two things the sockets ask of the house behind them: decisions, and bytes.
//!
//! In: what was asked on the network. Out: what to say, as `engine` puts it. Never: a decision of
//! our own. They are traits so that this room can be tried without a store.

use engine::{
    Answer, Check, Datagram6, Event, FileAsk, Found, Listened6, Now, Outgoing6, Overheard,
};
use model::dns::{Published, PublishedAt};
use model::{HardwareAddress, Hash};
use site::{Heard, Replies};
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// Whoever decides. One handle per task; all of them reach the same owner.
pub trait Owner: Clone + Send + Sync + 'static {
    /// Takes DHCP messages in, all that came at once, without ever waiting. Replies come to
    /// `replies`, each when what it promises is on disk; silence does not come.
    fn dhcp(&self, heard: Vec<Heard>, replies: &Replies);

    /// Answers one DHCPv6 message, when what the reply promises is on disk.
    fn dhcp6(&self, datagram: Datagram6) -> impl Future<Output = Option<Outgoing6>> + Send;

    /// Takes in what other servers said, all that came at once, without ever waiting. How many found
    /// room.
    fn overhear(&self, overheard: Vec<Overheard>) -> usize;

    /// Takes in what was heard over IPv6 of what is not for us, in its order, without ever waiting. How many
    /// found room.
    fn listen6(&self, heard: Vec<Listened6>) -> usize;

    /// Somebody uses the address of a check. Never waits; what is heard later is decided with this
    /// known. False if it could not be taken in.
    fn conflict(&self, link: &str, check: Check, theirs: Option<HardwareAddress>) -> bool;

    /// Which bytes a name means for this asker.
    fn file(&self, ask: FileAsk) -> impl Future<Output = Answer<Found>> + Send;

    /// Which machine of the inventory goes by an address, given whom the neighbour table names there.
    fn machine_at(
        &self,
        from: IpAddr,
        link: &str,
        neighbour: Option<HardwareAddress>,
    ) -> impl Future<Output = Option<HardwareAddress>> + Send;

    /// Tells whoever watches. Never waits: what nobody has room for is lost.
    fn tell(&self, event: Event);

    /// A number that is larger after whatever may make [`Found::steady`] files be other files.
    /// Whoever keeps an answer keeps the number as it was before asking.
    fn edition(&self) -> u64;

    /// A number that is larger after whatever may change [`Self::name_facts`].
    fn names_edition(&self) -> u64;

    /// What names are made of; none when the server stops.
    fn name_facts(&self) -> impl Future<Output = Option<engine::names::Facts>> + Send;

    /// What may stand at other DNS servers, put by us; none when the server stops.
    fn published(&self) -> impl Future<Output = Option<Vec<(PublishedAt, Published)>>> + Send;

    /// Puts down what may stand there from now on. It is on disk when this returns.
    ///
    /// # Errors
    ///
    /// Why it is not.
    fn keep_published(
        &self,
        all: Vec<(PublishedAt, Option<Published>)>,
    ) -> impl Future<Output = Result<(), String>> + Send;

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

/// An opened blob; its bytes never change, and those that come out of it are what was kept. That a
/// blob is damaged is told by whoever keeps them ([`library::is_damage`]), once.
pub trait Blob: Send + Sync + 'static {
    /// Bytes.
    fn size(&self) -> u64;

    /// Fills `buffer` with what stands at `offset`; an error if the blob ends before that. May
    /// wait for a disk.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Reads as much as is in memory, perhaps less than `buffer` holds, and never waits for a
    /// disk: `WouldBlock` if nothing can be read without waiting.
    fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Where the bytes from `offset` on stand in a file, at most `most` of them, if the kernel may
    /// send them from there now.
    fn stretch(&self, offset: u64, most: u64) -> Option<Stretch<'_>>;

    /// Whether the bytes from `from` to `to` seem to be in memory, so that they can be sent without
    /// waiting. An error if they are not in the blob at all, or are not what they were.
    fn is_ready(&self, from: u64, to: u64) -> io::Result<bool> {
        let last = to.saturating_sub(1);
        for at in [from, from.midpoint(last), last].into_iter().filter(|_| from < to) {
            match self.read_now(&mut [0], at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(false),
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// An error if the bytes may have changed since the blob was opened. To be asked before the
    /// last byte of a transfer goes out: what is sent is one whole version, or ends early.
    /// `WouldBlock`: that is not known before [`Self::check_again`] has looked.
    fn still_whole(&self) -> io::Result<()>;

    /// The kernel had to fetch some of these bytes from a disk while it sent them, so nobody has
    /// checked what left. Gives which doubt this is; 0 is none.
    fn came_from_disk(&self, _offset: u64, _length: u64) -> u64 {
        0
    }

    /// Whether [`Self::check_again`] has looked at everything up to a doubt. To be asked before the
    /// last byte of a transfer goes out.
    fn is_settled(&self, _doubt: u64) -> bool {
        true
    }

    /// Finds out whether what was read so far is what it was. May wait for a disk.
    fn check_again(&self) -> io::Result<()> {
        self.still_whole()
    }
}

/// The same error once more, for others who wait for the same bytes.
pub(crate) fn repeated(error: &io::Error) -> io::Error {
    match library::damage_of(error) {
        Some(damage) => io::Error::other(damage.clone()),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// A part of a blob as it stands in a file.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// The file.
    pub file: BorrowedFd<'a>,
    /// Where in the file the asked byte stands.
    pub offset: u64,
    /// For how many bytes the file goes on as the blob does; not 0.
    pub length: u64,
}

impl Owner for site::SiteHandle {
    fn dhcp(&self, heard: Vec<Heard>, replies: &Replies) {
        self.hear(heard, replies);
    }

    async fn dhcp6(&self, datagram: Datagram6) -> Option<Outgoing6> {
        Self::dhcp6(self, datagram).await
    }

    fn overhear(&self, overheard: Vec<Overheard>) -> usize {
        Self::overhear(self, overheard)
    }

    fn listen6(&self, heard: Vec<Listened6>) -> usize {
        Self::listen6(self, heard)
    }

    fn conflict(&self, link: &str, check: Check, theirs: Option<HardwareAddress>) -> bool {
        Self::conflict(self, link, check, theirs)
    }

    async fn file(&self, ask: FileAsk) -> Answer<Found> {
        Self::file(self, ask).await
    }

    async fn machine_at(
        &self,
        from: IpAddr,
        link: &str,
        neighbour: Option<HardwareAddress>,
    ) -> Option<HardwareAddress> {
        Self::machine_at(self, from, link, neighbour).await
    }

    fn tell(&self, event: Event) {
        Self::tell(self, event);
    }

    fn edition(&self) -> u64 {
        Self::edition(self)
    }

    fn names_edition(&self) -> u64 {
        Self::names_edition(self)
    }

    async fn name_facts(&self) -> Option<engine::names::Facts> {
        self.ask(engine::Engine::name_facts).await.ok()
    }

    async fn published(&self) -> Option<Vec<(PublishedAt, Published)>> {
        let all = self.ask(|engine, _| {
            engine.published().map(|(at, what)| (at.clone(), what.clone())).collect()
        });
        all.await.ok()
    }

    async fn keep_published(
        &self,
        all: Vec<(PublishedAt, Option<Published>)>,
    ) -> Result<(), String> {
        Self::keep_published(self, all).await.map_err(|e| e.why())
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

    fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Self::read_now(self, buffer, offset)
    }

    fn stretch(&self, offset: u64, most: u64) -> Option<Stretch<'_>> {
        let length = self.leaving(offset, most);
        (length > 0).then(|| Stretch { file: self.file().as_fd(), offset, length })
    }

    fn is_ready(&self, from: u64, to: u64) -> io::Result<bool> {
        Self::is_ready(self, from, to)
    }

    fn still_whole(&self) -> io::Result<()> {
        Self::still_whole(self)
    }

    fn came_from_disk(&self, offset: u64, length: u64) -> u64 {
        Self::came_from_disk(self, offset, length)
    }

    fn is_settled(&self, doubt: u64) -> bool {
        Self::is_settled(self, doubt)
    }

    fn check_again(&self) -> io::Result<()> {
        Self::check_again(self)
    }
}
