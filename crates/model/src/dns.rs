//! Records of the DNS that operators add.

use crate::text::show;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// How long a record may be remembered, unless somebody says otherwise.
pub const RECORD_TTL_S: u32 = 300;
/// A week: longer, and a mistake cannot be taken back.
pub const RECORD_TTL_S_MAX: u32 = 7 * 86_400;
/// Longest text of a TXT record, in bytes.
pub const TXT_BYTES_MAX: usize = 1024;

/// Where something is published: under a name, in a zone of another server.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct PublishedAt {
    /// The server that is told.
    pub server: SocketAddr,
    /// The zone.
    pub zone: String,
    /// The name.
    pub name: String,
}

/// What may stand there, put by us: everything else under the name is somebody else's.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The DHCID record (RFC 4701) that says whose it is, in hexadecimal.
    pub dhcid: String,
    /// Addresses of the name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub addresses: BTreeSet<IpAddr>,
    /// The names that the name of an address leads to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pointers: BTreeSet<String>,
}

impl fmt::Display for PublishedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.server, self.zone, self.name)
    }
}

impl FromStr for PublishedAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split(' ');
        let read = (|| {
            let server = words.next()?.parse().ok()?;
            let (zone, name) = (words.next()?.to_owned(), words.next()?.to_owned());
            words.next().is_none().then_some(Self { server, zone, name })
        })();
        read.ok_or_else(|| "it is no server with a zone and a name".to_owned())
    }
}

/// One record of a name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameRecord {
    /// For how many seconds it may be remembered.
    pub ttl_s: u32,
    /// What it says.
    #[serde(flatten)]
    pub data: NameData,
}

/// What a record says.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "data")]
pub enum NameData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa(Ipv6Addr),
    /// Another name.
    #[serde(rename = "CNAME")]
    Cname(String),
    /// Text.
    #[serde(rename = "TXT")]
    Txt(String),
    /// A service.
    #[serde(rename = "SRV")]
    Srv {
        /// Lower ones are tried first.
        priority: u16,
        /// Share among those of one priority.
        weight: u16,
        /// Port.
        port: u16,
        /// The host's name.
        target: String,
    },
}

impl NameData {
    /// `A`, `AAAA`, `CNAME`, `TXT`, `SRV`.
    pub const KINDS: [&'static str; 5] = ["A", "AAAA", "CNAME", "TXT", "SRV"];

    /// Which of [`Self::KINDS`] it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::A(_) => "A",
            Self::Aaaa(_) => "AAAA",
            Self::Cname(_) => "CNAME",
            Self::Txt(_) => "TXT",
            Self::Srv { .. } => "SRV",
        }
    }

    /// Of a kind and words as zone files have them: `SRV` and `0 5 389 ldap.lab.example`.
    ///
    /// # Errors
    ///
    /// How it is written.
    pub fn parse(kind: &str, text: &str) -> Result<Self, String> {
        let shown = || show(text.as_bytes());
        let text = text.trim();
        match kind.to_ascii_uppercase().as_str() {
            "A" => {
                text.parse().map(Self::A).map_err(|_| format!("`{}` is no IPv4 address", shown()))
            }
            "AAAA" => text
                .parse()
                .map(Self::Aaaa)
                .map_err(|_| format!("`{}` is no IPv6 address", shown())),
            "CNAME" => host(text).map(Self::Cname),
            "TXT" if text.len() <= TXT_BYTES_MAX => Ok(Self::Txt(text.to_owned())),
            "TXT" => Err(format!("a text has {TXT_BYTES_MAX} bytes at most")),
            "SRV" => {
                let words: Vec<&str> = text.split_whitespace().collect();
                let wrong = || {
                    let form = "priority, weight, port and host: 0 5 389 ldap.lab.example";
                    format!("`{}` is no SRV record: it has {form}", shown())
                };
                let [priority, weight, port, target] = words.as_slice() else {
                    return Err(wrong());
                };
                let number = |word: &str| word.parse::<u16>().map_err(|_| wrong());
                let (priority, weight, port) = (number(priority)?, number(weight)?, number(port)?);
                Ok(Self::Srv { priority, weight, port, target: host(target)? })
            }
            _ => {
                let kinds = Self::KINDS.join(", ");
                Err(format!("`{}` is no kind of record: there are {kinds}", show(kind.as_bytes())))
            }
        }
    }
}

/// A name as records have it: lower case, no dot at its end.
///
/// # Errors
///
/// When it is none: labels are letters, digits, `-` and `_`.
pub fn host(text: &str) -> Result<String, String> {
    let whole = text.strip_suffix('.').unwrap_or(text);
    let good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    match whole.len() <= 253 && whole.split('.').all(good) {
        true => Ok(whole.to_ascii_lowercase()),
        false => Err(format!("`{}` is no name of a host", show(text.as_bytes()))),
    }
}

impl fmt::Display for NameData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => write!(f, "{address}"),
            Self::Aaaa(address) => write!(f, "{address}"),
            Self::Cname(name) => write!(f, "{name}"),
            Self::Txt(text) => write!(f, "\"{}\"", show(text.as_bytes())),
            Self::Srv { priority, weight, port, target } => {
                write!(f, "{priority} {weight} {port} {target}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_zone_files_write_them() {
        for (kind, text) in [
            ("A", "10.77.0.5"),
            ("AAAA", "fd77::5"),
            ("CNAME", "www.lab.example"),
            ("SRV", "0 5 389 ldap.lab.example"),
        ] {
            let data = NameData::parse(kind, text).unwrap();
            assert_eq!((data.kind(), data.to_string().as_str()), (kind, text));
            assert_eq!(
                NameData::parse(&kind.to_lowercase(), &format!(" {text} ")),
                Ok(data.clone())
            );
            let record = NameRecord { ttl_s: 60, data };
            let json = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<NameRecord>(&json).unwrap(), record, "{json}");
        }
        assert_eq!(
            NameData::parse("CNAME", "WWW.Lab.Example.").unwrap().to_string(),
            "www.lab.example"
        );
        assert_eq!(NameData::parse("txt", "v=1").unwrap(), NameData::Txt("v=1".to_owned()));
    }

    #[test]
    fn what_is_no_record_says_how_one_is_written() {
        let long = "x".repeat(1025);
        for (kind, text, what) in [
            ("A", "fd77::5", "no IPv4 address"),
            ("AAAA", "10.0.0.1", "no IPv6 address"),
            ("CNAME", "a b", "no name of a host"),
            ("CNAME", "", "no name of a host"),
            ("SRV", "0 5 389", "priority, weight, port and host"),
            ("SRV", "0 5 70000 a.b", "priority, weight, port and host"),
            ("TXT", long.as_str(), "1024 bytes at most"),
            ("MX", "10 mail", "there are A, AAAA, CNAME, TXT, SRV"),
        ] {
            let why = NameData::parse(kind, text).unwrap_err();
            assert!(why.contains(what), "{kind}: {why}");
        }
    }
}
