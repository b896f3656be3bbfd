//! How long a BMC is waited for, and what it is trusted to leave out.
//!
//! In and out: values. Never: a wait without an end.

use std::time::Duration;

/// Limits of one visit. BMCs are slow: many take seconds for an answer, and more while their
/// machine starts.
#[derive(Clone, Debug)]
pub struct Policy {
    /// For name, connection and TLS handshake together.
    pub connect_max: Duration,
    /// For one request, from its first byte to the last of its answer.
    pub request_max: Duration,
    /// For a whole visit, tasks included.
    pub visit_max: Duration,
    /// The longest `Retry-After` of a busy service (503) that is waited for.
    pub busy_max: Duration,
    /// How long a task may run before it is left alone.
    pub task_max: Duration,
    /// The pause between two looks at a task, unless the service wants a longer one.
    pub poll_every: Duration,
    /// Whether to try what the service does not list as allowed, if it lists nothing at all.
    pub try_unlisted: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            connect_max: Duration::from_secs(10),
            request_max: Duration::from_secs(30),
            visit_max: Duration::from_secs(600),
            busy_max: Duration::from_secs(30),
            task_max: Duration::from_secs(300),
            poll_every: Duration::from_secs(2),
            try_unlisted: false,
        }
    }
}
