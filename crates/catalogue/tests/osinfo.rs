//! An outside judge: osinfo-detect names a disc by what its volume says, and its database says where
//! kernel and initrd stand. Both were written by others, from real discs.

mod support;

use std::fmt::Write;
use std::path::Path;
use support::{Layout, able, burn, layouts, of_disc, run};

const DATABASE: &str = "/usr/share/osinfo/os";

/// A layout, the volume identifier of a release that the database of Debian 12 (November 2022)
/// knows, what it calls it, and the file of the database that has its kernel and initrd.
const DISCS: &[(&str, &str, &str, &str)] = &[
    ("debian netinst", "Debian 11.5.0 amd64 n", "Debian 11", "debian.org/debian-11.xml"),
    (
        "ubuntu server 24.04",
        "Ubuntu-Server 22.04 LTS amd64",
        "Ubuntu 22.04 LTS",
        "ubuntu.com/ubuntu-22.04.xml",
    ),
    (
        "ubuntu desktop 22.10",
        "Ubuntu 22.04 LTS amd64",
        "Ubuntu 22.04 LTS",
        "ubuntu.com/ubuntu-22.04.xml",
    ),
    (
        "fedora server dvd",
        "Fedora-S-dvd-x86_64-36",
        "Fedora Server 36",
        "fedoraproject.org/fedora-unknown.xml",
    ),
    ("fedora live 38", "Fedora-WS-Live-36-1-5", "Fedora Workstation 36", ""),
    ("rocky 9 boot", "Rocky-9-0-x86_64-dvd", "Rocky Linux 9", "rockylinux.org/rocky-9.xml"),
    ("alma 10 minimal", "AlmaLinux-9-0-x86_64-dvd", "AlmaLinux 9", "almalinux.org/almalinux-9.xml"),
    (
        "leap 15.6",
        "SLE-15-SP4-Full-x86_64102.1",
        "SUSE Linux Enterprise 15 SP4",
        "suse.com/sle-15.4.xml",
    ),
    ("arch", "ARCH_202211", "Arch Linux", ""),
    ("manjaro", "MANJARO_KDE_2115", "Manjaro KDE", "manjaro.org/manjaro-rolling.xml"),
    ("alpine disc", "alpine-std 3.16.2 x86_64", "Alpinelinux 3.16", ""),
    ("nixos disc", "nixos-minimal-22.05-x86_64", "NixOS 22.05", ""),
    ("windows 11", "CCCOMA_X64FRE_EN-US_DV9", "Microsoft Windows 11", ""),
    ("windows server 2022", "SSS_X64FREE_EN-US_DV9", "Microsoft Windows Server 2022", ""),
];

fn layout(name: &str, volume: &'static str) -> Layout {
    let found = layouts::all().into_iter().find(|layout| layout.name == name);
    let mut layout = found.unwrap_or_else(|| panic!("no layout {name}"));
    layout.volume = Some(volume);
    layout.files.insert("boot.bin".to_owned(), vec![0; 2048]);
    layout.boots = Some("boot.bin");
    layout
}

#[test]
fn osinfo_calls_the_discs_what_the_catalogue_calls_them() {
    if !able(&["osinfo-detect", "xorriso", "genisoimage"]) {
        return;
    }
    let mut faults = String::new();
    for (name, volume, called, file) in DISCS {
        let layout = layout(name, volume);
        let dir = tempfile::tempdir().unwrap();
        let disc = burn(&layout, dir.path());
        let told = run("osinfo-detect", &["disc.iso"], dir.path());
        if !told.contains(&format!("'{called}")) {
            writeln!(faults, "{name}: osinfo says {told}").unwrap();
        }
        let recognised = of_disc(&disc);
        if recognised.recipe.kind != layout.kind {
            writeln!(faults, "{name}: {}", recognised.recognised_by).unwrap();
        }
        let recipe = &recognised.recipe;
        for path in recipe.kernel.iter().chain(&recipe.initrds).filter(|_| !file.is_empty()) {
            let known = std::fs::read_to_string(Path::new(DATABASE).join(file)).unwrap();
            if !known.contains(&format!(">{path}<")) {
                writeln!(faults, "{name}: {file} does not know {path}").unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
}
