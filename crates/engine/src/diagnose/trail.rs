//! A story, read for what a verdict rests on.

use super::Case;
use model::diagnosis::Evidence;
use model::event::{Carrier, Cut};
use model::image::{Image, LoaderKind, Wanted};
use model::plan::Why;
use model::story::{BootStage, Carried, Carrying, Did, Exchange, Step};
use model::{Arch, Firmware, Loader, Machine, Mode, Network, OtherServer, Story};
use std::net::IpAddr;

/// A boot with the things around it that verdicts ask for.
pub(super) struct Trail<'a> {
    pub(super) case: Case<'a>,
    pub(super) steps: &'a [Step],
    pub(super) machine: Option<&'a Machine>,
    pub(super) network: Option<&'a Network>,
}

/// A name below `image/`, taken apart.
pub(super) struct ImageFile<'a> {
    /// Name of the image.
    pub(super) name: &'a str,
    /// As it was asked for: a number or a channel.
    pub(super) version: &'a str,
    /// Path in it.
    pub(super) path: &'a str,
    /// The image, if it is there.
    pub(super) image: Option<&'a Image>,
}

/// What part of a start a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    Kernel,
    Initrd,
    Other,
}

/// The network that it booted on: of those on its link the one whose relay it came by, or in whose subnet
/// it had an address; else the first.
fn network_of<'a>(story: &Story, all: &'a [Network]) -> Option<&'a Network> {
    let link = story.links.last()?;
    let on_link = || all.iter().filter(|network| network.interface == *link);
    let v4 = |address: &IpAddr| match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    };
    let relayed = |network: &&Network| {
        let of_it = |relay| network.relays.contains(&relay) || network.subnet.contains(relay);
        story.relays.iter().filter_map(v4).any(of_it)
    };
    let here = |network: &&Network| {
        story.addresses.iter().filter_map(v4).any(|own| network.subnet.contains(own))
    };
    on_link().find(relayed).or_else(|| on_link().find(here)).or_else(|| on_link().next())
}

impl<'a> Trail<'a> {
    /// Whether it is not for us to answer where it boots.
    pub(super) fn is_of_others(&self) -> bool {
        let link = self.case.story.links.last();
        let over_ipv6 = || link.is_some_and(|link| self.case.engine.only_listens6(link));
        match self.network {
            Some(network) => network.mode == Mode::Listen,
            None => over_ipv6(),
        }
    }

    pub(super) fn new(case: Case<'a>) -> Self {
        let engine = case.engine;
        Self {
            steps: &case.story.steps,
            machine: engine.machine_of(&case.story.machine),
            network: network_of(case.story, &engine.settings().networks),
            case,
        }
    }

    pub(super) fn arch(&self) -> Option<Arch> {
        self.case.story.arch.or_else(|| self.machine?.arch)
    }

    pub(super) fn firmware(&self) -> Option<Firmware> {
        self.case.story.firmware.or_else(|| self.machine?.firmware)
    }

    pub(super) fn is_uefi(&self) -> bool {
        self.arch().is_some_and(Arch::is_uefi)
    }

    /// Whether another server gives the addresses there.
    pub(super) fn beside(&self) -> bool {
        self.network.is_some_and(|network| network.mode != Mode::Dhcp)
    }

    /// Another server that was heard to give addresses of IPv4 there while this boot went on.
    pub(super) fn address_server(&self) -> Option<OtherServer> {
        let story = self.case.story;
        let all = self.case.engine.others().into_iter();
        let gives = |other: &OtherServer| other.does.addresses && other.server.is_ipv4();
        let mut giving = all.filter(|other| gives(other) && other.last >= story.from);
        giving.find(|other| story.links.contains(&other.link))
    }

    pub(super) fn reached(&self, stage: BootStage) -> bool {
        self.case.story.furthest >= stage
    }

    pub(super) fn named(&self) -> String {
        self.machine.map_or_else(|| self.case.story.machine.to_string(), Machine::shown)
    }

    /// Every DHCP message.
    pub(super) fn exchanges(&self) -> impl DoubleEndedIterator<Item = (&'a Step, &'a Exchange)> {
        self.steps.iter().filter_map(|step| match &step.what {
            Did::Dhcp(exchange) => Some((step, exchange.as_ref())),
            _ => None,
        })
    }

    /// DHCP messages of one program: `firmware`, `ipxe`, `system`.
    pub(super) fn asked_by(
        &self,
        program: &'static str,
    ) -> impl DoubleEndedIterator<Item = (&'a Step, &'a Exchange)> {
        self.exchanges().filter(move |(_, e)| e.program.as_deref().unwrap_or("firmware") == program)
    }

    pub(super) fn transfers(&self) -> impl DoubleEndedIterator<Item = (&'a Step, &'a Carried)> {
        self.steps.iter().filter_map(|step| match &step.what {
            Did::Transfer(carried) => Some((step, carried.as_ref())),
            _ => None,
        })
    }

    pub(super) fn missed(&self) -> impl DoubleEndedIterator<Item = (&'a Step, &'a Why)> {
        self.steps.iter().filter_map(|step| match &step.what {
            Did::Missed { why, expected: false, .. } => Some((step, why)),
            _ => None,
        })
    }

    /// When it was told what to do, last.
    pub(super) fn decision(&self) -> Option<&'a Step> {
        self.steps.iter().rev().find(|step| matches!(step.what, Did::Script { .. }))
    }

    /// Whether it asked for any file, script or connection.
    pub(super) fn fetched(&self) -> bool {
        self.steps.iter().any(is_fetch)
    }

    /// The last silence of ours of this kind, or answer without a boot file, if nothing was answered
    /// after it.
    pub(super) fn silence(&self, of: impl Fn(&Why) -> bool) -> Option<(&'a Step, &'a Why)> {
        let (step, exchange) = self.exchanges().next_back()?;
        let why = exchange.why.as_ref().or(exchange.no_file.as_ref()).filter(|why| of(why))?;
        (!self.steps.iter().any(|s| is_fetch(s) && s.at >= step.at)).then_some((step, why))
    }

    /// The last file that was named to a program, with the message that named it.
    pub(super) fn told(&self, program: &'static str) -> Option<(&'a Step, &'a str)> {
        self.asked_by(program).rev().find_map(|(step, e)| Some((step, e.file.as_deref()?)))
    }

    /// The last transfer that ended early for such a cause, if none of the same file was whole after it.
    pub(super) fn cut(&self, of: impl Fn(Cut) -> bool) -> Option<(&'a Step, &'a Carried)> {
        let failed = |c: &Carried| c.state == Carrying::Failed && c.cut.is_some_and(&of);
        let (step, carried) = self.transfers().rev().find(|(_, c)| failed(c))?;
        let whole = |(s, c): (&Step, &Carried)| {
            s.at > step.at && c.state == Carrying::Done && bare(&c.file) == bare(&carried.file)
        };
        (!self.transfers().any(whole)).then_some((step, carried))
    }

    /// Transfers that are whole.
    pub(super) fn done(&self) -> impl DoubleEndedIterator<Item = (&'a Step, &'a Carried)> {
        self.transfers().filter(|(_, c)| c.state == Carrying::Done)
    }

    /// The last bootloader that went out whole, as firmware fetches it.
    pub(super) fn first_stage(&self) -> Option<(&'a Step, &'a Carried)> {
        self.done().rev().find(|(_, c)| self.is_first_stage(&c.file))
    }

    fn is_first_stage(&self, file: &str) -> bool {
        match self.loader(file) {
            Some(loader) => !matches!(loader.kind, LoaderKind::Module | LoaderKind::Grub),
            None => self.is_signed_shim(file),
        }
    }

    /// The bootloader of this name.
    pub(super) fn loader(&self, file: &str) -> Option<&'a Loader> {
        let name = bare(file).strip_prefix("loader/")?;
        self.case.engine.loaders().find(|loader| loader.name == name)
    }

    /// Whether a file is the shim of an image.
    pub(super) fn is_signed_shim(&self, file: &str) -> bool {
        let found = self.image_file(file);
        found.is_some_and(|f| {
            let signed = f.image.and_then(|image| image.recipe.signed.as_ref());
            signed.is_some_and(|signed| signed.shim == f.path)
        })
    }

    /// Whether a bootloader is a shim, which has a second stage beside it.
    pub(super) fn is_shim(&self, file: &str) -> bool {
        let kind = self.loader(file).map(|loader| loader.kind);
        matches!(kind, Some(LoaderKind::Shim | LoaderKind::IpxeShim)) || self.is_signed_shim(file)
    }

    pub(super) fn image_file<'f>(&self, file: &'f str) -> Option<ImageFile<'f>>
    where
        'a: 'f,
    {
        let mut parts = bare(file).strip_prefix("image/")?.splitn(3, '/');
        let (name, version, path) = (parts.next()?, parts.next()?, parts.next()?);
        let wanted = match (version.parse(), version.parse()) {
            (Ok(number), _) => Wanted::Version(number),
            (_, Ok(channel)) => Wanted::Channel(channel),
            _ => return None,
        };
        Some(ImageFile { name, version, path, image: self.case.engine.image(name, wanted) })
    }

    /// What part a file of an image has in its start.
    pub(super) fn role(&self, file: &str) -> Option<Role> {
        let found = self.image_file(file)?;
        let recipe = &found.image?.recipe;
        let kernel = self.arch().map_or(recipe.kernel.as_deref(), |arch| recipe.kernel_for(arch));
        Some(match found.path {
            path if kernel == Some(path) => Role::Kernel,
            path if recipe.initrds.iter().any(|initrd| initrd == path) => Role::Initrd,
            _ => Role::Other,
        })
    }

    /// The kernel that went out whole, and its image.
    pub(super) fn kernel(&self) -> Option<(&'a Step, &'a Image)> {
        self.done().rev().find_map(|(step, c)| {
            let image = self.image_file(&c.file)?.image?;
            (self.role(&c.file) == Some(Role::Kernel)).then_some((step, image))
        })
    }

    /// Whether everything that is loaded with the kernel of this image went out whole.
    pub(super) fn has_all_initrds(&self, image: &Image) -> bool {
        image.recipe.initrds.iter().all(|wanted| {
            self.done().any(|(_, c)| self.image_file(&c.file).is_some_and(|f| f.path == wanted))
        })
    }

    /// Whether anything was heard after a step.
    pub(super) fn ends_with(&self, step: &Step) -> bool {
        !self.steps.iter().any(|later| later.at > step.until)
    }

    /// Steps after one.
    pub(super) fn after(&self, step: &Step) -> impl Iterator<Item = &'a Step> {
        let until = step.until;
        self.steps.iter().filter(move |later| later.at > until)
    }
}

/// A step in which it asked for something to be sent.
pub(super) fn is_fetch(step: &Step) -> bool {
    matches!(
        step.what,
        Did::Transfer(_) | Did::Missed { .. } | Did::Script { .. } | Did::Handshake { .. }
    )
}

/// A name without the slashes before it.
pub(super) fn bare(file: &str) -> &str {
    file.trim_start_matches('/')
}

/// A step, as evidence.
pub(super) fn seen(step: &Step) -> Evidence {
    let times = if step.times > 1 { format!(" ({} times)", step.times) } else { String::new() };
    Evidence { at: Some(step.at), says: format!("{}{times}", step.says) }
}

/// Something that is known anyway.
pub(super) fn known(says: impl Into<String>) -> Evidence {
    Evidence { at: None, says: says.into() }
}

/// How a file was carried, by its port.
pub(super) fn port_of(by: Carrier) -> &'static str {
    match by {
        Carrier::Tftp => "UDP 69",
        Carrier::Http => "the HTTP port",
    }
}

/// An address in words.
pub(super) fn shown(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "an address that was not told".to_owned(), |a| a.to_string())
}
