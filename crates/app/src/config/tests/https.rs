//! HTTPS in the configuration.

use super::super::Given;
use super::{LAB, faults, read, settings};
use model::network::HttpBoot;

/// The lab with lines in `[http]` and in its network.
fn with(http: &str, network: &str) -> String {
    LAB.replace("port = 80", &format!("port = 80\n{http}"))
        .replace("lease     =", &format!("{network}\nlease     ="))
}

#[test]
fn firmware_is_sent_to_https_only_where_it_is_said() {
    let plain = settings(LAB);
    assert_eq!((plain.tls_port, plain.networks[0].http_boot), (None, HttpBoot::Http));
    let read = read(&with("tls_port = 443", "http_boot = \"https\"")).unwrap();
    assert_eq!(read.settings.tls_port, Some(443));
    assert_eq!(read.settings.networks[0].http_boot, HttpBoot::Https);
    assert_eq!(read.given, None, "our own certificates");
}

#[test]
fn a_given_certificate_comes_with_its_key() {
    let files = "tls_port = 443\ncertificate = \"/etc/ssl/boot.pem\"\nkey = \"/etc/ssl/boot.key\"";
    let given = Given { certificate: "/etc/ssl/boot.pem".into(), key: "/etc/ssl/boot.key".into() };
    assert_eq!(read(&with(files, "")).unwrap().given, Some(given));
}

#[test]
fn what_does_not_go_together_is_a_fault_with_the_way_out() {
    for (http, network, line) in [
        (
            "",
            "http_boot = \"https\"",
            "13:13 `http_boot = \"https\"`, but HTTPS is served on no port",
        ),
        ("", "http_boot = \"tls\"", "13:13 `tls` is no value of `http_boot`"),
        ("tls_port = 80", "", "24:12 HTTP has port 80 already"),
        ("tls_port = 0", "", "24:12 `tls_port` takes a port, a number from 1 to 65535"),
        ("tls_port = 443\ncertificate = \"/a.pem\"", "", "25:15 `certificate` without `key`"),
        ("tls_port = 443\nkey = \"/a.pem\"", "", "25:7 `key` without `certificate`"),
        (
            "tls_port = 443\nkey = \"a.pem\"",
            "",
            "25:7 `key` is a file, written from the root: /etc/bootwright/key.pem",
        ),
    ] {
        assert_eq!(faults(&with(http, network)), [line]);
    }
    let lonely = "certificate = \"/a.pem\"\nkey = \"/a.key\"";
    assert_eq!(faults(&with(lonely, "")).len(), 2);
    let shown = read(&with("", "http_boot = \"https\"")).unwrap_err();
    assert!(shown.contains("tls_port = 443") && shown.contains("bootwright tls init"), "{shown}");
}
