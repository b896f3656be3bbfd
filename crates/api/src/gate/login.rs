//! A login: a name and a password become a session.

use crate::server::Visitor;
use crate::{House, Problem};
use access::password;
use access::session::Begun;
use engine::Command;
use engine::command::UserWish;
use model::access::{Outcome, PasswordPhc, Via};
use model::{By, User};
use site::Act;

/// Names longer than this are nobody's.
const NAME_MAX: usize = 63;

/// Compares, waits its turn, and records how it went. Whoever is not known is told the same after the
/// same time as whoever has a wrong password.
pub(crate) async fn login(
    house: &House,
    visitor: &Visitor,
    name: &str,
    password: &str,
) -> Result<(User, Begun), Problem> {
    let from = visitor.source();
    let now = house.site.now();
    // What is no name may be a password in the wrong field, so it is not remembered either.
    let account = if name.len() <= NAME_MAX { name } else { "" };
    house.door.attempt(now, &[&format!("user {account}"), &format!("from {from}")])?;
    let asked = name.to_owned();
    let user = house.site.ask(move |engine, _| engine.user(&asked).cloned()).await?;
    let hash = user.as_ref().map_or_else(password::nobody, |user| user.password.clone());
    let shown = password.to_owned();
    let fits = house.door.comparing(move || password::fits(&shown, &hash)).await?;
    match user.filter(|_| fits) {
        Some(user) if user.disabled => {
            failed(house, name, &from).await;
            Err(Problem::forbidden(format!("{} is disabled", user.name))
                .hint("an admin can change that: bootwright user set NAME --enable"))
        }
        Some(user) => begin(house, user, &from, Via::Session).await,
        None => {
            failed(house, name, &from).await;
            Err(Problem::unauthorized("no such name and password"))
        }
    }
}

/// Changes the password of somebody who shows the old one. All his sessions end, and a new one begins.
pub(crate) async fn change(
    house: &House,
    visitor: &Visitor,
    name: &str,
    (old, new): (String, String),
) -> Result<(User, Begun), Problem> {
    let now = house.site.now();
    // Whoever found a browser that was left open guesses no faster than anybody else.
    house.door.attempt(now, &[&format!("user {name}"), &format!("from {}", visitor.source())])?;
    let user = user_of(house, name).await?;
    let hash = user.password.clone();
    if !house.door.comparing(move || password::fits(&old, &hash)).await? {
        failed(house, name, &visitor.source()).await;
        return Err(Problem::forbidden("the old password is another"));
    }
    let wish = UserWish {
        name: name.to_owned(),
        password: Some(hashed(house, new).await?),
        ..UserWish::default()
    };
    house.site.command(house.asker.by.clone(), Command::SetUser(wish), false).await?;
    let user = user_of(house, name).await?;
    // What began before the change is over; this begins with it.
    let began = house.site.now().max(user.changed);
    let begun = house.door.begin(began, &user)?;
    Ok((user, begun))
}

async fn user_of(house: &House, name: &str) -> Result<User, Problem> {
    let asked = name.to_owned();
    let user = house.site.ask(move |engine, _| engine.user(&asked).cloned()).await?;
    user.ok_or_else(|| Problem::missing("this user was removed meanwhile"))
}

/// Begins a session, and records it first.
pub(crate) async fn begin(
    house: &House,
    user: User,
    from: &str,
    via: Via,
) -> Result<(User, Begun), Problem> {
    let by = By { name: user.name.clone(), via };
    let says = format!("{} logged in from {from}", user.name);
    let target = Some(format!("user {}", user.name));
    let what = "login".to_owned();
    house.site.note(Act { by, what, target, outcome: Outcome::Done, says }).await?;
    let begun = house.door.begin(house.site.now(), &user)?;
    Ok((user, begun))
}

async fn failed(house: &House, name: &str, from: &str) {
    let Some(passed) = house.door.may_record(house.site.now()) else { return };
    let asked = name.to_owned();
    let known = house.site.ask(move |engine, _| engine.user(&asked).is_some()).await;
    let known = known.unwrap_or(false);
    let who = if known { name } else { "an unknown name" };
    let act = Act {
        by: By { name: who.to_owned(), via: Via::Session },
        what: "login".to_owned(),
        target: known.then(|| format!("user {name}")),
        outcome: Outcome::Denied,
        says: format!("a login as {who} from {from} failed ({passed} more were not recorded)"),
    };
    // The refusal stands, recorded or not.
    let _ = house.site.note(act).await;
}

/// The hash of a password that somebody wants to have.
pub(crate) async fn hashed(house: &House, password: String) -> Result<PasswordPhc, Problem> {
    password::check(&password).map_err(Problem::malformed)?;
    let salt = crate::gate::door::chance()?;
    let made = house.door.comparing(move || password::hash(&password, &salt)).await?;
    made.ok_or_else(|| Problem::failed("a bug in the server: the password could not be hashed"))
}
