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
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Machine, Workshop, able, read};

const CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.snakeoil.fd";
const VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd";
const KEY: &str = "/usr/share/ovmf/PkKek-1-snakeoil.key";
const CERTIFICATE: &str = "/usr/share/ovmf/PkKek-1-snakeoil.pem";
const PROGRAM: &str = "/usr/lib/efitools/x86_64-linux-gnu/HelloWorld.efi";

/// Whether firmware starts a file from a disk.
fn boots(bytes: &[u8], dir: &Path) -> bool {
    let boot = dir.join("disk/EFI/BOOT");
    fs::create_dir_all(&boot).unwrap();
    fs::write(boot.join("BOOTX64.EFI"), bytes).unwrap();
    fs::copy(VARIABLES, dir.join("vars.fd")).unwrap();
    let code = format!("if=pflash,format=raw,unit=0,readonly=on,file={CODE}");
    let secure = "driver=cfi.pflash01,property=secure,value=on";
    let mut qemu = Command::new("timeout")
        .args(["300", "qemu-system-x86_64", "-machine", "q35,smm=on", "-accel", "tcg"])
        .args(["-global", secure, "-m", "256", "-drive", &code])
        .args(["-drive", "if=pflash,format=raw,unit=1,file=vars.fd"])
        .args(["-drive", "format=raw,file=fat:rw:disk", "-nic", "none", "-display", "none"])
        .args(["-monitor", "none", "-serial", "stdio"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(qemu.stdout.take().unwrap()).split(b'\n').map_while(Result::ok);
    let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
    let told = lines.filter(|line| line.contains("HARDDISK")).find_map(|line| {
        let is = |text: &str| line.contains(text);
        is("BdsDxe: starting")
            .then_some(true)
            .or_else(|| (is("failed to load") && is("Access Denied")).then_some(false))
    });
    qemu.kill().unwrap();
    qemu.wait().unwrap();
    told.expect("firmware says within five minutes what it does with the file")
}

#[test]
#[ignore = "boots real firmware; ./x test runs it"]
fn ovmf_decides_as_we_do() {
    let tools = ["openssl", "sbsign", "osslsigncode", "qemu-system-x86_64"];
    if !able(&[&tools[..], &[CODE, VARIABLES, KEY, CERTIFICATE, PROGRAM]].concat()) {
        return;
    }
    let workshop = Workshop::new();
    let key = ["rsa", "-in", KEY, "-passin", "pass:snakeoil", "-out", "ca.key"];
    workshop.run("openssl", &key);
    fs::copy(CERTIFICATE, workshop.file("ca.crt")).unwrap();
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
