//! Who else belongs on a link, and links where we only listen.

use super::{faults, read, settings};
use model::network::{ListenAs, Mode};
use std::net::Ipv4Addr;

fn network(lines: &str) -> String {
    format!("[[network]]\ninterface = \"br0\"\n{lines}\n")
}

#[test]
fn servers_that_belong_there_are_named_in_every_mode() {
    let text = network("others = [\"10.77.0.2\", \"192.168.9.9\"]");
    let others = settings(&text).networks.remove(0).others;
    assert_eq!(others, [Ipv4Addr::new(10, 77, 0, 2), Ipv4Addr::new(192, 168, 9, 9)]);
    for nobody in ["0.0.0.0", "255.255.255.255", "224.0.0.1"] {
        let shown = read(&network(&format!("others = [\"{nobody}\"]"))).unwrap_err();
        assert!(shown.contains(&format!("{nobody} is the address of no server")), "{shown}");
    }
    let many: Vec<String> = (0..65).map(|n| format!("\"10.77.0.{n}\"")).skip(1).collect();
    assert_eq!(settings(&network(&format!("others = [{}]", many.join(", ")))).networks.len(), 1);
    let one_more = format!("others = [{}, \"10.77.1.1\"]", many.join(", "));
    assert!(faults(&network(&one_more))[0].contains("more than 64 other servers"));
}

#[test]
fn who_listens_as_dhcp_says_its_addresses_and_as_proxy_none() {
    let text = network(
        "mode = \"listen\"\nlisten_as = \"dhcp\"\nsubnet = \"10.77.0.0/24\"\n\
         pool = [\"10.77.0.100-10.77.0.199\"]",
    );
    let networks = settings(&text).networks;
    assert_eq!((networks[0].mode, networks[0].listen_as), (Mode::Listen, ListenAs::Dhcp));
    assert!(networks[0].has_addresses() && networks[0].pools.len() == 1);
    let shown = read(&network("mode = \"listen\"\nlisten_as = \"dhcp\"")).unwrap_err();
    assert!(shown.contains("needs `subnet` and `pool`"), "{shown}");

    let beside = settings(&network("mode = \"listen\"")).networks;
    assert_eq!(beside[0].listen_as, ListenAs::Proxy);
    let shown = read(&network("mode = \"listen\"\nrouter = \"10.77.0.1\"")).unwrap_err();
    assert!(shown.contains("set listen_as = \"dhcp\""), "{shown}");
}

#[test]
fn who_answers_listens_as_nothing() {
    let shown = read(&network("mode = \"proxy\"\nlisten_as = \"dhcp\"")).unwrap_err();
    assert!(shown.contains("`listen_as` is for mode \"listen\""), "{shown}");
}
