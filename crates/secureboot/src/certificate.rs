//! One X.509 certificate (RFC 5280), as far as a boot needs it.
//!
//! In: its DER. Out: names, dates, digests, and whether another one signed it. Never: whether it is
//! to be trusted; whether its dates matter (firmware does not look at them).

use crate::crypto::{self, Hash};
use crate::date::Moment;
use crate::der::{self, Broken, Der};
use crate::text;

/// 2.5.4.3, commonName; 2.5.4.11, organizationalUnitName; 2.5.4.10, organizationName.
const NAME_OIDS: [&[u8]; 3] = [&[0x55, 4, 3], &[0x55, 4, 11], &[0x55, 4, 10]];
/// Extensions of one certificate that are looked at; there are about ten.
const EXTENSIONS_MAX: usize = 64;
/// 2.5.29.19, basicConstraints.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
/// 2.5.29.15, keyUsage.
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// 2.5.29.37, extendedKeyUsage.
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// 1.3.6.1.4.1.2312.16.1.2: a key for kernel modules alone. shim starts nothing signed with it.
const MODULE_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x92, 0x08, 0x10, 0x01, 0x02];

/// What a certificate calls somebody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Name {
    /// Common name, else unit, else organisation; fit to be shown.
    pub shown: String,
    /// All of it, as it stands: two are the same if these bytes are.
    pub(crate) raw: Vec<u8>,
}

/// A certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// Whose it is.
    pub subject: Name,
    /// Who says so.
    pub issuer: Name,
    /// From when.
    pub not_before: Moment,
    /// Until when.
    pub not_after: Moment,
    /// SHA-256 of the whole certificate.
    pub sha256: [u8; 32],
    /// SHA-256 of the public key (SubjectPublicKeyInfo): the same in a renewed certificate.
    pub key_sha256: [u8; 32],
    /// Whether it says that it signs kernel modules: then shim takes no boot file by it.
    pub is_for_modules: bool,
    /// Whether it may certify others.
    pub is_authority: bool,
    pub(crate) serial: Vec<u8>,
    pub(crate) der: Vec<u8>,
    tbs: Vec<u8>,
    rsa_key: Option<Vec<u8>>,
    hash: Option<Hash>,
    signature: Vec<u8>,
}

/// What came of checking a signature, the surest last.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Check {
    /// It was not made with this key.
    Wrong,
    /// A kind of key or digest that is not known here (elliptic curves, PSS).
    Unknown,
    /// It was made with this key.
    Right,
}

impl Certificate {
    /// Reads one. What follows it is left alone.
    pub fn read(bytes: &[u8]) -> Result<Self, CertificateError> {
        let whole = Der(bytes).take(der::SEQUENCE, "certificate")?;
        let mut outer = whole.inner();
        let tbs = outer.take(der::SEQUENCE, "certificate's content")?;
        let algorithm = outer.take(der::SEQUENCE, "certificate's algorithm")?;
        let signature = outer.take(der::BIT_STRING, "certificate's signature")?;

        let mut fields = tbs.inner();
        let version = fields.optional(der::CONTEXT_0);
        let serial = fields.take(der::INTEGER, "certificate's serial number")?;
        fields.take(der::SEQUENCE, "certificate's inner algorithm")?;
        let issuer = fields.take(der::SEQUENCE, "certificate's issuer")?;
        let mut validity = fields.take(der::SEQUENCE, "certificate's dates")?.inner();
        let subject = fields.take(der::SEQUENCE, "certificate's subject")?;
        let key = fields.take(der::SEQUENCE, "certificate's key")?;
        let mut moment = || validity.next().and_then(Moment::read);
        let (Some(not_before), Some(not_after)) = (moment(), moment()) else {
            return Err(Broken("certificate's dates").into());
        };
        let uses = Uses::read(fields);
        let is_old_root = version.is_none() && issuer.whole == subject.whole;
        let oid = algorithm.inner().take(der::OID, "certificate's algorithm")?;
        Ok(Self {
            subject: name(subject.whole),
            issuer: name(issuer.whole),
            not_before,
            not_after,
            sha256: crypto::sha256(whole.whole),
            key_sha256: crypto::sha256(key.whole),
            is_for_modules: uses.is_for_modules,
            is_authority: uses.is_authority(is_old_root),
            serial: serial.body.to_vec(),
            der: whole.whole.to_vec(),
            tbs: tbs.whole.to_vec(),
            rsa_key: rsa_key(key.inner()),
            hash: Hash::of_rsa_oid(oid.body),
            // The first byte of a bit string says how many bits of the last are not meant: none.
            signature: signature.body.get(1..).unwrap_or_default().to_vec(),
        })
    }

    /// Whether it signed a message.
    pub(crate) fn signed(&self, hash: Hash, message: &[u8], made: &[u8]) -> Check {
        match &self.rsa_key {
            None => Check::Unknown,
            Some(key) if crypto::is_signed_by(hash, key, message, made) => Check::Right,
            Some(_) => Check::Wrong,
        }
    }

    /// Whether another certificate's key signed this one, is called what this one says, and may
    /// certify. How long a chain it allows below itself is not looked at.
    #[must_use]
    pub fn is_issued_by(&self, issuer: &Self) -> Check {
        match self.hash {
            _ if self.issuer.raw != issuer.subject.raw || !issuer.is_authority => Check::Wrong,
            None => Check::Unknown,
            Some(hash) => issuer.signed(hash, &self.tbs, &self.signature),
        }
    }

    /// Whether it names itself as its issuer.
    pub(crate) fn is_own_issuer(&self) -> bool {
        self.issuer.raw == self.subject.raw
    }

    /// A digest of what its issuer signed: lists of revoked certificates name them by it (UEFI 2.10,
    /// 32.4.1, `EFI_CERT_X509_SHA256`).
    pub(crate) fn tbs_digest(&self, hash: Hash) -> Vec<u8> {
        hash.of([self.tbs.as_slice()])
    }
}

fn rsa_key(mut key: Der<'_>) -> Option<Vec<u8>> {
    let mut algorithm = key.take(der::SEQUENCE, "").ok()?.inner();
    let bits = key.take(der::BIT_STRING, "").ok()?;
    let is_rsa = algorithm.take(der::OID, "").ok()?.body == crypto::RSA;
    bits.body.get(1..).filter(|_| is_rsa).map(<[u8]>::to_vec)
}

/// What the extensions of a certificate say of its use (RFC 5280, 4.2.1).
#[derive(Default)]
struct Uses {
    /// Basic constraints: an authority or not, if it says so.
    authority: Option<bool>,
    /// Key usage: whether it may sign certificates, if it says what it may.
    certifies: Option<bool>,
    is_for_modules: bool,
}

impl Uses {
    /// From what follows the key in a certificate.
    fn read(mut fields: Der<'_>) -> Self {
        let mut uses = Self::default();
        let extensions = std::iter::from_fn(|| fields.next()).find(|f| f.tag == der::CONTEXT_3);
        let lists = extensions.into_iter().flat_map(|e| e.inner().all());
        for extension in lists.flat_map(|list| list.inner().all()).take(EXTENSIONS_MAX) {
            uses.take(extension.inner());
        }
        uses
    }

    fn take(&mut self, mut extension: Der<'_>) -> Option<()> {
        let oid = extension.take(der::OID, "").ok()?.body;
        extension.optional(der::BOOLEAN);
        let mut value = extension.take(der::OCTET_STRING, "").ok()?.inner();
        match oid {
            BASIC_CONSTRAINTS => {
                let said = value.take(der::SEQUENCE, "").ok()?.inner().optional(der::BOOLEAN);
                self.authority = Some(said.is_some_and(|said| said.body != [0]));
            }
            KEY_USAGE => {
                // Bits from the highest on; the sixth is keyCertSign.
                let bits = value.take(der::BIT_STRING, "").ok()?.body.get(1).copied();
                self.certifies = Some(bits.is_some_and(|bits| bits & 0x04 != 0));
            }
            EXTENDED_KEY_USAGE => {
                let mut usages = value.all().flat_map(|list| list.inner().all());
                self.is_for_modules = usages.any(|oid| oid.body == MODULE_SIGNING);
            }
            _ => {}
        }
        Some(())
    }

    /// As OpenSSL decides in firmware and shim (`X509_check_ca`): what is said of key usage must
    /// allow it; then it must be said to be an authority, or at least that it certifies, or be its
    /// own issuer from before there were extensions.
    fn is_authority(&self, is_old_root: bool) -> bool {
        let may = self.certifies != Some(false);
        may && self.authority.unwrap_or(is_old_root || self.certifies == Some(true))
    }
}

/// A name in a certificate or signature, from its whole DER.
pub(crate) fn name(whole: &[u8]) -> Name {
    let sets = Der(whole).all().flat_map(|sequence| sequence.inner().all());
    let pairs = sets.flat_map(|set| set.inner().all()).filter_map(|pair| {
        let mut pair = pair.inner();
        Some((pair.take(der::OID, "").ok()?.body, pair.next()?))
    });
    let pairs: Vec<_> = pairs.take(64).collect();
    let found = NAME_OIDS.iter().find_map(|oid| pairs.iter().find(|(kind, _)| kind == oid));
    let shown = found.map(|(_, value)| string(*value)).filter(|text| !text.is_empty());
    Name { shown: shown.unwrap_or_else(|| "(no name)".to_owned()), raw: whole.to_vec() }
}

fn string(value: der::Value<'_>) -> String {
    if value.tag != der::BMP_STRING {
        return text::show(value.body);
    }
    // UTF-16, high byte first.
    let units =
        value.body.chunks_exact(2).take(text::SHOWN_MAX.saturating_add(1)).map(|pair| match pair {
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        });
    let decoded = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    text::show_text(&decoded.collect::<String>())
}

/// A certificate that cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("cannot read the {what}")]
pub struct CertificateError {
    /// Which part of it.
    pub what: &'static str,
}

impl From<Broken> for CertificateError {
    fn from(Broken(what): Broken) -> Self {
        Self { what }
    }
}
