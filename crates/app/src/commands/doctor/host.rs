//! This host: rights, disk, clock.

use super::{Finding, Known};
use crate::config::DEFAULT_STATE;
use api::types::Doctor as Told;
use model::event::show_bytes;
use nix::sys::statvfs::statvfs;
use nix::unistd::Uid;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Ports below 1024 (capabilities(7)).
const NET_BIND_SERVICE: u64 = 1 << 10;
/// Packet sockets, for clients that have no address yet.
const NET_RAW: u64 = 1 << 13;
/// An installer image has about this.
const SPACE_GOOD: u64 = 2 << 30;
/// Leases and events need this.
const SPACE_MIN: u64 = 64 << 20;
/// 2025-01-01: no computer that runs this program lives before it.
const CLOCK_MIN_S: u64 = 1_735_689_600;

/// Looks at all of it.
pub fn look(known: &Known, state: Option<&Path>) -> Vec<Finding> {
    let told = known.told.as_ref();
    let its_own = told.map(|told| told.status.state.clone());
    let state = its_own
        .or_else(|| state.map(Path::to_owned))
        .unwrap_or_else(|| PathBuf::from(DEFAULT_STATE));
    let mut findings = vec![clock(), space(&state, told)];
    if told.is_none() {
        findings.push(rights());
        findings.extend(privacy(&state));
    }
    findings
}

fn rights() -> Finding {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let wanted = NET_BIND_SERVICE | NET_RAW;
    match effective {
        Some(has) if has & wanted == wanted => Finding::good("the rights to open its ports"),
        None if Uid::effective().is_root() => Finding::good("the rights to open its ports"),
        _ => Finding::bad(
            "no right to open ports below 1024 or packet sockets",
            "DHCP and TFTP are served on ports 67 and 69, and machines without an address are \
             reached by packet sockets",
            "run it as root, or with CAP_NET_BIND_SERVICE and CAP_NET_RAW",
        ),
    }
}

fn privacy(state: &Path) -> Option<Finding> {
    let mode = fs::metadata(state).ok()?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Some(Finding::good(format!("{} is ours alone", state.display())));
    }
    Some(Finding::bad(
        format!("{} may be read by others (mode {mode:04o})", state.display()),
        "the server refuses to start on it",
        format!("chmod 700 {}", state.display()),
    ))
}

fn space(state: &Path, told: Option<&Told>) -> Finding {
    let there = state.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let asked = || {
        let said = statvfs(there).ok()?;
        said.blocks_available().checked_mul(said.fragment_size())
    };
    let free = told.and_then(|told| told.free).or_else(asked);
    let Some(free) = free else {
        let what = format!("{} does not say how much room is left", there.display());
        return Finding::note(what, "imports may run out of it", String::new());
    };
    let what = format!("{} free for {}", show_bytes(free), state.display());
    match free {
        SPACE_GOOD.. => Finding::good(what),
        SPACE_MIN.. => Finding::note(
            what,
            "an image may not fit",
            "remove images: bootwright image list, bootwright image remove NAME",
        ),
        _ => Finding::bad(
            what,
            "no lease can be kept on a full disk, and what is not kept is not promised",
            "free some space there",
        ),
    }
}

fn clock() -> Finding {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    match now >= CLOCK_MIN_S {
        true => Finding::good("the clock shows a possible time"),
        false => Finding::note(
            format!("the clock shows {}", model::Now(now.saturating_mul(1000))),
            "times in events, leases and imports will be wrong",
            "set it: timedatectl set-ntp true",
        ),
    }
}
