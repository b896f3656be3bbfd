//! Settings of Kea: subnets become networks, client classes with a boot file become profiles with
//! rules.

use crate::book::Book;
use crate::boot;
use crate::expression::{Test, test};
use crate::found::Network;
use crate::json::Value;
use crate::resolve::slug;
use model::network::{Pool, Subnet};
use model::rule::Condition;

/// Takes one key of a subnet, a shared network or `Dhcp4` in; false if it is none of these.
pub fn take(book: &mut Book, network: &mut Network, key: &str, value: &Value) -> bool {
    match key {
        "subnet" => match value.text().parse::<Subnet>() {
            Ok(subnet) => network.subnet = Some(subnet.to_string()),
            Err(_) => {
                book.leave(value.line, &format!("subnet {}", value.text()), "it is no subnet");
            }
        },
        "interface" => network.interface = Some(value.text().to_owned()).filter(|i| !i.is_empty()),
        "pools" => pools(book, network, value),
        "option-data" => options(book, network, value),
        "valid-lifetime" => match value.text().parse() {
            Ok(seconds) => network.lease_s = Some(seconds),
            Err(_) => book.leave(value.line, "valid-lifetime", "it is no number of seconds"),
        },
        "relay" => {
            let old = value.get("ip-address").into_iter();
            let all = value.get("ip-addresses").into_iter().flat_map(Value::list);
            network.relays = old.chain(all).filter_map(|ip| ip.text().parse().ok()).collect();
        }
        _ => return false,
    }
    true
}

fn pools(book: &mut Book, network: &mut Network, pools: &Value) {
    for pool in pools.list() {
        for (key, value) in pool.entries() {
            match key.as_str() {
                "pool" => match range(value.text()) {
                    Some(pool) if network.pools.len() < 256 => network.pools.push(pool),
                    _ => {
                        let why = "it is no range of addresses, or one too many";
                        book.leave(value.line, &format!("pool {}", value.text()), why);
                    }
                },
                "option-data" | "client-class" | "client-classes" | "require-client-classes" => {
                    let why = "a pool here is for everybody of its network";
                    book.leave(value.line, &format!("{key} of a pool"), why);
                }
                _ => {}
            }
        }
    }
}

/// `10.0.0.1 - 10.0.0.9`, `10.0.0.0/28`.
fn range(text: &str) -> Option<String> {
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        return (first <= last).then(|| Pool { first, last }.to_string());
    }
    let subnet: Subnet = text.trim().parse().ok()?;
    Some(Pool { first: subnet.address, last: subnet.broadcast() }.to_string())
}

fn options(book: &mut Book, network: &mut Network, all: &Value) {
    for option in all.list() {
        let of = |key: &str| option.get(key).map(Value::text).unwrap_or_default();
        let (name, data) = (of("name"), of("data"));
        let shown = if name.is_empty() { of("code") } else { name };
        let what = format!("option {shown} {data}");
        let code = match name {
            "routers" => Ok(3),
            "domain-name-servers" => Ok(6),
            "domain-name" => Ok(15),
            "subnet-mask" => Ok(1),
            "broadcast-address" => Ok(28),
            "" => match of("code").parse::<u8>() {
                Ok(code @ (1 | 3 | 6 | 15 | 28)) => Ok(code),
                _ => model::option::code(of("code")),
            },
            name => model::option::code(name),
        };
        let hex = of("csv-format") == "false";
        let items: Vec<&str> = data.split(',').map(str::trim).collect();
        let taken = match (code, hex) {
            (Ok(_), true) => Err("its value is in hexadecimal: write it as `hex:`".to_owned()),
            (Ok(code), false) => network.option(code, &items),
            (Err(why), _) => Err(why),
        };
        if let Err(why) = taken {
            book.leave(option.line, &what, why);
        }
    }
}

/// The label that stands for a class that hosts are put in.
pub fn label(class: &str) -> Option<(String, String)> {
    Some((slug(class)?, "yes".to_owned()))
}

/// `client-classes` of `Dhcp4`.
pub fn classes(book: &mut Book, all: &Value) {
    for class in all.list() {
        let of = |key: &str| class.get(key).map(Value::text).unwrap_or_default();
        let (name, file, asks) = (of("name"), of("boot-file-name"), of("test"));
        let what = format!("class {name}");
        if let Some(options) = class.get("option-data") {
            let why = "options of a class are not taken over: `machine set --option` gives one machine an option";
            book.leave(options.line, &what, why);
        }
        if file.is_empty() {
            if class.get("option-data").is_none() {
                let why = "not needed: it gives no boot file";
                book.leave(class.line, &what, why);
            }
            continue;
        }
        let ways: Vec<Vec<Condition>> = match test(asks) {
            // Without a test, hosts are put in it by name.
            _ if asks.is_empty() => match label(name) {
                Some((key, value)) => vec![vec![Condition::Label(key, value)]],
                None => Vec::new(),
            },
            Test::Any(facts) => facts.into_iter().map(|fact| vec![fact]).collect(),
            Test::Everybody => vec![Vec::new()],
            Test::Stage => {
                let why = "not needed: this server knows by itself when iPXE asks";
                book.leave(class.line, &what, why);
                continue;
            }
            Test::Unknown => Vec::new(),
        };
        let shown = format!("boot-file-name {file} of {what}");
        if boot::is_loader(file) || boot::is_script(file) {
            boot::file(book, class.line, &shown, file, Vec::new());
            continue;
        }
        if ways.is_empty() {
            let why = format!("a rule cannot ask `{}`", model::text::show(asks.as_bytes()));
            book.leave(class.line, &shown, why);
        }
        for way in ways {
            boot::file(book, class.line, &shown, file, way);
        }
    }
}
