//! PXE ROMs of BIOS machines, after Intel's: PXE 2.1 to the letter, and old.

use super::dhcp::{self, Reply, Request};
use super::{Board, Env, Outcome, tftp};
use crate::sim::host::Host;
use std::net::Ipv4Addr;
use wire::dhcp4::{MessageType, code};

/// A whole boot.
pub async fn run(host: Host, board: Board) -> Outcome {
    match boot(&host, &board).await {
        Ok((env, bytes)) => match tftp::label(&bytes) {
            Ok(label) => super::start(host, board, env, label).await,
            Err(_) => "stops: the boot file is no program; tries its next boot device".into(),
        },
        Err(why) => format!("stops: {why}; tries its next boot device"),
    }
}

fn base(board: &Board) -> Request {
    let mut options = super::edk2::options(board, "PXEClient", 0);
    for (code, value) in &mut options {
        match *code {
            code::CLIENT_NDI => *value = vec![1, 2, 1],
            code::VENDOR_CLASS => *value = b"PXEClient:Arch:00000:UNDI:002001".to_vec(),
            code::MAX_MESSAGE_SIZE => *value = 1260_u16.to_be_bytes().to_vec(),
            _ => {}
        }
    }
    Request {
        kind: Some(MessageType::Discover),
        xid: board.xid(0x20),
        secs: 4,
        broadcast: !board.has("unicast"),
        ciaddr: Ipv4Addr::UNSPECIFIED,
        options,
    }
}

async fn boot(host: &Host, board: &Board) -> Result<(Env, Vec<u8>), String> {
    let base = base(board);
    let (offer, proxy) = discover(host, &base).await?;
    let ack = dhcp::request(host, &base, &offer, &[4, 8, 16, 32])
        .await
        .ok_or("PXE-E51, no answer to its REQUEST")?;
    let mut data = proxy.unwrap_or_else(|| ack.clone());
    if data.class_begins(b"PXEClient") && !usable(&data) {
        data = ask_4011(host, &base, &data).await?;
    }
    let file = name(&data, board);
    if file.is_empty() {
        return Err("PXE-E53, no boot file name".into());
    }
    let siaddr = Some(data.siaddr).filter(|s| !s.is_unspecified());
    let server = siaddr.or(data.ip(code::SERVER_ID)).ok_or("PXE-E53, no server")?;
    let shown = model::text::show(&file);
    let habits = if board.has("no-room") { &tftp::SMALL_BIOS } else { &tftp::BIOS };
    let bytes = tftp::get(host, server, &file, habits)
        .await
        .map_err(|failed| format!("PXE-E3B, {shown}: {failed}"))?;
    let proxy = data.yiaddr.is_unspecified().then_some(data);
    let env = Env { ack: Some(ack), proxy, server: Some(server), file: shown, http: false };
    Ok((env, bytes))
}

/// The address and the word of a PXE server, which may be the same message.
async fn discover(host: &Host, base: &Request) -> Result<(Reply, Option<Reply>), String> {
    let mut offers: Vec<Reply> = Vec::new();
    for window_s in [4, 8, 16, 32] {
        host.send(68, (Ipv4Addr::BROADCAST, 67), base.bytes(host.mac));
        let until_ms = host.now() + window_s * 1000;
        let of_us = |reply: &Reply| {
            reply.xid == base.xid
                && reply.heard_by(base)
                && reply.hardware == host.mac
                && reply.kind() == Some(2)
                && reply.ip(code::SERVER_ID).is_some()
                // Shorter ones are dropped.
                && reply.length >= 300
        };
        offers.extend(dhcp::collect(host, 68, until_ms, of_us).await);
        let address = |reply: &&Reply| !reply.yiaddr.is_unspecified();
        let pxe = |reply: &&Reply| reply.class_begins(b"PXEClient");
        if let Some(both) = offers.iter().filter(address).find(pxe) {
            return Ok((both.clone(), None));
        }
        let offer = offers.iter().find(address).cloned();
        let proxy = offers.iter().find(|reply| !address(reply) && pxe(reply)).cloned();
        match (offer, proxy) {
            (Some(offer), Some(proxy)) => return Ok((offer, Some(proxy))),
            (Some(offer), None) if !offer.file.is_empty() => return Ok((offer, None)),
            _ => {}
        }
    }
    Err(match offers.is_empty() {
        true => "PXE-E51, no DHCP or proxyDHCP offers were received".into(),
        false => "PXE-E53, no boot file name in any offer".into(),
    })
}

/// Says by itself what to boot: option 43 with "this file at once", or with a menu.
fn usable(reply: &Reply) -> bool {
    let control = reply.vendor(6).and_then(|value| value.first().copied()).unwrap_or(0);
    (control & 8 != 0 && !(reply.file.is_empty() && reply.boot_file().is_empty()))
        || reply.vendor(9).is_some()
}

async fn ask_4011(host: &Host, base: &Request, offer: &Reply) -> Result<Reply, String> {
    // BIOS ROMs ask the server of option 54; UEFI asks siaddr.
    let server = offer.ip(code::SERVER_ID).ok_or("no server")?;
    host.say(format!("asks {server} on port 4011"));
    let mut request = base.clone();
    request.kind = Some(MessageType::Request);
    request.ciaddr = host.ip();
    for seconds in 1..=4 {
        host.send(68, (server, 4011), request.bytes(host.mac));
        let until_ms = host.now() + seconds * 1000;
        let answer = dhcp::first(host, 68, until_ms, |reply| {
            reply.xid == base.xid && reply.kind() == Some(5) && reply.from.port() == 4011
        })
        .await;
        if let Some(answer) = answer {
            return Ok(answer);
        }
    }
    Err(format!("PXE-E55, {server} did not reply on port 4011"))
}

/// The boot file's name, with the mistakes of some ROMs.
fn name(data: &Reply, board: &Board) -> Vec<u8> {
    let whole = data.option(code::BOOT_FILE_NAME);
    match whole {
        // The header is all that old ROMs know; an option 52 hides it.
        _ if board.has("header-only") => data.file.clone(),
        // Reads option 67 on to the next zero byte: without one it swallows what follows.
        Some(name) if board.has("c-string") => match name.contains(&0) {
            true => name.split(|b| *b == 0).next().unwrap_or(&[]).to_vec(),
            false => [name, &[0xff]].concat(),
        },
        // And where it does so whatever there is.
        Some(_) if board.has("junk") => [data.boot_file(), vec![0xff]].concat(),
        _ => data.boot_file(),
    }
}
