//! Images and machines.

use super::moment;
use engine::{Engine, Forecast};
use model::access::Label;
use model::image::{AnswerWay, Confidence, DiscFile, SecureBoot, Wanted};
use model::setting::{Layer, Setting};
use model::{Channel, Hardware, HardwareAddress, Image, Life, Machine, Pin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One version of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageView {
    /// Name.
    pub name: String,
    /// Version.
    pub version: u32,
    /// In words.
    pub title: String,
    /// Architectures; empty is unknown.
    pub archs: Vec<String>,
    /// Whether there is a kernel or an EFI application to start.
    pub bootable: bool,
    /// Channels that show this version.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Whether it has loaders of its own that Secure Boot accepts.
    pub signed_chain: bool,
    /// Catalogue row: `debian-di`, `linux`, `efi`, `files`.
    pub kind: String,
    /// Path of the kernel.
    pub kernel: Option<String>,
    /// Paths of the initrds.
    pub initrds: Vec<String>,
    /// Arguments it needs.
    pub args: String,
    /// Why we think so.
    pub recognised_by: String,
    /// How sure the catalogue is of the way it boots.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// How it takes answers, if it does.
    #[serde(default)]
    pub answer: Option<AnswerWay>,
    /// About so many MiB of memory a machine needs to start it.
    #[serde(default)]
    pub memory_mib: Option<u64>,
    /// What takes that memory.
    #[serde(default)]
    pub memory_because: Vec<String>,
    /// The disc it was imported as.
    #[serde(default)]
    pub disc: Option<DiscFile>,
    /// Why its content may be believed, in words.
    #[serde(default)]
    pub trust: String,
    /// What Secure Boot says of it.
    #[serde(default)]
    pub secure_boot: SecureBoot,
    /// What else is worth knowing.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// Number of files.
    pub files: usize,
    /// When.
    pub imported: String,
    /// From where.
    pub source: String,
    /// Its files; only where one image is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<AssetView>,
}

/// One file of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssetView {
    /// Path inside the image.
    pub path: String,
    /// SHA-256; none for a file that is a part of a disc.
    pub sha256: Option<String>,
    /// Bytes.
    pub size: u64,
}

impl From<&Image> for ImageView {
    /// Without its files and channels; see [`ImageView::with_assets`] and [`ImageView::in_channels`].
    fn from(image: &Image) -> Self {
        let forecast = Forecast::of(image);
        Self {
            name: image.name.clone(),
            version: image.version,
            title: image.title.clone(),
            archs: image.archs.iter().map(ToString::to_string).collect(),
            bootable: image.recipe.boots(),
            signed_chain: image.recipe.signed.is_some(),
            kind: image.recipe.kind.clone(),
            kernel: image.recipe.kernel.clone(),
            initrds: image.recipe.initrds.clone(),
            args: image.recipe.args.clone(),
            channels: Vec::new(),
            recognised_by: image.recognised_by.clone(),
            confidence: image.recipe.confidence,
            answer: image.recipe.answer.clone(),
            memory_mib: forecast.as_ref().map(|forecast| forecast.mib),
            memory_because: forecast.map(in_words).unwrap_or_default(),
            disc: image.disc.clone(),
            trust: image.trust.to_string(),
            secure_boot: SecureBoot { files: Vec::new(), ..image.secure_boot.clone() },
            notes: image.notes.clone(),
            size: image.size(),
            files: image.assets.len(),
            imported: moment(image.imported),
            source: image.source.clone(),
            assets: Vec::new(),
        }
    }
}

/// What takes the memory, and the way that needs less.
fn in_words(forecast: Forecast) -> Vec<String> {
    let less = forecast.less.map(|less| format!("a way that needs less: {less}"));
    forecast.because.into_iter().chain(less).collect()
}

impl ImageView {
    /// With every file.
    pub fn with_assets(image: &Image) -> Self {
        let asset = |asset: &model::Asset| AssetView {
            path: asset.path.clone(),
            sha256: asset.runs.is_none().then(|| asset.sha256.to_string()),
            size: asset.size,
        };
        let secure_boot = image.secure_boot.clone();
        Self { assets: image.assets.iter().map(asset).collect(), secure_boot, ..Self::from(image) }
    }

    /// The same with the channels that show it.
    #[must_use]
    pub fn in_channels(mut self, engine: &Engine) -> Self {
        let shows = |channel: &Channel| {
            let shown = engine.image(&self.name, Wanted::Channel(*channel));
            shown.is_some_and(|image| image.version == self.version)
        };
        self.channels = [Channel::Stable, Channel::Test].into_iter().filter(shows).collect();
        self
    }
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MachineView {
    /// Hardware address.
    pub mac: String,
    /// Further addresses that it boots by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub macs: Vec<String>,
    /// Cards of it, by its report, that are filed as pending machines of their own; only where one
    /// machine is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub twins: Vec<String>,
    /// Given by an operator.
    pub name: Option<String>,
    /// `pending`, `approved`, `deploying`, `deployed`, `failed`, `blocked`, `retired`.
    pub state: Life,
    /// On the screen of a pending machine.
    pub code: String,
    /// UUID.
    pub uuid: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Architecture.
    pub arch: Option<String>,
    /// Firmware.
    pub firmware: Option<String>,
    /// Memory in MiB.
    pub memory_mib: Option<u64>,
    /// Option 60.
    pub vendor_class: Option<String>,
    /// Interface it was last heard on.
    pub network: String,
    /// Address it holds, if it has one of us.
    pub address: Option<String>,
    /// Addresses reserved for it; only where one machine is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<String>,
    /// Own profile.
    pub profile: Option<String>,
    /// DHCP options of its own, as `machine set --option` takes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// What templates are told about it alone.
    #[serde(default, skip_serializing_if = "Layer::is_empty")]
    pub settings: Layer,
    /// Which quirks an operator says it has or has not, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quirks: BTreeMap<String, Pin>,
    /// The operator's remarks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// What it is armed with or busy with; only where one machine is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// What it says of its parts; only where one machine is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware: Option<Hardware>,
    /// When it last said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware_reported: Option<String>,
    /// First heard.
    pub first_seen: String,
    /// Last heard.
    pub last_seen: String,
}

impl MachineView {
    /// A machine and the address it holds.
    pub fn new(machine: &Machine, address: Option<std::net::Ipv4Addr>) -> Self {
        Self {
            mac: machine.hardware.to_string(),
            macs: machine.also.iter().map(ToString::to_string).collect(),
            twins: Vec::new(),
            name: machine.name.clone(),
            state: machine.life(),
            code: machine.code(),
            uuid: machine.uuid.map(|u| u.to_string()),
            serial: machine.serial.clone(),
            arch: machine.arch.map(|a| a.to_string()),
            firmware: machine.firmware.map(|f| f.to_string()),
            memory_mib: machine.memory_mib,
            vendor_class: machine.vendor_class.clone(),
            network: machine.link.clone(),
            address: address.map(|a| a.to_string()),
            reservations: Vec::new(),
            profile: machine.profile.clone(),
            options: machine.options.iter().map(model::option::show).collect(),
            labels: machine.labels.clone().into(),
            settings: machine.settings.clone(),
            quirks: machine.quirks.iter().map(|(id, pin)| (quirk(id), *pin)).collect(),
            notes: machine.notes.clone(),
            deployment: None,
            hardware: None,
            hardware_reported: None,
            first_seen: moment(machine.first_seen),
            last_seen: moment(machine.last_seen),
        }
    }
}

/// Its name; the id of one that this version does not know.
fn quirk(id: &str) -> String {
    engine::quirks::named(id).map_or_else(|_| id.to_owned(), |quirk| quirk.name.clone())
}

impl MachineView {
    /// The same with what it says of its parts.
    #[must_use]
    pub fn with_hardware(self, hardware: Option<&Hardware>) -> Self {
        let reported = hardware.and_then(|hardware| hardware.reported).map(moment);
        let hardware = hardware.map(|hardware| Hardware { reported: None, ..hardware.clone() });
        Self { hardware, hardware_reported: reported, ..self }
    }
}

/// Which machines are listed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineSearch {
    /// Words that must all stand somewhere in what is known of it: name, MAC, UUID, serials, product,
    /// disks, labels.
    #[serde(default)]
    pub search: Option<String>,
    /// In this state.
    #[serde(default)]
    pub state: Option<Life>,
    /// With this label: `room=3`.
    #[serde(default)]
    pub label: Option<Label>,
    /// So many at most, and where the next page begins, in the header Link; all of them without it.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<usize>,
    /// Those behind this hardware address, in the order of addresses.
    #[serde(default)]
    pub after: Option<HardwareAddress>,
}

/// Changes what an operator says of a machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineWish {
    /// New name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Own profile; the empty text takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Labels to set; null takes one away.
    #[serde(default)]
    pub labels: BTreeMap<String, Option<String>>,
    /// Settings to set; null takes one away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Option<Setting>>,
    /// New remarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// Changes the DHCP options of one machine; they outrank those of its network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionsWish {
    /// To set: `ntp-servers=10.0.0.1`, `hex:` and `text:` as in the configuration file.
    #[serde(default)]
    pub set: Vec<String>,
    /// To take away: names or numbers.
    #[serde(default)]
    pub unset: Vec<String>,
}

/// Changes the further addresses of a machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressesWish {
    /// MACs that it has from now on.
    #[serde(default)]
    pub add: Vec<String>,
    /// MACs that it has no more.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// Makes one machine of two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeWish {
    /// Name, MAC, UUID or serial of the one that ends.
    pub other: String,
}

/// Approves, blocks or retires a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifeWish {
    /// The new state.
    pub state: Life,
}
