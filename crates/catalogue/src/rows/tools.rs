//! Tools: on a live system of Debian, and our own.

use crate::facts::Facts;
use crate::row::{Need, Row};
use model::image::Confidence;

/// Clonezilla. A whole job stands on its command line; alone it asks.
pub(crate) static CLONEZILLA: Row = Row {
    kind: "clonezilla",
    name: "Clonezilla live",
    needs: &[Need::File("Clonezilla-Live-Version")],
    kernel: &["live/vmlinuz*"],
    initrds: &[&["live/initrd*"]],
    args: "boot=live union=overlay username=user config components noswap edd=on nomodeset \
           net.ifnames=0 noprompt fetch={B}/{LOAD} ocs_live_run=ocs-live-general ocs_live_batch=no",
    loads: &["live/filesystem.squashfs"],
    confidence: Confidence::B,
    notes: &["a job is given in the profile's arguments: ocs_repository=URL, ocs_prerun=, \
         ocs_live_run=\"ocs-sr …\", ocs_postrun=, ocs_live_batch=yes"],
    facts: |tree| version(tree, "Clonezilla-Live-Version", "clonezilla-live-"),
    ..Row::BLANK
};

/// GParted live.
pub(crate) static GPARTED: Row = Row {
    kind: "gparted",
    name: "GParted live",
    needs: &[Need::File("GParted-Live-Version")],
    kernel: &["live/vmlinuz*"],
    initrds: &[&["live/initrd*"]],
    args: "boot=live config components union=overlay username=user noswap fetch={B}/{LOAD}",
    loads: &["live/filesystem.squashfs"],
    confidence: Confidence::B,
    facts: |tree| version(tree, "GParted-Live-Version", "gparted-live-"),
    ..Row::BLANK
};

/// Our own discovery boot, as `image import --discovery` makes it: a machine tells what is in it. The
/// kernel's own words would hide ours; where it fails, the machine starts again.
pub(crate) static DISCOVERY: Row = Row {
    kind: "discovery",
    name: "Hardware discovery",
    needs: &[Need::Begins("discovery.txt", &["Bootwright discovery "])],
    kernel: &["linux"],
    initrds: &[&["discovery.img"]],
    args: "rdinit=/init quiet panic=60 bootwright.server={S}",
    more_mib: 128,
    confidence: Confidence::A,
    notes: &["what comes after is bootwright.then=reboot, poweroff or wait in the profile's \
         arguments; without it the machine restarts"],
    facts: |tree| Facts::line(tree, "discovery.txt", &["Bootwright discovery "]),
    ..Row::BLANK
};

/// Both write `NAME-live-3.1.2-22-amd64` into their first line.
fn version(tree: &crate::tree::Tree<'_>, path: &'static str, name: &str) -> Facts {
    let facts = Facts::line(tree, path, &[name]);
    let version = facts.version.as_deref();
    let plain = version.map(|version| version.strip_suffix("-amd64").unwrap_or(version).to_owned());
    Facts { version: plain, ..facts }
}
