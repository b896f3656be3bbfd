//! Who has a port of this host.
//!
//! In: a port. Out: the addresses it is bound to and the processes that hold it, as far as `/proc`
//! shows them to us. Never: touching any of them.

use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    /// Its address; `0.0.0.0` takes all of IPv4, and `::` all of both families, unless it said that it
    /// wants IPv6 alone (IPV6_V6ONLY), which no table shows.
    pub address: IpAddr,
    /// Name and number of the process, where we may see it.
    pub process: Option<(String, u32)>,
}

impl Holder {
    /// Whether somebody who wants the port on this address meets it.
    pub fn is_in_the_way_of(&self, wanted: IpAddr) -> bool {
        match self.address {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => true,
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => wanted.is_ipv4(),
            there => there == wanted,
        }
    }
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
    let found: Vec<(IpAddr, u64)> = tables
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
fn bound(line: &str, transport: Transport, port: u16) -> Option<(IpAddr, u64)> {
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
    Some((read(address)?, inode))
}

/// An address as the table has it: words of 32 bits, each in the host's byte order; one of IPv4, four of
/// IPv6, where what is of IPv4 all the same (`::ffff:10.0.0.1`) is read as that.
fn read(digits: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = digits.get(at.checked_mul(8)?..at.checked_add(1)?.checked_mul(8)?)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    match digits.len() {
        8 => Some(IpAddr::from(word(0)?)),
        32 => {
            let bytes = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            let whole: [u8; 16] = bytes.try_into().ok()?;
            Some(IpAddr::from(whole).to_canonical())
        }
        _ => None,
    }
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
        assert!(holder.is_in_the_way_of(Ipv4Addr::LOCALHOST.into()));
        assert!(!holder.is_in_the_way_of([127, 0, 0, 2].into()));
        assert_eq!(holder.process.as_ref().map(|(_, id)| *id), Some(std::process::id()));
        assert!(others(Transport::Udp, port).is_empty());
        assert!(holders(Transport::Tcp, port).is_empty());
    }

    #[test]
    fn an_ipv6_listener_for_all_holds_the_port_too() {
        let Ok(tcp) = std::net::TcpListener::bind("[::]:0") else { return };
        let port = tcp.local_addr().unwrap().port();
        let found = holders(Transport::Tcp, port);
        let [holder] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(holder.address, Ipv6Addr::UNSPECIFIED);
        assert!(holder.is_in_the_way_of(Ipv4Addr::LOCALHOST.into()));
        assert!(holder.is_in_the_way_of(Ipv6Addr::LOCALHOST.into()));
    }

    #[test]
    fn a_holder_of_one_address_of_ipv6_is_known_by_it() {
        let Ok(udp) = std::net::UdpSocket::bind("[::1]:0") else { return };
        let found = holders(Transport::Udp, udp.local_addr().unwrap().port());
        let [holder] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(holder.address, Ipv6Addr::LOCALHOST);
        assert!(holder.is_in_the_way_of(Ipv6Addr::LOCALHOST.into()));
        assert!(!holder.is_in_the_way_of("fd77::1".parse().unwrap()));
        assert!(!holder.is_in_the_way_of(Ipv4Addr::LOCALHOST.into()));
    }

    /// As a machine of little-endian words writes them.
    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_are_read_as_the_kernel_writes_them() {
        for (digits, address) in [
            ("0100007F", "127.0.0.1"),
            ("00000000", "0.0.0.0"),
            ("00000000000000000000000000000000", "::"),
            ("000077FD000000000000000001000000", "fd77::1"),
            ("0000000000000000FFFF00000100007F", "127.0.0.1"),
        ] {
            assert_eq!(read(digits).unwrap().to_string(), address);
        }
        for broken in ["", "0100007", "0100007G", "010000", "0100007F0100007F", "é00000ü"] {
            assert_eq!(read(broken), None, "{broken}");
        }
        let all = Holder { address: Ipv4Addr::UNSPECIFIED.into(), process: None };
        assert!(all.is_in_the_way_of([10, 77, 0, 1].into()));
        assert!(!all.is_in_the_way_of("fd77::1".parse().unwrap()), "our sockets are of IPv6 alone");
    }
}
