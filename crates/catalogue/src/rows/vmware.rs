//! ESXi 7 and 8.

use crate::facts::{BootCfg, Facts};
use crate::recognise::Recognised;
use crate::row::{Need, Row};
use crate::tree::Tree;
use model::image::{Confidence, Text, Way};

/// Modules that are looked for; ESXi 8 has 150.
const FILES_MAX: usize = 1000;

/// Its loader reads `boot.cfg` and loads what it names. Looking beside itself, it asks for
/// `01-aa-bb-cc-dd-ee-ff/boot.cfg` first and then for `boot.cfg`.
pub(crate) static ESXI: Row = Row {
    kind: "esxi",
    name: "VMware ESXi",
    needs: &[
        Need::Holds("boot.cfg", "modules="),
        Need::File("b.b00"),
        Need::Any(&["imgpayld.tgz", "imgdb.tgz"]),
    ],
    way: Way::Program,
    kernel: &["efi/boot/bootx64.efi", "efi/boot/bootaa64.efi"],
    args: "-c {B}/boot.cfg",
    answer: Some(("esxi-kickstart", "ks={A}")),
    confidence: Confidence::A,
    facts,
    more: esxi,
    ..Row::BLANK
};

fn facts(tree: &Tree<'_>) -> Facts {
    let cfg = BootCfg::read(&tree.text("boot.cfg")).unwrap_or_default();
    let version = crate::facts::value(&cfg.build);
    let from = version.is_some().then_some("boot.cfg");
    Facts { version, from, ..Facts::default() }.or(Facts::volume(tree, &["ESXI-"]))
}

fn esxi(tree: &Tree<'_>, recognised: &mut Recognised) {
    let recipe = &mut recognised.recipe;
    let mut missing = 0_usize;
    for path in ["boot.cfg", "efi/boot/boot.cfg"] {
        // The loader of UEFI HTTP Boot looks in its own folder.
        let Some(path) = tree.file(path) else { continue };
        let Some(cfg) = BootCfg::read(&tree.text(path)) else { continue };
        let lost = cfg.files().take(FILES_MAX).filter(|path| tree.file(path).is_none());
        missing = missing.max(lost.count());
        let text = Text { path: path.to_owned(), text: cfg.over_http() };
        recipe.texts.push(text);
    }
    if recipe.texts.is_empty() {
        recognised.notes.push("boot.cfg names no kernel: the disc is damaged".to_owned());
    }
    if missing > 0 {
        recognised.notes.push(format!(
            "boot.cfg names {missing} files that are not on the disc: it is damaged, or cut short"
        ));
    }
    if tree.file("mboot.c32").is_some() {
        recognised.notes.push(
            "its loader for BIOS is a program of Syslinux (mboot.c32), which is not started from here: \
             machines need UEFI, where 7.0 U2 and later also load by HTTP Boot"
                .to_owned(),
        );
    }
}
