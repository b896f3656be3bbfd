//! Who gets which address, told by example.

use super::*;
use model::network::Mode;

fn lab(pool: &str) -> Network {
    let (server, subnet) = (Ipv4Addr::new(10, 0, 0, 1), "10.0.0.0/24".parse().unwrap());
    Network {
        pools: vec![pool.parse().unwrap()],
        lease: Some(Duration::from_secs(3600)),
        authoritative: true,
        ..Network::new("lan", Mode::Dhcp, server, subnet)
    }
}

fn mac(last: u8) -> HardwareAddress {
    HardwareAddress::mac([0x52, 0x54, 0, 0, 0, last])
}

/// The address that a client is offered.
fn held(leases: &mut Leases, now: u64, lab: &Network, asking: &Asking<'_>) -> Option<Ipv4Addr> {
    leases.hold(Now(now), lab, asking, None).map(|choice| choice.address)
}

fn asking(hardware: &HardwareAddress) -> Asking<'_> {
    Asking {
        hardware,
        client_id: None,
        uuid: None,
        circuit: None,
        host_name: None,
        never_requests: false,
        known: false,
    }
}

#[test]
fn a_client_gets_its_address_again_under_another_client_id() {
    let (lab, one) = (lab("10.0.0.100-10.0.0.199"), mac(1));
    let mut leases = Leases::new(std::slice::from_ref(&lab));
    let first = leases.hold(Now(0), &lab, &asking(&one), None).unwrap().address;
    leases.put(leases.bound(Now(0), &lab, &asking(&one), first, lab.lease));
    let installer = Asking { client_id: Some(b"\xff1234"), ..asking(&one) };
    assert_eq!(held(&mut leases, 1, &lab, &installer), Some(first));
    // Long after the end, still, while nobody else needed it.
    assert_eq!(held(&mut leases, 9_000_000, &lab, &asking(&one)), Some(first));
}

#[test]
fn an_offer_is_nobody_elses_until_it_lapses() {
    let lab = lab("10.0.0.100");
    let (one, two) = (mac(1), mac(2));
    let mut leases = Leases::new(std::slice::from_ref(&lab));
    let only = Some(Ipv4Addr::new(10, 0, 0, 100));
    assert_eq!(held(&mut leases, 0, &lab, &asking(&one)), only);
    assert_eq!(held(&mut leases, 0, &lab, &asking(&two)), None);
    assert_eq!(held(&mut leases, 300_000, &lab, &asking(&two)), only);
}

#[test]
fn zero_and_255_and_our_own_are_never_given() {
    let mut lab = lab("10.0.0.0-10.0.0.3");
    lab.subnet = "10.0.0.0/23".parse().unwrap();
    lab.router = Some(Ipv4Addr::new(10, 0, 0, 2));
    let mut leases = Leases::new(std::slice::from_ref(&lab));
    let given = |leases: &mut Leases, n| held(leases, 0, &lab, &asking(&mac(n)));
    assert_eq!(given(&mut leases, 1), Some(Ipv4Addr::new(10, 0, 0, 3)));
    assert_eq!(given(&mut leases, 2), None);
}

#[test]
fn one_client_cannot_quarantine_a_pool() {
    let (lab, one) = (lab("10.0.0.100-10.0.0.199"), mac(1));
    let mut leases = Leases::new(std::slice::from_ref(&lab));
    let mut quarantined = 0;
    for n in 0..10 {
        let address = leases.hold(Now(n), &lab, &asking(&one), None).unwrap().address;
        leases.put(leases.bound(Now(n), &lab, &asking(&one), address, lab.lease));
        match leases.declined(Now(n), &lab, &asking(&one), address) {
            Some(lease) => leases.put(lease),
            None => break,
        }
        quarantined += 1;
    }
    assert_eq!(quarantined, DECLINES_PER_HOUR);
}
