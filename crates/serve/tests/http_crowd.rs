//! The boot port under many connections, slow ones, and files that are not what they were.

mod support;

use engine::Served;
use model::network::Mode;
use model::{Content, Happening, Hash};
use serve::{Blob, Bytes, Limits, Stretch};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::talk::{closes, get, head, response};
use support::{House, Server, Stage, World, able, inside, network, noise};

/// Room for everybody.
fn crowd() -> Limits {
    let room = 4096;
    Limits { http_connections: room, http_connections_per_source: room, ..Limits::default() }
}

#[test]
fn http_pipelined_requests_are_answered_in_their_order() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let (large, small) = (stage.file("large", 900_000), stage.file("small", 100));
    let mut stream = stage.world.tcp();
    let mut requests = String::new();
    for _ in 0..40 {
        requests +=
            "GET /small HTTP/1.1\r\n\r\nGET /large HTTP/1.1\r\nRange: bytes=5-600004\r\n\r\n";
        requests += "HEAD /large HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\n";
    }
    let mut writer = stream.try_clone().unwrap();
    // More than the server reads at once: it must not read on while it answers.
    let writing = std::thread::spawn(move || writer.write_all(requests.as_bytes()).unwrap());
    for _ in 0..40 {
        assert!(response(&mut stream).body == small);
        assert!(response(&mut stream).body == large[5..600_005]);
        assert_eq!(head(&mut stream).field("content-length"), Some("900000"));
        assert_eq!(response(&mut stream).status, 404);
    }
    writing.join().unwrap();
    let done = |h: &Happening| matches!(h, Happening::TransferDone { size: 100, .. });
    let all = || (stage.house.events().iter().filter(|h| done(h)).count() == 40).then_some(());
    support::eventually(all).unwrap_or_else(|| panic!("{:?}", stage.house.events()));
}

#[test]
fn http_1_0_is_spoken_with_and_without_keep_alive() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let bytes = stage.file("x", 70_000);
    let mut stream = stage.world.tcp();
    for _ in 0..3 {
        stream.write_all(b"GET /x HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").unwrap();
        let got = response(&mut stream);
        assert_eq!(got.field("connection"), Some("keep-alive"));
        assert!(got.body == bytes);
    }
    stream.write_all(b"GET /x HTTP/1.0\r\n\r\n").unwrap();
    let got = response(&mut stream);
    assert_eq!(got.field("connection"), Some("close"));
    assert!(got.body == bytes);
    assert!(closes(&mut stream, Duration::from_secs(2)));
}

#[test]
fn http_two_thousand_connections_are_served_at_once() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(crowd());
    let bytes = stage.file("x", 200_000);
    let mut streams: Vec<TcpStream> = inside(&stage.world.there, || {
        (0..2000).map(|_| TcpStream::connect((support::SERVER, 80)).unwrap()).collect()
    });
    for stream in &mut streams {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"GET /x HTTP/1.1\r\nRange: bytes=100000-\r\n\r\n").unwrap();
    }
    for (number, stream) in streams.iter_mut().enumerate() {
        let got = response(stream);
        assert_eq!(got.status, 206, "{number}");
        assert!(got.body == bytes[100_000..], "{number}");
    }
    // All of them are idle now, and any may go on.
    assert_eq!(get(&mut streams[1999], "/healthz", "").status, 200);
    assert_eq!(get(&mut streams[0], "/healthz", "").status, 200);
    assert_eq!(stage.server.counts().http_connections_refused, 0);
}

#[test]
fn http_slow_heads_and_slow_readers_by_the_hundred_slow_nobody() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits { http_head: Duration::from_secs(4), ..crowd() });
    let bytes = stage.file("x", 64 * 1024 * 1024);
    let load = || {
        let start = Instant::now();
        let mut stream = stage.world.tcp();
        for _ in 0..3 {
            assert!(get(&mut stream, "/x", "").body == bytes);
        }
        start.elapsed()
    };
    let alone = load();
    let connect = |count: usize, request: &[u8]| -> Vec<TcpStream> {
        let connect = |_| {
            let mut stream = TcpStream::connect((support::SERVER, 80)).unwrap();
            stream.write_all(request).unwrap();
            stream
        };
        inside(&stage.world.there, || (0..count).map(connect).collect())
    };
    let begun = Instant::now();
    let heads = connect(300, b"GET /x HTTP/1.1\r\nX-Slow: ");
    let readers = connect(300, b"GET /x HTTP/1.1\r\n\r\n");
    let mut crowded = load();
    for _ in 0..4 {
        crowded = crowded.min(load());
    }
    assert!(crowded < alone * 3 + Duration::from_millis(500), "{crowded:?}, alone {alone:?}");
    let cut = || Some(stage.server.counts().http_connections_cut).filter(|cut| *cut >= 300);
    let cut = support::eventually(cut).unwrap_or_else(|| panic!("{:?}", stage.server.counts()));
    // Slow readers have two minutes, which a busy host needs for the loads.
    assert!(cut == 300 || begun.elapsed() > Duration::from_secs(120), "{cut}");
    drop((heads, readers));
}

/// The real store in a folder, behind the server.
struct Real {
    server: Server,
    house: House,
    world: World,
    store: Arc<library::Blobs>,
    folder: tempfile::TempDir,
}

impl Real {
    fn new() -> Self {
        let (world, house) = (World::new(), House::new(|_| None));
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(library::Blobs::open_at(folder.path()).unwrap());
        let server = Server::start(&world, &house, &store, Limits::default());
        Self { server, house, world, store, folder }
    }

    /// Publishes noise, and gives it and where it is kept.
    fn file(&self, name: &str, length: usize) -> (Vec<u8>, PathBuf) {
        let bytes = noise(length);
        let (sha256, size) = self.store.add(&mut bytes.as_slice(), &mut |_| true).unwrap();
        self.house.publish_as(
            name,
            Served::Blob(Content::whole(sha256, size)),
            "application/efi",
            true,
        );
        let hash = sha256.to_string();
        let found = Command::new("find").arg(self.folder.path()).args(["-name", &hash]).output();
        let path = String::from_utf8(found.unwrap().stdout).unwrap();
        (bytes, PathBuf::from(path.trim()))
    }

    /// Begins to read a file, lets something happen to it, and reads the rest; gives how many
    /// bytes came.
    fn interrupted(&self, name: &str, happens: impl FnOnce()) -> usize {
        let mut stream = self.world.tcp();
        stream.write_all(format!("GET /{name} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(head(&mut stream).status, 200);
        stream.read_exact(&mut vec![0; 100_000]).unwrap();
        happens();
        let mut rest = Vec::new();
        // It ends, in whatever way.
        let _ = stream.read_to_end(&mut rest);
        100_000 + rest.len()
    }

    fn told(&self, words: &str) {
        self.house.wait_for(|h| matches!(h, Happening::Alarm { text } if text.contains(words)));
        self.house.wait_for(|h| {
            matches!(h, Happening::TransferFailed { why, .. }
                if why == "it could not be read from the image store")
        });
    }
}

#[test]
fn http_file_that_changes_on_its_way_ends_early_and_is_told() {
    if !able(&["find"]) {
        return;
    }
    let real = Real::new();
    let size = 48 * 1024 * 1024;
    let (bytes, path) = real.file("x", size);
    let mut stream = real.world.tcp();
    assert!(get(&mut stream, "/x", "").body == bytes);
    let came = real.interrupted("x", || {
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_at(b"not what it was", 7).unwrap();
    });
    assert!(came < size, "all {came} bytes came");
    real.told("/x was cut off on its way: blob");
}

#[test]
fn http_file_that_is_cut_short_on_its_way_ends_early_and_is_told() {
    if !able(&["find"]) {
        return;
    }
    let real = Real::new();
    let size = 48 * 1024 * 1024;
    let (_, path) = real.file("x", size);
    let came = real.interrupted("x", || {
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(size as u64 / 2).unwrap();
    });
    assert!(came <= size / 2, "{came} bytes came");
    real.told("/x was cut off on its way: it is shorter in the image store");
}

#[test]
fn http_file_that_is_removed_on_its_way_is_sent_to_its_end() {
    if !able(&["find"]) {
        return;
    }
    let real = Real::new();
    let size = 48 * 1024 * 1024;
    let (_, path) = real.file("x", size);
    assert_eq!(real.interrupted("x", || fs::remove_file(&path).unwrap()), size);
    real.house.wait_for(|h| matches!(h, Happening::TransferDone { .. }));
    assert_eq!(real.server.counts().panics, 0);
}

#[test]
fn http_cold_file_is_read_from_disk_and_sent_whole() {
    if !able(&["find", "dd"]) {
        return;
    }
    let real = Real::new();
    let (bytes, path) = real.file("x", 20_000_001);
    File::open(&path).unwrap().sync_all().unwrap();
    let path = path.to_str().unwrap();
    support::run("dd", &[&format!("if={path}"), "iflag=nocache", "count=0", "status=none"]);
    let mut streams: Vec<TcpStream> = (0..5).map(|_| real.world.tcp()).collect();
    for stream in &mut streams {
        stream.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    }
    for stream in &mut streams {
        assert!(response(stream).body == bytes);
    }
}

#[test]
fn http_steady_answer_is_asked_for_once_per_connection_and_edition() {
    if !able(&["find"]) {
        return;
    }
    let real = Real::new();
    let (bytes, _) = real.file("disc.iso", 5_000_000);
    let mut stream = real.world.tcp();
    let read = |stream: &mut TcpStream, from: usize| {
        let range = format!("Range: bytes={from}-{}\r\n", from + 2047);
        let got = get(stream, "/disc.iso?a=b", &range);
        assert!(got.body == bytes[from..from + 2048], "{from}");
    };
    for sector in 0..200 {
        read(&mut stream, sector * 2048);
    }
    assert_eq!(real.house.asked().len(), 1);
    real.house.next_edition();
    read(&mut stream, 4096);
    read(&mut stream, 8192);
    assert_eq!(real.house.asked().len(), 2);
    // Another name, and another machine, are another question.
    assert_eq!(get(&mut stream, "/disc.iso", "").status, 200);
    assert_eq!(real.house.asked().len(), 3);
    read(&mut real.world.tcp(), 0);
    assert_eq!(real.house.asked().len(), 4);
    read(&mut stream, 0);
    assert_eq!(real.house.asked().len(), 4);
}

/// A store whose blobs are as odd as their test needs them.
#[derive(Clone)]
struct Odd(Arc<OddBytes>);

struct OddBytes {
    bytes: Vec<u8>,
    /// What has been read from the disk, in pieces of a megabyte.
    warm: Mutex<Vec<bool>>,
    reads: AtomicUsize,
    on_the_thread: AtomicUsize,
    panics_from: u64,
}

impl Odd {
    fn new(length: usize, panics_from: u64) -> Self {
        Self(Arc::new(OddBytes {
            bytes: noise(length),
            warm: Mutex::new(vec![false; length / 1_048_576 + 1]),
            reads: AtomicUsize::new(0),
            on_the_thread: AtomicUsize::new(0),
            panics_from,
        }))
    }

    fn copy(&self, buffer: &mut [u8], offset: u64) {
        let from = usize::try_from(offset).unwrap();
        buffer.copy_from_slice(&self.0.bytes[from..from + buffer.len()]);
    }
}

impl Bytes for Odd {
    type Blob = Self;
    fn open(&self, _: &Hash) -> io::Result<Self> {
        Ok(self.clone())
    }
}

impl Blob for Odd {
    fn size(&self) -> u64 {
        self.0.bytes.len() as u64
    }
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        if std::thread::current().name() == Some("http") {
            self.0.on_the_thread.fetch_add(1, Ordering::Relaxed);
        }
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        // A disk takes its time.
        std::thread::sleep(Duration::from_millis(5));
        self.copy(buffer, offset);
        self.0.warm.lock().unwrap()[usize::try_from(offset / 1_048_576).unwrap()] = true;
        Ok(())
    }
    fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        assert!(offset < self.0.panics_from, "this blob panics on purpose");
        if !self.0.warm.lock().unwrap()[usize::try_from(offset / 1_048_576).unwrap()] {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let left = self.0.bytes.len() - usize::try_from(offset).unwrap();
        let length = buffer.len().min(left);
        self.copy(&mut buffer[..length], offset);
        Ok(length)
    }
    fn stretch(&self, _: u64, _: u64) -> Option<Stretch<'_>> {
        None
    }
    fn still_whole(&self) -> io::Result<()> {
        Ok(())
    }
}

fn odd_stage(odd: &Odd) -> (World, House, Server) {
    let (world, house) = (World::new(), House::new(|_| None));
    let size = odd.size();
    house.publish("x", Served::Blob(Content::whole(Hash([7; 32]), size)), "application/efi");
    let networks = [network(Mode::Dhcp)];
    let server = Server::try_start(&world.here, &house, odd, &networks, Limits::default());
    (world, house, server.unwrap())
}

#[test]
fn http_disk_is_read_once_for_all_and_never_by_the_thread() {
    if !able(&[]) {
        return;
    }
    let odd = Odd::new(6_000_000, u64::MAX);
    let (world, _house, _server) = odd_stage(&odd);
    let mut streams: Vec<TcpStream> = (0..20).map(|_| world.tcp()).collect();
    for stream in &mut streams {
        stream.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    }
    // Somebody who needs no disk is not kept waiting by those who do.
    let start = Instant::now();
    assert_eq!(get(&mut world.tcp(), "/healthz", "").status, 200);
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    for stream in &mut streams {
        assert!(response(stream).body == odd.0.bytes);
    }
    assert_eq!(odd.0.on_the_thread.load(Ordering::Relaxed), 0);
    let reads = odd.0.reads.load(Ordering::Relaxed);
    assert_eq!(reads, 6_000_000_usize.div_ceil(128 * 1024), "each part of it once");
}

#[test]
fn http_panic_is_counted_and_costs_one_connection() {
    if !able(&[]) {
        return;
    }
    let odd = Odd::new(6_000_000, 3_500_000);
    let (world, house, server) = odd_stage(&odd);
    let (mut hurt, mut other) = (world.tcp(), world.tcp());
    assert_eq!(get(&mut other, "/healthz", "").status, 200);
    hurt.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    let promised = head(&mut hurt).field("content-length").unwrap().parse::<usize>().unwrap();
    let mut rest = Vec::new();
    // It ends, in whatever way.
    let _ = hurt.read_to_end(&mut rest);
    assert!(rest.len() < promised && rest == odd.0.bytes[..rest.len()]);
    assert_eq!(server.counts().panics, 1);
    let failed = house.wait_for(|h| matches!(h, Happening::TransferFailed { .. }));
    assert!(failed.to_string().contains("the server failed at it"), "{failed}");
    let range = "Range: bytes=0-2000000\r\n";
    assert!(get(&mut other, "/x", range).body == odd.0.bytes[..=2_000_000]);
    assert_eq!(get(&mut world.tcp(), "/healthz", "").status, 200);
}

#[test]
fn http_client_that_hangs_up_and_then_refuses_the_rest_leaves_its_place() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits { http_connections_per_source: 1, ..Limits::default() });
    let bytes = stage.file("x", 20_000);
    for _ in 0..3 {
        let mut stream = small_window(&stage);
        stream.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(300));
        // All of it is in the kernels; most of it has not arrived.
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        drop(stream);
        std::thread::sleep(Duration::from_millis(300));
    }
    let mut stream = stage.world.tcp();
    assert!(get(&mut stream, "/x", "").body == bytes);
}

/// A connection of a machine that takes two or three kilobytes, and the rest when it has read them.
fn small_window(stage: &Stage) -> TcpStream {
    inside(&stage.world.there, || {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(2304).unwrap();
        socket.connect(&std::net::SocketAddr::from((support::SERVER, 80)).into()).unwrap();
        socket.into()
    })
}
