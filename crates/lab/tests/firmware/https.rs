//! UEFI HTTPS Boot: firmware that trusts our CA boots, and firmware that does not says so by what it
//! does, since it says nothing.

use super::{INSTALLER, Mode, PATIENCE, Tried, World, config};
use lab::rig::Trouble;
use lab::rig::guest::{Firmware, Guest, Spec};
use lab::rig::ns::Link;
use model::Now;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tls::{Ask, Failed, Store};

/// Ten times what firmware takes from its start to our answer, with two at once on two cores.
const TO_THE_ANSWER: Duration = Duration::from_secs(150);
/// 2010-06-01: ten years later what was signed then is over.
pub(super) const LONG_AGO: Now = Now(1_275_350_400_000);

#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_https_with_our_ca_boots_the_installer() -> Tried {
    let mut world = over_https("menu")?;
    world.offer_debian()?;
    world.trusting(Some(our_list(&world)))?.wait_for(INSTALLER, PATIENCE)?;
    let log = world.server.log().text();
    for word in [
        "file https://10.77.0.1/loader/snponly-x64.efi",
        "over HTTPS, because http_boot = \"https\" here",
        "/loader/snponly-x64.efi done",
        // iPXE goes on by HTTP.
        "file http://10.77.0.1/boot.ipxe",
    ] {
        assert!(log.contains(word), "the server does not say {word:?}");
    }
    assert!(!log.contains("no TLS with"), "a handshake failed");
    Ok(())
}

/// One server, four machines after another, each only until it refuses: another CA, no CA, another
/// address in the certificate, and a certificate that is over.
#[test]
#[ignore = "real firmware under QEMU, as root: `./x test` runs it"]
fn ovmf_https_refuses_another_ca_and_another_address_and_we_say_so() -> Tried {
    let mut world = over_https("menu")?;
    let stranger = Store::new(&world.directory.path().join("stranger"));
    stranger
        .init(&Ask { host: "stranger".to_owned(), ..Ask::default() }, LONG_AGO, false)
        .map_err(trouble)?;
    let [_, _, others_list] = stranger.to_enrol();

    let first = world.refused(others_list)?;
    assert!(first.contains("our certificate names 10.77.0.1"), "{first}");
    assert!(first.contains("tls show"), "{first}");
    // It is known whose silence this is.
    let explained = world.server.cli(&["explain", "52:54:00:77:00:01"])?;
    assert!(explained.contains("could not agree with us on TLS"), "{explained}");

    // Without any CA this firmware never connects: only what is missing can be seen.
    let offered = "file https://10.77.0.1/loader";
    let before = count(&world, offered);
    let mut guest = world.start(None)?;
    until(&mut guest, || count(&world, offered) > before + 1, offered)?;
    guest.wait_for("Remote boot cancelled", TO_THE_ANSWER)?;
    drop(guest);
    assert_eq!(count(&world, "no TLS with"), 1, "it connected");
    let explained = world.server.cli(&["explain", "52:54:00:77:00:01"])?;
    assert!(explained.contains("does not even connect"), "{explained}");

    world.server.cli(&["tls", "init", "--only", "--address", "10.77.0.99"])?;
    let reloaded = world.server.cli(&["reload"])?;
    assert!(reloaded.contains("certificate: "), "{reloaded}");
    assert!(world.server.cli(&["status"])?.contains("does not name 10.77.0.1"));
    let second = world.refused(our_list(&world))?;
    assert!(second.contains("our certificate does not name 10.77.0.1"), "{second}");
    assert!(second.contains("tls init --address 10.77.0.1"), "{second}");

    // EDK2 2022.11 does not look at dates; others may, so we do.
    let over = Ask { addresses: vec![[10, 77, 0, 1].into()], ..Ask::default() };
    Store::new(&world.server.state()).init(&over, LONG_AGO, false).map_err(trouble)?;
    world.server.cli(&["reload"])?;
    let said = world.server.log().text();
    assert!(said.contains("ALARM THE CERTIFICATE IS OVER"), "no alarm");
    let mut guest = world.start(Some(our_list(&world)))?;
    let fetched = "/loader/snponly-x64.efi done";
    until(&mut guest, || count(&world, fetched) > 0, fetched)
}

/// A server that sends firmware to HTTPS, with certificates of its own.
pub(super) fn over_https(unknown: &str) -> Result<World, Trouble> {
    let world = World::new(Firmware::OvmfHttp, Mode::Dhcp, unknown)?;
    let file = world.server.config();
    let plain = config(Mode::Dhcp, unknown);
    let interface = format!("interface = \"{}\"\n", Link::INTERFACE);
    let text = plain.replace(&interface, &format!("{interface}http_boot = \"https\"\n"))
        + "\n[http]\ntls_port = 443\n";
    fs::write(&file, text)
        .map_err(|cause| Trouble::Io { doing: format!("writing {}", file.display()), cause })?;
    world.server.cli(&["tls", "init"])?;
    world.server.cli(&["reload"])?;
    Ok(world)
}

/// Our CA, as firmware takes it in.
fn our_list(world: &World) -> PathBuf {
    let [_, _, list] = Store::new(&world.server.state()).to_enrol();
    list
}

pub(super) fn trouble(failed: Failed) -> Trouble {
    Trouble::Io {
        doing: "making certificates".to_owned(),
        cause: std::io::Error::other(failed.to_string()),
    }
}

fn count(world: &World, text: &str) -> usize {
    world.server.log().text().matches(text).count()
}

/// Waits for what the server says, while the machine runs.
fn until(guest: &mut Guest, said: impl Fn() -> bool, what: &str) -> Tried {
    let since = std::time::Instant::now();
    while !said() {
        if since.elapsed() > TO_THE_ANSWER || guest.ended() {
            return Err(Trouble::Silence {
                waited_for: what.to_owned(),
                limit: format!("within {} s", TO_THE_ANSWER.as_secs()),
                log: "the machine's serial port".to_owned(),
                tail: guest.serial().tail(),
            });
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

impl World {
    fn start(&mut self, trusts: Option<PathBuf>) -> Result<Guest, Trouble> {
        Guest::start(&Spec { trusts, ..self.machine()? })
    }

    fn trusting(&mut self, trusts: Option<PathBuf>) -> Result<&mut Guest, Trouble> {
        let guest = self.start(trusts)?;
        Ok(self.guest.insert(guest))
    }

    /// A machine that refuses us; what we say of it.
    fn refused(&mut self, trusts: PathBuf) -> Result<String, Trouble> {
        let before = count(self, "no TLS with");
        let mut guest = self.start(Some(trusts))?;
        until(&mut guest, || count(self, "no TLS with") > before, "no TLS with")?;
        // It goes no further either.
        guest.wait_for("Error: ", TO_THE_ANSWER)?;
        drop(guest);
        let log = self.server.log().text();
        let last = log.lines().rfind(|line| line.contains("no TLS with"));
        Ok(last.unwrap_or_default().to_owned())
    }
}
