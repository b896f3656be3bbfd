//! Power: which way leads to a machine that sleeps, which settings are taken, and who is given a secret.

use crate::house::{command, engine, mac, network, settings};
use engine::{Command, Engine};
use model::network::Mode;
use model::power::{BmcSettings, WakeSettings, WakeVia, WakeWay, own_credential};
use model::template::Template;
use model::{Change, HardwareAddress, Machine, Network, Now, PowerSettings};
use std::net::Ipv4Addr;

/// One machine, on a link with a network of our own and one behind a relay.
fn house() -> Engine {
    let mut engine = engine(Mode::Dhcp);
    let far = Network {
        relays: vec![Ipv4Addr::new(10, 81, 0, 1)],
        pools: Vec::new(),
        ..Network::new("lan", Mode::Dhcp, crate::house::US, "10.81.0.0/22".parse().unwrap())
    };
    let networks = vec![network(Mode::Dhcp), far];
    engine.configure(engine::Settings { networks, ..settings(Mode::Dhcp) });
    let mut machine = Machine::new(mac(1), Now(0));
    machine.link = "lan".into();
    engine.apply(&Change::Machine(machine));
    engine
}

fn lease(engine: &mut Engine, address: [u8; 4]) {
    engine.apply(&Change::Lease(model::Lease {
        address: address.into(),
        network: "lan".into(),
        hardware: mac(1),
        client_id: None,
        host_name: None,
        since: Now(1),
        until: Some(Now(2)),
        state: model::lease::LeaseState::Released,
    }));
}

fn far() -> WakeWay {
    WakeWay::Directed(Ipv4Addr::new(10, 81, 3, 255))
}

fn bmc(credential: &str) -> BmcSettings {
    BmcSettings {
        url: "https://10.9.0.1".into(),
        user: "operator".into(),
        credential: credential.into(),
        fingerprint: Some("AA".into()),
        system: None,
        insecure_http: false,
    }
}

fn set(of: HardwareAddress, bmc: BmcSettings, sealed: Option<&str>) -> Command {
    let (machine, power) = (of.to_string(), PowerSettings::Redfish(bmc));
    Command::SetPower { machine, power, sealed: sealed.map(str::to_owned) }
}

fn refused(engine: &Engine, command: Command) -> String {
    engine.command(Now(0), command).unwrap_err().to_string()
}

#[test]
fn a_machine_is_woken_where_it_was_last() {
    let mut engine = house();
    let ways = |engine: &Engine| engine.wake_ways(&mac(1), &WakeVia::WhereHeard).unwrap();
    let near = WakeWay::Interface("lan".into());
    assert_eq!(ways(&engine), [near.clone(), far()], "it had no address: both are tried");
    lease(&mut engine, [10, 77, 0, 100]);
    assert_eq!(ways(&engine), [near]);
    lease(&mut engine, [10, 81, 2, 9]);
    engine.apply(&Change::LeaseGone([10, 77, 0, 100].into()));
    assert_eq!(ways(&engine), [far()]);

    let relay = |last| WakeVia::Relay(Ipv4Addr::new(10, 81, 0, last));
    assert_eq!(engine.wake_ways(&mac(1), &relay(1)).unwrap(), [far()]);
    // The network beside another server names a relay, but not what is behind it.
    let unknown = WakeVia::Relay(Ipv4Addr::new(10, 80, 0, 1));
    let why = engine.wake_ways(&mac(1), &unknown).unwrap_err().to_string();
    assert!(why.contains("width is not known") && why.contains("--broadcast"), "{why}");
}

#[test]
fn a_password_goes_nowhere_unasked() {
    let mut engine = house();
    let own = own_credential(&mac(1));
    let plain = BmcSettings { url: "http://10.9.0.1".into(), fingerprint: None, ..bmc(&own) };
    let why = refused(&engine, set(mac(1), plain.clone(), Some("x")));
    assert!(why.contains("in the clear") && why.contains("--insecure-http"), "{why}");
    let unconfirmed = BmcSettings { fingerprint: None, ..bmc(&own) };
    let why = refused(&engine, set(mac(1), unconfirmed, Some("x")));
    assert!(why.contains("nobody has confirmed the certificate"), "{why}");
    let why = refused(&engine, set(mac(1), bmc(&own), None));
    assert!(why.contains("there is no secret bmc_"), "{why}");
    let why = refused(&engine, set(mac(1), bmc("user_password"), None));
    assert!(why.contains("one that templates may be given"), "{why}");
    let why = refused(&engine, set(mac(1), bmc(&own_credential(&mac(2))), None));
    assert!(why.contains("another machine's own"), "{why}");
    let why = refused(&engine, Command::SetSecret(own.clone(), "x".into()));
    assert!(why.contains("a machine's own"), "{why}");
    assert!(refused(&engine, set(mac(9), bmc(&own), None)).contains("no machine is called"));
    let says =
        command(&mut engine, set(mac(1), BmcSettings { insecure_http: true, ..plain }, Some("x")));
    assert!(says.contains("the password goes there in the clear"), "{says}");
}

#[test]
fn settings_and_their_secret_go_with_the_machine() {
    let mut engine = house();
    let own = own_credential(&mac(1));
    command(&mut engine, set(mac(1), bmc(&own), Some("sealed")));
    assert_eq!((engine.secret(&own), engine.secrets().count()), (Some("sealed"), 1));
    let why = refused(&engine, Command::RemoveSecret(own.clone()));
    assert!(why.contains("is switched with secret"), "{why}");

    // Whoever is switched by a shared secret has none of its own any more.
    command(&mut engine, Command::SetSecret("bmc_rack".into(), "shared".into()));
    command(&mut engine, set(mac(1), bmc("bmc_rack"), None));
    assert_eq!(engine.secrets().collect::<Vec<_>>(), ["bmc_rack"]);
    command(&mut engine, set(mac(1), bmc(&own), Some("sealed")));
    command(&mut engine, Command::RemovePower(mac(1).to_string()));
    assert_eq!((engine.power_of(&mac(1)), engine.secret(&own)), (None, None));

    let wake = WakeSettings { credential: Some(own.clone()), ..WakeSettings::default() };
    let (machine, power) = (mac(1).to_string(), PowerSettings::WakeOnLan(wake));
    command(&mut engine, Command::SetPower { machine, power, sealed: Some("sealed".into()) });
    command(&mut engine, Command::RemoveMachine(mac(1)));
    assert_eq!((engine.power_of(&mac(1)), engine.secret(&own)), (None, None));
    assert_eq!(engine.secret("bmc_rack"), Some("shared"));
}

#[test]
fn no_template_is_given_a_secret_of_power() {
    let mut engine = house();
    for (name, text) in [("greedy", "bmc_rack"), ("modest", "bmcx")] {
        command(&mut engine, Command::SetSecret(text.into(), "sealed".into()));
        let text = format!("d-i a/b string {{{{ secrets.{text} }}}}\n");
        let template = Template { name: format!("{name}.preseed"), format: "preseed".into(), text };
        command(&mut engine, Command::SetTemplate(template));
    }
    let preview = |name: &str| engine.preview_one(&mac(1).to_string(), name).unwrap().preview();
    assert!(preview("modest.preseed").unwrap().secrets.contains("bmcx"));
    let why = preview("greedy.preseed").unwrap_err().to_string();
    assert!(why.contains("bmc_rack"), "{why}");
}
