//! What uploads promise.

use library::upload::{Announced, Appending, LIFE, UPLOADS_MAX, UploadError, Uploads};
use library::{Blobs, Upload};
use model::{Hash, Now};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const NOW: Now = Now(1_795_651_200_000);
/// Tells this program, started again, to upload into a state directory, and to be killed meanwhile.
const CHILD: &str = "UPLOAD_TEST_STATE";
const CHILD_ID: &str = "UPLOAD_TEST_ID";

fn open(state: &Path) -> Uploads {
    Uploads::of(&Blobs::open_at(state).unwrap()).unwrap()
}

fn announced(size: u64) -> Announced {
    Announced { name: "a.iso".to_owned(), size, sha256: None }
}

fn write(mut to: Appending, bytes: &[u8]) -> Upload {
    to.write(bytes, NOW).unwrap();
    to.finish(NOW).unwrap()
}

fn files(state: &Path) -> Vec<PathBuf> {
    let dir = state.join("incoming/uploads");
    let mut files: Vec<PathBuf> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_file_comes_in_pieces_over_restarts_and_is_taken() {
    let state = tempfile::tempdir().unwrap();
    let sha256 = Some(Hash(Sha256::digest(b"one two three").into()));
    let upload = open(state.path()).create(Announced { sha256, ..announced(13) }, NOW).unwrap();
    assert_eq!((upload.offset, upload.is_whole(), upload.id.len()), (0, false, 32));
    for (offset, piece) in [(0, &b"one "[..]), (4, b"two "), (8, b"three")] {
        // Opened anew each time, as after a restart: nothing of it is swept.
        let uploads = open(state.path());
        assert_eq!(uploads.show(&upload.id).unwrap().offset, offset);
        assert!(matches!(uploads.take(&upload.id), Err(UploadError::NotWhole { .. })));
        write(uploads.append(&upload.id, offset).unwrap(), piece);
    }
    let uploads = open(state.path());
    let taken = uploads.take(&upload.id).unwrap();
    assert_eq!(fs::read(taken.path()).unwrap(), b"one two three");
    assert_eq!(taken.upload().announced.name, "a.iso");
    assert!(matches!(uploads.remove(&upload.id), Err(UploadError::Busy { .. })));
    assert_eq!(uploads.expire(NOW + LIFE).unwrap(), Vec::<String>::new());
    taken.remove().unwrap();
    assert!(uploads.list().unwrap().is_empty() && files(state.path()).is_empty());
}

#[test]
fn a_wrong_offset_and_too_much_are_refused() {
    let state = tempfile::tempdir().unwrap();
    let uploads = open(state.path());
    let upload = uploads.create(announced(10), NOW).unwrap();
    write(uploads.append(&upload.id, 0).unwrap(), b"12345");
    for asked in [0, 4, 6, 10, u64::MAX] {
        let why = uploads.append(&upload.id, asked).unwrap_err();
        assert!(matches!(why, UploadError::WrongOffset { is: 5, .. }), "{why}");
    }
    let mut appending = uploads.append(&upload.id, 5).unwrap();
    assert!(matches!(uploads.append(&upload.id, 5), Err(UploadError::Busy { .. })));
    assert_eq!(appending.awaited(), 5);
    assert!(matches!(appending.write(b"678901", NOW), Err(UploadError::TooMuch { size: 10 })));
    assert_eq!(write(appending, b"67890").offset, 10);
    assert_eq!(fs::read(uploads.take(&upload.id).unwrap().path()).unwrap(), b"1234567890");
}

#[test]
fn what_is_not_what_was_announced_is_thrown_away() {
    let state = tempfile::tempdir().unwrap();
    let uploads = open(state.path());
    let sha256 = Some(Hash([7; 32]));
    let upload = uploads.create(Announced { sha256, ..announced(4) }, NOW).unwrap();
    // In one go, and in two, which are hashed from the disk.
    for pieces in [&[&b"1234"[..]][..], &[b"12", b"34"]] {
        let mut offset = 0;
        for piece in pieces {
            let mut appending = uploads.append(&upload.id, offset).unwrap();
            appending.write(piece, NOW).unwrap();
            offset += piece.len() as u64;
            let finished = appending.finish(NOW);
            assert_eq!(finished.is_err(), offset == 4, "{finished:?}");
        }
        assert_eq!(uploads.show(&upload.id).unwrap().offset, 0);
    }
}

#[test]
fn what_was_announced_is_compared_even_after_a_kill_before_it_could_be() {
    let state = tempfile::tempdir().unwrap();
    let uploads = open(state.path());
    for (sha256, fits) in [([7; 32], false), (Sha256::digest(b"1234").into(), true)] {
        let sha256 = Some(Hash(sha256));
        let upload = uploads.create(Announced { sha256, ..announced(4) }, NOW).unwrap();
        let mut appending = uploads.append(&upload.id, 0).unwrap();
        appending.write(b"1234", NOW).unwrap();
        drop(appending);
        // Killed between the note that all bytes are safe and the comparison.
        let note = files(state.path()).into_iter().find(|path| {
            path.extension().unwrap() == "json" && path.to_str().unwrap().contains(&upload.id)
        });
        let note = note.unwrap();
        let text = fs::read_to_string(&note).unwrap().replace("\"bytes\":0", "\"bytes\":4");
        // As versions before this wrote it, too.
        fs::write(&note, text.replace(",\"compared\":false", "")).unwrap();
        assert!(uploads.show(&upload.id).unwrap().is_whole());
        match uploads.take(&upload.id) {
            Ok(taken) => assert!(fits && taken.upload().is_whole()),
            Err(why) => assert!(!fits && matches!(why, UploadError::Differs { .. }), "{why}"),
        }
        assert_eq!(uploads.show(&upload.id).unwrap().is_whole(), fits);
    }
}

#[test]
fn names_and_ids_are_never_paths() {
    let state = tempfile::tempdir().unwrap();
    let uploads = open(state.path());
    for name in ["", ".", "..", "a/b", "../a", "a\\b", "a\0", "a\nb", &"x".repeat(256)] {
        let wish = Announced { name: name.to_owned(), ..announced(1) };
        assert!(matches!(uploads.create(wish, NOW), Err(UploadError::BadName { .. })), "{name:?}");
    }
    for id in ["", "..", "../../blobs", &"A".repeat(32), &"0".repeat(31), "/etc/passwd"] {
        assert!(matches!(uploads.show(id), Err(UploadError::Unknown { .. })), "{id:?}");
        assert!(matches!(uploads.remove(id), Err(UploadError::Unknown { .. })), "{id:?}");
    }
    assert!(files(state.path()).is_empty());
}

#[test]
fn there_are_caps_on_size_room_and_number() {
    let state = tempfile::tempdir().unwrap();
    let uploads = open(state.path());
    assert!(matches!(uploads.create(announced(1 << 41), NOW), Err(UploadError::TooLarge { .. })));
    // However large the disk: sixty of the largest do not fit.
    let all = (0..60).find_map(|_| uploads.create(announced(1 << 40), NOW).err()).unwrap();
    assert!(matches!(all, UploadError::NoRoom { .. }), "{all}");
    for upload in uploads.list().unwrap() {
        uploads.remove(&upload.id).unwrap();
    }
    for _ in 0..UPLOADS_MAX {
        uploads.create(announced(1), NOW).unwrap();
    }
    assert!(matches!(uploads.create(announced(1), NOW), Err(UploadError::TooMany { .. })));
    // A week later they make room.
    uploads.create(announced(1), NOW + LIFE).unwrap();
    assert_eq!(uploads.list().unwrap().len(), 1);
}

#[test]
fn what_is_forgotten_expires_and_what_makes_no_sense_goes() {
    let state = tempfile::tempdir().unwrap();
    let uploads = open(state.path());
    let old = uploads.create(announced(10), NOW).unwrap();
    let fresh = uploads.create(announced(10), NOW).unwrap();
    let later = NOW + LIFE - Duration::from_secs(1);
    let mut appending = uploads.append(&fresh.id, 0).unwrap();
    appending.write(b"12345", later).unwrap();
    appending.finish(later).unwrap();
    assert_eq!(uploads.expire(later).unwrap(), Vec::<String>::new());
    assert_eq!(uploads.expire(NOW + LIFE).unwrap(), [old.id]);

    let dir = state.path().join("incoming/uploads");
    // A note of more bytes than there are, bytes without a note, a note without bytes.
    fs::File::options()
        .write(true)
        .open(dir.join(format!("{}.data", fresh.id)))
        .unwrap()
        .set_len(3)
        .unwrap();
    fs::write(dir.join(format!("{}.data", "a".repeat(32))), "bytes").unwrap();
    fs::write(dir.join(format!("{}.json", "b".repeat(32))), "{}").unwrap();
    assert!(matches!(uploads.append(&fresh.id, 5), Err(UploadError::Unknown { .. })));
    assert_eq!(uploads.expire(NOW + LIFE).unwrap().len(), 3);
    assert!(files(state.path()).is_empty());
}

/// Not a test of its own: what the killed program does.
#[test]
#[ignore = "run by what_was_said_to_be_safe_is_there_after_a_kill, and killed"]
fn child() {
    let (Ok(state), Ok(id)) = (std::env::var(CHILD), std::env::var(CHILD_ID)) else { return };
    let uploads = Uploads::of(&Blobs::open_at(Path::new(&state)).unwrap()).unwrap();
    let mut offset = uploads.show(&id).unwrap().offset;
    println!("\nfrom {offset}");
    loop {
        let mut appending = uploads.append(&id, offset).unwrap();
        let piece: Vec<u8> = (offset..offset + 100_000).map(|at| (at % 251) as u8).collect();
        appending.write(&piece, NOW).unwrap();
        offset = appending.finish(NOW).unwrap().offset;
        println!("\nsafe {offset}");
    }
}

#[test]
fn what_was_said_to_be_safe_is_there_after_a_kill() {
    let state = tempfile::tempdir().unwrap();
    let upload = open(state.path()).create(announced(1 << 30), NOW).unwrap();
    let mut safe = 0;
    for round in 1..=4_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--ignored"])
            .env(CHILD, state.path())
            .env(CHILD_ID, &upload.id)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let told = lines.filter_map(|line| line.strip_prefix("safe ")?.parse::<u64>().ok());
        let last = told.take(5 + usize::try_from(round).unwrap()).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(last > safe, "it went on");
        let uploads = open(state.path());
        safe = uploads.show(&upload.id).unwrap().offset;
        assert!(safe >= last, "{safe} of {last} that were said to be safe");
        let bytes = fs::read(
            files(state.path()).into_iter().find(|f| f.extension().unwrap() == "data").unwrap(),
        );
        let bytes = bytes.unwrap();
        let safe = usize::try_from(safe).unwrap();
        assert!(
            bytes.len() >= safe
                && bytes[..safe].iter().enumerate().all(|(at, b)| *b == (at % 251) as u8)
        );
    }
}
