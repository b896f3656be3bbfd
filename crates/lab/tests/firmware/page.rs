//! A real machine boots while the web UI shows it in a real browser, stage by stage.
//!
//! `ui/tests/boot.mjs` and `ui/tests/first.mjs` follow it in the page alone; here is only the machine.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lab::rig::guest::Firmware;
use lab::rig::process::Process;
use lab::rig::{Trouble, need};

use super::{MAC, Mode, PATIENCE, Tried, World};

/// How long the browser may take until it waits for the machine.
const OPENING: Duration = Duration::from_secs(60);
/// What stands on the machine's screen when there is something to choose.
const CHOICE: &str = "Start the local disk";
/// Nobody types faster.
const BETWEEN_KEYS: Duration = Duration::from_millis(500);
/// How often it is looked whether the browser has seen everything.
const LOOK: Duration = Duration::from_millis(200);

#[test]
#[ignore = "real firmware under QEMU and a real browser, as root: `./x test` runs it"]
fn the_page_shows_a_real_boot_stage_by_stage() -> Tried {
    let mut world = World::new(Firmware::SeaBios, Mode::Dhcp, "menu")?;
    world.offer_debian()?;
    let mut browser = Browser::open(&world, "boot.mjs", &[])?;
    world.switch_on(false)?;
    browser.end()
}

#[test]
#[ignore = "real firmware under QEMU and a real browser, as root: `./x test` runs it"]
fn who_never_was_here_boots_the_first_machine_within_five_minutes() -> Tried {
    let mut world = World::new(Firmware::SeaBios, Mode::Dhcp, "menu")?;
    let mut browser = Browser::open(&world, "first.mjs", &[&world.tree()])?;
    let guest = world.switch_on(false)?;
    browser.says("menu")?;
    guest.wait_for(CHOICE, PATIENCE)?;
    // The local disk comes first, because it is what happens when nobody is there.
    guest.press("down")?;
    sleep(BETWEEN_KEYS);
    guest.press("ret")?;
    browser.end()
}

/// A browser that follows one machine.
struct Browser {
    node: Process,
}

impl Browser {
    /// Runs one of `ui/tests` until the machine may be switched on.
    fn open(world: &World, story: &str, more: &[&str]) -> Result<Self, Trouble> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let ui = root.join("ui");
        if !ui.join("node_modules/playwright-core").exists() {
            return Err(Trouble::Missing(format!(
                "the UI's packages in {}; ./x ui brings them",
                ui.display()
            )));
        }
        need::need(&["chromium"])?;
        let link = first_link(world)?;
        let mut command = world.link.server().command("node");
        command
            .arg(ui.join("tests").join(story))
            .args(["http://127.0.0.1:7070", &link])
            .arg(root.join("target/ui"))
            .arg(MAC)
            .args(more);
        let node = Process::start(command, world.directory.path().join("browser.log"))?;
        let mut browser = Self { node };
        browser.says("watching")?;
        Ok(browser)
    }

    fn says(&mut self, words: &str) -> Tried {
        self.node.wait_for_line(words, PATIENCE)
    }

    /// Waits until it has seen everything.
    fn end(&mut self) -> Tried {
        let until = Instant::now() + PATIENCE;
        let ended = loop {
            match self.node.ended() {
                Some(status) => break Some(status),
                None if Instant::now() > until => break None,
                None => sleep(LOOK),
            }
        };
        let says = self.node.log().text();
        println!("--- browser\n{says}");
        assert!(ended.is_some_and(|status| status.success()), "{says}");
        Ok(())
    }
}

/// The link that makes the first operator, as the server printed it.
fn first_link(world: &World) -> Result<String, Trouble> {
    const SAYS: &str = "first operator: ";
    world.server.log().wait_for(SAYS, OPENING, || None)?;
    let text = world.server.log().text();
    let line = text.lines().find(|line| line.contains(SAYS)).unwrap_or_default();
    let link = line.split_whitespace().find(|word| word.starts_with("http")).unwrap_or_default();
    Ok(link.to_owned())
}
