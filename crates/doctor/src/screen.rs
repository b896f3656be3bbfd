//! What firmware, loaders and kernels write on a machine's screen when a boot fails, and what to do.
//!
//! In: words as somebody read them off a screen, with typing errors of all kinds but one: a code is
//! spelt right. Out: messages of `data/screen.toml`, best first. Never: guessing without a word in
//! common.

use crate::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Messages that one search gives at most.
const FOUND_MAX: usize = 8;
/// More words of a question are not looked at.
const WORDS_MAX: usize = 64;

/// One message, with what it means.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The code beside the text: `PXE-E53`, `040ee119`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What stands there, and further texts and codes that mean the same.
    pub says: Vec<String>,
    /// Who writes it.
    pub by: Vec<String>,
    /// What happened.
    pub means: String,
    /// What to do, most likely cause first.
    #[serde(rename = "do")]
    pub act: Vec<String>,
    /// What `doctor` may find of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Code>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    message: Vec<Message>,
}

static ALL: LazyLock<Result<Vec<Message>, String>> = LazyLock::new(|| {
    let read = toml::from_str::<File>(include_str!("../data/screen.toml"));
    read.map(|file| file.message).map_err(|e| e.to_string())
});

/// Every message, in the order in which a boot goes on.
///
/// # Errors
///
/// When the file that came with the program cannot be read, which a test excludes.
pub fn all() -> Result<&'static [Message], &'static str> {
    ALL.as_deref().map_err(String::as_str)
}

impl Message {
    /// Its code and first text: `PXE-E53: No boot filename received`.
    #[must_use]
    pub fn title(&self) -> String {
        let text = self.says.first().map_or("", String::as_str);
        match &self.code {
            Some(code) => format!("{code}: {text}"),
            None => text.to_owned(),
        }
    }

    /// As people read it.
    #[must_use]
    pub fn show(&self) -> String {
        let mut text = format!("{}\n  by: {}", self.title(), self.by.join(", "));
        let others = self.says.get(1..).unwrap_or_default();
        if !others.is_empty() {
            text.push_str(&format!("\n  also: {}", others.join(" | ")));
        }
        text.push_str(&format!("\n  means: {}", self.means));
        for (number, act) in (1..).zip(&self.act) {
            text.push_str(&format!("\n  {number}. {act}"));
        }
        text
    }

    /// How well it fits: 0 not at all, more is better.
    fn fits(&self, question: &[String], codes: &[String]) -> usize {
        let texts = self.code.iter().chain(&self.says);
        texts.map(|text| fits(&words(text), question, codes)).max().unwrap_or(0)
    }
}

/// The messages for what stands on a screen: a code (`PXE-E53`, `e53`), or words of the text. A code
/// in it decides; without one, those that have most of the words in common.
///
/// # Errors
///
/// As [`all`].
pub fn find(read: &str) -> Result<Vec<&'static Message>, &'static str> {
    let question: Vec<String> = words(read).into_iter().take(WORDS_MAX).collect();
    let codes: Vec<String> = question.iter().filter_map(|word| code_of(word)).collect();
    let mut found: Vec<(usize, &Message)> = all()?
        .iter()
        .map(|message| (message.fits(&question, &codes), message))
        .filter(|(fits, _)| *fits > 0)
        .collect();
    // Stable: among equals, the order of the file.
    found.sort_by_key(|(fits, _)| std::cmp::Reverse(*fits));
    let best = found.first().map_or(0, |(fits, _)| *fits);
    // What has less than half of the best one's words in common only distracts.
    let near = found.into_iter().take_while(|(fits, _)| fits.saturating_mul(2) > best);
    Ok(near.map(|(_, message)| message).take(FOUND_MAX).collect())
}

/// Small letters and digits, one word each; `PXE-E53:` is one word.
fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '>')));
    parts
        .map(|word| word.trim_matches(['-', '.', '_']).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// `pxe-e53` and `e53` are `pxe-e53`; eight hexadecimal digits are a code of iPXE; `0xc000000f`.
fn code_of(word: &str) -> Option<String> {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let tail = word.strip_prefix("pxe-").unwrap_or(word);
    let mut letters = tail.chars();
    let kind = letters.next()?;
    if matches!(kind, 'e' | 't' | 'm') && tail.len() == 3 && is_hex(letters.as_str()) {
        return Some(format!("pxe-{tail}"));
    }
    let digits = word.strip_prefix("0x").unwrap_or(word);
    (digits.len() == 8 && is_hex(digits)).then(|| word.to_owned())
}

/// Words that stand in nearly every message.
const COMMON: &[&str] = &[
    "the", "a", "an", "of", "to", "is", "error", "http", "https", "ipxe.org", "boot", "no", "not",
];

fn fits(text: &[String], question: &[String], codes: &[String]) -> usize {
    const CODE: usize = 1000;
    let has_code = codes.iter().any(|code| text.contains(code));
    let weight = |word: &String| if COMMON.contains(&word.as_str()) { 1 } else { 4 };
    let mut shared = 0_usize;
    for word in question.iter().filter(|word| text.contains(word)) {
        shared = shared.saturating_add(weight(word));
    }
    // Common words alone lead nowhere; a short text that is there as a whole is a better sign than
    // the same words within a long one.
    let whole: usize = text.iter().map(weight).sum();
    let alike = match shared {
        0..4 => 0,
        _ => {
            shared.saturating_mul(16).checked_div(whole.max(8)).unwrap_or(0).saturating_add(shared)
        }
    };
    if has_code { alike.saturating_add(CODE) } else { alike }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(read: &str) -> String {
        find(read).unwrap().first().map(|message| message.title()).unwrap_or_default()
    }

    #[test]
    fn a_code_leads_to_its_message_however_it_is_written() {
        for read in ["PXE-E53", "pxe-e53:", "e53", "E53", "  PXE-E53: No boot filename received."] {
            assert_eq!(first(read), "PXE-E53: No boot filename received", "{read}");
        }
        // Codes that mean the same as another's.
        assert!(first("PXE-E98").starts_with("PXE-E22"), "{}", first("PXE-E98"));
        assert!(first("http://ipxe.org/040ee119").contains("No configuration methods"));
        assert!(first("0xc000000f").contains("0xc0000225"));
        // One code with two meanings gives both.
        assert_eq!(find("PXE-E05").unwrap().len(), 2);
    }

    #[test]
    fn words_lead_to_the_text_they_stand_in() {
        for (read, title) in [
            ("No configuration methods succeeded", "040ee119: "),
            (">>Start PXE over IPv4.  PXE-E16: No valid offer received.", "PXE-E16: "),
            ("BdsDxe: failed to load Boot0004 \"UEFI PXEv4 (MAC:525400)\"", "No bootable device"),
            ("Could not boot: Exec format error (https://ipxe.org/2e008081)", "2e008081: "),
            ("Verification failed: (0x1A) Security Violation", "Security Violation"),
            ("error: shim_lock protocol not found.", "error: bad shim signature"),
            ("grub> ", "grub>"),
            ("Error: Could not retrieve NBP file size from HTTP server.", "Could not retrieve"),
            ("SBAT self-check failed: Security Policy Violation", "SBAT self-check"),
            (
                "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
                "Kernel",
            ),
        ] {
            assert!(first(read).starts_with(title), "{read}: {}", first(read));
        }
    }

    #[test]
    fn what_is_in_no_message_finds_none() {
        for read in ["", "   ", "xyzzy", "the error is not", "PXE-EZZ9", "\u{1b}[2J"] {
            assert_eq!(find(read).unwrap(), Vec::<&Message>::new(), "{read:?}");
        }
    }

    #[test]
    fn every_message_can_be_found_by_each_of_its_texts_and_says_what_to_do() {
        for message in all().unwrap() {
            let title = message.title();
            assert!(!message.by.is_empty() && !message.act.is_empty(), "{title}");
            for text in message.code.iter().chain(&message.says) {
                let found = find(text).unwrap();
                assert!(found.contains(&message), "{title} by {text:?}");
            }
        }
    }
}
