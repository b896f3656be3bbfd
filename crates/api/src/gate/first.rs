//! The link that makes the first admin: printed at a start while there is no user, good once.

use crate::gate::door::{Door, chance};
use crate::{House, Problem};
use model::{Hash, Now};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long a link is good.
const LASTS: Duration = Duration::from_secs(86_400);

/// The link that is good now, by its hash.
pub(crate) struct First {
    hash: Hash,
    until: Now,
}

/// Makes a link, if there is no user: its path.
pub async fn link(house: &House) -> Result<Option<String>, Problem> {
    if house.site.ask(|engine, _| engine.users().next().is_some()).await? {
        return Ok(None);
    }
    let made = access::token::make(&chance()?);
    let until = house.site.now() + LASTS;
    *house.door.first() = Some(First { hash: made.sha256, until });
    Ok(Some(format!("/first/{}", made.text)))
}

impl Door {
    /// Whether this is the secret of the link that is good now.
    pub(crate) fn is_first(&self, now: Now, shown: &str) -> bool {
        let Some(shown) = access::token::shown(shown) else { return false };
        let first = self.first();
        first
            .as_ref()
            .is_some_and(|first| first.until > now && bool::from(first.hash.0.ct_eq(&shown.0)))
    }

    /// The link was used.
    pub(crate) fn first_is_over(&self) {
        *self.first() = None;
    }
}
