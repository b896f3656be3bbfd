//! Addresses for the associations of a client: offered, bound, renewed, taken back (RFC 8415,
//! 18.3.1 to 18.3.8).

use super::reply::status;
use super::{Exchange, Said, wish};
use crate::Engine;
use crate::lease6::{Asker, Planned};
use model::address::hex_of;
use model::plan::Why;
use model::{Change, Lease6, Network6, Now};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;
use wire::dhcp6::{Association, Given, Kind, status};

/// Times of an address that holds for ever.
const FOR_EVER: u32 = u32::MAX;

impl Engine {
    /// An address for each association: promised by a REPLY, named by an ADVERTISE.
    pub(super) fn give_addresses(&self, exchange: &Exchange<'_>, kind: Kind) -> Result<Said, Why> {
        let mut said = self.begin6(exchange, kind);
        let mut planned = Planned::default();
        for asked in &exchange.heard.packet.associations {
            let subnet = exchange.network.subnet;
            let elsewhere = || asked.addresses.iter().any(|a| !subnet.contains(a.address));
            let answer = match kind {
                // What it has came from another link: it has to begin anew (18.3.2).
                Kind::Reply if exchange.heard.packet.kind == Kind::Request && elsewhere() => {
                    refused(asked, status::NOT_ON_LINK, "not of this link")
                }
                _ => match self.choose6(exchange, asked, &planned) {
                    Some(address) if kind == Kind::Reply => {
                        self.promise(exchange, &mut said, asked, address, &mut planned)
                    }
                    Some(address) => {
                        planned.give(address);
                        self.bind(exchange, &mut said, asked, address)
                    }
                    None => refused(asked, status::NO_ADDRESSES, "every address is leased"),
                },
            };
            said.packet.associations.push(answer);
        }
        if planned.is_empty() && !said.packet.associations.is_empty() {
            let on_link = said.packet.associations.iter().all(is_without_address);
            if on_link {
                let why = || self.exhausted6(exchange.now, exchange.network).to_string();
                said.reasons.note(why);
            }
        }
        if said.packet.associations.is_empty() {
            // It wants prefixes or temporary addresses, which nobody gives here.
            said.packet.status = Some(status(status::NO_ADDRESSES, "no such association here"));
            said.reasons.note(|| "it asks for no address that is given here");
        }
        self.put_settings(exchange, &mut said);
        Ok(said)
    }

    /// Why nobody gets an address here any more.
    pub(crate) fn exhausted6(&self, now: Now, network: &Network6) -> Why {
        let size = u64::try_from(network.pool_size()).unwrap_or(u64::MAX);
        let quarantined = self.leases6.quarantined(now, network) as u64;
        Why::PoolExhausted { size, quarantined }
    }

    /// RENEW and REBIND: the same for longer. What we do not know of (the server is new, its state
    /// was lost) is theirs if nobody else has it; a machine in the middle of something keeps its
    /// address.
    pub(super) fn renew(&self, exchange: &Exchange<'_>) -> Result<Said, Why> {
        let rebinds = exchange.heard.packet.kind == Kind::Rebind;
        let mut said = self.begin6(exchange, Kind::Reply);
        let mut planned = Planned::default();
        let mut unknown = None;
        for asked in &exchange.heard.packet.associations {
            let asker = self.asker6(exchange, asked.iaid);
            let known = self.leases6.held(exchange.now, exchange.network, &asker).is_some();
            let theirs = known || wish(asked).is_some();
            let choice = self.choose6(exchange, asked, &planned).filter(|_| theirs);
            let foreign = !known && choice != wish(asked);
            let answer = match choice.filter(|_| !foreign) {
                Some(address) => {
                    let mut answer =
                        self.promise(exchange, &mut said, asked, address, &mut planned);
                    // What it has beside that, or instead, it must not use any more.
                    let others = asked.addresses.iter().filter(|a| a.address != address);
                    answer.addresses.extend(others.map(|a| over(a.address)));
                    answer
                }
                None if rebinds => {
                    unknown = wish(asked).or(unknown);
                    continue;
                }
                None => refused(asked, status::NO_BINDING, "no such binding here"),
            };
            said.packet.associations.push(answer);
        }
        if rebinds && said.packet.associations.is_empty() {
            // Another server may know of it.
            return Err(Why::NoRecord(IpAddr::V6(unknown.unwrap_or(Ipv6Addr::UNSPECIFIED))));
        }
        self.put_settings(exchange, &mut said);
        Ok(said)
    }

    /// CONFIRM: whether all of its addresses belong on the link it is on now.
    pub(super) fn confirm_link(&self, exchange: &Exchange<'_>) -> Result<Said, Why> {
        let associations = &exchange.heard.packet.associations;
        let mut all = associations.iter().flat_map(|a| &a.addresses).map(|a| a.address).peekable();
        if all.peek().is_none() {
            return Err(Why::BadOption("CONFIRM names no address".into()));
        }
        let outside = all.find(|address| !exchange.network.subnet.contains(*address));
        let mut said = self.begin6(exchange, Kind::Reply);
        let (code, text) = match outside {
            None => (status::SUCCESS, "all of this link"),
            Some(_) => (status::NOT_ON_LINK, "not of this link"),
        };
        said.packet.status = Some(status(code, text));
        said.reasons.note(|| match outside {
            None => "its addresses belong on this link".to_owned(),
            Some(outside) => format!("{outside} does not belong on this link"),
        });
        Ok(said)
    }

    /// RELEASE and DECLINE: what is theirs is taken back; what is not, is said so.
    pub(super) fn take_back(&self, exchange: &Exchange<'_>) -> Result<Said, Why> {
        let declines = exchange.heard.packet.kind == Kind::Decline;
        let mut said = self.begin6(exchange, Kind::Reply);
        for asked in &exchange.heard.packet.associations {
            let asker = self.asker6(exchange, asked.iaid);
            let mut any = false;
            for given in &asked.addresses {
                let lease = match declines {
                    true => self.decline(exchange, &asker, given.address, &mut said),
                    false => self.leases6.released(exchange.now, &asker, given.address),
                };
                any |= lease.is_some();
                said.address = said.address.or(lease.as_ref().map(|lease| lease.address));
                said.changes.extend(lease.map(Change::Lease6));
            }
            if !any {
                let unknown = refused(asked, status::NO_BINDING, "no such binding here");
                said.packet.associations.push(unknown);
            }
        }
        said.packet.status = Some(status(status::SUCCESS, "done"));
        Ok(said)
    }

    fn decline(
        &self,
        exchange: &Exchange<'_>,
        asker: &Asker<'_>,
        address: Ipv6Addr,
        said: &mut Said,
    ) -> Option<Lease6> {
        match self.leases6.declined(exchange.now, exchange.network, asker, address)? {
            Ok(lease) => {
                said.reasons.note(|| {
                    format!("{address} is used by somebody else: nobody gets it for an hour")
                });
                Some(lease)
            }
            Err(()) => {
                said.reasons.note(|| {
                    let duid = hex_of(asker.duid);
                    format!("{duid} refused too many addresses: this one is only given back")
                });
                self.leases6.released(exchange.now, asker, address)
            }
        }
    }

    pub(crate) fn asker6<'a>(&self, exchange: &'a Exchange<'_>, iaid: u32) -> Asker<'a> {
        let client = exchange.client;
        Asker {
            duid: exchange.heard.packet.client_id.as_deref().unwrap_or_default(),
            iaid,
            hardware: Some(client.hardware).filter(|hardware| !hardware.bytes().is_empty()),
            uuid: client.uuid,
            host_name: client.host_name.as_deref(),
            known: self.is_known(&client.hardware),
        }
    }

    /// An address that no other association of the same message was given.
    fn choose6(
        &self,
        exchange: &Exchange<'_>,
        asked: &Association,
        planned: &Planned,
    ) -> Option<Ipv6Addr> {
        let asker = self.asker6(exchange, asked.iaid);
        self.leases6.choose(exchange.now, exchange.network, &asker, wish(asked), planned)
    }

    /// An association with its address, and the lease that promises it.
    fn promise(
        &self,
        exchange: &Exchange<'_>,
        said: &mut Said,
        asked: &Association,
        address: Ipv6Addr,
        planned: &mut Planned,
    ) -> Association {
        let asker = self.asker6(exchange, asked.iaid);
        let (now, network) = (exchange.now, exchange.network);
        let lease = self.leases6.bound(now, network, &asker, address);
        if let Some(gone) = self.leases6.in_the_way(now, network, &asker, address, planned) {
            planned.make_room(gone);
            said.changes.push(Change::Lease6Gone(gone));
        }
        planned.give(address);
        said.changes.push(Change::Lease6(lease));
        self.bind(exchange, said, asked, address)
    }

    /// An association with its address.
    fn bind(
        &self,
        exchange: &Exchange<'_>,
        said: &mut Said,
        asked: &Association,
        address: Ipv6Addr,
    ) -> Association {
        let valid_s = exchange.network.lease.map_or(FOR_EVER, seconds);
        let (renew_s, rebind_s) = match valid_s {
            FOR_EVER => (FOR_EVER, FOR_EVER),
            s => (s / 2, s / 5 * 4),
        };
        said.address = said.address.or(Some(address));
        let given = Given { address, preferred_s: valid_s, valid_s };
        let iaid = asked.iaid;
        Association { iaid, renew_s, rebind_s, addresses: vec![given], status: None }
    }
}

fn refused(asked: &Association, code: u16, text: &str) -> Association {
    let status = Some(status(code, text));
    Association { iaid: asked.iaid, status, ..Association::default() }
}

fn is_without_address(association: &Association) -> bool {
    association.status.as_ref().is_some_and(|status| status.code == status::NO_ADDRESSES)
}

fn over(address: Ipv6Addr) -> Given {
    Given { address, preferred_s: 0, valid_s: 0 }
}

fn seconds(length: Duration) -> u32 {
    // All ones would be for ever.
    u32::try_from(length.as_secs()).unwrap_or(FOR_EVER).min(FOR_EVER - 1)
}
