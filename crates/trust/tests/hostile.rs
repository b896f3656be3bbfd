//! Keyrings, signatures and checksum files that were made to do harm.

mod support;

use pgp::composed::{Deserializable, SignedPublicKey, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, PacketTrait, SignatureConfig, SignatureType, Subpacket, SubpacketData,
};
use pgp::types::{KeyDetails, Password, Timestamp};
use proptest::prelude::*;
use support::{CONTENT, Gpg, NOW_S, check, gpg_is_there, refused};
use trust::{Checksums, Keyring, TrustError};

const NAME: &str = "Images <images@publisher.example>";

/// Somebody binds a publisher's subkey to a key of their own, to pass for the one who signed.
#[test]
fn a_subkey_that_somebody_else_claims_does_not_sign_for_them() {
    if !gpg_is_there() {
        return;
    }
    let (publisher, thief) = (Gpg::new(), Gpg::new());
    let key = publisher.key("20260101", NAME, "ed25519", "cert", "never");
    publisher.subkey("20260102", &key, "rsa2048", "sign", "never");
    let signature = publisher.sign("20260301", &["--detach-sign"]);
    let ring = publisher.export(NAME);
    let subkey = &SignedPublicKey::from_bytes(&ring[..]).unwrap().public_subkeys[0].key;

    thief.key("20260101", "Thief <thief@publisher.example>", "rsa2048", "cert", "never");
    let secret = thief.at("20260601", &["--batch", "--export-secret-keys"], b"").stdout;
    let secret = SignedSecretKey::from_bytes(&secret[..]).unwrap();
    let mut flags = KeyFlags::default();
    flags.set_sign(true);
    let mut config = SignatureConfig::v4(
        SignatureType::SubkeyBinding,
        secret.primary_key.algorithm(),
        HashAlgorithm::Sha256,
    );
    config.hashed_subpackets = [
        SubpacketData::SignatureCreationTime(Timestamp::from_secs(1_772_000_000)),
        SubpacketData::IssuerFingerprint(secret.primary_key.fingerprint()),
        SubpacketData::KeyFlags(flags),
    ]
    .into_iter()
    .map(|data| Subpacket::regular(data).unwrap())
    .collect();
    let public = secret.primary_key.public_key();
    let binding = config
        .sign_subkey_binding(&secret.primary_key, public, &Password::empty(), subkey)
        .unwrap();
    binding.verify_subkey_binding(public, subkey).unwrap();

    let mut claimed = thief.export("Thief");
    subkey.to_writer_with_header(&mut claimed).unwrap();
    binding.to_writer_with_header(&mut claimed).unwrap();
    let claimed = Keyring::read(&claimed).unwrap();
    let (why, words) = refused(&claimed, &signature, NOW_S);
    assert!(matches!(why, TrustError::KeyUnfit { .. }), "{words}");
    assert!(words.contains("did not itself sign"), "{words}");
    assert!(check(&Keyring::read(&ring).unwrap(), &signature, CONTENT, NOW_S).is_ok());
}

/// Names, ends and subkeys of a key that nobody's signature stands behind do not count.
#[test]
fn a_key_without_its_owners_word_is_not_believed() {
    if !gpg_is_there() {
        return;
    }
    let gpg = Gpg::new();
    gpg.key("20260101", NAME, "ed25519", "sign", "never");
    let signature = gpg.sign("20260301", &["--detach-sign"]);
    let whole = SignedPublicKey::from_bytes(&gpg.export(NAME)[..]).unwrap();
    let mut bare = Vec::new();
    whole.primary_key.to_writer_with_header(&mut bare).unwrap();
    whole.details.users[0].id.to_writer_with_header(&mut bare).unwrap();
    let (why, words) = refused(&Keyring::read(&bare).unwrap(), &signature, NOW_S);
    assert!(matches!(why, TrustError::KeyUnfit { .. }), "{words}");
    assert!(!words.contains("Images"), "a name that nobody signed is not told: {words}");

    // The same with a name of somebody else under the owner's signature.
    let mut renamed = gpg.export(NAME);
    let at = renamed.windows(6).position(|bytes| bytes == b"Images").unwrap();
    renamed[at] = b'X';
    let (why, words) = refused(&Keyring::read(&renamed).unwrap(), &signature, NOW_S);
    assert!(matches!(why, TrustError::KeyUnfit { .. }), "{words}");
}

#[test]
fn sizes_have_caps() {
    if !gpg_is_there() {
        return;
    }
    let gpg = Gpg::new();
    gpg.key("20260101", NAME, "ed25519", "sign", "never");
    let ring = gpg.keyring(NAME);
    let signature = gpg.sign("20260301", &["--detach-sign"]);
    let many = signature.repeat(9);
    assert!(matches!(refused(&ring, &many, NOW_S).0, TrustError::TooMuch { most: 8, .. }));
    // One key with more names than any has.
    let mut names = gpg.export(NAME);
    names.extend([0xcd, 1, b'x'].repeat(2000));
    assert!(matches!(Keyring::read(&names), Err(TrustError::TooMuch { most: 2000, .. })));
    // Empty packets of a kind that is passed over, and one that says it has 4 GB.
    let padding = [0xd5, 0].repeat(100_001);
    assert!(matches!(Keyring::read(&padding), Err(TrustError::TooMuch { .. })));
    assert!(matches!(
        Keyring::read(&[0x9b, 0xff, 0xff, 0xff, 0xff, 4]),
        Err(TrustError::Unreadable { .. })
    ));
    assert!(matches!(Keyring::read(&[0x99; 9 << 20]), Err(TrustError::TooMuch { .. })));
    assert!(matches!(
        ring.check_cleartext(&[b'a'; 5 << 20], NOW_S),
        Err(TrustError::TooMuch { .. })
    ));
    // The largest text that is taken, all of it lines that look like the end of the signed part.
    let mut lines = b"-----BEGIN PGP SIGNED MESSAGE-----\n\n".to_vec();
    lines.resize(4 << 20, b'\n');
    assert!(matches!(ring.check_cleartext(&lines, NOW_S), Err(TrustError::Unreadable { .. })));
}

/// A keyring, a signature and a signed text to damage, made once.
type Samples = (Vec<u8>, Vec<u8>, Vec<u8>);

fn samples() -> Option<&'static Samples> {
    static SAMPLES: std::sync::OnceLock<Option<Samples>> = std::sync::OnceLock::new();
    let made = SAMPLES.get_or_init(|| {
        gpg_is_there().then(|| {
            let gpg = Gpg::new();
            let key = gpg.key("20260101", NAME, "ed25519", "cert", "never");
            gpg.subkey("20260102", &key, "rsa2048", "sign", "never");
            let ring = gpg.export(NAME);
            let signature = gpg.sign("20260301", &["--detach-sign"]);
            (ring, signature, gpg.sign("20260301", &["--clearsign"]))
        })
    });
    made.as_ref()
}

fn damage(bytes: &[u8], hits: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, to) in hits {
        let at = at.index(bytes.len());
        bytes[at] = *to;
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_makes_a_panic_or_a_lie(
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let Some((ring, signature, message)) = samples() else { return Ok(()) };
        let good = Keyring::read(ring).unwrap();
        let hurt_signature = damage(signature, &hits);
        // Whatever became of the signature: other content is not what was signed.
        prop_assert!(check(&good, &hurt_signature, b"other", NOW_S).is_err());
        drop(check(&good, &hurt_signature[..cut.index(signature.len())], CONTENT, NOW_S));
        if let Ok((_, text)) = good.check_cleartext(&damage(message, &hits), NOW_S) {
            prop_assert_eq!(text, good.check_cleartext(message, NOW_S).unwrap().1);
        }
        // Whatever became of the keyring: who signed is a key that is in it.
        if let Ok(hurt) = Keyring::read(&damage(ring, &hits)) {
            drop(hurt.keys(NOW_S));
            if let Ok(signed) = check(&hurt, signature, CONTENT, NOW_S) {
                prop_assert!(hurt.keys(NOW_S).iter().any(|key| key.fingerprint == signed.fingerprint));
            }
        }
    }

    #[test]
    fn any_text_is_no_harm_to_the_reader_of_checksums(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(sums) = Checksums::parse(&bytes) {
            drop(sums.expected("a.iso"));
        }
    }
}

/// What the fuzzer starts from is what it is meant to be.
#[test]
fn the_corpus_of_the_fuzz_target_is_read() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/trust");
    let mut seen = 0;
    for entry in dir.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let (first, rest) = bytes.split_first().unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        seen += 1;
        if first % 2 == 0 {
            assert_eq!(Checksums::parse(rest).is_ok(), name != "sums-signed", "{name}");
            continue;
        }
        let at = rest.windows(8).position(|window| window == b"--then--").unwrap();
        let (ring, signed) = (Keyring::read(&rest[..at]).unwrap(), &rest[at + 8..]);
        let signed = match name.contains("text") {
            true => ring.check_cleartext(signed, NOW_S).unwrap().0,
            false => check(&ring, signed, b"content", NOW_S).unwrap(),
        };
        assert!(signed.by_subkey.is_some(), "{name}");
    }
    assert!(seen >= 6, "{seen}");
}
