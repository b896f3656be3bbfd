//! What of IPv6 is known before anything happens.

use super::given::{Pairs, command};
use crate::sim::world::World;
use engine::Command;
use model::lease::{Reservation6, ReservedFor6};
use model::network6::Subnet6;
use model::{Network6, Now};
use std::net::Ipv6Addr;

/// `network lan subnet fd77::/64 server fd77::1 pool fd77::100-fd77::1ff relays fd80::1 rapid-commit yes`
pub(super) fn network(pairs: &Pairs<'_>, line: &str) -> Result<Network6, String> {
    let name = pairs.get("network").ok_or_else(|| format!("a network needs a name: {line}"))?;
    let subnet: Subnet6 = pairs.read("subnet")?.ok_or("a network needs a subnet")?;
    let server = pairs.read("server")?.ok_or("a network of IPv6 needs our address")?;
    let all = |key: &str| -> Result<Vec<Ipv6Addr>, String> {
        let texts = pairs.get(key).map(|list| list.split(',')).into_iter().flatten();
        texts.map(|text| text.parse().map_err(|_| format!("no address: {text}"))).collect()
    };
    let pools = pairs.get("pool").map(|list| list.split(',')).into_iter().flatten();
    Ok(Network6 {
        pools: pools.map(str::parse).collect::<Result<_, _>>()?,
        dns: all("dns")?,
        domain: pairs.get("domain").map(str::to_owned),
        relays: all("relays")?,
        rapid_commit: pairs.get("rapid-commit") == Some("yes"),
        ..Network6::new(name, server, subnet)
    })
}

/// `reserve fd77::7 for 52:54:00:00:00:01`, `reserve fd77::7 duid 00030001525400000001`
pub(super) fn reserve(
    world: &mut World,
    address: Ipv6Addr,
    pairs: &Pairs<'_>,
) -> Result<String, String> {
    let holder = match (pairs.read("for")?, pairs.read("uuid")?, pairs.get("duid")) {
        (Some(mac), _, _) => ReservedFor6::Mac(mac),
        (_, Some(uuid), _) => ReservedFor6::Uuid(uuid),
        (_, _, Some(duid)) => {
            ReservedFor6::Duid(model::address::hex(duid).ok_or("a DUID is written in digits")?)
        }
        _ => return Err(format!("{address} is reserved for whom?")),
    };
    let (host_name, since) = (pairs.get("name").map(str::to_owned), Now(world.now_ms));
    let reservation = Reservation6 { address, holder, host_name, since };
    command(world, Command::AddReservation6(reservation))
}
