//! FOG: the hosts of a database dump (`mysqldump fog`): their names, from table `hosts`, and their
//! MACs, from table `hostMAC`.

use crate::book::Book;
use crate::found::Machine;
use crate::lines::{LINE_MAX, Line, Lines};
use crate::text::hardware;
use std::collections::BTreeMap;
use std::io::{self, BufRead};

/// More hosts than this are not taken over at once.
const HOSTS_MAX: usize = 1 << 20;
/// Columns of a table.
const COLUMNS_MAX: usize = 256;

/// A row of a table that is read.
type Row = Vec<String>;

#[derive(Default)]
struct Dump {
    /// Columns of a table, by its name.
    columns: BTreeMap<String, Vec<String>>,
    /// The table whose `CREATE TABLE` is read.
    creating: Option<String>,
    /// Names by host id.
    names: BTreeMap<String, (u32, String)>,
    /// MACs: line, host id, MAC, whether it is the first.
    macs: Vec<(u32, String, String, bool)>,
    /// Where an INSERT goes on in the next line.
    inserting: Option<String>,
}

pub fn read(book: &mut Book, from: &mut dyn BufRead) -> io::Result<()> {
    let mut dump = Dump::default();
    let mut lines = Lines::new(from);
    while let Some(line) = lines.next()? {
        match line {
            Line::TooLong(line) => {
                let why = format!(
                    "it is longer than {LINE_MAX} bytes: dump with one row a line (mysqldump \
                     --skip-extended-insert)"
                );
                book.leave(line, "a line", why);
            }
            Line::Text(line, text) => dump.one(book, line, text.trim()),
        }
    }
    dump.done(book)
}

impl Dump {
    fn one(&mut self, book: &mut Book, line: u32, text: &str) {
        if let Some(rest) = text.strip_prefix("CREATE TABLE ") {
            let name = quoted(rest).unwrap_or_default().to_owned();
            let known = matters(&name) && self.columns.len() < 4;
            self.creating = known.then(|| name.clone());
            if known {
                self.columns.insert(name, Vec::new());
            }
        } else if let Some(table) = self.creating.clone() {
            match (text.starts_with(')'), text.starts_with('`')) {
                (true, _) => self.creating = None,
                (_, true) => {
                    let columns = self.columns.entry(table).or_default();
                    if columns.len() < COLUMNS_MAX {
                        columns.extend(quoted(text).map(str::to_owned));
                    }
                }
                _ => {}
            }
        } else if let Some(rest) = text.strip_prefix("INSERT INTO ") {
            let table = quoted(rest).unwrap_or_default().to_owned();
            if matters(&table) {
                let values = rest.find("VALUES").and_then(|at| rest.get(at + 6..));
                if let Some(head) = rest.split("VALUES").next().filter(|head| head.contains('(')) {
                    self.columns.insert(table.clone(), named(head));
                }
                self.rows(book, line, &table, values.unwrap_or_default());
                self.inserting = (!text.ends_with(';')).then_some(table);
            } else {
                self.inserting = None;
            }
        } else if let Some(table) = self.inserting.clone() {
            self.rows(book, line, &table, text);
            if text.ends_with(';') {
                self.inserting = None;
            }
        }
    }

    fn rows(&mut self, book: &mut Book, line: u32, table: &str, text: &str) {
        let (rows, broken) = rows(text);
        if broken {
            book.leave(line, &format!("rows of {table}"), "they are not as mysqldump writes them");
        }
        let columns = self.columns.get(table).cloned().unwrap_or_default();
        if columns.is_empty() && !rows.is_empty() {
            let why = "the dump does not say its columns: leave CREATE TABLE in it";
            return book.leave(line, &format!("rows of {table}"), why);
        }
        for row in rows {
            self.row(book, line, table, &columns, &row);
        }
    }

    fn row(&mut self, book: &mut Book, line: u32, table: &str, columns: &[String], row: &Row) {
        let of = |name: &str| {
            let at = columns.iter().position(|column| column == name)?;
            row.get(at).cloned()
        };
        if self.names.len() + self.macs.len() >= HOSTS_MAX {
            return book.leave(line, "a host", "there are too many to be taken over at once");
        }
        if table == "hosts" {
            if let (Some(id), Some(name)) = (of("hostID"), of("hostName")) {
                self.names.insert(id, (line, name));
            }
        } else if let (Some(id), Some(mac)) = (of("hmHostID"), of("hmMAC")) {
            let primary = of("hmPrimary").is_none_or(|primary| primary == "1");
            self.macs.push((line, id, mac, primary));
        }
    }

    fn done(mut self, book: &mut Book) -> io::Result<()> {
        // The first MAC of a host is the one that is marked so.
        self.macs.sort_by_key(|(.., primary)| !primary);
        let mut filed: BTreeMap<String, String> = BTreeMap::new();
        for (line, id, mac, _) in self.macs {
            let name = self.names.get(&id).map(|(_, name)| name.clone());
            let shown = name.clone().unwrap_or_else(|| format!("host {id}"));
            let Some(hardware) = hardware(1, &mac).filter(|mac| mac.bytes().len() == 6) else {
                book.leave(line, &format!("{mac} of {shown}"), "it is no MAC");
                continue;
            };
            if let Some(first) = filed.get(&id) {
                let why = format!("a machine is filed under one MAC here: {first}");
                book.leave(line, &format!("{mac} of {shown}"), why);
                continue;
            }
            filed.insert(id, mac);
            book.machine(line, hardware, Machine { name, ..Machine::default() })?;
        }
        for (id, (line, name)) in &self.names {
            if !filed.contains_key(id) {
                book.leave(*line, &format!("host {name}"), "no row of hostMAC says its MAC");
            }
        }
        if filed.is_empty() {
            let why = "it has no rows of the tables `hosts` and `hostMAC`: is it a dump of FOG's \
                       database (mysqldump fog)?";
            book.leave(0, "the whole file", why);
        } else {
            let why =
                "images and tasks of FOG are not taken over: an image of a disk is no installer";
            book.leave(0, "everything but hosts and their MACs", why);
        }
        Ok(())
    }
}

fn matters(table: &str) -> bool {
    matches!(table, "hosts" | "hostMAC")
}

/// The first name in backquotes.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// `hosts` (`hostID`, `hostName`)
fn named(head: &str) -> Vec<String> {
    let inside = head.split_once('(').map(|(_, inside)| inside).unwrap_or_default();
    inside.split('`').skip(1).step_by(2).take(COLUMNS_MAX).map(str::to_owned).collect()
}

/// `(1,'a','it''s'),(2,NULL,'b')`, and whether something of it could not be read.
fn rows(text: &str) -> (Vec<Row>, bool) {
    let (mut all, mut row): (Vec<Row>, Option<Row>) = (Vec::new(), None);
    let mut cell = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, row.as_mut()) {
            ('(', None) => row = Some(Vec::new()),
            ('\'', Some(_)) => match text_of(&mut chars) {
                Some(text) => cell = text,
                None => return (all, true),
            },
            (',', Some(row)) if row.len() < COLUMNS_MAX => row.push(std::mem::take(&mut cell)),
            (')', Some(open)) => {
                open.push(std::mem::take(&mut cell));
                all.extend(row.take());
            }
            (c, Some(_)) if !c.is_whitespace() => cell.push(c),
            _ => {}
        }
    }
    (all, row.is_some())
}

/// A text up to its closing quote, with escapes undone; none where it has no end.
fn text_of(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut out = String::new();
    loop {
        match chars.next()? {
            '\\' => out.push(chars.next()?),
            '\'' if chars.peek() == Some(&'\'') => {
                chars.next();
                out.push('\'');
            }
            '\'' => return Some(out),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_mysqldump_writes_them() {
        let (all, broken) = rows("(1,'a,(b)','it''s \\'x\\''),(2,NULL,''),");
        assert_eq!(all, [vec!["1", "a,(b)", "it's 'x'"], vec!["2", "NULL", ""]]);
        assert!(!broken);
        assert!(rows("(1,'a").1 && rows("(1,").1);
    }
}
