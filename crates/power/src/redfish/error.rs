//! Why a BMC could not be asked, or did not do it: whose fault it is, and what to do.
//!
//! In: what was found. Out: words. Never: a password, a token, or a control character of a BMC's.

use super::fingerprint::Fingerprint;
use std::time::Duration;

/// Why a BMC could not be asked, or did not do it.
#[derive(Debug, thiserror::Error)]
pub enum RedfishError {
    /// The operator's address.
    #[error("`{url}` is no address of a BMC: {why}")]
    Url {
        /// As given, without a password.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The operator's fingerprint.
    #[error(
        "`{text}` is no SHA-256 fingerprint: it has 64 hexadecimal digits, as `openssl x509 \
         -noout -fingerprint -sha256` prints it"
    )]
    Fingerprint {
        /// As given, shown.
        text: String,
    },
    /// The operator's settings.
    #[error("the account for {bmc} cannot be used: {why}")]
    Account {
        /// Which BMC.
        bmc: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The operator's wish: without TLS where that was not allowed, or the other way round.
    #[error("{bmc} was not asked: {why}")]
    Encryption {
        /// Which BMC.
        bmc: String,
        /// Why not.
        why: &'static str,
    },
    /// Nobody answers there.
    #[error(
        "the BMC {bmc} cannot be reached: {why}; check its address, its cable and any firewall \
         between"
    )]
    Unreachable {
        /// Which BMC.
        bmc: String,
        /// What happened at each address.
        why: String,
    },
    /// TLS fails for another reason than who it is.
    #[error(
        "no safe connection to the BMC {bmc}: {why}; firmware that only knows TLS before 1.2 or \
         cannot sign as its certificate says has to be renewed"
    )]
    Tls {
        /// Which BMC.
        bmc: String,
        /// What the handshake said.
        why: String,
    },
    /// Seen for the first time.
    #[error(
        "nobody has confirmed the certificate of the BMC {bmc} yet; its SHA-256 fingerprint is \
         {fingerprint}: compare it with what the BMC itself shows, and set it for this machine; \
         nothing was sent"
    )]
    Unconfirmed {
        /// Which BMC.
        bmc: String,
        /// What it showed.
        fingerprint: Fingerprint,
    },
    /// Not who it was.
    #[error(
        "the BMC {bmc} shows another certificate than the confirmed one: {presented} instead of \
         {pinned}; if its firmware or certificate was renewed confirm the new one, otherwise \
         somebody stands between; nothing was sent"
    )]
    Changed {
        /// Which BMC.
        bmc: String,
        /// What was confirmed.
        pinned: Fingerprint,
        /// What it showed.
        presented: Fingerprint,
    },
    /// Nothing came for too long.
    #[error(
        "the BMC {bmc} did not answer {doing} within {} s; it may be busy or hung: try again, or \
         restart the BMC", after.as_secs_f32()
    )]
    Timeout {
        /// Which BMC.
        bmc: String,
        /// What was asked.
        doing: String,
        /// How long was waited.
        after: Duration,
    },
    /// The BMC's bytes: not HTTP, not JSON, not Redfish.
    #[error("the BMC {bmc} does not keep to Redfish: {doing}: {why}; ask for newer firmware")]
    Broken {
        /// Which BMC.
        bmc: String,
        /// What was asked.
        doing: String,
        /// What it did.
        why: String,
    },
    /// More than is read.
    #[error("the BMC {bmc} sends more than {most} bytes for {doing}: not read further")]
    TooLarge {
        /// Which BMC.
        bmc: String,
        /// What was asked.
        doing: String,
        /// How many bytes are read.
        most: usize,
    },
    /// It sends us elsewhere.
    #[error(
        "the BMC {bmc} sends {doing} on to {to}: not followed, because the password is for this \
         BMC alone; name the other host if it is the right one"
    )]
    Redirected {
        /// Which BMC.
        bmc: String,
        /// What was asked.
        doing: String,
        /// Where to, shown.
        to: String,
    },
    /// The operator's account.
    #[error(
        "the BMC {bmc} does not let `{user}` in ({said}); check name and password there, and \
         whether the account may use Redfish; it is not tried again by itself, because BMCs lock \
         accounts"
    )]
    Login {
        /// Which BMC.
        bmc: String,
        /// Who.
        user: String,
        /// What it said.
        said: String,
    },
    /// It has no time.
    #[error("the BMC {bmc} is busy ({said}); {hint}")]
    Busy {
        /// Which BMC.
        bmc: String,
        /// What it said.
        said: String,
        /// When to try again.
        hint: String,
    },
    /// It refuses.
    #[error("the BMC {bmc} refuses {doing}: {said}")]
    Refused {
        /// Which BMC.
        bmc: String,
        /// What was asked.
        doing: String,
        /// Status and message.
        said: String,
        /// The status.
        status: u16,
        /// The identifiers of its messages, as `Base.1.8.PropertyNotWritable`.
        messages: Vec<String>,
    },
    /// Which machine is not clear.
    #[error("the BMC {bmc} {why}")]
    System {
        /// Which BMC.
        bmc: String,
        /// What was found, and what to do.
        why: String,
    },
    /// It does not offer that.
    #[error("the BMC {bmc} does not offer {what}: {why}")]
    NotOffered {
        /// Which BMC.
        bmc: String,
        /// What was asked.
        what: String,
        /// What it offers.
        why: String,
    },
    /// Somebody else changes it, or its ETags are wrong.
    #[error(
        "the BMC {bmc} says that {path} changed between reading and writing, {tries} times in a \
         row; somebody else may be setting it: try again, or ask for newer firmware if it stays so"
    )]
    Precondition {
        /// Which BMC.
        bmc: String,
        /// Which resource.
        path: String,
        /// How often it was tried.
        tries: usize,
    },
    /// A task ended badly.
    #[error("the BMC {bmc} took on {doing}, but it failed: {said}")]
    TaskFailed {
        /// Which BMC.
        bmc: String,
        /// What was asked.
        doing: String,
        /// What it said.
        said: String,
    },
    /// A task does not end.
    #[error(
        "the BMC {bmc} took on {doing} and is not done after {} s (it says: {state}); it may still \
         come to an end: look at its task {path}", after.as_secs_f32()
    )]
    TaskEndless {
        /// Which BMC.
        bmc: String,
        /// What was asked.
        doing: String,
        /// Its last word.
        state: String,
        /// Its task.
        path: String,
        /// How long was waited.
        after: Duration,
    },
}
