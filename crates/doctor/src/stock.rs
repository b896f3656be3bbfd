//! What there is to be sent: configuration, certificates, bootloaders, images, profiles, rules.

use crate::{Code, Finding};
use model::Arch;
use std::collections::BTreeSet;

/// The CA that has signed third parties' loaders since 2011; machines of 2026 and later may know
/// its successor alone.
const CA_2011: &str = "UEFI CA 2011";
const CA_2023: &str = "UEFI CA 2023";

/// The configuration, as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Configuration {
    /// There is none.
    #[default]
    None,
    /// It is good.
    Good(String),
    /// It has these faults.
    Faults(String, String),
}

/// Certificates for HTTPS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Certificates {
    /// Files with private keys that others may read.
    pub open: Vec<String>,
    /// What is served, in a line, where it is good.
    pub served: Option<String>,
    /// What is odd about it: text, hint, whether it is grave.
    pub odd: Vec<(String, String, bool)>,
    /// Why nothing can be served at all: what, what to do.
    pub refused: Option<(String, String)>,
}

/// A bootloader, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loader {
    /// Its name.
    pub name: String,
    /// `shim`, `grub`, `module`, ...
    pub kind: String,
    /// Its architecture.
    pub arch: String,
    /// Who signed it.
    pub signers: Vec<String>,
}

/// What the running server has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Library {
    /// How many images.
    pub images: usize,
    /// Files of images whose bytes are not there.
    pub missing: Vec<String>,
    /// Profiles that nothing can be booted from, with the reason.
    pub unbootable: Vec<String>,
    /// Rules, machines and the menu that name a profile which is not there, in words.
    pub lost: Vec<String>,
    /// What was odd when the sockets were opened, hints behind a line break.
    pub start: Vec<String>,
}

/// The architectures that most machines have. Others are listed when there is something for them.
const USUAL: [(Arch, &str); 3] = [
    (Arch::X86Bios, "apt install ipxe, then restart the server"),
    (Arch::X64Uefi, "apt install ipxe shim-signed grub-efi-amd64-signed, then restart the server"),
    (
        Arch::Arm64Uefi,
        "dpkg --add-architecture arm64, apt update, then: bootwright bootloader import \
         grub-efi-arm64-signed_VERSION_arm64.deb (and shim-signed)",
    ),
];

/// Whether a server runs.
#[must_use]
pub fn server(running: Option<&(u32, String)>) -> Finding {
    match running {
        Some((pid, since)) => {
            Finding::good(format!("a server runs (process {pid}, since {since})"))
        }
        None => Finding::note(
            Code::NoServer,
            "no server runs",
            "this is how things are before the start",
            "bootwright serve --config FILE",
        ),
    }
}

/// Of the configuration file.
#[must_use]
pub fn configuration(read: &Configuration, runs: bool) -> Option<Finding> {
    let (file, faults) = match read {
        Configuration::None => return None,
        Configuration::Good(file) => return Some(Finding::good(format!("{file} is good"))),
        Configuration::Faults(file, faults) => (file, faults),
    };
    let what = format!("the configuration has faults:\n{faults}");
    let mend = format!("bootwright check --config {file}");
    Some(match runs {
        true => {
            let why = "the server runs on with the older one, but not again";
            Finding::note(Code::Config, what, why, mend)
        }
        false => Finding::bad(Code::Config, what, "the server cannot start with it", mend),
    })
}

/// Of the certificates.
#[must_use]
pub fn certificates(seen: &Certificates) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(first) = seen.open.first() {
        let path = first.split(' ').next().unwrap_or(first);
        findings.push(Finding::bad(
            Code::KeysOpen,
            format!("others may read private keys: {}", seen.open.join(", ")),
            "whoever has them can be this server to every machine that trusts it",
            format!("chmod 600 {path}; if somebody read it: bootwright tls init --new-ca"),
        ));
    }
    findings.extend(seen.served.as_ref().map(Finding::good));
    for (text, hint, grave) in &seen.odd {
        let why = "machines that boot over HTTPS look at it before they take anything";
        findings.push(match grave {
            true => Finding::bad(Code::Certificate, text, why, hint),
            false => Finding::note(Code::Certificate, text, why, hint),
        });
    }
    findings.extend(seen.refused.as_ref().map(|(what, mend)| {
        Finding::bad(Code::Certificate, what, "the server does not start without", mend)
    }));
    findings
}

/// Of the bootloaders, for each architecture.
#[must_use]
pub fn loaders(all: &[Loader]) -> Vec<Finding> {
    // Modules are parts of a loader, none by themselves.
    let all: Vec<&Loader> = all.iter().filter(|l| l.kind != "module").collect();
    if all.is_empty() {
        return vec![Finding::bad(
            Code::LoaderNone,
            "there is no bootloader at all",
            "firmware takes a bootloader first; without one nothing boots",
            "apt install ipxe shim-signed grub-efi-amd64-signed, then restart the server; or: \
             bootwright bootloader import FILE|DIR|DEB",
        )];
    }
    let usual = USUAL.map(|(arch, _)| arch.name());
    let others: BTreeSet<&str> =
        all.iter().map(|l| l.arch.as_str()).filter(|arch| !usual.contains(arch)).collect();
    let others = others.into_iter().filter_map(|arch| arch.parse().ok()).map(|arch| (arch, ""));
    USUAL.into_iter().chain(others).flat_map(|(arch, mend)| of_arch(arch, mend, &all)).collect()
}

fn of_arch(arch: Arch, mend: &str, all: &[&Loader]) -> Vec<Finding> {
    let here: Vec<&&Loader> = all.iter().filter(|l| l.arch == arch.name()).collect();
    if here.is_empty() {
        return vec![Finding::note(
            Code::LoaderArch,
            format!("{arch}: no bootloader"),
            "such machines get nothing; it matters only if you have some",
            mend,
        )];
    }
    let show = |l: &&&Loader| match l.signers.is_empty() {
        true => l.name.clone(),
        false => format!("{} (signed: {})", l.name, l.signers.join("; ")),
    };
    let names: Vec<String> = here.iter().map(show).collect();
    let what = format!("{arch}: {}", names.join(", "));
    if !arch.is_uefi() {
        return vec![Finding::good(what)];
    }
    let mend = if mend.is_empty() { "bootwright bootloader import FILE|DIR|DEB" } else { mend };
    if here.iter().all(|l| l.signers.is_empty()) {
        return vec![Finding::note(
            Code::LoaderUnsigned,
            what,
            "none of them is signed, so machines with Secure Boot on refuse all of them (an image \
             with a signed chain of its own still boots)",
            mend,
        )];
    }
    let by = |ca: &str| here.iter().any(|l| l.signers.iter().any(|s| s.contains(ca)));
    let mut findings = vec![Finding::good(what)];
    if by(CA_2011) && !by(CA_2023) {
        findings.push(Finding::note(
            Code::LoaderCa2011,
            format!("{arch}: loaders signed by Microsoft's CA of 2011, and none by that of 2023"),
            "new machines may be sold with the CA of 2023 alone, and refuse all of these under \
             Secure Boot; machines that know both take either",
            "update shim-signed when the distribution has one signed by both; bootwright bootloader \
             list shows who signed what",
        ));
    }
    findings
}

/// Of images, profiles and rules.
#[must_use]
pub fn library(library: Option<&Library>) -> Vec<Finding> {
    let Some(library) = library else {
        return vec![Finding::note(
            Code::LibraryUnknown,
            "images were not looked at",
            "only the running server knows which there are",
            "start the server, then: bootwright doctor",
        )];
    };
    let mut findings = Vec::new();
    if library.images == 0 {
        findings.push(Finding::note(
            Code::ImageNone,
            "there is no image",
            "machines can only show the menu and go on to their local disk",
            "bootwright image import PATH --name NAME",
        ));
    } else if library.missing.is_empty() {
        findings.push(Finding::good(format!("all files of {} images are there", library.images)));
    }
    for missing in &library.missing {
        findings.push(Finding::bad(
            Code::ImageDamaged,
            format!("a file of an image is gone or damaged: {missing}"),
            "machines that boot the image fail in the middle",
            "import the image again: bootwright image import PATH --name NAME",
        ));
    }
    let why = "machines that get it go on to their local disk";
    for profile in &library.unbootable {
        let mend = "bootwright profile set NAME --image IMAGE";
        findings.push(Finding::note(Code::ProfileLost, profile, why, mend));
    }
    for lost in &library.lost {
        let mend = "bootwright profile list; bootwright rule list; bootwright machine list";
        findings.push(Finding::note(Code::RuleLost, lost, why, mend));
    }
    for finding in &library.start {
        let (what, mend) = finding.split_once("\nhint: ").unwrap_or((finding, ""));
        findings.push(Finding::note(Code::Start, what, "seen when the sockets were opened", mend));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grade;

    fn odd(findings: &[Finding]) -> Vec<(Code, Grade)> {
        let odd = findings.iter().filter(|f| f.grade != Grade::Good);
        odd.map(|f| (f.code, f.grade)).collect()
    }

    fn loader(arch: Arch, kind: &str, signers: &[&str]) -> Loader {
        Loader {
            name: format!("{kind}.{arch}"),
            kind: kind.to_owned(),
            arch: arch.name().to_owned(),
            signers: signers.iter().map(|s| (*s).to_owned()).collect(),
        }
    }

    #[test]
    fn loaders_by_architecture_and_signer() {
        let none = [(Code::LoaderNone, Grade::Bad)];
        assert_eq!(odd(&loaders(&[])), none);
        assert_eq!(odd(&loaders(&[loader(Arch::X64Uefi, "module", &[])])), none);
        let missing = (Code::LoaderArch, Grade::Note);
        let bios = loader(Arch::X86Bios, "ipxe", &[]);
        assert_eq!(odd(&loaders(std::slice::from_ref(&bios))), [missing, missing]);
        let x64 =
            |signers: &[&str]| loaders(&[bios.clone(), loader(Arch::X64Uefi, "shim", signers)]);
        assert_eq!(odd(&x64(&[])), [(Code::LoaderUnsigned, Grade::Note), missing]);
        let old = "Microsoft Corporation UEFI CA 2011";
        assert_eq!(odd(&x64(&[old])), [(Code::LoaderCa2011, Grade::Note), missing]);
        assert_eq!(odd(&x64(&[old, "Microsoft UEFI CA 2023"])), [missing]);
        assert_eq!(odd(&x64(&["Debian Secure Boot CA"])), [missing]);
    }

    #[test]
    fn the_library_says_what_is_gone() {
        assert_eq!(odd(&library(None)), [(Code::LibraryUnknown, Grade::Note)]);
        assert_eq!(odd(&library(Some(&Library::default()))), [(Code::ImageNone, Grade::Note)]);
        let good = Library { images: 2, ..Library::default() };
        assert_eq!(odd(&library(Some(&good))), []);
        let some = |text: &str| vec![text.to_owned()];
        let bad = Library {
            missing: some("a version 1: x"),
            unbootable: some("profile p: its image is not there (a)"),
            lost: some("rule 1 names the profile q, which is not there"),
            start: some("no port 4011\nhint: stop it"),
            ..good
        };
        let note = |code| (code, Grade::Note);
        let all = [note(Code::ProfileLost), note(Code::RuleLost), note(Code::Start)];
        assert_eq!(
            odd(&library(Some(&bad))),
            [&[(Code::ImageDamaged, Grade::Bad)], &all[..]].concat()
        );
    }

    #[test]
    fn configuration_and_certificates() {
        assert_eq!(configuration(&Configuration::None, true), None);
        let faults = Configuration::Faults("/x.toml".into(), "line 3".into());
        assert_eq!(configuration(&faults, false).unwrap().grade, Grade::Bad);
        assert_eq!(configuration(&faults, true).unwrap().grade, Grade::Note);
        let seen = Certificates {
            open: vec!["/s/keys/ca.key (mode 0644)".to_owned()],
            served: None,
            odd: vec![
                ("ends soon".into(), "renew".into(), false),
                ("over".into(), "".into(), true),
            ],
            refused: Some(("no key".to_owned(), "tls init".to_owned())),
        };
        let found = certificates(&seen);
        let grades: Vec<Grade> = found.iter().map(|f| f.grade).collect();
        assert_eq!(grades, [Grade::Bad, Grade::Note, Grade::Bad, Grade::Bad]);
        assert!(found[0].mend.contains("chmod 600 /s/keys/ca.key;"), "{:?}", found[0]);
    }
}
