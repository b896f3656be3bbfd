//! The chain of audit records.
//!
//! As RFC 6962 (2.1) keeps leaves and nodes apart: a record is hashed with 0x00 in front, and what
//! it says is tied to all before it by a hash with 0x01 in front. Who changes, removes or inserts a
//! record has to make all that follow anew; who cuts the end off contradicts a signed [`Checkpoint`].

use model::access::{AuditRecord, By, Outcome};
use model::{Hash, Now};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What stands before the first record.
pub const START: Head = Head { seq: 0, hash: Hash([0; 32]) };

/// The last record, by number and hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// What is to be recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Now,
    /// Who.
    pub by: By,
    /// `set-profile`, `login`, ...
    pub what: String,
    /// To what.
    pub target: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// In words.
    pub says: String,
    /// Facts before, as JSON without secrets.
    pub before: Option<String>,
    /// Facts after.
    pub after: Option<String>,
}

/// The record of an entry, behind this head.
pub fn next(head: Head, entry: Entry) -> AuditRecord {
    let Entry { at, by, what, target, outcome, says, before, after } = entry;
    let mut record = AuditRecord {
        seq: head.seq.saturating_add(1),
        at,
        by,
        what,
        target,
        outcome,
        says,
        before,
        after,
        prev: head.hash,
        hash: Hash([0; 32]),
    };
    record.hash = hash(&record);
    record
}

/// The head that a record makes.
pub fn head(record: &AuditRecord) -> Head {
    Head { seq: record.seq, hash: record.hash }
}

/// The hash that a record should have.
pub fn hash(record: &AuditRecord) -> Hash {
    let mut leaf = Sha256::new();
    leaf.update([0x00]);
    let number = |hash: &mut Sha256, number: u64| hash.update(number.to_be_bytes());
    let text = |hash: &mut Sha256, text: Option<&str>| match text {
        None => hash.update(u64::MAX.to_be_bytes()),
        // Its length in front, so that nothing moves from one field to the next.
        Some(text) => {
            number(hash, text.len() as u64);
            hash.update(text);
        }
    };
    number(&mut leaf, record.seq);
    number(&mut leaf, record.at.0);
    text(&mut leaf, Some(&record.by.name));
    text(&mut leaf, Some(record.by.via.name()));
    text(&mut leaf, Some(&record.what));
    text(&mut leaf, record.target.as_deref());
    text(&mut leaf, Some(record.outcome.name()));
    text(&mut leaf, Some(&record.says));
    text(&mut leaf, record.before.as_deref());
    text(&mut leaf, record.after.as_deref());

    let mut node = Sha256::new();
    node.update([0x01]);
    node.update(record.prev.0);
    node.update(leaf.finalize());
    Hash(node.finalize().into())
}

/// What is wrong with a chain, and where first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wrong {
    /// It is not as it was written.
    Changed(u64),
    /// A record is not there.
    Missing(u64),
    /// It does not follow from the one before: that was put in its place, or this was.
    Unlinked(u64),
    /// It cannot be read.
    Unreadable(u64),
    /// A signed checkpoint says another hash.
    Contradicted(u64),
    /// A signed checkpoint knows more records than there are.
    Cut {
        /// The last there is.
        last: u64,
        /// The last that was signed.
        signed: u64,
    },
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed(seq) => write!(f, "record {seq} is not as it was written"),
            Self::Missing(seq) => write!(f, "record {seq} is missing"),
            Self::Unlinked(seq) => {
                write!(f, "record {seq} does not follow from the one before it")
            }
            Self::Unreadable(seq) => write!(f, "record {seq} cannot be read"),
            Self::Contradicted(seq) => {
                write!(f, "record {seq} is another than the one that was signed")
            }
            Self::Cut { last, signed } => {
                write!(f, "the end is cut off: the last record is {last}, but {signed} was signed")
            }
        }
    }
}

/// Follows a chain, record by record, and remembers the first fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Walk {
    head: Head,
    /// Checkpoints still to come, by number.
    signed: std::collections::BTreeMap<u64, Hash>,
    wrong: Option<Wrong>,
}

impl Walk {
    /// From the first record on, with what was signed.
    pub fn new(signed: impl IntoIterator<Item = Checkpoint>) -> Self {
        let mut walk = Self { head: START, signed: Default::default(), wrong: None };
        for Checkpoint { seq, hash, .. } in signed {
            let other = walk.signed.insert(seq, hash);
            if other.is_some_and(|other| other != hash) {
                walk.note(Wrong::Contradicted(seq));
            }
        }
        walk
    }

    /// The next record, in the order of their numbers.
    pub fn record(&mut self, record: &AuditRecord) {
        let expected = self.head.seq.saturating_add(1);
        if record.seq > expected {
            self.note(Wrong::Missing(expected));
        } else if record.seq < expected {
            self.note(Wrong::Unlinked(record.seq));
        }
        if hash(record) != record.hash {
            self.note(Wrong::Changed(record.seq));
        }
        if record.prev != self.head.hash {
            self.note(Wrong::Unlinked(record.seq));
        }
        if self.signed.get(&record.seq).is_some_and(|signed| *signed != record.hash) {
            self.note(Wrong::Contradicted(record.seq));
        }
        self.head = head(record);
    }

    /// A record that cannot be read.
    pub fn unreadable(&mut self, seq: u64) {
        self.note(Wrong::Unreadable(seq));
    }

    /// How many records there are, and the first fault.
    pub fn end(mut self) -> Verdict {
        let signed = self.signed.keys().next_back().copied().unwrap_or(0);
        if signed > self.head.seq {
            self.note(Wrong::Cut { last: self.head.seq, signed });
        }
        Verdict { head: self.head, signed, wrong: self.wrong }
    }

    fn note(&mut self, wrong: Wrong) {
        self.wrong.get_or_insert(wrong);
    }
}

/// What a walk found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// The last record.
    pub head: Head,
    /// The last that was signed; 0 if none was.
    pub signed: u64,
    /// The first fault.
    pub wrong: Option<Wrong>,
}

/// Follows a whole chain.
pub fn verify<'a>(
    records: impl IntoIterator<Item = &'a AuditRecord>,
    signed: impl IntoIterator<Item = Checkpoint>,
) -> Verdict {
    let mut walk = Walk::new(signed);
    records.into_iter().for_each(|record| walk.record(record));
    walk.end()
}

/// A head that was signed: one line of STATE/audit-checkpoints.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// When it was signed.
    pub at: Now,
    /// The number of the record.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// Ed25519 over [`Checkpoint::signed_text`], in hexadecimal.
    pub signature: String,
}

impl Checkpoint {
    /// What is signed.
    pub fn signed_text(at: Now, head: Head) -> String {
        format!("bootwright audit checkpoint\n{}\n{}\n{}\n", head.seq, head.hash, at.0)
    }

    /// The same of this one.
    pub fn text(&self) -> String {
        Self::signed_text(self.at, Head { seq: self.seq, hash: self.hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::access::Via;
    use proptest::prelude::*;

    fn entry(n: u64) -> Entry {
        Entry {
            at: Now(n),
            by: By { name: "eve".to_owned(), via: Via::Session },
            what: "set-life".to_owned(),
            target: Some(format!("lab-{n}")),
            outcome: Outcome::Done,
            says: format!("machine lab-{n} is blocked"),
            before: None,
            after: Some(format!("[{n}]")),
        }
    }

    fn chain(length: u64) -> Vec<AuditRecord> {
        let mut head = START;
        let made = (1..=length).map(|n| {
            let record = next(head, entry(n));
            head = super::head(&record);
            record
        });
        made.collect()
    }

    fn signed(record: &AuditRecord) -> Checkpoint {
        let AuditRecord { seq, hash, .. } = *record;
        Checkpoint { at: Now(9), seq, hash, signature: String::new() }
    }

    #[test]
    fn a_changed_removed_inserted_or_cut_record_is_named() {
        let whole = chain(9);
        let good = verify(&whole, [signed(&whole[4])]);
        assert_eq!((good.wrong, good.head.seq, good.signed), (None, 9, 5));
        let wrong = |change: &dyn Fn(&mut Vec<AuditRecord>)| {
            let mut records = whole.clone();
            change(&mut records);
            verify(&records, [signed(&whole[8])]).wrong
        };
        assert_eq!(wrong(&|r| r[3].says.push('!')), Some(Wrong::Changed(4)));
        assert_eq!(wrong(&|r| drop(r.remove(3))), Some(Wrong::Missing(4)));
        let inserted = wrong(&|r| {
            let false_one = next(super::head(&r[3]), entry(77));
            r.insert(4, false_one);
        });
        assert_eq!(inserted, Some(Wrong::Unlinked(5)));
        let replaced = wrong(&|r| r[3] = next(super::head(&r[2]), entry(77)));
        assert_eq!(replaced, Some(Wrong::Unlinked(5)));
        assert_eq!(wrong(&|r| r.truncate(7)), Some(Wrong::Cut { last: 7, signed: 9 }));
        assert_eq!(wrong(&|r| r.clear()), Some(Wrong::Cut { last: 0, signed: 9 }));
        // Somebody made the whole end anew.
        let forged = wrong(&|r| {
            r.truncate(6);
            for n in 7..=9 {
                let forged = next(super::head(r.last().unwrap()), entry(n * 10));
                r.push(forged);
            }
        });
        assert_eq!(forged, Some(Wrong::Contradicted(9)));
    }

    proptest! {
        /// Whatever single field of whatever record is changed, that is noticed.
        #[test]
        fn any_change_is_noticed(length in 1_u64..20, at in 0_usize..20, field in 0..9, flip in 1_u8..) {
            let mut records = chain(length);
            let at = at % records.len();
            let signed = signed(records.last().unwrap());
            let record = &mut records[at];
            match field {
                0 => record.at.0 ^= u64::from(flip),
                1 => record.by.name.push(char::from(flip)),
                2 => record.by.via = Via::Token,
                3 => record.what.insert(0, char::from(flip)),
                4 => record.target = None,
                5 => record.outcome = Outcome::Denied,
                6 => record.before = Some(String::new()),
                7 => record.after = None,
                _ => record.prev.0[usize::from(flip) % 32] ^= flip,
            }
            prop_assert!(verify(&records, [signed.clone()]).wrong.is_some());
            // Even when it is hashed anew.
            records[at].hash = hash(&records[at]);
            prop_assert!(verify(&records, [signed]).wrong.is_some());
        }

        /// Nothing moves from one field to the next.
        #[test]
        fn fields_do_not_run_together(a in ".{0,6}", b in ".{0,6}", cut in 0_usize..7) {
            let joined = format!("{a}{b}");
            let cut = joined.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(joined.len());
            let (c, d) = joined.split_at(cut);
            let of = |what: &str, says: &str| {
                hash(&next(START, Entry { what: what.to_owned(), says: says.to_owned(), target: None, ..entry(1) }))
            };
            prop_assert_eq!(of(&a, &b) == of(c, d), a == c);
        }
    }
}
