//! The machine behind a BMC: which of its systems it is, and what is said of it.
//!
//! In: resources of a visit. Out: one system, and its facts. Never: a guess which system is meant.

use super::visit::{Resource, Visit};
use super::{RedfishError, json};
use crate::switch::PowerState;
use model::text::show;
use model::{HardwareAddress, Uuid};
use serde_json::Value;

/// Most systems behind one BMC (chassis with several nodes).
const SYSTEMS_MAX: usize = 64;
/// Most network cards that are read.
const NICS_MAX: usize = 32;
/// Most pages of a collection.
const PAGES_MAX: usize = 16;
/// More memory than this in GiB is no fact but a fault.
const MEMORY_GIB_MAX: f64 = 1e9;

/// Which of a BMC's systems a machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The only one; with several it is an error.
    Only,
    /// The one with this `Id`.
    Id(String),
    /// The one with this UUID, in either byte order of its first three fields: services show both
    /// (iDRAC's own `UUID` and `smbiosGUID`).
    Uuid(Uuid),
    /// The one with this serial number. `SKU` counts too: that is where iDRAC shows the service
    /// tag, which SMBIOS and firmware call the serial number.
    Serial(String),
}

/// What a BMC says of its machine. What it does not say is none, not zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Its `Id` at this BMC.
    pub id: String,
    /// Whether it is on.
    pub power: PowerState,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its order number; at Dell, the service tag.
    pub sku: Option<String>,
    /// Its UUID, as the service writes it.
    pub uuid: Option<Uuid>,
    /// The version of its firmware.
    pub bios_version: Option<String>,
    /// Its memory in MiB.
    pub memory_mib: Option<u64>,
    /// Its processors.
    pub processors: Processors,
    /// Its Secure Boot, if the service tells of it.
    pub secure_boot: Option<SecureBoot>,
    /// Its network cards.
    pub nics: Vec<Nic>,
    /// The changes of power that it lists as allowed; none if it lists nothing.
    pub turns: Option<Vec<String>>,
    /// The boot sources that it lists as allowed; none if it lists nothing.
    pub targets: Option<Vec<String>>,
    /// What could not be read, in words.
    pub missing: Vec<String>,
}

/// The processors of a machine (`ProcessorSummary`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processors {
    /// How many.
    pub count: Option<u64>,
    /// Cores of all together.
    pub cores: Option<u64>,
    /// Threads of all together.
    pub threads: Option<u64>,
    /// What they are.
    pub model: Option<String>,
}

/// Secure Boot of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecureBoot {
    /// Whether it is set for the next boot (`SecureBootEnable`).
    pub enabled: Option<bool>,
    /// Whether it was in force at the last boot (`SecureBootCurrentBoot`).
    pub in_force: Option<bool>,
    /// `UserMode`, `SetupMode`, `AuditMode` or `DeployedMode`.
    pub mode: Option<String>,
}

/// A network card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Its `Id`.
    pub id: String,
    /// Its address now.
    pub mac: Option<HardwareAddress>,
    /// The address it was made with.
    pub permanent: Option<HardwareAddress>,
}

/// Finds the system that is meant.
pub(super) async fn find(visit: &mut Visit, which: &Which) -> Result<Resource, RedfishError> {
    let systems = json::link(&visit.root, "/Systems");
    let systems = systems.unwrap_or_else(|| "/redfish/v1/Systems".to_owned());
    let members = members(visit, &systems, SYSTEMS_MAX).await?;
    let unclear = |visit: &Visit, why: String| RedfishError::System {
        bmc: visit.bmc(),
        why: visit.strike(&why),
    };
    if *which == Which::Only {
        return match members.as_slice() {
            [one] => visit.get(one).await,
            [] => Err(unclear(visit, "has no system behind it; is its chassis empty?".to_owned())),
            many => {
                let names: Vec<String> =
                    many.iter().map(|path| show(last(path).as_bytes())).collect();
                let why = format!(
                    "has {} systems behind it ({}); say which by id, UUID or serial number",
                    many.len(),
                    names.join(", ")
                );
                Err(unclear(visit, why))
            }
        };
    }
    let mut seen = Vec::new();
    for path in &members {
        match visit.get(path).await {
            Ok(system) if is(which, &system) => return Ok(system),
            Ok(system) => seen.push(said_of(&system)),
            // One broken node does not hide the others.
            Err(RedfishError::Refused { said, .. }) => {
                seen.push(format!("{} (not readable: {said})", show(last(path).as_bytes())));
            }
            Err(error) => return Err(error),
        }
    }
    let wanted = match which {
        Which::Id(id) => format!("the id {}", show(id.as_bytes())),
        Which::Uuid(uuid) => format!("the UUID {uuid}"),
        Which::Serial(serial) => format!("the serial number {}", show(serial.as_bytes())),
        Which::Only => String::new(),
    };
    let why = format!("has no system with {wanted}; it has: {}", seen.join("; "));
    Err(unclear(visit, why))
}

fn is(which: &Which, system: &Resource) -> bool {
    let at = |place| json::text(&system.body, place).map(str::trim);
    match which {
        Which::Only => true,
        Which::Id(id) => at("/Id") == Some(id) || last(&system.path) == id,
        Which::Uuid(wanted) => uuid(&system.body).is_some_and(|uuid| {
            // What option 97 does to a UUID is done and undone by the same exchange of bytes.
            uuid == *wanted || uuid == Uuid::from_option_97(wanted.0)
        }),
        Which::Serial(serial) => {
            let same =
                |text: Option<&str>| text.is_some_and(|t| t.eq_ignore_ascii_case(serial.trim()));
            !serial.trim().is_empty() && (same(at("/SerialNumber")) || same(at("/SKU")))
        }
    }
}

fn said_of(system: &Resource) -> String {
    let serial = json::shown(&system.body, "/SerialNumber").unwrap_or_else(|| "none".to_owned());
    let uuid = uuid(&system.body).map_or_else(|| "none".to_owned(), |uuid| uuid.to_string());
    format!("{} (serial {serial}, UUID {uuid})", show(last(&system.path).as_bytes()))
}

fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn uuid(body: &Value) -> Option<Uuid> {
    json::text(body, "/UUID")?.trim().parse().ok()
}

/// The paths of a collection's members, over its pages.
async fn members(visit: &mut Visit, path: &str, most: usize) -> Result<Vec<String>, RedfishError> {
    let mut found: Vec<String> = Vec::new();
    let mut next = Some(path.to_owned());
    for _ in 0..PAGES_MAX {
        let Some(page) = next.take() else { break };
        let page = visit.get(&page).await?;
        let all = page.body.pointer("/Members").and_then(Value::as_array);
        let Some(all) = all else {
            return Err(visit.broken(format!("GET {path}"), "a collection has no Members"));
        };
        for member in all.iter().filter_map(|member| json::link(member, "")) {
            if found.len() < most && !found.contains(&member) {
                found.push(member);
            }
        }
        let more = json::text(&page.body, "/Members@odata.nextLink");
        next = more.and_then(super::place::path).filter(|_| found.len() < most);
    }
    Ok(found)
}

/// Whether it is on.
pub(super) fn power(body: &Value) -> PowerState {
    match json::text(body, "/PowerState") {
        None => PowerState::Unknown,
        Some("On") => PowerState::On,
        Some("Off") => PowerState::Off,
        Some("PoweringOn") => PowerState::PoweringOn,
        Some("PoweringOff") => PowerState::PoweringOff,
        Some("Paused") => PowerState::Paused,
        Some(other) => PowerState::Other(show(other.as_bytes())),
    }
}

/// Everything that is said of a system.
pub(super) async fn facts(visit: &mut Visit, which: &Which) -> Result<Facts, RedfishError> {
    let system = find(visit, which).await?;
    let body = &system.body;
    let shown = |at| json::shown(body, at);
    let count = |at: &str| body.pointer(at).and_then(Value::as_u64);
    let mut facts = Facts {
        id: shown("/Id").unwrap_or_else(|| show(last(&system.path).as_bytes())),
        power: power(body),
        manufacturer: shown("/Manufacturer"),
        model: shown("/Model"),
        serial: shown("/SerialNumber"),
        sku: shown("/SKU"),
        uuid: uuid(body),
        bios_version: shown("/BiosVersion"),
        memory_mib: memory_mib(body),
        processors: Processors {
            count: count("/ProcessorSummary/Count"),
            cores: count("/ProcessorSummary/CoreCount"),
            threads: count("/ProcessorSummary/LogicalProcessorCount"),
            model: shown("/ProcessorSummary/Model"),
        },
        secure_boot: None,
        nics: Vec::new(),
        turns: None,
        targets: json::texts(body, super::boot::TARGETS),
        missing: Vec::new(),
    };
    match super::reset::listed(visit, body).await {
        Ok(found) => facts.turns = found,
        Err(error) => facts.missing.push(format!("changes of power: {error}")),
    }
    match secure_boot(visit, body).await {
        Ok(found) => facts.secure_boot = found,
        Err(error) => facts.missing.push(format!("Secure Boot: {error}")),
    }
    match nics(visit, body).await {
        Ok(found) => facts.nics = found,
        Err(error) => facts.missing.push(format!("network cards: {error}")),
    }
    Ok(facts)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and a thousand million, times 1024, it fits"
)]
fn memory_mib(body: &Value) -> Option<u64> {
    let gib = body.pointer("/MemorySummary/TotalSystemMemoryGiB")?.as_f64()?;
    (gib > 0.0 && gib < MEMORY_GIB_MAX).then(|| (gib * 1024.0).round() as u64)
}

async fn secure_boot(
    visit: &mut Visit,
    system: &Value,
) -> Result<Option<SecureBoot>, RedfishError> {
    let Some(path) = json::link(system, "/SecureBoot") else { return Ok(None) };
    let Some(found) = visit.get_if_there(&path).await? else { return Ok(None) };
    let in_force = match json::text(&found.body, "/SecureBootCurrentBoot") {
        Some("Enabled") => Some(true),
        Some("Disabled") => Some(false),
        _ => None,
    };
    Ok(Some(SecureBoot {
        enabled: found.body.pointer("/SecureBootEnable").and_then(Value::as_bool),
        in_force,
        mode: json::shown(&found.body, "/SecureBootMode"),
    }))
}

async fn nics(visit: &mut Visit, system: &Value) -> Result<Vec<Nic>, RedfishError> {
    let Some(path) = json::link(system, "/EthernetInterfaces") else { return Ok(Vec::new()) };
    let mut nics = Vec::new();
    for path in members(visit, &path, NICS_MAX).await? {
        let Some(nic) = visit.get_if_there(&path).await? else { continue };
        let mac = |at| json::text(&nic.body, at)?.trim().parse().ok();
        nics.push(Nic {
            id: json::shown(&nic.body, "/Id").unwrap_or_else(|| show(last(&path).as_bytes())),
            mac: mac("/MACAddress"),
            permanent: mac("/PermanentMACAddress"),
        });
    }
    Ok(nics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn system(body: Value) -> Resource {
        Resource { path: "/redfish/v1/Systems/Node1/".to_owned(), etag: None, body }
    }

    #[test]
    fn a_system_is_known_by_id_uuid_in_both_orders_serial_and_service_tag() {
        let node = system(json!({
            "Id": "Node1", "UUID": "44454C4C-3000-1052-8047-C6C04F5A4333",
            "SerialNumber": " CN1234 ", "SKU": "FOOBAR1",
        }));
        for which in [
            Which::Id("Node1".to_owned()),
            Which::Uuid("44454c4c-3000-1052-8047-c6c04f5a4333".parse().unwrap()),
            Which::Uuid("4c4c4544-0030-5210-8047-c6c04f5a4333".parse().unwrap()),
            Which::Serial("cn1234".to_owned()),
            Which::Serial("FOOBAR1".to_owned()),
        ] {
            assert!(is(&which, &node), "{which:?}");
        }
        for which in [
            Which::Id("Node".to_owned()),
            Which::Uuid("4c4c4544-0030-5210-8047-c6c04f5a4334".parse().unwrap()),
            Which::Serial(String::new()),
            Which::Serial("CN123".to_owned()),
        ] {
            assert!(!is(&which, &node), "{which:?}");
        }
        let empty = system(json!({ "SerialNumber": "", "SKU": null }));
        assert!(is(&Which::Id("Node1".to_owned()), &empty));
        assert!(!is(&Which::Serial(" ".to_owned()), &empty));
    }

    #[test]
    fn memory_is_a_number_or_nothing() {
        let of =
            |gib: Value| memory_mib(&json!({ "MemorySummary": { "TotalSystemMemoryGiB": gib } }));
        assert_eq!(of(json!(256)), Some(262_144));
        assert_eq!(of(json!(0.5)), Some(512));
        for wrong in [json!(0), json!(-1), json!(1e300), json!("256"), json!(null)] {
            assert_eq!(of(wrong), None);
        }
    }
}
