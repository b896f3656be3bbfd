//! What would be if a profile, a template or a menu were as somebody has it before him: drafts, looked at by
//! the code that serves the real ones. What rules would do is in [`crate::boot`].
//!
//! In: a draft, and whom to try it on. Out: what that machine would get of it. Never: a change, and never a
//! secret's text.

use crate::deploy::stem;
use crate::explain::{Imagined, Question};
use crate::script::{Line, args, menu_lines};
use crate::{Engine, Order, Refusal};
use answers::{AnswerError, Origin, TargetDisk, Template};
use model::client::{Arch, Stage};
use model::menu::{Entry, Menu};
use model::plan::{BootPlan, Decision, Reason};
use model::rule::Profile;
use model::setting::{Layer, Setting};
use model::{Client, Firmware, Machine, Now};

/// Answer files that are made of one profile at a time.
const ORDERS_MAX: usize = 16;

/// A setting with every layer that says something of it; the last one holds.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingSeen {
    /// Its name.
    pub name: String,
    /// Where it is said, and what.
    pub layers: Vec<(Origin, Setting)>,
}

/// What a machine would boot by a profile.
#[derive(Clone, Debug, PartialEq)]
pub struct BootSeen {
    /// What it is, in words.
    pub title: String,
    /// The version of the image.
    pub version: u32,
    /// Path of the kernel.
    pub kernel: String,
    /// Paths of the initrds.
    pub initrds: Vec<String>,
    /// The kernel's arguments.
    pub args: String,
    /// What is worth saying of it.
    pub notes: Vec<Reason>,
    /// What reads the script: `ipxe`, `grub` or `pxelinux`.
    pub form: &'static str,
    /// The text that it gets.
    pub script: String,
}

/// What a machine would get by a profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileSeen {
    /// Whom it was tried on.
    pub on: Client,
    /// What that was taken to be.
    pub taken_as: String,
    /// What it would boot, or why that cannot be.
    pub boot: Result<BootSeen, String>,
    /// What its templates would be told.
    pub settings: Vec<SettingSeen>,
    /// Its answer files, not rendered yet.
    pub orders: Vec<Order>,
}

/// A menu on a machine's screen.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuSeen {
    /// What the machine was taken to be.
    pub taken_as: String,
    /// What draws it: `ipxe`, `grub` or `pxelinux`.
    pub form: &'static str,
    /// What stands above it.
    pub title: String,
    /// Line by line.
    pub lines: Vec<Line>,
    /// Key of the entry taken by itself.
    pub default: String,
    /// Seconds until then; 0 waits for ever.
    pub wait_s: u64,
    /// Entries that cannot be booted there, with the reason.
    pub left_out: Vec<(Entry, String)>,
    /// The text that draws it.
    pub script: String,
    /// What the machine gets as things stand.
    pub plan: BootPlan,
}

/// A template as it is written, or what is wrong with it before any machine is asked about.
pub fn read_template(draft: &model::template::Template) -> Result<Template, AnswerError> {
    let format = draft.format.parse().map_err(|wrong| AnswerError {
        template: model::text::show(draft.name.as_bytes()),
        line: None,
        column: None,
        why: answers::Why::Refused(wrong),
    })?;
    let template = Template::new(&draft.name, format, &draft.text)?;
    answers::check(&template)?;
    Ok(template)
}

impl Engine {
    /// Whom a draft is tried on. Who was never heard is taken to be an x64 UEFI machine that boots by PXE.
    fn tried_on(&self, question: &Question) -> Result<Imagined, Refusal> {
        let mut imagined = self.imagine(question)?;
        let client = &mut imagined.client;
        if client.arch.is_none() && client.firmware == Firmware::None {
            (client.arch, client.firmware) = (Some(Arch::X64Uefi), Firmware::Pxe);
            client.stage = Stage::Firmware;
        }
        Ok(imagined)
    }

    /// What a machine would get by this profile.
    pub fn preview_profile(
        &self,
        profile: &Profile,
        question: &Question,
    ) -> Result<ProfileSeen, Refusal> {
        let imagined = self.tried_on(question)?;
        let boot = self.boot_seen(profile, &imagined);
        let client = imagined.client.clone();
        let settings = self.settings_seen(&client, &profile.settings);
        let known = self.machine(&question.machine);
        let orders = known.map(|machine| self.drafted_orders(machine, profile)).transpose()?;
        Ok(ProfileSeen {
            taken_as: imagined.taken_as(),
            on: client,
            boot,
            settings,
            orders: orders.unwrap_or_default(),
        })
    }

    fn boot_seen(
        &self,
        profile: &Profile,
        Imagined { client, place, .. }: &Imagined,
    ) -> Result<BootSeen, String> {
        let boot = self.boot_of_profile(client, profile)?;
        let reasons = vec![Reason::OwnProfile(profile.name.clone())];
        let plan = BootPlan { decision: Decision::Boot(boot.clone()), reasons };
        let mut notes = Vec::new();
        // Without a bootloader the rest is still worth seeing.
        let first = match self.first_file_at(client, &plan, place) {
            Ok(first) => first.path,
            Err(why) => {
                notes.push(Reason::NoFile(why));
                String::new()
            }
        };
        let (form, ask) = self.asks_then(client, place, &first);
        let http = self.http_base(place.server());
        notes.extend(self.little_memory(client, &boot));
        notes.extend(self.memory_of(&boot));
        notes.extend(self.trusted(client, &boot, form == "grub"));
        Ok(BootSeen {
            args: args(&boot, client, &http, None),
            script: self.drafted(&ask, form, client, &plan),
            title: boot.title,
            version: boot.version,
            kernel: boot.kernel,
            initrds: boot.initrds,
            notes,
            form,
        })
    }

    fn settings_seen(&self, client: &Client, profile: &Layer) -> Vec<SettingSeen> {
        let layers = self.layers(&client.hardware, profile);
        let origins = [Origin::Defaults, Origin::Profile, Origin::Machine];
        let mut names: Vec<&String> = layers.iter().flat_map(Layer::keys).collect();
        names.sort();
        names.dedup();
        let seen = |name: &String| {
            let said = origins.into_iter().zip(&layers);
            let said = said.filter_map(|(origin, layer)| Some((origin, layer.get(name)?.clone())));
            SettingSeen { name: name.clone(), layers: said.collect() }
        };
        names.into_iter().map(seen).collect()
    }

    /// The answer files that the templates of a profile would make for a machine.
    fn drafted_orders(&self, machine: &Machine, profile: &Profile) -> Result<Vec<Order>, Refusal> {
        let Some(template) = &profile.template else { return Ok(Vec::new()) };
        let mut orders =
            self.orders_for(machine, profile, |case, engine| engine.orders(case, template))?;
        orders.truncate(ORDERS_MAX);
        Ok(orders)
    }

    fn orders_for<R>(
        &self,
        machine: &Machine,
        profile: &Profile,
        make: impl FnOnce(&crate::deploy::Case<'_>, &Self) -> R,
    ) -> Result<R, Refusal> {
        let [everybody, of_profile, own] = self.layers(&machine.hardware, &profile.settings);
        let settings = answers::Settings::layered(&everybody, &of_profile, &own);
        let disk = match settings.setting("disk") {
            Some((Setting::Text(text), _)) => TargetDisk::parse(text)
                .map_err(|wrong| Refusal { why: format!("setting disk: {wrong}"), hint: None })?,
            _ => self.any_disk()?,
        };
        let image = self.image(&profile.image, profile.wanted());
        let image = image.map_or(("IMAGE", 0), |image| (image.name.as_str(), image.version));
        let case = self.made_up(machine, (settings, image), &disk);
        Ok(make(&case, self))
    }

    /// The answer file that a template would make for a machine, with a profile: the one that is named, else
    /// the machine's own, else the first that uses the template.
    pub fn preview_template(
        &self,
        draft: Template,
        machine: &str,
        profile: Option<&str>,
    ) -> Result<(Order, Option<String>), Refusal> {
        let machine = self.named(machine)?;
        let named = match profile {
            Some(name) => Some(self.profiles.get(name).ok_or_else(|| Refusal {
                why: format!("there is no profile {}", model::text::show(name.as_bytes())),
                hint: Some("see `profile list`".to_owned()),
            })?),
            None => None,
        };
        let of_template = |p: &&Profile| p.template.as_deref() == Some(stem(draft.name()));
        let own = machine.profile.as_ref().and_then(|name| self.profiles.get(name));
        let profile = named.or(own).or_else(|| self.profiles.values().find(of_template));
        let nobody = Profile {
            name: String::new(),
            image: String::new(),
            version: None,
            channel: Default::default(),
            args: String::new(),
            template: None,
            settings: Layer::new(),
        };
        let file = draft.format().file_name().unwrap_or(draft.name()).to_owned();
        let order = self.orders_for(machine, profile.unwrap_or(&nobody), |case, engine| {
            engine.order_of(case, draft.name(), &file)
        })?;
        Ok((order.with(draft), profile.map(|profile| profile.name.clone())))
    }

    /// A menu as a machine would show it.
    pub fn preview_menu(
        &self,
        now: Now,
        menu: Menu,
        question: &Question,
    ) -> Result<MenuSeen, Refusal> {
        let imagined = self.tried_on(question)?;
        let (client, place) = (&imagined.client, &imagined.place);
        let (shown, left_out) = self.menu_for(client, menu);
        let reasons = Vec::new();
        let drawn = BootPlan { decision: Decision::Menu(shown.clone()), reasons };
        let first = self.first_file_at(client, &drawn, place);
        let path = first.map(|first| first.path).unwrap_or_default();
        let (form, ask) = self.asks_then(client, place, &path);
        Ok(MenuSeen {
            taken_as: imagined.taken_as(),
            form,
            title: crate::script::menu_title(&self.settings.server_name, form),
            lines: menu_lines(&shown, form),
            default: shown.default,
            wait_s: shown.wait_s,
            left_out,
            script: self.drafted(&ask, form, client, &drawn),
            plan: self.plan(now, client),
        })
    }
}
