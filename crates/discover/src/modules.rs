//! Which kernel modules the machine needs, and in which order.
//!
//! In: the texts of `modules.alias`, `modules.dep` and `modules.softdep` (depmod(8)), and what the
//! devices call themselves (`modalias`). Out: paths of modules, those needed first. Never: a file.

use std::collections::{BTreeMap, BTreeSet};

/// Modules one load may bring: more than any real chain, less than a ring.
const CHAIN_MAX: usize = 256;

/// What there is to load.
#[derive(Debug, Default)]
pub struct Index {
    /// Pattern and module, in the order of the file.
    aliases: Vec<(String, String)>,
    modules: BTreeMap<String, Module>,
    /// What is loaded before and after a module, if it is there.
    soft: BTreeMap<String, Soft>,
}

#[derive(Debug, Default)]
struct Module {
    /// Below `/lib/modules/VERSION`.
    path: String,
    /// Names, in the order of the file: each needs those after it.
    needs: Vec<String>,
}

#[derive(Debug, Default)]
struct Soft {
    before: Vec<String>,
    after: Vec<String>,
}

impl Index {
    /// Reads the three files. Lines that say nothing we know are passed over.
    pub fn read(alias: &str, dep: &str, softdep: &str) -> Self {
        let mut index = Self::default();
        for line in alias.lines() {
            if let ["alias", pattern, module] = words(line).as_slice() {
                index.aliases.push((dashes(pattern), dashes(module)));
            }
        }
        for line in dep.lines() {
            let Some((path, needs)) = line.split_once(':') else { continue };
            let needs = words(needs).into_iter().map(name).collect();
            index.modules.insert(name(path), Module { path: path.to_owned(), needs });
        }
        for line in softdep.lines() {
            let line = words(line);
            let ["softdep", module, rest @ ..] = line.as_slice() else { continue };
            let soft = index.soft.entry(dashes(module)).or_default();
            let mut after = false;
            for word in rest {
                match *word {
                    "pre:" => after = false,
                    "post:" => after = true,
                    other if after => soft.after.push(dashes(other)),
                    other => soft.before.push(dashes(other)),
                }
            }
        }
        index
    }

    /// How many modules there are.
    pub fn len(&self) -> usize {
        self.modules.len()
    }

    /// The modules that say they drive a device which calls itself so.
    pub fn drivers(&self, modalias: &str) -> BTreeSet<&str> {
        let called = dashes(modalias);
        let fit = self.aliases.iter().filter(|(pattern, _)| fits(pattern, &called));
        fit.map(|(_, module)| module.as_str()).collect()
    }

    /// Paths to load for a module, in order, without those that are there already.
    pub fn order(&self, module: &str, loaded: &BTreeSet<String>) -> Vec<(String, String)> {
        let mut order = Vec::new();
        let mut seen = loaded.clone();
        self.bring(&dashes(module), &mut seen, &mut order);
        order
    }

    fn bring(&self, module: &str, seen: &mut BTreeSet<String>, to: &mut Vec<(String, String)>) {
        // A ring of soft dependencies ends here, because its members are marked before they are
        // followed.
        if to.len() >= CHAIN_MAX || !seen.insert(module.to_owned()) {
            return;
        }
        let Some(found) = self.modules.get(module) else { return };
        let soft = self.soft.get(module);
        for before in soft.iter().flat_map(|soft| &soft.before) {
            self.bring(before, seen, to);
        }
        for need in found.needs.iter().rev() {
            self.bring(need, seen, to);
        }
        to.push((module.to_owned(), found.path.clone()));
        for after in soft.iter().flat_map(|soft| &soft.after) {
            self.bring(after, seen, to);
        }
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// A module's name of its path: `kernel/drivers/ata/ahci.ko.xz` is `ahci`.
fn name(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or(path);
    dashes(last.split(".ko").next().unwrap_or(last))
}

/// The kernel takes `-` and `_` for the same in names of modules.
fn dashes(text: &str) -> String {
    text.replace('-', "_")
}

/// A pattern with `*`, `?` and `[...]`, as fnmatch(3) without flags reads it.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and where in the text what it swallows ends.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(b'?') => Some(1),
            Some(b'[') => class(pattern.get(p..).unwrap_or_default(), text.get(t).copied()),
            Some(byte) => (text.get(t) == Some(byte)).then_some(1),
            None => None,
        };
        match (step, star) {
            (Some(step), _) => (p, t) = (p + step, t + 1),
            (None, Some((at, swallowed))) => {
                star = Some((at, swallowed + 1));
                (p, t) = (at + 1, swallowed + 1);
            }
            (None, None) => return false,
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// Length of the `[...]` in front if the byte is in it.
fn class(pattern: &[u8], byte: Option<u8>) -> Option<usize> {
    let byte = byte?;
    let end = pattern.iter().position(|b| *b == b']')?;
    let inside = pattern.get(1..end)?;
    let mut at = 0;
    while let Some(first) = inside.get(at) {
        let range = inside.get(at + 1) == Some(&b'_') || inside.get(at + 1) == Some(&b'-');
        match inside.get(at + 2).filter(|_| range) {
            Some(last) => {
                if (*first..=*last).contains(&byte) {
                    return Some(end + 1);
                }
                at += 3;
            }
            None => {
                if *first == byte {
                    return Some(end + 1);
                }
                at += 1;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALIAS: &str = "# Aliases\n\
        alias virtio:d00000001v* virtio_net\n\
        alias pci:v00008086d0000[12]0*sv*sd*bc*sc*i* e1000e\n\
        alias pci:v*d*sv*sd*bc01sc06i01* ahci\n\
        alias acpi*:MSFT0101:* tpm-crb\n";
    const DEP: &str = "kernel/drivers/net/virtio_net.ko: kernel/net/net_failover.ko kernel/net/failover.ko\n\
        kernel/net/net_failover.ko: kernel/net/failover.ko\n\
        kernel/net/failover.ko:\n\
        kernel/drivers/ata/ahci.ko.xz: kernel/drivers/ata/libahci.ko.xz kernel/drivers/ata/libata.ko.xz\n\
        kernel/drivers/ata/libahci.ko.xz: kernel/drivers/ata/libata.ko.xz\n\
        kernel/drivers/ata/libata.ko.xz:\n\
        kernel/crypto/a.ko:\nkernel/crypto/b.ko:\n";
    const SOFT: &str = "softdep a pre: b post: failover\nsoftdep b pre: a\n";

    fn index() -> Index {
        Index::read(ALIAS, DEP, SOFT)
    }

    fn order(module: &str, loaded: &[&str]) -> Vec<String> {
        let loaded = loaded.iter().map(|m| (*m).to_owned()).collect();
        index().order(module, &loaded).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_device_finds_its_driver() {
        let index = index();
        let only = |alias: &str| index.drivers(alias).into_iter().collect::<Vec<_>>();
        assert_eq!(only("virtio:d00000001v00001AF4"), ["virtio_net"]);
        assert_eq!(only("pci:v00008086d000010D3sv1sd1bc02sc00i00"), ["e1000e"]);
        assert_eq!(only("pci:v00008086d00002922sv1sd1bc01sc06i01"), ["ahci"]);
        assert_eq!(only("acpi:MSFT0101:"), ["tpm_crb"]);
        assert!(only("pci:v00008086d000030D3sv1sd1bc02sc00i00").is_empty());
    }

    #[test]
    fn what_a_module_needs_is_loaded_before_it_and_once() {
        assert_eq!(order("virtio_net", &[]), ["failover", "net_failover", "virtio_net"]);
        assert_eq!(order("virtio-net", &["failover"]), ["net_failover", "virtio_net"]);
        assert_eq!(order("ahci", &[]), ["libata", "libahci", "ahci"]);
        assert!(order("missing", &[]).is_empty());
    }

    #[test]
    fn a_ring_of_soft_dependencies_ends() {
        assert_eq!(order("a", &[]), ["b", "a", "failover"]);
        assert_eq!(order("b", &[]), ["a", "failover", "b"].map(str::to_owned));
    }

    #[test]
    fn patterns_are_read_as_the_kernel_means_them() {
        for (pattern, text, wanted) in [
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("a?c", "abc", true),
            ("[0-9]", "5", true),
            ("[0-9A-F]x", "Bx", true),
            ("[0-9]", "a", false),
            ("[", "a", false),
            ("a**", "a", true),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_index_makes_it_fail(
            pattern in "[ab*?\\[\\]-]{0,12}", text in "[ab]{0,12}", file in "\\PC{0,200}",
        ) {
            let _ = fits(&pattern, &text);
            prop_assert!(fits(&text, &text));
            let index = Index::read(&file, &file, &file);
            let _ = index.order(&text, &BTreeSet::new());
        }
    }
}
