//! What happens at a moment of a scenario.

use super::given::{self, Pairs};
use super::show::Lines;
use super::{packet, packet6};
use crate::sim::firmware::Board;
use crate::sim::world::World;
use engine::explain::Question;
use engine::{Answer, Asker, FileAsk, Served};
use model::event::Carrier;
use model::{Change, Content, HardwareAddress};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// Carries one line of `at` out.
pub(super) fn act(world: &mut World, action: &str, lines: &mut Lines) -> Result<(), String> {
    let (first, rest) = action.split_once(' ').unwrap_or((action, ""));
    match first {
        "nothing" => Ok(()),
        "operator" => {
            let rest = rest.replace("approves ", "machine ");
            let rest = match action.contains("approves") {
                true => format!("{rest} approved"),
                false => rest,
            };
            match given::sentence(world, &rest) {
                Ok(says) => lines.plain(says),
                Err(why) => lines.plain(format!("refused: {why}")),
            }
            Ok(())
        }
        "explain" => explain(world, rest, lines),
        "disk" => {
            world.server.engine.only_renew(rest == "full");
            Ok(())
        }
        "restored" => {
            let at = world.now();
            world.server.apply(&[Change::Restored(at)]);
            Ok(())
        }
        "story" => story(world, rest, lines),
        "archs" => packet::architectures(world, rest, lines),
        mac => {
            let mac: HardwareAddress = mac.parse().map_err(|_| format!("who is that: {action}"))?;
            let (verb, what) = rest.split_once(' ').unwrap_or((rest, ""));
            match verb {
                "boots" => boots(world, mac, what),
                "is" if what == "switched off" => {
                    let mac = mac.as_mac().ok_or("only Ethernet is switched off here")?;
                    world.switch_off(mac);
                    Ok(())
                }
                "sends" => match what.strip_prefix("DHCPv6 ") {
                    Some(what) => packet6::sends(world, mac, what, lines),
                    None => packet::sends(world, mac, what, lines),
                },
                "repeats" => packet::repeats(world, mac, what, lines),
                "asks" => asks(world, mac, what, lines),
                "floods" => packet::floods(world, mac, what),
                _ => Err(format!("what does it do: {action}")),
            }
        }
    }
}

/// `boots as edk2-x64 behind 10.80.0.1 on lan with arch=9, unicast`
fn boots(world: &mut World, mac: HardwareAddress, what: &str) -> Result<(), String> {
    let (what, habits) = what.split_once(" with ").unwrap_or((what, ""));
    let pairs = Pairs::new(what);
    let mac = mac.as_mac().ok_or("only Ethernet boots here")?;
    let mut board = Board::new(mac, pairs.get("as").unwrap_or_default())?;
    board.habits = habits
        .split(',')
        .map(str::trim)
        .filter(|habit| !habit.is_empty())
        .map(|habit| {
            let (name, value) = habit.split_once('=').unwrap_or((habit, ""));
            (name.to_owned(), value.to_owned())
        })
        .collect::<BTreeMap<_, _>>();
    let link = pairs.get("on").unwrap_or("lan");
    world.switch_on(link, pairs.read("behind")?, &board);
    Ok(())
}

/// `asks tftp NAME`, `asks http PATH?QUERY`, `asks tftp NAME from 10.0.0.9`, and with what it posts
/// `asks http PATH?QUERY posting {"cpu": …}`
fn asks(
    world: &mut World,
    mac: HardwareAddress,
    what: &str,
    lines: &mut Lines,
) -> Result<(), String> {
    let (what, body) = match what.split_once(" posting ") {
        Some((what, body)) => (what, Some(body.as_bytes().to_vec())),
        None => (what, None),
    };
    let (what, from) = what.split_once(" from ").unwrap_or((what, ""));
    let (by, name) = what.split_once(' ').ok_or("asks what?")?;
    let lease = world.server.engine.leases().find(|lease| lease.hardware == mac);
    let from: Ipv4Addr = match from.parse() {
        Ok(from) => from,
        Err(_) => lease.map_or(Ipv4Addr::new(10, 0, 0, 99), |lease| lease.address),
    };
    let (path, query) = match by {
        "http" => name.split_once('?').unwrap_or((name, "")),
        _ => (name, ""),
    };
    let (by, name, port) = match by {
        "http" => (Carrier::Http, crate::sim::server::decode(path), 80),
        _ => (Carrier::Tftp, packet::unescape(path), 69),
    };
    let ask = FileAsk {
        by,
        name,
        from: SocketAddr::from((from, 2000)),
        at: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), port)),
        link: "lan".into(),
        says: if query.is_empty() { Asker::default() } else { crate::sim::server::asker(query) },
        neighbour: None,
        agent: None,
        body,
        head_only: false,
    };
    match world.server.find(world.now(), &ask) {
        Answer::Reply(found) => {
            let shown = match &found.what {
                Served::Text(text) => text.clone(),
                Served::Answer(_) | Served::Ask(_) => {
                    String::from_utf8_lossy(&world.server.bytes(&found.what)).into_owned()
                }
                Served::Blob(Content { size, .. }) => {
                    let bytes = world.server.bytes(&found.what);
                    let name = crate::sim::content::Label::read(&bytes).map(|label| label.name);
                    format!("file {}, {size} bytes", name.unwrap_or_default())
                }
            };
            lines.plain(format!("{}: {shown}", found.media));
        }
        Answer::Silence(why) => lines.plain(format!("error: {why}")),
    }
    for mut event in std::mem::take(&mut world.server.told) {
        match event.what {
            model::Happening::Alarm { .. } => world.server.told.push(event),
            _ => world.note(&mut event),
        }
    }
    Ok(())
}

/// `story MAC`: each of its boots, as `bootwright machine show MAC --boots` draws it.
fn story(world: &mut World, of: &str, lines: &mut Lines) -> Result<(), String> {
    let mac: HardwareAddress = of.parse().map_err(|_| format!("whose story: {of}"))?;
    let boots = world.stories.of(world.now(), &mac);
    if boots.is_empty() {
        lines.plain("nothing was heard of it");
    }
    for boot in &boots {
        let text = engine::story::picture::text(boot, None);
        text.iter().filter(|line| !line.is_empty()).for_each(|line| lines.plain(line));
    }
    Ok(())
}

/// `explain MAC arch x64-uefi firmware http stage grub network lan`
fn explain(world: &mut World, what: &str, lines: &mut Lines) -> Result<(), String> {
    let pairs = Pairs::new(what);
    let question = Question {
        machine: what.split(' ').next().unwrap_or_default().into(),
        arch: pairs.read("arch")?,
        firmware: pairs.read("firmware")?,
        stage: pairs.get("stage").map(str::to_owned),
        network: pairs.get("network").map(str::to_owned),
        at: None,
    };
    match world.server.engine.explain(world.now(), &question) {
        Err(refusal) => lines.plain(format!("refused: {refusal}")),
        Ok(explained) => {
            lines.plain(format!("taken as {}", explained.taken_as));
            for quirk in explained.quirks {
                let denied = if quirk.denied { "denied: " } else { "" };
                lines.plain(format!("{denied}{} {}: {}", quirk.id, quirk.name, quirk.because));
            }
            for stage in explained.stages {
                let silence = stage.silence.as_ref().map(|why| format!("silence: {why}"));
                let gets = stage.gets.or(silence);
                lines.plain(format!("{}: {}", stage.stage, gets.unwrap_or_default()));
                if let Some(why) = &stage.silence {
                    let machine = explained.machine.to_string();
                    lines.plain(format!("    {}", why.fault()));
                    let remedy = why.remedy().map(|remedy| remedy.of(&machine));
                    remedy.iter().for_each(|remedy| lines.plain(format!("    {remedy}")));
                }
                for reason in stage.because {
                    lines.plain(format!("    {reason}"));
                }
            }
        }
    }
    Ok(())
}
