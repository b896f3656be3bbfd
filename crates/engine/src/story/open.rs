//! One boot as it is kept: its steps, and what the rules need of it.

use super::begin::OVER_AFTER;
use super::{end, gap};
use model::client::{Firmware, Stage};
use model::event::{Carrier, Speaker};
use model::story::{BootId, BootStage, Carrying, Did, Glance, Step, Story, Totals};
use model::{Event, Happening, HardwareAddress, Now};
use std::cmp::Ordering;
use std::net::IpAddr;

/// Facts of one boot that are lists (cards, addresses, tries, names): so many of each.
const LIST_MAX: usize = 16;
/// What a boot costs beside its steps, in steps.
const WEIGHT: usize = 4;
/// Of a boot with more steps than are kept so many stay from its beginning.
const FIRST_KEPT: usize = 32;

/// A card and the way in which firmware asked through it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Try {
    card: HardwareAddress,
    firmware: Firmware,
    ipxe: bool,
}

impl Try {
    pub(super) fn of(speaker: &Speaker) -> Self {
        let ipxe = matches!(speaker.stage, Stage::Ipxe(_));
        Self { card: speaker.card, firmware: speaker.firmware, ipxe }
    }
}

/// A step, and of a transfer what the times before the one that runs brought.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) step: Step,
    pub(super) sent_before: u64,
    pub(super) took_before: u64,
    pub(super) again_before: u64,
}

/// One boot.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) id: BootId,
    /// The story without steps, gaps and end.
    pub(super) head: Story,
    pub(super) until: Now,
    pub(super) furthest: BootStage,
    pub(super) steps: Vec<Kept>,
    /// What was tried to get an address to boot with.
    pub(super) tried: Vec<Try>,
    /// Cards whose iPXE got its script since it last asked for an address.
    pub(super) scripted: Vec<HardwareAddress>,
    /// The card that spoke last.
    pub(super) speaks: Option<HardwareAddress>,
    /// How often the same was asked in the present try: card, program and message.
    pub(super) attempts: Vec<(Try, String, u32)>,
    /// Files that we named.
    pub(super) named: Vec<String>,
    /// A loader arrived, all of it.
    pub(super) loaded: bool,
    /// When its system came up, or its deployment ended.
    pub(super) up: Option<Now>,
    pub(super) totals: Totals,
    pub(super) left_out: u64,
}

impl Open {
    pub(super) fn new(id: BootId, machine: HardwareAddress, from: Now) -> Self {
        let head = Story {
            id,
            machine,
            firmware: None,
            arch: None,
            vendor_class: None,
            links: Vec::new(),
            cards: Vec::new(),
            relays: Vec::new(),
            addresses: Vec::new(),
            deployment: None,
            from,
            until: from,
            furthest: BootStage::Firmware,
            ending: model::story::Ending::GoesOn,
            next: None,
            steps: Vec::new(),
            left_out: 0,
            gaps: Vec::new(),
            totals: Totals::default(),
            diagnoses: Vec::new(),
        };
        Self {
            id,
            head,
            until: from,
            furthest: BootStage::Firmware,
            steps: Vec::new(),
            tried: Vec::new(),
            scripted: Vec::new(),
            speaks: None,
            attempts: Vec::new(),
            named: Vec::new(),
            loaded: false,
            up: None,
            totals: Totals::default(),
            left_out: 0,
        }
    }

    /// What it costs to keep, in steps.
    pub(super) fn weight(&self) -> usize {
        self.steps.len() + WEIGHT
    }

    /// How far it came, where a loader that did not arrive counts for nothing.
    pub(super) fn reached(&self) -> BootStage {
        match self.furthest {
            BootStage::Loader if !self.loaded => BootStage::Firmware,
            furthest => furthest,
        }
    }

    /// Whether a file is on its way.
    pub(super) fn is_carrying(&self) -> bool {
        self.steps.iter().any(|kept| is_running(&kept.step))
    }

    /// Whether this loader arrived before.
    pub(super) fn has_loaded(&self, file: &str) -> bool {
        self.steps.iter().any(|kept| match &kept.step.what {
            Did::Transfer(carried) => carried.file == file && carried.state == Carrying::Done,
            _ => false,
        })
    }

    /// Whether the transfer that this event goes on with, or ends, runs here.
    pub(super) fn runs(&self, event: &Event) -> bool {
        let (Happening::TransferProgress { file, by, .. }
        | Happening::TransferDone { file, by, .. }
        | Happening::TransferFailed { file, by, .. }) = &event.what
        else {
            return false;
        };
        self.running(file, *by).is_some()
    }

    /// Where the newest transfer of this file that runs stands among the steps.
    pub(super) fn running(&self, file: &str, by: Carrier) -> Option<usize> {
        self.steps.iter().rposition(|kept| match &kept.step.what {
            Did::Transfer(carried) => {
                carried.file == file && carried.by == by && carried.state == Carrying::Runs
            }
            _ => false,
        })
    }

    /// Puts a step where its beginning belongs, and makes room for it. Where it stands; nothing if it is
    /// the one that was left out.
    pub(super) fn push(&mut self, kept: Kept, steps_max: usize) -> Option<usize> {
        self.furthest = self.furthest.max(match kept.step.what {
            // What is asked for in vain, or told, says nothing of how far the machine is.
            Did::Missed { .. }
            | Did::OfferTaken { .. }
            | Did::Told
            | Did::Alarm
            | Did::Handshake { .. } => self.furthest,
            _ => kept.step.stage,
        });
        let after = self.steps.iter().rposition(|other| other.step.at <= kept.step.at);
        let place = after.map_or(0, |n| n + 1);
        self.steps.insert(place, kept);
        if self.steps.len() <= steps_max.max(2) {
            return Some(place);
        }
        let middle = FIRST_KEPT.min(steps_max / 2);
        self.steps.remove(middle);
        self.left_out += 1;
        match place.cmp(&middle) {
            Ordering::Less => Some(place),
            Ordering::Equal => None,
            Ordering::Greater => Some(place - 1),
        }
    }

    /// The story as it stands now.
    pub(super) fn told(&self, now: Now, next: Option<&Self>) -> Story {
        let mut story = self.head.clone();
        story.steps = self.steps.iter().map(|kept| kept.step.clone()).collect();
        story.from = story.steps.first().map_or(story.from, |step| step.at.min(story.from));
        story.until = self.until;
        story.furthest = self.furthest;
        story.left_out = self.left_out;
        story.next = next.map(|next| next.id);
        story.ending = end::ending(self, now, next.is_some());
        // Once it is over, time that passes is no gap of it.
        let now = next.map_or(now, |next| next.head.from);
        let seen = now.min(self.until + OVER_AFTER);
        story.gaps = gap::gaps(&story, seen);
        story.totals = self.totals;
        story.totals.silent_ms = gap::silent_ms(&story.steps);
        story
    }

    /// The same without its steps.
    pub(super) fn glance(&self, now: Now, next: Option<&Self>) -> Glance {
        let steps = || self.steps.iter().map(|kept| &kept.step);
        let told = steps().rev().find_map(|step| match &step.what {
            Did::Script { decision, .. } => Some(decision.clone()),
            _ => None,
        });
        let from = self.head.from;
        Glance {
            id: self.id,
            machine: self.head.machine,
            links: self.head.links.clone(),
            deployment: self.head.deployment.clone(),
            from: steps().next().map_or(from, |step| step.at.min(from)),
            until: self.until,
            furthest: self.furthest,
            ending: end::ending(self, now, next.is_some()),
            told,
            totals: Totals { silent_ms: gap::silent_ms(steps()), ..self.totals },
            diagnosis: None,
        }
    }

    /// Takes over what is known of the machine by now.
    pub(super) fn learn(&mut self, event: &Event) {
        if let Some(link) = &event.link {
            note(&mut self.head.links, link.clone());
        }
        let Some(speaker) = event.speaker.as_deref() else { return };
        note(&mut self.head.cards, speaker.card);
        self.speaks = Some(speaker.card);
        if let Some(relay) = speaker.relay {
            note(&mut self.head.relays, relay);
        }
        if speaker.stage == Stage::Firmware {
            self.head.firmware = Some(speaker.firmware);
            self.head.arch = speaker.arch.or(self.head.arch);
            if speaker.vendor_class.is_some() {
                self.head.vendor_class.clone_from(&speaker.vendor_class);
            }
        }
        if speaker.stage != Stage::System {
            note(&mut self.tried, Try::of(speaker));
            self.scripted.retain(|card| *card != speaker.card);
        }
    }

    /// Keeps an address it was given, or fetched from.
    pub(super) fn learn_address(&mut self, address: IpAddr) {
        note(&mut self.head.addresses, address);
    }
}

/// Adds to a list what is not in it, as long as there is room.
pub(super) fn note<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if list.len() < LIST_MAX && !list.contains(&one) {
        list.push(one);
    }
}

pub(super) fn is_running(step: &Step) -> bool {
    matches!(&step.what, Did::Transfer(carried) if carried.state == Carrying::Runs)
}
