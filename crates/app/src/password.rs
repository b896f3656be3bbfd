//! Passwords: read without showing them; that of a menu is hashed here, so that the clear text goes
//! nowhere.

use crate::failure::Failure;
use api::types::Hidden;
use model::menu::PasswordHash;
use nix::sys::termios::{self, LocalFlags, SetArg};
use sha2::Sha512;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

/// GRUB's own default (grub-mkpasswd-pbkdf2).
const ROUNDS: u32 = 10_000;
const SALT: usize = 64;
const HASH: usize = 64;
/// Longer than anybody types at a firmware's screen.
const LENGTH_MAX: usize = 128;

/// Reads a password: twice from a terminal, once from a pipe.
pub fn read() -> Result<PasswordHash, Failure> {
    let password = if io::stdin().is_terminal() {
        let first = ask("Menu password: ")?;
        if ask("The same again: ")? != first {
            return Err(Failure::usage("the two are not the same"));
        }
        first
    } else {
        one_line()?
    };
    if password.is_empty() || password.len() > LENGTH_MAX {
        return Err(Failure::usage(format!("a password has 1 to {LENGTH_MAX} bytes")));
    }
    if !password.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Err(Failure::usage("the password has characters that not every firmware can type")
            .hint("use letters, digits and signs of the English keyboard"));
    }
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(|e| Failure::failed(format!("no chance to be had: {e}")))?;
    Ok(hash(&password, &salt))
}

/// Reads an operator's password: from a file, twice from a terminal, or once from a pipe.
pub fn of_operator(file: Option<&Path>) -> Result<Hidden, Failure> {
    let password = match file {
        Some(path) => {
            let cannot = |e| Failure::failed(format!("cannot read {}: {e}", path.display()));
            let text = std::fs::read_to_string(path).map_err(cannot)?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        None if io::stdin().is_terminal() => {
            let first = ask("Password: ")?;
            if ask("The same again: ")? != first {
                return Err(Failure::usage("the two are not the same"));
            }
            first
        }
        None => one_line()?,
    };
    Ok(Hidden(password))
}

/// As GRUB's `password_pbkdf2` takes it.
fn hash(password: &str, salt: &[u8]) -> PasswordHash {
    let mut out = [0; HASH];
    pbkdf2::pbkdf2_hmac::<Sha512>(password.as_bytes(), salt, ROUNDS, &mut out);
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02X}")).collect::<String>();
    PasswordHash(format!("grub.pbkdf2.sha512.{ROUNDS}.{}.{}", hex(salt), hex(&out)))
}

pub fn one_line() -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(|e| Failure::failed(format!("cannot read the password: {e}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks for a text without showing it.
pub fn ask(question: &str) -> Result<String, Failure> {
    let stdin = io::stdin();
    let cannot = |e: nix::Error| Failure::failed(format!("cannot hide what is typed: {e}"));
    let before = termios::tcgetattr(&stdin).map_err(cannot)?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    let mut err = io::stderr().lock();
    // Without the question the answer is as good.
    let _ = write!(err, "{question}").and_then(|()| err.flush());
    termios::tcsetattr(&stdin, SetArg::TCSAFLUSH, &silent).map_err(cannot)?;
    let line = one_line();
    termios::tcsetattr(&stdin, SetArg::TCSAFLUSH, &before).map_err(cannot)?;
    let _ = writeln!(err);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_what_grub_makes() {
        // PBKDF2-HMAC-SHA512, 10000 rounds, password "secret", salt 01 02 03 04; by Python's
        // hashlib.pbkdf2_hmac.
        let hash = hash("secret", &[1, 2, 3, 4]).0;
        let (front, digits) = hash.rsplit_once('.').unwrap();
        assert_eq!(front, "grub.pbkdf2.sha512.10000.01020304");
        assert_eq!(
            digits,
            "6BFF8D2066BF64162DE4EFC878D8D09A0C7ABDC53739AEEC52D1AFCFE59D5698345A29F482744F7C5D412042BA154526AC3C3C48E190BD1766CB44AC5AF18F00"
        );
    }
}
