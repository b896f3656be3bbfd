//! Debian and Ubuntu.

use super::*;

pub fn installer() -> Vec<Layout> {
    let kernel = || bzimage("6.1.0-18-amd64 (debian-kernel@lists.debian.org)");
    vec![
        layout(
            "debian netinst",
            "debian-di",
            vec![
                (".disk/info", text("Debian GNU/Linux 12.5.0 \"Bookworm\" - Official amd64 NETINST with firmware 20240210-11:27\n")),
                ("dists/bookworm/Release", text("Suite: stable\n")),
                ("pool/main/l/linux/linux.deb", text("deb")),
                ("install.amd/vmlinuz", kernel()),
                ("install.amd/initrd.gz", gz()),
                ("install.amd/gtk/vmlinuz", kernel()),
                ("install.amd/gtk/initrd.gz", gz()),
            ],
        )
        .with(loaders("EFI/boot"))
        .on("Debian 12.5.0 amd64 n"),
        layout(
            "debian netboot tree",
            "debian-di",
            vec![
                ("version.info", text("Debian version:  12 (bookworm)\nInstaller build: 20230607+deb12u15\n")),
                ("debian-installer/amd64/linux", kernel()),
                ("debian-installer/amd64/initrd.gz", gz()),
                ("debian-installer/amd64/bootnetx64.efi", pe(0x8664, true)),
                ("debian-installer/amd64/grubx64.efi", pe(0x8664, true)),
            ],
        ),
    ]
}

pub fn live() -> Vec<Layout> {
    let kernel = || bzimage("6.1.0-18-amd64 (debian-kernel@lists.debian.org)");
    vec![
        layout(
            "debian live",
            "debian-live",
            vec![
                (".disk/info", text("Debian GNU/Linux 12.5.0 \"Bookworm\" - Official amd64 LIVE/INSTALL Binary 20240210-11:30\n")),
                ("dists/bookworm/Release", text("Suite: stable\n")),
                ("install.amd/vmlinuz", kernel()),
                ("live/filesystem.squashfs", squashfs()),
                ("live/vmlinuz-6.1.0-9-amd64", bzimage("6.1.0-9-amd64")),
                ("live/initrd.img-6.1.0-9-amd64", gz()),
                ("live/vmlinuz-6.1.0-18-amd64", kernel()),
                ("live/initrd.img-6.1.0-18-amd64", gz()),
            ],
        )
        .with(loaders("EFI/boot"))
        .on("d-live 12.5.0 st amd64"),
        layout(
            "kali live",
            "debian-live",
            vec![
                (".disk/info", text("Kali GNU/Linux 2024.1 \"Kali-rolling\" - Official Snapshot amd64 LIVE/INSTALL\n")),
                ("live/filesystem.squashfs", squashfs()),
                ("live/vmlinuz", bzimage("6.6.9-amd64")),
                ("live/initrd.img", gz()),
            ],
        )
        .on("Kali Live"),
        layout(
            "clonezilla",
            "clonezilla",
            vec![
                ("Clonezilla-Live-Version", text("clonezilla-live-3.1.2-22-amd64\n")),
                (".disk/info", text("Debian GNU/Linux clonezilla\n")),
                ("live/filesystem.squashfs", squashfs()),
                ("live/vmlinuz", bzimage("6.6.15-amd64")),
                ("live/initrd.img", gz()),
            ],
        )
        .on("3.1.2-22-amd64"),
        layout(
            "gparted",
            "gparted",
            vec![
                ("GParted-Live-Version", text("gparted-live-1.6.0-1-amd64\n")),
                ("live/filesystem.squashfs", squashfs()),
                ("live/vmlinuz", bzimage("6.6.15-amd64")),
                ("live/initrd.img", gz()),
            ],
        )
        .on("GParted-live"),
        layout(
            "hardware discovery",
            "discovery",
            vec![
                ("discovery.txt", text("Bootwright discovery 0.1.0 with Linux 6.1.0-42-amd64\n")),
                ("discovery.img", gz()),
                ("linux", bzimage("6.1.0-42-amd64")),
            ],
        ),
    ]
}

pub fn casper() -> Vec<Layout> {
    let start = || {
        vec![
            ("casper/vmlinuz", bzimage("6.8.0-31-generic (buildd@lcy02)")),
            ("casper/initrd", cpio()),
            ("casper/filesystem.squashfs", squashfs()),
        ]
    };
    vec![
        layout("ubuntu server 24.04", "ubuntu-casper", start())
            .with(vec![
                (
                    ".disk/info",
                    text("Ubuntu-Server 24.04 LTS \"Noble Numbat\" - Release amd64 (20240423)"),
                ),
                ("casper/install-sources.yaml", text("- default: true\n")),
                ("casper/hwe-vmlinuz", bzimage("6.11.0-17-generic")),
                ("casper/hwe-initrd", cpio()),
            ])
            .with(loaders("EFI/boot"))
            .on("Ubuntu-Server 24.04 LTS amd64"),
        layout("ubuntu desktop 22.10", "ubuntu-casper", start())
            .with(vec![(
                ".disk/info",
                text("Ubuntu 22.10 \"Kinetic Kudu\" - Release amd64 (20221020)"),
            )])
            .on("Ubuntu 22.10 amd64"),
        layout("ubuntu desktop 23.10", "ubuntu-casper", start())
            .with(vec![
                (
                    ".disk/info",
                    text("Ubuntu 23.10.1 \"Mantic Minotaur\" - Release amd64 (20231016.1)"),
                ),
                ("casper/install-sources.yaml", text("- default: true\n")),
                ("casper/minimal.squashfs", squashfs()),
            ])
            .on("Ubuntu 23.10.1 amd64"),
        layout(
            "mint",
            "casper-derivative",
            vec![
                (".disk/info", text("Linux Mint 21.3 \"Virginia\" - Release amd64 20240110\n")),
                ("casper/vmlinuz", bzimage("5.15.0-91-generic")),
                ("casper/initrd.lz", gz()),
                ("casper/filesystem.squashfs", squashfs()),
            ],
        )
        .on("Linux Mint 21.3 Cinnamon 64-bit"),
        layout(
            "pop",
            "casper-derivative",
            vec![
                (
                    ".disk/info",
                    text("Pop_OS 22.04 \"Jammy Jellyfish\" - Release amd64 (20231116)\n"),
                ),
                (
                    "casper_pop-os_22.04_amd64_intel_debug_36/vmlinuz.efi",
                    bzimage("6.5.6-76060506-generic"),
                ),
                ("casper_pop-os_22.04_amd64_intel_debug_36/initrd.gz", gz()),
                ("casper_pop-os_22.04_amd64_intel_debug_36/filesystem.squashfs", squashfs()),
            ],
        )
        .on("Pop_OS 22.04 amd64 Intel"),
    ]
}
