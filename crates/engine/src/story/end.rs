//! How a boot ended, or that it goes on: what the last that was heard speaks for.

use super::open::Open;
use model::Now;
use model::plan::Why;
use model::story::{BootStage, Carrying, Did, Ending, Step};
use std::time::Duration;

/// So long firmware, loaders and scripts may say nothing before a boot counts as ended: the longest
/// wait of EDK2 between two DISCOVERs is 32 s, and somebody may look for a cable.
const QUIET_MAX: Duration = Duration::from_secs(120);
/// After so long a silence the machine has its kernel and all that belongs to it.
const KERNEL_QUIET: Duration = Duration::from_secs(30);
/// So long an installer may say nothing.
const INSTALLER_QUIET_MAX: Duration = Duration::from_secs(2 * 3600);

/// `again`: the machine has begun another boot since.
pub(super) fn ending(open: &Open, now: Now, again: bool) -> Ending {
    let quiet = now.since(open.until);
    let over = |after: Duration| again || quiet >= after;
    let steps = || open.steps.iter().rev().map(|kept| &kept.step);
    if let Some(ended) = steps().find_map(deployed) {
        return ended;
    }
    if open.head.deployment.is_some() && open.furthest >= BootStage::Installer {
        return if over(INSTALLER_QUIET_MAX) { Ending::Stopped } else { Ending::GoesOn };
    }
    if open.up.is_some() {
        return Ending::SystemUp;
    }
    if open.is_carrying() && !again {
        return Ending::GoesOn;
    }
    let last = steps().find(|step| speaks_of_the_end(step));
    match last.map(|step| (&step.what, step.stage)) {
        Some((Did::Dhcp(asked), _)) if asked.why == Some(Why::LocalDiskBySilence) => {
            Ending::LocalDisk
        }
        Some((Did::Script { does: Some(does), .. }, _)) if does.is_local_disk() => {
            Ending::LocalDisk
        }
        Some((Did::Script { decision, .. }, _)) if over(QUIET_MAX) => {
            Ending::Left { told: decision.clone() }
        }
        Some((Did::Transfer(_), BootStage::Kernel)) if last.is_some_and(|s| !s.is_trouble()) => {
            if over(KERNEL_QUIET) {
                Ending::KernelSent
            } else {
                Ending::GoesOn
            }
        }
        Some((_, BootStage::Installer)) if !over(INSTALLER_QUIET_MAX) => Ending::GoesOn,
        _ if over(QUIET_MAX) => Ending::Stopped,
        _ => Ending::GoesOn,
    }
}

/// How a deployment ended, if this step says so.
fn deployed(step: &Step) -> Option<Ending> {
    let Did::Deployment { step, words, .. } = &step.what else { return None };
    match step.as_str() {
        "done" => Some(Ending::Installed),
        "failed" => Some(Ending::InstallationFailed { why: words.clone() }),
        _ => None,
    }
}

/// Names that need not exist, and what is told of a machine, say nothing of where it stands; nor does a
/// script on its way, which said already what it does.
fn speaks_of_the_end(step: &Step) -> bool {
    match &step.what {
        Did::Missed { expected, .. } => !expected,
        Did::Transfer(carried) => {
            step.stage != BootStage::Script || carried.state == Carrying::Failed
        }
        Did::Told | Did::Alarm | Did::Log { .. } => false,
        _ => true,
    }
}
