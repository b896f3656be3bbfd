//! Questions that were refused lately, and why: for an operator who looks why a name does not work.
//!
//! In: a refusal. Out: the newest of them, the same question of the same source once. In memory only. Never: a
//! wait of whoever answers, a question from outside, what was merely not there.

use engine::Now;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use wire::dns::{Code, Name, Query};

/// A question that was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// When it was last asked.
    pub at: Now,
    /// By whom.
    pub from: IpAddr,
    /// The name.
    pub name: String,
    /// The number of the type.
    pub kind: u16,
    /// What was said.
    pub code: Code,
    /// Why, in words.
    pub why: String,
    /// How often since it was first remembered.
    pub times: u64,
}

/// The newest of them. Clone it freely.
#[derive(Clone, Debug)]
pub(crate) struct Refusals {
    most: usize,
    all: Arc<Mutex<VecDeque<Refused>>>,
}

impl Refusals {
    /// With room for so many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, all: Arc::default() }
    }

    /// Whether this is a refusal: a name that is not there is an answer.
    pub(super) fn is_one(code: Code) -> bool {
        !matches!(code, Code::NoError | Code::NxDomain)
    }

    /// Remembers one. Whoever reads at this moment is not waited for: the next one is remembered again.
    pub(super) fn note(
        &self,
        (at, from): (Now, IpAddr),
        query: &Query<'_>,
        code: Code,
        why: &dyn std::fmt::Display,
    ) {
        let Ok(mut all) = self.all.try_lock() else { return };
        let name = Name::of_wire(query.name).map(|name| name.to_string()).unwrap_or_default();
        let same = |one: &Refused| {
            (one.from, one.kind, one.code) == (from, query.kind, code) && one.name == name
        };
        let before = all.iter().position(same).and_then(|place| all.remove(place));
        let times = before.map_or(1, |one| one.times.saturating_add(1));
        while all.len() >= self.most && all.pop_front().is_some() {}
        let (kind, why) = (query.kind, why.to_string());
        all.push_back(Refused { at, from, name, kind, code, why, times });
    }

    /// Remembers the answer to a question that others were asked, where none of them knew.
    pub(super) fn note_others(&self, (at, from): (Now, IpAddr), question: &[u8], answer: &[u8]) {
        let failed =
            answer.get(3).is_some_and(|low| u16::from(low & 15) == Code::ServFail.number());
        if let Some(query) = Query::parse(question).ok().filter(|_| failed) {
            self.note(
                (at, from),
                &query,
                Code::ServFail,
                &"no server that is asked for it answered",
            );
        }
    }

    /// The newest first.
    pub(crate) fn read(&self) -> Vec<Refused> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &Name) -> Query<'_> {
        Query {
            id: 0,
            opcode: 0,
            recursion_desired: true,
            checking_disabled: false,
            name: name.as_wire(),
            kind: 1,
            class: 1,
            edns: None,
        }
    }

    #[test]
    fn the_newest_are_remembered_and_the_same_question_once() {
        let refusals = Refusals::new(64);
        let from: IpAddr = "10.77.0.9".parse().unwrap();
        for n in 0..200_u64 {
            let name = Name::parse(&format!("n{}.example", n / 2)).unwrap();
            refusals.note((Now(n), from), &query(&name), Code::Refused, &"not here");
        }
        let all = refusals.read();
        assert_eq!(all.len(), 64);
        let newest = all.first().unwrap();
        assert_eq!((newest.name.as_str(), newest.times, newest.at), ("n99.example", 2, Now(199)));
        assert_eq!(all.last().unwrap().name, "n36.example");
        let (question, mut answer) =
            ([&[0, 1, 1, 0, 0, 1][..], &[0; 6], b"\x01a\0\0\x01\0\x01"].concat(), [0; 12]);
        refusals.note_others((Now(300), from), &question, &answer);
        assert_eq!(refusals.read().first().unwrap().at, Now(199), "it was answered");
        answer[3] = 2;
        refusals.note_others((Now(300), from), &question, &answer);
        assert_eq!(refusals.read().first().unwrap().name, "a");
        assert!(!Refusals::is_one(Code::NxDomain) && Refusals::is_one(Code::ServFail));
    }
}
