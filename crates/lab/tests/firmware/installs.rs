//! Whole installations: an unknown machine is plugged in, approved, deployed, installed, and starts
//! its own disk from then on, whatever its boot order says.
//!
//! The installer is [`lab::rig::installer`]: Debian's kernel and shell, our starter for Debian, and a
//! system of a few megabytes.

use super::{Mode, PATIENCE, Tried, World};
use lab::rig::guest::{Firmware, Guest, Own, Spec};
use lab::rig::need::need;
use lab::rig::ns::Link;
use lab::rig::process::run;
use lab::rig::{Trouble, installer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

const MAC: &str = "52:54:00:77:00:01";
pub(super) const SERIAL: &str = "LAB-DISK-1";
const DISK_BYTES: u64 = 64 << 20;
/// What a console shows when the system on the disk is up.
pub(super) const LOGIN: &str = "lab-01 login: ";
const SECRET: &str = "correct horse, 100% `battery` \"staple\"";
/// How often the server is asked how far a machine is.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_is_installed_once_and_starts_its_own_disk_from_then_on() -> Tried {
    let mut world = World::with_the_installer(Firmware::Ovmf, Mode::Dhcp)?;
    let disk = world.disk(SERIAL)?;
    let spec = Spec { own: vec![disk.clone()], reboots: true, ..world.machine()? };

    let guest = world.armed_while_it_waits(&spec)?;
    guest.wait_for("LAB INSTALLER writes /dev/vda", PATIENCE)?;
    guest.wait_for("LAB INSTALLER restarts", PATIENCE)?;
    // The network is first in its boot order, and leads to the disk.
    guest.wait_for(LOGIN, PATIENCE)?;
    let said = guest.serial().text();
    assert_eq!(said.matches("LAB INSTALLER has its answers").count(), 1, "{said}");
    guest.stop();

    let of = world.deployment("d1")?;
    assert_eq!(of["state"], "done", "{of}");
    let files = of["files"].as_array().expect("a list");
    assert!(files.len() == 1 && files[0].as_str().expect("a text").starts_with("preseed.cfg at"));
    assert_eq!(world.state()?, "deployed");
    holds_the_hash_alone(&disk.file)?;

    // Once more through the network: the same disk, not a byte of it other.
    let before = sum(&disk.file)?;
    let said = world.once_more(&spec)?;
    assert!(!said.contains(installer::SAYS), "it was installed again: {said}");
    assert_eq!(sum(&disk.file)?, before, "the disk was written to");
    assert_eq!(world.deployments()?.len(), 1);

    // The disk is not empty any more, and it is ours: whoever says so gets it installed anew.
    world.deploy(&format!("serial:{SERIAL}"))?;
    let said = world.once_more(&spec)?;
    assert!(said.contains("LAB INSTALLER writes /dev/vda"), "{said}");
    assert_eq!(world.deployment("d2")?["state"], "done");
    Ok(())
}

/// Nothing on the link has an IPv4 address. Whoever knows the machine's name finds it, too.
#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_is_installed_by_its_name_on_a_link_without_ipv4() -> Tried {
    let mut world = World::with_the_installer(Firmware::OvmfIpv6, Mode::Ipv6)?;
    let disk = world.disk(SERIAL)?;
    let spec = Spec { own: vec![disk.clone()], reboots: true, ..world.machine()? };

    let guest = world.armed_while_it_waits(&spec)?;
    guest.wait_for("LAB INSTALLER restarts", PATIENCE)?;
    guest.wait_for(LOGIN, PATIENCE)?;
    guest.stop();
    world.was_installed_once()?;
    holds_the_hash_alone(&disk.file)?;
    world.answers_to_its_name()
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn seabios_refuses_a_disk_that_is_not_empty() -> Tried {
    let mut world = World::with_the_installer(Firmware::SeaBios, Mode::Dhcp)?;
    let disk = world.disk(SERIAL)?;
    foreign_byte(&disk.file)?;
    let why = world.refuses(&format!("serial:{SERIAL}"), &[disk])?;
    assert!(why.contains("is not empty: it has data in its last mebibyte"), "{why}");
    assert!(why.contains("Nothing was written"), "{why}");
    Ok(())
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn seabios_refuses_two_disks_that_fit() -> Tried {
    let mut world = World::with_the_installer(Firmware::SeaBios, Mode::Dhcp)?;
    let disks = [world.disk(SERIAL)?, world.disk("LAB-DISK-2")?];
    let why = world.refuses("size:32M..1G", &disks)?;
    assert!(why.contains("2 disks") && why.contains("vda vdb"), "{why}");
    Ok(())
}

impl World {
    /// A server that knows nobody, with the installer, a profile and a secret.
    fn with_the_installer(firmware: Firmware, mode: Mode) -> Result<Self, Trouble> {
        need(installer::PACKAGES)?;
        let world = World::new(firmware, mode, "pending")?;
        let tree = installer::make(world.directory.path())?;
        world.offering(&tree, &["mirror_host=nobody.invalid"])?;
        Ok(world)
    }

    /// Gives it the image, the profile and the secret.
    pub(super) fn offering(&self, tree: &Path, settings: &[&str]) -> Tried {
        let tree = tree.display().to_string();
        self.server.cli(&["image", "import", &tree, "--name", "debian"])?;
        let mut profile =
            vec!["profile", "add", "debian", "--image", "debian", "--template", "debian"];
        profile.extend(["--args", self.firmware.console()]);
        settings.iter().for_each(|setting| profile.extend(["--setting", setting]));
        self.server.cli(&profile)?;
        let file = self.directory.path().join("secret");
        fs::write(&file, SECRET).map_err(|e| trouble("writing a secret", e))?;
        let file = file.display().to_string();
        self.server.cli(&["secret", "set", "user_password", "--file", &file]).map(drop)
    }

    fn disk(&self, serial: &str) -> Result<Own, Trouble> {
        Own::empty(self.directory.path().join(serial), serial, DISK_BYTES)
    }

    /// A machine is plugged in, and armed while it waits.
    pub(super) fn armed_while_it_waits(&mut self, spec: &Spec) -> Result<&mut Guest, Trouble> {
        let guest = self.guest.insert(Guest::start(spec)?);
        guest.wait_for("waits for approval", PATIENCE)?;
        self.arm(&format!("serial:{SERIAL}"))?;
        Ok(self.guest.as_mut().expect("it was switched on"))
    }

    /// What an operator does when the machine has shown up: says it is ours, says its name, deploys it.
    pub(super) fn arm(&self, disk: &str) -> Tried {
        self.until("the machine is pending", || {
            let all = self.json(&["machine", "list"])?;
            let pending = |m: &Value| m["mac"] == MAC && m["state"] == "pending";
            Ok(all.as_array().is_some_and(|all| all.iter().any(pending)))
        })?;
        self.server.cli(&["machine", "approve", MAC])?;
        self.server.cli(&["machine", "set", MAC, "--name", "lab-01"])?;
        self.deploy(disk)
    }

    fn deploy(&self, disk: &str) -> Tried {
        self.server
            .cli(&[
                "machine",
                "deploy",
                "lab-01",
                "--profile",
                "debian",
                "--disk",
                disk,
                "--plain-http",
            ])
            .map(drop)
    }

    /// Switches the machine on until somebody could log in, and off; what it said.
    pub(super) fn once_more(&mut self, spec: &Spec) -> Result<String, Trouble> {
        let guest = self.guest.insert(Guest::start(spec)?);
        guest.wait_for(LOGIN, PATIENCE)?;
        let said = guest.serial().text();
        guest.stop();
        Ok(said)
    }

    /// A machine with these disks is deployed and refuses; what it said. Nothing was written.
    fn refuses(&mut self, disk: &str, own: &[Own]) -> Result<String, Trouble> {
        let sums = || own.iter().map(|disk| sum(&disk.file)).collect::<Result<Vec<_>, _>>();
        let before = sums()?;
        let spec = Spec { own: own.to_vec(), reboots: true, ..self.machine()? };
        self.guest = Some(Guest::start(&spec)?);
        self.arm(disk)?;
        self.until(
            "the deployment has failed",
            || Ok(self.deployment("d1")?["state"] == "failed"),
        )?;
        let guest = self.guest.as_mut().expect("it was switched on");
        let said = guest.serial().text();
        guest.stop();
        assert!(!said.contains("LAB INSTALLER writes"), "{said}");
        assert_eq!(sums()?, before, "a disk was written to");
        assert_eq!(self.state()?, "failed");
        Ok(self.deployment("d1")?["says"].as_str().unwrap_or_default().to_owned())
    }

    pub(super) fn json(&self, arguments: &[&str]) -> Result<Value, Trouble> {
        let text = self.server.cli(&[arguments, &["--json"]].concat())?;
        serde_json::from_str(&text).map_err(|e| trouble("reading JSON", e.into()))
    }

    pub(super) fn deployment(&self, id: &str) -> Result<Value, Trouble> {
        self.json(&["deployment", "show", id])
    }

    fn deployments(&self) -> Result<Vec<Value>, Trouble> {
        Ok(self.json(&["deployment", "list"])?.as_array().cloned().unwrap_or_default())
    }

    /// The one deployment there is was reported done.
    pub(super) fn was_installed_once(&self) -> Tried {
        let all = self.deployments()?;
        assert!(all.len() == 1 && all[0]["state"] == "done", "{all:?}");
        assert_eq!(self.state()?, "deployed");
        Ok(())
    }

    /// `dig` finds it by its name, at an address that it has leased, and there is no other address of it.
    pub(super) fn answers_to_its_name(&self) -> Tried {
        let dig = |kind: &str| {
            let at = format!("@{}", Link::SERVER_6);
            let name = "lab-01.lab.example";
            run(self.link.server().command("dig").args(["+short", "+time=5", &at, kind, name]))
        };
        let found = dig("AAAA")?;
        let leases = self.json(&["lease", "list"])?;
        let of = |lease: &Value| lease["mac"] == MAC && lease["address"] == found.trim();
        assert!(leases.as_array().is_some_and(|all| all.iter().any(of)), "{found:?} of {leases}");
        assert_eq!(dig("A")?, "");
        Ok(())
    }

    pub(super) fn state(&self) -> Result<String, Trouble> {
        Ok(self.json(&["machine", "show", MAC])?["state"].as_str().unwrap_or_default().to_owned())
    }

    pub(super) fn until(&self, what: &str, look: impl Fn() -> Result<bool, Trouble>) -> Tried {
        let since = Instant::now();
        while !look()? {
            if since.elapsed() > PATIENCE {
                let guest = self.guest.as_ref();
                return Err(Trouble::Silence {
                    waited_for: what.to_owned(),
                    limit: format!("within {} s", PATIENCE.as_secs()),
                    log: "the machine's serial port".to_owned(),
                    tail: guest.map(|guest| guest.serial().tail()).unwrap_or_default(),
                });
            }
            sleep(LOOK_EVERY);
        }
        Ok(())
    }
}

/// The password is on the disk as a hash, and its text is not.
fn holds_the_hash_alone(disk: &Path) -> Tried {
    let bytes = fs::read(disk).map_err(|e| trouble("reading the disk", e))?;
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    assert!(holds(b"admin:$6$") || holds(b"admin:$y$"), "no hash of the password");
    assert!(!holds(SECRET.as_bytes()), "the text of the password");
    Ok(())
}

/// One byte that somebody left in the last mebibyte.
fn foreign_byte(disk: &Path) -> Tried {
    let write = || {
        let mut file = OpenOptions::new().write(true).open(disk)?;
        file.seek(SeekFrom::End(-4096))?;
        file.write_all(b"!")
    };
    write().map_err(|e| trouble("writing a foreign byte", e))
}

fn sum(file: &Path) -> Result<[u8; 32], Trouble> {
    let bytes = fs::read(file).map_err(|e| trouble("reading a disk", e))?;
    Ok(Sha256::digest(&bytes).into())
}

fn trouble(doing: &str, cause: std::io::Error) -> Trouble {
    Trouble::Io { doing: doing.to_owned(), cause }
}
