//! What some files are together: which recipe starts them, on which machines, and why we think so.
//!
//! In: paths, and a way to read the beginning of a file. Out: [`Recognised`]. Never: a guess by
//! name alone; a name says only where to look, the bytes decide.

use crate::efi;
use crate::kernel::{self, Kernel};
use model::Arch;
use model::image::{Recipe, SignedChain};
use secureboot::Pe;
use std::cmp::Reverse;

/// Where the version of a Debian netboot tree stands when only its inner folder is imported.
/// [`recognise`] asks for it like for a file of the image; whoever cannot read it gives nothing.
pub const ABOVE: &str = "../../version.info";

/// Files whose beginning is read while looking for a kernel.
const CANDIDATES_MAX: usize = 64;
/// Bytes read of a text.
const TEXT_MAX: usize = 16 * 1024;

/// What an image is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recognised {
    /// How it is started.
    pub recipe: Recipe,
    /// What it is, in words.
    pub title: String,
    /// Where it runs; empty means unknown.
    pub archs: Vec<Arch>,
    /// Why we think so, in words.
    pub recognised_by: String,
}

/// Reads the first bytes of a file: its path and how many; fewer, or none, if there are not so many.
pub type ReadHead<'a> = dyn Fn(&str, usize) -> Vec<u8> + 'a;

/// Says what these files are. The first row of the catalogue that fits wins.
pub fn recognise(paths: &[&str], read_head: &ReadHead<'_>) -> Recognised {
    let files = Files { paths, read: read_head };
    debian_installer(&files)
        .or_else(|| memtest(&files))
        .or_else(|| linux(&files))
        .or_else(|| efi(&files))
        .unwrap_or_else(|| only_files(&files))
}

/// The Debian installer's netboot tree: kernel and archive of one build, often with signed loaders.
fn debian_installer(files: &Files<'_>) -> Option<Recognised> {
    let mut found: Vec<Started> = files
        .named("linux")
        .filter_map(|path| files.started(path, &["initrd.gz"]))
        .filter(|start| files.is_debian_installer(&start.folder))
        .collect();
    // Images with signed loaders first, then the plain installer before its graphical twin.
    found.sort_by_key(|s| {
        (s.signed.is_none(), s.folder.contains("gtk"), s.folder.len(), s.folder.clone())
    });
    let start = found.first()?;
    let version = files.debian_version(&start.folder);
    let release = version.release.map(|r| format!(" {r}")).unwrap_or_default();
    let build = version.build.map(|b| format!(", build {b}")).unwrap_or_default();
    let mut recognised = start.recognised("debian-di");
    recognised.title = format!("Debian{release} installer{build} ({})", start.kernel.processor);
    recognised.recognised_by.push_str(&also(found.get(1..)));
    Some(recognised)
}

/// memtest86+ since version 6: one file that BIOS starts like a kernel and UEFI like a program.
fn memtest(files: &Files<'_>) -> Option<Recognised> {
    let mut found: Vec<(&str, Kernel)> = files
        .likely_kernels()
        .filter_map(|path| Some((path, Kernel::read(&files.head(path))?)))
        .filter(|(_, k)| k.version.as_deref().is_some_and(|v| v.starts_with("Memtest86+")))
        .collect();
    found.sort_by_key(|(path, k)| (Reverse(k.archs.len()), k.processor, path.len()));
    let (path, kernel) = found.first()?;
    Some(Recognised {
        recipe: Recipe {
            kind: "memtest86plus".into(),
            kernel: Some((*path).to_owned()),
            ..Recipe::default()
        },
        title: kernel.version.clone().unwrap_or_default(),
        archs: kernel.archs.clone(),
        recognised_by: format!("`{path}` calls itself a memory test in its header"),
    })
}

/// Any Linux kernel, with the initrds beside it.
fn linux(files: &Files<'_>) -> Option<Recognised> {
    let mut found: Vec<Started> =
        files.likely_kernels().filter_map(|path| files.started(path, &[])).collect();
    found.sort_by_cached_key(|s| {
        (s.initrds.is_empty(), Reverse(natural(&s.path)), s.path.len(), s.path.clone())
    });
    let start = found.first()?;
    let mut recognised = start.recognised("linux");
    let release = start.kernel.release().map(|r| format!(" {r}")).unwrap_or_default();
    recognised.title = format!("Linux{release} ({})", start.kernel.processor);
    recognised.recognised_by.push_str(&also(found.get(1..)));
    Some(recognised)
}

/// A single EFI application.
fn efi(files: &Files<'_>) -> Option<Recognised> {
    let programs = files.programs();
    let [(path, arch)] = programs.as_slice() else { return None };
    Some(Recognised {
        recipe: Recipe {
            kind: "efi".into(),
            kernel: Some((*path).to_owned()),
            ..Recipe::default()
        },
        title: format!("EFI application {}", base(path)),
        archs: vec![*arch],
        recognised_by: format!("`{path}` is an EFI application for {arch} and the only one"),
    })
}

fn only_files(files: &Files<'_>) -> Recognised {
    let programs = match files.programs().len() {
        0 => "no EFI application".to_owned(),
        n => format!("{n} EFI applications, of which one must be imported by itself"),
    };
    Recognised {
        recipe: Recipe { kind: "files".into(), ..Recipe::default() },
        title: match files.paths {
            [only] => (*only).to_owned(),
            many => format!("{} files", many.len()),
        },
        archs: Vec::new(),
        recognised_by: format!(
            "nothing that boots: looked for the Debian installer's `linux` and `initrd.gz`, for \
             memtest86+, for a Linux kernel (vmlinuz*, linux*, bzImage*, *Image*, kernel*, *.efi, *.bin \
             with a kernel's header), and found {programs}"
        ),
    }
}

/// A kernel and what is started with it.
struct Started {
    path: String,
    folder: String,
    kernel: Kernel,
    initrds: Vec<String>,
    signed: Option<SignedChain>,
    unsigned: Option<String>,
}

impl Started {
    fn recognised(&self, kind: &str) -> Recognised {
        let mut why = format!("`{}` is a kernel ({}", self.path, self.kernel.format);
        if let Some(release) = self.kernel.release() {
            why.push_str(&format!(", {}", model::text::show(release.as_bytes())));
        }
        why.push(')');
        for initrd in &self.initrds {
            why.push_str(&format!(", `{initrd}` an initrd"));
        }
        if let Some(chain) = &self.signed {
            why.push_str(&format!(", `{}` and `{}` signed loaders", chain.shim, chain.grub));
        }
        if let Some(unsigned) = &self.unsigned {
            why.push_str(&format!("; {unsigned}"));
        }
        Recognised {
            recipe: Recipe {
                kind: kind.to_owned(),
                kernel: Some(self.path.clone()),
                initrds: self.initrds.clone(),
                args: String::new(),
                signed: self.signed.clone(),
            },
            title: String::new(),
            archs: self.kernel.archs.clone(),
            recognised_by: why,
        }
    }
}

fn also(others: Option<&[Started]>) -> String {
    match others {
        Some([first, rest @ ..]) => {
            let more =
                if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            format!(
                "; also there: `{}`{more}, to be booted import its folder by itself",
                first.path
            )
        }
        _ => String::new(),
    }
}

/// What is said of a Debian installer in the texts beside it.
#[derive(Default)]
struct DebianVersion {
    release: Option<String>,
    build: Option<String>,
}

struct Files<'a> {
    paths: &'a [&'a str],
    read: &'a ReadHead<'a>,
}

impl Files<'_> {
    fn head(&self, path: &str) -> Vec<u8> {
        (self.read)(path, kernel::HEAD)
    }

    fn text(&self, path: &str) -> String {
        let asked = path == ABOVE || self.has(path);
        let bytes = if asked { (self.read)(path, TEXT_MAX) } else { Vec::new() };
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn has(&self, path: &str) -> bool {
        self.paths.contains(&path)
    }

    /// Files of exactly this name, anywhere.
    fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.paths.iter().copied().filter(move |p| base(p) == name).take(CANDIDATES_MAX)
    }

    /// Files that deserve a look whether they are a kernel: by name, or because there is one file.
    fn likely_kernels(&self) -> impl Iterator<Item = &str> {
        let single = self.paths.len() == 1;
        let likely = move |path: &&str| {
            let name = base(path).to_ascii_lowercase();
            let begins = ["vmlinu", "linux", "bzimage", "zimage", "image", "kernel", "memtest"];
            single
                || begins.iter().any(|b| name.starts_with(b))
                || [".efi", ".vmlinuz", ".bin", "-vmlinuz", "bzimage"]
                    .iter()
                    .any(|e| name.ends_with(e))
        };
        self.paths.iter().copied().filter(likely).take(CANDIDATES_MAX)
    }

    /// The kernel at `path` with its initrds and signed loaders; `must` names initrds it needs.
    fn started(&self, path: &str, must: &[&str]) -> Option<Started> {
        let folder = path.strip_suffix(base(path)).unwrap_or_default().to_owned();
        let kernel = Kernel::read(&self.head(path))?;
        let initrds = if must.is_empty() {
            self.initrds(path, &folder)
        } else {
            must.iter().map(|name| format!("{folder}{name}")).collect()
        };
        let good = |p: &String| self.has(p) && kernel::initrd(&(self.read)(p, 16)).is_some();
        if !initrds.iter().all(good) {
            return None;
        }
        let (signed, unsigned) = self.signed(&folder, &kernel);
        Some(Started { path: path.to_owned(), folder, kernel, initrds, signed, unsigned })
    }

    /// The initrd of a kernel: the one that carries its version, else the only one beside it.
    fn initrds(&self, path: &str, folder: &str) -> Vec<String> {
        let beside: Vec<&str> = self
            .paths
            .iter()
            .copied()
            .filter(|p| p.strip_prefix(folder).is_some_and(|name| !name.contains('/')))
            .filter(|p| {
                let name = base(p).to_ascii_lowercase();
                ["initrd", "initramfs"].iter().any(|part| name.contains(part))
            })
            .take(CANDIDATES_MAX)
            .filter(|p| kernel::initrd(&(self.read)(p, 16)).is_some())
            .collect();
        let version = base(path).split_once('-').map(|(_, version)| version);
        let own = version.and_then(|v| beside.iter().find(|p| base(p).contains(v)));
        match (own, beside.as_slice()) {
            (Some(own), _) => vec![(*own).to_owned()],
            (None, [only]) => vec![(*only).to_owned()],
            (None, many) => many
                .iter()
                .filter(|p| ["initrd", "initrd.img", "initrd.gz"].contains(&base(p)))
                .take(1)
                .map(|p| (*p).to_owned())
                .collect(),
        }
    }

    /// Shim and GRUB in the kernel's folder, for its processor and signed; else why not.
    fn signed(&self, folder: &str, kernel: &Kernel) -> (Option<SignedChain>, Option<String>) {
        let Some(arch) = kernel.archs.iter().find(|arch| arch.is_uefi()) else {
            return (None, None);
        };
        let Some(suffix) = arch.efi_suffix() else { return (None, None) };
        let shim = ["bootnet", "shim", "boot"]
            .iter()
            .map(|stem| format!("{folder}{stem}{suffix}.efi"))
            .find(|path| self.has(path));
        let grub = Some(format!("{folder}grub{suffix}.efi")).filter(|path| self.has(path));
        let (Some(shim), Some(grub)) = (shim, grub) else { return (None, None) };
        for path in [&shim, &grub] {
            let pe = Pe::read(&self.head(path)).ok();
            let pe = pe.filter(|pe| efi::application(pe) == Some(*arch));
            if !pe.is_some_and(|pe| pe.is_signed()) {
                let why = format!("`{path}` is not signed for {arch}, so there is no signed chain");
                return (None, Some(why));
            }
        }
        (Some(SignedChain { shim, grub }), None)
    }

    /// Every EFI application among the likely files.
    fn programs(&self) -> Vec<(&str, Arch)> {
        self.likely_kernels()
            .filter_map(|path| Some((path, efi::application(&Pe::read(&self.head(path)).ok()?)?)))
            .collect()
    }

    /// Whether the texts beside a kernel are the installer's.
    fn is_debian_installer(&self, folder: &str) -> bool {
        let version = self.debian_version(folder);
        version.build.is_some()
            || folder.contains("debian-installer/")
            || self.text(&format!("{folder}grub/grub.cfg")).contains("/debian-installer/")
            || self.text(&format!("{folder}boot-screens/txt.cfg")).contains("debian-installer/")
    }

    /// Release and build, from `version.info` two folders above the kernel or from the first help
    /// screen. Both say the same; arm64 has no screens, and an imported inner folder no info.
    fn debian_version(&self, folder: &str) -> DebianVersion {
        let info = match folder.trim_end_matches('/').rsplitn(3, '/').nth(2) {
            Some(above) => format!("{above}/version.info"),
            None if folder.matches('/').count() == 2 => "version.info".to_owned(),
            None if folder.is_empty() => ABOVE.to_owned(),
            None => String::new(),
        };
        let info = self.text(&info);
        let screen = self.text(&format!("{folder}boot-screens/f1.txt"));
        let after = |text: &str, label: &str, ends: &[char]| {
            let (_, rest) = text.split_once(label)?;
            let value = rest.trim_start().split(ends).next()?.trim().trim_end_matches('.');
            let shown: String = value.chars().filter(|c| !c.is_control()).take(64).collect();
            (!shown.is_empty()).then_some(shown)
        };
        DebianVersion {
            release: after(&info, "Debian version:", &['\n']).or_else(|| {
                after(&screen, "This is a Debian ", &['\n']).and_then(before_installation)
            }),
            build: after(&info, "Installer build:", &['\n'])
                .or_else(|| after(&screen, "It was built on ", &['\n'])),
        }
    }
}

/// `12 (bookworm) installation netboot image` → `12 (bookworm)`.
fn before_installation(text: String) -> Option<String> {
    text.split_once(" installation").map(|(release, _)| release.to_owned())
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A key by which `6.1.0-9` comes before `6.1.0-50`.
fn natural(text: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let words = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (word, tail) = tail.split_at(words);
        parts.push((number.parse().unwrap_or(0), word.to_owned()));
        rest = tail;
    }
    parts
}
