//! What the operators' door remembers: sessions, tries, the link of the first admin. In memory only.

use super::first::First;
use super::repeats::Repeats;
use crate::Problem;
use access::session::{Begun, Session, Sessions};
use access::throttle::Throttle;
use axum::http::{HeaderMap, header};
use model::{Now, User};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Passwords that are compared at the same time: each takes 19 MiB and a part of a second.
const COMPARED_MAX: usize = 2;
/// Denied requests and failed logins that are recorded within a minute.
const RECORDED_MAX: u64 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// The name of the cookie over TLS; browsers take it from nobody else than this very host then.
const SECURE_COOKIE: &str = "__Host-bootwright";
const PLAIN_COOKIE: &str = "bootwright";

/// Soft state of everybody who is not on the Unix socket. Clone it freely.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    sessions: Mutex<Sessions>,
    throttle: Mutex<Throttle>,
    recorded: Mutex<Recorded>,
    first: Mutex<Option<First>>,
    repeats: Mutex<Repeats>,
    comparing: Semaphore,
}

#[derive(Default)]
struct Recorded {
    since: Now,
    count: u64,
    passed: u64,
}

impl Default for Door {
    fn default() -> Self {
        Self(Arc::new(Inner {
            sessions: Mutex::default(),
            throttle: Mutex::default(),
            recorded: Mutex::default(),
            first: Mutex::default(),
            repeats: Mutex::default(),
            comparing: Semaphore::new(COMPARED_MAX),
        }))
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many bytes of chance from the operating system.
pub(crate) fn chance<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| Problem::failed(format!("the system gives no chance: {e}")))?;
    Ok(bytes)
}

impl Door {
    /// The session of a cookie.
    pub(crate) fn session(&self, now: Now, cookie: &str) -> Option<Session> {
        lock(&self.0.sessions).of(now, cookie)
    }

    /// Begins a session.
    pub(crate) fn begin(&self, now: Now, user: &User) -> Result<Begun, Problem> {
        let (cookie, csrf) = (chance()?, chance()?);
        Ok(lock(&self.0.sessions).begin(now, &user.name, (&cookie, &csrf)))
    }

    /// Ends the session of a cookie.
    pub(crate) fn end(&self, cookie: &str) -> Option<Session> {
        lock(&self.0.sessions).end(cookie)
    }

    /// Whether one more try is within the limit of all these names.
    pub(crate) fn attempt(&self, now: Now, names: &[&str]) -> Result<(), Problem> {
        lock(&self.0.throttle).attempt(now, names).map_err(|wait| {
            let wait = wait.as_secs().max(1);
            Problem::too_often(format!("too many tries; the next one counts in {wait} s"))
        })
    }

    /// Whether a denied request is still worth a record, and how many were passed over before.
    pub(crate) fn may_record(&self, now: Now) -> Option<u64> {
        let mut recorded = lock(&self.0.recorded);
        if now.since(recorded.since) >= MINUTE {
            (recorded.since, recorded.count) = (now, 0);
        }
        if recorded.count >= RECORDED_MAX {
            recorded.passed = recorded.passed.saturating_add(1);
            return None;
        }
        recorded.count += 1;
        Some(std::mem::take(&mut recorded.passed))
    }

    /// Works on a password where waiting is allowed, few at a time.
    pub(crate) async fn comparing<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Problem> {
        let _turn = self.0.comparing.acquire().await;
        crate::doing::blocking(work).await
    }

    /// What came under an `Idempotency-Key`.
    pub(crate) fn repeats(&self) -> MutexGuard<'_, Repeats> {
        lock(&self.0.repeats)
    }

    pub(crate) fn first(&self) -> MutexGuard<'_, Option<First>> {
        lock(&self.0.first)
    }
}

/// The cookie of a session in a request.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs =
        all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let ours = |name: &str| name == SECURE_COOKIE || name == PLAIN_COOKIE;
    pairs.filter(|(name, _)| ours(name)).map(|(_, value)| value.to_owned()).next()
}

/// `Set-Cookie` of a session that begins, or of none.
pub(crate) fn set_cookie(tls: bool, value: Option<&str>) -> String {
    let (name, secure) = if tls { (SECURE_COOKIE, "; Secure") } else { (PLAIN_COOKIE, "") };
    let ends = if value.is_some() { "" } else { "; Max-Age=0" };
    format!("{name}={}; Path=/; HttpOnly; SameSite=Strict{secure}{ends}", value.unwrap_or_default())
}
