//! Any bytes: files of the fuzz corpus, cut and bent ones, and frames of chance.

#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use capture::{Dissector, Interface, LinkType, Packet, Writer};
use proptest::prelude::any;
use proptest::{collection, proptest};
use std::path::Path;
use support::walk::walk;
use support::{file, frames};

#[test]
fn every_corpus_file_is_walked() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/capture");
    let mut walked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        walk(&std::fs::read(entry.unwrap().path()).unwrap());
        walked += 1;
    }
    assert!(walked >= 3, "only {walked} files");
}

#[test]
#[ignore = "writes the corpus files anew"]
fn write_the_seeds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/capture");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("everything.pcapng"), file()).unwrap();
    for (name, magic) in [("us.pcap", 0xa1b2_c3d4_u32), ("ns.pcap", 0xa1b2_3c4d)] {
        let mut bytes = magic.to_be_bytes().to_vec();
        bytes.extend([0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 1]);
        for (link, frame) in frames() {
            if link == LinkType::Ethernet {
                let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
                bytes.extend([0, 0, 0, 9, 0, 0, 0, 9]);
                bytes.extend(length);
                bytes.extend(length);
                bytes.extend(frame);
            }
        }
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

#[test]
fn a_file_cut_anywhere_or_bent_anywhere_is_walked() {
    let whole = file();
    for end in 0..whole.len() {
        walk(&whole[..end]);
    }
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bent = whole.clone();
            bent[at] = value;
            walk(&bent);
        }
    }
}

/// A length that claims much takes no more memory than there is file.
#[test]
fn claims_cost_nothing() {
    let mut bytes = file();
    bytes.extend([0xfe, 0xca, 0, 0, 0xfc, 0xff, 0xff, 0xff, 1, 2, 3]);
    walk(&bytes);
}

proptest! {
    #[test]
    fn frames_of_chance_are_walked(
        frames in collection::vec((0_u16..280, collection::vec(any::<u8>(), 0..200)), 0..50)
    ) {
        let mut writer = Writer::new(Vec::new(), "chance").unwrap();
        for (link, bytes) in frames {
            let link = LinkType::from(link);
            let interface = writer.interface(&Interface { name: None, link }).unwrap();
            let wire_len = u32::try_from(bytes.len()).unwrap();
            let comments = Vec::new();
            writer.packet(&Packet { at_ns: 1, interface, link, wire_len, bytes, comments }).unwrap();
        }
        walk(&writer.finish().unwrap());
    }

    #[test]
    fn ip_of_chance_is_opened(bytes in collection::vec(any::<u8>(), 0..300), first in any::<bool>()) {
        let mut bytes = bytes;
        if let Some(version) = bytes.first_mut() {
            *version = if first { 0x45 } else { 0x60 };
        }
        let mut dissector = Dissector::new();
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let (link, comments) = (LinkType::RawIp, Vec::new());
        let packet = Packet { at_ns: 1, interface: 0, link, wire_len, bytes, comments };
        // Twice: what was kept of the first meets the second.
        let _ = dissector.hear(&packet);
        let _ = dissector.hear(&packet);
    }
}
