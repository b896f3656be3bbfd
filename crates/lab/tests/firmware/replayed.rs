//! What real firmware asked, captured on its link, decided again: every answer byte for byte.

use super::{Firmware, INSTALLER, Mode, PATIENCE, Tried, World};
use lab::rig::Trouble;
use lab::rig::capture::Capture;
use lab::rig::need::{self, need};
use lab::rig::server::binary;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The machine of [`World::machine`].
const MAC: &str = "52:54:00:77:00:01";
/// The server looks for other servers for 4 s when it starts.
const SETTLED: Duration = Duration::from_secs(30);
/// Backups are always encrypted.
const PASSPHRASE: &str = "correct horse battery staple";

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn a_capture_of_seabios_is_answered_again_byte_for_byte() -> Tried {
    // Its ROM is iPXE: an offer, a promise, script, kernel, initrd.
    is_answered_again(Firmware::SeaBios, 5)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn a_capture_of_ovmf_is_answered_again_byte_for_byte() -> Tried {
    // Two offers, two promises, loader, script, kernel, initrd.
    is_answered_again(Firmware::Ovmf, 8)
}

/// `answers` is how many one boot takes at least.
fn is_answered_again(firmware: Firmware, answers: usize) -> Tried {
    need(need::CAPTURE)?;
    let mut world = World::new(firmware, Mode::Dhcp, "menu")?;
    world.offer_debian()?;
    let folder = world.directory.path().to_owned();
    let before = before(&world)?;
    // Its own question for other servers is none that it answers.
    world.server.log().wait_for("no other DHCP server answers", SETTLED, || None)?;
    let capture = Capture::start(&world.link, &folder)?;

    world.switch_on(false)?.wait_for(INSTALLER, PATIENCE)?;
    world.guest = None;
    let file = capture.end()?;
    let report = folder.join("boot.report.json");
    let shown = report.display().to_string();
    world.server.cli(&["report", MAC, &shown])?;

    let config = world.server.config();
    let facts: [&Path; 2] = [Path::new("--facts"), &before];
    let captured = [&file, Path::new("--config"), &config];
    all_the_same(&[&captured[..], &facts[..]].concat(), answers, &folder)?;
    all_the_same(&[&report], answers, &folder)
}

/// What the server knows now, in a state directory that no server uses: a restored backup. The files of
/// images are known by their hashes.
fn before(world: &World) -> Result<PathBuf, Trouble> {
    let folder = world.directory.path();
    let path = |name: &str| folder.join(name).display().to_string();
    let (backup, phrase, before) = (path("before.backup"), path("phrase"), path("before"));
    fs::write(&phrase, PASSPHRASE).map_err(|cause| io("writing a passphrase", cause))?;
    let with = ["--passphrase-file", &phrase];
    world
        .server
        .cli(&[&["backup", &backup, "--with-keys", "--without-images"][..], &with].concat())?;
    world.server.cli(&[&["restore", &backup, "--state", &before][..], &with].concat())?;
    Ok(before.into())
}

/// Replays and looks at every verdict.
fn all_the_same(arguments: &[&Path], answers: usize, folder: &Path) -> Tried {
    let mut command = Command::new(binary()?);
    command.arg("replay").arg("--json").args(arguments).current_dir(folder);
    let output = command.output().map_err(|cause| io("replaying", cause))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{arguments:?}: {e}\n{said}"));
    let Some(entries) = told["entries"].as_array() else { panic!("no entries: {told}") };
    let of = |verdict: &str| entries.iter().filter(|entry| entry["verdict"] == verdict).count();
    let others: Vec<&Value> = entries
        .iter()
        .filter(|entry| entry["verdict"] != "same" && entry["verdict"] != "silent")
        .collect();
    assert!(others.is_empty(), "{arguments:?}: {others:#?}");
    assert!(of("same") >= answers, "{arguments:?}: only {} answers: {told:#}", of("same"));
    assert!(output.status.success(), "{arguments:?}: {said}");
    println!("{arguments:?}: {} the same, {} silent", of("same"), of("silent"));
    Ok(())
}

fn io(doing: &str, cause: std::io::Error) -> Trouble {
    Trouble::Io { doing: doing.to_owned(), cause }
}
