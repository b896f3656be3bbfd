//! iPXE scripts, for every build since 2013.

use super::{Line, Said, Scene, args, file_name, is_safe, module_args, plain};
use model::image::Way;
use model::menu::Choice;
use model::plan::{Boot, BootPlan, Decision, Elsewhere, ShownMenu};
use model::url;

/// An address, if it has none yet, of the family that it came by: asking for the other would only
/// make it wait.
fn configure(http: &str) -> &'static str {
    match http.contains('[') {
        true => {
            "isset ${ip6} || ifconf --configurator ipv6 || echo Bootwright: no address by DHCPv6\n"
        }
        false => "isset ${ip} || dhcp || echo Bootwright: no address by DHCP\n",
    }
}

/// The script for a plan.
pub fn write(scene: &Scene<'_>, plan: &BootPlan) -> String {
    let said = Said::of(scene, plan);
    let mut text = said.begin("#!ipxe\n");
    // autoexec.ipxe runs before any DHCP (Q77), and a cached answer may lack half of it (Q79).
    text.push_str(configure(scene.http));
    said.push_screen(&mut text, "echo ", "\n");
    match &plan.decision {
        Decision::Boot(boot) => {
            text.push_str(&start(scene, boot));
            text.push_str(&failed(scene));
        }
        Decision::Menu(menu) => text.push_str(&show_menu(scene, menu)),
        Decision::Pending { .. } | Decision::Confirm => text.push_str(&format!(
            "prompt --key 0x02 --timeout 15000 Press Ctrl-B for the local disk; asking again in 15 seconds && goto local ||\n\
             chain --replace {} || goto local\n",
            again(scene, None)
        )),
        Decision::Elsewhere(boot) => {
            text.push_str(&start_elsewhere(scene, boot));
            text.push_str(&failed(scene));
        }
        // The reason stays readable for a moment before the disk takes the screen.
        Decision::Refused => text.push_str("sleep 5\n"),
        Decision::LocalDisk | Decision::Silent | Decision::Ask { .. } => {}
    }
    text.push_str(&local_disk(scene));
    text
}

/// The script that a wrong password gets.
pub fn wrong_password(scene: &Scene<'_>) -> String {
    let menu = again(scene, None);
    format!(
        "#!ipxe\necho Wrong user name or password.\nprompt --timeout 5000 Press a key ||\n\
         clear username\nclear password\nchain --replace {menu}\n"
    )
}

/// A script for somebody whose identity is not known yet: it asks again and says who it is.
pub fn introduce(http: &str) -> String {
    let configure = configure(http);
    format!(
        "#!ipxe\n# Who are you? Asking again with the machine's identity.\n\
         {configure}\
         chain --replace {http}/boot.ipxe?mac=${{netX/mac}}&uuid=${{uuid}}&serial=${{serial:uristring}}&arch=${{buildarch}}&platform=${{platform}}&memsize=${{memsize}}\n"
    )
}

/// Kernel, initrds, go; or a disc as a drive. Old builds need `initrd=` for a kernel that is an EFI
/// program.
fn start(scene: &Scene<'_>, boot: &Boot) -> String {
    let http = scene.http;
    if boot.way == Way::Disc {
        return format!(
            "imgfree\nsanboot --no-describe {http}/{} || goto failed\n",
            url::path(&boot.kernel)
        );
    }
    let args = args(boot, scene.client, http, scene.answer);
    let mut line = format!("kernel {http}/{} {args}", url::path(&boot.kernel));
    if boot.way == Way::Kernel {
        for name in names(boot) {
            line.push_str(&format!(" initrd={name}"));
        }
        if boot.disc_as.is_some() {
            line.push_str(&format!(" initrd={DISC}"));
        }
    }
    let mut text = format!("imgfree\n{} || goto failed\n", line.trim_end());
    let named = boot.way == Way::Kernel && !have_safe_names(boot);
    for (at, (initrd, name)) in boot.initrds.iter().zip(names(boot)).enumerate() {
        let own = module_args(boot, at, scene);
        let word = match boot.way {
            Way::Multiboot => "module".to_owned(),
            _ if named => format!("initrd --name {name}"),
            _ => "initrd".to_owned(),
        };
        let line = format!("{word} {http}/{} {own}", url::path(initrd));
        text.push_str(&format!("{} || goto failed\n", line.trim_end()));
    }
    if let Some((disc, path)) = &boot.disc_as {
        // A file with a path after its URL becomes an archive that the kernel unpacks.
        text.push_str(&format!("initrd --name {DISC} {http}/{disc} {path} || goto failed\n"));
    }
    text.push_str("boot || goto failed\n");
    text
}

/// The same from somewhere else. Initrds are numbered: their URLs may end in anything.
fn start_elsewhere(scene: &Scene<'_>, boot: &Elsewhere) -> String {
    let mut line = format!("kernel {} {}", boot.kernel, boot.args);
    if !boot.args.contains("BOOTIF=") && scene.client.hardware.as_mac().is_some() {
        line.push_str(&format!(" BOOTIF={}", scene.client.hardware.dashed_with_kind()));
    }
    for at in 0..boot.initrds.len() {
        line.push_str(&format!(" initrd=initrd{at}"));
    }
    let mut text = format!("imgfree\n{line} || goto failed\n");
    for (at, initrd) in boot.initrds.iter().enumerate() {
        text.push_str(&format!("initrd --name initrd{at} {initrd} || goto failed\n"));
    }
    text.push_str("boot || goto failed\n");
    text
}

/// How the initrds are called in memory: as their files, unless one of these has a name that iPXE
/// would split, expand or take for a command's end. They are numbered then, so that none is called
/// like another.
fn names(boot: &Boot) -> Vec<String> {
    let safe = have_safe_names(boot);
    let name = |(at, path)| if safe { file_name(path).to_owned() } else { format!("initrd{at}") };
    boot.initrds.iter().map(String::as_str).enumerate().map(name).collect()
}

fn have_safe_names(boot: &Boot) -> bool {
    boot.initrds.iter().map(|path| file_name(path)).all(|name| is_safe(name) && name != DISC)
}

/// The name in memory of a disc that goes along with the initrds.
const DISC: &str = "disc";

fn failed(scene: &Scene<'_>) -> String {
    format!(
        ":failed\necho Bootwright: that did not start; the line above says why.\n\
         prompt --key 0x02 --timeout 10000 Press Ctrl-B for the local disk; trying again in 10 seconds && goto local ||\n\
         chain --replace {} || goto local\n",
        again(scene, None)
    )
}

/// The local disk, in the ways that reach it: a BIOS by its disk number, UEFI through GRUB, which
/// looks for a boot loader on the disk. `exit 1` is the last resort: it lets the firmware try its
/// next option. (Plain `exit` counts as success, and EDK2 then opens its set-up screen.)
fn local_disk(scene: &Scene<'_>) -> String {
    let grub = match &scene.grub {
        Some(path) => format!("chain {}/{path} ||\n", scene.http),
        None => String::new(),
    };
    format!(
        ":local\necho Starting the local disk\niseq ${{platform}} pcbios || goto efi\n\
         sanboot --no-describe --drive 0x80 ||\nexit 1\n:efi\n{grub}exit 1\n"
    )
}

/// What stands above a menu.
pub(super) fn title(server_name: &str) -> String {
    format!("Bootwright {}", plain(server_name))
}

/// A menu as it stands on the screen.
pub(super) fn lines(menu: &ShownMenu) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut group = None;
    for (entry, _) in menu.entries.iter().filter(|(entry, _)| !entry.hidden) {
        if entry.group != group {
            group.clone_from(&entry.group);
            lines.push(Line::Heading(group.as_deref().map(plain).unwrap_or_default()));
        }
        let lock = if entry.locked { " (password)" } else { "" };
        let text = format!("{}{lock}", plain(&entry.title));
        lines.push(Line::Entry { key: entry.key.clone(), text });
    }
    if menu.entries.iter().any(|(entry, _)| entry.hidden) {
        let text = "Another entry, by its name".to_owned();
        lines.extend([Line::Gap, Line::Entry { key: "other-entry".to_owned(), text }]);
    }
    lines
}

fn show_menu(scene: &Scene<'_>, menu: &ShownMenu) -> String {
    let mut text = format!(":menu\nmenu {}\n", title(scene.server_name));
    for line in lines(menu) {
        text.push_str(&match line {
            Line::Heading(title) => format!("item --gap -- {title}\n"),
            Line::Gap => "item --gap --\n".to_owned(),
            Line::Entry { key, text } => format!("item {key} {text}\n"),
        });
    }
    let timeout = match menu.wait_s {
        0 => String::new(),
        s => format!("--timeout {} ", s.saturating_mul(1000)),
    };
    text.push_str(&format!("choose {timeout}--default {} chosen || goto local\n", menu.default));
    text.push_str("goto entry_${chosen}\n");
    for (entry, boot) in &menu.entries {
        text.push_str(&format!(":entry_{}\n", entry.key));
        match (boot, &entry.choice) {
            _ if entry.locked => text.push_str(&format!(
                "login || goto menu\nchain --replace {}&password=${{password:uristring}} || goto menu\n",
                again(scene, Some(&entry.key))
            )),
            (Some(boot), _) => {
                text.push_str(&format!("echo Booting {}\n", plain(&boot.title)));
                text.push_str(&start(scene, boot));
            }
            (None, Choice::LocalDisk) => text.push_str("goto local\n"),
            (None, _) => text.push_str("goto menu\n"),
        }
    }
    text.push_str(
        ":entry_other-entry\necho -n Name of the entry: && read other || goto menu\n\
         goto entry_${other} || goto menu\n\
         :failed\nprompt --timeout 10000 That did not start; the line above says why. Back to the menu ||\ngoto menu\n",
    );
    text
}

/// The URL of this machine's script.
fn again(scene: &Scene<'_>, entry: Option<&str>) -> String {
    let entry = entry.map(|key| format!("&entry={key}")).unwrap_or_default();
    let mac = scene.client.hardware;
    format!("{}/boot.ipxe?mac={mac}&uuid=${{uuid}}&memsize=${{memsize}}{entry}", scene.http)
}
