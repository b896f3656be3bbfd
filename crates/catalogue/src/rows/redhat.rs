//! Fedora, RHEL and their kin: anaconda's trees, live systems of dracut, CoreOS.

use crate::facts::{Facts, TreeInfo};
use crate::kernel::{self, Kernel};
use crate::recognise::Recognised;
use crate::row::{Need, Row, Tie};
use crate::tree::Tree;
use model::image::{Confidence, Way};

/// The second stage of anaconda is unpacked in memory.
const STAGE2_MIB: u32 = 2048;

/// Fedora, RHEL, Rocky, Alma, CentOS Stream, Oracle.
pub(crate) static ANACONDA: Row = Row {
    kind: "anaconda",
    name: "Installer of Fedora's family",
    needs: &[
        Need::Any(&[".treeinfo", ".discinfo"]),
        Need::Any(&["images/install.img", "LiveOS/squashfs.img"]),
        Need::Not("media.1/media"),
        Need::Not("boot/xen.gz"),
    ],
    kernel: &["images/pxeboot/vmlinuz"],
    initrds: &[&["images/pxeboot/initrd.img"]],
    args: "inst.repo={B} ip=dhcp BOOTIF={MAC-}",
    answer: Some(("kickstart", "inst.ks={A}")),
    more_mib: STAGE2_MIB,
    confidence: Confidence::A,
    facts: anaconda_facts,
    more: anaconda,
    ..Row::BLANK
};

fn anaconda_facts(tree: &Tree<'_>) -> Facts {
    TreeInfo::of(tree).facts()
}

fn anaconda(tree: &Tree<'_>, recognised: &mut Recognised) {
    let info = TreeInfo::of(tree);
    if let (Some(kernel), Some(initrd)) = (info.kernel, info.initrd) {
        named_by_treeinfo(tree, recognised, &kernel, &initrd);
    }
    if let Some(stage2) = info.stage2.filter(|stage2| tree.file(stage2).is_none()) {
        recognised.notes.push(format!(
            ".treeinfo names {} as the second stage, which is not there",
            model::text::show(stage2.as_bytes())
        ));
    }
    let repository = ["repodata/repomd.xml", "*/repodata/repomd.xml"];
    if repository.iter().all(|path| tree.glob(path).is_empty()) {
        recognised.recipe.args = "inst.stage2={B} ip=dhcp BOOTIF={MAC-}".to_owned();
        recognised.notes.push(
            "this disc has no packages: give inst.repo=URL of a repository of the same release in the \
             profile's arguments"
                .to_owned(),
        );
    }
    if tree.has_folder("ostree/") {
        recognised.notes.push(
            "it installs an image, not packages: put ostreecontainer --url=IMAGE into the kickstart"
                .to_owned(),
        );
    }
}

/// `.treeinfo` decides where kernel and initrd are, if it names files that are what it says.
fn named_by_treeinfo(tree: &Tree<'_>, recognised: &mut Recognised, kernel: &str, initrd: &str) {
    let (Some(kernel), Some(initrd)) = (tree.file(kernel), tree.file(initrd)) else { return };
    let Some(read) = Kernel::read(&tree.head(kernel, kernel::HEAD)) else { return };
    if recognised.recipe.kernel.as_deref() != Some(kernel) {
        recognised.recognised_by.push_str("; .treeinfo names another kernel, which is taken");
        recognised.archs = read.archs;
    }
    recognised.recipe.kernel = Some(kernel.to_owned());
    recognised.recipe.initrds = vec![initrd.to_owned()];
}

/// `images/pxeboot` alone, as mirrors have it, perhaps with the rest of its tree elsewhere.
pub(crate) static PXEBOOT: Row = Row {
    kind: "anaconda",
    name: "Installer of Fedora's family, to be booted from the network",
    needs: &[Need::File("images/pxeboot/initrd.img")],
    kernel: &["images/pxeboot/vmlinuz"],
    initrds: &[&["images/pxeboot/initrd.img"]],
    args: "ip=dhcp BOOTIF={MAC-}",
    answer: Some(("kickstart", "inst.ks={A}")),
    more_mib: STAGE2_MIB,
    confidence: Confidence::A,
    notes: &[NO_STAGE2],
    facts: anaconda_facts,
    ..Row::BLANK
};

/// The same two files without their folders; the kernel's release tells whose they are.
pub(crate) static PXEBOOT_BARE: Row = Row {
    needs: &[Need::File("initrd.img")],
    kernel: &["vmlinuz"],
    releases: &[".fc", ".el"],
    initrds: &[&["initrd.img"]],
    confidence: Confidence::B,
    ..PXEBOOT_ROW
};

const PXEBOOT_ROW: Row = Row {
    kind: "anaconda",
    name: "Installer of Fedora's family, to be booted from the network",
    args: "ip=dhcp BOOTIF={MAC-}",
    answer: Some(("kickstart", "inst.ks={A}")),
    more_mib: STAGE2_MIB,
    notes: &[NO_STAGE2],
    ..Row::BLANK
};

const NO_STAGE2: &str = "kernel and initrd alone: give inst.repo=URL of the tree they are from in the \
                         profile's arguments; second stage and packages come from there";

/// Fedora and EL live systems until 2024, made by livemedia-creator.
pub(crate) static LIVE: Row = Row {
    kind: "dracut-live",
    name: "Live system of Fedora's family",
    needs: &[Need::Not("repodata/repomd.xml"), Need::Not("coreos/*")],
    kernel: &["images/pxeboot/vmlinuz"],
    initrds: &[&["images/pxeboot/initrd.img"]],
    args: DRACUT,
    loads: &["LiveOS/squashfs.img"],
    confidence: Confidence::A,
    facts: live_facts,
    ..Row::BLANK
};

/// Fedora 42 and later, made by kiwi. An Agama installer of SUSE has the same files.
pub(crate) static LIVE_KIWI: Row = Row {
    needs: &[Need::Not("media.1/media")],
    ties: &[Tie::Volume("Fedora*"), Tie::File("EFI/fedora/*")],
    kernel: &["boot/*/loader/linux"],
    initrds: &[&["{K}initrd"]],
    ..LIVE_ROW
};

const LIVE_ROW: Row = Row {
    kind: "dracut-live",
    name: "Live system of Fedora's family",
    args: DRACUT,
    loads: &["LiveOS/squashfs.img"],
    confidence: Confidence::A,
    facts: live_facts,
    ..Row::BLANK
};

/// Needs dracut's module livenet in the initrd; the official ones have it.
const DRACUT: &str = "root=live:{B}/{LOAD} ro rd.live.image rd.neednet=1 ip=dhcp";

/// Volumes are called `Fedora-WS-Live-42`, `Fedora-KDE-Live-38-1-6`.
fn live_facts(tree: &Tree<'_>) -> Facts {
    let id = tree.volume().map_or("", |volume| volume.id.as_str());
    let name = id.split("-Live").next().filter(|name| id.len() > name.len());
    let name = name.and_then(|name| crate::facts::value(&format!("{name} live")));
    Facts { name, ..Facts::volume(tree, &["-Live-", "-Live", "-"]) }
}

/// Fedora CoreOS, RHCOS, SCOS. Their second stage could be appended to the initrd instead.
pub(crate) static COREOS: Row = Row {
    needs: &[Need::Any(&["coreos/igninfo.json", "coreos/kargs.json", "coreos/features.json"])],
    kernel: &["images/pxeboot/vmlinuz"],
    initrds: &[&["images/pxeboot/initrd.img"]],
    loads: &["images/pxeboot/rootfs.img"],
    confidence: Confidence::A,
    ..COREOS_ROW
};

/// The three files for network boot, by the names under which they are published.
pub(crate) static COREOS_SET: Row = Row {
    needs: &[Need::File("*-live*-rootfs*.img")],
    kernel: &["*-live*-kernel*"],
    initrds: &[&["*-live*-initramfs*.img"]],
    loads: &["*-live*-rootfs*.img"],
    confidence: Confidence::B,
    ..COREOS_ROW
};

const COREOS_ROW: Row = Row {
    kind: "coreos",
    name: "CoreOS",
    way: Way::Kernel,
    args: "coreos.live.rootfs_url={B}/{LOAD} ip=dhcp rd.neednet=1 ignition.firstboot \
           ignition.platform.id=metal",
    answer: Some(("ignition", "ignition.config.url={A}")),
    more_mib: 1024,
    notes: &["it runs from memory; to install it add coreos.inst.install_dev=/dev/DISK and \
         coreos.inst.ignition_url=URL in the profile's arguments"],
    facts: |tree| Facts::volume(tree, &["coreos-", "rhcos-", "scos-"]),
    ..Row::BLANK
};
