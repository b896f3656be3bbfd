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
//! words. Waits for disks. Never: content believed that differs from a checksum for it; a key believed
//! that no named keyring has.

mod content;
mod keyrings;
mod promise;

use crate::Problem;
use crate::types::TrustWish;
use content::Content;
use fetch::Place;
pub(super) use keyrings::Keyrings;
use library::Blobs;
use library::import::Origin;
use model::Now;
use model::image::{Signature, Trust};
use nix::fcntl::OFlag;
pub(super) use promise::{Promise, beside, named, policy};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use trust::{Digests, Judgement, Signed, TrustError};

/// Where something came from.
#[derive(Clone, Debug)]
pub struct Brought {
    /// The file's name as its publisher calls it.
    pub name: String,
    /// Where it is on this host.
    pub path: PathBuf,
    /// The URL it was fetched from; none if it was on this host or uploaded.
    pub url: Option<Place>,
    /// Whether it lay on this host, which makes its import an operator's approval.
    pub is_local: bool,
}

/// All that can say why something may be believed.
#[derive(Debug)]
pub(super) struct Evidence {
    pub brought: Brought,
    pub wish: TrustWish,
    pub promises: Vec<Promise>,
    pub keyrings: Keyrings,
}

/// Why it is not believed.
#[derive(Debug)]
pub(super) struct Refusal {
    pub problem: Problem,
    /// Whether its bytes are not what they ought to be, so that they are worth nothing.
    pub of_content: bool,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, of_content: false }
    }
}

/// Says why what was kept may be believed.
pub(super) fn judge(
    evidence: &Evidence,
    (origin, blobs): (&Origin, &Blobs),
    (operator, now): (&str, Now),
) -> Result<Trust, Refusal> {
    let Evidence { brought, wish, promises, keyrings } = evidence;
    let content = Content { origin, path: &brought.path, blobs };
    let said = Examined { brought, wish, keyrings, content, now };
    let mut checked: Vec<String> = Vec::new();
    for promise in promises {
        match said.examine(promise)? {
            Said::Signed(signature) => return Ok(Trust::Signed(signature)),
            Said::Fits(what) => checked.push(what),
            Said::Nothing(why) => {
                if wish.checksums.is_some() {
                    return Err(Problem::refused(format!("{}: {why}", promise.at))
                        .hint("name the publisher's checksum file for this very file")
                        .into());
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
    let notes: String = keyrings.notes.iter().map(|note| format!("; {note}")).collect();
    Err(Problem::refused(format!("nobody known signed {}: {checked}{notes}", brought.name))
        .hint(
            "name the publisher's keyring with --keyring (a name below /usr/share/keyrings or \
             STATE/keyrings, or a file), or publish it all the same with --accept-unsigned, which \
             is recorded with the image",
        )
        .into())
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
    content: Content<'a>,
    now: Now,
}

impl Examined<'_> {
    fn examine(&self, promise: &Promise) -> Result<Said, Refusal> {
        match promise.is_of_image {
            true => self.signature_of_image(promise),
            false => self.checksums(promise),
        }
    }

    fn checksums(&self, promise: &Promise) -> Result<Said, Refusal> {
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
        let digests = self.digests(wants_512)?;
        let at = &promise.at;
        let listed_as = match sums.judge(&self.brought.name, &digests) {
            Judgement::Same { .. } => None,
            Judgement::SameAs { name } => Some(self.under_another_name(at, &name)?),
            Judgement::Differs { but_is, .. } => {
                let but = but_is.map(|name| format!(" (it is {name})")).unwrap_or_default();
                let problem = Problem::refused(format!(
                    "{} is not what {at} says it is{but}; nothing was published",
                    self.brought.name
                ))
                .hint("it was changed, cut or damaged on its way: fetch it again");
                return Err(Refusal { problem, of_content: true });
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

    fn signature_of_image(&self, promise: &Promise) -> Result<Said, Refusal> {
        if *self.content.origin == Origin::Folder {
            return Ok(Said::Nothing("a folder has no signature".to_owned()));
        }
        if self.keyrings.is_empty() {
            return Ok(Said::Fits(format!("{} is a signature of it, not checked", promise.at)));
        }
        let now_s = self.now.0 / 1000;
        match self.content.signed_by(&self.keyrings.ring, &promise.bytes, now_s) {
            Ok(signed) => Ok(Said::Signed(self.signature(&signed, &promise.file))),
            Err(why) => self.not_signed(promise, &why),
        }
    }

    /// Who signed a checksum file, and what exactly. None if it is not signed at all.
    fn signed(&self, promise: &Promise) -> Option<Result<(Signed, Vec<u8>), TrustError>> {
        let now_s = self.now.0 / 1000;
        if promise.signature.is_none() && !trust::is_signed_text(&promise.bytes) {
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
    fn not_signed(&self, promise: &Promise, why: &TrustError) -> Result<Said, Refusal> {
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
        let problem = Problem::refused(format!("{}: {why}", promise.at)).hint(
            "nothing was published; leave --keyring out and say --accept-unsigned to publish it unsigned",
        );
        let of_content = matches!(why, TrustError::ContentChanged { .. });
        Err(Refusal { problem, of_content })
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

    fn digests(&self, wants_512: bool) -> Result<Digests, Problem> {
        let name = &self.brought.name;
        let read = self.content.digests(wants_512);
        read.map_err(|e| Problem::failed(format!("cannot read {name} where it was kept: {e}")))
    }
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
