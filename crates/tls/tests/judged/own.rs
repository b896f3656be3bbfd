//! Our own CA, judged by OpenSSL.

use super::openssl::Openssl;
use model::Now;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use tls::{Ask, Expiry, KeyKind, Keys, Store, Wanted};

/// 2026-11-26.
const NOW: Now = Now(1_795_651_200_000);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

fn ask() -> Ask {
    Ask {
        host: "lab".to_owned(),
        names: vec!["boot.lab.example".to_owned()],
        addresses: vec![SERVER.into(), Ipv4Addr::new(192, 168, 9, 1).into()],
        new_ca: false,
    }
}

#[test]
fn openssl_finds_our_certificates_good_for_names_and_addresses() {
    let openssl = Openssl::new();
    Store::new(openssl.at()).init(&ask(), NOW, false).unwrap();
    for server in ["server.pem", "server-ec.pem"] {
        let verify = "verify -x509_strict -purpose sslserver -CAfile keys/ca.pem";
        for name in
            ["-verify_hostname boot.lab.example", "-verify_ip 10.77.0.1", "-verify_ip 192.168.9.1"]
        {
            openssl.run(&format!("{verify} {name} keys/{server}"));
        }
        for other in ["-verify_hostname other.example", "-verify_ip 10.77.0.2"] {
            assert!(!openssl.try_to(&format!("{verify} {other} keys/{server}")).status.success());
        }
    }
    // Level 3 is what recent EDK2 demands.
    openssl.run("verify -auth_level 3 -CAfile keys/ca.pem keys/server.pem");
}

#[test]
fn firmware_finds_the_extensions_and_dates_it_looks_for() {
    let openssl = Openssl::new();
    Store::new(openssl.at()).init(&ask(), NOW, false).unwrap();
    let ca = openssl.run("x509 -in keys/ca.pem -noout -text");
    for word in [
        "Public-Key: (3072 bit)",
        "CA:TRUE, pathlen:0",
        "Certificate Sign, CRL Sign",
        "Not Before: Jan  1 00:00:00 1970",
        "Not After : Nov 26 00:00:00 2046",
        "CN = Bootwright CA lab 2026-11-26",
        "Subject Key Identifier",
        "sha256WithRSAEncryption",
    ] {
        assert!(ca.contains(word), "{word}\n{ca}");
    }
    let server = openssl.run("x509 -in keys/server.pem -noout -text");
    for word in [
        "Public-Key: (3072 bit)",
        "CA:FALSE",
        "Digital Signature, Key Encipherment",
        "TLS Web Server Authentication",
        "DNS:boot.lab.example, IP Address:10.77.0.1, IP Address:192.168.9.1",
        "Authority Key Identifier",
        "Not After : Nov 26 00:00:00 2036",
    ] {
        assert!(server.contains(word), "{word}\n{server}");
    }
    let ec = openssl.run("x509 -in keys/server-ec.pem -noout -text");
    assert!(ec.contains("prime256v1") && ec.contains("sha256WithRSAEncryption"), "{ec}");
    let der = openssl.run("x509 -in keys/ca.der -inform DER -noout -fingerprint -sha256");
    let facts = Store::new(openssl.at()).authority().unwrap();
    assert_eq!(der.trim(), format!("sha256 Fingerprint={}", facts.fingerprint));
    let list = fs::read(openssl.path("keys/ca.esl")).unwrap();
    assert!(list.ends_with(&fs::read(openssl.path("keys/ca.der")).unwrap()));
}

#[test]
fn keys_are_ours_alone_and_nothing_half_written_stays() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::new(state.path());
    store.init(&ask(), NOW, false).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.directory().to_owned()), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(store.directory()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(entry.path()), 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "ca.der",
            "ca.esl",
            "ca.key",
            "ca.pem",
            "server-ec.key",
            "server-ec.pem",
            "server.key",
            "server.pem"
        ]
    );
    assert!(store.open_to_others().is_empty());
    let key = store.directory().join("server.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(store.open_to_others(), [format!("{} (0644)", key.display())]);
}

#[test]
fn a_second_init_renews_under_the_same_ca_and_a_new_ca_only_on_request() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::new(state.path());
    assert!(!store.exists());
    let would = store.init(&ask(), NOW, true).unwrap();
    assert!(would.new_ca && !store.exists() && would.files.len() == 8, "{would:?}");

    store.init(&ask(), NOW, false).unwrap();
    let first = (store.authority().unwrap(), Keys::own(state.path()).unwrap());
    let more = Ask { addresses: vec![IpAddr::from([10, 9, 9, 9])], ..ask() };
    let made = store.init(&more, Now(NOW.0 + 86_400_000), false).unwrap();
    assert!(!made.new_ca && made.files.len() == 2, "{made:?}");
    let second = (store.authority().unwrap(), Keys::own(state.path()).unwrap());
    assert_eq!(first.0, second.0);
    let (old, new) = (first.1.server().unwrap(), second.1.server().unwrap());
    assert_eq!(new.addresses, [IpAddr::from([10, 9, 9, 9])]);
    assert_eq!(new.not_after, old.not_after + 86_400);

    // What is signed in the CA's last years ends with it.
    let late = Now(NOW.0 + 15 * 365 * 86_400_000);
    store.init(&ask(), late, false).unwrap();
    let last = Keys::own(state.path()).unwrap();
    assert_eq!(last.server().unwrap().not_after, first.0.not_after);

    let made = store.init(&Ask { new_ca: true, ..ask() }, NOW, false).unwrap();
    assert!(made.new_ca);
    assert_ne!(store.authority().unwrap().fingerprint, first.0.fingerprint);
    Keys::own(state.path()).unwrap();
}

#[test]
fn what_is_served_says_what_it_lacks_and_when_it_ends() {
    let state = tempfile::tempdir().unwrap();
    Store::new(state.path()).init(&ask(), NOW, false).unwrap();
    let keys = Keys::own(state.path()).unwrap();
    assert_eq!(keys.server().unwrap().key, KeyKind::Rsa(3072));
    assert_eq!(keys.chains.len(), 2);
    let wanted = |last: u8| Wanted { addresses: vec![Ipv4Addr::new(10, 77, 0, last)], own: true };
    assert_eq!(keys.findings(&wanted(1), NOW), []);
    let lacks = keys.findings(&wanted(2), NOW);
    assert!(lacks[0].grave && lacks[0].text.contains("does not name 10.77.0.2"), "{lacks:?}");
    assert!(lacks[0].hint.contains("tls init --address 10.77.0.2"), "{lacks:?}");

    let day = |days: u64| Now(NOW.0 + days * 86_400_000);
    assert_eq!(keys.expiry(day(3653 - 29)), Some(Expiry::Soon(29)));
    let soon = keys.findings(&wanted(1), day(3653 - 29));
    assert!(!soon[0].grave && soon[0].text.contains("ends in 29 days"), "{soon:?}");
    let over = keys.findings(&wanted(1), day(3653 + 3));
    assert!(over[0].grave && over[0].text.contains("ended 3 days ago"), "{over:?}");
}
