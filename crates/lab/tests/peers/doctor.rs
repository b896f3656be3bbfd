//! `doctor` beside real servers: whom it names, with what evidence, and whom it leaves alone.

use lab::rig::Trouble;
use lab::rig::dnsmasq::Dnsmasq;
use lab::rig::ns::{Link, Namespace};
use lab::rig::server::{Server, binary};
use serde_json::Value;

use super::world::{Ran, Tried, World, giving, json, list, prepared, proxy, wait_until};

const POOL: &str = "10.77.0.20-10.77.0.90";
const STRANGER: &str = "10.77.0.66";
const STRANGER_MAC: &str = "52:54:00:77:09:66";

/// A dnsmasq of the office: addresses, and these further arguments.
fn office(namespace: &Namespace, further: &[&str]) -> Result<Dnsmasq, Trouble> {
    let own = ["--dhcp-range=10.77.0.100,10.77.0.199,1h"];
    Dnsmasq::with(namespace, &[&own, further].concat())
}

/// Its findings, and how it ended.
fn look(world: &World, further: &[&str]) -> Result<(Vec<Value>, Ran), Trouble> {
    let ran = world.operator(&[&["doctor", "--json"], further].concat())?;
    let findings = list(&json(&ran.out)).to_vec();
    let bad = findings.iter().any(|finding| finding["grade"] == "bad");
    assert_eq!(ran.code, Some(i32::from(bad)), "{}", ran.said());
    Ok((findings, ran))
}

fn with_code<'a>(findings: &'a [Value], code: &str) -> Vec<&'a Value> {
    findings.iter().filter(|finding| finding["code"] == code).collect()
}

/// Codes that speak of other servers.
fn alarms(findings: &[Value]) -> Vec<&str> {
    let about = ["D-DHCP-", "D-BOOT", "D-PROXY-", "D-TFTP-", "D-RA-"];
    let codes = findings.iter().filter_map(|finding| finding["code"].as_str());
    codes.filter(|code| about.iter().any(|begin| code.starts_with(begin))).collect()
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn a_second_dhcp_server_is_named_with_what_it_sends_unless_it_belongs_there() -> Tried {
    let mut world = World::alone(&giving(POOL))?;
    let (findings, _) = look(&world, &[])?;
    assert_eq!(alarms(&findings), Vec::<&str>::new(), "alone on the link: {findings:#?}");

    let stranger = world.client_at(STRANGER_MAC, &format!("{STRANGER}/24"))?;
    let _peer = office(&stranger, &["--dhcp-boot=pxelinux.0"])?;
    let (findings, _) = look(&world, &[])?;
    let [two] = with_code(&findings, "D-DHCP-TWO")[..] else { panic!("{findings:#?}") };
    assert_eq!(two["grade"], "bad", "{two:#}");
    let evidence = two["evidence"].to_string();
    for seen in [STRANGER, STRANGER_MAC, "address 10.77.0.1", "file pxelinux.0", "to BIOS"] {
        assert!(evidence.contains(seen), "{seen}: {two:#}");
    }
    // It names a file, and hands none out: it has no TFTP server.
    let [tftp] = with_code(&findings, "D-TFTP-SILENT")[..] else { panic!("{findings:#?}") };
    assert!(tftp["what"].to_string().contains("pxelinux.0"), "{tftp:#}");

    let (findings, ran) = look(&world, &["--expect", STRANGER])?;
    assert_eq!(ran.code, Some(0), "it belongs there: {findings:#?}");
    assert!(with_code(&findings, "D-DHCP-TWO").is_empty(), "{findings:#?}");

    // The switch's configuration names where to look for it.
    let switch = world.operator(&["doctor", "--switch", "cisco-ios"])?;
    assert_eq!(switch.code, Some(0), "{}", switch.said());
    for words in ["to be kept out, 10.77.0.66", "address 5254.0077.0966", "ip dhcp snooping trust"]
    {
        assert!(switch.out.contains(words), "{words}: {}", switch.out);
    }
    Ok(())
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn a_second_proxy_is_a_rival_unless_it_belongs_there() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let addresses = office(&link.peer(), &[])?;
    let server = Server::start(&binary()?, &link, &proxy())?;
    let mut world = World::new(link, server, Some(addresses));
    let (findings, _) = look(&world, &[])?;
    assert_eq!(alarms(&findings), Vec::<&str>::new(), "beside the office's: {findings:#?}");

    let stranger = world.client_at(STRANGER_MAC, &format!("{STRANGER}/24"))?;
    let _rival = Dnsmasq::with(
        &stranger,
        &[
            "--dhcp-range=10.77.0.0,proxy",
            "--pxe-service=x86PC,other,other",
            "--pxe-service=X86-64_EFI,other,other.efi",
        ],
    )?;
    let (findings, _) = look(&world, &[])?;
    let [rival] = with_code(&findings, "D-BOOT-RIVAL")[..] else { panic!("{findings:#?}") };
    assert_eq!(rival["grade"], "bad", "{rival:#}");
    assert!(rival["what"].to_string().contains(STRANGER_MAC), "{rival:#}");
    assert!(with_code(&findings, "D-DHCP-TWO").is_empty(), "it gives no addresses: {findings:#?}");

    let expect = ["--expect", STRANGER, "--expect", Link::PEER];
    let (findings, ran) = look(&world, &expect)?;
    assert_eq!(ran.code, Some(0), "{findings:#?}");
    assert!(with_code(&findings, "D-BOOT-RIVAL").is_empty(), "{findings:#?}");
    Ok(())
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn machines_that_the_office_sends_elsewhere_for_names_are_said() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let addresses = office(&link.peer(), &["--dhcp-option=6,10.77.0.53"])?;
    let config = format!("{}\n[dns]\nlisten = true\ninterfaces = [\"eth0\"]\n", proxy());
    let server = Server::start(&binary()?, &link, &config)?;
    let world = World::new(link, server, Some(addresses));
    let (findings, _) = look(&world, &[])?;
    let [told] = with_code(&findings, "D-DNS-ELSEWHERE")[..] else { panic!("{findings:#?}") };
    assert!(told["what"].to_string().contains("has machines ask 10.77.0.53"), "{told:#}");
    assert!(told["mend"].to_string().contains("let it name 10.77.0.1"), "{told:#}");
    Ok(())
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn routers_and_dhcpv6_servers_are_named_with_what_they_say() -> Tried {
    let mut world = World::alone(&giving(POOL))?;
    let stranger = world.client_at(STRANGER_MAC, &format!("{STRANGER}/24"))?;
    stranger.link_local("fe80::66")?;
    stranger.address("fd77::66/64")?;
    let _router = Dnsmasq::with(
        &stranger,
        &[
            "--enable-ra",
            "--dhcp-range=fd77::100,fd77::1ff,64,1h",
            "--dhcp-option=option6:59,tftp://[fd77::66]/other.efi",
            "--dhcp-option=option6:dns-server,[fd77::53]",
        ],
    )?;
    let (findings, ran) = look(&world, &[])?;
    let said = |word: &str| {
        findings.iter().find(|finding| finding["what"].as_str().unwrap_or_default().contains(word))
    };
    let router =
        said("router fe80::66 (52:54:00:77:09:66)").unwrap_or_else(|| panic!("{findings:#?}"));
    assert!(router["what"].to_string().contains("addresses come by DHCPv6 (M)"), "{router:#}");
    let [boot] = with_code(&findings, "D-BOOT6")[..] else { panic!("{findings:#?}") };
    assert!(boot["what"].to_string().contains("tftp://[fd77::66]/other.efi"), "{boot:#}");
    let evidence = boot["evidence"].to_string();
    for seen in [STRANGER_MAC, "addresses", "DNS fd77::53", "PXE with tftp://"] {
        assert!(evidence.contains(seen), "{seen}: {boot:#}");
    }
    assert_eq!(ran.code, Some(0), "notes keep no machine from booting: {findings:#?}");
    Ok(())
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn what_keeps_machines_from_booting_over_ipv6_is_said_as_it_comes_and_goes() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let own = ["addr", "add", "fd77::1/64", "dev", Link::INTERFACE, "nodad"];
    let added = super::world::there(&link.server(), "ip", &own)?;
    assert_eq!(added.code, Some(0), "{}", added.said());
    let over_ipv6 = format!(
        "\n[[network]]\ninterface = \"{}\"\nsubnet = \"fd77::/64\"\npool = [\"fd77::100-fd77::1ff\"]\n",
        Link::INTERFACE
    );
    let server = Server::start(&binary()?, &link, &(giving(POOL) + &over_ipv6))?;
    let mut world = World::new(link, server, None);

    // Nobody says that addresses come by DHCPv6.
    let (findings, _) = look(&world, &[])?;
    let [unsaid] = with_code(&findings, "D-RA-UNSAID")[..] else { panic!("{findings:#?}") };
    assert_eq!(unsaid["grade"], "bad", "{unsaid:#}");
    assert!(unsaid["mend"].to_string().contains("advertise = true"), "{unsaid:#}");
    assert_eq!(alarms(&findings), ["D-RA-UNSAID"], "{findings:#?}");

    // A router does, for another prefix, and gives addresses of its own.
    let stranger = world.client_at(STRANGER_MAC, &format!("{STRANGER}/24"))?;
    stranger.link_local("fe80::66")?;
    stranger.address("fd88::66/64")?;
    let router = ["--enable-ra", "--dhcp-range=fd88::100,fd88::1ff,slaac,64,1h"];
    let second = Dnsmasq::with(&stranger, &router)?;
    // It names the prefix when its own address is known to be nobody else's.
    let findings = wait_until("the router announces its prefix", || {
        let (findings, _) = look(&world, &[])?;
        Ok(Some(findings).filter(|findings| !with_code(findings, "D-RA-PREFIX").is_empty()))
    })?;
    assert!(with_code(&findings, "D-RA-UNSAID").is_empty(), "{findings:#?}");
    let [prefix] = with_code(&findings, "D-RA-PREFIX")[..] else { panic!("{findings:#?}") };
    for words in ["fe80::66", "fd88::/64", "fd77::/64"] {
        assert!(prefix["what"].to_string().contains(words), "{words}: {prefix:#}");
    }
    let [two] = with_code(&findings, "D-DHCP6-TWO")[..] else { panic!("{findings:#?}") };
    assert!(two.to_string().contains(STRANGER_MAC), "{two:#}");

    // The same where machines make themselves no addresses: of its prefix it says alone that it is on
    // the link (L without A).
    drop(second);
    let router = ["--enable-ra", "--dhcp-range=fd88::100,fd88::1ff,64,1h"];
    let second = Dnsmasq::with(&stranger, &router)?;
    let findings = wait_until("the router says what is on the link", || {
        let (findings, _) = look(&world, &[])?;
        let text = serde_json::Value::from(findings.clone()).to_string();
        Ok(Some(findings).filter(|_| text.contains("on the link is fd88::/64")))
    })?;
    let [prefix] = with_code(&findings, "D-RA-PREFIX")[..] else { panic!("{findings:#?}") };
    assert!(prefix["why"].to_string().contains("goes to the router"), "{prefix:#}");

    // It goes, and our own address goes.
    drop(second);
    let own = ["addr", "del", "fd77::1/64", "dev", Link::INTERFACE];
    let gone = super::world::there(&world.link.server(), "ip", &own)?;
    assert_eq!(gone.code, Some(0), "{}", gone.said());
    let (findings, _) = look(&world, &[])?;
    let [address] = with_code(&findings, "D-LINK-ADDRESS6")[..] else { panic!("{findings:#?}") };
    assert!(address["what"].to_string().contains("fd77::/64"), "{address:#}");
    assert!(with_code(&findings, "D-DHCP6-TWO").is_empty(), "{findings:#?}");
    Ok(())
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn before_the_start_it_looks_at_the_same() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let _office = office(&link.peer(), &[])?;
    let mut command = link.server().command(binary()?);
    let directory = super::world::new_directory()?;
    let config = directory.path().join("lab.toml");
    super::world::write(&config, &giving(POOL))?;
    command.args(["--state".as_ref(), directory.path().join("state").as_os_str()]);
    command.args(["doctor", "--json", "--config"]).arg(&config);
    let ran = super::world::ran(&command)?;
    let findings = list(&json(&ran.out)).to_vec();
    assert_eq!(ran.code, Some(1), "{}", ran.said());
    assert_eq!(with_code(&findings, "D-NO-SERVER").len(), 1, "{findings:#?}");
    let [two] = with_code(&findings, "D-DHCP-TWO")[..] else { panic!("{findings:#?}") };
    assert!(two["what"].to_string().contains(Link::PEER), "{two:#}");
    Ok(())
}
