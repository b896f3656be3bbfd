//! As text: for people, and for a file that a test compares with. Nothing in it changes from one run to
//! the next.

use crate::verdict::{Entry, Replayed, Verdict};
use std::fmt::{self, Write as _};

/// Takes text in for a screen: what a report from anywhere calls things may hold control characters.
struct Shown<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Shown<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(|c: char| c.is_control() && c != '\n') {
            match part.strip_suffix(|c: char| c.is_control() && c != '\n') {
                Some(clean) => write!(self.0, "{clean}\u{fffd}")?,
                None => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            writeln!(Shown(f), "note: {note}")?;
        }
        for entry in &self.entries {
            write!(f, "{entry}")?;
        }
        writeln!(f, "{}", self.summary())
    }
}

impl Replayed {
    /// `12 requests: 10 the same, byte for byte; 2 agrees`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counted = |verdict: Verdict| match self.count(verdict) {
            0 => None,
            count => Some(format!("{count} {}", verdict.words())),
        };
        let all: Vec<String> = Verdict::ALL.into_iter().filter_map(counted).collect();
        match (self.entries.len(), all.is_empty()) {
            (0, _) | (_, true) => "no request of DHCP, TFTP or HTTP in it".to_owned(),
            (1, _) => format!("1 request: {}", all.join("; ")),
            (many, _) => format!("{many} requests: {}", all.join("; ")),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut Shown(f);
        let who = self.machine.map(|machine| format!("{machine} ")).unwrap_or_default();
        let (seconds, rest) = (self.after_ms / 1000, self.after_ms % 1000);
        writeln!(f, "packet {} at {seconds}.{rest:03} s: {who}{}", self.packet, self.asked)?;
        writeln!(f, "  {}", self.verdict.words())?;
        writeln!(f, "  we:   {}", self.ours)?;
        for theirs in &self.theirs {
            writeln!(
                f,
                "  they: {} (from {}, packet {})",
                theirs.says, theirs.from, theirs.packet
            )?;
        }
        if self.theirs.is_empty() {
            writeln!(f, "  they: nothing that the capture shows")?;
        }
        for difference in &self.differences {
            writeln!(f, "  - {difference}")?;
        }
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        for reason in &self.because {
            writeln!(f, "  because {}", reason.replace('\n', " "))?;
        }
        Ok(())
    }
}
