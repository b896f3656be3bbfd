//! Boots that end between their script and their kernel.

use super::Finding;
use super::trail::{Role, Trail, bare, known, seen};
use crate::boot::Forecast;
use model::client::Stage;
use model::diagnosis::Certainty::{Certain, Likely, Possible};
use model::event::Cut;
use model::image::Image;
use model::plan::{Reason, Why};
use model::story::{BootStage, Carried, Carrying, Did, Step};
use model::{Client, Firmware, Now};

pub(super) fn profile_cannot_boot(trail: &Trail<'_>) -> Option<Finding> {
    let told = trail.decision().or_else(|| {
        let named = |(step, e): (_, &model::story::Exchange)| e.file.is_some().then_some(step);
        trail.exchanges().rev().find_map(named)
    })?;
    let story = trail.case.story;
    // The decision that led here, made again: nothing of it is kept.
    let client = Client {
        arch: trail.arch(),
        firmware: trail.firmware().unwrap_or(Firmware::Pxe),
        stage: Stage::Firmware,
        memory_mib: trail.machine.and_then(|machine| machine.memory_mib),
        ..Client::unknown(story.links.last()?, story.machine)
    };
    let plan = trail.case.engine.plan(trail.case.now, &client);
    let (what, why) = plan.reasons.iter().find_map(|reason| match reason {
        Reason::CannotBoot { what, why } => Some((what, why)),
        _ => None,
    })?;
    Some(Finding::new(
        Certain,
        format!("{what}, which it is to boot, cannot be booted on it: {why}"),
        [seen(told)],
        format!(
            "give it another profile: `bootwright machine set {} --profile NAME`, or a rule for its \
             architecture",
            trail.named()
        ),
    ))
}

/// The file of an image that it asked for in vain.
fn missed<'a>(trail: &Trail<'a>, is: impl Fn(Role) -> bool) -> Option<(&'a Step, &'a str)> {
    if trail.reached(BootStage::Installer) {
        return None;
    }
    trail.missed().rev().find_map(|(step, why)| {
        let Why::NoSuchFile { name, .. } = why else { return None };
        is(role_asked(trail, name)?).then_some((step, name.as_str()))
    })
}

/// What part a file would have that is not there: by its recipe, and where the whole image is gone by
/// whether anything else of it came before.
fn role_asked(trail: &Trail<'_>, name: &str) -> Option<Role> {
    let file = trail.image_file(name)?;
    if let Some(role) = trail.role(name) {
        return Some(role);
    }
    let same = |other: &str| {
        trail.image_file(other).is_some_and(|o| (o.name, o.version) == (file.name, file.version))
    };
    let before = trail.done().any(|(_, c)| same(&c.file));
    Some(if before { Role::Initrd } else { Role::Kernel })
}

/// What to do about a file of an image that is not there.
fn bring_back(trail: &Trail<'_>, name: &str) -> String {
    match trail.image_file(name) {
        Some(file) if file.image.is_none() => format!(
            "the image {} {} was removed: import it again, or give the machine another profile",
            file.name, file.version
        ),
        Some(file) => format!(
            "import the image again: `bootwright image import PATH --name {}`; `bootwright image verify \
             {}` says what is missing",
            file.name, file.name
        ),
        None => "`bootwright image list` shows what there is".to_owned(),
    }
}

pub(super) fn kernel_missing(trail: &Trail<'_>) -> Option<Finding> {
    let (step, name) = missed(trail, |role| role == Role::Kernel)?;
    Some(Finding::new(
        Certain,
        format!("it was told to boot {}, and that kernel is not there", bare(name)),
        trail.decision().map(seen).into_iter().chain([seen(step)]),
        bring_back(trail, name),
    ))
}

pub(super) fn initrd_missing(trail: &Trail<'_>) -> Option<Finding> {
    let (step, name) = missed(trail, |role| role == Role::Initrd)?;
    let kernel = trail.kernel().filter(|(kernel, _)| kernel.at <= step.at);
    let all = kernel.is_some_and(|(_, image)| trail.has_all_initrds(image));
    if all {
        return None;
    }
    Some(Finding::new(
        Certain,
        format!(
            "it has its kernel and not {}, which is loaded with it: that file is not there",
            bare(name)
        ),
        kernel.map(|(kernel, _)| seen(kernel)).into_iter().chain([seen(step)]),
        bring_back(trail, name),
    ))
}

pub(super) fn too_little_memory(trail: &Trail<'_>) -> Option<Finding> {
    let Some(has_mib) = trail.machine?.memory_mib else { return no_room(trail) };
    let (step, image) = loading(trail)?;
    let Forecast { mib, because, less } = Forecast::of(image).filter(|f| has_mib < f.mib)?;
    if trail.reached(BootStage::Installer) {
        return None;
    }
    let last = trail.steps.last().filter(|last| last.at > step.at).map(seen);
    let remedy = less.unwrap_or_else(|| {
        format!("give the machine {mib} MiB of memory or more, or a profile of something smaller")
    });
    Some(Finding::new(
        Likely,
        format!(
            "it has {has_mib} MiB of memory and {} needs about {mib} MiB to start: {}",
            image.title,
            because.join(", ")
        ),
        [known(format!("the machine said that it has {has_mib} MiB")), seen(step)]
            .into_iter()
            .chain(last),
        remedy,
    ))
}

/// So often a loader gave a file up and asked for its script again, until it is no accident.
const GIVEN_UP: usize = 3;

/// The loader takes a part of a file, stops, and asks what to do again: what iPXE does without a word
/// on the wire when there is no memory left (`image_set_data`: ENOSPC). A lost link ends otherwise:
/// nobody asks then, and an error of ours is on record.
fn no_room(trail: &Trail<'_>) -> Option<Finding> {
    if trail.reached(BootStage::Installer) {
        return None;
    }
    let scripts = |from: Now, until: Option<Now>| {
        let told = trail.steps.iter().filter(|step| matches!(step.what, Did::Script { .. }));
        told.filter(|step| step.at > from && until.is_none_or(|until| step.at <= until)).count()
    };
    let given_up = |(step, c): &(&Step, &Carried)| {
        let role = matches!(trail.role(&c.file), Some(Role::Kernel | Role::Initrd));
        let ours = c.cut == Some(Cut::Source);
        role && !ours
            && match c.state {
                Carrying::Done => false,
                Carrying::Failed => scripts(step.at, Some(step.until)) > 0,
                Carrying::Runs => scripts(step.at, None) > 0,
            }
    };
    let all: Vec<(&Step, &Carried)> = trail.transfers().filter(given_up).collect();
    let (last, carried) = *all.last()?;
    let same = || all.iter().filter(|(_, c)| bare(&c.file) == bare(&carried.file));
    let times: usize = same().map(|(step, _)| step.times as usize).sum();
    if times < GIVEN_UP {
        return None;
    }
    let image = trail.image_file(&carried.file)?.image?;
    let Forecast { mib, because, less } = Forecast::of(image)?;
    let first = same().next().map_or(last, |(step, _)| step);
    Some(Finding::new(
        Likely,
        format!(
            "its loader began to take {} {times} times, took no more of it and asked for its script \
             again: there is no room for it; {} needs about {mib} MiB to start: {}",
            bare(&carried.file),
            image.title,
            because.join(", ")
        ),
        [seen(first), seen(last)],
        less.unwrap_or_else(|| {
            format!(
                "give the machine {mib} MiB of memory or more, or a profile of something smaller; its \
                 screen says `No space left on device` then"
            )
        }),
    ))
}

/// The first file of an image that it was sent, whole or not.
fn loading<'a>(trail: &Trail<'a>) -> Option<(&'a Step, &'a Image)> {
    trail.transfers().find_map(|(step, c)| {
        let role = trail.role(&c.file)?;
        let image = trail.image_file(&c.file)?.image?;
        matches!(role, Role::Kernel | Role::Initrd).then_some((step, image))
    })
}

pub(super) fn kernel_refused(trail: &Trail<'_>) -> Option<Finding> {
    let (kernel, image) = trail.kernel()?;
    let initrds = &image.recipe.initrds;
    let of_initrds = |step: &Step| match &step.what {
        Did::Transfer(c) => trail.role(&c.file) == Some(Role::Initrd),
        Did::Missed { expected, .. } => !expected,
        _ => false,
    };
    if initrds.is_empty()
        || trail.steps.iter().any(of_initrds)
        || trail.reached(BootStage::Installer)
    {
        return None;
    }
    let grub =
        |step: &Step| matches!(&step.what, Did::Script { form, .. } if form.contains("GRUB"));
    let through_grub = trail.steps.iter().any(grub);
    let (sure, because, remedy) = match through_grub && trail.is_uefi() {
        true => (
            Likely,
            "with Secure Boot on, GRUB starts only kernels that its shim trusts",
            "boot an image that brings its own shim and GRUB (`bootwright image show` says which do)",
        ),
        false => (
            Possible,
            "it is no kernel for this machine, or there was no memory for it",
            "read its screen; compare the architecture of the image with that of the machine",
        ),
    };
    Some(Finding::new(
        sure,
        format!(
            "its bootloader fetched the kernel and not what belongs to it ({}): {because}",
            initrds.join(", ")
        ),
        [seen(kernel)],
        remedy,
    ))
}
