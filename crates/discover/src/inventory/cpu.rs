//! Processors, and whether they are real.

use super::Root;
use super::firmware::Dmi;
use model::hardware::Cpu;
use std::collections::BTreeSet;

/// Reads `/proc/cpuinfo`.
pub(super) fn read(text: &str) -> Cpu {
    let mut packages = BTreeSet::new();
    let mut cores = BTreeSet::new();
    let mut threads: u32 = 0;
    let mut package = None;
    let mut model = None;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.trim() {
            "processor" => {
                threads = threads.saturating_add(1);
                package = None;
            }
            "model name" | "Model" | "cpu model" => {
                model.get_or_insert_with(|| single_spaced(value));
            }
            "physical id" => {
                package = Some(value.to_owned());
                packages.insert(value.to_owned());
            }
            // Comes after the package, of which it is the number.
            "core id" => {
                cores.insert((package.clone(), value.to_owned()));
            }
            _ => {}
        }
    }
    let count = |number: usize| u32::try_from(number).ok().filter(|number| *number > 0);
    Cpu {
        model,
        sockets: count(packages.len()),
        cores: count(cores.len()),
        threads: Some(threads).filter(|threads| *threads > 0),
    }
}

fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What hypervisors write into the SMBIOS tables of their guests, and their names.
const HYPERVISORS: &[(&str, &str)] = &[
    ("KVM", "kvm"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VirtualBox", "virtualbox"),
    ("innotek", "virtualbox"),
    ("Virtual Machine", "hyper-v"),
    ("Xen", "xen"),
    ("Amazon EC2", "amazon-ec2"),
    ("Google", "google"),
    ("Parallels", "parallels"),
    ("Bochs", "bochs"),
];

/// The hypervisor below, if the processor says that there is one.
pub(super) fn virtualization(root: &Root, processors: &str, dmi: &Dmi) -> Option<String> {
    if let Some(kind) = root.line("sys/hypervisor/type") {
        return Some(kind);
    }
    // Makers of clouds write their names on real servers too; the flag is what tells them apart.
    let guest = processors.lines().any(|line| {
        line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor")
    });
    if !guest {
        return None;
    }
    let said = dmi.words();
    let known = HYPERVISORS.iter().find(|(word, _)| said.iter().any(|text| text.contains(word)));
    Some(known.map_or("unnamed", |(_, name)| name).to_owned())
}
