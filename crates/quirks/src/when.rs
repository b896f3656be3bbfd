//! Whether a client looks like one that has a quirk.

use crate::standing::Facts;
use model::client::{IpxeFeatures, Stage};
use model::quirk::UuidForm;
use model::{Firmware, Seen};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a client must look like; all that is said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Option 60 begins with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Option 55 begins with these, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<u8>,
    /// Option 93 has one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub archs: Vec<u16>,
    /// Option 97: `absent`, `guid`, `odd`, or how the name of a board begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Option 77 is a `list` with lengths, or `bare` text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_class: Option<UserClass>,
    /// The maker of its card: `b8:27:eb`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub oui: Vec<String>,
    /// `hlen` is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware_length: Option<u8>,
    /// `htype` is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware_type: Option<u8>,
    /// It ends its own texts with a NUL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminates: Option<bool>,
    /// It is answered like this kind of firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<Firmware>,
    /// Which program asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Which>,
    /// Its iPXE tells what it can, and HTTP is not in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_http: Option<bool>,
    /// Another server gives the addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<bool>,
    /// It was seen to do this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// The two ways of option 77.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserClass {
    /// Text.
    Bare,
    /// RFC 3004.
    List,
}

/// Programs that are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The machine's own.
    Firmware,
    /// iPXE.
    Ipxe,
}

impl When {
    /// Whether all of it is so.
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let print = facts.print;
        let class = print.vendor_class.as_deref().unwrap_or_default();
        self.class.as_ref().is_none_or(|wanted| class.starts_with(wanted.as_str()))
            && print.parameters.starts_with(&self.parameters)
            && (self.archs.is_empty() || print.archs.iter().any(|a| self.archs.contains(a)))
            && self.uuid.as_ref().is_none_or(|wanted| is_form(&print.uuid, wanted))
            && self.user_class.is_none_or(|wanted| {
                print.user_class.is_some()
                    && print.user_class_list == matches!(wanted, UserClass::List)
            })
            && (self.oui.is_empty() || print.oui.is_some_and(|oui| self.made_by(oui)))
            && self.hardware_length.is_none_or(|wanted| print.hardware_length == wanted)
            && self.hardware_type.is_none_or(|wanted| print.hardware_type == wanted)
            && self.terminates.is_none_or(|wanted| print.terminates == wanted)
            && self.firmware.is_none_or(|wanted| facts.firmware == wanted)
            && self.stage.is_none_or(|wanted| is_stage(facts.stage, wanted))
            && self.without_http.is_none_or(|wanted| lacks_http(facts.stage) == wanted)
            && self.beside.is_none_or(|wanted| facts.beside == Some(wanted))
            && self.seen.is_none_or(|wanted| facts.seen.contains(&wanted))
    }

    fn made_by(&self, [a, b, c]: [u8; 3]) -> bool {
        let shown = format!("{a:02x}:{b:02x}:{c:02x}");
        self.oui.contains(&shown)
    }

    /// How it shows, in words, as what "it" is or does.
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        let mut say = |word: Option<String>| words.extend(word);
        say(self.seen.map(|seen| seen.words().to_owned()));
        say(self.class.as_ref().map(|class| format!("it says it is {class}")));
        say(self.firmware.map(|firmware| format!("its firmware is of kind {firmware}")));
        say(self.uuid.as_ref().map(|uuid| match uuid.as_str() {
            "absent" => "it sends no option 97".to_owned(),
            "guid" => "it sends option 97".to_owned(),
            "odd" => "its option 97 is no UUID".to_owned(),
            board => format!("its option 97 begins with {board}"),
        }));
        say((!self.oui.is_empty()).then(|| "its card is of a maker of such boards".to_owned()));
        say(list(&self.archs).map(|codes| format!("it says architecture {codes}")));
        say(list(&self.parameters).map(|codes| format!("it asks for options {codes} first")));
        say(self.user_class.map(|class| match class {
            UserClass::Bare => "its user class is bare text".to_owned(),
            UserClass::List => "its user class is a list".to_owned(),
        }));
        say(self.hardware_type.map(|kind| format!("its hardware is of type {kind}")));
        say(self.hardware_length.map(|length| format!("its hardware address has {length} bytes")));
        say(self.terminates.map(|does| match does {
            true => "it ends its own name with a NUL".to_owned(),
            false => "it ends its own name without a NUL".to_owned(),
        }));
        say(self.without_http.map(|without| match without {
            true => "this iPXE was built without HTTP".to_owned(),
            false => "this iPXE has HTTP".to_owned(),
        }));
        // That firmware has a quirk of firmware goes without saying.
        let ipxe = self.stage == Some(Which::Ipxe);
        say(ipxe.then(|| "iPXE asks".to_owned()));
        say(self.beside.map(|beside| match beside {
            true => "another server gives the addresses".to_owned(),
            false => "we give the addresses".to_owned(),
        }));
        words.join(" and ")
    }
}

fn list<T: ToString>(numbers: &[T]) -> Option<String> {
    let all: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| all.join(","))
}

fn is_form(uuid: &UuidForm, wanted: &str) -> bool {
    match (uuid, wanted) {
        (UuidForm::Absent, "absent") | (UuidForm::Guid, "guid") | (UuidForm::Odd(_), "odd") => true,
        (UuidForm::Board(name), wanted) => name.starts_with(wanted),
        _ => false,
    }
}

fn is_stage(stage: &Stage, wanted: Which) -> bool {
    match wanted {
        Which::Firmware => *stage == Stage::Firmware,
        Which::Ipxe => matches!(stage, Stage::Ipxe(_)),
    }
}

fn lacks_http(stage: &Stage) -> bool {
    matches!(stage, Stage::Ipxe(IpxeFeatures { http: false, told: true, .. }))
}
