//! Logins of people with a browser.

use super::State;
use crate::asker::{Asker, Shown};
use crate::contract::shape::{Nothing, Said};
use crate::gate::{door, login};
use crate::server::Visitor;
use crate::types::{Login, PasswordWish, SessionView};
use crate::{House, Problem, body};
use access::session::Begun;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::{Extension, Json};
use model::access::{Outcome, Owner, User, Via};
use site::Act;

/// Whether a request came over TLS.
pub struct OverTls(pub bool);

impl<S: Sync> FromRequestParts<S> for OverTls {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let visitor = parts.extensions.get::<Visitor>();
        Ok(Self(matches!(visitor, Some(Visitor::Net { tls: true, .. }))))
    }
}

pub async fn begin(
    State(house): State<House>,
    Extension(visitor): Extension<Visitor>,
    OverTls(tls): OverTls,
    headers: HeaderMap,
    body::Json(wish): body::Json<Login>,
) -> Result<Said<Json<SessionView>>, Problem> {
    // A new login never goes on under an old name.
    if let Some(old) = door::cookie(&headers) {
        house.door.end(&old);
    }
    let (user, begun) = login::login(&house, &visitor, &wish.name, &wish.password.0).await?;
    Ok(begun_for(&user, begun, tls))
}

fn begun_for(user: &User, begun: Begun, tls: bool) -> Said<Json<SessionView>> {
    let view = SessionView {
        name: user.name.clone(),
        via: Via::Session,
        role: user.role,
        scope: user.scope.labels().to_vec(),
        csrf: Some(begun.csrf),
        until: None,
    };
    let cookie = door::set_cookie(tls, Some(&begun.cookie));
    Said::new(([(header::SET_COOKIE, cookie)], Json(view)))
}

/// Changes one's own password: a person's with the session that he is in, so that no token can take
/// its owner's place.
pub async fn password(
    State(house): State<House>,
    Extension(visitor): Extension<Visitor>,
    OverTls(tls): OverTls,
    body::Json(wish): body::Json<PasswordWish>,
) -> Result<Said<Json<SessionView>>, Problem> {
    let Asker { owner, shown, .. } = house.asker.clone();
    let (Owner::User(name), Shown::Session(_)) = (owner, shown) else {
        return Err(Problem::refused("this is for who logged in with a password")
            .hint("an admin sets another: bootwright user set NAME --password"));
    };
    let passwords = (wish.old.0, wish.new.0);
    let (user, begun) = login::change(&house, &visitor, &name, passwords).await?;
    Ok(begun_for(&user, begun, tls))
}

pub async fn show(State(house): State<House>, headers: HeaderMap) -> Json<SessionView> {
    let Asker { by, rights, owner, shown } = house.asker.clone();
    let cookie = door::cookie(&headers).filter(|_| matches!(shown, Shown::Session(_)));
    let session = cookie.and_then(|cookie| house.door.session(house.site.now(), &cookie));
    let until = match shown {
        Shown::Token(_, ends) => Some(ends.to_string()),
        _ => session.as_ref().map(|session| session.until().to_string()),
    };
    let name = match &owner {
        Owner::User(name) | Owner::Host(name) => name.clone(),
    };
    Json(SessionView {
        name,
        via: by.via,
        role: rights.role,
        scope: rights.scope.labels().to_vec(),
        csrf: session.map(|session| session.csrf().to_owned()),
        until,
    })
}

pub async fn end(
    State(house): State<House>,
    OverTls(tls): OverTls,
    headers: HeaderMap,
) -> Result<Said<Nothing>, Problem> {
    let ended = door::cookie(&headers).and_then(|cookie| house.door.end(&cookie));
    if let Some(session) = ended {
        let says = format!("{} logged out", session.user);
        let by = house.asker.by.clone();
        let act = Act { by, what: "logout".to_owned(), target: None, outcome: Outcome::Done, says };
        house.site.note(act).await?;
    }
    let cookie = door::set_cookie(tls, None);
    Ok(Said::new(([(header::SET_COOKIE, cookie)], axum::http::StatusCode::NO_CONTENT)))
}
