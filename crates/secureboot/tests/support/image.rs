//! EFI binaries made up in code: a PE32+ with the sections a test wants.

/// A section's content by its name.
pub type Section<'a> = (&'a str, Vec<u8>);

const ALIGNMENT: usize = 512;
const OPTIONAL: usize = 112 + 16 * 8;

fn padded(mut bytes: Vec<u8>, to: usize) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
    bytes
}

fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap().to_le_bytes()
}

/// An EFI application for x64 with these sections after a little code. Names longer than eight bytes
/// go into a table of strings, as GNU tools write them. A section `.rsrc` becomes the resources.
pub fn image(sections: &[Section<'_>]) -> Vec<u8> {
    let code: Section<'_> = (".text", vec![0xc3; 600]);
    let sections: Vec<_> = std::iter::once(&code).chain(sections).collect();
    let headers = (64 + 24 + OPTIONAL + sections.len() * 40).next_multiple_of(ALIGNMENT);
    let (mut strings, mut table, mut content) = (vec![0; 4], Vec::new(), Vec::new());
    let mut resources = (0, 0);
    for (place, (name, bytes)) in sections.iter().enumerate() {
        let address = 0x10_0000 * (place + 1);
        let short = if name.len() > 8 {
            let told = format!("/{}", strings.len());
            strings.extend(name.bytes().chain([0]));
            told
        } else {
            (*name).to_owned()
        };
        if *name == ".rsrc" {
            resources = (address, bytes.len());
        }
        let mut header = short.into_bytes();
        header.resize(8, 0);
        let held = padded(bytes.clone(), ALIGNMENT);
        for value in [bytes.len(), address, held.len(), headers + content.len(), 0, 0, 0] {
            header.extend(number(value));
        }
        // Relocations and line numbers are two numbers of 16 bits: zero. Then: data that is read.
        header.extend(number(0x4000_0040));
        assert_eq!(header.len(), 8 + 8 * 4);
        table.extend(header);
        content.extend(held);
    }
    let length = number(strings.len());
    strings[..4].copy_from_slice(&length);
    let mut file = head(sections.len(), headers, headers + content.len(), resources);
    file.extend(table);
    file = padded(file, ALIGNMENT);
    file.extend(content);
    file.extend(padded(strings, 8));
    file
}

fn head(sections: usize, headers: usize, symbols: usize, resources: (usize, usize)) -> Vec<u8> {
    let mut file = b"MZ".to_vec();
    file.resize(60, 0);
    file.extend(number(64));
    file.extend(b"PE\0\0");
    file.extend(0x8664_u16.to_le_bytes());
    file.extend(u16::try_from(sections).unwrap().to_le_bytes());
    file.extend([0; 4]);
    // No symbols, but the strings stand where they would end.
    file.extend(number(symbols));
    file.extend([0; 4]);
    file.extend(u16::try_from(OPTIONAL).unwrap().to_le_bytes());
    file.extend(0x0206_u16.to_le_bytes());
    let mut optional = vec![0_u8; OPTIONAL];
    let size = (sections + 1) * 0x10_0000;
    for (at, value) in [
        (0, 0x020b),
        (16, 0x10_0000),
        (20, 0x10_0000),
        (32, ALIGNMENT),
        (36, ALIGNMENT),
        (56, size),
        (60, headers),
        (68, 10),
        (108, 16),
        (112 + 2 * 8, resources.0),
        (112 + 2 * 8 + 4, resources.1),
    ] {
        optional[at..at + 4].copy_from_slice(&number(value));
    }
    file.extend(optional);
    file
}

/// A `.vendor_cert` section: whom a shim trusts, and what it refuses.
pub fn vendor(trusted: &[u8], revoked: &[u8]) -> Section<'static> {
    let sizes = [trusted.len(), revoked.len(), 16, 16 + trusted.len()].map(number).concat();
    (".vendor_cert", [&sizes, trusted, revoked].concat())
}

/// A `.sbatlevel` section.
pub fn level(automatic: &str, latest: &str) -> Section<'static> {
    let texts = [automatic.as_bytes(), b"\0", latest.as_bytes(), b"\0"].concat();
    let places = [0, 8, 8 + automatic.len() + 1].map(number).concat();
    (".sbatlevel", [places, texts].concat())
}

/// An `.sbat` section with these components.
pub fn sbat(components: &[(&str, u16)]) -> Section<'static> {
    let first = "sbat,1,SBAT Version,sbat,1,https://example.org/sbat\n".to_owned();
    let line = |(name, generation): &(&str, u16)| {
        format!("{name},{generation},Example,{name},1.0,https://example.org/\n")
    };
    let text: String = std::iter::once(first).chain(components.iter().map(line)).collect();
    (".sbat", text.into_bytes())
}

/// A `.rsrc` section as Windows boot managers have it: RCDATA, a name, a language, four bytes. It
/// must be the `place`th section after the code, from 1.
pub fn security_version(place: usize, major: u16, minor: u16) -> Section<'static> {
    let name = "BOOTMGRSECURITYVERSIONNUMBER";
    let floor = |named: u16, numbered: u16, id: u32, at: u32| {
        let mut bytes = vec![0; 12];
        bytes.extend([named.to_le_bytes(), numbered.to_le_bytes()].concat());
        bytes.extend([id.to_le_bytes(), at.to_le_bytes()].concat());
        bytes
    };
    // Floors of 24 bytes at 0, 24 and 48, the leaf at 72, the data at 88, the name at 92.
    let mut bytes = floor(0, 1, 10, 0x8000_0000 | 24);
    bytes.extend(floor(1, 0, 0x8000_0000 | 92, 0x8000_0000 | 48));
    bytes.extend(floor(0, 1, 0x409, 72));
    let address = 0x10_0000 * (place + 1) + 88;
    bytes.extend([number(address), number(4), [0; 4], [0; 4]].concat());
    bytes.extend([minor.to_le_bytes(), major.to_le_bytes()].concat());
    bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    bytes.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
    (".rsrc", bytes)
}
