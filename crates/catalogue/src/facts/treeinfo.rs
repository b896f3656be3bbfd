//! `.treeinfo` of Fedora's family (productmd 1.2): what a tree is, and where its kernel stands.
//!
//! In: its text. Out: the values that are asked for. Never: a path that leaves the tree.

use super::{Facts, processor, value};
use crate::tree::Tree;

/// Lines that are read; real ones have a hundred.
const LINES_MAX: usize = 2000;

/// What a `.treeinfo` says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct TreeInfo {
    pub family: Option<String>,
    pub version: Option<String>,
    pub arch: Option<String>,
    /// Path of the kernel for its own processor.
    pub kernel: Option<String>,
    pub initrd: Option<String>,
    /// Path of the second stage.
    pub stage2: Option<String>,
}

impl TreeInfo {
    pub fn of(tree: &Tree<'_>) -> Self {
        Self::read(&tree.text(".treeinfo"))
    }

    pub fn read(text: &str) -> Self {
        let ini = |section: &str, key: &str| {
            let mut here = "";
            for line in text.lines().take(LINES_MAX).map(str::trim) {
                let heading = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
                here = heading.unwrap_or(here);
                let Some((name, value)) = line.split_once('=') else { continue };
                if here == section && name.trim().eq_ignore_ascii_case(key) {
                    return Some(value.trim().to_owned());
                }
            }
            None
        };
        let arch = ini("general", "arch").or_else(|| ini("tree", "arch"));
        let images = format!("images-{}", arch.as_deref().unwrap_or_default());
        Self {
            family: ini("general", "family").or_else(|| ini("release", "name")),
            version: ini("general", "version").or_else(|| ini("release", "version")),
            kernel: ini(&images, "kernel"),
            initrd: ini(&images, "initrd"),
            stage2: ini("stage2", "mainimage"),
            arch,
        }
    }

    pub fn facts(&self) -> Facts {
        Facts {
            name: self.family.as_deref().and_then(value),
            version: self.version.as_deref().and_then(value),
            processor: self.arch.as_deref().and_then(processor),
            from: Some(".treeinfo"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_told_apart() {
        let text = "[general]\narch = x86_64\nfamily=Rocky Linux\nversion = 9.4\n\
                    [images-aarch64]\nkernel = other\n[images-x86_64]\nkernel = images/pxeboot/vmlinuz\n\
                    initrd=images/pxeboot/initrd.img\n[stage2]\nmainimage = images/install.img\n";
        let info = TreeInfo::read(text);
        assert_eq!(info.kernel.as_deref(), Some("images/pxeboot/vmlinuz"));
        assert_eq!(info.stage2.as_deref(), Some("images/install.img"));
        let facts = info.facts();
        assert_eq!(facts.name.as_deref(), Some("Rocky Linux"));
        assert_eq!((facts.version.as_deref(), facts.processor), (Some("9.4"), Some("amd64")));
        assert_eq!(TreeInfo::read("[general\n=\n[]\n]\n"), TreeInfo::default());
    }
}
