//! Two subnets on one link.

use super::{read, settings};

/// Two networks on the first two interfaces, with a line of their own each.
fn two(first: (&str, &str), second: (&str, &str)) -> String {
    let network = |n: u8, (interface, line): (&str, &str)| {
        format!(
            "[[network]]\ninterface = \"{interface}\"\nmode = \"dhcp\"\nsubnet = \"10.{n}.0.0/24\"\n\
             pool = [\"10.{n}.0.100-10.{n}.0.199\"]\n{line}\n"
        )
    };
    network(78, first) + &network(79, second)
}

#[test]
fn two_subnets_may_share_a_link_if_both_say_so() {
    let text = two(("br1", "shared = \"office\""), ("br1", "shared = \"office\""));
    let networks = settings(&text).networks;
    let servers: Vec<String> = networks.iter().map(|n| n.server.to_string()).collect();
    // Each replies with our address in the client's own subnet.
    assert_eq!(servers, ["10.78.0.1", "10.79.0.1"]);
    assert!(networks.iter().all(|n| n.shared.as_deref() == Some("office")));

    for (a, b) in [("", ""), ("shared = \"a\"", ""), ("shared = \"a\"", "shared = \"b\"")] {
        let shown = read(&two(("br1", a), ("br1", b))).unwrap_err();
        assert!(shown.contains("a second network on br1"), "{shown}");
        assert!(shown.contains("here is the first"), "{shown}");
    }
}

#[test]
fn a_word_is_shared_on_one_interface_only() {
    let text = two(("br1", "shared = \"office\""), ("br0", "shared = \"office\""));
    let shown = read(&text).unwrap_err();
    assert!(shown.contains("`office` is shared with a network on another interface"), "{shown}");
    assert!(shown.contains("here on br1"), "{shown}");
}

#[test]
fn a_shared_subnet_needs_an_address_of_ours() {
    let text =
        two(("br1", "shared = \"x\""), ("br1", "shared = \"x\"")).replace("10.79.", "10.80.");
    let shown = read(&text).unwrap_err();
    assert!(shown.contains("br1 has no address in 10.80.0.0/24"), "{shown}");
    assert!(shown.contains("ip addr add 10.80.0.1/24 dev br1"), "{shown}");
}

#[test]
fn a_second_subnet_behind_a_relay_needs_none() {
    let text =
        two(("br0", "shared = \"far\"\nrelays = [\"10.78.0.254\"]"), ("br0", "shared = \"far\""));
    let networks = settings(&text).networks;
    assert!(networks.iter().all(|n| n.server.to_string() == "10.77.0.1"));
}

#[test]
fn a_word_that_nobody_else_says_is_noted() {
    let text = two(("br1", "shared = \"office\""), ("br0", "")).replace("10.79.", "10.77.");
    let notes = read(&text).unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("\"office\": no other network")), "{notes:?}");
}
