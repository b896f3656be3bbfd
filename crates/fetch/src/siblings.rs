//! Names of checksum files and signatures that publishers put beside an image.
//!
//! In: a URL or a file name. Out: what is worth trying, the likeliest first, and what each would be. Never:
//! a request.
//!
//! Seen at: Debian and Kali (SHA512SUMS, .sign), Ubuntu (SHA256SUMS.gpg), Fedora (NAME-CHECKSUM, signed
//! inside), Rocky and Alma (CHECKSUM, CHECKSUM.asc), openSUSE (NAME.sha256, .sha256.asc), Arch
//! (sha256sums.txt, NAME.sig), Alpine (NAME.sha256, NAME.asc), FreeBSD (CHECKSUM.SHA256-...).

use crate::place::Place;

/// What a file beside an image would be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SiblingKind {
    /// Sums of several files or of one; perhaps signed inside.
    Checksums,
    /// A signature of the image itself.
    SignatureOfImage,
}

/// A file worth trying.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sibling<T> {
    /// Where it would be, or how it would be called.
    pub at: T,
    /// What it would be.
    pub kind: SiblingKind,
    /// Where signatures of it would be; of checksum files only.
    pub signatures: Vec<T>,
}

/// Files that hold sums of all images of a folder.
const OF_FOLDER: &[&str] =
    &["SHA256SUMS", "SHA512SUMS", "CHECKSUM", "sha256sums.txt", "sha256sum.txt", "SHA256SUM"];
/// What is put behind an image's name for a file with its sum alone.
const OF_IMAGE: &[&str] =
    &[".sha256", ".sha512", ".CHECKSUM", ".sha256sum", ".sha256.txt", ".DIGESTS"];
/// What is put behind a file's name for its signature, the likeliest first.
pub const SIGNATURES: &[&str] = &[".gpg", ".sign", ".asc", ".sig"];

/// What is worth trying beside an image at a URL.
#[must_use]
pub fn siblings(place: &Place) -> Vec<Sibling<Place>> {
    let named = named(place.raw_name());
    let there = |name: &String| place.beside(name);
    named
        .iter()
        .map(|sibling| Sibling {
            at: there(&sibling.at),
            kind: sibling.kind,
            signatures: sibling.signatures.iter().map(there).collect(),
        })
        .collect()
}

/// What is worth looking for beside a local file, by its name.
#[must_use]
pub fn siblings_of_file(name: &str) -> Vec<Sibling<String>> {
    named(name)
}

fn named(image: &str) -> Vec<Sibling<String>> {
    let checksums = |at: String| Sibling {
        signatures: SIGNATURES.iter().map(|end| format!("{at}{end}")).collect(),
        kind: SiblingKind::Checksums,
        at,
    };
    let mut all = Vec::new();
    all.extend(fedora(image).map(checksums));
    all.extend(OF_FOLDER.iter().map(|name| checksums((*name).to_owned())));
    if image.is_empty() {
        return all;
    }
    all.extend(OF_IMAGE.iter().map(|end| checksums(format!("{image}{end}"))));
    all.extend(SIGNATURES.iter().map(|end| Sibling {
        at: format!("{image}{end}"),
        kind: SiblingKind::SignatureOfImage,
        signatures: Vec::new(),
    }));
    all
}

/// Fedora puts one file for each edition and architecture beside its images:
/// `Fedora-Server-dvd-x86_64-41-1.4.iso` stands in `Fedora-Server-41-1.4-x86_64-CHECKSUM`.
fn fedora(image: &str) -> Option<String> {
    let name = image.strip_suffix(".iso")?;
    let mut parts = name.split('-');
    let (system, edition) = (parts.next()?, parts.next()?);
    if system != "Fedora" {
        return None;
    }
    let rest: Vec<&str> = parts.collect();
    let arch = rest.iter().find(|part| ["x86_64", "aarch64", "ppc64le", "s390x"].contains(part))?;
    let numbers = rest.iter().filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    let numbers: Vec<&str> = numbers.copied().collect();
    let [release, compose] = numbers.as_slice() else { return None };
    Some(format!("{system}-{edition}-{release}-{compose}-{arch}-CHECKSUM"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_publishers_put_beside_images_is_among_it() {
        let place =
            Place::read("https://m.example/iso/debian-13.1.0-amd64-netinst.iso?mirror=1").unwrap();
        let all = siblings(&place);
        let first = &all[0];
        assert_eq!(first.at.to_string(), "https://m.example/iso/SHA256SUMS");
        let signatures: Vec<String> = first.signatures.iter().map(ToString::to_string).collect();
        assert!(
            signatures.contains(&"https://m.example/iso/SHA256SUMS.sign".to_owned()),
            "{signatures:?}"
        );
        let at: Vec<String> = all.iter().map(|sibling| sibling.at.to_string()).collect();
        for name in ["SHA512SUMS", "CHECKSUM", "debian-13.1.0-amd64-netinst.iso.sha256"] {
            assert!(at.contains(&format!("https://m.example/iso/{name}")), "{name}");
        }
        let of_image = all.iter().find(|s| s.kind == SiblingKind::SignatureOfImage).unwrap();
        assert!(of_image.at.to_string().contains("netinst.iso.") && of_image.signatures.is_empty());
    }

    #[test]
    fn fedora_has_a_file_for_each_edition() {
        for (image, checksums) in [
            ("Fedora-Server-dvd-x86_64-41-1.4.iso", "Fedora-Server-41-1.4-x86_64-CHECKSUM"),
            (
                "Fedora-Workstation-Live-x86_64-40-1.14.iso",
                "Fedora-Workstation-40-1.14-x86_64-CHECKSUM",
            ),
            ("Fedora-Workstation-Live-42-1.1.x86_64.iso", "SHA256SUMS"),
            ("Rocky-9.4-x86_64-minimal.iso", "SHA256SUMS"),
        ] {
            assert_eq!(siblings_of_file(image)[0].at, checksums);
        }
        let local = siblings_of_file("Rocky-9.4-x86_64-minimal.iso");
        assert!(local.iter().any(|s| s.at == "CHECKSUM"));
        assert!(local.iter().any(|s| s.at == "Rocky-9.4-x86_64-minimal.iso.CHECKSUM"));
    }
}
