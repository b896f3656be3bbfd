//! What others answered, as long as it holds.
//!
//! In: what was asked, an answer and for how long it holds, the moment. Out: the answer to the same question with
//! its age, and how many answers went for which reason. Never: more answers than its limit, an answer that has
//! ended, a look at what is in one.

use super::To;
use model::Now;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A question that others were asked.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Asked {
    /// Who.
    pub to: To,
    /// The name, in lower case.
    pub name: Box<[u8]>,
    /// The number of the type.
    pub kind: u16,
}

/// Answers by their questions. When it is full, the one that was longest not asked for goes.
#[derive(Debug)]
pub struct Cache<T> {
    most: usize,
    answers: BTreeMap<Arc<Asked>, Kept<T>>,
    /// In the order in which they end.
    ends: BTreeSet<(Now, Arc<Asked>)>,
    /// In the order in which they were last asked for.
    used: BTreeMap<u64, Arc<Asked>>,
    /// Counts whatever is asked for.
    turn: u64,
}

#[derive(Debug)]
struct Kept<T> {
    what: T,
    since: Now,
    until: Now,
    turn: u64,
}

/// How many answers went.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Dropped {
    /// They held no longer.
    pub ended: usize,
    /// They had to make room.
    pub displaced: usize,
}

impl<T> Cache<T> {
    /// Empty, with room for so many answers.
    pub fn new(most: usize) -> Self {
        let (answers, ends, used) = Default::default();
        Self { most, answers, ends, used, turn: 0 }
    }

    /// The answer to a question, and how old it is; none where it is not known, or holds no longer.
    pub fn get(&mut self, now: Now, asked: &Asked) -> Option<(&T, Duration)> {
        let turn = self.turn.saturating_add(1);
        let kept = self.answers.get_mut(asked).filter(|kept| kept.until > now)?;
        self.turn = turn;
        if let Some(asked) = self.used.remove(&kept.turn) {
            self.used.insert(turn, asked);
        }
        kept.turn = turn;
        Some((&kept.what, now.since(kept.since)))
    }

    /// Keeps an answer for as long as it holds, in place of the one before. What holds for no time is not kept.
    pub fn keep(&mut self, now: Now, asked: Asked, what: T, holds: Duration) -> Dropped {
        let mut dropped = Dropped { ended: self.sweep(now), displaced: 0 };
        self.forget(&asked);
        if holds.is_zero() || self.most == 0 {
            return dropped;
        }
        while self.answers.len() >= self.most {
            let Some((_, oldest)) = self.used.pop_first() else { break };
            self.forget(&oldest);
            dropped.displaced += 1;
        }
        self.turn = self.turn.saturating_add(1);
        let (asked, until) = (Arc::new(asked), now + holds);
        self.ends.insert((until, Arc::clone(&asked)));
        self.used.insert(self.turn, Arc::clone(&asked));
        self.answers.insert(asked, Kept { what, since: now, until, turn: self.turn });
        dropped
    }

    /// Drops what holds no longer, and says how many that were.
    pub fn sweep(&mut self, now: Now) -> usize {
        let mut ended = 0;
        while let Some((until, asked)) = self.ends.first() {
            if *until > now {
                break;
            }
            let asked = Arc::clone(asked);
            self.forget(&asked);
            ended += 1;
        }
        ended
    }

    /// How many answers are kept.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// For how many answers there is room.
    pub fn most(&self) -> usize {
        self.most
    }

    fn forget(&mut self, asked: &Asked) {
        if let Some((asked, kept)) = self.answers.remove_entry(asked) {
            self.used.remove(&kept.turn);
            self.ends.remove(&(kept.until, asked));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn asked(n: u8) -> Asked {
        Asked { to: To::Upstream, name: [1, n].into(), kind: 1 }
    }

    fn keep(cache: &mut Cache<u8>, at: u64, n: u8) -> Dropped {
        cache.keep(Now(at), asked(n), n, MINUTE)
    }

    #[test]
    fn an_answer_is_given_with_its_age_until_it_ends() {
        let mut cache = Cache::new(2);
        assert_eq!(cache.get(Now(0), &asked(1)), None);
        assert_eq!(keep(&mut cache, 1000, 1), Dropped::default());
        assert_eq!(cache.get(Now(31_000), &asked(1)), Some((&1, Duration::from_secs(30))));
        let other = Asked { to: To::Split(0), ..asked(1) };
        assert_eq!(cache.get(Now(31_000), &other), None, "who else is asked may say otherwise");
        assert_eq!(cache.get(Now(31_000), &Asked { kind: 28, ..asked(1) }), None);
        assert_eq!(cache.get(Now(61_000), &asked(1)), None, "it ended");
        assert_eq!((cache.len(), cache.sweep(Now(61_000)), cache.len()), (1, 1, 0));
        let dropped = cache.keep(Now(0), asked(2), 2, Duration::ZERO);
        assert_eq!((dropped, cache.is_empty()), (Dropped::default(), true), "it holds for no time");
    }

    #[test]
    fn when_it_is_full_what_was_longest_not_asked_for_goes() {
        let mut cache = Cache::new(2);
        let _ = (keep(&mut cache, 0, 1), keep(&mut cache, 0, 2));
        assert!(cache.get(Now(1), &asked(1)).is_some());
        assert_eq!(keep(&mut cache, 2, 3), Dropped { ended: 0, displaced: 1 });
        assert!(cache.get(Now(3), &asked(1)).is_some() && cache.get(Now(3), &asked(3)).is_some());
        assert_eq!(cache.get(Now(3), &asked(2)), None);
        assert_eq!(
            keep(&mut cache, 4, 3),
            Dropped::default(),
            "a newer answer takes its own place"
        );
        // What has ended makes room before anything that holds.
        assert_eq!(keep(&mut cache, 60_001, 4), Dropped { ended: 1, displaced: 0 });
        assert!(cache.get(Now(60_001), &asked(3)).is_some());
    }

    proptest! {
        /// Against a plain list, the one that was asked for last at its end.
        #[test]
        fn it_does_what_a_plain_list_does(
            most in 0_usize..5,
            steps in prop::collection::vec((any::<bool>(), 0_u8..8, 0_u64..4, 0_u64..50), 0..200),
        ) {
            let (mut cache, mut list) = (Cache::new(most), Vec::<(u8, u64, u64)>::new());
            let mut now = 0;
            for (what, (keeps, name, holds, pause)) in (0_u64..).zip(steps) {
                now += pause;
                let holds = holds * 25;
                if keeps {
                    let ended = list.extract_if(.., |(.., until)| *until <= now).count();
                    let mut wanted = Dropped { ended, displaced: 0 };
                    list.retain(|(of, ..)| *of != name);
                    if holds > 0 && most > 0 {
                        wanted.displaced = (list.len() + 1).saturating_sub(most);
                        list.drain(..wanted.displaced);
                        list.push((name, what, now + holds));
                    }
                    let dropped =
                        cache.keep(Now(now), asked(name), what, Duration::from_millis(holds));
                    prop_assert_eq!(dropped, wanted);
                } else {
                    let at = list.iter().position(|(of, _, until)| *of == name && *until > now);
                    let wanted = at.map(|at| list.remove(at));
                    list.extend(wanted);
                    let got = cache.get(Now(now), &asked(name)).map(|(what, _)| *what);
                    prop_assert_eq!(got, wanted.map(|(_, what, _)| what));
                }
                prop_assert_eq!(cache.len(), list.len());
                prop_assert_eq!((cache.ends.len(), cache.used.len()), (list.len(), list.len()));
            }
        }
    }
}
