//! Images: published as numbered versions, shown by channels, promoted, rolled back, removed.

use super::{Outcome, check_line, check_name, decided, refuse};
use crate::Engine;
use model::image::{Channel, Channels, SecureBoot, Wanted};
use model::menu::Choice;
use model::{Change, Image, Now};
use std::collections::BTreeMap;

impl Engine {
    /// The first version of an image is `stable` at once; a later one is only `test` until somebody
    /// promotes it.
    pub(super) fn publish_image(&self, now: Now, mut image: Image) -> Outcome {
        check_name("an image", &image.name)?;
        check_line("an image's title", &image.title)?;
        check_line("kernel arguments", &image.recipe.args)?;
        let versions = self.images.get(&image.name);
        let newest = versions.and_then(|v| v.values().next_back());
        if let Some(same) = newest.filter(|old| old.same_content(&image)) {
            return publish_again(same, image);
        }
        let before = self.channels(&image.name);
        let highest = newest.map_or(0, |old| old.version).max(before.last);
        image.version = highest.saturating_add(1);
        image.imported = now;
        // Images of the time before there were channels: what machines get now, they go on getting.
        let stable = before.stable.or(newest.map(|old| old.version)).unwrap_or(image.version);
        let channels = Channels { stable: Some(stable), ..before.clone() };
        let mut says = format!("image {} version {}: {}", image.name, image.version, image.title);
        if stable != image.version {
            let (name, version) = (&image.name, image.version);
            // Without a number it promotes what `test` shows.
            let test = channels.test.filter(|test| versions.is_some_and(|v| v.contains_key(test)));
            let number = test.map(|_| format!(" --version {version}")).unwrap_or_default();
            says.push_str(&format!(
                "\nmachines get version {stable} until `bootwright image promote {name}{number}`"
            ));
            if let Some(test) = test {
                says.push_str(&format!(
                    "\n`test` shows version {test}, as an operator put it there"
                ));
            }
        }
        let mut changes = vec![Change::Image(image.clone())];
        if channels != before {
            changes.push(Change::Channels(image.name, channels));
        }
        decided(changes, says)
    }

    pub(super) fn set_secure_boot(&self, name: &str, version: u32, said: SecureBoot) -> Outcome {
        let Some(image) = self.versions(name)?.get(&version) else {
            return refuse(format!("image {name} has no version {version}"), "");
        };
        let changed = Image { secure_boot: said, ..image.clone() };
        decided(vec![Change::Image(changed)], format!("image {name} version {version} is audited"))
    }

    pub(super) fn promote(&self, name: String, version: Option<u32>, to: Channel) -> Outcome {
        let versions = self.versions(&name)?;
        let wanted = version.map_or(Wanted::Channel(Channel::Test), Wanted::Version);
        let Some(version) = self.image(&name, wanted).map(|image| image.version) else {
            return refuse(
                format!("image {name} has no {wanted}"),
                &format!("`bootwright image versions {name}` shows what there is"),
            );
        };
        let before = self.channels(&name);
        let was = self.image(&name, Wanted::Channel(to)).map(|image| image.version);
        let after = match to {
            Channel::Stable => {
                let held = before.stable.filter(|stable| versions.contains_key(stable));
                // `stable` was never set: it showed the newest.
                Channels { stable: held.or(was), ..before.clone() }.promoted(version)
            }
            Channel::Test => Channels { test: Some(version), ..before.clone() },
            Channel::Current => {
                return refuse(
                    "`current` is the newest version and cannot be set",
                    "promote to `stable` or `test`",
                );
            }
        };
        if was == Some(version) {
            let says = format!("{to} of image {name} shows version {version} already");
            let set = to == Channel::Stable && before.stable.is_none();
            let changes = if set { vec![Change::Channels(name, after)] } else { Vec::new() };
            return decided(changes, says);
        }
        let from = was.map(|was| format!(" instead of version {was}")).unwrap_or_default();
        let mut says = format!("{to} of image {name} shows version {version}{from}");
        if to == Channel::Stable {
            says.push_str(&format!("\n`bootwright image rollback {name}` takes that back"));
        }
        decided(vec![Change::Channels(name, after)], says)
    }

    pub(super) fn roll_back(&self, name: String) -> Outcome {
        let versions = self.versions(&name)?;
        let mut channels = self.channels(&name);
        channels.past.retain(|version| versions.contains_key(version));
        let Some((after, withdrawn)) = channels.rolled_back() else {
            return refuse(
                format!("stable of image {name} never showed another version"),
                &format!("`bootwright image promote {name} --version N` shows one"),
            );
        };
        let version = after.stable.unwrap_or_default();
        let says =
            format!("stable of image {name} shows version {version} again, no longer {withdrawn}");
        decided(vec![Change::Channels(name, after)], says)
    }

    fn versions(&self, name: &str) -> Result<&BTreeMap<u32, Image>, super::Refusal> {
        match self.images.get(name) {
            Some(versions) => Ok(versions),
            None => refuse(
                format!("there is no image {}", model::text::show(name.as_bytes())),
                "see `image list`",
            ),
        }
    }

    pub(super) fn remove_image(&self, name: &str, version: Option<u32>) -> Outcome {
        let versions = self.versions(name)?;
        let gone: Vec<u32> = match version {
            Some(version) if versions.contains_key(&version) => vec![version],
            Some(version) => {
                return refuse(
                    format!("image {name} has no version {version}"),
                    &format!("`bootwright image versions {name}` shows what there is"),
                );
            }
            None => versions.keys().copied().collect(),
        };
        let last = gone.len() == versions.len();
        self.refuse_what_is_used(name, &gone, last)?;

        let shown: Vec<String> = gone.iter().map(u32::to_string).collect();
        let says = format!("image {name} version {} is removed", shown.join(", "));
        let before = self.channels(name);
        let mut after = gone.iter().fold(before.clone(), |channels, v| channels.without(*v));
        if let Some(newest) = versions.keys().next_back().filter(|newest| gone.contains(newest)) {
            after.last = after.last.max(*newest);
        }
        let mut changes: Vec<Change> =
            gone.into_iter().map(|v| Change::ImageGone(name.to_owned(), v)).collect();
        if after != before {
            changes.push(Change::Channels(name.to_owned(), after));
        }
        decided(changes, says)
    }

    fn refuse_what_is_used(
        &self,
        name: &str,
        gone: &[u32],
        last: bool,
    ) -> Result<(), super::Refusal> {
        let pinned = |v: Option<u32>| v.is_some_and(|v| gone.contains(&v));
        let of_it = |profile: &&model::rule::Profile| {
            profile.image == name && (last || pinned(profile.version))
        };
        if let Some(profile) = self.profiles.values().find(of_it) {
            return refuse(
                format!("image {name} is used by profile {}", profile.name),
                &format!("`bootwright profile remove {}` first", profile.name),
            );
        }
        let choice = Choice::Image(name.to_owned());
        if last && self.menus.values().any(|menu| menu.entries.iter().any(|e| e.choice == choice)) {
            return refuse(format!("image {name} is in the boot menu"), "see `menu show`");
        }
        let stable = self.image(name, Wanted::default()).map(|image| image.version);
        if !last && pinned(stable) {
            return refuse(
                format!(
                    "version {} of image {name} is what machines get: stable shows it",
                    stable.unwrap_or_default()
                ),
                &format!(
                    "`bootwright image promote {name} --version N` or `image rollback {name}` first"
                ),
            );
        }
        Ok(())
    }
}

/// The same files once more: no new version, but what is known better of them now is kept. A reason
/// to believe them is only replaced by a stronger one, along with where they came from.
fn publish_again(same: &Image, image: Image) -> Outcome {
    let (name, version) = (&same.name, same.version);
    let mut after = Image { version, imported: same.imported, ..image };
    let stronger = after.trust.is_stronger_than(&same.trust);
    if !stronger {
        after.trust = same.trust.clone();
        after.source.clone_from(&same.source);
    }
    if after.secure_boot == SecureBoot::default() {
        after.secure_boot = same.secure_boot.clone();
    }
    let mut news = Vec::new();
    if after.title != same.title {
        news.push(format!("its title is now `{}`", after.title));
    }
    if after.archs != same.archs {
        let archs: Vec<String> = after.archs.iter().map(ToString::to_string).collect();
        news.push(match archs.as_slice() {
            [] => "where it runs is not known".to_owned(),
            archs => format!("it runs on {}", archs.join(", ")),
        });
    }
    if stronger {
        news.push(format!("its files are believed because {}", after.trust));
    }
    let more = |image: &Image| {
        (image.notes.clone(), image.recognised_by.clone(), image.secure_boot.clone())
    };
    if more(&after) != more(same) {
        news.push("what is noted of it is new".to_owned());
    }
    let mut says = format!("image {name} version {version} has just these files already");
    if !news.is_empty() {
        says.push_str(&format!("; {}", news.join("; ")));
    }
    let changes = if after == *same { Vec::new() } else { vec![Change::Image(after)] };
    decided(changes, says)
}
