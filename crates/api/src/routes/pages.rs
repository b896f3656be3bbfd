//! The web UI: one page for all views, and the files it needs. It learns everything else from the API,
//! like everybody.

use super::{State, nowhere};
use crate::contract::shape::{Page, Said};
use crate::pages::{self, HASHED, INDEX};
use crate::{House, Problem};
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};

pub async fn root(State(house): State<House>, headers: HeaderMap) -> Said<Page> {
    Said::new(index(&house, &headers).unwrap_or_else(|| not_built().into_response()))
}

/// Which views there are, the page itself knows. Programs ask for none, and hear that there is nothing.
pub async fn view(
    State(house): State<House>,
    Path(view): Path<String>,
    headers: HeaderMap,
) -> Result<Said<Page>, Problem> {
    // What stands beside the page: its picture.
    if let Some(beside) = pages::find(house.pages, &view) {
        return Ok(Said::new(beside.answer(&headers)));
    }
    open(&house, &headers).await
}

pub async fn view_of(
    State(house): State<House>,
    Path(_): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Said<Page>, Problem> {
    open(&house, &headers).await
}

async fn open(house: &House, headers: &HeaderMap) -> Result<Said<Page>, Problem> {
    let page = index(house, headers).filter(|_| pages::wants_page(headers));
    match page {
        Some(page) => Ok(Said::new(page)),
        None => Err(nowhere().await),
    }
}

pub async fn asset(
    State(house): State<House>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Said<Page>, Problem> {
    match pages::find(house.pages, &format!("{HASHED}{name}")) {
        Some(file) => Ok(Said::new(file.answer(&headers))),
        // A page that was opened before the program was replaced asks for what the old one had.
        None => Err(nowhere().await.hint("the server was replaced; load the page again")),
    }
}

/// The page of the UI, where it was built in.
pub(super) fn index(house: &House, headers: &HeaderMap) -> Option<Response> {
    pages::find(house.pages, INDEX).map(|page| page.answer(headers))
}

/// A page without the UI.
pub(super) fn plain(body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>Bootwright</title></head>\n<body><h1>Bootwright</h1>\n{body}\n</body></html>\n"
    ))
}

fn not_built() -> (StatusCode, Html<String>) {
    let says = "<p>This program was built without its web UI. To have it, build that first \
                (it takes Node) and then the program again:</p>\n\
                <pre>./x ui\ncargo build</pre>\n\
                <p>The API is below <code>/api/v1</code>; the <code>bootwright</code> command speaks \
                it: <code>bootwright --server URL status</code>.</p>";
    (StatusCode::OK, plain(says))
}
