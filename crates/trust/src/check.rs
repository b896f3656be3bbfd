//! Whether something was signed by a key of the keyring.
//!
//! In: a signature, what was signed, and the moment. Out: who signed, or why it is not believed. Never: a
//! key that is not in the keyring; a signature believed because another of the same file is good.

use std::io::{self, Read, Seek};

use pgp::packet::{Packet, Signature, SignatureType};
use pgp::types::{KeyDetails, Tag};

use crate::armor::{self, Wanted};
use crate::checksums::MAX_BYTES as MAX_TEXT_BYTES;
use crate::cleartext;
use crate::error::TrustError;
use crate::keyring::{Key, Keyring, Signer};
use crate::packets;
use crate::standing::{CLOCK_SLACK_S, Standing, is_strong, is_understood, made_on, made_s};
use crate::text::date;

/// For words.
const WHAT: &str = "signature";
/// Largest file of signatures, in bytes. Debian's has about 1 kB for each.
const MAX_BYTES: usize = 256 << 10;
/// Most signatures of one file; each costs one reading of the content.
const MAX_SIGNATURES: usize = 8;

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The fingerprint of the key in the keyring, hexadecimal digits.
    pub fingerprint: String,
    /// Whose key it is, in its owner's words; empty if the owner said nothing.
    pub user_id: String,
    /// When the signature was made, seconds since 1970, by its own word.
    pub made_s: u64,
    /// The fingerprint of the subkey that signed, if one did.
    pub by_subkey: Option<String>,
}

impl Keyring {
    /// Checks a signature that stands apart from its content, binary or armored, of one or several keys:
    /// one that is believed is enough. The content is read from its start, once for each signature of a
    /// key in the keyring. `now_s` is the moment, seconds since 1970.
    pub fn check_detached<R: Read + Seek>(
        &self,
        signature: &[u8],
        content: &mut R,
        now_s: u64,
    ) -> Result<Signed, TrustError> {
        let mut verify = |signature: &Signature, key: &Key, signer: Signer<'_>| {
            content.rewind()?;
            let mut watched = Watched { inner: &mut *content, failed: None };
            let fits = match signer {
                Signer::Primary => signature.verify(&key.primary, &mut watched),
                Signer::Subkey(subkey) => signature.verify(&subkey.key, &mut watched),
            };
            watched.failed.map_or(Ok(fits.is_ok()), Err)
        };
        self.check(signature, now_s, &mut verify)
    }

    /// Checks a signed text, as Fedora's CHECKSUM files are, and gives back what was signed: only that
    /// may be believed.
    pub fn check_cleartext(
        &self,
        message: &[u8],
        now_s: u64,
    ) -> Result<(Signed, String), TrustError> {
        let what = "signed text";
        if message.len() > MAX_TEXT_BYTES {
            return Err(TrustError::TooMuch { what, limit: "bytes", most: MAX_TEXT_BYTES });
        }
        let unreadable = |why: &str| TrustError::Unreadable { what, why: why.to_owned() };
        let text = std::str::from_utf8(message).map_err(|_| unreadable("it is no UTF-8 text"))?;
        if !cleartext::is_signed(text) {
            return Err(unreadable(
                "it has no line `-----BEGIN PGP SIGNED MESSAGE-----`: it is not signed, or its signature \
                 is a file of its own",
            ));
        }
        let message = cleartext::split(text).map_err(|why| unreadable(&why))?;
        let mut content = io::Cursor::new(message.signed.as_bytes());
        let signed = self.check_detached(message.signature.as_bytes(), &mut content, now_s)?;
        Ok((signed, message.text))
    }

    fn check(
        &self,
        bytes: &[u8],
        now_s: u64,
        verify: &mut Verify<'_>,
    ) -> Result<Signed, TrustError> {
        let mut why: Option<TrustError> = None;
        let mut missing = Vec::new();
        for signature in signatures(bytes)? {
            let makers = self.makers(&signature);
            if makers.is_empty() {
                missing.push(maker(&signature));
            }
            for (key, signer) in makers {
                match one(&signature, key, signer, now_s, verify) {
                    Ok(signed) => return Ok(signed),
                    Err(new) if why.as_ref().is_none_or(|old| new.rank() > old.rank()) => {
                        why = Some(new);
                    }
                    Err(_) => {}
                }
            }
        }
        missing.dedup();
        Err(why.unwrap_or(TrustError::KeyMissing { keys: missing }))
    }
}

/// Says whether a signature fits the content and a key.
type Verify<'a> = dyn FnMut(&Signature, &Key, Signer<'_>) -> io::Result<bool> + 'a;

/// The signatures of a file.
fn signatures(bytes: &[u8]) -> Result<Vec<Signature>, TrustError> {
    let wanted = Wanted { what: WHAT, block: "SIGNATURE", most: MAX_BYTES };
    let binary = armor::binary(wanted, bytes)?;
    let mut signatures = Vec::new();
    let mut unread: usize = 0;
    packets::read(WHAT, &binary, &[Tag::Signature], |_, packet| {
        let Some(Packet::Signature(signature)) = packet else {
            unread = unread.saturating_add(1);
            return Ok(());
        };
        if signatures.len() >= MAX_SIGNATURES {
            return Err(TrustError::TooMuch {
                what: WHAT,
                limit: "signatures",
                most: MAX_SIGNATURES,
            });
        }
        let of_file = matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text));
        if of_file && is_understood(&signature) {
            signatures.push(signature);
        } else {
            unread = unread.saturating_add(1);
        }
        Ok(())
    })?;
    if signatures.is_empty() {
        return Err(TrustError::Unreadable {
            what: WHAT,
            why: format!(
                "it holds no signature of a file of OpenPGP's version 4 ({unread} of other kinds or \
                 versions); ask the publisher for one"
            ),
        });
    }
    Ok(signatures)
}

/// Who made a signature, by its own word.
fn maker(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(ToString::to_string);
    let id = signature.issuer_key_id().first().map(ToString::to_string);
    fingerprint.or(id).unwrap_or_else(|| "that it does not name".to_owned())
}

/// One signature by one key: first whether it fits, then whether the key was worth it.
fn one(
    signature: &Signature,
    key: &Key,
    signer: Signer<'_>,
    now_s: u64,
    verify: &mut Verify<'_>,
) -> Result<Signed, TrustError> {
    let standing = Standing::of(key, now_s);
    let by = standing.by(key);
    if let Some(hash) = signature.hash_alg().filter(|hash| !is_strong(*hash)) {
        return Err(TrustError::Weak { by, what: format!("the hash {hash}") });
    }
    if !verify(signature, key, signer)? {
        return Err(TrustError::ContentChanged { by });
    }
    let made_s = made_s(signature);
    let (created, made_on) = match signer {
        Signer::Primary => (key.primary.created_at(), made_on(&key.primary)),
        Signer::Subkey(subkey) => (subkey.key.created_at(), made_on(&subkey.key)),
    };
    if made_s < u64::from(created.as_secs()) {
        let why = format!("before its key was made ({made_on}): it is not believed");
        return Err(TrustError::WrongTime { by, made_s, why });
    }
    if made_s > now_s.saturating_add(CLOCK_SLACK_S) {
        let now = date(now_s);
        let why =
            format!("which is still to come by the clock of this server ({now}): set that clock");
        return Err(TrustError::WrongTime { by, made_s, why });
    }
    let life_s = signature.signature_expiration_time().map_or(0, |life| u64::from(life.as_secs()));
    let end_s = made_s.saturating_add(life_s);
    if life_s > 0 && end_s <= now_s {
        return Err(TrustError::SignatureExpired { by, end_s });
    }
    let unfit = standing.unfit(key, made_s, now_s).or_else(|| match signer {
        Signer::Primary => standing.primary_unfit(key),
        Signer::Subkey(subkey) => standing.subkey_unfit(key, subkey, made_s, now_s),
    });
    if let Some(why) = unfit {
        return Err(why);
    }
    Ok(Signed {
        fingerprint: key.fingerprint.to_string(),
        user_id: standing.user_id,
        made_s,
        by_subkey: match signer {
            Signer::Primary => None,
            Signer::Subkey(subkey) => Some(subkey.fingerprint.to_string()),
        },
    })
}

/// A reader that remembers that it failed: the reason would get lost on its way.
struct Watched<R> {
    inner: R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).inspect_err(|cause| {
            if cause.kind() != io::ErrorKind::Interrupted {
                self.failed = Some(io::Error::new(cause.kind(), cause.to_string()));
            }
        })
    }
}
