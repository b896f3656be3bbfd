//! Captures of simulated worlds, replayed: whatever our server said, it would say again, byte for byte.

use capture::Reader;
use engine::record::Part;
use lab::sim::scenario::Scenario;
use model::{HardwareAddress, Now};
use replay::{Replay, Replayed, Report, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Scenarios about one machine, and exchanges of their reports.
const REPORTS_MIN: usize = 30;
const EXCHANGES_MIN: usize = 300;
/// Worlds and answers that have to be compared, so that none falls out unseen.
const WORLDS_MIN: usize = 80;
const ANSWERS_MIN: usize = 800;

/// Verdicts beside `Same` and `Silent` that come of what stands in no capture, by world: how the
/// server's store and its files are, allowances that came before, answer files (they hold
/// secrets), a transfer that ended early or was refused by who asked.
const UNSEEN: &[(&str, &[Verdict])] = &[
    ("diagnosis-file-damaged", &[Verdict::Differs]),
    ("diagnosis-installation-failed", &[Verdict::Unseen]),
    ("diagnosis-network-not-served", &[Verdict::OnlyWe]),
    ("diagnosis-tftp-blocks-too-large", &[Verdict::Agrees]),
    ("diagnosis-tftp-stalled", &[Verdict::Agrees]),
    ("diagnosis-transfer-cut", &[Verdict::OnlyWe]),
    ("diagnosis-transfer-refused", &[Verdict::Agrees]),
    ("healthy-an-installation", &[Verdict::Unseen]),
    // The MTU of our link.
    ("quirk-29-blocks-fit-the-link", &[Verdict::Agrees]),
    ("silence-one-client-that-floods", &[Verdict::OnlyWe]),
];

/// The same of reports: nobody replays a full disk.
const UNREPORTED: (&str, Verdict) = ("diagnosis-store-failed", Verdict::OnlyWe);

/// Whether a world may have this verdict.
fn unseen(world: &str, verdict: Verdict) -> bool {
    UNSEEN.iter().any(|(of, these)| *of == world && these.contains(&verdict))
}

#[test]
fn every_answer_of_every_scenario_is_given_again_byte_for_byte() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut worlds, mut verdicts, mut faults) = (0, BTreeMap::new(), Vec::new());
    let mut excused: BTreeSet<(String, Verdict)> = BTreeSet::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let scenario = Scenario::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let Some(captured) = scenario.captured().unwrap() else { continue };
        let mut replay = Replay::new(captured.before);
        let mut reader = Reader::new(captured.file.as_slice()).unwrap();
        while let Some(packet) = reader.next() {
            let packet = packet.unwrap();
            let interface = reader.interfaces()[packet.interface].name.clone();
            replay.packet(&packet, interface.as_deref());
        }
        let entries = replay.finish().entries;
        worlds += usize::from(entries.iter().any(|entry| entry.verdict == Verdict::Same));
        for entry in entries {
            let verdict = entry.verdict;
            *verdicts.entry(verdict).or_insert(0) += 1;
            if unseen(&name, verdict) {
                excused.insert((name.clone(), verdict));
            } else if !matches!(verdict, Verdict::Same | Verdict::Silent) {
                faults.push(format!("{name}: {entry}"));
            }
        }
    }
    println!("{worlds} worlds: {verdicts:?}");
    assert!(faults.is_empty(), "{} of {verdicts:?}:\n{}", faults.len(), faults.concat());
    for (name, verdict) in UNSEEN.iter().flat_map(|(name, all)| all.iter().map(move |v| (name, v)))
    {
        let came = excused.contains(&((*name).to_owned(), *verdict));
        assert!(came, "{name} has no {verdict:?} any more: take it out of UNSEEN");
    }
    assert!(worlds >= WORLDS_MIN, "only {worlds} worlds");
    let same = verdicts.get(&Verdict::Same).copied().unwrap_or(0);
    assert!(same >= ANSWERS_MIN, "only {same} answers: {verdicts:?}");
}

/// A report as it is written and read back.
fn told(report: &Report) -> Replayed {
    let text = serde_json::to_string(report).unwrap();
    Report::read(&text).unwrap().replay()
}

#[test]
fn every_answer_of_every_report_is_given_again_and_of_masked_ones_it_agrees() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut reports, mut verdicts, mut faults) = (0, BTreeMap::new(), Vec::new());
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let scenario = Scenario::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let Some(captured) = scenario.captured().unwrap() else { continue };
        let machines: Vec<HardwareAddress> = captured.machines.iter().copied().collect();
        let [machine] = machines[..] else { continue };
        // Deployments are in no report, and the report says so.
        if captured.before.deployment_of(&machine).is_some() {
            continue;
        }
        reports += 1;
        let part = Part {
            before: captured.before.facts_of(&machine),
            exchanges: captured.recorded,
            left_out: 0,
        };
        let by = (Now(0), "lab");
        let report = Report::new(&captured.before, by, machine, vec![part], Vec::new());
        for entry in told(&report).entries {
            *verdicts.entry(entry.verdict).or_insert(0) += 1;
            let same = matches!(entry.verdict, Verdict::Same | Verdict::Silent | Verdict::Unseen);
            if !same && (name.as_str(), entry.verdict) != UNREPORTED {
                faults.push(format!("{name}: {entry}"));
            }
        }
        let masked = report.mask().unwrap();
        let text = serde_json::to_string(&masked).unwrap();
        let own = machine.to_string();
        assert!(!text.contains(&own) && !text.contains("\"10.0.0."), "{name}: {text}");
        for entry in told(&masked).entries {
            if !entry.verdict.agrees() && (name.as_str(), entry.verdict) != UNREPORTED {
                faults.push(format!("{name}, masked: {entry}"));
            }
        }
    }
    println!("{reports} reports: {verdicts:?}");
    assert!(faults.is_empty(), "{} of {verdicts:?}:\n{}", faults.len(), faults.concat());
    assert!(reports >= REPORTS_MIN, "only {reports} reports");
    let same = verdicts.get(&Verdict::Same).copied().unwrap_or(0);
    assert!(same >= EXCHANGES_MIN, "only {same} answers: {verdicts:?}");
}
