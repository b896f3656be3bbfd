//! From the head of a request to its response.
//!
//! In: a head, then the owner's answer. Out: what is to be sent. Never: a decision; whether a file
//! is to be had, and which, the owner says.

use super::body::{self, Announced, Share};
use super::connection::{Connection, Desk, Doing, Known};
use super::head::{self, Head, Method, Refused};
use super::post::{BlobFacts, Body, Facts, Letter, Says};
use super::range::Conditions;
use super::reply::{About, Manner, Status};
use super::sending::Sending;
use super::slab::Token;
use crate::bell::Post;
use crate::count::PanicWatch;
use crate::meter::{self, Meter};
use crate::neighbour;
use crate::owner::{Blob, Bytes, Owner};
use crate::part::{Layout, Part};
use crate::shelf::Shelf;
use crate::source::off_the_runtime;
use engine::files::target;
use engine::{Answer, FileAsk, Found, Served};
use model::event::Carrier;
use model::text::show;
use model::{Event, Happening, HardwareAddress, Now};
use std::io;
use std::sync::Arc;

/// A range at least so long is told of like a whole file; shorter ones are block reads of a disk.
const TOLD_FROM_BYTES: u64 = 4 * 1024 * 1024;
/// Answers that a connection keeps.
const KNOWN_MAX: usize = 4;

/// A request that waits for its answer.
pub(super) struct Question {
    wish: Wish,
    target: Box<str>,
    edition: u64,
    asked: Now,
}

/// How the answer is to be given.
struct Wish {
    method: Method,
    minor: u8,
    keep: bool,
    conditions: Conditions,
}

impl Wish {
    fn manner<'a>(&self, date: &'a str) -> Manner<'a> {
        let fields_only = self.method == Method::Head;
        Manner { minor: self.minor, fields_only, keep: self.keep, date }
    }
}

impl<O: Owner, B: Blob> Connection<O, B> {
    /// Reads the head that begins with the first byte, and does what it asks for; gives how long it
    /// was, or nothing if it goes on.
    pub(super) fn understand<S: Bytes<Blob = B>>(
        &mut self,
        desk: &mut Desk<O, S>,
        bytes: &[u8],
    ) -> Option<usize> {
        let mut space = head::space();
        match head::read(bytes, &mut space) {
            Ok(None) => None,
            Ok(Some(head)) => {
                let length = head.length;
                if let Err(refused) = self.request(desk, &head) {
                    self.refuse(desk, refused);
                    return Some(bytes.len());
                }
                Some(length)
            }
            Err(refused) => {
                self.refuse(desk, refused);
                Some(bytes.len())
            }
        }
    }

    /// Refuses a request by its form, and ends with it.
    pub(super) fn refuse<S: Bytes<Blob = B>>(&mut self, desk: &Desk<O, S>, refused: Refused) {
        desk.counters.http_refused.one();
        if refused == Refused::Room {
            desk.counters.http_bodies_refused.one();
        }
        let manner = Manner { minor: 1, fields_only: false, keep: false, date: &desk.date };
        manner.refusal(&mut self.out, refused);
        self.keep = false;
        self.doing = Doing::Sending(None);
    }

    fn request<S: Bytes<Blob = B>>(
        &mut self,
        desk: &mut Desk<O, S>,
        head: &Head<'_, '_>,
    ) -> Result<(), Refused> {
        self.pace_anew(desk.now);
        let conditions = match head.method {
            Method::Get | Method::Head => Conditions::read(head.fields),
            // They are about a file that is there; what is said here is not one.
            Method::Post => Conditions::default(),
        };
        let (method, minor) = (head.method, head.minor);
        let wish = Wish { method, minor, keep: head.keep && !desk.closing, conditions };
        if desk.closing {
            self.say(desk, &wish, Status::NotNow, "the server stops\n");
            return Ok(());
        }
        let name = target::name(head.path).map_err(Refused::Form)?;
        let announced = announced(head, &name)?;
        if name == b"/healthz" {
            self.say(desk, &wish, Status::Ok, "ok\n");
            return Ok(());
        }
        desk.counters.http_requests.one();
        let (asked, edition) = (desk.owner.now(), desk.owner.edition());
        let known = match announced {
            Some(_) => None,
            None => self.know(head.target, edition),
        };
        if let Some(facts) = &known
            && let Some(blob) = facts.blob.as_ref().and_then(|blob| desk.shelf.get(&blob.layout))
        {
            self.give(desk, (&wish, asked), Arc::clone(facts), Body::Blob(blob));
            return Ok(());
        }
        let question = Box::new(Question { wish, target: head.target.into(), edition, asked });
        if let Some(facts) = known {
            self.open(desk, question, facts);
            return Ok(());
        }
        let agent = head.fields.first("user-agent");
        let ask = FileAsk {
            by: Carrier::Http,
            name,
            from: self.peer,
            at: self.at,
            link: self.link.to_string(),
            says: target::asker(head.query),
            neighbour: None,
            agent: agent.map(show),
            body: None,
            head_only: method == Method::Head,
        };
        match announced {
            Some(announced) => self.expect(desk, announced, question, ask)?,
            None => self.ask(desk, question, ask, None),
        }
        Ok(())
    }

    fn say<S: Bytes<Blob = B>>(
        &mut self,
        desk: &Desk<O, S>,
        wish: &Wish,
        status: Status,
        text: &str,
    ) {
        wish.manner(&desk.date).words(&mut self.out, status, &[], text);
        self.keep = wish.keep;
        self.doing = Doing::Sending(None);
    }

    /// The answer to the same target that is still true.
    fn know(&mut self, target: &str, edition: u64) -> Option<Arc<Facts>> {
        self.known.retain(|known| known.edition == edition);
        let at = self.known.iter().position(|known| &*known.target == target)?;
        self.known.get_mut(..=at)?.rotate_right(1);
        self.known.first().map(|known| Arc::clone(&known.facts))
    }

    fn remember(&mut self, target: Box<str>, edition: u64, facts: &Arc<Facts>) {
        self.known.truncate(KNOWN_MAX - 1);
        self.known.insert(0, Known { target, edition, facts: Arc::clone(facts) });
    }

    /// Asks the owner, on the runtime; a letter brings the answer. The memory of a body counts until
    /// then.
    pub(super) fn ask<S: Bytes<Blob = B>>(
        &mut self,
        desk: &Desk<O, S>,
        question: Box<Question>,
        mut ask: FileAsk,
        share: Option<Share>,
    ) {
        let errand = Errand::new(desk, self.token(), self.neighbour.flatten());
        let (owner, shelf, known) = (desk.owner.clone(), desk.shelf.clone(), self.neighbour);
        desk.runtime.spawn(async move {
            // All of it moves in, so that its letter is sent at the end.
            let (mut errand, _share) = (errand, share);
            let known = known.unwrap_or_else(|| neighbour::of(ask.from.ip(), &ask.link));
            (ask.neighbour, errand.neighbour) = (known, known);
            let shown = show(&ask.name);
            let says = match owner.file(ask).await {
                Answer::Silence(why) => Says::Silence(why),
                Answer::Reply(found) => fetch(shelf, shown, found).await,
            };
            errand.says = Some(says);
        });
        self.doing = Doing::Asking(question);
    }

    /// Opens the blob of an answer that is known; a letter brings it.
    fn open<S: Bytes<Blob = B>>(
        &mut self,
        desk: &Desk<O, S>,
        question: Box<Question>,
        facts: Arc<Facts>,
    ) {
        let errand = Errand::new(desk, self.token(), self.neighbour.flatten());
        let shelf = desk.shelf.clone();
        desk.runtime.spawn(async move {
            // All of it moves in, so that its letter is sent at the end.
            let mut errand = errand;
            errand.says = Some(opened(shelf, facts).await);
        });
        self.doing = Doing::Asking(question);
    }

    /// The answer is there.
    pub(super) fn answered<S: Bytes<Blob = B>>(&mut self, desk: &mut Desk<O, S>, says: Says<B>) {
        let Doing::Asking(question) = std::mem::replace(&mut self.doing, Doing::Idle) else {
            return;
        };
        self.pace_anew(desk.now);
        match says {
            Says::File(facts, body) => {
                if facts.steady && question.wish.method != Method::Post {
                    self.remember(question.target.clone(), question.edition, &facts);
                }
                self.give(desk, (&question.wish, question.asked), facts, body);
            }
            Says::Silence(why) => {
                question.wish.manner(&desk.date).silence(&mut self.out, &why);
                self.keep = question.wish.keep;
                self.doing = Doing::Sending(None);
            }
            Says::Unreadable(shown, machine, cause) => {
                for what in meter::unreadable(Carrier::Http, shown, &cause) {
                    self.tell(desk, machine, what);
                }
                let text = "the server cannot read the file\n";
                self.say(desk, &question.wish, Status::Broken, text);
            }
            Says::Lost => {
                self.say(desk, &question.wish, Status::Broken, "the server failed at it\n");
            }
        }
    }

    /// Sends a file, or as much of it as was asked for.
    fn give<S: Bytes<Blob = B>>(
        &mut self,
        desk: &mut Desk<O, S>,
        (wish, asked): (&Wish, Now),
        facts: Arc<Facts>,
        body: Body<B>,
    ) {
        let size = match &body {
            Body::Text(text) => text.len() as u64,
            Body::Blob(blob) => blob.size(),
        };
        let tag = facts.blob.as_ref().map(|blob| blob.tag.as_str());
        let part = wish.conditions.select(wish.method, tag, size);
        let about = About { size, media: facts.media, tag };
        let (from, to) = wish.manner(&desk.date).file(&mut self.out, about, part);
        self.keep = wish.keep;
        self.doing = Doing::Sending(None);
        if from >= to {
            return;
        }
        match body {
            Body::Text(text) => {
                let at = |place| usize::try_from(place).unwrap_or(usize::MAX);
                let part = text.as_bytes().get(at(from)..at(to));
                self.out.extend_from_slice(part.unwrap_or_default());
            }
            Body::Blob(blob) => {
                let whole = to - from == size;
                let way = (self.at.ip(), self.peer.ip());
                let ticket = desk.gate.enter(desk.owner.now(), self.token(), way, to - from);
                let sending = Sending::new(Arc::clone(&facts), blob, (from, to), ticket);
                let told = whole || to - from >= TOLD_FROM_BYTES;
                self.give_blob(desk, sending, told.then_some(asked));
            }
        }
    }

    fn give_blob<S: Bytes<Blob = B>>(
        &mut self,
        desk: &mut Desk<O, S>,
        mut sending: Sending<O, B>,
        told_since: Option<Now>,
    ) {
        if let Some(asked) = told_since {
            let about = meter::About {
                file: sending.facts.shown.clone(),
                by: Carrier::Http,
                to: self.peer.ip(),
                size: sending.length,
                machine: sending.facts.machine,
                link: self.link.to_string(),
                board: desk.board.clone(),
            };
            sending.meter = Some(Meter::start(desk.owner.clone(), about, asked));
        }
        sending.begun =
            self.carried.saturating_add(self.out.len().saturating_sub(self.out_at) as u64);
        sending.join(&mut self.out, &mut desk.gate, desk.owner.now());
        self.doing = Doing::Sending(Some(Box::new(sending)));
    }

    /// The blob that is being sent is not what it was, or cannot be read.
    pub(super) fn spoilt<S: Bytes<Blob = B>>(&mut self, desk: &Desk<O, S>, cause: &io::Error) {
        let (Doing::Sending(Some(sending)) | Doing::Cold(sending)) = &self.doing else { return };
        let facts = Arc::clone(&sending.facts);
        desk.shelf.forget(&sending.blob.layout.blob);
        if library::is_damage(cause) {
            return;
        }
        let text = format!("{} was cut off on its way: {cause}", facts.shown);
        self.alarm(desk, facts.machine, text);
    }

    fn alarm<S: Bytes<Blob = B>>(
        &self,
        desk: &Desk<O, S>,
        machine: Option<HardwareAddress>,
        text: String,
    ) {
        self.tell(desk, machine, Happening::Alarm { text });
    }

    fn tell<S: Bytes<Blob = B>>(
        &self,
        desk: &Desk<O, S>,
        machine: Option<HardwareAddress>,
        what: Happening,
    ) {
        let link = Some(self.link.to_string());
        desk.owner.tell(Event::new(desk.owner.now(), machine, link, what));
    }
}

/// What comes behind a head; nothing but with a POST. Where none may go it is refused as a method.
fn announced(head: &Head<'_, '_>, name: &[u8]) -> Result<Option<Announced>, Refused> {
    if head.method != Method::Post {
        return Ok(None);
    }
    let max = str::from_utf8(name).ok().and_then(engine::files::body_max);
    body::announced(head.fields, head.minor, max.ok_or(Refused::Method)?).map(Some)
}

/// A question on its way. Whatever happens to it, a letter comes.
struct Errand<B> {
    post: Arc<Post<Letter<B>>>,
    to: Token,
    neighbour: Option<HardwareAddress>,
    says: Option<Says<B>>,
    _panics: PanicWatch,
}

impl<B: Blob> Errand<B> {
    fn new<O: Owner, S: Bytes<Blob = B>>(
        desk: &Desk<O, S>,
        to: Token,
        neighbour: Option<HardwareAddress>,
    ) -> Self {
        let (post, panics) = (Arc::clone(&desk.post), PanicWatch(Arc::clone(&desk.counters)));
        Self { post, to, neighbour, says: None, _panics: panics }
    }
}

impl<B> Drop for Errand<B> {
    fn drop(&mut self) {
        let says = self.says.take().unwrap_or(Says::Lost);
        self.post.send(Letter::Answer { to: self.to, neighbour: self.neighbour, says });
    }
}

/// Opens what was found.
async fn fetch<S: Bytes>(shelf: Shelf<S>, shown: String, found: Found) -> Says<S::Blob> {
    let Found { what, media, machine, steady, blksize_max: _ } = found;
    match what {
        Served::Text(text) => {
            let facts = Facts { shown, media, machine, blob: None, steady: false };
            Says::File(Arc::new(facts), Body::Text(text))
        }
        // The owner's door gives answer files as texts, and asks by itself.
        Served::Answer(_) | Served::Ask(_) => Says::Lost,
        Served::Blob(content) => {
            let layout = match Layout::of(&content) {
                Ok(layout) => layout,
                Err(cause) => return Says::Unreadable(shown, machine, cause),
            };
            let blob = BlobFacts { tag: layout.tag(), layout };
            let facts = Facts { shown, media, machine, blob: Some(blob), steady };
            opened(shelf, Arc::new(facts)).await
        }
    }
}

async fn opened<S: Bytes>(shelf: Shelf<S>, facts: Arc<Facts>) -> Says<S::Blob> {
    let Some(BlobFacts { layout, .. }) = &facts.blob else { return Says::Lost };
    match open(shelf, Arc::clone(layout)).await {
        Ok(blob) => Says::File(facts, Body::Blob(blob)),
        Err(cause) => Says::Unreadable(facts.shown.clone(), facts.machine, cause),
    }
}

/// A file whose blob is open, or is opened where it is allowed to wait for a disk.
async fn open<S: Bytes>(shelf: Shelf<S>, layout: Arc<Layout>) -> io::Result<Part<S::Blob>> {
    if let Some(part) = shelf.get(&layout) {
        return Ok(part);
    }
    off_the_runtime(move || shelf.open(&layout)).await
}
