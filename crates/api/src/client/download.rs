//! Takes a backup from the server, piece by piece.

use super::{Client, Error};
use crate::types::BackupWish;
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::{Bytes, Incoming};

/// A backup on its way. Dropping it tells the server to stop.
#[derive(Debug)]
pub struct Download {
    /// About how many bytes will come; compression makes it less.
    pub bytes: u64,
    body: Incoming,
}

impl Client {
    /// Asks for a backup.
    pub async fn backup(&self, wish: &BackupWish) -> Result<Download, Error> {
        let response = self.open(Method::POST, "/backup", Some(wish)).await?;
        let said = response.headers().get(crate::routes::backup::BYTES);
        let bytes = said.and_then(|bytes| bytes.to_str().ok()?.parse().ok()).unwrap_or(0);
        Ok(Download { bytes, body: response.into_body() })
    }
}

impl Download {
    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(e)) => return Err(Error::Broken(e.to_string())),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => return Ok(Some(bytes)),
                    Err(_no_data) => {}
                },
            }
        }
    }
}
