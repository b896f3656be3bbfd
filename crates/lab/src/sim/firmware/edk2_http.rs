//! EDK2's HTTP Boot over IPv4: offers are ranked by the URL in them, then HEAD, then GET.

use super::dhcp::{self, Reply, Request};
use super::{Board, Env, Outcome, edk2, tftp, url};
use crate::sim::host::{Host, HttpAsk};
use model::event::TlsFault;
use std::net::Ipv4Addr;
use wire::dhcp4::{MessageType, code};

const AGENT: &str = "UefiHttpBoot/1.0";

/// What it makes of an offer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    /// An address and a URL by number.
    DhcpUri,
    /// An address.
    DhcpOnly,
    /// A URL by number, no address.
    ProxyUri,
}

fn classify(reply: &Reply, xid: u32, mac: [u8; 6]) -> Option<Class> {
    let wellformed = reply.xid == xid
        && reply.hardware == mac
        && reply.kind() == Some(2)
        && reply.from.port() == 67
        && reply.length <= 1472
        && reply.lengths_hold()
        && reply.ip(code::SERVER_ID).is_some();
    if !wellformed {
        return None;
    }
    let proxy = reply.yiaddr.octets()[0] == 0;
    let file = String::from_utf8_lossy(&reply.boot_file()).into_owned();
    let uri = url(&file).is_some();
    match (proxy, reply.class_begins(b"HTTPClient")) {
        (false, true) if uri => Some(Class::DhcpUri),
        (true, true) if uri => Some(Class::ProxyUri),
        (_, true) | (true, false) => None,
        (false, false) => Some(Class::DhcpOnly),
    }
}

/// A whole boot.
pub async fn run(host: Host, board: Board) -> Outcome {
    match boot(&host, &board).await {
        Ok((env, bytes)) => match tftp::label(&bytes) {
            Ok(label) => super::start(host, board, env, label).await,
            Err(_) => "stops: what was loaded is no image; tries its next boot option".into(),
        },
        Err(why) => format!("stops: HTTP Boot: {why}; tries its next boot option"),
    }
}

async fn boot(host: &Host, board: &Board) -> Result<(Env, Vec<u8>), String> {
    let base = Request {
        kind: Some(MessageType::Discover),
        xid: board.xid(0x10),
        secs: 0,
        broadcast: !board.has("unicast"),
        ciaddr: Ipv4Addr::UNSPECIFIED,
        options: edk2::options(board, "HTTPClient", edk2::arch_code(board, true)),
    };
    let (offer, proxy) = discover(host, &base).await?;
    let ack = dhcp::request(host, &base, &offer, &[4, 8, 16, 32]).await.ok_or("no ACK")?;
    let data = proxy.as_ref().unwrap_or(&ack);
    // Somebody may have typed another into its set-up.
    let typed = board.habits.get("types").cloned();
    let uri = typed.unwrap_or_else(|| String::from_utf8_lossy(&data.boot_file()).into_owned());
    let (to, target) = url(&uri).ok_or_else(|| format!("no URL in `{uri}`"))?;
    host.say(format!("takes {uri}"));
    let tls = may_connect(board, &uri)?;
    let ask = |method| HttpAsk { method, tls, ..HttpAsk::get(to, target.clone(), AGENT) };
    let head = host.http(ask("HEAD"), 5000).await.ok_or("no answer to HEAD")?;
    let kind = image_type(&head.media, &target);
    if head.status != 200 {
        return Err(format!("{uri}: {}", head.status));
    }
    if kind != Some("efi") {
        return Err(format!("unsupported: {uri} is {}", head.media));
    }
    let got = host.http(ask("GET"), 30_000).await.ok_or("no answer to GET")?;
    if got.status != 200 || got.length != head.length || got.media != head.media {
        return Err("HEAD and GET do not agree".into());
    }
    let path = target.split('?').next().unwrap_or(&target).to_owned();
    let env = Env { ack: Some(ack), proxy, server: Some(*to.ip()), file: path, http: true };
    Ok((env, got.body))
}

/// Whether it connects at all, and what it will find in the way of TLS.
fn may_connect(board: &Board, uri: &str) -> Result<Option<TlsFault>, String> {
    if !uri.starts_with("https://") {
        return match board.has("https-only") {
            true => Err("access denied: http:// is not allowed".into()),
            false => Ok(None),
        };
    }
    match board.habits.get("tls") {
        None => Err("no CA is enrolled".into()),
        Some(word) if word == "trusts" => Ok(None),
        Some(word) => word.parse().map(Some),
    }
}

async fn discover(host: &Host, base: &Request) -> Result<(Reply, Option<Reply>), String> {
    let mut offers: Vec<(Class, Reply)> = Vec::new();
    for window_s in [4, 8, 16, 32] {
        host.send(68, (Ipv4Addr::BROADCAST, 67), base.bytes(host.mac));
        let until_ms = host.now() + window_s * 1000;
        for reply in dhcp::collect(host, 68, until_ms, |reply| reply.heard_by(base)).await {
            if let Some(class) = classify(&reply, base.xid, host.mac) {
                offers.push((class, reply));
            }
        }
        let of = |class| offers.iter().find(|(c, _)| *c == class).map(|(_, reply)| reply.clone());
        match (of(Class::DhcpUri), of(Class::DhcpOnly), of(Class::ProxyUri)) {
            (Some(best), _, _) => return Ok((best, None)),
            (None, Some(address), Some(proxy)) => return Ok((address, Some(proxy))),
            _ => {}
        }
    }
    Err("no offer of class HTTPClient with a URL".into())
}

/// By the exact media type, else by the last four characters of the path.
fn image_type(media: &str, target: &str) -> Option<&'static str> {
    let path = target.split('?').next().unwrap_or(target).to_ascii_lowercase();
    match media {
        "application/efi" => Some("efi"),
        "application/vnd.efi-iso" => Some("iso"),
        "application/vnd.efi-img" => Some("img"),
        _ if path.ends_with(".efi") => Some("efi"),
        _ => None,
    }
}
