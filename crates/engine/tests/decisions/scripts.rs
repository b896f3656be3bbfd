//! What loaders are given to read, whole, and judged by GRUB's own parser.

use crate::house::{command, datagram, engine, firmware, lease, mac, reply, rule_for_everybody};
use engine::{Answer, Asker, Command, Engine, FileAsk, Served};
use model::event::Carrier;
use model::machine::Life;
use model::menu::{Choice, Entry, Menu, PasswordHash};
use model::network::Mode;
use model::plan::Why;
use model::{Channel, Now, Uuid};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use wire::dhcp4::MessageType;

fn ask(by: Carrier, name: &str) -> FileAsk {
    FileAsk {
        by,
        name: name.into(),
        from: SocketAddr::from(([10, 77, 0, 9], 40_000)),
        at: SocketAddr::from(([10, 77, 0, 1], 80)),
        link: "lan".into(),
        says: Asker::default(),
        neighbour: Some(mac(1)),
        agent: None,
        body: None,
        head_only: false,
    }
}

fn text(engine: &mut Engine, ask: &FileAsk) -> String {
    match engine.file(Now(0), ask).answer {
        Answer::Reply(found) => match found.what {
            Served::Text(text) => text,
            Served::Blob(_) => panic!("a blob instead of a text"),
        },
        Answer::Silence(why) => panic!("{why}"),
    }
}

fn missing(engine: &mut Engine, ask: &FileAsk) -> Why {
    match engine.file(Now(0), ask).answer {
        Answer::Silence(why) => why,
        Answer::Reply(found) => panic!("{found:?}"),
    }
}

/// The line, somewhere in the text.
fn has(text: &str, line: &str) {
    assert!(text.lines().any(|l| l.trim() == line), "`{line}` is not in:\n{text}");
}

/// GRUB's own parser, where it is installed; under CI it must be.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "an outside judge is another program, and a skip must be seen"
)]
fn judge_grub(script: &str) {
    let dir = std::env::temp_dir().join(format!("grub-{}-{:p}", std::process::id(), script));
    std::fs::write(&dir, script).unwrap();
    let judged = std::process::Command::new("grub-script-check").arg(&dir).output();
    std::fs::remove_file(&dir).unwrap();
    match judged {
        Ok(out) => {
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            assert!(out.status.success(), "{said}\n{script}");
        }
        Err(_) if std::env::var_os("CI").is_some() => panic!("grub-script-check is missing"),
        Err(_) => eprintln!("SKIPPED: grub-script-check is not installed (package grub-common)"),
    }
}

#[test]
fn ipxe_boots_an_image_with_its_reasons_beside() {
    let mut engine = engine(Mode::Dhcp);
    rule_for_everybody(&mut engine);
    let script = text(&mut engine, &ask(Carrier::Http, "boot.ipxe"));
    assert!(script.starts_with("#!ipxe\n"), "{script}");
    has(&script, "# because rule 1 (everybody > debian) matches everybody");
    has(
        &script,
        "kernel http://10.77.0.1/image/debian-12-amd64/1/linux console=ttyS0 BOOTIF=01-52-54-00-77-00-01 initrd=initrd.gz || goto failed",
    );
    has(&script, "initrd http://10.77.0.1/image/debian-12-amd64/1/initrd.gz || goto failed");
}

#[test]
fn grub_boots_the_same_plan_over_the_protocol_it_has() {
    let mut engine = engine(Mode::Dhcp);
    rule_for_everybody(&mut engine);
    for name in ["grub/grub.cfg", "/debian-installer/amd64/grub/grub.cfg", "a//b\\grub.cfg"] {
        let script = text(&mut engine, &ask(Carrier::Tftp, name));
        has(
            &script,
            "linux (tftp,10.77.0.1)/image/debian-12-amd64/1/linux console=ttyS0 BOOTIF=01-52-54-00-77-00-01",
        );
        has(&script, "initrd (tftp,10.77.0.1)/image/debian-12-amd64/1/initrd.gz");
        assert!(!script.contains("&&"), "GRUB has no &&");
        judge_grub(&script);
    }
    let script = text(&mut engine, &ask(Carrier::Http, "grub/grub.cfg-01-52-54-00-77-00-01"));
    assert!(script.contains("linux (http,10.77.0.1)/image/"), "{script}");
}

#[test]
fn pxelinux_boots_the_same_plan() {
    let mut engine = engine(Mode::Dhcp);
    rule_for_everybody(&mut engine);
    let script = text(&mut engine, &ask(Carrier::Tftp, "pxelinux.cfg/01-52-54-00-77-00-01"));
    has(&script, "KERNEL /image/debian-12-amd64/1/linux");
    has(&script, "INITRD /image/debian-12-amd64/1/initrd.gz");
    has(&script, "APPEND console=ttyS0 BOOTIF=01-52-54-00-77-00-01");
    // A shortened address is one of ten names it tries in turn: a quick "no".
    missing(&mut engine, &ask(Carrier::Tftp, "pxelinux.cfg/0A4D"));
}

#[test]
fn arguments_reach_grub_as_they_were_written() {
    let mut engine = engine(Mode::Dhcp);
    let profile = model::rule::Profile {
        name: "odd".into(),
        image: "debian-12-amd64".into(),
        version: None,
        channel: Channel::Stable,
        args: "autoinstall \"ds=nocloud;s=http://10.77.0.1/a b/\" x=$HOME y='z'".into(),
    };
    command(&mut engine, Command::SetProfile(profile));
    command(&mut engine, Command::AddRule { conditions: vec![], profile: "odd".into() });
    let script = text(&mut engine, &ask(Carrier::Tftp, "grub.cfg"));
    assert!(
        script
            .contains("autoinstall 'ds=nocloud;s=http://10.77.0.1/a b/' 'x=$HOME' 'y='\\''z'\\'''"),
        "{script}"
    );
    judge_grub(&script);
}

#[test]
fn a_machine_that_waits_shows_its_code_and_asks_again() {
    let mut settings = crate::house::settings(Mode::Dhcp);
    settings.boot.unknown = engine::state::Unknown::Pending;
    let mut engine = Engine::new(settings);
    let code = model::machine::code_of(&mac(1));
    let ipxe = text(&mut engine, &ask(Carrier::Http, "boot.ipxe"));
    assert!(
        ipxe.contains(&code) && ipxe.contains("chain --replace http://10.77.0.1/boot.ipxe?mac=")
    );
    let grub = text(&mut engine, &ask(Carrier::Tftp, "grub.cfg"));
    assert!(grub.contains(&code) && grub.contains("configfile (tftp,10.77.0.1)/grub/grub.cfg-01-"));
    judge_grub(&grub);
}

#[test]
fn the_local_disk_is_reached_without_exit_on_uefi() {
    let mut settings = crate::house::settings(Mode::Dhcp);
    settings.boot.unknown = engine::state::Unknown::LocalDisk;
    let mut engine = Engine::new(settings);
    let grub = text(&mut engine, &ask(Carrier::Tftp, "grub.cfg"));
    assert!(grub.contains("chainloader ($disk)$file") && !grub.contains("exit"), "{grub}");
    assert!(grub.contains("/EFI/BOOT/BOOTX64.EFI"));
    judge_grub(&grub);
    let ipxe = text(&mut engine, &ask(Carrier::Http, "boot.ipxe"));
    assert!(ipxe.contains("sanboot --no-describe --drive 0x80") && ipxe.contains("exit 1"));
    assert!(!ipxe.lines().any(|l| l == "exit"), "plain exit opens EDK2's set-up screen");
}

#[test]
fn a_blocked_machine_reads_so_and_goes_to_its_disk() {
    let mut engine = engine(Mode::Dhcp);
    rule_for_everybody(&mut engine);
    lease(&mut engine, Now(0), 1);
    let _ =
        reply(engine.dhcp(Now(0), &datagram(&firmware(MessageType::Discover, 1, "PXEClient", 7))));
    command(&mut engine, Command::SetLife(mac(1).to_string(), Life::Blocked));
    let grub = text(&mut engine, &ask(Carrier::Tftp, "grub.cfg"));
    assert!(grub.contains("this machine is blocked") && !grub.contains("linux "), "{grub}");
    judge_grub(&grub);
}

fn locked_menu() -> Menu {
    let entry = |key: &str, title: &str, choice, hidden, locked| Entry {
        key: key.into(),
        title: title.into(),
        group: (key != "disk").then(|| "Tools".to_owned()),
        hidden,
        choice,
        locked,
    };
    let debian = || Choice::Profile("debian".into());
    Menu {
        entries: vec![
            entry("debian", "Debian 'quoted' \"$x\" `y`; reboot", debian(), false, false),
            entry("disk", "Local disk", Choice::LocalDisk, false, false),
            entry("secret", "Rescue", debian(), false, true),
            entry("unlisted", "Not shown", debian(), true, false),
        ],
        default: Some("disk".into()),
        // PBKDF2-HMAC-SHA512 of "password" with "salt", one round.
        password: Some(PasswordHash(
            "grub.pbkdf2.sha512.1.73616C74.867F70CF1ADE02CFF3752599A3A53DC4AF34C7A669815AE5D513554E1C8CF252C02D470A285A0501BAD999BFE943C08F050235D7D68B1DA55E63F73B60A57FCE"
                .into(),
        )),
    }
}

#[test]
fn the_menu_has_order_groups_default_and_nothing_hidden_or_locked_in_the_open() {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, Command::SetMenu(None, locked_menu()));
    let ipxe = text(&mut engine, &ask(Carrier::Http, "boot.ipxe"));
    has(&ipxe, "item --gap -- Tools");
    has(&ipxe, "choose --timeout 10000 --default disk chosen || goto local");
    assert!(!ipxe.contains("Not shown") && ipxe.contains(":entry_unlisted"), "{ipxe}");
    let locked = ipxe.split(":entry_secret").nth(1).unwrap().split(':').next().unwrap();
    assert!(locked.contains("login") && !locked.contains("kernel"), "{locked}");
    assert!(!ipxe.contains("$x") && !ipxe.contains('`'), "titles are harmless");

    let grub = text(&mut engine, &ask(Carrier::Tftp, "grub.cfg"));
    judge_grub(&grub);
    has(&grub, "set superusers=\"operator\"");
    assert!(grub.contains("--id secret --users operator"), "{grub}");
    assert!(grub.contains("--id debian --unrestricted"), "{grub}");
    assert!(!grub.contains("unlisted"));
}

#[test]
fn a_locked_entry_opens_with_its_password_only() {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, Command::SetMenu(None, locked_menu()));
    let mut choose = ask(Carrier::Http, "boot.ipxe");
    choose.says.entry = Some("secret".into());
    for wrong in [None, Some(String::new()), Some("Password".into())] {
        choose.says.password = wrong;
        let script = text(&mut engine, &choose);
        assert!(script.contains("Wrong user name or password") && !script.contains("kernel"));
    }
    choose.says.password = Some("password".into());
    assert!(text(&mut engine, &choose).contains("kernel http://10.77.0.1/image/"));
}

#[test]
fn who_is_not_known_is_asked_who_it_is() {
    let mut engine = engine(Mode::Dhcp);
    let mut stranger = ask(Carrier::Http, "boot.ipxe");
    stranger.neighbour = None;
    let script = text(&mut engine, &stranger);
    assert!(script.contains("boot.ipxe?mac=${netX/mac}"), "{script}");
    stranger.says.mac = Some(mac(7));
    assert!(text(&mut engine, &stranger).contains("for 52:54:00:77:00:07"));
    let mut grub = ask(Carrier::Tftp, "grub/grub.cfg");
    grub.neighbour = None;
    let script = text(&mut engine, &grub);
    assert!(script.contains("grub.cfg-01-$net_default_mac"), "{script}");
    judge_grub(&script);
}

#[test]
fn a_machine_is_known_by_its_address_by_its_name_and_by_its_uuid() {
    let mut engine = engine(Mode::Dhcp);
    let discover = firmware(MessageType::Discover, 3, "PXEClient", 7);
    let (_, offer) = reply(engine.dhcp(Now(0), &datagram(&discover)));
    let address = lease(&mut engine, Now(0), 3);
    assert_eq!(offer.yiaddr, address);
    let mut by_address = ask(Carrier::Tftp, "grub.cfg");
    by_address.neighbour = None;
    by_address.from.set_ip(IpAddr::V4(address));
    assert!(text(&mut engine, &by_address).contains("for 52:54:00:77:00:03"));
    let mut by_uuid = ask(Carrier::Http, "boot.ipxe");
    by_uuid.neighbour = None;
    by_uuid.says.uuid = Some(Uuid([3; 16]));
    assert!(text(&mut engine, &by_uuid).contains("for 52:54:00:77:00:03"));
    let hex = format!("grub.cfg-{:08X}", u32::from(address));
    assert!(text(&mut engine, &ask(Carrier::Tftp, &hex)).contains("for 52:54:00:77:00:03"));
}

#[test]
fn files_are_found_by_table_only() {
    let mut engine = engine(Mode::Dhcp);
    let blob = |engine: &mut Engine, name: &str| {
        matches!(
            engine.file(Now(0), &ask(Carrier::Tftp, name)).answer,
            Answer::Reply(engine::Found { what: Served::Blob(_), .. })
        )
    };
    for there in [
        "image/debian-12-amd64/1/linux",
        "/image/debian-12-amd64/current/initrd.gz",
        "image\\debian-12-amd64\\1\\LINUX",
        "loader/undionly.kpxe",
        "undionly.kpxe",
        "UNDIONLY.KPXE\u{ff}",
    ] {
        assert!(blob(&mut engine, there), "{there}");
    }
    for not in ["../etc/passwd", "/etc/passwd", "image/debian-12-amd64/9/linux", "loader/", "a\0b"]
    {
        assert!(!blob(&mut engine, not), "{not}");
    }
    let mut outside = ask(Carrier::Tftp, "undionly.kpxe");
    outside.from.set_ip(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    let mut bare = Engine::new({
        let mut settings = crate::house::settings(Mode::Dhcp);
        settings.networks[0].relays.clear();
        settings
    });
    assert_eq!(missing(&mut bare, &outside), Why::OutsideServedSubnets);
}

/// The configuration that a GRUB at this address gets, which does not say who it is.
pub(crate) fn script_at(engine: &mut Engine, address: Ipv4Addr) -> String {
    let mut nameless = ask(Carrier::Tftp, "grub.cfg");
    nameless.neighbour = None;
    nameless.from.set_ip(IpAddr::V4(address));
    text(engine, &nameless)
}

#[test]
fn the_local_disk_cannot_be_hidden_and_nothing_else_starts_by_itself() {
    let mut engine = engine(Mode::Dhcp);
    let mut menu = locked_menu();
    menu.default = None;
    menu.entries[1].hidden = true;
    assert!(engine.command(Now(0), Command::SetMenu(None, menu.clone())).is_err());
    // A store written by an older version may hold such a menu.
    engine.apply(&model::Change::Menu(None, menu));
    let grub = text(&mut engine, &ask(Carrier::Tftp, "grub.cfg"));
    let entries: Vec<&str> = grub.lines().filter(|l| l.starts_with("menuentry")).collect();
    let default: usize = grub
        .lines()
        .find_map(|l| l.strip_prefix("set default="))
        .and_then(|n| n.parse().ok())
        .unwrap();
    assert!(entries[default].contains("--id disk"), "{grub}");
}

#[test]
fn passwords_are_tried_thirty_times_a_minute_and_no_more() {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, Command::SetMenu(None, locked_menu()));
    let mut choose = ask(Carrier::Http, "boot.ipxe");
    choose.says.entry = Some("secret".into());
    choose.says.password = Some("wrong".into());
    for _ in 0..30 {
        let _ = text(&mut engine, &choose);
    }
    choose.says.password = Some("password".into());
    assert!(text(&mut engine, &choose).contains("Wrong user name or password"));
}

#[test]
fn a_serial_number_is_no_name() {
    let mut engine = engine(Mode::Dhcp);
    for last in [1, 2] {
        let discover = firmware(MessageType::Discover, last, "PXEClient", 7);
        let _ = reply(engine.dhcp(Now(0), &datagram(&discover)));
        lease(&mut engine, Now(0), last);
    }
    let set = Command::SetMachine {
        machine: mac(2).to_string(),
        name: Some("lab-01".into()),
        profile: None,
        labels: vec![],
    };
    command(&mut engine, set);
    // The first machine says that its serial number is the second one's name.
    let mut claims = ask(Carrier::Http, "boot.ipxe");
    claims.says.mac = Some(mac(1));
    claims.says.serial = Some("lab-01".into());
    let at = engine.leases().find(|l| l.hardware == mac(1)).unwrap().address;
    claims.from.set_ip(IpAddr::V4(at));
    let _ = text(&mut engine, &claims);
    assert_eq!(engine.machine("lab-01").map(|m| m.hardware), Some(mac(2)));
    // And from another address nothing is filed of what is said in its name.
    claims.says.serial = Some("SN-2".into());
    claims.from.set_ip(IpAddr::V4(Ipv4Addr::new(10, 77, 0, 9)));
    claims.neighbour = Some(mac(7));
    let _ = text(&mut engine, &claims);
    assert!(engine.machine("SN-2").is_none());
}
