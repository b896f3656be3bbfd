//! Proxmox: virtual environment, backup server, mail gateway.

use crate::facts::{Facts, assignment};
use crate::recognise::Recognised;
use crate::row::{Need, Row};
use crate::tree::Tree;
use model::image::Confidence;

/// The installer looks for its disc, and takes a file of this name in the initrd for it.
pub(crate) static PROXMOX: Row = Row {
    kind: "proxmox",
    name: "Proxmox",
    needs: &[
        Need::Any(&[
            "pve-installer.squashfs",
            "proxmox-installer.squashfs",
            "*-installer.squashfs",
        ]),
        Need::Any(&[".p*-cd-id.txt", ".cd-info", ".disk/info"]),
    ],
    kernel: &["boot/linux26"],
    initrds: &[&["boot/initrd.img"]],
    disc_as: Some("/proxmox.iso"),
    args: "ro ramdisk_size=16777216 rw quiet splash=silent",
    // No URL here: see the note.
    answer: Some(("proxmox", "proxmox-start-auto-installer")),
    discs: 2,
    confidence: Confidence::A,
    facts,
    more: proxmox,
    ..Row::BLANK
};

fn facts(tree: &Tree<'_>) -> Facts {
    // The same lines in both; newer discs have them where Debian's have a sentence.
    let texts = [(".cd-info", tree.text(".cd-info")), (".disk/info", tree.text(".disk/info"))];
    for (from, text) in texts {
        let Some(release) = assignment(&text, "RELEASE") else { continue };
        let version = match assignment(&text, "ISORELEASE") {
            Some(iso) => format!("{release}-{iso}"),
            None => release,
        };
        let name = assignment(&text, "PRODUCTLONG");
        return Facts { name, version: Some(version), from: Some(from), ..Facts::default() };
    }
    Facts::default()
}

fn proxmox(tree: &Tree<'_>, recognised: &mut Recognised) {
    if tree.file("auto-installer-capable").is_none() {
        recognised.recipe.answer = None;
        recognised.notes.push(
            "this version cannot install unattended (no auto-installer-capable): proxtui in the \
             profile's arguments gives its text form"
                .to_owned(),
        );
        return;
    }
    let fixed = if tree.file("auto-installer-mode.toml").is_some() {
        "the disc was prepared: auto-installer-mode.toml says where it asks"
    } else {
        "it asks at the URL of DHCP option 250 (with the certificate's SHA-256 in 251), else of the DNS \
         TXT record proxmox-auto-installer"
    };
    recognised.notes.push(format!(
        "unattended it posts a description of the machine and takes TOML back; {fixed}"
    ));
}
