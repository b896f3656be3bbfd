//! Debian, by the answers of our starter: its own installer takes them, and a whole system is installed
//! from a mirror.

use super::installs::{LOGIN, SERIAL};
use super::{INSTALLER, Mode, Tried, World};
use lab::rig::guest::{Firmware, Guest, Own, Spec};
use lab::rig::need::need;
use lab::rig::ns::Link;
use lab::rig::{Trouble, installer, mirror};
use std::path::Path;
use std::time::Duration;

/// What the system has beside the packages that every Debian has; the first is debootstrap's wish.
const SYSTEM: [&str; 11] = [
    "usr-is-merged",
    "linux-image-amd64",
    "initramfs-tools",
    "zstd",
    "grub-efi-amd64",
    "grub-efi-amd64-signed",
    "shim-signed",
    "systemd-sysv",
    "udev",
    "ifupdown",
    "isc-dhcp-client",
];
const DISK_BYTES: u64 = 4 << 30;
/// On a processor that is emulated, with others busy on this one.
const INSTALLING: Duration = Duration::from_secs(60 * 60);
const STARTING: Duration = Duration::from_secs(10 * 60);

/// Where the mirror is, by address and by a name of ours.
const BY_ADDRESS: &str = "10.77.0.1";
const BY_NAME: &str = "deb.lab.example";
const FOLDER: &str = "/image/mirror/1";

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn debians_installer_takes_its_answers_and_asks_nothing() -> Tried {
    takes_its_answers(Firmware::SeaBios, Mode::Dhcp, BY_ADDRESS)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn debians_installer_takes_its_answers_on_a_link_without_ipv4() -> Tried {
    takes_its_answers(Firmware::OvmfIpv6, Mode::Ipv6, BY_NAME)
}

/// A whole Debian, its packages from a mirror that we serve ourselves.
#[test]
#[ignore = "a whole installation under QEMU, as root: `./x test --full` runs it"]
fn installs_debian_from_a_mirror() -> Tried {
    installs(Firmware::Ovmf, Mode::Dhcp, BY_ADDRESS).map(drop)
}

/// The same without IPv4: the mirror is found by its name, and so is the machine.
#[test]
#[ignore = "a whole installation under QEMU, as root: `./x test --full` runs it"]
fn installs_debian_from_a_mirror_on_a_link_without_ipv4() -> Tried {
    installs(Firmware::OvmfIpv6, Mode::Ipv6, BY_NAME)?.answers_to_its_name()
}

/// Debian's own installer: language, keyboard, network, name and mirror are answered, and what it asks for
/// next is the mirror. How the rest goes no mirror of a few packages can show.
fn takes_its_answers(firmware: Firmware, mode: Mode, mirror: &str) -> Tried {
    need(installer::PACKAGES)?;
    let mut world = World::new(firmware, mode, "pending")?;
    world.offering_from(Path::new(installer::DEBIAN), mirror)?;
    let spec = Spec { own: vec![empty_disk(&world)?], ..world.machine()? };
    world.guest = Some(Guest::start(&spec)?);
    world.arm(&format!("serial:{SERIAL}"))?;
    let asked = format!("{FOLDER}/dists/");
    world.until("it asks for its mirror", || Ok(world.server.log().text().contains(&asked)))?;
    let said = world.guest.as_ref().map(|guest| guest.serial().text()).unwrap_or_default();
    assert!(!said.contains(INSTALLER), "it asks which language: {said}");
    let of = world.deployment("d1")?;
    assert_eq!(of["state"], "begun", "{of}");
    Ok(())
}

fn installs(firmware: Firmware, mode: Mode, mirror: &str) -> Result<World, Trouble> {
    need(installer::PACKAGES)?;
    let mut world = World::new(firmware, mode, "pending")?;
    let packages = mirror::make(&SYSTEM)?.display().to_string();
    world.server.cli(&["image", "import", &packages, "--name", "mirror"])?;
    let tree = installer::of_debian(world.directory.path(), &SYSTEM)?;
    world.offering_from(&tree, mirror)?;
    let own = vec![empty_disk(&world)?];
    let spec = Spec { own, reboots: true, memory_mib: 1536, ..world.machine()? };

    let guest = world.armed_while_it_waits(&spec)?;
    guest.wait_for("LAB INSTALLER restarts", INSTALLING)?;
    // Through the network, to its own disk, to the console of what was installed.
    guest.wait_for("Debian GNU/Linux 12 lab-01 ttyS0", STARTING)?;
    guest.wait_for(LOGIN, STARTING)?;
    guest.stop();
    world.was_installed_once()?;
    println!("installed within {} s", world.deployment("d1")?["took_s"]);

    let said = world.once_more(&spec)?;
    assert!(said.contains("Debian GNU/Linux 12 lab-01 ttyS0"), "{said}");
    assert!(!said.contains(installer::SAYS), "it was installed again: {said}");
    Ok(world)
}

impl World {
    /// Offers the installer, with its packages from this host.
    fn offering_from(&self, tree: &Path, mirror: &str) -> Tried {
        if mirror == BY_NAME {
            self.server.cli(&["dns", "record", "add", BY_NAME, "AAAA", Link::SERVER_6])?;
        }
        let (host, folder) =
            (format!("mirror_host={mirror}"), format!("mirror_directory={FOLDER}"));
        self.offering(tree, &[&host, &folder])
    }
}

fn empty_disk(world: &World) -> Result<Own, Trouble> {
    Own::empty(world.directory.path().join(SERIAL), SERIAL, DISK_BYTES)
}
