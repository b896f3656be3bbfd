//! `./x demo`: from nothing to an installer, told as it happens.
//!
//! In: which firmware. Out: an isolated network, the server on it, one machine that boots, and the
//! timeline on the screen. Never: anything outside the namespaces it made, and nothing left behind.

use crate::rig::guest::{Firmware, Guest, Spec};
use crate::rig::ns::Link;
use crate::rig::server::{Server, binary};
use crate::rig::{Log, Trouble};
use std::time::{Duration, Instant};

/// The first question of Debian's installer.
const FIRST_QUESTION: &str = "Select a language";
/// The kernel's word that the firmware enforces signatures.
const ENFORCED: &str = "Secure boot enabled";
/// Emulated machines are slow, and this computer may be busy.
const PATIENCE: Duration = Duration::from_secs(480);
/// The machine of the demo.
const MAC: &str = "52:54:00:77:00:01";

/// A demo by its name on the command line.
#[must_use]
pub fn firmware(name: &str) -> Option<Firmware> {
    Some(match name {
        "uefi" => Firmware::Ovmf,
        "bios" => Firmware::SeaBios,
        "http" => Firmware::OvmfHttp,
        "secureboot" => Firmware::OvmfSecureBoot,
        "arm64" => Firmware::Aavmf,
        _ => return None,
    })
}

/// Boots one machine to the installer's first question.
///
/// # Errors
/// When something of the surroundings is missing, or the machine does not arrive.
pub fn run(firmware: Firmware) -> Result<(), Trouble> {
    let clock = Instant::now();
    let say = |text: &str| println!("{:6.1}s  {text}", clock.elapsed().as_secs_f64());
    let arch = if firmware == Firmware::Aavmf { "arm64" } else { "amd64" };
    let tree = format!("/usr/lib/debian-installer/images/12/{arch}/text/debian-installer/{arch}");
    let name = format!("debian-12-{arch}");

    say("making an isolated network: 10.77.0.0/24 in namespaces of its own");
    let mut link = Link::new()?;
    say("starting bootwright serve with mode = \"dhcp\"");
    let server = Server::start(&binary()?, &link, &config())?;
    let commands: [&[&str]; 3] = [
        &["image", "import", &tree, "--name", &name],
        &["profile", "add", "debian", "--image", &name, "--args", firmware.console()],
        &["rule", "add", "--profile", "debian"],
    ];
    for command in commands {
        say(&format!("$ bootwright {}", command.join(" ")));
        for line in server.cli(command)?.lines() {
            say(&format!("  {line}"));
        }
    }
    let told_before = server.log().text().lines().count();

    say(&format!(
        "switching on {firmware:?} under QEMU (emulated, so slow), empty disk, MAC {MAC}"
    ));
    let spec = Spec {
        firmware,
        mac: MAC.to_owned(),
        tap: link.tap()?,
        memory_mib: 1024,
        disk: None,
        trusts: None,
        date: None,
        own: Vec::new(),
        reboots: false,
    };
    let mut guest = Guest::start(&spec)?;
    let arrived = follow(&mut guest, server.log(), told_before, &say);
    let serial = guest.serial().text();
    guest.stop();
    arrived?;

    if firmware == Firmware::OvmfSecureBoot {
        let said = serial.lines().find(|line| line.contains(ENFORCED)).unwrap_or("nothing");
        say(&format!("the kernel says: {}", said.trim()));
    }
    say("done: the installer asks its first question");
    for line in screen(&serial) {
        println!("         | {line}");
    }
    println!("\nWhat the server says about this machine:\n");
    print!("{}", server.cli(&["explain", MAC])?);
    println!(
        "\nTry next:\n  \
         ./x demo bios | http | secureboot | arm64   another firmware\n  \
         bootwright doctor                           what your own network looks like\n  \
         bootwright serve --interface IF             beside the DHCP server you have\n  \
         README.md                                   five minutes to a machine of your own"
    );
    Ok(())
}

/// Tells what the server tells, until the machine has arrived.
fn follow(
    guest: &mut Guest,
    server: &Log,
    mut told: usize,
    say: &dyn Fn(&str),
) -> Result<(), Trouble> {
    let until = Instant::now() + PATIENCE;
    loop {
        let arrived = guest.serial().text().contains(FIRST_QUESTION);
        let text = server.text();
        // The last line may still be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines().skip(told) {
            say(line);
            told += 1;
        }
        if arrived {
            return Ok(());
        }
        if Instant::now() > until {
            return guest.wait_for(FIRST_QUESTION, Duration::ZERO);
        }
        // Ends early, with the reason, when QEMU has died.
        match guest.wait_for(FIRST_QUESTION, Duration::from_millis(500)) {
            Err(trouble) if guest.ended() => return Err(trouble),
            _ => {}
        }
    }
}

/// The last lines on the machine's screen around the question.
fn screen(serial: &str) -> Vec<String> {
    let lines: Vec<&str> = serial.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
    let at = lines.iter().rposition(|line| line.contains(FIRST_QUESTION)).unwrap_or(0);
    let from = at.saturating_sub(1);
    lines.iter().skip(from).take(6).map(|l| l.chars().take(78).collect()).collect()
}

fn config() -> String {
    format!(
        "[[network]]\ninterface = \"{}\"\nmode = \"dhcp\"\nsubnet = \"10.77.0.0/24\"\n\
         pool = [\"10.77.0.100-10.77.0.199\"]\nrouter = \"10.77.0.1\"\n",
        Link::INTERFACE
    )
}
