//! What Secure Boot says of an image: who signed its EFI programs, and whether the chain by which a
//! machine would start it holds.
//!
//! In: an image whose bytes are kept, the loaders of this server, what machines revoke, the moment.
//! Out: [`model::image::SecureBoot`]. Never: a file written; a program of more than [`FILE_MAX`] read,
//! nor more than [`BYTES_MAX`] of all of them; trust given: firmware decides.

use crate::store::Blobs;
use model::image::{Image, Judged, LoaderKind, SecureBoot, Way};
use model::{Arch, Asset, Content, Loader, Now};
use secureboot::{Across, Binary, Lists, SbatLevel, World, across, sbat};
use std::io;

/// Bytes of the largest program that is looked at: it is held whole. Unified kernels have up to 150
/// MiB.
const FILE_MAX: u64 = 192 << 20;
/// Bytes of all programs of one image that are read: a disc may give many names to the same bytes.
const BYTES_MAX: u64 = 1 << 30;
/// Files of one image that are looked at, whatever they turn out to be.
const FILES_MAX: usize = 48;
/// Files that could not be read of which each has a sentence of its own.
const NOTES_MAX: usize = 8;
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

impl Audit<'_> {
    /// Looks at every EFI program of an image, and at the ways it is started.
    pub fn of(&self, image: &Image) -> SecureBoot {
        // The ways come first: what they rest on must not be crowded out by other files.
        let mut left = BYTES_MAX;
        let mut verdict = self.ways(image, &mut left);
        let mut programs = image.assets.iter().filter(|asset| is_program(asset, image));
        let mut files = Vec::new();
        let mut unread = 0_usize;
        for asset in programs.by_ref().take(FILES_MAX) {
            match self.binary(&asset.content(), &mut left) {
                Ok(Some(binary)) => files.push(self.judged(asset, &binary)),
                Ok(None) => {}
                Err(error) => {
                    if unread < NOTES_MAX {
                        verdict.push(format!("{} could not be read: {error}", asset.path));
                    }
                    unread = unread.saturating_add(1);
                }
            }
        }
        if unread > NOTES_MAX {
            verdict.push(format!("{} more could not be read", unread.saturating_sub(NOTES_MAX)));
        }
        let passed_over = programs.count();
        if passed_over > 0 {
            verdict.push(format!("{passed_over} more EFI programs were not looked at"));
        }
        SecureBoot { verdict, files }
    }

    /// The ways by which machines start it, each judged as a chain.
    fn ways(&self, image: &Image, left: &mut u64) -> Vec<String> {
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
            match self.chain(&chain, left) {
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
    fn chain(&self, chain: &[Content], left: &mut u64) -> io::Result<Vec<String>> {
        let mut binaries = Vec::new();
        for content in chain {
            let binary = self.binary(content, left)?;
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

    /// A program as it stands in the store; none if it is no EFI program at all. `left` are the
    /// bytes that may still be read.
    fn binary(&self, content: &Content, left: &mut u64) -> io::Result<Option<Binary>> {
        let begin = Content { size: content.size.min(2), ..content.clone() };
        if crate::import::read_whole(self.blobs, &begin)? != b"MZ" {
            return Ok(None);
        }
        if content.size > FILE_MAX {
            return Err(io::Error::other(format!("it has more than {} MiB", FILE_MAX >> 20)));
        }
        *left = left.checked_sub(content.size).ok_or_else(|| {
            let most = BYTES_MAX >> 20;
            io::Error::other(format!("no more than {most} MiB of an image's programs are read"))
        })?;
        let bytes = crate::import::read_whole(self.blobs, content)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use model::image::{Assets, Run};

    /// What is said of an image of so many `.efi` files, all of them the same part of one blob.
    fn audited(begin: &[u8], files: usize, size: u64) -> SecureBoot {
        let state = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open_at(state.path()).expect("a store");
        let (blob, _) = blobs.add(&mut { begin }, &mut |_| true).expect("kept");
        // Beyond what is there a disc never recorded anything, and it reads as zeros.
        let there = u64::try_from(begin.len()).expect("few");
        let runs =
            [Run { offset: Some(0), length: there }, Run { offset: None, length: size - there }];
        let asset = |n: usize| Asset {
            runs: Some(runs.into()),
            ..Asset::whole(format!("{n:04}.efi"), blob, size)
        };
        let mut image = Image::new("many", "here", Now(0));
        image.assets = (0..files).map(asset).collect::<Assets>();
        let lists = Lists::default();
        Audit { blobs: &blobs, loaders: &[], dbx: &lists, now: Now(0) }.of(&image)
    }

    #[test]
    fn many_names_of_one_part_cost_no_more_than_a_few() {
        let said = audited(b"MZ broken", 300, 4096);
        assert!(said.files.is_empty());
        assert_eq!(said.verdict.len(), NOTES_MAX + 2, "{:?}", said.verdict);
        assert_eq!(said.verdict[NOTES_MAX], "40 more could not be read");
        assert_eq!(said.verdict[NOTES_MAX + 1], "252 more EFI programs were not looked at");
    }

    #[test]
    fn what_is_no_program_is_left_after_two_bytes() {
        // Held whole, one of these would have more memory than there is.
        let said = audited(b"text", 60, 1 << 44);
        assert_eq!(said.verdict, ["12 more EFI programs were not looked at"]);
    }

    #[test]
    fn the_bytes_of_all_programs_together_are_bounded() {
        let said = audited(b"MZ broken", 48, 192 << 20);
        let most = said.verdict.iter().filter(|note| note.contains("no more than 1024 MiB"));
        // Five of 192 MiB fit in.
        assert_eq!(most.count(), NOTES_MAX - 5, "{:?}", said.verdict);
        let said = audited(b"MZ", 1, (192 << 20) + 1);
        assert_eq!(said.verdict, ["0000.efi could not be read: it has more than 192 MiB"]);
    }
}
