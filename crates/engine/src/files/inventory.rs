//! What a machine says of its parts: `POST /inventory?mac=…`, filed with the machine.
//!
//! In: the body of a request, from anybody on the network. Out: a [`Hardware`] kept beside the
//! machine, or why not. Never: a report filed with a machine that did not send it, as far as the
//! network shows; more memory for all reports than the limits below.

use super::who::Named;
use super::{FileAsk, Found, Served, TEXT, missed};
use crate::dhcp::event;
use crate::{Answer, Engine, Told};
use model::hardware::REPORT_MAX;
use model::plan::Why;
use model::{Change, Happening, Hardware, HardwareAddress, Now, Uuid};
use model::{Life, Machine};
use std::time::Duration;

/// How long a machine waits before its next report is taken.
const AGAIN: Duration = Duration::from_secs(10);
/// About so many bytes of memory for all reports.
const ALL_MAX: usize = 128 << 20;
/// Of these, kept for machines that an operator knows: a flood of strangers leaves them room.
const KNOWN_ONLY: usize = 32 << 20;

/// Reads a report. `Err` says what is wrong with it.
pub fn read_report(body: &[u8]) -> Result<Hardware, String> {
    if body.len() > REPORT_MAX {
        return Err(format!("it has {} bytes, more than {REPORT_MAX}", body.len()));
    }
    let said: Hardware = serde_json::from_slice(body)
        .map_err(|error| model::text::show(format!("no report: {error}").as_bytes()))?;
    said.checked()
}

impl Engine {
    /// Files what a machine says of its parts.
    pub fn take_inventory(&mut self, now: Now, ask: &FileAsk, body: &[u8]) -> Told<Found> {
        let hardware = self.who(ask, &Named::Nobody);
        match self.report_of(now, ask, hardware, body) {
            Ok((machine, report)) => self.file_report(now, ask, machine, report),
            Err(why) => missed(now, ask, hardware, why, false),
        }
    }

    /// The machine, and what it said; or why that is not believed.
    fn report_of(
        &self,
        now: Now,
        ask: &FileAsk,
        hardware: Option<HardwareAddress>,
        body: &[u8],
    ) -> Result<(Machine, Hardware), Why> {
        if !self.serves(&ask.link, ask.from.ip()) {
            return Err(Why::OutsideServedSubnets);
        }
        if self.only_listens_at(ask) {
            return Err(Why::OnlyListening);
        }
        let refused = |why: &str| Why::ReportRefused(why.to_owned());
        let hardware = hardware.ok_or_else(|| refused("it names no machine; add ?mac="))?;
        let Some(machine) = self.machines.get(&hardware) else {
            return Err(Why::ReportRefused(format!("no machine {hardware} has booted from here")));
        };
        if !self.speaks_for_itself(ask, &hardware) {
            let from = ask.from.ip();
            return Err(Why::ReportRefused(format!("{from} is not the address of {hardware}")));
        }
        if machine.life() == Life::Blocked {
            return Err(refused("the machine is blocked"));
        }
        let last = self.hardware(&hardware).and_then(|known| known.reported);
        if last.is_some_and(|last| now.since(last) < AGAIN) {
            return Err(Why::TooMany("reports of its hardware within ten seconds".to_owned()));
        }
        let mut report = read_report(body).map_err(Why::ReportRefused)?;
        report.reported = Some(now);
        let kept = self.hardware_weight - self.hardware(&hardware).map_or(0, Hardware::weight);
        let room = if machine.life() == Life::Pending { ALL_MAX - KNOWN_ONLY } else { ALL_MAX };
        if kept + report.weight() > room {
            return Err(refused("the reports of all machines fill the memory kept for them"));
        }
        Ok((with_facts(machine, &report), report))
    }

    fn file_report(
        &mut self,
        now: Now,
        ask: &FileAsk,
        machine: Machine,
        report: Hardware,
    ) -> Told<Found> {
        let hardware = machine.hardware;
        let says = report.says();
        let mut changes = Vec::new();
        if self.machines.get(&hardware) != Some(&machine) {
            changes.push(Change::Machine(machine));
        }
        changes.push(Change::Hardware(hardware, Box::new(report)));
        if !self.may_keep(&changes) {
            let why = Why::StoreFailed("the disk is full: leases are only renewed".to_owned());
            return missed(now, ask, Some(hardware), why, false);
        }
        for change in &changes {
            self.apply(change);
        }
        let what = Served::Text("taken\n".to_owned());
        Told {
            answer: Answer::Reply(Found {
                what,
                media: TEXT,
                machine: Some(hardware),
                steady: false,
                blksize_max: None,
            }),
            changes,
            events: vec![event(now, Some(hardware), &ask.link, Happening::Inventory { says })],
        }
    }
}

/// The machine with what it did not know of itself yet. What is known stays: rules rest on it.
fn with_facts(machine: &Machine, report: &Hardware) -> Machine {
    let uuid = report.system.uuid.as_ref().and_then(|text| text.parse().ok());
    let uuid = uuid.filter(|uuid: &Uuid| !uuid.is_placeholder());
    let mut known = machine.clone();
    known.memory_mib = machine.memory_mib.or(report.memory_mib);
    known.serial = machine.serial.clone().or_else(|| report.system.serial.clone());
    known.uuid = machine.uuid.or(uuid);
    known
}
