//! Logins that last a while: soft state, in memory; a restart ends them all.

use crate::word;
use model::{Hash, Now};
use std::collections::BTreeMap;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Without a request for so long, a session is over.
pub const IDLE: Duration = Duration::from_secs(3600);
/// However busy, it is over then.
pub const LASTS: Duration = Duration::from_secs(12 * 3600);
/// Sessions at the same time. Past it, the one that was quiet longest ends.
pub const SESSIONS_MAX: usize = 1024;
/// Sessions of one user.
pub const OF_USER_MAX: usize = 32;

/// All sessions, by the hash of what stands in the cookie.
#[derive(Debug, Default)]
pub struct Sessions {
    all: BTreeMap<[u8; 32], Session>,
}

/// One.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session {
    /// Whose.
    pub user: String,
    /// When it began.
    pub since: Now,
    used: Now,
    csrf: Csrf,
}

/// What requests that change something have to show beside the cookie.
#[derive(Clone, Eq, PartialEq)]
struct Csrf(String);

impl std::fmt::Debug for Csrf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// What whoever logged in is given.
pub struct Begun {
    /// For the cookie.
    pub cookie: String,
    /// For the header `X-CSRF-Token`.
    pub csrf: String,
}

impl Session {
    /// When it ends if nothing comes.
    pub fn until(&self) -> Now {
        (self.used + IDLE).min(self.since + LASTS)
    }

    /// What a request that changes something has to show.
    pub fn csrf(&self) -> &str {
        &self.csrf.0
    }

    /// Whether this is it.
    pub fn is_csrf(&self, shown: &str) -> bool {
        self.csrf.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl Sessions {
    /// Begins one, always under a new name.
    pub fn begin(&mut self, now: Now, user: &str, chance: (&[u8; 32], &[u8; 32])) -> Begun {
        self.all.retain(|_, session| session.until() > now);
        let mine = self.all.values().filter(|session| session.user == user).count();
        if mine >= OF_USER_MAX {
            self.end_quietest(|session| session.user == user);
        }
        if self.all.len() >= SESSIONS_MAX {
            self.end_quietest(|_| true);
        }
        let (cookie, csrf) = (word(chance.0), word(chance.1));
        let session =
            Session { user: user.to_owned(), since: now, used: now, csrf: Csrf(csrf.clone()) };
        self.all.insert(key(&cookie), session);
        Begun { cookie, csrf }
    }

    /// The session of a cookie, if it lasts; it was used then.
    pub fn of(&mut self, now: Now, cookie: &str) -> Option<Session> {
        let key = key(cookie);
        let session = self.all.get_mut(&key)?;
        if session.until() <= now {
            self.all.remove(&key);
            return None;
        }
        session.used = now;
        Some(session.clone())
    }

    /// Ends one.
    pub fn end(&mut self, cookie: &str) -> Option<Session> {
        self.all.remove(&key(cookie))
    }

    fn end_quietest(&mut self, among: impl Fn(&Session) -> bool) {
        let all = self.all.iter().filter(|(_, session)| among(session));
        if let Some(key) = all.min_by_key(|(_, session)| session.used).map(|(key, _)| *key) {
            self.all.remove(&key);
        }
    }
}

fn key(cookie: &str) -> [u8; 32] {
    let Hash(key) = crate::filed_under(cookie);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn begin(sessions: &mut Sessions, at: u64, user: &str, chance: u16) -> Begun {
        let mut bytes = [1; 32];
        bytes.get_mut(..2).unwrap().copy_from_slice(&chance.to_be_bytes());
        sessions.begin(Now(at), user, (&bytes, &[2; 32]))
    }

    #[test]
    fn a_session_ends_when_idle_and_after_a_day_s_work() {
        let mut all = Sessions::default();
        let Begun { cookie, csrf } = begin(&mut all, 0, "eve", 1);
        let session = all.of(Now(1), &cookie).unwrap();
        assert!(session.is_csrf(&csrf) && !session.is_csrf("") && !session.is_csrf(&cookie));
        assert!(!format!("{all:?}").contains(&csrf));
        assert_eq!(all.of(Now(1), "else"), None);
        for half in 1..24 {
            assert!(all.of(Now(half * HOUR / 2), &cookie).is_some(), "{half}");
        }
        assert_eq!(all.of(Now(12 * HOUR), &cookie), None, "twelve hours");

        let idle = begin(&mut all, 0, "eve", 2).cookie;
        assert_eq!(all.of(Now(HOUR), &idle), None);
        let gone = begin(&mut all, 0, "eve", 3).cookie;
        assert_eq!(all.end(&gone).unwrap().user, "eve");
        assert_eq!(all.of(Now(1), &gone), None);
    }

    #[test]
    fn sessions_have_a_limit_for_each_user_and_for_all() {
        let mut all = Sessions::default();
        let first = begin(&mut all, 0, "eve", 0).cookie;
        for n in 1..=OF_USER_MAX as u16 {
            begin(&mut all, 1, "eve", n);
        }
        assert_eq!(all.of(Now(1), &first), None, "the quietest of his went");
        assert_eq!(all.all.len(), OF_USER_MAX);
        for n in 100..100 + SESSIONS_MAX as u16 {
            begin(&mut all, 2, &format!("u{n}"), n);
        }
        assert_eq!(all.all.len(), SESSIONS_MAX);
    }
}
