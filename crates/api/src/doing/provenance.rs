//! Why an import may be believed: what its publisher promised and signed, or an operator's word.
//!
//! ```text
//! file ─▶ promise: checksum file (and its signature) given, or found beside it
//!              ├─ says otherwise ──────────────▶ refused, whatever the operator wishes
//!              ├─ signed by a key of a keyring ─▶ Trust::Signed
//!              └─ not signed, or nothing found ─▶ a file of this host: Trust::Local
//!                                               ─▶ from elsewhere: refused, or Trust::Approved
//! ```
//!
//! In: what was kept and where it came from, what the operator wishes. Out: [`Trust`], or a refusal in
//! words. Never: content believed that differs from a checksum for it; a key believed that no named
//! keyring has.

mod keyrings;
mod promise;

use crate::Problem;
use crate::types::TrustWish;
use fetch::Place;
pub(super) use keyrings::Keyrings;
use model::image::{Signature, Trust};
use model::{Hash, Now};
use nix::fcntl::OFlag;
use promise::Promise;
pub(super) use promise::policy;
use sha2::{Digest, Sha256, Sha512};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use trust::{Digests, Judgement, Signed, TrustError};

/// What was kept, and where it came from.
#[derive(Debug)]
pub struct Brought {
    /// The file's name as its publisher calls it.
    pub name: String,
    /// The file; none if it was a folder.
    pub file: Option<PathBuf>,
    /// The URL it was fetched from; none if it was on this host or uploaded.
    pub url: Option<Place>,
    /// Whether it lay on this host, which makes its import an operator's approval.
    pub is_local: bool,
    /// The SHA-256 of what was kept, if the whole file was kept as one blob.
    pub kept: Option<Hash>,
}

/// Says why it may be believed. Reads the file again where its sum is needed and not known.
pub async fn judge(
    brought: &Brought,
    wish: &TrustWish,
    keyrings: &Keyrings,
    (operator, now): (&str, Now),
) -> Result<Trust, Problem> {
    let promises = promise::look_for(brought, wish).await?;
    let mut checked: Vec<String> = Vec::new();
    for promise in promises {
        let said = Examined { brought, wish, keyrings, now };
        match said.examine(&promise).await? {
            Said::Signed(signature) => return Ok(Trust::Signed(signature)),
            Said::Fits(what) => checked.push(what),
            Said::Nothing(why) => {
                if wish.checksums.is_some() {
                    return Err(Problem::refused(format!("{}: {why}", promise.at))
                        .hint("name the publisher's checksum file for this very file"));
                }
            }
        }
    }
    let checked = match checked.is_empty() {
        true => "nothing was found to check it by".to_owned(),
        false => checked.join("; "),
    };
    if brought.is_local && wish.signature.is_none() && wish.keyring.is_none() {
        return Ok(Trust::Local);
    }
    if wish.accept_unsigned {
        return Ok(Trust::Approved { by: operator.to_owned(), at: now, checked });
    }
    Err(Problem::refused(format!("nobody known signed {}: {checked}", brought.name)).hint(
        "name the publisher's keyring with --keyring (a name below /usr/share/keyrings or \
         STATE/keyrings, or a file), or publish it all the same with --accept-unsigned, which is \
         recorded with the image",
    ))
}

/// What one promise comes to.
enum Said {
    Signed(Signature),
    /// The sums are right, and that is all; in words.
    Fits(String),
    /// It says nothing of this file; why.
    Nothing(String),
}

struct Examined<'a> {
    brought: &'a Brought,
    wish: &'a TrustWish,
    keyrings: &'a Keyrings,
    now: Now,
}

impl Examined<'_> {
    async fn examine(&self, promise: &Promise) -> Result<Said, Problem> {
        match promise.is_of_image {
            true => self.signature_of_image(promise).await,
            false => self.checksums(promise).await,
        }
    }

    async fn checksums(&self, promise: &Promise) -> Result<Said, Problem> {
        let signed = self.signed(promise);
        // Of a text that carries its own signature only what was signed counts.
        let text = match &signed {
            Some(Ok((_, text))) => text.clone(),
            _ => promise.bytes.clone(),
        };
        let sums = match trust::Checksums::parse(&text) {
            Ok(sums) => sums,
            Err(why) => return Ok(Said::Nothing(why.to_string())),
        };
        let wants_512 = sums.expected(&self.brought.name).is_ok_and(|e| e.sha256.is_none());
        let digests = self.digests(wants_512).await?;
        let at = &promise.at;
        let listed_as = match sums.judge(&self.brought.name, &digests) {
            Judgement::Same { .. } => None,
            Judgement::SameAs { name } => Some(self.under_another_name(at, &name)?),
            Judgement::Differs { but_is, .. } => {
                let but = but_is.map(|name| format!(" (it is {name})")).unwrap_or_default();
                return Err(Problem::refused(format!(
                    "{} is not what {at} says it is{but}; nothing was published",
                    self.brought.name
                ))
                .hint("it was changed, cut or damaged on its way: fetch it again"));
            }
            Judgement::NotListed(why) => return Ok(Said::Nothing(why.to_string())),
        };
        let file = match &listed_as {
            Some(name) => format!("{} ({name})", promise.file),
            None => promise.file.clone(),
        };
        match signed {
            Some(Ok((signed, _))) => Ok(Said::Signed(self.signature(&signed, &file))),
            Some(Err(why)) => self.not_signed(promise, &why),
            None => {
                let which = listed_as.map(|name| format!(" of {name}")).unwrap_or_default();
                Ok(Said::Fits(format!("its sum is the one{which} in {at}, which nobody signed")))
            }
        }
    }

    /// The name that this content has in a checksum file which does not know the file's own name. An old
    /// image of the publisher's, served or saved under a new name, looks just so: where the publisher's
    /// word is what counts, it is refused; a file that an operator renamed on this host is not.
    fn under_another_name(&self, at: &str, listed: &str) -> Result<String, Problem> {
        let listed = model::text::show(listed.as_bytes());
        if self.brought.url.is_none() && self.wish.keyring.is_none() {
            return Ok(listed);
        }
        let name = model::text::show(self.brought.name.as_bytes());
        Err(Problem::refused(format!(
            "{at} knows no {name}: the content is that of {listed}, perhaps an older version; nothing \
             was published"
        ))
        .hint(format!("if {listed} is what you want, import it under that name")))
    }

    async fn signature_of_image(&self, promise: &Promise) -> Result<Said, Problem> {
        let Some(path) = self.brought.file.clone() else {
            return Ok(Said::Nothing("a folder has no signature".to_owned()));
        };
        if self.keyrings.is_empty() {
            return Ok(Said::Fits(format!("{} is a signature of it, not checked", promise.at)));
        }
        let cannot = |e: io::Error| Problem::failed(format!("cannot read {}: {e}", path.display()));
        let mut file = File::open(&path).map_err(cannot)?;
        let now_s = self.now.0 / 1000;
        match self.keyrings.ring.check_detached(&promise.bytes, &mut file, now_s) {
            Ok(signed) => Ok(Said::Signed(self.signature(&signed, &promise.file))),
            Err(why) => self.not_signed(promise, &why),
        }
    }

    /// Who signed a checksum file, and what exactly. None if it is not signed at all.
    fn signed(&self, promise: &Promise) -> Option<Result<(Signed, Vec<u8>), TrustError>> {
        let now_s = self.now.0 / 1000;
        let inside = promise.bytes.windows(SIGNED_TEXT.len()).any(|part| part == SIGNED_TEXT);
        if promise.signature.is_none() && !inside {
            return None;
        }
        let ring = &self.keyrings.ring;
        Some(match &promise.signature {
            Some(signature) => {
                let mut content = io::Cursor::new(&promise.bytes);
                let signed = ring.check_detached(signature, &mut content, now_s);
                signed.map(|signed| (signed, promise.bytes.clone()))
            }
            None => {
                let signed = ring.check_cleartext(&promise.bytes, now_s);
                signed.map(|(signed, text)| (signed, text.into_bytes()))
            }
        })
    }

    /// The sums are right, but the signature over them is not believed.
    fn not_signed(&self, promise: &Promise, why: &TrustError) -> Result<Said, Problem> {
        // Without any keyring named there is nothing to believe by; that is no fault of the signature.
        let nothing_named = self.keyrings.is_empty();
        let unknown = nothing_named || matches!(why, TrustError::KeyMissing { .. });
        if unknown && self.wish.keyring.is_none() {
            let what = match nothing_named {
                true => "its signature was not checked, as no keyring was named".to_owned(),
                false => why.to_string(),
            };
            return Ok(Said::Fits(format!("its sum is the one in {}; {what}", promise.at)));
        }
        Err(Problem::refused(format!("{}: {why}", promise.at))
            .hint("nothing was published; leave --keyring out and say --accept-unsigned to publish it unsigned"))
    }

    fn signature(&self, signed: &Signed, file: &str) -> Signature {
        Signature {
            fingerprint: signed.fingerprint.to_uppercase(),
            signer: model::text::show(signed.user_id.as_bytes()),
            keyring: self.keyrings.holding(&signed.fingerprint),
            file: file.to_owned(),
            made: Now(signed.made_s.saturating_mul(1000)),
        }
    }

    async fn digests(&self, wants_512: bool) -> Result<Digests, Problem> {
        let kept = self.brought.kept.map(|hash| hash.0);
        let Some(path) = self.brought.file.clone().filter(|_| kept.is_none() || wants_512) else {
            return Ok(Digests { sha256: kept, sha512: None });
        };
        let read = super::blocking(move || digests(&path).map_err(|e| (path, e))).await?;
        read.map_err(|(path, e)| Problem::failed(format!("cannot read {}: {e}", path.display())))
    }
}

/// How a text that carries its own signature begins (RFC 9580, 7).
const SIGNED_TEXT: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

fn digests(path: &Path) -> io::Result<Digests> {
    let mut file = File::open(path)?;
    let (mut of_256, mut of_512) = (Sha256::new(), Sha512::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        let got = match file.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(part) = buffer.get(..got).filter(|part| !part.is_empty()) else { break };
        of_256.update(part);
        of_512.update(part);
    }
    let (sha256, sha512) = (Some(of_256.finalize().into()), Some(of_512.finalize().into()));
    Ok(Digests { sha256, sha512 })
}

/// Opens a file that somebody else named. A FIFO in its place must not hold us for ever, nor a terminal
/// become ours.
fn open_plain(path: &Path) -> io::Result<File> {
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"));
    }
    Ok(file)
}
