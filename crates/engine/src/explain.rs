//! What a machine would get at every stage, and why: the live decision, with nothing kept.

mod address;
mod address6;
mod imagine;

pub use imagine::{Imagined, Place};

use crate::boot::Forecast;
use crate::dhcp::Form;
use crate::files::{Asker, FileAsk};
use crate::quirk::QuirkSaid;
use crate::{Engine, Refusal};
use model::client::ArchCode;
use model::event::Carrier;
use model::image::{LoaderKind, Wanted};
use model::network::Mode;
use model::plan::{Boot, BootPlan, Decision, Reason, Why};
use model::{Arch, Client, Firmware, HardwareAddress, Network, Network6, Now};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};

/// Whom to explain, as far as the operator says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Name, MAC, UUID or serial.
    pub machine: String,
    /// Instead of what it last said.
    pub arch: Option<Arch>,
    /// Instead of what it last said.
    pub firmware: Option<Firmware>,
    /// Only this stage: `address`, `firmware`, `address-ipv6`, `firmware-ipv6`, `ipxe`, `grub`, `pxelinux`, `kernel`, `answers`.
    pub stage: Option<String>,
    /// Interface, instead of where it was last heard.
    pub network: Option<String>,
    /// The moment of the boot, instead of now: an installation may be over by then, a lease may have
    /// ended. What is known of the machine is what is known now.
    pub at: Option<Now>,
}

/// Everything a machine would get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// Its hardware address.
    pub machine: HardwareAddress,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it was taken to be: "x64-uefi, pxe, on lan0".
    pub taken_as: String,
    /// The decision and its reasons, rule by rule.
    pub plan: BootPlan,
    /// Its quirks that make a difference, and those that an operator denies.
    #[serde(default)]
    pub quirks: Vec<QuirkSaid>,
    /// Stage by stage.
    pub stages: Vec<StageAnswer>,
}

/// What one stage gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageAnswer {
    /// `address` where we give addresses, `firmware`; the same of IPv6, `address-ipv6` and `firmware-ipv6`; then
    /// `ipxe`, `grub` or `pxelinux`, then `kernel` and `answers`.
    pub stage: String,
    /// What it gets, in a line; none is silence.
    pub gets: Option<String>,
    /// The text it gets (a script), where there is one.
    pub text: Option<String>,
    /// Why it gets nothing.
    pub silence: Option<Why>,
    /// Why it gets that.
    pub because: Vec<Reason>,
}

impl Engine {
    /// Explains without changing anything. `Err` says why the question has no answer.
    pub fn explain(&self, now: Now, question: &Question) -> Result<Explanation, Refusal> {
        let Imagined { client, place, name } = self.imagine(question)?;
        let now = question.at.unwrap_or(now);
        let plan = self.plan(now, &client);
        let mut stages = Vec::new();
        let mut from = None;
        if let Some(network) = &place.ipv4 {
            let (address, given) = self.address_stage(now, &client, network).unzip();
            stages.extend(address);
            stages.push(self.firmware_stage(now, &client, network));
            from = given.flatten();
        }
        if let Some(network) = &place.ipv6 {
            stages.extend(self.address_stage6(now, &client, network));
            stages.push(self.firmware_stage6(now, &client, network));
        }
        stages.extend(self.later_stages(now, &client, &place, (&plan, from)));
        stages.retain(|stage| question.stage.as_ref().is_none_or(|wanted| *wanted == stage.stage));
        Ok(Explanation {
            machine: client.hardware,
            name,
            taken_as: crate::dhcp::describe(&client),
            plan,
            quirks: self.quirks_said(&client, place.beside()),
            stages,
        })
    }

    /// What its firmware gets over IPv6: the live decision of [`crate::dhcp6`].
    fn firmware_stage6(&self, now: Now, client: &Client, network: &Network6) -> StageAnswer {
        let mut reasons = self.decisive_reasons();
        let answer = self.boot_answer6(now, client, network, &mut reasons);
        let link = &network.interface;
        let mut because =
            vec![Reason::Note(match (network.only_listens(), network.gives_addresses()) {
                (true, _) => format!("on {link} we do not answer over IPv6").into(),
                (false, true) => format!("we give IPv6 addresses on {link}").into(),
                (false, false) => {
                    format!("machines make their IPv6 addresses themselves on {link}").into()
                }
            })];
        let (gets, silence) = match answer {
            Ok(_) if network.only_listens() => (None, Some(Why::OnlyListening)),
            Err(why) if network.only_listens() => {
                because.push(Reason::Note(format!("if we did, not to it: {why}").into()));
                (None, Some(Why::OnlyListening))
            }
            Ok(boot) => {
                because.extend(Vec::from(reasons));
                (Some(format!("URL {}", boot.url)), None)
            }
            Err(why) => (None, Some(why)),
        };
        StageAnswer { stage: "firmware-ipv6".into(), gets, text: None, silence, because }
    }

    /// What its firmware gets: the live decision of [`crate::dhcp`].
    fn firmware_stage(&self, now: Now, client: &Client, network: &Network) -> StageAnswer {
        let beside = !network.has_addresses();
        let mut reasons = self.decisive_reasons();
        let answer = self.boot_answer(now, client, network, beside, &mut reasons);
        let mut because = vec![Reason::Note(match network.mode {
            Mode::Dhcp => format!("we give addresses on {}", network.interface).into(),
            Mode::Listen | Mode::Off => format!("on {} we do not answer", network.interface).into(),
            _ => format!("on {} addresses come from another server", network.interface).into(),
        })];
        if client.firmware == Firmware::None {
            because.push(Reason::Note(
                "it has never asked to boot; name an architecture to ask what its firmware would \
                 get: --arch x64-uefi"
                    .into(),
            ));
        }
        let (gets, silence) = match answer {
            Ok(_) if matches!(network.mode, Mode::Listen) => (None, Some(Why::OnlyListening)),
            Ok(_) if network.mode == Mode::Off => {
                (None, Some(Why::NotServed(network.interface.clone())))
            }
            Ok(answer) => {
                because.extend(Vec::from(reasons));
                let how = match answer.form {
                    Form::Http => "URL",
                    Form::Ipxe => "script",
                    Form::Config => "configuration",
                    _ => "boot file",
                };
                (Some(format!("{how} {}", answer.file)), None)
            }
            Err(why) if network.mode == Mode::Listen => {
                because.push(Reason::Note(format!("if we did, not to it: {why}").into()));
                (None, Some(Why::OnlyListening))
            }
            Err(why) => (None, Some(why)),
        };
        StageAnswer { stage: "firmware".into(), gets, text: None, silence, because }
    }

    /// What its bootloader asks for next, and the kernel at the end.
    fn later_stages(
        &self,
        now: Now,
        client: &Client,
        place: &Place,
        (plan, from): (&BootPlan, Option<Ipv4Addr>),
    ) -> Vec<StageAnswer> {
        let Ok(first) = self.first_file_at(client, plan, place) else { return Vec::new() };
        let (form, ask) = self.asks_then(client, place, &first.path);
        let through_grub = form == "grub";
        let stage = form.to_owned();
        if let Some(holder) = self.given_elsewhere(now, client, from) {
            let (text, plan) = self.to_somebody_else(&ask, form, client);
            let gets = Some(plan.decision.summary());
            let note = format!(
                "its script went to {holder} already, so whoever comes from another address is taken \
                 for a stranger: `bootwright machine cancel` ends that"
            );
            let mut because = plan.reasons;
            because.push(Reason::Note(note.into()));
            return vec![StageAnswer { stage, gets, text: Some(text), silence: None, because }];
        }
        let mut stages = vec![StageAnswer {
            stage,
            gets: Some(plan.decision.summary()),
            // What another server says is not known before it is asked.
            text: (!matches!(plan.decision, Decision::Ask { .. }))
                .then(|| self.script_for(now, &ask, form, client)),
            silence: None,
            because: plan.reasons.clone(),
        }];
        if let Decision::Boot(boot) = &plan.decision {
            let initrds = boot.initrds.join(", ");
            let args = crate::script::args(
                boot,
                client,
                &self.http_base(place.server()),
                self.answer_shown(boot, place.server()).as_deref(),
            );
            let mut because = vec![Reason::Note(format!("arguments: {args}").into())];
            because.extend(self.memory_of(boot));
            because.extend(self.trusted(client, boot, through_grub));
            let with = if initrds.is_empty() { String::new() } else { format!(" with {initrds}") };
            stages.push(StageAnswer {
                stage: "kernel".into(),
                gets: Some(format!("{}{with}", boot.kernel)),
                text: None,
                silence: None,
                because,
            });
            stages.extend(self.answer_stage(client, boot));
        }
        stages
    }

    /// What a client asks for after this first file: `ipxe`, `grub` or `pxelinux`, and how.
    pub(crate) fn asks_then(
        &self,
        client: &Client,
        place: &Place,
        first: &str,
    ) -> (&'static str, FileAsk) {
        let form = match client.firmware {
            Firmware::Config | Firmware::Uboot if first.starts_with("pxelinux.cfg/") => "pxelinux",
            _ if first.ends_with(".0") => "pxelinux",
            _ if self.goes_through_grub(first) => "grub",
            _ => "ipxe",
        };
        let ask = FileAsk {
            by: if form == "grub" { Carrier::Tftp } else { Carrier::Http },
            name: Vec::new(),
            from: SocketAddr::from(([0, 0, 0, 0], 0)),
            at: SocketAddr::from((place.server(), self.settings.http_port)),
            link: place.link().to_owned(),
            says: Asker::default(),
            neighbour: None,
            agent: None,
            body: None,
            head_only: false,
        };
        (form, ask)
    }

    /// The answer files of an installation: of which templates, with which settings from where.
    fn answer_stage(&self, client: &Client, boot: &Boot) -> Option<StageAnswer> {
        let armed = boot.deployment.and_then(|id| self.deployment(id)?.install.as_ref());
        let profile = boot.profile.as_deref();
        let known = profile.and_then(|name| self.profiles.get(name));
        let template = known.and_then(|profile| profile.template.as_ref())?;
        let settings = self.settings_of(&client.hardware, profile);
        let mut because: Vec<Reason> = settings
            .iter()
            .map(|(name, setting, origin)| {
                Reason::Note(format!("setting {name} = {setting} ({origin})").into())
            })
            .collect();
        let Some(install) = armed else {
            let gets = "nothing: an answer file is given to an armed deployment only".to_owned();
            let stage = "answers".to_owned();
            return Some(StageAnswer {
                stage,
                gets: Some(gets),
                text: None,
                silence: None,
                because,
            });
        };
        because.insert(0, Reason::Note(format!("it may write to {}", install.disk).into()));
        if !install.secrets.is_empty() {
            let how = if install.plain_http { "over plain HTTP" } else { "over HTTPS" };
            let secrets = install.secrets.join(", ");
            because.push(Reason::Note(format!("secrets in it, {how}: {secrets}").into()));
        }
        let made = |t: &&answers::Template| crate::deploy::stem(t.name()) == template;
        let files = self.templates().iter().filter(made);
        let files: Vec<String> = files
            .filter_map(|t| Some(format!("{} from {}", t.format().file_name()?, t.name())))
            .collect();
        Some(StageAnswer {
            stage: "answers".to_owned(),
            gets: Some(files.join(", ")),
            text: None,
            silence: None,
            because,
        })
    }

    /// What Secure Boot would say.
    pub(crate) fn trusted(&self, client: &Client, boot: &Boot, through_grub: bool) -> Vec<Reason> {
        let image = self.image(&boot.image, Wanted::Version(boot.version));
        let uefi = client.arch.is_none_or(Arch::is_uefi);
        // What an audit found out by keys says more than what the names of loaders say.
        let named = !uefi || image.is_none_or(|image| image.secure_boot.verdict.is_empty());
        let named = named.then(|| secure_boot(client, boot.signed.is_some(), through_grub));
        let verdict = image.filter(|_| uefi).map(|image| image.secure_boot.verdict.as_slice());
        let verdict = verdict.unwrap_or_default().iter().map(|v| Reason::Note(v.clone().into()));
        named.into_iter().chain(verdict).collect()
    }

    /// What the image takes of the machine's memory.
    pub(crate) fn memory_of(&self, boot: &Boot) -> Option<Reason> {
        let image = self.image(&boot.image, Wanted::Version(boot.version))?;
        let forecast = Forecast::of(image)?;
        let because = forecast.because.join(", ");
        Some(Reason::Note(format!("needs about {} MiB of memory: {because}", forecast.mib).into()))
    }

    fn goes_through_grub(&self, first: &str) -> bool {
        let file = first.rsplit('/').next().unwrap_or(first);
        match self.loaders.get(file).filter(|_| first.starts_with("loader/")) {
            Some(loader) => loader.kind == LoaderKind::Shim,
            None => first.starts_with("image/"),
        }
    }
}

/// The beginning of option 60 of such a client (PXE 2.1, table 2-1; UEFI 2.10, 24.7.3), without the
/// version of its driver, which differs.
fn class_of(client: &Client) -> Option<String> {
    let (arch, firmware) = (client.arch?, client.firmware);
    let code = (0..=u16::from(u8::MAX))
        .find(|code| ArchCode(*code).meaning().is_some_and(|(a, f)| (a, f) == (arch, firmware)));
    let class = match firmware {
        Firmware::Pxe => "PXEClient",
        Firmware::Http => "HTTPClient",
        _ => return None,
    };
    code.map(|code| format!("{class}:Arch:{code:05}"))
}

/// What would happen with Secure Boot on; a request cannot show whether it is.
fn secure_boot(client: &Client, signed: bool, through_grub: bool) -> Reason {
    Reason::Note(match client.arch {
        Some(arch) if !arch.is_uefi() => "a BIOS knows no Secure Boot".into(),
        _ if signed => "with Secure Boot on: boots, if the firmware trusts the image's shim".into(),
        _ if through_grub => {
            "with Secure Boot on: boots, if the kernel is signed by the distribution of our GRUB"
                .into()
        }
        _ => "with Secure Boot on: the firmware would refuse the unsigned bootloader".into(),
    })
}

fn unknown(named: &str) -> Refusal {
    Refusal {
        why: format!("no machine is called {}", model::text::show(named.as_bytes())),
        hint: Some(
            "`bootwright machine list` shows who has been seen; a MAC can always be asked about"
                .to_owned(),
        ),
    }
}
