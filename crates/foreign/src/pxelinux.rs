//! PXELINUX and SYSLINUX: the files of `pxelinux.cfg`. A label is a profile. Whose file it is, its
//! name says: `default`, a MAC (`01-52-54-…`), a UUID, or an address in hexadecimal.

use crate::book::Book;
use crate::boot::{args, base, is_module};
use crate::found::{Image, Machine, Rule};
use crate::lines::{Line, Lines};
use crate::text::hardware;
use model::rule::Condition;
use model::{HardwareAddress, Uuid};
use std::io::{self, BufRead};
use std::net::Ipv4Addr;

/// Labels of one file.
const LABELS_MAX: usize = 1000;

/// What one `LABEL` says.
#[derive(Default)]
struct Label {
    line: u32,
    name: String,
    title: String,
    kernel: String,
    append: String,
    initrds: Vec<String>,
    local: bool,
    default: bool,
    /// Why it cannot be taken over.
    odd: Option<&'static str>,
}

/// Whose file it is.
enum Whose {
    Everybody,
    Mac(HardwareAddress),
    Uuid(Uuid),
    Address(String),
    /// A part of others, or of none.
    Part,
}

pub fn read(book: &mut Book, file: &str, from: &mut dyn BufRead) -> io::Result<()> {
    let mut reader = Reader::default();
    let mut lines = Lines::new(from);
    while let Some(line) = lines.next()? {
        match line {
            Line::TooLong(line) => book.too_long(line),
            Line::Text(line, text) => reader.one(book, line, text.trim()),
        }
    }
    reader.done(book, base(file))
}

#[derive(Default)]
struct Reader {
    labels: Vec<Label>,
    /// `DEFAULT`, with its line.
    default: Option<(u32, String)>,
    in_text: bool,
}

impl Reader {
    fn one(&mut self, book: &mut Book, line: u32, text: &str) {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let (word, rest) = (word.to_ascii_lowercase(), rest.trim());
        if self.in_text {
            self.in_text = word != "endtext";
            return;
        }
        match word.as_str() {
            "" => {}
            word if word.starts_with('#') => {}
            "label" if self.labels.len() >= LABELS_MAX => {
                book.leave(line, text, format!("a file has {LABELS_MAX} labels at most"));
            }
            "label" => {
                let name = rest.to_owned();
                self.labels.push(Label { line, name, ..Label::default() });
            }
            "default" | "ontimeout" => {
                self.default = self.default.take().or(Some((line, rest.to_owned())));
            }
            "timeout" | "totaltimeout" => match rest.parse::<u64>() {
                // In tenths of a second.
                Ok(tenths) => book.menu_wait(tenths.div_ceil(10)),
                Err(_) => book.leave(line, text, "it is no number"),
            },
            "menu" => self.menu(book, line, text, rest),
            "text" => self.in_text = rest.eq_ignore_ascii_case("help"),
            "include" => {
                book.leave(line, text, "not followed: name that file too, as a PATH of its own");
            }
            word => self.of_label(book, line, text, word, rest),
        }
    }

    /// A statement that belongs to a label, or to none.
    fn of_label(&mut self, book: &mut Book, line: u32, text: &str, word: &str, rest: &str) {
        let Some(label) = self.labels.last_mut() else {
            if let Some(why) = everywhere(word) {
                book.leave(line, text, why);
            }
            return;
        };
        match word {
            "kernel" | "linux" | "efi" => {
                label.kernel = rest.to_owned();
                if is_module(rest) {
                    label.odd = Some("only its own loader starts such a file");
                }
            }
            "append" => label.append = rest.to_owned(),
            "initrd" => label.initrds = rest.split(',').map(str::to_owned).collect(),
            "localboot" => label.local = true,
            "com32" | "pxe" | "bss" | "boot" | "fdimage" | "comboot" => {
                label.odd = Some("only its own loader starts such a file");
            }
            "config" => label.odd = Some("name that file too, as a PATH of its own"),
            "fdt" | "sysappend" => {
                book.leave(line, text, "not taken over: nothing here has this effect");
            }
            // Presentation.
            "say" | "ipappend" => {}
            word => {
                if let Some(why) = everywhere(word) {
                    book.leave(line, text, why);
                }
            }
        }
    }

    fn menu(&mut self, book: &mut Book, line: u32, text: &str, rest: &str) {
        let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        match (word.to_ascii_lowercase().as_str(), self.labels.last_mut()) {
            ("label", Some(label)) => label.title = rest.trim().replace('^', ""),
            ("default", Some(label)) => label.default = true,
            ("passwd", _) | ("master", _) => {
                // The password itself is not repeated.
                let what = format!("menu {}", word.to_ascii_lowercase());
                let why = "passwords are not copied out of files: `bootwright menu set --password`";
                book.leave(line, &what, why);
            }
            ("include", _) => {
                book.leave(line, text, "not followed: name that file too, as a PATH of its own");
            }
            ("hide", Some(label)) => {
                let what = format!("menu hide of label {}", label.name);
                book.leave(line, &what, "hide the entry with `bootwright menu set`");
            }
            // How the menu looks, and how it is divided.
            _ => {}
        }
    }

    fn done(mut self, book: &mut Book, file: &str) -> io::Result<()> {
        let whose = whose(file);
        let marked = self.labels.iter().find(|label| label.default).map(|label| label.name.clone());
        let default = marked.map(|name| (0, name)).or(self.default.take());
        let default = default.filter(|(_, name)| !is_module(name));
        let mut chosen = None;
        for label in std::mem::take(&mut self.labels) {
            let is_default = default.as_ref().is_some_and(|(_, name)| *name == label.name);
            let (line, local) = (label.line, label.local);
            let name = label.name.clone();
            let profile = self::label(book, label);
            if is_default && (profile.is_some() || local) {
                chosen = Some((line, profile.unwrap_or(name), local));
            }
        }
        match (chosen, default) {
            (Some((line, name, local)), _) => give(book, line, whose, &name, local)?,
            (None, Some((line, name))) => {
                let why = "it is no label of this file that is taken over";
                book.leave(line, &format!("DEFAULT {name}"), why);
            }
            (None, None) => {}
        }
        Ok(())
    }
}

/// Why a statement outside of labels is left out; nothing for how things look.
fn everywhere(word: &str) -> Option<&'static str> {
    match word {
        "ui" | "prompt" | "display" | "say" | "noescape" | "nocomplete" | "allowoptions"
        | "console" | "font" | "kbdmap" | "implicit" | "f1" | "f2" | "f3" | "f4" | "f5" | "f6"
        | "f7" | "f8" | "f9" | "f10" | "f11" | "f12" | "endtext" => None,
        "serial" => Some("not taken over: write console=ttyS0 into the arguments of profiles"),
        "append" => Some("arguments for every label are not taken over: add them to the profiles"),
        "onerror" => Some("not taken over: what cannot boot here goes on to the local disk"),
        _ => Some("not understood"),
    }
}

/// A label as a profile; its name, if it is one.
fn label(book: &mut Book, label: Label) -> Option<String> {
    let what = format!("label {}", label.name);
    if label.local {
        // Every menu has the local disk.
        return None;
    }
    let why = match (label.odd, label.name.as_str(), label.kernel.as_str()) {
        (Some(why), ..) => Some(why),
        (_, "", _) => Some("it has no name"),
        (_, _, "") => Some("it names no kernel"),
        _ => None,
    };
    if let Some(why) = why {
        book.leave(label.line, &what, why);
        return None;
    }
    let words: Vec<&str> = label.append.split_whitespace().filter(|word| *word != "-").collect();
    let named = words.iter().filter_map(|word| word.strip_prefix("initrd="));
    let mut initrds = label.initrds;
    initrds.extend(named.flat_map(|all| all.split(',')).map(str::to_owned));
    let Some(args) = args(&words) else {
        book.leave(label.line, &what, "its APPEND is longer than the arguments of a profile");
        return None;
    };
    let notes: Vec<String> =
        Some(label.title).filter(|title| !title.is_empty()).into_iter().collect();
    let image = Image { kernel: label.kernel, initrds };
    Some(book.boots(label.line, &label.name, image, args, notes))
}

/// `01-52-54-00-12-34-56`, `C0A80001`, `C0A8`, a UUID, `default`.
fn whose(file: &str) -> Whose {
    if file.eq_ignore_ascii_case("default") {
        return Whose::Everybody;
    }
    let mac = file.strip_prefix("01-").and_then(|mac| hardware(1, mac));
    if let Some(mac) = mac.filter(|mac| mac.bytes().len() == 6) {
        return Whose::Mac(mac);
    }
    if let Ok(uuid) = file.parse::<Uuid>() {
        return Whose::Uuid(uuid);
    }
    let hex = (1..=8).contains(&file.len())
        && file.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    match u32::from_str_radix(file, 16) {
        Ok(number) if hex && file.len() == 8 => Whose::Address(Ipv4Addr::from(number).to_string()),
        Ok(_) if hex => Whose::Address(format!("addresses that begin with {file}")),
        _ => Whose::Part,
    }
}

/// What is started when nobody chooses.
fn give(book: &mut Book, line: u32, whose: Whose, name: &str, local: bool) -> io::Result<()> {
    let what = format!("DEFAULT {name}");
    match whose {
        Whose::Mac(mac) => {
            let profile = (!local).then(|| name.to_owned());
            book.machine(line, mac, Machine { profile, ..Machine::default() })?;
        }
        // Placeholders are many machines'.
        Whose::Uuid(uuid) if !local && !uuid.is_placeholder() => {
            let conditions = vec![Condition::Uuid(uuid)];
            book.rule(line, Rule { conditions, profile: name.to_owned() });
        }
        _ if local => {}
        Whose::Everybody => {
            let why = "nobody boots it by a timeout here: a menu ends at the local disk. \
                       `bootwright rule add --profile` gives it to everybody";
            book.leave(line, &what, why);
        }
        Whose::Address(address) => {
            let why = format!("a rule cannot ask for an address ({address}): name the machine");
            book.leave(line, &what, why);
        }
        Whose::Uuid(_) | Whose::Part => {
            book.leave(line, &what, "the name of this file says no machine");
        }
    }
    Ok(())
}
