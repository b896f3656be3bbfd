//! The signatures of a file, checked: is it this file's digest, was it made with the signer's key,
//! and which certificate signed which.
//!
//! In: the table of signatures and the file's digests. Out: [`Signature`]s with what is wrong with
//! each, in words. Never: whom to trust; what the dates mean.

use crate::anchors::{self, Lead};
use crate::bytes::{place_at, u16_at};
use crate::certificate::{self, Certificate, Check, Name};
use crate::crypto::Hash;
use crate::pkcs7::SignedData;
use crate::text;
use std::collections::BTreeMap;
use std::fmt;

/// Signatures of one file, those inside others among them; there are one or two.
pub const SIGNATURES_MAX: usize = 8;
/// Certificates of one signature; there are two or three.
pub const CERTIFICATES_MAX: usize = 16;
/// Links of one chain; there are two or three. Each costs as many RSA operations as it has candidates.
pub const CHAIN_MAX: usize = 8;
/// How deep signatures stand inside of signatures.
pub const DEPTH_MAX: usize = 4;

/// PKCS #7 signed data in `WIN_CERTIFICATE` (UEFI 2.10, 32.2.4).
const PKCS_SIGNED_DATA: u16 = 2;

/// A signature, and what came of checking it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signature {
    /// 0 for one that stands in the file's table, 1 for one inside of such a one, and so on. Firmware
    /// and shim look only at those in the table.
    pub depth: usize,
    /// The digest it was made for; no algorithm if that is not known here.
    pub digest: (Option<Hash>, Vec<u8>),
    /// All certificates in it, in its order.
    pub certificates: Vec<Certificate>,
    /// The signer's certificate first, then who signed that, as far as it is proved and the signature
    /// has them: places in `certificates`.
    pub chain: Vec<usize>,
    /// Whether somebody else says when it was made. Who, is not checked.
    pub is_timestamped: bool,
    /// What is wrong with it; nothing if it is right.
    pub flaw: Option<Flaw>,
    /// Who signed it, as the signature says.
    issuer: Option<Name>,
}

/// Why a signature is worth nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// It cannot be read.
    Unreadable(&'static str),
    /// It is another file's, or the file was changed.
    OtherFile {
        /// With which digest.
        hash: Hash,
        /// What the file has.
        file: Vec<u8>,
        /// What the signature says.
        said: Vec<u8>,
    },
    /// A digest we do not know.
    UnknownDigest,
    /// The certificate of its signer is not in it.
    NoSigner,
    /// Several signers, where Authenticode has one.
    Signers(usize),
    /// What was signed is not what it carries.
    OtherContent,
    /// It was not made with the signer's key.
    WrongKey,
    /// A kind of signature that is not known here.
    UnknownKind,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(what) => write!(f, "cannot read the {what}"),
            Self::OtherFile { hash, file, said } => {
                let (file, said) = (text::hex(file), text::hex(said));
                write!(
                    f,
                    "it is for another file or this one was changed: the {hash} is {file}, signed is {said}"
                )
            }
            Self::UnknownDigest => f.write_str("it names a digest that is not known here"),
            Self::NoSigner => f.write_str("its signer's certificate is not in it"),
            Self::Signers(count) => write!(f, "it has {count} signers instead of one"),
            Self::OtherContent => f.write_str("its signed attributes are of another content"),
            Self::WrongKey => f.write_str("it was not made with its signer's key"),
            Self::UnknownKind => f.write_str("it is not RSA with PKCS #1 v1.5"),
        }
    }
}

impl Flaw {
    /// Whether firmware may know better.
    #[must_use]
    pub fn is_only_unknown(&self) -> bool {
        matches!(self, Self::UnknownDigest | Self::UnknownKind)
    }
}

impl Signature {
    /// The signer's certificate.
    #[must_use]
    pub fn signer(&self) -> Option<&Certificate> {
        self.certificates.get(*self.chain.first()?)
    }

    /// The certificates of the chain, the signer's first.
    pub fn links(&self) -> impl Iterator<Item = &Certificate> {
        self.chain.iter().filter_map(|place| self.certificates.get(*place))
    }

    /// The authority it leads to that we know: proved by its key, or only by its name; whatever
    /// flaw it has.
    #[must_use]
    pub fn lead(&self) -> Option<Lead> {
        anchors::lead(self.links())
    }

    /// "Debian Secure Boot Signer 2022 - grub2", or who issued the signer's certificate.
    #[must_use]
    pub fn signer_name(&self) -> String {
        match (self.signer(), &self.issuer) {
            (Some(signer), _) => signer.subject.shown.clone(),
            (None, Some(issuer)) => format!("somebody certified by {}", issuer.shown),
            (None, None) => "somebody".to_owned(),
        }
    }

    fn unreadable(depth: usize, what: &'static str) -> Self {
        Self {
            depth,
            digest: (None, Vec::new()),
            certificates: Vec::new(),
            chain: Vec::new(),
            is_timestamped: false,
            flaw: Some(Flaw::Unreadable(what)),
            issuer: None,
        }
    }

    fn of(data: &SignedData<'_>, depth: usize, digests: &mut Digests<'_>) -> Self {
        let readable = data.certificates.iter().filter_map(|der| Certificate::read(der).ok());
        let certificates: Vec<_> = readable.take(CERTIFICATES_MAX).collect();
        let issuer = certificate::name(data.signer.issuer);
        let is_signer =
            |c: &Certificate| c.issuer.raw == issuer.raw && c.serial == data.signer.serial;
        let chain = certificates.iter().position(is_signer).map(|at| chain(&certificates, at));
        let mut signature = Self {
            depth,
            digest: (data.digest.0, data.digest.1.to_vec()),
            certificates,
            chain: chain.unwrap_or_default(),
            is_timestamped: data.signer.is_timestamped,
            flaw: None,
            issuer: Some(issuer),
        };
        signature.flaw = signature.check(data, digests).err();
        signature
    }

    fn check(&self, data: &SignedData<'_>, digests: &mut Digests<'_>) -> Result<(), Flaw> {
        if data.signers != 1 {
            return Err(Flaw::Signers(data.signers));
        }
        let signer = self.signer().ok_or(Flaw::NoSigner)?;
        let hash = data.digest.0.ok_or(Flaw::UnknownDigest)?;
        let file = digests.of(hash);
        if file != data.digest.1 {
            return Err(Flaw::OtherFile {
                hash,
                file: file.to_vec(),
                said: data.digest.1.to_vec(),
            });
        }
        let signed_hash = data.signer.hash.ok_or(Flaw::UnknownKind)?;
        let message = match &data.signer.attributes {
            None => data.content,
            Some(attributes) => {
                let content = signed_hash.of([data.content]);
                if attributes.message_digest != Some(content.as_slice()) {
                    return Err(Flaw::OtherContent);
                }
                attributes.as_signed.as_slice()
            }
        };
        match signer.signed(signed_hash, message, data.signer.made) {
            Check::Right => Ok(()),
            Check::Wrong => Err(Flaw::WrongKey),
            Check::Unknown => Err(Flaw::UnknownKind),
        }
    }
}

/// From one certificate to who signed it, as long as that is in the signature and proved.
fn chain(certificates: &[Certificate], signer: usize) -> Vec<usize> {
    let mut chain = vec![signer];
    let mut last = signer;
    while let Some(certificate) = certificates.get(last).filter(|c| !c.is_own_issuer()) {
        if chain.len() == CHAIN_MAX {
            break;
        }
        let mut others = certificates.iter().enumerate().filter(|(at, _)| !chain.contains(at));
        let issuer = others.find(|(_, other)| certificate.is_issued_by(other) == Check::Right);
        let Some((at, _)) = issuer else { break };
        chain.push(at);
        last = at;
    }
    chain
}

/// The digests of a file, made when a signature asks for them.
pub(crate) struct Digests<'a> {
    pieces: Vec<&'a [u8]>,
    made: BTreeMap<Hash, Vec<u8>>,
}

impl<'a> Digests<'a> {
    pub(crate) fn new(pieces: Vec<&'a [u8]>) -> Self {
        Self { pieces, made: BTreeMap::new() }
    }

    pub(crate) fn of(&mut self, hash: Hash) -> &[u8] {
        let pieces = &self.pieces;
        self.made.entry(hash).or_insert_with(|| hash.of(pieces.iter().copied()))
    }
}

/// All signatures of a file, in the order of its table, those inside others after them.
pub(crate) fn all(table: &[u8], digests: &mut Digests<'_>) -> Vec<Signature> {
    let mut waiting: Vec<(usize, &[u8])> = entries(table).map(|body| (0, body)).collect();
    let mut found = Vec::new();
    let mut next = 0;
    while let Some((depth, body)) = waiting.get(next).copied() {
        next = next.saturating_add(1);
        match SignedData::read(body) {
            Err(broken) => found.push(Signature::unreadable(depth, broken.0)),
            Ok(data) => {
                if depth < DEPTH_MAX {
                    let inner = data.signer.nested.iter();
                    waiting.extend(inner.map(|body| (depth.saturating_add(1), *body)));
                    waiting.truncate(SIGNATURES_MAX);
                }
                found.push(Signature::of(&data, depth, digests));
            }
        }
    }
    found
}

/// The PKCS #7 signatures of a table. Those of the kind `WIN_CERT_TYPE_EFI_GUID` are left out: EDK2
/// would take them, shim does not, and nobody makes them.
fn entries(table: &[u8]) -> impl Iterator<Item = &[u8]> {
    let all = certificates(table).map(|(entry, _)| entry).take(SIGNATURES_MAX);
    all.filter(|entry| u16_at(entry, 6) == Some(PKCS_SIGNED_DATA))
        .filter_map(|entry| entry.get(8..))
}

/// Whether the table ends where its last entry does, filled up to eight bytes.
pub(crate) fn is_whole(table: &[u8]) -> bool {
    certificates(table).last().map_or(table.is_empty(), |(_, rest)| rest == Some(&[]))
}

/// The `WIN_CERTIFICATE`s of a table, each at the next multiple of eight, and what follows each; nothing
/// follows one that is not filled up.
fn certificates(table: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let mut rest = table;
    std::iter::from_fn(move || {
        let size = place_at(rest, 0).filter(|size| (8..=rest.len()).contains(size))?;
        let entry = rest.get(..size)?;
        let after = size.checked_next_multiple_of(8).and_then(|at| rest.get(at..));
        rest = after.unwrap_or_default();
        Some((entry, after))
    })
}
