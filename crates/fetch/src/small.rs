//! Small files into memory: checksum files, signatures, keys.
//!
//! In: a URL, the policy, a cap. Out: the bytes, or that there is no such file. Never: more bytes than the
//! cap, whatever the server says.

use hyper::StatusCode;

use crate::error::FetchError;
use crate::exchange;
use crate::place::Place;
use crate::policy::Policy;

/// What a server has of a small file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Small {
    /// All its bytes.
    Bytes(Vec<u8>),
    /// There is no such file (404, 410).
    Missing,
}

/// Fetches a small file of at most `most` bytes.
pub async fn small(place: &Place, policy: &Policy, most: usize) -> Result<Small, FetchError> {
    let mut exchange = exchange::get(place, None, policy).await?;
    match exchange.status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Small::Missing),
        _ => return Err(exchange.refusal()),
    }
    let too_large =
        |size: String| FetchError::TooLarge { url: place.to_string(), size, most: most as u64 };
    if let Some(length) = exchange.length().filter(|length| *length > most as u64) {
        return Err(too_large(format!("{length} bytes")));
    }
    let mut bytes = Vec::new();
    while let Some(more) = exchange.next(policy, 0).await? {
        if bytes.len() + more.len() > most {
            return Err(too_large("an unknown number of bytes".to_owned()));
        }
        bytes.extend_from_slice(&more);
    }
    Ok(Small::Bytes(bytes))
}
