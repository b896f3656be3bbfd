//! A value in the words of its format: what its target's own parser reads back is the value.
//!
//! In: text. Out: the text escaped, or why this format cannot hold it, in words that do not repeat
//! it. Never: a character dropped or changed.

use crate::marks;
use crate::template::Escape;

/// Text, escaped; or why it cannot be.
pub(crate) fn escaped(escape: Escape, text: &str) -> Result<String, String> {
    if text.chars().any(marks::is_mark) {
        return Err(
            "the value holds a character from U+FDD0 to U+FDEF, which no text may hold".into()
        );
    }
    match escape {
        Escape::Shell => shell(text),
        Escape::Kickstart => one_line(text, "kickstart").and_then(shell),
        Escape::Preseed => preseed(text).map(str::to_owned),
        Escape::Yaml => Ok(yaml(text)),
        Escape::Json => Ok(json(text)),
        Escape::Xml => xml(text),
        Escape::Ini => ini(text).map(str::to_owned),
        Escape::Ipxe => ipxe(text).map(str::to_owned),
    }
}

/// A word in single quotes; a single quote stands outside of them (POSIX, XCU 2.2).
pub(crate) fn shell(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("the value holds a NUL, which no shell can".into());
    }
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

/// Letters that mean nothing to a shell, to cmd.exe, to kickstart or to a URL.
pub(crate) fn word(text: &str) -> Result<&str, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+:@/-".contains(c);
    if text.is_empty() || !text.chars().all(plain) || text.starts_with('-') {
        return Err("a word here is letters, digits and ._+:@/- only, and does not begin with -; \
                    the value has others"
            .into());
    }
    Ok(text)
}

/// What a line of this format cannot hold: its end, and anything else that moves a cursor.
fn one_line<'a>(text: &'a str, format: &str) -> Result<&'a str, String> {
    match text.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        Some(c) => Err(format!(
            "the value holds the control character U+{:04X}, which a line of {format} cannot",
            u32::from(c)
        )),
        None => Ok(text),
    }
}

fn trimmed<'a>(text: &'a str, format: &str) -> Result<&'a str, String> {
    if text.trim() != text {
        return Err(format!(
            "the value begins or ends with a space, which {format} would drop silently"
        ));
    }
    Ok(text)
}

/// debconf reads a value to the end of its line; a backslash at the end would go on to the next.
fn preseed(text: &str) -> Result<&str, String> {
    let text = trimmed(one_line(text, "preseeding")?, "preseeding")?;
    if text.ends_with('\\') {
        return Err("the value ends with a backslash, which would join the next line to it".into());
    }
    Ok(text)
}

/// There is no standard: what one reader takes for a comment or a quote, another keeps.
fn ini(text: &str) -> Result<&str, String> {
    let text = trimmed(one_line(text, "INI")?, "INI")?;
    let quoted = text.starts_with(['"', '\'']);
    if quoted || text.ends_with('\\') || text.contains([';', '#']) {
        return Err(
            "the value holds `;` or `#`, begins with a quote or ends with a backslash, which \
                    readers of INI take in different ways"
                .into(),
        );
    }
    Ok(text)
}

/// iPXE splits at spaces and knows neither quotes nor a way to write `$` (its `core/exec.c`).
fn ipxe(text: &str) -> Result<&str, String> {
    let text = trimmed(one_line(text, "iPXE")?, "iPXE")?;
    let operator = |w: &str| matches!(w, "||" | "&&" | ";") || w.starts_with('#');
    if text.contains('$') || text.split_whitespace().any(operator) {
        return Err(
            "the value holds `$`, or `||`, `&&`, `;` or `#` as a word of its own, which iPXE \
                    takes for its own"
                .into(),
        );
    }
    if text.split(' ').any(str::is_empty) {
        return Err("the value is empty or holds two spaces in a row, which iPXE makes one".into());
    }
    Ok(text)
}

/// A scalar in double quotes (YAML 1.2, 7.3.1), read alike by readers of YAML 1.1.
fn yaml(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for c in text.chars() {
        match (c, u32::from(c)) {
            ('"', _) => out.push_str("\\\""),
            ('\\', _) => out.push_str("\\\\"),
            ('\n', _) => out.push_str("\\n"),
            ('\t', _) => out.push_str("\\t"),
            (c, code @ 0..=0xff) if c.is_control() => out.push_str(&format!("\\x{code:02x}")),
            // Breaks of lines, the byte order mark, and what may not stand there printed.
            (_, code @ (0x2028 | 0x2029 | 0xfeff | 0xfffe | 0xffff)) => {
                out.push_str(&format!("\\u{code:04x}"));
            }
            (_, code) if code > 0xffff && code & 0xfffe == 0xfffe => {
                out.push_str(&format!("\\U{code:08x}"));
            }
            (c, _) => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A string (RFC 8259, 7).
pub(crate) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Text or the value of an attribute (XML 1.0, 2.2 and 2.4). Breaks of lines are written as
/// references, because readers change them otherwise (2.11, 3.3.3).
fn xml(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                return Err(format!(
                    "the value holds U+{:04X}, which XML cannot write in any way",
                    u32::from(c)
                ));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}
