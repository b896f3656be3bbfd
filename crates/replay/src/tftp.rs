//! TFTP: what a name would have got, and what was sent for it.

use crate::body::Body;
use crate::ours::{Ours, because};
use crate::place;
use crate::run::{Asked, Moment, Work};
use crate::verdict::{Entry, Theirs, Verdict};
use capture::Transport;
use engine::compare::{self, Bearing, Difference};
use engine::tftp::{Negotiated, Policy, Refusal};
use engine::{Asker, Engine, FileAsk};
use model::HardwareAddress;
use model::event::Carrier;
use model::text::show;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use wire::tftp::{BLKSIZE_DEFAULT, Mode, Packet, RawOption, Request};

/// Transfers that are followed; the one that began first is given up.
const TRANSFERS_MAX: usize = 1024;
/// Bytes of a DATA packet before its payload: opcode and number (RFC 1350, 5).
const HEAD: usize = 4;

/// A request, and everything that was or would have been sent for it.
#[derive(Debug)]
pub(crate) struct Transfer {
    request: Request,
    ours: Ours,
    /// OACK or ERROR that we would begin with; none begins with DATA.
    opening: Option<Vec<u8>>,
    seen: Seen,
}

/// What the capture shows of a transfer.
#[derive(Debug, Default)]
struct Seen {
    from: Option<(SocketAddr, u64)>,
    /// OACK or ERROR that it began with.
    opening: Option<Vec<u8>>,
    /// An ERROR of the server, later.
    broken: Option<String>,
    blksize: usize,
    /// Blocks that came in order.
    blocks: u64,
    body: Body,
}

/// Transfers under way, by the client's address and port.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    open: BTreeMap<SocketAddr, usize>,
    order: VecDeque<SocketAddr>,
}

impl Talk {
    /// A request to port 69.
    pub(crate) fn ask(
        &mut self,
        engine: &mut Engine,
        moment: &Moment<'_>,
        datagram: &Transport,
        asked: &mut Vec<Asked>,
    ) {
        let Ok(Packet::ReadRequest(request)) = Packet::parse(&datagram.payload) else { return };
        let (from, at) = (datagram.from, datagram.to);
        if self.repeats(&request, from, asked) {
            return;
        }
        let networks = &engine.settings().networks;
        let link = place::link(networks, moment, [Some(from.ip()), Some(at.ip()), None]);
        let local = place::is_local(networks, &link, from.ip());
        let ask = FileAsk {
            by: Carrier::Tftp,
            name: request.name.clone(),
            from,
            at,
            link,
            says: Asker::default(),
            neighbour: moment.hardware.filter(|_| local).map(HardwareAddress::mac),
            agent: None,
            body: None,
            head_only: false,
        };
        let told = engine.file(moment.now, &ask);
        let ours = Ours::of(&told.answer);
        let blksize_max = match &told.answer {
            engine::Answer::Reply(found) => found.blksize_max,
            engine::Answer::Silence(_) => None,
        };
        let opening = opening(&request, &ours, blksize_max);
        let entry = asked.len();
        if self.open.insert(from, entry).is_none() {
            self.order.push_back(from);
        }
        while self.open.len() > TRANSFERS_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.open.remove(&oldest);
        }
        asked.push(Asked {
            packet: moment.packet,
            at_ns: moment.at_ns,
            machine: told.events.iter().find_map(|event| event.machine).or(machine(&told)),
            asked: in_words(&request),
            because: because(&told),
            work: Work::Tftp(Box::new(Transfer { request, ours, opening, seen: Seen::default() })),
        });
    }

    /// Whether it is the same request once more, from the same port, before anything came of it.
    fn repeats(&self, request: &Request, from: SocketAddr, asked: &[Asked]) -> bool {
        let before = self.open.get(&from).and_then(|entry| asked.get(*entry));
        before.is_some_and(|before| match &before.work {
            Work::Tftp(transfer) => transfer.request == *request && transfer.seen.body.passed == 0,
            _ => false,
        })
    }

    /// Any other datagram: a part of a transfer, if its receiver has one.
    pub(crate) fn hear(&self, moment: &Moment<'_>, datagram: &Transport, asked: &mut [Asked]) {
        let Some(entry) = self.open.get(&datagram.to) else { return };
        let Some(Asked { work: Work::Tftp(transfer), .. }) = asked.get_mut(*entry) else { return };
        let seen = &mut transfer.seen;
        let from = datagram.from;
        if seen.from.is_some_and(|(server, _)| server != from) {
            return;
        }
        let Ok(packet) = Packet::parse(&datagram.payload) else { return };
        if seen.from.is_none() {
            seen.from = Some((from, moment.packet));
        }
        match packet {
            Packet::OptionAck(options) if seen.opening.is_none() => {
                seen.opening = Some(datagram.payload.clone());
                let size = options.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"blksize"));
                let text = size.and_then(|(_, value)| str::from_utf8(value).ok());
                seen.blksize = text.and_then(|text| text.parse().ok()).unwrap_or(0);
            }
            Packet::Error { code, text } => {
                let words = format!("ERROR {}: {}", u16::from(code), show(&text));
                if seen.blocks == 0 && seen.opening.is_none() {
                    seen.opening = Some(datagram.payload.clone());
                }
                seen.broken = Some(words);
            }
            Packet::Data { block, .. } => seen.data(block, &datagram.payload, datagram.cut),
            _ => {}
        }
    }
}

fn machine(told: &engine::Told<engine::Found>) -> Option<HardwareAddress> {
    match &told.answer {
        engine::Answer::Reply(found) => found.machine,
        engine::Answer::Silence(_) => None,
    }
}

impl Seen {
    /// A DATA packet; or those of a window, one behind the other as the sender's kernel took them
    /// (`UDP_SEGMENT`, udp(7)): a capture on the sender's host has them before they are cut apart.
    fn data(&mut self, first: u16, datagram: &[u8], cut: bool) {
        let size = self.size();
        let packets = datagram.chunks(size.saturating_add(HEAD)).zip(0_u16..);
        let headed = |(packet, n): (&[u8], u16)| {
            let [x, y] = first.wrapping_add(n).to_be_bytes();
            let head = [0, 3, x, y];
            packet.starts_with(&head) || cut && head.starts_with(packet)
        };
        if !packets.clone().all(headed) {
            return self.block(first, datagram.get(HEAD..).unwrap_or_default(), cut);
        }
        for (packet, n) in packets {
            let payload = packet.get(HEAD..).unwrap_or_default();
            self.block(first.wrapping_add(n), payload, cut && payload.len() < size);
        }
    }

    fn block(&mut self, number: u16, payload: &[u8], cut: bool) {
        // Its number has 16 bits, and is the next one or one that came before.
        let next = u16::try_from(self.blocks.wrapping_add(1) & 0xffff).unwrap_or(0);
        let ahead = number.wrapping_sub(next);
        if ahead >= 0x8000 || self.body.ended {
            return;
        }
        let size = self.size();
        if ahead > 0 {
            self.body.lose(u64::from(ahead).saturating_mul(size as u64));
            self.blocks = self.blocks.saturating_add(u64::from(ahead));
        }
        self.blocks = self.blocks.saturating_add(1);
        match cut {
            true => self.body.lose(size as u64),
            false => {
                self.body.take(payload);
                self.body.ended = payload.len() < size;
            }
        }
    }

    /// Bytes of a block, as agreed.
    fn size(&self) -> usize {
        match self.blksize {
            0 => usize::from(BLKSIZE_DEFAULT),
            size => size,
        }
    }
}

/// The first packet of ours that is no DATA.
fn opening(request: &Request, ours: &Ours, blksize_max: Option<u16>) -> Option<Vec<u8>> {
    let usual = Policy::default();
    let most = blksize_max.unwrap_or(u16::MAX).min(usual.blksize_max);
    let policy = Policy { blksize_max: most, ..usual };
    match (ours, ours.size()) {
        (Ours::Missing(_), _) => Some(Refusal::NotFound.packet()),
        (_, Some(size)) => match Negotiated::new(request, size, &policy) {
            Ok(agreed) => agreed.oack().map(<[u8]>::to_vec),
            Err(refusal) => Some(refusal.packet()),
        },
        _ => None,
    }
}

/// `RRQ loader/ipxe.efi (tsize 0, blksize 1468)`.
fn in_words(request: &Request) -> String {
    let option = |(name, value): &RawOption| format!("{} {}", show(name), show(value));
    let options: Vec<String> = request.options.iter().map(option).collect();
    let mode = if request.mode == Mode::Octet { "" } else { request.mode.word() };
    let all: Vec<&str> = [mode]
        .into_iter()
        .chain(options.iter().map(String::as_str))
        .filter(|w| !w.is_empty())
        .collect();
    match all.is_empty() {
        true => named(&request.name),
        false => format!("{} ({})", named(&request.name), all.join(", ")),
    }
}

/// `RRQ loader/ipxe.efi`.
pub(crate) fn named(name: &[u8]) -> String {
    format!("RRQ {}", show(name))
}

/// Fills in what the transfer says.
pub(crate) fn judge(transfer: &Transfer, mut entry: Entry) -> Entry {
    let Transfer { request, ours, opening, seen } = transfer;
    entry.ours = ours.words();
    let Some((from, packet)) = seen.from else {
        entry.verdict = match ours {
            Ours::Silent(_) => Verdict::Silent,
            _ => Verdict::OnlyWe,
        };
        return entry;
    };
    entry.theirs = vec![Theirs { from: from.to_string(), packet, says: seen.words() }];
    match ours {
        Ours::Silent(_) => {
            entry.verdict = Verdict::OnlyThey;
            return entry;
        }
        Ours::AnswerFile | Ours::Elsewhere | Ours::Later(_) | Ours::Refused(..) => {
            entry.verdict = Verdict::Unseen;
            entry.notes.extend(ours.not_made().map(str::to_owned));
            return entry;
        }
        Ours::Missing(_) | Ours::Text(_) | Ours::Blob(_) => {}
    }
    entry.differences.extend(openings(opening.as_deref(), seen));
    let whole = match request.mode == Mode::Octet {
        true => crate::http::bodies(ours, &seen.body, &mut entry),
        false => {
            entry.notes.push("text in another form (netascii) is not compared".to_owned());
            false
        }
    };
    entry.verdict = match entry.differences.is_empty() {
        true if whole => Verdict::Same,
        _ if compare::agree(&entry.differences) => Verdict::Agrees,
        _ => Verdict::Differs,
    };
    entry
}

impl Seen {
    fn words(&self) -> String {
        if let Some(broken) = &self.broken {
            return broken.clone();
        }
        match (self.body.passed, self.body.ended) {
            (0, false) => "the options, then no file".to_owned(),
            (bytes, true) => format!("a file of {bytes} bytes"),
            (bytes, false) => format!("the first {bytes} bytes of a file"),
        }
    }
}

/// How what each begins with differs.
fn openings(ours: Option<&[u8]>, seen: &Seen) -> Vec<Difference> {
    let theirs = seen.opening.as_deref();
    if ours == theirs {
        return Vec::new();
    }
    let read = |bytes: Option<&[u8]>| bytes.and_then(|bytes| Packet::parse(bytes).ok());
    let (a, b) = (read(ours), read(theirs));
    let options = |packet: &Option<Packet>| match packet {
        Some(Packet::OptionAck(options)) => options.clone(),
        _ => Vec::new(),
    };
    let error = |packet: &Option<Packet>| match packet {
        Some(Packet::Error { code, .. }) => Some(u16::from(*code)),
        _ => None,
    };
    if error(&a).is_some() || error(&b).is_some() {
        let words = |packet: &Option<Packet>| match packet {
            Some(Packet::Error { code, text }) => {
                format!("ERROR {}: {}", u16::from(*code), show(text))
            }
            _ => "the file".to_owned(),
        };
        // Two that refuse do so in words of their own.
        let both = error(&a).is_some() && error(&b).is_some();
        let bearing = if both { Bearing::Form } else { Bearing::Boot };
        let (ours, theirs) = (Some(words(&a)), Some(words(&b)));
        return vec![Difference { what: "answer".to_owned(), bearing, ours, theirs }];
    }
    let (a, b) = (options(&a), options(&b));
    let value = |options: &[RawOption], name: &[u8]| {
        let found = options.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| show(value))
    };
    let mut names: Vec<Vec<u8>> = Vec::new();
    for (name, _) in a.iter().chain(&b) {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.clone());
        }
    }
    let different = names.into_iter().filter_map(|name| {
        let (ours, theirs) = (value(&a, &name), value(&b, &name));
        // Block and window follow from links and limits; the size is of the file itself.
        let of_file = name.eq_ignore_ascii_case(b"tsize");
        let bearing = if of_file { Bearing::Boot } else { Bearing::Form };
        let what = format!("TFTP option {}", show(&name));
        (ours != theirs).then_some(Difference { what, bearing, ours, theirs })
    });
    different.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1468;

    /// DATA packets of a file from a block on, in one datagram.
    fn joined(file: &[u8], from: u16, blocks: usize) -> Vec<u8> {
        let skipped = usize::from(from - 1) * SIZE;
        let parts = file[skipped..].chunks(SIZE).zip(from..).take(blocks);
        let packet = |(part, n): (&[u8], u16)| [&[0, 3], &n.to_be_bytes()[..], part].concat();
        parts.flat_map(packet).collect()
    }

    fn seen() -> Seen {
        Seen { blksize: SIZE, ..Seen::default() }
    }

    fn file() -> Vec<u8> {
        (0..6 * SIZE + 100).map(|n| (n % 251) as u8).collect()
    }

    #[test]
    fn a_window_in_one_datagram_is_its_blocks() {
        let (file, mut seen) = (file(), seen());
        seen.data(1, &joined(&file, 1, 4), false);
        assert_eq!((seen.blocks, seen.body.passed), (4, 4 * SIZE as u64));
        // What was lost on the way begins a window once more.
        seen.data(3, &joined(&file, 3, 4), false);
        assert!(!seen.body.ended);
        seen.data(7, &joined(&file, 7, 1), false);
        assert!(seen.body.is_whole());
        assert_eq!(seen.body.sha256(), crate::body::hash(&file));
    }

    #[test]
    fn of_a_window_that_the_capture_cut_the_rest_is_missing() {
        let (file, mut seen) = (file(), seen());
        let window = joined(&file, 1, 4);
        seen.data(1, &window[..2 * (SIZE + HEAD) + 2], true);
        assert_eq!((seen.blocks, seen.body.lost), (3, SIZE as u64));
        seen.data(5, &joined(&file, 5, 3), false);
        assert_eq!((seen.body.passed, seen.body.lost), (file.len() as u64, 2 * SIZE as u64));
        assert!(seen.body.ended && !seen.body.is_whole());
    }

    #[test]
    fn a_block_longer_than_agreed_is_one_block() {
        let mut seen = seen();
        let block = [&[0, 3, 0, 1][..], &[7; 3000]].concat();
        seen.data(1, &block, false);
        assert_eq!((seen.blocks, seen.body.passed), (1, 3000));
    }
}
