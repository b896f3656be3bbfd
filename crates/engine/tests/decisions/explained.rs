//! What is explained is what happens: in random worlds the explanation of a boot is compared with
//! the boot that follows, at the same moment.

use crate::house::{
    datagram, engine_with, firmware, loader, mac, reply, request, selecting, settings,
};
use engine::explain::{Explanation, Question, StageAnswer};
use engine::state::Unknown;
use engine::{Answer, Asker, BootDefaults, Command, Engine, FileAsk, Served, Settings};
use model::event::Carrier;
use model::image::LoaderKind;
use model::lease::{Reservation, ReservedFor};
use model::menu::Choice;
use model::network::Mode;
use model::rule::{Condition, MacPrefix};
use model::{Arch, Firmware, Happening, Life, Network, Now};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use wire::dhcp4::{Message, MessageType, code};

/// The next exchange.
static NEXT_XID: AtomicU32 = AtomicU32::new(1);

/// Machines that take part. The pool of a small world has room for fewer.
const MACHINES: u8 = 4;

/// What an operator, or a machine, does before the question.
#[derive(Clone, Debug)]
enum Step {
    Rule(Vec<Condition>),
    Life(u8, Life),
    OwnProfile(u8),
    Label(u8),
    Reserve(u8, u8),
    Once(u8),
    Boots(u8, Kind, Depth),
    Time(u64),
    RemoveImage,
    Signed,
}

/// A kind of firmware.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Bios,
    Uefi,
    Http,
    Arm,
    Riscv,
}

/// How far a boot gets.
#[derive(Clone, Copy, Debug)]
enum Depth {
    Discover,
    Lease,
    Script,
}

impl Kind {
    fn says(self) -> (&'static str, u16, Arch, Firmware) {
        match self {
            Self::Bios => ("PXEClient", 0, Arch::X86Bios, Firmware::Pxe),
            Self::Uefi => ("PXEClient", 7, Arch::X64Uefi, Firmware::Pxe),
            Self::Http => ("HTTPClient", 16, Arch::X64Uefi, Firmware::Http),
            Self::Arm => ("PXEClient", 11, Arch::Arm64Uefi, Firmware::Pxe),
            Self::Riscv => ("PXEClient", 27, Arch::Riscv64Uefi, Firmware::Pxe),
        }
    }

    fn discover(self, machine: u8) -> Message {
        let (class, arch, ..) = self.says();
        let mut discover = firmware(MessageType::Discover, machine, class, arch);
        // Which version its driver has cannot be imagined, and decides nothing here.
        let class = format!("{class}:Arch:{arch:05}");
        discover.options.remove(code::VENDOR_CLASS);
        discover.options.push(code::VENDOR_CLASS, class.into_bytes());
        // Each boot is an exchange of its own: what a third DISCOVER of the same gets is explained
        // from the moment when it has come.
        discover.xid = NEXT_XID.fetch_add(1, Ordering::Relaxed);
        discover
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Bios),
        Just(Kind::Uefi),
        Just(Kind::Http),
        Just(Kind::Arm),
        Just(Kind::Riscv)
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        Just(Condition::Arch(Arch::X64Uefi)),
        Just(Condition::Arch(Arch::Arm64Uefi)),
        Just(Condition::Firmware(Firmware::Http)),
        Just(Condition::VendorClass("PXEClient:Arch:00000".into())),
        Just(Condition::Label("room".into(), "3".into())),
        Just(Condition::Memory(2048)),
        Just(Condition::Network("lan".into())),
        (0..MACHINES).prop_map(|n| Condition::Mac(MacPrefix(mac(n).as_mac().unwrap().to_vec()))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let machine = 0..MACHINES;
    let life = prop_oneof![Just(Life::Approved), Just(Life::Blocked), Just(Life::Retired)];
    let depth = prop_oneof![Just(Depth::Discover), Just(Depth::Lease), Just(Depth::Script)];
    prop_oneof![
        prop::collection::vec(condition(), 0..2).prop_map(Step::Rule),
        (machine.clone(), life).prop_map(|(n, life)| Step::Life(n, life)),
        machine.clone().prop_map(Step::OwnProfile),
        machine.clone().prop_map(Step::Label),
        (machine.clone(), 98..103_u8).prop_map(|(n, at)| Step::Reserve(n, at)),
        machine.clone().prop_map(Step::Once),
        (machine.clone(), kind(), depth.clone()).prop_map(|(n, k, d)| Step::Boots(n, k, d)),
        (machine, kind(), depth).prop_map(|(n, k, d)| Step::Boots(n, k, d)),
        (1..100_000_u64).prop_map(Step::Time),
        Just(Step::RemoveImage),
        Just(Step::Signed),
    ]
}

fn world() -> impl Strategy<Value = Settings> {
    let mode = prop_oneof![
        3 => Just(Mode::Dhcp),
        2 => Just(Mode::Proxy),
        1 => Just(Mode::Auto),
        1 => Just(Mode::Listen)
    ];
    let default = || {
        prop_oneof![
            Just(Unknown::Menu),
            Just(Unknown::Pending),
            Just(Unknown::LocalDisk),
            Just(Unknown::Silent)
        ]
    };
    (mode, default(), default()).prop_map(|(mode, unknown, approved)| {
        let mut settings = settings(mode);
        // So few that some worlds run out of them.
        settings.networks = vec![Network {
            pools: vec!["10.77.0.100-10.77.0.102".parse().unwrap()],
            ..crate::house::network(mode)
        }];
        settings.boot = BootDefaults { unknown, approved, ..settings.boot };
        settings
    })
}

/// Does what may be refused; what is refused changes nothing.
fn attempt(engine: &mut Engine, now: Now, command: Command) {
    if let Ok(decided) = engine.command(now, command) {
        for change in &decided.changes {
            engine.apply(change);
        }
    }
}

fn take(engine: &mut Engine, now: &mut Now, step: Step) {
    let set = |machine: u8, profile, labels| Command::SetMachine {
        machine: mac(machine).to_string(),
        name: None,
        profile,
        labels,
        settings: vec![],
        notes: None,
    };
    let named = |machine: u8| mac(machine).to_string();
    let command = match step {
        Step::Rule(conditions) => Command::AddRule { conditions, profile: "debian".into() },
        Step::Life(machine, life) => Command::SetLife(named(machine), life),
        Step::OwnProfile(machine) => set(machine, Some(Some("debian".into())), vec![]),
        Step::Label(machine) => set(machine, None, vec![("room".into(), Some("3".into()))]),
        Step::Reserve(machine, last) => Command::AddReservation(Reservation {
            address: Ipv4Addr::new(10, 77, 0, last),
            holder: ReservedFor::Mac(mac(machine)),
            host_name: None,
            since: *now,
        }),
        Step::Once(machine) => Command::BootOnce {
            machine: named(machine),
            what: Choice::Profile("debian".into()),
            within: Duration::from_secs(3600),
            by: "ada".into(),
            seed: model::Hash([7; 32]),
        },
        Step::Boots(machine, kind, depth) => return boots(engine, *now, machine, kind, depth),
        Step::Time(s) => {
            *now = *now + Duration::from_secs(s);
            let noted = engine.tidy(*now);
            return noted.changes.iter().for_each(|change| engine.apply(change));
        }
        Step::RemoveImage => Command::RemoveImage("debian-12-amd64".into(), None),
        Step::Signed => {
            engine.apply(&loader("shimx64.efi", LoaderKind::Shim, Arch::X64Uefi));
            return engine.apply(&loader("grubx64.efi", LoaderKind::Grub, Arch::X64Uefi));
        }
    };
    attempt(engine, *now, command);
}

fn boots(engine: &mut Engine, now: Now, machine: u8, kind: Kind, depth: Depth) {
    let Answer::Reply(out) = engine.dhcp(now, &datagram(&kind.discover(machine))).answer else {
        return;
    };
    let offer = Message::parse(&out.bytes).unwrap();
    if matches!(depth, Depth::Discover) || offer.yiaddr.is_unspecified() {
        return;
    }
    take_up(engine, now, machine, kind, offer.yiaddr);
    if matches!(depth, Depth::Script) {
        let _ = engine.file(now, &asks(machine, offer.yiaddr));
    }
}

/// It asks for what it was offered, and gets it.
fn take_up(engine: &mut Engine, now: Now, machine: u8, kind: Kind, address: Ipv4Addr) {
    let mut wish = kind.discover(machine);
    wish.options = selecting(machine, address, crate::house::US).options;
    let _ = reply(engine.dhcp(now, &datagram(&wish)));
}

/// A loader asks for its script, as the machine with this card.
fn asks(machine: u8, from: Ipv4Addr) -> FileAsk {
    FileAsk {
        by: Carrier::Http,
        name: "boot.ipxe".into(),
        from: SocketAddr::from((from, 40_000)),
        at: SocketAddr::from((crate::house::US, 80)),
        link: "lan".into(),
        says: Asker::default(),
        neighbour: Some(mac(machine)),
        agent: None,
        body: None,
        head_only: false,
    }
}

fn stage<'a>(explained: &'a Explanation, named: &str) -> Option<&'a StageAnswer> {
    explained.stages.iter().find(|stage| stage.stage == named)
}

/// Compares with what its DISCOVER gets, then with what its loader is told.
fn compare(mut engine: Engine, now: Now, machine: u8, kind: Kind, told: bool) {
    let (_, _, arch, firmware) = kind.says();
    let question = Question {
        machine: mac(machine).to_string(),
        // Whoever was heard as this kind needs no more words.
        arch: Some(arch).filter(|_| told),
        firmware: Some(firmware).filter(|_| told),
        ..Question::default()
    };
    let explained = engine.explain(now, &question).unwrap();
    let first = stage(&explained, "firmware").unwrap();
    let address = stage(&explained, "address");
    let live = engine.dhcp(now, &datagram(&kind.discover(machine)));
    let happened = live.events.iter().find_map(|event| match &event.what {
        Happening::Answered { address, file, because, .. } => {
            Some((*address, file.clone(), because.clone()))
        }
        _ => None,
    });
    let why = match live.answer {
        Answer::Silence(why) => Some(why),
        Answer::Reply(_) => None,
    };
    // Without an address there is no answer, whatever would be in it.
    if let Some(no_address) = address.and_then(|stage| stage.silence.clone()) {
        assert_eq!(why, Some(no_address));
        return;
    }
    let Some((given, file, because)) = happened else {
        assert_eq!(why, first.silence, "{explained:#?}");
        return;
    };
    let offered = address.and_then(|stage| stage.gets.clone());
    assert_eq!(
        given.map(|ip| ip.to_string()),
        offered.map(|gets| gets.split(' ').next().unwrap_or_default().to_owned())
    );
    let named = first.gets.as_deref().and_then(|gets| gets.rsplit(' ').next());
    assert_eq!(file.as_deref(), named, "{explained:#?}");
    for reason in because.iter().filter(|_| file.is_some()) {
        assert!(first.because.contains(reason), "{reason} is not in {first:#?}");
    }
    let Some(script) = stage(&explained, "ipxe") else { return };
    // Beside another server its address is one that we do not know of.
    let at = match given {
        Some(IpAddr::V4(given)) => given,
        _ => Ipv4Addr::new(10, 77, 0, 50),
    };
    if given.is_some() {
        take_up(&mut engine, now, machine, kind, at);
    }
    let text = match engine.file(now, &asks(machine, at)).answer {
        Answer::Reply(found) => match found.what {
            Served::Text(text) => text,
            other => panic!("{other:?} instead of a script"),
        },
        Answer::Silence(why) => panic!("no script: {why}; explained {script:#?}"),
    };
    assert_eq!(Some(text), script.text);
}

proptest! {
    #[test]
    fn what_is_explained_is_what_happens(
        settings in world(),
        steps in prop::collection::vec(step(), 0..14),
        machine in 0..MACHINES,
        kind in kind(),
        heard in any::<bool>(),
    ) {
        let mut engine = engine_with(settings);
        let mut now = Now(1_800_000_000_000);
        for step in steps {
            take(&mut engine, &mut now, step);
        }
        if heard {
            boots(&mut engine, now, machine, kind, Depth::Discover);
        }
        compare(engine, now, machine, kind, !heard);
    }
}

#[test]
fn a_full_pool_is_explained_as_such() {
    let mut settings = settings(Mode::Dhcp);
    settings.networks[0].pools = vec!["10.77.0.100-10.77.0.100".parse().unwrap()];
    let mut engine = engine_with(settings);
    crate::house::lease(&mut engine, Now(0), 1);
    let question =
        Question { machine: mac(2).to_string(), arch: Some(Arch::X64Uefi), ..Question::default() };
    let explained = engine.explain(Now(1), &question).unwrap();
    let why = stage(&explained, "address").unwrap().silence.clone().unwrap();
    assert_eq!(
        why,
        crate::house::silence(engine.dhcp(Now(1), &datagram(&request(MessageType::Discover, 2))))
    );

    // When the lease has ended, the address may be another's.
    let later = Question { at: Some(Now(0) + Duration::from_secs(200_000)), ..question };
    let explained = engine.explain(Now(1), &later).unwrap();
    let address = stage(&explained, "address").unwrap();
    assert_eq!(address.gets.as_deref(), Some("10.77.0.100 of 10.77.0.0/24"));
    assert!(address.because[0].to_string().contains("free longest"), "{address:?}");
}

#[test]
fn a_reservation_is_explained_as_such() {
    let mut engine = engine_with(settings(Mode::Dhcp));
    take(&mut engine, &mut Now(0), Step::Reserve(3, 7));
    let question =
        Question { machine: mac(3).to_string(), arch: Some(Arch::X64Uefi), ..Question::default() };
    let explained = engine.explain(Now(0), &question).unwrap();
    let address = stage(&explained, "address").unwrap();
    assert_eq!(address.gets.as_deref(), Some("10.77.0.7 of 10.77.0.0/24"));
    assert_eq!(address.because[0].to_string(), "it is reserved for this machine");
    let (_, offer) = reply(engine.dhcp(Now(0), &datagram(&Kind::Uefi.discover(3))));
    assert_eq!(offer.yiaddr, Ipv4Addr::new(10, 77, 0, 7));
}
