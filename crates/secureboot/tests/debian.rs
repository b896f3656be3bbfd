//! Debian's own shims, GRUBs and kernels, and what other programs say of them.

mod support;

use secureboot::{Binary, Keeper, Kind, Lists, Reason, Starts, across, anchors, judge};
use std::fs;
use std::path::Path;
use support::{Machine, Workshop, able, attempt, read, run};

const SHIM: &str = "/usr/lib/shim/shimx64.efi.signed";
const FALLBACK: &str = "/usr/lib/shim/fbx64.efi.signed";
const UNSIGNED_SHIM: &str = "/usr/lib/shim/shimx64.efi";
const GRUB: &str = "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed";
const KERNEL: &str = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/linux";
const FWUPD: &str = "/usr/libexec/fwupd/efi/fwupdx64.efi.signed";
const IPXE: &str = "/usr/lib/ipxe/ipxe.efi";
const OVMF: &str = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";
const ARM64: &str = "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64";

fn open(path: &str) -> Binary {
    read(&fs::read(path).unwrap())
}

/// For each signature, its issuers and its certificates, as sbverify lists them: the common names.
fn listed(path: &str) -> Vec<Vec<(String, String)>> {
    let text = run("sbverify", &["--list", path], Path::new("/"));
    let name = |line: &str| line.split("/CN=").nth(1).unwrap().trim().to_owned();
    let mut all: Vec<Vec<(String, String)>> = Vec::new();
    for line in text.lines() {
        if line.starts_with("signature ") {
            all.push(Vec::new());
        } else if line.trim_start().starts_with("- subject:") {
            all.last_mut().unwrap().push((name(line), String::new()));
        } else if line.trim_start().starts_with("issuer:") {
            all.last_mut().unwrap().last_mut().unwrap().1 = name(line);
        }
    }
    all
}

#[test]
fn signers_and_their_certificates_are_those_sbverify_lists() {
    let files = [SHIM, FALLBACK, GRUB, KERNEL, FWUPD];
    if !able(&[&["sbverify"][..], &files].concat()) {
        return;
    }
    for path in files {
        let binary = open(path);
        let ours: Vec<Vec<(String, String)>> = binary
            .signatures
            .iter()
            .map(|signature| {
                let names = signature.certificates.iter();
                names.map(|c| (c.subject.shown.clone(), c.issuer.shown.clone())).collect()
            })
            .collect();
        assert_eq!(ours, listed(path), "{path}");
        for signature in &binary.signatures {
            assert_eq!(signature.flaw, None, "{path}");
            assert_eq!(signature.links().count(), signature.certificates.len(), "{path}");
        }
    }
}

#[test]
fn digests_are_those_osslsigncode_computes() {
    // It cannot read a file with two signatures side by side, as shim's; sbverify checks that below.
    let files = [FALLBACK, GRUB, KERNEL, FWUPD];
    if !able(&[&["osslsigncode"][..], &files].concat()) {
        return;
    }
    for path in files {
        // It trusts no such authority and fails; the digests are told before.
        let output = attempt("osslsigncode", &["verify", "-in", path], Path::new("/"));
        let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
        let told = text.lines().find(|line| line.starts_with("calculated message digest")).unwrap();
        let ours: String = open(path).sha256.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(told.split(": ").nth(1).unwrap().trim(), ours, "{path}");
    }
}

#[test]
fn sections_are_those_objdump_sees() {
    let files = [SHIM, UNSIGNED_SHIM, FALLBACK, GRUB, KERNEL, FWUPD, IPXE];
    if !able(&[&["objdump", "objcopy"][..], &files].concat()) {
        return;
    }
    let workshop = Workshop::new();
    for path in files {
        let bytes = fs::read(path).unwrap();
        let pe = secureboot::Pe::read(&bytes).unwrap();
        let text = run("objdump", &["-h", path], Path::new("/"));
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|row| row.len() == 7 && row[0].parse::<u32>().is_ok())
            .collect();
        let hex = |digits: &str| usize::from_str_radix(digits, 16).unwrap();
        assert_eq!(pe.sections.len(), rows.len(), "{path}");
        for (section, row) in pe.sections.iter().zip(rows) {
            assert_eq!((&*section.name, section.at), (row[1], hex(row[5])), "{path}");
        }
        for name in [".sbat", ".sbatlevel", ".vendor_cert"] {
            let Some(content) = pe.content(&bytes, name) else { continue };
            let only = format!("--only-section={name}");
            workshop.run("objcopy", &["-O", "binary", &only, path, "out"]);
            let theirs = workshop.bytes("out");
            assert!(theirs.starts_with(content), "{path} {name}");
            assert!(theirs[content.len()..].iter().all(|byte| *byte == 0), "{path} {name}");
        }
    }
}

#[test]
fn shim_says_whom_it_trusts_and_which_levels_it_brings() {
    if !able(&[SHIM, UNSIGNED_SHIM]) {
        return;
    }
    for path in [SHIM, UNSIGNED_SHIM] {
        let binary = open(path);
        assert_eq!((binary.kind, binary.machine, binary.subsystem), (Kind::Shim, 0x8664, 10));
        let shim = binary.shim.as_ref().unwrap();
        assert!(shim.unread.is_empty(), "{:?}", shim.unread);
        let [certificate] = shim.trusted.certificates.as_slice() else { panic!("{shim:?}") };
        assert_eq!(certificate.subject.shown, "Debian Secure Boot CA");
        let debian = anchors::ANCHORS.iter().find(|a| a.keeper == Keeper::Distribution("Debian"));
        assert!(debian.unwrap().has_key_of(certificate));
        // Debian refuses GRUBs of its own from before SBAT, one list for each.
        assert!(shim.revoked.sha256.len() > 100 && shim.revoked.unread == 0);
        let (automatic, latest) = (shim.automatic.as_ref().unwrap(), shim.latest.as_ref().unwrap());
        assert!(!automatic.is_newer_than(latest));
        let published = secureboot::sbat::published();
        assert!(published.contains(automatic) && published.contains(latest), "{shim:?}");
        let sbat = binary.sbat.as_ref().unwrap();
        assert!(sbat.has("shim") && sbat.broken_line.is_none() && sbat.components.len() == 3);
    }
    assert!(open(UNSIGNED_SHIM).signatures.is_empty());
}

/// Certificates in the variables of Debian's OVMF with Microsoft's keys: lists stand in it as they
/// are, each beginning with the GUID of X.509 certificates.
fn in_ovmf() -> Lists {
    let store = fs::read(OVMF).unwrap();
    let guid = [
        0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0,
        0x72,
    ];
    let mut all = Lists::default();
    for at in 0..store.len() - 28 {
        if store[at..].starts_with(&guid) {
            let length = u32::from_le_bytes(store[at + 16..at + 20].try_into().unwrap());
            let list = &store[at..at + usize::try_from(length).unwrap()];
            all.certificates.extend(Lists::read(list).unwrap().certificates);
        }
    }
    all
}

#[test]
fn microsofts_authorities_in_ovmf_are_those_of_the_table() {
    if !able(&[OVMF]) {
        return;
    }
    let certificates = in_ovmf().certificates;
    for anchor in anchors::microsoft_2011() {
        let own = certificates.iter().find(|c| anchor.has_key_of(c));
        let own = own.unwrap_or_else(|| panic!("{} is not in OVMF", anchor.subject));
        assert_eq!(own.subject.shown, anchor.subject);
        assert_eq!(Some(&*own.not_after.to_string()), anchor.until);
    }
}

#[test]
fn both_authorities_of_microsoft_in_shim_are_those_of_the_table() {
    if !able(&[SHIM]) {
        return;
    }
    let binary = open(SHIM);
    let leads: Vec<_> = binary.signatures.iter().map(|s| s.lead().unwrap()).collect();
    let found: Vec<_> = leads.iter().map(|lead| (lead.anchor.year, lead.is_proved)).collect();
    assert_eq!(found, [(2011, true), (2023, true)]);
    for (signature, lead) in binary.signatures.iter().zip(leads) {
        let last = signature.links().last().unwrap();
        assert_eq!(Some(&*last.not_after.to_string()), lead.anchor.until);
    }
}

#[test]
fn sbverify_agrees_on_shim_with_the_key_in_ovmf() {
    if !able(&["sbverify", "openssl", OVMF, SHIM]) {
        return;
    }
    let workshop = Workshop::new();
    let anchor = anchors::microsoft_2011()[0];
    let own = in_ovmf().certificates.into_iter().find(|c| anchor.has_key_of(c)).unwrap();
    // The certificate's bytes, as they stand in OVMF.
    let store = fs::read(OVMF).unwrap();
    let at = (0..store.len()).find(|at| {
        store[*at..].starts_with(&[0x30, 0x82])
            && secureboot::Certificate::read(&store[*at..]).is_ok_and(|c| c.sha256 == own.sha256)
    });
    workshop.write("own.der", &store[at.unwrap()..][..2000]);
    workshop.run("openssl", &["x509", "-inform", "der", "-in", "own.der", "-out", "own.crt"]);
    fs::copy(SHIM, workshop.file("shim.efi")).unwrap();
    assert!(workshop.sbverify("shim.efi", "own"));
    let mut changed = workshop.bytes("shim.efi");
    changed[0x30000] ^= 1;
    workshop.write("changed.efi", &changed);
    assert!(!workshop.sbverify("changed.efi", "own"));
    let machine = Machine::new(Lists { certificates: vec![own], ..Lists::default() });
    assert_eq!(judge(&[&open(SHIM)], &machine.world()).starts, Starts::Yes);
    assert_eq!(judge(&[&read(&changed)], &machine.world()).starts, Starts::No);
}

#[test]
fn debians_chain_boots_wherever_either_authority_is_trusted() {
    if !able(&[SHIM, GRUB, KERNEL]) {
        return;
    }
    let all = [SHIM, GRUB, KERNEL].map(open);
    assert_eq!(all.each_ref().map(|b| b.kind), [Kind::Shim, Kind::Grub, Kind::Linux]);
    let machine = Machine::new(Lists::default());
    let across = across(&all.each_ref(), &machine.world());
    assert!(across.only_2011.starts() && across.only_2023.starts() && across.both.starts());
    assert_eq!(
        across.to_string(),
        "boots with Secure Boot on machines that trust Microsoft Corporation UEFI CA 2011 or \
         Microsoft UEFI CA 2023"
    );
    let text = across.both.to_string();
    for part in [
        "shim starts GRUB: signed by Debian Secure Boot Signer 2022 - grub2, which this shim trusts \
         (Debian Secure Boot CA)",
        "shim starts the kernel: signed by Debian Secure Boot Signer 2022 - linux, which this shim",
        "note: the certificate of Microsoft Corporation UEFI CA 2011 is for 2011-06-27 to 2026-06-27; \
         firmware does not look at that",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn debians_chain_for_arm64_boots_too() {
    let files = ["bootnetaa64.efi", "grubaa64.efi", "linux"].map(|name| format!("{ARM64}/{name}"));
    if !able(&files.each_ref().map(String::as_str)) {
        return;
    }
    let all = files.each_ref().map(|path| open(path));
    assert!(all.iter().all(|binary| binary.machine == 0xaa64));
    let machine = Machine::new(Lists::of(&anchors::microsoft_2023()));
    let verdict = judge(&all.each_ref(), &machine.world());
    assert!(verdict.starts(), "{verdict}");
}

#[test]
fn a_kernel_that_nobody_signed_or_grub_without_shim_does_not_boot() {
    if !able(&[SHIM, GRUB, KERNEL, IPXE]) {
        return;
    }
    let [shim, grub, kernel, ipxe] = [SHIM, GRUB, KERNEL, IPXE].map(open);
    let machine = Machine::new(Lists::of(&anchors::microsoft_2011()));
    let judge = |chain: &[&Binary]| judge(chain, &machine.world());
    let verdict = judge(&[&shim, &grub, &ipxe]);
    assert_eq!(verdict.links[2].reasons, [Reason::Unsigned]);
    assert!(verdict.to_string().contains("shim refuses the program: unsigned: starts only with"));
    // Debian's key is not in firmware, and GRUB without shim starts no kernel.
    let verdict = judge(&[&grub, &kernel]);
    assert!(
        matches!(&*verdict.links[0].reasons, [Reason::Stranger { authority, .. }]
        if authority == "Debian Secure Boot CA"),
        "{verdict}"
    );
    assert_eq!(verdict.links[1].reasons, [Reason::NoShim]);
    // A kernel has no SBAT section: shim starts it for GRUB, and not by itself.
    let verdict = judge(&[&shim, &kernel]);
    assert!(verdict.links[1].reasons.contains(&Reason::NoSbat), "{verdict}");
    assert_eq!(judge(&[]).starts, Starts::No);
}

#[test]
fn windows_authorities_do_not_start_shim() {
    if !able(&[SHIM]) {
        return;
    }
    let is_for_windows = |a: &&&secureboot::Anchor| a.keeper == Keeper::MicrosoftForWindows;
    let windows: Vec<_> = anchors::ANCHORS.iter().filter(|a| is_for_windows(&a)).collect();
    assert_eq!(windows.len(), 2);
    let machine = Machine::new(Lists::of(&windows));
    assert_eq!(judge(&[&open(SHIM)], &machine.world()).starts, Starts::No);
}
