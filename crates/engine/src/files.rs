//! Which bytes a name means, for one asker. The table is here; a file system is never asked.
//!
//! ```text
//! name ─ tftp::names ── one spelling
//!      ─ who ────────── which machine asks
//!      ─ script ─────── boot.ipxe, grub.cfg, pxelinux.cfg: written for that machine
//!      ─ fronts ─────── names of other servers: the same scripts and answers
//!      ─ inventory ──── a machine tells what is in it: filed with it
//!      ─ table ──────── loader/…, image/…, and the names that loaders make up
//! ```

mod callback;
mod fronts;
mod inventory;
mod table;
pub mod target;
mod who;

use crate::deploy::{Claim, Order};
use crate::dhcp::{client_facts, event};
use crate::elsewhere::Inquiry;
use crate::reasons::Reasons;
use crate::script::{Scene, grub, ipxe, pxelinux};
use crate::tftp::names;
use crate::{Answer, Engine, Told};
pub use callback::body_max;
pub use inventory::read_report;
use model::event::Carrier;
use model::image::Content;
use model::image::LoaderKind;
use model::menu::Choice;
use model::network::Mode;
use model::plan::{BootPlan, Decision, Why};
use model::{Change, Client, Happening, HardwareAddress, Network, Now, Seen, Uuid};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use who::Named;

/// `Content-Type` of what we write.
const TEXT: &str = "text/plain";

/// Somebody asks for a file by name.
#[derive(Clone, Debug, PartialEq)]
pub struct FileAsk {
    /// TFTP or HTTP.
    pub by: Carrier,
    /// The name as it was asked, decoded once (HTTP: percent-decoding), without the query.
    pub name: Vec<u8>,
    /// The client's address and port.
    pub from: SocketAddr,
    /// Our address and port that was asked; URLs in scripts point there.
    pub at: SocketAddr,
    /// The interface it came in on.
    pub link: String,
    /// What the asker said of itself in the query of an HTTP request.
    pub says: Asker,
    /// The MAC that the kernel's neighbour table has for `from`, if the edge could look it up.
    pub neighbour: Option<HardwareAddress>,
    /// `User-Agent`, shown.
    pub agent: Option<String>,
    /// What came with a POST; none with GET, HEAD and TFTP. Never longer than [`body_max`] of the name.
    pub body: Option<Vec<u8>>,
    /// Only the head of the answer leaves (HEAD): nobody reads the bytes.
    pub head_only: bool,
}

/// Identity and facts that a script request carries: `?mac=&uuid=&serial=&arch=&platform=&memsize=`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Asker {
    /// `mac`.
    pub mac: Option<HardwareAddress>,
    /// `uuid`.
    pub uuid: Option<Uuid>,
    /// `serial`.
    pub serial: Option<String>,
    /// `arch`: iPXE's `${buildarch}` (`i386`, `x86_64`, `arm64`), or one of our own names.
    pub arch: Option<String>,
    /// `platform`: iPXE's `${platform}` (`pcbios`, `efi`).
    pub platform: Option<String>,
    /// `memsize` in MiB.
    pub memory_mib: Option<u64>,
    /// `entry`: key of the menu entry that was chosen.
    pub entry: Option<String>,
    /// `password` for a locked entry.
    pub password: Option<String>,
}

/// A file that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its bytes.
    pub what: Served,
    /// `Content-Type`, without parameters.
    pub media: &'static str,
    /// The machine it goes to, where that is known.
    pub machine: Option<HardwareAddress>,
    /// Whether the same asker may have it again under this name without asking, as long as no image
    /// changes: a file of a numbered version of an image, of which nothing is to be noted. iPXE
    /// reads a disc by thousands of small ranges.
    pub steady: bool,
    /// Over TFTP, no larger blocks than this, in bytes: this client cannot take them.
    pub blksize_max: Option<u16>,
}

/// Where the bytes are.
#[derive(Clone, Debug, PartialEq)]
pub enum Served {
    /// Written just now.
    Text(String),
    /// In the content store.
    Blob(Content),
    /// An answer file, still to be rendered.
    Answer(Box<Order>),
    /// Nothing yet: another server is to be asked, [`Engine::heard_elsewhere`] told, and the same asked
    /// again.
    Ask(Box<Inquiry>),
}

/// Which loader a configuration is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Ipxe,
    Grub,
    Pxelinux,
}

impl Form {
    fn shown(self) -> &'static str {
        match self {
            Self::Ipxe => "iPXE script",
            Self::Grub => "GRUB configuration",
            Self::Pxelinux => "pxelinux.cfg",
        }
    }
}

/// A name that a loader asks its configuration by, and who that name says it is for.
struct ConfigName {
    form: Form,
    named: Named,
    entry: Option<String>,
}

/// A configuration in the form that is called so, by no name of its own.
fn config_of(form: &str) -> ConfigName {
    let form = match form {
        "grub" => Form::Grub,
        "pxelinux" => Form::Pxelinux,
        _ => Form::Ipxe,
    };
    ConfigName { form, named: Named::Nobody, entry: None }
}

/// `boot.ipxe`, `…/grub.cfg-01-MAC`, `…/pxelinux.cfg/UUID`: whatever prefix is built in.
fn config_name(name: &str) -> Option<ConfigName> {
    let (dir, last) = name.rsplit_once('/').unwrap_or(("", name));
    let lower = last.to_ascii_lowercase();
    let entry = dir.strip_prefix("entry/").map(str::to_owned);
    let of = |form, named| Some(ConfigName { form, named, entry: entry.clone() });
    match lower.as_str() {
        "boot.ipxe" | "menu.ipxe" | "autoexec.ipxe" => of(Form::Ipxe, Named::Nobody),
        "grub.cfg" => of(Form::Grub, Named::Nobody),
        _ if dir == "pxelinux.cfg" || dir.ends_with("/pxelinux.cfg") => {
            of(Form::Pxelinux, Named::read(&lower))
        }
        _ => of(Form::Grub, Named::read(lower.strip_prefix("grub.cfg-")?)),
    }
}

impl Engine {
    /// Finds the bytes for a name, or says why there are none.
    pub fn file(&mut self, now: Now, ask: &FileAsk) -> Told<Found> {
        let told = self.find(now, ask);
        let mut told = self.as_filed(told);
        if let Answer::Reply(found) = &mut told.answer {
            if let (Carrier::Tftp, Some(machine)) = (ask.by, found.machine) {
                found.blksize_max = self.blksize_max(ask, machine);
            }
            found.machine = found.machine.map(|machine| self.filed(&machine));
        }
        told
    }

    fn find(&mut self, now: Now, ask: &FileAsk) -> Told<Found> {
        if !self.serves(&ask.link, ask.from.ip()) {
            return missed(now, ask, None, Why::OutsideServedSubnets, false);
        }
        if self.only_listens_at(ask) {
            return missed(now, ask, None, Why::OnlyListening, false);
        }
        let asked = match names::read(&ask.name) {
            Ok(asked) => asked,
            Err(refused) => {
                let why = missing(&ask.name, Some(refused.to_string()));
                return missed(now, ask, None, why, false);
            }
        };
        if let Some(rest) = asked.name.strip_prefix("answer/") {
            return self.answer(now, ask, rest);
        }
        if let Some(rest) = asked.name.strip_prefix("report/") {
            return self.report(now, ask, rest);
        }
        if let (Some(body), "inventory") = (&ask.body, asked.name.as_str()) {
            return self.take_inventory(now, ask, body);
        }
        if ask.body.is_some() {
            return missed(now, ask, None, missing(&ask.name, None), false);
        }
        if let (Carrier::Http, Some(front)) = (ask.by, fronts::Front::read(&asked.name)) {
            return self.front(now, ask, &front);
        }
        for name in asked.tries() {
            if let Some(config) = config_name(name) {
                return self.configuration(now, ask, &config);
            }
        }
        let machine = self.who(ask, &Named::Nobody);
        let client = machine.map(|hardware| self.client_of(ask, hardware));
        for (tried, name) in asked.tries().enumerate() {
            let Some(found) = self.look_up(now, name, client.as_ref()) else { continue };
            let mut told = self.found(now, ask, name, machine, found);
            if tried > 0 {
                if let Some(hardware) = machine {
                    self.memory.note_seen(&hardware, Seen::RubbishBehindName);
                }
                let text = format!("{}: {}", model::text::show(&ask.name), names::Asked::HINT);
                told.events.push(event(now, machine, &ask.link, Happening::Alarm { text }));
            }
            return told;
        }
        let expected = table::may_be_missing(&asked.name);
        missed(now, ask, machine, missing(&ask.name, self.hint(&asked.name)), expected)
    }

    /// Whether we serve files to this address: it lies in a served subnet, or somebody behind a
    /// relay of ours goes by it, or it is this very machine.
    fn serves(&self, link: &str, from: IpAddr) -> bool {
        let from = match from {
            IpAddr::V4(from) => from,
            IpAddr::V6(from) => return self.serves_over_ipv6(link, from),
        };
        let networks = self.settings.networks.iter().filter(|network| network.interface == link);
        from.is_loopback()
            || networks.clone().any(|network| network.subnet.contains(from))
            || networks.clone().any(|network| !network.relays.is_empty()) && self.heard_of(from)
    }

    fn serves_over_ipv6(&self, link: &str, from: Ipv6Addr) -> bool {
        let mut networks = self.networks6.iter().filter(|network| network.interface == link);
        let leased = || self.leases6.of(from).is_some();
        // From its link-local address nobody asks who is not on this link.
        from.is_loopback()
            || networks.any(|network| {
                from.is_unicast_link_local()
                    || network.subnet.contains(from)
                    || !network.relays.is_empty() && leased()
            })
    }

    fn heard_of(&self, address: std::net::Ipv4Addr) -> bool {
        self.leases.of(address).is_some() || self.memory.at_address(address).is_some()
    }

    /// A boot plan, written for the loader that asks.
    fn configuration(&mut self, now: Now, ask: &FileAsk, config: &ConfigName) -> Told<Found> {
        let Some(hardware) = self.who(ask, &config.named) else {
            return self.introduction(now, ask, config);
        };
        let client = self.client_of(ask, hardware);
        let own = self.speaks_for_itself(ask, &hardware);
        let mut changes = if own { self.learn(&client) } else { Vec::new() };
        if !self.may_keep(&changes) {
            changes.clear();
        }
        let tried = ask.says.password.is_some();
        let ask = &match tried && !self.memory.may_try(now) {
            true => FileAsk { says: Asker { password: None, ..ask.says.clone() }, ..ask.clone() },
            false => ask.clone(),
        };
        for change in &changes {
            self.apply(change);
        }
        if config.form == Form::Ipxe
            && self.settings.boot.ask.is_some()
            && let Decision::Ask { url } = self.decide(now, &client, &mut Reasons::unread())
        {
            let inquiry = Inquiry { ask: ask.clone(), machine: hardware, url };
            let what = Served::Ask(Box::new(inquiry));
            let found = Found {
                what,
                media: TEXT,
                machine: Some(hardware),
                steady: false,
                blksize_max: None,
            };
            return Told { answer: Answer::Reply(found), changes, events: Vec::new() };
        }
        let claim = self.claim(now, ask, &hardware);
        let (claimed, events, stranger) = match claim {
            Claim::Holds(changes, events) => (changes, events, false),
            Claim::Stranger(changes, events) => (changes, events, true),
        };
        if !self.may_keep(&claimed) {
            let why =
                Why::StoreFailed("the disk is full: nothing that is armed is given".to_owned());
            return missed(now, ask, Some(hardware), why, false);
        }
        claimed.iter().for_each(|change| self.apply(change));
        changes.extend(claimed);
        let (text, plan) = match stranger {
            true => self.to_a_stranger(ask, config, &client),
            false => self.written(now, ask, config, &client),
        };
        let what = Happening::Script {
            form: config.form.shown().to_owned(),
            decision: plan.decision.summary(),
            does: Some(plan.decision.does()),
            because: plan.reasons,
        };
        Told {
            answer: Answer::Reply(Found {
                what: Served::Text(text),
                media: TEXT,
                machine: Some(hardware),
                steady: false,
                blksize_max: None,
            }),
            changes,
            events: events
                .into_iter()
                .chain([event(now, Some(hardware), &ask.link, what)])
                .collect(),
        }
    }

    /// What somebody gets who asks for the script of an armed machine and is not that machine.
    fn to_a_stranger(
        &self,
        ask: &FileAsk,
        config: &ConfigName,
        client: &Client,
    ) -> (String, BootPlan) {
        let mut reasons = self.reasons_in_script();
        reasons.note(|| "what is armed for this machine is given to itself only");
        let plan = BootPlan { decision: Decision::LocalDisk, reasons: reasons.into() };
        (self.text_of(ask, config, client, &plan, (true, None)), plan)
    }

    /// The text for a known client, without keeping anything: also what `explain` shows.
    pub(crate) fn script_for(
        &self,
        now: Now,
        ask: &FileAsk,
        form: &str,
        client: &Client,
    ) -> String {
        let config = config_of(form);
        let (plan, allowed) = self.plan_asked(now, ask, &config, client);
        self.text_of(ask, &config, client, &plan, (allowed, None))
    }

    /// The same where the machine is armed, and this is not the machine that its script went to.
    pub(crate) fn to_somebody_else(
        &self,
        ask: &FileAsk,
        form: &str,
        client: &Client,
    ) -> (String, BootPlan) {
        self.to_a_stranger(ask, &config_of(form), client)
    }

    /// A plan that is nobody's yet, as a text.
    pub(crate) fn drafted(
        &self,
        ask: &FileAsk,
        form: &str,
        client: &Client,
        plan: &BootPlan,
    ) -> String {
        self.text_of(ask, &config_of(form), client, plan, (true, None))
    }

    fn written(
        &self,
        now: Now,
        ask: &FileAsk,
        config: &ConfigName,
        client: &Client,
    ) -> (String, BootPlan) {
        let (plan, allowed) = self.plan_asked(now, ask, config, client);
        (self.text_of(ask, config, client, &plan, (allowed, Some(now))), plan)
    }

    /// The plan, or what somebody chose from its menu; and whether he may.
    fn plan_asked(
        &self,
        now: Now,
        ask: &FileAsk,
        config: &ConfigName,
        client: &Client,
    ) -> (BootPlan, bool) {
        match ask.says.entry.as_deref().or(config.entry.as_deref()) {
            Some(key) => self.plan_of_entry(now, client, key, ask.says.password.as_deref()),
            None => (self.plan_in_script(now, client), true),
        }
    }

    /// A plan as a text. With `reveal` it is for the machine itself, at this moment: what an installer
    /// is given by, and the code on its screen, stand in it then.
    fn text_of(
        &self,
        ask: &FileAsk,
        config: &ConfigName,
        client: &Client,
        plan: &BootPlan,
        (allowed, reveal): (bool, Option<Now>),
    ) -> String {
        let server = self.asked_at(ask);
        let http = self.http_base(server);
        let grub = client
            .arch
            .filter(|arch| arch.is_uefi())
            .and_then(|arch| self.loader(LoaderKind::Grub, arch))
            .map(|loader| format!("loader/{}", loader.name));
        let chosen = ask.says.entry.is_some() || config.entry.is_some();
        // That GRUB asks for its configuration like any other, so it must be the disk that it is
        // told; beside another server it would ask that one, and over IPv6 Debian's stops at its prompt.
        let to_disk = matches!(plan.decision, Decision::LocalDisk | Decision::Refused);
        let finds_us = ask.at.is_ipv4() && self.gives_addresses_at(ask);
        let secret = self.told_to(ask, client, plan, reveal);
        let scene = Scene {
            server_name: &self.settings.server_name,
            http: &http,
            server,
            http_port: self.settings.http_port,
            by: ask.by,
            client,
            grub: grub.filter(|_| to_disk && finds_us && !chosen),
            answer: secret.answer.as_deref(),
            code: secret.code.as_deref(),
        };
        match config.form {
            _ if !allowed && config.form != Form::Ipxe => {
                "echo 'Bootwright: this entry asks for a password.'\nsleep 10\n".to_owned()
            }
            Form::Ipxe if !allowed => ipxe::wrong_password(&scene),
            Form::Ipxe => ipxe::write(&scene, plan),
            Form::Grub => grub::write(&scene, plan),
            Form::Pxelinux => pxelinux::write(&scene, plan),
        }
    }

    /// The plan when somebody chose a menu entry. Only a machine that is shown the menu may choose.
    fn plan_of_entry(
        &self,
        now: Now,
        client: &Client,
        key: &str,
        password: Option<&str>,
    ) -> (BootPlan, bool) {
        let plan = self.plan_in_script(now, client);
        let Decision::Menu(menu) = &plan.decision else { return (plan, true) };
        let Some((entry, boot)) = menu.entries.iter().find(|(entry, _)| entry.key == key) else {
            return (plan, true);
        };
        let open = !entry.locked
            || menu
                .password
                .as_ref()
                .zip(password)
                .is_some_and(|(kept, given)| crate::password::verify(kept, given));
        let decision = match (boot, &entry.choice) {
            (Some(boot), _) => Decision::Boot(boot.clone()),
            (None, Choice::LocalDisk) => Decision::LocalDisk,
            (None, _) => return (plan, true),
        };
        let mut reasons = self.reasons_in_script();
        reasons.note(|| format!("somebody chose the menu entry {key}"));
        reasons.say(|| plan.reasons);
        (BootPlan { decision, reasons: reasons.into() }, open)
    }

    /// Nobody knows who asks: let it say.
    fn introduction(&self, now: Now, ask: &FileAsk, config: &ConfigName) -> Told<Found> {
        let server = self.asked_at(ask);
        let of = |link: &str| {
            let mut links = self.networks.iter().map(|network| &network.interface);
            let mut links6 = self.networks6.iter().map(|network| &network.interface);
            links.any(|name| name == link) || links6.any(|name| name == link)
        };
        if server.is_unspecified() || !of(&ask.link) {
            return missed(now, ask, None, Why::NotServed(ask.link.clone()), false);
        }
        let http = self.http_base(server);
        let client = Client::unknown(&ask.link, HardwareAddress::new(1, &[]));
        let scene = Scene {
            server_name: &self.settings.server_name,
            http: &http,
            server,
            http_port: self.settings.http_port,
            by: ask.by,
            client: &client,
            grub: None,
            answer: None,
            code: None,
        };
        let text = match (config.form, &config.named) {
            (Form::Ipxe, _) => ipxe::introduce(&http),
            (Form::Grub, Named::Nobody) => grub::introduce(&scene),
            // PXELINUX goes on to its next name; a named machine that does not exist is a miss.
            _ => return missed(now, ask, None, missing(&ask.name, None), true),
        };
        let what = Served::Text(text);
        let found = Found { what, media: TEXT, machine: None, steady: false, blksize_max: None };
        Told { answer: Answer::Reply(found), changes: Vec::new(), events: Vec::new() }
    }

    /// What a script request told of the machine (serial, memory), kept.
    fn learn(&self, client: &Client) -> Vec<Change> {
        let Some(known) = self.machines.get(&client.hardware) else { return Vec::new() };
        let mut machine = known.clone();
        client_facts(&mut machine, client);
        if machine == *known { Vec::new() } else { vec![Change::Machine(machine)] }
    }

    fn found(
        &mut self,
        now: Now,
        ask: &FileAsk,
        name: &str,
        machine: Option<HardwareAddress>,
        found: table::Entry,
    ) -> Told<Found> {
        let (mut changes, mut events) = (Vec::new(), Vec::new());
        if let (true, Some(hardware)) = (found.first_stage, machine) {
            let dir = name.rsplit_once('/').map_or("", |(dir, _)| dir);
            // EDK2 asks twice for each file: once for its size.
            if self.memory.note_loader(now, &hardware, dir) == LOOPING {
                let text = format!(
                    "{hardware} fetched a bootloader {} times in a minute and comes back each time: \
                     its firmware refuses it (Secure Boot?) or it loads itself; \
                     see `bootwright explain {hardware}`",
                    LOOPING / 2
                );
                events.push(event(now, machine, &ask.link, Happening::Alarm { text }));
            }
        }
        let what = match found.what {
            table::What::Bytes(content) => {
                if let Some(hardware) = machine {
                    let begun = self.begin_once(now, (&hardware, ask.from.ip()), name);
                    changes = begun.changes;
                    events.extend(begun.events);
                }
                Served::Blob(content)
            }
            table::What::Text(text, (image, version)) => {
                let client = match machine {
                    Some(hardware) => self.client_of(ask, hardware),
                    None => Client::unknown(&ask.link, HardwareAddress::new(1, &[])),
                };
                let http = self.http_base(self.asked_at(ask));
                let argument = self.argument_in_text(now, ask, &client, (&image, version));
                let text = text.replace("{ANSWER}", argument.as_deref().unwrap_or_default());
                Served::Text(crate::script::fill(&text, &http, (&image, version), &client, None))
            }
        };
        Told {
            answer: Answer::Reply(Found {
                what,
                media: table::media(name),
                machine,
                steady: found.steady,
                blksize_max: None,
            }),
            changes,
            events,
        }
    }

    /// The address of ours that URLs for this asker point to.
    ///
    /// It is the one that was asked: whoever came by IPv6 goes on over IPv6.
    pub(crate) fn asked_at(&self, ask: &FileAsk) -> IpAddr {
        let network6 = || self.networks6.iter().find(|n| n.interface == ask.link);
        match ask.at.ip() {
            at if !at.is_unspecified() => at,
            IpAddr::V6(at) => network6().map_or(at, |network| network.server).into(),
            IpAddr::V4(at) => self.network_at(ask).map_or(at, |network| network.server).into(),
        }
    }

    /// Whether its machines get their addresses from us where an ask came in.
    fn gives_addresses_at(&self, ask: &FileAsk) -> bool {
        match ask.at.ip() {
            IpAddr::V4(_) => self.network_at(ask).is_some_and(|n| n.mode == Mode::Dhcp),
            IpAddr::V6(_) => {
                self.networks6.iter().any(|n| n.interface == ask.link && !n.only_listens())
            }
        }
    }

    /// Whether nobody is to get anything where an ask came in.
    fn only_listens_at(&self, ask: &FileAsk) -> bool {
        match ask.at.ip() {
            IpAddr::V4(_) => self.network_at(ask).is_some_and(|n| n.mode == Mode::Listen),
            IpAddr::V6(_) => self.only_listens6(&ask.link),
        }
    }

    /// The IPv4 network an ask came in on.
    fn network_at(&self, ask: &FileAsk) -> Option<&Network> {
        if ask.at.is_ipv6() {
            return None;
        }
        let mut on_link = self.settings.networks.iter().filter(|n| n.interface == ask.link);
        let at = on_link.clone().find(|n| IpAddr::V4(n.server) == ask.at.ip());
        at.or_else(|| on_link.next())
    }
}

/// Whether an HTTP client that gets no file should come again: 503 instead of 404.
#[must_use]
pub fn is_for_later(why: &Why) -> bool {
    matches!(why, Why::StoreFailed(_) | Why::TooMany(_))
}

/// Asks for a loader in a minute that no healthy boot makes: three boots of two asks each.
const LOOPING: usize = 8;

fn missed(
    now: Now,
    ask: &FileAsk,
    machine: Option<HardwareAddress>,
    why: Why,
    expected: bool,
) -> Told<Found> {
    let what = Happening::FileMissed { by: ask.by, why: why.clone(), expected };
    Told {
        answer: Answer::Silence(why),
        changes: Vec::new(),
        events: vec![event(now, machine, &ask.link, what)],
    }
}

/// A name that is not in the table.
fn missing(name: &[u8], hint: Option<String>) -> Why {
    Why::NoSuchFile { name: model::text::show(name), hint }
}
