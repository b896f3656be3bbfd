//! DHCP options that an operator adds: for a network, or for one machine.

use serde::{Deserialize, Serialize};

/// One option as it is sent.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DhcpOption {
    /// 1 to 254.
    pub code: u8,
    /// The value, as on the wire; longer than 255 bytes is split when sent (RFC 3396).
    pub value: Vec<u8>,
    /// Whether clients get it that did not ask for it (option 55).
    pub always: bool,
}
