//! U-Boot and Petitboot: one DHCP, the boot file from the header, and a pxelinux configuration.

use super::dhcp::{self, Request};
use super::{Board, Env, Outcome, tftp};
use crate::sim::host::Host;
use std::net::Ipv4Addr;
use wire::dhcp4::{MessageType, code};

/// A whole boot.
pub async fn run(host: Host, board: Board) -> Outcome {
    match boot(&host, &board).await {
        Ok(end) => end.await,
        Err(why) => format!("stops: {why}"),
    }
}

fn base(board: &Board) -> Request {
    let mut options = vec![(code::MAX_MESSAGE_SIZE, 576_u16.to_be_bytes().to_vec())];
    let (class, code_93): (&str, u16) = match (board.firmware.as_str(), board.arch) {
        ("petitboot", _) => ("", 14),
        (_, model::Arch::Arm64Uefi) => ("U-Boot.armv8", 22),
        _ => ("U-Boot.armv7", 21),
    };
    if !class.is_empty() {
        options.push((code::VENDOR_CLASS, class.as_bytes().to_vec()));
    }
    if !board.has("no-93") {
        options.push((code::CLIENT_ARCH, code_93.to_be_bytes().to_vec()));
    }
    options.push((code::PARAMETER_LIST, vec![1, 3, 6, 12, 17, 66, 67, 209, 210]));
    Request {
        kind: Some(MessageType::Discover),
        xid: board.xid(0x50),
        secs: 0,
        broadcast: false,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        options,
    }
}

async fn boot(host: &Host, board: &Board) -> Result<super::Program, String> {
    let base = base(board);
    let (mut offer, mut proxy) = (None, None);
    for _ in 0..5 {
        host.send(68, (Ipv4Addr::BROADCAST, 67), base.bytes(host.mac));
        let mut until_ms = host.now() + 5000;
        while let Some(reply) = dhcp::first(host, 68, until_ms, |reply| {
            reply.xid == base.xid && reply.hardware == host.mac && reply.kind() == Some(2)
        })
        .await
        {
            if reply.yiaddr.is_unspecified() {
                proxy = proxy.or(Some(reply));
                continue;
            }
            offer = offer.or(Some(reply));
            // Builds that know proxies at all give them a moment only.
            until_ms = host.now() + if board.has("proxy") { 100 } else { 0 };
        }
        if offer.is_some() {
            break;
        }
    }
    let offer = offer.ok_or("no address")?;
    let ack = dhcp::request(host, &base, &offer, &[5, 5, 5]).await.ok_or("no ACK")?;
    let data = proxy.filter(|_| board.has("proxy")).unwrap_or_else(|| ack.clone());
    let server = data.siaddr;
    // The header counts; an option 52 would hide it.
    let file = String::from_utf8_lossy(&data.file).into_owned();
    let config =
        data.option(code::PXELINUX_CONFIG).map(|n| String::from_utf8_lossy(n).into_owned());
    if server.is_unspecified() || (file.is_empty() && config.is_none()) {
        return Err("no boot file in the header".into());
    }
    let (host, board) = (host.clone(), board.clone());
    match config {
        Some(config) => Ok(Box::pin(pxelinux(host, board, server, config, tftp::U_BOOT))),
        None => {
            let habits = if board.has("flashes") { tftp::FLASHER } else { tftp::U_BOOT };
            let bytes = tftp::get(&host, server, file.as_bytes(), &habits)
                .await
                .map_err(|failed| format!("{file}: {failed}"))?;
            let label = tftp::label(&bytes).map_err(|failed| format!("{file}: {failed}"))?;
            let env = Env { ack: Some(ack), server: Some(server), file, ..Env::default() };
            Ok(super::start(host, board, env, label))
        }
    }
}

/// PXELINUX: its names one after the other, beside the boot file, then the configuration.
pub async fn pxelinux_search(host: Host, board: Board, env: Env) -> Outcome {
    let server = env.server.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let dir = env.file.rsplit_once('/').map(|(dir, _)| format!("{dir}/")).unwrap_or_default();
    let mac = board.mac.map(|byte| format!("{byte:02x}")).join("-");
    let address = format!("{:08X}", u32::from(host.ip()));
    let mut names = vec![model::Uuid::from_option_97(board.uuid).to_string(), format!("01-{mac}")];
    names.extend((1..=8).rev().map(|digits| address[..digits].to_owned()));
    names.push("default".into());
    for name in names {
        let name = format!("{dir}pxelinux.cfg/{name}");
        match tftp::get(&host, server, name.as_bytes(), &tftp::PXELINUX).await {
            Ok(_) => return pxelinux(host, board, server, name, tftp::PXELINUX).await,
            Err(tftp::Failed::NotFound) => {}
            Err(why) => return format!("stops: {name}: {why}"),
        }
    }
    "stops: PXELINUX finds no configuration".into()
}

/// Follows a configuration: its default label.
async fn pxelinux(
    host: Host,
    board: Board,
    server: Ipv4Addr,
    config: String,
    habits: tftp::Habits,
) -> Outcome {
    let text = match tftp::get(&host, server, config.as_bytes(), &habits).await {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(failed) => return format!("stops: {config}: {failed}"),
    };
    let word = |line: &str, name: &str| {
        let line = line.trim();
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        (first.eq_ignore_ascii_case(name)).then(|| rest.trim().to_owned())
    };
    for line in text.lines() {
        if let Some(says) = word(line, "SAY") {
            host.say(format!("| {says}"));
        }
    }
    let default = text.lines().find_map(|line| word(line, "DEFAULT")).unwrap_or_default();
    let chosen = board.habits.get("chooses").cloned().unwrap_or(default);
    let block: Vec<&str> = text
        .lines()
        .skip_while(|line| word(line, "LABEL").as_deref() != Some(chosen.as_str()))
        .skip(1)
        .take_while(|line| word(line, "LABEL").is_none())
        .collect();
    let of = |name: &str| block.iter().find_map(|line| word(line, name));
    if of("LOCALBOOT").is_some() {
        return "starts the local disk (LOCALBOOT)".into();
    }
    let Some(kernel) = of("KERNEL") else { return format!("stops: {config} has no kernel") };
    let mut names = vec![kernel];
    names.extend(
        of("INITRD")
            .map(|i| i.split(',').map(str::to_owned).collect::<Vec<_>>())
            .unwrap_or_default(),
    );
    let mut loaded = Vec::new();
    for name in names {
        match tftp::get(&host, server, name.as_bytes(), &habits).await.and_then(|b| tftp::label(&b))
        {
            Ok(label) => loaded.push(label.name),
            Err(failed) => return format!("stops: {name}: {failed}"),
        }
    }
    format!("boots {} and `{}`", loaded.join(" with "), of("APPEND").unwrap_or_default())
}
