//! Events on their way to webhooks.
//!
//! ```text
//! site.events() ─ keep_delivering: who wants it? ─▶ desk (outbox) ─ courier ─▶ try_once ─▶ fetch::post
//!                                                     ▲                          │
//!                                                     └── tried again, or not ◀──┘
//! ```
//!
//! In: events, and the webhooks that the engine knows. Out: deliveries, one at a time for each webhook; an
//! alarm where an operator should act. Never: a webhook that waits for another, an event that waits for a
//! webhook: what is too much is dropped and counted. What waits is in memory, and lost when the server ends.

mod desk;
mod send;

use crate::types::{DeliveryView, Line, WebhookView};
use desk::Desk;
use model::{Event, Happening, Webhook};
use site::SiteHandle;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{AbortHandle, JoinSet};
use webhook::{Delivery, Step, TRIES_MAX, Trouble};

pub(crate) use send::ALLOW_PRIVATE;

/// The event of a test.
const PING: &str = "ping";
/// The event that says that others were missed.
const MISSED: &str = "missed";

/// What goes out to webhooks.
pub struct Webhooks {
    site: SiteHandle,
    /// By name of the webhook.
    desks: Mutex<BTreeMap<String, Arc<Desk>>>,
}

/// Events from a moment on.
pub struct Listener {
    events: broadcast::Receiver<Arc<Event>>,
    /// What was told before that since the server started; the end of it may come again as the first.
    before: Vec<Arc<Event>>,
}

impl Webhooks {
    /// Begins to listen; [`Self::keep_delivering`] delivers.
    #[must_use]
    pub fn open(site: SiteHandle) -> (Arc<Self>, Listener) {
        let events = site.events();
        let before = site.latest();
        let webhooks = Arc::new(Self { site, desks: Mutex::new(BTreeMap::new()) });
        (webhooks, Listener { events, before })
    }

    /// Delivers for as long as the server runs. When this is dropped, whatever is under way ends.
    pub async fn keep_delivering(self: Arc<Self>, listener: Listener) {
        let Listener { mut events, mut before } = listener;
        let mut couriers = Couriers::default();
        self.read_again(&mut couriers).await;
        before.iter().for_each(|event| self.hand_out(event));
        loop {
            match events.recv().await {
                Ok(event) if before.iter().any(|told| Arc::ptr_eq(told, &event)) => {}
                Ok(event) => {
                    before.clear();
                    // Whatever an operator changed may have been a webhook.
                    if matches!(event.what, Happening::Changed { .. }) {
                        self.read_again(&mut couriers).await;
                    }
                    self.hand_out(&event);
                }
                Err(RecvError::Lagged(missed)) => {
                    self.read_again(&mut couriers).await;
                    self.hand_out_missed(missed);
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Lets every webhook have its desk and courier, and nobody else.
    async fn read_again(self: &Arc<Self>, couriers: &mut Couriers) {
        let all = self.site.ask(|engine, _| engine.webhooks().cloned().collect::<Vec<Webhook>>());
        // Without an answer, those stay that were known.
        let Ok(all) = all.await else { return };
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        desks.retain(|name, _| {
            let stays = all.iter().any(|hook| hook.name == *name);
            if !stays && let Some(courier) = couriers.by_name.remove(name) {
                courier.abort();
            }
            stays
        });
        for hook in all {
            if let Some(desk) = desks.get(&hook.name) {
                desk.change(hook);
                continue;
            }
            let (name, desk) = (hook.name.clone(), Arc::new(Desk::new(hook)));
            let courier = couriers.tasks.spawn(Arc::clone(self).carry(Arc::clone(&desk)));
            couriers.by_name.insert(name.clone(), courier);
            desks.insert(name, desk);
        }
        // Those that were ended are let go of.
        while couriers.tasks.try_join_next().is_some() {}
    }

    /// Puts an event into the outbox of everybody who wants it.
    fn hand_out(&self, event: &Event) {
        let kind = event.what.kind();
        let wanting: Vec<Arc<Desk>> = self.desks().into_iter().filter(|d| d.wants(kind)).collect();
        if wanting.is_empty() {
            return;
        }
        // As the stream of events has it ([`Line::Event`]).
        let Ok(json) = serde_json::to_string(event) else { return };
        self.put(&wanting, kind, &json.into());
    }

    /// Says to all that more happened than could be told.
    fn hand_out_missed(&self, missed: u64) {
        let Ok(json) = serde_json::to_string(&Line::Missed { missed }) else { return };
        let enabled: Vec<Arc<Desk>> =
            self.desks().into_iter().filter(|desk| desk.hook().enabled).collect();
        self.put(&enabled, MISSED, &json.into());
    }

    fn put(&self, desks: &[Arc<Desk>], kind: &'static str, body: &Arc<str>) {
        for desk in desks {
            let delivery = Delivery::new(send::new_id(), kind, Arc::clone(body));
            if let Some(trouble) = desk.put(delivery) {
                self.tell(desk, trouble);
            }
        }
    }

    fn desks(&self) -> Vec<Arc<Desk>> {
        let desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        desks.values().cloned().collect()
    }

    fn desk(&self, name: &str) -> Option<Arc<Desk>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Sends what is at a desk, one at a time.
    async fn carry(self: Arc<Self>, desk: Arc<Desk>) {
        loop {
            let now = self.site.now();
            match desk.next(now) {
                Step::Send(delivery) => self.deliver(&desk, delivery).await,
                Step::WaitUntil(then) => {
                    drop(tokio::time::timeout(then.since(now), desk.rings()).await);
                }
                Step::Rest => desk.rings().await,
            }
        }
    }

    async fn deliver(&self, desk: &Arc<Desk>, delivery: Delivery) {
        let hook = desk.hook();
        let tried = send::try_once(&hook, &delivery, self.site.now()).await;
        let gone = tried.is_gone();
        let trouble = desk.came_back(self.site.now(), delivery, tried);
        // A receiver that was exchanged meanwhile has not said so.
        if gone && Arc::ptr_eq(&hook, &desk.hook()) {
            self.disable(&hook).await;
        } else if let Some(trouble) = trouble {
            self.tell(desk, trouble);
        }
    }

    /// The receiver said that it wants nothing more.
    async fn disable(&self, hook: &Webhook) {
        let news = engine::command::WebhookNews { enabled: Some(false), ..Default::default() };
        let name = hook.name.clone();
        let done = self
            .site
            .command(model::By::server(), engine::Command::SetWebhook { name, news }, false)
            .await;
        let name = &hook.name;
        self.site.alarm(match done {
            Ok(_) => format!(
                "webhook {name} is disabled: its receiver answered 410 Gone, and wants nothing more\n\
                 hint: if it shall get events again, mend the receiver or `bootwright webhook set {name} \
                 --url URL`, then `bootwright webhook set {name} --enable`"
            ),
            Err(why) => format!(
                "the receiver of webhook {name} answered 410 Gone, and it could not be disabled: {}\n\
                 hint: `bootwright webhook remove {name}`",
                why.why()
            ),
        });
    }

    fn tell(&self, desk: &Desk, trouble: Trouble) {
        let name = &desk.hook().name;
        let last =
            desk.last_error().map(|why| format!("; the last try: {why}")).unwrap_or_default();
        let what = match trouble {
            Trouble::Full => {
                "more waits for it than may, and the oldest events are dropped from now on"
                    .to_owned()
            }
            Trouble::GivenUp => format!("an event was given up after {TRIES_MAX} tries"),
        };
        self.site.alarm(format!(
            "webhook {name}: {what}{last}\nhint: `bootwright webhook test {name}` says what is wrong, and once \
             that works, whatever waits is sent"
        ));
    }

    /// Sends a `ping` now, beside whatever waits. If it is taken, what waits is tried again at once.
    pub(crate) async fn test(&self, hook: &Webhook) -> DeliveryView {
        let now = self.site.now();
        let body = serde_json::json!({
            "at": now, "machine": null, "link": null, "event": PING, "webhook": hook.name,
        });
        let delivery = Delivery::new(send::new_id(), PING, body.to_string().into());
        let tried = send::try_once(hook, &delivery, now).await;
        let view = tried.view.clone();
        if let Some(desk) = self.desk(&hook.name) {
            desk.note(tried);
        }
        view
    }

    /// The newest tries of a webhook, newest first.
    pub(crate) fn deliveries(&self, name: &str) -> Vec<DeliveryView> {
        self.desk(name).map(|desk| desk.log()).unwrap_or_default()
    }

    /// A webhook, with how its deliveries go.
    pub(crate) fn view(&self, hook: &Webhook) -> WebhookView {
        let mut view = WebhookView {
            name: hook.name.clone(),
            url: hook.url.clone(),
            events: hook.events.iter().map(ToString::to_string).collect(),
            enabled: hook.enabled,
            allow_private: hook.allow_private,
            secret: "set".to_owned(),
            waiting: 0,
            dropped: 0,
            given_up: 0,
            last: None,
        };
        if let Some(desk) = self.desk(&hook.name) {
            desk.count(&mut view);
        }
        view
    }
}

/// The tasks that carry deliveries; all end when this is dropped.
#[derive(Default)]
struct Couriers {
    tasks: JoinSet<()>,
    by_name: BTreeMap<String, AbortHandle>,
}

#[cfg(test)]
mod tests;
