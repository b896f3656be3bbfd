//! Operators over TCP: rights, logins, the audit log.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot do this has failed"
)]

mod boots;
mod contract;
mod drafts;
mod imports;
mod log;
mod login;
mod matrix;
mod pages;
mod reports;
mod world;
