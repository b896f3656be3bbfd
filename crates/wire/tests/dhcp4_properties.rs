//! Properties of the DHCPv4 codec over generated input, and another implementation as a judge of
//! what we send.

mod dhcp4_support;

use std::net::Ipv4Addr;

use dhcp4_support::{COOKIE, walk};
use dhcproto::{Decodable, Decoder, v4};
use proptest::collection::vec;
use proptest::prelude::*;
use wire::dhcp4::{self, Message, MessageType, Op, Options, code};

/// Codes that carry any value: neither packing nor one that decides.
fn free_code() -> impl Strategy<Value = u8> {
    (1..=254u8).prop_filter("free", |code| !matches!(code, 50 | 52 | 53 | 54 | 82))
}

fn options(longest: usize, most: usize) -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    vec((free_code(), vec(any::<u8>(), 0..=longest)), 0..=most)
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from)
}

prop_compose! {
    /// The fixed fields of any message that parses.
    fn header()(
        reply in any::<bool>(),
        (htype, hlen) in prop_oneof![
            Just((1, 6)), Just((1, 16)), (2..=255u8, 0..=16u8),
        ],
        hops in any::<u8>(),
        xid in any::<u32>(),
        secs in any::<u16>(),
        flags in any::<u16>(),
        addresses in [address(), address(), address(), address()],
        chaddr in any::<[u8; 16]>(),
        sname in vec(any::<u8>(), 64),
        file in vec(any::<u8>(), 128),
    ) -> Message {
        let [ciaddr, yiaddr, siaddr, giaddr] = addresses;
        Message {
            op: if reply { Op::Reply } else { Op::Request },
            htype, hlen, hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, chaddr,
            sname: sname.try_into().expect("64 bytes"),
            file: file.try_into().expect("128 bytes"),
            options: Options::new(),
        }
    }
}

/// The same message, by hand: fixed fields by RFC 2131, 2, then the options as they are.
fn by_hand(message: &Message, options: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![if message.op == Op::Request { 1 } else { 2 }];
    bytes.extend([message.htype, message.hlen, message.hops]);
    bytes.extend(message.xid.to_be_bytes());
    bytes.extend(message.secs.to_be_bytes());
    bytes.extend(message.flags.to_be_bytes());
    for field in [message.ciaddr, message.yiaddr, message.siaddr, message.giaddr] {
        bytes.extend(field.octets());
    }
    bytes.extend(message.chaddr);
    bytes.extend(message.sname);
    bytes.extend(message.file);
    bytes.extend(COOKIE);
    for (code, value) in options {
        bytes.push(*code);
        bytes.push(u8::try_from(value.len()).expect("one instance"));
        bytes.extend(value);
    }
    bytes.push(255);
    bytes.resize(bytes.len().max(300), 0);
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_walked(bytes in vec(any::<u8>(), 0..1500)) {
        walk(&bytes);
    }

    #[test]
    fn any_options_are_walked(message in header(), junk in vec(any::<u8>(), 0..1300)) {
        let mut bytes = by_hand(&message, &[]);
        bytes.truncate(240);
        bytes.extend(junk);
        walk(&bytes);
    }

    /// Random bytes seldom hold an overload option; these always do.
    #[test]
    fn any_overload_is_walked(
        message in header(), value in 0..=4u8, before in options(9, 4), junk in vec(any::<u8>(), 0..99),
    ) {
        let before = [before, vec![(52, vec![value])]].concat();
        let mut bytes = by_hand(&message, &before);
        bytes.extend(junk);
        walk(&bytes);
    }

    /// Unknown options too, in order, byte for byte, both ways.
    #[test]
    fn parse_and_encode_are_each_others_inverse(
        mut message in header(),
        kind in 1..=13u8,
        middle in options(255, 12),
        agent in vec(vec(any::<u8>(), 0..=255), 0..=2),
    ) {
        let agent = agent.into_iter().map(|value| (82, value));
        let all: Vec<_> =
            [(53, vec![kind])].into_iter().chain(middle).chain(agent).collect();
        let bytes = by_hand(&message, &all);
        let parsed = Message::parse(&bytes).expect("well-formed");
        let seen: Vec<_> = parsed.options.iter().map(|(code, value)| (code, value.to_vec())).collect();
        prop_assert_eq!(&seen, &all);
        prop_assert_eq!(parsed.options.truncated, None);
        prop_assert_eq!(&parsed.encode(usize::MAX).expect("no limit"), &bytes);

        for (code, value) in all {
            message.options.push(code, value);
        }
        prop_assert_eq!(parsed, message);
    }

    #[test]
    fn long_values_survive(mut message in header(), values in options(1200, 3)) {
        for (code, value) in values {
            message.options.push(code, value);
        }
        let parsed = Message::parse(&message.encode(usize::MAX).expect("no limit"))
            .expect("what we encode, we read");
        for code in 0..=255 {
            prop_assert_eq!(parsed.options.get(code), message.options.get(code));
        }
    }

    /// Whatever stands before it, and whatever value it has, one option costs only itself.
    #[test]
    fn no_option_costs_another(message in header(), before in options(40, 6), after in options(40, 6)) {
        let others = |code: u8| move |(other, _): &(u8, Vec<u8>)| *other != code;
        let mut all: Vec<_> = before.into_iter().filter(others(93)).collect();
        all.push((93, vec![0, 7]));
        all.extend(after.into_iter().filter(others(93)));
        let parsed = Message::parse(&by_hand(&message, &all)).expect("well-formed");
        prop_assert_eq!(dhcp4::architectures(&parsed.options), [7]);
    }

    /// An error names enough to leave out, and after that it fits or nothing ever would.
    #[test]
    fn what_is_named_suffices(mut message in header(), values in options(300, 8), limit in 300..1473usize) {
        message.options.push(53, [2]);
        message.options.push(54, [10, 0, 0, 1]);
        for (code, value) in values {
            message.options.push(code, value);
        }
        match message.encode(limit) {
            Ok(bytes) => prop_assert!(bytes.len() <= limit),
            Err(too_long) => {
                for code in &too_long.codes {
                    prop_assert!(!matches!(code, 51 | 53 | 54));
                    prop_assert!(message.encode(limit).is_err(), "{} need not go", code);
                    message.options.remove(*code);
                }
                let lease_time = message.options.instances_of(51).map(<[u8]>::len).sum::<usize>();
                prop_assert!(message.encode(limit).is_ok() || lease_time > 0);
            }
        }
    }

    #[test]
    fn ordering_loses_nothing(values in options(9, 20), list in vec(any::<u8>(), 0..20)) {
        let mut options = Options::new();
        for (code, value) in values {
            options.push(code, value);
        }
        let mut ordered = options.clone();
        ordered.order(&list);
        prop_assert_eq!(ordered.len(), options.len());
        for code in 0..=255 {
            prop_assert!(ordered.instances_of(code).eq(options.instances_of(code)));
        }
        let place = |code| ordered.iter().position(|(other, _)| other == code);
        if let (Some(mask), Some(router)) = (place(code::SUBNET_MASK), place(code::ROUTER)) {
            prop_assert!(mask < router);
        }
    }

    /// dhcproto reads our replies as we meant them.
    #[test]
    fn dhcproto_agrees(
        mut message in header(),
        kind in prop_oneof![
            Just(MessageType::Offer), Just(MessageType::Ack), Just(MessageType::Nak),
        ],
        server in address(), mask in address(), lease in any::<u32>(),
        routers in vec(address(), 1..4), names in vec(address(), 1..4),
        file in "[a-z0-9/.]{1,127}", class in vec(any::<u8>(), 1..255),
        vendor in vec(any::<u8>(), 1..600), id in vec(any::<u8>(), 2..40),
    ) {
        let bytes_of = |list: &[Ipv4Addr]| list.iter().flat_map(|ip| ip.octets()).collect::<Vec<_>>();
        message.sname = [0; 64];
        prop_assert!(message.set_file(file.as_bytes()));
        message.options.push(code::BOOT_FILE_NAME, file.as_bytes());
        message.options.push(code::VENDOR_SPECIFIC, vendor.clone());
        message.options.push(code::VENDOR_CLASS, class.clone());
        message.options.push(code::CLIENT_ID, id.clone());
        message.options.push(code::ROUTER, bytes_of(&routers));
        message.options.push(code::DNS, bytes_of(&names));
        message.options.push(code::SUBNET_MASK, mask.octets());
        message.options.push(code::LEASE_TIME, lease.to_be_bytes());
        message.options.push(code::SERVER_ID, server.octets());
        message.options.push(code::MESSAGE_TYPE, [kind.number()]);
        message.options.order(&[]);

        let bytes = message.encode(usize::MAX).expect("no limit");
        let judged = v4::Message::decode(&mut Decoder::new(&bytes)).expect("dhcproto reads it");
        prop_assert_eq!(judged.opcode() == v4::Opcode::BootReply, message.op == Op::Reply);
        prop_assert_eq!((judged.xid(), judged.secs()), (message.xid, message.secs));
        prop_assert_eq!(u16::from(judged.flags()), message.flags);
        prop_assert_eq!(judged.chaddr(), message.hardware_address());
        prop_assert_eq!(
            [judged.ciaddr(), judged.yiaddr(), judged.siaddr(), judged.giaddr()],
            [message.ciaddr, message.yiaddr, message.siaddr, message.giaddr]
        );
        // It keeps the zero byte at the end.
        let judged_file = judged.fname().and_then(|name| name.strip_suffix(&[0]));
        prop_assert_eq!(judged_file, Some(file.as_bytes()));

        use v4::{DhcpOption as Opt, OptionCode};
        let expected = [
            Opt::MessageType(v4::MessageType::from(kind.number())),
            Opt::ServerIdentifier(server),
            Opt::AddressLeaseTime(lease),
            Opt::SubnetMask(mask),
            Opt::Router(routers),
            Opt::DomainNameServer(names),
            Opt::VendorExtensions(vendor),
            Opt::ClassIdentifier(class),
            Opt::ClientIdentifier(id),
            Opt::BootfileName(file.into_bytes()),
        ];
        prop_assert_eq!(judged.opts().len(), expected.len());
        for option in expected {
            let code = OptionCode::from(&option);
            prop_assert_eq!(judged.opts().get(code), Some(&option));
        }
    }
}
