//! Machines that still ask by the names of matchbox, Cobbler and pixiecore: curl is the machine.

mod common;

use common::{Guard, LAB, Server, inside, netboot, root};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const MAC: &str = "52:54:00:77:00:01";

/// Status, media type and text of what somebody gets.
fn get(process: u32, name: &str) -> (String, String, String) {
    let url = format!("http://10.77.0.1/{name}");
    let out = inside(process, "curl").args(["-s", "-i", &url]).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{name}: {text}"));
    let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let media = head.lines().find_map(|line| line.strip_prefix("Content-Type: "));
    (status, media.unwrap_or_default().to_owned(), body.to_owned())
}

#[test]
fn machines_that_ask_as_they_asked_another_server_are_answered() {
    if !root() {
        return;
    }
    let Some(server) = Server::start_with(LAB) else { return };
    let machine = server.machine(MAC);
    let (at, here) = (machine.0.id(), server.child.id());
    let folder = netboot(server.folder.path());
    server.says(&["image", "import", &folder, "--name", "netinst"]);
    let text = "d-i lab/name string {{ machine.name }}\n";
    let add = server.run_with(&["template", "add", "lab.preseed", "-"], text);
    assert!(add.status.success(), "{add:?}");
    let profile = ["profile", "add", "lab", "--image", "netinst", "--template", "lab"];
    server.says(&profile);
    server.says(&["machine", "set", MAC, "--name", "lab-01", "--label", "room=3 b"]);
    server.says(&["machine", "approve", "lab-01"]);

    // Before it has a plan, and while it has one.
    let boot = format!("v1/boot/{MAC}");
    assert_eq!(get(here, &boot).0, "404");
    server.says(&["machine", "set", "lab-01", "--profile", "lab"]);
    let (status, media, body) = get(here, &boot);
    assert_eq!((status.as_str(), media.as_str()), ("200", "application/json"), "{body}");
    let spec: serde_json::Value = serde_json::from_str(&body).unwrap();
    let kernel = spec["kernel"].as_str().unwrap();
    assert_eq!(get(at, kernel.strip_prefix("http://10.77.0.1/").unwrap()).0, "200", "{kernel}");
    assert!(spec["cmdline"].as_str().unwrap().contains("BOOTIF=01-52-54-00-77-00-01"), "{body}");

    let matchbox = "uuid=&mac=52-54-00-77-00-01&domain=&hostname=&serial=";
    let (_, media, metadata) = get(at, &format!("metadata?{matchbox}"));
    let expected = "NAME=lab-01\nMAC=52:54:00:77:00:01\nIP=10.77.0.150\n\
                    REQUEST_QUERY_MAC=52:54:00:77:00:01\nROOM='3 b'\n";
    assert_eq!((media.as_str(), metadata.as_str()), ("text/plain", expected));
    let nothing = get(here, "answer/0000/preseed.cfg");
    let named = format!("metadata?{matchbox}");
    assert_eq!(get(here, &named), nothing, "who only says so reads nothing");
    let script = get(at, &format!("ipxe?{matchbox}"));
    assert_eq!(script, get(at, &format!("boot.ipxe?mac={MAC}")));
    assert_eq!(script, get(at, "cblr/svc/op/ipxe/system/lab-01"));
    assert!(script.2.starts_with("#!ipxe\n") && script.2.contains("/linux "), "{script:?}");

    // Armed: the first name it asks by is as good as any.
    let autoinstall = "cblr/svc/op/autoinstall/system/lab-01";
    let unarmed = get(at, autoinstall);
    server.says(&["machine", "deploy", "lab-01", "--profile", "lab", "--disk", "size:1G..2T"]);
    let armed = get(at, autoinstall);
    assert_eq!((&unarmed, &armed), (&nothing, &nothing), "it has not asked for its script");
    assert_eq!(get(here, &boot), nothing);
    assert!(get(at, &format!("ipxe?{matchbox}")).2.contains("/answer/"));
    assert_eq!(get(here, &format!("generic?{matchbox}")), nothing);
    let (status, _, answers) = get(at, autoinstall);
    assert_eq!((status.as_str(), answers.as_str()), ("200", "d-i lab/name string lab-01\n"));
    assert_eq!(get(at, &format!("generic?{matchbox}")).2, answers, "a repeated download");
    assert_eq!(get(at, &format!("ignition?{matchbox}")), nothing, "no template makes it");
    let shown = server.says(&["machine", "show", "lab-01"]);
    assert!(shown.contains("under way"), "{shown}");
    assert_eq!(server.stop(), Some(0));
}

/// A web server whose files are the answers of pixiecore's API.
fn api(server: &Server) -> Guard {
    let folder = server.folder.path().join("api");
    std::fs::create_dir_all(folder.join("v1/boot")).unwrap();
    let mut command = server.inside("python3");
    command.args(["-u", "-m", "http.server", "--bind", "10.77.0.1", "8080"]).current_dir(&folder);
    let mut api = Guard(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut there = String::new();
    BufReader::new(api.0.stdout.take().unwrap()).read_line(&mut there).unwrap();
    assert!(there.starts_with("Serving"), "{there}");
    api
}

#[test]
fn another_server_says_what_machines_boot_that_no_rule_leads() {
    if !root() {
        return;
    }
    let config = format!("{LAB}\n[boot]\nask = \"http://10.77.0.1:8080\"\n");
    let Some(server) = Server::start_with(&config) else { return };
    let machine = server.machine(MAC);
    let at = machine.0.id();
    let script = || get(at, &format!("boot.ipxe?mac={MAC}")).2;

    let silent = script();
    assert!(silent.contains("was asked without success"), "{silent}");
    assert!(silent.contains("menu Bootwright"), "{silent}");

    let api = api(&server);
    let answer = r#"{"kernel": "/vmlinuz", "cmdline": "console=ttyS0 cfg={{ URL \"/c\" }}"}"#;
    std::fs::write(server.folder.path().join("api/v1/boot").join(MAC), answer).unwrap();
    let kernel = "kernel http://10.77.0.1:8080/vmlinuz console=ttyS0 cfg=http://10.77.0.1:8080/c ";
    // A failure holds for a moment.
    let mut tries = 0;
    loop {
        let script = script();
        if script.lines().any(|line| line.starts_with(kernel)) {
            break;
        }
        tries += 1;
        assert!(tries < 20, "{script}");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }

    let other = get(at, "boot.ipxe?mac=52:54:00:77:00:02").2;
    assert!(other.contains("http://10.77.0.1:8080 was asked and has nothing for it"), "{other}");
    drop(api);
    assert_eq!(server.stop(), Some(0));
}
