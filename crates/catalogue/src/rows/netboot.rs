//! Systems that are published for network boot: Flatcar, NixOS, Talos; and their discs.

use crate::facts::Facts;
use crate::kernel::{self, Kernel};
use crate::recognise::Recognised;
use crate::row::{Need, Row};
use crate::tree::Tree;
use model::image::{Confidence, Way};

/// Without `flatcar.first_boot` it does not look at its configuration.
const FLATCAR: Row = Row {
    kind: "flatcar",
    name: "Flatcar Container Linux",
    args: "flatcar.first_boot=1",
    answer: Some(("ignition", "ignition.config.url={A}")),
    confidence: Confidence::B,
    facts: |tree| Facts::assigned(tree, "version.txt", "FLATCAR_VERSION"),
    ..Row::BLANK
};

/// The disc.
pub(crate) static FLATCAR_DISC: Row = Row {
    needs: &[Need::Folder("flatcar/")],
    kernel: &["flatcar/vmlinuz*"],
    initrds: &[&["flatcar/cpio.gz", "flatcar/*cpio.gz"]],
    ..FLATCAR
};

/// The two files for PXE.
pub(crate) static FLATCAR_SET: Row = Row {
    needs: &[Need::File("flatcar_production_pxe*.vmlinuz")],
    kernel: &["flatcar_production_pxe*.vmlinuz"],
    initrds: &[&["flatcar_production_pxe_image*.cpio.gz"]],
    ..FLATCAR
};

/// A disc: its initrd looks for the volume's label.
pub(crate) static NIXOS_DISC: Row = Row {
    kind: "nixos",
    name: "NixOS",
    needs: &[
        Need::File("nix-store.squashfs"),
        Need::Any(&["boot/bzImage", "boot/nix/store/*/bzImage", "boot/nix/store/*"]),
    ],
    confidence: Confidence::B,
    notes: &["the initrd of this disc looks for the disc itself: build the netboot files \
         (config.system.build.netbootRamdisk, kernel and netbootIpxeScript) and import a folder with \
         bzImage, initrd and netboot.ipxe"],
    facts: |tree| Facts::volume(tree, &["nixos"]),
    more: |tree, recognised| {
        let id = tree.volume().map_or("", |volume| volume.id.as_str());
        let told = id.rsplit('-').find_map(crate::facts::processor);
        recognised.archs = told.map(crate::facts::archs).unwrap_or_default().to_vec();
    },
    ..Row::BLANK
};

/// What the netboot build makes. `init=` changes with every build and stands in its script.
pub(crate) static NIXOS_SET: Row = Row {
    kind: "nixos",
    name: "NixOS netboot",
    needs: &[Need::Holds("netboot*.ipxe", "init=/nix/store/")],
    kernel: &["bzImage*", "Image*", "*Image"],
    initrds: &[&["initrd", "initrd-*"]],
    confidence: Confidence::B,
    more: nixos_line,
    ..Row::BLANK
};

/// Arguments of the kernel in the script, of which those are left out that iPXE gives itself.
fn nixos_line(tree: &Tree<'_>, recognised: &mut Recognised) {
    let script = tree.glob("netboot*.ipxe").last().copied().unwrap_or_default();
    let text = tree.text(script);
    let lines = text.lines().map(str::trim);
    let line = lines.into_iter().find(|line| line.starts_with("kernel ")).unwrap_or_default();
    let fits = |word: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-._+=,:@".contains(c);
        word.chars().all(plain) && !word.starts_with("initrd=")
    };
    let words: Vec<&str> = line.split_whitespace().skip(2).filter(fits).take(64).collect();
    recognised.recipe.args = words.join(" ");
    let init = words.iter().find_map(|word| word.strip_prefix("init=/nix/store/"));
    match init.and_then(|path| path.split('/').next()) {
        Some(store) => {
            // `HASH-nixos-system-nixos-24.05.1234.abcdef`.
            let version = store.rsplit_once("nixos-").map(|(_, version)| version);
            recognised.version = version.and_then(crate::facts::value);
        }
        None => recognised.notes.push(
            "netboot.ipxe has no line `kernel … init=/nix/store/…` that could be read: give init= in \
             the profile's arguments"
                .to_owned(),
        ),
    }
}

/// Newer versions refuse to start without some of these.
const TALOS_ARGS: &str = "talos.platform=metal slab_nomerge pti=on init_on_alloc=1 consoleblank=0 \
                          nvme_core.io_timeout=4294967295 printk.devkmsg=on ima_template=ima-ng \
                          ima_appraise=fix ima_hash=sha512";

const TALOS: Row = Row {
    kind: "talos",
    name: "Talos Linux",
    args: TALOS_ARGS,
    // `${uuid}`, `${mac}`, `${serial}`, `${hostname}` in its URL would be replaced by the client.
    answer: Some(("talos", "talos.config={A}")),
    confidence: Confidence::B,
    facts: talos_facts,
    ..Row::BLANK
};

/// Volumes are called `TALOS_V1_7_5`.
fn talos_facts(tree: &Tree<'_>) -> Facts {
    let facts = Facts::volume(tree, &["TALOS"]);
    let version = facts.version.as_deref().map(|version| version.replace('_', "."));
    Facts { version, ..facts }
}

/// The disc.
pub(crate) static TALOS_DISC: Row = Row {
    needs: &[Need::File("boot/initramfs.xz")],
    kernel: &["boot/vmlinuz"],
    initrds: &[&["boot/initramfs.xz"]],
    ..TALOS
};

/// The two files for PXE. A kernel never goes with the initrd of another processor.
pub(crate) static TALOS_SET_AMD64: Row = Row {
    needs: &[Need::File("initramfs-amd64.xz")],
    kernel: &["vmlinuz-amd64"],
    initrds: &[&["initramfs-amd64.xz"]],
    more: talos_set,
    ..TALOS
};

/// The same for the other processor.
pub(crate) static TALOS_SET_ARM64: Row = Row {
    needs: &[Need::File("initramfs-arm64.xz")],
    kernel: &["vmlinuz-arm64"],
    initrds: &[&["initramfs-arm64.xz"]],
    more: talos_set,
    ..TALOS
};

fn talos_set(tree: &Tree<'_>, recognised: &mut Recognised) {
    let taken = recognised.recipe.kernel.clone().unwrap_or_default();
    let other = ["vmlinuz-amd64", "vmlinuz-arm64"].into_iter().find(|path| *path != taken);
    let other = other.and_then(|path| tree.file(path));
    let is_kernel = |path: &&str| Kernel::read(&tree.head(path, kernel::HEAD)).is_some();
    if let Some(path) = other.filter(is_kernel) {
        recognised.notes.push(format!(
            "{} is there for the other processor: import each pair in a folder of its own",
            crate::tree::shown(path)
        ));
    }
}

/// A disc that has only a unified kernel image.
pub(crate) static TALOS_UKI: Row = Row {
    needs: &[Need::File("EFI/Linux/*.efi")],
    way: Way::Program,
    kernel: &["EFI/Linux/talos*.efi"],
    confidence: Confidence::C,
    notes: &[
        "kernel, initrd and arguments are one signed file: with Secure Boot it takes no other arguments, \
         and so no machine configuration",
    ],
    ..TALOS
};
