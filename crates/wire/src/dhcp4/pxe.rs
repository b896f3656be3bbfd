//! PXE's own options inside option 43 (PXE 2.1, table 2-1), valid only under vendor class
//! `PXEClient`.

use std::net::Ipv4Addr;

use super::code;
use super::encapsulated::sub_option;

/// Vendor class a server puts in its replies to PXE clients: no zero byte, nothing after it.
pub const PXE_CLIENT: &[u8] = b"PXEClient";
/// Vendor class a server puts in its replies to UEFI HTTP Boot clients.
pub const HTTP_CLIENT: &[u8] = b"HTTPClient";

/// `PXE_DISCOVERY_CONTROL`.
pub const DISCOVERY_CONTROL: u8 = 6;
/// `DISCOVERY_MCAST_ADDR`.
pub const DISCOVERY_MULTICAST: u8 = 7;
/// `PXE_BOOT_SERVERS`.
pub const BOOT_SERVERS: u8 = 8;
/// `PXE_BOOT_MENU`.
pub const BOOT_MENU: u8 = 9;
/// `PXE_MENU_PROMPT`.
pub const MENU_PROMPT: u8 = 10;
/// `PXE_BOOT_ITEM`.
pub const BOOT_ITEM: u8 = 71;

/// Bits of discovery control.
pub mod discovery {
    /// Do not look for boot servers by broadcast.
    pub const NO_BROADCAST: u8 = 1;
    /// Do not look for boot servers by multicast.
    pub const NO_MULTICAST: u8 = 2;
    /// Take only the boot servers listed.
    pub const LISTED_ONLY: u8 = 4;
    /// Load the boot file of this offer at once: no prompt, no menu, no discovery.
    pub const USE_BOOT_FILE: u8 = 8;
}

/// "Load the boot file of this offer": the shortest complete option 43.
pub const BOOT_NOW: [u8; 4] = [DISCOVERY_CONTROL, 1, discovery::USE_BOOT_FILE, code::END];

/// The value of option 43, closed with an end option: old ROMs look for it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct VendorOptions {
    bytes: Vec<u8>,
    overflow: bool,
}

impl VendorOptions {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), overflow: false }
    }

    /// How the client finds boot servers, see [`discovery`].
    #[must_use]
    pub fn discovery_control(self, bits: u8) -> Self {
        self.tag(DISCOVERY_CONTROL, &[bits])
    }

    /// Where it asks by multicast.
    #[must_use]
    pub fn discovery_multicast(self, group: Ipv4Addr) -> Self {
        self.tag(DISCOVERY_MULTICAST, &group.octets())
    }

    /// Boot servers by type. No address means: take any server of that type.
    #[must_use]
    pub fn boot_servers(self, servers: &[(u16, &[Ipv4Addr])]) -> Self {
        let mut value = Vec::new();
        let mut fits = true;
        for (kind, addresses) in servers {
            let count = u8::try_from(addresses.len());
            fits &= count.is_ok();
            value.extend(kind.to_be_bytes());
            value.push(count.unwrap_or(u8::MAX));
            value.extend(addresses.iter().flat_map(Ipv4Addr::octets));
        }
        self.fitting(fits).tag(BOOT_SERVERS, &value)
    }

    /// What the menu shows, in order; the first is the default.
    #[must_use]
    pub fn boot_menu(self, items: &[(u16, &str)]) -> Self {
        let mut value = Vec::new();
        let mut fits = true;
        for (kind, text) in items {
            let length = u8::try_from(text.len());
            fits &= length.is_ok();
            value.extend(kind.to_be_bytes());
            value.push(length.unwrap_or(u8::MAX));
            value.extend(text.bytes());
        }
        self.fitting(fits).tag(BOOT_MENU, &value)
    }

    /// How long the prompt stands: 0 takes the first item at once, 255 waits for ever.
    #[must_use]
    pub fn menu_prompt(self, timeout_s: u8, text: &str) -> Self {
        let mut value = vec![timeout_s];
        value.extend(text.bytes());
        self.tag(MENU_PROMPT, &value)
    }

    /// The item asked for, given back as it came.
    #[must_use]
    pub fn boot_item(self, item: BootItem) -> Self {
        let [a, b] = item.kind.to_be_bytes();
        let [c, d] = item.layer.to_be_bytes();
        self.tag(BOOT_ITEM, &[a, b, c, d])
    }

    /// Any other tag. Pad and end are not tags and are left out.
    #[must_use]
    pub fn tag(mut self, tag: u8, value: &[u8]) -> Self {
        if matches!(tag, code::PAD | code::END) {
            return self;
        }
        match u8::try_from(value.len()) {
            Ok(length) => {
                self.bytes.extend([tag, length]);
                self.bytes.extend_from_slice(value);
                self
            }
            Err(_) => self.fitting(false),
        }
    }

    /// The bytes, or `None` when they do not fit one option: PXE ROMs read the first only.
    #[must_use]
    pub fn build(mut self) -> Option<Vec<u8>> {
        self.bytes.push(code::END);
        (!self.overflow && self.bytes.len() <= 255).then_some(self.bytes)
    }

    fn fitting(mut self, fits: bool) -> Self {
        self.overflow |= !fits;
        self
    }
}

/// A boot server type and a layer (PXE 2.1, tag 71).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BootItem {
    /// Boot server type: 0 local, 32768–65534 free for use.
    pub kind: u16,
    /// Stage of a boot in several; bit 15 asks for credentials.
    pub layer: u16,
}

impl BootItem {
    /// The item a client asks for in its option 43, when it has the right length.
    #[must_use]
    pub fn requested(vendor_specific: &[u8]) -> Option<Self> {
        match *sub_option(vendor_specific, BOOT_ITEM)? {
            [a, b, c, d] => {
                Some(Self { kind: u16::from_be_bytes([a, b]), layer: u16::from_be_bytes([c, d]) })
            }
            _ => None,
        }
    }

    /// Whether the client wants credentials (BIS), which nobody here has.
    #[must_use]
    pub const fn wants_credentials(self) -> bool {
        self.layer & 0x8000 != 0
    }
}

/// Without this menu a Raspberry Pi's boot ROM ignores the offer; a bare string is not enough.
/// The three spaces are for the Pi 3B, and harmless to later models.
#[must_use]
pub fn raspberry_pi() -> Vec<u8> {
    let mut bytes = vec![DISCOVERY_CONTROL, 1, discovery::NO_BROADCAST | discovery::NO_MULTICAST];
    bytes.extend([MENU_PROMPT, 4, 0]);
    bytes.extend(b"PXE");
    bytes.extend([BOOT_MENU, 23, 0, 0, 20]);
    bytes.extend(b"Raspberry Pi Boot   ");
    bytes.push(code::END);
    bytes
}
