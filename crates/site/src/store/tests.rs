//! The store under restarts, kills, upgrades and bytes that flip.

use super::schema::{STEPS, Stage, Step, backup_path};
use super::sqlite::{FILE_NAME, Sqlite};
use super::{Facts, Store, StoreError};
use model::lease::LeaseState;
use model::machine::Life;
use model::menu::{Choice, Entry, Menu};
use model::rule::{Condition, Profile, Rule};
use model::{
    Arch, Asset, Change, Firmware, HardwareAddress, Hash, Image, Lease, Loader, LoaderKind,
    Machine, Now, Uuid,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Names the state directory to a test that runs as a child, to be killed.
const CHILD_STATE: &str = "SITE_TEST_CHILD_STATE";

/// At which place of an upgrade the child waits to be killed.
const CHILD_STAGE: &str = "SITE_TEST_CHILD_STAGE";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn lease(number: u32) -> Lease {
    Lease {
        address: Ipv4Addr::from(0x0a00_0000 + number),
        network: "lan0".to_owned(),
        hardware: HardwareAddress::mac([2, 0, 0, 0, 0, 1]),
        client_id: Some(vec![1, 2, 0, 0, 0, 0, 1]),
        host_name: Some("node".to_owned()),
        since: Now(1),
        until: Some(Now(2)),
        state: LeaseState::Bound,
    }
}

/// Facts by their name, so that two sets of them can be compared.
fn by_name(changes: &[Change]) -> BTreeMap<String, Change> {
    let mut facts = BTreeMap::new();
    for change in changes {
        match change {
            Change::LeaseGone(_) | Change::MachineGone(_) | Change::ProfileGone(_) => {
                facts.remove(&name(change));
            }
            Change::ImageGone(..) | Change::LoaderGone(_) => {
                facts.remove(&name(change));
            }
            kept => {
                facts.insert(name(kept), kept.clone());
            }
        }
    }
    facts
}

fn name(change: &Change) -> String {
    match change {
        Change::Lease(Lease { address, .. }) | Change::LeaseGone(address) => {
            format!("lease {address}")
        }
        Change::Machine(Machine { hardware, .. }) | Change::MachineGone(hardware) => {
            format!("machine {hardware}")
        }
        Change::Profile(Profile { name, .. }) | Change::ProfileGone(name) => {
            format!("profile {name}")
        }
        Change::Rules(_) => "rules".to_owned(),
        Change::Menu(link, _) => format!("menu {link:?}"),
        Change::Image(Image { name, version, .. }) | Change::ImageGone(name, version) => {
            format!("image {name} {version}")
        }
        Change::Loader(Loader { name, .. }) | Change::LoaderGone(name) => format!("loader {name}"),
    }
}

async fn reopened(state: &Path) -> Facts {
    let mut store = Store::open(state).await.unwrap();
    let facts = store.load().await.unwrap();
    store.close().await;
    facts
}

// ---- every fact comes back

/// Text as it may come from the wire or from operators.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9._-]{1,3}", "\\PC{0,12}", Just("a\u{0}\"'\\\u{1b}\u{202e}".to_owned())]
}

fn hardware() -> impl Strategy<Value = HardwareAddress> {
    prop_oneof![
        (0u8..6).prop_map(|n| HardwareAddress::mac([2, 0, 0, 0, 0, n])),
        Just(HardwareAddress::new(32, &[])),
        any::<[u8; 16]>().prop_map(|bytes| HardwareAddress::new(7, &bytes)),
    ]
}

fn any_lease() -> impl Strategy<Value = Lease> {
    let state = prop_oneof![
        Just(LeaseState::Bound),
        Just(LeaseState::Released),
        Just(LeaseState::Declined)
    ];
    let id = prop::option::of(prop::collection::vec(any::<u8>(), 0..20));
    let times = (0..u64::MAX / 2, prop::option::of(0..u64::MAX / 2));
    // Leases keep even addresses that have no spelling.
    let who = prop_oneof![
        hardware(),
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..16))
            .prop_map(|(kind, bytes)| HardwareAddress::new(kind, &bytes))
    ];
    (0u32..20, text(), who, id, prop::option::of(text()), times, state).prop_map(
        |(number, network, hardware, client_id, host_name, (since, until), state)| Lease {
            address: Ipv4Addr::from(0x0a00_0000 + number),
            network,
            hardware,
            client_id,
            host_name,
            since: Now(since),
            until: until.map(Now),
            state,
        },
    )
}

fn any_machine() -> impl Strategy<Value = Machine> {
    let labels = prop::collection::btree_map(text(), text(), 0..3);
    let arch = prop::option::of(prop::sample::select(Arch::ALL));
    let life = prop::sample::select(Life::ALL);
    let uuid = prop::option::of(any::<[u8; 16]>().prop_map(Uuid));
    (hardware(), prop::option::of(text()), uuid, arch, life, labels, any::<u64>(), text()).prop_map(
        |(hardware, name, uuid, arch, life, labels, seen, link)| Machine {
            hardware,
            name: name.clone(),
            uuid,
            serial: name.clone(),
            arch,
            firmware: arch.map(|_| Firmware::Http),
            memory_mib: Some(seen),
            vendor_class: name.clone(),
            link,
            first_seen: Now(seen),
            last_seen: Now(seen),
            life,
            profile: name,
            labels,
        },
    )
}

fn any_change() -> impl Strategy<Value = Change> {
    let short = || prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    let profile = (short(), text(), prop::option::of(any::<u32>()))
        .prop_map(|(name, args, version)| Profile { name, image: args.clone(), version, args });
    let rule = (any::<u32>(), text(), any::<u64>()).prop_map(|(id, text, number)| Rule {
        id,
        conditions: vec![
            Condition::Serial(text.clone()),
            Condition::Memory(number),
            Condition::Mac("52:54".parse().unwrap()),
            Condition::Label(text.clone(), text.clone()),
        ],
        profile: text,
    });
    let entry = (short(), text(), any::<bool>()).prop_map(|(key, title, hidden)| Entry {
        key,
        choice: if hidden { Choice::LocalDisk } else { Choice::Image(title.clone()) },
        title,
        group: None,
        hidden,
        locked: hidden,
    });
    let menu = prop::collection::vec(entry, 0..3).prop_map(|entries| Menu {
        entries,
        default: None,
        password: None,
    });
    let image =
        (short(), 1u32..4, any::<[u8; 32]>(), text()).prop_map(|(name, version, hash, title)| {
            let asset = Asset { path: title.clone(), sha256: Hash(hash), size: u64::MAX };
            Image {
                name,
                version,
                title: title.clone(),
                archs: vec![Arch::X64Uefi],
                recipe: model::image::Recipe::default(),
                recognised_by: title.clone(),
                assets: vec![asset],
                imported: Now(3),
                source: title,
            }
        });
    let loader = (short(), any::<[u8; 32]>()).prop_map(|(name, hash)| Loader {
        name: name.clone(),
        kind: LoaderKind::Shim,
        arch: Arch::X64Uefi,
        version: "1".to_owned(),
        path: name,
        sha256: Hash(hash),
        size: 1,
        signers: vec!["x".to_owned()],
    });
    let link = prop::option::of(prop_oneof![short(), Just("all".to_owned()), Just(String::new())]);
    prop_oneof![
        4 => any_lease().prop_map(Change::Lease),
        2 => (0u32..20).prop_map(|n| Change::LeaseGone(lease(n).address)),
        4 => any_machine().prop_map(Change::Machine),
        1 => hardware().prop_map(Change::MachineGone),
        1 => profile.prop_map(Change::Profile),
        1 => short().prop_map(Change::ProfileGone),
        1 => prop::collection::vec(rule, 0..4).prop_map(Change::Rules),
        1 => (link, menu).prop_map(|(link, menu)| Change::Menu(link, menu)),
        1 => image.prop_map(Change::Image),
        1 => (short(), 1u32..4).prop_map(|(name, version)| Change::ImageGone(name, version)),
        1 => loader.prop_map(Change::Loader),
        1 => short().prop_map(Change::LoaderGone),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_fact_comes_back_as_it_was(
        batches in prop::collection::vec(prop::collection::vec(any_change(), 1..120), 1..5)
    ) {
        let state = tempfile::tempdir().unwrap();
        let facts = runtime().block_on(async {
            let mut store = Store::open(state.path()).await.unwrap();
            for (moment, batch) in batches.iter().enumerate() {
                store.keep(Now(moment as u64), batch).await.unwrap();
            }
            store.close().await;
            reopened(state.path()).await
        });
        prop_assert_eq!(by_name(&facts.changes), by_name(&batches.concat()));
        prop_assert_eq!(facts.moment, Now(batches.len() as u64 - 1));
    }
}

// ---- what is on disk

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
        [STEPS, &[Step { version: 99, sql: "CREATE TABLE later (x TEXT) STRICT" }]].concat();
    Sqlite::open_at(&path, &newer, &mut |_| {}).await.unwrap().close().await;
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
    let leases: Vec<_> = (0..150).map(|n| Change::Lease(lease(n))).collect();
    let args = "quiet ".repeat(900);
    let profile = Profile { name: "p".to_owned(), image: "i".to_owned(), version: None, args };
    let facts = [leases, vec![Change::Profile(profile), Change::Rules(Vec::new())]].concat();
    store.keep(Now(9), &facts).await.unwrap();
    store.close().await;

    let path = state.path().join(FILE_NAME);
    let whole = std::fs::read(&path).unwrap();
    let expected = by_name(&facts);
    let mut refused = 0;
    // The head of the file byte by byte, the rest in steps that fall on all kinds of places.
    for place in (0..100).chain((100..whole.len()).step_by(61)) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        let _ = std::fs::remove_file(state.path().join("bootwright.db-wal"));
        let _ = std::fs::remove_file(state.path().join("bootwright.db-shm"));
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
            Ok(read) => {
                assert_eq!(by_name(&read.changes), expected, "byte {place} is lost silently");
                assert_eq!(read.moment, Now(9), "byte {place}");
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains("bootwright.db"), "{error}");
            }
        }
    }
    assert!(refused > 100, "only {refused} were noticed");
}

// ---- kills

/// Starts one of the tests below in a process of its own.
fn child(test: &str, state: &Path, stage: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("store::tests::{test}"), "--nocapture", "--test-threads=1"])
        .env(CHILD_STATE, state)
        .env(CHILD_STAGE, stage)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads the child's lines `kept N` until one satisfies `enough`, then ends it by SIGKILL.
fn kill_when(mut child: Child, enough: impl Fn(u32) -> bool) -> u32 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = 0;
    for line in lines {
        let line = line.unwrap();
        let Some((_, number)) = line.split_once("kept ") else { continue };
        last = number.parse().unwrap();
        if enough(last) {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    last
}

/// Not a test by itself: keeps one lease after the other until it is killed.
#[test]
fn child_that_keeps() {
    let Ok(state) = std::env::var(CHILD_STATE) else { return };
    runtime().block_on(async {
        let mut store = Store::open(Path::new(&state)).await.unwrap();
        let from = store.load().await.unwrap().changes.len() as u32;
        for number in from.. {
            let pair = [Change::Lease(lease(2 * number)), Change::Lease(lease(2 * number + 1))];
            match store.keep(Now(1), &pair).await {
                Ok(()) => println!("kept {number}"),
                Err(error) => {
                    println!("failed {number}: {error}");
                    store.reopen().await.unwrap();
                }
            }
        }
    });
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let state = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    let mut first = 0;
    for round in 1..=8 {
        let running = child("child_that_keeps", state.path(), "");
        let last = kill_when(running, |number| number >= first + 7 * round);
        acknowledged.extend(2 * first..=2 * last + 1);

        let kept: BTreeSet<u32> = leases(&reopened(state.path()).await);
        let lost: Vec<_> = acknowledged.difference(&kept).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        assert_eq!(kept.len() % 2, 0, "half a batch was kept");
        first = kept.len() as u32;
    }
    assert!(acknowledged.len() > 100);
}

/// A real EIO from every twentieth sync or so. Needs strace.
#[tokio::test]
async fn a_failed_sync_acknowledges_nothing_and_the_file_is_opened_anew() {
    let state = tempfile::tempdir().unwrap();
    let plain = child("child_that_keeps", state.path(), "");
    let before = kill_when(plain, |number| number == 3);
    let mut traced = Command::new("strace");
    traced
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            "inject=fsync,fdatasync:error=EIO:when=20",
        ])
        .args([std::env::current_exe().unwrap().as_os_str()])
        .args(["--exact", "store::tests::child_that_keeps", "--nocapture"])
        .env(CHILD_STATE, state.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let Ok(mut traced) = traced.spawn() else {
        eprintln!("SKIPPED: strace is not there");
        return;
    };
    let mut acknowledged: BTreeSet<u32> = (0..=before).collect();
    let mut failed = BTreeSet::new();
    for line in BufReader::new(traced.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, text)) = line.split_once("failed ") {
            assert!(text.contains("could not write to"), "{text}");
            failed.insert(text.split(':').next().unwrap().parse::<u32>().unwrap());
        }
        if let Some((_, number)) = line.split_once("kept ") {
            acknowledged.insert(number.parse().unwrap());
        }
        if acknowledged.len() > 60 {
            break;
        }
    }
    // Ends strace; what it traces loses its output, and ends by that.
    traced.kill().unwrap();
    traced.wait().unwrap();
    if acknowledged.len() <= 60 {
        eprintln!("SKIPPED: strace may not trace here");
        return;
    }

    // strace counts by thread, and a store that is opened again has a new one.
    assert!(!failed.is_empty(), "a sync failed, and its batch was acknowledged");
    assert!(acknowledged.is_disjoint(&failed));
    let mut probe = Store::open(state.path()).await;
    for _ in 0..50 {
        if probe.is_ok() {
            break;
        }
        probe = Store::open(state.path()).await;
    }
    let kept = leases(&probe.unwrap().load().await.unwrap());
    assert!(acknowledged.iter().all(|n| kept.contains(&(2 * n)) && kept.contains(&(2 * n + 1))));
}

fn leases(facts: &Facts) -> BTreeSet<u32> {
    let number = |change: &Change| match change {
        Change::Lease(lease) => Some(u32::from(lease.address) - 0x0a00_0000),
        _ => None,
    };
    facts.changes.iter().filter_map(number).collect()
}

/// Steps as a later version may have them: the real ones, and two more.
fn later_steps() -> Vec<Step> {
    let mut steps = STEPS.to_vec();
    let last = steps.last().unwrap().version;
    let more = [
        "ALTER TABLE lease ADD COLUMN note TEXT; CREATE TABLE extra (x TEXT) STRICT;",
        "INSERT INTO extra (x) SELECT address FROM lease; UPDATE lease SET note = 'seen';",
    ];
    steps.extend(more.into_iter().zip(last + 1..).map(|(sql, version)| Step { version, sql }));
    steps
}

/// Not a test by itself: upgrades, and waits to be killed at the stage it was told.
#[test]
fn child_that_upgrades() {
    let (Ok(state), Ok(stop_at)) = (std::env::var(CHILD_STATE), std::env::var(CHILD_STAGE)) else {
        return;
    };
    let mut at = |stage: Stage| {
        if format!("{stage:?}") == stop_at {
            println!("kept 1");
            loop {
                std::thread::park();
            }
        }
    };
    let path = Path::new(&state).join(FILE_NAME);
    runtime().block_on(Sqlite::open_at(&path, &later_steps(), &mut at)).unwrap();
}

#[tokio::test]
async fn an_upgrade_may_be_killed_anywhere() {
    let last = STEPS.last().unwrap().version;
    let stages = [
        Stage::BackupWritten,
        Stage::BackupKept,
        Stage::StepTaken(last + 1),
        Stage::StepTaken(last + 2),
        Stage::Committed,
    ];
    for stage in stages {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join(FILE_NAME);
        let facts: Vec<_> = (0..500).map(|n| Change::Lease(lease(n))).collect();
        let mut store = Store::open(state.path()).await.unwrap();
        store.keep(Now(1), &facts).await.unwrap();
        store.close().await;

        let running = child("child_that_upgrades", state.path(), &format!("{stage:?}"));
        assert_eq!(kill_when(running, |_| true), 1, "the child never came to {stage:?}");
        if stage != Stage::Committed {
            // The old version can still be used: nothing was half done.
            assert_eq!(
                by_name(&reopened(state.path()).await.changes),
                by_name(&facts),
                "{stage:?}"
            );
        }

        let mut seen = Vec::new();
        let mut later =
            Sqlite::open_at(&path, &later_steps(), &mut |stage| seen.push(stage)).await.unwrap();
        assert_eq!(seen.is_empty(), stage == Stage::Committed, "{stage:?}");
        let read = later.load().await.unwrap();
        assert_eq!(by_name(&read.changes), by_name(&facts), "{stage:?}");
        later.close().await;

        let restored = tempfile::tempdir().unwrap();
        let backup = backup_path(&path, last);
        assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::copy(backup, restored.path().join(FILE_NAME)).unwrap();
        let read = reopened(restored.path()).await;
        assert_eq!(by_name(&read.changes), by_name(&facts), "the backup, after {stage:?}");
    }
}

/// How fast batches are kept; run with `--ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn measure_commits() {
    let state = tempfile::tempdir_in(std::env::var("MEASURE_IN").unwrap_or("/tmp".into())).unwrap();
    let mut store = Store::open(state.path()).await.unwrap();
    for size in [1u32, 16, 64, 256, 1024, 4096] {
        let start = std::time::Instant::now();
        let mut done = 0;
        while start.elapsed().as_secs() < 2 {
            let batch: Vec<_> =
                (0..size).map(|n| Change::Lease(lease((done + n) % 50_000))).collect();
            store.keep(Now(1), &batch).await.unwrap();
            done += size;
        }
        let s = start.elapsed().as_secs_f64();
        println!(
            "batches of {size}: {:.0} leases/s, {:.0} commits/s",
            f64::from(done) / s,
            f64::from(done / size) / s
        );
    }
}
