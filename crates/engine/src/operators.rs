//! Operators as facts: users, tokens, and where the audit log stands.

use crate::Engine;
use access::chain::{self, Head};
use access::{Rights, token};
use model::access::{ApiToken, Owner, User};
use model::{Change, Hash, Now};
use std::collections::BTreeMap;

/// Everything that is kept of operators.
#[derive(Clone, Debug)]
pub(crate) struct Operators {
    pub(crate) users: BTreeMap<String, User>,
    /// By id.
    pub(crate) tokens: BTreeMap<String, ApiToken>,
    /// Ids by the hash of the secret.
    ids: BTreeMap<[u8; 32], String>,
    head: Head,
}

impl Default for Operators {
    fn default() -> Self {
        let (users, tokens, ids) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { users, tokens, ids, head: chain::START }
    }
}

impl Operators {
    /// Takes a kept fact in; others than its own are nothing to it.
    pub(crate) fn take(&mut self, change: &Change) {
        match change {
            Change::User(user) => {
                self.users.insert(user.name.clone(), user.clone());
            }
            Change::UserGone(name) => {
                self.users.remove(name);
            }
            Change::ApiToken(token) => {
                self.ids.insert(token.secret_sha256.0, token.id.clone());
                self.tokens.insert(token.id.clone(), token.clone());
            }
            Change::ApiTokenGone(id) => {
                if let Some(token) = self.tokens.remove(id) {
                    self.ids.remove(&token.secret_sha256.0);
                }
            }
            Change::Audit(record) => self.head = chain::head(record),
            _ => {}
        }
    }
}

/// A token that is worth something now.
#[derive(Clone, Debug, PartialEq)]
pub struct Bearer {
    /// Whose it is.
    pub owner: Owner,
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may.
    pub rights: Rights,
    /// Until when.
    pub expires: Now,
}

impl Engine {
    /// All users, by name.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.operators.users.values()
    }

    /// A user.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.operators.users.get(name)
    }

    /// All tokens, by id.
    pub fn tokens(&self) -> impl Iterator<Item = &ApiToken> {
        self.operators.tokens.values()
    }

    /// A token by its id.
    pub fn token(&self, id: &str) -> Option<&ApiToken> {
        self.operators.tokens.get(id)
    }

    /// What a shown token is worth now; nothing if it is unknown, over, or its owner is gone.
    pub fn bearer(&self, now: Now, shown: &str) -> Option<Bearer> {
        let Hash(hash) = token::shown(shown)?;
        let token = self.operators.tokens.get(self.operators.ids.get(&hash)?)?;
        if token.expires <= now {
            return None;
        }
        let owner = match &token.owner {
            Owner::User(name) => Some(self.user(name)?),
            Owner::Host(_) => None,
        };
        Some(Bearer {
            rights: Rights::of_token(token, owner)?,
            owner: token.owner.clone(),
            id: token.id.clone(),
            name: token.name.clone(),
            expires: token.expires,
        })
    }

    /// Where the audit log stands.
    pub fn audit_head(&self) -> Head {
        self.operators.head
    }
}
