//! This host: rights, state directory, disk, clock.

use super::Known;
use doctor::host::Host;
use nix::sys::statvfs::statvfs;
use nix::unistd::Uid;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Ports below 1024 (capabilities(7)).
const NET_BIND_SERVICE: u64 = 1 << 10;
/// Packet sockets, for clients that have no address yet.
const NET_RAW: u64 = 1 << 13;

/// Looks at all of it.
pub fn look(known: &Known) -> Host {
    let state = &known.state;
    let mode = fs::metadata(state).map(|seen| seen.permissions().mode() & 0o777);
    let told = known.told.as_ref().and_then(|told| told.free);
    Host {
        rights: Some(rights()),
        state: state.display().to_string(),
        state_mode: mode.ok(),
        free: told.or_else(|| free(state)),
        now_s: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        synchronised: serve::clock_synchronised(),
    }
}

fn rights() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let wanted = NET_BIND_SERVICE | NET_RAW;
    effective.map_or_else(|| Uid::effective().is_root(), |has| has & wanted == wanted)
}

/// Bytes left for the directory, or for where it will be made.
fn free(state: &Path) -> Option<u64> {
    let there = state.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let said = statvfs(there).ok()?;
    said.blocks_available().checked_mul(said.fragment_size())
}
