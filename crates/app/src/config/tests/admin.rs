//! `[admin]`.

use super::{faults, read};
use crate::config::{Admin, DEFAULT_ADMIN};

const NETWORK: &str = "[[network]]\ninterface = \"br0\"\n";

fn admin(text: &str) -> Admin {
    read(&format!("{NETWORK}{text}")).unwrap().admin
}

#[test]
fn the_port_is_loopback_s_unless_it_is_named_or_off() {
    assert_eq!(admin("").listen, Some(DEFAULT_ADMIN));
    assert!(!admin("").asked);
    assert_eq!(admin("[admin]\nlisten = \"off\"").listen, None);
    let named = admin("[admin]\nlisten = \"[::1]:80\"\nhosts = [\"boot.lab.example\"]");
    assert_eq!(named.listen, "[::1]:80".parse().ok());
    assert!(named.asked);
    assert_eq!(named.hosts, ["boot.lab.example"]);
}

#[test]
fn what_is_no_address_or_no_name_is_a_fault() {
    for wrong in ["listen = \"7070\"", "listen = \"localhost:7070\"", "listen = \"127.0.0.1:0\""] {
        let found = faults(&format!("{NETWORK}[admin]\n{wrong}"));
        assert!(found[0].contains("`listen` is an address and a port"), "{found:?}");
    }
    let found = faults(&format!("{NETWORK}[admin]\nhosts = [\"a:80\"]"));
    assert!(found[0].contains("`hosts` takes names"), "{found:?}");
}
