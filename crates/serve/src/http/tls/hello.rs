//! What a client offers in its first message, as far as it explains a failure.
//!
//! In: a ClientHello. Out: a few facts. Never: an opinion; `words` has those.

use rustls::server::ClientHello;
use rustls::{CipherSuite, NamedGroup, SignatureScheme};

/// A longer name is none (RFC 1035 §3.1).
const NAME_BYTES_MAX: usize = 253;

/// What a client can do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Offered {
    /// The name it believes it talks to. Firmware that was given an address names none.
    pub(crate) name: Option<String>,
    /// A cipher suite of TLS 1.3.
    pub(crate) tls13: bool,
    /// A cipher suite of TLS 1.2 with ECDHE.
    pub(crate) ecdhe: bool,
    /// One with DHE and AES-GCM: what EDK2 without elliptic curves has.
    pub(crate) dhe: bool,
    /// A way to check an RSA signature that is still allowed.
    pub(crate) rsa: bool,
    /// A way to check an ECDSA signature.
    pub(crate) ecdsa: bool,
    /// A group for the key exchange that we have too.
    pub(crate) group: bool,
    /// It names its groups at all.
    pub(crate) groups: bool,
}

impl Offered {
    pub(crate) fn of(hello: &ClientHello<'_>) -> Self {
        let name = hello.server_name().filter(|name| name.len() <= NAME_BYTES_MAX);
        let suites = hello.cipher_suites();
        let schemes = hello.signature_schemes();
        let groups = hello.named_groups();
        Self {
            name: name.map(str::to_owned),
            tls13: suites.iter().copied().any(is_tls13),
            ecdhe: suites.iter().copied().any(is_ecdhe),
            dhe: suites.iter().copied().any(is_dhe),
            rsa: schemes.iter().any(|scheme| RSA.contains(scheme)),
            ecdsa: schemes.iter().any(|scheme| ECDSA.contains(scheme)),
            group: groups.is_none_or(|groups| groups.iter().any(|group| OURS.contains(group))),
            groups: groups.is_some(),
        }
    }
}

const OURS: [NamedGroup; 3] = [NamedGroup::X25519, NamedGroup::secp256r1, NamedGroup::secp384r1];

const RSA: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
];

const ECDSA: [SignatureScheme; 3] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
];

/// RFC 8446 §B.4.
fn is_tls13(suite: CipherSuite) -> bool {
    (0x1301..=0x1305).contains(&u16::from(suite))
}

/// ECDHE with AES-GCM (RFC 5289 §3) or ChaCha20 (RFC 7905 §2), for RSA or ECDSA.
fn is_ecdhe(suite: CipherSuite) -> bool {
    matches!(u16::from(suite), 0xc02b | 0xc02c | 0xc02f | 0xc030 | 0xcca8 | 0xcca9)
}

/// DHE with AES-GCM (RFC 5288 §3).
fn is_dhe(suite: CipherSuite) -> bool {
    matches!(u16::from(suite), 0x009e | 0x009f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_told_apart() {
        assert!(is_tls13(CipherSuite::TLS13_AES_128_GCM_SHA256));
        assert!(is_ecdhe(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384));
        assert!(is_ecdhe(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256));
        for old in [
            CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
            CipherSuite::TLS_DHE_RSA_WITH_AES_256_CBC_SHA,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
        ] {
            assert!(!is_ecdhe(old) && !is_tls13(old), "{old:?}");
        }
    }
}
