//! Settings of dnsmasq: ranges and options become networks, boot files become profiles with rules
//! for the clients that their tags name.

use super::tags::{Given, Meaning, meaning, sets};
use crate::book::Book;
use crate::found::Network;
use model::network::{Pool, Subnet};
use std::net::Ipv4Addr;

/// One line of the configuration.
pub fn setting(book: &mut Book, line: u32, text: &str, key: &str, value: &str) {
    let parts: Vec<&str> = value.split(',').map(str::trim).collect();
    if book.late.is_full() {
        return book.leave(line, text, "there are too many settings to be taken over at once");
    }
    let done = match key {
        "dhcp-range" => range(book, line, &parts),
        "dhcp-option" | "dhcp-option-force" => option(book, line, &parts),
        "dhcp-boot" => boot(book, line, &parts),
        "dhcp-match" | "dhcp-vendorclass" | "dhcp-userclass" | "dhcp-mac" => {
            let known = sets(key, &parts).map_err(str::to_owned);
            if let Some((tag, meaning)) = meaning(key, &parts) {
                book.late.means(&tag, meaning);
            }
            known
        }
        "pxe-service" => service(book, line, &parts),
        "pxe-prompt" => prompt(book, value),
        "interface" => {
            if book.late.interfaces.len() < 64 {
                let at = book.at(line, value.to_owned());
                book.late.interfaces.push(at);
            }
            Ok(())
        }
        "tftp-root" => {
            let root = parts.first().copied().unwrap_or_default();
            book.late.tftp_root = Some(root.to_owned());
            Err("not needed: files are served out of images; `bootwright image import` takes its \
                 folders"
                .to_owned())
        }
        _ => Err(instead(key).to_owned()),
    };
    if let Err(why) = done {
        book.leave(line, text, why);
    }
}

/// Where a setting of dnsmasq has its place here.
pub fn instead(key: &str) -> &'static str {
    match key {
        "enable-tftp" | "tftp-secure" | "tftp-no-blocksize" | "tftp-single-port" => {
            "not needed: TFTP is always served, out of images"
        }
        "dhcp-authoritative" => "not taken over: write `authoritative = true` in the [[network]]",
        "dhcp-hostsfile" | "dhcp-hostsdir" | "conf-file" | "conf-dir" | "dhcp-leasefile"
        | "read-ethers" | "dhcp-optsfile" | "dhcp-optsdir" => {
            "not followed: name that file too, as a PATH of its own"
        }
        "server" | "address" | "port" | "domain-needed" | "bogus-priv" | "no-resolv" | "local"
        | "cache-size" | "expand-hosts" | "cname" | "host-record" | "ptr-record" | "srv-host"
        | "txt-record" | "mx-host" | "no-hosts" | "addn-hosts" | "resolv-file" => {
            "not taken over: it is about DNS, which this version does not serve"
        }
        "domain" => "not taken over: write it as `domain` of the [[network]]",
        _ => "not taken over: nothing here has this effect",
    }
}

/// `[tag:x,][set:y,]START,END|static|proxy[,MASK[,BROADCAST]][,TIME]`
fn range(book: &mut Book, line: u32, parts: &[&str]) -> Result<(), String> {
    let (mut tags, mut rest) = (Vec::new(), Vec::new());
    for part in parts {
        match part.split_once(':') {
            Some(("set", tag)) => {
                book.late.means(tag, Meaning::Range);
                tags.push(tag.to_owned());
            }
            Some(("tag" | "net", _)) => {
                return Err(
                    "a range for tagged clients only: a pool here is for everybody of its \
                            network"
                        .to_owned(),
                );
            }
            Some(("interface" | "constructor", _)) => return Err("not understood".to_owned()),
            _ if part.contains(':') => {
                return Err("DHCPv6: this server gives IPv4 addresses only".to_owned());
            }
            _ => rest.push(*part),
        }
    }
    let (first, rest) = rest.split_first().ok_or("it names no address")?;
    let first: Ipv4Addr = first.parse().map_err(|_| "it begins with no IPv4 address")?;
    let mut network = Network::default();
    let (mut mask, mut last) = (None, None);
    for (n, part) in rest.iter().enumerate() {
        match (n, *part, part.parse::<Ipv4Addr>()) {
            (0, "proxy", _) => network.proxy = true,
            (0, "static", _) => {}
            (0, _, Ok(address)) => last = Some(address),
            (1, _, Ok(address)) => mask = Some(address),
            (2, _, Ok(_)) => {}
            (_, "infinite", _) => network.lease_s = Some(u32::MAX),
            (_, part, Err(_)) => network.lease_s = Some(time(part).ok_or("it is not understood")?),
            _ => return Err("it is not understood".to_owned()),
        }
    }
    network.guessed = mask.is_none();
    let prefix = mask.map_or(Some(24), prefix).ok_or("its mask is none")?;
    let subnet = Subnet::new(first, prefix).ok_or("its mask leaves no addresses")?;
    if let Some(last) = last {
        if last < first || !subnet.contains(last) {
            return Err(match network.guessed {
                true => "its range is larger than a /24, and it names no mask: write the \
                         [[network]] yourself"
                    .to_owned(),
                false => "its last address is before its first, or outside its mask".to_owned(),
            });
        }
        network.pools.push(Pool { first, last }.to_string());
    }
    network.subnet = Some(subnet.to_string());
    let at = book.at(line, (network, tags));
    book.late.ranges.push(at);
    Ok(())
}

/// `255.255.255.0` as 24.
pub fn prefix(mask: Ipv4Addr) -> Option<u8> {
    let bits = u32::from(mask);
    let ones = bits.leading_ones();
    (bits.checked_shl(ones).unwrap_or(0) == 0).then(|| u8::try_from(ones).ok()).flatten()
}

/// `3600`, `45m`, `12h`, `7d`, `2w` in seconds.
fn time(text: &str) -> Option<u32> {
    let number = text.trim_end_matches(['s', 'm', 'h', 'd', 'w']);
    let unit = match text.get(number.len()..)? {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.parse::<u32>().ok()?.checked_mul(unit)
}

/// `[tag:x,]3,10.0.0.1` or `[tag:x,]option:router,10.0.0.1`
fn option(book: &mut Book, line: u32, parts: &[&str]) -> Result<(), String> {
    let (mut tags, mut rest) = (Vec::new(), parts);
    while let Some((first, more)) = rest.split_first() {
        match first.split_once(':') {
            Some(("tag" | "net", tag)) => tags.push(tag.to_owned()),
            Some(("encap" | "vi-encap" | "vendor", _)) => {
                return Err("not taken over: options inside options are written as \
                            `vendor-specific = \"sub:1=ip:10.0.0.5\"` in [network.options]"
                    .to_owned());
            }
            Some(("option6", _)) => {
                return Err("DHCPv6: this server gives IPv4 addresses only".to_owned());
            }
            _ => break,
        }
        rest = more;
    }
    let (name, items) = rest.split_first().ok_or("it names no option")?;
    let name = name.strip_prefix("option:").unwrap_or(name);
    let code = match name {
        "router" => 3,
        "dns-server" => 6,
        "domain-name" => 15,
        "netmask" => 1,
        "broadcast" => 28,
        "lease-time" => 51,
        name => match name.parse::<u8>() {
            Ok(code @ (1 | 3 | 6 | 15 | 28 | 51)) => code,
            _ => model::option::code(name)?,
        },
    };
    if items.iter().all(|item| item.is_empty()) {
        return Err("an option that is sent empty, or not at all: not taken over".to_owned());
    }
    let items = items.iter().map(|item| item.trim_matches('"').to_owned()).collect();
    let at = book.at(line, Given { tags, code, items });
    book.late.options.push(at);
    Ok(())
}

/// `[tag:x,]FILE[,NAME[,ADDRESS]]`
fn boot(book: &mut Book, line: u32, parts: &[&str]) -> Result<(), String> {
    let tagged = |part: &&&str| part.starts_with("tag:") || part.starts_with("net:");
    let tags: Vec<String> = parts
        .iter()
        .take_while(tagged)
        .filter_map(|part| part.split_once(':').map(|(_, tag)| tag.to_owned()))
        .collect();
    let rest = parts.get(tags.len()..).unwrap_or_default();
    let file = rest.first().map(|file| file.trim_matches('"').to_owned()).unwrap_or_default();
    if rest.iter().skip(1).any(|part| !part.is_empty()) {
        let what = format!("the server of dhcp-boot {file}");
        book.leave(line, &what, "not taken over: files come from this server");
    }
    let at = book.at(line, (tags, file));
    book.late.boots.push(at);
    Ok(())
}

/// `[tag:x,]CSA,TEXT[,BASENAME|TYPE[,SERVER]]`: an entry of a menu that firmware shows.
fn service(book: &mut Book, line: u32, parts: &[&str]) -> Result<(), String> {
    let rest: Vec<&str> = parts.iter().copied().filter(|part| !part.starts_with("tag:")).collect();
    let (Some(arch), Some(text)) = (rest.first(), rest.get(1)) else {
        return Err("it is not understood".to_owned());
    };
    let file = rest.get(2).copied().unwrap_or_default();
    if matches!(file, "" | "0") {
        return Err("not needed: every boot menu here has the local disk".to_owned());
    }
    if file.bytes().all(|b| b.is_ascii_digit()) {
        return Err("not taken over: other boot servers are not asked".to_owned());
    }
    let arch = match *arch {
        "x86PC" | "0" => "",
        other => other,
    };
    if crate::boot::is_loader(file) || crate::boot::is_loader(&format!("{file}.0")) {
        return Err(crate::boot::LOADER.to_owned());
    }
    let why = format!(
        "menus of firmware are not taken over: import {} as an image, and `bootwright menu set` \
         shows it as {}{}",
        model::text::show(file.as_bytes()),
        model::text::show(text.as_bytes()),
        if arch.is_empty() { "" } else { " (the image says for which architectures)" },
    );
    book.leave(line, &format!("pxe-service {text}"), why);
    Ok(())
}

/// `"TEXT",SECONDS`
fn prompt(book: &mut Book, value: &str) -> Result<(), String> {
    let after = value.rsplit('"').next().unwrap_or(value);
    match after.trim_start_matches(',').trim().parse::<u64>() {
        Ok(0) => {
            Err("not needed: a machine without a menu entry of its own does not wait".to_owned())
        }
        Ok(seconds) => {
            book.menu_wait(seconds);
            Ok(())
        }
        Err(_) => {
            book.menu_wait(0);
            Ok(())
        }
    }
}
