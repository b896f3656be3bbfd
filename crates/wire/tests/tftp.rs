//! TFTP packets byte by byte, and every seed of the fuzz corpus in an ordinary test run, so that
//! what the fuzzer once found stays found without a fuzzer.

#[path = "tftp_support/seeds.rs"]
mod seeds;
#[path = "tftp_support/mod.rs"]
mod support;

use proptest::{prelude::any, proptest};
use std::path::{Path, PathBuf};
use support::walk;
use wire::tftp::{
    ErrorCode, Malformed, Mode, Packet, Request, error, option_ack, read_request, write_request,
};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/tftp")
}

#[test]
fn every_corpus_file_is_walked() {
    let mut walked = 0;
    for entry in std::fs::read_dir(corpus()).expect("the corpus is in the repository") {
        let path = entry.expect("a readable directory").path();
        walk(&std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        walked += 1;
    }
    assert!(walked >= seeds::all().len(), "only {walked} files");
}

#[test]
fn the_seeds_are_the_files_of_the_same_name() {
    for (name, bytes) in seeds::all() {
        let kept = std::fs::read(corpus().join(name)).unwrap_or_default();
        assert!(kept == bytes, "{name} is stale: run the ignored test `write_the_seeds`");
    }
}

#[test]
#[ignore = "writes the corpus files anew from the seeds"]
fn write_the_seeds() {
    std::fs::create_dir_all(corpus()).expect("a writable checkout");
    for (name, bytes) in seeds::all() {
        std::fs::write(corpus().join(name), bytes).expect("a writable checkout");
    }
}

#[test]
fn only_the_refused_are_refused() {
    for (name, bytes) in seeds::all() {
        let parsed = Packet::parse(&bytes);
        assert_eq!(parsed.is_err(), name.starts_with("refused-"), "{name}: {parsed:?}");
    }
}

/// A packet may be cut anywhere on its way, and any byte of it may be anything.
#[test]
fn every_seed_is_walked_cut_and_bent() {
    for (_, bytes) in seeds::all() {
        for end in 0..bytes.len() {
            walk(&bytes[..end]);
        }
        for at in 0..bytes.len() {
            for value in [0, 1, b'0', 0x7f, 0x80, 0xff] {
                let mut bent = bytes.clone();
                bent[at] = value;
                walk(&bent);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_walked(opcode in 0..8u8, rest in proptest::collection::vec(any::<u8>(), 0..600)) {
        walk(&[&[0, opcode], &rest[..]].concat());
        walk(&rest);
    }

    #[test]
    fn any_words_are_walked(words in proptest::collection::vec("[a-z0-9]{0,9}", 0..24)) {
        walk(&[&[0, 1], words.join("\0").as_bytes(), &[0]].concat());
    }
}

fn refused(bytes: &[u8]) -> Malformed {
    Packet::parse(bytes).unwrap_err()
}

#[test]
fn malformed_packets_say_what_is_wrong() {
    assert_eq!(refused(&[0, 4, 0]), Malformed::TooShort);
    assert_eq!(refused(&[0, 7, 0, 0]), Malformed::UnknownOpcode(7));
    assert_eq!(refused(b"\0\x01abc"), Malformed::NameUnterminated);
    assert_eq!(refused(b"\0\x01\0octet\0"), Malformed::NameEmpty);
    assert_eq!(refused(&read_request(&[b'a'; 256], "octet", &[])), Malformed::NameTooLong);
    assert_eq!(refused(b"\0\x01abc\0octet"), Malformed::ModeUnterminated);
    assert_eq!(refused(&read_request(b"a", "octet", &[("x", "1"); 9])), Malformed::TooManyOptions);
    assert_eq!(refused(&[&[0, 1][..], &[b'a'; 511]].concat()), Malformed::RequestTooLong);
}

#[test]
fn a_request_keeps_its_bytes_and_their_order() {
    let bytes = read_request(b"\\Boot\\\xffBCD", "OcTeT", &[("BlkSize", "1456"), ("tsize", "0")]);
    let request = Request {
        name: b"\\Boot\\\xffBCD".to_vec(),
        mode: Mode::Octet,
        options: vec![(b"BlkSize".to_vec(), b"1456".to_vec()), (b"tsize".to_vec(), b"0".to_vec())],
    };
    assert_eq!(request.option("blksize"), Some(&b"1456"[..]));
    assert_eq!(request.option("windowsize"), None);
    assert_eq!(Packet::parse(&bytes), Ok(Packet::ReadRequest(request)));
    let write = Packet::parse(&write_request(b"a", "mail", &[]));
    assert!(matches!(write, Ok(Packet::WriteRequest(Request { mode: Mode::Unserved, .. }))));
}

#[test]
fn quirk_32_an_oack_ends_with_its_last_nul() {
    let bytes = option_ack(&[("tsize", 70_000), ("blksize", 1408)]);
    assert_eq!(bytes, b"\0\x06tsize\x0070000\0blksize\x001408\0");
    assert_eq!(option_ack(&[]), [0, 6]);
}

#[test]
fn quirk_32_as_a_client_padding_after_an_oack_is_forgiven() {
    let padded = [option_ack(&[("blksize", 512)]), vec![0; 8]].concat();
    let expected = vec![(b"blksize".to_vec(), b"512".to_vec())];
    assert_eq!(Packet::parse(&padded), Ok(Packet::OptionAck(expected)));
}

#[test]
fn an_error_has_one_nul_and_it_is_the_last_byte() {
    assert_eq!(error(ErrorCode::FileNotFound, "File not found"), b"\0\x05\0\x01File not found\0");
    assert_eq!(error(ErrorCode::NotDefined, "a\0b"), b"\0\x05\0\0ab\0");
    for code in 0..=9u16 {
        assert_eq!(u16::from(ErrorCode::from(code)), code);
    }
}
