//! Blobs of the real store as machines get them: whole and in parts, sound and damaged.

mod support;

use engine::Served;
use model::image::Run;
use model::network::Mode;
use model::{Content, Event, Happening, Hash, Now};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serve::{Limits, Tls, TlsKeys};
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::thread;
use support::talk::{get, head};
use support::{House, Server, World, able, network, noise, run, to};
use wire::tftp::{ErrorCode, Packet, ack, read_request};

const MIB: usize = 1 << 20;
const TLS_PORT: u16 = 443;

/// A world in which the server has a store on a real disk.
struct Real {
    server: Server,
    house: House,
    world: World,
    store: Arc<library::Blobs>,
    state: PathBuf,
    folder: tempfile::TempDir,
}

impl Real {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        fs::create_dir(&state).unwrap();
        Self::at(state, folder)
    }

    fn at(state: PathBuf, folder: tempfile::TempDir) -> Self {
        let (world, house) = (World::new(), House::new(|_| None));
        let store = Arc::new(library::Blobs::open_at(&state).unwrap());
        let teller = house.clone();
        store.on_damage(move |damage| {
            let what = Happening::Alarm { text: damage.to_string() };
            serve::Owner::tell(&teller, Event::new(Now(0), None, None, what));
        });
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["10.77.0.1".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            );
        let keys = Arc::new(TlsKeys::new(Arc::new(config.unwrap())));
        let with = (Some(Tls { port: TLS_PORT, keys }), Limits::default());
        let networks = [network(Mode::Dhcp)];
        let server = Server::try_start_with(&world.here, &house, &store, &networks, with).unwrap();
        Self { server, house, world, store, state, folder }
    }

    /// Keeps noise as a blob.
    fn blob(&self, length: usize) -> (Vec<u8>, Hash) {
        let bytes = noise(length);
        let (hash, _) = self.store.add(&mut bytes.as_slice(), &mut |_| true).unwrap();
        (bytes, hash)
    }

    fn publish(&self, name: &str, content: Content) {
        self.house.publish_as(name, Served::Blob(content), "application/efi", true);
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        let name = hash.to_string();
        self.state.join("blobs").join(&name[..2]).join(name)
    }

    /// Lets the system forget what it has in memory of a blob.
    fn forget(&self, hash: &Hash) {
        let path = self.path(hash);
        File::open(&path).unwrap().sync_all().unwrap();
        let path = format!("if={}", path.display());
        run("dd", &[&path, "iflag=nocache", "count=0", "status=none"]);
    }

    /// Changes a byte in memory; nothing but ctime shows it.
    fn flip(&self, hash: &Hash, at: usize) {
        let path = self.path(hash);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let before = file.metadata().unwrap().modified().unwrap();
        flip_at(&file, at as u64);
        file.set_times(FileTimes::new().set_modified(before)).unwrap();
    }

    fn curl(&self, args: &[&str]) -> (Output, Vec<u8>) {
        let (to, ca) = (self.folder.path().join("got"), self.folder.path().join("ca.pem"));
        let _ = fs::remove_file(&to);
        let common = ["-s", "-S", "-f", "-m", "30", "-o", to.to_str().unwrap()];
        let ca = ["--cacert", ca.to_str().unwrap()];
        let output = self.world.there("curl", &[&common[..], &ca, args].concat());
        (output, fs::read(&to).unwrap_or_default())
    }

    /// All of a file, by each way.
    fn fetch(&self, name: &str) -> [Option<Vec<u8>>; 3] {
        ["http", "https", "tftp"].map(|scheme| {
            let (output, got) = self.curl(&[&format!("{scheme}://10.77.0.1/{name}")]);
            output.status.success().then_some(got)
        })
    }

    /// The alarms so far that say that a blob is damaged.
    fn alarms(&self) -> Vec<String> {
        let alarm = |happening| match happening {
            Happening::Alarm { text } if text.contains("quarantine") => Some(text),
            _ => None,
        };
        self.house.events().into_iter().filter_map(alarm).collect()
    }

    /// One alarm was told, about this chunk of this blob, with what to do.
    fn told_once(&self, hash: &Hash, chunk: usize) {
        self.house
            .wait_for(|h| matches!(h, Happening::Alarm { text } if text.contains("quarantine")));
        let alarms = self.alarms();
        assert_eq!(alarms.len(), 1, "{alarms:#?}");
        let chunk = format!("chunk {chunk} ");
        for words in [&hash.short(), &chunk, "bootwright image verify", "import its image again"] {
            assert!(alarms[0].contains(words), "{words}: {alarms:?}");
        }
        let others = |h: &Happening| matches!(h, Happening::Alarm { text } if *text != alarms[0]);
        assert!(!self.house.events().iter().any(others), "{:#?}", self.house.events());
        assert_eq!(self.server.counts().panics, 0);
    }

    /// Begins to read a file, lets something happen to it, and reads what comes; gives how much.
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
}

fn flip_at(file: &File, at: u64) {
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x20], at).unwrap();
    file.sync_all().unwrap();
}

fn content(blob: Hash, runs: &[(Option<usize>, usize)]) -> Content {
    let size = runs.iter().map(|(_, length)| *length as u64).sum();
    let run = |(at, length): &(Option<usize>, usize)| Run {
        offset: at.map(|at| at as u64),
        length: *length as u64,
    };
    Content { blob, size, runs: Some(runs.iter().map(run).collect()) }
}

fn cut(bytes: &[u8], runs: &[(Option<usize>, usize)]) -> Vec<u8> {
    let run = |(at, length): &(Option<usize>, usize)| match at {
        Some(at) => bytes[*at..at + length].to_vec(),
        None => vec![0; *length],
    };
    runs.iter().flat_map(run).collect()
}

/// Runs in and out of order, over the ends of chunks, with holes.
const RUNS: [(Option<usize>, usize); 7] = [
    (Some(2_000_000), 1_500_000),
    (None, 70_000),
    (Some(7), 1),
    (Some(MIB - 3), 6),
    (Some(0), 5),
    (None, 3),
    (Some(5 * MIB), 100_001),
];

#[test]
fn every_range_of_a_part_equals_its_source_by_every_way() {
    if !able(&["curl", "dd"]) {
        return;
    }
    let real = Real::new();
    let (bytes, hash) = real.blob(6 * MIB + 77);
    let part = cut(&bytes, &RUNS);
    real.publish("part", content(hash, &RUNS));
    assert_eq!(real.fetch("part"), [Some(part.clone()), Some(part.clone()), Some(part.clone())]);
    let size = part.len();
    let done = |h: &Happening| matches!(h, Happening::TransferDone { size: told, .. } if *told == size as u64);
    for _ in 0..3 {
        real.house.wait_for(done);
    }

    let mut stream = real.world.tcp();
    stream.write_all(b"HEAD /part HTTP/1.1\r\n\r\n").unwrap();
    let on_head = head(&mut stream);
    assert_eq!(on_head.field("content-length"), Some(size.to_string().as_str()));
    let tag = on_head.field("etag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.len() == 66, "{tag}");
    let edges = [0, 1, 1_499_999, 1_500_000, 1_569_999, 1_570_000, 1_570_001, 1_570_004, size - 1];
    for cold in [false, true] {
        for from in edges {
            for length in [1, 2, 9, 4000, 70_010, size] {
                let to = (from + length).min(size);
                if cold && length == 9 {
                    real.forget(&hash);
                }
                let range = format!("Range: bytes={from}-{}\r\nIf-Range: {tag}\r\n", to - 1);
                let got = get(&mut stream, "/part", &range);
                assert_eq!(got.status, 206);
                assert!(got.body == part[from..to], "{from}..{to}");
                assert_eq!(
                    got.field("content-range").unwrap(),
                    format!("bytes {from}-{}/{size}", to - 1)
                );
            }
        }
    }
    for (from, to) in [(1_499_990, 1_570_010), (0, 1), (size - 5, size)] {
        let range = format!("{from}-{}", to - 1);
        let (_, got) = real.curl(&["-r", &range, "https://10.77.0.1/part"]);
        assert!(got == part[from..to], "{range}");
    }
    let other = get(&mut stream, "/part", &format!("Range: bytes=5-9\r\nIf-Range: \"{hash}\"\r\n"));
    assert_eq!(
        (other.status, other.body.len()),
        (200, size),
        "the tag of the blob is not the part's"
    );
}

#[test]
fn parts_of_a_blob_and_all_of_it_are_sent_at_once_and_a_part_that_is_beyond_it_never() {
    if !able(&["curl", "dd"]) {
        return;
    }
    let real = Real::new();
    let (bytes, hash) = real.blob(12 * MIB + 5);
    let second = [(Some(9 * MIB + 100), 3 * MIB - 95), (None, 100), (Some(MIB), 3 * MIB)];
    real.publish("whole", Content::whole(hash, bytes.len() as u64));
    real.publish("first", content(hash, &RUNS));
    real.publish("second", content(hash, &second));
    let files =
        [("whole", bytes.clone()), ("first", cut(&bytes, &RUNS)), ("second", cut(&bytes, &second))];
    for _ in 0..3 {
        real.forget(&hash);
        thread::scope(|scope| {
            for (name, expected) in files.iter().cycle().take(9) {
                let real = &real;
                scope.spawn(move || {
                    let mut stream = real.world.tcp();
                    let got = get(&mut stream, &format!("/{name}"), "");
                    assert!(got.body == *expected, "{name}");
                });
            }
        });
    }
    let mut stream = real.world.tcp();
    let mut tags: Vec<String> = files
        .iter()
        .map(|(name, _)| {
            get(&mut stream, &format!("/{name}"), "").field("etag").unwrap().to_owned()
        })
        .collect();
    tags.dedup();
    assert_eq!(tags.len(), 3);

    real.publish("beyond", content(hash, &[(Some(12 * MIB), 6)]));
    assert_eq!(get(&mut stream, "/beyond", "").status, 500);
    assert_eq!(real.fetch("beyond"), [const { None }; 3]);
    real.house.wait_for(|h| {
        matches!(h, Happening::Alarm { text } if text.contains("/beyond is published but cannot be read")
            && text.contains("reaches to byte 12582918"))
    });
    assert_eq!(real.alarms(), <[String; 0]>::default());
}

#[test]
fn a_damaged_blob_is_sent_to_nobody_and_told_once_until_it_was_imported_again() {
    if !able(&["curl", "dd"]) {
        return;
    }
    // In the middle, in the last chunk, and where a small file is its own chunk.
    for (length, at) in [(6 * MIB + 77, 3 * MIB + 5), (6 * MIB + 77, 6 * MIB + 76), (5000, 4999)] {
        for in_memory in [true, false] {
            let real = Real::new();
            let (bytes, hash) = real.blob(length);
            real.publish("whole", Content::whole(hash, length as u64));
            real.publish("part", content(hash, &[(Some(at - 100), 101)]));
            real.flip(&hash, at);
            if !in_memory {
                real.forget(&hash);
            }
            for _ in 0..2 {
                assert_eq!(real.fetch("whole"), [const { None }; 3]);
                assert_eq!(real.fetch("part"), [const { None }; 3]);
            }
            let status = get(&mut real.world.tcp(), "/whole", "").status;
            assert_eq!(status, 500, "in quarantine it does not even begin");
            real.told_once(&hash, at / MIB);
            real.house.wait_for(|h| {
                matches!(h, Happening::TransferFailed { why, .. } if why.contains("in quarantine"))
            });

            let (again, _) = real.store.add(&mut bytes.as_slice(), &mut |_| true).unwrap();
            assert_eq!(again, hash);
            assert_eq!(real.fetch("whole"), [const { Some(()) }; 3].map(|_| Some(bytes.clone())));
            assert_eq!(real.alarms().len(), 1);
        }
    }
}

#[test]
fn a_blob_that_is_damaged_on_its_way_by_http_ends_early() {
    if !able(&["dd"]) {
        return;
    }
    let size = 48 * MIB;
    // What is still to come, what was sent already, and the last byte.
    for at in [40 * MIB, 5000, size - 1] {
        for checked_before in [false, true] {
            let real = Real::new();
            let (bytes, hash) = real.blob(size);
            real.publish("x", Content::whole(hash, size as u64));
            let mut first = real.world.tcp();
            let tail = format!("Range: bytes={}-\r\n", if checked_before { 0 } else { size - 1 });
            let got = get(&mut first, "/x", &tail);
            assert!(got.body == bytes[size - got.body.len()..]);
            let came = real.interrupted("x", || real.flip(&hash, at));
            assert!(came < size, "all {came} bytes came, with byte {at} changed");
            real.told_once(&hash, at / MIB);
            real.house.wait_for(|h| matches!(h, Happening::TransferFailed { .. }));
        }
    }
}

#[test]
fn a_blob_that_is_damaged_on_its_way_by_tftp_ends_with_an_error_in_words() {
    if !able(&["dd"]) {
        return;
    }
    for (flip, checked_before) in [(2 * MIB + 9, false), (2 * MIB + 9, true), (3000, true)] {
        let real = Real::new();
        let (bytes, hash) = real.blob(3 * MIB);
        real.publish("x", Content::whole(hash, bytes.len() as u64));
        if checked_before {
            assert!(get(&mut real.world.tcp(), "/x", "").body == bytes);
        }
        let socket = real.world.udp(0);
        let options = [("blksize", "1024"), ("tsize", "0")];
        socket.send_to(&read_request(b"x", "octet", &options), to(69)).unwrap();
        let mut buffer = [0; 2048];
        let (mut got, mut block, mut last) = (0, 0, None);
        while last.is_none() {
            let (length, from) = socket.recv_from(&mut buffer).expect("an answer");
            match Packet::parse(&buffer[..length]).unwrap() {
                Packet::Data { block: number, payload } if number == block + 1 => {
                    (got, block) = (got + payload.len(), number);
                    assert!(payload.len() == 1024, "the last block came");
                }
                Packet::Error { code, text } => last = Some((code, text)),
                _ => {}
            }
            if block == 500 && got == 500 * 1024 {
                real.flip(&hash, flip);
            }
            socket.send_to(&ack(block), from).unwrap();
        }
        let (code, text) = last.unwrap();
        assert_eq!(code, ErrorCode::NotDefined);
        assert_eq!(String::from_utf8_lossy(text.as_ref()), "The server cannot read the file");
        assert!(got < bytes.len(), "{got} bytes came");
        real.told_once(&hash, flip / MIB);
    }
}

/// A small disk of its own: an ext4 in a file, mounted.
struct Disk {
    image: PathBuf,
    at: PathBuf,
    folder: Option<tempfile::TempDir>,
}

impl Disk {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (image, at) = (folder.path().join("disk"), folder.path().join("mounted"));
        fs::create_dir(&at).unwrap();
        File::create(&image).unwrap().set_len(64 << 20).unwrap();
        let named = [&image, &at].map(|path| path.to_str().unwrap());
        run("mkfs.ext4", &["-q", "-F", named[0]]);
        let mount = std::process::Command::new("mount").args(["-o", "loop"]).args(named).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self { image, at, folder: Some(folder) });
        }
        assert!(std::env::var("CI").as_deref() != Ok("true"), "CI must have loop devices");
        eprintln!("SKIPPED: no loop device here to mount a disk of its own");
        None
    }

    /// The disk gives another byte from now on where these stand.
    fn rot(&self, bytes: &[u8]) {
        let all = fs::read(&self.image).unwrap();
        let mut found = all.windows(bytes.len()).enumerate().filter(|(_, w)| *w == bytes);
        let (at, _) = found.next().expect("they are on the disk");
        assert!(found.next().is_none(), "only once");
        flip_at(&OpenOptions::new().read(true).write(true).open(&self.image).unwrap(), at as u64);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.at).output();
        drop(self.folder.take());
    }
}

#[test]
fn a_disk_that_gives_other_bytes_than_it_took_is_found_out() {
    if !able(&["curl", "dd", "mkfs.ext4", "mount", "umount"]) {
        return;
    }
    for before in [false, true] {
        let Some(disk) = Disk::new() else { return };
        let real = Real::at(disk.at.join("state"), tempfile::tempdir().unwrap());
        let (bytes, hash) = real.blob(9 * MIB + 9);
        real.publish("x", Content::whole(hash, bytes.len() as u64));
        real.forget(&hash);
        if before {
            // Checked, then gone from memory: what comes back is another matter.
            assert_eq!(real.fetch("x"), [const { Some(()) }; 3].map(|_| Some(bytes.clone())));
            real.forget(&hash);
        }
        run("sync", &[]);
        disk.rot(&bytes[7 * MIB + 300..][..64]);
        let changed = Path::new(&real.path(&hash)).metadata().unwrap();
        real.forget(&hash);
        assert_eq!(real.fetch("x"), [const { None }; 3]);
        real.told_once(&hash, 7);
        assert_eq!(
            changed.modified().unwrap(),
            real.path(&hash).metadata().unwrap().modified().unwrap()
        );
        drop(real);
    }
}

/// A blob on a disk of its own, sent and in memory, of which the disk now gives other bytes at a place.
fn rotten(at: usize) -> Option<(Disk, Real, Vec<u8>, Hash)> {
    if !able(&["curl", "dd", "mkfs.ext4", "mount", "umount"]) {
        return None;
    }
    let disk = Disk::new()?;
    let real = Real::at(disk.at.join("state"), tempfile::tempdir().unwrap());
    let (bytes, hash) = real.blob(9 * MIB + 9);
    real.publish("x", Content::whole(hash, bytes.len() as u64));
    real.forget(&hash);
    assert_eq!(real.fetch("x"), [const { Some(()) }; 3].map(|_| Some(bytes.clone())));
    run("sync", &[]);
    disk.rot(&bytes[at..][..64]);
    Some((disk, real, bytes, hash))
}

#[test]
fn what_a_scrub_finds_is_sent_to_nobody_though_it_was_in_memory_and_checked() {
    let Some((_disk, real, _, hash)) = rotten(7 * MIB + 300) else { return };
    let mut scrub = library::scrub::Scrub::start(&real.store, Now(0)).unwrap().unwrap();
    while !matches!(scrub.step(Now(0)).unwrap(), library::scrub::Step::Done) {}
    assert_eq!(scrub.progress().damaged.len(), 1);
    assert_eq!(real.fetch("x"), [const { None }; 3]);
    real.told_once(&hash, 7);
    drop((scrub, real));
}

#[test]
fn a_page_that_comes_back_from_the_disk_while_it_leaves_ends_the_transfer() {
    // A page that no probe looks at goes, and comes back as another.
    let at = 7 * MIB + 256 * 1024;
    let Some((_disk, real, bytes, hash)) = rotten(at + 300) else { return };
    let (path, skip) =
        (format!("if={}", real.path(&hash).display()), format!("skip={}", at / 4096));
    let page = ["iflag=nocache", "bs=4096", "count=1", "of=/dev/null", "status=none"];
    run("dd", &[&[path.as_str(), &skip], &page[..]].concat());
    let (output, got) = real.curl(&["http://10.77.0.1/x"]);
    assert!(!output.status.success() && got.len() < bytes.len(), "{} bytes came", got.len());
    real.told_once(&hash, 7);
    drop(real);
}
