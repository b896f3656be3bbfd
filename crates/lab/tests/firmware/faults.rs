//! Faults that are built in, and real firmware that meets them: each ends in the right verdict, by
//! itself.

use super::https::{LONG_AGO, over_https, trouble};
use super::{Mode, PATIENCE, Tried, World};
use lab::rig::dnsmasq::Dnsmasq;
use lab::rig::firewall::{Drops, Firewall};
use lab::rig::guest::{Firmware, Guest, Spec};
use lab::rig::need::need;
use lab::rig::{Trouble, installer};
use model::diagnosis::Code;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tls::{Ask, Store};

const MAC: &str = "52:54:00:77:00:01";
/// A boot is judged five minutes after the last word of a kernel, and earlier before it.
const TO_THE_VERDICT: Duration = Duration::from_secs(900);
const LOOK_EVERY: Duration = Duration::from_secs(2);

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn ovmf_behind_a_firewall_that_does_not_know_tftp() -> Tried {
    let mut world = World::new(Firmware::Ovmf, Mode::Dhcp, "menu")?;
    let firewall = Firewall::before_the_server(&world.link, Drops::AnswersFromOtherPorts)?;
    world.switch_on(false)?;
    world.dies_of(Code::TftpAnswersBlocked, "single_port = true")?;
    assert!(firewall.dropped() > 0);
    Ok(())
}

/// Beside another server GRUB does not find its configuration, so iPXE is given, which nobody signed.
#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn ovmf_secure_boot_refuses_a_loader_that_nobody_signed() -> Tried {
    let mut world = World::new(Firmware::OvmfSecureBoot, Mode::Proxy, "menu")?;
    world.switch_on(false)?;
    world.dies_of(Code::LoaderRefused, "is not signed")
}

/// The switch does not trust our port, and another server is quick.
#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn seabios_takes_the_offer_of_a_second_dhcp_server() -> Tried {
    let mut world = World::new(Firmware::SeaBios, Mode::Dhcp, "menu")?;
    let _snooping = Firewall::before_the_server(&world.link, Drops::Offers)?;
    world.peer = Some(Dnsmasq::start(&world.link)?);
    world.switch_on(false)?;
    world.dies_of(Code::OtherDhcpServer, "10.77.0.2")
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn ovmf_is_given_an_image_of_another_architecture() -> Tried {
    let mut world = World::new(Firmware::Ovmf, Mode::Dhcp, "menu")?;
    need(lab::rig::need::ARM64)?;
    let arm64 = "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64";
    world.server.cli(&["image", "import", arm64, "--name", "debian"])?;
    world.server.cli(&["profile", "add", "debian", "--image", "debian"])?;
    world.server.cli(&["rule", "add", "--profile", "debian"])?;
    world.switch_on(true)?;
    world.dies_of(Code::ProfileCannotBoot, "arm64-uefi")
}

/// Its kernel fits, and its initrd does not.
#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn seabios_has_too_little_memory() -> Tried {
    let mut world = World::new(Firmware::SeaBios, Mode::Dhcp, "menu")?;
    world.offer_debian()?;
    let spec = Spec { memory_mib: 48, ..world.machine()? };
    world.guest = Some(Guest::start(&spec)?);
    world.dies_of(Code::TooLittleMemory, "MiB")
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn ovmf_https_trusts_another_ca() -> Tried {
    let mut world = over_https("menu")?;
    let stranger = Store::new(&world.directory.path().join("stranger"));
    let ask = Ask { host: "stranger".to_owned(), ..Ask::default() };
    stranger.init(&ask, LONG_AGO, false).map_err(trouble)?;
    let [_, _, others_list] = stranger.to_enrol();
    let spec = Spec { trusts: Some(others_list), ..world.machine()? };
    world.guest = Some(Guest::start(&spec)?);
    world.dies_of(Code::HttpsUntrusted, "tls show")
}

/// Somebody removed the file of the initrd from the server's disk.
#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn seabios_does_not_get_its_initrd() -> Tried {
    let mut world = World::new(Firmware::SeaBios, Mode::Dhcp, "menu")?;
    world.offer_debian()?;
    let initrd = Path::new(installer::DEBIAN).join("initrd.gz");
    let bytes = fs::read(&initrd).map_err(|cause| cannot("reading the initrd", cause))?;
    let blob = blob_of(&world, &hex(&Sha256::digest(&bytes)))?;
    fs::remove_file(&blob).map_err(|cause| cannot("removing a blob", cause))?;
    world.switch_on(false)?;
    world.dies_of(Code::FileDamaged, "initrd.gz")
}

/// A rule leads it to an installer, at every boot anew.
#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn seabios_starts_the_same_installer_again_and_again() -> Tried {
    need(installer::PACKAGES)?;
    let mut world = World::new(Firmware::SeaBios, Mode::Dhcp, "menu")?;
    let tree = installer::make(world.directory.path())?.display().to_string();
    world.server.cli(&["image", "import", &tree, "--name", "debian"])?;
    let console = world.firmware.console();
    world.server.cli(&["profile", "add", "debian", "--image", "debian", "--args", console])?;
    world.server.cli(&["rule", "add", "--profile", "debian"])?;
    let spec = world.machine()?;
    for _ in 0..3 {
        let guest = world.guest.insert(Guest::start(&spec)?);
        // It has its address by then.
        guest.wait_for("nothing says where the answers are", PATIENCE)?;
        guest.stop();
    }
    world.guest = Some(Guest::start(&spec)?);
    world.dies_of(Code::InstallerLoop, "3 times in a row")
}

impl World {
    /// Waits for the first verdict over the machine, and for nothing else. It is told as it happens, and
    /// to whoever asks.
    fn dies_of(&mut self, code: Code, says: &str) -> Tried {
        let since = Instant::now();
        let told = loop {
            let log = self.server.log().text();
            if let Some(line) = log.lines().find(|line| line.contains(" DIAGNOSIS ")) {
                break line.to_owned();
            }
            if since.elapsed() > TO_THE_VERDICT {
                let tail = self.guest.as_ref().map(|guest| guest.serial().tail());
                return Err(Trouble::Silence {
                    waited_for: format!("DIAGNOSIS {code}"),
                    limit: format!("within {} s", TO_THE_VERDICT.as_secs()),
                    log: "the machine's serial port".to_owned(),
                    tail: tail.unwrap_or_default(),
                });
            }
            std::thread::sleep(LOOK_EVERY);
        };
        println!("--- verdict after {} s\n{told}", since.elapsed().as_secs());
        assert!(told.contains(&format!("DIAGNOSIS {code} (")), "{told}");
        assert!(told.contains(MAC) && told.contains(says), "{told}");
        let shown = self.server.cli(&["machine", "show", MAC])?;
        assert!(shown.contains("last boot"), "{shown}");
        let all = self.json(&["machine", "show", MAC, "--boots"])?;
        let all = all.as_array().cloned().unwrap_or_default();
        let judged =
            |boot: &&serde_json::Value| boot["story"]["diagnoses"][0]["code"] == code.to_string();
        let boot = all.iter().find(judged).map(|boot| boot["story"]["id"].clone());
        let boot = boot.unwrap_or_else(|| panic!("no boot with this verdict: {all:?}"));
        let boot = boot.as_str().unwrap_or_default();
        let view = self.json(&["diagnose", MAC, "--boot", boot])?;
        assert_eq!(view["diagnoses"][0]["code"], code.to_string(), "{view}");
        assert!(view["diagnoses"][0]["evidence"][0]["says"].is_string(), "{view}");
        println!("{}", self.server.cli(&["diagnose", MAC, "--boot", boot])?);
        Ok(())
    }
}

/// Where the server keeps the bytes with this hash.
fn blob_of(world: &World, hash: &str) -> Result<PathBuf, Trouble> {
    let mut folders = vec![world.server.state()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|cause| cannot("looking for a blob", cause))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().replace('/', "").contains(hash) {
                return Ok(path);
            }
        }
    }
    Err(cannot("looking for a blob", std::io::Error::other(format!("no file is called {hash}"))))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn cannot(doing: &str, cause: std::io::Error) -> Trouble {
    Trouble::Io { doing: doing.to_owned(), cause }
}
