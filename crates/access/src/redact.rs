//! Facts as JSON for the audit log, without what is secret.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What stands for something secret that is set.
const SET: &str = "***";

/// A field whose name has one of these words in it is secret, whatever it holds. Hashes of passwords
/// and tokens are, too: they can be tried against.
const SECRET: &[&str] =
    &["password", "passphrase", "secret", "token_text", "private_key", "sealed", "seed"];

/// Names with such a word that are no secret.
const PLAIN: &[&str] = &["secure_boot"];

/// More is not written out: its length and its hash stand for it.
pub const BYTES_MAX: usize = 16 * 1024;

/// The JSON of facts. What cannot be written is nothing.
pub fn told(facts: &impl Serialize) -> Option<String> {
    let mut value = serde_json::to_value(facts).ok()?;
    hide(&mut value);
    let text = value.to_string();
    if text.len() <= BYTES_MAX {
        return Some(text);
    }
    let sha256 = model::Hash(Sha256::digest(text.as_bytes()).into());
    Some(format!("{{\"bytes\":{},\"sha256\":\"{sha256}\"}}", text.len()))
}

fn hide(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(hide),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match is_secret(name) && !value.is_null() && !value.is_boolean() {
                    true => *value = Value::String(SET.to_owned()),
                    false => hide(value),
                }
            }
        }
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    !PLAIN.contains(&name) && SECRET.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::access::{ApiToken, Owner, PasswordPhc, Role, Scope, User};
    use model::{Change, Now};

    #[test]
    fn a_hash_of_a_password_or_token_is_not_told() {
        let user = User {
            name: "eve".to_owned(),
            role: Role::Admin,
            scope: Scope::ALL,
            password: PasswordPhc("$argon2id$canary".to_owned()),
            disabled: false,
            since: Now(1),
            changed: Now(1),
        };
        let token = ApiToken {
            id: "1".to_owned(),
            name: "ci".to_owned(),
            owner: Owner::User("eve".to_owned()),
            role: Role::Viewer,
            scope: Scope::ALL,
            since: Now(1),
            expires: Now(2),
            secret_sha256: crate::filed_under("canary"),
        };
        let hash = token.secret_sha256.to_string();
        let menu = model::menu::Menu {
            password: Some(model::menu::PasswordHash("grub.pbkdf2.canary".to_owned())),
            ..Default::default()
        };
        let facts = [Change::User(user), Change::ApiToken(token), Change::Menu(None, menu)];
        let text = told(&facts).unwrap();
        assert!(!text.contains("canary") && !text.contains(&hash), "{text}");
        assert_eq!(text.matches(SET).count(), 3, "{text}");
        assert!(text.contains("\"name\":\"eve\""), "{text}");
    }

    #[test]
    fn what_is_long_is_told_by_its_hash() {
        let text = told(&vec!["x".repeat(100); 1000]).unwrap();
        assert!(text.len() < 120 && text.contains("\"bytes\":103001"), "{text}");
    }
}
