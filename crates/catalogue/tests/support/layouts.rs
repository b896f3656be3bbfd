//! The layouts: what is known of real discs, written down. Paths were held against listings of real
//! discs where such were at hand (Debian 12, Ubuntu 20.04 to 25.10, Fedora 38 to 42, Alma 10, SLES 15
//! and 16, Leap 16, FreeBSD 13, ESXi 7, XenServer 7).

use super::heads::{arm64_image, bios_kernel, bzimage, pe, wim};
use super::{Files, Layout};

pub fn edition(index: u8, name: &str, id: &str, kind: &str, build: u32) -> String {
    format!(
        "<IMAGE INDEX=\"{index}\"><WINDOWS><ARCH>9</ARCH><EDITIONID>{id}</EDITIONID>\
         <INSTALLATIONTYPE>{kind}</INSTALLATIONTYPE><LANGUAGES><LANGUAGE>en-US</LANGUAGE>\
         <DEFAULT>en-US</DEFAULT></LANGUAGES><VERSION><MAJOR>10</MAJOR><MINOR>0</MINOR>\
         <BUILD>{build}</BUILD><SPBUILD>1</SPBUILD></VERSION></WINDOWS><NAME>{name}</NAME></IMAGE>"
    )
}

fn gz() -> Vec<u8> {
    vec![0x1f, 0x8b, 8, 0]
}

fn cpio() -> Vec<u8> {
    b"070701".repeat(20)
}

fn xz() -> Vec<u8> {
    vec![0xfd, b'7', b'z', b'X', b'Z', 0]
}

fn squashfs() -> Vec<u8> {
    let mut file = b"hsqs".to_vec();
    file.resize(4096, 0);
    file
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn layout(name: &'static str, kind: &'static str, files: Vec<(&str, Vec<u8>)>) -> Layout {
    let files = files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect();
    Layout {
        name,
        kind,
        files,
        volume: None,
        publisher: "",
        application: "",
        boots: None,
        udf: false,
    }
}

impl Layout {
    fn on(mut self, volume: &'static str) -> Self {
        self.volume = Some(volume);
        self
    }

    fn with(mut self, more: Vec<(&str, Vec<u8>)>) -> Self {
        self.files.extend(more.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)));
        self
    }
}

/// Shim and GRUB of a disc.
fn loaders(folder: &str) -> Vec<(&'static str, Vec<u8>)> {
    let paths = match folder {
        "EFI/boot" => ["EFI/boot/bootx64.efi", "EFI/boot/grubx64.efi"],
        _ => ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi"],
    };
    paths.into_iter().map(|path| (path, pe(0x8664, true))).collect()
}

pub fn all() -> Vec<Layout> {
    [debian(), casper(), redhat(), suse(), archiso(), published(), others(), windows(), bare()]
        .into_iter()
        .flatten()
        .collect()
}

fn debian() -> Vec<Layout> {
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
    ]
}

fn casper() -> Vec<Layout> {
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

fn redhat() -> Vec<Layout> {
    let pxeboot = |release: &str| {
        vec![("images/pxeboot/vmlinuz", bzimage(release)), ("images/pxeboot/initrd.img", cpio())]
    };
    let treeinfo = |family: &str, version: &str| {
        text(&format!(
            "[general]\narch = x86_64\nfamily = {family}\nname = {family} {version}\nversion = {version}\n\n\
             [images-x86_64]\ninitrd = images/pxeboot/initrd.img\nkernel = images/pxeboot/vmlinuz\n\n\
             [stage2]\nmainimage = images/install.img\n"
        ))
    };
    vec![
        layout("fedora server dvd", "anaconda", pxeboot("6.8.5-301.fc40.x86_64 (mockbuild)"))
            .with(vec![
                (".treeinfo", treeinfo("Fedora", "40")),
                (".discinfo", text("1713434600.0\n40\nx86_64\n")),
                ("images/install.img", squashfs()),
                ("repodata/repomd.xml", text("<repomd/>")),
            ])
            .with(loaders("EFI/BOOT"))
            .on("Fedora-S-dvd-x86_64-40"),
        layout("rocky 9 boot", "anaconda", pxeboot("5.14.0-427.13.1.el9_4.x86_64"))
            .with(vec![
                (".treeinfo", treeinfo("Rocky Linux", "9.4")),
                ("images/install.img", squashfs()),
            ])
            .on("Rocky-9-4-x86_64-boot"),
        layout("alma 10 minimal", "anaconda", pxeboot("6.12.0-55.9.1.el10_0.x86_64"))
            .with(vec![
                (".treeinfo", treeinfo("AlmaLinux", "10.0")),
                ("images/install.img", squashfs()),
                ("Minimal/repodata/repomd.xml", text("<repomd/>")),
            ])
            .on("AlmaLinux-10-0-x86_64-minimal"),
        layout("fedora silverblue", "anaconda", pxeboot("6.8.5-301.fc40.x86_64"))
            .with(vec![
                (".treeinfo", treeinfo("Fedora-Silverblue", "40")),
                ("images/install.img", squashfs()),
                ("ostree/repo/config", text("[core]\n")),
            ])
            .on("Fedora-SB-ostree-x86_64-40"),
        layout("fedora pxeboot folder", "anaconda", pxeboot("6.8.5-301.fc40.x86_64")),
        layout(
            "rocky kernel and initrd",
            "anaconda",
            vec![("vmlinuz", bzimage("5.14.0-427.13.1.el9_4.x86_64")), ("initrd.img", cpio())],
        ),
        layout("fedora live 38", "dracut-live", pxeboot("6.2.9-300.fc38.x86_64"))
            .with(vec![("LiveOS/squashfs.img", squashfs())])
            .on("Fedora-WS-Live-38-1-6"),
        layout(
            "fedora live 42",
            "dracut-live",
            vec![
                ("LiveOS/squashfs.img", squashfs()),
                ("boot/x86_64/loader/linux", bzimage("6.14.0-63.fc42.x86_64")),
                ("boot/x86_64/loader/initrd", cpio()),
                ("EFI/fedora/shimx64.efi", pe(0x8664, true)),
            ],
        )
        .with(loaders("EFI/BOOT"))
        .on("Fedora-WS-Live-42"),
        layout("fedora coreos", "coreos", pxeboot("6.5.8-200.fc38.x86_64"))
            .with(vec![
                ("coreos/igninfo.json", text("{\"file\": \"images/ignition.img\"}")),
                ("coreos/kargs.json", text("{}")),
                ("images/pxeboot/rootfs.img", cpio()),
                ("images/ignition.img", vec![0; 64]),
            ])
            .on("fedora-coreos-39.20231101.3.0"),
        layout(
            "fedora coreos pxe set",
            "coreos",
            vec![
                (
                    "fedora-coreos-39.20231101.3.0-live-kernel-x86_64",
                    bzimage("6.5.8-200.fc38.x86_64"),
                ),
                ("fedora-coreos-39.20231101.3.0-live-initramfs.x86_64.img", cpio()),
                ("fedora-coreos-39.20231101.3.0-live-rootfs.x86_64.img", cpio()),
            ],
        ),
    ]
}

fn suse() -> Vec<Layout> {
    let loader = |release: &str| {
        vec![("boot/x86_64/loader/linux", bzimage(release)), ("boot/x86_64/loader/initrd", xz())]
    };
    vec![
        layout("leap 15.6", "suse-linuxrc", loader("6.4.0-150600.21-default"))
            .with(vec![
                ("media.1/media", text("openSUSE - openSUSE-Leap-15.6-DVD-x86_64-Build710.3-Media\nopenSUSE-Leap-15.6-DVD-x86_64-Build710.3\n1\n")),
                ("media.1/products", text("/ openSUSE-Leap 15.6-1\n")),
                (".treeinfo", text("[general]\narch = x86_64\nfamily = openSUSE Leap\nversion = 15.6\n")),
            ])
            .on("openSUSE-Leap-15.6-DVD-x86_64710"),
        layout(
            "leap 15.6 aarch64",
            "suse-linuxrc",
            vec![
                ("boot/aarch64/linux", arm64_image()),
                ("boot/aarch64/initrd", xz()),
                ("media.1/media", text("openSUSE\n")),
                ("media.1/products", text("/ openSUSE-Leap 15.6-1\n")),
            ],
        )
        .on("openSUSE-Leap-15.6-DVD-aarch64"),
        layout("leap 16 offline", "suse-agama", loader("6.12.0-160000.5-default"))
            .with(vec![
                ("LiveOS/squashfs.img", squashfs()),
                ("install/media.1/media", text("openSUSE\n")),
                ("install/media.1/products", text("/ Leap 16.0-0\n")),
                ("install/repodata/repomd.xml", text("<repomd/>")),
            ])
            .with(loaders("EFI/BOOT"))
            .on("Leap-16.0-offline-x86_64"),
        layout("agama live", "suse-agama", loader("6.12.0-160000.5-default"))
            .with(vec![("LiveOS/squashfs.img", squashfs())])
            .on("agama-installer"),
    ]
}

fn archiso() -> Vec<Layout> {
    vec![
        Layout {
            publisher: "ARCH LINUX <HTTPS://ARCHLINUX.ORG>",
            application: "ARCH LINUX LIVE/RESCUE CD",
            ..layout(
                "arch",
                "arch",
                vec![
                    ("arch/version", text("2024.06.01\n")),
                    ("arch/boot/x86_64/vmlinuz-linux", bzimage("6.9.3-arch1-1")),
                    ("arch/boot/x86_64/initramfs-linux.img", cpio()),
                    ("arch/x86_64/airootfs.sfs", squashfs()),
                    ("boot/memtest86+/memtest.efi", bzimage("Memtest86+ v7.00")),
                ],
            )
            .on("ARCH_202406")
        },
        layout(
            "manjaro",
            "arch",
            vec![
                ("boot/vmlinuz-x86_64", bzimage("6.6.30-2-MANJARO")),
                ("boot/initramfs-x86_64.img", cpio()),
                ("manjaro/x86_64/rootfs.sfs", squashfs()),
            ],
        )
        .on("MANJARO_KDEM_2401"),
        layout(
            "systemrescue",
            "systemrescue",
            vec![
                ("sysresccd/VERSION", text("11.01\n")),
                ("sysresccd/boot/x86_64/vmlinuz", bzimage("6.6.30-1-lts")),
                ("sysresccd/boot/x86_64/sysresccd.img", cpio()),
                ("sysresccd/x86_64/airootfs.sfs", squashfs()),
            ],
        )
        .on("RESCUE1101"),
    ]
}

fn published() -> Vec<Layout> {
    let talos = || vec![("boot/vmlinuz", bzimage("6.6.33-talos")), ("boot/initramfs.xz", xz())];
    vec![
        layout(
            "alpine disc",
            "alpine",
            vec![
                (".alpine-release", text("alpine-standard 3.20.3 240906\n")),
                ("apks/x86_64/APKINDEX.tar.gz", gz()),
                ("boot/vmlinuz-lts", bzimage("6.6.49-0-lts")),
                ("boot/initramfs-lts", gz()),
                ("boot/modloop-lts", squashfs()),
            ],
        )
        .on("alpine-std 3.20.3 x86_64"),
        layout(
            "alpine netboot tarball",
            "alpine",
            vec![
                ("boot/vmlinuz-lts", bzimage("6.6.49-0-lts")),
                ("boot/initramfs-lts", gz()),
                ("boot/modloop-lts", squashfs()),
            ],
        ),
        layout(
            "nixos disc",
            "nixos",
            vec![
                ("nix-store.squashfs", squashfs()),
                ("boot/bzImage", bzimage("6.6.32")),
                ("boot/initrd", cpio()),
            ],
        )
        .on("nixos-minimal-24.05-x86_64"),
        layout(
            "nixos netboot",
            "nixos",
            vec![
                ("bzImage", bzimage("6.6.32")),
                ("initrd", cpio()),
                (
                    "netboot.ipxe",
                    text(
                        "#!ipxe\n# Use the cmdline variable to allow the user to specify custom kernel params\n\
                         kernel bzImage init=/nix/store/0c7lx3w5-nixos-system-nixos-24.05.1234.abcdef0/init \
                         initrd=initrd nohibernate loglevel=4 ${cmdline}\ninitrd initrd\nboot\n",
                    ),
                ),
            ],
        ),
        layout(
            "nixos netboot as its community publishes it",
            "nixos",
            vec![
                ("bzImage-x86_64-linux", bzimage("6.6.32")),
                ("initrd-x86_64-linux", cpio()),
                (
                    "netboot-x86_64-linux.ipxe",
                    text(
                        "#!ipxe\nkernel https://example.org/bzImage-x86_64-linux init=/nix/store/0c7lx3w5-nixos-system-nixos-installer-24.05/init initrd=initrd-x86_64-linux nohibernate loglevel=4 ${cmdline}\n",
                    ),
                ),
            ],
        ),
        layout(
            "flatcar disc",
            "flatcar",
            vec![("flatcar/vmlinuz", bzimage("6.6.43-flatcar")), ("flatcar/cpio.gz", gz())],
        )
        .on("Flatcar"),
        layout(
            "flatcar pxe set",
            "flatcar",
            vec![
                ("flatcar_production_pxe.vmlinuz", bzimage("6.6.43-flatcar")),
                ("flatcar_production_pxe_image.cpio.gz", gz()),
                ("version.txt", text("FLATCAR_BUILD=3975\nFLATCAR_VERSION=3975.2.0\n")),
            ],
        ),
        layout("talos disc", "talos", talos()).on("TALOS_V1_7_5"),
        layout(
            "talos pxe set",
            "talos",
            vec![
                ("vmlinuz-amd64", bzimage("6.6.33-talos")),
                ("initramfs-amd64.xz", xz()),
                ("vmlinuz-arm64", arm64_image()),
                ("initramfs-arm64.xz", xz()),
            ],
        ),
        layout(
            "talos unified image",
            "talos",
            vec![
                ("EFI/Linux/Talos-v1.9.0.efi", pe(0x8664, true)),
                ("EFI/boot/BOOTX64.EFI", pe(0x8664, true)),
            ],
        )
        .on("TALOS_V1_9_0"),
    ]
}

fn others() -> Vec<Layout> {
    let boot_cfg = "bootstate=0\ntitle=Loading ESXi installer\ntimeout=5\nprefix=\nkernel=/b.b00\n\
                    kernelopt=runweasel cdromBoot\nmodules=/jumpstrt.gz --- /k.b00 --- /imgpayld.tgz\n\
                    build=7.0.3-0.35.19482537\nupdated=0\n";
    vec![
        layout("proxmox ve 8", "proxmox", vec![
            ("boot/linux26", bzimage("6.5.11-4-pve (build@proxmox)")),
            ("boot/initrd.img", cpio()),
            ("pve-installer.squashfs", squashfs()),
            ("pve-base.squashfs", squashfs()),
            (".pve-cd-id.txt", text("6c8ac0d8\n")),
            (".cd-info", text("RELEASE='8.1'\nISORELEASE='2'\nISONAME='proxmox-ve'\nPRODUCT='pve'\nPRODUCTLONG='Proxmox VE'\n")),
            ("auto-installer-capable", text("")),
        ])
        .on("PVE"),
        layout("proxmox backup server 2", "proxmox", vec![
            ("boot/linux26", bzimage("5.15.30-2-pve")),
            ("boot/initrd.img", cpio()),
            ("proxmox-installer.squashfs", squashfs()),
            (".pbs-cd-id.txt", text("6c8ac0d8\n")),
        ])
        .on("PBS"),
        layout("esxi 7", "esxi", vec![
            ("boot.cfg", text(boot_cfg)),
            ("efi/boot/boot.cfg", text(boot_cfg)),
            ("efi/boot/bootx64.efi", pe(0x8664, true)),
            ("mboot.c32", vec![0; 64]),
            ("b.b00", gz()),
            ("k.b00", gz()),
            ("jumpstrt.gz", gz()),
            ("imgpayld.tgz", gz()),
            ("imgdb.tgz", gz()),
        ])
        .on("ESXI-7.0U3D-19482537-STANDARD"),
        layout("xenserver 7", "xcp-ng", vec![
            (".treeinfo", text("[general]\nfamily = XenServer\nversion = 7.0.0\narch = x86_64\n")),
            ("boot/xen.gz", gz()),
            ("boot/vmlinuz", bzimage("4.4.0+2")),
            ("install.img", gz()),
            ("repodata/repomd.xml", text("<repomd/>")),
        ])
        .on("XenServer-7.0.0"),
        layout("freebsd 13", "freebsd", vec![
            ("bin/freebsd-version", text("#!/bin/sh\nUSERLAND_VERSION=\"13.2-RELEASE\"\n")),
            ("boot/kernel/kernel", text("\u{7f}ELF")),
            ("boot/loader.efi", pe(0x8664, false)),
            ("boot/cdboot", vec![0; 2048]),
            ("usr/freebsd-dist/MANIFEST", text("base.txz\n")),
        ])
        .on("13_2_RELEASE_AMD64_CD"),
        layout("openbsd 7.5", "openbsd", vec![
            ("7.5/amd64/bsd.rd", text("\u{7f}ELF")),
            ("7.5/amd64/pxeboot", vec![0; 2048]),
            ("7.5/amd64/BOOTX64.EFI", pe(0x8664, false)),
            ("7.5/amd64/cdboot", vec![0; 2048]),
            ("etc/boot.conf", text("set image /7.5/amd64/bsd.rd\n")),
        ])
        .on("OpenBSD/amd64   7.5 Install CD"),
    ]
}

fn windows() -> Vec<Layout> {
    let of = |editions: &[String]| wim(&format!("<WIM>{}</WIM>", editions.concat()));
    let boot = || {
        of(&[
            edition(1, "Microsoft Windows PE (x64)", "WindowsPE", "WindowsPE", 22621),
            edition(2, "Microsoft Windows Setup (x64)", "WindowsPE", "WindowsPE", 22621),
        ])
    };
    let start = || {
        vec![
            ("sources/boot.wim", boot()),
            ("bootmgr", vec![0; 64]),
            ("boot/bcd", text("regf")),
            ("boot/boot.sdi", vec![0; 64]),
            ("efi/microsoft/boot/bcd", text("regf")),
            ("efi/boot/bootx64.efi", pe(0x8664, true)),
        ]
    };
    vec![
        Layout {
            udf: true,
            publisher: "MICROSOFT CORPORATION",
            application: "CDIMAGE 2.56 (01/01/2005 TM)",
            ..layout("windows 11", "windows", start())
                .with(vec![(
                    "sources/install.wim",
                    of(&[
                        edition(1, "Windows 11 Home", "Core", "Client", 22621),
                        edition(2, "Windows 11 Pro", "Professional", "Client", 22621),
                    ]),
                )])
                .on("CCCOMA_X64FRE_EN-US_DV9")
        },
        Layout {
            udf: true,
            publisher: "MICROSOFT CORPORATION",
            application: "CDIMAGE 2.56 (01/01/2005 TM)",
            ..layout("windows server 2022", "windows", start())
                .with(vec![(
                    "sources/install.wim",
                    of(&[
                        edition(
                            1,
                            "Windows Server 2022 SERVERSTANDARDCORE",
                            "ServerStandard",
                            "Server Core",
                            20348,
                        ),
                        edition(
                            2,
                            "Windows Server 2022 SERVERSTANDARD",
                            "ServerStandard",
                            "Server",
                            20348,
                        ),
                    ]),
                )])
                .on("SSS_X64FRE_EN-US_DV9")
        },
    ]
}

fn bare() -> Vec<Layout> {
    vec![
        layout(
            "memtest86+ for both firmwares",
            "memtest86plus",
            vec![
                ("memtest86+x64.bin", bios_kernel("Memtest86+ v6.10")),
                ("memtest86+x64.efi", bzimage("Memtest86+ v6.10")),
            ],
        ),
        layout(
            "memtest86+ disc",
            "memtest86plus",
            vec![
                ("EFI/BOOT/bootx64.efi", bzimage("Memtest86+ v7.20")),
                ("boot/memtest.bin", bios_kernel("Memtest86+ v7.20")),
            ],
        )
        .on("MT86PLUS_64"),
        layout(
            "kernel and initrd",
            "linux",
            vec![
                ("vmlinuz-6.1.0-9-amd64", bzimage("6.1.0-9-amd64")),
                ("initrd.img-6.1.0-9-amd64", gz()),
                ("vmlinuz-6.1.0-50-amd64", bzimage("6.1.0-50-amd64")),
                ("initrd.img-6.1.0-50-amd64", gz()),
            ],
        ),
        layout("efi application", "efi", vec![("shell.efi", pe(0xaa64, false))]),
        Layout {
            boots: Some("isolinux/isolinux.bin"),
            ..layout(
                "unknown disc that boots",
                "disc",
                vec![
                    ("isolinux/isolinux.bin", vec![0; 2048]),
                    ("boot/vmlinuz", bzimage("5.10.0-slax")),
                    ("boot/initrfs.img", xz()),
                ],
            )
            .on("SOMETHING")
        },
        layout(
            "unknown files",
            "files",
            vec![
                ("Clonezilla-Live-Version", text("3\n")),
                ("live/vmlinuz", text("no kernel")),
                ("live/filesystem.squashfs", squashfs()),
            ],
        ),
    ]
}

/// A little of everything, for trees that were never made by anybody.
pub fn everything() -> Files {
    all().into_iter().flat_map(|layout| layout.files).collect()
}
