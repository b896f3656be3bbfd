//! What no row of the catalogue knows: a bare kernel, memtest86+, an EFI application, a disc that
//! boots, mere files.

use crate::kernel::{self, Kernel};
use crate::pe;
use crate::recognise::Recognised;
use crate::tree::{Tree, base, folder, natural, shown};
use model::Arch;
use model::image::{ArchKernel, Confidence, Loads, Recipe, SignedChain, Way};
use model::text::show;
use std::cmp::Reverse;

/// Files whose beginning is read while looking for a kernel.
const CANDIDATES_MAX: usize = 64;

/// Files that a memory test has around it on its own disc.
const MEMTEST_FILES_MAX: usize = 64;

/// memtest86+ since version 6: for BIOS a file that is started like a kernel, for UEFI one that is
/// an application as well. Only where nothing else could be meant: many discs carry one beside.
pub(crate) fn memtest(tree: &Tree<'_>) -> Option<Recognised> {
    let own = tree.volume().is_some_and(|volume| volume.id.starts_with("MT86"));
    if !own && tree.files().len() > MEMTEST_FILES_MAX {
        return None;
    }
    let kernels = kernels(tree);
    let is_memtest = |kernel: &Kernel| {
        kernel.version.as_deref().is_some_and(|version| version.starts_with("Memtest86+"))
    };
    if kernels.is_empty() || !kernels.iter().all(|(_, kernel)| is_memtest(kernel)) {
        return None;
    }
    let mut found = kernels;
    found.sort_by_key(|(path, k)| (Reverse(k.archs.len()), k.processor, path.len()));
    let (path, kernel) = found.first()?;
    // The file for UEFI has the same code for BIOS in front, but its makers give BIOS the other.
    let alone = |other: &&(&str, Kernel)| {
        other.1.archs == [Arch::X86Bios] && other.1.processor == kernel.processor
    };
    let bios = found.iter().find(alone).filter(|(other, _)| other != path);
    let bios = bios.map(|(path, _)| ArchKernel { arch: Arch::X86Bios, path: (*path).to_owned() });
    let version = show(kernel.version.as_deref().unwrap_or_default().as_bytes());
    Some(Recognised {
        recipe: Recipe {
            kind: "memtest86plus".into(),
            kernel: Some((*path).to_owned()),
            kernels: bios.into_iter().collect(),
            confidence: Some(Confidence::B),
            ..Recipe::default()
        },
        version: version.split_whitespace().nth(1).map(str::to_owned),
        title: version,
        archs: kernel.archs.clone(),
        recognised_by: format!("{} calls itself a memory test in its header", shown(path)),
        notes: vec!["memtest86+ is not signed: machines with Secure Boot refuse it".to_owned()],
        ..Recognised::default()
    })
}

/// A disc that says how it boots, and of which nothing else is known.
pub(crate) fn disc(tree: &Tree<'_>) -> Option<Recognised> {
    let volume = tree.volume().filter(|volume| volume.boots_bios || volume.boots_uefi)?;
    let id = show(volume.id.as_bytes());
    let name = if id.is_empty() { "without a name".to_owned() } else { format!("`{id}`") };
    let mut archs = Vec::new();
    if volume.boots_bios {
        archs.push(Arch::X86Bios);
    }
    if volume.boots_uefi {
        archs.extend(removable(tree));
    }
    let ways: Vec<&str> = [(volume.boots_bios, "BIOS"), (volume.boots_uefi, "UEFI")]
        .iter()
        .filter_map(|(boots, way)| boots.then_some(*way))
        .collect();
    let mut why = format!(
        "no row of the catalogue fits; the disc says that it boots on {} (El Torito)",
        ways.join(" and ")
    );
    if let Some((path, kernel)) = kernels(tree).first() {
        why.push_str(&format!("; {} is a kernel ({})", shown(path), kernel.words()));
    }
    Some(Recognised {
        recipe: Recipe {
            kind: "disc".into(),
            way: Way::Disc,
            loads: Loads { discs: 1, ..Loads::default() },
            confidence: Some(Confidence::C),
            ..Recipe::default()
        },
        title: format!("Disc {name} (a guess)"),
        archs,
        recognised_by: why,
        notes: vec![
            "a guess: the disc is given to the firmware as a drive, which works as long as the system \
             does not look for its own disc after its loader ran"
                .to_owned(),
        ],
        ..Recognised::default()
    })
}

/// What the disc holds for UEFI, by the names of removable media (UEFI 2.10, 3.5.1.1). Where the
/// files are only in the boot image, x64 is what they are for.
fn removable(tree: &Tree<'_>) -> Vec<Arch> {
    let all = [
        ("efi/boot/bootx64.efi", Arch::X64Uefi),
        ("efi/boot/bootaa64.efi", Arch::Arm64Uefi),
        ("efi/boot/bootia32.efi", Arch::Ia32Uefi),
        ("efi/boot/bootriscv64.efi", Arch::Riscv64Uefi),
    ];
    let there = all.iter().filter(|(path, _)| tree.file(path).is_some());
    let there: Vec<Arch> = there.map(|(_, arch)| *arch).collect();
    if there.is_empty() { vec![Arch::X64Uefi] } else { there }
}

/// Any Linux kernel, with the initrds beside it.
pub(crate) fn linux(tree: &Tree<'_>) -> Option<Recognised> {
    let likely = likely_kernels(tree);
    let mut found: Vec<Started> =
        likely.into_iter().filter_map(|path| Started::read(tree, path, &[])).collect();
    found.sort_by_cached_key(|s| {
        (s.initrds.is_empty(), Reverse(natural(&s.path)), s.path.len(), s.path.clone())
    });
    let start = found.first()?;
    let mut recognised = start.recognised("linux");
    let release = start.kernel.release().map(|r| show(r.as_bytes()));
    let shown = release.as_deref().map(|r| format!(" {r}")).unwrap_or_default();
    recognised.title = format!("Linux{shown} ({})", start.kernel.processor);
    recognised.version = release;
    recognised.recognised_by.push_str(&also(found.get(1..)));
    if let Some(unread) = unread(tree) {
        recognised.recognised_by.push_str(&format!("; {unread}"));
    }
    Some(recognised)
}

/// A single EFI application, where every file was looked at that could be another.
pub(crate) fn efi(tree: &Tree<'_>) -> Option<Recognised> {
    if unread(tree).is_some() {
        return None;
    }
    let programs = programs(tree);
    let [(path, arch)] = programs.as_slice() else { return None };
    Some(Recognised {
        recipe: Recipe {
            kind: "efi".into(),
            way: Way::Program,
            kernel: Some((*path).to_owned()),
            ..Recipe::default()
        },
        title: format!("EFI application {}", show(base(path).as_bytes())),
        archs: vec![*arch],
        recognised_by: format!("{} is an EFI application for {arch} and the only one", shown(path)),
        ..Recognised::default()
    })
}

/// Nothing that boots.
pub(crate) fn only_files(tree: &Tree<'_>) -> Recognised {
    let mut programs = match programs(tree).as_slice() {
        [] => "no EFI application".to_owned(),
        [(path, _)] => format!(
            "{}, an EFI application, which must be imported by itself to be started",
            shown(path)
        ),
        many => {
            format!("{} EFI applications, of which one must be imported by itself", many.len())
        }
    };
    if let Some(unread) = unread(tree) {
        programs.push_str(&format!("; {unread}"));
    }
    let mut paths = tree.files();
    Recognised {
        recipe: Recipe { kind: "files".into(), ..Recipe::default() },
        title: match (paths.len(), paths.next()) {
            (1, Some(only)) => show(only.as_bytes()),
            (many, _) => format!("{many} files"),
        },
        recognised_by: format!(
            "nothing that boots: no row of the catalogue fits; looked for the Debian installer's \
             `linux` and `initrd.gz`, for memtest86+, for a Linux kernel (vmlinuz*, linux*, bzImage*, \
             *Image*, kernel*, *.efi, *.bin with a kernel's header), and found {programs}"
        ),
        ..Recognised::default()
    }
}

/// A kernel and what is started with it.
pub(crate) struct Started {
    pub path: String,
    pub folder: String,
    pub kernel: Kernel,
    pub initrds: Vec<String>,
    pub signed: Option<SignedChain>,
    pub unsigned: Option<String>,
}

impl Started {
    /// The kernel at `path` with its initrds and signed loaders; `must` names initrds it needs.
    pub fn read(tree: &Tree<'_>, path: &str, must: &[&str]) -> Option<Self> {
        let folder = folder(path).to_owned();
        let kernel = Kernel::read(&tree.head(path, kernel::HEAD))?;
        let initrds = if must.is_empty() {
            initrds(tree, path, &folder, kernel.processor)
        } else {
            must.iter().map(|name| format!("{folder}{name}")).collect()
        };
        let good = |path: &String| tree.file(path).is_some_and(|path| is_initrd(tree, path));
        if !initrds.iter().all(good) {
            return None;
        }
        let (signed, unsigned) = signed(tree, &folder, &kernel);
        Some(Self { path: path.to_owned(), folder, kernel, initrds, signed, unsigned })
    }

    pub fn recognised(&self, kind: &str) -> Recognised {
        let mut why = format!("{} is a kernel ({})", shown(&self.path), self.kernel.words());
        for initrd in &self.initrds {
            why.push_str(&format!(", {} an initrd", shown(initrd)));
        }
        if let Some(chain) = &self.signed {
            let (shim, grub) = (shown(&chain.shim), shown(&chain.grub));
            why.push_str(&format!(", {shim} and {grub} signed loaders"));
        }
        if let Some(unsigned) = &self.unsigned {
            why.push_str(&format!("; {unsigned}"));
        }
        Recognised {
            recipe: Recipe {
                kind: kind.to_owned(),
                kernel: Some(self.path.clone()),
                initrds: self.initrds.clone(),
                signed: self.signed.clone(),
                ..Recipe::default()
            },
            archs: self.kernel.archs.clone(),
            recognised_by: why,
            ..Recognised::default()
        }
    }
}

/// What else could have been started.
pub(crate) fn also(others: Option<&[Started]>) -> String {
    match others {
        Some([first, rest @ ..]) => {
            let more =
                if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            format!(
                "; also there: {}{more}, to be booted import its folder by itself",
                shown(&first.path)
            )
        }
        _ => String::new(),
    }
}

fn is_initrd(tree: &Tree<'_>, path: &str) -> bool {
    kernel::initrd(&tree.head(path, kernel::INITRD_HEAD)).is_some()
}

/// The initrd of a kernel: the one that carries its version, else the only one beside it. None that
/// is called after another processor.
fn initrds(tree: &Tree<'_>, path: &str, folder: &str, processor: &str) -> Vec<String> {
    let mut beside: Vec<&str> = tree.glob(&format!("{folder}*initrd*"));
    beside.extend(tree.glob(&format!("{folder}*initramfs*")));
    // `x86` is said of both kinds.
    let own = |part: &str| {
        let other = crate::facts::processor(part).filter(|_| part != "x86");
        other.is_none_or(|other| other == processor || processor == "unknown")
    };
    beside.retain(|path| base(path).split(['-', '.']).all(own) && is_initrd(tree, path));
    let version = base(path).split_once('-').map(|(_, version)| version);
    let own = version.and_then(|v| beside.iter().find(|path| base(path).contains(v)));
    match (own, beside.as_slice()) {
        (Some(own), _) => vec![(*own).to_owned()],
        (None, [only]) => vec![(*only).to_owned()],
        (None, many) => many
            .iter()
            .filter(|path| ["initrd", "initrd.img", "initrd.gz"].contains(&base(path)))
            .take(1)
            .map(|path| (*path).to_owned())
            .collect(),
    }
}

/// Shim and GRUB in the kernel's folder, for its processor and signed; else why not.
fn signed(tree: &Tree<'_>, folder: &str, kernel: &Kernel) -> (Option<SignedChain>, Option<String>) {
    let Some(arch) = kernel.archs.iter().find(|arch| arch.is_uefi()) else {
        return (None, None);
    };
    let Some(suffix) = arch.efi_suffix() else { return (None, None) };
    let shim = ["bootnet", "shim", "boot"]
        .iter()
        .find_map(|stem| tree.file(&format!("{folder}{stem}{suffix}.efi")));
    let grub = tree.file(&format!("{folder}grub{suffix}.efi"));
    let (Some(shim), Some(grub)) = (shim, grub) else { return (None, None) };
    for path in [shim, grub] {
        let program = pe::application(&tree.head(path, kernel::HEAD));
        if !program.is_some_and(|program| program.arch == *arch && program.signed) {
            let why =
                format!("{} is not signed for {arch}, so there is no signed chain", shown(path));
            return (None, Some(why));
        }
    }
    (Some(SignedChain { shim: shim.to_owned(), grub: grub.to_owned() }), None)
}

/// Files that may be kernels, as many as are read: those first that are called like one, and last
/// those that may be anything.
fn likely_kernels<'t>(tree: &Tree<'t>) -> Vec<&'t str> {
    let mut likely = tree.likely_kernels().to_vec();
    likely.sort_by_key(|path| rank(base(path)));
    likely.truncate(CANDIDATES_MAX);
    likely
}

fn rank(name: &str) -> u8 {
    let name = name.to_ascii_lowercase();
    let kernel = ["vmlinu", "bzimage", "linux", "kernel"].iter().any(|own| name.starts_with(own));
    match name.rsplit_once('.').map(|(_, end)| end) {
        // Firmware, most of all.
        Some("bin") => 3,
        Some("efi") => 1,
        _ if kernel || name.ends_with("vmlinuz") || name.ends_with("bzimage") => 0,
        _ => 2,
    }
}

/// Says that there are more files that may be kernels or EFI applications than are read.
fn unread(tree: &Tree<'_>) -> Option<String> {
    let more = tree.likely_kernels().len().checked_sub(CANDIDATES_MAX).filter(|more| *more > 0)?;
    Some(format!(
        "{more} more files with the name of a kernel or an EFI application were not looked at"
    ))
}

/// Every kernel among the likely files.
fn kernels<'t>(tree: &Tree<'t>) -> Vec<(&'t str, Kernel)> {
    let likely = likely_kernels(tree).into_iter();
    likely.filter_map(|path| Some((path, Kernel::read(&tree.head(path, kernel::HEAD))?))).collect()
}

/// Every EFI application among the likely files.
fn programs<'t>(tree: &Tree<'t>) -> Vec<(&'t str, Arch)> {
    let likely = likely_kernels(tree).into_iter();
    likely
        .filter_map(|path| Some((path, pe::application(&tree.head(path, kernel::HEAD))?.arch)))
        .collect()
}
