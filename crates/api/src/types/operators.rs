//! Users, tokens, logins, and what they did.

use super::moment;
use engine::Now;
use model::ApiToken;
use model::access::{Label, Outcome, Owner, Role, User, Via};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use site::AuditEntry;

/// A secret on its way to us. It is not printed.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Adds a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserAdd {
    /// Unique.
    pub name: String,
    /// What he may.
    pub role: Role,
    /// To machines with one of these labels only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<Label>,
    /// What he logs in with.
    pub password: Hidden,
}

/// Changes a user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSet {
    /// Another role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Another scope; an empty one is everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<Label>>,
    /// Another password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Hidden>,
    /// Whether he is let in no more; his tokens are worth nothing then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// Changes one's own password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordWish {
    /// The one that is good until now.
    pub old: Hidden,
    /// The one from now on.
    pub new: Hidden,
}

/// A user, without what is secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserView {
    /// His name.
    pub name: String,
    /// What he may.
    pub role: Role,
    /// To machines with one of these labels; none is everything.
    pub scope: Vec<Label>,
    /// Whether he is let in no more.
    #[serde(default)]
    pub disabled: bool,
    /// Since when.
    pub since: String,
    /// When his role, scope or password last changed, or he was disabled or enabled.
    pub changed: String,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            name: user.name.clone(),
            role: user.role,
            scope: user.scope.labels().to_vec(),
            disabled: user.disabled,
            since: moment(user.since),
            changed: moment(user.changed),
        }
    }
}

/// Makes a token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenAdd {
    /// What it is for.
    pub name: String,
    /// What it may; `operator` without it, or less if whoever asks is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// To which machines; without it, as whoever asks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<Label>,
    /// How long; 90 days without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    /// What it is called by.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whose.
    pub owner: Owner,
    /// The most that it may.
    pub role: Role,
    /// To which machines; none is everything.
    pub scope: Vec<Label>,
    /// Since when.
    pub since: String,
    /// Until when.
    pub expires: String,
    /// Whether that is past.
    pub over: bool,
}

impl TokenView {
    /// As it is now.
    pub fn new(token: &ApiToken, now: Now) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            owner: token.owner.clone(),
            role: token.role,
            scope: token.scope.labels().to_vec(),
            since: moment(token.since),
            expires: moment(token.expires),
            over: token.expires <= now,
        }
    }
}

/// A token that was made. This is the only time it is shown.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenMade {
    /// In words.
    pub says: String,
    /// `false` for a dry run.
    pub done: bool,
    /// The token itself; none of a dry run.
    pub token: Option<String>,
    /// What is kept of it.
    #[serde(flatten)]
    pub of: TokenView,
}

/// Logs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Who.
    pub name: String,
    /// With what.
    pub password: Hidden,
}

/// Who asks, and what he may.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionView {
    /// His name.
    pub name: String,
    /// How he reached us.
    pub via: Via,
    /// What he may.
    pub role: Role,
    /// To which machines; none is everything.
    pub scope: Vec<Label>,
    /// What requests that change something have to show in `X-CSRF-Token`; of a session only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
    /// Until when, if nothing comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// One record of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditView {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: String,
    /// Who.
    pub who: String,
    /// How he reached us.
    pub via: Via,
    /// What.
    pub what: String,
    /// To what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// In words.
    pub says: String,
    /// The facts before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<serde_json::Value>,
    /// The facts after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<serde_json::Value>,
    /// The hash of the record before.
    pub prev: String,
    /// The hash of this one.
    pub hash: String,
    /// Why it cannot be read, if so; then nothing else is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

impl From<&AuditEntry> for AuditView {
    fn from(entry: &AuditEntry) -> Self {
        let json = |text: &String| {
            serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.clone()))
        };
        match entry {
            AuditEntry::Record(record) => Self {
                seq: record.seq,
                at: moment(record.at),
                who: record.by.name.clone(),
                via: record.by.via,
                what: record.what.clone(),
                target: record.target.clone(),
                outcome: record.outcome,
                says: record.says.clone(),
                before: record.before.as_ref().map(json),
                after: record.after.as_ref().map(json),
                prev: record.prev.to_string(),
                hash: record.hash.to_string(),
                unreadable: None,
            },
            AuditEntry::Unreadable(seq, why) => Self {
                seq: *seq,
                at: String::new(),
                who: String::new(),
                via: Via::Server,
                what: String::new(),
                target: None,
                outcome: Outcome::Done,
                says: format!("cannot be read: {why}"),
                before: None,
                after: None,
                prev: String::new(),
                hash: String::new(),
                unreadable: Some(why.clone()),
            },
        }
    }
}

/// Some records, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditPage {
    /// Those that were asked for.
    pub records: Vec<AuditView>,
    /// Where the next page begins; none at the end.
    pub next: Option<u64>,
}

/// Whether the log is whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditVerdict {
    /// How many records were followed.
    pub records: u64,
    /// The number of the last.
    pub last: u64,
    /// The hash of the last.
    pub hash: String,
    /// Checkpoints that fit.
    pub checkpoints: usize,
    /// The last record that was signed; 0 if none was.
    pub signed: u64,
    /// The first fault; none is good.
    pub wrong: Option<String>,
}
