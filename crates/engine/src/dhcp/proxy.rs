//! Boot answers only: beside a DHCP server that stays untouched, and on port 4011 everywhere.
//!
//! Rows P1 to P16 of the decision table. Never from here: an address, a mask, a router, a lease,
//! a NAK.

use super::reply::{self, BOOT_SERVER_PORT};
use super::{Decided, Exchange, Said};
use crate::Engine;
use crate::reasons::Reasons;
use model::Happening;
use model::network::Mode;
use model::plan::Why;
use std::net::Ipv4Addr;
use wire::dhcp4::pxe::{BootItem, VendorOptions};
use wire::dhcp4::{MessageType, code};

/// PXE boot server types that are ours to use (PXE 2.1: 32768 to 65534), and 0: "whoever boots".
fn is_our_type(kind: u16) -> bool {
    kind == 0 || (32768..65535).contains(&kind)
}

impl Engine {
    /// Mode `proxy` and `auto`.
    pub(crate) fn answer_beside(&self, exchange: &Exchange<'_>) -> Decided {
        match exchange.message.options.message_type() {
            Some(Ok(MessageType::Discover)) => self.offer_boot(exchange),
            Some(Ok(MessageType::Request)) => self.boot_server(exchange),
            Some(Ok(MessageType::Inform)) => self.acknowledge_boot(exchange, None),
            Some(Ok(MessageType::Decline)) => Err(Why::ProxyStaysOut("a DECLINE".into())),
            Some(Ok(MessageType::Release)) => Err(Why::ProxyStaysOut("a RELEASE".into())),
            Some(Ok(other)) => Err(Why::MessageType(other.number())),
            Some(Err(number)) => Err(Why::MessageType(number)),
            None => Err(Why::ProxyStaysOut("a BOOTP request".into())),
        }
    }

    /// P1 to P6, P12: the offer has boot data and no address.
    fn offer_boot(&self, exchange: &Exchange<'_>) -> Decided {
        let Exchange { now, client, network, .. } = *exchange;
        let mut reasons = self.decisive_reasons();
        let answer = self.boot_answer(now, client, network, true, &mut reasons)?;
        let mut offer = reply::begin(exchange, MessageType::Offer);
        reply::put_boot(&mut offer, exchange, &answer, true);
        let outgoing = reply::finish(offer, exchange);
        Ok(said("DISCOVER", "proxy OFFER", answer.file, reasons, outgoing))
    }

    /// A REQUEST: on 4011 it is for us (P7, P8); on 67 it is only when it looks for a boot server
    /// (P9), for REQUESTs of addresses are another server's (P10).
    pub(super) fn boot_server(&self, exchange: &Exchange<'_>) -> Decided {
        let vendor = exchange.message.options.get(code::VENDOR_SPECIFIC);
        let item = vendor.as_deref().and_then(BootItem::requested);
        match item {
            Some(item) if item.wants_credentials() => Err(Why::BadOption(
                "it wants boot files with credentials (BIS), which nobody here has".into(),
            )),
            Some(item) if !is_our_type(item.kind) => Err(Why::BootServerType(item.kind)),
            Some(item) => self.acknowledge_boot(exchange, Some(item)),
            None if exchange.datagram.port == BOOT_SERVER_PORT => {
                self.acknowledge_boot(exchange, None)
            }
            None => Err(match exchange.message.options.ip(code::SERVER_ID) {
                Some(server) if server != exchange.network.server => Why::OtherServer(server),
                _ => Why::ProxyStaysOut("a REQUEST for an address".into()),
            }),
        }
    }

    /// P7, P8, P9, P11: an ACK with boot data, the boot item echoed byte for byte.
    pub(super) fn acknowledge_boot(
        &self,
        exchange: &Exchange<'_>,
        item: Option<BootItem>,
    ) -> Decided {
        // On port 4011 the offer's word holds, also where the addresses are ours.
        let beside = exchange.network.mode != Mode::Dhcp;
        reply::check_on_link(exchange, *exchange.datagram.from.ip())?;
        reply::check_on_link(exchange, exchange.message.ciaddr)?;
        let Exchange { now, client, network, .. } = *exchange;
        let mut reasons = self.decisive_reasons();
        let answer = self.boot_answer(now, client, network, beside, &mut reasons)?;
        let mut ack = reply::begin(exchange, MessageType::Ack);
        ack.ciaddr = exchange.message.ciaddr;
        ack.yiaddr = Ipv4Addr::UNSPECIFIED;
        reply::put_boot(&mut ack, exchange, &answer, true);
        if let Some(item) = item {
            ack.options.remove(code::VENDOR_SPECIFIC);
            let echoed = VendorOptions::new().discovery_control(8).boot_item(item).build();
            if let Some(bytes) = echoed {
                ack.options.push(code::VENDOR_SPECIFIC, bytes);
            }
        }
        let outgoing = reply::finish(ack, exchange);
        let asked = match exchange.datagram.port {
            BOOT_SERVER_PORT => "REQUEST on 4011",
            _ => "REQUEST for a boot server",
        };
        Ok(said(asked, "proxy ACK", answer.file, reasons, outgoing))
    }
}

fn said(
    asked: &'static str,
    sent: &'static str,
    file: String,
    reasons: Reasons,
    outgoing: super::Outgoing,
) -> Said {
    Said {
        outgoing,
        changes: Vec::new(),
        happening: Happening::Answered {
            asked: asked.into(),
            answer: sent.into(),
            address: None,
            file: Some(file),
            because: reasons.into(),
        },
    }
}
