//! `webhook`: who outside is told what happens.

use super::{destroy, tell, way};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{DeliveryView, Done, WebhookChange, WebhookDone, WebhookView, WebhookWish};
use clap::{Args, Subcommand};
use hyper::Method;
use model::Happening;
use model::url::part;
use model::webhook::DEFAULT_EVENTS;
use serde::Serialize;

/// What can be done with webhooks.
#[derive(Debug, Subcommand)]
pub enum Webhook {
    /// Have events sent to a URL from now on; prints the secret that signs them, this once.
    Add(Add),
    /// List all, with how their deliveries go.
    List(Json),
    /// Show one.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Change one; what is not said stays.
    Set(Set),
    /// Remove some; what waits for them is lost.
    Remove {
        /// Their names.
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        sure: Sure,
    },
    /// Send a `ping` now and say what came back; if it is taken, whatever waits is sent.
    Test {
        /// Its name.
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// List the last 50 tries since the start, newest first.
    Deliveries {
        /// The webhook's name.
        name: String,
        #[command(flatten)]
        json: Json,
    },
}

/// A new webhook.
#[derive(Debug, Args)]
#[command(after_help = events_help())]
pub struct Add {
    /// 1 to 63 of a-z, 0-9, dot, dash and underscore.
    name: String,
    /// Where events are sent by POST: https://... (or http://...).
    #[arg(long)]
    url: String,
    /// Send this kind of event, or * for all; may be said several times.
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
    /// The receiver may be on this host, its link or in its organisation.
    #[arg(long)]
    allow_private: bool,
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    dry: Dry,
}

/// What is new of a webhook.
#[derive(Debug, Args)]
#[command(after_help = events_help())]
pub struct Set {
    /// Its name.
    name: String,
    /// Where events are sent by POST.
    #[arg(long)]
    url: Option<String>,
    /// Send these kinds of events and no others, or * for all; may be said several times.
    #[arg(long = "event", value_name = "EVENT", conflicts_with = "default_events")]
    events: Vec<String>,
    /// Send the default events.
    #[arg(long)]
    default_events: bool,
    /// Send events again.
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Send none; what waits is lost.
    #[arg(long)]
    disable: bool,
    /// The receiver may be on this host, its link or in its organisation.
    #[arg(long, conflicts_with = "no_private")]
    allow_private: bool,
    /// The receiver may not be there.
    #[arg(long)]
    no_private: bool,
    /// Make another secret and print it, this once.
    #[arg(long)]
    new_secret: bool,
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    dry: Dry,
}

fn events_help() -> String {
    format!(
        "Events: {}.\nWithout --event: {}.\nHow a receiver checks a signature: docs/webhooks.md.",
        Happening::KINDS.join(", "),
        DEFAULT_EVENTS.join(", ")
    )
}

impl Webhook {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Add(Add { name, url, events, allow_private, json, dry }) => {
                let wish = WebhookWish { name, url, events, allow_private };
                change(client, Method::POST, "/webhooks", dry, json, &wish).await
            }
            Self::Set(set) => {
                let (path, json, dry) = (path(&set.name), set.json, set.dry);
                change(client, Method::PATCH, &path, dry, json, &set.wish()).await
            }
            Self::List(json) => list(client, json).await,
            Self::Show { name, json } => {
                let hook: WebhookView = client.get(&path(&name)).await?;
                if json.json {
                    return say::json(&hook);
                }
                show(&hook);
                Ok(())
            }
            Self::Remove { names, sure } => {
                let paths: Vec<String> = names.iter().map(|name| path(name)).collect();
                destroy(client, &paths, sure).await
            }
            Self::Test { name, json } => test(client, &name, json).await,
            Self::Deliveries { name, json } => {
                let all: Vec<DeliveryView> =
                    client.get(&format!("{}/deliveries", path(&name))).await?;
                let head = ["AT", "EVENT", "TRY", "STATUS", "TOOK", "AGAIN", "ERROR"];
                say::listing(json.json, &all, head, |d| {
                    [
                        d.at.clone(),
                        d.event.clone(),
                        d.attempt.to_string(),
                        say::or_dash(d.status.as_ref()),
                        format!("{} ms", d.took_ms),
                        say::or_dash(d.again.as_ref()),
                        say::or_dash(d.error.as_ref()),
                    ]
                })
            }
        }
    }
}

impl Set {
    fn wish(self) -> WebhookChange {
        let either = |yes: bool, no: bool| (yes || no).then_some(yes);
        WebhookChange {
            url: self.url,
            events: (self.default_events || !self.events.is_empty()).then_some(self.events),
            enabled: either(self.enable, self.disable),
            allow_private: either(self.allow_private, self.no_private),
            new_secret: self.new_secret,
        }
    }
}

fn path(name: &str) -> String {
    format!("/webhooks/{}", part(name))
}

async fn change(
    client: &Client,
    method: Method,
    path: &str,
    dry: Dry,
    json: Json,
    wish: &impl Serialize,
) -> Result<(), Failure> {
    let done: WebhookDone = client.send(method, &way(path, dry.dry_run), Some(wish)).await?;
    if json.json {
        return say::json(&done);
    }
    let WebhookDone { says, done, secret } = done;
    tell(&Done { says, done });
    if let Some(secret) = secret {
        say::line(format!("secret: {secret}"));
        say::note("this secret is shown once; give it to the receiver, to check signatures by");
    }
    Ok(())
}

async fn list(client: &Client, json: Json) -> Result<(), Failure> {
    let all: Vec<WebhookView> = client.get("/webhooks").await?;
    let head = ["NAME", "EVENTS", "WAITING", "LOST", "LAST", "URL"];
    say::listing(json.json, &all, head, |hook| {
        [
            hook.name.clone(),
            if hook.enabled { hook.events.join(",") } else { "(disabled)".to_owned() },
            hook.waiting.to_string(),
            (hook.dropped + hook.given_up).to_string(),
            hook.last.as_ref().map_or("-".to_owned(), outcome),
            hook.url.clone(),
        ]
    })
}

/// `taken`, `500`, `no answer`.
fn outcome(last: &DeliveryView) -> String {
    match last.status {
        _ if last.taken => "taken".to_owned(),
        Some(status) => status.to_string(),
        None => "no answer".to_owned(),
    }
}

fn show(hook: &WebhookView) {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let last = hook.last.as_ref().map(|last| {
        let why = last.error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{} at {}, {}{why}", last.event, last.at, outcome(last))
    });
    say::card(&[
        ("name", hook.name.clone()),
        ("url", hook.url.clone()),
        ("events", hook.events.join(", ")),
        ("enabled", yes(hook.enabled)),
        ("private addresses", yes(hook.allow_private)),
        ("secret", hook.secret.clone()),
        ("waiting", hook.waiting.to_string()),
        ("dropped", hook.dropped.to_string()),
        ("given up", hook.given_up.to_string()),
        ("last try", last.unwrap_or_default()),
    ]);
}

async fn test(client: &Client, name: &str, json: Json) -> Result<(), Failure> {
    let path = format!("{}/test", path(name));
    let tried: DeliveryView = client.send(Method::POST, &path, None::<&()>).await?;
    if json.json {
        say::json(&tried)?;
    }
    match &tried.error {
        None if json.json => Ok(()),
        None => {
            let status = say::or_dash(tried.status.as_ref());
            say::line(format!("webhook {name} took the ping: {status} after {} ms", tried.took_ms));
            Ok(())
        }
        Some(why) => Err(Failure::failed(format!("webhook {name} did not take the ping: {why}"))
            .hint("look at the receiver's log; docs/webhooks.md says what it is sent")),
    }
}
