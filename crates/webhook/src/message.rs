//! One delivery as it goes out: the fields of its head, the signature of its body.
//!
//! The signature is HMAC-SHA256 (RFC 2104) over the timestamp, a dot and the body, by the webhook's secret
//! as the receiver was given it. The timestamp is signed, so that an old delivery cannot be sent again as a
//! new one; the version stands in front, so that another way of signing can be told from this one.

use crate::outbox::Delivery;
use hmac::{Hmac, Mac};
use model::webhook::SigningKey;
use sha2::Sha256;
use std::sync::Arc;

/// What is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Names and values of fields. No value has a line break.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Arc<str>,
}

impl Message {
    /// The delivery, signed at this moment (seconds since 1970, by the wall clock).
    #[must_use]
    pub fn new(delivery: &Delivery, key: &SigningKey, seconds: u64) -> Self {
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("bootwright-event", delivery.event.to_owned()),
            ("bootwright-delivery", delivery.id.clone()),
            ("bootwright-attempt", (delivery.tries + 1).to_string()),
            ("bootwright-timestamp", seconds.to_string()),
            ("bootwright-signature", format!("v1={}", sign(key, seconds, &delivery.body))),
        ];
        Self { headers, body: Arc::clone(&delivery.body) }
    }
}

/// The signature of a body sent at this moment, in hexadecimal digits.
#[must_use]
pub fn sign(key: &SigningKey, seconds: u64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
