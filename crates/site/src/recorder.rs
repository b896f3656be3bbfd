//! What was said to each machine lately, for a report of it. In memory only, with a limit on everything.
//!
//! In: exchanges as they are decided. Out: those of one machine, in parts that can be decided again: each
//! begins with what was known of the machine before. Never: a secret (`engine::record` takes them out),
//! the disk, a decision.

use engine::Now;
use engine::record::{Part, Recorded};
use model::{Change, HardwareAddress};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

/// How much is remembered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Machines; the one that was quiet longest is forgotten first.
    pub machines_max: usize,
    /// Parts of one machine; the oldest is forgotten first.
    pub parts_max: usize,
    /// Exchanges of one part; those behind them are counted. A boot has about twenty.
    pub exchanges_max: usize,
    /// Bytes of everything; past it machines are forgotten, those first that were quiet longest.
    pub bytes_max: usize,
    /// After so much silence of a machine a new part begins.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            machines_max: 2048,
            parts_max: 3,
            exchanges_max: 128,
            bytes_max: 32 << 20,
            silence: Duration::from_secs(300),
        }
    }
}

/// What is remembered.
#[derive(Debug)]
pub(crate) struct Recorder {
    limits: Limits,
    machines: HashMap<HardwareAddress, Story>,
    /// Who spoke when, by a number that grows.
    spoke: BTreeMap<u64, HardwareAddress>,
    told: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Story {
    spoke: u64,
    at: Now,
    bytes: usize,
    parts: VecDeque<(Part, usize)>,
}

impl Recorder {
    pub(crate) fn new(limits: Limits) -> Self {
        let (machines, spoke) = (HashMap::new(), BTreeMap::new());
        Self { limits, machines, spoke, told: 0, bytes: 0 }
    }

    /// Whether the next exchange of this machine begins a part, so that what is known before is needed.
    pub(crate) fn begins(&self, machine: &HardwareAddress, now: Now) -> bool {
        self.machines.get(machine).is_none_or(|story| {
            let full = |part: &Part| part.exchanges.len() >= self.limits.exchanges_max;
            now.since(story.at) >= self.limits.silence
                || story.parts.back().is_none_or(|(part, _)| full(part) && part.left_out == 0)
        })
    }

    /// Remembers an exchange. With `before` it begins a part.
    pub(crate) fn note(
        &mut self,
        machine: HardwareAddress,
        before: Option<Vec<Change>>,
        recorded: Recorded,
    ) {
        self.told += 1;
        let (told, at, limits) = (self.told, recorded.at, self.limits);
        let held = self.machines.get(&machine).map_or(0, |story| story.bytes);
        let story = self.machines.entry(machine).or_insert_with(|| Story {
            spoke: told,
            at,
            bytes: size_of::<Story>(),
            parts: VecDeque::new(),
        });
        self.spoke.remove(&story.spoke);
        (story.spoke, story.at) = (told, at);
        self.spoke.insert(told, machine);
        story.take(&limits, before, recorded);
        // What is new in the story, and what of it is forgotten.
        self.bytes = self.bytes.saturating_sub(held).saturating_add(story.bytes);
        while self.machines.len() > limits.machines_max || self.bytes > limits.bytes_max {
            let Some((_, quietest)) = self.spoke.pop_first() else { break };
            if let Some(story) = self.machines.remove(&quietest) {
                self.bytes = self.bytes.saturating_sub(story.bytes);
            }
        }
    }

    pub(crate) fn of(&self, machine: &HardwareAddress) -> Vec<Part> {
        let parts = self.machines.get(machine).map(|story| &story.parts).into_iter().flatten();
        parts.map(|(part, _)| part.clone()).collect()
    }
}

impl Story {
    fn take(&mut self, limits: &Limits, before: Option<Vec<Change>>, recorded: Recorded) {
        if before.is_some() || self.parts.is_empty() {
            let before = before.unwrap_or_default();
            let weight = size_of::<Part>() + before.len() * size_of::<Change>();
            self.parts.push_back((Part { before, ..Part::default() }, weight));
            self.bytes += weight;
            if self.parts.len() > limits.parts_max
                && let Some((_, weight)) = self.parts.pop_front()
            {
                self.bytes = self.bytes.saturating_sub(weight);
            }
        }
        let Some((part, weight)) = self.parts.back_mut() else { return };
        if part.exchanges.len() >= limits.exchanges_max {
            part.left_out = part.left_out.saturating_add(1);
            return;
        }
        let more = recorded.weight();
        part.exchanges.push(recorded);
        *weight += more;
        self.bytes += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::record::{Exchange, Hex, Message};

    fn machine(number: u8) -> HardwareAddress {
        HardwareAddress::mac([2, 0, 0, 0, 0, number])
    }

    fn said(at: u64, bytes: usize) -> Recorded {
        let (from, to) = ("0.0.0.0:68".parse().unwrap(), "255.255.255.255:67".parse().unwrap());
        let asked = Hex(vec![1; bytes]);
        let what = Exchange::Dhcp(Message { from, to, asked, answer: None, silence: None });
        Recorded { at: Now(at), link: "lan".to_owned(), what }
    }

    fn note(recorder: &mut Recorder, number: u8, at: u64, bytes: usize) {
        let begins = recorder.begins(&machine(number), Now(at));
        recorder.note(machine(number), begins.then(Vec::new), said(at, bytes));
    }

    fn moments(recorder: &Recorder, number: u8) -> Vec<Vec<u64>> {
        let of = |part: &Part| part.exchanges.iter().map(|e| e.at.0).collect();
        recorder.of(&machine(number)).iter().map(of).collect()
    }

    #[test]
    fn silence_begins_a_part_and_the_oldest_part_goes_first() {
        let limits = Limits { parts_max: 2, exchanges_max: 2, ..Limits::default() };
        let mut recorder = Recorder::new(limits);
        for at in [0, 1_000, 400_000, 1_000_000, 1_000_001, 1_000_002] {
            note(&mut recorder, 1, at, 10);
        }
        // The part that was full is followed by one, so that a machine that boots for ever is not
        // remembered by its first boot alone.
        assert_eq!(moments(&recorder, 1), [vec![1_000_000, 1_000_001], vec![1_000_002]]);
        assert_eq!(recorder.spoke.len(), 1);
    }

    #[test]
    fn memory_is_bounded_however_many_machines_come_and_whatever_they_say() {
        let limits = Limits { machines_max: 3, bytes_max: 20_000, ..Limits::default() };
        let mut recorder = Recorder::new(limits);
        for at in 0..5_000_u64 {
            note(&mut recorder, u8::try_from(at % 7).unwrap(), at, 500);
            let held: usize = recorder.machines.values().map(|story| story.bytes).sum();
            assert_eq!(held, recorder.bytes);
            assert!(recorder.bytes <= limits.bytes_max);
            assert!(recorder.machines.len() <= limits.machines_max);
            assert_eq!(recorder.spoke.len(), recorder.machines.len());
        }
        note(&mut recorder, 9, 6_000, 50_000);
        assert_eq!(moments(&recorder, 9), [[0_u64; 0]; 0], "alone it is more than may be held");
        assert_eq!(recorder.bytes, 0);
    }
}
