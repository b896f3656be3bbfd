//! Debian: the installer's netboot tree, its discs, and live systems made with live-build.

use crate::facts::{Facts, archs};
use crate::recognise::{ABOVE, Recognised};
use crate::row::{Need, Row};
use crate::rows::bare::{Started, also};
use crate::tree::{TEXT_MAX, Tree, base};
use model::image::{AnswerWay, Confidence};

/// Files called `linux` that are read.
const KERNELS_MAX: usize = 64;

/// The installer is told its answers so; without any it asks at the console. Whether to go on where nobody is a
/// router it asks before it has them (its netcfg): whatever it needs may be on the link.
const PRESEED: &str =
    "auto=true priority=critical interface=auto netcfg/no_default_route=true url={A}";

/// netinst and DVD. Their own initrd has only the retriever for discs.
pub(crate) static INSTALLER_DISC: Row = Row {
    kind: "debian-di",
    name: "Debian installer",
    needs: &[
        Need::Begins(".disk/info", &["Debian GNU/Linux"]),
        Need::Folder("dists/"),
        Need::File("install.*/vmlinuz"),
        Need::Not("live/*.squashfs"),
    ],
    confidence: Confidence::A,
    facts: Facts::disk_info,
    more: installer_disc,
    ..Row::BLANK
};

fn installer_disc(tree: &Tree<'_>, recognised: &mut Recognised) {
    let folders = [("install.amd/", "amd64"), ("install.a64/", "arm64"), ("install.386/", "i386")];
    let found = folders.iter().find(|(folder, _)| tree.has_folder(folder));
    let processor = found.map_or("amd64", |(_, processor)| processor);
    recognised.archs = archs(processor).to_vec();
    let release = recognised.version.as_deref().unwrap_or("12");
    let major = release.split('.').next().unwrap_or(release);
    recognised.notes.push(format!(
        "the initrd of this disc reads discs only and cannot fetch over a network; import the folder \
         /usr/lib/debian-installer/images/{major}/{processor}/text/debian-installer/{processor} of the \
         Debian package debian-installer-{major}-netboot-{processor}, or netboot.tar.gz of the same \
         point release ({release}), unpacked: kernel and archive must match"
    ));
    if tree.has_folder("pool/") {
        recognised.notes.push(
            "served as a mirror, its tree has no signed Release file: the installer then needs \
             debian-installer/allow_unauthenticated=true (not tried)"
                .to_owned(),
        );
    }
}

/// Debian live, Kali, Parrot: everything that live-boot starts. `fetch=` wants an address in `{B}`:
/// names may not be resolved yet.
pub(crate) static LIVE: Row = Row {
    kind: "debian-live",
    name: "Debian live system",
    needs: &[Need::File("live/filesystem.squashfs")],
    kernel: &["live/vmlinuz*"],
    initrds: &[&["live/initrd*"]],
    args: "boot=live components ip=dhcp fetch={B}/{LOAD}",
    loads: &["live/filesystem.squashfs"],
    confidence: Confidence::A,
    facts: Facts::disk_info,
    ..Row::BLANK
};

/// The installer's netboot tree: kernel and archive of one build, often with signed loaders.
pub(crate) fn netboot(tree: &Tree<'_>) -> Option<Recognised> {
    let named =
        tree.likely_kernels().iter().filter(|path| base(path).eq_ignore_ascii_case("linux"));
    let mut found: Vec<Started> = named
        .take(KERNELS_MAX)
        .filter_map(|path| Started::read(tree, path, &["initrd.gz"]))
        .filter(|start| is_installer(tree, &start.folder))
        .collect();
    // Images with signed loaders first, then the plain installer before its graphical twin.
    found.sort_by_key(|s| {
        (s.signed.is_none(), s.folder.contains("gtk"), s.folder.len(), s.folder.clone())
    });
    let start = found.first()?;
    let told = Told::read(tree, &start.folder);
    let build = told.build.map(|b| format!(", build {b}")).unwrap_or_default();
    let release = told.release.as_deref().map(|r| format!(" {r}")).unwrap_or_default();
    let mut recognised = start.recognised("debian-di");
    recognised.title = format!("Debian{release} installer{build} ({})", start.kernel.processor);
    recognised.version = told.release;
    recognised.recognised_by.push_str(&also(found.get(1..)));
    recognised.recipe.answer =
        Some(AnswerWay { format: "preseed".to_owned(), argument: PRESEED.to_owned() });
    recognised.recipe.confidence = Some(Confidence::A);
    Some(recognised)
}

/// Whether the texts beside a kernel are the installer's.
fn is_installer(tree: &Tree<'_>, folder: &str) -> bool {
    Told::read(tree, folder).build.is_some()
        || folder.contains("debian-installer/")
        || tree.text(&format!("{folder}grub/grub.cfg")).contains("/debian-installer/")
        || tree.text(&format!("{folder}boot-screens/txt.cfg")).contains("debian-installer/")
}

/// What is said of a Debian installer in the texts beside it.
struct Told {
    release: Option<String>,
    build: Option<String>,
}

impl Told {
    /// Release and build, from `version.info` two folders above the kernel or from the first help
    /// screen. Both say the same; arm64 has no screens, and an imported inner folder no info.
    fn read(tree: &Tree<'_>, folder: &str) -> Self {
        let info = match folder.trim_end_matches('/').rsplitn(3, '/').nth(2) {
            Some(above) => tree.text(&format!("{above}/version.info")),
            None if folder.matches('/').count() == 2 => tree.text("version.info"),
            None if folder.is_empty() => {
                String::from_utf8_lossy(&tree.head(ABOVE, TEXT_MAX)).into_owned()
            }
            None => String::new(),
        };
        let screen = tree.text(&format!("{folder}boot-screens/f1.txt"));
        let after = |text: &str, label: &str, end: &str| {
            let (_, rest) = text.split_once(label)?;
            let line = rest.trim_start().split('\n').next()?;
            let value = line.split(end).next()?.trim().trim_end_matches('.');
            crate::facts::value(value)
        };
        Self {
            release: after(&info, "Debian version:", "\n")
                .or_else(|| after(&screen, "This is a Debian ", " installation")),
            build: after(&info, "Installer build:", "\n")
                .or_else(|| after(&screen, "It was built on ", "\n")),
        }
    }
}
