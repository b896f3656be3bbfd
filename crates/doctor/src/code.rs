//! The codes of findings. They stay: scripts and notes of operators name them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($($name:ident = $word:literal: $says:literal,)+) => {
        /// What was found, in a word that stays the same.
        #[derive(
            Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize, JsonSchema,
        )]
        pub enum Code { $(#[doc = $says] #[serde(rename = $word)] $name,)+ }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word: `D-LINK-DOWN`.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// What it stands for, in a line.
            #[must_use]
            pub fn says(self) -> &'static str {
                match self { $(Self::$name => $says,)+ }
            }
        }
    };
}

codes! {
    Fine = "D-FINE": "this is as it should be",
    NoServer = "D-NO-SERVER": "no server runs",
    Config = "D-CONFIG": "the configuration has faults",
    Rights = "D-RIGHTS": "no right to open the ports and packet sockets",
    StateOpen = "D-STATE-OPEN": "others may read the state directory",
    Disk = "D-DISK": "little or no room where the state is kept",
    ClockWrong = "D-CLOCK-WRONG": "the clock shows an impossible time",
    ClockUnsynced = "D-CLOCK-UNSYNCED": "nothing keeps the clock right",
    LinkNone = "D-LINK-NONE": "no interface is up",
    LinkMissing = "D-LINK-MISSING": "an interface is not there",
    LinkDown = "D-LINK-DOWN": "an interface is down",
    LinkAddress = "D-LINK-ADDRESS": "an interface has no IPv4 address",
    LinkAddress6 = "D-LINK-ADDRESS6": "an interface has no address in a subnet of IPv6 that it serves",
    LinkCarrier = "D-LINK-CARRIER": "an interface has no link",
    LinkMtu = "D-LINK-MTU": "packets of the usual size do not fit the interface",
    LinkVlan = "D-LINK-VLAN": "the interface below a VLAN is down",
    LinkTwice = "D-LINK-TWICE": "two interfaces are in the same subnet",
    ReversePath = "D-RP-FILTER": "the kernel drops packets that come by another way than they would go back",
    BridgeStp = "D-BRIDGE-STP": "a bridge keeps machines silent after their link comes up",
    BridgeFiltered = "D-BRIDGE-FILTERED": "what passes a bridge goes through the packet filter",
    ProbeRights = "D-PROBE-RIGHTS": "the link could not be asked for want of rights",
    ProbeFailed = "D-PROBE-FAILED": "the link could not be asked",
    DhcpTwo = "D-DHCP-TWO": "two servers give addresses on one link",
    DhcpMany = "D-DHCP-MANY": "several servers give addresses, and nobody said which belong there",
    DhcpNone = "D-DHCP-NONE": "nobody gives addresses on a link",
    DhcpHere = "D-DHCP-HERE": "a DHCP server of this very host serves the link",
    BootRival = "D-BOOT-RIVAL": "another server answers boot requests",
    BootFile = "D-BOOT-FILE": "the DHCP server names a boot file of its own",
    ProxySilent = "D-PROXY-SILENT": "a boot server is silent on port 4011, where its offer sends machines",
    TftpSilent = "D-TFTP-SILENT": "a server that machines are sent to does not answer TFTP",
    TftpRefused = "D-TFTP-REFUSED": "a server that machines are sent to refuses the file",
    TftpPlain = "D-TFTP-PLAIN": "a TFTP server takes no options",
    Router6Silent = "D-RA-NO-DHCP6": "a router promises DHCPv6, and nobody answers it",
    Router6Unsaid = "D-RA-UNSAID": "nobody tells machines to ask us over IPv6",
    Router6Prefix = "D-RA-PREFIX": "a router announces another prefix than ours",
    Dhcp6Two = "D-DHCP6-TWO": "two servers give IPv6 addresses on one link",
    Router6Many = "D-RA-MANY": "several routers announce different prefixes",
    Boot6 = "D-BOOT6": "another server answers boot requests over IPv6",
    Boot6Binl = "D-BOOT6-4011": "a DHCPv6 answer sends EDK2 to port 4011",
    Boot6Url = "D-BOOT6-URL": "a boot URL over IPv6 that firmware cannot take",
    NamesElsewhere = "D-DNS-ELSEWHERE": "machines of a link where names are answered are told to ask others",
    PublishKey = "D-DNS-PUBLISH-KEY": "the key that names are published with cannot be used, or is not taken",
    PublishSilent = "D-DNS-PUBLISH-SILENT": "a DNS server that is told of names does not answer",
    PublishClock = "D-DNS-PUBLISH-CLOCK": "the clock of a DNS server that is told of names differs from ours",
    PublishZone = "D-DNS-PUBLISH-ZONE": "a zone for names that its server does not have, or no network has names in",
    PublishFails = "D-DNS-PUBLISH-FAILS": "a DNS server does not take names of machines",
    PortTaken = "D-PORT-TAKEN": "somebody else has a port that machines ask",
    PortShared = "D-PORT-SHARED": "somebody else has a port beside us",
    PortUnseen = "D-PORT-UNSEEN": "a port is held by a process that we may not look into",
    FirewallUnread = "D-FIREWALL-UNREAD": "the packet filter could not be read",
    FirewallDrops = "D-FIREWALL": "the packet filter keeps machines from a port",
    KeysOpen = "D-KEYS-OPEN": "others may read private keys",
    Certificate = "D-CERTIFICATE": "a certificate that machines will not take, or not much longer",
    LoaderNone = "D-LOADER-NONE": "there is no bootloader at all",
    LoaderArch = "D-LOADER-ARCH": "no bootloader for an architecture",
    LoaderUnsigned = "D-LOADER-UNSIGNED": "no signed bootloader for an architecture",
    LoaderCa2011 = "D-LOADER-2011": "signed bootloaders by Microsoft's CA of 2011 alone",
    LibraryUnknown = "D-LIBRARY-UNKNOWN": "images were not looked at",
    ImageNone = "D-IMAGE-NONE": "there is no image",
    ImageDamaged = "D-IMAGE-DAMAGED": "a file of an image is gone or damaged",
    ProfileLost = "D-PROFILE": "a profile that nothing can be booted from",
    RuleLost = "D-RULE": "a rule or a machine that points at a profile which is not there",
    Start = "D-START": "seen when the sockets were opened",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_a_word_of_its_own() {
        let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.word().starts_with("D-"), "{code}");
            assert_eq!(serde_json::to_value(code).unwrap(), code.word());
        }
    }
}
