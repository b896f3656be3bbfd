//! Keeps what the files say, the last word on each address, and what was left out.

use model::{Lease, Now, Reservation};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// More addresses than this are not taken over at once: a /12 has as many.
const ADDRESSES_MAX: usize = 1 << 20;

/// So many left-out things are listed; further ones are counted.
const LEFT_OUT_MAX: usize = 20_000;

/// So much is said about one lease.
const NOTES_MAX: usize = 16;

/// Something with the place where it stood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct At<T> {
    /// The file.
    pub file: Arc<str>,
    /// The line, the first being 1.
    pub line: u32,
    /// The thing.
    pub value: T,
}

/// Something that is not taken over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftOut {
    /// The file.
    pub file: Arc<str>,
    /// The line, the first being 1; 0 is the whole file.
    pub line: u32,
    /// What, shown.
    pub what: String,
    /// Why, and what to do instead.
    pub why: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, what, why } = self;
        match line {
            0 => write!(f, "{file}: {what}: {why}"),
            line => write!(f, "{file}:{line}: {what}: {why}"),
        }
    }
}

/// Everything that files said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Parsed {
    /// One lease per address, by address. `network` is empty: the files do not know our interfaces.
    pub leases: Vec<At<Lease>>,
    /// One reservation per address, by address.
    pub reservations: Vec<At<Reservation>>,
    /// What is not taken over, in the order of the files.
    pub left_out: Vec<LeftOut>,
    /// So many further ones were left out and are not listed.
    pub more_left_out: u64,
}

/// The last word on an address.
struct Word {
    lease: Option<At<Lease>>,
    /// What is left out of it, or why it is left out itself.
    notes: Vec<LeftOut>,
}

/// The book that files are read into.
pub struct Book {
    now: Now,
    file: Arc<str>,
    words: BTreeMap<Ipv4Addr, Word>,
    reservations: BTreeMap<Ipv4Addr, At<Reservation>>,
    left_out: Vec<LeftOut>,
    more: u64,
}

impl Book {
    /// An empty one. The moment decides which leases have ended.
    pub fn new(now: Now) -> Self {
        Self {
            now,
            file: Arc::from(""),
            words: BTreeMap::new(),
            reservations: BTreeMap::new(),
            left_out: Vec::new(),
            more: 0,
        }
    }

    /// What was read.
    pub fn done(mut self) -> Parsed {
        let mut leases = Vec::new();
        for word in std::mem::take(&mut self.words).into_values() {
            leases.extend(word.lease);
            for note in word.notes {
                self.note(note);
            }
        }
        // Stable: what stands on one line keeps its order. Whole files are left out first.
        self.left_out.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        let reservations = self.reservations.into_values().collect();
        Parsed { leases, reservations, left_out: self.left_out, more_left_out: self.more }
    }

    /// Leaves a whole file out, unread.
    pub fn pass_over(&mut self, file: &str, why: &str) {
        self.open(file);
        self.leave(0, "the whole file", why);
    }

    pub(crate) fn now(&self) -> Now {
        self.now
    }

    pub(crate) fn open(&mut self, file: &str) {
        self.file = Arc::from(file);
    }

    /// A place in the file that is read.
    pub(crate) fn at<T>(&self, line: u32, value: T) -> At<T> {
        At { file: Arc::clone(&self.file), line, value }
    }

    /// The words about something that is left out.
    pub(crate) fn out(&self, line: u32, what: &str, why: impl Into<String>) -> LeftOut {
        let (file, what) = (Arc::clone(&self.file), model::text::show(what.as_bytes()));
        LeftOut { file, line, what, why: why.into() }
    }

    /// Leaves something out that is about no address.
    pub(crate) fn leave(&mut self, line: u32, what: &str, why: impl Into<String>) {
        let out = self.out(line, what, why);
        self.note(out);
    }

    /// Leaves a line out that is longer than any line of such a file.
    pub(crate) fn too_long(&mut self, line: u32) {
        let most = crate::LINE_MAX;
        self.leave(
            line,
            "a line",
            format!("it is longer than {most} bytes; no server writes such"),
        );
    }

    fn note(&mut self, out: LeftOut) {
        if self.left_out.len() < LEFT_OUT_MAX {
            self.left_out.push(out);
        } else {
            self.more += 1;
        }
    }

    /// The last word on an address: its lease, with what is left out of it, or why there is none.
    pub(crate) fn word(
        &mut self,
        address: Ipv4Addr,
        lease: Option<At<Lease>>,
        mut notes: Vec<LeftOut>,
    ) -> io::Result<()> {
        notes.truncate(NOTES_MAX);
        if self.words.len() >= ADDRESSES_MAX && !self.words.contains_key(&address) {
            return Err(io::Error::other(format!("it names more than {ADDRESSES_MAX} addresses")));
        }
        self.words.insert(address, Word { lease, notes });
        Ok(())
    }

    /// The address is free again, and there is nothing to say about it.
    pub(crate) fn forget(&mut self, address: Ipv4Addr) {
        self.words.remove(&address);
    }

    /// A reservation. An address is promised once.
    pub(crate) fn reserve(&mut self, line: u32, reservation: Reservation) -> io::Result<()> {
        let address = reservation.address;
        if let Some(first) = self.reservations.get(&address) {
            if first.value.holder == reservation.holder {
                return Ok(());
            }
            let (what, at) = (format!("{address} for {}", reservation.holder), first.line);
            let why = format!("{}:{at} promises it to {} already", first.file, first.value.holder);
            self.leave(line, &what, why);
            return Ok(());
        }
        if self.reservations.len() >= ADDRESSES_MAX {
            return Err(io::Error::other(format!(
                "it reserves more than {ADDRESSES_MAX} addresses"
            )));
        }
        let reservation = self.at(line, reservation);
        self.reservations.insert(address, reservation);
        Ok(())
    }

    /// Takes back what a host of this name was promised before in the file.
    pub(crate) fn unreserve(&mut self, addresses: &[Ipv4Addr]) {
        for address in addresses {
            self.reservations.remove(address);
        }
    }
}
