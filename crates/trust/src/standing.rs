//! What a key is worth at a moment: its name, its end, its revocations, whether it may sign.
//!
//! In: a key with what its owner signed about it, and the moment. Out: its standing, or why nothing that
//! it signed is believed. Never: a statement counted whose own signature does not fit; a revocation that
//! fits not counted.

use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, RevocationCode, Signature, SignatureType, SignatureVersion, SubpacketData,
};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, PublicParams, Tag};

use crate::error::TrustError;
use crate::keyring::{Key, Subkey};
use crate::text::{date, shown};

/// How much later than now a statement may claim to be made: clocks differ.
pub(crate) const CLOCK_SLACK_S: u64 = 3600;
/// Smallest RSA key, in bits.
const MIN_RSA_BITS: u16 = 2048;

/// A key at a moment.
#[derive(Debug)]
pub(crate) struct Standing {
    /// The name that its owner gave last, fit to be shown.
    pub(crate) user_id: String,
    /// When it ends, seconds since 1970.
    pub(crate) end_s: Option<u64>,
    /// Whether the owner said anything of it that fits.
    vouched: bool,
    /// Whether it may sign files itself, not only by subkeys.
    may_sign: bool,
    revoked: Option<Revoked>,
}

/// A revocation.
#[derive(Clone, Debug)]
struct Revoked {
    at_s: u64,
    reason: String,
    /// Whether it reaches back: what the key signed before is not believed either.
    reaches_back: bool,
}

impl Standing {
    /// Looks at all that the owner said of a key.
    pub(crate) fn of(key: &Key, now_s: u64) -> Self {
        let primary = &key.primary;
        let on_key = |signature: &Signature| signature.verify_key(primary).is_ok();
        let about = newest(&key.about, SignatureType::Key, now_s, on_key);
        let mut named: Option<(&Signature, String)> = None;
        for (id, signatures) in &key.users {
            let fits = |signature: &Signature| {
                signature.verify_certification(primary, Tag::UserId, id).is_ok()
            };
            let Some(said) = newest_certification(signatures, now_s, fits) else { continue };
            let name = shown(&String::from_utf8_lossy(id.id()));
            // The one that the owner calls the main one, else the one said last.
            let rank = |signature: &Signature| (signature.is_primary(), made_s(signature));
            if named.as_ref().is_none_or(|(best, _)| rank(said) > rank(best)) {
                named = Some((said, name));
            }
        }
        let said = [named.as_ref().map(|(said, _)| *said), about];
        let end = said.iter().flatten().find_map(|said| said.key_expiration_time());
        let flags = said.iter().flatten().find_map(|said| key_flags(said));
        Self {
            user_id: named.as_ref().map(|(_, name)| name.clone()).unwrap_or_default(),
            end_s: end_of(primary, end),
            vouched: said.iter().any(Option::is_some),
            // Keys from before flags may do anything their algorithm can (RFC 9580, 5.2.3.29).
            may_sign: flags.is_none_or(KeyFlags::sign),
            revoked: revoked(&key.about, SignatureType::KeyRevocation, on_key),
        }
    }

    /// Why nothing that the key signed at a moment is believed now; none if it is.
    pub(crate) fn unfit(&self, key: &Key, made_s: u64, now_s: u64) -> Option<TrustError> {
        let by = self.by(key);
        if let Some(revoked) = &self.revoked
            && revoked.holds_for(made_s)
        {
            return Some(TrustError::KeyRevoked {
                by,
                at_s: revoked.at_s,
                reason: revoked.reason.clone(),
            });
        }
        if let Some(what) = weakness(key.primary.public_params()) {
            return Some(TrustError::Weak { by, what });
        }
        if !self.vouched {
            let why = "nothing in the keyring that its owner signed says what it is for; export it again \
                       with all its signatures"
                .to_owned();
            return Some(TrustError::KeyUnfit { by, why });
        }
        match self.end_s {
            Some(end_s) if end_s <= now_s => Some(TrustError::KeyExpired { by, end_s, now_s }),
            _ => None,
        }
    }

    /// Why this key's primary part may not sign files; none if it may.
    pub(crate) fn primary_unfit(&self, key: &Key) -> Option<TrustError> {
        let why = "its owner says that only its subkeys sign".to_owned();
        (!self.may_sign).then(|| TrustError::KeyUnfit { by: self.by(key), why })
    }

    /// Why a subkey may not sign files for its key; none if it may.
    pub(crate) fn subkey_unfit(
        &self,
        key: &Key,
        subkey: &Subkey,
        made_s: u64,
        now_s: u64,
    ) -> Option<TrustError> {
        let by = format!("subkey {} of {}", subkey.fingerprint, self.by(key));
        let primary = &key.primary;
        let binds =
            |signature: &Signature| signature.verify_subkey_binding(primary, &subkey.key).is_ok();
        if let Some(revoked) = revoked(&subkey.signatures, SignatureType::SubkeyRevocation, binds)
            && revoked.holds_for(made_s)
        {
            return Some(TrustError::KeyRevoked { by, at_s: revoked.at_s, reason: revoked.reason });
        }
        if let Some(what) = weakness(subkey.key.public_params()) {
            return Some(TrustError::Weak { by, what });
        }
        let unfit = |why: &str| Some(TrustError::KeyUnfit { by: by.clone(), why: why.to_owned() });
        let Some(binding) = newest(&subkey.signatures, SignatureType::SubkeyBinding, now_s, binds)
        else {
            return unfit("nothing that the key's owner signed binds it to the key");
        };
        if !key_flags(binding).is_some_and(KeyFlags::sign) {
            return unfit("its owner did not make it for signing");
        }
        // Without the subkey's own word anybody could claim it for their key (RFC 9580, 10.1.5).
        let back = binding.embedded_signature().filter(|back| {
            is_usable(back, now_s) && back.verify_primary_key_binding(&subkey.key, primary).is_ok()
        });
        if back.is_none() {
            return unfit("it did not itself sign that it belongs to the key");
        }
        match end_of(&subkey.key, binding.key_expiration_time()) {
            Some(end_s) if end_s <= now_s => Some(TrustError::KeyExpired { by, end_s, now_s }),
            _ => None,
        }
    }

    /// The key's name in words.
    pub(crate) fn by(&self, key: &Key) -> String {
        if self.user_id.is_empty() {
            return format!("key {}", key.fingerprint);
        }
        format!("key {} ({})", key.fingerprint, self.user_id)
    }
}

impl Revoked {
    /// A key that was only replaced or retired was good before (RFC 9580, 5.2.3.31); one that somebody
    /// else may have was not, for whoever has it chooses the date.
    fn holds_for(&self, made_s: u64) -> bool {
        self.reaches_back || made_s >= self.at_s
    }
}

/// The revocation that holds, of those that fit. Whatever hash it is made with, and whenever: who could
/// forge one would do no harm.
fn revoked(
    signatures: &[Signature],
    kind: SignatureType,
    fits: impl Fn(&Signature) -> bool,
) -> Option<Revoked> {
    let of_kind =
        signatures.iter().filter(|signature| signature.typ() == Some(kind) && fits(signature));
    let all = of_kind.map(|signature| {
        let (word, reaches_back) = match signature.revocation_reason_code() {
            Some(RevocationCode::KeySuperseded) => ("it was replaced by another key", false),
            Some(RevocationCode::KeyRetired) => ("it is no longer used", false),
            Some(RevocationCode::KeyCompromised) => ("somebody else may have it", true),
            _ => ("no reason given", true),
        };
        let text = signature.revocation_reason_string().map(|text| String::from_utf8_lossy(text));
        let text = shown(text.as_deref().unwrap_or_default());
        let reason = if text.is_empty() { word.to_owned() } else { format!("{word}: {text}") };
        Revoked { at_s: made_s(signature), reason, reaches_back }
    });
    all.min_by_key(|revoked| (!revoked.reaches_back, revoked.at_s))
}

/// The newest statement of a kind that fits.
fn newest(
    signatures: &[Signature],
    kind: SignatureType,
    now_s: u64,
    fits: impl Fn(&Signature) -> bool,
) -> Option<&Signature> {
    let mut of_kind: Vec<&Signature> = signatures
        .iter()
        .filter(|signature| signature.typ() == Some(kind) && is_usable(signature, now_s))
        .collect();
    of_kind.sort_by_key(|signature| std::cmp::Reverse(made_s(signature)));
    of_kind.into_iter().find(|signature| fits(signature))
}

/// The newest certification of a name, unless a revocation of it is as new.
fn newest_certification(
    signatures: &[Signature],
    now_s: u64,
    fits: impl Fn(&Signature) -> bool,
) -> Option<&Signature> {
    let kinds = [
        SignatureType::CertGeneric,
        SignatureType::CertPersona,
        SignatureType::CertCasual,
        SignatureType::CertPositive,
    ];
    let said = kinds.iter().filter_map(|kind| newest(signatures, *kind, now_s, &fits));
    let said = said.max_by_key(|signature| made_s(signature))?;
    let taken_back = signatures.iter().any(|signature| {
        signature.typ() == Some(SignatureType::CertRevocation)
            && made_s(signature) >= made_s(said)
            && fits(signature)
    });
    (!taken_back).then_some(said)
}

/// Whether a statement may count at all: its form, its time, its hash.
fn is_usable(signature: &Signature, now_s: u64) -> bool {
    let made_s = made_s(signature);
    let over = signature
        .signature_expiration_time()
        .map(|life| u64::from(life.as_secs()))
        .is_some_and(|life_s| life_s > 0 && made_s.saturating_add(life_s) <= now_s);
    let in_time = made_s > 0 && made_s <= now_s.saturating_add(CLOCK_SLACK_S) && !over;
    // SHA-1 is taken here, and nowhere else: old keys have no other, and what could be forged with it
    // is a statement of a key whose keyring the operator vouches for.
    let hash = matches!(signature.hash_alg(), Some(hash) if is_strong(hash) || hash == HashAlgorithm::Sha1);
    in_time && hash && is_understood(signature)
}

/// Whether a signature is of a version that is read, without a word that must not be passed over (RFC
/// 9580, 5.2.3.7).
pub(crate) fn is_understood(signature: &Signature) -> bool {
    let unknown = |data: &SubpacketData| {
        matches!(
            data,
            SubpacketData::Other(..) | SubpacketData::Experimental(..) | SubpacketData::Notation(_)
        )
    };
    signature.version() == SignatureVersion::V4
        && signature.config().is_some_and(|config| {
            !config.hashed_subpackets().any(|part| part.is_critical && unknown(&part.data))
        })
}

/// Whether nobody can make two contents of one hash.
pub(crate) fn is_strong(hash: HashAlgorithm) -> bool {
    matches!(
        hash,
        HashAlgorithm::Sha224
            | HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512
    )
}

/// When a signature says it was made; 0 if it does not say it in what is signed.
pub(crate) fn made_s(signature: &Signature) -> u64 {
    signature.created().map_or(0, |moment| u64::from(moment.as_secs()))
}

fn key_flags(signature: &Signature) -> Option<&KeyFlags> {
    let parts = signature.config()?;
    parts.hashed_subpackets().find_map(|part| match &part.data {
        SubpacketData::KeyFlags(flags) => Some(flags),
        _ => None,
    })
}

fn end_of(key: &impl KeyDetails, life: Option<pgp::types::Duration>) -> Option<u64> {
    let life_s = life.map(|life| u64::from(life.as_secs())).filter(|life_s| *life_s > 0)?;
    Some(u64::from(key.created_at().as_secs()).saturating_add(life_s))
}

/// What makes a key too weak to be believed.
fn weakness(params: &PublicParams) -> Option<String> {
    match params {
        PublicParams::RSA(rsa) => {
            // The first number of the key, the modulus, begins with its length in bits.
            let bytes = rsa.to_bytes().unwrap_or_default();
            let bits = bytes.first_chunk().map_or(0, |bits| u16::from_be_bytes(*bits));
            (bits < MIN_RSA_BITS).then(|| format!("an RSA key of {bits} bits"))
        }
        PublicParams::ECDSA(_)
        | PublicParams::EdDSALegacy(_)
        | PublicParams::Ed25519(_)
        | PublicParams::Ed448(_) => None,
        PublicParams::DSA(_) => Some("a DSA key".to_owned()),
        _ => Some("a key of a kind that is not read here".to_owned()),
    }
}

/// In words, when a key was made, for those who must judge a date.
pub(crate) fn made_on(key: &impl KeyDetails) -> String {
    date(u64::from(key.created_at().as_secs()))
}
