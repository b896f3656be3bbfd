//! When a boot is over, or quiet for longer than a machine at its stage is.

use model::story::{BootStage, Carrying, Did, Ending};
use model::{Now, Story};
use std::time::Duration;

/// EDK2 asks for an address in windows of 4, 8, 16 and 32 seconds, iPXE for 35; some firmware repeats
/// that once. Loaders follow one another within seconds; firmware that writes flash pauses for 50.
const ASKING: Duration = Duration::from_secs(90);
/// Kernels of large systems unpack for a minute, and wait for cards that are slow to come up.
const STARTING: Duration = Duration::from_secs(300);
/// A transfer of which nothing is heard ends by itself long before.
const CARRYING: Duration = Duration::from_secs(900);

/// When a boot is to be judged, if nothing more is heard of it; none: never.
#[must_use]
pub fn due(story: &Story) -> Option<Now> {
    if story.next.is_some() || matches!(story.ending, Ending::InstallationFailed { .. }) {
        return Some(story.until);
    }
    let runs = |did: &Did| matches!(did, Did::Transfer(c) if c.state == Carrying::Runs);
    if story.steps.iter().any(|step| runs(&step.what)) {
        return Some(story.until + CARRYING);
    }
    if let Ending::Left { .. } = story.ending {
        return None;
    }
    let patience = match story.furthest {
        BootStage::Firmware | BootStage::Loader | BootStage::Script => ASKING,
        BootStage::Kernel | BootStage::Installer | BootStage::System => STARTING,
    };
    Some(story.until + patience)
}
