//! Certificates that somebody else made, with OpenSSL: which are taken, which not, and what is said.

use super::openssl::Openssl;
use model::Now;
use std::net::Ipv4Addr;
use tls::{KeyKind, Keys, Wanted};

const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:3072";
const RSA_2048: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";
const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

fn now() -> Now {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Now(u64::try_from(since.as_millis()).unwrap())
}

fn wanted() -> Wanted {
    Wanted { addresses: vec![Ipv4Addr::new(10, 77, 0, 1)], own: false }
}

fn read(openssl: &Openssl, certificate: &str, key: &str) -> Result<Keys, String> {
    let read = Keys::given(&openssl.path(certificate), &openssl.path(key));
    read.map_err(|bad| format!("{} | {}", bad.what, bad.hint))
}

fn said(keys: &Keys) -> String {
    keys.findings(&wanted(), now()).into_iter().map(|f| f.text).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_whole_chain_is_taken_with_its_key_in_any_form() {
    let openssl = Openssl::new();
    openssl.certificate("root", RSA, None, true, "sha256");
    openssl.certificate("middle", RSA, Some("root"), true, "sha256");
    openssl.certificate("server", RSA, Some("middle"), false, "sha256");
    openssl.join("chain.pem", &["server.pem", "middle.pem"]);
    openssl.run("rsa -in server.key -traditional -out pkcs1.key");
    for key in ["server.key", "pkcs1.key"] {
        let keys = read(&openssl, "chain.pem", key).unwrap();
        assert_eq!(keys.chains[0].facts.len(), 2);
        assert_eq!(keys.server().unwrap().names, ["server"]);
        assert_eq!(said(&keys), "");
    }
    let alone = read(&openssl, "server.pem", "server.key").unwrap();
    assert!(said(&alone).contains("comes alone: a machine trusts it only if CN=middle"));

    openssl.join("wrong.pem", &["server.pem", "root.pem", "middle.pem"]);
    let order = read(&openssl, "wrong.pem", "server.key").unwrap_err();
    assert!(order.contains("CN=server was signed by CN=middle, but CN=root follows"), "{order}");
    assert!(order.contains("put each certificate before the one that signed it"), "{order}");
    let stranger = read(&openssl, "chain.pem", "middle.key").unwrap_err();
    assert!(stranger.contains("is not the one of the certificate"), "{stranger}");

    // Another CA under the same name: only the signature tells.
    openssl.run("x509 -in middle.pem -noout -serial");
    openssl.certificate("middle", RSA, None, true, "sha256");
    openssl.join("forged.pem", &["server.pem", "middle.pem"]);
    let forged = read(&openssl, "forged.pem", "server.key").unwrap_err();
    assert!(forged.contains("the signature of CN=server is not CN=middle's"), "{forged}");
}

#[test]
fn what_some_firmware_refuses_is_said_and_what_everybody_refuses_is_refused() {
    let openssl = Openssl::new();
    openssl.certificate("root", RSA, None, true, "sha256");
    openssl.certificate("weak", RSA_2048, Some("root"), false, "sha256");
    openssl.join("weak-chain.pem", &["weak.pem", "root.pem"]);
    let weak = read(&openssl, "weak-chain.pem", "weak.key").unwrap();
    assert_eq!(weak.server().unwrap().key, KeyKind::Rsa(2048));
    assert!(said(&weak).contains("recent EDK2 firmware (OpenSSL level 3) refuses RSA keys"));

    openssl.certificate("curve", P256, Some("root"), false, "sha256");
    openssl.run("ec -in curve.key -out sec1.key");
    for key in ["curve.key", "sec1.key"] {
        let curve = read(&openssl, "curve.pem", key).unwrap();
        assert_eq!(curve.server().unwrap().key, KeyKind::Ec(256));
        assert!(said(&curve).contains("EDK2 before 2023 and iPXE before 2024 take RSA only"));
    }

    openssl.certificate("old", RSA, Some("root"), false, "sha1");
    let old = read(&openssl, "old.pem", "old.key").unwrap_err();
    assert!(old.contains("CN=old is signed with SHA-1"), "{old}");
    let tiny = "-algorithm RSA -pkeyopt rsa_keygen_bits:1024";
    openssl.certificate("tiny", tiny, Some("root"), false, "sha256");
    let tiny = read(&openssl, "tiny.pem", "tiny.key").unwrap_err();
    assert!(tiny.contains("RSA-1024: too weak for anybody"), "{tiny}");
}

#[test]
fn files_that_hold_something_else_say_so() {
    let openssl = Openssl::new();
    openssl.certificate("root", P256, None, true, "sha256");
    let missing = read(&openssl, "none.pem", "root.key").unwrap_err();
    assert!(missing.contains("bootwright tls init"), "{missing}");
    let swapped = read(&openssl, "root.key", "root.pem").unwrap_err();
    assert!(swapped.contains("root.key holds no certificate"), "{swapped}");
    let no_key = read(&openssl, "root.pem", "root.pem").unwrap_err();
    assert!(no_key.contains("root.pem holds no private key"), "{no_key}");
    openssl.run("ec -in root.key -aes256 -passout pass:x -out locked.key");
    let locked = read(&openssl, "root.pem", "locked.key").unwrap_err();
    assert!(locked.contains("without a password"), "{locked}");
    std::fs::write(
        openssl.path("cut.pem"),
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let cut = read(&openssl, "cut.pem", "root.key").unwrap_err();
    assert!(cut.contains("a certificate cannot be read"), "{cut}");
    std::fs::write(openssl.path("huge.pem"), vec![b'x'; (1 << 20) + 1]).unwrap();
    assert!(read(&openssl, "huge.pem", "root.key").unwrap_err().contains("more than 1048576"));
}
