//! The configuration file, as operators see and change it.

use model::network::{Mode, Pool, Subnet};
use model::network6::{Pool6, Subnet6};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The configuration file as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigView {
    /// Where it is; `null` of a server that was started without one.
    pub path: Option<String>,
    /// What stands in it. It names files of keys and holds no secret.
    pub text: String,
    /// SHA-256 of it, to be sent back as `seen` with a change.
    pub seen: String,
    /// Whether it can be changed here.
    pub writable: bool,
    /// Why not, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What is to stand in the configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigWish {
    /// All of it.
    pub text: String,
    /// `seen` of the file that was changed; if it is another one by now, nothing is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

/// What became of a configuration, or would.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigAnswer {
    /// In words.
    pub says: String,
    /// Whether it was written and is in force.
    pub done: bool,
    /// What is wrong with it, in the order of the file; none is good.
    pub faults: Vec<ConfigFault>,
    /// What changes at once, one line each.
    pub changes: Vec<String>,
    /// What changes at the next start of the server only.
    pub later: Vec<String>,
    /// The text itself, where the server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its SHA-256, once it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

/// A fault, and where it stands: lines and columns from 1, columns in characters, the end not included.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigFault {
    /// What is wrong.
    pub says: String,
    /// What is read beside the place; may be empty.
    pub label: String,
    /// What to do.
    pub hint: Option<String>,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The line of its end.
    pub end_line: usize,
    /// The column of its end.
    pub end_column: usize,
}

/// A network, as it is to be served. What is left out stays as it stands in the file; where addresses are to be given
/// for the first time, subnet and pool are then taken from the interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkWish {
    /// Its interface.
    pub interface: String,
    /// `auto`, `dhcp`, `proxy`, `listen` or `off`.
    #[schemars(with = "String")]
    pub mode: Mode,
    /// Its subnet.
    #[serde(default, with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub subnet: Option<Subnet>,
    /// Addresses to give.
    #[serde(default, with = "texts", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub pool: Option<Vec<Pool>>,
    /// The machines' router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Ipv4Addr>,
    /// The machines' name servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Vec<Ipv4Addr>>,
    /// How long a lease is: `12h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
}

/// A network of IPv6, as it is to be served. What is left out stays as it stands in the file; the first time, the subnet
/// is then taken from the interface. An empty list takes its key out of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network6Wish {
    /// Its interface.
    pub interface: String,
    /// `dhcp`, `listen` or `off`.
    #[schemars(with = "String")]
    pub mode: Mode,
    /// Its subnet.
    #[serde(default, with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub subnet: Option<Subnet6>,
    /// Addresses to give; without any, machines make their own (SLAAC).
    #[serde(default, with = "texts", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub pool: Option<Vec<Pool6>>,
    /// The machines' name servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Vec<Ipv6Addr>>,
    /// The machines' domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// How long a lease is: `12h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// Whether router advertisements come from us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertise: Option<bool>,
    /// Whether two messages are enough for an address, where a client asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rapid_commit: Option<bool>,
}

/// A value as people write it.
mod text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::fmt::Display;
    use std::str::FromStr;

    pub fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err = String>,
        D: Deserializer<'de>,
    {
        let text: Option<String> = Option::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

/// Several of them.
mod texts {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::fmt::Display;
    use std::str::FromStr;

    pub fn serialize<T: Display, S: Serializer>(
        value: &Option<Vec<T>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(all) => to.collect_seq(all.iter().map(ToString::to_string)),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, T, D>(from: D) -> Result<Option<Vec<T>>, D::Error>
    where
        T: FromStr<Err = String>,
        D: Deserializer<'de>,
    {
        let all: Option<Vec<String>> = Option::deserialize(from)?;
        let parsed = all.map(|all| all.iter().map(|text| text.parse()).collect());
        parsed.transpose().map_err(D::Error::custom)
    }
}
