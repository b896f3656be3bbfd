//! Worlds from seeds: mixed firmware in bad weather. What must hold in every one of them is
//! asserted here; `SIM_SEEDS=5000` runs that many, `SIM_SEED=17` runs one.

use engine::explain::Question;
use engine::{Destination, Engine};
use lab::sim::chance::Chance;
use lab::sim::firmware::Board;
use lab::sim::scenario::world_of;
use lab::sim::server::Send;
use lab::sim::world::{Told, World};
use model::{Happening, HardwareAddress};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;
use wire::dhcp4::{Message, MessageType, code};

/// Seeds in an ordinary run.
const SEEDS: u64 = 200;
/// A boot with every wait and every retry, in virtual time.
const LONGEST_MS: u64 = 20 * 60 * 1000;

const FIRMWARE: [&str; 11] = [
    "bios",
    "edk2-x64",
    "edk2-ia32",
    "edk2-arm64",
    "edk2-http-x64",
    "ipxe-rom",
    "ipxe-efi",
    "uboot-arm64",
    "petitboot",
    "rpi4",
    "os",
];
const HABITS: [&str; 8] =
    ["", "", "unicast", "no-97", "no-94", "ignores-bypass", "never-asks-4011", "header-only"];

struct Setting {
    proxy: bool,
    loss: u64,
    boards: Vec<(Board, u64)>,
    given: Vec<String>,
}

fn setting(seed: u64) -> Setting {
    let mut chance = Chance::new(seed);
    let proxy = chance.percent(40);
    let loss = if chance.percent(50) { 0 } else { chance.below(21) };
    let (copies, disorder) = (chance.below(15), chance.below(25));
    let mut given: Vec<String> = vec![
        format!("weather loss {loss}% copies {copies}% disorder {disorder}% seed {seed}"),
        match proxy {
            true => "network lan mode proxy".into(),
            false => "network lan mode dhcp pool 10.0.0.100-10.0.0.199".into(),
        },
        "image debian".into(),
        "profile debian".into(),
        "image pi files bootcode.bin,start.elf,start4.elf,config.txt,cmdline.txt,kernel8.img bootable".into(),
        "profile pi".into(),
        "rule firmware=rpi → pi".into(),
    ];
    if proxy {
        given.push("foreign DHCP server 10.0.0.2 gives 10.0.0.50".into());
    }
    if chance.percent(70) {
        given.push("rule everybody → debian".into());
    }
    let unknown = chance.one_of(&["menu", "pending", "local-disk"]).copied().unwrap_or("menu");
    given.push(format!("unknown machines get {unknown}"));
    if chance.percent(50) {
        given.push("loaders usual signed".into());
    }
    let boards = (0..1 + chance.below(8))
        .map(|n| {
            let firmware = chance.one_of(&FIRMWARE).copied().unwrap_or("bios");
            let oui =
                if firmware.starts_with("rpi") { [0xdc, 0xa6, 0x32] } else { [0x52, 0x54, 0] };
            let mac = [oui[0], oui[1], oui[2], 0, 0, n as u8];
            let mut board = Board::new(mac, firmware).expect("a known firmware");
            let habit = chance.one_of(&HABITS).copied().unwrap_or("");
            board.habits.insert(habit.to_owned(), String::new());
            board.habits.remove("");
            if firmware == "uboot-arm64" {
                board.habits.insert("proxy".into(), String::new());
            }
            (board, chance.below(20_000))
        })
        .collect();
    Setting { proxy, loss, boards, given }
}

/// What every datagram of ours must be like. Gives what is wrong.
fn check_sent(send: &Send, proxy: bool) -> Result<(), String> {
    if !matches!(send.from.port(), 67 | 4011) {
        return wire::tftp::Packet::parse(&send.bytes).map(|_| ()).map_err(|e| e.to_string());
    }
    let message = Message::parse(&send.bytes).map_err(|e| e.to_string())?;
    let kind = message.options.message_type();
    if send.bytes.len() < 300 || send.bytes.len() > 1472 {
        return Err(format!("{} bytes", send.bytes.len()));
    }
    if kind.is_some() && message.options.ip(code::SERVER_ID).is_none() {
        return Err("no server identifier".into());
    }
    if message.options.contains(code::OVERLOAD) || message.options.contains(code::BOOT_FILE_SIZE) {
        return Err("an option that no boot client may get".into());
    }
    let file = message.file_name();
    let option = message.options.get(code::BOOT_FILE_NAME).unwrap_or_default();
    if !file.is_empty() && !option.is_empty() && !option.starts_with(file) {
        return Err("file and option 67 differ".into());
    }
    if proxy {
        let given = !message.yiaddr.is_unspecified();
        let addresses = [code::SUBNET_MASK, code::ROUTER, code::LEASE_TIME];
        let nak = kind == Some(Ok(MessageType::Nak));
        if given || nak || addresses.iter().any(|code| message.options.contains(*code)) {
            return Err("a proxy that gives addresses".into());
        }
        let offer = kind == Some(Ok(MessageType::Offer)) && send.from.port() == 67;
        if offer && !matches!(send.to, Destination::Broadcast { .. }) {
            return Err("a proxy's offer that is not broadcast".into());
        }
    }
    Ok(())
}

/// Nobody has an address that another one has.
fn check_addresses(world: &World, boards: &[(Board, u64)]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for (board, _) in boards {
        if let Some(ip) = world.address(board.mac)
            && !seen.insert(ip)
        {
            return Err(format!("{ip} is used twice"));
        }
    }
    let mut by_address: BTreeMap<Ipv4Addr, HardwareAddress> = BTreeMap::new();
    for lease in world.server.engine.leases() {
        if by_address.insert(lease.address, lease.hardware).is_some_and(|h| h != lease.hardware) {
            return Err(format!("{} is leased twice", lease.address));
        }
    }
    Ok(())
}

/// The last file that the server named to a machine's firmware is the one `explain` names.
fn check_explained(world: &World, board: &Board, engine: &Engine) -> Result<(), String> {
    let machine = HardwareAddress::mac(board.mac);
    let live = world.log.iter().find_map(|(_, told)| match told {
        Told::Server(event) if event.machine == Some(machine) => match &event.what {
            Happening::Answered { file: Some(file), asked, .. } if asked == "DISCOVER" => {
                Some(file.clone())
            }
            _ => None,
        },
        _ => None,
    });
    let Some(live) = live else { return Ok(()) };
    // iPXE in a network card is its own firmware; explain tells of the one below.
    if board.firmware == "ipxe" {
        return Ok(());
    }
    let question = Question { machine: machine.to_string(), ..Question::default() };
    let explained = engine.explain(world.now(), &question).map_err(|e| e.to_string())?;
    let first = explained
        .stages
        .iter()
        .find(|stage| stage.stage == "firmware")
        .and_then(|stage| stage.gets.clone())
        .unwrap_or_default();
    match first.ends_with(&format!(" {live}")) {
        true => Ok(()),
        false => Err(format!("{machine} got {live}, explain says `{first}`")),
    }
}

fn run(seed: u64) -> Result<(), String> {
    let setting = setting(seed);
    let mut world = world_of(&setting.given)?;
    let wrong: Rc<RefCell<Vec<String>>> = Rc::default();
    let (noted, proxy) = (Rc::clone(&wrong), setting.proxy);
    world.saboteur = Some(Box::new(move |send| {
        if let Err(what) = check_sent(send, proxy) {
            noted.borrow_mut().push(what);
        }
        true
    }));
    let begin_ms = world.now_ms;
    let mut boards = setting.boards.clone();
    boards.sort_by_key(|(_, at_ms)| *at_ms);
    for (board, at_ms) in &boards {
        world.run_until(begin_ms + at_ms);
        world.now_ms = world.now_ms.max(begin_ms + at_ms);
        world.switch_on("lan", None, board);
    }
    world.run_until(begin_ms + LONGEST_MS);
    if let Some(what) = wrong.borrow().first() {
        return Err(what.clone());
    }
    check_addresses(&world, &boards)?;
    for (board, _) in &boards {
        check_explained(&world, board, &world.server.engine)?;
        let outcome = world.outcome(board.mac);
        // Without approval a machine waits for ever, and that is right.
        let waits = setting.given.iter().any(|line| line.ends_with("pending"));
        let stopped = outcome.is_some_and(|o| o.starts_with("stops"));
        if setting.loss == 0
            && (stopped && !excused(board, &setting) || outcome.is_none() && !waits)
        {
            return Err(format!("{board:?} ended as {outcome:?}"));
        }
    }
    Ok(())
}

/// Those that cannot boot whatever a server does.
fn excused(board: &Board, setting: &Setting) -> bool {
    let nothing_to_boot = !setting.given.iter().any(|line| line.contains("everybody"));
    // Petitboot hears nothing of proxies.
    board.firmware == "petitboot" && setting.proxy
        || nothing_to_boot && matches!(board.firmware.as_str(), "uboot" | "petitboot")
}

#[test]
fn random_worlds_keep_their_promises() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seeds = match number("SIM_SEED") {
        Some(one) => one..one + 1,
        None => 0..number("SIM_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let ran = std::panic::catch_unwind(|| run(seed));
        match ran {
            Ok(Ok(())) => {}
            Ok(Err(what)) => panic!("seed {seed}: {what}\nSIM_SEED={seed} runs this world alone"),
            Err(_) => panic!("seed {seed} panicked\nSIM_SEED={seed} runs this world alone"),
        }
    }
}

/// Whatever bytes come to any of our ports, nothing falls over.
#[test]
fn noise_does_no_harm() {
    let given = [
        "network lan mode dhcp pool 10.0.0.100-10.0.0.199",
        "image debian",
        "profile debian",
        "rule everybody → debian",
    ]
    .map(str::to_owned);
    let mut world = world_of(&given).expect("a world");
    let mut chance = Chance::new(9);
    let valid = {
        let host = Board::new([0x52, 0x54, 0, 0, 0, 1], "bios").expect("a board");
        let request = lab::sim::firmware::dhcp::Request {
            kind: Some(MessageType::Discover),
            xid: 1,
            secs: 0,
            broadcast: false,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            options: lab::sim::firmware::edk2::options(&host, "PXEClient", 7),
        };
        request.bytes(host.mac)
    };
    for _ in 0..20_000 {
        let mut bytes = match chance.percent(80) {
            true => valid.clone(),
            false => (0..chance.below(600)).map(|_| chance.below(256) as u8).collect(),
        };
        for _ in 0..chance.below(8) {
            let at = chance.below(bytes.len().max(1) as u64) as usize;
            if let Some(byte) = bytes.get_mut(at) {
                *byte = chance.below(256) as u8;
            }
        }
        let port = chance.one_of(&[67, 67, 67, 4011, 69, 40_000]).copied().unwrap_or(67);
        let heard = lab::sim::host::Heard {
            from: std::net::SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 99), 68),
            to: Ipv4Addr::BROADCAST,
            port,
            bytes,
        };
        let now = world.now();
        for send in world.server.hear(now, "lan", &heard) {
            check_sent(&send, false).expect("a reply that can be read");
        }
        world.now_ms += 100;
        world.server.told.clear();
    }
}
