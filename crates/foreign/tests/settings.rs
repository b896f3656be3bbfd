//! What becomes of settings: the document, the networks, and the list of what was left out, kept in
//! `written/`. `UPDATE_WRITTEN=1 cargo test -p foreign` renews them; a changed line is read like code.

use foreign::{Book, Parsed, Server, left_out};
use model::Now;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn parsed(server: Server, files: &[&str]) -> Parsed {
    let mut book = Book::new(Now(1_795_391_800_000));
    for file in files {
        let bytes = std::fs::read(folder().join("samples/settings").join(file)).unwrap();
        book.read(server, file, &mut bytes.as_slice()).unwrap();
    }
    book.done()
}

/// All of it in one text.
fn told(parsed: &Parsed) -> String {
    let written = parsed.settings.written();
    let reserved: String = parsed
        .reservations
        .iter()
        .map(|at| format!("{}:{} {} {}\n", at.file, at.line, at.value.address, at.value.holder))
        .collect();
    let parts = [
        ("document", written.document),
        ("networks", written.networks),
        ("reservations", reserved),
        ("left out", left_out(&parsed.left_out)),
    ];
    parts
        .iter()
        .map(|(title, text)| format!("===== {title} =====\n{}\n\n", text.trim_end()))
        .collect()
}

fn check(server: Server, name: &str, files: &[&str]) {
    let told = told(&parsed(server, files));
    let path = folder().join("written").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_WRITTEN").is_some() {
        std::fs::write(&path, &told).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(told, kept, "{} differs; UPDATE_WRITTEN=1 renews it", path.display());
    assert!(!told.contains("secret-of"), "no password is copied");
}

#[test]
fn dnsmasq() {
    check(Server::Dnsmasq, "dnsmasq", &["dnsmasq.conf"]);
    check(Server::Dnsmasq, "dnsmasq-proxy", &["dnsmasq-proxy.conf"]);
}

#[test]
fn isc() {
    check(Server::Isc, "isc", &["dhcpd.conf"]);
}

#[test]
fn kea() {
    check(Server::Kea, "kea", &["kea-dhcp4.conf"]);
}

#[test]
fn matchbox() {
    let files = [
        "matchbox-default.json",
        "matchbox-group.json",
        "matchbox-lost.json",
        "matchbox-profile.json",
    ];
    check(Server::Matchbox, "matchbox", &files);
}

#[test]
fn cobbler() {
    check(Server::Cobbler, "cobbler", &["cobbler.json"]);
}

#[test]
fn pxelinux() {
    let files = ["pxelinux-default", "01-52-54-00-77-0f-01", "C0A8010A"];
    check(Server::Pxelinux, "pxelinux", &files);
}

#[test]
fn fog() {
    check(Server::Fog, "fog", &["fog.sql"]);
}

/// dnsmasq explains a tag in one file and uses it in another; the order does not matter.
#[test]
fn tags_may_be_explained_later() {
    let texts = ["dhcp-boot=tag:efi,x.efi\n", "dhcp-match=set:efi,option:client-arch,7\n"];
    for order in [[0, 1], [1, 0]] {
        let mut book = Book::new(Now(0));
        for n in order {
            book.read(Server::Dnsmasq, &format!("f{n}"), &mut texts[n].as_bytes()).unwrap();
        }
        let parsed = book.done();
        assert_eq!(parsed.left_out, []);
        let written = parsed.settings.written().document;
        assert!(
            written.contains("conditions = [\"arch=x64-uefi\"]\nprofile = \"x.efi\""),
            "{written}"
        );
    }
}

/// A file of a distro may come before or behind the profile that boots it.
#[test]
fn what_boots_what_may_stand_in_any_order() {
    let distro = "{\"name\":\"d\",\"kernel\":\"/a/k\",\"initrd\":\"/a/i\"}";
    let profile = "{\"name\":\"p\",\"distro\":\"d\"}";
    let documents = [[distro, profile], [profile, distro]].map(|texts| {
        let mut book = Book::new(Now(0));
        for text in texts {
            book.read(Server::Cobbler, "f", &mut text.as_bytes()).unwrap();
        }
        book.done().settings.written().document
    });
    assert_eq!(documents[0], documents[1]);
    assert!(documents[0].contains("bootwright image import /a --name d"), "{}", documents[0]);
}

/// Machines that boot other things by the same word do not get each other's.
#[test]
fn labels_of_the_same_name_stay_apart() {
    let mut book = Book::new(Now(0));
    for (file, root) in [("01-52-54-00-00-00-01", "a"), ("01-52-54-00-00-00-02", "b")] {
        let text = format!("DEFAULT linux\nLABEL linux\nKERNEL vmlinuz\nAPPEND root={root}\n");
        book.read(Server::Pxelinux, &format!("/tftp/{file}"), &mut text.as_bytes()).unwrap();
    }
    let parsed = book.done();
    assert_eq!(parsed.left_out, []);
    let written = parsed.settings.written().document;
    for (mac, profile, args) in
        [("52:54:00:00:00:01", "linux", "root=a"), ("52:54:00:00:00:02", "linux-2", "root=b")]
    {
        let machine = format!("mac = \"{mac}\"\nprofile = \"{profile}\"");
        let profile = format!("name = \"{profile}\"\nimage = \"{profile}\"\nargs = \"{args}\"");
        assert!(written.contains(&machine) && written.contains(&profile), "{written}");
    }
}

/// A rule for everybody never stands before one for somebody, in whatever order the files say it.
#[test]
fn what_demands_more_goes_first() {
    let text =
        "dhcp-boot=all.efi\ndhcp-match=set:a,option:client-arch,7\ndhcp-boot=tag:a,some.efi\n";
    let mut book = Book::new(Now(0));
    book.read(Server::Dnsmasq, "f", &mut text.as_bytes()).unwrap();
    let rules: Vec<usize> =
        book.done().settings.rules.iter().map(|at| at.value.conditions.len()).collect();
    assert_eq!(rules, [1, 0]);
    // What is for everybody else there is not for everybody here.
    let text = "if option arch = 00:07 { filename \"a.efi\"; } else { filename \"b.efi\"; }\n\
                subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.1 10.0.0.9; filename \"c.efi\"; }\n";
    let mut book = Book::new(Now(0));
    book.read(Server::Isc, "f", &mut text.as_bytes()).unwrap();
    let parsed = book.done();
    assert_eq!((parsed.settings.rules.len(), parsed.left_out.len()), (1, 2));
}

#[test]
fn several_ranges_of_a_subnet_are_pools_of_one_network() {
    let text = "interface=br0\ndhcp-range=10.0.0.10,10.0.0.19,1m\ndhcp-range=10.0.0.30,10.0.0.39\n\
                dhcp-range=10.0.1.10,10.0.1.19\n";
    let mut book = Book::new(Now(0));
    book.read(Server::Dnsmasq, "f", &mut text.as_bytes()).unwrap();
    let parsed = book.done();
    let pools: Vec<usize> =
        parsed.settings.networks.iter().map(|at| at.value.pools.len()).collect();
    assert_eq!(pools, [2, 1]);
    // A lease of a minute is too short, and one interface has one network.
    assert_eq!(parsed.left_out.len(), 2, "{}", left_out(&parsed.left_out));
    assert_eq!(parsed.settings.networks[1].value.interface, None);
}
