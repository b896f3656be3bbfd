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
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (state, copy) = (folder.path().join("state"), folder.path().join("copy.db"));
        std::fs::create_dir(&state).unwrap();
        let mut store = Store::open(&state).await.unwrap();
        store.keep(Now(1), &leases_of(0..20_000)).await.unwrap();
        let copier = store.copier().unwrap();
        let copying = tokio::spawn({
            let copy = copy.clone();
            async move { copier.copy(&copy).await }
        });
        // Batches of three that change pages everywhere; the log is moved in between, too.
        let mut batch = 0;
        while !copying.is_finished() {
            let three = [batch % 20_000, 20_000 + batch, 60_000 + batch];
            store.keep(Now(2), &leases_of(three)).await.unwrap();
            batch += 1;
        }
        copying.await.unwrap().unwrap();
        store.keep(Now(3), &leases_of([100_000])).await.unwrap();

        let copied = leases(&facts_in(&copy, &folder.path().join("again")).await);
        assert!((0..20_000).all(|number| copied.contains(&number)));
        assert!(!copied.contains(&100_000), "what was kept after it");
        let of = |from: u32| (0..batch).take_while(|n| copied.contains(&(from + n))).count();
        assert_eq!(of(20_000), of(60_000), "a batch is there in whole or not at all");
        assert_eq!(copied.len(), 20_000 + 2 * of(20_000), "and none without those before it");
        assert!(batch > 3, "nothing was kept meanwhile: {batch}");
        let held = look(&copy).unwrap();
        assert_eq!((held.rows["lease"], held.damaged), (copied.len() as u64, Vec::new()));
    });
}

#[test]
fn a_second_copy_is_told_to_wait_and_a_failed_one_costs_nothing() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).await.unwrap();
        store.keep(Now(1), &leases_of(0..20_000)).await.unwrap();
        let copier = store.copier().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        let (one, two) = tokio::join!(copier.copy(&one), copier.copy(&two));
        assert!(one.is_ok(), "{one:?}");
        assert!(matches!(two, Err(StoreError::CopyBusy { .. })), "{two:?}");

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
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).await.unwrap();
        store.keep(Now(1), &leases_of(0..50_000)).await.unwrap();
        let copier = store.copier().unwrap();
        let copy = folder.path().join("copy");
        let (copied, reopened) = tokio::join!(copier.copy(&copy), store.reopen());
        assert!(matches!(copied, Err(StoreError::CopyBrokenOff { .. })), "{copied:?}");
        reopened.unwrap();
        store.keep(Now(2), &leases_of([70_000])).await.unwrap();
    });
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
