//! Versions and channels of images, and what a recipe's placeholders become.

use crate::house::{command, engine, image, mac, rule_for_everybody};
use engine::{Answer, Asker, Command, Engine, FileAsk, Served};
use model::event::Carrier;
use model::image::{Assets, Channels, DiscFile, Loads, Run, Text, Way};
use model::network::Mode;
use model::plan::{Decision, Reason};
use model::rule::Profile;
use model::{Asset, Channel, Client, Hash, Image, Now};
use std::net::SocketAddr;

const NAME: &str = "debian-12-amd64";

/// Another version of the image: the same with another kernel.
fn another(number: u8) -> Image {
    let mut image = image();
    let kernel = |asset: &Asset| Asset { sha256: Hash([number; 32]), ..asset.clone() };
    image.assets = image
        .assets
        .iter()
        .map(|asset| if asset.path == "linux" { kernel(asset) } else { asset.clone() })
        .collect();
    image
}

fn promote(version: Option<u32>) -> Command {
    Command::Promote { image: NAME.into(), version, to: Channel::Stable }
}

fn get(engine: &mut Engine, name: &str) -> Option<Served> {
    let ask = FileAsk {
        by: Carrier::Http,
        name: name.into(),
        from: SocketAddr::from(([10, 77, 0, 9], 40_000)),
        at: SocketAddr::from(([10, 77, 0, 1], 80)),
        link: "lan".into(),
        says: Asker { mac: Some(mac(1)), memory_mib: Some(700), ..Asker::default() },
        neighbour: Some(mac(1)),
        agent: None,
        body: None,
        head_only: false,
    };
    match engine.file(Now(0), &ask).answer {
        Answer::Reply(found) => Some(found.what),
        Answer::Silence(_) => None,
    }
}

/// The version that a name leads to, by the kernel behind it.
fn kernel(engine: &mut Engine, channel: &str) -> u8 {
    match get(engine, &format!("image/{NAME}/{channel}/linux")) {
        Some(Served::Blob(content)) => content.blob.0[0],
        other => panic!("{other:?}"),
    }
}

fn script(engine: &mut Engine) -> String {
    match get(engine, "boot.ipxe") {
        Some(Served::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn refused(engine: &Engine, command: Command) -> String {
    engine.command(Now(0), command).unwrap_err().to_string()
}

#[test]
fn a_new_version_is_on_trial_until_it_is_promoted_and_one_step_takes_it_back() {
    let mut engine = engine(Mode::Dhcp);
    rule_for_everybody(&mut engine);
    let says = command(&mut engine, Command::PublishImage(another(7)));
    assert!(says.contains("machines get version 1 until `bootwright image promote"), "{says}");
    assert_eq!(["stable", "test", "current"].map(|c| kernel(&mut engine, c)), [2, 7, 7]);
    assert!(script(&mut engine).contains("/image/debian-12-amd64/1/linux"));

    let says = command(&mut engine, promote(None));
    assert!(says.contains("shows version 2 instead of version 1"), "{says}");
    assert!(script(&mut engine).contains("/image/debian-12-amd64/2/linux"));
    let says = command(&mut engine, promote(Some(2)));
    assert!(says.contains("already"), "{says}");

    command(&mut engine, Command::PublishImage(another(9)));
    assert_eq!(["stable", "test"].map(|c| kernel(&mut engine, c)), [7, 9]);
    command(&mut engine, promote(Some(3)));
    let says = command(&mut engine, Command::Rollback(NAME.into()));
    assert!(says.contains("shows version 2 again, no longer 3"), "{says}");
    assert_eq!(["stable", "test"].map(|c| kernel(&mut engine, c)), [7, 9]);
    command(&mut engine, Command::Rollback(NAME.into()));
    assert_eq!(kernel(&mut engine, "stable"), 2);
    assert!(refused(&engine, Command::Rollback(NAME.into())).contains("never showed another"));
    assert!(refused(&engine, promote(Some(8))).contains("has no version 8"));
    let to_current =
        Command::Promote { image: NAME.into(), version: Some(1), to: Channel::Current };
    assert!(refused(&engine, to_current).contains("cannot be set"));
}

#[test]
fn promote_and_rollback_are_one_change_each() {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, Command::PublishImage(another(7)));
    assert_eq!(engine.command(Now(0), promote(None)).unwrap().changes.len(), 1);
    command(&mut engine, promote(None));
    let back = engine.command(Now(0), Command::Rollback(NAME.into())).unwrap();
    assert_eq!(back.changes.len(), 1);
}

#[test]
fn images_of_a_time_without_channels_go_on_as_they_were() {
    let mut engine = engine(Mode::Dhcp);
    engine.apply(&model::Change::Channels(NAME.into(), Channels::default()));
    engine.apply(&model::Change::Image(Image { version: 2, ..another(7) }));
    assert_eq!(kernel(&mut engine, "stable"), 7, "they show the newest");
    command(&mut engine, Command::PublishImage(another(9)));
    assert_eq!(["stable", "test"].map(|c| kernel(&mut engine, c)), [7, 9]);
    command(&mut engine, promote(None));
    command(&mut engine, Command::Rollback(NAME.into()));
    assert_eq!(kernel(&mut engine, "stable"), 7);
}

#[test]
fn what_is_in_use_is_not_removed() {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, Command::PublishImage(another(7)));
    let remove = |version| Command::RemoveImage(NAME.into(), version);
    assert!(refused(&engine, remove(None)).contains("is used by profile debian"));
    assert!(refused(&engine, remove(Some(1))).contains("stable shows it"));
    assert!(refused(&engine, remove(Some(5))).contains("has no version 5"));
    let profile = Profile {
        name: "pinned".into(),
        image: NAME.into(),
        version: Some(2),
        channel: Channel::Stable,
        args: String::new(),
        template: None,
        settings: Default::default(),
    };
    command(&mut engine, Command::SetProfile(profile));
    assert!(refused(&engine, remove(Some(2))).contains("is used by profile pinned"));
    command(&mut engine, Command::RemoveProfile("pinned".into()));
    command(&mut engine, promote(Some(2)));
    command(&mut engine, remove(Some(1)));
    assert!(refused(&engine, Command::Rollback(NAME.into())).contains("never showed another"));
    command(&mut engine, Command::RemoveProfile("debian".into()));
    command(&mut engine, remove(None));
    assert!(engine.images().next().is_none());
    assert_eq!(engine.channels(NAME), Channels { last: 2, ..Channels::default() });
}

/// A live system on a disc, of which the squashfs lies in two pieces.
fn live() -> Image {
    let part = |path: &str, from: u64, length: u64| Asset {
        runs: Some([Run { offset: Some(from), length }].into()),
        ..Asset::whole(path, Hash([5; 32]), length)
    };
    let mut image = Image::new("live", "/srv/live.iso", Now(0));
    image.title = "A live system".into();
    image.disc = Some(DiscFile {
        sha256: Hash([5; 32]),
        size: 900 << 20,
        format: "ISO 9660".into(),
        volume: "LIVE".into(),
    });
    image.assets = Assets::new(vec![
        part("live/vmlinuz", 4096, 8 << 20),
        part("live/my initrd%", 9 << 20, 32 << 20),
        part("live/filesystem.squashfs", 64 << 20, 800 << 20),
    ]);
    image.recipe.kind = "debian-live".into();
    image.recipe.kernel = Some("live/vmlinuz".into());
    image.recipe.initrds = vec!["live/my initrd%".into()];
    image.recipe.args =
        "boot=live fetch={B}/live/filesystem.squashfs disc={I} nic={MAC-} to={S}".into();
    image.recipe.texts =
        vec![Text { path: "boot.cfg".into(), text: "prefix={B}\ndisc={I}\n".into() }];
    image.recipe.loads =
        Loads { files: vec!["live/filesystem.squashfs".into()], ..Loads::default() };
    image
}

fn with(image: Image) -> Engine {
    let mut engine = engine(Mode::Dhcp);
    let name = image.name.clone();
    command(&mut engine, Command::PublishImage(image));
    let profile = Profile {
        name: "p".into(),
        image: name,
        version: None,
        channel: Channel::Stable,
        args: "quiet".into(),
        template: None,
        settings: Default::default(),
    };
    command(&mut engine, Command::SetProfile(profile));
    command(&mut engine, Command::AddRule { conditions: vec![], profile: "p".into() });
    engine
}

#[test]
fn placeholders_become_urls_of_the_version_that_is_booted() {
    let mut engine = with(live());
    let script = script(&mut engine);
    let base = "http://10.77.0.1/image/live/1";
    for part in [
        format!("kernel {base}/live/vmlinuz boot=live fetch={base}/live/filesystem.squashfs "),
        format!("disc={base}.iso nic=01-52-54-00-77-00-01 to=http://10.77.0.1 quiet "),
        format!("initrd --name initrd0 {base}/live/my%20initrd%25 || goto failed"),
    ] {
        assert!(script.contains(&part), "{part}\n{script}");
    }
    for name in ["image/live/1/boot.cfg", "image/live/stable/BOOT.CFG", "boot.cfg"] {
        let text = get(&mut engine, name);
        let written = format!("prefix={base}\ndisc={base}.iso\n");
        assert_eq!(text, Some(Served::Text(written)), "{name}");
    }
}

#[test]
fn a_file_of_a_disc_is_a_part_of_its_blob_and_the_disc_is_there_whole() {
    let mut engine = with(live());
    let Some(Served::Blob(part)) = get(&mut engine, "image/live/1/LIVE/vmlinuz") else { panic!() };
    assert_eq!((part.blob, part.size), (Hash([5; 32]), 8 << 20));
    assert_eq!(part.runs.unwrap()[0].offset, Some(4096));
    let Some(Served::Blob(disc)) = get(&mut engine, "image/live/1.iso") else { panic!() };
    assert_eq!((disc.size, disc.runs), (900 << 20, None));
    assert!(get(&mut engine, "image/live/stable.iso").is_some());
    assert!(get(&mut engine, "image/debian-12-amd64/1.iso").is_none(), "it is no disc");
}

#[test]
fn too_little_memory_is_said_on_the_screen_and_does_not_stop_the_boot() {
    let mut engine = with(live());
    let text = script(&mut engine);
    // 8 + 4 x 32 + 800 MiB, and what it takes to run, rounded up.
    let words = "echo   but the machine has 700 MiB of memory, and this needs about 1152 MiB: \
                 kernel 8.0 MiB";
    assert!(text.contains(words), "{text}");
    assert!(text.contains("kernel http://"), "{text}");
    let mut client = Client::unknown("lan", mac(2));
    for (memory_mib, worries) in [(None, false), (Some(1151), true), (Some(1152), false)] {
        client.memory_mib = memory_mib;
        let plan = engine.plan(model::Now(1), &client);
        let worried = plan.reasons.iter().any(|r| matches!(r, Reason::LittleMemory { .. }));
        assert_eq!(worried, worries, "{memory_mib:?}");
        assert!(matches!(plan.decision, Decision::Boot(_)));
    }
}

#[test]
fn a_disc_that_nobody_knows_is_started_as_a_drive_by_ipxe() {
    let mut image = live();
    image.recipe = model::image::Recipe { way: Way::Disc, ..Default::default() };
    let mut engine = with(image);
    let script = script(&mut engine);
    assert!(
        script.contains("sanboot --no-describe http://10.77.0.1/image/live/1.iso || goto failed"),
        "{script}"
    );
    let mut client = Client::unknown("lan", mac(2));
    client.arch = Some(model::Arch::X64Uefi);
    client.firmware = model::Firmware::Pxe;
    let plan = engine.plan(model::Now(1), &client);
    let first = engine.first_file(&client, &plan, false).unwrap();
    assert_eq!(first.path, "loader/snponly-x64.efi", "GRUB could not start it");
}

#[test]
fn a_disc_goes_along_with_the_initrds_under_its_name() {
    let mut image = live();
    image.recipe.disc_as = Some("/proxmox.iso".into());
    let script = script(&mut with(image));
    let line = "initrd --name disc http://10.77.0.1/image/live/1.iso /proxmox.iso || goto failed";
    assert!(script.contains(line) && script.contains(" initrd=disc ||"), "{script}");
}

#[test]
fn links_to_directories_are_followed_and_never_for_ever() {
    let mut image = live();
    let link = |path: &str, to: &str| model::image::Link { path: path.into(), to: to.into() };
    image.links = vec![link("debian", ""), link("pool", "live"), link("a", "b"), link("b", "a")];
    let mut engine = with(image);
    for there in ["debian/live/vmlinuz", "Debian/debian/pool/vmlinuz", "pool/VMLINUZ"] {
        assert!(get(&mut engine, &format!("image/live/1/{there}")).is_some(), "{there}");
    }
    for not in ["a/x", "b/x", "poolx/vmlinuz", "pool", "debian/pool"] {
        assert!(get(&mut engine, &format!("image/live/1/{not}")).is_none(), "{not}");
    }
}

/// Kernel and initrds of the live system under other names.
fn named(kernel: &str, initrds: &[&str]) -> Image {
    let mut image = live();
    let paths = initrds.iter().chain([&kernel]);
    image.assets = paths.map(|path| Asset::whole(*path, Hash([5; 32]), 4096)).collect();
    image.recipe = model::image::Recipe {
        kernel: Some(kernel.into()),
        initrds: initrds.iter().map(|path| (*path).to_owned()).collect(),
        ..Default::default()
    };
    image
}

#[test]
fn names_that_ipxe_would_read_as_its_own_words_are_replaced_by_numbers() {
    for odd in ["my initrd", "x${net0/mac}", "a || shell", "a,b", "initrd=x", "caf\u{e9}", "disc"] {
        let script = script(&mut with(named("linux", &["live/first.gz", odd])));
        assert!(script.contains(" initrd=initrd0 initrd=initrd1 || goto failed\n"), "{script}");
        assert!(script.contains("\ninitrd --name initrd0 http://"), "{script}");
        assert!(script.contains("\ninitrd --name initrd1 http://"), "{script}");
        let raw = format!("={odd}");
        assert!(odd == "disc" || !script.contains(&raw), "{script}");
    }
    let script = script(&mut with(named("linux", &["live/first-1.0_a+b.gz"])));
    assert!(script.contains(" initrd=first-1.0_a+b.gz || goto failed\n"), "{script}");
    assert!(script.contains("\ninitrd http://"), "{script}");
}

#[test]
fn what_pxelinux_cannot_start_is_refused_in_words() {
    let ask = "pxelinux.cfg/01-52-54-00-77-00-01";
    let mut with_disc = named("linux", &["initrd"]);
    with_disc.recipe.disc_as = Some("/x.iso".into());
    let mut xen = named("xen.gz", &["linux"]);
    xen.recipe.way = Way::Multiboot;
    for (image, why) in [
        (named("my linux", &[]), "has a name that this loader cannot ask for"),
        (named("linux", &["a", "b,c"]), "has a name that this loader cannot ask for"),
        (named("linux\nx", &[]), "has a name that this loader cannot ask for"),
        (with_disc, "in a way that only iPXE knows"),
        (xen, "in a way that only iPXE and GRUB know"),
    ] {
        let Some(Served::Text(text)) = get(&mut with(image), ask) else { panic!("{why}") };
        assert!(text.contains(why) && text.contains("LOCALBOOT 0"), "{text}");
        assert!(!text.contains("KERNEL") && !text.contains("INITRD"), "{text}");
    }
    let Some(Served::Text(text)) = get(&mut with(named("linux", &["a", "b"])), ask) else {
        panic!()
    };
    assert!(text.contains("  INITRD /image/live/1/a,/image/live/1/b\n"), "{text}");
}
