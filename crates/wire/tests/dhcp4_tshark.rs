//! Wireshark's dissector as a judge of the replies we send: several hundred random ones in a
//! capture, of which it must find none malformed and must read what we meant.
//!
//! `BOOTWRIGHT_SEED` repeats a run, `BOOTWRIGHT_REPLIES` makes it longer.
#![expect(clippy::disallowed_methods, reason = "another program is the judge")]
#![expect(clippy::disallowed_macros, reason = "a skipped judge and a seed must be seen")]

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Command;

use wire::dhcp4::{Message, MessageType, Op, Options, code, pxe};
use wire::udp4;

const REPLIES: u64 = 600;

#[test]
fn tshark_finds_no_malformed_reply() {
    if !judge_is_here() {
        return;
    }
    // Another seed each run; no clock on this floor.
    let seed = number_from("BOOTWRIGHT_SEED").unwrap_or(u64::from(std::process::id()));
    let count = number_from("BOOTWRIGHT_REPLIES").unwrap_or(REPLIES);
    println!("BOOTWRIGHT_SEED={seed}");

    let mut chance = Chance::new(seed);
    let replies: Vec<_> = (0..count).map(|_| reply(&mut chance)).collect();
    let capture = keep("replies", &pcap(&replies));
    let lines = dissect(&capture);

    assert_eq!(lines.len(), replies.len(), "one line a packet");
    for (message, line) in replies.iter().zip(lines) {
        judge(message, &line);
    }
    // Kept after a failure, to be looked at.
    std::fs::remove_file(&capture).expect("ours");
}

/// A judge that never complains is none.
#[test]
fn tshark_complains_of_a_bad_reply() {
    if !judge_is_here() {
        return;
    }
    let mut bad = reply(&mut Chance::new(1));
    bad.options.remove(code::SUBNET_MASK);
    bad.options.push(code::SUBNET_MASK, [255, 255, 255]);
    let capture = keep("bad", &pcap(&[bad]));
    let lines = dissect(&capture);
    std::fs::remove_file(&capture).expect("ours");
    assert!(complains(&lines[0]), "{lines:?}");
}

fn judge_is_here() -> bool {
    let here = Command::new("tshark").arg("--version").output().is_ok();
    if !here {
        eprintln!("\n*** SKIPPED: tshark is not installed, nobody judged our DHCPv4 replies ***\n");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must have tshark");
    }
    here
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Malformed, or worse than a note: expert severities are chat, note, warning, error.
fn complains(line: &str) -> bool {
    const NOTE: u32 = 0x0040_0000;
    let mut fields = line.split('\t');
    let malformed = fields.next().is_none_or(|field| !field.is_empty());
    let severities = fields.next().unwrap_or_default().split(',');
    malformed || severities.filter_map(|number| number.parse::<u32>().ok()).any(|s| s > NOTE)
}

/// What tshark says of one packet, against what we meant.
fn judge(message: &Message, line: &str) {
    let fields: Vec<_> = line.split('\t').collect();
    let [
        _malformed,
        _severity,
        complaint,
        ip_checksum,
        udp_checksum,
        xid,
        yiaddr,
        mac,
        file,
        kind,
        server,
        codes,
    ] = fields.as_slice()
    else {
        panic!("unexpected line {line:?}")
    };
    assert!(!complains(line), "{complaint:?} of {message:?}");
    assert_eq!((*ip_checksum, *udp_checksum), ("1", "1"), "checksums of {message:?}");

    assert_eq!(*xid, format!("0x{:08x}", message.xid));
    assert_eq!(*yiaddr, message.yiaddr.to_string());
    let address: Vec<_> =
        message.hardware_address().iter().map(|byte| format!("{byte:02x}")).collect();
    // The address in a client identifier comes after it in the same field.
    assert_eq!(mac.split(',').next(), Some(address.join(":").as_str()));
    assert_eq!(file.as_bytes(), message.file_name());
    assert_eq!(*kind, message.options.u8(code::MESSAGE_TYPE).expect("pushed").to_string());
    assert_eq!(*server, message.options.ip(code::SERVER_ID).expect("pushed").to_string());

    let ours: Vec<String> = message
        .options
        .iter()
        .flat_map(|(code, value)| vec![code.to_string(); value.len().div_ceil(255).max(1)])
        .collect();
    // tshark 4.0 shows the end option ("Option: (255) End") as number 0 in this field.
    let (end, codes) =
        codes.rsplit_once(',').map(|(codes, end)| (end, codes)).expect("two or more");
    assert!(matches!(end, "0" | "255"), "no end option in {message:?}");
    assert_eq!(codes.split(',').collect::<Vec<_>>(), ours);
}

fn dissect(capture: &Path) -> Vec<String> {
    const FIELDS: [&str; 12] = [
        "_ws.malformed",
        "_ws.expert.severity",
        "_ws.expert.message",
        "ip.checksum.status",
        "udp.checksum.status",
        "dhcp.id",
        "dhcp.ip.your",
        "dhcp.hw.mac_addr",
        "dhcp.file",
        "dhcp.option.dhcp",
        "dhcp.option.dhcp_server_id",
        "dhcp.option.type",
    ];
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(capture).args(["-T", "fields", "-E", "separator=/t"]);
    command.args(["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .expect("tshark writes text")
        .lines()
        .map(str::to_owned)
        .collect()
}

/// A capture of Ethernet frames with these replies, classic pcap.
fn pcap(replies: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(0xa1b2_c3d4_u32.to_le_bytes());
    bytes.extend([2, 0, 4, 0]);
    bytes.extend([0; 8]);
    bytes.extend(65_535_u32.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    for (at, message) in replies.iter().enumerate() {
        let payload = message.encode(wire::dhcp4::PAYLOAD_MAX).expect("generated to fit");
        let server = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 67);
        let client = SocketAddrV4::new(Ipv4Addr::BROADCAST, 68);
        let id = (at % 65_536) as u16;
        let packet = udp4::encode(server, client, id, &payload).expect("short enough");
        let mut frame = vec![0xff; 6];
        frame.extend([0x52, 0x54, 0, 0, 0, 1, 8, 0]);
        frame.extend(packet);
        let length = u32::try_from(frame.len()).expect("short enough").to_le_bytes();
        bytes.extend(u32::try_from(at).expect("few enough").to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(length);
        bytes.extend(length);
        bytes.extend(frame);
    }
    bytes
}

fn keep(name: &str, bytes: &[u8]) -> PathBuf {
    let name = format!("bootwright-dhcp4-{name}-{}.pcap", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, bytes).expect("a writable directory for temporary files");
    path
}

/// Any reply this server may send, its values well-formed and otherwise random.
fn reply(chance: &mut Chance) -> Message {
    let kind = *chance.pick(&[MessageType::Offer, MessageType::Ack, MessageType::Nak]);
    let mut chaddr = [0; 16];
    chaddr[..6].copy_from_slice(&chance.bytes(6));
    let mut message = Message {
        op: Op::Reply,
        htype: 1,
        hlen: 6,
        hops: 0,
        xid: chance.next() as u32,
        secs: 0,
        flags: *chance.pick(&[0, 0x8000]),
        ciaddr: Ipv4Addr::UNSPECIFIED,
        yiaddr: chance.address(),
        siaddr: chance.address(),
        giaddr: *chance.pick(&[Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(10, 9, 0, 1)]),
        chaddr,
        sname: [0; 64],
        file: [0; 128],
        options: Options::new(),
    };
    let longest = chance.below(127);
    let file = chance.text(longest);
    assert!(message.set_file(file.as_bytes()));
    assert!(message.set_sname(b"10.0.0.1"));

    message.options.push(code::MESSAGE_TYPE, [kind.number()]);
    message.options.push(code::SERVER_ID, chance.bytes(4));
    if kind == MessageType::Nak {
        message.options.push(code::MESSAGE, "no such lease");
    } else {
        content(chance, &mut message.options);
    }
    if chance.below(2) == 0 {
        message.options.push(code::RELAY_AGENT, *b"\x01\x04eth1\x02\x06\x52\x54\x00\x00\x00\x01");
    }
    let list = chance.bytes(20);
    message.options.order(&list);
    message
}

fn content(chance: &mut Chance, options: &mut Options) {
    for code in [code::SUBNET_MASK, code::LEASE_TIME, code::RENEWAL_TIME, code::REBINDING_TIME] {
        chance.sometimes(|chance| options.push(code, chance.bytes(4)));
    }
    for code in [code::ROUTER, code::DNS, code::NTP_SERVERS, code::TFTP_SERVER_ADDRESS] {
        chance.sometimes(|chance| {
            let count = 1 + chance.below(3);
            options.push(code, chance.bytes(4 * count));
        });
    }
    for code in [code::HOST_NAME, code::DOMAIN_NAME, code::ROOT_PATH, code::TFTP_SERVER_NAME] {
        chance.sometimes(|chance| {
            let longest = chance.below(40);
            options.push(code, chance.text(longest));
        });
    }
    chance.sometimes(|chance| options.push(code::INTERFACE_MTU, [5, 220 - chance.below(9) as u8]));
    chance.sometimes(|chance| options.push(code::CLIENT_ID, [vec![1], chance.bytes(6)].concat()));
    chance.sometimes(|chance| {
        options.push(code::CLIENT_MACHINE_ID, [vec![0], chance.bytes(16)].concat());
    });
    chance.sometimes(|chance| {
        let file = [chance.text(60).as_bytes(), b"\0"].concat();
        options.push(code::BOOT_FILE_NAME, file);
    });
    chance.sometimes(|chance| options.push(code::PXELINUX_CONFIG, chance.text(200)));
    chance.sometimes(|chance| options.push(code::PXELINUX_PREFIX, chance.text(300)));
    chance.sometimes(|_| options.push(code::PXELINUX_REBOOT, 30_u32.to_be_bytes()));
    // Classless routes: a default route.
    chance.sometimes(|_| options.push(code::CLASSLESS_ROUTES, [0, 10, 0, 0, 1]));
    chance.sometimes(|chance| options.push(224 + chance.below(8) as u8, chance.bytes(9)));
    chance.sometimes(|chance| {
        let server: &[Ipv4Addr] = &[chance.address()];
        let menu = pxe::VendorOptions::new()
            .discovery_control(3)
            .boot_servers(&[(0x8000, server)])
            .boot_menu(&[(0x8000, "Install"), (0, "Local disk")])
            .menu_prompt(10, "Choose")
            .boot_item(pxe::BootItem { kind: 0x8000, layer: 0 })
            .build()
            .expect("fits");
        let value = match chance.below(3) {
            0 => pxe::BOOT_NOW.to_vec(),
            1 => pxe::raspberry_pi(),
            _ => menu,
        };
        options.push(code::VENDOR_CLASS, pxe::PXE_CLIENT);
        options.push(code::VENDOR_SPECIFIC, value);
    });
}

/// A small generator (xorshift64), so that a printed seed repeats the run.
struct Chance(u64);

impl Chance {
    /// Small seeds are spread over all bits; the state must not be zero.
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    fn address(&mut self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.next() as u8, self.next() as u8, self.next() as u8)
    }

    /// At least one character.
    fn text(&mut self, longest: usize) -> String {
        (0..longest.max(1)).map(|_| char::from(*self.pick(b"abcxyz019.-/"))).collect()
    }

    fn sometimes(&mut self, act: impl FnOnce(&mut Self)) {
        if self.below(2) == 0 {
            act(self);
        }
    }
}
