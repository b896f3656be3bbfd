//! What services do otherwise than DSP0266 and DSP0268 say, by maker.
//!
//! In: the service root and the system as they came. Out: the maker, and what to mind. Never: a
//! request.
//!
//! What a service shows by itself needs no line here: sessions that are not offered, a settings
//! resource that takes the boot override, ETags that must be sent back, allowable values. Nothing
//! in this table was tried on the hardware itself: each line says where it was read.

use super::json;
use serde_json::Value;

/// Who made the BMC's firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// Dell iDRAC.
    Dell,
    /// HPE iLO.
    Hpe,
    /// Supermicro.
    Supermicro,
    /// Lenovo XCC.
    Lenovo,
    /// AMI MegaRAC, on boards of ASRock Rack, Gigabyte, Lenovo (AMD) and others.
    Ami,
    /// OpenBMC's bmcweb.
    OpenBmc,
    /// Somebody else: by the standard.
    Other,
}

/// When `BootSourceOverrideMode` is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendMode {
    /// If it is asked for and is another than now.
    IfOther,
    /// Always, as it is now if nothing is asked for.
    Always,
    /// Never: it is not writable.
    Never,
}

/// What to mind with one maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quirks {
    pub(super) maker: Maker,
    pub(super) mode: SendMode,
    /// Why `HttpBootUri` cannot be used even where it is shown, and what takes its place.
    pub(super) no_boot_uri: Option<&'static str>,
    /// Where the boot override is set, below the system, if the service says by a message that it
    /// is not there, and has no link to it.
    pub(super) settings: Option<&'static str>,
}

const STANDARD: Quirks =
    Quirks { maker: Maker::Other, mode: SendMode::IfOther, no_boot_uri: None, settings: None };

/// The table.
const TABLE: [Quirks; 7] = [
    // iDRAC 8 to 10 have no HttpBootUri; the URL is the BIOS attribute HttpDev1Uri and others of
    // its kind (bmc-toolbox/bmclib#463, dsx-ai-factory/libredfish#75). iDRAC 10 takes the override
    // at the settings resource, iDRAC 9 at the system, and shows in the settings only the mode
    // (bmclib providers/dell/boot.go, stmcginnis/gofish#511): boot.rs goes by what is shown. A mode
    // that is set there becomes a BIOS job, so it is only sent if it is another.
    Quirks {
        maker: Maker::Dell,
        no_boot_uri: Some(
            "iDRAC keeps the URL in the BIOS attribute HttpDev1Uri; set it there once, or let DHCP \
             give the URL",
        ),
        ..STANDARD
    },
    // BootSourceOverrideMode is refused, even with the value it has (ansible-collections/
    // community.general#3509, #3581). HttpBootUri is shown and not writable; the URL is the BIOS
    // attribute UrlBootFile. Some iLO 6 refuse the whole override with UnsupportedOperation
    // (dsx-ai-factory/libredfish#76). Session URLs are absolute: place.rs takes the path.
    Quirks {
        maker: Maker::Hpe,
        mode: SendMode::Never,
        no_boot_uri: Some(
            "iLO shows HttpBootUri but does not take it; set the BIOS attribute UrlBootFile once, \
             or let DHCP give the URL",
        ),
        ..STANDARD
    },
    // A mode that is not sent falls back to the default, which may be BIOS (DMTF/Redfishtool#106).
    Quirks { maker: Maker::Supermicro, mode: SendMode::Always, ..STANDARD },
    // PATCH without If-Match is refused (fwupd/fwupd#6347, ansible-collections/community.general
    // #11261): boot.rs always sends the ETag it read.
    Quirks { maker: Maker::Lenovo, ..STANDARD },
    // If-Match is demanded (stmcginnis/gofish#171), and the override is set at Systems/Self/SD, with
    // the message OperationSupportedInFutureStateURI elsewhere (DMTF/Redfish-Tacklebox#111, #144).
    // Gigabyte's weak ETags matched in no spelling for a while (community.general#6434).
    Quirks { maker: Maker::Ami, settings: Some("SD"), ..STANDARD },
    // Builds of IBM have no boot override at all (ibm-openbmc/bmcweb#939) and list allowed resets in
    // an ActionInfo (ibm-openbmc/bmcweb#522): both are seen, and said.
    Quirks { maker: Maker::OpenBmc, ..STANDARD },
    STANDARD,
];

/// Who made this service, and what to mind.
pub(super) fn of(root: &Value, system: &Value) -> Quirks {
    let maker = maker(root, system);
    TABLE.into_iter().find(|line| line.maker == maker).unwrap_or(STANDARD)
}

/// The service says who made it (`Vendor`, or its key under `Oem`); who made the machine counts
/// only where it does not: Lenovo's AMD machines have a service of AMI's.
fn maker(root: &Value, system: &Value) -> Maker {
    let oem = root.pointer("/Oem").and_then(Value::as_object);
    let oem = oem.into_iter().flat_map(|map| map.keys()).map(String::as_str);
    let service = json::text(root, "/Vendor").into_iter().chain(oem);
    let service = service.chain(json::text(root, "/Product"));
    let machine = json::text(system, "/Manufacturer").into_iter();
    service.chain(machine).find_map(named).unwrap_or(Maker::Other)
}

fn named(word: &str) -> Option<Maker> {
    let word = word.to_ascii_lowercase();
    let is = |name| word == name || word.starts_with(&format!("{name} "));
    Some(match () {
        () if is("ami") || is("american megatrends") => Maker::Ami,
        () if is("dell") => Maker::Dell,
        () if is("hpe") || is("hp") || is("hewlett packard") || is("ilo") => Maker::Hpe,
        () if is("supermicro") || is("super micro") => Maker::Supermicro,
        () if is("lenovo") => Maker::Lenovo,
        () if is("openbmc") => Maker::OpenBmc,
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_service_says_who_made_it_before_the_machine_does() {
        let none = || json!({});
        for (root, system, made) in [
            (json!({ "Vendor": "Dell" }), none(), Maker::Dell),
            (json!({ "Oem": { "Dell": {} } }), json!({ "Manufacturer": "Dell Inc." }), Maker::Dell),
            (json!({ "Oem": { "Hpe": {} } }), none(), Maker::Hpe),
            (json!({ "Oem": { "Supermicro": {} } }), none(), Maker::Supermicro),
            (json!({ "Oem": { "Ami": {} } }), json!({ "Manufacturer": "Lenovo" }), Maker::Ami),
            (json!({ "Vendor": "AMI" }), json!({ "Manufacturer": "Dell Inc." }), Maker::Ami),
            (json!({ "Vendor": "Lenovo" }), none(), Maker::Lenovo),
            (none(), json!({ "Manufacturer": "Super Micro Computer" }), Maker::Supermicro),
            (none(), json!({ "Manufacturer": "HPE" }), Maker::Hpe),
            (json!({ "Vendor": "OpenBMC" }), none(), Maker::OpenBmc),
            (json!({ "Vendor": 7, "Oem": [] }), json!({ "Manufacturer": "Amiga" }), Maker::Other),
        ] {
            assert_eq!(of(&root, &system).maker, made, "{root} {system}");
        }
    }

    #[test]
    fn every_maker_has_one_line() {
        for line in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.maker == line.maker).count(), 1);
        }
    }
}
