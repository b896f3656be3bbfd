//! Files signed here, with keys made here: what is right, and every way to be wrong.

mod support;

use secureboot::{Check, Flaw, List, Lists, Reason, Remark, Starts, across, anchors, judge};
use support::image::{image, sbat};
use support::{Machine, Workshop, able, attempt, read};

const TOOLS: &[&str] = &["openssl", "sbsign", "sbverify"];

/// What firmware that trusts one authority says of a file, and whether sbverify agrees.
fn agreed(workshop: &Workshop, file: &str, authority: &str) -> secureboot::Verdict {
    let machine = Machine::new(workshop.trusting(authority));
    let verdict = judge(&[&read(&workshop.bytes(file))], &machine.world());
    assert_eq!(verdict.starts(), workshop.sbverify(file, authority), "{file}: {verdict}");
    verdict
}

/// An authority, a signer it certified, and a signed file.
fn signed() -> Workshop {
    let workshop = Workshop::new();
    workshop.authority("ca", "/O=Example/CN=Example CA", "rsa:2048", "-sha256");
    workshop.certified("signer", "/CN=Example Signer", "ca", "rsa:2048", "");
    workshop.write("a.efi", &image(&[sbat(&[("app", 1)])]));
    workshop.sign("a.efi", "signer", &[]);
    workshop
}

#[test]
fn a_right_signature_starts_where_its_authority_is_trusted_and_nowhere_else() {
    if !able(TOOLS) {
        return;
    }
    let workshop = signed();
    let verdict = agreed(&workshop, "a.efi", "ca");
    assert!(verdict.starts(), "{verdict}");
    assert_eq!(
        verdict.links[0].reasons[0].to_string(),
        "signed by Example Signer, which firmware trusts (Example CA)"
    );
    // The signer's own certificate in db is enough.
    assert!(agreed(&workshop, "a.efi", "signer").starts());
    // Another authority of the same name did not certify it.
    workshop.authority("other", "/O=Example/CN=Example CA", "rsa:2048", "-sha256");
    let verdict = agreed(&workshop, "a.efi", "other");
    assert!(matches!(verdict.links[0].reasons[0], Reason::Stranger { .. }), "{verdict}");
}

#[test]
fn a_changed_byte_anywhere_in_what_is_signed_is_found() {
    if !able(TOOLS) {
        return;
    }
    let workshop = signed();
    let right = workshop.bytes("a.efi");
    let pe = secureboot::Pe::read(&right).unwrap();
    // Stub, header, code, the padding of a section, SBAT, and the end of what is signed.
    let places = [2, 64 + 24 + 40, pe.sections[0].at, pe.sections[0].at + 1000, pe.sections[1].at];
    for at in places.into_iter().chain([pe.certificates.0 - 1]) {
        let mut changed = right.clone();
        changed[at] ^= 0x01;
        workshop.write("changed.efi", &changed);
        let verdict = agreed(&workshop, "changed.efi", "ca");
        let flawed = |r: &Reason| matches!(r, Reason::Flawed { flaw: Flaw::OtherFile { .. }, .. });
        assert!(verdict.links[0].reasons.iter().all(flawed), "byte {at}: {verdict}");
    }
    // The checksum is not signed: it is written after.
    let mut changed = right;
    changed[64 + 24 + 64] ^= 0xff;
    workshop.write("changed.efi", &changed);
    assert!(agreed(&workshop, "changed.efi", "ca").starts());
}

#[test]
fn a_broken_signature_is_not_the_signers() {
    if !able(TOOLS) {
        return;
    }
    let workshop = signed();
    let right = workshop.bytes("a.efi");
    let (at, length) = secureboot::Pe::read(&right).unwrap().certificates;
    // The signature's value is the last of PKCS #7; zeros fill up to eight bytes.
    let last = (at..at + length).rev().find(|at| right[*at] != 0).unwrap();
    let mut changed = right.clone();
    changed[last - 20] ^= 0x10;
    workshop.write("changed.efi", &changed);
    let verdict = agreed(&workshop, "changed.efi", "ca");
    assert!(
        matches!(&verdict.links[0].reasons[0], Reason::Flawed { flaw: Flaw::WrongKey, signer }
        if signer == "Example Signer"),
        "{verdict}"
    );
    // The text "<<<Obsolete>>>" in the content, which the signed attributes speak for.
    let content: Vec<u8> = "<<<Obs".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let place = right.windows(content.len()).position(|part| part == content).unwrap();
    let mut changed = right.clone();
    changed[place + 1] ^= 0x01;
    workshop.write("changed.efi", &changed);
    let verdict = agreed(&workshop, "changed.efi", "ca");
    let flaw = &read(&changed).signatures[0].flaw;
    assert_eq!(flaw, &Some(Flaw::OtherContent), "{verdict}");
    // A signed attribute itself: its time.
    let time = right.windows(2).rposition(|part| part == [0x17, 0x0d]).unwrap();
    let mut changed = right;
    changed[time + 2] ^= 0x01;
    assert_eq!(read(&changed).signatures[0].flaw, Some(Flaw::WrongKey));
}

#[test]
fn a_signature_taken_to_another_file_is_worth_nothing() {
    if !able(&[TOOLS, &["sbattach"]].concat()) {
        return;
    }
    let workshop = signed();
    workshop.run("sbattach", &["--detach", "a.p7", "a.efi"]);
    workshop.write("b.efi", &image(&[sbat(&[("other", 9)])]));
    workshop.run("sbattach", &["--attach", "a.p7", "b.efi"]);
    let verdict = agreed(&workshop, "b.efi", "ca");
    let text = verdict.to_string();
    assert!(
        text.contains("it is for another file or this one was changed: the SHA-256 is"),
        "{text}"
    );
}

#[test]
fn two_signatures_start_where_either_authority_is_trusted() {
    if !able(TOOLS) {
        return;
    }
    let workshop = signed();
    workshop.authority("new", "/CN=Example CA 2023", "rsa:4096", "-sha512");
    workshop.sign("a.efi", "new", &[]);
    let binary = read(&workshop.bytes("a.efi"));
    assert_eq!(binary.signatures.len(), 2);
    assert!(agreed(&workshop, "a.efi", "ca").starts());
    let verdict = agreed(&workshop, "a.efi", "new");
    assert!(verdict.starts());
    let useless = Remark::Useless { signer: "Example Signer".into(), flaw: None };
    assert_eq!(verdict.links[0].remarks, [useless]);
    // Firmware refuses a file when one of its signatures is revoked, whatever the other is.
    let mut machine = Machine::new(workshop.trusting("new"));
    machine.dbx = workshop.trusting("ca");
    let verdict = judge(&[&binary], &machine.world());
    assert!(
        matches!(&verdict.links[0].reasons[0], Reason::RevokedCertificate { list: List::Dbx, name }
        if name == "Example CA"),
        "{verdict}"
    );
}

#[test]
fn a_damaged_table_or_a_signature_without_its_signer_refuses_a_file_with_a_right_one() {
    if !able(TOOLS) {
        return;
    }
    let workshop = signed();
    let right = workshop.bytes("a.efi");
    let machine = Machine::new(workshop.trusting("ca"));
    // Eight bytes more than the entry says.
    let mut damaged = right.clone();
    damaged.extend([0; 8]);
    let directory = 64 + 24 + 112 + 4 * 8;
    let length = u32::try_from(secureboot::Pe::read(&right).unwrap().certificates.1 + 8).unwrap();
    damaged[directory + 4..directory + 8].copy_from_slice(&length.to_le_bytes());
    let binary = read(&damaged);
    assert!(binary.has_damaged_table && binary.signatures[0].flaw.is_none());
    let verdict = judge(&[&binary], &machine.world());
    assert_eq!(verdict.links[0].reasons, [Reason::DamagedTable]);
    // A second signature whose signer's certificate is called otherwise than it says.
    workshop.authority("other", "/CN=Other Signer", "rsa:2048", "-sha256");
    let mut two = workshop.sign("a.efi", "other", &[]);
    assert!(judge(&[&read(&two)], &machine.world()).starts());
    let last = two.windows(12).rposition(|part| part == b"Other Signer").unwrap();
    two[last] = b'X';
    let binary = read(&two);
    assert_eq!(binary.signatures[1].flaw, Some(Flaw::NoSigner));
    assert_eq!(binary.signatures[1].signer_name(), "somebody certified by Xther Signer");
    let verdict = judge(&[&binary], &machine.world());
    assert!(matches!(&verdict.links[0].reasons[..], [Reason::Flawed { flaw: Flaw::NoSigner, .. }]));
}

#[test]
fn every_digest_and_key_length_in_use_is_checked() {
    if !able(&[TOOLS, &["osslsigncode"]].concat()) {
        return;
    }
    let workshop = Workshop::new();
    workshop.write("plain.efi", &image(&[]));
    for (key, digest) in [
        ("rsa:2048", "sha1"),
        ("rsa:2048", "sha256"),
        ("rsa:3072", "sha384"),
        ("rsa:4096", "sha512"),
    ] {
        workshop.authority(
            "ca",
            "/CN=Example CA",
            key,
            &format!("-{}", digest.replace("sha1", "sha256")),
        );
        workshop.certified("signer", "/CN=Example Signer", "ca", key, "");
        let with = ["-certs", "signer.crt", "-ac", "ca.crt", "-key", "signer.key"];
        let files = ["-h", digest, "-in", "plain.efi", "-out", "signed.efi"];
        let _ = std::fs::remove_file(workshop.file("signed.efi"));
        workshop.run("osslsigncode", &[&["sign"][..], &with, &files].concat());
        let binary = read(&workshop.bytes("signed.efi"));
        let [signature] = binary.signatures.as_slice() else { panic!("{binary:?}") };
        assert_eq!((&signature.flaw, signature.links().count()), (&None, 2), "{key} {digest}");
        assert_eq!(signature.digest.0.unwrap().to_string().replace('-', "").to_lowercase(), digest);
        let machine = Machine::new(workshop.trusting("ca"));
        assert!(judge(&[&binary], &machine.world()).starts(), "{key} {digest}");
        let verify = ["verify", "-CAfile", "ca.crt", "-in", "signed.efi"];
        assert!(attempt("osslsigncode", &verify, workshop.path()).status.success());
        let mut changed = workshop.bytes("signed.efi");
        changed[600] ^= 1;
        let flaw = read(&changed).signatures.remove(0).flaw;
        assert!(matches!(flaw, Some(Flaw::OtherFile { .. })), "{flaw:?}");
    }
}

#[test]
fn a_key_that_is_not_rsa_leaves_it_open() {
    if !able(&[TOOLS, &["osslsigncode"]].concat()) {
        return;
    }
    let workshop = Workshop::new();
    let curve = ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.key"];
    workshop.run("openssl", &curve);
    let fixed = ["req", "-x509", "-key", "ca.key", "-subj", "/CN=Curved CA", "-days", "9"];
    workshop.run("openssl", &[&fixed[..], &["-out", "ca.crt"]].concat());
    workshop.write("plain.efi", &image(&[]));
    let with = ["sign", "-certs", "ca.crt", "-key", "ca.key", "-h", "sha256"];
    workshop.run("osslsigncode", &[&with[..], &["-in", "plain.efi", "-out", "a.efi"]].concat());
    let binary = read(&workshop.bytes("a.efi"));
    assert_eq!(binary.signatures[0].flaw, Some(Flaw::UnknownKind));
    assert!(binary.signatures[0].flaw.as_ref().unwrap().is_only_unknown());
    let verdict = judge(&[&binary], &Machine::new(workshop.trusting("ca")).world());
    assert_eq!(verdict.starts, Starts::Perhaps, "{verdict}");
}

#[test]
fn a_signature_inside_a_signature_is_read_and_firmware_does_not_look_at_it() {
    if !able(&[TOOLS, &["osslsigncode"]].concat()) {
        return;
    }
    let workshop = Workshop::new();
    workshop.write("plain.efi", &image(&[]));
    for name in ["outer", "inner"] {
        workshop.authority(name, &format!("/CN={name} CA"), "rsa:2048", "-sha256");
    }
    let sign = |by: &str, more: &[&str], from: &str, to: &str| {
        let (certificate, key) = (format!("{by}.crt"), format!("{by}.key"));
        let fixed = ["sign", "-certs", &certificate, "-key", &key, "-h", "sha256"];
        workshop.run("osslsigncode", &[&fixed[..], more, &["-in", from, "-out", to]].concat());
    };
    sign("outer", &[], "plain.efi", "one.efi");
    sign("inner", &["-nest"], "one.efi", "two.efi");
    let binary = read(&workshop.bytes("two.efi"));
    let found: Vec<_> = binary.signatures.iter().map(|s| (s.depth, s.signer_name())).collect();
    assert_eq!(found, [(0, "outer CA".to_owned()), (1, "inner CA".to_owned())]);
    assert!(binary.signatures.iter().all(|signature| signature.flaw.is_none()));
    let verdict = judge(&[&binary], &Machine::new(workshop.trusting("outer")).world());
    assert!(verdict.starts());
    assert!(verdict.links[0].remarks.contains(&Remark::Nested("inner CA".into())));
    let verdict = judge(&[&binary], &Machine::new(workshop.trusting("inner")).world());
    assert_eq!(verdict.starts, Starts::No);
}

#[test]
fn a_chain_through_an_authority_between_is_followed_link_by_link() {
    if !able(TOOLS) {
        return;
    }
    let workshop = Workshop::new();
    workshop.authority("ca", "/CN=Example CA", "rsa:3072", "-sha384");
    let authority = "basicConstraints=critical,CA:TRUE\n";
    workshop.certified("between", "/CN=Example Between", "ca", "rsa:2048", authority);
    workshop.certified("signer", "/CN=Example Signer", "between", "rsa:2048", "");
    workshop.write("a.efi", &image(&[]));
    workshop.sign("a.efi", "signer", &["between"]);
    let binary = read(&workshop.bytes("a.efi"));
    assert_eq!(binary.signatures[0].links().count(), 2);
    assert!(agreed(&workshop, "a.efi", "ca").starts());
    // Without the one between, nothing leads there.
    workshop.write("b.efi", &image(&[]));
    workshop.sign("b.efi", "signer", &[]);
    assert!(!agreed(&workshop, "b.efi", "ca").starts());
    // Nor through one that may not certify: a signer cannot make another signer.
    for (extension, name) in
        [("basicConstraints=CA:FALSE\n", "d"), ("", "e"), ("keyUsage=digitalSignature\n", "f")]
    {
        workshop.certified("end", "/CN=Example End", "ca", "rsa:2048", extension);
        assert!(!workshop.certificate("end").is_authority);
        workshop.certified("thief", "/CN=Thief", "end", "rsa:2048", "");
        let file = format!("{name}.efi");
        workshop.write(&file, &image(&[]));
        workshop.sign(&file, "thief", &["end"]);
        assert!(!agreed(&workshop, &file, "ca").starts(), "{extension}");
    }
    // Nor with another of its name.
    workshop.authority("false", "/CN=Example Between", "rsa:2048", "-sha256");
    workshop.write("c.efi", &image(&[]));
    workshop.sign("c.efi", "signer", &["false", "ca"]);
    let binary = read(&workshop.bytes("c.efi"));
    assert_eq!(binary.signatures[0].links().count(), 1);
    assert!(!agreed(&workshop, "c.efi", "ca").starts());
    let [signer, between] = ["signer", "false"].map(|name| workshop.certificate(name));
    assert_eq!(signer.is_issued_by(&between), Check::Wrong);
}

#[test]
fn dates_are_told_and_decide_nothing() {
    if !able(TOOLS) {
        return;
    }
    let workshop = signed();
    let binary = read(&workshop.bytes("a.efi"));
    let mut machine = Machine::new(workshop.trusting("ca"));
    let now = judge(&[&binary], &machine.world());
    assert!(now.links[0].remarks.is_empty(), "{now}");
    for now_s in [0, 4_000_000_000] {
        machine.now_s = now_s;
        let verdict = judge(&[&binary], &machine.world());
        assert!(verdict.starts());
        assert!(
            matches!(&verdict.links[0].remarks[..], [Remark::OutOfDate { name, .. }]
            if name == "Example Signer"),
            "{verdict}"
        );
    }
}

#[test]
fn an_authority_of_which_only_the_name_is_told_is_believed_by_name() {
    if !able(TOOLS) {
        return;
    }
    let workshop = Workshop::new();
    workshop.authority("rocky", "/CN=Rocky Linux Secure Boot Root CA", "rsa:2048", "-sha256");
    workshop.certified("signer", "/CN=Signer 101", "rocky", "rsa:2048", "");
    workshop.authority("false", "/CN=Microsoft UEFI CA 2023", "rsa:2048", "-sha256");
    workshop.certified("liar", "/CN=Liar", "false", "rsa:2048", "");
    for (file, by) in [("a.efi", "signer"), ("b.efi", "liar")] {
        workshop.write(file, &image(&[]));
        workshop.sign(file, by, &[]);
    }
    let binary = read(&workshop.bytes("a.efi"));
    let lead = binary.signatures[0].lead().unwrap();
    assert_eq!(lead.anchor.keeper, anchors::Keeper::Distribution("Rocky Linux"));
    assert!(!lead.is_proved);
    let verdict = judge(&[&binary], &Machine::new(Lists::of(&[lead.anchor])).world());
    assert_eq!(verdict.starts, Starts::Perhaps);
    assert!(!verdict.starts() && verdict.to_string().contains("by name: its key is not at hand"));
    // Whoever calls an authority Microsoft's gets no more than that either.
    let liar = read(&workshop.bytes("b.efi"));
    let across = across(&[&liar], &Machine::new(Lists::default()).world());
    assert_eq!(across.only_2023.starts, Starts::Perhaps);
    assert_eq!(across.only_2011.starts, Starts::No);
    assert!(across.to_string().ends_with("(by name: not every key is at hand)"), "{across}");
}

#[test]
fn hostile_names_are_shown_harmless_and_short() {
    if !able(TOOLS) {
        return;
    }
    let workshop = Workshop::new();
    let name = format!("/CN=\u{1b}[31mred\u{202e}txet{}", "x".repeat(40));
    let args = ["-utf8", "-newkey", "rsa:2048", "-keyout", "ca.key", "-out", "ca.crt"];
    workshop.run("openssl", &[&["req", "-x509", "-nodes", "-subj", &name][..], &args].concat());
    workshop.write("a.efi", &image(&[]));
    let binary = read(&workshop.sign("a.efi", "ca", &[]));
    let text = judge(&[&binary], &Machine::new(Lists::default()).world()).to_string();
    assert!(text.contains("\\u{1b}[31mred\\u{202e}txet"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
}
