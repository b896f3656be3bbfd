//! What real clients send, and what once broke a server, each by name: what must be understood,
//! and what must not.

mod dhcp4_support;

use std::net::Ipv4Addr;

use dhcp4_support::{MAC, Raw, seeds::seed};
use wire::dhcp4::{self, Malformed, Message, MessageType, code, pxe};

fn parse(name: &str) -> Message {
    Message::parse(&seed(name)).unwrap_or_else(|malformed| panic!("{name}: {malformed}"))
}

fn refusal(name: &str) -> Malformed {
    Message::parse(&seed(name)).expect_err(name)
}

mod clients {
    use super::*;

    #[test]
    fn ovmf_says_what_it_is() {
        let message = parse("ovmf-discover");
        assert_eq!(message.options.message_type(), Some(Ok(MessageType::Discover)));
        assert_eq!(message.hardware_address(), MAC);
        assert!(message.broadcast());
        assert_eq!(dhcp4::architectures(&message.options), [7]);
        assert_eq!(dhcp4::network_interface(&message.options), Some([1, 3, 16]));
        assert_eq!(dhcp4::machine_uuid(&message.options).map(|guid| guid[0]), Some(0x33));
        assert_eq!(dhcp4::max_message(&message.options), 1472 - 28);
        assert_eq!(dhcp4::parameter_list(&message.options).len(), 35);
        let class = dhcp4::vendor_class(&message.options).expect("sent");
        assert_eq!(dhcp4::arch_in_vendor_class(&class), Some(7));
    }

    #[test]
    fn http_boot_says_its_arch_in_the_class_too() {
        let message = parse("ovmf-http-discover");
        let class = dhcp4::vendor_class(&message.options).expect("sent");
        assert!(class.starts_with(pxe::HTTP_CLIENT));
        assert_eq!(dhcp4::arch_in_vendor_class(&class), Some(16));
    }

    #[test]
    fn edk2_may_put_its_guid_in_the_place_of_the_mac() {
        assert_eq!(parse("edk2-send-guid-discover").hardware_address().len(), 16);
    }

    #[test]
    fn infiniband_has_no_hardware_address_and_a_client_id() {
        let message = parse("infiniband-discover");
        assert_eq!((message.htype, message.hardware_address()), (32, &[][..]));
        assert_eq!(dhcp4::client_id(&message.options).map(|id| id.len()), Some(19));
    }

    #[test]
    fn ipxe_sends_a_bare_user_class_and_features() {
        let message = parse("ipxe-efi-discover");
        assert_eq!(dhcp4::user_classes(&message.options), [b"iPXE"]);
        let features = message.options.get(code::IPXE_ENCAPSULATED).expect("sent");
        assert_eq!(dhcp4::sub_option(&features, 0x13), Some(&[1][..]), "HTTP");
        assert_eq!(dhcp4::sub_option(&features, 0x7f), None);
    }

    #[test]
    fn a_boot_item_is_read_from_the_request() {
        let message = parse("ovmf-boot-server-request");
        let vendor = message.options.get(code::VENDOR_SPECIFIC).expect("sent");
        let item = pxe::BootItem { kind: 0x8000, layer: 0 };
        assert_eq!(pxe::BootItem::requested(&vendor), Some(item));
        assert!(!item.wants_credentials());
        assert!(pxe::BootItem { layer: 0x8000, ..item }.wants_credentials());
    }

    #[test]
    fn a_relay_says_link_server_and_port() {
        let message = parse("relayed-discover");
        assert_eq!(message.giaddr, Ipv4Addr::new(10, 9, 0, 1));
        let agent = dhcp4::relay_agent(&message.options).expect("sent");
        let subs: Vec<_> = dhcp4::relay_sub_options(&agent).collect();
        assert_eq!(subs.len(), 5);
        assert_eq!(subs[2], (code::relay::LINK_SELECTION, &[10, 9, 0, 0][..]));
        assert_eq!(subs[4], (code::relay::SOURCE_PORT, &[0x30, 0x39][..]));
    }

    #[test]
    fn windows_ends_its_strings_with_nul_and_wants_the_same() {
        let options = parse("windows-inform").options;
        assert!(dhcp4::wants_terminated_strings(&options));
        assert_eq!(dhcp4::host_name(&options).as_deref(), Some(&b"DESKTOP-1"[..]));
        assert!(!dhcp4::wants_terminated_strings(&parse("installer-udhcpc-discover").options));
    }

    #[test]
    fn bootp_has_no_message_type_with_or_without_cookie() {
        assert_eq!(parse("bootp-with-cookie").options.message_type(), None);
        assert_eq!(parse("bootp-without-cookie").options.message_type(), None);
        assert!(parse("bootp-without-cookie").options.is_empty());
    }
}

mod one_odd_option_costs_only_itself {
    use super::*;

    #[test]
    fn a_wrong_value_before_the_architecture() {
        for name in [
            "ndi-of-wrong-length-before-arch",
            "host-name-not-utf8-before-arch",
            "fqdn-of-one-byte-before-arch",
        ] {
            assert_eq!(dhcp4::architectures(&parse(name).options), [7], "{name}");
        }
        let ndi = parse("ndi-of-wrong-length-before-arch");
        assert_eq!(dhcp4::network_interface(&ndi.options), None);
    }

    #[test]
    fn both_architectures_are_read() {
        assert_eq!(dhcp4::architectures(&parse("two-archs").options), [9, 7]);
    }

    #[test]
    fn an_architecture_of_odd_length_leaves_the_one_in_the_class() {
        let options = parse("arch-of-odd-length").options;
        assert!(dhcp4::architectures(&options).is_empty());
        let class = dhcp4::vendor_class(&options).expect("sent");
        assert_eq!(dhcp4::arch_in_vendor_class(&class), Some(7));
        assert!(dhcp4::architectures(&parse("arch-empty").options).is_empty());
    }

    #[test]
    fn an_architecture_in_the_class_is_digits_and_fits() {
        let options = parse("arch-in-class-too-large").options;
        let class = dhcp4::vendor_class(&options).expect("sent");
        assert_eq!(dhcp4::arch_in_vendor_class(&class), None);
        for odd in ["PXEClient", "PXEClient:Arch:", "PXEClient:Arch:+0007", "MSFT:Arch:00007:"] {
            assert_eq!(dhcp4::arch_in_vendor_class(odd.as_bytes()), None, "{odd}");
        }
        assert_eq!(dhcp4::arch_in_vendor_class(b"PXEClient:Arch:00011\0"), Some(11));
    }

    #[test]
    fn user_classes_bare_listed_and_broken() {
        let classes = |name: &str| dhcp4::user_classes(&parse(name).options);
        assert_eq!(classes("user-class-bare"), [b"iPXE"]);
        assert_eq!(classes("user-class-list"), [b"iPXE".to_vec(), b"lab".to_vec()]);
        assert_eq!(classes("user-class-list-broken"), [b"\x04iPXE\x09lab"]);
        assert!(classes("user-class-empty").is_empty());
    }

    #[test]
    fn a_client_id_below_two_bytes_is_none() {
        assert_eq!(dhcp4::client_id(&parse("client-id-empty").options), None);
        assert_eq!(dhcp4::client_id(&parse("client-id-of-one-byte").options), None);
    }

    #[test]
    fn a_machine_id_of_wrong_length_or_type_is_none() {
        assert_eq!(dhcp4::machine_uuid(&parse("uuid-of-sixteen-bytes").options), None);
        assert_eq!(dhcp4::machine_uuid(&parse("uuid-type-not-zero").options), None);
    }

    #[test]
    fn the_longest_message_stays_between_the_bounds() {
        let size = |name: &str| dhcp4::max_message(&parse(name).options);
        assert_eq!(size("max-message-zero"), 548);
        assert_eq!(size("max-message-all-ones"), 1472);
        assert_eq!(size("max-message-of-one-byte"), 548);
        assert_eq!(size("installer-udhcpc-discover"), 548);
    }

    #[test]
    fn a_host_name_is_bytes() {
        assert_eq!(dhcp4::host_name(&parse("host-name-of-nuls").options), None);
        let hostile = dhcp4::host_name(&parse("host-name-hostile").options).expect("kept as bytes");
        assert!(hostile.starts_with(b"\x1b[2J%s%n"));
    }

    #[test]
    fn an_unknown_message_type_is_not_bootp() {
        assert_eq!(parse("unknown-message-type").options.message_type(), Some(Err(77)));
    }

    #[test]
    fn short_relay_information_is_echoed_as_it_came() {
        for (name, subs, truncated) in [
            ("relay-agent-empty", 0, false),
            ("relay-agent-of-one-byte", 0, true),
            ("relay-agent-sub-option-past-end", 1, true),
            ("relay-agent-short-link-selection", 1, false),
            // No pad and no end in option 82: zero and 255 are types like others.
            ("relay-agent-zero-and-255", 3, false),
        ] {
            let request = parse(name);
            let agent = dhcp4::relay_agent(&request.options).expect("sent");
            let mut walk = dhcp4::relay_sub_options(&agent);
            assert_eq!((walk.by_ref().count(), walk.truncated()), (subs, truncated), "{name}");

            let mut reply = Message::reply_to(&request);
            reply.options.echo(&request.options, code::RELAY_AGENT);
            reply.options.push(code::MESSAGE_TYPE, [2]);
            let bytes = reply.encode(1472).expect("short");
            let expected = [&[53, 1, 2, 82, agent.len() as u8][..], &agent, &[255]].concat();
            assert_eq!(&bytes[240..240 + expected.len()], expected, "{name}");
        }
    }

    #[test]
    fn a_boot_item_of_wrong_length_is_none() {
        for name in ["boot-item-of-wrong-length", "vendor-options-cut"] {
            let options = parse(name).options;
            let vendor = options.get(code::VENDOR_SPECIFIC).expect("sent");
            assert_eq!(pxe::BootItem::requested(&vendor), None, "{name}");
        }
    }

    #[test]
    fn addresses_are_strict_about_their_length() {
        let options = Message::parse(
            &Raw::new().opt(6, &[1, 1, 1, 1, 8, 8, 8, 8]).opt(3, &[1, 1, 1, 1, 8]).end(),
        )
        .expect("well-formed")
        .options;
        assert_eq!(options.ips(code::DNS), [Ipv4Addr::new(1, 1, 1, 1), Ipv4Addr::new(8, 8, 8, 8)]);
        assert!(options.ips(code::ROUTER).is_empty());
        assert_eq!(options.ip(code::DNS), None);
    }
}

mod packing {
    use super::*;

    #[test]
    fn the_end_option_may_be_missing() {
        assert_eq!(dhcp4::architectures(&parse("no-end-option").options), [7]);
        assert!(parse("no-options-after-cookie").options.is_empty());
    }

    #[test]
    fn nothing_after_the_end_option_counts() {
        assert_eq!(parse("end-option-first").options.message_type(), None);
    }

    #[test]
    fn pads_may_stand_anywhere() {
        assert_eq!(dhcp4::architectures(&parse("pads-between-options").options), [7]);
        assert!(parse("pads-only").options.is_empty());
    }

    #[test]
    fn an_option_past_the_end_costs_itself_and_what_follows() {
        for name in ["option-past-end", "option-without-length"] {
            let message = parse(name);
            assert_eq!(message.options.truncated, Some(code::HOST_NAME), "{name}");
            assert_eq!(dhcp4::architectures(&message.options), [7], "{name}");
        }
    }

    #[test]
    fn of_two_message_types_the_first_wins() {
        let kind = parse("message-type-twice").options.message_type();
        assert_eq!(kind, Some(Ok(MessageType::Discover)));
    }

    #[test]
    fn parts_of_a_long_option_are_joined_though_apart() {
        let options = parse("long-option-in-parts-apart").options;
        let value = options.get(code::VENDOR_SPECIFIC).expect("sent");
        assert_eq!((value.len(), value.ends_with(b"atail")), (259, true));
        assert_eq!(dhcp4::architectures(&options), [7]);
    }

    #[test]
    fn two_relay_options_are_joined_to_read_and_kept_apart_to_echo() {
        let request = parse("relay-agent-twice");
        let agent = dhcp4::relay_agent(&request.options).expect("sent");
        assert_eq!(agent, b"\x01\x01a\x02\x01b");
        let mut reply = Message::reply_to(&request);
        reply.options.echo(&request.options, code::RELAY_AGENT);
        reply.options.push(code::MESSAGE_TYPE, [2]);
        let bytes = reply.encode(1472).expect("short");
        assert_eq!(&bytes[240..254], b"\x35\x01\x02\x52\x03\x01\x01a\x52\x03\x02\x01b\xff");
    }

    #[test]
    fn overloaded_fields_are_options_and_no_names() {
        for name in ["overload-file", "overload-sname"] {
            let message = parse(name);
            assert_eq!(dhcp4::host_name(&message.options).as_deref(), Some(&b"abc"[..]), "{name}");
            assert_eq!((message.file_name(), message.server_name()), (&[][..], &[][..]), "{name}");
            assert!(!message.options.contains(code::OVERLOAD), "{name}");
        }
        let full = parse("overload-file-full");
        assert_eq!(dhcp4::host_name(&full.options).map(|name| name.len()), Some(126));
    }

    #[test]
    fn parts_are_joined_in_the_order_options_file_sname() {
        let options = parse("overload-both-and-long").options;
        assert_eq!(options.get(code::VENDOR_SPECIFIC).as_deref(), Some(&b"abcdef"[..]));
    }

    #[test]
    fn an_option_past_the_end_of_file_leaves_sname() {
        let options = parse("overload-file-past-end").options;
        assert_eq!(options.truncated, Some(code::HOST_NAME));
        assert_eq!(dhcp4::architectures(&options), [7]);
    }

    #[test]
    fn an_overload_without_meaning_overloads_nothing() {
        assert_eq!(parse("overload-without-meaning").file_name(), b"boot.efi");
    }

    #[test]
    fn names_may_fill_their_fields_to_the_last_byte() {
        let message = parse("file-without-zero");
        assert_eq!((message.file_name().len(), message.server_name().len()), (128, 64));
    }
}

mod refused {
    use super::*;

    #[test]
    fn what_is_no_dhcp_message() {
        assert_eq!(refusal("refused-empty"), Malformed::TooShort(0));
        assert_eq!(refusal("refused-one-byte"), Malformed::TooShort(1));
        // A WDS server crashed on this.
        assert_eq!(refusal("refused-plain-text"), Malformed::TooShort(19));
        assert_eq!(refusal("refused-cut-before-cookie-ends"), Malformed::TooShort(239));
        assert_eq!(refusal("refused-no-cookie-and-short"), Malformed::BadMagic);
        assert_eq!(refusal("refused-op-zero"), Malformed::Operation(0));
        assert_eq!(refusal("refused-op-three"), Malformed::Operation(3));
    }

    #[test]
    fn a_reply_where_requests_are_served() {
        let reply = Raw::new().at(0, &[2]).opt(53, &[2]).end();
        assert!(Message::parse(&reply).is_ok());
        assert_eq!(Message::parse_request(&reply), Err(Malformed::NotARequest));
        assert!(Message::parse_request(&seed("ovmf-discover")).is_ok());
    }

    #[test]
    fn hardware_addresses_that_cannot_be() {
        assert_eq!(refusal("refused-hlen-17"), Malformed::HardwareLength(17));
        assert_eq!(refusal("refused-hlen-255"), Malformed::HardwareLength(255));
        assert_eq!(refusal("refused-ethernet-hlen-0"), Malformed::EthernetLength(0));
        assert_eq!(refusal("refused-ethernet-hlen-5"), Malformed::EthernetLength(5));
    }

    #[test]
    fn options_on_which_the_answer_turns() {
        let deciding = Malformed::DecidingOption;
        assert_eq!(refusal("refused-message-type-empty"), deciding(53));
        assert_eq!(refusal("refused-message-type-of-two-bytes"), deciding(53));
        assert_eq!(refusal("refused-message-type-cut"), deciding(53));
        assert_eq!(refusal("refused-requested-address-of-three-bytes"), deciding(50));
        assert_eq!(refusal("refused-server-id-of-five-bytes"), deciding(54));
        assert_eq!(refusal("refused-relay-agent-cut"), deciding(82));
        assert_eq!(refusal("refused-overload-hides-bad-type"), deciding(53));
    }

    #[test]
    fn overload_repeated_or_in_a_circle() {
        assert_eq!(refusal("refused-overload-twice"), Malformed::Overload);
        assert_eq!(refusal("refused-overload-circle-in-file"), Malformed::Overload);
        assert_eq!(refusal("refused-overload-circle-in-sname"), Malformed::Overload);
    }

    #[test]
    fn more_than_4096_bytes_of_options() {
        assert_eq!(refusal("refused-options-above-4096"), Malformed::OptionsTooLong(4372));
    }

    #[test]
    fn every_refusal_is_a_sentence() {
        let text = refusal("refused-hlen-17").to_string();
        assert_eq!(text, "a hardware address of 17 bytes does not fit the field of 16");
    }
}
