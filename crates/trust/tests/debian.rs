//! Debian's own keyrings, and what Debian signed with their keys.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "what apt fetched is as old as it is, and a skipped test must be seen"
)]

mod support;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use support::{NOW_S, able};
use trust::{Keyring, TrustError};

#[test]
fn all_keyrings_of_debian_are_read() {
    let dir = Path::new("/usr/share/keyrings");
    if !able(&[
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "/usr/share/keyrings/debian-role-keys.gpg",
    ]) {
        return;
    }
    let mut names = Vec::new();
    for entry in dir.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("debian-") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        if name == "debian-keyring.gpg" {
            // The keys of all its developers, 28 MB: more than is taken.
            assert!(matches!(Keyring::read(&bytes), Err(TrustError::TooMuch { .. })));
            continue;
        }
        let ring = Keyring::read(&bytes).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(!ring.keys(NOW_S).is_empty(), "{name}");
        names.push(name);
    }
    assert!(names.len() >= 3, "{names:?}");
}

#[test]
fn the_keys_of_debian_stand_as_gpg_says() {
    if !able(&[
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "/usr/share/keyrings/debian-role-keys.gpg",
    ]) {
        return;
    }
    let ring =
        Keyring::read(&std::fs::read("/usr/share/keyrings/debian-archive-keyring.gpg").unwrap())
            .unwrap();
    let keys = ring.keys(NOW_S);
    let bookworm = keys
        .iter()
        .find(|key| key.user_id.contains("(12/bookworm)") && key.user_id.contains("Archive"));
    let bookworm = bookworm.unwrap();
    assert_eq!(bookworm.fingerprint, "b8b80b5b623eab6ad8775c45b7c5d7d6350947f8");
    assert_eq!(bookworm.unfit, None);
    assert!(bookworm.end_s.unwrap() > NOW_S);
    let role =
        Keyring::read(&std::fs::read("/usr/share/keyrings/debian-role-keys.gpg").unwrap()).unwrap();
    let cd = role
        .keys(NOW_S)
        .into_iter()
        .find(|key| key.fingerprint.ends_with("da87e80d6294be9b"))
        .unwrap();
    assert_eq!(cd.unfit, None, "the key that signs Debian's images");
}

/// What apt fetched last on this machine: signed texts by two or three keys each.
#[test]
fn what_apt_fetched_is_signed_by_debian() {
    if !able(&["/usr/share/keyrings/debian-archive-keyring.gpg", "/var/lib/apt/lists"]) {
        return;
    }
    let ring =
        Keyring::read(&std::fs::read("/usr/share/keyrings/debian-archive-keyring.gpg").unwrap())
            .unwrap();
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut seen = 0;
    for entry in Path::new("/var/lib/apt/lists").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if !name.contains("_debian_dists_") || !name.ends_with("_InRelease") {
            continue;
        }
        let message = std::fs::read(&path).unwrap();
        let (signed, text) =
            ring.check_cleartext(&message, now_s).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(signed.user_id.contains("Debian"), "{signed:?}");
        assert!(text.contains("SHA256:"), "{name}");
        let other = String::from_utf8_lossy(&message).replacen("SHA256:", "SHA257:", 1);
        let why = ring.check_cleartext(other.as_bytes(), now_s).unwrap_err();
        assert!(matches!(why, TrustError::ContentChanged { .. }), "{why}");
        seen += 1;
    }
    if seen == 0 {
        eprintln!("what_apt_fetched_is_signed_by_debian SKIPPED: apt-get update was not run here");
    }
}
