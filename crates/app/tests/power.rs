//! Power as an operator meets it: a server in a network namespace of its own, beside it
//! `sushy-emulator` of sushy-tools as a BMC, and an ear on the link for magic packets.

mod common;

use common::{Guard, LAB, Server, run, skipped};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MAC: &str = "00:5c:52:31:3a:9c";
const PASSWORD: &str = "sushi-4-all";
/// The password as the emulator wants it (bcrypt, made by its own library).
const HASH: &str = "$2b$04$C5c7nOwFnUacTIHvp/QbPu07qhito3BYxhg3Squ9bSw7.zKLMWWqe";
const PORT: u16 = 8443;
/// Its settings are Python. A change of power takes no time here.
const SETTINGS: &str = "
import random
random.randint = lambda least, most: 0
SUSHY_EMULATOR_LISTEN_IP = '127.0.0.1'
SUSHY_EMULATOR_FAKE_DRIVER = True
SUSHY_EMULATOR_FAKE_SYSTEMS = [{'uuid': '27946b59-9e44-4fa7-8e91-f3527a1ef094', 'name': 'one',
  'power_state': 'Off', 'nics': [{'mac': '00:5c:52:31:3a:9c', 'ip': '172.22.0.100'}]}]
";
/// Prints every frame of the link that has a magic packet, and says first that it hears.
const EAR: &str = r#"
import socket, sys
ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
ear.bind(("br1", 0))
ear.settimeout(20)
print("hears", flush=True)
mac = bytes.fromhex(sys.argv[1])
for _ in range(int(sys.argv[2])):
    while True:
        frame = ear.recv(2048)
        if b"\xff" * 6 + mac * 16 in frame:
            break
    ip = frame[14:]
    print(".".join(map(str, ip[16:20])), int.from_bytes(ip[22:24], "big"), frame[-6:].hex(), flush=True)
"#;

fn emulator() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("BOOTWRIGHT_SUSHY") {
        return Some(named.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let found =
        Some(root.join("target/sushy/bin/sushy-emulator")).filter(|program| program.exists());
    if found.is_none() {
        skipped("it needs sushy-tools from PyPI: ./x test makes target/sushy");
    }
    found
}

/// A BMC in the server's namespace, with a certificate of its own, by name.
fn bmc(server: &Server, program: &Path, certificate: &str) -> Guard {
    let path = |name: &str| server.folder.path().join(name).display().to_string();
    let (pem, key) = (path(&format!("{certificate}.pem")), path(&format!("{certificate}.key")));
    let mut make = Command::new("openssl");
    make.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bmc"]);
    make.args(["-out", &pem, "-keyout", &key]);
    run(&mut make);
    std::fs::write(path("users"), format!("operator:{HASH}\n")).unwrap();
    let state = path("bmc");
    std::fs::create_dir_all(&state).unwrap();
    let settings = format!(
        "{SETTINGS}SUSHY_EMULATOR_LISTEN_PORT = {PORT}\nSUSHY_EMULATOR_STATE_DIR = '{state}'\n\
         SUSHY_EMULATOR_AUTH_FILE = '{}'\nSUSHY_EMULATOR_SSL_CERT = '{pem}'\n\
         SUSHY_EMULATOR_SSL_KEY = '{key}'\n",
        path("users")
    );
    std::fs::write(path("settings.py"), settings).unwrap();
    let mut command = server.inside("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command.args(["--config", &path("settings.py")]).stdout(Stdio::null());
    let mut bmc = Guard(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(bmc.0.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    while !said.iter().any(|line: &String| line.contains("Running on ")) {
        said.push(lines.next().unwrap_or_else(|| panic!("it ended: {said:#?}")).unwrap());
    }
    // Whoever does not read what it says makes it wait.
    std::thread::spawn(move || lines.for_each(drop));
    bmc
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Everything the server keeps, and whatever it says to operators.
fn everything(server: &Server) -> String {
    let mut all = String::new();
    for args in [
        vec!["machine", "power", "box", "show", "--json"],
        vec!["machine", "show", "box", "--json"],
        vec!["machine", "list", "--json"],
        vec!["secret", "list", "--json"],
        vec!["audit", "list", "--json"],
        vec!["explain", "box", "--json"],
    ] {
        all.push_str(&server.says(&args));
    }
    for entry in std::fs::read_dir(server.folder.path().join("state")).unwrap() {
        if let Ok(bytes) = std::fs::read(entry.unwrap().path()) {
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    all
}

#[test]
fn a_bmc_switches_its_machine_and_its_password_is_found_nowhere() {
    let Some(program) = emulator() else { return };
    let Some(server) = Server::start() else { return };
    let first = bmc(&server, &program, "first");
    let mut watch = Command::new(common::BINARY)
        .args(["watch", "--json"])
        .env("BOOTWRIGHT_STATE", server.folder.path().join("state"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    server.says(&["machine", "add", MAC, "--name", "box"]);
    let file = server.folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let url = format!("https://127.0.0.1:{PORT}");
    let set = |more: &[&str]| {
        let file = file.to_str().unwrap();
        let base = ["machine", "power", "box", "set", "--url", &url, "--user", "operator"];
        let args = [&base[..], &["--password-file", file], more].concat();
        args.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let fails =
        |args: Vec<String>| server.fails(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let says =
        |args: Vec<String>| server.says(&args.iter().map(String::as_str).collect::<Vec<_>>());

    // Nothing runs a command, and nothing is switched that nobody said how.
    let (code, why) = fails(set(&["--driver", "shell"]));
    assert!(code == 4 && why.contains("never runs a command"), "{code} {why}");
    let (code, why) = server.fails(&["machine", "power", "box", "on"]);
    assert!(code == 4 && why.contains("nobody said how the power of box"), "{code} {why}");

    // First contact: the certificate is shown, and somebody has to say yes.
    let (code, why) = fails(set(&["--driver", "redfish"]));
    assert_eq!(code, 4, "{why}");
    let print = why.split("--fingerprint ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert_eq!(print.len(), 95, "{why}");
    let said = says(set(&["--driver", "redfish", "--fingerprint", print]));
    assert!(said.contains(&format!("the power of box is switched by redfish at {url}")), "{said}");
    let shown = json(&server.says(&["machine", "power", "box", "show", "--json"]));
    assert_eq!((&shown["password_set"], &shown["fingerprint"]), (&true.into(), &print.into()));

    let status = json(&server.says(&["machine", "power", "box", "status", "--json"]));
    assert_eq!((&status["power"], &status["secure_boot"]), (&"off".into(), &false.into()));
    assert_eq!(status["notes"], Value::Array(Vec::new()), "its card is the machine's");
    assert!(server.says(&["machine", "power", "box", "on"]).contains("box is switched on"));
    let (code, why) = server.fails(&["machine", "power", "box", "off"]);
    assert!(code == 4 && why.contains("this will be done: box is switched off"), "{code} {why}");
    let status = json(&server.says(&["machine", "power", "box", "status", "--json"]));
    assert_eq!(status["power"], "on", "nobody said yes");
    server.says(&["machine", "power", "box", "restart", "--yes"]);
    let boot = server.says(&["machine", "power", "box", "boot", "pxe"]);
    assert!(boot.contains("boots from Pxe at its next start"), "{boot}");
    server.says(&["machine", "power", "box", "off", "--yes"]);
    let (code, why) = server.fails(&["machine", "power", "box", "cycle", "--yes"]);
    assert!(code == 1 && why.contains("does not offer PowerCycle"), "{code} {why}");

    // Armed, and started from the network in one go.
    let files = server.folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("readme.txt"), "hello").unwrap();
    server.says(&["image", "import", files.to_str().unwrap(), "--name", "tools"]);
    let started = server.says(&["machine", "boot-once", "box", "--image", "tools", "--power"]);
    assert!(
        started.contains("is armed with tools") && started.contains("switched on"),
        "{started}"
    );
    let status = json(&server.says(&["machine", "power", "box", "status", "--json"]));
    assert_eq!(status["power"], "on");
    server.says(&["machine", "cancel", "box"]);

    // A template is given no secret of power, whatever it asks for.
    let template = server.folder.path().join("greedy.preseed");
    std::fs::write(&template, "d-i x/y string {{ secrets.bmc_005c52313a9c }}\n").unwrap();
    server.says(&["template", "add", "greedy.preseed", template.to_str().unwrap()]);
    let (code, why) = server.fails(&["render", "greedy.preseed", "box"]);
    assert!(code != 0 && why.contains("are for power alone"), "{code} {why}");

    // Another certificate is another BMC, and gets nothing.
    drop(first);
    let second = bmc(&server, &program, "second");
    let (code, why) = server.fails(&["machine", "power", "box", "status"]);
    assert!(code == 4 && why.contains("another certificate than the confirmed"), "{code} {why}");
    let (code, why) = server.fails(&["machine", "boot-once", "box", "--image", "tools", "--power"]);
    assert!(code == 1 && why.contains("is armed with tools"), "{code} {why}");
    assert!(why.contains("but it was not started: the BMC"), "{why}");
    let machine = json(&server.says(&["machine", "show", "box", "--json"]));
    assert!(machine["deployment"].as_str().unwrap().contains("armed until"), "{machine}");

    let all = everything(&server);
    assert!(!all.contains(PASSWORD), "the password was kept or told in the clear");
    for act in ["power-on", "power-restart", "power-boot", "power-start", "set-power"] {
        assert!(all.contains(act), "{act} is not in the audit log");
    }
    // A wrong password is told as such, without it.
    let (_, why) = fails(set(&["--driver", "redfish"]));
    let print = why.split("--fingerprint ").nth(1).unwrap().split_whitespace().next().unwrap();
    std::fs::write(&file, "wasabi-5-none\n").unwrap();
    says(set(&["--driver", "redfish", "--fingerprint", print]));
    let (code, why) = server.fails(&["machine", "power", "box", "status"]);
    assert!(code == 1 && why.contains("does not let `operator` in"), "{code} {why}");
    assert!(!why.contains("wasabi"), "{why}");
    drop(second);

    // Its settings and its secret go with the machine.
    server.says(&["machine", "remove", "box", "--yes"]);
    assert!(!server.says(&["secret", "list", "--json"]).contains("bmc_"));
    watch.kill().unwrap();
    let mut told = String::new();
    watch.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    watch.wait().unwrap();
    assert!(told.contains("box is switched on"), "{told}");
    assert!(!told.contains(PASSWORD) && !told.contains("wasabi"), "{told}");
    assert_eq!(server.stop(), Some(0));
}

/// What of magic packets comes on the link while something is done: to where, which port, its end.
fn heard(server: &Server, packets: usize, act: impl FnOnce()) -> Vec<String> {
    let mut ear = server.inside("python3");
    ear.args(["-c", EAR, &MAC.replace(':', ""), &packets.to_string()]);
    let mut ear = ear.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(ear.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("hears"));
    act();
    let all = lines.collect();
    ear.wait().unwrap();
    all
}

#[test]
fn magic_packets_reach_the_link_and_the_network_behind_a_relay() {
    let far = r#"
[[network]]
interface = "br0"
mode = "dhcp"
subnet = "10.80.0.0/24"
pool = ["10.80.0.100-10.80.0.199"]
relays = ["10.80.0.1"]
"#;
    let Some(server) = Server::start_with(&format!("{LAB}{far}")) else { return };
    // The way to the far network, as a router would give it.
    for args in [
        vec!["route", "add", "10.80.0.0/24", "via", "10.77.0.254"],
        vec!["neigh", "add", "10.77.0.254", "lladdr", "02:00:00:00:00:fe", "dev", "br0"],
    ] {
        run(server.inside("ip").args(args));
    }
    server.says(&["machine", "add", MAC, "--name", "box"]);

    // It was never heard: every network is tried, three times.
    let all = heard(&server, 6, || {
        let said = server.says(&["machine", "wake", "box"]);
        assert!(
            said.contains("6 magic packets for box were sent out of br0 and to 10.80.0.255"),
            "{said}"
        );
    });
    let end = MAC.replace(':', "");
    let near = all.iter().filter(|line| **line == format!("255.255.255.255 9 {end}")).count();
    let away = all.iter().filter(|line| **line == format!("10.80.0.255 9 {end}")).count();
    assert_eq!((near, away), (3, 3), "{all:?}");

    // Behind its relay, on another port, with a password.
    let file = server.folder.path().join("secure-on");
    std::fs::write(&file, "00:11:22:33:44:55\n").unwrap();
    let set = ["machine", "power", "box", "set", "--driver", "wake-on-lan", "--via", "10.80.0.1"];
    let more = ["--port", "7", "--password-file", file.to_str().unwrap()];
    server.says(&[&set[..], &more].concat());
    let all = heard(&server, 3, || {
        server.says(&["machine", "power", "box", "on"]);
    });
    assert_eq!(all, ["10.80.0.255 7 001122334455"; 3]);

    let (code, why) = server.fails(&["machine", "power", "box", "off", "--yes"]);
    assert!(code == 4 && why.contains("a magic packet can only switch on"), "{code} {why}");
    let (code, why) = server.fails(&[&set[..7], &["10.99.0.1"]].concat());
    assert!(code == 4 && why.contains("no network behind relay 10.99.0.1"), "{code} {why}");
    assert!(!server.says(&["audit", "list", "--json"]).contains("00:11:22:33"));
    assert_eq!(server.stop(), Some(0));
}
