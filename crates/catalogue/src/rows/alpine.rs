//! Alpine: its discs, which cannot be started over a network, and its netboot files, which can.

use crate::facts::Facts;
use crate::recognise::Recognised;
use crate::row::{Need, Row};
use crate::tree::Tree;
use model::image::Confidence;

/// A disc. Its initramfs is built without the network (from which version on is not known).
pub(crate) static DISC: Row = Row {
    kind: "alpine",
    name: "Alpine Linux",
    needs: &[
        Need::File(".alpine-release"),
        Need::Folder("apks/"),
        Need::File("boot/modloop-*"),
        Need::File("boot/vmlinuz-*"),
    ],
    confidence: Confidence::A,
    facts,
    more: disc,
    ..Row::BLANK
};

fn facts(tree: &Tree<'_>) -> Facts {
    // `alpine-std 3.20.3 240906`, or the number alone.
    let text = tree.text(".alpine-release");
    let words = text.lines().next().unwrap_or_default().split_whitespace();
    let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let version = words.into_iter().find(number).and_then(crate::facts::value);
    let folders = ["x86_64", "aarch64", "x86", "riscv64", "loongarch64"];
    let own = folders.iter().find(|name| tree.has_folder(&format!("apks/{name}/")));
    let processor = own.and_then(|name| crate::facts::processor(name));
    let from = version.is_some().then_some(".alpine-release");
    Facts { version, processor, from, ..Facts::default() }.or(Facts::volume(tree, &["alpine-"]))
}

fn disc(_: &Tree<'_>, recognised: &mut Recognised) {
    let version = recognised.version.as_deref().unwrap_or("VERSION");
    recognised.notes.push(format!(
        "the initramfs of this disc is built without the network: import alpine-netboot-{version}-ARCH\
         .tar.gz of the same version, unpacked, and point alpine_repo= at the folder apks of this image"
    ));
}

/// The netboot files: `boot/` of the tarball, or its content.
pub(crate) static NETBOOT: Row = Row {
    kind: "alpine",
    name: "Alpine Linux netboot",
    needs: &[Need::Not(".alpine-release")],
    kernel: &["boot/vmlinuz-lts", "vmlinuz-lts", "boot/vmlinuz-*", "vmlinuz-*"],
    initrds: &[&["{K}initramfs-*"]],
    args: "ip=dhcp modules=loop,squashfs modloop={B}/{LOAD}",
    // `{MAC}` and `{UUID}` in its URL would be replaced by the client.
    answer: Some(("apkovl", "apkovl={A}")),
    loads: &["boot/modloop-lts", "modloop-lts", "boot/modloop-*", "modloop-*"],
    confidence: Confidence::A,
    facts,
    more: netboot,
    ..Row::BLANK
};

fn netboot(tree: &Tree<'_>, recognised: &mut Recognised) {
    if tree.has_folder("apks/") {
        recognised.recipe.args.push_str(" alpine_repo={B}/apks");
        return;
    }
    recognised.notes.push(
        "packages are not here: give alpine_repo=URL in the profile's arguments, of a mirror's main/ \
         for the same version or of the folder apks of its disc"
            .to_owned(),
    );
}
