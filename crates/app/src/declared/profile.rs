//! `[[profile]]`.

use super::place::Source;
use crate::config::fault::Fault;
use crate::config::raw::settings;
use crate::config::reader::Section;
use engine::command::DeclaredProfile;
use model::Channel;

/// One profile; none where a fault was noted.
pub fn read(mut section: Section<'_>, source: &Source<'_>) -> Option<DeclaredProfile> {
    let at = source.place(&section.at);
    let name = needed(&mut section, "name", "name = \"debian\"");
    let image = needed(&mut section, "image", "image = \"debian-12-amd64\"");
    let version = section.number("version", 1..=u64::from(u32::MAX));
    let names: Vec<&str> = Channel::ALL.iter().map(|channel| channel.name()).collect();
    let channel = section.named("channel", &names);
    let args = section.text("args").map(|at| at.value).unwrap_or_default();
    if let (Some(version), Some(channel)) = (&version, &channel) {
        let fault = Fault::new(channel.at.clone(), "a profile pins a version or follows a channel");
        section.fault(fault.other(version.at.clone(), "the version is pinned here"));
    }
    let template = section.text("template").map(|at| at.value);
    let settings = section.section("settings").map(|of| settings::read(&of)).unwrap_or_default();
    section.finish();
    Some(DeclaredProfile {
        name: name?,
        image: image?,
        version: version.and_then(|at| u32::try_from(at.value).ok()),
        channel: channel.map(|at| at.value).unwrap_or_default(),
        args,
        template,
        settings,
        at,
    })
}

/// A key that has to be there.
pub fn needed(section: &mut Section<'_>, key: &'static str, like: &str) -> Option<String> {
    if section.place(key).is_none() {
        let fault = Fault::new(section.at.clone(), format!("{} without `{key}`", section.titled()));
        section.fault(fault.hint(format!("write it like {like}")));
    }
    section.text(key).map(|at| at.value)
}
