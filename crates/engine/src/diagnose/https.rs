//! Boots that end at TLS.

use super::Finding;
use super::trail::{Trail, seen};
use model::diagnosis::Certainty::{self, Certain, Likely};
use model::event::TlsFault;
use model::story::{BootStage, Did, Step};

/// The last connection that came to nothing for this, if nothing was fetched after it: the step, why,
/// and what to do.
fn handshake<'a>(trail: &Trail<'a>, of: TlsFault) -> Option<(&'a Step, &'a str, &'a str)> {
    let (step, why, hint, fault) = trail.steps.iter().rev().find_map(|step| match &step.what {
        Did::Handshake { why, hint, fault, .. } => Some((step, why, hint, *fault)),
        _ => None,
    })?;
    let went_on =
        trail.after(step).any(|s| matches!(s.what, Did::Transfer(_) | Did::Script { .. }));
    (fault == Some(of) && !went_on).then_some((step, why, hint))
}

fn of(trail: &Trail<'_>, fault: TlsFault, sure: Certainty, verdict: &str) -> Option<Finding> {
    if trail.reached(BootStage::Kernel) {
        return None;
    }
    let (step, why, hint) = handshake(trail, fault)?;
    Some(Finding::new(sure, format!("{verdict}: {why}"), [seen(step)], hint))
}

pub(super) fn untrusted(trail: &Trail<'_>) -> Option<Finding> {
    of(trail, TlsFault::Untrusted, Likely, "it does not trust our certificate")
}

pub(super) fn wrong_name(trail: &Trail<'_>) -> Option<Finding> {
    of(trail, TlsFault::Name, Certain, "our certificate does not name what its URL names")
}

pub(super) fn time(trail: &Trail<'_>) -> Option<Finding> {
    of(trail, TlsFault::Time, Certain, "our certificate is over, or its clock says so")
}

pub(super) fn old_tls(trail: &Trail<'_>) -> Option<Finding> {
    of(trail, TlsFault::Version, Certain, "it speaks no version of TLS that is spoken here")
}

pub(super) fn key_type(trail: &Trail<'_>) -> Option<Finding> {
    of(trail, TlsFault::Key, Certain, "it and our key have no kind of cryptography in common")
}

pub(super) fn plain_http(trail: &Trail<'_>) -> Option<Finding> {
    of(trail, TlsFault::PlainHttp, Certain, "it speaks plain HTTP to the port for HTTPS")
}

pub(super) fn installer_untrusted(trail: &Trail<'_>) -> Option<Finding> {
    let (kernel, _) = trail.kernel()?;
    let faults = [TlsFault::Untrusted, TlsFault::Name, TlsFault::Time];
    let (step, why, hint) = faults.into_iter().find_map(|fault| handshake(trail, fault))?;
    if step.at < kernel.at {
        return None;
    }
    Some(Finding::new(
        Certain,
        format!("its installer was started and does not accept our certificate: {why}"),
        [seen(kernel), seen(step)],
        format!(
            "{hint}; or give its answers over plain HTTP: `bootwright machine deploy {} --profile NAME \
             --plain-http`",
            trail.named()
        ),
    ))
}
