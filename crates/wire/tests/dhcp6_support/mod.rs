//! What must hold for any bytes, and the seeds of the corpus: shared by the ordinary tests and the
//! fuzz target.

use std::net::Ipv6Addr;
use wire::dhcp6::{
    ASSOCIATION_ADDRESSES_MAX, ASSOCIATIONS_MAX, Association, Envelope, Given, HOPS_MAX, Heard,
    Kind, Message, Packet, WORDS_MAX, duid, enveloped,
};

/// Reads the bytes in every way that we read them. What could be read stays what it is when it is
/// written and read again; nothing is larger than its limit.
pub fn walk(bytes: &[u8]) {
    if let Ok(message) = Message::parse(bytes) {
        assert_eq!(message.encode(), bytes);
        let _ = (message.addresses(), message.dns(), message.vendor_classes());
    }
    let Ok(heard) = Heard::parse(bytes) else { return };
    assert!(heard.relays.len() <= HOPS_MAX);
    let packet = &heard.packet;
    assert!(packet.associations.len() <= ASSOCIATIONS_MAX);
    let addresses = packet.associations.iter().map(|ia| ia.addresses.len());
    assert!(addresses.max().unwrap_or(0) <= ASSOCIATION_ADDRESSES_MAX);
    assert!(packet.user_classes.len() <= WORDS_MAX && packet.archs.len() <= WORDS_MAX);
    for id in [&packet.client_id, &packet.server_id].into_iter().flatten() {
        assert!((duid::DUID_MIN..=duid::DUID_MAX).contains(&id.len()));
        let _ = (duid::link_layer(id), duid::uuid(id));
    }
    if let Ok(written) = packet.encode() {
        let again = Packet::parse(&written).expect("what we write is read");
        assert_eq!(again.encode().as_ref(), Ok(&written), "written twice it is the same");
        assert_eq!((again.kind, &again.client_id), (packet.kind, &packet.client_id));
        assert_eq!(again.associations, packet.associations);
    }
    // An answer goes back through the same relays, whatever they called themselves.
    let answer = enveloped(&heard.relays, vec![7, 0, 0, 1]);
    assert_eq!(answer.first(), Some(if heard.relays.is_empty() { &7 } else { &13 }));
}

fn address(text: &str) -> Ipv6Addr {
    text.parse().expect("an address")
}

/// EDK2's PXE over IPv6 asks (`PxeBcDhcp6.c`): a UUID for a name, and everything about itself.
pub fn edk2_solicit() -> Packet {
    let class = b"PXEClient:Arch:00007:UNDI:003000".to_vec();
    Packet {
        client_id: Some([&[0, 4][..], &[0x11; 16]].concat()),
        associations: vec![Association { iaid: 0x1234_5678, ..Association::default() }],
        wanted: vec![59, 60, 23, 16],
        elapsed: Some(0),
        vendor_classes: vec![(343, vec![class])],
        archs: vec![7],
        ndi: Some([1, 3, 0]),
        ..Packet::new(Kind::Solicit, [1, 2, 3])
    }
}

/// iPXE asks again, as itself.
pub fn ipxe_request() -> Packet {
    Packet {
        kind: Kind::Request,
        server_id: Some(duid::of_mac([2, 0, 0, 0, 0, 1])),
        user_classes: vec![b"iPXE".to_vec()],
        associations: vec![Association {
            iaid: 7,
            renew_s: 3600,
            rebind_s: 5400,
            addresses: vec![Given {
                address: address("fd77::100"),
                preferred_s: 7200,
                valid_s: 7200,
            }],
            status: None,
        }],
        ..edk2_solicit()
    }
}

/// Relays around it, the nearest to us first.
pub fn relays(count: u8) -> Vec<Envelope> {
    let envelope = |hops: u8| Envelope {
        hops,
        link: address("fd78::1"),
        peer: address("fe80::5054:ff:fe00:7"),
        interface_id: Some(vec![b'e', hops]),
        link_layer: (hops == 0).then(|| (1, vec![0x52, 0x54, 0, 0, 0, 7])),
    };
    (0..count).rev().map(envelope).collect()
}

/// The seeds, by the names of their files.
#[allow(dead_code, reason = "the fuzz target reads them from their files")]
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = |packet: &Packet| packet.encode().expect("a seed");
    let dhclient = Packet {
        client_id: Some([&[0, 1, 0, 1, 9, 9, 9, 9][..], &[2, 0, 0, 0, 0, 9]].concat()),
        vendor_classes: Vec::new(),
        archs: Vec::new(),
        ndi: None,
        wanted: vec![23, 24, 39, 31],
        name: Some(b"web1.lab.example".to_vec()),
        rapid_commit: true,
        ..edk2_solicit()
    };
    let inform = Packet {
        associations: Vec::new(),
        ..Packet { kind: Kind::InformationRequest, ..edk2_solicit() }
    };
    let others = Packet { unserved: vec![(25, 1), (4, 2)], ..dhclient.clone() };
    let cut = bytes(&edk2_solicit());
    vec![
        ("edk2-solicit", bytes(&edk2_solicit())),
        ("ipxe-request", bytes(&ipxe_request())),
        ("dhclient-solicit", bytes(&dhclient)),
        ("prefixes-too", bytes(&others)),
        ("information-request", bytes(&inform)),
        ("relayed", wire::dhcp6::forwarded(&relays(1), bytes(&edk2_solicit()))),
        ("relayed-eight-times", wire::dhcp6::forwarded(&relays(8), bytes(&edk2_solicit()))),
        ("cut-short", cut[..cut.len() - 3].to_vec()),
        ("association-cut-short", [&[1, 0, 0, 0, 0, 3, 0, 3][..], &[0; 3]].concat()),
        ("no-length", vec![1, 0, 0, 0, 0, 1, 0, 0]),
    ]
}
