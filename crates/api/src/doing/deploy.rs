//! Trying the answer files of a machine before it is armed: they are rendered without secrets, and
//! what is wrong with them is said while somebody can still mend it.

use super::blocking;
use crate::Problem;
use crate::types::{DeployWish, RenderedView};
use engine::command::Deploy;
use engine::deploy::{Order, Rendered};
use model::Hash;
use model::power::CREDENTIAL;
use site::SiteHandle;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a machine may take to come, unless an operator says otherwise.
pub const WITHIN: Duration = Duration::from_secs(3600);

/// The wish as a command, with what the trial showed.
pub async fn tried(
    site: &SiteHandle,
    machine: &str,
    wish: DeployWish,
    by: String,
) -> Result<Deploy, Problem> {
    let (named, profile, disk) = (machine.to_owned(), wish.profile.clone(), wish.disk.clone());
    let orders =
        site.ask(move |engine, _| engine.preview(&named, &profile, disk.as_deref())).await??;
    let tried = orders.first().map(Order::print).unwrap_or_default();
    let views = blocking(move || orders.iter().map(rendered).collect::<Vec<_>>()).await?;
    let mut secrets = BTreeSet::new();
    for view in views {
        secrets.extend(view?.secrets);
    }
    Ok(Deploy {
        profile: wish.profile,
        within: wish.within_s.map_or(WITHIN, Duration::from_secs),
        disk: wish.disk,
        confirm_code: wish.confirm_code,
        plain_http: wish.plain_http,
        power: wish.power,
        secrets: secrets.into_iter().collect(),
        tried: Hash(tried),
        by,
        seed: site.chance()?,
    })
}

/// One order as an operator may see it.
pub fn rendered(order: &Order) -> Result<RenderedView, Problem> {
    let made = order.preview().map_err(|error| {
        let secret = error.to_string();
        let hint = match secret.contains("secrets.") {
            true if secret.contains(CREDENTIAL) => {
                "secrets whose names begin with bmc_ are for power alone: give it another name"
            }
            true => {
                "`bootwright secret set NAME` sets one; `bootwright template show` has the text"
            }
            false => {
                "`bootwright machine set MACHINE --setting NAME=VALUE` or `profile set` gives a \
                      setting; `bootwright render TEMPLATE MACHINE` tries it"
            }
        };
        Problem::refused(secret).hint(hint)
    })?;
    Ok(view(order, made))
}

/// What an order made, as an operator may see it.
pub fn view(order: &Order, made: Rendered) -> RenderedView {
    let raw = made.raw.iter().map(|raw| {
        let lines: Vec<String> = raw.lines.iter().map(ToString::to_string).collect();
        format!("{}, line {}", raw.template, lines.join(", "))
    });
    RenderedView {
        template: order.template.clone(),
        file: order.file.clone(),
        text: made.text,
        secrets: made.secrets.into_iter().collect(),
        raw: raw.collect(),
    }
}
