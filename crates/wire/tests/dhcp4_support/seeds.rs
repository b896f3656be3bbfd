//! The seed corpus: what clients send, and what has broken DHCP servers before. Each is written
//! out here so that it can be read; `fuzz/corpus/dhcp4` holds the same bytes for the fuzzer.

use super::{MAC, Raw};

const GUID: [u8; 17] = *b"\0\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
/// What EDK2 asks for.
const EDK2_LIST: &[u8] = &[
    1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66,
    67, 97, 128, 129, 130, 131, 132, 133, 134, 135,
];
const IPXE_LIST: &[u8] = &[
    1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133, 134, 135, 175,
    203,
];
const IPXE_FEATURES: &[u8] = &[
    0xb1, 5, 1, 0x1a, 0xf4, 0x10, 0, 0xeb, 3, 1, 0x15, 1, 0x17, 1, 1, 0x22, 1, 1, 0x13, 1, 1, 0x14,
    1, 1, 0x11, 1, 1, 0x27, 1, 1, 0x19, 1, 1, 0x10, 1, 2, 0x21, 1, 1, 0x15, 1, 1, 0x12, 1, 1,
];
const OURS: [u8; 4] = [10, 0, 0, 1];
const THEIRS: [u8; 4] = [10, 0, 0, 100];

/// The firmware's half of a DISCOVER as EDK2 writes it.
fn edk2(kind: u8, arch: u16, class: &[u8]) -> Raw {
    Raw::new()
        .broadcast()
        .opt(53, &[kind])
        .opt(57, &[0x05, 0xc0])
        .opt(55, EDK2_LIST)
        .opt(97, &GUID)
        .opt(94, &[1, 3, 16])
        .opt(93, &arch.to_be_bytes())
        .opt(60, class)
}

fn ipxe(kind: u8, arch: u16, class: &[u8]) -> Raw {
    Raw::new()
        .at(8, &[0, 4])
        .opt(53, &[kind])
        .opt(57, &[0x05, 0xc0])
        .opt(93, &arch.to_be_bytes())
        .opt(94, &[1, 3, 10])
        .opt(60, class)
        .opt(77, b"iPXE")
        .opt(55, IPXE_LIST)
        .opt(175, IPXE_FEATURES)
        .opt(61, &[&[1][..], &MAC].concat())
        .opt(97, &GUID)
}

fn pi(magic: &[u8; 16], list: &[u8]) -> Raw {
    Raw::new()
        .at(28, &[0xdc, 0xa6, 0x32, 1, 0x36, 0xc2])
        .opt(53, &[1])
        .opt(55, list)
        .opt(93, &[0, 0])
        .opt(94, &[1, 2, 1])
        .opt(97, &[&[0][..], magic].concat())
        .opt(60, b"PXEClient:Arch:00000:UNDI:002001")
}

fn relayed(agent: &[u8]) -> Vec<u8> {
    edk2(1, 7, b"PXEClient:Arch:00007:UNDI:003016")
        .at(24, &[10, 9, 0, 1])
        .at(3, &[1])
        .opt(82, agent)
        .end()
}

fn discover() -> Raw {
    Raw::new().opt(53, &[1])
}

/// Name and bytes of every seed.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    [clients(), odd_values(), odd_packing(), refused()].concat()
}

/// The bytes of one seed.
pub fn seed(name: &str) -> Vec<u8> {
    let found = all().into_iter().find(|(other, _)| *other == name);
    found.unwrap_or_else(|| panic!("no seed {name}")).1
}

/// Clients that are well, each in its own dialect.
pub fn clients() -> Vec<(&'static str, Vec<u8>)> {
    let uefi = b"PXEClient:Arch:00007:UNDI:003016";
    let bios = b"PXEClient:Arch:00000:UNDI:002001";
    vec![
        ("ovmf-discover", edk2(1, 7, uefi).end()),
        ("ovmf-request", edk2(3, 7, uefi).opt(50, &THEIRS).opt(54, &OURS).end()),
        ("ovmf-arch-9-discover", edk2(1, 9, b"PXEClient:Arch:00009:UNDI:003016").end()),
        ("aavmf-discover", edk2(1, 11, b"PXEClient:Arch:00011:UNDI:003000").end()),
        ("ovmf-http-discover", edk2(1, 16, b"HTTPClient:Arch:00016:UNDI:003001").end()),
        ("ovmf-proxy-request-4011", edk2(3, 7, uefi).at(12, &THEIRS).end()),
        ("ovmf-boot-server-request", {
            let item = [71, 4, 0x80, 0, 0, 0, 255];
            edk2(3, 7, uefi).at(12, &THEIRS).opt(43, &item).end()
        }),
        ("edk2-send-guid-discover", edk2(1, 7, uefi).at(2, &[16]).at(28, &GUID[1..]).end()),
        ("ipxe-efi-discover", ipxe(1, 7, b"PXEClient:Arch:00007:UNDI:003010").end()),
        ("ipxe-efi-request", {
            ipxe(3, 7, b"PXEClient:Arch:00007:UNDI:003010").opt(54, &OURS).opt(50, &THEIRS).end()
        }),
        ("ipxe-bios-discover", ipxe(1, 0, bios).end()),
        ("seabios-intel-rom-discover", {
            Raw::new()
                .broadcast()
                .at(8, &[0, 4])
                .opt(53, &[1])
                .opt(55, EDK2_LIST)
                .opt(57, &[0x04, 0xec])
                .opt(97, &GUID)
                .opt(93, &[0, 0])
                .opt(94, &[1, 2, 1])
                .opt(60, bios)
                .raw(&[255])
                .padded(548)
        }),
        ("u-boot-armv8-discover", {
            discover()
                .opt(57, &[2, 0x40])
                .opt(93, &[0, 0x16])
                .opt(94, &[1, 0, 0])
                .opt(60, b"U-Boot.armv8")
                .opt(55, &[1, 3, 6, 12, 17, 66, 67, 209])
                .raw(&[255])
                .padded(312)
        }),
        ("pi-3b-discover", pi(&[0x44; 16], &[43, 60, 67, 128, 129, 130, 131, 132, 133, 134, 135]).end()),
        ("pi-4-discover", pi(b"RPi4\x14\x31\xb0\x00\x32\x01\x36\xc2\x12\x34\x56\x78", &[1, 3, 43, 60, 66, 67]).end()),
        ("pi-5-discover", pi(b"RPi5\x17\x41\xd0\x00\x32\x01\x36\xc2\x12\x34\x56\x78", &[1, 3, 43, 60, 66, 67]).end()),
        ("pi-4-request-without-60", discover().at(242, &[3]).opt(50, &THEIRS).opt(54, &OURS).end()),
        ("petitboot-discover", {
            discover().opt(60, b"udhcp 1.36.1").opt(93, &[0, 14]).opt(55, &[1, 3, 67, 209, 210, 211]).end()
        }),
        ("installer-udhcpc-discover", {
            discover().opt(61, &[&[1][..], &MAC].concat()).opt(60, b"d-i").opt(12, b"debian").end()
        }),
        ("networkd-duid-request", {
            let id = b"\xff\x12\x34\x56\x78\x00\x02\x00\x00\xab\x11\x01\x02\x03\x04\x05\x06\x07\x08";
            Raw::new().opt(53, &[3]).opt(61, id).opt(50, &THEIRS).opt(12, b"web-1").end()
        }),
        ("windows-inform", {
            Raw::new()
                .at(12, &THEIRS)
                .opt(53, &[8])
                .opt(61, &[&[1][..], &MAC].concat())
                .opt(12, b"DESKTOP-1\0")
                .opt(60, b"MSFT 5.0")
                .opt(55, &[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252])
                .end()
        }),
        ("wdsnbp-request", Raw::new().opt(53, &[3]).opt(60, bios).opt(93, &[0, 0]).opt(250, &[13, 2, 8, 0, 14, 1, 0, 255]).end()),
        ("renew", Raw::new().at(12, &THEIRS).opt(53, &[3]).opt(61, &[&[1][..], &MAC].concat()).end()),
        ("release", Raw::new().at(12, &THEIRS).opt(53, &[7]).opt(54, &OURS).end()),
        ("decline", Raw::new().opt(53, &[4]).opt(50, &THEIRS).opt(54, &OURS).opt(56, b"in use").end()),
        ("infiniband-discover", {
            let id = [&[0xff, 0, 0, 0, 0, 0, 3, 0, 1][..], &[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 2]].concat();
            discover().broadcast().at(1, &[32, 0]).at(28, &[0; 6]).opt(61, &id).end()
        }),
        ("apple-bsdp-inform", {
            Raw::new()
                .at(12, &THEIRS)
                .opt(53, &[8])
                .opt(60, b"AAPLBSDPC/i386/Macmini6,1")
                .opt(43, &[1, 1, 1, 2, 2, 1, 1, 5, 2, 3, 0xe5])
                .end()
        }),
        ("cisco-phone-discover", discover().opt(60, b"Cisco Systems, Inc. IP Phone CP-8841").opt(55, &[1, 66, 6, 3, 15, 150, 35]).end()),
        ("relayed-discover", relayed(b"\x01\x04eth1\x02\x06\x52\x54\x00\x00\x00\x01\x05\x04\x0a\x09\x00\x00\x0b\x04\x0a\x09\x00\x01\x13\x02\x30\x39")),
        ("bootp-with-cookie", Raw::new().end()),
        ("bootp-without-cookie", Raw::new().at(236, &[0; 4]).padded(300)),
    ]
}

/// Values that are wrong, bare or hostile in messages that are to be understood all the same.
pub fn odd_values() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("ndi-of-wrong-length-before-arch", discover().opt(94, &[1]).opt(93, &[0, 7]).end()),
        (
            "host-name-not-utf8-before-arch",
            discover().opt(12, &[0xff, 0xfe, 0x80]).opt(93, &[0, 7]).end(),
        ),
        ("fqdn-of-one-byte-before-arch", discover().opt(81, &[4]).opt(93, &[0, 7]).end()),
        ("two-archs", discover().opt(93, &[0, 9, 0, 7]).end()),
        (
            "arch-of-odd-length",
            discover().opt(93, &[0, 7, 0]).opt(60, b"PXEClient:Arch:00007:UNDI:003016").end(),
        ),
        ("arch-empty", discover().opt(93, &[]).end()),
        ("arch-in-class-too-large", discover().opt(60, b"PXEClient:Arch:99999:UNDI:003016").end()),
        ("user-class-bare", discover().opt(77, b"iPXE").end()),
        ("user-class-list", discover().opt(77, b"\x04iPXE\x03lab").end()),
        ("user-class-list-broken", discover().opt(77, b"\x04iPXE\x09lab").end()),
        ("user-class-empty", discover().opt(77, &[]).end()),
        ("client-id-empty", discover().opt(61, &[]).end()),
        ("client-id-of-one-byte", discover().opt(61, &[0]).end()),
        ("uuid-of-sixteen-bytes", discover().opt(97, &GUID[1..]).end()),
        ("uuid-type-not-zero", discover().opt(97, &[7; 17]).end()),
        ("max-message-zero", discover().opt(57, &[0, 0]).end()),
        ("max-message-all-ones", discover().opt(57, &[255, 255]).end()),
        ("max-message-of-one-byte", discover().opt(57, &[5]).end()),
        ("host-name-with-nul", discover().opt(12, b"DESKTOP-1\0\0").end()),
        ("host-name-of-nuls", discover().opt(12, &[0, 0]).end()),
        (
            "host-name-hostile",
            discover().opt(12, b"\x1b[2J%s%n<script>alert(1)</script>\r\n$(id)").end(),
        ),
        ("domain-search-compression-loop", discover().opt(119, &[0xc0, 0, 0xc0, 2]).end()),
        ("relay-agent-empty", relayed(&[])),
        ("relay-agent-of-one-byte", relayed(&[1])),
        ("relay-agent-sub-option-past-end", relayed(b"\x01\x04eth1\x02\xffab")),
        ("relay-agent-short-link-selection", relayed(b"\x05\x03\x0a\x09\x00")),
        ("relay-agent-zero-and-255", relayed(b"\x00\x01x\xff\x01y\x01\x01z")),
        ("vendor-options-cut", discover().opt(43, &[6, 1, 8, 71, 4, 0x80]).end()),
        ("boot-item-of-wrong-length", discover().opt(43, &[71, 2, 0x80, 0, 255]).end()),
        ("parameter-list-of-everything", discover().opt(55, &(0..=254).collect::<Vec<u8>>()).end()),
        ("unknown-message-type", Raw::new().opt(53, &[77]).end()),
    ]
}

/// Packing that is wrong, rare or clever, and is to be understood all the same.
pub fn odd_packing() -> Vec<(&'static str, Vec<u8>)> {
    let long = |code| Raw::new().opt(53, &[1]).opt(code, &[b'a'; 255]);
    vec![
        ("no-end-option", discover().opt(93, &[0, 7]).padded(0)),
        ("no-options-after-cookie", Raw::new().padded(0)),
        ("end-option-first", Raw::new().raw(&[255, 53, 1, 1]).padded(300)),
        (
            "pads-between-options",
            Raw::new().raw(&[0, 0]).opt(53, &[1]).raw(&[0; 9]).opt(93, &[0, 7]).end(),
        ),
        ("pads-only", Raw::new().padded(1472)),
        ("option-past-end", discover().opt(93, &[0, 7]).raw(&[12, 200, b'x']).padded(0)),
        ("option-without-length", discover().opt(93, &[0, 7]).raw(&[12]).padded(0)),
        (
            "message-type-last",
            Raw::new().opt(93, &[0, 7]).opt(60, b"PXEClient").opt(53, &[1]).end(),
        ),
        ("message-type-twice", discover().opt(53, &[3]).end()),
        ("long-option-in-parts-apart", long(43).opt(93, &[0, 7]).opt(43, b"tail").end()),
        (
            "relay-agent-twice",
            discover().opt(82, b"\x01\x01a").opt(12, b"h").opt(82, b"\x02\x01b").end(),
        ),
        ("overload-file", { discover().at(108, b"\x0c\x03abc\xff").opt(52, &[1]).end() }),
        ("overload-sname", discover().at(44, b"\x0c\x03abc\xff").opt(52, &[2]).end()),
        ("overload-both-and-long", {
            discover()
                .at(108, b"\x2b\x02cd\xff")
                .at(44, b"\x2b\x02ef\xff")
                .opt(43, b"ab")
                .opt(52, &[3])
                .end()
        }),
        (
            "overload-file-full",
            discover().at(108, &[&[12, 126][..], &[b'n'; 126]].concat()).opt(52, &[1]).end(),
        ),
        ("overload-file-past-end", {
            discover().at(108, b"\x0c\xffabc").at(44, b"\x5d\x02\x00\x07\xff").opt(52, &[3]).end()
        }),
        ("overload-without-meaning", discover().at(108, b"boot.efi").opt(52, &[4]).end()),
        ("file-without-zero", discover().at(108, &[b'f'; 128]).at(44, &[b's'; 64]).end()),
    ]
}

/// What gets no reply whatever it says.
pub fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let many = |times: usize| {
        let part = [&[224, 255][..], &[0x55; 255]].concat();
        discover().raw(&part.repeat(times)).end()
    };
    vec![
        ("refused-empty", Vec::new()),
        ("refused-one-byte", vec![1]),
        ("refused-plain-text", b"default send string".to_vec()),
        ("refused-cut-before-cookie-ends", Raw::new().0[..239].to_vec()),
        ("refused-no-cookie-and-short", Raw::new().at(236, b"text").padded(299)),
        ("refused-op-zero", discover().at(0, &[0]).end()),
        ("refused-op-three", discover().at(0, &[3]).end()),
        ("refused-hlen-17", discover().at(2, &[17]).end()),
        ("refused-hlen-255", discover().at(1, &[6, 255]).end()),
        ("refused-ethernet-hlen-0", discover().at(2, &[0]).end()),
        ("refused-ethernet-hlen-5", discover().at(2, &[5]).end()),
        ("refused-message-type-empty", Raw::new().opt(53, &[]).end()),
        ("refused-message-type-of-two-bytes", Raw::new().opt(53, &[1, 1]).end()),
        ("refused-requested-address-of-three-bytes", discover().opt(50, &[10, 0, 0]).end()),
        ("refused-server-id-of-five-bytes", discover().opt(54, &[10, 0, 0, 1, 0]).end()),
        ("refused-message-type-cut", Raw::new().raw(&[53]).padded(0)),
        ("refused-relay-agent-cut", discover().raw(&[82, 9, 1]).padded(0)),
        ("refused-overload-twice", discover().opt(52, &[1]).opt(52, &[1]).end()),
        (
            "refused-overload-circle-in-file",
            discover().at(108, &[52, 1, 3, 255]).opt(52, &[1]).end(),
        ),
        ("refused-overload-circle-in-sname", {
            discover().at(44, &[52, 1, 1, 255]).opt(52, &[3]).end()
        }),
        ("refused-overload-hides-bad-type", Raw::new().at(108, &[53, 0, 255]).opt(52, &[1]).end()),
        ("refused-options-above-4096", many(17)),
        ("refused-zeros", vec![0; 300]),
        ("refused-all-ones", vec![255; 548]),
    ]
}
