//! Why there was no agreement on TLS, in words an operator can act on.
//!
//! In: what rustls found, or what the client said, and what it offered. Out: why, and a hint. Never:
//! more certainty than there is. Most firmware closes the connection without a word.

use super::Named;
use super::hello::Offered;
use model::event::TlsFault;
use model::text::show;
use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};
use std::net::IpAddr;

/// What happened, and what to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Told {
    pub(crate) why: String,
    pub(crate) hint: String,
    /// What it was, as a value of the event.
    pub(crate) fault: TlsFault,
}

impl Told {
    fn new(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { why: why.into(), hint: hint.into(), fault: TlsFault::Other }
    }

    /// What it was.
    fn of(self, fault: TlsFault) -> Self {
        Self { fault, ..self }
    }

    /// With the name that the client asked for, which is half of what can go wrong.
    fn named(mut self, offered: Option<&Offered>) -> Self {
        if let Some(name) = offered.and_then(|offered| offered.name.as_deref()) {
            self.why.push_str(" (it asked for `");
            self.why.push_str(&show(name.as_bytes()));
            self.why.push_str("`)");
        }
        self
    }
}

/// How a handshake stopped without an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unfinished {
    /// The client closed the connection.
    Closed,
    /// It did not go on in time.
    Late,
}

const USE_HTTP: &str = "give it an http:// URL, or update its firmware or iPXE build";
const ENROL: &str = "enrol our certificate authority in its firmware (or build it into its iPXE)";
const CHECK_ALL: &str = "check that its firmware trusts our certificate authority, that the URL \
                         names the server as the certificate does, and its clock";

/// A client that speaks plain HTTP to the port for HTTPS.
pub(crate) fn plain_http() -> Told {
    Told::new(
        "it speaks plain HTTP to the port for HTTPS",
        "its URL says http:// with this port; use https://, or the port for HTTP",
    )
    .of(TlsFault::PlainHttp)
}

/// A client of the time before TLS 1.2.
pub(crate) fn too_old() -> Told {
    Told::new("it offers only TLS 1.0 or 1.1, which are not safe and not spoken here", USE_HTTP)
        .of(TlsFault::Version)
}

/// The certificate that a client was shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// What it says.
    pub(crate) named: &'a Named,
    /// Which address of ours the client came to: the one in its URL, if that has no name.
    pub(crate) at: IpAddr,
    /// Seconds since 1970.
    pub(crate) now_s: u64,
}

/// A handshake that stopped without an error, after our certificate went out.
pub(crate) fn unfinished(
    how: Unfinished,
    offered: Option<&Offered>,
    shown: Option<&Shown<'_>>,
) -> Told {
    let told = match how {
        Unfinished::Closed => match shown {
            Some(shown) => by_elimination(offered.and_then(|o| o.name.as_deref()), shown),
            None => Told::new(
                CLOSED,
                format!("most firmware says nothing when it does not trust: {CHECK_ALL}"),
            ),
        },
        Unfinished::Late => Told::new(
            "it did not go on after our certificate",
            "it may be out of memory or of chance; if it is slow, raise the time for a request",
        ),
    };
    told.named(offered)
}

const CLOSED: &str = "it closed the connection without a word right after our certificate";

/// EDK2 resets the connection whatever it does not like (tried: 2022.11). What we know of our own
/// certificate leaves one reason.
fn by_elimination(asked: Option<&str>, shown: &Shown<'_>) -> Told {
    let Named { names, addresses, until_s, own } = shown.named;
    let (target, is_named) = match asked {
        Some(name) => {
            (show(name.as_bytes()), names.iter().any(|known| known.eq_ignore_ascii_case(name)))
        }
        None => (shown.at.to_string(), addresses.contains(&shown.at)),
    };
    if !is_named {
        let flag = if asked.is_some() { "--name" } else { "--address" };
        let why = format!("{CLOSED}; our certificate does not name {target}, as its URL does");
        return Told::new(
            why,
            match own {
                true => format!("bootwright tls init {flag} {target}, then bootwright reload"),
                false => format!("have a certificate made that names {target}"),
            },
        )
        .of(TlsFault::Name);
    }
    if shown.now_s > *until_s {
        return Told::new(
            format!("{CLOSED}; our certificate is over"),
            match own {
                true => "bootwright tls init, then bootwright reload",
                false => "have a new certificate made, then bootwright reload",
            },
        )
        .of(TlsFault::Time);
    }
    Told::new(
        format!(
            "{CLOSED}; our certificate names {target} and is in time, so its firmware has not \
             enrolled the CA above it, or another"
        ),
        match own {
            true => {
                "enrol our CA in its firmware (bootwright tls show says how), and check its clock"
            }
            false => "enrol the root above our certificate in its firmware, and check its clock",
        },
    )
    .of(TlsFault::Untrusted)
}

/// A handshake that failed, by us or by the client.
pub(crate) fn refused(error: &Error, offered: Option<&Offered>) -> Told {
    let told = match error {
        Error::AlertReceived(alert) => alerted(*alert).of(complaint(*alert)),
        Error::PeerIncompatible(why) => {
            let told = incompatible(why, offered);
            // The version is said where it is found; all else is of keys and their exchange.
            let fault = if told.fault == TlsFault::Other { TlsFault::Key } else { told.fault };
            told.of(fault)
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => Told::new(
            "what it sends is not TLS",
            "look at what is configured to use this port: it is for https:// alone",
        ),
        Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => {
            Told::new("it speaks a version of TLS that does not exist", USE_HTTP)
                .of(TlsFault::Version)
        }
        Error::InvalidMessage(InvalidMessage::NoSignatureSchemes) => {
            no_scheme(offered).of(TlsFault::Key)
        }
        Error::NoApplicationProtocol => Told::new(
            "it wants another protocol than HTTP/1.1 (ALPN)",
            "only HTTP/1.1 is spoken here; HTTP/2 alone will not do",
        ),
        Error::General(why) => Told::new(
            format!("our own keys do not serve: {why}"),
            "look at the certificate and the key that are configured",
        ),
        other => Told::new(
            format!("it does not speak TLS as it should: {}", show(other.to_string().as_bytes())),
            "if this comes again and again, tell the maker of its firmware",
        ),
    };
    told.named(offered)
}

/// The kind of what a client complains of.
fn complaint(alert: AlertDescription) -> TlsFault {
    match alert {
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown => TlsFault::Untrusted,
        AlertDescription::CertificateExpired => TlsFault::Time,
        AlertDescription::UnrecognisedName => TlsFault::Name,
        AlertDescription::ProtocolVersion => TlsFault::Version,
        AlertDescription::UnsupportedCertificate
        | AlertDescription::DecryptError
        | AlertDescription::HandshakeFailure
        | AlertDescription::InsufficientSecurity => TlsFault::Key,
        _ => TlsFault::Other,
    }
}

/// What a client complains of (RFC 8446 §6.2).
fn alerted(alert: AlertDescription) -> Told {
    match alert {
        AlertDescription::UnknownCA => {
            Told::new("it does not trust our certificate authority", ENROL)
        }
        AlertDescription::CertificateExpired => Told::new(
            "it takes our certificate for expired, or not yet valid",
            "check its clock (firmware clocks are often years off), then when the certificate ends",
        ),
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            Told::new("it does not accept our certificate", CHECK_ALL)
        }
        AlertDescription::UnrecognisedName => Told::new(
            "the name in its URL is not one of our certificate",
            "use a name or an address in the URL that stands in the certificate",
        ),
        AlertDescription::UnsupportedCertificate => Told::new(
            "it cannot use our kind of certificate",
            "older iPXE takes RSA only, and new EDK2 no RSA below 3072 bits: use RSA of 3072 or more",
        ),
        AlertDescription::CertificateRevoked => {
            Told::new("it takes our certificate for revoked", "make a new certificate")
        }
        AlertDescription::DecryptError => Told::new(
            "it could not verify our signature",
            "check that certificate and key belong together; new EDK2 refuses RSA below 3072 bits",
        ),
        AlertDescription::ProtocolVersion => {
            Told::new("it speaks neither TLS 1.2 nor 1.3 as we do", USE_HTTP)
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => Told::new(
            "it found nothing that both can do",
            "new EDK2 refuses RSA below 3072 bits, old iPXE knows no ECDHE: check the key's size, \
             and the client's age",
        ),
        AlertDescription::CertificateRequired => {
            Told::new("it asks for a certificate that we do not have", CHECK_ALL)
        }
        AlertDescription::UserCanceled | AlertDescription::CloseNotify => {
            Told::new("it called the handshake off", CHECK_ALL)
        }
        AlertDescription::InternalError => Told::new(
            "it failed in itself",
            "it may be out of memory: large chains of certificates are hard on firmware",
        ),
        other => Told::new(format!("it complains of {other:?}"), CHECK_ALL),
    }
}

/// What we complain of.
fn incompatible(why: &PeerIncompatible, offered: Option<&Offered>) -> Told {
    match why {
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::SupportedVersionsExtensionRequired => too_old(),
        PeerIncompatible::NoSignatureSchemesInCommon => no_scheme(offered),
        PeerIncompatible::SignatureAlgorithmsExtensionRequired => Told::new(
            "it does not say which signatures it can check: made for TLS 1.1 or older, most likely",
            USE_HTTP,
        ),
        PeerIncompatible::NoCipherSuitesInCommon => no_suite(offered),
        PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NamedGroupsExtensionRequired
        | PeerIncompatible::KeyShareExtensionRequired => no_group(offered),
        PeerIncompatible::ExtendedMasterSecretExtensionRequired => Told::new(
            "it does not know the extended master secret (RFC 7627), which TLS 1.2 needs here",
            USE_HTTP,
        ),
        PeerIncompatible::EcPointsExtensionRequired
        | PeerIncompatible::NoEcPointFormatsInCommon
        | PeerIncompatible::UncompressedEcPointsRequired => {
            Told::new("it knows only forms of elliptic curves that nobody uses", USE_HTTP)
        }
        other => Told::new(
            format!("it cannot do what is needed here: {}", show(format!("{other:?}").as_bytes())),
            USE_HTTP,
        ),
    }
}

fn no_exchange() -> Told {
    Told::new(
        "it offers no ECDHE or DHE key exchange with AES-GCM: an old iPXE build, most likely",
        USE_HTTP,
    )
}

fn no_suite(offered: Option<&Offered>) -> Told {
    match offered {
        Some(offered) if !offered.ecdhe && !offered.dhe && !offered.tls13 => no_exchange(),
        Some(offered) if !offered.rsa && offered.ecdsa => Told::new(
            "it can check ECDSA signatures only, and there is no certificate for that",
            "add an ECDSA certificate",
        ),
        Some(offered) if !offered.rsa => no_scheme(Some(offered)),
        Some(offered) if !offered.group => no_group(Some(offered)),
        _ => Told::new("it offers no cipher suite that is still safe", USE_HTTP),
    }
}

fn no_group(offered: Option<&Offered>) -> Told {
    let why = match offered {
        // Who cannot do ECDHE names no curves either.
        Some(offered) if !offered.ecdhe && !offered.dhe && !offered.tls13 => return no_exchange(),
        Some(offered) if !offered.groups => "it names no group for the key exchange",
        _ => "it offers neither X25519 nor P-256 nor P-384 for the key exchange",
    };
    Told::new(why, USE_HTTP)
}

fn no_scheme(offered: Option<&Offered>) -> Told {
    let why = match offered {
        Some(Offered { rsa: false, ecdsa: true, .. }) => {
            "it can check ECDSA signatures only, and our key is an RSA key"
        }
        Some(Offered { rsa: false, .. }) => {
            "it offers no RSA signature with SHA-256 or better (PKCS #1 or PSS)"
        }
        _ => "it offers no signature that our key can make",
    };
    Told::new(why, USE_HTTP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered() -> Offered {
        Offered { ecdhe: true, rsa: true, group: true, groups: true, ..Offered::default() }
    }

    #[test]
    fn who_does_not_trust_us_is_told_to_enrol_us() {
        let told = refused(&Error::AlertReceived(AlertDescription::UnknownCA), None);
        assert_eq!(told.why, "it does not trust our certificate authority");
        assert_eq!(told.fault, TlsFault::Untrusted);
        assert!(told.hint.starts_with("enrol our certificate authority"), "{told:?}");
        let old = refused(&Error::AlertReceived(AlertDescription::CertificateExpired), None);
        assert!(old.hint.starts_with("check its clock"), "{old:?}");
        assert_eq!(old.fault, TlsFault::Time);
    }

    #[test]
    fn what_a_client_cannot_do_is_named() {
        let suite = Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon);
        let old = Offered { ecdhe: false, ..offered() };
        assert!(refused(&suite, Some(&old)).why.contains("with AES-GCM: an old iPXE build"));
        let curve = Offered { group: false, ..offered() };
        assert!(refused(&suite, Some(&curve)).why.contains("neither X25519 nor P-256"));
        let ecdsa = Offered { rsa: false, ecdsa: true, ..offered() };
        assert!(refused(&suite, Some(&ecdsa)).hint.contains("ECDSA certificate"));
        let version = Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered);
        assert!(refused(&version, None).why.contains("only TLS 1.0 or 1.1"));
        assert_eq!(refused(&version, None).fault, TlsFault::Version);
        assert_eq!(refused(&suite, Some(&old)).fault, TlsFault::Key);
        let scheme = Error::PeerIncompatible(PeerIncompatible::NoSignatureSchemesInCommon);
        let none = Offered { rsa: false, ..offered() };
        assert!(refused(&scheme, Some(&none)).why.contains("no RSA signature"));
    }

    #[test]
    fn the_name_that_was_asked_for_is_shown_and_cannot_hurt() {
        let named = Offered { name: Some("boot.lan\x1b[31m".to_owned()), ..offered() };
        let told = unfinished(Unfinished::Closed, Some(&named), None);
        assert!(told.why.contains("it asked for `boot.lan") && !told.why.contains('\x1b'));
        assert!(told.hint.contains("says nothing when it does not trust"), "{told:?}");
    }

    #[test]
    fn what_firmware_does_not_say_is_found_by_elimination() {
        let named = Named {
            names: vec!["boot.lan".to_owned()],
            addresses: vec![IpAddr::from([10, 77, 0, 1])],
            until_s: 1000,
            own: true,
        };
        let told = |asked: Option<&str>, last: u8, now_s: u64, own: bool| {
            let named = Named { own, ..named.clone() };
            let shown = Shown { named: &named, at: IpAddr::from([10, 77, 0, last]), now_s };
            let offered = Offered { name: asked.map(str::to_owned), ..offered() };
            let Told { why, hint, .. } =
                unfinished(Unfinished::Closed, Some(&offered), Some(&shown));
            format!("{why} | {hint}")
        };
        for (said, words) in [
            (
                told(None, 1, 1000, true),
                "has not enrolled the CA above it, or another | enrol our CA",
            ),
            (told(None, 1, 1000, false), "| enrol the root above our certificate"),
            (
                told(None, 2, 1000, true),
                "does not name 10.77.0.2, as its URL does | bootwright tls init --address 10.77.0.2",
            ),
            (told(None, 2, 1000, false), "| have a certificate made that names 10.77.0.2"),
            (told(None, 1, 1001, true), "our certificate is over | bootwright tls init"),
            // A name in the URL counts, whatever address it leads to.
            (
                told(Some("BOOT.lan"), 2, 1000, true),
                "our certificate names BOOT.lan and is in time",
            ),
            (told(Some("b.lan"), 1, 1000, true), "does not name b.lan, as its URL does"),
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}
