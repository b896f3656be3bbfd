//! `[[template]]`: its text, or the file that it stands in.

use super::place::Source;
use super::profile::needed;
use crate::config::fault::Fault;
use crate::config::reader::{At, Section};
use engine::command::DeclaredTemplate;
use std::io::Read;
use std::path::Path;

/// A larger file is no template.
const TEXT_MAX: u64 = 1 << 20;

/// One template; none where a fault was noted. A file is looked for from the folder of the document.
pub fn read(
    mut section: Section<'_>,
    source: &Source<'_>,
    folder: &Path,
) -> Option<DeclaredTemplate> {
    let at = source.place(&section.at);
    let name = needed(&mut section, "name", "name = \"debian.preseed\"");
    let format = section.text("format").map(|at| at.value);
    let (written, file) = (section.text("text"), section.text("file"));
    let text = match (written, file) {
        (Some(text), None) => Some(text.value),
        (None, Some(file)) => from_file(&section, folder, &file),
        (Some(_), Some(file)) => {
            let what = "a template has its `text` here or in a `file`, not both";
            section.fault(Fault::new(file.at, what));
            None
        }
        (None, None) => {
            let fault = Fault::new(section.at.clone(), "a [[template]] without `text` or `file`");
            section.fault(fault.hint("write file = \"debian.preseed\", beside this document"));
            None
        }
    };
    section.finish();
    Some(DeclaredTemplate { name: name?, format, text: text?, at })
}

fn from_file(section: &Section<'_>, folder: &Path, file: &At<String>) -> Option<String> {
    let path = folder.join(&file.value);
    let read = || {
        let mut text = String::new();
        let opened = std::fs::File::open(&path)?;
        opened.take(TEXT_MAX + 1).read_to_string(&mut text)?;
        Ok::<String, std::io::Error>(text)
    };
    let wrong = match read() {
        Ok(text) if text.len() as u64 <= TEXT_MAX => return Some(text),
        Ok(_) => format!("{} has more than {TEXT_MAX} bytes", path.display()),
        Err(e) => format!("cannot read {}: {e}", path.display()),
    };
    let fault = Fault::new(file.at.clone(), wrong);
    section.fault(fault.hint("a file is looked for from the folder of its document"));
    None
}
