//! What another server says that a machine boots, by the API that pixiecore asks (`boot.ask`).
//!
//! In: what came back for `ASK/v1/boot/MAC`. Out: a kernel, initrds and arguments, that it has nothing,
//! or why that is no answer. Never: the asking, which takes its time and is done outside; a URL or an
//! argument that a script would read as more than one word.

use crate::Engine;
use crate::reasons::Reasons;
use model::plan::{Decision, Elsewhere};
use model::{Client, HardwareAddress, Now};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Most bytes of an answer.
pub const ANSWER_MAX: usize = 64 << 10;

/// How long an answer holds: a loader that asks twice in a row gets one script, and the next boot is
/// asked about anew.
const HOLDS: Duration = Duration::from_secs(20);

/// The same for a failure: a server that comes back is heard soon.
const FAILURE_HOLDS: Duration = Duration::from_secs(3);

/// Answers remembered; the oldest makes room.
const REMEMBERED_MAX: usize = 4096;

/// Initrds that are taken.
const INITRDS_MAX: usize = 16;

/// Bytes of a URL, and of all arguments (a kernel takes 2 KiB to 4 KiB).
const TEXT_MAX: usize = 2048;

/// What is to be asked, because a machine's script depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inquiry {
    /// The request that waits for it.
    pub ask: crate::FileAsk,
    /// The machine.
    pub machine: HardwareAddress,
    /// The URL.
    pub url: String,
}

/// What was answered lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    by_machine: BTreeMap<HardwareAddress, (Now, Said)>,
}

#[derive(Clone, Debug)]
enum Said {
    Boots(Elsewhere),
    Nothing,
    No(String),
}

/// As it comes; what else stands in it is of no use here.
#[derive(Deserialize)]
struct Spec {
    kernel: String,
    #[serde(default)]
    initrd: Vec<String>,
    #[serde(default)]
    cmdline: Cmdline,
    #[serde(default)]
    message: Option<String>,
}

/// A line, or (older, and matchbox's) its words by name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Cmdline {
    Line(String),
    Words(BTreeMap<String, Word>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Flag(bool),
    Number(i64),
    Url { url: String },
}

impl Default for Cmdline {
    fn default() -> Self {
        Self::Line(String::new())
    }
}

impl Engine {
    /// Takes in what the server of `boot.ask` answered about a machine: the body, nothing where it has
    /// nothing for it, or why there is no answer.
    pub fn heard_elsewhere(
        &mut self,
        now: Now,
        machine: HardwareAddress,
        answer: Result<Option<Vec<u8>>, String>,
    ) {
        let said = match answer {
            Ok(None) => Said::Nothing,
            Ok(Some(body)) => {
                let base = self.settings.boot.ask.as_deref().unwrap_or_default();
                read(base, &body).map_or_else(Said::No, Said::Boots)
            }
            Err(why) => Said::No(why),
        };
        let all = &mut self.elsewhere.by_machine;
        if all.len() >= REMEMBERED_MAX && !all.contains_key(&machine) {
            let oldest = all.iter().min_by_key(|(_, (at, _))| *at).map(|(machine, _)| *machine);
            oldest.map(|oldest| all.remove(&oldest));
        }
        all.insert(machine, (now, said));
    }

    /// What comes between the rules and the defaults where `boot.ask` is set: a decision, or only what to
    /// say beside the default.
    pub(crate) fn decide_elsewhere(
        &self,
        now: Now,
        client: &Client,
        reasons: &mut Reasons,
    ) -> Option<Decision> {
        let base = self.settings.boot.ask.as_ref()?;
        let heard = self.elsewhere.by_machine.get(&client.hardware);
        let holds = |(at, said): &&(Now, Said)| {
            now.since(*at) < if matches!(said, Said::No(_)) { FAILURE_HOLDS } else { HOLDS }
        };
        match heard.filter(holds).map(|(_, said)| said) {
            None => {
                reasons.note(|| {
                    format!(
                        "no rule matches; boot.ask = \"{base}\": that server says what it boots"
                    )
                });
                Some(Decision::Ask { url: url_for(base, &client.hardware) })
            }
            Some(Said::Boots(boot)) => {
                reasons.note(|| format!("no rule matches; {base} says so"));
                Some(Decision::Elsewhere(boot.clone()))
            }
            Some(Said::Nothing) => {
                reasons.note(|| format!("{base} was asked and has nothing for it"));
                None
            }
            Some(Said::No(why)) => {
                reasons.note(|| format!("{base} was asked without success: {why}"));
                None
            }
        }
    }
}

/// Where a machine is asked about.
fn url_for(base: &str, machine: &HardwareAddress) -> String {
    format!("{}/v1/boot/{machine}", base.trim_end_matches('/'))
}

fn read(base: &str, body: &[u8]) -> Result<Elsewhere, String> {
    let spec: Spec = serde_json::from_slice(body).map_err(|error| {
        format!("its answer is not of pixiecore's API (a JSON object with `kernel`): {error}")
    })?;
    if spec.initrd.len() > INITRDS_MAX {
        return Err(format!("it names more than {INITRDS_MAX} initrds"));
    }
    let args = match &spec.cmdline {
        Cmdline::Line(line) => with_urls(base, line)?,
        Cmdline::Words(words) => {
            let words: Result<Vec<String>, String> =
                words.iter().map(|(name, word)| word.shown(base, name)).collect();
            let mut words = words?;
            words.retain(|word| !word.is_empty());
            words.join(" ")
        }
    };
    Ok(Elsewhere {
        of: base.to_owned(),
        kernel: url(base, &spec.kernel)?,
        initrds: spec.initrd.iter().map(|name| url(base, name)).collect::<Result<_, _>>()?,
        args: arguments(args)?,
        message: spec.message.map(|text| model::text::show(text.as_bytes())),
    })
}

impl Word {
    fn shown(&self, base: &str, name: &str) -> Result<String, String> {
        Ok(match self {
            Self::Text(text) if text.is_empty() => name.to_owned(),
            Self::Text(text) => format!("{name}={}", with_urls(base, text)?),
            Self::Flag(true) => name.to_owned(),
            Self::Flag(false) => String::new(),
            Self::Number(number) => format!("{name}={number}"),
            Self::Url { url: to } => format!("{name}={}", url(base, to)?),
        })
    }
}

/// A line with each `{{ URL "…" }}` as the URL itself: the machine fetches it from there.
fn with_urls(base: &str, line: &str) -> Result<String, String> {
    let mut rest = line;
    let mut done = String::new();
    while let Some((before, after)) = rest.split_once("{{") {
        let unknown = || {
            let text = model::text::show(line.as_bytes());
            format!("`{text}`: of templates only {{{{ URL \"…\" }}}} is known here")
        };
        let (inside, tail) = after.split_once("}}").ok_or_else(unknown)?;
        let name = inside.trim().strip_prefix("URL").map(str::trim).ok_or_else(unknown)?;
        let name = name.strip_prefix('"').and_then(|n| n.strip_suffix('"')).ok_or_else(unknown)?;
        done.push_str(before);
        done.push_str(&url(base, name)?);
        rest = tail;
    }
    done.push_str(rest);
    Ok(done)
}

/// A URL of HTTP, absolute; `name` may be relative to the server that named it.
fn url(base: &str, name: &str) -> Result<String, String> {
    let shown = || model::text::show(name.as_bytes());
    let absolute = match name.split_once("://") {
        Some(("http" | "https", _)) => name.to_owned(),
        Some(_) => return Err(format!("`{}` is no URL of http or https", shown())),
        None => {
            let host = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            match name.strip_prefix('/') {
                Some(path) => format!("{host}/{path}"),
                None => format!("{}/{name}", base.trim_end_matches('/')),
            }
        }
    };
    let one_word = absolute.bytes().all(|byte| byte.is_ascii_graphic());
    if absolute.len() > TEXT_MAX || !one_word || absolute.contains("${") {
        return Err(format!("`{}` cannot stand in a script", shown()));
    }
    Ok(absolute)
}

/// Arguments that a loader passes on as they are.
fn arguments(text: String) -> Result<String, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let ends = text.split(' ').any(|word| matches!(word, "&&" | "||"));
    if text.len() > TEXT_MAX || !plain || ends || text.contains("${") {
        let shown = model::text::show(text.as_bytes());
        return Err(format!("its arguments cannot stand in a script: {shown}"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://10.0.0.5:8080/pixiecore";

    #[test]
    fn the_forms_of_an_answer_are_read() {
        let plain = br#"{"kernel": "https://files.example/vmlinuz", "initrd": ["/a.gz", "b.gz"],
            "cmdline": "quiet cfg={{ URL \"/cfg\" }} x", "message": "hi\u0007"}"#;
        let boot = read(BASE, plain).unwrap();
        assert_eq!(boot.kernel, "https://files.example/vmlinuz");
        assert_eq!(
            boot.initrds,
            ["http://10.0.0.5:8080/a.gz", "http://10.0.0.5:8080/pixiecore/b.gz"]
        );
        assert_eq!(boot.args, "quiet cfg=http://10.0.0.5:8080/cfg x");
        assert!(!boot.message.unwrap().contains('\u{7}'));

        let words = br#"{"kernel": "/k", "cmdline":
            {"a": "", "b": "1", "c": true, "d": false, "e": 5, "f": {"url": "/f"}}}"#;
        assert_eq!(read(BASE, words).unwrap().args, "a b=1 c e=5 f=http://10.0.0.5:8080/f");
        assert_eq!(read(BASE, br#"{"kernel": "/k"}"#).unwrap().args, "");
    }

    #[test]
    fn what_would_be_more_than_a_word_in_a_script_is_refused() {
        for bad in [
            &br#"{"kernel": "file:///etc/passwd"}"#[..],
            br#"{"kernel": "http://x/a b"}"#,
            br#"{"kernel": "http://x/${uuid}"}"#,
            br#"{"kernel": "/k\nshell"}"#,
            br#"{"kernel": "/k", "initrd": ["ftp://x/y"]}"#,
            br#"{"kernel": "/k", "cmdline": "a\nshell"}"#,
            br#"{"kernel": "/k", "cmdline": "a || shell"}"#,
            br#"{"kernel": "/k", "cmdline": "a ${next}"}"#,
            br#"{"kernel": "/k", "cmdline": "{{ ID }}"}"#,
            br#"{"kernel": "/k", "cmdline": "{{ URL \"x\""}"#,
            br#"{"kernel": 5}"#,
            br#"{"initrd": []}"#,
            b"not found",
        ] {
            assert!(read(BASE, bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        let many =
            format!(r#"{{"kernel": "/k", "initrd": [{}"/i"]}}"#, r#""/i","#.repeat(INITRDS_MAX));
        assert!(read(BASE, many.as_bytes()).unwrap_err().contains("more than"));
        let long = format!(r#"{{"kernel": "/k", "cmdline": "{}"}}"#, "x".repeat(TEXT_MAX + 1));
        assert!(read(BASE, long.as_bytes()).is_err());
    }
}
