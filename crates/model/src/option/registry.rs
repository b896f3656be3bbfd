//! The options an operator may set: IANA's registry (RFC 2132 and later) as rows.

use super::kind::Kind;
use Kind::{
    Domain, Domains, DomainsOrIps, Flag, Hex, I32, Ip, IpPairs, Ips, MandatoryIps, MandatoryNames,
    Seconds, Text, U8, U16, U16s,
};

/// One option that has a name.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its code.
    pub code: u8,
    /// As we write it.
    pub name: &'static str,
    /// As others write it.
    pub aliases: &'static [&'static str],
    /// The type of its value.
    pub kind: Kind,
    /// The smallest number.
    pub least: u32,
    /// Whether firmware reads its first instance only, so that it cannot be longer than 255 bytes.
    pub once: bool,
    /// Whether it is always sent unasked: the ROM did DHCP, not the one that reads it (RFC 5071).
    pub always: bool,
}

/// Options that mean "boot this" to firmware and something harmless to a telephone, an access point
/// or an operating system. Clients that boot from us get them from the boot decision, never from
/// here: 252 is the boot store's path to Microsoft's boot manager, and a proxy to its system.
pub const ONLY_FOR_SYSTEMS: &[u8] = &[43, 60, 66, 67, 150, 252];

/// Whether only clients that do not boot from us may get it (see [`ONLY_FOR_SYSTEMS`]).
pub fn only_for_systems(code: u8) -> bool {
    ONLY_FOR_SYSTEMS.contains(&code)
}

/// Every option that has a name, by code.
pub fn registry() -> &'static [Known] {
    REGISTRY
}

/// The row of a code.
pub fn known(code: u8) -> Option<&'static Known> {
    REGISTRY.binary_search_by_key(&code, |known| known.code).ok().and_then(|at| REGISTRY.get(at))
}

/// The row of a name or alias. `_` is read as `-`, and `ntp-server` as `ntp-servers`.
pub(super) fn by_name(name: &str) -> Option<&'static Known> {
    let bare = bare(name);
    let same = |known: &&Known| {
        std::iter::once(&known.name).chain(known.aliases).any(|other| self::bare(other) == bare)
    };
    REGISTRY.iter().find(same)
}

/// A name without what people write this way or that.
pub(super) fn bare(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "-");
    name.strip_suffix('s').unwrap_or(&name).to_owned()
}

impl Known {
    /// The bytes of a value.
    pub(super) fn read(&self, items: &[&str]) -> Result<Vec<u8>, String> {
        self.kind.read(items, self.least)
    }

    /// The value as text that is read as the same bytes again; `None` if its type has none.
    pub(super) fn show(&self, value: &[u8]) -> Option<String> {
        let text = self.kind.show(value)?;
        let same = |read: Vec<u8>| read == value;
        let typed = super::kind::raw(&[&text]).is_none() && self.read(&[&text]).is_ok_and(same);
        typed.then_some(text)
    }

    const fn least(mut self, least: u32) -> Self {
        self.least = least;
        self
    }

    const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    const fn always(mut self) -> Self {
        self.always = true;
        self
    }
}

const fn row(code: u8, name: &'static str, aliases: &'static [&'static str], kind: Kind) -> Known {
    Known { code, name, aliases, kind, least: 0, once: false, always: false }
}

#[rustfmt::skip]
const REGISTRY: &[Known] = &[
    row(2, "time-offset", &[], I32),
    row(4, "time-servers", &[], Ips),
    row(5, "name-servers", &["ien116-name-servers"], Ips),
    row(7, "log-servers", &["syslog-servers"], Ips),
    row(8, "cookie-servers", &["quotes-servers"], Ips),
    row(9, "lpr-servers", &["print-servers"], Ips),
    row(10, "impress-servers", &[], Ips),
    row(11, "resource-location-servers", &["rlp-servers"], Ips),
    row(14, "merit-dump", &["merit-dump-file"], Text),
    row(16, "swap-server", &[], Ip),
    row(17, "root-path", &[], Text).once(),
    row(18, "extensions-path", &["extension-file"], Text),
    row(19, "ip-forwarding", &["ip-forward-enable"], Flag),
    row(20, "non-local-source-routing", &["source-route-enable"], Flag),
    row(21, "policy-filter", &[], IpPairs),
    row(22, "max-dgram-reassembly", &["max-datagram-reassembly"], U16).least(576),
    row(23, "default-ip-ttl", &["default-ttl"], U8).least(1),
    row(24, "path-mtu-aging-timeout", &["mtu-timeout"], Seconds),
    row(25, "path-mtu-plateau-table", &["mtu-plateau"], U16s).least(68),
    // 68 would be lawful; iPXE applies it, and TFTP blocks of 512 bytes must pass in one piece.
    row(26, "interface-mtu", &["mtu"], U16).least(576),
    row(27, "all-subnets-local", &[], Flag),
    row(29, "perform-mask-discovery", &["mask-discovery"], Flag),
    row(30, "mask-supplier", &[], Flag),
    row(31, "router-discovery", &[], Flag),
    row(32, "router-solicitation-address", &["router-request"], Ip),
    row(33, "static-routes", &[], IpPairs),
    row(34, "trailer-encapsulation", &["trailers"], Flag),
    row(35, "arp-cache-timeout", &["arp-timeout"], Seconds),
    row(36, "ieee802-3-encapsulation", &["ethernet-encapsulation", "ethernet"], Flag),
    row(37, "default-tcp-ttl", &["tcp-ttl"], U8).least(1),
    row(38, "tcp-keepalive-interval", &["tcp-keepalive"], Seconds),
    row(39, "tcp-keepalive-garbage", &[], Flag),
    row(40, "nis-domain", &[], Text),
    row(41, "nis-servers", &[], Ips),
    row(42, "ntp-servers", &[], Ips),
    row(43, "vendor-encapsulated-options", &["vendor-specific", "vendor-encap"], Hex).once(),
    row(44, "netbios-name-servers", &["netbios-ns", "wins-servers"], Ips),
    row(45, "netbios-dd-servers", &["netbios-dd"], Ips),
    row(46, "netbios-node-type", &["netbios-nodetype"], U8).least(1),
    row(47, "netbios-scope", &[], Text),
    row(48, "font-servers", &["x-windows-fs"], Ips),
    row(49, "x-display-managers", &["x-windows-dm"], Ips),
    row(60, "vendor-class-identifier", &["vendor-class"], Text).once(),
    row(64, "nisplus-domain", &["nisplus-domain-name", "nis+-domain"], Text),
    row(65, "nisplus-servers", &["nis+-servers"], Ips),
    row(66, "tftp-server-name", &["tftp-server"], Text).once(),
    row(67, "boot-file-name", &["bootfile-name", "boot-file", "bootfile"], Text).once(),
    row(68, "mobile-ip-home-agents", &["mobile-ip-home"], Ips),
    row(69, "smtp-servers", &[], Ips),
    row(70, "pop-servers", &["pop3-servers"], Ips),
    row(71, "nntp-servers", &[], Ips),
    row(72, "www-servers", &[], Ips),
    row(73, "finger-servers", &[], Ips),
    row(74, "irc-servers", &[], Ips),
    row(75, "streettalk-servers", &[], Ips),
    row(76, "streettalk-directory-assistance-servers", &["stda-servers"], Ips),
    row(78, "slp-directory-agent", &[], MandatoryIps),
    row(79, "slp-service-scope", &[], MandatoryNames),
    row(83, "isns", &["isns-servers"], Hex),
    row(85, "nds-servers", &[], Ips),
    row(86, "nds-tree-name", &[], Text),
    row(87, "nds-context", &[], Text),
    row(88, "bcmcs-controller-names", &["bcms-controller-names"], Domains),
    row(89, "bcmcs-controller-addresses", &["bcms-controller-address"], Ips),
    row(95, "ldap", &["ldap-url"], Text),
    row(98, "uap-servers", &["user-auth"], Text),
    row(99, "geoconf-civic", &[], Hex),
    row(100, "pcode", &["tz-posix", "posix-timezone"], Text),
    row(101, "tcode", &["tz-name", "timezone"], Text),
    // RFC 8925, 3.4: a client waits 300 s at least, whatever it is told.
    row(108, "v6-only-preferred", &["ipv6-only-preferred"], Seconds),
    row(112, "netinfo-server-addresses", &["netinfo-address"], Ips),
    row(113, "netinfo-server-tag", &["netinfo-tag"], Text),
    row(114, "captive-portal", &["v4-captive-portal", "default-url"], Text),
    row(116, "auto-config", &["auto-configure"], Flag),
    row(117, "name-service-search", &["name-search"], U16s),
    row(119, "domain-search", &["search-domains"], Domains),
    row(120, "sip-servers", &[], DomainsOrIps),
    row(122, "ccc", &["cablelabs-client-configuration"], Hex),
    row(123, "geoconf", &[], Hex),
    row(124, "vivco-suboptions", &["vi-vendor-class", "vivco"], Hex),
    row(125, "vivso-suboptions", &["vi-vendor-specific", "vivso"], Hex),
    row(136, "pana-agents", &[], Ips),
    row(137, "lost-server", &["v4-lost"], Domain),
    row(138, "capwap-controllers", &["capwap-ac", "capwap-ac-v4"], Ips),
    row(141, "sip-ua-cs-domains", &[], Domains),
    row(142, "andsf-servers", &[], Ips),
    row(143, "sztp-redirect", &["v4-sztp-redirect"], Hex),
    row(146, "rdnss-selection", &[], Hex),
    row(147, "dots-ri", &["v4-dots-ri"], Domain),
    row(148, "dots-addresses", &["v4-dots-address"], Ips),
    row(150, "tftp-server-addresses", &["voip-tftp-servers"], Ips).once(),
    row(159, "portparams", &["v4-portparams"], Hex),
    row(208, "pxelinux-magic", &[], Hex).once().always(),
    row(209, "pxelinux-config-file", &["conf-file", "configfile"], Text).once().always(),
    row(210, "pxelinux-path-prefix", &["path-prefix", "pathprefix"], Text).once().always(),
    row(211, "pxelinux-reboot-time", &["reboot-time", "reboottime"], Seconds).once().always(),
    row(212, "6rd", &["option-6rd"], Hex),
    row(213, "access-domain", &["v4-access-domain"], Domain),
    row(252, "wpad", &["wpad-url", "proxy-autodiscovery"], Text),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_order_and_no_name_stands_twice() {
        assert!(REGISTRY.is_sorted_by(|a, b| a.code < b.code));
        let names = REGISTRY.iter().flat_map(|k| std::iter::once(&k.name).chain(k.aliases));
        let mut all: Vec<String> = names.map(|name| bare(name)).collect();
        all.sort();
        for pair in all.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        assert!(ONLY_FOR_SYSTEMS.iter().all(|code| known(*code).is_some()));
    }
}
