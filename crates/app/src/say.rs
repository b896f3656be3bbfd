//! How we talk: data on stdout, talk on stderr, no colour, nothing that needs a terminal.

use crate::failure::Failure;
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Write};

/// A line of data. When nobody reads any more (`| head`), the program ends without a word.
pub fn line(text: impl AsRef<str>) {
    if write_line(text.as_ref()).is_err() {
        std::process::exit(0);
    }
}

/// A line of data of a server, which runs on when nobody reads any more.
pub fn line_if_read(text: impl AsRef<str>) {
    // Whoever started us and went away asked for service, not for lines.
    let _ = write_line(text.as_ref());
}

fn write_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// A line of talk.
pub fn note(text: impl AsRef<str>) {
    // There is nowhere left to complain to.
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// A value as JSON, for programs.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value);
    line(text.map_err(|e| Failure::failed(format!("cannot be written as JSON: {e}")))?);
    Ok(())
}

/// A listing: JSON if that was asked for, a table otherwise.
pub fn listing<T: Serialize, const N: usize>(
    as_json: bool,
    all: &[T],
    head: [&str; N],
    row: impl Fn(&T) -> [String; N],
) -> Result<(), Failure> {
    if as_json {
        return json(&all);
    }
    if all.is_empty() {
        note("(none)");
        return Ok(());
    }
    let rows: Vec<[String; N]> = all.iter().map(row).collect();
    for text in table(head, &rows) {
        line(text);
    }
    Ok(())
}

/// Aligned columns, two spaces apart.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let head = head.map(str::to_owned);
    let width = |column: usize| {
        let of = |row: &[String; N]| row.get(column).map_or(0, |cell| cell.chars().count());
        rows.iter().chain([&head]).map(of).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let show = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<String>>().join("  ").trim_end().to_owned()
    };
    std::iter::once(&head).chain(rows).map(show).collect()
}

/// Names with their values below each other: one thing shown.
pub fn card(rows: &[(&str, String)]) {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        line(format!("{name:width$}  {value}"));
    }
}

/// What may be missing, as `-`.
pub fn or_dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// Asks for a yes. Without a terminal nobody can answer, and that is said.
pub fn confirm(yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::refused("not done: nobody is there to say yes").hint("add --yes"));
    }
    let mut err = io::stderr().lock();
    // If the question cannot be written, the answer will not be yes either.
    let _ = write!(err, "Go on? [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    match (read, answer.trim()) {
        (Ok(_), "y" | "Y" | "yes" | "Yes") => Ok(()),
        _ => Err(Failure::refused("not done")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_by_characters_and_ends_without_blanks() {
        let rows = [["a".to_owned(), "ü→x".to_owned()], ["longer".to_owned(), String::new()]];
        let shown = table(["NAME", "WHAT"], &rows);
        assert_eq!(shown, ["NAME    WHAT", "a       ü→x", "longer"]);
    }
}
