//! The reasons of a decision, collected while it is made.
//!
//! In: what would make a reason. Out: reasons, in their order. Never: a part in the decision; a reason that
//! nobody reads, like a near miss for an answer that shows none.

use crate::Engine;
use model::plan::Reason;
use std::borrow::Cow;

/// Rules that did not match and are named where an operator asks: those of which most conditions were met,
/// the first of them. Of all others it is said how many they are.
pub(crate) const NEAR_MAX: usize = 16;
/// The same in a script, which its machine waits for: only the nearest.
const NEAR_IN_SCRIPT: usize = 1;

/// Which reasons are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tell {
    /// None.
    Nothing,
    /// What decided, and so many of the rules that came near.
    Near(usize),
}

/// Reasons, the first first.
#[derive(Debug)]
pub(crate) struct Reasons {
    tell: Tell,
    all: Vec<Reason>,
}

impl Reasons {
    fn new(tell: Tell) -> Self {
        Self { tell, all: Vec::new() }
    }

    /// For who only wants the decision.
    pub(crate) fn unread() -> Self {
        Self::new(Tell::Nothing)
    }

    /// How many rules that came near are named among them.
    pub(crate) fn near_max(&self) -> usize {
        match self.tell {
            Tell::Nothing => 0,
            Tell::Near(most) => most,
        }
    }

    /// Adds what this makes, if it is wanted: a reason, several, or perhaps none.
    pub(crate) fn say<R: IntoIterator<Item = Reason>>(&mut self, made: impl FnOnce() -> R) {
        if self.tell != Tell::Nothing {
            self.all.extend(made());
        }
    }

    /// Adds a note.
    pub(crate) fn note<T: Into<Cow<'static, str>>>(&mut self, made: impl FnOnce() -> T) {
        self.say(|| [Reason::Note(made().into())]);
    }

    /// Puts one before all others.
    pub(crate) fn say_first(&mut self, made: impl FnOnce() -> Reason) {
        if self.tell != Tell::Nothing {
            self.all.insert(0, made());
        }
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, more: usize) {
        if self.tell != Tell::Nothing {
            self.all.reserve(more);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Forgets all behind the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.all.truncate(len);
    }
}

impl From<Reasons> for Vec<Reason> {
    fn from(reasons: Reasons) -> Self {
        reasons.all
    }
}

impl Engine {
    /// The same engine, which decides the same and says no reason: none in plans, events and scripts, so
    /// that diagnoses find less. It is there to measure what reasons cost (`./x bench reasons`).
    #[must_use]
    pub fn without_reasons(self) -> Self {
        Self { gives_reasons: false, ..self }
    }

    /// For a decision that is shown with all that led to it.
    pub(crate) fn reasons(&self) -> Reasons {
        self.reasons_near(NEAR_MAX)
    }

    /// For what a machine reads and shows: the nearest rules only, the others counted. `explain` has them.
    pub(crate) fn reasons_in_script(&self) -> Reasons {
        self.reasons_near(NEAR_IN_SCRIPT)
    }

    /// For a reply to a message: it says what decided. Its machine's script names the rules that came near.
    pub(crate) fn decisive_reasons(&self) -> Reasons {
        self.reasons_near(0)
    }

    fn reasons_near(&self, most: usize) -> Reasons {
        Reasons::new(if self.gives_reasons { Tell::Near(most) } else { Tell::Nothing })
    }
}
