//! Lists as other programs make them: sbsigntool, efitools, and Microsoft's form of updates.

mod support;

use secureboot::{Binary, Hash, List, Lists, Reason, Starts, Svn, judge};
use support::image::{image, sbat};
use support::{Machine, Workshop, able, read};

const OWNER: &str = "77fa9abd-0359-4d32-bd60-28f4e78f784b";
const TOOLS: &[&str] = &["openssl", "sbsign"];

fn workshop() -> (Workshop, Binary) {
    let workshop = Workshop::new();
    workshop.authority("ca", "/CN=Example CA", "rsa:2048", "-sha256");
    workshop.certified("signer", "/CN=Example Signer", "ca", "rsa:2048", "");
    workshop.write("a.efi", &image(&[sbat(&[("app", 1)])]));
    let binary = read(&workshop.sign("a.efi", "signer", &["ca"]));
    (workshop, binary)
}

/// What a machine that trusts the authority says, given its list of revocations.
fn with_dbx(workshop: &Workshop, binary: &Binary, dbx: Lists) -> secureboot::Verdict {
    let mut machine = Machine::new(workshop.trusting("ca"));
    machine.dbx = dbx;
    judge(&[binary], &machine.world())
}

#[test]
fn lists_by_sbsiglist_hold_what_was_put_in() {
    if !able(&[TOOLS, &["sbsiglist"]].concat()) {
        return;
    }
    let (workshop, binary) = workshop();
    let ca = workshop.certificate("ca");
    let make = |kind: &str, from: &str, to: &str| {
        workshop.run("sbsiglist", &["--owner", OWNER, "--type", kind, "--output", to, from]);
        workshop.bytes(to)
    };
    workshop.write("digest", &binary.sha256);
    let (by_certificate, by_digest) =
        (make("x509", "ca.der", "ca.esl"), make("sha256", "digest", "digest.esl"));
    let both = Lists::read(&[by_certificate, by_digest.clone()].concat()).unwrap();
    assert_eq!(both.certificates, [ca]);
    assert_eq!(both.sha256.iter().collect::<Vec<_>>(), [&binary.sha256]);
    assert_eq!((both.unread, both.svns.len()), (0, 0));

    let verdict = with_dbx(&workshop, &binary, Lists::read(&by_digest).unwrap());
    assert_eq!(verdict.links[0].reasons, [Reason::RevokedDigest(List::Dbx)]);
    // The same list as db starts it.
    let machine = Machine::new(Lists::read(&by_digest).unwrap());
    assert!(judge(&[&binary], &machine.world()).starts());
}

#[test]
fn lists_by_efitools_name_certificates_by_each_digest() {
    let tools = ["cert-to-efi-sig-list", "cert-to-efi-hash-list", "hash-to-efi-sig-list"];
    if !able(&[TOOLS, &tools].concat()) {
        return;
    }
    let (workshop, binary) = workshop();
    workshop.run("hash-to-efi-sig-list", &["a.efi", "file.esl"]);
    let list = Lists::read(&workshop.bytes("file.esl")).unwrap();
    assert!(list.sha256.contains(&binary.sha256), "the digest efitools computes is ours");

    workshop.run("cert-to-efi-sig-list", &["-g", OWNER, "ca.crt", "ca.esl"]);
    let verdict = with_dbx(&workshop, &binary, Lists::read(&workshop.bytes("ca.esl")).unwrap());
    let revoked = |name: &str| Reason::RevokedCertificate { name: name.into(), list: List::Dbx };
    assert_eq!(verdict.links[0].reasons, [revoked("Example CA")]);

    for (bits, hash) in [("256", Hash::Sha256), ("384", Hash::Sha384), ("512", Hash::Sha512)] {
        for (of, name) in [("signer", "Example Signer"), ("ca", "Example CA")] {
            let certificate = format!("{of}.crt");
            workshop.run("cert-to-efi-hash-list", &["-s", bits, &certificate, "hash.esl"]);
            let list = Lists::read(&workshop.bytes("hash.esl")).unwrap();
            let kinds: Vec<_> = list.certificate_digests.iter().map(|(hash, _)| *hash).collect();
            assert_eq!((kinds, list.unread), (vec![hash], 0));
            let verdict = with_dbx(&workshop, &binary, list);
            assert_eq!(verdict.links[0].reasons, [revoked(name)], "{bits} {of}");
        }
    }
    // An authority of db is revoked by its digest even where the signature does not carry it.
    workshop.run("cert-to-efi-hash-list", &["-s", "256", "ca.crt", "hash.esl"]);
    workshop.write("b.efi", &image(&[]));
    let bare = read(&workshop.sign("b.efi", "signer", &[]));
    assert_eq!(bare.signatures[0].certificates.len(), 1);
    let list = Lists::read(&workshop.bytes("hash.esl")).unwrap();
    assert_eq!(with_dbx(&workshop, &bare, Lists::default()).starts, Starts::Yes);
    let verdict = with_dbx(&workshop, &bare, list);
    assert_eq!(
        (verdict.starts, verdict.links[0].reasons.last()),
        (Starts::No, Some(&revoked("Example CA")))
    );
    // Another's digest revokes nothing.
    workshop.authority("other", "/CN=Example CA", "rsa:2048", "-sha256");
    workshop.run("cert-to-efi-hash-list", &["-s", "256", "other.crt", "hash.esl"]);
    let list = Lists::read(&workshop.bytes("hash.esl")).unwrap();
    assert_eq!(with_dbx(&workshop, &binary, list).starts, Starts::Yes);
}

#[test]
fn the_head_of_an_update_is_passed_over() {
    if !able(&[TOOLS, &["cert-to-efi-sig-list", "sign-efi-sig-list"]].concat()) {
        return;
    }
    let (workshop, _) = workshop();
    workshop.run("cert-to-efi-sig-list", &["-g", OWNER, "signer.crt", "list.esl"]);
    let keys = ["-c", "ca.crt", "-k", "ca.key", "dbx", "list.esl", "update.bin"];
    workshop.run("sign-efi-sig-list", &keys);
    let (plain, update) = (workshop.bytes("list.esl"), workshop.bytes("update.bin"));
    assert!(update.len() > plain.len() + 500);
    let lists = Lists::read(&update).unwrap();
    assert_eq!(lists, Lists::read(&plain).unwrap());
    assert_eq!(lists.certificates[0].subject.shown, "Example Signer");
    // Cut anywhere, it is refused with the place, or has less in it.
    for length in 0..update.len() {
        if let Ok(cut) = Lists::read(&update[..length]) {
            assert!(cut.certificates.is_empty(), "{length}");
        }
    }
}

/// A list of SHA-256 entries of one owner.
fn list(owner: [u8; 16], entries: &[[u8; 32]]) -> Vec<u8> {
    let kind = [
        0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43,
        0x28,
    ];
    let length = u32::try_from(28 + entries.len() * 48).unwrap();
    let mut bytes = kind.to_vec();
    for number in [length, 0, 48] {
        bytes.extend(number.to_le_bytes());
    }
    for entry in entries {
        bytes.extend([&owner[..], entry].concat());
    }
    bytes
}

fn from_hex(digits: &str) -> [u8; 32] {
    let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

#[test]
fn security_versions_of_windows_are_told_from_digests() {
    // The owner and the entries as Microsoft publishes them (microsoft/secureboot_objects,
    // dbx_info_msft_latest.json of July 2026).
    let owner = [
        0x6c, 0x2b, 0x13, 0x9d, 0xd5, 0x59, 0x88, 0x43, 0xab, 0x1c, 0x18, 0x5c, 0xfc, 0xb2, 0xeb,
        0x92,
    ];
    let entries = [
        "01612B139DD5598843AB1C185C3CB2EB92000009000000000000000000000000",
        "019D2EF8E827E15841A4884C18ABE2F284000003000000000000000000000000",
        "01C2CA99C9FE7F6F4981279E2A8A535976000003000000000000000000000000",
        // An older one of the first program: the highest counts.
        "01612B139DD5598843AB1C185C3CB2EB92010007000000000000000000000000",
        // A form that is not known, and a program that is not.
        "02612B139DD5598843AB1C185C3CB2EB92000063000000000000000000000000",
        "01FF2B139DD5598843AB1C185C3CB2EB92000063000000000000000000000000",
    ]
    .map(from_hex);
    let lists = Lists::read(&list(owner, &entries)).unwrap();
    let found: Vec<(&str, String)> =
        lists.svns.iter().map(|(name, svn)| (*name, svn.to_string())).collect();
    let expected = [("bootmgfw.efi", "9.0"), ("cdboot.efi", "3.0"), ("wdsmgfw.efi", "3.0")];
    assert_eq!(found, expected.map(|(name, svn)| (name, svn.to_owned())));
    assert_eq!((lists.sha256.len(), lists.unread), (0, 2));
    // Of another owner they are digests of files.
    let lists = Lists::read(&list([7; 16], &entries)).unwrap();
    assert_eq!((lists.sha256.len(), lists.svns.len()), (6, 0));
    assert!(Svn { major: 7, minor: 9 } < Svn { major: 9, minor: 0 });
}

#[test]
fn what_is_no_list_is_refused_with_its_place() {
    let right = list([0; 16], &[[1; 32], [2; 32]]);
    assert_eq!(Lists::read(&right).unwrap().sha256.len(), 2);
    assert_eq!(Lists::read(&[]), Ok(Lists::default()));
    for (at, value, what) in
        [(16, 0, "length"), (19, 0xff, "length"), (20, 0xff, "header size"), (24, 3, "entry size")]
    {
        let mut wrong = [right.clone(), right.clone()].concat();
        wrong[right.len() + at] = value;
        let error = Lists::read(&wrong).unwrap_err().to_string();
        let expected = format!("the {what} of the list at byte {} is wrong", right.len());
        assert!(error.contains(&expected), "{error}");
    }
    // Entries of another size than a digest are left out, and counted.
    let mut odd = right;
    odd[24] = 40;
    let lists = Lists::read(&odd).unwrap();
    assert_eq!((lists.sha256.len(), lists.unread), (0, 3));
    let error = Lists::read(&vec![0; 5 << 20]).unwrap_err().to_string();
    assert!(error.contains("5242880 bytes are more than"), "{error}");
}
