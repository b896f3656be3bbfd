//! Who has a port of this host.
//!
//! In: a port. Out: the addresses it is bound to and the processes that hold it, as far as `/proc`
//! shows them to us. Never: touching any of them.

use std::fmt;
use std::fs;
use std::net::Ipv4Addr;

/// A process is looked for among so many.
const PROCESSES_MAX: usize = 32_768;

/// Transport protocols.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP, listening.
    Tcp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Udp { "UDP" } else { "TCP" })
    }
}

/// One socket bound to the port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    /// Its IPv4 address; 0.0.0.0 takes all, IPv6's `::` included.
    pub address: Ipv4Addr,
    /// Name and number of the process, where we may see it.
    pub process: Option<(String, u32)>,
}

/// `dnsmasq (process 812)`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some((name, id)) => write!(f, "{} (process {id})", model::text::show(name.as_bytes())),
            None => f.write_str("a process we may not look into"),
        }
    }
}

/// Every socket of this host (of this network namespace) that holds `port`.
pub fn holders(transport: Transport, port: u16) -> Vec<Holder> {
    let tables = match transport {
        Transport::Udp => ["udp", "udp6"],
        Transport::Tcp => ["tcp", "tcp6"],
    };
    let found: Vec<(Ipv4Addr, u64)> = tables
        .iter()
        .filter_map(|table| fs::read_to_string(format!("/proc/thread-self/net/{table}")).ok())
        .flat_map(|text| text.lines().filter_map(|l| bound(l, transport, port)).collect::<Vec<_>>())
        .collect();
    found
        .into_iter()
        .map(|(address, inode)| Holder { address, process: process_of(inode) })
        .collect()
}

/// Holders that are not this process.
pub(crate) fn others(transport: Transport, port: u16) -> Vec<Holder> {
    let own = std::process::id();
    let mut others = holders(transport, port);
    others.retain(|h| h.process.as_ref().is_none_or(|(_, id)| *id != own));
    others
}

/// Reads one line of `/proc/net/udp` or `tcp`: address and inode, if it is of this port.
fn bound(line: &str, transport: Transport, port: u16) -> Option<(Ipv4Addr, u64)> {
    let mut fields = line.split_ascii_whitespace();
    let (local, _, state) = (fields.nth(1)?, fields.next()?, fields.next()?);
    let inode = fields.nth(5)?.parse().ok()?;
    if transport == Transport::Tcp && state != "0A" {
        return None;
    }
    let (address, of) = local.split_once(':')?;
    if u16::from_str_radix(of, 16).ok()? != port {
        return None;
    }
    // In the host's byte order; of an IPv6 address the last word is what counts here.
    let last_word = address.get(address.len().checked_sub(8)?..)?;
    let word = u32::from_str_radix(last_word, 16).ok()?;
    Some((Ipv4Addr::from(word.to_ne_bytes()), inode))
}

fn process_of(inode: u64) -> Option<(String, u32)> {
    let wanted = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten().take(PROCESSES_MAX);
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let id = ids.find(|id| {
        fs::read_dir(format!("/proc/{id}/fd")).is_ok_and(|open| {
            open.flatten().any(|fd| {
                fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == wanted.as_str())
            })
        })
    })?;
    let name = fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
    Some((name.trim_end().to_owned(), id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_find_ourselves() {
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = udp.local_addr().unwrap().port();
        let found = holders(Transport::Udp, port);
        let [holder] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(holder.address, Ipv4Addr::LOCALHOST);
        assert_eq!(holder.process.as_ref().map(|(_, id)| *id), Some(std::process::id()));
        assert!(others(Transport::Udp, port).is_empty());
        assert!(holders(Transport::Tcp, port).is_empty());
    }

    #[test]
    fn an_ipv6_listener_for_all_holds_the_port_too() {
        let Ok(tcp) = std::net::TcpListener::bind("[::]:0") else { return };
        let port = tcp.local_addr().unwrap().port();
        let found = holders(Transport::Tcp, port);
        assert_eq!(found.first().map(|h| h.address), Some(Ipv4Addr::UNSPECIFIED));
    }
}
