//! Reasons decide nothing: in random worlds an engine that gives none answers the same, byte for byte, keeps
//! the same and tells the same, but for the reasons.

use crate::explained::{Depth, Kind, MACHINES, Step, asks, kind, step, take, world};
use crate::house::{US, datagram, engine_with, loader, mac, request, selecting};
use engine::{Answer, Asker, Datagram, Engine, FileAsk, Found, Outgoing, Served, Settings, Told};
use model::event::Carrier;
use model::image::LoaderKind;
use model::plan::Decision;
use model::{Arch, Client, Firmware, Happening, Now};
use proptest::prelude::*;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use wire::dhcp4::{Message, MessageType, code};

/// Lines of a script in which reasons stand.
const SAYS_WHY: [&str; 7] = [
    "# because ",
    "echo   because ",
    "echo   but ",
    "echo '  because ",
    "echo '  but ",
    "SAY   because ",
    "SAY   but ",
];

/// What a machine asks, beside the steps of [`crate::explained`].
#[derive(Clone, Debug)]
enum Asks {
    /// A message, as it is or with bytes of it changed.
    Message { machine: u8, says: Says, port: u16, bent: Vec<(usize, u8)> },
    /// A file: its name, and what the asker says of itself.
    File { machine: u8, name: String, by: Carrier, entry: Option<String> },
}

#[derive(Clone, Copy, Debug)]
struct Says {
    kind: MessageType,
    firmware: Kind,
    as_ipxe: bool,
    behind_relay: bool,
    names: Option<u8>,
    takes: bool,
}

impl Says {
    fn message(self, machine: u8) -> Message {
        let mut message = self.firmware.discover(machine);
        message.options.remove(code::MESSAGE_TYPE);
        message.options.push(code::MESSAGE_TYPE, [self.kind.number()]);
        if self.as_ipxe {
            message.options.push(code::USER_CLASS, b"iPXE".to_vec());
        }
        if self.behind_relay {
            message.giaddr = Ipv4Addr::new(10, 80, 0, 1);
        }
        if let Some(last) = self.names {
            let address = Ipv4Addr::new(10, 77, 0, last);
            match self.takes {
                true => message.options.push(code::REQUESTED_ADDRESS, address.octets()),
                false => message.ciaddr = address,
            }
        }
        if self.takes {
            message.options.push(code::SERVER_ID, US.octets());
        }
        message
    }
}

fn says() -> impl Strategy<Value = Says> {
    let types = prop_oneof![
        4 => Just(MessageType::Discover),
        4 => Just(MessageType::Request),
        1 => Just(MessageType::Inform),
        1 => Just(MessageType::Decline),
        1 => Just(MessageType::Release),
    ];
    let names = prop::option::of(98..104_u8);
    (types, kind(), any::<bool>(), prop::bool::weighted(0.1), names, any::<bool>()).prop_map(
        |(kind, firmware, as_ipxe, behind_relay, names, takes)| Says {
            kind,
            firmware,
            as_ipxe,
            behind_relay,
            names,
            takes,
        },
    )
}

fn question() -> impl Strategy<Value = Asks> {
    let bent = prop_oneof![
        4 => Just(Vec::new()),
        1 => prop::collection::vec((0..400_usize, any::<u8>()), 1..4),
    ];
    let port = prop_oneof![5 => Just(67_u16), 1 => Just(4011)];
    let message = (0..MACHINES, says(), port, bent)
        .prop_map(|(machine, says, port, bent)| Asks::Message { machine, says, port, bent });
    let name = |machine: u8| {
        let dashed = mac(machine).dashed_with_kind();
        prop_oneof![
            3 => Just("boot.ipxe".to_owned()),
            2 => Just(format!("grub/grub.cfg-{dashed}")),
            2 => Just(format!("pxelinux.cfg/{dashed}")),
            1 => Just("grubx64.efi".to_owned()),
            1 => Just("loader/snponly-x64.efi".to_owned()),
            1 => Just("initrd.gz".to_owned()),
            1 => Just("nothing".to_owned()),
            1 => Just(format!("pixiecore/v1/boot/{}", mac(machine))),
            1 => Just(format!("v1/boot/{}", mac(machine))),
        ]
    };
    let by = prop_oneof![Just(Carrier::Http), Just(Carrier::Tftp)];
    let entry = prop_oneof![
        4 => Just(None),
        1 => Just(Some("debian".to_owned())),
        1 => Just(Some("local-disk".to_owned())),
    ];
    let file = (0..MACHINES).prop_flat_map(move |machine| {
        (Just(machine), name(machine), by.clone(), entry.clone())
            .prop_map(|(machine, name, by, entry)| Asks::File { machine, name, by, entry })
    });
    prop_oneof![3 => message, 2 => file]
}

/// Two engines with the same life.
struct Twins {
    with: Engine,
    without: Engine,
    /// Reasons that were given.
    reasons: usize,
}

impl Twins {
    fn new(settings: Settings) -> Self {
        let mut with = engine_with(settings);
        with.apply(&loader("ipxe-x64.efi", LoaderKind::Ipxe, Arch::X64Uefi));
        let without = with.clone().without_reasons();
        Self { with, without, reasons: 0 }
    }

    fn dhcp(&mut self, now: Now, datagram: &Datagram) -> Answer<Outgoing> {
        let (a, b) = (self.with.dhcp(now, datagram), self.without.dhcp(now, datagram));
        let a = self.apart(a);
        assert_eq!(a, unreasoned(b));
        a.answer
    }

    fn file(&mut self, now: Now, ask: &FileAsk) {
        let (a, b) = (self.with.file(now, ask), self.without.file(now, ask));
        let mut a = self.apart(a);
        if let Answer::Reply(Found { what: Served::Text(text), .. }) = &mut a.answer {
            let says_why = |line: &&str| SAYS_WHY.iter().any(|words| line.starts_with(words));
            *text = text.split_inclusive('\n').filter(|line| !says_why(line)).collect();
        }
        assert_eq!(a, unreasoned(b));
    }

    /// What is told, apart from its reasons.
    fn apart<T>(&mut self, mut told: Told<T>) -> Told<T> {
        for event in &mut told.events {
            if let Happening::Answered { because, .. } | Happening::Script { because, .. } =
                &mut event.what
            {
                self.reasons += because.len();
                because.clear();
            }
        }
        told
    }

    fn take(&mut self, now: &mut Now, step: Step) {
        let mut same = *now;
        match step {
            Step::Boots(machine, kind, depth) => self.boots(*now, machine, kind, depth),
            step => {
                take(&mut self.without, &mut same, step.clone());
                take(&mut self.with, now, step);
            }
        }
    }

    fn boots(&mut self, now: Now, machine: u8, kind: Kind, depth: Depth) {
        let Answer::Reply(out) = self.dhcp(now, &datagram(&kind.discover(machine))) else { return };
        let offer = Message::parse(&out.bytes).unwrap();
        if matches!(depth, Depth::Discover) || offer.yiaddr.is_unspecified() {
            return;
        }
        let mut wish = kind.discover(machine);
        wish.options = selecting(machine, offer.yiaddr, US).options;
        let _ = self.dhcp(now, &datagram(&wish));
        if matches!(depth, Depth::Script) {
            self.file(now, &asks(machine, offer.yiaddr));
        }
    }

    fn hear(&mut self, now: Now, asked: &Asks) {
        match asked {
            Asks::Message { machine, says, port, bent } => {
                let mut datagram = Datagram { port: *port, ..datagram(&says.message(*machine)) };
                if *port == 4011 {
                    datagram.from = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 100), 4011);
                    datagram.to = US;
                }
                for (at, byte) in bent {
                    if let Some(old) = datagram.bytes.get_mut(*at) {
                        *old = *byte;
                    }
                }
                let _ = self.dhcp(now, &datagram);
            }
            Asks::File { machine, name, by, entry } => {
                let from = SocketAddr::from((Ipv4Addr::new(10, 77, 0, 100 + *machine), 40_000));
                let says = Asker { entry: entry.clone(), ..Asker::default() };
                let ask = FileAsk {
                    by: *by,
                    name: name.clone().into(),
                    from,
                    says,
                    ..asks(*machine, US)
                };
                self.file(now, &ask);
            }
        }
    }

    fn plans(&mut self, now: Now) {
        for machine in 0..MACHINES {
            let arch = Some(Arch::X64Uefi);
            let firmware = Firmware::Pxe;
            let client = Client { arch, firmware, ..Client::unknown("lan", mac(machine)) };
            let (a, b) = (self.with.plan(now, &client), self.without.plan(now, &client));
            assert_eq!(a.decision, b.decision);
            assert!(b.reasons.is_empty(), "{:?}", b.reasons);
            assert!(!a.reasons.is_empty(), "{:?} has no reason", a.decision);
        }
    }
}

/// That it gives no reasons, in events and in scripts.
fn unreasoned<T>(told: Told<T>) -> Told<T> {
    for event in &told.events {
        if let Happening::Answered { because, .. } | Happening::Script { because, .. } = &event.what
        {
            assert!(because.is_empty(), "{because:?}");
        }
    }
    told
}

proptest! {
    #[test]
    fn reasons_decide_nothing(
        settings in world(),
        steps in prop::collection::vec((step(), prop::collection::vec(question(), 0..4)), 1..14),
    ) {
        let mut twins = Twins::new(settings);
        let mut now = Now(1_800_000_000_000);
        for (step, questions) in steps {
            twins.take(&mut now, step);
            for asked in &questions {
                twins.hear(now, asked);
            }
            twins.plans(now);
        }
    }
}

/// The property holds of worlds in which there is something to say.
#[test]
fn an_answer_has_reasons_unless_nobody_is_to_be_told() {
    let mut twins = Twins::new(crate::house::settings(model::network::Mode::Dhcp));
    let now = Now(1_800_000_000_000);
    for machine in 0..MACHINES {
        let once = Step::Boots(machine, Kind::Uefi, Depth::Script);
        twins.take(&mut now.clone(), once);
    }
    assert!(twins.reasons >= 3 * usize::from(MACHINES), "{}", twins.reasons);
    let client = Client::unknown("lan", mac(0));
    assert!(matches!(twins.without.plan(now, &client).decision, Decision::Menu(_)));
    let before = twins.reasons;
    let _ = twins.dhcp(now, &datagram(&request(MessageType::Discover, 9)));
    assert_eq!(twins.reasons, before + 1, "why a system gets an address only");
}
