//! Whether a server answers that is asked for names of others.
//!
//! In: how asking it went, and when. Out: whether it is counted on, and what an operator is to be told. Never: a
//! question, a clock, an alarm for one lost packet.

use model::Now;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Failures in a row before a server counts as gone: one may be a lost packet.
const FAILURES: u32 = 2;

/// How a server is that we ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upstream {
    /// Where it is.
    pub at: SocketAddr,
    /// When it last answered, and how long it took.
    pub answered: Option<(Now, Duration)>,
    /// How often in a row it has not.
    pub failed: u32,
    /// Why not, the last time.
    pub why: Option<String>,
}

/// What an operator is to be told of a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum News {
    /// It is not counted on any more, and why.
    Gone(SocketAddr, String),
    /// It is again.
    Back(SocketAddr),
}

impl Upstream {
    /// A server that was not asked yet: it is counted on.
    pub fn new(at: SocketAddr) -> Self {
        Self { at, answered: None, failed: 0, why: None }
    }

    /// Whether it is counted on.
    pub fn is_up(&self) -> bool {
        self.failed < FAILURES
    }

    /// Takes down how asking it went: how long the answer took, or why there was none.
    pub fn heard(&mut self, now: Now, went: Result<Duration, String>) -> Option<News> {
        let was_up = self.is_up();
        match went {
            Ok(took) => {
                self.answered = Some((now, took));
                (self.failed, self.why) = (0, None);
            }
            Err(why) => {
                self.failed = self.failed.saturating_add(1);
                self.why = Some(why);
            }
        }
        match (was_up, self.is_up()) {
            (true, false) => Some(News::Gone(self.at, self.why.clone().unwrap_or_default())),
            (false, true) => Some(News::Back(self.at)),
            _ => None,
        }
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(at, why) => write!(
                f,
                "the DNS server {at} does not answer: {why}\nhint: names of others are asked of the \
                 servers that are left; look whether it runs, or take it out of `upstream`"
            ),
            Self::Back(at) => write!(f, "the DNS server {at} answers again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOK: Duration = Duration::from_millis(7);

    fn server() -> Upstream {
        Upstream::new("192.0.2.53:53".parse().unwrap())
    }

    fn silent() -> Result<Duration, String> {
        Err("no answer".to_owned())
    }

    #[test]
    fn one_failure_is_a_lost_packet_and_two_in_a_row_are_told_once() {
        let mut server = server();
        assert!(server.is_up(), "before it was asked");
        assert_eq!(server.heard(Now(1), silent()), None);
        assert!(server.is_up());
        assert_eq!(server.heard(Now(2), Ok(TOOK)), None, "nobody had heard that it was gone");
        assert_eq!(server.heard(Now(3), silent()), None, "not two in a row");
        let gone = News::Gone(server.at, "no answer".to_owned());
        assert_eq!(server.heard(Now(4), silent()), Some(gone));
        assert_eq!(server.heard(Now(5), silent()), None, "that is known");
        assert!(!server.is_up());
        assert_eq!((server.failed, server.answered), (3, Some((Now(2), TOOK))));
    }

    #[test]
    fn a_server_that_answers_again_is_counted_on_at_once() {
        let mut server = server();
        let _ = (server.heard(Now(1), silent()), server.heard(Now(2), silent()));
        assert_eq!(server.heard(Now(3), Ok(TOOK)), Some(News::Back(server.at)));
        assert!(server.is_up());
        assert_eq!((server.failed, server.why), (0, None));
    }

    #[test]
    fn what_is_told_names_the_server_and_what_to_do() {
        let mut server = server();
        let _ = server.heard(Now(1), silent());
        let gone = server.heard(Now(2), silent()).unwrap().to_string();
        assert!(
            gone.starts_with("the DNS server 192.0.2.53:53 does not answer: no answer\nhint: ")
        );
        let back = server.heard(Now(3), Ok(TOOK)).unwrap().to_string();
        assert_eq!(back, "the DNS server 192.0.2.53:53 answers again");
    }
}
