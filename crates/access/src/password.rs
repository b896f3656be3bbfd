//! Passwords: argon2id (RFC 9106), as PHC strings.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use model::access::PasswordPhc;

/// Memory of one comparison, in KiB; with [`PASSES`] what OWASP asks for at least.
pub const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
pub const PASSES: u32 = 2;
/// Shorter ones are guessed.
pub const LENGTH_MIN: usize = 10;
/// Longer ones only make us work.
pub const LENGTH_MAX: usize = 256;

/// What is wrong with a password that somebody wants to have.
pub fn check(password: &str) -> Result<(), String> {
    let length = password.chars().count();
    match length {
        _ if password.len() > LENGTH_MAX => {
            Err(format!("a password has {LENGTH_MAX} bytes at most"))
        }
        LENGTH_MIN.. => Ok(()),
        _ => Err(format!("a password has {LENGTH_MIN} characters at least; this has {length}")),
    }
}

fn hasher() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash of a password, with this salt. Takes a part of a second. `None` if the library does not
/// take the numbers above, which a test rules out.
pub fn hash(password: &str, salt: &[u8; 16]) -> Option<PasswordPhc> {
    let salt = SaltString::encode_b64(salt).ok()?;
    let made = hasher()?.hash_password(password.as_bytes(), &salt).ok()?;
    Some(PasswordPhc(made.to_string()))
}

/// Whether a password is the one of this hash. Takes as long for a wrong one.
pub fn fits(password: &str, hash: &PasswordPhc) -> bool {
    if password.len() > LENGTH_MAX {
        return false;
    }
    let Ok(read) = PasswordHash::new(&hash.0) else { return false };
    hasher().is_some_and(|hasher| hasher.verify_password(password.as_bytes(), &read).is_ok())
}

/// A hash of nobody's password, made with the same numbers: who is not known is compared with it,
/// and takes as long.
pub fn nobody() -> PasswordPhc {
    let zeros = ("A".repeat(22), "A".repeat(43));
    PasswordPhc(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${}${}", zeros.0, zeros.1))
}

/// Whether a text is a hash that we can compare with, and no weaker than ours.
pub fn is_well_formed(hash: &PasswordPhc) -> bool {
    let Ok(read) = PasswordHash::new(&hash.0) else { return false };
    let of = |name: &str| read.params.get_decimal(name).unwrap_or(0);
    let (memory, passes, lanes) = (of("m"), of("t"), of("p"));
    // From below for safety, from above so that nobody makes us work for minutes.
    let strong = memory >= MEMORY_KIB && (PASSES..=10).contains(&passes);
    read.algorithm.as_str() == "argon2id"
        && strong
        && memory <= 256 * 1024
        && (1..=4).contains(&lanes)
        && read.salt.is_some()
        && read.hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_fits() {
        let made = hash("correct horse", &[7; 16]).unwrap();
        assert!(made.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", made.0);
        assert!(is_well_formed(&made) && is_well_formed(&nobody()));
        assert!(fits("correct horse", &made));
        for wrong in ["correct hors", "Correct horse", "", &"x".repeat(300)] {
            assert!(!fits(wrong, &made));
            assert!(!fits(wrong, &nobody()));
        }
        assert!(!fits("", &PasswordPhc(String::new())));
        assert_ne!(hash("correct horse", &[8; 16]).unwrap(), made);
    }

    #[test]
    fn a_weak_hash_or_a_short_password_is_refused() {
        for weak in ["", "secret", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"] {
            assert!(!is_well_formed(&PasswordPhc(weak.to_owned())), "{weak}");
        }
        assert!(check("short").is_err() && check(&"x".repeat(257)).is_err());
        assert_eq!(check("long enough"), Ok(()));
    }
}
