//! `link`: who else speaks on our links, and how our answers compare where we only listen.

use crate::cli::Json;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{AgreementView, LinkView, OtherServerView};
use clap::{Args, Subcommand};
use model::HardwareAddress;
use model::listen::Asker;

/// What can be asked of links.
#[derive(Debug, Subcommand)]
pub enum Link {
    /// Show other DHCP and boot servers that were heard, and whether they belong there.
    Show(Which),
    /// Where we only listen: show how often the server there said what we would have said.
    ///
    /// An exchange agrees if a machine would do the same with our answer. Exit code 1 if any differed.
    Agreement(Which),
}

/// Which links.
#[derive(Debug, Args)]
pub struct Which {
    /// Its interface; all without it.
    interface: Option<String>,
    #[command(flatten)]
    json: Json,
}

impl Link {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Show(which) => {
                let all = which.links(client).await?;
                if which.json.json {
                    return say::json(&all);
                }
                all.iter().for_each(|link| lines_of(link).iter().for_each(say::line));
                Ok(())
            }
            Self::Agreement(which) => agreement(client, &which).await,
        }
    }
}

impl Which {
    async fn links(&self, client: &Client) -> Result<Vec<LinkView>, Failure> {
        let mut all: Vec<LinkView> = client.get("/links").await?;
        let names: Vec<String> = all.iter().map(|link| link.interface.clone()).collect();
        if let Some(interface) = &self.interface {
            all.retain(|link| link.interface == *interface);
            if all.is_empty() {
                let why = format!("no network of the configuration is on `{interface}`");
                return Err(Failure::refused(why).hint(format!("links: {}", names.join(", "))));
            }
        }
        Ok(all)
    }
}

fn lines_of(link: &LinkView) -> Vec<String> {
    let mut lines = vec![format!("{}: mode {}", link.interface, link.modes.join(", "))];
    if link.others.is_empty() {
        lines.push("  no other DHCP or boot server, and no router, was heard".to_owned());
    }
    for other in &link.others {
        lines.push(format!("  {}  {}", other.standing, named(other)));
        lines.push(format!("    {}", other.means));
        let clients = match other.clients.last() {
            Some(last) => format!(", to {} machines, last {last}", other.clients.len()),
            None => String::new(),
        };
        lines.push(format!(
            "    {} replies{clients}; machines took its offer {} times; heard {} to {}",
            other.replies, other.taken, other.first, other.last
        ));
        if let Some(offered) = &other.offered {
            lines.push(format!("    its last offer: {offered}"));
        }
    }
    lines
}

fn named(other: &OtherServerView) -> String {
    model::other::named(other.server, other.from, other.mac.as_ref())
}

async fn agreement(client: &Client, which: &Which) -> Result<(), Failure> {
    let all = which.links(client).await?;
    let listens = |link: &&LinkView| link.modes.iter().any(|mode| mode == "listen");
    let listening: Vec<&LinkView> = all.iter().filter(listens).collect();
    if which.json.json {
        say::json(&listening)?;
    } else if listening.is_empty() {
        say::note("we listen only on no link: set mode = \"listen\" in its [[network]]");
    } else {
        for link in &listening {
            report(link).iter().for_each(say::line);
        }
    }
    let sums = listening.iter().flat_map(|link| link.agreement.iter().chain(&link.agreement_ipv6));
    match sums.map(|sum| sum.differed).sum::<u64>() {
        0 => Ok(()),
        1 => Err(Failure::failed("one exchange differs")),
        more => Err(Failure::failed(format!("{more} exchanges differ"))),
    }
}

fn report(link: &LinkView) -> Vec<String> {
    let over_ipv6 = format!("{} over IPv6", link.interface);
    let sums = [(&link.interface, &link.agreement), (&over_ipv6, &link.agreement_ipv6)];
    let sums = sums.into_iter().filter_map(|(name, sum)| Some((name, sum.as_ref()?)));
    let lines: Vec<String> = sums.flat_map(|(name, sum)| lines_of_sum(name, sum)).collect();
    match lines.is_empty() {
        true => vec![format!("{}: nothing was compared yet", link.interface)],
        false => lines,
    }
}

fn lines_of_sum(name: &str, sum: &AgreementView) -> Vec<String> {
    let AgreementView { agreed, differed, unheard, .. } = sum;
    let compared = agreed.saturating_add(*differed);
    let mut lines = vec![
        format!(
            "{name}: as {}, {agreed} of {compared} exchanges agree ({}), {} to {}",
            sum.listen_as,
            share(*agreed, compared),
            sum.since,
            sum.last
        ),
        format!("  {unheard} more were answered by nobody that we hear"),
    ];
    for seen in &sum.differences {
        lines.push(format!("  {} times {}", seen.count, seen.example));
        let client = client_of(seen.machine, seen.duid.as_ref());
        lines.push(format!("    last for {client} at {}", seen.last));
    }
    if let Some(last) = &sum.last_difference {
        let client = client_of(last.machine, last.duid.as_ref());
        lines.push(format!("  the last, {} of {client} at {}", last.asked, last.at));
        lines.push(format!("    we would say  {}", last.ours));
        lines.push(format!("    they said     {}", last.theirs));
    }
    lines
}

fn client_of(machine: Option<HardwareAddress>, duid: Option<&String>) -> Asker {
    Asker { machine, duid: duid.cloned() }
}

/// `98 %`; never 100 unless it is all.
fn share(part: u64, whole: u64) -> String {
    let percent = part.saturating_mul(100).checked_div(whole);
    percent.map_or_else(|| "none yet".to_owned(), |percent| format!("{percent} %"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_whole_only_if_nothing_is_missing() {
        let shares = [(0, 0), (9_999, 10_000), (10_000, 10_000), (1, 3)];
        let shown = shares.map(|(part, whole)| share(part, whole));
        assert_eq!(shown, ["none yet", "99 %", "100 %", "33 %"]);
    }
}
