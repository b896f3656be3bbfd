//! The walk of the fuzzer, over its corpus and over chance.

#[path = "whole_path/mod.rs"]
mod whole_path;

use proptest::prelude::*;
use std::path::{Path, PathBuf};
use whole_path::walk;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

#[test]
fn every_story_of_the_corpus_is_walked() {
    let mut walked = 0;
    for entry in std::fs::read_dir(corpus().join("served")).expect("the corpus") {
        walk(&std::fs::read(entry.expect("a file").path()).expect("a readable file"));
        walked += 1;
    }
    assert!(walked >= 8, "only {walked} files");
}

/// Each message of the parser's corpus, in each sort of network.
#[test]
fn every_message_that_firmware_ever_sent_takes_the_whole_way() {
    for entry in std::fs::read_dir(corpus().join("dhcp4")).expect("the corpus") {
        let bytes = std::fs::read(entry.expect("a file").path()).expect("a readable file");
        for shape in 0..=127 {
            walk(&story(shape, &[(0, &bytes)]));
        }
    }
}

/// A story of one network and raw messages.
fn story(shape: u8, messages: &[(u8, &[u8])]) -> Vec<u8> {
    let mut story = vec![shape];
    for (turn, message) in messages {
        let length = u16::try_from(message.len()).expect("a datagram");
        story.push(*turn);
        story.extend(length.to_be_bytes());
        story.extend(*message);
    }
    story
}

#[test]
#[ignore = "writes the corpus files anew"]
fn write_the_stories() {
    let folder = corpus().join("served");
    std::fs::create_dir_all(&folder).expect("a writable checkout");
    // DISCOVER, REQUEST, renewal, DECLINE, RELEASE, time, a crash, a conflict; for several clients.
    let lives: [&[u8]; 8] = [
        &[3, 1, 0, 5, 1, 0, 13, 6, 0x61, 0],
        &[3, 1, 0, 3, 2, 0, 5, 1, 0, 5, 2, 0, 12, 0x0f, 0xff, 3, 3, 0, 13],
        &[3, 1, 0, 5, 1, 0, 9, 1, 0, 3, 1, 0, 15, 13],
        &[3, 1, 0, 14, 3, 1, 0, 5, 1, 0, 10, 0x61, 0, 12, 0xff, 0xff, 15],
        &[3, 0x81, 1, 82, 4, 1, 2, b'p', b'1', 5, 0x81, 1, 82, 4, 1, 2, b'p', b'1'],
        &[3, 1, 1, 80, 0, 6, 0x41, 0, 11, 0x61, 0],
        &[
            3, 1, 2, 60, 9, b'P', b'X', b'E', b'C', b'l', b'i', b'e', b'n', b't', 93, 2, 0, 7, 5,
            1, 0,
        ],
        &[3, 1, 1, 118, 4, 10, 1, 0, 0, 3, 2, 1, 51, 4, 0, 0, 0, 9, 5, 2, 0],
    ];
    for (n, life) in lives.iter().enumerate() {
        for shape in [0x04_u8, 0x40, 0x7d, 0x02] {
            let file = folder.join(format!("life-{n}-{shape:02x}"));
            std::fs::write(file, [&[shape], *life].concat()).expect("a writable checkout");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_story(story in prop::collection::vec(any::<u8>(), 0..600)) {
        walk(&story);
    }
}
