//! Lists that come in pages: each answer says in its Link header where the next one is (RFC 8288).

use super::{Client, Error, whole};
use hyper::{HeaderMap, Method, header};
use serde::de::DeserializeOwned;

/// No list of ours has more pages.
const PAGES_MAX: usize = 10_000;

impl Client {
    /// All of a list, page by page.
    pub async fn pages<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let mut next = Some(path.to_owned());
        for _ in 0..PAGES_MAX {
            let Some(path) = next.take() else { return Ok(all) };
            let response = self.open(Method::GET, &path, None::<&()>).await?;
            next = next_of(response.headers());
            all.extend(whole::<Vec<T>>(response).await?);
        }
        Err(Error::Broken("a list without end".to_owned()))
    }
}

/// `</api/v1/machines?after=...>; rel="next"`
fn next_of(headers: &HeaderMap) -> Option<String> {
    let link = headers.get(header::LINK)?.to_str().ok()?;
    let (target, rel) = link.strip_prefix('<')?.split_once('>')?;
    let path = target.strip_prefix("/api/v1").filter(|_| rel.contains("rel=\"next\""));
    path.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_where_the_header_says() {
        let of = |value: &'static str| {
            let value = header::HeaderValue::from_static(value);
            next_of(&[(header::LINK, value)].into_iter().collect())
        };
        let next = of("</api/v1/machines?limit=2&after=02%3A00>; rel=\"next\"");
        assert_eq!(next.as_deref(), Some("/machines?limit=2&after=02%3A00"));
        assert_eq!(of("<https://elsewhere/x>; rel=\"next\""), None);
        assert_eq!(of("</api/v1/machines>; rel=\"first\""), None);
    }
}
