//! `token`: what programs show instead of a password.

use super::user::scope_shown;
use super::{change, destroy, way};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{TokenAdd, TokenMade, TokenView};
use clap::{Args, Subcommand};
use hyper::Method;
use model::access::{Label, Role};
use model::time::parse_duration;
use model::url::part;

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token of your own, and print it: once.
    Add(Add),
    /// List your own; as an admin, all.
    List(Json),
    /// Revoke tokens, at once.
    Revoke {
        /// Their ids.
        #[arg(required_unless_present = "all_of", conflicts_with = "all_of")]
        ids: Vec<String>,
        /// All tokens of this user, and his sessions.
        #[arg(long, value_name = "USER")]
        all_of: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// A new token.
#[derive(Debug, Args)]
#[command(after_help = "The token is on stdout, everything else on stderr:
  BOOTWRIGHT_TOKEN=$(bootwright token add ci --role operator --expires 30d)")]
pub struct Add {
    /// What it is for.
    name: String,
    /// The most it may: viewer, operator or admin; operator unless you are less.
    #[arg(long)]
    role: Option<Role>,
    /// Only machines with this label; said several times, with one of them.
    #[arg(long, value_name = "K=V")]
    scope: Vec<Label>,
    /// How long it is good, up to 366d.
    #[arg(long, value_name = "TIME", default_value = "90d")]
    expires: String,
    #[command(flatten)]
    dry: Dry,
}

impl Token {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(client).await,
            Self::List(json) => {
                let all: Vec<TokenView> = client.get("/tokens").await?;
                let head = ["ID", "NAME", "OF", "ROLE", "MACHINES", "UNTIL"];
                say::listing(json.json, &all, head, |token| {
                    [
                        token.id.clone(),
                        token.name.clone(),
                        token.owner.to_string(),
                        token.role.to_string(),
                        scope_shown(&token.scope),
                        match token.over {
                            true => format!("{} (over)", token.expires),
                            false => token.expires.clone(),
                        },
                    ]
                })
            }
            Self::Revoke { all_of: Some(user), sure, .. } => {
                let path = format!("/users/{}/revoke", part(&user));
                if !sure.dry_run && !sure.yes {
                    change(client, Method::POST, &path, Dry { dry_run: true }, None::<&()>).await?;
                    say::confirm(false)?;
                }
                let dry = Dry { dry_run: sure.dry_run };
                change(client, Method::POST, &path, dry, None::<&()>).await
            }
            Self::Revoke { ids, sure, .. } => {
                let paths: Vec<String> =
                    ids.iter().map(|id| format!("/tokens/{}", part(id))).collect();
                destroy(client, &paths, sure).await
            }
        }
    }
}

impl Add {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let Self { name, role, scope, expires, dry } = self;
        let lasts = parse_duration(&expires).map_err(Failure::usage)?;
        let lasts = lasts.ok_or_else(|| {
            Failure::usage("a token has an end").hint("write --expires 90d; 366d is the most")
        })?;
        let wish = TokenAdd { name, role, scope, expires_s: Some(lasts.as_secs()) };
        let path = way("/tokens", dry.dry_run);
        let made: TokenMade = client.send(Method::POST, &path, Some(&wish)).await?;
        match made.token {
            Some(token) => {
                say::note(format!("{}\nit is shown this once:", made.says));
                say::line(token);
            }
            None => say::line(format!("would be done: {}", made.says)),
        }
        Ok(())
    }
}
