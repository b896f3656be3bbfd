//! What must hold for any bytes: shared by the ordinary tests and the fuzz target.

use capture::file::{COMMENTS_MAX, PACKET_BYTES_MAX};
use capture::flow::tcp::Piece;
use capture::{Dissector, Packet, Reader, Said, Writer};

/// Reads the bytes as a file, and everything in it; what was read is written and read again the same.
pub fn walk(bytes: &[u8]) {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    let mut dissector = Dissector::new();
    let mut packets: Vec<Packet> = Vec::new();
    let (mut held, mut said) = (0, 0);
    for packet in reader.by_ref() {
        let Ok(packet) = packet else { continue };
        held += packet.bytes.len();
        assert!(packet.bytes.len() <= PACKET_BYTES_MAX && packet.comments.len() <= COMMENTS_MAX);
        if let Some(heard) = dissector.hear(&packet) {
            said += match heard.said {
                Said::Udp(datagram) => datagram.payload.len(),
                Said::Tcp(stretch) => {
                    let bytes = |piece: &Piece| match piece {
                        Piece::Bytes(bytes) => bytes.len(),
                        Piece::Lost(_) => 0,
                    };
                    stretch.pieces.iter().map(bytes).sum()
                }
                Said::Arp(_) => 0,
            };
        }
        packets.push(packet);
    }
    assert!(reader.next().is_none(), "nothing comes after the end, or after a fault");
    assert!(held <= bytes.len(), "{held} bytes out of {}", bytes.len());
    // Of one packet only so much can be said as it has; nothing is said twice.
    assert!(said <= held, "{said} bytes said of {held}");
    again(&reader, &packets);
}

fn again(reader: &Reader<&[u8]>, packets: &[Packet]) {
    let mut writer = Writer::new(Vec::new(), "walk").unwrap();
    for interface in reader.interfaces() {
        writer.interface(interface).unwrap();
    }
    for packet in packets {
        writer.packet(packet).unwrap();
    }
    let written = writer.finish().unwrap();
    let mut second = Reader::new(written.as_slice()).unwrap();
    for packet in packets {
        let same = second.next().unwrap().unwrap();
        assert_eq!((&same.bytes, same.at_ns), (&packet.bytes, packet.at_ns));
        assert_eq!(same.interface, packet.interface);
    }
    assert!(second.next().is_none());
}
