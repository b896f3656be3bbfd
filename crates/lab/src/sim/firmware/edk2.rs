//! EDK2's PXE over IPv4: it collects offers for a whole window, files each under a class, takes
//! the best class, and only then asks.

use super::dhcp::{self, Reply, Request};
use super::{Board, Env, Outcome, tftp};
use crate::sim::host::Host;
use std::net::Ipv4Addr;
use wire::dhcp4::{MessageType, code};

/// Windows in seconds (PXE 2.1).
const WINDOWS_S: [u64; 4] = [4, 8, 16, 32];

/// What EDK2 makes of an offer. The order is its order of preference, worst last.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// Address and boot data for PXE.
    DhcpPxe10,
    /// Address; class PXEClient without 43: to be asked again on 4011.
    DhcpBinl,
    /// Address only (perhaps with a boot file).
    DhcpOnly,
    /// No address, boot data for PXE.
    ProxyPxe10,
    /// No address, to be asked again on 4011.
    ProxyBinl,
}

/// Files an offer. Nothing: it is dropped.
#[must_use]
pub fn classify(reply: &Reply, xid: u32, mac: [u8; 6]) -> Option<Class> {
    let server = reply.ip(code::SERVER_ID).filter(|server| !server.is_unspecified());
    let wellformed = reply.xid == xid
        && reply.hardware == mac
        && reply.kind() == Some(2)
        && server.is_some()
        && reply.from.port() == 67
        && reply.length <= 1472
        && reply.lengths_hold();
    if !wellformed {
        return None;
    }
    // Only the first byte is looked at.
    let proxy = reply.yiaddr.octets()[0] == 0;
    let pxe = reply.class_begins(b"PXEClient");
    let discovery = pxe && (6..=10).any(|tag| reply.vendor(tag).is_some());
    let multicast = pxe && (1..=5).all(|tag| reply.vendor(tag).is_some());
    match (proxy, pxe) {
        _ if multicast => None,
        (true, true) if discovery => Some(Class::ProxyPxe10),
        (true, true) => Some(Class::ProxyBinl),
        (true, false) => None,
        (false, true) if discovery => Some(Class::DhcpPxe10),
        (false, true) => Some(Class::DhcpBinl),
        (false, false) => Some(Class::DhcpOnly),
    }
}

/// The options every message of this firmware carries.
#[must_use]
pub fn options(board: &Board, class: &str, code_93: u16) -> Vec<(u8, Vec<u8>)> {
    let mut options = vec![
        (code::MAX_MESSAGE_SIZE, 1472_u16.to_be_bytes().to_vec()),
        (
            code::PARAMETER_LIST,
            vec![
                1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58,
                59, 60, 66, 67, 97, 128, 129, 130, 131, 132, 133, 134, 135,
            ],
        ),
    ];
    if !board.has("no-97") {
        let length = usize::try_from(board.number("97-length", 16)).unwrap_or(16).min(16);
        options.push((code::CLIENT_MACHINE_ID, [&[0], &board.uuid[..length]].concat()));
    }
    if !board.has("no-94") {
        options.push((code::CLIENT_NDI, vec![1, 3, 0]));
    }
    if !board.has("no-93") {
        options.push((code::CLIENT_ARCH, code_93.to_be_bytes().to_vec()));
    }
    let class = format!("{class}:Arch:{code_93:05}:UNDI:003000");
    options.push((code::VENDOR_CLASS, class.into_bytes()));
    options
}

/// The code this board says in option 93, unless a habit says another.
#[must_use]
pub fn arch_code(board: &Board, http: bool) -> u16 {
    use model::Arch::{Arm32Uefi, Arm64Uefi, Ia32Uefi, Riscv64Uefi, X64Uefi};
    let usual = match (board.arch, http) {
        (Ia32Uefi, false) => 6,
        (X64Uefi, false) => 7,
        (Arm32Uefi, false) => 10,
        (Arm64Uefi, false) => 11,
        (Riscv64Uefi, false) => 27,
        (Ia32Uefi, true) => 15,
        (X64Uefi, true) => 16,
        (Arm32Uefi, true) => 18,
        (Arm64Uefi, true) => 19,
        _ => 0,
    };
    u16::try_from(board.number("arch", usual)).unwrap_or(0)
}

/// A whole network boot.
pub async fn run(host: Host, board: Board) -> Outcome {
    match boot(&host, &board).await {
        Ok((env, bytes)) => match tftp::label(&bytes) {
            Ok(label) => super::start(host, board, env, label).await,
            Err(_) => {
                "stops: PXE-E99, what was loaded is no image; tries its next boot option".into()
            }
        },
        Err(why) => format!("stops: {why}; tries its next boot option"),
    }
}

async fn boot(host: &Host, board: &Board) -> Result<(Env, Vec<u8>), String> {
    let base = Request {
        kind: Some(MessageType::Discover),
        xid: board.xid(0),
        secs: 0,
        broadcast: !board.has("unicast"),
        ciaddr: Ipv4Addr::UNSPECIFIED,
        options: options(board, "PXEClient", arch_code(board, false)),
    };
    let offers = discover(host, board, &base).await?;
    let (chosen, proxies) = choose(&offers, board).ok_or("PXE-E16, no valid offer")?;
    let (class, offer) = chosen;
    let with = proxies.first().map(|(class, reply)| format!(" with {class:?} of {}", who(reply)));
    host.say(format!("takes {class:?} of {}{}", who(&offer), with.unwrap_or_default()));
    let ack = dhcp::request(host, &base, &offer, &WINDOWS_S)
        .await
        .ok_or("PXE-E18, no answer to its REQUEST")?;
    let boot_data = boot_data(host, &base, class, &ack, &proxies).await?;
    let file = boot_file(&boot_data)?;
    let server = next_server(&boot_data).ok_or("PXE-E99, no server")?;
    let proxy = (boot_data.yiaddr.is_unspecified()).then(|| boot_data.clone());
    let name = String::from_utf8_lossy(&file).into_owned();
    if boot_data.option(code::BOOT_FILE_SIZE).is_none() {
        let size = tftp::get(host, server, &file, &tftp::EDK2_SIZE).await;
        if let Err(failed) = size
            && !matches!(failed, tftp::Failed::Size(size) if size > 0)
        {
            return Err(format!("PXE-E23, {name}: {failed}"));
        }
    }
    let bytes = tftp::get(host, server, &file, &tftp::EDK2)
        .await
        .map_err(|failed| format!("PXE-E23, {name}: {failed}"))?;
    let env = Env { ack: Some(ack), proxy, server: Some(server), file: name, http: false };
    Ok((env, bytes))
}

type Filed = (Class, Reply);

/// DISCOVERs, window after window, until one of them has brought something to boot from.
async fn discover(host: &Host, board: &Board, base: &Request) -> Result<Vec<Filed>, String> {
    let mut offers: Vec<Filed> = Vec::new();
    for window_s in WINDOWS_S {
        host.send(68, (Ipv4Addr::BROADCAST, 67), base.bytes(host.mac));
        let until_ms = host.now() + window_s * 1000;
        let replies = dhcp::collect(host, 68, until_ms, |reply| reply.heard_by(base)).await;
        for reply in replies {
            match classify(&reply, base.xid, host.mac) {
                // Vendor forks exist that look away when option 43 says "boot this file".
                Some(Class::ProxyPxe10) if board.has("ignores-bypass") => {}
                Some(class) if offers.len() < 16 => offers.push((class, reply)),
                _ => {}
            }
        }
        if choose(&offers, board).is_some() {
            return Ok(offers);
        }
    }
    let addresses = offers.iter().filter(|(class, _)| *class <= Class::DhcpOnly).count();
    Err(format!("PXE-E16, no valid offer ({addresses} with an address, none to boot from)"))
}

/// The offer with the address, and the proxies that go with it.
fn choose(offers: &[Filed], board: &Board) -> Option<(Filed, Vec<Filed>)> {
    let of = |class: Class| offers.iter().filter(move |(c, _)| *c == class);
    let alone = |filed: &Filed| Some((filed.clone(), Vec::new()));
    let with = |proxies: Vec<Filed>| {
        let address = of(Class::DhcpOnly).next()?.clone();
        (!proxies.is_empty()).then_some((address, proxies))
    };
    if let Some(best) = of(Class::DhcpPxe10).next() {
        return alone(best);
    }
    if let Some(both) = with(of(Class::ProxyPxe10).take(1).cloned().collect()) {
        return Some(both);
    }
    // Other forks never ask on 4011.
    if !board.has("never-asks-4011") {
        if let Some(binl) = of(Class::DhcpBinl).next() {
            return alone(binl);
        }
        if let Some(both) = with(of(Class::ProxyBinl).cloned().collect()) {
            return Some(both);
        }
    }
    of(Class::DhcpOnly).find(|(_, reply)| !reply.boot_file().is_empty()).and_then(alone)
}

/// The message that says what to boot: the ACK, a proxy's offer, or an answer from port 4011.
async fn boot_data(
    host: &Host,
    base: &Request,
    class: Class,
    ack: &Reply,
    proxies: &[Filed],
) -> Result<Reply, String> {
    match (class, proxies) {
        (Class::DhcpBinl, _) => binl(host, base, ack).await,
        (_, []) => Ok(ack.clone()),
        (_, [(Class::ProxyPxe10, reply), ..]) => Ok(reply.clone()),
        (_, binls) => {
            for (_, reply) in binls {
                if let Ok(answer) = binl(host, base, reply).await {
                    return Ok(answer);
                }
            }
            Err("PXE-E18, nobody answers on port 4011".into())
        }
    }
}

/// Asks on 4011, from 4011, and listens only there.
async fn binl(host: &Host, base: &Request, offer: &Reply) -> Result<Reply, String> {
    let server = Some(offer.siaddr).filter(|s| !s.is_unspecified());
    let server = server.or(offer.ip(code::SERVER_ID)).ok_or("no server to ask on 4011")?;
    host.say(format!("asks {server} on port 4011"));
    let mut request = base.clone();
    request.kind = Some(MessageType::Request);
    request.ciaddr = host.ip();
    host.open(4011);
    let mut answer = None;
    for seconds in 1..=4 {
        host.send(4011, (server, 4011), request.bytes(host.mac));
        let until_ms = host.now() + seconds * 1000;
        answer = dhcp::first(host, 4011, until_ms, |reply| {
            reply.xid == base.xid
                && reply.hardware == host.mac
                && reply.kind() == Some(5)
                && reply.lengths_hold()
                && (!reply.boot_file().is_empty() || (6..=10).any(|t| reply.vendor(t).is_some()))
        })
        .await;
        if answer.is_some() {
            break;
        }
    }
    host.close(4011);
    answer.ok_or_else(|| format!("PXE-E18, {server} does not answer on port 4011"))
}

/// The boot file, after what option 43 says about menus.
fn boot_file(data: &Reply) -> Result<Vec<u8>, String> {
    let file = data.boot_file();
    let pxe = data.class_begins(b"PXEClient");
    let discovery = pxe && (6..=10).any(|tag| data.vendor(tag).is_some());
    let control = data.vendor(6).and_then(|value| value.first().copied()).unwrap_or(0);
    let at_once = control & 8 != 0 && !file.is_empty();
    if discovery && !at_once && data.vendor(9).is_none() {
        return Err("PXE-E21, remote boot cancelled".into());
    }
    if file.is_empty() {
        return Err("PXE-E53, no boot file name".into());
    }
    Ok(file)
}

fn next_server(data: &Reply) -> Option<Ipv4Addr> {
    let control = data.vendor(6).and_then(|value| value.first().copied()).unwrap_or(0);
    let listed = data.vendor(8).filter(|_| control & 8 != 0);
    if let Some(list) = listed {
        let first: [u8; 4] = list.get(3..7)?.try_into().ok()?;
        return Some(Ipv4Addr::from(first));
    }
    let siaddr = Some(data.siaddr).filter(|s| !s.is_unspecified());
    siaddr.or(data.ip(code::SERVER_ID))
}

fn who(reply: &Reply) -> String {
    reply.ip(code::SERVER_ID).map_or_else(|| reply.from.to_string(), |server| server.to_string())
}
