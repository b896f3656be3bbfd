//! Security versions of Windows boot programs, in files made here by the tools that make them.

mod support;

use secureboot::{Kind, Lists, Reason, Svn, judge};
use support::image::{image, security_version};
use support::{Machine, Workshop, able, read};

const WINDRES: &str = "x86_64-w64-mingw32-windres";
const LINKER: &str = "x86_64-w64-mingw32-ld";

#[test]
fn the_security_version_is_read_from_a_resource_that_windres_made() {
    if !able(&[WINDRES, LINKER]) {
        return;
    }
    let workshop = Workshop::new();
    // Other resources around it: the right one is found by type and name.
    let script = "OTHER RCDATA BEGIN 1, 2, 3 END\n\
        BOOTMGRSECURITYVERSIONNUMBER RCDATA BEGIN 2, 9 END\n\
        ZULU RCDATA BEGIN 4 END\n\
        BOOTMGRSECURITYVERSIONNUMBER 300 BEGIN 77, 77 END\n\
        1 VERSIONINFO BEGIN END\n";
    workshop.write("svn.rc", script.as_bytes());
    // In place of a C preprocessor: the last argument's file as it is.
    workshop.write("plain", b"for last; do :; done; cat \"$last\"\n");
    workshop.run(
        WINDRES,
        &["--preprocessor", "sh", "--preprocessor-arg", "plain", "-O", "coff", "svn.rc", "svn.o"],
    );
    workshop.run(LINKER, &["--subsystem", "10", "-e", "0", "-o", "svn.efi", "svn.o"]);
    let binary = read(&workshop.bytes("svn.efi"));
    assert_eq!(binary.svn, Some(Svn { major: 9, minor: 2 }));
    assert_eq!((binary.kind, binary.subsystem), (Kind::Windows, 10));
}

#[test]
fn a_program_older_than_dbx_allows_is_refused_with_both_versions() {
    let machine = |svn: Option<Svn>| {
        let mut machine = Machine::new(Lists::default());
        machine.dbx.svns = svn.into_iter().map(|svn| ("bootmgfw.efi", svn)).collect();
        machine
    };
    let binary = read(&image(&[security_version(1, 7, 0)]));
    assert_eq!(binary.svn, Some(Svn { major: 7, minor: 0 }));
    let lowest = Svn { major: 9, minor: 0 };
    let verdict = judge(&[&binary], &machine(Some(lowest)).world());
    let reason = Reason::Svn { own: Svn { major: 7, minor: 0 }, lowest };
    assert!(verdict.links[0].reasons.contains(&reason), "{verdict}");
    assert!(reason.to_string().starts_with("its security version is 7.0, and firmware's list dbx"));
    for allowed in [None, Some(Svn { major: 7, minor: 0 }), Some(Svn { major: 6, minor: 9 })] {
        let verdict = judge(&[&binary], &machine(allowed).world());
        assert!(!verdict.links[0].reasons.iter().any(|r| matches!(r, Reason::Svn { .. })));
    }
    // One whose resource names a place outside of the file has none.
    let mut cut = image(&[security_version(1, 7, 0)]);
    let leaf = cut.windows(4).position(|four| four == (0x20_0000_u32 + 88).to_le_bytes()).unwrap();
    cut[leaf + 2] = 0xff;
    assert_eq!(read(&cut).svn, None);
}
