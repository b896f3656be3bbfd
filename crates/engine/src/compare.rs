//! Two DHCP replies to the same message, side by side: where another server and we differ, in words.
//!
//! In: two replies as they are on the wire. Out: every field and option in which they differ, and
//! what the difference bears on. Never: which of the two is right.

mod ipv6;
mod name;

pub(crate) use ipv6::MESSAGE;
pub use ipv6::{replies6, said6};

use model::DhcpOption;
use model::option::show_value;
use model::text::show;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;
use wire::dhcp4::{Message, code};

/// What a difference bears on: whether it would change what the machine does.
#[derive(
    Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Bearing {
    /// The kind of reply, and which address the machine gets.
    Address,
    /// What it boots, and from where.
    Boot,
    /// Everything else that it is told of the network.
    Network,
    /// How long it may keep its address.
    Time,
    /// Each server names itself: any two servers differ in this.
    Server,
    /// The same is said in another place or order.
    Form,
}

impl Bearing {
    /// Whether a machine may do something else for it.
    #[must_use]
    pub fn matters(self) -> bool {
        !matches!(self, Self::Server | Self::Form)
    }
}

/// One field or option in which two replies differ.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The field by its name in RFC 2131, or the option: `yiaddr`, `boot file`, `option 6 (dns)`.
    pub what: String,
    /// See [`Bearing`].
    pub bearing: Bearing,
    /// What we say; nothing where we leave it out.
    pub ours: Option<String>,
    /// What they say; nothing where they leave it out.
    pub theirs: Option<String>,
}

/// `option 6 (domain-name-servers): we say 10.0.0.1, they say nothing`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "{}: we say {}, they say {}", self.what, said(&self.ours), said(&self.theirs))
    }
}

/// All differences between our reply and another server's to the same message, those that bear on
/// most first. Empty: the two say the same in the same words and order; bytes may differ in the
/// zeros after the last option alone.
///
/// The boot file is one thing, whether it stands in the header or in option 67, and so is the server's
/// name (header or option 66): that one server writes it here and the other there is told as
/// [`Bearing::Form`], since some firmware reads one place only.
#[must_use]
pub fn replies(ours: &Message, theirs: &Message) -> Vec<Difference> {
    let mut found = Found::default();
    found.header(ours, theirs);
    found.boot(ours, theirs);
    found.options(ours, theirs);
    found.order(ours, theirs);
    // Stable: within a bearing in the order of the message.
    found.0.sort_by_key(|difference| difference.bearing);
    found.0
}

/// Whether two replies would make a machine do the same.
#[must_use]
pub fn agree(differences: &[Difference]) -> bool {
    !differences.iter().any(|difference| difference.bearing.matters())
}

/// Options that [`Found::boot`] compares together with the header.
const WITH_HEADER: [u8; 2] = [code::BOOT_FILE_NAME, code::TFTP_SERVER_NAME];

/// What a server says back to the client that said it (RFC 6842; PXE 2.1, 2.2.2). Clients take a
/// reply without, as all servers before that RFC wrote it.
const ECHOES: [u8; 2] = [code::CLIENT_ID, code::CLIENT_MACHINE_ID];

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn put(
        &mut self,
        what: impl Into<String>,
        bearing: Bearing,
        ours: Option<String>,
        theirs: Option<String>,
    ) {
        if ours != theirs {
            self.0.push(Difference { what: what.into(), bearing, ours, theirs });
        }
    }

    fn header(&mut self, ours: &Message, theirs: &Message) {
        let address = |address: Ipv4Addr| (!address.is_unspecified()).then(|| address.to_string());
        let mut both = |what: &str, bearing, of: &dyn Fn(&Message) -> Option<String>| {
            self.put(what, bearing, of(ours), of(theirs));
        };
        both("yiaddr", Bearing::Address, &|m| address(m.yiaddr));
        both("ciaddr", Bearing::Address, &|m| address(m.ciaddr));
        both("giaddr", Bearing::Address, &|m| address(m.giaddr));
        both("xid", Bearing::Address, &|m| Some(format!("{:08x}", m.xid)));
        both("chaddr", Bearing::Address, &|m| Some(hex(m.hardware_address())));
        both("flags", Bearing::Form, &|m| Some(format!("{:04x}", m.flags)));
        both("secs", Bearing::Form, &|m| Some(m.secs.to_string()));
        both("hops", Bearing::Form, &|m| Some(m.hops.to_string()));
        both("htype", Bearing::Form, &|m| Some(m.htype.to_string()));
        // Each names itself as the server of its files, or nobody as the server of none: that is no
        // difference of what is booted.
        let itself = |m: &Message| m.options.ip(code::SERVER_ID) == Some(m.siaddr);
        let nobody = |m: &Message| m.siaddr.is_unspecified() && !names_file(m);
        let idle = |m: &Message| itself(m) || nobody(m);
        let each = idle(ours) && idle(theirs);
        let bearing = if each { Bearing::Server } else { Bearing::Boot };
        both("siaddr", bearing, &|m| address(m.siaddr));
    }

    /// What stands in the header of one and in an option of the other.
    fn boot(&mut self, ours: &Message, theirs: &Message) {
        let file = |m: &Message| (m.file_name().to_vec(), value(m, code::BOOT_FILE_NAME));
        self.twice("boot file", "option 67", Bearing::Boot, file(ours), file(theirs));
        let name = |m: &Message| (m.server_name().to_vec(), value(m, code::TFTP_SERVER_NAME));
        let own = |m: &Message| {
            let id = m.options.ip(code::SERVER_ID).map(|id| id.to_string());
            let (header, option) = name(m);
            id.is_some_and(|id| id.as_bytes() == option.as_deref().unwrap_or(&header))
        };
        let bearing = if own(ours) && own(theirs) { Bearing::Server } else { Bearing::Boot };
        self.twice("boot server name", "option 66", bearing, name(ours), name(theirs));
    }

    fn twice(
        &mut self,
        what: &str,
        option: &str,
        bearing: Bearing,
        ours: (Vec<u8>, Option<Vec<u8>>),
        theirs: (Vec<u8>, Option<Vec<u8>>),
    ) {
        let said = |(header, option): &(Vec<u8>, Option<Vec<u8>>)| {
            let text = option.as_ref().unwrap_or(header);
            (!text.is_empty()).then(|| show(without_end(text)))
        };
        self.put(what, bearing, said(&ours), said(&theirs));
        let place = |(header, value): &(Vec<u8>, Option<Vec<u8>>)| {
            let ended = value.as_ref().is_some_and(|value| value.ends_with(&[0]));
            let end = if ended { ", with a zero at its end" } else { "" };
            match (header.is_empty(), value) {
                (true, None) => None,
                (false, None) => Some("it in the header".to_owned()),
                (true, Some(_)) => Some(format!("it in {option}{end}")),
                (false, Some(value)) if without_end(value) == header => {
                    Some(format!("it in the header and in {option}{end}"))
                }
                (false, Some(_)) => {
                    Some(format!("`{}` in the header and another in {option}{end}", show(header)))
                }
            }
        };
        if said(&ours) == said(&theirs) {
            self.put(format!("place of the {what}"), Bearing::Form, place(&ours), place(&theirs));
        }
    }

    fn options(&mut self, ours: &Message, theirs: &Message) {
        for code in codes(ours, theirs) {
            let (mine, other) = (value(ours, code), value(theirs, code));
            let (a, b) = (shown(code, mine.as_deref()), shown(code, other.as_deref()));
            if a == b && mine != other {
                // The same words for different bytes: the bytes then.
                let raw = |v: Option<Vec<u8>>| v.map(|v| hex(&v));
                self.put(name::option(code), Bearing::Form, raw(mine), raw(other));
            } else {
                let echo = ECHOES.contains(&code) && (a.is_none() || b.is_none());
                let bearing = if echo { Bearing::Form } else { bearing(code) };
                self.put(name::option(code), bearing, a, b);
            }
        }
    }

    fn order(&mut self, ours: &Message, theirs: &Message) {
        let written = |m: &Message| m.options.iter().map(|(code, _)| code).collect::<Vec<u8>>();
        let (a, b) = (written(ours), written(theirs));
        let sorted = |codes: &[u8]| {
            let mut codes = codes.to_vec();
            codes.sort_unstable();
            codes
        };
        if a != b && sorted(&a) == sorted(&b) {
            let list = |codes: &[u8]| {
                let all: Vec<String> = codes.iter().map(u8::to_string).collect();
                Some(all.join(" "))
            };
            self.put("order of the options", Bearing::Form, list(&a), list(&b));
        }
    }
}

/// The codes of both, each once, in the order in which they stand in ours, then in theirs.
fn codes(ours: &Message, theirs: &Message) -> Vec<u8> {
    let mut codes: Vec<u8> = Vec::new();
    for (code, _) in ours.options.iter().chain(theirs.options.iter()) {
        if !codes.contains(&code) && !WITH_HEADER.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

fn names_file(message: &Message) -> bool {
    !message.file_name().is_empty() || message.options.contains(code::BOOT_FILE_NAME)
}

fn value(message: &Message, code: u8) -> Option<Vec<u8>> {
    message.options.get(code).map(Cow::into_owned)
}

fn bearing(option: u8) -> Bearing {
    match option {
        code::MESSAGE_TYPE | code::SUBNET_MASK | code::CLIENT_ID => Bearing::Address,
        code::SERVER_ID => Bearing::Server,
        code::LEASE_TIME | code::RENEWAL_TIME | code::REBINDING_TIME => Bearing::Time,
        code::VENDOR_SPECIFIC
        | code::VENDOR_CLASS
        | code::ROOT_PATH
        | code::BOOT_FILE_SIZE
        | code::CLIENT_MACHINE_ID
        | code::TFTP_SERVER_ADDRESS
        | code::IPXE_ENCAPSULATED
        | code::PXELINUX_MAGIC..=code::PXELINUX_REBOOT
        | code::WDSNBP
        | code::BCD_PATH
        | code::PXE_RESERVED_FIRST..=code::PXE_RESERVED_LAST => Bearing::Boot,
        _ => Bearing::Network,
    }
}

/// A value in words. Everything in it may be hostile.
fn shown(option: u8, value: Option<&[u8]>) -> Option<String> {
    let value = value?;
    let addresses = |value: &[u8]| {
        let (all, rest) = value.as_chunks::<4>();
        let all: Vec<String> = all.iter().map(|a| Ipv4Addr::from(*a).to_string()).collect();
        (rest.is_empty() && !all.is_empty()).then(|| all.join(","))
    };
    let typed = match option {
        code::SUBNET_MASK
        | code::ROUTER
        | code::DNS
        | code::BROADCAST_ADDRESS
        | code::SERVER_ID => addresses(value),
        code::LEASE_TIME | code::RENEWAL_TIME | code::REBINDING_TIME => seconds(value),
        code::MESSAGE_TYPE => value.first().map(|number| {
            let kind = wire::dhcp4::MessageType::try_from(*number);
            kind.map_or_else(|number| format!("type {number}"), |kind| kind.to_string())
        }),
        code::HOST_NAME | code::DOMAIN_NAME | code::MESSAGE => Some(show(without_end(value))),
        _ => None,
    };
    Some(typed.unwrap_or_else(|| {
        let option = DhcpOption { code: option, value: value.to_vec(), always: false };
        show(show_value(&option).as_bytes())
    }))
}

fn seconds(value: &[u8]) -> Option<String> {
    let seconds = u32::from_be_bytes(value.try_into().ok()?);
    Some(match seconds {
        u32::MAX => "for ever".to_owned(),
        0 => "0s".to_owned(),
        s => model::time::show_duration(Duration::from_secs(s.into())),
    })
}

/// Some servers count the zero that ends a string as part of it.
fn without_end(text: &[u8]) -> &[u8] {
    text.strip_suffix(&[0]).unwrap_or(text)
}

fn hex(bytes: &[u8]) -> String {
    let all: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    all.join(":")
}

#[cfg(test)]
mod tests;
