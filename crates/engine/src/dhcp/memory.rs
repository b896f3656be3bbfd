//! Soft state about clients in the middle of a boot. All of it may be lost at any moment; it makes
//! answers better, never possible.

use model::client::Stage;
use model::{Client, HardwareAddress, Now, Seen};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;
use wire::dhcp4::{Message, MessageType, code};

/// Clients remembered; the one longest silent makes room.
pub const REMEMBERED_MAX: usize = 8192;

/// A boot is over when nothing was heard for so long.
const BOOT_LASTS: Duration = Duration::from_secs(600);

/// DISCOVERs without a follow-up after which the other form of proxy offer is tried.
const PATIENCE: u32 = 3;

/// Asks for a loader that are counted.
const LOADER_ASKS_MAX: usize = 32;

/// Passwords that are tried in a minute, by everybody together: each costs the owner some
/// milliseconds, and nobody types faster.
const TRIES_PER_MINUTE: usize = 30;

/// What is remembered of clients, by hardware address.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    clients: BTreeMap<HardwareAddress, Recalled>,
    by_address: BTreeMap<Ipv4Addr, HardwareAddress>,
    tries: Vec<Now>,
}

#[derive(Clone, Debug)]
struct Recalled {
    at: Now,
    client: Client,
    xid: u32,
    discovers: u32,
    seen: BTreeSet<Seen>,
    /// It came back on port 4011 after an offer without option 43: for this one it is the right
    /// form.
    came_back: bool,
    address: Option<Ipv4Addr>,
    loader_dir: Option<String>,
    loader_asks: Vec<Now>,
}

impl Memory {
    /// Completes what a message says with what the same client said a moment ago: a Raspberry Pi
    /// names its class only in the DISCOVER (Q51), and an installer's DHCP says nothing of the
    /// machine at all.
    pub(super) fn recall(&self, now: Now, message: &Message, read: Client) -> Client {
        let Some(before) = self.clients.get(&read.hardware) else { return read };
        let same_exchange = before.xid == message.xid && now.since(before.at) < BOOT_LASTS;
        // Option 93 may still be there, and would make a PC of the Pi.
        let said_less = read.vendor_class.is_none() && !matches!(read.stage, Stage::Ipxe(_));
        if same_exchange && said_less {
            let told = before.client.clone();
            return Client { client_id: read.client_id, relay: read.relay, ..told };
        }
        read
    }

    /// Remembers a client that boots, and the address it goes by.
    pub(super) fn note(&mut self, now: Now, message: &Message, client: &Client, port: u16) {
        let address = addresses(message);
        let Some(recalled) = self.row(now, message.xid, client) else { return };
        if port == super::reply::BOOT_SERVER_PORT {
            recalled.seen.insert(Seen::AskedOn4011);
        }
        if client.vendor_class.is_some() && !message.options.contains(code::VENDOR_CLASS) {
            // What it said a moment ago was put in its place by `recall`.
            recalled.seen.insert(Seen::ClassOnlyOnce);
        }
        if client.stage != Stage::System {
            recalled.client = client.clone();
        }
        if message.options.message_type() == Some(Ok(MessageType::Discover)) {
            let again = recalled.xid == message.xid;
            recalled.discovers = if again { recalled.discovers + 1 } else { 1 };
            if !again && !recalled.came_back {
                // It may have been the DHCP server that was slow: the next boot starts afresh.
                recalled.seen.remove(&Seen::UnheardOffers);
            }
            if recalled.discovers >= PATIENCE {
                recalled.seen.insert(Seen::UnheardOffers);
            }
        } else {
            recalled.discovers = 0;
            recalled.came_back |= recalled.seen.contains(&Seen::UnheardOffers)
                && !message.ciaddr.is_unspecified()
                && !message.options.contains(code::SERVER_ID);
        }
        recalled.xid = message.xid;
        if let Some(address) = address {
            self.goes_by(client.hardware, address);
        }
    }

    /// Remembers a client that boots over IPv6. Which addresses it goes by, its leases say.
    pub(crate) fn note_over_ipv6(&mut self, now: Now, xid: [u8; 3], client: &Client) {
        if client.hardware.bytes().is_empty() {
            return;
        }
        let [a, b, c] = xid;
        let Some(row) = self.row(now, u32::from_be_bytes([0, a, b, c]), client) else { return };
        if client.stage != Stage::System {
            row.client = client.clone();
        }
    }

    /// The row of a client, new if there is none; systems have none of their own.
    fn row(&mut self, now: Now, xid: u32, client: &Client) -> Option<&mut Recalled> {
        let known = self.clients.contains_key(&client.hardware);
        if client.stage == Stage::System && !known {
            return None;
        }
        if self.clients.len() >= REMEMBERED_MAX && !known {
            let oldest = self.clients.iter().min_by_key(|(_, recalled)| recalled.at);
            if let Some(oldest) = oldest.map(|(hardware, _)| *hardware) {
                self.forget(&oldest);
            }
        }
        let recalled = self.clients.entry(client.hardware).or_insert_with(|| Recalled {
            at: now,
            client: client.clone(),
            xid,
            discovers: 0,
            seen: BTreeSet::new(),
            came_back: false,
            address: None,
            loader_dir: None,
            loader_asks: Vec::new(),
        });
        recalled.at = now;
        Some(recalled)
    }

    /// One address a client: the table has no more rows than there are clients.
    fn goes_by(&mut self, hardware: HardwareAddress, address: Ipv4Addr) {
        let Some(recalled) = self.clients.get_mut(&hardware) else { return };
        let before = recalled.address.replace(address);
        if let Some(before) = before.filter(|a| self.by_address.get(a) == Some(&hardware)) {
            self.by_address.remove(&before);
        }
        self.by_address.insert(address, hardware);
    }

    /// Remembers the address an ACK gave.
    pub(super) fn note_address(&mut self, hardware: &HardwareAddress, address: Ipv4Addr) {
        self.goes_by(*hardware, address);
    }

    fn forget(&mut self, hardware: &HardwareAddress) {
        let address = self.clients.remove(hardware).and_then(|recalled| recalled.address);
        if let Some(address) = address.filter(|a| self.by_address.get(a) == Some(hardware)) {
            self.by_address.remove(&address);
        }
    }

    /// Whether one more password may be tried now.
    pub(crate) fn may_try(&mut self, now: Now) -> bool {
        self.tries.retain(|at| now.since(*at) < Duration::from_secs(60));
        let may = self.tries.len() < TRIES_PER_MINUTE;
        if may {
            self.tries.push(now);
        }
        may
    }

    /// Who goes by this address, as far as it was overheard.
    pub(crate) fn at_address(&self, address: Ipv4Addr) -> Option<HardwareAddress> {
        self.by_address.get(&address).copied()
    }

    /// What a client last said of itself while booting.
    pub(crate) fn client(&self, hardware: &HardwareAddress) -> Option<&Client> {
        self.clients.get(hardware).map(|recalled| &recalled.client)
    }

    /// What a client was seen to do.
    pub(crate) fn seen(&self, hardware: &HardwareAddress) -> Option<&BTreeSet<Seen>> {
        self.clients.get(hardware).map(|recalled| &recalled.seen)
    }

    /// Remembers what a client did, if it is one that boots.
    pub(crate) fn note_seen(&mut self, hardware: &HardwareAddress, what: Seen) {
        if let Some(recalled) = self.clients.get_mut(hardware) {
            recalled.seen.insert(what);
        }
    }

    /// Remembers from which directory a client fetched its bootloader; shim asks for its second
    /// stage in the root when firmware hid the name from it (Q67). Says how often a loader was
    /// asked for in the last minute.
    pub(crate) fn note_loader(&mut self, now: Now, hardware: &HardwareAddress, dir: &str) -> usize {
        let Some(recalled) = self.clients.get_mut(hardware) else { return 0 };
        recalled.loader_dir = Some(dir.to_owned());
        recalled.loader_asks.retain(|at| now.since(*at) < Duration::from_secs(60));
        if recalled.loader_asks.len() >= LOADER_ASKS_MAX {
            recalled.loader_asks.remove(0);
        }
        recalled.loader_asks.push(now);
        recalled.loader_asks.len()
    }

    /// The directory that a client's bootloader came from.
    pub(crate) fn loader_dir(&self, hardware: &HardwareAddress) -> Option<&str> {
        self.clients.get(hardware)?.loader_dir.as_deref()
    }
}

/// The address that a client goes by or asks another server for.
fn addresses(message: &Message) -> Option<Ipv4Addr> {
    // Only a REQUEST counts: some clients fill ciaddr in DISCOVERs with rubbish (Q48).
    if message.options.message_type() != Some(Ok(MessageType::Request)) {
        return None;
    }
    let asked = message.options.ip(code::REQUESTED_ADDRESS);
    asked.or(Some(message.ciaddr).filter(|address| !address.is_unspecified()))
}
