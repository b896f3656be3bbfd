//! The memfile: a log in CSV with a header; the last line of an address counts, and a line whose
//! lifetime is 0 takes the lease away.

use crate::book::{Book, LeftOut};
use crate::lines::{Line, Lines};
use crate::text::{ID_MAX, bytes, hardware, name, no_hardware};
use model::lease::LeaseState;
use model::{Lease, Now};
use std::io::{self, BufRead};
use std::net::Ipv4Addr;
use std::time::Duration;

/// A lifetime without end.
const FOR_EVER: u64 = 0xffff_ffff;

/// A header has fewer columns.
const COLUMNS_MAX: usize = 64;

/// Where the columns stand that are read.
struct Columns {
    address: usize,
    hardware: usize,
    client_id: Option<usize>,
    lifetime: usize,
    expire: usize,
    host_name: Option<usize>,
    state: Option<usize>,
}

impl Columns {
    fn new(header: &str) -> Result<Self, String> {
        let names: Vec<&str> = header.split(',').take(COLUMNS_MAX).map(str::trim).collect();
        if names.contains(&"duid") {
            return Err("DHCPv6: this server gives IPv4 addresses only".to_owned());
        }
        let place = |name: &str| names.iter().position(|n| *n == name);
        let needed = |name: &str| {
            place(name).ok_or_else(|| {
                format!("it is no lease file of Kea: its first line names no column `{name}`")
            })
        };
        Ok(Self {
            address: needed("address")?,
            hardware: needed("hwaddr")?,
            client_id: place("client_id"),
            lifetime: needed("valid_lifetime")?,
            expire: needed("expire")?,
            host_name: place("hostname"),
            state: place("state"),
        })
    }
}

pub fn read(book: &mut Book, from: &mut dyn BufRead) -> io::Result<()> {
    let mut lines = Lines::new(from);
    let mut columns: Option<Columns> = None;
    while let Some(line) = lines.next()? {
        let (line, text) = match line {
            Line::Text(line, text) => (line, text),
            Line::TooLong(line) => {
                book.too_long(line);
                continue;
            }
        };
        if text.trim().is_empty() {
            continue;
        }
        match &columns {
            Some(columns) => row(book, columns, line, &text)?,
            None => match Columns::new(&text) {
                Ok(found) => columns = Some(found),
                Err(why) => {
                    // Nothing below can be read without it.
                    book.leave(0, "the whole file", why);
                    return Ok(());
                }
            },
        }
    }
    Ok(())
}

fn row(book: &mut Book, columns: &Columns, line: u32, text: &str) -> io::Result<()> {
    let cells: Vec<&str> = text.split(',').take(COLUMNS_MAX).collect();
    let cell = |at: usize| cells.get(at).map(|cell| cell.trim()).unwrap_or_default();
    let maybe = |at: Option<usize>| at.map(cell).unwrap_or_default();
    let Ok(address) = cell(columns.address).parse::<Ipv4Addr>() else {
        book.leave(line, text, "it does not begin with an IPv4 address");
        return Ok(());
    };
    let times = (cell(columns.lifetime).parse::<u64>(), cell(columns.expire).parse::<u64>());
    let (Ok(lifetime), Ok(expire)) = times else {
        let out = book.out(line, text, "its `valid_lifetime` or `expire` is no number");
        return book.word(address, None, vec![out]);
    };
    if lifetime == 0 {
        // Kea took it away.
        book.forget(address);
        return Ok(());
    }
    let what = format!("lease {address}");
    let state = match state(maybe(columns.state)) {
        Ok(state) => state,
        Err(why) => {
            let out = book.out(line, &what, why);
            return book.word(address, None, vec![out]);
        }
    };
    let mut notes = Vec::new();
    let client_id = client_id(book, line, maybe(columns.client_id), &mut notes);
    let hardware = match (cell(columns.hardware), &client_id) {
        ("", Some(_)) => Some(no_hardware()),
        (text, _) => hardware(1, text),
    };
    let Some(hardware) = hardware else {
        let why = "it does not say whose it is: `hwaddr` and `client_id` are empty or wrong";
        let out = book.out(line, &what, why);
        return book.word(address, None, vec![out]);
    };
    let end = Now(expire.saturating_mul(1000));
    let lease = Lease {
        address,
        network: String::new(),
        hardware,
        client_id,
        host_name: name(&unescaped(maybe(columns.host_name))),
        since: end - Duration::from_secs(lifetime),
        until: (lifetime != FOR_EVER).then_some(end),
        state,
    };
    let lease = book.at(line, Lease { since: lease.since.min(book.now()), ..lease });
    book.word(address, Some(lease), notes)
}

/// What the number in `state` means here.
fn state(text: &str) -> Result<LeaseState, String> {
    match text {
        "" | "0" => Ok(LeaseState::Bound),
        "1" => Err("declined: a client found somebody else using it. Not taken over; this server \
                    probes an address before it offers it"
            .to_owned()),
        // Reclaimed after its end, or given back: free, and remembered for whom it was.
        "2" | "3" => Ok(LeaseState::Released),
        other => Err(format!("no state of a lease is `{}`", model::text::show(other.as_bytes()))),
    }
}

fn client_id(book: &Book, line: u32, text: &str, notes: &mut Vec<LeftOut>) -> Option<Vec<u8>> {
    if text.is_empty() {
        return None;
    }
    let id = bytes(text).filter(|id| id.len() <= ID_MAX);
    if id.is_none() {
        notes.push(book.out(line, text, "no client id; the lease is taken over without it"));
    }
    id
}

/// Undoes `&#x2c`, which is a comma that is none.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("&#x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(char::from(byte));
                out.push_str(part.get(2..).unwrap_or_default());
            }
            None => {
                out.push_str("&#x");
                out.push_str(part);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_comma_is_a_comma_again() {
        assert_eq!(unescaped("a&#x2cb&#xzz&#x"), "a,b&#xzz&#x");
        assert_eq!(unescaped("plain"), "plain");
    }
}
