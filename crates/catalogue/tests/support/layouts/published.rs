//! Arch, and what is published for network boot.

use super::*;

pub fn archiso() -> Vec<Layout> {
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

pub fn published() -> Vec<Layout> {
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
    ]
}

pub fn pxe_sets() -> Vec<Layout> {
    let talos = || vec![("boot/vmlinuz", bzimage("6.6.33-talos")), ("boot/initramfs.xz", xz())];
    vec![
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
