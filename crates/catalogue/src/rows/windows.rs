//! Windows: recognised, with what its archives say. How it is started is not in the catalogue yet.

use crate::facts::{Edition, Facts, Wim, archs};
use crate::recognise::Recognised;
use crate::row::{Need, Row};
use crate::tree::Tree;
use model::image::Confidence;

/// Archives that hold what is installed, and the one that installs it.
const INSTALL: [&str; 3] = ["sources/install.wim", "sources/install.esd", "sources/install.swm"];
const BOOT: &str = "sources/boot.wim";
/// Editions that are named one by one.
const NAMED_MAX: usize = 12;

/// Windows 10, 11, Server 2016 to 2025. Its names stand on the UDF side of the disc.
pub(crate) static WINDOWS: Row = Row {
    kind: "windows",
    name: "Windows",
    needs: &[Need::File(BOOT), Need::Any(&["bootmgr", "efi/microsoft/boot/bcd"])],
    loads: &[BOOT],
    more_mib: 512,
    confidence: Confidence::A,
    notes: &[
        "recognised, but not started yet: Windows needs its loader, a BCD store, boot.sdi and boot.wim \
         in memory, with the answers in it, which is work to come. It will need memory for boot.wim \
         and 512 MiB",
    ],
    facts,
    more: windows,
    ..Row::BLANK
};

fn editions(tree: &Tree<'_>) -> (&'static str, Vec<Edition>) {
    for path in INSTALL.into_iter().chain([BOOT]) {
        let wim = tree.file(path).and_then(|path| Wim::of(tree, path));
        if let Some(wim) = wim.filter(|wim| !wim.editions.is_empty()) {
            return (path, wim.editions);
        }
    }
    ("", Vec::new())
}

fn facts(tree: &Tree<'_>) -> Facts {
    let (from, editions) = editions(tree);
    let Some(first) = editions.first() else { return Facts::default() };
    // `Windows 11 Home`, `Windows Server 2022 Standard`: what all of them begin with.
    let common = editions.iter().fold(first.name.as_str(), |common, edition| {
        let same = common.split(' ').zip(edition.name.split(' ')).take_while(|(a, b)| a == b);
        let length: usize = same.map(|(word, _)| word.len().saturating_add(1)).sum();
        common.get(..length.saturating_sub(1).min(common.len())).unwrap_or_default()
    });
    Facts {
        name: crate::facts::value(common).filter(|name| name.starts_with("Windows")),
        version: crate::facts::value(&first.version),
        processor: first.processor,
        from: Some(from),
    }
}

fn windows(tree: &Tree<'_>, recognised: &mut Recognised) {
    let (from, editions) = editions(tree);
    if editions.is_empty() {
        recognised.notes.push("the editions in its archives could not be read".to_owned());
        return;
    }
    let processor = editions.first().and_then(|edition| edition.processor);
    recognised.archs = processor.map(archs).unwrap_or_default().to_vec();
    let mut names: Vec<String> = editions.iter().take(NAMED_MAX).map(words).collect();
    let more = editions.len().saturating_sub(names.len());
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    recognised.notes.push(format!("{from} holds {}", names.join(", ")));
}

/// `Windows 11 Pro (Professional, de-DE)`.
fn words(edition: &Edition) -> String {
    let parts = [edition.id.as_str(), edition.language.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    format!("{}{parts}", edition.name)
}
