//! What real firmware asked, captured on its link, decided again: every answer byte for byte.

use super::{Firmware, INSTALLER, Mode, PATIENCE, Tried, World};
use lab::rig::Trouble;
use lab::rig::capture::Capture;
use lab::rig::need::{self, need};
use lab::rig::server::binary;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The machine of [`World::machine`].
const MAC: &str = "52:54:00:77:00:01";
/// Answers of one boot, at least: two offers, two promises, loader, script, kernel, initrd.
const ANSWERS_MIN: usize = 8;

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn a_capture_of_seabios_is_answered_again_byte_for_byte() -> Tried {
    is_answered_again(Firmware::SeaBios)
}

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test --full` runs it"]
fn a_capture_of_ovmf_is_answered_again_byte_for_byte() -> Tried {
    is_answered_again(Firmware::Ovmf)
}

fn is_answered_again(firmware: Firmware) -> Tried {
    need(need::CAPTURE)?;
    let mut world = World::new(firmware, Mode::Dhcp, "menu")?;
    world.offer_debian()?;
    let folder = world.directory.path().to_owned();
    // What was known before: the server rests, and its store is whole at any moment anyway.
    let before = folder.join("before");
    copy(&world.server.state(), &before)?;
    let capture = Capture::start(&world.link, &folder)?;

    world.switch_on(false)?.wait_for(INSTALLER, PATIENCE)?;
    world.guest = None;
    let file = capture.file().to_owned();
    drop(capture);
    let report = folder.join("boot.report.json");
    let shown = report.display().to_string();
    world.server.cli(&["report", MAC, &shown])?;

    let config = world.server.config();
    let facts: [&Path; 2] = [Path::new("--facts"), &before];
    let captured = [&file, Path::new("--config"), &config];
    all_the_same(&[&captured[..], &facts[..]].concat(), &folder)?;
    all_the_same(&[&report], &folder)
}

/// Replays and looks at every verdict.
fn all_the_same(arguments: &[&Path], folder: &Path) -> Tried {
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
    assert!(of("same") >= ANSWERS_MIN, "{arguments:?}: only {} answers: {told:#}", of("same"));
    assert!(output.status.success(), "{arguments:?}: {said}");
    println!("{arguments:?}: {} the same, {} silent", of("same"), of("silent"));
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Tried {
    fs::create_dir_all(to).map_err(|cause| io("making a copy of the state", cause))?;
    for entry in fs::read_dir(from).map_err(|cause| io("reading the state", cause))? {
        let entry = entry.map_err(|cause| io("reading the state", cause))?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(|cause| io("reading the state", cause))?;
        // The files of images are known by their hashes.
        if kind.is_dir() && entry.file_name() != "blobs" {
            copy(&path, &to)?;
        } else if kind.is_file() {
            fs::copy(&path, &to).map_err(|cause| io("copying the state", cause))?;
        }
    }
    Ok(())
}

fn io(doing: &str, cause: std::io::Error) -> Trouble {
    Trouble::Io { doing: doing.to_owned(), cause }
}
