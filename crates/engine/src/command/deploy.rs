//! Arming machines, and taking that back.

use super::{Outcome, check_line, decided, refuse};
use crate::deploy::{AT_ONCE_MAX, Arming, Case, Order};
use crate::{Engine, Refusal};
use answers::TargetDisk;
use model::deployment::{Boots, Confirm, Deployment, End, Install, State, shown};
use model::image::{Hash, Wanted};
use model::life::Before;
use model::menu::Choice;
use model::setting::Setting;
use model::{Batch, Change, HardwareAddress, Machine, Now};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// The longest that a machine can be armed for.
const WITHIN_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Machines of one batch.
const BATCH_MAX: usize = 10_000;
/// Wrong codes after which a deployment is frozen.
const WRONG_CODES_MAX: u8 = 5;

/// What a machine is to be installed with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deploy {
    /// The profile.
    pub profile: String,
    /// How long the machine may take to come.
    pub within: Duration,
    /// The disk that may be written to; without one, what the setting `disk` says.
    pub disk: Option<String>,
    /// A code on the machine's screen has to be typed before anything is given.
    pub confirm_code: bool,
    /// Secrets may go over plain HTTP.
    pub plain_http: bool,
    /// The machine is switched on, or started anew, when it is armed.
    pub power: bool,
    /// The secrets that the templates asked for when they were tried.
    pub secrets: Vec<String>,
    /// What the templates and settings were then ([`Order::print`]).
    pub tried: Hash,
    /// Who asks.
    pub by: String,
    /// 32 bytes of chance.
    pub seed: Hash,
}

/// Several machines, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeployMany {
    /// Which.
    pub machines: Vec<String>,
    /// With what.
    pub deploy: Deploy,
    /// So many at once.
    pub at_once: u32,
    /// After so many failures nobody else's turn comes; 0 never.
    pub pause_after: u32,
}

impl Engine {
    pub(super) fn deploy(&self, now: Now, named: &str, wish: &Deploy) -> Outcome {
        let machine = self.named(named)?;
        let install = self.install(machine, wish)?;
        let id = self.deployments.next_id();
        let arming = Arming {
            machine: machine.hardware,
            profile: &wish.profile,
            install,
            within: within(wish.within)?,
            by: &wish.by,
            seed: wish.seed,
            batch: None,
        };
        let (armed, changes) = self.arm(now, id, arming)?;
        decided(changes, in_words(machine, &armed))
    }

    pub(super) fn deploy_many(&self, now: Now, wish: DeployMany) -> Outcome {
        let DeployMany { machines, deploy, at_once, pause_after } = wish;
        if machines.is_empty() || machines.len() > BATCH_MAX {
            return refuse(format!("a batch has 1 to {BATCH_MAX} machines"), "");
        }
        if at_once == 0 || at_once > AT_ONCE_MAX {
            return refuse(format!("1 to {AT_ONCE_MAX} machines can be installed at once"), "");
        }
        let mut waiting: Vec<HardwareAddress> = Vec::with_capacity(machines.len());
        let mut install = None;
        let index = self.names();
        for named in &machines {
            let machine = match index.get(named.as_str()) {
                Some(hardware) => self.machines.get(hardware),
                None => self.machine(named),
            };
            let machine = machine.ok_or_else(|| unknown(named))?;
            if self.deployments.of(&machine.hardware).is_some_and(|of| of.install.is_some()) {
                return refuse(
                    format!("{} is being deployed already", machine.shown()),
                    "`bootwright machine cancel` ends that",
                );
            }
            machine.moved(model::life::Move::Arm).map_err(|illegal| Refusal {
                why: format!("{}: {illegal}", machine.shown()),
                hint: Some(illegal.first.to_owned()),
            })?;
            if install.is_none() {
                install = Some(self.install(machine, &deploy)?);
            }
            waiting.push(machine.hardware);
        }
        waiting.sort();
        waiting.dedup();
        let Some(install) = install else { return refuse("no machine was named", "") };
        let many = waiting.len();
        let batch = Batch {
            id: self.deployments.next_batch(),
            profile: deploy.profile.clone(),
            within: within(deploy.within)?,
            at_once,
            pause_after,
            disk: deploy.disk.clone(),
            install,
            waiting,
            turns: Vec::new(),
            paused: false,
            by: deploy.by.clone(),
            begun: now,
            seed: deploy.seed,
        };
        let says = format!(
            "batch b{}: {many} machines get profile {}, {at_once} at once{}; `bootwright deployment \
             show b{}` says how far it is",
            batch.id,
            batch.profile,
            match pause_after {
                0 => String::new(),
                n => format!(", pausing after {n} failures"),
            },
            batch.id
        );
        decided(self.turns(now, &batch).0, says)
    }

    /// The installation that is wished for a machine, checked.
    fn install(&self, machine: &Machine, wish: &Deploy) -> Result<Install, Refusal> {
        let template = self.template_for(&wish.profile)?;
        let disk = self.disk_for(machine, &wish.profile, wish.disk.as_deref())?;
        let private = !wish.secrets.is_empty() && !wish.plain_http;
        if private && self.settings.tls_port.is_none() {
            return Err(Refusal {
                why: format!(
                    "the answer files hold secrets ({}), and there is no HTTPS to give them over",
                    wish.secrets.join(", ")
                ),
                hint: Some(
                    "set tls_port = 443 in [http], then `bootwright tls init` and `bootwright reload`; or \
                     say --plain-http, if whoever can listen on that network may know them"
                        .to_owned(),
                ),
            });
        }
        let orders = self.preview_orders(&machine.hardware, &wish.profile, &disk)?;
        if orders.first().is_none_or(|order| order.print() != wish.tried.0) {
            return Err(Refusal {
                why: "templates, settings or secrets changed while they were being tried"
                    .to_owned(),
                hint: Some("ask again".to_owned()),
            });
        }
        Ok(Install {
            template,
            disk: written(&disk),
            secrets: wish.secrets.clone(),
            plain_http: wish.plain_http,
            confirm: wish.confirm_code.then(Confirm::default),
            power: wish.power,
            before: Before::Approved,
            answer: None,
            report: None,
        })
    }

    /// Every answer file of a profile for a machine, to be tried before it is armed.
    pub fn preview(
        &self,
        named: &str,
        profile: &str,
        disk: Option<&str>,
    ) -> Result<Vec<Order>, Refusal> {
        let machine = self.named(named)?;
        self.template_for(profile)?;
        let disk = self.disk_for(machine, profile, disk)?;
        self.preview_orders(&machine.hardware, profile, &disk)
    }

    /// One template for a machine, whatever its profile is; what is not known of a deployment is made
    /// up.
    pub fn preview_one(&self, named: &str, template: &str) -> Result<Order, Refusal> {
        let machine = self.named(named)?;
        if !self.templates().iter().any(|t| t.name() == template) {
            return Err(Refusal {
                why: format!("there is no template {}", model::text::show(template.as_bytes())),
                hint: Some("`bootwright template list` shows all".to_owned()),
            });
        }
        let profile = machine.profile.as_deref();
        let disk = self
            .disk_for(machine, profile.unwrap_or_default(), None)
            .or_else(|_| self.any_disk())?;
        let image = profile.and_then(|name| self.image_of_profile(name));
        let image = image.map_or(("IMAGE", 0), |image| (image.name.as_str(), image.version));
        let settings = self.settings_of(&machine.hardware, profile);
        let case = self.made_up(machine, (settings, image), &disk);
        let made = answers::Format::of_name(template).and_then(answers::Format::file_name);
        Ok(self.order_of(&case, template, made.unwrap_or(template)))
    }

    pub(crate) fn any_disk(&self) -> Result<TargetDisk, Refusal> {
        TargetDisk::size_bytes(1, 1 << 50)
            .map_err(|wrong| Refusal { why: wrong.to_string(), hint: None })
    }

    fn preview_orders(
        &self,
        machine: &HardwareAddress,
        profile: &str,
        disk: &TargetDisk,
    ) -> Result<Vec<Order>, Refusal> {
        let template = self.template_for(profile)?;
        let known = self.machines.get(machine).ok_or_else(|| unknown(&machine.to_string()))?;
        let image =
            self.image_of_profile(profile).map(|image| (image.name.as_str(), image.version));
        let settings = self.settings_of(machine, Some(profile));
        let case = self.made_up(known, (settings, image.unwrap_or(("", 0))), disk);
        Ok(self.orders(&case, &template))
    }

    /// A deployment that there is not.
    pub(crate) fn made_up<'a>(
        &self,
        machine: &Machine,
        (settings, image): (answers::Settings, (&'a str, u32)),
        disk: &'a TargetDisk,
    ) -> Case<'a> {
        let server = self.server_of(machine);
        let (base, hidden) = (self.http_base(server), crate::script::HIDDEN);
        Case {
            machine: machine.hardware,
            settings,
            image,
            disk,
            id: shown(0),
            server,
            answers: format!("{base}/answer/{hidden}"),
            report: format!("{base}/report/{hidden}"),
            address: None,
            salt: [0; 32],
        }
    }

    /// Our address where a machine was last heard.
    fn server_of(&self, machine: &Machine) -> IpAddr {
        let network = self.network(&machine.link).or_else(|| self.settings.networks.first());
        let network6 = || self.settings.networks6.first().map(|network| network.server.into());
        let server = network.map(|network| network.server.into()).or_else(network6);
        server.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    pub(crate) fn disk_for(
        &self,
        machine: &Machine,
        profile: &str,
        said: Option<&str>,
    ) -> Result<TargetDisk, Refusal> {
        let settings = self.settings_of(&machine.hardware, Some(profile));
        let set = match settings.setting("disk") {
            Some((Setting::Text(text), _)) => Some(text.clone()),
            _ => None,
        };
        let Some(text) = said.map(str::to_owned).or(set) else {
            return Err(Refusal {
                why: format!("which disk of {} may be written to?", machine.shown()),
                hint: Some(
                    "--disk serial:SERIAL, --disk wwn:NAME or --disk size:100G..2T; or a setting \
                     `disk` of the machine or its profile"
                        .to_owned(),
                ),
            });
        };
        TargetDisk::parse(&text).map_err(|wrong| Refusal { why: wrong.to_string(), hint: None })
    }

    pub(super) fn boot_once(
        &self,
        now: Now,
        named: &str,
        (what, time): (&Choice, Duration),
        (by, seed): (&str, Hash),
    ) -> Outcome {
        let machine = self.named(named)?;
        if matches!(machine.life(), model::Life::Blocked | model::Life::Retired) {
            return refuse(
                format!("{} is {}", machine.shown(), machine.life()),
                "`bootwright machine approve` lets it boot",
            );
        }
        if let Some(of) = self.deployments.of(&machine.hardware) {
            return refuse(
                format!("{} has {} already: {}", machine.shown(), of.shown(), of.standing()),
                "`bootwright machine cancel` ends it",
            );
        }
        let (profile, image) = match what {
            Choice::LocalDisk => return refuse("the local disk needs no arming", ""),
            Choice::Profile(name) => (Some(name.clone()), self.image_of_profile(name)),
            Choice::Image(name) => (None, self.image(name, Wanted::default())),
        };
        let Some(image) = image else {
            return refuse(
                "there is no such profile or image",
                "`bootwright profile list` and `bootwright image list` show what there is",
            );
        };
        let boots = Boots { profile, image: image.name.clone(), version: image.version };
        let armed = Deployment::armed(
            (self.deployments.next_id(), seed),
            machine.hardware,
            (boots, None),
            (now, now + within(time)?),
            by.to_owned(),
        );
        let says = in_words(machine, &armed);
        decided(vec![Change::Deployment(armed)], says)
    }

    pub(super) fn cancel(&self, now: Now, named: &str, by: &str) -> Outcome {
        let machine = self.named(named)?;
        let Some(of) = self.deployments.of(&machine.hardware) else {
            return refuse(format!("{} is armed with nothing", machine.shown()), "");
        };
        let begun = matches!(of.state(), State::Begun { .. }) && of.install.is_some();
        let (changes, _) = self.ended(now, of, End::Cancelled { by: by.to_owned() });
        let mut says = format!("deployment {} of {} is cancelled", of.shown(), machine.shown());
        if begun {
            says.push_str(
                "; its installer runs, and what it does to the disk nobody stops from here",
            );
        }
        decided(changes, says)
    }

    pub(super) fn confirm(&self, now: Now, named: &str, code: &str) -> Outcome {
        let machine = self.named(named)?;
        let of = self.deployments.of(&machine.hardware);
        let waits = of.and_then(|of| {
            let install = of.install.as_ref()?;
            install.confirm.filter(|c| c.typed.is_none()).map(|confirm| (of, install, confirm))
        });
        let Some((of, install, confirm)) = waits else {
            return refuse(format!("{} waits for no code", machine.shown()), "");
        };
        if of.holder().is_none() {
            return refuse(
                format!("{} has not come yet, so it shows no code", machine.shown()),
                "start it, and read the code from its screen",
            );
        }
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let right = digits(code) == digits(&self.code_of(of));
        let wrong = confirm.wrong.saturating_add(u8::from(!right));
        if !right && wrong >= WRONG_CODES_MAX {
            let why = format!("{wrong} wrong codes were typed");
            let (changes, _) = self.ended(now, of, End::Frozen { why: why.clone() });
            return decided(changes, format!("wrong code: {} is frozen, {why}", of.shown()));
        }
        let confirm = Confirm { typed: right.then_some(now), wrong };
        let install = Install { confirm: Some(confirm), ..install.clone() };
        let mut next = of.clone();
        next.install = Some(install);
        let says = match right {
            true => format!("the code is right: {} goes on within seconds", machine.shown()),
            false => format!(
                "wrong code; {} more, then the deployment is frozen",
                WRONG_CODES_MAX.saturating_sub(wrong)
            ),
        };
        decided(vec![Change::Deployment(next)], says)
    }

    pub(super) fn pause_batch(&self, now: Now, id: u32, pause: bool) -> Outcome {
        let Some(batch) = self.deployments.batch(id) else {
            return refuse(format!("there is no batch b{id}"), "see `deployment list`");
        };
        let batch = Batch {
            paused: pause,
            // Whoever lets it go on has seen the failures so far.
            pause_after: match pause {
                true => batch.pause_after,
                false => batch.pause_after.saturating_add(match batch.pause_after {
                    0 => 0,
                    _ => self.failures(batch),
                }),
            },
            ..batch.clone()
        };
        let waiting = batch.waiting.len();
        if pause {
            let says = format!("batch b{id} is paused; {waiting} machines wait");
            return decided(vec![Change::Batch(batch)], says);
        }
        decided(self.turns(now, &batch).0, format!("batch b{id} goes on; {waiting} machines wait"))
    }

    pub(super) fn cancel_batch(&self, now: Now, id: u32, by: &str) -> Outcome {
        let Some(batch) = self.deployments.batch(id) else {
            return refuse(format!("there is no batch b{id}"), "see `deployment list`");
        };
        let mut changes = Vec::new();
        let live = batch.turns.iter().filter_map(|(_, id)| self.deployments.get(*id));
        // What is being written to a disk is not stopped from here; what was not begun is.
        let open = live.filter(|of| matches!(of.state(), State::Armed | State::Claimed { .. }));
        let mut many = batch.waiting.len();
        for of in open {
            changes.extend(self.ended(now, of, End::Cancelled { by: by.to_owned() }).0);
            many = many.saturating_add(1);
        }
        changes.push(Change::Batch(Batch { waiting: Vec::new(), ..batch.clone() }));
        decided(changes, format!("batch b{id}: {many} machines are not deployed any more"))
    }

    /// A machine that somebody named.
    pub(crate) fn named(&self, named: &str) -> Result<&Machine, Refusal> {
        self.machine(named).ok_or_else(|| unknown(named))
    }

    /// Machines by name and address, for commands that name many.
    fn names(&self) -> std::collections::BTreeMap<&str, HardwareAddress> {
        let named = self.machines.values();
        named.filter_map(|m| m.name.as_deref().map(|name| (name, m.hardware))).collect()
    }
}

fn unknown(named: &str) -> Refusal {
    Refusal {
        why: format!("no machine is called {}", model::text::show(named.as_bytes())),
        hint: Some("`bootwright machine list` shows who has been seen".to_owned()),
    }
}

fn within(time: Duration) -> Result<Duration, Refusal> {
    if time >= Duration::from_secs(60) && time <= WITHIN_MAX {
        return Ok(time);
    }
    refuse("a machine can be armed for 1 minute to 7 days", "--within 60m")
}

fn in_words(machine: &Machine, armed: &Deployment) -> String {
    let image = format!("{} version {}", armed.boots.image, armed.boots.version);
    let what = match &armed.install {
        Some(install) => format!("one installation of {image} onto the disk {}", install.disk),
        None => format!("{image}, to be booted once"),
    };
    format!("{} is armed with {what}, until {} ({})", machine.shown(), armed.until, armed.shown())
}

/// A disk as [`TargetDisk::parse`] reads it.
pub(crate) fn written(disk: &TargetDisk) -> String {
    match disk {
        TargetDisk::Serial(text) => format!("serial:{text}"),
        TargetDisk::Wwn(text) => format!("wwn:{text}"),
        TargetDisk::SizeBytes { min, max } => format!("size:{min}..{max}"),
    }
}

/// A remark of an operator: lines, but nothing that moves a cursor.
pub(super) fn check_notes(text: &str) -> Result<(), Refusal> {
    if text.len() > 4096 {
        return refuse("notes may have 4096 bytes", "");
    }
    text.lines().try_for_each(|line| check_line("a note", line))
}
