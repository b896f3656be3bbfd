//! Events as the server tells them, in short.

use model::client::{Firmware, IpxeFeatures, Stage};
use model::event::{Carrier, Speaker};
use model::plan::{Does, Why};
use model::{Arch, Event, Happening, HardwareAddress, Now};
use std::net::{IpAddr, Ipv4Addr};

/// When the tests begin: an hour of some day, in milliseconds.
pub const BEGIN: u64 = 1_795_378_625_000;

pub fn mac(last: u8) -> HardwareAddress {
    HardwareAddress::mac([0x52, 0x54, 0, 0, 0, last])
}

pub fn at(ms: u64) -> Now {
    Now(BEGIN + ms)
}

pub fn event(ms: u64, machine: u8, what: Happening) -> Event {
    Event::new(at(ms), Some(mac(machine)), Some("lan".to_owned()), what)
}

/// Who speaks: the card, and `uefi`, `http`, `bios`, `ipxe` or `system`.
pub fn speaker(card: u8, who: &str) -> Speaker {
    let (stage, firmware, arch) = match who {
        "uefi" => (Stage::Firmware, Firmware::Pxe, Some(Arch::X64Uefi)),
        "http" => (Stage::Firmware, Firmware::Http, Some(Arch::X64Uefi)),
        "bios" => (Stage::Firmware, Firmware::Pxe, Some(Arch::X86Bios)),
        "ipxe" => (Stage::Ipxe(IpxeFeatures::default()), Firmware::Pxe, Some(Arch::X64Uefi)),
        "system" | "renewal" => (Stage::System, Firmware::None, None),
        other => panic!("{other}?"),
    };
    Speaker {
        card: mac(card),
        stage,
        firmware,
        arch,
        vendor_class: None,
        relay: None,
        server: None,
        port: 67,
        exchange: 1,
        asking_s: 0,
        renews: who == "renewal",
    }
}

pub fn said(ms: u64, machine: u8, card: u8, who: &str, asked: &str, answer: &str) -> Event {
    let what = match answer {
        "" => Happening::Silent {
            asked: asked.to_owned().into(),
            why: Why::NotServed("lan".to_owned()),
        },
        answer => Happening::Answered {
            asked: asked.to_owned().into(),
            answer: answer.to_owned().into(),
            address: Some(Ipv4Addr::new(10, 0, 0, 100 + machine).into()),
            file: (who == "uefi").then(|| "loader/snponly-x64.efi".to_owned()),
            because: Vec::new(),
        },
    };
    Event { speaker: Some(Box::new(speaker(card, who))), ..event(ms, machine, what) }
}

/// The four messages, the address after so many milliseconds.
pub fn four(ms: u64, machine: u8, card: u8, who: &str, wait: u64) -> Vec<Event> {
    vec![
        said(ms, machine, card, who, "DISCOVER", "OFFER"),
        said(ms + wait, machine, card, who, "REQUEST", "ACK"),
    ]
}

pub fn script(ms: u64, machine: u8, decision: &str) -> Event {
    let (form, decision) = ("iPXE script".to_owned(), decision.to_owned());
    let does = match decision.split(' ').next() {
        Some("start") => Does::LocalDisk,
        Some("blocked:") => Does::Blocked,
        Some("show") => Does::Menu,
        Some("wait") => Does::Pending,
        _ => Does::Boot,
    };
    event(ms, machine, Happening::Script { form, decision, does: Some(does), because: Vec::new() })
}

pub fn client(machine: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, 100 + machine).into()
}

pub fn started(ms: u64, machine: u8, by: Carrier, file: &str, size: u64) -> Event {
    let (file, to) = (file.to_owned(), client(machine));
    event(ms, machine, Happening::TransferStarted { file, by, to, size, waited_ms: 2 })
}

pub fn done(ms: u64, machine: u8, by: Carrier, file: &str, size: u64, took_ms: u64) -> Event {
    let file = file.to_owned();
    event(ms, machine, Happening::TransferDone { file, by, size, took_ms, again: 0 })
}

pub fn failed(ms: u64, machine: u8, by: Carrier, file: &str, sent: u64, why: &str) -> Event {
    let (file, why) = (file.to_owned(), why.to_owned());
    let (size, took_ms, again) = (sent + 1000, 500, 4);
    event(
        ms,
        machine,
        Happening::TransferFailed {
            file,
            by,
            sent,
            size,
            why,
            took_ms,
            again,
            cut: None,
            to: None,
        },
    )
}

/// A file that takes so long.
pub fn file(ms: u64, machine: u8, by: Carrier, name: &str, size: u64, took: u64) -> Vec<Event> {
    vec![started(ms + 2, machine, by, name, size), done(ms + took, machine, by, name, size, took)]
}

/// Firmware, iPXE, script, kernel, initrd: four seconds and a bit.
pub fn boot(ms: u64, machine: u8) -> Vec<Event> {
    use Carrier::{Http, Tftp};
    [
        four(ms, machine, machine, "uefi", 4000),
        file(ms + 4100, machine, Tftp, "loader/snponly-x64.efi", 200_000, 80),
        four(ms + 5000, machine, machine, "ipxe", 10),
        vec![script(ms + 5100, machine, "boot Debian 12 (version 1)")],
        file(ms + 5200, machine, Http, "/image/debian/1/linux", 8_000_000, 70),
        file(ms + 5300, machine, Http, "/image/debian/1/initrd.gz", 40_000_000, 360),
    ]
    .concat()
}
