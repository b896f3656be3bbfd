//! A thousand machines, so many rules, and what the machines ask.

use crate::rig::Trouble;
use crate::sim::firmware::{Board, edk2};
use crate::sim::twin::{self, Apart};
use engine::{Answer, Asker, Datagram, Engine, FileAsk, Settings, Told};
use model::event::Carrier;
use model::image::{LoaderKind, Recipe, SignedChain};
use model::network::{Mode, Subnet};
use model::rule::{Condition, Profile, Rule};
use model::{
    Arch, Asset, Change, Client, Firmware, HardwareAddress, Hash, Image, Loader, Machine, Network,
    Now,
};
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;
use wire::dhcp4::{Message, MessageType, code};

const MACHINES: u32 = 1_000;
const US: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const BEGIN: Now = Now(1_800_000_000_000);
/// From one round to the next, so that nobody asks too often.
const ROUND: Duration = Duration::from_secs(1);

/// What is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Question {
    Discover,
    Request,
    Script,
    Plan,
}

impl Question {
    pub(super) const ALL: [Self; 4] = [Self::Discover, Self::Request, Self::Script, Self::Plan];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Discover => "DISCOVER of UEFI PXE, to its OFFER",
            Self::Request => "REQUEST, to its ACK",
            Self::Script => "boot.ipxe over HTTP, to its script",
            Self::Plan => "the plan alone",
        }
    }

    /// Whether it is something that a machine asks.
    pub(super) fn counts(self) -> bool {
        self != Self::Plan
    }
}

/// A question, ready to be put.
pub(super) enum Asked<'w> {
    Message(Now, Datagram),
    File(Now, &'w FileAsk),
    Plan(Now, &'w Client),
}

/// An engine in which every machine has a lease, and what each of them says.
pub(super) struct World {
    engine: Engine,
    machines: Vec<Speaks>,
}

struct Speaks {
    discover: Datagram,
    request: Datagram,
    file: FileAsk,
    client: Client,
}

impl Asked<'_> {
    /// From the question to the answer and all that goes with it.
    pub(super) fn put(&self, engine: &mut Engine) {
        match self {
            Self::Message(now, datagram) => drop(black_box(engine.dhcp(*now, datagram))),
            Self::File(now, ask) => drop(black_box(engine.file(*now, ask))),
            Self::Plan(now, client) => drop(black_box(engine.plan(*now, client))),
        }
    }

    /// The answer, apart from its reasons, as a text; and how many these were.
    fn heard(&self, engine: &mut Engine) -> (String, usize) {
        fn text<T: Apart>(told: Told<T>) -> (String, usize) {
            let (told, reasons) = twin::apart(told);
            (format!("{told:#?}"), reasons)
        }
        match self {
            Self::Message(now, datagram) => text(engine.dhcp(*now, datagram)),
            Self::File(now, ask) => text(engine.file(*now, ask)),
            Self::Plan(now, client) => {
                let plan = engine.plan(*now, client);
                (format!("{:#?}", plan.decision), plan.reasons.len())
            }
        }
    }
}

impl World {
    pub(super) fn new(rules: u32) -> Self {
        let mut engine = Engine::new(settings());
        for change in kept(rules) {
            engine.apply(&change);
        }
        let machines = (0..MACHINES).map(|number| speaks(&mut engine, number)).collect();
        Self { engine, machines }
    }

    /// An engine that knows all of it.
    pub(super) fn engine(&self) -> Engine {
        self.engine.clone()
    }

    /// The questions of a round: of machines far from each other, and of other rules.
    pub(super) fn block(&self, question: Question, round: u32, many: u32) -> Vec<Asked<'_>> {
        let now = BEGIN + ROUND * (round + 1);
        let number = |at: u32| round.wrapping_add(at.wrapping_mul(2_654_435_761)) % MACHINES;
        let machines = (0..many).filter_map(|at| self.machines.get(number(at) as usize));
        // An exchange of its own each time: nothing is taken for a repetition.
        let anew = |datagram: &Datagram| {
            let mut datagram = datagram.clone();
            if let Some(xid) = datagram.bytes.get_mut(4..8) {
                xid.copy_from_slice(&round.to_be_bytes());
            }
            datagram
        };
        machines
            .map(|speaks| match question {
                Question::Discover => Asked::Message(now, anew(&speaks.discover)),
                Question::Request => Asked::Message(now, anew(&speaks.request)),
                Question::Script => Asked::File(now, &speaks.file),
                Question::Plan => Asked::Plan(now, &speaks.client),
            })
            .collect()
    }

    /// Puts a question of every machine to both engines.
    pub(super) fn answers_the_same(&self, question: Question) -> Result<(), Trouble> {
        let (mut with, mut without) = (self.engine(), self.engine().without_reasons());
        for asked in self.block(question, 0, MACHINES) {
            let ((a, reasons), (b, none)) = (asked.heard(&mut with), asked.heard(&mut without));
            if a != b || reasons == 0 || none > 0 {
                return Err(Trouble::Command {
                    command: question.name().to_owned(),
                    said: format!("with {reasons} reasons\n{a}\nwith {none}\n{b}"),
                });
            }
        }
        Ok(())
    }
}

fn settings() -> Settings {
    let network = |subnet| Network {
        pools: "10.77.1.0-10.77.8.255".parse().into_iter().collect(),
        router: Some(Ipv4Addr::new(10, 77, 0, 254)),
        dns: vec![US],
        // A question is answered at once: nobody looks whether the address is used.
        probe: None,
        ..Network::new("lan0", Mode::Dhcp, US, subnet)
    };
    Settings {
        server_name: "fleet".to_owned(),
        networks: Subnet::new(US, 16).into_iter().map(network).collect(),
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: engine::state::LEASE_HISTORY,
        boot: engine::BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    }
}

/// Loaders, an image, its profile, the machines, and a rule for each room.
fn kept(rules: u32) -> Vec<Change> {
    let loader = |name: &str, kind| {
        Change::Loader(Loader {
            name: name.to_owned(),
            kind,
            arch: Arch::X64Uefi,
            version: "1.0".to_owned(),
            path: format!("/usr/lib/{name}"),
            sha256: Hash([1; 32]),
            size: 1_000_000,
            signers: Vec::new(),
        })
    };
    let mut changes = vec![
        loader("snponly-x64.efi", LoaderKind::Snponly),
        loader("shimx64.efi", LoaderKind::Shim),
        loader("grubx64.efi", LoaderKind::Grub),
        Change::Image(image()),
        Change::Profile(Profile {
            name: "debian".to_owned(),
            image: "debian".to_owned(),
            version: None,
            channel: model::Channel::Stable,
            args: "console=ttyS0".to_owned(),
            template: None,
            settings: Default::default(),
        }),
    ];
    changes.extend((0..MACHINES).map(|number| {
        let mut machine = Machine::new(mac(number), BEGIN);
        machine.name = Some(format!("lab-{number:06}"));
        machine.labels.insert("room".to_owned(), format!("{}", number % rules));
        Change::Machine(machine)
    }));
    let rule = |number: u32| Rule {
        id: number + 1,
        conditions: vec![Condition::Label("room".to_owned(), format!("{number}"))],
        profile: "debian".to_owned(),
    };
    changes.push(Change::Rules((0..rules).map(rule).collect()));
    changes
}

fn image() -> Image {
    let asset = |path: &str| Asset::whole(path, Hash([2; 32]), 5_000_000);
    let signed = SignedChain { shim: "bootnetx64.efi".to_owned(), grub: "grubx64.efi".to_owned() };
    Image {
        version: 1,
        title: "Debian 12 installer (amd64)".to_owned(),
        archs: vec![Arch::X64Uefi],
        recipe: Recipe {
            kind: "debian-di".to_owned(),
            kernel: Some("linux".to_owned()),
            initrds: vec!["initrd.gz".to_owned()],
            signed: Some(signed),
            ..Recipe::default()
        },
        assets: ["linux", "initrd.gz", "bootnetx64.efi", "grubx64.efi"]
            .map(asset)
            .into_iter()
            .collect(),
        ..Image::new("debian", "/nowhere", BEGIN)
    }
}

fn mac(number: u32) -> HardwareAddress {
    let [_, a, b, c] = number.to_be_bytes();
    HardwareAddress::mac([0x52, 0x54, 0, a, b, c])
}

/// Lets a machine have its lease, and writes down what it says.
fn speaks(engine: &mut Engine, number: u32) -> Speaks {
    let hardware = mac(number);
    let mac = hardware.as_mac().unwrap_or_default();
    let message = |kind: MessageType| {
        let mut message = Message::request(mac, number);
        message.options.push(code::MESSAGE_TYPE, [kind.number()]);
        let board = Board::new(mac, "edk2-x64").into_iter();
        for (code, value) in board.flat_map(|board| edk2::options(&board, "PXEClient", 7)) {
            message.options.push(code, value);
        }
        message
    };
    let datagram = |message: &Message| Datagram {
        link: "lan0".to_owned(),
        from: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
        to: Ipv4Addr::BROADCAST,
        port: 67,
        bytes: message.encode(1472).unwrap_or_default(),
    };
    let discover = datagram(&message(MessageType::Discover));
    let address = match engine.dhcp(BEGIN, &discover).answer {
        Answer::Reply(out) => Message::parse(&out.bytes).map(|offer| offer.yiaddr),
        Answer::Silence(_) => Ok(Ipv4Addr::UNSPECIFIED),
    };
    let address = address.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let mut request = message(MessageType::Request);
    request.options.push(code::REQUESTED_ADDRESS, address.octets());
    request.options.push(code::SERVER_ID, US.octets());
    let request = datagram(&request);
    let _ = engine.dhcp(BEGIN, &request);
    let file = FileAsk {
        by: Carrier::Http,
        name: "boot.ipxe".into(),
        from: SocketAddr::from((address, 40_000)),
        at: SocketAddr::from((US, 80)),
        link: "lan0".to_owned(),
        says: Asker {
            mac: Some(hardware),
            serial: Some(format!("SN{number:08}")),
            arch: Some("x86_64".to_owned()),
            platform: Some("efi".to_owned()),
            memory_mib: Some(8_192),
            ..Asker::default()
        },
        neighbour: Some(hardware),
        agent: Some("iPXE/1.21.1".to_owned()),
        body: None,
        head_only: false,
    };
    let _ = engine.file(BEGIN, &file);
    let client = Client {
        arch: Some(Arch::X64Uefi),
        firmware: Firmware::Pxe,
        ..Client::unknown("lan0", hardware)
    };
    Speaks { discover, request, file, client }
}
