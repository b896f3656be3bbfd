//! Whose turn it is: arming one machine, and the machines of a batch one after the other.

use super::{alarm, order, told};
use crate::{Engine, Refusal};
use model::deployment::{Boots, Deployment, End, Install, State};
use model::event::Happening;
use model::image::Hash;
use model::life::{Before, Move};
use model::{Batch, Change, Event, HardwareAddress, Now};
use std::time::Duration;
use vault::Purpose;

/// Installations of one batch at most at once.
pub(crate) const AT_ONCE_MAX: u32 = 1_000;

/// What one machine is armed with, before it has a number.
pub(crate) struct Arming<'a> {
    pub(crate) machine: HardwareAddress,
    pub(crate) profile: &'a str,
    /// `before` is filled in by [`Engine::arm`].
    pub(crate) install: Install,
    pub(crate) within: Duration,
    pub(crate) by: &'a str,
    pub(crate) seed: Hash,
    pub(crate) batch: Option<u32>,
}

impl Engine {
    /// Arms one machine under this number: the deployment, and the machine that is deploying now.
    pub(crate) fn arm(
        &self,
        now: Now,
        id: u32,
        arming: Arming<'_>,
    ) -> Result<(Deployment, Vec<Change>), Refusal> {
        let Arming { machine, profile, mut install, within, by, seed, batch } = arming;
        let refuse = |why: String, hint: &str| Refusal {
            why,
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        };
        let known = self.machines.get(&machine).ok_or_else(|| {
            refuse(format!("{machine} is not known"), "`bootwright machine list` shows who is")
        })?;
        // A batch may still wait for it under the address of a card that is another machine's now.
        let (named, machine) = (known.shown(), known.hardware);
        let moved = known
            .moved(Move::Arm)
            .map_err(|illegal| refuse(format!("{named}: {illegal}"), illegal.first))?;
        install.before = known.life().before().unwrap_or(Before::Approved);
        if let Some(other) = self.deployment_of(&machine).filter(|of| of.install.is_some()) {
            let hint = "`bootwright machine cancel` ends it";
            return Err(refuse(format!("{named} has {} already", other.shown()), hint));
        }
        let image = self.image_of_profile(profile).ok_or_else(|| {
            refuse(format!("profile {profile} has no image"), "`bootwright profile show`")
        })?;
        if let Some(arch) = known.arch.filter(|arch| !image.runs_on(*arch)) {
            let why = format!("image {} does not run on {named}, which is {arch}", image.name);
            return Err(refuse(why, ""));
        }
        let boots = Boots {
            profile: Some(profile.to_owned()),
            image: image.name.clone(),
            version: image.version,
        };
        let until = now + within;
        let mut armed = Deployment::armed(
            (id, seed),
            machine,
            (boots, Some(install)),
            (now, until),
            by.to_owned(),
        );
        armed.batch = batch;
        let mut changes = Vec::new();
        // Something to boot once gives way to an installation.
        if let Some(once) = self.deployment_of(&machine) {
            changes.extend(self.ended(now, once, End::Cancelled { by: by.to_owned() }).0);
        }
        changes.extend([Change::Machine(moved), Change::Deployment(armed.clone())]);
        Ok((armed, changes))
    }

    /// Arms those of a batch whose turn has come; the batch as it is then comes last.
    pub(crate) fn turns(&self, now: Now, batch: &Batch) -> (Vec<Change>, Vec<Event>) {
        let mut batch = batch.clone();
        let (mut changes, mut events) = (Vec::new(), Vec::new());
        let of = |id: &u32| self.deployments.get(*id);
        let running = batch.turns.iter().filter(|(_, id)| of(id).is_some_and(|d| !d.is_over()));
        let mut running = u32::try_from(running.count()).unwrap_or(u32::MAX);
        if batch.pause_after > 0 && !batch.paused && self.failures(&batch) >= batch.pause_after {
            batch.paused = true;
            events.push(Event::new(now, None, None, paused(&batch)));
        }
        let mut id = self.deployments.next_id();
        while !batch.paused && running < batch.at_once && !batch.waiting.is_empty() {
            let machine = batch.waiting.remove(0);
            let turn = u64::try_from(batch.turns.len()).unwrap_or(u64::MAX).to_be_bytes();
            let seed = self.settings.key.bytes_for(Purpose::Batch, &[&batch.seed.0, &turn]);
            let disk = self.own_disk(machine, &batch);
            let arming = |disk: String| Arming {
                machine,
                profile: &batch.profile,
                install: Install { disk, ..batch.install.clone() },
                within: batch.within,
                by: &batch.by,
                seed: Hash(seed),
                batch: Some(batch.id),
            };
            match disk.and_then(|disk| self.arm(now, id, arming(disk))) {
                Ok((armed, more)) => {
                    events.push(told(now, &armed, "armed", &armed.standing()));
                    changes.extend(more);
                    batch.turns.push((machine, id));
                    id = id.saturating_add(1);
                    running = running.saturating_add(1);
                }
                Err(refusal) => {
                    batch.turns.push((machine, 0));
                    let text = format!("batch {}: {refusal}", batch.id);
                    events.push(alarm(now, machine, text));
                }
            }
        }
        changes.push(Change::Batch(batch));
        (changes, events)
    }

    /// The disk of one machine of a batch.
    fn own_disk(&self, machine: HardwareAddress, batch: &Batch) -> Result<String, Refusal> {
        let known = self.machines.get(&machine).ok_or_else(|| Refusal {
            why: format!("{machine} is not known any more"),
            hint: None,
        })?;
        let disk = self.disk_for(known, &batch.profile, batch.disk.as_deref())?;
        Ok(crate::command::disk_as_written(&disk))
    }

    /// After something ended: whose turn it is in every batch. Kept already.
    pub(super) fn next_turns(&mut self, now: Now) -> (Vec<Change>, Vec<Event>) {
        let (mut all, mut events) = (Vec::new(), Vec::new());
        let waiting: Vec<Batch> = self
            .deployments
            .batches()
            .filter(|batch| !batch.waiting.is_empty() && !batch.paused)
            .cloned()
            .collect();
        for batch in waiting {
            let (changes, more) = self.turns(now, &batch);
            if changes == [Change::Batch(batch)] {
                continue;
            }
            if let Some(kept) = self.keep(changes) {
                all.extend(kept);
                events.extend(more);
            }
        }
        (all, events)
    }

    /// How many of a batch did not end well.
    pub fn failures(&self, batch: &Batch) -> u32 {
        let failed = |id: u32| match self.deployments.get(id).map(Deployment::state) {
            Some(State::Ended { how, .. }) => {
                matches!(how, End::Failed { .. } | End::Frozen { .. } | End::Expired)
            }
            Some(_) => false,
            None => id == 0,
        };
        let count = batch.turns.iter().filter(|(_, id)| failed(*id)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// What the templates of a profile are called, if its answers can be made.
    pub(crate) fn template_for(&self, profile: &str) -> Result<String, Refusal> {
        let refuse = |why: String, hint: String| Refusal { why, hint: Some(hint) };
        let known = self.profiles.get(profile).ok_or_else(|| {
            refuse(
                format!("there is no profile {profile}"),
                "`bootwright profile list` shows what there is".to_owned(),
            )
        })?;
        let template = known.template.clone().ok_or_else(|| {
            refuse(
                format!("profile {profile} has no template, so nothing could answer the installer"),
                format!("`bootwright profile set {profile} --template debian`, or boot it with `machine boot-once`"),
            )
        })?;
        let image = self.image_of_profile(profile).ok_or_else(|| {
            let hint = format!("`bootwright image import PATH --name {}`", known.image);
            refuse(format!("there is no image {}", known.image), hint)
        })?;
        let way = image.recipe.answer.as_ref().ok_or_else(|| {
            refuse(
                format!("image {} ({}) takes no answer file", image.name, image.title),
                "`bootwright image show` says what it is".to_owned(),
            )
        })?;
        let format = order::format_of(&way.format).ok_or_else(|| {
            let why = format!(
                "image {} takes its answers as {}, for which there are no templates yet",
                image.name, way.format
            );
            refuse(why, "boot it with `machine boot-once`".to_owned())
        })?;
        let made =
            |t: &&answers::Template| order::stem(t.name()) == template && t.format() == format;
        if !self.templates().iter().any(|template| made(&template)) {
            return Err(refuse(
                format!(
                    "there is no template {template}.{format}, which image {} wants",
                    image.name
                ),
                "`bootwright template list` shows what there is".to_owned(),
            ));
        }
        Ok(template)
    }
}

fn paused(batch: &Batch) -> Happening {
    Happening::Alarm {
        text: format!(
            "batch {} is paused after {} failures; {} machines wait\nhint: `bootwright deployment \
             show b{}`; `bootwright deployment resume b{}` goes on",
            batch.id,
            batch.pause_after,
            batch.waiting.len(),
            batch.id,
            batch.id
        ),
    }
}
