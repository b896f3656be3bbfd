//! FreeBSD and OpenBSD: recognised, and started as a disc where that is all there is.

use crate::facts::Facts;
use crate::recognise::Recognised;
use crate::row::{Need, Row};
use crate::tree::Tree;
use model::Arch;
use model::image::{Confidence, Way};

/// The stock disc wants a disc or NFS for its root. Its loader asks DHCP again, with user class
/// `FreeBSD`, and takes `root-path` only then.
pub(crate) static FREEBSD: Row = Row {
    kind: "freebsd",
    name: "FreeBSD",
    needs: &[
        Need::File("bin/freebsd-version"),
        Need::File("boot/kernel/kernel*"),
        Need::Folder("usr/freebsd-dist/"),
    ],
    way: Way::Disc,
    discs: 1,
    confidence: Confidence::C,
    notes: &[
        "a guess: the stock disc looks for itself or for NFS once its kernel runs, so it starts only \
         where the firmware keeps the disc as a drive (UEFI RAM disk); a build whose root is in memory \
         (mfsBSD) starts everywhere",
    ],
    facts: |tree| Facts::assigned(tree, "bin/freebsd-version", "USERLAND_VERSION"),
    more: freebsd,
    ..Row::BLANK
};

fn freebsd(tree: &Tree<'_>, recognised: &mut Recognised) {
    let id = tree.volume().map_or("", |volume| volume.id.as_str()).to_ascii_lowercase();
    recognised.archs = match id.split('_').find_map(crate::facts::processor) {
        Some(processor) => crate::facts::archs(processor).to_vec(),
        None if tree.file("boot/cdboot").is_some() => vec![Arch::X86Bios, Arch::X64Uefi],
        None => Vec::new(),
    };
}

/// Its loader speaks TFTP alone, and asks beside itself for `etc/boot.conf` and the kernel.
pub(crate) static OPENBSD: Row = Row {
    kind: "openbsd",
    name: "OpenBSD",
    needs: &[
        Need::File("*/*/bsd.rd"),
        Need::Any(&["*/*/pxeboot", "*/*/cdboot", "*/*/BOOTAA64.EFI"]),
    ],
    way: Way::Disc,
    discs: 1,
    confidence: Confidence::C,
    notes: &[
        "a guess: the disc is given to the firmware as a drive; its own way is pxeboot or BOOTX64.EFI \
         with etc/boot.conf (`boot bsd.rd`) and bsd.rd beside it, all by TFTP. Unattended it asks \
         http://NEXT-SERVER/MAC-install.conf, if it was started as auto_install",
    ],
    facts,
    more: |tree, recognised| {
        let path = tree.glob("*/*/bsd.rd").last().copied().unwrap_or_default();
        let told = path.split('/').nth(1).and_then(crate::facts::processor);
        recognised.archs = told.map(crate::facts::archs).unwrap_or_default().to_vec();
    },
    ..Row::BLANK
};

fn facts(tree: &Tree<'_>) -> Facts {
    let path = tree.glob("*/*/bsd.rd").last().copied().unwrap_or_default();
    let mut parts = path.split('/');
    let version = parts.next().and_then(crate::facts::value);
    let processor = parts.next().and_then(crate::facts::processor);
    Facts { version, processor, from: Some("the folder of bsd.rd"), ..Facts::default() }
}
