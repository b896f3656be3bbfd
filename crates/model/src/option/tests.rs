//! Options as operators write them, and back.

use super::*;
use proptest::prelude::*;

fn bytes(text: &str) -> Vec<u8> {
    parse_assignment(text).unwrap_or_else(|why| panic!("{text}: {why}")).value
}

fn why(text: &str) -> String {
    parse_assignment(text).expect_err(text)
}

#[test]
fn every_type_has_its_bytes() {
    for (text, wanted) in [
        ("ntp-servers=10.0.0.1, 10.0.0.2", vec![10, 0, 0, 1, 10, 0, 0, 2]),
        ("ntp-server=10.0.0.1", vec![10, 0, 0, 1]),
        ("42=10.0.0.1", vec![10, 0, 0, 1]),
        ("swap_server=10.0.0.1", vec![10, 0, 0, 1]),
        ("static-routes=10.1.0.0 10.0.0.9", vec![10, 1, 0, 0, 10, 0, 0, 9]),
        ("policy-filter=10.0.0.0/255.0.0.0", vec![10, 0, 0, 0, 255, 0, 0, 0]),
        ("default-ip-ttl=64", vec![64]),
        ("mtu=9000", vec![0x23, 0x28]),
        ("time-offset=-3600", vec![255, 255, 0xf1, 0xf0]),
        ("path-mtu-plateau-table=68,1500", vec![0, 68, 5, 220]),
        ("ip-forwarding=yes", vec![1]),
        ("tcode=Europe/Berlin", b"Europe/Berlin".to_vec()),
        ("domain-search=a.example,b.", b"\x01a\x07example\x00\x01b\x00".to_vec()),
        ("lost-server=l.example", b"\x01l\x07example\x00".to_vec()),
        ("sip-servers=10.0.0.1", vec![1, 10, 0, 0, 1]),
        ("sip-servers=sip.example", b"\x00\x03sip\x07example\x00".to_vec()),
        ("slp-directory-agent=mandatory,10.0.0.1", vec![1, 10, 0, 0, 1]),
        ("slp-service-scope=here,there", b"\x00here,there".to_vec()),
        ("arp-cache-timeout=5m", vec![0, 0, 1, 44]),
        ("arp-cache-timeout=300", vec![0, 0, 1, 44]),
        ("v6-only-preferred=30m", vec![0, 0, 7, 8]),
        ("geoconf-civic=hex:0a:0b", vec![10, 11]),
        // A UniFi controller for its access points, in three ways.
        ("vendor-specific=01:04:0a:00:00:05", vec![1, 4, 10, 0, 0, 5]),
        ("43=hex:01040a000005", vec![1, 4, 10, 0, 0, 5]),
        ("43=sub:1=ip:10.0.0.5; 2=text:ab", vec![1, 4, 10, 0, 0, 5, 2, 2, b'a', b'b']),
        ("224=text:left=right", b"left=right".to_vec()),
        ("224=u8:7", vec![7]),
        ("224=u16:1,2", vec![0, 1, 0, 2]),
        ("224=u32:4000000000", 4_000_000_000u32.to_be_bytes().to_vec()),
        ("224=ip:10.0.0.1", vec![10, 0, 0, 1]),
        ("224=hex:", vec![]),
        ("ntp-servers=hex:0a00", vec![10, 0]),
    ] {
        assert_eq!(bytes(text), wanted, "{text}");
    }
}

#[test]
fn a_wrong_value_says_what_it_takes() {
    for (text, wanted) in [
        ("ntp-servers=ntp.example", "option 42 (ntp-servers): `ntp.example` is no address"),
        ("ntp-servers=", "`` is no address"),
        ("interface-mtu=200", "no number from 576 to 65535"),
        ("interface-mtu=1500,9000", "`1500,9000` is no number"),
        ("default-ip-ttl=256", "no number from 1 to 255"),
        ("ip-forwarding=maybe", "neither true nor false"),
        ("tcode=", "its text is empty"),
        ("tcode=Zürich", "write it as hex:"),
        ("tcode=a\u{1b}[31m", "not printable ASCII"),
        ("domain-search=a..b", "`a..b` is no domain name"),
        ("static-routes=10.1.0.0", "no pair of addresses"),
        ("arp-cache-timeout=soon", "`soon` is no time"),
        ("arp-cache-timeout=infinite", "it takes from 0 s"),
        ("geoconf-civic=hex:0a0", "is no hex"),
        ("geoconf-civic=hex:", "its value is empty"),
        ("224=7", "its type is not known here"),
        ("224=sub:1=sub:2=hex:00", "is no option inside"),
        ("ntp-sever=10.0.0.1", "there is no DHCP option `ntp-sever`"),
        ("300=hex:00", "numbers from 1 to 254"),
        ("ntp-servers", "write it like ntp-servers=10.0.0.1"),
    ] {
        assert!(why(text).contains(wanted), "{text}: {}", why(text));
    }
}

#[test]
fn what_the_server_makes_is_refused_with_the_way_to_say_it() {
    for (text, wanted) in [
        ("router=10.0.0.1", "option `router` cannot be set here: set `router` of the network"),
        ("3=10.0.0.1", "set `router`"),
        ("domain-name-servers=10.0.0.1", "set `dns`"),
        ("15=a", "set `domain`"),
        ("dhcp-lease-time=1", "set `lease`"),
        ("80=hex:", "set `rapid_commit`"),
        ("121=hex:00", "set `routes`"),
        ("93=hex:0007", "what firmware says of itself"),
        ("0=hex:00", "cannot be set"),
        ("255=hex:00", "cannot be set"),
    ] {
        assert!(why(text).contains(wanted), "{text}: {}", why(text));
    }
}

#[test]
fn a_value_has_a_longest_length() {
    let long = "x".repeat(256);
    assert!(why(&format!("root-path={long}")).contains("256 bytes, 255 is the most"));
    assert_eq!(bytes(&format!("captive-portal={long}")).len(), 256);
    assert!(why(&format!("224=text:{}", "x".repeat(1025))).contains("1024 is the most"));
    let option = |length| DhcpOption { code: 224, value: vec![0; length], always: false };
    let lengths: Vec<usize> = [0, 1, 255, 256].map(|n| option(n).encoded_len()).into();
    assert_eq!(lengths, [2, 3, 257, 260]);
}

#[test]
fn always_is_said_behind_the_name_or_by_the_registry() {
    assert!(!parse_assignment("ntp-servers=10.0.0.1").unwrap().always);
    let always = parse_assignment("ntp-servers,always=10.0.0.1").unwrap();
    assert!(always.always);
    assert_eq!(show(&always), "ntp-servers,always=10.0.0.1");
    let path = parse_assignment("path-prefix=/a/").unwrap();
    assert!(path.always, "RFC 5071 wants 208 to 211 unasked");
    assert_eq!(show(&path), "pxelinux-path-prefix=/a/");
}

#[test]
fn what_is_shown_is_of_the_type_where_it_can_be() {
    for (text, shown) in [
        ("42=10.0.0.1,10.0.0.2", "ntp-servers=10.0.0.1,10.0.0.2"),
        ("33=10.1.0.0 via 10.0.0.9", "static-routes=10.1.0.0 10.0.0.9"),
        ("42=hex:0a00", "ntp-servers=hex:0a00"),
        ("26=hex:0001", "interface-mtu=hex:0001"),
        ("35=3600", "arp-cache-timeout=1h"),
        ("35=0", "arp-cache-timeout=0s"),
        ("19=on", "ip-forwarding=true"),
        ("120=a.example, b.example", "sip-servers=a.example,b.example"),
        ("119=hex:016102c000", "domain-search=hex:016102c000"),
        ("114=text:hex:1", "captive-portal=text:hex:1"),
        ("43=sub:1=hex:00", "vendor-encapsulated-options=hex:010100"),
        ("224=hex:6162", "224=text:ab"),
        ("225=hex:00", "225=hex:00"),
    ] {
        assert_eq!(show(&parse_assignment(text).unwrap()), shown, "{text}");
    }
}

#[test]
fn no_name_and_no_value_of_the_registry_is_without_a_way_back() {
    for known in registry() {
        assert_eq!(code(known.name), Ok(known.code));
        for alias in known.aliases {
            assert_eq!(code(alias), Ok(known.code), "{alias}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_shown_is_read_as_the_same(
        code in 1u8..=254,
        value in proptest::collection::vec(any::<u8>(), 0..40),
        always: bool,
    ) {
        prop_assume!(reserved::why(code).is_none());
        let known = known(code);
        prop_assume!(known.is_none() || !value.is_empty());
        let always = always || known.is_some_and(|known| known.always);
        let option = DhcpOption { code, value, always };
        prop_assert_eq!(parse_assignment(&show(&option)), Ok(option));
    }

    #[test]
    fn typed_values_come_back_as_they_are_shown(
        ips in proptest::collection::vec(any::<[u8; 4]>(), 1..20),
        names in proptest::collection::vec("[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z]{1,8}){0,3}", 1..6),
        text in "[ -~]{1,200}",
        number: u32,
    ) {
        let ips: Vec<String> = ips.iter().map(|ip| std::net::Ipv4Addr::from(*ip).to_string()).collect();
        for text in [
            format!("ntp-servers={}", ips.join(",")),
            format!("sip-servers={}", ips.join(",")),
            format!("domain-search={}", names.join(",")),
            format!("225=text:{text}"),
            format!("225,always=text:{text}"),
        ] {
            prop_assert_eq!(show(&parse_assignment(&text).unwrap()), text);
        }
        let time = parse_assignment(&format!("arp-cache-timeout={number}")).unwrap();
        prop_assert_eq!(parse_assignment(&show(&time)), Ok(time));
    }

    #[test]
    fn nothing_that_is_written_makes_a_value_that_cannot_be_sent(text in ".{0,300}", code: u8) {
        if let Ok(option) = parse_assignment(&text) {
            prop_assert!(option.value.len() <= VALUE_MAX);
        }
        for form in ["", "hex:", "text:", "sub:", "ip:", "u16:"] {
            let _ = parse(&code.to_string(), &format!("{form}{text}"));
        }
    }
}
