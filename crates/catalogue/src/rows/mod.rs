//! The rows, a file for each family. The order here is the order in which they are tried: what is
//! more specific stands before what it is made of (Clonezilla before Debian live).

pub(crate) mod bare;

mod alpine;
mod arch;
mod bsd;
mod casper;
mod debian;
mod netboot;
mod proxmox;
mod redhat;
mod suse;
mod tools;
mod vmware;
mod windows;
mod xen;

use crate::recognise::Recognised;
use crate::row::Row;
use crate::tree::Tree;

/// All rows, in the order in which they are tried.
pub(crate) static ROWS: &[&Row] = &[
    &debian::INSTALLER_DISC,
    &tools::CLONEZILLA,
    &tools::GPARTED,
    &tools::DISCOVERY,
    &debian::LIVE,
    &casper::UBUNTU,
    &casper::DERIVATIVE,
    &redhat::ANACONDA,
    &redhat::COREOS,
    &redhat::COREOS_SET,
    &redhat::LIVE,
    &redhat::LIVE_KIWI,
    &netboot::FLATCAR_DISC,
    &netboot::FLATCAR_SET,
    &suse::LINUXRC,
    &suse::AGAMA,
    &arch::ARCH,
    &arch::MANJARO,
    &arch::SYSTEMRESCUE,
    &alpine::DISC,
    &alpine::NETBOOT,
    &netboot::NIXOS_DISC,
    &netboot::NIXOS_SET,
    &proxmox::PROXMOX,
    &vmware::ESXI,
    &xen::XCP_NG,
    &bsd::FREEBSD,
    &bsd::OPENBSD,
    &netboot::TALOS_DISC,
    &netboot::TALOS_SET_AMD64,
    &netboot::TALOS_SET_ARM64,
    &netboot::TALOS_UKI,
    &windows::WINDOWS,
    &redhat::PXEBOOT,
    &redhat::PXEBOOT_BARE,
];

/// Trees that were made for network boot and are told by what stands beside a kernel, wherever it is.
pub(crate) fn netboot(tree: &Tree<'_>) -> Option<Recognised> {
    debian::netboot(tree)
}

/// Whether a kind is none of the catalogue's rows.
pub(crate) fn is_bare(kind: &str) -> bool {
    ["linux", "efi", "disc", "files"].contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table can be wrong in ways that no image would show.
    #[test]
    fn every_row_says_what_it_is() {
        for row in ROWS {
            assert!(!row.kind.is_empty() && !row.name.is_empty(), "{}", row.kind);
            assert!(!row.needs.is_empty() || !row.kernel.is_empty(), "{}", row.kind);
            let starts = !row.kernel.is_empty() || row.way == model::image::Way::Disc;
            assert!(starts || row.args.is_empty(), "{}", row.kind);
            assert!(row.initrd_args.len() <= row.initrds.len(), "{}", row.kind);
            assert!(!row.args.contains("{LOAD}") || !row.loads.is_empty(), "{}", row.kind);
            let argument = row.answer.map_or("", |(_, argument)| argument);
            for word in [row.args, argument] {
                let left = ["{B}", "{S}", "{I}", "{A}", "{MAC-}", "{LOAD}"]
                    .iter()
                    .fold(word.to_owned(), |word, known| word.replace(known, ""));
                assert!(!left.contains(['{', '}', '"', '\'']), "{}: {word}", row.kind);
            }
        }
    }
}
