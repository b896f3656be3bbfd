//! How much memory a boot takes before the system it starts has any for itself.
//!
//! In: an image. Out: a figure in MiB and what it is made of. Never: a promise; archives unpack to
//! what they unpack to, so every figure is called "about".

use crate::Engine;
use model::image::{Image, Wanted};
use model::plan::{Boot, Reason};
use model::{Client, event::show_bytes};

const MIB: u64 = 1 << 20;
/// What a kernel and its first programs take to run at all.
const TO_RUN_MIB: u64 = 192;
/// An initrd lies there packed and then unpacked; packed archives grow about so much.
const UNPACKED: u64 = 3;
/// Figures are rounded up to this.
const STEP_MIB: u64 = 64;

/// What booting an image takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Forecast {
    /// About so many MiB.
    pub mib: u64,
    /// What takes them, in words: "initrd.gz (38 MiB, unpacked about three times that)".
    pub because: Vec<String>,
    /// A way that needs less.
    pub less: Option<String>,
}

/// Something that takes memory.
enum Part<'i> {
    /// So many bytes.
    Kernel(u64),
    /// Its path, and its bytes as it is sent.
    Initrd(&'i str, u64),
    /// Its path, and its bytes.
    File(&'i str, u64),
    /// The bytes of a disc, and how many times it lies there.
    Discs(u64, u64),
    /// What the system itself wants, in MiB.
    System(u64),
}

impl Part<'_> {
    fn bytes(&self) -> u64 {
        match *self {
            Self::Kernel(size) | Self::File(_, size) => size,
            Self::Initrd(_, size) => size.saturating_mul(1 + UNPACKED),
            Self::Discs(size, times) => size.saturating_mul(times),
            Self::System(mib) => mib.saturating_mul(MIB),
        }
    }

    fn in_words(&self) -> String {
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        match *self {
            Self::Kernel(size) => format!("kernel {}", show_bytes(size)),
            Self::Initrd(path, size) => {
                format!("{} {} and what it unpacks to", name(path), show_bytes(size))
            }
            Self::File(path, size) => format!("{} {} whole", name(path), show_bytes(size)),
            Self::Discs(size, 1) => format!("the disc {}", show_bytes(size)),
            Self::Discs(size, times) => format!("the disc {}, {times} times", show_bytes(size)),
            Self::System(mib) => format!("its installer or live system {mib} MiB"),
        }
    }
}

/// What takes memory as an image is started.
fn parts(image: &Image) -> impl Iterator<Item = Part<'_>> {
    let recipe = &image.recipe;
    let size = |path: &String| image.asset(path).map(|asset| asset.size);
    let kernel = recipe.kernel.as_ref().and_then(size).map(Part::Kernel);
    let initrds =
        recipe.initrds.iter().filter_map(move |path| Some(Part::Initrd(path, size(path)?)));
    let loads = &recipe.loads;
    let files = loads.files.iter().filter_map(move |path| Some(Part::File(path, size(path)?)));
    let disc = image.disc.as_ref().map_or(0, |disc| disc.size);
    let discs = (loads.discs > 0 && disc > 0).then(|| Part::Discs(disc, loads.discs.into()));
    let system = (loads.more_mib > 0).then(|| Part::System(loads.more_mib.into()));
    kernel.into_iter().chain(initrds).chain(files).chain(discs).chain(system)
}

/// About so many MiB; none if nothing of the image is started.
pub(crate) fn needs_mib(image: &Image) -> Option<u64> {
    if !image.recipe.boots() {
        return None;
    }
    let bytes = parts(image).fold(0, |all: u64, part| all.saturating_add(part.bytes()));
    let mib = bytes.div_ceil(MIB).saturating_add(TO_RUN_MIB);
    Some(mib.div_ceil(STEP_MIB).saturating_mul(STEP_MIB))
}

impl Forecast {
    /// The forecast of an image; none if nothing of it is started.
    pub fn of(image: &Image) -> Option<Self> {
        let because = || parts(image).map(|part| part.in_words()).collect();
        let less = || image.recipe.loads.less.clone();
        needs_mib(image).map(|mib| Self { mib, because: because(), less: less() })
    }
}

impl Engine {
    /// A reason to worry, if the machine's memory is known and too small.
    pub(crate) fn little_memory(&self, client: &Client, boot: &Boot) -> Option<Reason> {
        let known = self.machines.get(&client.hardware).and_then(|machine| machine.memory_mib);
        let has_mib = client.memory_mib.or(known)?;
        // Nearly every machine has enough for anything, and nothing is looked up or put in words for it.
        if has_mib >= self.most_needed_mib {
            return None;
        }
        let image = self.image(&boot.image, Wanted::Version(boot.version))?;
        if has_mib >= needs_mib(image)? {
            return None;
        }
        let Forecast { mib: needs_mib, because, less } = Forecast::of(image)?;
        Some(Reason::LittleMemory { has_mib, needs_mib, because: because.join(", "), less })
    }
}
