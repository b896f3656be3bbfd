//! The exact bytes of what we send.

mod dhcp4_support;

use std::net::Ipv4Addr;

use dhcp4_support::{MAC, seeds::seed};
use wire::dhcp4::{Message, Op, code, pxe, sub_options};

fn reply() -> Message {
    let request = Message::parse(&seed("ovmf-discover")).expect("well-formed");
    Message::reply_to(&request)
}

fn options(message: &Message) -> Vec<u8> {
    message.encode(1472).expect("short enough").split_off(240)
}

#[test]
fn a_whole_offer_byte_for_byte() {
    let mut offer = reply();
    offer.yiaddr = Ipv4Addr::new(10, 0, 0, 100);
    offer.siaddr = Ipv4Addr::new(10, 0, 0, 1);
    assert!(offer.set_file(b"snponly.efi"));
    assert!(offer.set_sname(b"10.0.0.1"));
    offer.options.push(code::MESSAGE_TYPE, [2]);
    offer.options.push(code::SERVER_ID, [10, 0, 0, 1]);
    offer.options.push(code::VENDOR_SPECIFIC, pxe::BOOT_NOW);
    offer.options.push(code::VENDOR_CLASS, pxe::PXE_CLIENT);
    offer.options.push(code::BOOT_FILE_NAME, *b"snponly.efi\0");

    let mut expected = vec![2, 1, 6, 0, 0x3d, 0x1d, 0xab, 0x01, 0, 0, 0x80, 0, 0, 0, 0, 0];
    expected.extend([10, 0, 0, 100, 10, 0, 0, 1, 0, 0, 0, 0]);
    expected.extend(MAC);
    expected.resize(44, 0);
    expected.extend(b"10.0.0.1");
    expected.resize(108, 0);
    expected.extend(b"snponly.efi");
    expected.resize(236, 0);
    expected.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 2, 54, 4, 10, 0, 0, 1]);
    expected.extend([43, 4, 6, 1, 8, 255]);
    expected.extend(b"\x3c\x09PXEClient\x43\x0csnponly.efi\0\xff");
    expected.resize(300, 0);
    assert_eq!(offer.encode(548).expect("short enough"), expected);
}

#[test]
fn a_reply_copies_what_identifies_the_request_and_nothing_else() {
    let mut request = Message::parse(&seed("relayed-discover")).expect("well-formed");
    request.secs = 4;
    request.ciaddr = Ipv4Addr::new(1, 2, 3, 4);
    request.chaddr = [7; 16];
    let reply = Message::reply_to(&request);
    assert_eq!(reply.op, Op::Reply);
    assert_eq!((reply.htype, reply.hlen, reply.xid), (1, 6, request.xid));
    assert_eq!((reply.flags, reply.giaddr, reply.chaddr), (0x8000, request.giaddr, [7; 16]));
    assert_eq!((reply.hops, reply.secs), (0, 0));
    for address in [reply.ciaddr, reply.yiaddr, reply.siaddr] {
        assert!(address.is_unspecified());
    }
    assert!(reply.options.is_empty() && reply.file == [0; 128] && reply.sname == [0; 64]);
}

/// Some ROMs and relays drop what is shorter, and early Raspberry Pi firmware trips over a pad
/// that is not at the end.
#[test]
fn zeros_only_after_the_end_option_up_to_300_bytes() {
    let mut message = reply();
    message.options.push(code::MESSAGE_TYPE, [2]);
    let bytes = options(&message);
    assert_eq!(&bytes[..4], [53, 1, 2, 255]);
    assert!(bytes[4..].iter().all(|byte| *byte == 0));
    assert_eq!(bytes.len(), 60);

    message.options.push(224, [1; 200]);
    let bytes = options(&message);
    assert_eq!((bytes.len(), bytes.last()), (3 + 202 + 1, Some(&255)));
}

#[test]
fn message_type_is_first_and_relay_information_last_however_pushed() {
    let mut message = reply();
    message.options.push(code::RELAY_AGENT, *b"\x01\x01a");
    message.options.push(code::HOST_NAME, *b"h");
    message.options.push(code::MESSAGE_TYPE, [5]);
    assert_eq!(&options(&message)[..12], b"\x35\x01\x05\x0c\x01h\x52\x03\x01\x01a\xff");
}

#[test]
fn long_values_are_split_at_255() {
    for (length, parts) in
        [(0, vec![0]), (255, vec![255]), (256, vec![255, 1]), (600, vec![255, 255, 90])]
    {
        let mut message = reply();
        message.options.push(224, vec![9; length]);
        let bytes = options(&message);
        let mut expected = Vec::new();
        for part in parts {
            expected.extend([224, part]);
            expected.extend(vec![9; usize::from(part)]);
        }
        expected.push(255);
        assert_eq!(&bytes[..expected.len()], expected);
        let again = Message::parse(&message.encode(1472).expect("short enough")).expect("ours");
        assert_eq!(again.options.get(224).map(|value| value.len()), Some(length));
    }
}

#[test]
fn packing_is_the_encoders_business() {
    let mut message = reply();
    for code in [code::PAD, code::END, code::OVERLOAD] {
        message.options.push(code, [3]);
    }
    assert!(message.options.is_empty());
}

#[test]
fn the_order_is_type_server_times_mask_router_list_rest_relay() {
    let mut message = reply();
    for code in [82, 200, 67, 3, 60, 1, 59, 58, 6, 51, 15, 54, 53, 97, 66] {
        message.options.push(code, [0]);
    }
    message.options.order(&[66, 6, 3, 1, 82, 15, 6, 99]);
    let order: Vec<u8> = message.options.iter().map(|(code, _)| code).collect();
    assert_eq!(order, [53, 54, 51, 58, 59, 1, 3, 66, 6, 15, 200, 67, 60, 97, 82]);
}

#[test]
fn parts_of_one_option_keep_their_order() {
    let mut message = reply();
    for part in [b"a", b"b", b"c"] {
        message.options.push(43, *part);
        message.options.push(60, *part);
    }
    message.options.order(&[60]);
    assert_eq!(message.options.get(43).as_deref(), Some(&b"abc"[..]));
    assert_eq!(message.options.get(60).as_deref(), Some(&b"abc"[..]));
}

#[test]
fn what_does_not_fit_is_named_last_pushed_first_and_the_relay_at_the_end() {
    let mut message = reply();
    message.options.push(code::MESSAGE_TYPE, [2]);
    message.options.push(code::SERVER_ID, [10, 0, 0, 1]);
    message.options.push(code::DNS, [0; 40]);
    message.options.push(224, vec![0; 200]);
    message.options.push(225, vec![0; 100]);
    message.options.push(code::RELAY_AGENT, vec![1; 50]);
    let length = 241 + 3 + 6 + 42 + 202 + 102 + 52;
    assert_eq!(message.encoded_len(), length);
    assert_eq!(message.encode(length).map(|bytes| bytes.len()), Ok(length));

    let one = message.encode(length - 1).expect_err("one byte too long");
    assert_eq!((one.length, one.limit, one.codes.as_slice()), (length, length - 1, &[225][..]));
    let two = message.encode(length - 103).expect_err("too long");
    assert_eq!(two.codes, [225, 224]);
    assert_eq!(
        two.to_string(),
        "a reply of 648 bytes is longer than the 545 the client takes; \
         without options 225, 224 it would fit or come closest"
    );
    let all = message.encode(10).expect_err("too long for anything");
    assert_eq!(all.codes, [225, 224, 6, 82]);
}

#[test]
fn names_leave_room_for_their_zero() {
    let mut message = reply();
    assert!(message.set_file(&[b'f'; 127]));
    assert!(!message.set_file(&[b'g'; 128]));
    assert_eq!(message.file_name(), [b'f'; 127]);
    assert!(message.set_file(b"short"));
    assert_eq!(message.file_name(), b"short");
    assert!(message.set_sname(&[b's'; 63]));
    assert!(!message.set_sname(&[b's'; 64]));
}

#[test]
fn the_broadcast_bit_alone_is_changed() {
    let mut message = reply();
    message.flags = 0x0001;
    message.set_broadcast(true);
    assert_eq!(message.flags, 0x8001);
    message.set_broadcast(false);
    assert_eq!(message.flags, 0x0001);
}

#[test]
fn vendor_options_of_pxe() {
    let server: &[Ipv4Addr] = &[Ipv4Addr::new(10, 0, 0, 1)];
    let menu = pxe::VendorOptions::new()
        .discovery_control(pxe::discovery::NO_BROADCAST | pxe::discovery::NO_MULTICAST)
        .boot_servers(&[(0x8000, server), (0x8001, &[])])
        .boot_menu(&[(0x8000, "Install"), (0, "Disk")])
        .menu_prompt(10, "PXE")
        .boot_item(pxe::BootItem { kind: 0x8000, layer: 1 })
        .build();
    let expected = b"\x06\x01\x03\x08\x0a\x80\x00\x01\x0a\x00\x00\x01\x80\x01\x00\
        \x09\x11\x80\x00\x07Install\x00\x00\x04Disk\x0a\x04\x0aPXE\x47\x04\x80\x00\x00\x01\xff";
    assert_eq!(menu.as_deref(), Some(&expected[..]));
    assert_eq!(pxe::BOOT_NOW, [6, 1, 8, 255]);
    let bypass = pxe::VendorOptions::new().discovery_control(8).menu_prompt(0, "PXE").build();
    assert_eq!(bypass.as_deref(), Some(&b"\x06\x01\x08\x0a\x04\x00PXE\xff"[..]));
}

#[test]
fn vendor_options_that_do_not_fit_one_option_are_none() {
    let prompt = |length| pxe::VendorOptions::new().menu_prompt(0, &"x".repeat(length)).build();
    assert_eq!(prompt(251).map(|bytes| bytes.len()), Some(255));
    assert_eq!(prompt(252), None);
    assert_eq!(prompt(255), None);
    let many = [Ipv4Addr::LOCALHOST; 256];
    assert_eq!(pxe::VendorOptions::new().boot_servers(&[(1, &many)]).build(), None);
    let text = "x".repeat(256);
    assert_eq!(pxe::VendorOptions::new().boot_menu(&[(1, &text)]).build(), None);
}

#[test]
fn the_raspberry_pi_menu_is_well_formed() {
    let bytes = pxe::raspberry_pi();
    assert_eq!(bytes, b"\x06\x01\x03\x0a\x04\x00PXE\x09\x17\x00\x00\x14Raspberry Pi Boot   \xff");
    let mut walk = sub_options(&bytes);
    assert_eq!((walk.by_ref().count(), walk.truncated()), (3, false));
}
