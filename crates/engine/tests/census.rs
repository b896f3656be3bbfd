//! What is counted while it changes is what counting it anew gives, and a large fleet is counted
//! without a walk.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the test clocks a census and says how long it took"
)]

use engine::{Change, Engine, Now, Settings};
use model::deployment::{Boots, End, Step};
use model::lease::LeaseState;
use model::life::Move;
use model::network::Mode;
use model::{Deployment, HardwareAddress, Hash, Lease, Life, Machine, Network};
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn engine(pool: &str) -> Engine {
    let network = Network {
        pools: vec![pool.parse().unwrap()],
        ..Network::new("lan", Mode::Dhcp, US, "10.0.0.0/8".parse().unwrap())
    };
    Engine::new(Settings {
        server_name: "bench".into(),
        networks: vec![network],
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: engine::state::LEASE_HISTORY,
        boot: engine::BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    })
}

fn hardware(number: u32) -> HardwareAddress {
    let [a, b, c, d] = number.to_be_bytes();
    HardwareAddress::mac([2, 0, a, b, c, d])
}

fn machine(number: u32, steps: &[Move]) -> Machine {
    let new = Machine::new(hardware(number), Now(0));
    steps.iter().fold(new, |machine, step| machine.moved(*step).unwrap_or(machine))
}

fn lease(number: u32, until: Option<Now>, state: LeaseState) -> Lease {
    Lease {
        address: Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + number),
        hardware: hardware(number),
        client_id: None,
        network: "lan".to_owned(),
        since: Now(0),
        until,
        state,
        host_name: None,
    }
}

/// One that waits, or one that ended like this.
fn deployment(id: u32, how: Option<End>) -> Deployment {
    let boots = Boots { profile: None, image: "i".to_owned(), version: 1 };
    let (seed, when) = (Hash([7; 32]), (Now(0), Now(9)));
    let armed = Deployment::armed((id, seed), hardware(id), (boots, None), when, "ada".to_owned());
    match how {
        Some(how) => armed.after(Now(1), Step::End(how)).unwrap(),
        None => armed,
    }
}

fn change() -> impl Strategy<Value = Change> {
    let steps = prop::collection::vec(
        prop::sample::select(vec![Move::Approve, Move::Block, Move::Arm, Move::Finish, Move::Fail]),
        0..4,
    );
    let state =
        prop::sample::select(vec![LeaseState::Bound, LeaseState::Declined, LeaseState::Conflict]);
    let ends = prop::option::of(prop::sample::select(vec![End::Done, End::Expired]));
    prop_oneof![
        (0_u32..8, steps).prop_map(|(n, steps)| Change::Machine(machine(n, &steps))),
        (0_u32..8).prop_map(|n| Change::MachineGone(hardware(n))),
        (0_u32..20, prop::option::of(0_u64..100), state)
            .prop_map(|(n, until, state)| Change::Lease(lease(n, until.map(Now), state))),
        (0_u32..20).prop_map(|n| Change::LeaseGone(lease(n, None, LeaseState::Bound).address)),
        (1_u32..6, ends).prop_map(|(id, how)| Change::Deployment(deployment(id, how))),
        (1_u32..6).prop_map(Change::DeploymentGone),
    ]
}

proptest! {
    #[test]
    fn what_is_counted_as_it_changes_is_what_is_there(
        changes in prop::collection::vec(change(), 0..120),
        now in 0_u64..100,
    ) {
        let (mut engine, now) = (engine("10.1.0.0-10.1.0.9"), Now(now));
        for change in &changes {
            engine.apply(change);
        }
        let census = engine.census(now);
        for (life, count) in &census.machines {
            let plain = engine.machines().filter(|m| m.life().name() == *life).count();
            prop_assert_eq!(*count, plain, "{} in {:?}", life, changes);
        }
        for (state, count) in &census.deployments {
            let plain = engine.deployments().filter(|d| d.state().name() == *state).count();
            prop_assert_eq!(*count, plain, "{} in {:?}", state, changes);
        }
        let pool = &census.pools[0];
        let inside = |l: &&Lease| l.address.octets()[3] <= 9 && l.holds(now);
        let all: Vec<&Lease> = engine.leases().filter(inside).collect();
        let leased = all.iter().filter(|lease| lease.state == LeaseState::Bound).count();
        prop_assert_eq!((pool.leased, pool.quarantined), (leased, all.len() - leased));
        prop_assert_eq!(pool.size, 10);
    }
}

/// The owner answers no packet meanwhile: a hundred thousand machines and leases, a tenth of them
/// ended, are counted in the time of a few packets.
#[test]
fn a_large_fleet_is_counted_at_once() {
    const MACHINES: u32 = 100_000;
    let mut engine = engine("10.1.0.0-10.2.255.255");
    for number in 0..MACHINES {
        engine.apply(&Change::Machine(machine(number, &[Move::Approve])));
        let until = if number % 10 == 0 { Now(5) } else { Now(1_000_000) };
        engine.apply(&Change::Lease(lease(number, Some(until), LeaseState::Bound)));
    }
    // The quickest of a few: others have this machine, too.
    let took = |_| {
        let begun = Instant::now();
        let census = engine.census(Now(10));
        assert_eq!(census.pools[0].leased, 90_000);
        assert!(census.machines.contains(&(Life::Approved.name(), MACHINES as usize)));
        begun.elapsed()
    };
    let best = (0..10).map(took).min().unwrap();
    println!("a census of {MACHINES} machines and leases took {best:?}");
    assert!(best < Duration::from_millis(5), "{best:?}");
}
