//! Stands before every route: who asks, and may he?
//!
//! In: a request, the policy of its route. Out: the request with its [`Asker`], or a refusal in words.
//! Never: a request that went past its policy.

pub mod door;
pub mod first;
pub mod host;
pub mod login;
mod once;
pub(crate) mod repeats;

use crate::asker::{Asker, Shown};
use crate::routes::{Rooms, machines};
use crate::server::Visitor;
use crate::{House, Problem, tags};
use access::policy::{Named, On};
use access::{Denied, Policy, Rights, may};
use axum::extract::{FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::access::{Outcome, Owner, Via};
use model::{By, Labels};
use site::Act;

/// What a route says of itself to the gate.
#[derive(Clone)]
pub struct Gate {
    /// Everything else.
    pub rooms: Rooms,
    /// Who may.
    pub policy: Policy,
    /// `PUT /api/v1/machines/{machine}/state`, for the audit log.
    pub route: String,
    /// Whether its answer can be kept for whoever asks the same again.
    pub repeatable: bool,
    /// Where, as the table says.
    pub path: &'static str,
}

/// The header that shows the token of a session beside its cookie.
pub const CSRF: &str = "x-csrf-token";

/// Lets a request through to its route, or says why not.
pub async fn guard(gate: Gate, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match admit(&gate, &mut parts).await {
        Ok(asker) => {
            parts.extensions.extend(asker);
            tagged(&gate, parts, body, next).await.unwrap_or_else(IntoResponse::into_response)
        }
        Err(problem) => {
            let unknown = problem.status == 401;
            let mut response = problem.into_response();
            if unknown {
                let scheme = HeaderValue::from_static("Bearer realm=\"bootwright\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            response
        }
    }
}

/// Has a request that was let in answered: with the tag of what it reads, or on what it expects.
async fn tagged(
    gate: &Gate,
    mut parts: Parts,
    body: axum::body::Body,
    next: Next,
) -> Result<Response, Problem> {
    let tag = tags::of_answer(&gate.rooms.0, gate.path, &mut parts).await?;
    let expects = tags::expected(gate.path, &mut parts).await?;
    parts.extensions.insert(expects);
    let key = once::key(&parts.headers)?;
    let asker = parts.extensions.get::<Asker>().cloned();
    // Other methods of the same address come here too, to hear that it does not take them.
    let posts = parts.method == Method::POST;
    let request = Request::from_parts(parts, body);
    let mut response = match (key, asker) {
        (Some(key), Some(asker)) if gate.repeatable && posts => {
            once::once(&gate.rooms.0, &asker, key, request, next).await?
        }
        // It is safe to repeat without a key, or what it answers cannot be kept.
        _ => next.run(request).await,
    };
    if let Some(tag) = tag.filter(|_| response.status() == StatusCode::OK) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

async fn admit(gate: &Gate, parts: &mut Parts) -> Result<axum::http::Extensions, Problem> {
    let house = &gate.rooms.0;
    let visitor = parts.extensions.get::<Visitor>().cloned().unwrap_or(Visitor::Nobody);
    let mut given = axum::http::Extensions::new();
    if gate.policy == Policy::Public {
        return Ok(given);
    }
    let asker = who(house, &visitor, parts).await?;
    let named = named(gate.policy, parts).await?;
    let labels = match &named {
        None => None,
        Some(named) => Some(labels(house, named.clone()).await?),
    };
    let machine = match &labels {
        None => Named::None,
        Some(None) => Named::Stranger,
        Some(Some(labels)) => Named::Machine(labels),
    };
    let rights: Option<&Rights> = asker.as_ref().map(|asker| &asker.rights);
    if let Err(denied) = may(rights, gate.policy, machine) {
        let name = asker.as_ref().map_or("nobody", |asker| asker.by.name.as_str());
        let problem = refusal(name, &denied, named.as_deref());
        if let Some(asker) = asker.filter(|_| is_unsafe(&parts.method)) {
            record(house, asker, &gate.route, named, &problem).await;
        }
        return Err(problem);
    }
    let asker = asker.ok_or_else(|| refusal("nobody", &Denied::Unknown, None))?;
    given.insert(asker);
    Ok(given)
}

fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// Who sent this; nobody if nothing was shown, an error if what was shown is worth nothing.
async fn who(house: &House, visitor: &Visitor, parts: &Parts) -> Result<Option<Asker>, Problem> {
    if let Visitor::Host(operator) = visitor {
        return Ok(Some(Asker::on_socket(operator)));
    }
    if let Some(shown) = parts.headers.get(header::AUTHORIZATION) {
        return bearer(house, shown).await.map(Some);
    }
    let Some(cookie) = door::cookie(&parts.headers) else { return Ok(None) };
    let Some(session) = house.door.session(house.site.now(), &cookie) else { return Ok(None) };
    if is_unsafe(&parts.method) {
        let shown = parts.headers.get(CSRF).and_then(|shown| shown.to_str().ok());
        if !shown.is_some_and(|shown| session.is_csrf(shown)) {
            let why = format!("the header {CSRF} is not the one of this session");
            return Err(Problem::forbidden(why)
                .hint("GET /api/v1/session gives it; another page cannot read it"));
        }
    }
    let (name, since) = (session.user.clone(), session.since);
    let user = house.site.ask(move |engine, _| engine.user(&name).cloned()).await?;
    // Whoever had the cookie before the password was changed has to log in again.
    Ok(user.filter(|user| user.changed <= since && !user.disabled).map(|user| Asker {
        by: By { name: user.name.clone(), via: Via::Session },
        rights: Rights::of_user(&user),
        owner: Owner::User(user.name),
        shown: Shown::Session(since),
    }))
}

async fn bearer(house: &House, shown: &HeaderValue) -> Result<Asker, Problem> {
    let refused = || {
        Problem::unauthorized("this token is unknown, revoked or over")
            .hint("make another: bootwright token add NAME")
    };
    let text = shown.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
    let text = text.ok_or_else(refused)?.to_owned();
    let found = house.site.ask(move |engine, now| engine.bearer(now, &text)).await?;
    let found = found.ok_or_else(refused)?;
    let name = format!("{} (token {}, {})", found.owner, found.name, found.id);
    Ok(Asker {
        by: By { name, via: Via::Token },
        rights: found.rights,
        owner: found.owner,
        shown: Shown::Token(found.id, found.expires),
    })
}

/// Which machine a request names: in its path or its query.
async fn named(policy: Policy, parts: &mut Parts) -> Result<Option<String>, Problem> {
    if !matches!(policy, Policy::Needs(_, On::Machine)) {
        return Ok(None);
    }
    if let Ok(path) = RawPathParams::from_request_parts(parts, &()).await
        && let Some((_, named)) = path.iter().find(|(key, _)| *key == "machine")
    {
        return Ok(Some(named.to_owned()));
    }
    let query = Query::<Vec<(String, String)>>::from_request_parts(parts, &()).await;
    let Query(query) = query.map_err(|e| Problem::malformed(e.body_text()))?;
    let mut named = query.into_iter().filter(|(key, _)| key == "machine").map(|(_, value)| value);
    match (named.next(), named.next()) {
        (named, None) => Ok(named),
        _ => Err(Problem::malformed("`machine` stands twice in the query")),
    }
}

async fn labels(house: &House, named: String) -> Result<Option<Labels>, Problem> {
    let found = house.site.ask(move |engine, _| engine.machine(&named).map(|m| m.labels.clone()));
    Ok(found.await?)
}

fn refusal(name: &str, denied: &Denied, named: Option<&str>) -> Problem {
    match denied {
        Denied::Unknown => Problem::unauthorized("nobody knows who you are").hint(
            "log in (POST /api/v1/session), or show a token: Authorization: Bearer bwt_...; the \
             command reads it from BOOTWRIGHT_TOKEN",
        ),
        Denied::Role { has, needs } => {
            Problem::forbidden(format!("this takes the role {needs}, and {name} is {has}"))
                .hint("an admin can change that: bootwright user set NAME --role ROLE")
        }
        Denied::Limited(scope) => Problem::forbidden(format!(
            "this is not about single machines, and {name} is limited to those with {scope}"
        )),
        // As if there were none.
        Denied::NotThere => machines::unknown(named.unwrap_or_default()),
    }
}

/// Whoever tries what he may not is remembered for it; but he cannot fill the log.
async fn record(
    house: &House,
    asker: Asker,
    route: &str,
    target: Option<String>,
    problem: &Problem,
) {
    let Some(passed) = house.door.may_record(house.site.now()) else { return };
    let more =
        if passed > 0 { format!(" ({passed} more were not recorded)") } else { String::new() };
    let act = Act {
        by: asker.by,
        what: route.to_owned(),
        target: target.map(|named| model::text::show(named.as_bytes())),
        outcome: Outcome::Denied,
        says: format!("{}{more}", problem.sentence()),
    };
    // The refusal stands, recorded or not.
    let _ = house.site.note(act).await;
}

/// The headers that browsers are told to be careful by. An answer with a policy of its own for what it
/// may load keeps that.
pub fn careful(headers: &mut HeaderMap) {
    const CAREFUL: [(&str, &str); 6] = [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    for (name, value) in CAREFUL {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
