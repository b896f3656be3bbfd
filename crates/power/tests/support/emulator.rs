//! A BMC by somebody else: `sushy-emulator` of sushy-tools with its fake driver.
//!
//! In: a certificate perhaps. Out: a service on a port of its own, ended when dropped.

use super::skipped;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub const USER: &str = "operator";
pub const PASSWORD: &str = "sushi-4-all";
/// The first system; the fake driver takes names and UUIDs from the settings.
pub const UUID: &str = "27946b59-9e44-4fa7-8e91-f3527a1ef094";
pub const OTHER: &str = "4c4c4544-0030-5210-8047-c6c04f5a4333";
pub const MAC: &str = "00:5c:52:31:3a:9c";

/// The password as the emulator wants it (bcrypt, made by its own library).
const HASH: &str = "$2b$04$C5c7nOwFnUacTIHvp/QbPu07qhito3BYxhg3Squ9bSw7.zKLMWWqe";
/// Its settings are Python. The fake driver lets every change of power take 1 to 11 s by chance;
/// here it takes none.
const SETTINGS: &str = "
import random
random.randint = lambda least, most: 0
SUSHY_EMULATOR_LISTEN_IP = '127.0.0.1'
SUSHY_EMULATOR_LISTEN_PORT = 0
SUSHY_EMULATOR_FAKE_DRIVER = True
";

pub struct Emulator {
    process: Child,
    pub url: String,
    _dir: TempDir,
}

impl Emulator {
    /// Starts it with this many systems; none if it is not installed, which is said.
    pub fn start(systems: usize, tls: Option<(&str, &str)>) -> Option<Self> {
        let Some(program) = program() else {
            skipped("it needs sushy-tools from PyPI: ./x test makes target/sushy");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("users"), format!("{USER}:{HASH}\n")).unwrap();
        let fake = [(UUID, "one", MAC), (OTHER, "two", "00:5c:52:31:3a:9d")];
        let fake: Vec<String> = fake[..systems]
            .iter()
            .map(|(uuid, name, mac)| {
                format!(
                    "{{'uuid': '{uuid}', 'name': '{name}', 'power_state': 'Off', \
                     'nics': [{{'mac': '{mac}', 'ip': '172.22.0.100'}}]}}"
                )
            })
            .collect();
        let mut settings = format!(
            "{SETTINGS}SUSHY_EMULATOR_STATE_DIR = '{}'\nSUSHY_EMULATOR_AUTH_FILE = '{}'\n\
             SUSHY_EMULATOR_FAKE_SYSTEMS = [{}]\n",
            dir.path().display(),
            path("users"),
            fake.join(", ")
        );
        if let Some((certificate, key)) = tls {
            std::fs::write(path("certificate.pem"), certificate).unwrap();
            std::fs::write(path("key.pem"), key).unwrap();
            settings += &format!(
                "SUSHY_EMULATOR_SSL_CERT = '{}'\nSUSHY_EMULATOR_SSL_KEY = '{}'\n",
                path("certificate.pem"),
                path("key.pem")
            );
        }
        std::fs::write(path("settings.py"), settings).unwrap();
        // It dies with this process, so that Ctrl-C and a crash leave no program behind.
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program)
            .args(["--config", &path("settings.py")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let url = loop {
            let line = lines.next().unwrap_or_else(|| panic!("the emulator ended: {said:#?}"));
            let line = line.unwrap();
            if let Some((_, url)) = line.split_once("Running on ") {
                break url.trim().to_owned();
            }
            said.push(line);
        };
        // Whoever does not read what it says makes it wait.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, url, _dir: dir })
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("BOOTWRIGHT_SUSHY") {
        return Some(named.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    Some(root.join("target/sushy/bin/sushy-emulator")).filter(|program| program.exists())
}
