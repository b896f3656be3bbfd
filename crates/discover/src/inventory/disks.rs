//! Disks, by `/sys/block`.

use super::Root;
use model::hardware::Disk;

/// What is no disk of the machine: made by the kernel of other devices, of memory, or nothing.
const NO_DISKS: &[&str] = &["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "drbd", "zd"];
/// `/sys/block/*/size` counts in these, whatever the sectors of the disk are.
const SECTOR: u64 = 512;

/// All disks, in the order of their names.
pub(super) fn read(root: &Root) -> Vec<Disk> {
    let names = root.names("sys/block").into_iter();
    names
        .filter(|name| !NO_DISKS.iter().any(|no| is_one(name, no)))
        .filter_map(|name| disk(root, name))
        .collect()
}

/// `sr0` is one of `sr`; `srx` is not.
fn is_one(name: &str, kind: &str) -> bool {
    let rest = name.strip_prefix(kind);
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn disk(root: &Root, name: String) -> Option<Disk> {
    let at = format!("sys/block/{name}");
    let file = |file: &str| format!("{at}/{file}");
    // A path to a disk that shows itself under another name (NVMe with several paths).
    if root.number(&file("hidden")) == Some(1) {
        return None;
    }
    // An eMMC's own boot and replay partitions stand beside it as if they were disks.
    if name.starts_with("mmcblk") && (name.contains("boot") || name.contains("rpmb")) {
        return None;
    }
    let size_bytes = root.number(&file("size")).map(|sectors| sectors.saturating_mul(SECTOR));
    // A card reader without a card.
    if size_bytes == Some(0) && root.number(&file("removable")) == Some(1) {
        return None;
    }
    Some(Disk {
        size_bytes,
        model: model(root, &at),
        serial: serial(root, &at),
        wwn: root
            .line(&file("device/wwid"))
            .or_else(|| root.line(&file("wwid")))
            .filter(|name| is_wwn(name)),
        rotational: root.number(&file("queue/rotational")).map(|turns| turns == 1),
        transport: transport(&name, root.link(&at).as_deref().unwrap_or_default()),
        name,
    })
}

fn model(root: &Root, at: &str) -> Option<String> {
    let model = root.line(&format!("{at}/device/model")).or_else(|| {
        // SD cards and eMMC.
        root.line(&format!("{at}/device/name"))
    })?;
    // Of SATA disks the kernel calls the vendor so.
    let vendor = root.line(&format!("{at}/device/vendor")).filter(|vendor| {
        vendor != "ATA" && !vendor.starts_with("0x") && !model.starts_with(vendor.as_str())
    });
    Some(vendor.map_or_else(|| model.clone(), |vendor| format!("{vendor} {model}")))
}

fn serial(root: &Root, at: &str) -> Option<String> {
    let own = root.line(&format!("{at}/serial"));
    let of_device = || root.line(&format!("{at}/device/serial"));
    own.or_else(of_device).or_else(|| unit_serial(&root.bytes(&format!("{at}/device/vpd_pg80"))?))
}

/// The Unit Serial Number page of SCSI (SPC-5, 7.7.20), which the kernel makes for SATA as well.
fn unit_serial(page: &[u8]) -> Option<String> {
    let (head, rest) = page.split_first_chunk::<4>()?;
    let [_, code, length_high, length_low] = *head;
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    let text = rest.get(..length.min(rest.len())).filter(|_| code == 0x80)?;
    let text = String::from_utf8_lossy(text);
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

/// The kernel also writes `t10.` names, which are only model and serial once more.
fn is_wwn(name: &str) -> bool {
    ["naa.", "eui.", "uuid.", "0x"].iter().any(|kind| name.starts_with(kind))
}

/// How a disk is connected, by where its device stands.
fn transport(name: &str, link: &str) -> Option<String> {
    let parts = |begins: &str| {
        link.split('/').any(|part| {
            let rest = part.strip_prefix(begins);
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    let transport = if parts("usb") {
        "usb"
    } else if name.starts_with("nvme") {
        "nvme"
    } else if name.starts_with("mmcblk") {
        "mmc"
    } else if parts("ata") {
        "sata"
    } else if parts("end_device-") {
        "sas"
    } else if parts("session") {
        "iscsi"
    } else if parts("rport-") {
        "fc"
    } else if name.starts_with("vd") {
        "virtio"
    } else if name.starts_with("sd") {
        "scsi"
    } else {
        return None;
    };
    Some(transport.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_page_is_read_and_a_broken_one_is_none() {
        let page = |body: &[u8]| unit_serial(&[&[0, 0x80, 0, 6][..], body].concat());
        assert_eq!(page(b" WD-42"), Some("WD-42".to_owned()));
        assert_eq!(page(b"A"), Some("A".to_owned()), "shorter than it says");
        assert_eq!(page(b"      "), None);
        assert_eq!(unit_serial(&[0, 0x83, 0, 1, b'x']), None);
        assert_eq!(unit_serial(&[0]), None);
    }

    #[test]
    fn where_a_device_stands_says_how_it_is_connected() {
        let of = |name, link| transport(name, link);
        let ata = "../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda";
        let usb = "../devices/pci0000:00/0000:00:1d.0/usb1/1-1/1-1:1.0/host6/t/6:0:0:0/block/sdb";
        let sas = "../devices/pci/0000:03:00.0/host0/port-0:0/end_device-0:0/t/block/sdc";
        assert_eq!(of("sda", ata).as_deref(), Some("sata"));
        assert_eq!(of("sdb", usb).as_deref(), Some("usb"));
        assert_eq!(of("sdc", sas).as_deref(), Some("sas"));
        assert_eq!(of("vda", "../devices/pci/virtio2/block/vda").as_deref(), Some("virtio"));
        assert_eq!(of("xvda", "../devices/vbd-51712/block/xvda"), None);
    }
}
