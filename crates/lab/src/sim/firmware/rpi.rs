//! Boot ROMs of Raspberry Pis: architecture 0, an offer without a REQUEST (3B), files in the root
//! or under the serial number.

use super::dhcp::{self, Reply, Request};
use super::{Board, Outcome, tftp};
use crate::sim::host::Host;
use std::net::Ipv4Addr;
use wire::dhcp4::{MessageType, code};

/// A whole boot.
pub async fn run(host: Host, board: Board) -> Outcome {
    match boot(&host, &board).await {
        Ok(outcome) => outcome,
        Err(why) => format!("stops: {why}; tries its next boot medium"),
    }
}

async fn boot(host: &Host, board: &Board) -> Result<Outcome, String> {
    let four = board.firmware == "rpi4";
    let serial = [board.mac[2], board.mac[3], board.mac[4], board.mac[5]];
    let id: Vec<u8> = match four {
        true => [b"\0RPi4".as_slice(), &[0xc0, 0x31, 0x11, 0], &serial, &serial].concat(),
        false => [&[0], [0x44; 16].as_slice()].concat(),
    };
    let class = (code::VENDOR_CLASS, b"PXEClient:Arch:00000:UNDI:002001".to_vec());
    let base = Request {
        kind: Some(MessageType::Discover),
        xid: board.xid(0x40),
        secs: 0,
        broadcast: false,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        options: vec![
            (code::PARAMETER_LIST, vec![43, 60, 66, 67, 128, 129, 130, 131, 132, 133, 134, 135]),
            (code::CLIENT_ARCH, vec![0, 0]),
            (code::CLIENT_NDI, vec![1, 2, 1]),
            (code::CLIENT_MACHINE_ID, id),
            class,
        ],
    };
    let (address, boot) = discover(host, &base, four).await?;
    let server = server(&boot)?;
    if four {
        let mut again = base.clone();
        // It leaves its class out of the REQUEST.
        again.options.retain(|(code, _)| *code != code::VENDOR_CLASS);
        let ack = dhcp::request(host, &again, &address, &[4, 4, 4]).await.ok_or("no ACK")?;
        reachable(&ack, server)?;
    } else {
        reachable(&address, server)?;
        host.configure(Some(address.yiaddr));
        host.deaf_to_arp(board.has("deaf"));
    }
    let prefix: String = serial.map(|byte| format!("{byte:02x}")).concat();
    files(host, server, &prefix, board).await
}

/// It takes five rounds of five seconds, and only offers with the words it looks for.
async fn discover(host: &Host, base: &Request, four: bool) -> Result<(Reply, Reply), String> {
    let (mut address, mut boot) = (None, None);
    for _ in 0..5 {
        host.send(68, (Ipv4Addr::BROADCAST, 67), base.bytes(host.mac));
        let until_ms = host.now() + 5000;
        while let Some(reply) = dhcp::first(host, 68, until_ms, |reply| {
            reply.xid == base.xid && reply.hardware == host.mac && reply.kind() == Some(2)
        })
        .await
        {
            // Early EEPROMs trip over an option 0 between options, the ROM over any relay.
            if reply.pads_between || reply.hops > 1 {
                continue;
            }
            if !reply.yiaddr.is_unspecified() {
                address.get_or_insert(reply.clone());
            }
            let menu = reply.vendor(9).unwrap_or_default();
            let wanted: &[u8] = if four { b"Raspberry Pi Boot" } else { b"Raspberry Pi Boot   " };
            if menu.get(3..).is_some_and(|text| text.starts_with(wanted)) {
                boot.get_or_insert(reply);
            }
            if let (Some(address), Some(boot)) = (&address, &boot) {
                return Ok((address.clone(), boot.clone()));
            }
        }
    }
    Err(match address {
        Some(_) => "no offer with the words Raspberry Pi Boot".into(),
        None => "no address".into(),
    })
}

/// The last of 43 and 66 counts; without 66 it is whoever gave the address.
fn server(boot: &Reply) -> Result<Ipv4Addr, String> {
    let place = |code| boot.options.iter().position(|(c, _)| *c == code);
    match boot.option(code::TFTP_SERVER_NAME) {
        Some(name) if place(code::TFTP_SERVER_NAME) > place(code::VENDOR_SPECIFIC) => {
            let text = String::from_utf8_lossy(name);
            text.parse().map_err(|_| format!("option 66 is `{}`", model::text::show(name)))
        }
        Some(_) => Err("option 43 stands after 66".into()),
        None => Ok(*boot.from.ip()),
    }
}

/// It asks for neither mask nor router, and cannot do without.
fn reachable(lease: &Reply, server: Ipv4Addr) -> Result<(), String> {
    let mask = lease.ip(code::SUBNET_MASK).ok_or("no subnet mask")?;
    let net = |ip: Ipv4Addr| u32::from(ip) & u32::from(mask);
    if net(lease.yiaddr) != net(server) && lease.ip(code::ROUTER).is_none() {
        return Err(format!("no way to {server}"));
    }
    Ok(())
}

async fn files(
    host: &Host,
    server: Ipv4Addr,
    prefix: &str,
    board: &Board,
) -> Result<Outcome, String> {
    let four = board.firmware == "rpi4";
    let habits = match (four, board.has("counts-to-65535")) {
        (false, _) => tftp::RPI_ROM,
        (true, false) => tftp::RPI_EEPROM,
        (true, true) => tftp::RPI_EEPROM_OLD,
    };
    let get = async |name: String| tftp::get(host, server, name.as_bytes(), &habits).await;
    if !four {
        get("bootcode.bin".into()).await.map_err(|why| format!("bootcode.bin: {why}"))?;
        let _ = get("bootsig.bin".into()).await;
    }
    let elf = if four { "start4.elf" } else { "start.elf" };
    let dir = match get(format!("{prefix}/{elf}")).await {
        Ok(_) => format!("{prefix}/"),
        Err(_) => {
            get(elf.into()).await.map_err(|why| format!("{elf}: {why}"))?;
            String::new()
        }
    };
    let _ = get(format!("{dir}config.txt")).await;
    let _ = get(format!("{dir}cmdline.txt")).await;
    let kernel = format!("{dir}kernel8.img");
    let bytes = get(kernel.clone()).await.map_err(|why| format!("{kernel}: {why}"))?;
    let label = tftp::label(&bytes).map_err(|why| format!("{kernel}: {why}"))?;
    Ok(format!("boots {}", label.name))
}
