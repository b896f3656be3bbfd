//! XCP-ng and XenServer.

use crate::facts::TreeInfo;
use crate::row::{Need, Row};
use model::Arch;
use model::image::{Confidence, Way};

/// Xen with a Linux kernel and its archive as modules. UEFI goes through a GRUB that knows
/// `multiboot2`; BIOS needs a loader for multiboot.
pub(crate) static XCP_NG: Row = Row {
    kind: "xcp-ng",
    name: "XCP-ng or XenServer",
    needs: &[Need::Any(&["packages.xenserver", ".treeinfo"])],
    way: Way::Multiboot,
    kernel: &["boot/xen.gz"],
    initrds: &[&["boot/vmlinuz"], &["install.img"]],
    initrd_args: &["xencons=hvc console=hvc0", ""],
    args: "dom0_max_vcpus=1-16 dom0_mem=max:8192M",
    answer: Some(("xen-answerfile", "answerfile={A} install")),
    confidence: Confidence::C,
    facts: |tree| TreeInfo::of(tree).facts(),
    more: |_, recognised| {
        if recognised.archs.is_empty() {
            recognised.archs = vec![Arch::X86Bios, Arch::X64Uefi];
        }
    },
    ..Row::BLANK
};
