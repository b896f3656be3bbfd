//! The packet filter of this host, as its own programs print it.

use doctor::firewall::{Firewall, iptables, nft};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, io, thread};

/// A listing that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads it.
pub async fn look() -> Firewall {
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

fn read() -> Firewall {
    match printed("nft", &["-j", "list", "ruleset"]) {
        Ok(Some(json)) => return nft(&json),
        Ok(None) => {}
        Err(why) => return Firewall::Unread(why),
    }
    match printed("iptables-save", &[]) {
        Ok(Some(text)) => Firewall::Chains(iptables(&text)),
        Ok(None) if is_loaded() => {
            Firewall::Unread("neither nft nor iptables-save is installed".to_owned())
        }
        Ok(None) => Firewall::None,
        Err(why) => Firewall::Unread(why),
    }
}

/// What a program prints; none if there is no such program.
fn printed(program: &str, arguments: &[&str]) -> Result<Option<String>, String> {
    // Operators' paths often leave out where such programs are.
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = match command.spawn() {
        Ok(child) => child,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("{program}: {e}")),
    };
    let (sender, done) = mpsc::channel();
    // It waits and reads; whoever asked goes on without it if that takes too long.
    thread::spawn(move || sender.send(child.wait_with_output()));
    let done = done.recv_timeout(PATIENCE).map_err(|_| format!("{program} does not end"))?;
    let done = done.map_err(|e| format!("{program}: {e}"))?;
    if done.status.success() {
        return Ok(Some(String::from_utf8_lossy(&done.stdout).into_owned()));
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let line = said.lines().next().unwrap_or("it failed without a word");
    Err(format!("{program}: {}", model::text::show(line.as_bytes())))
}

/// The kernel has a packet filter in use, as far as its modules tell.
fn is_loaded() -> bool {
    let modules = fs::read_to_string("/proc/modules").unwrap_or_default();
    modules
        .lines()
        .any(|line| line.starts_with("nf_tables ") || line.starts_with("iptable_filter "))
}
