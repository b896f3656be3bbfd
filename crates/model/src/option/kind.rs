//! The types of option values: text in, bytes out, and back.
//!
//! In: the items of a list (one text with commas is a list, too). Out: the bytes of a value, or
//! what is wrong with it. Never: the name or code of an option.

use super::domain;
use crate::time::{parse_duration, show_duration};
use std::net::Ipv4Addr;
use std::time::Duration;

/// What an option's value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// One address.
    Ip,
    /// Addresses, best first.
    Ips,
    /// Pairs of addresses, written `10.1.0.0 10.0.0.254`.
    IpPairs,
    /// A number of one byte.
    U8,
    /// A number of two bytes.
    U16,
    /// A number of four bytes.
    U32,
    /// A number of four bytes that may be negative.
    I32,
    /// Numbers of two bytes.
    U16s,
    /// True or false.
    Flag,
    /// Printable ASCII.
    Text,
    /// One domain name, as DNS writes it.
    Domain,
    /// Domain names, as DNS writes them (RFC 3397).
    Domains,
    /// Domain names or addresses behind a byte that says which (RFC 3361).
    DomainsOrIps,
    /// Addresses behind a byte that says whether nothing else may be used (RFC 2610, 3).
    MandatoryIps,
    /// Names behind such a byte (RFC 2610, 4).
    MandatoryNames,
    /// Seconds, four bytes.
    Seconds,
    /// Bytes that have no other form here.
    Hex,
}

/// In front of a list of [`Kind::MandatoryIps`] and [`Kind::MandatoryNames`].
const MANDATORY: &str = "mandatory";

impl Kind {
    /// What it takes, for a sentence and for the documentation.
    pub fn takes(self) -> &'static str {
        match self {
            Self::Ip => "an address",
            Self::Ips => "addresses",
            Self::IpPairs => "pairs of addresses: `A B`",
            Self::U8 => "a number to 255",
            Self::U16 => "a number to 65535",
            Self::U32 => "a number",
            Self::I32 => "a number, also negative",
            Self::U16s => "numbers to 65535",
            Self::Flag => "true or false",
            Self::Text => "text",
            Self::Domain => "a domain name",
            Self::Domains => "domain names",
            Self::DomainsOrIps => "domain names, or addresses",
            Self::MandatoryIps => "addresses, `mandatory` first if only those may be used",
            Self::MandatoryNames => "names, `mandatory` first if only those may be used",
            Self::Seconds => "a time: `90s`, `12h`",
            Self::Hex => "bytes: `hex:0a:0b`",
        }
    }

    /// Whether a bare number is a natural way to write it.
    pub fn numeric(self) -> bool {
        matches!(self, Self::U8 | Self::U16 | Self::U32 | Self::I32 | Self::U16s | Self::Seconds)
    }

    /// Whether there may be several.
    pub fn is_list(self) -> bool {
        use Kind::{Domains, DomainsOrIps, IpPairs, Ips, MandatoryIps, MandatoryNames, U16s};
        matches!(
            self,
            Ips | IpPairs | U16s | Domains | DomainsOrIps | MandatoryIps | MandatoryNames
        )
    }

    /// The bytes of a value. Numbers below `least` are refused.
    pub(super) fn read(self, items: &[&str], least: u32) -> Result<Vec<u8>, String> {
        let items: Vec<&str> = match (self.is_list(), items) {
            (true, _) => items.iter().flat_map(|item| item.split(',')).map(str::trim).collect(),
            (false, [one]) => vec![if self == Self::Text { one } else { one.trim() }],
            (false, _) => return Err(format!("it takes {}, not a list", self.takes())),
        };
        let mut bytes = Vec::new();
        match self {
            Self::MandatoryIps | Self::MandatoryNames => {
                let mandatory = items.first() == Some(&MANDATORY);
                let names = items.get(usize::from(mandatory)..).unwrap_or_default();
                bytes.push(u8::from(mandatory));
                match self {
                    Self::MandatoryIps => each(names, ip, &mut bytes)?,
                    _ => bytes.extend(text(&names.join(","))?),
                }
            }
            Self::DomainsOrIps if items.iter().all(|item| ip(item).is_ok()) => {
                bytes.push(1);
                each(&items, ip, &mut bytes)?;
            }
            Self::DomainsOrIps => {
                bytes.push(0);
                each(&items, domain_name, &mut bytes)?;
            }
            _ => each(&items, |item| self.one(item, least), &mut bytes)?,
        }
        Ok(bytes)
    }

    /// One item.
    fn one(self, item: &str, least: u32) -> Result<Vec<u8>, String> {
        let bytes = |number: u32, width: usize| {
            let all = number.to_be_bytes();
            all.get(all.len() - width..).unwrap_or_default().to_vec()
        };
        match self {
            Self::Ip | Self::Ips | Self::MandatoryIps => ip(item),
            Self::IpPairs => pair(item),
            Self::U8 => Ok(bytes(number(item, least, u8::MAX.into())?, 1)),
            Self::U16 | Self::U16s => Ok(bytes(number(item, least, u16::MAX.into())?, 2)),
            Self::U32 => Ok(bytes(number(item, least, u32::MAX)?, 4)),
            Self::I32 => {
                let number: Result<i32, _> = item.parse();
                let wrong = |_| format!("`{}` is no number", shown(item));
                number.map(|n| n.to_be_bytes().to_vec()).map_err(wrong)
            }
            Self::Flag => flag(item),
            Self::Text | Self::MandatoryNames => text(item),
            Self::Domain | Self::Domains | Self::DomainsOrIps => domain_name(item),
            Self::Seconds => seconds(item, least),
            Self::Hex => hex(item),
        }
    }

    /// The bytes as [`Kind::read`] takes them, if they are of this type. The caller reads them
    /// again, so a type need not be strict here.
    pub(super) fn show(self, value: &[u8]) -> Option<String> {
        let number = |value: &[u8]| {
            value.iter().fold(0u32, |sum, byte| sum.wrapping_shl(8) | u32::from(*byte)).to_string()
        };
        let list = |width: usize, one: &dyn Fn(&[u8]) -> String| {
            let all: Vec<String> = value.chunks(width).map(one).collect();
            all.join(",")
        };
        Some(match self {
            Self::Ip | Self::Ips => list(4, &show_ip),
            Self::IpPairs => list(8, &|pair| {
                let (a, b) = pair.split_at(pair.len() / 2);
                format!("{} {}", show_ip(a), show_ip(b))
            }),
            Self::U8 | Self::U16 | Self::U32 => number(value),
            Self::I32 => i32::from_be_bytes(value.try_into().ok()?).to_string(),
            Self::U16s => list(2, &number),
            Self::Flag => if value == [1] { "true" } else { "false" }.to_owned(),
            Self::Text => std::str::from_utf8(value).ok()?.to_owned(),
            Self::Domain | Self::Domains => domain::decode(value)?.join(","),
            Self::DomainsOrIps => match value.split_first()? {
                (0, names) => domain::decode(names)?.join(","),
                (_, ips) => Self::Ips.show(ips)?,
            },
            Self::MandatoryIps | Self::MandatoryNames => {
                let (mandatory, rest) = value.split_first()?;
                let of = if self == Self::MandatoryIps { Self::Ips } else { Self::Text };
                let word = if *mandatory == 1 { "mandatory," } else { "" };
                format!("{word}{}", of.show(rest)?)
            }
            Self::Seconds => match u32::from_be_bytes(value.try_into().ok()?) {
                0 => "0s".to_owned(),
                s => show_duration(Duration::from_secs(s.into())),
            },
            Self::Hex => return None,
        })
    }
}

/// A value that says its own form: `hex:`, `text:`, `ip:`, `u8:`, `u16:`, `u32:`, `sub:`.
pub(super) fn raw(items: &[&str]) -> Option<Result<Vec<u8>, String>> {
    let [item] = items else { return None };
    let (form, rest) = item.split_once(':')?;
    Some(match form {
        "hex" => hex(rest),
        "text" => text(rest),
        "ip" => Kind::Ips.read(&[rest], 0),
        "u8" => Kind::U8.read(&[rest], 0),
        "u16" => Kind::U16s.read(&[rest], 0),
        "u32" => Kind::U32.read(&[rest], 0),
        "sub" => sub_options(rest),
        _ => return None,
    })
}

/// `text:` where that can be read, else `hex:`.
pub(super) fn show_raw(value: &[u8]) -> String {
    match text_of(value) {
        Some(text) => format!("text:{text}"),
        None => {
            let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("hex:{digits}")
        }
    }
}

/// Options inside an option: `1=ip:10.0.0.5; 2=text:left` (RFC 2132, 8.4).
fn sub_options(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for part in text.split(';').map(str::trim) {
        let wrong = || {
            let part = shown(part);
            format!("`{part}` is no option inside: write them like 1=ip:10.0.0.5; 2=text:left")
        };
        let (tag, value) = part.split_once('=').ok_or_else(wrong)?;
        let tag: u8 = tag.trim().parse().map_err(|_| wrong())?;
        let inside = match value.split_once(':') {
            // One floor is all that any client reads.
            Some(("sub", _)) | None => None,
            Some(_) => raw(&[value]),
        };
        let value = inside.ok_or_else(wrong)??;
        let length = u8::try_from(value.len())
            .map_err(|_| format!("option {tag} inside it has {} bytes of 255", value.len()))?;
        bytes.extend([tag, length]);
        bytes.extend(value);
    }
    Ok(bytes)
}

fn shown(text: &str) -> String {
    crate::text::show(text.as_bytes())
}

fn each(
    items: &[&str],
    one: impl Fn(&str) -> Result<Vec<u8>, String>,
    bytes: &mut Vec<u8>,
) -> Result<(), String> {
    if items.is_empty() {
        return Err("its list is empty".to_owned());
    }
    for item in items {
        bytes.extend(one(item)?);
    }
    Ok(())
}

fn ip(text: &str) -> Result<Vec<u8>, String> {
    let address: Result<Ipv4Addr, _> = text.parse();
    let wrong = |_| format!("`{}` is no address: write it like 10.0.0.1", shown(text));
    address.map(|address| address.octets().to_vec()).map_err(wrong)
}

fn show_ip(octets: &[u8]) -> String {
    let all: Vec<String> = octets.iter().map(u8::to_string).collect();
    all.join(".")
}

/// `10.1.0.0 10.0.0.254`; `/` and `via` are read between them, too.
fn pair(text: &str) -> Result<Vec<u8>, String> {
    let words: Vec<&str> =
        text.split([' ', '/']).filter(|word| !word.is_empty() && *word != "via").collect();
    let [a, b] = words.as_slice() else {
        return Err(format!("`{}` is no pair of addresses: write it `A B`", shown(text)));
    };
    Ok([ip(a)?, ip(b)?].concat())
}

fn number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number: Option<u32> = text.parse().ok().filter(|n| (least..=most).contains(n));
    number.ok_or_else(|| format!("`{}` is no number from {least} to {most}", shown(text)))
}

fn seconds(text: &str, least: u32) -> Result<Vec<u8>, String> {
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => parse_duration(text)?.map_or(u64::MAX, |duration| duration.as_secs()),
    };
    let fits = u32::try_from(seconds).ok().filter(|s| *s >= least);
    let fits = fits.ok_or_else(|| format!("it takes from {least} s to {} s", u32::MAX))?;
    Ok(fits.to_be_bytes().to_vec())
}

fn flag(text: &str) -> Result<Vec<u8>, String> {
    match text {
        "true" | "yes" | "on" | "1" => Ok(vec![1]),
        "false" | "no" | "off" | "0" => Ok(vec![0]),
        _ => Err(format!("`{}` is neither true nor false", shown(text))),
    }
}

fn text_of(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    let good = !text.is_empty() && text.bytes().all(|b| matches!(b, b' '..=b'~'));
    good.then_some(text)
}

fn text(text: &str) -> Result<Vec<u8>, String> {
    match text_of(text.as_bytes()) {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None if text.is_empty() => Err("its text is empty".to_owned()),
        None => {
            Err("its text has characters that are not printable ASCII: write it as hex:…"
                .to_owned())
        }
    }
}

fn domain_name(text: &str) -> Result<Vec<u8>, String> {
    domain::encode(text).ok_or_else(|| format!("`{}` is no domain name", shown(text)))
}

/// `0a0b`, `0a:0b`, `0a 0b`.
fn hex(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("`{}` is no hex: write bytes like 0a:0b:0c", shown(text));
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !matches!(c, ':' | ' ' | '-'))
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits.ok_or_else(wrong)?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong());
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
