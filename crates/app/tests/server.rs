//! The program as an operator uses it: a server in a network namespace of its own, and commands.

mod common;

use common::{BINARY, Guard, LAB, Server, run};
use std::path::{Path, PathBuf};
use std::process::Command;

fn image(folder: &Path) -> PathBuf {
    let image = folder.join("files");
    std::fs::create_dir(&image).unwrap();
    std::fs::write(image.join("readme.txt"), "hello").unwrap();
    image
}

#[test]
fn an_operator_s_first_hour() {
    let Some(server) = Server::start() else { return };
    let status = server.says(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["server_name"], "lab");

    let files = image(server.folder.path());
    let path = files.to_str().unwrap();
    server.says(&["image", "import", path, "--name", "tools", "--dry-run"]);
    assert_eq!(server.says(&["image", "list"]), "", "a dry run publishes nothing");
    server.says(&["image", "import", path, "--name", "tools"]);
    assert!(server.says(&["image", "list"]).contains("tools"));
    assert!(server.says(&["image", "verify"]).contains("good"));
    let scrubbed = server.says(&["image", "scrub", "--rate", "500"]);
    assert!(scrubbed.contains("read, 0 wrong"), "{scrubbed}");

    server.says(&["profile", "add", "p", "--image", "tools", "--args", "-x console=ttyS0"]);
    let (code, why) = server.fails(&["profile", "add", "p", "--image", "tools"]);
    assert_eq!(code, 4, "{why}");
    server.says(&["rule", "add", "--profile", "p"]);
    server.says(&["rule", "add", "--profile", "p", "--arch", "arm64-uefi", "--label", "room=3"]);
    let rules = server.says(&["rule", "list"]);
    let first = rules.lines().nth(1).unwrap();
    assert!(first.contains("arch=arm64-uefi, label:room=3"), "the more demanding first: {rules}");
    let told = server.says(&["explain", "52-54-00-77-00-01", "--arch", "x86-bios"]);
    assert!(told.contains("matches everybody"), "{told}");

    let (code, why) = server.fails(&["rule", "remove", "1", "2"]);
    assert_eq!((code, why.contains("--yes")), (4, true), "{why}");
    server.says(&["rule", "remove", "1", "2", "--yes"]);
    server.says(&["profile", "remove", "p", "--yes"]);
    server.says(&["image", "remove", "tools", "--yes"]);

    let (code, why) = server.fails(&["rule", "add", "--profile", "p", "--arch", "x64"]);
    assert_eq!((code, why.contains("x64-uefi")), (2, true), "{why}");
    assert_eq!(server.fails(&["machine", "show", "nobody"]).0, 4);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_boot_can_be_looked_at_and_drawn() {
    let Some(server) = Server::start() else { return };
    let machine = "52:54:00:77:00:09";
    let (code, why) = server.fails(&["boot", "show", machine]);
    assert_eq!((code, why.contains("no boot of")), (4, true), "{why}");
    assert_eq!(server.says(&["boot", "list"]), "");

    let url = format!("http://10.77.0.1/boot.ipxe?mac={machine}&arch=x86_64&platform=efi");
    run(server.inside("curl").args(["-sf", "-o", "/dev/null", &url]));

    let list = server.says(&["boot", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let boot = list[0]["id"].as_str().unwrap();
    assert_eq!(
        (list[0]["machine"].as_str(), list[0]["furthest"].as_str()),
        (Some(machine), Some("script"))
    );
    assert!(server.says(&["boot", "list"]).contains(boot));
    server.says(&["machine", "set", machine, "--name", "pc-9"]);
    let shown = server.says(&["boot", "show", "pc-9"]);
    assert!(shown.starts_with(&format!("boot {boot} of {machine} (pc-9): ")), "{shown}");
    assert!(shown.contains("iPXE script: "), "{shown}");
    assert_eq!(server.says(&["boot", "show", boot]), shown);
    assert_eq!(server.says(&["machine", "show", "pc-9", "--boots"]), shown);
    let drawn = server.says(&["boot", "show", boot, "--svg"]);
    assert!(drawn.starts_with("<svg xmlns=") && drawn.trim_end().ends_with("</svg>"), "{drawn}");
    let all = server.says(&["machine", "show", machine, "--boots", "--json"]);
    assert!(all.contains(boot) && all.contains("\"kind\": \"script\""), "{all}");
}

#[test]
fn a_file_on_its_way_can_be_looked_at_and_is_counted() {
    let Some(server) = Server::start() else { return };
    let folder = image(server.folder.path());
    std::fs::write(folder.join("initrd"), vec![7; 64 << 20]).unwrap();
    server.says(&["image", "import", folder.to_str().unwrap(), "--name", "files"]);
    assert!(server.says(&["transfer", "list", "--json"]).contains("\"now\": []"));

    let url = "http://10.77.0.1/image/files/1/initrd";
    let limit = ["-s", "--limit-rate", "2M", "-o", "/dev/null", url];
    let slow = Guard(server.inside("curl").args(limit).spawn().unwrap());
    let seen = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let said = server.says(&["transfer", "list"]);
        said.contains("image/files/1/initrd").then_some(said)
    });
    drop(slow);
    let seen = seen.expect("the transfer is listed");
    assert!(seen.contains("HTTP") && seen.contains("10.77.0.1") && seen.contains('['), "{seen}");

    let socket = server.folder.path().join("state/bootwright.sock");
    let numbers = || {
        let asked = Command::new("curl")
            .args(["-s", "--unix-socket", socket.to_str().unwrap(), "http://localhost/metrics"])
            .output();
        String::from_utf8(asked.unwrap().stdout).unwrap()
    };
    let failed = (0..100).map(|_| numbers()).find(|numbers| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        numbers.contains("bootwright_transfers_failed_total{by=\"http\"} 1")
    });
    let numbers = failed.expect("a transfer that was broken off is counted");
    assert!(numbers.contains("bootwright_transfers_running{by=\"http\"} 0"), "{numbers}");
    assert!(numbers.contains("bootwright_http_requests_total 1"), "{numbers}");
}

#[test]
fn machines_are_named_and_approved_in_sets() {
    let Some(server) = Server::start() else { return };
    for (mac, name) in [("525400770001", "lab-01"), ("5254.0077.0002", "lab-02")] {
        server.says(&["machine", "set", mac, "--name", name, "--label", "room=3"]);
    }
    assert_eq!(server.says(&["machine", "approve", "lab-01..02"]).lines().count(), 2);
    server.says(&["machine", "block", "label:room=3"]);
    let list = server.says(&["machine", "list", "--in-state", "blocked", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[0]["mac"], "52:54:00:77:00:01");
}

#[test]
fn a_reload_is_whole_or_not_at_all() {
    let Some(server) = Server::start() else { return };
    std::fs::write(server.config(), LAB.replace("\"lab\"", "\"other\"")).unwrap();
    assert!(server.says(&["reload", "--dry-run"]).contains("lab → other"));
    assert!(server.says(&["status"]).contains("lab"));
    server.says(&["reload"]);
    assert!(server.says(&["status"]).contains("other"));

    std::fs::write(server.config(), LAB.replace("pool", "pol")).unwrap();
    let (code, why) = server.fails(&["reload"]);
    assert_eq!((code, why.contains("did you mean `pool`")), (4, true), "{why}");
    server.signal(nix::sys::signal::Signal::SIGHUP);
    assert!(server.says(&["status"]).contains("10.77.0.100-10.77.0.199"));
}

#[test]
fn the_menu_s_password_is_set_and_never_shown() {
    let Some(server) = Server::start() else { return };
    let tools = server.folder.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    std::fs::write(tools.join("readme"), "nothing to boot").unwrap();
    server.says(&["image", "import", tools.to_str().unwrap(), "--name", "tools"]);
    let disk = ["menu", "set", "--add", "disk", "--local-disk", "--locked", "--password"];
    assert!(!server.run_with(&disk, "secret\n").status.success(), "the way out is always open");
    let locked = ["menu", "set", "--add", "rescue", "--image", "tools", "--locked", "--password"];
    assert!(server.run_with(&locked, "secret\n").status.success());
    assert!(server.says(&["menu", "show"]).contains("password: set"));
    let file = server.folder.path().join("menu.toml");
    let text =
        "default = \"d\"\n[[entries]]\nkey = \"d\"\ntitle = \"D\"\nchoice = \"local-disk\"\n";
    std::fs::write(&file, text).unwrap();
    server.says(&["menu", "set", "-f", file.to_str().unwrap()]);
    let shown = server.says(&["menu", "show", "--json"]);
    let menu: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&menu["default"], &menu["password_set"]), (&"d".into(), &true.into()));
    std::fs::write(&file, text.replace("title", "titel")).unwrap();
    assert_eq!(server.fails(&["menu", "set", "-f", file.to_str().unwrap()]).0, 1);
    assert!(!shown.contains("secret") && !shown.contains("pbkdf2"), "{shown}");
    server.says(&["menu", "set", "--no-password"]);
    assert!(server.says(&["menu", "show"]).contains("password: not set"));
}

#[test]
fn without_a_server_the_exit_code_is_three_and_says_how_to_start_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(BINARY).args(["status", "--state"]).arg(folder.path()).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("bootwright serve"));
}

#[test]
fn a_faulty_file_keeps_the_server_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("lab.toml");
    std::fs::write(&config, "[[network]]\ninterfase = \"br0\"\n").unwrap();
    for command in ["check", "serve"] {
        let output =
            Command::new(BINARY).args([command, "--config"]).arg(&config).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(err.contains("lab.toml:2:1") && err.contains("did you mean `interface`"), "{err}");
    }
}

#[test]
fn completion_and_manual_are_made() {
    let says = |args: &[&str]| Command::new(BINARY).args(args).output().unwrap().stdout;
    assert!(String::from_utf8_lossy(&says(&["completion", "bash"])).contains("bootloader"));
    assert!(String::from_utf8_lossy(&says(&["man"])).contains("bootwright"));
}

/// What another server gave, on this server's network and beside it.
const DNSMASQ: &str = "\
4102444800 52:54:00:77:0a:01 10.77.0.120 lab-01 01:52:54:00:77:0a:01
0 52:54:00:77:0a:02 10.77.0.121 * *
1000000000 52:54:00:77:0a:03 10.77.0.122 gone *
4102444800 52:54:00:77:0a:04 10.99.0.1 elsewhere *
4102444800 nonsense 10.77.0.123 * *
";

#[test]
fn leases_of_another_server_are_taken_over_once() {
    let Some(server) = Server::start() else { return };
    let file = server.folder.path().join("dnsmasq.leases");
    std::fs::write(&file, DNSMASQ).unwrap();
    let path = file.display().to_string();
    let import = ["import-from", "dnsmasq", &path];

    let would = server.says(&[&import[..], &["--dry-run"]].concat());
    assert!(would.contains("leases: 4 found; 3 would be taken over (1 of them ended"), "{would}");
    assert_eq!(server.says(&["lease", "list", "--json"]).trim(), "[]");

    let says = server.says(&import);
    assert!(says.contains("3 taken over"), "{says}");
    assert!(says.contains("dnsmasq.leases:4: lease 10.99.0.1 of 52:54:00:77:0a:04: no network"));
    assert!(says.contains("dnsmasq.leases:5: ") && says.contains("is no MAC"), "{says}");
    let bound = server.says(&["lease", "list", "--in-state", "bound", "--network", "br0"]);
    assert!(bound.contains("10.77.0.121") && bound.contains("for ever"), "{bound}");
    assert!(!bound.contains("10.77.0.122"), "{bound}");
    let expired = server.says(&["lease", "list", "--in-state", "expired"]);
    assert!(expired.contains("10.77.0.122"), "{expired}");

    // Again: everything is there. And what contradicts it stays out.
    let again = server.says(&[&import[..], &["--json"]].concat());
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["leases"]["already_there"], 3, "{again}");
    std::fs::write(&file, "4102444800 52:54:00:77:0a:99 10.77.0.120 thief *\n").unwrap();
    let other = server.says(&import);
    assert!(other.contains("1 contradicting"), "{other}");
    assert!(other.contains(":1: lease 10.77.0.120 of 52:54:00:77:0a:99: 52:54:00:77:0a:01 has it"));

    std::fs::write(&file, "nothing of the kind\n").unwrap();
    let (code, why) = server.fails(&import);
    assert_eq!(code, 1);
    assert!(why.contains("no lease, no reservation"), "{why}");
    let (code, why) = server.fails(&["import-from", "dnsmasq", "/dev/zero"]);
    assert_eq!(code, 1, "{why}");

    // The end of a lease.
    let (code, why) = server.fails(&["lease", "release", "10.77.0.120"]);
    assert_eq!(code, 4);
    assert!(why.contains("--yes"), "{why}");
    let says = server.says(&["lease", "release", "10.77.0.120", "52:54:00:77:0a:02", "--yes"]);
    assert!(says.contains("10.77.0.120") && says.contains("10.77.0.121"), "{says}");
    assert_eq!(server.says(&["lease", "list", "--in-state", "bound"]).trim(), "");
    let history = server.says(&["lease", "show", "10.77.0.120", "--history", "--json"]);
    assert!(history.contains("released"), "{history}");
}

#[test]
fn addresses_are_reserved_by_mac_client_id_uuid_and_port() {
    let Some(server) = Server::start() else { return };
    let mac = "52:54:00:77:0a:01";
    let add = |words: &[&str]| server.says(&[&["reservation", "add"], words].concat());
    add(&["10.77.0.10", "--mac", mac, "--name", "lab-01"]);
    add(&["10.77.0.11", "--client-id", "01:02:03"]);
    add(&["10.77.0.12", "--uuid", "00112233-4455-6677-8899-aabbccddeeff"]);
    add(&["10.77.0.13", "--circuit", "ge-0/0/1", "--relay", "10.80.0.1"]);
    let would = add(&["10.77.0.14", "--mac", "52:54:00:77:0a:02", "--dry-run"]);
    assert!(would.contains("would be done"), "{would}");
    let list = server.says(&["reservation", "list"]);
    for word in [mac, "lab-01", "UUID 00112233", "circuit ge-0/0/1 behind 10.80.0.1", "br0"] {
        assert!(list.contains(word), "{word}:\n{list}");
    }
    assert!(!list.contains("10.77.0.14"), "{list}");
    let (code, why) = server.fails(&["reservation", "add", "10.77.0.10", "--client-id", "text:x"]);
    assert_eq!(code, 4, "{why}");
    let (code, _) = server.fails(&["reservation", "add", "10.77.0.10"]);
    assert_eq!(code, 2);
    server.says(&["machine", "set", mac, "--name", "lab-01", "--option", "ntp-servers=10.77.0.1"]);
    let shown = server.says(&["machine", "show", "lab-01"]);
    assert!(shown.contains("10.77.0.10") && shown.contains("ntp-servers=10.77.0.1"), "{shown}");
    server.says(&["machine", "set", "lab-01", "--no-option", "ntp-servers"]);
    assert!(!server.says(&["machine", "show", "lab-01"]).contains("ntp-servers"));

    // Those of other servers, beside those.
    let hosts = server.folder.path().join("hosts.conf");
    let text = format!(
        "dhcp-host={mac},10.77.0.10\ndhcp-host=52:54:00:77:0a:05,10.77.0.10\n\
                        dhcp-host=52:54:00:77:0a:06,10.77.0.16,kiosk\n\
                        dhcp-host=52:54:00:77:0a:07,10.99.0.1\n\
                        dhcp-host=52:54:00:77:0a:08,10.77.0.11\n"
    );
    std::fs::write(&hosts, text).unwrap();
    let says = server.says(&["import-from", "dnsmasq", &hosts.display().to_string(), "--json"]);
    let report: serde_json::Value = serde_json::from_str(&says).unwrap();
    let sum = &report["reservations"];
    assert_eq!((&sum["found"], &sum["taken_over"]), (&4.into(), &1.into()), "{says}");
    assert_eq!((&sum["already_there"], &sum["outside"]), (&1.into(), &1.into()), "{says}");
    assert_eq!(sum["contradicting"], 1, "{says}");
    assert!(server.says(&["reservation", "list"]).contains("kiosk"));

    server.says(&["reservation", "remove", "10.77.0.10", "--yes"]);
    assert!(!server.says(&["reservation", "list"]).contains("10.77.0.10 "));
}
