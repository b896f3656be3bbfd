//! An event becomes a step of its boot, or a part of the step that it goes on with.

use super::open::{Kept, Open, Try, note};
use model::client::Stage;
use model::event::{Carrier, Cut, Speaker, show_bytes};
use model::plan::{Reason, Why};
use model::story::{BootStage, Carried, Carrying, Did, Exchange, Step, show_carried};
use model::{Event, Happening, Now};
use std::net::IpAddr;
use std::time::Duration;

/// The same message within this time is one step.
const TOGETHER: Duration = Duration::from_secs(2);

impl Open {
    /// Takes over the next event of this boot.
    pub(super) fn write(&mut self, event: &Event, steps_max: usize) {
        self.learn(event);
        self.totals.events += 1;
        self.until = self.until.max(event.at);
        match &event.what {
            Happening::Answered { .. } | Happening::Silent { .. } => self.dhcp(event, steps_max),
            Happening::Script { form, decision, does, .. } => {
                self.attempts.clear();
                if let Some(card) = self.speaks {
                    note(&mut self.scripted, card);
                }
                let (form, decision) = (form.clone(), decision.clone());
                let what = Did::Script { form, decision, does: *does };
                self.plain(event, what, steps_max);
            }
            Happening::TransferStarted { .. }
            | Happening::TransferProgress { .. }
            | Happening::TransferDone { .. }
            | Happening::TransferFailed { .. } => {
                self.attempts.clear();
                self.transfer(event, steps_max);
            }
            Happening::FileMissed { by, why, expected } => {
                self.totals.missed += u64::from(!expected);
                let what = Did::Missed { by: *by, why: why.clone(), expected: *expected };
                self.plain(event, what, steps_max);
            }
            Happening::HandshakeFailed { from, why, hint, fault } => {
                let (from, why, hint, fault) = (*from, why.clone(), hint.clone(), *fault);
                self.plain(event, Did::Handshake { from, why, hint, fault }, steps_max);
            }
            Happening::OfferTaken { server, mac, offered, .. } => {
                let (server, mac, offered) = (*server, *mac, offered.clone());
                self.taken(event, Did::OfferTaken { server, mac, offered }, steps_max);
            }
            Happening::Deployment { deployment, step, says } => {
                self.head.deployment = Some(deployment.clone());
                if matches!(step.as_str(), "done" | "failed") {
                    self.up = Some(event.at);
                }
                let (deployment, step) = (deployment.clone(), step.clone());
                let words = says.clone();
                self.plain(event, Did::Deployment { deployment, step, words }, steps_max);
            }
            Happening::Syslog { severity, app, text } => {
                self.totals.log_lines += 1;
                let (severity, app, text) = (*severity, app.clone(), text.clone());
                self.plain(event, Did::Log { severity, app, text }, steps_max);
            }
            Happening::Alarm { .. } => self.plain(event, Did::Alarm, steps_max),
            Happening::MachineAppeared { .. }
            | Happening::Inventory { .. }
            | Happening::OtherServer { .. }
            | Happening::Diagnosis(_)
            | Happening::Compared { .. }
            | Happening::Changed { .. } => self.plain(event, Did::Told, steps_max),
        }
    }

    /// A step that takes no time, unless it is the last one over again.
    fn plain(&mut self, event: &Event, what: Did, steps_max: usize) {
        if let Some(last) = self.steps.last_mut().map(|kept| &mut kept.step)
            && is_again(last, &what, event.at)
        {
            last.until = last.until.max(event.at);
            last.times += 1;
            if !is_worse(&last.what, &what) {
                (last.says, last.what) = (says(event), what);
            }
            return;
        }
        let stage = self.stage(event);
        // Where it stands is nobody's business.
        let _ = self.push(new_step(event, event.at, stage, what), steps_max);
    }

    /// It takes an offer, as it says in each of its REQUESTs: that is told once.
    fn taken(&mut self, event: &Event, what: Did, steps_max: usize) {
        let before = self.steps.iter_mut().rev().find(|kept| kept.step.what == what);
        match before {
            Some(kept) => kept.step.times = kept.step.times.saturating_add(1),
            None => self.plain(event, what, steps_max),
        }
    }

    fn stage(&self, event: &Event) -> BootStage {
        match event.speaker.as_deref().map(|speaker| &speaker.stage) {
            Some(Stage::Firmware) => BootStage::Firmware,
            Some(Stage::Ipxe(_)) => BootStage::Loader,
            // While it is being installed it is its installer that asks.
            Some(Stage::System) if self.head.deployment.is_some() && self.up.is_none() => {
                BootStage::Installer
            }
            Some(Stage::System) => BootStage::System,
            None => stage_of(event, self.furthest),
        }
    }

    fn dhcp(&mut self, event: &Event, steps_max: usize) {
        let mut exchange = exchange(event);
        self.totals.dhcp += 1;
        self.totals.unanswered += u64::from(exchange.waits_in_vain());
        if let Some(address) =
            exchange.address.filter(|_| exchange.answer.as_deref() == Some("ACK"))
        {
            self.learn_address(address);
        }
        if let Some(file) = &exchange.file {
            note(&mut self.named, path_of(file).to_owned());
        }
        if let Some(speaker) = event.speaker.as_deref() {
            exchange.attempt = self.attempt(speaker, &exchange.asked);
            self.totals.repeated += u64::from(exchange.attempt > 1);
            let answered = exchange.answer.as_deref() == Some("ACK");
            if speaker.stage == Stage::System && answered && self.head.deployment.is_none() {
                self.up.get_or_insert(event.at);
            }
        }
        self.plain(event, Did::Dhcp(Box::new(exchange)), steps_max);
    }

    /// How often this was asked in the present try, this time included.
    fn attempt(&mut self, speaker: &Speaker, asked: &str) -> u32 {
        let who = Try::of(speaker);
        // Another program, or the next message of the four: what was asked before was heard.
        self.attempts.retain(|(other, _, _)| *other == who);
        if let Some((_, _, times)) = self.attempts.iter_mut().find(|(_, what, _)| what == asked) {
            *times = times.saturating_add(1);
            return *times;
        }
        note(&mut self.attempts, (who, asked.to_owned(), 1));
        1
    }

    fn transfer(&mut self, event: &Event, steps_max: usize) {
        let Some(part) = Part::of(&event.what) else { return };
        let stage = stage_of(event, self.furthest);
        let began = event.at - Duration::from_millis(part.took_ms);
        if let Some(to) = part.to {
            self.learn_address(to);
        }
        let named_by_us = self.is_named(part.file);
        let running = self.running(part.file, part.by).filter(|_| part.to.is_none());
        let place = running.or_else(|| self.once_more(&part)).or_else(|| {
            let carried = part.begun(named_by_us);
            let mut kept = new_step(event, began, stage, Did::Transfer(Box::new(carried)));
            kept.step.times = 0;
            self.push(kept, steps_max)
        });
        let arrived = match place.and_then(|place| self.steps.get_mut(place)) {
            Some(kept) => {
                kept.step.times += u32::from(running.is_none());
                kept.write(&part, event.at)
            }
            // It was left out long ago: its bytes count all the same.
            None => Arrived { bytes: part.sent, again: part.again },
        };
        self.totals.bytes += arrived.bytes;
        self.totals.tftp_bytes += if part.by == Carrier::Tftp { arrived.bytes } else { 0 };
        self.totals.again += arrived.again;
        match part.state {
            Carrying::Done => {
                self.totals.files += 1;
                self.loaded |= stage == BootStage::Loader;
            }
            Carrying::Failed => self.totals.failed += 1,
            Carrying::Runs => {}
        }
    }

    /// The last step, if this is the same file once more, or its next part.
    fn once_more(&self, part: &Part<'_>) -> Option<usize> {
        let at = self.steps.len().checked_sub(1)?;
        let Did::Transfer(last) = &self.steps.get(at)?.step.what else { return None };
        let same = last.file == part.file && last.by == part.by && last.state == Carrying::Done;
        (same && (part.to.is_none() || last.to == part.to)).then_some(at)
    }

    /// Whether we said to the machine that it shall fetch this.
    fn is_named(&self, file: &str) -> bool {
        let path = path_of(file);
        let in_script = || {
            let script = |kept: &Kept| matches!(kept.step.what, Did::Script { .. });
            matches!(fetched(file), BootStage::Kernel | BootStage::Installer)
                && self.steps.iter().any(script)
        };
        self.named.iter().any(|named| named == path) || in_script()
    }
}

/// What arrived with one event.
struct Arrived {
    bytes: u64,
    again: u64,
}

impl Kept {
    /// Takes over how far a transfer is. What is new of it comes back.
    fn write(&mut self, part: &Part<'_>, at: Now) -> Arrived {
        self.step.until = self.step.until.max(at);
        let Did::Transfer(carried) = &mut self.step.what else {
            return Arrived { bytes: 0, again: 0 };
        };
        if carried.state != Carrying::Runs {
            // Another time begins.
            self.sent_before = carried.sent;
            self.took_before = carried.took_ms;
            self.again_before = carried.again;
        }
        let before = (carried.sent, carried.again);
        // What was told of a running transfer is never taken back.
        carried.sent = carried.sent.max(self.sent_before.saturating_add(part.sent));
        carried.again = carried.again.max(self.again_before.saturating_add(part.again));
        carried.took_ms = self.took_before.saturating_add(part.took_ms);
        carried.size = part.size;
        carried.state = part.state;
        carried.to = part.to.or(carried.to);
        carried.waited_ms = part.waited_ms.or(carried.waited_ms);
        carried.why = part.why.map(str::to_owned);
        carried.cut = part.cut;
        carried.to = carried.to.or(part.went_to);
        self.step.says = says_carried(carried);
        Arrived { bytes: carried.sent - before.0, again: carried.again - before.1 }
    }
}

/// What one event says of a transfer.
struct Part<'a> {
    file: &'a str,
    by: Carrier,
    to: Option<IpAddr>,
    size: u64,
    sent: u64,
    took_ms: u64,
    waited_ms: Option<u64>,
    again: u64,
    state: Carrying,
    why: Option<&'a str>,
    cut: Option<Cut>,
    /// Where it went, if it never began.
    went_to: Option<IpAddr>,
}

impl<'a> Part<'a> {
    fn of(what: &'a Happening) -> Option<Self> {
        let part = |file, by, size| Self {
            file,
            by,
            to: None,
            size,
            sent: 0,
            took_ms: 0,
            waited_ms: None,
            again: 0,
            state: Carrying::Runs,
            why: None,
            cut: None,
            went_to: None,
        };
        Some(match what {
            Happening::TransferStarted { file, by, to, size, waited_ms } => Self {
                to: Some(*to),
                took_ms: *waited_ms,
                waited_ms: Some(*waited_ms),
                ..part(file, *by, *size)
            },
            Happening::TransferProgress { file, by, sent, size, took_ms, again } => {
                Self { sent: *sent, took_ms: *took_ms, again: *again, ..part(file, *by, *size) }
            }
            Happening::TransferDone { file, by, size, took_ms, again } => Self {
                sent: *size,
                took_ms: *took_ms,
                again: *again,
                state: Carrying::Done,
                ..part(file, *by, *size)
            },
            Happening::TransferFailed { file, by, sent, size, why, took_ms, again, cut, to } => {
                Self {
                    sent: *sent,
                    took_ms: *took_ms,
                    again: *again,
                    state: Carrying::Failed,
                    why: Some(why),
                    cut: *cut,
                    went_to: *to,
                    ..part(file, *by, *size)
                }
            }
            _ => return None,
        })
    }

    /// A transfer of which nothing is written yet.
    fn begun(&self, named_by_us: bool) -> Carried {
        Carried {
            file: self.file.to_owned(),
            by: self.by,
            to: self.to,
            size: self.size,
            sent: 0,
            took_ms: 0,
            waited_ms: None,
            again: 0,
            state: Carrying::Runs,
            why: None,
            cut: None,
            named_by_us,
        }
    }
}

fn new_step(event: &Event, at: Now, stage: BootStage, what: Did) -> Kept {
    let says = match &what {
        Did::Dhcp(exchange) => says_exchange(exchange),
        _ => says(event),
    };
    let link = event.link.clone();
    let step = Step { at, until: event.at, stage, link, times: 1, says, what };
    Kept { step, sent_before: 0, took_before: 0, again_before: 0 }
}

/// Whether a step is the last one over again.
fn is_again(last: &Step, what: &Did, at: Now) -> bool {
    match (&last.what, what) {
        (Did::Dhcp(a), Did::Dhcp(b)) => {
            let said = |e: &Exchange| (e.answer.clone(), e.why.clone(), e.file.clone(), e.card);
            at.since(last.until) < TOGETHER && a.asked == b.asked && said(a) == said(b)
        }
        (Did::Script { .. }, Did::Script { .. }) | (Did::Told, _) | (Did::Alarm, _) => {
            last.what == *what && matches!(what, Did::Script { .. })
        }
        (Did::Missed { expected: a, by: a_by, .. }, Did::Missed { expected: b, by: b_by, .. }) => {
            a == b && a_by == b_by && at.since(last.until) < TOGETHER
        }
        (Did::Deployment { step: a, .. }, Did::Deployment { step: b, .. }) => {
            a == b && a == "progress"
        }
        (Did::Log { .. }, Did::Log { .. }) => true,
        _ => false,
    }
}

/// Whether what stands there says more than what comes: then it stays.
fn is_worse(last: &Did, what: &Did) -> bool {
    match (last, what) {
        (Did::Log { severity: a, .. }, Did::Log { severity: b, .. }) => a < b,
        (Did::Dhcp(_) | Did::Missed { .. }, _) => true,
        _ => false,
    }
}

/// What an exchange was, in data.
fn exchange(event: &Event) -> Exchange {
    let speaker = event.speaker.as_deref();
    let mut exchange = Exchange {
        asked: String::new(),
        answer: None,
        why: None,
        address: None,
        file: None,
        no_file: None,
        loader: None,
        attempt: 1,
        card: speaker.map(|speaker| speaker.card),
        program: speaker.map(|speaker| speaker.stage.to_string()),
        firmware: speaker.map(|speaker| speaker.firmware),
        relay: speaker.and_then(|speaker| speaker.relay),
        server: speaker.and_then(|speaker| speaker.server),
        port: speaker.map(|speaker| speaker.port),
        asking_s: speaker.map(|speaker| speaker.asking_s),
    };
    match &event.what {
        Happening::Answered { asked, answer, address, file, because } => {
            exchange.asked = asked.to_string();
            exchange.answer = Some(answer.to_string());
            exchange.address = *address;
            exchange.file.clone_from(file);
            exchange.loader = because.iter().find_map(|reason| match reason {
                Reason::Loader { .. } => Some(reason.to_string()),
                _ => None,
            });
            exchange.no_file = because.iter().find_map(|reason| match reason {
                Reason::NoFile(why) => Some(why.clone()),
                _ => None,
            });
        }
        Happening::Silent { asked, why } => {
            exchange.asked = asked.to_string();
            exchange.why = Some(why.clone());
        }
        _ => {}
    }
    exchange
}

fn says_exchange(exchange: &Exchange) -> String {
    let mut says = match exchange.program.as_deref() {
        Some("ipxe") => format!("iPXE: {}", exchange.asked),
        Some("system") => format!("system: {}", exchange.asked),
        _ => exchange.asked.clone(),
    };
    if exchange.attempt > 1 {
        says.push_str(&format!(", try {}", exchange.attempt));
    }
    match (&exchange.answer, &exchange.why) {
        (Some(answer), _) => says.push_str(&format!(" → {answer}")),
        (None, Some(why)) => says.push_str(&format!(" → silence: {why}")),
        (None, None) => {}
    }
    if let Some(address) = exchange.address {
        says.push_str(&format!(" {address}"));
    }
    if let Some(file) = &exchange.file {
        // What stands behind the `?` is for programs.
        says.push_str(&format!(", file {}", file.split('?').next().unwrap_or(file)));
    }
    if let Some(relay) = exchange.relay {
        says.push_str(&format!(", relay {relay}"));
    }
    says
}

fn says_carried(carried: &Carried) -> String {
    let Carried { file, by, sent, size, took_ms, again, state, why, .. } = carried;
    let mut says = match state {
        Carrying::Runs => {
            format!("{by} {file}: {} of {}", show_bytes(*sent), show_bytes(*size))
        }
        Carrying::Done => format!("{by} {file}: {}", show_carried(*sent, *took_ms)),
        Carrying::Failed => {
            let why = why.as_deref().unwrap_or("it ended early");
            format!("{by} {file}: ended at {} of {}: {why}", show_bytes(*sent), show_bytes(*size))
        }
    };
    match again {
        0 => {}
        1 => says.push_str(", 1 block sent again"),
        more => says.push_str(&format!(", {more} blocks sent again")),
    }
    says
}

/// What other events say, in a line.
fn says(event: &Event) -> String {
    match &event.what {
        Happening::Script { form, decision, .. } => format!("{form}: {decision}"),
        other => other.to_string(),
    }
}

/// Whose turn it is when this happens; `furthest` where the event does not tell.
pub(super) fn stage_of(event: &Event, furthest: BootStage) -> BootStage {
    match &event.what {
        Happening::Script { .. } => BootStage::Script,
        Happening::TransferStarted { file, .. }
        | Happening::TransferProgress { file, .. }
        | Happening::TransferDone { file, .. }
        | Happening::TransferFailed { file, .. } => fetched(file),
        Happening::FileMissed { why: Why::NoSuchFile { name, .. }, .. } => fetched(name),
        Happening::Deployment { step, .. } if step == "claimed" => BootStage::Script,
        Happening::Deployment { .. } | Happening::Inventory { .. } => BootStage::Installer,
        Happening::Syslog { .. } => furthest.max(BootStage::Installer),
        _ => furthest,
    }
}

/// Whose file it is, by its name: a loader's, what a loader reads, a kernel's (with initrds and discs),
/// an installer's.
pub(super) fn fetched(file: &str) -> BootStage {
    let path = path_of(file).to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default();
    let ends = |endings: &[&str]| endings.iter().any(|end| last.ends_with(end));
    if path.starts_with("answer/") || path.starts_with("report/") {
        return BootStage::Installer;
    }
    // GRUB's configuration with that of a machine (`grub.cfg-01-52-54-...`), PXELINUX's.
    if last.starts_with("grub.cfg") || path.contains("pxelinux.cfg/") {
        return BootStage::Script;
    }
    let is_kernel =
        ["vmlinuz", "linux", "kernel", "initr"].iter().any(|name| last.starts_with(name));
    // Shim, GRUB with its modules, iPXE, PXELINUX with its own.
    let loader = [".efi", ".kpxe", ".kkpxe", ".pxe", ".0", ".c32", ".mod", ".lst", ".ipxe", ".n12"];
    if !is_kernel && (path.starts_with("loader/") || ends(&loader) || ends(&[".pf2", "bootmgr"])) {
        return BootStage::Loader;
    }
    BootStage::Kernel
}

/// The path of a URL or a name, without slashes in front and without what stands behind `?`.
fn path_of(file: &str) -> &str {
    let path = match file.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => file,
    };
    path.split('?').next().unwrap_or(path).trim_start_matches('/')
}
