//! What an armed machine boots, and to whom its script is given: to the first who asks with its
//! identity, and to nobody else.

use super::order::{format_of, is_directory};
use super::{alarm, told};
use crate::boot::{boot_of_image, join_args};
use crate::files::FileAsk;
use crate::reasons::Reasons;
use crate::{Engine, script};
use model::client::Stage;
use model::deployment::{Boots, Confirm, Deployment, End, Install, State, Step};
use model::image::{Hash, Wanted};
use model::network::HttpBoot;
use model::plan::{Boot, BootPlan, Decision, Reason};
use model::{Change, Client, Event, HardwareAddress, Image, Now};
use std::net::IpAddr;
use std::time::Duration;

/// How long after something was booted once its script is given again, should the boot have broken
/// off: a firmware that starts anew says so and ends it at once.
pub(super) const ONCE_MORE: Duration = Duration::from_secs(120);

/// What comes of asking for the script of a machine.
#[derive(Debug)]
pub(crate) enum Claim {
    /// The machine's plan holds, after these changes.
    Holds(Vec<Change>, Vec<Event>),
    /// The plan holds for the machine, and whoever asked is not it.
    Stranger(Vec<Change>, Vec<Event>),
}

/// What only a machine itself is told.
pub(crate) struct Private {
    pub(crate) answer: Option<String>,
    pub(crate) code: Option<String>,
}

impl Engine {
    /// What a machine boots because it is armed with it; nothing if it is not.
    pub(crate) fn armed_with(
        &self,
        now: Now,
        client: &Client,
        reasons: &mut Reasons,
    ) -> Option<Decision> {
        let of = self.deployment_of(&client.hardware)?;
        if self.deployments.is_open(now, of) {
            return Some(self.decide_armed(client, of, reasons));
        }
        match (&of.install, of.state()) {
            (None, State::Begun { at })
                if client.stage != Stage::Firmware && now.since(*at) < ONCE_MORE =>
            {
                Some(self.decide_armed(client, of, reasons))
            }
            (None, _) => None,
            (Some(_), _) => {
                reasons.say(|| [Reason::Spent { deployment: of.shown(), standing: of.standing() }]);
                Some(Decision::LocalDisk)
            }
        }
    }

    fn decide_armed(&self, client: &Client, of: &Deployment, reasons: &mut Reasons) -> Decision {
        reasons.say(|| {
            let what = match &of.install {
                Some(install) => format!("one installation, onto {}", install.disk),
                None => "something to boot once".to_owned(),
            };
            let by = format!("by {}, until {}", of.by, of.until);
            [Reason::Armed { deployment: of.shown(), what, by }]
        });
        let confirm = of.install.as_ref().and_then(|install| install.confirm);
        if matches!(confirm, Some(Confirm { typed: None, .. })) {
            return Decision::Confirm;
        }
        let boot = self.boot_of(client, of);
        self.boot_or_disk(client, boot, || of.boots.image.clone(), reasons)
    }

    pub(super) fn boot_of(&self, client: &Client, of: &Deployment) -> Result<Boot, String> {
        let Boots { profile, image, version } = &of.boots;
        let found = self.image(image, Wanted::Version(*version)).ok_or_else(|| {
            format!("version {version} of image {image}, with which it was armed, is gone")
        })?;
        let mut boot = boot_of_image(client, found)?;
        boot.deployment = Some(of.id);
        boot.profile.clone_from(profile);
        let profile = profile.as_ref().and_then(|name| self.profiles.get(name));
        if let Some(profile) = profile {
            boot.args = join_args(&boot.args, &profile.args);
        }
        if of.install.is_some() {
            boot.args = join_args(&boot.args, &self.install_args(client, found));
        }
        Ok(boot)
    }

    /// The arguments by which an installer finds its answers.
    fn install_args(&self, client: &Client, image: &Image) -> String {
        let Some(way) = &image.recipe.answer else { return String::new() };
        // A text of the image has the argument in it, where the kernel does not.
        if image.recipe.texts.iter().any(|text| text.text.contains("{ANSWER}")) {
            return String::new();
        }
        let mut args = way.argument.clone();
        let machine = self.machines.get(&client.hardware);
        let name = machine.and_then(|machine| machine.name.as_ref());
        if let (true, Some(name)) = (image.recipe.kind == "debian-di", name) {
            // It asks for its name before it has the answer file.
            let domain = self.domain_on(&client.link).unwrap_or_default();
            args = format!("{args} hostname={name} domain={domain}");
        }
        args
    }

    /// Somebody asks for the script of a machine that may be armed. The first gets it; anybody else
    /// freezes an installation that was given out already.
    pub(crate) fn claim(&self, now: Now, ask: &FileAsk, machine: &HardwareAddress) -> Claim {
        let nothing = Claim::Holds(Vec::new(), Vec::new());
        let Some(of) = self.deployment_of(machine).filter(|of| self.deployments.is_open(now, of))
        else {
            return nothing;
        };
        let from = ask.from.ip();
        match of.holder() {
            Some(_) if self.has_the_script(now, of, ask) => nothing,
            Some(holder) => self.second_asker(now, ask, of, holder.to_string()),
            None => match self.somebody_else(ask, machine) {
                Some(other) => {
                    let text = format!(
                        "{from}, which is {other}, asked for the script of {machine}, which is armed \
                         with deployment {}; it was given nothing\nhint: find out who that is; \
                         `bootwright machine cancel {machine}` disarms",
                        of.shown()
                    );
                    Claim::Stranger(Vec::new(), vec![alarm(now, *machine, text)])
                }
                None => self.first_asker(now, ask, of),
            },
        }
    }

    /// Whose the address is from which somebody asks, if that is known and it is not this machine's.
    fn somebody_else(&self, ask: &FileAsk, machine: &HardwareAddress) -> Option<HardwareAddress> {
        self.by_address(ask).filter(|other| self.filed(other) != self.filed(machine))
    }

    fn first_asker(&self, now: Now, ask: &FileAsk, of: &Deployment) -> Claim {
        let Some(mut next) = of.after(now, Step::Claim(ask.from.ip())) else {
            return Claim::Stranger(Vec::new(), Vec::new());
        };
        let answer = self.answer_token(&next).map(|token| Hash(token.hash()));
        let report = Hash(self.report_token(&next).hash());
        if let Some(install) = &mut next.install {
            (install.answer, install.report) = (answer, Some(report));
        }
        let says = format!("its script goes to {}", ask.from.ip());
        let event = told(now, &next, "claimed", &says);
        Claim::Holds(vec![Change::Deployment(next)], vec![event])
    }

    fn second_asker(&self, now: Now, ask: &FileAsk, of: &Deployment, holder: String) -> Claim {
        let from = ask.from.ip();
        if of.install.is_none() {
            return Claim::Stranger(Vec::new(), Vec::new());
        }
        let why = format!("{from} asked for the script that {holder} has");
        let (changes, mut events) = self.ended(now, of, End::Frozen { why: why.clone() });
        events.push(alarm(now, of.machine, frozen(of, &why)));
        Claim::Stranger(changes, events)
    }

    /// What only the machine itself is told: the URL of its answers, the code on its screen. Where it
    /// does not ask itself, words stand in their place.
    pub(crate) fn told_to(
        &self,
        ask: &FileAsk,
        client: &Client,
        plan: &BootPlan,
        reveal: Option<Now>,
    ) -> Private {
        let of = self.deployment_of(&client.hardware);
        let own = reveal.and_then(|now| of.filter(|of| self.has_the_script(now, of, ask)));
        let code = own.filter(|_| plan.decision == Decision::Confirm).map(|of| self.code_of(of));
        let Decision::Boot(boot) = &plan.decision else { return Private { answer: None, code } };
        let token = own.and_then(|of| self.answer_token(of));
        let token = token.as_ref().map(vault::Token::reveal);
        Private { answer: self.answer_of(boot, self.asked_at(ask), token), code }
    }

    /// What `explain` shows in the place of a URL with a token.
    pub(crate) fn answer_shown(&self, boot: &Boot, server: IpAddr) -> Option<String> {
        self.answer_of(boot, server, None)
    }

    fn answer_of(&self, boot: &Boot, server: IpAddr, token: Option<&str>) -> Option<String> {
        let of = self.deployments.get(boot.deployment?)?;
        Some(self.answer_url(of, of.install.as_ref()?, server, token))
    }

    /// The argument that a text of an image has for its answers (`{ANSWER}`), for the machine itself.
    pub(crate) fn argument_in_text(
        &self,
        now: Now,
        ask: &FileAsk,
        client: &Client,
        (name, version): (&str, u32),
    ) -> Option<String> {
        let of = self.deployment_of(&client.hardware)?;
        let its = self.has_the_script(now, of, ask) && self.deployments.is_open(now, of);
        let same = of.boots.image == name && of.boots.version == version;
        let install = of.install.as_ref().filter(|_| its && same)?;
        let way = self.image(name, Wanted::Version(version))?.recipe.answer.as_ref()?;
        let token = self.answer_token(of)?;
        let url = self.answer_url(of, install, self.asked_at(ask), Some(token.reveal()));
        Some(way.argument.replace("{A}", &url))
    }

    /// The URL that stands for `{A}` on the kernel's line of this deployment. Without a token it shows
    /// where one will be.
    pub(crate) fn answer_url(
        &self,
        of: &Deployment,
        install: &Install,
        server: IpAddr,
        token: Option<&str>,
    ) -> String {
        let base = self.answers_base(install, server);
        let dir = format!("{base}/answer/{}", token.unwrap_or(script::HIDDEN));
        let way = self.way_of(of).unwrap_or_default();
        match format_of(&way).and_then(answers::Format::file_name) {
            Some(file) if !is_directory(&way) => format!("{dir}/{file}"),
            _ => dir,
        }
    }

    /// The file that the installer of a deployment asks for, if it asks for one.
    pub(super) fn file_of(&self, of: &Deployment) -> Option<&'static str> {
        format_of(&self.way_of(of)?)?.file_name()
    }

    /// How the image of a deployment takes its answers.
    fn way_of(&self, of: &Deployment) -> Option<String> {
        let image = self.image(&of.boots.image, Wanted::Version(of.boots.version))?;
        image.recipe.answer.as_ref().map(|way| way.format.clone())
    }

    /// Where answer files are fetched: over TLS when there are secrets in them, unless an operator
    /// said otherwise for this one.
    pub(crate) fn answers_base(&self, install: &Install, server: IpAddr) -> String {
        let private = !install.secrets.is_empty() && !install.plain_http;
        self.base_for(if private { HttpBoot::Https } else { HttpBoot::Http }, server)
    }
}

/// What an operator reads when a deployment was frozen.
pub(super) fn frozen(of: &Deployment, why: &str) -> String {
    format!(
        "deployment {} of {} is frozen: {why}. Somebody may pretend to be this machine, or another \
         DHCP server gave it a second address\nhint: look at `bootwright deployment show {}`, then \
         `bootwright machine deploy` arms it anew",
        of.shown(),
        of.machine,
        of.shown()
    )
}
