//! Meaning of single options. Each reader takes one option, is total, and says nothing where
//! the option is missing or malformed; no reader's trouble is another's.

use std::borrow::Cow;

use super::code;
use super::options::Options;

/// Longest UDP payload we ever send: EDK2 drops longer offers, and so does Ethernet without
/// fragments (1500 − 28).
pub const PAYLOAD_MAX: usize = 1472;

/// UDP payload every client must take: a datagram of 576 bytes (RFC 2131, 2) without headers.
pub const DEFAULT_PAYLOAD_MAX: usize = 548;

/// What IPv4 and UDP headers take of a datagram.
const HEADERS: u16 = 28;

/// Client architectures in the client's order (RFC 4578, 2.1). Empty when missing or of odd
/// length; then the vendor class may know, see [`arch_in_vendor_class`].
#[must_use]
pub fn architectures(options: &Options) -> Vec<u16> {
    let value = options.get(code::CLIENT_ARCH).unwrap_or_default();
    match value.as_chunks::<2>() {
        (numbers, []) => numbers.iter().copied().map(u16::from_be_bytes).collect(),
        _ => Vec::new(),
    }
}

/// Vendor class (RFC 2132, 9.13).
#[must_use]
pub fn vendor_class(options: &Options) -> Option<Cow<'_, [u8]>> {
    options.get(code::VENDOR_CLASS)
}

/// The architecture written in a vendor class such as `PXEClient:Arch:00007:UNDI:003016`
/// (PXE 2.1, table 2-1) or `HTTPClient:Arch:00016:…`.
#[must_use]
pub fn arch_in_vendor_class(vendor_class: &[u8]) -> Option<u16> {
    let rest = [b"PXEClient:Arch:".as_slice(), b"HTTPClient:Arch:"]
        .into_iter()
        .find_map(|prefix| vendor_class.strip_prefix(prefix))?;
    let field = rest.split(|byte| matches!(byte, b':' | 0)).next()?;
    if !(1..=5).contains(&field.len()) || !field.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// User classes. RFC 3004, 4 wants a list of strings, each with its length before it; iPXE, gPXE
/// and ISC dhclient send one bare string. What can be read as the list is the list: a bare
/// string would have to begin with a control character for that.
#[must_use]
pub fn user_classes(options: &Options) -> Vec<Vec<u8>> {
    let value = options.get(code::USER_CLASS).unwrap_or_default();
    match user_class_list(&value) {
        Some(list) => list,
        None if value.is_empty() => Vec::new(),
        None => vec![value.into_owned()],
    }
}

/// The RFC's reading, when it uses up the value exactly and no string in it is empty.
fn user_class_list(mut rest: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut list = Vec::new();
    while let Some((&length, after)) = rest.split_first() {
        let (class, left) = after.split_at_checked(usize::from(length))?;
        if class.is_empty() {
            return None;
        }
        list.push(class.to_vec());
        rest = left;
    }
    (!list.is_empty()).then_some(list)
}

/// The machine's GUID (RFC 4578, 2.3), bytes as on the wire: the first three fields are
/// little-endian as in SMBIOS. Some clients leave the option out or get its length wrong; they
/// are served all the same.
#[must_use]
pub fn machine_uuid(options: &Options) -> Option<[u8; 16]> {
    match options.first(code::CLIENT_MACHINE_ID)?.split_first()? {
        (0, guid) => guid.try_into().ok(),
        _ => None,
    }
}

/// Type, major and minor version of the client's network interface (RFC 4578, 2.2).
#[must_use]
pub fn network_interface(options: &Options) -> Option<[u8; 3]> {
    options.first(code::CLIENT_NDI)?.try_into().ok()
}

/// Client identifier. It has at least two bytes (RFC 2132, 9.14); a shorter one is ignored, so
/// that the hardware address identifies the client.
#[must_use]
pub fn client_id(options: &Options) -> Option<Vec<u8>> {
    options.get(code::CLIENT_ID).filter(|id| id.len() >= 2).map(Cow::into_owned)
}

/// Longest UDP payload to send to this client. Option 57 counts the headers (RFC 2132, 9.10);
/// EDK2 and iPXE mean the payload, for which this is merely cautious. Less than 576 is not
/// allowed and is read as 576.
#[must_use]
pub fn max_message(options: &Options) -> usize {
    let Some(datagram) = options.u16(code::MAX_MESSAGE_SIZE) else {
        return DEFAULT_PAYLOAD_MAX;
    };
    usize::from(datagram.saturating_sub(HEADERS)).clamp(DEFAULT_PAYLOAD_MAX, PAYLOAD_MAX)
}

/// The codes the client asks for, in its order of preference (RFC 2132, 9.8).
#[must_use]
pub fn parameter_list(options: &Options) -> Vec<u8> {
    options.get(code::PARAMETER_LIST).unwrap_or_default().into_owned()
}

/// Relay agent information, whatever it holds (RFC 3046, 2.2). Read it with
/// [`relay_sub_options`](super::relay_sub_options); send it back with [`Options::echo`].
#[must_use]
pub fn relay_agent(options: &Options) -> Option<Vec<u8>> {
    options.get(code::RELAY_AGENT).map(Cow::into_owned)
}

/// The host name the client gives itself, without the zero bytes some put at its end. Bytes:
/// nothing makes it UTF-8 (RFC 2132, 3.14).
#[must_use]
pub fn host_name(options: &Options) -> Option<Vec<u8>> {
    let value = options.get(code::HOST_NAME)?;
    let end = value.iter().rposition(|byte| *byte != 0)?;
    value.get(..=end).map(<[u8]>::to_vec)
}

/// Whether this client ends its strings with a zero byte and wants the same from us, as old
/// Microsoft clients do.
#[must_use]
pub fn wants_terminated_strings(options: &Options) -> bool {
    options.get(code::HOST_NAME).is_some_and(|name| name.last() == Some(&0))
}
