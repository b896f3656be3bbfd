//! The files of the web UI, as they were built into the program.
//!
//! In: a path, and what the asker takes. Out: the file in the form that he takes, with how long it may be
//! kept. Never: a file system; the list is what `app` was built with, and is empty where it was built
//! without the UI.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its path: `index.html`, `assets/index-4f2a.js`.
    pub path: &'static str,
    /// Its bytes.
    pub plain: &'static [u8],
    /// The same by gzip (RFC 1952), where that is smaller.
    pub gzip: Option<&'static [u8]>,
    /// The same by Brotli (RFC 7932), where that is smaller.
    pub brotli: Option<&'static [u8]>,
}

/// The page that every view is drawn on.
pub(crate) const INDEX: &str = "index.html";
/// What is below this has a hash of its content in its name, so it may be kept for ever.
pub(crate) const HASHED: &str = "assets/";

/// The file of a path.
pub(crate) fn find(pages: &[Page], path: &str) -> Option<Page> {
    pages.iter().find(|page| page.path == path).copied()
}

/// Whether somebody asks for a page to look at, as browsers do when an address is opened.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    says(headers, header::ACCEPT).any(|(name, taken)| taken && name == "text/html")
}

/// The names of a list like `text/html, */*;q=0.8`, and whether each is taken at all (RFC 9110, 12.4.2).
fn says(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = (&str, bool)> {
    let all = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(',')).map(|one| {
        let mut parts = one.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let zero = |part: &str| {
            part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q == 0.0)
        };
        (name, !parts.any(zero))
    })
}

impl Page {
    /// The answer with this file.
    pub(crate) fn answer(self, asked: &HeaderMap) -> Response {
        let takes = |coding: &str| {
            says(asked, header::ACCEPT_ENCODING).any(|(name, taken)| taken && name == coding)
        };
        let (coding, bytes) = match (self.brotli, self.gzip) {
            (Some(bytes), _) if takes("br") => (Some("br"), bytes),
            (_, Some(bytes)) if takes("gzip") => (Some("gzip"), bytes),
            _ => (None, self.plain),
        };
        // What names the others is asked for each time, so that a new program is seen at once.
        let kept = match self.path.starts_with(HASHED) {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        };
        let mut response = bytes.into_response();
        let fields = response.headers_mut();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media()));
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        fields.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
        if let Some(coding) = coding {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }

    fn media(self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, ends)| ends) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("json") => "application/json",
            _ => "application/octet-stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Page =
        Page { path: "assets/a.js", plain: b"plain", gzip: Some(b"gz"), brotli: Some(b"br") };

    fn asked(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    fn coding(accepts: &'static str) -> Option<String> {
        let response = PAGE.answer(&asked(header::ACCEPT_ENCODING, accepts));
        let coding = response.headers().get(header::CONTENT_ENCODING);
        coding.map(|coding| coding.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_file_goes_out_in_the_smallest_form_that_is_taken() {
        assert_eq!(coding("gzip, deflate, br").as_deref(), Some("br"));
        assert_eq!(coding("gzip;q=0.5, br;q=0").as_deref(), Some("gzip"));
        assert_eq!(coding("identity"), None);
        assert_eq!(coding(""), None);
    }

    #[test]
    fn only_what_is_named_by_its_content_is_kept() {
        let kept = |page: Page| {
            let response = page.answer(&HeaderMap::new());
            response.headers()[header::CACHE_CONTROL].to_str().unwrap().to_owned()
        };
        assert!(kept(PAGE).contains("immutable"));
        assert_eq!(kept(Page { path: INDEX, ..PAGE }), "no-cache");
    }

    #[test]
    fn a_browser_that_opens_an_address_wants_a_page() {
        let wants = |accepts| wants_page(&asked(header::ACCEPT, accepts));
        assert!(wants("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(!wants("*/*"));
        assert!(!wants("application/json"));
        assert!(!wants("text/html;q=0, application/json"));
    }
}
