//! Keeps what the files say, the last word on each address, and what was left out.

use crate::dnsmasq::Late;
use crate::found::{Found, Image, Machine, Network, Profile, Rule};
use crate::resolve::{Settings, resolve};
use model::{HardwareAddress, Lease, Now, Reservation};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// More addresses than this are not taken over at once: a /12 has as many.
const ADDRESSES_MAX: usize = 1 << 20;

/// More profiles, images or rules than this are not taken over.
const PROFILES_MAX: usize = 10_000;

/// More networks than this are not taken over: the configuration file takes as many.
const NETWORKS_MAX: usize = 256;

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
    /// What is said beside them: machines, what they boot, networks.
    pub settings: Settings,
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
    found: Found,
    /// What is booted without a name of its own, and the name it got.
    booted: BTreeMap<(Image, String), String>,
    /// How often a name was wanted.
    wanted: BTreeMap<String, u32>,
    /// What dnsmasq says of tags, which may be explained in a later file.
    pub(crate) late: Late,
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
            found: Found::default(),
            booted: BTreeMap::new(),
            wanted: BTreeMap::new(),
            late: Late::default(),
        }
    }

    /// What was read.
    pub fn done(mut self) -> Parsed {
        crate::dnsmasq::finish(&mut self);
        // What demands more goes first, so that no rule for everybody hides one for somebody: matchbox
        // has it so, and with the others the special outranks the general.
        self.found.rules.sort_by_key(|at| std::cmp::Reverse(at.value.conditions.len()));
        let mut unresolved = Vec::new();
        let settings = resolve(std::mem::take(&mut self.found), &mut unresolved);
        unresolved.into_iter().for_each(|out| self.note(out));
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
        Parsed { leases, reservations, settings, left_out: self.left_out, more_left_out: self.more }
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

    /// A machine; what files say of it is put together.
    pub(crate) fn machine(
        &mut self,
        line: u32,
        mac: HardwareAddress,
        more: Machine,
    ) -> io::Result<()> {
        // Others have no spelling here.
        if mac.to_string().parse() != Ok(mac) {
            return Ok(());
        }
        if self.found.machines.len() >= ADDRESSES_MAX && !self.found.machines.contains_key(&mac) {
            return Err(io::Error::other(format!("it names more than {ADDRESSES_MAX} machines")));
        }
        let at = self.at(line, Machine::default());
        let machine = &mut self.found.machines.entry(mac).or_insert(at).value;
        machine.name = machine.name.take().or(more.name);
        machine.profile = machine.profile.take().or(more.profile);
        machine.labels.extend(more.labels);
        machine.notes.extend(more.notes);
        machine.notes.truncate(NOTES_MAX);
        Ok(())
    }

    /// What is booted, by the other server's name. The first counts; another of the same name is
    /// named.
    pub(crate) fn image(&mut self, line: u32, name: &str, image: Image) {
        let at = self.at(line, image);
        match self.found.images.get(name) {
            Some(first) if first.value == at.value => {}
            Some(first) => {
                let why =
                    format!("{}:{} says so already, with other files", first.file, first.line);
                self.leave(line, &format!("what {name} boots"), why);
            }
            None if self.found.images.len() >= PROFILES_MAX => self.too_many(line, name),
            None => drop(self.found.images.insert(name.to_owned(), at)),
        }
    }

    /// A profile, by the other server's name; the first counts.
    pub(crate) fn profile(&mut self, line: u32, name: &str, profile: Profile) {
        let at = self.at(line, profile);
        match self.found.profiles.get(name) {
            Some(first) if first.value == at.value => {}
            Some(first) => {
                let why = format!("{}:{} says so already, differently", first.file, first.line);
                self.leave(line, &format!("profile {name}"), why);
            }
            None if self.found.profiles.len() >= PROFILES_MAX => self.too_many(line, name),
            None => drop(self.found.profiles.insert(name.to_owned(), at)),
        }
    }

    /// Something that is booted and has no name of its own: an image with its profile, once for the
    /// same files and arguments, under the name that is wanted or that with a number. The name.
    pub(crate) fn boots(
        &mut self,
        line: u32,
        wanted: &str,
        image: Image,
        args: String,
        notes: Vec<String>,
    ) -> String {
        let key = (image, args);
        if let Some(name) = self.booted.get(&key) {
            return name.clone();
        }
        let count = self.wanted.entry(wanted.to_owned()).or_default();
        *count = count.saturating_add(1);
        let name = match *count {
            1 => wanted.to_owned(),
            more => format!("{wanted} {more}"),
        };
        if self.booted.len() < PROFILES_MAX {
            self.booted.insert(key.clone(), name.clone());
        }
        let (image, args) = key;
        self.image(line, &name, image);
        self.profile(line, &name, Profile { image: name.clone(), args, notes });
        name
    }

    /// A rule, behind those that were found before.
    pub(crate) fn rule(&mut self, line: u32, rule: Rule) {
        if self.found.rules.len() >= PROFILES_MAX {
            return self.too_many(line, "a rule");
        }
        let at = self.at(line, rule);
        self.found.rules.push(at);
    }

    /// A network.
    pub(crate) fn network(&mut self, line: u32, network: Network) {
        if self.found.networks.len() >= NETWORKS_MAX {
            return self.too_many(line, "a network");
        }
        let at = self.at(line, network);
        self.found.networks.push(at);
    }

    /// How long a boot menu waits; 0 is for ever.
    pub(crate) fn menu_wait(&mut self, seconds: u64) {
        // As long as the configuration takes.
        self.found.menu_wait_s = Some(seconds.min(86_400));
    }

    fn too_many(&mut self, line: u32, what: &str) {
        self.leave(line, what, "there are too many of them to be taken over at once");
    }

    /// Takes back what a host of this name was promised before in the file.
    pub(crate) fn unreserve(&mut self, addresses: &[Ipv4Addr]) {
        for address in addresses {
            self.reservations.remove(address);
        }
    }
}
