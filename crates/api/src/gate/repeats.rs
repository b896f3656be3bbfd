//! Requests that may come twice: what has an `Idempotency-Key` is done once, and its answer given again to
//! whoever sends the same again. In memory only: a restart forgets it, and the documentation says so.
//!
//! In: who asks, his key, a print of what he asks. Out: do it, or what became of it. Never: a secret twice.

use model::{Hash, Now};
use std::collections::HashMap;
use std::time::Duration;

/// The header with the key.
pub const KEY: &str = "idempotency-key";
/// The header of an answer that was given before.
pub const REPLAYED: &str = "idempotency-replayed";

/// So long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// A longer key is none.
pub const KEY_MAX: usize = 255;
/// Keys of one asker; his oldest goes first.
const PER_ASKER_MAX: usize = 128;
/// Keys of all.
const ALL_MAX: usize = 2_048;
/// A longer answer is not kept, only that there was one.
pub const ANSWER_MAX: usize = 64 << 10;

/// An answer that was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its status.
    pub status: u16,
    /// Its media type.
    pub media: String,
    /// Its body, without secrets; none if it was too long to be kept.
    pub body: Option<Vec<u8>>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// Nothing: now it is being done.
    New,
    /// It is being done.
    Running,
    /// It was something else.
    Other,
    /// It was done.
    Done(Kept),
    /// There is no room for more that is being done.
    Full,
}

#[derive(Debug)]
struct Entry {
    since: Now,
    print: Hash,
    answer: Option<Kept>,
}

/// Keys, and what became of what they stand for.
#[derive(Debug, Default)]
pub struct Repeats(HashMap<(String, String), Entry>);

impl Repeats {
    /// Somebody asks for something under a key.
    pub fn begin(&mut self, now: Now, (asker, key): (&str, &str), print: Hash) -> Known {
        self.0.retain(|_, entry| entry.answer.is_none() || now.since(entry.since) < KEPT);
        let name = (asker.to_owned(), key.to_owned());
        if let Some(entry) = self.0.get(&name) {
            return match &entry.answer {
                _ if entry.print != print => Known::Other,
                None => Known::Running,
                Some(kept) => Known::Done(kept.clone()),
            };
        }
        let his = self.0.keys().filter(|(of, _)| of == asker).count();
        let room = (his < PER_ASKER_MAX || self.forget(|of| of == asker))
            && (self.0.len() < ALL_MAX || self.forget(|_| true));
        if !room {
            return Known::Full;
        }
        self.0.insert(name, Entry { since: now, print, answer: None });
        Known::New
    }

    /// It is done, with this answer; without one it may be tried again.
    pub fn end(&mut self, (asker, key): (&str, &str), answer: Option<Kept>) {
        let name = (asker.to_owned(), key.to_owned());
        match answer {
            None => drop(self.0.remove(&name)),
            Some(kept) => {
                if let Some(entry) = self.0.get_mut(&name) {
                    entry.answer = Some(kept);
                }
            }
        }
    }

    /// The oldest that is done goes; false if none is.
    fn forget(&mut self, of: impl Fn(&str) -> bool) -> bool {
        let done = self.0.iter().filter(|((asker, _), entry)| of(asker) && entry.answer.is_some());
        let oldest = done.min_by_key(|(_, entry)| entry.since).map(|(name, _)| name.clone());
        oldest.is_some_and(|name| self.0.remove(&name).is_some())
    }
}

/// What was shown once is not shown again: `token` and `secret` of an answer are taken out of it.
pub fn without_secrets(body: &[u8]) -> Option<Vec<u8>> {
    let mut answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let mut taken = false;
    for name in ["token", "secret"] {
        if let Some(secret) = answer.get_mut(name).filter(|secret| !secret.is_null()) {
            *secret = serde_json::Value::Null;
            taken = true;
        }
    }
    if taken && let Some(says) = answer.get("says").and_then(|says| says.as_str()) {
        let says = format!("{says}; its secret was in the first answer, and is not shown again");
        answer["says"] = says.into();
    }
    serde_json::to_vec(&answer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> Kept {
        Kept { status: 200, media: "application/json".into(), body: Some(text.into()) }
    }

    #[test]
    fn the_same_again_gets_the_first_answer_and_another_is_refused() {
        let mut repeats = Repeats::default();
        let (ada, print) = (("ada", "k"), Hash([1; 32]));
        assert_eq!(repeats.begin(Now(0), ada, print), Known::New);
        assert_eq!(repeats.begin(Now(1), ada, print), Known::Running);
        repeats.end(ada, Some(kept("{}")));
        assert_eq!(repeats.begin(Now(2), ada, print), Known::Done(kept("{}")));
        assert_eq!(repeats.begin(Now(2), ada, Hash([2; 32])), Known::Other);
        assert_eq!(
            repeats.begin(Now(2), ("sam", "k"), Hash([2; 32])),
            Known::New,
            "keys are his own"
        );
        assert_eq!(repeats.begin(Now(0) + KEPT, ada, Hash([2; 32])), Known::New, "a day is over");
        repeats.end(ada, None);
        assert_eq!(repeats.begin(Now(0) + KEPT, ada, print), Known::New, "it came to nothing");
    }

    #[test]
    fn a_flood_of_keys_takes_no_more_room_than_it_may() {
        let mut repeats = Repeats::default();
        for n in 0..PER_ASKER_MAX as u64 {
            let key = n.to_string();
            assert_eq!(repeats.begin(Now(n), ("ada", &key), Hash([0; 32])), Known::New);
        }
        assert_eq!(repeats.begin(Now(999), ("ada", "more"), Hash([0; 32])), Known::Full);
        repeats.end(("ada", "0"), Some(kept("{}")));
        assert_eq!(repeats.begin(Now(999), ("ada", "more"), Hash([0; 32])), Known::New);
        assert_eq!(repeats.0.len(), PER_ASKER_MAX);
    }

    #[test]
    fn secrets_are_in_the_first_answer_alone() {
        let made = br#"{"says":"token ci is made","done":true,"token":"bwt_x","id":"1"}"#;
        let again = String::from_utf8(without_secrets(made).unwrap()).unwrap();
        assert!(!again.contains("bwt_x") && again.contains("not shown again"), "{again}");
        let view = br#"{"says":"done","done":true}"#;
        assert!(!String::from_utf8(without_secrets(view).unwrap()).unwrap().contains("again"));
    }
}
