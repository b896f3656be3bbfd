//! The program as the first of a machine: everything in order, and never an end without a restart.

use crate::inventory;
use crate::modules::Index;
use crate::network::{self, Card};
use crate::report;
use crate::say;
use crate::settings::{Server, Settings, Then};
use model::Hardware;
use nix::kmod::{ModuleInitFlags, finit_module};
use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often what the devices call themselves is read again: a driver finds a bus, whose driver
/// finds a disk.
const ROUNDS_MAX: usize = 12;
/// How long nothing must change before everything is taken to be there.
const QUIET: Duration = Duration::from_secs(3);
/// How long disks and cards are waited for: a large controller takes its time.
const SETTLE_MAX: Duration = Duration::from_secs(40);
/// How long a link is waited for: a switch with spanning tree lets nothing through for 30 s.
const LINK_MAX: Duration = Duration::from_secs(45);
/// How long the other cards have for theirs, so that the report says which are plugged in.
const OTHERS_MAX: Duration = Duration::from_secs(5);
/// How long an address, then a server that takes the report, is tried for.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long the screen can be read before the machine goes on.
const READING: Duration = Duration::from_secs(10);
/// The same where something went wrong.
const READING_WRONG: Duration = Duration::from_secs(60);
/// Folders of `/sys/devices` that are looked into, at most.
const DEVICES_MAX: usize = 100_000;
/// How deep a device stands at most.
const DEPTH_MAX: usize = 24;

/// Everything. An init that returns stops the kernel.
pub fn run() -> ! {
    std::panic::set_hook(Box::new(|info| {
        say(&format!("bootwright-discover failed, which is a mistake of its own: {info}"));
        end(Then::Reboot, READING_WRONG);
    }));
    say("");
    say(&format!("Bootwright discovery {}: what is in this machine?", env!("CARGO_PKG_VERSION")));
    say("Nothing is written to any disk.");
    mount_kernel_files();
    let settings = Settings::read(&std::fs::read_to_string("/proc/cmdline").unwrap_or_default());
    for wrong in &settings.wrong {
        say(&format!("kernel arguments: {wrong}"));
    }
    load_drivers();
    let booted_from = network_up(settings.card.as_ref());
    let hardware = inventory::read(Path::new("/"));
    show(&hardware);
    match deliver(&settings, booted_from, &hardware) {
        Ok(said) => {
            say(&said);
            end(settings.then, READING)
        }
        Err(why) => {
            say(&format!("The report did not arrive: {why}"));
            end(settings.then, READING_WRONG)
        }
    }
}

/// Says what comes, waits, does it.
fn end(then: Then, reading: Duration) -> ! {
    match then {
        Then::Wait => say("This machine waits for somebody to switch it off."),
        _ => say(&format!("This machine {then} in {} s.", reading.as_secs())),
    }
    let mode = match then {
        Then::Reboot => Some(RebootMode::RB_AUTOBOOT),
        Then::PowerOff => Some(RebootMode::RB_POWER_OFF),
        Then::Wait => None,
    };
    sleep(reading);
    if let Some(mode) = mode {
        // What succeeds does not come back.
        let Err(error) = reboot(mode);
        say(&format!("The kernel refuses: {error}. Switch the machine off by hand."));
    }
    loop {
        sleep(Duration::from_secs(3600));
    }
}

fn mount_kernel_files() {
    let all =
        [("proc", "/proc", "proc"), ("sysfs", "/sys", "sysfs"), ("devtmpfs", "/dev", "devtmpfs")];
    for (what, at, kind) in all {
        mount_one(what, at, kind);
    }
}

fn mount_one(what: &str, at: &str, kind: &str) {
    let _ = std::fs::create_dir_all(at);
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    if let Err(error) = mount(Some(what), at, Some(kind), flags, None::<&str>) {
        // The kernel has put devices there already.
        if error != nix::errno::Errno::EBUSY {
            say(&format!("{at} cannot be mounted: {error}"));
        }
    }
}

/// Loads what drives the devices there are, round after round, until nothing new turns up.
fn load_drivers() {
    let Some(folder) = modules_folder() else {
        say("The initrd has no drivers for this kernel: only what is built in is seen.");
        return;
    };
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let index = Index::read(&text("modules.alias"), &text("modules.dep"), &text("modules.softdep"));
    let mut loader =
        Loader { folder, index, tried: BTreeSet::new(), loaded: 0, failed: Vec::new() };
    loader.load("efivarfs");
    let mut quiet_since = Instant::now();
    let begun = quiet_since;
    let mut seen = 0;
    for _ in 0..ROUNDS_MAX {
        let before = loader.tried.len();
        for alias in modaliases() {
            loader.drive(&alias);
        }
        // A driver looks for its disks after it was loaded, in its own time.
        while quiet_since.elapsed() < QUIET && begun.elapsed() < SETTLE_MAX {
            sleep(Duration::from_millis(200));
            let there = devices();
            if there != seen {
                (seen, quiet_since) = (there, Instant::now());
            }
        }
        quiet_since = Instant::now();
        if loader.tried.len() == before || begun.elapsed() >= SETTLE_MAX {
            break;
        }
    }
    say(&format!("{} drivers loaded of {} in the initrd.", loader.loaded, loader.index.len()));
    for failed in &loader.failed {
        say(&format!("driver {failed}"));
    }
    if Path::new("/sys/firmware/efi").exists() {
        mount_one("efivarfs", "/sys/firmware/efi/efivars", "efivarfs");
    }
}

struct Loader {
    folder: PathBuf,
    index: Index,
    tried: BTreeSet<String>,
    loaded: usize,
    failed: Vec<String>,
}

impl Loader {
    fn drive(&mut self, alias: &str) {
        let drivers: Vec<String> =
            self.index.drivers(alias).into_iter().map(str::to_owned).collect();
        for driver in drivers {
            self.load(&driver);
        }
    }

    fn load(&mut self, module: &str) {
        for (name, path) in self.index.order(module, &self.tried) {
            self.tried.insert(name.clone());
            match insert(&self.folder.join(path)) {
                Ok(()) => self.loaded += 1,
                // Two drivers say they fit and only one has its device: that is no fault.
                Err(nix::errno::Errno::EEXIST | nix::errno::Errno::ENODEV) => {}
                Err(error) => self.failed.push(format!("{name}: {error}")),
            }
        }
    }
}

fn insert(path: &Path) -> nix::Result<()> {
    let file = File::open(path).map_err(|error| {
        error.raw_os_error().map_or(nix::errno::Errno::EIO, nix::errno::Errno::from_raw)
    })?;
    finit_module(&file, c"", ModuleInitFlags::empty())
}

/// `/lib/modules/VERSION` of the running kernel.
fn modules_folder() -> Option<PathBuf> {
    let version = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let folder = Path::new("/lib/modules").join(version.trim());
    folder.join("modules.dep").exists().then_some(folder)
}

/// What all devices call themselves, each name once.
fn modaliases() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![(PathBuf::from("/sys/devices"), 0)];
    let mut looked = 0;
    while let Some((folder, depth)) = waiting.pop() {
        looked += 1;
        if looked > DEVICES_MAX {
            break;
        }
        if let Ok(alias) = std::fs::read_to_string(folder.join("modalias")) {
            found.insert(alias.trim().to_owned());
        }
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            // Links lead to other places of the same tree.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && depth < DEPTH_MAX {
                waiting.push((entry.path(), depth + 1));
            }
        }
    }
    found
}

/// How many disks and cards there are.
fn devices() -> usize {
    let count = |path: &str| std::fs::read_dir(path).map_or(0, Iterator::count);
    count("/sys/block") + count("/sys/class/net")
}

/// Switches every card on and waits for the link of the one that the machine booted from, or of any.
fn network_up(wanted: Option<&model::HardwareAddress>) -> Option<Card> {
    let cards = network::cards();
    if cards.is_empty() {
        say("No network card was found: its driver is not in the initrd.");
    }
    for card in &cards {
        if let Err(why) = card.switch_on() {
            say(&why);
        }
    }
    let begun = Instant::now();
    let mut first = None;
    loop {
        let cards = network::cards();
        let ours = cards.iter().find(|card| Some(&card.mac) == wanted);
        let linked = match ours {
            Some(card) => Some(card).filter(|card| card.link),
            None => cards.iter().find(|card| card.link),
        };
        let since = linked.map(|_| *first.get_or_insert_with(Instant::now));
        let all = cards.iter().all(|card| card.link);
        let enough = since.is_some_and(|since| all || since.elapsed() >= OTHERS_MAX);
        if enough || begun.elapsed() >= LINK_MAX {
            if linked.is_none() && !cards.is_empty() {
                say("No network card has a link.");
            }
            return linked.or(ours).or(cards.first()).cloned();
        }
        sleep(Duration::from_millis(500));
    }
}

/// What was found, in words.
fn show(hardware: &Hardware) {
    say(&hardware.says());
    for disk in &hardware.disks {
        let words = [&disk.transport, &disk.model, &disk.serial];
        let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
        say(&format!("  disk {}: {}, {}", disk.name, disk.size(), words.join(", ")));
    }
    for nic in &hardware.nics {
        let mac = nic.mac.map(|mac| mac.to_string()).unwrap_or_default();
        let link = match (nic.link, nic.speed_mbit) {
            (Some(true), Some(mbit)) => format!("{mbit} Mbit/s"),
            (Some(true), None) => "link".to_owned(),
            _ => "no link".to_owned(),
        };
        say(&format!("  card {}: {mac}, {link}", nic.name));
    }
}

/// Gets an address and sends the report, again and again. What is said at the end, or why it did not
/// arrive.
fn deliver(settings: &Settings, card: Option<Card>, hardware: &Hardware) -> Result<String, String> {
    let card = card.ok_or("there is no network card")?;
    let lease = patiently(|| card.get_address())?;
    say(&format!("Address {} on {} from {}.", lease.address, card.name, lease.server));
    // Without a word about it, whoever gives addresses is most likely the boot server too.
    let server = settings.server.unwrap_or(Server { address: lease.server, port: 80 });
    let mac = settings.card.unwrap_or(card.mac).to_string();
    patiently(|| report::send(&server, &mac, hardware))?;
    Ok(format!("Sent to {server} as {mac}."))
}

/// Tries until it works or patience ends; every new reason is said once.
fn patiently<T>(mut attempt: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let begun = Instant::now();
    let mut pause = Duration::from_secs(1);
    let mut said = String::new();
    loop {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(why) if begun.elapsed() >= PATIENCE => return Err(why),
            Err(why) => {
                if why != said {
                    say(&format!("{why}; trying again"));
                    said = why;
                }
            }
        }
        sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}
