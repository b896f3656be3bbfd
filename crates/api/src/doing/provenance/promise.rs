//! What a publisher promises of a file: checksum files and signatures, given or found beside it.
//!
//! In: where the file came from, what the operator names. Out: promises, the likeliest first. Never:
//! more of them than [`TRIED_MAX`], more bytes than [`PROMISE_MAX`] of each.

use super::Brought;
use crate::Problem;
use crate::types::TrustWish;
use fetch::{Place, Policy, Redirects, SiblingKind, Small};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes of a checksum file or a signature.
const PROMISE_MAX: usize = 4 << 20;
/// Places that are asked for one.
const TRIED_MAX: usize = 24;

/// A checksum file, or a signature of the image itself.
#[derive(Debug)]
pub(super) struct Promise {
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

/// Finds what the operator named; else what lies beside the file.
pub(super) async fn look_for(brought: &Brought, wish: &TrustWish) -> Result<Vec<Promise>, Problem> {
    let policy = policy(wish);
    if let Some(named) = &wish.checksums {
        let bytes = given(named, &policy, "the checksum file").await?;
        let signature = match &wish.signature {
            Some(at) => Some(given(at, &policy, "the signature").await?),
            None => beside_named(named, &policy).await,
        };
        let file = named.rsplit('/').next().unwrap_or(named).to_owned();
        return Ok(vec![Promise { at: named.clone(), file, bytes, signature, is_of_image: false }]);
    }
    if let Some(at) = &wish.signature {
        let bytes = given(at, &policy, "the signature").await?;
        let file = at.rsplit('/').next().unwrap_or(at).to_owned();
        return Ok(vec![Promise {
            at: at.clone(),
            file,
            bytes,
            signature: None,
            is_of_image: true,
        }]);
    }
    match (&brought.url, &brought.file) {
        (Some(url), _) => Ok(beside_url(url, &policy).await),
        (None, Some(file)) if brought.is_local => Ok(beside_file(file)),
        _ => Ok(Vec::new()),
    }
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
        return read(Path::new(at))
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
    for end in [".gpg", ".sign", ".asc", ".sig"] {
        if let Ok(bytes) = given(&format!("{named}{end}"), policy, "its signature").await {
            return Some(bytes);
        }
    }
    None
}

async fn beside_url(url: &Place, policy: &Policy) -> Vec<Promise> {
    let mut found = Vec::new();
    for sibling in fetch::siblings(url).into_iter().take(TRIED_MAX) {
        // A server that fails at one of them is no reason to fail: without it nothing is believed.
        let Ok(Small::Bytes(bytes)) = fetch::small(&sibling.at, policy, PROMISE_MAX).await else {
            continue;
        };
        let mut signature = None;
        for at in &sibling.signatures {
            if let Ok(Small::Bytes(bytes)) = fetch::small(at, policy, PROMISE_MAX).await {
                signature = Some(bytes);
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
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    file.take(PROMISE_MAX as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
