//! The timeline as it stands in a scenario.

use crate::sim::world::Told;
use model::plan::{Reason, Why};
use model::{Event, Happening};

/// Lines of `expect` and `because`.
pub struct Lines {
    begin_ms: u64,
    lines: Vec<(&'static str, String)>,
    /// Reasons that were told already are not told again.
    told: Vec<String>,
    /// Names asked for in vain, told together.
    missed: Vec<String>,
}

impl Lines {
    /// Nothing yet.
    pub fn new(begin_ms: u64) -> Self {
        Self { begin_ms, lines: Vec::new(), told: Vec::new(), missed: Vec::new() }
    }

    /// A line without a time.
    pub fn plain(&mut self, line: impl Into<String>) {
        self.lines.push(("expect", line.into()));
    }

    /// Everything that happened.
    pub fn timeline(&mut self, log: &[(u64, Told)]) {
        for (at_ms, told) in log {
            if !matches!(told, Told::Server(event) if is_miss(event)) {
                self.tell_missed();
            }
            match told {
                Told::Server(event) => self.event(*at_ms, event),
                Told::Carried(text) => self.at(*at_ms, text),
                Told::Machine(who, text) => self.at(*at_ms, &format!("[{who}] {text}")),
                Told::Lost(text) => self.at(*at_ms, &format!("LOST: {text}")),
            }
        }
        self.tell_missed();
    }

    fn at(&mut self, at_ms: u64, text: &str) {
        let ms = at_ms.saturating_sub(self.begin_ms);
        self.lines.push(("expect", format!("{:>3}.{:03} {text}", ms / 1000, ms % 1000)));
    }

    fn event(&mut self, at_ms: u64, event: &Event) {
        match &event.what {
            Happening::FileMissed { why: Why::NoSuchFile { name, hint }, by, expected } => {
                let hint = hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default();
                let mark = if *expected { "" } else { " (!)" };
                self.missed.push(format!("{by} {name}{mark}{hint}"));
            }
            Happening::Answered { asked, answer, address, file, because } => {
                let address = address.map(|a| format!(" {a}")).unwrap_or_default();
                let file = file.as_ref().map(|f| format!(", file {f}")).unwrap_or_default();
                self.at(at_ms, &format!("{asked} → {answer}{address}{file}"));
                self.because(because);
            }
            Happening::Script { form, decision, because, .. } => {
                self.at(at_ms, &format!("{form}: {decision}"));
                self.because(because);
            }
            // What files went out is told by who carried them.
            Happening::MachineAppeared { .. }
            | Happening::TransferStarted { .. }
            | Happening::TransferDone { .. } => {}
            other => self.at(at_ms, &other.to_string()),
        }
    }

    /// Reasons, those of this answer that were not given in this step before.
    fn because(&mut self, because: &[Reason]) {
        for reason in because {
            let text = reason.to_string();
            if !self.told.contains(&text) {
                self.lines.push(("because", text.clone()));
                self.told.push(text);
            }
        }
    }

    /// Reasons of an answer that is shown by its bytes.
    pub fn reasons(&mut self, because: &[Reason]) {
        self.because(because);
    }

    /// What an answer says of quirks, where the rest is shown by its bytes.
    pub fn quirks(&mut self, because: &[Reason]) {
        let quirks = because.iter().filter(|reason| matches!(reason, Reason::Quirk { .. }));
        self.because(&quirks.cloned().collect::<Vec<_>>());
    }

    fn tell_missed(&mut self) {
        if !self.missed.is_empty() {
            let missed = std::mem::take(&mut self.missed).join(", ");
            self.lines.push(("expect", format!("        not found: {missed}")));
        }
    }

    /// As text.
    pub fn text(&self) -> String {
        let (mut text, mut last) = (String::new(), "");
        for (word, line) in &self.lines {
            let shown = if *word == last { "" } else { word };
            last = word;
            for (n, part) in line.lines().enumerate() {
                let shown = if n == 0 { shown } else { "" };
                text.push_str(format!("{shown:<8} {part}").trim_end());
                text.push('\n');
            }
        }
        text
    }
}

fn is_miss(event: &Event) -> bool {
    matches!(event.what, Happening::FileMissed { why: Why::NoSuchFile { .. }, .. })
}

/// Text, moved to the right.
pub fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
