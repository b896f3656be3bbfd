//! Judged by Wireshark's tools: files that they write are read as they read them, and what we write
//! they read as we meant it.

#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use capture::flow::tcp::Piece;
use capture::{Dissector, Reader, Said};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{file, frames};

#[expect(clippy::disallowed_methods, reason = "the judges are other programs")]
fn run(program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).output();
    let out = out.unwrap_or_else(|e| panic!("{program}: {e}; it is in Debian's tshark"));
    assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Time, lengths, interface and comment of each packet, as tshark reads them.
fn theirs(file: &Path) -> Vec<String> {
    let fields =
        ["frame.time_epoch", "frame.cap_len", "frame.len", "frame.interface_name", "frame.comment"];
    let mut args = vec!["-r", path(file), "-n", "-T", "fields"];
    for field in fields {
        args.extend(["-e", field]);
    }
    run("tshark", &args).lines().map(|line| line.trim_end().to_owned()).collect()
}

fn ours(file: &Path) -> Vec<String> {
    let bytes = std::fs::read(file).unwrap();
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    let mut lines = Vec::new();
    while let Some(packet) = reader.next() {
        let packet = packet.unwrap();
        let (seconds, fraction) = (packet.at_ns / 1_000_000_000, packet.at_ns % 1_000_000_000);
        let name = reader.interfaces()[packet.interface].name.clone().unwrap_or_default();
        let (held, length) = (packet.bytes.len(), packet.wire_len);
        let comments = packet.comments.join(",");
        let line = format!("{seconds}.{fraction:09}\t{held}\t{length}\t{name}\t{comments}");
        lines.push(line.trim_end().to_owned());
    }
    lines
}

fn written(folder: &Path) -> PathBuf {
    let at = folder.join("ours.pcapng");
    std::fs::write(&at, file()).unwrap();
    at
}

/// tshark knows interfaces by a number where a file has no names for them.
fn without_names(lines: Vec<String>) -> Vec<String> {
    let cut = |line: String| line.split('\t').take(3).collect::<Vec<_>>().join("\t");
    lines.into_iter().map(cut).collect()
}

#[test]
fn what_we_write_wireshark_reads() {
    let folder = tempfile::tempdir().unwrap();
    let at = written(folder.path());
    assert_eq!(ours(&at), theirs(&at));
    let told = run("capinfos", &["-Tm", "-c", path(&at)]);
    assert!(told.lines().last().unwrap().ends_with(&format!(",{}", frames().len())), "{told}");
}

#[test]
fn what_editcap_and_mergecap_write_we_read() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path());
    let to = |name: &str| folder.path().join(name);
    let ether = to("ether.pcapng");
    run("tshark", &["-r", path(&whole), "-Y", "eth", "-w", path(&ether)]);

    for (format, name) in [("pcap", "us.pcap"), ("nsecpcap", "ns.pcap"), ("pcapng", "ng.pcapng")] {
        let file = to(name);
        run("editcap", &["-F", format, path(&ether), path(&file)]);
        assert_eq!(without_names(ours(&file)), without_names(theirs(&file)), "{format}");
        assert!(ours(&file).len() > 10, "{format}");
    }
    let cut = to("cut.pcapng");
    run("editcap", &["-s", "30", path(&whole), path(&cut)]);
    assert_eq!(ours(&cut), theirs(&cut));
    let comment = to("comment.pcapng");
    run("editcap", &["-a", "2:who said that?", path(&whole), path(&comment)]);
    assert_eq!(ours(&comment), theirs(&comment));
    assert!(ours(&comment)[1].ends_with("who said that?"));
    let merged = to("merged.pcapng");
    run("mergecap", &["-w", path(&merged), path(&whole), path(&to("us.pcap")), path(&cut)]);
    assert_eq!(without_names(ours(&merged)), without_names(theirs(&merged)));
    // One section behind the other: files that were joined by `cat`.
    let both = to("both.pcapng");
    let one = std::fs::read(&whole).unwrap();
    std::fs::write(&both, [one, std::fs::read(&comment).unwrap()].concat()).unwrap();
    assert_eq!(ours(&both), theirs(&both));
    assert_eq!(ours(&both).len(), 2 * frames().len());
}

#[test]
fn payloads_are_those_that_wireshark_puts_together() {
    let folder = tempfile::tempdir().unwrap();
    let at = written(folder.path());
    let args = ["-r", path(&at), "-n", "-T", "fields", "-e", "udp.payload", "-Y", "udp"];
    let theirs: Vec<String> = run("tshark", &args).lines().map(str::to_owned).collect();

    let bytes = std::fs::read(&at).unwrap();
    let mut dissector = Dissector::new();
    let (mut udp, mut tcp) = (Vec::new(), Vec::new());
    for packet in Reader::new(bytes.as_slice()).unwrap() {
        match dissector.hear(&packet.unwrap()).map(|heard| heard.said) {
            Some(Said::Udp(datagram)) => {
                udp.push(datagram.payload.iter().map(|b| format!("{b:02x}")).collect::<String>());
            }
            Some(Said::Tcp(stretch)) => {
                for piece in stretch.pieces {
                    if let Piece::Bytes(bytes) = piece {
                        tcp.extend(bytes);
                    }
                }
            }
            _ => {}
        }
    }
    assert_eq!(udp, theirs);
    let followed = run("tshark", &["-r", path(&at), "-q", "-z", "follow,tcp,raw,0"]);
    let hex: String = tcp.iter().map(|byte| format!("{byte:02x}")).collect();
    let theirs: String = followed
        .lines()
        .map(str::trim)
        .filter(|l| l.bytes().all(|b| b.is_ascii_hexdigit()))
        .collect();
    assert_eq!(hex, theirs, "{followed}");
}
