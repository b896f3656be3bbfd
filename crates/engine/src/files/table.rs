//! The table of published names, and the names that loaders make up for themselves.

use crate::Engine;
use crate::reasons::Reasons;
use crate::tftp::names::key;
use model::image::{Content, LoaderKind, Wanted};
use model::plan::Decision;
use model::{Arch, Asset, Client, Image, Loader, Now};

/// A published file.
pub(super) struct Entry {
    pub(super) what: What,
    /// Whether firmware fetches it to start it: worth watching for loops.
    pub(super) first_stage: bool,
    /// See [`super::Found::steady`].
    pub(super) steady: bool,
}

/// What a name means.
pub(super) enum What {
    Bytes(Content),
    /// A text of a recipe, and the image it belongs to.
    Text(String, (String, u32)),
}

impl Entry {
    fn of_loader(loader: &Loader) -> Self {
        let first_stage = !matches!(loader.kind, LoaderKind::Grub | LoaderKind::Module);
        let what = What::Bytes(Content::whole(loader.sha256, loader.size));
        Self { what, first_stage, steady: false }
    }

    /// A file of an image, or what we write in its place.
    fn of_path(image: &Image, path: &str) -> Option<Self> {
        let text = image.recipe.texts.iter().find(|text| text.path.eq_ignore_ascii_case(path));
        match text {
            Some(text) => {
                let of = (image.name.clone(), image.version);
                let what = What::Text(text.text.clone(), of);
                Some(Self { what, first_stage: false, steady: false })
            }
            None => image.asset(path).map(|asset| Self::of_asset(image, asset)),
        }
    }

    fn of_asset(image: &Image, asset: &Asset) -> Self {
        let shim = image.recipe.signed.as_ref().map(|signed| signed.shim.as_str());
        Self {
            what: What::Bytes(asset.content()),
            first_stage: shim == Some(asset.path.as_str()),
            steady: false,
        }
    }
}

impl Engine {
    /// The file of this name for this client.
    pub(super) fn look_up(&self, now: Now, name: &str, client: Option<&Client>) -> Option<Entry> {
        if let Some(rest) = strip_dir(name, "image") {
            return self.of_image(rest);
        }
        let (dir, last) = name.rsplit_once('/').unwrap_or(("", name));
        if dir.is_empty()
            && let Some(beside) = self.beside_first_stage(last, client)
        {
            return Some(beside);
        }
        if let Some(loader) = self.loader_named(last) {
            return Some(Entry::of_loader(loader));
        }
        self.second_stage(last, client).or_else(|| self.of_planned_image(now, name, client))
    }

    /// `NAME/VERSION/PATH`, or `NAME/VERSION.iso`, the disc itself; the version may be a number or a
    /// channel.
    fn of_image(&self, rest: &str) -> Option<Entry> {
        let (name, rest) = rest.split_once('/')?;
        let (wanted, mut entry): (Wanted, Entry) = match rest.split_once('/') {
            Some((version, path)) => {
                let wanted = version.parse().ok()?;
                (wanted, Entry::of_path(self.image(name, wanted)?, path)?)
            }
            None => {
                let wanted = rest.strip_suffix(".iso")?.parse().ok()?;
                let disc = self.image(name, wanted)?.disc.as_ref()?;
                let what = What::Bytes(Content::whole(disc.sha256, disc.size));
                (wanted, Entry { what, first_stage: false, steady: false })
            }
        };
        entry.steady = matches!(wanted, Wanted::Version(_))
            && matches!(entry.what, What::Bytes(_))
            && !entry.first_stage;
        Some(entry)
    }

    fn loader_named(&self, file: &str) -> Option<&Loader> {
        let wanted = key(file);
        self.loaders.get(file).or_else(|| self.loaders.values().find(|l| key(&l.name) == wanted))
    }

    /// The second stage of an image's own shim, asked for in the root: a GRUB of ours of the same
    /// name would not be signed for it (Q67).
    fn beside_first_stage(&self, last: &str, client: Option<&Client>) -> Option<Entry> {
        let home = self.memory.loader_dir(&client?.hardware)?;
        self.of_image(&format!("{}/{last}", strip_dir(home, "image")?))
    }

    /// Names that a first stage makes up: shim wants its GRUB (or iPXE) beside itself, or in the
    /// root where firmware hid its directory from it (Q67, Q81).
    fn second_stage(&self, last: &str, client: Option<&Client>) -> Option<Entry> {
        let lower = last.to_ascii_lowercase();
        let arch = client.and_then(|client| client.arch);
        if lower.starts_with("grub") && lower.ends_with(".efi") {
            let arch = arch_of_suffix(&lower).or(arch)?;
            return self.loader(LoaderKind::Grub, arch).map(Entry::of_loader);
        }
        if lower == "ipxe.efi" || lower == "snponly.efi" {
            let kind = if lower == "ipxe.efi" { LoaderKind::Ipxe } else { LoaderKind::Snponly };
            return self.loader(kind, arch?).map(Entry::of_loader);
        }
        None
    }

    /// What the planned image has under this name: a Raspberry Pi asks for its files in the root
    /// or under its serial number, Windows' boot manager under names of its own.
    fn of_planned_image(&self, now: Now, name: &str, client: Option<&Client>) -> Option<Entry> {
        let decision = self.decide(now, client?, &mut Reasons::unread());
        let Decision::Boot(boot) = decision else { return None };
        let image = self.image(&boot.image, Wanted::Version(boot.version))?;
        let without_prefix = name.split_once('/').map(|(_, rest)| rest);
        [Some(name), without_prefix]
            .into_iter()
            .flatten()
            .find_map(|path| Entry::of_path(image, path))
    }

    /// What might be meant by a name that is not there.
    pub(super) fn hint(&self, name: &str) -> Option<String> {
        if let Some(rest) = strip_dir(name, "image") {
            let image = rest.split('/').next().unwrap_or(rest);
            return Some(match self.images.get(image) {
                None => format!("there is no image {}", model::text::show(image.as_bytes())),
                Some(_) => format!("image {image} has no such file or version"),
            });
        }
        let last = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        if last.ends_with(".efi") || last.ends_with(".kpxe") || last.ends_with(".0") {
            return Some("`bootwright bootloader list` shows what there is".into());
        }
        None
    }
}

fn strip_dir<'a>(name: &'a str, dir: &str) -> Option<&'a str> {
    name.split_once('/').filter(|(first, _)| *first == dir).map(|(_, rest)| rest)
}

/// `grubx64.efi`, `grubaa64.efi`.
fn arch_of_suffix(file: &str) -> Option<Arch> {
    let stem = file.trim_start_matches("grub").trim_end_matches(".efi");
    Arch::ALL.iter().copied().find(|arch| arch.efi_suffix() == Some(stem))
}

/// Names that firmware and loaders try and that need not exist.
pub(super) fn may_be_missing(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let optional_of_shim = (last.starts_with("revocations")
        || last.starts_with("shim_certificate"))
        && last.ends_with(".efi");
    let of_grub = last.ends_with(".lst") || last.ends_with(".mod") || last.ends_with(".pf2");
    let of_pi = matches!(last.as_str(), "bootsig.bin" | "recovery.elf" | "pieeprom.sig");
    optional_of_shim || of_grub || of_pi || last.starts_with("grub.cfg-")
}

/// `Content-Type` without parameters: UEFI compares the whole value (Q25).
pub(super) fn media(name: &str) -> &'static str {
    let ending = name.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    match ending.as_str() {
        "efi" => "application/efi",
        "iso" => "application/vnd.efi-iso",
        "img" => "application/vnd.efi-img",
        "ipxe" | "cfg" | "txt" => "text/plain",
        _ => "application/octet-stream",
    }
}
