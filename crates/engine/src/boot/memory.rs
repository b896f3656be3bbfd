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

impl Forecast {
    /// The forecast of an image; none if nothing of it is started.
    pub fn of(image: &Image) -> Option<Self> {
        let recipe = &image.recipe;
        if !recipe.boots() {
            return None;
        }
        let size = |path: &String| image.asset(path).map(|asset| asset.size);
        let mut because = Vec::new();
        let mut bytes = 0u64;
        let mut take = |what: String, size: u64| {
            because.push(what);
            bytes = bytes.saturating_add(size);
        };
        if let Some(kernel) = recipe.kernel.as_ref().and_then(size) {
            take(format!("kernel {}", show_bytes(kernel)), kernel);
        }
        for (path, size) in recipe.initrds.iter().filter_map(|path| Some((path, size(path)?))) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let what = format!("{name} {} and what it unpacks to", show_bytes(size));
            take(what, size.saturating_mul(1 + UNPACKED));
        }
        for (path, size) in recipe.loads.files.iter().filter_map(|path| Some((path, size(path)?))) {
            let name = path.rsplit('/').next().unwrap_or(path);
            take(format!("{name} {} whole", show_bytes(size)), size);
        }
        let disc = image.disc.as_ref().map_or(0, |disc| disc.size);
        let discs = u64::from(recipe.loads.discs);
        if discs > 0 && disc > 0 {
            let times = if discs == 1 { String::new() } else { format!(", {discs} times") };
            take(format!("the disc {}{times}", show_bytes(disc)), disc.saturating_mul(discs));
        }
        let more = u64::from(recipe.loads.more_mib);
        if more > 0 {
            take(format!("its installer or live system {more} MiB"), more.saturating_mul(MIB));
        }
        let mib = bytes.div_ceil(MIB).saturating_add(TO_RUN_MIB);
        let mib = mib.div_ceil(STEP_MIB).saturating_mul(STEP_MIB);
        Some(Self { mib, because, less: recipe.loads.less.clone() })
    }
}

impl Engine {
    /// A reason to worry, if the machine's memory is known and too small.
    pub(crate) fn little_memory(&self, client: &Client, boot: &Boot) -> Option<Reason> {
        let known = self.machines.get(&client.hardware).and_then(|machine| machine.memory_mib);
        let has_mib = client.memory_mib.or(known)?;
        let image = self.image(&boot.image, Wanted::Version(boot.version))?;
        let Forecast { mib, because, less } = Forecast::of(image)?;
        (has_mib < mib).then(|| Reason::LittleMemory {
            has_mib,
            needs_mib: mib,
            because: because.join(", "),
            less,
        })
    }
}
