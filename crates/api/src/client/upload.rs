//! Sends a file in pieces, and goes on where the line broke.

use super::{Client, Error};
use crate::types::{UploadView, UploadWish};
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use hyper::{Method, Request, header};
use std::io::SeekFrom;
use std::path::Path;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::watch;

/// Tries in a row that bring nothing on, before it is given up.
const TRIES_MAX: u32 = 5;
/// Wait before the next try; each is longer by this.
const TRY_WAIT: Duration = Duration::from_millis(500);
/// Bytes read and sent at a time.
const PIECE_BYTES: usize = 256 << 10;

/// How many bytes are with the server or on their way, and how many it is to be. False stops: what is with
/// the server stays there, to be gone on from.
pub type Sent<'a> = dyn FnMut(u64, u64) -> bool + Send + 'a;

impl Client {
    /// Announces a file and sends it. `sha256` is compared by the server when all is there.
    pub async fn upload(
        &self,
        file: &Path,
        name: &str,
        sha256: Option<String>,
        sent: &mut Sent<'_>,
    ) -> Result<UploadView, Error> {
        let said = tokio::fs::metadata(file).await.map_err(|e| unreadable(file, &e))?;
        let wish = UploadWish { name: name.to_owned(), size: said.len(), sha256 };
        let upload: UploadView = self.send(Method::POST, "/uploads", Some(&wish)).await?;
        self.go_on(file, &upload.id, sent).await
    }

    /// Sends what is missing of an upload that was announced before.
    pub async fn go_on(
        &self,
        file: &Path,
        id: &str,
        sent: &mut Sent<'_>,
    ) -> Result<UploadView, Error> {
        let path = format!("/uploads/{}", model::url::part(id));
        let mut tries = 0;
        let mut reached = 0;
        loop {
            let stands: UploadView = self.get(&path).await?;
            let said = tokio::fs::metadata(file).await.map_err(|e| unreadable(file, &e))?;
            if said.len() != stands.size {
                let why = format!(
                    "{} has {} bytes, not the {} that were announced",
                    file.display(),
                    said.len(),
                    stands.size
                );
                return Err(Error::Broken(why));
            }
            if stands.whole {
                return Ok(stands);
            }
            if stands.offset > reached {
                (tries, reached) = (0, stands.offset);
            }
            let why = match self.send_rest(file, &path, &stands, sent).await {
                Ok(upload) if upload.whole => return Ok(upload),
                Ok(_) => Error::Broken("the server took only a part".to_owned()),
                // The line broke, or a part of an earlier try is still being written.
                Err(why @ Error::Broken(_)) => why,
                Err(Error::Problem(problem)) if problem.status == 409 && tries + 1 < TRIES_MAX => {
                    Error::Problem(problem)
                }
                Err(why) => return Err(why),
            };
            tries += 1;
            if tries >= TRIES_MAX {
                return Err(why);
            }
            tokio::time::sleep(TRY_WAIT * tries).await;
        }
    }

    async fn send_rest(
        &self,
        file: &Path,
        path: &str,
        stands: &UploadView,
        sent: &mut Sent<'_>,
    ) -> Result<UploadView, Error> {
        let failed = |e: std::io::Error| unreadable(file, &e);
        let mut opened = File::open(file).await.map_err(failed)?;
        opened.seek(SeekFrom::Start(stands.offset)).await.map_err(failed)?;
        let rest = stands.size - stands.offset;
        let (tell, mut heard) = watch::channel(stands.offset);
        // No more than was announced, should the file grow meanwhile.
        let pieces = stream::unfold((opened.take(rest), tell), |(mut file, tell)| async move {
            let mut piece = vec![0; PIECE_BYTES];
            match file.read(&mut piece).await {
                Ok(0) => None,
                Ok(got) => {
                    piece.truncate(got);
                    tell.send_modify(|bytes| *bytes += got as u64);
                    Some((Ok(Frame::data(Bytes::from(piece))), (file, tell)))
                }
                Err(e) => Some((Err(e), (file, tell))),
            }
        });
        let request = Request::builder()
            .method(Method::PATCH)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, self.host())
            .header(header::CONTENT_TYPE, "application/offset+octet-stream")
            .header(header::CONTENT_LENGTH, rest)
            .header(crate::routes::uploads::OFFSET, stands.offset)
            .body(StreamBody::new(Box::pin(pieces)))
            .map_err(|e| Error::Broken(e.to_string()))?;
        let mut sending = std::pin::pin!(self.exchange(request));
        loop {
            tokio::select! {
                answer = &mut sending => return super::whole(answer?).await,
                Ok(()) = heard.changed() => {
                    let bytes = *heard.borrow_and_update();
                    if !sent(bytes, stands.size) {
                        return Err(Error::Stopped);
                    }
                }
            }
        }
    }
}

fn unreadable(file: &Path, e: &std::io::Error) -> Error {
    Error::File(format!("{} cannot be read: {e}", file.display()))
}
