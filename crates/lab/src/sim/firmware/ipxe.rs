//! iPXE: one DHCP of its own, with a short wait for proxies, then its script.

use super::dhcp::{self, Reply, Request};
use super::ipxe_script::Script;
use super::{Board, Env, Outcome, get_url, tftp};
use crate::sim::host::Host;
use std::net::Ipv4Addr;
use wire::dhcp4::{MessageType, code};

/// What this build says it can, as sub-options of 175.
fn features(board: &Board) -> Vec<u8> {
    let mut value = vec![1, 1, 0xeb];
    let all: &[u8] = &[16, 19, 21, 23, 24, 33, 36, 39];
    let without_http = board.has("no-http");
    for feature in all.iter().filter(|f| **f != 19 || !without_http) {
        value.extend([*feature, 1, 1]);
    }
    value
}

fn base(board: &Board, salt: u32) -> Request {
    let code_93 = match board.firmware.as_str() {
        // iPXE says what it was built for, whatever the firmware below said.
        _ if board.arch == model::Arch::X86Bios => 0,
        _ => super::edk2::arch_code(board, false),
    };
    let mut options = super::edk2::options(board, "PXEClient", code_93);
    options.push((code::USER_CLASS, b"iPXE".to_vec()));
    if !board.has("no-175") {
        options.push((code::IPXE_ENCAPSULATED, features(board)));
    }
    options.push((code::CLIENT_ID, [&[1], board.mac.as_slice()].concat()));
    Request {
        kind: Some(MessageType::Discover),
        xid: board.xid(salt),
        // It keeps its state here, not seconds.
        secs: 11,
        broadcast: false,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        options,
    }
}

/// Runs; `rom` means nobody started it, so there is no autoexec to look for.
pub async fn run(host: Host, board: Board, env: Env, rom: bool) -> Outcome {
    host.configure(None);
    if !rom
        && board.has("autoexec")
        && let Some(outcome) = autoexec(&host, &board, &env).await
    {
        return outcome;
    }
    for attempt in 0..3 {
        match own_boot(&host, &board, attempt).await {
            Ok((text, env)) => return Script::new(&host, &board, env, &text).run().await,
            Err(why) => host.say(format!("iPXE: {why}")),
        }
    }
    "stops: iPXE gives up; tries its next boot option".into()
}

/// EFI builds look for a script beside themselves before any DHCP.
async fn autoexec(host: &Host, board: &Board, env: &Env) -> Option<Outcome> {
    let dir = env.file.rsplit_once('/').map_or("", |(dir, _)| dir);
    let server = env.server?;
    // The firmware's address still holds while it does.
    host.configure(env.ack.as_ref().map(|ack| ack.yiaddr));
    for name in [format!("{dir}/autoexec.ipxe"), "/autoexec.ipxe".to_owned()] {
        let found = tftp::get(host, server, name.as_bytes(), &tftp::IPXE).await;
        if let Ok(text) = found
            && !text.is_empty()
        {
            host.configure(None);
            let text = String::from_utf8_lossy(&text).into_owned();
            return Some(Script::new(host, board, Env::default(), &text).run().await);
        }
    }
    host.configure(None);
    None
}

async fn own_boot(host: &Host, board: &Board, attempt: u32) -> Result<(String, Env), String> {
    let env = dhcp(host, board, 0x100 + attempt).await?;
    let ack = env.ack.as_ref().ok_or("no lease")?;
    let data = env.proxy.as_ref().unwrap_or(ack);
    let file = String::from_utf8_lossy(&data.boot_file()).into_owned();
    if file.is_empty() {
        return Err("nothing to boot (no file name)".into());
    }
    // With option 43.9 it would show the firmware's menu.
    if data.class_begins(b"PXEClient") && data.vendor(9).is_some() {
        let control = data.vendor(6).and_then(|v| v.first().copied()).unwrap_or(0);
        if control & 8 == 0 {
            return Err("it shows the menu of the firmware, and loads itself".into());
        }
    }
    let file = expand_settings(&file, host, board, ack);
    host.say(format!("iPXE takes {file}"));
    let bytes = fetch(host, &file, data.siaddr).await.map_err(|why| format!("{file}: {why}"))?;
    if bytes.starts_with(b"#!ipxe") {
        return Ok((String::from_utf8_lossy(&bytes).into_owned(), env));
    }
    let what = tftp::label(&bytes).map_or("no script".to_owned(), |label| label.name);
    Err(format!("{file} is {what}: it would load itself for ever"))
}

/// Gets a file by URL, or by a name relative to the next server.
pub async fn fetch(host: &Host, name: &str, next: Ipv4Addr) -> Result<Vec<u8>, String> {
    if name.starts_with("http://") {
        return get_url(host, name, "iPXE/1.21").await;
    }
    let (server, path) = match name.strip_prefix("tftp://") {
        Some(rest) => {
            let (host, path) = rest.split_once('/').ok_or("no path")?;
            (host.parse().map_err(|_| "no address")?, path)
        }
        None => (next, name),
    };
    let got = tftp::get(host, server, path.as_bytes(), &tftp::IPXE).await;
    got.map_err(|failed| failed.to_string())
}

fn expand_settings(text: &str, host: &Host, board: &Board, ack: &Reply) -> String {
    super::ipxe_script::expand(text, |name| {
        super::ipxe_script::setting(name, host, board, Some(ack))
    })
}

/// One DHCP: an address, and a proxy's word if it comes within two seconds.
pub async fn dhcp(host: &Host, board: &Board, salt: u32) -> Result<Env, String> {
    let base = base(board, salt);
    let (mut address, mut proxy): (Option<Reply>, Option<Reply>) = (None, None);
    let mut no_proxy = false;
    for window_ms in [1000, 2000, 4000, 8000, 10_000, 10_000] {
        host.send(68, (Ipv4Addr::BROADCAST, 67), base.bytes(host.mac));
        let mut until_ms = host.now() + window_ms;
        while let Some(reply) = dhcp::first(host, 68, until_ms, |r| ours(r, &base, host)).await {
            if reply.kind() == Some(2) && !reply.yiaddr.is_unspecified() {
                no_proxy |= reply
                    .option(code::IPXE_ENCAPSULATED)
                    .and_then(|value| wire::dhcp4::sub_option(value, 176))
                    .is_some_and(|value| value.iter().any(|byte| *byte != 0));
                address.get_or_insert(reply.clone());
                until_ms = until_ms.max(host.now() + 2000).min(host.now() + 2000);
            }
            let named = reply.ip(code::SERVER_ID).is_some() || !reply.siaddr.is_unspecified();
            if reply.option(code::VENDOR_CLASS) == Some(b"PXEClient") && named {
                proxy.get_or_insert(reply);
            }
            if address.is_some() && (no_proxy || proxy.is_some()) {
                break;
            }
        }
        if address.is_some() {
            break;
        }
    }
    let offer = address.ok_or("no configuration methods succeeded")?;
    let ack = dhcp::request(host, &base, &offer, &[1, 2, 4, 8]).await.ok_or("no ACK")?;
    let proxy = match proxy.filter(|p| p.yiaddr.is_unspecified()) {
        None => None,
        Some(offer) if complete(&offer) || offer.vendor(9).is_some() => Some(offer),
        Some(offer) => ask_4011(host, &base, &offer).await,
    };
    Ok(Env { server: Some(ack.siaddr), ack: Some(ack), proxy, ..Env::default() })
}

fn ours(reply: &Reply, base: &Request, host: &Host) -> bool {
    reply.xid == base.xid && reply.hardware == host.mac && reply.from.port() == 67
}

fn complete(reply: &Reply) -> bool {
    !reply.siaddr.is_unspecified() && !reply.boot_file().is_empty()
}

/// A proxy that did not say all: asked on 4011 from port 68, and not missed if it stays silent.
async fn ask_4011(host: &Host, base: &Request, offer: &Reply) -> Option<Reply> {
    let server = offer.ip(code::SERVER_ID)?;
    let mut request = base.clone();
    request.kind = Some(MessageType::Request);
    request.ciaddr = host.ip();
    host.say(format!("iPXE asks {server} on port 4011"));
    host.send(68, (server, 4011), request.bytes(host.mac));
    let until_ms = host.now() + 2000;
    dhcp::first(host, 68, until_ms, |reply| {
        reply.xid == base.xid
            && reply.from.port() == 4011
            && reply.ip(code::SERVER_ID) == Some(server)
            && matches!(reply.kind(), Some(2 | 5))
            && complete(reply)
    })
    .await
}
