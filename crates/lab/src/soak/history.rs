//! What was promised to whom, and whether it was kept.
//!
//! In: every ACK that came over the wire, every release, every refusal and every silence, each with
//! its moment on the generator's own clock. Out: the promises that were broken. Never: a look at
//! the server, or trust in its word.
//!
//! A client counts its lease from when it *asked* (RFC 2131, 4.4.1), so it ends no later than the
//! server thinks: whoever else is given the address before that was given what was not free.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// The server's clock has whole milliseconds; a lease this near its end is let go.
const GRAIN: Duration = Duration::from_millis(5);
/// How many lines a story tells.
const STORY_LINES: usize = 40;

/// A client, by its number.
pub type Client = u32;

/// Something that happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// When, on the generator's clock.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// How a client that has an address asked for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum How {
    /// It wants to keep it.
    Renewing,
    /// It was off for a moment.
    Rebooting,
}

/// What may happen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum What {
    /// An ACK came.
    Acked {
        /// For whom.
        client: Client,
        /// When it first asked for it.
        asked: Duration,
        /// Which address.
        address: IpAddr,
        /// For how long, from `asked` on.
        lease: Duration,
    },
    /// A client gave its address back.
    Released {
        /// Who.
        client: Client,
        /// Which address.
        address: IpAddr,
    },
    /// A NAK came.
    Refused {
        /// For whom.
        client: Client,
        /// The address it asked for.
        address: IpAddr,
        /// How it asked.
        how: How,
    },
    /// A client gave up asking for the address it has.
    Unanswered {
        /// Who.
        client: Client,
        /// The address it asked for.
        address: IpAddr,
        /// How it asked.
        how: How,
        /// Since when.
        since: Duration,
        /// How often.
        tries: u32,
    },
    /// The server was killed.
    Killed,
    /// The server was ready again.
    Ready,
}

impl What {
    fn about(self) -> Option<(Client, IpAddr)> {
        match self {
            Self::Acked { client, address, .. }
            | Self::Released { client, address }
            | Self::Refused { client, address, .. }
            | Self::Unanswered { client, address, .. } => Some((client, address)),
            Self::Killed | Self::Ready => None,
        }
    }
}

/// A promise that was broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Broken {
    /// An address was acknowledged while another one's lease of it ran.
    Twice {
        /// When the second ACK came.
        at: Duration,
        /// The address.
        address: IpAddr,
        /// Who had it.
        first: Client,
        /// Until when.
        until: Duration,
        /// Who was given it.
        second: Client,
    },
    /// A client was given another address while its lease ran.
    Moved {
        /// When.
        at: Duration,
        /// Who.
        client: Client,
        /// What it had.
        from: IpAddr,
        /// Until when.
        until: Duration,
        /// What it was given.
        to: IpAddr,
    },
    /// A client was refused the address that it has.
    Refused {
        /// When.
        at: Duration,
        /// Who.
        client: Client,
        /// The address.
        address: IpAddr,
        /// Until when it has it.
        until: Duration,
        /// How it asked.
        how: How,
    },
    /// A client asked for the address that it has, again and again, and was never answered.
    Forgotten {
        /// When it gave up.
        at: Duration,
        /// Who.
        client: Client,
        /// The address.
        address: IpAddr,
        /// Since when it asked.
        since: Duration,
        /// How often.
        tries: u32,
        /// How it asked.
        how: How,
    },
}

/// A lease as its client sees it.
#[derive(Clone, Copy)]
struct Held {
    client: Client,
    asked: Duration,
    until: Duration,
}

/// Every broken promise in a history, which is in the order of its moments.
#[must_use]
pub fn check(history: &[Entry]) -> Vec<Broken> {
    let mut held: BTreeMap<IpAddr, Held> = BTreeMap::new();
    let mut broken = Vec::new();
    for Entry { at, what } in history.iter().copied() {
        match what {
            What::Acked { client, asked, address, lease } => {
                broken.extend(twice(&held, at, client, address));
                broken.extend(moved(&held, at, client, address));
                // A late ACK to an earlier question does not shorten what a later one gave.
                let own = held.get(&address).filter(|own| own.client == client).copied();
                let until = own.map_or(asked + lease, |own| own.until.max(asked + lease));
                let asked = own.map_or(asked, |own| own.asked.max(asked));
                held.retain(|_, other| other.client != client);
                held.insert(address, Held { client, asked, until });
            }
            What::Released { client, address } => {
                // What was asked for before was given before: the server hears one after the other.
                let ends = |own: &Held| own.client == client && own.asked <= at;
                if held.get(&address).is_some_and(ends) {
                    held.remove(&address);
                }
            }
            What::Refused { client, address, how } => {
                let until = runs(&held, at, client, address);
                broken.extend(until.map(|until| Broken::Refused {
                    at,
                    client,
                    address,
                    until,
                    how,
                }));
            }
            What::Unanswered { client, address, how, since, tries } => {
                let forgotten = Broken::Forgotten { at, client, address, since, tries, how };
                broken.extend(runs(&held, at, client, address).map(|_| forgotten));
            }
            What::Killed | What::Ready => {}
        }
    }
    broken
}

fn twice(
    held: &BTreeMap<IpAddr, Held>,
    at: Duration,
    second: Client,
    address: IpAddr,
) -> Option<Broken> {
    let other = held.get(&address).filter(|other| other.client != second)?;
    let Held { client: first, until, .. } = *other;
    (until > at + GRAIN).then_some(Broken::Twice { at, address, first, until, second })
}

fn moved(
    held: &BTreeMap<IpAddr, Held>,
    at: Duration,
    client: Client,
    to: IpAddr,
) -> Option<Broken> {
    let (from, own) = held.iter().find(|(_, own)| own.client == client)?;
    let (from, until) = (*from, own.until);
    (from != to && until > at + GRAIN).then_some(Broken::Moved { at, client, from, until, to })
}

/// Until when this client has this address, if it has.
fn runs(
    held: &BTreeMap<IpAddr, Held>,
    at: Duration,
    client: Client,
    address: IpAddr,
) -> Option<Duration> {
    let own = held.get(&address).filter(|own| own.client == client)?;
    (own.until > at + GRAIN).then_some(own.until)
}

impl Broken {
    /// Whom and what it is about, and when.
    fn about(self) -> ([Client; 2], [IpAddr; 2], Duration) {
        match self {
            Self::Twice { at, address, first, second, .. } => ([first, second], [address; 2], at),
            Self::Moved { at, client, from, to, .. } => ([client; 2], [from, to], at),
            Self::Refused { at, client, address, .. }
            | Self::Forgotten { at, client, address, .. } => ([client; 2], [address; 2], at),
        }
    }

    /// What led to it: the last entries about its clients and addresses, and every kill between.
    #[must_use]
    pub fn story(self, history: &[Entry]) -> String {
        let (clients, addresses, end) = self.about();
        let tells = |entry: &&Entry| match entry.what.about() {
            Some((client, address)) => clients.contains(&client) || addresses.contains(&address),
            None => true,
        };
        let until: Vec<&Entry> =
            history.iter().take_while(|entry| entry.at <= end).filter(tells).collect();
        let lines = until.get(until.len().saturating_sub(STORY_LINES)..).unwrap_or_default();
        let mut story = format!("{self}\n");
        for entry in lines {
            story.push_str(&format!("  {entry}\n"));
        }
        story
    }
}

fn s(of: Duration) -> String {
    format!("{:.3} s", of.as_secs_f64())
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Twice { at, address, first, until, second } => write!(
                out,
                "at {}: {address} was acknowledged to client {second} while client {first} has it \
                 until {}",
                s(at),
                s(until)
            ),
            Self::Moved { at, client, from, until, to } => write!(
                out,
                "at {}: client {client} was given {to} although it has {from} until {}",
                s(at),
                s(until)
            ),
            Self::Refused { at, client, address, until, how } => write!(
                out,
                "at {}: client {client} was refused ({how}) although it has {address} until {}",
                s(at),
                s(until)
            ),
            Self::Forgotten { at, client, address, since, tries, how } => write!(
                out,
                "at {}: client {client} has {address} and got no answer ({how}) to {tries} \
                 questions since {}",
                s(at),
                s(since)
            ),
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Renewing => "renewing",
            Self::Rebooting => "after a reboot",
        })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:>11}  ", s(self.at))?;
        match self.what {
            What::Acked { client, asked, address, lease } => write!(
                out,
                "ACK {address} to client {client}, which asked at {}: until {}",
                s(asked),
                s(asked + lease)
            ),
            What::Released { client, address } => {
                write!(out, "client {client} releases {address}")
            }
            What::Refused { client, address, how } => {
                write!(out, "NAK to client {client}, which asked for {address} ({how})")
            }
            What::Unanswered { client, address, how, tries, .. } => {
                write!(out, "client {client} gives up on {address} ({how}) after {tries} questions")
            }
            What::Killed => out.write_str("the server is killed"),
            What::Ready => out.write_str("the server is ready"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 80, 1, 1));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 80, 1, 2));

    fn ms(of: u64) -> Duration {
        Duration::from_millis(of)
    }

    fn entry(at: u64, what: What) -> Entry {
        Entry { at: ms(at), what }
    }

    /// A lease of 10 s, asked for 3 ms before.
    fn acked(at: u64, client: Client, address: IpAddr) -> Entry {
        let asked = ms(at - 3);
        entry(at, What::Acked { client, asked, address, lease: ms(10_000) })
    }

    fn refused(at: u64, client: Client, address: IpAddr) -> Entry {
        entry(at, What::Refused { client, address, how: How::Renewing })
    }

    fn unanswered(at: u64, since: u64, client: Client, address: IpAddr) -> Entry {
        let how = How::Rebooting;
        entry(at, What::Unanswered { client, address, how, since: ms(since), tries: 8 })
    }

    #[test]
    fn an_honest_life_breaks_nothing() {
        let history = [
            acked(10, 1, A),
            acked(20, 2, B),
            entry(1000, What::Killed),
            entry(1500, What::Ready),
            acked(2000, 1, A),
            entry(3000, What::Released { client: 1, address: A }),
            acked(3010, 3, A),
            // The second one's lease ended before.
            acked(10_040, 4, B),
            refused(10_050, 2, B),
        ];
        assert_eq!(check(&history), []);
    }

    #[test]
    fn an_address_given_twice_is_found() {
        let history = [acked(10, 1, A), entry(20, What::Killed), acked(5000, 2, A)];
        let [Broken::Twice { first: 1, second: 2, address: A, .. }] = check(&history)[..] else {
            panic!("{:?}", check(&history));
        };
        let story = check(&history)[0].story(&history);
        assert!(story.contains("10.80.1.1 was acknowledged to client 2 while client 1"), "{story}");
        assert!(story.contains("the server is killed"), "{story}");
    }

    #[test]
    fn a_renewed_lease_is_the_longer_one() {
        let history = [acked(10, 1, A), acked(8000, 1, A), acked(12_000, 2, A)];
        assert!(matches!(check(&history)[..], [Broken::Twice { .. }]));
    }

    #[test]
    fn a_refusal_of_a_lease_that_runs_is_found() {
        let history = [acked(10, 1, A), entry(20, What::Killed), refused(5000, 1, A)];
        assert!(matches!(check(&history)[..], [Broken::Refused { client: 1, address: A, .. }]));
    }

    #[test]
    fn silence_for_good_is_found() {
        let history = [acked(10, 1, A), unanswered(9000, 1000, 1, A)];
        assert!(matches!(check(&history)[..], [Broken::Forgotten { client: 1, .. }]));
        let ended = [acked(10, 1, A), unanswered(12_000, 1000, 1, A)];
        assert_eq!(check(&ended), [], "by then it had nothing to lose");
    }

    #[test]
    fn another_address_while_the_lease_runs_is_found() {
        let history = [acked(10, 1, A), acked(5000, 1, B)];
        assert!(matches!(check(&history)[..], [Broken::Moved { from: A, to: B, .. }]));
    }

    #[test]
    fn an_ack_that_was_asked_for_before_a_release_is_ended_by_it() {
        let late = What::Acked { client: 1, asked: ms(90), address: A, lease: ms(10_000) };
        let history = [
            acked(10, 1, A),
            entry(95, late),
            entry(100, What::Released { client: 1, address: A }),
            acked(200, 2, A),
        ];
        assert_eq!(check(&history), []);
    }

    #[test]
    fn a_release_by_somebody_else_ends_nothing() {
        let release = entry(100, What::Released { client: 2, address: A });
        let history = [acked(10, 1, A), release, acked(200, 2, A)];
        assert!(matches!(check(&history)[..], [Broken::Twice { .. }]));
    }
}
