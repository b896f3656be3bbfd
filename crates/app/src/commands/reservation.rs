//! `reservation`: who is promised which address.

use super::{change, destroy};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{HolderText, MachineView, ReservationView, ReservationWish};
use clap::{Args, Subcommand};
use hyper::Method;
use model::lease::ReservedFor;
use model::url::part;
use model::{HardwareAddress, Uuid};
use std::net::{IpAddr, Ipv4Addr};

const IDS: &str = "An ID is hexadecimal (01:52:54:00:12:34:56, 0x0152, 0152) where it can be read so, \
and text otherwise; text:0152 is text in any case.";

/// What can be done with reservations.
#[derive(Debug, Subcommand)]
pub enum Reservation {
    /// Promise an address to one client; nobody else gets it.
    Add(Add),
    /// List all, by address.
    List(Json),
    /// Take promises back.
    Remove {
        /// Their addresses.
        #[arg(required = true)]
        addresses: Vec<IpAddr>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// A new reservation.
#[derive(Debug, Args)]
#[command(after_help = IDS)]
pub struct Add {
    /// In the subnet of a network, of IPv4 or IPv6; it may lie outside its pools.
    address: IpAddr,
    #[command(flatten)]
    holder: Holder,
    /// The relay (giaddr) behind which the circuit is, where ids repeat from relay to relay.
    #[arg(long, value_name = "GIADDR", requires = "circuit")]
    relay: Option<Ipv4Addr>,
    /// The host name that the client is given.
    #[arg(long, value_name = "HOSTNAME")]
    name: Option<String>,
    #[command(flatten)]
    dry: Dry,
}

/// For whom: one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Holder {
    /// A MAC, or a machine that is known.
    #[arg(long, value_name = "M")]
    mac: Option<String>,
    /// Option 61, in hexadecimal or as text; of IPv4.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The client's identifier, in hexadecimal; of IPv6. `lease show` says it.
    #[arg(long, value_name = "ID")]
    duid: Option<String>,
    /// The machine's UUID: option 97, or of IPv6 an identifier that is one.
    #[arg(long, value_name = "U")]
    uuid: Option<Uuid>,
    /// The port of a switch (option 82.1), in hexadecimal or as text; of IPv4.
    #[arg(long, value_name = "ID")]
    circuit: Option<String>,
}

impl Reservation {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Add(add) => {
                let dry = add.dry;
                let wish = add.wish(client).await?;
                change(client, Method::POST, "/reservations", dry, Some(&wish)).await
            }
            Self::List(json) => {
                let all: Vec<ReservationView> = client.get("/reservations").await?;
                let head = ["ADDRESS", "FOR", "NAME", "NETWORK", "LEASED"];
                say::listing(json.json, &all, head, |r| {
                    [
                        r.address.clone(),
                        r.holder_shown.clone(),
                        say::or_dash(r.host_name.as_ref().or(r.machine.as_ref())),
                        say::or_dash(r.network.as_ref()),
                        if r.leased { "yes" } else { "-" }.to_owned(),
                    ]
                })
            }
            Self::Remove { addresses, sure } => {
                let paths: Vec<String> =
                    addresses.iter().map(|address| format!("/reservations/{address}")).collect();
                destroy(client, &paths, sure).await
            }
        }
    }
}

impl Add {
    async fn wish(self, client: &Client) -> Result<ReservationWish, Failure> {
        let Self { address, holder, relay, name, .. } = self;
        let holder = match holder {
            Holder { mac: Some(named), .. } => HolderText::Mac(mac(client, &named).await?),
            Holder { client_id: Some(id), .. } => (&ReservedFor::ClientId(bytes(&id))).into(),
            Holder { duid: Some(id), .. } => HolderText::Duid(digits(&id)),
            Holder { circuit: Some(id), .. } => {
                (&ReservedFor::Circuit { relay, id: bytes(&id) }).into()
            }
            Holder { uuid: Some(uuid), .. } => HolderText::Uuid(uuid),
            // clap asks for one of them.
            _ => {
                return Err(Failure::usage(
                    "for whom? say --mac, --client-id, --duid, --uuid or --circuit",
                ));
            }
        };
        Ok(ReservationWish { address, holder, host_name: name })
    }
}

/// A MAC as it is written, or that of a machine.
async fn mac(client: &Client, named: &str) -> Result<HardwareAddress, Failure> {
    if let Ok(mac) = named.parse() {
        return Ok(mac);
    }
    let machine: MachineView = client.get(&format!("/machines/{}", part(named))).await?;
    machine.mac.parse().map_err(Failure::failed)
}

/// Digits as they are written, without what stands between them: the server reads them.
fn digits(id: &str) -> String {
    id.strip_prefix("0x").unwrap_or(id).replace([':', '-'], "")
}

/// See [`IDS`].
fn bytes(id: &str) -> Vec<u8> {
    if let Some(text) = id.strip_prefix("text:") {
        return text.as_bytes().to_vec();
    }
    let digits = id.strip_prefix("0x").unwrap_or(id);
    let pairs = digits.split(':').all(|pair| pair.len() == 2) || !digits.contains(':');
    let read = model::address::hex(&digits.replace(':', ""));
    read.filter(|bytes| pairs && !bytes.is_empty()).unwrap_or_else(|| id.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_hexadecimal_where_it_can_be() {
        for hex in ["01:52:54", "0x015254", "015254"] {
            assert_eq!(bytes(hex), [1, 0x52, 0x54], "{hex}");
        }
        for text in ["ge-0/0/1", "1:52:54", "abc", "ether1:vlan7", ""] {
            assert_eq!(bytes(text), text.as_bytes(), "{text}");
        }
        assert_eq!(bytes("text:cafe"), b"cafe");
    }
}
