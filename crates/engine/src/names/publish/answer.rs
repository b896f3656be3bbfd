//! What a server says to an update: whether it counts, and what it means, in words.

use super::signature::{Key, Signed};
use std::fmt;
use wire::dns::tsig::Received;
use wire::dns::{Begin, Name, Updated, begin_of};

/// Codes of answers (RFC 1035, 4.1.1; RFC 2136, 2.2).
pub(super) mod code {
    pub(in super::super) const NO_ERROR: u16 = 0;
    pub(in super::super) const FORM_ERR: u16 = 1;
    pub(in super::super) const SERV_FAIL: u16 = 2;
    pub(in super::super) const NX_DOMAIN: u16 = 3;
    pub(in super::super) const NOT_IMP: u16 = 4;
    pub(in super::super) const REFUSED: u16 = 5;
    pub(in super::super) const YX_DOMAIN: u16 = 6;
    pub(in super::super) const YX_RRSET: u16 = 7;
    pub(in super::super) const NX_RRSET: u16 = 8;
    pub(in super::super) const NOT_AUTH: u16 = 9;
    pub(in super::super) const NOT_ZONE: u16 = 10;
    /// Of signatures (RFC 8945, 3).
    pub(in super::super) const BAD_SIG: u16 = 16;
    pub(in super::super) const BAD_KEY: u16 = 17;
    pub(in super::super) const BAD_TIME: u16 = 18;
    pub(in super::super) const BAD_TRUNC: u16 = 22;

    pub(in super::super) fn name(code: u16) -> String {
        const NAMES: [&str; 11] = [
            "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN",
            "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
        ];
        let known = NAMES.get(usize::from(code)).map(|name| (*name).to_owned());
        known.unwrap_or_else(|| format!("RCODE {code}"))
    }
}

/// What bytes that came mean.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Heard {
    /// No answer to this message: whoever waits goes on.
    Other,
    /// It says more over TCP.
    Cut,
    /// It counts: a code of RFC 2136.
    Said(u16),
    /// It is what it says it is, or not: without a signature that fits it counts only if nothing better
    /// comes.
    Doubtful(Failure),
    /// It is signed, and says what is wrong.
    Failed(Failure),
}

/// Why something was not published.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Failure {
    /// Nothing came, and why that may be.
    Silent(String),
    /// The server says so, and signs it.
    Code(u16),
    /// It says so without a signature.
    Unsigned(u16),
    /// It does not know the key.
    BadKey,
    /// It has another secret under the name.
    BadSig,
    /// It takes no code of this length.
    BadTrunc,
    /// Its clock differs from ours, by so many seconds where it says so.
    BadTime(Option<i64>),
    /// What it says is not signed by who has the key.
    Forged,
    /// It does not have the zone.
    NoZone,
    /// What is to be sent could not be put down before.
    NotKept(String),
}

/// Reads what came in answer to a message.
pub fn read(key: &Key, sent: &Signed, bytes: &[u8]) -> Heard {
    Updated::parse(bytes).map_or(Heard::Other, |said| judged(key, sent, said))
}

/// Asks whether a server has a zone, at a moment in seconds since 1970: the smallest signed message. It
/// changes nothing, and the answer says of the key and of both clocks what that to an update would.
pub fn ask_for(key: &Key, zone: &Name, id: u16, at_s: u64) -> Signed {
    key.sign(id, begin_of(zone, id), at_s)
}

/// Reads what came in answer to [`ask_for`]: said is what says that it has the zone, and nothing else.
pub fn read_zone(key: &Key, sent: &Signed, bytes: &[u8]) -> Heard {
    let Ok(Begin { said, has_it }) = Begin::parse(bytes) else { return Heard::Other };
    match judged(key, sent, said) {
        Heard::Said(code::NO_ERROR) if has_it => Heard::Said(code::NO_ERROR),
        // Who has the name in a zone above answers from that; who has none refuses.
        Heard::Said(code::NO_ERROR | code::NX_DOMAIN | code::NOT_AUTH | code::REFUSED) => {
            Heard::Failed(Failure::NoZone)
        }
        Heard::Said(code) => Heard::Failed(Failure::Code(code)),
        other => other,
    }
}

fn judged(key: &Key, sent: &Signed, said: Updated) -> Heard {
    let Updated { id, code, cut, tsig } = said;
    if id != sent.id {
        return Heard::Other;
    }
    let Some(received) = tsig else {
        return match cut {
            true => Heard::Cut,
            false => Heard::Doubtful(Failure::Unsigned(code)),
        };
    };
    let error = received.fields.error;
    if !key.verifies(sent, &received) {
        // A server that cannot judge our signature cannot sign its answer either (RFC 8945, 5.2).
        return Heard::Doubtful(match error {
            code::BAD_KEY => Failure::BadKey,
            code::BAD_SIG => Failure::BadSig,
            code::BAD_TRUNC => Failure::BadTrunc,
            _ => Failure::Forged,
        });
    }
    match error {
        _ if cut => Heard::Cut,
        code::BAD_TIME => Heard::Failed(Failure::BadTime(theirs(&received, sent.at_s))),
        code::BAD_KEY => Heard::Failed(Failure::BadKey),
        code::BAD_SIG => Heard::Failed(Failure::BadSig),
        _ => Heard::Said(code),
    }
}

/// By how much the server's clock is ahead of ours (RFC 8945, 5.2.3).
fn theirs(received: &Received, ours_s: u64) -> Option<i64> {
    let bytes: [u8; 6] = received.fields.other.as_slice().try_into().ok()?;
    let theirs = bytes.iter().fold(0_i64, |at, byte| at << 8 | i64::from(*byte));
    Some(theirs.saturating_sub(i64::try_from(ours_s).ok()?))
}

impl Failure {
    /// Whether it may be of the one name: others are still tried.
    pub(super) fn is_of_name(&self) -> bool {
        matches!(self, Self::Code(_))
    }

    /// Whether it may be a lost packet.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Silent(_) | Self::Forged)
    }

    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Silent(_) => {
                "look whether it runs and whether a firewall lets UDP and TCP to that port through; \
                 names are published when it answers again"
            }
            Self::BadKey => {
                "add the key there under this very name and with this algorithm, or mend `key` and \
                 `algorithm` in [[dns.publish]]"
            }
            Self::BadSig => {
                "copy the secret of the key from there into `secret_file`, then `bootwright reload`"
            }
            Self::BadTrunc => "let it take signatures of full length",
            Self::BadTime(_) => "set both clocks, by NTP: they may differ by 300 s",
            Self::Forged => {
                "look who answers at that address, and whether it has the secret that `secret_file` has"
            }
            Self::NoZone => hint_of(code::NOT_AUTH),
            Self::NotKept(_) => "see the alarms: the disk may be full",
            Self::Code(code) | Self::Unsigned(code) => hint_of(*code),
        }
    }
}

fn hint_of(code: u16) -> &'static str {
    match code {
        code::REFUSED => {
            "allow the key to update the zone there, A, AAAA, PTR and DHCID records: `allow-update` or \
             `update-policy` of BIND, an `acl` with `action: update` of Knot"
        }
        code::NOT_AUTH => {
            "name the primary server of the zone as `server`: this one does not have it, or is a \
             secondary"
        }
        code::NOT_ZONE => "name the zone as its server has it in `zones`",
        code::NOT_IMP => "it takes no updates: name the primary server of the zone as `server`",
        code::SERV_FAIL => "look into its log: often it may not write the zone's file or journal",
        _ => "look into its log",
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(why) => write!(f, "it does not answer: {why}"),
            Self::BadKey => write!(f, "it does not know the key (BADKEY)"),
            Self::BadSig => {
                write!(f, "it has another secret under the name of the key (BADSIG)")
            }
            Self::BadTrunc => write!(f, "it takes no signature of this length (BADTRUNC)"),
            Self::BadTime(Some(ahead)) => {
                let (by, how) =
                    (ahead.unsigned_abs(), if *ahead < 0 { "behind" } else { "ahead of" });
                write!(f, "its clock is {by} s {how} ours (BADTIME)")
            }
            Self::BadTime(None) => write!(f, "its clock differs from ours (BADTIME)"),
            Self::Forged => write!(f, "its answer is not signed with the key"),
            Self::NoZone => write!(f, "it does not have the zone"),
            Self::NotKept(why) => write!(f, "nothing can be put down: {why}"),
            Self::Code(code) => meaning(f, *code),
            Self::Unsigned(code) => {
                meaning(f, *code)?;
                write!(f, ", without a signature")
            }
        }
    }
}

fn meaning(f: &mut fmt::Formatter<'_>, of: u16) -> fmt::Result {
    let name = code::name(of);
    match of {
        code::REFUSED => write!(f, "it does not let the key do that ({name})"),
        code::NOT_AUTH => write!(f, "it is not the primary server of the zone ({name})"),
        code::NOT_ZONE => write!(f, "it has the name in another zone ({name})"),
        code::NOT_IMP => write!(f, "it takes no updates ({name})"),
        code::SERV_FAIL => write!(f, "it failed at it ({name})"),
        code::FORM_ERR => write!(f, "it does not understand the message ({name})"),
        _ => write!(f, "it says {name}"),
    }
}
