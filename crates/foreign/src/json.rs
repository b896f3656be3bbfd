//! JSON, and what Kea adds to it: comments (`//`, `#`, `/* */`) and trailing commas; every value with
//! the line where it begins.

/// Objects inside objects; deeper is refused.
const DEPTH_MAX: usize = 64;

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    pub line: u32,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Object(Vec<(String, Value)>),
    List(Vec<Value>),
    Text(String),
    /// A number, `true`, `false` or `null`, as it stands.
    Word(String),
}

impl Value {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// All keys with their values; nothing where it is no object.
    pub fn entries(&self) -> &[(String, Self)] {
        match &self.what {
            What::Object(entries) => entries,
            _ => &[],
        }
    }

    /// What stands in a list; nothing where it is none.
    pub fn list(&self) -> &[Self] {
        match &self.what {
            What::List(all) => all,
            _ => &[],
        }
    }

    /// A text or a word.
    pub fn text(&self) -> &str {
        match &self.what {
            What::Text(text) | What::Word(text) => text,
            _ => "",
        }
    }
}

/// What is wrong, and in which line.
pub type Wrong = (u32, &'static str);

/// Reads a whole text.
pub fn parse(text: &str) -> Result<Value, Wrong> {
    let mut reader = Reader { rest: text, line: 1 };
    let value = reader.value(0)?;
    reader.blank()?;
    if !reader.rest.is_empty() {
        return Err((reader.line, "something follows after the end of the JSON"));
    }
    Ok(value)
}

struct Reader<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Reader<'a> {
    /// Takes so many bytes, which end at a character, and counts their lines.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        let lines = taken.bytes().filter(|b| *b == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = rest;
        taken
    }

    /// Blanks and comments.
    fn blank(&mut self) -> Result<(), Wrong> {
        loop {
            let blanks = self.rest.len() - self.rest.trim_start().len();
            self.take(blanks);
            if self.rest.starts_with('#') || self.rest.starts_with("//") {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                let end = self.rest.find("*/").ok_or((self.line, "a comment has no end"))?;
                self.take(end + 2);
            } else if self.rest.starts_with("<?") {
                return Err((self.line, "an <?include?> is not followed: write it out"));
            } else {
                return Ok(());
            }
        }
    }

    fn eat(&mut self, sign: char) -> Result<bool, Wrong> {
        self.blank()?;
        let there = self.rest.starts_with(sign);
        if there {
            self.take(sign.len_utf8());
        }
        Ok(there)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Wrong> {
        self.blank()?;
        let line = self.line;
        if depth > DEPTH_MAX {
            return Err((line, "there are too many braces inside each other"));
        }
        let what = match self.rest.chars().next() {
            None => return Err((line, "the file ends too early")),
            Some('{') => self.object(depth)?,
            Some('[') => self.many(depth)?,
            Some('"') => What::Text(self.string()?),
            Some(_) => self.word()?,
        };
        Ok(Value { line, what })
    }

    fn object(&mut self, depth: usize) -> Result<What, Wrong> {
        self.take(1);
        let mut entries = Vec::new();
        loop {
            if self.eat('}')? {
                return Ok(What::Object(entries));
            }
            if !self.rest.starts_with('"') {
                return Err((self.line, "a name in quotes is missing here, or a closing brace"));
            }
            let name = self.string()?;
            if !self.eat(':')? {
                return Err((self.line, "a colon is missing here"));
            }
            entries.push((name, self.value(depth + 1)?));
            if !self.eat(',')? && !self.rest.starts_with('}') {
                return Err((self.line, "a comma is missing here, or a closing brace"));
            }
        }
    }

    fn many(&mut self, depth: usize) -> Result<What, Wrong> {
        self.take(1);
        let mut all = Vec::new();
        loop {
            if self.eat(']')? {
                return Ok(What::List(all));
            }
            all.push(self.value(depth + 1)?);
            if !self.eat(',')? && !self.rest.starts_with(']') {
                return Err((self.line, "a comma is missing here, or a closing bracket"));
            }
        }
    }

    fn string(&mut self) -> Result<String, Wrong> {
        let line = self.line;
        self.take(1);
        let mut out = String::new();
        loop {
            let stop = self.rest.find(['"', '\\']).ok_or((line, "a text has no closing quote"))?;
            out.push_str(self.take(stop));
            if self.take(1) == "\"" {
                return Ok(out);
            }
            let escaped = self.rest.chars().next().ok_or((line, "a text has no closing quote"))?;
            self.take(escaped.len_utf8());
            out.push(match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => self.code()?,
                other => other,
            });
        }
    }

    /// The four digits behind `\u`; half a pair is replaced.
    fn code(&mut self) -> Result<char, Wrong> {
        let digits = self.rest.get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let digits = digits.ok_or((self.line, "four hexadecimal digits are missing behind \\u"))?;
        let code = u32::from_str_radix(digits, 16).unwrap_or(0xfffd);
        self.take(4);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn word(&mut self) -> Result<What, Wrong> {
        let part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        match self.take(end) {
            "" => Err((self.line, "a value is missing here")),
            word => Ok(What::Word(word.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_are_taken_and_lines_are_counted() {
        let text = "// one\n{ # two\n /* three\n */ \"a\": [1, true,],\n \"b\": \"x\\u0041\\n\", }";
        let value = parse(text).unwrap();
        assert_eq!(value.get("a").unwrap().list().len(), 2);
        assert_eq!((value.get("b").unwrap().text(), value.get("b").unwrap().line), ("xA\n", 5));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, line) in [("{\n\"a\" 1}", 2), ("", 1), ("[1\n2]", 2), ("{\"a", 1), ("{}\nx", 2)]
        {
            assert_eq!(parse(text).unwrap_err().0, line, "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
