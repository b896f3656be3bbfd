//! Every way through the crate for bytes nobody vouches for: the tests' and the fuzz targets' walk.

use secureboot::{Binary, Lists, PeError, Sbat, SbatLevel, World, across, judge, sbat};

/// Shown text is one line of what can be shown, and short.
fn is_fit(text: &str) {
    assert!(!text.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
    assert!(text.len() < 100_000, "{} bytes of text", text.len());
}

/// A binary, and what is said of it alone, under itself, and on every machine.
pub fn pe(bytes: &[u8]) -> Result<Binary, PeError> {
    let binary = Binary::read(bytes).inspect_err(|error| is_fit(&error.to_string()))?;
    let none = Lists::default();
    let own = binary.shim.as_ref().map(|shim| &shim.trusted).unwrap_or(&none);
    let revoked = binary.shim.as_ref().map(|shim| &shim.revoked).unwrap_or(&none);
    let level = sbat::published().pop().expect("levels are published");
    let world = World { db: own, dbx: revoked, mok: own, sbat_level: &level, now_s: i64::MAX };
    let verdict = judge(&[&binary, &binary, &binary], &world);
    assert_eq!(verdict.links.len(), 3);
    assert!(verdict.links.iter().all(|link| !link.reasons.is_empty()));
    let text = format!("{verdict}\n{}", across(&[&binary], &world));
    text.lines().for_each(is_fit);
    for signature in &binary.signatures {
        is_fit(&signature.signer_name());
        assert!(signature.chain.len() <= signature.certificates.len());
        let _ = signature.lead();
        signature
            .links()
            .for_each(|link| is_fit(&format!("{} {}", link.not_before, link.not_after)));
    }
    Ok(binary)
}

/// Text as a section, as a level, and the one against the other.
pub fn sbat(bytes: &[u8]) {
    let section = Sbat::read(bytes);
    for c in &section.components {
        [&c.name, &c.vendor, &c.package, &c.version, &c.url].into_iter().for_each(|t| is_fit(t));
    }
    assert!(section.components.len() <= sbat::LINES_MAX);
    match SbatLevel::read(bytes) {
        Err(error) => is_fit(&error.to_string()),
        Ok(level) => {
            is_fit(&level.date);
            assert!(!level.is_newer_than(&level));
            let revoked = section.revoked_by(&level);
            assert!(revoked.iter().all(|(component, lowest)| component.generation < *lowest));
        }
    }
}

/// A list, read twice alike.
pub fn lists(bytes: &[u8]) {
    match Lists::read(bytes) {
        Err(error) => is_fit(&error.to_string()),
        Ok(lists) => {
            assert!(lists.certificates.len() <= bytes.len() / 16);
            lists.certificates.iter().for_each(|c| is_fit(&c.subject.shown));
            assert_eq!(Lists::read(bytes).as_ref(), Ok(&lists));
        }
    }
}
