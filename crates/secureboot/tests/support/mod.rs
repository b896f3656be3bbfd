//! Files and keys for the tests: made by the tools people sign with, from images made up here.
#![allow(dead_code, reason = "each test file uses its own part of it")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "files are signed by other programs, and a skipped test must be seen"
)]

pub mod image;
pub mod walk;

use secureboot::{Binary, Certificate, Lists, SbatLevel, World};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Whether the programs and files a test needs are there. If not, it is skipped aloud, and in CI it
/// fails.
pub fn able(needs: &[&str]) -> bool {
    let there = |need: &&&str| {
        let path = Path::new(**need);
        let dirs = "/usr/sbin:/usr/bin:/sbin:/bin";
        path.is_absolute() && path.exists()
            || std::env::split_paths(dirs).any(|dir| dir.join(path).is_file())
    };
    let missing: Vec<&str> = needs.iter().filter(|need| !there(need)).copied().collect();
    if missing.is_empty() {
        return true;
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let text = format!("{test} SKIPPED: it needs {}", missing.join(", "));
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
    eprintln!("{text}");
    false
}

/// Runs a program; whether it succeeded is the caller's.
pub fn attempt(program: &str, args: &[&str], dir: &Path) -> Output {
    let mut command = Command::new("timeout");
    command.args(["60", program]).args(args).current_dir(dir).stdin(Stdio::null());
    command.env("LC_ALL", "C.UTF-8").output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

pub fn run(program: &str, args: &[&str], dir: &Path) -> String {
    let output = attempt(program, args, dir);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {text}", args.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with keys, certificates and signed files.
pub struct Workshop {
    dir: TempDir,
}

impl Workshop {
    pub fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.file(name), bytes).unwrap();
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap()
    }

    pub fn run(&self, program: &str, args: &[&str]) -> String {
        run(program, args, self.path())
    }

    /// `NAME.key` and `NAME.crt`: an authority of its own.
    pub fn authority(&self, name: &str, subject: &str, key: &str, digest: &str) {
        let (key_file, certificate) = (format!("{name}.key"), format!("{name}.crt"));
        let of = ["-newkey", key, digest, "-subj", subject, "-keyout", &key_file, "-out"];
        let fixed = ["req", "-x509", "-nodes", "-days", "3650"];
        self.run("openssl", &[&fixed[..], &of, &[&certificate]].concat());
    }

    /// `NAME.key` and `NAME.crt`, certified by another one; with a line of extensions if not empty.
    pub fn certified(&self, name: &str, subject: &str, by: &str, key: &str, extension: &str) {
        let names = ["key", "csr", "crt", "ext"].map(|end| format!("{name}.{end}"));
        let [key_file, request, certificate, extensions] = names.each_ref().map(String::as_str);
        let by = [format!("{by}.crt"), format!("{by}.key")];
        self.write(extensions, extension.as_bytes());
        let fixed = ["req", "-nodes", "-newkey", key, "-subj", subject];
        self.run("openssl", &[&fixed[..], &["-keyout", key_file, "-out", request]].concat());
        let fixed = ["x509", "-req", "-days", "3000", "-CAcreateserial", "-extfile", extensions];
        let with = ["-CA", &by[0], "-CAkey", &by[1], "-in", request, "-out", certificate];
        self.run("openssl", &[&fixed[..], &with].concat());
    }

    /// Signs a file with sbsign; further certificates go into the signature too.
    pub fn sign(&self, file: &str, by: &str, also: &[&str]) -> Vec<u8> {
        let (key, certificate) = (format!("{by}.key"), format!("{by}.crt"));
        let more: String = also
            .iter()
            .map(|name| fs::read_to_string(self.file(&format!("{name}.crt"))).unwrap())
            .collect();
        self.write("also.pem", more.as_bytes());
        let added: &[&str] = if also.is_empty() { &[] } else { &["--addcert", "also.pem"] };
        let fixed = ["--key", &key, "--cert", &certificate, "--output", file];
        self.run("sbsign", &[&fixed[..], added, &[file]].concat());
        self.bytes(file)
    }

    /// What sbverify says of a file, given the authority that is trusted.
    pub fn sbverify(&self, file: &str, authority: &str) -> bool {
        let certificate = format!("{authority}.crt");
        attempt("sbverify", &["--cert", &certificate, file], self.path()).status.success()
    }

    pub fn certificate(&self, name: &str) -> Certificate {
        let (pem, der) = (format!("{name}.crt"), format!("{name}.der"));
        self.run("openssl", &["x509", "-in", &pem, "-outform", "der", "-out", &der]);
        Certificate::read(&self.bytes(&der)).unwrap()
    }

    /// A list of one authority.
    pub fn trusting(&self, name: &str) -> Lists {
        Lists { certificates: vec![self.certificate(name)], ..Lists::default() }
    }
}

pub fn read(bytes: &[u8]) -> Binary {
    Binary::read(bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// 2026-11-26.
pub const NOW_S: i64 = 1_795_651_200;

/// A machine, in parts that a test changes.
pub struct Machine {
    pub db: Lists,
    pub dbx: Lists,
    pub mok: Lists,
    pub sbat_level: SbatLevel,
    pub now_s: i64,
}

impl Machine {
    pub fn new(db: Lists) -> Self {
        let (dbx, mok) = (Lists::default(), Lists::default());
        let sbat_level = secureboot::sbat::published().remove(0);
        // An hour after what was made a moment ago: no certificate is out of date.
        let now_s = db.certificates.first().map_or(NOW_S, |made| made.not_before.0 + 3600);
        Self { db, dbx, mok, sbat_level, now_s }
    }

    pub fn world(&self) -> World<'_> {
        let Self { db, dbx, mok, sbat_level, now_s } = self;
        World { db, dbx, mok, sbat_level, now_s: *now_s }
    }
}

/// Chance that can be repeated (xorshift64*).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}
