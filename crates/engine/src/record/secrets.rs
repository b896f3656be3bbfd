//! Texts without what opens something: tokens in paths, codes for screens, hashes of passwords.

/// What stands in their place.
const HIDDEN: &str = "***";
/// Names behind which a token stands.
const BEFORE_A_TOKEN: [&str; 2] = ["answer/", "report/"];
/// How a menu's password begins.
const PASSWORD: &str = "grub.pbkdf2.";
/// Digits of a code that is typed from a screen.
const CODE_DIGITS: usize = 6;

/// The text with `***` for each secret in it.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let line = behind(line, &BEFORE_A_TOKEN, |c| c != '/' && is_of_a_word(c));
        let line = behind(&line, &[PASSWORD], is_of_a_word);
        // A code stands beside the word.
        match line.contains("code") {
            true => out.push_str(&without_codes(&line)),
            false => out.push_str(&line),
        }
    }
    out
}

/// Whether a name, as it is served, has a token in it.
pub(super) fn has_token(name: &str) -> bool {
    BEFORE_A_TOKEN.iter().any(|before| name.starts_with(before))
}

fn is_of_a_word(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '"' | '\'' | ';' | '&' | '?' | ')' | ']' | '}' | ',')
}

/// Hides what stands behind each of these words, as far as it is of the secret.
fn behind(line: &str, words: &[&str], of_it: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    loop {
        let found = words.iter().filter_map(|word| Some((rest.find(word)?, word.len()))).min();
        let Some((at, length)) = found else { break };
        let (before, secret) = rest.split_at(at + length);
        out.push_str(before);
        let end = secret.find(|c| !of_it(c)).unwrap_or(secret.len());
        if end > 0 {
            out.push_str(HIDDEN);
        }
        rest = secret.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Hides runs of exactly six digits, also where they are written as two groups: `123-456`.
fn without_codes(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    let of_it = |c: char| c.is_ascii_digit() || c == '-';
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, digits) = rest.split_at(at);
        let end = digits.find(|c: char| !of_it(c)).unwrap_or(digits.len());
        let (run, behind) = digits.split_at(end);
        out.push_str(before);
        let count = run.chars().filter(char::is_ascii_digit).count();
        out.push_str(if count == CODE_DIGITS { HIDDEN } else { run });
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn tokens_codes_and_passwords_are_hidden_and_nothing_else() {
        for (text, told) in [
            ("answer/0123abcd/preseed.cfg", "answer/***/preseed.cfg"),
            (
                "kernel linux url=http://10.0.0.1/answer/ab12/p.cfg quiet\nboot\n",
                "kernel linux url=http://10.0.0.1/answer/***/p.cfg quiet\nboot\n",
            ),
            ("ds=nocloud;s=http://h/answer/ab12/ a=1", "ds=nocloud;s=http://h/answer/***/ a=1"),
            ("report/ab12/done and answer/cd/x", "report/***/done and answer/***/x"),
            ("echo type this code: 123456\n", "echo type this code: ***\n"),
            (
                "echo an operator types its code: 555-889\n",
                "echo an operator types its code: ***\n",
            ),
            ("echo 123456 of 1234567, year 2026", "echo 123456 of 1234567, year 2026"),
            ("code 1234567", "code 1234567"),
            (
                "password_pbkdf2 boss grub.pbkdf2.sha512.10000.AB.CD\nset x\n",
                "password_pbkdf2 boss grub.pbkdf2.***\nset x\n",
            ),
            ("answer/", "answer/"),
            ("#!ipxe\nchain boot.ipxe\n", "#!ipxe\nchain boot.ipxe\n"),
            ("grüße aus code 123456ß", "grüße aus code ***ß"),
        ] {
            assert_eq!(without_secrets(text), told);
        }
    }
}
