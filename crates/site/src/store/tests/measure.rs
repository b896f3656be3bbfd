//! How fast it is. Run one with `--release -- --ignored --nocapture measure`; `MEASURE_IN` says
//! where the files lie.

use super::*;
use std::time::Instant;

/// 52:54 and a counter; addresses in an order that touches pages everywhere.
fn client(number: u32, all: u32, until: u64) -> Change {
    let number = number.wrapping_mul(2_654_435_761) % all;
    let mac = [2, 0, 0, (number >> 16) as u8, (number >> 8) as u8, number as u8];
    Change::Lease(Lease {
        hardware: HardwareAddress::mac(mac),
        client_id: Some([&[1], &mac[..]].concat()),
        host_name: Some(format!("node-{number}")),
        since: Now(1_790_000_000_000),
        until: Some(Now(1_790_000_000_000 + until)),
        ..lease(number)
    })
}

fn place() -> tempfile::TempDir {
    tempfile::tempdir_in(std::env::var("MEASURE_IN").unwrap_or("/tmp".into())).unwrap()
}

/// Of this process: user and system, in seconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: f64 = fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn measure_commits() {
    let state = place();
    let mut store = Store::open(state.path()).await.unwrap();
    let all: Vec<_> = (0..50_000).map(|n| client(n, 50_000, 0)).collect();
    store.keep(Now(1), &all).await.unwrap();
    for size in [1u32, 16, 64, 256, 1024] {
        let (start, cpu_before, written_before) = (Instant::now(), cpu(), written());
        let (mut done, mut took) = (0, Vec::new());
        while start.elapsed().as_secs() < 4 {
            let batch: Vec<_> =
                (0..size).map(|n| client(done + n, 50_000, (done + n).into())).collect();
            let begun = Instant::now();
            store.keep(Now(1_790_000_000_000 + u64::from(done)), &batch).await.unwrap();
            took.push(begun.elapsed());
            done += size;
        }
        let (s, n) = (start.elapsed().as_secs_f64(), f64::from(done));
        took.sort();
        let at = |share: usize| took[(took.len() - 1) * share / 1000].as_secs_f64() * 1000.0;
        println!(
            "batches of {size:4}: {:6.0} leases/s, {:4.0} commits/s, {:5.1} us CPU and {:5.0} B \
             a lease, keep p50 {:.1} p99 {:.1} max {:.1} ms",
            n / s,
            n / f64::from(size) / s,
            (cpu() - cpu_before) * 1e6 / n,
            (written() - written_before) as f64 / n,
            at(500),
            at(990),
            at(1000),
        );
    }
}

/// What a commit takes while copies of the store are made, one after the other, beside what it takes
/// without: in turns, because the disk has its moods.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
async fn measure_commits_while_copied() {
    const ALL: u32 = 100_000;
    let state = place();
    let mut store = Store::open(state.path()).await.unwrap();
    for chunk in (0..ALL).collect::<Vec<_>>().chunks(20_000) {
        let batch: Vec<_> = chunk.iter().map(|n| client(*n, ALL, 0)).collect();
        store.keep(Now(1), &batch).await.unwrap();
    }
    let (mut plain, mut copied, mut copies) = (Vec::new(), Vec::new(), Vec::new());
    let mut done = 0;
    for turn in 0..20 {
        let with = turn % 2 == 1;
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(!with));
        let copying = tokio::spawn({
            let (copier, stop) = (store.copier().unwrap(), std::sync::Arc::clone(&stop));
            let to = state.path().join("copy");
            async move {
                let mut took = Vec::new();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let begun = Instant::now();
                    copier.copy(&to).await.unwrap();
                    took.push(begun.elapsed());
                    std::fs::remove_file(&to).unwrap();
                }
                took
            }
        });
        let start = Instant::now();
        while start.elapsed().as_millis() < 1500 {
            let batch: Vec<_> = (0..16).map(|n| client(done + n, ALL, done.into())).collect();
            let begun = Instant::now();
            store.keep(Now(1_790_000_000_000 + u64::from(done)), &batch).await.unwrap();
            if with { &mut copied } else { &mut plain }.push(begun.elapsed());
            done += 16;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        copies.extend(copying.await.unwrap());
    }
    let say = |what: &str, took: &mut Vec<std::time::Duration>| {
        took.sort();
        let at = |share: usize| took[(took.len() - 1) * share / 1000].as_secs_f64() * 1000.0;
        let (count, p50, p99, max) = (took.len(), at(500), at(990), at(1000));
        println!("{what}: {count:5}, p50 {p50:.2} p99 {p99:.2} max {max:.1} ms");
        (p50, p99)
    };
    let (before, beside) =
        (say("commits alone       ", &mut plain), say("commits while copied", &mut copied));
    say("copies of 100,000 leases", &mut copies);
    println!("ratio: p50 {:.2}, p99 {:.2}", beside.0 / before.0, beside.1 / before.1);
}

#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn measure_start() {
    for all in [50_000u32, 1_000_000] {
        let state = place();
        let mut store = Store::open(state.path()).await.unwrap();
        for chunk in (0..all).collect::<Vec<_>>().chunks(50_000) {
            let batch: Vec<_> = chunk.iter().map(|n| client(*n, all, 0)).collect();
            store.keep(Now(1_790_000_000_000), &batch).await.unwrap();
        }
        store.close().await;
        let size = state.path().join(FILE_NAME).metadata().unwrap().len();
        let before = peak_kib();
        let start = Instant::now();
        let mut store = Store::open(state.path()).await.unwrap();
        let opened = start.elapsed();
        let mut count = 0;
        store.load_into(&mut |_| count += 1).await.unwrap();
        println!(
            "{count} leases in {} KiB: open and check {:.0} ms, in all {:.0} ms, peak {before} -> {} KiB",
            size / 1024,
            opened.as_secs_f64() * 1000.0,
            start.elapsed().as_secs_f64() * 1000.0,
            peak_kib()
        );
    }
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}
