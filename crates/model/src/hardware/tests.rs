//! Reports are bounded, safe to show, and keep what they said.

use super::*;
use proptest::prelude::*;

fn disk(name: &str) -> Disk {
    Disk { name: name.to_owned(), size_bytes: Some(8 << 30), ..Disk::default() }
}

#[test]
fn what_is_unknown_is_absent() {
    let nothing: Hardware = serde_json::from_str("{}").expect("every field may be absent");
    assert_eq!(nothing, Hardware::default());
    assert_eq!(nothing.says(), "no disk, 0 network cards");
    assert_eq!(nothing.largest_disk(), None);
}

#[test]
fn a_report_says_what_the_machine_is_in_a_line() {
    let hardware = Hardware {
        cpu: Cpu { model: Some("Xeon".into()), sockets: Some(2), cores: Some(16), threads: None },
        memory_mib: Some(65_536),
        disks: vec![disk("sda"), Disk { size_bytes: None, ..disk("sdb") }],
        nics: vec![Nic { name: "eno1".into(), ..Nic::default() }],
        firmware: FirmwareFacts { kind: Some(FirmwareKind::Uefi), ..FirmwareFacts::default() },
        system: SystemFacts {
            vendor: Some("Dell".into()),
            product: Some("R650".into()),
            ..SystemFacts::default()
        },
        tpm: Some(Tpm::V20),
        secure_boot: Enforced::On,
        ..Hardware::default()
    };
    assert_eq!(
        hardware.says(),
        "Dell R650, 2 x Xeon, 16 cores, 64.00 GiB of memory, 2 disks (8.00 GiB, size unknown), \
         1 network card, UEFI, TPM 2.0, Secure Boot on"
    );
}

#[test]
fn texts_are_cut_and_safe_and_blank_ones_are_absent() {
    let said = Hardware {
        system: SystemFacts {
            vendor: Some("  \t".into()),
            product: Some("x\u{1b}[31m".into()),
            serial: Some("ü".repeat(100)),
            uuid: None,
        },
        reported: Some(Now(7)),
        ..Hardware::default()
    };
    let kept = said.checked().expect("it is small");
    assert_eq!(kept.system.vendor, None);
    assert_eq!(kept.system.product.as_deref(), Some("x\\u{1b}[31m"));
    assert_eq!(kept.system.serial, Some(format!("{}…", "ü".repeat(64))));
    assert_eq!(kept.reported, None, "when it came is not the machine's to say");
}

#[test]
fn too_many_parts_and_parts_without_a_name_are_refused() {
    let many = Hardware { disks: vec![disk("sda"); DISKS_MAX + 1], ..Hardware::default() };
    assert_eq!(many.checked(), Err("65 disks are more than 64".to_owned()));
    let nics = vec![Nic { name: "a".into(), ..Nic::default() }; NICS_MAX + 1];
    let many = Hardware { nics, ..Hardware::default() };
    assert_eq!(many.checked(), Err("65 network cards are more than 64".to_owned()));
    let unnamed = Hardware { disks: vec![disk("")], ..Hardware::default() };
    assert_eq!(unnamed.checked(), Err("a disk has no name".to_owned()));
}

#[test]
fn a_machine_is_found_by_the_serial_of_its_disk_and_the_address_of_any_card() {
    let mac: HardwareAddress = "52:54:00:00:00:02".parse().expect("an address");
    let hardware = Hardware {
        disks: vec![Disk { serial: Some("WD-42".into()), ..disk("sda") }],
        nics: vec![Nic { name: "eth1".into(), mac: Some(mac), ..Nic::default() }],
        ..Hardware::default()
    };
    assert_eq!(hardware.texts().collect::<Vec<_>>(), ["WD-42"]);
    assert_eq!(hardware.macs().collect::<Vec<_>>(), [mac]);
}

prop_compose! {
    fn any_disk()(
        name in "\\PC{1,200}", size in any::<Option<u64>>(), model in any::<Option<String>>(),
        serial in any::<Option<String>>(), wwn in any::<Option<String>>(),
        rotational in any::<Option<bool>>(), transport in any::<Option<String>>(),
    ) -> Disk {
        Disk { name, size_bytes: size, model, serial, wwn, rotational, transport }
    }
}

proptest! {
    #[test]
    fn what_is_kept_is_bounded_and_comes_back_as_it_was(
        disks in prop::collection::vec(any_disk(), 0..8),
        model in any::<Option<String>>(), memory_mib in any::<Option<u64>>(),
    ) {
        let cpu = Cpu { model, ..Cpu::default() };
        let said = Hardware { disks, cpu, memory_mib, ..Hardware::default() };
        let kept = said.checked().expect("few parts, all with names");
        let written = serde_json::to_string(&kept).expect("plain values");
        let read: Hardware = serde_json::from_str(&written).expect("we wrote it");
        prop_assert_eq!(&read, &kept);
        // No character is written longer than `\u{10ffff}`, and `…` may follow.
        for disk in &kept.disks {
            prop_assert!(disk.serial.as_ref().is_none_or(|s| s.len() <= TEXT_MAX * 10 + 3));
            prop_assert!(!disk.name.chars().any(char::is_control));
        }
        prop_assert!(kept.weight() >= size_of::<Hardware>());
        let _ = kept.says();
    }
}
