//! `./x bench reasons`: what it costs to say why. The same questions to two engines in turns: one as it is, and
//! one that gives no reasons and decides the same.
//!
//! In: how many rounds. Out: a table on stdout, in it what comes out where both engines are alike. Never: a
//! figure of answers that differ.

use crate::rig::Trouble;
use engine::Engine;
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

mod fleet;

use fleet::{Question, World};

/// Rules of the two worlds.
const RULES: [u32; 2] = [10, 1_000];
/// Questions between two looks at the clock: a millisecond or so.
const BLOCK: u32 = 100;
/// The most that reasons may add, in percent.
const GOAL: f64 = 10.0;

/// What was measured of one question.
struct Measured {
    /// Microseconds of an answer, with its reasons and without.
    us: [f64; 2],
    /// How much longer one with reasons took than the one without beside it, in percent: a quarter of all
    /// rounds are below the first, half below the second, a quarter above the third.
    more: [f64; 3],
    /// The middle of the same where both give reasons.
    alike: f64,
}

/// Measures, prints the table.
///
/// # Errors
/// When the two engines do not answer the same.
pub fn run(rounds: u32) -> Result<(), Trouble> {
    println!("reasons, {rounds} rounds of {BLOCK} questions to each of two engines in turns");
    println!(
        "{:<36} {:>5} {:>9} {:>9} {:>7} {:>15} {:>7} {:>6}",
        "what", "rules", "with, us", "without", "more %", "half between", "alike", "goal"
    );
    for question in Question::ALL {
        for rules in RULES {
            let world = World::new(rules);
            world.answers_the_same(question)?;
            line(question, rules, &measure(&world, question, rounds));
        }
    }
    Ok(())
}

fn line(question: Question, rules: u32, measured: &Measured) {
    let Measured { us: [with, without], more: [low, middle, high], alike } = measured;
    let between = format!("{low:.1} to {high:.1}");
    let goal = if question.counts() { format!("{GOAL:.0}") } else { String::new() };
    println!(
        "{:<36} {rules:>5} {with:>9.2} {without:>9.2} {middle:>7.1} {between:>15} {alike:>7.1} {goal:>6}",
        question.name()
    );
}

fn measure(world: &World, question: Question, rounds: u32) -> Measured {
    let pairs =
        in_turns(world, question, rounds, [world.engine(), world.engine().without_reasons()]);
    let control = in_turns(world, question, rounds, [world.engine(), world.engine()]);
    let middle = |of: usize| part(pairs.iter().map(|pair| pair[of]), 50);
    let more = |pairs: &[[f64; 2]], at| part(pairs.iter().map(|[a, b]| (a / b - 1.0) * 100.0), at);
    Measured {
        us: [middle(0), middle(1)],
        more: [25, 50, 75].map(|at| more(&pairs, at)),
        alike: more(&control, 50),
    }
}

/// Microseconds of an answer of each of two engines, round by round; who begins changes with each.
fn in_turns(
    world: &World,
    question: Question,
    rounds: u32,
    [mut one, mut other]: [Engine; 2],
) -> Vec<[f64; 2]> {
    let round = |round: u32| {
        if round.is_multiple_of(2) {
            let first = block(world, question, round, &mut one);
            return [first, block(world, question, round, &mut other)];
        }
        let first = block(world, question, round, &mut other);
        [block(world, question, round, &mut one), first]
    };
    (0..rounds).map(round).collect()
}

/// Microseconds of an answer, over a block of questions of machines in no order. An answer is forgotten within
/// its time, as whoever gets it has to do in the end.
fn block(world: &World, question: Question, round: u32, engine: &mut Engine) -> f64 {
    let asked = world.block(question, round, BLOCK);
    let begun = processor_time();
    for one in &asked {
        one.put(engine);
    }
    processor_time().saturating_sub(begun).as_secs_f64() * 1e6 / f64::from(BLOCK)
}

/// What this thread has had of a processor: who else runs here is not in it.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// The value below which so many percent of them are.
fn part(of: impl Iterator<Item = f64>, percent: usize) -> f64 {
    let mut of: Vec<f64> = of.collect();
    of.sort_by(f64::total_cmp);
    of.get(of.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_answer_the_same_and_one_says_why() {
        for question in Question::ALL {
            let world = World::new(RULES[0]);
            world.answers_the_same(question).unwrap();
            let measured = measure(&world, question, 2);
            assert!(measured.us.iter().all(|us| *us > 0.0));
        }
    }
}
