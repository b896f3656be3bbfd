//! What is known before anything happens.

use crate::sim::content::Label;
use crate::sim::foreign::Foreign;
use crate::sim::net::Weather;
use crate::sim::server::{Send, Server};
use crate::sim::way::Barrier;
use crate::sim::world::{BEGINNING_MS, World};
use engine::state::Unknown;
use engine::{BootDefaults, Command, Engine, Settings};
use model::Life;
use model::image::{AnswerWay, Assets, LoaderKind, Recipe, SignedChain, Wanted};
use model::lease::ReservedFor;
use model::menu::{Choice, Entry, Menu, PasswordHash};
use model::network::{Mode, Option82, PxeReply};
use model::rule::{Condition, Profile};
use model::{Arch, Asset, Channel, Image, Loader, Network, Now, Reservation};
use std::net::Ipv4Addr;
use wire::dhcp4::{Message, code};

/// The bootloaders of a usual installation, without Secure Boot.
const USUAL: &[(&str, LoaderKind, Arch)] = &[
    ("undionly.kpxe", LoaderKind::Undionly, Arch::X86Bios),
    ("snponly-x64.efi", LoaderKind::Snponly, Arch::X64Uefi),
    ("ipxe-x64.efi", LoaderKind::Ipxe, Arch::X64Uefi),
    ("snponly-ia32.efi", LoaderKind::Snponly, Arch::Ia32Uefi),
    ("snponly-arm64.efi", LoaderKind::Snponly, Arch::Arm64Uefi),
];
/// A distribution's shim and GRUB.
const SIGNED: &[(&str, LoaderKind, Arch)] = &[
    ("shimx64.efi", LoaderKind::Shim, Arch::X64Uefi),
    ("grubx64.efi", LoaderKind::Grub, Arch::X64Uefi),
    ("shimaa64.efi", LoaderKind::Shim, Arch::Arm64Uefi),
    ("grubaa64.efi", LoaderKind::Grub, Arch::Arm64Uefi),
];

/// Words by name: `mode dhcp subnet 10.0.0.0/24`.
pub(super) struct Pairs<'a>(Vec<&'a str>);

impl<'a> Pairs<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text.split_whitespace().collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let at = self.0.iter().position(|word| *word == name)?;
        self.0.get(at + 1).copied()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    pub(super) fn read<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        self.get(name).map(|v| v.parse().map_err(|_| format!("`{v}` is no {name}"))).transpose()
    }
}

/// A world from its sentences.
pub(super) fn world(given: &[String]) -> Result<World, String> {
    let (mut weather, mut seed) = (Weather::default(), 1);
    let mut settings = Settings {
        server_name: "lab".into(),
        networks: Vec::new(),
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: engine::state::LEASE_HISTORY,
        boot: BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    };
    for line in given {
        let pairs = Pairs::new(line);
        match line.split(' ').next().unwrap_or_default() {
            "network" => settings.networks.push(network(line)?),
            "weather" => {
                let of = |name: &str, usual: u64| {
                    let digits = |v: &str| v.trim_end_matches(['%', 'm', 's']).parse().ok();
                    pairs.get(name).and_then(digits).unwrap_or(usual)
                };
                weather = Weather {
                    loss: of("loss", 0),
                    copies: of("copies", 0),
                    disorder: of("disorder", 0),
                    delay_ms: of("delay", 1),
                    jitter_ms: of("jitter", 0),
                };
                seed = of("seed", 1);
            }
            "http" => settings.http_port = pairs.read("port")?.unwrap_or(80),
            "https" => settings.tls_port = pairs.read("port")?,
            "unknown" => settings.boot.unknown = unknown(pairs.get("get"))?,
            "approved" => settings.boot.approved = unknown(pairs.get("get"))?,
            _ => {}
        }
    }
    let mut world = World::new(seed, weather, Server::new(Engine::new(settings)));
    let own_loaders =
        given.iter().any(|line| line.starts_with("loader") || line.starts_with("no loaders"));
    if !own_loaders {
        loaders(&mut world, USUAL)?;
    }
    for line in given {
        sentence(&mut world, line)?;
    }
    Ok(world)
}

fn unknown(word: Option<&str>) -> Result<Unknown, String> {
    let all = [Unknown::Menu, Unknown::Pending, Unknown::LocalDisk, Unknown::Silent];
    let found = all.into_iter().find(|u| Some(u.name()) == word);
    found.ok_or_else(|| format!("machines cannot get {word:?}"))
}

pub(super) fn network(line: &str) -> Result<Network, String> {
    let pairs = Pairs::new(line);
    let need = |what: &str| format!("a network needs {what}: {line}");
    let list = |name: &str| -> Vec<Ipv4Addr> {
        pairs
            .get(name)
            .map(|l| l.split(',').filter_map(|a| a.parse().ok()).collect())
            .unwrap_or_default()
    };
    let pools = pairs.get("pool").map(|p| p.split(',').map(str::parse).collect());
    let lease = pairs.get("lease").map(model::time::parse_duration).transpose()?;
    let plain = Network::new(
        pairs.get("network").ok_or_else(|| need("a name"))?,
        pairs.read::<Mode>("mode")?.ok_or_else(|| need("a mode"))?,
        pairs.read("server")?.unwrap_or(Ipv4Addr::new(10, 0, 0, 1)),
        pairs.get("subnet").unwrap_or("10.0.0.0/24").parse()?,
    );
    let plain = address_service(&pairs, line, plain)?;
    Ok(Network {
        pools: pools.transpose()?.unwrap_or_default(),
        router: pairs.read("router")?,
        dns: list("dns"),
        domain: pairs.get("domain").map(str::to_owned),
        lease: lease.unwrap_or(Some(std::time::Duration::from_secs(43_200))),
        relays: list("relays"),
        authoritative: pairs.get("authoritative") != Some("no"),
        pxe_reply: if pairs.get("pxe-reply") == Some("plain") {
            PxeReply::Plain
        } else {
            PxeReply::Full
        },
        ..plain
    })
}

/// `others=10.0.0.2,10.0.0.3 listen-as=dhcp shared=office lease-min=5m rapid-commit=yes probe=off option-82=trust`, and as often as one
/// likes `route=10.0.0.0/8+via+10.0.0.9` and `option=ntp-servers:10.0.0.1` (a `+` is a space).
fn address_service(pairs: &Pairs<'_>, line: &str, plain: Network) -> Result<Network, String> {
    let mut network = plain;
    for word in pairs.0.iter().filter_map(|word| word.split_once('=')) {
        let value = word.1.replace('+', " ");
        match word.0 {
            "shared" => network.shared = Some(value),
            "lease-min" => {
                let time = model::time::parse_duration(&value)?;
                network.lease_min = time.ok_or("the shortest lease is not for ever")?;
            }
            "rapid-commit" => network.rapid_commit = value == "yes",
            "probe" => {
                let ms = value.trim_end_matches("ms").parse().ok();
                network.probe = ms.map(std::time::Duration::from_millis);
                if ms.is_none() && value != "off" {
                    return Err(format!("`{value}` is no time of a probe: {line}"));
                }
            }
            "http-boot" => network.http_boot = value.parse()?,
            "others" => {
                network.others = value
                    .split(',')
                    .map(|a| a.parse().map_err(|_| value.clone()))
                    .collect::<Result<_, _>>()?;
            }
            "listen-as" => network.listen_as = value.parse()?,
            "option-82" => network.option_82 = value.parse::<Option82>()?,
            "route" => network.routes.push(value.parse()?),
            "option" => {
                let (name, value) = value.split_once(':').ok_or("option=NAME:VALUE")?;
                network.options.push(model::option::parse(name, value)?);
            }
            other => return Err(format!("a network has no `{other}`: {line}")),
        }
    }
    Ok(network)
}

fn loaders(world: &mut World, which: &[(&str, LoaderKind, Arch)]) -> Result<(), String> {
    signed_loaders(world, which, &[])
}

fn signed_loaders(
    world: &mut World,
    which: &[(&str, LoaderKind, Arch)],
    signers: &[&str],
) -> Result<(), String> {
    let signers: Vec<String> = signers.iter().map(|signer| (*signer).to_owned()).collect();
    for (name, kind, arch) in which {
        let label = Label::new(kind.name(), Some(*arch), name, 90_000);
        world.server.keep(&label);
        let loader = Loader {
            name: (*name).into(),
            kind: *kind,
            arch: *arch,
            version: "1".into(),
            path: String::new(),
            sha256: label.hash(),
            size: label.size,
            signers: signers.clone(),
        };
        command(world, Command::PublishLoader(loader))?;
    }
    Ok(())
}

/// Carries an operator's command out; gives what is said about it.
pub(super) fn command(world: &mut World, command: Command) -> Result<String, String> {
    let now = Now(world.now_ms);
    match world.server.engine.command(now, command) {
        Ok(decided) => {
            world.server.apply(&decided.changes);
            Ok(decided.says)
        }
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// One sentence, also as an operator's command in the middle of a scenario.
pub(super) fn sentence(world: &mut World, line: &str) -> Result<String, String> {
    let pairs = Pairs::new(line);
    match line.split(' ').next().unwrap_or_default() {
        "network" | "weather" | "http" | "https" | "unknown" | "approved" => Ok(String::new()),
        "firewall" => {
            let what = pairs.get("drops").ok_or("a firewall drops what?")?;
            world.way.barriers.push(Barrier::read(what)?);
            Ok(String::new())
        }
        "nat" => {
            world.way.nat = pairs.read("nat")?;
            Ok(String::new())
        }
        "disk" => {
            world.server.engine.only_renew(line == "disk full");
            Ok(String::new())
        }
        "damage" => {
            world.server.damaged.insert(pairs.get("damage").unwrap_or_default().to_owned());
            Ok(String::new())
        }
        "remove" => {
            let image = pairs.get("image").unwrap_or_default().to_owned();
            command(world, Command::RemoveImage(image, pairs.read("version")?))
        }
        "no" => Ok(String::new()),
        "loaders" if pairs.has("signed") => {
            if pairs.has("usual") {
                loaders(world, USUAL)?;
            }
            loaders(world, SIGNED).map(|()| String::new())
        }
        "loaders" => loaders(world, USUAL).map(|()| String::new()),
        "loader" => {
            let kind = pairs.read::<LoaderKind>("kind")?.ok_or("a loader needs a kind")?;
            let arch = pairs.read::<Arch>("arch")?.ok_or("a loader needs an arch")?;
            let name = pairs.get("loader").unwrap_or_default();
            let signer: Vec<&str> = pairs.get("signed-by").into_iter().collect();
            signed_loaders(world, &[(name, kind, arch)], &signer).map(|()| String::new())
        }
        "image" => image(world, line),
        "promote" => {
            let image = pairs.get("promote").unwrap_or_default().to_owned();
            let to = pairs.read("to")?.unwrap_or_default();
            command(world, Command::Promote { image, version: pairs.read("version")?, to })
        }
        "rollback" => {
            command(world, Command::Rollback(pairs.get("rollback").unwrap_or_default().to_owned()))
        }
        "profile" => {
            let args = line.split_once(" args ").map_or("", |(_, args)| args).to_owned();
            let name = pairs.get("profile").unwrap_or_default().to_owned();
            let image = pairs.get("image").unwrap_or(&name).to_owned();
            let version = pairs.read("version")?;
            let channel = pairs.read("channel")?.unwrap_or_default();
            let template = pairs.get("template").map(str::to_owned);
            let settings = settings(pairs.get("set").unwrap_or_default());
            let profile = Profile { name, image, version, channel, args, template, settings };
            command(world, Command::SetProfile(profile))
        }
        "rule" => rule(world, line),
        "machine" => machine(world, &pairs, line),
        "template" | "secret" | "deploy" | "boot-once" | "cancel" | "confirm" => {
            super::deploy::sentence(world, &pairs, line)
        }
        "menu" => menu(world, line),
        "foreign" => {
            let address = pairs.read("server")?.ok_or("a foreign server needs an address")?;
            let first = pairs.read("gives")?.ok_or("it gives addresses from where?")?;
            let mut foreign = Foreign::new(address, first);
            foreign.boot_file = pairs.get("boot-file").map(str::to_owned);
            foreign.next_server = pairs.read("next-server")?;
            foreign.slow_ms = pairs.read("slow")?.unwrap_or(0);
            let networks = &world.server.engine.settings().networks;
            foreign.like = pairs
                .get("like")
                .and_then(|link| networks.iter().find(|network| network.interface == link))
                .cloned();
            world.foreign.retain(|other| other.address != address);
            world.foreign.push(foreign);
            Ok(format!("a DHCP server at {address} is switched on"))
        }
        "relay" => {
            let giaddr = pairs.read("relay")?.ok_or("a relay needs an address")?;
            world.relays.insert(giaddr, relay_options(&pairs)?);
            Ok(String::new())
        }
        "squatter" => {
            let theirs = pairs.read("squatter")?.ok_or("a squatter needs a MAC")?;
            let address = pairs.read("at")?.ok_or("a squatter needs an address")?;
            world.server.squatters.insert(address, theirs);
            Ok(String::new())
        }
        "reserve" => {
            let address = pairs.read("reserve")?.ok_or("which address?")?;
            let holder = match (pairs.read("for")?, pairs.read("uuid")?, pairs.get("circuit")) {
                (Some(mac), _, _) => ReservedFor::Mac(mac),
                (_, Some(uuid), _) => ReservedFor::Uuid(uuid),
                (_, _, Some(id)) => ReservedFor::Circuit { relay: None, id: id.into() },
                _ => return Err(format!("reserved for whom? {line}")),
            };
            let host_name = pairs.get("name").map(str::to_owned);
            let since = Now(world.now_ms);
            let reservation = Reservation { address, holder, host_name, since };
            command(world, Command::AddReservation(reservation))
        }
        "mtu" => {
            world.server.policy.mtu = pairs.read("mtu")?.unwrap_or(1500);
            world.mtu = world.server.policy.mtu.into();
            Ok(String::new())
        }
        // A narrow place on the way, of which our interface says nothing.
        "hidden" => {
            world.mtu = pairs.read("mtu")?.ok_or("how narrow is it?")?;
            Ok(String::new())
        }
        "sabotage" => sabotage(world, line),
        _ => Err(format!("this is not known here: {line}")),
    }
}

fn relay_options(pairs: &Pairs<'_>) -> Result<Vec<u8>, String> {
    let mut info = Vec::new();
    if let Some(circuit) = pairs.get("circuit") {
        info.extend([1, u8::try_from(circuit.len()).unwrap_or(0)]);
        info.extend(circuit.bytes());
    }
    for (name, tag) in [("link-selection", 5), ("override", 11)] {
        if let Some(address) = pairs.read::<Ipv4Addr>(name)? {
            info.extend([tag, 4]);
            info.extend(address.octets());
        }
    }
    Ok(info)
}

/// `image debian for x64-uefi,arm64-uefi signed in EFI/boot files a,b`
fn image(world: &mut World, line: &str) -> Result<String, String> {
    let pairs = Pairs::new(line);
    let name = pairs.get("image").unwrap_or_default().to_owned();
    let archs: Vec<Arch> = match pairs.get("for") {
        Some(list) => list.split(',').map(str::parse).collect::<Result<_, String>>()?,
        None => Vec::new(),
    };
    let size: u64 = pairs.read("size")?.unwrap_or(60_000);
    let version = world
        .server
        .engine
        .image(&name, Wanted::Channel(Channel::Current))
        .map_or(1, |i| i.version + 1);
    let full = |file: &str| format!("image/{name}/{version}/{file}");
    let mut assets = Vec::new();
    let mut asset = |world: &mut World, kind: &str, arch: Option<Arch>, file: &str| {
        let (file, size) = match file.split_once(':') {
            Some((file, own)) => (file, own.parse().unwrap_or(size)),
            None => (file, size),
        };
        let label = Label::new(kind, arch, &full(file), size);
        world.server.keep(&label);
        assets.push(Asset::whole(file, label.hash(), size));
    };
    let mut recipe = Recipe { kind: "made".into(), ..Recipe::default() };
    if let Some(files) = pairs.get("files") {
        files.split(',').for_each(|file| asset(world, "file", None, file));
    } else {
        // What it lacks its recipe names all the same, as after a careless hand in the library.
        let lacks = pairs.get("lacks").unwrap_or_default();
        if lacks != "linux" {
            asset(world, "kernel", archs.first().copied().filter(|_| archs.len() == 1), "linux");
        }
        if lacks != "initrd.gz" {
            asset(world, "initrd", None, "initrd.gz");
        }
        recipe.kernel = Some("linux".into());
        recipe.initrds = vec!["initrd.gz".into()];
    }
    if let Some(format) = pairs.get("answers") {
        let argument = pairs.get("by").unwrap_or("url={A}").to_owned();
        recipe.answer = Some(AnswerWay { format: format.to_owned(), argument });
    }
    if pairs.has("bootable") {
        recipe.kernel = Some("kernel8.img".into());
    }
    if pairs.has("signed") {
        let arch = archs.first().copied();
        let suffix = arch.and_then(Arch::efi_suffix).unwrap_or("x64");
        let within = pairs.get("in").map(|folder| format!("{folder}/")).unwrap_or_default();
        let of = |kind: &str| format!("{within}{kind}{suffix}.efi");
        let (shim, grub) = (of("boot"), of("grub"));
        asset(world, "shim", arch, &shim);
        if pairs.get("lacks") != Some(grub.as_str()) {
            asset(world, "grub", arch, &grub);
        }
        recipe.signed = Some(SignedChain { shim, grub });
    }
    let image = Image {
        title: pairs.get("title").unwrap_or(&name).to_owned(),
        archs,
        recipe,
        recognised_by: "made for a scenario".into(),
        assets: Assets::new(assets),
        ..Image::new(name, "here", Now(BEGINNING_MS))
    };
    command(world, Command::PublishImage(image))
}

/// `rule arch=x64-uefi, mac=52:54:00 → debian`, `rule everybody → debian`
fn rule(world: &mut World, line: &str) -> Result<String, String> {
    let rest = line.trim_start_matches("rule").trim();
    if let Some((_, id)) = rest.split_once("remove ") {
        let id = id.trim().parse().map_err(|_| format!("no number: {line}"))?;
        return command(world, Command::RemoveRule(id));
    }
    if rest.starts_with("move ") {
        let pairs = Pairs::new(rest);
        let id = pairs.read("move")?.ok_or("which rule?")?;
        let to = pairs.read("to")?.ok_or("where to?")?;
        return command(world, Command::MoveRule { id, to });
    }
    let (left, profile) = rest.split_once('→').ok_or_else(|| format!("no → in {line}"))?;
    let parts = left.split(',').map(str::trim).filter(|p| !p.is_empty() && *p != "everybody");
    let conditions = parts.map(condition).collect::<Result<Vec<_>, _>>()?;
    command(world, Command::AddRule { conditions, profile: profile.trim().into() })
}

fn condition(text: &str) -> Result<Condition, String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("no condition: {text}"))?;
    let bad = |e: String| format!("{text}: {e}");
    Ok(match name.trim_end_matches('>') {
        "mac" => Condition::Mac(value.parse().map_err(bad)?),
        "uuid" => Condition::Uuid(value.parse().map_err(|_| format!("no UUID: {text}"))?),
        "serial" => Condition::Serial(value.into()),
        "arch" => Condition::Arch(value.parse().map_err(bad)?),
        "firmware" => Condition::Firmware(value.parse().map_err(bad)?),
        "vendor-class" => Condition::VendorClass(value.into()),
        "network" => Condition::Network(value.into()),
        "circuit" => Condition::Circuit(value.into()),
        "memory" => Condition::Memory(value.trim_end_matches("MiB").parse().unwrap_or(0)),
        label => {
            let key = label.strip_prefix("label ").ok_or_else(|| format!("what is {text}?"))?;
            Condition::Label(key.into(), value.into())
        }
    })
}

/// `machine MAC name pc-1 profile debian label room=3 also MAC quirk NAME=on approved`
fn machine(world: &mut World, pairs: &Pairs<'_>, line: &str) -> Result<String, String> {
    let machine = pairs.get("machine").unwrap_or_default().to_owned();
    let label = pairs.get("label").and_then(|l| l.split_once('='));
    let says = command(
        world,
        Command::SetMachine {
            machine: machine.clone(),
            name: pairs.get("name").map(str::to_owned),
            profile: pairs.get("profile").map(|p| Some(p.to_owned()).filter(|p| p != "none")),
            labels: label.map(|(k, v)| (k.to_owned(), Some(v.to_owned()))).into_iter().collect(),
            settings: Vec::new(),
            notes: None,
        },
    )?;
    if let Some(mac) = pairs.get("also") {
        let (machine, add) = (machine.clone(), vec![mac.parse()?]);
        command(world, Command::SetAddresses { machine, add, remove: Vec::new() })?;
    }
    let says = super::pins::say(world, &machine, pairs)?.unwrap_or(says);
    let life = [Life::Approved, Life::Blocked, Life::Retired, Life::Pending];
    match life.into_iter().find(|life| line.ends_with(life.name())) {
        Some(life) => command(world, Command::SetLife(machine, life)),
        None => Ok(says),
    }
}

/// `disk=size:1G..2T,user=ada`
fn settings(text: &str) -> model::setting::Layer {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), model::setting::Setting::typed(value))).collect()
}

/// `menu debian, fedora locked, tools hidden default debian password HASH`
fn menu(world: &mut World, line: &str) -> Result<String, String> {
    let rest = line.trim_start_matches("menu").trim();
    let (rest, password) = match rest.split_once(" password ") {
        Some((rest, hash)) => (rest, Some(PasswordHash(hash.trim().into()))),
        None => (rest, None),
    };
    let (entries, default) = match rest.split_once(" default ") {
        Some((entries, default)) => (entries, Some(default.trim().to_owned())),
        None => (rest, None),
    };
    let entry = |text: &str| {
        let words: Vec<&str> = text.split_whitespace().collect();
        let key = words.first().copied().unwrap_or_default();
        Entry {
            key: key.into(),
            title: key.to_uppercase(),
            group: None,
            hidden: words.contains(&"hidden"),
            choice: match key {
                "local-disk" => Choice::LocalDisk,
                name => Choice::Profile(name.into()),
            },
            locked: words.contains(&"locked"),
        }
    };
    let entries = entries.split(',').map(entry).collect();
    command(world, Command::SetMenu(None, Menu { entries, default, password }))
}

/// Makes our replies wrong on their way, to see that the firmware minds.
fn sabotage(world: &mut World, line: &str) -> Result<String, String> {
    let what = line.trim_start_matches("sabotage").trim().to_owned();
    let number = |text: &str| text.trim().parse::<u8>().unwrap_or(0);
    world.saboteur = Some(Box::new(move |send: &mut Send| {
        let dhcp = matches!(send.from.port(), 67 | 4011);
        let Ok(mut message) = Message::parse(&send.bytes) else { return true };
        if !dhcp {
            return true;
        }
        match what.as_str() {
            "no siaddr" => message.siaddr = Ipv4Addr::UNSPECIFIED,
            "no file in the header" => message.file = [0; 128],
            "flags cleared" => message.flags = 0,
            "silence on 4011" => return send.from.port() != 4011,
            "4011 answers to broadcast:68" => {
                if send.from.port() == 4011 {
                    send.to = engine::Destination::Broadcast { port: 68 };
                }
            }
            "from another port" => send.from.set_port(1067),
            "option 43 says menu only" => {
                message.options.remove(code::VENDOR_SPECIFIC);
                message.options.push(code::VENDOR_SPECIFIC, [6, 1, 3, 255]);
            }
            "boot data in the offer only" => {
                if message.options.u8(code::MESSAGE_TYPE) == Some(5) {
                    for code in [43, 60, 67] {
                        message.options.remove(code);
                    }
                    message.file = [0; 128];
                }
            }
            "no NUL in option 67" => {
                if let Some(mut name) = message.options.get(67).map(std::borrow::Cow::into_owned) {
                    name.retain(|byte| *byte != 0);
                    message.options.remove(67);
                    message.options.push(67, name);
                }
            }
            other => {
                if let Some(code) = other.strip_prefix("no option ") {
                    message.options.remove(number(code));
                }
            }
        }
        send.bytes = message.encode(usize::MAX).unwrap_or_default();
        true
    }));
    Ok(String::new())
}
