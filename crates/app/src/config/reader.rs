//! Reads one table of a TOML file key by key. Everything wrong is noted with its place, and
//! reading goes on, so that the operator sees all faults at once.

use super::fault::{Fault, nearest};
use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its place, in bytes of the file.
    pub at: Range<usize>,
}

/// All faults found so far.
pub type Faults = RefCell<Vec<Fault>>;

/// A table being read.
pub struct Section<'a> {
    /// As the file writes it: `[http]`, `[[network]]`.
    title: String,
    /// Where it stands.
    pub at: Range<usize>,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
    faults: &'a Faults,
}

impl<'a> Section<'a> {
    /// A table that was found under `title`.
    pub fn new(title: &str, at: Range<usize>, table: &'a DeTable<'a>, faults: &'a Faults) -> Self {
        Self { title: title.to_owned(), at, table, asked: Vec::new(), faults }
    }

    fn find(&mut self, key: &'static str) -> Option<(&'a DeValue<'a>, Range<usize>)> {
        self.asked.push(key);
        let value = self.table.get(key)?;
        Some((value.get_ref(), value.span()))
    }

    /// Whether a key is written, whatever it says.
    pub fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// Notes a fault.
    pub fn fault(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    fn wrong_kind(&self, key: &str, value: &DeValue<'_>, at: Range<usize>, wanted: &str) {
        let what = format!("`{key}` takes {wanted}, not {}", with_article(value.type_str()));
        self.fault(Fault::new(at, what));
    }

    /// Text.
    pub fn text(&mut self, key: &'static str) -> Option<At<String>> {
        let (value, at) = self.find(key)?;
        match value.as_str() {
            Some(text) => Some(At { value: text.to_owned(), at }),
            None => {
                self.wrong_kind(key, value, at, "text in quotes");
                None
            }
        }
    }

    /// Text with a meaning; `of` says which, or why it has none.
    pub fn meant<T>(
        &mut self,
        key: &'static str,
        of: impl Fn(&str) -> Result<T, String>,
    ) -> Option<At<T>> {
        let text = self.text(key)?;
        self.mean(text, of)
    }

    fn mean<T>(&self, text: At<String>, of: impl Fn(&str) -> Result<T, String>) -> Option<At<T>> {
        match of(&text.value) {
            Ok(value) => Some(At { value, at: text.at }),
            Err(why) => {
                self.fault(Fault::new(text.at, why));
                None
            }
        }
    }

    /// Text that is one of the names of a type.
    pub fn named<T: FromStr>(&mut self, key: &'static str, names: &[&str]) -> Option<At<T>> {
        let text = self.text(key)?;
        match text.value.parse() {
            Ok(value) => Some(At { value, at: text.at }),
            Err(_) => {
                self.fault(no_such_name(key, &text, names));
                None
            }
        }
    }

    /// One text, or a list of texts, each with a meaning.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        of: impl Fn(&str) -> Result<T, String>,
    ) -> Option<At<Vec<At<T>>>> {
        let (value, at) = self.find(key)?;
        let one = |value: &DeValue<'_>, at: Range<usize>| match value.as_str() {
            Some(text) => self.mean(At { value: text.to_owned(), at }, &of),
            None => {
                self.wrong_kind(key, value, at, "text in quotes");
                None
            }
        };
        let all = match value.as_array() {
            Some(list) => list.iter().filter_map(|v| one(v.get_ref(), v.span())).collect(),
            None => one(value, at.clone()).into_iter().collect(),
        };
        Some(At { value: all, at })
    }

    /// A TCP or UDP port.
    pub fn port(&mut self, key: &'static str) -> Option<At<u16>> {
        let (value, at) = self.find(key)?;
        let number =
            value.as_integer().and_then(|n| u16::from_str_radix(n.as_str(), n.radix()).ok());
        match number.filter(|port| *port > 0) {
            Some(value) => Some(At { value, at }),
            None => {
                let what = format!("`{key}` takes a port, a number from 1 to 65535");
                self.fault(Fault::new(at, what));
                None
            }
        }
    }

    /// A number within limits.
    pub fn number(&mut self, key: &'static str, within: RangeInclusive<u64>) -> Option<At<u64>> {
        let (value, at) = self.find(key)?;
        let number =
            value.as_integer().and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        match number.filter(|number| within.contains(number)) {
            Some(value) => Some(At { value, at }),
            None => {
                let (least, most) = (within.start(), within.end());
                let what = format!("`{key}` takes a number from {least} to {most}");
                self.fault(Fault::new(at, what));
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> Option<At<bool>> {
        let (value, at) = self.find(key)?;
        match value.as_bool() {
            Some(value) => Some(At { value, at }),
            None => {
                self.wrong_kind(key, value, at, "true or false");
                None
            }
        }
    }

    /// A key that only has to be known: where it stands, if it does.
    pub fn place(&mut self, key: &'static str) -> Option<Range<usize>> {
        self.find(key)?;
        self.table.get_key_value(key).map(|(key, _)| key.span())
    }

    /// Text, without asking for it: nothing is noted, and the key stays to be read.
    pub fn peek_text(&self, key: &str) -> Option<At<String>> {
        let value = self.table.get(key)?;
        let text = value.get_ref().as_str()?.to_owned();
        Some(At { value: text, at: value.span() })
    }

    /// A key that is known but not looked at.
    pub fn take(&mut self, key: &'static str) {
        self.asked.push(key);
    }

    /// A table inside this one.
    pub fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        let (value, at) = self.find(key)?;
        match value.as_table() {
            Some(table) => Some(Section::new(&format!("[{key}]"), at, table, self.faults)),
            None => {
                self.wrong_kind(key, value, at, &format!("a table: write [{key}]"));
                None
            }
        }
    }

    /// All tables of an array of tables.
    pub fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some((value, at)) = self.find(key) else {
            return Vec::new();
        };
        let above = self.title.trim_matches(['[', ']']);
        let title = match above {
            "" => format!("[[{key}]]"),
            above => format!("[[{above}.{key}]]"),
        };
        let Some(list) = value.as_array() else {
            let what = format!("`{key}` may stand several times, so it is written {title}");
            self.fault(Fault::new(at, what));
            return Vec::new();
        };
        let mut all = Vec::new();
        for value in list.iter() {
            match value.get_ref().as_table() {
                Some(table) => all.push(Section::new(&title, value.span(), table, self.faults)),
                None => self.wrong_kind(key, value.get_ref(), value.span(), &title),
            }
        }
        all
    }

    /// Every key and value in the order of the file, for a table whose keys are not known
    /// beforehand.
    pub fn entries(&self) -> Vec<(At<String>, At<&'a DeValue<'a>>)> {
        let entry = |(key, value): (&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)| {
            let key = At { value: key.get_ref().to_string(), at: key.span() };
            (key, At { value: value.get_ref(), at: value.span() })
        };
        let mut all: Vec<_> = self.table.iter().map(entry).collect();
        all.sort_by_key(|(key, _)| key.at.start);
        all
    }

    /// A table inside this one, that stands under a key of [`Section::entries`].
    pub fn inner(&self, title: &str, value: &At<&'a DeValue<'a>>) -> Option<Section<'a>> {
        let table = value.value.as_table()?;
        Some(Section::new(title, value.at.clone(), table, self.faults))
    }

    /// A value of any kind.
    pub fn any(&mut self, key: &'static str) -> Option<At<&'a DeValue<'a>>> {
        let (value, at) = self.find(key)?;
        Some(At { value, at })
    }

    /// As the file writes it: `[http]`, `[[network]]`.
    pub fn titled(&self) -> &str {
        &self.title
    }

    /// Notes every key that nobody asked for.
    pub fn finish(self) {
        for (key, _) in self.table.iter() {
            let name = key.get_ref().as_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let shown = model::text::show(name.as_bytes());
            let place =
                if self.title.is_empty() { String::new() } else { format!(" in {}", self.title) };
            let fault = Fault::new(key.span(), format!("unknown key `{shown}`{place}"));
            self.fault(match nearest(name, self.asked.iter().copied()) {
                Some(near) => fault.label(format!("did you mean `{near}`?")),
                None => fault.hint(format!("keys that are known here: {}", self.asked.join(", "))),
            });
        }
    }
}

fn no_such_name(key: &str, text: &At<String>, names: &[&str]) -> Fault {
    let shown = model::text::show(text.value.as_bytes());
    let fault = Fault::new(text.at.clone(), format!("`{shown}` is no value of `{key}`"));
    let fault = match nearest(&text.value, names.iter().copied()) {
        Some(near) => fault.label(format!("did you mean \"{near}\"?")),
        None => fault,
    };
    fault.hint(format!("write one of {}", names.join(", ")))
}

/// `an integer`, `a table`.
pub fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {kind}")
}
