//! Which bootloader carries a client to its plan.

use super::Road;
use super::image::only_ipxe_starts;
use crate::Engine;
use crate::reasons::Reasons;
use model::client::Firmware;
use model::image::LoaderKind;
use model::plan::{Boot, Decision, Reason, Why};
use model::{Arch, Client, Loader};
use quirks::Action;
use std::fmt;

impl Engine {
    pub(super) fn loader_for(
        &self,
        client: &Client,
        decision: &Decision,
        road: Road,
        reasons: &mut Reasons,
    ) -> Result<String, Why> {
        let Road { beside, ipv6 } = road;
        let Some(arch) = client.arch else {
            return Err(Why::ArchUnserved(client.arch_codes.clone()));
        };
        let allow = self.allowances(client, beside);
        let own = allow.has(Action::OwnDrivers);
        let home = match ipv6 {
            true => GrubHome::over_ipv6(client),
            false => GrubHome::of(client, beside && allow.has(Action::NoGrubBeside)),
        };
        let chosen = match arch.is_uefi() {
            true => self.uefi_loader(arch, decision, (home, own)),
            false => self.bios_loader(arch, own),
        };
        let (path, because) = chosen.ok_or(match client.arch_codes.as_slice() {
            codes if !codes.is_empty() && !servable(arch) => Why::ArchUnserved(codes.to_vec()),
            _ => Why::NoLoader(arch),
        })?;
        let name = path.strip_prefix("loader/").unwrap_or(&path);
        let loader = self.loaders.get(name);
        reasons.say(|| {
            let because = match loader {
                Some(loader) => format!("{because} ({arch}, version {})", loader.version),
                None => because.to_string(),
            };
            [Reason::Loader { name: name.to_owned(), because }]
        });
        reasons.say(|| {
            let ipxe = loader.is_some_and(|loader| loader.kind == LoaderKind::Ipxe);
            let own = allow.reason(Action::OwnDrivers).filter(|_| ipxe);
            let grub = allow.reason(Action::NoGrubBeside);
            let grub = grub.filter(|_| self.would_be_grub(arch, decision, client, &path));
            own.into_iter().chain(grub)
        });
        Ok(path)
    }

    /// Whether it would have been GRUB where we give the addresses.
    fn would_be_grub(&self, arch: Arch, decision: &Decision, client: &Client, path: &str) -> bool {
        let home = GrubHome::of(client, false);
        let there = || self.uefi_loader(arch, decision, (home, false));
        arch.is_uefi() && there().is_some_and(|(there, _)| there != path)
    }

    fn bios_loader(&self, arch: Arch, own_drivers: bool) -> Option<(String, Because<'static>)> {
        let mut kinds = [
            (LoaderKind::Undionly, "iPXE over the firmware's own network driver"),
            (LoaderKind::Ipxe, "iPXE with its own network drivers"),
            (LoaderKind::Pxelinux, "no iPXE was found, PXELINUX was"),
        ];
        if own_drivers {
            kinds.swap(0, 1);
        }
        kinds.into_iter().find_map(|(kind, because)| {
            self.loader(kind, arch).map(|l| (format!("loader/{}", l.name), Because::Words(because)))
        })
    }

    /// The path of the first file, and why that one.
    fn uefi_loader<'d>(
        &self,
        arch: Arch,
        decision: &'d Decision,
        (home, own_drivers): (GrubHome, bool),
    ) -> Option<(String, Because<'d>)> {
        let found = |kind| self.loader(kind, arch);
        let path = |loader: &Loader| format!("loader/{}", loader.name);
        let plain = match own_drivers {
            true => found(LoaderKind::Ipxe).or_else(|| found(LoaderKind::Snponly)),
            false => found(LoaderKind::Snponly).or_else(|| found(LoaderKind::Ipxe)),
        };
        let signed_ipxe = found(LoaderKind::IpxeShim).filter(|_| found(LoaderKind::Ipxe).is_some());
        let signed_grub = self.signed_grub(arch);

        let for_ipxe = match decision {
            Decision::Boot(boot) if only_ipxe_starts(boot) => Some(boot.title.as_str()),
            Decision::Ask { .. } | Decision::Elsewhere(_) => Some("what another server names"),
            _ => None,
        };
        if let (Some(what), Some(loader)) = (for_ipxe, signed_ipxe.or(plain)) {
            return Some((path(loader), Because::OnlyIpxe(what)));
        }
        if let (Decision::Boot(Boot { signed: Some((shim, _)), title, .. }), GrubHome::FindsUs) =
            (decision, home)
        {
            return Some((shim.clone(), Because::BringsItsOwn(title)));
        }
        if let Some(shim) = signed_ipxe {
            let because = "a shim with a signed iPXE boots with Secure Boot on or off";
            return Some((path(shim), Because::Words(because)));
        }
        match (home, signed_grub, plain) {
            (GrubHome::FindsUs, Some(shim), _) => {
                let because = "shim and its signed GRUB boot with Secure Boot on or off";
                Some((shim, Because::Words(because)))
            }
            (GrubHome::FindsUs, None, Some(plain)) => {
                let because = "plain iPXE; with Secure Boot on, the firmware would refuse it";
                Some((path(plain), Because::Words(because)))
            }
            (_, _, Some(plain)) => Some((path(plain), Because::NoGrub(home))),
            // Better a loader that may stop than none: on another server's network it works where
            // that server names us as its next server.
            (GrubHome::AsksTheOther | GrubHome::OverIpv6, Some(shim), None) => {
                Some((shim, Because::OnlyGrub(home, arch)))
            }
            _ => None,
        }
    }

    /// Path of a shim with a signed GRUB beside it: an installed one, else the newest that an
    /// image brings.
    fn signed_grub(&self, arch: Arch) -> Option<String> {
        let installed = self
            .loader(LoaderKind::Shim, arch)
            .filter(|_| self.loader(LoaderKind::Grub, arch).is_some())
            .map(|shim| format!("loader/{}", shim.name));
        installed.or_else(|| {
            let with_chain = self
                .images()
                .filter(|image| image.archs.contains(&arch) && image.recipe.signed.is_some());
            let image = with_chain.max_by_key(|image| image.imported)?;
            let signed = image.recipe.signed.as_ref()?;
            Some(format!("image/{}/{}/{}", image.name, image.version, signed.shim))
        })
    }

    /// The bootloader of this kind for this architecture.
    pub(crate) fn loader(&self, kind: LoaderKind, arch: Arch) -> Option<&Loader> {
        self.loaders.values().find(|l| l.kind == kind && l.arch == arch)
    }
}

/// Why a bootloader was chosen.
#[derive(Clone, Copy, Debug)]
enum Because<'a> {
    /// In these words.
    Words(&'static str),
    /// What is booted is started by nothing else.
    OnlyIpxe(&'a str),
    /// The image of this title has one.
    BringsItsOwn(&'a str),
    /// GRUB would not get further from there.
    NoGrub(GrubHome),
    /// GRUB may not get further from there, and nothing else was found.
    OnlyGrub(GrubHome, Arch),
}

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::OnlyIpxe(what) => write!(f, "{what} is started in a way that only iPXE knows"),
            Self::BringsItsOwn(title) => write!(
                f,
                "{title} brings its own shim and GRUB, which boot with Secure Boot on or off"
            ),
            Self::NoGrub(home) => write!(
                f,
                "plain iPXE, because {}; with Secure Boot on, the firmware would refuse it",
                home.trouble()
            ),
            Self::OnlyGrub(home, arch) => write!(
                f,
                "shim and GRUB, but {}; `bootwright bootloader import` an iPXE for {arch}",
                home.trouble()
            ),
        }
    }
}

/// Where a signed GRUB of Debian or Red Hat looks for its configuration, once it runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum GrubHome {
    /// On the server that gave it its address, which is us.
    FindsUs,
    /// On the DHCP server: it looks at the DHCP answer only, never at a proxy's (Q71, Q72).
    AsksTheOther,
    /// At a URL: Debian's signed build has no HTTP client and stops at its prompt.
    OverHttp,
    /// By DHCPv6, from which only patched builds take their server.
    OverIpv6,
}

impl GrubHome {
    fn of(client: &Client, beside: bool) -> Self {
        match client.firmware {
            Firmware::Http => Self::OverHttp,
            _ if beside => Self::AsksTheOther,
            _ => Self::FindsUs,
        }
    }

    fn over_ipv6(client: &Client) -> Self {
        match client.firmware {
            Firmware::Http => Self::OverHttp,
            _ => Self::OverIpv6,
        }
    }

    fn trouble(self) -> &'static str {
        match self {
            Self::FindsUs => "nothing speaks against GRUB",
            Self::AsksTheOther => {
                "GRUB asks the DHCP server for its configuration, never the server beside it"
            }
            Self::OverHttp => "Debian's signed GRUB cannot fetch over HTTP",
            Self::OverIpv6 => "not every GRUB finds its configuration over IPv6",
        }
    }
}

/// Architectures for which bootloaders exist that could be imported.
fn servable(arch: Arch) -> bool {
    arch == Arch::X86Bios || arch.efi_suffix().is_some()
}
