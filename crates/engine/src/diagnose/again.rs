//! Boots that end where the one before ended: the machine goes round in a circle.

use super::Finding;
use super::trail::{Role, Trail, known};
use model::Story;
use model::diagnosis::Certainty::Likely;
use model::diagnosis::Evidence;
use model::plan::Does;
use model::story::{BootStage, Carrying, Did, Ending};
use std::time::Duration;

/// So many boots in a row are a circle.
const ROUNDS: usize = 3;
/// Firmware that finds no system on its disk is back within this.
const BACK_FROM_DISK: Duration = Duration::from_secs(180);
/// A kernel that panics starts the machine anew within this.
const BACK_FROM_KERNEL: Duration = Duration::from_secs(900);
/// An installer takes longer.
const BACK_FROM_INSTALLER: Duration = Duration::from_secs(3 * 3600);

/// This boot and those before it, the newest first, as long as each is alike and followed by the next
/// within `back`. The newest must be followed, too: it may be the one that goes well.
fn rounds<'a>(
    trail: &Trail<'a>,
    back: Duration,
    alike: impl Fn(&Story) -> bool,
) -> Option<Vec<&'a Story>> {
    let mut next = trail.case.next?.from;
    let mut round = Vec::new();
    for story in std::iter::once(trail.case.story).chain(trail.case.earlier.iter().copied()) {
        if !alike(story) || next.since(story.until) > back {
            break;
        }
        next = story.from;
        round.push(story);
    }
    (round.len() >= ROUNDS).then_some(round)
}

fn each(round: &[&Story]) -> Vec<Evidence> {
    round
        .iter()
        .rev()
        .map(|story| Evidence {
            at: Some(story.from),
            says: format!("boot {}: {}", story.id, story.outcome()),
        })
        .collect()
}

pub(super) fn local_disk_does_not_start(trail: &Trail<'_>) -> Option<Finding> {
    let to_disk = |story: &Story| {
        let does = story.steps.iter().rev().find_map(|step| match &step.what {
            Did::Script { does, .. } => *does,
            _ => None,
        });
        does.is_some_and(Does::is_local_disk) && story.furthest <= BootStage::Script
    };
    let round = rounds(trail, BACK_FROM_DISK, to_disk)?;
    Some(Finding::new(
        Likely,
        format!(
            "it was told {} times in a row to start its own disk and came back at once: there is no \
             system on it that its firmware starts",
            round.len()
        ),
        each(&round),
        format!(
            "install it: `bootwright machine deploy {} --profile NAME`; or put its disk into the boot \
             order of its set-up",
            trail.named()
        ),
    ))
}

/// The image whose kernel a story sent, with its version.
fn image_of<'a>(trail: &Trail<'a>, story: &Story) -> Option<String> {
    story.steps.iter().rev().find_map(|step| match &step.what {
        Did::Transfer(c)
            if c.state == Carrying::Done && trail.role(&c.file) == Some(Role::Kernel) =>
        {
            trail.image_file(&c.file).map(|file| format!("{} {}", file.name, file.version))
        }
        _ => None,
    })
}

/// Whether the system that it started was heard.
fn is_up(story: &Story) -> bool {
    story.furthest >= BootStage::Installer || story.ending == Ending::SystemUp
}

pub(super) fn installer_loop(trail: &Trail<'_>) -> Option<Finding> {
    // Live systems are started again and again.
    let (_, installer) = trail.kernel().filter(|(_, image)| image.recipe.answer.is_some())?;
    let image = image_of(trail, trail.case.story)?;
    let alike = |story: &Story| image_of(trail, story).as_ref() == Some(&image) && is_up(story);
    let round = rounds(trail, BACK_FROM_INSTALLER, alike)?;
    Some(Finding::new(
        Likely,
        format!(
            "it started the installer {} {} times in a row: nothing tells it to start its own disk once \
             it is installed",
            installer.title,
            round.len()
        ),
        each(&round)
            .into_iter()
            .chain([known(format!("its profile leads it to {image} at every boot"))]),
        format!(
            "install by `bootwright machine deploy {0} --profile NAME`, which gives each machine its installer once; or \
             take its profile away: `bootwright machine set {0} --no-profile`",
            trail.named()
        ),
    ))
}

pub(super) fn boot_loops(trail: &Trail<'_>) -> Option<Finding> {
    let image = image_of(trail, trail.case.story)?;
    let alike = |story: &Story| image_of(trail, story).as_ref() == Some(&image) && !is_up(story);
    let round = rounds(trail, BACK_FROM_KERNEL, alike)?;
    Some(Finding::new(
        Likely,
        format!(
            "it started the kernel of {image} {} times in a row and came back each time without a word \
             of the system: that kernel stops and starts the machine anew",
            round.len()
        ),
        each(&round),
        "read its screen (add `panic=0` to its profile's arguments, so that it stays); another kernel, \
         or `acpi=off`, tells whether it is the hardware",
    ))
}
