//! A small world for the tests: two network namespaces with a cable between them, a house that
//! answers as it is told, and the real server in one of the namespaces.
#![allow(dead_code, reason = "each test file uses its own part of it")]

pub mod talk;

use engine::{Answer, Check, Datagram, Event, FileAsk, Found, Now, Outgoing, Served};
use model::dns::{Published, PublishedAt};
use model::network::{Mode, Network};
use model::plan::Why;
use model::{Content, Happening, HardwareAddress, Hash};
use nix::sched::{CloneFlags, setns};
use serve::{Blob, Bytes, Limits, Owner, Ports, Running, StartError, Tls};
use sha2::{Digest, Sha256};
use site::{Heard, Ready, Replies};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Our address in every world.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The machine's address in every world.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 9);

/// Whether what a test needs is there. If not, it is skipped aloud, and in CI it fails.
pub fn able(needs: &[&str]) -> bool {
    let mut missing = Vec::new();
    if !nix::unistd::Uid::effective().is_root() {
        missing.push("root".to_owned());
    }
    for tool in ["ip"].iter().chain(needs) {
        let there = std::env::split_paths("/usr/sbin:/usr/bin:/sbin:/bin")
            .any(|dir| dir.join(tool).exists());
        if !there {
            missing.push((*tool).to_owned());
        }
    }
    if missing.is_empty() {
        return true;
    }
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let text = format!("{test} SKIPPED: it needs {}", missing.join(", "));
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
    eprintln!("{text}");
    false
}

/// Two namespaces and a cable. Gone when dropped.
pub struct World {
    /// Ours: `lan` with 10.77.0.1/24.
    pub here: String,
    /// The machine's: `nic` with 10.77.0.9/24, 52:54:00:00:00:09.
    pub there: String,
}

impl World {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = format!("bw{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let world = Self { here: format!("{id}s"), there: format!("{id}c") };
        run("ip", &["netns", "add", &world.here]);
        run("ip", &["netns", "add", &world.there]);
        world.cable();
        for ns in [&world.here, &world.there] {
            run("ip", &["-n", ns, "link", "set", "lo", "up"]);
        }
        world
    }

    /// Plugs the cable in.
    pub fn cable(&self) {
        let (here, there) = (&self.here, &self.there);
        let pair = ["link", "add", "lan", "netns", here, "type", "veth"];
        run("ip", &[&pair[..], &["peer", "name", "nic", "netns", there]].concat());
        run("ip", &["-n", there, "link", "set", "nic", "address", "52:54:00:00:00:09"]);
        run("ip", &["-n", here, "address", "add", "10.77.0.1/24", "dev", "lan"]);
        run("ip", &["-n", there, "address", "add", "10.77.0.9/24", "dev", "nic"]);
        run("ip", &["-n", here, "link", "set", "lan", "up"]);
        run("ip", &["-n", there, "link", "set", "nic", "up"]);
    }

    /// Both ends speak IPv6, too, each at an address of the network and at one of the link.
    pub fn with_ipv6(&self) {
        let ends = [(&self.here, "lan", "1/64"), (&self.there, "nic", "9/64")];
        for (ns, link, last) in ends {
            for address in [format!("fd77::{last}"), format!("fe80::{last}")] {
                run("ip", &["-n", ns, "address", "add", &address, "dev", link, "nodad"]);
            }
        }
    }

    /// Runs a program on the machine's side.
    pub fn there(&self, program: &str, args: &[&str]) -> Output {
        let args = [&["netns", "exec", &self.there, program], args].concat();
        Command::new("ip").args(args).output().unwrap()
    }

    /// Starts a program in a namespace; it ends with the guard.
    pub fn spawn(&self, ns: &str, program: &str, args: &[&str]) -> Guard {
        let args = [&["netns", "exec", ns, program], args].concat();
        let mut command = Command::new("ip");
        command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
        Guard(command.spawn().unwrap())
    }

    /// A UDP socket of the machine.
    pub fn udp(&self, port: u16) -> UdpSocket {
        let socket = inside(&self.there, || UdpSocket::bind((CLIENT, port)).unwrap());
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket
    }

    /// A connection of the machine to the boot port.
    pub fn tcp(&self) -> TcpStream {
        let stream = inside(&self.there, || TcpStream::connect((SERVER, 80)).unwrap());
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for ns in [&self.here, &self.there] {
            let _ = Command::new("ip").args(["netns", "del", ns]).output();
        }
    }
}

/// A process that ends with the test.
pub struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {text}", args.join(" "));
}

/// Runs something in a namespace. Sockets made there stay there.
pub fn inside<T: Send>(ns: &str, work: impl FnOnce() -> T + Send) -> T {
    let file = File::open(format!("/run/netns/{ns}")).unwrap();
    thread::scope(|scope| {
        let inner = scope.spawn(|| {
            setns(file, CloneFlags::CLONE_NEWNET).unwrap();
            work()
        });
        inner.join().unwrap()
    })
}

type Decide = dyn Fn(&Datagram) -> Option<Outgoing> + Send + Sync;

/// An owner that answers as it was told, and remembers.
#[derive(Clone)]
pub struct House(Arc<Inner>);

struct Inner {
    started: Instant,
    files: Mutex<HashMap<Vec<u8>, Found>>,
    silence: Mutex<Option<Why>>,
    dhcp: Box<Decide>,
    stalls: AtomicBool,
    asked: Mutex<Vec<FileAsk>>,
    heard: Mutex<Vec<Datagram>>,
    conflicts: Mutex<Vec<(Ipv4Addr, Option<HardwareAddress>)>>,
    overheard: Mutex<Vec<engine::Overheard>>,
    listened6: Mutex<Vec<engine::Listened6>>,
    events: Mutex<Vec<Event>>,
    edition: AtomicU64,
    names: Mutex<(u64, engine::names::Facts)>,
    copying: Stumbles,
    answering: Stumbles,
    published: Mutex<BTreeMap<PublishedAt, Published>>,
}

/// How many of the next calls panic.
#[derive(Default)]
struct Stumbles(AtomicU32);

impl Stumbles {
    fn may_panic(&self) {
        let less = |left: u32| left.checked_sub(1);
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        assert!(left.is_err(), "this house panics on purpose");
    }
}

impl House {
    pub fn new(dhcp: impl Fn(&Datagram) -> Option<Outgoing> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            started: Instant::now(),
            files: Mutex::default(),
            silence: Mutex::default(),
            dhcp: Box::new(dhcp),
            stalls: AtomicBool::new(false),
            asked: Mutex::default(),
            heard: Mutex::default(),
            conflicts: Mutex::default(),
            overheard: Mutex::default(),
            listened6: Mutex::default(),
            events: Mutex::default(),
            edition: AtomicU64::new(0),
            names: Mutex::default(),
            copying: Stumbles::default(),
            answering: Stumbles::default(),
            published: Mutex::default(),
        }))
    }

    /// Publishes a file under a name without a leading slash.
    pub fn publish(&self, name: &str, what: Served, media: &'static str) {
        self.publish_as(name, what, media, false);
    }

    /// Publishes a file that stays the same until the next edition, or not.
    pub fn publish_as(&self, name: &str, what: Served, media: &'static str, steady: bool) {
        let found = Found { what, media, machine: None, steady, blksize_max: None };
        self.0.files.lock().unwrap().insert(name.as_bytes().to_vec(), found);
    }

    /// From now on files may be other files.
    pub fn next_edition(&self) {
        self.0.edition.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on names are made of this.
    pub fn name(&self, facts: engine::names::Facts) {
        let mut names = self.0.names.lock().unwrap();
        *names = (names.0 + 1, facts);
    }

    /// Whoever copies names panics from now on, so often.
    pub fn stumble_copying_names(&self, times: u32) {
        self.0.copying.0.store(times, Ordering::Relaxed);
    }

    /// A thread that answers questions for names panics from now on, so often.
    pub fn stumble_answering_names(&self, times: u32) {
        self.0.answering.0.store(times, Ordering::Relaxed);
    }

    pub fn be_silent(&self, why: Why) {
        *self.0.silence.lock().unwrap() = Some(why);
    }

    /// Never answers a DHCP message any more.
    pub fn stall(&self) {
        self.0.stalls.store(true, Ordering::Relaxed);
    }

    pub fn asked(&self) -> Vec<FileAsk> {
        self.0.asked.lock().unwrap().clone()
    }

    pub fn heard(&self) -> Vec<Datagram> {
        self.0.heard.lock().unwrap().clone()
    }

    /// What other servers said.
    pub fn listened6(&self) -> Vec<engine::Listened6> {
        self.0.listened6.lock().unwrap().clone()
    }

    pub fn overheard(&self) -> Vec<engine::Overheard> {
        self.0.overheard.lock().unwrap().clone()
    }

    /// What was told of addresses that somebody uses.
    pub fn conflicts(&self) -> Vec<(Ipv4Addr, Option<HardwareAddress>)> {
        self.0.conflicts.lock().unwrap().clone()
    }

    pub fn events(&self) -> Vec<Happening> {
        self.0.events.lock().unwrap().iter().map(|e| e.what.clone()).collect()
    }

    /// Waits until something was told, at most 20 s.
    pub fn wait_for(&self, wanted: impl Fn(&Happening) -> bool) -> Happening {
        eventually(|| self.events().into_iter().find(&wanted))
            .unwrap_or_else(|| panic!("not told; told were {:#?}", self.events()))
    }
}

/// Tries every 10 ms, for at most 20 s.
pub fn eventually<T>(mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let found = found();
        if found.is_some() || Instant::now() > end {
            return found;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

impl Owner for House {
    fn dhcp(&self, heard: Vec<Heard>, replies: &Replies) {
        for heard in heard {
            let answer = (self.0.dhcp)(&heard.datagram);
            self.0.heard.lock().unwrap().push(heard.datagram.clone());
            if let Some(outgoing) = answer
                && !self.0.stalls.load(Ordering::Relaxed)
            {
                let asked = outgoing.check.is_some().then(|| Box::new(heard));
                let _ = replies.try_send(Ready { outgoing, asked });
            }
        }
    }

    async fn dhcp6(&self, _: engine::Datagram6) -> Option<engine::Outgoing6> {
        None
    }

    fn overhear(&self, overheard: Vec<engine::Overheard>) -> usize {
        let taken = overheard.len();
        self.0.overheard.lock().unwrap().extend(overheard);
        taken
    }

    fn listen6(&self, heard: Vec<engine::Listened6>) -> usize {
        let taken = heard.len();
        self.0.listened6.lock().unwrap().extend(heard);
        taken
    }

    fn conflict(&self, _: &str, check: Check, theirs: Option<HardwareAddress>) -> bool {
        self.0.conflicts.lock().unwrap().push((check.address, theirs));
        true
    }

    async fn file(&self, ask: FileAsk) -> Answer<Found> {
        let mut name = ask.name.as_slice();
        while let [b'/', rest @ ..] = name {
            name = rest;
        }
        let found = self.0.files.lock().unwrap().get(name).cloned();
        self.0.asked.lock().unwrap().push(ask.clone());
        if let Some(why) = self.0.silence.lock().unwrap().clone() {
            return Answer::Silence(why);
        }
        let name = model::text::show(&ask.name);
        found.map_or(Answer::Silence(Why::NoSuchFile { name, hint: None }), Answer::Reply)
    }

    async fn machine_at(
        &self,
        from: IpAddr,
        _: &str,
        neighbour: Option<HardwareAddress>,
    ) -> Option<HardwareAddress> {
        // Only the machine of this world is in the inventory.
        neighbour.filter(|_| from == CLIENT)
    }

    fn tell(&self, event: Event) {
        self.0.events.lock().unwrap().push(event);
    }

    fn names_edition(&self) -> u64 {
        self.0.copying.may_panic();
        self.0.names.lock().unwrap().0
    }

    async fn name_facts(&self) -> Option<engine::names::Facts> {
        Some(self.0.names.lock().unwrap().1.clone())
    }

    async fn published(&self) -> Option<Vec<(PublishedAt, Published)>> {
        Some(self.0.published.lock().unwrap().clone().into_iter().collect())
    }

    async fn keep_published(
        &self,
        all: Vec<(PublishedAt, Option<Published>)>,
    ) -> Result<(), String> {
        let mut kept = self.0.published.lock().unwrap();
        for (at, what) in all {
            match what {
                Some(what) => drop(kept.insert(at, what)),
                None => drop(kept.remove(&at)),
            }
        }
        Ok(())
    }

    fn edition(&self) -> u64 {
        self.0.edition.load(Ordering::Relaxed)
    }

    fn now(&self) -> Now {
        if thread::current().name() == Some("dns") {
            self.0.answering.may_panic();
        }
        Now(1_000_000) + self.0.started.elapsed()
    }
}

/// Blobs in memory.
#[derive(Clone, Default)]
pub struct Store {
    blobs: Arc<Mutex<HashMap<Hash, Arc<Vec<u8>>>>>,
    pub ways: Arc<Ways>,
}

/// How the blobs of a store behave.
#[derive(Default)]
pub struct Ways {
    /// What is not in memory until somebody has waited for it: the first read of each range of
    /// 64 KiB.
    pub cold: AtomicBool,
    /// Nothing is ever in memory.
    pub always_cold: AtomicBool,
    /// Somebody wrote to the files.
    pub changed: AtomicBool,
    /// A bug.
    pub panics: AtomicBool,
    /// How often a blob was opened, read without waiting, and read with it.
    pub opened: AtomicU32,
    pub read_now: AtomicU32,
    pub waited: AtomicU32,
}

const COLD_RANGE: u64 = 64 * 1024;

impl Store {
    pub fn put(&self, bytes: Vec<u8>) -> Served {
        let sha256 = Hash(Sha256::digest(&bytes).into());
        let size = bytes.len() as u64;
        self.blobs.lock().unwrap().insert(sha256, Arc::new(bytes));
        Served::Blob(Content::whole(sha256, size))
    }
}

pub struct InMemory {
    bytes: Arc<Vec<u8>>,
    ways: Arc<Ways>,
    /// Ranges that somebody has waited for.
    warm: Mutex<HashSet<u64>>,
}

impl InMemory {
    fn copy(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).unwrap();
        let bytes =
            self.bytes.get(from..from + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

impl Bytes for Store {
    type Blob = InMemory;
    fn open(&self, sha256: &Hash) -> io::Result<InMemory> {
        self.ways.opened.fetch_add(1, Ordering::Relaxed);
        let found = self.blobs.lock().unwrap().get(sha256).cloned();
        let ways = Arc::clone(&self.ways);
        found
            .map(|bytes| InMemory { bytes, ways, warm: Mutex::default() })
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Blob for InMemory {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.ways.waited.fetch_add(1, Ordering::Relaxed);
        let ranges = offset / COLD_RANGE..=(offset + buffer.len() as u64) / COLD_RANGE;
        self.warm.lock().unwrap().extend(ranges);
        self.copy(buffer, offset)
    }
    fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.ways.read_now.fetch_add(1, Ordering::Relaxed);
        assert!(!self.ways.panics.load(Ordering::Relaxed), "a bug, as the test wants it");
        let mut length = buffer.len().min(self.bytes.len() - usize::try_from(offset).unwrap());
        if self.ways.always_cold.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.ways.cold.load(Ordering::Relaxed) {
            let range = offset / COLD_RANGE;
            if !self.warm.lock().unwrap().contains(&range) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let rest = usize::try_from((range + 1) * COLD_RANGE - offset).unwrap();
            length = length.min(rest);
        }
        self.copy(&mut buffer[..length], offset)?;
        Ok(length)
    }
    fn stretch(&self, _: u64, _: u64) -> Option<serve::Stretch<'_>> {
        None
    }
    fn still_whole(&self) -> io::Result<()> {
        let changed = self.ways.changed.load(Ordering::Relaxed);
        if changed { Err(io::Error::other("somebody wrote to it")) } else { Ok(()) }
    }
}

/// Bytes that are the same in every run and repeat nowhere soon.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The network of a world.
pub fn network(mode: Mode) -> Network {
    let subnet = "10.77.0.0/24".parse().unwrap();
    Network { lease: None, ..Network::new("lan", mode, SERVER, subnet) }
}

/// The real server in a namespace.
pub struct Server {
    pub running: Option<Running>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    pub fn try_start<B: Bytes>(
        ns: &str,
        house: &House,
        store: &B,
        networks: &[Network],
        limits: Limits,
    ) -> Result<Self, StartError> {
        Self::try_start_with(ns, house, store, networks, (None, limits))
    }

    pub fn try_start_with<B: Bytes>(
        ns: &str,
        house: &House,
        store: &B,
        networks: &[Network],
        (tls, limits): (Option<Tls>, Limits),
    ) -> Result<Self, StartError> {
        let ports = Ports { http: 80, tls, syslog: None, dns: None, publish: Vec::new() };
        Self::try_start_on(ns, house, store, networks, (ports, limits))
    }

    pub fn try_start_on<B: Bytes>(
        ns: &str,
        house: &House,
        store: &B,
        networks: &[Network],
        with: (Ports, Limits),
    ) -> Result<Self, StartError> {
        let networks = serve::Networks { v4: networks, v6: &[] };
        Self::try_start_both(ns, house, store, networks, with)
    }

    /// With networks of both families.
    pub fn try_start_both<B: Bytes>(
        ns: &str,
        house: &House,
        store: &B,
        networks: serve::Networks<'_>,
        (ports, limits): (Ports, Limits),
    ) -> Result<Self, StartError> {
        inside(ns, || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let runtime = builder.worker_threads(2).enable_all().build().unwrap();
            let _inside = runtime.enter();
            let running = serve::start_on(house.clone(), store.clone(), networks, ports, limits)?;
            Ok(Self { running: Some(running), runtime: Some(runtime) })
        })
    }

    pub fn start<B: Bytes>(world: &World, house: &House, store: &B, limits: Limits) -> Self {
        Self::try_start(&world.here, house, store, &[network(Mode::Dhcp)], limits).unwrap()
    }

    pub fn counts(&self) -> serve::Counts {
        self.running.as_ref().unwrap().counts()
    }

    pub fn stop(&mut self) {
        let running = self.running.take().unwrap();
        self.runtime.as_ref().unwrap().block_on(running.stop());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}

/// A world with a server that has some files.
pub struct Stage {
    pub server: Server,
    pub house: House,
    pub store: Store,
    pub world: World,
}

impl Stage {
    pub fn new(limits: Limits) -> Self {
        let (world, house, store) = (World::new(), House::new(|_| None), Store::default());
        let server = Server::start(&world, &house, &store, limits);
        Self { server, house, store, world }
    }

    /// Publishes noise under a name and gives it.
    pub fn file(&self, name: &str, length: usize) -> Vec<u8> {
        let bytes = noise(length);
        self.house.publish(name, self.store.put(bytes.clone()), "application/octet-stream");
        bytes
    }
}

pub fn to(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(SERVER, port)
}
