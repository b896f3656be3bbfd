//! Numbers of versions, and the same files published once more.

use crate::house::{command, engine, image};
use engine::{Command, Engine};
use model::image::{SecureBoot, Signature, Trust};
use model::network::Mode;
use model::{Arch, Change, Channel, Hash, Image, Now};

const NAME: &str = "debian-12-amd64";

/// The image with another kernel, and so another version.
fn another(number: u8) -> Image {
    let mut image = image();
    let mut assets = image.assets.to_vec();
    assets.iter_mut().for_each(|asset| asset.sha256 = Hash([number; 32]));
    image.assets = assets.into_iter().collect();
    image
}

fn signed() -> Trust {
    Trust::Signed(Signature {
        fingerprint: "AB".repeat(20),
        signer: "Debian".into(),
        keyring: "debian".into(),
        file: "SHA256SUMS".into(),
        made: Now(1),
    })
}

fn approved() -> Trust {
    Trust::Approved { by: "root".into(), at: Now(2), checked: "nothing".into() }
}

fn remove(engine: &mut Engine, version: Option<u32>) {
    command(engine, Command::RemoveImage(NAME.into(), version));
}

fn numbers(engine: &Engine) -> Vec<u32> {
    engine.images().filter(|image| image.name == NAME).map(|image| image.version).collect()
}

/// What is kept when an image is published again with this trust.
fn again(engine: &mut Engine, trust: Trust) -> (Trust, String) {
    let says = command(engine, Command::PublishImage(Image { trust, ..image() }));
    (engine.images().next().unwrap().trust.clone(), says)
}

#[test]
fn a_stronger_trust_replaces_a_weaker_one_and_never_the_reverse() {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, Command::RemoveProfile("debian".into()));
    remove(&mut engine, None);
    assert_eq!(again(&mut engine, approved()).0, approved());
    let (kept, says) = again(&mut engine, Trust::Local);
    assert_eq!(kept, Trust::Local);
    assert!(says.contains("has just these files already; its files are believed"), "{says}");
    assert_eq!(again(&mut engine, approved()).0, Trust::Local);
    let (kept, says) = again(&mut engine, signed());
    assert_eq!(kept, signed());
    assert!(says.contains("SHA256SUMS signed by Debian"), "{says}");
    for weaker in [Trust::Local, approved()] {
        let (kept, says) = again(&mut engine, weaker);
        assert_eq!(kept, signed());
        assert!(says.ends_with("has just these files already"), "{says}");
    }
    assert_eq!(numbers(&engine), [2]);
}

#[test]
fn the_same_files_with_better_words_keep_their_number() {
    let mut engine = engine(Mode::Dhcp);
    let audit = SecureBoot { verdict: vec!["fine".into()], files: vec![] };
    let audited = Command::SetSecureBoot(NAME.into(), 1, audit.clone());
    command(&mut engine, audited);
    let better = Image {
        title: "Ours".into(),
        archs: vec![Arch::X64Uefi],
        notes: vec!["a note".into()],
        source: "elsewhere".into(),
        imported: Now(9),
        ..image()
    };
    let done = engine.command(Now(9), Command::PublishImage(better)).unwrap();
    let [Change::Image(kept)] = done.changes.as_slice() else { panic!("{:?}", done.changes) };
    assert_eq!((kept.version, kept.imported, kept.title.as_str()), (1, Now(0), "Ours"));
    assert_eq!((kept.archs.as_slice(), kept.notes.len()), ([Arch::X64Uefi].as_slice(), 1));
    assert_eq!((kept.source.as_str(), &kept.secure_boot), (image().source.as_str(), &audit));
    assert!(done.says.contains("its title is now `Ours`"), "{}", done.says);
    let nothing = engine.command(Now(9), Command::PublishImage(image())).unwrap();
    assert_eq!(nothing.changes, []);
}

#[test]
fn the_hint_after_an_import_names_the_version_that_test_does_not_show() {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, Command::PublishImage(another(7)));
    let to_test = Command::Promote { image: NAME.into(), version: Some(2), to: Channel::Test };
    command(&mut engine, to_test.clone());
    command(&mut engine, Command::PublishImage(another(8)));
    command(&mut engine, to_test);
    let says = command(&mut engine, Command::PublishImage(another(9)));
    assert!(says.contains("`bootwright image promote debian-12-amd64 --version 4`"), "{says}");
    assert!(says.contains("`test` shows version 2"), "{says}");
}

#[test]
fn a_number_that_was_removed_is_not_given_again() {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, Command::RemoveProfile("debian".into()));
    command(&mut engine, Command::PublishImage(another(7)));
    remove(&mut engine, Some(2));
    command(&mut engine, Command::PublishImage(another(8)));
    assert_eq!(numbers(&engine), [1, 3]);
    remove(&mut engine, None);
    assert!(engine.images().next().is_none());
    let says = command(&mut engine, Command::PublishImage(another(9)));
    assert_eq!(numbers(&engine), [4]);
    assert!(!says.contains("machines get version"), "the first there is is stable: {says}");
    assert_eq!(engine.channels(NAME).stable, Some(4));
    // One after the other is the same as all at once.
    remove(&mut engine, Some(4));
    command(&mut engine, Command::PublishImage(another(9)));
    assert_eq!(numbers(&engine), [5]);
}
