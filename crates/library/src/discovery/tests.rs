//! A made-up kernel with made-up modules becomes an initrd that `cpio` reads.

use super::*;
use std::io::Read;
use std::process::{Command, Stdio};

/// An ELF file with a `.modinfo` of these words, as little as a reader needs.
fn module(words: &[&str]) -> Vec<u8> {
    let info = words.join("\0");
    let names = b"\0.modinfo\0";
    let (info_at, names_at) = (64, 64 + info.len());
    let table = (names_at + names.len()).next_multiple_of(8);
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
    bytes[40..48].copy_from_slice(&(table as u64).to_le_bytes());
    bytes[58..60].copy_from_slice(&64_u16.to_le_bytes());
    bytes[60..62].copy_from_slice(&3_u16.to_le_bytes());
    bytes[62..64].copy_from_slice(&2_u16.to_le_bytes());
    bytes.extend(info.as_bytes());
    bytes.extend(names);
    bytes.resize(table, 0);
    for (name, at, length) in [(0_u32, 0, 0), (1, info_at, info.len()), (0, names_at, names.len())]
    {
        let mut header = vec![0; 64];
        header[..4].copy_from_slice(&name.to_le_bytes());
        header[24..32].copy_from_slice(&(at as u64).to_le_bytes());
        header[32..40].copy_from_slice(&(length as u64).to_le_bytes());
        bytes.extend(header);
    }
    bytes
}

fn program() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
    bytes[18] = 62;
    bytes
}

struct System(tempfile::TempDir);

impl System {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn kernel(&self, release: &str, modules: &[(&str, &[u8])]) {
        self.file(&format!("boot/vmlinuz-{release}"), release.as_bytes());
        for (path, bytes) in modules {
            self.file(&format!("lib/modules/{release}/kernel/{path}"), bytes);
        }
    }
}

/// What GNU cpio finds in an initrd.
fn listed(initrd: &[u8]) -> Vec<String> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(initrd).read_to_end(&mut plain).unwrap();
    let mut cpio = Command::new("cpio")
        .args(["-t", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("cpio is installed: ./x test does so");
    cpio.stdin.take().unwrap().write_all(&plain).unwrap();
    let out = cpio.wait_with_output().unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn text_of(initrd: &[u8], wanted: &str) -> String {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(initrd).read_to_end(&mut plain).unwrap();
    let mut cpio = Command::new("cpio")
        .args(["-i", "--to-stdout", "--quiet", wanted])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    cpio.stdin.take().unwrap().write_all(&plain).unwrap();
    String::from_utf8(cpio.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn the_newest_kernel_goes_in_with_the_drivers_and_what_they_need() {
    let system = System::new();
    let ahci = module(&["alias=pci:v*", "depends=libahci,libata", "softdep=pre: sd_mod"]);
    let libahci = module(&["depends=libata", "license=GPL"]);
    let mut packed = liblzma::write::XzEncoder::new(Vec::new(), 1);
    packed.write_all(&module(&["depends="])).unwrap();
    let libata = packed.finish().unwrap();
    let helper = module(&["depends="]);
    let broken = module(&["depends=gone"]);
    let net = module(&["alias=virtio:d1v*", "depends=help-er"]);
    system.kernel("6.1.0-9-amd64", &[]);
    std::fs::create_dir_all(system.0.path().join("lib/modules/6.1.0-9-amd64")).unwrap();
    system.kernel(
        "6.1.0-10-amd64",
        &[
            ("drivers/ata/ahci.ko", &ahci),
            ("drivers/ata/libahci.ko", &libahci),
            ("drivers/ata/libata.ko.xz", &libata),
            ("drivers/net/virtio_net.ko", &net),
            ("net/core/help-er.ko", &helper),
            ("drivers/scsi/broken.ko", &broken),
            ("sound/loud.ko", &helper),
            ("drivers/scsi/text.ko", b"no module"),
        ],
    );
    let program = system.file("program", &program());
    let packed = pack(system.0.path(), &program).unwrap();
    assert_eq!(packed.release, "6.1.0-10-amd64");
    assert_eq!((packed.drivers, packed.left_out.as_slice()), (5, &["broken".to_owned()][..]));
    let at = "lib/modules/6.1.0-10-amd64";
    let names = listed(&packed.initrd);
    assert!(names.contains(&"init".to_owned()) && names.contains(&"dev/console".to_owned()));
    let modules: Vec<&str> = names.iter().filter_map(|n| n.strip_suffix(".ko")).collect();
    let wanted = ["ahci", "help_er", "libahci", "libata", "virtio_net"];
    assert_eq!(modules, wanted.map(|name| format!("{at}/kernel/{name}")));
    assert_eq!(
        text_of(&packed.initrd, &format!("{at}/modules.dep")),
        "kernel/ahci.ko: kernel/libahci.ko kernel/libata.ko\nkernel/help_er.ko:\n\
         kernel/libahci.ko: kernel/libata.ko\nkernel/libata.ko:\n\
         kernel/virtio_net.ko: kernel/help_er.ko\n"
    );
    assert_eq!(
        text_of(&packed.initrd, &format!("{at}/modules.alias")),
        "alias pci:v* ahci\nalias virtio:d1v* virtio_net\n"
    );
    let again = pack(system.0.path(), &program).unwrap();
    assert_eq!(again.initrd, packed.initrd, "the same files make the same bytes");

    let folder = tempfile::tempdir().unwrap();
    packed.write(folder.path()).unwrap();
    let about = std::fs::read_to_string(folder.path().join(ABOUT)).unwrap();
    assert!(about.starts_with("Bootwright discovery "), "{about}");
    assert_eq!(std::fs::read(folder.path().join(KERNEL)).unwrap(), b"6.1.0-10-amd64");
}

#[test]
fn without_a_kernel_it_says_what_to_name() {
    let system = System::new();
    let program = system.file("program", &program());
    let why = pack(system.0.path(), &program).unwrap_err().to_string();
    assert!(why.contains("linux-image package"), "{why}");
    system.kernel("6.1.0", &[]);
    assert!(pack(system.0.path(), &program).is_err(), "a kernel without its modules");
    let why = pack(&program, &program).unwrap_err().to_string();
    assert!(why.contains("no package"), "{why}");
}

#[test]
fn a_program_that_does_not_run_alone_is_refused() {
    let system = System::new();
    let own = std::env::current_exe().unwrap();
    let why = pack(system.0.path(), &own).unwrap_err().to_string();
    assert!(why.contains("dynamic linker"), "{why}");
    let text = system.file("text", b"#!/bin/sh\n");
    assert!(pack(system.0.path(), &text).unwrap_err().to_string().contains("no ELF file"));
}

proptest::proptest! {
    #[test]
    fn no_module_makes_it_fail(
        place in 0_usize..300, byte: u8, cut in 0_usize..400,
    ) {
        let mut bytes = module(&["alias=a*", "depends=b,c", "softdep=pre: d"]);
        if let Some(at) = bytes.get_mut(place) {
            *at = byte;
        }
        bytes.truncate(cut);
        let _ = module::about(&bytes);
        let _ = module::static_program(&bytes);
    }
}
