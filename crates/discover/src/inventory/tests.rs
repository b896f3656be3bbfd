//! Made-up machines, as their kernels would show them.

use super::*;
use model::hardware::{Enforced, FirmwareKind, Tpm};
use std::os::unix::fs::symlink;
use tempfile::TempDir;

struct Made(TempDir);

impl Made {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, content).expect("a file");
        self
    }

    /// A link, as sysfs has them: what it leads to need not be there.
    fn link(&self, path: &str, to: &str) -> &Self {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        symlink(to, path).expect("a link");
        self
    }

    fn read(&self) -> Hardware {
        read(self.0.path())
    }

    fn disk(&self, name: &str, device: &str, sectors: u64) -> &Self {
        self.link(&format!("sys/block/{name}"), &format!("../devices/{device}/block/{name}"));
        self.file(&format!("sys/devices/{device}/block/{name}/size"), format!("{sectors}\n"))
    }
}

#[test]
fn a_server_is_read_as_it_is() {
    let made = Made::new();
    let cpu = "processor\t: 0\nmodel name\t: Xeon(R)   Gold\nphysical id\t: 0\ncore id\t: 0\n\
               flags\t\t: fpu vme\n\n";
    let second = cpu.replace("processor\t: 0", "processor\t: 1");
    let third = cpu.replace("physical id\t: 0", "physical id\t: 1");
    made.file("proc/cpuinfo", [cpu, &second, &third].concat());
    made.file("proc/meminfo", "MemTotal:       16384 kB\n");
    let sata = "pci0000:00/ata1/host0/target0:0:0/0:0:0:0";
    made.disk("sda", sata, 1_000_000);
    let at = format!("sys/devices/{sata}/block/sda");
    made.file(&format!("{at}/device/model"), "SAMSUNG MZ7\n");
    made.file(&format!("{at}/device/vendor"), "ATA     \n");
    made.file(&format!("{at}/device/vpd_pg80"), b"\0\x80\0\x08 S1-0001");
    made.file(&format!("{at}/device/wwid"), "naa.5002538e\n");
    made.file(&format!("{at}/queue/rotational"), "0\n");
    made.disk("nvme0n1", "pci0000:00/0000:01:00.0/nvme/nvme0", 4);
    made.file(
        "sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/block/nvme0n1/device/serial",
        "N-7\n",
    );
    for no in ["loop0", "sr0", "dm-0", "md127", "ram3"] {
        made.disk(no, "virtual", 99);
    }
    for (name, mac, device) in
        [("eno1", "02:00:00:00:00:01", true), ("br0", "02:00:00:00:00:02", false)]
    {
        let at = format!("sys/class/net/{name}");
        made.file(&format!("{at}/address"), format!("{mac}\n"));
        made.file(&format!("{at}/type"), "1\n");
        made.file(&format!("{at}/carrier"), "1\n");
        made.file(&format!("{at}/speed"), "10000\n");
        if device {
            made.link(&format!("{at}/device/driver"), "../../../bus/pci/drivers/ixgbe");
        }
    }
    made.file("sys/firmware/efi/config_table", "");
    made.file(
        "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
        [6, 0, 0, 0, 1],
    );
    made.file("sys/class/dmi/id/sys_vendor", "Dell Inc.\n");
    made.file("sys/class/dmi/id/product_name", "PowerEdge R650\n");
    made.file("sys/class/dmi/id/product_serial", "To Be Filled By O.E.M.\n");
    made.file("sys/class/dmi/id/bios_version", "1.8.2\n");
    made.file("sys/class/tpm/tpm0/tpm_version_major", "2\n");

    let read = made.read();
    assert_eq!(read.cpu.model.as_deref(), Some("Xeon(R) Gold"));
    assert_eq!((read.cpu.sockets, read.cpu.cores, read.cpu.threads), (Some(2), Some(2), Some(3)));
    assert_eq!(read.memory_mib, Some(16));
    let names: Vec<&str> = read.disks.iter().map(|disk| disk.name.as_str()).collect();
    assert_eq!(names, ["nvme0n1", "sda"]);
    let sda = &read.disks[1];
    assert_eq!(sda.size_bytes, Some(512_000_000));
    assert_eq!(sda.model.as_deref(), Some("SAMSUNG MZ7"));
    assert_eq!(sda.serial.as_deref(), Some("S1-0001"));
    assert_eq!(sda.wwn.as_deref(), Some("naa.5002538e"));
    assert_eq!((sda.rotational, sda.transport.as_deref()), (Some(false), Some("sata")));
    assert_eq!(read.disks[0].serial.as_deref(), Some("N-7"));
    assert_eq!(read.nics.len(), 1, "a bridge is no card");
    assert_eq!(read.nics[0].driver.as_deref(), Some("ixgbe"));
    assert_eq!((read.nics[0].speed_mbit, read.nics[0].link), (Some(10_000), Some(true)));
    assert_eq!(read.firmware.kind, Some(FirmwareKind::Uefi));
    assert_eq!(read.firmware.version.as_deref(), Some("1.8.2"));
    assert_eq!(read.system.product.as_deref(), Some("PowerEdge R650"));
    assert_eq!(read.system.serial, None, "nobody filled it in");
    assert_eq!(read.secure_boot, Enforced::On);
    assert_eq!(read.tpm, Some(Tpm::V20));
    assert_eq!(read.virtualization, None);
}

#[test]
fn a_guest_says_whose() {
    let made = Made::new();
    made.file("proc/cpuinfo", "processor : 0\nflags : fpu hypervisor\n");
    made.file("sys/class/dmi/id/sys_vendor", "QEMU\n");
    made.file("sys/firmware/acpi/tables/TCPA", "");
    let read = made.read();
    assert_eq!(read.virtualization.as_deref(), Some("qemu"));
    assert_eq!(read.firmware.kind, Some(FirmwareKind::Bios));
    assert_eq!(read.secure_boot, Enforced::Unknown);
    assert_eq!(read.tpm, Some(Tpm::V12));
}

#[test]
fn a_machine_that_shows_nothing_is_not_made_up() {
    assert_eq!(Made::new().read(), Hardware::default());
}

#[test]
fn disks_stand_in_the_order_people_count() {
    let mut names = ["sdaa", "sdb", "vda", "sdz", "nvme10n1", "nvme2n1", "eth10", "eth9"];
    names.sort_by_key(|name| natural(name));
    assert_eq!(names, ["eth9", "eth10", "nvme2n1", "nvme10n1", "sdb", "sdz", "sdaa", "vda"]);
}

#[test]
fn a_report_of_the_largest_machine_fits() {
    let made = Made::new();
    let long = "x".repeat(300);
    for n in 0..70 {
        let device = format!("pci/ata{n}/host{n}");
        let name = format!("sd{}{}", char::from(b'a' + n / 26), char::from(b'a' + n % 26));
        made.disk(&name, &device, 1 << 40);
        let at = format!("sys/devices/{device}/block/{name}/device");
        made.file(&format!("{at}/model"), "HGST HUH721212AL5200");
        made.file(&format!("{at}/serial"), "8DGZ3ABC");
        made.file(&format!("{at}/wwid"), "naa.5000cca270000000");
    }
    made.file("sys/class/dmi/id/product_name", &long);
    let read = made.read();
    assert_eq!(read.disks.len(), DISKS_MAX);
    let json = serde_json::to_vec(&read).expect("plain values");
    assert!(json.len() < model::hardware::REPORT_MAX, "{}", json.len());
}
