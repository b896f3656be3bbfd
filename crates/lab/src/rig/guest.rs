//! One machine: QEMU with a firmware, a network card, perhaps a disk, and a serial log.
//!
//! Always TCG: the result must not depend on KVM. QEMU's own settings stand in
//! `Spec::arguments`; everything there was found necessary by trying.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::ns::Tap;
use super::process::Process;
use super::{Log, Trouble, io};

/// Where QEMU takes orders, in the directory of its machine.
const QMP: &str = "qmp.sock";
const QMP_WAIT: Duration = Duration::from_secs(10);

/// Which firmware a machine has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Firmware {
    /// BIOS; the network card's ROM is iPXE, which says so (user class `iPXE`).
    SeaBios,
    /// UEFI x64 by EDK2, its own PXE stack.
    Ovmf,
    /// The same with PXE over IPv4 switched off.
    OvmfIpv6,
    /// UEFI x64 by EDK2, PXE switched off: UEFI HTTP Boot, over IPv4 and then over IPv6.
    OvmfHttp,
    /// UEFI x64 by EDK2 with Microsoft's keys, Secure Boot enforced.
    OvmfSecureBoot,
    /// UEFI arm64 by EDK2.
    Aavmf,
}

/// A machine as it is wanted.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its firmware.
    pub firmware: Firmware,
    /// The address of its network card, `52:54:00:...`.
    pub mac: String,
    /// Where it is plugged in.
    pub tap: Tap,
    /// Memory in MiB. Debian's installer needs 1024: with 512 it asks about low memory first.
    pub memory_mib: u32,
    /// A disk, second in the boot order after the network; written to a copy.
    pub disk: Option<PathBuf>,
    /// CA certificates that its firmware trusts for HTTPS: an EFI signature list. OVMF only.
    pub trusts: Option<PathBuf>,
    /// What its clock shows when it is switched on, `2045-01-01`; without it, the time.
    pub date: Option<&'static str>,
    /// Disks of its own: what it writes there is there when it is switched on the next time.
    pub own: Vec<Own>,
    /// Whether it may start anew by itself, as after an installation; else it ends there.
    pub reboots: bool,
}

/// A disk that belongs to one machine.
#[derive(Clone, Debug)]
pub struct Own {
    /// Its bytes.
    pub file: PathBuf,
    /// Its serial number, as the machine reads it.
    pub serial: String,
}

impl Own {
    /// An empty disk of this size, without a byte on it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn empty(file: PathBuf, serial: &str, bytes: u64) -> Result<Self, Trouble> {
        let making = || io(format!("making {}", file.display()));
        File::create(&file).and_then(|made| made.set_len(bytes)).map_err(making())?;
        Ok(Self { file, serial: serial.to_owned() })
    }
}

/// A machine that runs, until it is dropped.
#[derive(Debug)]
pub struct Guest {
    qemu: Process,
    serial: Log,
    directory: tempfile::TempDir,
}

impl Guest {
    /// Switches a machine on.
    ///
    /// # Errors
    /// When firmware files are missing or QEMU does not start.
    pub fn start(spec: &Spec) -> Result<Self, Trouble> {
        let directory = tempfile::tempdir().map_err(io("making a directory for a machine"))?;
        let serial = Log::at(directory.path().join("serial.log"));
        let mut command = spec.tap.namespace.command(spec.firmware.qemu());
        spec.arguments(&mut command, directory.path())?;
        let qemu = Process::start(command, directory.path().join("qemu.log"))?;
        Ok(Self { qemu, serial, directory })
    }

    /// Waits until `text` appears on the serial port.
    ///
    /// # Errors
    /// [`Trouble::Silence`], with the last lines of the serial port.
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> Result<(), Trouble> {
        let Self { qemu, serial, .. } = self;
        serial.wait_for(text, limit, || qemu.ended())
    }

    /// Presses a key of its keyboard, by QEMU's name for it: `down`, `ret`.
    ///
    /// # Errors
    /// When QEMU does not take it.
    pub fn press(&self, key: &str) -> Result<(), Trouble> {
        let doing = || io(format!("pressing {key} on a machine"));
        let mut line = UnixStream::connect(self.directory.path().join(QMP)).map_err(doing())?;
        line.set_read_timeout(Some(QMP_WAIT)).map_err(doing())?;
        let mut heard = BufReader::new(line.try_clone().map_err(doing())?);
        let mut said = String::new();
        // Its greeting comes first, and nothing else is taken before this.
        heard.read_line(&mut said).map_err(doing())?;
        let press = format!(
            "{{\"execute\":\"send-key\",\"arguments\":{{\"keys\":\
             [{{\"type\":\"qcode\",\"data\":\"{key}\"}}]}}}}\n"
        );
        for ask in ["{\"execute\":\"qmp_capabilities\"}\n", &press] {
            line.write_all(ask.as_bytes()).map_err(doing())?;
            said.clear();
            heard.read_line(&mut said).map_err(doing())?;
            if said.contains("\"error\"") {
                return Err(Trouble::Command { command: format!("send-key {key}"), said });
            }
        }
        Ok(())
    }

    /// What the machine wrote on its serial port.
    #[must_use]
    pub fn serial(&self) -> &Log {
        &self.serial
    }

    /// Whether QEMU has ended.
    pub fn ended(&mut self) -> bool {
        self.qemu.ended().is_some()
    }

    /// What QEMU itself said.
    #[must_use]
    pub fn qemu(&self) -> &Log {
        self.qemu.log()
    }

    /// The directory with its logs and variables, gone when the machine is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Switches it off.
    pub fn stop(&mut self) {
        self.qemu.stop();
    }
}

impl Firmware {
    /// What a kernel must be told for its words to reach the serial log.
    #[must_use]
    pub fn console(self) -> &'static str {
        match self {
            Self::Aavmf => "console=ttyAMA0",
            _ => "console=ttyS0",
        }
    }

    fn qemu(self) -> &'static str {
        match self {
            Self::Aavmf => "qemu-system-aarch64",
            _ => "qemu-system-x86_64",
        }
    }

    fn machine(self) -> &'static [&'static str] {
        match self {
            // Without graphics SeaBIOS and its iPXE write to the serial port.
            Self::SeaBios => &["-machine", "pc,graphics=off"],
            Self::Ovmf | Self::OvmfIpv6 | Self::OvmfHttp => &["-machine", "q35"],
            // Without SMM the guest could write the key variables itself.
            Self::OvmfSecureBoot => &[
                "-machine",
                "q35,smm=on",
                "-global",
                "driver=cfi.pflash01,property=secure,value=on",
            ],
            Self::Aavmf => &["-machine", "virt", "-cpu", "cortex-a57"],
        }
    }

    /// What of EDK2's network boot is switched off.
    fn without(self) -> &'static [&'static str] {
        match self {
            Self::OvmfHttp => &["IPv4PXESupport", "IPv6PXESupport"],
            Self::OvmfIpv6 => &["IPv4PXESupport"],
            Self::SeaBios | Self::Ovmf | Self::OvmfSecureBoot | Self::Aavmf => &[],
        }
    }

    /// The flash with the code, and the one with the variables as delivered.
    fn flash(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::SeaBios => None,
            Self::Ovmf | Self::OvmfIpv6 | Self::OvmfHttp => {
                Some(("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"))
            }
            Self::OvmfSecureBoot => Some((
                "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
                "/usr/share/OVMF/OVMF_VARS_4M.ms.fd",
            )),
            Self::Aavmf => {
                Some(("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"))
            }
        }
    }
}

impl Spec {
    fn arguments(&self, command: &mut Command, directory: &Path) -> Result<(), Trouble> {
        let memory = self.memory_mib.to_string();
        let serial = format!("file:{}", directory.join("serial.log").display());
        let tap = format!("tap,id=net0,ifname={},script=no,downscript=no", self.tap.interface);
        let mut card = format!("virtio-net-pci,netdev=net0,mac={},bootindex=0", self.mac);
        command
            .args(self.firmware.machine())
            .args(["-accel", "tcg", "-m", &memory, "-nodefaults"])
            .args(["-display", "none", "-monitor", "none", "-serial", &serial])
            .args(["-qmp", &format!("unix:{},server=on,wait=off", directory.join(QMP).display())])
            // Newer EDK2 brings up no network without a source of randomness.
            .args(["-device", "virtio-rng-pci", "-netdev", &tap]);

        if let Some((code, variables)) = self.firmware.flash() {
            let own = directory.join("variables.fd");
            fs::copy(variables, &own).map_err(io(format!("copying {variables}")))?;
            let flash = "if=pflash,format=raw";
            command
                .args(["-drive", &format!("{flash},unit=0,readonly=on,file={code}")])
                .args(["-drive", &format!("{flash},unit=1,file={}", own.display())]);
            // No option ROM: the firmware's own network stack is what is under test.
            card.push_str(",romfile=");
        }
        command.args(["-device", &card]);
        for stack in self.firmware.without() {
            command.args(["-fw_cfg", &format!("name=opt/org.tianocore/{stack},string=n")]);
        }
        if let Some(list) = &self.trusts {
            let file = format!("name=etc/edk2/https/cacerts,file={}", list.display());
            command.args(["-fw_cfg", &file]);
        }
        if let Some(date) = self.date {
            command.args(["-rtc", &format!("base={date}")]);
        }
        if !self.reboots {
            command.arg("-no-reboot");
        }
        self.disks(command, directory)
    }

    /// The copied disk is the second in the boot order, after the network; its own come after it.
    fn disks(&self, command: &mut Command, directory: &Path) -> Result<(), Trouble> {
        if let Some(disk) = &self.disk {
            let own = directory.join("disk.img");
            fs::copy(disk, &own).map_err(io(format!("copying {}", disk.display())))?;
            command
                .args(["-drive", &format!("if=none,id=disk0,format=raw,file={}", own.display())])
                .args(["-device", "virtio-blk-pci,drive=disk0,bootindex=1"]);
        }
        // What a machine wrote last is lost if this computer fails, and no test looks after that.
        const DRIVE: &str = "if=none,format=raw,cache=unsafe,discard=unmap";
        for (number, own) in self.own.iter().enumerate() {
            let (file, serial, place) = (own.file.display(), &own.serial, number + 2);
            command.args(["-drive", &format!("{DRIVE},id=own{number},file={file}")]).args([
                "-device",
                &format!("virtio-blk-pci,drive=own{number},serial={serial},bootindex={place}"),
            ]);
        }
        Ok(())
    }
}
