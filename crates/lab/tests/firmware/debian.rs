//! Debian, by the answers of our starter: its own installer takes them, and a whole system is installed
//! from a mirror.

use super::installs::{LOGIN, SERIAL};
use super::{INSTALLER, Mode, PATIENCE, Tried, World};
use lab::rig::guest::{Firmware, Guest, Own, Spec};
use lab::rig::need::need;
use lab::rig::{installer, mirror};
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

/// Debian's own installer: language, keyboard, network, name and mirror are answered, and what it asks for
/// next is the mirror. How the rest goes no mirror of a few packages can show.
#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn debians_installer_takes_its_answers_and_asks_nothing() -> Tried {
    need(installer::PACKAGES)?;
    let mut world = World::new(Firmware::SeaBios, Mode::Dhcp, "pending")?;
    let tree = std::path::Path::new(installer::DEBIAN);
    world.offering(tree, &["mirror_host=10.77.0.1", "mirror_directory=/image/mirror/1"])?;
    let spec = Spec { own: vec![empty_disk(&world)?], ..world.machine()? };
    world.guest = Some(Guest::start(&spec)?);
    world.arm(&format!("serial:{SERIAL}"))?;
    let asked = "/image/mirror/1/dists/";
    world.until("it asks for its mirror", || Ok(world.server.log().text().contains(asked)))?;
    let said = world.guest.as_ref().map(|guest| guest.serial().text()).unwrap_or_default();
    assert!(!said.contains(INSTALLER), "it asks which language: {said}");
    let of = world.deployment("d1")?;
    assert_eq!(of["state"], "begun", "{of}");
    Ok(())
}

/// A whole Debian, its packages from a mirror that we serve ourselves.
#[test]
#[ignore = "a whole installation under QEMU, as root: `./x test --full` runs it"]
fn installs_debian_from_a_mirror() -> Tried {
    need(installer::PACKAGES)?;
    let mut world = World::new(Firmware::Ovmf, Mode::Dhcp, "pending")?;
    let mirror = mirror::make(&SYSTEM)?.display().to_string();
    world.server.cli(&["image", "import", &mirror, "--name", "mirror"])?;
    let tree = installer::of_debian(world.directory.path(), &SYSTEM)?;
    world.offering(&tree, &["mirror_host=10.77.0.1", "mirror_directory=/image/mirror/1"])?;
    let own = vec![empty_disk(&world)?];
    let spec = Spec { own, reboots: true, memory_mib: 1536, ..world.machine()? };

    world.guest.insert(Guest::start(&spec)?).wait_for("waits for approval", PATIENCE)?;
    world.arm(&format!("serial:{SERIAL}"))?;
    let guest = world.guest.as_mut().expect("it was switched on");
    guest.wait_for("LAB INSTALLER restarts", INSTALLING)?;
    // Through the network, to its own disk, to the console of what was installed.
    guest.wait_for("Debian GNU/Linux 12 lab-01 ttyS0", STARTING)?;
    guest.wait_for(LOGIN, STARTING)?;
    guest.stop();
    let of = world.deployment("d1")?;
    assert_eq!(of["state"], "done", "{of}");
    assert_eq!(world.state()?, "deployed");
    println!("installed within {} s", of["took_s"]);

    let said = world.once_more(&spec)?;
    assert!(said.contains("Debian GNU/Linux 12 lab-01 ttyS0"), "{said}");
    assert!(!said.contains(installer::SAYS), "it was installed again: {said}");
    Ok(())
}

fn empty_disk(world: &World) -> Result<Own, lab::rig::Trouble> {
    Own::empty(world.directory.path().join(SERIAL), SERIAL, DISK_BYTES)
}
