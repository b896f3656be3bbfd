//! `tls show`: what there is, how long it lasts, and how machines are made to trust it.

use super::{configured, state_of};
use crate::config::{Config, Given};
use crate::failure::Failure;
use crate::serving::https::{self, left, moment};
use crate::{clock, say};
use clap::Args;
use model::Now;
use serde::Serialize;
use std::path::{Path, PathBuf};
use tls::{Expiry, Facts, Keys, Store};

/// What `tls show` takes.
#[derive(Debug, Args)]
pub struct Show {
    /// The configuration file, for a certificate that it names.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Everything that is shown.
#[derive(Debug, Serialize)]
struct Shown {
    /// Ours, if `tls init` was done.
    authority: Option<Certificate>,
    /// The server's, the one that most machines get first.
    certificates: Vec<Certificate>,
    /// Files that make machines trust the CA.
    enrol: Option<Enrol>,
    /// What machines will not like.
    findings: Vec<String>,
}

/// One certificate.
#[derive(Debug, Serialize)]
struct Certificate {
    file: PathBuf,
    subject: String,
    issuer: String,
    fingerprint_sha256: String,
    key: String,
    names: Vec<String>,
    addresses: Vec<String>,
    not_before: String,
    not_after: String,
    /// Negative when it is over.
    days_left: i64,
    #[serde(skip)]
    expiry: Expiry,
}

/// The CA in the forms that machines take.
#[derive(Debug, Serialize)]
struct Enrol {
    pem: PathBuf,
    der: PathBuf,
    signature_list: PathBuf,
}

impl Show {
    /// Shows it.
    pub fn run(self, state: Option<PathBuf>) -> Result<(), Failure> {
        let config = configured(self.config.as_deref())?;
        let state = state_of(state, config.as_ref());
        let shown = look(&state, config.as_ref())?;
        match self.json {
            true => say::json(&shown),
            false => {
                tell(&shown);
                Ok(())
            }
        }
    }
}

fn look(state: &Path, config: Option<&Config>) -> Result<Shown, Failure> {
    let (store, now) = (Store::new(state), clock::now());
    let given = config.and_then(|config| config.given.as_ref());
    if given.is_none() && !store.exists() {
        return Err(Failure::failed(format!("there is no certificate in {}", state.display()))
            .hint(
                "make one: bootwright tls init; with another state directory, name it: --state DIR",
            ));
    }
    let read = match given {
        Some(Given { certificate, key }) => Keys::given(certificate, key),
        None => Keys::own(state),
    };
    let keys = read.map_err(|bad| Failure::failed(bad.what).hint(bad.hint))?;
    let files = match given {
        Some(given) => vec![given.certificate.clone()],
        None => store.certificates().to_vec(),
    };
    let servers = keys.chains.iter().filter_map(|chain| chain.server());
    let certificates =
        servers.zip(files).map(|(facts, file)| Certificate::new(facts, file, now)).collect();
    let wanted = config.map(|config| https::wanted(&config.settings, given.is_none()));
    let findings = keys.findings(&wanted.unwrap_or_default(), now);
    let [pem, der, signature_list] = store.to_enrol();
    let ours = store.authority().ok().filter(|_| given.is_none());
    Ok(Shown {
        enrol: ours.is_some().then(|| Enrol { pem: pem.clone(), der, signature_list }),
        authority: ours.map(|facts| Certificate::new(&facts, pem, now)),
        certificates,
        findings: findings.into_iter().map(|f| format!("{}\nhint: {}", f.text, f.hint)).collect(),
    })
}

impl Certificate {
    fn new(facts: &Facts, file: PathBuf, now: Now) -> Self {
        let expiry = Expiry::at(now, facts.not_before, facts.not_after);
        let days = |days: u64| i64::try_from(days).unwrap_or(i64::MAX);
        Self {
            file,
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            fingerprint_sha256: facts.fingerprint.clone(),
            key: facts.key.to_string(),
            names: facts.names.clone(),
            addresses: facts.addresses.iter().map(ToString::to_string).collect(),
            not_before: moment(facts.not_before),
            not_after: moment(facts.not_after),
            days_left: match expiry {
                Expiry::Fine(left) | Expiry::Soon(left) => days(left),
                Expiry::Over(since) => -days(since),
                Expiry::NotYet(_) => days(facts.not_after.abs_diff(facts.not_before) / 86_400),
            },
            expiry,
        }
    }

    fn tell(&self, what: &str) {
        let named: Vec<String> = self.names.iter().chain(&self.addresses).cloned().collect();
        say::card(&[
            (what, self.subject.clone()),
            ("fingerprint", self.fingerprint_sha256.clone()),
            ("valid", format!("{} to {}, {}", self.not_before, self.not_after, left(self.expiry))),
            ("names", named.join(", ")),
            ("key", self.key.clone()),
            ("file", self.file.display().to_string()),
        ]);
        say::line("");
    }
}

fn tell(shown: &Shown) {
    if let Some(authority) = &shown.authority {
        authority.tell("CA");
    }
    shown.certificates.iter().for_each(|certificate| certificate.tell("certificate"));
    for finding in &shown.findings {
        say::note(format!("note: {finding}"));
    }
    let Some(Enrol { pem, der, signature_list }) = &shown.enrol else {
        say::line("machines trust it when the root above its chain is enrolled in their firmware");
        return;
    };
    say::line("How machines are made to trust the CA:");
    say::line(format!(
        "  firmware set-up screen (TLS CA configuration, enrol a certificate from a file):\n    {}",
        der.display()
    ));
    say::line(format!(
        "  EDK2's variable TlsCaCertificate, an EFI signature list; OVMF takes it from QEMU:\n    \
         -fw_cfg name=etc/edk2/https/cacerts,file={}",
        signature_list.display()
    ));
    say::line(format!(
        "  iPXE built with it: make ... TRUST={0}\n  \
         (a stock iPXE trusts iPXE's own CA only, and has it fetched from the internet: it goes by http)",
        pem.display()
    ));
    say::line(format!("  curl and other programs: --cacert {}", pem.display()));
}
