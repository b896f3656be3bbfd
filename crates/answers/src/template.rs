//! Templates: a name, the format of what they make, and their text.
//!
//! In: text of an operator or of ours. Out: a template whose name and size are fit. Never: a check
//! of its grammar; that is the engine's, when it renders.

use crate::error::{AnswerError, Why};
use crate::limits::Limits;
use crate::marks;

/// How a value is written so that its target reads it as that value and nothing else.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Escape {
    /// POSIX shell: one word in single quotes.
    Shell,
    /// Kickstart commands: the same, within one line (pykickstart splits with Python's `shlex`).
    Kickstart,
    /// debconf preseeding: the rest of a line, as it is.
    Preseed,
    /// YAML: a scalar in double quotes, or a flow sequence of them.
    Yaml,
    /// JSON: a whole value.
    Json,
    /// XML: text or the value of an attribute.
    Xml,
    /// INI: the rest of a line behind `=`.
    Ini,
    /// iPXE scripts: arguments, as they are.
    Ipxe,
}

impl Escape {
    /// The word by which the engine knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Kickstart => "kickstart",
            Self::Preseed => "preseed",
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Ini => "ini",
            Self::Ipxe => "ipxe",
        }
    }

    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Shell,
        Self::Kickstart,
        Self::Preseed,
        Self::Yaml,
        Self::Json,
        Self::Xml,
        Self::Ini,
        Self::Ipxe,
    ];

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|escape| escape.name() == name)
    }
}

/// What a template makes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Format {
    /// debconf preseeding of the Debian installer.
    Preseed,
    /// Kickstart of Anaconda.
    Kickstart,
    /// NoCloud `user-data`: Ubuntu's autoinstall, or any cloud-config.
    UserData,
    /// NoCloud `meta-data`.
    MetaData,
    /// NoCloud `vendor-data`.
    VendorData,
    /// NoCloud `network-config`, version 2.
    NetworkConfig,
    /// AutoYaST profile.
    AutoYast,
    /// Agama profile, the plain JSON form.
    Agama,
    /// Ignition configuration, specification 3.
    Ignition,
    /// Answers of Alpine's `setup-alpine -f`.
    Alpine,
    /// Windows Setup.
    Autounattend,
    /// A shell script, also as a part of the others (`text_of`).
    Shell,
    /// An iPXE script.
    Ipxe,
    /// An INI file.
    Ini,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Preseed,
        Self::Kickstart,
        Self::UserData,
        Self::MetaData,
        Self::VendorData,
        Self::NetworkConfig,
        Self::AutoYast,
        Self::Agama,
        Self::Ignition,
        Self::Alpine,
        Self::Autounattend,
        Self::Shell,
        Self::Ipxe,
        Self::Ini,
    ];

    /// The name in commands, and the ending of a template's name that says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preseed => "preseed",
            Self::Kickstart => "ks",
            Self::UserData => "user-data",
            Self::MetaData => "meta-data",
            Self::VendorData => "vendor-data",
            Self::NetworkConfig => "network-config",
            Self::AutoYast => "autoyast",
            Self::Agama => "agama",
            Self::Ignition => "ignition",
            Self::Alpine => "answers",
            Self::Autounattend => "autounattend",
            Self::Shell => "sh",
            Self::Ipxe => "ipxe",
            Self::Ini => "ini",
        }
    }

    /// The format that the name of a template ends with: `debian.preseed`.
    pub fn of_name(name: &str) -> Option<Self> {
        let ending = name.rsplit_once('.')?.1;
        Self::ALL.into_iter().find(|format| format.name() == ending)
    }

    /// How values are written in it.
    pub fn escape(self) -> Escape {
        match self {
            Self::Preseed => Escape::Preseed,
            Self::Kickstart => Escape::Kickstart,
            Self::UserData | Self::MetaData | Self::VendorData | Self::NetworkConfig => {
                Escape::Yaml
            }
            Self::AutoYast | Self::Autounattend => Escape::Xml,
            Self::Agama | Self::Ignition => Escape::Json,
            Self::Alpine | Self::Shell => Escape::Shell,
            Self::Ipxe => Escape::Ipxe,
            Self::Ini => Escape::Ini,
        }
    }

    /// The name under which an installer fetches it, if it fetches one by name.
    pub fn file_name(self) -> Option<&'static str> {
        Some(match self {
            Self::Preseed => "preseed.cfg",
            Self::Kickstart => "ks.cfg",
            Self::UserData => "user-data",
            Self::MetaData => "meta-data",
            Self::VendorData => "vendor-data",
            Self::NetworkConfig => "network-config",
            Self::AutoYast => "autoinst.xml",
            Self::Agama => "autoinst.json",
            Self::Ignition => "config.ign",
            Self::Alpine => "answers",
            Self::Autounattend => "autounattend.xml",
            Self::Shell | Self::Ipxe | Self::Ini => return None,
        })
    }
}

/// A template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template {
    name: String,
    format: Format,
    text: String,
}

/// Longest name of a template, in bytes.
const NAME_BYTES_MAX: usize = 128;

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|format| format.name()).collect();
            let shown = model::text::show(text.as_bytes());
            format!("`{shown}` is no format of a template: write one of {}", all.join(", "))
        })
    }
}

impl Template {
    /// A template by a name of letters, digits, `.`, `_`, `-` and `/`.
    pub fn new(name: &str, format: Format, text: &str) -> Result<Self, AnswerError> {
        let fit = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(fit) {
            return Err(AnswerError::new(
                &model::text::show(name.as_bytes()),
                Why::Refused(format!(
                    "a template's name is 1 to {NAME_BYTES_MAX} letters, digits, `.`, `_`, `-` and `/`"
                )),
            ));
        }
        let most = Limits::default().template_bytes_max;
        if text.len() > most {
            let why = Why::TooMuch { limit: "template_bytes_max", most: most as u64 };
            return Err(AnswerError::new(name, why));
        }
        if let Some(line) = marks::line_with_a_mark(text) {
            let why =
                "the template holds a character from U+FDD0 to U+FDEF, which no text may hold";
            return Err(AnswerError::new(name, Why::Refused(why.into())).at(line, None));
        }
        Ok(Self { name: name.into(), format, text: text.into() })
    }

    /// By which name others include it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it makes.
    pub fn format(&self) -> Format {
        self.format
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}
