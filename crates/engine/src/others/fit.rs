//! Which mode fits a link.

use model::network::Mode;
use model::other::{Fit, Standing};
use model::{Network, OtherServer};

/// What fits where these other servers were heard: two that give addresses on one link give machines what neither
/// means, and where nobody does machines get nowhere.
#[must_use]
pub fn fit(network: &Network, others: &[OtherServer]) -> Fit {
    let link = &network.interface;
    let gives = |other: &&OtherServer| {
        let over_ipv4 = other.link == *link && other.server.is_ipv4();
        over_ipv4 && other.does.addresses && other.standing != Standing::Relay
    };
    let givers: Vec<String> = others.iter().filter(gives).map(OtherServer::named).collect();
    if !givers.is_empty() {
        let verb = if givers.len() == 1 { "gives" } else { "give" };
        let who = givers.join(", ");
        let because = format!(
            "{who} {verb} addresses on {link} already: we answer boot requests beside it, and it stays as it is"
        );
        return Fit { mode: Mode::Proxy, because };
    }
    let because = match network.mode {
        Mode::Dhcp => format!("nobody else was heard to give addresses on {link}, so we give them"),
        Mode::Off => format!("{link} is not listened to, so nobody is known there"),
        _ => format!(
            "nobody was heard to give addresses on {link}, and a machine without one cannot boot: if no other server is \
             meant to, we can give them"
        ),
    };
    let mode = if network.mode == Mode::Off { Mode::Off } else { Mode::Dhcp };
    Fit { mode, because }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Now;
    use model::other::Deeds;
    use std::net::Ipv4Addr;

    fn network(mode: Mode) -> Network {
        Network::new("br0", mode, Ipv4Addr::new(10, 0, 0, 1), "10.0.0.0/24".parse().unwrap())
    }

    fn other(link: &str, addresses: bool, standing: Standing) -> OtherServer {
        OtherServer {
            link: link.to_owned(),
            server: Ipv4Addr::new(10, 0, 0, 66).into(),
            from: None,
            mac: None,
            does: Deeds { addresses, ..Deeds::default() },
            standing,
            means: String::new(),
            replies: 1,
            taken: 0,
            clients: Vec::new(),
            offered: None,
            first: Now(0),
            last: Now(0),
        }
    }

    #[test]
    fn who_gives_addresses_on_the_link_decides() {
        let fits = |mode, others: &[OtherServer]| fit(&network(mode), others);
        let there = [other("br0", true, Standing::Expected)];
        let found = fits(Mode::Auto, &there);
        assert_eq!(found.mode, Mode::Proxy);
        assert!(found.because.starts_with("10.0.0.66 gives addresses on br0 already"), "{found:?}");
        assert_eq!(fits(Mode::Dhcp, &there).mode, Mode::Proxy);
        for others in [
            &[][..],
            &[other("br1", true, Standing::Expected)],
            &[other("br0", false, Standing::Bystander)],
            &[other("br0", true, Standing::Relay)],
        ] {
            assert_eq!(fits(Mode::Auto, others).mode, Mode::Dhcp, "{others:?}");
        }
        assert_eq!(fits(Mode::Off, &[]).mode, Mode::Off);
    }
}
