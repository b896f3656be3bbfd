//! A backup, as one long answer. The passphrase is in the body, never in the address.

use super::State;
use crate::contract::shape::{Bytes, Said};
use crate::doing::{self, Sending};
use crate::types::BackupWish;
use crate::{House, Problem, body};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use futures_util::stream;
use model::access::Via;

/// Says in answers about how many bytes will come: not fewer, compression makes it less.
pub const BYTES: HeaderName = HeaderName::from_static("backup-bytes");

pub async fn backup(
    State(house): State<House>,
    body::Json(wish): body::Json<BackupWish>,
) -> Result<Said<Bytes>, Problem> {
    // A program's token is in some file; whoever finds it does not get everything at once.
    if !matches!(house.asker.by.via, Via::Socket | Via::Session) {
        return Err(Problem::forbidden("a token takes no backup: a person does who logged in")
            .hint("run `bootwright backup` on the server's own host"));
    }
    // A browser is left open, and a file lies among downloads: what opens all secrets stays here.
    if wish.with_keys && house.asker.by.via != Via::Socket {
        return Err(Problem::forbidden(
            "a backup with the keys is made on the server's own host only",
        )
        .hint("run `bootwright backup FILE --with-keys` there"));
    }
    let Sending { bytes, from } = doing::backup(&house, wish).await?;
    let pieces = stream::unfold(from, |mut from| async move {
        let piece = from.recv().await?;
        Some((piece, from))
    });
    let fields = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (BYTES, HeaderValue::from(bytes)),
    ];
    Ok(Said::new((fields, Body::from_stream(pieces))))
}
