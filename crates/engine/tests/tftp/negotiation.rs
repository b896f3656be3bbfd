//! Which options are accepted, as the bytes of the OACK.

use engine::tftp::{Negotiated, Policy, Refusal};
use wire::tftp::{ErrorCode, Packet, Request, read_request};

fn request(mode: &str, options: &[(&str, &str)]) -> Request {
    match Packet::parse(&read_request(b"file", mode, options)).unwrap() {
        Packet::ReadRequest(request) => request,
        other => panic!("{other:?}"),
    }
}

/// The OACK for a file of 70,000 bytes, as text with `|` for NUL.
fn oack(options: &[(&str, &str)]) -> Option<String> {
    oack_with(&Policy::default(), "octet", 70_000, options)
}

fn oack_with(policy: &Policy, mode: &str, size: u64, options: &[(&str, &str)]) -> Option<String> {
    let agreed = Negotiated::new(&request(mode, options), size, policy).unwrap();
    let bytes = agreed.oack()?;
    assert_eq!(bytes[..2], [0, 6]);
    Some(String::from_utf8(bytes[2..].to_vec()).unwrap().replace('\0', "|"))
}

#[test]
fn without_options_there_is_no_oack() {
    assert_eq!(oack(&[]), None);
}

#[test]
fn quirk_31_nothing_is_confirmed_that_was_not_asked_for() {
    let pxelinux = oack(&[("tsize", "0"), ("blksize", "1408")]);
    assert_eq!(pxelinux.as_deref(), Some("tsize|70000|blksize|1408|"));
    assert_eq!(oack(&[("blksize", "1024")]).as_deref(), Some("blksize|1024|"));
}

#[test]
fn the_order_is_that_of_the_request_and_the_first_of_two_counts() {
    let both = oack(&[("WindowSize", "4"), ("blksize", "512"), ("BLKSIZE", "1024")]);
    assert_eq!(both.as_deref(), Some("windowsize|4|blksize|512|"));
    let second_try = oack(&[("blksize", "none"), ("blksize", "1024")]);
    assert_eq!(second_try.as_deref(), Some("blksize|1024|"), "what was not accepted was not there");
}

#[test]
fn quirk_29_a_block_fits_into_one_packet_of_the_link() {
    assert_eq!(oack(&[("blksize", "65464")]).as_deref(), Some("blksize|1468|"));
    assert_eq!(oack(&[("blksize", "99999999999999999999999")]).as_deref(), Some("blksize|1468|"));
    assert_eq!(oack(&[("blksize", "1468")]).as_deref(), Some("blksize|1468|"));
    let jumbo = Policy { mtu: 9000, ..Policy::default() };
    let asked = [("blksize", "65464")];
    assert_eq!(oack_with(&jumbo, "octet", 1, &asked).as_deref(), Some("blksize|8968|"));
    let careful = Policy { blksize_max: 1024, ..Policy::default() };
    assert_eq!(oack_with(&careful, "octet", 1, &asked).as_deref(), Some("blksize|1024|"));
    for mtu in [0, 31, 39, 65_535] {
        let odd = Policy { mtu, ..Policy::default() };
        assert!(oack_with(&odd, "octet", 1, &asked).is_some(), "mtu {mtu}");
    }
}

#[test]
fn what_is_out_of_range_or_no_number_is_left_out() {
    for nonsense in [
        ("blksize", "7"),
        ("blksize", "0"),
        ("blksize", ""),
        ("blksize", "-1"),
        ("blksize", "+512"),
        ("blksize", "0x200"),
        ("blksize", " 512"),
        ("blksize", "512 "),
        ("windowsize", "0"),
        ("timeout", "0"),
        ("timeout", "256"),
        ("rollover", "2"),
        ("tsize", "many"),
        ("multicast", ""),
        ("msftwindow", "31416"),
        ("utimeout", "100000"),
    ] {
        assert_eq!(oack(&[nonsense]), None, "{nonsense:?}");
        let beside = oack(&[nonsense, ("blksize", "512")]);
        assert_eq!(beside.as_deref(), Some("blksize|512|"), "{nonsense:?}");
    }
}

#[test]
fn quirk_35_the_timeout_comes_back_exactly() {
    for s in ["1", "5", "255"] {
        assert_eq!(oack(&[("timeout", s)]), Some(format!("timeout|{s}|")));
    }
}

#[test]
fn windows_are_brought_down_to_the_policy() {
    assert_eq!(oack(&[("windowsize", "4")]).as_deref(), Some("windowsize|4|"));
    assert_eq!(oack(&[("windowsize", "65535")]).as_deref(), Some("windowsize|64|"));
    for window_max in [0, 65_535] {
        let policy = Policy { window_max, ..Policy::default() };
        let most = oack_with(&policy, "octet", 1, &[("windowsize", "65535")]).unwrap();
        assert_eq!(most, if window_max == 0 { "windowsize|1|" } else { "windowsize|32767|" });
    }
}

#[test]
fn quirk_85_the_size_is_told_to_the_last_byte_however_large() {
    let size = 6 * 1024 * 1024 * 1024 + 1;
    let told = oack_with(&Policy::default(), "octet", size, &[("tsize", "0")]);
    assert_eq!(told, Some(format!("tsize|{size}|")));
    assert_eq!(oack(&[("tsize", "12345")]).as_deref(), Some("tsize|70000|"));
}

#[test]
fn netascii_has_no_size_and_no_window() {
    let options = [("tsize", "0"), ("windowsize", "4"), ("blksize", "1024")];
    let text = oack_with(&Policy::default(), "NetASCII", 10, &options);
    assert_eq!(text.as_deref(), Some("blksize|1024|"));
    let only_those = oack_with(&Policy::default(), "netascii", 10, &options[..2]);
    assert_eq!(only_those, None);
}

#[test]
fn rollover_is_honoured_when_asked_for() {
    assert_eq!(oack(&[("rollover", "0")]).as_deref(), Some("rollover|0|"));
    assert_eq!(oack(&[("rollover", "1")]).as_deref(), Some("rollover|1|"));
}

#[test]
fn refusals_are_one_packet_with_the_code_firmware_understands() {
    for mode in ["mail", "binary", ""] {
        let refused = Negotiated::new(&request(mode, &[]), 1, &Policy::default());
        assert_eq!(refused.unwrap_err(), Refusal::ModeUnserved, "{mode}");
    }
    for (refusal, code) in [
        (Refusal::NotFound, ErrorCode::FileNotFound),
        (Refusal::WriteRefused, ErrorCode::AccessViolation),
        (Refusal::ModeUnserved, ErrorCode::IllegalOperation),
        (Refusal::TooLargeForNetascii, ErrorCode::NotDefined),
    ] {
        let packet = Packet::parse(&refusal.packet()).unwrap();
        assert_eq!(packet, Packet::Error { code, text: refusal.text().into() });
    }
}
