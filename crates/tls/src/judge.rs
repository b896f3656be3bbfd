//! What machines will not like about certificates that can be used.
//!
//! In: the facts of a chain, what URLs will name, the time. Out: findings, each with what mends it.
//! Never: a refusal; what cannot be used at all does not come here.

use crate::chain::{Chain, Facts, KeyKind};
use crate::expiry::Expiry;
use model::Now;
use std::net::{IpAddr, Ipv4Addr};

/// EDK2 with OpenSSL's security level 3 refuses fewer bits (edk2#12651).
const RSA_BITS_GOOD: usize = 3072;

/// What URLs will name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// The server's addresses, one for each network that uses HTTPS.
    pub addresses: Vec<Ipv4Addr>,
    /// What mends a certificate that lacks something: our own is renewed, another's replaced.
    pub own: bool,
}

/// Something that somebody should know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What is so, and what follows.
    pub text: String,
    /// What to do.
    pub hint: String,
    /// Machines will be refused, now.
    pub grave: bool,
}

impl Wanted {
    fn mend(&self) -> &'static str {
        match self.own {
            true => "bootwright tls init, then bootwright reload",
            false => "put a new one into the files that [http] names, then bootwright reload",
        }
    }
}

/// Everything about one or two chains (RSA first).
pub(crate) fn judge(chains: &[Chain], wanted: &Wanted, now: Now) -> Vec<Finding> {
    let mut findings = Vec::new();
    for chain in chains {
        findings.extend(dates(chain, wanted, now));
    }
    if let Some(server) = chains.first().and_then(Chain::server) {
        findings.extend(lacks(server, wanted));
        findings.extend(weak(server));
    }
    if let Some(chain) = chains.first() {
        findings.extend(incomplete(chain));
    }
    findings
}

/// The first date that matters, of the server's or of one that signed it.
fn dates(chain: &Chain, wanted: &Wanted, now: Now) -> Option<Finding> {
    chain.facts.iter().find_map(|facts| {
        let whose = format!("the certificate of {} ({})", facts.subject, facts.key);
        let finding = |text: String, grave| Finding { text, hint: wanted.mend().to_owned(), grave };
        match Expiry::at(now, facts.not_before, facts.not_after) {
            Expiry::Fine(_) => None,
            Expiry::Soon(days) => Some(finding(
                format!("{whose} ends in {days} days: renew it before machines refuse it"),
                false,
            )),
            Expiry::Over(days) => Some(finding(
                format!(
                    "THE CERTIFICATE IS OVER: {whose} ended {days} days ago, and whoever looks at \
                     dates refuses it"
                ),
                true,
            )),
            Expiry::NotYet(days) => Some(finding(
                format!("{whose} begins in {days} days: is this host's clock right?"),
                true,
            )),
        }
    })
}

fn lacks(server: &Facts, wanted: &Wanted) -> Option<Finding> {
    let named = |address: &&Ipv4Addr| server.addresses.contains(&IpAddr::V4(**address));
    let missing: Vec<String> =
        wanted.addresses.iter().filter(|a| !named(a)).map(ToString::to_string).collect();
    if missing.is_empty() {
        return None;
    }
    let missing = missing.join(", ");
    Some(Finding {
        text: format!(
            "the certificate does not name {missing}, so a machine that is sent to \
             https://{missing}/ refuses it"
        ),
        hint: match wanted.own {
            true => format!("bootwright tls init --address {missing}, then bootwright reload"),
            false => "have one made whose subject alternative names hold the address itself \
                      (IP:..); a DNS name does not do"
                .to_owned(),
        },
        grave: true,
    })
}

fn weak(server: &Facts) -> Option<Finding> {
    let text = match server.key {
        KeyKind::Rsa(bits) if bits >= RSA_BITS_GOOD => return None,
        KeyKind::Rsa(_) => format!(
            "the server's key is {}: recent EDK2 firmware (OpenSSL level 3) refuses RSA keys of \
             less than {RSA_BITS_GOOD} bits",
            server.key
        ),
        kind => format!(
            "the server's key is {kind}, and there is no RSA key: EDK2 before 2023 and iPXE before \
             2024 take RSA only"
        ),
    };
    Some(Finding { text, hint: "take an RSA key of 3072 bits".to_owned(), grave: false })
}

/// A chain that ends at nobody's own certificate is complete only where firmware has the next one.
fn incomplete(chain: &Chain) -> Option<Finding> {
    let [only] = chain.facts.as_slice() else { return None };
    if only.own_issuer {
        return None;
    }
    Some(Finding {
        text: format!(
            "the certificate comes alone: a machine trusts it only if {} itself is enrolled",
            only.issuer
        ),
        hint: "put the certificates between it and the root into the same file, after it"
            .to_owned(),
        grave: false,
    })
}
