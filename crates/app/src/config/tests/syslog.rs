//! `[syslog]` in the configuration.

use super::{LAB, faults, read};

#[test]
fn logs_are_taken_where_it_says_so_and_nowhere_else() {
    assert_eq!(read(LAB).unwrap().syslog_port, None);
    let port = read(&format!("{LAB}\n[syslog]\nport = 514\n")).unwrap().syslog_port;
    assert_eq!(port, Some(514));
    let without = read(&format!("{LAB}\n[syslog]\n")).unwrap();
    assert_eq!(without.syslog_port, None);
    assert!(without.notes.iter().any(|note| note.starts_with("[syslog] without `port`")));
}

#[test]
fn a_port_that_cannot_be_had_is_a_fault() {
    for (port, what) in [
        ("69", "TFTP has UDP port 69 already"),
        ("67", "DHCP has UDP port 67 already"),
        ("40005", "port 40005 is one of `ports` in [tftp]"),
        ("0", "`port` takes a port, a number from 1 to 65535"),
        ("\"514\"", "`port` takes a port, a number from 1 to 65535"),
    ] {
        let text = format!("{LAB}\n[tftp]\nports = \"40000-40999\"\n[syslog]\nport = {port}\n");
        let found = faults(&text);
        assert!(found.len() == 1 && found[0].ends_with(what), "{port}: {found:?}");
    }
    let unknown = faults(&format!("{LAB}\n[syslog]\nprot = 514\n"));
    assert!(unknown[0].ends_with("unknown key `prot` in [syslog]"), "{unknown:?}");
}
