//! Whether a text is a file of its format, as far as that can be said cheaply: well-formed, and
//! with what its reader looks for first.
//!
//! In: text. Out: nothing, or what is wrong with it and where. Never: a judgement of what it does.

use crate::context;
use crate::error::{AnswerError, Why};
use crate::template::Format;

/// Whether a text is well-formed. `name` is who is named in the error.
pub fn validate(name: &str, format: Format, text: &str) -> Result<(), AnswerError> {
    let wrong = |line: u32, what: String| {
        let why = Why::NotWellFormed(format!("line {line} of it: {what}"));
        AnswerError::new(name, why)
    };
    context::checked(format.escape(), text).map_err(|m| wrong(m.line, m.why))?;
    match format {
        // cloud-init tells what a file is by its first line, and passes over what it does not know.
        Format::UserData | Format::VendorData if !text.starts_with("#cloud-config\n") => {
            Err(wrong(1, "its first line must be `#cloud-config`".into()))
        }
        Format::Ipxe if !text.starts_with("#!ipxe\n") => {
            Err(wrong(1, "its first line must be `#!ipxe`".into()))
        }
        Format::Ignition => ignition(text).map_err(|what| wrong(1, what)),
        Format::Preseed => preseed(text).map_err(|(line, what)| wrong(line, what)),
        Format::Kickstart => kickstart(text).map_err(|(line, what)| wrong(line, what)),
        _ => Ok(()),
    }
}

/// Ignition, specification 3: refuses what has no version it knows.
fn ignition(text: &str) -> Result<(), String> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let version = value.pointer("/ignition/version").and_then(|v| v.as_str()).unwrap_or_default();
    if version.starts_with("3.") {
        return Ok(());
    }
    Err("`ignition.version` must be there and begin with `3.`".into())
}

/// Every line: owner, name, type.
fn preseed(text: &str) -> Result<(), (u32, String)> {
    let mut joined = false;
    for (number, line) in (1u32..).zip(text.split('\n')) {
        let goes_on = line.ends_with('\\');
        let bare = line.trim();
        let counts =
            !std::mem::replace(&mut joined, goes_on) && !bare.is_empty() && !bare.starts_with('#');
        if counts && bare.split_whitespace().count() < 3 {
            return Err((number, "it is not `owner name type value`".into()));
        }
    }
    Ok(())
}

/// Every section ends, and none begins within another.
fn kickstart(text: &str) -> Result<(), (u32, String)> {
    const SECTIONS: [&str; 8] = [
        "%pre",
        "%pre-install",
        "%post",
        "%packages",
        "%addon",
        "%onerror",
        "%traceback",
        "%certificate",
    ];
    let mut open: Option<(u32, &str)> = None;
    for (number, line) in (1u32..).zip(text.split('\n')) {
        let first = line.split_whitespace().next().unwrap_or_default();
        match (first, open) {
            ("%end", Some(_)) => open = None,
            ("%end", None) => return Err((number, "`%end` ends nothing".into())),
            (first, None) if SECTIONS.contains(&first) => open = Some((number, first)),
            (first, Some((_, within))) if SECTIONS.contains(&first) => {
                return Err((number, format!("`{first}` begins before `{within}` has ended")));
            }
            _ => {}
        }
    }
    match open {
        Some((number, section)) => Err((number, format!("`{section}` is not ended by `%end`"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_of_its_format_is_named_with_its_line() {
        let line = |format, text| validate("t", format, text).map_err(|e| e.to_string());
        assert_eq!(line(Format::UserData, "#cloud-config\na: 1\n"), Ok(()));
        assert!(line(Format::UserData, "a: 1\n").is_err_and(|e| e.contains("line 1")));
        assert!(line(Format::MetaData, "a: 'b\nc: d\n").is_err());
        assert!(line(Format::Ignition, "{\"ignition\": {\"version\": \"2.0.0\"}}").is_err());
        assert_eq!(line(Format::Ignition, "{\"ignition\": {\"version\": \"3.4.0\"}}"), Ok(()));
        assert!(
            line(Format::Preseed, "d-i a/b string x\nd-i a/c\n")
                .is_err_and(|e| e.contains("line 2"))
        );
        assert_eq!(line(Format::Preseed, "d-i a/b string x \\\n y\n# c\n"), Ok(()));
        for (text, at) in
            [("%pre\n", "line 1"), ("text\n%end\n", "line 2"), ("%pre\n%post\n%end\n", "line 2")]
        {
            assert!(line(Format::Kickstart, text).is_err_and(|e| e.contains(at)), "{text}");
        }
        assert!(line(Format::AutoYast, "<a><b></a>").is_err());
        assert!(line(Format::Ipxe, "echo").is_err());
    }
}
