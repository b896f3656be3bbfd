//! Webhooks: who outside is told what happens, and how that went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A webhook. Its secret is never among what is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookView {
    /// Its name.
    pub name: String,
    /// Where events are sent.
    pub url: String,
    /// Which events: kinds, or `*`.
    pub events: Vec<String>,
    /// Whether it gets any.
    pub enabled: bool,
    /// Whether the receiver may be on this host, its link or in its organisation.
    pub allow_private: bool,
    /// `set`: that there is one is all that is told of the secret.
    pub secret: String,
    /// Deliveries that wait or are being sent.
    pub waiting: usize,
    /// Deliveries dropped since the start, because too many waited or the webhook was disabled.
    pub dropped: u64,
    /// Deliveries given up since the start, after their last try.
    pub given_up: u64,
    /// The last try, if there was one since the start.
    pub last: Option<DeliveryView>,
}

/// One try of a delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryView {
    /// When.
    pub at: String,
    /// The kind of event; `ping` for a test.
    pub event: String,
    /// The delivery, as `Bootwright-Delivery` named it.
    pub delivery: String,
    /// Which try, the first being 1.
    pub attempt: u32,
    /// Whether the receiver took it.
    pub taken: bool,
    /// The status it answered, if it did.
    pub status: Option<u16>,
    /// Milliseconds until the answer, or until none was waited for any more.
    pub took_ms: u64,
    /// Why it was not taken.
    pub error: Option<String>,
    /// When it is tried again; `null` if never.
    pub again: Option<String>,
}

/// Adds a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookWish {
    /// Its name.
    pub name: String,
    /// Where events are sent.
    pub url: String,
    /// Which events: kinds, or `*`; none are the default ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// Whether the receiver may be on this host, its link or in its organisation.
    #[serde(default)]
    pub allow_private: bool,
}

/// Changes a webhook; what is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    /// Where events are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Which events: kinds, or `*`; an empty list are the default ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// Whether it gets any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether the receiver may be on this host, its link or in its organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_private: Option<bool>,
    /// Makes another secret, which the answer has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new_secret: bool,
}

/// What was done to a webhook, with its secret where one was made: it is told this once.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookDone {
    /// In words.
    pub says: String,
    /// `false` for a dry run.
    pub done: bool,
    /// What deliveries are signed with from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl std::fmt::Debug for WebhookDone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secret = self.secret.as_ref().map(|_| "***");
        f.debug_struct("WebhookDone")
            .field("says", &self.says)
            .field("done", &self.done)
            .field("secret", &secret)
            .finish()
    }
}
