//! DHCPv6: messages to be answered, and what is heard of what is not for us.

use super::{Mind, machine_in};
use crate::batch::{Batch, Letter};
use crate::tally::Timed;
use engine::record::Recorded;
use engine::{Advertised6, Datagram6, Engine, Listened6, Noted, Now, Outgoing6, Overheard6, Told};

impl Mind {
    /// Decides one message, and remembers it for a report. `None` where it was given up.
    pub(super) fn dhcp6(
        &mut self,
        now: Now,
        datagram: &Datagram6,
        batch: &mut Batch,
    ) -> Option<Told<Outgoing6>> {
        let decide = self.decide.dhcp6;
        let sender = self.engine.filed_sender6(datagram);
        let begins = sender.as_ref().filter(|(sender, _)| self.begins(sender, now));
        let before = begins.map(|(sender, duid)| self.engine.facts_of6(sender, duid));
        let describe = || describe(datagram);
        let decide = |e: &mut Engine| decide(e, now, datagram);
        let told = self.guard(now, batch, Timed::Dhcp, describe, decide)?;
        // What no event tells of came too often to be worth more.
        if !told.events.is_empty() {
            let machine = machine_in(&told.events).or(sender.map(|(sender, _)| sender));
            let recorded = || Recorded::dhcp6(now, datagram, &told.answer);
            self.record(now, machine, before, recorded);
        }
        Some(told)
    }

    /// What was heard of what is not for us. Nobody waits for an answer, and none is sent.
    pub(super) fn listened6(&mut self, now: Now, heard: &Listened6, batch: &mut Batch) {
        let (changes, events) = match heard {
            Listened6::Asked(datagram) => {
                // The network may be served since it was heard; then nothing is promised to whoever is not answered.
                if !self.engine.only_listens6(&datagram.link) {
                    return;
                }
                let Some(told) = self.dhcp6(now, datagram, batch) else { return };
                (told.changes, told.events)
            }
            Listened6::Said(overheard) => {
                let Some(noted) = self.overhear6(now, overheard, batch) else { return };
                (noted.changes, noted.events)
            }
            Listened6::Advertised(advertised) => {
                let Some(noted) = self.advertised6(now, advertised, batch) else { return };
                (noted.changes, noted.events)
            }
        };
        self.settle(batch, Letter::Nobody, changes, events);
    }

    fn overhear6(&mut self, now: Now, overheard: &Overheard6, batch: &mut Batch) -> Option<Noted> {
        let describe = || format!("a DHCPv6 reply of {} on {}", overheard.from, overheard.link);
        let decide = |e: &mut Engine| e.overhear6(now, overheard);
        self.guard(now, batch, Timed::Upkeep, describe, decide)
    }

    fn advertised6(
        &mut self,
        now: Now,
        advertised: &Advertised6,
        batch: &mut Batch,
    ) -> Option<Noted> {
        let Advertised6 { from, link, .. } = advertised;
        let describe = || format!("a router advertisement of {from} on {link}");
        let decide = |e: &mut Engine| e.hear_router6(now, advertised);
        self.guard(now, batch, Timed::Upkeep, describe, decide)
    }
}

fn describe(datagram: &Datagram6) -> String {
    let shown: String = datagram.bytes.iter().take(300).map(|b| format!("{b:02x}")).collect();
    let (from, link, size) = (datagram.from, &datagram.link, datagram.bytes.len());
    format!("{size} bytes from {from} on {link} to port 547: {shown}")
}
