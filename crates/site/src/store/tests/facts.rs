//! Every fact comes back.

use super::*;
use model::hardware::{Disk, Hardware};
use model::lease::ReservedFor;
use model::machine::Life;
use model::menu::{Choice, Entry, Menu};
use model::option::DhcpOption;
use model::rule::{Condition, Rule};
use model::{Arch, Asset, Channel, Channels, Firmware, Hash, LoaderKind, Uuid};
use proptest::prelude::*;

/// Text as it may come from the wire or from operators.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9._-]{1,3}", "\\PC{0,12}", Just("a\u{0}\"'\\\u{1b}\u{202e}".to_owned())]
}

fn hardware() -> impl Strategy<Value = HardwareAddress> {
    prop_oneof![
        (0u8..6).prop_map(|n| HardwareAddress::mac([2, 0, 0, 0, 0, n])),
        Just(HardwareAddress::new(32, &[])),
        any::<[u8; 16]>().prop_map(|bytes| HardwareAddress::new(7, &bytes)),
    ]
}

fn any_lease() -> impl Strategy<Value = Lease> {
    let state = prop_oneof![
        Just(LeaseState::Bound),
        Just(LeaseState::Released),
        Just(LeaseState::Declined),
        Just(LeaseState::Conflict)
    ];
    let id = prop::option::of(prop::collection::vec(any::<u8>(), 0..20));
    let times = (0..u64::MAX / 2, prop::option::of(0..u64::MAX / 2));
    // Leases keep even addresses that have no spelling.
    let who = prop_oneof![
        hardware(),
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..16))
            .prop_map(|(kind, bytes)| HardwareAddress::new(kind, &bytes))
    ];
    (0u32..20, text(), who, id, prop::option::of(text()), times, state).prop_map(
        |(number, network, hardware, client_id, host_name, (since, until), state)| Lease {
            address: Ipv4Addr::from(0x0a00_0000 + number),
            network,
            hardware,
            client_id,
            host_name,
            since: Now(since),
            until: until.map(Now),
            state,
        },
    )
}

fn any_machine() -> impl Strategy<Value = Machine> {
    let labels = prop::collection::btree_map(text(), text(), 0..3);
    let arch = prop::option::of(prop::sample::select(Arch::ALL));
    let life = prop::sample::select(Life::ALL);
    let uuid = prop::option::of(any::<[u8; 16]>().prop_map(Uuid));
    (hardware(), prop::option::of(text()), uuid, arch, life, labels, any::<u64>(), text()).prop_map(
        |(hardware, name, uuid, arch, life, labels, seen, link)| Machine {
            hardware,
            name: name.clone(),
            uuid,
            serial: name.clone(),
            arch,
            firmware: arch.map(|_| Firmware::Http),
            memory_mib: Some(seen),
            vendor_class: name.clone(),
            link,
            first_seen: Now(seen),
            last_seen: Now(seen),
            life,
            profile: name,
            labels,
            options: arch
                .map(|_| DhcpOption { code: 66, value: vec![0, 255], always: true })
                .into_iter()
                .collect(),
        },
    )
}

fn reserved_for() -> impl Strategy<Value = ReservedFor> {
    let id = || prop::collection::vec(any::<u8>(), 0..9);
    let relay = prop::option::of(Just(Ipv4Addr::new(10, 1, 0, 1)));
    prop_oneof![
        hardware().prop_map(ReservedFor::Mac),
        id().prop_map(ReservedFor::ClientId),
        any::<[u8; 16]>().prop_map(|bytes| ReservedFor::Uuid(Uuid(bytes))),
        (relay, id()).prop_map(|(relay, id)| ReservedFor::Circuit { relay, id }),
    ]
}

fn any_change() -> impl Strategy<Value = Change> {
    let short = || prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    let profile =
        (short(), text(), prop::option::of(any::<u32>())).prop_map(|(name, args, version)| {
            Profile { name, image: args.clone(), version, channel: Channel::Test, args }
        });
    let rule = (any::<u32>(), text(), any::<u64>()).prop_map(|(id, text, number)| Rule {
        id,
        conditions: vec![
            Condition::Serial(text.clone()),
            Condition::Memory(number),
            Condition::Mac("52:54".parse().unwrap()),
            Condition::Label(text.clone(), text.clone()),
        ],
        profile: text,
    });
    let entry = (short(), text(), any::<bool>()).prop_map(|(key, title, hidden)| Entry {
        key,
        choice: if hidden { Choice::LocalDisk } else { Choice::Image(title.clone()) },
        title,
        group: None,
        hidden,
        locked: hidden,
    });
    let menu = prop::collection::vec(entry, 0..3).prop_map(|entries| Menu {
        entries,
        default: None,
        password: None,
    });
    let image =
        (short(), 1u32..4, any::<[u8; 32]>(), text()).prop_map(|(name, version, hash, title)| {
            let asset = Asset::whole(title.clone(), Hash(hash), u64::MAX);
            Image {
                version,
                title: title.clone(),
                archs: vec![Arch::X64Uefi],
                recognised_by: title.clone(),
                assets: vec![asset].into_iter().collect(),
                ..Image::new(name, title, Now(3))
            }
        });
    let loader = (short(), any::<[u8; 32]>()).prop_map(|(name, hash)| Loader {
        name: name.clone(),
        kind: LoaderKind::Shim,
        arch: Arch::X64Uefi,
        version: "1".to_owned(),
        path: name,
        sha256: Hash(hash),
        size: 1,
        signers: vec!["x".to_owned()],
    });
    let link = prop::option::of(prop_oneof![short(), Just("all".to_owned()), Just(String::new())]);
    let reservation = (0u32..9, reserved_for(), prop::option::of(text())).prop_map(
        |(number, holder, host_name)| {
            let (address, since) = (lease(number).address, Now(7));
            Reservation { address, holder, host_name, since }
        },
    );
    prop_oneof![
        4 => any_lease().prop_map(Change::Lease),
        4 => any_lease().prop_map(Change::LeasePast),
        1 => (0..u64::MAX / 2).prop_map(|moment| Change::PastGone(Now(moment))),
        2 => reservation.prop_map(Change::Reservation),
        1 => (0u32..9).prop_map(|n| Change::ReservationGone(lease(n).address)),
        2 => (0u32..20).prop_map(|n| Change::LeaseGone(lease(n).address)),
        4 => any_machine().prop_map(Change::Machine),
        1 => hardware().prop_map(Change::MachineGone),
        2 => (hardware(), prop::option::of(text()), any::<u64>()).prop_map(|(of, serial, size)| {
            let disk = Disk { name: "sda".to_owned(), size_bytes: Some(size), serial, ..Disk::default() };
            Change::Hardware(of, Box::new(Hardware { disks: vec![disk], ..Hardware::default() }))
        }),
        1 => profile.prop_map(Change::Profile),
        1 => short().prop_map(Change::ProfileGone),
        1 => prop::collection::vec(rule, 0..4).prop_map(Change::Rules),
        1 => (link, menu).prop_map(|(link, menu)| Change::Menu(link, menu)),
        1 => image.prop_map(Change::Image),
        1 => (short(), 1u32..4).prop_map(|(name, version)| Change::ImageGone(name, version)),
        1 => (short(), prop::collection::vec(1u32..9, 0..3)).prop_map(|(name, past)| {
            Change::Channels(name, Channels { stable: past.last().copied(), test: None, past, last: 0 })
        }),
        1 => loader.prop_map(Change::Loader),
        1 => short().prop_map(Change::LoaderGone),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_fact_comes_back_as_it_was(
        batches in prop::collection::vec(prop::collection::vec(any_change(), 1..120), 1..5)
    ) {
        let state = tempfile::tempdir().unwrap();
        let (facts, kept) = runtime().block_on(async {
            let mut store = Store::open(state.path()).await.unwrap();
            for (moment, batch) in batches.iter().enumerate() {
                store.keep(Now(moment as u64), batch).await.unwrap();
            }
            store.close().await;
            let store = Store::open(state.path()).await.unwrap();
            let kept = store.kept();
            store.close().await;
            (reopened(state.path()).await, kept)
        });
        prop_assert_eq!(by_name(&facts.changes), by_name(&batches.concat()));
        prop_assert!(facts.damaged.is_empty());
        prop_assert_eq!(kept, Some(Now(batches.len() as u64 - 1)));
    }
}
