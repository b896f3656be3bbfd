//! `[[template]]`: read, so that a wrong word in it is found, and refused, because this version
//! keeps no templates.

use crate::config::fault::Fault;
use crate::config::reader::Section;

/// One template.
pub fn read(mut section: Section<'_>) {
    for key in ["name", "format", "text", "file"] {
        drop(section.text(key));
    }
    let fault = Fault::new(section.at.clone(), "templates are not known to this version");
    section.fault(fault.hint("take it out; a newer bootwright reads it"));
    section.finish();
}
