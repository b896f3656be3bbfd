//! Everything we say, read by others: random networks, machines and messages through the engine,
//! every reply of it into one capture, and Wireshark's and scapy's dissectors over that. Neither
//! may find a malformed packet.
//!
//! `BOOTWRIGHT_REPLIES=100000` makes it long, `BOOTWRIGHT_SEED` repeats a run.

use lab::sim::chance::Chance;
use std::path::Path;
use std::process::Command;

mod dhcp4;
mod dhcp6;
mod names;

/// Replies in an ordinary run.
const REPLIES: usize = 3000;

/// Lets worlds speak until there is enough to be judged, and judges it.
///
/// `world` adds what one world says, as packets with their IP headers. `arguments` are more of tshark's, for
/// which every packet has to be one of `protocol`; `scapy` defines `judge(data)`, which returns a list of
/// complaints.
fn judge(
    mut world: impl FnMut(&mut Chance, &mut Vec<Vec<u8>>),
    arguments: &[&str],
    protocol: &str,
    scapy: &str,
) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed: u64 = number("BOOTWRIGHT_SEED").unwrap_or(u64::from(std::process::id()));
    let count = number("BOOTWRIGHT_REPLIES").map_or(REPLIES, |n| usize::try_from(n).unwrap());
    println!("BOOTWRIGHT_SEED={seed}");
    let mut chance = Chance::new(seed);
    let mut packets = Vec::new();
    while packets.len() < count {
        world(&mut chance, &mut packets);
    }
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("replies.pcap");
    std::fs::write(&capture, pcap(&packets)).unwrap();
    let wireshark = read_by_tshark(&capture, arguments, protocol);
    let scapy = read_by_scapy(&capture, scapy, packets.len());
    for complaint in [&wireshark, &scapy].into_iter().flatten().flatten().take(20) {
        eprintln!("{complaint}");
        // Stays, to be looked at.
        let kept = std::env::temp_dir().join(format!("bootwright-malformed-{protocol}.pcap"));
        let _ = std::fs::copy(&capture, kept);
    }
    assert_eq!(wireshark.unwrap_or_default(), Vec::<String>::new(), "seed {seed}");
    assert_eq!(scapy.unwrap_or_default(), Vec::<String>::new(), "seed {seed}");
    println!("{} packets", packets.len());
}

/// A classic capture of raw IP packets.
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    const RAW_IP: u32 = 101;
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, RAW_IP] {
        file.extend(word.to_le_bytes());
    }
    for (n, packet) in packets.iter().enumerate() {
        let length = u32::try_from(packet.len()).unwrap();
        for word in [u32::try_from(n).unwrap(), 0, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    file
}

/// Whether a judge can be asked; said aloud when not, and never missing under CI.
fn there(what: &str, out: std::io::Result<std::process::Output>) -> bool {
    let there = out.is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("\n*** SKIPPED: {what} is not installed, it judged none of our replies ***\n");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must have {what}");
    }
    there
}

/// The complaints of Wireshark's dissector: malformed, or an expert's warning or error.
fn read_by_tshark(capture: &Path, arguments: &[&str], protocol: &str) -> Option<Vec<String>> {
    if !there("tshark", Command::new("tshark").arg("--version").output()) {
        return None;
    }
    let filter = format!("_ws.malformed || _ws.expert.severity >= 0x600000 || !{protocol}");
    let out = Command::new("tshark")
        .args(["-o", "udp.check_checksum:TRUE", "-Y", &filter])
        .args(arguments)
        .args([
            "-T",
            "fields",
            "-e",
            "frame.number",
            "-e",
            "_ws.col.Info",
            "-e",
            "_ws.expert.message",
        ])
        .arg("-r")
        .arg(capture)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Some(text.lines().map(|line| format!("tshark, packet {line}")).collect())
}

/// Asks `judge` about every packet.
const SCAPY: &str = r#"
n = 0
for data, _ in RawPcapReader(sys.argv[1]):
    n += 1
    said = judge(data)
    if said:
        print("scapy, packet %d: %s" % (n, "; ".join(said)))
print("read", n, file=sys.stderr)
"#;

fn read_by_scapy(capture: &Path, judge: &str, count: usize) -> Option<Vec<String>> {
    // Debian's package belongs to Debian's Python.
    let python = "/usr/bin/python3";
    if !there("scapy", Command::new(python).args(["-c", "import scapy"]).output()) {
        return None;
    }
    let begin = "import sys\nfrom scapy.utils import RawPcapReader\nfrom scapy.packet import Raw, Padding\n";
    let program = [begin, judge, SCAPY].concat();
    let out = Command::new(python).args(["-c", &program]).arg(capture).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
    assert!(said.contains(&format!("read {count}\n")), "{said}");
    Some(String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect())
}

/// A bootloader of that name, as it is kept.
fn loader(name: &str, kind: model::LoaderKind, arch: model::Arch) -> model::Change {
    model::Change::Loader(model::Loader {
        name: name.into(),
        kind,
        arch,
        version: "1".into(),
        path: name.into(),
        sha256: model::Hash([0; 32]),
        size: 1,
        signers: vec![],
    })
}
