//! The web UI in a real browser: Debian's Chromium, driven by `ui/tests/run.mjs`, in front of the real program
//! with a real store, in a network of its own. Pictures of every view are left in `target/ui`.
//!
//! `UI_STEPS` names the steps to run, if not all; they build on each other, so the first ones are needed.

mod common;

use common::Server;
use std::path::Path;
use std::process::Command;

/// A machine has to be heard: it gives addresses, and shows its menu to everybody.
const LAB: &str = r#"
[server]
name = "lab"

[[network]]
interface = "br0"
mode = "dhcp"
subnet = "10.77.0.0/24"
pool = ["10.77.0.100-10.77.0.199"]

[boot]
unknown = "pending"
"#;

#[test]
#[ignore = "needs Chromium and the UI's packages, which ./x test brings"]
fn the_ui_does_what_it_shows_in_a_real_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let ui = root.join("ui");
    if !ui.join("node_modules/playwright-core").exists() {
        eprintln!("SKIPPED: the UI's packages are not in {}; ./x ui brings them", ui.display());
        return;
    }
    let Some(server) = Server::start_with(LAB) else { return };
    furnish(&server);
    let told = server.prints("first operator: ");
    let link = told.split_whitespace().find(|word| word.starts_with("http")).unwrap();
    let mut steps = Command::new("nsenter");
    steps
        .args(["--target", &server.child.id().to_string(), "--net", "node"])
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
    let folder = server.folder.path().join("netboot/debian-installer/amd64");
    std::fs::create_dir_all(&folder).unwrap();
    let mut kernel = vec![0; 1 << 16];
    kernel[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    kernel[0x20e..0x210].copy_from_slice(&0x200_u16.to_le_bytes());
    kernel[0x236] = 1;
    std::fs::write(folder.join("linux"), kernel).unwrap();
    std::fs::write(folder.join("initrd.gz"), [0x1f, 0x8b, 8, 0, 1]).unwrap();
    let netboot = server.folder.path().join("netboot");
    server.says(&["image", "import", netboot.to_str().unwrap(), "--name", "debian-12"]);
    let text = "d-i lab/name string {{ machine.name }}\n";
    let add = server.run_with(&["template", "add", "lab.preseed", "-"], text);
    assert!(add.status.success(), "{add:?}");
    server.says(&["profile", "add", "debian", "--image", "debian-12"]);
    server.says(&["profile", "add", "installer", "--image", "debian-12", "--template", "lab"]);
    server.says(&["rule", "add", "--profile", "debian", "--arch", "x64-uefi"]);
}
