//! Where the fuzzer begins: what loaders send, and what nobody should.

use wire::tftp::{ack, data_header, error, option_ack, read_request, write_request};

/// Name of the corpus file and its bytes. `refused-` are those [`wire::tftp::Packet::parse`]
/// refuses.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let edk2 = [("tsize", "0"), ("blksize", "1468"), ("windowsize", "4")];
    let pxelinux = [("tsize", "0"), ("blksize", "1408")];
    let many: Vec<_> = (0..9).map(|_| ("x", "1")).collect();
    vec![
        ("rrq-plain", read_request(b"pxelinux.0", "octet", &[])),
        ("rrq-edk2-probe", read_request(b"bootx64.efi", "octet", &edk2[..2])),
        ("rrq-edk2", read_request(b"bootx64.efi", "octet", &edk2[1..])),
        ("rrq-ipxe", read_request(b"x", "octet", &[("blksize", "1432"), ("tsize", "0")])),
        ("rrq-pxelinux", read_request(b"pxelinux.cfg/default", "octet", &pxelinux)),
        ("rrq-grub", read_request(b"/grub/x", "octet", &[("blksize", "1024"), ("tsize", "0")])),
        ("rrq-u-boot", read_request(b"uImage", "octet", &[("timeout", "5"), ("blksize", "1468")])),
        ("rrq-windows", read_request(b"\\Boot\\BCD", "octet", &[("msftwindow", "31416")])),
        ("rrq-raspberry-pi", read_request(b"1a2b3c4d/start4.elf", "OCTET", &[("BLKSIZE", "1024")])),
        ("rrq-netascii", read_request(b"switch.cfg", "NetASCII", &[])),
        ("rrq-mail", read_request(b"root", "mail", &[])),
        ("rrq-name-with-ff", read_request(b"ipxe.efi\xff", "octet", &[])),
        ("rrq-name-climbs", read_request(b"../../etc/passwd", "octet", &[])),
        ("rrq-name-with-escape", read_request(b"a\x1b[2J\n", "octet", &[])),
        ("rrq-name-of-255", read_request(&[b'a'; 255], "octet", &[])),
        (
            "rrq-same-option-twice",
            read_request(b"a", "octet", &[("blksize", "8"), ("BLKSIZE", "9")]),
        ),
        ("rrq-value-huge", read_request(b"a", "octet", &[("blksize", "99999999999999999999999")])),
        ("rrq-value-empty", read_request(b"a", "octet", &[("blksize", "")])),
        ("rrq-value-signed", read_request(b"a", "octet", &[("windowsize", "-1")])),
        ("rrq-eight-options", read_request(b"a", "octet", &many[..8])),
        ("rrq-padded", [read_request(b"a", "octet", &pxelinux), vec![0; 20]].concat()),
        ("rrq-option-cut", b"\0\x01a\0octet\0blksize\x0014".to_vec()),
        ("rrq-option-without-value", b"\0\x01a\0octet\0blksize\0".to_vec()),
        ("wrq", write_request(b"a", "octet", &[])),
        ("ack-0", ack(0).to_vec()),
        ("ack-65535", ack(65_535).to_vec()),
        ("ack-padded", [&ack(1)[..], &[0; 42]].concat()),
        ("data-empty", data_header(1).to_vec()),
        ("data", [&data_header(2)[..], b"kernel"].concat()),
        ("error-8-edk2", error(8.into(), "User aborted the transfer")),
        ("error-0-empty", error(0.into(), "")),
        ("error-unknown-code", error(999.into(), "?")),
        ("error-without-nul", b"\0\x05\0\x01no".to_vec()),
        ("error-long", [&b"\0\x05\0\0"[..], &[b'x'; 600]].concat()),
        ("oack", option_ack(&[("blksize", 1468), ("tsize", 6_442_450_945)])),
        ("oack-tivoli", [option_ack(&[("blksize", 512)]), vec![0; 8]].concat()),
        ("refused-empty", vec![]),
        ("refused-opcode-only", vec![0, 1]),
        ("refused-three-bytes", vec![0, 4, 0]),
        ("refused-opcode-0", vec![0, 0, 0, 0]),
        ("refused-opcode-7", vec![0, 7, 0, 0]),
        ("refused-opcode-256", vec![1, 0, b'a', 0]),
        ("refused-text", b"default send string".to_vec()),
        ("refused-name-empty", read_request(b"", "octet", &[])),
        ("refused-name-of-256", read_request(&[b'a'; 256], "octet", &[])),
        ("refused-name-without-end", b"\0\x01aaaaaaaa".to_vec()),
        ("refused-mode-missing", b"\0\x01a\0".to_vec()),
        ("refused-mode-without-end", b"\0\x01a\0octet".to_vec()),
        ("refused-nine-options", read_request(b"a", "octet", &many)),
        ("refused-513-bytes", [read_request(b"a", "octet", &[]), vec![0; 503]].concat()),
        ("refused-oack-of-nine", [&b"\0\x06"[..], &b"x\x001\0".repeat(9)].concat()),
    ]
}
