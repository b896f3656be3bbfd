//! Signatures that Debian's gpg made: which are believed, and why others are not.

mod support;

use support::{CONTENT, DAY_S, Gpg, NOW_S, check, gpg_is_there, refused};
use trust::{Checksums, Digests, Judgement, Keyring, TrustError};

const NAME: &str = "Images <images@publisher.example>";

#[test]
fn every_kind_of_key_and_form_of_signature_is_checked() {
    if !gpg_is_there() {
        return;
    }
    for algorithm in ["rsa4096", "ed25519", "nistp256", "nistp384", "nistp521"] {
        let gpg = Gpg::new();
        let key = gpg.key("20260101", NAME, algorithm, "sign", "never");
        let binary_ring = gpg.keyring(NAME);
        let armored_ring =
            Keyring::read(&gpg.at("20260601", &["--armor", "--export"], b"").stdout).unwrap();
        for how in [
            &["--detach-sign"][..],
            &["--armor", "--detach-sign"],
            &["--textmode", "--detach-sign"],
        ] {
            let signature = gpg.sign("20260301", how);
            for ring in [&binary_ring, &armored_ring] {
                let signed = check(ring, &signature, CONTENT, NOW_S).unwrap();
                assert_eq!(signed.fingerprint, key, "{algorithm} {how:?}");
                assert_eq!(signed.user_id, NAME);
                assert_eq!(signed.by_subkey, None);
                // 2026-03-01, noon.
                assert_eq!(signed.made_s, 1_772_366_400);
            }
            let mut changed = CONTENT.to_vec();
            changed[0] ^= 1;
            let why = check(&binary_ring, &signature, &changed, NOW_S).unwrap_err();
            assert!(matches!(why, TrustError::ContentChanged { .. }), "{why}");
            assert!(why.to_string().contains(&key), "{why}");
        }
    }
}

#[test]
fn a_signed_text_gives_back_what_was_signed_and_nothing_else() {
    if !gpg_is_there() {
        return;
    }
    let gpg = Gpg::new();
    gpg.key("20260101", NAME, "rsa3072", "sign", "never");
    let ring = gpg.keyring(NAME);
    let message = gpg.sign("20260301", &["--clearsign"]);
    let (signed, text) = ring.check_cleartext(&message, NOW_S).unwrap();
    assert_eq!(signed.user_id, NAME);
    // Blanks at the ends of lines are not signed.
    assert_eq!(
        text.as_bytes(),
        String::from_utf8_lossy(CONTENT).replace("dashed ", "dashed").as_bytes()
    );

    let sums = Checksums::parse(text.as_bytes()).unwrap();
    let empty = [
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ];
    let digests = Digests { sha256: Some(empty), sha512: None };
    assert_eq!(sums.judge("a.iso", &digests), Judgement::Same { name: "a.iso".into() });

    let text = String::from_utf8(message).unwrap();
    let changed = text.replacen("a.iso", "b.iso", 1);
    let why = ring.check_cleartext(changed.as_bytes(), NOW_S).unwrap_err();
    assert!(matches!(why, TrustError::ContentChanged { .. }), "{why}");
    for around in
        [format!("{text}more\n"), format!("more\n{text}"), CONTENT.escape_ascii().to_string()]
    {
        let why = ring.check_cleartext(around.as_bytes(), NOW_S).unwrap_err();
        assert!(matches!(why, TrustError::Unreadable { .. }), "{why}");
    }
    // Other ends of lines are the same text.
    assert!(ring.check_cleartext(text.replace('\n', "\r\n").as_bytes(), NOW_S).is_ok());
}

#[test]
fn a_subkey_signs_for_its_key() {
    if !gpg_is_there() {
        return;
    }
    let gpg = Gpg::new();
    let key = gpg.key("20260101", NAME, "ed25519", "cert", "never");
    let subkey = gpg.subkey("20260102", &key, "rsa2048", "sign", "1y");
    gpg.subkey("20260102", &key, "cv25519", "encr", "never");
    let ring = gpg.keyring(NAME);
    let signature = gpg.sign("20260301", &["--detach-sign"]);
    let signed = check(&ring, &signature, CONTENT, NOW_S).unwrap();
    assert_eq!((signed.fingerprint, signed.by_subkey), (key.clone(), Some(subkey.clone())));

    let (why, words) = refused(&ring, &signature, NOW_S + 365 * DAY_S);
    assert!(matches!(why, TrustError::KeyExpired { .. }), "{words}");
    assert!(words.contains(&subkey) && words.contains("2027-01-02"), "{words}");

    // The key's owner revokes the subkey, saying nothing of why.
    gpg.at(
        "20260401",
        &["--command-fd", "0", "--edit-key", &key],
        b"key 1\nrevkey\ny\n0\n\ny\nsave\n",
    );
    let revoked = gpg.keyring(NAME);
    let (why, words) = refused(&revoked, &signature, NOW_S);
    assert!(matches!(why, TrustError::KeyRevoked { .. }), "{words}");
    // It holds as well for who has the older file too, in any order.
    let mut joined = gpg.keyring(NAME);
    joined.join(ring).unwrap();
    assert!(matches!(refused(&joined, &signature, NOW_S).0, TrustError::KeyRevoked { .. }));
}

#[test]
fn a_key_past_its_end_is_not_believed_and_one_that_was_prolonged_is() {
    if !gpg_is_there() {
        return;
    }
    let gpg = Gpg::new();
    let key = gpg.key("20250101", NAME, "ed25519", "sign", "1y");
    let ring = gpg.keyring(NAME);
    let signature = gpg.sign("20250301", &["--detach-sign"]);
    assert!(check(&ring, &signature, CONTENT, 1_740_830_400).is_ok());
    let (why, words) = refused(&ring, &signature, NOW_S);
    assert!(matches!(why, TrustError::KeyExpired { end_s: 1_767_268_800, .. }), "{words}");
    assert!(words.contains("2026-01-01") && words.contains("newest keyring"), "{words}");
    assert!(ring.keys(NOW_S)[0].unfit.as_ref().unwrap().contains("expired"));

    gpg.at("20251201", &["--batch", "--quick-set-expire", &key, "5y"], b"");
    assert!(check(&gpg.keyring(NAME), &signature, CONTENT, NOW_S).is_ok());
    assert_eq!(gpg.keyring(NAME).keys(NOW_S)[0].unfit, None);
}

#[test]
fn a_revoked_key_is_not_believed_and_one_that_was_replaced_was_good_before() {
    if !gpg_is_there() {
        return;
    }
    for (code, reason, reaches_back) in [
        ("0", "no reason", true),
        ("1", "somebody else may have it", true),
        ("2", "replaced", false),
    ] {
        let gpg = Gpg::new();
        let key = gpg.key("20260101", NAME, "ed25519", "sign", "never");
        let before = gpg.sign("20260301", &["--detach-sign"]);
        let after = gpg.sign("20260501", &["--detach-sign"]);
        let typed = format!("y\n{code}\nwords of the owner\n\ny\n");
        let certificate = gpg
            .at("20260401", &["--command-fd", "0", "--gen-revoke", &key], typed.as_bytes())
            .stdout;
        gpg.at("20260402", &["--import"], &certificate);
        let ring = gpg.keyring(NAME);
        let (why, words) = refused(&ring, &after, NOW_S);
        assert!(matches!(why, TrustError::KeyRevoked { .. }), "{words}");
        for part in [reason, "words of the owner", "2026-04-01"] {
            assert!(words.contains(part), "{words}");
        }
        assert_eq!(check(&ring, &before, CONTENT, NOW_S).is_err(), reaches_back, "{reason}");
    }
}

#[test]
fn one_known_key_of_two_is_enough_and_none_is_named() {
    if !gpg_is_there() {
        return;
    }
    let gpg = Gpg::new();
    let other = "Other <other@publisher.example>";
    let key = gpg.key("20260101", NAME, "ed25519", "sign", "never");
    let stranger = gpg.key("20260101", other, "rsa2048", "sign", "never");
    for how in [&["--detach-sign"][..], &["--armor", "--detach-sign"]] {
        let two = gpg.sign("20260301", &[&["-u", &stranger, "-u", &key], how].concat());
        assert_eq!(check(&gpg.keyring(NAME), &two, CONTENT, NOW_S).unwrap().fingerprint, key);
        // Two armored blocks in one file, as when a second publisher appends theirs.
        let mut apart = gpg.sign("20260301", &["-u", &stranger, "--armor", "--detach-sign"]);
        apart.extend(gpg.sign("20260301", &["-u", &key, "--armor", "--detach-sign"]));
        assert_eq!(check(&gpg.keyring(NAME), &apart, CONTENT, NOW_S).unwrap().fingerprint, key);
        let one = gpg.sign("20260301", &[&["-u", &stranger], how].concat());
        let (why, words) = refused(&gpg.keyring(NAME), &one, NOW_S);
        assert!(matches!(why, TrustError::KeyMissing { .. }), "{words}");
        assert!(words.contains(&stranger), "{words}");
        // Both rings together know both.
        let mut ring = gpg.keyring(NAME);
        ring.join(gpg.keyring(other)).unwrap();
        assert_eq!(check(&ring, &one, CONTENT, NOW_S).unwrap().fingerprint, stranger);
    }
}

#[test]
fn weak_hashes_and_keys_are_refused() {
    if !gpg_is_there() {
        return;
    }
    let gpg = Gpg::new();
    gpg.key("20260101", NAME, "rsa2048", "sign", "never");
    let sha1 = gpg.sign("20260301", &["--digest-algo", "SHA1", "--detach-sign"]);
    let (why, words) = refused(&gpg.keyring(NAME), &sha1, NOW_S);
    assert!(matches!(why, TrustError::Weak { .. }), "{words}");
    assert!(words.contains("SHA1"), "{words}");
    for (algorithm, word) in [("rsa1024", "1024 bits"), ("dsa2048", "DSA")] {
        let gpg = Gpg::new();
        gpg.key("20260101", NAME, algorithm, "sign", "never");
        let signature = gpg.sign("20260301", &["--digest-algo", "SHA256", "--detach-sign"]);
        let (why, words) = refused(&gpg.keyring(NAME), &signature, NOW_S);
        assert!(matches!(why, TrustError::Weak { .. }), "{words}");
        assert!(words.contains(word), "{words}");
    }
}

#[test]
fn the_moment_of_a_signature_must_be_possible() {
    if !gpg_is_there() {
        return;
    }
    let gpg = Gpg::new();
    gpg.key("20260101", NAME, "ed25519", "sign", "never");
    let ring = gpg.keyring(NAME);
    let short = gpg.sign("20260301", &["--default-sig-expire", "10d", "--detach-sign"]);
    assert!(check(&ring, &short, CONTENT, 1_772_366_400 + 9 * DAY_S).is_ok());
    let (why, words) = refused(&ring, &short, 1_772_366_400 + 10 * DAY_S);
    assert!(matches!(why, TrustError::SignatureExpired { .. }), "{words}");

    let early = gpg.sign("20251201", &["--detach-sign"]);
    let (why, words) = refused(&ring, &early, NOW_S);
    assert!(
        matches!(why, TrustError::WrongTime { .. }) && words.contains("before its key"),
        "{words}"
    );

    // A server whose clock stands still at a date before the signature.
    let (why, words) = refused(&ring, &short, 1_772_366_400 - DAY_S);
    assert!(
        matches!(why, TrustError::WrongTime { .. }) && words.contains("set that clock"),
        "{words}"
    );
}

#[test]
fn a_key_whose_owner_took_signing_away_does_not_sign() {
    if !gpg_is_there() {
        return;
    }
    let gpg = Gpg::new();
    let key = gpg.key("20260101", NAME, "ed25519", "sign,cert", "never");
    let signature = gpg.sign("20260301", &["--detach-sign"]);
    assert!(check(&gpg.keyring(NAME), &signature, CONTENT, NOW_S).is_ok());
    gpg.at("20260401", &["--command-fd", "0", "--edit-key", &key], b"change-usage\nS\nQ\nsave\n");
    let (why, words) = refused(&gpg.keyring(NAME), &signature, NOW_S);
    assert!(
        matches!(why, TrustError::KeyUnfit { .. }) && words.contains("only its subkeys"),
        "{words}"
    );
}

#[test]
fn what_is_given_by_mistake_is_called_by_its_name() {
    if !gpg_is_there() {
        return;
    }
    let gpg = Gpg::new();
    gpg.key("20260101", NAME, "ed25519", "sign", "never");
    let ring = gpg.export(NAME);
    let of_ring = |bytes: &[u8]| Keyring::read(bytes).unwrap_err().to_string();
    let secret = gpg.at("20260601", &["--batch", "--export-secret-keys"], b"").stdout;
    assert!(of_ring(&secret).contains("secret key"));
    let secret = gpg.at("20260601", &["--batch", "--armor", "--export-secret-keys"], b"").stdout;
    assert!(of_ring(&secret).contains("PRIVATE KEY BLOCK"));
    let keybox = std::fs::read(gpg.home().join("pubring.kbx")).unwrap();
    assert!(of_ring(&keybox).contains("gpg --export"));
    assert!(of_ring(&ring[..ring.len() - 1]).contains("cut short"));
    assert!(of_ring(b"").contains("neither binary"));

    let ring = Keyring::read(&ring).unwrap();
    let inline = gpg.sign("20260301", &["--compress-algo", "none", "--sign"]);
    assert!(refused(&ring, &inline, NOW_S).1.contains("content inside"));
    assert!(refused(&ring, &gpg.export(NAME), NOW_S).1.contains("public key"));
    assert!(refused(&ring, b"<html>", NOW_S).1.contains("`<html>`"));
}
