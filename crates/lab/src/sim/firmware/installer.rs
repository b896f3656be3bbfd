//! The system that a kernel starts: an address of its own, then what its arguments say.

use super::dhcp::{self, Request};
use super::{Board, Outcome, url};
use crate::sim::host::{Host, HttpAsk};
use std::net::Ipv4Addr;
use wire::dhcp4::{MessageType, code};

const AGENT: &str = "Wget";

/// What comes after the kernel. Most machines here stop at it; those with the habit `installs` go on:
/// `installs`, `installs=failed`, and with `asks=PATH` they want a file besides.
pub async fn run(host: Host, board: Board, booted: String, args: &str) -> Outcome {
    if !board.has("installs") {
        return booted;
    }
    host.say(booted);
    let Some(server) = address(&host, &board).await else {
        return "its installer gets no address".into();
    };
    if let Some(path) = board.habits.get("asks") {
        let text = format!("http://{server}/{}", path.trim_start_matches('/'));
        if let Err(why) = fetch(&host, &board, &text, None).await {
            return format!("its installer stops: {path}: {why}");
        }
    }
    let answers = args.split(' ').find_map(|arg| arg.strip_prefix("url="));
    let Some(answers) = answers else { return "its system is up".into() };
    let text = match fetch(&host, &board, answers, None).await {
        Ok(text) => text,
        Err(why) => return format!("its installer stops: its answers: {why}"),
    };
    let how = board.habits.get("installs").map_or("", String::as_str);
    let report = text.split_whitespace().find(|word| word.contains("/report/"));
    let (Some(report), false) = (report, how == "silently") else {
        return "its installer has its answers".into();
    };
    let (stage, says) = match how {
        "failed" => ("failed", "no disk is large enough"),
        _ => ("done", ""),
    };
    let report = format!("{}/{stage}", report.trim_end_matches('/'));
    match fetch(&host, &board, &report, Some(says)).await {
        Ok(_) => format!("its installer says {stage}"),
        Err(why) => format!("its installer cannot say {stage}: {why}"),
    }
}

async fn fetch(
    host: &Host,
    board: &Board,
    text: &str,
    post: Option<&str>,
) -> Result<String, String> {
    let (to, target) = url(text).ok_or_else(|| format!("no URL: {text}"))?;
    let tls = match board.habits.get("installer-tls") {
        Some(word) => Some(word.parse()?),
        None => None,
    };
    let method = if post.is_some() { "POST" } else { "GET" };
    let body = post.map(|says| says.as_bytes().to_vec());
    let ask = HttpAsk { method, body, tls, ..HttpAsk::get(to, target, AGENT) };
    match host.http(ask, 30_000).await {
        Some(answer) if answer.status == 200 => {
            Ok(String::from_utf8_lossy(&answer.body).into_owned())
        }
        Some(answer) => Err(format!("HTTP {}", answer.status)),
        None => Err("no answer".to_owned()),
    }
}

/// Its own DHCP; the server that answered.
async fn address(host: &Host, board: &Board) -> Option<Ipv4Addr> {
    host.configure(None);
    let base = Request {
        kind: Some(MessageType::Discover),
        xid: board.xid(0x40),
        secs: 0,
        broadcast: false,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        options: vec![(code::PARAMETER_LIST, vec![1, 3, 6, 12, 15, 28])],
    };
    for window_s in [4, 8] {
        host.send(68, (Ipv4Addr::BROADCAST, 67), base.bytes(host.mac));
        let until_ms = host.now() + window_s * 1000;
        let offer = dhcp::first(host, 68, until_ms, |reply| {
            reply.xid == base.xid && reply.kind() == Some(2) && !reply.yiaddr.is_unspecified()
        })
        .await;
        let Some(offer) = offer else { continue };
        if let Some(ack) = dhcp::request(host, &base, &offer, &[4, 8]).await {
            return ack.ip(code::SERVER_ID);
        }
    }
    None
}
