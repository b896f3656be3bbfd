//! API tokens. Everybody has his own; an admin sees and revokes all.

use super::{Asked, Dry, State, ask, command};
use crate::asker::{Asker, Shown};
use crate::gate::door::chance;
use crate::types::{Done, TokenAdd, TokenMade, TokenView};
use crate::{House, Problem, body};
use access::{Rights, token};
use axum::Json;
use axum::extract::Path;
use engine::{Command, Engine, Now};
use model::ApiToken;
use model::access::{Role, Scope};
use std::time::Duration;

/// Whether somebody may see a token, and revoke it.
fn is_his(asker: &Asker, token: &ApiToken) -> bool {
    asker.rights.cover(&Rights::all()) || token.owner == asker.owner
}

pub async fn list(State(house): State<House>) -> Result<Json<Vec<TokenView>>, Problem> {
    let asker = house.asker.clone();
    let all = ask(&house, move |engine: &Engine, now: Now| {
        let his = engine.tokens().filter(|token| is_his(&asker, token));
        his.map(|token| TokenView::new(token, now)).collect()
    });
    all.await.map(Json)
}

pub async fn add(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<TokenAdd>,
) -> Result<Json<TokenMade>, Problem> {
    let Asker { rights, owner, shown, .. } = house.asker.clone();
    let since = house.site.now();
    let days = Duration::from_secs(token::DAYS * 86_400);
    let wait = wish.expires_s.map_or(days, Duration::from_secs);
    let mut expires = since + wait;
    if let Shown::Token(_, ends) = shown {
        if wish.expires_s.is_some() && expires > ends {
            return Err(Problem::forbidden("a token makes none that lasts longer than itself")
                .hint(format!("it ends at {ends}; log in with a password to make others")));
        }
        expires = expires.min(ends);
    }
    let scope = if wish.scope.is_empty() { rights.scope.clone() } else { Scope::of(wish.scope) };
    let wanted = Rights { role: wish.role.unwrap_or(rights.role.min(Role::Operator)), scope };
    if !rights.cover(&wanted) {
        return Err(Problem::forbidden("nobody makes a token that may more than he does")
            .hint(format!("you are {}, for {}", rights.role, rights.scope)));
    }
    let made = token::make(&chance()?);
    let token = ApiToken {
        id: made.id.clone(),
        name: wish.name,
        owner,
        role: wanted.role,
        scope: wanted.scope,
        since,
        expires,
        secret_sha256: made.sha256,
    };
    let done = command(&house, Command::AddToken(token.clone()), dry.dry_run).await?;
    let text = done.done.then_some(made.text);
    Ok(Json(TokenMade {
        says: done.says,
        done: done.done,
        token: text,
        of: TokenView::new(&token, since),
    }))
}

pub async fn revoke(
    State(house): State<House>,
    Path(id): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let (asker, wanted) = (house.asker.clone(), id.clone());
    let his = ask(&house, move |engine, _| {
        engine.token(&wanted).is_some_and(|token| is_his(&asker, token))
    });
    if !his.await? {
        let shown = model::text::show(id.as_bytes());
        return Err(Problem::missing(format!("there is no token {shown}"))
            .hint("bootwright token list shows all"));
    }
    command(&house, Command::RevokeToken(id), dry.dry_run).await.map(Json)
}
