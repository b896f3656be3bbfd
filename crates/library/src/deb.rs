//! A Debian package, read without unpacking it: its name and version, and the files somebody wants.
//!
//! In: a reader of the `.deb` (deb(5)): an `ar` archive of `debian-binary`, `control.tar.*` and
//! `data.tar.*`, packed with gzip, xz or zstd. Out: the bytes of the wanted files. Never: a file on
//! disk, more memory than the limits below, a path taken for more than a label.

use crate::dpkg::{self, Package};
use std::io::{self, BufReader, Read};

/// Entries in one archive.
const ENTRIES_MAX: usize = 100_000;
/// Bytes that may come out of one packed archive.
const UNPACKED_MAX: u64 = 2 << 30;
/// Bytes of one path, as GNU tar writes long ones.
const PATH_MAX: u64 = 4096;
/// Bytes of the control file.
const CONTROL_MAX: u64 = 64 << 10;
/// Members of the outer archive; there are three, four when signed.
const MEMBERS_MAX: usize = 16;
/// Memory that unpacking xz may take: what `xz -9` needs.
const XZ_MEMORY_MAX: u64 = 80 << 20;
/// The largest window of zstd, as its own tools allow by default (2^27 bytes).
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// What a `.deb` holds of what was wanted.
#[derive(Debug, Default)]
pub(crate) struct Deb {
    pub package: Package,
    /// Absolute paths and their bytes.
    pub files: Vec<(String, Vec<u8>)>,
}

/// What is wanted of a package.
pub(crate) struct Wanted<'a> {
    /// Whether a path is of interest.
    pub path: &'a dyn Fn(&str) -> bool,
    /// Bytes of one file; larger ones are passed over.
    pub file_max: u64,
    /// Bytes of all of them.
    pub total_max: u64,
}

/// Reads a package. The error is a sentence's end: "... is no package we can read: {error}".
pub(crate) fn read(reader: impl Read, wanted: &Wanted<'_>) -> io::Result<Deb> {
    let mut reader = BufReader::new(reader);
    let mut magic = [0; 8];
    reader.read_exact(&mut magic)?;
    if magic != *b"!<arch>\n" {
        return Err(wrong("it does not begin as a .deb does"));
    }
    let mut deb = Deb::default();
    for _ in 0..MEMBERS_MAX {
        let Some((name, size)) = member(&mut reader)? else { break };
        let mut body = (&mut reader).take(size);
        if name.starts_with("control.tar") {
            control(unpacked(&name, &mut body)?, &mut deb)?;
        } else if name.starts_with("data.tar") {
            data(unpacked(&name, &mut body)?, wanted, &mut deb)?;
            return Ok(deb);
        }
        // What was not needed, and the byte that keeps members at even places.
        let left = body.limit() + size % 2;
        io::copy(&mut (&mut reader).take(left), &mut io::sink())?;
    }
    Err(wrong("it has no data.tar"))
}

/// The header of the next member (ar(5)): name and size.
fn member(reader: &mut impl Read) -> io::Result<Option<(String, u64)>> {
    let mut header = Vec::with_capacity(60);
    reader.take(60).read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(None);
    }
    let field = |from: usize, to: usize| {
        let bytes = header.get(from..to).ok_or_else(|| wrong("it is cut short"))?;
        let text =
            std::str::from_utf8(bytes).map_err(|_| wrong("a member has no readable name"))?;
        Ok::<_, io::Error>(text.trim_end().trim_end_matches('/').to_owned())
    };
    if field(58, 60)? != "`" {
        return Err(wrong("a member has no header"));
    }
    let size = field(48, 58)?.parse().map_err(|_| wrong("a member has no size"))?;
    Ok(Some((field(0, 16)?, size)))
}

fn unpacked<'a>(name: &str, body: &'a mut dyn Read) -> io::Result<Box<dyn Read + 'a>> {
    let reader: Box<dyn Read + 'a> = match name.rsplit('.').next() {
        Some("tar") => Box::new(body),
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(body)),
        Some("xz") => {
            let stream = liblzma::stream::Stream::new_stream_decoder(
                XZ_MEMORY_MAX,
                liblzma::stream::CONCATENATED,
            );
            Box::new(liblzma::read::XzDecoder::new_stream(body, stream.map_err(io::Error::other)?))
        }
        Some("zst") => {
            let mut decoder = zstd::Decoder::new(body)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Box::new(decoder)
        }
        _ => return Err(wrong("it is packed neither with gz nor with xz nor with zst")),
    };
    Ok(Box::new(reader.take(UNPACKED_MAX)))
}

fn control(reader: Box<dyn Read + '_>, deb: &mut Deb) -> io::Result<()> {
    each_file(reader, &mut |path, _, body| {
        if path == "/control" {
            let mut text = Vec::new();
            body.take(CONTROL_MAX).read_to_end(&mut text)?;
            deb.package = dpkg::control(&String::from_utf8_lossy(&text));
        }
        Ok(())
    })
}

fn data(reader: Box<dyn Read + '_>, wanted: &Wanted<'_>, deb: &mut Deb) -> io::Result<()> {
    let mut total = 0;
    each_file(reader, &mut |path, size, body| {
        if size > wanted.file_max || !(wanted.path)(path) {
            return Ok(());
        }
        total += size;
        if total > wanted.total_max {
            return Err(wrong("what is wanted of it is larger than in any package we know"));
        }
        // Grows with what really comes, not with what the header promises.
        let mut bytes = Vec::new();
        body.take(size).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != size {
            return Err(wrong("it is cut short"));
        }
        deb.files.push((path.to_owned(), bytes));
        Ok(())
    })
}

type OnFile<'a> = dyn FnMut(&str, u64, &mut dyn Read) -> io::Result<()> + 'a;

/// Every plain file of a tar archive with its absolute path. Headers are taken raw, since the
/// comfortable way holds a long name in memory whatever length it claims.
fn each_file(reader: Box<dyn Read + '_>, on_file: &mut OnFile<'_>) -> io::Result<()> {
    let mut archive = tar::Archive::new(reader);
    let mut long = None;
    for (number, entry) in archive.entries()?.raw(true).enumerate() {
        if number >= ENTRIES_MAX {
            return Err(wrong("it has more entries than any package we know"));
        }
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        let size = entry.header().entry_size()?;
        if kind.is_gnu_longname() {
            let mut name = Vec::new();
            (&mut entry).take(PATH_MAX).read_to_end(&mut name)?;
            name.retain(|byte| *byte != 0);
            long = Some(name);
            continue;
        }
        let name = long.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
        if kind.is_file() {
            let name = String::from_utf8_lossy(&name);
            let path = format!("/{}", name.trim_start_matches("./").trim_start_matches('/'));
            on_file(&path, size, &mut entry)?;
        }
    }
    Ok(())
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
