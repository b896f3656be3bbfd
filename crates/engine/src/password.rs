//! Menu passwords, as GRUB keeps them: `grub.pbkdf2.sha512.ROUNDS.SALT.HASH`.

use model::menu::PasswordHash;

/// Rounds above which checking would hold everybody else up.
pub const ROUNDS_MAX: u32 = 50_000;

/// Whether this is the password. Anything malformed is not.
pub fn verify(kept: &PasswordHash, given: &str) -> bool {
    let Some((rounds, salt, hash)) = read(kept) else { return false };
    let mut made = vec![0; hash.len()];
    pbkdf2::pbkdf2_hmac::<sha2::Sha512>(given.as_bytes(), &salt, rounds, &mut made);
    // Every byte is looked at, whether or not an earlier one differs.
    made.iter().zip(&hash).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Whether the text is a hash that GRUB would take.
pub fn is_well_formed(kept: &PasswordHash) -> bool {
    read(kept).is_some()
}

fn read(kept: &PasswordHash) -> Option<(u32, Vec<u8>, Vec<u8>)> {
    let mut parts = kept.0.strip_prefix("grub.pbkdf2.sha512.")?.split('.');
    let rounds = parts.next()?.parse().ok().filter(|r| (1..=ROUNDS_MAX).contains(r))?;
    let salt = model::address::hex(parts.next()?).filter(|salt| salt.len() <= 128)?;
    let hash = model::address::hex(parts.next()?).filter(|hash| (16..=64).contains(&hash.len()))?;
    parts.next().is_none().then_some((rounds, salt, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A published vector of PBKDF2-HMAC-SHA512 (that of RFC 6070 with another hash).
    #[test]
    fn only_the_right_word_opens() {
        // PBKDF2-HMAC-SHA512, password "password", salt "salt", 1 round, 64 bytes.
        let kept = PasswordHash(
            "grub.pbkdf2.sha512.1.73616C74.867F70CF1ADE02CFF3752599A3A53DC4AF34C7A669815AE5D513554E1C8CF252C02D470A285A0501BAD999BFE943C08F050235D7D68B1DA55E63F73B60A57FCE"
                .into(),
        );
        assert!(verify(&kept, "password"));
        assert!(!verify(&kept, "Password") && !verify(&kept, ""));
        for wrong in ["", "grub.pbkdf2.sha512.1.zz.00", "grub.pbkdf2.sha512.999999999.00.00"] {
            assert!(!verify(&PasswordHash(wrong.into()), ""), "{wrong}");
        }
        assert_eq!(format!("{kept:?}"), "***");
    }
}
