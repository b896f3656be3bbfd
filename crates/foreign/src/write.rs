//! Writes what was taken over as text: a document for `apply`, and networks for the configuration
//! file. Both are TOML; what a reader has to do first stands in comments.

use crate::boot::base;
use crate::found::{Image, Machine, Network, Profile, Rule};
use crate::resolve::Settings;
use crate::{At, LeftOut};
use model::rule::Condition;
use model::time::show_duration;
use std::fmt::Write;
use std::time::Duration;

/// Two texts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Written {
    /// For `bootwright apply -f`. Empty if nothing is declared.
    pub document: String,
    /// For the configuration file. Empty if there is no network.
    pub networks: String,
}

impl Settings {
    /// Both texts.
    pub fn written(&self) -> Written {
        let mut document = String::new();
        if !self.images.is_empty() {
            document.push_str(FIRST);
            self.images.iter().for_each(|(name, at)| image(&mut document, name, at));
            document.push('\n');
        }
        self.profiles.iter().for_each(|(name, at)| profile(&mut document, name, at));
        self.rules.iter().for_each(|at| rule(&mut document, at));
        self.machines.iter().for_each(|(mac, at)| machine(&mut document, &mac.to_string(), at));
        let mut networks = String::new();
        self.networks.iter().for_each(|at| network(&mut networks, at));
        if let Some(seconds) = self.menu_wait_s {
            let wait = if seconds == 0 { "infinite".to_owned() } else { format!("{seconds}s") };
            put(&mut networks, format_args!("[boot]\nmenu_wait = {}\n\n", quoted(&wait)));
        }
        Written { document, networks }
    }
}

/// What was left out as a text, one line each.
pub fn left_out(all: &[LeftOut]) -> String {
    all.iter().map(|out| format!("{out}\n")).collect()
}

const FIRST: &str = "# First import what is booted; a profile without its image is refused. ROOT is the folder that\n\
    # the other server serves; put what has a URL into a FOLDER of its own.\n";

/// Writing to a text cannot fail.
fn put(to: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = to.write_fmt(what);
}

/// A comment that names the place.
fn place<T>(to: &mut String, at: &At<T>) {
    let file = model::text::show(at.file.as_bytes());
    put(to, format_args!("# {file}:{}\n", at.line));
}

fn notes(to: &mut String, notes: &[String]) {
    for note in notes {
        put(to, format_args!("# {}\n", model::text::show(note.as_bytes())));
    }
}

fn image(to: &mut String, name: &str, at: &At<Image>) {
    let Image { kernel, initrds } = &at.value;
    let shown = |path: &str| model::text::show(path.as_bytes());
    let files: Vec<String> =
        std::iter::once(kernel).chain(initrds).map(|path| shown(base(path))).collect();
    let folder = kernel.strip_suffix(base(kernel)).unwrap_or_default().trim_end_matches('/');
    // What has no root stands below that of the other server's TFTP or HTTP.
    let folder = match folder {
        "" => "ROOT".to_owned(),
        folder if folder.starts_with('/') || folder.contains("://") => folder.to_owned(),
        folder => format!("ROOT/{folder}"),
    };
    put(to, format_args!("# {name}: {} of {}\n", files.join(", "), shown(&folder)));
    let from = match folder.contains("://") {
        true => "FOLDER".to_owned(),
        false => word(&shown(&folder)),
    };
    put(to, format_args!("#   bootwright image import {from} --name {name}\n"));
}

/// A word of a shell.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    match text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

fn profile(to: &mut String, name: &str, at: &At<Profile>) {
    let Profile { image, args, notes } = &at.value;
    place(to, at);
    self::notes(to, notes);
    put(to, format_args!("[[profile]]\nname = {}\nimage = {}\n", quoted(name), quoted(image)));
    if !args.is_empty() {
        put(to, format_args!("args = {}\n", quoted(args)));
    }
    to.push('\n');
}

fn rule(to: &mut String, at: &At<Rule>) {
    place(to, at);
    let conditions: Vec<String> =
        at.value.conditions.iter().map(|condition| quoted(&text(condition))).collect();
    to.push_str("[[rule]]\n");
    if !conditions.is_empty() {
        put(to, format_args!("conditions = [{}]\n", conditions.join(", ")));
    }
    put(to, format_args!("profile = {}\n\n", quoted(&at.value.profile)));
}

/// A condition as commands and documents take it.
fn text(condition: &Condition) -> String {
    match condition {
        Condition::Label(key, value) => format!("label:{key}={value}"),
        Condition::Memory(mib) => format!("memory={mib}"),
        other => other.to_string(),
    }
}

fn machine(to: &mut String, mac: &str, at: &At<Machine>) {
    let Machine { name, profile, labels, notes } = &at.value;
    place(to, at);
    self::notes(to, notes);
    put(to, format_args!("[[machine]]\nmac = {}\n", quoted(mac)));
    for (key, value) in [("name", name), ("profile", profile)] {
        if let Some(value) = value {
            put(to, format_args!("{key} = {}\n", quoted(value)));
        }
    }
    if !labels.is_empty() {
        let pair =
            |(key, value): (&String, &String)| format!("{} = {}", quoted(key), quoted(value));
        let labels: Vec<String> = labels.iter().map(pair).collect();
        put(to, format_args!("labels = {{ {} }}\n", labels.join(", ")));
    }
    to.push('\n');
}

fn network(to: &mut String, at: &At<Network>) {
    let network = &at.value;
    place(to, at);
    to.push_str("[[network]]\n");
    match &network.interface {
        Some(name) => put(to, format_args!("interface = {}\n", quoted(name))),
        None => to.push_str("interface = \"CHANGE-ME\"  # the files do not say which\n"),
    }
    if network.proxy {
        to.push_str("mode = \"proxy\"\n\n");
        return;
    }
    to.push_str("mode = \"dhcp\"\n");
    if let Some(subnet) = &network.subnet {
        let guess = match network.guessed {
            true => "  # a guess: the files leave the mask to the interface",
            false => "",
        };
        put(to, format_args!("subnet = {}{guess}\n", quoted(subnet)));
    }
    let list =
        |all: Vec<String>| all.iter().map(|one| quoted(one)).collect::<Vec<String>>().join(", ");
    put(to, format_args!("pool = [{}]\n", list(network.pools.clone())));
    let texts = |all: &[std::net::Ipv4Addr]| all.iter().map(ToString::to_string).collect();
    if let Some(router) = network.router {
        put(to, format_args!("router = {}\n", quoted(&router.to_string())));
    }
    if !network.dns.is_empty() {
        put(to, format_args!("dns = [{}]\n", list(texts(&network.dns))));
    }
    if let Some(domain) = &network.domain {
        put(to, format_args!("domain = {}\n", quoted(domain)));
    }
    if let Some(seconds) = network.lease_s {
        let lease = match seconds {
            u32::MAX => "infinite".to_owned(),
            seconds => show_duration(Duration::from_secs(seconds.into())),
        };
        put(to, format_args!("lease = {}\n", quoted(&lease)));
    }
    if !network.relays.is_empty() {
        put(to, format_args!("relays = [{}]\n", list(texts(&network.relays))));
    }
    if let Some(shared) = &network.shared {
        put(to, format_args!("shared = {}\n", quoted(shared)));
    }
    to.push('\n');
    if network.options.is_empty() {
        return;
    }
    to.push_str("[network.options]\n");
    for option in &network.options {
        let name =
            model::option::name(option.code).map_or_else(|| option.code.to_string(), str::to_owned);
        put(to, format_args!("{name} = {}\n", quoted(&model::option::show_value(option))));
    }
    to.push('\n');
}

/// Whether a character would not be seen, or would hide others.
fn hidden(c: char) -> bool {
    !c.is_ascii_graphic()
        && c != ' '
        && model::text::show(c.encode_utf8(&mut [0; 4]).as_bytes()).len() != c.len_utf8()
}

/// A text of TOML, in quotes.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if hidden(c) => put(&mut out, format_args!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_words_are_quoted() {
        assert_eq!(quoted("a\"b\\c\n\u{7f}"), "\"a\\\"b\\\\c\\U0000000A\\U0000007F\"");
        assert_eq!(word("/srv/tftp"), "/srv/tftp");
        assert_eq!(word("/my files/it's"), "'/my files/it'\\''s'");
    }
}
