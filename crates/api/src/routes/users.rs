//! Users.

use super::{Asked, Dry, State, ask, command};
use crate::gate::login;
use crate::types::{Done, UserAdd, UserSet, UserView};
use crate::{House, Problem, body};
use axum::Json;
use axum::extract::Path;
use engine::Command;
use engine::command::UserWish;
use model::access::{Scope, User};

pub async fn list(State(house): State<House>) -> Result<Json<Vec<UserView>>, Problem> {
    ask(&house, |engine, _| engine.users().map(UserView::from).collect()).await.map(Json)
}

pub async fn show_one(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<UserView>, Problem> {
    let found = ask(&house, move |engine, _| {
        engine.user(&name).map(UserView::from).ok_or_else(|| {
            let shown = model::text::show(name.as_bytes());
            Problem::missing(format!("there is no user `{shown}`"))
                .hint("bootwright user list shows all")
        })
    });
    found.await?.map(Json)
}

pub async fn add(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<UserAdd>,
) -> Result<Json<Done>, Problem> {
    let UserAdd { name, role, scope, password } = wish;
    let password = login::hashed(&house, password.0).await?;
    let (since, scope) = (house.site.now(), Scope::of(scope));
    let user = User { name, role, scope, password, disabled: false, since, changed: since };
    command(&house, Command::AddUser(user), dry.dry_run).await.map(Json)
}

pub async fn set(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<UserSet>,
) -> Result<Json<Done>, Problem> {
    let UserSet { role, scope, password, disabled } = wish;
    let password = match password {
        Some(password) => Some(login::hashed(&house, password.0).await?),
        None => None,
    };
    let wish = UserWish { name, role, scope: scope.map(Scope::of), password, disabled };
    command(&house, Command::SetUser(wish), dry.dry_run).await.map(Json)
}

pub async fn remove(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    command(&house, Command::RemoveUser(name), dry.dry_run).await.map(Json)
}

pub async fn revoke(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    command(&house, Command::RevokeTokensOf(name), dry.dry_run).await.map(Json)
}
