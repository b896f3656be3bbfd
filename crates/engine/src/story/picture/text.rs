//! A story as lines for a terminal: times, bars, words.

use super::scale::Scale;
use super::{Row, heads, plain, rows, since};
use model::story::{Did, Story};

/// Columns of the bars.
const BARS: usize = 28;

/// The lines; `name` is what people call the machine.
#[must_use]
pub fn text(story: &Story, name: Option<&str>) -> Vec<String> {
    let rows = rows(story);
    let scale = Scale::new(story.from, story.until, &rows);
    let mut lines = heads(story, name).to_vec();
    lines.push(String::new());
    let times: Vec<String> = rows.iter().map(|row| since(story, row.from())).collect();
    let width = times.iter().map(String::len).max().unwrap_or(0);
    for (row, time) in rows.iter().zip(times) {
        let stage = match row {
            Row::Step(step) => step.stage.name(),
            Row::Gap(_) => "",
        };
        let mark = if is_worth_a_look(row) { '!' } else { ' ' };
        let bar = bar(row, &scale);
        lines.push(format!("{time:>width$} |{bar}|{mark}{stage:9} {}", row.says()));
    }
    lines.iter().map(|line| plain(line).collect()).collect()
}

/// What did not go as it should, or is not usual.
pub(super) fn is_worth_a_look(row: &Row<'_>) -> bool {
    match row {
        Row::Step(step) => step.is_trouble(),
        Row::Gap(gap) => !gap.usual,
    }
}

fn bar(row: &Row<'_>, scale: &Scale) -> String {
    let sign = match row {
        Row::Gap(_) => '.',
        Row::Step(step) if matches!(step.what, Did::Transfer(_)) => '=',
        Row::Step(_) => '#',
    };
    let column = |at| ((scale.place(at) * BARS as f64) as usize).min(BARS - 1);
    let (first, last) = (column(row.from()), column(row.until()));
    (0..BARS).map(|n| if (first..=last).contains(&n) { sign } else { ' ' }).collect()
}
