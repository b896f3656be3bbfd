//! Which machine asks for a file. A MAC, UUID or address selects a public answer; it never proves
//! anything.

use super::FileAsk;
use crate::Engine;
use model::client::{Firmware, IpxeFeatures, Stage};
use model::quirk::UuidForm;
use model::{Arch, Client, HardwareAddress, Uuid};
use std::net::{IpAddr, Ipv4Addr};

/// Whom a configuration's name is for: `grub.cfg-01-MAC`, `-UUID`, `-C0A80164`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Named {
    /// The name says nothing.
    Nobody,
    Mac(HardwareAddress),
    Uuid(Uuid),
    Address(Ipv4Addr),
    /// Something else, or a shortened address: a loader trying one name after another.
    Other,
}

impl Named {
    pub(super) fn read(text: &str) -> Self {
        // Eight digits are an address in hexadecimal; shorter ones are prefixes of it, which mean
        // nothing here, for we know whom we answer.
        let digits = text.len() == 8 && text.chars().all(|c| c.is_ascii_hexdigit());
        if let (true, Ok(number)) = (digits, u32::from_str_radix(text, 16)) {
            return Self::Address(Ipv4Addr::from(number));
        }
        if let Ok(mac) = text.parse::<HardwareAddress>() {
            return Self::Mac(mac);
        }
        text.parse().map_or(Self::Other, Self::Uuid)
    }
}

impl Engine {
    /// The machine behind an ask: by what it says, by the name it asks for, by the address it
    /// asks from.
    pub(super) fn who(&self, ask: &FileAsk, named: &Named) -> Option<HardwareAddress> {
        if let Some(mac) = ask.says.mac {
            return Some(mac);
        }
        let of_uuid = |uuid: &Uuid| {
            let only = self.machines.with_uuid(uuid)?;
            // It asks by one of its cards.
            let by = self.by_address(ask).filter(|at| only.addresses().any(|own| own == *at));
            Some(by.unwrap_or(only.hardware))
        };
        match named {
            Named::Mac(mac) => return Some(*mac),
            Named::Uuid(uuid) => {
                return of_uuid(uuid).or_else(|| {
                    let at = self.by_address(ask)?;
                    let same = self.memory.client(&at).and_then(|c| c.uuid) == Some(*uuid);
                    same.then_some(at)
                });
            }
            Named::Address(address) => return self.holder_of(*address),
            // Whoever tries names in turn gets its answer under the first that fits.
            Named::Other => return None,
            Named::Nobody => {}
        }
        let by_uuid = ask.says.uuid.as_ref().and_then(of_uuid);
        by_uuid.or_else(|| self.by_address(ask))
    }

    pub(crate) fn by_address(&self, ask: &FileAsk) -> Option<HardwareAddress> {
        self.at_address(ask.from.ip(), ask.neighbour)
    }

    fn at_address(
        &self,
        from: IpAddr,
        neighbour: Option<HardwareAddress>,
    ) -> Option<HardwareAddress> {
        let from = match from {
            IpAddr::V4(from) => from,
            IpAddr::V6(from) => {
                // Who made its address by itself made it of its card, most likely (RFC 4291).
                let leased = self.leases6.of(from).and_then(|lease| lease.hardware);
                let made = || wire::dhcp6::duid::mac_in(from).map(HardwareAddress::mac);
                return leased.or(neighbour).or_else(made);
            }
        };
        let leased = self.leases.of(from).map(|lease| lease.hardware);
        leased.or(neighbour).or_else(|| self.memory.at_address(from))
    }

    /// The machine of the inventory that goes by an address which we serve on this link: who holds
    /// its lease, else whom the neighbour table names, else who was heard with it. It may be somebody
    /// else who only says so.
    #[must_use]
    pub fn machine_at(
        &self,
        from: IpAddr,
        link: &str,
        neighbour: Option<HardwareAddress>,
    ) -> Option<HardwareAddress> {
        let served = self.serves(link, from);
        let at = served.then(|| self.at_address(from, neighbour)).flatten()?;
        self.machines.get(&at).map(|machine| machine.hardware)
    }

    /// Whether the asker is, as far as the network shows, the machine it says it is: only then is
    /// what it says of itself filed.
    pub(super) fn speaks_for_itself(&self, ask: &FileAsk, hardware: &HardwareAddress) -> bool {
        self.by_address(ask).is_some_and(|at| self.filed(&at) == self.filed(hardware))
    }

    fn holder_of(&self, address: Ipv4Addr) -> Option<HardwareAddress> {
        // What was promised outranks what was overheard: anybody may ask for any address.
        let leased = self.leases.of(address).map(|lease| lease.hardware);
        leased.or_else(|| self.memory.at_address(address))
    }

    /// Everything known of who asks: what it said while it got its address, what is filed, and
    /// what the request itself says.
    pub(super) fn client_of(&self, ask: &FileAsk, hardware: HardwareAddress) -> Client {
        let mut client = self.remembered(&ask.link, hardware);
        let says = &ask.says;
        client.uuid = says.uuid.or(client.uuid);
        let serial = says.serial.as_ref().map(|text| model::text::show(text.as_bytes()));
        client.serial = serial.or(client.serial);
        client.memory_mib = says.memory_mib.or(client.memory_mib);
        let told = says.arch.as_deref().and_then(|arch| arch_of(arch, says.platform.as_deref()));
        client.arch = client.arch.or(told);
        if client.stage == Stage::Firmware {
            // What firmware loaded asks now.
            client.stage = Stage::Ipxe(IpxeFeatures { http: true, menu: true, told: false });
        }
        client
    }

    /// A client as it was last heard, or as its machine is filed.
    pub(crate) fn remembered(&self, link: &str, hardware: HardwareAddress) -> Client {
        let mut client = match self.memory.client(&hardware) {
            Some(client) => client.clone(),
            None => Client::unknown(link, hardware),
        };
        if let Some(machine) = self.machines.get(&hardware) {
            client.uuid = client.uuid.or(machine.uuid);
            client.serial = client.serial.or_else(|| machine.serial.clone());
            client.memory_mib = client.memory_mib.or(machine.memory_mib);
            client.arch = client.arch.or(machine.arch);
            client.vendor_class = client.vendor_class.or_else(|| machine.vendor_class.clone());
            let print = &mut client.fingerprint;
            if print.vendor_class.is_none() {
                // Not heard since the server began: what is filed of it.
                print.vendor_class.clone_from(&client.vendor_class);
                print.uuid = client.uuid.map_or(UuidForm::Absent, |_| UuidForm::Guid);
            }
            if client.firmware == Firmware::None {
                client.firmware = machine.firmware.unwrap_or(Firmware::None);
            }
            if client.stage == Stage::System && client.firmware != Firmware::None {
                client.stage = Stage::Ipxe(IpxeFeatures { http: true, menu: true, told: true });
            }
        }
        client
    }
}

/// iPXE's `${buildarch}` and `${platform}`, or one of our own names.
fn arch_of(arch: &str, platform: Option<&str>) -> Option<Arch> {
    if let Ok(arch) = arch.parse() {
        return Some(arch);
    }
    Some(match (arch, platform) {
        (_, Some("pcbios")) => Arch::X86Bios,
        ("i386", Some("efi")) => Arch::Ia32Uefi,
        ("x86_64", Some("efi")) => Arch::X64Uefi,
        ("arm32", _) => Arch::Arm32Uefi,
        ("arm64", _) => Arch::Arm64Uefi,
        ("riscv32", _) => Arch::Riscv32Uefi,
        ("riscv64", _) => Arch::Riscv64Uefi,
        ("loong64", _) => Arch::Loong64Uefi,
        _ => return None,
    })
}
