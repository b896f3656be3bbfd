//! This host: rights, the state directory, room on the disk, the clock.

use crate::{Code, Finding};
use model::Now;
use model::event::show_bytes;

/// An installer image has about this.
const SPACE_GOOD: u64 = 2 << 30;
/// Leases and events need this.
const SPACE_MIN: u64 = 64 << 20;
/// 2025-01-01: no computer that runs this program lives before it.
const CLOCK_MIN_S: u64 = 1_735_689_600;

/// What was seen of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Host {
    /// Whether the ports and packet sockets may be opened; none if that was not looked at.
    pub rights: Option<bool>,
    /// The state directory.
    pub state: String,
    /// Its permission bits; none if it is not there yet.
    pub state_mode: Option<u32>,
    /// Free bytes for it; none if the system does not say.
    pub free: Option<u64>,
    /// Seconds since 1970.
    pub now_s: u64,
    /// Whether the kernel holds the clock for synchronised; none if it does not say.
    pub synchronised: Option<bool>,
}

/// What follows.
#[must_use]
pub fn judge(host: &Host, runs: bool) -> Vec<Finding> {
    let mut findings = vec![clock(host), space(host)];
    if !runs {
        findings.extend(host.rights.map(rights));
        findings.extend(host.state_mode.map(|mode| privacy(&host.state, mode)));
    }
    findings
}

fn rights(has: bool) -> Finding {
    if has {
        return Finding::good("the rights to open its ports");
    }
    Finding::bad(
        Code::Rights,
        "no right to open ports below 1024 or packet sockets",
        "DHCP and TFTP are served on ports 67 and 69, and machines without an address are reached \
         by packet sockets",
        "run it as root, or with CAP_NET_BIND_SERVICE and CAP_NET_RAW",
    )
}

fn privacy(state: &str, mode: u32) -> Finding {
    if mode & 0o077 == 0 {
        return Finding::good(format!("{state} is ours alone"));
    }
    Finding::bad(
        Code::StateOpen,
        format!("{state} may be read by others (mode {mode:04o})"),
        "the server refuses to start on it",
        format!("chmod 700 {state}"),
    )
}

fn space(host: &Host) -> Finding {
    let Some(free) = host.free else {
        let what = format!("the system does not say how much room is left for {}", host.state);
        let mend = format!("df -h {}", host.state);
        return Finding::note(Code::Disk, what, "imports may run out of it", mend);
    };
    let what = format!("{} free for {}", show_bytes(free), host.state);
    match free {
        SPACE_GOOD.. => Finding::good(what),
        SPACE_MIN.. => Finding::note(
            Code::Disk,
            what,
            "an image may not fit",
            "remove images: bootwright image list, bootwright image remove NAME",
        ),
        _ => Finding::bad(
            Code::Disk,
            what,
            "no lease can be kept on a full disk, and what is not kept is not promised",
            "free some space there; bootwright image list shows what is large",
        ),
    }
}

fn clock(host: &Host) -> Finding {
    let shown = Now(host.now_s.saturating_mul(1000));
    let mend = "timedatectl set-ntp true";
    if host.now_s < CLOCK_MIN_S {
        return Finding::note(
            Code::ClockWrong,
            format!("the clock shows {shown}"),
            "certificates made now are not valid for machines with a right clock, and times in \
             events and imports are wrong",
            mend,
        );
    }
    match host.synchronised {
        Some(true) => Finding::good("the clock is kept right"),
        None => Finding::good("the clock shows a possible time"),
        Some(false) => Finding::note(
            Code::ClockUnsynced,
            format!("the clock shows {shown}, and nothing keeps it right"),
            "certificates and the times of answer files and logs go by it",
            mend,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grade;

    fn host() -> Host {
        Host {
            rights: Some(true),
            state: "/var/lib/bootwright".to_owned(),
            state_mode: Some(0o700),
            free: Some(SPACE_GOOD),
            now_s: CLOCK_MIN_S,
            synchronised: Some(true),
        }
    }

    fn codes(host: &Host, runs: bool) -> Vec<(Code, Grade)> {
        let all = judge(host, runs).into_iter().filter(|f| f.grade != Grade::Good);
        all.map(|f| (f.code, f.grade)).collect()
    }

    #[test]
    fn a_good_host_is_good_before_and_after_the_start() {
        assert_eq!(codes(&host(), false), []);
        assert_eq!(codes(&host(), true), []);
        assert_eq!(codes(&Host { free: None, ..host() }, true), [(Code::Disk, Grade::Note)]);
    }

    #[test]
    fn every_fault_has_its_code() {
        let bad = Host {
            rights: Some(false),
            state_mode: Some(0o755),
            free: Some(SPACE_MIN - 1),
            now_s: 0,
            ..host()
        };
        let (wrong, full) = ((Code::ClockWrong, Grade::Note), (Code::Disk, Grade::Bad));
        let rest = [(Code::Rights, Grade::Bad), (Code::StateOpen, Grade::Bad)];
        assert_eq!(codes(&bad, false), [&[wrong, full], &rest[..]].concat());
        // A server that runs has its rights and its directory.
        assert_eq!(codes(&bad, true), [wrong, full]);
        let drifting = Host { synchronised: Some(false), free: Some(SPACE_MIN), ..host() };
        let notes = [(Code::ClockUnsynced, Grade::Note), (Code::Disk, Grade::Note)];
        assert_eq!(codes(&drifting, true), notes);
    }
}
