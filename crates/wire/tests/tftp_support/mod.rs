//! What must hold for any bytes: shared by the ordinary tests and the fuzz target.

use wire::tftp::{
    Malformed, Mode, NAME_BYTES_MAX, OPTIONS_MAX, Packet, REQUEST_BYTES_MAX, RawOption,
    TEXT_BYTES_MAX, ack, data_header,
};

/// Reads the bytes, and writes what was read; both must agree.
pub fn walk(bytes: &[u8]) {
    match Packet::parse(bytes) {
        Ok(Packet::ReadRequest(request) | Packet::WriteRequest(request)) => {
            assert!(bytes.len() <= REQUEST_BYTES_MAX);
            assert!((1..=NAME_BYTES_MAX).contains(&request.name.len()));
            assert!(!request.name.contains(&0));
            check(&request.options);
            for (name, _) in &request.options {
                let Ok(name) = std::str::from_utf8(name) else { continue };
                assert!(request.option(name).is_some(), "{name}");
            }
            assert_eq!(request.option("\0"), None);
            again(bytes, &request.name, request.mode, &request.options);
        }
        Ok(Packet::Data { block, payload }) => {
            assert_eq!([&data_header(block)[..], &payload].concat(), bytes);
        }
        Ok(Packet::Ack { block }) => assert_eq!(ack(block), bytes[..4]),
        Ok(Packet::Error { code, text }) => {
            assert!(text.len() <= TEXT_BYTES_MAX && !text.contains(&0));
            if let Ok(words) = std::str::from_utf8(&text) {
                let written = wire::tftp::error(code, words);
                assert_eq!(Packet::parse(&written), Ok(Packet::Error { code, text }));
            }
        }
        Ok(Packet::OptionAck(options)) => check(&options),
        Err(why) => {
            assert!(!why.to_string().is_empty());
            assert_eq!(why == Malformed::TooShort, bytes.len() < 4);
        }
    }
}

fn check(options: &[RawOption]) {
    assert!(options.len() <= OPTIONS_MAX);
    for (name, value) in options {
        assert!(!name.is_empty() && !name.contains(&0) && !value.contains(&0));
    }
}

/// The same request, written anew from what was read.
fn again(bytes: &[u8], name: &[u8], mode: Mode, options: &[RawOption]) {
    let mut words = Vec::new();
    for (name, value) in options {
        let (Ok(name), Ok(value)) = (std::str::from_utf8(name), std::str::from_utf8(value)) else {
            return;
        };
        words.push((name, value));
    }
    let write = if bytes[1] == 1 { wire::tftp::read_request } else { wire::tftp::write_request };
    let written = write(name, mode.word(), &words);
    if written.len() <= REQUEST_BYTES_MAX {
        assert_eq!(Packet::parse(&written), Packet::parse(bytes));
    }
}
