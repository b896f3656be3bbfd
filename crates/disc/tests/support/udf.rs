//! A small writer of UDF: the forms that no tool at hand makes, for tests alone.

use super::tags::seal;

/// How a file's bytes are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ads {
    Short,
    Long,
    Extended,
    Embedded,
}

/// A piece of a file.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'b> {
    Bytes(&'b [u8]),
    /// Allocated, never written.
    Unwritten(u32),
    /// Not even allocated.
    Hole(u32),
}

/// What is unusual about an ICB.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub kind: u8,
    pub ads: Ads,
    /// An extended file entry.
    pub extended: bool,
    /// Descriptors in the ICB before they go on elsewhere.
    pub split_after: Option<usize>,
    pub strategy: u16,
    pub hard: u16,
}

impl Form {
    pub fn file(ads: Ads) -> Self {
        Self { kind: 5, ads, extended: false, split_after: None, strategy: 4, hard: 1 }
    }

    pub fn directory() -> Self {
        Self { kind: 4, ..Self::file(Ads::Short) }
    }
}

/// An entry of a directory.
pub struct Named<'n> {
    pub name: &'n [u8],
    pub icb: u32,
    pub characteristics: u8,
}

pub fn named(name: &[u8], icb: u32) -> Named<'_> {
    Named { name, icb, characteristics: 0 }
}

pub fn directory(name: &[u8], icb: u32) -> Named<'_> {
    Named { name, icb, characteristics: 2 }
}

/// Where the anchor goes.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    At256,
    Last256,
    Last,
    /// In block 256, and in the last.
    Both,
}

pub struct Writer {
    pub block: usize,
    pub revision: u16,
    metadata: bool,
    /// The map that takes the place of the metadata partition's, for what is not read.
    pub strange_map: Option<&'static str>,
    pub volume: &'static [u8],
    start: usize,
    image: Vec<u8>,
    next_data: u32,
    next_meta: u32,
}

const EXTENT: u32 = 32;
const DATA: u32 = 256;
/// First blocks of the two halves of the metadata file, apart and the wrong way round.
const HALVES: [u32; 2] = [160, 64];

impl Writer {
    pub fn new(block: usize, revision: u16, metadata: bool) -> Self {
        let start = (65536 / block).max(40);
        let next_data = if metadata { DATA } else { 8 };
        let volume = b"\x08FIXTURE";
        let (strange_map, image, next_meta) = (None, vec![0; 16 * 2048], 1);
        Self { block, revision, metadata, strange_map, volume, start, image, next_data, next_meta }
    }

    fn partition(&self) -> u16 {
        u16::from(self.metadata)
    }

    fn tag(&self, id: u16, location: u32, mut bytes: Vec<u8>) -> Vec<u8> {
        let version: u16 = if self.revision >= 0x200 { 3 } else { 2 };
        bytes[0..2].copy_from_slice(&id.to_le_bytes());
        bytes[2..4].copy_from_slice(&version.to_le_bytes());
        let length = u16::try_from(bytes.len() - 16).unwrap();
        bytes[10..12].copy_from_slice(&length.to_le_bytes());
        bytes[12..16].copy_from_slice(&location.to_le_bytes());
        seal(&mut bytes);
        bytes
    }

    /// Writes bytes at a block of the image.
    fn put(&mut self, block: usize, bytes: &[u8]) {
        let at = block * self.block;
        if self.image.len() < at + bytes.len() {
            let blocks = (at + bytes.len()).div_ceil(self.block);
            self.image.resize(blocks * self.block, 0);
        }
        self.image[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn put_physical(&mut self, block: u32, bytes: &[u8]) {
        self.put(self.start + block as usize, bytes);
    }

    /// Where a block of the metadata partition (or of the only one) is in the first partition.
    fn physical(&self, block: u32) -> u32 {
        if !self.metadata {
            return block;
        }
        HALVES[(block / EXTENT) as usize] + block % EXTENT
    }

    fn put_meta(&mut self, block: u32, bytes: &[u8]) {
        let block = self.physical(block);
        self.put_physical(block, bytes);
    }

    /// A block for an ICB.
    pub fn reserve(&mut self) -> u32 {
        if !self.metadata {
            self.next_data += 1;
            return self.next_data - 1;
        }
        self.next_meta += 1;
        assert!(self.next_meta < 2 * EXTENT);
        self.next_meta - 1
    }

    pub fn data(&mut self, bytes: &[u8]) -> u32 {
        let at = self.next_data;
        self.put_physical(at, bytes);
        // A block apart, so that pieces do not touch.
        self.next_data += u32::try_from(bytes.len().div_ceil(self.block)).unwrap() + 1;
        at
    }

    fn ad(ads: Ads, length: u32, block: u32, partition: u16) -> Vec<u8> {
        let mut ad = length.to_le_bytes().to_vec();
        if ads == Ads::Extended {
            ad.extend((length & 0x3fff_ffff).to_le_bytes());
            ad.extend((length & 0x3fff_ffff).to_le_bytes());
        }
        ad.extend(block.to_le_bytes());
        if ads != Ads::Short {
            ad.extend(partition.to_le_bytes());
            ad.extend(vec![0; if ads == Ads::Long { 6 } else { 2 }]);
        }
        ad
    }

    /// Writes an ICB at a reserved block.
    pub fn icb(&mut self, at: u32, form: Form, pieces: &[Piece<'_>]) {
        // Short descriptors mean the ICB's own partition; data is in the first.
        let short_needs = form.ads == Ads::Short && self.metadata;
        let ads = if short_needs { Ads::Long } else { form.ads };
        let (mut size, mut list) = (0_u64, Vec::new());
        for piece in pieces {
            let (kind, length, block) = match *piece {
                Piece::Bytes(bytes) if ads == Ads::Embedded => {
                    list.push(bytes.to_vec());
                    size += bytes.len() as u64;
                    continue;
                }
                Piece::Bytes(bytes) => (0, u32::try_from(bytes.len()).unwrap(), self.data(bytes)),
                Piece::Unwritten(length) => (1, length, 7),
                Piece::Hole(length) => (2, length, 0),
            };
            size += u64::from(length);
            list.push(Self::ad(ads, kind << 30 | length, block, 0));
        }
        if let Some(first) = form.split_after {
            let rest = list.split_off(first.min(list.len()));
            let place = self.allocation_extent(&rest.concat());
            list.push(Self::ad(ads, 3 << 30 | u32::try_from(self.block).unwrap(), place, 0));
        }
        let written = self.entry(at, form, ads, size, &list.concat());
        self.put_meta(at, &written);
    }

    /// An allocation extent descriptor in the first partition.
    fn allocation_extent(&mut self, ads: &[u8]) -> u32 {
        let place = self.data(&[0]);
        let mut bytes = vec![0; 24];
        bytes[20..24].copy_from_slice(&u32::try_from(ads.len()).unwrap().to_le_bytes());
        bytes.extend(ads);
        let bytes = self.tag(258, place, bytes);
        self.put_physical(place, &bytes);
        place
    }

    fn entry(&self, at: u32, form: Form, ads: Ads, size: u64, list: &[u8]) -> Vec<u8> {
        let head = if form.extended { 216 } else { 176 };
        let mut bytes = vec![0; head];
        bytes[20..22].copy_from_slice(&form.strategy.to_le_bytes());
        bytes[24..26].copy_from_slice(&1_u16.to_le_bytes());
        bytes[27] = form.kind;
        let flags: u16 = match ads {
            Ads::Short => 0,
            Ads::Long => 1,
            Ads::Extended => 2,
            Ads::Embedded => 3,
        };
        bytes[34..36].copy_from_slice(&flags.to_le_bytes());
        bytes[44..48].copy_from_slice(&0x14a5_u32.to_le_bytes());
        bytes[48..50].copy_from_slice(&form.hard.to_le_bytes());
        bytes[56..64].copy_from_slice(&size.to_le_bytes());
        if form.extended {
            bytes[64..72].copy_from_slice(&size.to_le_bytes());
        }
        let modified = if form.extended { 92 } else { 84 };
        bytes[modified..modified + 12].copy_from_slice(&date());
        let identifier = if form.extended { 168 } else { 128 };
        bytes[identifier + 1..identifier + 11].copy_from_slice(b"*Bootwrigh");
        bytes[head - 4..].copy_from_slice(&u32::try_from(list.len()).unwrap().to_le_bytes());
        bytes.extend(list);
        assert!(bytes.len() <= self.block, "an ICB is a block");
        self.tag(if form.extended { 266 } else { 261 }, at, bytes)
    }

    /// Writes a directory at a reserved block: its parent, then the entries.
    pub fn directory(&mut self, at: u32, parent: u32, form: Form, entries: &[Named<'_>]) {
        let mut content = self.identifier(&Named { name: b"", icb: parent, characteristics: 10 });
        for entry in entries {
            content.extend(self.identifier(entry));
        }
        self.icb(at, form, &[Piece::Bytes(&content)]);
    }

    fn identifier(&self, entry: &Named<'_>) -> Vec<u8> {
        let mut bytes = vec![0; 38];
        bytes[16] = 1;
        bytes[18] = entry.characteristics;
        bytes[19] = u8::try_from(entry.name.len()).unwrap();
        let block = u32::try_from(self.block).unwrap();
        bytes[20..36].copy_from_slice(&Self::ad(Ads::Long, block, entry.icb, self.partition()));
        bytes.extend(entry.name);
        let padded = bytes.len().next_multiple_of(4);
        bytes.resize(padded, 0);
        self.tag(257, 0, bytes)
    }

    /// The whole image.
    pub fn finish(mut self, root: u32, anchor: Anchor) -> Vec<u8> {
        let nsr: &[u8] = if self.revision >= 0x200 { b"NSR03" } else { b"NSR02" };
        let step = self.block.max(2048);
        for (number, id) in [b"BEA01", nsr, b"TEA01"].into_iter().enumerate() {
            let mut sector = vec![0];
            sector.extend_from_slice(id);
            sector.push(1);
            let at = (32768 + number * step) / self.block;
            self.put(at, &sector);
        }
        self.file_set(root);
        if self.metadata {
            self.metadata_files();
        }
        self.volume_descriptors();
        self.anchor(anchor);
        self.image
    }

    fn file_set(&mut self, root: u32) {
        let mut bytes = vec![0; 512];
        bytes[16..28].copy_from_slice(&date());
        let block = u32::try_from(self.block).unwrap();
        bytes[400..416].copy_from_slice(&Self::ad(Ads::Long, block, root, self.partition()));
        domain(&mut bytes[416..448], b"*OSTA UDF Compliant", self.revision);
        let bytes = self.tag(256, 0, bytes);
        self.put_meta(0, &bytes);
    }

    fn metadata_files(&mut self) {
        let length = EXTENT * u32::try_from(self.block).unwrap();
        let list: Vec<u8> =
            HALVES.iter().flat_map(|b| Self::ad(Ads::Short, length, *b, 0)).collect();
        for (block, kind) in [(1, 250), (2, 251)] {
            let form = Form { kind, extended: true, ..Form::file(Ads::Short) };
            let entry = self.entry(block, form, Ads::Short, u64::from(length) * 2, &list);
            self.put_physical(block, &entry);
        }
        // Both halves are there to their end.
        for half in HALVES {
            self.put_physical(half + EXTENT - 1, &[0]);
        }
    }

    fn volume_descriptors(&mut self) {
        let first = self.first_descriptor();
        let mut primary = vec![0; 512];
        primary[24..56].copy_from_slice(&dstring(self.volume, 32));
        primary[72..200].copy_from_slice(&dstring(b"\x0812345678FIXTURE", 128));
        domain(&mut primary[344..376], b"*Application", 0);
        primary[376..388].copy_from_slice(&date());
        domain(&mut primary[388..420], b"*Bootwright test", 0);
        let mut logical = vec![0; 440];
        logical[84..212].copy_from_slice(&dstring(self.volume, 128));
        logical[212..216].copy_from_slice(&u32::try_from(self.block).unwrap().to_le_bytes());
        domain(&mut logical[216..248], b"*OSTA UDF Compliant", self.revision);
        let length = u32::try_from(self.block).unwrap();
        logical[248..264].copy_from_slice(&Self::ad(Ads::Long, length, 0, self.partition()));
        let maps = self.maps();
        logical[264..268].copy_from_slice(&u32::try_from(maps.len()).unwrap().to_le_bytes());
        let count = 1 + u32::from(self.metadata || self.strange_map.is_some());
        logical[268..272].copy_from_slice(&count.to_le_bytes());
        logical.extend(maps);
        let mut partition = vec![0; 512];
        partition[20] = 1;
        domain(
            &mut partition[24..56],
            if self.revision >= 0x200 { b"+NSR03" } else { b"+NSR02" },
            0,
        );
        partition[184] = 1;
        partition[188..192].copy_from_slice(&u32::try_from(self.start).unwrap().to_le_bytes());
        let blocks = u32::try_from(self.image.len() / self.block - self.start).unwrap();
        partition[192..196].copy_from_slice(&blocks.to_le_bytes());
        let all = [(1, primary), (6, logical), (5, partition), (8, vec![0; 512])];
        for (number, (id, mut bytes)) in all.into_iter().enumerate() {
            if id != 8 {
                bytes[16] = u8::try_from(number).unwrap();
            }
            let at = first + number;
            let bytes = self.tag(id, u32::try_from(at).unwrap(), bytes);
            self.put(at, &bytes);
        }
    }

    /// Before the partition, after the recognition sequence.
    fn first_descriptor(&self) -> usize {
        self.start - 16
    }

    fn maps(&self) -> Vec<u8> {
        let mut maps = vec![1, 6, 1, 0, 0, 0];
        let name = match (self.strange_map, self.metadata) {
            (Some(name), _) => name,
            (None, true) => "*UDF Metadata Partition",
            (None, false) => return maps,
        };
        let mut map = vec![0; 64];
        map[0] = 2;
        map[1] = 64;
        domain(&mut map[4..36], name.as_bytes(), self.revision);
        map[36] = 1;
        map[40..44].copy_from_slice(&1_u32.to_le_bytes());
        map[44..48].copy_from_slice(&2_u32.to_le_bytes());
        map[48..52].copy_from_slice(&u32::MAX.to_le_bytes());
        map[52..56].copy_from_slice(&EXTENT.to_le_bytes());
        map[56] = 1;
        maps.extend(map);
        maps
    }

    fn anchor(&mut self, anchor: Anchor) {
        if matches!(anchor, Anchor::At256 | Anchor::Both) {
            let taken = self.image.get(256 * self.block..257 * self.block).unwrap_or_default();
            assert!(taken.iter().all(|byte| *byte == 0), "block 256 is in use");
            self.anchor_at(256);
        }
        if !matches!(anchor, Anchor::At256) {
            self.anchor_at(self.image.len() / self.block);
        }
        if matches!(anchor, Anchor::Last256) {
            self.image.resize(self.image.len() + 256 * self.block, 0);
        }
    }

    fn anchor_at(&mut self, at: usize) {
        let mut bytes = vec![0; 512];
        let (length, first) = (16 * self.block, self.first_descriptor());
        for from in [16, 24] {
            bytes[from..from + 4].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
            bytes[from + 4..from + 8].copy_from_slice(&u32::try_from(first).unwrap().to_le_bytes());
        }
        let bytes = self.tag(2, u32::try_from(at).unwrap(), bytes);
        self.put(at, &bytes);
    }
}

fn dstring(text: &[u8], length: usize) -> Vec<u8> {
    let mut field = text.to_vec();
    field.resize(length, 0);
    field[length - 1] = u8::try_from(text.len()).unwrap();
    field
}

fn domain(field: &mut [u8], name: &[u8], revision: u16) {
    field[1..=name.len()].copy_from_slice(name);
    field[24..26].copy_from_slice(&revision.to_le_bytes());
}

fn date() -> [u8; 12] {
    [0, 0x10, 0xea, 0x07, 11, 26, 3, 40, 0, 0, 0, 0]
}

/// A disc with everything this writer can put on it; extended descriptors if asked for, which Linux
/// does not read.
pub fn everything(
    block: usize,
    revision: u16,
    metadata: bool,
    wide: bool,
    anchor: Anchor,
) -> Vec<u8> {
    let mut writer = Writer::new(block, revision, metadata);
    let (root, dir, deep) = (writer.reserve(), writer.reserve(), writer.reserve());
    let mut icb = |form: Form, pieces: &[Piece<'_>]| {
        let at = writer.reserve();
        writer.icb(at, form, pieces);
        at
    };
    let bytes = super::Chance::new(3).bytes(4096);
    let small = icb(Form::file(Ads::Embedded), &[Piece::Bytes(b"small")]);
    let pieces = [
        Piece::Bytes(&bytes),
        Piece::Unwritten(4096),
        Piece::Hole(4096),
        Piece::Bytes(&bytes[..1234]),
    ];
    let long = icb(Form { split_after: Some(1), ..Form::file(Ads::Long) }, &pieces);
    let short = icb(Form { extended: true, ..Form::file(Ads::Short) }, &pieces[..1]);
    let ads = if wide { Ads::Extended } else { Ads::Long };
    let wide = icb(Form { extended: true, ..Form::file(ads) }, &pieces);
    let link = icb(
        Form { kind: 12, ..Form::file(Ads::Embedded) },
        &[Piece::Bytes(b"\x03\0\0\0\x05\x03\0\0\x08lo")],
    );
    let embedded = Form { ads: Ads::Embedded, ..Form::directory() };
    writer.directory(deep, dir, embedded, &[named(b"\x08s", small), named(b"\x08w", wide)]);
    let inside = [directory(b"\x08deep", deep), named(b"\x08link", link)];
    writer.directory(dir, root, Form::directory(), &inside);
    let gone = Named { name: b"\xfe", icb: 3, characteristics: 4 };
    let all = [
        named(b"\x08long", long),
        named(b"\x10\0s\0h\0o", short),
        gone,
        directory(b"\x08dir", dir),
    ];
    writer.directory(root, root, Form::directory(), &all);
    writer.finish(root, anchor)
}
