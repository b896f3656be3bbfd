//! What the DHCPv4 tests and the fuzz target share: packets written byte by byte, without the
//! encoder they judge, and one function that walks every reader.
#![allow(dead_code, reason = "each test file and the fuzz target use a part of this")]

pub mod seeds;

use wire::dhcp4::{self, Message, Options, code, pxe};

pub const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
pub const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

/// A packet under construction. Starts as an Ethernet client's request with the cookie.
#[derive(Clone)]
pub struct Raw(pub Vec<u8>);

impl Raw {
    pub fn new() -> Self {
        let mut bytes = vec![0; 236];
        bytes[..3].copy_from_slice(&[1, 1, 6]);
        bytes[4..8].copy_from_slice(&[0x3d, 0x1d, 0xab, 0x01]);
        bytes[28..34].copy_from_slice(&MAC);
        bytes.extend(COOKIE);
        Self(bytes)
    }

    /// Overwrites a fixed field.
    pub fn at(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub fn broadcast(self) -> Self {
        self.at(10, &[0x80, 0])
    }

    pub fn opt(self, code: u8, value: &[u8]) -> Self {
        let length = u8::try_from(value.len()).expect("one instance holds 255 bytes");
        self.raw(&[code, length]).raw(value)
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// The end option, and zeros up to 300 bytes.
    pub fn end(self) -> Vec<u8> {
        self.raw(&[255]).padded(300)
    }

    pub fn padded(mut self, length: usize) -> Vec<u8> {
        self.0.resize(self.0.len().max(length), 0);
        self.0
    }
}

/// Takes bytes from anybody the whole way: parse, every reader, encode, parse again. Panics
/// where a property does not hold; that is what the fuzzer looks for.
pub fn walk(bytes: &[u8]) {
    if let Ok(packet) = wire::udp4::parse(bytes) {
        let _ = packet.verify_checksum();
        assert!(packet.payload.len() < bytes.len());
    }
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(malformed) => {
            assert!(!malformed.to_string().is_empty());
            return;
        }
    };
    let _ = Message::parse_request(bytes);
    read_everything(&message.options);
    assert!(message.hardware_address().len() <= 16);
    assert!(message.file_name().len() <= 128 && message.server_name().len() <= 64);

    let encoded = message.encode(usize::MAX).expect("no limit");
    assert_eq!(encoded.len(), message.encoded_len());
    assert!(encoded.len() >= dhcp4::MIN_LENGTH);
    let again = Message::parse(&encoded).expect("what we encode, we read");
    assert_eq!(again.encode(usize::MAX).expect("no limit"), encoded);
    assert_eq!(again.options.truncated, None);
    for code in 0..=255 {
        assert_eq!(again.options.get(code), message.options.get(code), "option {code}");
        assert!(again.options.instances_of(code).eq(message.options.instances_of(code)));
    }
    assert_eq!(Message { options: message.options.clone(), ..again }, message);

    if let Err(too_long) = message.encode(dhcp4::DEFAULT_PAYLOAD_MAX) {
        let mut shorter = message.clone();
        for code in &too_long.codes {
            assert!(shorter.options.remove(*code));
        }
        assert!(!too_long.to_string().is_empty());
        assert!(shorter.encoded_len() < message.encoded_len() || too_long.codes.is_empty());
    }

    let mut reply = Message::reply_to(&message);
    reply.options.echo(&message.options, code::RELAY_AGENT);
    reply.options.order(&dhcp4::parameter_list(&message.options));
    assert_eq!(dhcp4::relay_agent(&reply.options), dhcp4::relay_agent(&message.options));
}

fn read_everything(options: &Options) {
    let bytes: usize = options.iter().map(|(_, value)| value.len()).sum();
    assert!(bytes <= dhcp4::OPTIONS_MAX);
    for (code, _) in options.iter() {
        assert!(options.contains(code));
        assert!(options.get(code).is_some() && options.first(code).is_some());
        let _ = (options.u8(code), options.u16(code), options.u32(code), options.ip(code));
        assert!(options.ips(code).len() <= bytes / 4);
    }
    if let Some(Ok(kind)) = options.message_type() {
        assert!(!kind.to_string().is_empty());
    }
    assert!(dhcp4::architectures(options).len() <= bytes / 2);
    if let Some(class) = dhcp4::vendor_class(options) {
        let _ = dhcp4::arch_in_vendor_class(&class);
    }
    for class in dhcp4::user_classes(options) {
        assert!(!class.is_empty());
    }
    let _ = dhcp4::machine_uuid(options);
    let _ = dhcp4::network_interface(options);
    let _ = dhcp4::host_name(options);
    let _ = dhcp4::wants_terminated_strings(options);
    assert!(dhcp4::client_id(options).is_none_or(|id| id.len() >= 2));
    let payload = dhcp4::max_message(options);
    assert!((dhcp4::DEFAULT_PAYLOAD_MAX..=dhcp4::PAYLOAD_MAX).contains(&payload));
    for code in [code::VENDOR_SPECIFIC, code::IPXE_ENCAPSULATED, code::RELAY_AGENT] {
        let value = options.get(code).unwrap_or_default();
        assert!(dhcp4::sub_options(&value).count() <= value.len());
        assert!(dhcp4::relay_sub_options(&value).count() <= value.len());
        let _ = pxe::BootItem::requested(&value).map(pxe::BootItem::wants_credentials);
    }
}
