//! Boots that end while the first file is fetched.

use super::Finding;
use super::trail::{Trail, bare, known, port_of, seen, shown};
use model::diagnosis::Certainty::{Certain, Likely, Possible};
use model::event::{Carrier, Cut};
use model::plan::Why;
use model::story::BootStage;
use model::{Event, Firmware, Happening};

/// Refusals that say nothing of the way: "stop", as those say who only ask for the size.
const NO_COMPLAINT: [u16; 2] = [0, 8];

pub(super) fn boot_file_not_asked(trail: &Trail<'_>) -> Option<Finding> {
    if trail.fetched() || trail.beside() || trail.firmware() == Some(Firmware::Http) {
        return None;
    }
    let (step, file) = trail.told("firmware")?;
    let acknowledged = |(_, e): (_, &model::story::Exchange)| e.answer.as_deref() == Some("ACK");
    if !trail.asked_by("firmware").any(acknowledged) {
        return None;
    }
    Some(Finding::new(
        Possible,
        format!("it has its address, was told to fetch {file}, and no request for it arrived"),
        [seen(step)],
        "let UDP 69 through to this server; if that is open, its firmware did not accept the answer: \
         `bootwright error CODE` explains what stands on its screen",
    ))
}

pub(super) fn http_boot_refuses_http(trail: &Trail<'_>) -> Option<Finding> {
    let (step, file) = trail.told("firmware")?;
    let plain = trail.firmware() == Some(Firmware::Http) && file.starts_with("http://");
    if !plain || trail.fetched() {
        return None;
    }
    let server = trail.network.map(|network| network.server.to_string()).unwrap_or_default();
    Some(Finding::new(
        Likely,
        "it boots by HTTP, was told a URL with http://, and never connected: its firmware takes \
         https:// only, or TCP does not reach us",
        [seen(step)],
        format!(
            "`bootwright tls init`, enrol our CA in its firmware (`bootwright tls show`), and set \
             http_boot = \"https\" on its network; or allow HTTP connections in its set-up; or let \
             the HTTP port of {server} through"
        ),
    ))
}

pub(super) fn https_no_ca(trail: &Trail<'_>) -> Option<Finding> {
    let (step, _) = trail.told("firmware").filter(|(_, file)| file.starts_with("https://"))?;
    if trail.fetched() {
        return None;
    }
    Some(Finding::new(
        Likely,
        "it was told a URL with https:// and never connected: firmware without any CA does not try",
        [seen(step)],
        "enrol our CA in its firmware: `bootwright tls show` says how",
    ))
}

pub(super) fn tftp_answers_blocked(trail: &Trail<'_>) -> Option<Finding> {
    let (_, carried) = trail.cut(|cut| cut == Cut::NeverAcknowledged)?;
    if trail.done().any(|(_, other)| other.by == Carrier::Tftp) {
        return None;
    }
    Some(Finding::new(
        Likely,
        format!(
            "its TFTP request for {} arrived, and not one of our answers was acknowledged: a firewall \
             drops what comes from another port than 69",
            carried.file
        ),
        trail.transfers().map(|(step, _)| seen(step)).chain([known(format!(
            "answers went to {}, for as long as it may take",
            shown(carried.to)
        ))]),
        format!(
            "set single_port = true in [tftp], so that all comes from port 69; or let UDP from every \
             port of this server through to {}",
            shown(carried.to)
        ),
    ))
}

pub(super) fn tftp_through_nat(trail: &Trail<'_>) -> Option<Finding> {
    if trail.fetched() {
        return None;
    }
    let (told, file) = trail.told("firmware")?;
    let own = &trail.case.story.addresses;
    let stranger = trail.case.strangers.iter().rev().find_map(|event| match &event.what {
        Happening::TransferFailed {
            file: asked, cut: Some(Cut::NeverAcknowledged), to, ..
        } if bare(asked) == bare(file) && to.is_none_or(|to| !own.contains(&to)) => {
            Some((*event, *to))
        }
        _ => None,
    });
    let (event, from) = stranger?;
    let seen_there =
        model::diagnosis::Evidence { at: Some(event.at), says: event.what.to_string() };
    Some(Finding::new(
        Likely,
        format!(
            "its TFTP request came from {}, which is not its address: a router between translates \
             addresses, and sends our answers nowhere",
            shown(from)
        ),
        [seen(told), seen_there],
        "switch address translation off between the machine and this server; or set single_port = \
         true in [tftp], which most translations let back",
    ))
}

pub(super) fn tftp_blocks_too_large(trail: &Trail<'_>) -> Option<Finding> {
    let (step, carried) = trail.cut(|cut| matches!(cut, Cut::Stalled { block: 0 }))?;
    Some(Finding::new(
        Likely,
        format!(
            "it acknowledged our short answer to its TFTP request for {} and not one block of the file: \
             packets of that size do not come through",
            carried.file
        ),
        [seen(step)],
        "set blksize_max = 512 in [tftp] to see it boot; then look for the link on the way whose MTU is \
         smaller than this server's, or a filter that drops fragments",
    ))
}

pub(super) fn tftp_stalled(trail: &Trail<'_>) -> Option<Finding> {
    let (step, carried) = trail.cut(|cut| matches!(cut, Cut::Stalled { block } if block > 0))?;
    if carried.by != Carrier::Tftp || !trail.ends_with(step) {
        return None;
    }
    Some(Finding::new(
        Possible,
        format!(
            "{} stopped after {} of {} bytes and nothing more was heard: it was switched off, hangs, or \
             lost its link",
            carried.file, carried.sent, carried.size
        ),
        [seen(step)],
        "look at the machine and at the lamp of its switch port; if it always stops there, set \
         windowsize_max = 1 in [tftp]",
    ))
}

pub(super) fn transfer_refused(trail: &Trail<'_>) -> Option<Finding> {
    let complains = |cut| {
        matches!(cut, Cut::ClientStopped { code, block }
            if block > 0 || !NO_COMPLAINT.contains(&code))
    };
    let (step, carried) = trail.cut(complains)?;
    if trail.reached(BootStage::Installer) {
        return None;
    }
    let Some(Cut::ClientStopped { code, .. }) = carried.cut else { return None };
    let (because, remedy) = match code {
        3 => ("it has no room for it", "give the machine more memory, or it something smaller"),
        2 => ("it does not want it", "read what stands on its screen"),
        _ => ("it says so itself", "read what stands on its screen, and what it said above"),
    };
    Some(Finding::new(
        Certain,
        format!("it stopped {} itself with TFTP error {code}: {because}", carried.file),
        [seen(step)],
        remedy,
    ))
}

pub(super) fn transfer_cut(trail: &Trail<'_>) -> Option<Finding> {
    let (step, carried) = trail.cut(|cut| matches!(cut, Cut::Closed | Cut::Slow))?;
    if !trail.ends_with(step) {
        return None;
    }
    Some(Finding::new(
        Possible,
        format!(
            "the connection for {} ended after {} of {} bytes, and it did not ask again: it ran out of \
             memory, hangs, or lost its link",
            carried.file, carried.sent, carried.size
        ),
        [seen(step)],
        "look at its screen; compare its memory with what `bootwright explain` says that the image needs",
    ))
}

pub(super) fn file_damaged(trail: &Trail<'_>) -> Option<Finding> {
    let (step, carried) = trail.cut(|cut| cut == Cut::Source)?;
    Some(Finding::new(
        Certain,
        format!("{} is damaged or gone on our disk and was not sent", carried.file),
        [seen(step)],
        "`bootwright image verify` shows what else is damaged; import the image again, and check the disk",
    ))
}

pub(super) fn boot_file_missing(trail: &Trail<'_>) -> Option<Finding> {
    if trail.first_stage().is_some() {
        return None;
    }
    let (step, why) = trail.missed().next_back()?;
    let Why::NoSuchFile { name, hint } = why else { return None };
    let ours = trail.told("firmware").or_else(|| trail.told("ipxe"));
    let told = ours.filter(|(_, file)| bare(file) == bare(name));
    let remedy = match (told, hint) {
        (_, Some(hint)) => hint.clone(),
        (Some(_), None) => "`bootwright doctor` says which bootloaders are missing".to_owned(),
        (None, None) => format!(
            "find who names it: another DHCP server with this one as next-server, or what is typed into \
             its firmware; we told it {}",
            ours.map_or("nothing", |(_, file)| file)
        ),
    };
    Some(Finding::new(
        Certain,
        format!("it asked for the boot file {name}, which we do not have"),
        ours.map(|(step, _)| seen(step)).into_iter().chain([seen(step)]),
        remedy,
    ))
}

pub(super) fn outside_subnets(trail: &Trail<'_>) -> Option<Finding> {
    if trail.fetched() || trail.exchanges().next().is_none() {
        return None;
    }
    let outside = |event: &&&Event| {
        matches!(event.what, Happening::FileMissed { why: Why::OutsideServedSubnets, .. })
    };
    let event = trail.case.strangers.iter().rev().find(outside)?;
    let by = match event.what {
        Happening::FileMissed { by, .. } => by,
        _ => return None,
    };
    let asked = model::diagnosis::Evidence { at: Some(event.at), says: event.what.to_string() };
    let last = trail.exchanges().next_back().map(|(step, _)| seen(step));
    Some(Finding::new(
        Likely,
        format!(
            "somebody asked {} from an address outside the subnets that we serve at the same time: it \
             has an address of another network",
            port_of(by)
        ),
        last.into_iter().chain([asked]),
        "set `subnet` of its network to what its addresses are of, or give it addresses of ours",
    ))
}
