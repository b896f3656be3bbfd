//! The server itself, its jobs and its streams.

use crate::Problem;
use model::Event;
use model::access::Role;
use model::network::Network;
use model::{Arch, Channel, Network6};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The running server at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Shown on machines' screens.
    pub server_name: String,
    /// Of the program.
    pub version: String,
    /// Process number.
    pub pid: u32,
    /// Since when.
    pub started: String,
    /// Its state directory.
    pub state: PathBuf,
    /// The configuration file, if there is one.
    pub config: Option<PathBuf>,
    /// The machines' HTTP port.
    pub http_port: u16,
    /// HTTPS for machines, where it is served.
    pub tls: Option<TlsStatus>,
    /// What is served.
    pub networks: Vec<NetworkStatus>,
    /// Image versions.
    pub images: usize,
    /// Bootloaders.
    pub loaders: usize,
    /// Profiles.
    pub profiles: usize,
    /// Rules.
    pub rules: usize,
    /// Machines that were ever heard.
    pub machines: usize,
    /// Leases of IPv4 that hold at the moment.
    pub leases: usize,
    /// Leases of IPv6 that hold at the moment.
    #[serde(default)]
    pub leases_ipv6: usize,
    /// Other servers that do harm on our links, one line each.
    #[serde(default)]
    pub rogues: Vec<String>,
    /// DHCP messages dropped because too many came at once.
    pub dropped: u64,
    /// Requests that hit a bug of ours.
    pub bugs: u64,
}

/// HTTPS for machines: what it is served with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TlsStatus {
    /// Its port.
    pub port: u16,
    /// Whose certificate: `O=Bootwright, CN=lab`.
    pub certificate: String,
    /// `RSA-3072`.
    pub key: String,
    /// When it ends.
    pub not_after: String,
    /// What machines will not like about it.
    pub findings: Vec<TlsFinding>,
}

/// Something about certificates that somebody should know.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TlsFinding {
    /// What is so, and what follows.
    pub text: String,
    /// What to do.
    pub hint: String,
    /// Machines are refused, now.
    pub grave: bool,
}

/// One served network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkStatus {
    /// Interface.
    pub interface: String,
    /// `auto`, `dhcp`, `proxy`, `listen`, `off`; of IPv6 `dhcp` or `listen`.
    pub mode: String,
    /// Our address.
    pub server: String,
    /// Its subnet, of IPv4 or of IPv6.
    pub subnet: String,
    /// Leasable addresses.
    pub pool: Vec<String>,
}

impl From<&Network6> for NetworkStatus {
    fn from(network: &Network6) -> Self {
        Self {
            interface: network.interface.clone(),
            mode: network.mode.to_string(),
            server: network.server.to_string(),
            subnet: network.subnet.to_string(),
            pool: network.pools.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&Network> for NetworkStatus {
    fn from(network: &Network) -> Self {
        Self {
            interface: network.interface.clone(),
            mode: network.mode.to_string(),
            server: network.server.to_string(),
            subnet: network.subnet.to_string(),
            pool: network.pools.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What a change did, or would do.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// In words.
    pub says: String,
    /// `false` for a dry run.
    pub done: bool,
}

/// What only the running server can tell `doctor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Doctor {
    /// The server.
    pub status: Status,
    /// Bootloaders it can hand out.
    pub loaders: Vec<super::LoaderView>,
    /// Files of images whose bytes are not there: `NAME version N: PATH`.
    pub missing: Vec<String>,
    /// Profiles without an image that could be booted, with the reason.
    pub unbootable: Vec<String>,
    /// Rules and machines that name a profile which is not there.
    #[serde(default)]
    pub lost: Vec<String>,
    /// Free bytes where blobs are kept.
    pub free: Option<u64>,
    /// What was odd when the sockets were opened.
    pub findings: Vec<String>,
    /// Everything of this that is wrong, in sentences, the gravest first; also other servers that do harm.
    #[serde(default)]
    pub wrong: Vec<Wrong>,
}

/// Something that is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Wrong {
    /// What is so, and what follows.
    pub says: String,
    /// What to do. Commands and names stand between backticks.
    pub hint: Option<String>,
    /// Machines are not served as they should be, now.
    pub grave: bool,
    /// What mends it, where one request does.
    pub mend: Option<Mend>,
}

impl Wrong {
    /// Something that nobody mends by one request, and that keeps no machine from being served.
    pub fn new(says: impl Into<String>, hint: impl Into<Option<String>>) -> Self {
        Self { says: says.into(), hint: hint.into(), grave: false, mend: None }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

/// A request to this API that mends something. It takes `?dry_run=true`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mend {
    /// What it does, in a few words.
    pub says: String,
    /// Who may.
    pub role: Role,
    /// `POST`, `PATCH` or `DELETE`.
    pub method: String,
    /// Where, below `/api/v1`.
    pub path: String,
    /// With what.
    pub body: Option<serde_json::Value>,
}

/// Asks for an import.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportWish {
    /// The image's name.
    pub name: String,
    /// A folder or file of the server's host, from the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Or a file at a URL, https or http.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Or what was uploaded under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// Why its content may be believed.
    #[serde(default)]
    pub trust: TrustWish,
    /// What it is, in words, instead of what was recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Path of the kernel inside, instead of the one that was recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// Paths of the initrds inside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub initrds: Vec<String>,
    /// Kernel arguments, instead of those of the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
    /// Architectures it runs on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archs: Vec<Arch>,
}

/// Lets a channel of an image show a version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromoteWish {
    /// The version; without one, what `test` shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// `stable` or `test`.
    #[serde(default)]
    pub to: Channel,
}

/// How an import is to be checked against what its publisher signed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustWish {
    /// The publisher's checksum file: a path of the server's host, or a URL. Without it those beside
    /// the file are tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksums: Option<String>,
    /// The signature of the checksum file, if it is a file of its own: a path or a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The keyring: a name below STATE/keyrings or /usr/share/keyrings, or a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyring: Option<String>,
    /// Publish even what nobody signed; recorded with the image.
    #[serde(default)]
    pub accept_unsigned: bool,
    /// A URL may lead to private addresses.
    #[serde(default)]
    pub allow_private: bool,
    /// A URL may redirect to another host.
    #[serde(default)]
    pub allow_redirect: bool,
}

/// Names a file or folder of the server's host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathWish {
    /// From the root.
    pub path: PathBuf,
}

/// One line of a running import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImportLine {
    /// So far.
    Progress {
        /// Bytes read.
        done: u64,
        /// Bytes there are.
        total: u64,
        /// The file being read.
        file: String,
    },
    /// It is published (or would be).
    Done {
        /// What was made of it.
        image: Box<super::ImageView>,
        /// In words.
        says: String,
    },
    /// It ended otherwise.
    Failed(Problem),
}

/// One line of a running scrub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScrubLine {
    /// So far.
    Progress {
        /// Bytes read, by an earlier one that was broken off perhaps.
        done: u64,
        /// Bytes there are.
        total: u64,
        /// Blobs that are left.
        left: usize,
    },
    /// All was read.
    Done(Scrubbed),
    /// It ended otherwise.
    Failed(Problem),
}

/// What a scrub found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scrubbed {
    /// Bytes read.
    pub bytes: u64,
    /// Blobs that were in quarantine already, and were not read.
    pub quarantined: usize,
    /// What is wrong, one line per blob; empty is good.
    pub wrong: Vec<String>,
}

/// What a check of an image's bytes found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    /// Image.
    pub name: String,
    /// Version.
    pub version: u32,
    /// Files read.
    pub files: usize,
    /// Bytes read.
    pub bytes: u64,
    /// What is wrong, one line per file; empty is good.
    pub wrong: Vec<String>,
}

/// One message of the stream of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Line {
    /// Something happened.
    Event(Event),
    /// The listener was too slow, or was away too long, and missed so many.
    Missed {
        /// How many; 0 if nobody knows, because the server was started anew.
        missed: u64,
    },
}

/// The answer of `/healthz`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alive {
    /// `ok`.
    pub status: String,
}
