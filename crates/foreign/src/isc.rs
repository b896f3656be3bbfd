//! ISC dhcpd: `dhcpd.leases` (a log: the last block of an address counts), and `dhcpd.conf`: its
//! `host` blocks, subnets and boot files. Both are one grammar: statements end with `;`, blocks are in braces.

mod host;
mod lease;
mod lexer;
mod settings;
mod time;

use crate::book::Book;
use crate::found::Network;
use host::Host;
use lease::Draft;
use lexer::{Lexer, Piece, Statement};
use settings::{Class, Scope, Whom};
use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::net::Ipv4Addr;

/// Blocks inside blocks; deeper ones are passed over.
const DEPTH_MAX: usize = 64;

/// The configuration file takes as many networks.
const NETWORKS_MAX: usize = 256;

/// What the reader is inside of.
enum Inside {
    /// `subnet`, `group` and the like: hosts may stand here.
    Settings(Scope),
    Lease(Box<Draft>),
    Host(Box<Host>),
    /// Named when it began; nothing in it is read.
    Passed,
}

pub fn read(book: &mut Book, from: &mut dyn BufRead) -> io::Result<()> {
    let mut lexer = Lexer::new(from);
    let (stack, hosts) = (Vec::new(), BTreeMap::new());
    let mut reader = Reader {
        book,
        stack,
        too_deep: 0,
        names_by_block: false,
        hosts,
        networks: Vec::new(),
        all: Network::default(),
    };
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
    /// Subnets that are whole, with their lines.
    networks: Vec<(u32, Network)>,
    /// What all networks are told.
    all: Network,
}

impl Reader<'_> {
    fn open(&mut self, head: &Statement) {
        if self.stack.len() >= DEPTH_MAX {
            self.too_deep += 1;
            return;
        }
        let inside = match self.stack.last_mut() {
            None | Some(Inside::Settings(_)) => self.begin(head),
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
            "group" | "pool" => return Inside::Settings(Scope::Group),
            "shared-network" => {
                return Inside::Settings(Scope::Shared(settings::plain(head, 1)));
            }
            "subnet" => match settings::subnet(head) {
                Some(network) => {
                    return Inside::Settings(Scope::Subnet(head.line, Box::new(network)));
                }
                None => "it is no IPv4 subnet",
            },
            "class" => {
                let name = settings::plain(head, 1);
                let class = Class { line: head.line, name, whom: Whom::Nobody, boots: false };
                return Inside::Settings(Scope::Class(class));
            }
            "if" | "elsif" => {
                let whom = settings::whom(head, 1);
                if matches!(whom, Whom::Nobody) {
                    let why = "a rule cannot ask this; rules know mac, arch, firmware, \
                               vendor-class, labels (`bootwright rule add --help`)";
                    self.book.leave(head.line, &head.shown(), why);
                }
                return Inside::Settings(Scope::If(whom));
            }
            "else" if head.word(1) == "if" => {
                return Inside::Settings(Scope::If(settings::whom(head, 2)));
            }
            "else" => return Inside::Settings(Scope::If(Whom::Others)),
            "failover" => "the state of a failover pair is not taken over: this server is alone",
            "subnet6" | "pool6" | "ia-na" | "ia-ta" | "ia-pd" => {
                "DHCPv6: this server gives IPv4 addresses only"
            }
            "subclass" | "switch" => "not taken over, with all that is in it: rules take its place",
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
            None | Some(Inside::Settings(_)) => self.setting(statement),
        }
    }

    fn setting(&mut self, statement: &Statement) {
        let why: String = match statement.word(0) {
            // How the file itself is written.
            "" | "authoring-byte-order" => return,
            "use-host-decl-names" => {
                self.names_by_block = matches!(statement.word(1), "on" | "true");
                return;
            }
            "range" => match self.subnet().map(|network| settings::range(network, statement)) {
                Some(Ok(())) => return,
                Some(Err(why)) => why.to_owned(),
                None => "it stands in no subnet".to_owned(),
            },
            // A definition of an option: `option NAME code 224 = text`.
            "option" if statement.word(2) == "code" || statement.word(1) == "space" => {
                "not needed: options without a name here are written by their number".to_owned()
            }
            "option" => match settings::option(self.network(), statement) {
                Ok(()) => return,
                Err(why) => why,
            },
            "default-lease-time" => match statement.word(1).parse() {
                Ok(seconds) => {
                    self.network().lease_s = Some(seconds);
                    return;
                }
                Err(_) => "it is no number of seconds".to_owned(),
            },
            "filename" => {
                for inside in &mut self.stack {
                    if let Inside::Settings(Scope::Class(class)) = inside {
                        class.boots = true;
                    }
                }
                let whom: Vec<Whom> = self.whom();
                let in_subnet = self.subnet().is_some();
                return settings::filename(self.book, statement, &whom, in_subnet);
            }
            "match" if statement.word(1) == "if" => {
                let whom = settings::whom(statement, 2);
                let unknown = matches!(whom, Whom::Nobody);
                match self.stack.last_mut() {
                    Some(Inside::Settings(Scope::Class(class))) => class.whom = whom,
                    _ => return self.book.leave(statement.line, &statement.shown(), "no class"),
                }
                if !unknown {
                    return;
                }
                "a rule cannot ask this".to_owned()
            }
            other => instead(other).to_owned(),
        };
        self.book.leave(statement.line, &statement.shown(), why);
    }

    /// The subnet that is read.
    fn subnet(&mut self) -> Option<&mut Network> {
        self.stack.iter_mut().rev().find_map(|inside| match inside {
            Inside::Settings(Scope::Subnet(_, network)) => Some(&mut **network),
            _ => None,
        })
    }

    /// The subnet that is read, or what all are told.
    fn network(&mut self) -> &mut Network {
        let inner = self.stack.iter_mut().rev().find_map(|inside| match inside {
            Inside::Settings(Scope::Subnet(_, network)) => Some(&mut **network),
            _ => None,
        });
        inner.unwrap_or(&mut self.all)
    }

    /// Whom the blocks that are open are about.
    fn whom(&self) -> Vec<Whom> {
        let of = |inside: &Inside| match inside {
            Inside::Settings(Scope::If(whom) | Scope::Class(Class { whom, .. })) => {
                Some(whom.clone())
            }
            _ => None,
        };
        self.stack.iter().filter_map(of).collect()
    }

    /// A subnet is whole.
    fn whole(&mut self, line: u32, mut network: Network) {
        network.shared = self.stack.iter().rev().find_map(|inside| match inside {
            Inside::Settings(Scope::Shared(name)) => Some(name.clone()),
            _ => None,
        });
        if self.networks.len() >= NETWORKS_MAX {
            return self.book.leave(line, "a subnet", "there are too many of them");
        }
        self.networks.push((line, network));
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
            Some(Inside::Settings(Scope::Subnet(line, network))) => {
                self.whole(line, *network);
                Ok(())
            }
            Some(Inside::Settings(Scope::Class(class))) => {
                if !class.boots {
                    let what = format!("class {}", class.name);
                    let why = "not needed: it gives no boot file, and a pool is for everybody here";
                    self.book.leave(class.line, &what, why);
                }
                Ok(())
            }
            Some(Inside::Settings(_) | Inside::Passed) => Ok(()),
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
                Inside::Settings(_) | Inside::Passed => (line, "a block".to_owned()),
            };
            self.book.leave(line, &what, "the file ends inside it: it was not written whole");
        }
        for (line, mut network) in std::mem::take(&mut self.networks) {
            network.fill(&self.all);
            self.book.network(line, network);
        }
    }
}

/// Where a setting of dhcpd has its place here.
fn instead(word: &str) -> &'static str {
    match word {
        "server-duid" => "DHCPv6: this server gives IPv4 addresses only",
        "include" => "not followed: name that file too, as a PATH of its own",
        "max-lease-time" | "min-lease-time" => {
            "not needed: every lease is as long as `lease` of its [[network]], or shorter if asked for"
        }
        "next-server" | "server-name" => "not needed: files come from this server",
        "authoritative" => "not taken over: write `authoritative = true` in the [[network]]",
        "ddns-update-style" | "ddns-updates" | "update-static-leases" => {
            "not needed: this server updates no DNS"
        }
        "allow" | "deny" | "ignore" => {
            "not taken over: nobody on a served network is left out; `machine block MAC` keeps a \
             machine from booting"
        }
        _ => "not taken over: nothing here has this effect",
    }
}
