//! One try of one delivery.
//!
//! In: a webhook, a delivery. Out: what became of it, in words. Never: the path of the URL in those words
//! (at some receivers it is all that keeps others out), a word of the answer's body.

use super::desk::Tried;
use crate::routes::wall_clock;
use crate::types::DeliveryView;
use fetch::{FetchError, Place, Policy, PostError, Posted, Redirects};
use model::{Now, Webhook};
use std::time::{Duration, Instant};
use webhook::{Delivery, Message, Outcome};

/// A try may take so long in all: name, connection, handshake, and the head of the answer.
const WITHIN: Duration = Duration::from_secs(10);

/// What to do about an address that is not public.
pub(crate) const ALLOW_PRIVATE: &str = "if that is your receiver, say --allow-private: nothing is sent to \
                                        services of this host or network that nobody named";

/// A name that no other delivery has: 128 bits of chance.
pub(super) fn new_id() -> String {
    let mut id = [0; 16];
    // The system's chance does not fail once it worked, and the first secret was made of it. If it does,
    // names repeat, which costs a receiver its means to know what it has already.
    let _ = getrandom::fill(&mut id);
    model::address::hex_of(&id)
}

/// Sends a delivery and waits for what comes back.
pub(super) async fn try_once(hook: &Webhook, delivery: &Delivery, now: Now) -> Tried {
    let began = Instant::now();
    let answer = send(hook, delivery).await;
    let took = began.elapsed();
    let (outcome, status, error) = judge(answer);
    let view = DeliveryView {
        at: now.to_string(),
        event: delivery.event.to_owned(),
        delivery: delivery.id.clone(),
        attempt: delivery.tries + 1,
        taken: outcome == Outcome::Took,
        status,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        error,
        again: None,
    };
    let mut chance = [0];
    // Without chance, tries come again when they would.
    let _ = getrandom::fill(&mut chance);
    Tried { outcome, view, chance: chance[0] }
}

async fn send(hook: &Webhook, delivery: &Delivery) -> Result<Posted, PostError> {
    let place = Place::read(&hook.url).map_err(|why| PostError::NotReached(without_url(why)))?;
    let policy = Policy {
        allow_private: hook.allow_private,
        redirects: Redirects::SameHost,
        connect_max: WITHIN,
        idle_max: WITHIN,
        ..Policy::default()
    };
    // Receivers compare it with their own clocks, so it is the clock on the wall.
    let Message { headers, body } = Message::new(delivery, &hook.key, wall_clock().seconds());
    fetch::post(&place, &policy, &headers, body.as_bytes().to_vec(), WITHIN).await
}

fn without_url(why: FetchError) -> FetchError {
    match why {
        FetchError::Url { why, .. } => FetchError::Url { url: "its URL".to_owned(), why },
        other => other,
    }
}

/// What an answer means, its status, and why it is none of success.
fn judge(answer: Result<Posted, PostError>) -> (Outcome, Option<u16>, Option<String>) {
    match answer {
        Ok(Posted { status, .. }) if (200..300).contains(&status) => {
            (Outcome::Took, Some(status), None)
        }
        Ok(posted) => {
            let mut why = posted.shown;
            if let Some(to) = posted.sends_on {
                why.push_str(&format!(
                    ": it sends on to {to}; redirects are not followed, give the webhook the URL they lead to"
                ));
            }
            (Outcome::Refused, Some(posted.status), Some(why))
        }
        Err(why @ PostError::NotPublic { may_be_allowed: true, .. }) => {
            (Outcome::Unreached, None, Some(format!("{why}; {ALLOW_PRIVATE}")))
        }
        Err(why) => (Outcome::Unreached, None, Some(why.to_string())),
    }
}
