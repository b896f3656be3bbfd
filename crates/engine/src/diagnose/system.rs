//! Boots that end after the kernel was started.

use super::Finding;
use super::trail::{Trail, bare, known, seen};
use model::diagnosis::Certainty::{Certain, Likely};
use model::image::Image;
use model::plan::Why;
use model::story::{BootStage, Did, Step};

/// Placeholders of arguments that make the system fetch something from us.
const FROM_US: [&str; 4] = ["{B}", "{S}", "{I}", "{A}"];

pub(super) fn kernel_silent(trail: &Trail<'_>) -> Option<Finding> {
    let (kernel, image) = trail.kernel().filter(|(_, image)| trail.has_all_initrds(image))?;
    let last = trail.done().next_back().map_or(kernel, |(step, _)| step);
    let heard = |step: &Step| match &step.what {
        Did::Dhcp(exchange) => exchange.program.as_deref() == Some("system"),
        Did::Alarm | Did::Told => false,
        _ => true,
    };
    if trail.after(last).any(heard) || trail.reached(BootStage::Installer) {
        return None;
    }
    let due = expected(trail, image)?;
    Some(Finding::new(
        Likely,
        format!(
            "its kernel and all that is loaded with it went out, and nothing was heard since, though \
             {due}"
        ),
        [seen(kernel), seen(last)],
        "look at its screen: add `console=ttyS0` or `nomodeset` to its profile's arguments if it stays \
         dark; a network card without a driver in that initrd, or an ACPI fault, looks the same from here",
    ))
}

/// What the system would have to ask us for, in words.
fn expected(trail: &Trail<'_>, image: &Image) -> Option<String> {
    let recipe = &image.recipe;
    if trail.case.story.deployment.is_some() && recipe.answer.is_some() {
        return Some("its installer has to fetch its answer file from us".to_owned());
    }
    let asks = |args: &str| FROM_US.iter().any(|place| args.contains(place));
    asks(&recipe.args).then(|| "its arguments name files that it has to fetch from us".to_owned())
}

pub(super) fn installer_file_missing(trail: &Trail<'_>) -> Option<Finding> {
    let (kernel, image) = trail.kernel().filter(|(_, image)| trail.has_all_initrds(image))?;
    let (step, why) = trail.missed().rev().find(|(step, _)| step.at > kernel.until)?;
    let Why::NoSuchFile { name, hint } = why else { return None };
    // Files need not exist for which something else was taken.
    if trail.after(step).any(|later| matches!(later.what, Did::Transfer(_))) {
        return None;
    }
    Some(Finding::new(
        Certain,
        format!("the system that it started asked for {}, which we do not have", bare(name)),
        [seen(kernel), seen(step)],
        hint.clone().unwrap_or_else(|| {
            format!(
                "import {} whole (the disc, not its kernel alone), or take the argument that names the \
                 file out of its profile",
                image.name
            )
        }),
    ))
}

/// The last step of its deployment of one of these kinds.
fn deployment<'a>(trail: &Trail<'a>, kinds: &[&str]) -> Option<(&'a Step, &'a str, &'a str)> {
    trail.steps.iter().rev().find_map(|step| match &step.what {
        Did::Deployment { deployment, step: kind, words } if kinds.contains(&kind.as_str()) => {
            Some((step, deployment.as_str(), words.as_str()))
        }
        _ => None,
    })
}

pub(super) fn answers_refused(trail: &Trail<'_>) -> Option<Finding> {
    let (step, of, words) = deployment(trail, &["refused"])?;
    let taken = |later: &Step| matches!(&later.what, Did::Deployment { step, .. } if step == "fetched" || step == "begun");
    if trail.after(step).any(taken) {
        return None;
    }
    Some(Finding::new(
        Certain,
        format!("its installer asked for its answers and was refused: {words}"),
        [seen(step)],
        format!(
            "`bootwright deployment show {of}` says what is allowed; arm the machine anew: \
             `bootwright machine deploy {} --profile NAME`",
            trail.named()
        ),
    ))
}

pub(super) fn installation_failed(trail: &Trail<'_>) -> Option<Finding> {
    let (step, of, words) = deployment(trail, &["failed"])?;
    let because = if words.is_empty() { "it does not say why" } else { words };
    Some(Finding::new(
        Certain,
        format!("its installation failed: {because}"),
        [seen(step), known(format!("deployment {of}"))],
        format!(
            "`bootwright machine show {0} --log` shows what its installer logged; mend that, then \
             `bootwright machine deploy {0} --profile NAME`",
            trail.named()
        ),
    ))
}

pub(super) fn deployment_frozen(trail: &Trail<'_>) -> Option<Finding> {
    let (step, of, words) = deployment(trail, &["frozen"])?;
    Some(Finding::new(
        Certain,
        format!("what it was armed with is given to nobody any more: {words}"),
        [seen(step)],
        format!(
            "find out who asked in its place; then `bootwright machine cancel {0}` and \
             `bootwright machine deploy {0} --profile NAME` arm it anew ({of})",
            trail.named()
        ),
    ))
}
