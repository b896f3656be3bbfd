//! Keys and signatures for the tests, made by Debian's gpg in a home of the test's own.
#![allow(dead_code, reason = "each test file uses its own part of it")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "keys are made by another program, and a skipped test must be seen"
)]

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use trust::{Keyring, Signed, TrustError};

/// 2026-11-26, the moment of most tests.
pub const NOW_S: u64 = 1_795_651_200;
/// One day, in seconds.
pub const DAY_S: u64 = 86_400;

/// What is signed.
pub const CONTENT: &[u8] =
    b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a.iso\n- dashed \n";

/// Whether the programs a test needs are there. If not, it is skipped aloud, and in CI it fails.
pub fn able(needs: &[&str]) -> bool {
    let missing: Vec<&str> =
        needs.iter().filter(|tool| !PathBuf::from(tool).exists()).copied().collect();
    if missing.is_empty() {
        return true;
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let text = format!("{test} SKIPPED: it needs {}", missing.join(", "));
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
    eprintln!("{text}");
    false
}

pub fn gpg_is_there() -> bool {
    able(&["/usr/bin/gpg", "/usr/bin/gpg-agent", "/usr/bin/gpgconf"])
}

/// A home of gpg, gone with its agent at the end of the test.
pub struct Gpg {
    home: TempDir,
}

impl Gpg {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// Runs gpg at a date (`20260101`) with what is typed to it.
    pub fn at(&self, date: &str, args: &[&str], typed: &[u8]) -> Output {
        let mut child = Command::new("timeout")
            .args(["60", "gpg", "--homedir"])
            .arg(self.home.path())
            .args(["--no-tty", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""])
            .arg(format!("--faked-system-time={date}T120000!"))
            .args(["--ignore-time-conflict", "--ignore-valid-from"])
            .args(args)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(typed).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gpg {}: {text}", args.join(" "));
        output
    }

    /// Makes a key; its fingerprint. `life` as gpg takes it: `1y`, `never`.
    pub fn key(&self, date: &str, name: &str, algorithm: &str, usage: &str, life: &str) -> String {
        self.at(date, &["--batch", "--quick-generate-key", name, algorithm, usage, life], b"");
        self.fingerprints(name)[0].clone()
    }

    /// The fingerprints of a key and its subkeys.
    pub fn fingerprints(&self, name: &str) -> Vec<String> {
        let listed = self.at("20260601", &["--with-colons", "--list-keys", name], b"").stdout;
        let listed = String::from_utf8(listed).unwrap();
        let lines = listed.lines().filter(|line| line.starts_with("fpr:"));
        lines.map(|line| line.split(':').nth(9).unwrap().to_lowercase()).collect()
    }

    pub fn subkey(&self, date: &str, of: &str, algorithm: &str, usage: &str, life: &str) -> String {
        self.at(date, &["--batch", "--quick-add-key", of, algorithm, usage, life], b"");
        self.fingerprints(of).last().unwrap().clone()
    }

    pub fn export(&self, name: &str) -> Vec<u8> {
        self.at("20260601", &["--export", name], b"").stdout
    }

    pub fn keyring(&self, name: &str) -> Keyring {
        Keyring::read(&self.export(name)).unwrap()
    }

    /// Signs CONTENT; `how` are gpg's own words for it.
    pub fn sign(&self, date: &str, how: &[&str]) -> Vec<u8> {
        self.at(date, how, CONTENT).stdout
    }

    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        // Ends the agent of this home, and no other.
        let ended = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--kill", "gpg-agent"])
            .status();
        drop(ended);
    }
}

pub fn check(
    ring: &Keyring,
    signature: &[u8],
    content: &[u8],
    now_s: u64,
) -> Result<Signed, TrustError> {
    ring.check_detached(signature, &mut Cursor::new(content), now_s)
}

/// Why a signature of CONTENT is not believed, in words.
pub fn refused(ring: &Keyring, signature: &[u8], now_s: u64) -> (TrustError, String) {
    let why = check(ring, signature, CONTENT, now_s).unwrap_err();
    let words = why.to_string();
    (why, words)
}
