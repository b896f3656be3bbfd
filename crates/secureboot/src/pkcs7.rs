//! The bytes of one Authenticode signature taken apart (PKCS #7 SignedData, RFC 2315, 9; Windows
//! Authenticode PE format).
//!
//! In: the bytes. Out: where each part of it stands; or which part cannot be read. Never: whether
//! anything in it is true.

use crate::crypto::Hash;
use crate::der::{self, Broken, Der, Value};

/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.3.6.1.4.1.311.2.1.4, SPC_INDIRECT_DATA
const INDIRECT_DATA: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x04];
/// 1.3.6.1.4.1.311.2.4.1, a signature inside the signature
const NESTED: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x04, 0x01];
/// 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// 1.2.840.113549.1.9.6, counterSignature, and 1.3.6.1.4.1.311.3.3.1, RFC 3161: who saw it when
const TIMESTAMPS: [&[u8]; 2] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x06],
    &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x03, 0x03, 0x01],
];

/// A signature in its parts.
#[derive(Debug)]
pub struct SignedData<'a> {
    /// What was signed: the inside of the SpcIndirectDataContent.
    pub content: &'a [u8],
    /// The digest of the file it is for. The algorithm is none if it is not known here.
    pub digest: (Option<Hash>, &'a [u8]),
    /// The certificates in it, each whole.
    pub certificates: Vec<&'a [u8]>,
    /// How many signers it has; Authenticode has one.
    pub signers: usize,
    /// The first signer.
    pub signer: SignerInfo<'a>,
}

/// Who signed, and what came of it (RFC 2315, 9.2).
#[derive(Debug)]
pub struct SignerInfo<'a> {
    /// The issuer of the signer's certificate, whole.
    pub issuer: &'a [u8],
    /// Its serial number.
    pub serial: &'a [u8],
    /// The digest that was signed.
    pub hash: Option<Hash>,
    /// The signed attributes, if there are any.
    pub attributes: Option<Attributes<'a>>,
    /// The signature itself.
    pub made: &'a [u8],
    /// Signatures inside of it.
    pub nested: Vec<&'a [u8]>,
    /// Whether somebody else says when it was made.
    pub is_timestamped: bool,
}

/// What is signed instead of the content.
#[derive(Debug)]
pub struct Attributes<'a> {
    /// As they are signed: as a SET (RFC 2315, 9.3), where the file has `[0]`.
    pub as_signed: Vec<u8>,
    /// The digest of the content among them.
    pub message_digest: Option<&'a [u8]>,
}

impl<'a> SignedData<'a> {
    /// Takes it apart.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let mut info = Der(bytes).take(der::SEQUENCE, "signature")?.inner();
        let kind = info.take(der::OID, "signature's kind")?;
        if kind.body != SIGNED_DATA {
            return Err(Broken("signature: it is of another kind than PKCS #7 SignedData"));
        }
        let explicit = info.take(der::CONTEXT_0, "signed data")?;
        let mut fields = explicit.inner().take(der::SEQUENCE, "signed data")?.inner();
        fields.take(der::INTEGER, "signed data's version")?;
        fields.take(der::SET, "signed data's digest algorithms")?;
        let content = content(fields.take(der::SEQUENCE, "signed content")?)?;
        let certificates = fields.optional(der::CONTEXT_0).map(|bag| bag.inner().all());
        fields.optional(der::CONTEXT_1);
        let signers: Vec<_> = fields.take(der::SET, "signers")?.inner().all().collect();
        let signer = signers.first().ok_or(Broken("signers: there are none"))?;
        Ok(Self {
            content: content.body,
            digest: digest(content)?,
            certificates: certificates.into_iter().flatten().map(|c| c.whole).collect(),
            signers: signers.len(),
            signer: SignerInfo::read(*signer)?,
        })
    }
}

fn content(value: Value<'_>) -> Result<Value<'_>, Broken> {
    let mut parts = value.inner();
    if parts.take(der::OID, "signed content's kind")?.body != INDIRECT_DATA {
        return Err(Broken("signed content: it is no digest of an EFI binary (SPC_INDIRECT_DATA)"));
    }
    let explicit = parts.take(der::CONTEXT_0, "signed content")?;
    explicit.inner().take(der::SEQUENCE, "signed content")
}

/// SpcIndirectDataContent: what kind of file, then DigestInfo.
fn digest(content: Value<'_>) -> Result<(Option<Hash>, &[u8]), Broken> {
    let mut parts = content.inner();
    parts.take(der::SEQUENCE, "signed content's file kind")?;
    let mut info = parts.take(der::SEQUENCE, "file's digest")?.inner();
    let hash = algorithm(&mut info)?;
    Ok((hash, info.take(der::OCTET_STRING, "file's digest")?.body))
}

/// AlgorithmIdentifier, of a digest.
fn algorithm(fields: &mut Der<'_>) -> Result<Option<Hash>, Broken> {
    let mut parts = fields.take(der::SEQUENCE, "digest's algorithm")?.inner();
    Ok(Hash::of_oid(parts.take(der::OID, "digest's algorithm")?.body))
}

impl<'a> SignerInfo<'a> {
    fn read(value: Value<'a>) -> Result<Self, Broken> {
        let mut fields = value.inner();
        fields.take(der::INTEGER, "signer's version")?;
        let mut named = fields.take(der::SEQUENCE, "signer's name")?.inner();
        let issuer = named.take(der::SEQUENCE, "signer's issuer")?.whole;
        let serial = named.take(der::INTEGER, "signer's serial number")?.body;
        let hash = algorithm(&mut fields)?;
        let attributes = fields.optional(der::CONTEXT_0).map(Attributes::read);
        let mut made_with = fields.take(der::SEQUENCE, "signer's algorithm")?.inner();
        let made_with = made_with.take(der::OID, "signer's algorithm")?.body;
        // Either "RSA", and the digest was named before, or "RSA with that digest". Anything else is
        // not known here.
        let is_rsa = made_with == crate::crypto::RSA || Hash::of_rsa_oid(made_with) == hash;
        let made = fields.take(der::OCTET_STRING, "signature's value")?.body;
        let unsigned = fields.optional(der::CONTEXT_1);
        let of_kind = |kinds: &'static [&'static [u8]]| {
            let all = unsigned.into_iter().flat_map(|list| list.inner().all());
            all.filter_map(attribute)
                .filter(move |(oid, _)| kinds.contains(oid))
                .flat_map(|(_, values)| values.all())
                .map(|value| value.whole)
        };
        Ok(Self {
            issuer,
            serial,
            hash: hash.filter(|_| is_rsa),
            attributes,
            made,
            nested: of_kind(&[NESTED]).collect(),
            is_timestamped: of_kind(&TIMESTAMPS).next().is_some(),
        })
    }
}

impl<'a> Attributes<'a> {
    fn read(value: Value<'a>) -> Self {
        let mut as_signed = value.whole.to_vec();
        if let Some(tag) = as_signed.first_mut() {
            *tag = der::SET;
        }
        let mut all = value.inner().all().filter_map(attribute);
        let found = all.find(|(oid, _)| *oid == MESSAGE_DIGEST);
        let digest = found.and_then(|(_, mut values)| values.optional(der::OCTET_STRING));
        Self { as_signed, message_digest: digest.map(|value| value.body) }
    }
}

/// Attribute: what it is, and its values.
fn attribute(value: Value<'_>) -> Option<(&[u8], Der<'_>)> {
    let mut parts = value.inner();
    let oid = parts.take(der::OID, "").ok()?.body;
    Some((oid, parts.take(der::SET, "").ok()?.inner()))
}
