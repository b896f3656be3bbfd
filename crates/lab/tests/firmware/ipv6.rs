//! On a link without IPv4: addresses by DHCPv6, router advertisements, TFTP and HTTP over IPv6.

use super::{INSTALLER, MAC, Mode, PATIENCE, Tried, World, boots_the_installer, fetched_package};
use lab::rig::guest::Firmware;

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_pxe_boots_the_installer_over_ipv6() -> Tried {
    boots_the_installer(Firmware::OvmfIpv6, Mode::Ipv6)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_http_boots_the_installer_over_ipv6() -> Tried {
    boots_the_installer(Firmware::OvmfHttp, Mode::Ipv6)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ipxe_of_a_bios_card_boots_the_installer_over_ipv6() -> Tried {
    boots_the_installer(Firmware::SeaBios, Mode::Ipv6)
}

/// With the iPXE of Debian's next release: this one has none for arm64, and GRUB asks over IPv4.
#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn aavmf_boots_the_installer_over_ipv6() -> Tried {
    let mut world = World::new(Firmware::Aavmf, Mode::Ipv6, "menu")?;
    let newer = fetched_package("ipxe_")?.display().to_string();
    world.server.cli(&["bootloader", "import", &newer])?;
    world.offer_debian()?;
    world.switch_on(false)?.wait_for(INSTALLER, PATIENCE)
}

/// Its firmware comes by IPv6, its iPXE asks both: it is one machine all the same.
#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn a_machine_of_both_families_is_one_machine() -> Tried {
    let mut world = World::new(Firmware::OvmfIpv6, Mode::Both, "menu")?;
    world.offer_debian()?;
    world.switch_on(false)?.wait_for(INSTALLER, PATIENCE)?;
    let machines = world.server.cli(&["machine", "list", "--json"])?;
    let machines: serde_json::Value = serde_json::from_str(&machines).expect("JSON");
    let macs: Vec<_> = machines.as_array().into_iter().flatten().map(|one| &one["mac"]).collect();
    assert_eq!(macs, [MAC], "{machines}");
    Ok(())
}
