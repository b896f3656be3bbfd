//! A scrub reads everything, once a week, and goes on where it was.

use library::scrub::{EVERY, Progress, Scrub, Step, due};
use library::{Blobs, StoreError};
use model::{Hash, Now};
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MIB: u64 = 1 << 20;

struct World {
    state: tempfile::TempDir,
    blobs: Arc<Blobs>,
}

impl World {
    fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let blobs = Arc::new(Blobs::open_at(state.path()).unwrap());
        Self { state, blobs }
    }

    /// A blob of this byte.
    fn add(&self, byte: u8, length: u64) -> Hash {
        self.blobs.add(&mut io::repeat(byte).take(length), &mut |_| true).unwrap().0
    }

    fn path(&self, hash: &Hash, end: &str) -> PathBuf {
        let name = hash.to_string();
        self.state.path().join("blobs").join(&name[..2]).join(format!("{name}{end}"))
    }

    fn damage(&self, hash: &Hash, at: u64) {
        let path = self.path(hash, "");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        let before = file.metadata().unwrap().modified().unwrap();
        file.write_all_at(b"\xff", at).unwrap();
        file.sync_all().unwrap();
        file.set_times(FileTimes::new().set_modified(before)).unwrap();
    }

    fn start(&self) -> Scrub {
        Scrub::start(&self.blobs, Now(1000)).unwrap().expect("nobody else is at it")
    }
}

/// Steps to the end; gives the bytes that were read, and what was wrong.
fn run(scrub: &mut Scrub) -> (u64, Vec<StoreError>) {
    let (mut bytes, mut wrong) = (0, Vec::new());
    loop {
        match scrub.step(Now(5000)).unwrap() {
            Step::Read(read) => {
                assert!((1..=MIB).contains(&read), "one chunk at most");
                bytes += read;
            }
            Step::Wrong(fault) => wrong.push(fault),
            Step::Done => return (bytes, wrong),
        }
    }
}

fn is_in_memory(path: &PathBuf, at: u64) -> bool {
    let (file, mut byte) = (File::open(path).unwrap(), [0]);
    let mut parts = [io::IoSliceMut::new(&mut byte)];
    rustix::io::preadv2(file, &mut parts, at, rustix::io::ReadWriteFlags::NOWAIT).is_ok()
}

#[test]
fn all_blobs_are_read_once_a_week_and_what_is_wrong_is_told() {
    let world = World::new();
    let told = Arc::new(AtomicUsize::new(0));
    let teller = Arc::clone(&told);
    world.blobs.on_damage(move |_| {
        teller.fetch_add(1, Ordering::Relaxed);
    });
    let sizes = [0, 5, MIB, MIB + 1, 4 * MIB];
    let all: Vec<Hash> = (1..).zip(sizes).map(|(byte, size)| world.add(byte, size)).collect();
    let total: u64 = sizes.iter().sum();
    assert_eq!(due(&world.blobs, Now(9000)), Now(0), "never yet");
    let (bytes, wrong) = run(&mut world.start());
    assert_eq!((bytes, wrong.len()), (total, 0));
    assert_eq!(due(&world.blobs, Now(9000)), Now(5000) + EVERY);
    assert_eq!(due(&world.blobs, Now(4999)), Now(0), "the clock was wrong when it ended");

    world.damage(&all[4], 3 * MIB + 7);
    world.damage(&all[1], 2);
    fs::remove_file(world.path(&all[3], ".chunks")).unwrap();
    let mut scrub = world.start();
    let (_, wrong) = run(&mut scrub);
    assert!(wrong.iter().all(StoreError::is_damage) && wrong.len() == 2, "{wrong:?}");
    assert_eq!((scrub.progress().damaged.len(), scrub.progress().unread.len()), (2, 0));
    assert_eq!((scrub.progress().done, scrub.progress().left), (total, 0));
    assert!(world.path(&all[3], ".chunks").exists(), "of an older store: it learnt them");
    assert_eq!(world.blobs.quarantined().unwrap().len(), 2);
    drop(scrub);

    let mut scrub = world.start();
    assert_eq!(run(&mut scrub).1.len(), 0, "what is in quarantine is not told again");
    let Progress { done, quarantined, .. } = *scrub.progress();
    assert_eq!((done, quarantined, told.load(Ordering::Relaxed)), (total, 2, 2));
}

#[test]
fn a_restart_goes_on_where_it_was_and_only_one_is_at_it() {
    let world = World::new();
    let large = world.add(7, 70 * MIB);
    let small: Vec<Hash> = (0..6).map(|byte| world.add(byte, 10)).collect();
    let mut scrub = world.start();
    let mut read = 0;
    while read < 66 * MIB {
        let Step::Read(bytes) = scrub.step(Now(1)).unwrap() else { panic!("it ended") };
        read += bytes;
    }
    assert!(Scrub::start(&world.blobs, Now(1)).unwrap().is_none(), "one is enough");
    drop(scrub);
    assert_eq!(due(&world.blobs, Now(9000)), Now(0), "it was broken off");

    // Those whose turn had been are not read again, whatever has come or gone meanwhile.
    let before = small.iter().filter(|hash| **hash < large).count() as u64;
    let scrub = world.start();
    assert_eq!(scrub.progress().done, before * 10);
    drop(scrub);
    let mut scrub = world.start();
    world.blobs.remove(small.iter().max().unwrap()).unwrap();
    let (again, wrong) = run(&mut scrub);
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!((4 * MIB..8 * MIB).contains(&again), "{again} bytes were read again");
    assert_eq!(scrub.progress().done, scrub.progress().total);
    drop(scrub);

    // What is torn is begun anew.
    fs::write(world.state.path().join("blobs/scrub"), "bootwright scrub 1\nfinished 50").unwrap();
    assert_eq!(due(&world.blobs, Now(9000)), Now(0));
    assert!(run(&mut world.start()).0 > 70 * MIB);
}

#[test]
fn memory_holds_afterwards_what_it_held_before() {
    let world = World::new();
    let hash = world.add(3, 3 * MIB);
    let path = world.path(&hash, "");
    let file = File::open(&path).unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random).unwrap();
    // To ask lets the system fetch what is there, so it is not asked where it counts.
    if !is_in_memory(&path, MIB / 2) {
        file.read_exact_at(&mut vec![0; MIB as usize], MIB).unwrap();
        run(&mut world.start());
        let held: Vec<bool> = (0..3).map(|chunk| is_in_memory(&path, chunk * MIB)).collect();
        assert_eq!(held, [false, true, false]);
        return;
    }
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!ci, "CI must have a file system that can forget");
    eprintln!("SKIPPED: the file system here keeps everything in memory");
}
