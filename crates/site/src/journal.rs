//! What was told lately: by machine, and overall. In memory only, with a limit on everything.
//!
//! In: events. Out: the newest ones again, and a live feed. Never: the disk, a decision; lines of a
//! machine's own log in the place of what we did for it ([`log`]).

mod log;

use crate::tally::Counts;
use engine::Engine;
use engine::diagnose::{Docket, Examined};
use engine::story::Stories;
use log::Log;
use model::story::Glance;
use model::{BootId, Event, Happening, HardwareAddress, Now, Story, Why};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;

/// How much the journal remembers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Newest events of one machine.
    pub per_machine_max: usize,
    /// Machines; the one that was quiet longest is forgotten first.
    pub machines_max: usize,
    /// Newest events of all.
    pub overall_max: usize,
    /// Newest lines of one machine's own log (syslog), beside its events.
    pub log_per_machine_max: usize,
    /// Lines of all logs; the oldest is forgotten first.
    pub log_max: usize,
    /// Newest events, lines of logs among them, for whoever was cut off and asks again.
    pub followed_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_machine_max: 128,
            machines_max: 4096,
            overall_max: 1024,
            log_per_machine_max: 512,
            // Lines are 1 KiB at most: 32 MiB, were all of them so long.
            log_max: 32 * 1024,
            followed_max: 4096,
        }
    }
}

/// The newest events.
#[derive(Debug)]
pub(crate) struct Journal {
    limits: Limits,
    overall: VecDeque<Arc<Event>>,
    machines: HashMap<HardwareAddress, Chapter>,
    /// Who spoke when, by the number of their last event.
    spoke: BTreeMap<u64, HardwareAddress>,
    told: u64,
    log: Log,
    /// How many events there were since the start: the number of the newest.
    newest: u64,
    /// The newest of all, each as it was told.
    followed: VecDeque<Arc<Event>>,
    /// What was told since the start, counted.
    counts: Counts,
}

/// The newest events of one machine.
#[derive(Debug, Default)]
struct Chapter {
    last: u64,
    events: VecDeque<Arc<Event>>,
}

impl Journal {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            overall: VecDeque::new(),
            machines: HashMap::new(),
            spoke: BTreeMap::new(),
            told: 0,
            log: Log::default(),
            newest: 0,
            followed: VecDeque::new(),
            counts: Counts::new(),
        }
    }

    pub(crate) fn note(&mut self, event: &Arc<Event>) {
        self.newest += 1;
        self.counts.note(event);
        self.followed.push_back(Arc::clone(event));
        while self.followed.len() > self.limits.followed_max {
            self.followed.pop_front();
        }
        if let Happening::Syslog { .. } = event.what {
            return self.log.note(event, &self.limits);
        }
        self.told += 1;
        write(&mut self.overall, event, self.limits.overall_max);
        let Some(machine) = event.machine else { return };

        let chapter = self.machines.entry(machine).or_default();
        self.spoke.remove(&chapter.last);
        chapter.last = self.told;
        self.spoke.insert(self.told, machine);
        write(&mut chapter.events, event, self.limits.per_machine_max);

        if self.machines.len() > self.limits.machines_max
            && let Some((_, quietest)) = self.spoke.pop_first()
        {
            self.machines.remove(&quietest);
        }
    }

    pub(crate) fn of(&self, machine: &HardwareAddress) -> Vec<Arc<Event>> {
        self.machines.get(machine).map(|c| c.events.iter().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn log_of(&self, machine: &HardwareAddress) -> Vec<Arc<Event>> {
        self.log.of(machine)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.clone()
    }

    pub(crate) fn latest(&self) -> Vec<Arc<Event>> {
        self.overall.iter().cloned().collect()
    }
}

/// Adds a line. A transfer's progress takes the place of the progress before it, so that a long
/// download does not push out how it came about.
fn write(lines: &mut VecDeque<Arc<Event>>, event: &Arc<Event>, max: usize) {
    if lines.back().is_some_and(|last| same_progress(last, event)) {
        lines.pop_back();
    }
    lines.push_back(Arc::clone(event));
    while lines.len() > max {
        lines.pop_front();
    }
}

fn same_progress(a: &Event, b: &Event) -> bool {
    use Happening::TransferProgress as Progress;
    match (&a.what, &b.what) {
        (Progress { file: a_file, by: a_by, .. }, Progress { file: b_file, by: b_by, .. }) => {
            a.machine == b.machine && a_file == b_file && a_by == b_by
        }
        _ => false,
    }
}

/// What was told from some event on, and what is told from now on, without a gap. Events are numbered
/// from 1, since the start of the server.
#[derive(Debug)]
pub struct Followed {
    /// So many came after the one that was named, and are forgotten.
    pub missed: u64,
    /// The number of the last that is neither here nor told from now on.
    pub from: u64,
    /// Those that are remembered, in order: `from + 1` is the first.
    pub before: VecDeque<Arc<Event>>,
    /// All that follow.
    pub feed: broadcast::Receiver<Arc<Event>>,
}

/// The journal, the stories of boots and the live feed: telling goes to all three.
#[derive(Debug)]
pub(crate) struct Telling {
    journal: Mutex<Journal>,
    /// Locked while the journal is, never the other way round.
    stories: Mutex<Stories>,
    /// Locked while the stories are, never the other way round.
    docket: Mutex<Docket>,
    feed: broadcast::Sender<Arc<Event>>,
}

impl Telling {
    pub(crate) fn new(limits: &crate::Limits) -> Self {
        let (feed, _) = broadcast::channel(limits.events_max.max(1));
        Self {
            journal: Mutex::new(Journal::new(limits.journal)),
            stories: Mutex::new(Stories::new(limits.stories)),
            docket: Mutex::default(),
            feed,
        }
    }

    pub(crate) fn tell(&self, event: Event) {
        self.tell_all([event]);
    }

    pub(crate) fn tell_all(&self, events: impl IntoIterator<Item = Event>) {
        // Told under the lock: whoever reads the journal and then the feed misses nothing.
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stories = self.stories.lock().unwrap_or_else(PoisonError::into_inner);
        let mut docket = self.docket.lock().unwrap_or_else(PoisonError::into_inner);
        for mut event in events {
            // A verdict comes with the boot that it is about.
            event.boot = event.boot.or_else(|| stories.note(&event));
            event.furthest = event.boot.and_then(|boot| stories.furthest(boot));
            docket.note(&event);
            let event = Arc::new(event);
            journal.note(&event);
            // Nobody listening is no error.
            let _ = self.feed.send(event);
        }
    }

    /// Counts a silence that was not worth an event: one of a flood.
    pub(crate) fn quiet(&self, asked: &str, why: &Why, link: &str) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.counts.silent(asked, why, Some(link));
    }

    pub(crate) fn follow(&self, after: Option<u64>) -> Followed {
        // Under the lock, as it is told: nothing comes twice, and nothing is lost between.
        self.read(|journal| {
            let newest = journal.newest;
            let after = after.map_or(newest, |after| after.min(newest));
            let remembered = newest.saturating_sub(journal.followed.len() as u64);
            let from = after.max(remembered);
            let skip = usize::try_from(from - remembered).unwrap_or(usize::MAX);
            Followed {
                missed: from - after,
                from,
                before: journal.followed.iter().skip(skip).cloned().collect(),
                feed: self.feed.subscribe(),
            }
        })
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.feed.subscribe()
    }

    pub(crate) fn read_stories<R>(&self, read: impl FnOnce(&Stories) -> R) -> R {
        read(&self.stories.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// See [`crate::SiteHandle::glances`].
    pub(crate) fn glances(
        &self,
        now: Now,
        (all, max): (bool, usize),
        of: impl Fn(&HardwareAddress) -> bool,
        wanted: impl Fn(&Glance) -> bool,
    ) -> Vec<Glance> {
        let stories = self.stories.lock().unwrap_or_else(PoisonError::into_inner);
        let docket = self.docket.lock().unwrap_or_else(PoisonError::into_inner);
        let judged = stories.glances(now, all, of).map(|mut glance| {
            glance.diagnosis = docket.said_of(glance.id, glance.furthest).first().cloned();
            glance
        });
        judged.filter(|glance| wanted(glance)).take(max).collect()
    }

    /// Writes into stories what was said of them.
    pub(crate) fn with_verdicts<'a>(&self, stories: impl IntoIterator<Item = &'a mut Story>) {
        let docket = self.docket.lock().unwrap_or_else(PoisonError::into_inner);
        stories.into_iter().for_each(|story| docket.put_into(story));
    }

    /// When a boot waits to be judged, if one does.
    pub(crate) fn next_look(&self) -> Option<Now> {
        self.docket.lock().unwrap_or_else(PoisonError::into_inner).next_look()
    }

    /// Judges boots whose time has come, and tells what they died of.
    pub(crate) fn judge(&self, engine: &Engine, now: Now) {
        let verdicts = {
            let stories = self.stories.lock().unwrap_or_else(PoisonError::into_inner);
            let mut docket = self.docket.lock().unwrap_or_else(PoisonError::into_inner);
            docket.judge(engine, &stories, now)
        };
        self.tell_all(verdicts);
    }

    /// What a boot of this machine died of.
    pub(crate) fn examine(
        &self,
        engine: &Engine,
        now: Now,
        machine: &HardwareAddress,
        boot: Option<BootId>,
    ) -> Option<Examined> {
        let stories = self.stories.lock().unwrap_or_else(PoisonError::into_inner);
        let docket = self.docket.lock().unwrap_or_else(PoisonError::into_inner);
        docket.examine((engine, &stories), now, machine, boot)
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&Journal) -> R) -> R {
        read(&self.journal.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::event::Carrier;

    fn event(at: u64, machine: u8, what: Happening) -> Arc<Event> {
        let machine = Some(HardwareAddress::mac([2, 0, 0, 0, 0, machine]));
        Arc::new(Event::new(Now(at), machine, None, what))
    }

    fn changed(at: u64, machine: u8) -> Arc<Event> {
        event(at, machine, Happening::Changed { text: at.to_string() })
    }

    fn moments(events: &[Arc<Event>]) -> Vec<u64> {
        events.iter().map(|e| e.at.0).collect()
    }

    #[test]
    fn the_oldest_lines_and_the_quietest_machine_go_first() {
        let limits =
            Limits { per_machine_max: 2, machines_max: 2, overall_max: 3, ..Limits::default() };
        let mut journal = Journal::new(limits);
        for (at, machine) in [(1, 1), (2, 1), (3, 2), (4, 1), (5, 3)] {
            journal.note(&changed(at, machine));
        }

        let of = |m| moments(&journal.of(&HardwareAddress::mac([2, 0, 0, 0, 0, m])));
        assert_eq!(of(1), [2, 4]);
        assert_eq!(of(2), [0; 0], "machine 2 was quiet longest");
        assert_eq!(of(3), [5]);
        assert_eq!(moments(&journal.latest()), [3, 4, 5]);
        assert_eq!(journal.spoke.len(), journal.machines.len());
    }

    #[test]
    fn a_machine_s_own_log_pushes_out_nothing_of_what_we_did() {
        let mut journal = Journal::new(Limits::default());
        journal.note(&changed(1, 1));
        for at in 0..100_000 {
            let text = "unpacking".to_owned();
            let (severity, app) = (model::Severity::Info, None);
            journal.note(&event(at, 1, Happening::Syslog { severity, app, text }));
        }
        let machine = HardwareAddress::mac([2, 0, 0, 0, 0, 1]);
        assert_eq!(moments(&journal.of(&machine)), [1]);
        assert_eq!(moments(&journal.latest()), [1]);
        assert_eq!(moments(&journal.log_of(&machine)), (99_488..100_000).collect::<Vec<u64>>());
    }

    #[test]
    fn whoever_was_cut_off_goes_on_where_he_was_or_hears_how_much_he_missed() {
        let limits = Limits { followed_max: 3, ..Limits::default() };
        let telling = Telling::new(&crate::Limits { journal: limits, ..crate::Limits::default() });
        let tell = |at: u64| telling.tell(changed(at, 1).as_ref().clone());
        (1..=5).for_each(tell);

        let numbers = |followed: &Followed| {
            let before: Vec<Arc<Event>> = followed.before.iter().cloned().collect();
            (followed.missed, followed.from, moments(&before))
        };
        assert_eq!(numbers(&telling.follow(None)), (0, 5, vec![]));
        assert_eq!(numbers(&telling.follow(Some(5))), (0, 5, vec![]));
        assert_eq!(numbers(&telling.follow(Some(3))), (0, 3, vec![4, 5]));
        assert_eq!(numbers(&telling.follow(Some(2))), (0, 2, vec![3, 4, 5]));
        assert_eq!(numbers(&telling.follow(Some(0))), (2, 2, vec![3, 4, 5]));
        assert_eq!(numbers(&telling.follow(Some(99))), (0, 5, vec![]), "of the future");
        let mut followed = telling.follow(Some(4));
        tell(6);
        assert_eq!((followed.from, moments(followed.before.make_contiguous())), (4, vec![5]));
        assert_eq!(followed.feed.try_recv().unwrap().at, Now(6));
    }

    #[test]
    fn progress_takes_the_place_of_earlier_progress() {
        let mut journal = Journal::new(Limits::default());
        let progress = |at, sent| {
            let file = "linux".to_owned();
            let by = Carrier::Tftp;
            event(
                at,
                1,
                Happening::TransferProgress { file, by, sent, size: 9, took_ms: at, again: 0 },
            )
        };
        for line in [changed(1, 1), progress(2, 3), progress(3, 6), changed(4, 1)] {
            journal.note(&line);
        }
        assert_eq!(moments(&journal.latest()), [1, 3, 4]);
    }
}
