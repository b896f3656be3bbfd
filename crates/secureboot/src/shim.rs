//! What a shim carries: whom it trusts, whom it does not, and the SBAT levels it may set.
//!
//! In: the content of `.vendor_cert` and `.sbatlevel` (shim, cert.S and sbat_var.S). Out: lists and
//! levels. Never: what a machine's owner added to them (MokList).

use crate::bytes::{place_at, slice};
use crate::certificate::Certificate;
use crate::lists::{ListError, Lists};
use crate::sbat::SbatLevel;

/// What a shim carries.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ShimFacts {
    /// Whom it trusts, besides firmware's `db`: certificates, and files by their digest.
    pub trusted: Lists,
    /// What it refuses, besides firmware's `dbx`.
    pub revoked: Lists,
    /// The level that it sets by itself; none before shim 15.3.
    pub automatic: Option<SbatLevel>,
    /// The level that it sets if the owner asks for it.
    pub latest: Option<SbatLevel>,
    /// What of it could not be read.
    pub unread: Vec<String>,
}

impl ShimFacts {
    pub(crate) fn read(vendor: &[u8], level: Option<&[u8]>) -> Self {
        let mut facts = Self::default();
        match vendor_parts(vendor) {
            None => facts.unread.push("`.vendor_cert` points outside of itself".to_owned()),
            Some((trusted, revoked)) => {
                facts.trusted = facts.list("trusted", trusted);
                facts.revoked = facts.list("revoked", revoked);
            }
        }
        if let Some(section) = level {
            facts.automatic = facts.level(section, 4);
            facts.latest = facts.level(section, 8);
        }
        facts
    }

    /// One certificate, as `VENDOR_CERT_FILE` makes it, or lists, as `VENDOR_DB_FILE` does.
    fn list(&mut self, which: &str, bytes: &[u8]) -> Lists {
        if let Some(certificate) = single(bytes) {
            return Lists { certificates: vec![certificate], ..Lists::default() };
        }
        Lists::read(bytes).unwrap_or_else(|error: ListError| {
            self.unread.push(format!("what it has {which}: {error}"));
            Lists::default()
        })
    }

    /// The section begins with a version (0), then says where each level stands, counted from there.
    fn level(&mut self, section: &[u8], told: usize) -> Option<SbatLevel> {
        let at = place_at(section, told)?.checked_add(4)?;
        let read = SbatLevel::read(section.get(at..)?);
        read.map_err(|error| self.unread.push(error.to_string())).ok()
    }
}

fn single(bytes: &[u8]) -> Option<Certificate> {
    bytes.starts_with(&[0x30, 0x82]).then(|| Certificate::read(bytes).ok()).flatten()
}

/// Sizes and places of what is trusted and what is revoked, counted from the section's start.
fn vendor_parts(section: &[u8]) -> Option<(&[u8], &[u8])> {
    let part = |size, place| slice(section, place_at(section, place)?, place_at(section, size)?);
    Some((part(0, 8)?, part(4, 12)?))
}
