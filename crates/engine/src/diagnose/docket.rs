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
/// Boots of which a verdict is remembered.
pub const TOLD_MAX: usize = 4096;
/// Strangers that are remembered: who asked in vain and could be some machine.
pub const STRANGERS_MAX: usize = 64;
/// No boot is judged before it was quiet for so long.
const FIRST_LOOK: Duration = Duration::from_secs(90);

/// Boots to be judged, and those that were.
#[derive(Debug, Default)]
pub struct Docket {
    /// By machine, with the moment of the next look.
    open: BTreeMap<(HardwareAddress, BootId), Now>,
    told: BTreeMap<BootId, Told>,
    /// Whose verdict was told when, the oldest first.
    order: VecDeque<BootId>,
    strangers: VecDeque<Event>,
}

/// One boot of a machine, with those around it.
struct Round<'a> {
    story: &'a Story,
    earlier: &'a [&'a Story],
    next: Option<&'a Story>,
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
        if !self.open.contains_key(&key) {
            // The boot before it is over.
            for (other, look) in self.open.range_mut((machine, BootId::FIRST)..) {
                if other.0 != machine {
                    break;
                }
                *look = event.at;
            }
        }
        if self.open.len() < OPEN_MAX || self.open.contains_key(&key) {
            self.open.insert(key, event.at + FIRST_LOOK);
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
        self.open.values().min().copied()
    }

    /// Judges whose time has come, and gives what is to be told.
    #[must_use]
    pub fn judge(&mut self, engine: &Engine, stories: &Stories, now: Now) -> Vec<Event> {
        let looks: Vec<(HardwareAddress, BootId)> =
            self.open.iter().filter(|(_, look)| **look <= now).map(|(key, _)| *key).collect();
        let mut events = Vec::new();
        for (machine, boot) in looks {
            let all = stories.of(now, &machine);
            let Some(at) = all.iter().position(|story| story.id == boot) else {
                self.open.remove(&(machine, boot));
                continue;
            };
            let (before, rest) = all.split_at(at);
            let Some(story) = rest.first() else { continue };
            match due(story) {
                Some(due) if due > now => {
                    self.open.insert((machine, boot), due);
                }
                None => {
                    self.open.remove(&(machine, boot));
                }
                Some(_) => {
                    self.open.remove(&(machine, boot));
                    let earlier: Vec<&Story> = before.iter().rev().collect();
                    let round = Round { story, earlier: &earlier, next: rest.get(1) };
                    events.extend(self.verdict(engine, &round, now));
                }
            }
        }
        events
    }

    fn verdict(&mut self, engine: &Engine, round: &Round<'_>, now: Now) -> Option<Event> {
        let Round { story, earlier, next } = *round;
        let strangers = self.strangers.iter().filter(|event| {
            let here = event.link.as_ref().is_some_and(|link| story.links.contains(link));
            let nobody = event.machine.is_none_or(|machine| engine.machine_of(&machine).is_none());
            here && nobody && event.at >= story.from
        });
        let strangers: Vec<&Event> = strangers.collect();
        let case = Case { engine, now, story, next, earlier, strangers: &strangers };
        let diagnoses = diagnose(&case);
        let Some(first) = diagnoses.first().cloned() else {
            // It went on after all.
            self.told.remove(&story.id);
            return None;
        };
        let before = self.told.get(&story.id).and_then(|told| told.diagnoses.first());
        let again = before.is_some_and(|before| before.code == first.code);
        let first_time = before.is_none();
        let mut event = Event::new(
            now,
            Some(story.machine),
            story.links.last().cloned(),
            Happening::Diagnosis(Box::new(first)),
        );
        event.boot = Some(story.id);
        self.told.insert(story.id, Told { diagnoses, furthest: story.furthest });
        if first_time {
            self.order.push_back(story.id);
        }
        if self.order.len() > TOLD_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.told.remove(&oldest);
        }
        (!again).then_some(event)
    }

    /// Writes into a story what was said of it.
    pub fn put_into(&self, story: &mut Story) {
        if let Some(told) = self.told.get(&story.id).filter(|t| t.furthest >= story.furthest) {
            story.diagnoses.clone_from(&told.diagnoses);
        }
    }
}
