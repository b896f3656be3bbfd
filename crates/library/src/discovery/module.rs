//! What a kernel module says of itself, and whether a program runs alone: two looks into ELF files.
//!
//! In: the bytes of a file for 64-bit little-endian machines, which are believed to be hostile. Out:
//! the words of its `.modinfo`; or nothing. Never: a panic over its content.

/// Program headers or sections that are looked at.
const HEADERS_MAX: usize = 4096;
/// Words of one kind that one module may have.
const WORDS_MAX: usize = 20_000;
/// The longest of them in bytes.
const WORD_MAX: usize = 512;
/// `PT_INTERP`: the program asks for a dynamic linker.
const INTERPRETER: u32 = 3;
const X86_64: u16 = 62;

/// What a module says of itself.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct About {
    /// Patterns of what it drives.
    pub aliases: Vec<String>,
    /// Modules that must be there before it.
    pub needs: Vec<String>,
    /// `pre: x post: y`.
    pub soft: Vec<String>,
}

/// A module's name of its path, as the kernel writes it.
pub(super) fn name(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or(path);
    last.split(".ko").next().unwrap_or(last).replace('-', "_")
}

/// Reads a module. Nothing if it is none.
pub(super) fn about(bytes: &[u8]) -> Option<About> {
    let info = section(bytes, b".modinfo")?;
    let mut about = About::default();
    for word in info.split(|byte| *byte == 0).filter(|word| word.len() <= WORD_MAX) {
        let Ok(word) = std::str::from_utf8(word) else { continue };
        let Some((key, value)) = word.split_once('=') else { continue };
        if value.is_empty() || value.chars().any(char::is_control) {
            continue;
        }
        match key {
            // A name with a space would be two words of the index.
            "alias" if about.aliases.len() < WORDS_MAX && !value.contains(' ') => {
                about.aliases.push(value.to_owned());
            }
            "depends" => {
                let names = value.split(',').filter(|need| !need.is_empty());
                about.needs.extend(names.take(WORDS_MAX).map(name));
            }
            "softdep" if about.soft.len() < WORDS_MAX => about.soft.push(value.to_owned()),
            _ => {}
        }
    }
    Some(about)
}

/// Whether this is a program for x86-64 that needs no other file.
pub(super) fn static_program(bytes: &[u8]) -> Result<(), &'static str> {
    let elf = Elf(bytes);
    if !elf.is_elf() || elf.half(18) != Some(X86_64) {
        return Err("it is no ELF file for this processor");
    }
    let (Some(at), Some(size), Some(count)) = (elf.long(32), elf.half(54), elf.half(56)) else {
        return Err("it is cut short");
    };
    for number in 0..usize::from(count).min(HEADERS_MAX) {
        let header = at.checked_add(number.saturating_mul(usize::from(size)));
        match header.and_then(|header| elf.word(header)) {
            Some(INTERPRETER) => return Err("it asks for a dynamic linker"),
            Some(_) => {}
            None => return Err("it is cut short"),
        }
    }
    Ok(())
}

/// The bytes of a section.
fn section<'a>(bytes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let elf = Elf(bytes);
    if !elf.is_elf() {
        return None;
    }
    let (at, size, count) = (elf.long(40)?, usize::from(elf.half(58)?), elf.half(60)?);
    let names = elf.contents(at, size, usize::from(elf.half(62)?))?;
    (0..usize::from(count).min(HEADERS_MAX)).find_map(|number| {
        let header = at.checked_add(number.checked_mul(size)?)?;
        let name = names.get(usize::try_from(elf.word(header)?).ok()?..)?;
        let name = name.split(|byte| *byte == 0).next()?;
        (name == wanted).then(|| elf.contents(at, size, number))?
    })
}

/// Numbers at places of an ELF64 file.
struct Elf<'a>(&'a [u8]);

impl<'a> Elf<'a> {
    /// The magic, 64 bit, little-endian.
    fn is_elf(&self) -> bool {
        self.0.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1])
    }

    fn half(&self, at: usize) -> Option<u16> {
        self.0.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
    }

    fn word(&self, at: usize) -> Option<u32> {
        self.0.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
    }

    fn long(&self, at: usize) -> Option<usize> {
        let number = self.0.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)?;
        usize::try_from(number).ok()
    }

    fn contents(&self, table: usize, size: usize, number: usize) -> Option<&'a [u8]> {
        let header = table.checked_add(number.checked_mul(size)?)?;
        let offset = self.long(header.checked_add(24)?)?;
        let length = self.long(header.checked_add(32)?)?;
        self.0.get(offset..offset.checked_add(length)?)
    }
}
