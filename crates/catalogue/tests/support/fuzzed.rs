//! Any bytes as what the catalogue reads: the first byte says as which text, the rest is it. Used by
//! the fuzz target, and by the tests on its corpus.

use super::heads::{bzimage, pe, wim};
use std::collections::BTreeMap;

/// A tree in which one text, or the names, are these bytes.
pub fn files(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let Some((first, rest)) = bytes.split_first() else { return BTreeMap::new() };
    let kernel = || bzimage("6.1.0");
    let initrd = || b"070701".to_vec();
    let own = || rest.to_vec();
    let xml = || String::from_utf8_lossy(rest).into_owned();
    let named: Vec<(&str, Vec<u8>)> = match first % 10 {
        0 => vec![
            (".treeinfo", own()),
            ("images/pxeboot/vmlinuz", kernel()),
            ("images/pxeboot/initrd.img", initrd()),
            ("images/install.img", vec![1]),
        ],
        1 => vec![
            (".disk/info", own()),
            ("casper/vmlinuz", kernel()),
            ("casper/initrd", initrd()),
            ("casper/filesystem.squashfs", vec![1]),
            ("dists/x/Release", vec![1]),
            ("install.amd/vmlinuz", kernel()),
        ],
        2 => vec![
            ("boot.cfg", own()),
            ("b.b00", vec![1]),
            ("imgdb.tgz", vec![1]),
            ("efi/boot/bootx64.efi", pe(0x8664, false)),
            ("mboot.c32", vec![1]),
        ],
        3 => vec![("sources/boot.wim", wim(&xml())), ("bootmgr", vec![1])],
        4 => {
            vec![("sources/install.wim", own()), ("sources/boot.wim", own()), ("bootmgr", vec![1])]
        }
        5 => vec![("netboot.ipxe", own()), ("bzImage", kernel()), ("initrd", initrd())],
        6 => vec![
            ("media.1/media", vec![1]),
            ("media.1/products", own()),
            ("boot/x86_64/loader/linux", kernel()),
            ("boot/x86_64/loader/initrd", initrd()),
        ],
        7 => vec![
            (".cd-info", own()),
            ("boot/linux26", kernel()),
            ("boot/initrd.img", initrd()),
            ("pve-installer.squashfs", vec![1]),
        ],
        8 => vec![("linux", own()), ("initrd.gz", own()), ("version.info", own())],
        _ => {
            let text = xml();
            return text.lines().take(1000).map(|path| (path.to_owned(), kernel())).collect();
        }
    };
    named.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect()
}
