//! HTTPS as an operator turns it on: `tls init`, the configuration, a reload; curl is the machine.

mod common;

use common::{BINARY, Guard, inside, root};
use model::Now;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tls::{Ask, Store};

/// 2010-06-01: what was signed for ten years then is over.
const LONG_AGO: Now = Now(1_275_350_400_000);
/// Four seconds at the pace below.
const FILE_BYTES: usize = 16 << 20;
const PACE: &str = "4M";

/// A server in a network namespace of its own, and whatever is run beside it there.
struct World {
    child: Guard,
    folder: tempfile::TempDir,
}

impl World {
    /// `None`, said aloud, where this host lets us make no namespace.
    fn start(certificates: impl FnOnce(&Path)) -> Option<Self> {
        if !root() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lab.toml"), LAB).unwrap();
        let state = folder.path().join("state");
        nix::unistd::mkdir(&state, nix::sys::stat::Mode::S_IRWXU).unwrap();
        certificates(&state);
        let script = "set -e; ip link set lo up; ip link add br0 type veth peer name br1; \
                      ip addr add 10.77.0.1/24 dev br0; ip link set br0 up; ip link set br1 up; \
                      exec \"$0\" serve --config \"$1\" 2>\"$2\"";
        let child = Command::new("unshare")
            .args(["--net", "sh", "-c", script, BINARY])
            .args([folder.path().join("lab.toml"), folder.path().join("log")])
            .env("BOOTWRIGHT_STATE", &state)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = Guard(child);
        let mut first = String::new();
        BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let world = Self { child, folder };
        assert_eq!(first.trim(), "ready", "{}", world.log());
        Some(world)
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// What the server said.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A program in the server's namespace.
    fn beside(&self, program: &str, args: &[&str]) -> Command {
        let mut command = inside(self.child.0.id(), program);
        command.args(args).env("BOOTWRIGHT_STATE", self.state());
        command
    }

    fn operator(&self, args: &[&str]) -> Output {
        self.beside(BINARY, args).output().unwrap()
    }

    /// What a command that works says.
    fn says(&self, args: &[&str]) -> String {
        let output = self.operator(args);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {err}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn config(&self, http: &str) {
        let text = LAB.replace("tls_port = 443\n", http);
        std::fs::write(self.folder.path().join("lab.toml"), text).unwrap();
    }

    /// curl that trusts the CA of now, with these flags.
    fn curl(&self, flags: &[&str]) -> Output {
        let [pem, ..] = Store::new(&self.state()).to_enrol();
        let mut all = vec!["-sS", "--max-time", "60", "--cacert", pem.to_str().unwrap()];
        all.extend(flags);
        self.beside("curl", &all).output().unwrap()
    }

    fn answers(&self, flags: &[&str]) -> String {
        let output = self.curl(flags);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "curl {flags:?}: {err}\n{}", self.log());
        String::from_utf8(output.stdout).unwrap()
    }
}

const LAB: &str = r#"
[server]
name = "lab"

[[network]]
interface = "br0"
mode = "dhcp"
subnet = "10.77.0.0/24"
pool = ["10.77.0.100-10.77.0.199"]
http_boot = "https"

[http]
tls_port = 443
"#;

const ALIVE: &str = "https://10.77.0.1/healthz";

fn ask() -> Ask {
    Ask { host: "lab".into(), addresses: vec![[10, 77, 0, 1].into()], ..Ask::default() }
}

fn good(state: &Path) {
    Store::new(state).init(&ask(), now(), false).unwrap();
}

fn now() -> Now {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Now(u64::try_from(since.as_millis()).unwrap())
}

#[test]
fn machines_fetch_by_both_versions_and_by_the_key_exchange_of_old_firmware() {
    let Some(world) = World::start(good) else { return };
    assert!(world.log().is_empty() || !world.log().contains("certificate"), "{}", world.log());
    for flags in [
        ["--tlsv1.3", "--tls-max", "1.3"].as_slice(),
        &["--tlsv1.2", "--tls-max", "1.2"],
        &["--tlsv1.2", "--tls-max", "1.2", "--ciphers", "DHE-RSA-AES256-GCM-SHA384"],
        &["--tlsv1.2", "--tls-max", "1.2", "--ciphers", "DHE-RSA-AES128-GCM-SHA256"],
    ] {
        assert_eq!(world.answers(&[flags, &[ALIVE]].concat()), "ok\n", "{flags:?}");
    }
    assert_eq!(world.answers(&["http://10.77.0.1/healthz"]), "ok\n", "HTTP goes on");
    let status = world.says(&["status"]);
    assert!(status.contains("port 443, O=Bootwright, CN=10.77.0.1 (RSA-3072) until"), "{status}");
    let shown = world.says(&["tls", "show"]);
    // Ten years; a day less as soon as the clock's second is another than the one it was made in.
    let left = ["3653 days left", "3652 days left"];
    assert!(left.iter().any(|days| shown.contains(days)), "{shown}");
    for word in ["CN=Bootwright CA lab", "ca.der", "ca.esl", "--cacert"] {
        assert!(shown.contains(word), "{word}\n{shown}");
    }

    // Refused, and said what this looks like from here.
    let old = world.curl(&["--tls-max", "1.2", "--ciphers", "AES256-GCM-SHA384", ALIVE]);
    assert!(!old.status.success());
    let stranger = world.curl(&["--cacert", "/etc/hostname", "--capath", "/nowhere", ALIVE]);
    assert!(!stranger.status.success());
    let log = world.log();
    assert!(log.contains("no ECDHE or DHE key exchange with AES-GCM"), "{log}");
}

#[test]
fn a_new_certificate_does_not_end_a_transfer_and_a_broken_one_is_refused() {
    let Some(world) = World::start(good) else { return };
    let image = world.folder.path().join("files");
    std::fs::create_dir(&image).unwrap();
    let bytes: Vec<u8> = (0..FILE_BYTES).map(|i| u8::try_from(i % 251).unwrap()).collect();
    std::fs::write(image.join("large.bin"), &bytes).unwrap();
    world.says(&["image", "import", image.to_str().unwrap(), "--name", "files"]);

    let [pem, ..] = Store::new(&world.state()).to_enrol();
    let into = world.folder.path().join("fetched");
    let (pem, into_text) = (pem.to_str().unwrap(), into.to_str().unwrap());
    let url = "https://10.77.0.1/image/files/1/large.bin";
    let slow = ["-sS", "--cacert", pem, "--limit-rate", PACE, "-o", into_text, url];
    let mut transfer = world.beside("curl", &slow).spawn().unwrap();
    let begun = || std::fs::metadata(&into).is_ok_and(|file| file.len() > 0);
    while !begun() {
        assert!(transfer.try_wait().unwrap().is_none(), "it ended at once: {}", world.log());
        std::thread::sleep(Duration::from_millis(20));
    }

    let fingerprint = || {
        let verbose = world.curl(&["-v", "-w", "%{certs}", ALIVE]);
        let text = String::from_utf8_lossy(&verbose.stdout).into_owned();
        text.lines().find(|line| line.starts_with("X509v3 Subject Alternative")).map(str::to_owned)
    };
    let before = fingerprint();
    world.says(&["tls", "init", "--name", "boot.lab.example"]);
    let reloaded = world.says(&["reload"]);
    assert!(reloaded.contains("certificate: O=Bootwright"), "{reloaded}");
    assert!(world.says(&["reload"]).contains("says nothing new"));
    let resolve = ["--resolve", "boot.lab.example:443:10.77.0.1"];
    let named = [resolve.as_slice(), &["https://boot.lab.example/healthz"]].concat();
    assert_eq!(world.answers(&named), "ok\n", "{before:?}");

    let server = world.state().join("keys/server.pem");
    let whole = std::fs::read(&server).unwrap();
    std::fs::write(&server, "no certificate").unwrap();
    let refused = world.operator(&["reload"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains("the old configuration stays in force"), "{said}");
    assert!(said.contains("holds no certificate"), "{said}");
    assert_eq!(world.answers(&named), "ok\n", "the old one serves on");
    std::fs::write(&server, whole).unwrap();

    assert!(transfer.try_wait().unwrap().is_none(), "the transfer was to outlast all this");
    assert!(transfer.wait().unwrap().success(), "{}", world.log());
    assert!(std::fs::read(&into).unwrap() == bytes, "what arrived is something else");
}

#[test]
fn a_certificate_that_is_over_is_told_at_every_place() {
    let over = |state: &Path| {
        Store::new(state).init(&ask(), LONG_AGO, false).unwrap();
    };
    let Some(world) = World::start(over) else { return };
    let since = std::time::Instant::now();
    while !world.log().contains("ALARM THE CERTIFICATE IS OVER") {
        assert!(since.elapsed() < Duration::from_secs(10), "no alarm: {}", world.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(world.log().contains("note: THE CERTIFICATE IS OVER"), "{}", world.log());
    assert!(world.says(&["status"]).contains("THE CERTIFICATE IS OVER"));
    let doctor = world.operator(&["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.contains("BAD   THE CERTIFICATE IS OVER"), "{said}");
    assert!(!world.curl(&[ALIVE]).status.success(), "curl looks at dates");

    world.says(&["tls", "init"]);
    world.says(&["reload"]);
    assert_eq!(world.answers(&[ALIVE]), "ok\n");
    assert!(!world.says(&["status"]).contains("OVER"));
}

#[test]
fn without_certificates_the_server_says_how_to_make_them() {
    let Some(world) = World::start(good) else { return };
    // Off and on again without a restart.
    world.config("");
    let faults = world.operator(&["reload"]);
    let said = String::from_utf8_lossy(&faults.stderr);
    assert!(said.contains("HTTPS is served on no port"), "{said}");
    assert_eq!(world.answers(&[ALIVE]), "ok\n");

    world.config("tls_port = 8443\n");
    assert!(world.says(&["reload"]).contains("http.tls_port: 443 → 8443"));
    assert_eq!(world.answers(&["https://10.77.0.1:8443/healthz"]), "ok\n");

    std::fs::remove_file(world.state().join("keys/server.pem")).unwrap();
    let lab = world.folder.path().join("lab.toml");
    let check = world.operator(&["check", "--config", lab.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&check.stderr);
    assert!(said.contains("there is no certificate") && said.contains("tls init"), "{said}");
}
