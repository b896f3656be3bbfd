//! Where one boot ends and the next begins.
//!
//! A machine changes its name tags on the way: firmware asks, then iPXE, then an installer; by one
//! card, then by another. All of that is one boot. What begins another is firmware that asks where
//! firmware cannot be asking any more.

use super::open::{Open, Try};
use super::write::{fetched, stage_of};
use model::client::Stage;
use model::event::Speaker;
use model::story::BootStage;
use model::{Event, Happening, Now};
use std::time::Duration;

/// After so long a silence whoever asks for an address to boot begins anew. Firmware waits up to a
/// minute between two tries (EDK2: 4, 8, 16, 32 s), and people look at error screens.
pub(crate) const ANEW_AFTER: Duration = Duration::from_secs(5 * 60);
/// After so long a silence everything begins anew: so long may a menu stand.
pub(crate) const OVER_AFTER: Duration = Duration::from_secs(2 * 3600);
/// A deployment may take so long without a word.
const REPORTS_WITHIN: Duration = Duration::from_secs(24 * 3600);
/// What a system does in the first minutes after it came up belongs to its boot.
const AFTERWARDS: Duration = Duration::from_secs(10 * 60);
/// Firmware goes on to its next boot option (another card, HTTP instead of PXE) within this time.
const NEXT_OPTION: Duration = Duration::from_secs(60);
/// iPXE that asks for an address again so soon after its script does so on its own.
const SCRIPTED: Duration = Duration::from_secs(10);

/// What an event is to the newest boot of its machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// Another boot begins with it.
    Begins,
    /// It is a part of it.
    Continues,
    /// It is no part of a boot.
    NoBoot,
}

/// Which sort of event it is, where boots are concerned.
enum Sort<'a> {
    /// Firmware or iPXE asks for an address, or for boot data.
    Asks(&'a Speaker),
    /// A system asks for its address.
    System,
    /// Something is fetched that only a machine that boots fetches.
    Fetches,
    /// Something happened that may be a part of a boot, and begins none.
    Happens,
    /// An installer says how far it is.
    Reports,
    /// No part of any boot.
    Apart,
}

fn sort(event: &Event) -> Sort<'_> {
    match &event.what {
        Happening::Answered { .. } | Happening::Silent { .. } => match event.speaker.as_deref() {
            Some(speaker) if speaker.stage == Stage::System && speaker.renews => Sort::Apart,
            Some(speaker) if speaker.stage == Stage::System => Sort::System,
            Some(speaker) => Sort::Asks(speaker),
            None => Sort::Happens,
        },
        Happening::Script { .. } | Happening::MachineAppeared { .. } => Sort::Fetches,
        Happening::TransferStarted { file, by, .. }
        | Happening::TransferProgress { file, by, .. }
        | Happening::TransferDone { file, by, .. }
        | Happening::TransferFailed { file, by, .. } => match fetched(file) {
            // A system that runs may use an image as its package source.
            BootStage::Loader => Sort::Fetches,
            _ if *by == model::event::Carrier::Tftp => Sort::Fetches,
            _ => Sort::Happens,
        },
        // What an operator does before a boot is no part of the boot before.
        Happening::Deployment { step, .. } => match step.as_str() {
            "armed" | "cancelled" | "expired" => Sort::Apart,
            _ => Sort::Reports,
        },
        Happening::FileMissed { .. }
        | Happening::HandshakeFailed { .. }
        | Happening::OfferTaken { .. }
        | Happening::Compared { .. }
        | Happening::Inventory { .. }
        | Happening::OtherServer { .. }
        | Happening::Syslog { .. }
        | Happening::Alarm { .. } => Sort::Happens,
        Happening::Diagnosis(_) | Happening::Changed { .. } => Sort::Apart,
    }
}

/// What this event is to the newest boot of its machine, if there is one.
pub(super) fn judge(event: &Event, newest: Option<&Open>) -> Verdict {
    let sort = sort(event);
    let open = newest.filter(|open| !is_over(open, &sort, event.at));
    match (sort, open) {
        (Sort::Apart, _) | (Sort::System | Sort::Happens | Sort::Reports, None) => Verdict::NoBoot,
        (Sort::Asks(_) | Sort::Fetches, None) => Verdict::Begins,
        (Sort::Asks(speaker), Some(open)) if asks_anew(event, speaker, open) => Verdict::Begins,
        (Sort::Fetches, Some(open)) if loads_anew(event, open) => Verdict::Begins,
        (_, Some(_)) => Verdict::Continues,
    }
}

/// Whether nothing of this sort can be a part of that boot any more.
fn is_over(open: &Open, sort: &Sort<'_>, at: Now) -> bool {
    let quiet = at.since(open.until);
    match sort {
        Sort::Apart => false,
        Sort::Reports => quiet >= REPORTS_WITHIN,
        Sort::Asks(_) => quiet >= ANEW_AFTER && !open.is_carrying(),
        _ => {
            let up = open.up.is_some_and(|up| at.since(up) >= AFTERWARDS);
            up || quiet >= OVER_AFTER
        }
    }
}

/// Whether whoever asks here has been started after what the boot has reached.
fn asks_anew(event: &Event, speaker: &Speaker, open: &Open) -> bool {
    let (Happening::Answered { asked, .. } | Happening::Silent { asked, .. }) = &event.what else {
        return false;
    };
    let begins = matches!(&**asked, "DISCOVER" | "BOOTP request" | "SOLICIT");
    if !begins {
        return false;
    }
    let quiet = event.at.since(open.until);
    let tried = open.tried.contains(&Try::of(speaker));
    match (&speaker.stage, open.reached()) {
        // A kernel gives control back to nobody.
        (_, BootStage::Kernel | BootStage::Installer | BootStage::System) => true,
        (Stage::Firmware, BootStage::Firmware) => false,
        // A loader that ended lets firmware go on to what it did not try yet.
        (Stage::Firmware, _) => tried || quiet >= NEXT_OPTION,
        (Stage::Ipxe(_), _) => open.scripted.contains(&speaker.card) && quiet >= SCRIPTED,
        (Stage::System, _) => false,
    }
}

/// Whether a loader is fetched again after it had done its work: where another server gives the
/// addresses and names our files, firmware is first heard here.
fn loads_anew(event: &Event, open: &Open) -> bool {
    let Happening::TransferStarted { file, .. } = &event.what else { return false };
    let again = stage_of(event, open.furthest) == BootStage::Loader && open.has_loaded(file);
    let quiet = event.at.since(open.until);
    match open.reached() {
        BootStage::Firmware | BootStage::Loader => false,
        BootStage::Script => again && quiet >= SCRIPTED,
        BootStage::Kernel | BootStage::Installer | BootStage::System => again,
    }
}
