//! `tls_port`, `certificate`, `key` and `http_boot` together.
//!
//! In: what was written. Out: the given certificate, if one is, and a fault where they do not go
//! together. Never: a look into the files; that is done where the state directory is known.

use super::super::fault::Fault;
use super::super::raw::Raw;
use super::super::{Given, reader::At};
use model::network::HttpBoot;

/// The certificate that somebody gave; none means our own.
pub(super) fn certificates(raw: &Raw, http_port: u16, note: &impl Fn(Fault)) -> Option<Given> {
    match &raw.tls_port {
        None => without_port(raw, note),
        Some(At { value, at }) if *value == http_port => {
            let fault = Fault::new(at.clone(), format!("HTTP has port {value} already"));
            note(fault.hint("HTTPS needs a port of its own, usually 443"));
        }
        Some(_) => {}
    }
    match (&raw.certificate, &raw.key) {
        (Some(certificate), Some(key)) => Some(Given {
            certificate: certificate.value.clone().into(),
            key: key.value.clone().into(),
        }),
        (None, None) => None,
        (Some(lonely), None) => {
            let fault = Fault::new(lonely.at.clone(), "`certificate` without `key`");
            note(fault.hint("`key` is the file of its private key"));
            None
        }
        (None, Some(lonely)) => {
            let fault = Fault::new(lonely.at.clone(), "`key` without `certificate`");
            note(fault.hint("`certificate` is the file of its certificate and who signed it"));
            None
        }
    }
}

/// HTTPS is served on no port.
fn without_port(raw: &Raw, note: &impl Fn(Fault)) {
    const HINT: &str = "write tls_port = 443 in [http]; without `certificate` and `key` the \
                        certificates come from `bootwright tls init`";
    for written in [&raw.certificate, &raw.key].into_iter().flatten() {
        let what = "a certificate, but HTTPS is served on no port";
        note(Fault::new(written.at.clone(), what).hint(HINT));
    }
    for network in &raw.networks {
        if let Some(At { value: HttpBoot::Https, at }) = &network.http_boot {
            let what = "`http_boot = \"https\"`, but HTTPS is served on no port";
            note(Fault::new(at.clone(), what).hint(HINT));
        }
    }
}
