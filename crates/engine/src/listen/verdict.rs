//! One exchange: our answer that nobody got, beside the one that the machine got.

use super::book::Waiting;
use super::with_their_address;
use crate::compare::{self, Bearing, Difference};
use crate::others::offer_of;
use model::listen::Outcome;
use model::network::ListenAs;
use model::plan::Why;
use wire::dhcp4::{Message, MessageType};

/// What came out.
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    /// What we would have said, in words.
    pub(super) ours: String,
    pub(super) theirs: String,
    /// Those that matter; what each is about, and in words.
    pub(super) differences: Vec<(String, String)>,
}

/// Differences that are told of one exchange.
const TOLD_MAX: usize = 16;

/// Compares; `None` where the reply says nothing of what we would have spoken about: the addresses
/// of the DHCP server that we would stand beside.
pub(super) fn compare(waiting: &Waiting, theirs: &Message) -> Option<Verdict> {
    let beside = waiting.listen_as == ListenAs::Proxy;
    let ours = match &waiting.ours {
        Ok(bytes) => Message::parse(bytes).ok(),
        // Beside a DHCP server we leave such clients to it, whatever it says.
        Err(why @ Why::NotBooting) if beside => {
            return Some(verdict(format!("silence: {why}"), in_a_line(theirs), Vec::new()));
        }
        Err(_) => None,
    };
    if beside && !speaks_of_booting(theirs) {
        return None;
    }
    let ours = match (&waiting.ours, ours) {
        (Err(why), _) => return Some(silent(why, theirs, beside)),
        (Ok(_), ours) => ours?,
    };
    let ours = with_their_address(ours, theirs, waiting.any_address.as_ref());
    let kinds = (kind(&ours), kind(theirs));
    let (said, heard) = (in_a_line(&ours), in_a_line(theirs));
    if kinds.0 != kinds.1 && !beside {
        let (ours, theirs) = kinds;
        let text = format!("kind of answer: we say {ours}, they say {theirs}");
        return Some(verdict(said, heard, vec![("kind of answer".to_owned(), text)]));
    }
    let matters = |difference: &Difference| match beside {
        // Addresses and the network are the other server's there.
        true => difference.bearing == Bearing::Boot,
        false => difference.bearing.matters(),
    };
    let differences = compare::replies(&ours, theirs).into_iter().filter(matters);
    let told = differences.take(TOLD_MAX).map(|d| (d.what.clone(), d.to_string())).collect();
    Some(verdict(said, heard, told))
}

fn verdict(ours: String, theirs: String, differences: Vec<(String, String)>) -> Verdict {
    let outcome = if differences.is_empty() { Outcome::Agrees } else { Outcome::Differs };
    Verdict { outcome, ours, theirs, differences }
}

/// We would have said nothing, and they did.
fn silent(why: &Why, theirs: &Message, beside: bool) -> Verdict {
    let heard = in_a_line(theirs);
    let what = if beside { "boot answer" } else { "answer" };
    let text = format!("{what}: we say nothing ({why}), they say {heard}");
    verdict(format!("silence: {why}"), heard, vec![(what.to_owned(), text)])
}

fn speaks_of_booting(message: &Message) -> bool {
    let offer = offer_of(message);
    offer.boot || offer.file.is_some()
}

/// Nobody was heard, or only the DHCP server that we would stand beside.
pub(super) fn unheard(waiting: &Waiting) -> Verdict {
    let ours = match &waiting.ours {
        Ok(bytes) => Message::parse(bytes).map_or_else(|_| String::new(), |m| in_a_line(&m)),
        Err(why) => format!("silence: {why}"),
    };
    let Some((_, theirs)) = &waiting.address_only else {
        let theirs = "no answer was heard".to_owned();
        return Verdict { outcome: Outcome::Unheard, ours, theirs, differences: Vec::new() };
    };
    let differences = match waiting.ours {
        Ok(_) => {
            let text = format!("boot answer: we say {ours}, they say nothing of booting");
            vec![("boot answer".to_owned(), text)]
        }
        Err(_) => Vec::new(),
    };
    verdict(ours, theirs.clone(), differences)
}

/// `OFFER 10.0.0.5, file pxelinux.0 from 10.0.0.66`.
pub(super) fn in_a_line(message: &Message) -> String {
    format!("{} {}", kind(message), offer_of(message))
}

fn kind(message: &Message) -> String {
    match message.options.message_type() {
        Some(Ok(MessageType::Offer)) => "OFFER".to_owned(),
        Some(Ok(MessageType::Ack)) => "ACK".to_owned(),
        Some(Ok(MessageType::Nak)) => "NAK".to_owned(),
        Some(Ok(other)) => format!("message type {}", other.number()),
        Some(Err(number)) => format!("message type {number}"),
        None => "BOOTP reply".to_owned(),
    }
}
