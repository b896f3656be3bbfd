//! Operators as they meet the program: the first link, users, tokens over TCP, the audit log.

mod common;

use common::{BINARY, LAB, Server};
use std::process::{Command, Output};

/// The command as somebody runs it on the server's own host without its socket.
fn by_net(server: &Server, token: &str, args: &[&str]) -> Output {
    server
        .inside(BINARY)
        .args(["--server", "http://127.0.0.1:7070"])
        .args(args)
        .env("BOOTWRIGHT_TOKEN", token)
        .output()
        .unwrap()
}

fn told(output: &Output) -> (Option<i32>, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn an_operator_is_added_gets_a_token_and_what_he_did_is_in_the_log() {
    let Some(server) = Server::start() else { return };
    let weak = server.run_with(&["user", "add", "oscar", "--role", "operator"], "short\n");
    assert_eq!(weak.status.code(), Some(2), "{}", told(&weak).1);
    let add = ["user", "add", "oscar", "--role", "operator", "--scope", "room=3"];
    let added = server.run_with(&add, "a canary password\n");
    assert!(added.status.success(), "{}", told(&added).1);
    assert!(server.says(&["user", "list"]).contains("room=3"));
    for (mac, room) in [("525400770003", "room=3"), ("525400770004", "room=4")] {
        server.says(&["machine", "set", mac, "--label", room]);
    }

    let token = server.says(&["token", "add", "ci", "--role", "operator", "--scope", "room=3"]);
    let token = token.trim();
    assert!(token.starts_with("bwt_"), "{token}");
    let (code, text) = told(&by_net(&server, token, &["machine", "list"]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("52:54:00:77:00:03") && !text.contains("52:54:00:77:00:04"), "{text}");
    assert_eq!(
        by_net(&server, token, &["machine", "block", "525400770003"]).status.code(),
        Some(0)
    );
    assert_eq!(
        by_net(&server, token, &["machine", "block", "525400770004"]).status.code(),
        Some(4)
    );
    assert_eq!(by_net(&server, token, &["rule", "list"]).status.code(), Some(4));
    let (code, text) = told(&by_net(&server, "", &["machine", "list"]));
    assert_eq!((code, text.contains("BOOTWRIGHT_TOKEN")), (Some(4), true), "{text}");

    let log = server.says(&["audit", "list", "--machine", "525400770003"]);
    assert!(log.contains("(token ci, ") && log.contains("is blocked"), "{log}");
    let ids = server.says(&["token", "list", "--json"]);
    let ids: serde_json::Value = serde_json::from_str(&ids).unwrap();
    let id = ids[0]["id"].as_str().unwrap();
    server.says(&["token", "revoke", id, "--yes"]);
    assert_eq!(by_net(&server, token, &["machine", "list"]).status.code(), Some(4));

    let whole = server.says(&["audit", "verify"]);
    assert!(whole.contains("records, whole"), "{whole}");
    let export = server.folder.path().join("audit.jsonl");
    server.says(&["audit", "export", export.to_str().unwrap()]);
    let text = std::fs::read_to_string(&export).unwrap();
    assert!(text.lines().count() >= 6, "{text}");
    assert!(!text.contains("canary") && !text.contains(token) && !text.contains("$argon2id"));
    let kept = std::fs::read(server.folder.path().join("state/bootwright.db-wal"));
    assert!(!String::from_utf8_lossy(&kept.unwrap()).contains("canary password"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_port_beyond_this_host_takes_tls() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("lab.toml");
    std::fs::write(&config, format!("{LAB}\n[admin]\nlisten = \"0.0.0.0:7070\"\n")).unwrap();
    let script = "set -e; ip link set lo up; ip link add br0 type veth peer name br1; \
                  ip addr add 10.77.0.1/24 dev br0; ip link set br0 up; ip link set br1 up; \
                  exec \"$0\" serve --config \"$1\"";
    let root = nix::unistd::Uid::effective().is_root();
    let output = Command::new("unshare")
        .args(if root { ["--net"].as_slice() } else { ["--net", "--map-root-user"].as_slice() })
        .args(["sh", "-c", script, BINARY])
        .arg(&config)
        .env("BOOTWRIGHT_STATE", folder.path().join("state"))
        .output()
        .unwrap();
    let (code, text) = told(&output);
    if !text.contains("error: ") {
        eprintln!("SKIPPED: no network namespace to be had here: {text}");
        return;
    }
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("takes TLS") && text.contains("bootwright tls init"), "{text}");
}
