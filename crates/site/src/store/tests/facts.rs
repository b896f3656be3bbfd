//! Every fact comes back.

use super::*;
use model::access::{ApiToken, Label, Owner, PasswordPhc, Role, Scope, User};
use model::deployment::{Boots, Confirm, End, Install, Report, Step};
use model::dns::{NameData, NameRecord, Published, PublishedAt};
use model::hardware::{Disk, Hardware};
use model::lease::{ReservedFor, ReservedFor6};
use model::life::{Before, Move};
use model::menu::{Choice, Entry, Menu};
use model::option::DhcpOption;
use model::power::{BmcSettings, PowerSettings, WakeSettings, WakeVia};
use model::rule::{Condition, Rule};
use model::setting::Setting;
use model::webhook::{Filter, SigningKey};
use model::{Arch, Asset, Channel, Channels, Declarable, Firmware, Hash, LoaderKind, Uuid};
use proptest::prelude::*;
use std::net::Ipv6Addr;
use std::time::Duration;

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

fn address6(n: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, n)
}

fn any_lease6() -> impl Strategy<Value = Lease6> {
    let state = prop_oneof![
        Just(LeaseState::Bound),
        Just(LeaseState::Released),
        Just(LeaseState::Declined)
    ];
    let whose = (prop::collection::vec(any::<u8>(), 3..20), any::<u32>(), any::<Option<[u8; 6]>>());
    let times = (0..u64::MAX / 2, prop::option::of(0..u64::MAX / 2));
    (0u16..9, text(), whose, prop::option::of(text()), times, state).prop_map(
        |(n, network, (duid, iaid, mac), host_name, (since, until), state)| Lease6 {
            address: address6(n),
            network,
            duid,
            iaid,
            hardware: mac.map(HardwareAddress::mac),
            host_name,
            since: Now(since),
            until: until.map(Now),
            state,
        },
    )
}

fn reserved_for6() -> impl Strategy<Value = ReservedFor6> {
    prop_oneof![
        any::<[u8; 6]>().prop_map(|mac| ReservedFor6::Mac(HardwareAddress::mac(mac))),
        prop::collection::vec(any::<u8>(), 3..20).prop_map(ReservedFor6::Duid),
        any::<[u8; 16]>().prop_map(|bytes| ReservedFor6::Uuid(Uuid(bytes))),
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
    let life = prop::sample::select(vec![Move::Approve, Move::Block, Move::Retire, Move::Arm]);
    let uuid = prop::option::of(any::<[u8; 16]>().prop_map(Uuid));
    (hardware(), prop::option::of(text()), uuid, arch, life, labels, any::<u64>(), text()).prop_map(
        |(hardware, name, uuid, arch, step, labels, seen, link)| {
            let mut machine = Machine::new(hardware, Now(seen));
            machine.uuid = uuid;
            machine.serial.clone_from(&name);
            machine.arch = arch;
            machine.firmware = arch.map(|_| Firmware::Http);
            machine.memory_mib = Some(seen);
            machine.vendor_class.clone_from(&name);
            machine.link = link;
            machine.labels = labels.into();
            machine.options = arch
                .map(|_| DhcpOption { code: 66, value: vec![0, 255], always: true })
                .into_iter()
                .collect();
            machine.settings = [("disk".to_owned(), Setting::Whole(7))].into();
            machine.notes.clone_from(name.as_ref().unwrap_or(&machine.link));
            machine.profile.clone_from(&name);
            machine.name = name;
            machine.moved(step).unwrap_or(machine)
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

fn power() -> impl Strategy<Value = PowerSettings> {
    let via = prop_oneof![
        Just(WakeVia::WhereHeard),
        text().prop_map(WakeVia::Interface),
        Just(WakeVia::Relay(Ipv4Addr::new(10, 80, 0, 1))),
    ];
    let credential = || prop::option::of(text());
    let wake =
        (via, prop::option::of(any::<u16>()), credential()).prop_map(|(via, port, credential)| {
            PowerSettings::WakeOnLan(WakeSettings { via, port, credential })
        });
    let bmc = (text(), text(), credential(), any::<bool>()).prop_map(
        |(url, user, fingerprint, insecure_http)| {
            let (credential, system) = (user.clone(), fingerprint.clone());
            let bmc = BmcSettings { url, user, credential, fingerprint, system, insecure_http };
            PowerSettings::Redfish(bmc)
        },
    );
    prop_oneof![wake, bmc]
}

fn any_install() -> impl Strategy<Value = Install> {
    (text(), any::<bool>(), prop::option::of(any::<[u8; 32]>()), any::<u8>()).prop_map(
        |(template, plain_http, token, wrong)| Install {
            secrets: vec![template.clone()],
            disk: format!("serial:{template}"),
            template,
            plain_http,
            power: plain_http,
            confirm: plain_http.then_some(Confirm { typed: Some(Now(3)), wrong }),
            before: Before::Deployed,
            answer: token.map(Hash),
            report: token.map(Hash),
        },
    )
}

fn any_deployment() -> impl Strategy<Value = Deployment> {
    let install = prop::option::of(any_install());
    let words = (text(), text());
    (1u32..9, hardware(), install, words, any::<[u8; 32]>(), 0usize..5).prop_map(
        |(id, machine, install, (by, says), seed, steps)| {
            let boots = Boots { profile: None, image: says.clone(), version: id };
            let times = (Now(1), Now(u64::MAX));
            let mut of =
                Deployment::armed((id, Hash(seed)), machine, (boots, install), times, by.clone());
            of.batch = Some(id).filter(|id| id % 2 == 0);
            let all = [
                Step::Claim("10.0.0.1".parse().unwrap()),
                Step::Take("preseed.cfg".to_owned(), "fd77::2".parse().unwrap()),
                Step::Report(Report::Progress, says),
                Step::End(End::Frozen { why: by }),
            ];
            for step in all.into_iter().take(steps) {
                of = of.after(Now(2), step).unwrap_or(of);
            }
            of
        },
    )
}

fn any_batch() -> impl Strategy<Value = Batch> {
    let waiting = prop::collection::vec(hardware(), 0..3);
    (1u32..4, text(), any_install(), waiting, any::<bool>()).prop_map(
        |(id, profile, install, waiting, paused)| Batch {
            id,
            by: profile.clone(),
            profile,
            within: Duration::from_secs(60),
            at_once: id,
            pause_after: 0,
            disk: paused.then(|| "size:1..2".to_owned()),
            install,
            turns: waiting.iter().map(|machine| (*machine, id)).collect(),
            waiting,
            paused,
            begun: Now(5),
            seed: Hash([9; 32]),
        },
    )
}

fn any_change() -> impl Strategy<Value = Change> {
    let short = || prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    let profile =
        (short(), text(), prop::option::of(any::<u32>())).prop_map(|(name, args, version)| {
            Profile {
                name,
                image: args.clone(),
                version,
                channel: Channel::Test,
                args,
                template: None,
                settings: Default::default(),
            }
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
    let declarable = || {
        prop_oneof![
            hardware().prop_map(Declarable::Machine),
            short().prop_map(Declarable::Profile),
            Just(Declarable::Rules),
        ]
    };
    let link = prop::option::of(prop_oneof![short(), Just("all".to_owned()), Just(String::new())]);
    let reservation = (0u32..9, reserved_for(), prop::option::of(text())).prop_map(
        |(number, holder, host_name)| {
            let (address, since) = (lease(number).address, Now(7));
            Reservation { address, holder, host_name, since }
        },
    );
    let template = (short(), text()).prop_map(|(name, text)| Template {
        name,
        format: "preseed".to_owned(),
        text,
    });
    let data = prop_oneof![
        any::<[u8; 4]>().prop_map(|a| NameData::A(a.into())),
        any::<[u8; 16]>().prop_map(|a| NameData::Aaaa(a.into())),
        text().prop_map(NameData::Txt),
        text().prop_map(NameData::Cname),
        (any::<[u16; 3]>(), text()).prop_map(|([priority, weight, port], target)| {
            NameData::Srv { priority, weight, port, target }
        }),
    ];
    let record = (any::<u32>(), data).prop_map(|(ttl_s, data)| NameRecord { ttl_s, data });
    let names = (short(), proptest::collection::vec(record, 0..4));
    let webhook = (short(), text(), any::<([u8; 32], bool, bool)>()).prop_map(
        |(name, url, (key, enabled, allow_private))| Webhook {
            name,
            url,
            events: vec![Filter::All, Filter::Kind("alarm".to_owned())],
            enabled,
            allow_private,
            key: SigningKey::new(&key),
        },
    );
    prop_oneof![
        4 => any_lease().prop_map(Change::Lease),
        4 => any_lease().prop_map(Change::LeasePast),
        1 => (0..u64::MAX / 2).prop_map(|moment| Change::PastGone(Now(moment))),
        2 => reservation.prop_map(Change::Reservation),
        1 => (0u32..9).prop_map(|n| Change::ReservationGone(lease(n).address)),
        3 => any_lease6().prop_map(Change::Lease6),
        1 => (0u16..9).prop_map(|n| Change::Lease6Gone(address6(n))),
        1 => (0u16..9, reserved_for6(), prop::option::of(text())).prop_map(|(n, holder, host_name)| {
            Change::Reservation6(Reservation6 { address: address6(n), holder, host_name, since: Now(7) })
        }),
        1 => (0u16..9).prop_map(|n| Change::Reservation6Gone(address6(n))),
        2 => (0u32..20).prop_map(|n| Change::LeaseGone(lease(n).address)),
        4 => any_machine().prop_map(Change::Machine),
        1 => hardware().prop_map(Change::MachineGone),
        2 => (hardware(), prop::option::of(text()), any::<u64>()).prop_map(|(of, serial, size)| {
            let disk = Disk { name: "sda".to_owned(), size_bytes: Some(size), serial, ..Disk::default() };
            Change::Hardware(of, Box::new(Hardware { disks: vec![disk], ..Hardware::default() }))
        }),
        2 => (hardware(), power()).prop_map(|(of, power)| Change::Power(of, Box::new(power))),
        1 => hardware().prop_map(Change::PowerGone),
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
        1 => (short(), scope()).prop_map(|(name, scope)| Change::User(user(name, scope))),
        1 => short().prop_map(Change::UserGone),
        1 => (short(), text(), scope(), any::<u64>()).prop_map(|(id, name, scope, until)| {
            Change::ApiToken(token(id, name, scope, Now(until)))
        }),
        1 => short().prop_map(Change::ApiTokenGone),
        1 => template.prop_map(Change::Template),
        1 => short().prop_map(Change::TemplateGone),
        1 => (short(), text()).prop_map(|(name, sealed)| Change::Secret(name, sealed)),
        1 => short().prop_map(Change::SecretGone),
        3 => any_deployment().prop_map(Change::Deployment),
        1 => (1u32..9).prop_map(Change::DeploymentGone),
        1 => any_batch().prop_map(Change::Batch),
        1 => (1u32..4).prop_map(Change::BatchGone),
        1 => names.prop_map(|(name, all)| Change::Names(name, all)),
        2 => (0u8..4, prop::option::of((any::<[u8; 4]>(), short()))).prop_map(|(n, what)| {
            let (server, zone) = (([192, 0, 2, n], 53).into(), "lab.example".to_owned());
            let what = what.map(|(address, pointer)| Published {
                dhcid: "000201".to_owned(),
                addresses: [address.into()].into(),
                pointers: [pointer].into(),
            });
            Change::Published(PublishedAt { server, zone, name: "node.lab.example".to_owned() }, what)
        }),
        1 => webhook.prop_map(Change::Webhook),
        1 => short().prop_map(Change::WebhookGone),
        2 => (declarable(), prop::collection::btree_set(text(), 0..3))
            .prop_map(|(what, said)| Change::Declared(what, said)),
        1 => declarable().prop_map(Change::DeclaredGone),
    ]
}

fn scope() -> impl Strategy<Value = Scope> {
    let label = (text(), text()).prop_filter_map("a label says something", |(key, value)| {
        (!key.is_empty() && !key.contains('=') && !value.is_empty()).then_some(Label { key, value })
    });
    prop::collection::vec(label, 0..3).prop_map(Scope::of)
}

fn user(name: String, scope: Scope) -> User {
    let password = PasswordPhc("$argon2id$".to_owned());
    User {
        disabled: name.len() % 2 == 1,
        name,
        role: Role::Operator,
        scope,
        password,
        since: Now(1),
        changed: Now(2),
    }
}

fn token(id: String, name: String, scope: Scope, expires: Now) -> ApiToken {
    ApiToken {
        id,
        owner: if name.len() > 3 { Owner::User(name.clone()) } else { Owner::Host(name.clone()) },
        name,
        role: Role::Viewer,
        scope,
        since: Now(3),
        expires,
        secret_sha256: Hash([7; 32]),
    }
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
