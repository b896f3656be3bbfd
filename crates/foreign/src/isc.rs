//! ISC dhcpd: `dhcpd.leases` (a log: the last block of an address counts) and the `host` blocks of
//! `dhcpd.conf`. Both are one grammar: statements end with `;`, blocks are in braces.

mod host;
mod lease;
mod lexer;
mod time;

use crate::book::Book;
use host::Host;
use lease::Draft;
use lexer::{Lexer, Piece, Statement};
use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::net::Ipv4Addr;

/// Blocks inside blocks; deeper ones are passed over.
const DEPTH_MAX: usize = 64;

/// What the reader is inside of.
enum Inside {
    /// `subnet`, `group` and the like: hosts may stand here.
    Settings,
    Lease(Box<Draft>),
    Host(Box<Host>),
    /// Named when it began; nothing in it is read.
    Passed,
}

pub fn read(book: &mut Book, from: &mut dyn BufRead) -> io::Result<()> {
    let mut lexer = Lexer::new(from);
    let (stack, hosts) = (Vec::new(), BTreeMap::new());
    let mut reader = Reader { book, stack, too_deep: 0, names_by_block: false, hosts };
    loop {
        let piece = lexer.next()?;
        for (line, what, why) in lexer.odd() {
            reader.book.leave(line, what, why);
        }
        match piece {
            Piece::Statement(statement) => reader.statement(&statement),
            Piece::Open(head) => reader.open(&head),
            Piece::Close(line) => reader.close(line)?,
            Piece::End(line) => {
                reader.end(line);
                return Ok(());
            }
        }
    }
}

struct Reader<'a> {
    book: &'a mut Book,
    stack: Vec<Inside>,
    /// Blocks that are open past [`DEPTH_MAX`].
    too_deep: u32,
    /// `use-host-decl-names on` was said: the word behind `host` is what a client is called.
    names_by_block: bool,
    /// The hosts of this file: in `dhcpd.leases` a later one of the same name replaces the earlier.
    hosts: BTreeMap<String, Vec<Ipv4Addr>>,
}

impl Reader<'_> {
    fn open(&mut self, head: &Statement) {
        if self.stack.len() >= DEPTH_MAX {
            self.too_deep += 1;
            return;
        }
        let inside = match self.stack.last_mut() {
            None | Some(Inside::Settings) => self.begin(head),
            Some(Inside::Passed) => Inside::Passed,
            // What is to be done when it ends (`on expiry`): dhcpd's own affair.
            Some(Inside::Lease(_)) => Inside::Passed,
            Some(Inside::Host(_)) => {
                let why = "not taken over: only the hardware, address and name of a host are";
                self.book.leave(head.line, &head.shown(), why);
                Inside::Passed
            }
        };
        self.stack.push(inside);
    }

    /// A block that stands where hosts may stand.
    fn begin(&mut self, head: &Statement) -> Inside {
        let why = match head.word(0) {
            "lease" => match head.word(1).parse::<Ipv4Addr>() {
                Ok(address) => return Inside::Lease(Box::new(Draft::new(head.line, address))),
                Err(_) => "it is the lease of no IPv4 address",
            },
            "host" => {
                return Inside::Host(Box::new(Host::new(head.line, head.word(1).to_owned())));
            }
            "group" | "pool" | "shared-network" | "subnet" => {
                if head.word(0) == "subnet" {
                    let why = "not taken over: write it as a [[network]] with `subnet` and `pool`";
                    self.book.leave(head.line, &head.shown(), why);
                }
                return Inside::Settings;
            }
            "failover" => "the state of a failover pair is not taken over: this server is alone",
            "subnet6" | "pool6" | "ia-na" | "ia-ta" | "ia-pd" => {
                "DHCPv6: this server gives IPv4 addresses only"
            }
            "class" | "subclass" | "if" | "elsif" | "else" | "switch" => {
                "not taken over, with all that is in it: rules take its place"
            }
            "zone" | "key" => "not taken over: this server updates no DNS",
            _ => "not understood, with all that is in it",
        };
        self.book.leave(head.line, &head.shown(), why);
        Inside::Passed
    }

    fn statement(&mut self, statement: &Statement) {
        match self.stack.last_mut() {
            _ if self.too_deep > 0 => {}
            Some(Inside::Passed) => {}
            Some(Inside::Lease(draft)) => draft.take(self.book, statement),
            Some(Inside::Host(host)) => host.take(self.book, statement),
            None | Some(Inside::Settings) => self.setting(statement),
        }
    }

    fn setting(&mut self, statement: &Statement) {
        let why = match statement.word(0) {
            // How the file itself is written.
            "" | "authoring-byte-order" => return,
            "use-host-decl-names" => {
                self.names_by_block = matches!(statement.word(1), "on" | "true");
                return;
            }
            "server-duid" => "DHCPv6: this server gives IPv4 addresses only",
            "range" => "not taken over: write it as `pool` of a [[network]]",
            "option" => "not taken over: write it in the [[network]]",
            "include" => "not followed: name that file too, as a PATH of its own",
            "default-lease-time" | "max-lease-time" | "min-lease-time" => {
                "not taken over: write it as `lease` of the [[network]]"
            }
            "filename" | "next-server" => {
                "not taken over: images, profiles and rules take its place"
            }
            _ => "not taken over: only leases and hosts are",
        };
        self.book.leave(statement.line, &statement.shown(), why);
    }

    fn close(&mut self, line: u32) -> io::Result<()> {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return Ok(());
        }
        match self.stack.pop() {
            None => {
                self.book.leave(line, "}", "it ends nothing");
                Ok(())
            }
            Some(Inside::Lease(draft)) => draft.end(self.book),
            Some(Inside::Host(host)) => self.host(*host),
            Some(Inside::Settings | Inside::Passed) => Ok(()),
        }
    }

    fn host(&mut self, host: Host) -> io::Result<()> {
        if let Some(before) = self.hosts.remove(&host.name) {
            self.book.unreserve(&before);
        }
        if !host.addresses().is_empty() {
            self.hosts.insert(host.name.clone(), host.addresses().to_vec());
        }
        host.end(self.book, self.names_by_block)
    }

    fn end(&mut self, line: u32) {
        for inside in self.stack.drain(..) {
            let (line, what) = match inside {
                Inside::Lease(draft) => (draft.line, format!("lease {}", draft.address)),
                Inside::Host(host) => (host.line, format!("host {}", host.name)),
                Inside::Settings | Inside::Passed => (line, "a block".to_owned()),
            };
            self.book.leave(line, &what, "the file ends inside it: it was not written whole");
        }
    }
}
