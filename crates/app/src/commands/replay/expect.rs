//! What a capture is expected to come out as: a text beside it, kept and read like code.

use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// Lines of a difference that are shown.
const LINES_MAX: usize = 60;

/// How a text compares with what is kept.
pub enum Compared {
    /// Nothing is kept.
    Nothing,
    /// It is the same.
    Same,
    /// It differs: how.
    Other(String),
}

impl Compared {
    /// How it differs.
    pub fn difference(self) -> Option<String> {
        match self {
            Self::Other(how) => Some(how),
            Self::Nothing | Self::Same => None,
        }
    }
}

/// `boot.expect` for `boot.pcapng`.
pub fn file(capture: &Path) -> PathBuf {
    capture.with_extension("expect")
}

/// Keeps a text.
pub fn bless(capture: &Path, text: &str) -> Result<(), Failure> {
    let file = file(capture);
    std::fs::write(&file, text)
        .map_err(|e| Failure::failed(format!("cannot write {}: {e}", file.display())))
}

/// Compares a text with what is kept.
pub fn compare(capture: &Path, text: &str) -> Result<Compared, Failure> {
    let file = file(capture);
    let kept = match std::fs::read_to_string(&file) {
        Ok(kept) => kept,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Compared::Nothing),
        Err(e) => return Err(Failure::failed(format!("cannot read {}: {e}", file.display()))),
    };
    Ok(match kept == text {
        true => Compared::Same,
        false => Compared::Other(format!(
            "not as {} says (- expected, + came out; --bless writes it anew)\n{}",
            file.display(),
            difference(&kept, text)
        )),
    })
}

/// Lines that went and lines that came, without what is the same before and behind them.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (old.get(same..).unwrap_or_default(), new.get(same..).unwrap_or_default());
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let middle = |lines: &[&str], sign: char| -> Vec<String> {
        let kept = lines.len().saturating_sub(end);
        lines.iter().take(kept).map(|line| format!("{sign} {line}")).collect()
    };
    let mut lines = vec![format!("from line {}:", same + 1)];
    lines.extend(middle(old, '-'));
    lines.extend(middle(new, '+'));
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(format!("and {more} more lines"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_went_and_what_came() {
        let told = difference("a\nb\nc\nd\n", "a\nx\ny\nd\n");
        assert_eq!(told, "from line 2:\n- b\n- c\n+ x\n+ y");
        let told = difference("a\n", &"x\n".repeat(500));
        assert!(told.ends_with("and 442 more lines"), "{told}");
        assert_eq!(difference("a\na\n", "a\n"), "from line 2:\n- a");
    }

    #[test]
    fn what_was_blessed_is_expected() {
        let folder = tempfile::tempdir().unwrap();
        let capture = folder.path().join("boot.pcapng");
        assert!(matches!(compare(&capture, "a\n").unwrap(), Compared::Nothing));
        bless(&capture, "a\n").unwrap();
        assert!(folder.path().join("boot.expect").exists());
        assert!(matches!(compare(&capture, "a\n").unwrap(), Compared::Same));
        assert!(matches!(compare(&capture, "b\n").unwrap(), Compared::Other(_)));
    }
}
