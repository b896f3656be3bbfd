//! When nothing was heard from a machine, and what that usually means.
//!
//! In: the steps of a boot, in order. Out: the times between them in which nothing was heard and no
//! file was on its way, each with the first row of the [`table`](table::ROWS) that fits it.

mod table;

use super::open::is_running;
use model::Now;
use model::client::{Arch, Firmware};
use model::plan::{Does, Why};
use model::story::{BootStage, Carrying, Did, Ending, Exchange, Gap, Step, Story};
use std::time::Duration;

/// A shorter silence needs no explanation: programs start, disks turn.
const GAP_MIN: Duration = Duration::from_secs(2);
/// A silence that nothing has ended yet is worth a word after this time.
const STILL_MIN: Duration = Duration::from_secs(10);

/// Whose firmware it is, as far as its waits differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Uefi,
    Bios,
    Pi,
    Uboot,
    Other,
}

/// A silence, and what stands around it.
struct Silence<'a> {
    story: &'a Story,
    kind: Kind,
    after: &'a Step,
    before: Option<&'a Step>,
}

/// All gaps of a story, whose end is known; `seen` is until when it was looked.
pub(super) fn gaps(story: &Story, seen: Now) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let last = silences(&story.steps, |last, step| {
        gaps.push(explained(story, last, Some(step), step.at));
    });
    let Some(last) = last else { return gaps };
    let is_over = matches!(
        story.ending,
        Ending::Installed
            | Ending::InstallationFailed { .. }
            | Ending::SystemUp
            | Ending::LocalDisk
    );
    if !is_over && !is_running(last) && seen.since(last.until) >= STILL_MIN {
        gaps.push(explained(story, last, None, seen));
    }
    gaps
}

/// Milliseconds of the gaps between these steps.
pub(super) fn silent_ms<'a>(steps: impl IntoIterator<Item = &'a Step>) -> u64 {
    let mut silent = 0;
    silences(steps, |last, step| silent += step.at.0 - last.until.0);
    silent
}

/// Walks over steps in their order, and tells of each silence between two of them. The one after which
/// nothing more came.
fn silences<'a>(
    steps: impl IntoIterator<Item = &'a Step>,
    mut between: impl FnMut(&'a Step, &'a Step),
) -> Option<&'a Step> {
    // Whose offer it takes stands in the message that follows.
    let mut steps = steps.into_iter().filter(|s| !matches!(s.what, Did::OfferTaken { .. }));
    let mut last = steps.next()?;
    for step in steps {
        if !is_running(last) && step.at.since(last.until) >= GAP_MIN {
            between(last, step);
        }
        if is_running(step) || (!is_running(last) && step.until >= last.until) {
            last = step;
        }
    }
    Some(last)
}

fn explained(story: &Story, after: &Step, before: Option<&Step>, until: Now) -> Gap {
    let long = until.since(after.until);
    let silence = Silence { story, kind: kind(story), after, before };
    let row = table::ROWS.iter().find(|row| (row.fits)(&silence));
    let (means, source, usual) = match row {
        Some(row) => (row.means, Some(row.source), long.as_millis() <= row.usual_ms_max.into()),
        None => ("nothing that is known of such machines explains it", None, false),
    };
    Gap {
        from: after.until,
        until,
        after: after.stage,
        before: before.map(|step| step.stage),
        means: means.to_owned(),
        source: source.filter(|source| !source.is_empty()).map(str::to_owned),
        usual,
    }
}

fn kind(story: &Story) -> Kind {
    match (story.firmware, story.arch) {
        (Some(Firmware::Rpi), _) => Kind::Pi,
        (Some(Firmware::Uboot), _) => Kind::Uboot,
        (_, Some(arch)) if arch.is_uefi() => Kind::Uefi,
        (_, Some(Arch::X86Bios)) => Kind::Bios,
        _ => Kind::Other,
    }
}

/// The exchange in a step, if it is one.
fn exchange(step: &Step) -> Option<&Exchange> {
    match &step.what {
        Did::Dhcp(exchange) => Some(exchange),
        _ => None,
    }
}

impl Silence<'_> {
    /// What was asked and what went, before.
    fn answered(&self, asked: &str, answer: &str) -> bool {
        exchange(self.after).is_some_and(|exchange| {
            let went = exchange.answer.as_deref().unwrap_or_default();
            exchange.asked.starts_with(asked) && went.ends_with(answer) && !answer.is_empty()
        })
    }

    fn beside(&self) -> bool {
        let answer = exchange(self.after).and_then(|exchange| exchange.answer.as_deref());
        answer.is_some_and(|answer| answer.starts_with("proxy"))
    }

    fn unanswered(&self, asked: &str) -> bool {
        exchange(self.after).is_some_and(|e| e.asked.starts_with(asked) && e.why.is_some())
    }

    /// It asked the DHCP server beside us.
    fn chose_other(&self) -> bool {
        let why = exchange(self.after).and_then(|exchange| exchange.why.as_ref());
        matches!(why, Some(Why::OtherServer(_) | Why::ProxyStaysOut(_)))
    }

    /// A DHCP message was the last.
    fn speaks(&self) -> bool {
        exchange(self.after).is_some()
    }

    /// It fetches something next: a file, or its script.
    fn fetches_next(&self) -> bool {
        let fetches = |step: &Step| matches!(step.what, Did::Transfer(_) | Did::Script { .. });
        self.before.is_some_and(fetches)
    }

    /// The same program asks the same again.
    fn asks_again(&self) -> bool {
        let says = |exchange: &Exchange| (exchange.asked.clone(), exchange.program.clone());
        let next = self.before.and_then(exchange).map(says);
        next.is_some() && exchange(self.after).map(says) == next
    }

    fn asks_next(&self, asked: &str) -> bool {
        let next = self.before.and_then(exchange);
        next.is_some_and(|exchange| exchange.asked.starts_with(asked))
    }

    fn ipxe(&self) -> bool {
        exchange(self.after).is_some_and(|exchange| exchange.program.as_deref() == Some("ipxe"))
    }

    fn ipxe_next(&self) -> bool {
        let next = self.before.and_then(exchange);
        next.is_some_and(|exchange| exchange.program.as_deref() == Some("ipxe"))
    }

    /// The next that speaks is another card than the one before.
    fn other_card(&self) -> bool {
        let card = |step: &Step| exchange(step).and_then(|exchange| exchange.card);
        match (card(self.after), self.before.and_then(card)) {
            (Some(before), Some(next)) => before != next,
            (None, Some(next)) => self.story.cards.first() != Some(&next),
            _ => false,
        }
    }

    fn carried(&self, stage: BootStage, state: Carrying) -> bool {
        let is = |step: &Step| matches!(&step.what, Did::Transfer(c) if c.state == state);
        self.after.stage == stage && is(self.after)
    }

    fn told(&self, kinds: &[Does]) -> bool {
        matches!(&self.after.what, Did::Script { does: Some(does), .. } if kinds.contains(does))
    }

    fn next_is(&self, stage: BootStage) -> bool {
        self.before.is_some_and(|step| step.stage == stage)
    }
}
