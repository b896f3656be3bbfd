//! Files byte by byte: both formats, both byte orders, every kind of block, and files that are wrong.

#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use capture::flow::tcp::Piece;
use capture::{Dissector, LinkType, Packet, Reader, Said, Wrong};
use support::{START_NS, carried, file, frames};

fn read(bytes: &[u8]) -> (Vec<Packet>, Option<Wrong>) {
    let mut packets = Vec::new();
    let reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(fault) => return (packets, Some(fault.wrong)),
    };
    for packet in reader {
        match packet {
            Ok(packet) => packets.push(packet),
            Err(fault) => return (packets, Some(fault.wrong)),
        }
    }
    (packets, None)
}

#[test]
fn what_was_written_is_read() {
    let bytes = file();
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    let packets: Vec<Packet> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(packets.len(), frames().len());
    for (n, (packet, (link, bytes))) in packets.iter().zip(frames()).enumerate() {
        assert_eq!((packet.link, &packet.bytes), (link, &bytes), "{n}");
        assert_eq!(packet.at_ns, START_NS + n as u64 * 1_000_001);
        let comments = if n % 3 == 0 { vec![format!("packet {n}")] } else { vec![] };
        assert_eq!(packet.comments, comments);
    }
    let names: Vec<&str> = reader.interfaces().iter().filter_map(|i| i.name.as_deref()).collect();
    assert_eq!(names, ["lan1", "lan2", "lan3", "lan4", "lan5", "lan6"]);
}

#[test]
fn every_link_fragments_and_streams_are_opened() {
    let (packets, _) = read(&file());
    let mut dissector = Dissector::new();
    let mut said = Vec::new();
    let mut vlans = Vec::new();
    let mut arps = 0;
    for heard in packets.iter().filter_map(|packet| dissector.hear(packet)) {
        vlans.push(heard.vlans);
        match heard.said {
            Said::Udp(datagram) => said.push(datagram.payload),
            Said::Tcp(stretch) => {
                said.extend(stretch.pieces.into_iter().map(|piece| match piece {
                    Piece::Bytes(bytes) => bytes,
                    Piece::Lost(_) => panic!("nothing is lost"),
                }));
            }
            Said::Arp(arp) => {
                arps += 1;
                assert!(arp.reply && arp.address.octets() == [10, 0, 0, 1]);
            }
        }
    }
    let shown = |all: &[Vec<u8>]| -> Vec<String> {
        all.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    };
    assert_eq!(shown(&said), shown(&carried()));
    assert_eq!((&vlans[1], &vlans[2], arps), (&vec![5], &vec![9, 5], 1));
}

/// A pcap file of one packet, its numbers in either order.
fn pcap(big: bool, nanoseconds: bool, held: u32, fraction: u32) -> Vec<u8> {
    let magic: u32 = if nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let u32s = |numbers: &[u32]| -> Vec<u8> {
        let bytes = |n: &u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        numbers.iter().flat_map(bytes).collect()
    };
    let version: [u8; 4] = if big { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
    let mut file = u32s(&[magic]);
    file.extend(version);
    // Four bytes of checksum behind each frame, as the upper half says.
    file.extend(u32s(&[0, 0, 65_535, 0x4400_0001, 100, fraction, held, 60]));
    file.extend(b"frame");
    file
}

#[test]
fn pcap_in_both_orders_and_both_resolutions() {
    for big in [false, true] {
        for (nanoseconds, at_ns) in [(false, 100_000_007_000), (true, 100_000_000_007)] {
            let (packets, wrong) = read(&pcap(big, nanoseconds, 5, 7));
            assert!(wrong.is_none(), "{wrong:?}");
            let [packet] = packets.as_slice() else { panic!("{packets:?}") };
            assert_eq!((packet.at_ns, packet.wire_len), (at_ns, 60));
            assert_eq!((packet.link, packet.bytes.as_slice()), (LinkType::Ethernet, &b"frame"[..]));
            assert!((packet.bytes.len() as u32) < packet.wire_len);
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    assert!(matches!(read(b"").1, Some(Wrong::NoCapture)));
    assert!(matches!(read(b"GIF89a..").1, Some(Wrong::NoCapture)));
    assert!(matches!(read(b"\x1f\x8b\x08\x00").1, Some(Wrong::Compressed("gzip"))));
    assert!(matches!(read(&pcap(true, false, 6, 0)).1, Some(Wrong::Cut)));
    assert!(matches!(read(&pcap(true, false, 1 << 30, 0)).1, Some(Wrong::TooLong(_))));
    let whole = file();
    for (cut, bytes) in (1..whole.len()).map(|end| (end, &whole[..end])) {
        let (_, wrong) = read(bytes);
        let ended = matches!(wrong, None | Some(Wrong::Cut | Wrong::NoCapture));
        assert!(ended, "cut at {cut}: {wrong:?}");
    }
    let (packets, _) = read(&whole[..whole.len() - 1]);
    assert_eq!(packets.len() + 1, frames().len(), "what came before is good");
}

fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let u32 = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = u32(u32::try_from(body.len()).unwrap() + 12);
    [&u32(kind)[..], &length, &body, &length].concat()
}

fn section(big: bool) -> Vec<u8> {
    let order: [u8; 4] = if big { [0x1a, 0x2b, 0x3c, 0x4d] } else { [0x4d, 0x3c, 0x2b, 0x1a] };
    let version: [u8; 4] = if big { [0, 1, 0, 0] } else { [1, 0, 0, 0] };
    block(big, 0x0a0d_0d0a, &[&order[..], &version, &[0xff; 8]].concat())
}

/// Sections of either order, one after the other; interfaces with ticks of their own; simple packets,
/// obsolete packets, and blocks that nobody knows.
#[test]
fn pcapng_with_everything() {
    let mut bytes = Vec::new();
    bytes.extend(section(true));
    // Ticks of 1/2^10 s, 10 s later; a name.
    let options = [
        &[0, 9, 0, 1, 0x8a, 0, 0, 0][..],
        &[0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 10],
        &[0, 2, 0, 3],
        b"br0\0",
    ];
    let interface = [&[0, 1, 0, 0, 0, 0, 0, 4][..], &options.concat()].concat();
    bytes.extend(block(true, 1, &interface));
    bytes.extend(block(true, 0x0bad_cafe, &[0; 100]));
    // Of interface 0, at 1024 ticks.
    let packet = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 3, 0, 0, 0, 3, 1, 2, 3];
    bytes.extend(block(true, 6, &packet));
    // The same, as packets were written before: its interface has two bytes.
    bytes.extend(block(true, 2, &packet));
    // Cut to four bytes by its interface.
    bytes.extend(block(true, 3, &[0, 0, 0, 9, 9, 8, 7, 6]));
    bytes.extend(section(false));
    bytes.extend(block(false, 1, &[101, 0, 0, 0, 0, 0, 0, 0]));
    let packet = [0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4];
    bytes.extend(block(false, 6, &packet));
    let unknown = [7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4];
    bytes.extend(block(false, 6, &unknown));

    let (packets, wrong) = read(&bytes);
    let told: Vec<(u64, usize, Vec<u8>)> =
        packets.iter().map(|p| (p.at_ns, p.interface, p.bytes.clone())).collect();
    let second = 1_000_000_000;
    assert_eq!(
        told,
        [
            (11 * second, 0, vec![1, 2, 3]),
            (11 * second, 0, vec![1, 2, 3]),
            (11 * second, 0, vec![9, 8, 7, 6]),
            (5000, 1, vec![4]),
        ]
    );
    assert_eq!(packets[3].link, LinkType::RawIp);
    assert!(matches!(wrong, Some(Wrong::Interface(7))), "{wrong:?}");
}
