//! Discs in the library: imported as the ISO they are, booted without a disk.

use std::time::Duration;

use super::{Mode, PATIENCE, Tried, World};
use lab::rig::guest::Firmware;
use lab::rig::need::need;
use lab::rig::ns::Link;
use lab::rig::{iso, live};

/// memtest86+ paints its screen on the serial port too.
const SERIAL: &str = "console=ttyS0,115200";
/// A line that was begun is soon written.
const LINE: Duration = Duration::from_secs(20);
/// What stands on its screen once it tests: the name, and what it is at.
const SCREEN: [&str; 2] = ["Memtest86+ v", "Address test"];

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn seabios_boots_the_live_disc() -> Tried {
    boots_the_live_disc(Firmware::SeaBios)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_boots_the_live_disc() -> Tried {
    boots_the_live_disc(Firmware::Ovmf)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn seabios_boots_memtest_from_its_disc() -> Tried {
    boots_memtest(Firmware::SeaBios)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_boots_memtest_from_its_disc() -> Tried {
    boots_memtest(Firmware::Ovmf)
}

/// Nobody says a kernel argument but where its words go: the rest is the recipe's.
fn boots_the_live_disc(firmware: Firmware) -> Tried {
    let disc = live::disc()?;
    let mut world = World::new(firmware, Mode::Dhcp, "menu")?;
    world.offer("live", &disc.iso.display().to_string(), firmware.console())?;

    let guest = world.switch_on(false)?;
    guest.wait_for(live::REACHED, PATIENCE)?;
    // The same line goes on with what it runs from: other bytes are a failure.
    guest.wait_for(&disc.reached(), LINE)?;
    let said = guest.serial().text();
    let fetch = format!("fetch=http://{}/image/live/1/{}", Link::SERVER, live::SQUASHFS);
    assert!(said.contains(&fetch), "the kernel was not told {fetch:?}");
    let log = world.server.log().text();
    for file in ["live/vmlinuz", "live/initrd.img", live::SQUASHFS] {
        let fetched = format!("/image/live/1/{file} done");
        assert!(log.contains(&fetched), "the server does not say {fetched:?}");
    }
    Ok(())
}

fn boots_memtest(firmware: Firmware) -> Tried {
    need(iso::PACKAGES)?;
    need(iso::MEMTEST)?;
    let mut world = World::new(firmware, Mode::Dhcp, "menu")?;
    let disc = iso::memtest(world.directory.path())?;
    world.offer("memtest", &disc.display().to_string(), SERIAL)?;

    let guest = world.switch_on(false)?;
    SCREEN.iter().try_for_each(|words| guest.wait_for(words, PATIENCE))
}

impl World {
    /// Gives every machine this image, with these kernel arguments after the recipe's own.
    fn offer(&self, name: &str, path: &str, args: &str) -> Tried {
        self.server.cli(&["image", "import", path, "--name", name])?;
        self.server.cli(&["profile", "add", name, "--image", name, "--args", args])?;
        self.server.cli(&["rule", "add", "--profile", name]).map(drop)
    }
}
