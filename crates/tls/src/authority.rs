//! Our own small CA, and certificates under it.
//!
//! In: names, addresses, the time. Out: certificates and keys in PEM. Never: a file.
//!
//! Dates: firmware whose battery is empty shows 1970, 2000 or the year it was built, so everything
//! begins with 1970. The CA lasts 20 years: it has to be carried to each machine by hand. The
//! server's certificate lasts 10.

use crate::chain::Bad;
use model::Now;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, Error,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, RsaKeySize, SanType,
};
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};

const CA_DAYS: i64 = 20 * 365 + 5;
const SERVER_DAYS: i64 = 10 * 365 + 3;
/// A common name has 64 characters at most (RFC 5280, A.1); the rest of ours has 25.
const HOST_MAX: usize = 36;

/// A CA that can sign.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Nothing it signs lasts longer than itself.
    ends: OffsetDateTime,
    /// Its certificate.
    pub(crate) pem: String,
}

/// A certificate with its chain, and its key.
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// The kinds of keys that we make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Rsa,
    Ec,
}

impl Authority {
    /// A new one, with its key in PEM.
    pub(crate) fn make(host: &str, now: Now) -> Result<(Self, String), Bad> {
        let key = new_key(Kind::Rsa)?;
        let made = moment(now);
        let host: String = host.chars().take(HOST_MAX).collect();
        let (year, month, day) = (made.year(), u8::from(made.month()), made.day());
        let mut params =
            params(format!("Bootwright CA {host} {year}-{month:02}-{day:02}"), now, CA_DAYS);
        // No path below it: it signs servers and nothing else.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(cannot)?;
        let (pem, ends) = (key.serialize_pem(), params.not_after);
        Ok((Self { issuer: Issuer::new(params, key), ends, pem: certificate.pem() }, pem))
    }

    /// An earlier one, that ends at this second.
    pub(crate) fn read(pem: &str, key: &str, ends: i64) -> Result<Self, Bad> {
        let key = KeyPair::from_pem(key).map_err(cannot)?;
        let issuer = Issuer::from_ca_cert_pem(pem, key).map_err(cannot)?;
        let ends = OffsetDateTime::from_unix_timestamp(ends).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Ok(Self { issuer, ends, pem: pem.to_owned() })
    }

    /// A certificate for the server under these names, with a key of its own or an earlier one.
    pub(crate) fn issue(
        &self,
        kind: Kind,
        key: Option<&str>,
        names: &[String],
        addresses: &[IpAddr],
        now: Now,
    ) -> Result<Issued, Bad> {
        let key = match key {
            Some(pem) => KeyPair::from_pem(pem).map_err(cannot)?,
            None => new_key(kind)?,
        };
        let certificate = self.sign(&key, kind, names, addresses, now)?;
        Ok(Issued { chain: format!("{}{}", certificate.pem(), self.pem), key: key.serialize_pem() })
    }

    fn sign(
        &self,
        key: &KeyPair,
        kind: Kind,
        names: &[String],
        addresses: &[IpAddr],
        now: Now,
    ) -> Result<Certificate, Bad> {
        let first = names.first().cloned();
        let called = first.or_else(|| addresses.first().map(ToString::to_string));
        let mut params =
            params(called.unwrap_or_else(|| "bootwright".to_owned()), now, SERVER_DAYS);
        params.not_after = params.not_after.min(self.ends);
        for name in names {
            params
                .subject_alt_names
                .push(SanType::DnsName(name.as_str().try_into().map_err(cannot)?));
        }
        for address in addresses {
            params.subject_alt_names.push(SanType::IpAddress(*address));
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if kind == Kind::Rsa {
            // Old clients look for it, though nobody is given the key exchange it is for.
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.signed_by(key, &self.issuer).map_err(cannot)
    }
}

fn new_key(kind: Kind) -> Result<KeyPair, Bad> {
    match kind {
        Kind::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072),
        Kind::Ec => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
    }
    .map_err(cannot)
}

fn params(called: String, now: Now, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Bootwright");
    name.push(DnType::CommonName, called.chars().take(64).collect::<String>());
    params.distinguished_name = name;
    params.not_before = OffsetDateTime::UNIX_EPOCH;
    params.not_after = moment(now).saturating_add(Duration::days(days));
    params
}

/// The second of a moment.
fn moment(now: Now) -> OffsetDateTime {
    let seconds = i64::try_from(now.0 / 1000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn cannot(e: Error) -> Bad {
    Bad::new(format!("a certificate cannot be made: {e}"), "look at the names that were given")
}
