//! Documents and lists of machines, as an operator applies them.

mod common;

use common::Server;
use std::path::{Path, PathBuf};

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

const LAB: &str = r#"
[[profile]]
name = "tools"
image = "tools"

[[rule]]
conditions = { arch = "x64-uefi" }
profile = "tools"

[[machine]]
mac = "52:54:00:77:00:01"
name = "lab-01"
state = "approved"
labels = { room = "3" }

[[machine]]
mac = "52:54:00:77:00:02"
name = "lab-02"
"#;

#[test]
fn a_document_is_applied_shown_and_pruned() {
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    let files = folder.join("files");
    std::fs::create_dir(&files).unwrap();
    write(&files, "readme.txt", "hello");
    let document = write(folder, "doc.toml", LAB);
    let document = document.to_str().unwrap();

    let (code, why) = server.fails(&["apply", "-f", document]);
    assert_eq!(
        (code, why.contains("doc.toml:2:1: profile tools: there is no image")),
        (4, true),
        "{why}"
    );
    server.says(&["image", "import", files.to_str().unwrap(), "--name", "tools"]);
    let would = server.says(&["apply", "-f", document, "--dry-run"]);
    assert!(would.starts_with("would be done: 4 added"), "{would}");
    assert_eq!(server.says(&["machine", "list"]), "", "a dry run changes nothing");
    let done = server.says(&["apply", "-f", document]);
    assert_eq!(format!("would be done: {done}"), would);
    let again = server.says(&["apply", "-f", document, "--prune"]);
    assert_eq!(again, "nothing differs from what is there\n");

    let (less, _) = LAB.rsplit_once("[[machine]]").unwrap();
    let less = write(folder, "less.toml", less);
    let less = less.to_str().unwrap();
    let (code, why) = server.fails(&["apply", "-f", less, "--prune"]);
    assert_eq!((code, why.contains("- machine lab-02")), (4, true), "{why}");
    server.says(&["apply", "-f", less, "--prune", "--yes"]);
    assert_eq!(server.fails(&["machine", "show", "lab-02"]).0, 4);

    let wrong = write(folder, "wrong.toml", "[[machine]]\nmack = \"x\"\n");
    let (code, why) = server.fails(&["apply", "-f", wrong.to_str().unwrap()]);
    assert_eq!((code, why.contains("did you mean `mac`?")), (2, true), "{why}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn many_machines_are_added_by_one_request() {
    let Some(server) = Server::start() else { return };
    let mut list = "mac,name,label:room\n".to_owned();
    for n in 1..=100 {
        list.push_str(&format!("52:54:00:77:01:{n:02x},r-{n},3\n"));
    }
    let list = write(server.folder.path(), "rack.csv", &list);
    let list = list.to_str().unwrap();
    let done = server.says(&["machine", "add", "--from", list, "--approve"]);
    assert!(done.starts_with("100 added, 0 changed, 0 removed"), "{done}");
    let again = server.says(&["machine", "add", "--from", list, "--approve"]);
    assert_eq!(again, "nothing differs from what is there\n");
    let (code, _) = server.fails(&["machine", "add", "52:54:00:77:02:01", "--name", "r-1"]);
    assert_eq!(code, 4);
    let many = |n: u32| {
        let [_, a, b, c] = n.to_be_bytes();
        format!("[[machine]]\nmac = \"02:77:00:{a:02x}:{b:02x}:{c:02x}\"\nname = \"m-{n}\"\n")
    };
    let document: String = (0..10_000).map(many).collect();
    let document = write(server.folder.path(), "many.toml", &document);
    let done = server.says(&["apply", "-f", document.to_str().unwrap()]);
    assert!(done.starts_with("10000 added"), "{}", done.lines().next().unwrap_or_default());
    assert!(server.says(&["machine", "list"]).lines().count() > 10_100);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn settings_of_another_server_are_written_down_and_applied() {
    let Some(server) = Server::start() else { return };
    let folder = server.folder.path();
    let theirs = folder.join("collections");
    for (name, text) in [
        ("distros/d.json", r#"{"name": "d", "kernel": "/x/linux", "initrd": "/x/initrd.gz"}"#),
        ("profiles/p.json", r#"{"name": "P", "distro": "d", "kernel_options": "quiet"}"#),
        (
            "systems/s.json",
            r#"{"name": "s", "profile": "P", "netboot_enabled": true, "interfaces":
                {"eth0": {"mac_address": "52:54:00:77:0e:01", "ip_address": "10.77.0.41"}}}"#,
        ),
    ] {
        let path = theirs.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let theirs = theirs.to_str().unwrap();
    let out = folder.join("out");
    let out = out.to_str().unwrap();
    let import = ["import-from", "cobbler", theirs, "--write", out];
    let would = server.says(&[import.as_slice(), &["--dry-run"]].concat());
    assert!(would.contains("would be written: ") && !Path::new(out).exists(), "{would}");
    let said = server.says(&import);
    assert!(
        said.contains("settings: 1 machines, 1 profiles") && said.contains("not sent: 0 leases, 1"),
        "{said}"
    );
    let (code, why) = server.fails(&import);
    assert_eq!((code, why.contains("declared.toml is there already")), (4, true), "{why}");

    let files = folder.join("files");
    std::fs::create_dir(&files).unwrap();
    write(&files, "readme.txt", "hello");
    server.says(&["image", "import", files.to_str().unwrap(), "--name", "d"]);
    let document = format!("{out}/declared.toml");
    let done = server.says(&["apply", "-f", &document]);
    assert!(done.starts_with("2 added"), "{done}");
    let sent = server.says(&["import-from", "cobbler", theirs]);
    assert!(sent.contains("reservations: 1 found; 1 taken over"), "{sent}");
    assert!(server.says(&["machine", "show", "s"]).contains("10.77.0.41"));
    assert_eq!(server.stop(), Some(0));
}
