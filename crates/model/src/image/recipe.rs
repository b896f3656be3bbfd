//! How an image is started over the network, what that costs, and how sure we are.

use crate::client::{Arch, named};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Loaders that firmware with Secure Boot accepts, as files of the image itself.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignedChain {
    /// Path of shim, which the firmware loads.
    pub shim: String,
    /// Path of the GRUB that shim loads from its own directory.
    pub grub: String,
}

named! {
    /// What starts an image.
    #[derive(Default)]
    Way: "way to start" {
        /// A Linux kernel with initrds and arguments.
        #[default]
        Kernel = "kernel",
        /// An EFI application, perhaps with arguments.
        Program = "program",
        /// A kernel that is started like Xen, with modules.
        Multiboot = "multiboot",
        /// The disc as a drive of the firmware. A guess: it works as long as the system does not look
        /// for its own disc after its loader ran.
        Disc = "disc",
    }
}

named! {
    /// How sure the catalogue is of a row.
    Confidence: "confidence" {
        /// At least two sources agree, or it was tried.
        A = "a",
        /// One good source.
        B = "b",
        /// General knowledge only.
        C = "c",
    }
}

impl Confidence {
    /// What the grade means.
    pub fn words(self) -> &'static str {
        match self {
            Self::A => "A: two sources agree, or it was tried",
            Self::B => "B: one good source",
            Self::C => "C: general knowledge only",
        }
    }
}

/// How an image is started over the network.
///
/// In `args`, `initrd_args`, [`AnswerWay::argument`] and [`Text::text`] stand for what is known only
/// when a machine asks: `{B}` the URL below which the image's files are, without a `/` at its end;
/// `{S}` our server (`http://10.77.0.1`, perhaps with a port), `{I}` the URL of the disc itself, `{A}` that of the answer file, `{MAC-}` the boot MAC as
/// `01-52-54-…`. `{ANSWER}` in a [`Text`] is [`AnswerWay::argument`] for a machine that has an answer
/// file, and nothing for others; who uses the text does not add the argument to `args` as well.
///
/// Arguments are the kernel's line as it is to arrive there: whoever writes them into a script
/// quotes what that script would change (`;` in GRUB).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Row of the catalogue: `debian-di`, `linux` (bare kernel and initrd), `efi`, `files`.
    pub kind: String,
    /// What starts it.
    #[serde(default)]
    pub way: Way,
    /// Path of the kernel (or EFI application); none means that it cannot be booted, unless by
    /// [`Way::Disc`].
    pub kernel: Option<String>,
    /// Kernels of architectures that `kernel` is not for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<ArchKernel>,
    /// Paths of the initrds (or modules), in order.
    pub initrds: Vec<String>,
    /// What each of `initrds` is told, in the same order: modules of [`Way::Multiboot`] have
    /// arguments of their own. Those of the answer file belong to the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub initrd_args: Vec<String>,
    /// Under this path the disc itself is put beside the initrds, as a file of an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disc_as: Option<String>,
    /// Kernel arguments that the system needs to boot over the network.
    pub args: String,
    /// Files that we write, with their paths in the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<Text>,
    /// Its own signed loaders, if it has them.
    pub signed: Option<SignedChain>,
    /// How it takes answers, if it does.
    #[serde(default)]
    pub answer: Option<AnswerWay>,
    /// What it loads into memory beside kernel and initrds.
    #[serde(default)]
    pub loads: Loads,
    /// How sure we are that this is the way; none for what was described by hand.
    #[serde(default)]
    pub confidence: Option<Confidence>,
}

impl Recipe {
    /// The kernel for machines of this kind, if there is any.
    pub fn kernel_for(&self, arch: Arch) -> Option<&str> {
        let own = self.kernels.iter().find(|kernel| kernel.arch == arch);
        own.map(|kernel| kernel.path.as_str()).or(self.kernel.as_deref())
    }

    /// Whether there is anything to start.
    pub fn boots(&self) -> bool {
        self.kernel.is_some() || !self.kernels.is_empty() || self.way == Way::Disc
    }
}

/// The kernel of one architecture.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArchKernel {
    /// For which.
    pub arch: Arch,
    /// Path in the image.
    pub path: String,
}

/// A small file that we write for a machine in place of one of the image's.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Text {
    /// Path in the image.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// How an installer is told its answers.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerWay {
    /// `preseed`, `kickstart`, `autoinstall`, …
    pub format: String,
    /// The kernel arguments that point to it.
    pub argument: String,
}

/// What a system copies into memory beside its kernel and initrds.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Loads {
    /// Files of the image that it fetches whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// How often the whole disc is held in memory.
    #[serde(default)]
    pub discs: u8,
    /// MiB that it needs besides.
    #[serde(default)]
    pub more_mib: u32,
    /// A way that needs less, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub less: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_that_an_older_version_kept_is_read() {
        let kept =
            r#"{"kind":"linux","kernel":"linux","initrds":["initrd"],"args":"","signed":null}"#;
        let recipe: Recipe = serde_json::from_str(kept).unwrap();
        assert!(recipe.boots() && recipe.kernels.is_empty() && recipe.initrd_args.is_empty());
        // And what is empty is not written, so that an older version reads it too.
        assert!(!serde_json::to_string(&recipe).unwrap().contains("kernels"));
    }

    #[test]
    fn a_machine_gets_the_kernel_of_its_kind() {
        let bios = ArchKernel { arch: Arch::X86Bios, path: "x.bin".into() };
        let mut recipe = Recipe { kernels: vec![bios], ..Recipe::default() };
        assert_eq!(recipe.kernel_for(Arch::X64Uefi), None);
        recipe.kernel = Some("x.efi".into());
        assert_eq!(recipe.kernel_for(Arch::X64Uefi), Some("x.efi"));
        assert_eq!(recipe.kernel_for(Arch::X86Bios), Some("x.bin"));
    }
}
