//! A story to be looked at: rows over a line of time, as text for a terminal and as SVG.
//!
//! In: a story. Out: text. Never: a font, a script or a picture from elsewhere; a character of a
//! machine's own that could be read as anything but text.

mod scale;
mod svg;
mod text;

use model::Now;
use model::event::{show_bytes, show_rate};
use model::story::{Carrying, Did, Gap, Step, Story, show_time};
use std::time::Duration;
pub use svg::{STYLE, svg};
pub use text::text;

/// What stands in one row.
enum Row<'a> {
    Step(&'a Step),
    Gap(&'a Gap),
}

impl Row<'_> {
    const fn from(&self) -> Now {
        match self {
            Self::Step(step) => step.at,
            Self::Gap(gap) => gap.from,
        }
    }

    const fn until(&self) -> Now {
        match self {
            Self::Step(step) => step.until,
            Self::Gap(gap) => gap.until,
        }
    }

    fn says(&self) -> String {
        match self {
            Self::Step(step) => {
                let times = match step.times {
                    0 | 1 => String::new(),
                    times => format!("{times} × "),
                };
                format!("{times}{}", step.says)
            }
            Self::Gap(gap) => format!("{} silent: {}", show_time(gap.long()), gap.means),
        }
    }

    /// What stands beside its bar.
    fn label(&self) -> String {
        let long = self.until().since(self.from());
        match self {
            Self::Step(Step { what: Did::Transfer(carried), .. }) => match carried.state {
                Carrying::Done if carried.took_ms >= 10 => show_rate(carried.sent, carried.took_ms),
                Carrying::Done => String::new(),
                Carrying::Runs => "on its way".to_owned(),
                Carrying::Failed => "ended early".to_owned(),
            },
            _ if long >= Duration::from_millis(10) => show_time(long),
            _ => String::new(),
        }
    }
}

/// Steps and gaps, in order. A gap stands behind the step after which it begins.
fn rows(story: &Story) -> Vec<Row<'_>> {
    let mut gaps = story.gaps.iter().peekable();
    let mut rows = Vec::new();
    for step in &story.steps {
        while let Some(gap) = gaps.next_if(|gap| gap.until <= step.at) {
            rows.push(Row::Gap(gap));
        }
        rows.push(Row::Step(step));
    }
    rows.extend(gaps.map(Row::Gap));
    rows
}

/// `+12.3 s`, `+4:05 min`, `+1:02:03 h` since the boot began.
fn since(story: &Story, at: Now) -> String {
    let since = at.since(story.from);
    let s = since.as_secs();
    match s {
        0..=99 => format!("+{:.2} s", since.as_secs_f64()),
        100..=3599 => format!("+{}:{:02} min", s / 60, s % 60),
        _ => format!("+{}:{:02}:{:02} h", s / 3600, s % 3600 / 60, s % 60),
    }
}

/// What is said of the whole boot: how it ended, who and where it was, what it cost.
fn heads(story: &Story, name: Option<&str>) -> [String; 3] {
    let Story { id, machine, totals, .. } = story;
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    let first = format!("boot {id} of {machine}{name}: {}", story.outcome());
    let mut costs = vec![counted(totals.files, "file")];
    if let Some(files) = costs.first_mut() {
        *files = format!("{} in {files}", show_bytes(totals.bytes));
    }
    for (count, what) in [
        (totals.unanswered, "message without an answer"),
        (totals.repeated, "message asked again"),
        (totals.again, "block sent again"),
        (totals.failed, "file ended early"),
        (totals.missed, "name in vain"),
        (story.left_out, "step left out"),
    ] {
        if count > 0 {
            costs.push(counted(count, what));
        }
    }
    if totals.silent_ms >= 1000 {
        costs.push(format!("{} silent", show_time(Duration::from_millis(totals.silent_ms))));
    }
    [first, who(story), costs.join("; ")]
}

/// `2 files ended early`: the first word takes the `s`.
fn counted(count: u64, what: &str) -> String {
    match (count, what.split_once(' ')) {
        (1, _) => format!("1 {what}"),
        (_, Some((noun, rest))) => format!("{count} {noun}s {rest}"),
        (_, None) => format!("{count} {what}s"),
    }
}

/// How long it took, which firmware it has, where it was heard.
fn who(story: &Story) -> String {
    let mut words = vec![format!("took {}", show_time(story.took()))];
    match (story.arch, story.firmware) {
        (Some(arch), Some(firmware)) => words.push(format!("{arch} {firmware}")),
        (Some(arch), None) => words.push(arch.to_string()),
        _ => {}
    }
    let list = |what: &str, all: Vec<String>| {
        (!all.is_empty()).then(|| format!("{what} {}", all.join(", ")))
    };
    words.extend(list("on", story.links.clone()));
    let cards: Vec<String> = match story.cards.as_slice() {
        [one] if *one == story.machine => Vec::new(),
        all => all.iter().map(ToString::to_string).collect(),
    };
    words.extend(list("cards", cards));
    words.extend(list("behind relay", story.relays.iter().map(ToString::to_string).collect()));
    words.extend(list("address", story.addresses.iter().map(ToString::to_string).collect()));
    words.extend(story.deployment.iter().map(|deployment| format!("deployment {deployment}")));
    words.join("; ")
}

/// What can be read as nothing but text: no control character, nothing that turns the writing round
/// (Unicode, UAX 9), nothing that XML does not take.
fn plain(words: &str) -> impl Iterator<Item = char> {
    words.chars().map(|c| match c {
        '\n' | '\t' => ' ',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    })
}
