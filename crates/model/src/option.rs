//! DHCP options that an operator adds: for a network, or for one machine.
//!
//! In: a name (or number) and a value as text. Out: a [`DhcpOption`] as it is sent, or a sentence
//! why not; and the text back ([`show`]). Never: an option that the server makes itself, and never
//! the question who gets one, which is the engine's.
//!
//! ```text
//! ntp-servers=10.0.0.1,10.0.0.2        by name; the type comes from the registry
//! 42=10.0.0.1                          by number
//! wpad,always=http://10.0.0.1/p.dat    also to clients that did not ask for it (option 55)
//! 224=hex:0a:0b   224=text:left        what the registry has no type for
//! 43=sub:1=ip:10.0.0.5                 options inside an option
//! ```

mod domain;
mod kind;
mod registry;
mod reserved;
#[cfg(test)]
mod tests;

pub use kind::Kind;
pub use registry::{Known, ONLY_FOR_SYSTEMS, known, only_for_systems, registry};

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

/// The longest value of one option.
pub const VALUE_MAX: usize = 1024;
/// The longest value of an option of which firmware reads the first instance only.
pub const VALUE_ONCE_MAX: usize = 255;
/// Options of one network, or of one machine.
pub const OPTIONS_MAX: usize = 64;
/// Bytes of all of them together, with codes and lengths.
pub const ENCODED_MAX: usize = 1024;

/// After the name of an option: send it unasked.
const ALWAYS: &str = ",always";

impl DhcpOption {
    /// How many bytes it takes in a message, split as RFC 3396 says.
    pub fn encoded_len(&self) -> usize {
        self.value.len() + 2 * self.value.len().div_ceil(255).max(1)
    }
}

/// The code of a name, an alias or a number; `Err` says why an operator cannot set it.
pub fn code(name: &str) -> Result<u8, String> {
    let known = registry::by_name(name).map(|known| known.code);
    let number = || name.parse::<u8>().ok();
    if let Some(code) = known.or_else(number) {
        return match reserved::why(code) {
            Some(why) => Err(why),
            None => Ok(code),
        };
    }
    if let Some(why) = reserved::why_name(name) {
        return Err(why);
    }
    let shown = crate::text::show(name.as_bytes());
    Err(match name.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() {
        true => format!("there is no DHCP option {shown}: they have numbers from 1 to 254"),
        false => format!(
            "there is no DHCP option `{shown}`: write a name like ntp-servers, or its number"
        ),
    })
}

/// The name of a code that has one.
pub fn name(code: u8) -> Option<&'static str> {
    known(code).map(|known| known.name)
}

/// Reads a value for a code that [`code`] gave. A list is either one text with commas or several
/// items.
pub fn value(code: u8, items: &[&str]) -> Result<DhcpOption, String> {
    if let Some(why) = reserved::why(code) {
        return Err(why);
    }
    let known = known(code);
    let bytes = match (kind::raw(items), known) {
        (Some(raw), _) => raw,
        (None, Some(known)) => known.read(items),
        (None, None) => Err("its type is not known here: write hex:0a0b, text:…, ip:10.0.0.1, \
                             u8:…, u16:…, u32:… or sub:1=…"
            .to_owned()),
    };
    let bytes = bytes.map_err(|why| format!("{}: {why}", title(code)))?;
    let most = if known.is_some_and(|k| k.once) { VALUE_ONCE_MAX } else { VALUE_MAX };
    if bytes.len() > most {
        let has = bytes.len();
        return Err(format!("{}: its value has {has} bytes, {most} is the most", title(code)));
    }
    // A length of zero has a meaning only in options of which we know nothing.
    if bytes.is_empty() && known.is_some() {
        return Err(format!("{}: its value is empty", title(code)));
    }
    Ok(DhcpOption { code, value: bytes, always: known.is_some_and(|known| known.always) })
}

/// Reads a name and a value: `ntp-servers`, `10.0.0.1`. `,always` behind the name sends it to
/// clients that did not ask, too.
pub fn parse(name: &str, text: &str) -> Result<DhcpOption, String> {
    let (name, always) = match name.strip_suffix(ALWAYS) {
        Some(name) => (name, true),
        None => (name, false),
    };
    let option = value(code(name)?, &[text])?;
    Ok(DhcpOption { always: always || option.always, ..option })
}

/// Reads `ntp-servers=10.0.0.1`, as commands take it; the inverse of [`show`].
pub fn parse_assignment(text: &str) -> Result<DhcpOption, String> {
    let Some((name, value)) = text.split_once('=') else {
        let shown = crate::text::show(text.as_bytes());
        return Err(format!("`{shown}` sets no option: write it like ntp-servers=10.0.0.1"));
    };
    parse(name.trim(), value)
}

/// `ntp-servers=10.0.0.1`: what [`parse_assignment`] reads.
pub fn show(option: &DhcpOption) -> String {
    let known = known(option.code);
    let name = known.map_or_else(|| option.code.to_string(), |known| known.name.to_owned());
    let always = option.always && !known.is_some_and(|known| known.always);
    let always = if always { ALWAYS } else { "" };
    format!("{name}{always}={}", show_value(option))
}

/// The value of an option as text: of its type where it has one, else `text:` or `hex:`.
pub fn show_value(option: &DhcpOption) -> String {
    let typed = known(option.code).and_then(|known| known.show(&option.value));
    typed.unwrap_or_else(|| kind::show_raw(&option.value))
}

/// `option 42 (ntp-servers)`, for sentences.
fn title(code: u8) -> String {
    match name(code) {
        Some(name) => format!("option {code} ({name})"),
        None => format!("option {code}"),
    }
}
