//! Whether a machine with Secure Boot starts a chain of binaries, link by link.
//!
//! In: the facts on each file, in the order in which they are started, and a [`World`]: what the
//! machine trusts and revokes, and the moment. Out: a [`Verdict`]: who decides on each link, what it
//! decides, and why. Never: bytes of a file.
//!
//! Firmware does as EDK2 (`DxeImageVerificationHandler`): every signature in the table is looked at,
//! one that is revoked refuses the file, one that is trusted starts it, dates are not looked at. shim
//! does as shim 15.3 to 16 (`verify_buffer`): its own authorities count besides firmware's, a revoked
//! signature only does not count, and SBAT is asked.

use crate::anchors::{Anchor, microsoft_2011, microsoft_2023};
use crate::binary::{Binary, Kind};
use crate::certificate::{Certificate, Check};
use crate::crypto::Hash;
use crate::date::Moment;
use crate::lists::Lists;
use crate::sbat::SbatLevel;
use crate::signature::{Flaw, Signature};
use crate::verdict::{Across, Asker, Link, List, Reason, Remark, Starts, Verdict};

/// What a machine trusts and revokes.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// Firmware's `db`.
    pub db: &'a Lists,
    /// Firmware's `dbx`.
    pub dbx: &'a Lists,
    /// What the machine's owner told shim to trust (`MokList`).
    pub mok: &'a Lists,
    /// The variable `SbatLevel`. A shim raises it to its own.
    pub sbat_level: &'a SbatLevel,
    /// Now, in seconds since 1970; only for remarks.
    pub now_s: i64,
}

/// Judges a chain: the first file is started by firmware, each other by the one before it.
pub fn judge(chain: &[&Binary], world: &World<'_>) -> Verdict {
    let mut links: Vec<Link> = Vec::new();
    let mut before: Option<&Binary> = None;
    let mut shim: Option<&Binary> = None;
    for binary in chain {
        // What shim starts itself must have SBAT; what others ask it about need not (verify_sbat_section).
        let is_next = before.is_some_and(|before| before.shim.is_some());
        let mut link = match (shim, before) {
            (Some(shim), _) => by_shim(binary, shim, is_next, world),
            (None, Some(before)) if before.kind == Kind::Grub => alone(binary),
            _ => by_firmware(binary, world),
        };
        link.check_itself(binary, world);
        link.remark(binary, before, world.now_s);
        links.push(link);
        if binary.shim.is_some() {
            shim = Some(binary);
        }
        before = Some(binary);
    }
    let starts = links.iter().map(|link| link.starts).min().unwrap_or(Starts::No);
    Verdict { links, starts }
}

/// Judges a chain on machines that trust Microsoft's authorities of 2011, of 2023, and of both; `db`
/// of the world is not looked at.
pub fn across(chain: &[&Binary], world: &World<'_>) -> Across {
    let on =
        |anchors: &[&'static Anchor]| judge(chain, &World { db: &Lists::of(anchors), ..*world });
    let (old, new) = (microsoft_2011(), microsoft_2023());
    let both: Vec<_> = old.iter().chain(&new).copied().collect();
    Across { only_2011: on(&old), only_2023: on(&new), both: on(&both) }
}

/// What firmware says.
fn by_firmware(binary: &Binary, world: &World<'_>) -> Link {
    let link = Link::new(binary, Asker::Firmware);
    if holds_digest(world.dbx, binary) {
        return link.refused(Reason::RevokedDigest(List::Dbx));
    }
    let revoked = binary.outer_signatures().find_map(|s| revoked_certificate(s, world.dbx));
    if let Some(name) = revoked {
        return link.refused(Reason::RevokedCertificate { name, list: List::Dbx });
    }
    if binary.has_damaged_table {
        return link.refused(Reason::DamagedTable);
    }
    // Where a signer cannot be found, firmware takes it as revoked (Pkcs7GetSigners in IsForbiddenByDbx).
    let is_headless = |s: &&Signature| s.flaw == Some(Flaw::NoSigner);
    if let Some(signature) = binary.outer_signatures().find(is_headless) {
        let (signer, flaw) = (signature.signer_name(), Flaw::NoSigner);
        return link.refused(Reason::Flawed { signer, flaw });
    }
    if holds_digest(world.db, binary) {
        return link.starting(Starts::Yes, Reason::TrustedDigest(List::Db));
    }
    // An authority of db that dbx names by its digest counts no more, whether or not a signature
    // carries its certificate (IsAllowedByDb).
    let (mut db, mut gone) = (world.db.clone(), Lists::default());
    (gone.certificates, db.certificates) =
        db.certificates.into_iter().partition(|certificate| is_revoked(certificate, world.dbx));
    let mut link = link.by_signatures(binary.outer_signatures(), &[(List::Db, &db)], false);
    if link.starts == Starts::No {
        let revoked = binary.outer_signatures().filter_map(|s| leads_to(s, &gone, false));
        let revoked = revoked.map(|(name, _)| Reason::RevokedCertificate { name, list: List::Dbx });
        link.reasons.extend(revoked);
    }
    link
}

/// What a shim says.
fn by_shim(binary: &Binary, shim: &Binary, is_next: bool, world: &World<'_>) -> Link {
    let none = Lists::default();
    let facts = shim.shim.as_ref();
    let vendor = facts.map_or(&none, |facts| &facts.trusted);
    let vendor_dbx = facts.map_or(&none, |facts| &facts.revoked);
    let link = Link::new(binary, Asker::Shim);
    let denied = [(List::VendorDbx, vendor_dbx), (List::Dbx, world.dbx)];
    if let Some((list, _)) = denied.iter().find(|(_, lists)| holds_digest(lists, binary)) {
        return link.refused(Reason::RevokedDigest(*list));
    }
    let allowed = [(List::Db, world.db), (List::Vendor, vendor), (List::Mok, world.mok)];
    let by_digest = allowed.iter().find(|(_, lists)| holds_digest(lists, binary));
    let mut link = if let Some((list, _)) = by_digest {
        link.starting(Starts::Yes, Reason::TrustedDigest(*list))
    } else {
        let revoked = |s: &Signature| {
            denied.iter().find_map(|(list, l)| Some((*list, revoked_certificate(s, l)?)))
        };
        let good = binary.outer_signatures().filter(|s| revoked(s).is_none());
        let mut link = link.by_signatures(good, &allowed, true);
        if let Some((list, name)) = binary.outer_signatures().find_map(revoked) {
            link.reasons.retain(|reason| *reason != Reason::Unsigned);
            link.reasons.push(Reason::RevokedCertificate { name, list });
        }
        link
    };
    if shim.sbat.is_some() {
        link.check_sbat(binary, &level_in_force(shim, world), is_next);
    }
    link
}

/// What comes of a kernel under a GRUB that no shim started.
fn alone(binary: &Binary) -> Link {
    Link::new(binary, Asker::Shim).refused(Reason::NoShim)
}

/// The machine's level, or the one the shim brings if that is newer.
fn level_in_force(shim: &Binary, world: &World<'_>) -> SbatLevel {
    let own = shim.shim.as_ref().and_then(|facts| facts.automatic.as_ref());
    own.filter(|own| own.is_newer_than(world.sbat_level)).unwrap_or(world.sbat_level).clone()
}

fn holds_digest(lists: &Lists, binary: &Binary) -> bool {
    lists.sha256.contains(&binary.sha256) || lists.sha1.contains(&binary.sha1)
}

/// Whether a list names a certificate by the digest of its signed part.
fn is_revoked(certificate: &Certificate, dbx: &Lists) -> bool {
    let kinds = [Hash::Sha256, Hash::Sha384, Hash::Sha512].into_iter();
    // Made once for each kind, however long the list is.
    let mut digests = kinds.map(|hash| (hash, certificate.tbs_digest(hash)));
    !dbx.certificate_digests.is_empty()
        && digests.any(|digest| dbx.certificate_digests.contains(&digest))
}

/// The certificate of a signature that a list revokes, by name.
fn revoked_certificate(signature: &Signature, dbx: &Lists) -> Option<String> {
    let by_digest = signature.links().find(|certificate| is_revoked(certificate, dbx));
    let by_digest = by_digest.map(|certificate| certificate.subject.shown.clone());
    by_digest.or_else(|| {
        let (authority, is_proved) = leads_to(signature, dbx, false)?;
        is_proved.then_some(authority)
    })
}

/// The one of a list that a right signature leads to, and whether by its key. One that cannot be
/// checked here leads by name at most.
fn leads_to(signature: &Signature, lists: &Lists, by_shim: bool) -> Option<(String, bool)> {
    if signature.flaw.as_ref().is_some_and(|flaw| !flaw.is_only_unknown()) {
        return None;
    }
    let is_right = signature.flaw.is_none();
    let found =
        |name: &str, check: Check| Some((name.to_owned(), is_right && check == Check::Right));
    let whole = lists.certificates.iter().filter(|c| !(by_shim && c.is_for_modules));
    let checked = whole.map(|c| (c, signature.links().map(|link| checked(link, c)).max()));
    if let Some((certificate, Some(check))) = checked.max_by_key(|(_, check)| *check)
        && check > Check::Wrong
    {
        return found(&certificate.subject.shown, check);
    }
    let by_key = |anchor: &&&Anchor| signature.links().any(|link| anchor.has_key_of(link));
    if let Some(anchor) = lists.anchors.iter().find(by_key) {
        return found(anchor.subject, Check::Right);
    }
    let last = signature.links().last()?;
    let anchor = lists.anchors.iter().find(|anchor| anchor.subject == last.issuer.shown)?;
    found(anchor.subject, Check::Unknown)
}

/// Whether a certificate of a chain is a trusted one, or certified by it.
fn checked(link: &Certificate, trusted: &Certificate) -> Check {
    let is_same = link.key_sha256 == trusted.key_sha256 && link.subject == trusted.subject;
    if is_same { Check::Right } else { link.is_issued_by(trusted) }
}

impl Link {
    fn new(binary: &Binary, asked: Asker) -> Self {
        let (reasons, remarks) = (Vec::new(), Vec::new());
        Self { kind: binary.kind, asked, starts: Starts::No, reasons, remarks }
    }

    fn refused(self, reason: Reason) -> Self {
        self.starting(Starts::No, reason)
    }

    fn starting(mut self, starts: Starts, reason: Reason) -> Self {
        self.starts = starts;
        self.reasons.push(reason);
        self
    }

    /// The best that a signature comes to; where none is trusted, what is wrong with each.
    fn by_signatures<'s>(
        mut self,
        signatures: impl Iterator<Item = &'s Signature>,
        lists: &[(List, &Lists)],
        by_shim: bool,
    ) -> Self {
        let mut useless = Vec::new();
        for signature in signatures {
            let signer = signature.signer_name();
            let found = lists
                .iter()
                .filter_map(|(list, l)| Some((*list, leads_to(signature, l, by_shim)?)));
            let found =
                found.max_by_key(|(list, (_, is_proved))| (*is_proved, *list == List::Vendor));
            let Some((list, (authority, is_proved))) = found else {
                useless.push(signature);
                continue;
            };
            let starts = if is_proved { Starts::Yes } else { Starts::Perhaps };
            self.starts = self.starts.max(starts);
            self.reasons.push(match &signature.flaw {
                None => Reason::Trusted { signer, authority, list, is_proved },
                Some(flaw) => Reason::Flawed { signer, flaw: flaw.clone() },
            });
        }
        for signature in useless {
            self.tell_useless(signature);
        }
        if self.reasons.is_empty() {
            self.reasons.push(Reason::Unsigned);
        }
        self
    }

    fn tell_useless(&mut self, signature: &Signature) {
        let (signer, flaw) = (signature.signer_name(), signature.flaw.clone());
        if self.starts > Starts::No {
            self.remarks.push(Remark::Useless { signer, flaw });
            return;
        }
        self.reasons.push(match flaw {
            Some(flaw) => Reason::Flawed { signer, flaw },
            None => {
                let last = signature.links().last();
                let authority = last.map_or_else(String::new, |last| last.issuer.shown.clone());
                Reason::Stranger { signer, authority }
            }
        });
    }

    fn check_sbat(&mut self, binary: &Binary, level: &SbatLevel, is_demanded: bool) {
        let Some(sbat) = &binary.sbat else {
            if is_demanded {
                self.starts = Starts::No;
                self.reasons.push(Reason::NoSbat);
            }
            return;
        };
        if let Some(line) = sbat.broken_line {
            self.starts = Starts::No;
            self.reasons.push(Reason::BrokenSbat(line));
        }
        for (component, lowest) in sbat.revoked_by(level) {
            self.starts = Starts::No;
            self.reasons.push(Reason::Sbat {
                component: component.name.clone(),
                generation: component.generation,
                lowest,
                level: level.date.clone(),
            });
        }
    }

    /// What a program checks of itself: shim its SBAT (`verify_sbat` at its start), a Windows boot
    /// manager its security version.
    fn check_itself(&mut self, binary: &Binary, world: &World<'_>) {
        if binary.shim.is_some() && self.asked == Asker::Firmware {
            self.check_sbat(binary, &level_in_force(binary, world), false);
        }
        let lowest = world.dbx.svns.get("bootmgfw.efi");
        if let Some((own, lowest)) = binary.svn.zip(lowest.copied()).filter(|(own, l)| own < l) {
            self.starts = Starts::No;
            self.reasons.push(Reason::Svn { own, lowest });
        }
    }

    fn remark(&mut self, binary: &Binary, before: Option<&Binary>, now_s: i64) {
        let mut told = Vec::new();
        for certificate in binary.outer_signatures().flat_map(Signature::links) {
            let now = Moment(now_s);
            let is_over = now < certificate.not_before || now > certificate.not_after;
            if is_over && !told.contains(&certificate.sha256) {
                told.push(certificate.sha256);
                self.remarks.push(Remark::OutOfDate {
                    name: certificate.subject.shown.clone(),
                    from: certificate.not_before,
                    until: certificate.not_after,
                });
            }
        }
        let nested = binary.signatures.iter().filter(|signature| signature.depth > 0);
        self.remarks.extend(nested.map(|signature| Remark::Nested(signature.signer_name())));
        if before.is_some_and(|before| before.machine != binary.machine) {
            self.remarks.push(Remark::OtherMachine(binary.machine));
        }
        let unread = binary.shim.iter().flat_map(|facts| &facts.unread);
        self.remarks.extend(unread.cloned().map(Remark::ShimUnread));
    }
}
