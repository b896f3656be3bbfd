//! What the tests need beside the crate: programs that may be missing, and how that is said.
#![allow(dead_code, reason = "each test file uses its own part of it")]

pub mod emulator;
pub mod service;

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Whether the programs a test needs are there. If not, it is skipped aloud, and in CI it fails.
pub fn able(needs: &[&str]) -> bool {
    let there = |tool: &&&str| {
        std::env::split_paths("/usr/sbin:/usr/bin:/sbin:/bin").any(|dir| dir.join(tool).exists())
    };
    let missing: Vec<&str> = needs.iter().filter(|tool| !there(tool)).copied().collect();
    missing.is_empty() || skipped(&format!("it needs {}", missing.join(", ")))
}

/// Whether namespaces can be made.
pub fn root() -> bool {
    nix::unistd::geteuid().is_root() || skipped("it makes network namespaces, which root alone may")
}

/// Says so, and fails in CI.
pub fn skipped(why: &str) -> bool {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let text = format!("{test} SKIPPED: {why}");
    let ci = std::env::var("CI").unwrap_or_default();
    assert!(!matches!(ci.as_str(), "true" | "1"), "{text}");
    eprintln!("{text}");
    false
}

pub fn run(program: &str, args: &[&str], dir: &Path) -> Output {
    let mut command = Command::new("timeout");
    command.args(["60", program]).args(args).current_dir(dir).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {text}", args.join(" "));
    output
}
