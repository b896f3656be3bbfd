//! Cobbler: the JSON of its collections, one object a file or a list of them. What an object is, its
//! fields say: a distro has a kernel, a profile a distro, a system interfaces, an image a file.

use crate::book::Book;
use crate::boot::args;
use crate::found::{Image, Machine, Profile};
use crate::json::{self, Value, What};
use crate::text::{hardware, whole};
use model::Reservation;
use model::lease::ReservedFor;
use std::io::{self, BufRead};
use std::net::Ipv4Addr;

pub fn read(book: &mut Book, from: &mut dyn BufRead) -> io::Result<()> {
    let text = whole(from)?;
    let root = match json::parse(&text) {
        Ok(root) => root,
        Err((line, why)) => {
            book.leave(line, "the whole file", format!("it cannot be read as JSON: {why}"));
            return Ok(());
        }
    };
    match &root.what {
        What::List(all) => all.iter().try_for_each(|one| object(book, one)),
        _ => object(book, &root),
    }
}

fn object(book: &mut Book, one: &Value) -> io::Result<()> {
    let has = |key: &str| one.get(key).is_some();
    let name = of(one, "name");
    if name.is_empty() {
        book.leave(one.line, "an object", "it has no name");
        return Ok(());
    }
    if has("interfaces") {
        return system(book, one, name);
    }
    if has("kernel") && has("initrd") {
        distro(book, one, name);
    } else if has("distro") {
        profile(book, one, name);
    } else if has("image_type") || has("file") {
        image(book, one, name);
    } else {
        let why = "not taken over: distros, profiles, systems and images are";
        book.leave(one.line, name, why);
    }
    Ok(())
}

fn of<'a>(one: &'a Value, key: &str) -> &'a str {
    match one.get(key).map(Value::text).unwrap_or_default() {
        // Python's nothing, and Cobbler's "as its parent has it".
        "null" | "<<inherit>>" | "~" => "",
        text => text,
    }
}

fn distro(book: &mut Book, one: &Value, name: &str) {
    let (kernel, initrd) = (of(one, "kernel"), of(one, "initrd"));
    if kernel.is_empty() {
        return book.leave(one.line, &format!("distro {name}"), "it has no kernel");
    }
    let initrds = if initrd.is_empty() { Vec::new() } else { vec![initrd.to_owned()] };
    book.image(one.line, name, Image { kernel: kernel.to_owned(), initrds });
    let options = options(one);
    if !options.is_empty() {
        let why = format!(
            "not taken over: arguments belong to profiles here; add to each: {}",
            model::text::show(options.join(" ").as_bytes())
        );
        book.leave(one.line, &format!("kernel_options of distro {name}"), why);
    }
}

/// `{"console": "ttyS0", "quiet": "~"}`, or a text.
fn options(one: &Value) -> Vec<String> {
    let Some(value) = one.get("kernel_options") else { return Vec::new() };
    match &value.what {
        What::Text(text) if text != "<<inherit>>" => {
            text.split_whitespace().map(str::to_owned).collect()
        }
        What::Object(all) => all.iter().flat_map(|(key, value)| pairs(key, value)).collect(),
        _ => Vec::new(),
    }
}

/// A key with one value, none, or several.
fn pairs(key: &str, value: &Value) -> Vec<String> {
    match (&value.what, value.text()) {
        (What::List(all), _) => all.iter().map(|one| format!("{key}={}", one.text())).collect(),
        (_, "" | "~" | "null") => vec![key.to_owned()],
        (_, text) => vec![format!("{key}={text}")],
    }
}

fn profile(book: &mut Book, one: &Value, name: &str) {
    let what = format!("profile {name}");
    let distro = of(one, "distro");
    if distro.is_empty() {
        let why = match of(one, "parent") {
            "" => "it has no distro",
            _ => "what it inherits is not taken over: add it with the image of its parent",
        };
        return book.leave(one.line, &what, why);
    }
    answers(book, one, &what);
    let words = options(one);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(args) = args(&words) else {
        return book.leave(one.line, &what, "its kernel_options are no line of arguments");
    };
    let notes = Some(of(one, "comment")).filter(|text| !text.is_empty()).map(str::to_owned);
    let profile = Profile { image: distro.to_owned(), args, notes: notes.into_iter().collect() };
    book.profile(one.line, name, profile);
}

/// Answer files and what is put into them.
fn answers(book: &mut Book, one: &Value, what: &str) {
    for key in ["autoinstall", "kickstart"] {
        let file = of(one, key);
        if !file.is_empty() {
            let why = "not taken over: an answer file becomes a template of this server";
            book.leave(one.line, &format!("{key} {file} of {what}"), why);
        }
    }
    for key in ["autoinstall_meta", "ks_meta", "ksmeta", "repos", "template_files", "boot_files"] {
        let some = one.get(key).is_some_and(|value| match &value.what {
            What::Object(all) => !all.is_empty(),
            What::List(all) => !all.is_empty(),
            What::Text(text) => !matches!(text.as_str(), "" | "<<inherit>>"),
            What::Word(_) => false,
        });
        if some {
            let why = "not taken over: it is about answer files and repositories";
            book.leave(one.line, &format!("{key} of {what}"), why);
        }
    }
}

fn image(book: &mut Book, one: &Value, name: &str) {
    let file = of(one, "file");
    if file.is_empty() {
        return book.leave(one.line, &format!("image {name}"), "it names no file");
    }
    let notes = vec![format!("{} of Cobbler", of(one, "image_type"))];
    book.image(one.line, name, Image { kernel: file.to_owned(), initrds: Vec::new() });
    book.profile(one.line, name, Profile { image: name.to_owned(), args: String::new(), notes });
}

fn system(book: &mut Book, one: &Value, name: &str) -> io::Result<()> {
    let what = format!("system {name}");
    answers(book, one, &what);
    if !options(one).is_empty() {
        let why = "arguments of one machine are not taken over: give it a profile of its own";
        book.leave(one.line, &format!("kernel_options of {what}"), why);
    }
    let mut machine = Machine { name: Some(name.to_owned()), ..Machine::default() };
    let profile = [of(one, "profile"), of(one, "image")].into_iter().find(|p| !p.is_empty());
    match (profile, of(one, "netboot_enabled")) {
        (Some(profile), "true" | "1" | "True") => machine.profile = Some(profile.to_owned()),
        (Some(profile), _) => machine.notes.push(format!(
            "netboot is off there, so it has no profile here and goes on to its local disk; it was {profile}"
        )),
        (None, _) => {}
    }
    let host = of(one, "hostname");
    if !host.is_empty() && host != name {
        machine.notes.push(format!("host name {host}"));
    }
    let mut filed = false;
    for (interface, value) in one.get("interfaces").map(Value::entries).unwrap_or_default() {
        let mac = of(value, "mac_address");
        let Some(hardware) = hardware(1, mac).filter(|mac| mac.bytes().len() == 6) else {
            if !mac.is_empty() {
                let why = "it is no MAC written out";
                book.leave(value.line, &format!("{interface} {mac} of {what}"), why);
            }
            continue;
        };
        let address = of(value, "ip_address").parse::<Ipv4Addr>();
        if let Ok(address) = address {
            let dns = Some(of(value, "dns_name")).filter(|name| !name.is_empty());
            let host_name = dns.or(Some(host)).and_then(crate::text::name);
            let (holder, since) = (ReservedFor::Mac(hardware), book.now());
            book.reserve(value.line, Reservation { address, holder, host_name, since })?;
        }
        if filed {
            let why = "a machine is filed under one MAC here, that of its first interface";
            book.leave(value.line, &format!("{interface} {mac} of {what}"), why);
            continue;
        }
        filed = true;
        book.machine(value.line, hardware, machine.clone())?;
    }
    if !filed {
        book.leave(one.line, &what, "none of its interfaces has a MAC");
    }
    if !of(one, "power_type").is_empty() && !of(one, "power_address").is_empty() {
        let why = "not taken over: passwords are not copied out of files";
        book.leave(one.line, &format!("power of {what}"), why);
    }
    Ok(())
}
