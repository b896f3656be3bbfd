//! Small files that begin as the real ones do, for the tests that must not depend on packages.
#![allow(dead_code, reason = "each test program uses some of these")]

use std::io::Write;
use std::path::Path;

/// Whether the real files a test is about are there. Skipped aloud; with `CI=true` they must be.
pub fn present(paths: &[&str]) -> bool {
    let missing: Vec<&&str> = paths.iter().filter(|path| !Path::new(path).exists()).collect();
    if missing.is_empty() {
        return true;
    }
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!ci, "CI must have {missing:?}: install the Debian packages they come from");
    // Past the test harness, which swallows what passing tests print.
    let _ = writeln!(std::io::stderr(), "SKIPPED, not installed: {missing:?}");
    false
}

/// A kernel as x86 has them: 64-bit, with an EFI stub if asked.
pub fn bzimage(stub: bool, version: &str) -> Vec<u8> {
    let mut file = vec![0; 0x1000];
    if stub {
        let pe = Pe { machine: 0x8664, ..Pe::default() }.build();
        file[..0x1f0].copy_from_slice(&pe[..0x1f0]);
    }
    file[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    file[0x202..0x206].copy_from_slice(b"HdrS");
    file[0x20e..0x210].copy_from_slice(&0x200_u16.to_le_bytes());
    file[0x236] = 1;
    file[0x400..0x400 + version.len()].copy_from_slice(version.as_bytes());
    file
}

/// A kernel as arm64 has them.
pub fn arm64_image() -> Vec<u8> {
    let mut file = vec![0; 0x1000];
    file[56..60].copy_from_slice(b"ARM\x64");
    file
}

/// A program for EFI.
pub struct Pe {
    pub machine: u16,
    pub subsystem: u16,
    /// Name and content.
    pub sections: Vec<(&'static str, Vec<u8>)>,
    /// Whether something stands in the table of certificates.
    pub signed: bool,
}

impl Default for Pe {
    fn default() -> Self {
        Self { machine: 0x8664, subsystem: 10, sections: Vec::new(), signed: false }
    }
}

impl Pe {
    pub fn build(&self) -> Vec<u8> {
        let mut file = vec![0; 0x400];
        file[..2].copy_from_slice(b"MZ");
        file[0x3c] = 0x40;
        file[0x40..0x44].copy_from_slice(b"PE\0\0");
        file[0x44..0x46].copy_from_slice(&self.machine.to_le_bytes());
        file[0x46] = u8::try_from(self.sections.len()).expect("few");
        file[0x54..0x56].copy_from_slice(&0xf0_u16.to_le_bytes());
        file[0x58..0x5a].copy_from_slice(&0x20b_u16.to_le_bytes());
        file[0x9c..0x9e].copy_from_slice(&self.subsystem.to_le_bytes());
        file[0xc4] = 16;
        // Names longer than eight bytes stand after the symbols, as GNU tools write them.
        let mut strings = vec![0; 4];
        for (n, (name, content)) in self.sections.iter().enumerate() {
            let (header, at) = (0x148 + n * 40, u32::try_from(file.len()).expect("small"));
            let len = u32::try_from(content.len()).expect("small").to_le_bytes();
            let mut short = name.as_bytes().to_vec();
            if short.len() > 8 {
                short = format!("/{}", strings.len()).into_bytes();
                strings.extend_from_slice(name.as_bytes());
                strings.push(0);
            }
            file[header..header + short.len()].copy_from_slice(&short);
            file[header + 8..header + 12].copy_from_slice(&len);
            file[header + 16..header + 20].copy_from_slice(&len);
            file[header + 20..header + 24].copy_from_slice(&at.to_le_bytes());
            file.extend_from_slice(content);
        }
        let symbols = u32::try_from(file.len()).expect("small");
        file[0x4c..0x50].copy_from_slice(&symbols.to_le_bytes());
        file.extend_from_slice(&strings);
        if self.signed {
            file.resize(file.len().next_multiple_of(8), 0);
            let at = u32::try_from(file.len()).expect("small");
            file[0xe8..0xec].copy_from_slice(&at.to_le_bytes());
            file[0xec..0xf0].copy_from_slice(&16_u32.to_le_bytes());
            file.extend_from_slice(&[16, 0, 0, 0, 0, 2, 2, 0, 0x30, 0x80, 0, 0, 0, 0, 0, 0]);
        }
        file
    }

    /// An iPXE as UEFI takes it.
    pub fn ipxe(machine: u16) -> Vec<u8> {
        let text = b"\0http://ipxe.org/cfg\x00192.168.0.1\x001.21.1+git-20240101\0".to_vec();
        Self { machine, sections: vec![(".rodata", text)], ..Self::default() }.build()
    }

    /// A shim, signed by nobody we can read.
    pub fn shim(machine: u16) -> Vec<u8> {
        let sbat = b"sbat,1,SBAT Version\nshim,4,UEFI shim,shim,1,https://x\nshim.debian,1,Debian,shim,16.1,https://y\n";
        let sections = vec![(".vendor_cert", vec![1; 16]), (".sbat", sbat.to_vec())];
        Self { machine, sections, signed: true, ..Self::default() }.build()
    }

    /// A GRUB for network boot, signed by nobody we can read.
    pub fn grub(machine: u16) -> Vec<u8> {
        let sbat = b"sbat,1,SBAT Version\ngrub,5,FSF,grub,2.12,https://x\ngrub.debian,5,Debian,grub2,2.12-9,https://y\n";
        let sections = vec![("mods", b"net/tftp.c".to_vec()), (".sbat", sbat.to_vec())];
        Self { machine, sections, signed: true, ..Self::default() }.build()
    }
}

/// A tar archive as dpkg-deb makes them.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("./{path}"), *bytes).expect("in memory");
    }
    builder.into_inner().expect("in memory")
}

/// Packs as the end of a member's name says.
pub fn pack(how: &str, bytes: &[u8]) -> Vec<u8> {
    match how {
        "gz" => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(bytes).expect("in memory");
            packer.finish().expect("in memory")
        }
        "xz" => liblzma::encode_all(bytes, 1).expect("in memory"),
        "zst" => zstd::encode_all(bytes, 1).expect("in memory"),
        other => panic!("no packer {other}"),
    }
}

/// An `ar` archive.
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        let size = bytes.len();
        file.extend(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100_644).bytes(),
        );
        file.extend_from_slice(bytes);
        if size % 2 == 1 {
            file.push(b'\n');
        }
    }
    file
}

/// A Debian package with these files.
pub fn deb(how: &str, version: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let control = format!("Package: ipxe\nVersion: {version}\nArchitecture: all\n");
    let control = pack(how, &tar(&[("control", control.as_bytes())]));
    let data = pack(how, &tar(files));
    ar(&[
        ("debian-binary", b"2.0\n"),
        (&format!("control.tar.{how}"), &control),
        (&format!("data.tar.{how}"), &data),
    ])
}

/// Writes files below a folder.
pub fn lay(folder: &Path, files: &[(&str, &[u8])]) {
    for (path, bytes) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("create");
        std::fs::write(path, bytes).expect("write");
    }
}
