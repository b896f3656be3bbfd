//! Users and tokens. What whoever asks may himself is not asked here: the edge that knows him did.

use super::{Outcome, check_line, check_name, decided, refuse};
use crate::Engine;
use access::{password, token};
use model::access::{ApiToken, LABELS_MAX, Owner, PasswordPhc, Role, Scope, User};
use model::{Change, Now};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Users at most.
const USERS_MAX: usize = 1000;
/// Tokens at most that are not over.
const TOKENS_MAX: usize = 4096;
/// A token that is over is shown as that for so long.
const OVER: Duration = Duration::from_secs(30 * 86_400);

/// What is to be another about a user; nothing is to stay as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UserWish {
    /// Who.
    pub name: String,
    /// His new role.
    pub role: Option<Role>,
    /// His new scope.
    pub scope: Option<Scope>,
    /// The hash of his new password.
    pub password: Option<PasswordPhc>,
    /// Whether he is let in no more.
    pub disabled: Option<bool>,
}

fn check_scope(scope: &Scope) -> Result<(), super::Refusal> {
    if scope.labels().len() > LABELS_MAX {
        return refuse(format!("a scope has {LABELS_MAX} labels at most"), "");
    }
    scope.labels().iter().try_for_each(|label| {
        check_name("a label", &label.key)?;
        check_line("a label", &label.value)
    })
}

fn check_hash(hash: &PasswordPhc) -> Result<(), super::Refusal> {
    match password::is_well_formed(hash) {
        true => Ok(()),
        false => refuse("the password is no argon2id hash that is strong enough", ""),
    }
}

/// `admin`, `operator for room=3`.
fn shown(role: Role, scope: &Scope) -> String {
    match scope.is_all() {
        true => role.to_string(),
        false => format!("{role} for machines with {scope}"),
    }
}

impl Engine {
    pub(super) fn add_first_user(&self, now: Now, user: User) -> Outcome {
        if self.users().next().is_some() {
            return refuse(
                "there is a first operator already",
                "he adds others: bootwright user add NAME --role ROLE",
            );
        }
        self.add_user(now, user)
    }

    pub(super) fn add_user(&self, now: Now, user: User) -> Outcome {
        check_name("a user", &user.name)?;
        check_scope(&user.scope)?;
        check_hash(&user.password)?;
        if self.user(&user.name).is_some() {
            return refuse(
                format!("there is a user {} already", user.name),
                &format!("change him: bootwright user set {} ...", user.name),
            );
        }
        if self.operators.users.len() >= USERS_MAX {
            return refuse(format!("there are {USERS_MAX} users, the most there can be"), "");
        }
        if user.role == Role::Admin && !user.scope.is_all() {
            return limited_admin();
        }
        let says = format!("user {} is {}", user.name, shown(user.role, &user.scope));
        decided(vec![Change::User(User { since: now, changed: now, ..user })], says)
    }

    pub(super) fn set_user(&self, now: Now, wish: UserWish) -> Outcome {
        let UserWish { name, role, scope, password, disabled } = wish;
        let Some(user) = self.user(&name) else { return no_user(&name) };
        if let Some(scope) = &scope {
            check_scope(scope)?;
        }
        if let Some(hash) = &password {
            check_hash(hash)?;
        }
        let mut says = Vec::new();
        let user = User {
            name: name.clone(),
            role: role.unwrap_or(user.role),
            scope: scope.unwrap_or_else(|| user.scope.clone()),
            disabled: disabled.unwrap_or(user.disabled),
            since: user.since,
            changed: from_now(now, user),
            password: password.clone().unwrap_or_else(|| user.password.clone()),
        };
        if user.role == Role::Admin && !user.scope.is_all() {
            return limited_admin();
        }
        says.push(format!("user {name} is {}", shown(user.role, &user.scope)));
        if password.is_some() {
            says.push("has a new password".to_owned());
        }
        says.push(match user.disabled {
            true => "is disabled: neither his password nor his tokens are taken".to_owned(),
            false => "and has to log in again".to_owned(),
        });
        decided(vec![Change::User(user)], says.join(", "))
    }

    pub(super) fn remove_user(&self, name: &str) -> Outcome {
        if self.user(name).is_none() {
            return no_user(name);
        }
        let mut changes = vec![Change::UserGone(name.to_owned())];
        changes.extend(self.tokens_of_user(name));
        let says = match changes.len() - 1 {
            0 => format!("user {name} is removed"),
            tokens => format!("user {name} is removed, and {tokens} of his tokens revoked"),
        };
        decided(changes, says)
    }

    pub(super) fn add_token(&self, now: Now, token: ApiToken) -> Outcome {
        check_name("a token", &token.name)?;
        check_scope(&token.scope)?;
        if let Owner::User(name) = &token.owner
            && self.user(name).is_none()
        {
            return no_user(name);
        }
        if token.role == Role::Admin && !token.scope.is_all() {
            return limited_admin();
        }
        let longest = Duration::from_secs(token::DAYS_MAX * 86_400);
        if token.expires <= now || token.expires > now + longest {
            return refuse(
                format!("a token lasts up to {} days", token::DAYS_MAX),
                "--expires 90d",
            );
        }
        if self.token(&token.id).is_some() {
            return refuse("this token is there already", "");
        }
        let over = self.tokens().filter(|t| t.expires + OVER <= now);
        let mut changes: Vec<Change> = over.map(|t| Change::ApiTokenGone(t.id.clone())).collect();
        if self.operators.tokens.len() - changes.len() >= TOKENS_MAX {
            return refuse(
                format!("there are {TOKENS_MAX} tokens, the most there can be"),
                "revoke some: bootwright token list, bootwright token revoke ID",
            );
        }
        let says = format!(
            "token {} ({}) of {} is {} until {}",
            token.name,
            token.id,
            token.owner,
            shown(token.role, &token.scope),
            token.expires
        );
        changes.push(Change::ApiToken(ApiToken { since: now, ..token }));
        decided(changes, says)
    }

    pub(super) fn revoke_token(&self, id: &str) -> Outcome {
        let Some(token) = self.token(id) else {
            let shown = model::text::show(id.as_bytes());
            return refuse(format!("there is no token {shown}"), "bootwright token list shows all");
        };
        let says = format!("token {} ({id}) of {} is revoked", token.name, token.owner);
        decided(vec![Change::ApiTokenGone(id.to_owned())], says)
    }

    pub(super) fn revoke_tokens_of(&self, now: Now, name: &str) -> Outcome {
        let user = self.user(name);
        let of_host = self.tokens().filter(|t| t.owner == Owner::Host(name.to_owned()));
        let mut changes: Vec<Change> = self.tokens_of_user(name).collect();
        changes.extend(of_host.map(|token| Change::ApiTokenGone(token.id.clone())));
        let tokens = changes.len();
        if user.is_none() && tokens == 0 {
            return no_user(name);
        }
        if let Some(user) = user {
            let changed = from_now(now, user);
            changes.push(Change::User(User { changed, ..user.clone() }));
        }
        let sessions = if user.is_some() { ", and his sessions ended" } else { "" };
        decided(changes, format!("{tokens} tokens of {name} are revoked{sessions}"))
    }

    fn tokens_of_user(&self, name: &str) -> impl Iterator<Item = Change> {
        let owner = Owner::User(name.to_owned());
        self.tokens()
            .filter(move |token| token.owner == owner)
            .map(|token| Change::ApiTokenGone(token.id.clone()))
    }
}

/// A moment that sessions begun until now, this very millisecond included, lie before.
fn from_now(now: Now, user: &User) -> Now {
    now.max(user.changed) + Duration::from_millis(1)
}

fn no_user(name: &str) -> Outcome {
    let shown = model::text::show(name.as_bytes());
    refuse(format!("there is no user {shown}"), "bootwright user list shows all")
}

fn limited_admin() -> Outcome {
    refuse(
        "an admin cannot be limited to some machines: he could lift that himself",
        "--role operator, or no --scope",
    )
}
