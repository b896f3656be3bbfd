//! A file brought from a URL, gone on with where it was interrupted.
//!
//! In: a place, a folder, the policy, whoever wants to hear of progress. Out: a file whose bytes are on
//! disk. Never: bytes of two versions in one file: the rest is asked for by the version (If-Range), and a
//! server that answers with anything else than that rest makes it begin anew.

use std::path::{Path, PathBuf};

use hyper::StatusCode;
use hyper::header;

use crate::error::{FetchError, shown};
use crate::exchange::{self, Exchange, From};
use crate::partial::Partial;
use crate::place::Place;
use crate::policy::Policy;

/// Bytes gathered before they are written.
const GATHER_BYTES: usize = 1 << 20;

/// How far it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// Bytes that are here, those of earlier tries too.
    pub bytes: u64,
    /// How many it is to have, where the server said so.
    pub total: Option<u64>,
}

/// A file that was brought whole. It stays in its folder, and nobody else fetches the same, until it is
/// removed or dropped; dropped, the next call asks whether the server still has this version.
#[derive(Debug)]
pub struct Fetched {
    partial: Partial,
    /// How many bytes were there before this call.
    pub gone_on_from: u64,
}

impl Fetched {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.partial.path().to_owned()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.partial.written()
    }

    /// The URL that sent it, after redirects.
    #[must_use]
    pub fn sent_by(&self) -> &str {
        self.partial.sent_by()
    }

    /// Removes it, once its bytes are kept elsewhere or not wanted.
    pub fn remove(self) -> Result<(), FetchError> {
        self.partial.remove()
    }
}

/// Brings the file at a place into `dir` (which must exist, and holds nothing else), or goes on with it.
/// `progress` hears how far it is, and returns false to stop: what came stays, to be gone on from.
pub async fn download(
    place: &Place,
    dir: &Path,
    policy: &Policy,
    progress: &mut (dyn FnMut(Progress) -> bool + Send),
) -> Result<Fetched, FetchError> {
    let (dir, of) = (dir.to_owned(), place.clone());
    let mut partial = blocking(move || Partial::open(&dir, &of)).await?;
    let gone_on_from = partial.synced();
    // A whole file that was not taken may be stale by now: the server says whether it still has it.
    // Without a version to ask by it begins anew.
    let from = partial.version().map(|version| From {
        byte: partial.synced(),
        version: version.to_owned(),
        whole: partial.is_whole(),
    });
    let mut exchange = exchange::get(place, from.as_ref(), policy).await?;
    let mut answer = Answer::of(&exchange, from.as_ref(), &mut partial)?;
    if answer == Answer::OtherVersion {
        partial.reset()?;
        exchange = exchange::get(place, None, policy).await?;
        answer = Answer::of(&exchange, None, &mut partial)?;
    }
    let gone_on_from = match answer {
        Answer::Rest => gone_on_from,
        Answer::AllThere => {
            partial.finish()?;
            return Ok(Fetched { partial, gone_on_from });
        }
        Answer::Whole => {
            if !exchange.has_an_end() {
                let why = "it does not say how long the file is, so that a cut could not be told from its \
                           end; use another mirror"
                    .to_owned();
                return Err(FetchError::Broken { url: exchange.place.to_string(), why });
            }
            partial.begin_with(
                exchange.place.to_string(),
                version(&exchange),
                exchange.length(),
            )?;
            0
        }
        Answer::OtherVersion | Answer::Refusal => return Err(exchange.refusal()),
    };
    let partial = receive(exchange, partial, policy, progress).await?;
    Ok(Fetched { partial, gone_on_from })
}

/// What a response is for what was begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    /// The whole file.
    Whole,
    /// The bytes that were missing.
    Rest,
    /// No byte was missing.
    AllThere,
    /// Bytes of another version than what was begun.
    OtherVersion,
    /// No file.
    Refusal,
}

impl Answer {
    /// An error if the response claims to be the rest and is not.
    fn of(
        exchange: &Exchange,
        from: Option<&From>,
        partial: &mut Partial,
    ) -> Result<Self, FetchError> {
        if let Some(from) = from.filter(|from| from.whole) {
            return Ok(match exchange.status {
                StatusCode::NOT_MODIFIED => Self::AllThere,
                // Some servers pass over what was asked, and send the version that is there.
                StatusCode::OK if version(exchange).as_ref() == Some(&from.version) => {
                    Self::AllThere
                }
                StatusCode::OK => Self::Whole,
                _ => Self::Refusal,
            });
        }
        let range = exchange.field(&header::CONTENT_RANGE).unwrap_or_default();
        let (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, Some(from)) =
            (exchange.status, from)
        else {
            return Ok(if exchange.status == StatusCode::OK { Self::Whole } else { Self::Refusal });
        };
        // Some servers send ranges of whatever is there now.
        if version(exchange).is_some_and(|version| version != from.version) {
            return Ok(Self::OtherVersion);
        }
        if exchange.status == StatusCode::RANGE_NOT_SATISFIABLE {
            let all_there = range == format!("bytes */{}", from.byte);
            return Ok(if all_there { Self::AllThere } else { Self::OtherVersion });
        }
        let told = parse_range(&range);
        let fits = told.filter(|(first, last, total)| {
            *first == from.byte
                && last.checked_add(1) == Some(*total)
                && partial.total().is_none_or(|known| known == *total)
                && exchange.length().is_none_or(|length| Some(length) == total.checked_sub(*first))
        });
        if let Some((.., total)) = fits {
            partial.expect(total);
            return Ok(Self::Rest);
        }
        partial.reset()?;
        Err(FetchError::Broken {
            url: exchange.place.to_string(),
            why: format!(
                "asked for the bytes from {} on, it sends `{}`; what was there is thrown away: try \
                 again, it begins anew",
                from.byte,
                shown(&range)
            ),
        })
    }
}

/// First byte, last byte and total of `bytes 5-9/10`.
fn parse_range(range: &str) -> Option<(u64, u64, u64)> {
    let (span, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, total.parse().ok()?))
}

/// What names the version so that its rest can be asked for: a strong ETag, else the date (RFC 9110,
/// 13.1.5).
fn version(exchange: &Exchange) -> Option<String> {
    let etag = exchange.field(&header::ETAG).filter(|etag| etag.starts_with('"'));
    etag.or_else(|| exchange.field(&header::LAST_MODIFIED))
}

/// Reads a body to its end into the file.
async fn receive(
    mut exchange: Exchange,
    mut partial: Partial,
    policy: &Policy,
    progress: &mut (dyn FnMut(Progress) -> bool + Send),
) -> Result<Partial, FetchError> {
    let url = exchange.place.to_string();
    let total = partial.total();
    within(&url, total.unwrap_or(0), policy)?;
    let mut gathered: Vec<u8> = Vec::new();
    loop {
        let here = partial.written() + gathered.len() as u64;
        let came = if progress(Progress { bytes: here, total }) {
            exchange.next(policy, 0).await
        } else {
            Err(FetchError::Stopped { kept: 0 })
        };
        let last = !matches!(came, Ok(Some(_)));
        if let Ok(Some(bytes)) = &came {
            let here = here + bytes.len() as u64;
            if total.is_some_and(|total| here > total) || within(&url, here, policy).is_err() {
                partial.reset()?;
                within(&url, here, policy)?;
                let why = "it sends more bytes than it promised".to_owned();
                return Err(FetchError::Broken { url, why });
            }
            gathered.extend_from_slice(bytes);
        }
        if gathered.len() >= GATHER_BYTES || last {
            let sync_bytes = policy.sync_bytes;
            (partial, gathered) = blocking(move || {
                partial.append(&gathered, sync_bytes)?;
                gathered.clear();
                if last {
                    partial.sync()?;
                }
                Ok((partial, gathered))
            })
            .await?;
        }
        match came {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(why) => return Err(why.with_kept(partial.synced())),
        }
    }
    if let Some(total) = total.filter(|total| *total != partial.written()) {
        let why = format!("{} of {total} bytes came", partial.written());
        return Err(FetchError::CutShort { url, why, kept: partial.synced() });
    }
    blocking(move || partial.finish().map(|()| partial)).await
}

fn within(url: &str, bytes: u64, policy: &Policy) -> Result<(), FetchError> {
    if bytes <= policy.size_max {
        return Ok(());
    }
    Err(FetchError::TooLarge {
        url: url.to_owned(),
        size: format!("at least {bytes} bytes"),
        most: policy.size_max,
    })
}

/// Runs what waits for a disk where waiting is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(cause) => match cause.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and with it whoever waits for us.
            Err(_) => Err(FetchError::Stopped { kept: 0 }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_strictly() {
        assert_eq!(parse_range("bytes 5-9/10"), Some((5, 9, 10)));
        for odd in ["bytes 5-9/*", "bytes */10", "items 5-9/10", "bytes 5-/10", "bytes=5-9/10", ""]
        {
            assert_eq!(parse_range(odd), None, "{odd}");
        }
    }
}
