//! A report of a machine: one file for whoever is asked for help, and for a test.

use super::machines::hardware;
use super::{Asked, State, ask};
use crate::{House, Problem, doing};
use axum::Json;
use axum::extract::Path;
use replay::Report;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `?mask=true`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct How {
    /// Makes every IPv4 and hardware address another, each always the same.
    #[serde(default)]
    mask: bool,
}

/// A report as `bootwright replay` reads it. `form` says which form it has; what else is in it is the
/// program's own and changes with that.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ReportFile(serde_json::Value);

pub async fn report(
    State(house): State<House>,
    Path(named): Path<String>,
    Asked(how): Asked<How>,
) -> Result<Json<ReportFile>, Problem> {
    let machine = hardware(&house, named).await?;
    let (parts, events) = (house.site.recorded(&machine), house.site.recent(&machine));
    let events = events.iter().map(|event| event.as_ref().clone()).collect();
    let report = ask(&house, move |engine, now| {
        let by = (now, env!("CARGO_PKG_VERSION"));
        Report::gather(engine, by, machine, parts, events)
    });
    let report = report.await?;
    // Every text is read through: that is nobody's work who answers others.
    doing::blocking(move || written(report, how.mask)).await?.map(Json)
}

fn written(report: Report, mask: bool) -> Result<ReportFile, Problem> {
    let report = report.finished();
    let report = match mask {
        true => report
            .mask()
            .map_err(|why| Problem::failed(format!("the report cannot be masked: {why}")))?,
        false => report,
    };
    let value = serde_json::to_value(&report)
        .map_err(|e| Problem::failed(format!("the report cannot be written: {e}")))?;
    Ok(ReportFile(value))
}
