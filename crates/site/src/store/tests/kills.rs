//! Kills and failed syncs: what was acknowledged is there.

use super::super::keeper::Limits;
use super::*;

/// Not a test by itself: keeps one lease after the other until it is killed.
#[test]
fn child_that_keeps() {
    let Ok(state) = std::env::var(CHILD_STATE) else { return };
    runtime().block_on(async {
        // A short log is moved often, so that syncs of the store itself fail, too.
        let limits = Limits { log: 16 << 10, ..Limits::default() };
        let how = How { limits, ..How::default() };
        let path = Path::new(&state).join(FILE_NAME);
        let mut store = Store::Sqlite(Sqlite::open(&path, how).await.unwrap());
        let from = store.load().await.unwrap().changes.len() as u32 / 2;
        for number in from.. {
            let pair = leases_of([2 * number, 2 * number + 1]);
            match store.keep(Now(1), &pair).await {
                Ok(()) => println!("kept {number}"),
                Err(error) => {
                    println!("failed {number}: {error}");
                    while store.reopen().await.is_err() {}
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
        let running = child("kills::child_that_keeps", state.path(), "");
        let last = kill_when(running, |number| number >= first + 7 * round);
        acknowledged.extend(2 * first..=2 * last + 1);

        let kept: BTreeSet<u32> = leases(&reopened(state.path()).await);
        let lost: Vec<_> = acknowledged.difference(&kept).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        assert_eq!(kept.len() % 2, 0, "half a batch was kept");
        first = kept.len() as u32 / 2;
    }
    assert!(acknowledged.len() > 100);
}

/// A real EIO from every twentieth sync or so. Needs strace.
#[tokio::test]
async fn a_failed_sync_acknowledges_nothing_and_the_file_is_opened_anew() {
    let state = tempfile::tempdir().unwrap();
    let plain = child("kills::child_that_keeps", state.path(), "");
    let before = kill_when(plain, |number| number == 3);
    let mut traced = Command::new("strace");
    traced
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            "inject=fsync,fdatasync:error=EIO:when=20+7",
        ])
        .args([std::env::current_exe().unwrap().as_os_str()])
        .args(["--exact", "store::tests::kills::child_that_keeps", "--nocapture"])
        .env(CHILD_STATE, state.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let Ok(mut traced) = traced.spawn() else {
        return skip("strace is not there");
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
        return skip("strace may not trace here");
    }

    // Syncs of the log and of the store fail in turn; some fail after the answer, and cost the next.
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
