//! The form of the first admin: a view of the web UI, or a page without a script where there is none.

use super::State;
use super::pages::{self, plain};
use crate::contract::shape::{Page, Said};
use crate::gate::{door, login};
use crate::pages::wants_page;
use crate::server::Visitor;
use crate::{House, Problem};
use axum::Extension;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Html;
use engine::Command;
use model::By;
use model::access::{Role, Scope, User, Via};
use schemars::JsonSchema;
use serde::Deserialize;

/// Unknown, over and used are the same.
fn over() -> Problem {
    Problem::missing("this link is over, was used, or never was").hint(
        "while there is no operator each start of the server prints a new one; on its host: \
         bootwright user add NAME --role admin",
    )
}

/// In the web UI where there is one; it asks here again, as a program, whether the link is good.
pub async fn form(
    State(house): State<House>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Said<Page>, Problem> {
    let good = house.door.is_first(house.site.now(), &token);
    let status = if good { StatusCode::OK } else { StatusCode::NOT_FOUND };
    match pages::index(&house, &headers).filter(|_| wants_page(&headers)) {
        Some(page) => Ok(Said::new((status, page))),
        None if good => Ok(Said::new(asking(""))),
        None => Err(over()),
    }
}

fn asking(wrong: &str) -> Html<String> {
    // The form goes to where it came from: the link stands in the address alone.
    plain(&format!(
        "{}<p>Who is the first operator? He may everything, and adds the others.</p>\n\
         <form method=\"post\">\n\
         <p><label>Name <input name=\"name\" required maxlength=\"63\" autofocus \
         autocomplete=\"username\"></label></p>\n\
         <p><label>Password <input type=\"password\" name=\"password\" required minlength=\"{}\" \
         autocomplete=\"new-password\"></label></p>\n\
         <p><label>The same again <input type=\"password\" name=\"again\" required \
         autocomplete=\"new-password\"></label></p>\n\
         <p><button>Make this the first operator</button></p></form>",
        match wrong.is_empty() {
            true => String::new(),
            false => format!("<p><strong>{}</strong></p>\n", escaped(wrong)),
        },
        access::password::LENGTH_MIN,
    ))
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filled {
    name: String,
    password: String,
    again: String,
}

pub async fn make(
    State(house): State<House>,
    Extension(visitor): Extension<Visitor>,
    Path(token): Path<String>,
    headers: HeaderMap,
    crate::body::Form(filled): crate::body::Form<Filled>,
) -> Result<Said<Page>, Problem> {
    let now = house.site.now();
    if !house.door.is_first(now, &token) {
        return Err(over());
    }
    // People get the form again, programs (the web UI is one) the problem.
    let again = |problem: Problem| match wants_page(&headers) {
        true => {
            let page = asking(&problem.sentence());
            Ok(Said::new((StatusCode::BAD_REQUEST, page)))
        }
        false => Err(problem),
    };
    if filled.password != filled.again {
        return again(Problem::malformed("The two passwords are not the same."));
    }
    let password = match login::hashed(&house, filled.password).await {
        Ok(password) => password,
        Err(problem) => return again(problem),
    };
    let by = By { name: filled.name.clone(), via: Via::FirstLink };
    let (role, scope) = (Role::Admin, Scope::ALL);
    let user = User {
        name: filled.name,
        role,
        scope,
        password,
        disabled: false,
        since: now,
        changed: now,
    };
    // Two that come at once are told apart by the owner, who takes one of them.
    match house.site.command(by, Command::AddFirstUser(user.clone()), false).await {
        Ok(_) => house.door.first_is_over(),
        Err(error) => return again(error.into()),
    }
    let (_, begun) = login::begin(&house, user, &visitor.source(), Via::FirstLink).await?;
    let tls = matches!(visitor, Visitor::Net { tls: true, .. });
    let fields = [
        (header::SET_COOKIE, door::set_cookie(tls, Some(&begun.cookie))),
        (header::LOCATION, "/".to_owned()),
    ];
    Ok(Said::new((StatusCode::SEE_OTHER, fields)))
}
