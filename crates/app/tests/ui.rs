//! The web UI in a real browser: Debian's Chromium, driven by `ui/tests/run.mjs`, in front of the real program
//! with a real store, in a network of its own. Pictures of every view are left in `target/ui`.
//!
//! `UI_STEPS` names the steps to run, if not all; they build on each other, so the first ones are needed.
//! `BOOTWRIGHT_UI_SLOW` slows the browser and its line by a seed (`ui/tests/slow.mjs`).

mod common;

use common::{LAB, Server, netboot, skipped};
use std::path::Path;

#[test]
#[ignore = "needs Chromium and the UI's packages, which ./x test brings"]
fn the_ui_does_what_it_shows_in_a_real_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let ui = root.join("ui");
    if !ui.join("node_modules/playwright-core").exists() {
        skipped(&format!("the UI's packages are not in {}; ./x ui brings them", ui.display()));
        return;
    }
    // A machine has to be heard: all are shown the menu.
    let lab = format!("{LAB}\n[boot]\nunknown = \"pending\"\n");
    let Some(server) = Server::start_with(&lab) else { return };
    furnish(&server);
    let told = server.prints("first operator: ");
    let link = told.split_whitespace().find(|word| word.starts_with("http")).unwrap();
    let mut steps = server.inside("node");
    steps
        .arg(ui.join("tests/run.mjs"))
        .args(["http://127.0.0.1:7070", link])
        .arg(root.join("target/ui"))
        .args(std::env::var("UI_STEPS").unwrap_or_default().split_whitespace());
    let done = steps.output().unwrap();
    let says = String::from_utf8_lossy(&done.stdout);
    println!("{says}");
    assert!(done.status.success(), "{says}{}", String::from_utf8_lossy(&done.stderr));
}

/// An image that installs, one that does not, a profile of each.
fn furnish(server: &Server) {
    let netboot = netboot(server.folder.path());
    server.says(&["image", "import", &netboot, "--name", "debian-12"]);
    let text = "d-i lab/name string {{ machine.name }}\n";
    let add = server.run_with(&["template", "add", "lab.preseed", "-"], text);
    assert!(add.status.success(), "{add:?}");
    server.says(&["profile", "add", "debian", "--image", "debian-12"]);
    server.says(&["profile", "add", "installer", "--image", "debian-12", "--template", "lab"]);
    server.says(&["rule", "add", "--profile", "debian", "--arch", "x64-uefi"]);
}
