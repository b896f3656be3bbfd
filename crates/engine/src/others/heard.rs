//! What a reply says of whoever sent it, read once.

use super::Overheard;
use model::other::Deeds;
use model::text::show;
use model::{HardwareAddress, TheirOffer};
use std::net::{IpAddr, Ipv4Addr};
use wire::dhcp4::{Message, MessageType, Op, code, vendor_class};

/// Facts of one reply.
pub(crate) struct Reply {
    /// Option 54, else its source.
    pub(crate) server: Ipv4Addr,
    /// Where it came from.
    pub(crate) from: Ipv4Addr,
    pub(crate) xid: u32,
    /// Whom it is for; nobody where `chaddr` is empty.
    pub(crate) client: Option<HardwareAddress>,
    pub(crate) kind: Option<MessageType>,
    pub(super) does: Deeds,
    pub(super) offer: TheirOffer,
    /// The relay that it goes through (`giaddr`).
    pub(super) relay: Option<Ipv4Addr>,
    /// All of it.
    pub(crate) message: Message,
}

impl Reply {
    /// `None` for what is no reply, or none that can be read.
    pub(super) fn read(overheard: &Overheard) -> Option<Self> {
        let message = Message::parse(&overheard.bytes).ok()?;
        if message.op != Op::Reply {
            return None;
        }
        let options = &message.options;
        let kind = options.message_type().and_then(Result::ok);
        let offer = offer_of(&message);
        let nak = kind == Some(MessageType::Nak);
        let does = Deeds {
            addresses: offer.address.is_some() && !nak,
            refuses: nak,
            boot: offer.boot && !nak,
            file: offer.file.is_some() && !nak,
            router: false,
        };
        let hardware = HardwareAddress::new(message.htype, message.hardware_address());
        Some(Self {
            server: options.ip(code::SERVER_ID).unwrap_or(*overheard.from.ip()),
            from: *overheard.from.ip(),
            xid: message.xid,
            client: Some(hardware).filter(|hardware| !hardware.bytes().is_empty()),
            kind,
            does,
            offer,
            relay: Some(message.giaddr).filter(|giaddr| !giaddr.is_unspecified()),
            message,
        })
    }
}

/// What a reply gives its client.
pub(crate) fn offer_of(message: &Message) -> TheirOffer {
    TheirOffer {
        address: Some(message.yiaddr).filter(|address| !address.is_unspecified()).map(IpAddr::V4),
        file: file(message),
        next_server: next_server(message),
        boot: is_boot(message),
    }
}

/// Option 67 outranks the field, as clients read it.
fn file(message: &Message) -> Option<String> {
    let option = message.options.get(code::BOOT_FILE_NAME);
    let named = option.as_deref().unwrap_or_else(|| message.file_name());
    let end = named.iter().position(|byte| *byte == 0).unwrap_or(named.len());
    named.get(..end).filter(|name| !name.is_empty()).map(show)
}

fn next_server(message: &Message) -> Option<String> {
    if !message.siaddr.is_unspecified() {
        return Some(message.siaddr.to_string());
    }
    message.options.get(code::TFTP_SERVER_NAME).map(|name| show(name.trim_ascii_end()))
}

/// Whether it speaks as a boot server (PXE 2.1, 2.2.1; UEFI 2.10, 24.7.3).
fn is_boot(message: &Message) -> bool {
    let class = vendor_class(&message.options);
    class.is_some_and(|c| c.starts_with(b"PXEClient") || c.starts_with(b"HTTPClient"))
}
