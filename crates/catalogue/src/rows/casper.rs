//! Ubuntu and what is made of it: everything that casper starts.

use crate::facts::Facts;
use crate::recognise::Recognised;
use crate::row::{Need, Row};
use crate::tree::Tree;
use model::image::{AnswerWay, Confidence};

/// casper fetches the disc and mounts it from memory.
const LIVE: &str = "boot=casper netboot=url ip=dhcp url={I}";

/// Ubuntu server and desktop since 20.04. The line is the server's; a desktop gets another below.
/// Without `cloud-config-url=/dev/null` cloud-init takes `url=` for its own and fetches the disc again.
pub(crate) static UBUNTU: Row = Row {
    kind: "ubuntu-casper",
    name: "Ubuntu",
    needs: &[Need::Any(&["casper/*.squashfs"]), Need::Begins(".disk/info", &["Ubuntu"])],
    kernel: &["casper/vmlinuz"],
    initrds: &[&["casper/initrd"]],
    args: "ip=dhcp url={I} cloud-config-url=/dev/null root=/dev/ram0 ramdisk_size=3500000",
    // The directory must answer user-data and meta-data. `nocloud-net` was its name before.
    answer: Some(("autoinstall", "autoinstall ds=nocloud;s={A}/")),
    discs: 1,
    more_mib: 2048,
    less: Some(
        "boot=casper netboot=nfs nfsroot=ADDRESS:/PATH, from an NFS server with the disc's files",
    ),
    confidence: Confidence::A,
    facts: Facts::disk_info,
    more: ubuntu,
    ..Row::BLANK
};

fn ubuntu(tree: &Tree<'_>, recognised: &mut Recognised) {
    let server = tree.text(".disk/info").trim_start().starts_with("Ubuntu-Server");
    let subiquity = tree.file("casper/install-sources.yaml").is_some();
    if !server {
        // Desktops have cloud-init too since they install with subiquity (23.04).
        let more = if subiquity { " cloud-config-url=/dev/null" } else { "" };
        recognised.recipe.args = format!("{LIVE}{more}");
    }
    if !server && !subiquity {
        recognised.recipe.answer = Some(ubiquity());
    }
    let year = recognised.version.as_deref().and_then(|version| version.split('.').next());
    if year.and_then(|year| year.parse::<u32>().ok()).is_some_and(|year| year < 20) {
        recognised.recipe.confidence = Some(Confidence::C);
        recognised.notes.push(
            "before 20.04 its first stage may not know how to fetch the disc (not tried)"
                .to_owned(),
        );
    }
    if tree.file("casper/hwe-vmlinuz").is_some() {
        recognised.notes.push(
            "a newer kernel is there too: casper/hwe-vmlinuz with casper/hwe-initrd, for hardware \
             that the first does not know"
                .to_owned(),
        );
    }
}

/// Mint, Pop, Zorin, elementary, the flavours of Ubuntu, Rescuezilla.
pub(crate) static DERIVATIVE: Row = Row {
    kind: "casper-derivative",
    name: "System made of Ubuntu",
    needs: &[Need::Any(&["casper/filesystem.squashfs", "casper*/*.squashfs"])],
    kernel: &["casper/vmlinuz*", "casper*/vmlinuz*"],
    initrds: &[&["{K}initrd*"]],
    args: LIVE,
    answer: Some(("preseed", "automatic-ubiquity preseed/url={A}")),
    discs: 1,
    confidence: Confidence::B,
    facts: Facts::disk_info,
    more: derivative,
    ..Row::BLANK
};

fn derivative(tree: &Tree<'_>, recognised: &mut Recognised) {
    if tree.file("casper/install-sources.yaml").is_some() {
        let argument = "autoinstall ds=nocloud;s={A}/".to_owned();
        let args = &mut recognised.recipe.args;
        args.push_str(" cloud-config-url=/dev/null");
        recognised.recipe.answer = Some(AnswerWay { format: "autoinstall".to_owned(), argument });
    } else {
        recognised.notes.push(
            "its installer may take a preseed file (automatic-ubiquity); that was not tried"
                .to_owned(),
        );
    }
}

/// Under its long name: casper takes `url=` for the disc.
fn ubiquity() -> AnswerWay {
    AnswerWay {
        format: "preseed".to_owned(),
        argument: "automatic-ubiquity preseed/url={A}".to_owned(),
    }
}
