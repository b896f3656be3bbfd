//! Deployments over IPv6: each stage of a boot has an address of its own, and is one machine.

use crate::deployments::{CANARY, KEY, Lab, answer_path, lab_with, plus, template};
use crate::house::{mac, settings};
use engine::Settings;
use model::lease::LeaseState;
use model::network::Mode;
use model::plan::Why;
use model::{Change, Lease6, Life, Network6, Now};
use std::net::Ipv6Addr;
use vault::Key;

/// Its iPXE has the first, its installer the second; another machine has the third.
const LOADER: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x120);
const INSTALLER: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x14d);
const OTHER: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x166);
/// Nobody has leased it.
const MADE: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0xabcd);

/// A lab on a link of IPv6 in which machine 1 has its script; and the path of its answers.
fn begun() -> (Lab, String) {
    let network = Network6 {
        pools: vec!["fd77::100-fd77::1ff".parse().unwrap()],
        dns: vec!["fd77::53".parse().unwrap()],
        domain: Some("six.example".to_owned()),
        ..Network6::new("lan", "fd77::1".parse().unwrap(), "fd77::/64".parse().unwrap())
    };
    let settings = Settings { networks6: vec![network], ..settings(Mode::Dhcp) };
    let mut lab = lab_with(Settings { key: Key::new(KEY), ..settings });
    let text = "d-i passwd/user-password password {{ secrets.password }}\n\
                d-i netcfg/get_domain string {{ network.domain }} {{ network.prefix }} \
                {{ network.dns | join(' ') }} {{ network.address }}\n";
    lab.command(Now(1), template("lab.preseed", text)).unwrap();
    for (address, iaid, last) in [(LOADER, 1, 1), (INSTALLER, 2, 1), (OTHER, 1, 2)] {
        lab.keep(vec![Change::Lease6(leased(address, iaid, last))]);
    }
    lab.approve(plus(1), 1);
    lab.deploy(plus(1), 1).unwrap();
    let script = lab.script(plus(2), LOADER, 1);
    assert!(script.contains("hostname=lab-01 domain="), "{script}");
    assert!(script.contains("url=http://[fd77::1]/answer/"), "{script}");
    let path = answer_path(&script);
    (lab, path)
}

fn leased(address: Ipv6Addr, iaid: u32, last: u8) -> Lease6 {
    Lease6 {
        address,
        network: "lan".to_owned(),
        duid: vec![0, 3, last, iaid as u8],
        iaid,
        hardware: Some(mac(last)),
        host_name: None,
        since: Now(1),
        until: Some(plus(600)),
        state: LeaseState::Bound,
    }
}

/// It was given nothing, and it is frozen, with an alarm that names the address.
fn froze(lab: &mut Lab, from: Ipv6Addr, path: &str) {
    assert_eq!(lab.get(plus(3), from, path), Err(Why::NothingHere));
    assert!(lab.of(1).is_over());
    assert_eq!(lab.life(1), Life::Failed);
    assert!(lab.alarms().iter().any(|text| text.contains(&from.to_string())), "{:?}", lab.alarms());
    assert_eq!(lab.get(plus(3), LOADER, path), Err(Why::NothingHere));
}

#[test]
fn an_installer_has_an_address_of_its_own_and_gets_its_answers() {
    let (mut lab, path) = begun();
    let answers = lab.get(plus(3), INSTALLER, &path).unwrap();
    assert!(answers.contains(CANARY), "{answers}");
    assert!(answers.contains("six.example 64 fd77::53 fd77::14d"), "{answers}");
    // A download that broke off, from the same address; and then it is somebody else's.
    assert_eq!(lab.get(Now(plus(3).0 + 119_000), INSTALLER, &path).unwrap(), answers);
    assert_eq!(lab.get(Now(plus(3).0 + 119_500), LOADER, &path), Err(Why::NothingHere));
    assert!(lab.of(1).is_over());
}

#[test]
fn its_loader_gets_them_too() {
    let (mut lab, path) = begun();
    assert!(lab.get(plus(3), LOADER, &path).unwrap().contains(CANARY));
    assert!(!lab.of(1).is_over());
}

#[test]
fn another_machine_with_its_token_freezes_it() {
    let (mut lab, path) = begun();
    froze(&mut lab, OTHER, &path);
}

/// Who says of itself to be the machine is leased an address under its name, and sends by its own card.
#[test]
fn another_card_at_its_address_freezes_it() {
    let (mut lab, path) = begun();
    lab.neighbour = Some(mac(2));
    froze(&mut lab, INSTALLER, &path);
}

#[test]
fn an_address_that_was_given_back_is_nobodys() {
    let (mut lab, path) = begun();
    let lease = Lease6 { state: LeaseState::Released, ..leased(INSTALLER, 2, 1) };
    lab.keep(vec![Change::Lease6(lease)]);
    froze(&mut lab, INSTALLER, &path);
}

/// Where machines make their addresses themselves, the neighbour table says whose it is; behind a
/// router nobody knows.
#[test]
fn an_address_that_it_made_itself_is_known_by_its_card() {
    let (mut lab, path) = begun();
    lab.neighbour = Some(mac(1));
    assert!(lab.get(plus(3), MADE, &path).unwrap().contains(CANARY));
    let (mut lab, path) = begun();
    froze(&mut lab, MADE, &path);
}

/// GRUB over IPv6 would stop at its prompt: the firmware goes on to the disk.
#[test]
fn its_own_disk_is_started_without_grub() {
    let (mut lab, path) = begun();
    lab.get(plus(3), INSTALLER, &path).unwrap();
    let script = lab.script(plus(4), LOADER, 1);
    assert!(script.contains("is not given twice"), "{script}");
    assert!(script.contains(":efi\nexit 1\n") && !script.contains("grub"), "{script}");
    let at = lab.at;
    let over_ipv4 = lab.script(plus(4), at, 1);
    assert!(over_ipv4.contains("chain http://10.77.0.1/loader/grubx64.efi ||"), "{over_ipv4}");
}

/// Its script is given again to the machine itself only.
#[test]
fn its_script_is_given_to_the_same_machine_from_either_address() {
    let (mut lab, path) = begun();
    assert_eq!(answer_path(&lab.script(plus(2), INSTALLER, 1)), path);
    let script = lab.script(plus(2), OTHER, 1);
    assert!(!script.contains("/answer/"), "{script}");
    assert!(lab.of(1).is_over());
}
