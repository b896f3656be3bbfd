//! The web UI, as `build.rs` found it in `ui/dist`.

use api::pages::Page;

/// Its files; none where it was not built.
pub const PAGES: &[Page] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));
