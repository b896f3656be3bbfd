//! A small lab for the engine's tests: one network, one image, and clients that speak DHCP.

use engine::{Answer, Command, Datagram, Engine, Noted, Outgoing, Settings, Told};
use model::event::Happening;
use model::image::{LoaderKind, Recipe, SignedChain};
use model::listen::Outcome;
use model::network::Mode;
use model::plan::Why;
use model::rule::Profile;
use model::{Arch, Asset, Change, Channel, HardwareAddress, Hash, Image, Loader, Network, Now};
use std::net::{Ipv4Addr, SocketAddrV4};
use wire::dhcp4::{Message, MessageType, Options, code};

pub const US: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

pub fn network(mode: Mode) -> Network {
    Network {
        pools: vec!["10.77.0.100-10.77.0.199".parse().unwrap()],
        router: Some(Ipv4Addr::new(10, 77, 0, 254)),
        dns: vec![Ipv4Addr::new(10, 77, 0, 53)],
        domain: Some("lab.example".into()),
        relays: vec![Ipv4Addr::new(10, 80, 0, 1)],
        authoritative: true,
        ..Network::new("lan", mode, US, "10.77.0.0/24".parse().unwrap())
    }
}

pub fn settings(mode: Mode) -> Settings {
    Settings {
        server_name: "bench".into(),
        networks: vec![network(mode)],
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: engine::state::LEASE_HISTORY,
        boot: engine::BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    }
}

pub fn loader(name: &str, kind: LoaderKind, arch: Arch) -> Change {
    Change::Loader(Loader {
        name: name.into(),
        kind,
        arch,
        version: "1.0".into(),
        path: format!("/usr/lib/{name}"),
        sha256: Hash([1; 32]),
        size: 1000,
        signers: vec![],
    })
}

pub fn image() -> Image {
    let asset = |path: &str| Asset::whole(path, Hash([2; 32]), 5_000_000);
    Image {
        title: "Debian 12 installer (amd64)".into(),
        archs: vec![Arch::X86Bios, Arch::X64Uefi],
        recipe: Recipe {
            kind: "debian-di".into(),
            kernel: Some("linux".into()),
            initrds: vec!["initrd.gz".into()],
            signed: Some(SignedChain { shim: "bootnetx64.efi".into(), grub: "grubx64.efi".into() }),
            ..Recipe::default()
        },
        recognised_by: "linux and initrd.gz".into(),
        assets: ["linux", "initrd.gz", "bootnetx64.efi", "grubx64.efi"]
            .map(asset)
            .into_iter()
            .collect(),
        ..Image::new("debian-12-amd64", "/usr/lib/debian-installer", Now(0))
    }
}

/// An engine with loaders, an image and a profile, but no rule.
pub fn engine(mode: Mode) -> Engine {
    engine_with(settings(mode))
}

/// The same with these settings.
pub fn engine_with(settings: Settings) -> Engine {
    let mut engine = Engine::new(settings);
    for change in [
        loader("undionly.kpxe", LoaderKind::Undionly, Arch::X86Bios),
        loader("snponly-x64.efi", LoaderKind::Snponly, Arch::X64Uefi),
        loader("shimx64.efi", LoaderKind::Shim, Arch::X64Uefi),
        loader("grubx64.efi", LoaderKind::Grub, Arch::X64Uefi),
    ] {
        engine.apply(&change);
    }
    command(&mut engine, Command::PublishImage(image()));
    let profile = Profile {
        name: "debian".into(),
        image: "debian-12-amd64".into(),
        version: None,
        channel: Channel::Stable,
        args: "console=ttyS0".into(),
        template: None,
        settings: Default::default(),
    };
    command(&mut engine, Command::SetProfile(profile));
    engine
}

pub fn command(engine: &mut Engine, command: Command) -> String {
    let decided = engine.command(Now(0), command).unwrap();
    for change in &decided.changes {
        engine.apply(change);
    }
    decided.says
}

pub fn rule_for_everybody(engine: &mut Engine) {
    command(engine, Command::AddRule { conditions: vec![], profile: "debian".into() });
}

pub fn mac(last: u8) -> HardwareAddress {
    HardwareAddress::mac([0x52, 0x54, 0, 0x77, 0, last])
}

/// A request of client `last`, with a message type.
pub fn request(kind: MessageType, last: u8) -> Message {
    let mac = mac(last).as_mac().unwrap();
    let mut options = Options::new();
    options.push(code::MESSAGE_TYPE, [kind.number()]);
    Message { options, ..Message::request(mac, 0x1234_5600 + u32::from(last)) }
}

/// The same as firmware would send it: class, architecture, UUID.
pub fn firmware(kind: MessageType, last: u8, class: &str, arch: u16) -> Message {
    let mut message = request(kind, last);
    let text = format!("{class}:Arch:{arch:05}:UNDI:003016");
    message.options.push(code::VENDOR_CLASS, text.into_bytes());
    message.options.push(code::CLIENT_ARCH, arch.to_be_bytes());
    let mut uuid = vec![0];
    uuid.extend([last; 16]);
    message.options.push(code::CLIENT_MACHINE_ID, uuid);
    message
}

pub fn datagram(message: &Message) -> Datagram {
    bytes(message.encode(1472).unwrap())
}

pub fn bytes(bytes: Vec<u8>) -> Datagram {
    Datagram {
        link: "lan".into(),
        from: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
        to: Ipv4Addr::BROADCAST,
        port: 67,
        bytes,
    }
}

pub fn reply(told: Told<Outgoing>) -> (Outgoing, Message) {
    match told.answer {
        Answer::Reply(outgoing) => {
            let message = Message::parse(&outgoing.bytes).unwrap();
            (outgoing, message)
        }
        Answer::Silence(why) => panic!("silence: {why}"),
    }
}

pub fn silence(told: Told<Outgoing>) -> Why {
    match told.answer {
        Answer::Silence(why) => why,
        Answer::Reply(out) => panic!("answered: {:?}", Message::parse(&out.bytes)),
    }
}

/// DISCOVER, REQUEST: the address of client `last`.
pub fn lease(engine: &mut Engine, now: Now, last: u8) -> Ipv4Addr {
    let (_, offer) = reply(engine.dhcp(now, &datagram(&request(MessageType::Discover, last))));
    let (_, ack) = reply(engine.dhcp(now, &datagram(&selecting(last, offer.yiaddr, US))));
    assert_eq!(ack.options.message_type(), Some(Ok(MessageType::Ack)));
    ack.yiaddr
}

/// A REQUEST that takes an offer of `server`.
pub fn selecting(last: u8, address: Ipv4Addr, server: Ipv4Addr) -> Message {
    let mut message = request(MessageType::Request, last);
    message.options.push(code::REQUESTED_ADDRESS, address.octets());
    message.options.push(code::SERVER_ID, server.octets());
    message
}

/// What was compared, where only one exchange was.
pub fn compared(noted: &Noted) -> (Outcome, Vec<String>) {
    let only = noted.events.iter().find_map(|event| match &event.what {
        Happening::Compared { outcome, differences, .. } => Some((*outcome, differences.clone())),
        _ => None,
    });
    only.unwrap_or_else(|| panic!("nothing was compared: {noted:?}"))
}
