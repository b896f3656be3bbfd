//! Which bootloader carries a client to its plan.

use super::image::only_ipxe_starts;
use super::{FirstFile, Road};
use crate::Engine;
use model::client::Firmware;
use model::image::LoaderKind;
use model::plan::{Boot, BootPlan, Decision, Reason, Why};
use model::{Arch, Client, Loader};
use quirks::Action;

impl Engine {
    pub(super) fn loader_for(
        &self,
        client: &Client,
        plan: &BootPlan,
        road: Road,
    ) -> Result<FirstFile, Why> {
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
            true => self.uefi_loader(arch, plan, (home, own)),
            false => self.bios_loader(arch, own),
        };
        let (path, because) = chosen.ok_or(match client.arch_codes.as_slice() {
            codes if !codes.is_empty() && !servable(arch) => Why::ArchUnserved(codes.to_vec()),
            _ => Why::NoLoader(arch),
        })?;
        let name = path.strip_prefix("loader/").unwrap_or(&path).to_owned();
        let version = self.loaders.get(&name).map(|l| format!(" ({arch}, version {})", l.version));
        let because = format!("{because}{}", version.unwrap_or_default());
        let kind = self.loaders.get(&name).map(|loader| loader.kind);
        let own = allow.reason(Action::OwnDrivers).filter(|_| kind == Some(LoaderKind::Ipxe));
        let grub = allow.reason(Action::NoGrubBeside);
        let grub = grub.filter(|_| self.would_be_grub(arch, plan, client, &path));
        let mut because = vec![Reason::Loader { name, because }];
        because.extend(own.into_iter().chain(grub));
        Ok(FirstFile { path, because })
    }

    /// Whether it would have been GRUB where we give the addresses.
    fn would_be_grub(&self, arch: Arch, plan: &BootPlan, client: &Client, path: &str) -> bool {
        let home = GrubHome::of(client, false);
        let there = || self.uefi_loader(arch, plan, (home, false));
        arch.is_uefi() && there().is_some_and(|(there, _)| there != path)
    }

    fn bios_loader(&self, arch: Arch, own_drivers: bool) -> Option<(String, String)> {
        let mut kinds = [
            (LoaderKind::Undionly, "iPXE over the firmware's own network driver"),
            (LoaderKind::Ipxe, "iPXE with its own network drivers"),
            (LoaderKind::Pxelinux, "no iPXE was found, PXELINUX was"),
        ];
        if own_drivers {
            kinds.swap(0, 1);
        }
        kinds.into_iter().find_map(|(kind, because)| {
            self.loader(kind, arch).map(|l| (format!("loader/{}", l.name), because.to_owned()))
        })
    }

    /// The path of the first file, and why that one.
    fn uefi_loader(
        &self,
        arch: Arch,
        plan: &BootPlan,
        (home, own_drivers): (GrubHome, bool),
    ) -> Option<(String, String)> {
        let found = |kind| self.loader(kind, arch);
        let path = |loader: &Loader| format!("loader/{}", loader.name);
        let plain = match own_drivers {
            true => found(LoaderKind::Ipxe).or_else(|| found(LoaderKind::Snponly)),
            false => found(LoaderKind::Snponly).or_else(|| found(LoaderKind::Ipxe)),
        };
        let signed_ipxe = found(LoaderKind::IpxeShim).filter(|_| found(LoaderKind::Ipxe).is_some());
        let signed_grub = self.signed_grub(arch);

        let for_ipxe = match &plan.decision {
            Decision::Boot(boot) if only_ipxe_starts(boot) => Some(boot.title.as_str()),
            Decision::Ask { .. } | Decision::Elsewhere(_) => Some("what another server names"),
            _ => None,
        };
        if let (Some(what), Some(loader)) = (for_ipxe, signed_ipxe.or(plain)) {
            let because = format!("{what} is started in a way that only iPXE knows");
            return Some((path(loader), because));
        }
        if let (Decision::Boot(Boot { signed: Some((shim, _)), title, .. }), GrubHome::FindsUs) =
            (&plan.decision, home)
        {
            let because = format!(
                "{title} brings its own shim and GRUB, which boot with Secure Boot on or off"
            );
            return Some((shim.clone(), because));
        }
        if let Some(shim) = signed_ipxe {
            let because = "a shim with a signed iPXE boots with Secure Boot on or off";
            return Some((path(shim), because.to_owned()));
        }
        match (home, signed_grub, plain) {
            (GrubHome::FindsUs, Some(shim), _) => {
                Some((shim, "shim and its signed GRUB boot with Secure Boot on or off".to_owned()))
            }
            (GrubHome::FindsUs, None, Some(plain)) => Some((
                path(plain),
                "plain iPXE; with Secure Boot on, the firmware would refuse it".to_owned(),
            )),
            (_, _, Some(plain)) => Some((
                path(plain),
                format!(
                    "plain iPXE, because {}; with Secure Boot on, the firmware would refuse it",
                    home.trouble()
                ),
            )),
            // Better a loader that may stop than none: on another server's network it works where
            // that server names us as its next server.
            (GrubHome::AsksTheOther | GrubHome::OverIpv6, Some(shim), None) => Some((
                shim,
                format!(
                    "shim and GRUB, but {}; `bootwright bootloader import` an iPXE for {arch}",
                    home.trouble()
                ),
            )),
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
