//! What operators may ask of names: records in the networks' domains.

use super::{Outcome, decided, refuse};
use crate::Engine;
use crate::names::{Name, host_name};
use model::Change;
use model::dns::{NameData, NameRecord, RECORD_TTL_S_MAX, host};
use model::network::Mode;
use model::text::show;

/// Names that have records.
pub const NAMES_MAX: usize = 10_000;
/// Records of one name: more do not fit into an answer that everybody gets.
pub const RECORDS_MAX: usize = 64;

impl Engine {
    pub(super) fn add_record(&self, name: &str, record: NameRecord) -> Outcome {
        let name = host(name).or_else(|why| refuse(why, "letters, digits, `-` and `_`"))?;
        self.check_place(&name)?;
        if record.ttl_s > RECORD_TTL_S_MAX {
            return refuse(
                format!("{} s is longer than a record may be remembered", record.ttl_s),
                &format!("{RECORD_TTL_S_MAX} s are the most"),
            );
        }
        let mut all = self.name_records.get(&name).cloned().unwrap_or_default();
        if all.iter().any(|other| other.data == record.data) {
            let (kind, data) = (record.data.kind(), &record.data);
            return refuse(format!("{name} has {kind} {data} already"), "`dns record list`");
        }
        if all.is_empty() && self.name_records.len() >= NAMES_MAX {
            return refuse(
                format!("there are {NAMES_MAX} names with records, which is the most"),
                "remove some that nobody needs: `bootwright dns record list`",
            );
        }
        if all.len() >= RECORDS_MAX {
            return refuse(format!("{name} has {RECORDS_MAX} records, which is the most"), "");
        }
        let alias = |data: &NameData| matches!(data, NameData::Cname(_));
        if let Some(other) = all.first()
            && (alias(&record.data) || alias(&other.data))
        {
            return refuse(
                format!(
                    "{name} has {} {}: an alias is alone under its name",
                    other.data.kind(),
                    other.data
                ),
                &format!("`bootwright dns record remove {name}` first, or take another name"),
            );
        }
        let says = format!("{name} is {} {}", record.data.kind(), record.data);
        all.push(record);
        decided(vec![Change::Names(name, all)], says)
    }

    pub(super) fn remove_record(
        &self,
        name: &str,
        kind: Option<&str>,
        data: Option<&str>,
    ) -> Outcome {
        let whole = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let shown = show(whole.as_bytes());
        let Some(all) = self.name_records.get(&whole) else {
            return refuse(format!("{shown} has no records"), "`bootwright dns record list`");
        };
        let goes = |record: &NameRecord| {
            kind.is_none_or(|kind| record.data.kind().eq_ignore_ascii_case(kind))
                && data.is_none_or(|data| {
                    NameData::parse(record.data.kind(), data).as_ref() == Ok(&record.data)
                })
        };
        let (gone, left): (Vec<_>, Vec<_>) = all.iter().cloned().partition(goes);
        if gone.is_empty() {
            return refuse(
                format!("{shown} has no such record"),
                "`bootwright dns record list` shows what there is",
            );
        }
        let said: Vec<String> =
            gone.iter().map(|r| format!("{} {}", r.data.kind(), r.data)).collect();
        let says = format!("{shown} is no longer {}", said.join(", "));
        decided(vec![Change::Names(whole, left)], says)
    }

    /// Whether a name lies in a domain of ours, and is not the server's own there.
    fn check_place(&self, name: &str) -> Result<(), super::Refusal> {
        let networks = self.settings.networks.iter().filter(|n| n.mode != Mode::Off);
        let over_ipv6 = self.settings.networks6.iter().filter_map(|n| n.domain.as_ref());
        let domains = networks.filter_map(|n| n.domain.as_ref()).chain(over_ipv6);
        let domains: Vec<Name> = domains.filter_map(|domain| Name::parse(domain)).collect();
        let parsed = Name::parse(name);
        let Some(wanted) = parsed.filter(|name| domains.iter().any(|zone| name.is_within(zone)))
        else {
            let texts: Vec<String> = domains.iter().map(ToString::to_string).collect();
            let hint = match texts.is_empty() {
                true => "give a [[network]] of mode dhcp its `domain`".to_owned(),
                false => format!("names are answered below {}", texts.join(", ")),
            };
            return refuse(format!("{name} is in no domain of our networks"), &hint);
        };
        // One domain may lie in another: the server has its name in each of them.
        let host = |zone: &Name| host_name(&self.settings.server_name, zone);
        if domains.iter().any(|zone| wanted == *zone || host(zone).as_ref() == Some(&wanted)) {
            return refuse(
                format!("{name} is the server's own, which is answered without a record"),
                "take another name",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Decided;
    use crate::state::{BootDefaults, LEASE_HISTORY};
    use crate::{Command, Settings};
    use model::network::Subnet;
    use model::{Network, Now};
    use std::net::Ipv4Addr;

    fn engine() -> Engine {
        let subnet: Subnet = "10.77.0.0/24".parse().unwrap();
        let mut network = Network::new("lan", Mode::Dhcp, Ipv4Addr::new(10, 77, 0, 1), subnet);
        network.domain = Some("Lab.Example".to_owned());
        Engine::new(Settings {
            server_name: "boot".to_owned(),
            networks: vec![network],
            networks6: Vec::new(),
            http_port: 80,
            tls_port: None,
            lease_history: LEASE_HISTORY,
            boot: BootDefaults::default(),
            defaults: model::setting::Layer::default(),
            key: vault::Key::default(),
        })
    }

    fn add(name: &str, kind: &str, data: &str) -> Command {
        let record = NameRecord { ttl_s: 300, data: NameData::parse(kind, data).unwrap() };
        Command::AddRecord(name.to_owned(), record)
    }

    fn remove(name: &str, kind: Option<&str>, data: Option<&str>) -> Command {
        let [kind, data] = [kind, data].map(|text| text.map(str::to_owned));
        Command::RemoveRecord { name: name.to_owned(), kind, data }
    }

    fn done(engine: &mut Engine, command: Command) -> Decided {
        let decided = engine.command(Now(1), command).unwrap();
        decided.changes.iter().for_each(|change| engine.apply(change));
        decided
    }

    #[test]
    fn the_servers_own_name_is_refused_in_a_domain_that_lies_in_another_too() {
        let mut engine = engine();
        let subnet: Subnet = "10.78.0.0/24".parse().unwrap();
        let mut outer = Network::new("wan", Mode::Dhcp, Ipv4Addr::new(10, 78, 0, 1), subnet);
        outer.domain = Some("example".to_owned());
        engine.settings.networks.insert(0, outer);
        for own in ["boot.example", "boot.lab.example", "lab.example"] {
            let why = engine.command(Now(1), add(own, "A", "10.77.0.9")).unwrap_err().to_string();
            assert!(why.contains("the server's own"), "{own}: {why}");
        }
        done(&mut engine, add("boots.lab.example", "A", "10.77.0.9"));
    }

    #[test]
    fn records_come_and_go() {
        let mut engine = engine();
        let added = done(&mut engine, add("WWW.lab.example.", "A", "10.77.0.5"));
        assert_eq!(added.says, "www.lab.example is A 10.77.0.5");
        done(&mut engine, add("www.lab.example", "A", "10.77.0.6"));
        done(&mut engine, add("www.lab.example", "TXT", "hello"));
        assert_eq!(engine.name_facts(Now(1)).records.len(), 3);
        let gone = done(&mut engine, remove("www.lab.example", Some("a"), Some("10.77.0.5")));
        assert_eq!(gone.says, "www.lab.example is no longer A 10.77.0.5");
        done(&mut engine, remove("www.lab.example", None, None));
        assert_eq!((engine.name_records().count(), engine.name_records.len()), (0, 0));
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_way_out() {
        let mut engine = engine();
        done(&mut engine, add("www.lab.example", "A", "10.77.0.5"));
        done(&mut engine, add("alias.lab.example", "CNAME", "www.lab.example"));
        for (command, what) in [
            (add("www.lab.example", "A", "10.77.0.5"), "already"),
            (add("www.lab.example", "CNAME", "a.b"), "an alias is alone"),
            (add("alias.lab.example", "TXT", "x"), "an alias is alone"),
            (add("boot.lab.example", "A", "10.77.0.9"), "the server's own"),
            (add("lab.example", "CNAME", "a.b"), "the server's own"),
            (add("www.slab.example", "A", "10.77.0.9"), "names are answered below lab.example"),
            (add("a b.lab.example", "A", "10.77.0.9"), "no name of a host"),
            (remove("none.lab.example", None, None), "has no records"),
            (remove("www.lab.example", Some("TXT"), None), "no such record"),
        ] {
            let why = engine.command(Now(1), command).unwrap_err().to_string();
            assert!(why.contains(what), "{what}: {why}");
        }
        for n in 6..=68 {
            done(&mut engine, add("www.lab.example", "A", &format!("10.77.0.{n}")));
        }
        let more = add("www.lab.example", "A", "10.77.0.99");
        assert!(engine.command(Now(1), more).unwrap_err().to_string().contains("the most"));
    }
}
