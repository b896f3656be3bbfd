//! The firmware matrix: real firmware under QEMU boots from the real server.
//!
//! Run by `./x test`, as root; takes minutes per machine. Each test says
//! which machine, in which mode, and what stands on its serial port at the end.

mod debian;
mod discovery;
mod discs;
mod faults;
mod https;
mod installs;
mod ipv6;
mod page;
mod replayed;

use std::path::PathBuf;
use std::thread::panicking;
use std::time::Duration;

use lab::rig::dnsmasq::Dnsmasq;
use lab::rig::guest::{Firmware, Guest, Spec};
use lab::rig::need::{self, need};
use lab::rig::ns::Link;
use lab::rig::server::{Server, binary};
use lab::rig::{Trouble, disk};

type Tried = Result<(), Trouble>;

/// The machine's network card.
const MAC: &str = "52:54:00:77:00:01";
/// The first question of Debian's installer.
const INSTALLER: &str = "Select a language";
/// The kernel's word that the firmware enforces signatures.
const ENFORCED: &str = "Secure boot enabled";
/// Five times what a machine takes with two at once on two cores: no test waits for it unless
/// the boot failed.
const PATIENCE: Duration = Duration::from_secs(420);

// In dhcp mode to the installer.

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn seabios_boots_the_installer() -> Tried {
    boots_the_installer(Firmware::SeaBios, Mode::Dhcp)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_pxe_boots_the_installer() -> Tried {
    boots_the_installer(Firmware::Ovmf, Mode::Dhcp)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_http_boots_the_installer() -> Tried {
    boots_the_installer(Firmware::OvmfHttp, Mode::Dhcp)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_secure_boot_boots_the_installer_and_enforces() -> Tried {
    boots_the_installer(Firmware::OvmfSecureBoot, Mode::Dhcp)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn aavmf_boots_the_installer() -> Tried {
    boots_the_installer(Firmware::Aavmf, Mode::Dhcp)
}

// Beside another DHCP server to the installer.

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn seabios_boots_the_installer_beside_dnsmasq() -> Tried {
    boots_the_installer(Firmware::SeaBios, Mode::Proxy)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_pxe_boots_the_installer_beside_dnsmasq() -> Tried {
    boots_the_installer(Firmware::Ovmf, Mode::Proxy)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_http_boots_the_installer_beside_dnsmasq() -> Tried {
    boots_the_installer(Firmware::OvmfHttp, Mode::Proxy)
}

// The plan says local disk, the network is first in the boot order: the disk must start.

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn seabios_goes_on_to_the_local_disk() -> Tried {
    goes_on_to_the_local_disk(Firmware::SeaBios)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_goes_on_to_the_local_disk() -> Tried {
    goes_on_to_the_local_disk(Firmware::Ovmf)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_secure_boot_goes_on_to_the_local_disk() -> Tried {
    goes_on_to_the_local_disk(Firmware::OvmfSecureBoot)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn aavmf_goes_on_to_the_local_disk() -> Tried {
    goes_on_to_the_local_disk(Firmware::Aavmf)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_http_goes_on_to_the_local_disk() -> Tried {
    goes_on_to_the_local_disk(Firmware::OvmfHttp)
}

fn boots_the_installer(firmware: Firmware, mode: Mode) -> Tried {
    let mut world = World::new(firmware, mode, "menu")?;
    world.offer_debian()?;

    let guest = world.switch_on(false)?;
    guest.wait_for(INSTALLER, PATIENCE)?;
    if firmware == Firmware::OvmfSecureBoot {
        let said = guest.serial().text();
        assert!(said.contains(ENFORCED), "the kernel does not say {ENFORCED:?}");
    }
    Ok(())
}

fn goes_on_to_the_local_disk(firmware: Firmware) -> Tried {
    let mut world = World::new(firmware, Mode::Dhcp, "local-disk")?;
    // With an image in the library signed loaders are there too, as on a server in use.
    world.import()?;

    world.switch_on(true)?.wait_for(disk::REACHED, PATIENCE)
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    Dhcp,
    Proxy,
    /// On a link without IPv4.
    Ipv6,
    /// On a link with both families.
    Both,
}

/// A server on a link, and one machine. Fields end in this order: machine, servers, link.
struct World {
    guest: Option<Guest>,
    server: Server,
    peer: Option<Dnsmasq>,
    link: Link,
    firmware: Firmware,
    directory: tempfile::TempDir,
}

impl World {
    /// Everything but the machine.
    fn new(firmware: Firmware, mode: Mode, unknown: &str) -> Result<Self, Trouble> {
        for packages in [need::LINK, need::DISK, machine_packages(firmware)] {
            need(packages)?;
        }
        let link = Link::new()?;
        let peer = match mode {
            Mode::Dhcp => None,
            Mode::Ipv6 => {
                link.without_ipv4()?;
                None
            }
            Mode::Both => {
                link.with_ipv6()?;
                None
            }
            Mode::Proxy => Some(Dnsmasq::start(&link)?),
        };
        let server = Server::start(&binary()?, &link, &config(mode, unknown))?;
        let directory = tempfile::tempdir().map_err(|cause| Trouble::Io {
            doing: "making a directory for a test".to_owned(),
            cause,
        })?;
        Ok(Self { guest: None, server, peer, link, firmware, directory })
    }

    /// Puts the machine's installer into the library, under the name `debian`.
    fn import(&self) -> Tried {
        self.server.cli(&["image", "import", &self.tree(), "--name", "debian"]).map(drop)
    }

    /// Where Debian's package puts the machine's installer.
    fn tree(&self) -> String {
        let arch = if self.firmware == Firmware::Aavmf { "arm64" } else { "amd64" };
        format!("/usr/lib/debian-installer/images/12/{arch}/text/debian-installer/{arch}")
    }

    /// Gives every machine the installer.
    fn offer_debian(&self) -> Tried {
        self.import()?;
        let console = self.firmware.console();
        self.server.cli(&["profile", "add", "debian", "--image", "debian", "--args", console])?;
        self.server.cli(&["rule", "add", "--profile", "debian"]).map(drop)
    }

    /// A machine without a disk, at a place of its own.
    fn machine(&mut self) -> Result<Spec, Trouble> {
        Ok(Spec {
            firmware: self.firmware,
            mac: MAC.to_owned(),
            tap: self.link.tap()?,
            memory_mib: 1024,
            disk: None,
            trusts: None,
            date: None,
            own: Vec::new(),
            reboots: false,
        })
    }

    fn switch_on(&mut self, with_disk: bool) -> Result<&mut Guest, Trouble> {
        let disk = with_disk.then(|| disk::make(self.directory.path())).transpose()?;
        let spec = Spec { disk, ..self.machine()? };
        Ok(self.guest.insert(Guest::start(&spec)?))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A failed test returns its error; what the others saw is shown always, and libtest
        // keeps it to itself when the test passed.
        println!("--- server\n{}", self.server.log().tail());
        if let Some(peer) = &self.peer {
            println!("--- dnsmasq\n{}", peer.log().tail());
        }
        if let Some(guest) = &self.guest {
            println!("--- qemu\n{}", guest.qemu().tail());
            if panicking() {
                println!("--- serial\n{}", guest.serial().tail());
            }
        }
    }
}

/// A package of Debian that `./x test` put into `target/peers`, by how its name begins: the host need not have it.
fn fetched_package(begins: &str) -> Result<PathBuf, Trouble> {
    let program = binary()?;
    let peers = program.ancestors().nth(2).map(|target| target.join("peers")).unwrap_or_default();
    let entries = std::fs::read_dir(&peers).into_iter().flatten().flatten();
    let mut packages = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with(begins) && name.ends_with(".deb")
    });
    packages.next().ok_or_else(|| {
        let peers = peers.display();
        Trouble::Missing(format!("a package {begins}... in {peers}: ./x test gets it"))
    })
}

fn machine_packages(firmware: Firmware) -> &'static [&'static str] {
    match firmware {
        Firmware::Aavmf => need::ARM64,
        _ => need::X86,
    }
}

/// A network of IPv4 that gives addresses.
const IPV4: &str = "mode = \"dhcp\"\n\
                    subnet = \"10.77.0.0/24\"\n\
                    pool = [\"10.77.0.100-10.77.0.199\"]\n\
                    router = \"10.77.0.1\"\n\
                    dns = [\"10.77.0.1\"]\n\
                    lease = \"12h\"";
/// One of IPv6, with names that are ours.
const IPV6: &str = "subnet = \"fd77::/64\"\n\
                    pool = [\"fd77::100-fd77::1ff\"]\n\
                    dns = [\"fd77::1\"]\n\
                    domain = \"lab.example\"\n\
                    advertise = true";

fn config(mode: Mode, unknown: &str) -> String {
    let networks: &[&str] = match mode {
        Mode::Dhcp => &[IPV4],
        Mode::Proxy => &["mode = \"proxy\""],
        Mode::Ipv6 => &[IPV6],
        Mode::Both => &[IPV4, IPV6],
    };
    let network =
        |keys: &&str| format!("[[network]]\ninterface = \"{}\"\n{keys}\n\n", Link::INTERFACE);
    let networks: String = networks.iter().map(network).collect();
    format!(
        "{networks}[boot]\nunknown = \"{unknown}\"\n[dns]\nlisten = {}\n",
        matches!(mode, Mode::Ipv6)
    )
}
