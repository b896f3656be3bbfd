//! The authorities that machines and shims trust: one table.
//!
//! In: the certificates of a signature. Out: which authority of the table they lead to, and whether
//! that is proved by its key or only said by a name. Never: a certificate's bytes.
//!
//! Fingerprints are measured: Microsoft's from the certificates in Debian's `ovmf` and `shim-signed`
//! and those published beside them; Debian's from its shim, other distributions' from published
//! certificates. Where none could be measured the table says so by leaving it out.

use crate::certificate::Certificate;
use crate::text::hex;

/// Who keeps an authority.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keeper {
    /// Microsoft, for what others made: shims, loaders, option ROMs.
    MicrosoftForOthers,
    /// Microsoft, for Windows.
    MicrosoftForWindows,
    /// A distribution or loader, by its name; trusted by its own shim.
    Distribution(&'static str),
}

/// An authority.
#[derive(Debug, Eq, PartialEq)]
pub struct Anchor {
    /// The name in its certificate.
    pub subject: &'static str,
    /// Whose it is.
    pub keeper: Keeper,
    /// The year of its key, where two of the same keeper are told apart by it.
    pub year: u16,
    /// The last day of its certificate. Firmware does not look at it.
    pub until: Option<&'static str>,
    /// SHA-256 of its certificate, where measured.
    pub certificate_sha256: Option<&'static str>,
    /// SHA-256 of its public key (SubjectPublicKeyInfo), where measured.
    pub key_sha256: Option<&'static str>,
}

/// Where the certificates of a signature lead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lead {
    /// To whom.
    pub anchor: &'static Anchor,
    /// Whether the chain ends in the authority's own key; else only its name was found.
    pub is_proved: bool,
}

/// The one of the table that certificates lead to, the signer's first.
pub(crate) fn lead<'a>(chain: impl Iterator<Item = &'a Certificate>) -> Option<Lead> {
    let chain: Vec<_> = chain.collect();
    let of = |anchor: &'static Anchor, is_proved| Lead { anchor, is_proved };
    for certificate in &chain {
        if let Some(anchor) = ANCHORS.iter().find(|anchor| anchor.has_key_of(certificate)) {
            return Some(of(anchor, true));
        }
    }
    let last = &chain.last()?.issuer.shown;
    ANCHORS.iter().find(|anchor| anchor.subject == last).map(|anchor| of(anchor, false))
}

impl Anchor {
    /// Whether a certificate is this authority's, by its fingerprint or its key's.
    #[must_use]
    pub fn has_key_of(&self, certificate: &Certificate) -> bool {
        let is = |told: Option<&str>, own: &[u8]| told.is_some_and(|told| told == hex(own));
        is(self.certificate_sha256, &certificate.sha256)
            || is(self.key_sha256, &certificate.key_sha256)
    }
}

/// Microsoft's authorities of 2011: what machines until about 2024 trust.
#[must_use]
pub fn microsoft_2011() -> Vec<&'static Anchor> {
    microsoft().filter(|anchor| anchor.year == 2011).collect()
}

/// Microsoft's authorities of 2023: what machines trust that were brought up to date, and new ones.
#[must_use]
pub fn microsoft_2023() -> Vec<&'static Anchor> {
    microsoft().filter(|anchor| anchor.year == 2023).collect()
}

fn microsoft() -> impl Iterator<Item = &'static Anchor> {
    ANCHORS.iter().filter(|anchor| !matches!(anchor.keeper, Keeper::Distribution(_)))
}

macro_rules! anchors {
    ($($subject:literal, $keeper:expr, $year:literal, $until:expr, $certificate:expr, $key:expr;)*) => {
        /// Everybody we know.
        pub const ANCHORS: &[Anchor] = &[$(Anchor {
            subject: $subject,
            keeper: $keeper,
            year: $year,
            until: $until,
            certificate_sha256: $certificate,
            key_sha256: $key,
        }),*];
    };
}

use Keeper::{Distribution, MicrosoftForOthers, MicrosoftForWindows};

anchors! {
    "Microsoft Corporation UEFI CA 2011", MicrosoftForOthers, 2011, Some("2026-06-27"),
        Some("48e99b991f57fc52f76149599bff0a58c47154229b9f8d603ac40d3500248507"),
        Some("2c627ccbb690409550ad6e2d46a03eb10aa6d62d272a5dc3c86a8863ae19b2bb");
    "Microsoft UEFI CA 2023", MicrosoftForOthers, 2023, Some("2038-06-13"),
        Some("f6124e34125bee3fe6d79a574eaa7b91c0e7bd9d929c1a321178efd611dad901"),
        Some("f0f6d23f74457473749a72d5aa55b9efe491dd0bc3068905b019940abe8b5cc3");
    "Microsoft Option ROM UEFI CA 2023", MicrosoftForOthers, 2023, Some("2038-10-26"),
        Some("e5be3e64c6e66a281457ecdece0d6d0787577aad2a3a0144262c10c14ba8d8f1"),
        Some("70b05022adf8de3061983894f3be9140205f84aaa49a860734337a45d9d93d4a");
    "Microsoft Windows Production PCA 2011", MicrosoftForWindows, 2011, Some("2026-10-19"),
        Some("e8e95f0733a55e8bad7be0a1413ee23c51fcea64b3c8fa6a786935fddcc71961"),
        Some("96fcf444012a77ea14f34f349c469c85e2749fce709e0bcdf2e5eab431cdccae");
    "Windows UEFI CA 2023", MicrosoftForWindows, 2023, Some("2035-06-13"),
        Some("076f1fea90ac29155ebf77c17682f75f1fdd1be196da302dc8461e350a9ae330"),
        Some("b45bbdd94c9bf231bb8d9dbf47f6dc917fe7ebea7ef95aeede218d7e9d395f9a");
    "Debian Secure Boot CA", Distribution("Debian"), 2016, Some("2046-08-09"),
        Some("079646974bce09b1f04da67bd722d1fb0947ae4c4010bccdbba52d5b23cbf1a2"),
        Some("767a4e815968c891a89c8b761e03fd39945c17109a419780cee63572c251a823");
    "Canonical Ltd. Master Certificate Authority", Distribution("Ubuntu"), 2012, Some("2042-04-11"),
        Some("ed1fe72cb9ca31c9af5b757afcd733323d675825032e6ced7fe1ae9eb767998c"),
        Some("ae85a459a6090d55e292890604de2a7e7c9e5e8e08e313e1a726d170aa74b62a");
    "fedoraca", Distribution("Fedora"), 2020, Some("2037-01-19"),
        Some("a3b384810d48f1666d5df01c0684c5f5325b57ef5dee5223d9bf66aeefef332e"),
        Some("a4dd15ca4435f5d222d4e0aa149561b71aaa6ee5b09b810613914900508a176c");
    "Red Hat Secure Boot (CA key 1)", Distribution("Red Hat"), 2014, Some("2037-02-06"),
        Some("9996c73616ee42f13396c9abfb4b646b538c3c80940474b710afdbe53bf17d32"),
        Some("91dea4113ecab485808370d0cee2e8f81cd5429c2d2732145862fbcc55e4264f");
    "Red Hat Secure Boot CA 5", Distribution("Red Hat"), 2020, Some("2038-01-18"),
        Some("40175d4c7c5ab4bd753a493f47952f1d8dcf1c219b836968a693e48bd4766135"),
        Some("23748b0084cb18e3ed6071f3ff043ed9fd0094b5b60714f5eb003d42777e5dfe");
    "Red Hat Secure Boot CA 8", Distribution("Red Hat"), 2023, Some("2038-01-18"),
        Some("72568059455c1774b3668b5fd67ba3578551925adfa52b6999cad549f52e46d6"),
        Some("895b8d9c876f53394240d4146f42b4ea62e5f28b89bf3d28c720a5d34012ecc0");
    "Red Hat UEFI CA 2024", Distribution("Red Hat"), 2024, Some("2038-01-18"),
        Some("c9acbb9ef9054cf8ff920da618813187fbaf35ea1da6bb760b2ca0595e977654"),
        Some("f04681054535d090c60c1e92cd84583cf32638b993761647734292d4e197abc6");
    "CentOS Secure Boot (CA key 1)", Distribution("CentOS"), 2018, Some("2037-11-20"),
        Some("c8644a61601db420d50911810f3831388b6f02363cf63bda77513cc003b81bc5"),
        Some("781784765f57f512db0d9d13d73262d60b51aa30d0470cccf5b00dbf72bf4025");
    "CentOS Secure Boot CA 2", Distribution("CentOS"), 2020, Some("2038-01-18"),
        Some("f1fdf7ae3924a187e0f30a502271cb8369f5f26b8032f026aef6fce7a113d1c4"),
        Some("19e19a2bb6de920cb4b6256ecc0afc8e726f84642f6dd527d05f436ce9e42817");
    "CentOS Secure Boot CA 8", Distribution("CentOS"), 2025, Some("2037-12-31"),
        Some("3d9dd4d7d86e24f8e81d71e9a3f8eb6675e2eccce7e8fa2b6f79c31c01047244"),
        Some("df7138dd339b0ca2f09a1758e1f9cd27ff93a967f4c6b40b4fbe105e626fa266");
    "iPXE Secure Boot CA", Distribution("iPXE"), 2025, Some("2053-03-24"),
        Some("d06934abdf6a7dcfe12cf202bc0e61acbe88fff76e789bf852388b92bc3979fc"),
        Some("7f3db771b2769b08ed2c11a7777ffab4410e484d7585b8c4a42a4485d8c2e00b");
    // Only names: the first four from published signatures, the last two from documentation.
    "SUSE Linux Enterprise Secure Boot CA", Distribution("SUSE"), 2013, None, None, None;
    "openSUSE Secure Boot CA", Distribution("openSUSE"), 2013, None, None, None;
    "Rocky Linux Secure Boot Root CA", Distribution("Rocky Linux"), 0, None, None, None;
    "AlmaLinux Secure Boot CA", Distribution("AlmaLinux"), 0, None, None, None;
    "Oracle Linux Secure Boot CA", Distribution("Oracle Linux"), 0, None, None, None;
    "Amazon Linux Secure Boot Signing CA", Distribution("Amazon Linux"), 0, None, None, None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_each_authority_once_with_whole_fingerprints() {
        for (number, anchor) in ANCHORS.iter().enumerate() {
            let same = |other: &Anchor| {
                other.subject == anchor.subject
                    || (other.key_sha256.is_some() && other.key_sha256 == anchor.key_sha256)
            };
            assert!(!ANCHORS[..number].iter().any(same), "{}", anchor.subject);
            assert_eq!(anchor.certificate_sha256.is_some(), anchor.key_sha256.is_some());
            for print in [anchor.certificate_sha256, anchor.key_sha256].into_iter().flatten() {
                assert!(
                    print.len() == 64 && print.bytes().all(|b| b"0123456789abcdef".contains(&b))
                );
            }
        }
        assert_eq!((microsoft_2011().len(), microsoft_2023().len()), (2, 3));
    }
}
