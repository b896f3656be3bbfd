//! Who goes by an address.

use crate::house::{command, engine, mac};
use engine::Command;
use model::lease::{Lease, LeaseState};
use model::network::Mode;
use model::{Change, Now};
use std::net::IpAddr;

fn at(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_machine_goes_by_its_lease_then_by_its_neighbours() {
    let mut engine = engine(Mode::Dhcp);
    let lease = Lease {
        address: "10.77.0.150".parse().unwrap(),
        network: "lan".to_owned(),
        hardware: mac(1),
        client_id: None,
        host_name: None,
        since: Now(0),
        until: None,
        state: LeaseState::Bound,
    };
    engine.apply(&Change::Lease(lease));
    let who =
        |engine: &engine::Engine, from, neighbour| engine.machine_at(at(from), "lan", neighbour);
    assert_eq!(who(&engine, "10.77.0.150", None), None, "it is not in the inventory");
    for machine in [mac(1), mac(2)] {
        let machine = machine.to_string();
        let (name, profile, labels) = (None, None, Vec::new());
        let (settings, notes) = (Vec::new(), None);
        let set = Command::SetMachine { machine, name, profile, labels, settings, notes };
        command(&mut engine, set);
    }
    assert_eq!(who(&engine, "10.77.0.150", None), Some(mac(1)));
    assert_eq!(who(&engine, "10.77.0.150", Some(mac(2))), Some(mac(1)), "a promise outranks");
    assert_eq!(who(&engine, "10.77.0.151", Some(mac(2))), Some(mac(2)));
    assert_eq!(who(&engine, "10.77.0.151", Some(mac(3))), None);
    assert_eq!(who(&engine, "10.77.0.151", None), None);
    assert_eq!(who(&engine, "10.99.0.1", Some(mac(2))), None, "not served");
    assert_eq!(engine.machine_at(at("10.77.0.150"), "wan", None), None, "not on this link");
    assert_eq!(who(&engine, "fd77::1", Some(mac(2))), None);
}
