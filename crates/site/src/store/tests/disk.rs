//! What is on disk: files, bytes that flip, logs that are torn, repair.

use super::super::repair::{self, repair};
use super::super::reserve::log_path;
use super::super::schema::{STEPS, Step, with_ending};
use super::*;
use crate::SiteError;
use model::Channel;
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn its_files_are_ours_alone() {
    let state = tempfile::tempdir().unwrap();
    let mut store = Store::open(state.path()).await.unwrap();
    store.keep(Now(1), &[Change::Lease(lease(1))]).await.unwrap();
    let mut seen = BTreeSet::new();
    for entry in state.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        seen.insert(entry.file_name().into_string().unwrap());
    }
    assert!(seen.contains(FILE_NAME) && seen.contains("bootwright.db-wal"), "{seen:?}");
}

#[tokio::test]
async fn what_is_not_ours_or_newer_is_refused_in_words() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join(FILE_NAME);
    let newer =
        [STEPS, &[Step { version: 99, sql: "CREATE TABLE later (x TEXT) STRICT", rows: None }]]
            .concat();
    Sqlite::open(&path, How { steps: newer, ..How::default() }).await.unwrap().close().await;
    let refused = Store::open(state.path()).await.err().unwrap();
    let known = STEPS.last().unwrap().version;
    assert!(refused.why().ends_with(&format!(
        "bootwright.db was written by a newer version (schema 99, this one knows {known})"
    )));

    std::fs::write(&path, "no database at all, but long enough to be looked at".repeat(99))
        .unwrap();
    let refused = Store::open(state.path()).await.err().unwrap();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
}

/// One byte is changed, at many places of the file in turn: each is either refused in words or
/// changes nothing. No fact is ever lost or altered silently.
#[tokio::test]
async fn a_flipped_byte_is_noticed_or_harmless() {
    let state = tempfile::tempdir().unwrap();
    let mut store = Store::open(state.path()).await.unwrap();
    let leases = leases_of(0..150);
    let past = (0..50).map(|n| Change::LeasePast(lease(n))).collect();
    let args = "quiet ".repeat(900);
    let profile = Profile {
        name: "p".to_owned(),
        image: "i".to_owned(),
        version: None,
        channel: Channel::Stable,
        args,
        template: None,
        settings: Default::default(),
    };
    let facts = [leases, past, vec![Change::Profile(profile), Change::Rules(Vec::new())]].concat();
    store.keep(Now(9), &facts).await.unwrap();
    store.close().await;

    let path = state.path().join(FILE_NAME);
    let whole = std::fs::read(&path).unwrap();
    let expected = by_name(&facts);
    let (mut refused, mut damaged) = (0, 0);
    // The head of the file byte by byte, the rest in steps that fall on all kinds of places.
    for place in (0..100).chain((100..whole.len()).step_by(61)) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        let _ = std::fs::remove_file(state.path().join("bootwright.db-wal"));
        std::fs::write(&path, bytes).unwrap();
        let read = match Store::open(state.path()).await {
            Ok(mut store) => {
                let read = store.load().await;
                store.close().await;
                read
            }
            Err(error) => Err(error),
        };
        match read {
            Ok(read) if read.damaged.is_empty() => {
                assert_eq!(by_name(&read.changes), expected, "byte {place} is lost silently");
            }
            Ok(read) => {
                only_the_damaged_is_missing(&read, &expected);
                damaged += 1;
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains("bootwright.db"), "{error}");
            }
        }
    }
    assert!(refused > 30 && damaged > 30, "refused {refused}, told {damaged}");
}

/// What is there is as it was; what is not is told; of a lease that is not, nobody gets the address.
fn only_the_damaged_is_missing(read: &Facts, expected: &BTreeMap<String, Change>) {
    let mut read_facts = by_name(&read.changes);
    let quarantined = |fact: &Change| match fact {
        Change::Lease(lease) => lease.state == LeaseState::Conflict,
        _ => false,
    };
    for damage in &read.damaged {
        assert!(!damage.to_string().is_empty());
        if damage.table == "lease" {
            let address = damage.address.unwrap();
            let stands_for_it = read_facts.remove(&format!("lease {address}"));
            assert!(stands_for_it.is_some_and(|fact| quarantined(&fact)), "{damage}");
        }
    }
    let missing = expected.iter().filter(|(name, _)| !read_facts.contains_key(*name)).count();
    assert!(missing <= read.damaged.len(), "{missing} are missing: {:?}", read.damaged);
    assert!(read_facts.iter().all(|(name, fact)| expected.get(name) == Some(fact)));
}

/// Bytes of the store as a crash leaves them: the file, and a log that was never moved.
async fn crashed(batches: u32) -> (tempfile::TempDir, Vec<u8>, Vec<u8>) {
    let state = tempfile::tempdir().unwrap();
    let mut store = Store::open(state.path()).await.unwrap();
    for batch in 0..batches {
        store.keep(Now(1), &leases_of(batch * 5..batch * 5 + 5)).await.unwrap();
    }
    let path = state.path().join(FILE_NAME);
    let (file, log) = (std::fs::read(&path).unwrap(), std::fs::read(log_path(&path)).unwrap());
    store.close().await;
    (state, file, log)
}

fn put_back(state: &Path, file: &[u8], log: &[u8]) {
    let path = state.join(FILE_NAME);
    std::fs::write(&path, file).unwrap();
    std::fs::write(log_path(&path), log).unwrap();
}

/// The log ends anywhere: what is there are whole batches, and all that were synced before.
#[tokio::test]
async fn a_torn_log_costs_only_what_was_not_acknowledged() {
    const BATCHES: u32 = 40;
    let (state, file, log) = crashed(BATCHES).await;
    let mut most = 0;
    for end in (0..=log.len()).step_by(331).chain([log.len()]) {
        put_back(state.path(), &file, &log[..end]);
        let kept = leases(&reopened(state.path()).await);
        let batches = kept.len() as u32 / 5;
        assert_eq!(kept, (0..batches * 5).collect(), "torn at {end}: half a batch, or a hole");
        assert!(batches >= most, "torn at {end}: less is there than of a shorter log");
        most = batches;
    }
    assert_eq!(most, BATCHES);
}

/// A byte of the log flips: the batches before it are there, and none that is not whole.
#[tokio::test]
async fn a_flipped_byte_in_the_log_ends_it_there() {
    let (state, file, log) = crashed(40).await;
    for place in (0..log.len()).step_by(997) {
        let mut bytes = log.clone();
        bytes[place] ^= 1 << (place % 8);
        put_back(state.path(), &file, &bytes);
        let kept = leases(&reopened(state.path()).await);
        assert_eq!(kept, (0..kept.len() as u32).collect(), "byte {place}");
        assert_eq!(kept.len() % 5, 0, "byte {place}");
    }
}

/// A store with one broken row of a lease, and one of a profile.
async fn with_broken_rows(state: &Path) -> BTreeMap<String, Change> {
    let mut store = Store::open(state).await.unwrap();
    let profile = |name: &str| {
        let (image, args) = ("i".to_owned(), String::new());
        Change::Profile(Profile {
            name: name.to_owned(),
            image,
            version: None,
            channel: Channel::Stable,
            args,
            template: None,
            settings: Default::default(),
        })
    };
    let facts = [leases_of(0..300), vec![profile("a"), profile("b")]].concat();
    store.keep(Now(50), &facts).await.unwrap();
    store.close().await;
    let raw = rusqlite::Connection::open(state.join(FILE_NAME)).unwrap();
    raw.execute("UPDATE lease SET until = 3 WHERE address = ?1", (0x0a00_0007,)).unwrap();
    raw.execute("UPDATE profile SET body = '{}' WHERE key = 'a'", ()).unwrap();
    let mut facts = by_name(&facts);
    facts.remove("lease 10.0.0.7");
    facts.remove("profile a");
    facts
}

#[tokio::test]
async fn a_broken_row_is_told_and_keeps_nothing_from_starting() {
    let state = tempfile::tempdir().unwrap();
    let whole = with_broken_rows(state.path()).await;
    let mut read = reopened(state.path()).await;
    let told: Vec<String> = read.damaged.iter().map(ToString::to_string).collect();
    let unfit = "it does not fit its checksum";
    assert_eq!(told, [format!("lease 10.0.0.7: {unfit}"), format!("profile a: {unfit}")]);
    read.changes.retain(|fact| name(fact) != "lease 10.0.0.7");
    assert_eq!(by_name(&read.changes), whole);
}

#[tokio::test]
async fn a_repair_says_first_and_does_then() {
    let state = tempfile::tempdir().unwrap();
    let own = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(state.path(), own).unwrap();
    let whole = with_broken_rows(state.path()).await;
    let path = state.path().join(FILE_NAME);
    let before = std::fs::read(&path).unwrap();

    let said = repair(state.path(), false).unwrap();
    assert_eq!((said.damaged.len(), said.aside.clone()), (2, None));
    assert_eq!(std::fs::read(&path).unwrap(), before, "saying it changes nothing");

    let done = repair(state.path(), true).unwrap();
    assert_eq!((&done.damaged, &done.whole), (&said.damaged, &said.whole));
    assert_eq!(std::fs::read(done.aside.unwrap()).unwrap(), before);
    let mut read = reopened(state.path()).await;
    assert!(read.damaged.is_empty());
    let held = read.changes.iter().find(|fact| name(fact) == "lease 10.0.0.7").unwrap();
    assert!(matches!(held, Change::Lease(lease) if lease.state == LeaseState::Conflict));
    read.changes.retain(|fact| name(fact) != "lease 10.0.0.7");
    assert_eq!(by_name(&read.changes), whole);
    assert!(repair(state.path(), true).unwrap().is_sound());
    let store = Store::open(state.path()).await.unwrap();
    assert_eq!(store.kept(), Some(Now(50)));
    drop(store);

    let left = state.path().read_dir().unwrap().map(|e| e.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("looked")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Whole pages are overwritten: the server does not start, and a repair saves the others.
#[tokio::test]
async fn a_repair_saves_what_lies_around_broken_pages() {
    let state = tempfile::tempdir().unwrap();
    let own = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(state.path(), own).unwrap();
    let mut store = Store::open(state.path()).await.unwrap();
    let facts = leases_of(0..3000);
    store.keep(Now(50), &facts).await.unwrap();
    store.close().await;
    let path = state.path().join(FILE_NAME);
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = bytes.len() / 1024;
    for page in [pages / 3, pages / 2, pages / 2 + 1, pages - 9] {
        bytes[page * 1024..(page + 1) * 1024].fill(0x5a);
    }
    std::fs::write(&path, bytes).unwrap();

    let refused = Store::open(state.path()).await.err().unwrap();
    assert!(refused.to_string().contains("bootwright store repair"), "{refused}");
    let done = repair(state.path(), true).unwrap();
    assert!(!done.structure.is_empty() && !done.damaged.is_empty());
    let read = by_name(&reopened(state.path()).await.changes);
    let expected = by_name(&facts);
    assert!(read.iter().all(|(name, fact)| expected.get(name) == Some(fact)));
    assert!(read.len() > 2800, "only {} of 3000 were saved: {:?}", read.len(), done.damaged);
}

/// Killed between putting the damaged file aside and putting the new one in its place.
#[tokio::test]
async fn a_repair_that_was_killed_is_ended_by_the_next_start() {
    let (state, file, log) = crashed(4).await;
    put_back(state.path(), &file, &log);
    let path = state.path().join(FILE_NAME);
    let other = tempfile::tempdir().unwrap();
    let mut store = Store::open(other.path()).await.unwrap();
    store.keep(Now(1), &leases_of(70..75)).await.unwrap();
    store.close().await;
    std::fs::copy(other.path().join(FILE_NAME), with_ending(&path, ".repaired")).unwrap();

    assert_eq!(leases(&reopened(state.path()).await), (70..75).collect());
    assert!(!with_ending(&path, ".repaired").exists());
    repair::finish(&path).unwrap();
}

#[test]
fn a_repair_beside_a_running_server_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let state = parent.path().join("state");
    let held = crate::directory::StateDirectory::open(&state).unwrap();
    assert!(matches!(repair(&state, true), Err(SiteError::InUse { .. })));
    drop(held);
}
