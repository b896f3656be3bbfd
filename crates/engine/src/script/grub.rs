//! GRUB configurations, as Debian's and Red Hat's signed builds understand them: no modules to
//! load, no `&&`.

use super::{Line, Said, Scene, args, module_args, plain};
use model::Arch;
use model::event::Carrier;
use model::image::Way;
use model::menu::{Choice, Entry};
use model::plan::{Boot, BootPlan, Decision, ShownMenu};

/// The configuration for a plan.
pub fn write(scene: &Scene<'_>, plan: &BootPlan) -> String {
    let said = Said::of(scene, plan);
    let mut text = said.begin("");
    text.push_str(&local_disk_function(scene));
    match &plan.decision {
        Decision::Boot(boot) => {
            said.push_screen(&mut text, "echo '", "'\n");
            text.push_str(&start(scene, boot, ""));
            text.push_str(
                "echo 'Bootwright: that did not start; the line above says why.'\n\
                 echo 'Going on to the local disk in 10 seconds.'\nsleep 10\nlocal_disk\n",
            );
        }
        Decision::Menu(menu) => text.push_str(&show_menu(scene, menu)),
        Decision::Pending { .. } | Decision::Confirm => {
            said.push_screen(&mut text, "echo '", "'\n");
            text.push_str("echo 'Press ESC for the local disk; asking again in 15 seconds.'\n");
            text.push_str("if sleep --interruptible 15; then\n");
            text.push_str(&format!("  configfile {}\n", own_config(scene)));
            text.push_str("fi\nlocal_disk\n");
        }
        Decision::Refused => {
            said.push_screen(&mut text, "echo '", "'\n");
            text.push_str("sleep 5\nlocal_disk\n");
        }
        // What another server names, only iPXE boots: `screen` says so.
        Decision::LocalDisk | Decision::Silent | Decision::Ask { .. } | Decision::Elsewhere(_) => {
            said.push_screen(&mut text, "echo '", "'\n");
            text.push_str("local_disk\n");
        }
    }
    text
}

/// For a GRUB whose machine is not known yet: it asks again and says who it is.
pub fn introduce(scene: &Scene<'_>) -> String {
    format!(
        "# Who are you? Asking again with the machine's hardware address.\n\
         if [ -n \"$net_default_mac\" ]; then\n  configfile {}/grub/grub.cfg-01-$net_default_mac\nfi\n\
         echo 'Bootwright: this machine could not be recognised.'\nsleep 10\n",
        device(scene)
    )
}

/// Our files as GRUB names them: by the protocol it came to us with, for that one it has. Debian's
/// signed builds have no HTTP client; those that have one take port 80 only.
fn device(scene: &Scene<'_>) -> String {
    let server = model::url::host(scene.server);
    match (scene.by, scene.http_port) {
        (Carrier::Http, 80) => format!("(http,{server})"),
        _ => format!("(tftp,{server})"),
    }
}

fn own_config(scene: &Scene<'_>) -> String {
    format!("{}/grub/grub.cfg-{}", device(scene), scene.client.hardware.dashed_with_kind())
}

fn start(scene: &Scene<'_>, boot: &Boot, indent: &str) -> String {
    let device = device(scene);
    if boot.way == Way::Disc || boot.disc_as.is_some() {
        return format!(
            "{indent}echo 'Bootwright: {} is started in a way that only iPXE knows.'\n\
             {indent}sleep 10\n",
            plain(&boot.title)
        );
    }
    let arguments: Vec<String> = words(&args(boot, scene.client, scene.http, scene.answer))
        .iter()
        .map(|w| quote(w))
        .collect();
    let mut text = String::new();
    text.push_str(&format!("{indent}echo 'Loading {} ...'\n", plain(&boot.kernel)));
    let kernel = quote(&format!("{device}/{}", boot.kernel));
    let (word, module) = match boot.way {
        Way::Program => ("chainloader", "initrd"),
        Way::Multiboot => ("multiboot2", "module2"),
        Way::Kernel | Way::Disc => ("linux", "initrd"),
    };
    text.push_str(&format!("{indent}{word} {kernel} {}\n", arguments.join(" ")));
    if boot.way == Way::Multiboot {
        for (at, path) in boot.initrds.iter().enumerate() {
            let own = words(&module_args(boot, at, scene));
            let own: Vec<String> = own.iter().map(|word| quote(word)).collect();
            let path = quote(&format!("{device}/{path}"));
            text.push_str(format!("{indent}{module} {path} {}", own.join(" ")).trim_end());
            text.push('\n');
        }
    } else if !boot.initrds.is_empty() {
        let initrds: Vec<String> =
            boot.initrds.iter().map(|path| quote(&format!("{device}/{path}"))).collect();
        text.push_str(&format!("{indent}echo 'Loading {} ...'\n", plain(&boot.initrds.join(" "))));
        text.push_str(&format!("{indent}initrd {}\n", initrds.join(" ")));
    }
    text.push_str(&format!("{indent}boot\n"));
    text
}

/// Looks for a boot loader on the machine's disks and starts it. GRUB's `exit` would tell EDK2
/// that all went well, and that opens its set-up screen instead of the next boot option.
fn local_disk_function(scene: &Scene<'_>) -> String {
    let loaders = disk_loaders(scene.client.arch).join(" ");
    format!(
        "function local_disk {{\n\
         \x20 if [ \"$grub_platform\" = pc ]; then\n\
         \x20   set root=(hd0)\n    chainloader +1\n    boot\n\
         \x20 fi\n\
         \x20 for file in {loaders}; do\n\
         \x20   unset disk\n\
         \x20   search --no-floppy --file --set=disk $file\n\
         \x20   if [ -n \"$disk\" ]; then\n\
         \x20     set root=$disk\n\
         \x20     if chainloader ($disk)$file; then boot; fi\n\
         \x20   fi\n\
         \x20 done\n\
         \x20 echo 'Bootwright: no boot loader was found on any local disk.'\n\
         \x20 echo 'The machine starts again in 60 seconds.'\n\
         \x20 sleep 60\n  reboot\n}}\n"
    )
}

/// Where systems put their loaders on the EFI system partition: their own first, then the
/// removable-media name (UEFI 2.10, 3.5.1.1).
fn disk_loaders(arch: Option<Arch>) -> Vec<String> {
    let suffixes: Vec<(&str, &str)> = match arch {
        Some(Arch::X64Uefi) => vec![("x64", "X64")],
        Some(Arch::Arm64Uefi) => vec![("aa64", "AA64")],
        Some(Arch::Ia32Uefi) => vec![("ia32", "IA32")],
        _ => vec![("x64", "X64"), ("aa64", "AA64"), ("ia32", "IA32")],
    };
    let mut files = Vec::new();
    for (small, large) in suffixes {
        if small == "x64" {
            files.push("/EFI/Microsoft/Boot/bootmgfw.efi".to_owned());
        }
        for system in ["debian", "ubuntu", "fedora", "redhat", "centos", "rocky", "almalinux"] {
            files.push(format!("/EFI/{system}/shim{small}.efi"));
        }
        for system in ["opensuse", "sles"] {
            files.push(format!("/EFI/{system}/shim.efi"));
        }
        files.push(format!("/EFI/systemd/systemd-boot{small}.efi"));
        files.push(format!("/EFI/BOOT/BOOT{large}.EFI"));
    }
    files
}

/// What stands for each entry: GRUB has no headings, so the first of a group says its name.
fn titles(shown: &[&(Entry, Option<Boot>)]) -> Vec<String> {
    let mut group = None;
    let title = |(entry, _): &&(Entry, Option<Boot>)| {
        let heading = if entry.group == group { None } else { entry.group.clone() };
        group.clone_from(&entry.group);
        match heading {
            Some(heading) => format!("[{}] {}", plain(&heading), plain(&entry.title)),
            None => plain(&entry.title),
        }
    };
    shown.iter().map(title).collect()
}

/// A menu as it stands on the screen.
pub(super) fn lines(menu: &ShownMenu) -> Vec<Line> {
    let shown: Vec<&(Entry, Option<Boot>)> =
        menu.entries.iter().filter(|(entry, _)| !entry.hidden).collect();
    let titled = shown.iter().zip(titles(&shown));
    let open = titled.filter(|((entry, _), _)| !entry.locked || menu.password.is_some());
    open.map(|((entry, _), text)| Line::Entry { key: entry.key.clone(), text }).collect()
}

fn show_menu(scene: &Scene<'_>, menu: &ShownMenu) -> String {
    let mut text = String::new();
    let locked = menu.entries.iter().any(|(entry, _)| entry.locked);
    if let (true, Some(password)) = (locked, &menu.password) {
        text.push_str(&format!(
            "set superusers=\"operator\"\npassword_pbkdf2 operator {}\n",
            plain(&password.0)
        ));
    }
    let shown: Vec<&(Entry, Option<Boot>)> =
        menu.entries.iter().filter(|(entry, _)| !entry.hidden).collect();
    let titles = titles(&shown);
    let place = shown.iter().position(|(entry, _)| entry.key == menu.default);
    let default = place.unwrap_or(0);
    // What was not meant to be the default must not start by itself.
    let wait = if menu.wait_s == 0 || place.is_none() {
        -1
    } else {
        i64::try_from(menu.wait_s).unwrap_or(-1)
    };
    text.push_str(&format!("set default={default}\nset timeout={wait}\n"));
    for ((entry, boot), title) in shown.into_iter().zip(titles) {
        // Without a password to check there is nothing that could open a locked entry.
        let access = match (entry.locked, menu.password.is_some()) {
            (true, true) => "--users operator",
            (true, false) => continue,
            _ => "--unrestricted",
        };
        text.push_str(&format!("menuentry '{title}' --id {} {access} {{\n", entry.key));
        match (boot, &entry.choice) {
            (Some(boot), _) => text.push_str(&start(scene, boot, "  ")),
            (None, Choice::LocalDisk) => text.push_str("  local_disk\n"),
            (None, _) => text.push_str("  echo 'nothing to boot'\n"),
        }
        text.push_str("}\n");
    }
    text
}

/// Arguments as the operator wrote them: split at blanks, double quotes keep a piece together.
fn words(args: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in args.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A word that GRUB takes as it stands.
fn quote(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "/.,:=_-+@%()[]".contains(c);
    if word.chars().all(safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
