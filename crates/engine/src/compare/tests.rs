use super::*;
use wire::dhcp4::MessageType;

fn offer(server: [u8; 4], address: [u8; 4]) -> Message {
    let request = Message::request([2, 0, 0, 0, 0, 1], 7);
    let mut reply = Message::reply_to(&request);
    reply.yiaddr = address.into();
    reply.siaddr = server.into();
    assert!(reply.set_file(b"ipxe.efi"));
    reply.options.push(code::MESSAGE_TYPE, [MessageType::Offer.number()]);
    reply.options.push(code::SERVER_ID, server);
    reply.options.push(code::LEASE_TIME, 43_200_u32.to_be_bytes());
    reply.options.push(code::DNS, [10, 0, 0, 1, 9, 9, 9, 9]);
    reply
}

fn told(ours: &Message, theirs: &Message) -> Vec<String> {
    replies(ours, theirs).iter().map(ToString::to_string).collect()
}

#[test]
fn a_reply_differs_from_itself_in_nothing() {
    let one = offer([10, 0, 0, 1], [10, 0, 0, 100]);
    assert_eq!(replies(&one, &one), []);
}

#[test]
fn two_servers_that_say_the_same_agree() {
    let (ours, theirs) =
        (offer([10, 0, 0, 1], [10, 0, 0, 100]), offer([10, 0, 0, 2], [10, 0, 0, 100]));
    let found = replies(&ours, &theirs);
    assert!(agree(&found), "{found:?}");
    assert_eq!(
        told(&ours, &theirs),
        [
            "siaddr: we say 10.0.0.1, they say 10.0.0.2",
            "option 54 (server-identifier): we say 10.0.0.1, they say 10.0.0.2",
        ]
    );
}

#[test]
fn what_a_machine_would_notice_comes_first_and_does_not_agree() {
    let ours = offer([10, 0, 0, 1], [10, 0, 0, 100]);
    let mut theirs = offer([10, 0, 0, 2], [10, 0, 0, 101]);
    theirs.siaddr = Ipv4Addr::new(10, 0, 0, 9);
    assert!(theirs.set_file(b"pxelinux.0"));
    theirs.options.remove(code::DNS);
    theirs.options.remove(code::LEASE_TIME);
    theirs.options.push(code::LEASE_TIME, 3600_u32.to_be_bytes());
    theirs.options.push(42, [10, 0, 0, 3]);
    assert!(!agree(&replies(&ours, &theirs)));
    assert_eq!(
        told(&ours, &theirs),
        [
            "yiaddr: we say 10.0.0.100, they say 10.0.0.101",
            "siaddr: we say 10.0.0.1, they say 10.0.0.9",
            "boot file: we say ipxe.efi, they say pxelinux.0",
            "option 6 (domain-name-servers): we say 10.0.0.1,9.9.9.9, they say nothing",
            "option 42 (ntp-servers): we say nothing, they say 10.0.0.3",
            "option 51 (lease-time): we say 12h, they say 1h",
            "option 54 (server-identifier): we say 10.0.0.1, they say 10.0.0.2",
        ]
    );
}

#[test]
fn a_boot_file_in_another_place_is_a_matter_of_form() {
    let ours = offer([10, 0, 0, 1], [10, 0, 0, 100]);
    let mut theirs = ours.clone();
    theirs.file = [0; 128];
    theirs.options.push(code::BOOT_FILE_NAME, *b"ipxe.efi\0");
    let found = replies(&ours, &theirs);
    assert!(agree(&found), "{found:?}");
    assert_eq!(
        told(&ours, &theirs),
        ["place of the boot file: we say it in the header, they say it in option 67, with a zero \
             at its end"]
    );
}

#[test]
fn another_order_is_told_and_agrees() {
    let ours = offer([10, 0, 0, 1], [10, 0, 0, 100]);
    let mut theirs = ours.clone();
    theirs.options.remove(code::SERVER_ID);
    theirs.options.push(code::SERVER_ID, [10, 0, 0, 1]);
    assert!(agree(&replies(&ours, &theirs)));
    assert_eq!(
        told(&ours, &theirs),
        ["order of the options: we say 53 54 51 6, they say 53 51 6 54"]
    );
}

#[test]
fn hostile_text_is_shown_escaped_and_short() {
    let ours = offer([10, 0, 0, 1], [10, 0, 0, 100]);
    let mut theirs = ours.clone();
    theirs.options.push(code::BOOT_FILE_NAME, *b"\x1b[2Jboo\nm");
    theirs.options.push(209, vec![0xff; 2000]);
    for line in told(&ours, &theirs) {
        assert!(line.len() < 900 && !line.chars().any(char::is_control), "{line}");
    }
}

/// Some servers name themselves in `siaddr` of every reply, of a file or not.
#[test]
fn a_server_of_no_file_is_no_difference_and_of_a_file_is() {
    let mut ours = offer([10, 0, 0, 1], [10, 0, 0, 100]);
    (ours.siaddr, ours.file) = ([0, 0, 0, 0].into(), [0; 128]);
    let mut theirs = ours.clone();
    theirs.siaddr = [10, 0, 0, 1].into();
    assert!(agree(&replies(&ours, &theirs)), "{:?}", told(&ours, &theirs));
    theirs.siaddr = [10, 0, 0, 9].into();
    assert!(!agree(&replies(&ours, &theirs)));
}

#[test]
fn a_client_id_that_is_not_said_back_is_a_matter_of_form_and_a_wrong_one_is_not() {
    let mut ours = offer([10, 0, 0, 1], [10, 0, 0, 100]);
    let theirs = ours.clone();
    ours.options.push(code::CLIENT_ID, *b"\x01abcdef");
    assert!(agree(&replies(&ours, &theirs)), "{:?}", told(&ours, &theirs));
    let mut wrong = theirs;
    wrong.options.push(code::CLIENT_ID, *b"\x01ghijkl");
    assert!(!agree(&replies(&ours, &wrong)));
}
