//! Templates, secrets, deployments.

use super::moment;
use engine::Engine;
use model::deployment::{self, Deployment, End, State};
use model::{Batch, Now};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateView {
    /// Name.
    pub name: String,
    /// What it makes.
    pub format: String,
    /// Whether it is one of ours, and no operator has replaced it.
    pub ours: bool,
    /// Bytes.
    pub size: usize,
    /// Profiles that use it.
    pub profiles: Vec<String>,
    /// The text; only where one is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Adds a template, or replaces the one of this name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateWish {
    /// What it makes; without it, what its name ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The text.
    pub text: String,
}

/// A template, rendered for a machine; every secret is a word that says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RenderedView {
    /// The template.
    pub template: String,
    /// The name under which an installer fetches it.
    pub file: String,
    /// The text.
    pub text: String,
    /// The secrets that it asks for.
    pub secrets: Vec<String>,
    /// Where something is put in raw: template, lines.
    pub raw: Vec<String>,
}

/// A secret: that it is there, never what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecretView {
    /// Name.
    pub name: String,
    /// Always true: a secret that is listed is set.
    pub set: bool,
}

/// Sets a secret.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretWish {
    /// Its text.
    pub value: String,
}

impl std::fmt::Debug for SecretWish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Drop for SecretWish {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.value.zeroize();
    }
}

/// Arms a machine with one installation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployWish {
    /// The profile.
    pub profile: String,
    /// How long the machine may take to come, in seconds; an hour unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_s: Option<u64>,
    /// The disk that may be written to: `serial:…`, `wwn:…`, `size:100G..2T`. Without it, the setting
    /// `disk`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<String>,
    /// A code on the machine's screen has to be typed before anything is given.
    #[serde(default)]
    pub confirm_code: bool,
    /// Secrets may go over plain HTTP.
    #[serde(default)]
    pub plain_http: bool,
    /// Switch the machine on, or start it anew, when it is armed.
    #[serde(default)]
    pub power: bool,
}

/// Arms several machines, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchWish {
    /// Names, MACs, UUIDs or serials.
    pub machines: Vec<String>,
    /// With what.
    pub deploy: DeployWish,
    /// So many at once; 10 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
    /// After so many failures nobody else's turn comes; 3 unless said, 0 never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_after: Option<u32>,
}

/// Arms a machine with something to boot once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BootOnceWish {
    /// A profile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// or an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How long the machine may take to come, in seconds; an hour unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_s: Option<u64>,
    /// Switch the machine on, or start it anew, when it is armed.
    #[serde(default)]
    pub power: bool,
}

/// The code on a machine's screen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeWish {
    /// Six digits.
    pub code: String,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentView {
    /// `d17`.
    pub id: String,
    /// The machine's hardware address.
    pub mac: String,
    /// Its name.
    pub name: Option<String>,
    /// `install`, or `once` for something to boot once.
    pub kind: String,
    /// Profile.
    pub profile: Option<String>,
    /// Image.
    pub image: String,
    /// Version of the image.
    pub version: u32,
    /// `armed`, `claimed`, `begun`, `done`, `failed`, `expired`, `cancelled`, `frozen`.
    pub state: String,
    /// Where it stands, in words.
    pub standing: String,
    /// The disk that may be written to.
    pub disk: Option<String>,
    /// Secrets that its answer files hold, by name.
    pub secrets: Vec<String>,
    /// Whether these may go over plain HTTP.
    pub plain_http: bool,
    /// Whether a code from the machine's screen has still to be typed.
    pub waits_for_code: bool,
    /// Who armed it.
    pub by: String,
    /// When.
    pub armed: String,
    /// Until when it may begin.
    pub until: String,
    /// The address that was given its script.
    pub holder: Option<String>,
    /// When it began.
    pub begun: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// How long it took, in seconds.
    pub took_s: Option<u64>,
    /// When its machine was last heard of it.
    pub heard: Option<String>,
    /// What it said then: the end of its log, if it failed.
    pub says: String,
    /// The files that were fetched.
    pub files: Vec<String>,
    /// The batch it is a part of.
    pub batch: Option<String>,
}

impl DeploymentView {
    /// A deployment as operators see it.
    pub fn new(engine: &Engine, of: &Deployment) -> Self {
        let install = of.install.as_ref();
        let (heard, says) = of.last_words().map_or((None, ""), |(at, says)| (Some(at), says));
        let confirm = install.and_then(|install| install.confirm);
        let named = engine.machine_of(&of.machine).and_then(|machine| machine.name.clone());
        Self {
            id: of.shown(),
            mac: of.machine.to_string(),
            name: named,
            kind: if install.is_some() { "install" } else { "once" }.to_owned(),
            profile: of.boots.profile.clone(),
            image: of.boots.image.clone(),
            version: of.boots.version,
            state: word(of.state()).to_owned(),
            standing: of.standing(),
            disk: install.map(|install| install.disk.clone()),
            secrets: install.map(|install| install.secrets.clone()).unwrap_or_default(),
            plain_http: install.is_some_and(|install| install.plain_http),
            waits_for_code: confirm.is_some_and(|confirm| confirm.typed.is_none()) && !of.is_over(),
            by: of.by.clone(),
            armed: moment(of.armed),
            until: moment(of.until),
            holder: of.holder().map(|holder| holder.to_string()),
            begun: of.begun().map(moment),
            ended: ended(of).map(moment),
            took_s: of.took().map(|took| took.as_secs()),
            heard: heard.map(moment),
            says: says.to_owned(),
            files: of.files().map(|(file, at)| format!("{file} at {at}")).collect(),
            batch: of.batch.map(|id| format!("b{id}")),
        }
    }
}

fn ended(of: &Deployment) -> Option<Now> {
    match of.state() {
        State::Ended { at, .. } => Some(*at),
        _ => None,
    }
}

fn word(state: &State) -> &'static str {
    match state {
        State::Armed => "armed",
        State::Claimed { .. } => "claimed",
        State::Begun { .. } => "begun",
        State::Ended { how, .. } => match how {
            End::Done => "done",
            End::Failed { .. } => "failed",
            End::Expired => "expired",
            End::Cancelled { .. } => "cancelled",
            End::Frozen { .. } => "frozen",
        },
    }
}

/// A batch of deployments, and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchView {
    /// `b3`.
    pub id: String,
    /// Profile.
    pub profile: String,
    /// Who started it.
    pub by: String,
    /// When.
    pub begun: String,
    /// So many at once.
    pub at_once: u32,
    /// After so many failures it pauses; 0 never.
    pub pause_after: u32,
    /// Whether it is paused.
    pub paused: bool,
    /// Machines in all.
    pub machines: usize,
    /// Whose turn has not come.
    pub waiting: usize,
    /// Armed or under way.
    pub running: usize,
    /// Done.
    pub done: usize,
    /// Failed, frozen, expired, or not to be armed.
    pub failed: usize,
    /// Cancelled.
    pub cancelled: usize,
    /// Each machine whose turn came; only where one batch is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<DeploymentView>,
}

impl BatchView {
    /// A batch as operators see it; `whole` adds its deployments.
    pub fn new(engine: &Engine, batch: &Batch, whole: bool) -> Self {
        let turns = || batch.turns.iter().filter_map(|(_, id)| engine.deployment(*id));
        let count =
            |wanted: &dyn Fn(&State) -> bool| turns().filter(|of| wanted(of.state())).count();
        let cancelled = |s: &State| matches!(s, State::Ended { how: End::Cancelled { .. }, .. });
        Self {
            id: format!("b{}", batch.id),
            profile: batch.profile.clone(),
            by: batch.by.clone(),
            begun: moment(batch.begun),
            at_once: batch.at_once,
            pause_after: batch.pause_after,
            paused: batch.paused,
            machines: batch.turns.len().saturating_add(batch.waiting.len()),
            waiting: batch.waiting.len(),
            running: count(&|s| !matches!(s, State::Ended { .. })),
            done: count(&|s| matches!(s, State::Ended { how: End::Done, .. })),
            failed: usize::try_from(engine.failures(batch)).unwrap_or(usize::MAX),
            cancelled: count(&cancelled),
            deployments: match whole {
                true => turns().map(|of| DeploymentView::new(engine, of)).collect(),
                false => Vec::new(),
            },
        }
    }
}

/// The number of a batch by what it is called: `b3`.
pub fn batch_number(text: &str) -> Option<u32> {
    text.strip_prefix('b')?.parse().ok()
}

/// The number of a deployment by what it is called: `d17`.
pub fn deployment_number(text: &str) -> Option<u32> {
    deployment::number(text)
}
