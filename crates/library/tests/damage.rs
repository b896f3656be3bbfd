//! Blobs that are not what they were: found when they are read, put in quarantine, told once, mended.

use library::store::{CHUNK_BYTES, Wrong};
use library::{BlobFile, Blobs, Damage, StoreError, damage_of, is_damage};
use model::Hash;
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const MIB: usize = 1 << 20;

/// A store, and what it told.
struct World {
    state: tempfile::TempDir,
    blobs: Blobs,
    told: Arc<Mutex<Vec<Damage>>>,
}

impl World {
    fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let (blobs, told) = open(state.path());
        Self { state, blobs, told }
    }

    /// As after a restart.
    fn again(&mut self) {
        (self.blobs, self.told) = open(self.state.path());
    }

    fn add(&self, bytes: &[u8]) -> Hash {
        self.blobs.add(&mut &*bytes, &mut |_| true).unwrap().0
    }

    fn path(&self, hash: &Hash, end: &str) -> PathBuf {
        let name = hash.to_string();
        self.state.path().join("blobs").join(&name[..2]).join(format!("{name}{end}"))
    }

    /// Changes a byte; nothing but the moment of the last change of anything (ctime) shows it.
    fn flip(&self, hash: &Hash, end: &str, at: u64) {
        let path = self.path(hash, end);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let before = file.metadata().unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 4], at).unwrap();
        file.sync_all().unwrap();
        let times = FileTimes::new().set_modified(before.modified().unwrap());
        file.set_times(times.set_accessed(before.accessed().unwrap())).unwrap();
    }

    fn told(&self) -> Vec<Damage> {
        self.told.lock().unwrap().clone()
    }
}

fn open(state: &Path) -> (Blobs, Arc<Mutex<Vec<Damage>>>) {
    let (blobs, told) = (Blobs::open_at(state).unwrap(), Arc::new(Mutex::new(Vec::new())));
    let teller = Arc::clone(&told);
    blobs.on_damage(move |damage: &Damage| teller.lock().unwrap().push(damage.clone()));
    (blobs, told)
}

fn noise(length: usize) -> Vec<u8> {
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

fn read(blob: &BlobFile, from: usize, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    blob.read_exact_at(&mut bytes, from as u64)?;
    Ok(bytes)
}

/// Lets the system forget what it has in memory of a file.
fn forget(path: &Path) {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

#[test]
fn a_blob_of_more_than_a_chunk_has_their_hashes_beside_it() {
    let world = World::new();
    let small = world.add(&noise(MIB));
    assert!(!world.path(&small, ".chunks").exists(), "it is its own chunk");
    let bytes = noise(20 * MIB + 1);
    let large = world.add(&bytes);
    let beside = world.path(&large, ".chunks");
    assert_eq!(fs::metadata(&beside).unwrap().permissions().mode() & 0o777, 0o400);
    assert_eq!(world.blobs.list().unwrap().len(), 2, "what stands beside is no blob");
    let blob = world.blobs.open(&large).unwrap();
    assert!(read(&blob, 0, bytes.len()).unwrap() == bytes);
    for (from, length) in [(0, 1), (MIB - 1, 2), (5 * MIB, MIB), (20 * MIB, 1), (7, 3 * MIB)] {
        assert!(read(&blob, from, length).unwrap() == bytes[from..from + length], "{from}");
    }
    let beyond = read(&blob, bytes.len() - 1, 2).unwrap_err();
    assert_eq!(beyond.kind(), io::ErrorKind::UnexpectedEof);
    let mut tail = [0; 9];
    assert_eq!(blob.read_at(&mut tail, 20 * MIB as u64).unwrap(), 1);
    assert_eq!(blob.read_at(&mut tail, bytes.len() as u64).unwrap(), 0);
    assert_eq!(blob.read_now(&mut tail, bytes.len() as u64).unwrap(), 0);
}

#[test]
fn an_older_store_without_hashes_of_chunks_learns_them_at_first_open() {
    let world = World::new();
    let bytes = noise(3 * MIB + 5);
    let hash = world.add(&bytes);
    let beside = world.path(&hash, ".chunks");
    let kept = fs::read(&beside).unwrap();

    fs::remove_file(&beside).unwrap();
    assert!(read(&world.blobs.open(&hash).unwrap(), 0, bytes.len()).unwrap() == bytes);
    assert!(fs::read(&beside).unwrap() == kept);
    for at in [0, 8, 20, 30, 70, kept.len() as u64 - 1] {
        world.flip(&hash, ".chunks", at);
        world.blobs.open(&hash).unwrap();
        assert!(fs::read(&beside).unwrap() == kept, "byte {at} mended");
    }
    fs::remove_file(&beside).unwrap();
    world.add(&bytes);
    assert!(fs::read(&beside).unwrap() == kept, "or when the same bytes are added");

    // It says what the whole blob must be, or nothing is believed.
    fs::remove_file(&beside).unwrap();
    world.flip(&hash, "", 9);
    let fault = world.blobs.open(&hash).unwrap_err();
    assert!(matches!(&fault, StoreError::Damaged(d) if matches!(d.what, Wrong::Whole { .. })));
    assert!(!beside.exists());
    assert_eq!(world.told().len(), 1);
}

#[test]
fn what_was_not_checked_is_not_in_memory_for_who_does_not_wait() {
    let world = World::new();
    let bytes = noise(2 * MIB + 9);
    let hash = world.add(&bytes);
    let blob = world.blobs.open(&hash).unwrap();
    let mut part = vec![0; 2 * MIB];
    let cold = |blob: &BlobFile, at: usize| {
        let mut byte = [0];
        let said = blob.read_now(&mut byte, at as u64);
        said.is_err_and(|cause| cause.kind() == io::ErrorKind::WouldBlock)
    };
    assert!(cold(&blob, 0) && cold(&blob, MIB) && cold(&blob, 2 * MIB));
    assert_eq!(blob.leaving(0, 100), 0);
    read(&blob, 5, 1).unwrap();
    assert_eq!(blob.read_now(&mut part, 7).unwrap(), MIB - 7, "to the end of the chunk");
    assert!(part[..MIB - 7] == bytes[7..MIB]);
    assert_eq!(blob.leaving(7, 100), 100);
    assert_eq!(blob.leaving(MIB as u64 - 7, 100), 7, "not into a chunk that was not checked");
    assert!(blob.is_ready(0, MIB as u64).unwrap());
    assert!(!blob.is_ready(0, MIB as u64 + 1).unwrap());
    assert!(cold(&blob, MIB));

    forget(&world.path(&hash, ""));
    assert!(cold(&blob, 0), "it has to come from the disk again");
    assert_eq!(blob.checked(0), 0, "and is not believed when it has");
    read(&blob, MIB - 1, 2).unwrap();
    assert_eq!((blob.checked(0), blob.checked(MIB as u64)), (CHUNK_BYTES, CHUNK_BYTES));
    forget(&world.path(&hash, ""));
    assert!(!blob.is_ready(0, 100).unwrap());
    assert_eq!((blob.leaving(0, 100), blob.checked(0)), (0, 0));
    assert!(!blob.is_ready(MIB as u64, MIB as u64 + 1).unwrap());
}

#[test]
fn a_damaged_chunk_is_never_read_and_its_blob_is_in_quarantine_until_it_comes_again() {
    let mut world = World::new();
    let bytes = noise(4 * MIB + 77);
    for (chunk, at) in [(1, MIB + 5), (4, 4 * MIB + 76), (0, 0)] {
        let hash = world.add(&bytes);
        let sound = world.blobs.open(&hash).unwrap();
        read(&sound, 0, bytes.len()).unwrap();
        world.flip(&hash, "", at as u64);
        assert!(sound.still_whole().is_err(), "it was touched");

        let blob = world.blobs.open(&hash).unwrap();
        let other = (chunk + 1) % 5 * MIB;
        assert!(read(&blob, other, 9).unwrap() == bytes[other..other + 9], "what is sound is read");
        let fault = read(&blob, at - at % MIB, 1).unwrap_err();
        let damage = damage_of(&fault).expect("it says what is damaged").clone();
        let Wrong::Chunk { chunk: named, offset, .. } = damage.what else { panic!("{damage}") };
        assert_eq!((named, offset), (chunk as u64, (chunk * MIB) as u64));
        let said = damage.to_string();
        for words in [&hash.short(), "quarantine", "image verify", "import its image again"] {
            assert!(said.contains(words), "{said}");
        }
        assert!(blob.still_whole().is_err());
        assert!(read(&blob, at, 1).is_err(), "and never is");
        assert_eq!(world.told(), std::slice::from_ref(&damage), "told once");

        // Whoever had checked it before it changed finds it again.
        assert_eq!(damage_of(&sound.check_again().unwrap_err()), Some(&damage));
        assert_eq!(world.told().len(), 1);
        assert_eq!(world.blobs.quarantined().unwrap(), [hash]);
        assert!(!world.blobs.contains(&hash));
        for _ in 0..2 {
            let fault = world.blobs.open(&hash).unwrap_err();
            assert!(matches!(fault, StoreError::Quarantined { .. }), "{fault}");
            assert!(fault.to_string().contains("import its image again"), "{fault}");
            assert!(is_damage(&io::Error::other(fault)));
            world.again();
        }
        assert_eq!(world.told(), [], "a restart forgets nothing");

        assert_eq!(world.add(&bytes), hash);
        let mended = world.blobs.open(&hash).unwrap();
        assert!(read(&mended, 0, bytes.len()).unwrap() == bytes);
        assert!(read(&blob, at, 1).is_err());
        assert!(world.blobs.contains(&hash), "who reads the old file says nothing of the new one");
        assert_eq!(fs::read_dir(world.blobs.incoming()).unwrap().count(), 0);
    }
}

#[test]
fn what_one_finds_damaged_nobody_reads_on_and_each_hears_what_it_is() {
    let world = World::new();
    let bytes = noise(3 * MIB);
    let hash = world.add(&bytes);
    let (first, second) = (world.blobs.open(&hash).unwrap(), world.blobs.open(&hash).unwrap());
    read(&first, 0, 2 * MIB).unwrap();
    assert_eq!(second.leaving(0, 3 << 20), 2 << 20, "what one checked the other need not");
    world.flip(&hash, "", 2 * MIB as u64 + 5);
    assert!(matches!(world.blobs.verify(&hash), Err(StoreError::Damaged(_))));
    let told = world.told();
    for blob in [&first, &second] {
        assert_eq!((blob.checked(0), blob.leaving(0, 9)), (0, 0));
        let mut byte = [0];
        for said in [
            blob.still_whole(),
            blob.check_again(),
            blob.is_ready(0, 1).map(drop),
            blob.read_now(&mut byte, 0).map(drop),
            blob.read_exact_at(&mut byte, 0),
        ] {
            assert_eq!(damage_of(&said.unwrap_err()), told.first());
        }
    }
    // Sound after all: whoever opens it then begins anew.
    world.flip(&hash, "", 2 * MIB as u64 + 5);
    world.blobs.verify(&hash).unwrap();
    assert!(read(&world.blobs.open(&hash).unwrap(), 0, bytes.len()).unwrap() == bytes);
    assert!(read(&first, 0, 1).is_err());
}

#[test]
fn what_came_from_the_disk_while_it_left_is_doubtful_until_it_was_checked_again() {
    let world = World::new();
    let bytes = noise(3 * MIB);
    let hash = world.add(&bytes);
    let blob = world.blobs.open(&hash).unwrap();
    read(&blob, 0, bytes.len()).unwrap();
    let doubt = blob.came_from_disk(MIB as u64 - 1, 2);
    assert!(doubt > 0 && !blob.is_settled(doubt) && blob.is_settled(0));
    assert_eq!([0, 1, 2].map(|chunk| blob.checked(chunk << 20) > 0), [false, false, true]);
    blob.check_again().unwrap();
    assert!(blob.is_settled(doubt) && blob.checked(0) > 0);

    let doubt = blob.came_from_disk(5, 1);
    world.flip(&hash, "", 9);
    for _ in 0..2 {
        assert!(damage_of(&blob.check_again().unwrap_err()).is_some());
        assert!(!blob.is_settled(doubt));
    }
}

#[test]
fn what_could_not_be_checked_again_is_still_owed() {
    let world = World::new();
    let bytes = noise(3 * MIB);
    let hash = world.add(&bytes);
    let blob = world.blobs.open(&hash).unwrap();
    read(&blob, 0, bytes.len()).unwrap();
    // The first chunk has changed; its pages went, and nobody counts it as checked any more.
    world.flip(&hash, "", 9);
    forget(&world.path(&hash, ""));
    assert!(blob.read_now(&mut [0], 0).is_err());
    assert!(damage_of(&blob.check_again().unwrap_err()).is_some(), "it was given out before");
}

#[test]
fn a_small_blob_that_is_damaged_or_cut_is_found_too() {
    let world = World::new();
    for length in [1, 5000, MIB] {
        let bytes = noise(length);
        let hash = world.add(&bytes);
        world.flip(&hash, "", length as u64 / 2);
        let fault = read(&world.blobs.open(&hash).unwrap(), 0, 1).unwrap_err();
        assert!(damage_of(&fault).is_some(), "{fault}");
        world.add(&bytes);

        // Cut.
        fs::set_permissions(world.path(&hash, ""), Permissions::from_mode(0o600)).unwrap();
        let file = OpenOptions::new().write(true).open(world.path(&hash, "")).unwrap();
        file.set_len(length as u64 / 2).unwrap();
        let fault = world.blobs.open(&hash).map_err(io::Error::other).and_then(|b| read(&b, 0, 1));
        assert!(damage_of(&fault.unwrap_err()).is_some(), "{length}");
        assert_eq!(world.blobs.quarantined().unwrap(), [hash]);
        world.add(&bytes);
        world.blobs.remove(&hash).unwrap();
    }
    let empty = world.add(b"");
    assert_eq!(world.blobs.open(&empty).unwrap().size(), 0);
}

#[test]
fn a_blob_that_was_cut_is_said_to_be_shorter() {
    let world = World::new();
    let bytes = noise(3 * MIB);
    let cut = |hash: &Hash, length: usize| {
        fs::set_permissions(world.path(hash, ""), Permissions::from_mode(0o600)).unwrap();
        let file = OpenOptions::new().write(true).open(world.path(hash, "")).unwrap();
        file.set_len(length as u64).unwrap();
    };
    for length in [0, MIB / 2, MIB, 2 * MIB, 3 * MIB - 1] {
        let hash = world.add(&bytes);
        let opened = world.blobs.open(&hash).unwrap();
        cut(&hash, length);
        let last = read(&opened, 3 * MIB - 1, 1).unwrap_err();
        assert_eq!(last.kind(), io::ErrorKind::UnexpectedEof);
        assert!(opened.still_whole().is_err());
        let fault = world.blobs.open(&hash).map_err(io::Error::other).unwrap_err();
        let what = damage_of(&fault).expect("damage").what;
        assert_eq!(what, Wrong::Length { kept: 3 << 20, found: length as u64 });
        assert_eq!(world.add(&bytes), hash);
    }
    assert_eq!(world.told().len(), 5);
}

#[test]
fn verifying_reads_all_says_how_far_it_is_and_ends_a_quarantine_that_was_in_vain() {
    let world = World::new();
    let bytes = noise(3 * MIB + 1);
    let hash = world.add(&bytes);
    let mut heard = Vec::new();
    let mut hear = |at| {
        heard.push(at);
        true
    };
    assert_eq!(world.blobs.verify_telling(&hash, &mut hear).unwrap(), bytes.len() as u64);
    assert_eq!(heard, [0, 1 << 20, 2 << 20, 3 << 20, (3 << 20) + 1]);
    let stopped = world.blobs.verify_telling(&hash, &mut |at| at < 1 << 20);
    assert!(matches!(stopped, Err(StoreError::Stopped)));

    world.flip(&hash, "", 5);
    assert!(matches!(world.blobs.verify(&hash), Err(StoreError::Damaged(_))));
    assert!(matches!(world.blobs.open(&hash), Err(StoreError::Quarantined { .. })));
    assert!(matches!(world.blobs.verify(&hash), Err(StoreError::Damaged(_))));
    world.flip(&hash, "", 5);
    world.blobs.verify(&hash).unwrap();
    world.blobs.open(&hash).unwrap();
    assert_eq!(world.told().len(), 1);
}

#[test]
fn verifying_ends_no_quarantine_that_began_meanwhile() {
    let world = World::new();
    let hash = world.add(&noise(2 * MIB));
    let mark = world.path(&hash, ".damaged");
    for before in [false, true] {
        if before {
            fs::write(&mark, "then").unwrap();
        }
        let mut found_meanwhile = |at| {
            if at == 1 << 20 {
                let _ = fs::remove_file(&mark);
                fs::write(&mark, "now").unwrap();
            }
            true
        };
        world.blobs.verify_telling(&hash, &mut found_meanwhile).unwrap();
        assert_eq!(world.blobs.quarantined().unwrap(), [hash], "{before}");
        world.blobs.verify(&hash).unwrap();
        assert!(world.blobs.contains(&hash));
    }
}

#[test]
fn a_sweep_takes_what_nothing_names_and_what_belongs_to_nothing() {
    let world = World::new();
    let (named, other) = (world.add(&noise(2 * MIB)), world.add(&noise(3 * MIB)));
    let gone = world.add(&noise(4 * MIB));
    fs::remove_file(world.path(&gone, "")).unwrap();
    fs::write(world.path(&gone, ".damaged"), "once").unwrap();
    fs::write(world.path(&named, ".mine"), "not ours").unwrap();
    assert_eq!(world.blobs.sweep(&[named].into()).unwrap(), 1);
    assert_eq!(world.blobs.list().unwrap(), [named]);
    for (hash, end, there) in [
        (named, ".chunks", true),
        (named, ".mine", true),
        (other, "", false),
        (other, ".chunks", false),
        (gone, ".chunks", false),
        (gone, ".damaged", false),
    ] {
        assert_eq!(world.path(&hash, end).exists(), there, "{end}");
    }
}
