//! What was taken over and what was not, in numbers and line by line.

use super::written::Piece;
use api::types::Fate;
use foreign::{At, LeftOut, Parsed};
use serde::Serialize;

/// The whole report; `--json` prints it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `false` for a dry run.
    pub done: bool,
    /// Leases in numbers.
    pub leases: Sum,
    /// Of those taken over, so many have ended: they are remembered, and hold nothing.
    pub leases_ended: usize,
    /// Reservations in numbers.
    pub reservations: Sum,
    /// What is said beside them, in numbers.
    pub settings: Settings,
    /// The files it was written to; none without `--write`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Vec<Piece>>,
    /// Everything that was not taken over, by file and line.
    pub left_out: Vec<Left>,
    /// Further things that were left out, not listed.
    pub more_left_out: u64,
}

/// What became of things that were found.
#[derive(Debug, Default, Serialize)]
pub struct Sum {
    pub found: usize,
    pub taken_over: usize,
    pub already_there: usize,
    pub contradicting: usize,
    pub outside: usize,
}

/// What files say beside leases and reservations.
#[derive(Debug, Default, Serialize)]
pub struct Settings {
    pub machines: usize,
    pub images: usize,
    pub profiles: usize,
    pub rules: usize,
    pub networks: usize,
}

impl Settings {
    fn of(settings: &foreign::Settings) -> Self {
        Self {
            machines: settings.machines.len(),
            images: settings.images.len(),
            profiles: settings.profiles.len(),
            rules: settings.rules.len(),
            networks: settings.networks.len(),
        }
    }

    fn line(&self) -> String {
        let Self { machines, images, profiles, rules, networks } = self;
        format!(
            "settings: {machines} machines, {profiles} profiles, {rules} rules, {networks} networks, \
             {images} images to import"
        )
    }
}

/// One thing that was not taken over.
#[derive(Debug, Serialize)]
pub struct Left {
    /// File.
    pub file: String,
    /// Line, the first being 1; 0 is the whole file.
    pub line: u32,
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

impl From<&LeftOut> for Left {
    fn from(out: &LeftOut) -> Self {
        let (what, why) = (out.what.clone(), out.why.clone());
        Self { file: out.file.to_string(), line: out.line, what, why }
    }
}

impl Sum {
    fn add(&mut self, fate: Fate) {
        *match fate {
            Fate::AlreadyThere => &mut self.already_there,
            Fate::Contradicts => &mut self.contradicting,
            Fate::Outside => &mut self.outside,
        } += 1;
    }

    fn line(&self, what: &str, verb: &str, ended: usize) -> String {
        let Self { found, taken_over, already_there, contradicting, outside } = self;
        let ended = match ended {
            0 => String::new(),
            n => format!(" ({n} of them ended: remembered, so that their clients get them again)"),
        };
        format!(
            "{what}: {found} found; {taken_over} {verb}{ended}, {already_there} there already, \
             {contradicting} contradicting, {outside} outside every network"
        )
    }
}

impl Report {
    /// Nothing sent yet.
    pub fn new(done: bool, parsed: &Parsed) -> Self {
        let found = |found| Sum { found, ..Sum::default() };
        Self {
            done,
            leases: found(parsed.leases.len()),
            leases_ended: 0,
            reservations: found(parsed.reservations.len()),
            settings: Settings::of(&parsed.settings),
            written: None,
            left_out: parsed.left_out.iter().map(Left::from).collect(),
            more_left_out: parsed.more_left_out,
        }
    }

    /// A lease that the server did not take.
    pub fn left_lease<T>(&mut self, at: &At<T>, what: String, fate: Fate, why: String) {
        self.leases.add(fate);
        self.left(at, what, fate, why);
    }

    /// A reservation that the server did not take.
    pub fn left_reservation<T>(&mut self, at: &At<T>, what: String, fate: Fate, why: String) {
        self.reservations.add(fate);
        self.left(at, what, fate, why);
    }

    /// What is there already is no loss: it is counted, not listed.
    fn left<T>(&mut self, at: &At<T>, what: String, fate: Fate, why: String) {
        if fate != Fate::AlreadyThere {
            self.left_out.push(Left { file: at.file.to_string(), line: at.line, what, why });
        }
    }

    /// For whoever was stopped half-way.
    pub fn so_far(&self) -> String {
        format!(
            "stopped: {} leases and {} reservations were taken over; run it again for the rest, \
             what is there already is passed over",
            self.leases.taken_over, self.reservations.taken_over
        )
    }

    /// What was written, for people.
    fn of_files(&self, pieces: &[Piece]) -> Vec<String> {
        let verb = if self.done { "written" } else { "would be written" };
        let (leases, reservations) = (self.leases.found, self.reservations.found);
        let mut lines = vec![self.settings.line()];
        let piece = |p: &Piece| format!("{verb}: {} ({} lines): {}", p.file, p.lines, p.then);
        lines.extend(pieces.iter().map(piece));
        if leases + reservations > 0 {
            lines.push(format!(
                "not sent: {leases} leases, {reservations} reservations; the same without --write sends them"
            ));
        }
        lines
    }

    /// All of it, for people.
    pub fn lines(&self) -> Vec<String> {
        let verb = if self.done { "taken over" } else { "would be taken over" };
        let mut lines = match &self.written {
            Some(pieces) => self.of_files(pieces),
            None => vec![
                self.leases.line("leases", verb, self.leases_ended),
                self.reservations.line("reservations", verb, 0),
                format!("{}; --write DIR writes them down", self.settings.line()),
            ],
        };
        if self.left_out.is_empty() {
            lines.push("nothing was left out".to_owned());
            return lines;
        }
        lines.push("left out:".to_owned());
        lines.extend(self.left_out.iter().map(|Left { file, line, what, why }| match line {
            0 => format!("  {file}: {what}: {why}"),
            line => format!("  {file}:{line}: {what}: {why}"),
        }));
        if self.more_left_out > 0 {
            lines.push(format!("  and {} more, which are not listed", self.more_left_out));
        }
        lines
    }
}
