//! What installers report: `POST /report/TOKEN/STAGE`, with a token of its own.

use super::{alarm, nothing_here, told};
use crate::files::{FileAsk, Found, Served};
use crate::{Answer, Engine, Told};
use answers::DiskMark;
use model::deployment::{Deployment, REPORTS_MAX, Report, State, Step};
use model::event::Carrier;
use model::text::show;
use model::{Change, Event, Now};

/// Of what an installer says so many bytes are kept, the last ones.
const WORDS_BYTES_MAX: usize = 4096;

impl Engine {
    /// An installer says how far it is. `rest` is what follows `report/`.
    pub(crate) fn report(&mut self, now: Now, ask: &FileAsk, rest: &str) -> Told<Found> {
        let (token, stage) = rest.split_once('/').unwrap_or((rest, ""));
        let of = self.deployments.by_report(&vault::token_hash(token)).cloned();
        let body = ask.body.as_deref().filter(|_| ask.by == Carrier::Http);
        let (Some(of), Some(body), Some(report)) = (of, body, Report::named(stage)) else {
            return nothing_here(Vec::new());
        };
        let ends = matches!(report, Report::Done | Report::Failed);
        if of.reports() >= REPORTS_MAX && !ends {
            return received(&of, Vec::new(), Vec::new());
        }
        let words = words(body);
        let Some(next) = of.after(now, Step::Report(report, words.clone())) else {
            return nothing_here(Vec::new());
        };
        let (changes, mut events) = if ends {
            self.after_end(now, &of, next, mark(report, &words))
        } else {
            let event = told(now, &next, report.name(), &words);
            (vec![Change::Deployment(next)], vec![event])
        };
        if report == Report::Failed {
            events.push(alarm(now, of.machine, failed(&of, &words)));
        }
        let Some(mut kept) = self.keep(changes) else {
            let why = model::plan::Why::StoreFailed("the disk is full".to_owned());
            return Told { answer: Answer::Silence(why), changes: Vec::new(), events: Vec::new() };
        };
        if ends {
            let (more, turns) = self.next_turns(now);
            kept.extend(more);
            events.extend(turns);
        }
        received(&of, kept, events)
    }
}

fn received(of: &Deployment, changes: Vec<Change>, events: Vec<Event>) -> Told<Found> {
    let found = Found {
        what: Served::Text("ok\n".to_owned()),
        media: "text/plain",
        machine: Some(of.machine),
        steady: false,
        blksize_max: None,
    };
    Told { answer: Answer::Reply(found), changes, events }
}

fn failed(of: &Deployment, words: &str) -> String {
    let began = matches!(of.state(), State::Begun { .. });
    let last = words.lines().next().unwrap_or_default();
    format!(
        "the installation of {} failed ({}): {last}\nhint: `bootwright deployment show {}` has the end \
         of its log{}",
        of.machine,
        of.shown(),
        of.shown(),
        if began { "" } else { "; nothing was begun" }
    )
}

/// The end of what was said, as lines that can be shown.
fn words(body: &[u8]) -> String {
    let from = body.len().saturating_sub(WORDS_BYTES_MAX);
    let tail = body.get(from..).unwrap_or_default();
    let lines: Vec<String> =
        tail.split(|byte| *byte == b'\n').map(|line| show(line.trim_ascii_end())).collect();
    let text = lines.join("\n").trim_end().to_owned();
    // What is escaped grows.
    match text.char_indices().rev().nth(WORDS_BYTES_MAX) {
        Some((at, _)) => text.get(at..).unwrap_or_default().to_owned(),
        None => text,
    }
}

/// By which the disk is known as ours from now on: `disk /dev/sda mark BASE64`.
fn mark(report: Report, words: &str) -> Option<String> {
    let mark = words.split_once(" mark ").filter(|_| report == Report::Done)?.1;
    DiskMark::reported(mark.split_whitespace().next()?).map(|mark| mark.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_its_end_is_kept_and_it_can_be_shown() {
        let log: Vec<u8> = (0..2000).flat_map(|n| format!("line {n}\r\n").into_bytes()).collect();
        let kept = words(&log);
        assert!(kept.ends_with("line 1999") && kept.len() <= WORDS_BYTES_MAX, "{}", kept.len());
        let hostile = words(b"\x1b[31mred\x1b[0m\n\xff\x00");
        assert!(hostile.chars().all(|c| c == '\n' || !c.is_control()), "{hostile:?}");
        assert!(words(&[0xff; 9000]).chars().count() <= WORDS_BYTES_MAX + 1);
    }

    #[test]
    fn a_mark_is_one_or_none() {
        let of = |text: &str| mark(Report::Done, text);
        assert_eq!(of("disk /dev/vda mark AQIDBA=="), Some("AQIDBA==".to_owned()));
        for text in ["", "disk /dev/vda mark ", "disk /dev/vda mark $(reboot)", "mark AQIDBA=="] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(mark(Report::Progress, "disk /dev/vda mark AQIDBA=="), None);
    }
}
