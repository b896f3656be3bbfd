//! The magic packet.
//!
//! In: a MAC and perhaps a password. Out: bytes. Never: a socket.
//!
//! After AMD's white paper 20213 (Magic Packet Technology): anywhere in a frame, six bytes of 0xFF
//! and then the station's address sixteen times. What follows as a password is SecureOn, of 4 or
//! 6 bytes: that is what ether-wake sends and Wireshark reads.

use super::WakeError;
use model::HardwareAddress;
use model::address::hex;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;
use zeroize::Zeroizing;

/// How often the address stands in the packet.
const REPEATS: usize = 16;

/// A SecureOn password: a card that has one wakes for nothing less. It travels in the clear, so
/// whoever listens on the link knows it afterwards; it is kept out of messages all the same.
pub struct SecureOn(Zeroizing<Vec<u8>>);

impl SecureOn {
    /// Six bytes, as most cards have them.
    #[must_use]
    pub fn six(bytes: [u8; 6]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Four bytes.
    #[must_use]
    pub fn four(bytes: [u8; 4]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for SecureOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// `00:11:22:33:44:55` (six bytes), `00:11:22:33` or `192.168.1.1` (four), as ether-wake takes
/// them.
impl FromStr for SecureOn {
    type Err = WakeError;

    fn from_str(text: &str) -> Result<Self, WakeError> {
        if let Ok(four) = text.parse::<Ipv4Addr>() {
            return Ok(Self::four(four.octets()));
        }
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-')).collect();
        let digits = Zeroizing::new(digits);
        let bytes = Zeroizing::new(hex(&digits).ok_or(WakeError::Password)?);
        if !matches!(bytes.len(), 4 | 6) {
            return Err(WakeError::Password);
        }
        Ok(Self(bytes))
    }
}

/// The packet that wakes one card: 102 bytes, and the password's 4 or 6.
#[must_use]
pub fn magic_packet(mac: [u8; 6], password: Option<&SecureOn>) -> Vec<u8> {
    let mut packet = vec![0xff; 6];
    for _ in 0..REPEATS {
        packet.extend(mac);
    }
    if let Some(SecureOn(password)) = password {
        packet.extend(password.iter());
    }
    packet
}

/// The address of one card, if it is one.
pub(super) fn station(machine: HardwareAddress) -> Result<[u8; 6], WakeError> {
    let not = |why| WakeError::Address { machine, why };
    let mac = machine.as_mac().ok_or_else(|| not("only Ethernet cards wake by magic packets"))?;
    match mac {
        [0, 0, 0, 0, 0, 0] => Err(not("it was never filled in")),
        [first, ..] if first & 1 != 0 => Err(not("it is a group's, not one card's")),
        mac => Ok(mac),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn six_of_ff_then_sixteen_times_the_address_then_the_password() {
        let mac = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
        let packet = magic_packet(mac, None);
        assert_eq!(packet.len(), 102);
        assert_eq!(packet[..6], [0xff; 6]);
        assert_eq!(packet[6..], mac.repeat(16));

        let six = magic_packet(mac, Some(&SecureOn::six([1, 2, 3, 4, 5, 6])));
        assert_eq!(
            (six.len(), &six[..102], &six[102..]),
            (108, &packet[..], &[1, 2, 3, 4, 5, 6][..])
        );
        let four = magic_packet(mac, Some(&SecureOn::four([7, 8, 9, 10])));
        assert_eq!(
            (four.len(), &four[..102], &four[102..]),
            (106, &packet[..], &[7, 8, 9, 10][..])
        );
    }

    #[test]
    fn a_password_is_read_as_ether_wake_reads_it_and_never_shown() {
        let read = |text: &str| text.parse::<SecureOn>().map(|SecureOn(bytes)| bytes.to_vec());
        assert_eq!(read("00:11:22:33:44:55").unwrap(), [0, 0x11, 0x22, 0x33, 0x44, 0x55]);
        assert_eq!(read("00-11-22-33").unwrap(), [0, 0x11, 0x22, 0x33]);
        assert_eq!(read("192.168.1.1").unwrap(), [192, 168, 1, 1]);
        for wrong in
            ["", "hunter2", "77:88", "99:11:22:33:44:55:66", "ü1:22:33:44", "192.168.1.256"]
        {
            let words = read(wrong).unwrap_err().to_string();
            assert!(wrong.is_empty() || !words.contains(wrong), "{words}");
        }
        assert_eq!(format!("{:?}", SecureOn::four(*b"pass")), "(secret)");
    }

    proptest! {
        #[test]
        fn any_text_is_a_password_or_refused(text in ".{0,40}") {
            if let Ok(SecureOn(bytes)) = text.parse::<SecureOn>() {
                prop_assert!(matches!(bytes.len(), 4 | 6));
            }
        }
    }
}
