//! Small files into memory: checksum files, signatures, keys.
//!
//! In: a URL, the policy, a cap. Out: the bytes, or that there is no such file. Never: more bytes than the
//! cap, whatever the server says.

use std::time::Duration;

use hyper::StatusCode;
use tokio::time::timeout;

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

/// Longest time for a small file, however slowly it comes.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Fetches a small file of at most `most` bytes within [`TIME_MAX`].
pub async fn small(place: &Place, policy: &Policy, most: usize) -> Result<Small, FetchError> {
    small_within(place, policy, most, TIME_MAX).await
}

async fn small_within(
    place: &Place,
    policy: &Policy,
    most: usize,
    time_max: Duration,
) -> Result<Small, FetchError> {
    let slow = |_| FetchError::Slow { url: place.to_string(), after: time_max };
    timeout(time_max, whole(place, policy, most)).await.map_err(slow)?
}

async fn whole(place: &Place, policy: &Policy, most: usize) -> Result<Small, FetchError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    #[test]
    fn a_file_that_drips_ends_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/SHA256SUMS", listener.local_addr().unwrap());
        // A byte now and then: never idle, and never there.
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            drop(socket.read(&mut [0; 1024]));
            drop(socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"));
            socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            while socket.write_all(b"x").is_ok() {
                drop(socket.read(&mut [0; 1]));
            }
        });
        let policy = Policy { allow_private: true, ..Policy::default() };
        let place = Place::read(&url).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let work = small_within(&place, &policy, 1 << 20, Duration::from_millis(300));
        let why = runtime.block_on(work).unwrap_err();
        assert!(matches!(why, FetchError::Slow { .. }), "{why}");
    }
}
