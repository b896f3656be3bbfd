//! Settings of dhcpd.conf: subnets become networks; boot files become profiles, with rules for the
//! clients that an `if` or a class names.

use super::lexer::{Statement, Word};
use crate::book::Book;
use crate::dnsmasq::prefix;
use crate::expression::{Test, test};
use crate::found::Network;
use model::network::{Pool, Subnet};
use model::rule::Condition;
use std::net::Ipv4Addr;

/// Whom the statements of a block are about.
#[derive(Clone, Debug)]
pub enum Whom {
    /// Everybody.
    All,
    /// Clients of any of these.
    Some(Vec<Condition>),
    /// Clients that run iPXE already.
    Stage,
    /// Everybody whom the tests before did not meet.
    Others,
    /// A test that is not understood; it was named.
    Nobody,
}

/// A block that settings stand in.
#[derive(Debug)]
pub enum Scope {
    /// `group`, `pool`.
    Group,
    /// `shared-network NAME`.
    Shared(String),
    /// `subnet ADDRESS netmask MASK`.
    Subnet(u32, Box<Network>),
    /// `class "NAME"`: known by its `match if`.
    Class(Class),
    /// `if`, `elsif`, `else`.
    If(Whom),
}

/// What is known of a class so far.
#[derive(Debug)]
pub struct Class {
    pub line: u32,
    pub name: String,
    pub whom: Whom,
    /// Whether it gives a boot file.
    pub boots: bool,
}

/// `subnet 10.77.0.0 netmask 255.255.255.0`.
pub fn subnet(head: &Statement) -> Option<Network> {
    let address: Ipv4Addr = head.word(1).parse().ok()?;
    let mask: Ipv4Addr = head.word(3).parse().ok().filter(|_| head.word(2) == "netmask")?;
    let subnet = Subnet::new(address, prefix(mask)?)?;
    Some(Network { subnet: Some(subnet.to_string()), ..Network::default() })
}

/// What stands behind `if` and `elsif`.
pub fn whom(head: &Statement, first: usize) -> Whom {
    match test(&head.from(first)) {
        Test::Any(facts) => Whom::Some(facts),
        Test::Everybody => Whom::All,
        Test::Stage => Whom::Stage,
        Test::Unknown => Whom::Nobody,
    }
}

/// A word, quoted or not.
pub fn plain(statement: &Statement, at: usize) -> String {
    match statement.words.get(at) {
        Some(Word::Plain(word)) => word.clone(),
        Some(Word::Quoted(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        None => String::new(),
    }
}

/// `range [dynamic-bootp] FIRST [LAST]` of a subnet.
pub fn range(network: &mut Network, statement: &Statement) -> Result<(), &'static str> {
    let skip = if statement.word(1) == "dynamic-bootp" { 2 } else { 1 };
    let first: Ipv4Addr =
        statement.word(skip).parse().map_err(|_| "it is no range of addresses")?;
    let last = match statement.word(skip + 1) {
        "" => first,
        last => last.parse().map_err(|_| "it is no range of addresses")?,
    };
    let subnet: Option<Subnet> = network.subnet.as_ref().and_then(|subnet| subnet.parse().ok());
    if last < first || !subnet.is_some_and(|s| s.contains(first) && s.contains(last)) {
        return Err("its addresses are not in order, or not in the subnet");
    }
    if network.pools.len() >= 256 {
        return Err("a network has 256 pools at most");
    }
    network.pools.push(Pool { first, last }.to_string());
    Ok(())
}

/// `option NAME VALUE, VALUE`.
pub fn option(network: &mut Network, statement: &Statement) -> Result<(), String> {
    let name = statement.word(1);
    let code = match name {
        "subnet-mask" => 1,
        "routers" => 3,
        "domain-name-servers" => 6,
        "domain-name" => 15,
        "broadcast-address" => 28,
        "dhcp-lease-time" => 51,
        _ if statement.words.iter().any(|word| *word == Word::Plain("=".to_owned())) => {
            return Err("not taken over: write it in [network.options] by its number".to_owned());
        }
        name => model::option::code(name)?,
    };
    let words = 2..statement.words.len();
    let items: Vec<String> =
        words.map(|at| plain(statement, at)).filter(|word| word != ",").collect();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    network.option(code, &items)
}

/// A `filename` for the clients of the blocks it stands in, everywhere or in one subnet.
pub fn filename(book: &mut Book, statement: &Statement, whom: &[Whom], in_subnet: bool) {
    let (line, shown) = (statement.line, statement.shown());
    let path = plain(statement, 1);
    if crate::boot::is_loader(&path) || crate::boot::is_script(&path) {
        // What this server does itself it does for everybody.
        return crate::boot::file(book, line, &shown, &path, Vec::new());
    }
    if in_subnet {
        let why = "not taken over: `bootwright rule add --network IF` gives a network a profile";
        return book.leave(line, &shown, why);
    }
    let mut ways: Vec<Vec<Condition>> = vec![Vec::new()];
    for one in whom {
        match one {
            Whom::All => {}
            Whom::Some(facts) if ways.len().saturating_mul(facts.len()) <= 256 => {
                let with = |fact: &Condition| {
                    let mut ways = ways.clone();
                    ways.iter_mut().for_each(|way| way.push(fact.clone()));
                    ways
                };
                ways = facts.iter().flat_map(with).collect();
            }
            Whom::Some(_) => return book.leave(line, &shown, "too many ways lead to it"),
            Whom::Stage => {
                let why = "not needed: this server knows by itself when iPXE asks";
                return book.leave(line, &shown, why);
            }
            Whom::Others => {
                let why = "not taken over: `bootwright rule add --profile` gives it to everybody \
                           whom no other rule meets";
                return book.leave(line, &shown, why);
            }
            Whom::Nobody => {
                let why = "not taken over: a rule cannot ask what its `if` or class asks";
                return book.leave(line, &shown, why);
            }
        }
    }
    for way in ways {
        crate::boot::file(book, line, &shown, &path, way);
    }
}
