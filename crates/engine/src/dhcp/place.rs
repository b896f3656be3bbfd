//! Where a client is: which of our networks its message belongs to.

use super::Datagram;
use model::network::{Mode, Option82};
use model::plan::Why;
use model::{Client, Network};
use std::net::Ipv4Addr;
use wire::dhcp4::{Message, MessageType, code, relay_agent, relay_sub_options};

/// The networks that a client may be given an address of: one, or several that share its link, the
/// one it is on by its own words first.
pub(super) fn place<'a>(
    networks: &'a [Network],
    datagram: &Datagram,
    message: &Message,
    client: &Client,
) -> Result<Vec<&'a Network>, Why> {
    let on_link = || networks.iter().filter(|network| *network.interface == *datagram.link);
    let first = match &client.relay {
        Some(_) => behind_relay(on_link, message, client)?,
        None => {
            on_this_link(on_link, message).ok_or_else(|| Why::NotServed(datagram.link.clone()))?
        }
    };
    check_option_82(first, message)?;
    let shares = |other: &&Network| {
        first.shared.is_some() && other.shared == first.shared && other.mode == first.mode
    };
    let others = on_link().filter(|other| other.subnet != first.subnet).filter(shares);
    Ok(std::iter::once(first).chain(others).collect())
}

/// By what the relay says, or the subnet that the client asks for through it.
fn behind_relay<'a, I: Iterator<Item = &'a Network>>(
    on_link: impl Fn() -> I,
    message: &Message,
    client: &Client,
) -> Result<&'a Network, Why> {
    let Some(relay) = &client.relay else { return Err(Why::NotServed(client.link.clone())) };
    if on_link().next().is_none() {
        return Err(Why::NotServed(client.link.clone()));
    }
    // Link selection (RFC 3527) outranks subnet selection (RFC 3011), which outranks giaddr.
    let selected = relay.link_selection.or(message.options.ip(code::SUBNET_SELECTION));
    let place = selected.unwrap_or(relay.address);
    let listed = |network: &&Network| network.relays.contains(&relay.address);
    let group = |network: &Network| {
        on_link().any(|n| n.shared.is_some() && n.shared == network.shared && listed(&n))
    };
    // A selected subnet says nothing of where the answer goes.
    let near = on_link().any(|network| network.subnet.contains(relay.address));
    on_link()
        .find(|network| network.subnet.contains(place))
        .filter(|n| n.relays.is_empty() && near || listed(n) || group(n))
        // A relay may stand elsewhere, but addresses are given of the client's own subnet only.
        .or_else(|| on_link().find(|n| listed(n) && n.mode != Mode::Dhcp))
        .ok_or(Why::UnknownRelay(relay.address.into()))
}

/// By the address it has (a client behind a relay renews without it), the subnet it selects
/// (RFC 3011), else the one we are in ourselves.
fn on_this_link<'a, I: Iterator<Item = &'a Network>>(
    on_link: impl Fn() -> I,
    message: &Message,
) -> Option<&'a Network> {
    let holding = |address: Ipv4Addr| on_link().find(|network| network.subnet.contains(address));
    let discover = message.options.message_type() == Some(Ok(MessageType::Discover));
    // Some clients leave an old address in ciaddr where it must be zero.
    let stale = discover || message.options.contains(code::REQUESTED_ADDRESS);
    let own = Some(message.ciaddr).filter(|_| !stale);
    let selected = message.options.ip(code::SUBNET_SELECTION);
    let selected = selected.and_then(holding).filter(|network| network.shared.is_some());
    own.and_then(holding)
        .or(selected)
        .or_else(|| on_link().find(|network| network.subnet.contains(network.server)))
        .or_else(|| on_link().next())
}

fn check_option_82(network: &Network, message: &Message) -> Result<(), Why> {
    let relayed = !message.giaddr.is_unspecified();
    let there = message.options.contains(code::RELAY_AGENT);
    match network.option_82 {
        Option82::Drop | Option82::Require if there && !relayed => Err(Why::BadOption(
            "option 82 from a client's own port, not from a relay (`option_82` forbids it)".into(),
        )),
        Option82::Require if relayed && !there => Err(Why::BadOption(
            "the relay sent no option 82, which `option_82 = \"require\"` demands".into(),
        )),
        _ => Ok(()),
    }
}

/// The relay and the port of its switch, where that may be believed.
pub(super) fn circuit(
    network: &Network,
    message: &Message,
    client: &Client,
) -> Option<(Ipv4Addr, Vec<u8>)> {
    match &client.relay {
        Some(relay) => Some((relay.address, relay.circuit_id.clone()?)),
        None if network.option_82 == Option82::Trust => {
            let info = relay_agent(&message.options)?;
            let (_, id) = relay_sub_options(&info)
                .find(|(tag, _)| *tag == wire::dhcp4::code::relay::CIRCUIT_ID)?;
            Some((Ipv4Addr::UNSPECIFIED, id.to_vec()))
        }
        None => None,
    }
}
