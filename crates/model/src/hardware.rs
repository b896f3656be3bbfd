//! Hardware: what a machine says of its parts.
//!
//! A discovery boot or a hook of an installer reads it on the machine and sends it as JSON. It is
//! what somebody on the network said: [`Hardware::checked`] bounds it and makes it safe to show.
//! What is not known is absent, never zero.

use crate::address::HardwareAddress;
use crate::client::named;
use crate::event::show_bytes;
use crate::text::show;
use crate::time::Now;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest report, in bytes of JSON: 64 disks and 64 network cards with every field full.
pub const REPORT_MAX: usize = 64 << 10;
/// Disks in one report.
pub const DISKS_MAX: usize = 64;
/// Network cards in one report.
pub const NICS_MAX: usize = 64;
/// The longest text in a report, in bytes; the rest is cut off and replaced by `…`.
pub const TEXT_MAX: usize = 128;

named! {
    /// The kind of firmware that started the running system.
    FirmwareKind: "kind of firmware" {
        /// PC BIOS, or UEFI pretending to be one.
        Bios = "bios",
        /// UEFI.
        Uefi = "uefi",
    }
}

named! {
    /// The Trusted Platform Module.
    Tpm: "kind of TPM" {
        /// The machine shows none.
        None = "none",
        /// TPM 1.2.
        V12 = "1.2",
        /// TPM 2.0.
        V20 = "2.0",
    }
}

named! {
    /// Whether the firmware enforces signatures.
    Enforced: "state of Secure Boot" {
        /// It does.
        On = "on",
        /// It could, but does not.
        Off = "off",
        /// It does not say: BIOS, or variables that cannot be read.
        Unknown = "unknown",
    }
}

/// What a machine says of its parts.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Hardware {
    /// Processors.
    pub cpu: Cpu,
    /// Memory that is fitted, in MiB; where firmware does not say, what the kernel has of it.
    pub memory_mib: Option<u64>,
    /// Fixed and removable disks, by name.
    pub disks: Vec<Disk>,
    /// Ethernet cards, by name.
    pub nics: Vec<Nic>,
    /// Firmware.
    pub firmware: FirmwareFacts,
    /// The box.
    pub system: SystemFacts,
    /// Trusted Platform Module.
    pub tpm: Option<Tpm>,
    /// Secure Boot.
    pub secure_boot: Enforced,
    /// The hypervisor it is a guest of: `kvm`, `qemu`, `vmware`, …; none is real hardware or unknown.
    pub virtualization: Option<String>,
    /// When the report came; the server says so, not the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<Now>,
}

/// Processors.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Cpu {
    /// As the processor calls itself.
    pub model: Option<String>,
    /// Packages.
    pub sockets: Option<u32>,
    /// Cores of all packages.
    pub cores: Option<u32>,
    /// Threads of all cores.
    pub threads: Option<u32>,
}

/// A disk.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Disk {
    /// The kernel's name for it: `sda`, `nvme0n1`.
    pub name: String,
    /// Bytes.
    pub size_bytes: Option<u64>,
    /// Vendor and model.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// World-wide name, as the kernel writes it: `naa.5000…`, `eui.…`.
    pub wwn: Option<String>,
    /// Whether it turns.
    pub rotational: Option<bool>,
    /// How it is connected: `sata`, `sas`, `scsi`, `nvme`, `virtio`, `usb`, `mmc`.
    pub transport: Option<String>,
}

/// A network card.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Nic {
    /// The kernel's name for it.
    pub name: String,
    /// Its permanent address.
    pub mac: Option<HardwareAddress>,
    /// The kernel's driver.
    pub driver: Option<String>,
    /// Speed in Mbit/s, where there is a link.
    pub speed_mbit: Option<u32>,
    /// Whether there is a link.
    pub link: Option<bool>,
}

/// Firmware.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FirmwareFacts {
    /// Its kind.
    pub kind: Option<FirmwareKind>,
    /// Who made it.
    pub vendor: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its date, as it writes it.
    pub date: Option<String>,
}

/// The box.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SystemFacts {
    /// Who made it.
    pub vendor: Option<String>,
    /// What it is.
    pub product: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its UUID.
    pub uuid: Option<String>,
}

impl Default for Hardware {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            cpu: Cpu::default(),
            memory_mib: None,
            disks: Vec::new(),
            nics: Vec::new(),
            firmware: FirmwareFacts::default(),
            system: SystemFacts::default(),
            tpm: None,
            secure_boot: Enforced::Unknown,
            virtualization: None,
            reported: None,
        }
    }
}

impl Hardware {
    /// The same, bounded and safe to show, as it may be kept. `Err` says what is too much.
    pub fn checked(mut self) -> Result<Self, String> {
        if self.disks.len() > DISKS_MAX {
            return Err(format!("{} disks are more than {DISKS_MAX}", self.disks.len()));
        }
        if self.nics.len() > NICS_MAX {
            return Err(format!("{} network cards are more than {NICS_MAX}", self.nics.len()));
        }
        if self.disks.iter().any(|disk| disk.name.is_empty()) {
            return Err("a disk has no name".to_owned());
        }
        if self.nics.iter().any(|nic| nic.name.is_empty()) {
            return Err("a network card has no name".to_owned());
        }
        self.reported = None;
        self.each_text(&mut |text| *text = shown(text));
        self.each_optional(&mut |text| {
            *text = text.take().map(|text| shown(&text)).filter(|text| !text.is_empty());
        });
        Ok(self)
    }

    fn each_text(&mut self, f: &mut dyn FnMut(&mut String)) {
        self.disks.iter_mut().for_each(|disk| f(&mut disk.name));
        self.nics.iter_mut().for_each(|nic| f(&mut nic.name));
    }

    fn each_optional(&mut self, f: &mut dyn FnMut(&mut Option<String>)) {
        f(&mut self.cpu.model);
        f(&mut self.virtualization);
        for disk in &mut self.disks {
            f(&mut disk.model);
            f(&mut disk.serial);
            f(&mut disk.wwn);
            f(&mut disk.transport);
        }
        self.nics.iter_mut().for_each(|nic| f(&mut nic.driver));
        f(&mut self.firmware.vendor);
        f(&mut self.firmware.version);
        f(&mut self.firmware.date);
        f(&mut self.system.vendor);
        f(&mut self.system.product);
        f(&mut self.system.serial);
        f(&mut self.system.uuid);
    }

    /// The texts that somebody may look a machine up by: what it is, and its serials.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let system = [&self.system.vendor, &self.system.product, &self.system.serial];
        let own = system.into_iter().chain([&self.system.uuid, &self.cpu.model]);
        let disks = self.disks.iter().flat_map(|disk| [&disk.model, &disk.serial, &disk.wwn]);
        own.chain(disks).flatten().map(String::as_str)
    }

    /// The addresses of its network cards.
    pub fn macs(&self) -> impl Iterator<Item = HardwareAddress> {
        self.nics.iter().filter_map(|nic| nic.mac)
    }

    /// Bytes of the largest disk.
    pub fn largest_disk(&self) -> Option<u64> {
        self.disks.iter().filter_map(|disk| disk.size_bytes).max()
    }

    /// About so many bytes of memory that keeping it takes.
    pub fn weight(&self) -> usize {
        let mut texts = 0;
        let mut copy = self.clone();
        copy.each_text(&mut |text| texts += text.len());
        copy.each_optional(&mut |text| texts += text.as_ref().map_or(0, String::len));
        let parts = size_of_val(self.disks.as_slice()) + size_of_val(self.nics.as_slice());
        size_of::<Self>() + parts + texts
    }

    /// In a line: `Dell R650, 2 x Intel …, 64.0 GiB of memory, 2 disks (…), UEFI, Secure Boot on`.
    pub fn says(&self) -> String {
        let mut words = Vec::new();
        let whole = [&self.system.vendor, &self.system.product];
        let whole: Vec<&str> = whole.into_iter().flatten().map(String::as_str).collect();
        if !whole.is_empty() {
            words.push(whole.join(" "));
        }
        if let Some(cpu) = self.cpu.says() {
            words.push(cpu);
        }
        if let Some(mib) = self.memory_mib {
            words.push(format!("{} of memory", show_bytes(mib.saturating_mul(1 << 20))));
        }
        words.push(match self.disks.as_slice() {
            [] => "no disk".to_owned(),
            [disk] => format!("1 disk ({})", disk.size()),
            disks => {
                let sizes: Vec<String> = disks.iter().map(Disk::size).collect();
                format!("{} disks ({})", disks.len(), sizes.join(", "))
            }
        });
        words.push(match self.nics.len() {
            1 => "1 network card".to_owned(),
            count => format!("{count} network cards"),
        });
        match self.firmware.kind {
            Some(FirmwareKind::Bios) => words.push("BIOS".to_owned()),
            Some(FirmwareKind::Uefi) => words.push("UEFI".to_owned()),
            None => {}
        }
        match self.tpm {
            Some(Tpm::None) => words.push("no TPM".to_owned()),
            Some(tpm) => words.push(format!("TPM {tpm}")),
            None => {}
        }
        if self.secure_boot != Enforced::Unknown {
            words.push(format!("Secure Boot {}", self.secure_boot));
        }
        words.join(", ")
    }
}

impl Cpu {
    /// `2 x Intel(R) Xeon(R) …, 16 cores`.
    fn says(&self) -> Option<String> {
        let mut text = self.model.clone()?;
        if let Some(sockets) = self.sockets.filter(|sockets| *sockets > 1) {
            text = format!("{sockets} x {text}");
        }
        match self.cores {
            Some(1) => text.push_str(", 1 core"),
            Some(cores) => text.push_str(&format!(", {cores} cores")),
            None => {}
        }
        Some(text)
    }
}

impl Disk {
    /// Its size as people read it.
    pub fn size(&self) -> String {
        self.size_bytes.map_or_else(|| "size unknown".to_owned(), show_bytes)
    }
}

/// A text without the spaces around it, cut and safe.
fn shown(text: &str) -> String {
    let text = text.trim();
    let end = text.floor_char_boundary(TEXT_MAX);
    match text.split_at_checked(end) {
        Some((cut, rest)) if !rest.is_empty() => format!("{}…", show(cut.as_bytes())),
        _ => show(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests;
