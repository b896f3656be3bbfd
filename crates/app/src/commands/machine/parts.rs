//! `machine show`: what a machine says of its parts.

use crate::say;
use model::Hardware;
use model::event::show_bytes;
use model::hardware::{Disk, Enforced, Nic};

/// Shows it below what else is known of the machine.
pub(super) fn show(hardware: &Hardware, reported: &str) {
    say::line(format!("hardware, as the machine said at {reported}:"));
    let joined = |words: &[&Option<String>]| {
        let words: Vec<&str> = words.iter().filter_map(|word| word.as_deref()).collect();
        words.join(" ")
    };
    let (cpu, firmware, system) = (&hardware.cpu, &hardware.firmware, &hardware.system);
    let count = |number: Option<u32>, what: &str| number.map(|n| format!("{n} {what}"));
    let counts =
        [count(cpu.sockets, "sockets"), count(cpu.cores, "cores"), count(cpu.threads, "threads")];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let kind = firmware.kind.map(|kind| kind.to_string());
    let memory = hardware.memory_mib.map(|mib| show_bytes(mib.saturating_mul(1 << 20)));
    let secure_boot = match hardware.secure_boot {
        Enforced::Unknown => String::new(),
        said => said.to_string(),
    };
    say::card(&[
        ("system", joined(&[&system.vendor, &system.product])),
        ("its serial", system.serial.clone().unwrap_or_default()),
        ("its uuid", system.uuid.clone().unwrap_or_default()),
        ("cpu", cpu.model.clone().unwrap_or_default()),
        ("", counts.join(", ")),
        ("memory", memory.unwrap_or_default()),
        ("firmware", joined(&[&kind, &firmware.vendor, &firmware.version, &firmware.date])),
        ("secure boot", secure_boot),
        ("tpm", hardware.tpm.map(|tpm| tpm.to_string()).unwrap_or_default()),
        ("guest of", hardware.virtualization.clone().unwrap_or_default()),
    ]);
    if !hardware.disks.is_empty() {
        let head = ["DISK", "SIZE", "HOW", "MODEL", "SERIAL", "WWN", "TURNS"];
        let rows: Vec<_> = hardware.disks.iter().map(disk).collect();
        say::table(head, &rows).into_iter().for_each(say::line);
    }
    if !hardware.nics.is_empty() {
        let rows: Vec<_> = hardware.nics.iter().map(nic).collect();
        say::table(["CARD", "MAC", "DRIVER", "LINK"], &rows).into_iter().for_each(say::line);
    }
}

fn disk(disk: &Disk) -> [String; 7] {
    let turns = disk.rotational.map(|turns| if turns { "yes" } else { "no" });
    [
        disk.name.clone(),
        disk.size(),
        say::or_dash(disk.transport.as_ref()),
        say::or_dash(disk.model.as_ref()),
        say::or_dash(disk.serial.as_ref()),
        say::or_dash(disk.wwn.as_ref()),
        turns.unwrap_or("-").to_owned(),
    ]
}

fn nic(nic: &Nic) -> [String; 4] {
    let link = match (nic.link, nic.speed_mbit) {
        (Some(true), Some(mbit)) => format!("{mbit} Mbit/s"),
        (Some(true), None) => "yes".to_owned(),
        (Some(false), _) => "no".to_owned(),
        (None, _) => "-".to_owned(),
    };
    let mac = nic.mac.map(|mac| mac.to_string());
    [nic.name.clone(), say::or_dash(mac.as_ref()), say::or_dash(nic.driver.as_ref()), link]
}
