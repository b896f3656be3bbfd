//! What an operator says of the quirks of a machine, by command and by document.

mod common;

use common::Server;

#[test]
fn quirks_are_listed_said_by_hand_and_taken_back() {
    let Some(server) = Server::start() else { return };
    let mac = "52:54:00:77:00:01";
    let set = |quirk: &str| server.says(&["machine", "set", mac, "--quirk", quirk]);

    let all = server.says(&["quirk", "list"]);
    assert!(all.contains("quirk-07") && all.contains("quirk-99"), "{all}");
    let switched = server.says(&["quirk", "list", "--switched"]);
    assert!(switched.contains("needs-broadcast") && !switched.contains("quirk-99"), "{switched}");
    let shown = server.says(&["quirk", "show", "48"]);
    assert!(shown.contains("--quirk needs-broadcast=on|off|auto"), "{shown}");
    assert!(shown.contains("GNS3/vpcs#47"), "{shown}");

    assert!(set("quirk-48=on").contains("quirk-48 needs-broadcast is on"));
    let machine = server.says(&["machine", "show", mac]);
    assert!(machine.contains("needs-broadcast=on"), "{machine}");
    let explained = server.says(&["explain", mac, "--arch", "x64-uefi"]);
    assert!(explained.contains("needs-broadcast: the reply is broadcast"), "{explained}");
    assert!(explained.contains("because an operator says so"), "{explained}");
    set("needs-broadcast=auto");
    assert!(!server.says(&["machine", "show", mac]).contains("needs-broadcast"));

    for (quirk, why) in [
        ("needs-brodcast=on", "did you mean needs-broadcast?"),
        ("seven-and-nine=off", "done for everybody"),
        ("needs-broadcast=yes", "on, off or auto"),
        ("needs-broadcast", "write it like needs-broadcast=on"),
    ] {
        let (_, said) = server.fails(&["machine", "set", mac, "--quirk", quirk]);
        assert!(said.contains(why), "{quirk}: {said}");
    }
    let (_, said) = server.fails(&["quirk", "show", "needs-brodcast"]);
    assert!(said.contains("did you mean needs-broadcast?"), "{said}");
    assert_eq!(server.says(&["quirk", "export"]), "");
    assert_eq!(server.says(&["quirk", "export", "--json"]), "[]\n");
}

#[test]
fn a_document_says_quirks_too() {
    let Some(server) = Server::start() else { return };
    let document = server.folder.path().join("quirks.toml");
    let write = |pin: &str| {
        let text = format!("[[machine]]\nmac = \"52:54:00:77:00:01\"\nquirks = {{ {pin} }}\n");
        std::fs::write(&document, text).unwrap();
    };
    let path = document.to_str().unwrap();
    write("needs-unicast = \"on\"");
    server.says(&["apply", "-f", path]);
    assert!(server.says(&["machine", "show", "52:54:00:77:00:01"]).contains("needs-unicast=on"));
    assert_eq!(server.says(&["apply", "-f", path]), "nothing differs from what is there\n");
    write("needs-unicast = true");
    let (_, why) = server.fails(&["apply", "-f", path]);
    assert!(why.contains("is \"on\", \"off\" or \"auto\", not a boolean"), "{why}");
}
