//! Operators: who may do what, and what they did.

use crate::client::named;
use crate::image::Hash;
use crate::labels::Labels;
use crate::time::Now;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

named! {
    /// What somebody may do. Each may do what those before it may.
    Role: "role" {
        /// Look.
        Viewer = "viewer",
        /// Look, and change what machines get.
        Operator = "operator",
        /// Everything: other operators, tokens, the server itself.
        Admin = "admin",
    }
}

/// Labels that a machine has to have.
pub const LABELS_MAX: usize = 32;

/// Which machines somebody sees: all, or those that have one of these labels at least.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Scope(Vec<Label>);

/// `room=3`.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Label {
    /// Its name.
    pub key: String,
    /// What it says.
    pub value: String,
}

impl Scope {
    /// Every machine, and what is no machine's.
    pub const ALL: Self = Self(Vec::new());

    /// Machines with one of these labels; without any, everything.
    pub fn of(mut labels: Vec<Label>) -> Self {
        labels.sort();
        labels.dedup();
        Self(labels)
    }

    /// Whether nothing lies outside.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels; none means everything.
    pub fn labels(&self) -> &[Label] {
        &self.0
    }

    /// Whether a machine with these labels lies inside.
    pub fn holds(&self, labels: &Labels) -> bool {
        self.is_all()
            || self.0.iter().any(|label| labels.get(&label.key) == Some(label.value.as_str()))
    }

    /// Whether everything that lies inside `other` lies inside this.
    pub fn covers(&self, other: &Self) -> bool {
        self.is_all() || (!other.is_all() && other.0.iter().all(|label| self.0.contains(label)))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.pad("everything");
        }
        let all: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.pad(&all.join(" or "))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl FromStr for Label {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                Ok(Self { key: key.to_owned(), value: value.to_owned() })
            }
            _ => {
                let shown = crate::text::show(text.as_bytes());
                Err(format!("`{shown}` is no label: write it like room=3"))
            }
        }
    }
}

impl TryFrom<String> for Label {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.to_string()
    }
}

/// A hash of a password as a PHC string (`$argon2id$v=19$...`). What it prints is not it.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PasswordPhc(pub String);

impl fmt::Debug for PasswordPhc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Somebody with a name and a password.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Unique.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// To which machines.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
    /// Never shown.
    pub password: PasswordPhc,
    /// He keeps his name, role and tokens, and gets in by none of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// When he was added.
    pub since: Now,
    /// When his role, scope or password last changed, he was disabled or enabled, or all his sessions were ended: those that
    /// began before are over.
    pub changed: Now,
}

/// Whose a token is.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// A user of ours; the token never may more than he.
    User(String),
    /// Somebody on the server's host, who reached the Unix socket.
    Host(String),
}

impl Owner {
    /// His name.
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Host(name) => name,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A secret that a program shows in place of a password.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Short, not secret, unique: its first digits.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// The most that it may do.
    pub role: Role,
    /// To which machines.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
    /// When it was made.
    pub since: Now,
    /// From then on it is worth nothing.
    pub expires: Now,
    /// SHA-256 of the secret; that itself is kept nowhere.
    pub secret_sha256: Hash,
}

named! {
    /// How somebody reached us.
    Via: "way" {
        /// The Unix socket: the kernel says who it is.
        Socket = "socket",
        /// An API token.
        Token = "token",
        /// A login with a password.
        Session = "session",
        /// The link that makes the first admin.
        FirstLink = "first-link",
        /// Nobody: it is an act of the server's own.
        Server = "server",
    }
}

/// Who did something, and how he reached us.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct By {
    /// His name; of a token its owner's, then the token: `eve (token ci, 3f2a)`.
    pub name: String,
    /// How.
    pub via: Via,
}

impl By {
    /// The server itself.
    pub fn server() -> Self {
        Self { name: "server".to_owned(), via: Via::Server }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.via)
    }
}

named! {
    /// How it ended.
    Outcome: "outcome" {
        /// It was done.
        Done = "done",
        /// He may not.
        Denied = "denied",
        /// He may, and it did not work.
        Failed = "failed",
    }
}

/// What somebody did: one link of a chain, each of which has the hash of the one before.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// From 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Now,
    /// Who, and how he reached us.
    pub by: By,
    /// `set-profile`, `login`, ...
    pub what: String,
    /// To which machine, profile, user, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// In words.
    pub says: String,
    /// The facts before, as JSON, secrets left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The facts after, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The hash of the record before; zeros before the first.
    pub prev: Hash,
    /// The hash of this one.
    pub hash: Hash,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(labels: &[&str]) -> Scope {
        Scope::of(labels.iter().map(|label| label.parse().unwrap()).collect())
    }

    #[test]
    fn a_scope_holds_machines_with_one_of_its_labels() {
        let rooms = scope(&["room=3", "room=4"]);
        assert!(rooms.holds(&Labels::from([("room", "4"), ("rack", "1")])));
        assert!(!rooms.holds(&Labels::from([("room", "5")])));
        assert!(!rooms.holds(&Labels::new()));
        assert!(Scope::ALL.holds(&Labels::new()));
    }

    #[test]
    fn nothing_limited_covers_everything() {
        let (three, both) = (scope(&["room=3"]), scope(&["room=3", "room=4"]));
        assert!(both.covers(&three) && !three.covers(&both));
        assert!(Scope::ALL.covers(&both) && !both.covers(&Scope::ALL));
        assert!(Scope::ALL.covers(&Scope::ALL));
    }

    #[test]
    fn roles_are_in_order_and_a_hash_is_not_printed() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
        assert_eq!(format!("{:?}", PasswordPhc("$argon2id$x".to_owned())), "***");
        for wrong in ["room", "=3", "room=", ""] {
            assert!(wrong.parse::<Label>().is_err(), "{wrong}");
        }
    }
}
