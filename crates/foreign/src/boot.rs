//! Boot files: what is a bootloader, which this server chooses itself, and what is booted.

use crate::book::Book;
use crate::found::{Image, Rule};
use model::client::ArchCode;
use model::rule::Condition;

/// The longest line of arguments that a profile takes.
pub const ARGS_MAX: usize = 2048;

/// Why a bootloader is left out.
pub const LOADER: &str = "not needed: this server gives each firmware its bootloader \
    (`bootwright bootloader list`). Name the loader's own configuration to take over what it boots: \
    `import-from pxelinux`, `import-from matchbox`";

/// Why a script is left out.
pub const SCRIPT: &str = "a script is not taken over: what it boots becomes an image and a profile \
    (`bootwright image import`, `bootwright profile add`)";

/// The last part of a path or URL.
pub fn base(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    path.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Whether a file is a bootloader, by its name.
pub fn is_loader(file: &str) -> bool {
    let name = base(file).to_ascii_lowercase();
    let begins = [
        "pxelinux",
        "lpxelinux",
        "gpxelinux",
        "undionly",
        "ipxe",
        "snponly",
        "snp.",
        "grub",
        "shim",
        "bootx64",
        "bootia32",
        "bootaa64",
        "bootarm",
        "bootnet",
        "syslinux",
        "core.",
        "elilo",
    ];
    let ends = [".kpxe", ".kkpxe", ".pxe"];
    begins.iter().any(|begin| name.starts_with(begin)) || ends.iter().any(|end| name.ends_with(end))
}

/// Whether a file is a script of iPXE, by its name.
pub fn is_script(file: &str) -> bool {
    let url = ["http://", "https://", "tftp://"].iter().any(|scheme| file.starts_with(scheme));
    let name = base(file).to_ascii_lowercase();
    name.ends_with(".ipxe") || name.ends_with(".php") || (url && !name.contains('.'))
}

/// Whether something is started by a chain of loader modules that only that loader has.
pub fn is_module(file: &str) -> bool {
    let name = base(file).to_ascii_lowercase();
    [".c32", ".0", ".cbt", ".com"].iter().any(|end| name.ends_with(end)) || name == "memdisk"
}

/// What a client has to be for an architecture of option 93; none for codes that nobody boots.
pub fn arch(code: u16) -> Option<Condition> {
    ArchCode(code).meaning().map(|(arch, _)| Condition::Arch(arch))
}

/// A file that clients of these conditions are given: an image, a profile and a rule, unless it is
/// something that this server does itself.
pub fn file(book: &mut Book, line: u32, what: &str, path: &str, conditions: Vec<Condition>) {
    let why = match path {
        "" => "it names no file",
        path if is_loader(path) => LOADER,
        path if is_script(path) => SCRIPT,
        path if is_module(path) => "only its own loader starts such a file",
        path => {
            let profile = alone(book, line, path);
            return book.rule(line, Rule { conditions, profile });
        }
    };
    book.leave(line, what, why);
}

/// The profile that boots one file.
pub fn alone(book: &mut Book, line: u32, path: &str) -> String {
    let image = Image { kernel: path.to_owned(), initrds: Vec::new() };
    book.boots(line, base(path), image, String::new(), Vec::new())
}

/// Arguments on one line, without those that only the other loader reads; or none, if they are too
/// long for a profile.
pub fn args(words: &[&str]) -> Option<String> {
    let kept = words.iter().filter(|word| !word.starts_with("initrd=") && !word.is_empty());
    let line = kept.copied().collect::<Vec<&str>>().join(" ");
    (line.len() <= ARGS_MAX && !line.chars().any(char::is_control)).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaders_scripts_and_what_is_booted_are_told_apart() {
        for loader in
            ["pxelinux.0", "/efi64/SYSLINUX.EFI", "undionly.kpxe", "x/grubx64.efi", "a.pxe"]
        {
            assert!(is_loader(loader), "{loader}");
        }
        for script in ["http://h/boot.ipxe", "boot.ipxe?x=1", "http://h/ipxe"] {
            assert!(is_script(script) && !is_loader("memtest.efi"), "{script}");
        }
        assert!(is_module("vesamenu.c32") && !is_module("vmlinuz"));
        assert_eq!(base("http://h/a/vmlinuz?x"), "vmlinuz");
        assert_eq!(args(&["quiet", "initrd=x", "", "a=b"]).unwrap(), "quiet a=b");
        assert_eq!(args(&["a\u{7}"]), None);
    }
}
