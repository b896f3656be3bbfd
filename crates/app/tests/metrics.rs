//! What a running server says in numbers is what the dashboard and the page ask for.

mod common;

use common::Server;
use std::collections::BTreeSet;
use std::process::Command;

const DASHBOARD: &str = include_str!("../../../docs/grafana/bootwright.json");
const PAGE: &str = include_str!("../../../docs/monitoring.md");

/// Every name that a query may ask for, from the lines `# TYPE name kind`.
fn names(numbers: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for line in numbers.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => panic!("{name} is a {other}"),
        };
        all.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    all
}

fn named(text: &str) -> BTreeSet<&str> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !inside(c)).filter(|word| word.starts_with("bootwright_")).collect()
}

#[test]
fn the_dashboard_and_the_page_name_what_a_server_says() {
    let Some(server) = Server::start() else { return };
    let socket = server.folder.path().join("state/bootwright.sock");
    let url = ["-s", "--unix-socket", socket.to_str().unwrap(), "http://localhost/metrics"];
    let said = Command::new("curl").args(url).output().unwrap();
    let numbers = String::from_utf8(said.stdout).unwrap();
    assert!(numbers.ends_with("# EOF\n"), "{numbers}");
    assert!(numbers.contains("bootwright_owner_answers 1\n"), "{numbers}");
    assert!(numbers.contains("bootwright_pool_addresses{link=\"br0\""), "{numbers}");

    let known = names(&numbers);
    for (whose, text) in [("the dashboard", DASHBOARD), ("docs/monitoring.md", PAGE)] {
        let asked = named(text);
        assert!(asked.len() > 20, "{whose} names {} metrics", asked.len());
        for name in asked {
            assert!(known.contains(name), "{whose}: there is no {name}");
        }
    }
}
