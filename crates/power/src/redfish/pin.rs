//! Whether the certificate a BMC shows is the one that was confirmed.
//!
//! In: a certificate, what to trust. Out: a TLS setting, and what was seen. Never: a certificate
//! accepted because it is there.

use super::RedfishError;
use super::fingerprint::Fingerprint;
use super::place::Place;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use std::sync::{Arc, OnceLock};
use webpki::RawPublicKeyEntity;
use x509_parser::parse_x509_certificate;

/// By what a BMC is believed to be itself.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Its certificate has this fingerprint, whoever signed it and however old it is.
    Pinned(Fingerprint),
    /// Its certificate was signed by one of these authorities, for the host's name, and is valid
    /// today.
    Authorities(Vec<CertificateDer<'static>>),
    /// Nobody has confirmed it yet: the first visit ends in [`RedfishError::Unconfirmed`] with the
    /// fingerprint, before anything but a handshake was sent.
    Unconfirmed,
    /// No TLS at all, for `http://` only: whoever is on the way reads the password and may change
    /// every answer.
    Unencrypted,
}

/// A setting for one handshake.
pub(super) struct Handshake {
    pub(super) config: Arc<ClientConfig>,
    seen: Option<Arc<Pinned>>,
}

impl Handshake {
    pub(super) fn new(trust: &Trust) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|cause| cause.to_string())?;
        let wanted = match trust {
            Trust::Authorities(certificates) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates {
                    roots.add(certificate.clone()).map_err(|cause| {
                        format!("one of the authorities' certificates cannot be used ({cause})")
                    })?;
                }
                let config = builder.with_root_certificates(roots).with_no_client_auth();
                return Ok(Self { config: Arc::new(config), seen: None });
            }
            Trust::Pinned(fingerprint) => Some(*fingerprint),
            Trust::Unconfirmed | Trust::Unencrypted => None,
        };
        let pinned = Arc::new(Pinned { wanted, seen: OnceLock::new(), algorithms });
        let config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&pinned) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config), seen: Some(pinned) })
    }

    /// Why a handshake came to nothing.
    pub(super) fn refusal(&self, place: &Place, cause: &std::io::Error) -> RedfishError {
        let bmc = place.to_string();
        let presented =
            self.seen.as_ref().and_then(|pinned| Some((pinned.wanted, *pinned.seen.get()?)));
        match presented {
            Some((None, fingerprint)) => RedfishError::Unconfirmed { bmc, fingerprint },
            Some((Some(pinned), presented)) if pinned != presented => {
                RedfishError::Changed { bmc, pinned, presented }
            }
            _ => RedfishError::Tls { bmc, why: cause.to_string() },
        }
    }
}

/// Takes one certificate, by its fingerprint, and remembers what it was shown.
#[derive(Debug)]
struct Pinned {
    wanted: Option<Fingerprint>,
    seen: OnceLock<Fingerprint>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let seen = *self.seen.get_or_init(|| Fingerprint::of(certificate));
        if self.wanted == Some(seen) && seen == Fingerprint::of(certificate) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    // That it also holds the certificate's key is checked as ever, but by the key alone: the usual
    // way refuses certificates of X.509 version 1, and BMCs that sign their own have such.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = key(certificate)?;
        let entity = RawPublicKeyEntity::try_from(&key).map_err(|_| BAD_ENCODING)?;
        let known = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        // In TLS 1.2 a scheme leaves the curve open: the one that is the key's will do.
        let valid = known.is_some_and(|(_, algorithms)| {
            let mut all = algorithms.iter();
            all.any(|one| entity.verify_signature(*one, message, signed.signature()).is_ok())
        });
        if valid { Ok(HandshakeSignatureValid::assertion()) } else { Err(BAD_SIGNATURE) }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(message, &key(certificate)?, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

const BAD_ENCODING: Error = Error::InvalidCertificate(CertificateError::BadEncoding);
const BAD_SIGNATURE: Error = Error::InvalidCertificate(CertificateError::BadSignature);

/// The key in a certificate that was confirmed.
fn key<'a>(certificate: &'a CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'a>, Error> {
    let (_, read) = parse_x509_certificate(certificate).map_err(|_| BAD_ENCODING)?;
    Ok(SubjectPublicKeyInfoDer::from(read.tbs_certificate.subject_pki.raw.to_vec()))
}
