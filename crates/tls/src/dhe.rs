//! Diffie-Hellman over a finite field, for firmware that knows no other key exchange rustls has.
//!
//! EDK2 was built without elliptic curves until 2023 (tried: 2022.11 as Debian 12 ships it): it
//! offers TLS 1.2 with `DHE_RSA` and `RSA` key exchange and nothing else. rustls leaves both out;
//! the second for good reason, the first can be added. Whoever offers a curve is never asked for
//! this: our suites stand last, and firmware of that kind names no group at all.
//!
//! In: a client that offers `DHE_RSA` with AES-GCM in TLS 1.2. Out: a shared secret over ffdhe3072
//! (RFC 7919), the group that a client at OpenSSL's security level 3 still takes. Never: a group
//! made up here, a key used twice, or time that depends on a secret.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U320, U3072};
use rustls::crypto::{ActiveKeyExchange, CryptoProvider, KeyExchangeAlgorithm, SharedSecret};
use rustls::crypto::{CipherSuiteCommon, SupportedKxGroup, aws_lc_rs};
use rustls::ffdhe_groups::{FFDHE3072, FfdheGroup};
use rustls::{CipherSuite, Error, NamedGroup, PeerMisbehaved, ProtocolVersion};
use rustls::{SupportedCipherSuite, Tls12CipherSuite};
use std::sync::OnceLock;
use zeroize::Zeroize;

/// RFC 7919, 5.2 asks for 275 bits at least.
const SECRET_BYTES: usize = 40;
/// As many as the group's modulus has.
const GROUP_BYTES: usize = 384;

/// The usual provider, and behind everything else what old firmware needs.
pub(crate) fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.push(SupportedCipherSuite::Tls12(&AES_256));
    provider.cipher_suites.push(SupportedCipherSuite::Tls12(&AES_128));
    provider.kx_groups.push(&Ffdhe3072);
    provider
}

static AES_256: Tls12CipherSuite = over_dhe(
    &aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,
);
static AES_128: Tls12CipherSuite = over_dhe(
    &aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,
);

/// The same suite with the other key exchange: ciphers, hashes and signatures are the provider's
/// (RFC 5288, 3 and 5289, 3.2 differ in nothing else).
const fn over_dhe(over_curves: &SupportedCipherSuite, suite: CipherSuite) -> Tls12CipherSuite {
    let SupportedCipherSuite::Tls12(other) = over_curves else {
        panic!("while compiling: a suite of TLS 1.2 is wanted");
    };
    Tls12CipherSuite {
        common: CipherSuiteCommon {
            suite,
            hash_provider: other.common.hash_provider,
            confidentiality_limit: other.common.confidentiality_limit,
        },
        prf_provider: other.prf_provider,
        kx: KeyExchangeAlgorithm::DHE,
        sign: other.sign,
        aead_alg: other.aead_alg,
    }
}

type Element = FixedMontyForm<{ U3072::LIMBS }>;
type Params = FixedMontyParams<{ U3072::LIMBS }>;

/// The group's modulus, made ready to count with.
fn params() -> Result<&'static Params, Error> {
    static PARAMS: OnceLock<Option<Params>> = OnceLock::new();
    let made = PARAMS.get_or_init(|| {
        let modulus = Option::from(Odd::new(number(FFDHE3072.p)?));
        modulus.map(Params::new_vartime)
    });
    made.as_ref().ok_or_else(|| Error::General("ffdhe3072 has no odd modulus".to_owned()))
}

/// Bytes as a number, the first counting most. `None` if there are more than the group has.
fn number(bytes: &[u8]) -> Option<U3072> {
    let mut padded = [0; GROUP_BYTES];
    let from = GROUP_BYTES.checked_sub(bytes.len())?;
    padded.get_mut(from..)?.copy_from_slice(bytes);
    Some(U3072::from_be_slice(&padded))
}

/// ffdhe3072, and only where TLS 1.3 has not brought something better.
#[derive(Debug)]
struct Ffdhe3072;

impl SupportedKxGroup for Ffdhe3072 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let params = params()?;
        let mut bytes = [0; SECRET_BYTES];
        aws_lc_rs::default_provider().secure_random.fill(&mut bytes)?;
        let secret = U320::from_be_slice(&bytes);
        bytes.zeroize();
        let generator = number(FFDHE3072.g).unwrap_or(U3072::from_u8(2));
        let public = Element::new(&generator, params).pow(&secret).retrieve();
        Ok(Box::new(Exchange { secret, public: public.to_be_bytes().as_ref().to_vec() }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        Some(FFDHE3072)
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::FFDHE3072
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_2
    }
}

/// One key exchange under way.
struct Exchange {
    secret: U320,
    public: Vec<u8>,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, theirs: &[u8]) -> Result<SharedSecret, Error> {
        let wrong = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
        let params = params()?;
        let theirs = number(theirs).ok_or(wrong.clone())?;
        // RFC 7919, 5.1: 1 and p-1 make the secret known to everybody.
        let least = U3072::from_u8(2);
        let most = params.modulus().as_ref().wrapping_sub(&least);
        if theirs < least || theirs > most {
            return Err(wrong);
        }
        let mut shared = Element::new(&theirs, params).pow(&self.secret).retrieve();
        let secret = SharedSecret::from(shared.to_be_bytes().as_ref());
        shared.zeroize();
        Ok(secret)
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        Some(FFDHE3072)
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::FFDHE3072
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ends_find_the_same_secret() {
        let (ours, theirs) = (Ffdhe3072.start().unwrap(), Ffdhe3072.start().unwrap());
        let (a, b) = (ours.pub_key().to_vec(), theirs.pub_key().to_vec());
        assert_eq!((a.len(), b.len()), (GROUP_BYTES, GROUP_BYTES));
        assert_ne!(a, b);
        let (one, other) = (ours.complete(&b).unwrap(), theirs.complete(&a).unwrap());
        assert_eq!(one.secret_bytes(), other.secret_bytes());
        assert_eq!(one.secret_bytes().len(), GROUP_BYTES);
    }

    #[test]
    fn a_share_that_gives_the_secret_away_is_refused() {
        let minus_one = {
            let mut p = FFDHE3072.p.to_vec();
            *p.last_mut().unwrap() -= 1;
            p
        };
        let long = [1; GROUP_BYTES + 1];
        for share in [&[][..], &[0], &[1], &minus_one, FFDHE3072.p, &[0xff; GROUP_BYTES], &long] {
            let refused = Ffdhe3072.start().unwrap().complete(share);
            assert!(refused.is_err(), "{share:02x?}");
        }
        assert!(Ffdhe3072.start().unwrap().complete(&[2]).is_ok());
    }

    #[test]
    fn what_was_added_stands_last() {
        let all = provider();
        let usual = aws_lc_rs::default_provider();
        let names: Vec<CipherSuite> = all.cipher_suites.iter().map(|s| s.suite()).collect();
        assert_eq!(names[..usual.cipher_suites.len()].len() + 2, names.len());
        assert!(names.ends_with(&[
            CipherSuite::TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,
            CipherSuite::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256
        ]));
    }
}
