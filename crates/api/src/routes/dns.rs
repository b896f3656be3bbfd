//! Names.

use super::{Asked, Dry, State, ask, command};
use crate::server::DnsNow;
use crate::types::{
    AskedForView, CountedView, DnsAnswer, DnsStatus, Done, NameLostView, NameView,
    PublishAbandoned, PublishView, RecordView, RecordWish,
};
use crate::{House, Problem, body};
use axum::Json;
use axum::extract::Path;
use engine::Command;
use engine::names::{Inquiry, Lost, Name, Names, Rules, Said, To};
use model::dns::{NameData, NameRecord, RECORD_TTL_S};
use model::text::show;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use wire::dns::{Query, Record, class, kind};

pub async fn status(State(house): State<House>) -> Result<Json<DnsStatus>, Problem> {
    let now = house.site.now();
    let publish = (house.published)();
    let abandoned = abandoned(&house, &publish).await?;
    let Some(DnsNow { names, upstreams, cache, refused }) = (house.dns)() else {
        return Ok(Json(DnsStatus { publish, abandoned, ..DnsStatus::default() }));
    };
    let counted = (house.counted)().into_iter().filter_map(|(name, says, count)| {
        let name = name.strip_prefix("dns_")?.to_owned();
        Some(CountedView { name, says: says.to_owned(), count })
    });
    Ok(Json(DnsStatus {
        on: true,
        interfaces: names.rules().interfaces.clone(),
        zones: names.zones().map(ToString::to_string).collect(),
        serial: names.serial(),
        records: names.list(now).count(),
        upstreams,
        asks: asks(names.rules()),
        cache,
        private: names.rules().private.iter().map(ToString::to_string).collect(),
        counted: counted.collect(),
        refused,
        lost: names.lost().iter().map(lost).collect(),
        publish,
        abandoned,
    }))
}

/// Domains with servers of their own first.
fn asks(rules: &Rules) -> Vec<AskedForView> {
    let texts = |all: &[SocketAddr]| all.iter().map(ToString::to_string).collect();
    let split = rules.split.iter().map(|split| AskedForView {
        domain: Some(split.domain.to_string()),
        servers: texts(&split.upstream),
    });
    let others = Some(&rules.upstream).filter(|all| !all.is_empty());
    let others = others.map(|all| AskedForView { domain: None, servers: texts(all) });
    split.chain(others).collect()
}

/// What nobody takes away any more.
async fn abandoned(
    house: &House,
    publish: &[PublishView],
) -> Result<Vec<PublishAbandoned>, Problem> {
    let told: BTreeSet<(String, String)> =
        publish.iter().map(|one| (one.server.clone(), one.zone.clone())).collect();
    let left = ask(house, move |engine, _| {
        let mut left: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (at, _) in engine.published() {
            let place = (at.server.to_string(), at.zone.clone());
            if !told.contains(&place) {
                *left.entry(place).or_default() += 1;
            }
        }
        left
    });
    let view = |((server, zone), names)| PublishAbandoned { server, zone, names };
    Ok(left.await?.into_iter().map(view).collect())
}

fn lost(lost: &Lost) -> NameLostView {
    let Lost { name, address, hardware, wants, to } = lost;
    NameLostView {
        name: name.clone(),
        address: *address,
        hardware: hardware.as_ref().map(ToString::to_string),
        wants: wants.to_string(),
        why: to.to_string(),
    }
}

/// What is asked where names are not answered.
fn answered(house: &House) -> Result<DnsNow, Problem> {
    (house.dns)().ok_or_else(|| {
        Problem::refused("names are not answered by this server")
            .hint("[dns] with listen = true in the configuration answers them")
    })
}

pub async fn names(State(house): State<House>) -> Result<Json<Vec<NameView>>, Problem> {
    let (dns, now) = (answered(&house)?, house.site.now());
    let view = |listed: engine::names::Listed<'_>| NameView {
        name: listed.name.to_string(),
        kind: listed.kind,
        data: listed.data,
        ttl_s: listed.ttl_s,
        source: listed.source.word().to_owned(),
        because: listed.source.to_string(),
    };
    Ok(Json(dns.names.list(now).map(view).collect()))
}

/// `?name=node.lab.example&kind=A&from=10.77.0.100`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The name.
    name: String,
    /// `A`, `AAAA`, `PTR`, ...; without it, `A`.
    kind: Option<String>,
    /// Who asks; without it, somebody in the first network where names are answered.
    #[schemars(with = "Option<String>")]
    from: Option<IpAddr>,
}

/// What a question gets, by the same decision that answers it.
pub async fn explain(
    State(house): State<House>,
    Asked(question): Asked<Question>,
) -> Result<Json<DnsAnswer>, Problem> {
    let dns = answered(&house)?;
    let Question { name, kind: of, from } = question;
    let shown = || show(name.as_bytes());
    let asked = Name::parse(&name)
        .ok_or_else(|| Problem::malformed(format!("`{}` is no name", shown())))?;
    let kind = of.as_deref().map_or(Some(kind::A), kind::of).ok_or_else(|| {
        let of = show(of.unwrap_or_default().as_bytes());
        Problem::malformed(format!("`{of}` is no type of a record"))
    })?;
    let first = dns.names.somebody();
    let from = from.or(first).ok_or_else(|| Problem::refused("no network is answered"))?;
    let query = Query {
        id: 0,
        opcode: 0,
        recursion_desired: true,
        checking_disabled: false,
        name: asked.as_wire(),
        kind,
        class: class::IN,
        edns: None,
    };
    let said = dns.names.answer(house.site.now(), from, &query, &mut Vec::new());
    let (ends, answers, asks, because) = in_words(&dns.names, said);
    let (name, kind) = (asked.to_string(), kind::name(kind));
    Ok(Json(DnsAnswer { name, kind, from, ends, answers, asks, because }))
}

fn in_words(names: &Names, said: Said<'_>) -> (String, Vec<String>, Vec<String>, String) {
    let all = |records: &[&Record]| records.iter().map(|record| line(record)).collect();
    match said {
        Said::Reply(reply, because) => {
            (reply.code.name().to_owned(), all(&reply.answers), Vec::new(), because.to_string())
        }
        Said::Forward(Inquiry { to, aliases }, because) => {
            let rules = names.rules();
            let servers = match to {
                To::Upstream => Some(&rules.upstream),
                To::Split(at) => rules.split.get(at).map(|split| &split.upstream),
            };
            let asks = servers.into_iter().flatten().map(ToString::to_string).collect();
            ("forward".to_owned(), all(&aliases), asks, because.to_string())
        }
        Said::Silence(why) => ("silence".to_owned(), Vec::new(), Vec::new(), why.to_string()),
    }
}

fn line(record: &Record) -> String {
    let (kind, data) = (kind::name(record.data.kind()), Names::data_in_words(&record.data));
    format!("{} {} {kind} {data}", record.name, record.ttl_s)
}

pub async fn records(State(house): State<House>) -> Result<Json<Vec<RecordView>>, Problem> {
    let all = ask(&house, |engine, _| {
        let view = |(name, record): (&str, &NameRecord)| RecordView {
            name: name.to_owned(),
            kind: record.data.kind().to_owned(),
            data: record.data.to_string(),
            ttl_s: record.ttl_s,
        };
        engine.name_records().map(view).collect()
    });
    all.await.map(Json)
}

pub async fn add(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<RecordWish>,
) -> Result<Json<Done>, Problem> {
    let RecordWish { name, kind, data, ttl_s } = wish;
    let data = NameData::parse(&kind, &data).map_err(Problem::malformed)?;
    let record = NameRecord { ttl_s: ttl_s.unwrap_or(RECORD_TTL_S), data };
    command(&house, Command::AddRecord(name, record), dry.dry_run).await.map(Json)
}

/// `?kind=A&data=10.77.0.5&dry_run=true`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Only records of this kind.
    kind: Option<String>,
    /// Only the record that says this.
    data: Option<String>,
    /// Only says what would change.
    #[serde(default)]
    dry_run: bool,
}

pub async fn remove(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(which): Asked<Which>,
) -> Result<Json<Done>, Problem> {
    let Which { kind, data, dry_run } = which;
    command(&house, Command::RemoveRecord { name, kind, data }, dry_run).await.map(Json)
}
