//! What `/metrics` says is read by a strict reader of ours and by Prometheus' own for Python, the
//! dashboard names only what is there, and nothing that the network sends becomes a label.

mod dashboard;
mod exposition;

use super::*;
use engine::state::PoolUse;
use exposition::Exposition;
use model::event::Happening;
use model::{Event, Why};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use site::tally::BOUNDS_US;
use std::io::Write;
use std::process::{Command, Stdio};

fn event(link: &str, what: Happening) -> Event {
    Event::new(Now(0), None, Some(link.to_owned()), what)
}

/// One event of each kind that is counted by more than its kind, all with this text where a machine
/// or a file name could put it.
fn events(text: &str) -> Vec<Event> {
    let said = || text.to_owned();
    let file = Why::NoSuchFile { name: said(), hint: Some(said()) };
    vec![
        event(
            "lan",
            Happening::Answered {
                asked: said().into(),
                answer: "OFFER".into(),
                address: None,
                file: Some(said()),
                because: Vec::new(),
            },
        ),
        event("lan", Happening::Silent { asked: said().into(), why: Why::Malformed(said()) }),
        event("lan", Happening::FileMissed { by: Carrier::Http, why: file, expected: false }),
        event(
            "lan",
            Happening::Script { form: said(), decision: said(), does: None, because: Vec::new() },
        ),
        event("lan", Happening::Deployment { deployment: said(), step: said(), says: said() }),
        event("lan", Happening::Alarm { text: said() }),
    ]
}

/// A moment of a server to which all of that happened.
fn numbers(text: &str) -> Numbers {
    let mut counts = Counts::new();
    events(text).iter().for_each(|event| counts.note(event));
    let spread = Spread { classes: [2; BOUNDS_US.len()], longer: 1, sum_us: 1_500_000 };
    let pool = PoolUse {
        link: "lan".to_owned(),
        subnet: "10.0.0.0/24".to_owned(),
        size: 100,
        leased: 60,
        quarantined: 1,
    };
    // All of a /64 is more than a number holds.
    let pool6 =
        PoolUse { subnet: "fd77::/64".to_owned(), size: u64::MAX, leased: 3, ..pool.clone() };
    let tftp = Totals { bytes: 7, done: 1, failed: 0, again: 3 };
    Numbers {
        transfers: Transfers { now: Vec::new(), tftp, http: Totals::default() },
        names_remembered: Some(12),
        counted: vec![("tftp_busy", "TFTP requests without an answer", 5)],
        counts,
        times: Timed::ALL.into_iter().map(|what| (what, spread)).collect(),
        waiting: Waiting { known: 1, asking: 2, requests: 3 },
        census: Some(Census {
            machines: vec![("pending", 4), ("approved", 5)],
            deployments: vec![("armed", 6)],
            pools: vec![pool, pool6],
            reservations: 7,
            images: 8,
            loaders: 9,
            profiles: 10,
            rules: 11,
        }),
        disk: Disk { store: 4096, free: Some(1 << 30) },
        started: Now(1_000),
        now: Now(61_500),
    }
}

fn written(numbers: Numbers) -> String {
    let mut registry = Registry::with_prefix("bootwright");
    registry.register_collector(Box::new(numbers));
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

#[test]
fn numbers_are_written_as_prometheus_reads_them() {
    let text = written(numbers("x"));
    for line in [
        "bootwright_build_info{version=\"0.1.0\"} 1",
        "bootwright_start_time_seconds 1.0",
        "bootwright_uptime_seconds 60.5",
        "bootwright_owner_answers 1",
        "bootwright_sent_bytes_total{by=\"tftp\"} 7",
        "bootwright_sent_bytes_total{by=\"http\"} 0",
        "bootwright_blocks_sent_again_total{by=\"tftp\"} 3",
        "bootwright_transfers_waiting 0",
        "bootwright_tftp_busy_total 5",
        "# HELP bootwright_tftp_busy TFTP requests without an answer",
        "bootwright_dhcp_messages_total{type=\"other\",answer=\"offer\",link=\"lan\"} 1",
        "bootwright_silences_total{why=\"malformed\",fault=\"peer\"} 1",
        "bootwright_silences_total{why=\"store-failed\",fault=\"surroundings\"} 0",
        "bootwright_machines{state=\"pending\"} 4",
        "bootwright_pool_leased{link=\"lan\",subnet=\"10.0.0.0/24\"} 60",
        "bootwright_decision_seconds_count{of=\"dhcp\"} 29",
        "bootwright_decision_seconds_sum{of=\"dhcp\"} 1.5",
        "bootwright_alarms_total 1",
        "# EOF",
    ] {
        let line = line.replace("0.1.0", env!("CARGO_PKG_VERSION"));
        assert!(text.lines().any(|found| found == line), "no line {line:?} in\n{text}");
    }
}

#[test]
fn a_strict_reader_finds_nothing_wrong() {
    let read = Exposition::read(&written(numbers("x"))).unwrap();
    assert!(read.families.len() > 30, "{} families", read.families.len());
    for (name, family) in &read.families {
        assert!(name.starts_with("bootwright_"), "{name} is somebody else's name");
        assert!(family.help.len() > 5, "{name} says nothing of itself");
    }
}

/// Zeros would be a lie: while the owner hangs, what only it knows is not there.
#[test]
fn what_is_not_known_is_not_said() {
    let silent = Numbers { census: None, disk: Disk::default(), ..numbers("x") };
    let read = Exposition::read(&written(silent)).unwrap();
    assert!(!read.families.contains_key("bootwright_machines"));
    assert_eq!(read.value("bootwright_owner_answers"), Some(0.0));
    assert_eq!(read.value("bootwright_disk_free_bytes"), None);
}

/// Prometheus' own reader of OpenMetrics for Python, which is the strictest that there is.
#[test]
fn the_reader_of_prometheus_for_python_takes_it() {
    const READ: &str = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as read\n\
        print(sum(len(f.samples) for f in read(sys.stdin.read())))";
    let python = "/usr/bin/python3";
    let able = |output: std::process::Output| output.status.success();
    let there = Command::new(python).args(["-c", "import prometheus_client"]).output();
    if !there.is_ok_and(able) {
        let text = "SKIPPED: it needs python3-prometheus-client";
        assert!(std::env::var_os("CI").is_none(), "{text}");
        return eprintln!("{text}");
    }
    let text = written(numbers("x"));
    let mut child = Command::new(python)
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    let samples: usize = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    let read = Exposition::read(&text).unwrap();
    let ours: usize = read.families.values().map(|family| family.samples.len()).sum();
    assert_eq!(samples, ours, "their reader and ours count the same");
}

/// A thousand machines that each call everything otherwise make no line that was not there.
#[test]
fn nothing_that_the_network_sends_becomes_a_label() {
    let plain = written(numbers("x"));
    let series = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
    };
    let mut flooded = numbers("x");
    for n in 0..1000 {
        let hostile = format!("evil{n}\"}} 1\n# TYPE evil counter\n");
        events(&hostile).iter().for_each(|event| flooded.counts.note(event));
    }
    let text = written(flooded);
    assert!(!text.contains("evil"), "{text}");
    assert_eq!(series(&text), series(&plain));
}
