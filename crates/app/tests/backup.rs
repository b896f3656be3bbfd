//! A backup while machines ask for addresses, and what is made of it again.

mod common;

use common::{BINARY, Guard, Server, run, skipped};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const PASSPHRASE: &str = "correct horse battery staple";

/// Room for many; the generator plays a relay.
const WIDE: &str = r#"
[server]
name = "lab"

[[network]]
interface = "br0"
mode = "dhcp"
subnet = "10.77.0.0/16"
pool = ["10.77.16.0-10.77.95.255"]
relays = ["10.77.0.2"]
probe = "off"
"#;

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A command that talks to no server.
fn alone(args: &[&str], folder: &Path) -> Output {
    let file = folder.join("words");
    std::fs::write(&file, format!("{PASSPHRASE}\n")).unwrap();
    Command::new(BINARY)
        .args(args)
        .env_remove("BOOTWRIGHT_STATE")
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap()
}

fn works(args: &[&str], folder: &Path) -> String {
    let output = alone(args, folder);
    assert!(output.status.success(), "{args:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(args: &[&str], folder: &Path) -> (i32, String) {
    let output = alone(args, folder);
    (output.status.code().unwrap(), text(&output))
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

/// Takes a backup of a server, the passphrase piped in.
fn back_up(server: &Server, file: &str, flags: &[&str]) -> Output {
    server.run_with(&[&["backup", file], flags].concat(), &format!("{PASSPHRASE}\n"))
}

fn made(server: &Server, file: &str, flags: &[&str]) {
    let output = back_up(server, file, flags);
    assert!(output.status.success(), "{}", text(&output));
}

/// Address and holder of everything that is leased.
fn leases(server: &Server) -> BTreeSet<(String, String)> {
    let all = server.says(&["lease", "list", "--json"]);
    let all: Vec<serde_json::Value> = serde_json::from_str(&all).unwrap();
    let field = |lease: &serde_json::Value, name| lease[name].as_str().unwrap().to_owned();
    let bound = all.iter().filter(|lease| lease["state"] == "bound");
    bound.map(|lease| (field(lease, "address"), field(lease, "mac"))).collect()
}

/// Clients that ask, in a namespace of their own at the other end of the server's link.
fn load(server: &Server, per_s: u32, clients: u32) -> Guard {
    let script = "until ip link show br1 >/dev/null 2>&1; do sleep 0.02; done; \
                  ip link set lo up; ip link set br1 up; ip addr add 10.77.0.2/16 dev br1; \
                  exec perfdhcp -4 -l br1 -r $0 -R $1 -p 60 10.77.0.1";
    let (rate, count) = (per_s.to_string(), clients.to_string());
    let child = Command::new("unshare")
        .args(["--net", "sh", "-c", script, &rate, &count])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let load = Guard(child);
    // Only once it has a namespace of its own can the link go there.
    let own = |id: u32| std::fs::read_link(format!("/proc/{id}/ns/net")).unwrap();
    let start = Instant::now();
    while own(load.0.id()) == own(std::process::id()) {
        assert!(start.elapsed() < Duration::from_secs(10), "no namespace for the clients");
        std::thread::sleep(Duration::from_millis(10));
    }
    let id = load.0.id().to_string();
    run(server.inside("ip").args(["link", "set", "br1", "netns", &id]));
    load
}

/// Everything an operator may have made, as the server shows it.
fn everything(server: &Server) -> Vec<String> {
    let lists: [&[&str]; 8] = [
        &["machine", "show", "lab-01"],
        &["profile", "list", "--json"],
        &["rule", "list", "--json"],
        &["image", "list", "--json"],
        &["image", "versions", "tools"],
        &["bootloader", "list", "--json"],
        &["reservation", "list", "--json"],
        &["menu", "show", "--json"],
    ];
    lists.iter().map(|list| server.says(list)).collect()
}

fn furnish(server: &Server) -> PathBuf {
    let files = server.folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    // Compresses badly, and has several chunks.
    let noise: Vec<u8> =
        (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 21) as u8).collect();
    std::fs::write(files.join("large.bin"), noise).unwrap();
    std::fs::write(files.join("readme.txt"), "hello").unwrap();
    server.says(&["image", "import", files.to_str().unwrap(), "--name", "tools"]);
    server.says(&["profile", "add", "p", "--image", "tools", "--args", "console=ttyS0"]);
    server.says(&["rule", "add", "--profile", "p", "--arch", "arm64-uefi"]);
    server.says(&["machine", "set", "52:54:00:77:00:01", "--name", "lab-01", "--label", "room=3"]);
    server.says(&["reservation", "add", "10.77.0.20", "--mac", "52:54:00:77:00:01"]);
    // It looks at the interfaces of the configuration.
    let keys = server
        .inside(BINARY)
        .args(["tls", "init", "--address", "10.77.0.1"])
        .env("BOOTWRIGHT_STATE", server.folder.path().join("state"))
        .output()
        .unwrap();
    assert!(keys.status.success(), "{}", text(&keys));
    let keyrings = server.folder.path().join("state/keyrings");
    std::fs::create_dir_all(&keyrings).unwrap();
    std::fs::write(keyrings.join("own.gpg"), "public").unwrap();
    files
}

fn can_load() -> bool {
    let there = Path::new("/usr/sbin/perfdhcp").exists() && nix::unistd::Uid::effective().is_root();
    if !there {
        skipped("this takes perfdhcp (apt install kea-admin) and root");
    }
    there
}

#[test]
fn a_backup_under_load_holds_all_that_was_acknowledged_before_it() {
    if !can_load() {
        return;
    }
    let Some(server) = Server::start_in(tempfile::tempdir().unwrap(), WIDE) else { return };
    let files = furnish(&server);
    let load = load(&server, 400, 15_000);
    let start = Instant::now();
    while leases(&server).len() < 1000 {
        assert!(start.elapsed() < Duration::from_secs(40), "only {}", leases(&server).len());
        std::thread::sleep(Duration::from_millis(200));
    }
    let (before, shown) = (leases(&server), everything(&server));
    let file = path(server.folder.path(), "lab.backup");
    made(&server, &file, &["--with-keys"]);
    let after = leases(&server);
    assert!(after.len() > before.len(), "nobody was served meanwhile");
    drop(load);

    let folder = tempfile::tempdir().unwrap();
    let state = path(folder.path(), "state");
    let found: serde_json::Value =
        serde_json::from_str(&works(&["backup", "verify", &file, "--json"], folder.path()))
            .unwrap();
    assert_eq!((&found["server"], &found["missing"]), (&"lab".into(), &serde_json::json!([])));
    works(&["restore", &file, "--state", &state], folder.path());
    // Nothing of the old one is left to help.
    let fetched = std::fs::read(files.join("large.bin")).unwrap();
    server.stop();

    let again = Server::start_in(folder, WIDE).unwrap();
    let restored = leases(&again);
    let lost: Vec<_> = before.difference(&restored).take(3).collect();
    assert!(lost.is_empty(), "acknowledged before, and not there: {lost:?}");
    assert!(restored.is_subset(&after), "what nobody was promised");
    assert_eq!(everything(&again), shown);
    let url = "http://10.77.0.1/image/tools/1/large.bin";
    let got = again.inside("curl").args(["-s", "-f", url]).output().unwrap();
    assert!(got.status.success() && got.stdout == fetched, "{}", text(&got));
    assert!(again.says(&["image", "verify"]).contains("good"));
    let state = again.folder.path().join("state");
    assert_eq!(std::fs::read(state.join("keyrings/own.gpg")).unwrap(), b"public");
    assert!(state.join("keys").read_dir().unwrap().next().is_some());
    assert_eq!(std::fs::read_to_string(state.join("bootwright.toml")).unwrap(), WIDE);
    println!("{} leases before, {} restored, {} after", before.len(), restored.len(), after.len());
    again.stop();
}

#[test]
fn a_backup_is_verified_and_what_is_wrong_with_it_is_said() {
    let Some(server) = Server::start() else { return };
    furnish(&server);
    let folder = server.folder.path();
    let file = path(folder, "a.backup");
    made(&server, &file, &[]);
    assert!(!Path::new(&format!("{file}.partial")).exists());
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    let again = back_up(&server, &file, &[]);
    assert_eq!(again.status.code(), Some(4), "{}", text(&again));
    made(&server, &file, &["--force"]);
    let short = server.run_with(&["backup", &path(folder, "b.backup")], "short\n");
    assert_eq!(short.status.code(), Some(2), "{}", text(&short));
    assert!(!folder.join("b.backup.partial").exists());

    let said = works(&["backup", "verify", &file], folder);
    for part in ["lab, bootwright", "reservation 1", "without private keys", "blobs"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // No key, and no clear text of anything.
    let bytes = std::fs::read(&file).unwrap();
    let has = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|at| at == what);
    assert!(!has(&bytes, b"lab-01") && !has(&bytes, b"console=ttyS0"));

    let wrong = server.run_with(&["backup", "verify", &file], "another one entirely\n");
    assert_eq!(wrong.status.code(), Some(4));
    assert!(text(&wrong).contains("the passphrase is wrong"), "{}", text(&wrong));
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let bent = path(folder, "bent.backup");
    std::fs::write(&bent, &changed).unwrap();
    let (code, why) = refused(&["backup", "verify", &bent], folder);
    assert_eq!((code, why.contains("it is damaged")), (1, true), "{why}");
    std::fs::write(&bent, &bytes[..bytes.len() - 1000]).unwrap();
    let (code, why) = refused(&["backup", "verify", &bent], folder);
    assert_eq!((code, why.contains("cut off")), (1, true), "{why}");
    let (code, why) = refused(&["restore", &bent, "--state", &path(folder, "new")], folder);
    assert_eq!((code, folder.join("new").exists()), (1, false), "{why}");
    assert!(!folder.join("new.new").exists(), "nothing is left behind");
    let (code, _) = refused(&["backup", "verify", "/proc/version"], folder);
    assert_eq!(code, 2);
}

#[test]
fn a_restore_takes_the_place_of_nothing_that_is_used() {
    let Some(server) = Server::start() else { return };
    furnish(&server);
    let folder = server.folder.path();
    let (file, state) = (path(folder, "a.backup"), path(folder, "state"));
    made(&server, &file, &["--without-images"]);
    let restore =
        |flags: &[&str]| refused(&[&["restore", &file, "--state", &state], flags].concat(), folder);
    for flags in [&[][..], &["--force"]] {
        let (code, why) = restore(flags);
        assert_eq!((code, why.contains("is in use by process")), (4, true), "{why}");
    }
    let elsewhere = path(folder, "files");
    let (code, why) = refused(&["restore", &file, "--state", &elsewhere, "--force"], folder);
    assert_eq!((code, why.contains("no state of a server")), (4, true), "{why}");

    server.signal(nix::sys::signal::Signal::SIGTERM);
    while alone(&["status", "--state", &state], folder).status.code() != Some(3) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let start = Instant::now();
    let (code, why) = loop {
        let said = restore(&[]);
        if !said.1.contains("in use") || start.elapsed() > Duration::from_secs(20) {
            break said;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!((code, why.contains("--force")), (4, true), "{why}");
    std::fs::write(folder.join("state/mine"), "").unwrap();
    std::fs::set_permissions(
        folder.join("state/mine"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let (code, why) = restore(&["--force"]);
    assert_eq!(code, 0, "{why}");
    assert!(folder.join("state.before-restore.1/mine").exists(), "what was there is kept");
    assert!(!folder.join("state/mine").exists() && !folder.join("state.new").exists());
    assert!(!folder.join("state/restoring").exists());
    for part in ["private keys are not in it", "the files of images are not in it"] {
        assert!(why.contains(part), "{why}");
    }
}

/// However it is killed: there is nothing, or there is all of it; and the next run works.
#[test]
fn a_killed_restore_has_done_nothing_or_everything() {
    let Some(server) = Server::start() else { return };
    furnish(&server);
    let folder = server.folder.path();
    let file = path(folder, "a.backup");
    made(&server, &file, &["--with-keys"]);
    let words = path(folder, "phrase");
    std::fs::write(&words, format!("{PASSPHRASE}\n")).unwrap();
    let state = path(folder, "restored");
    let begin = || {
        let flags = ["restore", &file, "--state", &state, "--passphrase-file", &words];
        let quiet =
            Command::new(BINARY).args(flags).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        quiet.unwrap()
    };
    let start = Instant::now();
    assert!(begin().wait().unwrap().success());
    let whole = start.elapsed();
    let (mut nothing, mut everything) = (0, 0);
    for n in 0..40_u32 {
        let _ = std::fs::remove_dir_all(&state);
        let mut child = begin();
        std::thread::sleep(whole * n / 16);
        child.kill().unwrap();
        child.wait().unwrap();
        match Path::new(&state).exists() {
            false => nothing += 1,
            true => {
                everything += 1;
                let sound = works(&["store", "repair", "--state", &state], folder);
                assert!(sound.contains("is sound"), "{sound}");
                assert!(Path::new(&state).join("keys").exists());
            }
        }
    }
    println!("{nothing} times nothing, {everything} times everything");
    assert!(nothing > 5, "it was never killed in the middle");
    assert!(everything > 0, "it was never let come to its end");
    let _ = std::fs::remove_dir_all(&state);
    assert!(begin().wait().unwrap().success(), "and then it works");
    assert!(!Path::new(&format!("{state}.new")).exists());
}

#[test]
fn a_backup_that_cannot_be_written_leaves_nothing() {
    let Some(server) = Server::start() else { return };
    furnish(&server);
    let folder = server.folder.path();
    let small = folder.join("small");
    std::fs::create_dir(&small).unwrap();
    let script = "mount -t tmpfs -o size=256k none \"$0\" && \"$1\" backup \"$0/a.backup\"; \
                  echo \"code $?\"; ls -A \"$0\"";
    std::fs::write(folder.join("words"), format!("{PASSPHRASE}\n")).unwrap();
    let root = nix::unistd::Uid::effective().is_root();
    let output = Command::new("unshare")
        .args(if root { ["--mount"].as_slice() } else { ["--mount", "--map-root-user"].as_slice() })
        .args(["sh", "-c", script])
        .arg(&small)
        .arg(BINARY)
        .env("BOOTWRIGHT_STATE", folder.join("state"))
        .stdin(std::fs::File::open(folder.join("words")).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if text(&output).contains("unshare") || text(&output).contains("mount:") {
        return eprintln!("SKIPPED: no mount to be had here: {}", text(&output));
    }
    assert_eq!(said, "code 1\n", "{}", text(&output));
    assert!(text(&output).contains("cannot be written"), "{}", text(&output));

    // Ctrl-C at any moment.
    for wait in [1, 30, 80, 150, 250] {
        let file = path(folder, "interrupted");
        let mut child = Command::new(BINARY)
            .args(["backup", &file, "--passphrase-file", &path(folder, "words"), "--force"])
            .env("BOOTWRIGHT_STATE", folder.join("state"))
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let id = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGINT).unwrap();
        child.wait().unwrap();
        assert!(!Path::new(&format!("{file}.partial")).exists(), "after {wait} ms");
        if Path::new(&file).exists() {
            works(&["backup", "verify", &file], folder);
        }
    }
    // The server is none the worse, and has cleared up.
    let start = Instant::now();
    loop {
        let output = back_up(&server, &path(folder, "last.backup"), &[]);
        if output.status.success() {
            break;
        }
        // Making the key of the last one is not interrupted.
        let why = text(&output);
        assert!(why.contains("being made already"), "{why}");
        assert!(start.elapsed() < Duration::from_secs(20), "{why}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let copies = || {
        let all = folder.join("state/incoming").read_dir().unwrap();
        let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("backup-")).collect::<Vec<_>>()
    };
    // The copy goes a moment after the last byte.
    let start = Instant::now();
    while !copies().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", copies());
        std::thread::sleep(Duration::from_millis(20));
    }
}
