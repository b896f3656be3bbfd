//! One visit to a service: log in, ask, log out.
//!
//! In: an account, requests. Out: resources, or why not, in words. Never: a session left behind
//! (iDRAC has eight), a login tried twice (BMCs lock accounts), a secret in what a service said.

use super::line::{Answer, Ask, Bmc, Line};
use super::{Account, Login, RedfishError, json, place};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use model::text::show;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Where every service begins (DSP0266, 6.2).
const ROOT: &str = "/redfish/v1/";
/// Where sessions are made, if the root does not say.
const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
/// The field that carries a session's token.
const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
/// How long whoever logs out waits for the answer.
const LEAVE_MAX: Duration = Duration::from_secs(5);
/// How often a GET is repeated to a busy service.
const BUSY_TRIES_MAX: usize = 2;
/// Most messages of a service that are shown.
const MESSAGES_MAX: usize = 3;

/// A resource as it was read.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) path: String,
    pub(super) etag: Option<String>,
    pub(super) body: Value,
}

/// Whoever is logged in.
pub(super) struct Visit {
    line: Line,
    /// The service root.
    pub(super) root: Value,
    user: String,
    password: Arc<Secret>,
    credentials: Credentials,
}

enum Credentials {
    None,
    Basic(HeaderValue),
    Session(Session),
}

struct Session {
    token: Secret,
    /// What is deleted to log out.
    path: Option<String>,
}

impl Visit {
    /// Reads the service root and logs in.
    pub(super) async fn begin(bmc: Arc<Bmc>, account: &Account) -> Result<Self, RedfishError> {
        let mut visit = Self {
            line: Line::new(bmc),
            root: Value::Null,
            user: show(account.user.as_bytes()),
            password: Arc::clone(&account.password),
            credentials: Credentials::None,
        };
        // The root is open to all, and credentials are not sent where they are not needed.
        visit.root = visit.get(ROOT).await?.body;
        visit.login(account).await?;
        Ok(visit)
    }

    /// Logs out. That it fails is nobody's concern any more: the service ends idle sessions.
    pub(super) async fn end(mut self) {
        if let Some(ask) = self.leave() {
            drop(tokio::time::timeout(LEAVE_MAX, self.line.ask(&ask)).await);
        }
    }

    pub(super) fn bmc(&self) -> String {
        self.line.bmc().place.to_string()
    }

    pub(super) fn policy(&self) -> &super::Policy {
        &self.line.bmc().policy
    }

    /// Reads a resource.
    pub(super) async fn get(&mut self, path: &str) -> Result<Resource, RedfishError> {
        let mut ask = Ask::new(Method::GET, path);
        self.identify(&mut ask)?;
        for _ in 0..BUSY_TRIES_MAX {
            let answer = self.send(&ask).await?;
            match self.wait_of(&answer) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return self.resource(&ask, &answer),
            }
        }
        let answer = self.send(&ask).await?;
        self.resource(&ask, &answer)
    }

    /// Reads a resource that may be missing.
    pub(super) async fn get_if_there(
        &mut self,
        path: &str,
    ) -> Result<Option<Resource>, RedfishError> {
        match self.get(path).await {
            Ok(resource) => Ok(Some(resource)),
            Err(RedfishError::Refused { status: 404 | 405 | 410 | 501, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Any request; its answer whatever the status.
    pub(super) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Result<Answer, RedfishError> {
        let mut ask = Ask::new(method, path);
        ask.body = body.map(|body| Bytes::from(body.to_string()));
        if let Some(etag) = if_match {
            let etag = self.value(&ask, "its ETag", etag)?;
            ask.fields.push((header::IF_MATCH, etag));
        }
        self.identify(&mut ask)?;
        self.send(&ask).await
    }

    async fn send(&mut self, ask: &Ask) -> Result<Answer, RedfishError> {
        let sent = self.line.ask(ask).await;
        sent.map_err(|error| match error {
            RedfishError::Redirected { bmc, doing, to } => {
                RedfishError::Redirected { bmc, doing, to: self.strike(&to) }
            }
            error => error,
        })
    }

    /// The error of an answer that is none of success.
    pub(super) fn refusal(&self, doing: String, answer: &Answer) -> RedfishError {
        let bmc = self.bmc();
        let said = self.said(answer);
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            let hint = match retry_after(answer) {
                Some(pause) => format!("it asks to be tried again in {} s", pause.as_secs()),
                None => "try again later".to_owned(),
            };
            return RedfishError::Busy { bmc, said, hint };
        }
        let status = answer.status.as_u16();
        if status == 401 {
            return self.locked_out(answer);
        }
        RedfishError::Refused { bmc, doing, said, status, messages: self.messages(answer) }
    }

    /// What a service says of an answer, without what it was told in confidence.
    pub(super) fn said(&self, answer: &Answer) -> String {
        let mut all = vec![answer.status.as_u16().to_string()];
        if let Ok(body) = json::parse(&answer.bytes) {
            let told = body.pointer("/error/@Message.ExtendedInfo").and_then(Value::as_array);
            let told = told.into_iter().flatten().take(MESSAGES_MAX);
            all.extend(told.filter_map(|one| {
                let text = json::text(one, "/Message").or_else(|| json::text(one, "/MessageId"));
                text.map(|text| self.shown(text))
            }));
            if all.len() == 1 {
                all.extend(json::text(&body, "/error/message").map(|text| self.shown(text)));
            }
        }
        all.join(": ")
    }

    /// A service's text, fit to be shown, without what it was told in confidence.
    pub(super) fn shown(&self, text: &str) -> String {
        show(self.strike(text).trim().as_bytes())
    }

    /// The same of text that is fit to be shown already.
    pub(super) fn strike(&self, text: &str) -> String {
        let text = self.password.strike(text);
        match &self.credentials {
            Credentials::None => text,
            Credentials::Session(session) => session.token.strike(&text),
            Credentials::Basic(value) => {
                let coded = value.to_str().ok().and_then(|value| value.strip_prefix("Basic "));
                coded.map_or(text.clone(), |coded| text.replace(coded, "(secret)"))
            }
        }
    }

    /// The identifiers of the messages in an answer.
    fn messages(&self, answer: &Answer) -> Vec<String> {
        let Ok(body) = json::parse(&answer.bytes) else { return Vec::new() };
        let told = body.pointer("/error/@Message.ExtendedInfo").and_then(Value::as_array);
        let told = told.into_iter().flatten().take(MESSAGES_MAX);
        let mut ids: Vec<&str> = told.filter_map(|one| json::text(one, "/MessageId")).collect();
        ids.extend(json::text(&body, "/error/code").filter(|code| !ids.contains(code)));
        ids.into_iter().map(|id| self.shown(id)).collect()
    }

    pub(super) fn broken(&self, doing: String, why: impl Into<String>) -> RedfishError {
        RedfishError::Broken { bmc: self.bmc(), doing, why: why.into() }
    }

    fn resource(&self, ask: &Ask, answer: &Answer) -> Result<Resource, RedfishError> {
        if answer.status != StatusCode::OK {
            return Err(self.refusal(ask.doing(), answer));
        }
        let body = json::parse(&answer.bytes).map_err(|why| self.broken(ask.doing(), why))?;
        if !body.is_object() {
            return Err(self.broken(ask.doing(), "its answer is no object"));
        }
        let etag = answer.field(&header::ETAG).or_else(|| json::text(&body, "/@odata.etag"));
        Ok(Resource { path: answer.path.clone(), etag: etag.map(str::to_owned), body })
    }

    /// How long a busy service wants to be left alone, if that is short enough to wait.
    fn wait_of(&self, answer: &Answer) -> Option<Duration> {
        let busy = answer.status == StatusCode::SERVICE_UNAVAILABLE;
        retry_after(answer).filter(|pause| busy && *pause <= self.policy().busy_max)
    }

    async fn login(&mut self, account: &Account) -> Result<(), RedfishError> {
        let sessions = json::link(&self.root, "/Links/Sessions")
            .or_else(|| json::link(&self.root, "/SessionService").map(|_| SESSIONS.to_owned()));
        let session = match (account.login, sessions) {
            (Login::Basic, _) | (Login::Either, None) => None,
            (_, sessions) => self.open(account, sessions.as_deref().unwrap_or(SESSIONS)).await?,
        };
        self.credentials = match session {
            Some(session) => Credentials::Session(session),
            None => Credentials::Basic(basic(account).ok_or(RedfishError::Account {
                bmc: self.bmc(),
                why: "name or password has a character that HTTP cannot carry",
            })?),
        };
        Ok(())
    }

    /// Makes a session (DSP0266, 13.3.4); none where the service has no sessions and basic
    /// authentication may take their place.
    async fn open(
        &mut self,
        account: &Account,
        path: &str,
    ) -> Result<Option<Session>, RedfishError> {
        let mut ask = Ask::new(Method::POST, path);
        let body = json!({ "UserName": account.user, "Password": account.password.reveal() });
        ask.body = Some(Bytes::from(body.to_string()));
        let answer = self.send(&ask).await?;
        match answer.status.as_u16() {
            200 | 201 => {}
            // iDRAC 8: 405 (mrlhansen/idrac_exporter#132).
            404 | 405 | 501 if account.login == Login::Either => return Ok(None),
            400 | 401 | 403 => return Err(self.locked_out(&answer)),
            _ => return Err(self.refusal(ask.doing(), &answer)),
        }
        let token = answer.field(&TOKEN).filter(|token| !token.is_empty());
        let Some(token) = token else {
            return Err(self.broken(ask.doing(), "it made a session, but gave no X-Auth-Token"));
        };
        let at = answer.field(&header::LOCATION).and_then(place::path);
        let at = at
            .or_else(|| place::path(json::text(&json::parse(&answer.bytes).ok()?, "/@odata.id")?));
        Ok(Some(Session { token: Secret::new(token.to_owned()), path: at }))
    }

    /// Only what kind of message it is: its text may repeat what was sent.
    fn locked_out(&self, answer: &Answer) -> RedfishError {
        let mut said = vec![answer.status.as_u16().to_string()];
        said.extend(self.messages(answer));
        RedfishError::Login { bmc: self.bmc(), user: self.user.clone(), said: said.join(", ") }
    }

    fn identify(&self, ask: &mut Ask) -> Result<(), RedfishError> {
        match &self.credentials {
            Credentials::None => {}
            Credentials::Basic(value) => ask.fields.push((header::AUTHORIZATION, value.clone())),
            Credentials::Session(session) => {
                let mut token = self.value(ask, "its token", session.token.reveal())?;
                token.set_sensitive(true);
                ask.fields.push((TOKEN, token));
            }
        }
        Ok(())
    }

    fn value(&self, ask: &Ask, what: &str, text: &str) -> Result<HeaderValue, RedfishError> {
        let why = || format!("{what} has characters that cannot be sent back");
        HeaderValue::from_str(text).map_err(|_| self.broken(ask.doing(), why()))
    }

    /// The request that ends the session, once.
    fn leave(&mut self) -> Option<Ask> {
        let Credentials::Session(Session { path: Some(path), .. }) = &self.credentials else {
            return None;
        };
        let mut ask = Ask::new(Method::DELETE, path);
        self.identify(&mut ask).ok()?;
        self.credentials = Credentials::None;
        Some(ask)
    }
}

/// Whoever stops waiting for a visit still logs out.
impl Drop for Visit {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if let Some(ask) = self.leave() {
            let mut line = Line::new(Arc::clone(self.line.bmc()));
            runtime.spawn(async move { drop(line.ask(&ask).await) });
        }
    }
}

/// `Basic` and both in Base64 (RFC 7617).
fn basic(account: &Account) -> Option<HeaderValue> {
    let both = Zeroizing::new(format!("{}:{}", account.user, account.password.reveal()));
    let coded = Zeroizing::new(STANDARD.encode(both.as_bytes()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", coded.as_str())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Seconds only: a date would need a clock that both agree on.
pub(super) fn retry_after(answer: &Answer) -> Option<Duration> {
    answer.field(&header::RETRY_AFTER)?.trim().parse().ok().map(Duration::from_secs)
}
