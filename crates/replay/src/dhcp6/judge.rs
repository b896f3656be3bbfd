//! Two answers to a DHCPv6 message: what each says, and how they compare.

use super::Exchange;
use crate::talk::Reply;
use crate::verdict::{Entry, Theirs, Verdict};
use engine::compare::{self, Bearing, Difference};
use model::address::hex_of;
use model::plan::Why;
use wire::dhcp6::{Envelope, Message, Packet, code, unwrapped};

/// Fills in what the exchange says.
pub(crate) fn judge(exchange: &Exchange, mut entry: Entry) -> Entry {
    entry.theirs = exchange.theirs.iter().map(theirs).collect();
    match &exchange.ours {
        Err(why) => {
            entry.ours = format!("silence: {why}");
            entry.verdict = match exchange.theirs.is_empty() {
                true => Verdict::Silent,
                false if matches!(why, Why::OtherServerId(_)) => Verdict::LeftToThem,
                false => Verdict::OnlyThey,
            };
        }
        Ok(outgoing) => {
            entry.ours = says(&outgoing.bytes);
            match choose(&outgoing.bytes, &exchange.theirs) {
                Some(reply) => {
                    entry.beside6(&outgoing.bytes, reply);
                    if exchange.theirs.len() > 1 {
                        entry.notes.push(format!("compared with that of {}", reply.from));
                    }
                }
                None => entry.verdict = Verdict::OnlyWe,
            }
        }
    }
    entry
}

/// The reply to compare with: of who calls himself as we do, else the first.
fn choose<'a>(ours: &[u8], replies: &'a [Reply]) -> Option<&'a Reply> {
    let server = |bytes: &[u8]| {
        let (_, inner) = unwrapped(bytes).ok()?;
        Message::parse(&inner).ok()?.get(code::SERVER_ID).map(<[u8]>::to_vec)
    };
    let own = server(ours);
    let same = replies.iter().find(|reply| own.is_some() && server(&reply.bytes) == own);
    same.or_else(|| replies.first())
}

impl Entry {
    fn beside6(&mut self, ours: &[u8], reply: &Reply) {
        if reply.cut {
            self.verdict = Verdict::Unseen;
            self.notes.push("the capture was cut short: record it with -s 0".to_owned());
            return;
        }
        if ours == reply.bytes {
            self.verdict = Verdict::Same;
            return;
        }
        let (Ok((way, a)), Ok((theirs, b))) = (unwrapped(ours), unwrapped(&reply.bytes)) else {
            self.verdict = Verdict::Differs;
            self.notes.push("their reply is no DHCPv6 message that a client could read".to_owned());
            return;
        };
        self.differences = compare::replies6(&a, &b);
        let (ours, theirs) = (relays(&way), relays(&theirs));
        if ours != theirs {
            let (what, bearing) = ("relays".to_owned(), Bearing::Address);
            self.differences
                .insert(0, Difference { what, bearing, ours: Some(ours), theirs: Some(theirs) });
        }
        if self.differences.is_empty() {
            let what = "the same in other bytes".to_owned();
            let length = |bytes: &[u8]| Some(format!("{} bytes", bytes.len()));
            let (ours, theirs) = (length(&a), length(&b));
            self.differences = vec![Difference { what, bearing: Bearing::Form, ours, theirs }];
        }
        let agrees = compare::agree(&self.differences);
        self.verdict = if agrees { Verdict::Agrees } else { Verdict::Differs };
    }
}

/// `fd80::1 for fe80::1234, port 6765`, the nearest to the server first.
fn relays(way: &[Envelope]) -> String {
    let one = |relay: &Envelope| {
        let port = relay.interface_id.as_deref().map(|port| format!(", port {}", hex_of(port)));
        format!("{} for {}{}", relay.link, relay.peer, port.unwrap_or_default())
    };
    let all: Vec<String> = way.iter().map(one).collect();
    if all.is_empty() { "none".to_owned() } else { all.join("; ") }
}

fn theirs(reply: &Reply) -> Theirs {
    Theirs { from: reply.from.to_string(), packet: reply.packet, says: says(&reply.bytes) }
}

/// `ADVERTISE fd77::100, file tftp://[fd77::1]/loader/snponly-x64.efi`.
fn says(bytes: &[u8]) -> String {
    let read = unwrapped(bytes).and_then(|(relays, inner)| Ok((relays, Packet::parse(&inner)?)));
    let (relays, packet) = match read {
        Ok(read) => read,
        Err(why) => return format!("nothing that can be read: {why}"),
    };
    let mut words = compare::said6(&packet);
    if !relays.is_empty() {
        words.push_str(&format!(", through {}", self::relays(&relays)));
    }
    words
}
