//! `diagnose`: what a machine's boot died of, what shows it, and what to do.

use super::with;
use crate::clock;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::DiagnosisView;
use clap::Args;
use model::BootId;
use model::diagnosis::{Diagnosis, Evidence};
use model::url::part;

/// What `diagnose` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "docs/diagnose.md lists every diagnosis by what is seen. The boot itself, step by \
step: `bootwright boot show M`. What it would get now: `bootwright explain M`."
)]
pub struct Diagnose {
    /// Name, MAC, UUID or serial.
    machine: String,
    /// Not its newest boot, but this one.
    #[arg(long, value_name = "BOOT")]
    boot: Option<BootId>,
    /// Print JSON, the same as the API gives.
    #[arg(long)]
    json: bool,
}

impl Diagnose {
    /// Asks and tells.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let mut path = path(&self.machine);
        if let Some(boot) = self.boot {
            path = with(&path, "boot", &boot.to_string());
        }
        let view: DiagnosisView = client.get(&path).await?;
        if self.json {
            return say::json(&view);
        }
        tell(&view).iter().for_each(say::line);
        Ok(())
    }
}

fn path(machine: &str) -> String {
    format!("/machines/{}/diagnosis", part(machine))
}

/// How the last boot of a machine went, in a line; nothing if none is remembered.
pub async fn in_a_line(client: &Client, machine: &str) -> Option<String> {
    let view: DiagnosisView = client.get(&path(machine)).await.ok()?;
    let began = clock::local(view.from);
    let died = match (view.diagnoses.first(), view.waits_until) {
        (Some(first), None) => {
            format!(
                ": {} ({}): {}; to do: {}",
                first.code, first.certainty, first.verdict, first.remedy
            )
        }
        _ => String::new(),
    };
    Some(format!("{} of {began}: {}{died}", view.boot, view.outcome))
}

fn tell(view: &DiagnosisView) -> Vec<String> {
    let name = view.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let began = clock::local(view.from);
    let mut lines =
        vec![format!("{}{name}, boot {} of {began}: {}", view.machine, view.boot, view.outcome)];
    if let Some(until) = view.waits_until {
        let until = clock::local(until);
        lines.push(match view.diagnoses.is_empty() {
            true => format!("It may still go on; it is judged at {until}."),
            false => format!("It may still go on. If nothing more is heard until {until}:"),
        });
    } else if view.diagnoses.is_empty() {
        lines.push(match view.ending.arrived() {
            true => "Nothing is wrong with it, as far as it is seen from here.".to_owned(),
            false => format!(
                "Nothing that is seen from here explains it. Its screen says more; `bootwright boot show \
                 {}` shows every step and every silence.",
                view.boot
            ),
        });
    }
    for (n, diagnosis) in view.diagnoses.iter().enumerate() {
        lines.push(String::new());
        if n > 0 {
            lines.push("Less likely:".to_owned());
        }
        lines.extend(one(diagnosis));
    }
    lines
}

fn one(diagnosis: &Diagnosis) -> Vec<String> {
    let mut lines = vec![
        format!("{} ({})", diagnosis.code, diagnosis.certainty),
        format!("  What happened: {}.", diagnosis.verdict),
        format!("  What to do: {}.", diagnosis.remedy.trim_end_matches('.')),
        format!("  Down to: {}.", diagnosis.fault.words()),
        "  What shows it:".to_owned(),
    ];
    lines.extend(diagnosis.evidence.iter().map(shown));
    lines
}

fn shown(evidence: &Evidence) -> String {
    match evidence.at {
        Some(at) => format!("    {}  {}", clock::local(at), evidence.says),
        None => format!("    known     {}", evidence.says),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::diagnosis::{Certainty, Code};
    use model::story::{BootStage, Ending};
    use model::{Fault, HardwareAddress, Now};

    fn view() -> DiagnosisView {
        let mac = HardwareAddress::mac([2, 0, 0, 0, 0, 1]);
        DiagnosisView {
            machine: mac,
            name: Some("pc-1".to_owned()),
            boot: BootId::new(&mac, Now(0), 0),
            from: Now(0),
            until: Now(9000),
            furthest: BootStage::Firmware,
            ending: Ending::Stopped,
            outcome: "stopped at firmware".to_owned(),
            waits_until: None,
            diagnoses: Vec::new(),
            mend: None,
        }
    }

    fn diagnosis(code: Code) -> Diagnosis {
        Diagnosis {
            code,
            certainty: Certainty::Likely,
            fault: Fault::Surroundings,
            verdict: "it was offered 10.0.0.7 and never asked for it".to_owned(),
            evidence: vec![
                Evidence { at: Some(Now(0)), says: "DISCOVER → OFFER".to_owned() },
                Evidence { at: None, says: "mode = \"dhcp\"".to_owned() },
            ],
            remedy: "let our answers through".to_owned(),
        }
    }

    #[test]
    fn a_verdict_is_told_with_what_shows_it_and_what_to_do() {
        let diagnoses = vec![diagnosis(Code::OfferNotTaken), diagnosis(Code::NoAddressServer)];
        let lines = tell(&DiagnosisView { diagnoses, ..view() });
        assert!(lines[0].contains("pc-1") && lines[0].ends_with("stopped at firmware"));
        let text = lines.join("\n");
        for part in [
            "offer-not-taken (likely)\n  What happened: it was offered",
            "  What to do: let our answers through.",
            "Less likely:\nno-address-server",
            "    known     mode = \"dhcp\"",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn what_is_not_sure_yet_is_told_as_such() {
        let early = DiagnosisView { waits_until: Some(Now(90_000)), ..view() };
        assert!(tell(&early)[1].starts_with("It may still go on; it is judged at"));
        let diagnoses = vec![diagnosis(Code::OfferNotTaken)];
        let early = DiagnosisView { diagnoses, ..early };
        assert!(tell(&early)[1].starts_with("It may still go on. If nothing more"));
        assert!(tell(&view())[1].starts_with("Nothing that is seen from here explains it"));
        let up = DiagnosisView { ending: Ending::SystemUp, ..view() };
        assert!(tell(&up)[1].starts_with("Nothing is wrong"));
    }
}
