//! What the content store promises.

use library::store::{Blobs, StoreError};
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn yes(_: u64) -> bool {
    true
}

#[test]
fn bytes_are_kept_under_their_hash_and_read_at_any_place() {
    let state = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open_at(state.path()).expect("opens");
    let (hash, size) = blobs.add(&mut &b"kernel"[..], &mut yes).expect("kept");
    assert_eq!(size, 6);
    assert_eq!(
        hash.to_string(),
        "6923dd1bc0460082c5d55a831908c24a282860b7f1cd6c2b79cf1bc8857c639c"
    );

    let blob = blobs.open(&hash).expect("opens");
    let mut middle = [0; 3];
    blob.read_exact_at(&mut middle, 2).expect("reads");
    assert_eq!(&middle, b"rne");
    assert_eq!(blob.size(), 6);
    assert!(blob.read_exact_at(&mut middle, 5).is_err());
    assert_eq!(blobs.verify(&hash).expect("sound"), 6);
    assert_eq!(blobs.list().expect("lists"), [hash]);
}

#[test]
fn only_the_server_may_look_into_the_store_and_nobody_may_write_a_blob() {
    let state = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open_at(state.path()).expect("opens");
    let (hash, _) = blobs.add(&mut &b"x"[..], &mut yes).expect("kept");
    let name = hash.to_string();
    let mode = |path: &str| {
        fs::metadata(state.path().join(path)).expect("there").permissions().mode() & 0o777
    };
    assert_eq!(mode("blobs"), 0o700);
    assert_eq!(mode("incoming"), 0o700);
    assert_eq!(mode(&format!("blobs/{}", &name[..2])), 0o700);
    assert_eq!(mode(&format!("blobs/{}/{name}", &name[..2])), 0o400);
}

#[test]
fn a_blob_that_somebody_writes_to_is_no_longer_what_was_opened_and_one_that_was_removed_still_is() {
    let state = tempfile::tempdir().unwrap();
    let store = Blobs::open_at(state.path()).unwrap();
    let (hash, _) = store.add(&mut &b"kernel"[..], &mut yes).unwrap();
    let name = hash.to_string();
    let path = state.path().join("blobs").join(&name[..2]).join(&name);

    let removed = store.open(&hash).unwrap();
    store.remove(&hash).unwrap();
    // Its name went, which is seen and found harmless.
    assert_eq!(removed.still_whole().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    removed.check_again().unwrap();
    removed.still_whole().unwrap();

    store.add(&mut &b"kernel"[..], &mut yes).unwrap();
    let written = store.open(&hash).unwrap();
    let mut buffer = [0; 9];
    assert_eq!(written.read_at(&mut buffer, 2).unwrap(), 4);
    assert_eq!(written.read_now(&mut buffer, 2).unwrap(), 4);
    assert_eq!(buffer[..4], *b"rnel");
    written.still_whole().unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    written.check_again().unwrap();
    written.still_whole().unwrap();
    fs::write(&path, b"kerNel").unwrap();
    let why = written.still_whole().unwrap_err().to_string();
    assert!(why.contains("import its image again"), "{why}");
}

#[test]
fn the_same_bytes_are_kept_once() {
    let state = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open_at(state.path()).expect("opens");
    let first = blobs.add(&mut &b"same"[..], &mut yes).expect("kept");
    assert_eq!(blobs.add(&mut &b"same"[..], &mut yes).expect("kept"), first);
    assert_eq!(blobs.list().expect("lists").len(), 1);
    assert_eq!(fs::read_dir(blobs.incoming()).expect("lists").count(), 0);
}

#[test]
fn a_reader_that_breaks_off_leaves_nothing() {
    struct Breaks(u8);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 2 {
                Err(io::ErrorKind::ConnectionReset.into())
            } else {
                Ok(buffer.len().min(9))
            }
        }
    }
    let state = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open_at(state.path()).expect("opens");
    assert!(matches!(blobs.add(&mut Breaks(0), &mut yes), Err(StoreError::Source(_))));
    assert!(blobs.list().expect("lists").is_empty());
    assert_eq!(fs::read_dir(blobs.incoming()).expect("lists").count(), 0);
}

#[test]
fn who_says_stop_gets_no_blob() {
    let state = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open_at(state.path()).expect("opens");
    let bytes = vec![7; 3 << 20];
    let mut heard = Vec::new();
    let stopped = blobs.add(&mut &bytes[..], &mut |done| {
        heard.push(done);
        done < 2 << 20
    });
    assert!(matches!(stopped, Err(StoreError::Stopped)));
    assert_eq!(heard, [0, 1 << 20, 2 << 20]);
    assert!(blobs.list().expect("lists").is_empty());
}

/// Runs itself again where a disk of 2 MiB is mounted, in namespaces of its own.
#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let script = "mount -t tmpfs -o size=2m none \"$2\" && exec \"$1\" --exact --ignored full_disk";
    let disk = tempfile::tempdir().expect("a folder");
    let own = std::env::current_exe().expect("this test program");
    let run = |namespaces: &str, script: &str| {
        Command::new("unshare")
            .args([namespaces, "sh", "-c", script, "sh"])
            .args([own.as_os_str(), disk.path().as_os_str()])
            .env("LIBRARY_TEST_FULL_DISK", disk.path())
            .output()
    };
    let can_mount = run("-rm", "mount -t tmpfs -o size=2m none \"$2\"");
    if !can_mount.is_ok_and(|tried| tried.status.success()) {
        let ci = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(!ci, "CI must be able to mount a tmpfs: unshare -rm");
        let _ = writeln!(io::stderr(), "SKIPPED: no namespaces here to mount a small disk in");
        return;
    }
    let output = run("-rm", script).expect("ran before");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "run by a_full_disk_is_said_and_leaves_nothing, on a disk of 2 MiB"]
fn full_disk() {
    let disk = std::env::var_os("LIBRARY_TEST_FULL_DISK").expect("run by the other test");
    let blobs = Blobs::open_at(Path::new(&disk)).expect("opens");
    let (kept, _) = blobs.add(&mut &[1; 1000][..], &mut yes).expect("there is room for this");
    let fault = blobs.add(&mut &vec![2; 5 << 20][..], &mut yes).expect_err("no room");
    assert!(matches!(fault, StoreError::DiskFull { .. }), "{fault}");
    let said = fault.to_string();
    assert!(said.contains("free some space") && said.contains("are free)"), "{said}");
    assert_eq!(blobs.list().expect("lists"), [kept]);
    assert_eq!(fs::read_dir(blobs.incoming()).expect("lists").count(), 0);

    // An import knows before it begins.
    let folder = tempfile::tempdir_in("/tmp").expect("a folder");
    fs::write(folder.path().join("large"), vec![3; 5 << 20]).expect("write");
    let fault = library::import::import(
        &library::import::Wish {
            path: folder.path(),
            name: "x",
            file_name: None,
            source: None,
            now: model::Now(0),
            said: &library::import::Said::default(),
        },
        &blobs,
        &mut |_| true,
    );
    assert!(matches!(fault, Err(library::ImportError::NoRoom { .. })), "{fault:?}");
}

#[test]
fn leftovers_go_when_the_store_is_opened_unless_somebody_still_writes_them() {
    let state = tempfile::tempdir().expect("a folder");
    let incoming = Blobs::open_at(state.path()).expect("opens").incoming().to_owned();
    fs::write(incoming.join("adding-1-1"), "of a run that was killed").expect("write");
    let held = fs::File::create(incoming.join("upload")).expect("create");
    held.lock().expect("lock");
    let others = ["uploads", "downloads"].map(|folder| incoming.join(folder));
    for folder in &others {
        fs::create_dir(folder).expect("create");
        fs::write(folder.join("1"), "of others").expect("write");
    }
    Blobs::open_at(state.path()).expect("opens");
    assert!(!incoming.join("adding-1-1").exists());
    assert!(incoming.join("upload").exists());
    assert!(others.iter().all(|folder| folder.join("1").exists()), "theirs");
}

#[test]
fn a_damaged_or_missing_blob_is_told_with_what_to_do() {
    let state = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open_at(state.path()).expect("opens");
    let (hash, _) = blobs.add(&mut &b"sound"[..], &mut yes).expect("kept");
    let name = hash.to_string();
    let path = state.path().join("blobs").join(&name[..2]).join(&name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("chmod");
    fs::write(&path, "wrong").expect("write");
    let said = blobs.verify(&hash).expect_err("damaged").to_string();
    assert!(said.contains("is damaged") && said.contains("import its image again"), "{said}");

    // A blob of another length is replaced when its bytes come again.
    fs::write(&path, "cut").expect("write");
    blobs.add(&mut &b"sound"[..], &mut yes).expect("kept");
    blobs.verify(&hash).expect("mended");

    blobs.remove(&hash).expect("removed");
    assert!(matches!(blobs.open(&hash), Err(StoreError::Missing { .. })));
    assert!(matches!(blobs.verify(&hash), Err(StoreError::Missing { .. })));
}
