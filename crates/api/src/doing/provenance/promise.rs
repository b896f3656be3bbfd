//! What a publisher promises of a file: checksum files and signatures, given or found beside it.
//!
//! In: where the file came from, what the operator names. Out: promises, the likeliest first. Never:
//! more of them than [`TRIED_MAX`], more bytes than [`PROMISE_MAX`] of each.

use super::{Brought, open_plain};
use crate::Problem;
use crate::doing::blocking;
use crate::types::TrustWish;
use fetch::{Place, Policy, Redirects, SiblingKind, Small};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Bytes of a checksum file or a signature.
const PROMISE_MAX: usize = 4 << 20;
/// Places that are asked for one.
const TRIED_MAX: usize = 24;

/// Longest wait for all of them, however slow who sends them is.
const LOOK_MAX: Duration = Duration::from_secs(120);

/// A checksum file, or a signature of the image itself.
#[derive(Debug)]
pub(in crate::doing) struct Promise {
    /// Where it is, for words.
    pub at: String,
    /// Its name.
    pub file: String,
    pub bytes: Vec<u8>,
    /// The signature over it, if that is a file of its own.
    pub signature: Option<Vec<u8>>,
    /// It is a signature of the image.
    pub is_of_image: bool,
}

/// What the operator named; none if nothing was.
pub(in crate::doing) async fn named(wish: &TrustWish) -> Result<Option<Vec<Promise>>, Problem> {
    let work = named_without_end(wish);
    timeout(LOOK_MAX, work).await.unwrap_or_else(|_| {
        let after = LOOK_MAX.as_secs();
        Err(Problem::refused(format!(
            "the checksum file and its signature were not here after {after} s"
        ))
        .hint("try again, or fetch them by hand and name the files"))
    })
}

async fn named_without_end(wish: &TrustWish) -> Result<Option<Vec<Promise>>, Problem> {
    let policy = policy(wish);
    let (at, signature) = match (&wish.checksums, &wish.signature) {
        (None, None) => return Ok(None),
        (None, Some(at)) => (at, None),
        (Some(at), None) => (at, beside_named(at, &policy).await),
        (Some(at), Some(signature)) => {
            (at, Some(given(signature, &policy, "the signature").await?))
        }
    };
    let is_of_image = wish.checksums.is_none();
    let what = if is_of_image { "the signature" } else { "the checksum file" };
    let bytes = given(at, &policy, what).await?;
    let file = at.rsplit('/').next().unwrap_or(at).to_owned();
    Ok(Some(vec![Promise { at: at.clone(), file, bytes, signature, is_of_image }]))
}

/// What lies beside the file.
pub(in crate::doing) async fn beside(
    brought: &Brought,
    wish: &TrustWish,
) -> Result<Vec<Promise>, Problem> {
    if let Some(url) = &brought.url {
        return Ok(beside_url(url, &policy(wish)).await);
    }
    let path = brought.path.clone();
    blocking(move || if path.is_file() { beside_file(&path) } else { Vec::new() }).await
}

/// What outgoing requests may do.
pub(in crate::doing) fn policy(wish: &TrustWish) -> Policy {
    Policy {
        allow_private: wish.allow_private,
        redirects: match wish.allow_redirect {
            true => Redirects::AnyHost,
            false => Redirects::SameHost,
        },
        ..Policy::default()
    }
}

/// A file that the operator named by path or URL: it must be there.
async fn given(at: &str, policy: &Policy, what: &str) -> Result<Vec<u8>, Problem> {
    if !at.contains("://") {
        let path = PathBuf::from(at);
        return blocking(move || read(&path))
            .await?
            .map_err(|e| Problem::refused(format!("cannot read {what} {at}: {e}")));
    }
    let place = Place::read(at).map_err(|e| Problem::refused(e.to_string()))?;
    match fetch::small(&place, policy, PROMISE_MAX).await {
        Ok(Small::Bytes(bytes)) => Ok(bytes),
        Ok(Small::Missing) => Err(Problem::refused(format!("{what} is not at {at}"))),
        Err(e) => Err(Problem::refused(format!("{what}: {e}"))),
    }
}

/// The signature beside a checksum file that was named, if there is one.
async fn beside_named(named: &str, policy: &Policy) -> Option<Vec<u8>> {
    for end in fetch::SIGNATURES {
        if let Ok(bytes) = given(&format!("{named}{end}"), policy, "its signature").await {
            return Some(bytes);
        }
    }
    None
}

async fn beside_url(url: &Place, policy: &Policy) -> Vec<Promise> {
    let until = Instant::now() + LOOK_MAX;
    // A server that fails at one of them is no reason to fail: without it nothing is believed.
    let get =
        async |at: &Place| match timeout_at(until, fetch::small(at, policy, PROMISE_MAX)).await {
            Ok(Ok(Small::Bytes(bytes))) => Some(bytes),
            _ => None,
        };
    let mut found = Vec::new();
    for sibling in fetch::siblings(url).into_iter().take(TRIED_MAX) {
        if Instant::now() >= until {
            break;
        }
        let Some(bytes) = get(&sibling.at).await else { continue };
        let mut signature = None;
        for at in &sibling.signatures {
            signature = get(at).await;
            if signature.is_some() {
                break;
            }
        }
        found.push(Promise {
            at: sibling.at.to_string(),
            file: sibling.at.file_name(),
            bytes,
            signature,
            is_of_image: sibling.kind == SiblingKind::SignatureOfImage,
        });
    }
    found
}

fn beside_file(file: &Path) -> Vec<Promise> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return Vec::new() };
    let at = |name: &str| -> PathBuf { folder.join(name) };
    let siblings = fetch::siblings_of_file(&name.to_string_lossy());
    let found = siblings.into_iter().take(TRIED_MAX).filter_map(|sibling| {
        let bytes = read(&at(&sibling.at)).ok()?;
        let signature = sibling.signatures.iter().find_map(|name| read(&at(name)).ok());
        Some(Promise {
            at: at(&sibling.at).display().to_string(),
            file: sibling.at,
            bytes,
            signature,
            is_of_image: sibling.kind == SiblingKind::SignatureOfImage,
        })
    });
    found.collect()
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_plain(path)?.take(PROMISE_MAX as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
