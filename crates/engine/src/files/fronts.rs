//! Names by which machines ask other servers: matchbox, Cobbler and pixiecore. Thin fronts: what they
//! lead to is decided where it always is.
//!
//! In: a name, asked over HTTP. Out: a script, an answer file, some words about a machine; or why not.
//! Never: an answer file for whoever names a machine or a profile. Without a token it goes to the
//! address that holds the machine's script, and only if no secret is in it.

use super::who::Named;
use super::{ConfigName, FileAsk, Form, Found, Served, TEXT, missing};
use crate::dhcp::event;
use crate::{Answer, Engine, Told, script};
use model::client::Stage;
use model::event::Carrier;
use model::image::Way;
use model::plan::{Boot, Decision, Why};
use model::{Happening, HardwareAddress, Life, Machine, Now, url};
use serde::Serialize;

/// What such a name asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Front<'a> {
    /// A script, for whoever asks or for the machine of this name.
    Script(Form, Option<&'a str>),
    /// An answer file: by its name, or whichever the image takes.
    Answer(Option<&'static str>, Option<&'a str>),
    /// The answer file of everybody with a profile: there is none.
    OfProfile,
    /// That an installation is over, by the machine's name alone.
    Over,
    /// Facts about the asker.
    Metadata,
    /// What pixiecore lets a machine boot.
    Boot(HardwareAddress),
}

impl<'a> Front<'a> {
    /// By a name without a leading slash.
    pub(super) fn read(name: &'a str) -> Option<Self> {
        let parts: Vec<&str> = name.splitn(8, '/').collect();
        Some(match parts.as_slice() {
            ["ipxe" | "boot.ipxe.0"] => Self::Script(Form::Ipxe, None),
            ["grub"] => Self::Script(Form::Grub, None),
            ["ignition"] => Self::Answer(Some("config.ign"), None),
            ["cloud"] => Self::Answer(Some("user-data"), None),
            ["generic"] => Self::Answer(None, None),
            ["metadata"] => Self::Metadata,
            ["v1", "boot", mac] => Self::Boot(mac.parse().ok()?),
            ["cblr", "svc", "op", op, rest @ ..] => Self::of_cobbler(op, rest)?,
            _ => return None,
        })
    }

    fn of_cobbler(op: &str, rest: &[&'a str]) -> Option<Self> {
        Some(match (op, rest) {
            ("autoinstall" | "ks", ["system", name]) => Self::Answer(None, Some(name)),
            ("autoinstall" | "ks", ["profile" | "image", _]) => Self::OfProfile,
            ("ipxe" | "gpxe", ["system" | "mac", name]) => Self::Script(Form::Ipxe, Some(name)),
            // It chose from a menu of ours; what it gets is its own plan.
            ("ipxe" | "gpxe", ["profile" | "image", _]) => Self::Script(Form::Ipxe, None),
            ("nopxe" | "trig", [_, ..]) => Self::Over,
            _ => return None,
        })
    }
}

/// What pixiecore reads (its README.api.md).
#[derive(Serialize)]
struct Spec {
    kernel: String,
    initrd: Vec<String>,
    cmdline: String,
    message: String,
}

impl Engine {
    /// Answers a name of another server.
    pub(super) fn front(&mut self, now: Now, ask: &FileAsk, front: &Front<'_>) -> Told<Found> {
        match front {
            Front::Script(form, whose) => {
                let ask = match whose.map(|name| self.asks_as(ask, name)) {
                    None => ask.clone(),
                    Some(Some(hardware)) => {
                        let says = super::Asker { mac: Some(hardware), ..ask.says.clone() };
                        FileAsk { says, ..ask.clone() }
                    }
                    Some(None) => return not_it(now, ask),
                };
                let config = ConfigName { form: *form, named: Named::Nobody, entry: None };
                self.configuration(now, &ask, &config)
            }
            Front::Answer(file, whose) => {
                let machine = match whose {
                    Some(name) => self.asks_as(ask, name),
                    None => self.who(ask, &Named::Nobody),
                };
                match machine {
                    Some(machine) => self.answer_by_claim(now, ask, &machine, *file),
                    None => not_it(now, ask),
                }
            }
            Front::OfProfile => {
                let hint = "an answer file is made for one machine that is armed; `bootwright \
                            machine deploy` arms it, and its script says where the file is";
                refused(now, ask, None, hint)
            }
            Front::Over => {
                let hint = "an installation is over when its installer says so with its own token: \
                            {{ deployment.report }}/done in its template";
                refused(now, ask, self.by_address(ask), hint)
            }
            Front::Metadata => self.metadata(now, ask),
            Front::Boot(hardware) => self.pixiecore(now, ask, *hardware),
        }
    }

    /// The card by which the machine of this name asks, if its address shows that it is this machine.
    fn asks_as(&self, ask: &FileAsk, name: &str) -> Option<HardwareAddress> {
        let at = self.by_address(ask)?;
        let machine = self.machines.get(&at)?;
        let mac = name.parse::<HardwareAddress>().ok();
        let by_mac = mac.is_some_and(|mac| machine.addresses().any(|own| own == mac));
        (by_mac || machine.name.as_deref() == Some(name)).then_some(at)
    }

    /// Facts about the machine that asks, `KEY=value` a line, as a shell and systemd read them.
    fn metadata(&self, now: Now, ask: &FileAsk) -> Told<Found> {
        let at = self.who(ask, &Named::Nobody).filter(|at| self.speaks_for_itself(ask, at));
        let machine = at.and_then(|at| self.machines.get(&at));
        let Some(machine) = machine.filter(|machine| machine.life() != Life::Blocked) else {
            return not_it(now, ask);
        };
        let text = facts(machine, ask);
        let what = Happening::Script {
            form: "metadata".to_owned(),
            decision: "its name and labels".to_owned(),
            does: None,
            because: Vec::new(),
        };
        found(now, ask, machine.hardware, (text, TEXT), what)
    }

    /// What a machine boots, in the words of pixiecore's API. It is pixiecore that asks, for a machine
    /// that it heard: nothing that is armed goes this way, for the machine would not have it from us.
    fn pixiecore(&self, now: Now, ask: &FileAsk, hardware: HardwareAddress) -> Told<Found> {
        let mut client = self.remembered(&ask.link, hardware);
        if client.stage == Stage::Firmware {
            client.stage = Stage::Ipxe(model::client::IpxeFeatures::default());
        }
        let none = |why: &str| refused(now, ask, Some(hardware), why);
        if self.armed_plan(now, &client).is_some() {
            return none(
                "what a machine is armed with is given to itself only: let it boot from here",
            );
        }
        let plan = self.plan(now, &client);
        let Decision::Boot(boot) = &plan.decision else {
            return none(&format!("the plan is: {}", plan.decision.summary()));
        };
        if !can_be_said(boot) {
            let why = format!("{} is started in a way that pixiecore does not know", boot.title);
            return none(&why);
        }
        let http = self.http_base(self.asked_at(ask));
        let of = |path: &String| format!("{http}/{}", url::path(path));
        let spec = Spec {
            kernel: of(&boot.kernel),
            initrd: boot.initrds.iter().map(of).collect(),
            cmdline: script::args(boot, &client, &http, None),
            message: format!(
                "Bootwright {}: booting {} version {}",
                self.settings.server_name, boot.title, boot.version
            ),
        };
        let text = serde_json::to_string(&spec).unwrap_or_default();
        let what = Happening::Script {
            form: "answer for pixiecore".to_owned(),
            decision: plan.decision.summary(),
            does: Some(plan.decision.does()),
            because: plan.reasons,
        };
        found(now, ask, hardware, (text, "application/json"), what)
    }
}

/// Whether a kernel, initrds and a line are all that a boot is.
fn can_be_said(boot: &Boot) -> bool {
    boot.way == Way::Kernel
        && boot.disc_as.is_none()
        && boot.initrd_args.iter().all(String::is_empty)
}

/// What anybody may know of a machine: who it is, and what operators call it by.
fn facts(machine: &Machine, ask: &FileAsk) -> String {
    let own = [
        ("NAME", machine.name.clone()),
        ("MAC", Some(machine.hardware.to_string())),
        ("IP", Some(ask.from.ip().to_string())),
        ("REQUEST_QUERY_MAC", ask.says.mac.map(|mac| mac.to_string())),
        ("REQUEST_QUERY_UUID", ask.says.uuid.map(|uuid| uuid.to_string())),
    ];
    let mut lines: Vec<(String, String)> =
        own.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    for (key, value) in machine.labels.iter() {
        let key = variable(key);
        // Two labels that are spelled alike here: the first stands. Ours always do.
        if !lines.iter().any(|(before, _)| *before == key) {
            lines.push((key, value.to_owned()));
        }
    }
    lines.iter().map(|(key, value)| format!("{key}={}\n", quoted(value))).collect()
}

/// A label's name as that of a variable: `rack-row` is `RACK_ROW`.
fn variable(key: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let name: String = key.chars().map(word).collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}

/// A value that a shell reads as it is.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@%+,-".contains(c);
    match !value.is_empty() && value.chars().all(plain) {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', r"'\''")),
    }
}

fn found(
    now: Now,
    ask: &FileAsk,
    machine: HardwareAddress,
    (text, media): (String, &'static str),
    what: Happening,
) -> Told<Found> {
    let bytes = Served::Text(text);
    let what_is =
        Found { what: bytes, media, machine: Some(machine), steady: false, blksize_max: None };
    Told {
        answer: Answer::Reply(what_is),
        changes: Vec::new(),
        events: vec![event(now, Some(machine), &ask.link, what)],
    }
}

/// Nothing, in the same words for everybody; the operator reads why.
fn refused(now: Now, ask: &FileAsk, machine: Option<HardwareAddress>, hint: &str) -> Told<Found> {
    let why = missing(&ask.name, Some(hint.to_owned()));
    let what = Happening::FileMissed { by: Carrier::Http, why, expected: false };
    Told {
        answer: Answer::Silence(Why::NothingHere),
        changes: Vec::new(),
        events: vec![event(now, machine, &ask.link, what)],
    }
}

fn not_it(now: Now, ask: &FileAsk) -> Told<Found> {
    let from = ask.from.ip();
    refused(now, ask, None, &format!("{from} is not the address of the machine that it names"))
}
