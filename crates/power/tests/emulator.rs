//! Redfish against `sushy-emulator`: a service that was not written for this client.
//!
//! It has no sessions, no ETags, no tasks and no list of one-time overrides: it shows every
//! override as `Continuous`, turns `UefiHttp` without a URL into `Pxe`, cannot take an override
//! back, and its fake driver keeps no `HttpBootUri`, memory, processors or serial number. Those are
//! tested against the service of `hostile.rs`.

mod support;

use power::redfish::{Account, Fingerprint, Login, Policy, RedfishError, Trust, Which};
use power::{
    BootOnce, BootTarget, Outcome, Power, PowerState, Redfish, Secret, Turn, redfish::SecureBoot,
};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use support::emulator::{Emulator, MAC, OTHER, PASSWORD, USER, UUID};

fn account(password: &str) -> Account {
    Account::new(USER.to_owned(), Secret::new(password.to_owned()), Login::Either)
}

fn bmc(emulator: &Emulator, trust: Trust, which: Which) -> Redfish {
    Redfish::new(&emulator.url, trust, account(PASSWORD), which, Policy::default()).unwrap()
}

#[tokio::test]
async fn facts_are_read_and_what_is_not_said_is_none() {
    let Some(emulator) = Emulator::start(1, None) else { return };
    let facts = bmc(&emulator, Trust::Unencrypted, Which::Only).facts().await.unwrap();
    assert_eq!(facts.id, UUID);
    assert_eq!(facts.uuid, Some(UUID.parse().unwrap()));
    assert_eq!(facts.power, PowerState::Off);
    assert_eq!(facts.manufacturer.as_deref(), Some("Sushy Emulator"));
    assert_eq!((facts.serial, facts.memory_mib, facts.processors.count), (None, None, None));
    let secure = facts.secure_boot.unwrap();
    let mode = Some("DeployedMode".to_owned());
    assert_eq!(secure, SecureBoot { enabled: Some(false), in_force: Some(false), mode });
    assert_eq!(facts.nics.len(), 1);
    assert_eq!(facts.nics[0].mac, Some(MAC.parse().unwrap()));
    assert!(facts.turns.unwrap().contains(&"ForceRestart".to_owned()));
    assert_eq!(facts.targets.unwrap(), ["Pxe", "Cd", "Hdd", "UefiHttp"]);
    assert_eq!(facts.missing, Vec::<String>::new());
}

#[tokio::test]
async fn a_machine_is_switched_on_and_off() {
    let Some(emulator) = Emulator::start(1, None) else { return };
    let machine: Box<dyn Power> = Box::new(bmc(&emulator, Trust::Unencrypted, Which::Only));
    for (turn, then) in [
        (Turn::On, PowerState::On),
        (Turn::On, PowerState::On),
        (Turn::ForceRestart, PowerState::On),
        (Turn::GracefulShutdown, PowerState::Off),
        (Turn::ForceOff, PowerState::Off),
    ] {
        assert_eq!(machine.turn(turn).await.unwrap(), Outcome::Done, "{turn}");
        assert_eq!(machine.state().await.unwrap(), then, "{turn}");
    }
    let refused = machine.turn(Turn::PowerCycle).await.unwrap_err().to_string();
    assert!(refused.contains("does not offer PowerCycle: it lists On, ForceOff"), "{refused}");
}

#[tokio::test]
async fn the_next_boot_is_set_and_read_again() {
    let Some(emulator) = Emulator::start(1, None) else { return };
    let machine = bmc(&emulator, Trust::Unencrypted, Which::Only);
    for (target, shown) in
        [(BootTarget::Pxe, "Pxe"), (BootTarget::Hdd, "Hdd"), (BootTarget::UefiHttp, "Pxe")]
    {
        let set = machine.boot_once(&BootOnce::from(target)).await.unwrap();
        assert_eq!(set.target.as_deref(), Some(shown));
        // It knows no overrides for one boot, and that is seen.
        assert_eq!((set.enabled.as_deref(), set.agrees), (Some("Continuous"), false));
    }
    let back = machine.boot_once(&BootOnce::from(BootTarget::None)).await.unwrap_err();
    assert!(matches!(back, RedfishError::Refused { status: 400, .. }), "{back}");
}

#[tokio::test]
async fn of_several_systems_the_right_one_is_found() {
    let Some(emulator) = Emulator::start(2, None) else { return };
    let unclear = bmc(&emulator, Trust::Unencrypted, Which::Only).state().await.unwrap_err();
    let text = unclear.to_string();
    assert!(text.contains("has 2 systems") && text.contains(OTHER), "{text}");

    let by_uuid = Which::Uuid(OTHER.parse().unwrap());
    let other = bmc(&emulator, Trust::Unencrypted, by_uuid);
    assert_eq!(other.turn(Turn::On).await.unwrap(), Outcome::Done);
    let one = bmc(&emulator, Trust::Unencrypted, Which::Id(UUID.to_owned()));
    assert_eq!(
        (one.state().await.unwrap(), other.state().await.unwrap()),
        (PowerState::Off, PowerState::On)
    );
    let nobody = bmc(&emulator, Trust::Unencrypted, Which::Serial("S1".to_owned()));
    let text = nobody.state().await.unwrap_err().to_string();
    assert!(text.contains("no system with the serial number S1; it has: "), "{text}");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let Some(emulator) = Emulator::start(1, None) else { return };
    let wrong = account("wasabi-5-none");
    let machine =
        Redfish::new(&emulator.url, Trust::Unencrypted, wrong, Which::Only, Policy::default())
            .unwrap();
    let refused = machine.state().await.unwrap_err();
    assert!(matches!(refused, RedfishError::Login { .. }), "{refused}");
    assert!(refused.to_string().contains("does not let `operator` in"), "{refused}");
    assert!(!format!("{machine:?} {refused} {refused:?}").contains("wasabi"));
}

#[tokio::test]
async fn over_https_only_the_confirmed_certificate_counts() {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, authority).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let (pem, key) = (certificate.pem(), key.serialize_pem());
    let Some(emulator) = Emulator::start(1, Some((&pem, &key))) else { return };
    assert!(emulator.url.starts_with("https://"), "{}", emulator.url);

    // First sight: refused, with what is to be confirmed.
    let own = Fingerprint::of(certificate.der());
    let first = bmc(&emulator, Trust::Unconfirmed, Which::Only).state().await.unwrap_err();
    assert!(matches!(first, RedfishError::Unconfirmed { fingerprint, .. } if fingerprint == own));
    assert!(first.to_string().contains(&own.to_string()), "{first}");
    let seen = Redfish::first_fingerprint(&emulator.url, Policy::default()).await.unwrap();
    assert_eq!(seen, own);

    // Confirmed by its text.
    let pinned = Trust::Pinned(own.to_string().parse().unwrap());
    assert_eq!(bmc(&emulator, pinned, Which::Only).state().await.unwrap(), PowerState::Off);
    let by_authority = Trust::Authorities(vec![authority.der().clone()]);
    assert_eq!(bmc(&emulator, by_authority, Which::Only).state().await.unwrap(), PowerState::Off);

    // Another certificate, another authority.
    let other = Fingerprint::of(b"another");
    let changed = bmc(&emulator, Trust::Pinned(other), Which::Only).state().await.unwrap_err();
    assert!(
        matches!(&changed, RedfishError::Changed { presented, .. } if *presented == own),
        "{changed}"
    );
    let foreign = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let foreign = Trust::Authorities(vec![foreign.cert.der().clone()]);
    let unknown = bmc(&emulator, foreign, Which::Only).state().await.unwrap_err();
    assert!(matches!(unknown, RedfishError::Tls { .. }), "{unknown}");

    // Without TLS it is not asked at all, and neither the other way round.
    let plain = bmc(&emulator, Trust::Unencrypted, Which::Only).state().await.unwrap_err();
    assert!(matches!(plain, RedfishError::Encryption { .. }), "{plain}");
}
