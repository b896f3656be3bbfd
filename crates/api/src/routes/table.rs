//! Every route, as data: where, who may, what it does. The router is made of this and nothing else, so
//! there is no route without a policy.

use super::uploads;
use super::{Rooms, nowhere};
use super::{
    audit, backup, boot, boots, config, declared, deployments, dns, first, history, images, leases,
    links, machines, metrics, networks, pages, power, preview, quirks, reports, server, session,
    templates, tokens, users, webhooks,
};
use crate::contract::shape::{Described, Gives, Shape};
use crate::gate::{self, Gate};
use access::Policy;
use access::policy::On;
use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use model::access::Role;

/// One route.
pub struct Route {
    /// With which method.
    pub method: Method,
    /// Where, from the root; names in braces are of the path.
    pub path: &'static str,
    /// Who may.
    pub policy: Policy,
    /// What it does, in a line.
    pub says: &'static str,
    /// What it takes and gives.
    pub shape: Shape,
    handler: MethodRouter<Rooms>,
}

impl Route {
    /// Whether it takes an `Idempotency-Key`: a POST that is answered with JSON.
    pub fn is_repeatable(&self) -> bool {
        let json = matches!(self.shape.gives, Gives::Content(of) if of.media == "application/json");
        self.method == Method::POST && json && self.policy != PUBLIC
    }
}

const PUBLIC: Policy = Policy::Public;
/// Whoever is known, about himself.
const SELF: Policy = Policy::Needs(Role::Viewer, On::Self_);
const SEE_MACHINE: Policy = Policy::Needs(Role::Viewer, On::Machine);
const SEE_MACHINES: Policy = Policy::Needs(Role::Viewer, On::Machines);
const SEE_FLEET: Policy = Policy::Needs(Role::Viewer, On::Fleet);
const CHANGE_MACHINE: Policy = Policy::Needs(Role::Operator, On::Machine);
const CHANGE_FLEET: Policy = Policy::Needs(Role::Operator, On::Fleet);
const ADMIN: Policy = Policy::Needs(Role::Admin, On::Fleet);

fn route<H, T>(
    (method, filter): (Method, MethodFilter),
    path: &'static str,
    policy: Policy,
    says: &'static str,
    handler: H,
) -> Route
where
    H: Handler<T, Rooms> + Described<T>,
    T: 'static,
{
    Route { method, path, policy, says, shape: H::shape(), handler: on(filter, handler) }
}

/// A function for each method: `get(path, policy, says, handler)`.
macro_rules! methods {
    ($($name:ident $method:ident),+) => { $(
        fn $name<H, T>(path: &'static str, policy: Policy, says: &'static str, handler: H) -> Route
        where
            H: Handler<T, Rooms> + Described<T>,
            T: 'static,
        {
            route((Method::$method, MethodFilter::$method), path, policy, says, handler)
        }
    )+ };
}
methods!(get GET, post POST, put PUT, patch PATCH, delete DELETE);

/// All of them.
pub fn table() -> Vec<Route> {
    let mut all = for_people();
    all.extend(about_operators());
    all.extend(about_the_server());
    all.extend(about_content());
    all.extend(about_machines());
    all.extend(about_power());
    all.extend(about_deployments());
    all
}

/// The web UI. Its page is the same for everybody, and says nothing of the server.
fn for_people() -> Vec<Route> {
    vec![
        get("/", PUBLIC, "the web UI", pages::root),
        get("/{view}", PUBLIC, "a view of it", pages::view),
        get("/{view}/{of}", PUBLIC, "a view of one thing", pages::view_of),
        get("/assets/{file}", PUBLIC, "a file it needs", pages::asset),
    ]
}

fn about_operators() -> Vec<Route> {
    vec![
        get("/first/{token}", PUBLIC, "the form of the first admin", first::form),
        post("/first/{token}", PUBLIC, "makes the first admin", first::make),
        post("/api/v1/session", PUBLIC, "logs in", session::begin),
        get("/api/v1/session", SELF, "who asks, and what he may", session::show),
        delete("/api/v1/session", SELF, "logs out", session::end),
        put("/api/v1/session/password", SELF, "changes one's own password", session::password),
        get("/api/v1/users", ADMIN, "all users", users::list),
        post("/api/v1/users", ADMIN, "adds a user", users::add),
        get("/api/v1/users/{user}", ADMIN, "a user", users::show_one),
        patch("/api/v1/users/{user}", ADMIN, "changes a user", users::set),
        delete("/api/v1/users/{user}", ADMIN, "removes a user and his tokens", users::remove),
        post("/api/v1/users/{user}/revoke", ADMIN, "ends his tokens and sessions", users::revoke),
        get("/api/v1/tokens", SELF, "own tokens; an admin's are all", tokens::list),
        post("/api/v1/tokens", SELF, "makes a token, and shows it once", tokens::add),
        delete("/api/v1/tokens/{token}", SELF, "revokes a token", tokens::revoke),
        get("/api/v1/audit", ADMIN, "what operators did", audit::list),
        get("/api/v1/audit/verify", ADMIN, "whether the log is whole", audit::verify),
    ]
}

fn about_the_server() -> Vec<Route> {
    vec![
        get("/healthz", PUBLIC, "that it runs", server::healthz),
        get("/readyz", PUBLIC, "that it answers from its store", server::readyz),
        get("/api/v1/openapi.json", PUBLIC, "this description", server::openapi),
        get("/metrics", SEE_FLEET, "numbers for Prometheus", metrics::metrics),
        get("/api/v1/healthz", PUBLIC, "that it runs", server::healthz),
        get("/api/v1/status", SEE_FLEET, "the server at a glance", server::status),
        get("/api/v1/networks", SEE_FLEET, "networks, and how full they are", networks::list),
        get("/api/v1/links", SEE_FLEET, "who else speaks on our links", links::list),
        get("/api/v1/doctor", SEE_FLEET, "what it found odd", server::doctor),
        get("/api/v1/events", SEE_MACHINE, "events as they happen", server::events),
        get("/api/v1/transfers", SEE_FLEET, "files on their way", server::transfers),
        post("/api/v1/backup", ADMIN, "everything, in one encrypted file", backup::backup),
        post("/api/v1/reload", ADMIN, "reads the configuration again", server::reload),
        get("/api/v1/config", ADMIN, "the configuration file", config::show),
        put("/api/v1/config", ADMIN, "checks it, writes it and puts it in force", config::set),
        post("/api/v1/config/network", ADMIN, "the file with a network in it", config::network),
        post(
            "/api/v1/config/network6",
            ADMIN,
            "the file with a network of IPv6 in it",
            config::network6,
        ),
        get("/api/v1/history", SEE_FLEET, "the last day in numbers", history::show),
    ]
}

fn about_content() -> Vec<Route> {
    vec![
        get("/api/v1/images", SEE_FLEET, "all images", images::list),
        post("/api/v1/images", CHANGE_FLEET, "imports an image", images::import),
        get("/api/v1/images/{name}", SEE_FLEET, "an image", images::show),
        delete("/api/v1/images/{name}", CHANGE_FLEET, "removes an image", images::remove),
        post("/api/v1/images/{name}/verify", CHANGE_FLEET, "reads its bytes", images::verify),
        post("/api/v1/images/{name}/audit", CHANGE_FLEET, "looks at its signatures", images::audit),
        post("/api/v1/images/{name}/promote", CHANGE_FLEET, "moves a channel", images::promote),
        post("/api/v1/images/{name}/rollback", CHANGE_FLEET, "moves it back", images::rollback),
        get("/api/v1/images/{name}/compare", SEE_FLEET, "what differs", images::compare),
        get("/api/v1/imports", SEE_FLEET, "imports that run, or ended lately", images::imports),
        post("/api/v1/imports", CHANGE_FLEET, "begins an import", images::begin_import),
        get("/api/v1/imports/{id}", SEE_FLEET, "how far it is", images::show_import),
        delete("/api/v1/imports/{id}", CHANGE_FLEET, "stops it", images::end_import),
        post("/api/v1/scrub", CHANGE_FLEET, "reads all bytes", images::scrub),
        get("/api/v1/loaders", SEE_FLEET, "all bootloaders", images::loaders),
        post("/api/v1/loaders", ADMIN, "imports bootloaders of this host", images::import_loaders),
        get("/api/v1/loaders/{name}", SEE_FLEET, "a bootloader", images::loader),
        get("/api/v1/uploads", CHANGE_FLEET, "files on their way to us", uploads::list),
        post("/api/v1/uploads", CHANGE_FLEET, "announces a file", uploads::create),
        get("/api/v1/uploads/{id}", CHANGE_FLEET, "how far it is", uploads::show),
        patch("/api/v1/uploads/{id}", CHANGE_FLEET, "more of its bytes", uploads::append),
        delete("/api/v1/uploads/{id}", CHANGE_FLEET, "gives it up", uploads::remove),
    ]
}

fn about_machines() -> Vec<Route> {
    vec![
        get("/api/v1/profiles", SEE_FLEET, "all profiles", boot::profiles),
        get("/api/v1/profiles/{name}", SEE_FLEET, "a profile", boot::profile),
        put("/api/v1/profiles/{name}", CHANGE_FLEET, "sets a profile", boot::set_profile),
        post(
            "/api/v1/profiles/{name}/preview",
            CHANGE_FLEET,
            "what a draft of it would do",
            preview::profile,
        ),
        delete("/api/v1/profiles/{name}", CHANGE_FLEET, "removes it", boot::remove_profile),
        get("/api/v1/rules", SEE_FLEET, "all rules, in order", boot::rules),
        post("/api/v1/rules", CHANGE_FLEET, "adds a rule", boot::add_rule),
        put("/api/v1/rules", CHANGE_FLEET, "sets all rules", boot::set_rules),
        post(
            "/api/v1/rules/preview",
            SEE_FLEET,
            "what a draft of the rules would do, and whose profile would change",
            preview::rules,
        ),
        get("/api/v1/rules/test", SEE_MACHINE, "which rule a machine meets", boot::test_rules),
        delete("/api/v1/rules/{id}", CHANGE_FLEET, "removes a rule", boot::remove_rule),
        post("/api/v1/rules/{id}/move", CHANGE_FLEET, "moves a rule", boot::move_rule),
        get("/api/v1/menu", SEE_FLEET, "the boot menu", boot::menu),
        put("/api/v1/menu", CHANGE_FLEET, "sets the boot menu", boot::set_menu),
        post(
            "/api/v1/menu/preview",
            SEE_FLEET,
            "a draft of it, as a machine would show it",
            preview::menu,
        ),
        get("/api/v1/explain", SEE_MACHINE, "what a machine gets, and why", boot::explain),
        get("/api/v1/machines", SEE_MACHINES, "all machines", machines::list),
        post("/api/v1/machines", CHANGE_FLEET, "adds machines", declared::add_machines),
        post("/api/v1/apply", CHANGE_FLEET, "makes documents so", declared::apply),
        get("/api/v1/machines/{machine}", SEE_MACHINE, "a machine", machines::show),
        patch("/api/v1/machines/{machine}", CHANGE_MACHINE, "changes it", machines::set),
        delete("/api/v1/machines/{machine}", CHANGE_MACHINE, "forgets it", machines::remove),
        put("/api/v1/machines/{machine}/state", CHANGE_MACHINE, "its state", machines::set_life),
        patch(
            "/api/v1/machines/{machine}/options",
            CHANGE_MACHINE,
            "its DHCP options",
            machines::set_options,
        ),
        patch("/api/v1/machines/{machine}/quirks", CHANGE_MACHINE, "its quirks", quirks::set),
        patch(
            "/api/v1/machines/{machine}/addresses",
            CHANGE_FLEET,
            "its further MACs",
            machines::set_addresses,
        ),
        post(
            "/api/v1/machines/{machine}/merge",
            CHANGE_FLEET,
            "makes one machine of two",
            machines::merge,
        ),
        get("/api/v1/machines/{machine}/log", SEE_MACHINE, "what it logs", machines::log),
        get("/api/v1/machines/{machine}/report", SEE_FLEET, "a report of it", reports::report),
        get("/api/v1/machines/{machine}/boots", SEE_MACHINE, "its boots", boots::of_machine),
        get(
            "/api/v1/machines/{machine}/diagnosis",
            SEE_MACHINE,
            "what its last boot died of, and what to do",
            boots::diagnosis,
        ),
        get("/api/v1/boots", SEE_MACHINES, "boots, the last heard first", boots::list),
        get("/api/v1/boots/{boot}", SEE_MACHINES, "a boot; BOOT.svg is drawn", boots::show),
        get("/api/v1/quirks", SEE_FLEET, "what is known of odd firmware", quirks::list),
        get("/api/v1/quirks/{quirk}", SEE_FLEET, "a quirk", quirks::show),
        get("/api/v1/fingerprints", SEE_FLEET, "firmware not known yet", quirks::fingerprints),
        get("/api/v1/leases", SEE_FLEET, "all leases", leases::list),
        post("/api/v1/leases/import", CHANGE_FLEET, "takes leases over", leases::import),
        get("/api/v1/leases/{lease}", SEE_FLEET, "a lease", leases::show_one),
        delete("/api/v1/leases/{lease}", CHANGE_FLEET, "ends a lease", leases::release),
        get("/api/v1/leases/{lease}/history", SEE_FLEET, "who had it when", leases::history),
        get("/api/v1/dns", SEE_FLEET, "how names are answered", dns::status),
        get("/api/v1/dns/names", SEE_FLEET, "all names, and why", dns::names),
        get("/api/v1/dns/explain", SEE_FLEET, "what a question gets, and why", dns::explain),
        get("/api/v1/dns/records", SEE_FLEET, "records of operators", dns::records),
        post("/api/v1/dns/records", CHANGE_FLEET, "adds a record", dns::add),
        delete("/api/v1/dns/records/{name}", CHANGE_FLEET, "removes records", dns::remove),
        get("/api/v1/reservations", SEE_FLEET, "all reservations", leases::reservations),
        post("/api/v1/reservations", CHANGE_FLEET, "promises an address", leases::reserve),
        delete("/api/v1/reservations/{address}", CHANGE_FLEET, "takes it back", leases::unreserve),
    ]
}

fn about_power() -> Vec<Route> {
    vec![
        get("/api/v1/machines/{machine}/power", CHANGE_MACHINE, "how it is switched", power::show),
        put("/api/v1/machines/{machine}/power", ADMIN, "says how it is switched", power::set),
        delete("/api/v1/machines/{machine}/power", ADMIN, "forgets that", power::remove),
        post(
            "/api/v1/machines/{machine}/power/certificate",
            ADMIN,
            "the certificate that a BMC shows",
            power::certificate,
        ),
        get(
            "/api/v1/machines/{machine}/power/status",
            CHANGE_MACHINE,
            "what its BMC says of it",
            power::status,
        ),
        post(
            "/api/v1/machines/{machine}/power/boot",
            CHANGE_MACHINE,
            "from where it boots next, once",
            power::boot,
        ),
        post(
            "/api/v1/machines/{machine}/power/{action}",
            CHANGE_MACHINE,
            "switches it",
            power::turn,
        ),
        post("/api/v1/machines/{machine}/wake", CHANGE_MACHINE, "wakes it", power::wake),
    ]
}

fn about_deployments() -> Vec<Route> {
    vec![
        post(
            "/api/v1/machines/{machine}/deploy",
            CHANGE_MACHINE,
            "arms it with an installation",
            deployments::deploy,
        ),
        post(
            "/api/v1/machines/{machine}/boot-once",
            CHANGE_MACHINE,
            "arms it with something to boot once",
            deployments::boot_once,
        ),
        post(
            "/api/v1/machines/{machine}/cancel",
            CHANGE_MACHINE,
            "disarms it",
            deployments::cancel,
        ),
        post(
            "/api/v1/machines/{machine}/confirm",
            CHANGE_MACHINE,
            "the code on its screen",
            deployments::confirm,
        ),
        get("/api/v1/deployments", SEE_MACHINES, "the newest deployments", deployments::list),
        post(
            "/api/v1/deployments",
            CHANGE_FLEET,
            "deploys several machines, in turns",
            deployments::deploy_many,
        ),
        get("/api/v1/deployments/{id}", SEE_MACHINES, "a deployment", deployments::show),
        get("/api/v1/batches", SEE_FLEET, "batches of deployments", deployments::batches),
        get("/api/v1/batches/{id}", SEE_FLEET, "a batch", deployments::batch),
        post("/api/v1/batches/{id}/pause", CHANGE_FLEET, "stops it", deployments::pause_batch),
        post("/api/v1/batches/{id}/resume", CHANGE_FLEET, "goes on", deployments::resume_batch),
        post("/api/v1/batches/{id}/cancel", CHANGE_FLEET, "ends it", deployments::cancel_batch),
        get("/api/v1/templates", SEE_FLEET, "all templates", templates::list),
        get("/api/v1/templates/{name}", SEE_FLEET, "a template", templates::show),
        put("/api/v1/templates/{name}", CHANGE_FLEET, "sets a template", templates::set),
        delete("/api/v1/templates/{name}", CHANGE_FLEET, "removes it", templates::remove),
        get(
            "/api/v1/templates/{name}/render",
            CHANGE_MACHINE,
            "what it makes for a machine",
            templates::render,
        ),
        post(
            "/api/v1/templates/{name}/preview",
            CHANGE_FLEET,
            "what a draft of it would make",
            preview::template,
        ),
        get("/api/v1/webhooks", ADMIN, "all webhooks", webhooks::list),
        post("/api/v1/webhooks", ADMIN, "adds a webhook, and shows its key once", webhooks::add),
        get("/api/v1/webhooks/{name}", ADMIN, "a webhook", webhooks::show_one),
        patch("/api/v1/webhooks/{name}", ADMIN, "changes it", webhooks::set),
        delete("/api/v1/webhooks/{name}", ADMIN, "removes it", webhooks::remove),
        post("/api/v1/webhooks/{name}/test", ADMIN, "sends it a ping", webhooks::test),
        get("/api/v1/webhooks/{name}/deliveries", ADMIN, "what it got", webhooks::deliveries),
        get("/api/v1/secrets", CHANGE_FLEET, "the names of all secrets", templates::secrets),
        put("/api/v1/secrets/{name}", ADMIN, "sets a secret", templates::set_secret),
        delete("/api/v1/secrets/{name}", ADMIN, "removes a secret", templates::remove_secret),
    ]
}

/// The router of a table.
pub fn router(table: Vec<Route>, rooms: Rooms) -> Router {
    let mut router = Router::new();
    for route in table {
        let repeatable = route.is_repeatable();
        let Route { method, path, policy, handler, .. } = route;
        let route = format!("{method} {path}");
        let gate = Gate { rooms: rooms.clone(), policy, route, repeatable, path };
        router = router.route(path, handler.layer(from_fn_with_state(gate, through)));
    }
    router.fallback(nowhere).with_state(rooms)
}

async fn through(
    axum::extract::State(gate): axum::extract::State<Gate>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    gate::guard(gate, request, next).await
}
