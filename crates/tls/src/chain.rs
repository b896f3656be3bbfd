//! Certificates and their key, read from PEM and put to the test.
//!
//! In: the text of two files. Out: a [`Chain`] whose key fits, whose certificates follow each other,
//! and the [`Facts`] of each. Never: a file, or an opinion; that is [`crate::judge`].

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

/// A chain longer than this is a mistake in the file.
const CHAIN_MAX: usize = 8;
/// RSA keys with fewer bits are refused by everything that matters (rustls, OpenSSL level 2).
const RSA_BITS_MIN: usize = 2048;
/// Signatures with MD5 and SHA-1: by RSA (RFC 8017, A.2.4) and ECDSA (RFC 3279, 2.2.3).
const BROKEN_HASHES: [&str; 3] =
    ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];

/// Why certificates cannot be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{what}")]
pub struct Bad {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl Bad {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

/// The kind of a public key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// RSA, and how many bits.
    Rsa(usize),
    /// ECDSA, and how many bits its curve has.
    Ec(usize),
    /// Something that no firmware takes.
    Other,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA-{bits}"),
            Self::Ec(bits) => write!(f, "ECDSA P-{bits}"),
            Self::Other => f.write_str("a kind that no firmware takes"),
        }
    }
}

/// What a certificate says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Facts {
    /// Whose it is: `CN=boot, O=Example`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Seconds since 1970.
    pub not_before: i64,
    /// Seconds since 1970, included.
    pub not_after: i64,
    /// DNS names (SAN).
    pub names: Vec<String>,
    /// Addresses (SAN).
    pub addresses: Vec<IpAddr>,
    /// Of its key.
    pub key: KeyKind,
    /// SHA-256 of the certificate, `AB:CD:..`.
    pub fingerprint: String,
    /// Whether it signed itself.
    pub own_issuer: bool,
}

/// A certificate with its chain and its key, ready to be served.
#[derive(Clone)]
pub struct Chain {
    /// The server's first, then who signed it, and so on.
    pub facts: Vec<Facts>,
    pub(crate) certified: Arc<CertifiedKey>,
}

/// The key stays untold.
impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Chain {
    /// Reads both texts. `certificate` and `key` are what their files are called, for people.
    pub fn read(
        (certificate, pem): (&str, &[u8]),
        (key, key_pem): (&str, &[u8]),
        provider: &CryptoProvider,
    ) -> Result<Self, Bad> {
        let chain = certificates(certificate, pem)?;
        let facts = in_order(certificate, &chain)?;
        let private = PrivateKeyDer::from_pem_slice(key_pem).map_err(|e| {
            Bad::new(
                format!("{key} holds no private key: {e}"),
                "it is a PEM file with BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY or BEGIN EC PRIVATE \
                 KEY, without a password",
            )
        })?;
        let certified = CertifiedKey::from_der(chain, private, provider);
        let certified = certified.map_err(|e| match e {
            rustls::Error::InconsistentKeys(_) => Bad::new(
                format!("the key in {key} is not the one of the certificate in {certificate}"),
                "name the key that the certificate was made for; the certificate of the server \
                 itself comes first in its file",
            ),
            other => Bad::new(
                format!("the key in {key} cannot be used: {other}"),
                "take an RSA key of 3072 bits, or one on the curve P-256",
            ),
        })?;
        Ok(Self { facts, certified: Arc::new(certified) })
    }

    /// What the server's own certificate says.
    pub fn server(&self) -> Option<&Facts> {
        self.facts.first()
    }
}

/// All certificates of a file.
fn certificates(file: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Bad> {
    let hint = "it is a PEM file: the server's certificate first, then who signed it";
    let mut chain = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let read = certificate.map_err(|e| Bad::new(format!("{file} is broken: {e}"), hint))?;
        chain.push(read.into_owned());
    }
    if chain.is_empty() {
        return Err(Bad::new(format!("{file} holds no certificate"), hint));
    }
    if chain.len() > CHAIN_MAX {
        let what = format!("{file} holds {} certificates: that is no chain", chain.len());
        return Err(Bad::new(what, hint));
    }
    Ok(chain)
}

/// The facts of all, when each is signed by the next.
fn in_order(file: &str, chain: &[CertificateDer<'_>]) -> Result<Vec<Facts>, Bad> {
    let mut parsed = Vec::new();
    for der in chain {
        parsed.push(parse(file, der)?);
    }
    for pair in parsed.windows(2) {
        let [this, next] = pair else { continue };
        let (of, by) = (this.subject().to_string(), next.subject().to_string());
        if this.issuer() != next.subject() {
            return Err(Bad::new(
                format!("{file}: {of} was signed by {}, but {by} follows it", this.issuer()),
                "put each certificate before the one that signed it, the server's first",
            ));
        }
        if this.verify_signature(Some(next.public_key())).is_err() {
            return Err(Bad::new(
                format!("{file}: the signature of {of} is not {by}'s"),
                "the certificate that follows has the right name and another key: take the one \
                 that really signed it",
            ));
        }
    }
    chain.iter().zip(&parsed).map(|(der, this)| facts(file, der, this)).collect()
}

fn parse<'a>(file: &str, der: &'a [u8]) -> Result<X509Certificate<'a>, Bad> {
    let read = X509Certificate::from_der(der).map_err(|e| e.to_string());
    match read {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(Bad::new(format!("{file}: bytes follow a certificate"), NEW_ONE)),
        Err(e) => Err(Bad::new(format!("{file}: a certificate cannot be read: {e}"), NEW_ONE)),
    }
}

const NEW_ONE: &str = "ask whoever made it for a new one, or: bootwright tls init";

/// What one certificate says, in DER.
pub(crate) fn facts_of(file: &str, der: &[u8]) -> Result<Facts, Bad> {
    facts(file, der, &parse(file, der)?)
}

fn facts(file: &str, der: &[u8], this: &X509Certificate<'_>) -> Result<Facts, Bad> {
    let subject = this.subject().to_string();
    let own_issuer = this.subject() == this.issuer();
    let signed_with = this.signature_algorithm.algorithm.to_id_string();
    // A certificate that signed itself is trusted as it stands; its signature proves nothing.
    if !own_issuer && BROKEN_HASHES.contains(&signed_with.as_str()) {
        return Err(Bad::new(
            format!("{file}: {subject} is signed with SHA-1 or MD5, which nobody trusts any more"),
            "have it signed with SHA-256",
        ));
    }
    let key = kind(this);
    if matches!(key, KeyKind::Rsa(bits) if bits < RSA_BITS_MIN) {
        return Err(Bad::new(
            format!("{file}: {subject} has a key of {key}: too weak for anybody"),
            "make one of 3072 bits",
        ));
    }
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    let alternative = this.subject_alternative_name().ok().flatten();
    for name in alternative.iter().flat_map(|san| &san.value.general_names) {
        match name {
            GeneralName::DNSName(name) => names.push((*name).to_owned()),
            GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
            _ => {}
        }
    }
    Ok(Facts {
        subject,
        issuer: this.issuer().to_string(),
        not_before: this.validity().not_before.timestamp(),
        not_after: this.validity().not_after.timestamp(),
        names,
        addresses,
        key,
        fingerprint: fingerprint(der),
        own_issuer,
    })
}

fn kind(this: &X509Certificate<'_>) -> KeyKind {
    match this.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => KeyKind::Rsa(key.key_size()),
        Ok(PublicKey::EC(point)) => KeyKind::Ec(point.key_size()),
        _ => KeyKind::Other,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// `AB:CD:..`, as firmware's set-up screens and `openssl x509 -fingerprint -sha256` show it.
fn fingerprint(der: &[u8]) -> String {
    let pairs: Vec<String> = Sha256::digest(der).iter().map(|b| format!("{b:02X}")).collect();
    pairs.join(":")
}
