//! The TLS setting that the boot port serves with.
//!
//! In: one or two chains. Out: a `rustls::ServerConfig`: TLS 1.2 and 1.3, HTTP/1.1, no client
//! certificates. Never: an ECDSA certificate for a client that takes RSA.

use crate::chain::{Chain, KeyKind};
use rustls::ServerConfig;
use rustls::SignatureScheme;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// Makes it. `Err` is what rustls says, and is a bug of ours.
pub(crate) fn of(
    chains: &[Chain],
    provider: Arc<CryptoProvider>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let of_kind = |wanted: fn(KeyKind) -> bool| {
        let chain = chains.iter().find(|chain| chain.server().is_some_and(|f| wanted(f.key)))?;
        Some(Arc::clone(&chain.certified))
    };
    let choice = Choice {
        rsa: of_kind(|kind| matches!(kind, KeyKind::Rsa(_))),
        other: of_kind(|kind| !matches!(kind, KeyKind::Rsa(_))),
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(choice));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Ours: curves before the finite field, whatever the client would rather have.
    config.ignore_client_order = true;
    Ok(Arc::new(config))
}

/// RSA for whoever takes it. iPXE before 2024 and EDK2 before 2023 take nothing else, and none that
/// takes both has been seen to refuse RSA of 3072 bits.
#[derive(Debug)]
struct Choice {
    rsa: Option<Arc<CertifiedKey>>,
    other: Option<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Choice {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let takes_rsa = hello.signature_schemes().iter().any(|scheme| is_rsa(*scheme));
        let (first, second) = match takes_rsa {
            true => (&self.rsa, &self.other),
            false => (&self.other, &self.rsa),
        };
        first.as_ref().or(second.as_ref()).cloned()
    }
}

/// With SHA-1 none of our keys signs.
fn is_rsa(scheme: SignatureScheme) -> bool {
    use SignatureScheme::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512};
    use SignatureScheme::{RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512};
    matches!(
        scheme,
        RSA_PKCS1_SHA256
            | RSA_PKCS1_SHA384
            | RSA_PKCS1_SHA512
            | RSA_PSS_SHA256
            | RSA_PSS_SHA384
            | RSA_PSS_SHA512
    )
}
