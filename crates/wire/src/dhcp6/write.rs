//! The bytes of a [`Packet`]: strict, because firmware is not.
//!
//! In: what is to be said. Out: its bytes, each option once and in the order of its code. Never: what
//! firmware is known to trip over: an identifier of ours beyond 20 bytes, a list of DNS servers that
//! is no whole number of addresses, a URL of more than 255 bytes or of anything but ASCII.

use super::duid::{DUID_MAX, DUID_MIN, OWN_DUID_MAX};
use super::packet::{
    ASSOCIATION_ADDRESSES_MAX, ASSOCIATIONS_MAX, Association, DOMAINS_MAX, Given, Kind, Packet,
    STATUS_TEXT_MAX, Status, WORDS_MAX,
};
use super::{ADDRESSES_MAX, code};
use std::error::Error;
use std::fmt;

/// The longest URL of a boot file that we send.
pub const URL_MAX: usize = 255;
/// The longest message that we send: what fits a link of the smallest MTU (RFC 8200, 5) without
/// fragments, which firmware does not put together.
pub const MESSAGE_MAX: usize = 1232;

impl Packet {
    /// The bytes.
    ///
    /// # Errors
    ///
    /// When it cannot be said so that every firmware survives it.
    pub fn encode(&self) -> Result<Vec<u8>, Unsayable> {
        self.check()?;
        let mut out = vec![self.kind.number()];
        out.extend(self.xid);
        put_some(&mut out, code::CLIENT_ID, self.client_id.as_deref());
        put_some(&mut out, code::SERVER_ID, self.server_id.as_deref());
        for association in &self.associations {
            put(&mut out, code::IA_NA, &written(association));
        }
        for (code, iaid) in &self.unserved {
            let times: &[u8] = if *code == code::IA_PD { &[0; 8] } else { &[] };
            put(&mut out, *code, &[&iaid.to_be_bytes()[..], times].concat());
        }
        put_list(&mut out, code::OPTION_REQUEST, &numbers(&self.wanted));
        put_some(&mut out, code::PREFERENCE, self.preference.map(|p| [p]));
        put_some(&mut out, code::ELAPSED, self.elapsed.map(u16::to_be_bytes));
        put_some(&mut out, code::STATUS, self.status.as_ref().map(status));
        put_some(&mut out, code::RAPID_COMMIT, self.rapid_commit.then_some([]));
        put_list(&mut out, code::USER_CLASS, &texts(&self.user_classes));
        for (enterprise, said) in &self.vendor_classes {
            let value = [&enterprise.to_be_bytes()[..], &texts(said)].concat();
            put(&mut out, code::VENDOR_CLASS, &value);
        }
        let dns: Vec<u8> = self.dns.iter().flat_map(std::net::Ipv6Addr::octets).collect();
        put_list(&mut out, code::DNS, &dns);
        let domains: Vec<u8> = self.domains.iter().flat_map(|d| name(d.as_bytes(), true)).collect();
        put_list(&mut out, code::DOMAINS, &domains);
        if let Some(said) = &self.name {
            put(&mut out, code::CLIENT_NAME, &[&[0][..], &name(said, false)].concat());
        }
        put_some(&mut out, code::BOOT_FILE_URL, self.boot_url.as_deref());
        put_list(&mut out, code::BOOT_FILE_PARAMETERS, &texts(&self.boot_parameters));
        put_list(&mut out, code::CLIENT_ARCH, &numbers(&self.archs));
        put_some(&mut out, code::CLIENT_NDI, self.ndi);
        if out.len() > MESSAGE_MAX {
            return Err(Unsayable::TooLong(out.len()));
        }
        Ok(out)
    }

    fn check(&self) -> Result<(), Unsayable> {
        let ours = matches!(self.kind, Kind::Advertise | Kind::Reply | Kind::Reconfigure);
        let most = if ours { OWN_DUID_MAX } else { DUID_MAX };
        let fits = |id: &Option<Vec<u8>>, most| {
            id.as_ref().is_none_or(|id| (DUID_MIN..=most).contains(&id.len()))
        };
        if !fits(&self.client_id, DUID_MAX) || !fits(&self.server_id, most) {
            return Err(Unsayable::Identifier);
        }
        let addresses = self.associations.iter().map(|ia| ia.addresses.len()).max();
        if self.associations.len() > ASSOCIATIONS_MAX
            || self.unserved.len() > ASSOCIATIONS_MAX
            || addresses.unwrap_or(0) > ASSOCIATION_ADDRESSES_MAX
        {
            return Err(Unsayable::TooMany("associations or addresses"));
        }
        if self.dns.len() > ADDRESSES_MAX {
            return Err(Unsayable::TooMany("DNS servers"));
        }
        if self.domains.len() > DOMAINS_MAX {
            return Err(Unsayable::TooMany("domains"));
        }
        let lists = [self.user_classes.len(), self.vendor_classes.len(), self.archs.len()];
        let words = self.vendor_classes.iter().map(|(_, said)| said.len());
        if lists.into_iter().chain(words).any(|length| length > WORDS_MAX) {
            return Err(Unsayable::TooMany("classes or architectures"));
        }
        let sayable = |url: &Vec<u8>| {
            (1..=URL_MAX).contains(&url.len()) && url.iter().all(u8::is_ascii_graphic)
        };
        match &self.boot_url {
            Some(url) if !sayable(url) => Err(Unsayable::Url(url.len())),
            _ => Ok(()),
        }
    }
}

fn put(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    // What is longer makes the whole too long, which is refused.
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend(code.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend_from_slice(value);
}

fn put_some(out: &mut Vec<u8>, code: u16, value: Option<impl AsRef<[u8]>>) {
    if let Some(value) = value {
        put(out, code, value.as_ref());
    }
}

fn put_list(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    if !value.is_empty() {
        put(out, code, value);
    }
}

fn written(association: &Association) -> Vec<u8> {
    let Association { iaid, renew_s, rebind_s, addresses, status: how } = association;
    let mut value = [iaid.to_be_bytes(), renew_s.to_be_bytes(), rebind_s.to_be_bytes()].concat();
    for Given { address, preferred_s, valid_s } in addresses {
        let times = [preferred_s.to_be_bytes(), valid_s.to_be_bytes()].concat();
        put(&mut value, code::IA_ADDRESS, &[&address.octets()[..], &times].concat());
    }
    put_some(&mut value, code::STATUS, how.as_ref().map(status));
    value
}

fn status(said: &Status) -> Vec<u8> {
    let text = said.text.iter().take(STATUS_TEXT_MAX).copied();
    said.code.to_be_bytes().into_iter().chain(text).collect()
}

fn numbers(all: &[u16]) -> Vec<u8> {
    all.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn texts(all: &[Vec<u8>]) -> Vec<u8> {
    let mut value = Vec::new();
    for text in all {
        value.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        value.extend_from_slice(text);
    }
    value
}

fn name(text: &[u8], whole: bool) -> Vec<u8> {
    let mut value = Vec::new();
    for label in text.split(|byte| *byte == b'.').filter(|label| (1..=63).contains(&label.len())) {
        value.push(u8::try_from(label.len()).unwrap_or(0));
        value.extend_from_slice(label);
    }
    if whole {
        value.push(0);
    }
    value
}

/// Why a message was not written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unsayable {
    /// An identifier is empty, or longer than some firmware has room for.
    Identifier,
    /// More of these than are sent.
    TooMany(&'static str),
    /// The URL is empty, no ASCII, or so many bytes long.
    Url(usize),
    /// The whole has so many bytes.
    TooLong(usize),
}

impl Error for Unsayable {}

impl fmt::Display for Unsayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identifier => f.write_str("an identifier is too short or too long"),
            Self::TooMany(what) => write!(f, "too many {what}"),
            Self::Url(length) => write!(
                f,
                "the URL of the boot file has {length} bytes: it takes 1 to {URL_MAX}, all of ASCII"
            ),
            Self::TooLong(length) => {
                write!(f, "the message has {length} bytes, more than {MESSAGE_MAX}")
            }
        }
    }
}
