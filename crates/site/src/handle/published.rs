//! What the owner is told of names at other DNS servers.
//!
//! In: what may stand there. Out: nothing, when it is on disk. Never: a word to those servers.

use super::SiteHandle;
use crate::SiteError;
use crate::inbox::Request;
use model::Change;
use model::dns::{Published, PublishedAt};
use tokio::sync::oneshot;

impl SiteHandle {
    /// Puts down what may stand at other DNS servers, or does no more. It is on disk when this returns.
    pub async fn keep_published(
        &self,
        all: impl IntoIterator<Item = (PublishedAt, Option<Published>)>,
    ) -> Result<(), SiteError> {
        let (to, answer) = oneshot::channel();
        let changes = all.into_iter().map(|(at, what)| Change::Published(at, what)).collect();
        self.send(Request::Published(changes, to)).await?;
        answer.await.map_err(|_| SiteError::Stopped)?.map(drop)
    }
}
