//! A distribution of one's own: shim, GRUB and kernel, and every link that can be wrong.

mod support;

use secureboot::{Binary, Kind, List, Lists, Reason, Starts, across, judge};
use support::image::{image, level, sbat, vendor};
use support::{Machine, Workshop, able, read};

const TOOLS: &[&str] = &["openssl", "sbsign"];

/// A shim signed by a firmware's authority, GRUB and a kernel signed by its vendor's.
struct Distribution {
    workshop: Workshop,
    shim: Binary,
    machine: Machine,
}

impl Distribution {
    fn new() -> Self {
        let workshop = Workshop::new();
        workshop.authority("firmware", "/CN=Firmware CA", "rsa:2048", "-sha256");
        workshop.authority("vendor", "/CN=Vendor CA", "rsa:2048", "-sha256");
        workshop.certified("signer", "/CN=Vendor Signer", "vendor", "rsa:2048", "");
        workshop.certificate("vendor");
        let sections = [
            vendor(&workshop.bytes("vendor.der"), &[]),
            sbat(&[("shim", 4), ("shim.example", 2)]),
            level("sbat,1,2024040900\nshim,4\ngrub,4\n", "sbat,1,2025021800\nshim,4\ngrub,5\n"),
        ];
        workshop.write("shim.efi", &image(&sections));
        let shim = read(&workshop.sign("shim.efi", "firmware", &[]));
        let machine = Machine::new(workshop.trusting("firmware"));
        Self { workshop, shim, machine }
    }

    fn file(&self, name: &str, sections: &[support::image::Section<'_>], by: &str) -> Binary {
        self.workshop.write(name, &image(sections));
        if by.is_empty() {
            return read(&self.workshop.bytes(name));
        }
        read(&self.workshop.sign(name, by, &[]))
    }

    fn judge(&self, rest: &[&Binary]) -> secureboot::Verdict {
        let chain: Vec<&Binary> = std::iter::once(&self.shim).chain(rest.iter().copied()).collect();
        judge(&chain, &self.machine.world())
    }
}

#[test]
fn a_whole_chain_of_ones_own_boots_and_each_wrong_link_is_named() {
    if !able(TOOLS) {
        return;
    }
    let own = Distribution::new();
    assert_eq!(own.shim.kind, Kind::Shim);
    let facts = own.shim.shim.as_ref().unwrap();
    assert_eq!(facts.latest.as_ref().unwrap().date, "2025021800");
    let grub = own.file("grub.efi", &[sbat(&[("grub", 5), ("grub.example", 1)])], "signer");
    let kernel = own.file("kernel.efi", &[], "signer");
    let verdict = own.judge(&[&grub, &kernel]);
    assert!(verdict.starts(), "{verdict}");
    assert_eq!(verdict.links[1].reasons.len(), 1);

    let unsigned = own.file("u.efi", &[], "");
    let verdict = own.judge(&[&grub, &unsigned]);
    assert_eq!((verdict.links[1].starts, verdict.links[2].starts), (Starts::Yes, Starts::No));
    assert_eq!(verdict.links[2].reasons, [Reason::Unsigned]);
    // Firmware's own authority counts for shim too.
    let by_firmware = own.file("f.efi", &[], "firmware");
    let verdict = own.judge(&[&grub, &by_firmware]);
    assert!(matches!(verdict.links[2].reasons[..], [Reason::Trusted { list: List::Db, .. }]));
    // Firmware does not know the vendor.
    let verdict = judge(&[&grub], &own.machine.world());
    assert!(matches!(verdict.links[0].reasons[..], [Reason::Stranger { .. }]), "{verdict}");
    // On machines without this firmware's authority the shim itself is a stranger.
    let machine = Machine::new(Lists::default());
    let across = across(&[&own.shim, &grub, &kernel], &machine.world());
    assert_eq!(
        across.to_string(),
        "refused with Secure Boot on; shim: signed by Firmware CA, which is not trusted"
    );
}

#[test]
fn an_owners_key_and_a_files_own_digest_count_for_shim() {
    if !able(TOOLS) {
        return;
    }
    let mut own = Distribution::new();
    own.workshop.authority("owner", "/CN=Owner", "rsa:2048", "-sha256");
    let grub = own.file("grub.efi", &[sbat(&[("grub", 5)])], "owner");
    assert_eq!(own.judge(&[&grub]).links[1].starts, Starts::No);
    own.machine.mok = own.workshop.trusting("owner");
    let verdict = own.judge(&[&grub]);
    assert!(matches!(verdict.links[1].reasons[..], [Reason::Trusted { list: List::Mok, .. }]));
    own.machine.mok = Lists { sha256: [grub.sha256].into(), ..Lists::default() };
    let verdict = own.judge(&[&grub]);
    assert_eq!(verdict.links[1].reasons, [Reason::TrustedDigest(List::Mok)]);
    assert!(verdict.starts());
    // In db, firmware takes it too; in dbx, nobody.
    own.machine.db.sha256.insert(grub.sha256);
    assert!(judge(&[&grub], &own.machine.world()).starts());
    own.machine.dbx.sha256.insert(grub.sha256);
    assert_eq!(own.judge(&[&grub]).links[1].reasons, [Reason::RevokedDigest(List::Dbx)]);
    let verdict = judge(&[&grub], &own.machine.world());
    assert_eq!(verdict.links[0].reasons, [Reason::RevokedDigest(List::Dbx)]);
}

#[test]
fn a_key_for_kernel_modules_starts_nothing_under_shim() {
    if !able(TOOLS) {
        return;
    }
    let mut own = Distribution::new();
    let usage = "extendedKeyUsage=codeSigning,1.3.6.1.4.1.2312.16.1.2\n";
    own.workshop.certified("modules", "/CN=Modules", "vendor", "rsa:2048", usage);
    own.workshop.certified(
        "plain",
        "/CN=Plain",
        "firmware",
        "rsa:2048",
        "extendedKeyUsage=codeSigning\n",
    );
    assert!(own.workshop.certificate("modules").is_for_modules);
    assert!(!own.workshop.certificate("plain").is_for_modules);
    own.workshop.authority("stranger", "/CN=Stranger", "rsa:2048", "-sha256");
    own.workshop.certified("other", "/CN=Other", "stranger", "rsa:2048", usage);
    let grub = own.file("grub.efi", &[sbat(&[("grub", 5)])], "other");
    own.machine.mok = own.workshop.trusting("other");
    assert_eq!(own.judge(&[&grub]).links[1].starts, Starts::No);
}

#[test]
fn sbat_names_the_component_that_is_too_old() {
    if !able(TOOLS) {
        return;
    }
    let mut own = Distribution::new();
    let old = own.file("old.efi", &[sbat(&[("grub", 3), ("grub.example", 1)])], "signer");
    // The machine's level revokes nothing, but shim brings a newer one.
    let verdict = own.judge(&[&old]);
    assert!(
        matches!(&verdict.links[1].reasons[..], [
        Reason::Trusted { .. },
        Reason::Sbat { component, generation: 3, lowest: 4, level },
    ] if component == "grub" && level == "2024040900"),
        "{verdict}"
    );
    assert!(verdict.to_string().contains(
        "its component grub is of generation 3, and the SBAT level 2024040900 revokes all below 4"
    ));
    // A level newer than the shim's is the machine's.
    let grub = own.file("grub.efi", &[sbat(&[("grub", 4)])], "signer");
    assert!(own.judge(&[&grub]).starts());
    own.machine.sbat_level = secureboot::sbat::published().pop().unwrap();
    assert_eq!(own.judge(&[&grub]).links[1].starts, Starts::No);
    // A level may revoke the shim itself, which then stops at its start.
    let text = "sbat,1,2030010100\nshim,4\nshim.example,3\n";
    own.machine.sbat_level = secureboot::SbatLevel::read(text.as_bytes()).unwrap();
    let verdict = own.judge(&[]);
    assert!(
        matches!(&verdict.links[0].reasons[1], Reason::Sbat { component, .. }
        if component == "shim.example"),
        "{verdict}"
    );
}

#[test]
fn what_shim_starts_itself_must_have_sbat_that_can_be_read() {
    if !able(TOOLS) {
        return;
    }
    let own = Distribution::new();
    let without = own.file("without.efi", &[], "signer");
    assert!(own.judge(&[&without]).links[1].reasons.contains(&Reason::NoSbat));
    let broken = (".sbat", b"sbat,1,a,b,c,d\ngrub,5\n".to_vec());
    let broken = own.file("broken.efi", &[broken], "signer");
    assert!(own.judge(&[&broken]).links[1].reasons.contains(&Reason::BrokenSbat(2)));
    // A shim from before SBAT asks for none.
    own.workshop.write("ancient.efi", &image(&[vendor(&own.workshop.bytes("vendor.der"), &[])]));
    let ancient = read(&own.workshop.sign("ancient.efi", "firmware", &[]));
    let verdict = judge(&[&ancient, &without], &own.machine.world());
    assert!(verdict.starts(), "{verdict}");
}
