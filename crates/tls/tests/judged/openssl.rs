//! OpenSSL's program: makes certificates of every kind, and judges ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory in which it works.
pub struct Openssl {
    directory: tempfile::TempDir,
}

impl Openssl {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn at(&self) -> &Path {
        self.directory.path()
    }

    /// Whatever it does, with what it said.
    pub fn try_to(&self, words: &str) -> Output {
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut command = Command::new("openssl");
        command.args(words).current_dir(self.directory.path());
        command.output().expect("openssl is installed")
    }

    /// What must work; gives what it wrote.
    pub fn run(&self, words: &str) -> String {
        let output = self.try_to(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {words}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// `NAME.key` by `genpkey`, and `NAME.pem` signed by `by` (or by itself) with this digest.
    pub fn certificate(&self, name: &str, key: &str, by: Option<&str>, ca: bool, digest: &str) {
        self.run(&format!("genpkey {key} -out {name}.key"));
        let basic = if ca { "critical,CA:TRUE" } else { "CA:FALSE" };
        let extensions =
            format!("basicConstraints={basic}\nsubjectAltName=DNS:{name},IP:10.77.0.1\n");
        fs::write(self.path("ext"), extensions).unwrap();
        self.run(&format!("req -new -key {name}.key -subj /CN={name} -out {name}.csr"));
        let signer = match by {
            Some(by) => format!("-CA {by}.pem -CAkey {by}.key -CAcreateserial"),
            None => format!("-signkey {name}.key"),
        };
        self.run(&format!(
            "x509 -req -in {name}.csr {signer} -days 100 -{digest} -extfile ext -out {name}.pem"
        ));
    }

    pub fn join(&self, into: &str, parts: &[&str]) {
        let whole: Vec<String> =
            parts.iter().map(|part| fs::read_to_string(self.path(part)).unwrap()).collect();
        fs::write(self.path(into), whole.concat()).unwrap();
    }
}
