//! What runs on a machine from power-on to its kernel or its disk.
//!
//! Each room is one program, written from what it does on the wire: which offers it takes and
//! which it drops, what it asks, how long it waits. In: replies of a server as bytes. Out: what it
//! sends, and in the end a sentence about where it got.

pub mod bios;
pub mod dhcp;
pub mod edk2;
pub mod edk2_http;
pub mod grub;
pub mod grub_script;
pub mod installer;
pub mod ipxe;
pub mod ipxe_script;
pub mod rpi;
pub mod system;
pub mod tftp;
pub mod uboot;

use super::content::Label;
use super::host::{Host, HttpAsk};
use dhcp::Reply;
use model::Arch;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::pin::Pin;

/// A machine as it leaves the factory.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// Its hardware address.
    pub mac: [u8; 6],
    /// Option 97, as on the wire, without the type byte.
    pub uuid: [u8; 16],
    /// Which firmware: `edk2`, `edk2-http`, `bios`, `ipxe`, `uboot`, `rpi3`, `rpi4`, `os`, ….
    pub firmware: String,
    /// Processor.
    pub arch: Arch,
    /// Its habits, where they differ from the usual.
    pub habits: BTreeMap<String, String>,
}

impl Board {
    /// A board by the name of its firmware, like `edk2-x64` or `rpi3`.
    ///
    /// # Errors
    /// When there is no such firmware.
    pub fn new(mac: [u8; 6], name: &str) -> Result<Self, String> {
        let (firmware, arch) = match name {
            "bios" => ("bios", Arch::X86Bios),
            "edk2-x64" => ("edk2", Arch::X64Uefi),
            "edk2-ia32" => ("edk2", Arch::Ia32Uefi),
            "edk2-arm64" => ("edk2", Arch::Arm64Uefi),
            "edk2-http-x64" => ("edk2-http", Arch::X64Uefi),
            "edk2-http-arm64" => ("edk2-http", Arch::Arm64Uefi),
            "ipxe-rom" => ("ipxe", Arch::X86Bios),
            "ipxe-efi" => ("ipxe", Arch::X64Uefi),
            "uboot-arm64" => ("uboot", Arch::Arm64Uefi),
            "uboot-arm32" => ("uboot", Arch::Arm32Uefi),
            "petitboot" => ("petitboot", Arch::PowerOpal),
            "rpi3" => ("rpi3", Arch::Arm64Uefi),
            "rpi4" => ("rpi4", Arch::Arm64Uefi),
            "os" => ("os", Arch::X64Uefi),
            other => return Err(format!("there is no firmware {other} here")),
        };
        let mut uuid = *b"boot\0machine\0\0\0\0";
        uuid[12..].copy_from_slice(&mac[2..]);
        let habits = BTreeMap::new();
        Ok(Self { mac, uuid, firmware: firmware.into(), arch, habits })
    }

    /// Whether it has this habit.
    #[must_use]
    pub fn has(&self, habit: &str) -> bool {
        self.habits.contains_key(habit)
    }

    /// A habit's value as a number.
    #[must_use]
    pub fn number(&self, habit: &str, usual: u64) -> u64 {
        self.habits.get(habit).and_then(|v| v.parse().ok()).unwrap_or(usual)
    }

    fn xid(&self, salt: u32) -> u32 {
        let [a, b, c, d] = [self.mac[2], self.mac[3], self.mac[4], self.mac[5]];
        u32::from_be_bytes([a, b, c, d]).wrapping_mul(0x9e37_79b9).wrapping_add(salt)
    }
}

/// What one program leaves to the next.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// The lease.
    pub ack: Option<Reply>,
    /// The proxy's offer or ACK, where there was one.
    pub proxy: Option<Reply>,
    /// The server that the file came from.
    pub server: Option<Ipv4Addr>,
    /// What was loaded: a TFTP name, or a path for HTTP.
    pub file: String,
    /// Over HTTP.
    pub http: bool,
}

/// Where a machine gets, in words.
pub type Outcome = String;

/// A program's future, boxed: programs start one another.
pub type Program = Pin<Box<dyn Future<Output = Outcome>>>;

/// From power-on to the end.
#[must_use]
pub fn power_on(host: Host, board: Board) -> Program {
    host.open(68);
    match board.firmware.as_str() {
        "edk2" => Box::pin(edk2::run(host, board)),
        "edk2-http" => Box::pin(edk2_http::run(host, board)),
        "bios" => Box::pin(bios::run(host, board)),
        "ipxe" => Box::pin(ipxe::run(host, board, Env::default(), true)),
        "uboot" | "petitboot" => Box::pin(uboot::run(host, board)),
        "rpi3" | "rpi4" => Box::pin(rpi::run(host, board)),
        _ => Box::pin(system::run(host, board)),
    }
}

/// Starts what was loaded, as far as this board can.
#[must_use]
pub fn start(host: Host, board: Board, env: Env, label: Label) -> Program {
    if label.arch.is_some_and(|arch| arch != board.arch) {
        let text = format!("stops: {} is for another machine than {}", label.name, board.arch);
        return Box::pin(async { text });
    }
    let signed = matches!(label.kind.as_str(), "shim" | "ipxe-shim" | "grub");
    if board.has("secure-boot") && !signed {
        let text = format!("stops: Secure Boot refuses {}", label.name);
        return Box::pin(async { text });
    }
    if board.has("hangs") {
        let text = format!("hangs in {}", label.name);
        return Box::pin(async { text });
    }
    if board.has("no-driver") && label.kind == "ipxe" {
        let text = "stops: iPXE has no driver for this card; tries its next boot option".to_owned();
        return Box::pin(async { text });
    }
    host.say(format!("starts {}", label.name));
    match label.kind.as_str() {
        "ipxe" | "ipxe-snponly" | "ipxe-undionly" => Box::pin(ipxe::run(host, board, env, false)),
        "shim" | "ipxe-shim" => Box::pin(grub::shim(host, board, env, label)),
        "grub" => Box::pin(grub::run(host, board, env)),
        "pxelinux" => Box::pin(uboot::pxelinux_search(host, board, env)),
        "kernel" => Box::pin(async move { format!("runs {} by itself", label.name) }),
        other => {
            let text = format!("stops: {} is {other}, nothing to start", label.name);
            Box::pin(async { text })
        }
    }
}

/// Splits `http://10.0.0.1:8080/a/b?c` into host and target. Only numbers: nobody has DNS here.
#[must_use]
pub fn url(text: &str) -> Option<(SocketAddrV4, String)> {
    let (rest, port) = match text.strip_prefix("https://") {
        Some(rest) => (rest, 443),
        None => (text.strip_prefix("http://")?, 80),
    };
    let (host, target) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let to = match host.parse::<SocketAddrV4>() {
        Ok(to) => to,
        Err(_) => SocketAddrV4::new(host.parse().ok()?, port),
    };
    Some((to, target.to_owned()))
}

/// GETs a URL; nothing but 200 will do.
pub async fn get_url(host: &Host, text: &str, agent: &'static str) -> Result<Vec<u8>, String> {
    let (to, target) = url(text).ok_or_else(|| format!("no URL: {text}"))?;
    match host.http(HttpAsk::get(to, target, agent), 30_000).await {
        Some(answer) if answer.status == 200 => Ok(answer.body),
        Some(answer) => Err(format!("HTTP {}", answer.status)),
        None => Err("no answer".to_owned()),
    }
}
