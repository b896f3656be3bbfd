//! Firmware and what it says of the box: SMBIOS, EFI variables, ACPI.

use super::Root;
use model::hardware::{Enforced, FirmwareFacts, FirmwareKind, SystemFacts, Tpm};

/// `SecureBoot` of the EFI global variables (UEFI 2.10, 3.3).
const SECURE_BOOT: &str =
    "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// What makers leave in fields that they never filled. Two boxes that say so are not the same box.
const UNFILLED: &[&str] = &[
    "to be filled by o.e.m.",
    "default string",
    "not specified",
    "not applicable",
    "not available",
    "none",
    "n/a",
    "unknown",
    "empty",
    "0",
    "00000000",
    "0123456789",
    "123456789",
    "system serial number",
    "system product name",
    "system manufacturer",
    "chassis serial number",
    "o.e.m.",
    "oem",
    "invalid",
];

/// What SMBIOS says of firmware and box, by `/sys/class/dmi/id`.
#[derive(Debug, Default)]
pub(super) struct Dmi {
    bios_vendor: Option<String>,
    bios_version: Option<String>,
    bios_date: Option<String>,
    sys_vendor: Option<String>,
    product_name: Option<String>,
    product_serial: Option<String>,
    product_uuid: Option<String>,
}

impl Dmi {
    pub(super) fn read(root: &Root) -> Self {
        let field = |name: &str| {
            root.line(&format!("sys/class/dmi/id/{name}")).filter(|text| is_filled(text))
        };
        Self {
            bios_vendor: field("bios_vendor"),
            bios_version: field("bios_version"),
            bios_date: field("bios_date"),
            sys_vendor: field("sys_vendor"),
            product_name: field("product_name"),
            product_serial: field("product_serial"),
            product_uuid: field("product_uuid"),
        }
    }

    /// The box.
    pub(super) fn system(&self) -> SystemFacts {
        SystemFacts {
            vendor: self.sys_vendor.clone(),
            product: self.product_name.clone(),
            serial: self.product_serial.clone(),
            uuid: self.product_uuid.clone(),
        }
    }

    /// Where a hypervisor writes its name.
    pub(super) fn words(&self) -> Vec<&str> {
        let words = [&self.product_name, &self.sys_vendor, &self.bios_vendor];
        words.into_iter().flatten().map(String::as_str).collect()
    }
}

fn is_filled(text: &str) -> bool {
    !UNFILLED.contains(&text.to_ascii_lowercase().as_str())
}

/// Firmware.
pub(super) fn read(root: &Root, dmi: &Dmi) -> FirmwareFacts {
    let kind = match root.exists("sys/firmware/efi") {
        true => Some(FirmwareKind::Uefi),
        // A machine without EFI and without SMBIOS is no PC.
        false => root.exists("sys/class/dmi/id").then_some(FirmwareKind::Bios),
    };
    FirmwareFacts {
        kind,
        vendor: dmi.bios_vendor.clone(),
        version: dmi.bios_version.clone(),
        date: dmi.bios_date.clone(),
    }
}

/// Whether the firmware enforces signatures: four bytes of attributes, then 1 or 0.
pub(super) fn secure_boot(root: &Root) -> Enforced {
    match root.bytes(SECURE_BOOT).as_deref() {
        Some([_, _, _, _, 1]) => Enforced::On,
        Some([_, _, _, _, 0]) => Enforced::Off,
        _ => Enforced::Unknown,
    }
}

/// The TPM: what its driver says, else which ACPI table the firmware has for it.
pub(super) fn tpm(root: &Root) -> Option<Tpm> {
    match root.number("sys/class/tpm/tpm0/tpm_version_major") {
        Some(1) => return Some(Tpm::V12),
        Some(2) => return Some(Tpm::V20),
        _ => {}
    }
    let tables = root.names("sys/firmware/acpi/tables");
    let has = |name: &str| tables.iter().any(|table| table == name);
    match (has("TPM2"), has("TCPA")) {
        (true, _) => Some(Tpm::V20),
        (false, true) => Some(Tpm::V12),
        (false, false) => (!tables.is_empty()).then_some(Tpm::None),
    }
}
