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

mod promise;

use crate::Problem;
use crate::types::TrustWish;
use fetch::Place;
use model::image::{Signature, Trust};
use model::{Hash, Now};
use promise::Promise;
pub(super) use promise::policy;
use sha2::{Digest, Sha256, Sha512};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use trust::{Digests, Judgement, Keyring, Signed, TrustError};

/// Where keyrings are looked for by name, beside STATE/keyrings.
const KEYRINGS: [&str; 2] = ["/usr/share/keyrings", "/etc/apt/trusted.gpg.d"];
/// Bytes of a keyring that are read. Debian's keyring of all its developers has 25 MB.
const KEYRING_MAX: u64 = 32 << 20;
/// Keyrings of STATE/keyrings that are tried.
const KEYRINGS_MAX: usize = 64;

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
    (operator, now, state): (&str, Now, &Path),
) -> Result<Trust, Problem> {
    let keyrings = keyrings(wish.keyring.as_deref(), state)?;
    let promises = promise::look_for(brought, wish).await?;
    let mut checked: Vec<String> = Vec::new();
    for promise in promises {
        let said = Examined { brought, wish, keyrings: &keyrings, now };
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
    keyrings: &'a [(String, Keyring)],
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
            Some(Ok((_, text, _))) => text.clone(),
            _ => promise.bytes.clone(),
        };
        let sums = match trust::Checksums::parse(&text) {
            Ok(sums) => sums,
            Err(why) => return Ok(Said::Nothing(why.to_string())),
        };
        let wants_512 = sums.expected(&self.brought.name).is_ok_and(|e| e.sha256.is_none());
        let digests = self.digests(wants_512).await?;
        let at = &promise.at;
        match sums.judge(&self.brought.name, &digests) {
            Judgement::Same { .. } | Judgement::SameAs { .. } => {}
            Judgement::Differs { but_is, .. } => {
                let but = but_is.map(|name| format!(" (it is {name})")).unwrap_or_default();
                return Err(Problem::refused(format!(
                    "{} is not what {at} says it is{but}; nothing was published",
                    self.brought.name
                ))
                .hint("it was changed, cut or damaged on its way: fetch it again"));
            }
            Judgement::NotListed(why) => return Ok(Said::Nothing(why.to_string())),
        }
        match signed {
            Some(Ok((signed, _, keyring))) => {
                Ok(Said::Signed(signature(&signed, &keyring, &promise.file)))
            }
            Some(Err(why)) => self.not_signed(promise, &why),
            None => Ok(Said::Fits(format!("its sum is the one in {at}, which nobody signed"))),
        }
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
        let checked = first_that_knows(self.keyrings, |ring| {
            ring.check_detached(&promise.bytes, &mut file, now_s).map(|signed| (signed, ()))
        });
        match checked {
            Ok((signed, (), keyring)) => {
                Ok(Said::Signed(signature(&signed, &keyring, &promise.file)))
            }
            Err(why) => self.not_signed(promise, &why),
        }
    }

    /// Who signed a checksum file, what exactly, and in which keyring the key is. None if it is not
    /// signed at all.
    #[expect(clippy::type_complexity, reason = "three facts that only this file puts together")]
    fn signed(&self, promise: &Promise) -> Option<Result<(Signed, Vec<u8>, String), TrustError>> {
        let now_s = self.now.0 / 1000;
        let inside = promise.bytes.windows(SIGNED_TEXT.len()).any(|part| part == SIGNED_TEXT);
        if promise.signature.is_none() && !inside {
            return None;
        }
        Some(first_that_knows(self.keyrings, |ring| match &promise.signature {
            Some(signature) => {
                let mut content = io::Cursor::new(&promise.bytes);
                let signed = ring.check_detached(signature, &mut content, now_s)?;
                Ok((signed, promise.bytes.clone()))
            }
            None => {
                let (signed, text) = ring.check_cleartext(&promise.bytes, now_s)?;
                Ok((signed, text.into_bytes()))
            }
        }))
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

/// The first keyring that knows the key decides; if none does, the last says so.
fn first_that_knows<T>(
    keyrings: &[(String, Keyring)],
    mut check: impl FnMut(&Keyring) -> Result<(Signed, T), TrustError>,
) -> Result<(Signed, T, String), TrustError> {
    let mut last =
        TrustError::KeyMissing { keys: vec!["of a keyring that was not named".to_owned()] };
    for (name, ring) in keyrings {
        match check(ring) {
            Ok((signed, with)) => return Ok((signed, with, name.clone())),
            Err(missing @ TrustError::KeyMissing { .. }) => last = missing,
            Err(other) => return Err(other),
        }
    }
    Err(last)
}

fn signature(signed: &Signed, keyring: &str, file: &str) -> Signature {
    Signature {
        fingerprint: signed.fingerprint.to_uppercase(),
        signer: model::text::show(signed.user_id.as_bytes()),
        keyring: keyring.to_owned(),
        file: file.to_owned(),
        made: Now(signed.made_s.saturating_mul(1000)),
    }
}

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

/// The keyring of a name or path; without one, all that operators put into STATE/keyrings.
fn keyrings(named: Option<&str>, state: &Path) -> Result<Vec<(String, Keyring)>, Problem> {
    let own = state.join("keyrings");
    let Some(named) = named else {
        let mut all = Vec::new();
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&own).into_iter().flatten().flatten().map(|e| e.path()).collect();
        files.sort_unstable();
        for path in files.into_iter().filter(|path| path.is_file()).take(KEYRINGS_MAX) {
            all.push(read_keyring(&path)?);
        }
        return Ok(all);
    };
    if named.contains('/') {
        return Ok(vec![read_keyring(Path::new(named))?]);
    }
    let folders = [own.as_path()].into_iter().chain(KEYRINGS.map(Path::new));
    let found = folders.flat_map(|folder| {
        ["", ".gpg", ".asc", ".pgp", "-archive-keyring.gpg", "-keyring.gpg", "-role-keys.gpg"]
            .map(|end| folder.join(format!("{named}{end}")))
    });
    // A publisher may have several: Debian's discs are signed by other keys than its packages.
    let rings: Vec<(String, Keyring)> =
        found.filter(|path| path.is_file()).map(|path| read_keyring(&path)).collect::<Result<_, _>>()?;
    if rings.is_empty() {
        let shown = model::text::show(named.as_bytes());
        return Err(Problem::refused(format!("there is no keyring `{shown}`")).hint(
            "put the publisher's public keys into STATE/keyrings/NAME.gpg, install its keyring \
             package (debian-keyring, ubuntu-keyring), or name a file by its path",
        ));
    }
    Ok(rings)
}

fn read_keyring(path: &Path) -> Result<(String, Keyring), Problem> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let cannot = |e: io::Error| {
        Problem::refused(format!("cannot read the keyring {}: {e}", path.display()))
            .hint("check that it is there and that the server's user may read it")
    };
    let mut bytes = Vec::new();
    File::open(path).and_then(|f| f.take(KEYRING_MAX).read_to_end(&mut bytes)).map_err(cannot)?;
    let ring =
        Keyring::read(&bytes).map_err(|e| Problem::refused(format!("{}: {e}", path.display())))?;
    Ok((name, ring))
}
