//! Which boots are still to be judged, and what was said of those that were: each is told once.
//!
//! In: every event with its boot, and from time to time the moment. Out: verdicts, as events. Never: the
//! same said twice of one boot.

use super::{Case, diagnose, due};
use crate::Engine;
use crate::story::Stories;
use model::event::Cut;
use model::plan::Why;
use model::story::{BootId, BootStage};
use model::{Diagnosis, Event, Happening, HardwareAddress, Now, Story};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Boots that wait to be judged; what comes when there are so many is not.
pub const OPEN_MAX: usize = 4096;
/// Boots that are judged in one go: whoever waits for the owner, or for the stories, waits no longer
/// than that.
pub const LOOKS_MAX: usize = 64;
/// Boots of which a verdict is remembered.
pub const TOLD_MAX: usize = 4096;
/// Strangers that are remembered: who asked in vain and could be some machine.
pub const STRANGERS_MAX: usize = 64;
/// A boot of which something was told is looked at again so long after it speaks again.
const FIRST_LOOK: Duration = Duration::from_secs(90);
/// Two looks at one boot are so far apart at least.
const SOONEST: Duration = Duration::from_secs(30);

/// Boots to be judged, and those that were.
#[derive(Debug, Default)]
pub struct Docket {
    open: BTreeMap<(HardwareAddress, BootId), Look>,
    told: BTreeMap<BootId, Told>,
    /// Whose verdict was told when, the oldest first.
    order: VecDeque<BootId>,
    strangers: VecDeque<Event>,
}

/// When a boot is looked at next.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Now,
    /// It was just begun: the boot before it is over.
    begun: bool,
}

/// A boot that somebody asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Examined {
    /// The boot, as it stands now.
    pub story: Story,
    /// It may still go on: until then nothing is sure.
    pub waits_until: Option<Now>,
    /// What it died of, or would have died of if nothing more were heard.
    pub diagnoses: Vec<Diagnosis>,
}

/// What was said of a boot.
#[derive(Debug)]
struct Told {
    diagnoses: Vec<Diagnosis>,
    /// How far it was then. A boot that came further did not die of it.
    furthest: BootStage,
}

impl Docket {
    /// Takes an event, its boot named in it.
    pub fn note(&mut self, event: &Event) {
        self.note_stranger(event);
        let (Some(machine), Some(boot)) = (event.machine, event.boot) else { return };
        if matches!(event.what, Happening::Diagnosis(_)) {
            return;
        }
        let key = (machine, boot);
        if self.open.len() < OPEN_MAX {
            // Whether it is a new one is seen when it is looked at.
            let begun = !self.told.contains_key(&boot);
            let at = if begun { event.at } else { event.at + FIRST_LOOK };
            self.open.entry(key).or_insert(Look { at, begun });
        }
    }

    fn note_stranger(&mut self, event: &Event) {
        let in_vain = match &event.what {
            Happening::TransferFailed { cut, .. } => *cut == Some(Cut::NeverAcknowledged),
            Happening::FileMissed { why, .. } => *why == Why::OutsideServedSubnets,
            _ => false,
        };
        if in_vain {
            self.strangers.push_back(event.clone());
            if self.strangers.len() > STRANGERS_MAX {
                self.strangers.pop_front();
            }
        }
    }

    /// When somebody should look again; nothing waits: never.
    #[must_use]
    pub fn next_look(&self) -> Option<Now> {
        self.open.values().map(|look| look.at).min()
    }

    /// Judges whose time has come, so many at most and those first that wait longest, and gives what is to
    /// be told. Whether more wait, [`Self::next_look`] says.
    #[must_use]
    pub fn judge(&mut self, engine: &Engine, stories: &Stories, now: Now) -> Vec<Event> {
        let come = self.open.iter().filter(|(_, look)| look.at <= now);
        let mut looks: Vec<((HardwareAddress, BootId), Look)> =
            come.map(|(key, look)| (*key, *look)).collect();
        looks.sort_by_key(|(_, look)| look.at);
        looks.truncate(LOOKS_MAX);
        let mut events = Vec::new();
        for (key, look) in looks {
            self.open.remove(&key);
            let (machine, boot) = key;
            let all = stories.of(now, &machine);
            let Some(at) = all.iter().position(|story| story.id == boot) else { continue };
            if look.begun
                && let Some(before) = at.checked_sub(1)
            {
                events.extend(self.verdict(engine, &all, before, now));
            }
            match all.get(at).and_then(due) {
                Some(due) if due > now || look.begun => {
                    let at = due.max(now + SOONEST);
                    self.open.insert(key, Look { at, begun: false });
                }
                None => {}
                Some(_) => events.extend(self.verdict(engine, &all, at, now)),
            }
        }
        events
    }

    /// Judges the boot at this place of a machine's; what is to be told, if it was not told before.
    fn verdict(&mut self, engine: &Engine, all: &[Story], at: usize, now: Now) -> Option<Event> {
        let story = all.get(at)?;
        let diagnoses = self.findings(engine, all, at, now);
        let Some(first) = diagnoses.first().cloned() else {
            // It went on after all.
            if self.told.remove(&story.id).is_some() {
                self.order.retain(|told| *told != story.id);
            }
            return None;
        };
        let before = self.told.get(&story.id).and_then(|told| told.diagnoses.first());
        let again = before.is_some_and(|before| before.code == first.code);
        let first_time = before.is_none();
        self.told.insert(story.id, Told { diagnoses, furthest: story.furthest });
        if first_time {
            self.order.push_back(story.id);
        }
        if self.order.len() > TOLD_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.told.remove(&oldest);
        }
        let (link, what) = (story.links.last().cloned(), Happening::Diagnosis(Box::new(first)));
        let mut event = Event::new(now, Some(story.machine), link, what);
        event.boot = Some(story.id);
        (!again).then_some(event)
    }

    /// What the boot at this place of a machine's died of.
    fn findings(&self, engine: &Engine, all: &[Story], at: usize, now: Now) -> Vec<Diagnosis> {
        let (before, rest) = all.split_at(at.min(all.len()));
        let Some(story) = rest.first() else { return Vec::new() };
        let earlier: Vec<&Story> = before.iter().rev().collect();
        let next = rest.get(1);
        let until = next.map_or(now, |next| next.from);
        let strangers = self.strangers.iter().filter(|event| {
            let here = event.link.as_ref().is_some_and(|link| story.links.contains(link));
            let nobody = event.machine.is_none_or(|machine| engine.machine_of(&machine).is_none());
            here && nobody && event.at >= story.from && event.at <= until
        });
        let strangers: Vec<&Event> = strangers.collect();
        let case = Case { engine, now, story, next, earlier: &earlier, strangers: &strangers };
        diagnose(&case)
    }

    /// Judges a boot of a machine because somebody asks: its newest, or the one of this name. Before
    /// its time has come the verdict is what it would be if nothing more were heard.
    #[must_use]
    pub fn examine(
        &self,
        (engine, stories): (&Engine, &Stories),
        now: Now,
        machine: &HardwareAddress,
        boot: Option<BootId>,
    ) -> Option<Examined> {
        let all = stories.of(now, machine);
        let named = |boot| all.iter().position(|story| story.id == boot);
        let at = boot.map_or_else(|| all.len().checked_sub(1), named)?;
        let story = all.get(at)?.clone();
        let due = due(&story);
        let judged_at = due.map_or(now, |due| due.max(now));
        let then = stories.of(judged_at, machine);
        let diagnoses = self.findings(engine, &then, at, judged_at);
        Some(Examined { waits_until: due.filter(|due| *due > now), story, diagnoses })
    }

    /// What was said of a boot that has come so far, the surest first.
    pub fn said_of(&self, boot: BootId, furthest: BootStage) -> &[Diagnosis] {
        let told = self.told.get(&boot).filter(|told| told.furthest >= furthest);
        told.map_or(&[], |told| &told.diagnoses)
    }

    /// Writes into a story what was said of it.
    pub fn put_into(&self, story: &mut Story) {
        let said = self.said_of(story.id, story.furthest);
        if !said.is_empty() {
            story.diagnoses = said.to_vec();
        }
    }
}
