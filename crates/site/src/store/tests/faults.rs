//! Disks that are full or fail. Root is needed to make one; without, these are skipped aloud.

use super::super::keeper::Limits;
use super::super::reserve;
use super::*;
use engine::lease::renews;

/// A small file system in memory, for the life of this value.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    fn mount(size: &str) -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "tmpfs"])
            .arg(at.path())
            .stderr(Stdio::null())
            .status();
        mount.is_ok_and(|status| status.success()).then_some(Self(at))
    }

    fn filler(&self) -> std::path::PathBuf {
        self.0.path().join("filler")
    }

    /// Somebody else takes all the space there is, again and again.
    fn fill(&self) {
        use std::io::Write;
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(self.filler()).unwrap();
        while file.write_all(&[7; 4096]).is_ok() {}
        while file.write_all(&[7]).is_ok() {}
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

const SMALL: Limits = Limits { log: 128 << 10, log_in_need: 64 << 10, reserve: 256 << 10 };

async fn small(state: &Path) -> Store {
    let how = How { limits: SMALL, ..How::default() };
    Store::Sqlite(Sqlite::open(&state.join(FILE_NAME), how).await.unwrap())
}

fn renewed(number: u32, until: u64) -> Change {
    Change::Lease(Lease { until: Some(Now(until)), ..lease(number) })
}

/// As the owner is to do it: the reserve is released, the file looked at anew.
async fn release(store: &mut Store) -> Facts {
    assert!(store.release_reserve().await.unwrap(), "there was none");
    store.reopen().await.unwrap();
    store.load().await.unwrap()
}

#[tokio::test]
async fn on_a_full_disk_renewals_go_on_and_everything_when_there_is_space_again() {
    let Some(disk) = Tmpfs::mount("3m") else { return skip("no tmpfs can be mounted here") };
    let state = disk.0.path();
    let mut store = small(state).await;
    store.keep(Now(1), &leases_of(0..200)).await.unwrap();
    assert!(reserve::is_there(&state.join(FILE_NAME), SMALL.reserve));

    disk.fill();
    let mut next = 200;
    let full = loop {
        match store.keep(Now(2), &leases_of(next..next + 10)).await {
            Ok(()) => next += 10,
            Err(error) => break error,
        }
        assert!(next < 20_000, "the disk never was full");
    };
    assert!(matches!(full, StoreError::Full { .. }), "{full}");

    let facts = release(&mut store).await;
    assert!(leases(&facts).is_superset(&(0..next).collect()));
    let known = by_name(&facts.changes);
    for round in 0..300u64 {
        disk.fill();
        let batch: Vec<_> =
            (0..20).map(|n| renewed((round as u32 * 7 + n) % next, 1000 + round)).collect();
        for change in &batch {
            let Change::Lease(new) = change else { unreachable!() };
            let Some(Change::Lease(kept)) = known.get(&format!("lease {}", new.address)) else {
                panic!("{} is not known", new.address);
            };
            assert!(renews(change, Some(kept)));
        }
        store.keep(Now(10 + round), &batch).await.unwrap_or_else(|e| panic!("round {round}: {e}"));
    }
    let still = store.restore_reserve().await.unwrap_err();
    assert!(matches!(still, StoreError::Full { .. }), "{still}");

    std::fs::remove_file(disk.filler()).unwrap();
    store.restore_reserve().await.unwrap();
    assert!(reserve::is_there(&state.join(FILE_NAME), SMALL.reserve));
    store.keep(Now(999), &leases_of(20_000..20_500)).await.unwrap();
    let expected = by_name(&store.load().await.unwrap().changes);
    assert_eq!(expected.len() as u32, next.max(leases(&facts).len() as u32) + 500);
    store.close().await;
    assert_eq!(by_name(&reopened(state).await.changes), expected);
}

/// Killed while it lived from the reserve, on a disk that is still full.
#[tokio::test]
async fn a_restart_in_need_goes_on_renewing() {
    let Some(disk) = Tmpfs::mount("3m") else { return skip("no tmpfs can be mounted here") };
    let state = disk.0.path();
    let mut store = small(state).await;
    store.keep(Now(1), &leases_of(0..200)).await.unwrap();
    disk.fill();
    release(&mut store).await;
    store.keep(Now(2), &[renewed(3, 77)]).await.unwrap();
    drop(store);

    disk.fill();
    let mut store = small(state).await;
    store.keep(Now(3), &[renewed(4, 78)]).await.unwrap();
    let facts = by_name(&store.load().await.unwrap().changes);
    assert_eq!(facts["lease 10.0.0.3"], renewed(3, 77));
    assert_eq!(facts["lease 10.0.0.4"], renewed(4, 78));
}

#[test]
fn only_a_renewal_may_use_the_reserve() {
    let kept = lease(1);
    let new = |lease: Lease| Change::Lease(lease);
    let longer = Lease { until: Some(Now(99)), host_name: None, ..kept.clone() };
    assert!(renews(&new(longer.clone()), Some(&kept)));
    assert!(!renews(&new(longer.clone()), None), "a new lease");
    let other = Lease { hardware: HardwareAddress::mac([2, 9, 9, 9, 9, 9]), ..longer.clone() };
    assert!(!renews(&new(other), Some(&kept)), "somebody else's");
    for state in [LeaseState::Released, LeaseState::Declined, LeaseState::Conflict] {
        assert!(!renews(&new(Lease { state, ..longer.clone() }), Some(&kept)));
        assert!(!renews(&new(longer.clone()), Some(&Lease { state, ..kept.clone() })));
    }
    let nameless = Lease { hardware: HardwareAddress::new(32, &[]), ..longer };
    let changed = Lease { client_id: Some(vec![9]), ..nameless.clone() };
    assert!(renews(&new(nameless.clone()), Some(&nameless)));
    assert!(!renews(&new(changed), Some(&nameless)), "by its client id it is somebody else");
    assert!(!renews(&Change::LeaseGone(kept.address), Some(&kept)));
}
