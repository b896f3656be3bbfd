//! Boots that end while the machine asks for an address and a boot file.

use super::Finding;
use super::trail::{Trail, is_fetch, known, seen};
use model::diagnosis::Certainty::{Certain, Likely, Possible};
use model::other::TheirOffer;
use model::plan::Why;
use model::quirk::Seen;
use model::story::{Did, Exchange, Step};
use model::{Firmware, HardwareAddress, Mode};
use std::net::Ipv4Addr;

/// So many offers in vain are no accident.
const IN_VAIN: usize = 2;
/// So many refusals are no accident.
const REFUSED: usize = 2;

pub(super) fn network_not_served(trail: &Trail<'_>) -> Option<Finding> {
    let (step, why) = trail.silence(|why| matches!(why, Why::NotServed(_)))?;
    let Why::NotServed(link) = why else { return None };
    if trail.network.is_some_and(|network| network.mode == Mode::Off) {
        return None;
    }
    Some(Finding::new(
        Certain,
        format!("no network is configured on {link}, where it asks"),
        [seen(step)],
        format!("add a [[network]] with interface = \"{link}\", then `bootwright reload`"),
    ))
}

pub(super) fn relay_not_served(trail: &Trail<'_>) -> Option<Finding> {
    let (step, why) = trail.silence(|why| matches!(why, Why::UnknownRelay(_)))?;
    let Why::UnknownRelay(relay) = why else { return None };
    Some(Finding::new(
        Certain,
        format!("it asks through the relay {relay}, which no network here names"),
        [seen(step)],
        format!(
            "add {relay} to `relays` of the network whose addresses it should get, then \
             `bootwright reload`"
        ),
    ))
}

pub(super) fn pool_exhausted(trail: &Trail<'_>) -> Option<Finding> {
    let (step, why) = trail.silence(|why| matches!(why, Why::PoolExhausted { .. }))?;
    let Why::PoolExhausted { size, .. } = why else { return None };
    Some(Finding::new(
        Certain,
        format!("all {size} addresses of its pool are leased, so it gets none"),
        [seen(step)],
        "widen `pool` or shorten `lease` of its network, then `bootwright reload`; `bootwright lease \
         list` shows who has them",
    ))
}

pub(super) fn malformed_request(trail: &Trail<'_>) -> Option<Finding> {
    let broken = |why: &Why| matches!(why, Why::Malformed(_) | Why::BadOption(_));
    let (step, why) = trail.silence(broken)?;
    Some(Finding::new(
        Certain,
        format!("its request cannot be answered: {why}"),
        [seen(step)],
        "update the firmware of the machine or of its network card; a relay between may have broken \
         the message, too",
    ))
}

pub(super) fn asked_too_often(trail: &Trail<'_>) -> Option<Finding> {
    let (step, why) = trail.silence(|why| matches!(why, Why::TooMany(_)))?;
    Some(Finding::new(
        Certain,
        format!("it is not answered any more for a while: {why}"),
        [seen(step)],
        "look for a machine or a loop on its link that repeats its messages",
    ))
}

pub(super) fn store_failed(trail: &Trail<'_>) -> Option<Finding> {
    let (step, why) = trail.silence(|why| matches!(why, Why::StoreFailed(_)))?;
    Some(Finding::new(
        Certain,
        format!("it was not answered, because the answer could not be kept: {why}"),
        [seen(step)],
        "make room on the disk of the state directory; `bootwright doctor` says how much there is",
    ))
}

pub(super) fn architecture_not_told(trail: &Trail<'_>) -> Option<Finding> {
    let untold = |why: &Why| matches!(why, Why::ArchUnserved(codes) if codes.is_empty());
    let (step, _) = trail.silence(untold)?;
    Some(Finding::new(
        Certain,
        "it wants to boot and does not say which architecture it is (no option 93)",
        [seen(step)],
        "update its firmware, or boot it from iPXE on a USB stick, which says so",
    ))
}

pub(super) fn architecture_unserved(trail: &Trail<'_>) -> Option<Finding> {
    let unserved = |why: &Why| matches!(why, Why::ArchUnserved(codes) if !codes.is_empty());
    let (step, why) = trail.silence(unserved)?;
    Some(Finding::new(
        Certain,
        format!("{why}"),
        [seen(step)],
        "such machines cannot be booted from here; if its firmware says the wrong architecture, \
         update it",
    ))
}

pub(super) fn bootloader_missing(trail: &Trail<'_>) -> Option<Finding> {
    let (step, why) = trail.silence(|why| matches!(why, Why::NoLoader(_)))?;
    let Why::NoLoader(arch) = why else { return None };
    Some(Finding::new(
        Certain,
        format!("there is no bootloader for {arch} in the library, so its firmware gets nothing"),
        [seen(step)],
        "`bootwright bootloader import FILE|DEB`: the package `ipxe`, or `shim-signed` and `grub-efi` \
         of a distribution for that architecture",
    ))
}

pub(super) fn address_refused(trail: &Trail<'_>) -> Option<Finding> {
    let refused: Vec<&Step> = refusals(trail);
    if refused.len() < REFUSED || trail.fetched() {
        return None;
    }
    Some(Finding::new(
        Likely,
        format!(
            "it asked {} times for an address that is not its own, and got none",
            times(&refused)
        ),
        refused.iter().map(|step| seen(step)),
        "look for another DHCP server that gave it the address: `bootwright doctor`; or clear the \
         lease that its firmware keeps",
    ))
}

fn refusals<'a>(trail: &Trail<'a>) -> Vec<&'a Step> {
    let exchanges = trail.exchanges();
    let mut refused = Vec::new();
    for (step, exchange) in exchanges {
        match exchange.answer.as_deref() {
            Some("NAK") => refused.extend(std::iter::repeat_n(step, step.times as usize)),
            Some("ACK") => refused.clear(),
            _ => {}
        }
    }
    refused
}

fn times(steps: &[&Step]) -> usize {
    steps.len()
}

/// Offers of one program, and whether it ever asked for what it was offered.
struct Offers<'a> {
    made: Vec<(&'a Step, &'a Exchange)>,
    count: usize,
    asked: bool,
}

fn offers<'a>(trail: &Trail<'a>, program: &'static str, answer: &str) -> Offers<'a> {
    let of = |exchange: &Exchange| exchange.answer.as_deref() == Some(answer);
    let made: Vec<_> = trail.asked_by(program).filter(|(_, exchange)| of(exchange)).collect();
    let count = made.iter().map(|(step, _)| step.times as usize).sum();
    let asked = trail.asked_by(program).any(|(_, exchange)| exchange.asked.starts_with("REQUEST"));
    Offers { made, count, asked }
}

/// Offers beside another server, made to the program that it has in its ROM.
fn offers_beside<'a>(trail: &Trail<'a>) -> Offers<'a> {
    let firmware = offers(trail, "firmware", "proxy OFFER");
    match firmware.made.is_empty() {
        true => offers(trail, "ipxe", "proxy OFFER"),
        false => firmware,
    }
}

pub(super) fn offer_not_taken(trail: &Trail<'_>) -> Option<Finding> {
    let found = ["ipxe", "firmware"].into_iter().find_map(|program| {
        let offers = offers(trail, program, "OFFER");
        (offers.count >= IN_VAIN && !offers.asked).then_some((program, offers))
    });
    let (program, offers) = found?;
    let (last, exchange) = offers.made.last()?;
    // Whoever boots takes no offer without a boot file.
    if trail.after(last).next().is_some() || exchange.file.is_none() {
        return None;
    }
    let address = super::trail::shown(exchange.address);
    let remedy = match exchange.relay {
        Some(relay) => format!(
            "let our answers back to the relay {relay}: UDP from port 67 of this server to port 67 of \
             the relay, and from there to the machine's port"
        ),
        None => {
            "let our answers through to its switch port: DHCP snooping has to trust the port of \
                 this server, and no filter may drop UDP from port 67 to 68"
                .to_owned()
        }
    };
    let who = if program == "ipxe" { "iPXE on it" } else { "it" };
    Some(Finding::new(
        Likely,
        format!(
            "{who} was offered {address} {} times and never asked for it: our offers do not \
                 reach it, or it does not accept them",
            offers.count
        ),
        offers.made.iter().map(|(step, _)| seen(step)),
        remedy,
    ))
}

/// Whose offer it takes, if that is not ours.
struct Taken<'a> {
    step: &'a Step,
    server: Ipv4Addr,
    mac: Option<HardwareAddress>,
    offered: Option<&'a TheirOffer>,
}

impl Taken<'_> {
    /// `10.0.0.66 (52:54:00:00:00:66)`.
    fn named(&self) -> String {
        model::other::named(self.server, None, self.mac.as_ref())
    }
}

fn took_another<'a>(trail: &Trail<'a>) -> Option<Taken<'a>> {
    trail.steps.iter().rev().find_map(|step| match &step.what {
        Did::OfferTaken { server, mac, offered } => {
            Some(Taken { step, server: *server, mac: *mac, offered: offered.as_ref() })
        }
        _ => None,
    })
}

/// Whether it asked us for anything after a step.
fn came_after(trail: &Trail<'_>, step: &Step) -> bool {
    trail.steps.iter().any(|later| later.at >= step.at && is_fetch(later))
}

pub(super) fn other_dhcp_server(trail: &Trail<'_>) -> Option<Finding> {
    let taken = took_another(trail).filter(|_| !trail.beside())?;
    if came_after(trail, taken.step) {
        return None;
    }
    let server = taken.server;
    Some(Finding::new(
        Certain,
        format!("it took the offer of another DHCP server, {}, and not ours", taken.named()),
        [seen(taken.step)],
        format!(
            "switch {server} off for this link; or set mode = \"proxy\" here if it is the one that \
             should give addresses; DHCP snooping on the switch keeps others out"
        ),
    ))
}

pub(super) fn other_boot_server(trail: &Trail<'_>) -> Option<Finding> {
    let taken = took_another(trail).filter(|_| trail.beside())?;
    let offer = taken.offered?;
    let file = offer.file.as_deref()?;
    let ours = trail.network.map(|network| network.server.to_string());
    if came_after(trail, taken.step) || (offer.next_server.is_some() && offer.next_server == ours) {
        return None;
    }
    Some(Finding::new(
        Likely,
        format!(
            "it took the offer of {} with that server's boot file {file}, and came to us for nothing",
            taken.named()
        ),
        [seen(taken.step)],
        format!(
            "take the boot file out of the settings of {} (next-server and file, options 66 and 67), so \
             that ours is the only one",
            taken.server
        ),
    ))
}

pub(super) fn no_address_server(trail: &Trail<'_>) -> Option<Finding> {
    let offers = offers_beside(trail);
    let alone = trail.address_server().is_none();
    if !trail.beside() || !alone || offers.count < IN_VAIN || offers.asked || trail.fetched() {
        return None;
    }
    let (last, _) = offers.made.last()?;
    Some(Finding::new(
        Likely,
        format!(
            "it got our boot file {} times and an address from nobody: no other DHCP server answers \
             it, and we give no addresses here",
            offers.count
        ),
        [offers.made.first().map(|(step, _)| seen(step)), Some(seen(last))].into_iter().flatten(),
        match trail.network {
            Some(network) => format!(
                "start the DHCP server of {}, or give addresses from here: mode = \"dhcp\" with \
                 `subnet` and `pool`",
                network.interface
            ),
            None => "start the DHCP server of its link".to_owned(),
        },
    ))
}

pub(super) fn no_answer_on_4011(trail: &Trail<'_>) -> Option<Finding> {
    if trail.fetched() {
        return None;
    }
    let asked: Vec<&Step> = trail
        .exchanges()
        .filter(|(_, e)| e.asked.ends_with("on 4011") && e.answer.is_some())
        .map(|(step, _)| step)
        .collect();
    let count: u32 = asked.iter().map(|step| step.times).sum();
    if count as usize >= IN_VAIN {
        return Some(Finding::new(
            Likely,
            format!("it asked {count} times on port 4011, and our answers do not reach it"),
            asked.iter().map(|step| seen(step)),
            "let UDP from port 4011 of this server through to the port from which it asked (68 or \
             4011)",
        ));
    }
    // Told to come back there, it never came.
    let did = trail.case.engine.memory.seen(&trail.case.story.machine);
    let told = did.is_some_and(|did| did.contains(&Seen::UnheardOffers));
    let offers = offers(trail, "firmware", "proxy OFFER");
    let taken = took_another(trail).filter(|_| told)?.step;
    let (offer, _) = offers.made.last()?;
    Some(Finding::new(
        Likely,
        "it was told to come back on port 4011, and nothing arrived there",
        [
            seen(offer),
            seen(taken),
            known(
                "three offers that named the boot file at once were not taken, so the last told it to \
                   ask on port 4011",
            ),
        ],
        "let UDP to port 4011 of this server through",
    ))
}

pub(super) fn proxy_offer_ignored(trail: &Trail<'_>) -> Option<Finding> {
    if !trail.beside() || trail.fetched() || trail.firmware() == Some(Firmware::Http) {
        return None;
    }
    let offers = offers_beside(trail);
    let (offer, _) = offers.made.last()?;
    let (verdict, evidence) = match (took_another(trail), trail.address_server()) {
        (Some(taken), _) => {
            (format!("it has an address of {}", taken.named()), [seen(offer), seen(taken.step)])
        }
        (None, Some(other)) if offers.count >= IN_VAIN && !offers.asked => (
            format!("{} offers it an address", other.named()),
            [seen(offer), known(format!("{} {}", other.named(), other.does))],
        ),
        _ => return None,
    };
    Some(Finding::new(
        Possible,
        format!(
            "{verdict}, and it never asked for the boot file that we offered beside it: our offer does \
             not reach it, or its firmware looks away"
        ),
        evidence,
        "let UDP from port 67 of this server through to it; firmware that looks away from offers \
         beside another server boots when that server names this one as its boot server (next-server \
         and file), or when addresses come from here",
    ))
}
