//! `dns`: names, what they answer, and why.

use super::{change, destroy, with};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{
    DnsAnswer, DnsCacheView, DnsStatus, NameRefusedView, NameView, PublishAbandoned,
    PublishFailing, PublishView, RecordView, RecordWish, UpstreamView,
};
use clap::{Args, Subcommand};
use hyper::Method;
use model::url::part;
use std::net::IpAddr;

/// So many questions that were refused lately are shown; the API and `--json` have all that are remembered.
const REFUSED_SHOWN: usize = 5;

/// What can be done with names.
#[derive(Debug, Subcommand)]
pub enum Dns {
    /// Show where names are answered, who is asked for others, and who wants a name that another has.
    Status(Json),
    /// List all names of our zones, and why they answer.
    List(Json),
    /// Show what a question gets, and why: by the same decision that answers it.
    Explain(Explain),
    /// Records that operators add.
    #[command(subcommand)]
    Record(Record),
}

/// A question.
#[derive(Debug, Args)]
pub struct Explain {
    /// The name that is asked for.
    name: String,
    /// The type: A, AAAA, PTR, SRV, TXT, ...
    #[arg(long = "type", value_name = "TYPE", default_value = "A")]
    kind: String,
    /// Who asks; without it, somebody in the first network where names are answered.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
    #[command(flatten)]
    json: Json,
}

/// What can be done with records.
#[derive(Debug, Subcommand)]
pub enum Record {
    /// Add a record to a name in the domain of a network.
    Add(Add),
    /// List all records that operators added.
    List(Json),
    /// Remove the records of a name.
    Remove {
        /// The name.
        name: String,
        /// Only records of this type.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        /// Only the record that says this.
        #[arg(long)]
        data: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// A new record.
#[derive(Debug, Args)]
#[command(after_help = "Types: A, AAAA, CNAME, TXT, SRV (priority weight port host).\n\
bootwright dns record add _ldap._tcp.lab.example SRV 0 5 389 ldap.lab.example")]
pub struct Add {
    /// The name, in the domain of a network.
    name: String,
    /// A, AAAA, CNAME, TXT or SRV.
    #[arg(value_name = "TYPE")]
    kind: String,
    /// What it says.
    #[arg(required = true)]
    data: Vec<String>,
    /// For how many seconds it may be remembered.
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
    #[command(flatten)]
    dry: Dry,
}

impl Dns {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Status(json) => status(client, json).await,
            Self::List(json) => {
                let all: Vec<NameView> = client.get("/dns/names").await?;
                let head = ["NAME", "TYPE", "DATA", "TTL", "WHY"];
                say::listing(json.json, &all, head, |n| {
                    [
                        n.name.clone(),
                        n.kind.clone(),
                        n.data.clone(),
                        n.ttl_s.to_string(),
                        n.because.clone(),
                    ]
                })
            }
            Self::Explain(explain) => explain.run(client).await,
            Self::Record(record) => record.run(client).await,
        }
    }
}

async fn status(client: &Client, json: Json) -> Result<(), Failure> {
    let status: DnsStatus = client.get("/dns").await?;
    if json.json {
        return say::json(&status);
    }
    let DnsStatus { on, interfaces, zones, serial, records, upstreams, cache, .. } = status;
    if on {
        let links = interfaces.join(", ");
        say::line(format!("answered on {links}: {records} records, serial {serial}"));
        say::line(format!("zones: {}", zones.join(", ")));
        if upstreams.is_empty() {
            say::line("nobody is asked for other names");
        }
        upstreams.into_iter().for_each(say_upstream);
        cache.into_iter().for_each(say_cache);
    } else {
        say::line("names are not answered");
        if status.publish.is_empty() {
            say::note("hint: [dns] with listen = true in the configuration answers them");
        }
    }
    status.publish.into_iter().for_each(say_published);
    for PublishAbandoned { server, zone, names } in status.abandoned {
        say::line(format!(
            "{names} names of {zone} were published at {server}, which the configuration does not name \
             any more: they stay there"
        ));
        say::note("hint: remove them there, or name that server and zone in [[dns.publish]] again");
    }
    for one in status.lost {
        let who = one.hardware.unwrap_or_else(|| one.address.to_string());
        say::line(format!("{who} ({}) does not have {}: {}", one.address, one.name, one.why));
    }
    for one in status.refused.iter().take(REFUSED_SHOWN) {
        let NameRefusedView { last, from, name, kind, ends, because, times } = one;
        let times = if *times > 1 { format!(", {times} times") } else { String::new() };
        say::line(format!("refused {from} at {last}{times}: {name} {kind}: {ends}, {because}"));
    }
    Ok(())
}

fn say_upstream(one: UpstreamView) {
    let took = one.took_ms.map(|ms| format!(" in {ms} ms")).unwrap_or_default();
    let how = match (one.up, one.answered, one.why) {
        (true, Some(at), None) => format!("answered {at}{took}"),
        (true, _, Some(why)) => format!("did not answer the last time: {why}"),
        (true, None, None) => "not asked yet".to_owned(),
        (false, _, why) => format!("does not answer: {}", why.unwrap_or_default()),
    };
    say::line(format!("asks {}: {how}", one.at));
}

fn say_cache(cache: DnsCacheView) {
    let DnsCacheView { kept, most, hits, misses, ended, displaced } = cache;
    say::line(format!(
        "remembers {kept} answers of {most} at most; {hits} hits, {misses} misses; {ended} ended, \
         {displaced} made room"
    ));
}

fn say_published(one: PublishView) {
    let PublishView { server, zone, published, waiting, left_out, foreign, refused, done, failing } =
        one;
    let last = done.map_or_else(|| "nothing done yet".to_owned(), |at| format!("last done {at}"));
    say::line(format!("publishes {zone} at {server}: {published} names, {waiting} wait; {last}"));
    if let Some(PublishFailing { since, why, hint, again }) = failing {
        say::line(format!("  fails since {since}: {why}; again {again}"));
        say::note(format!("hint: {hint}"));
    }
    if left_out > 0 {
        say::line(format!("  {left_out} names more than one zone is told of"));
    }
    foreign.iter().for_each(|name| say::line(format!("  {name} is somebody else's there")));
    refused.iter().for_each(|name| say::line(format!("  refused: {name}")));
}

impl Explain {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let Self { name, kind, from, json } = self;
        let mut path = with(&with("/dns/explain", "name", &name), "kind", &kind);
        if let Some(from) = from {
            path = with(&path, "from", &from.to_string());
        }
        let answer: DnsAnswer = client.get(&path).await?;
        if json.json {
            return say::json(&answer);
        }
        let DnsAnswer { name, kind, from, ends, answers, asks, because } = answer;
        let end = match ends.as_str() {
            "forward" => format!("asks {}", asks.join(", ")),
            "silence" => "no answer".to_owned(),
            code => code.to_owned(),
        };
        say::line(format!("{from} asks for {name} {kind}: {end}"));
        answers.iter().for_each(|answer| say::line(format!("  {answer}")));
        say::line(format!("because {because}"));
        Ok(())
    }
}

impl Record {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Add(Add { name, kind, data, ttl, dry }) => {
                let wish = RecordWish { name, kind, data: data.join(" "), ttl_s: ttl };
                change(client, Method::POST, "/dns/records", dry, Some(&wish)).await
            }
            Self::List(json) => {
                let all: Vec<RecordView> = client.get("/dns/records").await?;
                say::listing(json.json, &all, ["NAME", "TYPE", "DATA", "TTL"], |r| {
                    [r.name.clone(), r.kind.clone(), r.data.clone(), r.ttl_s.to_string()]
                })
            }
            Self::Remove { name, kind, data, sure } => {
                let mut path = format!("/dns/records/{}", part(&name));
                if let Some(kind) = kind {
                    path = with(&path, "kind", &kind);
                }
                if let Some(data) = data {
                    path = with(&path, "data", &data);
                }
                destroy(client, &[path], sure).await
            }
        }
    }
}
