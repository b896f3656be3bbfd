//! What the server says of what happens, on stderr: for people, for the journal, or for programs.
//!
//! In: events, and the server's own notes. Out: lines. Never: a line without a code that
//! `docs/codes.md` explains (the server's notes apart, which speak to who started it).

use crate::commands::watch;
use crate::say;
use clap::ValueEnum;
use model::severity::Severity;
use model::{Event, Fault, Remedy};
use serde::Serialize;
use std::os::fd::AsFd;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Form {
    /// Lines for people. In the journal each has its priority in front (sd-daemon(3)), and its code
    /// behind.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// A log that is open.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    form: Form,
    journal: bool,
}

impl Log {
    /// A log on stderr.
    pub fn open(form: Form) -> Self {
        let named = std::env::var("JOURNAL_STREAM").ok();
        let journal = named.is_some_and(|named| is_journal(&named, &std::io::stderr()));
        Self { form, journal }
    }

    /// Tells an event.
    pub fn event(self, event: &Event) {
        say::note(self.line(event));
    }

    /// Tells that so many events were too quick to be told one by one.
    pub fn missed(self, missed: u64) {
        let text = format!("({missed} events were too quick to be shown)");
        say::note(match (self.form, self.journal) {
            (Form::Json, _) => format!("{{\"code\":\"events-missed\",\"missed\":{missed}}}"),
            (Form::Text, true) => {
                format!("<{}>{text} [events-missed]", Severity::Warning.number())
            }
            (Form::Text, false) => text,
        });
    }

    fn line(self, event: &Event) -> String {
        match (self.form, self.journal) {
            (Form::Json, _) => json(event),
            (Form::Text, false) => watch::in_a_line(event),
            // The journal has the time, and takes what follows a line break for another message.
            (Form::Text, true) => {
                let (level, code) = (event.what.severity().number(), event.what.code());
                let said = watch::without_time(event).replace(['\n', '\r'], " ");
                format!("<{level}>{said} [{code}]")
            }
        }
    }
}

/// Whether this stream is the journal's: `JOURNAL_STREAM` is its device and inode (systemd.exec(5)).
/// Whoever sent stderr elsewhere since then has no use for priorities.
fn is_journal(named: &str, stream: &impl AsFd) -> bool {
    let stat = nix::sys::stat::fstat(stream);
    stat.is_ok_and(|stat| named == format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// What a program reads: the event as the API has it, and what follows from its kind.
#[derive(Serialize)]
struct Line<'a> {
    code: &'static str,
    severity: Severity,
    says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<Remedy>,
    #[serde(flatten)]
    event: &'a Event,
}

fn json(event: &Event) -> String {
    let why = event.what.silence();
    let machine = event.machine.map(|machine| machine.to_string());
    let remedy = why.and_then(model::Why::remedy);
    let line = Line {
        code: event.what.code(),
        severity: event.what.severity(),
        says: event.what.to_string(),
        fault: why.map(model::Why::fault),
        remedy: match machine {
            Some(machine) => remedy.map(|remedy| remedy.of(&machine)),
            None => remedy,
        },
        event,
    };
    serde_json::to_string(&line)
        .unwrap_or_else(|e| format!("{{\"code\":\"events-missed\",\"says\":\"{e}\"}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Happening, Now, Why};

    fn silent(why: Why) -> Event {
        let machine = "52:54:00:77:00:01".parse().ok();
        let what = Happening::Silent { asked: "DISCOVER".into(), why };
        Event::new(Now(0), machine, Some("br0".to_owned()), what)
    }

    #[test]
    fn the_journal_gets_priority_and_code() {
        let log = Log { form: Form::Text, journal: true };
        let line = log.line(&silent(Why::OnlyListening));
        assert_eq!(
            line,
            "<4>br0 52:54:00:77:00:01 DISCOVER → silence: this network is set to listen only \
             (settings: set `mode = \"dhcp\" or \"proxy\"`, then `bootwright reload`) [silence-only-listening]"
        );
        let two = log.line(&silent(Why::Malformed("a\n<0>b".to_owned())));
        assert_eq!(two.lines().count(), 1, "{two}");
    }

    #[test]
    fn a_program_gets_code_severity_and_what_to_do() {
        let log = Log { form: Form::Json, journal: true };
        let line: serde_json::Value =
            serde_json::from_str(&log.line(&silent(Why::LocalDiskBySilence))).unwrap();
        assert_eq!(line["code"], "silence-local-disk-by-silence");
        assert_eq!(line["severity"], "warning");
        assert_eq!(line["machine"], "52:54:00:77:00:01");
        assert_eq!(line["event"], "silent");
        assert_eq!(line["fault"], "settings");
        assert_eq!(
            line["remedy"]["what"],
            "bootwright machine set 52:54:00:77:00:01 --profile PROFILE"
        );
    }

    #[test]
    fn only_the_journal_s_own_stream_is_taken_for_it() {
        let file = tempfile::tempfile().unwrap();
        let stat = nix::sys::stat::fstat(&file).unwrap();
        assert!(is_journal(&format!("{}:{}", stat.st_dev, stat.st_ino), &file));
        assert!(!is_journal(&format!("{}:{}", stat.st_dev, stat.st_ino + 1), &file));
        assert!(!is_journal("", &file));
    }
}
