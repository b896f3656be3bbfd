//! Arch and what is made with archiso.

use crate::facts::Facts;
use crate::row::{Need, Row};
use model::image::Confidence;

/// Arch, EndeavourOS, BlackArch. `archiso_http_srv` must end in a slash. `cms_verify=y` would need
/// the detached signatures.
pub(crate) static ARCH: Row = Row {
    kind: "arch",
    name: "Arch Linux",
    needs: &[Need::File("arch/version")],
    kernel: &["arch/boot/x86_64/vmlinuz-linux", "arch/boot/*/vmlinuz-linux*"],
    initrds: &[&["{K}initramfs-linux*.img"]],
    args: "archisobasedir=arch archiso_http_srv={B}/ ip=dhcp BOOTIF={MAC-} checksum=y",
    // A script run by root in the live system.
    answer: Some(("script", "script={A}")),
    loads: &["arch/*/airootfs.sfs", "arch/*/airootfs.erofs"],
    confidence: Confidence::A,
    facts: |tree| Facts::line(tree, "arch/version", &[]),
    ..Row::BLANK
};

/// Manjaro renamed what it took over, and has its kernel beside the folder.
pub(crate) static MANJARO: Row = Row {
    kind: "arch",
    name: "Manjaro",
    needs: &[Need::Folder("manjaro/")],
    kernel: &["boot/vmlinuz-*", "manjaro/boot/vmlinuz-*"],
    initrds: &[&["{K}initramfs-*.img"]],
    args: "misobasedir=manjaro miso_http_srv={B}/ ip=dhcp BOOTIF={MAC-}",
    loads: &["manjaro/*/rootfs.sfs", "manjaro/*/*.sfs"],
    confidence: Confidence::B,
    facts: |tree| Facts::volume(tree, &["MANJARO"]),
    ..Row::BLANK
};

/// SystemRescue.
pub(crate) static SYSTEMRESCUE: Row = Row {
    kind: "systemrescue",
    name: "SystemRescue",
    needs: &[Need::File("sysresccd/VERSION")],
    kernel: &["sysresccd/boot/*/vmlinuz"],
    initrds: &[&["{K}sysresccd.img"]],
    args: "archisobasedir=sysresccd archiso_http_srv={B}/ ip=dhcp checksum",
    answer: Some(("sysrescuecfg", "sysrescuecfg={A}")),
    loads: &["sysresccd/*/airootfs.sfs", "sysresccd/*/airootfs.erofs"],
    confidence: Confidence::A,
    notes: &[
        "in the profile's arguments: rootpass=PASSWORD nofirewall to reach it over the network, \
         ar_source=URL for autorun scripts (the configuration file and that were not tried)",
    ],
    facts: |tree| Facts::line(tree, "sysresccd/VERSION", &["SystemRescue", "-", " "]),
    ..Row::BLANK
};
