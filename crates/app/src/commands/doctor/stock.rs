//! What there is to be sent: bootloaders for each architecture, and whole images.

use super::{Finding, Known};
use api::types::Doctor as Told;
use model::Arch;

/// A bootloader, as far as it matters here.
struct Loader {
    name: String,
    kind: String,
    arch: String,
    signers: Vec<String>,
}

/// The architectures that most machines have. Others are listed when there is something for them.
const USUAL: [(Arch, &str); 3] = [
    (Arch::X86Bios, "apt install ipxe"),
    (Arch::X64Uefi, "apt install ipxe shim-signed grub-efi-amd64-signed"),
    (
        Arch::Arm64Uefi,
        "dpkg --add-architecture arm64, apt update, then: bootwright bootloader import \
         grub-efi-arm64-signed_VERSION_arm64.deb (and shim-signed)",
    ),
];

/// Looks at both.
pub async fn look(known: &Known) -> Vec<Finding> {
    let loaders = match &known.told {
        Some(told) => told
            .loaders
            .iter()
            .map(|l| Loader {
                name: l.name.clone(),
                kind: l.kind.clone(),
                arch: l.arch.clone(),
                signers: l.signers.clone(),
            })
            .collect(),
        None => installed().await,
    };
    let mut findings = bootloaders(&loaders);
    match &known.told {
        Some(told) => findings.extend(images(told)),
        None => findings.push(Finding::note(
            "images were not looked at",
            "only the running server knows which there are",
            "start the server, then: bootwright doctor",
        )),
    }
    findings
}

/// Those that `serve` would find at its start.
async fn installed() -> Vec<Loader> {
    let find = || library::loaders::find(&[std::path::PathBuf::from("/")]);
    let found = api::doing::blocking(find).await.unwrap_or_default();
    let loader = |l: library::FoundLoader| Loader {
        name: l.name,
        kind: l.kind.to_string(),
        arch: l.arch.to_string(),
        signers: l.signers,
    };
    found.into_iter().map(loader).collect()
}

fn bootloaders(all: &[Loader]) -> Vec<Finding> {
    // Modules are parts of a loader, none by themselves.
    let all: Vec<&Loader> = all.iter().filter(|l| l.kind != "module").collect();
    if all.is_empty() {
        return vec![Finding::bad(
            "there is no bootloader at all",
            "firmware takes a bootloader first; without one nothing boots",
            "apt install ipxe shim-signed grub-efi-amd64-signed, then restart the server; or: \
             bootwright bootloader import FILE|DIR|DEB",
        )];
    }
    let usual = USUAL.map(|(arch, _)| arch.name());
    let mut findings: Vec<Finding> =
        USUAL.iter().map(|(arch, mend)| one(*arch, mend, &all)).collect();
    let mut others: Vec<&str> = all.iter().map(|l| l.arch.as_str()).collect();
    others.retain(|arch| !usual.contains(arch));
    others.sort_unstable();
    others.dedup();
    let others: Vec<Arch> = others.into_iter().filter_map(|arch| arch.parse().ok()).collect();
    findings.extend(others.into_iter().map(|arch| one(arch, "", &all)));
    findings
}

fn one(arch: Arch, mend: &str, all: &[&Loader]) -> Finding {
    let here: Vec<&&Loader> = all.iter().filter(|l| l.arch == arch.name()).collect();
    if here.is_empty() {
        return Finding::note(
            format!("{arch}: no bootloader"),
            "such machines get nothing; it matters only if you have some",
            mend,
        );
    }
    let show = |l: &&&Loader| match l.signers.is_empty() {
        true => l.name.clone(),
        false => format!("{} (signed: {})", l.name, l.signers.join("; ")),
    };
    let names: Vec<String> = here.iter().map(show).collect();
    let what = format!("{arch}: {}", names.join(", "));
    if arch.is_uefi() && here.iter().all(|l| l.signers.is_empty()) {
        return Finding::note(
            what,
            "none of them is signed, so machines with Secure Boot on refuse all of them (an image \
             with a signed chain of its own still boots)",
            mend,
        );
    }
    Finding::good(what)
}

fn images(told: &Told) -> Vec<Finding> {
    let mut findings = Vec::new();
    if told.status.images == 0 {
        findings.push(Finding::note(
            "there is no image",
            "machines can only show the menu and go on to their local disk",
            "bootwright image import PATH --name NAME",
        ));
    } else if told.missing.is_empty() {
        findings
            .push(Finding::good(format!("all files of {} images are there", told.status.images)));
    }
    for missing in &told.missing {
        findings.push(Finding::bad(
            format!("a file of an image is gone or damaged: {missing}"),
            "machines that boot the image fail in the middle",
            "import the image again: bootwright image import PATH --name NAME",
        ));
    }
    for profile in &told.unbootable {
        findings.push(Finding::note(
            profile.clone(),
            "machines that get it go on to their local disk",
            "bootwright profile set NAME --image IMAGE",
        ));
    }
    for finding in &told.findings {
        let (what, mend) = finding.split_once("\nhint: ").unwrap_or((finding, ""));
        findings.push(Finding::note(what, "seen when the sockets were opened", mend));
    }
    findings
}
