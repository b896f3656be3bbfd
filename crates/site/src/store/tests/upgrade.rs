//! Upgrades: whole or not at all, wherever they are killed.

use super::super::rows::{Sum, sum};
use super::super::schema::{STEPS, Stage, Step, backup_path};
use super::*;
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

/// How the first version wrote a lease.
fn put_as_v1(at: &Connection, lease: &Lease, broken: bool) {
    let (address, state) = (lease.address.to_string(), "bound");
    let hardware = [&[lease.hardware.kind()], lease.hardware.bytes()].concat();
    let (since, until) = (lease.since.0 as i64, lease.until.map(|until| until.0 as i64));
    let mut sum = Sum::new();
    sum.field(Some(address.as_bytes()));
    sum.field(Some(lease.network.as_bytes()));
    sum.field(Some(&hardware));
    sum.field(lease.client_id.as_deref());
    sum.field(lease.host_name.as_ref().map(String::as_bytes));
    sum.field(Some(&since.to_be_bytes()));
    sum.field(until.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
    sum.field(Some(state.as_bytes()));
    let sum = sum.end() ^ i64::from(broken);
    let put = "INSERT INTO lease VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (network, id, name) = (&lease.network, &lease.client_id, &lease.host_name);
    at.prepare_cached(put)
        .unwrap()
        .execute((address, network, hardware, id, name, since, until, state, sum))
        .unwrap();
}

/// A store of the first version with 500 leases, a machine and a last moment.
async fn store_of_v1(path: &Path, broken: Option<u32>) -> Vec<Change> {
    let how = How { steps: STEPS[..1].to_vec(), ..How::default() };
    Sqlite::open(path, how).await.unwrap().close().await;
    let at = Connection::open(path).unwrap();
    let facts = leases_of(0..500);
    at.execute_batch("BEGIN").unwrap();
    for fact in &facts {
        let Change::Lease(lease) = fact else { continue };
        let number = u32::from(lease.address) - 0x0a00_0000;
        put_as_v1(&at, lease, broken == Some(number));
    }
    at.execute("INSERT INTO meta VALUES ('moment', '9000', ?1)", (sum("moment", "9000"),)).unwrap();
    // As the first version wrote it: without options.
    let body = r#"{"hardware":"02:00:00:00:00:09","name":null,"uuid":null,"serial":null,
        "arch":null,"firmware":null,"memory_mib":null,"vendor_class":null,"link":"lan0",
        "first_seen":1,"last_seen":2,"life":"pending","profile":null,"labels":{}}"#;
    let key = "02:00:00:00:00:09";
    at.execute("INSERT INTO machine VALUES (?1, ?2, ?3)", (key, body, sum(key, body))).unwrap();
    at.execute_batch("COMMIT").unwrap();
    let mut machine = Machine::new(HardwareAddress::mac([2, 0, 0, 0, 0, 9]), Now(1));
    machine.last_seen = Now(2);
    machine.link = "lan0".to_owned();
    [facts, vec![Change::Machine(machine)]].concat()
}

#[tokio::test]
async fn the_first_version_is_brought_up_with_its_leases_and_its_moment() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join(FILE_NAME);
    let facts = store_of_v1(&path, None).await;
    let mut store = Store::open(state.path()).await.unwrap();
    assert_eq!(store.kept(), Some(Now(9000)));
    // Read 100 s later: time off does not count.
    store.begin(Now(109_000)).await.unwrap();
    let read = store.load().await.unwrap();
    let moved = |fact: &Change| match fact {
        Change::Lease(lease) => Change::Lease(Lease { until: Some(Now(100_002)), ..lease.clone() }),
        other => other.clone(),
    };
    let expected: Vec<Change> = facts.iter().map(moved).collect();
    assert_eq!(by_name(&read.changes), by_name(&expected));
    assert!(read.damaged.is_empty());
}

#[tokio::test]
async fn a_broken_row_of_the_first_version_is_told_and_costs_itself() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join(FILE_NAME);
    store_of_v1(&path, Some(7)).await;
    let read = reopened(state.path()).await;
    assert_eq!(read.damaged.len(), 1);
    assert_eq!(read.damaged[0].to_string(), "lease 10.0.0.7: it does not fit its checksum");
    assert_eq!(read.changes.len(), 501, "499 leases, one in quarantine, a machine");
}

/// Steps as a later version may have them: the real ones, and two more.
fn later_steps() -> Vec<Step> {
    let mut steps = STEPS.to_vec();
    let last = steps.last().unwrap().version;
    let more = [
        "ALTER TABLE lease ADD COLUMN note TEXT; CREATE TABLE extra (x INTEGER) STRICT;",
        "INSERT INTO extra (x) SELECT address FROM lease; UPDATE lease SET note = 'seen';",
    ];
    let more = more.into_iter().zip(last + 1..);
    steps.extend(more.map(|(sql, version)| Step { version, sql, rows: None }));
    steps
}

/// Not a test by itself: upgrades, and waits to be killed at the stage it was told.
#[test]
fn child_that_upgrades() {
    let (Ok(state), Ok(stop_at)) = (std::env::var(CHILD_STATE), std::env::var(CHILD_STAGE)) else {
        return;
    };
    let at = move |stage: Stage| {
        if format!("{stage:?}") == stop_at {
            println!("kept 1");
            loop {
                std::thread::park();
            }
        }
    };
    let how = How { steps: later_steps(), at: Box::new(at), ..How::default() };
    runtime().block_on(Sqlite::open(&Path::new(&state).join(FILE_NAME), how)).map(drop).unwrap();
}

/// From the first version to one that is still to come.
#[tokio::test]
async fn an_upgrade_may_be_killed_anywhere() {
    let stages = [
        Stage::BackupWritten,
        Stage::BackupKept,
        Stage::StepTaken(2),
        Stage::StepTaken(3),
        Stage::StepTaken(4),
        Stage::Committed,
    ];
    for stage in stages {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join(FILE_NAME);
        let facts = by_name(&store_of_v1(&path, None).await);

        let running = child("upgrade::child_that_upgrades", state.path(), &format!("{stage:?}"));
        assert_eq!(kill_when(running, |_| true), 1, "the child never came to {stage:?}");
        if stage != Stage::Committed {
            // The old version can still be used: nothing was half done.
            let old = Connection::open(&path).unwrap();
            let count =
                "SELECT count(*) FROM lease WHERE address LIKE '10.0.%' AND state = 'bound'";
            assert_eq!(old.query_row(count, (), |row| row.get(0)), Ok(500), "{stage:?}");
        }

        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&seen);
        let at = Box::new(move |stage| told.lock().unwrap().push(stage));
        let how = How { steps: later_steps(), at, ..How::default() };
        let mut later = Store::Sqlite(Sqlite::open(&path, how).await.unwrap());
        assert_eq!(seen.lock().unwrap().is_empty(), stage == Stage::Committed, "{stage:?}");
        let read = later.load().await.unwrap();
        assert_eq!(by_name(&read.changes), facts, "{stage:?}");
        later.close().await;

        let restored = tempfile::tempdir().unwrap();
        let backup = backup_path(&path, 1);
        assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::copy(backup, restored.path().join(FILE_NAME)).unwrap();
        let read = reopened(restored.path()).await;
        assert_eq!(by_name(&read.changes), facts, "the backup, after {stage:?}");
    }
}
