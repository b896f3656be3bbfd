//! Reasons decide nothing: beside each decision of a simulated world, the same by an engine that gives none.
//!
//! In: an engine, and what is asked of it. Out: its answer. Never: an answer that would be another without its
//! reasons: that ends the world.

use engine::{Answer, Engine, Found, Served, Told};
use model::Happening;
use std::fmt::Debug;

/// Lines of scripts in which reasons stand, by how they begin.
const SAYS_WHY: [&str; 7] = [
    "# because ",
    "echo   because ",
    "echo   but ",
    "echo '  because ",
    "echo '  but ",
    "SAY   because ",
    "SAY   but ",
];

/// Decides, and once more without reasons.
///
/// # Panics
/// When the other answer, or what it changes and tells, is not the same.
pub fn decided<T: Apart>(engine: &mut Engine, decide: impl Fn(&mut Engine) -> Told<T>) -> Told<T> {
    let without = decide(&mut engine.clone().without_reasons());
    let told = decide(engine);
    let (apart, _) = apart(told.clone());
    assert_eq!(apart, without, "with and without reasons");
    told
}

/// What is told, apart from its reasons; and how many these were.
pub fn apart<T: Apart>(mut told: Told<T>) -> (Told<T>, usize) {
    let mut reasons = 0;
    for event in &mut told.events {
        if let Happening::Answered { because, .. } | Happening::Script { because, .. } =
            &mut event.what
        {
            reasons += because.len();
            because.clear();
        }
    }
    if let Answer::Reply(reply) = &mut told.answer {
        reply.leave_out();
    }
    (told, reasons)
}

/// An answer that may have reasons in it.
pub trait Apart: Clone + Debug + PartialEq {
    /// Takes them out.
    fn leave_out(&mut self) {}
}

impl Apart for engine::Outgoing {}

impl Apart for Found {
    fn leave_out(&mut self) {
        if let Served::Text(text) = &mut self.what {
            let says_why = |line: &&str| SAYS_WHY.iter().any(|words| line.starts_with(words));
            *text = text.split_inclusive('\n').filter(|line| !says_why(line)).collect();
        }
    }
}
