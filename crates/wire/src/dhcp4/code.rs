//! Option codes of DHCPv4 that this server reads, writes or has to know about.

/// Fills space, has no length byte (RFC 2132, 3.1). We send it after [`END`] only.
pub const PAD: u8 = 0;
/// Subnet mask, 4 bytes; precedes [`ROUTER`] when both are sent (RFC 2132, 3.3).
pub const SUBNET_MASK: u8 = 1;
/// Routers, 4 bytes each, best first (RFC 2132, 3.5).
pub const ROUTER: u8 = 3;
/// Time servers, 4 bytes each (RFC 2132, 3.6).
pub const TIME_SERVER: u8 = 4;
/// Domain name servers, 4 bytes each, best first (RFC 2132, 3.8).
pub const DNS: u8 = 6;
/// Log servers, 4 bytes each (RFC 2132, 3.9).
pub const LOG_SERVER: u8 = 7;
/// Host name, from and to the client (RFC 2132, 3.14).
pub const HOST_NAME: u8 = 12;
/// Length of the boot file in units of 512 bytes, 2 bytes (RFC 2132, 3.15).
pub const BOOT_FILE_SIZE: u8 = 13;
/// Domain the client resolves host names in (RFC 2132, 3.17).
pub const DOMAIN_NAME: u8 = 15;
/// Path of the client's root disk (RFC 2132, 3.19).
pub const ROOT_PATH: u8 = 17;
/// MTU of the link, 2 bytes (RFC 2132, 5.1).
pub const INTERFACE_MTU: u8 = 26;
/// Broadcast address of the subnet, 4 bytes (RFC 2132, 5.3).
pub const BROADCAST_ADDRESS: u8 = 28;
/// Static class-full routes, 8 bytes each (RFC 2132, 5.8); see [`CLASSLESS_ROUTES`].
pub const STATIC_ROUTES: u8 = 33;
/// NTP servers, 4 bytes each (RFC 2132, 8.3).
pub const NTP_SERVERS: u8 = 42;
/// Vendor-specific information, meaningful under the vendor class only (RFC 2132, 8.4).
pub const VENDOR_SPECIFIC: u8 = 43;
/// Address the client would like, 4 bytes (RFC 2132, 9.1).
pub const REQUESTED_ADDRESS: u8 = 50;
/// Lease time in seconds, 4 bytes; all ones is for ever (RFC 2132, 9.2).
pub const LEASE_TIME: u8 = 51;
/// Which of `file` and `sname` hold options: 1, 2 or 3 for both (RFC 2132, 9.3).
pub const OVERLOAD: u8 = 52;
/// DHCP message type, 1 byte; absent in BOOTP (RFC 2132, 9.6).
pub const MESSAGE_TYPE: u8 = 53;
/// Address of the DHCP server that speaks or is meant, 4 bytes (RFC 2132, 9.7).
pub const SERVER_ID: u8 = 54;
/// Codes the client wants, in its order of preference (RFC 2132, 9.8).
pub const PARAMETER_LIST: u8 = 55;
/// Text for people, in a NAK or DECLINE (RFC 2132, 9.9).
pub const MESSAGE: u8 = 56;
/// Longest datagram the client takes, headers included, 2 bytes (RFC 2132, 9.10).
pub const MAX_MESSAGE_SIZE: u8 = 57;
/// T1, seconds until renewal, 4 bytes (RFC 2132, 9.11).
pub const RENEWAL_TIME: u8 = 58;
/// T2, seconds until rebinding, 4 bytes (RFC 2132, 9.12).
pub const REBINDING_TIME: u8 = 59;
/// Vendor class; `PXEClient…` or `HTTPClient…` from firmware (RFC 2132, 9.13).
pub const VENDOR_CLASS: u8 = 60;
/// Client identifier, at least 2 bytes, opaque (RFC 2132, 9.14; RFC 6842).
pub const CLIENT_ID: u8 = 61;
/// TFTP server by name or dotted quad (RFC 2132, 9.4).
pub const TFTP_SERVER_NAME: u8 = 66;
/// Boot file name (RFC 2132, 9.5).
pub const BOOT_FILE_NAME: u8 = 67;
/// User class; a list by RFC 3004, 4, a bare string from iPXE and ISC dhclient.
pub const USER_CLASS: u8 = 77;
/// Rapid commit, empty (RFC 4039, 4).
pub const RAPID_COMMIT: u8 = 80;
/// Client's fully qualified domain name (RFC 4702, 2).
pub const CLIENT_FQDN: u8 = 81;
/// Relay agent information, echoed unchanged and last (RFC 3046, 2.0 and 2.2).
pub const RELAY_AGENT: u8 = 82;
/// Authentication (RFC 3118, 2). We hold no keys: ignored and never echoed.
pub const AUTHENTICATION: u8 = 90;
/// Client architectures, 2 bytes each (RFC 4578, 2.1).
pub const CLIENT_ARCH: u8 = 93;
/// Client network interface: type, major, minor (RFC 4578, 2.2).
pub const CLIENT_NDI: u8 = 94;
/// Client machine identifier: a zero byte and a 16-byte GUID (RFC 4578, 2.3).
pub const CLIENT_MACHINE_ID: u8 = 97;
/// IPv6-only preferred, 4 bytes (RFC 8925, 3.1).
pub const IPV6_ONLY: u8 = 108;
/// Captive portal URI (RFC 8910, 2.1). Not for firmware.
pub const CAPTIVE_PORTAL: u8 = 114;
/// Whether to auto-configure when no address is given, 1 byte (RFC 2563, 2).
pub const AUTO_CONFIGURE: u8 = 116;
/// Subnet to choose the address from, 4 bytes (RFC 3011, 2).
pub const SUBNET_SELECTION: u8 = 118;
/// Domain search list in DNS compression (RFC 3397, 2).
pub const DOMAIN_SEARCH: u8 = 119;
/// Classless static routes; a client given these ignores [`ROUTER`] (RFC 3442).
pub const CLASSLESS_ROUTES: u8 = 121;
/// Vendor-identifying vendor class (RFC 3925, 3).
pub const VI_VENDOR_CLASS: u8 = 124;
/// Vendor-identifying vendor-specific information (RFC 3925, 4).
pub const VI_VENDOR_SPECIFIC: u8 = 125;
/// First of eight codes PXE clients ask for out of habit, 128–135 (RFC 4578, 2.4).
pub const PXE_RESERVED_FIRST: u8 = 128;
/// Last of the codes PXE reserved (RFC 4578, 2.4).
pub const PXE_RESERVED_LAST: u8 = 135;
/// TFTP server addresses, 4 bytes each (RFC 5859, 2).
pub const TFTP_SERVER_ADDRESS: u8 = 150;
/// iPXE's encapsulated options; who sends it is iPXE or gPXE (Etherboot's registration).
pub const IPXE_ENCAPSULATED: u8 = 175;
/// iPXE's bus identifier of the network card, private.
pub const IPXE_BUS_ID: u8 = 177;
/// PXELINUX magic F1 00 74 7E, deprecated (RFC 5071, 3).
pub const PXELINUX_MAGIC: u8 = 208;
/// PXELINUX configuration file (RFC 5071, 4).
pub const PXELINUX_CONFIG: u8 = 209;
/// PXELINUX path prefix (RFC 5071, 5).
pub const PXELINUX_PREFIX: u8 = 210;
/// PXELINUX reboot time in seconds, 4 bytes (RFC 5071, 6).
pub const PXELINUX_REBOOT: u8 = 211;
/// iPXE's version, private.
pub const IPXE_VERSION: u8 = 235;
/// Microsoft's private twin of [`CLASSLESS_ROUTES`], same layout.
pub const MS_CLASSLESS_ROUTES: u8 = 249;
/// Private state of Microsoft's WDSNBP.
pub const WDSNBP: u8 = 250;
/// Path of the boot configuration store for Microsoft's boot manager, private.
pub const BCD_PATH: u8 = 252;
/// Ends the options, has no length byte (RFC 2132, 3.2).
pub const END: u8 = 255;

/// Sub-options of [`RELAY_AGENT`].
pub mod relay {
    /// Circuit the request came in on (RFC 3046, 3.1).
    pub const CIRCUIT_ID: u8 = 1;
    /// Remote end of that circuit (RFC 3046, 3.2).
    pub const REMOTE_ID: u8 = 2;
    /// Subnet to choose the address from, 4 bytes (RFC 3527, 3).
    pub const LINK_SELECTION: u8 = 5;
    /// Subscriber (RFC 3993, 3).
    pub const SUBSCRIBER_ID: u8 = 6;
    /// Vendor-specific data of the relay (RFC 4243, 4).
    pub const VENDOR_SPECIFIC: u8 = 9;
    /// Flags, 1 byte; 0x80 says that the client's message was unicast (RFC 5010, 3).
    pub const FLAGS: u8 = 10;
    /// Address to give as server identifier, 4 bytes (RFC 5107, 4).
    pub const SERVER_ID_OVERRIDE: u8 = 11;
    /// Identity of the relay (RFC 6925, 4).
    pub const RELAY_ID: u8 = 12;
    /// Port the relay sends from and listens on, 2 bytes (RFC 8357, 4; in DHCPv4 sub-option 19).
    pub const SOURCE_PORT: u8 = 19;
    /// Virtual subnet selection (RFC 6607, 3.2).
    pub const VIRTUAL_SUBNET: u8 = 151;
    /// Virtual subnet selection control (RFC 6607, 3.2).
    pub const VIRTUAL_SUBNET_CONTROL: u8 = 152;
}
