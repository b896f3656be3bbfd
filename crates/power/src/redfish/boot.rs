//! What a system boots next, once (ComputerSystem.Boot).
//!
//! In: a target, perhaps a mode and a URL. Out: what the service says afterwards. Never: a target it
//! does not list, a lasting override, a URL of an earlier time left in force.

use super::quirks::{self, Quirks, SendMode};
use super::system::{self, Which};
use super::task;
use super::visit::{Resource, Visit};
use super::{RedfishError, json, reset};
use crate::switch::{BootOnce, BootSet, BootTarget, Outcome};
use hyper::Method;
use serde_json::{Map, Value, json};

/// The boot sources that are listed as allowed.
pub(super) const TARGETS: &str = "/Boot/BootSourceOverrideTarget@Redfish.AllowableValues";
/// The link to the resource that takes what is to be at the next start.
const SETTINGS: &str = "/@Redfish.Settings/SettingsObject";
/// How AMI says that the override is set there alone.
const AT_SETTINGS: &str = "OperationSupportedInFutureStateURI";
/// How often a resource is read again that changed between reading and writing.
const TRIES_MAX: usize = 3;
/// The longest URL: an option of DHCP, in which firmware expects it, carries no more.
const URI_BYTES_MAX: usize = 255;

/// Sets the override, and reads it again.
pub(super) async fn set(
    visit: &mut Visit,
    which: &Which,
    boot: &BootOnce,
) -> Result<BootSet, RedfishError> {
    check_uri(visit, boot)?;
    let system = system::find(visit, which).await?;
    let quirks = quirks::of(&visit.root, &system.body);
    let at = place(visit, &system).await?;
    check_target(visit, boot, &system, &at)?;
    let wanted = wanted(visit, boot, quirks, &system, &at)?;
    let path = match write(visit, at, &wanted).await {
        Ok(path) => path,
        Err(RedfishError::Refused { messages, .. })
            if messages.iter().any(|id| id.ends_with(AT_SETTINGS)) && quirks.settings.is_some() =>
        {
            let below = quirks.settings.unwrap_or_default();
            let settings = format!("{}/{below}", system.path.trim_end_matches('/'));
            let at = visit.get(&settings).await?;
            write(visit, at, &wanted).await?
        }
        Err(error) => return Err(error),
    };
    let now = visit.get(&path).await?;
    Ok(said(boot, &now.body))
}

/// The resource that takes the override: the settings, if they show it; else the system itself.
async fn place(visit: &mut Visit, system: &Resource) -> Result<Resource, RedfishError> {
    if let Some(path) = json::link(&system.body, SETTINGS)
        && let Some(settings) = visit.get_if_there(&path).await?
        && settings.body.pointer("/Boot/BootSourceOverrideTarget").is_some()
    {
        return Ok(settings);
    }
    if system.body.pointer("/Boot").is_none_or(|boot| !boot.is_object()) {
        return Err(not(visit, "a boot override", "its system has no Boot"));
    }
    let body = system.body.clone();
    Ok(Resource { path: system.path.clone(), etag: system.etag.clone(), body })
}

fn check_target(
    visit: &Visit,
    boot: &BootOnce,
    system: &Resource,
    at: &Resource,
) -> Result<(), RedfishError> {
    // To take an override back needs no target.
    if boot.target == BootTarget::None {
        return Ok(());
    }
    let list = json::texts(&at.body, TARGETS).or_else(|| json::texts(&system.body, TARGETS));
    let what = format!("booting from {}", boot.target);
    match list {
        Some(list) if !list.iter().any(|one| one == boot.target.name()) => {
            Err(not(visit, &what, &format!("it lists {}", list.join(", "))))
        }
        None if !visit.policy().try_unlisted => Err(not(visit, &what, reset::UNLISTED)),
        _ => Ok(()),
    }
}

fn check_uri(visit: &Visit, boot: &BootOnce) -> Result<(), RedfishError> {
    let Some(uri) = &boot.uri else { return Ok(()) };
    if boot.target != BootTarget::UefiHttp {
        let what = format!("a URL for booting from {}", boot.target);
        return Err(not(visit, &what, "only UefiHttp loads one"));
    }
    let known = uri.starts_with("http://") || uri.starts_with("https://");
    let plain = uri.bytes().all(|byte| byte.is_ascii_graphic());
    if known && plain && uri.len() <= URI_BYTES_MAX {
        return Ok(());
    }
    let why = "firmware takes http:// and https:// of at most 255 bytes, without spaces";
    Err(not(visit, "that boot URL", why))
}

/// The members of `Boot` that are to be set.
fn wanted(
    visit: &Visit,
    boot: &BootOnce,
    quirks: Quirks,
    system: &Resource,
    at: &Resource,
) -> Result<Value, RedfishError> {
    let mut wanted = Map::new();
    let now = |name: &str| {
        let place = format!("/Boot/{name}");
        at.body.pointer(&place).or_else(|| system.body.pointer(&place))
    };
    if boot.target == BootTarget::None {
        wanted.insert("BootSourceOverrideEnabled".to_owned(), json!("Disabled"));
        return Ok(json!({ "Boot": wanted }));
    }
    wanted.insert("BootSourceOverrideTarget".to_owned(), json!(boot.target.name()));
    wanted.insert("BootSourceOverrideEnabled".to_owned(), json!("Once"));

    let mode_now = now("BootSourceOverrideMode").and_then(Value::as_str);
    let mode = boot.mode.map(|mode| mode.name());
    let other = mode.filter(|mode| Some(*mode) != mode_now);
    let mode = match quirks.mode {
        SendMode::Always => mode.or(mode_now),
        SendMode::IfOther => other,
        SendMode::Never => None,
    };
    if let (SendMode::Never, Some(other)) = (quirks.mode, other) {
        let why =
            "its BootSourceOverrideMode cannot be written; change the boot mode in the set-up";
        return Err(not(visit, &format!("the mode {other}"), why));
    }
    if let Some(mode) = mode {
        wanted.insert("BootSourceOverrideMode".to_owned(), json!(mode));
    }

    match (&boot.uri, now("HttpBootUri")) {
        (Some(_), _) if quirks.no_boot_uri.is_some() => {
            return Err(not(visit, "a boot URL", quirks.no_boot_uri.unwrap_or_default()));
        }
        (Some(_), None) => {
            let why = "its Boot has no HttpBootUri; let DHCP give the URL";
            return Err(not(visit, "a boot URL", why));
        }
        (Some(uri), Some(_)) => {
            wanted.insert("HttpBootUri".to_owned(), json!(uri));
        }
        // One of an earlier time would be loaded instead of what DHCP says.
        (None, Some(Value::String(old)))
            if boot.target == BootTarget::UefiHttp
                && !old.is_empty()
                && quirks.no_boot_uri.is_none() =>
        {
            wanted.insert("HttpBootUri".to_owned(), Value::Null);
        }
        (None, _) => {}
    }
    Ok(json!({ "Boot": wanted }))
}

/// PATCH with If-Match, read again where it changed meanwhile. Gives where it was written.
async fn write(visit: &mut Visit, at: Resource, wanted: &Value) -> Result<String, RedfishError> {
    let path = at.path;
    let mut etag = at.etag;
    for again in 1..=TRIES_MAX {
        let answer = visit.ask(Method::PATCH, &path, Some(wanted), etag.as_deref()).await?;
        match answer.status.as_u16() {
            412 => {}
            // If-Match is demanded, and no ETag was given to send.
            428 if etag.is_none() => {
                etag = Some("*".to_owned());
                continue;
            }
            _ => {
                let doing = format!("the boot override (PATCH {path})");
                let outcome = task::finish(visit, &doing, answer).await?;
                debug_assert_ne!(outcome, Outcome::Sent, "only magic packets are only sent");
                return Ok(path);
            }
        }
        etag = visit.get(&path).await?.etag;
        // Some services mark tags as weak and compare them as strong.
        if again > 1 {
            etag = etag.map(|tag| tag.strip_prefix("W/").unwrap_or(&tag).to_owned());
        }
    }
    Err(RedfishError::Precondition { bmc: visit.bmc(), path, tries: TRIES_MAX })
}

fn said(boot: &BootOnce, body: &Value) -> BootSet {
    let at = |name: &str| json::shown(body, &format!("/Boot/{name}"));
    let enabled = at("BootSourceOverrideEnabled");
    let target = at("BootSourceOverrideTarget");
    let (mode, uri) = (at("BootSourceOverrideMode"), at("HttpBootUri"));
    let agrees = match boot.target {
        BootTarget::None => enabled.as_deref() == Some("Disabled"),
        wanted => {
            enabled.as_deref() == Some("Once")
                && target.as_deref() == Some(wanted.name())
                && boot.mode.is_none_or(|wanted| mode.as_deref() == Some(wanted.name()))
                && boot.uri.as_ref().is_none_or(|wanted| uri.as_ref() == Some(wanted))
        }
    };
    BootSet { target, enabled, mode, uri, agrees }
}

fn not(visit: &Visit, what: &str, why: &str) -> RedfishError {
    let (what, why) = (what.to_owned(), visit.strike(why));
    RedfishError::NotOffered { bmc: visit.bmc(), what, why }
}
