//! Copies of the store, made while it is written.

use super::*;
use crate::store::restore::{look, mark_restored};
use std::time::Duration;

async fn facts_in(copy: &Path, state: &Path) -> Facts {
    std::fs::create_dir_all(state).unwrap();
    std::fs::copy(copy, state.join(FILE_NAME)).unwrap();
    reopened(state).await
}

#[test]
fn a_copy_holds_what_was_kept_before_and_no_batch_in_part() {
    // How much is kept during a copy is the disk's to say: where it was next to nothing, more is copied.
    let enough = HELD.into_iter().any(|held| {
        let batches = runtime().block_on(copied_while_written(held));
        batches > 3
    });
    assert!(enough, "nothing was kept meanwhile");
}

/// Copies a store of `held` leases while batches are kept, and gives how many of them there were.
async fn copied_while_written(held: u32) -> u32 {
    let folder = tempfile::tempdir().unwrap();
    let (state, copy) = (folder.path().join("state"), folder.path().join("copy.db"));
    std::fs::create_dir(&state).unwrap();
    let mut store = Store::open(&state).await.unwrap();
    store.keep(Now(1), &leases_of(0..held)).await.unwrap();
    let copier = store.copier().unwrap();
    let copying = tokio::spawn({
        let copy = copy.clone();
        async move { copier.copy(&copy).await }
    });
    // Batches of three that change pages everywhere; the log is moved in between, too.
    let (one, other, late) = (held, 3 * held, 5 * held);
    let mut batch = 0;
    while !copying.is_finished() {
        let three = [batch % held, one + batch, other + batch];
        store.keep(Now(2), &leases_of(three)).await.unwrap();
        batch += 1;
    }
    copying.await.unwrap().unwrap();
    store.keep(Now(3), &leases_of([late])).await.unwrap();

    let copied = leases(&facts_in(&copy, &folder.path().join("again")).await);
    assert!((0..held).all(|number| copied.contains(&number)));
    assert!(!copied.contains(&late), "what was kept after it");
    let of = |from: u32| (0..batch).take_while(|n| copied.contains(&(from + n))).count();
    assert_eq!(of(one), of(other), "a batch is there in whole or not at all");
    let all = usize::try_from(held).unwrap() + 2 * of(one);
    assert_eq!(copied.len(), all, "and none without those before it");
    let found = look(&copy).unwrap();
    assert_eq!((found.rows["lease"], found.damaged), (copied.len() as u64, Vec::new()));
    batch
}

/// So many leases are copied, and four times as many where the disk was too quick for what should come
/// meanwhile.
const HELD: [u32; 3] = [20_000, 80_000, 320_000];

#[test]
fn a_second_copy_is_told_to_wait() {
    let told = |held| {
        runtime().block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Store::open(folder.path()).await.unwrap();
            store.keep(Now(1), &leases_of(0..held)).await.unwrap();
            let copier = store.copier().unwrap();
            let (one, two) = (folder.path().join("one"), folder.path().join("two"));
            let (one, two) = tokio::join!(copier.copy(&one), copier.copy(&two));
            assert!(one.is_ok(), "{one:?}");
            let busy = matches!(two, Err(StoreError::CopyBusy { .. }));
            assert!(busy || two.is_ok(), "{two:?}");
            busy
        })
    };
    assert!(HELD.into_iter().any(told), "every first copy was done when the second was asked for");
}

#[test]
fn a_failed_copy_costs_nothing() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).await.unwrap();
        store.keep(Now(1), &leases_of(0..20_000)).await.unwrap();
        let copier = store.copier().unwrap();
        let nowhere = folder.path().join("no/such/folder");
        assert!(copier.copy(&nowhere).await.is_err());
        // The disk is full for the copy alone.
        assert!(copier.copy(Path::new("/dev/full")).await.is_err());
        store.keep(Now(2), &leases_of([30_000])).await.unwrap();
        assert_eq!(leases(&store.load().await.unwrap()).len(), 20_001);

        // Whoever may ask for copies does not keep it open.
        tokio::time::timeout(Duration::from_secs(10), store.close()).await.unwrap();
        let closed = copier.copy(&folder.path().join("late")).await;
        assert!(matches!(closed, Err(StoreError::Closed { .. })), "{closed:?}");
    });
}

#[test]
fn a_copy_ends_for_whatever_is_no_batch() {
    let ended = |held| {
        runtime().block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Store::open(folder.path()).await.unwrap();
            store.keep(Now(1), &leases_of(0..held)).await.unwrap();
            let copier = store.copier().unwrap();
            let copy = folder.path().join("copy");
            let (copied, reopened) = tokio::join!(copier.copy(&copy), store.reopen());
            reopened.unwrap();
            store.keep(Now(2), &leases_of([2 * held])).await.unwrap();
            let broken_off = matches!(copied, Err(StoreError::CopyBrokenOff { .. }));
            assert!(broken_off || copied.is_ok(), "{copied:?}");
            broken_off
        })
    };
    assert!(HELD.into_iter().any(ended), "every copy was done when the store was opened again");
}

#[test]
fn a_restored_store_says_so_in_the_time_of_its_leases() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        let mut store = Store::open(state).await.unwrap();
        store.begin(Now(1_000)).await.unwrap();
        store.keep(Now(5_000), &leases_of([1])).await.unwrap();
        store.close().await;
        mark_restored(state).unwrap();

        // A week off: it was restored just now, as leases see it.
        let mut store = Store::open(state).await.unwrap();
        store.begin(Now(600_000_000)).await.unwrap();
        let restored = |facts: &Facts| facts.changes.last().cloned();
        let at = restored(&store.load().await.unwrap());
        assert_eq!(at, Some(Change::Restored(Now(600_000_000))));
        store.keep(Now(600_010_000), &[]).await.unwrap();
        store.close().await;
        // And 10 s of running later.
        let mut store = Store::open(state).await.unwrap();
        store.begin(Now(900_000_000)).await.unwrap();
        let at = restored(&store.load().await.unwrap());
        assert_eq!(at, Some(Change::Restored(Now(899_990_000))));
        // Written by itself it comes back the same.
        store.keep(Now(900_000_001), &[Change::Restored(Now(900_000_000))]).await.unwrap();
        let at = restored(&store.load().await.unwrap());
        assert_eq!(at, Some(Change::Restored(Now(900_000_000))));
        store.close().await;
        assert_eq!(look(&state.join(FILE_NAME)).unwrap().rows["lease"], 1);
    });
}
