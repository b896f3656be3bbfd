//! `pxelinux.cfg`, for PXELINUX, U-Boot, Petitboot and IBM Z: each understands the few words used
//! here.

use super::{Line, Said, Scene, args, is_safe, plain};
use model::image::Way;
use model::menu::Entry;
use model::plan::{Boot, BootPlan, Decision, ShownMenu};

/// The configuration for a plan. Locked and hidden entries are left out: nothing here could ask
/// for a password.
pub fn write(scene: &Scene<'_>, plan: &BootPlan) -> String {
    let on_screen = Said::of(scene, plan);
    let mut text = on_screen.begin("");
    on_screen.push_screen(&mut text, "SAY ", "\n");
    match &plan.decision {
        Decision::Boot(boot) => {
            text.push_str("DEFAULT boot\nPROMPT 0\n");
            text.push_str(&label("boot", Some((scene, boot)), &boot.title));
        }
        Decision::Menu(menu) => {
            text.push_str(&format!("DEFAULT {}\nPROMPT 1\n", menu.default));
            // In tenths of a second; 0 waits for ever.
            text.push_str(&format!("TIMEOUT {}\n", menu.wait_s.saturating_mul(10)));
            for (entry, boot) in open(menu) {
                text.push_str(&format!("SAY   {}\n", said(entry)));
                text.push_str(&label(
                    &entry.key,
                    boot.as_ref().map(|boot| (scene, boot)),
                    &entry.title,
                ));
            }
        }
        _ => {
            text.push_str("DEFAULT local-disk\nPROMPT 0\n");
            text.push_str(&label("local-disk", None, "Start the local disk"));
        }
    }
    text
}

fn open(menu: &ShownMenu) -> impl Iterator<Item = &(Entry, Option<Boot>)> {
    menu.entries.iter().filter(|(entry, _)| !entry.hidden && !entry.locked)
}

fn said(entry: &Entry) -> String {
    format!("{} - {}", entry.key, plain(&entry.title))
}

/// A menu as it stands on the screen.
pub(super) fn lines(menu: &ShownMenu) -> Vec<Line> {
    open(menu).map(|(entry, _)| Line::Entry { key: entry.key.clone(), text: said(entry) }).collect()
}

fn label(key: &str, boot: Option<(&Scene<'_>, &Boot)>, title: &str) -> String {
    let mut text = format!("LABEL {key}\n  MENU LABEL {}\n", plain(title));
    let Some((scene, boot)) = boot else {
        text.push_str("  LOCALBOOT 0\n");
        return text;
    };
    if let Some(why) = cannot(boot) {
        text.push_str(&format!("  SAY {why}\n  LOCALBOOT 0\n"));
        return text;
    }
    text.push_str(&format!("  KERNEL /{}\n", boot.kernel));
    if !boot.initrds.is_empty() {
        let initrds: Vec<String> = boot.initrds.iter().map(|i| format!("/{i}")).collect();
        text.push_str(&format!("  INITRD {}\n", initrds.join(",")));
    }
    text.push_str(&format!("  APPEND {}\n", args(boot, scene.client, scene.http, scene.answer)));
    text
}

/// Why these loaders cannot start something. They have no way to quote a path: a blank ends it, a
/// comma begins the next initrd.
fn cannot(boot: &Boot) -> Option<&'static str> {
    if boot.disc_as.is_some() || matches!(boot.way, Way::Disc | Way::Program) {
        return Some("this entry is started in a way that only iPXE knows");
    }
    if boot.way == Way::Multiboot {
        return Some("this entry is started in a way that only iPXE and GRUB know");
    }
    let mut paths = boot.initrds.iter().chain([&boot.kernel]);
    let safe = |path: &String| path.split('/').all(is_safe);
    (!paths.all(safe)).then_some(
        "a file of this entry has a name that this loader cannot ask for. iPXE and GRUB can",
    )
}
