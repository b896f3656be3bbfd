//! `user`: operators with a name and a password.

use super::{change, destroy};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::{password, say};
use api::Client;
use api::types::{UserAdd, UserSet, UserView};
use clap::{Args, Subcommand};
use hyper::Method;
use model::access::{Label, Role};
use model::url::part;
use std::path::PathBuf;

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a user. The password is asked for, or read from a pipe or a file.
    Add {
        /// 1 to 63 of a-z, 0-9, dot, dash and underscore.
        name: String,
        /// viewer, operator or admin.
        #[arg(long)]
        role: Role,
        /// Only machines with this label; said several times, with one of them.
        #[arg(long, value_name = "K=V")]
        scope: Vec<Label>,
        /// Read the password from the first line of this file.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        dry: Dry,
    },
    /// List all.
    List(Json),
    /// Change a user; he has to log in again.
    Set(Set),
    /// Remove users, and revoke their tokens.
    Remove {
        /// Their names.
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// What is to be another.
#[derive(Debug, Args)]
pub struct Set {
    /// Who.
    name: String,
    /// Another role.
    #[arg(long)]
    role: Option<Role>,
    /// Only machines with this label; said several times, with one of them.
    #[arg(long, value_name = "K=V", conflicts_with = "everything")]
    scope: Vec<Label>,
    /// All machines, and what is no machine's.
    #[arg(long)]
    everything: bool,
    /// Another password: asked for, or read from a pipe.
    #[arg(long)]
    password: bool,
    /// Another password: the first line of this file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Let him in no more; his tokens are worth nothing then.
    #[arg(long)]
    disable: bool,
    /// Let him in again.
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    #[command(flatten)]
    dry: Dry,
}

impl User {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Add { name, role, scope, password_file, dry } => {
                let password = password::of_operator(password_file.as_deref())?;
                let wish = UserAdd { name, role, scope, password };
                change(client, Method::POST, "/users", dry, Some(&wish)).await
            }
            Self::List(json) => {
                let all: Vec<UserView> = client.get("/users").await?;
                let head = ["NAME", "ROLE", "MACHINES", "SINCE", "CHANGED", "LET IN"];
                say::listing(json.json, &all, head, |user| {
                    [
                        user.name.clone(),
                        user.role.to_string(),
                        scope_shown(&user.scope),
                        user.since.clone(),
                        user.changed.clone(),
                        if user.disabled { "no" } else { "yes" }.to_owned(),
                    ]
                })
            }
            Self::Set(set) => set.run(client).await,
            Self::Remove { names, sure } => {
                let paths: Vec<String> =
                    names.iter().map(|name| format!("/users/{}", part(name))).collect();
                destroy(client, &paths, sure).await
            }
        }
    }
}

impl Set {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let Self { name, role, scope, everything, password, password_file, .. } = self;
        let disabled = (self.disable || self.enable).then_some(self.disable);
        let password = match password || password_file.is_some() {
            true => Some(password::of_operator(password_file.as_deref())?),
            false => None,
        };
        let scope = (everything || !scope.is_empty()).then_some(scope);
        let nothing = role.is_none() && scope.is_none() && password.is_none() && disabled.is_none();
        if nothing {
            return Err(Failure::usage("what is to be another?").hint(
                "--role, --scope, --everything, --password, --password-file, --disable or --enable",
            ));
        }
        let wish = UserSet { role, scope, password, disabled };
        change(client, Method::PATCH, &format!("/users/{}", part(&name)), self.dry, Some(&wish))
            .await
    }
}

/// `room=3 or room=4`, `all`.
pub fn scope_shown(labels: &[Label]) -> String {
    if labels.is_empty() {
        return "all".to_owned();
    }
    let all: Vec<String> = labels.iter().map(ToString::to_string).collect();
    all.join(" or ")
}
