//! Boots: each one story, as data, as text and as a picture.
//!
//! Names that machines send stand in all three: the picture goes out under a policy that lets nothing
//! but its own style sheet work.

use super::machines::{hardware, unknown};
use super::{Asked, State, ask, findings};
use crate::contract::shape::{Drawn, Said};
use crate::types::{BootShown, BootView, DiagnosisView};
use crate::{House, Problem};
use aws_lc_rs::digest;
use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use engine::Engine;
use engine::story::picture;
use model::story::{BootStage, Glance, How};
use model::{BootId, HardwareAddress, Now, Story};
use schemars::JsonSchema;
use serde::Deserialize;

/// Boots that a list shows at most.
const LISTED_MAX: usize = 1_000;
/// So many where nobody says how many.
const LISTED: usize = 100;

/// Which boots are listed, and how many.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// So many at most: from 1 to 1000; 100 without it.
    limit: Option<usize>,
    /// Those of this machine alone.
    machine: Option<String>,
    /// Those that ended so, as far as can be said now.
    ending: Option<How>,
    /// Those that came so far, and no further.
    furthest: Option<BootStage>,
    /// Those that were heard at this moment (RFC 3339) or later.
    since: Option<String>,
    /// Those that began at this moment (RFC 3339) or before.
    before: Option<String>,
    /// Those of which is said what they died of, or those of which it is not.
    diagnosed: Option<bool>,
    /// All that are remembered, instead of the newest of each machine.
    #[serde(default)]
    all: bool,
}

impl Which {
    /// The times that are asked for: since when, and until when it began.
    fn times(&self) -> Result<(Now, Now), Problem> {
        let read = |text: &Option<String>, or: Now| match text {
            None => Ok(or),
            Some(text) => text.parse().map_err(Problem::malformed),
        };
        Ok((read(&self.since, Now(0))?, read(&self.before, Now(u64::MAX))?))
    }
}

/// The newest boot of each machine that he sees, or all, the last heard first.
pub async fn list(
    State(house): State<House>,
    Asked(which): Asked<Which>,
) -> Result<Json<Vec<BootView>>, Problem> {
    let limit = which.limit.unwrap_or(LISTED);
    if !(1..=LISTED_MAX).contains(&limit) {
        return Err(Problem::malformed(format!("`limit` takes a number from 1 to {LISTED_MAX}")));
    }
    let (since, before) = which.times()?;
    let machine = match which.machine.clone() {
        None => None,
        // Of what he does not see he does not hear whether it is there.
        Some(named) => Some(seen(&house, named).await?),
    };
    let (asker, site) = (house.asker.clone(), house.site.clone());
    let views = ask(&house, move |engine, _| {
        let of = |other: &HardwareAddress| {
            machine.is_none_or(|machine| machine == *other) && sees(engine, &asker, other)
        };
        let wanted = |boot: &Glance| {
            which.ending.is_none_or(|how| boot.ending.how() == how)
                && which.furthest.is_none_or(|stage| boot.furthest == stage)
                && which.diagnosed.is_none_or(|judged| boot.diagnosis.is_some() == judged)
                && boot.until >= since
                && boot.from <= before
        };
        let found = site.glances((which.all, limit), of, wanted).into_iter();
        found.map(|boot| view(engine, boot)).collect()
    });
    views.await.map(Json)
}

/// All boots of a machine that are remembered, oldest first.
pub async fn of_machine(
    State(house): State<House>,
    Path(named): Path<String>,
) -> Result<Json<Vec<BootShown>>, Problem> {
    let machine = hardware(&house, named).await?;
    let name = ask(&house, move |engine, _| name(engine, &machine)).await?;
    let told = house.site.boots_of(&machine);
    Ok(Json(told.into_iter().map(|story| BootShown::new(story, name.clone())).collect()))
}

/// `?boot=ID`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhichBoot {
    /// The boot; without it the newest of the machine.
    boot: Option<BootId>,
}

/// What a boot of a machine died of, with what shows it and what to do.
pub async fn diagnosis(
    State(house): State<House>,
    Path(named): Path<String>,
    Asked(which): Asked<WhichBoot>,
) -> Result<Json<DiagnosisView>, Problem> {
    let machine = hardware(&house, named).await?;
    let examined = house.site.examine(machine, which.boot).await?;
    let examined = examined.ok_or_else(|| {
        Problem::missing(match which.boot {
            Some(boot) => format!("no boot {boot} of {machine} is remembered"),
            None => format!("no boot of {machine} is remembered"),
        })
        .hint(
            "boots are remembered from the server's start on: switch the machine on and ask again; if \
             nothing of it arrives at all, `bootwright doctor` looks at the server's side",
        )
    })?;
    let first = examined.diagnoses.first().cloned();
    let (name, mend) = ask(&house, move |engine, _| {
        let mend = first.and_then(|first| findings::mend_of(engine, &machine, &first));
        (name(engine, &machine), mend)
    })
    .await?;
    Ok(Json(DiagnosisView::new(examined, name, mend)))
}

/// One boot. `.svg` or `.txt` behind its name, or what the request accepts, say how it is shown.
pub async fn show(
    State(house): State<House>,
    Path(named): Path<String>,
    headers: HeaderMap,
) -> Result<Said<Drawn<BootShown>>, Problem> {
    let (id, form) = match named.rsplit_once('.') {
        Some((id, "svg")) => (id, Form::Svg),
        Some((id, "txt")) => (id, Form::Text),
        _ => (named.as_str(), Form::accepted(&headers)),
    };
    let none = || {
        let shown = model::text::show(id.as_bytes());
        Problem::missing(format!("no boot `{shown}` is remembered")).hint(
            "bootwright boot list shows the newest of each machine; what was before the server's \
             start, or too many boots ago, is forgotten",
        )
    };
    let story = id.parse::<BootId>().ok().and_then(|id| house.site.boot(id)).ok_or_else(none)?;
    let (asker, machine) = (house.asker.clone(), story.machine);
    let name = ask(&house, move |engine, _| {
        sees(engine, &asker, &machine).then(|| name(engine, &machine))
    });
    let name = name.await?.ok_or_else(none)?;
    Ok(Said::new(form.of(BootShown::new(story, name))))
}

/// The hardware address of a machine that he sees, by anything that names it; or any MAC.
async fn seen(house: &House, named: String) -> Result<HardwareAddress, Problem> {
    let (asker, by) = (house.asker.clone(), named.clone());
    let seen = ask(house, move |engine, _| {
        engine.machine(&by).filter(|machine| asker.sees(machine)).map(|machine| machine.hardware)
    });
    seen.await?.or_else(|| named.parse().ok()).ok_or_else(|| unknown(&named))
}

fn view(engine: &Engine, boot: Glance) -> BootView {
    let name = name(engine, &boot.machine);
    let died_of = boot.diagnosis.as_ref();
    let mend = died_of.and_then(|one| findings::mend_of(engine, &boot.machine, one));
    BootView::new(boot, name, mend)
}

/// Whether he sees a machine. One that is not filed any more nobody sees whose part of the fleet has
/// limits.
fn sees(engine: &Engine, asker: &crate::asker::Asker, machine: &HardwareAddress) -> bool {
    let all = asker.scope().is_all();
    engine.machine_of(machine).map_or(all, |machine| asker.sees(machine))
}

fn name(engine: &Engine, machine: &HardwareAddress) -> Option<String> {
    engine.machine_of(machine).and_then(|machine| machine.name.clone())
}

/// How a boot is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Json,
    Svg,
    Text,
}

impl Form {
    /// What a request accepts (RFC 9110, 12.5.1): the first of the most wanted, JSON if none is.
    fn accepted(headers: &HeaderMap) -> Self {
        let all = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut best = (0.0, Self::Json);
        for range in all.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let form = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "image/svg+xml" | "image/*" => Self::Svg,
                "text/plain" | "text/*" => Self::Text,
                "application/json" | "application/*" | "*/*" => Self::Json,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            let weight = weight.unwrap_or(1.0);
            if weight > best.0 {
                best = (weight, form);
            }
        }
        best.1
    }

    fn of(self, boot: BootShown) -> Response {
        let name = boot.name.as_deref();
        let mut response = match self {
            Self::Json => Json(boot).into_response(),
            Self::Text => text(&boot.story, name).into_response(),
            Self::Svg => {
                let media = (header::CONTENT_TYPE, "image/svg+xml");
                let policy = (header::CONTENT_SECURITY_POLICY, only_its_style());
                ([media], [policy], picture::svg(&boot.story, name)).into_response()
            }
        };
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
        response
    }
}

fn text(story: &Story, name: Option<&str>) -> String {
    let mut text = picture::text(story, name).join("\n");
    text.push('\n');
    text
}

/// A policy by which nothing of a picture works but the style sheet that we put into it.
fn only_its_style() -> String {
    let hash = digest::digest(&digest::SHA256, picture::STYLE.as_bytes());
    let hash = base64(hash.as_ref());
    format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; sandbox")
}

/// Base 64 with padding (RFC 4648, 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0_usize, |n, byte| n << 8 | usize::from(*byte));
        let number = number << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS.get(number >> (18 - 6 * place) & 63).copied();
            let digit = digit.filter(|_| place <= three.len());
            out.push(char::from(digit.unwrap_or(b'=')));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_accepts_says_how_a_boot_is_shown() {
        let form = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            Form::accepted(&headers)
        };
        assert_eq!(Form::accepted(&HeaderMap::new()), Form::Json);
        for (accept, shown) in [
            ("*/*", Form::Json),
            ("application/json", Form::Json),
            ("image/svg+xml", Form::Svg),
            ("image/avif,image/webp,image/svg+xml,image/*,*/*;q=0.8", Form::Svg),
            ("text/html,application/xml;q=0.9,*/*;q=0.8", Form::Json),
            ("text/plain; q=0.5, application/json;q=0.4", Form::Text),
            ("image/png", Form::Json),
            ("image/svg+xml;q=0", Form::Json),
            ("TEXT/PLAIN;q=x", Form::Text),
        ] {
            assert_eq!(form(accept), shown, "{accept}");
        }
    }

    #[test]
    fn base_64_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
