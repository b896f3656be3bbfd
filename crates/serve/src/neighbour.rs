//! Which MAC an address of the link has, from the kernel's neighbour table.

use model::HardwareAddress;
use std::fs;
use std::net::IpAddr;

mod netlink;

/// ATF_COM: the entry is complete.
const COMPLETE: u8 = 2;

/// The MAC of somebody who has just sent us a packet. The entry of `link` counts more than one of
/// another interface; behind a router there is none.
pub(crate) fn of(peer: IpAddr, link: &str) -> Option<HardwareAddress> {
    if let IpAddr::V6(peer) = peer {
        return netlink::of(peer, link);
    }
    let table = fs::read_to_string("/proc/thread-self/net/arp").ok()?;
    find(&table, &peer.to_string(), link)
}

fn find(table: &str, peer: &str, link: &str) -> Option<HardwareAddress> {
    let mut best = None;
    for line in table.lines() {
        let mut fields = line.split_ascii_whitespace();
        if fields.next() != Some(peer) {
            continue;
        }
        let (Some("0x1"), Some(flags), Some(mac), Some(_), Some(device)) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let flags = flags.strip_prefix("0x").and_then(|f| u8::from_str_radix(f, 16).ok());
        if flags.is_none_or(|f| f & COMPLETE == 0) {
            continue;
        }
        let Ok(mac) = mac.parse() else { continue };
        if device == link {
            return Some(mac);
        }
        best = best.or(Some(mac));
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
10.77.0.9        0x1         0x2         52:54:00:00:00:09     *        eth0
10.77.0.9        0x1         0x2         52:54:00:00:00:0a     *        br0
10.77.0.8        0x1         0x0         00:00:00:00:00:00     *        br0
";

    #[test]
    fn the_entry_of_the_link_counts_and_unfinished_ones_do_not() {
        let mac = |text: &str| Some(text.parse().unwrap());
        assert_eq!(find(TABLE, "10.77.0.9", "br0"), mac("52:54:00:00:00:0a"));
        assert_eq!(find(TABLE, "10.77.0.9", "br1"), mac("52:54:00:00:00:09"));
        assert_eq!(find(TABLE, "10.77.0.8", "br0"), None);
        assert_eq!(find(TABLE, "10.77.0.1", "br0"), None);
    }
}
