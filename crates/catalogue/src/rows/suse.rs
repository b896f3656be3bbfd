//! SUSE: linuxrc with YaST up to 15, Agama from 16 on.

use crate::facts::Facts;
use crate::recognise::Recognised;
use crate::row::{Need, Row, Tie};
use crate::tree::Tree;
use model::image::Confidence;

/// Leap and SLES up to 15, Tumbleweed.
pub(crate) static LINUXRC: Row = Row {
    kind: "suse-linuxrc",
    name: "openSUSE or SLES",
    needs: &[Need::File("media.1/media"), Need::File("media.1/products")],
    kernel: &["boot/*/loader/linux", "boot/aarch64/linux"],
    initrds: &[&["{K}initrd"]],
    args: "install={B} ifcfg=*=dhcp BOOTIF={MAC-}",
    answer: Some(("autoyast", "autoyast={A}")),
    more_mib: 1536,
    confidence: Confidence::A,
    notes: &[
        "where the tree's checksums were changed the installer needs insecure=1, and without a way to \
         the Internet self_update=0",
    ],
    facts: |tree| Facts::products(tree, "media.1/products"),
    ..Row::BLANK
};

/// Leap 16, SLES 16, the live system of Agama. `install=` and `autoyast=` mean nothing to it.
pub(crate) static AGAMA: Row = Row {
    kind: "suse-agama",
    name: "Agama installer of SUSE",
    needs: &[Need::Not("media.1/media")],
    ties: &[
        Tie::Volume("*agama*"),
        Tie::Volume("Leap-*"),
        Tie::Volume("SLE*"),
        Tie::File("install/media.1/products"),
        Tie::Release("-default"),
    ],
    kernel: &["boot/*/loader/linux"],
    initrds: &[&["{K}initrd"]],
    args: "root=live:{I} ip=dhcp BOOTIF={MAC-}",
    answer: Some(("agama", "inst.auto={A}")),
    loads: &["LiveOS/squashfs.img"],
    discs: 1,
    confidence: Confidence::A,
    facts: |tree| {
        Facts::products(tree, "install/media.1/products")
            .or(Facts::volume(tree, &["Leap-", "SLES-"]))
    },
    more: agama,
    ..Row::BLANK
};

fn agama(tree: &Tree<'_>, recognised: &mut Recognised) {
    let recipe = &mut recognised.recipe;
    // The disc is fetched whole, and the squashfs with it.
    let squashfs = std::mem::take(&mut recipe.loads.files);
    if tree.volume().is_none() {
        recipe.args = recipe.args.replace("{I}", "{B}/LiveOS/squashfs.img");
        recipe.loads.files = squashfs;
        recipe.loads.discs = 0;
    } else {
        let less = "root=live:URL of LiveOS/squashfs.img instead of the disc's";
        recipe.loads.less = Some(less.to_owned());
    }
    if tree.has_folder("install/repodata/") {
        recipe.args.push_str(" inst.install_url={B}/install");
        return;
    }
    recognised.notes.push(
        "it has no packages of its own: where the machine cannot reach SUSE's servers give \
         inst.install_url=URL in the profile's arguments"
            .to_owned(),
    );
}
