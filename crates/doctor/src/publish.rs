//! DNS servers of others that are told of names: whether they can be, before names are missed there.

use crate::{Code, Finding};

/// A server of `[[dns.publish]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its address and port.
    pub at: String,
    /// The key that messages to it are signed with.
    pub key: Key,
    /// The zones that it is told of.
    pub zones: Vec<Zone>,
}

/// The file with the key.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// Nobody looked: the running server has it, and we may not read it.
    NotSeen,
    /// It can be used.
    Good,
    /// It cannot, and what to do.
    Refused(String, String),
}

/// A zone of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// Some network has names or addresses in it.
    pub used: bool,
    /// What the server said to a signed question for the zone.
    pub asked: Asked,
    /// What the running server says of it.
    pub told: Option<Told>,
}

/// What came of a question for a zone.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Nobody asked, for want of the key.
    No,
    /// It has the zone, and takes the key.
    HasIt,
    /// What is wrong.
    Failed(Trouble),
}

/// What is wrong, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// Of which kind it is.
    pub of: Of,
    /// `it does not answer: …`
    pub why: String,
    /// What to do.
    pub hint: String,
}

/// Kinds of trouble.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Of {
    /// Nothing came.
    Way,
    /// The key is unknown there, or another.
    Key,
    /// The clocks differ.
    Clock,
    /// The zone is elsewhere.
    Zone,
    /// Anything else that it says.
    Server,
}

/// How the running server fares with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// How many names are there as they should be.
    pub published: usize,
    /// Since when and why nothing works, and what to do.
    pub failing: Option<(String, String, String)>,
}

/// What follows. Machines boot without it, so but for a key that keeps our own server from its start all
/// of it is a note.
#[must_use]
pub fn judge(servers: &[Server], runs: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in servers {
        findings.extend(key(server, runs));
        findings.extend(server.zones.iter().filter(|zone| !zone.used).map(|z| unused(server, z)));
        findings.extend(server.zones.iter().filter_map(|zone| stands(server, zone)));
    }
    findings
}

fn key(server: &Server, runs: bool) -> Option<Finding> {
    let Key::Refused(what, mend) = &server.key else { return None };
    let what = format!("names cannot be published at {}: {what}", server.at);
    Some(match runs {
        true => {
            let why =
                "the server goes on with the key that it read, and does not start with this one";
            Finding::note(Code::PublishKey, what, why, mend)
        }
        false => Finding::bad(Code::PublishKey, what, "the server does not start without", mend),
    })
}

fn unused(server: &Server, zone: &Zone) -> Finding {
    let name = &zone.name;
    Finding::note(
        Code::PublishZone,
        format!("{} is to be told of {name}, and no network has names in it", server.at),
        "nothing is ever published there: names go by the `domain` of their network, and addresses by \
         its subnet",
        format!(
            "set domain = \"{name}\" in the [[network]] that is meant, or take {name} out of `zones` in \
             [[dns.publish]]"
        ),
    )
}

/// What was seen of one zone: our own question comes first, since it tells the causes apart; what only a
/// change shows (a right that is missing) the running server knows.
fn stands(server: &Server, zone: &Zone) -> Option<Finding> {
    let (at, name) = (&server.at, &zone.name);
    if let Asked::Failed(Trouble { of, why, hint }) = &zone.asked {
        let code = match of {
            Of::Way => Code::PublishSilent,
            Of::Key => Code::PublishKey,
            Of::Clock => Code::PublishClock,
            Of::Zone => Code::PublishZone,
            Of::Server => Code::PublishFails,
        };
        let what = format!("names of {name} cannot be published at {at}: {why}");
        return Some(Finding::note(code, what, MATTERS, hint));
    }
    match (&zone.told, &zone.asked) {
        (Some(Told { failing: Some((since, why, hint)), .. }), _) => {
            let what = format!("names of {name} are not published at {at} since {since}: {why}");
            Some(Finding::note(Code::PublishFails, what, MATTERS, hint))
        }
        (Some(Told { published, failing: None }), _) => {
            let names = if *published == 1 { "name" } else { "names" };
            Some(Finding::good(format!("{published} {names} of {name} published at {at}")))
        }
        (None, Asked::HasIt) => {
            Some(Finding::good(format!("{at} has {name} and takes the key to publish names with")))
        }
        (None, _) => None,
    }
}

const MATTERS: &str = "who asks that server for machines does not find those that came, and finds those \
                       that went";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grade;

    fn server(key: Key, asked: Asked, told: Option<Told>) -> Server {
        let zone = Zone { name: "lab.example".to_owned(), used: true, asked, told };
        Server { at: "192.0.2.1:53".to_owned(), key, zones: vec![zone] }
    }

    fn failed(of: Of) -> Asked {
        Asked::Failed(Trouble { of, why: "it fails".to_owned(), hint: "mend it".to_owned() })
    }

    fn codes(server: Server, runs: bool) -> Vec<(Code, Grade)> {
        judge(&[server], runs).into_iter().map(|f| (f.code, f.grade)).collect()
    }

    const FINE: (Code, Grade) = (Code::Fine, Grade::Good);

    #[test]
    fn a_key_that_cannot_be_used_keeps_the_server_from_its_start_and_not_from_going_on() {
        let refused = || Key::Refused("everybody may read it".to_owned(), "chmod 600 x".to_owned());
        let before = server(refused(), Asked::No, None);
        assert_eq!(codes(before.clone(), false), [(Code::PublishKey, Grade::Bad)]);
        let words = judge(std::slice::from_ref(&before), false).remove(0);
        assert_eq!(words.what, "names cannot be published at 192.0.2.1:53: everybody may read it");
        assert_eq!(words.mend, "chmod 600 x");
        assert_eq!(codes(before, true), [(Code::PublishKey, Grade::Note)]);
        assert_eq!(codes(server(Key::NotSeen, Asked::No, None), true), []);
    }

    #[test]
    fn every_trouble_has_its_code_and_none_keeps_machines_from_booting() {
        for (of, code) in [
            (Of::Way, Code::PublishSilent),
            (Of::Key, Code::PublishKey),
            (Of::Clock, Code::PublishClock),
            (Of::Zone, Code::PublishZone),
            (Of::Server, Code::PublishFails),
        ] {
            let found = codes(server(Key::Good, failed(of), None), false);
            assert_eq!(found, [(code, Grade::Note)], "{of:?}");
        }
        assert_eq!(codes(server(Key::Good, Asked::HasIt, None), false), [FINE]);
    }

    #[test]
    fn the_running_server_knows_what_only_a_change_shows() {
        let told = |failing| Some(Told { published: 1, failing });
        let refused = ("10:00".to_owned(), "REFUSED".to_owned(), "allow the key".to_owned());
        let fails = server(Key::Good, Asked::HasIt, told(Some(refused.clone())));
        assert_eq!(codes(fails.clone(), true), [(Code::PublishFails, Grade::Note)]);
        assert!(judge(&[fails], true)[0].what.ends_with("since 10:00: REFUSED"));
        // What we saw ourselves tells the cause.
        let both = server(Key::Good, failed(Of::Clock), told(Some(refused)));
        assert_eq!(codes(both, true), [(Code::PublishClock, Grade::Note)]);
        let good = judge(&[server(Key::NotSeen, Asked::No, told(None))], true);
        assert_eq!(good[0].what, "1 name of lab.example published at 192.0.2.1:53");
    }

    #[test]
    fn a_zone_that_no_network_has_names_in_is_said_beside_how_it_stands() {
        let mut server = server(Key::Good, Asked::HasIt, None);
        server.zones[0].used = false;
        assert_eq!(codes(server.clone(), false), [(Code::PublishZone, Grade::Note), FINE]);
        assert!(judge(&[server], false)[0].mend.contains("domain = \"lab.example\""));
    }
}
