//! When a boot is over, or quiet for longer than a machine at its stage is.

use model::event::Cut;
use model::plan::Does;
use model::story::{BootStage, Carrying, Did, Ending, Step};
use model::{Now, Story};
use std::time::Duration;

/// EDK2 asks for an address in windows of 4, 8, 16 and 32 seconds, iPXE for 35; some firmware repeats
/// that once. Loaders follow one another within seconds; firmware that writes flash pauses for 50.
const ASKING: Duration = Duration::from_secs(90);
/// Kernels of large systems unpack for a minute, and wait for cards that are slow to come up.
const STARTING: Duration = Duration::from_secs(300);
/// A transfer of which nothing is heard ends by itself long before.
const CARRYING: Duration = Duration::from_secs(900);

/// So often the same trouble is no accident: it goes round and round.
const SAME_TROUBLE: usize = 3;

/// When a boot is to be judged, if nothing more is heard of it; none: never.
#[must_use]
pub fn due(story: &Story) -> Option<Now> {
    if story.next.is_some() || matches!(story.ending, Ending::InstallationFailed { .. }) {
        return Some(story.until);
    }
    if is_stuck(story) {
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

/// Whether it meets the same trouble again and again: loaders try the same file for ever.
fn is_stuck(story: &Story) -> bool {
    let troubles: Vec<&Step> = story.steps.iter().filter(|step| is_obstacle(step)).collect();
    troubles.last().is_some_and(|last| {
        let same = troubles.iter().filter(|step| is_same(&step.what, &last.what));
        same.map(|step| step.times as usize).sum::<usize>() >= SAME_TROUBLE
    })
}

/// Whether two troubles are the same, however many bytes came before.
fn is_same(one: &Did, other: &Did) -> bool {
    match (one, other) {
        (Did::Transfer(one), Did::Transfer(other)) => {
            (&one.file, one.by, one.cut) == (&other.file, other.by, other.cut)
        }
        (one, other) => one == other,
    }
}

/// Trouble that a machine does not get past by asking again.
fn is_obstacle(step: &Step) -> bool {
    match &step.what {
        Did::Missed { .. } => step.is_trouble(),
        Did::Transfer(carried) => {
            carried.state == Carrying::Failed
                && matches!(carried.cut, Some(Cut::Source | Cut::Closed))
        }
        // Whoever is told to boot and does not come again got what he was told.
        Did::Script { does: Some(Does::Boot), .. } => true,
        Did::Handshake { .. } => true,
        _ => false,
    }
}
