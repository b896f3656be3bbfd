//! The audit log.

use super::{Asked, State, ask};
use crate::types::{AuditPage, AuditVerdict, AuditView};
use crate::{House, Problem, doing};
use axum::Json;
use engine::Now;
use model::AuditRecord;
use schemars::JsonSchema;
use serde::Deserialize;
use site::AuditEntry;

/// `?from=N&limit=N&machine=M&who=W&since=T`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The first record; 1 without it.
    from: Option<u64>,
    /// How many are looked at.
    limit: Option<usize>,
    machine: Option<String>,
    who: Option<String>,
    since: Option<String>,
}

/// The records of a page that are asked for, and where the next page begins.
pub async fn list(
    State(house): State<House>,
    Asked(which): Asked<Which>,
) -> Result<Json<AuditPage>, Problem> {
    let since: Option<Now> =
        which.since.map(|text| text.parse()).transpose().map_err(Problem::malformed)?;
    let machine = match which.machine {
        None => None,
        Some(named) => Some(names_of(&house, named).await?),
    };
    let limit = which.limit.unwrap_or(site::AUDIT_PAGE_MAX).clamp(1, site::AUDIT_PAGE_MAX);
    let page = house.site.audit(which.from.unwrap_or(1), limit).await?;
    let whole = page.len() == limit;
    let last = page.last().map(number);
    let wanted = |entry: &AuditEntry| match entry {
        AuditEntry::Unreadable(..) => true,
        AuditEntry::Record(record) => {
            since.is_none_or(|since| record.at >= since)
                && which.who.as_ref().is_none_or(|who| is_by(record, who))
                && machine.as_ref().is_none_or(|names| is_about(record, names))
        }
    };
    let records = page.iter().filter(|entry| wanted(entry)).map(AuditView::from).collect();
    let next = last.filter(|_| whole).map(|last| last.saturating_add(1));
    Ok(Json(AuditPage { records, next }))
}

fn number(entry: &AuditEntry) -> u64 {
    match entry {
        AuditEntry::Record(record) => record.seq,
        AuditEntry::Unreadable(seq, _) => *seq,
    }
}

/// A name, or that of a token's owner.
fn is_by(record: &AuditRecord, who: &str) -> bool {
    let name = record.by.name.as_str();
    name == who || name.split_once(" (token ").is_some_and(|(owner, _)| owner == who)
}

/// What a machine may be called in the log: by its address, or as somebody named it who may not.
async fn names_of(house: &House, named: String) -> Result<Vec<String>, Problem> {
    let asked = named.clone();
    let known = ask(house, move |engine, _| engine.machine(&asked).map(|m| m.hardware)).await?;
    let hardware = known.or_else(|| named.parse().ok());
    Ok(hardware.map(|h| h.to_string()).into_iter().chain([named]).collect())
}

fn is_about(record: &AuditRecord, names: &[String]) -> bool {
    let target = record.target.as_deref().unwrap_or_default();
    let all = target.split(", ").map(|about| about.strip_prefix("machine ").unwrap_or(about));
    all.into_iter().any(|about| names.iter().any(|name| name == about))
}

/// Follows the whole chain, and compares it with what was signed.
pub async fn verify(State(house): State<House>) -> Result<Json<AuditVerdict>, Problem> {
    doing::checkpoint::verify(&house).await.map(Json)
}
