//! Shell scripts, and kickstart files, whose commands are split in the same way.
//!
//! A small reader of quotes follows the text (POSIX, XCU 2.2 and 2.7.4). It need not know what a
//! script does, only whether a word may begin where a value stands. Where it cannot be sure, it
//! refuses.

use super::Misplaced;
use crate::marks::{END, FOR_SHELL, SCRIPT, VALUE};

/// What the text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Syntax {
    /// Lines of a shell.
    Script,
    /// Commands with sections of shell between `%pre`, `%post` and `%end`.
    Kickstart,
}

/// Quotes and substitutions within each other that are followed.
const DEPTH_MAX: usize = 32;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Within {
    Single,
    Double,
    /// `(` or `$(`.
    Parentheses,
    Backticks,
}

#[derive(Debug)]
struct HereDocument {
    end: String,
    tabs: bool,
    /// Its end is quoted: nothing within means anything.
    quoted: bool,
}

struct Reader {
    syntax: Syntax,
    line: usize,
    within: Vec<Within>,
    escaped: bool,
    comment: bool,
    /// The character before, for `$'` and for `#` at the beginning of a word.
    before: char,
    /// The line goes on from the one before.
    joined: bool,
    /// The line so far, for the end of a here-document.
    own_line: String,
    awaited: Vec<HereDocument>,
    here: Option<HereDocument>,
    /// Something stood before that only a shell can follow: from here on we may be wrong.
    lost: bool,
    /// Within a section of a kickstart file that a shell runs.
    section: bool,
    /// Within one that another interpreter runs, whose quotes are not a shell's.
    foreign: bool,
}

/// Sections whose lines a shell runs (pykickstart, sections.py).
const SHELL_SECTIONS: [&str; 5] = ["%pre", "%pre-install", "%post", "%onerror", "%traceback"];

/// Interpreters whose quotes are those of a shell.
const SHELLS: [&str; 4] = ["/bin/sh", "/usr/bin/sh", "/bin/bash", "/usr/bin/bash"];

/// Whether every value may stand where it does.
pub(super) fn check(marked: &str, syntax: Syntax) -> Result<(), Misplaced> {
    if !marked.contains([VALUE, FOR_SHELL, SCRIPT]) {
        return Ok(());
    }
    let mut reader = Reader {
        syntax,
        line: 1,
        within: Vec::new(),
        escaped: false,
        comment: false,
        before: '\n',
        joined: false,
        own_line: String::new(),
        awaited: Vec::new(),
        here: None,
        lost: false,
        section: false,
        foreign: false,
    };
    let mut rest = marked.chars();
    while let Some(c) = rest.next() {
        if c == VALUE || c == FOR_SHELL {
            reader.value()?;
            if c == VALUE {
                reader.command_name()?;
            }
            let lines = rest.by_ref().take_while(|c| *c != END).filter(|c| *c == '\n').count();
            reader.line = reader.line.saturating_add(lines);
            reader.before = 'x';
            reader.own_line.push('x');
            continue;
        }
        if c == SCRIPT {
            reader.script()?;
            continue;
        }
        reader.step(c, rest.as_str())?;
    }
    Ok(())
}

impl Reader {
    fn refuse<T>(&self, why: &str) -> Result<T, Misplaced> {
        Err(Misplaced::new(self.line, why))
    }

    /// A value begins here.
    fn value(&self) -> Result<(), Misplaced> {
        if self.lost {
            return self.refuse(
                "a value stands behind what cannot be followed safely: double quotes or `case` within \
                 a substitution within double quotes, or a here-document that is not quoted and holds \
                 `$(`, `${`, a backtick or a backslash at the end of a line; put the value in a \
                 variable before",
            );
        }
        if self.foreign {
            return self.refuse(
                "a value stands in a section for another interpreter than a shell, and is quoted for \
                 a shell; pass it by a file that a section of shell writes",
            );
        }
        if self.here.is_some() {
            return self.refuse("a value stands in a here-document; put it in a variable before");
        }
        if self.comment {
            return self.refuse("a value stands in a comment, which a line break in it would end");
        }
        if self.within.contains(&Within::Single) || self.within.contains(&Within::Double) {
            return self.refuse(
                "a value stands between quotes, but brings its own: take the quotes away, or put it \
                 in a variable before",
            );
        }
        if self.within.contains(&Within::Backticks) {
            return self.refuse("a value stands between backticks; write `$( )`");
        }
        if self.escaped || self.before == '$' {
            return self.refuse("a value stands behind `\\` or `$`, which would change its quotes");
        }
        Ok(())
    }

    /// A value is no command: which one runs must be written out.
    fn command_name(&self) -> Result<(), Misplaced> {
        const BEFORE_COMMANDS: [&str; 10] =
            ["then", "do", "else", "elif", "if", "while", "until", "!", "{", "&&"];
        let before = self.own_line.trim_end();
        let word = before.rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default();
        let apart = before.len() < self.own_line.len() || before.is_empty();
        let begins = before.is_empty() && !self.joined
            || before.ends_with([';', '|', '&', '(', ')'])
            || apart && BEFORE_COMMANDS.contains(&word);
        if begins {
            return self.refuse("a value stands where the name of a command does; write that out");
        }
        Ok(())
    }

    /// The lines of a whole script begin here.
    fn script(&self) -> Result<(), Misplaced> {
        let begins = self.own_line.trim().is_empty() && self.within.is_empty();
        if self.section && begins && self.here.is_none() {
            return Ok(());
        }
        self.refuse(
            "a script stands outside of the sections that a shell runs, or not at the beginning of a \
             line of one",
        )
    }

    fn step(&mut self, c: char, rest: &str) -> Result<(), Misplaced> {
        if c == '\n' {
            self.end_of_line();
            return Ok(());
        }
        self.own_line.push(c);
        if self.here.is_some() || self.comment {
            return Ok(());
        }
        if std::mem::take(&mut self.escaped) {
            self.before = 'x';
            return Ok(());
        }
        match self.within.last() {
            Some(Within::Single) => {
                if c == '\'' {
                    self.within.pop();
                }
            }
            Some(Within::Double) => self.in_double(c)?,
            _ if self.is_command() => self.in_command(c)?,
            _ => self.in_plain(c, rest)?,
        }
        // A backslash may yet turn out to join two lines, and is then nothing.
        if !self.escaped {
            self.before = c;
        }
        Ok(())
    }

    fn end_of_line(&mut self) {
        let line = std::mem::take(&mut self.own_line);
        self.line = self.line.saturating_add(1);
        self.comment = false;
        // A backslash before the end of a line takes both away.
        let joined = std::mem::take(&mut self.escaped);
        self.joined = joined && self.syntax == Syntax::Script;
        self.before = if joined { self.before } else { '\n' };
        if let Some(here) = &self.here {
            // Without quotes around its end a backslash joins the next line, which may be the end,
            // and so may a substitution.
            let means = line.ends_with('\\')
                || line.contains("$(")
                || line.contains("${")
                || line.contains('`');
            self.lost |= means && !here.quoted;
            let line = if here.tabs { line.trim_start_matches('\t') } else { line.as_str() };
            if line == here.end {
                self.here = self.next_here();
            }
        } else if !self.in_quotes() && !joined {
            self.here = self.next_here();
        }
        let first = line.split_whitespace().next().unwrap_or_default();
        if self.syntax == Syntax::Kickstart && SHELL_SECTIONS.contains(&first) {
            self.section = true;
            self.foreign = line.split_whitespace().any(|word| {
                let named = word.strip_prefix("--interpreter");
                named.is_some_and(|path| !SHELLS.contains(&path.trim_start_matches('=')))
            });
        }
        // Commands of a kickstart file are split line by line.
        if self.syntax == Syntax::Kickstart && !self.section {
            self.within.clear();
            self.awaited.clear();
            self.here = None;
            self.lost = false;
        }
        // A section of a kickstart file ends whatever its script left open.
        if self.syntax == Syntax::Kickstart && first == "%end" {
            self.within.clear();
            self.awaited.clear();
            self.here = None;
            self.lost = false;
            self.section = false;
            self.foreign = false;
        }
    }

    fn next_here(&mut self) -> Option<HereDocument> {
        (!self.awaited.is_empty()).then(|| self.awaited.remove(0))
    }

    fn in_quotes(&self) -> bool {
        matches!(self.within.last(), Some(Within::Single | Within::Double))
    }

    fn enter(&mut self, within: Within) -> Result<(), Misplaced> {
        if self.within.len() >= DEPTH_MAX {
            return self.refuse("more quotes and parentheses within each other than are followed");
        }
        self.within.push(within);
        Ok(())
    }

    /// A command of a kickstart file: Python's shlex knows quotes, backslashes and comments alone.
    fn in_command(&mut self, c: char) -> Result<(), Misplaced> {
        match c {
            '\\' => self.escaped = true,
            '"' => self.enter(Within::Double)?,
            '\'' => self.enter(Within::Single)?,
            '#' => self.comment = true,
            _ => {}
        }
        Ok(())
    }

    fn is_command(&self) -> bool {
        self.syntax == Syntax::Kickstart && !self.section
    }

    fn in_double(&mut self, c: char) -> Result<(), Misplaced> {
        match c {
            '\\' => self.escaped = true,
            '"' => {
                self.within.pop();
            }
            '(' if self.before == '$' && !self.is_command() => self.enter(Within::Parentheses)?,
            '`' if !self.is_command() => self.backtick()?,
            _ => {}
        }
        Ok(())
    }

    fn in_plain(&mut self, c: char, rest: &str) -> Result<(), Misplaced> {
        // The `)` behind a pattern of `case` ends no substitution.
        if c == 'c' && rest.starts_with("ase") && self.within.contains(&Within::Double) {
            self.lost = true;
        }
        match c {
            '\\' => self.escaped = true,
            '"' if self.within.contains(&Within::Double) => {
                // `"$(case x in a) echo "y";; esac)"`: whose quote this is, only a shell can say.
                self.lost = true;
                self.enter(Within::Double)?;
            }
            '"' => self.enter(Within::Double)?,
            '\'' => self.enter(Within::Single)?,
            '`' => self.backtick()?,
            '(' => self.enter(Within::Parentheses)?,
            ')' if self.within.last() == Some(&Within::Parentheses) => {
                self.within.pop();
            }
            '#' if self.before.is_whitespace() || ";&|()".contains(self.before) => {
                self.comment = true;
            }
            '<' if self.before == '<' => self.here_document(rest),
            _ => {}
        }
        Ok(())
    }

    fn backtick(&mut self) -> Result<(), Misplaced> {
        match self.within.iter().rposition(|w| *w == Within::Backticks) {
            Some(at) => {
                self.within.truncate(at);
                Ok(())
            }
            None => self.enter(Within::Backticks),
        }
    }

    /// `<<END`, `<<-END`, `<<'END'`; `<<<` is no here-document.
    fn here_document(&mut self, rest: &str) {
        if rest.starts_with('<') || self.own_line.ends_with("<<<") {
            return;
        }
        let (tabs, rest) = match rest.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let word = rest.trim_start_matches([' ', '\t']);
        let end = word.split(|c: char| c.is_whitespace() || ";&|()<>".contains(c)).next();
        let written = end.unwrap_or_default();
        let end = written.replace(['\'', '"', '\\'], "");
        let quoted = end != written;
        self.awaited.push(HereDocument { end, tabs, quoted });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_script(text: &str) -> Result<(), Misplaced> {
        let marked = text.replace('@', &format!("{VALUE}'v'{END}"));
        check(&marked, Syntax::Script)
    }

    #[test]
    fn a_value_may_stand_where_a_word_may() {
        for good in [
            "echo @",
            "a=@\nb=\"$a\" # it's\necho @",
            "x=$(cat @)",
            "echo \"it's\" @",
            "echo \\\" @",
            "if [ -n @ ]; then (echo @); fi",
            "echo 'a'@'b'",
            "cat <<'E'\nit's\nE\necho @",
            "cat <<-E\n\ttext\n\tE\necho @",
            "echo \"$(echo 'x')\" @",
            "echo ${#x} @",
            "case a in a) echo @;; esac",
            "for a in b \\\n@; do c; done",
            "echo @; echo \"$(echo \"x\")\"",
        ] {
            assert_eq!(check_script(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_value_may_not_stand_where_its_quotes_would_mean_something_else() {
        for bad in [
            "echo '@'",
            "echo \"@\"",
            "# @",
            "echo \\@",
            "echo $@",
            "echo `echo @`",
            "@",
            "  @ x",
            "true; @",
            "true && @",
            "if @; then b; fi",
            "x=$(@)",
            "echo \"$(echo @)\"",
            "cat <<E\n@\nE",
            "cat <<'E'\n@\nE",
            "cat <<A <<B\nA\n@\nB",
            "cat <<E\n\\\nE\n@",
            "echo \\\n# @",
            "cat <<E\n\"$(echo \"\nE\n\")\" @",
            "echo \"$(echo \"@\")\"",
            "echo \"$(case x in a) echo \"b\";; esac)\" @",
            "echo \"$(case x in a) echo \"@\";; esac)\"",
            "echo '\n@'",
            "echo \"`echo \\\"@\\\"`\"",
        ] {
            assert!(check_script(bad).is_err(), "{bad}");
        }
        assert_eq!(check_script("echo @\n\necho '@'").map_err(|m| m.line), Err(3));
    }
}
