//! Tags of dnsmasq: what sets one is a condition here. A tag may be explained in a later file than
//! the one that uses it, so what rests on tags waits until everything is read.

use crate::At;
use crate::book::Book;
use crate::boot;
use crate::expression::{Test, class_of};
use crate::found::{Network, Rule};
use crate::resolve::slug;
use model::rule::Condition;
use std::collections::BTreeMap;

/// More tags than this nobody keeps apart.
const TAGS_MAX: usize = 10_000;
/// So many facts set one tag.
const FACTS_MAX: usize = 64;
/// So many lines that rest on tags are held.
const LATE_MAX: usize = 20_000;

/// What sets a tag.
#[derive(Clone, Debug)]
pub enum Meaning {
    /// Facts about a client, any of which sets it; none is every client.
    Facts(Vec<Condition>),
    /// iPXE runs already.
    Stage,
    /// A `dhcp-host` sets it: a label of the machine.
    Host,
    /// The addresses of a range.
    Range,
    /// Something that no rule can ask.
    Other,
}

/// An option for clients of a range.
#[derive(Debug)]
pub struct Given {
    pub tags: Vec<String>,
    pub code: u8,
    pub items: Vec<String>,
}

/// What waits.
#[derive(Debug, Default)]
pub struct Late {
    pub tags: BTreeMap<String, Meaning>,
    pub ranges: Vec<At<(Network, Vec<String>)>>,
    pub options: Vec<At<Given>>,
    /// Boot files: tags, path.
    pub boots: Vec<At<(Vec<String>, String)>>,
    pub interfaces: Vec<At<String>>,
    pub tftp_root: Option<String>,
}

impl Late {
    /// Takes in what sets a tag.
    pub fn means(&mut self, tag: &str, meaning: Meaning) {
        if self.tags.len() >= TAGS_MAX && !self.tags.contains_key(tag) {
            return;
        }
        let known = self.tags.entry(tag.to_owned()).or_insert_with(|| meaning.clone());
        match (known, meaning) {
            (Meaning::Facts(old), Meaning::Facts(new)) => {
                for fact in new {
                    if old.len() < FACTS_MAX && !old.contains(&fact) {
                        old.push(fact);
                    }
                }
            }
            (Meaning::Host, Meaning::Host)
            | (Meaning::Stage, Meaning::Stage)
            | (Meaning::Range, Meaning::Range) => {}
            // Set in two ways that have nothing in common.
            (known, _) => *known = Meaning::Other,
        }
    }

    /// Whether there is no room for one more line that rests on tags.
    pub fn is_full(&self) -> bool {
        self.boots.len() + self.options.len() + self.ranges.len() >= LATE_MAX
    }
}

/// The label that stands for a tag of a host.
pub fn label(tag: &str) -> Option<(String, String)> {
    Some((slug(tag)?, "yes".to_owned()))
}

/// `dhcp-match=set:efi,option:client-arch,7`, `dhcp-vendorclass`, `dhcp-mac`, `dhcp-userclass`.
pub fn sets(key: &str, parts: &[&str]) -> Result<(), &'static str> {
    match (key, parts) {
        (_, [tag, ..]) if tag_of(tag).is_some() => Ok(()),
        _ => Err("it sets no tag: it has no effect there either"),
    }
}

/// The tag that a line sets, and what sets it.
pub fn meaning(key: &str, parts: &[&str]) -> Option<(String, Meaning)> {
    let (tag, rest) = parts.split_first()?;
    let tag = tag_of(tag)?.to_owned();
    let facts = |test: Test| match test {
        Test::Any(facts) => Meaning::Facts(facts),
        Test::Everybody => Meaning::Facts(Vec::new()),
        Test::Stage => Meaning::Stage,
        Test::Unknown => Meaning::Other,
    };
    let meaning = match (key, rest) {
        ("dhcp-match", ["option:client-arch" | "93", code]) => {
            let fact = code.parse().ok().and_then(boot::arch);
            fact.map_or(Meaning::Other, |fact| Meaning::Facts(vec![fact]))
        }
        ("dhcp-match", ["175" | "encap:175", ..]) => Meaning::Stage,
        ("dhcp-match", ["option:user-class" | "77", "iPXE" | "gPXE"]) => Meaning::Stage,
        ("dhcp-match", ["option:vendor-class" | "60", class]) => facts(class_of(class)),
        ("dhcp-userclass", ["iPXE" | "gPXE"]) => Meaning::Stage,
        ("dhcp-vendorclass", [class]) => facts(class_of(class)),
        ("dhcp-mac", [mac]) => {
            let begin = mac.trim_end_matches([':', '*', '-']);
            let whole = !begin.contains('*');
            let prefix = begin.parse().ok().filter(|_| whole);
            prefix.map_or(Meaning::Other, |mac| Meaning::Facts(vec![Condition::Mac(mac)]))
        }
        _ => Meaning::Other,
    };
    Some((tag, meaning))
}

/// The tag behind `set:`, `net:` or, in old files, nothing.
pub fn tag_of(part: &str) -> Option<&str> {
    let tag = part.strip_prefix("set:").or_else(|| part.strip_prefix("net:"))?;
    (!tag.is_empty()).then_some(tag)
}

/// The conditions of rules that stand for tags, each of them enough; or why there are none.
fn conditions(late: &Late, tags: &[String]) -> Result<Vec<Vec<Condition>>, String> {
    let mut all: Vec<Vec<Condition>> = vec![Vec::new()];
    for tag in tags {
        let (tag, not) = tag.strip_prefix(['!', '#']).map_or((tag.as_str(), false), |t| (t, true));
        let facts = match (late.tags.get(tag), not) {
            (Some(Meaning::Stage), true) => continue,
            (Some(Meaning::Stage), false) => return Err(STAGE.to_owned()),
            (_, true) => return Err(format!("a rule cannot ask that tag {tag} is not set")),
            (Some(Meaning::Facts(facts)), false) if facts.is_empty() => continue,
            (Some(Meaning::Facts(facts)), false) => facts.clone(),
            (Some(Meaning::Host), false) => match label(tag) {
                Some((key, value)) => vec![Condition::Label(key, value)],
                None => return Err(format!("tag {tag} can be no label")),
            },
            (Some(Meaning::Range | Meaning::Other), false) => {
                return Err(format!("a rule cannot ask what sets tag {tag}"));
            }
            (None, false) => return Err(format!("nothing in these files sets tag {tag}")),
        };
        if all.len().saturating_mul(facts.len()) > 256 {
            return Err("too many ways lead to it".to_owned());
        }
        let with = |fact: &Condition| {
            let fact = fact.clone();
            all.iter().cloned().map(move |mut one| {
                one.push(fact.clone());
                one
            })
        };
        all = facts.iter().flat_map(with).collect();
    }
    Ok(all)
}

const STAGE: &str = "not needed: this server knows by itself when iPXE asks";

/// Everything is read: what waited becomes rules and networks.
pub fn finish(book: &mut Book) {
    let late = std::mem::take(&mut book.late);
    for at in &late.boots {
        let (tags, path) = &at.value;
        let what = format!("dhcp-boot {path}");
        book.open(&at.file);
        let ours = path.is_empty() || boot::is_loader(path) || boot::is_script(path);
        if ours || boot::is_module(path) {
            boot::file(book, at.line, &what, path, Vec::new());
            continue;
        }
        match conditions(&late, tags) {
            Err(why) => book.leave(at.line, &what, why),
            Ok(ways) => ways.into_iter().for_each(|way| start(book, at.line, path, way, &late)),
        }
    }
    networks(book, late);
}

fn start(book: &mut Book, line: u32, path: &str, way: Vec<Condition>, late: &Late) {
    let root = late.tftp_root.as_deref().unwrap_or_default().trim_end_matches('/');
    let kernel = if path.contains("://") { path.to_owned() } else { format!("{root}/{path}") };
    let profile = boot::alone(book, line, &kernel);
    book.rule(line, Rule { conditions: way, profile });
}

fn networks(book: &mut Book, late: Late) {
    let mut ranges = late.ranges;
    for at in late.options {
        let Given { tags, code, items } = at.value;
        let items: Vec<&str> = items.iter().map(String::as_str).collect();
        let what = format!("option {code} {}", items.join(","));
        let fits = |own: &[String]| tags.iter().all(|tag| own.contains(tag));
        let (mut met, mut wrong) = (false, None);
        for range in ranges.iter_mut().filter(|range| fits(&range.value.1)) {
            met = true;
            wrong = range.value.0.option(code, &items).err().or(wrong);
        }
        book.open(&at.file);
        match (met, wrong) {
            (_, Some(why)) => book.leave(at.line, &what, why),
            (true, None) => {}
            (false, None) => {
                let why = "it is for no dhcp-range of these files: write it in a [[network]], or \
                           `machine set --option` for one machine";
                book.leave(at.line, &what, why);
            }
        }
    }
    let one = match late.interfaces.as_slice() {
        [one] if !ranges.is_empty() => Some(one.value.clone()),
        all => {
            for at in all {
                book.open(&at.file);
                let why = "the files do not say which dhcp-range is on it: write it as `interface` \
                           of its [[network]]";
                book.leave(at.line, &format!("interface={}", at.value), why);
            }
            None
        }
    };
    for mut at in ranges {
        at.value.0.interface = at.value.0.interface.take().or_else(|| one.clone());
        book.open(&at.file);
        book.network(at.line, at.value.0);
    }
}
