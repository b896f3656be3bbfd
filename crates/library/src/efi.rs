//! What an EFI binary is to us: which firmware runs it, who is named in its signatures.
//!
//! In: what `secureboot` reads of it. Out: our words for it. Never: whether a machine starts it; that
//! depends on what the machine trusts.

use model::Arch;
use secureboot::{Binary, Flaw, Pe, Signature};

/// Lines of an SBAT section that are kept; loaders have about five.
const SBAT_LINES_MAX: usize = 64;

/// Which firmware starts it; none if it is no EFI application, or for an unknown machine.
pub fn application(pe: &Pe) -> Option<Arch> {
    Arch::of_machine(pe.machine).filter(|_| pe.is_application())
}

/// "signer, issued by issuer" for each signature that firmware looks at, and what makes it worthless.
pub fn signers(pe: &Pe, bytes: &[u8]) -> Vec<String> {
    match Binary::read(bytes) {
        Ok(binary) => binary.outer_signatures().map(words).collect(),
        Err(_) if pe.is_signed() => vec![UNREADABLE.to_owned()],
        Err(_) => Vec::new(),
    }
}

const UNREADABLE: &str = "somebody (a signature that we cannot read)";

fn words(signature: &Signature) -> String {
    let name = match signature.signer() {
        Some(signer) => format!("{}, issued by {}", signer.subject.shown, signer.issuer.shown),
        None => signature.signer_name(),
    };
    match &signature.flaw {
        None => name,
        Some(Flaw::Unreadable(_)) => UNREADABLE.to_owned(),
        Some(flaw) => format!("{name} ({flaw})"),
    }
}

/// The lines of its SBAT section: component, generation, vendor, package, version, URL.
pub fn sbat(pe: &Pe, bytes: &[u8]) -> Vec<String> {
    let section = pe.content(bytes, ".sbat").unwrap_or_default();
    let text = section.split(|b| *b == 0).next().unwrap_or_default();
    let lines = text.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.take(SBAT_LINES_MAX).map(model::text::show).collect()
}
