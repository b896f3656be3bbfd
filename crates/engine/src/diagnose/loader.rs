//! Boots that end between the bootloader and its script.

use super::Finding;
use super::trail::{Trail, bare, known, seen};
use model::Loader;
use model::diagnosis::Certainty::{Certain, Likely, Possible};
use model::diagnosis::Evidence;
use model::image::LoaderKind;
use model::plan::Why;
use model::story::{Carried, Did, Step};

/// Loads of a bootloader that no healthy boot makes.
const LOOPING: u32 = 3;

/// A bootloader that went out whole and after which nothing shows that it runs.
struct Unheard<'a> {
    step: &'a Step,
    carried: &'a Carried,
    loader: Option<&'a Loader>,
}

fn unheard<'a>(trail: &Trail<'a>) -> Option<Unheard<'a>> {
    let (step, carried) = trail.first_stage()?;
    if trail.after(step).any(runs) {
        return None;
    }
    Some(Unheard { step, carried, loader: trail.loader(&carried.file) })
}

/// Whether a step is a bootloader's doing.
fn runs(step: &Step) -> bool {
    match &step.what {
        Did::Dhcp(exchange) => exchange.program.as_deref() == Some("ipxe"),
        Did::Script { .. } | Did::Missed { .. } | Did::Handshake { .. } => true,
        Did::Transfer(carried) => !bare(&carried.file).starts_with("loader/"),
        _ => false,
    }
}

/// What was seen, and who signed the loader.
fn evidence(unheard: &Unheard<'_>) -> Vec<Evidence> {
    let signed = unheard.loader.map(|loader| match loader.signers.as_slice() {
        [] => known(format!("{} is not signed", loader.name)),
        signers => known(format!("{} is signed by {}", loader.name, signers.join(", "))),
    });
    [Some(seen(unheard.step)), signed].into_iter().flatten().collect()
}

pub(super) fn loader_refused(trail: &Trail<'_>) -> Option<Finding> {
    let unheard = unheard(trail).filter(|_| trail.is_uefi())?;
    // What reads no signature may also have no driver: then that is told.
    let native = unheard.loader.is_some_and(|loader| loader.kind == LoaderKind::Ipxe);
    let unsigned = unheard.loader.is_some_and(|loader| loader.signers.is_empty());
    let shim = trail.is_shim(&unheard.carried.file);
    let started_before = trail.case.earlier.iter().any(|story| {
        story.arch == trail.case.story.arch
            && story.steps.iter().any(
                |step| matches!(&step.what, Did::Transfer(c) if c.file == unheard.carried.file),
            )
            && story.steps.iter().any(runs)
    });
    let (sure, because) = match (unsigned && !shim, started_before || native) {
        (true, false) => (Likely, "it is not signed, and Secure Boot starts nothing that is not"),
        (false, false) => (Possible, "Secure Boot, and its firmware does not trust who signed it"),
        (_, true) => (Possible, "Secure Boot may have been switched on since"),
    };
    Some(Finding::new(
        sure,
        format!(
            "its firmware fetched {} whole and did not start it: {because}",
            unheard.carried.file
        ),
        evidence(&unheard),
        "give it a chain that its firmware trusts: an image with its own shim, or `bootwright \
         bootloader import` of a distribution's shim and GRUB; its screen says whether it was that",
    ))
}

pub(super) fn ipxe_without_driver(trail: &Trail<'_>) -> Option<Finding> {
    let unheard = unheard(trail)?;
    let loader = unheard.loader.filter(|loader| loader.kind == LoaderKind::Ipxe)?;
    Some(Finding::new(
        Likely,
        format!(
            "{} was fetched and never asked for an address: it brings its own drivers, and has none for \
             this network card",
            loader.name
        ),
        evidence(&unheard),
        "import snponly.efi beside it (`bootwright bootloader import`): that build of iPXE uses the \
         driver of the firmware, and is taken first",
    ))
}

pub(super) fn loader_silent(trail: &Trail<'_>) -> Option<Finding> {
    let unheard = unheard(trail).filter(|_| !trail.is_uefi())?;
    Some(Finding::new(
        Possible,
        format!(
            "{} was fetched whole, and nothing was heard of it: it was not started, or hangs",
            unheard.carried.file
        ),
        evidence(&unheard),
        "read its screen; update the firmware of its network card; a switch port that takes half a \
         minute to come up (spanning tree without portfast) looks like this, too",
    ))
}

pub(super) fn loader_loops(trail: &Trail<'_>) -> Option<Finding> {
    let mut fetched: Vec<&Step> = Vec::new();
    let (mut count, mut by_ipxe) = (0, false);
    let mut ipxe_asked = false;
    for step in trail.steps {
        match &step.what {
            Did::Dhcp(exchange) => ipxe_asked |= exchange.program.as_deref() == Some("ipxe"),
            Did::Transfer(carried) if trail.loader(&carried.file).is_some() => {
                by_ipxe |= ipxe_asked;
                count += step.times;
                fetched.push(step);
            }
            Did::Script { .. } => return None,
            _ => {}
        }
    }
    if count < LOOPING || !by_ipxe {
        return None;
    }
    Some(Finding::new(
        Likely,
        format!(
            "iPXE was started {count} times and loads itself again: somebody tells it a bootloader \
                 instead of a script"
        ),
        fetched.iter().map(|step| seen(step)),
        "take the boot file out of the settings of the other DHCP server for clients of user class iPXE, \
         or for all; `bootwright doctor` finds that server",
    ))
}

pub(super) fn second_stage_missing(trail: &Trail<'_>) -> Option<Finding> {
    let (step, carried) = trail.first_stage().filter(|(_, c)| trail.is_shim(&c.file))?;
    let missed = trail.missed().rev().find(|(missed, _)| missed.at >= step.at);
    if let Some((missed, Why::NoSuchFile { name, .. })) = missed
        && trail.decision().is_none()
    {
        return Some(Finding::new(
            Certain,
            format!("{} asked for its next stage {name}, which we do not have", carried.file),
            [seen(step), seen(missed)],
            "import the GRUB that belongs to this shim: `bootwright bootloader import FILE|DEB`",
        ));
    }
    // The next stage went out, and did not go on.
    let second = trail.done().rev().find(|(s, c)| s.at > step.at && is_grub(&c.file))?;
    let went_on = trail.after(second.0).next().is_some();
    (!went_on).then(|| {
        Finding::new(
            Likely,
            format!(
                "{} loaded {} and nothing was heard since: it does not trust who signed it, or its \
                 configuration is asked for elsewhere",
                carried.file, second.1.file
            ),
            [seen(step), seen(second.0)],
            "use a shim and a GRUB of the same distribution and release; beside another DHCP server \
             let GRUB be started by an image of ours or use iPXE",
        )
    })
}

fn is_grub(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.starts_with("grub") && name.ends_with(".efi")
}

pub(super) fn script_not_fetched(trail: &Trail<'_>) -> Option<Finding> {
    let (step, file) = trail.told("ipxe").filter(|(_, file)| file.starts_with("http"))?;
    let after = |(s, _): (&Step, &Carried)| s.at > step.at;
    // Beside another server it may have that server's word instead.
    if trail.beside() && trail.first_stage().is_none() {
        return None;
    }
    let went_on = trail.decision().is_some() || trail.transfers().any(after);
    if went_on || trail.missed().next().is_some() {
        return None;
    }
    let script = file.split('?').next().unwrap_or(file);
    Some(Finding::new(
        Likely,
        format!("iPXE has its address, was told to fetch {script}, and no request for it arrived"),
        trail.first_stage().map(|(step, _)| seen(step)).into_iter().chain([seen(step)]),
        "let TCP to the HTTP port of this server through ([http] port)",
    ))
}
