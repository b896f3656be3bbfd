//! What Secure Boot says of an image: who signed its EFI programs, and whether the chain by which a
//! machine would start it holds.
//!
//! In: an image whose bytes are kept, the loaders of this server, what machines revoke, the moment.
//! Out: [`model::image::SecureBoot`]. Never: a file written; a program of more than [`FILE_MAX`] read;
//! trust given: firmware decides.

use crate::store::Blobs;
use model::image::{Image, Judged, LoaderKind, SecureBoot, Way};
use model::{Arch, Asset, Content, Loader, Now};
use secureboot::{Across, Binary, Lists, SbatLevel, World, across, sbat};
use std::io;

/// Bytes of the largest program that is looked at. Unified kernels have up to 200 MiB.
const FILE_MAX: u64 = 256 << 20;
/// Programs of one image that are looked at.
const FILES_MAX: usize = 48;
/// SBAT lines that are kept of each.
const SBAT_LINES_MAX: usize = 16;

/// What an audit goes by.
#[derive(Debug)]
pub struct Audit<'a> {
    /// Where the bytes are.
    pub blobs: &'a Blobs,
    /// The bootloaders of this server: an image without loaders of its own is started by them.
    pub loaders: &'a [Loader],
    /// What firmware revokes, as far as it is known here.
    pub dbx: &'a Lists,
    /// The moment.
    pub now: Now,
}

/// Reads what an update of the revocation list has in it (`dbxupdate.bin`, an EFI signature list).
pub fn read_dbx(bytes: &[u8]) -> Result<Lists, secureboot::ListError> {
    Lists::read(bytes)
}

impl Audit<'_> {
    /// Looks at every EFI program of an image, and at the ways it is started.
    pub fn of(&self, image: &Image) -> SecureBoot {
        let mut files = Vec::new();
        let mut notes = Vec::new();
        let mut passed_over = 0;
        for asset in image.assets.iter().filter(|asset| is_program(asset, image)) {
            if files.len() >= FILES_MAX {
                passed_over += 1;
                continue;
            }
            match self.binary(&asset.content()) {
                Ok(Some(binary)) => files.push(self.judged(asset, &binary)),
                Ok(None) => {}
                Err(error) => notes.push(format!("{} could not be read: {error}", asset.path)),
            }
        }
        let mut verdict = self.ways(image);
        if passed_over > 0 {
            notes.push(format!("{passed_over} more EFI programs were not looked at"));
        }
        verdict.extend(notes);
        SecureBoot { verdict, files }
    }

    /// The ways by which machines start it, each judged as a chain.
    fn ways(&self, image: &Image) -> Vec<String> {
        let recipe = &image.recipe;
        let mut said = Vec::new();
        let archs = image.archs.iter().copied().filter(|arch| arch.is_uefi());
        for arch in archs {
            let Some(kernel) = recipe.kernel_for(arch).and_then(|path| image.asset(path)) else {
                continue;
            };
            let kernel = kernel.content();
            let own = recipe.signed.as_ref().and_then(|chain| {
                Some((image.asset(&chain.shim)?.content(), image.asset(&chain.grub)?.content()))
            });
            let (how, chain) = match (recipe.way, own, self.installed(arch)) {
                (Way::Program, ..) => ("by itself".to_owned(), vec![kernel]),
                (Way::Kernel, Some((shim, grub)), _) => {
                    ("through its own shim and GRUB".to_owned(), vec![shim, grub, kernel])
                }
                (Way::Kernel, None, Some((shim, grub))) => {
                    let how = format!("through this server's {} and {}", shim.name, grub.name);
                    (how, vec![whole(shim), whole(grub), kernel])
                }
                _ => {
                    said.push(format!(
                        "{arch}: this server has no signed loaders for it, so Secure Boot must \
                         be off; `bootwright bootloader import` takes shim and GRUB"
                    ));
                    continue;
                }
            };
            match self.chain(&chain) {
                Ok(words) => said.extend(words.into_iter().map(|w| format!("{arch}, {how}: {w}"))),
                Err(error) => said.push(format!("{arch}, {how}: not judged, {error}")),
            }
        }
        said
    }

    fn installed(&self, arch: Arch) -> Option<(&Loader, &Loader)> {
        let of = |kind| self.loaders.iter().find(move |l| l.kind == kind && l.arch == arch);
        Some((of(LoaderKind::Shim)?, of(LoaderKind::Grub)?))
    }

    /// What becomes of a chain, today and at the newest published SBAT level.
    fn chain(&self, chain: &[Content]) -> io::Result<Vec<String>> {
        let mut binaries = Vec::new();
        for content in chain {
            let binary = self.binary(content)?;
            binaries
                .push(binary.ok_or_else(|| io::Error::other("a file of it is no EFI program"))?);
        }
        let chain: Vec<&Binary> = binaries.iter().collect();
        let (oldest, newest) = (SbatLevel::default(), sbat::published().pop().unwrap_or_default());
        let own = self.across(&chain, &oldest);
        let strict = self.across(&chain, &newest);
        let mut said = vec![own.to_string()];
        let at = |which: fn(&Across) -> &secureboot::Verdict| {
            which(&own).starts != which(&strict).starts
        };
        if at(|a| &a.only_2011) || at(|a| &a.only_2023) {
            said.push(format!("at SBAT level {}: {strict}", newest.date));
        }
        Ok(said)
    }

    fn across(&self, chain: &[&Binary], level: &SbatLevel) -> Across {
        let (db, mok) = (Lists::default(), Lists::default());
        let now_s = i64::try_from(self.now.0 / 1000).unwrap_or(i64::MAX);
        let world = World { db: &db, dbx: self.dbx, mok: &mok, sbat_level: level, now_s };
        across(chain, &world)
    }

    fn judged(&self, asset: &Asset, binary: &Binary) -> Judged {
        let signers = binary.outer_signatures().map(|signature| {
            let leads = match signature.lead() {
                Some(lead) if lead.is_proved => format!(", which leads to {}", lead.anchor.subject),
                Some(lead) => format!(", which by its name leads to {}", lead.anchor.subject),
                None => String::new(),
            };
            format!("{}{leads}", signature.signer_name())
        });
        let components = binary.sbat.iter().flat_map(|sbat| &sbat.components);
        let newest = sbat::published().pop().unwrap_or_default();
        let mut verdict = Vec::new();
        for (component, lowest) in binary.sbat.iter().flat_map(|sbat| sbat.revoked_by(&newest)) {
            verdict.push(format!(
                "its component {} is of generation {}, and SBAT level {} revokes all below {lowest}",
                component.name, component.generation, newest.date
            ));
        }
        Judged {
            path: asset.path.clone(),
            machine: machine(binary.machine),
            signers: signers.collect(),
            sbat: components
                .take(SBAT_LINES_MAX)
                .map(|component| format!("{},{}", component.name, component.generation))
                .collect(),
            verdict,
        }
    }

    /// A program as it stands in the store; none if it is no EFI program at all.
    fn binary(&self, content: &Content) -> io::Result<Option<Binary>> {
        if content.size > FILE_MAX {
            return Err(io::Error::other(format!("it has more than {} MiB", FILE_MAX >> 20)));
        }
        let bytes = crate::import::read_whole(self.blobs, content)?;
        if !bytes.starts_with(b"MZ") {
            return Ok(None);
        }
        Binary::read(&bytes).map(Some).map_err(io::Error::other)
    }
}

fn whole(loader: &Loader) -> Content {
    Content::whole(loader.sha256, loader.size)
}

/// Whether a file deserves a look: by its name, or because the image is started by it.
fn is_program(asset: &Asset, image: &Image) -> bool {
    let recipe = &image.recipe;
    let named = asset.path.get(asset.path.len().saturating_sub(4)..);
    let started = recipe.kernel.iter().chain(recipe.kernels.iter().map(|kernel| &kernel.path));
    named.is_some_and(|end| end.eq_ignore_ascii_case(".efi"))
        || started.into_iter().any(|path| path.eq_ignore_ascii_case(&asset.path))
}

fn machine(number: u16) -> String {
    Arch::of_machine(number).map_or_else(|| format!("{number:#06x}"), |arch| arch.to_string())
}
