//! Hypervisors, BSD, Windows, and what no row knows.

use super::*;

pub fn others() -> Vec<Layout> {
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
            ("boot/xen.gz", packed_elf()),
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

pub fn windows() -> Vec<Layout> {
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

pub fn bare() -> Vec<Layout> {
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
