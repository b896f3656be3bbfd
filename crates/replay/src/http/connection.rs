//! A connection as a capture shows it: requests out of one direction, responses out of the other.

use super::{Fetch, Seen, in_words};
use crate::body::Body;
use crate::ours::{Ours, because};
use crate::place;
use crate::run::{Asked, Moment, Work};
use capture::flow::tcp::{Piece, Stretch, Way};
use engine::files::{body_max, target};
use engine::{Asker, Engine, FileAsk};
use model::HardwareAddress;
use model::event::Carrier;
use model::text::show;
use std::collections::{BTreeMap, VecDeque};

/// Connections that are followed; the one that began first is given up.
const CONNECTIONS_MAX: usize = 1024;
/// The longest head of a request or a response: the server's own limit.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Fields of one head.
const FIELDS_MAX: usize = 100;
/// Requests of one connection that wait for their response.
const QUEUE_MAX: usize = 64;
/// The longest body of a request that is handed on.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Connections under way, by the client's direction.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    open: BTreeMap<Way, Connection>,
    order: VecDeque<Way>,
}

#[derive(Debug, Default)]
struct Connection {
    /// Bytes of the client that are no whole request yet.
    request: Vec<u8>,
    /// Bytes of the client to pass over.
    skip: u64,
    /// Entries that wait for their response.
    queue: VecDeque<usize>,
    response: Vec<u8>,
    /// The response whose body passes: its entry, and how much is left; none lasts to the end.
    passing: Option<(usize, Option<u64>)>,
    /// It cannot be followed any further.
    lost: bool,
}

/// A whole request.
struct Request {
    method: String,
    target: String,
    agent: Option<String>,
    ranged: bool,
    body: Option<Vec<u8>>,
}

impl Talk {
    /// Takes what stands in order of one direction in.
    pub(crate) fn hear(
        &mut self,
        engine: &mut Engine,
        moment: &Moment<'_>,
        stretch: Stretch,
        asked: &mut Vec<Asked>,
    ) {
        let way = stretch.way;
        if stretch.begins && self.open.contains_key(&way) {
            self.open.remove(&way);
        }
        if !self.open.contains_key(&way) && !self.open.contains_key(&way.back()) {
            let first = stretch.pieces.first();
            if matches!(first, Some(Piece::Bytes(bytes)) if is_request(bytes)) {
                self.begin(way);
            }
        }
        let ends = stretch.ends;
        if let Some(connection) = self.open.get_mut(&way) {
            for piece in stretch.pieces {
                connection.client_says(engine, moment, way, piece, asked);
            }
        } else if let Some(connection) = self.open.get_mut(&way.back()) {
            for piece in stretch.pieces {
                connection.server_says(moment, way, piece, asked);
            }
            if ends {
                connection.ended(asked);
            }
        }
    }

    fn begin(&mut self, way: Way) {
        self.open.insert(way, Connection::default());
        self.order.push_back(way);
        while self.order.len() > CONNECTIONS_MAX {
            if let Some(oldest) = self.order.pop_front().filter(|oldest| *oldest != way) {
                self.open.remove(&oldest);
            }
        }
    }
}

fn is_request(bytes: &[u8]) -> bool {
    [&b"GET "[..], b"HEAD ", b"POST "].iter().any(|method| bytes.starts_with(method))
}

impl Connection {
    fn client_says(
        &mut self,
        engine: &mut Engine,
        moment: &Moment<'_>,
        way: Way,
        piece: Piece,
        asked: &mut Vec<Asked>,
    ) {
        let bytes = match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Lost(_) => {
                self.lost = true;
                return;
            }
        };
        if self.lost {
            return;
        }
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip = self.skip.saturating_sub(skip as u64);
        self.request.extend(bytes.iter().skip(skip));
        while let Some(request) = self.next_request() {
            if self.queue.len() >= QUEUE_MAX {
                self.lost = true;
                return;
            }
            self.queue.push_back(asked.len());
            asked.push(ask(engine, moment, way, request));
        }
    }

    /// The next whole request, if it is there.
    fn next_request(&mut self) -> Option<Request> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut head = httparse::Request::new(&mut fields);
        let seen = self.request.get(..HEAD_BYTES_MAX).unwrap_or(&self.request);
        let length = match head.parse(seen) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if seen.len() < HEAD_BYTES_MAX => return None,
            _ => {
                self.lost = true;
                self.request.clear();
                return None;
            }
        };
        let field = |name: &str| {
            let found = head.headers.iter().find(|f| f.name.eq_ignore_ascii_case(name));
            found.map(|field| field.value)
        };
        let announced = field("content-length").and_then(number).unwrap_or(0);
        let mut request = Request {
            method: head.method.unwrap_or_default().to_owned(),
            target: head.path.unwrap_or_default().to_owned(),
            agent: field("user-agent").map(show),
            ranged: field("range").is_some(),
            body: None,
        };
        let has = self.request.len().saturating_sub(length);
        let end = usize::try_from(announced).unwrap_or(usize::MAX).saturating_add(length);
        if announced <= BODY_BYTES_MAX as u64 {
            if end > self.request.len() {
                return None;
            }
            if request.method == "POST" {
                request.body = self.request.get(length..end).map(<[u8]>::to_vec);
            }
            self.request.drain(..end);
        } else {
            self.skip = announced.saturating_sub(has as u64);
            self.request.clear();
        }
        Some(request)
    }

    fn server_says(&mut self, moment: &Moment<'_>, way: Way, piece: Piece, asked: &mut [Asked]) {
        if self.lost {
            return;
        }
        let mut bytes = match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Lost(lost) => {
                self.gap(lost, asked);
                return;
            }
        };
        while !bytes.is_empty() && !self.lost {
            if let Some((entry, left)) = self.passing {
                let take = left.map_or(bytes.len(), |left| {
                    usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len())
                });
                let rest = bytes.split_off(take);
                let left = left.map(|left| left.saturating_sub(take as u64));
                if let Some(seen) = seen(asked, entry) {
                    seen.body.take(&bytes);
                    seen.body.ended = left == Some(0);
                }
                self.passing = Some((entry, left)).filter(|(_, left)| *left != Some(0));
                bytes = rest;
                continue;
            }
            self.response.append(&mut bytes);
            bytes = self.head(moment, way, asked);
        }
    }

    /// Reads the head of a response; gives what stands behind it.
    fn head(&mut self, moment: &Moment<'_>, way: Way, asked: &mut [Asked]) -> Vec<u8> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut head = httparse::Response::new(&mut fields);
        let seen = self.response.get(..HEAD_BYTES_MAX).unwrap_or(&self.response);
        let length = match head.parse(seen) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if seen.len() < HEAD_BYTES_MAX => return Vec::new(),
            _ => {
                self.lost = true;
                return Vec::new();
            }
        };
        let field = |name: &str| {
            let found = head.headers.iter().find(|f| f.name.eq_ignore_ascii_case(name));
            found.map(|field| field.value)
        };
        let status = head.code.unwrap_or(0);
        let announced = field("content-length").and_then(number);
        let chunked = field("transfer-encoding").is_some();
        let whole = field("content-range")
            .and_then(|range| range.rsplit(|byte| *byte == b'/').next().and_then(number));
        let location = field("location").map(show);
        let rest = self.response.split_off(length);
        self.response.clear();
        if (100..200).contains(&status) {
            return rest;
        }
        let Some(entry) = self.queue.pop_front() else {
            self.lost = true;
            return Vec::new();
        };
        let Some(Asked { work: Work::Http(fetch), .. }) = asked.get_mut(entry) else {
            return rest;
        };
        let none = fetch.head_only || matches!(status, 204 | 304) || announced == Some(0);
        let body = Body::new(none);
        let (from, packet) = (way.from, moment.packet);
        fetch.seen = Some(Seen { from, packet, status, length: announced, whole, location, body });
        if chunked && !none {
            // We send none; of others' the pieces are not put together.
            self.lost = true;
            return Vec::new();
        }
        self.passing = (!none).then_some((entry, announced));
        rest
    }

    /// The capture lacks bytes of the server: of a body that can be known, of a head not.
    fn gap(&mut self, lost: u64, asked: &mut [Asked]) {
        match self.passing {
            Some((entry, left)) if left.is_none_or(|left| lost <= left) => {
                let left = left.map(|left| left.saturating_sub(lost));
                if let Some(seen) = seen(asked, entry) {
                    seen.body.lose(lost);
                    seen.body.ended = left == Some(0);
                }
                self.passing = Some((entry, left)).filter(|(_, left)| *left != Some(0));
            }
            _ => self.lost = true,
        }
    }

    /// The server says nothing more: a body without a length is whole.
    fn ended(&mut self, asked: &mut [Asked]) {
        if let Some((entry, None)) = self.passing.take()
            && let Some(seen) = seen(asked, entry)
        {
            seen.body.ended = true;
        }
    }
}

fn seen(asked: &mut [Asked], entry: usize) -> Option<&mut Seen> {
    match asked.get_mut(entry).map(|asked| &mut asked.work) {
        Some(Work::Http(fetch)) => fetch.seen.as_mut(),
        _ => None,
    }
}

fn number(value: &[u8]) -> Option<u64> {
    str::from_utf8(value).ok()?.trim().parse().ok()
}

fn ask(engine: &mut Engine, moment: &Moment<'_>, way: Way, request: Request) -> Asked {
    let networks = &engine.settings().networks;
    let ends = [Some(way.from.ip()), Some(way.to.ip()), None];
    let link = place::link(networks, moment, ends);
    let local = place::is_local(networks, &link, way.from.ip());
    let neighbour = moment.hardware.filter(|_| local).map(HardwareAddress::mac);
    let Request { method, target: asked_for, agent, ranged, body } = request;
    let head_only = method == "HEAD";
    let done = |ours, reasons, machine| Asked {
        packet: moment.packet,
        at_ns: moment.at_ns,
        machine,
        asked: in_words(&method, &asked_for),
        because: reasons,
        work: Work::Http(Box::new(Fetch { head_only, ranged, ours, seen: None })),
    };
    let (path, query) = match asked_for.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (asked_for.as_str(), None),
    };
    let name = match target::name(path) {
        Ok(name) => name,
        Err(why) => return done(Ours::Refused(400, why.to_owned()), Vec::new(), neighbour),
    };
    if name == b"/healthz" {
        return done(Ours::Text(b"ok\n".to_vec()), Vec::new(), neighbour);
    }
    let posted = method == "POST";
    let taken = str::from_utf8(&name).ok().and_then(body_max);
    if posted && taken.is_none() {
        let why = "nothing is taken under this name".to_owned();
        return done(Ours::Refused(405, why), Vec::new(), neighbour);
    }
    let ask = FileAsk {
        by: Carrier::Http,
        name,
        from: way.from,
        at: way.to,
        link,
        says: if posted { Asker::default() } else { target::asker(query) },
        neighbour,
        agent,
        body: body.filter(|_| posted),
        head_only,
    };
    let told = engine.file(moment.now, &ask);
    let machine = told.events.iter().find_map(|event| event.machine).or(neighbour);
    done(Ours::of(&told.answer), because(&told), machine)
}
