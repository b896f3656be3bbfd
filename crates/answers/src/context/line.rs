//! Formats of lines: a value may stand only behind what says what it is the value of.

use super::Misplaced;
use crate::marks::{FOR_SHELL, VALUE, stripped};

/// For each line that holds a value: its number, the text before the first one, and the line.
fn lines_with_values(marked: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    (1usize..).zip(marked.split('\n')).filter_map(|(number, line)| {
        let (before, _) = line.split_once([VALUE, FOR_SHELL])?;
        Some((number, before, line))
    })
}

/// `owner name type value`. What a shell will read must be quoted for it as well.
pub(super) fn preseed(marked: &str) -> Result<(), Misplaced> {
    for (number, before, line) in lines_with_values(marked) {
        if before.trim_start().starts_with('#') {
            continue;
        }
        if before.split_whitespace().count() < 3 || !before.contains([' ', '\t']) {
            return Err(Misplaced::new(
                number,
                "a value stands where the owner, the name or the type of a question must be written \
                 out",
            ));
        }
        let name = before.split_whitespace().nth(1).unwrap_or_default();
        let runs = name.ends_with("_command") || name.ends_with("/run");
        if runs && line.contains(VALUE) {
            return Err(Misplaced::new(
                number,
                format!("`{name}` is run by a shell: write `{{{{ value | sh }}}}` here"),
            ));
        }
        if runs {
            // Between quotes of the line's own a quoted word would end them.
            super::shell::check(line, super::shell::Syntax::Script)
                .map_err(|misplaced| Misplaced::new(number, misplaced.why))?;
        }
    }
    Ok(())
}

/// `name = value`.
pub(super) fn ini(marked: &str) -> Result<(), Misplaced> {
    for (number, before, _) in lines_with_values(marked) {
        if !before.contains(['=', ':']) || before.trim_start().starts_with('[') {
            return Err(Misplaced::new(number, "a value stands where no `name =` is before it"));
        }
    }
    Ok(())
}

/// `command arguments`. What `${` would begin is looked for across the seams of values, too.
pub(super) fn ipxe(marked: &str) -> Result<(), Misplaced> {
    for (number, before, line) in lines_with_values(marked) {
        if before.split_whitespace().next().is_none()
            || before.trim_start() == before.trim() && {
                // The command itself must end before the value begins.
                before.split_whitespace().count() == 1 && !before.ends_with([' ', '\t'])
            }
        {
            return Err(Misplaced::new(
                number,
                "a value stands where a command must be written out",
            ));
        }
        let own = stripped(&line.replace([VALUE, FOR_SHELL], "\u{1}"));
        if own.contains("$\u{1}") || unclosed_setting(&own) {
            return Err(Misplaced::new(number, "a value stands within `${` and `}`"));
        }
    }
    Ok(())
}

/// Whether a value (written as U+0001) begins between `${` and `}`.
fn unclosed_setting(line: &str) -> bool {
    line.split("${")
        .skip(1)
        .any(|rest| rest.split('}').next().unwrap_or_default().contains('\u{1}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::END;

    fn marked(text: &str) -> String {
        text.replace('<', &VALUE.to_string())
            .replace('[', &FOR_SHELL.to_string())
            .replace('>', &END.to_string())
    }

    #[test]
    fn a_value_is_never_the_name_of_a_question_or_a_command() {
        for good in [
            "d-i netcfg/get_hostname string <x>",
            "# <x>",
            "d-i a/late_command string in-target hostname ['x'>",
        ] {
            assert_eq!(preseed(&marked(good)), Ok(()), "{good}");
        }
        for bad in [
            "<x>",
            "d-i <x>",
            "d-i a/b <x>",
            "d-i a/late_command string echo <x>",
            "d-i a/late_command string sh -c \"echo ['x'>\"",
        ] {
            assert!(preseed(&marked(bad)).is_err(), "{bad}");
        }
        for good in ["set name <x>", "kernel http://<x>/linux a=<y>", "echo ${ip} <x>"] {
            assert_eq!(ipxe(&marked(good)), Ok(()), "{good}");
        }
        for bad in ["<x>", " <x> y", "set<x>", "echo $<x>", "echo ${ip:<x>}"] {
            assert!(ipxe(&marked(bad)).is_err(), "{bad}");
        }
        assert_eq!(ini(&marked("a = <x>")), Ok(()));
        assert!(ini(&marked("<x>")).is_err());
    }
}
