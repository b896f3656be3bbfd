//! Sentences about deployments.

use super::given::{Pairs, command};
use crate::sim::world::World;
use engine::Command;
use engine::command::Deploy;
use engine::deploy::Order;
use model::Hash;
use model::menu::Choice;
use model::template::Template;
use std::collections::BTreeSet;
use std::time::Duration;
use vault::Sealed;

const HOUR: Duration = Duration::from_secs(3600);
/// Chance of a world in which nothing happens by chance.
const SEED: Hash = Hash([7; 32]);

/// `template lab.preseed d-i a/b string {{ machine.name }}`, `secret password text`,
/// `deploy pc-1 profile lab disk size:1G..2T confirmed over http`, `boot-once pc-1 image memtest`,
/// `cancel pc-1`, `confirm pc-1 code 123-456`
pub(super) fn sentence(world: &mut World, pairs: &Pairs<'_>, line: &str) -> Result<String, String> {
    let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (first, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let machine = first.to_owned();
    match what {
        "template" => {
            let format = first.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
            let text = format!("{}\n", text.replace(" / ", "\n"));
            let (name, format) = (first.to_owned(), format.to_owned());
            command(world, Command::SetTemplate(Template { name, format, text }))
        }
        "secret" => {
            let key = &world.server.engine.settings().key;
            let sealed = Sealed::seal(key, [1; 24], first, text).as_str().to_owned();
            command(world, Command::SetSecret(first.to_owned(), sealed))
        }
        "deploy" => {
            let wish = wish(world, &machine, pairs)?;
            command(world, Command::Deploy(machine, wish))
        }
        "boot-once" => {
            let what = match (pairs.get("image"), pairs.get("profile")) {
                (Some(image), _) => Choice::Image(image.to_owned()),
                (None, profile) => Choice::Profile(profile.unwrap_or_default().to_owned()),
            };
            let by = "ada".to_owned();
            command(world, Command::BootOnce { machine, what, within: HOUR, by, seed: SEED })
        }
        "cancel" => command(world, Command::Cancel { machine, by: "ada".to_owned() }),
        _ => {
            let code = pairs.get("code").unwrap_or_default().to_owned();
            command(world, Command::Confirm { machine, code })
        }
    }
}

fn wish(world: &World, machine: &str, pairs: &Pairs<'_>) -> Result<Deploy, String> {
    let profile = pairs.get("profile").unwrap_or_default().to_owned();
    let disk = pairs.get("disk").map(str::to_owned);
    let orders = world.server.engine.preview(machine, &profile, disk.as_deref());
    let orders = orders.map_err(|refusal| refusal.to_string())?;
    let mut secrets = BTreeSet::new();
    for order in &orders {
        secrets.extend(order.preview().map_err(|error| error.to_string())?.secrets);
    }
    Ok(Deploy {
        profile,
        within: HOUR,
        disk,
        confirm_code: pairs.has("confirmed"),
        plain_http: pairs.has("http"),
        power: false,
        secrets: secrets.into_iter().collect(),
        tried: Hash(orders.first().map(Order::print).unwrap_or_default()),
        by: "ada".to_owned(),
        seed: SEED,
    })
}
