//! What a silence means, by what stands before and after it. The first row that fits counts.

use super::{Kind, Silence};
use model::plan::Does;
use model::story::{BootStage, Carrying, Did};

/// One sort of silence.
pub(super) struct Row {
    /// Whether a silence is of this sort.
    pub(super) fits: fn(&Silence<'_>) -> bool,
    /// So long it is usual, in milliseconds; 0 if it is never.
    pub(super) usual_ms_max: u64,
    /// What it means.
    pub(super) means: &'static str,
    /// How we know.
    pub(super) source: &'static str,
}

const EDK2: &str =
    "PXE 2.1, 2.2.1; EDK2 UefiPxeBcDxe: offers are collected in windows of 4, 8, 16 and 32 s";
const PXE: &str = "PXE 2.1, 2.2.1: a client collects offers for 4, 8, 16 and 32 s";
const IPXE: &str =
    "iPXE net/udp/dhcp.c: 1, 2, 4, 8 s, then every 10 s; 2 s for an offer of a proxy";
const FIELD: &str = "seen in machines; no document says it";

pub(super) const ROWS: &[Row] = &[
    // Firmware asks for an address.
    Row {
        fits: |s| s.answered("DISCOVER", "OFFER") && !s.ipxe() && s.other_card(),
        usual_ms_max: 65_000,
        means: "firmware gave up on one card and goes on to the next",
        source: "UEFI 2.10, 3.1.1: boot options are tried in their order",
    },
    Row {
        fits: |s| {
            s.answered("DISCOVER", "OFFER") && s.beside() && !s.ipxe() && s.asks_next("DISCOVER")
        },
        usual_ms_max: 0,
        means: "firmware waits for an address: no offer of the DHCP server beside us reached it",
        source: PXE,
    },
    Row {
        fits: |s| s.answered("DISCOVER", "OFFER") && !s.ipxe() && s.asks_next("DISCOVER"),
        usual_ms_max: 0,
        means: "firmware waits for an offer that it can use, and asks again: ours did not reach it, or \
                lacked something",
        source: PXE,
    },
    Row {
        fits: |s| {
            s.answered("DISCOVER", "OFFER")
                && s.kind == Kind::Uefi
                && !s.ipxe()
                && s.before.is_some()
        },
        usual_ms_max: 5_500,
        means: "firmware waits for a second offer",
        source: EDK2,
    },
    Row {
        fits: |s| {
            s.answered("DISCOVER", "OFFER")
                && s.kind == Kind::Bios
                && !s.ipxe()
                && s.before.is_some()
        },
        usual_ms_max: 5_500,
        means: "the BIOS waits for the offer of a proxy",
        source: PXE,
    },
    Row {
        fits: |s| s.answered("DISCOVER", "OFFER") && s.kind == Kind::Pi && !s.ipxe(),
        usual_ms_max: 5_500,
        means: "a Raspberry Pi waits 5 s between two tries",
        source: "Raspberry Pi documentation, boot-net: 5 tries, 5 s each",
    },
    Row {
        fits: |s| s.unanswered("DISCOVER") && s.asks_next("DISCOVER") && s.other_card(),
        usual_ms_max: 65_000,
        means: "nobody answered one card, and firmware goes on to the next",
        source: "UEFI 2.10, 3.1.1: boot options are tried in their order",
    },
    Row {
        fits: |s| s.unanswered("DISCOVER") && s.asks_next("DISCOVER") && !s.ipxe(),
        usual_ms_max: 0,
        means: "it was not answered, and waits until its time is over to ask again",
        source: PXE,
    },
    // The DHCP server beside us has its say.
    Row {
        fits: |s| s.chose_other() && s.asks_again(),
        usual_ms_max: 0,
        means: "the DHCP server that it chose has not answered it, and it asks again",
        source: "RFC 2131, 4.1: it asks again after 4, 8, 16 s; iPXE after 1, 2, 4 s",
    },
    Row {
        fits: |s| s.chose_other() && s.before.is_some(),
        usual_ms_max: 2_500,
        means: "it waits for its address from the DHCP server that it chose",
        source: "RFC 2131, 4.4.1",
    },
    Row {
        fits: |s| s.chose_other(),
        usual_ms_max: 0,
        means: "it chose another server and asked us for nothing since: that server did not answer, or \
                named another boot file",
        source: FIELD,
    },
    // iPXE asks for an address.
    Row {
        fits: |s| s.ipxe() && (s.asks_next("DISCOVER") || s.asks_again()),
        usual_ms_max: 0,
        means: "iPXE asks again: what it asked before was not answered, or the answer did not suit it",
        source: IPXE,
    },
    Row {
        fits: |s| s.ipxe() && s.answered("DISCOVER", "OFFER") && s.before.is_some(),
        usual_ms_max: 3_500,
        means: "iPXE waits for the offer of a proxy",
        source: IPXE,
    },
    // A loader.
    Row {
        fits: |s| s.carried(BootStage::Loader, Carrying::Done) && s.ipxe_next(),
        usual_ms_max: 20_000,
        means: "iPXE started and waits for the link of its card",
        source: "iPXE net/netdevice.c; a switch with spanning tree blocks the port for 30 to 50 s",
    },
    Row {
        fits: |s| {
            s.carried(BootStage::Loader, Carrying::Done)
                && (s.before.is_none() || s.asks_next("DISCOVER"))
        },
        usual_ms_max: 0,
        means: "the loader arrived and was not heard: firmware refused it (Secure Boot), or it does not \
                work on this machine",
        source: FIELD,
    },
    Row {
        fits: |s| s.carried(BootStage::Loader, Carrying::Failed),
        usual_ms_max: 10_000,
        means: "it waits before it tries again: EDK2 4 s, U-Boot 5 s",
        source: "EDK2 Mtftp4Dxe; U-Boot net/tftp.c",
    },
    Row {
        fits: |s| s.after.stage == BootStage::Loader && s.next_is(BootStage::Loader) && !s.speaks(),
        usual_ms_max: 10_000,
        means: "one loader starts the next",
        source: FIELD,
    },
    Row {
        fits: |s| s.answered("REQUEST", "ACK") && s.kind == Kind::Uboot && s.before.is_some(),
        usual_ms_max: 10_000,
        means: "U-Boot waits: its own script says what it does with its address",
        source: "U-Boot doc/usage: distro boot",
    },
    Row {
        fits: |s| s.answered("REQUEST", "ACK") && s.fetches_next(),
        usual_ms_max: 0,
        means: "it has its address and looks for the server (ARP, DNS), or its first requests were lost: \
                firmware asks again every 4 s",
        source: "EDK2 UefiPxeBcDxe, PXEBC_MTFTP_TIMEOUT",
    },
    Row {
        fits: |s| {
            s.answered("REQUEST", "ACK") && s.after.stage != BootStage::System && s.before.is_none()
        },
        usual_ms_max: 0,
        means: "it has its address and fetches nothing: its requests do not reach us, or it was not given a \
                file that it takes",
        source: FIELD,
    },
    // A script.
    Row {
        fits: |s| s.told(&[Does::Menu]),
        usual_ms_max: 30 * 60 * 1000,
        means: "the menu stands there until somebody chooses, or its time is over",
        source: "its script",
    },
    Row {
        fits: |s| s.told(&[Does::Pending, Does::Confirm]),
        usual_ms_max: 60_000,
        means: "it shows why it waits, and asks again after some seconds",
        source: "its script",
    },
    Row {
        fits: |s| matches!(s.after.what, Did::Script { .. }) && s.before.is_none(),
        usual_ms_max: 0,
        means: "it has its script and does nothing that is seen: look at its screen",
        source: "",
    },
    Row {
        fits: |s| matches!(s.after.what, Did::Script { .. }) && s.asks_next("DISCOVER"),
        usual_ms_max: 60_000,
        means: "its loader ended, and firmware goes on to its next boot option",
        source: "UEFI 2.10, 3.1.1: boot options are tried in their order",
    },
    // A kernel.
    Row {
        fits: |s| s.carried(BootStage::Kernel, Carrying::Done) && s.next_is(BootStage::Kernel),
        usual_ms_max: 10_000,
        means: "the loader checks what it fetched, or writes it to where it belongs",
        source: FIELD,
    },
    Row {
        fits: |s| s.carried(BootStage::Kernel, Carrying::Done) && s.before.is_some(),
        usual_ms_max: 120_000,
        means: "the kernel starts: it unpacks its initrd and looks for its hardware",
        source: FIELD,
    },
    Row {
        fits: |s| s.carried(BootStage::Kernel, Carrying::Done),
        usual_ms_max: u64::MAX,
        means: "the kernel runs; a system that is started from memory says nothing more",
        source: FIELD,
    },
    Row {
        fits: |s| s.carried(BootStage::Kernel, Carrying::Failed),
        usual_ms_max: 30_000,
        means: "a file of its kernel did not arrive; its loader waits, or stands with an error on its screen",
        source: FIELD,
    },
    // An installer.
    Row {
        fits: |s| s.after.stage == BootStage::Installer,
        usual_ms_max: 30 * 60 * 1000,
        means: "the installer works: disks, packages",
        source: FIELD,
    },
    // A system.
    Row {
        fits: |s| s.next_is(BootStage::System) || s.after.stage == BootStage::System,
        usual_ms_max: 5 * 60 * 1000,
        means: "a system starts",
        source: FIELD,
    },
];
