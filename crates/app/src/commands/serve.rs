//! `serve`: runs everything, in one process, until it is told to stop.

use crate::config::{self, Config};
use crate::failure::Failure;
use crate::say;
use crate::serving::log::{Form, Log};
use crate::serving::settings::{Begun, SettingsFile};
use crate::serving::sockets::Sockets;
use crate::serving::{self, admin, boots, https, notify, others, scrub, tidy};
use api::asker::Asker;
use api::doing;
use api::gate::door::Door;
use api::server::House;
use api::webhooks::Webhooks;
use clap::Args;
use library::Blobs;
use model::network::{Mode, Subnet};
use model::{By, Network, Network6};
use site::{Limits, Options, Site, SiteHandle, WallClock};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::RwLock;

/// What `serve` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Without a configuration file it serves the named interfaces in mode auto: it \
answers boot requests beside whatever DHCP server there is, shows the menu to everybody, and never \
gives addresses. --dhcp gives addresses too, after a probe found no other server.

SIGHUP reads the configuration again; SIGTERM and SIGINT end it."
)]
pub struct Serve {
    /// The configuration file; without it and without flags, /etc/bootwright/bootwright.toml.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["interface", "dhcp", "http_port"])]
    config: Option<PathBuf>,
    /// Serve this interface without a configuration file; may be said several times.
    #[arg(long, value_name = "IF")]
    interface: Vec<String>,
    /// Give addresses of this subnet, too.
    #[arg(long, value_name = "SUBNET")]
    dhcp: Option<Subnet>,
    /// The machines' HTTP port, without a configuration file.
    #[arg(long, value_name = "PORT", default_value_t = 80)]
    http_port: u16,
    /// Do not print what happens.
    #[arg(long, short)]
    quiet: bool,
    /// How what happens is printed on stderr.
    #[arg(long, value_enum, default_value_t, conflicts_with = "quiet")]
    log: Form,
}

impl Serve {
    /// Serves until the end.
    pub async fn run(self, state: Option<PathBuf>) -> Result<(), Failure> {
        let (config, file) = self.read()?;
        config.notes.iter().for_each(|note| say::note(format!("note: {note}")));
        if self.dhcp.is_some() {
            alone(&config.settings.networks).await?;
        }
        let socket = api::socket::path(state.as_deref());
        let state = state
            .or_else(|| config.state.clone())
            .unwrap_or_else(|| PathBuf::from(config::DEFAULT_STATE));
        let state = std::path::absolute(&state).unwrap_or(state);

        let (site, owner) = open_site(&state, &config).await?;
        site.ask_with(api::elsewhere::asks());
        if !self.quiet {
            tokio::spawn(print_events(site.clone(), Log::open(self.log)));
        }
        let ended = self.with_site(&site, &state, &socket, config, file).await;
        site.stop().await;
        // The owner ends after its last transaction; a panic in it was told when it happened.
        let _ = owner.await;
        ended
    }

    fn read(&self) -> Result<(Config, Option<PathBuf>), Failure> {
        let by_flags = !self.interface.is_empty() || self.dhcp.is_some();
        if by_flags {
            let links = crate::links::all().map_err(Failure::failed)?;
            let read = config::flags::read(&self.interface, self.dhcp, self.http_port, &links)?;
            return Ok((read, None));
        }
        let default = Path::new(config::DEFAULT_FILE);
        let file = match &self.config {
            Some(file) => file.as_path(),
            None if default.exists() => default,
            None => {
                return Err(Failure::usage("which network is to be served?").hint(
                    "bootwright serve --interface IF, or --config FILE (normally \
                     /etc/bootwright/bootwright.toml)",
                ));
            }
        };
        // Kept from the root, so that a reload finds it wherever we are then.
        let from_root = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        Ok((config::read_file(&from_root)?, Some(from_root)))
    }

    async fn with_site(
        &self,
        site: &SiteHandle,
        state: &Path,
        socket: &Path,
        config: Config,
        file: Option<PathBuf>,
    ) -> Result<(), Failure> {
        let (webhooks, listening) = Webhooks::open(site.clone());
        let opened = Blobs::open_at(state).map_err(|e| Failure::failed(e.to_string()))?;
        let blobs = Arc::new(opened);
        scrub::tell_damage(site, &blobs);
        let scrubbed = Arc::clone(&blobs);
        let loaders = find_loaders(site, &blobs).await?;

        let listener = api::socket::bind(socket).map_err(|e| {
            Failure::failed(format!("cannot open the operators' socket {}: {e}", socket.display()))
                .hint("stop the other server, or give this one a place of its own: --state DIR")
        })?;
        let opened = admin::open(state, &config)?;
        let server_name = config.settings.server_name.clone();
        let begun = Begun::from(&config);
        let networks = config.settings.networks.clone();
        let networks6 = config.settings.networks6.clone();
        let sockets = Sockets::open(
            site.clone(),
            Arc::clone(&blobs),
            state.to_owned(),
            file.clone(),
            config,
        )?;
        let (finding, reloading) = (Arc::clone(&sockets), Arc::clone(&sockets));
        let (showing, counting) = (Arc::clone(&sockets), Arc::clone(&sockets));
        let (certified, naming) = (Arc::clone(&sockets), Arc::clone(&sockets));
        let publishing = Arc::clone(&sockets);
        let house = House {
            site: site.clone(),
            blobs,
            state: state.to_owned(),
            config: file,
            started: site.now(),
            findings: Arc::new(move || finding.findings()),
            transfers: Arc::new(move || showing.transfers()),
            dns: Arc::new(move || naming.dns()),
            published: Arc::new(move || publishing.published()),
            counted: Arc::new(move || counting.counted()),
            tls: Arc::new(move || certified.tls()),
            reload: Arc::new(move |dry_run| {
                let sockets = Arc::clone(&reloading);
                Box::pin(async move { sockets.reload(dry_run).await })
            }),
            settings: Arc::new(SettingsFile::new(Arc::clone(&sockets), begun)),
            history: Arc::default(),
            sweeping: Arc::new(RwLock::new(())),
            imports: Arc::default(),
            door: Door::default(),
            expects: api::Expects::default(),
            asker: Asker::server(),
            webhooks: Arc::clone(&webhooks),
            pages: crate::pages::PAGES,
        };
        // What an import left that was broken off by a kill, and what nobody came back for.
        tidy::once(&house).await;
        // Heard from before anybody can arm anything.
        let turns = site.events();
        let operators = api::start(listener, house.clone());
        let signing = tokio::spawn(admin::keep_signing(site.clone(), state.to_owned()));
        let signals = Signals::listen()?;

        say::line_if_read("ready");
        notify::tell("READY=1");
        tell_start((&networks, &networks6), &sockets, loaders, state, socket);
        let by_net = match opened {
            None => None,
            Some(opened) => {
                admin::tell(&opened, &house, &server_name).await;
                Some(opened.start(house.clone()))
            }
        };
        let delivering = tokio::spawn(webhooks.keep_delivering(listening));
        let asking = tokio::spawn(others::keep_asking(site.clone()));
        let judging = tokio::spawn(boots::keep_judging(site.clone()));
        let scrubbing = tokio::spawn(scrub::keep_scrubbing(site.clone(), scrubbed));
        let sampling = tokio::spawn(api::history::keep_sampling(house.clone()));
        let tidying = tokio::spawn(tidy::keep_tidying(house));
        let starting = tokio::spawn(doing::power::keep_starting(site.clone(), turns));
        let looking = tokio::spawn(https::keep_looking(site.clone(), Arc::clone(&sockets)));

        signals.until_told_to_stop(&sockets).await;
        notify::tell("STOPPING=1");
        say::note("stopping; running transfers have a moment to end (again to stop at once)");
        asking.abort();
        judging.abort();
        looking.abort();
        scrubbing.abort();
        sampling.abort();
        tidying.abort();
        signing.abort();
        delivering.abort();
        starting.abort();
        tokio::select! {
            () = sockets.stop() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        operators.stop().await;
        if let Some(by_net) = by_net {
            by_net.stop().await;
        }
        admin::sign(site, state).await;
        // It is no more than a name then; the next start would replace it, too.
        let _ = std::fs::remove_file(socket);
        Ok(())
    }
}

async fn open_site(
    state: &Path,
    config: &Config,
) -> Result<(SiteHandle, tokio::task::JoinHandle<()>), Failure> {
    let options = Options {
        state: state.to_owned(),
        settings: config.settings.clone(),
        clock: Arc::new(WallClock::new()),
        limits: Limits::default(),
    };
    Site::start(options).await.map_err(|e| {
        let failure = Failure::failed(e.why());
        match e.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// `--dhcp`: refuses when somebody else gives addresses on the link.
async fn alone(networks: &[Network]) -> Result<(), Failure> {
    say::note(format!("looking for other DHCP servers ({} s) ...", others::LISTEN.as_secs()));
    let giving = networks.iter().filter(|n| n.mode == Mode::Dhcp).map(|n| n.interface.clone());
    for heard in others::ask(giving).await {
        let link = &heard.interface;
        let servers = heard.servers.map_err(|e| {
            Failure::failed(format!("cannot look for other DHCP servers on {link}: {e}"))
                .hint("this needs root, and an interface that is up")
        })?;
        let found = others::giving(&servers);
        if !found.is_empty() {
            let who = found.join(", ");
            return Err(Failure::refused(format!("{who} gives addresses on {link} already")).hint(
                format!(
                    "stop that server, or serve beside it: bootwright serve --interface {link}"
                ),
            ));
        }
        // A server on this very host does not hear the probe.
        let here = others::on_this_host(std::process::id());
        if !here.is_empty() {
            let who = here.join(", ");
            return Err(Failure::refused(format!(
                "{who} on this host has the DHCP port, and may give addresses on {link}"
            ))
            .hint(format!(
                "stop it, or serve beside it: bootwright serve --interface {link}; if it serves \
                 other links only, write mode = \"dhcp\" in a configuration file"
            )));
        }
    }
    Ok(())
}

/// Takes in the bootloaders that packages installed on this host, and counts all that there are.
async fn find_loaders(site: &SiteHandle, blobs: &Arc<Blobs>) -> Result<usize, Failure> {
    let cannot = |e: api::Problem| Failure::failed(e.sentence());
    let root = [PathBuf::from("/")];
    let found = doing::blocking(move || library::loaders::find(&root)).await.map_err(cannot)?;
    doing::publish(site, blobs, found, &By::server(), false).await.map_err(cannot)?;
    let count = site.ask(|engine, _| engine.loaders().count()).await;
    count.map_err(|e| Failure::failed(e.why()))
}

fn tell_start(
    (networks, networks6): (&[Network], &[Network6]),
    sockets: &Sockets,
    loaders: usize,
    state: &Path,
    socket: &Path,
) {
    for network in networks {
        say::line_if_read(serving::in_a_line(network));
    }
    for network in networks6 {
        say::line_if_read(serving::in_a_line6(network));
    }
    for finding in sockets.findings() {
        say::note(format!("note: {finding}"));
    }
    if let Some(tls) = sockets.tls() {
        let (port, whose, key) = (tls.port, tls.certificate, tls.key);
        say::line_if_read(format!("https on port {port}: {whose} ({key}) until {}", tls.not_after));
        for finding in tls.findings {
            say::note(format!("note: {}\nhint: {}", finding.text, finding.hint));
        }
    }
    if loaders == 0 {
        say::note(
            "no bootloader was found, so no firmware can be served\nhint: apt install ipxe \
             shim-signed grub-efi-amd64-signed, then restart; or bootwright bootloader import \
             FILE|DIR|DEB",
        );
    }
    // Whoever asks from another shell has to find us.
    let at = match socket == Path::new(api::socket::DEFAULT) {
        true => String::new(),
        false => format!(" --state {}", state.display()),
    };
    say::line_if_read(format!("try: bootwright{at} doctor, bootwright{at} watch"));
}

async fn print_events(site: SiteHandle, log: Log) {
    use tokio::sync::broadcast::error::RecvError;
    let mut events = site.events();
    loop {
        match events.recv().await {
            Ok(event) if super::watch::is_expected(&event) || super::watch::is_log(&event) => {}
            Ok(event) => log.event(&event),
            Err(RecvError::Lagged(missed)) => log.missed(missed),
            Err(RecvError::Closed) => return,
        }
    }
}

/// What the system may tell us. Listened for before anybody hears that we are ready.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|e| Failure::failed(format!("cannot listen for signals: {e}")))
        };
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Reloads at SIGHUP; returns at SIGTERM or SIGINT.
    async fn until_told_to_stop(mut self, sockets: &Sockets) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => match sockets.reload(false).await {
                    Ok(done) => say::note(format!("configuration read again: {}", done.says)),
                    Err(problem) => say::note(format!("not reloaded: {}", problem.sentence())),
                },
            }
        }
    }
}
