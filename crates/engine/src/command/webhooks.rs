//! What operators may ask of webhooks.

use super::{Outcome, Refusal, check_name, decided, refuse};
use crate::Engine;
use model::nearest::nearest;
use model::text::show;
use model::webhook::{DEFAULT_EVENTS, Filter, SigningKey};
use model::{Change, Happening, Webhook};
use serde::{Deserialize, Serialize};

/// Most webhooks. Each has a queue and a connection of its own.
pub const WEBHOOKS_MAX: usize = 64;
/// Longest URL, in bytes.
const URL_BYTES_MAX: usize = 2048;

/// What is new of a webhook; what is not said stays.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct WebhookNews {
    /// Where events are sent.
    pub url: Option<String>,
    /// Which events; none are the default ones.
    pub events: Option<Vec<Filter>>,
    /// Whether it gets any.
    pub enabled: Option<bool>,
    /// Whether the receiver may be on this host, its link or in its organisation.
    pub allow_private: Option<bool>,
    /// Another key. It goes into no text by way of a command.
    #[serde(skip)]
    pub key: Option<SigningKey>,
}

impl Engine {
    pub(super) fn add_webhook(&self, mut webhook: Webhook) -> Outcome {
        check_name("a webhook", &webhook.name)?;
        if self.webhooks.contains_key(&webhook.name) {
            let name = &webhook.name;
            return refuse(
                format!("there is a webhook {name} already"),
                &format!("`bootwright webhook set {name}` changes it; or take another name"),
            );
        }
        if self.webhooks.len() >= WEBHOOKS_MAX {
            return refuse(
                format!("there are {WEBHOOKS_MAX} webhooks, which is the most"),
                "remove one that nobody needs: `bootwright webhook list`",
            );
        }
        let host = check_url(&webhook.url)?.to_owned();
        webhook.events = check_events(std::mem::take(&mut webhook.events))?;
        let open = unencrypted(&host);
        let says =
            format!("webhook {} sends {} to {host}{open}", webhook.name, list(&webhook.events));
        decided(vec![Change::Webhook(webhook)], says)
    }

    pub(super) fn set_webhook(&self, name: &str, news: WebhookNews) -> Outcome {
        let Some(old) = self.webhooks.get(name) else { return self.no_webhook(name) };
        let WebhookNews { url, events, enabled, allow_private, key } = news;
        let mut new = old.clone();
        let mut says = Vec::new();
        if let Some(url) = url {
            let host = check_url(&url)?;
            says.push(format!("sends to {host}{}", unencrypted(host)));
            new.url = url;
        }
        if let Some(events) = events {
            new.events = check_events(events)?;
            says.push(format!("sends {}", list(&new.events)));
        }
        if let Some(enabled) = enabled {
            new.enabled = enabled;
            says.push(if enabled { "is enabled" } else { "is disabled" }.to_owned());
        }
        if let Some(allowed) = allow_private {
            new.allow_private = allowed;
            says.push(
                if allowed { "may send" } else { "may not send" }.to_owned()
                    + " to private addresses",
            );
        }
        if let Some(key) = key {
            new.key = key;
            says.push("signs with a new secret".to_owned());
        }
        if says.is_empty() {
            return refuse(
                format!("nothing of webhook {name} was named to be changed"),
                "`bootwright webhook set --help` says what can be",
            );
        }
        let says = format!("webhook {name} {}", says.join(", "));
        decided(vec![Change::Webhook(new)], says)
    }

    pub(super) fn remove_webhook(&self, name: String) -> Outcome {
        if !self.webhooks.contains_key(&name) {
            return self.no_webhook(&name);
        }
        let says = format!("webhook {name} is removed, and what waited for it is lost");
        decided(vec![Change::WebhookGone(name)], says)
    }

    fn no_webhook(&self, name: &str) -> Outcome {
        let near = nearest(name, self.webhooks.keys().map(String::as_str));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`bootwright webhook list` shows what there is".to_owned(),
        };
        refuse(format!("there is no webhook {}", show(name.as_bytes())), &hint)
    }
}

/// `alarm, changed`; `all events`.
fn list(events: &[Filter]) -> String {
    if events.contains(&Filter::All) {
        return "all events".to_owned();
    }
    events.iter().map(ToString::to_string).collect::<Vec<String>>().join(", ")
}

/// What has to be said of `http://`.
fn unencrypted(host: &str) -> &'static str {
    let is_tls = host.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    if is_tls { "" } else { " (unencrypted: whoever is on the way can read them)" }
}

/// Each once, in the order they were named; the default ones if none was.
fn check_events(events: Vec<Filter>) -> Result<Vec<Filter>, Refusal> {
    if events.is_empty() {
        let by_name = |kind: &&str| Filter::Kind((*kind).to_owned());
        return Ok(DEFAULT_EVENTS.iter().map(by_name).collect());
    }
    let mut known = Vec::new();
    for filter in events {
        if let Filter::Kind(kind) = &filter
            && !Happening::KINDS.contains(&kind.as_str())
        {
            let why = format!("there is no event `{}`", show(kind.as_bytes()));
            let hint = match nearest(kind, Happening::KINDS.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("events are * (all), {}", Happening::KINDS.join(", ")),
            };
            return refuse(why, &hint);
        }
        if !known.contains(&filter) {
            known.push(filter);
        }
    }
    Ok(known)
}

/// Scheme and host of a URL that can be one of a webhook. The path is not told to anybody: at some
/// receivers it is all that keeps others out.
fn check_url(url: &str) -> Result<&str, Refusal> {
    let wrong =
        |why: &str, hint: &str| refuse(format!("that is no URL for a webhook: {why}"), hint);
    if url.len() > URL_BYTES_MAX {
        return wrong(&format!("it is longer than {URL_BYTES_MAX} bytes"), "");
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong("it has characters that no URL has", "write blanks and others as %XX");
    }
    let Some(after) = ["https://", "http://"].into_iter().find_map(|scheme| {
        let begins = url.get(..scheme.len())?.eq_ignore_ascii_case(scheme);
        begins.then_some(scheme.len())
    }) else {
        return wrong("it begins neither with https:// nor with http://", "");
    };
    let rest = url.get(after..).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() {
        return wrong("it has no host", "");
    }
    if host.contains('@') {
        return wrong(
            "it has a user name in it, which would end in logs",
            "leave it out: the receiver knows deliveries by their signature",
        );
    }
    Ok(url.get(..after + host.len()).unwrap_or(url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Decided;
    use crate::state::{BootDefaults, LEASE_HISTORY};
    use crate::{Command, Settings};
    use model::Now;

    fn engine() -> Engine {
        Engine::new(Settings {
            server_name: "lab".to_owned(),
            networks: Vec::new(),
            http_port: 80,
            networks6: Vec::new(),
            tls_port: None,
            lease_history: LEASE_HISTORY,
            boot: BootDefaults::default(),
            defaults: Default::default(),
            key: Default::default(),
        })
    }

    fn hook(name: &str, url: &str, events: &[&str]) -> Webhook {
        Webhook {
            name: name.to_owned(),
            url: url.to_owned(),
            events: filters(events),
            enabled: true,
            allow_private: false,
            key: SigningKey::new(&[7; 32]),
        }
    }

    fn filters(events: &[&str]) -> Vec<Filter> {
        events.iter().map(|event| Filter::from((*event).to_owned())).collect()
    }

    fn done(engine: &mut Engine, command: Command) -> Decided {
        let decided = engine.command(Now(1), command).unwrap();
        decided.changes.iter().for_each(|change| engine.apply(change));
        decided
    }

    fn refused(engine: &Engine, command: Command) -> String {
        engine.command(Now(1), command).unwrap_err().to_string()
    }

    #[test]
    fn a_webhook_comes_is_changed_and_goes() {
        let mut engine = engine();
        let added =
            done(&mut engine, Command::AddWebhook(hook("chat", "https://chat.example/T0/B1", &[])));
        assert_eq!(
            added.says,
            "webhook chat sends alarm, machine-appeared, changed, deployment to https://chat.example"
        );
        let news = WebhookNews {
            events: Some(filters(&["alarm", "*", "alarm"])),
            enabled: Some(false),
            ..WebhookNews::default()
        };
        let set = done(&mut engine, Command::SetWebhook { name: "chat".to_owned(), news });
        assert_eq!(set.says, "webhook chat sends all events, is disabled");
        let kept = engine.webhooks().next().unwrap();
        assert_eq!(
            (kept.events.len(), kept.enabled, kept.url.as_str()),
            (2, false, "https://chat.example/T0/B1")
        );

        let key = Some(SigningKey::new(&[8; 32]));
        let news = WebhookNews { key, ..WebhookNews::default() };
        let set = done(&mut engine, Command::SetWebhook { name: "chat".to_owned(), news });
        assert!(!format!("{set:?}").contains("0808"), "a key is never told");
        assert!(engine.webhooks().next().unwrap().key.reveal().starts_with("0808"));
        done(&mut engine, Command::RemoveWebhook("chat".to_owned()));
        assert_eq!(engine.webhooks().count(), 0);
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_way_out() {
        let mut engine = engine();
        let add = |url: &str, events: &[&str]| Command::AddWebhook(hook("new", url, events));
        for (url, word) in [
            ("ftp://h/", "https://"),
            ("h/hook", "https://"),
            ("https://", "no host"),
            ("https:///hook", "no host"),
            ("https://me:pw@h/hook", "user name"),
            ("https://h/a b", "%XX"),
            ("https://h/ü", "%XX"),
            (&format!("https://h/{}", "a".repeat(2048)), "longer"),
        ] {
            let why = refused(&engine, add(url, &[]));
            assert!(why.contains(word) && !why.contains("pw"), "{url}: {why}");
        }
        let why = refused(&engine, add("https://h/", &["alrm"]));
        assert!(why.contains("did you mean `alarm`?"), "{why}");
        let why = refused(&engine, add("https://h/", &["sunshine"]));
        assert!(why.contains("machine-appeared"), "{why}");
        assert!(
            refused(&engine, Command::AddWebhook(hook("A b", "https://h/", &[])))
                .contains("no name")
        );

        done(&mut engine, Command::AddWebhook(hook("chat", "https://h/", &[])));
        let why = refused(&engine, Command::AddWebhook(hook("chat", "https://h/", &[])));
        assert!(why.contains("already") && why.contains("webhook set chat"), "{why}");
        let set = |name: &str, news| Command::SetWebhook { name: name.to_owned(), news };
        assert!(
            refused(&engine, set("caht", WebhookNews::default())).contains("did you mean `chat`?")
        );
        assert!(refused(&engine, set("chat", WebhookNews::default())).contains("nothing"));
        assert!(refused(&engine, Command::RemoveWebhook("x".to_owned())).contains("no webhook x"));

        for n in 1..WEBHOOKS_MAX {
            done(&mut engine, Command::AddWebhook(hook(&format!("h{n}"), "https://h/", &[])));
        }
        assert!(
            refused(&engine, Command::AddWebhook(hook("more", "https://h/", &[])))
                .contains("the most")
        );
    }
}
