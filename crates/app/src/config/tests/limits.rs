//! Limits in the configuration.

use super::{LAB, faults, read};
use serve::{Limits, Rates};

const ALL: &str = "
[tftp]
windowsize_max = 128
blksize_max = 1024
ports = \"40000-40999\"
transfers_max = 500
transfers_per_source = 200

[limits]
total = \"1Gbit/s\"
machine = \"20MiB/s\"
";

#[test]
fn every_limit_reaches_its_place() {
    let text =
        LAB.replace("port = 80", "port = 80\nconnections_max = 5000\nconnections_per_source = 300");
    let text = text.replace("lease     =", "rate = \"50MiB/s\"\nlease     =") + ALL;
    let config = read(&text).unwrap();
    let limits = config.limits;
    assert_eq!((limits.tftp_policy.window_max, limits.tftp_policy.blksize_max), (128, 1024));
    assert_eq!((limits.tftp_ports, limits.tftp_single_port), (Some((40_000, 40_999)), false));
    assert_eq!((limits.tftp.transfers, limits.tftp.transfers_per_source), (500, 200));
    assert_eq!((limits.http_connections, limits.http_connections_per_source), (5000, 300));
    let rates = Rates { total: Some(125_000_000), machine: Some(20 << 20) };
    assert_eq!(limits.rates, rates);
    assert_eq!(config.settings.networks[0].rate, Some(50 << 20));
}

#[test]
fn what_is_not_said_stays_as_it_is() {
    let config = read(LAB).unwrap();
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.limits.tftp_policy.window_max, 64);
    assert_eq!(config.settings.networks[0].rate, None);
    let single = read(&format!("{LAB}\n[tftp]\nsingle_port = true")).unwrap();
    assert!(single.limits.tftp_single_port);
}

#[test]
fn a_limit_that_is_none_is_a_fault() {
    for (section, line, says) in [
        ("tftp", "windowsize_max = 0", "`windowsize_max` takes a number from 1 to 65535"),
        ("tftp", "windowsize_max = \"64\"", "`windowsize_max` takes a number from 1 to 65535"),
        ("tftp", "blksize_max = 100", "`blksize_max` takes a number from 512 to 65464"),
        ("tftp", "ports = \"4000\"", "`4000` is no range of ports"),
        ("tftp", "ports = \"4000-3000\"", "`4000-3000` ends before it begins"),
        ("tftp", "ports = \"69-4000\"", "`ports` begins with 1024 at least"),
        (
            "tftp",
            "single_port = true\nports = \"4000-4999\"",
            "`ports` beside `single_port = true`",
        ),
        ("tftp", "transfers_max = 0", "`transfers_max` takes a number from 1 to 1000000"),
        ("limits", "total = \"100Mb/s\"", "did you mean `MB/s`?"),
        ("limits", "totl = \"100MB/s\"", "unknown key `totl` in [limits]"),
    ] {
        let found = faults(&format!("{LAB}\n[{section}]\n{line}\n"));
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].contains(says), "{line}: {found:?}");
    }
}

#[test]
fn a_limit_within_a_lower_one_is_noted() {
    let text = LAB.replace("lease     =", "rate = \"1GiB/s\"\nlease     =");
    let more = "\n[tftp]\ntransfers_max = 10\ntransfers_per_source = 11\n\
                [limits]\ntotal = \"1MiB/s\"\nmachine = \"2MiB/s\"\n";
    let notes = read(&(text + more)).unwrap().notes.join("\n");
    for word in
        ["transfers_per_source = 11 has no effect", "machine has no effect", "on br0 has no effect"]
    {
        assert!(notes.contains(word), "{word}: {notes}");
    }
}
