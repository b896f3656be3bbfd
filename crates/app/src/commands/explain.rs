//! `explain`: what a machine would get now, and why, as a colleague would tell it.

use super::with;
use crate::clock;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{Explained, MachineView};
use clap::Args;
use engine::QuirkSaid;
use engine::explain::StageAnswer;
use model::Life;
use model::event::Happening;
use model::plan::{Reason, Why};
use model::{Arch, Event, Firmware};

/// What `explain` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "A machine is named by name, MAC, UUID or serial. A MAC that was never heard \
can be explained, too: say --arch, and --network where there are several."
)]
pub struct Explain {
    #[command(flatten)]
    pub who: Who,
    /// Only this stage: address, firmware, address-ipv6, firmware-ipv6, ipxe, grub, pxelinux, kernel, answers.
    #[arg(long)]
    stage: Option<String>,
    /// As if it booted then: +2h, 14:30, 2026-11-22 14:30.
    #[arg(long, value_name = "TIME", value_parser = clock::moment)]
    at: Option<model::Now>,
    /// Print the scripts that it would get, too.
    #[arg(long)]
    scripts: bool,
    /// Print JSON, the same as the API gives.
    #[arg(long)]
    json: bool,
}

/// Whom a question is about.
#[derive(Debug, Args)]
pub struct Who {
    /// Name, MAC, UUID or serial.
    pub machine: String,
    /// As if it had this architecture: x86-bios, x64-uefi, arm64-uefi, ...
    #[arg(long)]
    pub arch: Option<Arch>,
    /// As if it had this firmware: pxe, http, uboot, rpi.
    #[arg(long)]
    pub firmware: Option<Firmware>,
    /// As if it were on this interface.
    #[arg(long, value_name = "IF")]
    pub network: Option<String>,
}

impl Explain {
    /// Asks and tells.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let mut path = self.who.query("/explain");
        if let Some(stage) = &self.stage {
            path = with(&path, "stage", stage);
        }
        if let Some(at) = self.at {
            path = with(&path, "at", &at.to_string());
        }
        let answer: Explained = client.get(&path).await?;
        if self.json {
            return say::json(&answer);
        }
        for line in tell(&answer, self.scripts) {
            say::line(line);
        }
        if let Some(boot) = super::diagnose::in_a_line(client, &self.who.machine).await {
            say::line(format!("Last boot: {boot}"));
        }
        Ok(())
    }
}

/// The whole answer, line by line.
fn tell(answer: &Explained, scripts: bool) -> Vec<String> {
    let mut lines = who(answer);
    lines.push(String::new());
    lines.push(format!("It would {}.", answer.explanation.plan.decision.summary()));
    lines.extend(answer.explanation.plan.reasons.iter().map(|reason| format!("  {}", why(reason))));
    lines.extend(quirks(answer));
    for stage in &answer.explanation.stages {
        lines.push(String::new());
        // What the decision rests on was said above, once.
        let said = &answer.explanation.plan.reasons;
        lines.extend(one_stage(stage, said, scripts));
        let silence = stage.silence.as_ref();
        lines.extend(silence.into_iter().flat_map(|why| to_change(why, &called(answer))));
    }
    lines.push(String::new());
    lines.extend(lately(answer));
    lines
}

/// The machine as a command names it.
fn called(answer: &Explained) -> String {
    let explanation = &answer.explanation;
    explanation.name.clone().unwrap_or_else(|| explanation.machine.to_string())
}

/// Whose fault a silence is, and the one thing that would change it.
fn to_change(why: &Why, machine: &str) -> Vec<String> {
    let remedy = why.remedy().map(|remedy| format!("  to change that: {}", remedy.of(machine)));
    [Some(format!("  {}", why.fault())), remedy].into_iter().flatten().collect()
}

fn who(answer: &Explained) -> Vec<String> {
    let explanation = &answer.explanation;
    let name = explanation.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let mut lines =
        vec![format!("{}{name}, taken as {}", explanation.machine, explanation.taken_as)];
    lines.push(match &answer.known {
        None => "It was never heard here; this is what a machine with that address would get."
            .to_owned(),
        Some(known) if known.network.is_empty() && known.address.is_none() => {
            format!("It was never heard; {}.", standing(known))
        }
        Some(known) => {
            let address = known.address.as_ref().map(|a| format!(", it has {a}"));
            let on = match known.network.as_str() {
                "" => String::new(),
                network => format!(" on {network}"),
            };
            format!(
                "Last heard {}{on}; {}{}.",
                known.last_seen,
                standing(known),
                address.unwrap_or_default()
            )
        }
    });
    lines
}

fn standing(known: &MachineView) -> String {
    match known.state {
        Life::Pending => format!("nobody has approved it yet (code {})", known.code),
        Life::Approved => "it is approved".to_owned(),
        Life::Deploying => "an installation is armed or under way".to_owned(),
        Life::Deployed => "it was installed".to_owned(),
        Life::Failed => "its installation failed".to_owned(),
        Life::Blocked => "an operator blocked it".to_owned(),
        Life::Retired => "it is retired".to_owned(),
    }
}

/// What it does otherwise, and what an operator says of that.
fn quirks(answer: &Explained) -> Vec<String> {
    let quirks = &answer.explanation.quirks;
    if quirks.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Its firmware and loaders have quirks:".to_owned()];
    lines.extend(quirks.iter().map(|quirk| {
        let QuirkSaid { id, name, does, because, denied } = quirk;
        match denied {
            true => format!(
                "  - {id} {name}: nothing is done, because an operator says it has not, though {because}"
            ),
            false => format!("  {id} {name}: {does}, because {because}"),
        }
    }));
    lines
}

fn why(reason: &Reason) -> String {
    match reason {
        Reason::RuleMissed { .. } => format!("- {reason}"),
        Reason::CannotBoot { .. } => format!("! {reason}"),
        _ => format!("because {reason}"),
    }
}

fn one_stage(stage: &StageAnswer, said: &[Reason], scripts: bool) -> Vec<String> {
    let gets = match (&stage.gets, &stage.silence) {
        (Some(gets), _) => gets.clone(),
        (None, Some(silence)) => format!("nothing: {silence}"),
        (None, None) => "nothing".to_owned(),
    };
    let mut lines = vec![format!("{}: {gets}", stage_in_words(&stage.stage))];
    let new = stage.because.iter().filter(|reason| !said.contains(reason));
    lines.extend(new.map(|reason| format!("  {}", plain(reason))));
    if let (true, Some(text)) = (scripts, &stage.text) {
        lines.extend(text.lines().map(|line| format!("  | {line}").trim_end().to_owned()));
    }
    lines
}

fn plain(reason: &Reason) -> String {
    match reason {
        Reason::Note(_) | Reason::NoFile(_) => reason.to_string(),
        other => why(other),
    }
}

fn stage_in_words(stage: &str) -> String {
    match stage {
        "address" => "It gets the address".to_owned(),
        "firmware" => "The firmware gets".to_owned(),
        "address-ipv6" => "It gets the IPv6 address".to_owned(),
        "firmware-ipv6" => "The firmware gets over IPv6".to_owned(),
        "ipxe" => "iPXE is then told".to_owned(),
        "grub" => "GRUB is then told".to_owned(),
        "pxelinux" => "The loader's configuration then says".to_owned(),
        "kernel" => "The machine starts".to_owned(),
        other => format!("At stage {other} it gets"),
    }
}

/// What it last asked, got, or was refused, and what its silence means.
fn lately(answer: &Explained) -> Vec<String> {
    /// Older events are for `watch` and the log.
    const SHOWN_MAX: usize = 12;
    if answer.recent.is_empty() {
        return vec![match &answer.known {
            Some(_) => "Nothing was heard of it since this server started. If it is on and tries \
                        to boot, its broadcasts do not reach us: look at the switch port, the VLAN \
                        and the relay, and run `bootwright doctor`."
                .to_owned(),
            None => "Nothing was heard of it since this server started.".to_owned(),
        }];
    }
    let expected =
        |event: &&Event| matches!(event.what, Happening::FileMissed { expected: true, .. });
    let shown: Vec<&Event> = answer.recent.iter().filter(|event| !expected(event)).collect();
    let skip = shown.len().saturating_sub(SHOWN_MAX);
    let mut lines = vec!["Lately:".to_owned()];
    if skip > 0 {
        lines.push(format!("  ({skip} earlier)"));
    }
    lines.extend(
        shown.iter().skip(skip).map(|event| format!("  {} {}", clock::local(event.at), event.what)),
    );
    if let Some(last) = answer.recent.last() {
        let silent_s = answer.now.since(last.at).as_secs();
        lines.push(format!("Last word {} ago: {}", ago(silent_s), meaning(&last.what)));
        let why = last.what.silence().into_iter();
        lines.extend(why.flat_map(|why| to_change(why, &called(answer))));
    }
    lines
}

fn ago(s: u64) -> String {
    match s {
        0..=119 => format!("{s} s"),
        120..=7199 => format!("{} min", s / 60),
        7200..=172_799 => format!("{} h", s / 3600),
        _ => format!("{} days", s / 86_400),
    }
}

/// What it means when nothing came after this.
fn meaning(last: &Happening) -> &'static str {
    match last {
        Happening::Answered { answer, .. } if answer.contains("OFFER") => {
            "it got an offer and did not take it up; it may have chosen another server, or the \
             offer did not arrive"
        }
        Happening::Answered { file: Some(file), .. } if file.starts_with("https://") => {
            "it was sent to HTTPS and has not come; firmware in which no CA is enrolled does not \
             even connect: `bootwright tls show` says how ours is enrolled"
        }
        Happening::Answered { file: Some(_), .. } => {
            "it was told its boot file and has not fetched it; if it stays so, its firmware did \
             not accept the answer, or UDP 69 (or the HTTP port) does not reach us"
        }
        Happening::Answered { .. } => "it has its address; nothing more was asked of us",
        Happening::Silent { .. } => "it was not answered, for the reason above",
        Happening::Script { .. } => "it was told what to do; it may be showing a menu, or doing it",
        Happening::TransferStarted { .. } | Happening::TransferProgress { .. } => {
            "a file is on its way"
        }
        Happening::TransferDone { .. } => {
            "the file is across, so what comes next is up to what it started"
        }
        Happening::TransferFailed { .. } => "a transfer ended early, and it did not try again",
        Happening::FileMissed { .. } => "it asked for a file that we do not have",
        Happening::HandshakeFailed { .. } => {
            "it could not agree with us on TLS, for the reason above"
        }
        _ => "nothing followed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::explain::Explanation;
    use model::Now;
    use model::plan::{BootPlan, Decision};

    /// A machine of which this was heard last, and whose firmware gets nothing.
    fn silent(last: Happening) -> Explained {
        let machine = "52:54:00:77:00:01".parse().unwrap();
        Explained {
            explanation: Explanation {
                machine,
                name: Some("lab-01".to_owned()),
                taken_as: "x64-uefi, pxe, on br0".to_owned(),
                plan: BootPlan { decision: Decision::LocalDisk, reasons: Vec::new() },
                quirks: Vec::new(),
                stages: vec![StageAnswer {
                    stage: "firmware".to_owned(),
                    gets: None,
                    text: None,
                    silence: Some(Why::LocalDiskBySilence),
                    because: Vec::new(),
                }],
            },
            known: None,
            recent: vec![Event::new(Now(0), Some(machine), None, last)],
            words: Default::default(),
            silences: Vec::new(),
            now: Now(3_000),
        }
    }

    #[test]
    fn a_silence_says_whose_fault_it_is_and_what_would_change_it() {
        let why = Why::OnlyListening;
        let told = tell(&silent(Happening::Silent { asked: "DISCOVER".into(), why }), false);
        let told = told.join("\n");
        assert!(
            told.contains(
                "The firmware gets: nothing: the plan is the local disk, and its firmware goes \
                 there when nobody answers\n  the settings of this server say so\n  to change \
                 that: run `bootwright machine set lab-01 --profile PROFILE`\n"
            ),
            "{told}"
        );
        assert!(
            told.ends_with(
                "for the reason above\n  the settings of this server say so\n  to change that: set \
                 `mode = \"dhcp\" or \"proxy\"`, then `bootwright reload`"
            ),
            "{told}"
        );
        let file = Happening::FileMissed {
            by: model::event::Carrier::Tftp,
            why: Why::NoSuchFile { name: "a".to_owned(), hint: None },
            expected: false,
        };
        assert!(tell(&silent(file), false).join("\n").ends_with("run `bootwright image list`"));
    }

    #[test]
    fn the_answer_reads_like_one() {
        let missed = Reason::RuleMissed {
            rule: "rule 2 (arch=arm64-uefi → x)".into(),
            condition: "arch=arm64-uefi".into(),
            actual: Some("x64-uefi".into()),
        };
        let unknown = Reason::DefaultForUnknown("menu".to_owned());
        let answer = Explained {
            explanation: Explanation {
                quirks: Vec::new(),
                machine: "52:54:00:77:00:01".parse().unwrap(),
                name: None,
                taken_as: "x64-uefi, pxe, on br0".to_owned(),
                plan: BootPlan {
                    decision: Decision::LocalDisk,
                    reasons: vec![unknown.clone(), missed],
                },
                stages: vec![StageAnswer {
                    stage: "firmware".to_owned(),
                    gets: Some("boot file snponly-x64.efi".to_owned()),
                    text: None,
                    silence: None,
                    because: vec![Reason::Note("we give addresses on br0".into()), unknown],
                }],
            },
            known: None,
            recent: Vec::new(),
            words: Default::default(),
            silences: Vec::new(),
            now: Now(0),
        };
        let told = tell(&answer, false).join("\n");
        assert_eq!(
            told,
            "52:54:00:77:00:01, taken as x64-uefi, pxe, on br0\n\
             It was never heard here; this is what a machine with that address would get.\n\n\
             It would start the local disk.\n  \
             because no rule matches, and nobody approved the machine; boot.unknown = \"menu\"\n  \
             - rule 2 (arch=arm64-uefi → x) does not match: it demands arch=arm64-uefi, this one \
             has x64-uefi\n\n\
             The firmware gets: boot file snponly-x64.efi\n  \
             we give addresses on br0\n\n\
             Nothing was heard of it since this server started."
        );
    }
}
