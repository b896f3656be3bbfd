//! What options are called in a comparison.

use wire::dhcp4::code;

/// Options that a server makes itself, so that no operator sets them: they have no row in the registry
/// of settable options. Names as the IANA registry has them.
const OWN: &[(u8, &str)] = &[
    (code::SUBNET_MASK, "subnet-mask"),
    (code::ROUTER, "routers"),
    (code::DNS, "domain-name-servers"),
    (code::HOST_NAME, "host-name"),
    (code::BOOT_FILE_SIZE, "boot-file-size"),
    (code::DOMAIN_NAME, "domain-name"),
    (code::BROADCAST_ADDRESS, "broadcast-address"),
    (code::LEASE_TIME, "lease-time"),
    (code::MESSAGE_TYPE, "message-type"),
    (code::SERVER_ID, "server-identifier"),
    (code::MESSAGE, "message"),
    (code::RENEWAL_TIME, "renewal-time"),
    (code::REBINDING_TIME, "rebinding-time"),
    (code::CLIENT_ID, "client-identifier"),
    (code::RAPID_COMMIT, "rapid-commit"),
    (code::CLIENT_FQDN, "client-fqdn"),
    (code::RELAY_AGENT, "relay-agent"),
    (code::CLIENT_MACHINE_ID, "client-machine-id"),
    (code::CLASSLESS_ROUTES, "classless-static-routes"),
    (code::IPXE_ENCAPSULATED, "ipxe-encap"),
    (code::MS_CLASSLESS_ROUTES, "ms-classless-static-routes"),
    (code::WDSNBP, "wdsnbp"),
];

/// `option 6 (domain-name-servers)`, or the number alone.
pub(super) fn option(code: u8) -> String {
    let own = OWN.iter().find(|(own, _)| *own == code).map(|(_, name)| *name);
    match own.or_else(|| model::option::name(code)) {
        Some(name) => format!("option {code} ({name})"),
        None => format!("option {code}"),
    }
}
