//! The audit log on disk, edited behind our back.

use super::world::{World, checkpoints};
use hyper::Method;
use model::access::Role;
use rusqlite::Connection;
use std::path::Path;

/// The checksum of a row, as the store makes it: whoever edits the log with care knows it, too.
fn sum(key: &str, body: &str) -> i64 {
    let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
    for field in [key, body] {
        for byte in (field.len() as u64).to_be_bytes().iter().chain(field.as_bytes()) {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    sum.cast_signed()
}

fn key(seq: u64) -> String {
    format!("{seq:020}")
}

fn body(db: &Connection, seq: u64) -> String {
    db.query_row("SELECT body FROM audit WHERE key = ?1", (key(seq),), |row| row.get(0)).unwrap()
}

fn put(db: &Connection, seq: u64, body: &str) {
    let (key, sum) = (key(seq), sum(&key(seq), body));
    db.execute("REPLACE INTO audit (key, body, sum) VALUES (?1, ?2, ?3)", (key, body, sum))
        .unwrap();
}

/// A state directory with ten records or so, signed.
async fn signed(folder: &Path) -> u64 {
    let world = World::peopled(folder).await;
    for room in 5..8 {
        world.machine(room).await;
    }
    assert!(world.sign().await);
    assert!(!world.sign().await, "nothing new is not signed again");
    assert_eq!(world.verdict().await, None);
    let last = world.log().await.len() as u64;
    assert_eq!(checkpoints(&world.house.state)[0].seq, last);
    world.stop().await;
    last
}

/// What `audit verify` says after somebody did this to the database.
async fn after(edit: impl FnOnce(&Connection, u64)) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let last = signed(folder.path()).await;
    let db = Connection::open(folder.path().join("state/bootwright.db")).unwrap();
    edit(&db, last);
    db.close().unwrap();
    let world = World::new(folder.path()).await;
    let said = world.verdict().await;
    world.stop().await;
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_log_is_whole_after_a_restart_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let last = signed(folder.path()).await;
    let world = World::new(folder.path()).await;
    world.machine(9).await;
    let log = world.log().await;
    assert_eq!(log.last().unwrap().seq, last + 1);
    assert_eq!(world.verdict().await, None);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_record_is_found_with_and_without_its_checksum() {
    let blunt = after(|db, _| {
        db.execute(
            "UPDATE audit SET body = replace(body, 'vera', 'eve ') WHERE key = ?1",
            (key(3),),
        )
        .map(drop)
        .unwrap();
    });
    assert_eq!(blunt.await.unwrap(), "record 3 cannot be read");
    let careful = after(|db, _| put(db, 3, &body(db, 3).replace("vera", "mary")));
    assert_eq!(careful.await.unwrap(), "record 3 is not as it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_an_inserted_and_a_cut_record_are_found() {
    let removed = after(|db, _| {
        db.execute("DELETE FROM audit WHERE key = ?1", (key(4),)).map(drop).unwrap();
    });
    assert_eq!(removed.await.unwrap(), "record 4 is missing");

    let inserted = after(|db, last| {
        // Everything from 4 on is one later, and the place is filled.
        for seq in (4..=last).rev() {
            let moved =
                body(db, seq).replace(&format!("\"seq\":{seq},"), &format!("\"seq\":{},", seq + 1));
            put(db, seq + 1, &moved);
        }
    });
    let said = inserted.await.unwrap();
    assert!(said.starts_with("record 5 "), "{said}");

    let cut = after(|db, last| {
        db.execute("DELETE FROM audit WHERE key > ?1", (key(last - 2),)).map(drop).unwrap();
    });
    let said = cut.await.unwrap();
    assert!(said.starts_with("the end is cut off"), "{said}");
    let emptied = after(|db, _| {
        db.execute("DELETE FROM audit", ()).map(drop).unwrap();
    });
    assert!(emptied.await.unwrap().starts_with("the end is cut off: the last record is 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_goes_on_over_a_cut_is_contradicted() {
    let folder = tempfile::tempdir().unwrap();
    let last = signed(folder.path()).await;
    let db = Connection::open(folder.path().join("state/bootwright.db")).unwrap();
    db.execute("DELETE FROM audit WHERE key > ?1", (key(last - 1),)).unwrap();
    db.close().unwrap();
    let world = World::new(folder.path()).await;
    for room in 20..23 {
        world.machine(room).await;
    }
    let said = world.verdict().await.unwrap();
    assert_eq!(said, format!("record {last} is another than the one that was signed"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_record_that_cannot_be_read_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let last = signed(folder.path()).await;
    let db = Connection::open(folder.path().join("state/bootwright.db")).unwrap();
    db.execute("UPDATE audit SET body = 'x' WHERE key = ?1", (key(last),)).unwrap();
    db.close().unwrap();
    let world = World::new(folder.path()).await;
    world.machine(9).await;
    let page = world.house.site.audit(last, 9).await.unwrap();
    assert!(matches!(page[0], site::AuditEntry::Unreadable(seq, _) if seq == last));
    assert!(matches!(&page[1], site::AuditEntry::Record(record) if record.seq == last + 1));
    assert_eq!(world.verdict().await.unwrap(), format!("record {last} cannot be read"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_checkpoint_and_half_a_line_are_seen_as_that() {
    let folder = tempfile::tempdir().unwrap();
    signed(folder.path()).await;
    let file = folder.path().join("state/audit-checkpoints");
    let good = std::fs::read_to_string(&file).unwrap();
    let world = World::new(folder.path()).await;
    // A kill in the middle of writing.
    std::fs::write(&file, format!("{good}{}", &good[..20])).unwrap();
    assert_eq!(world.verdict().await, None);
    world.machine(9).await;
    assert!(world.sign().await);
    assert_eq!(checkpoints(&world.house.state).len(), 2);
    assert_eq!(world.verdict().await, None);
    std::fs::write(&file, good.replace("\"seq\":1", "\"seq\":2")).unwrap();
    assert_eq!(world.verdict().await.unwrap(), "line 1 of audit-checkpoints has no good signature");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_by_machine_and_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let admin = world.token(1, "ada", Role::Admin, "").await;
    let block = "{\"state\":\"blocked\"}";
    let path = format!("/api/v1/machines/{}/state", super::world::mac(3));
    assert_eq!(world.with_token(Method::PUT, &path, &admin, block).await.status, 200);
    let list = async |query: &str| -> Vec<serde_json::Value> {
        let path = format!("/api/v1/audit?{query}");
        let got = world.with_token(Method::GET, &path, &admin, "").await;
        let page: serde_json::Value = serde_json::from_str(&got.text).unwrap();
        page["records"].as_array().unwrap().clone()
    };
    let about = list(&format!("machine={}", super::world::mac(3))).await;
    assert_eq!(
        about.iter().map(|r| r["what"].as_str().unwrap()).collect::<Vec<_>>(),
        ["set-machine", "set-life"]
    );
    assert_eq!(list("who=ada").await.len(), 1);
    assert_eq!(list("who=server&since=2100-01-01T00:00:00Z").await.len(), 0);
    let page = world.with_token(Method::GET, "/api/v1/audit?limit=3", &admin, "").await.text;
    assert!(page.contains("\"next\":4"), "{page}");
    world.stop().await;
}
