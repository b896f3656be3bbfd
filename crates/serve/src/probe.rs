//! Who else speaks to machines on a link.
//!
//! ```text
//! offers    DHCPDISCOVER, as a plain client and as firmware ─▶ who offers addresses and boot files
//! port_4011 what a proxy adds when it is asked there
//! tftp      whether a named server hands out the named file
//! link_6    routers, and DHCPv6 servers with what they would boot
//! ```
//!
//! In: an interface and a time to listen. Out: every server that answered. Never: anything by which
//! an address would be bound or released; a server may hold the address it offers for a short while.

mod link_6;
mod offers;
mod port_4011;
mod tftp;

pub use link_6::{BootServer6, Link6, Router, link_6};
pub use offers::{Asked, Offer, offers};
pub use port_4011::port_4011;
pub use tftp::{Tftp, tftp};

use model::HardwareAddress;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

/// More answers than this on one link are not kept.
const SERVERS_MAX: usize = 64;

/// A DHCP or boot server that answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OtherServer {
    /// Who it says it is (option 54), else where its answer came from.
    pub server: Ipv4Addr,
    /// The hardware address its answer came from: its own, or a relay's.
    pub mac: HardwareAddress,
    /// It offered an address.
    pub offers_address: bool,
    /// It offered to boot us.
    pub is_pxe: bool,
}

/// Asks the link of `interface` for DHCP servers, once as a plain client and once as PXE firmware,
/// and collects what answers come within `listen`. Servers that look whether an address is taken
/// answer after up to 3 s, so allow 4 s. A server on this very host does not hear us: ask
/// [`crate::holder::holders`] about port 67.
///
/// # Errors
///
/// When the interface is not there or may not be used.
pub async fn probe(interface: &str, listen: Duration) -> io::Result<Vec<OtherServer>> {
    let mut servers: Vec<OtherServer> = Vec::new();
    for offer in offers(interface, &[Asked::Plain, Asked::X64Uefi], listen).await? {
        let heard = OtherServer {
            server: offer.server,
            mac: offer.mac,
            offers_address: offer.address.is_some(),
            is_pxe: offer.boots(),
        };
        let same = servers.iter_mut().find(|s| (s.server, s.mac) == (heard.server, heard.mac));
        if let Some(known) = same {
            known.offers_address |= heard.offers_address;
            known.is_pxe |= heard.is_pxe;
        } else {
            // No more than there are offers, and those have a limit.
            servers.push(heard);
        }
    }
    Ok(servers)
}

/// A number that nobody else on the link has by chance.
pub(crate) fn chance() -> u32 {
    use std::collections::hash_map::RandomState;
    use std::hash::{BuildHasher, Hasher};
    (RandomState::new().build_hasher().finish() >> 32) as u32
}

/// Who asks, where a machine's UUID is wanted: nobody's.
fn uuid(mac: [u8; 6]) -> Vec<u8> {
    [b"bw-probe--".as_slice(), &mac].concat()
}
