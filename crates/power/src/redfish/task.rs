//! What a service took on and does later (DSP0266, 12.2: 202 and a task monitor).
//!
//! In: an answer. Out: how it ended. Never: a task watched without end.

use super::line::Answer;
use super::visit::{Visit, retry_after};
use super::{RedfishError, json, place};
use crate::switch::Outcome;
use hyper::Method;
use hyper::header;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// Most looks at one task, however short the pause between.
const LOOKS_MAX: usize = 1000;

/// Waits for the end of what was asked.
pub(super) async fn finish(
    visit: &mut Visit,
    doing: &str,
    answer: Answer,
) -> Result<Outcome, RedfishError> {
    match answer.status.as_u16() {
        202 => {}
        200 | 201 | 204 => return Ok(Outcome::Done),
        _ => return Err(visit.refusal(doing.to_owned(), &answer)),
    }
    let Some(path) = monitor(&answer) else { return Ok(Outcome::Accepted) };
    let begin = Instant::now();
    let (every, most) = (visit.policy().poll_every, visit.policy().task_max);
    let mut state = "accepted".to_owned();
    let mut pause = retry_after(&answer).unwrap_or_default().max(every);
    for _ in 0..LOOKS_MAX {
        let left = most.saturating_sub(begin.elapsed());
        if left.is_zero() {
            break;
        }
        tokio::time::sleep(pause.min(left)).await;
        let looked = visit.ask(Method::GET, &path, None, None).await?;
        pause = retry_after(&looked).unwrap_or_default().max(every);
        match look(visit, doing, &looked)? {
            Look::Ended(outcome) => return Ok(outcome),
            Look::Running(now) => state = now,
        }
    }
    let after =
        Duration::from_millis(u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX));
    Err(RedfishError::TaskEndless { bmc: visit.bmc(), doing: doing.to_owned(), state, path, after })
}

enum Look {
    Running(String),
    Ended(Outcome),
}

/// One look. Monitors answer 202 until the end, and then with the answer of what was asked; some
/// services (iDRAC) give the task itself instead, which answers 200 all the time.
fn look(visit: &Visit, doing: &str, looked: &Answer) -> Result<Look, RedfishError> {
    let status = looked.status.as_u16();
    // A monitor that is gone was forgotten with its task: how it ended nobody knows.
    if matches!(status, 404 | 410) {
        return Ok(Look::Ended(Outcome::Accepted));
    }
    if status == 503 {
        return Ok(Look::Running("busy".to_owned()));
    }
    let failed =
        |said| RedfishError::TaskFailed { bmc: visit.bmc(), doing: doing.to_owned(), said };
    if !looked.status.is_success() {
        return Err(failed(visit.said(looked)));
    }
    let body = json::parse(&looked.bytes).unwrap_or(Value::Null);
    match json::text(&body, "/TaskState") {
        Some("Completed") if json::text(&body, "/TaskStatus") == Some("Critical") => {
            Err(failed(ended(visit, &body)))
        }
        Some("Completed") => Ok(Look::Ended(Outcome::Done)),
        Some("Exception" | "Killed" | "Cancelled") => Err(failed(ended(visit, &body))),
        Some(_) => Ok(Look::Running(json::shown(&body, "/TaskState").unwrap_or_default())),
        None if status == 202 => Ok(Look::Running("accepted".to_owned())),
        None => Ok(Look::Ended(Outcome::Done)),
    }
}

/// What a task says of its end.
fn ended(visit: &Visit, body: &Value) -> String {
    let state = json::shown(body, "/TaskState").unwrap_or_default();
    let message = json::text(body, "/Messages/0/Message");
    match message.or_else(|| json::text(body, "/Messages/0/MessageId")) {
        Some(why) => format!("{state}: {}", visit.shown(why)),
        None => state,
    }
}

/// Where to look how far it is.
fn monitor(answer: &Answer) -> Option<String> {
    let location = answer.field(&header::LOCATION).and_then(place::path);
    location.or_else(|| {
        let body = json::parse(&answer.bytes).ok()?;
        let at = json::text(&body, "/TaskMonitor").or_else(|| json::text(&body, "/@odata.id"))?;
        place::path(at)
    })
}
