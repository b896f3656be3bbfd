//! Real firmware as a judge: OVMF with Secure Boot says of each file what we say of it.
//!
//! Ignored by a plain `cargo test`, because each file is a boot in QEMU (some 20 s). OVMF's variables
//! with the "snakeoil" key, whose private half Debian ships, trust that key alone.

#![expect(
    clippy::disallowed_methods,
    reason = "QEMU is another program, and what it prints is read as it comes"
)]

mod support;

use secureboot::{Starts, judge};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Machine, Workshop, able, read};

const CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.snakeoil.fd";
const VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd";
const KEY: &str = "/usr/share/ovmf/PkKek-1-snakeoil.key";
const CERTIFICATE: &str = "/usr/share/ovmf/PkKek-1-snakeoil.pem";
const PROGRAM: &str = "/usr/lib/efitools/x86_64-linux-gnu/HelloWorld.efi";

/// Starts a machine whose disk has these files in EFI/BOOT, and waits until it prints one of these
/// texts; gives which.
fn told(files: &[(&str, &[u8])], texts: &[&str], dir: &Path) -> usize {
    let boot = dir.join("disk/EFI/BOOT");
    fs::create_dir_all(&boot).unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(boot.join(name), bytes).unwrap());
    fs::copy(VARIABLES, dir.join("vars.fd")).unwrap();
    let code = format!("if=pflash,format=raw,unit=0,readonly=on,file={CODE}");
    let secure = "driver=cfi.pflash01,property=secure,value=on";
    let mut qemu = Command::new("timeout")
        // The machine ends with `timeout`, however that ends.
        .args(["300", "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"])
        .args(["-machine", "q35,smm=on", "-accel", "tcg"])
        .args(["-global", secure, "-m", "512", "-drive", &code])
        .args(["-drive", "if=pflash,format=raw,unit=1,file=vars.fd"])
        .args(["-drive", "format=raw,file=fat:rw:disk", "-nic", "none", "-display", "none"])
        .args(["-monitor", "none", "-serial", "stdio"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Read as it comes: what firmware prints last before it waits for a key ends in nothing.
    let mut console = qemu.stdout.take().unwrap();
    let (mut shown, mut found, mut bytes) = (String::new(), None, [0; 4096]);
    while let Ok(length @ 1..) = console.read(&mut bytes) {
        shown.push_str(&String::from_utf8_lossy(&bytes[..length]));
        found = texts.iter().position(|text| shown.contains(text));
        if found.is_some() {
            break;
        }
    }
    qemu.kill().unwrap();
    qemu.wait().unwrap();
    found.unwrap_or_else(|| panic!("none of {texts:?} within five minutes: {shown}"))
}

/// Whether firmware starts a file from a disk.
fn boots(bytes: &[u8], dir: &Path) -> bool {
    let disk = "Boot0002 \"UEFI QEMU HARDDISK";
    let texts = ["starting", "failed to load"].map(|what| format!("BdsDxe: {what} {disk}"));
    told(&[("BOOTX64.EFI", bytes)], &texts.each_ref().map(String::as_str), dir) == 0
}

/// The key that the firmware trusts.
fn snakeoil(workshop: &Workshop) {
    let key = ["rsa", "-in", KEY, "-passin", "pass:snakeoil", "-out", "ca.key"];
    workshop.run("openssl", &key);
    fs::copy(CERTIFICATE, workshop.file("ca.crt")).unwrap();
}

#[test]
#[ignore = "boots real firmware; ./x test runs it"]
fn ovmf_decides_as_we_do() {
    let tools = ["openssl", "sbsign", "osslsigncode", "qemu-system-x86_64", "setpriv"];
    if !able(&[&tools[..], &[CODE, VARIABLES, KEY, CERTIFICATE, PROGRAM]].concat()) {
        return;
    }
    let workshop = Workshop::new();
    snakeoil(&workshop);
    workshop.authority("other", "/CN=Other Signer", "rsa:2048", "-sha256");
    workshop.certified("end", "/CN=End", "ca", "rsa:2048", "basicConstraints=CA:FALSE\n");
    workshop.certified("thief", "/CN=Thief", "end", "rsa:2048", "");

    let plain = fs::read(PROGRAM).unwrap();
    let sign = |name: &str, by: &[&str], also: &[&str]| {
        workshop.write(name, &plain);
        by.iter().for_each(|by| _ = workshop.sign(name, by, also));
        workshop.bytes(name)
    };
    let signed = sign("signed.efi", &["ca"], &[]);
    let certified = sign("certified.efi", &["end"], &[]);
    let two = sign("two.efi", &["other", "ca"], &[]);
    let mut headless = sign("headless.efi", &["ca", "other"], &[]);
    let last = headless.windows(12).rposition(|part| part == b"Other Signer").unwrap();
    headless[last] = b'X';
    let mut changed = signed.clone();
    changed[0x1100] ^= 1;
    let mut damaged = [&signed[..], &[0; 8]].concat();
    let pe = secureboot::Pe::read(&signed).unwrap();
    let head = usize::from(signed[0x3c]) + 24 + 112 + 4 * 8;
    let length = u32::try_from(pe.certificates.1 + 8).unwrap();
    damaged[head + 4..head + 8].copy_from_slice(&length.to_le_bytes());
    workshop.write("plain.efi", &plain);
    let with = ["sign", "-certs", "ca.crt", "-key", "ca.key", "-h", "sha384"];
    let files = ["-in", "plain.efi", "-out", "sha384.efi"];
    workshop.run("osslsigncode", &[&with[..], &files].concat());

    let machine = Machine::new(workshop.trusting("ca"));
    for (name, bytes, expected) in [
        ("signed by who is trusted", signed, true),
        ("signed by who is certified by that", certified, true),
        ("signed by a stranger first", two, true),
        ("SHA-384", workshop.bytes("sha384.efi"), true),
        ("unsigned", plain.clone(), false),
        ("changed", changed, false),
        (
            "signed by who is certified by one who may not",
            sign("t.efi", &["thief"], &["end"]),
            false,
        ),
        ("a second signature without its signer", headless, false),
        ("a damaged table", damaged, false),
    ] {
        let verdict = judge(&[&read(&bytes)], &machine.world());
        assert_eq!(verdict.starts == Starts::Yes, expected, "{name}: {verdict}");
        assert_eq!(boots(&bytes, workshop.path()), expected, "{name}: OVMF disagrees: {verdict}");
    }
}

const SHIM: &str = "/usr/lib/shim/shimx64.efi";
const GRUB: &str = "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed";

#[test]
#[ignore = "boots real firmware; ./x test runs it"]
fn shim_decides_on_its_second_stage_as_we_do() {
    let tools = ["openssl", "sbsign", "objcopy", "qemu-system-x86_64", "setpriv"];
    let files = [CODE, VARIABLES, KEY, CERTIFICATE, PROGRAM, SHIM, GRUB];
    if !able(&[&tools[..], &files].concat()) {
        return;
    }
    let workshop = Workshop::new();
    snakeoil(&workshop);
    fs::copy(SHIM, workshop.file("shim.efi")).unwrap();
    let shim = workshop.sign("shim.efi", "ca", &[]);
    // The program with an SBAT section, signed by a key that firmware trusts, and so shim.
    let program = |generation: u16, signed: bool| {
        workshop.write("sbat", &support::image::sbat(&[("grub", generation)]).1);
        let add = ["--add-section", ".sbat=sbat", "--change-section-vma", ".sbat=0x20000"];
        let flags = ["--set-section-flags", ".sbat=contents,alloc,load,readonly,data"];
        workshop.run("objcopy", &[&add[..], &flags, &[PROGRAM, "program.efi"]].concat());
        if signed { workshop.sign("program.efi", "ca", &[]) } else { workshop.bytes("program.efi") }
    };
    workshop.write("bare.efi", &fs::read(PROGRAM).unwrap());
    let grub = fs::read(GRUB).unwrap();
    let mut changed = grub.clone();
    changed[0x2000] ^= 1;
    let machine = Machine::new(workshop.trusting("ca"));
    for (name, bytes, expected) in [
        ("SBAT at the level that shim brings", program(5, true), true),
        ("SBAT below it", program(3, true), false),
        ("no SBAT", workshop.sign("bare.efi", "ca", &[]), false),
        ("unsigned", program(5, false), false),
        ("Debian's GRUB, by the key in shim", grub, true),
        ("Debian's GRUB, changed", changed, false),
    ] {
        let verdict = judge(&[&read(&shim), &read(&bytes)], &machine.world());
        assert_eq!(verdict.starts(), expected, "{name}: {verdict}");
        assert_eq!(verdict.links[0].starts, Starts::Yes);
        let disk = [("BOOTX64.EFI", &shim[..]), ("grubx64.efi", &bytes)];
        let texts = ["Security Violation", "This file is used to prove", "Welcome to GRUB"];
        let started = told(&disk, &texts, workshop.path()) > 0;
        assert_eq!(started, expected, "{name}: shim disagrees: {verdict}");
    }
}
