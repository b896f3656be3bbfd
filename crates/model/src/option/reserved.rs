//! Options that nobody can set, with the reason and what to do instead.

use super::registry::bare;

/// Codes, the names people know them by, and the sentence for whoever tries.
type Reserved = (&'static [u8], &'static [&'static str], &'static str);

const RESERVED: &[Reserved] = &[
    (&[0, 255], &["pad", "end"], "it holds no value; it fills or ends the options"),
    (&[1], &["subnet-mask", "netmask"], "it is made from `subnet` of the network"),
    (&[3], &["routers", "gateway"], "set `router` of the network"),
    (&[6], &["domain-name-servers", "dns-servers", "dns"], "set `dns` of the network"),
    (&[12], &["host-name", "hostname"], "it comes from the reservation of the machine's address"),
    (
        &[13],
        &["boot-file-size", "boot-size"],
        "firmware believes it and skips asking for the \
      size; the server leaves it out",
    ),
    (&[15], &["domain-name", "domain"], "set `domain` of the network"),
    (&[28], &["broadcast-address", "broadcast"], "it is made from `subnet` of the network"),
    (&[50], &["dhcp-requested-address", "requested-address"], "only clients send it"),
    (&[51], &["dhcp-lease-time", "lease-time"], "set `lease` of the network"),
    (
        &[52],
        &["dhcp-option-overload", "option-overload"],
        "the server makes it where there is no room",
    ),
    (&[53], &["dhcp-message-type", "message-type"], "the server makes it"),
    (
        &[54],
        &["dhcp-server-identifier", "server-identifier", "server-id"],
        "it is our own address on the network",
    ),
    (&[55], &["dhcp-parameter-request-list", "parameter-request-list"], "only clients send it"),
    (&[56], &["dhcp-message", "message"], "the server writes it into a refusal"),
    (&[57], &["dhcp-max-message-size", "max-message-size"], "only clients send it"),
    (
        &[58, 59],
        &["dhcp-renewal-time", "dhcp-rebinding-time", "renewal-time", "rebinding-time", "t1", "t2"],
        "it is half, and seven eighths, of `lease` of the network",
    ),
    (
        &[61],
        &["dhcp-client-identifier", "client-identifier", "client-id"],
        "it is the client's own, sent back",
    ),
    (&[77], &["user-class"], "only clients send it"),
    (&[80], &["rapid-commit"], "set `rapid_commit` of the network"),
    (&[81], &["client-fqdn", "fqdn"], "the server makes no names in DNS for clients"),
    (
        &[82],
        &["relay-agent-information", "dhcp-agent-options", "relay-agent"],
        "it is the relay's own, sent back; see `option_82` of the network",
    ),
    (&[90], &["authentication", "authenticate"], "the server has no keys to sign with"),
    (
        &[91, 92, 151, 152, 153, 154, 155, 156, 157],
        &["client-last-transaction-time", "associated-ip"],
        "it answers a lease query, which is not served",
    ),
    (
        &[93, 94, 97],
        &["client-architecture", "client-system", "client-ndi", "client-machine-id", "uuid-guid"],
        "it is what firmware says of itself",
    ),
    (&[118], &["subnet-selection"], "only clients and relays send it"),
    (
        &[121, 249],
        &["classless-static-routes", "ms-classless-static-routes", "routes"],
        "set `routes` of the network",
    ),
    (&[145], &["forcerenew-nonce-capable"], "the server sends no FORCERENEW"),
    (
        &[175],
        &["etherboot", "ipxe-encap"],
        "it is made with the boot decision (see profiles and rules)",
    ),
    (&[250], &["wdsnbp"], "it is made with the boot decision (see profiles and rules)"),
];

/// Why a code cannot be set; `None` if it can.
pub(super) fn why(code: u8) -> Option<String> {
    let (_, names, why) = RESERVED.iter().find(|(codes, _, _)| codes.contains(&code))?;
    let name = match names.len() {
        1..=3 => names.first().map(|name| format!(" ({name})")),
        _ => None,
    };
    Some(format!("option {code}{} cannot be set here: {why}", name.unwrap_or_default()))
}

/// The same for a name.
pub(super) fn why_name(name: &str) -> Option<String> {
    let bare_name = bare(name);
    let same = |names: &[&str]| names.iter().any(|other| bare(other) == bare_name);
    let (_, _, why) = RESERVED.iter().find(|(_, names, _)| same(names))?;
    let shown = crate::text::show(name.as_bytes());
    Some(format!("option `{shown}` cannot be set here: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_both_refused_and_known() {
        for (codes, names, why) in RESERVED {
            assert!(codes.iter().all(|code| super::super::known(*code).is_none()), "{why}");
            for name in *names {
                assert!(super::super::registry::by_name(name).is_none(), "{name}");
            }
        }
    }
}
