//! Two answers to a DHCP message: what each says, and how they compare.

use super::{Exchange, Reply};
use crate::verdict::{Entry, Theirs, Verdict};
use engine::compare::{self, Bearing, Difference};
use model::plan::Why;
use model::text::show;
use std::net::IpAddr;
use wire::dhcp4::{Message, code};

/// Fills in what the exchange says.
pub(crate) fn judge(exchange: &Exchange, mut entry: Entry) -> Entry {
    entry.theirs = exchange.theirs.iter().map(theirs).collect();
    match &exchange.ours {
        Err(why) => {
            entry.ours = format!("silence: {why}");
            entry.verdict = match exchange.theirs.is_empty() {
                true => Verdict::Silent,
                false if is_theirs(why) => Verdict::LeftToThem,
                false => Verdict::OnlyThey,
            };
        }
        Ok(outgoing) => {
            let ours = Message::parse(&outgoing.bytes).ok();
            entry.ours = ours.as_ref().map_or_else(|| "a message".to_owned(), says);
            let own = IpAddr::V4(*outgoing.from.ip());
            match (choose(own, ours.as_ref(), &exchange.theirs), ours) {
                (Some(reply), Some(ours)) => {
                    entry.beside(&outgoing.bytes, &ours, reply);
                    if exchange.theirs.len() > 1 {
                        entry.notes.push(format!("compared with that of {}", reply.from));
                    }
                }
                _ => entry.verdict = Verdict::OnlyWe,
            }
        }
    }
    entry
}

/// Whether a silence of ours means that another server is meant.
fn is_theirs(why: &Why) -> bool {
    matches!(why, Why::NotBooting | Why::ProxyStaysOut(_) | Why::OtherServer(_))
}

/// The reply to compare with: our own, else one of the same part (an address, or boot data beside
/// another server), else the first.
fn choose<'a>(own: IpAddr, ours: Option<&Message>, replies: &'a [Reply]) -> Option<&'a Reply> {
    let gives = |m: &Message| !m.yiaddr.is_unspecified();
    let wanted = ours.is_some_and(gives);
    let same_part =
        |reply: &&Reply| Message::parse(&reply.bytes).is_ok_and(|m| gives(&m) == wanted);
    let from_us = replies.iter().find(|reply| reply.from.ip() == own);
    from_us.or_else(|| replies.iter().find(same_part)).or_else(|| replies.first())
}

impl Entry {
    fn beside(&mut self, bytes: &[u8], ours: &Message, reply: &Reply) {
        if reply.cut {
            self.verdict = Verdict::Unseen;
            self.notes.push("the capture was cut short: record it with -s 0".to_owned());
            return;
        }
        if bytes == reply.bytes {
            self.verdict = Verdict::Same;
            return;
        }
        let Ok(theirs) = Message::parse(&reply.bytes) else {
            self.verdict = Verdict::Differs;
            self.notes.push("their reply is no DHCP message that a client could read".to_owned());
            return;
        };
        self.differences = compare::replies(ours, &theirs);
        let address = |m: &Message| !m.yiaddr.is_unspecified();
        if address(ours) != address(&theirs)
            && ours.options.message_type() == theirs.options.message_type()
        {
            // One gives an address, the other adds what to boot: only that can be compared.
            self.differences.retain(|d| d.bearing == Bearing::Boot);
            if !says_of_booting(if address(ours) { ours } else { &theirs }) {
                self.differences.clear();
                self.notes.push(
                    "one of the two gives the address, the other says what to boot: they go together"
                        .to_owned(),
                );
            }
        }
        if self.differences.is_empty() && self.notes.is_empty() {
            let what = "the zeros at the end".to_owned();
            let length = |bytes: &[u8]| Some(format!("{} bytes", bytes.len()));
            let (ours, theirs) = (length(bytes), length(&reply.bytes));
            self.differences = vec![Difference { what, bearing: Bearing::Form, ours, theirs }];
        }
        let agrees = compare::agree(&self.differences);
        self.verdict = if agrees { Verdict::Agrees } else { Verdict::Differs };
    }
}

fn says_of_booting(message: &Message) -> bool {
    !message.file_name().is_empty()
        || message.options.contains(code::BOOT_FILE_NAME)
        || message.options.contains(code::VENDOR_SPECIFIC)
}

fn theirs(reply: &Reply) -> Theirs {
    let says = match Message::parse(&reply.bytes) {
        Ok(message) => says(&message),
        Err(why) => format!("nothing that can be read: {why}"),
    };
    Theirs { from: reply.from.to_string(), packet: reply.packet, says }
}

/// `OFFER 10.77.0.100, file undionly.kpxe`.
fn says(message: &Message) -> String {
    let mut words = match message.options.message_type() {
        Some(Ok(kind)) => kind.to_string(),
        Some(Err(number)) => format!("message type {number}"),
        None => "BOOTP reply".to_owned(),
    };
    if !message.yiaddr.is_unspecified() {
        words.push_str(&format!(" {}", message.yiaddr));
    }
    let option = message.options.get(code::BOOT_FILE_NAME);
    let file = option.as_deref().unwrap_or(message.file_name());
    let file = file.strip_suffix(&[0]).unwrap_or(file);
    if !file.is_empty() {
        words.push_str(&format!(", file {}", show(file)));
    }
    if let Some(text) = message.options.get(code::MESSAGE) {
        words.push_str(&format!(": {}", show(&text)));
    }
    words
}
