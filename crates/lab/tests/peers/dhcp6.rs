//! DHCPv6, as real clients speak it on a link without IPv4, and names as delv asks for them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lab::rig::need::need;
use lab::rig::ns::{Link, Namespace};
use lab::rig::server::{Server, binary};
use lab::rig::{Process, Trouble};

use super::world::{Tried, World, new_directory, prepared, there, trouble, wait_until, write};

const MAC: &str = "52:54:00:77:07:01";
const LINK_LOCAL: &str = "fe80::5054:ff:fe77:701";
const BY_MAC: &str = "52-54-00-77-07-01.lab.example";

/// A server that advertises itself, so that clients ask it for addresses, and one client's end.
fn world() -> Result<(World, Namespace), Trouble> {
    prepared()?;
    let mut link = Link::new()?;
    link.without_ipv4()?;
    let config = format!(
        "[server]\nname = \"boot\"\n\n[[network]]\ninterface = \"{}\"\nsubnet = \"fd77::/64\"\n\
         pool = [\"fd77::100-fd77::1ff\"]\ndomain = \"lab.example\"\nadvertise = true\n\n\
         [dns]\nlisten = true\n",
        Link::INTERFACE
    );
    let server = Server::start(&binary()?, &link, &config)?;
    let client = link.client(MAC)?;
    client.link_local(LINK_LOCAL)?;
    Ok((World::new(link, server, None), client))
}

/// The address that the server says it leased.
fn leased(world: &World) -> Result<Option<String>, Trouble> {
    let leases = world.json(&["lease", "list"])?;
    let text = leases.to_string();
    let begin = text.find("fd77::1").unwrap_or(text.len());
    let address: String = text.chars().skip(begin).take_while(|c| *c != '"').collect();
    Ok((!address.is_empty()).then_some(address))
}

/// dhcpcd keeps its files in one place per host; here each client sees its own.
const DHCPCD: &str = "mkdir -p /run/dhcpcd /var/lib/dhcpcd && \
    mount --bind \"$0/run\" /run/dhcpcd && mount --bind \"$0/lib\" /var/lib/dhcpcd && \
    exec dhcpcd -6 -B -d --script \"$0/script\" \"$1\"";

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn dhcpcd_is_told_to_ask_and_gets_an_address_that_delv_finds_by_its_name() -> Tried {
    need(&["bind9-dnsutils"])?;
    let (world, client) = world()?;
    let directory = new_directory()?;
    let here = directory.path();
    for name in ["run", "lib"] {
        fs::create_dir(here.join(name)).map_err(|e| trouble("making a directory", e))?;
    }
    let script = here.join("script");
    write(
        &script,
        "#!/bin/sh\nenv | grep -E '^(reason|new_dhcp6)' >>\"$(dirname \"$0\")/given\"\n",
    )?;
    let program = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&script, program).map_err(|e| trouble("making a program", e))?;
    let mut command = client.command("unshare");
    command.args(["-m", "sh", "-c", DHCPCD]).arg(here).arg(Link::INTERFACE);
    let _dhcpcd = Process::start(command, here.join("log"))?;
    let given = wait_until("dhcpcd is given an address", || {
        let given = fs::read_to_string(here.join("given")).unwrap_or_default();
        Ok(given.contains("reason=BOUND6").then_some(given))
    })?;
    let of = |name: &str| {
        let line = given.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().to_owned()
    };
    let address = of("new_dhcp6_ia_na1_ia_addr1");
    assert!(address.starts_with("fd77::1"), "{given}");
    assert_eq!(of("new_dhcp6_ia_na1_ia_addr1_vltime"), "43200", "{given}");
    assert_eq!(of("new_dhcp6_name_servers"), "fd77::1", "{given}");
    assert_eq!(of("new_dhcp6_domain_search"), "lab.example", "{given}");
    assert_eq!(leased(&world)?, Some(address.clone()));

    // Words apart by one blank, however it lays them out.
    let delv = |arguments: &[&str]| {
        let ran = there(&client, "delv", &[&["-i", "@fd77::1"], arguments].concat())?;
        Ok(ran.said().split_whitespace().collect::<Vec<_>>().join(" "))
    };
    wait_until("delv finds it by its name", || {
        Ok(delv(&[BY_MAC, "AAAA"])?.contains(&format!("IN AAAA {address}")).then_some(()))
    })?;
    let said = delv(&["-x", &address])?;
    assert!(said.contains(&format!("IN PTR {BY_MAC}.")), "{said}");
    let said = delv(&["none.lab.example", "AAAA"])?;
    assert!(said.contains("ncache nxdomain") && said.contains("SOA"), "{said}");
    Ok(())
}

/// It takes a host for a container where /sys cannot be written, and then waits for no udev.
const NETWORKD: &str = "mount --make-rprivate / && mount -t tmpfs tmpfs /run && \
    mkdir -p /run/systemd/network /run/systemd/netif && \
    cp \"$0/client.network\" /run/systemd/network/ && \
    chown -R systemd-network /run/systemd/netif && \
    mount -o remount,ro /sys && SYSTEMD_LOG_LEVEL=debug exec /lib/systemd/systemd-networkd";

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn the_client_of_systemd_networkd_gets_an_address_and_sets_it() -> Tried {
    need(&["systemd"])?;
    let (world, client) = world()?;
    let directory = new_directory()?;
    let here = directory.path();
    write(
        here.join("client.network"),
        "[Match]\nName=eth0\n[Network]\nDHCP=ipv6\nIPv6AcceptRA=yes\nLinkLocalAddressing=ipv6\n",
    )?;
    let mut command = client.command("unshare");
    command.args(["-m", "sh", "-c", NETWORKD]).arg(here);
    let _networkd = Process::start(command, here.join("log"))?;
    let own = wait_until("systemd-networkd has set its address", || {
        let ran = there(&client, "ip", &["-6", "-o", "addr", "show", "scope", "global"])?;
        let own = ran.out.split_whitespace().find(|word| word.starts_with("fd77::1"));
        Ok(own.map(str::to_owned))
    })?;
    let address = own.trim_end_matches("/128");
    assert_eq!(leased(&world)?.as_deref(), Some(address));
    Ok(())
}
