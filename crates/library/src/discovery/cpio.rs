//! An initrd as the kernel unpacks it: "newc" cpio, as initramfs/buffer-format of its documentation
//! says.
//!
//! In: names and bytes. Out: the archive. Never: an owner but root, a moment: the same files make the
//! same bytes.

/// What follows the magic: thirteen numbers of eight hexadecimal digits.
struct Header {
    inode: u32,
    mode: u32,
    links: u32,
    size: u32,
    device: (u32, u32),
}

/// Type bits of a mode.
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const CHARACTER_DEVICE: u32 = 0o020_000;
/// Ends an archive.
const TRAILER: &str = "TRAILER!!!";

/// An archive that grows.
pub(super) struct Archive {
    bytes: Vec<u8>,
    inode: u32,
}

impl Archive {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), inode: 0 }
    }

    /// A folder. Those above it must be there.
    pub(super) fn folder(&mut self, path: &str) {
        self.entry(path, FOLDER | 0o755, (0, 0), &[]);
    }

    /// A file.
    pub(super) fn file(&mut self, path: &str, permissions: u32, bytes: &[u8]) {
        self.entry(path, FILE | permissions, (0, 0), bytes);
    }

    /// The console, which the kernel opens before it starts the first program.
    pub(super) fn console(&mut self, path: &str) {
        self.entry(path, CHARACTER_DEVICE | 0o600, (5, 1), &[]);
    }

    /// All of it.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry(TRAILER, 0, (0, 0), &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), bytes: &[u8]) {
        self.inode += 1;
        let links = if mode & FOLDER != 0 { 2 } else { 1 };
        // Modules and the program have limits far below this.
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let header = Header { inode: self.inode, mode, links, size, device };
        self.bytes.extend(header.written(path).as_bytes());
        self.bytes.extend(path.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend(bytes);
        self.align();
    }

    fn align(&mut self) {
        let length = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(length, 0);
    }
}

impl Header {
    fn written(&self, path: &str) -> String {
        let name_size = u32::try_from(path.len() + 1).unwrap_or(u32::MAX);
        let (major, minor) = self.device;
        let fields = [
            self.inode, self.mode, 0, 0, self.links, 0, self.size, 0, 0, major, minor, name_size, 0,
        ];
        let digits: Vec<String> = fields.iter().map(|field| format!("{field:08x}")).collect();
        format!("070701{}", digits.concat())
    }
}
