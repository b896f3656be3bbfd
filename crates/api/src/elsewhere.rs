//! Asks the server of `boot.ask` what a machine boots.
//!
//! In: a URL of pixiecore's API. Out: the body, that there is nothing, or why there is no answer. Never: a
//! long wait, for a machine stands before its script; more than [`engine::elsewhere::ANSWER_MAX`] bytes;
//! another host than the one that is named.

use fetch::{Place, Policy, Redirects, Small};
use site::Asks;
use std::time::Duration;
use tokio::time::timeout;

/// How long a machine waits for it. iPXE gives an HTTP server that is silent about 20 s.
const WITHIN: Duration = Duration::from_secs(5);

/// Whoever wrote the configuration named that server: it may be anywhere, this host included.
#[must_use]
pub fn asks() -> Asks {
    Box::new(|url| {
        let url = url.to_owned();
        Box::pin(async move {
            let place = Place::read(&url).map_err(|e| e.to_string())?;
            let policy = Policy {
                allow_private: true,
                redirects: Redirects::SameHost,
                connect_max: WITHIN,
                idle_max: WITHIN,
                ..Policy::default()
            };
            let small = fetch::small(&place, &policy, engine::elsewhere::ANSWER_MAX);
            match timeout(WITHIN, small).await {
                Ok(Ok(Small::Bytes(bytes))) => Ok(Some(bytes)),
                Ok(Ok(Small::Missing)) => Ok(None),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("no answer within {} s", WITHIN.as_secs())),
            }
        })
    })
}
