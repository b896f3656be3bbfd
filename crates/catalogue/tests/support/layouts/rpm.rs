//! Fedora's family and SUSE.

use super::*;

pub fn redhat() -> Vec<Layout> {
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
    ]
}

pub fn redhat_live() -> Vec<Layout> {
    let pxeboot = |release: &str| {
        vec![("images/pxeboot/vmlinuz", bzimage(release)), ("images/pxeboot/initrd.img", cpio())]
    };
    vec![
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

pub fn suse() -> Vec<Layout> {
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
